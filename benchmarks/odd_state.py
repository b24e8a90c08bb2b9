"""Does a damaged file of an earlier run stop, change or hang a later one? python benchmarks/odd_state.py --cases 1000

A folder with runs of two reports, some of them from before there were sums, and a user's cache are built once. Each case
is drawn from its own seed: one to three of their files are damaged in one of many ways. Then the nightly run of the next
period is made, whole but for its notebooks, with its lock, its look back, its place and its index; after it what
differs, and the log through the damaged cache. What may come of it:

- named: the damaged file is told on stderr and in the index, with its reason, and nothing of it is used;
- harmless: nothing of what is read changed (a lock, an index, a cache that is made anew, a table written otherwise).

Anything else is a failure: a number that changed without a word (silently wrong), an error that nobody caught (traceback),
a report that was not made (stopped), more than a few seconds (hang), a good report with other bytes (good report lost).
Results go to benchmarks/results/odd_state.json and odd_state.md.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import multiprocessing
import os
import platform
import shutil
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import pandas as pd

from cxresearch.contacts import FOLDER, PeriodLog, clear_place, kept_period, load, parse_period
from cxresearch.contacts.period_log import CELL, ENDS, SUMS
from cxresearch.exhibits import arrivals_next, headline_days
from cxresearch.report import job
from cxresearch.report.archive import exact, history, publish
from cxresearch.report.archive.recorded import read_runs
from cxresearch.report.archive.sums import write_run
from cxresearch.report.run import one_run
from cxresearch.report.run.parameters import Report

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
OLD, SUMMED, NEXT = ("1999-02",), ("1999-03", "1999-04", "1999-05"), "1999-06"
GOOD = "1999-04"  # never damaged: its bytes must stand
BAD = ("silently wrong", "traceback", "stopped", "hang", "good report lost")
LONGEST_S = 120  # of a case that takes half a second where nothing else runs
REPORT = Report(
    name="monthly", title="Waiting", organisation="", period="month", notebooks=(ROOT / "notebooks" / "one.ipynb",), may_fail=(), headlines=(),
    inputs=(), cell_timeout_s=1, run_timeout_s=600, retries=0, parameters={}, ranges={}, columns={}, brand={}, language="en",
    email={}, store="", pdf=False, publish_notebooks=True, environment=(), declared={},
)  # fmt: skip


# The folder that is damaged --------------------------------------------------------------------------------------------


def build(home: Path) -> None:
    """Runs of a monthly report and of the evidence, an index, locks, and a log with what was kept of it."""
    for at, period in enumerate((*OLD, *SUMMED)):
        _run(home / "out" / "monthly" / period, at, sums=period in SUMMED, place=home / "out")
    _run(home / "out" / "monthly" / "1998-12.failed", 0, sums=True, status="failed")
    version_ = home / "out" / "evidence" / "2026-01-05-0123abcd"
    _run(version_, 0, sums=True, period=version_.name, place=home / "out")
    _run(home / "next" / "monthly" / NEXT, 4, sums=True)
    (home / "log.csv").write_text(_log())
    os.utime(home / "log.csv", (1_000_000_000, 1_000_000_000))
    (home / "cache").mkdir()
    with _cache(home):
        load(home / "log.csv").period("1999-06")
        job.write_index(home / "out", REPORT)
    for name in (f"monthly-1999-05{job.DUE}", "monthly-1999-06"):
        (home / "out" / ".locks" / name).write_text(str(os.getppid()))


def _run(
    folder: Path, at: int, *, sums: bool, status: str = "complete", period: str = "", place: Path | None = None
) -> None:
    name = folder.name.removesuffix(".failed")
    tables = folder / (exact.EXACT if sums else exact.BESIDE)
    tables.mkdir(parents=True)
    record = _record(folder.parent.name, name, status)
    value = [0.2, 0.22, 0.21, 0.23, 0.2][at]
    if status == "failed":
        tables.rmdir()
        write_run(folder, record)
        return
    ends = {"lower": value - 0.01, "upper": value + 0.01}
    headlines = [
        {"name": "lost_share", "label": "Gave up", "value": value, **ends, "unit": "share", "kind": "estimated", "better": "lower", "n": 900, "note": "",
         "base": "of all", "change": None, "target": {"limit": 0.3, "verdict": "met"}},
        {"name": "mean_wait_s", "label": "Mean wait", "value": 60.0 + at, "lower": 50.0, "upper": 80.0, "unit": "s", "kind": "estimated", "better": "lower",
         "n": 900, "note": "", "base": "", "change": None, "target": None},
    ]  # fmt: skip
    publish.write_json(folder / "headlines.json", headlines)
    (folder / "report.html").write_text(f"<html>{name}</html>")
    (folder / "brief.html").write_text("<html></html>")
    if not period:
        month = _month(name, at)
        month.keep(tables)
        days = headline_days(month, channel="phone")
        days[days["name"] == "lost_share"].to_parquet(tables / exact.HEADLINE_DAYS, index=False)
        publish.write_json(tables / exact.ARRIVALS, arrivals_next(month, channel="phone"))
        said = {"unit": "share", "kind": "estimated", "level": 0.8, "periods": 3, "note": "last value"}
        publish.write_json(
            folder / "forecast.json", [{"name": "lost_share", "label": "Gave up", "value": value, **ends, **said}]
        )
    if not sums:
        publish.write_json(folder / "run.json", record)
        return
    record["exact"] = exact.digests_of(tables)
    if place is not None:
        exact.put(folder, place, record)
    write_run(folder, record)


def _record(report: str, period: str, status: str = "complete") -> dict[str, Any]:
    label = parse_period(period).label if report == "monthly" else "version of 5 January 2026"
    return {
        "report": report, "title": "Waiting", "organisation": "", "period": period, "period_label": label, "previous_period": None, "previous_period_label": None,
        "status": status, "reason": "" if status != "failed" else "ValueError: nothing", "simulated": False, "parameters": {"channel": "phone"},
        "inputs": [{"path": "log.csv", "sha256": "0" * 64, "rows": 900, "newest_record": None}], "counts": {"read": 900, "kept": 890, "set_aside": 10},
        "set_aside": [{"reason": "no wait", "rows": 10}], "versions": {"python": "3"}, "commit": None, "newest_record": None, "format": {"run": 2},
        "finished_utc": "2026-01-05T03:00:00Z", "started_utc": "2026-01-05T03:00:00Z",
    }  # fmt: skip


def _month(name: str, at: int) -> PeriodLog:
    period, rng = parse_period(name), np.random.default_rng(at)
    days = pd.date_range(period.start, period.end, inclusive="left")
    rows = [
        (day, day.day_of_week + 1, hour, "phone", "all", np.nan, True, float(wait), outcome, int(n), int(n) if outcome == "answered" else 0, 60.0 * n)
        for day in days for hour, wait, outcome in ((9, 10, "answered"), (9, 40, "abandoned"), (15, 90, "answered")) for n in [rng.integers(1, 30)]
    ]  # fmt: skip
    cells = pd.DataFrame(rows, columns=[*CELL, *ENDS, *SUMS])
    kept = int(cells["contacts"].sum())
    aside, repaired = pd.DataFrame({"reason": ["no wait"], "rows": [3]}), pd.DataFrame(columns=["repair", "rows"])
    return PeriodLog(
        period=period, cells=cells, counts={"read": kept + 3, "kept": kept, "set_aside": 3, "other_periods": 0}, set_aside=aside,
        repaired=repaired, files=pd.DataFrame([["log.csv", True, ""]], columns=["path", "used", "reason"]), newest=None, simulated=False, source="of the log",
    )  # fmt: skip


def _log() -> str:
    rng = np.random.default_rng(7)
    lines = [
        f"1999-{month:02d}-{day:02d} {hour:02d}:30:00,{rng.integers(1, 300)},{'abandoned' if rng.random() < 0.3 else 'answered'}"
        for month in (5, 6) for day in range(1, 29) for hour in (9, 14)
    ]  # fmt: skip
    return "\n".join(["opened_at,wait_s,outcome", *lines]) + "\n"


# Damage ------------------------------------------------------------------------------------------------------------------


class Damage(NamedTuple):
    """``told``: a reader can tell without a sum. ``do`` changes the file."""

    name: str
    do: Callable[[Path, np.random.Generator], None]
    told: bool = True


def _bytes(content: Callable[[bytes, np.random.Generator], bytes]) -> Callable[[Path, np.random.Generator], None]:
    def do(path: Path, rng: np.random.Generator) -> None:
        path.write_bytes(content(path.read_bytes(), rng))

    return do


def _instead(make: Callable[[Path], None]) -> Callable[[Path, np.random.Generator], None]:
    def do(path: Path, rng: np.random.Generator) -> None:
        clear_place(path)
        make(path)

    return do


def _flip(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content or b"\n")
    for at in rng.integers(0, len(changed), int(rng.integers(1, 4))):
        changed[at] ^= 1 << int(rng.integers(8))
    return bytes(changed)


EVERY = [
    Damage("empty", _bytes(lambda content, rng: b"")),
    Damage("cut off", _bytes(lambda content, rng: content[: len(content) * int(rng.integers(1, 95)) // 100])),
    Damage("not UTF-8", _bytes(lambda content, rng: b"\xff\xfe" + content)),
    Damage("noise", _bytes(lambda content, rng: rng.bytes(500))),
    Damage("zeros", _bytes(lambda content, rng: bytes(len(content)))),
    Damage("bits flipped", _bytes(_flip), told=False),
    Damage("a folder", _instead(lambda path: path.mkdir())),
    Damage("a folder with something", _instead(lambda path: (path / "x").mkdir(parents=True))),
    Damage("a pipe", _instead(lambda path: os.mkfifo(path))),
    Damage("a link to nothing", _instead(lambda path: path.symlink_to("nowhere"))),
    Damage("a link to itself", _instead(lambda path: path.symlink_to(path.name))),
    Damage("a link to a device", _instead(lambda path: path.symlink_to("/dev/zero"))),
    Damage("huge", lambda path, rng: os.truncate(path, 200_000_000)),
]  # fmt: skip
VALUES: list[Any] = [
    None, True, -1, 0, 10**30, 1e308, "", "x" * 200_000, [], {}, [[]], {"a": {}}, "9999-99-99", "9999-12-31T23:59:59-14:00", "0001-01-01", "../../etc",
    "<script>alert(1)</script>", "\x1b[2J\x00", "\u202e", -0.5, 17.5,
]  # fmt: skip


def _json(change: Callable[[Any, np.random.Generator], Any]) -> Callable[[Path, np.random.Generator], None]:
    def do(path: Path, rng: np.random.Generator) -> None:
        path.write_text(json.dumps(change(json.loads(path.read_text()), rng), ensure_ascii=bool(rng.integers(2))))

    return do


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*at, key)
        yield from _places(inner, (*at, key))


def _somewhere(value: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    places = list(_places(value))
    *way, last = places[int(rng.integers(len(places)))]
    for key in way:
        value = value[key]
    return value, last


def _other_value(value: Any, rng: np.random.Generator) -> Any:
    inside, key = _somewhere(value, rng)
    inside[key] = VALUES[int(rng.integers(len(VALUES)))]
    return value


def _without(value: Any, rng: np.random.Generator) -> Any:
    inside, key = _somewhere(value, rng)
    del inside[key]
    return value


def _twice(value: Any, rng: np.random.Generator) -> Any:
    return [*value, value[0]] if isinstance(value, list) else value | {"period": "1999-13"}


def _text(old: str, new: str) -> Callable[[Path, np.random.Generator], None]:
    return _bytes(lambda content, rng: content.replace(old.encode(), new.encode()))


OF_JSON = [
    Damage("another shape", _bytes(lambda content, rng: [b"[]", b"{}", b"7", b"null", b'"x"', b"[[]]", b"[" * 100_000][int(rng.integers(7))]), told=False),
    Damage("NaN", _text(": ", ": NaN, \"x\": ")), Damage("1e999", _text(": ", ": 1e999, \"x\": ")),
    Damage("half a character", _text(': "', ': "\\ud800')),
    Damage("a key twice", _bytes(lambda content, rng: content.replace(b"{", b'{"period": "1999-02", "period": "1999-02", "name": "a", "name": "b", ', 1))),
    Damage("another value", _json(_other_value), told=False), Damage("a part is gone", _json(_without), told=False),
    Damage("a row twice, a period that is none", _json(_twice)), Damage("a number of many digits", _text(": ", f": {'9' * 5000}, \"x\": ")),
]  # fmt: skip


def _table(
    change: Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame],
) -> Callable[[Path, np.random.Generator], None]:
    def do(path: Path, rng: np.random.Generator) -> None:
        change(pd.read_parquet(path), rng).to_parquet(path, index=False)

    return do


def _with(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    column = "contacts" if "contacts" in frame else "queued"
    values = [-1.0, np.nan, np.inf, 1e300, 0.5]
    numbers = frame[column].astype(float)
    numbers.iloc[int(rng.integers(len(frame)))] = values[int(rng.integers(len(values)))]
    return frame.assign(**{column: numbers})


def _moved(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The same sum, on other rows: only a sum of the file can tell."""
    column = "contacts" if "contacts" in frame else "queued"
    return frame.assign(**{column: np.roll(frame[column].to_numpy(), 1)})


OF_TABLES = [
    Damage("rows twice", _table(lambda frame, rng: pd.concat([frame, frame.head(3)]))),
    Damage("a column is gone", _table(lambda frame, rng: frame.drop(columns=frame.columns[int(rng.integers(len(frame.columns)))])), told=False),
    Damage("texts for numbers", _table(lambda frame, rng: frame.astype({"weekday": str}))),
    Damage("a number that is no count", _table(_with), told=False), Damage("counts moved", _table(_moved), told=False),
    Damage("days of another year", _table(lambda frame, rng: frame.assign(day=frame["day"] + pd.Timedelta(days=3640)))),
    Damage("no rows", _table(lambda frame, rng: frame.head(0))), Damage("another table", _table(lambda frame, rng: pd.DataFrame({"a": [1]}))),
]  # fmt: skip


def chosen(home: Path, rng: np.random.Generator) -> tuple[Path, Damage]:
    """A file and what is done to it."""
    out = home / "out"
    runs = sorted([*out.glob("[a-z]*/*/**/*"), *out.glob(".exact/**/*")])
    parts = {
        "run": [p for p in runs if p.suffix in (".json", ".parquet") and GOOD not in p.parts],
        "other": [out / "index.html", *sorted((out / ".locks").glob("*"))],
        "cache": [p for p in sorted((home / "cache").rglob("*")) if p.is_file()],
    }  # fmt: skip
    kind = rng.choice(["run", "run", "run", "run", "other", "cache"])
    path = parts[kind][int(rng.integers(len(parts[kind])))]
    ways = EVERY + {".json": OF_JSON, ".parquet": OF_TABLES if kind == "run" else []}.get(path.suffix, [])
    if any(period in path.parts for period in OLD):
        ways = [way for way in ways if way.told]
    return path, ways[int(rng.integers(len(ways)))]


# One case ----------------------------------------------------------------------------------------------------------------


class HangError(BaseException):
    """The case took too long; no ``except Exception`` may swallow it."""


def _too_long(signal_: int, frame: Any) -> None:
    raise HangError


def _execute(
    order: one_run.Order, target: Path, kernels: Any
) -> tuple[dict[str, Any], list[Any], list[dict[str, Any]]]:
    """What the notebooks would leave, after the look at the counts of other runs."""
    (target / "notebooks").mkdir()
    shutil.copytree(order.out.parent / "next" / "monthly" / NEXT, target, dirs_exist_ok=True)
    for folder in one_run._archive(order):
        if kept_period(folder, known=True) is None:
            raise AssertionError(f"{folder} is good, and cannot be read")
    headlines = json.loads((target / "headlines.json").read_text())
    record = {**_record("monthly", NEXT), "exact": exact.digests_of(target / exact.EXACT), "notebooks": []}
    return record, [], headlines


def _page(report: Any, notebooks: Any, record: Any, headlines: Any, path: Path, brand: Any, names: Any) -> None:
    path.write_text("<html>new</html>")


@contextlib.contextmanager
def _cache(home: Path) -> Iterator[None]:
    with (
        mock.patch.dict(os.environ, {"XDG_CACHE_HOME": str(home / "cache"), "XDG_DATA_HOME": str(home / "data")}),
        mock.patch.object(job, "warm_start_for", return_value=None),
        mock.patch.object(job, "_outputs", return_value={}), mock.patch.object(job.run, "execute_report", _execute), mock.patch.object(job, "_write_page", _page),
    ):  # fmt: skip
        os.environ.pop(FOLDER, None)
        yield


def night(home: Path, *, cached: bool = True) -> tuple[int, str, str, dict[str, str]]:
    """The exit code of the next report, what it said on stderr, the period of the log as the cache has it (``cached``), and
    what others read of each run."""
    said = io.StringIO()
    with _cache(home), contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        order = one_run.Order(REPORT, parse_period(NEXT), {}, log="", out=home / "out", root=ROOT)
        code = job.make_report(order, _Guard())  # type: ignore[arg-type]
        read, _ = read_runs(home / "out")
        view = _view(read)
        runs = history.by_period(read)
        history.standing_evidence(runs.values())
        both = [runs[key] for key in (("monthly", "1999-03"), ("monthly", "1999-05")) if key in runs]
        if len(both) == 2:
            history.diff_headlines(*both)
            history.diff_facts(*both)
        month = load(home / "log.csv").period("1999-06") if cached else None
        cells = "" if month is None else month.cells.to_csv() + str(month.contacts.order("opened_at").df().to_csv())
    return code, said.getvalue(), cells, view


class _Guard:
    """No signals and no clock: the case has its own."""

    clock = staticmethod(lambda seconds: contextlib.nullcontext())
    whole = staticmethod(contextlib.nullcontext)
    check = staticmethod(lambda: None)


def _view(runs: list[dict[str, Any]]) -> dict[str, str]:
    """What others read of each run, as text."""
    return {
        f"{run['report']}/{run['period']}{'.failed' if run['status'] == 'failed' else ''}": json.dumps(
            {k: v for k, v in run.items() if k != "days"} | {"days": None if run["days"] is None else _hash(run["days"].to_csv().encode())},
            sort_keys=True, default=str)
        for run in runs
    }  # fmt: skip


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _tree(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): _hash(p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file()}


class Truth(NamedTuple):
    """What comes of the night where nothing is damaged."""

    view: dict[str, str]
    index: str
    cells: str


def truth_of(base: Path, folder: Path) -> Truth:
    home = copied(base, folder)
    code, said, cells, view = night(home)
    assert code == 0, said
    found = Truth(view, (home / "out" / "index.html").read_text(), cells)
    shutil.rmtree(home)
    return found


def copied(base: Path, folder: Path) -> Path:
    """A copy in the same place every time: a cache goes by the place of the log."""
    home = folder / "case"
    base.rename(home) if not base.exists() else shutil.copytree(base, home, symlinks=True, copy_function=shutil.copy2)
    return home


def judged(seed: int, base: Path, truth: Truth, folder: Path) -> tuple[str, str, str]:
    """What was done, what came of it, and in words what is wrong with that."""
    rng = np.random.default_rng(seed)
    home = copied(base, folder)
    done: list[tuple[Path, str]] = []
    try:
        for _ in range(int(rng.choice([1, 1, 2, 3]))):
            path, damage = chosen(home, rng)
            if any(path == other for other, _ in done):
                continue
            damage.do(path, rng)
            done.append((path, damage.name))
        what = f"{seed}: " + "; ".join(f"{path.relative_to(home)}: {name}" for path, name in done)
        before = _tree(home / "out" / "monthly" / GOOD)
        signal.signal(signal.SIGALRM, _too_long)
        signal.alarm(LONGEST_S)
        try:
            cached = any(path.is_relative_to(home / "cache") for path, _ in done)
            code, said, cells, view = night(home, cached=cached)
        except HangError:
            return what, "hang", "".join(traceback.format_exc()[-300:])
        except Exception:
            return what, "traceback", traceback.format_exc()[-700:]
        finally:
            signal.alarm(0)
        if code != 0:
            return what, "stopped", f"{code}: {said}"
        if "Traceback" in said:
            return what, "traceback", said
        if _tree(home / "out" / "monthly" / GOOD) != before:
            return what, "good report lost", ""
        index = (home / "out" / "index.html").read_text()
        return what, *_told(home, done, said, index, cells, view, truth)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _told(
    home: Path, done: list[tuple[Path, str]], said: str, index: str, cells: str, view: dict[str, str], truth: Truth
) -> tuple[str, str]:
    if cells and cells != truth.cells:
        return "silently wrong", "the log has other numbers through its cache"
    named = 0
    damaged = set()
    for path, _ in done:
        if not path.is_relative_to(home / "out") or ".locks" in path.parts or path.name == "index.html":
            continue
        name = path.relative_to(home / "out").as_posix()
        own = "/".join(name.removeprefix(".exact/").split("/")[:2])
        damaged.add(own)
        if f"left aside: {name}" in said and f"<code>{name}</code>" in index:
            named += 1
        elif view.get(own) != truth.view[own] and f"left aside: {own}/run.json" not in said:
            return "silently wrong", f"{name} is not named, and {own} is read otherwise"
    if others := [
        own
        for own in truth.view
        if own not in damaged and own != f"monthly/{NEXT}" and view.get(own) != truth.view[own]
    ]:
        return "silently wrong", f"{others} changed"
    if not named and index != truth.index:
        return "silently wrong", "the index says something else, and names nothing"
    return ("named" if named else "harmless"), ""


def prepared(folder: Path) -> tuple[Path, Truth]:
    """The folder that is damaged, and what comes of the night without damage."""
    place = folder / "case"  # built where its copies stand: the cache goes by the place of the log
    build(place)
    base = folder / "base"
    place.rename(base)
    return base, truth_of(base, folder)


def try_cases(seeds: range) -> tuple[Counter[str], list[tuple[str, str, str]]]:
    """Outcomes of many cases, and those that are not right."""
    outcomes: Counter[str] = Counter()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        base, truth = prepared(Path(folder))
        for seed in seeds:
            what, outcome, said = judged(seed, base, truth, Path(folder))
            outcomes[outcome] += 1
            if outcome in BAD:
                wrong.append((outcome, what, said))
                print(outcome, what, said, sep=" | ", flush=True)
    return outcomes, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    given = parser.parse_args()
    begun, part = time.monotonic(), 125
    last = given.first + given.cases
    parts = [range(s, min(s + part, last)) for s in range(given.first, last, part)]
    outcomes: Counter[str] = Counter()
    wrong: list[tuple[str, str, str]] = []
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for found, cases in pool.imap_unordered(try_cases, parts):
            outcomes += found
            wrong += cases
    facts: dict[str, Any] = {
        "cases": given.cases, "first_seed": given.first, "outcomes": dict(outcomes), "wrong": wrong, "seconds": round(time.monotonic() - begun),
        "date": date.today().isoformat(), "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "python": platform.python_version(), "pandas": version("pandas"), "pyarrow": version("pyarrow"), "duckdb": version("duckdb"),
    }  # fmt: skip
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "odd_state.json").write_text(json.dumps(facts, indent=1) + "\n")
    lines = ["# Odd state", "", f"Made by `python benchmarks/odd_state.py --cases {given.cases} --first {given.first}`.", "",
             "| what came of it | cases |", "|---|---:|"]  # fmt: skip
    lines += [f"| {what} | {outcomes.get(what, 0):,} |" for what in ("named", "harmless", *BAD)]
    lines += ["", "Named: told with its reason on stderr and in the index, and nothing of it used. Harmless: nothing that is read changed. "
              "In every case the next report was made, and the good one beside the damaged ones kept its bytes, or it stands in the lines below.",
              "", "## Where and when", ""]  # fmt: skip
    lines += [
        f"- {key}: {facts[key]}" for key in ("date", "seconds", "machine", "python", "pandas", "pyarrow", "duckdb")
    ]
    (given.out / "odd_state.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return int(any(outcomes[bad] for bad in BAD))


if __name__ == "__main__":
    raise SystemExit(main())
