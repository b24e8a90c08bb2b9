"""What earlier runs left behind, read as data from outside: what is not what it must be is named and left aside."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pandas as pd
import pyarrow.parquet as pq

from cxresearch.contacts import OutsideError, Period, kept_problem, read_outside, strict_json
from cxresearch.report.archive import sense
from cxresearch.report.archive.exact import ARRIVALS, EXACT, HEADLINE_DAYS, exact_folder
from cxresearch.report.archive.sums import check_run_sum, check_sum_beside

Run = dict[str, Any]
STORED = ".stored"  # below it, laid out as the folder of reports is, what a store holds (report.archive.memory)
FORECAST = "forecast.json"
_MOST_ROWS, _MOST_BYTES = 500_000, 500_000_000  # of a table of days, unpacked
_MOST_LETTERS = 2_000  # of a reason
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class LeftAside(NamedTuple):
    """A file that nobody reads on: where it stands below the folder of reports, and why."""

    path: str
    why: str


def read_runs(out: Path, *, tables: bool = False) -> tuple[list[Run], list[LeftAside]]:
    """Every run below ``out`` with its ``headlines``, their ``days``, ``next_said`` and ``href``, and what was left aside.

    ``days`` is the table of :func:`exhibits.headline_days` that the run kept, or None, ``arrivals`` what it expects of the
    days after it (:func:`exhibits.arrivals_next`). Of each file only what ``schema.json`` names is there.

    A folder whose run.json is no run of a version known here is left aside as a whole; of a run with other bad files the
    run stands, without them. A file that is not there is none, and no fault; one that run.json names otherwise is.
    ``tables``: kept counts are looked at, too, which no run reads but who needs their days. Folders that begin with a dot
    are being built, or were left by a run that was killed.

    What was fetched from a store is read like the rest. Of a run that stands here and there the one that finished last
    counts; ``elsewhere`` says that it is the one in the store, and its ``href`` where its page is there: what stands here
    under the same name, if anything does, is the page of an older run.
    """
    runs, aside = _runs_below(out, tables=tables)
    newest = {_place(run): {**run, "elsewhere": False} for run in runs}
    for mirror in sorted((out / STORED).glob("*")):
        if not mirror.is_dir():
            continue
        fetched, bad = _runs_below(mirror, tables=tables)
        aside += [LeftAside(f"{_told(mirror, out)}/{path}", why) for path, why in bad]
        for run in fetched:
            here = newest.get(_place(run))
            if here is None or here["finished_utc"] < run["finished_utc"]:
                newest[_place(run)] = {**run, "elsewhere": True}
    return [newest[place] for place in sorted(newest)], aside


def _place(run: Run) -> tuple[str, str, bool]:
    return run["report"], run["period"], run["status"] == "failed"


def _runs_below(out: Path, *, tables: bool) -> tuple[list[Run], list[LeftAside]]:
    runs: list[Run] = []
    aside: list[LeftAside] = []
    for folder in _folders(out, aside):
        if (run := _read_run(folder, out, aside)) is not None:
            runs.append(run)
            exact = exact_folder(out, run["report"], folder.name, run)
            if tables and (problem := kept_problem(exact, sums=run.get("exact"))):
                aside.append(LeftAside(_told(exact / problem.file, out), str(problem)))
    return runs, aside


def _folders(out: Path, aside: list[LeftAside]) -> Iterator[Path]:
    """The folders of runs, two below ``out``."""
    for report in _below(out, out, aside):
        yield from _below(report, out, aside)


def _below(folder: Path, out: Path, aside: list[LeftAside]) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        if folder != out:
            aside.append(LeftAside(_told(folder, out), f"it cannot be read ({error.strerror})"))
            return []
        raise OutsideError(f"{out}: the folder of reports cannot be read ({error.strerror}).") from error
    return [folder / name for name in names if os.path.isdir(folder / name)]


def _read_run(folder: Path, out: Path, aside: list[LeftAside]) -> Run | None:
    def left(path: Path, why: str) -> None:
        aside.append(LeftAside(_told(path, out), why))

    def read(path: Path, what: Callable[[bytes], Any], default: Any, *, there: bool = False) -> Any:
        try:
            return what(read_outside(path))
        except FileNotFoundError:
            if there:
                left(path, "it is not there")
        except OutsideError as error:
            left(path, str(error))
        return default

    def beside(name: str, what: Callable[[bytes], Any]) -> Any:
        def checked(content: bytes) -> Any:
            value = what(content)
            check_sum_beside(name, content, run)
            return value

        return read(folder / name, checked, [], there=name in run.get("sums", {}))

    def of_run(name: str, what: Callable[[bytes], Any], default: Any) -> Any:
        def checked(content: bytes) -> Any:
            if "exact" in run and run["exact"].get(name) != hashlib.sha256(content).hexdigest():
                raise OutsideError("it is not the one that the run.json of its report names")
            return what(content)

        # Where only what is published was fetched, the exact tables are elsewhere.
        return read(exact_folder(out, run["report"], folder.name, run) / name, checked, default)

    page = folder / "report.html"
    run = read(folder / "run.json", lambda content: _run(content, folder), None, there=os.path.isfile(page))
    if run is None:
        return None
    period = sense.period_or_version(run["period"])
    run = {"reason": "", "newest_record": None, "commit": None, **run}
    run["reason"] = _CONTROL.sub(" ", run["reason"])[:_MOST_LETTERS]
    brief = folder / "brief.html"
    run["href"] = quote(page.relative_to(out).as_posix()) if os.path.isfile(page) else None
    run["brief"] = quote(brief.relative_to(out).as_posix()) if run["href"] and os.path.isfile(brief) else None
    run["headlines"] = beside("headlines.json", _headlines)
    run["next_said"] = beside(FORECAST, _forecast)
    run["arrivals"] = of_run(ARRIVALS, _forecast, [])
    run["days"] = of_run(HEADLINE_DAYS, lambda content: _days(content, period), None)
    return run


def tables_of(build: Path) -> dict[str, Any]:
    """``days`` and ``arrivals`` as a run of this program has just left them."""
    found: dict[str, Any] = {"days": None, "arrivals": []}
    for key, name, what in (
        ("days", HEADLINE_DAYS, lambda content: _days(content, None)),
        ("arrivals", ARRIVALS, _forecast),
    ):
        try:
            found[key] = what(read_outside(build / EXACT / name))
        except (FileNotFoundError, OutsideError):
            continue
    return found


def run_of(folder: Path) -> Run | None:
    """What run.json of ``folder`` says; None where it is not there, or is not what it must be."""
    try:
        return _run(read_outside(folder / "run.json"), folder)
    except (FileNotFoundError, OutsideError):
        return None


def _run(content: bytes, folder: Path) -> Run:
    whole = strict_json(content)
    run: Run = _shaped(whole, "run")
    sense.check_run(run, folder)
    check_run_sum(whole)
    return run


def _headlines(content: bytes) -> list[dict[str, Any]]:
    headlines: list[dict[str, Any]] = _shaped(strict_json(content), "headlines")
    sense.check_headlines(headlines)
    return headlines


def _forecast(content: bytes) -> list[dict[str, Any]]:
    forecast: list[dict[str, Any]] = _shaped(strict_json(content), "forecast")
    sense.check_forecast(forecast)
    return forecast


def _days(content: bytes, period: Period | None) -> pd.DataFrame:
    """The days of the headlines."""
    try:
        facts = pq.read_metadata(io.BytesIO(content))
        groups = [facts.row_group(n) for n in range(facts.num_row_groups)]
        size = max(facts.num_rows / _MOST_ROWS, sum(group.total_byte_size for group in groups) / _MOST_BYTES)
        days = pd.read_parquet(io.BytesIO(content)) if size <= 1 else None
    except Exception:  # whatever the engine says of it, it is no table to read on
        raise OutsideError("it is not Parquet") from None
    if days is None:
        raise OutsideError(f"it is larger than {_MOST_ROWS:,} rows or {_MOST_BYTES:,} bytes")
    sense.check_days(days, period)
    return days


def _shaped(value: Any, what: str) -> Any:
    """The value of a file as the schema has it, without what the schema does not name. Raises OutsideError."""
    problem = next(_validator(what).iter_errors(value), None)
    if problem is None:
        known = _schema()[what]
        return (
            _only(value, known["properties"])
            if what == "run"
            else [_only(one, known["items"]["properties"]) for one in value]
        )
    where = "/".join(map(str, problem.absolute_path))
    message = problem.message if len(problem.message) <= 120 else f"{problem.message[:119]}…"
    at = f" at {where[:80]}" if where else ""
    raise OutsideError(f"it has another shape{at}: {_CONTROL.sub(' ', message)}")


def _only(value: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    return {key: said for key, said in value.items() if key in known}


def _told(path: Path, out: Path) -> str:
    """A path as it can be written down, whatever its name is made of."""
    name = os.fsencode(path.relative_to(out)).decode("utf-8", "backslashreplace")
    return _CONTROL.sub(lambda sign: f"\\x{ord(sign[0]):02x}", name)


@functools.cache
def _schema() -> dict[str, Any]:
    text = (files("cxresearch.report.archive") / "schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)["$defs"]
    return found


@functools.cache
def _validator(what: str) -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator({"$ref": f"#/$defs/{what}", "$defs": _schema()})
