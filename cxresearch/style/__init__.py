"""Fixed words, number formats and colours, the same everywhere."""

from __future__ import annotations

from cxresearch.style.words import (
    format_date,
    format_duration,
    format_interval,
    format_number,
    format_value,
    is_missing,
    languages,
    load_words,
)

__all__ = [
    "format_date",
    "format_duration",
    "format_interval",
    "format_number",
    "format_value",
    "is_missing",
    "languages",
    "load_words",
]
