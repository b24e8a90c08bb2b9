"""The wait that a queue offers: how long a contact with endless patience would wait for an agent.

With survival S of patience and H its running area, the offered wait has, beside a mass at 0, a density proportional
to f(x) = exp(arrival rate * H(x) - agents / handle time * x) (Baccelli & Hebuterne 1981; Zeltyn & Mandelbaum 2005).
H is linear on every step of S, so every step has a closed form; a constant hazard at the end has a quadrature to the
last digits. All of it is kept as logarithms, because f passes 1e308 as soon as a large team is overloaded.
"""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
import pandas as pd
from scipy.special import exprel

from cxresearch.risk_table import Floats

Tail = Literal["last_hazard", "nobody_leaves", "everybody_leaves"]

_NEGLIGIBLE = 45.0  # exp(-45) = 3e-20: what lies further down the density than this adds no digit
_RAMP_SERIES = [(-1) ** k / math.factorial(k + 2) for k in reversed(range(18))]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


@dataclass(frozen=True, eq=False)
class PatienceLaw:
    """The share whose patience is longer than t: a step function, and a constant hazard after its last knot.

    ``survival[k]`` holds from ``knots_s[k]`` up to the next knot. ``tail`` says in words what happens after ``end_s``,
    the end of the curve (NaN where there was no curve), where ``end_survival`` of the contacts were still waiting.
    """

    knots_s: Floats
    survival: Floats
    hazard_per_s: float
    tail: str
    end_s: float
    end_survival: float

    def mean_waited_s(self, until_s: float) -> float:
        """Mean wait of contacts that nobody answers before ``until_s``: the area under the curve up to there."""
        edges = np.minimum(self.knots_s, until_s)
        area = float(np.sum(self.survival[:-1] * np.diff(edges)))
        rest = max(until_s - self.knots_s[-1], 0.0)
        last = float(self.survival[-1])
        return area + last * rest * float(exprel(-self.hazard_per_s * rest))


Patience: TypeAlias = float | pd.DataFrame | PatienceLaw | None


def patience_law(patience: Patience, *, tail: Tail = "last_hazard") -> PatienceLaw:
    """Read ``patience`` as ``queueing.queue_measures`` describes it; a law already read stays as it is."""
    if isinstance(patience, PatienceLaw):
        return patience
    if tail not in get_args(Tail):
        raise ValueError(f"tail must be one of {', '.join(get_args(Tail))}; got {tail!r}.")
    if patience is None:
        return PatienceLaw(np.zeros(1), np.ones(1), 0.0, "nobody ever leaves (no patience was given)", math.nan, 1.0)
    if not isinstance(patience, pd.DataFrame):
        mean_s = positive("patience (mean seconds)", patience)
        return PatienceLaw(np.zeros(1), np.ones(1), 1 / mean_s, "exponential patience throughout", math.nan, 1.0)
    knots, survival = _checked_curve(patience)
    end_s, end_survival = float(knots[-1]), float(survival[-1])
    hazard, said = 0.0, "the curve reaches zero; nothing is assumed"
    if end_survival > 0 and tail == "nobody_leaves":
        said = f"assumed: nobody leaves after {end_s:g} s"
    elif end_survival > 0 and tail == "everybody_leaves":
        survival = np.r_[survival[:-1], 0.0]
        said = f"assumed: everybody still waiting leaves at {end_s:g} s"
    elif end_survival > 0:
        middle = float(survival[np.searchsorted(knots, end_s / 2, side="right") - 1])
        hazard = math.log(middle / end_survival) / (end_s / 2) if end_s > 0 else 0.0
        said = f"assumed: after {end_s:g} s the average hazard of the curve's later half, {hazard:.3g} per s"
    return PatienceLaw(knots, survival, hazard, said, end_s, end_survival)


def _checked_curve(curve: pd.DataFrame) -> tuple[Floats, Floats]:
    missing = [name for name in ("duration_s", "survival") if name not in curve.columns]
    if missing:
        raise ValueError(
            f"a patience curve needs the columns duration_s and survival; {', '.join(missing)} is not among "
            f"{', '.join(map(str, curve.columns))}."
        )
    if curve.empty:
        raise ValueError("the patience curve has no row; check the period and the filters before it.")
    duration = curve["duration_s"].to_numpy(dtype=np.float64)
    survival = curve["survival"].to_numpy(dtype=np.float64)
    bad = ~(np.isfinite(duration) & (duration >= 0) & (survival >= 0) & (survival <= 1))
    if bad.any():
        raise ValueError(
            f"duration_s must be >= 0 and survival between 0 and 1; {bad.sum()} of {len(bad)} rows of the patience "
            f"curve are not (the first is row {int(np.flatnonzero(bad)[0])})."
        )
    if (bad := np.diff(duration) <= 0).any():
        raise ValueError(
            f"duration_s must rise from row to row; {bad.sum()} of {len(duration)} rows of the patience curve do not. "
            "Give one curve, not one for each of several groups."
        )
    if (bad := np.diff(survival) > 0).any():
        raise ValueError(f"survival must not rise; it does in {bad.sum()} of {len(survival)} rows of the curve.")
    if duration[0] > 0:
        duration, survival = np.r_[0.0, duration], np.r_[1.0, survival]
    return duration, survival


class Integrals(NamedTuple):
    """Integrals of f, scaled by exp(-log_scale): alone, and weighted by S, 1 - S, H and "past the curve's end"."""

    log_scale: float
    offered: float
    answered: float
    left: float
    waited: float
    past_end: float


@dataclass(frozen=True, eq=False)
class OfferedWait:
    """The function f of one queue and its integrals up to any time."""

    law: PatienceLaw
    load: float  # arrivals in one handle time, Erlang
    handle_time_s: float
    agents: int

    def drift(self, survival: Floats | float) -> Floats | float:
        """Slope of log f where ``survival`` of the contacts still wait, per second."""
        # Written so that its sign is that of load * survival - agents, to the last bit.
        return (self.load * survival - self.agents) / self.handle_time_s

    def integrals(self, until_s: float = math.inf) -> Integrals:
        law = self.law
        knots, survival = law.knots_s, law.survival[:-1]
        if law.hazard_per_s == 0:
            # Nothing changes after the last knot: one more step, as long as f lives.
            life_s = 800 / -float(self.drift(law.survival[-1]))
            knots, survival = np.r_[knots, knots[-1] + life_s], law.survival
        edges = np.minimum(knots, until_s)
        parts = [self._steps(edges, survival)]
        if law.hazard_per_s > 0 and until_s > knots[-1]:
            log_start = float(self.drift(survival) @ np.diff(edges)) if len(survival) else 0.0
            parts.append(self._exponential_tail(log_start, until_s - float(knots[-1])))
        at, log_f, width, still, gone, waited = (np.concatenate(column) for column in zip(*parts, strict=True))
        scale = float(log_f.max())
        mass = np.exp(log_f - scale) * width
        past_end = mass[at >= law.end_s].sum()  # no curve: end_s is NaN, and nothing lies past it
        weighted = (mass.sum(), mass @ still, mass @ gone, mass @ waited, past_end)
        return Integrals(scale, *(float(integral) for integral in weighted))

    def _steps(self, edges: Floats, survival: Floats) -> tuple[Floats, ...]:
        """Start, log f at its higher end, integral of f over it relative to that, and mean S, 1 - S, H of each step."""
        width = np.diff(edges)
        rise = self.drift(survival) * width
        log_f = np.r_[0.0, np.cumsum(rise)]
        fall = np.abs(rise)
        flat = exprel(-fall)  # integral over the unit step of exp(-fall * distance from the higher end)
        # First moment of the same, measured from the step's start: its higher end is the last one where f rises.
        safe = np.maximum(fall, 1.0)
        near = np.where(fall < 1, flat - _ramp(fall), (1 - (1 + safe) * np.exp(-safe)) / safe**2)
        first = np.where(rise > 0, _ramp(fall), near)
        area = np.r_[0.0, np.cumsum(survival * width)][:-1]
        waited = area + survival * width * first / flat
        return edges[:-1], np.maximum(log_f[:-1], log_f[1:]), width * flat, survival, 1 - survival, waited

    def _exponential_tail(self, log_start: float, span_s: float) -> tuple[Floats, ...]:
        """The same columns at the nodes of a quadrature over the part with a constant hazard (f is log-concave)."""
        law, hazard, last = self.law, self.law.hazard_per_s, float(self.law.survival[-1])
        slope, drain = float(self.drift(last)), self.agents / self.handle_time_s
        arrival_rate = self.load / self.handle_time_s

        def log_f(u: Floats | float) -> Floats:
            u = np.asarray(u, dtype=np.float64)
            return slope * u - arrival_rate * last * hazard * u**2 * _ramp(hazard * u)

        peak = math.log(self.load * last / self.agents) / hazard if slope > 0 else 0.0
        top = float(log_f(peak))
        # Steps double from a length over which f cannot yet be negligible: the range is at most twice too wide.
        right = _NEGLIGIBLE / drain
        while top - float(log_f(peak + right)) < _NEGLIGIBLE:
            right *= 2
        left = _NEGLIGIBLE / slope if slope > 0 else 0.0
        while left < peak and top - float(log_f(peak - left)) < _NEGLIGIBLE:
            left *= 2
        low, high = max(peak - left, 0.0), min(peak + right, span_s)
        # Even panels, and near the peak panels of the length on which the hazard bends the density.
        bends = peak + 0.5 / hazard * 2.0 ** np.arange(max(0, math.ceil(math.log2(right * hazard)) + 2))
        edges = np.unique(np.clip(np.r_[np.linspace(low, peak, 33), np.linspace(peak, high, 65), bends], low, high))
        if len(edges) < 2:  # the span ends before any weight begins
            edges = np.array([0.0, span_s])
        half = np.diff(edges)[:, None] / 2
        u = (edges[:-1, None] + half + half * _NODES).ravel()
        still = last * np.exp(-hazard * u)
        gone = (1 - last) - last * np.expm1(-hazard * u)
        waited = law.mean_waited_s(float(law.knots_s[-1])) + last * u * exprel(-hazard * u)
        return law.knots_s[-1] + u, log_start + log_f(u), (half * _WEIGHTS).ravel(), still, gone, waited


def _ramp(z: Floats) -> Floats:
    """Integral of (1 - s) exp(-z s) over 0 to 1, that is (z - 1 + exp(-z)) / z**2, for z >= 0, to the last digits."""
    safe = np.maximum(z, 1.0)
    return np.where(np.asarray(z) < 1, np.polyval(_RAMP_SERIES, np.minimum(z, 1.0)), (safe + np.expm1(-safe)) / safe**2)


def erlang_b(agents: int, load: float) -> float:
    """Share of arrivals that find all agents busy where nobody may wait (Erlang B).

    ``load`` is arrivals in one handle time (Erlang). The recursion adds and divides positive numbers only, so it keeps
    its digits and neither overflows nor depends on the size of the team.
    """
    blocked = 1.0
    for busy in range(1, agents + 1):
        blocked = load * blocked / (busy + load * blocked)
    return blocked


def positive(name: str, value: object) -> float:
    """``value`` as a float, if it is a finite number above 0; ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 < float(value) < math.inf:
        raise ValueError(f"{name} must be a finite number above 0; got {value!r}.")
    return float(value)
