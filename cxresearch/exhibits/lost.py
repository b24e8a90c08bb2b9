"""What a period cost in contacts, and whether those who were lost come back, said with what is not known."""

from __future__ import annotations

import math

import pandas as pd

from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.style import format_interval, format_value

_LABELS = {
    "left": "Left without an answer", "lost_share": "Left without an answer", "abandonment_share": "Left without an answer",
    "left_known": "The customer is known", "again": "Asked again within {after}", "answered": "Answered within {after}",
    "again_after_answer": "Asked again within {after}", "visible_queued": "The customer is known", "visible_at_once": "The customer is known",
    "redials_low": "Asked again because of a loss, at least (ASSUMED cause)", "redials_high": "Asked again because of a loss, at most (ASSUMED cause)",
    "lost_low": "Lost for good, at least", "lost_on_record": "Lost for good, of the known on the record",
    "lost_high": "Lost for good, at most", "customers_low": "Different known customers lost for good, at least",
    "customers_on_record": "Different known customers lost for good, on the record",
}  # fmt: skip
_TIMES = {"10 min": "10 minutes", "1 h": "the hour", "24 h": "24 hours", "7 d": "7 days"}


def period_cost(table: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """Who left, what became of them as far as customers are known, and how many were lost for good
    (``decisions.period_cost``)."""
    rows = {(row.measure, row.after): row for row in table.itertuples(index=False)}
    if not rows["left", ""].estimate:
        asked = format_value(rows["lost_share", ""].contacts, "count")
        return Exhibit(
            finding=f"Nobody of the {asked} who asked left without an answer",
            table=table,
            shown=table.head(0),
            kind=kind,
        )
    left, share, queued = (rows[name, ""] for name in ("left", "lost_share", "abandonment_share"))
    finding = (
        f"{format_value(left.estimate, 'count')} contacts left without an answer: {_told(share)} of all who asked, "
        f"{_told(queued)} of those who queued"
    )
    said = [f"### {finding}", _followed(rows, table.attrs), _lost(rows, table.attrs), _redials(rows)]
    shown = pd.DataFrame([
        {
            "figure": _LABELS[row.measure].format(after=_TIMES.get(row.after, "")), "of": row.of, "contacts": row.contacts,
            "value": format_value(row.estimate, row.unit if row.unit == "share" else "count"), "interval": _between(row),
        }
        for row in table.itertuples(index=False) if math.isfinite(row.estimate)
    ])  # fmt: skip
    return Exhibit(
        finding=finding, table=table, shown=shown, kind=kind, says="\n\n".join(filter(None, said)),
        caption=f"What became of those who left, {place}", units={"value": "text", "interval": "text"},
    )  # fmt: skip


def coming_back(table: pd.DataFrame, *, kind: str = "estimated") -> Exhibit:
    """Whether customers whose first contact was lost are seen less in the next period (``decisions.coming_back``)."""
    told, rows = table.attrs, table.set_index("comparison")
    row = rows.loc["matched"]
    clear = not row["lower"] <= 0 <= row["upper"] and not math.isnan(row["lower"])
    less = "less" if row["difference"] < 0 else "more"
    verdict = f"are seen {less} often" if clear else "cannot be told from others in coming back"
    finding = f"Customers whose first contact of {told['before']} was lost {verdict} in {told['now']}"
    says = (
        f"### {finding}\n\n{format_value(row['left_back'], 'share')} of {format_value(int(row['left']), 'count')} are seen in "
        f"{told['now']}; of those answered in the same queue, part of the week and three hours of the day "
        f"{format_value(row['answered_back'], 'share')}. The difference is {_difference(row)}. {told['assumes']} "
        f"Counted are customers with a number, each by the first contact that queued; {format_value(told['overlap'], 'share')} of all "
        f"numbers of {told['before']} are seen again."
    )
    shown = table.rename(columns={
        "left": "first_contact_lost", "left_back": "of_them_seen_again", "answered": "first_contact_answered",
        "answered_back": "of_those_seen_again",
    })  # fmt: skip
    units = dict.fromkeys(("first_contact_lost", "first_contact_answered"), "count") | dict.fromkeys(
        ("of_them_seen_again", "of_those_seen_again"), "share") | dict.fromkeys(("difference", "lower", "upper"), "points")  # fmt: skip
    return Exhibit(
        finding=finding,
        table=table,
        shown=shown,
        kind=kind,
        says=says,
        units=units,
        caption=f"Customers of {told['before']} who are seen in {told['now']}",
    )


def _followed(rows: dict, told: dict) -> str:
    known, soon, day, week = (
        rows[key] for key in (("left_known", ""), ("again", "1 h"), ("answered", "24 h"), ("answered", "7 d"))
    )
    if not soon.contacts:
        return "Of nobody who left is a customer known, so nothing can be said of what became of them."
    parts = [f"{_told(soon)} asked again within the hour"] + [
        f"{_told(row)} were answered within {_TIMES[row.after]}" for row in (day, week) if row.contacts
    ]
    hidden = [
        f"of answers {when} {format_value(row.estimate, 'share')} show their customer"
        for row, when in ((rows["visible_at_once", ""], "at once"), (rows["visible_queued", ""], "after a queue"))
        if row.contacts and row.estimate < 1
    ]
    least = (
        f" These are at least so many: {' and '.join(hidden)}, and an answer without one is not seen." if hidden else ""
    )
    return (
        f"Of those who left {format_value(known.estimate, 'share')} have a known customer. Of these, as far as the log goes on, "
        f"{', '.join(parts)}.{least}"
    )


def _lost(rows: dict, told: dict) -> str:
    after = told["lost_after"]
    if not after:
        return "Who was lost for good is not said: too few of those who left can be followed for a day."
    low, record, high = (rows[name, after] for name in ("lost_low", "lost_on_record", "lost_high"))
    customers = rows["customers_on_record", after]
    least, on_record, most = (round(row.estimate) for row in (low, record, high))
    known = (
        f"{format_value(on_record, 'count')} contacts{_in_brackets(record)} of "
        f"{format_value(round(customers.estimate), 'count')} different known customers"
    )
    begins = f"Lost for good, that is not answered within {_TIMES[after]}"
    if least == most:
        return f"{begins}: {known}. All who left have a number."
    ends = []
    if most > on_record:
        ends.append(
            f"the upper end counts all {format_value(told['unknown'], 'count')} who left without a number as lost"
        )
    if least < on_record:
        ends.append("the lower end takes as answered whoever may have been answered unseen")
    return (
        f"{begins}: between {format_value(least, 'count') if least else 'none'} and {format_value(most, 'count')} contacts. On the record "
        f"it is {known}; {', '.join(ends)}."
    )


def _redials(rows: dict) -> str:
    low, high = (rows[name, "1 h"] for name in ("redials_low", "redials_high"))
    if not math.isfinite(high.estimate):
        return ""
    span = format_interval(low.estimate, high.estimate, "share")
    unknown = " and those without a number do so never, or as the known"
    if low.estimate == high.estimate:
        span, unknown = format_value(high.estimate, "share"), ""
    return (
        f"Load of its own making: {span} of all who asked, if what they ask again more often within the hour than those who were "
        f"answered comes from the loss (ASSUMED){unknown}."
    )


def _told(row) -> str:  # type: ignore[no-untyped-def]
    return f"{format_value(row.estimate, 'share')}{_in_brackets(row)}"


def _in_brackets(row) -> str:  # type: ignore[no-untyped-def]
    between = _between(row)
    return f" ({between})" if between else ""


def _between(row) -> str:  # type: ignore[no-untyped-def]
    if math.isnan(row.lower) or row.lower == row.upper:
        return ""
    return format_interval(row.lower, row.upper, row.unit if row.unit == "share" else "count")


def _difference(row: pd.Series) -> str:
    value = format_value(row["difference"], "points")
    if math.isnan(row["lower"]):
        return f"{value} (too few days for an interval)"
    clear = not row["lower"] <= 0 <= row["upper"]
    return f"{value} ({format_interval(row['lower'], row['upper'], 'points')}){'' if clear else ', which can be none'}"
