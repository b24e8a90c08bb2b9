"""A contact log with a known truth: who comes, how long they would wait, and how long the queue makes them wait."""

from __future__ import annotations

import heapq
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import log_ndtr

from cxresearch.simulate.contact_truth import CONTACT_TRUTH, ChannelTruth, ContactTruth, scale_and_hazard_before

DEFAULT_SEED = 20_220_730
HOUR_S = 3_600
DAY_S = 86_400
HOURS_OF_WEEK = 168
PASSES = 12  # each leaves about a tenth of the error of the one before
# Durations are whole seconds in 64 bits; a patience of centuries stands for "never leaves".
LONGEST_S = 10_000_000_000


def simulate_contacts(
    *,
    start: str | pd.Timestamp,
    months: int = 13,
    contacts: int = 200_000,
    rng: np.random.Generator,
    truth: ContactTruth = CONTACT_TRUTH,
) -> pd.DataFrame:
    """Simulate a contact log of whole months in which the patience of everybody is known. It is SIMULATED throughout.

    Parameters
    ----------
    start : first day of the first month, such as ``"2024-06-01"``
    months : whole calendar months; the log ends with the last of them
    contacts : rows, exactly
    rng : the same state gives the same rows
    truth : what is drawn from

    Returns
    -------
    DataFrame, one row a contact in order of ``opened_at``: the canonical columns and ``simulated``
        ``contact_id``, ``customer_key``, ``channel``, ``queue``, ``outcome`` (answered, abandoned, deflected, open)
        and ``reply`` (none, unhelpful, helpful; missing while open) are text; ``opened_at`` local time in seconds,
        without daylight saving; ``queued`` bool (False: answered at once, wait 0); ``wait_s``, ``promised_s``
        (missing: no promise), ``handle_s`` (missing: not answered by a person) whole seconds as float; ``value`` money
        a year of the customer; ``simulated`` True in every row.

    Patience is Weibull by channel and topic; ``true_patience_survival`` is its law. It depends on no hour and no
    load. Phone and chat take nobody while they are closed. The wait on offer comes from a first-come, first-served queue of each channel with the agents of
    ``planned_agents``, less who is missing; who leaves is served no more and shortens it for the others, and may call
    again within the hour. An agent ends a talk begun before the shift's end. The clock ticks once a second: patience and offered wait are rounded up before
    they are compared, and a tie counts as leaving, which is Kaplan-Meier's convention. A contact without an end by the
    end of the log is open. On email and social, abandoned means given up waiting or gone elsewhere.

    Not in it: patience that changes with the hour or with what was waited before, seasons, holidays.
    Raises ValueError for a start that is not the first of a month, counts below 1, and a truth that is no law.
    """
    plan = planned_contacts(start=start, months=months, contacts=contacts, truth=truth)
    first = pd.Timestamp(start)
    days = int(plan["day"].nunique())
    end_s = days * DAY_S
    opened_s, channel = _arrivals(plan, days, contacts, truth, rng)
    customers = max(1, round(contacts / truth.contacts_per_customer))
    customer = _draw(rng.gamma(1.0, size=customers), contacts, rng)
    topic = _draw_topics(opened_s // DAY_S, plan["day"].unique(), months, truth, rng)
    # Two normals, one of the customer and one of the contact: the law of a single patience stays exact.
    own, shared = math.sqrt(1 - truth.customer_correlation), math.sqrt(truth.customer_correlation)
    score = own * rng.standard_normal(contacts) + shared * rng.standard_normal(customers)[customer]

    promised = np.full(contacts, np.nan)
    wait = np.zeros(contacts, dtype=np.int64)
    answered_s = np.zeros(contacts, dtype=np.int64)
    outcome = np.full(contacts, "answered", dtype=object)
    agents = planned_agents(start=start, months=months, contacts=contacts, truth=truth)
    for code, one in enumerate(truth.channels):
        rows = np.flatnonzero(channel == code)
        promised[rows] = _draw_promises(one, rows.size, rng)
        hazard = -log_ndtr(-score[rows])
        by_topic = np.stack([_patience(hazard, one, promised[rows], ratio, truth) for _, ratio in truth.queue_patience])
        triage = _whole_seconds(one.triage_median_s * np.exp(one.triage_log_sd * rng.standard_normal(rows.size)))
        handle = np.maximum(1, _log_normal(one.handle_mean_s, one.handle_log_sd, rows.size, rng).astype(np.int64))
        bot = rng.random(rows.size) < one.bot_share
        bot_s = np.maximum(1, _whole_seconds(one.bot_mean_s * rng.standard_exponential(rows.size)))
        planned = _agents_by_hour(agents[agents["channel"] == one.name], first, days)
        asked = Asked(
            ready_s=opened_s[rows] + triage,
            leaves_after_s=by_topic - triage,
            topic=topic[rows],
            handle_s=handle,
            bot_s=np.where(bot, bot_s, -1),
            again_s=_redials(rows.size, truth, rng) if one.live else np.full(rows.size, -1),
        )
        on_duty = _on_duty(_at_work(planned, one, first, months, truth, rng), planned)
        ready, waited, source = _all_rows_served(asked, on_duty, planned > 0, rng)
        opened_s[rows] = ready - triage
        customer[rows], topic[rows] = customer[rows][source], topic[rows][source]
        patience = by_topic[topic[rows], np.arange(rows.size)]
        offered = triage + waited
        stays = offered < patience
        wait[rows] = np.minimum(offered, patience)
        outcome[rows] = np.where(stays, np.where(bot, "deflected", "answered"), "abandoned")
        answered_s[rows] = handle
    still_open = opened_s + wait > end_s
    wait[still_open] = end_s - opened_s[still_open]
    outcome[still_open] = "open"

    value = _log_normal(truth.value_mean, truth.value_log_sd, customers, rng).round(2)
    log = pd.DataFrame(
        {
            "customer_key": _labels("simulated-customer-", customer + 1),
            "channel": _words([c.name for c in truth.channels], channel),
            "queue": _words([name for name, _ in truth.queues], topic),
            "opened_at": (np.datetime64(first, "s") + opened_s.astype("timedelta64[s]")).astype("datetime64[us]"),
            "queued": ~((wait == 0) & (outcome == "answered")),
            "wait_s": wait.astype(float),
            "outcome": pd.array(outcome, dtype="str"),
            "promised_s": promised,
            "handle_s": np.where(outcome == "answered", answered_s, np.nan),
            "reply": pd.array(_replies(outcome, wait, promised, truth, rng), dtype="str"),
            "value": value[customer],
            "simulated": True,
        }
    ).iloc[np.argsort(opened_s, kind="stable")]
    log = log.reset_index(drop=True)
    log.insert(0, "contact_id", _labels("sim-", np.arange(1, contacts + 1)))
    return log


def planned_contacts(
    *, start: str | pd.Timestamp, months: int = 13, contacts: int = 200_000, truth: ContactTruth = CONTACT_TRUTH
) -> pd.DataFrame:
    """Contacts expected in each hour, before good and bad days: DataFrame ``day, channel, hour, contacts``.

    ``day`` is midnight of the day; ``contacts`` (float) adds up to the number asked for, redials among them. Errors as in
    ``simulate_contacts``.
    """
    first = _check(start, months, contacts)
    day = pd.date_range(first, first + pd.DateOffset(months=months), inclusive="left", unit="us")
    month = (day.year - first.year) * 12 + day.month - first.month
    grown = np.maximum(0, month.to_numpy() - (months - truth.growing_months) + 1)
    by_day = np.array(truth.day_weights)[day.day_of_week] * (1 + truth.growth_per_month) ** grown
    hours = np.array([truth.weekday_hour_weights, truth.weekend_hour_weights])
    share = np.array([c.share for c in truth.channels])
    # A closed line takes no contact; the others of its day come while it is open, and each channel keeps its share.
    hours = hours[:, None, :] * np.stack([_duty(c) > 0 if c.live else np.ones((2, 24)) for c in truth.channels], axis=1)
    by_hour = hours / np.maximum(hours.sum(axis=2, keepdims=True), np.finfo(float).tiny)
    by_hour = by_hour[(day.day_of_week >= 5).astype(int)]
    weight = by_day[:, None, None] * by_hour
    weight *= share[None, :, None] / weight.sum(axis=(0, 2), keepdims=True)
    cells = pd.MultiIndex.from_product([day, [c.name for c in truth.channels], range(24)])
    plan = cells.to_frame(index=False, name=["day", "channel", "hour"])
    plan["contacts"] = contacts * (weight / weight.sum()).ravel()
    return plan


def planned_agents(
    *, start: str | pd.Timestamp, months: int = 13, contacts: int = 200_000, truth: ContactTruth = CONTACT_TRUTH
) -> pd.DataFrame:
    """Who is on duty: DataFrame ``channel, weekend, hour, arrivals_per_h, agents``.

    ``arrivals_per_h`` is the plan's mean over the whole log. The full team is the planned work of a week over its
    hours of duty and the channel's ``occupancy``, rounded, at least 1; a shift has its share of it, rounded, at
    least 1; outside every shift there is nobody. The same in all months: the teams do not grow with the load, and nobody
    is missing yet.
    """
    plan = planned_contacts(start=start, months=months, contacts=contacts, truth=truth)
    plan["weekend"] = plan["day"].dt.day_of_week >= 5
    table = plan.groupby(["channel", "weekend", "hour"], sort=False, as_index=False)["contacts"].sum()
    days = plan.groupby("weekend")["day"].nunique()
    table["arrivals_per_h"] = table["contacts"] / table["weekend"].map(days)
    table["agents"] = 0
    for one in truth.channels:
        mine = table["channel"] == one.name
        on = _duty(one)
        weekly_duty_h = 5 * on[0].sum() + 2 * on[1].sum()
        weekly_work_h = 7 / days.sum() * table.loc[mine, "contacts"].sum() * one.handle_mean_s / HOUR_S
        team = max(1, round(weekly_work_h * (1 - one.bot_share) / (weekly_duty_h * one.occupancy)))
        part = on[table.loc[mine, "weekend"].astype(int), table.loc[mine, "hour"]]
        table.loc[mine, "agents"] = np.where(part > 0, np.maximum(1, np.rint(team * part)), 0).astype(int)
    return table[["channel", "weekend", "hour", "arrivals_per_h", "agents"]]


def default_log(path: str | Path, *, end_month: str) -> Path:
    """Write the log that reports use when none is given: 13 whole months up to and with ``end_month`` ("2025-06").

    200,000 contacts of ``CONTACT_TRUTH``, seed ``DEFAULT_SEED``; the same month gives the same bytes with the same
    versions of numpy, pandas and pyarrow. The file appears whole or not at all; its folder must exist.
    """
    try:
        last = pd.Period(end_month, freq="M")
    except ValueError as error:
        raise ValueError(f"end_month should be a month such as '2025-06'; got {end_month!r}.") from error
    if str(last) != end_month:
        raise ValueError(f"end_month should be a month such as '2025-06'; got {end_month!r}.")
    frame = simulate_contacts(start=(last - 12).start_time, rng=np.random.default_rng(DEFAULT_SEED))
    path = Path(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        frame.to_parquet(aside, index=False)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return path


def _check(start: str | pd.Timestamp, months: int, contacts: int) -> pd.Timestamp:
    """The first day; ValueError for a start or a size that cannot be simulated."""
    first = pd.Timestamp(start)
    if pd.isna(first) or first.tz is not None or first != first.to_period("M").start_time:
        raise ValueError(f"start must be the first day of a month, such as '2024-06-01'; got {start!r}.")
    if months < 1 or contacts < 1:
        raise ValueError(f"need months >= 1 and contacts >= 1; got {months} and {contacts}.")
    return first


def _arrivals(
    plan: pd.DataFrame, days: int, contacts: int, truth: ContactTruth, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Seconds since the start of the log, ascending, and the number of the channel."""
    weight = plan["contacts"].to_numpy().reshape(days, -1)
    # Neighbouring days are alike (an autoregression of order 1); every day has the same spread.
    mood = rng.standard_normal(days)
    for day_number in range(1, days):
        mood[day_number] *= math.sqrt(1 - truth.day_correlation**2)
        mood[day_number] += truth.day_correlation * mood[day_number - 1]
    weight = weight * np.exp(truth.day_log_sd * mood)[:, None]
    counts = rng.multinomial(contacts, weight.ravel() / weight.sum())
    day, channel, hour = np.unravel_index(np.repeat(np.arange(counts.size), counts), (days, len(truth.channels), 24))
    opened_s = day * DAY_S + hour * HOUR_S + rng.integers(0, HOUR_S, contacts)
    order = np.argsort(opened_s, kind="stable")
    return opened_s[order], channel[order]


class Asked(NamedTuple):
    """The contacts of a channel, one place a contact. Those that turn out to be redials take over time and topic."""

    ready_s: np.ndarray  # seconds from the start of the log until an agent can take it
    leaves_after_s: np.ndarray  # topics x contacts: seconds from ready until the customer gives up
    topic: np.ndarray
    handle_s: np.ndarray
    bot_s: np.ndarray  # -1: asks for an agent
    again_s: np.ndarray  # from giving up to the next call; -1: none


def _all_rows_served(
    asked: Asked, on_duty: np.ndarray, takes: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``_served`` with as many first contacts as leave room for exactly the redials that they bring about.

    Every pass sets as many places aside as redials came in the one before. Where no number fits, which happens where
    one contact more is one redial less, the last calls of the log are not made again.
    """
    order, firsts = rng.permutation(asked.ready_s.size), asked.ready_s.size
    best, fewest_lost = None, math.inf
    for _ in range(PASSES):
        *served, unused, lost = _served(asked, order, firsts, on_duty, takes)
        if not unused and lost < fewest_lost:
            best, fewest_lost = served, lost
        if unused == lost == 0:
            break
        firsts += unused - lost
    assert best is not None, "the first pass has no room for a redial, and leaves no place unused"
    return best[0], best[1], best[2]


def _served(
    asked: Asked, order: np.ndarray, firsts: int, on_duty: np.ndarray, takes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, int]:
    """One queue, first come first served: ``ready_s, waited_s, source, unused, lost``.

    The first ``firsts`` places of ``order`` come by themselves; the others are there for who calls again, in the hours
    that ``takes`` allows. ``waited_s`` is the time from ready to an agent or the bot's answer, whether or not the contact
    stays that long; ``source`` the place of the customer's first try, ``unused`` the places that no redial took, ``lost``
    the redials without a place. ``on_duty`` (agents x hours) holds the hours until that agent's next hour on duty, 0 when
    on duty; its last week repeats. One heap of the agents by the time they are free is the whole queue: who will have
    left by then takes nobody's time.
    """
    first = order[:firsts]
    turns = first[np.argsort(asked.ready_s[first], kind="stable")].tolist()
    spare = order[firsts:].tolist()
    ready_s, handle_s, bot_s, again_s = (
        a.tolist() for a in (asked.ready_s, asked.handle_s, asked.bot_s, asked.again_s)
    )
    leaves_after_s, topic, hours_until, is_open = (
        a.tolist() for a in (asked.leaves_after_s, asked.topic, on_duty, takes)
    )
    hours = on_duty.shape[1]
    source, waited_s = list(range(len(ready_s))), [0] * len(ready_s)
    free = [(0, agent) for agent in range(len(hours_until))]
    again: list[tuple[int, int]] = []
    turn, lost = 0, 0
    while turn < len(turns) or again:
        if again and (turn == len(turns) or again[0][0] < ready_s[turns[turn]]):
            _, row = heapq.heappop(again)
        else:
            row = turns[turn]
            turn += 1
        ready = ready_s[row]
        leaves_after = leaves_after_s[topic[source[row]]][row]
        waited = bot_s[row]
        if waited < 0:
            while True:
                free_s, agent = free[0]
                begin = max(free_s, ready)
                hour = begin // HOUR_S
                ahead = hours_until[agent][
                    hour if hour < hours else hours + (hour - hours) % HOURS_OF_WEEK - HOURS_OF_WEEK
                ]
                if not ahead:
                    break
                heapq.heapreplace(free, ((hour + ahead) * HOUR_S, agent))
            waited = begin - ready
            if waited < leaves_after:
                heapq.heapreplace(free, (begin + handle_s[row], agent))
        waited_s[row] = waited
        if waited >= leaves_after and again_s[row] >= 0:
            ready = ready + leaves_after + again_s[row]
            if ready < len(is_open) * HOUR_S and is_open[ready // HOUR_S]:
                if spare:
                    place = spare.pop()
                    ready_s[place], source[place] = ready, source[row]
                    heapq.heappush(again, (ready, place))
                else:
                    lost += 1
    served = (np.array(a, dtype=np.int64) for a in (ready_s, waited_s, source))
    return *served, len(spare), lost  # type: ignore[return-value]


def _duty(one: ChannelTruth) -> np.ndarray:
    """(weekday, weekend) x hours: the share of the full team."""
    on = np.zeros((2, 24))
    for kind, begin, end, part in one.duty:
        on[int(kind == "weekend"), begin:end] = part
    return on


def _agents_by_hour(agents: pd.DataFrame, first: pd.Timestamp, days: int) -> np.ndarray:
    """The agents planned in each hour of the log."""
    by_day = agents.set_index(["weekend", "hour"])["agents"]
    kinds = [by_day[False].to_numpy(), by_day[True].to_numpy()]
    return np.concatenate([kinds[(first.day_of_week + d) % 7 >= 5] for d in range(days)])


def _at_work(
    planned: np.ndarray,
    one: ChannelTruth,
    first: pd.Timestamp,
    months: int,
    truth: ContactTruth,
    rng: np.random.Generator,
) -> np.ndarray:
    """The agents that are there: who is missing, and on a live channel who stays until the line is empty."""
    there = planned - np.repeat(rng.random(planned.size // 24) < truth.absence, 24)
    month = first + pd.DateOffset(months=months - truth.bad_week_month)
    monday = (month - first).days + (-month.day_of_week) % 7
    if monday >= 0:
        week = slice(monday * 24, monday * 24 + HOURS_OF_WEEK)
        there[week] = np.rint(planned[week] * (1 - truth.bad_week_missing))
    there = np.where(planned > 0, np.maximum(1, there), 0)
    if one.live:
        # Nobody new comes in a closed hour, so one more hour serves those who were waiting at the end.
        there[1:] = np.where(there[1:] == 0, there[:-1], there[1:])
    return there


def _on_duty(there: np.ndarray, planned: np.ndarray) -> np.ndarray:
    """Agents x hours of the log and one planned week more: hours until the next hour on duty."""
    days = there.size // 24
    # The week that follows the log has the weekdays of the log's last weeks.
    there = np.concatenate([there, planned[np.arange(HOURS_OF_WEEK) + ((days - 7) * 24)]])
    ahead = np.zeros((there.max(), there.size), dtype=np.int64)
    hours = np.arange(there.size)
    for agent in range(there.max()):
        turns = np.flatnonzero(there > agent)
        turns = np.append(turns, turns[turns >= there.size - HOURS_OF_WEEK] + HOURS_OF_WEEK)
        ahead[agent] = turns[np.searchsorted(turns, hours)] - hours
    return ahead


def _redials(size: int, truth: ContactTruth, rng: np.random.Generator) -> np.ndarray:
    """Seconds from giving up to the next call, within the hour; -1 for who does not call again."""
    share, within = rng.random(size), -math.expm1(-HOUR_S / truth.redial_mean_s)
    delay = _whole_seconds(-truth.redial_mean_s * np.log1p(-within * rng.random(size)))
    return np.where(share < truth.redial_share, np.maximum(1, delay), -1)


def _draw_topics(
    day: np.ndarray, days: pd.DatetimeIndex, months: int, truth: ContactTruth, rng: np.random.Generator
) -> np.ndarray:
    """The number of each contact's topic: the shares move in equal steps over the last months."""
    days = pd.DatetimeIndex(days)
    month = (days.year - days[0].year) * 12 + days.month - days[0].month
    step = np.maximum(0, month.to_numpy() - (months - truth.mix_months) + 1)[day, None] / truth.mix_months
    begin, end = (np.array([share for _, share in queues]) for queues in (truth.queues, truth.queues_at_end))
    edges = np.cumsum(begin + step * (end - begin), axis=1)
    return (rng.random(day.size)[:, None] >= edges[:, :-1]).sum(axis=1)


def _patience(
    hazard: np.ndarray, one: ChannelTruth, promised_s: np.ndarray, ratio: float, truth: ContactTruth
) -> np.ndarray:
    """Whole seconds until each contact leaves: where its cumulative hazard reaches a standard exponential."""
    scale, before = scale_and_hazard_before(promised_s, ratio, one, truth)
    late = np.maximum(hazard - before, 0)
    base = hazard - late + late / truth.broken_promise_hazard_ratio
    return np.maximum(1, _whole_seconds(scale * base ** (1 / one.patience_shape)))


def _whole_seconds(seconds: np.ndarray) -> np.ndarray:
    """Rounded up to the tick of the clock."""
    return np.ceil(np.minimum(seconds, LONGEST_S)).astype(np.int64)


def _log_normal(mean: float, log_sd: float, size: int, rng: np.random.Generator) -> np.ndarray:
    return mean * np.exp(log_sd * rng.standard_normal(size) - log_sd**2 / 2)


def _draw(weights: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Row numbers drawn in proportion to the weights."""
    edges = np.cumsum(weights)
    return np.minimum(np.searchsorted(edges, rng.random(size) * edges[-1], side="right"), len(weights) - 1)


def _draw_promises(one: ChannelTruth, size: int, rng: np.random.Generator) -> np.ndarray:
    promises = np.array([math.nan if promise is None else promise for promise, _ in one.promises])
    return promises[_draw(np.array([share for _, share in one.promises]), size, rng)]


def _replies(
    outcome: np.ndarray, wait: np.ndarray, promised_s: np.ndarray, truth: ContactTruth, rng: np.random.Generator
) -> np.ndarray:
    """helpful or unhelpful by lot for who got a reply, none for who left, missing while open."""
    person = np.where(wait <= promised_s, truth.helpful_kept, truth.helpful_missed)
    person = np.where(np.isnan(promised_s), truth.helpful_unpromised, person)
    helpful = rng.random(wait.size) < np.where(outcome == "deflected", truth.helpful_bot, person)
    reply = np.where(helpful, "helpful", "unhelpful").astype(object)
    reply[outcome == "abandoned"] = "none"
    reply[outcome == "open"] = None
    return reply


def _words(words: Sequence[str], number: np.ndarray) -> pd.api.extensions.ExtensionArray:
    return pd.array(np.array(words, dtype=object)[number], dtype="str")


def _labels(prefix: str, numbers: np.ndarray) -> pd.api.extensions.ExtensionArray:
    """prefix-000123, as wide as the largest number."""
    width = len(str(numbers.max()))
    return pd.array([f"{prefix}{number:0{width}d}" for number in numbers.tolist()], dtype="str")
