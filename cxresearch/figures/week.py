"""The week as a grid of weekday and hour."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb

from cxresearch.figures import parts
from cxresearch.style import phrase, theme

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHADES = 64


def plot_week(table: pd.DataFrame, *, value: str, ax: Axes | None = None) -> Axes:
    """Draw a share by weekday and hour as a grid: the darker, the larger; no mark where there is no row.

    ``table`` has ``weekday`` (1 Monday to 7 Sunday), ``hour`` (0 to 23) and the column ``value`` (0 to 1).
    """
    import seaborn  # a second of import that no other figure needs

    parts.require_columns(table, ["weekday", "hour", value], "plot_week")
    if not (table["weekday"].between(1, 7) & table["hour"].between(0, 23)).all():
        raise ValueError("plot_week: weekday must be 1 to 7 and hour 0 to 23.")
    ax = parts.axes_or_new(ax, height=2.9)
    grid = table.pivot_table(index="weekday", columns="hour", values=value).reindex(
        index=range(1, 8), columns=range(24)
    )
    # One colour whose strength is the value, so that the grid follows the reader's light or dark ground.
    shades = ListedColormap([(*to_rgb(theme.C1), 0.08 + 0.92 * step / (SHADES - 1)) for step in range(SHADES)])
    seaborn.heatmap(grid, ax=ax, cmap=shades, vmin=0, linewidths=0.6, linecolor=theme.RULE, cbar=True,
                    cbar_kws={"shrink": 0.8, "aspect": 14, "pad": 0.02})  # fmt: skip
    bar = ax.collections[0].colorbar
    assert bar is not None
    parts.percent(bar.ax.yaxis)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelcolor=theme.INK, labelsize=theme.text_size(parts.root_figure(ax)))
    ax.set(xlabel=parts.words("hour"), ylabel="")
    ax.set_xticks([hour + 0.5 for hour in range(0, 24, 4)], [str(hour) for hour in range(0, 24, 4)], rotation=0)
    ax.set_yticks([day + 0.5 for day in range(7)], [phrase(day)[:3] for day in WEEKDAYS], rotation=0)
    return ax
