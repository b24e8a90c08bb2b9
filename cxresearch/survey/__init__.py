"""Own respondents: weighted shares, designs, raking, and how they compare with what is cited."""

from __future__ import annotations

from cxresearch.survey.estimates import (
    ESTIMATE_COLUMNS,
    Z95,
    choices_table,
    compare,
    load_responses,
    rake,
    share_table,
    weighted_mean,
    weighted_share,
)

__all__ = [
    "ESTIMATE_COLUMNS",
    "Z95",
    "choices_table",
    "compare",
    "load_responses",
    "rake",
    "share_table",
    "weighted_mean",
    "weighted_share",
]
