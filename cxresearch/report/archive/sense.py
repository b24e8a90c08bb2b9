"""Whether a kept file that has the right shape can be true: names, dates and numbers that fit each other and their folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxresearch.contacts import OutsideError, Period, PeriodError, parse_period
from cxresearch.exhibits import EVERY, days_of

FIRST_YEAR, LAST_YEAR = 1970, 2200  # those of a contact; beyond them nobody was asked
FAILED = ".failed"
_VERSION = re.compile(r"(\d{4}-\d{2}-\d{2})-[0-9a-f]{8}")


def period_or_version(name: str) -> Period | None:
    """The period of that name; None for the name of a version. Raises OutsideError for any other."""
    if version := _VERSION.fullmatch(name):
        try:
            date.fromisoformat(version[1])
        except ValueError:
            raise OutsideError(f"its period {name!r} is not in the calendar") from None
        return None
    try:
        period = parse_period(name)
    except PeriodError:
        raise OutsideError(f"its period {name[:40]!r} is none") from None
    if not FIRST_YEAR <= period.start.year <= LAST_YEAR:
        raise OutsideError(f"its period {name!r} is not from {FIRST_YEAR} to {LAST_YEAR}")
    return period


def check_run(run: Mapping[str, Any], folder: Path) -> None:
    """A run stands in the folder of its report and its period, and its moments and counts can be. Raises OutsideError."""
    period_or_version(run["period"])
    name = run["period"] + (FAILED if run["status"] == "failed" else "")
    if (run["report"], name) != (folder.parent.name, folder.name):
        raise OutsideError(f"it says that it is {run['report'][:40]}/{name}, which is another folder")
    _moment(run["finished_utc"], "finished_utc")
    if run.get("newest_record"):
        _moment(run["newest_record"], "newest_record")
    counts = run.get("counts") or {}
    if {"read", "kept", "set_aside"} <= set(counts) and counts["read"] != counts["kept"] + counts["set_aside"]:
        raise OutsideError("its rows do not add up: read is not kept + set_aside")
    reasons = run.get("set_aside") or []
    if reasons and sum(one["rows"] for one in reasons) != counts.get("set_aside"):
        raise OutsideError("its reasons do not add up to the rows set aside")


def _moment(text: str, key: str) -> None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise OutsideError(f"its {key} {text[:40]!r} is no date") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise OutsideError(f"its {key} {text[:40]!r} is not from {FIRST_YEAR} to {LAST_YEAR}")


def check_headlines(headlines: Sequence[Mapping[str, Any]]) -> None:
    """Each name stands once, and every interval holds its value. Raises OutsideError."""
    _once(headlines)
    for one in headlines:
        name = one["name"][:40]
        _in_order(one, "value", name)
        if change := one.get("change"):
            _in_order(change, "difference", f"the change of {name}")
        if one.get("target") and "better" not in one:
            raise OutsideError(f"{name} has a target, and does not say what is better")


def check_forecast(forecast: Sequence[Mapping[str, Any]]) -> None:
    """Each name stands once; a value has both ends, and lies between them. Raises OutsideError."""
    _once(forecast)
    for one in forecast:
        for said in [one, *one.get("hours", [])]:
            _in_order(said, "value", one["name"][:40], both=said["value"] is not None)


def _once(rows: Sequence[Mapping[str, Any]]) -> None:
    names = [one["name"] for one in rows]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise OutsideError(f"{twice[:40]} stands in it twice")


def _in_order(said: Mapping[str, Any], value: str, name: str, *, both: bool = False) -> None:
    numbers = [said["lower"], said[value], said["upper"]]
    if both and None in numbers:
        raise OutsideError(f"{name} has a value and no interval")
    known = [number for number in numbers if number is not None]
    if known != sorted(known):
        raise OutsideError(f"{name} is {numbers[1]}, outside of {numbers[0]} to {numbers[2]}")


def check_days(frame: pd.DataFrame, period: Period | None) -> None:
    """The days of headlines: dates of the period, counts that are counts, parts no larger than their whole. Raises OutsideError."""
    days = days_of(frame)
    if days is None:
        raise OutsideError("it has another shape")
    if strange := sorted({str(name) for name in frame["name"]} - set(EVERY)):
        raise OutsideError(f"it has days of {strange[0][:40]!r}, which is no headline")
    when = pd.DatetimeIndex(days.day)
    if period is not None and not (when.notna() & (when >= str(period.start)) & (when < str(period.end))).all():
        raise OutsideError(f"it has days outside of {period.name}")
    if not (when.notna() & (when == when.normalize())).all() or (when.day_of_week + 1 != days.weekday).any():
        raise OutsideError("its weekdays are not those of its days")
    for name in days.top:
        _check_sums(days, name)


def _check_sums(days: Any, name: str) -> None:
    top, below, size = days.top[name], days.below[name], days.size[name]
    seconds = days.at.get(name, np.zeros(1))
    parts = [top, below, size, seconds]
    if not all(np.isfinite(part).all() and (part >= 0).all() for part in parts):
        raise OutsideError(f"{name} has sums that are no counts")
    shares = EVERY[name].link == "logit" or EVERY[name].how == "half"
    if shares and (top > below * (1 + 1e-9)).any():
        raise OutsideError(f"{name} has parts larger than their whole")
    if (np.diff(seconds) <= 0).any():
        raise OutsideError(f"{name} has seconds that are out of order")
