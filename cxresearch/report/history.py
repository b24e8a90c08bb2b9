"""The runs that stand in a folder of reports, and how their headlines moved from one period to the next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from cxresearch.headlines import COLUMNS, change_record, change_table
from cxresearch.periods import PeriodError, parse_period


def load_runs(out: Path) -> list[dict[str, Any]]:
    """Every run below ``out``, newest period first: its run.json, its headlines and where its page is.

    A headline's change is told against the run of the period before when that stands here (whatever the order in which
    the two were made), else as the run itself recorded it.
    """
    runs = []
    for path in sorted(out.glob("*/*/run.json")):
        run = _read(path)
        if run is None:
            continue
        page = path.with_name("report.html")
        run["href"] = page.relative_to(out).as_posix() if page.is_file() else None
        run["headlines"] = _read(path.with_name("headlines.json")) or []
        runs.append(run)
    good = {(r["report"], r["period"]): r for r in runs if r["status"] != "failed"}
    for run in runs:
        before = good.get((run["report"], _previous(run["period"])))
        if before and before["headlines"] and run["headlines"] and before["simulated"] == run["simulated"]:
            run["headlines"] = with_change(run["headlines"], before["headlines"], before["period_label"])
    return sorted(runs, key=lambda r: (r["period"], r["report"], r["status"]), reverse=True)


def with_change(
    headlines: list[dict[str, Any]], before: list[dict[str, Any]] | None, label: str
) -> list[dict[str, Any]]:
    """Headlines with ``change``: difference, its interval, the earlier value, and whether it can be told from none."""
    moved = change_table(_frame(headlines), _frame(before) if before else None)
    changes = {row["name"]: change_record(row, label) for row in moved.to_dict("records")}
    return [{**h, "change": changes[h["name"]] or h.get("change")} for h in headlines]


def _frame(headlines: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(headlines).reindex(columns=COLUMNS)
    return frame.astype({"value": float, "lower": float, "upper": float})


def _previous(name: str) -> str:
    try:
        return parse_period(name).previous.name
    except PeriodError:
        return ""


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return None
