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
            finding=_finding(firsts), table=firsts, kind=kind,
            caption=phrase("What had come first, {place}", place=place), units=dict.fromkeys(_FIRSTS, "share"),
        )
    ]  # fmt: skip
    if unknown:
        shown.append(
            nothing(
                phrase(
                    "Of {messages} messages the customer is not known, nor what they did next: they count as if nothing",
                    messages=format_value(unknown, "count"),
                )
            )
        )
    return Exhibits(shown)


def message_outcomes(
    ends: pd.DataFrame, firsts: pd.DataFrame, *, by_link: bool = False, horizon_s: float, subtitle: str,
    kind: str = "estimated", table: bool = False,
) -> Exhibit:  # fmt: skip
    """What came first against time (``patience.response_outcomes``), of one group; ``firsts`` are its rows at some times.

    ``by_link``: what else had come first is a link that was sent, else the customer went elsewhere; ``table`` shows the
    rows below the figure.
    """
    named = {"moved": "sent a link" if by_link else "gone elsewhere", "asked_again": "asked again"}
    behind = firsts.drop(columns="channel", errors="ignore")
    return Exhibit(
        finding=_finding(firsts, by_link=by_link), table=behind, shown=None if table else behind.iloc[:0], kind=kind,
        subtitle=phrase("{subtitle}. Bands: 95 %, messages taken as independent", subtitle=subtitle),
        caption=phrase("What had come first"), units=dict.fromkeys(_FIRSTS, "share"),
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
        finding = phrase("After {after}, at least {share} had no answer", after=after, share=_share(slow["least"]))
    elif (others_slow["upper"] < slow["lower"]).all() and (others_fast["lower"] > fast["upper"]).all():
        finding = phrase(
            "After {after}, at least {least} had no answer from {slow}, at most {most} from {fast}",
            after=after, least=_share(slow["least"]), slow=slow[by], most=_share(fast["most"]), fast=fast[by],
        )  # fmt: skip
    else:
        lowest, highest = last["least"].min(), last["most"].max()
        finding = phrase(
            "After {after}, {lowest} to {highest} had no answer; no {by} stands out on both sides",
            after=after, lowest=_share(lowest), highest=_share(highest), by=phrase(by.lower()),
        )  # fmt: skip
    return Exhibits([
        Exhibit(
            finding=finding, says=f"### {phrase('Requests to a city')}\n\n{finding}.", table=account,
            caption=phrase("What is known of each request"),
        ),
        Exhibit(
            finding=finding, table=shares, caption=phrase("Share not yet closed, as far as the records tell"),
            subtitle=phrase("Requests to a city, by agency. Where closing is known to an interval only, drawn at its end"),
            draw=partial(figures.plot_survival, law, horizon_s=604_800.0, by=by, measure=phrase("Share not yet closed")),
        ),
    ])  # fmt: skip


def public_conversations(ends: pd.DataFrame, firsts: pd.DataFrame, account: pd.DataFrame) -> Exhibits:
    """Public support conversations, which an agent ended with a link (``patience.twitter_responses``)."""
    chosen = phrase(
        "Chosen because an agent ended them with a link: none is without an answer, so they tell of delays only."
    )
    return Exhibits([
        Exhibit(
            finding=phrase("Public support conversations tell of delays only"), table=account,
            says=f"### {phrase('Public support conversations')}\n\n{chosen}", caption=phrase("What is known of each conversation"),
        ),
        message_outcomes(
            ends, firsts, by_link=True, horizon_s=86_400.0, table=True,
            subtitle=phrase("What came first after the customer's first message"),
        ),
    ])  # fmt: skip


def _finding(shares: pd.DataFrame, *, by_link: bool = False) -> str:
    """At the last time that some still wait, what had come first."""
    known = shares.dropna(subset=["answered"])
    if known.empty:
        return phrase("Too few messages to say when they are answered")
    waiting = known[known["nothing_yet"] >= 0.01]
    row = (known.head(1) if waiting.empty else waiting.tail(1)).iloc[0]
    told = {
        "after": format_duration(row["within_s"]), **{name: _share(row[name]) for name in _FIRSTS},
    }  # fmt: skip
    if by_link:
        return phrase(
            "After {after}, {answered} had an answer, {moved} had been sent a link first, {asked_again} had asked again, and "
            "{nothing_yet} still waited", **told,
        )  # fmt: skip
    return phrase(
        "After {after}, {answered} had an answer, {moved} had gone elsewhere first, {asked_again} had asked again, and "
        "{nothing_yet} still waited", **told,
    )  # fmt: skip


def _share(value: float) -> str:
    return format_value(value, "share")
