"""Pieces that several figures share: axes to draw on, units on an axis, labels at line ends, intervals."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.dates import date2num
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from cxresearch.style import format_number, load_words, theme


class Mark(NamedTuple):
    """A place that is named on a drawing: ``at`` on the horizontal axis, up to ``height``, in the words ``text``."""

    at: float
    text: str
    height: float = 0.0


class Before(NamedTuple):
    """The same of the period before, drawn as a pale line without a band: what the line is called, and its table."""

    label: str
    table: pd.DataFrame


MOST_CORNERS, FINEST = 600, 500
PALE: dict[str, Any] = {"color": theme.SOFT, "alpha": 0.6, "linewidth": 1.2, "zorder": 1.8}  # below lines, above bars
NARROW = 9  # letters of a line of "January 1999" where nothing else stands beside the drawing


def axes_or_new(ax: Axes | None, *, width: float = 5.2, height: float = 3.3) -> Axes:
    """``ax``, or themed Axes in a new figure."""
    return theme.figure(width, height)[1] if ax is None else ax


def require_columns(table: object, columns: Sequence[str], call: str) -> None:
    """Refuse a table without the columns that ``call`` draws."""
    missing = [name for name in columns if name not in table.columns]  # type: ignore[attr-defined]
    if missing:
        raise ValueError(f"{call} draws the columns {list(columns)}; the table has no {missing}.")
    if len(table) == 0:  # type: ignore[arg-type]
        raise ValueError(f"{call} has nothing to draw: the table has no rows.")


def words(name: str) -> str:
    """A fixed word of drawings."""
    return str(load_words()["figures"][name])


def short_date(day: date) -> str:
    """A day on an axis: 3 Feb."""
    return f"{day.day} {load_words()['dates']['months'][day.month - 1][:3]}"


def percent(axis: Axis) -> None:
    """Show the shares 0 to 1 of ``axis`` in percent, with decimals only where the ticks need them."""

    def label(value: float, _: object) -> str:
        steps = np.diff(axis.get_majorticklocs())
        step = abs(steps[0]) if len(steps) else 0.1
        decimals = 0 if step >= 0.0099 else 1 if step >= 0.00099 else 2
        return f"{format_number(100 * value, decimals)}{load_words()['numbers']['percent']}"

    axis.set_major_formatter(FuncFormatter(label))


def seconds(axis: Axis, longest_s: float) -> None:
    """Put ticks of ``axis`` (in seconds) where a clock has them, and say them in the unit that keeps them short."""
    for one_s, unit in ((1, "s"), (60, "min"), (3_600, "h"), (86_400, "d")):
        for step in (1, 2, 3, 6, 12, 24) if unit == "h" else (1, 2, 5, 10, 15, 20, 30, 60):
            if longest_s / (step * one_s) <= 7 and longest_s / one_s <= (420 if one_s == 1 else 120):
                axis.set_major_locator(MultipleLocator(step * one_s))
                axis.set_major_formatter(FuncFormatter(lambda value, _, one=one_s: format_number(value / one, 0)))
                axis.set_label_text(f"{axis.get_label_text()} ({load_words()['units']['long'][unit]})".lstrip())
                return


def measure_above(ax: Axes, text: str) -> None:
    """Write the vertical axis' measure level above it: read without turning the head, and no width lost."""
    size = theme.text_size(root_figure(ax))
    # Not set_ylabel: the layout leaves no room for a level one.
    ax.annotate(
        text, (0, 1), xycoords="axes fraction", xytext=(0, 0.6 * size), textcoords="offset points", fontsize=size
    )


def seen_corners(x: Sequence[float], *heights: Sequence[float], wide: float) -> list[np.ndarray]:
    """``x`` and the ``heights`` of step lines there (shares), as many as a reader sees: of more than 600 corners those at
    which a line came to another 500th of the height, and of these the last in each 500th of the ``wide`` axis.

    A 500th is a third of the line's own thickness. So a drawing is as large for a million contacts as for some thousands.
    """
    corners = [np.asarray(values, dtype=float) for values in (x, *heights)]
    if len(x) <= MOST_CORNERS:
        return corners
    kept = np.ones(len(x), dtype=bool)
    kept[1:-1] = np.any([np.diff(np.floor(FINEST * values))[:-1] != 0 for values in corners[1:]], axis=0)
    places = np.flatnonzero(kept)
    column = np.floor(FINEST * corners[0][places] / wide)
    last = np.append(np.diff(column) != 0, True)
    last[0] = True  # where the line begins
    return [values[places[last]] for values in corners]


def room_for_marks(ax: Axes) -> None:
    """Leave a line of text free above all that is drawn. Call it when lines and limits are there, before labels."""
    figure = root_figure(ax)
    bottom, top = ax.get_ylim()
    share = 1.5 * theme.text_size(figure) / (0.72 * figure.get_figheight() * 72)  # of the axes, which titles make lower
    ax.set_yticks([tick for tick in ax.get_yticks() if bottom <= tick <= top])
    ax.set_ylim(bottom, bottom + (top - bottom) / (1 - share))


def write_marks(ax: Axes, marks: Sequence[Mark]) -> None:
    """Write ``marks`` in the line that :func:`room_for_marks` left, none on another, each with a thin line down to its place.

    Call it last: what stands beside the axes makes them narrower.
    """
    if not marks:
        return
    figure, marks = root_figure(ax), sorted(marks)
    if (engine := figure.get_layout_engine()) is not None:
        with theme.any_script():
            engine.execute(figure)
    size, box = theme.text_size(figure), ax.get_window_extent()
    wide, tall = (length / figure.dpi * 72 for length in (box.width, box.height))  # points
    left, right = ax.get_xlim()
    bottom, top = ax.get_ylim()
    foot = top - 1.35 * size / tall * (top - bottom)
    # Letters are 0.64 of their size wide in the widest of the fonts, spaces beside included.
    centres = spread_apart(
        [(mark.at - left) / (right - left) * wide for mark in marks],
        [0.64 * size * (len(mark.text) + 1) for mark in marks],
        wide,
    )
    for mark, centre in zip(marks, centres, strict=True):
        ax.vlines(mark.at, mark.height, foot, color=theme.SOFT, linewidth=0.9, linestyle=(0, (1, 2)))
        ax.annotate(
            mark.text, (centre / wide, 1), xycoords="axes fraction", va="top", ha="center", fontsize=size, color=theme.INK,
            parse_math=False,
        )  # fmt: skip


def mark_bars(
    ax: Axes, bars: BarContainer, places: pd.Series, tops: pd.Series, mark: Mark | None, tied: Sequence[float], *,
    strong: float,
) -> None:  # fmt: skip
    """Name the bar at ``mark``; it and those ``tied`` with it are drawn ``strong``. ``tops``: how high each bar is drawn."""
    if mark is None:
        return
    room_for_marks(ax)
    for bar, place in zip(bars, places, strict=True):
        if place == mark.at or place in tied:
            bar.set_alpha(strong)
    write_marks(ax, [mark._replace(height=float(tops[places == mark.at].max()))])


def pale_hours(ax: Axes, before: Before | None, value: str, *, each: float = 1.0) -> None:
    """The column ``value`` of the period before as steps, ``each`` so many hours wide; hours that it lacks are gaps."""
    if before is not None:
        values = before.table.set_index("hour")[value].reindex(np.arange(0, 24, each))
        edges = np.arange(0, 24 + each / 2, each) - each / 2
        heights = [*values, values.iloc[-1]]
        # It lies on bars: a rim of paper keeps it apart from them.
        ax.step(edges, heights, where="post", color=theme.PAPER, alpha=0.8, linewidth=2.8, zorder=PALE["zorder"])
        ax.step(edges, heights, where="post", label=before.label, **PALE)


def shade_days(ax: Axes, days: Sequence[date]) -> None:
    """Shade ``days``, those in a row as one."""
    numbers = [float(date2num(day)) for day in sorted(days)]
    starts = [day for day in numbers if day - 1 not in numbers]
    ends = [day for day in numbers if day + 1 not in numbers]
    for start, end in zip(starts, ends, strict=True):
        ax.axvspan(start - 0.5, end + 0.5, color=theme.SOFT, alpha=theme.BAND_ALPHA, linewidth=0)


def say_shaded(ax: Axes, days: Sequence[date], *, above: float = 0.6) -> None:
    """Say above the drawing, at its right end, what shaded ``days`` are; ``above`` in heights of the text."""
    if days:
        size = theme.text_size(root_figure(ax))
        text = words("no_rows" if len(days) > 1 else "no_rows_one").format(days=len(days))
        ax.annotate(
            text, (1, 1), xycoords="axes fraction", xytext=(0, above * size), textcoords="offset points", ha="right",
            fontsize=size, color=theme.SOFT,
        )  # fmt: skip


def root_figure(ax: Axes) -> Figure:
    """The whole figure that ``ax`` is drawn in."""
    figure = ax.figure.get_figure(root=True)
    assert figure is not None
    return figure


def label_lines(ax: Axes, *, width: int = 16) -> None:
    """Write each labelled line's name at its right end, in its colour, none on top of another.

    Call it last: limits and lines must be there. A name longer than ``width`` characters is wrapped.
    """
    figure = root_figure(ax)
    # The height is known once the layout is made; drawing the whole figure for it would cost twice as much.
    if (engine := figure.get_layout_engine()) is not None:
        with theme.any_script():
            engine.execute(figure)
    size = theme.text_size(figure)
    left, right = sorted(ax.get_xlim())
    bottom, top = ax.get_ylim()
    height = ax.get_window_extent().height / figure.dpi * 72  # points
    named = []
    for line in ax.get_lines():
        name = str(line.get_label())
        x, y = (np.asarray(values, dtype=float) for values in line.get_data())
        shown = (x >= left) & (x <= right) & np.isfinite(y)
        if name and not name.startswith("_") and shown.any():
            text = textwrap.fill(name, width)
            end = (y[shown][-1] - bottom) / (top - bottom) * height
            named.append((end, text, to_hex(line.get_color()), 1.25 * size * (text.count("\n") + 1)))
    if not named:
        return
    named.sort()
    centres = spread_apart([end for end, *_ in named], [tall for *_, tall in named], height)
    for centre, (_, text, colour, _) in zip(centres, named, strict=True):
        ax.annotate(
            text,
            (1, centre / height),
            xycoords="axes fraction",
            xytext=(0.4 * size, 0),
            textcoords="offset points",
            va="center",
            ha="left",
            color=colour,
            fontsize=size,
            fontweight="bold",
            annotation_clip=False,
            parse_math=False,
        )


def spread_apart(wanted: Sequence[float], sizes: Sequence[float], length: float) -> list[float]:
    """Centres in ascending order, as near to ``wanted`` as they go without overlap, within 0 to ``length`` if they fit.

    Blocks that touch move as one, to the mean of where they stood.
    """
    blocks: list[list[float]] = []  # each: centre, size, number of members
    for want, size in zip(wanted, sizes, strict=True):
        blocks.append([want, size, 1])
        while True:
            centre, tall, count = blocks[-1]
            centre = min(max(centre, tall / 2), max(length - tall / 2, tall / 2))
            blocks[-1][0] = centre
            if len(blocks) < 2 or blocks[-2][0] + blocks[-2][1] / 2 <= centre - tall / 2:
                break
            below = blocks.pop(-2)
            total = below[2] + count
            blocks[-1] = [(below[0] * below[2] + centre * count) / total, below[1] + tall, total]
    centres: list[float] = []
    for centre, tall, count in blocks:
        edge = centre - tall / 2
        for size in sizes[len(centres) : len(centres) + int(count)]:
            centres.append(edge + size / 2)
            edge += size
    return centres
