"""What a notebook shows: a table in, its finding with its figure out."""

from __future__ import annotations

from cxresearch.exhibits.controls import day_controls, waiting_controls
from cxresearch.exhibits.headlines import (
    COLUMNS,
    change_record,
    change_table,
    earlier_headlines,
    log_span,
    period_headlines,
    waiting_headlines,
)
from cxresearch.exhibits.show import (
    FIGURE,
    HEADLINE,
    KINDS,
    NOTEBOOK_WIDTH,
    POINTS,
    TABLE,
    WHAT_IF,
    main_points,
    record_headline,
    say,
    show_figure,
    show_table,
    what_if,
)
from cxresearch.exhibits.talk import KIND_LABELS, duration

__all__ = [
    "COLUMNS",
    "FIGURE",
    "HEADLINE",
    "KINDS",
    "KIND_LABELS",
    "NOTEBOOK_WIDTH",
    "POINTS",
    "TABLE",
    "WHAT_IF",
    "change_record",
    "change_table",
    "day_controls",
    "duration",
    "earlier_headlines",
    "log_span",
    "main_points",
    "period_headlines",
    "record_headline",
    "say",
    "show_figure",
    "show_table",
    "waiting_controls",
    "waiting_headlines",
    "what_if",
]
