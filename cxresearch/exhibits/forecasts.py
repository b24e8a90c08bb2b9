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
from cxresearch.style import format_interval, format_value, phrase

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
    told = {"inside": str(inside), "days": str(n), "before": before}
    finding = phrase("{inside} of {days} days lay inside the 80 % interval that {before} gave", **told)
    rivals = scores[(scores["counted_by"] == "day") & (scores["rule"] != "forecast")]
    how = phrase("The skill is what the forecast saves of a rule's pinball loss; its interval takes weeks as the unit.")
    if unsaid:
        lacking = phrase(
            "Of {days} more days nothing was said: {before} had none of their weekday.", days=unsaid, before=before
        )
        how = f"{how} {lacking}"
    figure = Exhibit(
        finding=_beside(rivals, told), table=days, kind=kind, draw=partial(figures.plot_forecast, days, missing=missing),
        subtitle=phrase(
            "Contacts a day, {place}: the 80 % interval and its middle, and what came (hollow: outside)", place=place
        ),
        shown=days[["day", "expected", "lower", "upper", "contacts", "inside"]], caption=phrase("Contacts a day, said and come"),
        units={"expected": "count", "contacts": "count"},
        description=phrase(
            "{finding}; {share} inside the 95 % interval.", finding=finding, share=format_value(days["inside_95"].mean(), "share")
        ),
    )  # fmt: skip
    table = scores[_SCORES]
    beside = Exhibit(
        finding=_verdicts(rivals), table=table, kind=kind, units={"scored": "count"},
        says=f"{_verdicts(rivals)} {how}",
        caption=phrase("The forecast beside rules that need no model, {place}", place=place),
    )  # fmt: skip
    return Exhibits([figure, beside])


def expected_next(week: pd.DataFrame, *, now: str, kind: str = "estimated") -> Exhibit:
    """What is expected of each weekday after the period (``queueing.arrivals_ahead`` of seven days in a row)."""
    table = week.sort_values("weekday").drop(columns="day")
    table["weekday"] = [WEEKDAYS[number - 1] for number in table["weekday"]]
    most = table.loc[table["expected"].idxmax()]
    return Exhibit(
        finding=phrase(
            "After {now}, {contacts} contacts are expected on a {weekday} ({interval}, 80 %)",
            now=now, contacts=format_value(most["expected"], "contacts"), weekday=phrase(most["weekday"]),
            interval=format_interval(most["lower"], most["upper"], "contacts"),
        ),
        table=table.reset_index(drop=True), kind=kind, caption=phrase("Contacts expected on a weekday after {now}", now=now),
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
        return nothing(phrase("{before} has too few days to say what to expect of a headline", before=opening(before)))
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
            "inside": format_value(bool(row["inside"])),
        }
        for row in ahead.to_dict("records")
    ]
    finding = phrase(
        "{inside} of {all} headlines lay inside the 80 % interval that {before} gave",
        inside=counted(inside), all=counted(n).lower(), before=before,
    )  # fmt: skip
    told = {"closer": counted(closer).lower(), "farther": counted(farther).lower()}
    beside = phrase(
        "Taken at the weekdays of this period it came closer than the earlier value unchanged for {closer} and less close for "
        "{farther}: no better than the earlier value unchanged.", **told,
    )  # fmt: skip
    if closer > farther:
        beside = phrase(
            "Taken at the weekdays of this period it came closer than the earlier value unchanged for {closer} and less close "
            "for {farther}.", **told,
        )  # fmt: skip
    if not (closer or farther):
        beside = phrase("The weekdays are the same, so it is the earlier value unchanged.")
    shared = phrase("Headlines share their days, so these are not so many separate tries.")
    return Exhibit(
        finding=finding, table=ahead, shown=pd.DataFrame(as_text), kind=kind,
        says=f"{finding}. {beside} {shared}", caption=phrase("The headlines, said and come, {place}", place=place),
    )  # fmt: skip


def _beside(rivals: pd.DataFrame, told: dict[str, str]) -> str:
    """How many days lay inside, and its score against the rule that did best."""
    best = rivals.loc[rivals["pinball"].idxmin()]
    said = {**told, "rule": phrase(best["rule"])}
    if best["verdict"] == "better":
        return phrase(
            "{inside} of {days} days lay inside the 80 % interval that {before} gave, better than the {rule}", **said
        )
    if best["verdict"] == "worse":
        return phrase(
            "{inside} of {days} days lay inside the 80 % interval that {before} gave, worse than the {rule}", **said
        )
    return phrase(
        "{inside} of {days} days lay inside the 80 % interval that {before} gave, no better than the {rule}", **said
    )


def _verdicts(rivals: pd.DataFrame) -> str:
    told = []
    for verdict, than in (
        ("better", "better than {rules}"), ("no better", "no better than {rules}"), ("worse", "worse than {rules}"),
    ):  # fmt: skip
        if names := [
            phrase("the {rule}", rule=phrase(rule)) for rule in rivals.loc[rivals["verdict"] == verdict, "rule"]
        ]:
            told.append(phrase(than, rules=listed(names)))
    return phrase("Day by day the forecast is {told}.", told=", ".join(told))
