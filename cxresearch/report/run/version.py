"""What stands in the place of a period where a report reads a survey and no log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Version:
    """One file of a survey. ``name`` is a date and a digest of the file, ``label`` what people read; ``facts`` is what
    run.json says of its rows, ``shares`` what is kept of its answers. None stands before it: another file is another
    survey."""

    name: str
    label: str
    facts: dict[str, Any] = field(repr=False)
    shares: pd.DataFrame = field(repr=False)
    previous: None = None
