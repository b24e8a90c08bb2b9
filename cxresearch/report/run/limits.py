"""What a parameter of our notebooks can be, by its name, whatever report sets it: known before a kernel starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import inf
from typing import Any

# Both ends allowed, for every item of a list. A report's own [ranges] go before.
LIMITS: Mapping[str, tuple[float, float]] = {
    "smallest_group": (1, inf), "target_s": (0, inf), "horizon_s": (1, inf), "bandwidth_s": (0.001, inf), "response_times_s": (0, inf),
    "replicates": (2, inf), "weekdays": (1, 7), "most_abandoned": (0, 1), "evening_experts": (0, inf), "redial_share": (0, 1),
    "promises_s": (0, inf), "contact_value": (0, inf), "promise_s": (0, inf), "again_h": (0, inf), "rehearsal_n": (2, inf),
}  # fmt: skip


def limits_of(annotations: Mapping[str, str]) -> dict[str, tuple[Any, Any]]:
    """The limits of those that have some; a text of the same name in a notebook of one's own has none."""
    numbers = [name for name, annotation in annotations.items() if re.search(r"\b(int|float)\b", annotation)]
    return {name: LIMITS[name] for name in numbers if name in LIMITS}


def between(low: Any, high: Any) -> str:
    """A range in words."""
    return f"at least {low}" if high == inf else f"at most {high}" if low == -inf else f"from {low} to {high}"
