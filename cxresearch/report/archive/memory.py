"""One memory for many runners: what earlier runs left is fetched from the store before a run, and written there after it.

The store holds what is published; the exact tables have a place of their own, closed to others (``history`` of a report).
What is fetched stands in ``OUT/.stored/MARK``, laid out as ``OUT`` is, and is read by ``recorded`` as data from outside.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxresearch.contacts import OutsideError, read_outside, strict_json
from cxresearch.report.archive.again import again
from cxresearch.report.archive.deliver import DeliveryError, one_line
from cxresearch.report.archive.exact import ARRIVALS, COUNTS, HEADLINE_DAYS, exact_folder
from cxresearch.report.archive.recorded import STORED
from cxresearch.report.archive.stores import ChangedMeanwhileError, Kept, Store, open_store, store

INDEX = "index.html"
FETCHED = ("headlines.json", "forecast.json", "run.json")
SEEN = ("report.html", "brief.html")  # it is enough to know that they are there
EXACT_FETCHED = (*COUNTS, HEADLINE_DAYS, ARRIVALS)
LARGEST = 50_000_000  # bytes; a run whose exact tables are larger counts as one without counts
ROUNDS = 12
_TAGS = "tags.json"
_NAME = re.compile(r"([A-Za-z0-9][\w-]*)/([A-Za-z0-9][\w.-]*)/([\w.]+)")


@dataclass(frozen=True)
class Fetched:
    """How fetching went: ``runs`` that stand in the store, ``without_counts`` of them; ``why`` it went wrong, or ""."""

    runs: int = 0
    without_counts: int = 0
    why: str = ""

    @property
    def record(self) -> dict[str, Any]:
        """What run.json says of it. The reason may hold names of servers, and stands on stderr alone."""
        return {"fetched": not self.why, "runs": self.runs, "without_counts": self.without_counts}


def mirror_of(out: Path, address: str) -> Path:
    """Where the files of a store stand that were fetched."""
    return out / STORED / hashlib.sha256(address.encode()).hexdigest()[:8]


def fetch_back(out: Path, address: str, private: str = "") -> Fetched:
    """Fetch what runs need of those before them: what is new in the store, and nothing else.

    ``private`` is where exact tables are kept; without it only what is published is fetched. Where the store cannot be
    read, what was fetched before stands, and ``why`` says so. Call it holding a lock of ``out``.
    """
    mirror = mirror_of(out, address)
    try:
        fetch_published(open_store(address), mirror)
        if private:
            _fetch_exact(open_store(private), mirror)
        why = ""
    except Exception as error:  # every store has errors of its own
        reason = one_line(str(error))[:300]
        why = (
            reason if isinstance(error, DeliveryError) else f"the history could not be fetched from {address}: {reason}"
        )
    runs = _runs(mirror)
    bare = [key for key, run in runs.items() if run.get("exact") and not _has_counts(out, mirror, key, run)]
    return Fetched(len(runs), len(bare), why)


def fetch_published(there: Store, mirror: Path) -> dict[str, Kept]:
    """Make ``mirror`` what the store holds of every run, as far as others read it; returns the list of the store.

    A run of which a file is newer than its run.json is being written, or was left half written: what was fetched of it
    before stands, and it is named.
    """
    _closed(mirror)
    listed = there.list()
    wanted = {name: kept for name, kept in listed.items() if _wanted(name)}
    halves = _half_written(wanted)
    tags = _tags(mirror)
    new = [
        name for name, kept in wanted.items()
        if _key(name) not in halves and name.endswith(FETCHED)
        and (tags.get(name) != kept.tag or not (mirror / name).is_file())
    ]  # fmt: skip
    for name in [name for name in new if wanted[name].size > LARGEST]:
        print(f"cxresearch: left aside: {there.where(name)}: it has more than {LARGEST:,} bytes.", file=sys.stderr)
        new.remove(name)
    for name, content in there.read(new).items():
        _write(mirror / name, content)
        tags[name] = wanted[name].tag
    for name in wanted:
        if name.endswith(SEEN) and _key(name) not in halves and not (mirror / name).is_file():
            _write(mirror / name, b"")
    for path in mirror.glob("*/*/*"):
        name = path.relative_to(mirror).as_posix()
        if name not in wanted and _wanted(name) and _key(name) not in halves:
            path.unlink(missing_ok=True)
    for key in sorted(halves):
        print(
            f"cxresearch: left aside: {there.where(key)}: a file of it is newer than its run.json, so it is being written or was "
            "left half written; make its report again if it stays so.", file=sys.stderr,
        )  # fmt: skip
    _write(mirror / _TAGS, json.dumps({name: tag for name, tag in tags.items() if name in wanted}).encode())
    return listed


def keep(folder: Path, out: Path, address: str, private: str, index: Callable[[Path], str]) -> None:
    """Write a run that stands in ``folder`` to the store, its exact tables to ``private``, and then the index of the store.

    ``index`` makes the page from a folder of runs. Raises DeliveryError.
    """
    report, period = folder.parts[-2:]
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    exact = exact_folder(out, report, period, record) if record.get("exact") else None
    mirror = mirror_of(out, address)
    before = _runs(mirror).get(f"{report}/{period}", {}).get("exact")
    try:
        if private and exact is not None and exact.is_dir():
            _put_exact(open_store(private), exact, f"{report}/{period}/{exact.name}")
        store(folder, address)
        if private and before and before != record.get("exact"):
            _remove_exact(open_store(private), exact_folder(mirror, report, period, {"exact": before}), mirror)
        write_index(open_store(address), mirror, index)
    except DeliveryError:
        raise
    except ChangedMeanwhileError as error:
        raise DeliveryError(
            f"the runs or the index at {address} were changed by others again and again; the next run makes the index anew."
        ) from error
    except Exception as error:
        raise DeliveryError(
            f"{report} {period} could not be kept at {address}: {one_line(str(error))[:300]}"
        ) from error


def put_again(folder: Path, address: str, names: Collection[str]) -> None:
    """Write some files of a stored run once more, and its run.json after them. Raises DeliveryError."""
    there, key = open_store(address), "/".join(folder.parts[-2:])
    try:
        for name in [*(n for n in names if n != "run.json" and (folder / n).is_file()), "run.json"]:
            there.put(f"{key}/{name}", folder / name)
    except Exception as error:
        raise DeliveryError(f"{key} could not be stored at {address}: {one_line(str(error))[:300]}") from error


def write_index(there: Store, mirror: Path, index: Callable[[Path], str]) -> None:
    """Make the index of the store from what stands in it. No run is lost that was stored by then, by whomever.

    The list is taken after the tag of the index, and the index is written only where that tag still holds; where another
    was quicker, all of it is done again. Where a store cannot hold to a tag, the list is looked at once more after.
    """

    def once() -> None:
        tag = there.tag(INDEX)
        listed = fetch_published(there, mirror)
        there.put_text(INDEX, index(mirror), instead_of=tag)
        if _of_runs(there.list()) != _of_runs(listed):
            raise ChangedMeanwhileError

    again(once, lambda error: isinstance(error, ChangedMeanwhileError), attempts=ROUNDS, longest_wait=0.5)


def _fetch_exact(there: Store, mirror: Path) -> None:
    """The exact tables that the runs of ``mirror`` name, where they are kept and not here yet."""
    listed = there.list()
    folders = {_exact_of(mirror, key, run): run["exact"] for key, run in _runs(mirror).items() if run.get("exact")}
    missing = {}
    for folder, digests in folders.items():
        for name in EXACT_FETCHED:
            far = f"{folder.parent.parent.name}/{folder.parent.name}/{folder.name}/{name}"
            if name in digests and far in listed and listed[far].size <= LARGEST and not (folder / name).is_file():
                missing[far] = folder / name
    for far, content in there.read(list(missing)).items():
        _write(missing[far], content)
    for folder in mirror.glob(".exact/*/*/*"):
        if folder not in folders:
            shutil.rmtree(folder, ignore_errors=True)


def _put_exact(there: Store, exact: Path, far: str) -> None:
    for path in sorted(exact.iterdir()):
        there.put(f"{far}/{path.name}", path)


def _remove_exact(there: Store, folder: Path, mirror: Path) -> None:
    """Those of the run that was replaced, as it was fetched; those of a run under way elsewhere are its own matter."""
    for name in there.list("/".join(folder.relative_to(mirror).parts[1:]) + "/"):
        there.remove(name)


def _runs(mirror: Path) -> dict[str, dict[str, Any]]:
    """run.json of every run in ``mirror``, by report and period, as far as it can be read; ``recorded`` says what is wrong."""
    found = {}
    for path in sorted(mirror.glob("*/*/run.json")):
        try:
            run = strict_json(read_outside(path))
            exact = run.get("exact")
            if exact is None or (isinstance(exact, dict) and all(isinstance(mark, str) for mark in exact.values())):
                found["/".join(path.parts[-3:-1])] = run
        except (FileNotFoundError, OutsideError, AttributeError):
            continue
    return found


def _exact_of(out: Path, key: str, run: dict[str, Any]) -> Path:
    report, period = key.split("/")
    return exact_folder(out, report, period, run)


def _has_counts(out: Path, mirror: Path, key: str, run: dict[str, Any]) -> bool:
    wanted = [name for name in EXACT_FETCHED if name in run["exact"]]
    folders = [_exact_of(base, key, run) for base in (out, mirror)]
    return any(all((folder / name).is_file() for name in wanted) for folder in folders)


def _wanted(name: str) -> bool:
    parts = _NAME.fullmatch(name)
    return parts is not None and parts[3] in (*FETCHED, *SEEN)


def _half_written(wanted: dict[str, Kept]) -> set[str]:
    """The runs of which something is newer than run.json, which is written last, or that have none yet."""
    halves = set()
    for name, kept in wanted.items():
        last = wanted.get(f"{_key(name)}/run.json")
        if last is None or (kept.modified and last.modified and kept.modified > last.modified):
            halves.add(_key(name))
    return halves


def _of_runs(listed: dict[str, Kept]) -> dict[str, str]:
    return {name: kept.tag for name, kept in listed.items() if name.endswith("/run.json")}


def _key(name: str) -> str:
    return name.rsplit("/", 1)[0]


def _tags(mirror: Path) -> dict[str, str]:
    try:
        found = strict_json(read_outside(mirror / _TAGS))
    except (FileNotFoundError, OutsideError):
        return {}
    return found if isinstance(found, dict) else {}


def _closed(folder: Path) -> None:
    """Make a folder and what is missing above it, closed to others."""
    if not folder.is_dir():
        _closed(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _write(path: Path, content: bytes) -> None:
    """The whole file or none, closed to others."""
    _closed(path.parent)
    handle, name = tempfile.mkstemp(prefix=".", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(name).replace(path)
