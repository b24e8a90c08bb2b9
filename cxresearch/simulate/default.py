"""What a report reads when nothing is given: a SIMULATED log, kept in the user's cache, and SIMULATED respondents."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import platformdirs

from cxresearch.simulate.contact_truth import contact_truth_table
from cxresearch.simulate.contacts import DEFAULT_SEED, default_log
from cxresearch.simulate.respondents import simulate_respondents


def log_or_default(log: str | list[str] = "", *, today: date | None = None) -> str | list[str]:
    """``log`` where one is named, else the path of the SIMULATED log that ends with the last complete month.

    The file is made once a month (seconds) in the user's cache folder and found again after that; ``today`` is for
    tests.
    """
    if log:
        return log
    day = today or date.today()
    last = f"{day.year - 1}-12" if day.month == 1 else f"{day.year}-{day.month - 1:02d}"
    # Another truth is another log: the name holds a mark of what was drawn from.
    truth = hashlib.sha256(contact_truth_table().to_csv(index=False).encode()).hexdigest()[:8]
    name = f"simulated-{last}-{DEFAULT_SEED}-{truth}.parquet"
    path = platformdirs.user_cache_path("cxresearch") / "simulated" / name
    if path.is_file():
        return str(path)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not os.access(path.parent, os.W_OK):
        path = _own_folder() / name
    if not path.is_file():
        default_log(path, end_month=last)
    return str(path)


def respondents_or_default(responses: pd.DataFrame, margins: Mapping[str, float], *, n: int) -> pd.DataFrame:
    """``responses`` where there are any, else ``n`` SIMULATED respondents with these margins, the same each time.

    What is SIMULATED has the column ``simulated``. Errors as in :func:`simulate_respondents`.
    """
    if len(responses):
        return responses
    return simulate_respondents(margins, n=n, rng=np.random.default_rng(7))


@cache
def _own_folder() -> Path:
    """A folder of this process, for a home that cannot be written to; gone with the process."""
    own = tempfile.mkdtemp(prefix="cxresearch-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    return Path(own)
