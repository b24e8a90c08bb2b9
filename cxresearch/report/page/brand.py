"""Whose report it is: name, logo and colour from the report's TOML, checked before a run starts."""

from __future__ import annotations

import base64
import difflib
import functools
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

_SHEET = files("cxresearch.report.page") / "templates" / "page.css"
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


LARGEST_LOGO = 100_000  # bytes; it stands in every report
KEYS = ("name", "logo", "accent", "accent_dark")
_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "image/webp",
}


class BrandError(ValueError):
    """A name, logo or colour that the page cannot carry."""


def load_brand(table: Mapping[str, Any], root: Path) -> dict[str, str]:
    """Read the ``[brand]`` table of a report: what :func:`render.render_report` takes as ``brand``.

    Parameters
    ----------
    table : ``name`` (the company), ``logo`` (a PNG, JPEG, WebP or SVG file below ``root``, at most 100 kB), ``accent``
        (``#rrggbb``: links, rules, focus; on light ground and paper) and ``accent_dark`` (the same on dark ground; the
        page's own where it is missing). All may be missing. Figures keep the page's colours, which differ from each
        other by more than a company's would.
    root : the checkout.

    Returns
    -------
    dict ``name, logo`` (a data URI), ``accent, accent_dark``; what is not given is "". Raises BrandError for an unknown
    key, a logo that is not there or not a picture, and a colour whose contrast on the page's grounds is below 4.5.
    """
    for key, value in table.items():
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise BrandError(f"[brand]: unknown key {key!r}{hint}; known are {', '.join(KEYS)}.")
        if not isinstance(value, str):
            raise BrandError(f"[brand]: {key} must be a text; got {value!r}.")
    check_colours(table)
    return {
        "name": table.get("name", "").strip(),
        "logo": _logo(table["logo"], root) if table.get("logo") else "",
        "accent": table.get("accent", "").lower(),
        "accent_dark": table.get("accent_dark", "").lower(),
    }


def check_colours(brand: Mapping[str, str]) -> None:
    """Raise BrandError where an accent is no ``#rrggbb`` or is not read on the grounds it stands on."""
    for key, schemes in (("accent", ("light", "print")), ("accent_dark", ("dark",))):
        colour = brand.get(key)
        if not colour:
            continue
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
            raise BrandError(f"[brand]: {key} is written #rrggbb; got {colour!r}.")
        grounds = {page_palettes()[s][ground]: s for s in SCHEMES if s in schemes for ground in GROUNDS}
        worst = min(grounds, key=lambda ground: contrast(colour, ground))
        if (ratio := contrast(colour, worst)) < TEXT_RATIO:
            raise BrandError(
                f"[brand]: {key} {colour} has a contrast of {ratio:.2f} on {worst} ({grounds[worst]}); links need "
                f"{TEXT_RATIO}. Choose a {'lighter' if key == 'accent_dark' else 'darker'} one."
            )


def _logo(name: str, root: Path) -> str:
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise BrandError(f"[brand]: logo must be a file of the checkout; {name} is not below it.")
    if not path.is_file():
        raise BrandError(f"[brand]: there is no logo {name} in {root}.")
    data = path.read_bytes()
    if len(data) > LARGEST_LOGO:
        raise BrandError(f"[brand]: the logo {name} has {len(data):,} bytes; at most {LARGEST_LOGO:,} fit in a report.")
    kind = next((kind for start, kind in _SIGNATURES.items() if data.startswith(start)), "")
    if not kind and b"<svg" in data[:1000]:
        # Shown as a picture: a browser runs nothing in it and loads nothing for it.
        kind = "image/svg+xml"
    if not kind:
        raise BrandError(f"[brand]: the logo {name} is no PNG, JPEG, WebP or SVG.")
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
