"""The register of cited findings: shares that know their base, bounds, comparisons, expectations."""

from __future__ import annotations

from cxresearch.evidence.bounds import (
    InfeasibleMargins,
    check_identities,
    find_clash,
    frechet_bounds,
    joint_range,
    published_margins,
)
from cxresearch.evidence.comparison import change_table, order_test, pool
from cxresearch.evidence.expectation import DISTRIBUTIONS, expectation_cells, expectation_curve, fit_expectation
from cxresearch.evidence.register import (
    DATA,
    SUPPORTED,
    TABLES,
    EvidenceError,
    counter_evidence,
    load_calibration,
    load_claims,
    load_evidence,
    load_waves,
    printed_numbers,
    read_texts,
    register_table,
    value_parts,
    value_text,
)
from cxresearch.evidence.shares import (
    BaseMismatch,
    Share,
    add_intervals,
    base_test,
    interval_over_n,
    plausible_n,
    share_interval,
)

__all__ = [
    "DATA",
    "DISTRIBUTIONS",
    "SUPPORTED",
    "TABLES",
    "BaseMismatch",
    "EvidenceError",
    "InfeasibleMargins",
    "Share",
    "add_intervals",
    "base_test",
    "change_table",
    "check_identities",
    "counter_evidence",
    "expectation_cells",
    "expectation_curve",
    "find_clash",
    "fit_expectation",
    "frechet_bounds",
    "interval_over_n",
    "joint_range",
    "load_calibration",
    "load_claims",
    "load_evidence",
    "load_waves",
    "order_test",
    "plausible_n",
    "pool",
    "printed_numbers",
    "published_margins",
    "read_texts",
    "register_table",
    "share_interval",
    "value_parts",
    "value_text",
]
