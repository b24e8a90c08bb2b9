"""What a queue does with its arrivals, agents and patience; the day of a log."""

from __future__ import annotations

from cxresearch.queueing.arrivals import (
    arrivals_ahead,
    arrivals_ahead_by_hour,
    forecast_scores,
    naive_arrivals,
    scored_days,
)
from cxresearch.queueing.day import day_table, explore_day, scenario_table, staffing_for, usual_scenarios
from cxresearch.queueing.day_profile import day_profile_table, day_total, staffing_table
from cxresearch.queueing.loss_sources import loss_sources
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
from cxresearch.queueing.promises import agents_in_effect, promise_table

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
    "arrivals_ahead",
    "arrivals_ahead_by_hour",
    "day_profile_table",
    "day_table",
    "day_total",
    "erlang_b",
    "explore_day",
    "forecast_scores",
    "loss_sources",
    "naive_arrivals",
    "patience_law",
    "promise_table",
    "queue_measures",
    "resampled_curves",
    "scenario_table",
    "scored_days",
    "staffing_for",
    "staffing_table",
    "usual_scenarios",
]
