"""A company whose days are all alike, and one whose days differ, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from cxresearch.contacts import PeriodLog, load

HOURS = (9, 10, 11, 12)


def contacts(
    per_hour: Callable[[pd.Timestamp, int], int], *, start: str, days: int, seed: int = 1, left_share: float = 0.25, **columns: object
) -> pd.DataFrame:  # fmt: skip
    """Contacts on Monday to Friday, ``per_hour(day, hour)`` of them: a quarter gives up, the others are answered after a wait."""
    rng = np.random.default_rng(seed)
    cells = [
        (day, hour, per_hour(day, hour))
        for day in pd.bdate_range(start, periods=days) for hour in HOURS
    ]  # fmt: skip
    opened = pd.DatetimeIndex(np.concatenate([
        (day + pd.Timedelta(hours=hour)).value + np.linspace(0, 3_540e9, n).astype(np.int64) for day, hour, n in cells
    ]).astype("datetime64[ns]"))  # fmt: skip
    n = len(opened)
    left = rng.random(n) < left_share
    frame = {
        "contact_id": np.arange(n).astype(str), "customer_key": np.arange(n).astype(str), "channel": "phone", "queue": "all",
        "opened_at": opened, "queued": True, "wait_s": np.where(left, rng.integers(5, 120, n), rng.integers(1, 90, n)).astype(float),
        "outcome": np.where(left, "abandoned", "answered"), "handle_s": np.where(left, np.nan, 180.0),
    }  # fmt: skip
    return pd.DataFrame({**frame, **columns})


def month(frame: pd.DataFrame, name: str = "2026-02") -> PeriodLog:
    return load(frame).period(name)


@pytest.fixture(scope="session")
def twice() -> PeriodLog:
    """February 2026 is January again, four weeks each: 30 contacts in every hour but 60 from 11 to 12 h."""

    def size(day: pd.Timestamp, hour: int) -> int:
        return 60 if hour == 11 else 30

    first = contacts(size, start="2026-01-05", days=20)
    again = first.assign(
        opened_at=first["opened_at"] + pd.Timedelta(days=28), contact_id="b" + first["contact_id"],
        customer_key="b" + first["customer_key"],
    )  # fmt: skip
    return month(pd.concat([first, again], ignore_index=True))
