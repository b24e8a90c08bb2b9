"""The shared ground of the estimators: a risk table checked, grouped, and turned into numbers at risk.

A risk table has one row for each group, duration and outcome, and says how many contacts it stands for.
``contacts`` are frequencies: every estimator gives what it would give on one row a contact.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

OUTCOMES = ("abandoned", "answered", "deflected", "open")  # "open" still waits: it only ever censors
MEASURES = ("entry_s", "duration_s", "outcome", "contacts")  # what a row says; every other column is a group

Names = str | Iterable[str]
Ties = Literal["exact", "actuarial"]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def column_names(columns: Names) -> tuple[str, ...]:
    """``by`` as a tuple of names: one name may be given bare."""
    return (columns,) if isinstance(columns, str) else tuple(columns)


def checked(table: pd.DataFrame, *, event: str | None = None, by: Names = ()) -> pd.DataFrame:
    """Check a risk table and sum it over the columns that are not named.

    Parameters
    ----------
    table : DataFrame, a risk table
        ``duration_s`` (seconds, >= 0), ``outcome`` (one of OUTCOMES), ``contacts`` (whole, >= 0), the columns of
        ``by``, and ``entry_s`` where contacts came under watch late: they are at risk in (entry_s, duration_s].
    event : the outcome that must occur at least once; None asks for no outcome in particular.
    by : the columns that tell groups apart.

    Returns
    -------
    DataFrame, a copy, sorted: ``*by, [entry_s,] duration_s, outcome, contacts``, each combination once
        Rows that stand for no contact are left out.  ``contacts`` is int64, times are float64.

    Raises ValueError, with the number of rows and what to do, if the table is empty, lacks a column, holds a
    negative, missing or infinite duration, an unknown outcome, a missing, negative or fractional number of
    contacts, a missing group, an entry not before its duration, or never holds the event.
    """
    names = column_names(by)
    rows = validated(table, event=event, by=names)
    keys = [column for column in rows.columns if column != "contacts"]
    summed = rows.groupby(keys, sort=True, observed=True, as_index=False)["contacts"].sum()
    return summed.astype({"outcome": str})


def validated(table: pd.DataFrame, *, event: str | None = None, by: tuple[str, ...] = ()) -> pd.DataFrame:
    """The checks of :func:`checked` without its sum: the named columns of the rows that stand for contacts."""
    if not isinstance(table, pd.DataFrame):
        raise ValueError(f"the risk table must be a pandas DataFrame, as risk_table returns; got {type(table)}.")
    _refuse_columns(table, by)
    if table.empty:
        raise ValueError("the risk table is empty: it holds no row; check the period and the filters before it.")
    measures = {name: _numbers(table, name) for name in MEASURES if name in table and name != "outcome"}
    duration, contacts = measures["duration_s"], measures["contacts"]
    _refuse(
        ~(np.isfinite(duration) & (duration >= 0)),
        "duration_s must be a number of seconds >= 0",
        "correct or drop them",
    )
    outcome = _outcomes(table["outcome"])
    _refuse(
        ~(np.isfinite(contacts) & (contacts >= 0) & (contacts == np.floor(contacts))),
        "contacts must be a whole number >= 0 (frequencies, not weights)",
        "count contacts, do not weight them",
    )
    if "entry_s" in measures:
        entry = measures["entry_s"]
        _refuse(~(np.isfinite(entry) & (entry >= 0)), "entry_s must be a number of seconds >= 0", "use 0 for no delay")
        # Entry at 0 is watched from the start, so that a wait of 0 s is seen; it is as if no entry were given.
        _refuse(
            (entry >= duration) & (entry > 0),
            "entry_s must be before duration_s",
            "such contacts were never seen at risk: drop them",
        )
    for name in by:
        _refuse(
            table[name].isna().to_numpy(dtype=bool),
            f"{name} must say the group of each row",
            f'name the unknown, for example table.fillna({{"{name}": "unknown"}}), or drop them',
        )
    rows = pd.DataFrame(
        {
            **{name: table[name] for name in by},
            **({"entry_s": measures["entry_s"]} if "entry_s" in measures else {}),
            "duration_s": duration,
            "outcome": outcome,
            "contacts": contacts.astype(np.int64),
        },
        index=table.index,
    )
    rows = rows.reset_index(drop=True) if (contacts > 0).all() else rows[contacts > 0].reset_index(drop=True)
    if rows.empty:
        raise ValueError(f"the risk table holds no contact: contacts is 0 in all of its {len(table)} rows.")
    if event is not None:
        _refuse_event(rows, event)
    return rows


@dataclass(frozen=True)
class Cells:
    """Counts by group and distinct duration, sorted by both: the risk sets of every group at once.

    ``groups`` has one row a group (its ``by`` columns) and ``group`` is the row number there of each cell.
    ``at_risk`` counts contacts with entry < duration_s <= their duration; ``left[outcome]`` those that leave then.
    """

    groups: pd.DataFrame
    group: Integers
    duration_s: Floats
    at_risk: Integers
    left: dict[str, Integers]

    def exposed(self, censored: Integers, ties: Ties) -> NDArray:
        """Contacts at risk under a tie convention: "actuarial" lets half of a tick's censored leave first."""
        if ties not in get_args(Ties):
            raise ValueError(f"ties must be one of {', '.join(map(repr, get_args(Ties)))}; got {ties!r}.")
        return self.at_risk - censored / 2 if ties == "actuarial" else self.at_risk

    def running_sum(self, values: NDArray) -> Floats:
        """Cumulative sum within each group (compensated, so that long curves keep their last digits)."""
        return pd.Series(values).groupby(self.group).cumsum().to_numpy()

    def running_product(self, values: NDArray) -> Floats:
        """Cumulative product within each group."""
        return pd.Series(values).groupby(self.group).cumprod().to_numpy()

    def before(self, values: NDArray, start: float) -> Floats:
        """Each cell's value one duration earlier in its group; ``start`` at the group's first."""
        shifted = np.empty(len(values))
        shifted[1:] = values[:-1]
        shifted[self.first] = start
        return shifted

    def remaining_sum(self, values: NDArray) -> Floats:
        """Sum over the cell itself and all later ones of its group."""
        return pd.Series(values[::-1]).groupby(self.group[::-1]).cumsum().to_numpy()[::-1]

    def after(self, values: NDArray, end: NDArray) -> Floats:
        """Each cell's value one duration later in its group; the group's ``end`` (one number a group) at its last."""
        shifted = np.empty(len(values))
        shifted[:-1] = values[1:]
        shifted[self.last] = end
        return shifted

    @property
    def leaving(self) -> Integers:
        """Contacts that leave at each cell, whatever their outcome."""
        return sum(self.left.values(), np.zeros(len(self.group), dtype=np.int64))

    @property
    def first(self) -> Integers:
        """Position of each group's first cell."""
        return np.flatnonzero(np.diff(self.group, prepend=-1))

    @property
    def last(self) -> Integers:
        """Position of each group's last cell."""
        return np.flatnonzero(np.diff(self.group, append=len(self.groups)))

    def labelled(self, **columns: NDArray) -> pd.DataFrame:
        """A table with one row a cell: the group columns, ``duration_s`` and the given columns."""
        labels = self.groups.take(self.group).reset_index(drop=True)
        return labels.assign(duration_s=self.duration_s, **columns)


def group_codes(rows: pd.DataFrame, by: tuple[str, ...]) -> tuple[Integers, pd.DataFrame]:
    """The group of each row as a number from 0, and the groups (their ``by`` columns) in that order, sorted."""
    if not by:
        return np.zeros(len(rows), dtype=np.int64), pd.DataFrame(index=pd.RangeIndex(1))
    codes = rows.groupby(list(by), sort=True, observed=True).ngroup().to_numpy(dtype=np.int64)
    _, first = np.unique(codes, return_index=True)
    return codes, rows.loc[first, list(by)].reset_index(drop=True)


def cells(rows: pd.DataFrame, *, by: tuple[str, ...] = ()) -> Cells:
    """Count who is at risk and who leaves at each distinct duration of each group.

    ``rows`` comes from :func:`validated` or :func:`checked` with the same ``by``.
    """
    group, groups = group_codes(rows, by)
    tick, times = pd.factorize(rows["duration_s"], sort=True)
    key, cell_keys = pd.factorize(group * len(times) + tick, sort=True)
    cell_group, cell_duration = cell_keys // len(times), times.to_numpy()[cell_keys % len(times)]
    outcome = rows["outcome"].astype(pd.CategoricalDtype(list(OUTCOMES))).cat.codes.to_numpy(dtype=np.int64)
    counted = np.bincount(key * len(OUTCOMES) + outcome, rows["contacts"], len(cell_keys) * len(OUTCOMES))
    by_outcome = counted.astype(np.int64).reshape(-1, len(OUTCOMES))
    left = {name: by_outcome[:, code] for code, name in enumerate(OUTCOMES) if by_outcome[:, code].any()}
    exposed = at_risk(rows, group, cell_group, cell_duration)
    return Cells(groups, cell_group, cell_duration, exposed, left)


def at_risk(rows: pd.DataFrame, group: Integers, query_group: Integers, query_s: Floats) -> Integers:
    """Contacts of a group that are at risk at a duration: entry_s < duration <= duration_s; entry 0 is the start.

    ``group`` is the group of each row of ``rows``; the queries are sorted by group, then duration.
    """
    begin = np.searchsorted(query_group, np.arange(group.max() + 1))[group]
    if "entry_s" in rows:
        entry = rows["entry_s"].to_numpy()
        begin = np.where(entry > 0, first_place(query_group, query_s, group, entry, side="right"), begin)
    end = first_place(query_group, query_s, group, rows["duration_s"].to_numpy(), side="right")
    contacts = rows["contacts"].to_numpy()
    # Each contact covers a run of queries: count it in where the run begins and out where it has ended.
    change = np.bincount(begin, contacts, len(query_s) + 1) - np.bincount(end, contacts, len(query_s) + 1)
    return np.cumsum(change[:-1]).astype(np.int64)


def first_place(
    query_group: Integers, query_s: Floats, group: Integers, seconds: Floats, *, side: Literal["left", "right"]
) -> Integers:
    """Position of the first query of the same group that is at (left) or after (right) each of ``seconds``.

    The queries are sorted by group, then duration; past a group's last query it is the next group's first.
    """
    tick, times = pd.factorize(query_s, sort=True)
    width = len(times) + 1
    wanted = group * width + _positions(times, seconds, side=side)
    return _positions(query_group * width + tick, wanted, side="left")


def _positions(ordered: NDArray, values: NDArray, *, side: Literal["left", "right"]) -> Integers:
    """``np.searchsorted``, each distinct value searched once: a risk table repeats few values many times."""
    code, distinct = pd.factorize(values)
    return np.searchsorted(ordered, distinct, side=side)[code]


def _numbers(table: pd.DataFrame, name: str) -> Floats:
    column = table[name]
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        raise ValueError(
            f"{name} must hold numbers; all {len(table)} rows are of type {column.dtype}; convert the column first."
        )
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _outcomes(column: pd.Series) -> pd.Categorical:
    """Outcomes as a category in the order of OUTCOMES; a missing or unknown one is refused."""
    codes, words = pd.factorize(column)
    unknown = [not isinstance(word, str) or word not in OUTCOMES for word in words]
    bad = np.r_[unknown, True][codes]  # a missing outcome has code -1, the last place
    if bad.any():
        found = sorted({str(value) for value in column[bad].unique()})[:5]
        raise ValueError(
            f"outcome must be one of {', '.join(OUTCOMES)}; {bad.sum()} of {len(column)} rows hold "
            f"{', '.join(map(repr, found))}; map them to one of these."
        )
    place = np.array([OUTCOMES.index(word) for word in words], dtype=np.int64)
    return pd.Categorical.from_codes(place[codes], categories=list(OUTCOMES))


def _refuse(bad: NDArray[np.bool_], rule: str, remedy: str) -> None:
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise ValueError(f"{rule}; {bad.sum()} of {len(bad)} rows are not (the first is row {first}); {remedy}.")


def _refuse_columns(table: pd.DataFrame, by: tuple[str, ...]) -> None:
    missing = [name for name in (*by, *MEASURES[1:]) if name not in table.columns]
    if missing:
        raise ValueError(
            f"the risk table has no column {', '.join(map(repr, missing))}; "
            f"its columns are {', '.join(map(repr, table.columns))}."
        )
    if clash := [name for name in by if name in MEASURES]:
        raise ValueError(f"by cannot name {', '.join(map(repr, clash))}: groups are the other columns.")
    if len(set(by)) < len(by):
        raise ValueError(f"by names a column twice: {', '.join(map(repr, by))}.")


def _refuse_event(rows: pd.DataFrame, event: str) -> None:
    if event == "open":
        raise ValueError("event cannot be 'open': an open contact still waits, it has had no event.")
    outcomes = rows["outcome"].cat
    present = np.bincount(outcomes.codes, rows["contacts"], len(outcomes.categories))
    if event not in outcomes.categories[present > 0]:
        listed = ", ".join(
            f"{name} ({n:.0f} contacts)" for name, n in zip(outcomes.categories, present, strict=True) if n
        )
        raise ValueError(f"no contact has the outcome {event!r}; the outcomes in the risk table are {listed}.")
