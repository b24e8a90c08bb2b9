"""Which hour, queue or weekday a sentence may name: one with enough contacts, and clear of the next from day to day."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd

from cxresearch.risk_table import ENOUGH
from cxresearch.style import format_value

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
        several = len(self.beside) > LONGEST_LIST
        others = f"{len(self.beside)} other {plural(group)}" if several else listed(self.beside)
        return f"cannot be told from {others}"


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
    if people is None or share is None:
        return f"No {group} has {ENOUGH} contacts that {base}, so none is named"
    lost = f"{_count(people.first['left'])} of the {_count(people.first[base])} who {base}"
    part = format_value(people.first["left"] / people.first[base], "share")
    largest = format_value(share.first["value"], "share")
    if not people.first["left"]:
        return f"Nobody who {base} gave up"
    if people.of == 1:
        return f"{people.name}: {lost} gave up ({part})"
    if people.clear:
        also = f"; {share.name} lost the largest share, {largest}" if share.clear else ""
        also = ", the largest share, too" if share.clear and share.name == people.name else also
        return f"{people.name} lost most people, {lost} ({part}){also}"
    if share.clear:
        it = "it" if share.name == people.name else people.name
        return (
            f"{share.name} lost the largest share of those who {base}, {largest}; by people, {it} {people.tie(group)}"
        )
    return f"No {group} clearly loses most: {people.name} lost {lost} ({part}), but day by day it {people.tie(group)}"


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
    return "".join(parts) if len(parts) < 2 else ", ".join(parts[:-1]) + " and " + parts[-1]
