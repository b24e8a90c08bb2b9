"""Two clocks in every wait: patience and the wait on offer, by hour, under promises, for messages."""

from __future__ import annotations

from cxresearch.patience.brown2005 import brown_comparison
from cxresearch.patience.hourly import hourly_table, mean_patience
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
from cxresearch.patience.redials import later_contacts, redial_shares
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
    "abandonment_by_promise",
    "broken_promise",
    "broken_promise_growth",
    "brown_comparison",
    "clustered_patience",
    "first_responses",
    "first_shares",
    "hourly_table",
    "interval_survival",
    "later_contacts",
    "mean_patience",
    "nyc311_account",
    "nyc311_responses",
    "patience_and_offered_wait",
    "patience_at",
    "patience_measures",
    "promise_effects",
    "promise_elasticity",
    "promise_table",
    "redial_shares",
    "response_outcomes",
    "split_at_promise",
    "standardised_patience",
    "survival_at",
    "twitter_account",
    "twitter_responses",
    "unanswered_shares",
    "waiting_table",
]
