"""A contact log with a known truth: who comes, how long they would wait, and how long the queue makes them wait."""

from __future__ import annotations

import heapq
import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import log_ndtr

from cxresearch.simulate.contact_truth import CONTACT_TRUTH, ChannelTruth, ContactTruth, scale_and_hazard_before

DEFAULT_SEED = 20_220_730
HOUR_S = 3_600
DAY_S = 86_400
HOURS_OF_WEEK = 168
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

    Patience is Weibull by channel; ``true_patience_survival`` is its law. It depends on no hour, no queue and no
    load. The wait on offer comes from a first-come, first-served queue of each channel with the agents of
    ``planned_agents``; who leaves is served no more and shortens it for the others. An agent ends a talk
    begun before the shift's end. The clock ticks once a second: patience and offered wait are rounded up before
    they are compared, and a tie counts as leaving, which is Kaplan-Meier's convention. A contact without an end by the
    end of the log is open. On email and social, abandoned means given up waiting or gone elsewhere.

    Not in it: calling again because of an earlier wait, patience that changes with the hour, seasons, holidays.
    Raises ValueError for a start that is not the first of a month, counts below 1, and a truth that is no law.
    """
    plan = planned_contacts(start=start, months=months, contacts=contacts, truth=truth)
    first = pd.Timestamp(start)
    days = int(plan["day"].nunique())
    end_s = days * DAY_S
    opened_s, channel = _arrivals(plan, days, contacts, truth, rng)
    customers = max(1, round(contacts / truth.contacts_per_customer))
    customer = _draw(rng.gamma(1.0, size=customers), contacts, rng)
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
        patience = _patience(-log_ndtr(-score[rows]), one, promised[rows], truth)
        triage = _whole_seconds(one.triage_median_s * np.exp(one.triage_log_sd * rng.standard_normal(rows.size)))
        handle = np.maximum(1, _log_normal(one.handle_mean_s, one.handle_log_sd, rows.size, rng).astype(np.int64))
        bot = rng.random(rows.size) < one.bot_share
        bot_s = np.maximum(1, _whole_seconds(one.bot_mean_s * rng.standard_exponential(rows.size)))
        on_duty = _on_duty(agents[agents["channel"] == one.name], first)
        offered = triage + _offered_waits(opened_s[rows] + triage, patience - triage, handle, ~bot, on_duty)
        offered[bot] = bot_s[bot]
        stays = offered < patience
        wait[rows] = np.minimum(offered, patience)
        outcome[rows] = np.where(stays, np.where(bot, "deflected", "answered"), "abandoned")
        answered_s[rows] = handle
    still_open = opened_s + wait > end_s
    wait[still_open] = end_s - opened_s[still_open]
    outcome[still_open] = "open"

    value = _log_normal(truth.value_mean, truth.value_log_sd, customers, rng).round(2)
    topics, topic_shares = zip(*truth.queues, strict=True)
    return pd.DataFrame(
        {
            "contact_id": _labels("sim-", np.arange(1, contacts + 1)),
            "customer_key": _labels("simulated-customer-", customer + 1),
            "channel": _words([c.name for c in truth.channels], channel),
            "queue": _words(topics, _draw(np.array(topic_shares), contacts, rng)),
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
    )


def planned_contacts(
    *, start: str | pd.Timestamp, months: int = 13, contacts: int = 200_000, truth: ContactTruth = CONTACT_TRUTH
) -> pd.DataFrame:
    """Contacts expected in each hour, before good and bad days: DataFrame ``day, channel, hour, contacts``.

    ``day`` is midnight of the day; ``contacts`` (float) adds up to the number asked for. Errors as in
    ``simulate_contacts``.
    """
    first = _check(start, months, contacts)
    day = pd.date_range(first, first + pd.DateOffset(months=months), inclusive="left", unit="us")
    month = (day.year - first.year) * 12 + day.month - first.month
    grown = np.maximum(0, month.to_numpy() - (months - truth.growing_months) + 1)
    by_day = np.array(truth.day_weights)[day.day_of_week] * (1 + truth.growth_per_month) ** grown
    hours = np.array([truth.weekday_hour_weights, truth.weekend_hour_weights])
    by_hour = (hours / hours.sum(axis=1, keepdims=True))[(day.day_of_week >= 5).astype(int)]
    share = np.array([c.share for c in truth.channels])
    weight = by_day[:, None, None] * share[None, :, None] * by_hour[:, None, :]
    cells = pd.MultiIndex.from_product([day, [c.name for c in truth.channels], range(24)])
    plan = cells.to_frame(index=False, name=["day", "channel", "hour"])
    plan["contacts"] = contacts * (weight / weight.sum()).ravel()
    return plan


def planned_agents(
    *, start: str | pd.Timestamp, months: int = 13, contacts: int = 200_000, truth: ContactTruth = CONTACT_TRUTH
) -> pd.DataFrame:
    """Who is on duty: DataFrame ``channel, weekend, hour, arrivals_per_h, agents``.

    ``arrivals_per_h`` is the plan's mean over the whole log. The full team is the planned work of a week over its
    hours of duty and the channel's ``occupancy``, rounded, at least 1; a shift has its share of it, rounded down, at
    least 1; outside every shift there is nobody. The same in all months: the teams do not grow with the load.
    """
    plan = planned_contacts(start=start, months=months, contacts=contacts, truth=truth)
    plan["weekend"] = plan["day"].dt.day_of_week >= 5
    table = plan.groupby(["channel", "weekend", "hour"], sort=False, as_index=False)["contacts"].sum()
    days = plan.groupby("weekend")["day"].nunique()
    table["arrivals_per_h"] = table["contacts"] / table["weekend"].map(days)
    table["agents"] = 0
    for one in truth.channels:
        mine = table["channel"] == one.name
        on = np.zeros((2, 24))
        for kind, begin, end, part in one.duty:
            on[int(kind == "weekend"), begin:end] = part
        weekly_duty_h = 5 * on[0].sum() + 2 * on[1].sum()
        weekly_work_h = 7 / days.sum() * table.loc[mine, "contacts"].sum() * one.handle_mean_s / HOUR_S
        team = max(1, round(weekly_work_h * (1 - one.bot_share) / (weekly_duty_h * one.occupancy)))
        part = on[table.loc[mine, "weekend"].astype(int), table.loc[mine, "hour"]]
        table.loc[mine, "agents"] = np.where(part > 0, np.maximum(1, np.floor(team * part)), 0).astype(int)
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
    weight = weight * np.exp(truth.day_log_sd * rng.standard_normal(days))[:, None]
    counts = rng.multinomial(contacts, weight.ravel() / weight.sum())
    day, channel, hour = np.unravel_index(np.repeat(np.arange(counts.size), counts), (days, len(truth.channels), 24))
    opened_s = day * DAY_S + hour * HOUR_S + rng.integers(0, HOUR_S, contacts)
    order = np.argsort(opened_s, kind="stable")
    return opened_s[order], channel[order]


def _offered_waits(
    ready_s: np.ndarray, leaves_after_s: np.ndarray, handle_s: np.ndarray, asks: np.ndarray, on_duty: np.ndarray
) -> np.ndarray:
    """Seconds from ready to an agent, first come first served, whether or not the contact stays that long.

    ``on_duty`` (agents x 168) holds the hours until that agent's next hour on duty, 0 when on duty. One heap of the
    agents by the time they are free is the whole queue: who will have left by then takes nobody's time.
    """
    offered = np.zeros(ready_s.size, dtype=np.int64)
    order = np.flatnonzero(asks)
    order = order[np.argsort(ready_s[order], kind="stable")]
    hours_until = on_duty.tolist()
    free = [(0, agent) for agent in range(len(hours_until))]
    waits = []
    turns = zip(ready_s[order].tolist(), leaves_after_s[order].tolist(), handle_s[order].tolist(), strict=True)
    for ready, leaves_after, handle in turns:
        while True:
            free_s, agent = free[0]
            begin = max(free_s, ready)
            hour = begin // HOUR_S
            ahead = hours_until[agent][hour % HOURS_OF_WEEK]
            if not ahead:
                break
            heapq.heapreplace(free, ((hour + ahead) * HOUR_S, agent))
        waits.append(begin - ready)
        if begin - ready < leaves_after:
            heapq.heapreplace(free, (begin + handle, agent))
    offered[order] = waits
    return offered


def _on_duty(agents: pd.DataFrame, first: pd.Timestamp) -> np.ndarray:
    """Agents x hours since the start of the log (a week of them): hours until the next hour on duty."""
    by_day = agents.set_index(["weekend", "hour"])["agents"]
    week = np.concatenate([by_day[(first.day_of_week + d) % 7 >= 5].to_numpy() for d in range(7)])
    ahead = np.zeros((week.max(), HOURS_OF_WEEK), dtype=np.int64)
    for agent in range(week.max()):
        hours = np.flatnonzero(week > agent)
        turns = np.concatenate([hours, hours + HOURS_OF_WEEK])
        ahead[agent] = turns[np.searchsorted(turns, np.arange(HOURS_OF_WEEK))] - np.arange(HOURS_OF_WEEK)
    return ahead


def _patience(hazard: np.ndarray, one: ChannelTruth, promised_s: np.ndarray, truth: ContactTruth) -> np.ndarray:
    """Whole seconds until each contact leaves: where its cumulative hazard reaches a standard exponential."""
    scale, before = scale_and_hazard_before(promised_s, one, truth)
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
