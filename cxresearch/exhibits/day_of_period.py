"""The day of a period: its load, the team that explains its losses, and the exhibits of what would change them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxresearch import evidence, queueing, survival
from cxresearch.contacts import PeriodLog
from cxresearch.exhibits import controls, day
from cxresearch.exhibits.exhibit import Exhibit, Exhibits, nothing
from cxresearch.exhibits.forecasts import arrivals_forecast, expected_next, headline_forecast, headlines_ahead
from cxresearch.exhibits.headlines import headline_table
from cxresearch.exhibits.waiting import week_in_words
from cxresearch.impact import assumption_values, impact, load_assumptions
from cxresearch.risk_table import ranked_by_day, ranked_losses

BOT_CLAIM = "C002-08"  # the quoted share of questions that a bot settles


@dataclass(frozen=True)
class Day:
    """The mean day of a period, on chosen weekdays.

    ``days`` with contacts, on ``weekdays``, were counted. ``hours`` is ``queueing.day_table``, ``team`` the same with the agents in effect
    (``queueing.agents_in_effect``), ``waits`` the risk table and ``curve`` its patience; None where ``why`` says why not.
    ``ranks`` is the hours ranked by ``contacts``, ``people`` lost and ``share`` of those who asked, days as the unit.
    """

    place: str
    kind: str
    days: int
    weekdays: tuple[int, ...]
    hours: pd.DataFrame | None
    waits: pd.DataFrame | None
    curve: pd.DataFrame | None
    team: pd.DataFrame | None
    ranks: pd.DataFrame
    why: str


def day_of(mine: PeriodLog, *, weekdays: Sequence[int] = ()) -> Day:
    """The mean day of a period on ``weekdays`` (1 Monday to 7 Sunday; none: those that the log is fully open on)."""
    week = mine.calendar
    chosen = tuple(weekdays) or tuple(week.loc[week["fully_open"], "weekday"])
    days = int(week.loc[week["weekday"].isin(chosen), "days"].sum())
    asked = mine.asked(("day", "weekday", "hour"))
    asked = asked[asked["weekday"].isin(chosen)].drop(columns=["weekday"])
    by_day = asked.rename(columns={"contacts": "asked"})
    ranks = pd.concat([
        ranked_by_day(by_day, by="hour", top="asked", below="asked", ratio=False).assign(ranked="contacts"),
        ranked_losses(by_day, by="hour", base="asked"),
    ])  # fmt: skip
    hours = waits = curve = team = None
    why = ""
    try:
        hours = queueing.day_table(asked.drop(columns="day").groupby("hour", as_index=False).sum(), days=days)
        if not mine.cells["queued"].any():
            raise ValueError("nobody queued, so there is no team to work back")
        waits = mine.waits()
        if not (waits["outcome"] == "abandoned").any():
            raise ValueError("nobody gave up, so no number of agents explains the losses")
        curve = survival.kaplan_meier(waits)
        team = queueing.agents_in_effect(hours, patience=curve)
        if not team["open"].any():
            team, why = None, "no hour has an agent in effect: everybody left"
    except ValueError as refusal:
        why = str(refusal)
    place = f"{mine.label}, {week_in_words(chosen)}"
    why = f"The day cannot be modelled: {why}" if why else ""
    return Day(place, mine.kind, days, chosen, hours, waits, curve, team, ranks, why)


def forecast_check(month: PeriodLog, *, channel: str) -> Exhibits:
    """What the period before let one expect of this one, beside what came; and what is expected next.

    Contacts by day and by hour beside rules that need no model (``queueing.forecast_scores``), and the headlines.
    """
    mine = month.only(channel=channel)
    ahead = _expected_next(mine)
    if month.previous is None or mine.previous is None:
        return Exhibits(
            [nothing(f"There is nothing before {month.period.label} that could have said what to expect"), ahead]
        )
    before, told = month.previous.period.label, {"place": mine.label, "kind": mine.kind}
    made = headlines_ahead(*(headline_table(log, channel=channel) for log in (month.previous, month)))
    said = headline_forecast(made, before=before, **told)
    seen, came = (log.asked(("day", "weekday", "hour")) for log in (mine.previous, mine))
    days = came["day"].drop_duplicates()
    try:
        by_day = queueing.arrivals_ahead(seen, days)
        by_hour = queueing.arrivals_ahead_by_hour(seen, days)
    except ValueError as refusal:
        return Exhibits([nothing(f"{before} cannot say what to expect of a day: {refusal}"), said, ahead])
    if by_day.empty:
        return Exhibits([nothing(f"{before} has none of the weekdays of {month.period.label}"), said, ahead])
    scores = [
        queueing.forecast_scores(by_day, queueing.naive_arrivals(seen.drop(columns="hour"), days), came),
        queueing.forecast_scores(by_hour, queueing.naive_arrivals(seen, days), came),
    ]
    for table, what in zip(scores, ("day", "hour"), strict=True):
        table.insert(0, "counted_by", what)
    scored = queueing.scored_days(by_day, came)
    shown = arrivals_forecast(
        scored, pd.concat(scores, ignore_index=True), before=before, unsaid=len(days) - len(scored), **told
    )
    return shown + Exhibits([said, ahead])


def _expected_next(mine: PeriodLog) -> Exhibit:
    week = pd.date_range(mine.period.end, periods=7)
    try:
        ahead = queueing.arrivals_ahead(mine.asked(("day", "weekday")), week)
    except ValueError as refusal:
        return nothing(f"What to expect after {mine.period.label} cannot be said: {refusal}")
    return expected_next(ahead, now=mine.period.label, kind=mine.kind)


def day_load(one: Day) -> Exhibit:
    """Contacts an hour, and those who gave up."""
    if one.hours is None:
        return nothing(one.why)
    return day.day_load(one.hours, ranks=one.ranks, days=one.days, place=one.place, kind=one.kind)


def staffing(one: Day, *, most_abandoned: float, replicates: int, rng: np.random.Generator) -> Exhibit:
    """Agents that look as if they were there beside those that would keep the loss at most ``most_abandoned``."""
    if one.team is None or one.waits is None or one.curve is None:
        return nothing(one.why)
    try:
        samples = list(queueing.resampled_curves(one.waits, replicates=replicates, rng=rng))
        table = queueing.staffing_for(one.team, patience=one.curve, most_abandoned=most_abandoned, replicates=samples)
    except ValueError as refusal:
        return nothing(f"How many agents would be needed cannot be said: {refusal}")
    return day.staffing(table, most_abandoned=most_abandoned, replicates=replicates, place=one.place, kind=one.kind)


def busiest_hour_team(one: Day, *, most_abandoned: float, replicates: int, rng: np.random.Generator) -> Exhibit:
    """How sure the team of the busiest hour is."""
    if one.team is None or one.waits is None or one.curve is None:
        return nothing(one.why)
    row = one.team.loc[one.team["arrivals_per_h"].idxmax()]
    try:
        needed = queueing.agents_needed_interval(
            arrivals_per_h=float(row["arrivals_per_h"]), handle_time_s=float(row["handle_time_s"]), patience=one.curve,
            target=queueing.Target(abandon=most_abandoned),
            replicates=queueing.resampled_curves(one.waits, replicates=replicates, rng=rng),
        )  # fmt: skip
    except ValueError as refusal:
        return nothing(f"The team of the busiest hour cannot be worked out: {refusal}")
    return day.busiest_hour_team(
        row, needed.iloc[0], ranks=one.ranks, most_abandoned=most_abandoned, place=one.place, kind=one.kind
    )


def promise_what_if(
    one: Day, *, promises_s: Sequence[float], contact_value: float, currency: str, assumptions_file: str = ""
) -> Exhibit:
    """What each promise takes and saves; the reader moves through them, and sets what is assumed."""
    if one.team is None or one.curve is None:
        return nothing(one.why)
    try:
        promises = queueing.promise_table(one.team, patience=one.curve, promises_s=promises_s, days=one.days)
    except ValueError as refusal:
        return nothing(f"What a promise would take cannot be said: {refusal}")
    # Nobody replies to a contact that gave up: what it sets off is that of an answer that never comes.
    register = assumption_values(load_assumptions(assumptions_file))
    heard = float(impact(register, reply_s=math.inf, answered_share=0.0)["heard"])
    return day.promise_what_if(
        promises, days=one.days, heard=heard, contact_value=contact_value, currency=currency, place=one.place,
        kind=one.kind,
    )  # fmt: skip


def bot_range() -> Exhibit:
    """What a bot settles, as it is quoted."""
    return day.bot_range(_bot())


def scenarios(one: Day, *, evening_experts: int, redial_share: float) -> Exhibit:
    """The day as it is beside a bot, more people in the evening, and customers who call again."""
    if one.team is None or one.curve is None:
        return nothing(one.why)
    bot = _bot()
    cases = queueing.usual_scenarios(
        contained=(bot["value"], bot["second_value"]), evening_experts=evening_experts, redial_share=redial_share
    )
    try:
        table = queueing.scenario_table(one.team, cases, patience=one.curve)
    except ValueError as refusal:
        return nothing(f"The scenarios cannot be worked out: {refusal}")
    return day.scenarios(table, place=one.place)


def day_controls(one: Day) -> Any:
    """Sliders for an analyst in JupyterLab: the bot, the evening team, the redials."""
    return (
        nothing(one.why)
        if one.team is None or one.curve is None
        else controls.day_controls(one.team, patience=one.curve)
    )


def _bot() -> pd.Series:
    return evidence.load_claims().set_index("claim_id").loc[BOT_CLAIM]
