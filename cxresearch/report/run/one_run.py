"""One run of a report: inputs checked, notebooks executed by papermill, success proved from the executed cells."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib
import os
import platform
import stat
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pyarrow.parquet as pq

from cxresearch.contacts import (
    SLOW,
    Copy,
    Period,
    PeriodError,
    PeriodLog,
    Place,
    clear_place,
    has_quotes,
    kept_in,
    key_fingerprint,
    log_facts,
    open_log,
    parse_period,
    read_period,
)
from cxresearch.exhibits import arrivals_next, headline_days, ticket_days, tickets_of
from cxresearch.report.archive import publish
from cxresearch.report.archive.exact import ARRIVALS, HEADLINE_DAYS, SHARES, digests_of, new_exact, standing_counts
from cxresearch.report.archive.recorded import STORED
from cxresearch.report.page.leaks import FEWEST, Names, honest_names
from cxresearch.report.run.execute import (
    Executed,
    Kernels,
    execute_notebook,
    import_papermill,
    recorded_headlines,
)
from cxresearch.report.run.parameters import ParameterError, Report
from cxresearch.report.run.stop import RunTimedOut, until_done
from cxresearch.report.run.version import Version

__all__ = ["execute_report", "failed_run", "run_lock"]

COMPLETE, FAILED, USAGE, PARTIAL, UNDER_WAY = 0, 1, 2, 3, 75
EXIT_CODES = {"complete": COMPLETE, "failed": FAILED, "partial": PARTIAL}
_ROWS = ".rows"  # the rows of the period, for the notebooks of this run alone
# What the files of a run look like: another number is another shape, which older code leaves aside.
FORMAT = {"run": 2, "headlines": 1, "forecast": 1, "tables": 1}
PACKAGES = ("cxresearch", "pandas", "numpy", "scipy", "statsmodels", "duckdb", "narwhals", "matplotlib", "papermill")


@dataclass(frozen=True)
class Order:
    """What one run is told.

    report, period, settings : what to run; ``settings`` are checked values of the command line. A report without a log has
        the version of its files in the place of a period.
    log : the contact log, already chosen; empty where none is read. out : where reports are kept. root : the checkout.
    jobs : notebooks at the same time; as many as there are cores and one more when not given.
    progress : is told what happens. standing : names of the periods that this run may look back at. Given by a
        backfill, whose periods are made in no fixed order and must not depend on it.
    """

    report: Report
    period: Period | Version
    settings: Mapping[str, Any]
    log: str | list[str]
    out: Path
    root: Path
    jobs: int | None = None
    progress: Callable[[str], None] | None = None
    standing: Collection[str] | None = None

    @property
    def key(self) -> str:
        """The one name of what is made: the same report of the same period."""
        return f"{self.report.name}-{self.period.name}"

    @property
    def target(self) -> Path:
        """Where the report will stand."""
        return self.out / self.report.name / self.period.name

    @property
    def parameters(self) -> dict[str, Any]:
        """What the notebooks are given, and run.json records."""
        of_log = {"log": self.log, "period": self.period.name} if isinstance(self.period, Period) else {}
        return {**self.report.parameters, **self.settings, **self.report.tables, **of_log}


def execute_report(
    order: Order, build: Path, kernels: Kernels
) -> tuple[dict[str, Any], list[tuple[str, nbformat.NotebookNode]], list[dict[str, Any]]]:
    """Run every notebook of a report into ``build``: executed notebooks, exact tables, and what run.json will say.

    Parameters
    ----------
    build : an empty folder; ``notebooks/`` and ``.exact/`` are made in it.
    kernels : the kernels started are kept there, so that they can be ended from outside.

    Returns
    -------
    ``(run, notebooks, headlines)``: the dict for run.json, (name, executed notebook) in the order of the page, and the
    recorded headlines. A run that its clock ended is returned as failed. Raises LogError before any kernel starts when
    the log cannot serve.
    """
    started, report = datetime.now(UTC), order.report
    with kept_in(build / _ROWS):
        month: PeriodLog | None = None
        places: Sequence[Place] = ()
        if isinstance(order.period, Period):
            order, month, places = _read(order)
        kernels.names = _names_of(order, month)
        _require_inputs(order)
        (build / "notebooks").mkdir()
        exact = new_exact(build)
        executed, facts = _execute(order, build, exact, kernels, month, places)
    notebooks = [(one.name, notebook) for one, notebook in executed]
    headlines = [headline for _, notebook in notebooks for headline in recorded_headlines(notebook)]
    status, reason = _status(report, [one for one, _ in executed], headlines)
    if kernels.reason:
        status, reason = "failed", f"{kernels.reason}: {reason}"
    run = {
        **facts, "exact": digests_of(exact), "status": status, "reason": reason, "notebooks": [asdict(one) for one, _ in executed],
        "started_utc": _iso(started), "finished_utc": _iso(max(started, datetime.now(UTC))),
    }  # fmt: skip
    return run, notebooks, headlines


def _read(order: Order) -> tuple[Order, PeriodLog, Sequence[Place]]:
    """The period of the log, read once for all notebooks, its files, and the order with a channel that it has; what cannot be
    right is refused here."""
    report, parameters = order.report, order.parameters
    reading = open_log(
        order.log, preset=parameters.get("preset") or None, columns=report.columns or None,
        timezone=parameters.get("timezone", _default(report, "timezone")), query=parameters.get("log_query") or None,
    )  # fmt: skip
    month = read_period(reading, order.period.name, archive=_archive(order))
    channel = parameters.get("channel", _default(report, "channel"))
    if _of_tickets(report):
        tickets_of(month, channel=channel)
    elif channel:
        order = _measured(order, month, channel)
    return order, month, reading.places


def _names_of(order: Order, month: PeriodLog | None) -> Names:
    """What the log or the survey calls its queues, channels and answers, where enough people stand behind the word."""
    smallest = order.parameters.get("smallest_group", _default(order.report, "smallest_group"))
    both = [log.cells for log in (month, month.previous if month else None) if log is not None]
    counts: dict[str, dict[str, int]] = {}
    for column in ("queue", "channel") if both else ():
        table = pd.concat([cells[[column, "contacts"]] for cells in both])
        counts[column] = {str(word): int(n) for word, n in table.groupby(column)["contacts"].sum().items()}
    shares = order.period.shares if isinstance(order.period, Version) else None
    if shares is not None:
        for column in shares.select_dtypes(["object", "string", "category"]).columns:
            counts[column] = {str(word): FEWEST for word in shares[column].dropna()}  # smaller groups are not kept
    return honest_names(counts, smallest or FEWEST)


def _measured(order: Order, month: PeriodLog, channel: str) -> Order:
    """The order with the main channel of a log of tickets, where nobody named one: it has no calls.

    Raises LogError for a channel that was named and is not there.
    """
    number = month.cells.groupby("channel")["contacts"].sum()
    most = "" if number.empty else str(number.idxmax())
    if "channel" in order.parameters or channel in number.index or most not in SLOW:
        month.only(channel=channel)
        return order
    print(
        f"cxresearch: {order.report.name} {order.period.name}: the log holds no {channel}, so {most} is measured, the channel "
        f"with most contacts; tickets have a report of their own: cxresearch report tickets --period {order.period.name}.",
        file=sys.stderr,
    )  # fmt: skip
    return replace(order, settings={**order.settings, "channel": most})


def _require_inputs(order: Order) -> None:
    for name in order.report.inputs:
        if not (order.root / name).is_file():
            raise ParameterError(f"report {order.report.name}: input {name} is not there.")
    for name, path in _named_files(order.parameters).items():
        if not path.is_file():
            raise ParameterError(f"{name} names {path}, which is no file; name one, or leave the parameter out.")
    of_survey = isinstance(order.period, Version) and order.period.shares is not None  # read, and found good
    if not of_survey and (file := order.parameters.get("survey_file")):
        from cxresearch.survey import load_responses

        load_responses(file, order.report.survey)  # whatever is wrong with it is said before a kernel starts


def _keep_days(order: Order, month: PeriodLog, exact: Path) -> None:
    """Keep the days of the headlines, from which later runs tell their change, and what is expected of the days after."""
    asked = {
        name: order.parameters.get(name, _default(order.report, name))
        for name in ("channel", "target_s", "promise_s", "again_h")
        if name in order.parameters or name in order.report.declared
    }
    if _of_tickets(order.report):
        tickets = tickets_of(month, channel=asked["channel"])
        ticket_days(tickets, promise_s=asked["promise_s"], again_h=asked["again_h"]).to_parquet(
            exact / HEADLINE_DAYS, index=False
        )
    elif asked.get("channel"):
        calls = {name: asked[name] for name in ("channel", "target_s") if name in asked}
        headline_days(month, **calls).to_parquet(exact / HEADLINE_DAYS, index=False)
        publish.write_json(exact / ARRIVALS, arrivals_next(month, channel=asked["channel"]))


def _of_tickets(report: Report) -> bool:
    """Whether its headlines are those of tickets, not of calls."""
    return {"promise_s", "again_h"} <= set(report.declared) and "target_s" not in report.declared


def _default(report: Report, name: str) -> Any:
    return report.declared[name].default if name in report.declared else None


def _archive(order: Order) -> list[Path]:
    """Kept tables of this period and the one before, of any report, newest first; which of them are of this log is theirs to
    say. What is not what its run left is named and not used."""

    def wanted(report: str, period: str) -> bool:
        mine = (report, period) == (order.report.name, order.period.name)
        there = order.standing is None or period in order.standing
        return there and not mine and _shares_days(period, order.period)

    standing = {
        (report, period): (folder, problem)
        for out in (*sorted((order.out / STORED).glob("*")), order.out)
        for report, period, folder, problem in standing_counts(out, wanted)
    }
    for folder, problem in standing.values():
        if problem:
            path = (folder / problem.file).relative_to(order.out)
            print(f"cxresearch: left aside: {path}: {problem}; its days are not used.", file=sys.stderr)
    return [folder for _, (folder, problem) in sorted(standing.items(), reverse=True) if problem is None]


def _shares_days(name: str, period: Period | Version) -> bool:
    """Whether a kept period of that name has days of this one or of the one before it."""
    try:
        kept = parse_period(name)
    except PeriodError:
        return False
    return isinstance(period, Period) and kept.start < period.end and kept.end > period.previous.start


def _execute(
    order: Order, build: Path, exact: Path, kernels: Kernels, month: PeriodLog | None, places: Sequence[Place]
) -> tuple[list[tuple[Executed, nbformat.NotebookNode]], dict[str, Any]]:
    report = order.report
    given = {**order.parameters, "columns": report.columns}
    say = order.progress or (lambda text: None)
    import_papermill()
    pool = ThreadPoolExecutor(max_workers=order.jobs or cores() + 1)
    futures = []
    try:
        for path in report.notebooks:
            futures.append(pool.submit(
                execute_notebook, path, given, build / "notebooks", cell_timeout_s=report.cell_timeout_s,
                retries=report.retries, kernels=kernels, say=say,
            ))  # fmt: skip
        # While the kernels work, this process has time for what does not depend on them.
        importlib.import_module("cxresearch.report.page.render")
        if month is not None:
            month.keep(exact)
            _keep_days(order, month, exact)
        if isinstance(order.period, Version) and order.period.shares is not None:
            order.period.shares.to_parquet(exact / SHARES, index=False)
        facts = _facts(order, month, places)
        until_done(futures)
    except RunTimedOut:
        kernels.end(too_long(report))
        facts = _facts(order, month, places)
    except BaseException as stopped:
        kernels.end(str(stopped) or type(stopped).__name__)
        raise
    finally:
        pool.shutdown(wait=True)
    return [future.result() for future in futures], facts


def cores() -> int:
    """Cores that this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def too_long(report: Report) -> str:
    """What a run says that its clock ended."""
    return f"the whole run took longer than run_timeout_s = {report.run_timeout_s:g} s"


def failed_run(report: Report, period: Period | Version, reason: str, *, started: datetime) -> dict[str, Any]:
    """What run.json says of a run that ended before its notebooks could be judged."""
    return {
        **_names(report, period), "status": "failed", "reason": reason, "simulated": False, "parameters": {},
        "inputs": [], "counts": {}, "set_aside": [], "repaired": [], "left_out": [], "notebooks": [], "versions": {},
        "commit": None, "newest_record": None, "kept_days": [], "format": FORMAT, "started_utc": _iso(started), "finished_utc": _iso(max(started, datetime.now(UTC))),
    }  # fmt: skip


def _names(report: Report, period: Period | Version) -> dict[str, Any]:
    previous = period.previous
    return {
        "report": report.name, "title": report.title, "organisation": report.organisation, "period": period.name,
        "period_label": period.label, "previous_period": previous and previous.name,
        "previous_period_label": previous and previous.label,
    }  # fmt: skip


def _facts(order: Order, month: PeriodLog | None, places: Sequence[Place]) -> dict[str, Any]:
    """All that run.json says which the notebooks do not decide."""
    if isinstance(order.period, Version):
        rows = order.period.facts
    elif month is not None:
        rows = {
            "simulated": month.simulated, "counts": month.counts, "set_aside": month.set_aside.to_dict("records"),
            "repaired": month.repaired.to_dict("records"),
            "left_out": month.files.loc[~month.files["used"].astype(bool), ["path", "reason"]].to_dict("records"),
            "kept_days": [day.isoformat() for day in month.kept_days], "pseudonym_key": key_fingerprint(),
            "newest_record": month.newest.isoformat(" ", "seconds") if month.newest else None,
        }  # fmt: skip
    return {
        **_names(order.report, order.period), **rows, "parameters": order.parameters, "inputs": _inputs(order, month, places), "format": FORMAT,
        "versions": {"python": platform.python_version(), **{p: version(p) for p in PACKAGES}}, "commit": _commit(order.root),
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


def _rows_in(path: Path, records: int | None) -> int | None:
    """How many rows a file of the log holds; None for a spreadsheet."""
    if records is not None:
        return records
    return int(pq.read_metadata(path).num_rows) if path.suffix.lower() == ".parquet" else None


def _inputs(order: Order, month: PeriodLog | None, places: Sequence[Place]) -> list[dict[str, Any]]:
    """Every file read: as it was named, its hash, its own rows; the newest record where the log is one file."""
    inputs = [] if month is None else _log_inputs(order, month, places)
    for name in order.report.inputs:
        path = order.root / name
        rows = len(pd.read_csv(path)) if path.suffix == ".csv" else None
        inputs.append({"path": name, "sha256": _sha256(path), "rows": rows, "newest_record": None})
    for name, path in _named_files(order.parameters).items():
        of_survey = order.period.facts if isinstance(order.period, Version) and name == "survey_file" else {}
        inputs.append({
            "path": _shown(str(path), order.root), "sha256": _sha256(path), "rows": of_survey.get("counts", {}).get("read"),
            "newest_record": of_survey.get("newest_record"),
        })  # fmt: skip
    return inputs


def _log_inputs(order: Order, month: PeriodLog, places: Sequence[Place]) -> list[dict[str, Any]]:
    """Of what lies elsewhere also when it was fetched. The hash of a database is that of the rows as they were fetched: it
    keeps none of what it was."""
    # Of several files nobody has asked which record is in which.
    newest = month.newest.isoformat(" ", "seconds") if month.newest and len(places) == 1 else None
    facts = log_facts([place.path for place in places], quoted=has_quotes(month.preset))
    return [
        {
            "path": place.name if "://" in place.name else _shown(place.name, order.root),
            "sha256": fact.sha256,
            "rows": _rows_in(place.path, fact.records),
            "newest_record": newest,
            **(_elsewhere(place.copy) if place.copy else {}),
        }
        for place, fact in zip(places, facts, strict=True)
    ]


def _elsewhere(copy: Copy) -> dict[str, str]:
    said = {"fetched_utc": copy.fetched_utc, "etag": copy.etag, "query": copy.query}
    said["sha256_of"] = "the rows as fetched" if copy.query else "the file as fetched"
    return {name: value for name, value in said.items() if value}


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
    """Hold the lock of one run key; yields False when another process holds it. It ends with its process.

    What stands in its place and is no file makes room.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _lock_file(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        yield False
        return
    try:
        yield True
    finally:
        os.close(descriptor)


def _lock_file(path: Path) -> int:
    if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
        clear_place(path)
    how = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        return os.open(path, how | os.O_RDWR | os.O_CREAT, 0o666)
    except (PermissionError, IsADirectoryError):  # another user's, or none of ours: it can be held all the same
        return os.open(path, how | os.O_RDONLY)
