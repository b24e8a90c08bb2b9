"""What the period before let one expect of this one, beside what came and beside rules that need no model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from functools import partial

import numpy as np
import pandas as pd

from cxresearch import figures
from cxresearch.exhibits.by_day import EVERY, Part, compared, days_of
from cxresearch.exhibits.exhibit import Exhibit, Exhibits, nothing
from cxresearch.exhibits.ranking import opening
from cxresearch.exhibits.waiting import WEEKDAYS, counted, listed
from cxresearch.risk_table import limits
from cxresearch.style import format_interval, format_value

LEVEL = 0.8
_SCORES = ["counted_by", "rule", "scored", "share_inside_80", "share_inside_95", "pinball", "mean_miss", "skill",
           "skill_lower", "skill_upper", "verdict"]  # fmt: skip


def arrivals_forecast(
    days: pd.DataFrame, scores: pd.DataFrame, *, before: str, unsaid: int = 0, missing: Sequence[date] = (), place: str = "",
    kind: str = "estimated",
) -> Exhibits:  # fmt: skip
    """Contacts by day as the period before let one expect them, and as they came.

    ``days`` is from ``queueing.scored_days``, ``scores`` from ``queueing.forecast_scores`` with ``counted_by`` ("day" or
    "hour") before; ``before`` names the period before, ``unsaid`` days fell on a weekday that it did not have,
    ``missing`` days have no rows.
    """
    inside, n = int(days["inside"].sum()), len(days)
    finding = f"{inside} of {n} days lay inside the 80 % interval that {before} gave"
    rivals = scores[(scores["counted_by"] == "day") & (scores["rule"] != "forecast")]
    lacking = f" Of {unsaid} more days nothing was said: {before} had none of their weekday." if unsaid else ""
    figure = Exhibit(
        finding=f"{finding}, {_beside(rivals)}", table=days, kind=kind, draw=partial(figures.plot_forecast, days, missing=missing),
        subtitle=f"Contacts a day, {place}: the 80 % interval and its middle, and what came (hollow: outside)",
        shown=days[["day", "expected", "lower", "upper", "contacts", "inside"]], caption="Contacts a day, said and come",
        units={"expected": "count", "contacts": "count"},
        description=f"{finding}; {format_value(days['inside_95'].mean(), 'share')} inside the 95 % interval.",
    )  # fmt: skip
    table = scores[_SCORES]
    beside = Exhibit(
        finding=_verdicts(rivals), table=table, kind=kind, units={"scored": "count"},
        says=f"{_verdicts(rivals)} The skill is what the forecast saves of a rule's pinball loss; its interval takes weeks as "
        f"the unit.{lacking}",
        caption=f"The forecast beside rules that need no model, {place}",
    )  # fmt: skip
    return Exhibits([figure, beside])


def expected_next(week: pd.DataFrame, *, now: str, kind: str = "estimated") -> Exhibit:
    """What is expected of each weekday after the period (``queueing.arrivals_ahead`` of seven days in a row)."""
    table = week.sort_values("weekday").drop(columns="day")
    table["weekday"] = [WEEKDAYS[number - 1] for number in table["weekday"]]
    most = table.loc[table["expected"].idxmax()]
    return Exhibit(
        finding=f"After {now}, {format_value(most['expected'], 'contacts')} contacts are expected on a {most['weekday']} "
        f"({format_interval(most['lower'], most['upper'], 'contacts')}, 80 %)",
        table=table.reset_index(drop=True), kind=kind, caption=f"Contacts expected on a weekday after {now}",
        shown=table[["weekday", "expected", "lower", "upper", "lower_95", "upper_95"]], units={"expected": "count"},
    )  # fmt: skip


def headlines_ahead(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """What the headlines of one period let one expect of the next, and what came.

    Parameters
    ----------
    before, now : two tables of ``headlines.headline_table`` with their ``attrs["days"]``.

    Returns
    -------
    DataFrame ``name, label, unit, said, lower, upper, value, unchanged, inside, miss, miss_unchanged``, one row for each
    headline that both periods know. ``said`` is the headline of the period before at the weekdays of this one, and
    ``lower`` to ``upper`` hold the value with 80 % if days stray as they did: the interval of the one period is widened by
    the days of the other. ``unchanged`` is the earlier value as it was, the naive forecast. No trend and no season.
    """
    mine, theirs = days_of(now.attrs.get("days")), days_of(before.attrs.get("days"))
    columns = ["name", "label", "unit", "said", "lower", "upper", "value", "unchanged", "inside", "miss",
               "miss_unchanged"]  # fmt: skip
    if mine is None or theirs is None:
        return pd.DataFrame(columns=columns)
    share = pd.Series(mine.weekday).value_counts() / pd.Series(theirs.weekday).value_counts()
    weight = pd.Series(theirs.weekday).map(share).fillna(0.0).to_numpy(dtype=float)
    days_seen, days_now = int((weight > 0).sum()), len(mine.day)
    found = compared([Part(theirs, weight, 1)], linked=True) if days_seen else {}
    earlier, rows = before.set_index("name"), []
    for row in now.to_dict("records"):
        name = row["name"]
        if name not in found or math.isnan(row["value"]) or math.isnan(earlier.loc[name, "value"]):
            continue
        one, said = found[name], found[name].estimates[0]
        wider = math.sqrt(1 + days_seen / days_now)
        sure = np.isfinite(one.days).all() and one.clusters.df >= 1 and one.clusters.variance(one.days) > 0
        if not sure:
            continue
        lower, upper = limits(said, wider * one.clusters.half_width(one.days, LEVEL), EVERY[name].link)
        unchanged = float(earlier.loc[name, "value"])
        rows.append([name, row["label"], row["unit"], said, lower, upper, row["value"], unchanged,
                     lower <= row["value"] <= upper, abs(row["value"] - said), abs(row["value"] - unchanged)])  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def headline_forecast(ahead: pd.DataFrame, *, before: str, place: str = "", kind: str = "estimated") -> Exhibit:
    """The headlines as the period before let one expect them, and as they came (:func:`headlines_ahead`)."""
    if ahead.empty:
        return nothing(f"{opening(before)} has too few days to say what to expect of a headline")
    inside, n = int(ahead["inside"].sum()), len(ahead)
    closer, farther = (int(side.sum()) for side in (
        ahead["miss"] < ahead["miss_unchanged"], ahead["miss"] > ahead["miss_unchanged"],
    ))  # fmt: skip
    as_text = [
        {
            "headline": row["label"],
            "said": f"{format_value(row['said'], row['unit'])} ({format_interval(row['lower'], row['upper'], row['unit'])})",
            "unchanged": format_value(row["unchanged"], row["unit"]),
            "came": format_value(row["value"], row["unit"]),
            "inside": "yes" if row["inside"] else "no",
        }
        for row in ahead.to_dict("records")
    ]
    finding = f"{counted(inside)} of {counted(n).lower()} headlines lay inside the 80 % interval that {before} gave"
    beside = (
        f"Taken at the weekdays of this period it came closer than the earlier value unchanged for {counted(closer).lower()} and "
        f"less close for {counted(farther).lower()}"
    )
    if not (closer or farther):
        beside = "The weekdays are the same, so it is the earlier value unchanged"
    better = "" if closer > farther or not (closer or farther) else ": no better than the earlier value unchanged"
    return Exhibit(
        finding=finding, table=ahead, shown=pd.DataFrame(as_text), kind=kind,
        says=f"{finding}. {beside}{better}. Headlines share their days, so these are not so many separate tries.",
        caption=f"The headlines, said and come, {place}",
    )  # fmt: skip


def _beside(rivals: pd.DataFrame) -> str:
    """By its score against the rule that did best."""
    best = rivals.loc[rivals["pinball"].idxmin()]
    word = {"better": "better than", "worse": "worse than"}.get(best["verdict"], "no better than")
    return f"{word} the {best['rule']}"


def _verdicts(rivals: pd.DataFrame) -> str:
    told = []
    for verdict in ("better", "no better", "worse"):
        if names := [f"the {rule}" for rule in rivals.loc[rivals["verdict"] == verdict, "rule"]]:
            told.append(f"{verdict} than {listed(names)}")
    return f"Day by day the forecast is {', '.join(told)}."
