"""Figures of talk: who hears, for how long, how far at worst, what a reply changes, and what to measure first."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from cxresearch.figures import parts
from cxresearch.style import format_number, format_value, phrase, theme

_CLOCK = {
    1: "1 s",
    60: "1 min",
    900: "15 min",
    7_200: "2 h",
    86_400: "1 d",
    604_800: "1 wk",
    2_592_000: "1 mo",
    31_557_600: "1 y",
}
_CLOSE = 0.7  # decades: two clock ticks nearer than this overlap on a telephone
_PITCH = 0.46  # inches a row: its label, its bar, air
_UP = 0.2 / _PITCH


def plot_over_time(
    table: pd.DataFrame,
    *,
    value: str,
    by: str,
    measure: str,
    share: bool = False,
    floor: float = 0.0,
    marks_s: Mapping[str, float] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a quantity against time on a clock that runs from seconds to years, one line a group, named at its end.

    Parameters
    ----------
    table : DataFrame with ``time_s`` (> 0), ``value`` and ``by``; groups in the order of the table, up to four.
    measure : what is drawn, written above the axis.
    share : the values are shares, shown in percent from 0 to 100.
    floor : where the upright axis begins, if not a share: the least the quantity can be.
    marks_s : moments to mark with an upright line, seconds by name.
    """
    parts.require_columns(table, ["time_s", value, by], "plot_over_time")
    if not (table["time_s"] > 0).all():
        raise ValueError("plot_over_time draws times above 0: its clock is logarithmic.")
    names = list(dict.fromkeys(table[by]))
    if len(names) > len(theme.SERIES):
        raise ValueError(f"{len(theme.SERIES)} lines can be told apart; column {by!r} has {len(names)} groups.")
    ax = parts.axes_or_new(ax, height=3.5)
    for name, colour in zip(names, theme.SERIES, strict=False):
        rows = table[table[by] == name].sort_values("time_s")
        ax.plot(rows["time_s"], rows[value], color=colour, label=name)
    ax.set(xscale="log", xlim=(table["time_s"].min(), table["time_s"].max()))
    ax.set_ylim(0, 1) if share else ax.set_ylim(bottom=floor)
    _clock(ax)
    for moment in (marks_s or {}).values():
        ax.axvline(moment, color=theme.INK, linestyle=":", linewidth=1.2)
    parts.measure_above(ax, measure)
    if share:
        parts.percent(ax.yaxis)
    else:
        ax.yaxis.set_major_formatter(FuncFormatter(_amount))
    parts.label_lines(ax)
    return ax


def plot_reach(table: pd.DataFrame, *, measure: str = "People who hear", ax: Axes | None = None) -> Axes:
    """Draw how many people hear, one bar a kind of talk: from the complainer (firm) and from those who tell on (pale).

    ``table`` has ``label``, ``heard_first`` and ``heard`` (the first included).
    """
    parts.require_columns(table, ["label", "heard_first", "heard"], "plot_reach")
    ax = _rows(table["label"], ax)
    for place, row in zip(_places(len(table)), table.itertuples(), strict=True):
        ax.barh(place, row.heard_first, height=0.34, color=theme.C1)
        ax.barh(place, row.heard - row.heard_first, left=row.heard_first, height=0.34, color=theme.C1, alpha=0.35)
        _at_end(ax, place, format_value(row.heard))
    ax.set(xlim=(0, 1.02 * table["heard"].max()), xlabel=measure)
    return ax


def plot_amounts(
    table: pd.DataFrame, *, value: str, measure: str, by: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw one bar a label, its number at the end of the row; ``by`` sets up to four groups side by side.

    ``table`` has ``label`` and ``value`` (>= 0), and a range where it has ``lower`` and ``upper``.
    """
    parts.require_columns(table, ["label", value, *([by] if by else [])], "plot_amounts")
    groups = list(dict.fromkeys(table[by])) if by else ["_"]
    if len(groups) > len(theme.SERIES):
        raise ValueError(f"{len(theme.SERIES)} groups can be told apart; column {by!r} has {len(groups)}.")
    labels = pd.Series(list(dict.fromkeys(table["label"])))
    ax = _rows(labels, ax, lines=len(groups), key=bool(by))
    step = 0.2 / (_PITCH + 0.2 * (len(groups) - 1))
    up = 0.2 / (_PITCH + 0.2 * (len(groups) - 1))
    ranges = {"lower", "upper"} <= set(table.columns)
    for number, (group, colour) in enumerate(zip(groups, theme.SERIES, strict=False)):
        rows = (table[table[by] == group] if by else table).set_index("label")
        for position, label in enumerate(labels):
            if label not in rows.index:
                continue
            row, place = rows.loc[label], -position - up - step * (number + 0.75)
            ax.barh(place, row[value], height=0.75 * step, color=colour)
            if ranges:
                ax.hlines(place, row["lower"], row["upper"], color=theme.INK, linewidth=1.3)
        ax.plot([], [], "s", color=colour, label=group)
    top = max(table[value].max(), table["upper"].max() if ranges else 0)
    ax.set(xlim=(0, 1.02 * top), xlabel=measure)
    ax.xaxis.set_major_formatter(FuncFormatter(_amount))
    if by:
        ax.legend(loc="upper left", bbox_to_anchor=(0, 1), ncols=len(groups), frameon=False, borderaxespad=0,
                  handletextpad=0.2, columnspacing=1.2, labelcolor="linecolor",
                  prop={"weight": "bold", "size": theme.text_size(parts.root_figure(ax))})  # fmt: skip
    else:
        for place, amount in zip(_places(len(table)), table[value], strict=True):
            _at_end(ax, place, format_value(amount))
    return ax


def plot_tail(table: pd.DataFrame, *, by: str, one_in: float, smallest: float = 1e-6, ax: Axes | None = None) -> Axes:
    """Draw how often talk goes beyond each size, both axes logarithmic, one line a group, named at its end.

    ``table`` has ``chain_size``, ``probability_larger`` and ``by``; a dotted line marks one in ``one_in``. Values below
    ``smallest`` are left out: nobody will see so many complaints.
    """
    parts.require_columns(table, ["chain_size", "probability_larger", by], "plot_tail")
    shown = table[table["probability_larger"] >= smallest]
    names = list(dict.fromkeys(table[by]))
    if shown.empty or len(names) > len(theme.SERIES):
        raise ValueError(f"plot_tail draws one to {len(theme.SERIES)} groups above {smallest}; there are {len(names)}.")
    ax = parts.axes_or_new(ax, height=3.9)
    for name, colour in zip(names, theme.SERIES, strict=False):
        rows = shown[shown[by] == name]
        ax.step(rows["chain_size"], rows["probability_larger"], where="post", color=colour, label=name)
    ax.axhline(1 / one_in, color=theme.INK, linestyle=":", linewidth=1.2)
    ax.set(xscale="log", yscale="log", xlim=(1, 1.1 * shown["chain_size"].max()), ylim=(smallest, 1))
    ax.yaxis.set_major_locator(FixedLocator([1.0, 1e-2, 1e-3, 1e-4, 1e-6]))
    ax.yaxis.set_major_formatter(FuncFormatter(_one_in))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_locator(LogLocator(10))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,.0f}"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("Tellings, the first one included")
    parts.measure_above(ax, "Tellings that go further")
    # Above the axes: the lines leave no corner free that is free at every setting.
    ax.legend(loc="lower left", bbox_to_anchor=(-0.3, 1.1), ncols=2, frameon=False, borderaxespad=0, handlelength=0.9,
              labelcolor="linecolor", columnspacing=1.0,
              prop={"weight": "bold", "size": theme.text_size(parts.root_figure(ax))})  # fmt: skip
    return ax


def plot_indices(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw Sobol indices, one row an assumption: a circle for the total with its interval, a bar for the first order.

    ``table`` has ``label``, ``first_order``, ``total`` and ``total_error``, drawn in its order.
    """
    parts.require_columns(table, ["label", "first_order", "total", "total_error"], "plot_indices")
    ax = _rows(table["label"], ax)
    for place, row in zip(_places(len(table)), table.itertuples(), strict=True):
        ax.barh(place, max(row.first_order, 0.0), height=0.34, color=theme.C1, alpha=0.45)
        ax.hlines(place, row.total - row.total_error, row.total + row.total_error, color=theme.C1, linewidth=2.2)
        ax.plot(row.total, place, "o", color=theme.C1, markersize=7)
    top = (table["total"] + table["total_error"]).max()
    ax.set(xlim=(0, min(1.0, 1.05 * top)), xlabel=phrase("Share of what is not known"))
    parts.percent(ax.xaxis)
    return ax


def plot_percolation(
    table: pd.DataFrame, *, probability: float, value: str = "mean_largest_share", ax: Axes | None = None
) -> Axes:
    """Draw how talk on a network grows with the probability of telling; a dotted line marks the assumed one.

    ``table`` has ``probability`` (> 0) and ``value`` (0 to 1), and a band of two standard errors where it has
    ``value`` with ``_se`` added.
    """
    parts.require_columns(table, ["probability", value], "plot_percolation")
    ax = parts.axes_or_new(ax, height=3.2)
    rows = table.sort_values("probability")
    if f"{value}_se" in rows:
        band = 2 * rows[f"{value}_se"]
        ax.fill_between(rows["probability"], rows[value] - band, rows[value] + band, color=theme.C1,
                        alpha=theme.BAND_ALPHA, linewidth=0)  # fmt: skip
    ax.plot(rows["probability"], rows[value], color=theme.C1)
    ax.axvline(probability, color=theme.INK, linestyle=":", linewidth=1.2)
    ax.set(xscale="log", xlim=(rows["probability"].min(), rows["probability"].max()), ylim=(0, 1))
    ax.xaxis.set_major_locator(LogLocator(10))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{100 * number:,.3g} %"))
    ax.set_xlabel("Probability that one person tells one contact")
    parts.percent(ax.yaxis)
    parts.measure_above(ax, "People in one connected crowd of talk")
    return ax


def _clock(ax: Axes) -> None:
    low, high = ax.get_xlim()
    shown: list[int] = []
    for tick in _CLOCK:
        if low <= tick <= high and (not shown or np.log10(tick / shown[-1]) >= _CLOSE):
            shown.append(tick)
    ax.xaxis.set_major_locator(FixedLocator(shown))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _CLOCK.get(round(value), "")))


def _amount(value: float, _: object) -> str:
    decimals = next((d for d in range(4) if abs(value - round(value, d)) < 1e-9), 4)
    return format_number(value, decimals)


def _one_in(value: float, _: object) -> str:
    return "all" if value >= 1 else f"1 in {format_number(1 / value, 0)}"


def _places(rows: int) -> list[float]:
    return [-(row + 0.68) for row in range(rows)]


def _at_end(ax: Axes, place: float, text: str) -> None:
    where = ("axes fraction", "data")
    size = theme.text_size(parts.root_figure(ax))
    ax.annotate(text, (1, place + _UP), xycoords=where, color=theme.SOFT, ha="right", va="center", fontsize=size)


def _rows(labels: pd.Series, ax: Axes | None, *, lines: int = 1, key: bool = False) -> Axes:
    """Axes with a labelled row for each label, the first on top; each row holds so many bars."""
    pitch = _PITCH + 0.2 * (lines - 1)
    head = 0.3 / pitch if key else 0.0
    ax = parts.axes_or_new(ax, height=0.75 + pitch * (len(labels) + head))
    size = theme.text_size(parts.root_figure(ax))
    for position, label in enumerate(labels):
        where = ("axes fraction", "data")
        ax.annotate(str(label), (0, -position - 0.12 / pitch), xycoords=where, ha="left", va="center", fontsize=size)
    ax.hlines([-row for row in range(1, len(labels))], 0, 1, transform=ax.get_yaxis_transform(), color=theme.RULE,
              linewidth=0.7)  # fmt: skip
    ax.set(ylim=(-len(labels), head), yticks=[])
    ax.grid(visible=True, axis="x")
    return ax
