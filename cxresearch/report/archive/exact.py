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
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cxresearch.contacts import OutsideError, kept_problem, read_outside, strict_json
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


def standing_counts(
    out: Path, wanted: Callable[[str, str], bool] = lambda report, period: True
) -> list[tuple[str, str, Path, OutsideError | None]]:
    """The folders with counts of the runs that stand in ``out``, of the ``wanted`` reports and periods: report, period,
    folder, and what is wrong with it, or None."""
    found = []
    for path in sorted(out.glob("*/*/run.json")):
        report, period = path.parts[-3:-1]
        if report.startswith(".") or not wanted(report, period):
            continue
        try:
            run = strict_json(read_outside(path))
            folder = exact_folder(out, report, period, run)
            if folder.is_dir():
                found.append((report, period, folder, kept_problem(folder, sums=run.get("exact"), whole=True)))
        except (OSError, OutsideError, TypeError, AttributeError):  # no run.json that could be read on
            continue
    return found


def _mark(digests: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(digests.items())).encode()).hexdigest()[:16]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
