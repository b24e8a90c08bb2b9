"""What is remembered from one process to the next: where kept periods stand, and what a file was found to be."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import platformdirs

from cxresearch.contacts.outside import OutsideError, read_outside, strict_json

# What stands in a kept folder. Another number is another shape: such a folder is left aside and made anew.
VERSION = 1
RULES = 10  # how a log is laid out and its cells are read: what was found by other rules is found anew
FOLDER = "CXRESEARCH_KEPT"  # the folder that the notebooks of one report share with their runner
FETCHED = "fetched"  # copies of what lies elsewhere, for the processes of one report
MOST_FOLDERS = 24
MOST_FILES = 400
_GRAIN_NS = 1_000_000_000


def kept_folder() -> Path:
    """The folder for kept periods: the one of a running report, else the user's cache, else one of this process."""
    named = os.environ.get(FOLDER)
    folder = Path(named) if named else platformdirs.user_cache_path("cxresearch") / "periods"
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.is_dir() and os.access(folder, os.W_OK):
            return folder
    # A home that cannot be written to: read anew in every process.
    os.environ[FOLDER] = own = tempfile.mkdtemp(prefix="cxresearch-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return Path(own)


@contextlib.contextmanager
def kept_in(folder: Path) -> Iterator[None]:
    """Keep periods in ``folder``, in this process and in those that it starts; the folder is removed at the end."""
    before = os.environ.get(FOLDER)
    os.environ[FOLDER] = str(folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / FETCHED).mkdir(exist_ok=True)
    try:
        yield
    finally:
        os.environ.pop(FOLDER, None)
        if before is not None:
            os.environ[FOLDER] = before
        shutil.rmtree(folder, ignore_errors=True)


def folder_for_copies() -> Path:
    """A new folder for what is read again within this process: with the report that is made, else among temporary files."""
    shared = os.environ.get(FOLDER)
    return Path(tempfile.mkdtemp(prefix=".copy-", dir=shared if shared and os.path.isdir(shared) else None))


def fetched_folder() -> Path:
    """The folder for copies of what lies elsewhere: shared where a report is made, else a new one, gone with the process."""
    shared = kept_folder() / FETCHED
    if shared.is_dir():
        return shared
    own = tempfile.mkdtemp(prefix="cxresearch-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return Path(own)


def fetched_once(what: Any, fetch: Callable[[Path], dict[str, Any]]) -> tuple[Path, dict[str, Any]]:
    """A folder that ``fetch`` filled and what it said of it; within a report the first to ask for ``what`` fetches it."""
    name = hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:24]
    home = fetched_folder()
    folder = home / name
    if (facts := read_json(folder / "fetched.json")) is None:
        build = Path(tempfile.mkdtemp(dir=home, prefix=".new-"))
        try:
            write_json(build / "fetched.json", fetch(build))
            build.rename(folder)
        except OSError:
            shutil.rmtree(build, ignore_errors=True)
            if not folder.is_dir():  # else another process was faster
                raise
        except BaseException:
            shutil.rmtree(build, ignore_errors=True)
            raise
        facts = read_json(folder / "fetched.json")
    return folder, facts


def lasting() -> bool:
    """Whether kept periods outlive this process: not those of a running report."""
    return FOLDER not in os.environ


def clear_place(path: Path) -> None:
    """Remove what stands there, whatever it is; what cannot be removed stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def remembered(what: str, path: Path, find: Callable[[], Any], fits: Callable[[Any], bool]) -> Any:
    """What ``find`` says of a file, from the last time where the file has not changed since.

    It is the same file where place, size, time of change and number are the same, and where it had not changed within
    the second before it was looked at: a clock's grain hides what happens in it. What does not fit, or is not what was
    written, is found anew.
    """
    seen = path.stat()
    mark = f"{str(path.resolve())!a}|{seen.st_size}|{seen.st_mtime_ns}|{seen.st_ino}|{VERSION}|{RULES}"
    memory = kept_folder() / f"{what}.json"
    known = read_json(memory)
    known = known if isinstance(known, dict) else {}
    entry = known.get(mark)
    if isinstance(entry, list) and len(entry) == 2 and entry[1] == _sum_of(mark, entry[0]) and fits(entry[0]):
        return entry[0]
    found = find()
    if time.time_ns() - seen.st_mtime_ns >= _GRAIN_NS:
        others = [(name, value) for name, value in known.items() if name != mark]
        with contextlib.suppress(OSError):  # a memory that cannot be written is none
            write_json(memory, dict([*others, (mark, [found, _sum_of(mark, found)])][-MOST_FILES:]))
    return found


def _sum_of(mark: str, value: Any) -> str:
    return hashlib.sha256(f"{mark}|{json.dumps(value)}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def room_for_another(folder: Path) -> None:
    """Remove the oldest kept periods beyond ``MOST_FOLDERS``."""
    kept: list[tuple[float, Path]] = []
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with contextlib.suppress(OSError):  # another process makes room, too
                if path.name != FETCHED and path.is_dir():
                    kept.append((path.stat().st_mtime, path))
    for _, old in sorted(kept)[:-MOST_FOLDERS]:
        shutil.rmtree(old, ignore_errors=True)


def read_json(path: Path) -> Any:
    """The value of a JSON file, or None where it is none."""
    try:
        return strict_json(read_outside(path))
    except (FileNotFoundError, OutsideError):
        return None


def write_json(path: Path, value: Any) -> None:
    """The whole file or the old one."""
    own = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        with own.open("x", encoding="utf-8") as file:
            file.write(json.dumps(value))
        own.replace(path)
    except BaseException:
        own.unlink(missing_ok=True)
        raise
