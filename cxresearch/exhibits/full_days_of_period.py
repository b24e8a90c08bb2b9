"""What a period loses on a full day, and in which queue: tables, and the exhibits of the same names."""

from __future__ import annotations

import pandas as pd

from cxresearch import patience
from cxresearch.contacts import PeriodLog
from cxresearch.exhibits import full_days as shown
from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.exhibits.messages import silent
from cxresearch.exhibits.waiting import week_in_words
from cxresearch.style import phrase

NO_TIMES = "The log has dates without a time of day, so nothing is said of hours"


def lost_by_hour_and_queue(mine: PeriodLog) -> Exhibit:
    """Contacts lost on a full day by hour, stacked by queue, and the hours that cannot be told from the highest."""
    if not mine.times_known:
        return shown.recorded_why("hours", phrase(NO_TIMES))
    if why := silent(mine):
        return shown.recorded_why("hours", why)
    week = full_weekdays(mine)
    if not week:
        return shown.recorded_why("hours", phrase("On no weekday is the log fully open"))
    hours = patience.lost_by_hour(mine.without_waits, weekdays=week)
    queues = patience.lost_by_hour_and_queue(mine.without_waits, weekdays=week)
    return shown.lost_by_hour_and_queue(hours, queues, week=week_in_words(week), place=mine.label, kind=mine.kind)


def queues_by_period(mine: PeriodLog) -> Exhibit:
    """The share of those who queued that gave up, queue by queue, beside the period before."""
    if why := silent(mine):
        return shown.recorded_why("queues", why)
    if not mine.cells["queued"].any():
        return shown.recorded_why("queues", phrase("Nobody queued"))
    if mine.cells["queue"].isna().all():
        return shown.recorded_why("queues", phrase("The log names no queue"))
    before = mine.previous.period.label if mine.previous is not None else ""
    return shown.queues_by_period(queue_table(mine), before=before, place=mine.label, kind=mine.kind)


def queue_table(mine: PeriodLog) -> pd.DataFrame:
    """Every queue with its share lost and, where there is a period before, its change; the largest first."""
    columns = ["queue", "queued", "left", "share_left_of_queued", "lower", "upper"]
    waits = mine.waits(("queue", "day"))
    waits = waits[waits["queue"].notna()]
    if waits.empty:
        return pd.DataFrame(columns=columns)
    table = patience.waiting_table(waits, by="queue", cluster="day")[columns]
    before = mine.previous
    if before is not None and before.cells["queued"].any():
        try:
            moved = patience.queue_sources(mine.without_waits, before.without_waits, fully_open=full_weekdays(mine))
        except ValueError:
            moved = pd.DataFrame()
        if len(moved):
            change = ["queue", "previous", "difference", "difference_lower", "difference_upper", "p_corrected"]
            table = table.merge(moved[change], on="queue", how="left")
            earlier = before.asked("queue").set_index("queue")["queued"]
            table["queued_before"] = table["queue"].map(earlier).fillna(0).astype(int)
    return table.sort_values(["queued", "queue"], ascending=[False, True], ignore_index=True)


def full_weekdays(mine: PeriodLog) -> list[int]:
    """The weekdays on which the log is fully open."""
    return [int(day) for day in mine.calendar.loc[mine.calendar["fully_open"], "weekday"]]
