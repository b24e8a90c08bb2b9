"""Any contact log to canonical columns; calendar periods of it, each read once."""

from __future__ import annotations

from cxresearch.contacts.account import account_table, bridge_table
from cxresearch.contacts.bank import BANK_HEADER, BANK_LONGEST_SERVICE_S, BANK_LONGEST_WAIT_S, BANK_QUEUES
from cxresearch.contacts.canonical import CANONICAL, REQUIRED, SLOW, WORDS, LogError, LogQuestionError
from cxresearch.contacts.facts import FileFacts, file_facts, log_facts
from cxresearch.contacts.files import has_quotes
from cxresearch.contacts.followed import after_leaving, with_later
from cxresearch.contacts.kept_tables import kept_period, kept_problem
from cxresearch.contacts.keys import key_fingerprint
from cxresearch.contacts.layout import text_layout
from cxresearch.contacts.log import ContactLog, load, load_contacts
from cxresearch.contacts.look import look_at, look_text, next_command
from cxresearch.contacts.mapping import quoted, to_toml
from cxresearch.contacts.memory import FOLDER, clear_place, kept_folder, kept_in
from cxresearch.contacts.outside import OutsideError, read_outside, strict_json
from cxresearch.contacts.period_log import PeriodLog
from cxresearch.contacts.periods import PERIOD_KINDS, Period, PeriodError, parse_period, period_of
from cxresearch.contacts.places import SUFFIXES, Copy, Place
from cxresearch.contacts.read_once import read_period
from cxresearch.contacts.rows import Reading, open_log
from cxresearch.contacts.unanswered import unanswered_by_day

__all__ = [
    "BANK_HEADER", "BANK_LONGEST_SERVICE_S", "BANK_LONGEST_WAIT_S", "BANK_QUEUES", "CANONICAL", "FOLDER", "PERIOD_KINDS",
    "REQUIRED", "SLOW", "SUFFIXES", "WORDS", "ContactLog", "Copy", "FileFacts", "LogError", "LogQuestionError", "OutsideError", "Period", "PeriodError", "PeriodLog", "Place",
    "Reading", "account_table", "after_leaving", "bridge_table", "clear_place", "file_facts", "has_quotes", "kept_folder", "kept_in", "kept_period", "kept_problem", "key_fingerprint", "load", "load_contacts", "log_facts", "look_at", "look_text", "next_command",
    "open_log", "parse_period", "period_of", "quoted", "read_outside", "read_period", "strict_json", "text_layout", "to_toml", "unanswered_by_day", "with_later",
]  # fmt: skip
