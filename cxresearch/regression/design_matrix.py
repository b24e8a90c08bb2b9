"""Covariates of a risk table: its distinct patterns, their design matrix, and what no regression can estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Integers = NDArray[np.int64]

DEPENDENT = 1e-9  # share of a column's variance left after the others, below which it is called a combination


@dataclass(frozen=True)
class Covariates:
    """Which combination of covariates each row has; a fit needs the combinations once, not the rows.

    ``labels`` names the columns of the design as (term, level); a numeric covariate has the level "".
    """

    labels: list[tuple[str, str]]
    pattern: Integers  # of each row
    contacts: Floats  # of each pattern
    level: list[Integers]  # of each pattern, one array a term; 0 is the reference
    values: list[Floats]  # of each pattern, one array a numeric covariate

    @property
    def patterns(self) -> int:
        """How many combinations occur."""
        return len(self.contacts)

    def design(self) -> tuple[Floats, Floats, Floats]:
        """The (patterns, columns) design with columns of mean 0, and the means and scales that undo it.

        Levels are 0 and 1 minus their mean; numeric covariates are also divided by their standard deviation.
        """
        design = np.zeros((self.patterns, len(self.labels)))
        scale = np.ones(len(self.labels))
        column = 0
        for level in self.level:
            chosen = np.flatnonzero(level)
            design[chosen, column + level[chosen] - 1] = 1
            column += int(level.max())
        for values in self.values:
            spread = values - np.average(values, weights=self.contacts)
            scale[column] = np.sqrt(np.average(spread**2, weights=self.contacts))
            design[:, column] = values
            column += 1
        centre = (self.contacts / self.contacts.sum()) @ design
        design -= centre
        design /= scale
        return design, centre, scale


def covariates(
    rows: pd.DataFrame, terms: tuple[str, ...], numeric: tuple[str, ...], contacts: Floats, events: Floats, event: str
) -> Covariates:
    """Find the distinct patterns of ``terms`` (levels as text, sorted, the first is the reference) and ``numeric``.

    Raises ValueError for a term with one level, a level without the event, or a numeric covariate with one value.
    """
    labels: list[tuple[str, str]] = []
    codes: list[Integers] = []
    for term in terms:
        code, levels = _levels(rows[term])
        _refuse_level(term, levels, np.bincount(code, contacts), np.bincount(code, events), event)
        labels += [(term, level) for level in levels[1:]]
        codes.append(code)
    measured = [rows[name].to_numpy(dtype=np.float64) for name in numeric]
    for name, values in zip(numeric, measured, strict=True):
        if values.min() == values.max():
            raise ValueError(f"{name} is {values[0]:g} in every row; a covariate needs two values at least: drop it.")
        labels.append((name, ""))
        codes.append(pd.factorize(values)[0].astype(np.int64))
    pattern = np.zeros(len(rows), dtype=np.int64)
    for code in codes:
        # Numbered anew after each column, so that the product of many levels cannot overflow.
        pattern = pd.factorize(pattern * (code.max() + 1) + code)[0].astype(np.int64)
    # Patterns are numbered as they appear: each begins where the highest number so far rises.
    first = np.flatnonzero(np.diff(np.maximum.accumulate(pattern), prepend=-1))
    return Covariates(
        labels,
        pattern,
        np.bincount(pattern, contacts).astype(np.float64),
        [code[first] for code in codes[: len(terms)]],
        [values[first] for values in measured],
    )


def refuse_numeric(table: pd.DataFrame, numeric: tuple[str, ...]) -> None:
    """Numeric covariates must hold finite numbers; levels of text belong to ``terms``."""
    for name in numeric:
        if name not in table:
            continue  # the check of the table names what is missing
        column = table[name]
        if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            raise ValueError(
                f"{name} must hold numbers, its type is {column.dtype}; name it in terms if it has levels."
            )
        bad = ~np.isfinite(column.to_numpy(dtype=np.float64, na_value=np.nan))
        if bad.any():
            raise ValueError(
                f"{name} must be a finite number; {bad.sum()} of {len(bad)} rows are not; drop them or fill them in."
            )


def refuse_dependent(information: Floats, variance: Floats, events: float, labels: list[tuple[str, str]]) -> None:
    """Raise ValueError naming the first covariate that is constant, or a combination of those before it.

    ``information`` is that of the coefficients where all are 0; ``variance`` that of the columns over all contacts.
    """
    size = np.diagonal(information)
    for label, own, spread in zip(labels, size, variance, strict=True):
        if not own > DEPENDENT * spread * events:
            raise ValueError(
                f"{named(label)} tells nothing: among the contacts at risk together it never differs; drop the term, "
                "or the strata it is a combination of."
            )
    correlation = information / np.sqrt(np.outer(size, size))
    try:
        if np.diagonal(np.linalg.cholesky(correlation)).min(initial=1) ** 2 > DEPENDENT:
            return
    except np.linalg.LinAlgError:
        pass  # not positive definite, even in rounding: the search below names the column
    for j in range(1, len(labels)):
        weights = np.linalg.solve(correlation[:j, :j], correlation[:j, j])
        if 1 - correlation[:j, j] @ weights <= DEPENDENT * 10:
            parts = [named(labels[k]) for k in np.flatnonzero(np.abs(weights) > 1e-4)]
            raise ValueError(
                f"collinear terms: {named(labels[j])} is a combination of {', '.join(parts)}; drop one of these terms."
            )


def named(label: tuple[str, str]) -> str:
    """How errors call a coefficient."""
    term, level = label
    return f"{term}={level!r}" if level else term


def _levels(column: pd.Series) -> tuple[Integers, list[str]]:
    code, values = pd.factorize(column)
    texts = [str(value) for value in values]
    levels = sorted(set(texts))
    place = {level: i for i, level in enumerate(levels)}
    return np.array([place[text] for text in texts], dtype=np.int64)[code], levels


def _refuse_level(term: str, levels: list[str], contacts: NDArray[Any], events: NDArray[Any], event: str) -> None:
    if len(levels) == 1:
        raise ValueError(
            f"{term} has one level only, {levels[0]!r}; there is nothing to compare it with: drop the term."
        )
    for level, n, d in zip(levels, contacts, events, strict=True):
        if d == 0:
            raise ValueError(
                f"separation: none of the {n:.0f} contacts with {term}={level!r} has the outcome {event!r}, so its "
                "coefficient would run to infinity; merge the level with another one or drop its contacts."
            )
