"""A notebook as it lies on disk: what cannot run as Python is refused in a sentence before any kernel starts."""

from __future__ import annotations

import ast
import json
import warnings
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat.reader import reads
from nbformat.validator import normalize, validate

OLDEST, NEWEST = 3, 4  # nbformat's; 3 is converted
# Kernels that a notebook may name without saying their language.
_OTHERS = {"ir": "R", "irkernel": "R", "julia": "Julia", "bash": "bash", "deno": "TypeScript", "octave": "Octave"}


class NotebookError(ValueError):
    """A notebook that cannot be part of a report; nothing has been started."""


def read_notebook(path: Path) -> nbformat.NotebookNode:
    """The notebook in the shape of today, its cells with ids. One that names no language is Python.

    Raises NotebookError for a file that is no notebook or holds no code, for one of another language, and for a cell
    whose options (``#| fig-alt: ...``) or parameters cannot be read.
    """
    notebook = _as_of_today(path)
    language = _language(notebook)
    if language.lower().rstrip("0123456789.") not in ("python", "ipython"):
        raise NotebookError(
            f"{path.name} is a notebook of {language}; a report runs Python. Write what it makes to a file, and let a "
            "Python notebook read that file."
        )
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if not notebook.cells:
        raise NotebookError(f"{path.name} has no cells.")
    if not any(cell.source.strip() for cell in code):
        raise NotebookError(f"{path.name} has no code: a section of a report is computed.")
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "code":
            continue
        try:
            cell_options(cell.source)
        except ValueError as error:
            raise NotebookError(f"{path.name}, cell {number}: {error}") from error
        if "parameters" in cell.metadata.get("tags", []):
            try:
                ast.parse(cell.source)
            except SyntaxError as error:
                raise NotebookError(
                    f"{path.name}, cell {number}: the cell tagged 'parameters' is no Python: {error.msg} "
                    f"(line {error.lineno})."
                ) from error
    return notebook


def _as_of_today(path: Path) -> nbformat.NotebookNode:
    name = path.name
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
    except OSError as error:
        raise NotebookError(f"{name} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise NotebookError(f"{name} is no notebook: it is not text in UTF-8.") from error
    except json.JSONDecodeError as error:
        raise NotebookError(f"{name} is no notebook: it is not JSON (line {error.lineno}, {error.msg}).") from error
    except RecursionError as error:
        raise NotebookError(f"{name} is no notebook: its JSON is nested too deeply.") from error
    version = content.get("nbformat") if isinstance(content, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise NotebookError(f"{name} is JSON, but no notebook: it does not say its nbformat.")
    if not OLDEST <= version <= NEWEST:
        raise NotebookError(
            f"{name} is of nbformat {version}; {OLDEST} and {NEWEST} are read here. Save it as {NEWEST} in JupyterLab."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of ids that are missing: they are made
            notebook = nbformat.convert(reads(text), NEWEST)
            _, notebook = normalize(notebook)
            validate(notebook)
    except Exception as error:  # whatever is wrong in the shape of a file ends as one sentence
        said = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise NotebookError(f"{name} is no valid notebook: {said[:200].rstrip('.')}.") from error
    return notebook


def _language(notebook: nbformat.NotebookNode) -> str:
    """What the notebook is written in, by what its kernel says of itself, then by what its last run left."""
    kernel, ran = (notebook.metadata.get(key) or {} for key in ("kernelspec", "language_info"))
    named = str(kernel.get("name") or "").lower()
    other = _OTHERS.get(named.split("-")[0].rstrip("0123456789.")) if kernel else None
    return str(kernel.get("language") or ran.get("name") or other or "python")


def cell_options(source: str) -> dict[str, Any]:
    """What the lines ``#| name: value`` at the top of a cell say, as Quarto writes them, in YAML; names it does not know
    are left alone. Raises ValueError where they are no YAML."""
    lines = []
    for line in source.strip().splitlines():
        if not line.startswith("#|"):
            break
        lines.append(line[2:].removeprefix(" "))
    if not lines:
        return {}
    try:
        options = yaml.safe_load("\n".join(lines))
    except yaml.YAMLError as error:
        raise ValueError(
            'its lines #| cannot be read: put the text in quotes, such as #| fig-alt: "Waits: longest at noon."'
        ) from error
    if not isinstance(options, dict):
        raise ValueError("its lines #| say name: value, such as #| fig-alt: Waits are longest at noon.")
    return {str(name): value for name, value in options.items()}


def own_cells(notebook: nbformat.NotebookNode) -> list[tuple[int, nbformat.NotebookNode]]:
    """Every cell with the number that its author counts: the cell that a run puts in has that of the one before it."""
    numbered, number = [], 0
    for cell in notebook.cells:
        number += "injected-parameters" not in cell.metadata.get("tags", [])
        numbered.append((number, cell))
    return numbered
