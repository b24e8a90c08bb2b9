"""How a section of the page is laid out: what is said beside what is shown, and what only some will want, folded.

A notebook's own order is kept. A row is some prose and the exhibits that follow it; a heading begins the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cxresearch.report.page.prose import keep_together

Block = dict[str, Any]
LONG_LETTERS = 450  # prose of more letters stands in two columns where nothing stands beside it


def rows(blocks: Iterable[Block]) -> list[dict[str, Any]]:
    """Blocks (``type``: heading, prose, table, figure, what_if, text, picture or note) as rows: ``head`` (a heading or None), ``say``, ``show``.

    A what-if, and a table that is wide, take the row below what is said of them: ``below``. ``long`` is of what is said.
    """
    made: list[dict[str, Any]] = []
    for block in blocks:
        kind = block["type"]
        new = not made or kind == "heading" or (kind == "prose" and (made[-1]["show"] or made[-1]["below"]))
        if new:
            made.append({"head": None, "say": [], "show": [], "below": []})
        if kind == "heading":
            made[-1]["head"] = block
        elif kind == "prose":
            made[-1]["say"].append(block)
        elif made[-1]["below"] or kind == "what_if" or (kind == "table" and block["table"]["wide"]):
            made[-1]["below"].append(block)
        else:
            made[-1]["show"].append(block)
    return [{**row, "long": sum(len(block["html"]) for block in row["say"]) > LONG_LETTERS} for row in made]


def parts(cells: Sequence[tuple[bool, Sequence[Block]]]) -> list[dict[str, Any]]:
    """The cells of a section, each whether it is folded and its blocks: ``rows``, and ``fold``, the heading under which they
    are folded (None where they stand open; "" where they have none).

    Folded cells that follow each other are one fold, until one of them begins with another heading.
    """
    grouped: list[tuple[bool, list[Block]]] = []
    for folded, blocks in cells:
        if not blocks:
            continue
        headed = bool(grouped) and any(block["type"] == "heading" for block in grouped[-1][1])
        begins = folded and blocks[0]["type"] == "heading" and headed
        if not grouped or grouped[-1][0] != folded or begins:
            grouped.append((folded, []))
        grouped[-1][1].extend(blocks)
    made = []
    for folded, blocks in grouped:
        heading, shown = _headed(blocks) if folded else (None, blocks)
        made.append({"fold": (heading or "") if folded else None, "rows": rows(shown)})
    return made


def _headed(blocks: Sequence[Block]) -> tuple[Block | None, list[Block]]:
    """The first heading of a fold, or the finding of its first figure as one, and what is under it."""
    for place, block in enumerate(blocks):
        above, under = blocks[:place], blocks[place + 1 :]
        if block["type"] == "heading":
            return block, [*above, *under]
        if block["type"] == "figure" and block["finding"]:
            text = block["finding"]
            head = {"level": block["level"], "anchor": block["anchor"], "text": text, "html": keep_together(text)}
            return head, [*above, {**block, "finding": None}, *under]
    return None, list(blocks)
