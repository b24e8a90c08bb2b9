"""Figures of published survey numbers: claims, waves, ranges, paired answers, expectations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from cxresearch.figures import parts
from cxresearch.style import phrase, theme

VERDICT_COLOURS = {
    "reproduced": theme.C3,
    "corrected": theme.C2,
    "bounded": theme.C1,
    "conflicting": theme.C4,
    "untraceable": theme.SOFT,
}
_PITCH = 0.46  # inches a row: its label, its mark, air


def plot_claims(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw published shares with their interval, what was told, and the verdict, one row a claim.

    Parameters
    ----------
    table : DataFrame with ``label``, ``told_value`` and ``value`` (0 to 1), ``lower``, ``upper``, ``narrow_lower``,
        ``narrow_upper``, ``n_known`` and ``verdict``.

    A filled circle is the published share, a cross what was told where it differs. The line is the interval; where n
    is unknown a pale line is the interval at the smallest n of the range and the firm one that at the largest.
    """
    columns = ["told_value", "value", "lower", "upper", "narrow_lower", "narrow_upper", "n_known", "verdict"]
    parts.require_columns(table, ["label", *columns], "plot_claims")
    unknown = sorted(set(table["verdict"]) - set(VERDICT_COLOURS))
    if unknown:
        raise ValueError(f"plot_claims knows the verdicts {list(VERDICT_COLOURS)}; the table has {unknown}.")
    ax = _rows(table["label"], ax)
    size = theme.text_size(parts.root_figure(ax))
    for place, row in zip(_places(len(table)), table.itertuples(), strict=True):
        colour = VERDICT_COLOURS[str(row.verdict)]
        if not row.n_known:
            ax.hlines(place, row.lower, row.upper, color=colour, linewidth=7, alpha=theme.BAND_ALPHA)
        ax.hlines(place, row.narrow_lower, row.narrow_upper, color=colour, linewidth=2.4, alpha=0.6)
        ax.plot(row.value, place, "o", color=colour, markersize=7)
        if abs(row.told_value - row.value) > 1e-9:
            ax.plot(row.told_value, place, "x", color=theme.INK, markersize=7, markeredgewidth=1.6)
        at = (1, place + _UP)
        ax.annotate(
            phrase(str(row.verdict)),
            at,
            xycoords=("axes fraction", "data"),
            color=colour,
            ha="right",
            va="center",
            fontsize=size,
        )
    ax.set_xlim(0, 1)
    parts.percent(ax.xaxis)
    return ax


def plot_trends(table: pd.DataFrame, *, measure: str, share: bool = True, ax: Axes | None = None) -> Axes:
    """Draw published figures over the years, one line a series, its name at its end.

    ``table`` has ``series``, ``year``, ``value``, and where it has ``lower`` and ``upper`` an interval at each point. A
    point with ``comparable`` False (another base or definition) is hollow and tied to the one before by dots.
    """
    parts.require_columns(table, ["series", "year", "value"], "plot_trends")
    ax = parts.axes_or_new(ax)
    names = list(dict.fromkeys(table["series"]))
    if len(names) > len(theme.SERIES):
        raise ValueError(f"{len(theme.SERIES)} lines can be told apart; the table has {len(names)} series.")
    for name, colour in zip(names, theme.SERIES, strict=False):
        rows = table[table["series"] == name].sort_values("year")
        years, values = rows["year"].astype(float).to_numpy(), rows["value"].to_numpy()
        comparable = rows["comparable"].to_numpy() if "comparable" in rows else np.ones(len(rows), dtype=bool)
        if {"lower", "upper"} <= set(rows.columns):
            ax.vlines(years, rows["lower"], rows["upper"], color=colour, linewidth=5, alpha=0.25)
        for end in range(1, len(rows)):
            step = slice(end - 1, end + 1)
            ax.plot(years[step], values[step], color=colour, linestyle="-" if comparable[end] else ":", label="_")
        ax.plot(years[~comparable], values[~comparable], "o", color=colour, markerfacecolor=theme.PAPER, zorder=3)
        ax.plot(years[comparable], values[comparable], "o", color=colour)
        ax.plot(years[-1:], values[-1:], linestyle="none", color=colour, label=name)
    ax.set_ylim(bottom=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    parts.measure_above(ax, measure)
    if share:
        ax.set_ylim(0, 1)
        parts.percent(ax.yaxis)
    parts.label_lines(ax)
    return ax


def plot_ranges(table: pd.DataFrame, *, measure: str = "", ax: Axes | None = None) -> Axes:
    """Draw what a share can be at least and at most, one bar a row, its label above it.

    ``table`` has ``label``, ``lower`` and ``upper`` (0 to 1); a ``landmark`` is drawn as a tick inside the bar. The bar
    is no interval of estimation: every value inside it is equally allowed.
    """
    parts.require_columns(table, ["label", "lower", "upper"], "plot_ranges")
    ax = _rows(table["label"], ax)
    for place, row in zip(_places(len(table)), table.to_dict("records"), strict=True):
        ax.plot([row["lower"], row["upper"]], [place, place], color=theme.C1, linewidth=7, solid_capstyle="butt")
        if not pd.isna(row.get("landmark")):
            ax.plot(row["landmark"], place, "|", color=theme.INK, markersize=12, markeredgewidth=1.6)
    ax.set(xlim=(0, 1), xlabel=measure)
    parts.percent(ax.xaxis)
    return ax


def plot_order(table: pd.DataFrame, *, first: str, second: str, ax: Axes | None = None) -> Axes:
    """Draw pairs of shares of the same people: a hollow mark for ``second``, a filled one for ``first``, tied.

    ``table`` has ``item``, ``first``, ``second`` (0 to 1) and ``verdict``; the verdict stands at the right of its row.
    ``first`` and ``second`` name the two conditions.
    """
    parts.require_columns(table, ["item", "first", "second", "verdict"], "plot_order")
    ax = _rows(table["item"], ax, key=True)
    size = theme.text_size(parts.root_figure(ax))
    for place, row in zip(_places(len(table)), table.itertuples(), strict=True):
        colour = theme.C2 if row.first >= row.second else theme.C1
        ax.plot([row.second, row.first], [place, place], color=colour, linewidth=3, alpha=0.5)
        ax.plot(row.second, place, "o", color=colour, markerfacecolor=theme.PAPER, markersize=8)
        ax.plot(row.first, place, "o", color=colour, markersize=8)
        where = ("axes fraction", "data")
        ax.annotate(
            phrase(str(row.verdict)),
            (1, place + _UP),
            xycoords=where,
            color=theme.SOFT,
            ha="right",
            va="center",
            size=size,
        )
    for name, face in ((first, theme.INK), (second, theme.PAPER)):
        ax.plot([], [], "o", color=theme.INK, markerfacecolor=face, label=name)
    ax.legend(
        loc="upper left",
        bbox_to_anchor=(0, 1),
        ncols=2,
        frameon=False,
        borderaxespad=0,
        handletextpad=0.2,
        fontsize=size,
    )
    top = max(table["first"].max(), table["second"].max())
    ax.set_xlim(0, min(1.0, top + 0.1))
    parts.percent(ax.xaxis)
    return ax


def plot_expectation(
    curves: pd.DataFrame, published: pd.DataFrame, *, targets_s: Sequence[float] = (), ax: Axes | None = None
) -> Axes:
    """Draw the share who expect an answer within each duration, with the published points and the promised times.

    Parameters
    ----------
    curves : DataFrame with ``channel``, ``duration_s``, ``share``; one line a channel, its name at its end.
    published : DataFrame with ``channel``, ``within_s``, ``share`` and ``fitted`` (True: the line was fitted to it,
        filled; False: another study, hollow).
    targets_s : times to mark with an upright line, seconds.
    """
    parts.require_columns(curves, ["channel", "duration_s", "share"], "plot_expectation")
    parts.require_columns(published, ["channel", "within_s", "share", "fitted"], "plot_expectation")
    ax = parts.axes_or_new(ax, height=3.6)
    for channel, colour in zip(dict.fromkeys(curves["channel"]), theme.SERIES, strict=False):
        line = curves[curves["channel"] == channel]
        ax.plot(line["duration_s"], line["share"], color=colour, label=channel)
        points = published[published["channel"] == channel]
        for fitted, face in ((True, colour), (False, theme.PAPER)):
            some = points[points["fitted"] == fitted]
            ax.plot(some["within_s"], some["share"], "o", color=colour, markerfacecolor=face, label="_")
    ax.set(xscale="log", xlim=(curves["duration_s"].min(), curves["duration_s"].max()), ylim=(0, 1))
    ax.xaxis.set_major_locator(FixedLocator(list(_CLOCK)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: phrase(_CLOCK.get(round(value), ""))))
    for target in targets_s:
        ax.axvline(target, color=theme.INK, linestyle=":", linewidth=1.2)
    parts.measure_above(ax, phrase("Expect an answer within"))
    parts.percent(ax.yaxis)
    parts.label_lines(ax)
    return ax


def plot_interval_over_n(table: pd.DataFrame, *, share: float, ax: Axes | None = None) -> Axes:
    """Draw the interval of a published ``share`` against the number of people who may have been asked.

    ``table`` has ``n``, ``lower`` and ``upper``.
    """
    parts.require_columns(table, ["n", "lower", "upper"], "plot_interval_over_n")
    ax = parts.axes_or_new(ax, height=2.6)
    ax.fill_between(table["n"], table["lower"], table["upper"], color=theme.C1, alpha=theme.BAND_ALPHA, linewidth=0)
    ax.axhline(share, color=theme.C1)
    ax.set(xlim=(table["n"].min(), table["n"].max()), xlabel=phrase("People asked, if so many"))
    parts.percent(ax.yaxis)
    return ax


_UP = 0.2 / _PITCH
_CLOCK = {30: "30 s", 900: "15 min", 3_600: "1 h", 14_400: "4 h", 86_400: "1 d"}


def _places(rows: int) -> list[float]:
    return [-(row + 0.68) for row in range(rows)]


def _rows(labels: pd.Series, ax: Axes | None, *, key: bool = False) -> Axes:
    """Axes with a labelled row for each label, the first on top, and room for a key above them."""
    head = 0.55 if key else 0.0
    ax = parts.axes_or_new(ax, height=0.6 + _PITCH * (len(labels) + head))
    size = theme.text_size(parts.root_figure(ax))
    for place, label in zip(_places(len(labels)), labels, strict=True):
        ax.annotate(
            str(label), (0, place + _UP), xycoords=("axes fraction", "data"), ha="left", va="center", fontsize=size
        )
    ax.hlines(
        [-row for row in range(1, len(labels))],
        0,
        1,
        transform=ax.get_yaxis_transform(),
        color=theme.RULE,
        linewidth=0.7,
    )
    ax.set(ylim=(-len(labels), head), yticks=[])
    ax.grid(visible=True, axis="x")
    return ax
