"""What a period cost in contacts, and whether those who were lost come back, said with what is not known."""

from __future__ import annotations

import math

import pandas as pd

from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.exhibits.ranking import listed
from cxresearch.style import format_interval, format_value, phrase

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
            finding=phrase("Nobody of the {asked} who asked left without an answer", asked=asked),
            table=table,
            shown=table.head(0),
            kind=kind,
        )
    left, share, queued = (rows[name, ""] for name in ("left", "lost_share", "abandonment_share"))
    finding = phrase(
        "{n} contacts left without an answer: {asked} of all who asked, {queued} of those who queued",
        n=format_value(left.estimate, "count"), asked=_told(share), queued=_told(queued),
    )  # fmt: skip
    said = [f"### {finding}", _followed(rows, table.attrs), _lost(rows, table.attrs), _redials(rows)]
    shown = pd.DataFrame([
        {
            "figure": phrase(_LABELS[row.measure]).format(after=phrase(_TIMES.get(row.after, ""))), "of": row.of, "contacts": row.contacts,
            "value": format_value(row.estimate, row.unit if row.unit == "share" else "count"), "interval": _between(row),
        }
        for row in table.itertuples(index=False) if math.isfinite(row.estimate)
    ])  # fmt: skip
    return Exhibit(
        finding=finding, table=table, shown=shown, kind=kind, says="\n\n".join(filter(None, said)),
        caption=phrase("What became of those who left, {place}", place=place), units={"value": "text", "interval": "text"},
    )  # fmt: skip


def coming_back(table: pd.DataFrame, *, kind: str = "estimated") -> Exhibit:
    """Whether customers whose first contact was lost are seen less in the next period (``decisions.coming_back``)."""
    told, rows = table.attrs, table.set_index("comparison")
    row = rows.loc["matched"]
    clear = not row["lower"] <= 0 <= row["upper"] and not math.isnan(row["lower"])
    spans = {"before": told["before"], "now": told["now"]}
    if not clear:
        finding = phrase(
            "Customers whose first contact of {before} was lost cannot be told from others in coming back in {now}",
            **spans,
        )
    elif row["difference"] < 0:
        finding = phrase("Customers whose first contact of {before} was lost are seen less often in {now}", **spans)
    else:
        finding = phrase("Customers whose first contact of {before} was lost are seen more often in {now}", **spans)
    says = [
        phrase(
            "{back} of {n} are seen in {now}.", back=format_value(row["left_back"], "share"),
            n=format_value(int(row["left"]), "count"), now=told["now"],
        ),
        phrase(
            "Of those answered in the same queue, part of the week and three hours of the day {back} are.",
            back=format_value(row["answered_back"], "share"),
        ),
        _difference(row), phrase(told["assumes"]),
        phrase("Counted are customers with a number, each by the first contact that queued."),
        phrase(
            "{share} of all numbers of {before} are seen again.", share=format_value(told["overlap"], "share"),
            before=told["before"],
        ),
    ]  # fmt: skip
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
        says=f"### {finding}\n\n{' '.join(says)}",
        units=units,
        caption=phrase("Customers of {before} who are seen in {now}", **spans),
    )


def _followed(rows: dict, told: dict) -> str:
    known, soon, day, week = (
        rows[key] for key in (("left_known", ""), ("again", "1 h"), ("answered", "24 h"), ("answered", "7 d"))
    )
    if not soon.contacts:
        return phrase("Of nobody who left is a customer known, so nothing can be said of what became of them.")
    parts = [phrase("{share} asked again within the hour", share=_told(soon))] + [
        phrase("{share} were answered within {time}", share=_told(row), time=phrase(_TIMES[row.after]))
        for row in (day, week) if row.contacts
    ]  # fmt: skip
    said = [
        phrase("Of those who left {share} have a known customer.", share=format_value(known.estimate, "share")),
        phrase("Of these, as far as the log goes on, {parts}.", parts=", ".join(parts)),
    ]
    at_once, queued = rows["visible_at_once", ""], rows["visible_queued", ""]
    hidden = []
    if at_once.contacts and at_once.estimate < 1:
        share = format_value(at_once.estimate, "share")
        hidden.append(phrase("of answers at once {share} show their customer", share=share))
    if queued.contacts and queued.estimate < 1:
        share = format_value(queued.estimate, "share")
        hidden.append(phrase("of answers after a queue {share} show their customer", share=share))
    if hidden:
        said.append(phrase(
            "These are at least so many: {hidden}, and an answer without one is not seen.", hidden=listed(hidden)
        ))  # fmt: skip
    return " ".join(said)


def _lost(rows: dict, told: dict) -> str:
    after = told["lost_after"]
    if not after:
        return phrase("Who was lost for good is not said: too few of those who left can be followed for a day.")
    low, record, high = (rows[name, after] for name in ("lost_low", "lost_on_record", "lost_high"))
    customers = rows["customers_on_record", after]
    least, on_record, most = (round(row.estimate) for row in (low, record, high))
    known = phrase(
        "{n} contacts{interval} of {customers} different known customers", n=format_value(on_record, "count"),
        interval=_in_brackets(record), customers=format_value(round(customers.estimate), "count"),
    )  # fmt: skip
    time = phrase(_TIMES[after])
    if least == most:
        return phrase(
            "Lost for good, that is not answered within {time}: {known}. All who left have a number.",
            time=time,
            known=known,
        )
    ends = []
    if most > on_record:
        unknown = format_value(told["unknown"], "count")
        ends.append(phrase("the upper end counts all {n} who left without a number as lost", n=unknown))
    if least < on_record:
        ends.append(phrase("the lower end takes as answered whoever may have been answered unseen"))
    told = {"time": time, "most": format_value(most, "count"), "known": known, "ends": ", ".join(ends)}
    if not least:
        return phrase(
            "Lost for good, that is not answered within {time}: between none and {most} contacts. On the record it is {known}; {ends}.",
            **told,
        )  # fmt: skip
    return phrase(
        "Lost for good, that is not answered within {time}: between {least} and {most} contacts. On the record it is {known}; {ends}.",
        **told, least=format_value(least, "count"),
    )  # fmt: skip


def _redials(rows: dict) -> str:
    low, high = (rows[name, "1 h"] for name in ("redials_low", "redials_high"))
    if not math.isfinite(high.estimate):
        return ""
    said = [
        phrase(
            "It is so if the loss makes them ask again within the hour more often than those who were answered (ASSUMED)."
        )
    ]
    if low.estimate == high.estimate:
        span = format_value(high.estimate, "share")
    else:
        span = format_interval(low.estimate, high.estimate, "share")
        said.append(phrase("Those without a number do so never, or as the known."))
    return " ".join([phrase("Load of its own making: {span} of all who asked.", span=span), *said])


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
        return phrase("The difference is {value} (too few days for an interval).", value=value)
    between = format_interval(row["lower"], row["upper"], "points")
    if row["lower"] <= 0 <= row["upper"]:
        return phrase("The difference is {value} ({interval}), which can be none.", value=value, interval=between)
    return phrase("The difference is {value} ({interval}).", value=value, interval=between)
