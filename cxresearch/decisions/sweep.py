"""Many actions in many draws, here or on a Dask cluster: the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxresearch.decisions.mean_day import Hour, mean_day
from cxresearch.decisions.proposals import Action, room_for
from cxresearch.decisions.weighing import DRAWS, Draw, Weighing
from cxresearch.risk_table import FEWEST_DAYS, Floats

EACH = 10  # draws of one task


def sweep(weighing: Weighing, actions: Sequence[Action], *, draws: int = DRAWS, client: Any = None) -> pd.DataFrame:
    """What every action saves and takes in every draw, as ``action_table`` draws them.

    Parameters
    ----------
    weighing : ``Weighing.of`` a period of one channel. draws : how many.
    client : a ``dask.distributed.Client``, whose workers then share the draws; None: this process does them all. The draws
        are made here and sent, so that they are the same wherever they are worked out.

    Returns
    -------
    DataFrame, one row an action and draw
        ``action``, ``draw`` (from 0), ``saved_per_day``, ``agent_hours_per_day``.

    Raises ValueError without an action and with fewer than five days.
    """
    if not actions:
        raise ValueError("there is no action to weigh")
    if len(weighing.days) < FEWEST_DAYS:
        raise ValueError(f"{len(weighing.days)} days that are fully open tell no interval; {FEWEST_DAYS} do")
    near = mean_day(weighing.days, room=room_for(actions), near=weighing.hours)
    drawn = weighing.draws(draws)
    parts = [drawn[start : start + EACH] for start in range(0, len(drawn), EACH)]
    if client is None:
        found = [_in_draws(weighing, actions, near, part) for part in parts]
    else:
        # What the rows are needed for is worked out here: they stay.
        _ = [weighing.order for one in actions if one.first], [weighing.hastier for one in actions if one.announced]
        here, hours = client.scatter(weighing, broadcast=True), client.scatter(near, broadcast=True)
        # Not pure: the same numbers are worked out again where they are asked for again, and no key is a hash of them.
        found = client.gather(
            [client.submit(_in_draws, here, list(actions), hours, part, pure=False) for part in parts]
        )
    table = np.concatenate(found)
    return pd.DataFrame({
        "action": np.tile([one.name for one in actions], len(table)), "draw": np.repeat(np.arange(len(table)), len(actions)),
        "saved_per_day": table[:, :, 0].ravel(), "agent_hours_per_day": table[:, :, 1].ravel(),
    })  # fmt: skip


def _in_draws(weighing: Weighing, actions: Sequence[Action], near: dict[int, Hour], draws: list[Draw]) -> Floats:
    """Contacts saved and agent hours, draws x actions x 2."""
    room = room_for(actions)
    return np.array([
        weighing.found(actions, mean_day(weighing.days, draw.weights, room=room, near=near), draw) for draw in draws
    ])  # fmt: skip
