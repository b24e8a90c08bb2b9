"""What stands in the place of a period where a report reads no log: the version of the files it is made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from cxresearch.report.archive.recorded import STORED, run_of
from cxresearch.report.run.parameters import ParameterError, Report

NO_ROWS: dict[str, Any] = {
    "simulated": False, "counts": {}, "set_aside": [], "repaired": [], "left_out": [], "kept_days": [], "newest_record": None,
}  # fmt: skip


@dataclass(frozen=True)
class Version:
    """What a report is made from. ``name`` is a date and a digest, ``label`` what people read; ``facts`` is what run.json says
    of the rows, ``shares`` what is kept of a survey's answers. ``lasting``: where a whole report of it stands, another would
    say the same. None stands before it: other files are another version."""

    name: str
    label: str
    facts: dict[str, Any] = field(repr=False)
    shares: pd.DataFrame | None = field(default=None, repr=False)
    lasting: bool = False
    previous: None = None


def version_name(folder: Path, day: date, digest: str) -> str:
    """The name of a version below the ``folder`` of its report; one that stands there already keeps its name, whatever date
    its files have now."""
    standing = sorted(
        p.name
        for one in (folder, *_stored(folder))
        for p in one.glob(f"????-??-??-{digest}")
        if p.is_dir() and _is_version(p.name)
    )
    return standing[0] if standing else f"{day.isoformat()}-{digest}"


def _stored(folder: Path) -> list[Path]:
    """The same folder in what was fetched from stores."""
    return sorted((folder.parent / STORED).glob(f"*/{folder.name}"))


def version_of_files(report: Report, settings: Mapping[str, Any], out: Path) -> Version:
    """The version of the inputs of a report, of the files that its parameters name, and of what else is set otherwise than
    the notebooks have it. Raises ParameterError for a file that is not there."""
    root = report.notebooks[0].parents[1]
    given = {**report.parameters, **settings}
    named = {name: Path(value) for name, value in given.items() if name.endswith("_file") and value}
    files = {name: root / name for name in report.inputs} | named
    if missing := [f"{name}: {path}" for name, path in files.items() if not path.is_file()]:
        raise ParameterError(f"report {report.name}: no such file: {'; '.join(missing)}.")
    said = {
        name: value for name, value in given.items() if name not in named and value != report.declared[name].default
    }
    told = {name: _sha256(path) for name, path in files.items()}
    text = json.dumps([told, said, report.tables], sort_keys=True, default=str)
    day = max(date.fromtimestamp(path.stat().st_mtime) for path in files.values())
    name = version_name(out / report.name, day, hashlib.sha256(text.encode()).hexdigest()[:8])
    day = date.fromisoformat(name[:10])
    return Version(name, f"version of {day.day} {day:%B} {day.year}", NO_ROWS, lasting=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stands(folder: Path) -> bool:
    """Whether a whole report stands in ``folder``, or in a store from which that was fetched."""
    return any(_stands(one) for one in (folder, *(above / folder.name for above in _stored(folder.parent))))


def _stands(folder: Path) -> bool:
    run = run_of(folder)
    return run is not None and run["status"] == "complete" and (folder / "report.html").is_file()


def _is_version(name: str) -> bool:
    try:
        return date.fromisoformat(name[:10]).isoformat() == name[:10]
    except ValueError:
        return False
