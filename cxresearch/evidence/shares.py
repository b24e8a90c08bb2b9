"""Published shares: their base, their interval, and whether one number printed on two bases is the same."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd


class BaseMismatch(ValueError):  # noqa: N818
    """Shares of different bases were about to be combined."""


@dataclass(frozen=True)
class Share:
    """A share that knows its base: ``value`` of those ``given`` are also ``of``.

    ``Share(.87, of="had a problem", given="transacted") * Share(.41, of="would leave", given="had a problem")`` is
    0.3567 of those who transacted. ``*`` chains only where ``given`` of one is ``of`` of the other, else
    BaseMismatch names the missing link. The product is the share of the first base who are in both.
    """

    value: float
    of: str = ""
    given: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 1:
            raise ValueError(f"a share is 0 to 1 (0.87, not 87); got {self.value!r}.")
        if not self.of or not self.given or self.of == self.given:
            raise ValueError(f"a share needs of= and given=, two different groups; got {self.of!r} and {self.given!r}.")

    def missing_link(self, other: Share) -> str:
        """What keeps the two from being chained, in words; empty where they chain."""
        if self.of == other.given and other.of == self.given:
            return f"{self} and {other} lead back to where they began: their product is not a share."
        if self.of == other.given or other.of == self.given:
            return ""
        return (
            f"cannot chain ({self}) and ({other}): their bases differ. Missing is the share of {self.of!r} who are "
            f"{other.given!r}, that is Share(..., of={other.given!r}, given={self.of!r}); "
            f"or, the other way round, Share(..., of={self.given!r}, given={other.of!r})."
        )

    def __mul__(self, other: object) -> Share:
        if not isinstance(other, Share):
            return NotImplemented
        missing = self.missing_link(other)
        if missing:
            raise BaseMismatch(missing)
        if self.of == other.given:
            return Share(self.value * other.value, of=other.of, given=self.given)
        return Share(self.value * other.value, of=self.of, given=other.given)

    def __float__(self) -> float:
        return float(self.value)

    def __str__(self) -> str:
        return f"{100 * self.value:.4g} % of {self.given!r} are {self.of!r}"


def base_test(narrow: Share, link: Share, wide: Share, *, rounding: float = 0.005) -> pd.DataFrame:
    """Test whether one statistic printed on two bases is the same through the share that links the bases.

    Parameters
    ----------
    narrow : the statistic on the narrow base (39 % of sharers).
    link : the share of the wide base in the narrow one (84 % of people with problems share).
    wide : the statistic on the wide base (32 % of people with problems).
    rounding : half a unit of the last printed digit of all three.

    Returns
    -------
    DataFrame of one row: ``implied``, ``implied_lower``, ``implied_upper`` (narrow times link, rounding allowed),
    ``printed``, ``printed_lower``, ``printed_upper``, ``consistent``, and ``consistent_unlinked`` (whether the two
    would also agree if both had the same base; if so the test decides nothing).

    Raises BaseMismatch if the three shares do not make a chain from the wide base to the statistic.
    """
    implied = link * narrow
    if (implied.of, implied.given) != (wide.of, wide.given):
        raise BaseMismatch(f"narrow and link lead to ({implied}), which is not the statistic and base of ({wide}).")
    low, high = ((link.value + s) * (narrow.value + s) for s in (-rounding, rounding))
    wide_low, wide_high = wide.value - rounding, wide.value + rounding
    apart = abs(narrow.value - wide.value) > 2 * rounding + 1e-12
    return pd.DataFrame(
        [
            {
                "implied": implied.value,
                "implied_lower": low,
                "implied_upper": high,
                "printed": wide.value,
                "printed_lower": wide_low,
                "printed_upper": wide_high,
                "consistent": low <= wide_high and wide_low <= high,
                "consistent_unlinked": not apart,
            }
        ]
    )


def share_interval(share: float, n: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson interval of a share observed among ``n``.

    Raises ValueError for a share outside 0 to 1 or n that is missing or below 1: where n is unknown see
    :func:`interval_over_n`. It holds for a simple random sample, so for a panel it is nominal and the least width.
    Reference: Wilson (1927), doi:10.1080/01621459.1927.10502953.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share is 0 to 1 (0.87, not 87); got {share!r}.")
    if pd.isna(n) or not 1 <= n < math.inf:
        raise ValueError(f"n must be the number of respondents, known and at least 1; got {n!r}. See interval_over_n.")
    z = z_value(confidence)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # Near shares of 0 and 1 the last binary digit would step outside.
    # The interval holds the share; rounding alone could leave an end beside a share of 0 or 1.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def interval_over_n(share: float, *, n_low: int, n_high: int, confidence: float = 0.95) -> pd.DataFrame:
    """Wilson intervals of a share whose n nobody published, over a stated range of n: ``n``, ``lower``, ``upper``."""
    if not 1 <= n_low < n_high:
        raise ValueError(f"need 1 <= n_low < n_high; got {n_low} and {n_high}.")
    sizes = np.unique(np.geomspace(n_low, n_high, 25).round().astype(int))
    ends = [share_interval(share, size, confidence=confidence) for size in sizes]
    return pd.DataFrame({"n": sizes, "lower": [low for low, _ in ends], "upper": [high for _, high in ends]})


def plausible_n(base: str, *, n_low: int, n_high: int) -> tuple[int, int]:
    """The fewest and the most answers to an item of ``base``, where ``n_low`` to ``n_high`` people were asked in all.

    Only those in the base were asked the item: of callers, not everybody (``bases.csv``, ``share_low`` and ``share_high``).
    A base whose share nobody printed is taken as all.
    """
    low, high = _shares_of_asked().get(base, (1.0, 1.0))
    return max(1, round(low * n_low)), max(1, round(high * n_high))


@functools.cache
def _shares_of_asked() -> dict[str, tuple[float, float]]:
    from cxresearch.evidence.register import load_evidence

    known = load_evidence("bases").dropna(subset=["share_low", "share_high"])
    return {row.base: (row.share_low, row.share_high) for row in known.itertuples()}


def add_intervals(table: pd.DataFrame, *, n_low: int, n_high: int, confidence: float = 0.95) -> pd.DataFrame:
    """Add Wilson intervals to published shares: from n where known, else at both ends of a stated range of n.

    ``table`` needs ``value``, ``unit`` and ``n``. Added: ``n_known``, ``lower``, ``upper`` (n unknown: at ``n_low``,
    the widest) and ``narrow_lower``, ``narrow_upper`` (at ``n_high``; n known: the same again). Where there is a column
    ``base``, the two are those of its part of the people asked (:func:`plausible_n`). Rows that are no shares get missing
    values.
    """
    ends = []
    for row in table.itertuples():
        if row.unit != "share" or pd.isna(row.value):
            ends.append((math.nan,) * 4)
            continue
        asked = plausible_n(getattr(row, "base", ""), n_low=n_low, n_high=n_high)
        sizes = asked if pd.isna(row.n) else (row.n, row.n)
        wide, narrow = (share_interval(row.value, n, confidence=confidence) for n in sizes)
        ends.append((*wide, *narrow))
    new = pd.DataFrame(ends, columns=["lower", "upper", "narrow_lower", "narrow_upper"], index=table.index)
    return table.assign(n_known=table["n"].notna()).join(new)


def z_value(confidence: float) -> float:
    """Two-sided normal quantile."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is a share between 0 and 1, such as 0.95; got {confidence!r}.")
    return NormalDist().inv_cdf((1 + confidence) / 2)
