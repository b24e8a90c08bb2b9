"""Figures of waits: how many are still waiting, how waits end, when people give up, group beside group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from cxresearch.figures import parts
from cxresearch.style import format_value, phrase, theme

FEW_AT_RISK = 30  # below this many people still waiting a curve is dotted: one of them moves it by 3 points
LONGEST_NAME = 60  # letters that stand beside each other in a figure
MARKS = ("o", "D", "s", "^")


def plot_survival(
    curve: pd.DataFrame, *, horizon_s: float, ax: Axes | None = None, by: str | None = None, label: str = "",
    measure: str = "", marks: Sequence[parts.Mark] = (), before: parts.Before | None = None,
) -> Axes:  # fmt: skip
    """Draw Kaplan-Meier curves up to ``horizon_s`` seconds, each with its band and its name at its end.

    Parameters
    ----------
    curve : DataFrame with ``duration_s`` and ``survival`` (0 to 1); drawn too where present: ``lower`` and ``upper``
        (a band) and ``at_risk`` (from the first duration with fewer than 30 people on, the line is dotted).
    by : column that tells several curves apart; drawn in the order of the table.
    label : name of a single curve; without it one curve has no name.
    measure : what the share is of, for the axis; without it, of those who would still wait.
    marks : what is named on the drawing, such as a promise; as in the other figures here.
    before : the same of the period before, with the column ``by`` where there is one.

    A line ends with its data: nothing is drawn beyond the longest wait that was seen.
    """
    parts.require_columns(curve, ["duration_s", "survival", *([by] if by else [])], "plot_survival")
    ax = parts.axes_or_new(ax)
    _steps(ax, curve, value="survival", start=1.0, horizon_s=horizon_s, by=by, label=label)
    if before is not None:
        for name, rows in _groups(before.table, by, ""):
            x, heights = _corners(rows, 1.0, horizon_s)
            called = f"{name}, {before.label}" if by else before.label
            ax.step(
                *parts.seen_corners(x, heights("survival"), wide=horizon_s), where="post", label=called, **parts.PALE
            )
    ax.set(xlim=(0, horizon_s), ylim=(0, 1.01), xlabel=parts.words("wait"))
    _finish(ax, horizon_s, measure or parts.words("still_waiting"), marks, width=16 if by or label else parts.NARROW)
    return ax


def plot_outcomes(
    table: pd.DataFrame, *, horizon_s: float, ax: Axes | None = None, marks: Sequence[parts.Mark] = ()
) -> Axes:
    """Draw the probability that a wait has ended in each outcome, against seconds (Aalen-Johansen).

    ``table`` has ``duration_s``, ``outcome`` and ``probability`` (0 to 1), and a band where it has ``lower`` and
    ``upper``. One line an outcome, in the order of the table; what the lines leave to 100 % is still waiting.
    """
    parts.require_columns(table, ["duration_s", "outcome", "probability"], "plot_outcomes")
    ax = parts.axes_or_new(ax)
    _steps(ax, table, value="probability", start=0.0, horizon_s=horizon_s, by="outcome", label="")
    ax.set(xlim=(0, horizon_s), ylim=(0, 1.01), xlabel=parts.words("wait"))
    _finish(ax, horizon_s, parts.words("ended"), marks)
    return ax


def plot_hazard(
    table: pd.DataFrame, *, horizon_s: float | None = None, ax: Axes | None = None, by: str | None = None,
    marks: Sequence[parts.Mark] = (),
) -> Axes:  # fmt: skip
    """Draw the rate of giving up against seconds waited: of those still there, the share that leaves each second.

    ``table`` has ``duration_s`` and ``hazard_per_s``, and a band where it has ``lower`` and ``upper``.
    """
    parts.require_columns(table, ["duration_s", "hazard_per_s", *([by] if by else [])], "plot_hazard")
    ax = parts.axes_or_new(ax)
    horizon = float(table["duration_s"].max()) if horizon_s is None else horizon_s
    shown = table[table["duration_s"] <= horizon]
    for (name, rows), colour in zip(_groups(shown, by, ""), _colours(shown, by), strict=True):
        if {"lower", "upper"} <= set(rows.columns):
            ax.fill_between(
                rows["duration_s"], rows["lower"], rows["upper"], color=colour, alpha=theme.BAND_ALPHA, linewidth=0
            )
        ax.plot(rows["duration_s"], rows["hazard_per_s"], color=colour, label=name)
    ax.set(xlim=(0, horizon), xlabel=parts.words("wait"))
    ax.set_ylim(bottom=0)
    _finish(ax, horizon, parts.words("leaving"), marks)
    return ax


def plot_dots(
    table: pd.DataFrame, *, measure: str = "", ax: Axes | None = None, by: str | None = None, share: bool = True
) -> Axes:
    """Draw estimates and their intervals, one row a label, the first row on top.

    Parameters
    ----------
    table : DataFrame with ``label``, ``estimate``, ``lower`` and ``upper``; a row without an interval is drawn hollow.
    measure : what is measured, for the axis.
    by : column with up to four groups, side by side in a row, told apart by mark (circle, diamond, ...) and colour.
    share : estimates are shares, shown in percent.

    Labels stand above their row: long ones need no margin.
    """
    parts.require_columns(table, ["label", "estimate", "lower", "upper", *([by] if by else [])], "plot_dots")
    labels = list(dict.fromkeys(table["label"]))
    groups = list(dict.fromkeys(table[by])) if by else ["_"]
    if len(groups) > len(MARKS):
        raise ValueError(f"plot_dots tells {len(MARKS)} groups apart; column {by!r} has {len(groups)}.")
    # Inches: a row is its label, then one line a group, then air, so that a label is nearest to its own marks.
    pitch = 0.27 + 0.15 * len(groups) + 0.04
    ax = parts.axes_or_new(ax, height=0.75 + pitch * len(labels) + (0.24 if by else 0))
    places = {label: -position for position, label in enumerate(labels)}
    lines = [-(0.27 + 0.15 * number) / pitch for number in range(len(groups))]
    ax.hlines(
        [-row for row in range(1, len(labels))],
        0,
        1,
        transform=ax.get_yaxis_transform(),
        color=theme.RULE,
        linewidth=0.7,
    )
    for group, line, mark, colour in zip(groups, lines, MARKS, theme.SERIES, strict=False):
        rows = table[table[by] == group] if by else table
        heights = [places[label] + line for label in rows["label"]]
        ax.hlines(heights, rows["lower"], rows["upper"], color=colour, linewidth=2.2, alpha=0.55)
        for hollow in (False, True):
            chosen = (rows["lower"].isna() | rows["upper"].isna()) == hollow
            ax.plot(
                rows["estimate"][chosen],
                [height for height, take in zip(heights, chosen, strict=True) if take],
                mark,
                color=colour,
                markerfacecolor=theme.PAPER if hollow else colour,
                markersize=7 if mark == "o" else 6,
                label=f"_{group}" if hollow else group,
            )
    size = theme.text_size(parts.root_figure(ax))
    for label, place in places.items():
        ax.annotate(
            _cut(str(label)), (0, place - 0.03 / pitch), xycoords=("axes fraction", "data"), va="top", fontsize=size,
            parse_math=False,
        )  # fmt: skip
    ax.set(ylim=(-len(labels), 0.24 / pitch if by else 0), yticks=[], xlabel=measure)
    ax.grid(visible=True, axis="x")
    if share:
        ax.set_xlim(left=min(0.0, ax.get_xlim()[0]) if (table["lower"].fillna(0) < 0).any() else 0)
        parts.percent(ax.xaxis)
    if by:
        _key(ax, groups)
    return ax


def plot_bars_hour(
    table: pd.DataFrame, *, value: str, measure: str, ax: Axes | None = None, mark: parts.Mark | None = None,
    tied: Sequence[float] = (), before: parts.Before | None = None,
) -> Axes:  # fmt: skip
    """Draw one bar an hour of the day, with its interval where the table has ``lower`` and ``upper``.

    ``table`` has ``hour`` (0 to 23) and the column ``value``: seconds where its name ends in ``_s``, else a share.
    Hours without a row stay empty. ``mark`` names the highest hour; the hours ``tied`` with it are as strong as it.
    ``before`` has ``hour`` and ``value`` of the period before.
    """
    parts.require_columns(table, ["hour", value], "plot_bars_hour")
    if not table["hour"].between(0, 23).all():
        raise ValueError("plot_bars_hour: hour must be 0 to 23.")
    ax = parts.axes_or_new(ax)
    tops = table[value]
    bars = ax.bar(table["hour"], tops, width=0.8, color=theme.C1, alpha=0.75 if mark is None else 0.45)
    if {"lower", "upper"} <= set(table.columns):
        ax.vlines(table["hour"], table["lower"], table["upper"], color=theme.INK, linewidth=1.3)
        tops = table["upper"].fillna(tops)
    parts.pale_hours(ax, before, value)
    ax.set(xlim=(-0.6, 23.6), xticks=range(0, 24, 4), xlabel=parts.words("hour"))
    ax.set_ylim(bottom=0)
    parts.measure_above(ax, measure)
    if not value.endswith("_s"):
        parts.percent(ax.yaxis)
    parts.label_lines(ax, width=parts.NARROW)
    parts.mark_bars(ax, bars, table["hour"], tops, mark, tied, strong=0.75)
    return ax


def plot_parts(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw steps of a count, one bar a row, the first on top: strong where a step leads on, light where it ends.

    ``table`` has ``label``, ``start`` and ``contacts`` (the bar begins at the one and is as long as the other) and
    ``leads_on`` (bool).
    """
    parts.require_columns(table, ["label", "start", "contacts", "leads_on"], "plot_parts")
    ax = parts.axes_or_new(ax, height=0.5 + 0.36 * len(table))
    places = [-float(place) for place in range(len(table))]
    for leads_on, strength in ((True, 0.85), (False, 0.35)):
        chosen = (table["leads_on"] == leads_on).to_numpy(dtype=bool)
        rows = table[chosen]
        heights = [place - 0.68 for place, take in zip(places, chosen, strict=True) if take]
        ax.barh(heights, rows["contacts"], left=rows["start"], height=0.32, color=theme.C1, alpha=strength)
    size = theme.text_size(parts.root_figure(ax))
    for label, contacts, place in zip(table["label"], table["contacts"], places, strict=True):
        text = f"{_cut(str(label))}: {format_value(int(contacts), 'count')}"
        ax.annotate(
            text, (0, place), xycoords=("axes fraction", "data"), va="top", fontsize=size, parse_math=False,
        )  # fmt: skip
    longest = float((table["start"] + table["contacts"]).max())
    ax.set(ylim=(-len(table), 0), xlim=(0, longest or 1), yticks=[], xticks=[])
    ax.spines[:].set_visible(False)
    return ax


def _groups(table: pd.DataFrame, by: str | None, label: str) -> list[tuple[str, pd.DataFrame]]:
    if by is None:
        return [(label or "_", table)]
    # What ended a wait, and which clock runs, are our words; queues are called as the log calls them.
    ours = by in ("outcome", "clock")
    groups = table.groupby(by, sort=False, observed=True)
    return [(phrase(str(name)) if ours else str(name), rows) for name, rows in groups]


def _colours(table: pd.DataFrame, by: str | None) -> list[str]:
    number = table[by].nunique() if by else 1
    if number > len(theme.SERIES):
        raise ValueError(f"{len(theme.SERIES)} lines can be told apart; column {by!r} has {number} groups.")
    return list(theme.SERIES[:number])


def _steps(
    ax: Axes, table: pd.DataFrame, *, value: str, start: float, horizon_s: float, by: str | None, label: str
) -> None:
    for (name, rows), colour in zip(_groups(table, by, label), _colours(table, by), strict=True):
        x, heights = _corners(rows, start, horizon_s)
        if {"lower", "upper"} <= set(rows.columns):
            turns, lower, upper = parts.seen_corners(x, heights("lower"), heights("upper"), wide=horizon_s)
            ax.fill_between(turns, lower, upper, step="post", color=colour, alpha=theme.BAND_ALPHA, linewidth=0)
        y, few = heights(value), len(x)
        if "at_risk" in rows.columns:
            few = 1 + int((rows["at_risk"][rows["duration_s"] <= horizon_s] >= FEW_AT_RISK).sum())
        look: dict[str, Any] = {"where": "post", "color": colour}
        if few < len(x):
            ax.step(*parts.seen_corners(x[few - 1 :], y[few - 1 :], wide=horizon_s), linestyle=":", label=name, **look)
            ax.step(*parts.seen_corners(x[:few], y[:few], wide=horizon_s), label="_", **look)
        else:
            ax.step(*parts.seen_corners(x, y, wide=horizon_s), label=name, **look)


def _corners(rows: pd.DataFrame, start: float, horizon_s: float) -> tuple[list[float], Callable[[str], list[float]]]:
    """Where a step line turns up to the horizon, and its heights there by column."""
    shown = rows[rows["duration_s"] <= horizon_s]
    # The last value holds to the horizon only where somebody was seen waiting beyond it.
    beyond = [horizon_s] if len(shown) < len(rows) and len(shown) else []
    return [0.0, *shown["duration_s"], *beyond], lambda column: [
        start,
        *shown[column],
        *shown[column].tail(len(beyond)),
    ]


def _cut(label: str) -> str:
    """A name as long as the figure is wide; the table behind has all of it."""
    return label if len(label) <= LONGEST_NAME else f"{label[: LONGEST_NAME - 1]}…"


def _finish(ax: Axes, horizon_s: float, measure: str, marks: Sequence[parts.Mark], *, width: int = 16) -> None:
    parts.seconds(ax.xaxis, horizon_s)
    parts.percent(ax.yaxis)
    parts.measure_above(ax, measure)
    if marks:
        parts.room_for_marks(ax)
    parts.label_lines(ax, width=width)
    parts.write_marks(ax, marks)


def _key(ax: Axes, groups: list[str]) -> None:
    ax.legend(
        loc="upper left",
        bbox_to_anchor=(0, 1.0),
        ncols=len(groups),
        frameon=False,
        borderaxespad=0,
        handletextpad=0.2,
        columnspacing=1.2,
        labelcolor="linecolor",
        prop={"weight": "bold", "size": theme.text_size(parts.root_figure(ax))},
    )


def plot_wait_distribution(
    waits: pd.DataFrame, *, by: str, horizon_s: float, ax: Axes | None = None, marks: Sequence[parts.Mark] = ()
) -> Axes:
    """Draw the share of contacts whose wait had ended, against seconds, one line a group.

    ``waits`` has ``duration_s``, ``contacts`` and the column ``by``; however a wait ended, it ended.
    """
    import seaborn  # a second of import that few figures need

    parts.require_columns(waits, ["duration_s", "contacts", by], "plot_wait_distribution")
    ax = parts.axes_or_new(ax)
    names = waits.groupby(by, sort=False)["contacts"].sum().sort_values(ascending=False).index
    for colour, name in zip(theme.SERIES, names, strict=False):
        rows = waits[waits[by] == name]
        seaborn.ecdfplot(data=rows, x="duration_s", weights="contacts", ax=ax, color=colour, label=str(name))
    ax.set(xlim=(0, horizon_s), ylim=(0, 1.01), xlabel=parts.words("wait"), ylabel="")
    _finish(ax, horizon_s, phrase("Share whose wait had ended"), marks)
    return ax
