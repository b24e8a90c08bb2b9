"""Which input leaves what an action saves most uncertain, from the draws that give its interval; and how to measure it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from cxresearch.contacts import PeriodLog
from cxresearch.decisions.actions import action_table
from cxresearch.decisions.mean_day import Means, hours_of, means_of
from cxresearch.decisions.proposals import Action, room_for
from cxresearch.decisions.weighing import Draw, Weighing
from cxresearch.risk_table import FEWEST_DAYS, Floats

TIED = 1.96  # standard errors within which two shares are no two


class _Input(NamedTuple):
    """One thing that is drawn: its name, how to measure it, and the fields of Means and Draw that are its own."""

    name: str
    how: str
    means: tuple[str, ...] = ()
    draw: tuple[str, ...] = ()


INPUTS = (
    _Input("how many contacts come, and how days differ", "count more days: a longer period, or the one before with it",
           means=("asked", "spread"), draw=("weights",)),
    _Input("the team of each hour, told by the share lost", "write down who is there by hour; until then, count more days",
           means=("left",)),
    _Input("handling times", "have handle_s for every answered contact, and count more days", means=("handle_s",)),
    _Input("patience", "have the wait of everybody who queued, also of who left, and count more days", means=("waiting",)),
    _Input("who calls again because nobody answered", "know the customer of every contact, also of who left", draw=("redials",)),
    _Input("what the queue model misses (ASSUMED)", "try it: the action on some days drawn by lot, and not on the others",
           draw=("miss",)),
)  # fmt: skip


def worth_measuring(period_log: PeriodLog, table: pd.DataFrame | None = None, *, channel: str) -> pd.DataFrame:
    """By how much each input leaves the saving of the recommended action uncertain; the first is worth measuring first.

    Parameters
    ----------
    table : that of :func:`action_table`, of the same period; None: that of the usual actions.

    Returns
    -------
    DataFrame, one row an input, the largest share first
        ``input``; ``share`` of the variance of the saving over the draws; ``error`` of the share (jackknife over draws);
        ``how_to_measure``.

    ``attrs``: ``action`` and whether it is ``recommended`` (where none is, the first of the table that changes the queue);
    ``saved_per_day`` and its standard error ``saved_se``; ``tied`` (inputs whose share the draws do not tell from the
    first's); ``rest`` (1 - the sum of the shares: what inputs do to each other); ``draws``.

    The saving is worked out again in every draw with one input as drawn and all others at their middle; the share is the
    covariance of that with the saving as drawn, over the variance of the latter (Li et al. 2010, doi:10.1021/jp9096919).
    Days are drawn whole, so their inputs move together: a share below 0 is an input that moves against the others. What
    an action assumes of its own, such as the share that a bot settles, is not drawn.

    Raises ValueError as :func:`action_table`, with fewer than five days, and where no action changes the queue.
    """
    now = Weighing.of(period_log.only(channel=channel))
    if len(now.days) < FEWEST_DAYS:
        raise ValueError(f"{len(now.days)} days that are fully open tell no interval; {FEWEST_DAYS} do")
    if table is None or table.empty:
        table = action_table(period_log, channel=channel)
    on_queue = [one for one in table.attrs["actions"].values() if one.shifts or one.contained_share]
    if not on_queue:
        raise ValueError("no action changes the queue")
    chosen = table.attrs["recommended"]
    action = next((one for one in on_queue if one.name == chosen), on_queue[0])
    drawn, alone = _drawn(now, action)
    shares, left_out = _shares(drawn, alone)
    order = np.argsort(-shares, kind="stable")
    error = _jackknife(left_out)
    first = order[0]
    apart = shares[first] - shares > TIED * _jackknife(left_out[:, [first]] - left_out)
    found = pd.DataFrame({
        "input": [one.name for one in INPUTS], "share": shares, "error": error,
        "how_to_measure": [one.how for one in INPUTS],
    })  # fmt: skip
    result = found.iloc[order].reset_index(drop=True)
    result.attrs = {
        "action": action.name, "recommended": action.name == chosen,
        "saved_per_day": float(table.loc[table["action"] == action.name, "saved_per_day"].iloc[0]),
        "saved_se": float(drawn.std(ddof=1)), "rest": float(1 - shares.sum()), "draws": len(drawn),
        "tied": [INPUTS[n].name for n in order if n != first and not apart[n]],
    }  # fmt: skip
    return result


def _drawn(now: Weighing, action: Action) -> tuple[Floats, Floats]:
    """The saving in every draw, and with each input alone as drawn, draws x inputs."""
    room, middle, means = room_for([action]), now.middle, means_of(now.days)
    only = () if action.contained_share else tuple(hour for hour in range(24) if action.agents_at(hour))
    whole = hours_of(means, room=room, near=now.hours, only=only)

    def saving(drawn: Means, draw: Draw) -> float:
        hours = whole if drawn is means else hours_of(drawn, room=room, near=whole, only=only)
        return now.found([action], hours, draw)[0][0]

    every, alone = [], []
    for draw in now.draws():
        drawn = means_of(now.days, draw.weights)
        every.append(saving(drawn, draw))
        alone.append([
            saving(_with(means, drawn, one), middle._replace(**{name: getattr(draw, name) for name in one.draw}))
            for one in INPUTS
        ])  # fmt: skip
    return np.array(every), np.array(alone)


def _with(means: Means, drawn: Means, one: _Input) -> Means:
    """The middle with one input as drawn. Who leaves is drawn as a share of who comes, and moves with who comes."""
    if not one.means:
        return means
    taken = {name: getattr(drawn, name) for name in one.means}
    asked = taken.get("asked", means.asked)
    lost = drawn if "left" in taken else means
    share = np.divide(lost.left, lost.asked, out=np.zeros(len(lost.left)), where=lost.asked > 0)
    return replace(means, **taken | {"left": share * asked})


def _shares(drawn: Floats, alone: Floats) -> tuple[Floats, Floats]:
    """Each input's share of the variance, and the same without each of the draws, draws x inputs."""
    n = len(drawn)
    away, each = drawn - drawn.mean(), alone - alone.mean(axis=0)
    products, squares = each * away[:, None], away**2
    # Without one of n draws, a sum of products about the mean is smaller by its own product times n / (n - 1).
    left_out = (products.sum(axis=0) - n / (n - 1) * products) / (squares.sum() - n / (n - 1) * squares)[:, None]
    return products.sum(axis=0) / squares.sum(), left_out


def _jackknife(left_out: Floats) -> Floats:
    n = len(left_out)
    return np.asarray(np.sqrt((n - 1) / n * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0)))
