"""Talk as a branching process: extinction, chains, offspring, memory, incidence."""

from __future__ import annotations

from cxresearch.spread.branching import (
    chain_size_distribution,
    chain_size_distribution_by_type,
    expected_tellers,
    probability_extinct,
    probability_extinct_by_type,
    reproduction_number,
    type_reproduction_numbers,
)
from cxresearch.spread.incidence import incidence_curve, reply_table
from cxresearch.spread.memory_kernels import (
    ExponentialKernel,
    MemoryKernel,
    PowerLawKernel,
    ReviewKernel,
    time_of_share,
)
from cxresearch.spread.offspring import (
    excess_over_log1p,
    fit_offspring,
    load_cascades,
    retellings_log_probability,
)

__all__ = [
    "ExponentialKernel",
    "MemoryKernel",
    "PowerLawKernel",
    "ReviewKernel",
    "chain_size_distribution",
    "chain_size_distribution_by_type",
    "excess_over_log1p",
    "expected_tellers",
    "fit_offspring",
    "incidence_curve",
    "load_cascades",
    "probability_extinct",
    "probability_extinct_by_type",
    "reply_table",
    "reproduction_number",
    "retellings_log_probability",
    "time_of_share",
    "type_reproduction_numbers",
]
