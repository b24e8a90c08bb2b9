"""Does every log that loads make its report? Whole odd reports through the command line: python benchmarks/odd_reports.py

Each case is drawn from its own number: a kind of report, a language, a form of file, settings of a TOML, and a log in which
some things are odd (``ODD``: times, waits, outcomes, queues, promises, handling times, customers and agents, channels, columns
that are missing). The first cases are picked by hand (``PICKED``). What may come of it is known without the reader:

- page: exit 0, a complete page that passed the gate, rows kept and set aside are those that were written, the numbers that
  can be counted here are on it, and nothing in its text is a number that is none, or a place that nobody filled;
- sentence: exit 2, and one line that says what is wrong;

Anything else is a failure: wrong (a page whose counts are not those of the log), not a page (a text that nobody meant),
failed (exit 1, a traceback), hang (no end within ``--limit``). Each case has a folder and each worker a process of its own;
kernels are forked from a warm process, as in a backfill. One page in ten is seen by a browser, where there is one.
Results go to benchmarks/results/odd_reports.json and odd_reports.md.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import io
import json
import math
import multiprocessing
import os
import platform
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from importlib.metadata import version
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
CALLS = ("monthly", "weekly", "daily", "quarterly", "yearly")
DAYS = {"monthly": 31, "weekly": 7, "daily": 1, "quarterly": 91, "yearly": 366, "tickets": 31}
NAMES = {
    "monthly": "{0:%Y-%m}", "weekly": "{1.year}-W{1.week:02d}", "daily": "{0:%Y-%m-%d}", "quarterly": "{0.year}-Q{0.quarter}",
    "yearly": "{0.year}", "tickets": "{0:%Y-%m}",
}  # fmt: skip
# A leap day, the hours that come twice and never, a week 53, the ends of years, months of 28 to 31 days.
FIRST_DAYS = (
    "2024-02-29",
    "2024-05-15",
    "2026-10-25",
    "2026-03-29",
    "2021-01-02",
    "2025-12-31",
    "2023-02-14",
    "1970-01-01",
)
STRANGE = (
    r"$\frac{a}$", "$", "$$", "100 % & _a_^b", "<b>bold</b>", "</script><script>alert(1)</script>", "{{x}}", "{x}", "{0}", "%s %d",
    "=1+1", "@SUM(A1)", "+49", "-", "emoji 🙂👩‍👩‍👧", "قسم المبيعات", "‮left", "客服", "x" * 300, "W" * 120, "two\nlines", "tab\there", "nul\x00",
    'say "hi"', "it's", "a, b; c|d", "Sales", "sales", " Sales ", "SALES", "nan", "None", "NULL", "inf", "", " ", "total", "Total", "all",
    "other queues", "All channels", "phone", "5", "1e5", "2024-05-01", "&amp;", "\\n", "`code`", "# head", "| pipe |", "[a](http://b.c)",
    "é", "e\u0301", "ﬁ", "\u200b", "a\u00a0b", "SIMULATED", "FAILED", "Support 1 < 2 > 0",
)  # fmt: skip
NO_NUMBER = re.compile(r"(?<![\w-])(?:nan|NaN|inf|-inf|None(?! [a-z])|NaT|null|undefined)(?![\w-])|<NA>")
NOT_FILLED = re.compile(r"\{\{|\{[A-Za-z_][\w.]*(?:[:!][^{}]*)?\}|\{\d*\}|%\([a-z]+\)s")
ZONE = "Europe/Berlin"
LIMIT_S = 300.0  # of the clock on the wall, on a machine that does other things, too


class Case(NamedTuple):
    """One made-up report: what is run, the rows of its log (or of its survey), and what is odd about it."""

    name: str
    kind: str
    period: str
    language: str
    form: str
    frame: pd.DataFrame
    toml: str
    odd: tuple[str, ...]
    columns: Mapping[str, Any] = {}


# The logs ---------------------------------------------------------------------------------------------------------------

Change = Callable[[pd.DataFrame, np.random.Generator], "pd.DataFrame | None"]


def put(**columns: Any) -> Change:
    """A change that sets columns, to a value or to what a function of (place, rng) gives; None takes the column away."""

    def change(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        place = np.arange(len(frame))
        for name, value in columns.items():
            if value is None:
                frame = frame.drop(columns=name, errors="ignore")
            else:
                frame = frame.assign(**{name: value(place, rng) if callable(value) else value})
        return frame

    return change


def one_of(*values: Any) -> Callable[[np.ndarray, np.random.Generator], pd.Series]:
    return lambda place, rng: pd.Series([values[i] for i in rng.integers(len(values), size=len(place))])


def first(value: Any, rest: Any) -> Callable[[np.ndarray, np.random.Generator], Any]:
    """One odd value, and what the others are."""
    return lambda place, rng: np.where(place == len(place) // 2, value, rest(place, rng) if callable(rest) else rest)


def waits(place: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.round(rng.exponential(90, len(place)))


def talks(place: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.round(rng.exponential(200, len(place)) + 10)


def at(hours: Callable[[np.ndarray, np.random.Generator], Any]) -> Change:
    """The hour of the day alone is moved."""

    def change(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        seconds = np.asarray(hours(np.arange(len(frame)), rng), dtype=float) * 3600
        return frame.assign(opened_at=frame["opened_at"].dt.normalize() + pd.to_timedelta(np.floor(seconds), unit="s"))

    return change


def only(which: Callable[[pd.DataFrame], Any]) -> Change:
    """Rows of some days alone."""
    return lambda frame, rng: frame[np.asarray(which(frame), dtype=bool)].reset_index(drop=True)


def _middle(frame: pd.DataFrame) -> Any:
    """The moment in the middle of the period that is asked for."""
    return frame.attrs["start"] + (frame.attrs["end"] - frame.attrs["start"]) / 2


def _in_period(frame: pd.DataFrame) -> Any:
    return (frame["opened_at"] >= frame.attrs["start"]) & (frame["opened_at"] < frame.attrs["end"])


def _days_of_one(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return frame.loc[~frame["opened_at"].dt.date.duplicated()].reset_index(drop=True)


def _with_offset(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The clock of Berlin with its offset; of the hour that comes twice each contact has one."""
    there = frame["opened_at"].dt.tz_localize(
        ZONE, ambiguous=np.arange(len(frame)) % 2 == 0, nonexistent="shift_forward"
    )
    return frame.assign(opened_at=[t.isoformat() for t in there])


def names(*given: str) -> Change:
    return put(queue=one_of(*given))


ODD: dict[str, dict[str, Change]] = {
    "times": {
        "nights alone": at(lambda place, rng: rng.uniform(0, 5, len(place))),
        "all at midnight": at(lambda place, rng: place * 0),
        "office hours": at(lambda place, rng: rng.uniform(8, 18, len(place))),
        "the hour that comes twice": at(lambda place, rng: rng.uniform(2, 3, len(place))),
        "the last second of the day": at(lambda place, rng: np.full(len(place), 86_399 / 3600)),
        "one hour": at(lambda place, rng: rng.uniform(12, 13, len(place))),
        "Sundays alone": only(lambda frame: frame["opened_at"].dt.day_of_week == 6),
        "a gap of weeks": only(lambda frame: abs((frame["opened_at"] - frame.attrs["start"]).dt.days) > 16),
        "nothing before": only(_in_period),
        "ends in the middle of a day": only(lambda frame: frame["opened_at"] < _middle(frame)),
        "begins in the middle": only(lambda frame: frame["opened_at"] > _middle(frame)),
        "every day one contact": _days_of_one,
        "all in one second": lambda frame, rng: frame.assign(opened_at=_middle(frame)),
        "one day": lambda frame, rng: frame.assign(opened_at=frame.attrs["start"] + (frame["opened_at"] - frame["opened_at"].dt.normalize())),
        "dates alone": lambda frame, rng: frame.assign(opened_at=frame["opened_at"].dt.strftime("%Y-%m-%d")),
        "times with an offset": _with_offset,
        "some without a time": lambda frame, rng: frame.assign(opened_at=frame["opened_at"].where(np.arange(len(frame)) % 9 > 0)),
        "years apart": lambda frame, rng: frame.assign(opened_at=frame["opened_at"] - pd.to_timedelta(1461 * rng.integers(0, 8, len(frame)), unit="D")),
    },
    "waits": {
        "all waits are 0": put(wait_s=0.0),
        "all waits are the same": put(wait_s=77.0),
        "waits of whole hours": put(wait_s=lambda place, rng: 3600.0 * rng.integers(0, 5, len(place))),
        "one wait of 1e12 s": put(wait_s=first(1e12, waits)),
        "one wait of a week": put(wait_s=first(604_800.0, waits)),
        "one wait of a month": put(wait_s=first(2.6e6, waits)),
        "all waits of 1e12 s": put(wait_s=1e12),
        "some waits of 1e300 s": put(wait_s=lambda place, rng: np.where(place % 6, waits(place, rng), 1e300)),
        "waits of 1e-9 s": put(wait_s=lambda place, rng: (place % 7) * 1e-9),
        "subnormal waits": put(wait_s=lambda place, rng: (place % 7) * 5e-324),
        "fractions of a second": put(wait_s=lambda place, rng: rng.exponential(0.2, len(place))),
        "heavy tails": put(wait_s=lambda place, rng: np.minimum(rng.pareto(0.4, len(place)) * 10, 8e6)),
        "some waits are negative": put(wait_s=lambda place, rng: waits(place, rng) - 5),
        "some waits are missing": put(wait_s=lambda place, rng: np.where(place % 9, waits(place, rng), np.nan)),
        "some waits are no number": put(wait_s=lambda place, rng: np.where(place % 9, waits(place, rng), np.inf)),
        "few waits can be read": put(wait_s=lambda place, rng: np.where(place % 9, np.nan, waits(place, rng))),
        "waits as words": put(wait_s=lambda place, rng: pd.Series([f"{int(w) // 60} min {int(w) % 60} s" for w in waits(place, rng)])),
        "a wait beyond whole numbers": put(wait_s=first(2.0**63, waits)),
    },
    "outcomes": {
        "nobody gave up": put(outcome="answered"),
        "everybody gave up": put(outcome="abandoned"),
        "all are open": put(outcome="open"),
        "all went to a bot": put(outcome="deflected"),
        "all four": put(outcome=one_of("answered", "abandoned", "deflected", "open")),
        "one was answered": put(outcome=first("answered", "abandoned")),
        "one gave up": put(outcome=first("abandoned", "answered")),
        "who waited long gave up": lambda frame, rng: frame.assign(outcome=np.where(pd.to_numeric(frame["wait_s"], errors="coerce") > 60, "abandoned", "answered")),
        "some are not known": put(outcome=lambda place, rng: pd.Series([None if n % 9 == 0 else "answered" for n in place])),
        "words nobody knows": put(outcome=lambda place, rng: pd.Series([["answered", "TRANSFER TO 7", "abandoned"][n % 3] for n in place])),
        "words of other tools": put(outcome=one_of("Answered", "ABANDONED", "Handled", "Voicemail", "Transferred", "closed", "Callback")),
        "not queued": put(queued=False),
        "half not known to have queued": put(queued=one_of(True, False, None)),
    },
    "queues": {
        "strange names": names(*STRANGE),
        "names of mathtext": names(r"$\frac{a}$", "$x_{$", "$", "$$"),
        "names of markup": names("<b>", "</td>", "{{x}}", "{x}", "&amp;", "<script>"),
        "names of formulas": names("=1+1", "@SUM(A1)", "+1", "-2", "\t=1"),
        "names equal up to case or spaces": names("Sales", "sales", " Sales ", "SALES", "Sales\u00a0"),
        "names that are words for nothing": names("nan", "None", "", "NULL", "n/a", "inf"),
        "names of ours": names("all", "total", "Total", "other queues", "All channels", "all queues", "not known", "phone"),
        "names in other writing": names("قسم المبيعات", "客服", "🙂", "‮left", "ünïcode ✓"),
        "names of 300 letters": names("x" * 300, "word " * 60, "y" * 299 + "\n"),
        "names that are numbers": names("1", "2", "1.0", "1e5", "007", "-1"),
        "names with controls": names("a\nb", "a\tb", "nul\x00", "\x1b[31m", "\u200b"),
        "400 queues": put(queue=lambda place, rng: pd.Series([f"queue {n % 400}" for n in place])),
        "a queue for every contact": put(queue=lambda place, rng: pd.Series([f"q{n}" for n in place])),
        "400 strange queues": put(queue=lambda place, rng: pd.Series([f"{STRANGE[n % len(STRANGE)]} {n % 400}" for n in place])),
        "no queue": put(queue=None),
        "one queue": put(queue="a"),
        "some queues are missing": put(queue=lambda place, rng: pd.Series([None if n % 3 else "a" for n in place])),
    },
    "promises": {
        "no promise": put(promised_s=None),
        "one promise": put(promised_s=60.0),
        "5,000 promises": put(promised_s=lambda place, rng: place % 5000 + 1.0),
        "promises of 0": put(promised_s=lambda place, rng: np.where(place % 2, 0.0, 60.0)),
        "negative promises": put(promised_s=lambda place, rng: np.where(place % 2, -30.0, 60.0)),
        "promises of 1e12 s": put(promised_s=lambda place, rng: np.where(place % 2, 1e12, 60.0)),
        "promises of 1e-9 s": put(promised_s=lambda place, rng: np.where(place % 2, 1e-9, 60.0)),
        "promises that are no number": put(promised_s=lambda place, rng: np.choose(place % 3, [np.inf, np.nan, 30.0])),
    },
    "handling": {
        "no handling times": put(handle_s=None),
        "handling times of 0": put(handle_s=0.0),
        "one of 1e12 s": put(handle_s=first(1e12, talks)),
        "an hour of 1e12 s each": lambda frame, rng: frame.assign(handle_s=np.where(frame["opened_at"].dt.hour == 10, 1e12, 200.0)),
        "all of 1e12 s": put(handle_s=1e12),
        "1e300 s": put(handle_s=1e300),
        "subnormal": put(handle_s=5e-324),
        "1e-9 s": put(handle_s=1e-9),
        "negative": put(handle_s=lambda place, rng: talks(place, rng) - 100),
        "milliseconds": put(handle_s=lambda place, rng: 1000 * talks(place, rng)),
        "a day each": put(handle_s=86_400.0),
        "all the same": put(handle_s=120.0),
        "one is known": put(handle_s=first(60.0, np.nan)),
    },
    "people": {
        "no customer": put(customer_key=None),
        "one customer": put(customer_key="1"),
        "a customer each": put(customer_key=lambda place, rng: place.astype(str)),
        "customers with strange names": put(customer_key=one_of(*STRANGE)),
        "some customers are missing": put(customer_key=lambda place, rng: pd.Series([None if n % 4 else str(n) for n in place])),
        "no agent": put(agent_key=None),
        "one agent": put(agent_key="a"),
        "3,000 agents": put(agent_key=lambda place, rng: pd.Series([f"agent {n % 3000}" for n in place])),
        "agents with strange names": put(agent_key=one_of(*STRANGE)),
        "the same contact again": put(contact_id="1"),
        "ids a spreadsheet cut": put(contact_id="1.23E+11", customer_key="1.23E+11"),
    },
    "channels": {
        "no channel": put(channel=None),
        "seven channels": put(channel=one_of("phone", "chat", "email", "social", "web_form", "in_person", "other")),
        "no phone": put(channel=one_of("email", "chat")),
        "chat alone": put(channel="chat"),
        "e-mail alone": put(channel="email"),
        "one call among e-mails": put(channel=first("phone", "email")),
        "phone is new": lambda frame, rng: frame.assign(channel=np.where(_in_period(frame), "phone", "chat")),
        "words nobody knows": put(channel=one_of("phone", "fax", "pigeon")),
        "some are missing": put(channel=lambda place, rng: pd.Series([None if n % 5 == 0 else "phone" for n in place])),
    },
}  # fmt: skip
OPTIONAL = (
    "contact_id",
    "customer_key",
    "channel",
    "queue",
    "queued",
    "promised_s",
    "handle_s",
    "reply",
    "value",
    "agent_key",
)
FORMS = ("csv", "semicolon", "tsv", "csv.gz", "parquet", "xlsx", "jsonl")
SIZES = (1, 2, 3, 7, 30, 120, 400, 1500)
TARGETS = (
    "[targets]\nservice_level = 0.8\nlost_share = 0.05\n",
    "[targets]\nservice_level = 1.0\nlost_share = 0.0\nmean_wait_s = 1e-9\n",
)
OF_TICKETS = (
    "[targets]\nunanswered_after_promise_share = 0.1\n",
    "[targets]\nmedian_first_answer_s = 1e-9\nasked_again_share = 0\n",
)
DECISIONS = (
    '[prices]\nagent_hour = { value = 30.0, currency = "EUR" }\ncontact = { value = 12.0, low = 5.0, high = 40.0, currency = "EUR" }\n',
    '[prices]\nagent_hour = { value = 1e9, currency = "IDR" }\ncontact = { value = 0.01, currency = "IDR" }\n',
    '[[actions]]\nname = "two more"\nagents = 2\nhours = [18, 22]\nweekdays = [1, 2, 3]\n\n[[actions]]\nname = "$\\\\frac{a}$ <b>"\ncontained_share = 0.15\n',
    '[[actions]]\nname = "{x} at night"\nagents = 400\nhours = [0, 24]\n',
)  # fmt: skip
# Parameters of the reports that declare them.
OWN = {
    "": ("smallest_group = 0", "smallest_group = 1", "smallest_group = 1000000"),
    "calls": ("target_s = 0.001", "target_s = 1e9", "target_s = -1.0"),
    "curves": (
        "horizon_s = 1.0", "horizon_s = 0.0", "horizon_s = 1e9", "bandwidth_s = 1e-6", "bandwidth_s = 1e9", "response_times_s = []",
        "response_times_s = [5.0, 5.0, -1.0]", "replicates = 0", "replicates = 1", "weekdays = [7]", "weekdays = [8]", "interval_min = 15",
        "most_abandoned = 0.0", "most_abandoned = 1.0", "most_abandoned = 0.001", "evening_experts = -1", "evening_experts = 100000",
        "redial_share = 1.0", "redial_share = 2.0", "promises_s = []", "promises_s = [-1.0]", "promises_s = [1e12]", "contact_value = 1e300",
        "contact_value = -5.0", 'currency = "$<b>{x}"', "promises_by_lot = true",
    ),
    "tickets": ("promise_s = 0.0", "promise_s = -1.0", "promise_s = 1e12", "again_h = 0.0", "again_h = -1.0", "again_h = 1e9", 'channel = "email"'),
}  # fmt: skip
# One after the other, each with the size, the kind, and what is odd: (group, name).
PICKED: tuple[tuple[str, int, tuple[tuple[str, str], ...]], ...] = (
    ("monthly", 400, (("waits", "one wait of 1e12 s"),)),
    ("monthly", 400, (("handling", "an hour of 1e12 s each"),)),
    ("monthly", 400, (("queues", "names of mathtext"),)),
    ("monthly", 2400, (("queues", "400 queues"),)),
    ("monthly", 12_000, (("promises", "5,000 promises"),)),
    ("monthly", 6000, (("people", "3,000 agents"), ("people", "a customer each"))),
    ("monthly", 400, (("queues", "strange names"), ("people", "customers with strange names"))),
    ("monthly", 800, (("channels", "seven channels"),)),
    ("weekly", 400, (("handling", "all of 1e12 s"),)),
    ("weekly", 400, (("waits", "one wait of 1e12 s"), ("queues", "strange names"))),
    ("weekly", 40, (("times", "Sundays alone"),)),
    ("daily", 20_000, (("times", "nothing before"),)),
    ("daily", 1, (("times", "nothing before"),)),
    ("daily", 400, (("queues", "400 strange queues"),)),
    ("quarterly", 400, (("times", "every day one contact"),)),
    ("yearly", 1500, (("times", "years apart"),)),
    ("tickets", 400, (("waits", "one wait of 1e12 s"),)),
    ("tickets", 400, (("queues", "strange names"), ("channels", "seven channels"))),
    ("tickets", 2400, (("queues", "400 queues"), ("promises", "5,000 promises"))),
    ("tickets", 2, (("outcomes", "all are open"),)),
    ("monthly", 400, (("waits", "waits of 1e-9 s"), ("handling", "1e-9 s"))),
    ("monthly", 400, (("waits", "subnormal waits"), ("handling", "subnormal"))),
    ("monthly", 400, (("waits", "some waits of 1e300 s"), ("handling", "1e300 s"))),
    ("monthly", 400, (("waits", "waits of whole hours"),)),
    ("monthly", 400, (("waits", "all waits are the same"), ("handling", "all the same"), ("outcomes", "one gave up"))),
    ("monthly", 400, (("outcomes", "everybody gave up"), ("handling", "no handling times"))),
    ("monthly", 400, (("outcomes", "all four"), ("queues", "names that are words for nothing"))),
    ("monthly", 1, ()),
    ("monthly", 2, ()),
    ("monthly", 30, ()),
    ("monthly", 400, (("times", "nights alone"),)),
    ("monthly", 400, (("times", "the hour that comes twice"), ("times", "times with an offset"))),
    ("monthly", 400, (("times", "dates alone"),)),
    ("monthly", 400, (("times", "a gap of weeks"),)),
    ("monthly", 400, (("times", "ends in the middle of a day"), ("queues", "names of ours"))),
    ("monthly", 400, (("people", "one customer"), ("people", "one agent"))),
    ("monthly", 400, (("channels", "e-mail alone"),)),
    ("monthly", 60_000, (("people", "a customer each"), ("queues", "400 queues"))),
    ("monthly", 400, (("queues", "names of 300 letters"), ("promises", "promises of 1e12 s"))),
    ("survey", 40, ()),
    ("evidence", 0, ()),
)  # fmt: skip


def base_log(contacts: int, start: pd.Timestamp, end: pd.Timestamp, rng: np.random.Generator) -> pd.DataFrame:
    """A plain log of the period and of one as long before it, every column there."""
    length = end - start
    opened = (
        start - length + pd.to_timedelta(np.sort(rng.integers(0, int(2 * length.total_seconds()), contacts)), unit="s")
    )
    if contacts < 10:  # so few are all of the period
        opened = start + pd.to_timedelta(rng.integers(0, int(length.total_seconds()), contacts), unit="s")
    place = np.arange(contacts)
    frame = pd.DataFrame({
        "contact_id": [f"c{n}" for n in place], "customer_key": [f"k{n}" for n in rng.integers(0, contacts // 2 + 1, contacts)],
        "channel": "phone", "queue": np.where(rng.random(contacts) < 0.3, "sales", "service"), "opened_at": opened,
        "queued": rng.random(contacts) < 0.8, "wait_s": waits(place, rng),
        "outcome": np.where(rng.random(contacts) < 0.25, "abandoned", "answered"),
        "promised_s": np.choose(rng.integers(0, 3, contacts), [np.nan, 30.0, 60.0]), "handle_s": talks(place, rng),
        "reply": "helpful", "value": 1.0, "agent_key": [f"a{n}" for n in rng.integers(0, 6, contacts)],
    })  # fmt: skip
    frame.attrs |= {"start": start, "end": end}
    return frame


def tickets_log(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The same as tickets: by e-mail and the like, answered after hours, the last ones open."""
    there = one_of("email", "social", "web_form")
    return put(
        channel=there, wait_s=lambda place, rng: np.round(rng.exponential(20_000, len(place))), promised_s=86_400.0,
        outcome=lambda place, rng: np.where(place > 0.9 * len(place), "open", "answered"),
    )(frame, rng)  # fmt: skip


def survey_of(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """A small survey: questions with strange names, ticks, weights that may be odd."""
    asked = [str(one) for one in rng.choice(STRANGE, 6, replace=False)]
    frame = pd.DataFrame({name: rng.integers(0, 2, n) for name in asked})
    odd = [np.ones(n), rng.exponential(1, n), np.full(n, 1e12), np.where(np.arange(n) % 2, 1e-9, 1.0)]
    return frame.assign(w=odd[int(rng.integers(len(odd)))], group=one_of(*STRANGE[:8])(np.arange(n), rng))


def made(number: int) -> Case:
    """A report from its number; the first are picked by hand."""
    rng = np.random.default_rng([16, number])
    pick = lambda options: options[int(rng.integers(len(options)))]  # noqa: E731
    picked = PICKED[number] if number < len(PICKED) else None
    kind = (
        picked[0]
        if picked
        else str(rng.choice([*DAYS, "survey", "evidence"], p=[0.42, 0.13, 0.14, 0.06, 0.04, 0.15, 0.05, 0.01]))
    )
    language = pick(("en", "id", "pl")) if not picked or number % 3 == 0 else "en"
    form = pick(FORMS) if not picked else ("csv", "parquet")[number % 2]
    long = kind in ("monthly", "quarterly", "yearly")
    tables = OF_TICKETS if kind == "tickets" else (*TARGETS, *(DECISIONS if long or kind == "weekly" else ()))
    toml = pick(tables) if rng.random() < 0.4 and kind not in ("survey", "evidence") and not picked else ""
    lines = ["replicates = 4"] * long
    if not picked and rng.random() < 0.25:
        groups = ("", "tickets") if kind == "tickets" else ("", "calls", *(["curves"] * 3 if long else ()))
        lines.append(pick(OWN[pick(groups)]))
    if kind in ("survey", "evidence"):
        frame = survey_of(rng, picked[1] if picked else int(pick(SIZES[:-1]))) if kind == "survey" else pd.DataFrame()
        lines = [f"survey_weight = {json.dumps(pick(('', 'w')))}", f"survey_by = {json.dumps(pick(('', 'group')))}"]
        lines = lines if kind == "survey" else []
        form = form if form in ("csv", "xlsx", "parquet") else "csv"
        return Case(
            f"{number}: {kind}, {language}, {form}",
            kind,
            "",
            language,
            form,
            frame,
            _toml(kind, language, lines, "", ""),
            (),
        )
    from cxresearch.contacts import parse_period, period_of

    day = pd.Timestamp(
        "2024-05-15" if picked and "twice" not in str(picked) else "2026-10-25" if picked else pick(FIRST_DAYS)
    )
    word = {
        "monthly": "month",
        "weekly": "week",
        "daily": "day",
        "quarterly": "quarter",
        "yearly": "year",
        "tickets": "month",
    }[kind]
    span = parse_period(period_of(day.date(), word).name, word)
    frame = base_log(picked[1] if picked else int(pick(SIZES)), pd.Timestamp(span.start), pd.Timestamp(span.end), rng)
    if kind == "tickets":
        frame = tickets_log(frame, rng)
    chosen = picked[2] if picked else tuple(
        (group, pick(list(ODD[group]))) for group in rng.choice(list(ODD), int(rng.integers(1, 5)), replace=False)
    )  # fmt: skip
    # What is counted by day or hour comes before what turns times into text.
    attrs = frame.attrs
    for group, name in sorted(
        chosen, key=lambda one: (one[0] == "times", one[1] in ("dates alone", "times with an offset"))
    ):
        frame = ODD[group][name](frame, rng)
        frame.attrs |= attrs
    gone = [name for name in OPTIONAL if rng.random() < 0.1] if not picked else []
    frame = frame.drop(columns=[name for name in gone if name in frame.columns])
    odd = (*(f"{group}: {name}" for group, name in chosen), *(f"no {name}" for name in gone))
    lines += [f'timezone = "{ZONE}"'] * ("times: times with an offset" in odd)
    named = pick(STRANGE) if not picked and rng.random() < 0.2 else ""
    if form != "semicolon" and any(
        "1e-9 s" in one or "subnormal" in one or "fractions" in one for one in odd if one.startswith("waits")
    ):
        toml += '\n[columns]\nwait_s = { column = "wait_s", unit = "s" }\n'  # parts of a day are asked about
    if form == "semicolon":
        told = [
            name
            for name in ("wait_s", "promised_s", "handle_s", "value")
            if name in frame and frame[name].dtype.kind == "f"
        ]
        toml += "\n[columns]\n" + "".join(f'{name} = {{ column = "{name}", decimal = "," }}\n' for name in told)
    return Case(
        f"{number}: {kind}, {language}, {form}, {len(frame)} rows, {'; '.join(odd) or 'plain'}", kind, span.name, language, form, frame,
        _toml(kind, language, lines, toml, named), odd,
    )  # fmt: skip


def _toml(kind: str, language: str, lines: Sequence[str], tables: str, organisation: str) -> str:
    """The report as it stands in the checkout, in a language, with parameters and tables of its own."""
    from cxresearch.contacts import to_toml

    text = (ROOT / "reports" / f"{kind}.toml").read_text(encoding="utf-8")
    text = text.replace('organisation = ""', f"organisation = {to_toml(organisation)}", 1)
    own = {line.partition(" = ")[0]: line for line in lines}
    text = re.sub(rf"(?m)^(?:{'|'.join(own) or '-'}) = .*\n", "", text)
    return (
        f'language = "{language}"\n'
        + text.replace("[parameters]\n", "\n".join(["[parameters]", *own.values(), ""]), 1)
        + f"\n{tables}"
    )


def write_log(frame: pd.DataFrame, form: str, folder: Path) -> Path:
    """The log in a form of file."""
    frame = frame.copy()
    frame.attrs = {}
    path = folder / {"semicolon": "log.csv"}.get(form, f"log.{form}")
    if form == "parquet":
        frame.to_parquet(path, index=False)
    elif form == "xlsx":
        with pd.ExcelWriter(
            path,
            engine="xlsxwriter",
            engine_kwargs={
                "options": {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
            },
        ) as book:
            frame.to_excel(book, index=False)
    elif form == "jsonl":
        frame.to_json(path, orient="records", lines=True, date_format="iso", double_precision=15)
    else:
        sign = {"semicolon": ";", "tsv": "\t"}.get(form, ",")
        text = frame.to_csv(index=False, sep=sign, decimal="," if form == "semicolon" else ".").encode(
            "utf-8", "replace"
        )
        path.write_bytes(gzip.compress(text) if form == "csv.gz" else text)
    return path


# What came of it --------------------------------------------------------------------------------------------------------


def make_checkout(case: Case, folder: Path) -> list[str]:
    """A checkout of its own with the report and its log; the words of the command."""
    for name in ("notebooks", "data"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "reports").mkdir()
    (folder / "reports" / f"{case.kind}.toml").write_text(case.toml, encoding="utf-8")
    words = ["report", case.kind, "--out", str(folder / "out")]
    if case.kind == "evidence":
        return words
    path = write_log(case.frame, case.form, folder)
    if case.kind == "survey":
        return [*words, "--set", f"survey_file={path}"]
    return [*words, "--period", case.period, "--set", f"log={path}"]


def run_case(case: Case, folder: Path) -> tuple[str, str]:
    """Run the command in this process; what came of it, and in words what is wrong with that."""
    from cxresearch import __main__ as command_line

    words = make_checkout(case, folder)
    said = io.StringIO()
    root, command_line.ROOT = command_line.ROOT, folder
    try:
        with contextlib.chdir(folder), contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            code = command_line.main(words)
    except (Exception, SystemExit) as error:
        return "failed", f"{type(error).__name__}: {error}"
    finally:
        command_line.ROOT = root
    return judged(case, code, said.getvalue(), folder / "out" / case.kind)


def judged(case: Case, code: int, said: str, out: Path) -> tuple[str, str]:
    """The outcome of a report that ended with ``code`` and said ``said``."""
    if "Traceback (most recent call last)" in said:
        return "failed", said[-500:]
    if code == 2:
        lines = [line for line in said.splitlines() if line.startswith("cxresearch: ")]
        standing = list(out.glob("*/report.html"))
        return (
            ("sentence", said.strip()) if lines and not standing else ("failed", f"exit 2: {said[-500:]!r}, {standing}")
        )
    if code != 0:
        return "failed", f"exit {code}: {said[-800:]}"
    (folder,) = [path for path in out.iterdir() if path.is_dir()]
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    headlines = {one["name"]: one for one in json.loads((folder / "headlines.json").read_text(encoding="utf-8"))}
    wrong = [*_odd_text(case, folder), *_odd_json(folder)]
    if record["status"] != "complete":
        wrong.append(f"status {record['status']}")
    if wrong:
        return "not a page", "; ".join(wrong)
    if lies := list(_lies(case, record["counts"], headlines)):
        return "wrong", "; ".join(lies)
    return "page", f"{record['counts'].get('set_aside', 0)} set aside"


def _odd_text(case: Case, folder: Path) -> Iterable[str]:
    """What nobody meant to write, in the texts of the page, the brief and the files in them."""
    from cxresearch.report.page import gate

    mine = [str(one) for name in ("queue", "group") if name in case.frame for one in case.frame[name].unique()]
    mine += [str(one) for one in case.frame.columns] + [case.toml]
    for name in ("report.html", "brief.html"):
        if not (folder / name).is_file():
            yield f"no {name}"
            continue
        reader = gate._Reader()
        reader.feed((folder / name).read_text(encoding="utf-8"))
        texts = [
            "".join(reader.text),
            *(v for t in reader.tags for k, v in t.attributes.items() if k in ("alt", "title", "aria-label")),
        ]
        for pattern in (NO_NUMBER, NOT_FILLED):
            for text in texts:
                for found in pattern.finditer(text):
                    if not any(found.group() in one for one in mine):
                        yield f"{name}: {text[max(found.start() - 60, 0) : found.end() + 30]!r}"


def _odd_json(folder: Path) -> Iterable[str]:
    """Files beside the page that are no JSON as others read it."""

    def refuse(word: str) -> None:
        raise ValueError(f"holds {word}")

    for path in folder.glob("*.json"):
        try:
            json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
        except ValueError as error:
            yield f"{path.name} {error}"


UNSURE = (
    "waits as words",
    "words nobody knows",
    "words of other tools",
    "the same contact again",
    "ids a spreadsheet cut",
)


def _lies(case: Case, counts: Mapping[str, int], headlines: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    """Where the page's numbers are not those of the rows that were written."""
    if case.kind == "evidence":
        return
    read = sum(counts.get(name, 0) for name in ("read", "other_periods"))
    if counts["kept"] + counts["set_aside"] != counts["read"] or read != len(case.frame):
        yield f"{dict(counts)} of {len(case.frame)} rows"
    if case.kind == "survey" or any(one in name for name in case.odd for one in UNSURE):
        return
    frame = case.frame
    wait = pd.to_numeric(frame["wait_s"], errors="coerce")
    known = (wait >= 0) & (wait < 2**53) & frame["outcome"].isin(("answered", "abandoned", "deflected", "open"))
    opened = pd.to_datetime(frame["opened_at"].astype(str).str[:19], errors="coerce")
    mine = known & (opened >= frame.attrs["start"]) & (opened < frame.attrs["end"])
    if case.kind in CALLS:
        yield from _not_told("contacts", int(mine.sum()), headlines, 0)
    calls = frame[mine & (frame["channel"] == "phone" if "channel" in frame else True)]
    if case.kind in CALLS and len(calls) and calls["outcome"].isin(("answered", "abandoned")).all():
        asked = calls[calls["queued"].fillna(True).astype(bool)] if "queued" in calls else calls
        # Where the log names no channel, waits of ten minutes are those of tickets, on which nobody is seen to give up.
        tickets = (
            "channel" not in calls and (calls["outcome"] != "abandoned").all() and wait[calls.index].median() >= 600
        )
        if len(asked) and not tickets:
            yield from _not_told("abandonment_share", (asked["outcome"] == "abandoned").mean(), headlines, 1e-9)
            mean = wait[asked.index].mean()
            yield from _not_told("mean_wait_s", mean, headlines, 1 + 1e-6 * mean)


def _not_told(name: str, truth: float, headlines: Mapping[str, Mapping[str, Any]], tolerance: float) -> Iterable[str]:
    told = headlines[name]["value"]
    if told is None or not abs(told - truth) <= tolerance:
        yield f"{name} is {truth!r}, the page says {told!r}"


# Many of them -----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def warmed() -> Iterator[None]:
    """Kernels of every report of this process are forked from one warm process, as in a backfill."""
    from cxresearch.report.run import warm_start

    end, warm_start.end_warm_start = warm_start.end_warm_start, lambda: None  # type: ignore[assignment]
    try:
        warm_start.warm_start_for(sorted((ROOT / "notebooks").glob("*.ipynb")))
        yield
    finally:
        warm_start.end_warm_start = end
        end()


def _serve(connection: Any, folder: str) -> None:
    """Make one report after another."""
    os.environ["CXRESEARCH_KEY"] = "a key for nothing but benchmarks"
    chromium = os.environ.pop("CXRESEARCH_CHROMIUM", None)
    with warmed():
        while (number := connection.recv()) is not None:
            seen = {} if chromium is None else {"CXRESEARCH_CHROMIUM": chromium}
            os.environ.pop("CXRESEARCH_CHROMIUM", None)
            os.environ |= (
                seen if number % 10 == 0 else {"CXRESEARCH_CHROMIUM": ""}
            )  # what a browser sees has tests of its own
            begun, case = time.monotonic(), made(number)
            with tempfile.TemporaryDirectory(dir=folder) as own:
                outcome, said = run_case(case, Path(own))
                pages = [path.stat().st_size for path in Path(own).glob("out/*/*/report.html")]
                gates = (
                    [json.loads(path.read_text())["gate"]["browser"] for path in Path(own).glob("out/*/*/run.json")]
                    if pages
                    else []
                )
            connection.send({
                "number": number, "case": case.name, "kind": case.kind, "outcome": outcome, "said": said.replace(own, "."),
                "seconds": round(time.monotonic() - begun, 1), "bytes": max(pages, default=0),
                "seen": any(not said_of.startswith("not looked at") for said_of in gates),
            })  # fmt: skip


class _Worker:
    def __init__(self, folder: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, folder))
        self.process.start()
        theirs.close()
        self.number, self.begun = -1, 0.0

    def give(self, number: int) -> None:
        self.number, self.begun = number, time.monotonic()
        self.connection.send(number)


def make_all(
    numbers: Iterable[int], *, workers: int, limit_s: float, folder: str, tell: Callable[[dict[str, Any]], None]
) -> None:
    """Every case, some at a time; a worker that dies or hangs costs its case."""
    ahead = list(numbers)
    busy: list[_Worker] = []
    while ahead or busy:
        while ahead and len(busy) < workers:
            busy.append(_Worker(folder))
            busy[-1].give(ahead.pop(0))
        ready = wait([worker.connection for worker in busy], timeout=1)
        for worker in list(busy):
            lost = ""
            if worker.connection in ready:
                try:
                    tell(worker.connection.recv())
                except EOFError:
                    lost = "failed"
            elif time.monotonic() - worker.begun > limit_s:
                lost = "hang"
            else:
                continue
            if lost:
                worker.process.kill()
                case = made(worker.number)
                tell(
                    {
                        "number": worker.number,
                        "case": case.name,
                        "kind": case.kind,
                        "outcome": lost,
                        "said": "",
                        "seconds": round(time.monotonic() - worker.begun, 1),
                        "bytes": 0,
                    }
                )
                busy.remove(worker)
            elif ahead:
                worker.give(ahead.pop(0))
            else:
                worker.connection.send(None)
                worker.process.join(20)
                worker.process.kill()
                busy.remove(worker)


GOOD = ("page", "sentence")
BAD = ("wrong", "not a page", "failed", "hang")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reports", type=int, default=500)
    parser.add_argument("--first", type=int, default=0, help="the first number")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--limit", type=float, default=LIMIT_S, help="seconds that a report may take")
    parser.add_argument(
        "--kept",
        type=Path,
        help="a file with a line for each that was made; it is added to, and what was bad is made again",
    )
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    given = parser.parse_args()
    done: dict[int, dict[str, Any]] = {}
    again: set[int] = set()
    if given.kept and given.kept.exists():
        kept = [json.loads(line) for line in given.kept.read_text(encoding="utf-8").splitlines()]
        done = {one["number"]: one for one in kept if one["outcome"] in GOOD}  # the others are made again
        again = {one["number"] for one in kept if one["outcome"] in BAD}
    wanted = range(given.first, given.first + given.reports)

    def tell(one: dict[str, Any]) -> None:
        done[one["number"]] = one
        print(
            one["outcome"],
            f"{one['seconds']} s",
            one["case"],
            one["said"][:600] if one["outcome"] != "page" else "",
            sep=" | ",
            flush=True,
        )
        if given.kept:
            with given.kept.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(one) + "\n")

    with tempfile.TemporaryDirectory() as folder:
        make_all(
            [n for n in wanted if n not in done], workers=given.workers, limit_s=given.limit, folder=folder, tell=tell
        )
    return write_results([done[n] for n in wanted if n in done], given.out, again=len(again & {*wanted}))


def write_results(done: Sequence[dict[str, Any]], out: Path, *, again: int) -> int:
    """The counts, by kind of report, as JSON and in words; ``again``: how many were bad at first, and made again."""
    by_kind = {
        kind: Counter(one["outcome"] for one in done if one["kind"] == kind) for kind in (*DAYS, "survey", "evidence")
    }
    pages = [one for one in done if one["outcome"] == "page"]
    facts: dict[str, Any] = {
        "reports": len(done), "by_kind": {kind: dict(found) for kind, found in by_kind.items()},
        "made_again_after_a_mend": again,
        "pages_with_rows_set_aside": sum(not one["said"].startswith("0 ") for one in pages),
        "seen_by_a_browser": sum(one.get("seen", False) for one in pages),
        "largest_page_kB": round(max((one["bytes"] for one in pages), default=0) / 1000),
        "slowest_s": max((one["seconds"] for one in done), default=math.nan),
        "sentences": [[one["case"], one["said"]] for one in done if one["outcome"] == "sentence"],
        "bad": [[one["outcome"], one["case"], one["said"]] for one in done if one["outcome"] in BAD],
        "date": date.today().isoformat(), "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "python": platform.python_version(), **{name: version(name) for name in ("cxresearch", "duckdb", "pandas", "numpy", "matplotlib")},
    }  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    (out / "odd_reports.json").write_text(json.dumps(facts, indent=1) + "\n")
    columns = (*GOOD, *BAD)
    lines = ["# Odd reports", "", f"Made by `python benchmarks/odd_reports.py --reports {len(done)}`; the first {len(PICKED)} are picked by hand.", "",
             f"| kind | reports | {' | '.join(columns)} |", f"|---|{'---:|' * (1 + len(columns))}"]  # fmt: skip
    for kind, found in [*by_kind.items(), ("all", sum(by_kind.values(), Counter()))]:
        lines.append(f"| {kind} | {found.total():,} | {' | '.join(f'{found[one]:,}' for one in columns)} |")
    lines += ["", "Page: exit 0, complete, through the gate, its counts those of the log. Sentence: exit 2, and one line of what is wrong. Wrong: a page "
              "whose counts are not those of the log. Not a page: a text that nobody meant (nan, a place not filled). Failed: exit 1, or a traceback. "
              "Hang: no end within the limit.", "", "## Where and when", ""]  # fmt: skip
    told = (
        "made_again_after_a_mend",
        "pages_with_rows_set_aside",
        "seen_by_a_browser",
        "largest_page_kB",
        "slowest_s",
        "date",
        "machine",
        "python",
        "cxresearch",
        "duckdb",
        "pandas",
        "numpy",
        "matplotlib",
    )
    lines += [f"- {name.replace('_', ' ')}: {facts[name]}" for name in told]
    (out / "odd_reports.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return int(any(one["outcome"] in BAD for one in done))


if __name__ == "__main__":
    raise SystemExit(main())
