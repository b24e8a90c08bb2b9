"""What an ordinary output of a notebook is on a page: text, a table, a picture, prose, or words that say why it is none.

Ordinary is whatever our exhibits did not record: a plot, a DataFrame, what was printed, HTML, Markdown, a formula, a widget.
Of an output in several forms the first is taken that a page can show.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import nbformat

from cxresearch.report.page.foreign_html import read_html, shape_said
from cxresearch.report.page.leaks import NO_NAMES, Names, columns_of_text, first_leak
from cxresearch.report.page.pictures import Picture, PictureError, drawn, painted
from cxresearch.report.run.notebooks import cell_options
from cxresearch.style import format_value

PAINTED = ("image/png", "image/jpeg", "image/gif", "image/webp")
MOST_LINES, MOST_LETTERS = 400, 30_000  # of a text
# Who makes a picture by a script: a part of the MIME type -> its name.
_BY_SCRIPT = {
    "plotly": "Plotly",
    "vega": "Vega-Altair",
    "bokeh": "Bokeh",
    "holoviews": "HoloViews",
    "javascript": "JavaScript",
}
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-Z\\-_]")
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# What Python writes for an object that has no text of its own, and for a part of a plot.
_OBJECT = re.compile(r" at 0x[0-9a-f]+>|<[\w.]+ object of |^<[^\n]*>$|^Text\([^\n]*\)$")


@dataclass
class Shown:
    """``blocks`` of ``type`` text, table, picture, prose, heading or markdown; ``notes``: what is said of the output, pairs of
    a key of the words ``own`` and its values. Without blocks it is not shown, and the last note says why."""

    blocks: list[dict[str, Any]] = field(default_factory=list)
    notes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


def shown(
    output: nbformat.NotebookNode, options: Mapping[str, Any], pictures: Iterator[int], names: Names = NO_NAMES
) -> Shown:
    """One output. ``options`` are those of its cell (``notebooks.cell_options``); ``pictures`` counts those of the cell;
    ``names`` of the log are no leak."""
    made = _stream(output) if output.output_type == "stream" else _bundle(output, options, pictures)
    # Prose is judged with all other prose, by the gate.
    if made.blocks and made.blocks[0]["type"] != "markdown" and (leak := _leak(made.blocks, names)):
        return Shown(notes=[(leak, {})])
    return made


def _stream(output: nbformat.NotebookNode) -> Shown:
    text = _joined(output.get("text", ""))
    if output.name == "stderr":
        return Shown(notes=[("stderr", {})])
    # A line that was written over is what it was at the end.
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    return _text("\n".join(lines))


def _bundle(output: nbformat.NotebookNode, options: Mapping[str, Any], pictures: Iterator[int]) -> Shown:
    data, why = output.data, Shown()
    if "text/html" in data:
        made = _html(_joined(data["text/html"]), options, pictures)
        if made.blocks:
            return made
        why = made
    if "text/markdown" in data:
        return Shown([{"type": "markdown", "source": _joined(data["text/markdown"])}])
    for mime in ("image/svg+xml", *PAINTED):
        if mime in data:
            made = _picture(mime, _joined(data[mime]), output.get("metadata", {}).get(mime, {}), options, pictures)
            if made.blocks:
                return made
            why = made
    if "text/latex" in data:
        latex = _joined(data["text/latex"]).strip()
        return Shown([{"type": "markdown", "source": latex if latex.startswith("$") else f"$$\n{latex}\n$$"}])
    if "application/json" in data:
        return _text(json.dumps(data["application/json"], indent=2, ensure_ascii=False, default=str))
    if why.notes:
        return Shown(notes=why.notes[-1:])
    for mime in data:
        if "widget" in mime:
            return Shown(notes=[("widget", {})])
        if by := next((name for part, name in _BY_SCRIPT.items() if part in mime), None):
            return Shown(notes=[("script", {"what": by})])
    if unknown := [mime for mime in data if mime != "text/plain"]:
        return Shown(notes=[("unknown", {"what": unknown[0][:80]})])
    if "text/plain" not in data:
        return Shown(notes=[("nothing", {})])
    text = _joined(data["text/plain"])
    if _OBJECT.search(text):
        return Shown(notes=[("object", {})])
    return _text(text)


def _text(text: str) -> Shown:
    text = _UNSEEN.sub("", _ANSI.sub("", text)).expandtabs(4).strip("\n").rstrip()
    if not text.strip():
        return Shown(notes=[("nothing", {})])
    lines = text.split("\n")
    kept = "\n".join(lines[:MOST_LINES])[:MOST_LETTERS]
    made = Shown([{"type": "text", "text": kept, "lines": kept.count("\n") + 1}])
    if kept.count("\n") + 1 < len(lines):
        made.notes.append(("lines", {"shown": kept.count("\n") + 1, "all": len(lines)}))
    elif len(kept) < len(text):
        made.notes.append(("letters", {"shown": len(kept), "all": len(text)}))
    return made


def _html(text: str, options: Mapping[str, Any], pictures: Iterator[int]) -> Shown:
    try:
        found = read_html(text)
    except ValueError:
        return Shown(notes=[("large", {"what": "HTML"})])
    if found.active:
        by_script = found.active == "script"
        return Shown(notes=[("script", {"what": "HTML"}) if by_script else ("active", {"what": f"<{found.active}>"})])
    shapes = [shape for block in found.blocks if block["type"] == "prose" and (shape := shape_said(block["html"]))]
    alone = len(shapes) == 1 == sum(block["type"] == "table" for block in found.blocks)
    made = Shown()
    for block in found.blocks:
        if block["type"] == "prose" and shape_said(block["html"]):
            continue  # said of its table
        if block["type"] == "table":
            one = _table(block["content"], shapes[0] if alone else None, options)
        elif block["type"] == "picture":
            one = _picture_in_html(block, options, pictures)
        else:
            one = Shown([block])
        made.blocks += one.blocks
        made.notes += one.notes
    if found.coloured and made.blocks:
        made.notes.append(("colours", {}))
    return made if made.blocks or made.notes else Shown(notes=[("nothing", {})])


def _table(content: dict[str, Any], shape: tuple[int, int] | None, options: Mapping[str, Any]) -> Shown:
    if not content["rows"]:
        return Shown(notes=[("no_rows", {})])
    gap = sum(all(cell in ("…", "") for cell in row) for row in content["rows"])
    there = len(content["rows"]) - gap, sum(column["label"] != "…" for column in content["columns"]) - content["index"]
    all_there = [content["cut"][0], content["cut"][1]]
    if shape:
        all_there = [rows if rows > seen else None for rows, seen in zip(shape, there, strict=True)]
    caption = str(options.get("tbl-cap") or content["caption"] or "")
    made = Shown([{"type": "table", "content": {**content, "caption": caption}}])
    for what, seen, every in zip(("rows", "columns"), there, all_there, strict=True):
        if every:
            made.notes.append((what, {"shown": seen, "all": every}))
    return made


def _picture_in_html(block: dict[str, Any], options: Mapping[str, Any], pictures: Iterator[int]) -> Shown:
    kind, comma, data = block["source"].partition(";base64,")
    mime = kind.removeprefix("data:")
    if not comma or mime not in (*PAINTED, "image/svg+xml"):
        return Shown(notes=[("outside", {})])
    if mime == "image/svg+xml":
        try:
            data = base64.b64decode(data).decode("utf-8")
        except (binascii.Error, ValueError):
            return Shown(notes=[("damaged", {})])
    return _picture(mime, data, {"alt": block["alt"]}, options, pictures)


def _picture(
    mime: str, data: str, told: Mapping[str, Any], options: Mapping[str, Any], pictures: Iterator[int]
) -> Shown:
    """``told``: what the output says of it, its ``width`` in pixels of a screen and ``alt``."""
    place = next(pictures)
    try:
        picture = picture_of(mime, data)
    except PictureError as error:
        return Shown(notes=[(str(error), {})])
    alt = _one_of(options.get("fig-alt"), place) or str(told.get("alt") or "").strip()
    width = told.get("width") if isinstance(told.get("width"), int) else None
    block = {
        "type": "picture", "picture": picture, "alt": alt, "caption": _one_of(options.get("fig-cap"), place), "width": width,
    }  # fmt: skip
    made = Shown([block])
    if picture.frames > 1:
        made.notes.append(("frames", {"all": picture.frames}))
    if not alt:
        made.notes.append(("undescribed", {}))
    return made


def picture_of(mime: str, data: str) -> Picture:
    """Raises PictureError."""
    return drawn(data) if mime == "image/svg+xml" else painted("".join(data.split()))


def _one_of(said: Any, place: int) -> str:
    """An option of a cell for its picture number ``place``: one text is for the first, a list for each."""
    texts = said if isinstance(said, list) else [said]
    return " ".join(str(texts[place] or "").split()) if place < len(texts) else ""


def _leak(blocks: Sequence[dict[str, Any]], names: Names) -> str:
    """The key of the words for what a page must not hold; "" where there is nothing of it."""
    texts, columns = [], []
    for block in blocks:
        if block["type"] == "table":
            columns += [column["label"] for column in block["content"]["columns"]]
            texts += [block["content"]["caption"], *(cell for row in block["content"]["rows"] for cell in row)]
        elif block["type"] == "picture":
            texts += [block["alt"], block["caption"], block["picture"].text]
        else:
            texts.append(block.get("text") or block.get("source") or block.get("html") or "")
            columns += columns_of_text(texts[-1]) if block["type"] == "text" else []
    return first_leak("\n".join(texts), columns, names)


def _joined(text: Any) -> str:
    return text if isinstance(text, str) else "".join(text)


def told_of(words: Mapping[str, Any], why: str, cell: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """The sentence of a note, or, without ``why``, where its cell is."""
    own = words["own"]
    where = own["where"].format(**cell)
    said = {
        name: format_value(value, "count", language=words["language"]) if isinstance(value, int) else value
        for name, value in values.items()
    }
    return own[why].format(where=where, **said) if why else where


def options_or_none(source: str) -> dict[str, Any]:
    """The options of a cell; a run refuses those that cannot be read before it starts."""
    try:
        return cell_options(source)
    except ValueError:
        return {}


def weight_of(blocks: Sequence[Mapping[str, Any]]) -> int:
    """How many letters of a page the blocks take, about."""
    weight = 0
    for block in blocks:
        if block["type"] == "table":
            cells = sum(len(cell) + 40 for row in block["content"]["rows"] for cell in row)
            weight += cells + 4 * len(block["content"]["csv"]) // 3
        elif block["type"] == "picture":
            weight += len(block["picture"].source)
        else:
            weight += len(block.get("text") or block.get("source") or block.get("html") or "")
    return weight
