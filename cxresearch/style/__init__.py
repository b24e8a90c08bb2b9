"""Fixed words, number formats and colours, the same everywhere."""

from __future__ import annotations

from cxresearch.style.words import (
    current_language,
    format_date,
    format_duration,
    format_interval,
    format_number,
    format_value,
    is_missing,
    languages,
    load_words,
    period_label,
    phrase,
    retold,
)

__all__ = [
    "current_language",
    "format_date",
    "format_duration",
    "format_interval",
    "format_number",
    "format_value",
    "is_missing",
    "languages",
    "load_words",
    "period_label",
    "phrase",
    "retold",
]
