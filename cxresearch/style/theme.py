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
import textwrap
import warnings
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_rgb
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
PNG_WIDTHS = (1400, 1200, 1000, 800)  # pixels, the next where a file is too large
PNG_LARGEST = 60_000  # bytes
PNG_AREAS, PNG_EDGES = 8, 14  # colours beside the reserved ones: of the largest areas, and of all that is between
MANY_CORNERS = 60  # of a path, before any of them is left out
UNSEEN = 0.3  # of a drawing 374 units wide: half a pixel where it is shown largest

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


def themed_png(figure: Figure, *, finding: str, said: str) -> bytes:
    """A picture of ``figure`` on white for slides and mails, its finding and what is ``said`` of it above the drawing.

    Call it after :func:`themed_svg`, which lays the figure out. Equal figures give equal bytes.
    """
    size, width = 0.85 * text_size(figure), figure.get_figwidth()
    # As many letters as fit in the widest of the fonts.
    lines = [(line, "bold") for line in textwrap.wrap(finding, 50)] + [
        (line, "normal") for line in textwrap.wrap(said, 58)
    ]
    head = Figure(figsize=(width, 1.4 * size * (len(lines) + 0.6) / 72))
    for place, (line, weight) in enumerate(lines):
        head.text(
            0.01, 1 - (place + 0.4) / (len(lines) + 0.6), line, va="top", fontsize=size, fontweight=weight, color=INK,
            family="DejaVu Sans", parse_math=False,
        )  # fmt: skip
    file = b""
    for pixels in PNG_WIDTHS:
        with any_script():
            file = _png(np.concatenate([_painted(part, pixels) for part in (head, figure)]))
        if len(file) <= PNG_LARGEST:
            break
    return file


def _painted(figure: Figure, width: int) -> np.ndarray:
    """Its pixels: height x width x 3."""
    canvas = FigureCanvasAgg(figure)
    figure.set_facecolor(PAPER)
    figure.dpi = width / figure.get_figwidth()
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3]


def _png(pixels: np.ndarray) -> bytes:
    """The pixels in few colours: the reserved ones and those of areas as they are, others, which are edges of lines and
    letters, nearly."""
    from PIL import Image

    known = np.array([to_rgb(colour) for colour in RESERVED]) * 255
    five_bits = (pixels >> 3).astype(np.uint16)
    code = five_bits[..., 0] << 10 | five_bits[..., 1] << 5 | five_bits[..., 2]
    number = np.bincount(code.ravel(), minlength=1 << 15)
    there = np.flatnonzero(number)
    colours = np.rint(np.stack([there >> 10, there >> 5 & 31, there & 31], axis=1) * (255 / 31)).astype(np.uint8)
    areas = colours[np.argsort(-number[there], kind="stable")[:PNG_AREAS]]
    # By the root of their number: what is drawn thin counts, too.
    edges = np.repeat(colours, np.ceil(np.sqrt(number[there]) / 4).astype(int), axis=0)
    between = Image.fromarray(edges[np.newaxis]).quantize(PNG_EDGES).getpalette() or []
    palette = np.concatenate([np.rint(known).astype(np.uint8), areas, np.array(between, dtype=np.uint8).reshape(-1, 3)])
    away = colours.astype(int)[:, np.newaxis] - palette.astype(int)
    nearest = np.zeros(1 << 15, dtype=np.uint8)
    nearest[there] = (away**2).sum(axis=2).argmin(axis=1)
    image, file = Image.fromarray(nearest[code]), io.BytesIO()
    image.putpalette(palette.tobytes())
    image.save(file, "PNG")
    return file.getvalue()


def _short(found: re.Match[str]) -> str:
    # Two decimals of a drawing 374 units wide are finer than any screen or printer.
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")


def _hung_by_its_middle(found: re.Match[str]) -> str:
    """Say where the middle of a text stands, not its foot: shown smaller, it stays level with its tick or line."""
    middle = 0.36  # of the size: half the height of a digit
    start = found[0].rindex(' y="')
    return f'{found[0][:start]} y="{float(found[2]) - middle * float(found[1]):.3f}" dy="{middle}em"'


def _shorter_path(path: str) -> str:
    """The same path in fewer bytes: a step curve of 400 seconds is half horizontal and half vertical lines, and where its
    steps are too small to be seen it is a slope."""
    path = re.sub(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", _short, path)
    steps = re.findall(r"([A-Za-z])([^A-Za-z]*)", path)
    whole = _written(steps)
    if len(steps) < MANY_CORNERS or not re.fullmatch("ML+z?", "".join(command for command, _ in steps)):
        return whole
    corners = np.array([numbers.split() for command, numbers in steps if command != "z"], dtype=float)
    kept = np.append(kept_corners(corners, UNSEEN), [True] * (len(steps) - len(corners)))
    return min(whole, _written([step for step, seen in zip(steps, kept, strict=True) if seen]), key=len)


def _written(steps: list[tuple[str, str]]) -> str:
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


def kept_corners(corners: np.ndarray, unseen: float) -> np.ndarray:
    """Which corners (x, y) of a line to keep so that no other is further than ``unseen`` from the line through them.

    Reference: Douglas & Peucker (1973), doi:10.3138/FM57-6770-U75U-7727.
    """
    kept = np.zeros(len(corners), dtype=bool)
    kept[[0, -1]] = True
    parts = [(0, len(corners) - 1)]
    while parts:
        first, last = parts.pop()
        if last - first < 2:
            continue
        along, inner = corners[last] - corners[first], corners[first + 1 : last] - corners[first]
        length = float(along @ along)
        foot = np.clip(inner @ along / length, 0, 1)[:, np.newaxis] * along if length else 0.0
        away = np.hypot(*(inner - foot).T)
        if away.max() > unseen:
            middle = first + 1 + int(away.argmax())
            kept[middle] = True
            parts += [(first, middle), (middle, last)]
    return kept


def _ids_that_are_used(body: str) -> str:
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', body))
    return re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", body)
