"""One run of a report: inputs checked, notebooks executed by papermill, success proved from the executed cells."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
from traitlets.config import Config

from cxresearch.contacts import ContactLog, load_contacts
from cxresearch.periods import Period
from cxresearch.report.parameters import ParameterError, Report, declared_parameters
from cxresearch.risk_table import risk_table

COMPLETE, FAILED, USAGE, PARTIAL, UNDER_WAY = 0, 1, 2, 3, 75
EXIT_CODES = {"complete": COMPLETE, "failed": FAILED, "partial": PARTIAL}
HEADLINE_MIME = "application/vnd.cxresearch.headline+json"
TABLE_KEYS = ("channel", "queue", "weekday", "hour")
PACKAGES = ("cxresearch", "pandas", "numpy", "scipy", "statsmodels", "duckdb", "narwhals", "matplotlib", "papermill")


@dataclass(frozen=True)
class Executed:
    """One notebook after its run. ``error`` is empty exactly when every code cell was executed without an error."""

    name: str
    cells: int
    executed: int
    seconds: float
    exit_code: int
    error: str


def execute_report(
    report: Report, period: Period, settings: Mapping[str, Any], *, build: Path, root: Path, log: str | list[str],
    previous_headlines: str = "", progress: Callable[[str], None] | None = None,
) -> tuple[dict[str, Any], list[tuple[str, nbformat.NotebookNode]], list[dict[str, Any]]]:  # fmt: skip
    """Run every notebook of a report into ``build``: executed notebooks, tables, and what run.json will say.

    Parameters
    ----------
    report, period, settings : what to run; ``settings`` are checked values of the command line.
    build : an empty folder; ``notebooks/`` and ``tables/`` are made in it. root : the checkout.
    log : the contact log, already chosen. previous_headlines : a kept headlines.json, or empty.

    Returns
    -------
    ``(run, notebooks, headlines)``: the dict for run.json, (name, executed notebook) in the order of the page, and the
    recorded headlines. Raises LogError before any kernel starts when the log cannot serve.
    """
    started = datetime.now(UTC)
    parameters = {**report.parameters, **settings, "log": log, "period": period.name}
    preset = parameters.get("preset") or None
    contacts = load_contacts(log, preset=preset, columns=report.columns or None, start=period.start, end=period.end)
    waits = risk_table(contacts.contacts, by=TABLE_KEYS)
    (build / "tables").mkdir()
    waits.to_parquet(build / "tables" / "waits.parquet", index=False)
    contacts.set_aside.to_parquet(build / "tables" / "set_aside.parquet", index=False)

    given = {**parameters, "previous_headlines": previous_headlines, "columns": report.columns}
    (build / "notebooks").mkdir()
    say = progress or (lambda text: None)
    with ThreadPoolExecutor(max_workers=min(os.cpu_count() or 1, len(report.notebooks))) as pool:
        # The longest first would be better still; the order of the page is near enough to it and needs no history.
        runs = list(pool.map(
            lambda path: _execute(path, given, build / "notebooks", report.cell_timeout_s, say), report.notebooks,
        ))  # fmt: skip
    executed, notebooks = [r[0] for r in runs], [(r[0].name, r[1]) for r in runs]
    headlines = [h for _, notebook in notebooks for h in recorded_headlines(notebook)]
    status, reason = _status(report, executed, headlines)
    previous = period.previous
    run = {
        "report": report.name, "title": report.title, "organisation": report.organisation, "period": period.name,
        "period_label": period.label, "status": status, "reason": reason, "simulated": contacts.simulated,
        "parameters": parameters, "inputs": _inputs(contacts, waits, report, root),
        "counts": contacts.counts, "set_aside": contacts.set_aside.to_dict("records"),
        "repaired": contacts.repaired.to_dict("records"),
        "left_out": contacts.files.loc[~contacts.files["used"].astype(bool), ["path", "reason"]].to_dict("records"),
        "notebooks": [asdict(e) for e in executed],
        "versions": {"python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
        "commit": _commit(root), "started_utc": _iso(started), "finished_utc": _iso(datetime.now(UTC)),
        "newest_record": contacts.newest.isoformat(" ", "seconds") if contacts.newest else None,
        "previous_period": previous.name, "previous_period_label": previous.label,
    }  # fmt: skip
    return run, notebooks, headlines


def _execute(
    path: Path, given: Mapping[str, Any], folder: Path, cell_timeout_s: float, say: Callable[[str], None]
) -> tuple[Executed, nbformat.NotebookNode]:
    """Execute one notebook by papermill; what it says of itself is not trusted, the cells are counted."""
    papermill = _papermill()
    source = nbformat.read(path, 4)
    declared = declared_parameters(source, path.name)
    output = folder / path.name
    total, begun = len(source.cells), time.monotonic()
    # A cell that hangs before the first save must not look like one that ran.
    nbformat.write(source, output)

    def on_cell_start(cell: Any, cell_index: int) -> None:
        say(f"{path.stem}: cell {cell_index + 1} of {total + 1}")

    error, code = "", 0
    # Sockets of a folder of one's own, not ports: nobody else listens, and two kernels never want the same number.
    sockets = tempfile.mkdtemp(prefix="cxr-", dir="/tmp" if os.path.isdir("/tmp") else None)  # noqa: S108 a socket's path is short
    try:
        papermill.execute_notebook(
            str(path), str(output), parameters={n: v for n, v in given.items() if n in declared},
            progress_bar=False, log_output=False, kernel_name="python3", execution_timeout=int(cell_timeout_s),
            on_cell_start=on_cell_start,
            # What a kernel says of its own end is not for the night's mail; what a cell raises is in the notebook.
            extra_arguments=["--IPKernelApp.log_level=50"],
            config=Config({"KernelManager": {"transport": "ipc", "ip": str(Path(sockets) / "k")}}),
        )  # fmt: skip
    except Exception as failure:  # whatever went wrong is this notebook's failure, told in the report
        error, code = f"{type(failure).__name__}: {_first_line(failure)}", 1
    finally:
        shutil.rmtree(sockets, ignore_errors=True)
    notebook = nbformat.read(output, 4)
    cells, done, problem = proof_of_execution(notebook)
    seconds = time.monotonic() - begun
    say(f"{path.stem}: {'done' if not (error or problem) else 'FAILED'}, {done} of {cells} cells, {seconds:.1f} s")
    code = code or int(bool(problem))
    if error and "was not executed" in problem:
        problem += f": {error}"
    return Executed(path.stem, cells, done, round(seconds, 3), code, problem or error), notebook


def proof_of_execution(notebook: nbformat.NotebookNode) -> tuple[int, int, str]:
    """Code cells, how many were executed, and what is wrong ("" when all were, without an error output).

    Read from execution counts and outputs alone: papermill's metadata calls the cells of a killed kernel completed.
    """
    code = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    done = sum(c.execution_count is not None for c in code)
    for number, cell in enumerate(code, 1):
        for output in cell.outputs:
            if output.output_type == "error":
                return len(code), done, f"cell {number} of {len(code)} raised {output.ename}: {output.evalue}"
    if done < len(code):
        first = next(i for i, c in enumerate(code, 1) if c.execution_count is None)
        return len(code), done, f"cell {first} of {len(code)} was not executed"
    return len(code), done, ""


def recorded_headlines(notebook: nbformat.NotebookNode) -> list[dict[str, Any]]:
    """The headlines a notebook recorded, in order."""
    outputs = (o for c in notebook.cells if c.cell_type == "code" for o in c.outputs)
    return [dict(o.data[HEADLINE_MIME]) for o in outputs if HEADLINE_MIME in o.get("data", {})]


def _status(report: Report, executed: list[Executed], headlines: list[dict[str, Any]]) -> tuple[str, str]:
    failed = [e for e in executed if e.error]
    names = [h["name"] for h in headlines]
    missing = [n for n in report.headlines if n not in names]
    twice = sorted({n for n in names if names.count(n) > 1})
    if fatal := [e for e in failed if e.name not in report.may_fail]:
        return "failed", "; ".join(f"{e.name}: {e.error}" for e in fatal)
    if missing or twice:
        return "failed", f"headlines not recorded: {', '.join(missing) or 'none'}; recorded twice: {twice or 'none'}"
    if failed:
        return "partial", "; ".join(f"{e.name}: {e.error}" for e in failed)
    return "complete", ""


def _papermill() -> Any:
    """Import papermill without rfc3987_syntax, a grammar that costs most of its import and that no notebook needs.

    jsonschema takes it for a missing optional package; JupyterLab, which brings it, runs in another process.
    """
    with _import_lock:
        absent = "rfc3987_syntax" not in sys.modules
        if absent:
            sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
        try:
            import papermill
        finally:
            if absent:
                del sys.modules["rfc3987_syntax"]
    return papermill


_import_lock = threading.Lock()


def _inputs(contacts: ContactLog, waits: pd.DataFrame, report: Report, root: Path) -> list[dict[str, Any]]:
    """Every file read: as it was named, its hash; rows and newest record are those of the log as a whole."""
    newest = contacts.newest.isoformat(" ", "seconds") if contacts.newest else None
    log_files = contacts.files.loc[contacts.files["used"].astype(bool), "path"].tolist()
    inputs = [
        {"path": _shown(path, root), "sha256": _sha256(Path(path)), "rows": contacts.counts["read"],
         "newest_record": newest} for path in log_files
    ]  # fmt: skip
    for name in report.inputs:
        path = root / name
        if not path.is_file():
            raise ParameterError(f"report {report.name}: input {name} is not there.")
        rows = len(pd.read_csv(path)) if path.suffix == ".csv" else None
        inputs.append({"path": name, "sha256": _sha256(path), "rows": rows, "newest_record": None})
    return inputs


def _shown(path: str, root: Path) -> str:
    """A path as it was named; below the checkout it is told from there, elsewhere the file's name is enough."""
    full = Path(path).resolve()
    return str(full.relative_to(root)) if full.is_relative_to(root) else full.name


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _commit(root: Path) -> str | None:
    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, check=True, timeout=20)
        return done.stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + (" with local changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip(" -")), "")


@contextlib.contextmanager
def run_lock(path: Path, *, wait: bool = False) -> Iterator[bool]:
    """Hold the lock of one run key; yields False when another process holds it. It ends with its process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
