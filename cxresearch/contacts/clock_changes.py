"""The hours in which a zone's clock is put forward or back: one is missing on the wall, one is there twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd

_STEP = timedelta(minutes=30)  # the shortest change of a clock that is in use (Lord Howe)


def changed_hours(start: date, end: date, zone: str) -> Iterator[tuple[datetime, datetime, bool]]:
    """Spans of wall-clock time from ``start`` to before ``end`` that ``zone`` has twice (True), or not at all (False)."""
    here = ZoneInfo(zone)
    midnights = [
        datetime.combine(start + timedelta(days=n), datetime.min.time()) for n in range((end - start).days + 1)
    ]
    for day, after in pairwise(midnights):
        if day.replace(tzinfo=here).utcoffset() == after.replace(tzinfo=here, fold=1).utcoffset():
            continue
        changed = [
            (time, earlier > later)
            for time in (day + n * _STEP for n in range(48))
            if (earlier := _offset(time, here, 0)) != (later := _offset(time, here, 1))
        ]
        if changed:
            yield changed[0][0], changed[-1][0] + _STEP, changed[0][1]


def _offset(time: datetime, zone: ZoneInfo, fold: int) -> timedelta:
    return time.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta()


def with_changed_hours(
    repaired: pd.DataFrame, rows: duckdb.DuckDBPyRelation, start: date, end: date, zone: str
) -> pd.DataFrame:
    """``repaired`` (``repair, rows``) with how many kept rows were opened in an hour that the clock has twice or not at all.

    Nothing is changed in them: an hour that is there twice counts as one, with the contacts of both. Times in an hour
    that is not there speak against the zone.
    """
    told = []
    for first, last, twice in changed_hours(start, end, zone) if zone else ():
        within = f"set_aside IS NULL AND opened_at >= TIMESTAMP '{first}' AND opened_at < TIMESTAMP '{last}'"
        n = rows.filter(within).aggregate("count(*)").fetchall()[0][0]
        what = "is there twice: counted as one" if twice else f"{zone} does not have: is the zone right?"
        if n:
            told.append(
                {"repair": f"opened from {first:%H:%M} to {last:%H:%M} on {first:%Y-%m-%d}, which {what}", "rows": n}
            )
    return pd.concat([repaired, pd.DataFrame(told)], ignore_index=True) if told else repaired
