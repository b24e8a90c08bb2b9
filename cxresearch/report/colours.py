"""Contrast of two colours (WCAG 2.2), and the palettes of the page."""

from __future__ import annotations

import functools
import re
from pathlib import Path

_SHEET = Path(__file__).parent / "templates" / "page.css"
SCHEMES = ("light", "dark", "print")
GROUNDS = ("--paper", "--card")
TEXT_RATIO = 4.5  # WCAG 2.2, 1.4.3


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, 0 (black) to 1 (white)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def palettes(css: str) -> list[dict[str, str]]:
    """The colours of every ``:root`` block of a style sheet that sets more than a few, in order: light, dark, print."""
    blocks = re.findall(r":root\s*\{(.*?)\}", css, re.DOTALL)
    found = [dict(re.findall(r"(--[\w-]+):\s*(#[0-9a-fA-F]{6})\b", block)) for block in blocks]
    return [colours for colours in found if "--paper" in colours]


@functools.cache
def page_palettes() -> dict[str, dict[str, str]]:
    """The three palettes of the page: scheme -> variable -> colour."""
    return dict(zip(SCHEMES, palettes(_SHEET.read_text(encoding="utf-8")), strict=True))
