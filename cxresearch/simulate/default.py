"""What a report reads when nothing is given: a SIMULATED log, kept under data/derived, and SIMULATED respondents."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from cxresearch.simulate.contact_truth import contact_truth_table
from cxresearch.simulate.contacts import DEFAULT_SEED, default_log
from cxresearch.simulate.respondents import simulate_respondents

DERIVED = Path(__file__).resolve().parents[2] / "data" / "derived"


def log_or_default(log: str | list[str] = "", *, today: date | None = None) -> str | list[str]:
    """``log`` where one is named, else the path of the SIMULATED log that ends with the last complete month.

    The file is made once a month (seconds) and found again after that; ``today`` is for tests.
    """
    if log:
        return log
    day = today or date.today()
    last = f"{day.year - 1}-12" if day.month == 1 else f"{day.year}-{day.month - 1:02d}"
    # Another truth is another log: the name holds a mark of what was drawn from.
    truth = hashlib.sha256(contact_truth_table().to_csv(index=False).encode()).hexdigest()[:8]
    path = DERIVED / f"simulated-{last}-{DEFAULT_SEED}-{truth}.parquet"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        default_log(path, end_month=last)
    return str(path)


def respondents_or_default(responses: pd.DataFrame, margins: Mapping[str, float], *, n: int) -> pd.DataFrame:
    """``responses`` where there are any, else ``n`` SIMULATED respondents with these margins, the same each time.

    What is SIMULATED has the column ``simulated``. Errors as in :func:`simulate_respondents`.
    """
    if len(responses):
        return responses
    return simulate_respondents(margins, n=n, rng=np.random.default_rng(7))
