"""The few numbers a report leads with: their values, and how they moved since the period before."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from cxresearch.contacts import LogError, Period, load_contacts, parse_period, period_of
from cxresearch.risk_table import risk_table

COLUMNS = ["name", "label", "value", "lower", "upper", "unit", "kind", "better", "n", "note"]


def waiting_headlines(waits: pd.DataFrame, *, contacts: int, channel: str, kind: str = "estimated") -> pd.DataFrame:
    """The four numbers of a period: contacts, share that gave up, mean wait, share still willing after a minute.

    Parameters
    ----------
    waits : risk table of the contacts of one channel that queued (``duration_s, outcome, contacts``; more columns are
        summed over).
    contacts : all contacts of the period, every channel, also those answered at once.
    channel : its name, for the labels.
    kind : ``estimated``, or ``SIMULATED`` when the log is.

    Returns
    -------
    DataFrame ``name, label, value, lower, upper, unit, kind, better, n, note``, one row a headline. Intervals are
    95 %: Wilson for the share, normal for the mean, log-log for Kaplan-Meier; they take contacts as independent. The
    number of contacts is counted, not estimated: its interval is the value.
    """
    # Imported here: who only compares kept headlines, as the index does, needs no estimator.
    from cxresearch.patience import patience_at, waiting_table

    row = waiting_table(waits).iloc[0]
    queued = int(row["queued"])
    if row["left"]:
        at = patience_at(waits, [60.0]).iloc[0]
        willing = (
            at["survival"],
            at["lower"],
            at["upper"],
            "" if at["at_risk"] else "nobody was seen to wait a minute",
        )
    else:
        willing = (math.nan, math.nan, math.nan, "nobody gave up, so patience cannot be seen")
    rows = [
        ("contacts", "Contacts, all channels", contacts, contacts, contacts, "contacts", "", contacts,
         "a count of the log, no sampling error"),
        ("abandonment_share", f"Gave up, of those who queued ({channel})", row["share_left_of_queued"], row["lower"], row["upper"],
         "share", "lower", queued, ""),
        ("mean_wait_s", f"Mean wait in the queue ({channel})", row["mean_wait_s"], row["mean_wait_lower_s"],
         row["mean_wait_upper_s"], "s", "lower", queued, ""),
        ("patience_survival_60s", f"Would still wait after a minute ({channel})", *willing[:3], "share", "higher",
         queued, willing[3]),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=[c for c in COLUMNS if c != "kind"])
    table.insert(COLUMNS.index("kind"), "kind", kind)
    return table


def one_channel(waits: pd.DataFrame, channel: str) -> pd.DataFrame:
    """The rows of one channel of a risk table. Raises LogError when nobody queued there."""
    mine = waits[waits["channel"] == channel]
    if mine.empty:
        raise LogError(
            f"no {channel} contact queued; the channels with a queue are {', '.join(set(waits['channel']))}."
        )
    return mine


def period_headlines(
    source: Any, period: Period, *, channel: str, preset: str | None = None, columns: dict | None = None
) -> pd.DataFrame:
    """``waiting_headlines`` of one period of a log. Raises LogError when the period or the channel has no contacts."""
    log = load_contacts(source, preset=preset, columns=columns, start=period.start, end=period.end)
    table = risk_table(log.contacts, by="channel")
    return waiting_headlines(
        one_channel(table, channel),
        contacts=log.counts["kept"],
        channel=channel,
        kind="SIMULATED" if log.simulated else "estimated",
    )


def earlier_headlines(
    source: Any, period: Period, *, channel: str, kept: str = "", preset: str | None = None, columns: dict | None = None
) -> pd.DataFrame | None:
    """The headlines of ``period`` from the log, else from ``kept`` (a headlines.json), else None: nothing to compare."""
    try:
        return period_headlines(source, period, channel=channel, preset=preset, columns=columns)
    except LogError:
        if not kept or not Path(kept).is_file():
            return None
    return pd.DataFrame(json.loads(Path(kept).read_text(encoding="utf-8")))[COLUMNS]


def log_span(source: Any, period: str, *, preset: str | None = None, columns: dict | None = None) -> Period:
    """The period of that name, or for an empty name the last month that the log covers to its end.

    A log that ends on the 14th has not covered that month; one with a single month gets that one.
    """
    if period:
        return parse_period(period)
    newest = load_contacts(source, preset=preset, columns=columns).newest
    if newest is None:
        raise LogError("the log has no column opened_at, so no period can be chosen; map it with columns={...}.")
    month = period_of(newest.date(), "month")
    # Within the last day counts as the end: a log exported at night stops minutes before it.
    return month if (month.end - newest.date()).days <= 1 else month.previous


def change_table(now: pd.DataFrame, before: pd.DataFrame | None) -> pd.DataFrame:
    """``now`` with what changed since ``before``: ``previous, difference, difference_lower, difference_upper, verdict``.

    The interval of a difference is put together from the two intervals (MOVER; for two shares it is Newcombe's):
    Zou & Donner (2008), doi:10.1002/sim.3095. Both periods are taken as independent. ``verdict`` is ``rose``, ``fell``,
    ``not distinguishable from no change``, or ``nothing to compare``.
    """
    moved = now.copy()
    earlier = (before if before is not None else now.iloc[:0]).set_index("name")
    for column in ("value", "lower", "upper"):
        moved[f"previous_{column}"] = moved["name"].map(earlier[column]).astype(float)
    moved["difference"] = moved["value"] - moved["previous_value"]
    moved["difference_lower"] = moved["difference"] - (
        (moved["value"] - moved["lower"]) ** 2 + (moved["previous_upper"] - moved["previous_value"]) ** 2
    ).pow(0.5)
    moved["difference_upper"] = moved["difference"] + (
        (moved["upper"] - moved["value"]) ** 2 + (moved["previous_value"] - moved["previous_lower"]) ** 2
    ).pow(0.5)
    moved["verdict"] = "not distinguishable from no change"
    moved.loc[moved["difference_lower"] > 0, "verdict"] = "rose"
    moved.loc[moved["difference_upper"] < 0, "verdict"] = "fell"
    moved.loc[moved["difference"].isna(), "verdict"] = "nothing to compare"
    return moved


def change_record(row: dict[str, Any], previous_label: str) -> dict[str, Any] | None:
    """One row of a change table as it stands in headlines.json; None when there was nothing to compare."""
    if row["verdict"] == "nothing to compare":
        return None
    return {
        "difference": row["difference"], "lower": row["difference_lower"], "upper": row["difference_upper"],
        "previous": row["previous_value"], "distinguishable": row["verdict"] in ("rose", "fell"),
        "previous_period_label": previous_label,
    }  # fmt: skip


def record_headlines(moved: pd.DataFrame, previous_label: str) -> None:
    """Record every row of a change table as a headline of the report."""
    from cxresearch.exhibits import show as present

    for row in moved.to_dict("records"):
        values = {name: row[name] for name in COLUMNS} | {"better": row["better"] or None}
        present.record_headline(**values, change=change_record(row, previous_label))
