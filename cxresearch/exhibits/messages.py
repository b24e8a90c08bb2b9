"""Exhibits of e-mail, social media, web forms and requests: what came first, and how long no response had come."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pandas as pd

from cxresearch import figures
from cxresearch.contacts import SLOW, PeriodLog
from cxresearch.exhibits.exhibit import Exhibit, Exhibits, nothing
from cxresearch.style import format_duration, format_value, phrase

SILENT = (
    "Nobody is seen to give up on these contacts, so nothing is told of it; when they were answered is in a report of its own: "
    "cxresearch report tickets"
)
LONG_S = 600.0  # on the line half do not wait for so long, and nobody gives up
_FIRSTS = ("answered", "asked_again", "moved", "nothing_yet")


def silent(log: PeriodLog) -> str:
    """Why nothing is told of giving up, where nobody is seen to: messages, or waits too long for a line; else empty."""
    cells = log.cells
    if cells.empty or (cells["outcome"] == "abandoned").any():
        return ""
    if (known := cells["channel"].dropna()).size:
        return phrase(SILENT) if known.isin(SLOW).all() else ""
    order = cells.sort_values("duration_s")
    half = order["duration_s"].iloc[int((2 * order["contacts"].cumsum() >= order["contacts"].sum()).argmax())]
    return phrase(SILENT) if half >= LONG_S else ""


def seen_to_leave(log: PeriodLog) -> PeriodLog:
    """Without the channels of messages on which nobody is seen to give up: none of them gave up is not known of any."""
    cells = log.cells
    left = cells.loc[cells["outcome"] == "abandoned", "channel"].unique()
    silent = cells["channel"].isin(SLOW) & ~cells["channel"].isin(left)
    return replace(log, cells=cells[~silent]) if silent.any() else log


def message_firsts(firsts: pd.DataFrame, *, unknown: int = 0, place: str = "", kind: str = "estimated") -> Exhibits:
    """What had come first by some times (``patience.first_shares``); ``unknown`` messages have no known customer."""
    shown = [
        Exhibit(
            finding=_finding(firsts, "gone elsewhere"), table=firsts, kind=kind,
            caption=f"What had come first, {place}", units=dict.fromkeys(_FIRSTS, "share"),
        )
    ]  # fmt: skip
    if unknown:
        shown.append(
            nothing(
                f"Of {unknown:,} messages the customer is not known, nor what they did next: they count as if nothing"
            )
        )
    return Exhibits(shown)


def message_outcomes(
    ends: pd.DataFrame, firsts: pd.DataFrame, *, moved: str = "gone elsewhere", horizon_s: float, subtitle: str,
    kind: str = "estimated", table: bool = False,
) -> Exhibit:  # fmt: skip
    """What came first against time (``patience.response_outcomes``), of one group; ``firsts`` are its rows at some times.

    ``moved`` says what else had come first; ``table`` shows the rows below the figure.
    """
    named = {"moved": "sent a link" if moved.startswith("been sent") else moved, "asked_again": "asked again"}
    behind = firsts.drop(columns="channel", errors="ignore")
    return Exhibit(
        finding=_finding(firsts, moved), table=behind, shown=None if table else behind.iloc[:0], kind=kind,
        subtitle=f"{subtitle}. Bands: 95 %, messages taken as independent", caption="What had come first", units=dict.fromkeys(_FIRSTS, "share"),
        draw=partial(figures.plot_outcomes, ends.assign(outcome=ends["outcome"].replace(named)), horizon_s=horizon_s),
    )  # fmt: skip


def city_requests(shares: pd.DataFrame, account: pd.DataFrame, law: pd.DataFrame, by: str) -> Exhibits:
    """Requests to a city, as far as the records tell (``patience.unanswered_shares``, ``interval_survival``)."""
    last = shares[shares["within_s"] == shares["within_s"].max()]
    slow, fast = last.loc[last["least"].idxmax()], last.loc[last["most"].idxmin()]
    # Named are two whose intervals, at their widest, lie clear of those of all others.
    others_slow, others_fast = last.drop(index=slow.name), last.drop(index=fast.name)
    after = format_duration(slow["within_s"])
    if slow[by] == fast[by]:
        finding = f"After {after}, at least {_share(slow['least'])} had no answer"
    elif (others_slow["upper"] < slow["lower"]).all() and (others_fast["lower"] > fast["upper"]).all():
        finding = (
            f"After {after}, at least {_share(slow['least'])} had no answer from {slow[by]}, at most "
            f"{_share(fast['most'])} from {fast[by]}"
        )
    else:
        lowest, highest = last["least"].min(), last["most"].max()
        finding = f"After {after}, {_share(lowest)} to {_share(highest)} had no answer; no {by.lower()} stands out on both sides"
    return Exhibits([
        Exhibit(
            finding=finding, says=f"### Requests to a city\n\n{finding}.", table=account,
            caption="What is known of each request",
        ),
        Exhibit(
            finding=finding, table=shares, caption="Share not yet closed, as far as the records tell",
            subtitle="Requests to a city, by agency. Where closing is known to an interval only, drawn at its end",
            draw=partial(figures.plot_survival, law, horizon_s=604_800.0, by=by, measure="Share not yet closed"),
        ),
    ])  # fmt: skip


def public_conversations(ends: pd.DataFrame, firsts: pd.DataFrame, account: pd.DataFrame) -> Exhibits:
    """Public support conversations, which an agent ended with a link (``patience.twitter_responses``)."""
    return Exhibits([
        Exhibit(
            finding="Public support conversations tell of delays only", table=account,
            says="### Public support conversations\n\nChosen because an agent ended them with a link: none is without an "
            "answer, so they tell of delays only.",
            caption="What is known of each conversation",
        ),
        message_outcomes(
            ends, firsts, moved="been sent a link", horizon_s=86_400.0, table=True,
            subtitle="What came first after the customer's first message",
        ),
    ])  # fmt: skip


def _finding(shares: pd.DataFrame, moved: str) -> str:
    """At the last time that some still wait, what had come first."""
    known = shares.dropna(subset=["answered"])
    if known.empty:
        return "Too few messages to say when they are answered"
    waiting = known[known["nothing_yet"] >= 0.01]
    row = (known.head(1) if waiting.empty else waiting.tail(1)).iloc[0]
    return (
        f"After {format_duration(row['within_s'])}, {_share(row['answered'])} had an answer, {_share(row['moved'])} had "
        f"{moved} first, {_share(row['asked_again'])} had asked again, and {_share(row['nothing_yet'])} still waited"
    )


def _share(value: float) -> str:
    return format_value(value, "share")
