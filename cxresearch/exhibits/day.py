"""Exhibits of the day: what comes, who looks as if there, who would be needed, and what would change it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from cxresearch import evidence, figures
from cxresearch.exhibits.exhibit import Exhibit, nothing
from cxresearch.exhibits.marks import top_hour
from cxresearch.exhibits.ranking import standing
from cxresearch.exhibits.show import what_if_bundle
from cxresearch.exhibits.small_groups import held_back
from cxresearch.exhibits.waiting import FEW, clock, counted
from cxresearch.risk_table import FEWEST_DAYS
from cxresearch.style import format_duration, format_interval, format_number, format_value, phrase

DAYS_FOR_TENTHS = 10  # with fewer days, nine of ten is no number
_NOTICED = 1e-6  # contacts that a model misses by rounding alone


def day_load(
    hours: pd.DataFrame, *, ranks: pd.DataFrame, days: int, before: figures.Before | None = None, place: str = "",
    kind: str = "estimated",
) -> Exhibit:  # fmt: skip
    """Contacts an hour and those who gave up (``queueing.day_table``), mean of ``days`` days.

    ``ranks`` is the hours ranked by ``contacts``, by ``people`` lost and by the ``share`` of those who asked
    (``risk_table.ranked_by_day``, ``ranked_losses``). ``before``: :func:`told_load` of the period before.
    """
    # Means of these days: counts of some weekdays beside counts of all would be two numbers under one name.
    left_per_h = hours["arrivals_per_h"] * hours["share_left_of_asked"]
    shown = _timed(hours[hours["contacts"] > 0].assign(left_per_h=left_per_h), minutes_of(hours))
    kept = ["hour", "arrivals_per_h", "left_per_h", "share_left_of_asked", "handle_time_s"]
    of_these = days * minutes_of(hours) / 60
    people = {"arrivals_per_h": of_these, "left_per_h": of_these}
    drawn = told_load(hours, days)
    mark, tied = top_hour(
        ranks[ranks["ranked"] == "contacts"], drawn.set_index("hour")["arrivals_per_h"], format_value,
        lambda hour: clock(hour, minutes_of(hours)),
    )  # fmt: skip
    return Exhibit(
        finding=_load_finding(ranks, minutes_of(hours)), table=hours, shown=shown[kept], kind=kind,
        subtitle=phrase("Contacts an hour, and those who gave up, {place}, mean of {days} days", place=place, days=days)
        if days > 1
        else phrase("Contacts an hour, and those who gave up, {place}, 1 day", place=place),
        draw=partial(figures.plot_load, drawn, mark=mark, tied=tied, before=before), people=people,
    )  # fmt: skip


def told_load(hours: pd.DataFrame, days: int) -> pd.DataFrame:
    """The same hours with gaps where a mean of ``days`` days would tell of few people."""
    drawn = hours.assign(left_per_h=hours["arrivals_per_h"] * hours["share_left_of_asked"])
    people = dict.fromkeys(("arrivals_per_h", "left_per_h"), days * minutes_of(hours) / 60)
    if (held := held_back(drawn[["hour", *people]], people)) is not None:
        drawn["arrivals_per_h"] = drawn["arrivals_per_h"].where(held["arrivals_per_h"] == "")
        drawn["share_left_of_asked"] = drawn["share_left_of_asked"].where(held["left_per_h"] == "")
    return drawn


def staffing(
    table: pd.DataFrame, *, hours: pd.DataFrame, most_abandoned: float, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """Agents that look as if they were there beside those needed, day by day (``queueing.staffing_over_days``).

    ``hours`` is the whole day (``queueing.agents_in_effect``): what is not in the table has too few contacts.
    """
    minutes = minutes_of(hours)
    # Nobody is taken away from an hour that loses less: there the team stays as it is.
    there, mean_day, most = (
        format_number(minutes / 60 * table[["agents", name]].max(axis=1).sum(), 0)
        for name in ("agents", "agents_needed", "upper")
    )
    said = [
        phrase(
            "So that at most {goal} of all who ask give up, the mean day takes {needed} agent hours; {there} look as if they "
            "were there",
            goal=_share(most_abandoned), needed=mean_day, there=there,
        )
    ]  # fmt: skip
    if kept := int((table["agents_needed"] < table["agents"]).sum()):
        said.append(phrase("In {hours} they keep it already and stay as they are", hours=_intervals(kept, minutes)))
    if table["days"].iloc[0] >= DAYS_FOR_TENTHS:
        missed = _share(table["days_missed"].sum() / table["days"].sum())
        said.append(
            phrase(
                "The same team every day misses that goal in {missed} of the time; {most} keep it on 9 of 10 days",
                missed=missed, most=most,
            )
        )  # fmt: skip
    few = int((hours["contacts"].between(1, FEW - 1)).sum())
    tenths = table["days"].iloc[0] >= DAYS_FOR_TENTHS
    band = phrase("Band: what 8 of 10 days need")
    if not tenths:
        band = phrase("No band: fewer than {days} days", days=DAYS_FOR_TENTHS)
    if few:
        band = phrase(
            "{band}. Not in it: {hours} with fewer than {few} contacts in all",
            band=band,
            hours=_intervals(few, minutes),
            few=FEW,
        )
    drawn = hours[["hour"]].merge(table if tenths else table.drop(columns=["lower", "upper"]), on="hour", how="left")
    shown = _timed(table, minutes).drop(columns="gap")
    return Exhibit(
        finding=". ".join(said), table=table, shown=shown, kind=kind,
        draw=partial(figures.plot_staffing, drawn),
        subtitle=phrase("Agents, by time of day, {place}. {band}", place=place, band=band),
    )  # fmt: skip


def busiest_hour_team(
    row: pd.Series, needed: pd.Series, *, ranks: pd.DataFrame, minutes: int = 60, most_abandoned: float, place: str = "",
    kind: str = "estimated",
) -> Exhibit:  # fmt: skip
    """The team of the busiest hour (a row of ``queueing.staffing_over_days``), and how sure its patience is.

    ``needed`` is a row of ``queueing.agents_needed_interval``, for the mean day. ``ranks`` as for :func:`day_load`: an hour
    that days do not tell from others is one of the busiest.
    """
    low, mean_day, most, days, kept = (
        format_number(number, 0)
        for number in (*row[["lower", "agents_needed", "upper", "days"]], row["days"] - row["days_missed"])
    )
    lower, upper = (format_number(needed[name], 0) for name in ("lower", "upper"))
    interval = format_interval(needed["lower"], needed["upper"], "count")
    goal = {"when": clock(row["hour"], minutes), "goal": _share(most_abandoned)}
    first = standing(ranks[ranks["ranked"] == "contacts"], lambda one: clock(one["hour"], minutes))
    alone = first is not None and first.first["hour"] == row["hour"] and not first.beside
    goal["busiest"] = phrase("the busiest") if alone else phrase("one of the busiest")
    said = [
        phrase(
            "From {when}, {busiest}, {agents} agents keep the loss at most {goal} on the mean day",
            agents=mean_day,
            **goal,
        )
    ]
    if row["days"] >= DAYS_FOR_TENTHS:
        said = [
            phrase(
                "From {when}, {busiest}, {low} agents, on 8 of 10 days, keep the loss at most {goal}; {most} do on 9 of 10 days",
                low=low, most=most, **goal,
            )
            if low == most
            else phrase(
                "From {when}, {busiest}, {low} to {most} agents, depending on the day, keep the loss at most {goal}; {most} do on "
                "9 of 10 days",
                low=low, most=most, **goal,
            ),
            phrase("{agents}, which the mean day takes, do on {kept} of {days}", agents=mean_day, kept=kept, days=days),
        ]  # fmt: skip
    if row["days"] >= FEWEST_DAYS:
        said.append(
            phrase("Other days drawn for the patience make it exactly {agents}", agents=lower)
            if lower == upper
            else phrase("Other days drawn for the patience make it {interval}", interval=interval)
        )
    table = pd.concat([row, needed.drop("agents").rename({"lower": "drawn_lower", "upper": "drawn_upper"})])
    return Exhibit(finding=". ".join(said), table=table.to_frame().T, shown=pd.DataFrame(), kind=kind, caption=place)


_REDIALS = {
    "again_1h": "gave up: called again within 1 hour", "again_24h": "gave up: called again within 24 hours",
    "answered_24h": "gave up: answered within 24 hours", "others_again_1h": "answered: called again within 1 hour",
    "others_again_24h": "answered: called again within 24 hours",
}  # fmt: skip


def redials(shares: pd.DataFrame, counts: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """Who called again after giving up, how soon, and what became of it (``patience.redial_shares``, ``later_contacts``)."""
    rows = shares.set_index("measure")
    base = int(rows.loc["again_24h", "contacts"])

    def said(measure: str) -> str:
        row = rows.loc[measure]
        between = "" if pd.isna(row["lower"]) else f" ({format_interval(row['lower'], row['upper'], 'share')})"
        return f"{_share(row['estimate'])}{between}"

    if base < FEW:
        return nothing(
            phrase(
                "Only {number} of those who gave up can be followed for 24 hours", number=format_value(base, "contacts")
            )
        )
    soon = counts.attrs["again_after_s"]
    found = {"number": format_value(base, "contacts"), "again": said("again_24h"), "answered": said("answered_24h")}
    finding = (
        phrase("Of {number} who gave up and are known, {again} called again within 24 hours; {answered} were answered", **found)
        if pd.isna(soon)
        else phrase(
            "Of {number} who gave up and are known, {again} called again within 24 hours, half of these within {soon}; {answered} "
            "were answered",
            soon=format_duration(soon), **found,
        )
    )  # fmt: skip
    answered, again = rows.loc["answered_24h", "estimate"], rows.loc["again_24h", "estimate"]
    left, known = (int(counts[name].sum()) for name in ("left", "left_known"))
    says = [
        f"### {finding}",
        phrase(
            "In brackets: 95 % intervals, the day is the unit. {unanswered} called again and were not answered, {gone} were not "
            "seen again. Of {left} who gave up, {known} have a customer number; of the others nothing is known.",
            unanswered=_share(again - answered), gone=_share(1 - again), left=format_value(left, "contacts"),
            known=format_value(known, "contacts"),
        ),
    ]  # fmt: skip
    if "more_again_24h" in rows.index:
        more = rows.loc["more_again_24h"]
        says.append(
            phrase(
                "Not every later call comes from giving up: of those who were answered {others} called again, too. The "
                "difference is {difference}.",
                others=said("others_again_24h"), difference=format_value(more["estimate"], "points"),
            )
        )  # fmt: skip
    table = shares[shares["measure"].isin(_REDIALS)].assign(measure=shares["measure"].map(_REDIALS))
    return Exhibit(
        finding=finding, says="\n\n".join(says), table=table, kind=kind, units={"estimate": "share"},
        caption=phrase("What the same customers did in the next 24 hours, {place}", place=place),
    )  # fmt: skip


def promise_what_if(
    promises: pd.DataFrame, *, days: int, heard: float, contact_value: float, currency: str, place: str = "",
    kind: str = "estimated",
) -> Exhibit:  # fmt: skip
    """What each promise takes and saves, moved through by the reader (``queueing.promise_table``).

    ``heard``: people who hear of one contact that gives up (ASSUMED, from the register); ``contact_value`` (ASSUMED).
    """
    if len(promises) < 2:
        slowest = format_duration(promises["slowest_hour_s"].iloc[0])
        return nothing(phrase("Today's slowest hour, {wait}, already keeps every promise tried", wait=slowest))
    finding = _promise_price(promises)
    assumed: list[dict[str, Any]] = [
        {
            "times": "left", "lower": 0.0, "result": phrase("People who hear of it"), "unit": phrase("people"),
            "label": phrase("People who hear of one contact that gives up"), "value": round(heard, 2),
            "upper": round(5 * heard, 2), "step": max(round(heard / 10, 2), 0.01),
            "reason": phrase("Worked out from the register of assumptions, for a contact that is never answered; measure it first."),
        },
        {
            "times": "left", "lower": 0.0, "result": phrase("Lost with them"), "unit": currency,
            "label": phrase("Value of a contact that gives up"), "value": contact_value, "upper": 10 * contact_value,
            "step": contact_value / 5,
            "reason": phrase("Assumed, to be replaced by your own: nothing in the log says what a lost contact is worth."),
        },
    ]  # fmt: skip
    units: Mapping[str, str] = {"left": "count"}
    bundle = what_if_bundle(
        promises[::-1], finding=finding, kind=kind, formats=units,
        subtitle=phrase("What each promise takes and saves, {place}, {days} days", place=place, days=days)
        if days > 1
        else phrase("What each promise takes and saves, {place}, 1 day", place=place),
        assumed=[given for given in assumed if given["upper"] > 0],
    )  # fmt: skip
    return Exhibit(finding=finding, table=promises, kind=kind, units=units, ready=(bundle,))


def bot_range(row: pd.Series) -> Exhibit:
    """What a bot settles, as a claim has it (its row); assumed where what was traced does not support it."""
    low, high = _share(row["value"]), _share(row["second_value"])
    kind = "quoted" if row["verdict"] in evidence.SUPPORTED else "assumed"
    said = phrase(
        "What a bot settles is told, not measured: {low} to {high} of questions ({source}; {verdict}). How many experts there "
        "would be in the evening is assumed.",
        low=low, high=high, source=row["survey"] or phrase("a vendor"), verdict=phrase(row["verdict"]),
    )  # fmt: skip
    finding = phrase("A bot settles {low} to {high} of questions, it is said", low=low, high=high)
    return Exhibit(finding=finding, says=said, kind=kind)


def scenarios(
    table: pd.DataFrame, hours: pd.DataFrame, *, redials_measured: bool = False, place: str = ""
) -> Exhibit:  # fmt: skip
    """The day as it is beside what would change it (``queueing.scenario_table``); assumed.

    ``hours`` is ``queueing.agents_in_effect``; ``redials_measured``: whether the log tells who calls again.
    """
    now, others = table.iloc[0], table.iloc[1:]
    best = others.loc[others["share_left_of_asked"].idxmin()]
    between = "" if pd.isna(best["lower"]) else f" ({format_interval(best['lower'], best['upper'], 'share')})"
    finding = phrase(
        "As it is {now} of all who ask give up; {scenario}: {then}, {fewer} fewer people",
        now=_share(now["share_left_of_asked"]), scenario=_scenario(best), then=_share(best["share_left_of_asked"]),
        fewer=f"{_share(best['fewer_left_share'])}{between}",
    )  # fmt: skip
    missed = hours.loc[hours["missed"].abs() > _NOTICED, "missed"]
    share = _share(now["redial_share"])
    again = (
        phrase(
            "A call that is answered is not made again: {share} of those who give up call again because of it (measured: by so "
            "much more often they call again than those who were answered, taken as caused).", share=share,
        )
        if redials_measured
        else phrase(
            "A call that is answered is not made again: {share} of those who give up call again because of it (assumed).",
            share=share,
        )
    )  # fmt: skip
    says = [
        phrase("The first row is the log's own, hour by hour."), _misses(missed, minutes_of(hours)), again,
        phrase("In brackets: 95 % interval, the day is the unit; it does not know how wrong what is assumed may be."),
    ]  # fmt: skip
    return Exhibit(
        finding=finding, says=f"### {finding}\n\n{' '.join(filter(None, says))}", table=table, kind="assumed",
        shown=table.assign(scenario=[_scenario(row) for _, row in table.iterrows()]),
        caption=phrase("A day in each scenario, {place}", place=place),
    )  # fmt: skip


def _scenario(row: pd.Series) -> str:
    """What a scenario is called: those of ``queueing.usual_scenarios`` in the language of the report."""
    values = {"share": f"{row['contained_share']:.0%}", "experts": row["evening_experts"]}
    names = ("as it is", "a bot settles {share}", "{experts} more in the evening", "bot at its high, and the evening")
    return next((phrase(name, **values) for name in names if name.format(**values) == row["scenario"]), row["scenario"])


def _misses(missed: pd.Series, minutes: int) -> str:
    if missed.empty:
        return ""
    return phrase(
        "In {hours} nobody gave up: no team explains that, and nobody is saved there.",
        hours=_intervals(len(missed), minutes),
    )


def _load_finding(ranks: pd.DataFrame, minutes: int) -> str:
    """When most contacts come and most people give up, as far as days tell hours apart."""
    load, lost = (
        standing(ranks[ranks["ranked"] == name], lambda row: clock(row["hour"], minutes))
        for name in ("contacts", "people")
    )
    if load is None or lost is None:
        return phrase("Too few contacts to tell the hours apart")
    came = phrase("No hour stands out by its contacts")
    if load.clear:
        came = phrase("Most contacts come from {hour}", hour=load.name)
    if not lost.first["left"]:
        return phrase("{came}; nobody gave up", came=came)
    part = _share(lost.first["left"] / lost.first["asked"])
    if lost.clear:
        return phrase(
            "{came}; most people give up from {hour}, {share} of those who ask then",
            came=came,
            hour=lost.name,
            share=part,
        )
    return phrase("{came}; no hour stands out by those who give up", came=came)


def _promise_price(promises: pd.DataFrame) -> str:
    """What it takes and saves to halve the slowest hour's wait."""
    today = promises[promises["today"]].iloc[0]
    shorter = promises[~promises["today"]]
    halved = shorter[shorter["slowest_hour_s"] <= today["slowest_hour_s"] / 2]
    near = (shorter if halved.empty else halved).iloc[-1]
    more = near["agent_hours_per_day"] - today["agent_hours_per_day"]
    between = "" if pd.isna(near["lower"]) else f" ({format_interval(near['lower'], near['upper'], 'share')})"
    return phrase(
        "Within {wait} in every hour: {more} more agent hours a day, {fewer} fewer give up",
        wait=format_duration(near["slowest_hour_s"]), more=format_number(more, 0),
        fewer=f"{_share(near['fewer_left_share'])}{between}",
    )  # fmt: skip


def minutes_of(hours: pd.DataFrame) -> int:
    """By what the day is cut, minutes: the table has one row for each."""
    return round(24 * 60 / len(hours))


def _timed(table: pd.DataFrame, minutes: int) -> pd.DataFrame:
    """With the time as a clock says it, where the day is cut finer than hours."""
    return table if minutes == 60 else table.assign(hour=[clock(hour, minutes) for hour in table["hour"]])


def _intervals(n: int, minutes: int) -> str:
    number = counted(n).lower()
    if minutes == 60:
        return phrase("one hour") if n == 1 else phrase("{number} hours", number=number)
    if n == 1:
        return phrase("one interval of {minutes} min", minutes=minutes)
    return phrase("{number} intervals of {minutes} min", number=number, minutes=minutes)


def _share(value: float) -> str:
    return format_value(value, "share")
