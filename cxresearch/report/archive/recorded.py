"""What earlier runs left behind, read as data from outside: what is not what it must be is named and left aside."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from cxresearch.exhibits import days_of
from cxresearch.report.archive.exact import ARRIVALS, EXACT, HEADLINE_DAYS, exact_folder, what_is_wrong

Run = dict[str, Any]
STORED = ".stored"  # below it, laid out as the folder of reports is, what a store holds (report.archive.memory)


class LeftAside(NamedTuple):
    """A file that nobody reads on: where it stands below the folder of reports, and why."""

    path: str
    why: str


def read_runs(out: Path) -> tuple[list[Run], list[LeftAside]]:
    """Every run below ``out`` with its ``headlines``, their ``days``, ``next_said`` and ``href``, and what was left aside.

    ``days`` is the table of :func:`exhibits.headline_days` that the run kept, or None, ``arrivals`` what it expects of the
    days after it (:func:`exhibits.arrivals_next`).

    A folder whose run.json is no run of a version known here is left aside as a whole; of a run with other bad files the
    run stands, without them. A file that is not there is none, and no fault. Folders that begin with a dot are being
    built, or were left by a run that was killed.

    What was fetched from a store is read like the rest. Of a run that stands here and there the one that finished last
    counts; its ``href`` says where its page is in the store, where it is not here.
    """
    runs, aside = _runs_below(out)
    newest = {_place(run): run for run in runs}
    for mirror in sorted((out / STORED).glob("*")):
        fetched, bad = _runs_below(mirror)
        aside += [LeftAside(f"{mirror.relative_to(out).as_posix()}/{path}", why) for path, why in bad]
        for run in fetched:
            here = newest.get(_place(run))
            if here is None or here["finished_utc"] < run["finished_utc"]:
                newest[_place(run)] = run
    return [newest[place] for place in sorted(newest)], aside


def _place(run: Run) -> tuple[str, str, bool]:
    return run["report"], run["period"], run["status"] == "failed"


def _runs_below(out: Path) -> tuple[list[Run], list[LeftAside]]:
    runs: list[Run] = []
    aside: list[LeftAside] = []

    def told(path: Path, value: Any, why: str, default: Any = None) -> Any:
        if why:
            aside.append(LeftAside(path.relative_to(out).as_posix(), why))
        return default if value is None else value

    def read(path: Path, what: str, default: Any) -> Any:
        return told(path, *_read(path, what), default)

    for path in sorted(out.glob("*/*/run.json")):
        if path.parent.parent.name.startswith("."):
            continue
        run = read(path, "run", None)
        if run is None:
            continue
        page = path.with_name("report.html")
        run = {"reason": "", "newest_record": None, "commit": None, **run}
        run["href"] = page.relative_to(out).as_posix() if page.is_file() else None
        brief = page.with_name("brief.html")
        run["brief"] = brief.relative_to(out).as_posix() if run["href"] and brief.is_file() else None
        run["headlines"] = read(path.with_name("headlines.json"), "headlines", [])
        run["next_said"] = read(path.with_name("forecast.json"), "forecast", [])
        exact = exact_folder(out, path.parent.parent.name, path.parent.name, run)
        run["arrivals"] = told(exact / ARRIVALS, *_of_run(exact / ARRIVALS, run, lambda p: _read(p, "forecast")), [])
        run["days"] = told(exact / HEADLINE_DAYS, *_of_run(exact / HEADLINE_DAYS, run, _read_days))
        runs.append(run)
    return runs, aside


def tables_of(build: Path) -> dict[str, Any]:
    """``days`` and ``arrivals`` as a run of this program has just left them."""
    exact = build / EXACT
    arrivals, _ = _read(exact / ARRIVALS, "forecast")
    return {"days": _read_days(exact / HEADLINE_DAYS)[0], "arrivals": arrivals or []}


def _of_run(path: Path, run: Run, read: Callable[[Path], tuple[Any, str]]) -> tuple[Any, str]:
    """What ``read`` says of one of the exact tables, where it is that of the run."""
    why = what_is_wrong(path, run)
    return (None, why) if why else read(path)


def _read(path: Path, what: str) -> tuple[Any, str]:
    """The value of a file and "", or None and what is wrong with it."""
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None, ""
    except UnicodeDecodeError:
        return None, "it is not UTF-8"
    except OSError as error:
        return None, f"it cannot be read ({error.strerror or error})"
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None, "it is not JSON"
    problem = next(_validator(what).iter_errors(value), None)
    if problem is None:
        return value, ""
    where = "/".join(map(str, problem.absolute_path))
    message = problem.message if len(problem.message) <= 120 else f"{problem.message[:119]}…"
    return None, f"it has another shape{f' at {where}' if where else ''}: {message}"


def _read_days(path: Path) -> tuple[pd.DataFrame | None, str]:
    """The days of the headlines and "", or None and what is wrong with the file."""
    if not path.is_file():
        return None, ""
    try:
        days = pd.read_parquet(path)
    except Exception:  # whatever the engine says of it, it is no table to read on
        return None, "it is not Parquet"
    return (days, "") if days_of(days) else (None, "it has another shape")


@functools.cache
def _validator(what: str) -> Any:
    from jsonschema import Draft202012Validator

    schema = json.loads((files("cxresearch.report.archive") / "schema.json").read_text(encoding="utf-8"))
    return Draft202012Validator({"$ref": f"#/$defs/{what}", "$defs": schema["$defs"]})
