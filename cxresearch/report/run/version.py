"""What stands in the place of a period where a report reads a survey and no log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Version:
    """One file of a survey. ``name`` is a date and a digest of the file, ``label`` what people read; ``facts`` is what
    run.json says of its rows. There is none before it: another file is another survey."""

    name: str
    label: str
    facts: dict[str, Any] = field(default_factory=dict, repr=False)
    previous: None = None
