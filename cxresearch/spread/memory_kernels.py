"""When talk happens: how long one post is retold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

FloatArray = npt.NDArray[np.float64]


class MemoryKernel(Protocol):
    """When, after a post, its direct retellings happen: a density over seconds since the post that integrates to 1.

    Bounded, 0 before the post, and smooth between the breaks it names. Any object with these members will do.
    """

    @property
    def scale_s(self) -> float:
        """The shortest time over which the density changes much."""

    @property
    def breaks_s(self) -> tuple[float, ...]:
        """Where, after 0, the density or its slope jumps."""

    def density_per_s(self, elapsed_s: npt.ArrayLike) -> FloatArray:
        """Share of the retellings that happens per second, at this time since the post."""

    def share_by(self, elapsed_s: npt.ArrayLike) -> FloatArray:
        """Share of the retellings that has happened by this time since the post."""


@dataclass(frozen=True)
class ExponentialKernel:
    """Retellings at a rate that fades exponentially, ``mean_s`` seconds after the post on average."""

    mean_s: float

    def __post_init__(self) -> None:
        require_positive(mean_s=self.mean_s)

    @property
    def scale_s(self) -> float:
        return self.mean_s

    @property
    def breaks_s(self) -> tuple[float, ...]:
        return ()

    def density_per_s(self, elapsed_s: npt.ArrayLike) -> FloatArray:
        t = np.asarray(elapsed_s, dtype=float)
        return np.where(t >= 0, np.exp(-np.maximum(t, 0) / self.mean_s) / self.mean_s, 0.0)

    def share_by(self, elapsed_s: npt.ArrayLike) -> FloatArray:
        return -np.expm1(-np.maximum(np.asarray(elapsed_s, dtype=float), 0) / self.mean_s)


@dataclass(frozen=True)
class PowerLawKernel:
    """Retellings at a constant rate for ``plateau_s``, then fading as the power -(1 + ``exponent``) of time.

    The shape of the SEISMIC model of tweets, with its constant chosen so that the shares add up to 1 (published
    constants do not quite). The mean time is infinite for ``exponent`` <= 1.
    Reference: Zhao et al. (2015), doi:10.1145/2783258.2783401.
    """

    exponent: float
    plateau_s: float

    def __post_init__(self) -> None:
        require_positive(exponent=self.exponent, plateau_s=self.plateau_s)

    @property
    def scale_s(self) -> float:
        return self.plateau_s

    @property
    def breaks_s(self) -> tuple[float, ...]:
        return (self.plateau_s,)

    @property
    def _plateau_share(self) -> float:
        return self.exponent / (1 + self.exponent)

    def density_per_s(self, elapsed_s: npt.ArrayLike) -> FloatArray:
        t = np.asarray(elapsed_s, dtype=float)
        fading = np.maximum(t / self.plateau_s, 1.0) ** -(1 + self.exponent)
        return np.where(t >= 0, fading * self._plateau_share / self.plateau_s, 0.0)

    def share_by(self, elapsed_s: npt.ArrayLike) -> FloatArray:
        x = np.maximum(np.asarray(elapsed_s, dtype=float), 0) / self.plateau_s
        later = 1 - np.maximum(x, 1.0) ** -self.exponent / (1 + self.exponent)
        return np.where(x <= 1, x * self._plateau_share, later)


@dataclass(frozen=True)
class ReviewKernel:
    """A lasting review: a burst while it is new, then readers at an even rate for as long as it stands.

    ``burst_share`` of the retellings comes at an exponentially fading rate with mean ``burst_mean_s``; the rest evenly
    over ``shelf_life_s``, after which the review is gone or no longer found.
    """

    burst_share: float
    burst_mean_s: float
    shelf_life_s: float

    def __post_init__(self) -> None:
        require_positive(burst_mean_s=self.burst_mean_s, shelf_life_s=self.shelf_life_s)
        if not np.all((np.asarray(self.burst_share) >= 0) & (np.asarray(self.burst_share) <= 1)):
            raise ValueError(f"burst_share is a share between 0 and 1; got {self.burst_share}.")

    @property
    def scale_s(self) -> float:
        return min(self.burst_mean_s, self.shelf_life_s) if self.burst_share else self.shelf_life_s

    @property
    def breaks_s(self) -> tuple[float, ...]:
        return (self.shelf_life_s,)

    def density_per_s(self, elapsed_s: npt.ArrayLike) -> FloatArray:
        t = np.asarray(elapsed_s, dtype=float)
        even = np.where((t >= 0) & (t <= self.shelf_life_s), 1 / self.shelf_life_s, 0.0)
        burst = ExponentialKernel(self.burst_mean_s).density_per_s(t)
        return self.burst_share * burst + (1 - self.burst_share) * even

    def share_by(self, elapsed_s: npt.ArrayLike) -> FloatArray:
        t = np.asarray(elapsed_s, dtype=float)
        even = np.clip(t / self.shelf_life_s, 0, 1)
        burst = ExponentialKernel(self.burst_mean_s).share_by(t)
        return self.burst_share * burst + (1 - self.burst_share) * even


def time_of_share(kernel: MemoryKernel, share: float) -> float:
    """Seconds after a post by which ``share`` (0 to 1, below 1) of its direct retellings have happened."""
    if not 0 <= share < 1:
        raise ValueError(f"share must be at least 0 and below 1: the last retelling has no time; got {share}.")
    if share == 0:
        return 0.0
    late = kernel.scale_s
    while kernel.share_by(late) < share:
        late *= 2
        if math.isinf(late):
            raise ValueError(f"{share} of the retellings are not reached in any time a number can hold.")
    return float(brentq(lambda t: float(kernel.share_by(t)) - share, 0.0, late, xtol=1e-300, rtol=1e-15))


def require_positive(**values: npt.ArrayLike) -> None:
    for name, value in values.items():
        if not np.all((np.asarray(value) > 0) & np.isfinite(value)):
            raise ValueError(f"{name} must be finite and > 0; got {value!r}.")
