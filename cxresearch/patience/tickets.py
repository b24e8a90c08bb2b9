"""Tickets: when the first answer came, whether within what was promised, and whether the customer asked again meanwhile.

Nobody is seen to give up on a ticket. One without an answer counts as waiting up to the last moment that the log knows, and
no further; it is neither left out nor taken as answered. The clock is the one on the wall: nights and weekends count.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from cxresearch.risk_table import (
    ENOUGH,
    DayValue,
    Floats,
    Link,
    Names,
    behind_first,
    column_names,
    day_band,
    ratio_of_sums,
    share_that_stays,
    time_until,
)

MINUTE_S = 60.0
BY_A_BOT = "deflected"  # an answer, too
NINE_IN_TEN = 0.1  # the share that is still without an answer then
CLOCKS = ("wait", "promise")
_T = 1.959964


class Watched(NamedTuple):
    """First answers by day and time: ``answered`` and ``at_risk`` are day x ``times``; the first time is 0."""

    day: np.ndarray
    times: Floats
    answered: Floats
    at_risk: Floats


def ticket_waits(cells: pd.DataFrame, promise_s: float) -> pd.DataFrame:
    """The waits of tickets, from the cells of a period (``contacts.PeriodLog.cells``).

    Returns
    -------
    DataFrame ``day, weekday, hour, channel, queue, duration_s, promised_s, outcome, contacts``
        ``duration_s`` is in whole minutes, an answer by a bot is ``answered``, and where the log does not say what was
        promised it is ``promise_s``.
    """
    kept = ["day", "weekday", "hour", "channel", "queue", "duration_s", "promised_s", "outcome", "contacts"]
    return cells[kept].assign(
        duration_s=np.floor(cells["duration_s"] / MINUTE_S) * MINUTE_S,
        promised_s=cells["promised_s"].astype(float).fillna(promise_s),
        outcome=cells["outcome"].replace(BY_A_BOT, "answered"),
    )


def watched(waits: pd.DataFrame, clock: str = "wait") -> Watched:
    """The first answers of :func:`ticket_waits` by day, on one of two clocks: seconds, or parts of what was promised.

    Of promises only the times up to 1 are there, where the promise runs out.
    """
    if clock not in CLOCKS:
        raise ValueError(f"clock is one of {', '.join(CLOCKS)}; got {clock!r}.")
    passed = waits["duration_s"].to_numpy(dtype=float)
    if clock == "promise":
        promised = waits["promised_s"].to_numpy(dtype=float)
        # A promise of no time at all is kept by an answer at once.
        passed = np.divide(passed, promised, out=np.where(passed > 0, math.inf, 0.0), where=promised > 0)
    answered = (waits["outcome"] == "answered").to_numpy(dtype=bool)
    number = waits["contacts"].to_numpy(dtype=float)
    place, day = pd.factorize(waits["day"], sort=True)
    last = 1.0 if clock == "promise" else math.inf
    times = np.unique(np.concatenate([passed[answered & (passed <= last)], [0.0], [1.0] if clock == "promise" else []]))
    # Whose time ends between two of ``times`` is at risk up to the earlier one.
    at = np.searchsorted(times, passed, side="right") - 1
    shape = (len(day), len(times))
    cell = place * shape[1] + at
    gone = np.bincount(cell, number * (answered & (passed <= last)), shape[0] * shape[1]).astype(float).reshape(shape)
    over = np.bincount(cell, number, shape[0] * shape[1]).astype(float).reshape(shape)
    at_risk = over[:, ::-1].cumsum(axis=1)[:, ::-1]
    return Watched(np.asarray(day), times, gone, at_risk)


def first_answer_table(waits: pd.DataFrame, *, by: Names = ()) -> pd.DataFrame:
    """When the first answer came, and the share without one when the promise ran out, with the day of opening as the unit.

    Parameters
    ----------
    waits : from :func:`ticket_waits`. by : columns that tell groups apart; rows without a name are left out.

    Returns
    -------
    DataFrame, one row a group, the largest first
        ``*by, tickets, still_unanswered`` (open when the log ended) and ``closed_unanswered`` (given up or closed without
        an answer); ``median_first_answer_s, median_lower_s, median_upper_s`` and ``nine_in_ten_first_answer_s, nine_in_ten_lower_s, nine_in_ten_upper_s`` (Kaplan-Meier); and
        ``unanswered_after_promise_share, lower, upper``. NaN where tickets were not watched for so long, intervals also
        with fewer than five days.
    """
    names = list(column_names(by))
    rows = []
    for key, part in waits.dropna(subset=names).groupby(names) if names else [((), waits)]:
        open_, closed = (int(part.loc[part["outcome"] == word, "contacts"].sum()) for word in ("open", "abandoned"))
        row: dict[str, Any] = dict(zip(names, key, strict=True))
        row |= {"tickets": int(part["contacts"].sum()), "still_unanswered": open_, "closed_unanswered": closed}
        seen = watched(part)
        for name, share in (("median", 0.5), ("nine_in_ten", NINE_IN_TEN)):
            value, lower, upper = _with_band(seen, _until(seen, share), "log")
            row |= {f"{name}_first_answer_s": value, f"{name}_lower_s": lower, f"{name}_upper_s": upper}
        due = watched(part, "promise")
        value, lower, upper = _with_band(due, _after(due), "logit")
        rows.append(row | {"unanswered_after_promise_share": value, "lower": lower, "upper": upper})
    table = pd.DataFrame(rows)
    return (
        table.sort_values(["tickets", *names], ascending=[False, *[True] * len(names)], ignore_index=True)
        if len(table)
        else table
    )


def late_ranks(waits: pd.DataFrame, *, by: str) -> pd.DataFrame:
    """Groups by the share without an answer when the promise ran out, the largest first.

    Returns
    -------
    DataFrame ``by, tickets, value, p_value, behind``, as from ``risk_table.ranked_by_day``. Groups with fewer than 100
        tickets, or none watched for so long, are left out.
    """
    days, rows = np.sort(waits["day"].unique()), []
    values: list[DayValue] = []
    for (name,), part in waits.dropna(subset=[by]).groupby([by]):
        due = watched(part, "promise")
        value, moved = _after(due)
        if part["contacts"].sum() < ENOUGH or math.isnan(value):
            continue
        where = np.searchsorted(days, due.day)
        influence, size = np.zeros(len(days)), np.zeros(len(days))
        influence[where], size[where] = moved, due.at_risk[:, 0]
        values.append(DayValue(value, influence, size))
        rows.append({by: name, "tickets": int(size.sum()), "value": value})
    table = pd.DataFrame(rows, columns=[by, "tickets", "value"]).assign(p_value=np.nan, behind=False)
    if rows:
        table["p_value"], table["behind"] = behind_first(days, values)
    return table.sort_values(["value", by], ascending=[False, True], ignore_index=True)


def after_tickets(contacts: pd.DataFrame, *, again_s: float) -> pd.DataFrame:
    """What the customer of each ticket did next, of the tickets whose customer is known.

    Parameters
    ----------
    contacts : all contacts of a period, on all channels: ``customer_key, channel, opened_at, wait_s, outcome, ticket``
        (bool: whether it is a ticket, or a contact of another kind, which counts as asking only).
    again_s : for how long a ticket is followed, seconds.

    Returns
    -------
    DataFrame, one row a ticket: ``customer_key, channel, day, known, again, expected, moved_to, answered_known,
    again_after, expected_after``
        ``known``: the period goes on for ``again_s`` after it. ``again``: the customer opened another contact, on any channel,
        later than this one, within ``again_s``, and before its answer. ``moved_to``: the first other channel on which that
        happened, or None. ``answered_known`` and ``again_after``: the same for ``again_s`` from the answer on. ``expected``
        is how likely that was if each of the customer's other contacts came at any moment of the period, as those of all
        customers did: 1 - (1 - share of all contacts in that time) to the power of their number.

    What happens after the last contact of the period is not seen.
    """
    kept = contacts[contacts["customer_key"].notna()].sort_values(["customer_key", "opened_at"], kind="stable")
    if kept.empty:
        return pd.DataFrame(columns=_AFTER)
    begin = contacts["opened_at"].min()
    end = (contacts["opened_at"].max() - begin).total_seconds()
    opened = ((kept["opened_at"] - begin).dt.total_seconds()).to_numpy(dtype=float)
    answered = kept["outcome"].isin(["answered", BY_A_BOT]).to_numpy(dtype=bool)
    answer = np.where(answered, opened + kept["wait_s"].to_numpy(dtype=float), math.inf)
    code = pd.factorize(kept["customer_key"])[0]
    # One axis on which every customer has a stretch of his own.
    apart = 2 * (end + again_s + 1)
    line = code * apart + opened
    until = np.minimum(answer, opened + again_s)
    # Strictly later; an answer in the very second comes first.
    first = np.searchsorted(line, line, side="right")
    last = np.searchsorted(line, code * apart + np.maximum(until, opened), side="left")
    after = np.where(answered, np.minimum(answer, end), end)
    from_, to = (
        np.searchsorted(line, code * apart + after, side="left"),
        np.searchsorted(line, code * apart + np.minimum(after + again_s, end), side="right"),
    )
    from_ = np.maximum(from_, first)
    everybody = np.sort(opened)

    def share_between(low: Floats, high: Floats) -> Floats:
        inside = np.searchsorted(everybody, high, side="right") - np.searchsorted(everybody, low, side="right")
        return np.asarray(np.maximum(inside, 0) / len(everybody))

    others = np.bincount(code)[code] - 1
    channel = kept["channel"].astype(object).where(kept["channel"].notna(), "").to_numpy()
    table = pd.DataFrame({
        "customer_key": kept["customer_key"].to_numpy(), "channel": kept["channel"].to_numpy(),
        "day": kept["opened_at"].dt.normalize().to_numpy(), "known": opened + again_s <= end, "again": last > first,
        "expected": 1 - (1 - share_between(opened, until)) ** others,
        "moved_to": _elsewhere(channel, first, last),
        "answered_known": answered & (answer + again_s <= end), "again_after": to > from_,
        "expected_after": 1 - (1 - share_between(after, after + again_s)) ** others,
    })  # fmt: skip
    return table[kept["ticket"].to_numpy(dtype=bool)].reset_index(drop=True)


_AFTER = ["customer_key", "channel", "day", "known", "again", "expected", "moved_to", "answered_known", "again_after",
          "expected_after"]  # fmt: skip
ASKED = {"before the first answer": ("known", "again", "expected"),
         "after the first answer": ("answered_known", "again_after", "expected_after")}  # fmt: skip


def asked_again(after: pd.DataFrame) -> pd.DataFrame:
    """How many asked again, beside how many would have by chance, from :func:`after_tickets`.

    Returns
    -------
    DataFrame ``asked_again`` (before or after the first answer), ``tickets, customers, asked_again_share, expected_share,
    difference, difference_lower, difference_upper, unit``
        ``difference`` of the shares with its 95 % interval: the day of opening as the unit, or the customer, whichever
        gives the wider one; ``unit`` says which. NaN where neither can tell.
    """
    rows = []
    for when, (known, again, expected) in ASKED.items():
        part = after[after[known].astype(bool)]
        n = len(part)
        if not n:
            continue
        more = part[again].astype(float) - part[expected].astype(float)
        bands: dict[str, tuple[float, float]] = {}
        for unit in ("day", "customer_key"):
            sums = pd.DataFrame({"more": more, "n": 1.0}).groupby(part[unit]).sum()
            value, moved = ratio_of_sums(sums["more"].to_numpy(), sums["n"].to_numpy(), np.ones(len(sums)))
            if unit == "day":
                lower, upper = day_band(
                    sums.index.to_numpy(), sums["n"].to_numpy(), np.array([value]), moved[:, None], "identity"
                )
                bands[unit] = (float(lower[0]), float(upper[0]))
            elif len(sums) > ENOUGH:
                half = _T * math.sqrt(float((moved**2).sum()) * len(sums) / (len(sums) - 1))
                bands["customer"] = (value - half, value + half)
        wide = {unit: ends for unit, ends in bands.items() if math.isfinite(ends[0])}
        unit = max(wide, key=lambda one: wide[one][1] - wide[one][0]) if "day" in wide else ""
        lower_, upper_ = wide.get(unit, (math.nan, math.nan))
        rows.append({
            "asked_again": when, "tickets": n, "customers": part["customer_key"].nunique(),
            "asked_again_share": float(part[again].mean()), "expected_share": float(part[expected].astype(float).mean()),
            "difference": float(more.mean()), "difference_lower": lower_, "difference_upper": upper_, "unit": unit,
        })  # fmt: skip
    columns = [
        "asked_again",
        "tickets",
        "customers",
        "asked_again_share",
        "expected_share",
        "difference",
        "difference_lower",
        "difference_upper",
        "unit",
    ]
    return pd.DataFrame(rows, columns=columns)


def channel_switches(after: pd.DataFrame) -> pd.DataFrame:
    """Who turned to another channel before the first answer, by the channel of the ticket, from :func:`after_tickets`.

    DataFrame ``channel, tickets, switched, switched_share, lower, upper, most_to`` (the channel most turned to), the largest
    share first; intervals with the day of opening as the unit.
    """
    part = after[after["known"].astype(bool) & after["channel"].notna()]
    rows = []
    for name, one in part.groupby("channel"):
        moved = one["moved_to"].notna()
        sums = pd.DataFrame({"top": moved.astype(float), "n": 1.0}).groupby(one["day"]).sum()
        value, influence = ratio_of_sums(sums["top"].to_numpy(), sums["n"].to_numpy(), np.ones(len(sums)))
        lower, upper = day_band(
            sums.index.to_numpy(), sums["n"].to_numpy(), np.array([value]), influence[:, None], "logit"
        )
        to = one.loc[moved, "moved_to"].value_counts()
        rows.append({
            "channel": name, "tickets": len(one), "switched": int(moved.sum()), "switched_share": value,
            "lower": lower[0], "upper": upper[0], "most_to": sorted(to[to == to.max()].index)[0] if len(to) else "",
        })  # fmt: skip
    columns = ["channel", "tickets", "switched", "switched_share", "lower", "upper", "most_to"]
    return pd.DataFrame(rows, columns=columns).sort_values(
        ["switched_share", "channel"], ascending=[False, True], ignore_index=True
    )


def _elsewhere(channel: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The first other known channel among the contacts ``first`` to before ``last`` of each, or None."""
    found = np.full(len(channel), None, dtype=object)
    for n in np.flatnonzero(last > first):
        others = channel[first[n] : last[n]]
        different = others[(others != channel[n]) & (others != "")]
        if len(different) and channel[n]:
            found[n] = different[0]
    return found


def _until(seen: Watched, share: float) -> tuple[float, Floats]:
    return time_until(seen.answered, seen.at_risk, seen.times, np.ones(len(seen.day)), share)


def _after(due: Watched) -> tuple[float, Floats]:
    """The share without an answer when the promise ran out; NaN where nobody was watched for so long."""
    value, moved = share_that_stays(due.answered, due.at_risk, np.ones(len(due.day)))
    if not (due.at_risk[:, -1].sum() > 0 or value == 0):
        return math.nan, np.full(len(due.day), np.nan)
    return value, moved


def _with_band(seen: Watched, found: tuple[float, Floats], link: Link) -> tuple[float, float, float]:
    value, moved = found
    if not math.isfinite(value):
        return math.nan, math.nan, math.nan
    lower, upper = day_band(seen.day, seen.at_risk[:, 0], np.array([value]), moved[:, None], link)
    return value, float(lower[0]), float(upper[0])
