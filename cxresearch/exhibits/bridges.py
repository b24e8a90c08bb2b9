"""The exhibit that leads from the rows of a log to those who gave up and were not answered within a day."""

from __future__ import annotations

from functools import partial

import pandas as pd

from cxresearch import figures
from cxresearch.exhibits.exhibit import Exhibit
from cxresearch.exhibits.show import BRIEF
from cxresearch.risk_table import ENOUGH
from cxresearch.style import format_value, phrase, retold

LEFT, KNOWN, SEEN = "gave up", "customer known", "followed for 24 h"  # steps of nobody where nobody is seen to give up
_NAMED = ("rows of {period}", "set aside: {reason}", "contacts ({of})")  # steps that are named by what the log has


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
        finding = phrase(
            "Of {asked} who asked, {answered} were answered and {waiting} still waited",
            asked=_count(asked), answered=_count(asked - waiting), waiting=_count(waiting),
        )  # fmt: skip
        steps = steps[~(steps["step"].isin([LEFT, KNOWN, SEEN]) & (steps["contacts"] == 0))]
        caption = phrase("From the rows of the log to the answers, {place}", place=place)
        return _shown(steps, finding, f"## {finding}\n\n{silent}.", caption, place, kind)
    finding = phrase("Of {asked} who asked, {left} gave up", asked=_count(asked), left=_count(left))
    says = ""
    if after is None:
        says = phrase("What they did next was not counted for these contacts.")
    elif not after["followed"].sum() and left:
        says = phrase("What they did next is not known: of none is the customer known and the period long enough.")
    elif after["followed"].sum():
        known, seen, answered, again = (
            int(after[name].sum()) for name in ("left_known", "followed", "answered_24h", "again_1h")
        )
        finding += phrase(
            "; {share} of those who can be followed were answered within 24 h", share=_share(answered, seen)
        )
        says = _followed(left, known, seen, answered, again)
    caption = phrase("From the rows of the log to those who were not answered within a day, {place}", place=place)
    return _shown(steps, finding, f"## {finding}\n\n{says}".strip(), caption, place, kind)


def followed_points(after: pd.DataFrame | None, cells: pd.DataFrame) -> list[tuple[str, str]]:
    """How many of those who gave up were answered within 24 hours after all, as a main point: giving up is not yet being lost.
    None where fewer than 100 can be followed. ``after`` is ``contacts.after_leaving``, ``cells`` those of the same log."""
    known, seen, answered = (
        (int(after[name].sum()) for name in ("left_known", "followed", "answered_24h"))
        if after is not None
        else (0, 0, 0)
    )
    if seen < ENOUGH:
        return []
    lead = phrase("{share} of those who can be followed were answered within 24 h.", share=_share(answered, seen))
    said = phrase(
        "These are {answered} of {seen} who gave up and whose customer is known.",
        answered=_count(answered),
        seen=_count(seen),
    )
    left = int(cells.loc[cells["outcome"] == "abandoned", "contacts"].sum())
    if left > known:
        said += " " + phrase("Of {n} others nothing is known.", n=_count(left - known))
    return [(lead, said)]


def _followed(left: int, known: int, seen: int, answered: int, again: int) -> str:
    """What those did next who gave up, and of whom it is not known."""
    said = [
        phrase(
            "Of the {seen} who gave up and can be followed by their customer, {answered} were answered within 24 hours, on any "
            "channel, and {again} came again within the hour.",
            seen=_count(seen), answered=_count(answered), again=_share(again, seen),
        ),
        phrase("The other {n} were not answered in that time, as far as this log knows.", n=_count(seen - answered)),
    ]  # fmt: skip
    if known > seen:
        said.append(phrase("The {n} in the last 24 hours of the period are not followed.", n=_count(known - seen)))
    if left > known:
        said.append(
            phrase(
                "Of {n} who gave up the customer is not known: they may have come again, too.", n=_count(left - known)
            )
        )
    return " ".join(said)


def step_in_words(step: str) -> str:
    """The name of a step of ``contacts.bridge_table`` in the language of the report; what the log names stays as it is."""
    told = retold(step, *_NAMED)
    if told == step:
        return phrase(step)
    reason = step.removeprefix("set aside: ")
    return told if reason == step else phrase("set aside: {reason}", reason=phrase(reason))


def _shown(steps: pd.DataFrame, finding: str, says: str, caption: str, place: str, kind: str) -> Exhibit:
    told = steps.assign(**{name: [step_in_words(step) for step in steps[name]] for name in ("step", "part_of")})
    return Exhibit(
        finding=finding, says=says, table=steps, shown=told, kind=kind,
        subtitle=phrase("Contacts step by step, {place}. Light: the part that goes no further", place=place),
        description="; ".join(f"{row.step}: {_count(row.contacts)}" for row in told.itertuples()),
        caption=caption, draw=partial(figures.plot_parts, _drawn(steps)),
        recorded={BRIEF: {"part": "bridge", "finding": finding, "kind": kind, "steps": _steps(steps)}},
    )  # fmt: skip


def _steps(steps: pd.DataFrame) -> list[dict[str, object]]:
    return [
        {
            "step": str(row.step),
            "part_of": str(row.part_of),
            "said": step_in_words(row.step),
            "contacts": int(row.contacts),
        }
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
        rows.append({"label": step_in_words(row["step"]), "start": start, "contacts": row["contacts"],
                     "leads_on": bool((steps["part_of"] == row["step"]).any())})  # fmt: skip
    return pd.DataFrame(rows)


def _count(number: float) -> str:
    return format_value(int(number), "count")


def _share(part: float, whole: float) -> str:
    return format_value(part / whole, "share")
