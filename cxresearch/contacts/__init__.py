"""Any contact log to canonical columns; calendar periods of it."""

from __future__ import annotations

from cxresearch.contacts.log import (
    BANK_HEADER,
    BANK_LONGEST_SERVICE_S,
    BANK_LONGEST_WAIT_S,
    BANK_QUEUES,
    CANONICAL,
    REQUIRED,
    SUFFIXES,
    WORDS,
    ContactLog,
    LogError,
    account_table,
    load_contacts,
)
from cxresearch.contacts.periods import KINDS, Period, PeriodError, parse_period, period_of

__all__ = [
    "BANK_HEADER",
    "BANK_LONGEST_SERVICE_S",
    "BANK_LONGEST_WAIT_S",
    "BANK_QUEUES",
    "CANONICAL",
    "KINDS",
    "REQUIRED",
    "SUFFIXES",
    "WORDS",
    "ContactLog",
    "LogError",
    "Period",
    "PeriodError",
    "account_table",
    "load_contacts",
    "parse_period",
    "period_of",
]
