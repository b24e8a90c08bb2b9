"""What a queue does with its arrivals, agents and patience; the day of a log."""

from __future__ import annotations

from cxresearch.queueing.arrivals import (
    arrivals_ahead,
    arrivals_ahead_by_hour,
    forecast_scores,
    naive_arrivals,
    scored_days,
)
from cxresearch.queueing.day import (
    INTERVALS_MIN,
    asked_by_interval,
    day_table,
    scenario_table,
    staffing_over_days,
    usual_scenarios,
)
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
from cxresearch.queueing.promises import FEWEST_AGENTS, FEWEST_TO_LEAD, promise_table
from cxresearch.queueing.teams import FEWEST_CONTACTS, TeamMeasures, agents_in_effect, team_measures
from cxresearch.queueing.what_if import fewer_left_limits

__all__ = [
    "FEWEST_AGENTS",
    "FEWEST_CONTACTS",
    "FEWEST_TO_LEAD",
    "INTERVALS_MIN",
    "AgentsNeeded",
    "Patience",
    "PatienceLaw",
    "QueueMeasures",
    "Tail",
    "Target",
    "TeamMeasures",
    "UnstableQueueError",
    "agents_in_effect",
    "agents_needed",
    "agents_needed_interval",
    "arrivals_ahead",
    "arrivals_ahead_by_hour",
    "asked_by_interval",
    "day_table",
    "erlang_b",
    "fewer_left_limits",
    "forecast_scores",
    "loss_sources",
    "naive_arrivals",
    "patience_law",
    "promise_table",
    "queue_measures",
    "resampled_curves",
    "scenario_table",
    "scored_days",
    "staffing_over_days",
    "team_measures",
    "usual_scenarios",
]
