"""The counts of a period as they were kept, read as data from outside: they are what was left, or they are not used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from cxresearch.contacts.canonical import WORDS
from cxresearch.contacts.followed import table_of_followed
from cxresearch.contacts.memory import VERSION
from cxresearch.contacts.outside import (
    SUMS_FILE,
    OutsideError,
    check_sum,
    open_plain,
    read_outside,
    read_sums,
    strict_json,
)
from cxresearch.contacts.period_log import CELL, CELLS, ENDS, FACTS, SUMS, USABLE, PeriodLog
from cxresearch.contacts.periods import Period, PeriodError, parse_period
from cxresearch.contacts.unanswered import table_of_unanswered

FIRST_YEAR, LAST_YEAR = 1970, 2200  # of a contact (``cells.moment``)
_SUMMED_UP_TO = 16_000_000  # bytes: larger tables are held to their sum when they are used


def kept_period(folder: Path, *, known: bool = False) -> PeriodLog | None:
    """The counts that :meth:`PeriodLog.keep` left in ``folder``; None where there are none of this version and shape.

    ``known``: somebody has asked :func:`kept_problem` of them already.
    """
    try:
        sums = _sums(folder)
        return _with_cells(_facts(folder, sums), folder, sums, known=known)
    except (FileNotFoundError, OutsideError):  # whatever is wrong with a kept folder, the log is still there to be read
        return None


def kept_problem(folder: Path, *, sums: Mapping[str, str] | None = None, whole: bool = False) -> OutsideError | None:
    """What is wrong with the counts kept in ``folder``, and in which ``file``; None where nothing is, or nothing was kept.

    ``sums``: the SHA-256 of its files by name, where somebody knows them. ``whole``: also of a large table every row is
    looked at.
    """
    try:
        sums = _sums(folder) if sums is None else sums
        log = _facts(folder, sums)
        if whole or (folder / CELLS).stat().st_size <= _SUMMED_UP_TO:
            _with_cells(log, folder, sums)
        else:
            _rows_of(folder, log.counts["kept"])
    except FileNotFoundError:
        there = [name for name in (CELLS, FACTS) if (folder / name).exists()]
        missing = FACTS if there == [CELLS] else CELLS
        return OutsideError("it is not there", missing) if there else None
    except OutsideError as problem:
        return problem
    except OSError as error:
        return OutsideError(f"it cannot be read ({error.strerror})", CELLS)
    return None


def _sums(folder: Path) -> dict[str, str]:
    try:
        return read_sums(folder)
    except OutsideError as problem:
        raise OutsideError(str(problem), SUMS_FILE) from None


def _facts(folder: Path, sums: Mapping[str, str]) -> PeriodLog:
    """The period without its cells."""
    try:
        content = read_outside(folder / FACTS)
        check_sum(FACTS, content, sums)
        log = _period(strict_json(content))
    except OutsideError as problem:
        raise OutsideError(str(problem), FACTS) from None
    return log


def _period(facts: Any) -> PeriodLog:
    if not isinstance(facts, dict) or "version" not in facts:
        raise OutsideError("it has another shape")
    if facts["version"] != VERSION:
        raise OutsideError(f"it is of version {str(facts['version'])[:20]}, and this one reads {VERSION}")
    try:
        log = PeriodLog(
            period=parse_period(facts["period"]), cells=pd.DataFrame(), counts=facts["counts"],
            set_aside=pd.DataFrame(facts["set_aside"], columns=["reason", "rows"]),
            repaired=pd.DataFrame(facts["repaired"], columns=["repair", "rows"]),
            files=pd.DataFrame(facts["files"], columns=["path", "used", "reason"]),
            newest=datetime.fromisoformat(facts["newest"]) if facts["newest"] else None,
            simulated=facts["simulated"], preset=facts["preset"],
            kept_days=tuple(date.fromisoformat(day) for day in facts["kept_days"]), source=facts["source"],
            after_leaving=table_of_followed(facts["after_leaving"]) if facts.get("after_leaving") is not None else None,
            usable=pd.DataFrame(facts.get("usable", []), columns=USABLE),
            unanswered=table_of_unanswered(facts["unanswered"]) if facts.get("unanswered") is not None else None,
            begins=date.fromisoformat(facts["begins"]) if facts.get("begins") else None,
        )  # fmt: skip
    except PeriodError as error:
        raise OutsideError(str(error)[:200].removesuffix(".")) from None
    except Exception:  # each part refuses what it cannot be in its own way
        raise OutsideError("it has another shape") from None
    _can_be(log)
    return log


def _can_be(log: PeriodLog) -> None:
    counts = log.counts
    if not isinstance(counts, dict) or not all(type(n) is int and n >= 0 for n in counts.values()):
        raise OutsideError("its counts are no counts")
    if not {"read", "kept", "set_aside"} <= set(counts) or counts["read"] != counts["kept"] + counts["set_aside"]:
        raise OutsideError("its rows do not add up: read is not kept + set_aside")
    words = (log.simulated in (True, False), isinstance(log.source, str), isinstance(log.preset, str | None))
    if not all(words) or not FIRST_YEAR <= log.period.start.year <= LAST_YEAR:
        raise OutsideError("it has another shape")
    for table in (log.after_leaving, log.unanswered):
        if table is not None and len(table):
            dates = (table["day"] >= str(log.period.start)) & (table["day"] < str(log.period.end))
            if not dates.all() or (table.iloc[:, 2:] < 0).any(axis=None):
                raise OutsideError("it has days of another period, or counts below 0")
    if log.after_leaving is not None:
        after = log.after_leaving
        if (after["answered_24h"] > after["followed"]).any() or (after["followed"] > after["left_known"]).any():
            raise OutsideError("more came again than were followed")


def _with_cells(log: PeriodLog, folder: Path, sums: Mapping[str, str], *, known: bool = False) -> PeriodLog:
    try:
        check_sum(CELLS, folder / CELLS, sums)
        rows = _rows_of(folder, log.counts["kept"])
        try:
            cells = pd.read_parquet(folder / CELLS)
        except Exception:  # whatever the engine says of it
            raise OutsideError("it is not Parquet") from None
        if list(cells.columns) != [*CELL, *ENDS, *SUMS] or len(cells) != rows:
            raise OutsideError("it has another shape")
        if CELLS not in sums and not known:
            _are_counts(cells, log.period)
        if int(cells["contacts"].sum()) != log.counts["kept"]:
            raise OutsideError(f"its contacts are not the {log.counts['kept']:,} of {FACTS}")
    except OutsideError as problem:
        raise OutsideError(str(problem), CELLS) from None
    return replace(log, cells=cells)


def _rows_of(folder: Path, kept: int) -> int:
    """How many rows the table says it has: no more than there are contacts."""
    try:
        with open_plain(folder / CELLS) as file:
            rows = int(pq.read_metadata(file).num_rows)
    except (FileNotFoundError, OutsideError) as problem:
        raise problem if isinstance(problem, FileNotFoundError) else OutsideError(str(problem), CELLS) from None
    except Exception:  # whatever the engine says of it
        raise OutsideError("it is not Parquet", CELLS) from None
    if rows > kept:
        raise OutsideError(f"it has more rows than the {kept:,} contacts of {FACTS}", CELLS)
    return rows


def _are_counts(cells: pd.DataFrame, period: Period) -> None:
    """What can be told of a table that has no sum: each cell once, on days of its period, with counts that can be."""
    try:
        day, hour, n = cells["day"], cells["hour"], cells["contacts"].to_numpy()
        known = hour.dropna()
        sound = (
            len(cells) > 0 and pd.api.types.is_datetime64_dtype(day) and day.notna().all()
            and cells["queued"].dtype == bool and cells["outcome"].isin(WORDS["outcome"]).all()
            and (day >= str(period.start)).all() and (day < str(period.end)).all()
            and (day.dt.day_of_week + 1 == cells["weekday"]).all() and known.between(0, 23).all()
            and (n >= 1).all() and (n == np.floor(n)).all()
            and cells["handled"].between(0, n).all() and np.isfinite(cells["handle_s"]).all() and (cells["handle_s"] >= 0).all()
            and np.isfinite(cells["duration_s"]).all() and (cells["duration_s"] >= 0).all()
            and not cells[[*CELL, *ENDS]].duplicated().any()
        )  # fmt: skip
    except (TypeError, ValueError, AttributeError):
        sound = False
    if not sound:
        raise OutsideError(f"its cells cannot be those of {period.name}")
