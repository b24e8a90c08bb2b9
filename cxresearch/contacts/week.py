"""The week as a log has it: on which weekdays and at which hours somebody asked."""

from __future__ import annotations

import pandas as pd

_MANY = 20  # contacts: fewer may all have come at night


def week_of(cells: pd.DataFrame) -> pd.DataFrame:
    """The table of :attr:`PeriodLog.calendar`, from the cells of a period."""
    by_day = cells.groupby(["weekday", "day", "hour"], as_index=False)["contacts"].sum()
    week = by_day.groupby("weekday").agg(days=("day", "nunique"), contacts=("contacts", "sum"))
    week["contacts_per_day"] = week["contacts"] / week["days"]
    busiest = week["contacts_per_day"].max()
    hours = by_day.groupby(["weekday", "hour"], as_index=False).agg(
        seen=("day", "nunique"), contacts=("contacts", "sum")
    )
    days = hours["weekday"].map(week["days"])
    open_hours = hours[(2 * hours["seen"] >= days) & (100 * hours["contacts"] >= busiest * days)].groupby("weekday")[
        "hour"
    ]
    week["open_from"] = open_hours.min().reindex(week.index, fill_value=0)
    week["open_to"] = (open_hours.max() + 1).reindex(week.index, fill_value=0)
    spans = week["open_to"] - week["open_from"]
    # Of a period that the log covers in part, that part.
    weekdays = pd.date_range(cells["day"].min(), cells["day"].max()).day_of_week + 1
    dates = [int((weekdays == weekday).sum()) for weekday in week.index]
    week["fully_open"] = (
        (2 * week["days"] >= dates) & (2 * week["contacts_per_day"] >= busiest) & (5 * spans >= 4 * spans.max())
    )
    return week.drop(columns="contacts").reset_index()


def times_known(cells: pd.DataFrame) -> bool:
    """Whether contacts have a time of day: where all of many stand in the first hour after midnight, it is their date alone."""
    return bool((cells["hour"] > 0).any()) or int(cells["contacts"].sum()) < _MANY
