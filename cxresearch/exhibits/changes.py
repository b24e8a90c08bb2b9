"""How the headlines moved since the period before, in a table and in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxresearch.exhibits.by_day import DAY_NAMES, Part, compared, days_of
from cxresearch.exhibits.ranking import opening
from cxresearch.risk_table import equal_weekdays, holm
from cxresearch.style import format_interval, format_value, phrase

COLUMNS = ["name", "label", "value", "lower", "upper", "unit", "kind", "better", "n", "base", "note"]
NOT_KNOWN = "not known in the period before"
NOT_TOLD, NOTHING = "not distinguishable from no change", "nothing to compare"
COUNTED = {
    "contacts": "periods differ in days: contacts per open day are compared",
    "tickets": "periods differ in days: tickets per day are compared",
    "backlog": "",  # its note says that it is the count of one moment
}
# Tested by itself, one in a report; the other verdicts are corrected for their number.
ALONE = ("lost_share", "unanswered_after_promise_share")
LEVEL = 0.05
FEWEST_DAYS = 5  # in each of two periods: with fewer, their spread cannot be told
_CHANGE = ["difference", "difference_lower", "difference_upper", "difference_se", "df", "p_value"]
_LEADS = {
    "lost_share": {1: "A larger share was lost.", -1: "A smaller share was lost.", 0: "Contacts lost."},
    "abandonment_share": {1: "A larger share of those who queued gave up.", -1: "A smaller share of those who queued gave up.",
                          0: "Giving up in the queue."},
    "mean_wait_s": {1: "The queue was slower.", -1: "The queue was faster.", 0: "The queue."},
    "patience_survival_60s": {1: "People were more patient.", -1: "People were less patient.", 0: "Patience."},
    "contacts_per_day": {1: "More contacts came a day.", -1: "Fewer contacts came a day.", 0: "Contacts."},
    "unanswered_after_promise_share": {1: "A larger share was answered late.", -1: "A smaller share was answered late.", 0: "Late answers."},
    "median_first_answer_s": {1: "First answers came later.", -1: "First answers came sooner.", 0: "First answers."},
    "asked_again_share": {1: "A larger share asked again.", -1: "A smaller share asked again.", 0: "Asking again."},
    "tickets_per_day": {1: "More tickets came a day.", -1: "Fewer tickets came a day.", 0: "Tickets."},
}  # fmt: skip

_VALUES = {
    "lost_share": "{value} of all who asked gave up",
    "abandonment_share": "{value} of those who queued gave up",
    "mean_wait_s": "The mean wait of those who queued was {value}",
    "patience_survival_60s": "{value} of those who queue would still wait after a minute",
    "contacts_per_day": "{value} contacts came per open day",
    "unanswered_after_promise_share": "{value} of the tickets were {label}",
    "median_first_answer_s": "Half of the tickets had a first answer within {value}",
    "asked_again_share": "After {value} of the tickets whose customer is known the customer asked again before an answer came",
    "tickets_per_day": "{value} tickets came per day with any",
}


def change_table(now: pd.DataFrame, before: pd.DataFrame | None) -> pd.DataFrame:
    """``now`` with what changed since ``before``, from the days of both (``attrs["days"]`` of two headline tables).

    The difference is taken at equal weekdays: of each weekday that both periods have, as many days as on average; the
    others are left out, and ``note`` says so. Its interval and p value take the day as the unit, with weekday and period
    taken out and neighbouring days hanging together (``risk_table.DayClusters``).

    Returns
    -------
    The columns of ``now`` and ``previous`` (the whole period before), ``difference, difference_lower, difference_upper,
    difference_se, df, p_value, verdict``. ``verdict`` is ``rose``, ``fell``, ``not distinguishable from no change``, or
    ``nothing to compare``, where ``note`` says why. ``lost_share``, of tickets
    ``unanswered_after_promise_share``, is tested alone at 5 %; the others so that all their
    verdicts together are wrong in at most 5 % of reports in which nothing changed (Holm). ``p_value`` and the interval
    are those of the one headline. ``now.attrs["apart"]`` says of headlines that ``before`` leaves out why they were another
    number then. A count has no exposure and no verdict: ``contacts_per_day`` and ``tickets_per_day`` have.
    """
    moved = now.copy()
    moved.attrs = {}
    earlier = (before if before is not None else now.iloc[:0]).set_index("name")
    moved["previous"] = moved["name"].map(earlier["value"]).astype(float)
    moved["note"] = moved["note"].fillna("") if "note" in moved else ""
    told, why, left_out = _differences(now.attrs.get("days"), None if before is None else before.attrs.get("days"))
    for column in _CHANGE:
        moved[column] = [
            told[name][column] if name in told and known else math.nan
            for name, known in zip(moved["name"], moved[["value", "previous"]].notna().all(axis=1), strict=True)
        ]
    tested = moved["p_value"].notna()
    alone = moved["name"].isin(ALONE)
    corrected = moved["p_value"].where(alone, holm(moved["p_value"].mask(alone)))
    clear = corrected < LEVEL
    moved["verdict"] = NOTHING
    moved.loc[tested, "verdict"] = NOT_TOLD
    moved.loc[clear, "verdict"] = np.where(moved.loc[clear, "difference"] > 0, "rose", "fell")
    if before is not None:
        reason = pd.Series(why or phrase("no spread between days to go by"), index=moved.index)
        reason = reason.mask(moved["previous"].isna(), phrase(NOT_KNOWN))
        counted = {name: phrase(said) for name, said in COUNTED.items()}
        reason = moved["name"].map(counted | now.attrs.get("apart", {})).fillna(reason)
        says = reason.where(~tested, left_out)
        moved["note"] = [_joined(note, more) for note, more in zip(moved["note"], says, strict=True)]
    return moved


def _differences(now: Any, before: Any) -> tuple[dict[str, dict[str, float]], str, str]:
    """The change of every headline that can be told, why none can be, and which weekdays were left out."""
    mine, theirs = days_of(now), days_of(before)
    if mine is None or theirs is None:
        return {}, phrase("the days of both periods are not known"), ""
    if np.isin(mine.day, theirs.day).any():
        return {}, phrase("the two periods share days"), ""
    weight, weight_before, alone = equal_weekdays(mine.weekday, theirs.weekday)
    only = ""
    if alone:
        names = ", ".join(phrase(DAY_NAMES[day - 1]) for day in alone)
        only = phrase("left out of the change, as only one of the periods has them: {names}", names=names)
    if min((weight > 0).sum(), (weight_before > 0).sum()) < FEWEST_DAYS:
        few = phrase("fewer than {n} days of the same weekdays in one of the periods", n=str(FEWEST_DAYS))
        return {}, few, only
    parts = [Part(mine, weight, 1), Part(theirs, weight_before, -1)]
    told = {}
    for name, one in compared(parts, linked=False).items():
        difference, clusters = one.estimates[0] - one.estimates[1], one.clusters
        if not (clusters.df >= 2 and clusters.variance(one.days) > 0):
            continue
        half = clusters.half_width(one.days)
        found = (difference, difference - half, difference + half, math.sqrt(clusters.variance(one.days)), clusters.df,
                 clusters.p_value(difference, one.days))  # fmt: skip
        told[name] = dict(zip(_CHANGE, found, strict=True))
    return told, "", only


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def change_record(row: dict[str, Any], previous_label: str) -> dict[str, Any] | None:
    """One row of a change table as it stands in headlines.json; None when there was nothing to compare."""
    if row["verdict"] == NOTHING:
        return None
    return {
        "difference": row["difference"], "lower": row["difference_lower"], "upper": row["difference_upper"],
        "previous": row["previous"], "distinguishable": row["verdict"] in ("rose", "fell"),
        "previous_period_label": previous_label,
    }  # fmt: skip


def change_points(moved: pd.DataFrame, before: str) -> list[tuple[str, str]]:
    """The changes as main points (lead, sentence): what happened, value, change with its interval.

    ``moved`` is a :func:`change_table`, ``before`` names the period before. A change that cannot be told from chance is
    said so and leads with no direction. The share lost of all who asked comes first.
    """
    rows = moved.set_index("name")
    points = []
    for name in _LEADS:
        if name not in rows.index or math.isnan(rows.loc[name, "value"]):
            continue
        row = rows.loc[name]
        said = f"{_value(row, name)}{_change(row, before)}"
        points.append((phrase(_LEADS[name][_direction(row)]), f"{opening(said)}."))
    return points


def main_changes(moved: pd.DataFrame, before: str) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """The changes as main points: those of :func:`change_points`, and last what cannot be told.

    Where several headlines beside the one judged alone have no change that can be told, one point says all of them; so does
    one of those that have nothing to compare with.
    """
    told = moved[moved["name"].isin(_LEADS) & moved["value"].notna()].set_index("name", drop=False)
    names = [name for name in _LEADS if name in told.index and name not in ALONE]
    unclear = [name for name in names if told.loc[name, "verdict"] == NOT_TOLD]
    untold = {name: _change(told.loc[name], before) for name in names if told.loc[name, "verdict"] == NOTHING}
    # One that says why it is another number than before stands by itself.
    alike = max(untold.values(), key=list(untold.values()).count, default="")
    alone = [name for name, why in untold.items() if why == alike]
    last = []
    if len(alone) > 1:
        said = "; ".join(_begun(_value(told.loc[name], name)) for name in alone)
        last.append((phrase("The other headlines stand alone."), f"{opening(said)}{alike}."))
    if len(unclear) > 1:
        said = "; ".join(f"{_begun(_value(told.loc[name], name))} ({_between(told.loc[name])})" for name in unclear)
        lead = phrase("{n} other changes cannot be told from no change.", n=str(len(unclear)))
        last.append(
            (lead, phrase("With the 95 % interval of the change since {before}: {said}.", before=before, said=said))
        )
    merged = [*(alone if len(alone) > 1 else []), *(unclear if len(unclear) > 1 else [])]
    return change_points(moved[~moved["name"].isin(merged)], before), last


def _begun(sentence: str) -> str:
    return f"{sentence[:1].lower()}{sentence[1:]}"


def _between(row: pd.Series) -> str:
    lower, upper = row["difference_lower"], row["difference_upper"]
    between = format_interval(lower, upper, "points" if row["unit"] == "share" else row["unit"])
    return phrase("{interval}, among several", interval=between) if lower * upper > 0 else between


def change_text(moved: pd.DataFrame) -> pd.DataFrame:
    """A change table as people read it: each number in its own unit (``headline, value, interval, before, change``)."""
    rows = []
    for row in moved.to_dict("records"):
        unit, points = row["unit"], "points" if row["unit"] == "share" else row["unit"]
        known = row["verdict"] != NOTHING
        rows.append({
            "headline": row["label"], "value": format_value(row["value"], unit),
            "interval": phrase("counted") if row["lower"] == row["upper"] else format_interval(row["lower"], row["upper"], unit),
            "before": phrase("not known") if math.isnan(row["previous"]) else format_value(row["previous"], unit),
            "change": format_value(row["difference"], points) if known else phrase("not known"),
            "interval_of_change": format_interval(row["difference_lower"], row["difference_upper"], points)
            if known else phrase("not known"),
            "verdict": row["verdict"],
        })  # fmt: skip
    return pd.DataFrame(rows)


def _direction(row: pd.Series) -> int:
    return {"rose": 1, "fell": -1}.get(row["verdict"], 0)


def _value(row: pd.Series, name: str) -> str:
    value, label = format_value(row["value"], row["unit"]), f"{row['label'][:1].lower()}{row['label'][1:]}"
    return phrase(_VALUES[name]).format(value=value, label=label)


def _change(row: pd.Series, before: str) -> str:
    if row["verdict"] == NOTHING and math.isnan(row["previous"]):
        if row["note"] in ("", phrase(NOT_KNOWN)):
            return phrase("; there is nothing of {before} to compare with", before=before)
        return phrase("; there is nothing of {before} to compare with ({why})", before=before, why=row["note"])
    if row["verdict"] == NOTHING:
        return phrase("; whether it changed from {before} cannot be told", before=before)
    unit = "points" if row["unit"] == "share" else row["unit"]
    if row["verdict"] != NOT_TOLD:
        return since(row, before, unit)
    lower, upper = row["difference_lower"], row["difference_upper"]
    between = format_interval(lower, upper, unit)
    # An interval of its own that leaves out zero is no finding where several were looked at.
    if lower * upper > 0:
        return phrase(
            "; against {before} not distinguishable from no change among several (95 % interval of the change {interval})",
            before=before, interval=between,
        )  # fmt: skip
    return phrase(
        "; against {before} not distinguishable from no change (95 % interval of the change {interval}; a change of {seen} would have been seen)",
        before=before, interval=between, seen=format_value((upper - lower) / 2, unit),
    )  # fmt: skip


def since(row: Mapping[str, Any] | pd.Series, before: str, unit: str) -> str:
    """What is said behind a value that moved: ", up 3.4 points from January 1999 at equal weekdays (...)"."""
    size = format_value(abs(row["difference"]), unit)
    least, most = sorted((abs(row["difference_lower"]), abs(row["difference_upper"])))
    between = format_interval(least, most, unit)
    if row["difference"] > 0:
        return phrase(
            ", up {size} from {before} at equal weekdays (95 % interval {interval})",
            size=size, before=before, interval=between,
        )  # fmt: skip
    return phrase(
        ", down {size} from {before} at equal weekdays (95 % interval {interval})",
        size=size, before=before, interval=between,
    )  # fmt: skip
