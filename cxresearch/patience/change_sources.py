"""Where a change of the share lost comes from: who asked and when, how many had to queue, who gave up there; queue by queue.

The decomposition is Kitagawa's: of two shares, each a mean over groups (queue, hour, kind of weekday), the difference is the
sum of what the mix of the groups and what their own shares contribute, each at the mean of both periods of the other, so
that nothing is left over. Kitagawa (1955), doi:10.1080/01621459.1955.10501299.

Each part is a smooth function of sums over days, so it has one influence value a day (the infinitesimal jackknife, its
derivative by a complex step), and the day is the unit of its interval: ``risk_table.DayClusters``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxresearch.risk_table import DayClusters, Floats, equal_weekdays, holm

MIX, QUEUED, LEFT, BEFORE = "mix", "queued", "left_queue", "left_before"
PARTS = (MIX, QUEUED, LEFT, BEFORE)
FEWEST_DAYS = 5  # in each of two periods: with fewer, their spread cannot be told
_STEP = 1e-30  # of the complex step: no digit is lost at any size
_STATS = ("asked", "queued", "left_queue", "left_before")


@dataclass(frozen=True)
class _Period:
    """Days with their weights, and ``sums`` (day x group x ``_STATS``)."""

    day: np.ndarray
    weekday: np.ndarray
    weight: Floats
    sums: Floats


def change_sources(now: pd.DataFrame, before: pd.DataFrame, *, fully_open: Collection[int] = ()) -> pd.DataFrame:
    """Split the change of the share lost, of all who asked, at equal weekdays.

    Parameters
    ----------
    now, before : ``PeriodLog.cells`` of one channel: ``day, weekday, hour, queue, queued, outcome, contacts``.
    fully_open : weekdays (1 Monday to 7) of one kind; the others are the second kind.

    Returns
    -------
    DataFrame ``part, contribution, lower, upper, p_value``, shares of all who asked; the contributions add up to the change
        ``mix`` (who asked, and when: queues, hours, kinds of weekday), ``queued`` (how many had to queue), ``left_queue``
        (how many of them gave up), ``left_before`` (gave up and had not queued). A group that only one period has belongs
        to the mix. Intervals are NaN with fewer than five days of the same weekdays, or where no spread shows.

    It is arithmetic and no cause: a part may hide two causes that pull apart. Raises ValueError where a period has nobody
    who asked on a weekday of both.
    """
    periods, _ = _both(now, before, fully_open)
    _check(periods)

    def totals(one: Floats, other: Floats) -> Floats:
        return kitagawa(one, other).sum(axis=0)

    found = _with_intervals(totals, periods, len(PARTS))
    return pd.DataFrame({"part": PARTS, **found})


def queue_sources(now: pd.DataFrame, before: pd.DataFrame, *, fully_open: Collection[int] = ()) -> pd.DataFrame:
    """What each queue contributes to the change of the share that gave up, of those who queued, at equal weekdays.

    ``now``, ``before`` and ``fully_open`` as for :func:`change_sources`.

    Returns
    -------
    DataFrame, one row a queue, the largest contribution first; ``attrs["total"]`` is the sum of the contributions
        ``queue``, ``queued`` and ``share_left_of_queued`` (of the whole period), ``previous`` (that share of the whole
        period before), ``difference, difference_lower, difference_upper, p_value`` (the queue's own share, at equal
        weekdays), ``p_corrected`` (Holm over the queues), ``contribution, contribution_lower, contribution_upper`` (to the
        share of all who queued) and ``from_mix`` (how much of it is that more or fewer queued there, or at other hours).
    """
    periods, groups = _both(now, before, fully_open)
    # Of those who queued: they are the ones who asked, and all of them queued.
    periods = [
        _Period(
            one.day,
            one.weekday,
            one.weight,
            np.stack([one.sums[..., n] for n in (1, 1, 2)] + [0 * one.sums[..., 3]], axis=-1),
        )
        for one in periods
    ]
    _check(periods)
    # The groups are sorted by queue first: where each queue begins. A matrix of queues would be thousands wide.
    queue = groups["queue"].to_numpy()
    begins = np.flatnonzero(np.concatenate([[True], queue[1:] != queue[:-1]]))
    names = list(queue[begins])

    def of(values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, begins))

    def by_queue(one: Floats, other: Floats) -> Floats:
        parts = kitagawa(one, other)
        ratios = [_over(of(sums[:, 2]), of(sums[:, 0])) for sums in (one, other)]
        return np.concatenate([of(parts.sum(axis=1)), of(parts[:, 0]), ratios[0] - ratios[1]])

    found = _with_intervals(by_queue, periods, 3 * len(names))
    count = len(names)
    table = pd.DataFrame({"queue": names})
    for column, frame in (("queued", now), ("before", before)):
        queued = frame[frame["queued"].astype(bool)]
        key = _named(queued["queue"])
        all_of = queued["contacts"].groupby(key).sum().reindex(names, fill_value=0)
        left = (
            queued["contacts"]
            .where(queued["outcome"] == "abandoned", 0)
            .groupby(key)
            .sum()
            .reindex(names, fill_value=0)
        )
        share = (left / all_of.where(all_of > 0)).to_numpy()
        if column == "queued":
            table["queued"], table["share_left_of_queued"] = all_of.to_numpy(dtype="int64"), share
        else:
            table["previous"] = share
    own = slice(2 * count, 3 * count)
    known = table[["share_left_of_queued", "previous"]].notna().all(axis=1).to_numpy()
    for name, values in (("difference", "contribution"), ("difference_lower", "lower"), ("difference_upper", "upper"),
                         ("p_value", "p_value")):  # fmt: skip
        table[name] = np.where(known, found[values][own], np.nan)
    table["p_corrected"] = holm(table["p_value"])
    for name, values in (
        ("contribution", "contribution"),
        ("contribution_lower", "lower"),
        ("contribution_upper", "upper"),
    ):
        table[name] = found[values][:count]
    table["from_mix"] = found["contribution"][count : 2 * count]
    table.attrs["total"] = float(table["contribution"].sum())
    order = table["contribution"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def kitagawa(now: Floats, before: Floats) -> Floats:
    """The contribution of each group and part, group x ``PARTS``, from sums: group x (asked, queued, left in it, left before).

    A group's mix counts by how far its share is from the mean of both periods, so that it says what more contacts there
    do to the whole; over all groups this is the same. A share that a period does not have is that of the other.
    """
    shares = []
    for one, other in ((now, before), (before, now)):
        queued, left, early = (
            _else(one[:, top], one[:, below], other[:, top], other[:, below]) for top, below in ((1, 0), (2, 1), (3, 0))
        )
        shares.append((one[:, 0] / one[:, 0].sum(), queued, left, early))
    (mix, queued, left, early), (mix_0, queued_0, left_0, early_0) = shares
    own, own_0 = queued * left + early, queued_0 * left_0 + early_0
    middle = (mix @ own + mix_0 @ own_0) / 2
    both = (mix + mix_0) / 2
    return np.column_stack([
        (mix - mix_0) * ((own + own_0) / 2 - middle), both * (queued - queued_0) * (left + left_0) / 2,
        both * (left - left_0) * (queued + queued_0) / 2, both * (early - early_0),
    ])  # fmt: skip


def _over(top: Floats, below: Floats) -> Floats:
    """A share, 0 where nobody is there; complex numbers pass."""
    some = below.real > 0
    return np.where(some, top / np.where(some, below, 1.0), 0.0)


def _else(top: Floats, below: Floats, other_top: Floats, other_below: Floats) -> Floats:
    return np.where(below.real > 0, _over(top, below), _over(other_top, other_below))


def _named(queue: pd.Series) -> pd.Series:
    return queue.astype(object).where(queue.notna() & (queue != ""), "not named")


def _both(now: pd.DataFrame, before: pd.DataFrame, fully_open: Collection[int]) -> tuple[list[_Period], pd.DataFrame]:
    """Both periods by day and group, at equal weekdays, and the groups: ``queue, hour, whole``."""
    tables = []
    for cells in (now, before):
        n, queued = cells["contacts"], cells["queued"].astype(bool)
        left = cells["outcome"] == "abandoned"
        tables.append(pd.DataFrame({
            "day": cells["day"], "weekday": cells["weekday"], "queue": _named(cells["queue"]), "hour": cells["hour"],
            "whole": cells["weekday"].isin(list(fully_open)), "asked": n.where(queued | (cells["outcome"] != "deflected"), 0),
            "queued": n.where(queued, 0), "left_queue": n.where(queued & left, 0), "left_before": n.where(~queued & left, 0),
        }))  # fmt: skip
    keys = ["queue", "hour", "whole"]
    code, groups = pd.factorize(pd.MultiIndex.from_frame(pd.concat([table[keys] for table in tables])), sort=True)
    codes = code[: len(now)], code[len(now) :]
    periods = []
    days = [table[["day", "weekday"]].drop_duplicates("day").sort_values("day") for table in tables]
    weights = equal_weekdays(days[0]["weekday"], days[1]["weekday"])[:2]
    for table, at, day, weight in zip(tables, codes, days, weights, strict=True):
        kept = weight > 0
        sums = np.zeros((len(day), len(groups), len(_STATS)))
        place = np.searchsorted(day["day"].to_numpy(), table["day"].to_numpy())
        np.add.at(sums, (place, at), table[list(_STATS)].to_numpy(dtype=float))
        periods.append(
            _Period(day["day"].to_numpy()[kept], day["weekday"].to_numpy(dtype=int)[kept], weight[kept], sums[kept])
        )
    return periods, groups.to_frame(index=False, name=keys)


def _check(periods: list[_Period]) -> None:
    if min(one.sums[..., 0].sum() for one in periods) <= 0:
        raise ValueError("one of the periods has nobody on the weekdays of both, so no change can be split.")


def _with_intervals(parts: Callable[[Floats, Floats], Floats], periods: list[_Period], count: int) -> dict[str, Floats]:
    """``contribution, lower, upper, p_value`` of every number that ``parts`` makes of the sums of both periods."""
    sums = [np.tensordot(one.weight, one.sums, axes=1) for one in periods]
    value = parts(sums[0], sums[1])
    unknown = np.full(count, np.nan)
    found = {"contribution": value, "lower": unknown.copy(), "upper": unknown.copy(), "p_value": unknown.copy()}
    if min(len(one.day) for one in periods) < FEWEST_DAYS:
        return found
    moved = []
    for place, (one, sign) in enumerate(zip(periods, (1, -1), strict=True)):
        for day in one.sums:
            pair = list(sums)
            pair[place] = sums[place] + 1j * _STEP * day
            moved.append(sign * one.weight.sum() * parts(pair[0], pair[1]).imag / _STEP)
    of_days = np.array(moved)
    size = [one.sums[..., 1].sum(axis=1) for one in periods]
    clusters = DayClusters(
        day=np.concatenate([one.day for one in periods]), weekday=np.concatenate([one.weekday for one in periods]),
        size=np.concatenate([s / (float(one.weight @ s / one.weight.sum()) or 1.0) for s, one in zip(size, periods, strict=True)]),
        share=np.concatenate([sign * one.weight / one.weight.sum() for one, sign in zip(periods, (1, -1), strict=True)]),
        period=np.repeat([0, 1], [len(one.day) for one in periods]), deviations=of_days,
    )  # fmt: skip
    if not clusters.df >= 2:
        return found
    for number in range(count):
        if clusters.variance(of_days[:, number]) > 0:
            half = clusters.half_width(of_days[:, number])
            found["lower"][number], found["upper"][number] = value[number] - half, value[number] + half
            found["p_value"][number] = clusters.p_value(float(value[number]), of_days[:, number])
    return found
