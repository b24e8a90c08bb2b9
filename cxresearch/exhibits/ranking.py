"""Which hour, queue or weekday a sentence may name: one with enough contacts, and clear of the next from day to day."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from cxresearch.risk_table import ENOUGH
from cxresearch.style import format_value, phrase

LONGEST_LIST = 4  # names beside the first; more are counted

Label = Callable[[pd.Series], str]


class Standing(NamedTuple):
    """The first of a ranking (``risk_table.ranked_by_day``), and the names that days cannot tell from it."""

    first: pd.Series
    name: str
    beside: list[str]
    of: int

    @property
    def clear(self) -> bool:
        return self.of > 1 and not self.beside

    def tie(self, group: str) -> str:
        """it cannot be told from 9 to 10 h and 11 to 12 h; ... from 7 other hours"""
        if len(self.beside) > LONGEST_LIST:
            groups = phrase(plural(group))
            return phrase("cannot be told from {n} other {groups}", n=str(len(self.beside)), groups=groups)
        return phrase("cannot be told from {others}", others=listed(self.beside))


def standing(ranked: pd.DataFrame, label: Label) -> Standing | None:
    """Where a ranking stands; None where no group has enough contacts."""
    if ranked.empty:
        return None
    first, rest = ranked.iloc[0], ranked.iloc[1:]
    beside = [label(row) for _, row in rest[~rest["behind"].astype(bool)].iterrows()]
    return Standing(first, label(first), beside, len(ranked))


def losses(ranks: pd.DataFrame, label: Label, group: str, base: str = "queued") -> str:
    """Who lost most people, and who the largest share, as far as days tell them apart.

    ``ranks`` is from ``patience.loss_ranks``, or the same of another ``base``: a column of ranks, whose word it is.
    """
    people, share = (standing(ranks[ranks["ranked"] == name], label) for name in ("people", "share"))
    told, came = phrase(group), phrase(base)
    if people is None or share is None:
        return phrase(
            "No {group} has {enough} contacts that {base}, so none is named", group=told, enough=str(ENOUGH), base=came
        )
    lost = phrase(
        "{left} of the {all} who {base}", left=_count(people.first["left"]), all=_count(people.first[base]), base=came
    )
    part = format_value(people.first["left"] / people.first[base], "share")
    largest = format_value(share.first["value"], "share")
    if not people.first["left"]:
        return phrase("Nobody who {base} gave up", base=came)
    if people.of == 1:
        return phrase("{name}: {lost} gave up ({part})", name=people.name, lost=lost, part=part)
    if people.clear and share.clear and share.name == people.name:
        return phrase(
            "{name} lost most people, {lost} ({part}), the largest share, too", name=people.name, lost=lost, part=part
        )
    if people.clear and share.clear:
        return phrase(
            "{name} lost most people, {lost} ({part}); {other} lost the largest share, {largest}",
            name=people.name, lost=lost, part=part, other=share.name, largest=largest,
        )  # fmt: skip
    if people.clear:
        return phrase("{name} lost most people, {lost} ({part})", name=people.name, lost=lost, part=part)
    tie = people.tie(group)
    if share.clear and share.name == people.name:
        return phrase(
            "{name} lost the largest share of those who {base}, {largest}; by people, it {tie}",
            name=share.name, base=came, largest=largest, tie=tie,
        )  # fmt: skip
    if share.clear:
        return phrase(
            "{name} lost the largest share of those who {base}, {largest}; by people, {other} {tie}",
            name=share.name, base=came, largest=largest, other=people.name, tie=tie,
        )  # fmt: skip
    return phrase(
        "No {group} can be named that loses most: {name} lost {lost} ({part}), but day by day it {tie}",
        group=told, name=people.name, lost=lost, part=part, tie=tie,
    )  # fmt: skip


def _count(value: float) -> str:
    return format_value(value, "count")


def plural(group: str) -> str:
    """queues, hours of the week"""
    return group.replace("hour", "hours") if "hour" in group else f"{group}s"


def opening(text: str) -> str:
    """As a sentence begins: Week 7 of 1999."""
    return text[:1].upper() + text[1:]


def listed(parts: list[str]) -> str:
    """a, b and c"""
    return "".join(parts) if len(parts) < 2 else phrase("{most} and {last}", most=", ".join(parts[:-1]), last=parts[-1])
