"""Where periods are kept that were read once, and how a kept one is known to be the one that is asked for."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import platformdirs

from cxresearch.contacts.files import FileFacts, file_facts

# What stands in a kept folder. Another number is another shape: such a folder is left aside and made anew.
VERSION = 1
FOLDER = "CXRESEARCH_KEPT"  # the runner names the folder that the notebooks of one report share
MOST_FOLDERS = 24
_GRAIN_NS = 1_000_000_000


def kept_folder() -> Path:
    """The folder for kept periods: the one of a running report, else the user's cache, else one of this process."""
    named = os.environ.get(FOLDER)
    folder = Path(named) if named else platformdirs.user_cache_path("cxresearch") / "periods"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass  # a home that cannot be written to: read anew in every process
    return Path(tempfile.mkdtemp(prefix="cxresearch-"))


def log_facts(paths: Iterable[Path], *, quoted: bool = True) -> list[FileFacts]:
    """:func:`files.file_facts` of every file, from the last time where a file has not changed since.

    A file is the same as then where place, size and time of change are, and it was older than the clock's grain.
    """
    memory = kept_folder() / "files.json"
    known = read_json(memory) or {}
    facts, learned = [], False
    for path in paths:
        seen = path.stat()
        mark = f"{path.resolve()}|{seen.st_size}|{seen.st_mtime_ns}|{seen.st_ino}|{VERSION}"
        if mark not in known:
            fact = file_facts(path, quoted=quoted)
            if time.time_ns() - seen.st_mtime_ns < _GRAIN_NS:  # it could change again and look the same
                facts.append(fact)
                continue
            known[mark], learned = {"sha256": fact.sha256, "records": fact.records}, True
        facts.append(FileFacts(str(path), **known[mark]))
    if learned:
        write_json(memory, dict(list(known.items())[-200:]))
    return facts


def identity(facts: Iterable[FileFacts], columns: Mapping[str, Any], preset: str | None) -> str:
    """One name for a log as it is read: its bytes, its mapping, and the version of what is kept."""
    said = [[fact.sha256 for fact in facts], dict(columns), preset, VERSION]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:24]


def room_for_another(folder: Path) -> None:
    """Remove the oldest kept periods beyond ``MOST_FOLDERS``."""
    kept = sorted((p for p in folder.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
    for old in kept[:-MOST_FOLDERS]:
        shutil.rmtree(old, ignore_errors=True)


def read_json(path: Path) -> Any:
    """The value of a JSON file, or None where it is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_json(path: Path, value: Any) -> None:
    """The whole file or the old one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(value, file)
    Path(name).replace(path)
