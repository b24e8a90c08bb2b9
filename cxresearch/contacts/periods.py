"""Calendar periods by name: 1999-02 is a month, 1999-Q1 a quarter, 1999-W07 a week, 1999-02-14 a day, 1999 a year."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from cxresearch.style import period_label

PERIOD_KINDS = {
    "day": (r"(\d{4})-(\d{2})-(\d{2})", "1999-02-14"),
    "week": (r"(\d{4})-W(\d{2})", "1999-W07"),
    "month": (r"(\d{4})-(\d{2})", "1999-02"),
    "quarter": (r"(\d{4})-Q([1-4])", "1999-Q1"),
    "year": (r"(\d{4})", "1999"),
}


class PeriodError(ValueError):
    """A period that is no calendar day, week, month, quarter or year."""


@dataclass(frozen=True)
class Period:
    """Days from ``start`` to before ``end``. ``name`` is what people type, ``label`` what they read."""

    name: str
    kind: str
    start: date
    end: date

    @property
    def label(self) -> str:
        """February 1999, 14 February 1999, week 7 of 1999, quarter 1 of 1999, 1999, in the language of the report."""
        return period_label(self.kind, self.start)

    def weekdays(self, numbers: Iterable[int] = ()) -> int:
        """How many days of the period fall on these weekdays (1 Monday to 7 Sunday; none given: all)."""
        wanted = set(numbers) or set(range(1, 8))
        if strange := wanted - set(range(1, 8)):
            raise PeriodError(f"weekdays are 1 (Monday) to 7 (Sunday); got {sorted(strange)}.")
        days = (self.end - self.start).days
        return sum((self.start + timedelta(days=n)).isoweekday() in wanted for n in range(days))

    @property
    def previous(self) -> Period:
        """The period of the same kind just before."""
        return period_of(self.start - timedelta(days=1), self.kind)

    @property
    def year_before(self) -> Period:
        """The same period of the year before: of a day and a week 52 weeks back, so that its weekdays are the same."""
        if self.kind in ("day", "week"):
            return period_of(self.start - timedelta(weeks=52), self.kind)
        return period_of(date(self.start.year - 1, self.start.month, 1), self.kind)


def parse_period(name: str, kind: str | None = None) -> Period:
    """The period of that name. Raises PeriodError for another form, a day that is none, or another kind than asked."""
    kinds = [kind] if kind else list(PERIOD_KINDS)
    for candidate in kinds:
        if candidate not in PERIOD_KINDS:
            raise PeriodError(f"unknown kind of period {candidate!r}; known are {', '.join(PERIOD_KINDS)}.")
        found = re.fullmatch(PERIOD_KINDS[candidate][0], name)
        if not found:
            continue
        numbers = [int(g) for g in found.groups()]
        try:
            if candidate == "week":
                first = date.fromisocalendar(numbers[0], numbers[1], 1)
            elif candidate == "quarter":
                first = date(numbers[0], 3 * numbers[1] - 2, 1)
            else:
                first = date(*[*numbers, 1, 1][:3])
        except ValueError as error:
            raise PeriodError(f"{name!r} is not in the calendar: {error}.") from error
        return period_of(first, candidate)
    forms = ", ".join(f"{PERIOD_KINDS[k][1]} ({k})" for k in kinds)
    raise PeriodError(f"{name!r} is not a period; write it like {forms}.")


def period_of(day: date, kind: str) -> Period:
    """The period of that kind in which ``day`` lies."""
    if kind == "day":
        return Period(day.isoformat(), kind, day, day + timedelta(days=1))
    if kind == "week":
        start = day - timedelta(days=day.weekday())
        year, week, _ = start.isocalendar()
        return Period(f"{year}-W{week:02d}", kind, start, start + timedelta(days=7))
    months = {"month": 1, "quarter": 3, "year": 12}[kind]
    start = date(day.year, (day.month - 1) // months * months + 1, 1)
    ahead = start.year * 12 + start.month - 1 + months
    end = date(ahead // 12, ahead % 12 + 1, 1)
    name = {"month": f"{start:%Y-%m}", "quarter": f"{start.year}-Q{start.month // 3 + 1}", "year": str(start.year)}[
        kind
    ]
    return Period(name, kind, start, end)
