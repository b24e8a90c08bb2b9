"""The rules for notebooks, held by a test; and each notebook run as papermill runs it, without our runner."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from cxresearch.report.run.execute import proof_of_execution
from cxresearch.report.run.parameters import accepts, declared_parameters

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("[0-9]*.ipynb"))


def code_cells(path: Path) -> list:
    return [c for c in nbformat.read(path, 4).cells if c.cell_type == "code"]


def test_there_are_notebooks():
    assert {p.stem[:2] for p in NOTEBOOKS} >= {"01", "02", "05"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_is_an_argument(path):
    """Cells of two lines between prose, in the manner of Think Stats; whatever computes a sentence is in the package."""
    cells = nbformat.read(path, 4).cells
    code = [c for c in cells if c.cell_type == "code"]
    lengths = [len(c.source.splitlines()) for c in code if "parameters" not in c.metadata.get("tags", [])]
    assert np.median(lengths) <= 3
    assert max(lengths) <= 10
    assert len(cells) - len(code) >= len(code), "as many cells of prose as of code"
    for cell in code:
        assert not cell.outputs, "strip outputs: make strip"
        assert cell.execution_count is None, "strip outputs: make strip"
        wide = [line for line in cell.source.splitlines() if len(line) > 100]
        assert not wide or "parameters" in cell.metadata.get("tags", []), wide
        assert "formats=" not in cell.source, "units follow the column's name"
        logic = (ast.FunctionDef, ast.ClassDef, ast.While, ast.Try, ast.If, ast.For, ast.JoinedStr)
        assert not any(isinstance(n, logic) for n in ast.walk(ast.parse(cell.source))), (
            f"move to cxresearch/:\n{cell.source}"
        )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_opens_with_its_question_and_says_what_can_be_set(path):
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith("# ")
    assert notebook.cells[1].metadata.tags == ["parameters"]
    lines = notebook.cells[1].source.splitlines()
    assert all("  # " in line for line in lines), "every parameter says in a comment what it is, with its unit"
    assert len(declared_parameters(notebook, path.name)) == len(lines)


def test_the_day_is_cut_by_15_30_or_60_minutes_and_by_nothing_else():
    (path,) = [p for p in NOTEBOOKS if p.stem.startswith("04")]
    annotation = declared_parameters(nbformat.read(path, 4), path.name)["interval_min"].annotation
    assert [n for n in (0, 5, 10, 15, 20, 30, 45, 60, 60.0, "60", None) if accepts(annotation, n)] == [15, 30, 60]


def runs(folder: Path, name: str, output: Path, **parameters: object) -> nbformat.NotebookNode:
    given = [word for key, value in parameters.items() for word in ("-p", key, str(value))]
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", name, str(output), *given]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    notebook = nbformat.read(output, 4)
    cells, executed, problem = proof_of_execution(notebook)
    assert (problem, executed) == ("", cells)
    return notebook


# The report of all of them is a test of its own; here papermill alone runs one with a log, the others where there is time.
QUICK = "05-executive-summary"


@pytest.mark.parametrize(
    "path", [pytest.param(p, id=p.stem, marks=[] if p.stem == QUICK else pytest.mark.slow) for p in NOTEBOOKS]
)
def test_a_notebook_runs_by_plain_papermill(path, tmp_path, root):
    runs(root, f"notebooks/{path.name}", tmp_path / "out.ipynb")


@pytest.mark.parametrize("path", NOTEBOOKS[-1:], ids=lambda p: p.stem)
@pytest.mark.slow
def test_a_notebook_runs_in_its_own_folder_as_in_jupyterlab(path, tmp_path, root):
    runs(root / "notebooks", path.name, tmp_path / "out.ipynb")


@pytest.mark.slow
@pytest.mark.parametrize("number", ["02", "04", "05"])
def test_a_small_log_without_customers_gets_its_report(tmp_path, root, number):
    """Two hundred contacts of one month: no hour has thirty, and nobody knows who called again."""
    rng = np.random.default_rng(1)
    seconds = pd.to_timedelta(rng.integers(0, 31 * 86_400, 200), unit="s")
    log = pd.DataFrame({"opened_at": pd.Timestamp("2026-10-01") + seconds, "wait_s": rng.exponential(60, 200).round()})
    log["outcome"] = np.where(rng.random(200) < 0.3, "abandoned", "answered")
    log["channel"] = np.where(rng.random(200) < 0.8, "phone", "email")
    log.assign(queue="a", handle_s=100).to_csv(tmp_path / "log.csv", index=False)
    (path,) = [p for p in NOTEBOOKS if p.stem.startswith(number)]
    notebook = runs(root, f"notebooks/{path.name}", tmp_path / "out.ipynb", log=tmp_path / "log.csv", period="2026-10")
    said = " ".join(o.get("data", {}).get("text/markdown", "") for c in notebook.cells for o in c.get("outputs", []))
    if number == "02":
        assert "Too few contacts to tell the hours of the week apart." in said
        assert "messages the customer is not known" in said
        assert "when customers are drawn" not in said
    if number == "05":
        assert "Too few contacts to tell the hours apart." in said


@pytest.mark.slow
def test_the_delay_notebook_on_the_bank(tmp_path, root, shared):
    notebook = runs(root, "notebooks/02-how-long-do-people-wait.ipynb", tmp_path / "out.ipynb", controls=False,
                    log=shared / "data" / "anonymous-bank", period="1999-01")  # fmt: skip
    for words in (
        "those who left had waited 61 s", "No queue clearly loses most", "customers are drawn by lot", "mean patience 446 s",
        "This log holds no e-mail",
    ):  # fmt: skip
        assert words in everything_said(notebook), words


@pytest.mark.slow
def test_public_records_on_the_citys_requests_and_public_conversations(tmp_path, root, shared):
    data = shared / "data"
    files = {"requests_file": data / "nyc311/requests.parquet", "turns_file": data / "ibm-twitter-care/turns.parquet"}
    (path,) = [p for p in NOTEBOOKS if p.stem.startswith("09")]
    notebook = runs(root, f"notebooks/{path.name}", tmp_path / "out.ipynb", **files)
    for words in ("4,969", "no answer from DOHMH", "1,025", "had been sent a link first"):
        assert words in everything_said(notebook), words


def everything_said(notebook: nbformat.NotebookNode) -> str:
    return "\n".join(
        output["data"].get("text/markdown", "") + output["data"].get("text/html", "") + output["data"].get("text/plain", "")
        for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output
    )  # fmt: skip
