"""Sentences that say what the tables of talk and its cost say: figure titles and descriptions, computed, never typed."""

from __future__ import annotations

import math

import pandas as pd

from cxresearch.style import format_number, format_value

KIND_LABELS = {
    "offline": "Face to face, by phone",
    "private": "E-mail to friends",
    "public": "Reviews and boards",
    "social": "Social posts",
}


def duration(seconds: float) -> str:
    """15 min, 2 h, 1 day, 8 months, 1.7 years: one unit, two digits."""
    if math.isnan(seconds):
        return "not known"
    if math.isinf(seconds):
        return "never"
    units = ((31_557_600, "year"), (2_629_800, "month"), (86_400, "day"), (3_600, "h"), (60, "min"), (1, "s"))
    one_s, unit = next(((one_s, unit) for one_s, unit in units if seconds >= one_s), (1, "s"))
    number = _two_digits(seconds / one_s)
    return f"{number:g} {unit}{'s' if number != 1 and unit in ('year', 'month', 'day') else ''}"


def percent(share: float) -> str:
    """A share in whole percent, as a title says it; more digits where it would be nothing or everything."""
    return f"{100 * share:.0f} %" if 0.01 <= share <= 0.99 or share in (0, 1) else format_value(share, "share")


def people(number: float) -> str:
    """A number of people as a title says it: two digits, grouped."""
    return format_number(_two_digits(number), 0 if number >= 9.5 else 1)


def reach_finding(reach: pd.DataFrame) -> str:
    """Title of who hears (``talk.reach_table``): how many in all, in town and on the net."""
    town = reach.loc[reach["kind"] == "offline", "heard"].sum()
    net = reach["heard"].sum() - town
    return f"One complaint is heard by {people(town + net)} people: {people(town)} in town, {people(net)} on the net"


def paradox_finding(reach: pd.DataFrame, offline: float, online: float) -> str:
    """Tellers against hearers: more people tell offline; who is heard by more."""
    town = reach.loc[reach["kind"] == "offline", "heard_first"].sum()
    net = reach["heard_first"].sum() - town
    more = "yet the net is heard by more" if net > town else "and the town is heard by more, too"
    return f"{percent(offline)} tell offline and {percent(online)} online, {more}"


def lasting_finding(sides: pd.DataFrame, *, share: float) -> str:
    """Title of hearing over time (``talk.town_and_net``): when each side has told most of those it ever tells."""
    when = {}
    for side, rows in sides.groupby("side"):
        reached = rows[rows["heard"] >= share * rows["heard"].max()]
        when[side] = duration(reached["time_s"].min())
    return f"The town has heard within {when['town']}; the net is still telling after {when['net']}"


def gone_finding(effects: pd.DataFrame) -> str:
    """Title of what a reply finds already done (``talk.reply_effects``): each reply time with the share gone."""
    rows = effects.drop_duplicates("reply_s")
    said = [f"{percent(row['post_share_gone'])} after {duration(row['reply_s'])}" for _, row in rows.iterrows()]
    return f"Retellings that a reply comes too late for: {_listed(said)}"


def growth_finding(effects: pd.DataFrame) -> str:
    """Title of one post's growth: what the earliest and the latest helpful reply spare."""
    rows = effects[effects["reply"] == "helpful"].sort_values("reply_s")
    first, last = rows.iloc[0], rows.iloc[-1]
    return (
        f"A helpful reply after {duration(first['reply_s'])} spares {percent(first['share_avoided'])} of the retellings, "
        f"after {duration(last['reply_s'])} {percent(last['share_avoided'])}"
    )


def storm_finding(storms: pd.DataFrame, one_in: float) -> str:
    """Title of the tail: how often nobody tells on, and how far the worst social post in so many goes."""
    row = storms.set_index("kind").loc["social"]
    if math.isnan(row["storm_tellings"]):
        return f"One social post in {people_exact(one_in)} goes beyond every size looked at"
    return (
        f"{percent(row['silent'])} of social posts are passed on by nobody; one in {people_exact(one_in)} goes beyond "
        f"{people_exact(row['storm_tellings'])} tellings"
    )


def people_exact(number: float) -> str:
    """A whole number, grouped."""
    return format_number(number, 0)


def average_finding(fixed: float, random: float, *, promised_h: float) -> str:
    """A mean is no promise: complaints where every reply takes the promised time, against replies that do on average."""
    if not fixed > 0:
        return "Without a complaint before the promise there is nothing to compare"
    return (
        f"A reply within {duration(3_600 * promised_h)} is not a reply in {duration(3_600 * promised_h)} on average: the "
        f"second brings {random / fixed:.1f} times as many complaints"
    )


def speed_finding(table: pd.DataFrame, *, contacts: int, value: str = "heard") -> str:
    """Title of the scenarios (``impact.impact_table``): the fastest reply against the slowest one that comes, and never."""
    rows = table[table["reply_s"] < math.inf].sort_values("reply_s")
    fast, slow, never = rows.iloc[0], rows.iloc[-1], table[table["reply_s"] == math.inf].iloc[0]
    return (
        f"{contacts:,} contacts answered after {fast['scenario']} are heard of by {people(fast[value])} people, "
        f"after {slow['scenario']} by {people(slow[value])}, never answered by {people(never[value])}"
    )


def helpfulness_finding(table: pd.DataFrame) -> str:
    """What sets off the complaints of the fastest scenario (``impact.impact_table``): the wait, or replies of no help."""
    row = table.sort_values("reply_s").iloc[0]
    complaints = row["complaints_waiting"] + row["complaints_after_reply"]
    if not complaints > 0:
        return "Nobody complains, so neither speed nor help can change anything."
    share = row["complaints_after_reply"] / complaints
    return (
        f"Answered after {row['scenario']}, {percent(share)} of the complaints are set off by a reply that does not help, "
        f"and {percent(1 - share)} by the wait."
    )


def quality_finding(table: pd.DataFrame, *, value: str = "money_lost") -> str:
    """Title of replies by quality at one time (``impact.quality_table``): what each costs against silence."""
    cost, when = table.set_index("reply")[value], table["label"].iloc[0]
    if not cost.min() > 0:
        return "At no cost to anybody there is nothing to compare"
    return (
        f"After {when} an unhelpful reply costs {cost['unhelpful'] / cost['none']:.1f} times what silence costs, "
        f"a helpful one {percent(cost['helpful'] / cost['none'])} of it"
    )


def network_finding(mean_reach: float, branching: float) -> str:
    """Title of a real network: how far talk goes on it against the same mean number told without hubs."""
    times = mean_reach / branching
    if times > 1.05:
        return f"Hubs carry talk {people(times)} times as far as the same telling without a network"
    if times < 0.95:
        return (
            f"On this network talk goes {times:.2f} times as far as without one: friends of friends have heard already"
        )
    return "On this network talk goes as far as without one"


def measure_first_finding(indices: pd.DataFrame) -> str:
    """Title of the sensitivity (``sensitivity.sobol_table``, one outcome): which number to measure first.

    Two are named together where the interval of the first reaches down to the second.
    """
    first, second = indices.iloc[0], indices.iloc[1]
    tied = first["total"] - first["total_error"] < second["total"] + second["total_error"]
    return f"Measure first: {first['label']}" + (f", and {second['label']}" if tied else "")


def spread_out(table: pd.DataFrame, *, label: str, value: str, unit: str = "number") -> str:
    """A table in words, for readers who do not see the figure: "a: 1; b: 2"."""
    return "; ".join(f"{row[label]}: {format_value(row[value], unit)}" for _, row in table.iterrows())


def _two_digits(number: float) -> float:
    return float(f"{number:.2g}")


def _listed(said: list[str]) -> str:
    return said[0] if len(said) == 1 else ", ".join(said[:-1]) + " and " + said[-1]
