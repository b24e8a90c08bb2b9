"""From the generating functions of a chain with several kinds of talk back to its size, with the error known."""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt
from scipy import fft

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complexfloating]

# A probability is given while its stated error is below this share of it, and is NaN beyond.
LARGEST_RELATIVE_ERROR = 1e-6
# What wraps around in the transform is about exp(-27) = 2e-12 of a value; the radius is set to make it so.
_WRAP_EXPONENT = 27.0
# exp(-650) = 1e-282: smaller probabilities are given as 0, as floating point would do a little later.
_UNDERFLOW_EXPONENT = 650.0


def transform_back(
    means: FloatArray, sizes: FloatArray, own: int, survival: float, max_size: int
) -> tuple[FloatArray, FloatArray, dict[str, float]]:
    """Law of the chain size begun by one teller of type ``own``.

    Parameters
    ----------
    means, sizes : mean numbers told (teller's type, type told) and dispersion of the teller's type. Every type can be
        reached from ``own``, which tells somebody.
    survival : probability that a chain begun by ``own`` never ends.

    Returns
    -------
    P(size = n), P(size > n) for n = 1 to ``max_size`` (NaN where the error could exceed a millionth of the value, 0
    below 1e-282), and what was done: ``relative_error`` (largest stated error of a value given), ``radius``,
    ``points``.

    The circle lies just inside the singularity. There the terms n P(size = n) radius^n fall slowly instead of
    exponentially, so that the far tail keeps its digits. They are taken from the derivative, and those of the tail
    n P(n < size < inf) from the derivative of its own generating function: a factor n less of rounding in each.
    """
    edge, looped = _log_edge(means, sizes)
    if not looped:
        edge, _ = _log_edge(means, sizes, largest=10.0)
    last = max_size if edge <= 0 else min(max_size, max(1, int(_UNDERFLOW_EXPONENT / edge)))
    points = fft.next_fast_len(max(3 * last, 256), real=True)
    wrap = _WRAP_EXPONENT
    if abs(edge * points - wrap) < 4:  # keep away from s = 1, where the function of the tail is 0 / 0
        wrap += 8
    log_radius = edge - wrap / points

    half, near, block = points // 2 + 1, 512, 8192
    slope, removed = np.empty((2, half), dtype=complex)
    disturbed = np.empty((2, half))
    # Rounding matters most beside the singularity; the few points there are solved in extended precision if there is.
    for first, end in itertools.pairwise(sorted({0, min(near, half), *range(near, half, block), half})):
        real: type[np.floating] = np.longdouble if first == 0 else np.float64
        angle = -8 * np.arctan(real(1)) * np.arange(first, end, dtype=real) / points
        s = np.exp(real(log_radius) + 1j * angle)
        T, W = _total_talk(s, means, sizes)
        slope[first:end] = W[own]
        removed[first:end] = (s * ((1 - survival) - T[own]) / (1 - s) - W[own]) / (1 - s)
        # What one rounding becomes in each of the two.
        gap, heard = np.abs(1 - s), np.abs(W[own])
        slope_error = 1 + heard * np.abs(W).max(axis=0) ** 2
        disturbed[0, first:end] = np.finfo(real).eps * slope_error
        disturbed[1, first:end] = np.finfo(real).eps * (slope_error / gap + (1 + heard) * np.abs(s) / gap**2)
    noise = 8 * np.sqrt(2 * (disturbed**2).sum(axis=1)) / points
    noise += 8 * np.finfo(float).eps * np.sqrt((np.abs([slope, removed]) ** 2).mean(axis=1) / points)

    size = np.arange(1, last + 1)
    shrink = np.exp(-log_radius * size) / size
    terms = fft.irfft(slope, points)[1 : last + 1]
    wrapped = _wrapped(np.maximum(terms, noise[0]), wrap, points)
    probability, error = terms * shrink, (wrapped + noise[0]) * shrink
    given = error <= LARGEST_RELATIVE_ERROR * probability
    final = int(np.flatnonzero(given).max(initial=0)) + 1
    tail_term = fft.irfft(removed, points)[final]
    tail, tail_error = tail_term * shrink[final - 1], (noise[1] + 1e-11 * abs(tail_term)) * shrink[final - 1]
    larger = survival + np.cumsum(np.concatenate([[tail], probability[final - 1 : 0 : -1]]))[::-1]
    larger_error = np.cumsum(np.concatenate([[tail_error], error[final - 1 : 0 : -1]]))[::-1]

    found, above = np.full((2, max_size), np.nan)
    found[last:], above[last:] = 0.0, survival
    found[:last][given] = probability[given]
    sure = larger_error <= LARGEST_RELATIVE_ERROR * larger
    above[:final][sure] = larger[sure]
    shares = np.concatenate([(error / probability)[given], (larger_error / larger)[sure], [0.0]])
    return found, above, {"relative_error": float(shares.max()), "radius": math.exp(log_radius), "points": points}


def _wrapped(terms: FloatArray, wrap: float, points: int) -> FloatArray:
    """What terms beyond the transform's length add to each of these: their power law, continued."""
    size = np.arange(1, terms.size + 1)
    flat = terms * np.exp(wrap * size / points)
    middle, quarter = terms.size // 2, terms.size // 4
    latest, earlier = flat[middle:].max(), flat[quarter : middle + 1].max()
    power = max(0.0, math.log2(latest / earlier))
    return 2 * latest * ((size + points) / terms.size) ** power * np.exp(-wrap * (size + points) / points)


def _log_edge(means: FloatArray, sizes: FloatArray, largest: float = 1e3) -> tuple[float, bool]:
    """Logarithm of the largest s at which the generating functions exist, and whether a loop of talk sets it.

    Talk without a loop has a pole or no edge at all; there the search ends where a function exceeds ``largest``.
    """
    loudest = 0.0

    def exists(log_s: float) -> bool:
        nonlocal loudest
        T = np.zeros(len(means))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for _ in range(200):
                told = means @ (1 - T)
                if (1 + told / sizes <= 0).any():
                    return False
                value = np.exp(log_s + np.where(np.isinf(sizes), -told, -_finite(sizes) * np.log1p(told / sizes)))
                slope = (value / (1 + told / sizes))[:, None] * means
                if not np.isfinite(slope).all():
                    return False
                # Below the edge Newton only rises; a fall, or a slope of 1 and more, means that nothing is there.
                step = np.linalg.solve(np.eye(len(means)) - slope, value - T)
                if not (step >= -1e-9 * (1 + T)).all() or (T + step > largest).any():
                    return False
                T = T + step
                if step.max() <= 1e-12 * T.max():
                    loudest = float(np.abs(np.linalg.eigvals(slope)).max())
                    return loudest < 1
        return False

    low, high = -1.0, 40.0
    while high - low > 1e-10:
        middle = (low + high) / 2
        if exists(middle):
            low = middle
        else:
            high = middle
    exists(low)
    return low, loudest > 0.99


def _finite(sizes: FloatArray) -> FloatArray:
    return np.where(np.isinf(sizes), 1.0, sizes)


def _log1p(z: ComplexArray) -> ComplexArray:
    """log(1 + z), accurate for small z (numpy's complex log1p is not)."""
    return 0.5 * np.log1p(z.real * (2 + z.real) + z.imag * z.imag) + 1j * np.arctan2(z.imag, 1 + z.real)


def _solve_each(a: ComplexArray, b: ComplexArray) -> ComplexArray:
    """Solve a x = b for arrays (types, types, points) and (types, right sides, points), one system a point.

    No pivoting: the identity less a matrix whose moduli have a spectral radius below 1 does not need it.
    """
    types = len(a)
    for p in range(types):
        for i in range(p + 1, types):
            factor = a[i, p] / a[p, p]
            a[i, p + 1 :] -= factor * a[p, p + 1 :]
            b[i] -= factor * b[p]
    for p in range(types - 1, -1, -1):
        for j in range(p + 1, types):
            b[p] -= a[p, j] * b[j]
        b[p] /= a[p, p]
    return b


def _total_talk(s: ComplexArray, means: FloatArray, sizes: FloatArray) -> tuple[ComplexArray, ComplexArray]:
    """Generating functions T_i(s) = s f_i(T(s)) of the chain size by root type, and their s T_i'(s).

    Newton from 0: its error at a complex s is at most its error at |s|, where it rises to the solution.
    """
    types = len(means)
    K, k = means.astype(s.real.dtype), _finite(sizes).astype(s.real.dtype)[:, None]
    poisson = np.isinf(sizes)
    T = np.zeros((types, s.size), dtype=s.dtype)
    settled = False
    while True:
        told = np.einsum("ij,jn->in", K, 1 - T)  # too small for the threads that @ would wake
        ratio = told / k
        exponent = -k * _log1p(ratio)
        exponent[poisson], ratio[poisson] = -told[poisson], 0
        value = s * np.exp(exponent)
        system = -(value / (1 + ratio))[:, None, :] * K[:, :, None]
        system[np.arange(types), np.arange(types)] += 1
        if settled:
            both = _solve_each(system, np.stack([value - T, T], axis=1))
            return T + both[:, 0], both[:, 1]
        step = _solve_each(system, (value - T)[:, None])[:, 0]
        T += step
        settled = bool(np.abs(step).max() < 1e-9)
