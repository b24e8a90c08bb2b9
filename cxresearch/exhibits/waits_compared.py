"""Exhibits of waits compared: groups tested, queues at the same hour, patience inside hours, and what others found."""

from __future__ import annotations

import math

import pandas as pd

from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.exhibits.ranking import listed
from cxresearch.exhibits.waiting import plain_name, share_text
from cxresearch.risk_table import LEVEL, holm
from cxresearch.style import format_duration, format_interval, format_number, format_value, phrase


def group_test(test: pd.DataFrame, by: str) -> Exhibit:
    """The log-rank test between groups, days as the unit (``survival.log_rank`` with ``cluster="day"``)."""
    chance = float(test["p_value"].iloc[0])
    finding = phrase("By {by}, people differ in patience by more than chance", by=phrase(by))
    if chance >= LEVEL:
        finding = phrase("By {by}, differences in patience cannot be told from chance", by=phrase(by))
    how = phrase(
        "Were all alike, differences as large as these would come up in {share} of such periods. The unit is the day: contacts "
        "of one day hang together.", share=format_value(chance, "share"),
    )  # fmt: skip
    return Exhibit(finding=finding, table=test, says=f"{finding}. {how}", shown=test.iloc[:0])


def hazard_ratios(
    ratios: pd.DataFrame, ties: pd.DataFrame, *, reference: str, place: str = "", kind: str = "estimated"
) -> Exhibit:
    """What a Cox model by queue says (``regression.cox`` by day), and whether ticks leave it open (``regression.tie_table``).

    Several queues are compared with the reference, and the verdicts corrected for their number (Holm).
    """
    clear = ratios[holm(ratios["p_value"]) < LEVEL]
    said = [
        phrase(
            "{name} {times} times ({interval})", name=plain_name(row["level"]), times=format_number(row["hazard_ratio"], 2),
            interval=format_interval(row["lower"], row["upper"]),
        )
        for _, row in clear.sort_values("hazard_ratio", ascending=False).iterrows()
    ]  # fmt: skip
    finding = phrase("From day to day no queue can be told from the reference.")
    if said:
        finding = phrase("Told from the reference, from day to day: {queues}.", queues=listed(said))
    shift, moved = ties["shift_in_se"].max(), ties.loc[ties["shift_in_se"] > 1, "level"]
    errors = format_value(float(shift), "number")
    clock = phrase(
        "The clock ticks in whole seconds; who is counted within a tick moves no coefficient by more than {errors} standard "
        "errors.", errors=errors,
    )  # fmt: skip
    if len(moved):
        clock = phrase(
            "**The clock is too coarse for** {queues}: who is counted within a tick moves the coefficient by up to {errors} "
            "standard errors, more than chance does.",
            queues=listed([plain_name(name) for name in moved]), errors=errors,
        )  # fmt: skip
    return Exhibit(
        finding=finding, says=f"{finding} {clock}", table=ratios, kind=kind,
        shown=ratios[["level", "hazard_ratio", "lower", "upper", "p_value"]],
        caption=phrase(
            "Rate of giving up against {reference}, hour by hour, the day as the unit, {place}", reference=reference, place=place
        ),
    )  # fmt: skip


def proportional_hazards(test: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """Whether one ratio may stand for all durations (``regression.proportionality_test`` by day)."""
    whole = test[test["level"] == ""].iloc[0] if (test["level"] == "").any() else test.loc[test["p_value"].idxmin()]
    p = p_text(whole["p_value"])
    finding = (
        phrase("One ratio may stand for the whole wait: nothing says that it changes (p {p}).", p=p)
        if whole["p_value"] >= LEVEL
        else phrase(
            "The ratios change while people wait (p {p}): each is a mean over the wait, and the curves above say more.",
            p=p,
        )
    )
    return Exhibit(
        finding=finding, says=finding, table=test, kind=kind,
        caption=phrase("Do the ratios stay the same? The day as the unit, {place}", place=place),
    )  # fmt: skip


def patience_inside_hours(inside: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """Patience worked out inside each hour and averaged, beside the pooled curve (``patience.standardised_patience``)."""
    known = inside.dropna(subset=["survival"])
    finding = phrase("Hours were not watched long enough to work patience out inside each")
    if len(known):
        row = known.iloc[0]
        finding = phrase(
            "After {after}, {inside} would still wait, worked out inside each hour; {pooled} if hours are pooled",
            after=format_duration(row["duration_s"]), inside=share_text(row["survival"]), pooled=share_text(row["pooled"]),
        )  # fmt: skip
    return Exhibit(
        finding=finding, table=inside.rename(columns={"survival": "survival_inside_hours"}), kind=kind,
        caption=phrase(
            "Share who would still wait, hour by hour and pooled, {place}. Intervals take contacts as independent", place=place
        ),
    )  # fmt: skip


def mean_patience(row: pd.Series, line: pd.Series, *, kind: str = "estimated") -> Exhibit:
    """The mean patience that the hours tell, with what it rests on (rows of ``patience.mean_patience``).

    ``row`` is of all hours, ``line`` of the hours open on weekdays that are fully open: its line is told.
    """
    table = row.to_frame().T
    if math.isinf(line["estimate"]):
        finding = phrase("The hours do not tell the mean patience")
        return Exhibit(
            finding=finding, table=table, shown=table.iloc[:0], kind=kind,
            says=f"## {finding}\n\n{phrase('Slow hours lost no larger share than fast ones.')}",
        )  # fmt: skip
    finding = phrase(
        "Read from waits and losses, the mean patience is {patience}", patience=format_duration(row["ratio_s"])
    )
    ratio = phrase(
        "That is all seconds waited over all who left (95 % interval {interval}, {days} days drawn again).",
        interval=format_interval(row["ratio_lower"], row["ratio_upper"], "s"), days=format_value(row["days"], "count"),
    )  # fmt: skip
    fitted = phrase(
        "The line through the {hours} hours that are open on fully open weekdays, share lost against mean wait, gives "
        "{patience} ({interval}). It explains {explained} of their differences; hours with few contacts flatten it.",
        hours=format_value(line["hours"], "count"), patience=format_duration(line["estimate"]),
        interval=format_interval(line["lower"], line["upper"], "s"), explained=share_text(line["r_squared"]),
    )  # fmt: skip
    exact = phrase(
        "Both are exact if people leave at a rate that never changes, and the hazard below shows that it does."
    )
    return Exhibit(
        finding=finding, table=table, shown=table.iloc[:0], kind=kind, says=f"## {finding}\n\n{ratio} {fitted} {exact}"
    )


def beside_published(beside: pd.DataFrame, *, place: str = "", kind: str = "estimated") -> Exhibit:
    """The published analysis of the Anonymous Bank beside this period (``patience.brown_comparison``)."""
    told = beside["verdict"].value_counts()
    shown = ["published", "section", "value", "ours", "lower", "upper", "unit", "verdict", "why"]
    return Exhibit(
        finding=phrase(
            "{agree} of {all} published figures agree, {differ} differ",
            agree=told.get("agrees", 0), all=len(beside), differ=told.get("differs", 0),
        ),
        table=beside, shown=beside[shown], kind=kind,
        says=phrase(
            "This log has been studied before (Brown and others, 2005). Their figures are of a year or of two other months, so "
            "the rows need not agree; the table says where they do."
        ),
        caption=phrase("The published analysis of this log beside {place}", place=place), units={"why": "text"},
    )  # fmt: skip


def p_text(value: float) -> str:
    """A p-value behind its letter: "< 0.001", "= 0.034"."""
    text = format_value(value, "p")
    return text if text.startswith("<") else f"= {text}"
