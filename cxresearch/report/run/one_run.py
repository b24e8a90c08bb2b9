"""One run of a report: inputs checked, notebooks executed by papermill, success proved from the executed cells."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib
import os
import platform
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from cxresearch.contacts import ContactLog, Period, load_contacts
from cxresearch.report.run.execute import (
    Executed,
    Kernels,
    execute_notebook,
    import_papermill,
    recorded_headlines,
)
from cxresearch.report.run.parameters import ParameterError, Report
from cxresearch.report.run.stop import RunTimedOut
from cxresearch.risk_table import risk_table

__all__ = ["execute_report", "failed_run", "run_lock"]

COMPLETE, FAILED, USAGE, PARTIAL, UNDER_WAY = 0, 1, 2, 3, 75
EXIT_CODES = {"complete": COMPLETE, "failed": FAILED, "partial": PARTIAL}
TABLE_KEYS = ("channel", "queue", "weekday", "hour")
PACKAGES = ("cxresearch", "pandas", "numpy", "scipy", "statsmodels", "duckdb", "narwhals", "matplotlib", "papermill")


def execute_report(
    report: Report, period: Period, settings: Mapping[str, Any], *, build: Path, root: Path, log: str | list[str],
    previous_headlines: str = "", kernels: Kernels | None = None, jobs: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> tuple[dict[str, Any], list[tuple[str, nbformat.NotebookNode]], list[dict[str, Any]]]:  # fmt: skip
    """Run every notebook of a report into ``build``: executed notebooks, tables, and what run.json will say.

    Parameters
    ----------
    report, period, settings : what to run; ``settings`` are checked values of the command line.
    build : an empty folder; ``notebooks/`` and ``tables/`` are made in it. root : the checkout.
    log : the contact log, already chosen. previous_headlines : a kept headlines.json, or empty.
    kernels : the kernels started are kept there, so that they can be ended from outside.
    jobs : notebooks at the same time; as many as there are cores and one more when not given.

    Returns
    -------
    ``(run, notebooks, headlines)``: the dict for run.json, (name, executed notebook) in the order of the page, and the
    recorded headlines. A run that its clock ended is returned as failed. Raises LogError before any kernel starts when
    the log cannot serve.
    """
    started = datetime.now(UTC)
    kernels = kernels or Kernels()
    parameters = {**report.parameters, **settings, "log": log, "period": period.name}
    preset = parameters.get("preset") or None
    contacts = load_contacts(log, preset=preset, columns=report.columns or None, start=period.start, end=period.end)
    waits = risk_table(contacts.contacts, by=TABLE_KEYS)
    for name in report.inputs:
        if not (root / name).is_file():
            raise ParameterError(f"report {report.name}: input {name} is not there.")
    for name, path in _named_files(parameters).items():
        if not path.is_file():
            raise ParameterError(f"{name} names {path}, which is no file; name one, or leave the parameter out.")
    for name in ("tables", "notebooks"):
        (build / name).mkdir()

    given = {**parameters, "previous_headlines": previous_headlines, "columns": report.columns}
    say = progress or (lambda text: None)
    import_papermill()
    pool = ThreadPoolExecutor(max_workers=jobs or cores() + 1)
    futures = []
    try:
        for path in report.notebooks:
            futures.append(pool.submit(
                execute_notebook, path, given, build / "notebooks", cell_timeout_s=report.cell_timeout_s,
                retries=report.retries, kernels=kernels, say=say,
            ))  # fmt: skip
        # While the kernels work, this process has time for what does not depend on them.
        importlib.import_module("cxresearch.report.page.render")
        waits.to_parquet(build / "tables" / "waits.parquet", index=False)
        contacts.set_aside.to_parquet(build / "tables" / "set_aside.parquet", index=False)
        facts = _facts(report, period, parameters, contacts, root)
        wait(futures)
    except RunTimedOut:
        kernels.end(too_long(report))
        facts = _facts(report, period, parameters, contacts, root)
    except BaseException as stopped:
        kernels.end(str(stopped) or type(stopped).__name__)
        raise
    finally:
        pool.shutdown(wait=True)
    runs = [future.result() for future in futures]
    notebooks = [(executed.name, notebook) for executed, notebook in runs]
    headlines = [headline for _, notebook in notebooks for headline in recorded_headlines(notebook)]
    status, reason = _status(report, [executed for executed, _ in runs], headlines)
    if kernels.reason:
        status, reason = "failed", f"{kernels.reason}: {reason}"
    run = {
        **facts, "status": status, "reason": reason, "notebooks": [asdict(executed) for executed, _ in runs],
        "started_utc": _iso(started), "finished_utc": _iso(datetime.now(UTC)),
    }  # fmt: skip
    return run, notebooks, headlines


def cores() -> int:
    """Cores that this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def too_long(report: Report) -> str:
    """What a run says that its clock ended."""
    return f"the whole run took longer than run_timeout_s = {report.run_timeout_s:g} s"


def failed_run(report: Report, period: Period, reason: str, *, started: datetime) -> dict[str, Any]:
    """What run.json says of a run that ended before its notebooks could be judged."""
    return {
        **_names(report, period), "status": "failed", "reason": reason, "simulated": False, "parameters": {},
        "inputs": [], "counts": {}, "set_aside": [], "repaired": [], "left_out": [], "notebooks": [], "versions": {},
        "commit": None, "newest_record": None, "started_utc": _iso(started), "finished_utc": _iso(datetime.now(UTC)),
    }  # fmt: skip


def _names(report: Report, period: Period) -> dict[str, Any]:
    previous = period.previous
    return {
        "report": report.name, "title": report.title, "organisation": report.organisation, "period": period.name,
        "period_label": period.label, "previous_period": previous.name, "previous_period_label": previous.label,
    }  # fmt: skip


def _facts(
    report: Report, period: Period, parameters: Mapping[str, Any], contacts: ContactLog, root: Path
) -> dict[str, Any]:
    """All that run.json says which the notebooks do not decide."""
    return {
        **_names(report, period), "simulated": contacts.simulated,
        "parameters": dict(parameters), "inputs": _inputs(contacts, report, parameters, root),
        "counts": contacts.counts, "set_aside": contacts.set_aside.to_dict("records"),
        "repaired": contacts.repaired.to_dict("records"),
        "left_out": contacts.files.loc[~contacts.files["used"].astype(bool), ["path", "reason"]].to_dict("records"),
        "versions": {"python": platform.python_version(), **{p: version(p) for p in PACKAGES}},
        "commit": _commit(root), "newest_record": contacts.newest.isoformat(" ", "seconds") if contacts.newest else None,
    }  # fmt: skip


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


def _inputs(contacts: ContactLog, report: Report, parameters: Mapping[str, Any], root: Path) -> list[dict[str, Any]]:
    """Every file read: as it was named, its hash; rows and newest record are those of the log as a whole."""
    newest = contacts.newest.isoformat(" ", "seconds") if contacts.newest else None
    log_files = contacts.files.loc[contacts.files["used"].astype(bool), "path"].tolist()
    inputs = [
        {"path": _shown(path, root), "sha256": _sha256(Path(path)), "rows": contacts.counts["read"],
         "newest_record": newest} for path in log_files
    ]  # fmt: skip
    for name in report.inputs:
        path = root / name
        rows = len(pd.read_csv(path)) if path.suffix == ".csv" else None
        inputs.append({"path": name, "sha256": _sha256(path), "rows": rows, "newest_record": None})
    for path in _named_files(parameters).values():
        inputs.append({"path": _shown(str(path), root), "sha256": _sha256(path), "rows": None, "newest_record": None})
    return inputs


def _named_files(parameters: Mapping[str, Any]) -> dict[str, Path]:
    """The files that parameters called ``..._file`` name: by this ending a notebook says that it reads one."""
    return {name: Path(value) for name, value in parameters.items() if name.endswith("_file") and value}


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
