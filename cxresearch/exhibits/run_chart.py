"""Headlines from day to day: whether a day or a run of days says that something changed, and how often that is chance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial

import numpy as np
import pandas as pd

from cxresearch import figures
from cxresearch.exhibits.by_day import EVERY, Days, Part, compared, days_of
from cxresearch.exhibits.exhibit import Exhibit, nothing
from cxresearch.exhibits.waiting import counted
from cxresearch.risk_table import process_limits, signs_of_change
from cxresearch.style import format_date, format_interval, format_number, format_value, phrase

CHARTED = ("lost_share", "service_level", "mean_wait_s", "contacts_per_day")
CHARTED_OF_TICKETS = ("unanswered_after_promise_share", "median_first_answer_s", "asked_again_share", "tickets_per_day")
FEWEST_DAYS = 12
FEWEST_OF_WEEKDAY = 3  # with two of a weekday, taking it out leaves mirror images
# Charts and sets of charts with a sign although nothing changed, where days stand apart and where they hang together:
# means over the SIMULATED worlds of benchmarks/results/day_calibration.md, to which a test holds them.
FALSE_SIGNS = {"chart": (0.039, 0.483), "set": (0.134, 0.742)}
COLUMNS = ["name", "label", "unit", "day", "value", "centre", "lower", "upper", "outside", "run"]


def run_points(now: pd.DataFrame, before: pd.DataFrame | None) -> pd.DataFrame:
    """Each headline that is charted, day by day over both periods, beside its natural limits.

    Parameters
    ----------
    now, before : two ``headlines.headline_table``, whose ``attrs["days"]`` hold the days.

    Returns
    -------
    DataFrame ``name, label, unit, day, value, centre, lower, upper, outside, run``, in order of time; empty where there
    are fewer than twelve days. Days are those of weekdays on which at least half as many queue (of contacts: ask) as on
    the busiest one, and of which there are three. ``value`` is the day's, with what its weekday usually does taken out; ``centre``
    is the median; ``outside`` and ``run`` are 1 above, -1 below, 0 without a sign (``risk_table.process_limits``).

    Weekday and limits are taken on the scale of the root (of shares: its arcsine), where small and large values move
    alike. What is not known of a day has no point. A sign is no cause.
    """
    periods = [
        days for table in (before, now) if table is not None and (days := days_of(table.attrs.get("days"))) is not None
    ]
    told = now.set_index("name")
    rows = [
        charted
        for name in (*CHARTED, *CHARTED_OF_TICKETS) if name in told.index and pd.notna(told.loc[name, "value"])
        if (charted := _charted(name, periods)) is not None
    ]  # fmt: skip
    if not rows:
        return pd.DataFrame(columns=COLUMNS)
    points = pd.concat(rows, ignore_index=True)
    return points.assign(
        label=points["name"].map(told["label"]), unit=points["name"].map(told["unit"])
    )[COLUMNS]  # fmt: skip


def _charted(name: str, periods: list[Days]) -> pd.DataFrame | None:
    known = [days for days in periods if name in days.top]
    if not known:
        return None
    days = pd.concat([
        pd.DataFrame({
            "day": one.day, "weekday": one.weekday, "size": one.size[name], "value": one.each(name),
        }) for one in known
    ]).sort_values("day")  # fmt: skip
    busy = days.groupby("weekday")["size"].transform("mean")
    days = days[(2 * busy >= busy.max()) & days["value"].notna()]
    days = days[days.groupby("weekday")["day"].transform("size") >= FEWEST_OF_WEEKDAY]
    if len(days) < FEWEST_DAYS:
        return None
    share = EVERY[name].link == "logit"
    root = np.sqrt(days["value"].clip(0, 1 if share else None))
    level = np.arcsin(root) if share else root
    level = (level - level.groupby(days["weekday"]).transform("mean") + level.mean()).round(12)
    limits = process_limits(level)
    if not limits.upper > limits.lower:
        return None
    outside, run = signs_of_change(level, limits)

    def back(values: pd.Series | float) -> np.ndarray:
        up = np.maximum(np.asarray(values, dtype=float), 0.0)
        return np.asarray(np.sin(np.minimum(up, np.pi / 2)) ** 2 if share else up**2)

    return pd.DataFrame({
        "name": name, "day": days["day"], "value": back(level), "centre": float(back(limits.centre)),
        "lower": float(back(limits.lower)), "upper": float(back(limits.upper)), "outside": outside, "run": run,
    })  # fmt: skip


def days_hang_together(now: pd.DataFrame, before: pd.DataFrame | None) -> bool:
    """Whether neighbouring days are alike beyond weekday and period, by more than chance would have it."""
    periods = [
        days for table in (now, before) if table is not None and (days := days_of(table.attrs.get("days"))) is not None
    ]
    parts = [Part(days, np.ones(len(days.day)), sign) for days, sign in zip(periods, (1, -1), strict=False)]
    return any(one.clusters.correlation_shows() for one in compared(parts, linked=False).values()) if parts else False


def run_charts(
    now: pd.DataFrame, before: pd.DataFrame | None, *, place: str, kind: str = "estimated", missing: Sequence[date] = ()
) -> Exhibit:
    """Headlines over the days of a period and the one before, with limits, and what says that something changed.

    ``now`` and ``before`` are as for :func:`run_points`; days that are ``missing`` have no rows.
    """
    points = run_points(now, before)
    if points.empty:
        return nothing(
            phrase(
                "No headline has {days} days to set side by side, so no change can be seen from day to day",
                days=format_value(FEWEST_DAYS, "count"),
            )
        )
    together = days_hang_together(now, before)
    rows = [_row(one) for _, one in points.groupby("name", sort=False)]
    shown = pd.DataFrame(rows)
    signs, n = shown[shown["sign_of_change"] != "none"], points["day"].nunique()
    single, of_set = (format_number(100 * FALSE_SIGNS[what][together], 0) for what in ("chart", "set"))
    several = {"signs": counted(len(signs)), "all": counted(len(shown)).lower()}
    if signs.empty:
        finding = phrase("No sign of change in {days} days", days=format_value(n, "count"))
    elif together and len(signs) == 1:
        finding = phrase(
            "One of {all} headlines shows a sign, but days that hang together often give one", all=several["all"]
        )
    elif together:
        finding = phrase(
            "{signs} of {all} headlines show a sign, but days that hang together often give one", **several
        )
    elif len(signs) == 1:
        finding = f"{signs['headline'].iloc[0]}: {signs['sign_of_change'].iloc[0]}"
    else:
        finding = phrase("{signs} of {all} headlines show a sign of change", **several)
    worlds = phrase(
        "False alarms come without a change. They were counted in SIMULATED logs of calls whose days stand apart."
    )
    if together:
        worlds = phrase(
            "False alarms come without a change. They were counted in SIMULATED logs of calls whose neighbouring days hang "
            "together, as they do here."
        )
    often = phrase(
        "There {single} % of such charts show a sign, and {all} % of reports show one in any of the four.",
        single=single,
        all=of_set,
    )
    if points["name"].isin(CHARTED_OF_TICKETS).any():
        often = phrase("There {single} % of such charts show a sign.", single=single)
    return Exhibit(
        finding=finding, says=f"{worlds} {often}", table=points, shown=shown, kind=kind,
        subtitle=phrase(
            "A point is a day, what its weekday usually does taken out; dashed: natural limits; {place}", place=place
        ),
        description=". ".join(
            phrase(
                "{headline}: middle {middle}, limits {limits}, sign of change: {sign}", headline=row["headline"],
                middle=row["middle"], limits=row["limits"], sign=phrase(row["sign_of_change"]),
            )
            for row in rows
        ),
        draw=partial(figures.plot_run_charts, points, missing=missing),
    )  # fmt: skip


def _row(points: pd.DataFrame) -> dict[str, str]:
    """One chart as people read it: ``headline, days, middle, limits, sign_of_change``."""
    first = points.iloc[0]
    signs = []
    if points["run"].any():
        # The latest one.
        run = points["run"].to_numpy()
        end = int(np.flatnonzero(run)[-1])
        before = np.flatnonzero(run[: end + 1] != run[end])
        begin = int(before[-1]) + 1 if len(before) else 0
        first_day, last_day = (format_date(points["day"].iloc[at].date()) for at in (begin, end))
        told = {"first": first_day, "days": str(end - begin + 1)}
        if end == len(points) - 1:
            signs.append(
                phrase("since {first} higher, {days} days in a row", **told)
                if run[end] > 0
                else phrase("since {first} lower, {days} days in a row", **told)
            )
        else:
            signs.append(
                phrase("from {first} to {last} higher, {days} days in a row", last=last_day, **told)
                if run[end] > 0
                else phrase("from {first} to {last} lower, {days} days in a row", last=last_day, **told)
            )
    for sign, one, several in (
        (1, "{day} above the limits", "{days} days above the limits, last {day}"),
        (-1, "{day} below the limits", "{days} days below the limits, last {day}"),
    ):
        out = points.loc[points["outside"] == sign, "day"]
        if len(out):
            signs.append(phrase(one if len(out) == 1 else several, day=format_date(out.iloc[-1].date()), days=len(out)))
    return {
        "headline": first["label"], "days": format_value(len(points), "count"), "middle": format_value(first["centre"], first["unit"]),
        "limits": format_interval(first["lower"], first["upper"], first["unit"]),
        "sign_of_change": "; ".join(signs) or "none",
    }  # fmt: skip
