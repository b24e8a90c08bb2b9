"""How the headlines moved since the period before, in a table and in words."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from cxresearch.style import format_interval, format_value

COLUMNS = ["name", "label", "value", "lower", "upper", "unit", "kind", "better", "n", "base", "note"]
NOT_TOLD, NOTHING = "not distinguishable from no change", "nothing to compare"
_LEADS = {
    "abandonment_share": {1: "More people gave up.", -1: "Fewer people gave up.", 0: "People gave up."},
    "mean_wait_s": {1: "The queue was slower.", -1: "The queue was faster.", 0: "The queue."},
    "patience_survival_60s": {1: "People were more patient.", -1: "People were less patient.", 0: "Patience."},
    "contacts": {1: "More contacts came.", -1: "Fewer contacts came.", 0: "Contacts."},
}


def change_table(now: pd.DataFrame, before: pd.DataFrame | None) -> pd.DataFrame:
    """``now`` with what changed since ``before``: ``previous, difference, difference_lower, difference_upper, verdict``.

    Both are headline tables. The interval of a difference is put together from the two intervals (MOVER; for two shares
    it is Newcombe's): Zou & Donner (2008), doi:10.1002/sim.3095. Both periods are taken as independent. ``verdict`` is
    ``rose``, ``fell``, ``not distinguishable from no change``, or ``nothing to compare``.
    """
    moved = now.copy()
    earlier = (before if before is not None else now.iloc[:0]).set_index("name")
    for column in ("value", "lower", "upper"):
        moved[f"previous_{column}"] = moved["name"].map(earlier[column]).astype(float)
    moved = moved.rename(columns={"previous_value": "previous"})
    moved["difference"] = moved["value"] - moved["previous"]
    moved["difference_lower"] = moved["difference"] - (
        (moved["value"] - moved["lower"]) ** 2 + (moved["previous_upper"] - moved["previous"]) ** 2
    ).pow(0.5)
    moved["difference_upper"] = moved["difference"] + (
        (moved["upper"] - moved["value"]) ** 2 + (moved["previous"] - moved["previous_lower"]) ** 2
    ).pow(0.5)
    moved["verdict"] = NOT_TOLD
    moved.loc[moved["difference_lower"] > 0, "verdict"] = "rose"
    moved.loc[moved["difference_upper"] < 0, "verdict"] = "fell"
    moved.loc[moved["difference"].isna(), "verdict"] = NOTHING
    return moved


def change_record(row: dict[str, Any], previous_label: str) -> dict[str, Any] | None:
    """One row of a change table as it stands in headlines.json; None when there was nothing to compare."""
    if row["verdict"] == NOTHING:
        return None
    return {
        "difference": row["difference"], "lower": row["difference_lower"], "upper": row["difference_upper"],
        "previous": row["previous"], "distinguishable": row["verdict"] in ("rose", "fell"),
        "previous_period_label": previous_label,
    }  # fmt: skip


def change_points(moved: pd.DataFrame, before: str) -> list[tuple[str, str]]:
    """The changes as main points (lead, sentence): what happened, value, change with its interval.

    ``moved`` is a :func:`change_table`, ``before`` names the period before. A change that cannot be told from chance is
    said so and leads with no direction.
    """
    rows = moved.set_index("name")
    return [
        (_LEADS[name][_direction(rows.loc[name])], f"{_value(rows.loc[name], name)}{_change(rows.loc[name], before)}.")
        for name in _LEADS if name in rows.index and not math.isnan(rows.loc[name, "value"])
    ]  # fmt: skip


def change_text(moved: pd.DataFrame) -> pd.DataFrame:
    """A change table as people read it: each number in its own unit (``headline, value, interval, before, change``)."""
    rows = []
    for row in moved.to_dict("records"):
        unit, points = row["unit"], "points" if row["unit"] == "share" else row["unit"]
        whole = row["lower"] == row["upper"]
        known = row["verdict"] != NOTHING
        rows.append({
            "headline": row["label"], "value": format_value(row["value"], unit),
            "interval": "counted" if whole else format_interval(row["lower"], row["upper"], unit),
            "before": format_value(row["previous"], unit) if known else "not known",
            "change": format_value(row["difference"], points) if known else "not known",
            "interval_of_change": "counted" if whole and known
            else format_interval(row["difference_lower"], row["difference_upper"], points) if known else "not known",
            "verdict": row["verdict"],
        })  # fmt: skip
    return pd.DataFrame(rows)


def _direction(row: pd.Series) -> int:
    return {"rose": 1, "fell": -1}.get(row["verdict"], 0)


def _value(row: pd.Series, name: str) -> str:
    value = format_value(row["value"], row["unit"])
    return {
        "abandonment_share": f"{value} of those who queued gave up",
        "mean_wait_s": f"The mean wait of those who queued was {value}",
        "patience_survival_60s": f"{value} would still wait after a minute",
        "contacts": f"{value} contacts, all channels together",
    }[name]


def _change(row: pd.Series, before: str) -> str:
    if row["verdict"] == NOTHING:
        return f"; there is no {before} to compare with"
    unit = "points" if row["unit"] == "share" else row["unit"]
    lower, upper = row["difference_lower"], row["difference_upper"]
    if row["verdict"] == NOT_TOLD:
        between = format_interval(lower, upper, unit)
        return f"; against {before} not distinguishable from no change (95 % interval of the change {between})"
    size = format_value(abs(row["difference"]), unit)
    word = "up" if row["difference"] > 0 else "down"
    if lower == upper:
        return f", {word} {size} from {before}"
    least, most = sorted((abs(lower), abs(upper)))
    return f", {word} {size} from {before} (95 % interval {format_interval(least, most, unit)})"
