"""Curves from counts: patience, competing outcomes, hazards, and the tests between groups."""

from __future__ import annotations

from cxresearch.survival.competing import aalen_johansen
from cxresearch.survival.curves import (
    duration_quantiles,
    kaplan_meier,
    log_rank,
    median_duration,
    nelson_aalen,
    restricted_mean,
)
from cxresearch.survival.hazard import hazard_rate

__all__ = [
    "aalen_johansen",
    "duration_quantiles",
    "hazard_rate",
    "kaplan_meier",
    "log_rank",
    "median_duration",
    "nelson_aalen",
    "restricted_mean",
]
