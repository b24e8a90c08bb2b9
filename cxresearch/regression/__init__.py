"""Models from counts: Cox, piecewise exponential, accelerated failure time."""

from __future__ import annotations

from cxresearch.regression.aft import climb, waits_of
from cxresearch.regression.efron import efron_sums
from cxresearch.regression.models import (
    INTERVAL,
    Z_95,
    Floats,
    Names,
    accelerated_failure_time,
    baseline_hazard,
    cox,
    piecewise_exponential,
    proportionality_test,
    tie_table,
)

__all__ = [
    "INTERVAL",
    "Z_95",
    "Floats",
    "Names",
    "accelerated_failure_time",
    "baseline_hazard",
    "climb",
    "cox",
    "efron_sums",
    "piecewise_exponential",
    "proportionality_test",
    "tie_table",
    "waits_of",
]
