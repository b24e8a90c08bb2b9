"""What bundles say to a reader, and which English is left in it where the report speaks another language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from cxresearch.exhibits import DECISION, FIGURE, HEADLINE, POINTS, TABLE, WHAT_IF
from cxresearch.exhibits.exhibit import Exhibit, Exhibits

# Words that no Polish sentence has; "to" is Polish, too.
ENGLISH = re.compile(
    r"\b(?:the|of|and|is|are|was|were|with|from|who|not|this|that|than|between|after|before|each|every|all|only|would"
    r"|share|contacts|queue|hours?|days?|lost|gave|wait)\b",
    re.IGNORECASE,
)
# What tells a program something, and no reader: names of columns, kinds and units, the file behind a table.
SILENT = (
    "csv",
    "kind",
    "name",
    "unit",
    "better",
    "prefix",
    "language",
    "times",
    "currency",
    "numeric",
    "today",
    "verdict",
)


def texts_of(bundles: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Every text that a reader sees; drawings are left out but for their description."""
    for bundle in bundles:
        for kind in ("text/markdown", "text/plain"):
            if kind in bundle:
                yield str(bundle[kind])
        for kind in (FIGURE, TABLE, HEADLINE, POINTS, WHAT_IF, DECISION):
            yield from _texts(bundle.get(kind))


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for key, value in content.items():
            if key not in SILENT:
                yield from _texts(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from _texts(value)


def english_left(bundles: Iterable[dict[str, Any]], *, names: Iterable[str] = ()) -> list[str]:
    """The texts in which an English word is left; ``names`` of the log are none."""
    left = []
    for text in dict.fromkeys(texts_of(bundles)):
        bare = text
        for name in names:
            bare = bare.replace(name, "")
        if ENGLISH.search(bare):
            left.append(text)
    return left


def bundles_of(made: Exhibit | Exhibits) -> list[dict[str, Any]]:
    """The bundles of one exhibit or of several."""
    return [bundle for one in (made if isinstance(made, Exhibits) else (made,)) for bundle in one.bundles()]
