"""Exhibits from the wait to the bill: what a reply costs by when it comes and how good it is, and what to measure first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import pandas as pd

from cxresearch import figures, impact
from cxresearch.exhibits.exhibit import Exhibit, nothing
from cxresearch.exhibits.talk import in_words, said
from cxresearch.style import format_duration, format_interval, format_value

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
        return nothing("No time of reply is named, so there is nothing to compare")
    if seen and (refusal := _contradicted(answered, contacts, seen)):
        return nothing(refusal)
    number, fast, slow = format_value(contacts, "count"), answered.iloc[0], answered.iloc[-1]
    never = costs.loc[costs["reply_s"] == math.inf, "heard"].iloc[0]
    shown = ["scenario", "complaints_waiting", "complaints_after_reply", "heard", "customers_lost", "prospects_lost",
             "prospects_won", "money_lost"]  # fmt: skip
    return Exhibit(
        finding=(
            f"{number} contacts answered after {fast['scenario']} are heard of by {format_value(fast['heard'])} people, after "
            f"{slow['scenario']} by {format_value(slow['heard'])}, never answered by {format_value(never)}"
        ),
        subtitle=(
            f"Per {number} contacts, by when the reply comes; {format_value(values['unhelpful_share'], 'share')} of replies do not help"
        ),
        description=in_words(costs, label="scenario", value="heard"),
        caption=f"Per {number} contacts; money ({currency}) is what the firm loses, much of it to competitors",
        kind="assumed",
        table=costs,
        shown=costs[shown],
        draw=partial(
            figures.plot_amounts,
            costs.rename(columns={"scenario": "label"}),
            value="heard",
            measure="People who hear of a complaint",
        ),
    )


def _contradicted(answered: pd.DataFrame, contacts: float, seen: Mapping[str, float]) -> str:
    needed = ["contacts", "customers", "frequent", "seen_again"]
    if missing := [name for name in needed if name not in seen]:
        raise ValueError(f"of a log {', '.join(needed)} are needed; missing: {', '.join(missing)}.")
    least = answered.loc[answered["customers_lost"].idxmin()]
    lost = float(least["customers_lost"]) / contacts * seen["contacts"]
    why = impact.contradicted_by_log(lost, **{name: seen[name] for name in needed[1:]})
    return f"The log speaks against this bill: answered after {least['scenario']}, {why}" if why else ""


def complaints_set_off(costs: pd.DataFrame) -> Exhibit:
    """What sets off the complaints of the fastest scenario (``impact.impact_table``): the wait, or replies of no help."""
    row = costs.sort_values("reply_s").iloc[0]
    complaints = row["complaints_waiting"] + row["complaints_after_reply"]
    if not complaints > 0:
        return said("Nobody complains, so neither speed nor help can change anything.", costs)
    share = row["complaints_after_reply"] / complaints
    return said(
        f"Answered after {row['scenario']}, {format_value(share, 'share')} of the complaints are set off by a reply that does not help, "
        f"and {format_value(1 - share, 'share')} by the wait.",
        costs,
    )


def promise_on_average(promise: pd.DataFrame, values: Mapping[str, float]) -> Exhibit:
    """A mean is no promise: replies that take the promised time against replies that do on average (``promise_table``)."""
    fixed, random = promise.set_index("reply").loc[["just in time", "on average"], "complaint_share"]
    if not fixed > 0:
        return nothing("Without a complaint before the promise there is nothing to compare")
    within = format_duration(3_600 * values["promised_h"])
    faster = values["complaint_hazard_after_per_h"] / values["complaint_hazard_before_per_h"]
    finding = (
        f"A reply within {within} is not a reply in {within} on average: the second brings {format_value(random / fixed)} times "
        "as many complaints"
    )
    return Exhibit(
        finding=finding,
        table=promise,
        shown=promise.head(0),
        kind="assumed",
        says=(
            f"## {finding}\n\nIf every contact is answered just in time, {format_value(fixed, 'share')} have become complaints. If the "
            f"mean is the same and times are as uneven as chance makes them, {format_value(random, 'share')} have: many replies come "
            f"after the promise, and there complaints are begun {format_value(faster)} times as fast."
        ),
    )


def unhelpful_against_none(quality: pd.DataFrame, *, contacts: float, currency: str) -> Exhibit:
    """Replies by quality against silence, by when they come (``impact.quality_table``); the middle time leads."""
    number, times = format_value(contacts, "count"), sorted(quality["reply_s"].unique())
    middle = quality[quality["reply_s"] == times[len(times) // 2]]
    shown = ["label", "reply", "complaints_waiting", "heard", "heard_praise", "customers_lost", "money_lost"]
    return Exhibit(
        finding=_quality_finding(middle),
        subtitle="Every contact answered well, every one badly, or none at all, by when the reply comes",
        description=in_words(middle, label="reply", value="money_lost"),
        caption=f"Per {number} contacts, by the quality of the reply; no reply is the same at any time",
        kind="assumed",
        table=quality,
        shown=quality[shown],
        draw=partial(
            figures.plot_amounts,
            quality,
            value="money_lost",
            by="reply",
            measure=f"{currency} lost per {number} contacts",
        ),
    )


def complaint_fates(fates: pd.DataFrame) -> Exhibit:
    """What becomes of complaints online, by how many are answered (``impact.fate_table``)."""
    unstated = fates.iloc[0]
    return Exhibit(
        finding=f"With {unstated['answered']} answered the survey leaves open what {format_value(unstated['not_stated'], 'share')} do",
        table=fates,
        kind="assumed",
        caption="What becomes of complaints online, by how many are answered; shares of those who complain online",
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
        return nothing(f"What leaves {outcome} uncertain was not worked out")
    what, caption = _MEASURED[outcome]
    first, after = rows.iloc[0], rows.iloc[1:2]
    tied = (first["total"] - first["total_error"] < after["total"] + after["total_error"]).any()
    if effects is not None:
        rows = rows.merge(effects[["outcome", "name", "effect", "mean_effect"]], on=["outcome", "name"])
        caption += ": the ten that matter most; effect: mean change over a whole range, per contact (Morris)"
    else:
        caption += ": the ten assumptions that matter most"
    return Exhibit(
        finding=f"Measure first: {first['label']}" + (f", and {after['label'].iloc[0]}" if tied else ""),
        subtitle=(
            f"What leaves {what} uncertain (Sobol indices); every contact answered after {format_duration(late_s)}; "
            f"{format_value(indices.attrs['evaluations'], 'count')} sets of assumptions"
        ),
        description=in_words(rows.head(_FEW), label="label", value="total", unit="share"),
        caption=caption,
        kind="assumed",
        table=rows,
        shown=rows.head(_MORE).drop(columns=["outcome", "name"]),
        units=dict.fromkeys(_INDICES, "share"),
        draw=partial(figures.plot_indices, rows.head(_FEW)),
    )


def talk_range(spans: pd.DataFrame, *, contacts: float, currency: str, late_s: float) -> Exhibit:
    """What the ranges of the assumptions leave open of those who hear and of the money lost (``impact.range_table``).

    The range stands first: no data stand behind the value. Neither is a headline.
    """
    case = f"per {format_value(contacts, 'count')} contacts answered after {format_duration(late_s)}"
    rows = spans.set_index("outcome")[["lower", "upper", "value"]] * contacts
    told = {"heard": ("people who hear of a complaint", "people"), "money_lost": ("money lost", currency)}
    lower, upper = rows.loc["heard", ["lower", "upper"]]
    table = pd.DataFrame([
        {
            "what": f"{label}, {case}", "range": format_interval(rows.loc[name, "lower"], rows.loc[name, "upper"], unit),
            "all_at_their_values": format_value(rows.loc[name, "value"], unit),
        }
        for name, (label, unit) in told.items()
    ])  # fmt: skip
    return Exhibit(
        finding=f"Assumed, not measured: {format_interval(lower, upper, 'people')} hear, {case}", table=table, kind="assumed",
        says=f"Assumed, not measured: {format_interval(lower, upper, 'people')} hear, {case}. That is as far as the ranges of the "
        f"assumptions reach; with every assumption at its value it is {format_value(rows.loc['heard', 'value'])}.",
        caption="What the ranges of the assumptions leave open", units={"range": "text", "all_at_their_values": "text"},
    )  # fmt: skip


def register_of_assumptions(register: pd.DataFrame) -> Exhibit:
    """The whole register (``impact.load_assumptions``), as a reader replaces it."""
    assumed = format_value(int((register["kind"] == "assumed").sum()))
    return Exhibit(
        finding=f"{assumed} of {format_value(len(register))} numbers are assumed",
        table=register,
        shown=register[["label", "value", "low", "high", "unit", "kind", "source", "how_to_measure"]],
        caption="The register of assumptions: value, range, origin, and how to measure it",
        kind="assumed",
    )


def _quality_finding(middle: pd.DataFrame) -> str:
    cost, when = middle.set_index("reply")["money_lost"], middle["label"].iloc[0]
    if not cost["none"] > 0:
        return "Where silence costs nothing there is nothing to compare"
    helpful = "nothing" if cost["helpful"] <= 0 else f"{format_value(cost['helpful'] / cost['none'], 'share')} of it"
    return (
        f"After {when} an unhelpful reply costs {format_value(cost['unhelpful'] / cost['none'])} times what silence costs, "
        f"a helpful one {helpful}"
    )
