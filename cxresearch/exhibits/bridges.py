"""The exhibit that leads from the rows of a log to those who gave up and were not answered within a day."""

from __future__ import annotations

from functools import partial

import pandas as pd

from cxresearch import figures
from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.exhibits.show import BRIEF
from cxresearch.style import format_value

LEFT, KNOWN, SEEN = "gave up", "customer known", "followed for 24 h"  # steps of nobody where nobody is seen to give up


def bridge(
    steps: pd.DataFrame, after: pd.DataFrame | None, *, silent: str = "", place: str = "", kind: str = "estimated"
) -> Exhibit:  # fmt: skip
    """Step by step, each adding up: ``contacts.bridge_table``, and ``contacts.after_leaving`` of the same contacts.

    ``after`` is None where what became of those who gave up was not counted. ``silent``: why nobody is seen to give up
    (``messages.silent``); then the steps end with the answers.
    """
    number = steps.set_index("step")["contacts"]
    asked = int(number["asked"])
    left = int(number.get("gave up in all", number["gave up"]))
    if silent:
        waiting = int(number.get("still open", 0) + number.get("still open, not queued", 0))
        finding = (
            f"Of {_count(asked)} who asked, {_count(asked - waiting)} were answered and {_count(waiting)} still waited"
        )
        steps = steps[~(steps["step"].isin([LEFT, KNOWN, SEEN]) & (steps["contacts"] == 0))]
        return _shown(
            steps,
            finding,
            f"## {finding}\n\n{silent}.",
            f"From the rows of the log to the answers, {place}",
            place,
            kind,
        )
    finding = f"Of {_count(asked)} who asked, {_count(left)} gave up"
    says, unknown = f"## {finding}", ""
    if after is None:
        unknown = "What they did next was not counted for these contacts."
    elif not after["followed"].sum():
        unknown = (
            "What they did next is not known: of none is the customer known and the period long enough." if left else ""
        )
    else:
        known, seen, answered, again = (
            int(after[name].sum()) for name in ("left_known", "followed", "answered_24h", "again_1h")
        )
        finding += f"; {_share(answered, seen)} of those who can be followed were answered within 24 h"
        rest = f" Of {_count(left - known)} who gave up the customer is not known: they may have come again, too." * (
            left > known
        )
        aside = f" The {_count(known - seen)} in the last 24 hours of the period are not followed." * (known > seen)
        says = (
            f"## {finding}\n\nOf the {_count(seen)} who gave up and can be followed by their customer, {_count(answered)} were "
            f"answered within 24 hours, on any channel, and {_share(again, seen)} came again within the hour. The other "
            f"{_count(seen - answered)} were not answered in that time, as far as this log knows.{aside}{rest}"
        )
    caption = f"From the rows of the log to those who were not answered within a day, {place}"
    return _shown(steps, finding, f"{says}\n\n{unknown}".strip(), caption, place, kind)


def _shown(steps: pd.DataFrame, finding: str, says: str, caption: str, place: str, kind: str) -> Exhibit:
    return Exhibit(
        finding=finding, says=says, table=steps, kind=kind,
        subtitle=f"Contacts step by step, {place}. Light: the part that goes no further",
        description="; ".join(f"{row.step}: {_count(row.contacts)}" for row in steps.itertuples()),
        caption=caption, draw=partial(figures.plot_parts, _drawn(steps)),
        recorded={BRIEF: {"part": "bridge", "finding": finding, "kind": kind, "steps": _steps(steps)}},
    )  # fmt: skip


def _steps(steps: pd.DataFrame) -> list[dict[str, object]]:
    return [
        {"step": str(row.step), "part_of": str(row.part_of), "contacts": int(row.contacts)}
        for row in steps.itertuples()
    ]


def _drawn(steps: pd.DataFrame) -> pd.DataFrame:
    """The steps from the contacts of the channel on: what leads on lies at the left of the step that it is a part of."""
    root = steps.loc[steps["step"] == "asked", "part_of"].iloc[0]
    end: dict[str, int] = {}  # step -> where its next part ends; what leads on is its last part
    rows = []
    for row in steps.iloc[steps.index[steps["step"] == root][0] :].to_dict("records"):
        start = end.get(row["part_of"], row["contacts"]) - row["contacts"]
        end |= {row["part_of"]: start, row["step"]: start + row["contacts"]}
        rows.append({"label": row["step"], "start": start, "contacts": row["contacts"],
                     "leads_on": bool((steps["part_of"] == row["step"]).any())})  # fmt: skip
    return pd.DataFrame(rows)


def _count(number: float) -> str:
    return format_value(int(number), "count")


def _share(part: float, whole: float) -> str:
    return format_value(part / whole, "share")
