"""What stands in the bundles of exhibits, for tests of their languages: every text that a reader sees, and the English left in it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import Any

from cxresearch.exhibits import BRIEF, DECISION, FIGURE, HEADLINE, POINTS, TABLE, WHAT_IF

# "to" and "by" are Polish words, too.
ENGLISH = re.compile(r"\b(?:the|of|and|is|are|was|were|with|from|who|not|this|that)\b", re.IGNORECASE)
# What code compares, and what is a name or a file: nobody reads it on a page.
_KEYS = {
    "name",
    "part",
    "kind",
    "unit",
    "csv",
    "prefix",
    "better",
    "part_of",
    "step",
    "verdict",
    "action",
    "numeric",
    "times",
    "language",
}


def texts(bundles: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Every text of these bundles that a page or JupyterLab shows, the labels in drawings among them."""
    for bundle in bundles:
        for mime, content in bundle.items():
            if mime in (FIGURE, TABLE, HEADLINE, POINTS, WHAT_IF, BRIEF):
                yield from _within(content)
            elif mime == DECISION:
                yield from content["in_words"].values()
            elif mime in ("image/svg+xml", "text/html"):
                yield from _between_tags(content)
            elif isinstance(content, str):
                yield content


def english_left(bundles: Iterable[dict[str, Any]], *, names: Iterable[str] = ()) -> list[str]:
    """The texts in which an English word stands; ``names``, of the log or quoted, and code are none."""
    apart = sorted({name for name in names if name}, key=len, reverse=True)
    left = set()
    for text in texts(bundles):
        ours = re.sub(r"`[^`]*`", "", text)
        for name in apart:
            ours = ours.replace(name, "…")
        if ENGLISH.search(ours):
            left.add(text)
    return sorted(left)


def _within(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for key, value in content.items():
            if key not in _KEYS:
                yield from _within(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from _within(value)


def _between_tags(markup: str) -> Iterator[str]:
    bare = re.sub(
        r"<(style|metadata|defs)\b.*?</\1>|<!--.*?-->|<\?.*?\?>|<!DOCTYPE[^>]*>", " ", markup, flags=re.DOTALL
    )
    for text in re.sub(r"<[^>]*>", "\n", bare).splitlines():
        if text.strip():
            yield html.unescape(text.strip())
