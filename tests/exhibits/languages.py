"""What is still English in what exhibits show in another language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from cxresearch.exhibits import FIGURE, HEADLINE, POINTS, TABLE, show

# Words that no sentence of ours does without, and that neither Polish nor Indonesian has.
_ENGLISH = re.compile(
    r"\b(the|of|and|is|are|was|were|with|from|who|by|not|this|that|has|have|than|each|nobody|people|which|asked)\b", re.IGNORECASE
)  # fmt: skip
_CONTENTS = (FIGURE, TABLE, HEADLINE, POINTS, show.WHAT_IF, show.DECISION, show.BRIEF)
_NOT_READ = {"name", "csv", "kind", "unit", "prefix", "better", "language"}  # of the file, not of the page


def english_left(bundles: Iterable[dict[str, Any]], *, names: Iterable[str] = ()) -> list[str]:
    """Texts of these bundles, and of their drawings, with an English word; ``names``, of the log or quoted, are none."""
    apart = sorted({text for text in names if text}, key=len, reverse=True)
    found = []
    for text in dict.fromkeys(text for bundle in bundles for text in texts(bundle)):
        ours = text
        for words in apart:
            ours = ours.replace(words, "…")
        if _ENGLISH.search(re.sub(r"`[^`]*`", "", ours)):
            found.append(text)
    return found


def texts(bundle: dict[str, Any]) -> Iterator[str]:
    """Every text of a bundle that somebody reads."""
    yield bundle.get("text/markdown", "")
    for content in _CONTENTS:
        yield from _inside(bundle.get(content))
    for drawn in re.findall(r"<text[^>]*>(.*?)</text>", bundle.get("image/svg+xml", ""), re.DOTALL):
        yield re.sub(r"<[^>]+>", " ", drawn).strip()


def _inside(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for key, value in content.items():
            if key not in _NOT_READ:
                yield from _inside(value)
    elif isinstance(content, (list, tuple)):
        for value in content:
            yield from _inside(value)
