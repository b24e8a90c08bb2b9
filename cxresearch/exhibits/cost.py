"""Exhibits from the wait to the bill: what a reply costs by when it comes and how good it is, and what to measure first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import pandas as pd

from cxresearch import figures, impact
from cxresearch.exhibits.exhibit import Exhibit, nothing
from cxresearch.exhibits.talk import in_words, said
from cxresearch.style import format_duration, format_interval, format_value, phrase

_INDICES = ("first_order", "first_order_error", "total", "total_error")
_MEASURED = {
    "heard": ("the number of people who hear", "People who hear"),
    "money_lost": ("the money lost", "Money lost"),
}
_FEW, _MORE = 7, 10  # assumptions in the figure and in the table


def cost_by_reply_time(
    costs: pd.DataFrame,
    values: Mapping[str, float],
    *,
    contacts: float,
    currency: str,
    seen: Mapping[str, float] | None = None,
) -> Exhibit:
    """What contacts cost by when they are answered, and never (``impact.impact_table`` of ``reply_scenarios``).

    ``seen``: of a period of one's own log ``contacts``, ``customers`` (different ones), ``frequent`` (of these, with several
    contacts) and ``seen_again`` (share of the frequent with a contact in the period after). A bill that loses more customers
    than that log can hold, at the reply that loses fewest, is refused. Raises ValueError where one of the four is missing.
    """
    answered = costs[costs["reply_s"] < math.inf].sort_values("reply_s")
    if answered.empty:
        return nothing(phrase("No time of reply is named, so there is nothing to compare"))
    if seen and (refusal := _contradicted(answered, contacts, seen)):
        return nothing(refusal)
    number, fast, slow = format_value(contacts, "count"), answered.iloc[0], answered.iloc[-1]
    never = costs.loc[costs["reply_s"] == math.inf, "heard"].iloc[0]
    shown = ["scenario", "complaints_waiting", "complaints_after_reply", "heard", "customers_lost", "prospects_lost",
             "prospects_won", "money_lost"]  # fmt: skip
    return Exhibit(
        finding=phrase(
            "{n} contacts answered after {fast} are heard of by {soon} people, after {slow} by {late}, never answered by {never}",
            n=number,
            fast=fast["scenario"],
            soon=format_value(fast["heard"]),
            slow=slow["scenario"],
            late=format_value(slow["heard"]),
            never=format_value(never),
        ),
        subtitle=phrase(
            "Per {n} contacts, by when the reply comes; {share} of replies do not help",
            n=number,
            share=format_value(values["unhelpful_share"], "share"),
        ),
        description=in_words(_said(costs, "scenario"), label="scenario", value="heard"),
        caption=phrase(
            "Per {n} contacts; money ({currency}) is what the firm loses, much of it to competitors",
            n=number,
            currency=currency,
        ),
        kind="assumed",
        table=costs,
        shown=costs[shown],
        draw=partial(
            figures.plot_amounts,
            _said(costs, "scenario").rename(columns={"scenario": "label"}),
            value="heard",
            measure=phrase("People who hear of a complaint"),
        ),
    )


def _contradicted(answered: pd.DataFrame, contacts: float, seen: Mapping[str, float]) -> str:
    needed = ["contacts", "customers", "frequent", "seen_again"]
    if missing := [name for name in needed if name not in seen]:
        raise ValueError(f"of a log {', '.join(needed)} are needed; missing: {', '.join(missing)}.")
    least = answered.loc[answered["customers_lost"].idxmin()]
    lost = float(least["customers_lost"]) / contacts * seen["contacts"]
    why = impact.contradicted_by_log(lost, **{name: seen[name] for name in needed[1:]})
    if not why:
        return ""
    return phrase("The log speaks against this bill: answered after {time}, {why}", time=least["scenario"], why=why)


def complaints_set_off(costs: pd.DataFrame) -> Exhibit:
    """What sets off the complaints of the fastest scenario (``impact.impact_table``): the wait, or replies of no help."""
    row = costs.sort_values("reply_s").iloc[0]
    complaints = row["complaints_waiting"] + row["complaints_after_reply"]
    if not complaints > 0:
        return said(phrase("Nobody complains, so neither speed nor help can change anything."), costs)
    share = row["complaints_after_reply"] / complaints
    return said(
        phrase(
            "Answered after {time}, {reply} of the complaints are set off by a reply that does not help, and {wait} by the wait.",
            time=row["scenario"],
            reply=format_value(share, "share"),
            wait=format_value(1 - share, "share"),
        ),
        costs,
    )


def promise_on_average(promise: pd.DataFrame, values: Mapping[str, float]) -> Exhibit:
    """A mean is no promise: replies that take the promised time against replies that do on average (``promise_table``)."""
    fixed, random = promise.set_index("reply").loc[["just in time", "on average"], "complaint_share"]
    if not fixed > 0:
        return nothing(phrase("Without a complaint before the promise there is nothing to compare"))
    within = format_duration(3_600 * values["promised_h"])
    faster = values["complaint_hazard_after_per_h"] / values["complaint_hazard_before_per_h"]
    finding = phrase(
        "A reply within {time} is not a reply in {time} on average: the second brings {times} times as many complaints",
        time=within, times=format_value(random / fixed),
    )  # fmt: skip
    says = [
        phrase(
            "If every contact is answered just in time, {share} have become complaints.", share=format_value(fixed, "share")
        ),
        phrase(
            "If the mean is the same and times are as uneven as chance makes them, {share} have.",
            share=format_value(random, "share"),
        ),
        phrase(
            "Many replies come after the promise, and there complaints are begun {times} times as fast.",
            times=format_value(faster),
        ),
    ]  # fmt: skip
    return Exhibit(
        finding=finding,
        table=promise,
        shown=promise.head(0),
        kind="assumed",
        says=f"## {finding}\n\n{' '.join(says)}",
    )


def unhelpful_against_none(quality: pd.DataFrame, *, contacts: float, currency: str) -> Exhibit:
    """Replies by quality against silence, by when they come (``impact.quality_table``); the middle time leads."""
    number, times = format_value(contacts, "count"), sorted(quality["reply_s"].unique())
    middle = quality[quality["reply_s"] == times[len(times) // 2]]
    shown = ["label", "reply", "complaints_waiting", "heard", "heard_praise", "customers_lost", "money_lost"]
    return Exhibit(
        finding=_quality_finding(middle),
        subtitle=phrase("Every contact answered well, every one badly, or none at all, by when the reply comes"),
        description=in_words(_said(middle, "reply"), label="reply", value="money_lost"),
        caption=phrase("Per {n} contacts, by the quality of the reply; no reply is the same at any time", n=number),
        kind="assumed",
        table=quality,
        shown=quality[shown],
        draw=partial(
            figures.plot_amounts,
            _said(quality, "reply"),
            value="money_lost",
            by="reply",
            measure=phrase("{currency} lost per {n} contacts", currency=currency, n=number),
        ),
    )


def complaint_fates(fates: pd.DataFrame) -> Exhibit:
    """What becomes of complaints online, by how many are answered (``impact.fate_table``)."""
    unstated = fates.iloc[0]
    return Exhibit(
        finding=phrase(
            "With {answered} answered the survey leaves open what {share} do",
            answered=str(unstated["answered"]),
            share=format_value(unstated["not_stated"], "share"),
        ),
        table=fates,
        kind="assumed",
        caption=phrase(
            "What becomes of complaints online, by how many are answered; shares of those who complain online"
        ),
        units=dict.fromkeys(("helped", "other_channel", "forgets", "not_stated"), "share"),
    )


def worth_measuring_first(
    indices: pd.DataFrame, outcome: str, *, late_s: float, effects: pd.DataFrame | None = None
) -> Exhibit:
    """Which assumption leaves an outcome most uncertain (``impact.sobol_table``), for replies after ``late_s`` seconds.

    Two are named together where the interval of the first reaches down to the second. ``effects`` (``impact.morris_table``)
    adds how far the outcome moves over a whole range.
    """
    rows = indices[indices["outcome"] == outcome].sort_values("total", ascending=False, kind="stable")
    if rows.empty:
        return nothing(phrase("What leaves {outcome} uncertain was not worked out", outcome=outcome))
    what, caption = map(phrase, _MEASURED[outcome])
    first, after = rows.iloc[0], rows.iloc[1:2]
    tied = (first["total"] - first["total_error"] < after["total"] + after["total_error"]).any()
    if effects is not None:
        rows = rows.merge(effects[["outcome", "name", "effect", "mean_effect"]], on=["outcome", "name"])
        caption = phrase(
            "{what}: the ten that matter most; effect: mean change over a whole range, per contact (Morris)",
            what=caption,
        )
    else:
        caption = phrase("{what}: the ten assumptions that matter most", what=caption)
    return Exhibit(
        finding=phrase(
            "Measure first: {first}, and {second}", first=phrase(first["label"]), second=phrase(after["label"].iloc[0])
        )
        if tied
        else phrase("Measure first: {inputs}", inputs=phrase(first["label"])),
        subtitle=phrase(
            "What leaves {what} uncertain (Sobol indices); every contact answered after {time}; {n} sets of assumptions",
            what=what,
            time=format_duration(late_s),
            n=format_value(indices.attrs["evaluations"], "count"),
        ),
        description=in_words(_said(rows.head(_FEW), "label"), label="label", value="total", unit="share"),
        caption=caption,
        kind="assumed",
        table=rows,
        shown=rows.head(_MORE).drop(columns=["outcome", "name"]),
        units=dict.fromkeys(_INDICES, "share"),
        draw=partial(figures.plot_indices, _said(rows.head(_FEW), "label")),
    )


def talk_range(spans: pd.DataFrame, *, contacts: float, currency: str, late_s: float) -> Exhibit:
    """What the ranges of the assumptions leave open of those who hear and of the money lost (``impact.range_table``).

    The range stands first: no data stand behind the value. Neither is a headline.
    """
    case = phrase(
        "per {n} contacts answered after {time}", n=format_value(contacts, "count"), time=format_duration(late_s)
    )
    rows = spans.set_index("outcome")[["lower", "upper", "value"]] * contacts
    told = {
        "heard": (phrase("people who hear of a complaint"), phrase("people")),
        "money_lost": (phrase("money lost"), currency),
    }
    lower, upper = rows.loc["heard", ["lower", "upper"]]
    table = pd.DataFrame([
        {
            "what": f"{label}, {case}", "range": format_interval(rows.loc[name, "lower"], rows.loc[name, "upper"], unit),
            "all_at_their_values": format_value(rows.loc[name, "value"], unit),
        }
        for name, (label, unit) in told.items()
    ])  # fmt: skip
    hear = format_interval(lower, upper, phrase("people"))
    finding = phrase("Assumed, not measured: {people} hear, {case}", people=hear, case=case)
    middle = phrase(
        "That is as far as the ranges of the assumptions reach; with every assumption at its value it is {value}.",
        value=format_value(rows.loc["heard", "value"]),
    )  # fmt: skip
    return Exhibit(
        finding=finding, table=table, kind="assumed", says=f"{finding}. {middle}",
        caption=phrase("What the ranges of the assumptions leave open"), units={"range": "text", "all_at_their_values": "text"},
    )  # fmt: skip


def register_of_assumptions(register: pd.DataFrame) -> Exhibit:
    """The whole register (``impact.load_assumptions``), as a reader replaces it."""
    assumed = format_value(int((register["kind"] == "assumed").sum()))
    return Exhibit(
        finding=phrase("{n} of {all} numbers are assumed", n=assumed, all=format_value(len(register))),
        table=register,
        shown=register[["label", "value", "low", "high", "unit", "kind", "source", "how_to_measure"]],
        caption=phrase("The register of assumptions: value, range, origin, and how to measure it"),
        kind="assumed",
    )


def _said(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The table with the texts of one column in the language of the report."""
    return table.assign(**{name: table[name].map(phrase)})


def _quality_finding(middle: pd.DataFrame) -> str:
    cost, when = middle.set_index("reply")["money_lost"], middle["label"].iloc[0]
    if not cost["none"] > 0:
        return phrase("Where silence costs nothing there is nothing to compare")
    told = {"time": when, "times": format_value(cost["unhelpful"] / cost["none"])}
    if cost["helpful"] <= 0:
        return phrase(
            "After {time} an unhelpful reply costs {times} times what silence costs, a helpful one nothing", **told
        )
    return phrase(
        "After {time} an unhelpful reply costs {times} times what silence costs, a helpful one {share} of it", **told,
        share=format_value(cost["helpful"] / cost["none"], "share"),
    )  # fmt: skip
