"""What the bytes of a file say: its hash, how many records it holds, whether its end is there, whose rows it repeats."""

from __future__ import annotations

import functools
import gzip
import hashlib
import zlib
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cxresearch.contacts.canonical import LogError, first_line
from cxresearch.contacts.memory import remembered

NO_TEXT = (".parquet", ".xlsx", ".xlsm", ".xls", ".ods")
_PART, _END, _SPACE = 1 << 22, ord("\n"), ord(" ")


@dataclass(frozen=True)
class FileFacts:
    """What the bytes of a file say, read once: its hash, how many records it holds, whether its end is there.

    ``records`` are the lines with text outside quotes, without the header; None for Parquet and spreadsheets.
    """

    path: str
    sha256: str
    records: int | None


def _are_facts(value: Any) -> bool:
    return (
        isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
        and (value[1] is None or isinstance(value[1], int))
    )  # fmt: skip


def log_facts(paths: Iterable[Path], *, quoted: bool = True) -> list[FileFacts]:
    """:func:`file_facts` of every file, from the last time where a file has not changed since."""

    def found(path: Path) -> list[Any]:
        fact = file_facts(path, quoted=quoted)
        return [fact.sha256, fact.records]

    return [
        FileFacts(
            str(path), *remembered("files" if quoted else "lines", path, functools.partial(found, path), _are_facts)
        )
        for path in paths
    ]


def file_facts(path: Path, *, quoted: bool = True) -> FileFacts:
    """Hash, records and the end of a gzip in one pass over the bytes (``quoted``: a line may end inside quotes).

    Raises LogError for a gzip that is cut off."""
    name, digest = path.name.lower(), hashlib.sha256()
    count = None if name.endswith(NO_TEXT) else _RecordCount(quoted=quoted)
    unpack = zlib.decompressobj(wbits=31) if name.endswith(".gz") else None
    with path.open("rb") as file:
        while part := file.read(_PART):
            digest.update(part)
            if count is None:
                continue
            if unpack is None:
                count.add(part)
                continue
            while part:
                try:
                    count.add(unpack.decompress(part))
                except zlib.error as error:
                    raise LogError(f"cannot read {path}: {error}. Replace it or leave it out.") from error
                part = unpack.unused_data
                if unpack.eof and part:  # a gzip may hold several, one after the other
                    unpack = zlib.decompressobj(wbits=31)
    if unpack is not None and not unpack.eof:
        raise LogError(f"cannot read {path}: the gzip ends before its end; it was cut off. Copy it again.")
    return FileFacts(str(path), digest.hexdigest(), count.records if count else None)


class _RecordCount:
    """Records of a text file: ends of lines outside quotes, lines without any text left out, and the header."""

    def __init__(self, *, quoted: bool) -> None:
        self._lines, self._quoted, self._text = 0, False, False
        self._quote = ord('"') if quoted else -1

    def add(self, part: bytes) -> None:
        bytes_ = np.frombuffer(part, dtype=np.uint8)
        if not bytes_.size:
            return
        inside = (np.cumsum(bytes_ == self._quote) + self._quoted) % 2 == 1
        ends = np.flatnonzero((bytes_ == _END) & ~inside)
        # A line counts where a byte that is no white space stands in it.
        said = np.concatenate([[0], np.cumsum(bytes_ > _SPACE)])
        edges = np.concatenate([[0], ends, [bytes_.size]])
        holds = np.diff(said[edges]) > 0
        holds[0] |= self._text
        self._lines += int(holds[:-1].sum())
        self._text = bool(holds[-1])
        self._quoted = bool(inside[-1])

    @property
    def records(self) -> int:
        return max(self._lines + self._text - 1, 0)


def proved_whole(paths: Iterable[Path], *, quoted: bool) -> None:
    """Follow every gzip to its end: the engine takes one that was cut off for a shorter log. Raises LogError."""
    log_facts([path for path in paths if path.name.lower().endswith(".gz")], quoted=quoted)


def repeated(files: Sequence[tuple[Path, Hashable]]) -> dict[Path, Path]:
    """File -> the earlier one of ``(file, mark)`` that holds the same bytes under the same mark, packed or not.

    Content is looked at only where two files may have the same: the same size as text, or the same name but for ``.gz``.
    """
    alike: dict[Hashable, list[int]] = {}
    for number, (path, mark) in enumerate(files):
        for sign in (("size", _size(path)), ("name", path.parent, path.name.lower().removesuffix(".gz"))):
            alike.setdefault((mark, *sign), []).append(number)
    seen: dict[Hashable, Path] = {}
    found = {}
    for number in sorted({number for group in alike.values() if len(group) > 1 for number in group}):
        path, mark = files[number]
        content = remembered("contents", path, functools.partial(_content, path), lambda value: isinstance(value, str))
        if (first := seen.setdefault((mark, content), path)) != path:
            found[path] = first
    return found


def _size(path: Path) -> int:
    """The size of the text; a gzip says that of its last part at its end."""
    size = path.stat().st_size
    if not path.name.lower().endswith(".gz") or size < 4:
        return size
    with path.open("rb") as file:
        file.seek(-4, 2)
        return int.from_bytes(file.read(4), "little")


def _content(path: Path) -> str:
    """The hash of what is in a file, taken out of its gzip."""
    try:
        with gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, EOFError, zlib.error) as error:
        raise LogError(f"cannot read {path}: {first_line(error)}. Copy it again, or leave it out.") from error
