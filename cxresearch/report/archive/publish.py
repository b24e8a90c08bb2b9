"""What was built aside becomes visible in one step, or not at all; the index is made anew from what is there."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import secrets
import stat
import sys
import tempfile
from pathlib import Path
from typing import Any

from cxresearch.contacts import clear_place

BUILDING = ".building"
RENAME_EXCHANGE = 2  # <linux/fs.h>
AT_FDCWD = -100


def write_json(path: Path, value: Any) -> None:
    """JSON as people read it, with a newline at the end; NaN has no place in it and becomes null."""
    path.write_text(json_text(value), encoding="utf-8")


def json_text(value: Any) -> str:
    """The text that :func:`write_json` writes."""
    return json.dumps(_plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and value != value else value


def new_build(out: Path, key: str) -> Path:
    """An empty folder on the same file system as the reports, where nobody looks."""
    aside = out / BUILDING
    aside.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{key}-", dir=aside))


def clear_old_builds(out: Path, key: str, target: Path) -> None:
    """Remove what an ended run of the same key left behind; call it holding the key's lock.

    A report that such a run had taken from its place, on a system without exchange, is put back.
    """
    for folder in (out / BUILDING).glob(f"{key}-????????.old"):
        if os.path.lexists(target):
            clear_place(folder)
        else:
            folder.rename(target)
    for folder in (out / BUILDING).glob(f"{key}-????????"):
        clear_place(folder)


def publish(build: Path, target: Path, *, closed: bool = False) -> None:
    """Put ``build`` in the place of ``target`` in one step; the old one is removed after the new one stands.

    ``closed``: it is not for others to read, nor are its files.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # mkdtemp keeps others out
    build.chmod(0o700 if closed else build.stat().st_mode & stat.S_ISGID | folder_mode())
    for path in build.rglob("*") if closed else ():
        path.chmod(0o600)
    for path in [*build.rglob("*"), build]:
        _to_disk(path)
    if target.is_dir():
        target = target.resolve()  # a link stays one, and leads to the new report
    if not os.path.lexists(target):
        build.rename(target)
    else:
        _exchange(build, target)
        clear_place(build)
    _to_disk(target.parent)


def folder_mode() -> int:
    """The rights of a new folder, as the umask of this process has them; those of a file are the same without 0o111."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o777 & ~mask


def _to_disk(path: Path) -> None:
    """What is visible after a power cut is whole: contents first, then the folder's entries."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _exchange(one: Path, other: Path) -> None:
    """Swap two folders atomically where the system can (Linux), else by two renames with the gap of a moment."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        done = libc.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE)
        if done == 0:
            return
        if ctypes.get_errno() not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(other))
    between = one.with_name(one.name + ".old")
    other.rename(between)
    try:
        one.rename(other)
    except OSError:
        between.rename(other)
        raise
    between.rename(one)


def write_atomically(path: Path, text: str) -> None:
    """The whole text or the old file, never a part; its rights are those that the umask leaves."""
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        with own.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if path.is_dir() and not path.is_symlink():
            # Nobody knows what is in a folder of this name: it makes room, and stays.
            path.rename(tempfile.mkdtemp(prefix=f"{path.name}.left-aside-", dir=path.parent))
        own.replace(path)
    except BaseException:
        own.unlink(missing_ok=True)
        raise
