"""What an SVG must not hold when it is set into a page: anything that runs, loads or is not a drawing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser

_SVG_TAGS = ("svg", "g", "path", "text", "tspan", "use", "defs", "clippath", "rect", "circle", "ellipse", "line",
    "polyline", "polygon", "title", "desc", "image", "lineargradient", "stop", "pattern", "mask")  # fmt: skip


class _SvgCheck(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        if tag not in _SVG_TAGS:
            self.refused.append(f"<{tag}>")
        for name, value in attrs:
            text = (value or "").strip().lower()
            outside = name in ("href", "xlink:href", "src") and not text.startswith(("#", "data:image/"))
            if name.startswith("on") or outside or re.search(r"url\((?!\s*['\"]?#)|@import", text):
                self.refused.append(f"{name}={text[:40]!r}")


def refuse_active_content(svg: str, title: str) -> None:
    """Raise ValueError where ``svg`` holds anything that runs, loads or is not a drawing."""
    check = _SvgCheck()
    check.feed(svg)
    check.close()
    if check.refused:
        raise ValueError(f"the figure {title!r} holds what a report must not: {', '.join(check.refused[:3])}.")
