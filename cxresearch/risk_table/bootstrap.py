"""Intervals for what has no formula: a table of counts drawn anew, contact by contact or cluster by cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

# Where more replicates than this have no value, a percentile of the others would not be one of the statistic.
WITHOUT_VALUE = 0.025


def poisson_bootstrap(
    table: pd.DataFrame,
    statistic: Callable[[pd.DataFrame], pd.DataFrame],
    *,
    by: str | Sequence[str] = (),
    cluster: str | None = None,
    replicates: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Standard error and interval of any statistic of a table of counts.

    Parameters
    ----------
    table : DataFrame with ``contacts`` (whole, >= 0), such as a risk table.
    statistic : takes such a table (summed over ``cluster``, which it does not see), returns a DataFrame with the
        columns of ``by`` and ``estimate``, one row each.
    by : the columns of the result that tell its rows apart.
    cluster : column whose groups are drawn as wholes, such as the date or ``block`` of :func:`customer_blocks`. Rows
        where it is missing are contacts of their own. None: every contact is drawn by itself.
    replicates : how many tables are drawn, >= 2. rng : the same state draws the same tables.

    Returns
    -------
    DataFrame ``*by, estimate, se, lower, upper, replicates``
        ``estimate`` is that of the table itself, ``se`` the standard deviation over the replicates, the interval their
        2.5 and 97.5 percentiles; ``replicates`` had a value. Where more than 2.5 % had none, ``se`` and interval are
        missing.

    A contact is drawn Poisson(1) times, which is the bootstrap of the rows; a few clusters (below about 30) give too
    narrow an interval. Raises ValueError for a missing column, and what ``statistic`` raises.
    Reference: Hanley & MacGibbon (2006), doi:10.1016/j.cmpb.2006.04.006.
    """
    names = [by] if isinstance(by, str) else list(by)
    missing = [name for name in ("contacts", *([cluster] if cluster else [])) if name not in table]
    if missing:
        raise ValueError(f"the table has no column {', '.join(missing)}; its columns are {', '.join(table.columns)}.")
    if replicates < 2:
        raise ValueError(f"replicates must be 2 or more; got {replicates}.")
    contacts = table["contacts"].to_numpy()
    if not contacts.any():
        raise ValueError(f"the table holds no contact ({len(table)} rows): there is nothing to draw from.")
    keys = [name for name in table.columns if name not in ("contacts", cluster)]
    code = table.groupby(keys, dropna=False, observed=True).ngroup().to_numpy() if keys else np.zeros(len(table), int)
    _, first = np.unique(code, return_index=True)
    distinct = table.iloc[first].drop(columns=[cluster] if cluster else [])
    member = np.full(len(table), -1) if cluster is None else pd.factorize(table[cluster])[0]
    own = member < 0

    def summed(drawn: np.ndarray) -> pd.DataFrame:
        number = np.bincount(code, drawn, len(distinct)).astype(np.int64)
        return distinct.assign(contacts=number)[number > 0]

    def draw() -> pd.DataFrame:
        drawn = np.zeros_like(contacts)
        while not drawn.any():  # few clusters: now and then nobody is drawn, which is no sample
            if not own.all():
                drawn = contacts * rng.poisson(1.0, member.max() + 1)[member]
            drawn[own] = rng.poisson(contacts[own])
        return summed(drawn)

    result = _values(statistic(summed(contacts)), names)
    values = pd.concat([_values(statistic(draw()), names) for _ in range(replicates)], axis=1).reindex(result.index)
    seen = values.notna().sum(axis=1)
    enough = seen >= (1 - WITHOUT_VALUE) * replicates
    found = pd.DataFrame(
        {
            "estimate": result,
            "se": values.std(axis=1, ddof=1).where(enough),
            "lower": values.apply(_percentile, axis=1, at=0.025).where(enough),
            "upper": values.apply(_percentile, axis=1, at=0.975).where(enough),
            "replicates": seen,
        }
    )
    return found.reset_index(drop=not names)


def customer_blocks(contacts: Any) -> Any:
    """The log with a column ``block``: customers in 256 blocks by lot, for intervals that know repeat callers.

    Parameters
    ----------
    contacts : pandas or Polars frame, DuckDB relation or Spark DataFrame with ``customer_key``, as ``load_contacts``
        makes it (hex digits of a hash). The log stays on its engine.

    Returns
    -------
    The same kind of frame. ``block`` is two hex digits, missing where the customer is unknown.

    All contacts of a customer are in one block, so ``risk_table(customer_blocks(log), by="block")`` is a small table
    that ``poisson_bootstrap(..., cluster="block")`` can draw from whatever the number of customers.
    Raises ValueError where a key is no hash: names and numbers do not spread evenly over blocks.
    """
    frame = nw.from_native(contacts)
    names = frame.collect_schema().names()
    if "customer_key" not in names:
        raise ValueError(f"the contacts have no column customer_key; they have {', '.join(names)}.")
    key = nw.col("customer_key")
    hashed = key.str.contains("^[0-9a-f]{16}$").cast(nw.Int64).sum().alias("hashed")
    known = frame.lazy().filter(~key.is_null()).select(hashed, nw.len().alias("known")).collect()
    wrong = int(known["known"][0]) - int(known["hashed"][0] or 0)
    if wrong:
        raise ValueError(
            f"customer_key is no hash in {wrong:,} rows: load the log with load_contacts, which makes 16 hex digits."
        )
    return frame.with_columns(key.str.head(2).alias("block")).to_native()


def _percentile(row: pd.Series, at: float) -> float:
    """At place (n + 1) * ``at``: with few replicates the usual place, nearer to the middle, makes intervals too narrow."""
    known = row.dropna().to_numpy(dtype=float)
    return float(np.quantile(known, at, method="weibull")) if len(known) else np.nan


def _values(table: pd.DataFrame, names: list[str]) -> pd.Series:
    """The column ``estimate``, indexed by ``names``."""
    lacking = [name for name in (*names, "estimate") if name not in table]
    if lacking:
        raise ValueError(f"the statistic gives no column {', '.join(lacking)}; it gives {', '.join(table.columns)}.")
    if not names:
        if len(table) != 1:
            raise ValueError(f"the statistic gives {len(table)} rows; name in by what tells them apart.")
        return table["estimate"].reset_index(drop=True)
    values = table.set_index(names)["estimate"]
    if values.index.has_duplicates:
        raise ValueError(f"the statistic gives several rows for one {', '.join(names)}; name more columns in by.")
    return values
