"""The few numbers a report leads with: their values, and the exhibits that show how they moved."""

from __future__ import annotations

import math

import pandas as pd

from cxresearch.contacts import PeriodLog
from cxresearch.exhibits.changes import COLUMNS, NOTHING, change_points, change_record, change_text
from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.exhibits.show import headline_bundle, points_bundle
from cxresearch.exhibits.waiting import FEW, clock, counted
from cxresearch.patience import patience_at, waiting_table
from cxresearch.style import format_interval, format_value


def headline_table(period_log: PeriodLog, *, channel: str) -> pd.DataFrame:
    """The numbers of a period: contacts, share that gave up, mean wait, share still willing after a minute.

    Parameters
    ----------
    period_log : one period of a log. channel : whose queue is measured.

    Returns
    -------
    DataFrame ``name, label, value, lower, upper, unit, kind, better, n, base, note``, one row a headline. Intervals are
    95 %: Wilson for the share, normal for the mean, log-log for Kaplan-Meier; they take contacts as independent. The
    number of contacts is counted, not estimated: its interval is the value. What the period does not know is NaN, and
    ``note`` says why. Raises LogError where the channel has no contact.
    """
    contacts, one = int(period_log.asked()["contacts"].iloc[0]), period_log.only(channel=channel)
    nan = math.nan
    share = wait = willing = (nan, nan, nan, "nobody queued")
    queued = 0
    if one.cells["queued"].any():
        waits = one.waits()
        row = waiting_table(waits).iloc[0]
        queued = int(row["queued"])
        share = (row["share_left_of_queued"], row["lower"], row["upper"], "")
        wait = (row["mean_wait_s"], row["mean_wait_lower_s"], row["mean_wait_upper_s"], "")
        willing = (nan, nan, nan, "nobody gave up, so patience cannot be seen")
        if row["left"]:
            at = patience_at(waits, [60.0]).iloc[0]
            note = "" if at["at_risk"] else "nobody was seen to wait a minute"
            willing = (at["survival"], at["lower"], at["upper"], note)
    name, of = (channel if one.within else "all channels"), "contacts that queued"
    rows = [
        ("contacts", "Contacts, all channels", contacts, contacts, contacts, "contacts", "", contacts, "all contacts",
         "a count of the log, no sampling error"),
        ("abandonment_share", f"Gave up, of those who queued ({name})", *share[:3], "share", "lower", queued, of, share[3]),
        ("mean_wait_s", f"Mean wait in the queue ({name})", *wait[:3], "s", "lower", queued, of, wait[3]),
        ("patience_survival_60s", f"Would still wait after a minute ({name})", *willing[:3], "share", "higher", queued, of,
         willing[3]),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=[c for c in COLUMNS if c != "kind"])
    table.insert(COLUMNS.index("kind"), "kind", period_log.kind)
    return table


def headlines(moved: pd.DataFrame, before: str) -> Exhibit:
    """Record every row of a change table as a headline of the report; ``before`` names the period before."""
    bundles = []
    for row in moved.to_dict("records"):
        values = {str(name): row[name] for name in COLUMNS} | {"better": row["better"] or None}
        known = not any(math.isnan(row[end]) for end in ("value", "lower", "upper"))
        note = row["note"] if row["note"] or known else "not known"
        bundles.append(headline_bundle(**(values | {"note": note}), change=change_record(row, before)))
    return Exhibit(finding=f"{len(moved)} headlines", table=moved, ready=tuple(bundles))


def main_points(moved: pd.DataFrame, before: str, *, hours: pd.DataFrame) -> Exhibit:
    """The main points: the changes, largest loss first, and the hour that loses most.

    ``moved`` is a ``changes.change_table``, ``before`` names the period before; ``hours`` is a ``patience.waiting_table``
    by hour, which may be empty.
    """
    points = change_points(moved, before)
    enough = hours[hours["queued"] >= FEW]
    if len(enough) > 1:
        worst = enough.loc[enough["share_left_of_queued"].idxmax()]
        points.append((
            f"{clock(worst['hour'])} is the hour that loses most.",
            f"{format_value(worst['share_left_of_queued'], 'share')} of the {format_value(worst['queued'], 'count')} who queued "
            f"then gave up ({format_interval(worst['lower'], worst['upper'], 'share')}); their mean wait was "
            f"{format_value(worst['mean_wait_s'], 's')}.",
        ))  # fmt: skip
    return Exhibit(
        finding=points[0][0], table=pd.DataFrame(points, columns=["lead", "sentence"]), ready=(points_bundle(points),)
    )


def change_overview(moved: pd.DataFrame, *, now: str, before: str, kind: str = "estimated") -> Exhibit:
    """Every headline beside the period before, and how many moved further than chance explains."""
    known = moved[moved["verdict"] != NOTHING]
    estimates = known[known["lower"] < known["upper"]]
    clear = int(estimates["verdict"].isin(["rose", "fell"]).sum())
    finding = f"{counted(clear)} of {counted(len(estimates)).lower()} estimates moved further than chance explains"
    if known.empty:
        finding = f"There is nothing before {now} to compare with"
    return Exhibit(
        finding=finding, says=f"## {finding}", table=moved, shown=change_text(moved), kind=kind,
        caption=f"The headlines of {now} beside {before}",
    )  # fmt: skip
