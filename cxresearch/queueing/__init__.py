"""What a queue does with its arrivals, agents and patience; the day of a log."""

from __future__ import annotations

from cxresearch.queueing.day import explore_day
from cxresearch.queueing.day_profile import day_profile_table, day_total, staffing_table
from cxresearch.queueing.measures import (
    AgentsNeeded,
    QueueMeasures,
    Target,
    UnstableQueueError,
    agents_needed,
    agents_needed_interval,
    queue_measures,
    resampled_curves,
)
from cxresearch.queueing.offered_wait import Patience, PatienceLaw, Tail, erlang_b, patience_law
from cxresearch.queueing.promises import agents_in_effect

__all__ = [
    "AgentsNeeded",
    "Patience",
    "PatienceLaw",
    "QueueMeasures",
    "Tail",
    "Target",
    "UnstableQueueError",
    "agents_in_effect",
    "agents_needed",
    "agents_needed_interval",
    "day_profile_table",
    "day_total",
    "erlang_b",
    "explore_day",
    "patience_law",
    "queue_measures",
    "resampled_curves",
    "staffing_table",
]
