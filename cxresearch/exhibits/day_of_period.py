"""The day of a period: its load, the team that explains its losses, and the exhibits of what would change them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxresearch import evidence, patience, queueing, survival
from cxresearch.contacts import LogError, PeriodLog
from cxresearch.exhibits import day
from cxresearch.exhibits.exhibit import Exhibit, Exhibits, nothing
from cxresearch.exhibits.forecasts import arrivals_forecast, expected_next, headline_forecast, headlines_ahead
from cxresearch.exhibits.headlines import headline_table
from cxresearch.exhibits.ranking import opening
from cxresearch.exhibits.waiting import FEW, week_in_words
from cxresearch.figures import Before
from cxresearch.impact import DECISION, assumption_values, impact, load_assumptions
from cxresearch.risk_table import ranked_by_day, ranked_losses
from cxresearch.style import phrase

BOT_CLAIM = "C002-08"  # the quoted share of questions that a bot settles
MOST_REDIALS = 0.95  # with all of them a lost call would never end


@dataclass(frozen=True)
class Day:
    """The mean day of a period, on chosen weekdays.

    ``label`` is the period's, ``place`` says the weekdays too. ``days`` with contacts, on ``weekdays``, were counted.
    ``hours`` is ``queueing.day_table``, ``by_day`` the days behind it, ``team`` the same with the agents in effect
    (``queueing.agents_in_effect``), ``waits`` the risk table by day and ``curve`` its patience; None where ``why`` says why
    not. ``ranks`` is the hours ranked by ``contacts``, ``people`` lost and ``share`` of those who asked, days as the unit.
    ``later`` is ``patience.later_contacts`` of all weekdays; None where the log has no rows. ``before`` is the load of the
    period before.
    """

    label: str
    place: str
    kind: str
    days: int
    weekdays: tuple[int, ...]
    hours: pd.DataFrame | None
    by_day: pd.DataFrame
    waits: pd.DataFrame | None
    curve: pd.DataFrame | None
    team: pd.DataFrame | None
    ranks: pd.DataFrame | None
    later: pd.DataFrame | None
    why: str
    before: Before | None = None


def day_of(mine: PeriodLog, *, weekdays: Sequence[int] = (), interval_min: int = 60) -> Day:
    """The mean day of a period on ``weekdays`` (1 Monday to 7 Sunday; none: those that the log is fully open on).

    ``interval_min`` is 15, 30 or 60 minutes: by what the day is cut. Raises ValueError for any other.
    """
    week = mine.calendar
    chosen = tuple(weekdays) or tuple(week.loc[week["fully_open"], "weekday"])
    days = int(week.loc[week["weekday"].isin(chosen), "days"].sum())
    asked = pd.DataFrame()
    hours = waits = curve = team = ranks = later = None
    why = ""
    if interval_min not in queueing.INTERVALS_MIN:
        raise ValueError(f"interval_min is one of {', '.join(map(str, queueing.INTERVALS_MIN))}; got {interval_min!r}.")
    try:
        if not mine.times_known:
            raise ValueError(phrase("the log has dates without a time of day, so nothing is said of hours"))
        if not days:
            raise ValueError(phrase("no weekday is fully open, or none of those chosen has a day with contacts"))
        asked = queueing.asked_by_interval(mine, interval_min)
        asked = asked[asked["weekday"].isin(chosen)]
        counts = asked.rename(columns={"contacts": "asked"})
        ranks = pd.concat([
            ranked_by_day(counts, by="hour", top="asked", below="asked", ratio=False).assign(ranked="contacts"),
            ranked_losses(counts, by="hour", base="asked"),
        ])  # fmt: skip
        hours = queueing.day_table(asked, days=days, interval_min=interval_min)
        if not mine.cells["queued"].any():
            raise ValueError(phrase("nobody queued, so there is no team to work back"))
        waits = mine.waits("day")
        if not (waits["outcome"] == "abandoned").any():
            raise ValueError(phrase("nobody gave up, so no number of agents explains the losses"))
        curve = survival.kaplan_meier(mine.waits())
        team = queueing.agents_in_effect(hours, patience=curve)
        if not (team["agents"] > 0).any():
            team, why = None, phrase("no hour with thirty contacts has an agent in effect")
    except ValueError as refusal:
        why = str(refusal)
    try:
        later = patience.later_contacts(mine.contacts) if mine.times_known else None
    except LogError:  # only counts were kept of some days
        later = None
    place = f"{mine.label}, {week_in_words(chosen)}"
    why = phrase("The day cannot be modelled: {why}", why=why) if why else ""
    before = _load_before(mine, chosen, interval_min) if hours is not None else None
    return Day(mine.label, place, mine.kind, days, chosen, hours, asked, waits, curve, team, ranks, later, why, before)


def _load_before(mine: PeriodLog, weekdays: Sequence[int], interval_min: int) -> Before | None:
    """Contacts an hour in the period before, on the same weekdays; None where there is none, or nothing of them."""
    log = mine.previous
    if log is None or not log.times_known:
        return None
    days = int(log.calendar.loc[log.calendar["weekday"].isin(weekdays), "days"].sum())
    try:
        asked = queueing.asked_by_interval(log, interval_min)
        hours = queueing.day_table(asked[asked["weekday"].isin(weekdays)], days=days, interval_min=interval_min)
    except ValueError:  # none of these weekdays, or only counts were kept of them
        return None
    return Before(log.period.label, day.told_load(hours, days))


def forecast_check(month: PeriodLog, *, channel: str) -> Exhibits:
    """What the period before let one expect of this one, beside what came; and what is expected next.

    Contacts by day and by hour beside rules that need no model (``queueing.forecast_scores``), and the headlines.
    """
    mine = month.only(channel=channel)
    ahead = _expected_next(mine)
    if month.previous is None or mine.previous is None:
        return Exhibits(
            [
                nothing(
                    phrase(
                        "There is nothing before {period} that could have said what to expect",
                        period=month.period.label,
                    )
                ),
                ahead,
            ]
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
        why = phrase("{before} cannot say what to expect of a day: {why}", before=opening(before), why=refusal)
        return Exhibits([nothing(why), said, ahead])
    if by_day.empty:
        why = phrase("{before} has none of the weekdays of {period}", before=opening(before), period=month.period.label)
        return Exhibits([nothing(why), said, ahead])
    scores = [
        queueing.forecast_scores(by_day, queueing.naive_arrivals(seen.drop(columns="hour"), days), came),
        queueing.forecast_scores(by_hour, queueing.naive_arrivals(seen, days), came),
    ]
    for table, what in zip(scores, ("day", "hour"), strict=True):
        table.insert(0, "counted_by", what)
    scored = queueing.scored_days(by_day, came)
    shown = arrivals_forecast(
        scored,
        pd.concat(scores, ignore_index=True),
        before=before,
        unsaid=len(days) - len(scored),
        missing=mine.missing_days,
        **told,
    )
    return shown + Exhibits([said, ahead])


def _expected_next(mine: PeriodLog) -> Exhibit:
    week = pd.date_range(mine.period.end, periods=7)
    try:
        ahead = queueing.arrivals_ahead(mine.asked(("day", "weekday")), week)
    except ValueError as refusal:
        return nothing(
            phrase("What to expect after {period} cannot be said: {why}", period=mine.period.label, why=refusal)
        )
    return expected_next(ahead, now=mine.period.label, kind=mine.kind)


def day_load(one: Day) -> Exhibit:
    """Contacts an hour, and those who gave up."""
    if one.hours is None or one.ranks is None:
        return nothing(one.why)
    return day.day_load(one.hours, ranks=one.ranks, days=one.days, before=one.before, place=one.place, kind=one.kind)


def staffing(one: Day, *, most_abandoned: float) -> Exhibit:
    """Agents that look as if they were there, and those that would keep the loss at most ``most_abandoned``, day by day."""
    if one.team is None or one.curve is None:
        return nothing(one.why)
    try:
        table = queueing.staffing_over_days(one.team, one.by_day, patience=one.curve, most_abandoned=most_abandoned)
    except ValueError as refusal:
        return nothing(phrase("How many agents would be needed cannot be said: {why}", why=refusal))
    return day.staffing(table, hours=one.team, most_abandoned=most_abandoned, place=one.place, kind=one.kind)


def busiest_hour_team(one: Day, *, most_abandoned: float, replicates: int, rng: np.random.Generator) -> Exhibit:
    """The team of the busiest hour, from day to day, and how sure its patience is."""
    if one.team is None or one.waits is None or one.curve is None or one.ranks is None:
        return nothing(one.why)
    row = one.team.loc[[one.team["arrivals_per_h"].idxmax()]]
    try:
        table = queueing.staffing_over_days(row, one.by_day, patience=one.curve, most_abandoned=most_abandoned)
        needed = queueing.agents_needed_interval(
            arrivals_per_h=float(row["arrivals_per_h"].iloc[0]), handle_time_s=float(row["handle_time_s"].iloc[0]),
            patience=one.curve, target=queueing.Target(abandon=most_abandoned),
            replicates=_other_days(one.waits, replicates, rng),
        )  # fmt: skip
    except ValueError as refusal:
        return nothing(phrase("The team of the busiest hour cannot be worked out: {why}", why=refusal))
    return day.busiest_hour_team(
        table.iloc[0], needed.iloc[0], ranks=one.ranks, minutes=day.minutes_of(one.team), most_abandoned=most_abandoned,
        place=one.place, kind=one.kind,
    )  # fmt: skip


def _other_days(waits: pd.DataFrame, replicates: int, rng: np.random.Generator) -> Iterator[pd.DataFrame]:
    """Patience curves of as many days, drawn again from those that there are."""
    member, days = pd.factorize(waits["day"])
    for _ in range(replicates):
        drawn = rng.multinomial(len(days), np.full(len(days), 1 / len(days)))
        sample = waits.assign(contacts=waits["contacts"] * drawn[member]).drop(columns="day")
        yield survival.kaplan_meier(sample.groupby(["duration_s", "outcome"], as_index=False)["contacts"].sum())


def promise_what_if(
    one: Day, *, promises_s: Sequence[float], contact_value: float, currency: str, assumptions_file: str = ""
) -> Exhibit:
    """What each promise takes and saves; the reader moves through them, and sets what is assumed."""
    if one.team is None or one.curve is None:
        return nothing(one.why)
    try:
        promises = queueing.promise_table(one.team, patience=one.curve, promises_s=promises_s, by_day=one.by_day)
    except ValueError as refusal:
        return nothing(phrase("What a promise would take cannot be said: {why}", why=refusal))
    # Nobody replies to a contact that gave up: what it sets off is that of an answer that never comes.
    register = assumption_values(load_assumptions(assumptions_file))
    heard = float(impact(register, reply_s=math.inf, answered_share=0.0)["heard"])
    return day.promise_what_if(
        promises, days=one.days, heard=heard, contact_value=contact_value, currency=currency, place=one.place,
        kind=one.kind,
    )  # fmt: skip


def redials(one: Day) -> Exhibit:
    """Who called again after giving up, how soon, and what became of it, where customers are known."""
    if one.later is None and one.hours is None and one.why:
        return nothing(one.why)
    if one.later is None:
        return nothing(phrase("Who called again cannot be seen: of some days only counts were kept, no rows"))
    try:
        shares = patience.redial_shares(one.later)
    except ValueError as refusal:
        return nothing(phrase("Who called again cannot be seen: {why}", why=refusal))
    return day.redials(shares, one.later, place=one.label, kind=one.kind)


def bot_range() -> Exhibit:
    """What a bot settles, as it is quoted."""
    return day.bot_range(_bot())


def scenarios(one: Day, *, evening_experts: int, redial_share: float | None = None) -> Exhibit:
    """The day as it is beside a bot, and more people in the evening; a call that is answered is not made again.

    ``redial_share``: of those who give up, who call again because of it. None: measured, by how much more often they call
    again within 24 hours than those who were answered; where too few are known, the register's value, ASSUMED.
    """
    if one.team is None or one.curve is None:
        return nothing(one.why)
    bot, measured = _bot(), _more_again(one)
    share = redial_share if redial_share is not None else _redials_assumed() if measured is None else measured
    cases = queueing.usual_scenarios(
        contained=(bot["value"], bot["second_value"]), evening_experts=evening_experts, redial_share=share
    )
    try:
        table = queueing.scenario_table(one.team, cases, patience=one.curve, days=one.days, by_day=one.by_day)
    except ValueError as refusal:
        return nothing(phrase("The scenarios cannot be worked out: {why}", why=refusal))
    seen = redial_share is None and measured is not None
    return day.scenarios(table, one.team, redials_measured=seen, place=one.place)


def _redials_assumed() -> float:
    return assumption_values(load_assumptions(part=DECISION))["redial_share_24h"]


def _more_again(one: Day) -> float | None:
    """By how much more often those who gave up call again; None where too few are known."""
    if one.later is None or (one.later[["followed", "others_followed"]].sum() < FEW).any():
        return None
    shares = patience.redial_shares(one.later).set_index("measure")["estimate"]
    return min(max(float(shares["more_again_24h"]), 0.0), MOST_REDIALS)


def _bot() -> pd.Series:
    return evidence.load_claims().set_index("claim_id").loc[BOT_CLAIM]
