"""Sentences that say what a table says: figure titles, main points and descriptions, computed and never typed."""

from __future__ import annotations

import math

import pandas as pd

from cxresearch.contacts import Period
from cxresearch.style import format_interval, format_value

FEW = 30  # a group with fewer contacts leads no sentence


def share(value: float) -> str:
    """21.9 %"""
    return format_value(value, "share")


def seconds(value: float) -> str:
    """76 s, or 5.3 min from two minutes on."""
    if value < 120:
        return f"{value:.0f} s"
    if value < 7_200:
        return f"{value / 60:.2g} min"
    return f"{value / 3_600:.2g} h" if value < 172_800 else f"{value / 86_400:.2g} days"


def patience_finding(at: pd.DataFrame, median_s: float) -> str:
    """Title of a patience curve: when half would have gone, or how many would still wait at the last duration known."""
    if not math.isnan(median_s):
        return f"Half would hang up within {seconds(median_s)}"
    known = at.dropna(subset=["survival"])
    if known.empty:
        return "Too few waits to say how long people are willing to wait"
    last = known.iloc[-1]
    return f"After {seconds(last['duration_s'])}, {share(last['survival'])} would still wait"


def read_aloud(at: pd.DataFrame, by: str | None = None) -> str:
    """Shares still waiting in words, for a reader who cannot see the curve."""

    def one(rows: pd.DataFrame) -> str:
        said = [f"{share(row['survival'])} after {seconds(row['duration_s'])}" for _, row in rows.iterrows()
                if not math.isnan(row["survival"])]  # fmt: skip
        return ", ".join(said) or "not known"

    if by is None:
        return f"Would still wait: {one(at)}."
    return " ".join(f"{name}: {one(rows)}." for name, rows in at.groupby(by, sort=False))


def spread_finding(groups: pd.DataFrame) -> str:
    """Title of the shares by group: who loses the most against who loses the least (``label, estimate, queued``)."""
    enough = groups[groups["queued"] >= FEW] if "queued" in groups else groups
    if len(enough) < 2:
        one = groups.iloc[0]
        return f"{one['label']}: {share(one['estimate'])} gave up"
    worst, best = enough.loc[enough["estimate"].idxmax()], enough.loc[enough["estimate"].idxmin()]
    return (
        f"{plain(worst['label'])} lost {share(worst['estimate'])} of those who queued, "
        f"{plain(best['label'])} {share(best['estimate'])}"
    )


def minute_finding(at: pd.DataFrame, by: str) -> str:
    """Title of curves by group: the most and the least willing at the first duration where two groups are known."""
    for duration, rows in at.dropna(subset=["survival"]).groupby("duration_s"):
        if len(rows) > 1:
            most, least = rows.loc[rows["survival"].idxmax()], rows.loc[rows["survival"].idxmin()]
            return (
                f"After {seconds(duration)}, {share(most['survival'])} would still wait for {plain(most[by]).lower()}, "
                f"{share(least['survival'])} for {plain(least[by]).lower()}"
            )
    return "How long people would wait"


def outcome_finding(ended: pd.Series, horizon_s: float) -> str:
    """Title of the competing outcomes: what had happened by the horizon (``ended``: outcome -> share)."""
    said = [f"{share(value)} had {_ENDED.get(str(name), str(name))}" for name, value in ended.items()]
    return f"After {seconds(horizon_s)}, " + _listed(said)


_ENDED = {"answered": "been answered", "abandoned": "given up", "deflected": "been served by a bot"}


def hazard_finding(hazard: pd.DataFrame) -> str:
    """Title of a hazard: when the rate of leaving is highest, and how it compares with its middle.

    Where there is a band, the peak is where its lower end is highest: a rate that few are left to show leads no title.
    """
    sure = hazard["lower"] if "lower" in hazard and hazard["lower"].max() > 0 else hazard["hazard_per_s"]
    peak = hazard.loc[sure.idxmax()]
    middle = hazard["hazard_per_s"].median()
    if not middle > 0:
        return "Nobody left within this time"
    return (
        f"People are most likely to go after {seconds(peak['duration_s'])}: "
        f"{60 * peak['hazard_per_s']:.0%} a minute, {peak['hazard_per_s'] / middle:.1f} times the usual"
    )


def hour_finding(hours: pd.DataFrame) -> str:
    """Title of a day: the hour that loses the largest share, among hours with enough contacts."""
    enough = hours[hours["queued"] >= FEW]
    if enough.empty:
        return "Too few contacts to tell the hours apart"
    worst, best = enough.loc[enough["share_left_of_queued"].idxmax()], enough.loc[enough["share_left_of_queued"].idxmin()]
    return f"{_clock(worst['hour'])} lost {share(worst['share_left_of_queued'])} of those who queued, {_clock(best['hour'])} {share(best['share_left_of_queued'])}"


def comparable(waits: pd.DataFrame, by: str, *, event: str) -> pd.DataFrame:
    """The rows of a risk table whose group has enough contacts and the event at all: what a model can compare."""
    sums = (
        waits.assign(events=waits["contacts"].where(waits["outcome"] == event, 0))
        .groupby(by)[["contacts", "events"]]
        .sum()
    )
    return waits[waits[by].isin(sums.index[(sums["contacts"] >= FEW) & (sums["events"] > 0)])]


def reference(waits: pd.DataFrame, by: str) -> str:
    """The level that a model compares the others with: the first in the order of their texts."""
    return str(min(waits[by].astype(str)))


def ratio_finding(ratios: pd.DataFrame | None, ties: pd.DataFrame | None) -> str:
    """What a Cox model by group says, and whether the clock's ticks leave it open (``regression.tie_table``)."""
    if ratios is None or ties is None:
        return "There is one queue only, so there is nothing to compare at the same hour."
    clear = ratios[(ratios["lower"] > 1) | (ratios["upper"] < 1)]
    said = [f"{plain(row['level'])} {row['hazard_ratio']:.2f} times ({format_interval(row['lower'], row['upper'])})"
            for _, row in clear.sort_values("hazard_ratio", ascending=False).iterrows()]  # fmt: skip
    first = (
        f"Clearly different from the reference: {_listed(said)}."
        if said
        else "No queue differs clearly from the reference."
    )
    shift = ties["shift_in_se"].max()
    moved = ties.loc[ties["shift_in_se"] > 1, "level"]
    second = (
        f" The clock ticks in whole seconds; who is counted within a tick moves no coefficient by more than {shift:.2f} standard errors."
        if moved.empty
        else f" **The clock is too coarse for** {_listed([plain(name) for name in moved])}: who is counted within a tick moves the "
        f"coefficient by up to {shift:.1f} standard errors, more than chance does."
    )
    return first + second


def week_finding(week: pd.DataFrame) -> str:
    """Title of a week (``weekday, hour, queued, share_left_of_queued``): the hour of the week that loses the largest share."""
    enough = week[week["queued"] >= FEW]
    if enough.empty:
        return "Too few contacts to tell the hours of the week apart"
    worst = enough.loc[enough["share_left_of_queued"].idxmax()]
    half = enough.sort_values("share_left_of_queued", ascending=False)
    half = half[half["left"].cumsum() <= enough["left"].sum() / 2]
    return (
        f"{WEEKDAYS[int(worst['weekday']) - 1]} {_clock(worst['hour'])} loses most, {share(worst['share_left_of_queued'])}; "
        f"half of all losses fall into {len(half) + 1} of {len(enough)} hours of the week"
    )


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def change_finding(moved: pd.DataFrame, span: Period) -> str:
    """Heading over the headline table: how many moved further than chance explains."""
    known = moved[moved["verdict"] != "nothing to compare"]
    if known.empty:
        return f"There is nothing before {span.label} to compare with"
    estimated = known[known["lower"] < known["upper"]]
    clear = estimated["verdict"].isin(["rose", "fell"]).sum()
    return f"{_count(clear)} of {_count(len(estimated)).lower()} estimates moved further than chance explains"


def main_points(moved: pd.DataFrame, span: Period, *, hours: pd.DataFrame) -> list[tuple[str, str]]:
    """The main points as (lead, sentence): what happened, value, change with its interval, largest loss first.

    ``moved`` is a ``headlines.change_table``; ``hours`` a ``patience.waiting_table`` by hour. A change that cannot be
    told from chance is said so and leads with no direction.
    """
    rows = moved.set_index("name")
    points = [
        (_LEADS[name][_direction(rows.loc[name])], f"{_values(rows.loc[name], name)}{_change(rows.loc[name], span)}.")
        for name in _LEADS if name in rows.index and not math.isnan(rows.loc[name, "value"])
    ]  # fmt: skip
    enough = hours[hours["queued"] >= FEW]
    if len(enough) > 1:
        worst = enough.loc[enough["share_left_of_queued"].idxmax()]
        points.append((
            f"{_clock(worst['hour'])} is the hour that loses most.",
            f"{share(worst['share_left_of_queued'])} of the {worst['queued']:,.0f} who queued then gave up "
            f"({format_interval(worst['lower'], worst['upper'], 'share')}); their mean wait was {seconds(worst['mean_wait_s'])}.",
        ))  # fmt: skip
    return points


_LEADS = {
    "abandonment_share": {1: "More people gave up.", -1: "Fewer people gave up.", 0: "People gave up."},
    "mean_wait_s": {1: "The queue was slower.", -1: "The queue was faster.", 0: "The queue."},
    "patience_survival_60s": {1: "People were more patient.", -1: "People were less patient.", 0: "Patience."},
    "contacts": {1: "More contacts came.", -1: "Fewer contacts came.", 0: "Contacts."},
}


def _direction(row: pd.Series) -> int:
    return {"rose": 1, "fell": -1}.get(row["verdict"], 0)


def _values(row: pd.Series, name: str) -> str:
    value = seconds(row["value"]) if row["unit"] == "s" else format_value(row["value"], row["unit"])
    return {
        "abandonment_share": f"{value} of those who queued gave up",
        "mean_wait_s": f"The mean wait of those who queued was {value}",
        "patience_survival_60s": f"{value} would still wait after a minute",
        "contacts": f"{value} contacts, all channels together",
    }[name]


def _change(row: pd.Series, span: Period) -> str:
    before = span.previous.label
    if row["verdict"] == "nothing to compare":
        return f"; there is no {before} to compare with"
    unit = "points" if row["unit"] == "share" else row["unit"]
    if row["verdict"] == "not distinguishable from no change":
        between = format_interval(row["difference_lower"], row["difference_upper"], unit)
        return f"; against {before} not distinguishable from no change (95 % interval of the change {between})"
    size = format_value(abs(row["difference"]), "number" if unit == "contacts" else unit)
    if unit == "contacts":
        size = f"{abs(row['difference']):,.0f}"
    word = "up" if row["difference"] > 0 else "down"
    if row["difference_lower"] == row["difference_upper"]:
        return f", {word} {size} from {before}"
    ends = abs(row["difference_lower"]), abs(row["difference_upper"])
    return f", {word} {size} from {before} (95 % interval {format_interval(min(ends), max(ends), unit)})"


def change_text(moved: pd.DataFrame) -> pd.DataFrame:
    """A change table as people read it: each number in its own unit (``headline, value, interval, before, change``)."""
    rows = []
    for row in moved.to_dict("records"):
        unit, points = row["unit"], "points" if row["unit"] == "share" else row["unit"]
        counted = row["lower"] == row["upper"]
        known = row["verdict"] != "nothing to compare"
        rows.append({
            "headline": row["label"], "value": format_value(row["value"], unit),
            "interval": "counted" if counted else format_interval(row["lower"], row["upper"], unit),
            "before": format_value(row["previous_value"], unit) if known else "not known",
            "change": format_value(row["difference"], points) if known else "not known",
            "interval_of_change": "counted" if counted and known
            else format_interval(row["difference_lower"], row["difference_upper"], points) if known else "not known",
            "verdict": row["verdict"],
        })  # fmt: skip
    return pd.DataFrame(rows)


def p_text(value: float) -> str:
    """A p-value behind its letter: "< 0.001", "= 0.034"."""
    text = format_value(value, "p")
    return text if text.startswith("<") else f"= {text}"


def plain(label: str) -> str:
    """A queue's name without the code in brackets."""
    return str(label).rsplit(" (", 1)[0]


def _clock(hour: float) -> str:
    return f"{int(hour)} to {int(hour) + 1} h"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _count(number: int) -> str:
    words = ("None", "One", "Two", "Three", "Four", "Five", "Six")
    return words[number] if number < len(words) else str(number)


def load_finding(hours: pd.DataFrame) -> str:
    """Title of the day's load (``day.day_table``): when most contacts come, and when the largest part gives up."""
    enough = hours[hours["contacts"] >= FEW]
    if enough.empty:
        return "Too few contacts to tell the hours apart"
    busiest, worst = enough.loc[enough["contacts"].idxmax()], enough.loc[enough["share_left_of_asked"].idxmax()]
    if busiest["hour"] == worst["hour"]:
        return f"The busiest hour, {_clock(busiest['hour'])}, is the one that loses most: {share(worst['share_left_of_asked'])}"
    return f"Most contacts come from {_clock(busiest['hour'])}; the largest part gives up from {_clock(worst['hour'])}, {share(worst['share_left_of_asked'])}"


def staffing_finding(table: pd.DataFrame, most_abandoned: float) -> str:
    """Title of a staffing curve: how many hours of the day fall short, and where by most."""
    short = table[table["gap"] > 0]
    goal = f"so that at most {share(most_abandoned)} give up"
    if short.empty:
        return f"No hour needs more agents {goal}"
    worst = short.loc[short["gap"].idxmax()]
    return (
        f"{_count(len(short))} of 24 hours need more agents {goal}, most from {_clock(worst['hour'])}: "
        f"{worst['agents_needed']:.0f} instead of {worst['agents']:.0f}"
    )


def scenario_finding(table: pd.DataFrame) -> str:
    """Title of scenarios (``day.scenario_table``): the day as it is against the scenario that loses fewest."""
    best = table.loc[table["lost_share"].idxmin()]
    return (
        f"As it is {share(table['lost_share'].iloc[0])} never get an answer; "
        f"{best['scenario']}: {share(best['lost_share'])}"
    )


def mean_patience_finding(row: pd.Series) -> str:
    """The mean patience that the hours tell (a row of ``patience.mean_patience``), with what it rests on."""
    if math.isinf(row["estimate"]):
        return "## The hours do not tell the mean patience\n\nSlow hours lost no larger share than fast ones."
    interval = format_interval(row["ratio_lower"], row["ratio_upper"], "s")
    return (
        f"## Read from waits and losses, the mean patience is {seconds(row['ratio_s'])}\n\n"
        f"That is all seconds waited over all who left (95 % interval {interval}, {row['days']:,.0f} days drawn again). The line through the "
        f"{row['hours']:,.0f} hours, share lost against mean wait, gives {seconds(row['estimate'])} "
        f"({format_interval(row['lower'], row['upper'], 's')}) and explains {share(row['r_squared'])} of their differences; hours with few "
        "contacts flatten it. Both are exact only if people leave at a rate that never changes, and the hazard below shows that it does."
    )


def promise_finding(elasticity: pd.Series, broken: pd.Series) -> str:
    """Who sets the clock, and what a broken promise does (rows of ``patience.promise_elasticity`` and ``broken_promise``)."""
    first = (
        f"Patience follows the promise with an elasticity of {elasticity['estimate']:.2f} "
        f"({format_interval(elasticity['lower'], elasticity['upper'])}). At 1 the brand sets the clock; at 0 others have set it."
    )
    second = (
        f" Once a promise has passed, people leave at {broken['estimate']:.2f} times the rate there would be without it "
        f"({format_interval(broken['lower'], broken['upper'])})."
    )
    return first + second


def clocks_finding(at: pd.DataFrame) -> str:
    """Title of the two clocks (``survival_at`` of ``patience_and_offered_wait``): how many are left of each, at one time."""
    known = at.pivot_table(index="duration_s", columns="clock", values="survival").dropna()
    if known.empty:
        return "Too few waits to tell patience from the wait on offer"
    row = known.loc[60.0] if 60.0 in known.index else known.iloc[0]
    return (
        f"After {seconds(float(row.name))}, {share(row['offered wait'])} would still be without an answer, "
        f"and {share(row['patience'])} would still wait for it"
    )


def cluster_finding(table: pd.DataFrame, duration_s: float) -> str:
    """What repeat callers and good and bad days do to the interval (``patience.clustered_patience``)."""
    first = table.iloc[0]
    others = [
        f"{row['times_formula']:.1f} times as large when {row['drawn']}s are drawn by lot"
        for _, row in table.iloc[1:].iterrows()
    ]
    return (
        f"## How sure is that?\n\nThe interval of the {share(first['estimate'])} who would still wait after "
        f"{seconds(duration_s)} takes contacts as independent. They are not: customers call again, and days are good or "
        f"bad. Its standard error is {_listed(others)}. Read every band on this page with that in mind."
    )


def response_finding(shares: pd.DataFrame, *, moved: str = "gone elsewhere") -> str:
    """Title of the messages of one group (rows of ``slow_channels.first_shares``), at the last time that some still wait.

    ``moved`` says what else had come first.
    """
    known = shares.dropna(subset=["answered"])
    if known.empty:
        return "Too few messages to say when they are answered"
    waiting = known[known["nothing_yet"] >= 0.01]
    row = (known.head(1) if waiting.empty else waiting.tail(1)).iloc[0]
    return (
        f"After {seconds(row['within_s'])}, {share(row['answered'])} had an answer, {share(row['moved'])} had {moved} first, "
        f"{share(row['asked_again'])} had asked again, and {share(row['nothing_yet'])} still waited"
    )


def unanswered_finding(shares: pd.DataFrame, by: str) -> str:
    """Title of ``slow_channels.unanswered_shares``: the slowest and the fastest group at the last time."""
    last = shares[shares["within_s"] == shares["within_s"].max()]
    slow, fast = last.loc[last["least"].idxmax()], last.loc[last["most"].idxmin()]
    after = f"After {seconds(slow['within_s'])}, at least {share(slow['least'])}"
    if slow[by] == fast[by]:
        return f"{after} had no answer"
    return f"{after} had no answer from {slow[by]}, at most {share(fast['most'])} from {fast[by]}"


def growth_finding(growth: pd.DataFrame, quoted: pd.Series) -> str:
    """What each minute past a promise does (``patience.broken_promise_growth``) beside the finding everybody quotes.

    ``quoted`` is a row of the register of findings: ``value`` (relative change a minute, at most) and ``source``.
    """
    row = growth.set_index("effect").loc["each minute past it"]
    return (
        f"Each minute past the promise multiplies the rate of leaving by {row['estimate']:.2f} "
        f"({format_interval(row['lower'], row['upper'])}) here; {quoted['source']} found up to {1 + quoted['value']:.2f}."
    )


def promise_text(promised_s: pd.Series) -> pd.Series:
    """Promises as the first column of a table: "30 s", "15 min", and "no promise" where none was made."""
    return promised_s.map(lambda value: "no promise" if math.isnan(value) else seconds(value))


def promise_price(promises: pd.DataFrame) -> str:
    """Title of the what-if (``scenarios.promise_table``): what it takes and saves to halve the slowest hour's wait."""
    today = promises[promises["today"]].iloc[0]
    shorter = promises[~promises["today"] & (promises["slowest_hour_s"] < today["slowest_hour_s"])]
    if shorter.empty:
        return f"Today's slowest hour, {seconds(today['slowest_hour_s'])}, already keeps every promise tried"
    halved = shorter[shorter["slowest_hour_s"] <= today["slowest_hour_s"] / 2]
    near = (shorter if halved.empty else halved).iloc[-1]
    more, fewer = near["agent_hours_per_day"] - today["agent_hours_per_day"], 1 - near["left"] / today["left"]
    return (
        f"Within {seconds(near['slowest_hour_s'])} in every hour: {abs(more):.0f} {'more' if more > 0 else 'fewer'} agent hours a day, "
        f"{share(abs(fewer))} {'fewer' if fewer > 0 else 'more'} give up"
    )
