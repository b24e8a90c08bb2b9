"""The bank's two months, told once for the tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cxresearch.contacts import load
from cxresearch.exhibits import headline_table


@pytest.fixture(scope="session")
def bank(shared: Path) -> dict[str, pd.DataFrame]:
    """The headline tables of January and February 1999 (data/anonymous-bank)."""
    log = load([shared / "data" / "anonymous-bank" / f"{month}.txt.gz" for month in ("january", "february")])
    return {name: headline_table(log.period(name), channel="phone") for name in ("1999-01", "1999-02")}
