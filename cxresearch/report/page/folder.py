"""What is published beside a page: every file of a run's folder is read, and one that nobody can read is a finding."""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cxresearch.report.page.leaks import NO_NAMES, Finding, Names, columns_of_text, leaked, personal_column

# Not the name of a row: that is a value, and of a table of channels it may be "email".
_HEAD = re.compile(r"<th\b(?![^>]*\bscope=.row)[^>]*>([^<]*)</th>(?!\s*<td)")
_INSIDE = re.compile(r"base64,[A-Za-z0-9+/=\s]+")  # a picture within a text
_TEXT_OF_PDF = re.compile(rb"\(((?:[^()\\]|\\.)*)\)", re.DOTALL)


class _Read:
    """What one file says: its texts, and the names of the columns of its tables."""

    def __init__(self, texts: Iterable[str], columns: Iterable[str] = ()) -> None:
        self.texts, self.columns = list(texts), list(columns)


def check_files(folder: Path, *, names: Names = NO_NAMES, leave: Iterable[str] = ()) -> dict[str, list[Finding]]:
    """The findings of every file below ``folder`` that has some, by its name there; each file is read once.

    ``leave``: names of files that were read already. Folders that begin with a dot are not published.
    """
    found: dict[str, list[Finding]] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if name.startswith(".") or name in leave:
            continue
        if findings := list(_check(path, name, names)):
            found[name] = findings
    return found


def check_value(value: Any, where: str, names: Names = NO_NAMES) -> list[Finding]:
    """What must not stand in a value that is about to be written as JSON."""
    return list(_findings(_read_value(value), where, names))


def _check(path: Path, name: str, names: Names) -> Iterator[Finding]:
    advice = "only files of known kinds are published, for each is read before"
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        yield Finding("nothing unread", name, advice)
        return
    try:
        read = reader(path.read_bytes())
    except Exception as error:  # every kind of file has errors of its own
        yield Finding("nothing unread", f"{name}: {type(error).__name__}", advice)
        return
    yield from _findings(read, name, names)


def _findings(read: _Read, where: str, names: Names) -> Iterator[Finding]:
    yield from leaked([(where, "\n".join(read.texts))], names)
    for column in dict.fromkeys(read.columns):
        if rule := personal_column(column, names):
            yield Finding(rule, f"{where}: {column}", "count people; do not list them")


def _markup(data: bytes) -> _Read:
    text = _INSIDE.sub("", data.decode("utf-8"))
    return _Read([html.unescape(text)], map(html.unescape, _HEAD.findall(text)))


def _csv(data: bytes) -> _Read:
    text = data.decode("utf-8")
    return _Read([text], text.split("\n", 1)[0].split(","))


def _json(data: bytes) -> _Read:
    return _read_value(json.loads(data))


def _read_value(value: Any) -> _Read:
    read = _Read([])
    _walk(value, read)
    return read


def _walk(value: Any, read: _Read) -> None:
    """Every text of a value, and the keys that the dicts of a list have in common with a table."""
    if isinstance(value, str):
        read.texts.append(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            read.texts.append(str(key))
            _walk(inner, read)
    elif isinstance(value, list | tuple):
        for inner in value:
            if isinstance(inner, dict):
                read.columns += map(str, inner)
            _walk(inner, read)


def _notebook(data: bytes) -> _Read:
    """Sources, attachments, outputs and metadata. Markup is read as such, pictures are not read as text."""
    notebook, read = json.loads(data), _Read([])
    _walk({key: value for key, value in notebook.items() if key != "cells"}, read)
    for cell in notebook["cells"]:
        read.texts.append(_joined(cell["source"]))
        _walk(cell.get("metadata", {}), read)
        for output in cell.get("outputs", []):
            _walk({key: value for key, value in output.items() if key not in ("data", "text")}, read)
            read.texts.append(_joined(output.get("text", "")))
            read.columns += columns_of_text(read.texts[-1])
        bundles = [output.get("data", {}) for output in cell.get("outputs", [])]
        for bundle in [*bundles, *cell.get("attachments", {}).values()]:
            for kind, shown in bundle.items():
                if kind.endswith("json"):
                    _walk(shown, read)
                elif not kind.startswith("image/") or kind == "image/svg+xml":
                    said = _markup(_joined(shown).encode())
                    read.texts += said.texts
                    read.columns += said.columns
                    if kind == "text/plain":
                        read.columns += columns_of_text(said.texts[0])
    return read


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _office(data: bytes) -> _Read:
    """Spreadsheets and slides: the texts and the attributes of every part, and of the spreadsheets inside."""
    read = _Read([])
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        shared: list[str] = []
        for name in parts.namelist():
            inside = parts.read(name)
            if name.endswith((".xlsx", ".xlsm")):
                inner = _office(inside)
                read.texts += inner.texts
                read.columns += inner.columns
            elif name.endswith((".xml", ".rels")):
                text = inside.decode("utf-8")
                said = [html.unescape(part) for part in re.findall(r">([^<]+)<", text)]
                read.texts += said
                if name == "xl/sharedStrings.xml":
                    shared = [_cell(part) for part in re.findall(r"<si>(.*?)</si>", text, re.DOTALL)]
                elif not name.startswith("xl/worksheets"):  # numbers of cells
                    read.texts += map(html.unescape, re.findall(r'(?:name|title|descr|Target)="([^"]*)"', text))
            elif not name.endswith((".png", ".jpeg", "/")):
                raise ValueError(name)
        for name in parts.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                read.columns += _columns_of_sheet(parts.read(name).decode("utf-8"), shared)
    return read


def _cell(part: str) -> str:
    return html.unescape("".join(re.findall(r"<t[^>]*>([^<]*)<", part)))


def _columns_of_sheet(text: str, shared: list[str]) -> list[str]:
    """Cells of text in the first rows: the names of columns stand there, below the caption."""
    rows = re.findall(r'<row r="[1-5]"[^>]*>(.*?)</row>', text, re.DOTALL)
    return [shared[int(at)] for row in rows for at in re.findall(r't="s"[^>]*><v>(\d+)<', row)]


def _parquet(data: bytes) -> _Read:
    table = pq.read_table(io.BytesIO(data))
    texts = [str(value) for column in table.columns if _of_text(column.type) for value in _values(column)]
    return _Read([*table.column_names, *texts], table.column_names)


def _of_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return not (pa.types.is_primitive(kind) or pa.types.is_null(kind))


def _values(column: pa.ChunkedArray) -> list[Any]:
    return (column if pa.types.is_nested(column.type) else column.unique()).to_pylist()


def _png(data: bytes) -> _Read:
    """The texts that are kept in a picture; what it shows stands in the drawing beside it."""
    texts, at = [], 8
    if data[:4] != b"\x89PNG":
        raise ValueError("no PNG")
    while at < len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        inside = data[at + 8 : at + 8 + length]
        if kind in (b"tEXt", b"iTXt", b"eXIf"):
            texts.append(inside.decode("utf-8", "replace").replace("\0", "\n"))
        elif kind == b"zTXt":
            texts.append(zlib.decompress(inside.split(b"\0", 1)[1][1:]).decode("latin-1"))
        at += length + 12
    return _Read(texts)


def _pdf(data: bytes) -> _Read:
    """Titles, addresses and notes; the text on its pages, drawn letter by letter, is that of the page it was printed from."""
    if not data.startswith(b"%PDF"):
        raise ValueError("no PDF")
    outside = re.sub(rb"stream\r?\n.*?endstream", b"", data, flags=re.DOTALL)
    return _Read(_pdf_text(part) for part in _TEXT_OF_PDF.findall(outside))


def _pdf_text(part: bytes) -> str:
    part = re.sub(rb"\\(.)", rb"\1", part, flags=re.DOTALL)
    return part[2:].decode("utf-16-be", "replace") if part.startswith(b"\xfe\xff") else part.decode("latin-1")


_READERS: dict[str, Callable[[bytes], _Read]] = {
    ".html": _markup, ".svg": _markup, ".json": _json, ".csv": _csv, ".ipynb": _notebook, ".xlsx": _office,
    ".pptx": _office, ".parquet": _parquet, ".png": _png, ".pdf": _pdf,
}  # fmt: skip
