"""A file that was kept may have become anything since: it is read without waiting, within bounds, and held to its sum."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

SUMS_FILE = "SHA256SUMS"  # as ``sha256sum --check`` reads it
LARGEST = 64_000_000  # bytes of a file that is read as a whole
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_LARGEST_INT = 2**63


class OutsideError(ValueError):
    """What is wrong with a kept file, in words that follow its name; ``file``: its name, where several are read at once."""

    def __init__(self, why: str, file: str = "") -> None:
        super().__init__(why)
        self.file = file


def open_plain(path: Path) -> io.BufferedReader:
    """A plain file, opened for reading. A pipe is not waited for.

    Raises FileNotFoundError where nothing stands, OutsideError where it is no file or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        if path.is_symlink():
            raise OutsideError("it is a link to nothing") from None
        raise
    except (OSError, ValueError) as error:
        raise OutsideError(f"it cannot be read ({getattr(error, 'strerror', None) or error})") from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise OutsideError("it is a folder" if stat.S_ISDIR(mode) else "it is no file")
    return os.fdopen(descriptor, "rb")


def read_outside(path: Path, most: int = LARGEST) -> bytes:
    """The bytes of a plain file of at most ``most``. Raises as :func:`open_plain`."""
    with open_plain(path) as file:
        try:
            large = os.fstat(file.fileno()).st_size > most
            content = b"" if large else file.read(most + 1)
        except OSError as error:
            raise OutsideError(f"it cannot be read ({error.strerror or error})") from error
    if large or len(content) > most:
        raise OutsideError(f"it is larger than {most:,} bytes")
    return content


def strict_json(content: bytes) -> Any:
    """What JSON says, where every number is one, no key stands twice and all text can be written down. Raises OutsideError."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise OutsideError("it is not UTF-8") from None
    try:
        value = json.loads(
            text, parse_constant=_no_number, parse_float=_number, parse_int=_whole, object_pairs_hook=_once
        )
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except OutsideError:
        raise
    except UnicodeEncodeError:
        raise OutsideError("it holds half a character") from None
    except (ValueError, RecursionError):
        raise OutsideError("it is not JSON") from None
    return value


def _no_number(text: str) -> Any:
    raise OutsideError(f"it holds {text}, which is no number")


def _number(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise OutsideError(f"it holds {text[:20]}, which is no number")
    return value


def _whole(text: str) -> int:
    if len(text) > 20 or abs(value := int(text)) >= _LARGEST_INT:
        raise OutsideError(f"it holds {text[:20]}…, a number of {len(text)} digits")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise OutsideError(f"it says {twice[:40]!r} twice")
    return found


def write_sums(folder: Path, names: Iterable[str]) -> None:
    """Write down in ``SHA256SUMS`` what the files ``names`` of ``folder`` are now; those that are not there are left out.

    The whole list or the old one.
    """
    there = [name for name in names if (folder / name).is_file()]
    own = folder / f".{SUMS_FILE}-{os.getpid()}"
    own.write_text("".join(f"{sum_of(folder / name)}  {name}\n" for name in there), encoding="utf-8")
    own.replace(folder / SUMS_FILE)


def sum_of(path: Path) -> str:
    """The SHA-256 of a plain file. Raises as :func:`open_plain`."""
    with open_plain(path) as file:
        try:
            return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise OutsideError(f"it cannot be read ({error.strerror or error})") from error


def read_sums(folder: Path) -> dict[str, str]:
    """Name -> sum, as ``SHA256SUMS`` has them; none where there is no such file. Raises OutsideError for another shape."""
    try:
        text = read_outside(folder / SUMS_FILE, 1_000_000).decode("utf-8")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise OutsideError("it is not UTF-8") from None
    lines = [_LINE.fullmatch(line) for line in text.splitlines()]
    if not lines or None in lines:
        raise OutsideError("it is no list of sums")
    return {line[2]: line[1] for line in lines if line}


def check_sum(name: str, content: bytes | Path, sums: Mapping[str, str]) -> None:
    """Raise OutsideError where ``sums`` has another sum of ``name`` than that of its ``content``."""
    if name in sums:
        found = sum_of(content) if isinstance(content, Path) else hashlib.sha256(content).hexdigest()
        if found != sums[name]:
            raise OutsideError("it is not what was left: its sum is another")
