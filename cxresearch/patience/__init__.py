"""Two clocks in every wait: patience and the wait on offer, by hour, under promises, for messages."""

from __future__ import annotations

from cxresearch.patience.brown2005 import brown_comparison
from cxresearch.patience.change_sources import change_sources, kitagawa, queue_sources
from cxresearch.patience.full_days import OTHERS, lost_by_hour, lost_by_hour_and_queue, odd_times
from cxresearch.patience.groups import daily_curve, loss_ranks, patience_ranks, slow_ranks
from cxresearch.patience.hourly import hourly_table, mean_patience
from cxresearch.patience.losses import loss_counts, loss_regression
from cxresearch.patience.messages import (
    first_responses,
    first_shares,
    interval_survival,
    nyc311_account,
    nyc311_responses,
    response_outcomes,
    twitter_account,
    twitter_responses,
    unanswered_shares,
)
from cxresearch.patience.promise import (
    abandonment_by_promise,
    broken_promise,
    broken_promise_growth,
    promise_effects,
    promise_elasticity,
    promise_table,
    split_at_promise,
)
from cxresearch.patience.promise_lot import e_value, promises_follow
from cxresearch.patience.redials import later_contacts, redial_shares
from cxresearch.patience.tickets import (
    after_tickets,
    asked_again,
    channel_switches,
    first_answer_table,
    late_ranks,
    ticket_waits,
    watched,
)
from cxresearch.patience.two_clocks import (
    clustered_patience,
    patience_and_offered_wait,
    patience_at,
    patience_measures,
    standardised_patience,
    survival_at,
    waiting_table,
)

__all__ = [
    "OTHERS",
    "abandonment_by_promise",
    "after_tickets",
    "asked_again",
    "broken_promise",
    "broken_promise_growth",
    "brown_comparison",
    "change_sources",
    "channel_switches",
    "clustered_patience",
    "daily_curve",
    "e_value",
    "first_answer_table",
    "first_responses",
    "first_shares",
    "hourly_table",
    "interval_survival",
    "kitagawa",
    "late_ranks",
    "later_contacts",
    "loss_counts",
    "loss_ranks",
    "loss_regression",
    "lost_by_hour",
    "lost_by_hour_and_queue",
    "mean_patience",
    "nyc311_account",
    "nyc311_responses",
    "odd_times",
    "patience_and_offered_wait",
    "patience_at",
    "patience_measures",
    "patience_ranks",
    "promise_effects",
    "promise_elasticity",
    "promise_table",
    "promises_follow",
    "queue_sources",
    "redial_shares",
    "response_outcomes",
    "slow_ranks",
    "split_at_promise",
    "standardised_patience",
    "survival_at",
    "ticket_waits",
    "twitter_account",
    "twitter_responses",
    "unanswered_shares",
    "waiting_table",
    "watched",
]
