"""Where the change of a period comes from: its tables, and the exhibit of the same name."""

from __future__ import annotations

import pandas as pd

from cxresearch import patience, queueing, survival
from cxresearch.contacts import PeriodLog
from cxresearch.exhibits import sources
from cxresearch.exhibits.exhibit import Exhibits, nothing
from cxresearch.exhibits.messages import silent
from cxresearch.exhibits.period import changes
from cxresearch.risk_table import equal_weekdays
from cxresearch.style import phrase


def change_sources(month: PeriodLog, *, channel: str) -> Exhibits:
    """Where the change of the share lost comes from, and what each queue contributes; nothing to say without a period before."""
    mine = month.only(channel=channel)
    before = mine.previous
    if why := silent(mine):
        return _nothing(why)
    if before is None:
        return _nothing(
            phrase("There is nothing before {period}, so no change has a source", period=month.period.label)
        )
    moved = changes(month, channel=channel).set_index("name").loc["lost_share"]
    whole = mine.calendar.loc[mine.calendar["fully_open"], "weekday"].tolist()
    try:
        parts = patience.change_sources(mine.without_waits, before.without_waits, fully_open=whole)
        queues = patience.queue_sources(mine.without_waits, before.without_waits, fully_open=whole)
    except ValueError as refusal:
        return _nothing(phrase("Where a change would come from cannot be said: {why}", why=refusal))
    # Of a change that cannot be told the model would account for chance.
    told = moved["verdict"] in ("rose", "fell")
    model = _model(mine, before, float(parts["contribution"].sum())) if told else ""
    return sources.change_sources(
        moved, parts, model, queues, before=before.period.label, place=mine.label, kind=mine.kind
    )


def _nothing(why: str) -> Exhibits:
    return Exhibits([nothing(why)])


def _model(mine: PeriodLog, before: PeriodLog, change: float) -> pd.DataFrame | str:
    """The queue model's account of the change, or why it has none."""
    weights = dict(
        zip(
            ("now", "before"),
            equal_weekdays(*(log.days["day"].dt.day_of_week + 1 for log in (mine, before)))[:2],
            strict=True,
        )
    )
    try:
        teams, curves = [], []
        for log, weight in ((mine, weights["now"]), (before, weights["before"])):
            curves.append(survival.kaplan_meier(log.waits()))
            teams.append(queueing.agents_in_effect(_hours(log, weight), patience=curves[-1]))
        return queueing.loss_sources(teams[0], teams[1], patience=curves[0], patience_before=curves[1], change=change)
    except ValueError as refusal:
        return phrase("The queue model has no account of it: {why}.", why=str(refusal).rstrip("."))


def _hours(log: PeriodLog, weight: object) -> pd.DataFrame:
    """The hours of the mean day at these weights of the days: ``hour, contacts, left, arrivals_per_h, handle_time_s``."""
    days = pd.Series(weight, index=log.days["day"])
    cells = log.cells[log.cells["queued"].astype(bool) | (log.cells["outcome"] != "deflected")]
    if not cells["handled"].sum():
        raise ValueError("no handle_s is known, so agents cannot be worked out")
    each = cells["day"].map(days)
    sums = pd.DataFrame({
        "hour": cells["hour"], "contacts": each * cells["contacts"],
        "left": each * cells["contacts"].where(cells["outcome"] == "abandoned", 0),
        "handled": each * cells["handled"], "handle_s": each * cells["handle_s"],
    }).groupby("hour", as_index=False).sum()  # fmt: skip
    whole = float(sums["handle_s"].sum() / sums["handled"].sum())
    handle = (sums["handle_s"] / sums["handled"].where(sums["handled"] > 0)).fillna(whole)
    return sums.assign(arrivals_per_h=sums["contacts"] / float(days.sum()), handle_time_s=handle)
