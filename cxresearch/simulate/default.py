"""The log that a report reads when none is given: simulated, kept under data/derived, made when it is not there."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

from cxresearch.simulate.contact_truth import contact_truth_table
from cxresearch.simulate.contacts import DEFAULT_SEED, default_log

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
