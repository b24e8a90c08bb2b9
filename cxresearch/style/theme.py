"""The look of every figure: reserved colours, axes to draw on, and SVG that follows the reader's theme.

A figure is laid out for the narrowest reader. Text is a fixed part of the figure's width, large enough to be read
at 330 pixels, and a page shows it smaller beside wider drawings through ``--figure-text``: shrinking never makes
labels collide, growing would.
"""

from __future__ import annotations

import contextlib
import hashlib
import html
import io
import re
import warnings
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.text import Text

# Drawn in these colours, shown in the CSS variables of the page; away from a page the same colours are the fallback.
INK = "#1c2430"
SOFT = "#566173"
RULE = "#d3d9e2"
PAPER = "#ffffff"
C1 = "#0b5cad"
C2 = "#b8500a"
C3 = "#0a7a5a"
C4 = "#8025f4"
SERIES = (C1, C2, C3, C4)
RESERVED = {
    INK: "--ink",
    SOFT: "--soft",
    RULE: "--rule",
    PAPER: "--paper",
    C1: "--c1",
    C2: "--c2",
    C3: "--c3",
    C4: "--c4",
}
BAND_ALPHA = 0.18  # intervals behind their line

_TEXT_SHARE = 12 / (5.2 * 72)  # size of the text as a share of the figure's width: 10.6 px where the figure has 330 px
_FONTS = "var(--sans, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif)"


def text_size(figure: Figure) -> float:
    """Size in points at which text in ``figure`` is still read on a telephone."""
    return _TEXT_SHARE * figure.get_figwidth() * 72


def _style(size: float) -> Any:
    return {
        "font.family": "DejaVu Sans",  # the widest of the page's fonts: what fits in it fits in the others
        "font.size": size,
        "axes.titlesize": size,
        "axes.labelsize": size,
        "xtick.labelsize": size,
        "ytick.labelsize": size,
        "legend.fontsize": size,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": RULE,
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "grid.color": RULE,
        "grid.linewidth": 0.7,
        "lines.linewidth": 1.7,
        "axes.prop_cycle": cycler(color=list(SERIES)),
    }


def figure(width: float = 5.2, height: float = 3.3) -> tuple[Figure, Axes]:
    """Make themed Axes in a figure of ``width`` by ``height`` inches; text keeps its share of the width."""
    with mpl.rc_context(_style(_TEXT_SHARE * width * 72)):
        made, ax = plt.subplots(figsize=(width, height), layout="constrained")
        # Ticks are made when first needed, after this block: what they look like is said now.
        ax.tick_params(axis="x", length=3, width=0.7, color=RULE, labelcolor=INK, labelsize=text_size(made))
        ax.tick_params(axis="y", length=0, labelcolor=INK, labelsize=text_size(made))
    return made, ax


@contextlib.contextmanager
def any_script() -> Iterator[None]:
    """Matplotlib's own font lacks many scripts; text stays text, and the reader's fonts have them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        yield


def themed_svg(figure: Figure, *, title: str, description: str) -> tuple[str, str]:
    """Return the SVG of ``figure`` and the prefix of its ids.

    Text stays text, faces are transparent, the reserved colours are CSS variables, there is no fixed width or height,
    and equal figures give equal bytes. The prefix is a hash of the content, so figures on one page do not clash.
    """
    smallest = text_size(figure)
    for text in figure.findobj(Text):
        text.set_fontsize(max(text.get_fontsize(), smallest))
    buffer = io.StringIO()
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "cxresearch", "axes.unicode_minus": True}
    with mpl.rc_context(settings), any_script():
        metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.set(facecolor="none", edgecolor="none")
        canvas, dpi = FigureCanvasSVG(figure), figure.dpi
        # savefig would draw twice, the first time for the layout alone.
        if (engine := figure.get_layout_engine()) is not None:
            engine.execute(figure)
            figure.set_layout_engine("none")
            figure.dpi = dpi  # an SVG's own is 72; pictures inside it, such as a colour bar, want the figure's
        canvas.print_svg(buffer, metadata=metadata)
    drawing = buffer.getvalue()
    view_box = re.search(r'viewBox="([^"]+)"', drawing)
    assert view_box is not None
    body = drawing[drawing.index("</defs>") + len("</defs>") : drawing.rindex("</svg>")]
    body = _ids_that_are_used(body)
    body = re.sub(r'<text style="[^"]*font-size: ([\d.]+)px[^>]* y="([\d.-]+)"', _hung_by_its_middle, body)
    body = re.sub(r' (?:x|y)="[^"]*"', lambda m: re.sub(r"[\d.]+", _short, m[0]), body)
    body = re.sub(r' d="([^"]*)"', lambda m: f' d="{_shorter_path(m[1])}"', body)
    body = re.sub(r' transform="rotate\(-0 [^"]*"', "", body)
    body = re.sub(r"font-family: [^;\"]*", f"font-family: {_FONTS}", body)
    body = re.sub(r"font-size: ([\d.]+)px", r"font-size: calc(\1px * var(--figure-text, 1))", body)
    for colour, variable in RESERVED.items():
        body = body.replace(colour, f"var({variable}, {colour})")
    body = body.replace("#000000", f"var(--ink, {INK})").strip()
    prefix = "f" + hashlib.sha256(f"{title}\0{description}\0{body}".encode()).hexdigest()[:10] + "-"
    for before in (' id="', 'href="#', "url(#"):
        body = body.replace(before, before + prefix)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{view_box[1]}"'
        f' role="img" aria-labelledby="{prefix}title {prefix}description"'
        # Matplotlib leaves black unsaid; unsaid must be the theme's ink, not black on black.
        f' style="fill: var(--ink, {INK}); stroke-linejoin: round; stroke-linecap: butt">\n'
        f'<title id="{prefix}title">{html.escape(title)}</title>\n'
        f'<desc id="{prefix}description">{html.escape(description)}</desc>\n'
        # A white card where nothing is said (a dark JupyterLab); a page makes it transparent.
        f'<rect width="100%" height="100%" style="fill: var(--figure-paper, {PAPER})"/>\n'
        f"{body}\n</svg>\n"
    )
    return svg, prefix


def _short(found: re.Match[str]) -> str:
    # Two decimals of a drawing 374 units wide are finer than any screen or printer.
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")


def _hung_by_its_middle(found: re.Match[str]) -> str:
    """Say where the middle of a text stands, not its foot: shown smaller, it stays level with its tick or line."""
    middle = 0.36  # of the size: half the height of a digit
    start = found[0].rindex(' y="')
    return f'{found[0][:start]} y="{float(found[2]) - middle * float(found[1]):.3f}" dy="{middle}em"'


def _shorter_path(path: str) -> str:
    """The same path in fewer bytes: a step curve of 400 seconds is half horizontal and half vertical lines."""
    path = re.sub(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", _short, path)
    steps = re.findall(r"([A-Za-z])([^A-Za-z]*)", path)
    written, x, y = [], "", ""
    for command, numbers in steps:
        values = numbers.split()
        if command == "L" and values == [x, y]:
            continue
        if command == "L" and values[1] == y:
            written.append(f"H{values[0]}")
        elif command == "L" and values[0] == x:
            written.append(f"V{values[1]}")
        else:
            written.append(command + " ".join(values))
        if len(values) >= 2:
            x, y = values[-2:]
    return "".join(written)


def _ids_that_are_used(body: str) -> str:
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', body))
    return re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", body)
