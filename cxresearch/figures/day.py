"""The day by the hour: what comes, who is there, who would be needed."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import date

import pandas as pd
from matplotlib.axes import Axes

from cxresearch.figures import parts
from cxresearch.style import phrase, theme

BEFORE_THE_DAY = 12  # letters that stand where nothing is drawn


def plot_load(
    hours: pd.DataFrame, *, ax: Axes | None = None, mark: parts.Mark | None = None, tied: Sequence[float] = (),
    before: parts.Before | None = None,
) -> Axes:  # fmt: skip
    """Draw contacts an hour as bars, the part that gives up dark at their foot.

    ``hours`` has one row for each hour of the day, or each part of one: ``hour``, ``arrivals_per_h`` and
    ``share_left_of_asked`` (of all contacts; NaN without any). ``mark`` names the highest hour; the hours ``tied`` with it
    are as strong as it. ``before`` has ``hour`` and ``arrivals_per_h`` of the period before, of as many rows.
    """
    parts.require_columns(hours, ["hour", "arrivals_per_h", "share_left_of_asked"], "plot_load")
    ax = parts.axes_or_new(ax)
    lost = (hours["arrivals_per_h"] * hours["share_left_of_asked"]).fillna(0.0)
    width = 0.8 * 24 / len(hours)
    bars = ax.bar(hours["hour"], hours["arrivals_per_h"], width=width, color=theme.C1, alpha=0.35)
    ax.bar(hours["hour"], lost, width=width, color=theme.C2)
    parts.pale_hours(ax, before, "arrivals_per_h", each=24 / len(hours))
    top = hours["arrivals_per_h"].max()
    size = theme.text_size(parts.root_figure(ax))
    # Said once in words where nothing is drawn: before the day begins.
    every = textwrap.fill(phrase("all contacts"), BEFORE_THE_DAY)
    ax.annotate(every, (0, 0.62 * top), va="bottom", color=theme.C1, fontsize=size, fontweight="bold")
    ax.annotate(phrase("gave up"), (0, 0.50 * top), color=theme.C2, fontsize=size, fontweight="bold")
    ax.set(xlim=(-0.6, 23.6), xticks=range(0, 24, 4), xlabel=parts.words("hour"))
    parts.measure_above(ax, phrase("Contacts an hour"))
    parts.label_lines(ax, width=parts.NARROW)
    parts.mark_bars(ax, bars, hours["hour"], hours["arrivals_per_h"], mark, tied, strong=0.55)
    return ax


def plot_staffing(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the agents that look as if they were there and those that would be needed, hour by hour, as steps.

    ``table`` has ``hour``, ``agents``, ``agents_needed`` and, for a band, ``lower`` and ``upper``; a row without numbers
    leaves a gap.
    """
    parts.require_columns(table, ["hour", "agents", "agents_needed"], "plot_staffing")
    ax = parts.axes_or_new(ax)
    edges = [*table["hour"], 24]
    if {"lower", "upper"} <= set(table.columns):
        ax.fill_between(edges, [*table["lower"], table["lower"].iloc[-1]], [*table["upper"], table["upper"].iloc[-1]],
                        step="post", color=theme.C2, alpha=theme.BAND_ALPHA, linewidth=0)  # fmt: skip
    for column, colour, label in (
        ("agents_needed", theme.C2, phrase("needed")),
        ("agents", theme.C1, phrase("as if there")),
    ):
        ax.step(edges, [*table[column], table[column].iloc[-1]], where="post", color=colour, label=label)
    ax.set(xlim=(0, 24), xticks=range(0, 25, 4), xlabel=parts.words("hour"))
    ax.set_ylim(bottom=0)
    parts.measure_above(ax, phrase("Agents"))
    parts.label_lines(ax)
    return ax


def plot_forecast(days: pd.DataFrame, *, ax: Axes | None = None, missing: Sequence[date] = ()) -> Axes:
    """Draw what was said of each day as a band with its middle, and what came as dots; hollow: outside the band.

    ``days`` has ``day``, ``contacts`` and ``lower, median, upper``. Days that are ``missing`` are shaded.
    """
    parts.require_columns(days, ["day", "contacts", "lower", "median", "upper"], "plot_forecast")
    ax = parts.axes_or_new(ax)
    days = days.sort_values("day")
    day, inside = days["day"], days["contacts"].between(days["lower"], days["upper"])
    ax.vlines(day, days["lower"], days["upper"], color=theme.C1, alpha=theme.BAND_ALPHA, linewidth=5)
    ax.plot(day, days["median"], "_", color=theme.C1, markersize=7)
    ax.plot(day[inside], days.loc[inside, "contacts"], "o", color=theme.C2, markersize=4)
    ax.plot(day[~inside], days.loc[~inside, "contacts"], "o", color=theme.C2, markersize=4, markerfacecolor="none")
    ax.set_ylim(bottom=0)
    at = day.iloc[:: max(len(day) // 5, 1)]
    ax.set_xticks(at, [parts.short_date(date) for date in at])
    parts.measure_above(ax, phrase("Contacts a day"))
    parts.shade_days(ax, missing)
    parts.say_shaded(ax, missing)
    return ax
