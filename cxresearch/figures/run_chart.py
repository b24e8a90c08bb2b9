"""Numbers over time: beside their natural limits, one small chart above the other, or a count at the end of each day."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import date

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cxresearch.figures import parts
from cxresearch.style import load_words, phrase, theme

COLUMNS = ["name", "label", "unit", "day", "value", "centre", "lower", "upper", "outside", "run"]
PANEL = 1.35  # inches
LETTERS = 48  # of a line above a chart


def plot_run_charts(points: pd.DataFrame, *, ax: Axes | None = None, missing: Sequence[date] = ()) -> Axes:
    """Draw each headline over its days: centre, dashed limits, and larger marks where a point or a run is a sign.

    ``points`` has ``name, label, unit, day, value, centre, lower, upper, outside, run`` (see
    ``exhibits.run_points``); one chart for each ``name``, in their order. Shares are drawn in percent. Days that are
    ``missing`` are shaded, and no line leads over them.
    """
    parts.require_columns(points, COLUMNS, "plot_run_charts")
    groups = list(points.groupby("name", sort=False))
    ax = parts.axes_or_new(ax, height=PANEL * len(groups) + 0.3 + (0.25 if missing else 0))
    ax.set_axis_off()
    size = theme.text_size(parts.root_figure(ax))
    tall, gaps = 1 / len(groups), pd.DatetimeIndex(missing)
    shown = gaps.union(points["day"])
    parts.say_shaded(ax, missing)
    for number, (_, one) in enumerate(groups):
        panel = ax.inset_axes((0.11, 1 - (number + 0.84) * tall, 0.87, 0.6 * tall))
        first, sign = one.iloc[0], (one["outside"] != 0) | (one["run"] != 0)
        values = one.set_index("day")["value"]
        values = values.reindex(values.index.union(gaps))
        panel.plot(values.index, values, color=theme.C1, linewidth=1.0, marker="o", markersize=2.2)
        panel.plot(one["day"][sign], one["value"][sign], color=theme.C2, linewidth=0, marker="o", markersize=4.5)
        panel.axhline(first["centre"], color=theme.SOFT, linewidth=0.9)
        for limit in ("lower", "upper"):
            panel.axhline(first[limit], color=theme.SOFT, linewidth=0.9, linestyle=(0, (4, 3)))
        for spine in ("top", "right", "left"):
            panel.spines[spine].set_visible(False)
        panel.spines["bottom"].set_color(theme.RULE)
        panel.set_facecolor("none")
        panel.tick_params(axis="both", length=0, labelcolor=theme.INK, labelsize=size)
        panel.yaxis.set_major_locator(MaxNLocator(2))
        if first["unit"] == "share":
            parts.percent(panel.yaxis)
        parts.shade_days(panel, missing)
        panel.set_xlim(shown.min(), shown.max())
        panel.set_xticks([])
        if number == len(groups) - 1:
            days = points["day"].sort_values().drop_duplicates().reset_index(drop=True)
            at = days.iloc[[0, len(days) // 2, len(days) - 1]]
            panel.set_xticks(at, [parts.short_date(day) for day in at])
        unit = load_words()["suffixes"]["_s"] if first["unit"] == "s" else ""
        label = textwrap.fill(f"{first['label']}{unit}", LETTERS)
        panel.annotate(label, (0, 1), xycoords="axes fraction", xytext=(0, 0.5 * size), va="bottom",
                       textcoords="offset points", fontsize=size, parse_math=False)  # fmt: skip
    return ax


def plot_backlog(days: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw a count at the end of each day as steps: ``day``, ``unanswered``."""
    parts.require_columns(days, ["day", "unanswered"], "plot_backlog")
    ax = parts.axes_or_new(ax)
    ax.fill_between(days["day"], days["unanswered"], step="pre", color=theme.C1, alpha=theme.BAND_ALPHA, linewidth=0)
    ax.step(days["day"], days["unanswered"], where="pre", color=theme.C1)
    ax.set_xlim(days["day"].min(), days["day"].max())
    ax.set_ylim(bottom=0)
    at = days["day"].iloc[sorted({0, len(days) // 2, len(days) - 1})]
    ax.set_xticks(at, [parts.short_date(day) for day in at])
    parts.measure_above(ax, phrase("Tickets without an answer"))
    return ax
