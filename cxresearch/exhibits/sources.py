"""Exhibits of where a change comes from: its parts, the queue model's account of it, and the queues."""

from __future__ import annotations

import pandas as pd

from cxresearch.exhibits.exhibit import Exhibit, Exhibits
from cxresearch.exhibits.waiting import listed
from cxresearch.style import format_interval, format_value

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
    size = f"{format_value(abs(total), 'points')} {'up' if total > 0 else 'down'}"
    carried = [row for row in parts.to_dict("records") if told and _clear(row) and row["contribution"] * total > 0]
    if not told:
        finding = f"The share lost cannot be told from that of {before}, so no part carries a change"
    elif carried:
        names = listed([f"{SAID[row['part']]} ({_points(row)})" for row in carried])
        finding = f"Lost of all who asked, {size}: {names}"
    else:
        finding = f"Lost of all who asked, {size}: it cannot be told which part carries it"
    rows = [
        {"part": "the change", "contribution": total, "lower": change["difference_lower"], "upper": change["difference_upper"]},
        *({**row, "part": SAID[row["part"]]} for row in parts.to_dict("records") if row["contribution"] or row["part"] != "left_before"),
    ]  # fmt: skip
    table = pd.DataFrame(rows)[["part", "contribution", "lower", "upper"]]
    account = model if isinstance(model, str) else (
        " The queue model accounts for the same change by "
        + listed([f"{SAID[row['part']]} {_signed(row['contribution'])}" for row in model.to_dict("records")])
        + ". Agents in effect are what explains the losses of an hour beside its load and patience, not a roster; the model "
        "has no interval here."
    )  # fmt: skip
    return Exhibit(
        finding=finding, table=table, kind=kind, units={"contribution": "points"},
        says=f"## {finding}\n\nThe parts add up to the change, at equal weekdays, in points of all who asked.{account}",
        caption=f"Where the change since {before} comes from, {place}",
    )  # fmt: skip


def _queues(queues: pd.DataFrame, *, before: str, place: str, kind: str) -> Exhibit:
    clear = queues[queues["p_corrected"] < CLEAR]
    rest = "; others cannot be told" if len(clear) < len(queues) else ""
    said = [
        f"{str(row['queue']).rsplit(' (', 1)[0]} {'rose' if row['difference'] > 0 else 'fell'} clearly, from "
        f"{format_value(row['previous'], 'share')} to {format_value(row['share_left_of_queued'], 'share')}"
        for _, row in clear.iterrows()
    ]  # fmt: skip
    finding = f"Gave up, of those who queued: {listed(said)}{rest}" if said else (
        "Of no queue can it be told whether its share that gave up changed"
    )  # fmt: skip
    moves = [
        f"{str(row['queue']).rsplit(' (', 1)[0]} contributed {_signed(row['contribution'])} "
        f"({format_interval(row['contribution_lower'], row['contribution_upper'], 'points')}) of "
        f"{_signed(queues.attrs['total'])} in all, by its own share and by how many queued there."
        for _, row in clear.iterrows()
    ]  # fmt: skip
    shown = queues[SHOWN].head(MOST_QUEUES)
    return Exhibit(
        finding=finding, table=queues, shown=shown, kind=kind, people={"share_left_of_queued": shown["queued"]},
        units={"previous": "share", "p_corrected": "p", "contribution": "points"},
        says=f"## {finding}\n\nShares are of the whole periods; differences and contributions are taken at equal weekdays, and "
        f"the contributions of all queues add up to the change. The verdicts are corrected for the number of queues. {' '.join(moves)}".strip(),
        caption=f"What each queue contributes to the share that gave up, since {before}, {place}",
    )  # fmt: skip


def _clear(row: dict[str, float]) -> bool:
    return bool(row["lower"] * row["upper"] > 0)


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{format_value(value, 'points')}"


def _points(row: dict[str, float]) -> str:
    return f"{_signed(row['contribution'])}, 95 % interval {format_interval(row['lower'], row['upper'], 'points')}"
