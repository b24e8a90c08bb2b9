"""How old a report is: records that end before their period does, and a report that a newer one should have replaced."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from cxresearch.contacts import Period, PeriodError, parse_period, period_of
from cxresearch.style import format_date, load_words, period_label

_SLACK = timedelta(days=1)  # a log exported at night stops some time before midnight


def period_of_run(run: dict[str, Any]) -> Period | None:
    """The calendar period of a run; None where its name is none."""
    try:
        return parse_period(str(run["period"]))
    except PeriodError:
        return None


def due(run: dict[str, Any]) -> date | None:
    """The day after which a newer report should stand here: the end of the period that follows."""
    period = period_of_run(run)
    return period_of(period.end, period.kind).end if period else None


def due_ahead(run: dict[str, Any]) -> date | None:
    """The same day where it lay ahead when the page was made: of a look back nothing is due."""
    day = due(run)
    try:
        made = date.fromisoformat(str(run.get("finished_utc"))[:10])
    except ValueError:
        return None
    return day if day and made <= day else None


def stale_records(run: dict[str, Any], *, language: str = "en") -> str:
    """Say that the newest record is older than the end of the period by more than a day; "" where it is not.

    A run without a newest record is not judged: its page says that the date is not known.
    """
    period, newest = period_of_run(run), run.get("newest_record")
    if period is None or not newest:
        return ""
    try:
        moment = datetime.fromisoformat(newest)
    except ValueError:
        return ""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    if moment >= datetime.combine(period.end, time()) - _SLACK:
        return ""
    last = period.end - timedelta(days=1)
    return load_words(language)["page"]["stale_records"].format(
        newest=format_date(newest, language=language), end=format_date(last, language=language)
    )


def stale_report(run: dict[str, Any], today: date, *, language: str = "en") -> str:
    """Say that a newer report was due before ``today``; "" where it was not. Meant for the newest run of a report."""
    day = due(run)
    if day is None or today <= day:
        return ""
    return load_words(language)["index"]["stale_report"].format(date=format_date(day, language=language))


def run_in_language(run: dict[str, Any], language: str) -> dict[str, Any]:
    """``run`` with the labels of its period and of the one before in ``language``."""
    period = period_of_run(run)
    if language == "en" or period is None:
        return run
    labels = {
        period_label(p.kind, p.start, language="en"): period_label(p.kind, p.start, language=language)
        for p in (period, period.previous)
    }
    return {
        **run,
        **{k: labels.get(run[k], run[k]) for k in ("period_label", "previous_period_label") if k in run},
        "labels": labels,
    }
