"""Exhibits of where a change comes from: its parts, the queue model's account of it, and the queues."""

from __future__ import annotations

import pandas as pd

from cxresearch.exhibits.exhibit import Exhibit, Exhibits
from cxresearch.exhibits.ranking import listed
from cxresearch.exhibits.waiting import plain_name
from cxresearch.style import format_interval, format_value, phrase

SAID = {
    "mix": "who asked, and when", "queued": "how many had to queue", "left_queue": "how many of those who queued gave up",
    "left_before": "who gave up before the queue", "load": "load", "agents in effect": "agents in effect",
    "patience": "patience", "not explained by the model": "not explained by the model",
}  # fmt: skip
CLEAR = 0.05
MOST_QUEUES = 12
SHOWN = ["queue", "queued", "share_left_of_queued", "previous", "difference", "p_corrected", "contribution",
         "contribution_lower", "contribution_upper"]  # fmt: skip


def change_sources(
    change: pd.Series, parts: pd.DataFrame, model: pd.DataFrame | str, queues: pd.DataFrame, *, before: str, place: str = "",
    kind: str = "estimated",
) -> Exhibits:  # fmt: skip
    """Where the change of the share lost comes from.

    ``change``: the row ``lost_share`` of a ``changes.change_table``; ``parts``: ``patience.change_sources``; ``model``:
    ``queueing.loss_sources``, or in words why the model has nothing to say; ``queues``: ``patience.queue_sources``.
    ``before`` names the period before.
    """
    made = [_parts(change, parts, model, before=before, place=place, kind=kind)]
    if len(queues) > 1:
        made.append(_queues(queues, before=before, place=place, kind=kind))
    return Exhibits(made)


def _parts(
    change: pd.Series, parts: pd.DataFrame, model: pd.DataFrame | str, *, before: str, place: str, kind: str
) -> Exhibit:
    total = float(parts["contribution"].sum())
    told = change["verdict"] in ("rose", "fell")
    size = format_value(abs(total), "points")
    carried = [row for row in parts.to_dict("records") if told and _clear(row) and row["contribution"] * total > 0]
    if not told:
        finding = phrase(
            "The share lost cannot be told from that of {before}, so no part carries a change", before=before
        )
    elif carried:
        names = listed([f"{phrase(SAID[row['part']])} ({_points(row)})" for row in carried])
        finding = (
            phrase("Lost of all who asked, {size} up: {parts}", size=size, parts=names)
            if total > 0
            else phrase("Lost of all who asked, {size} down: {parts}", size=size, parts=names)
        )
    else:
        finding = (
            phrase("Lost of all who asked, {size} up: it cannot be told which part carries it", size=size)
            if total > 0
            else phrase("Lost of all who asked, {size} down: it cannot be told which part carries it", size=size)
        )
    rows = [
        {"part": "the change", "contribution": total, "lower": change["difference_lower"], "upper": change["difference_upper"]},
        *({**row, "part": SAID[row["part"]]} for row in parts.to_dict("records") if row["contribution"] or row["part"] != "left_before"),
    ]  # fmt: skip
    table = pd.DataFrame(rows)[["part", "contribution", "lower", "upper"]]
    account = model if isinstance(model, str) else phrase(
        "The queue model accounts for the same change by {parts}. Agents in effect are what explains the losses of an hour "
        "beside its load and patience, not a roster; the model has no interval here.",
        parts=listed([f"{phrase(SAID[row['part']])} {_signed(row['contribution'])}" for row in model.to_dict("records")]),
    )  # fmt: skip
    adding = phrase("The parts add up to the change, at equal weekdays, in points of all who asked.")
    return Exhibit(
        finding=finding, table=table, kind=kind, units={"contribution": "points"},
        says=f"## {finding}\n\n{adding} {account}".rstrip(),
        caption=phrase("Where the change since {before} comes from, {place}", before=before, place=place),
    )  # fmt: skip


def _queues(queues: pd.DataFrame, *, before: str, place: str, kind: str) -> Exhibit:
    clear = queues[queues["p_corrected"] < CLEAR]
    said = [_moved(row) for _, row in clear.iterrows()]
    finding = phrase("Of no queue can it be told whether its share that gave up changed")
    if said and len(clear) < len(queues):
        finding = phrase("Gave up, of those who queued: {queues}; others cannot be told", queues=listed(said))
    elif said:
        finding = phrase("Gave up, of those who queued: {queues}", queues=listed(said))
    moves = [
        phrase(
            "{queue} contributed {points} ({interval}) of {all} in all, by its own share and by how many queued there.",
            queue=plain_name(row["queue"]), points=_signed(row["contribution"]), all=_signed(queues.attrs["total"]),
            interval=format_interval(row["contribution_lower"], row["contribution_upper"], "points"),
        )
        for _, row in clear.iterrows()
    ]  # fmt: skip
    how = phrase(
        "Shares are of the whole periods; differences and contributions are taken at equal weekdays, and the contributions of "
        "all queues add up to the change. The verdicts are corrected for the number of queues."
    )
    shown = queues[SHOWN].head(MOST_QUEUES)
    return Exhibit(
        finding=finding, table=queues, shown=shown, kind=kind, people={"share_left_of_queued": shown["queued"]},
        units={"previous": "share", "p_corrected": "p", "contribution": "points"},
        says=f"## {finding}\n\n{how} {' '.join(moves)}".strip(),
        caption=phrase(
            "What each queue contributes to the share that gave up, since {before}, {place}", before=before, place=place
        ),
    )  # fmt: skip


def _moved(row: pd.Series) -> str:
    """A queue, from which share to which."""
    told = {
        "queue": plain_name(row["queue"]), "before": format_value(row["previous"], "share"),
        "now": format_value(row["share_left_of_queued"], "share"),
    }  # fmt: skip
    if row["difference"] > 0:
        return phrase("{queue} rose from {before} to {now}", **told)
    return phrase("{queue} fell from {before} to {now}", **told)


def _clear(row: dict[str, float]) -> bool:
    return bool(row["lower"] * row["upper"] > 0)


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{format_value(value, 'points')}"


def _points(row: dict[str, float]) -> str:
    return phrase(
        "{points}, 95 % interval {interval}", points=_signed(row["contribution"]),
        interval=format_interval(row["lower"], row["upper"], "points"),
    )  # fmt: skip
