"""The exact tables of a run, from which later runs go on: apart from what is published, closed to others.

Most of their cells are one person. They stand in ``OUT/.exact/NAME/PERIOD/MARK``, folders 0700 and files 0600, and are never
published, stored or mailed. ``run.json`` names each with its hash under ``exact``, and the mark is that of those hashes:
the report that stands finds its own tables and no others, whenever a run was killed. Reports made before that have them
as ``tables`` beside the page, and are read as they are.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxresearch.report.archive import publish

EXACT = ".exact"
BESIDE = "tables"  # where reports had them before
HEADLINE_DAYS, ARRIVALS, SHARES = "headline_days.parquet", "arrivals_next.json", "shares.parquet"
COUNTS = ("cells.parquet", "period.json")


def new_exact(build: Path) -> Path:
    """An empty folder, closed to others, for the exact tables of a run that is being built in ``build``."""
    folder = build / EXACT
    folder.mkdir(mode=0o700)
    return folder


def digests_of(folder: Path) -> dict[str, str]:
    """The name and the SHA-256 of every file of a folder of exact tables, as ``run.json`` has them under ``exact``."""
    return {path.name: _sha256(path) for path in sorted(folder.iterdir())} if folder.is_dir() else {}


def exact_folder(out: Path, report: str, period: str, run: Mapping[str, Any]) -> Path:
    """Where the exact tables of a run stand: ``report`` and ``period`` are the names of its folders, ``run`` its run.json."""
    if "exact" not in run:
        return out / report / period / BESIDE
    return out / EXACT / report / period / _mark(run["exact"])


def what_is_wrong(path: Path, run: Mapping[str, Any]) -> str:
    """Why a file of exact tables is not that of the run beside it; "" where it is, and where there is none."""
    if "exact" not in run or not path.is_file():
        return ""
    try:
        same = _sha256(path) == run["exact"].get(path.name)
    except OSError as error:
        return f"it cannot be read ({error.strerror or error})"
    return "" if same else "it is not the one that the run.json of its report names"


def put(build: Path, out: Path, record: Mapping[str, Any]) -> None:
    """Put the exact tables of a built run in their place, before the run that names them takes its own.

    Those of the run that stands are left until :func:`clear_others`. Between the two a killed run leaves the old report
    with the old tables, or the new one with the new.
    """
    folder = build / EXACT
    if not folder.is_dir():
        return
    target = exact_folder(out, record["report"], record["period"], record)
    for above in (out / EXACT, target.parent.parent, target.parent):
        above.mkdir(mode=0o700, exist_ok=True)
    publish.publish(folder, target, closed=True)


def clear_others(out: Path, record: Mapping[str, Any]) -> None:
    """Remove the exact tables of runs that ``record`` has replaced, or that were killed."""
    target = exact_folder(out, record["report"], record["period"], record)
    for folder in target.parent.glob("*"):
        if folder != target:
            shutil.rmtree(folder, ignore_errors=True)


def standing_counts(out: Path) -> list[tuple[str, str, Path]]:
    """The folders with counts of the runs that stand in ``out``: report, period, folder. What is not that of its run is left
    out; reading the runs names it."""
    found = []
    for path in sorted(out.glob("*/*/run.json")):
        report, period = path.parts[-3:-1]
        if report.startswith("."):
            continue
        try:
            run = json.loads(path.read_bytes())
            folder = exact_folder(out, report, period, run)
            if folder.is_dir() and not any(what_is_wrong(folder / name, run) for name in COUNTS):
                found.append((report, period, folder))
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):  # no run.json that could be read on
            continue
    return found


def _mark(digests: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(digests.items())).encode()).hexdigest()[:16]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
