"""Contacts to counts: one group-by, who is at risk in them, samples drawn from them, limits around what they give."""

from __future__ import annotations

from cxresearch.risk_table.bootstrap import customer_blocks, poisson_bootstrap
from cxresearch.risk_table.day_clusters import (
    DayClusters,
    Link,
    deviations,
    equal_weekdays,
    holm,
    limits,
    ratio_of_sums,
    share_that_stays,
)
from cxresearch.risk_table.day_groups import (
    ENOUGH,
    FEWEST_DAYS,
    LEVEL,
    DayValue,
    behind_first,
    day_band,
    hotelling,
    ranked_by_day,
    ranked_losses,
)
from cxresearch.risk_table.group_by import FROM_OPENED_AT, contact_counts, risk_table
from cxresearch.risk_table.intervals import Interval, Z, rate_limits, share_limits
from cxresearch.risk_table.process_limits import ProcessLimits, process_limits, signs_of_change
from cxresearch.risk_table.risk_sets import (
    OUTCOMES,
    Cells,
    Floats,
    Integers,
    Names,
    Ties,
    at_risk,
    cells,
    checked,
    column_names,
    first_place,
    group_codes,
    validated,
)

__all__ = [
    "ENOUGH",
    "FEWEST_DAYS",
    "FROM_OPENED_AT",
    "LEVEL",
    "OUTCOMES",
    "Cells",
    "DayClusters",
    "DayValue",
    "Floats",
    "Integers",
    "Interval",
    "Link",
    "Names",
    "ProcessLimits",
    "Ties",
    "Z",
    "at_risk",
    "behind_first",
    "cells",
    "checked",
    "column_names",
    "contact_counts",
    "customer_blocks",
    "day_band",
    "deviations",
    "equal_weekdays",
    "first_place",
    "group_codes",
    "holm",
    "hotelling",
    "limits",
    "poisson_bootstrap",
    "process_limits",
    "ranked_by_day",
    "ranked_losses",
    "rate_limits",
    "ratio_of_sums",
    "risk_table",
    "share_limits",
    "share_that_stays",
    "signs_of_change",
    "validated",
]
