"""Days, and hours of a day, on which far more were lost than usual, as a main point."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cxresearch.style import format_date, format_value, phrase

MOST_OTHERS = 2


def odd_time_points(times: pd.DataFrame) -> list[tuple[str, str]]:
    """The first of ``patience.odd_times`` as a main point, the next two beside it; none where no time was far from usual."""
    if times.empty:
        return []
    first, *others = times.head(1 + MOST_OTHERS).to_dict("records")
    sentence = phrase(
        "{left} gave up then; the usual number is {usual} (median of {days} full days). The log says when, not why.",
        left=format_value(int(first["left"]), "count"), usual=format_value(first["usual"]), days=str(first["days"]),
    )  # fmt: skip
    if others:
        also = "; ".join(
            phrase(
                "{when} ({left} where {usual} are usual)",
                when=_when(one),
                left=format_value(int(one["left"]), "count"),
                usual=format_value(one["usual"]),
            )
            for one in others
        )
        sentence += " " + phrase("So do {others}.", others=also)
    return [(phrase("{when} stands out.", when=_when(first)), sentence)]


def _when(row: dict[Any, Any]) -> str:
    day = format_date(str(pd.Timestamp(row["day"]).date()))
    if pd.isna(row["first_hour"]):
        return day
    return phrase("{day} from {start} to {end} h", day=day, start=str(row["first_hour"]), end=str(row["last_hour"] + 1))
