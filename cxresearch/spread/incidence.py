"""How talk grows over time, and what a reply still finds to change."""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxresearch.spread.memory_kernels import FloatArray, MemoryKernel

# Incidence is a polynomial on each panel, solved with two numbers of points; their difference is the stated error.
_ORDERS = (12, 16)
# A panel is halved while the last terms of its polynomial exceed this share of its values.
_RESOLUTION = 1e-9
_LARGEST_ERROR = 1e-8
# What has fallen below this share of its highest value so far is nothing: it is given as 0 and not resolved.
_NOTHING = 1e-40
_SMOOTH = "the kernel must be bounded, and smooth between its breaks_s."


def incidence_curve(
    kernel: MemoryKernel,
    reproduction_number: float,
    times_s: npt.ArrayLike,
    *,
    reply_s: float = math.inf,
    factor: float = 1.0,
) -> pd.DataFrame:
    """Expected growth over time of the talk that one post at time 0 sets off.

    Every post, the first and each retelling, is retold ``reproduction_number`` times on average, spread over time as
    the kernel says. From ``reply_s`` on, each retelling of any post happens ``factor`` times as often.

    Parameters
    ----------
    kernel : when retellings happen.
    reproduction_number : mean number of direct retellings of a post, >= 0. It may be 1 or more: over a finite time
        the expectation is finite.
    times_s : seconds after the first post, > 0.
    reply_s, factor : when the brand replies, >= 0, and what multiplies retelling from then on: below 1 a reply that
        calms, above 1 one that inflames.

    Returns
    -------
    DataFrame, one row a time, in the order given
        ``time_s``, ``tellers`` (expected number so far, the first post included), ``incidence_per_s`` (expected
        retellings per second; at a jump its value just before, and 0 once below 1e-40 of its peak). ``attrs["relative_error"]``: largest difference
        between two solutions of different order.

    The renewal equation i(t) = m(t) R (k(t) + integral of k(t - u) i(u) du) is solved by collocation on panels that
    end wherever i is not smooth and are halved until it is resolved; beyond an error of 1e-8 it is refused.
    Reference: Hawkes (1971), doi:10.1093/biomet/58.1.83 (the expectation needs no distribution of the counts).
    """
    times = np.atleast_1d(np.asarray(times_s, dtype=float))
    refused = ~((times > 0) & np.isfinite(times))
    if times.size == 0 or refused.any():
        raise ValueError(f"times_s must be finite and > 0; {refused.sum()} of {times.size} are not.")
    _check_reply(reproduction_number, factor)
    if not reply_s >= 0:
        raise ValueError(f"reply_s must be >= 0 (math.inf: no reply); got {reply_s}.")
    reply = (float(reply_s), float(factor))
    incidence, tellers, error = _solved(kernel, reproduction_number, reply, times)
    curve = pd.DataFrame({"time_s": times, "tellers": tellers, "incidence_per_s": incidence})
    curve.attrs["relative_error"] = error
    return curve


def reply_table(
    kernel: MemoryKernel, reproduction_number: float, *, reply_s: npt.ArrayLike, factor: float
) -> pd.DataFrame:
    """What is left to change when the brand replies at ``reply_s`` and later retelling is multiplied by ``factor``.

    Parameters
    ----------
    kernel, reproduction_number : as in ``incidence_curve``; ``factor`` times the reproduction number must be below 1.
    reply_s : seconds after the first post, one or several, >= 0; ``math.inf`` is no reply.
    factor : what multiplies every later retelling, >= 0; 0 silences the talk, which no reply can better.

    Returns
    -------
    DataFrame, one row a reply time
        ``reply_s``; ``post_share_gone`` (share of the direct retellings of the first post that have happened: what no
        reply can take back, so 1 less this bounds the mitigation of that post); ``chain_share_gone`` (the same of all
        retellings of the chain, later posts included, so never above it);
        ``tellers_before`` (expected so far); ``tellers`` (expected in the end); ``share_avoided`` (of the retellings
        expected without a reply; negative where the reply inflames). Shares of a chain of no retellings, or of
        infinitely many, are NaN.

    Exact given ``tellers_before``: with N tellers by then, R N - (N - 1) retellings are still to come without a reply,
    each the beginning of a chain of 1 / (1 - factor R).
    """
    _check_reply(reproduction_number, factor)
    moments = np.atleast_1d(np.asarray(reply_s, dtype=float))
    refused = ~(moments >= 0)
    if moments.size == 0 or refused.any():
        raise ValueError(f"reply_s must be >= 0; {refused.sum()} of {moments.size} are not.")
    R = reproduction_number
    if factor * R >= 1:
        raise ValueError(
            f"the expected number of tellers after the reply is infinite: factor times reproduction_number is "
            f"{factor * R:.6g}, not < 1. incidence_curve follows such talk over a finite time."
        )
    if R >= 1 and np.isinf(moments).any():
        raise ValueError(f"without a reply the expected number of tellers is infinite: reproduction_number is {R}.")
    without_reply = 1 / (1 - R) if R < 1 else math.inf
    before = np.where(moments > 0, without_reply, 1.0)
    between = (moments > 0) & np.isfinite(moments)
    if between.any():
        before[between] = incidence_curve(kernel, R, moments[between])["tellers"]
    # Nothing is left after an infinite time; rounding must not leave a little.
    left = np.where(np.isinf(moments), 0.0, R * before - (before - 1))
    tellers = before + factor * left / (1 - factor * R)
    retellings = without_reply - 1 if 0 < R < 1 else math.nan
    return pd.DataFrame(
        {
            "reply_s": moments,
            "post_share_gone": kernel.share_by(moments),
            "chain_share_gone": (before - 1) / retellings,
            "tellers_before": before,
            "tellers": tellers,
            "share_avoided": 1 - (tellers - 1) / retellings,
        }
    )


# --- the renewal equation -------------------------------------------------------------------------------------------


def _check_reply(reproduction_number: float, factor: float) -> None:
    if not (0 <= reproduction_number < math.inf and 0 <= factor < math.inf):
        raise ValueError(
            f"need a finite reproduction_number >= 0 and factor >= 0; got {reproduction_number}, {factor}."
        )


def _edges(kernel: MemoryKernel, reply_s: float, horizon_s: float, *, echoes: int = 4) -> FloatArray:
    """Ends of the panels: from each place where incidence is not smooth, panels that double in length."""
    # A break of the kernel comes back, weaker each time, at its multiples and that long after the reply.
    origins = {0.0, reply_s}
    for b in kernel.breaks_s:
        origins |= {origin + times * b for origin in (0.0, reply_s) for times in range(1, echoes + 1)}
    doubling = kernel.scale_s * 2.0 ** np.arange(0, max(1, math.ceil(math.log2(horizon_s / kernel.scale_s) + 1)))
    # Panels that double from 0 are fine enough again at twice the origin.
    steps = {origin: doubling[doubling < (origin or math.inf)] for origin in origins if origin < horizon_s}
    edges = np.unique(np.concatenate([origin + np.append(0.0, step) for origin, step in steps.items()]))
    edges = edges[edges < horizon_s]
    # Two edges closer than rounding are one.
    return np.append(edges[np.diff(edges, append=np.inf) > 1e-9 * kernel.scale_s], horizon_s)


@functools.cache
def _gauss(order: int) -> tuple[FloatArray, FloatArray]:
    return np.polynomial.legendre.leggauss(order)


def _resolved(values: FloatArray, highest: FloatArray | float) -> npt.NDArray[np.bool_]:
    """Whether a polynomial through the values at Gauss points (last axis) is the function, or the values are nothing."""
    order = values.shape[-1]
    gauss, weight = _gauss(order)
    legendre = np.polynomial.legendre.legvander(gauss, order - 1) * weight[:, None] * (np.arange(order) + 0.5)
    last, height = np.abs(values @ legendre[:, -2:]).max(axis=-1), np.abs(values).max(axis=-1)
    return (last <= _RESOLUTION * height) | (height <= _NOTHING * np.maximum(highest, height))


def _lags(kernel: MemoryKernel, horizon_s: float) -> FloatArray:
    """Ends of panels on which the kernel's density is a polynomial."""
    lags, (gauss, _) = _edges(kernel, math.inf, horizon_s, echoes=1), _gauss(_ORDERS[0])
    for _ in range(14):
        density = kernel.density_per_s(lags[:-1, None] + np.diff(lags)[:, None] * (gauss + 1) / 2)
        middle = (lags[1:] + lags[:-1]) / 2
        lags = np.sort(np.concatenate([lags, middle[~_resolved(density, density.max())]]))
    return lags


def _solved(
    kernel: MemoryKernel, reproduction_number: float, reply: tuple[float, float], times: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """Incidence and tellers at the times, and the difference between two orders relative to the values."""
    horizon = float(times.max())
    lags = _lags(kernel, horizon)

    def collocate(ends: FloatArray, order: int, *, halve: bool) -> tuple[FloatArray, FloatArray]:
        """Panels and incidence at their Gauss points, one panel after the other, each halved until it is resolved."""
        edges, incidence, reach = ends[:1], np.empty((0, order)), math.inf
        for end in ends[1:]:
            while edges[-1] < end:
                m = reproduction_number * (reply[1] if edges[-1] >= reply[0] else 1.0)
                high, failed = min(float(end), edges[-1] + reach), False
                while True:
                    values = _next_panel(kernel, m, np.append(edges, high), lags, incidence)
                    if not np.isfinite(values).all():
                        raise ValueError(
                            f"talk expected up to {horizon:.6g} s exceeds what a number can hold; ask for a shorter time "
                            "or a lower reproduction_number."
                        )
                    if not halve or _resolved(values, incidence.max(initial=0.0)):
                        break
                    high, failed = (edges[-1] + high) / 2, True
                    if high - edges[-1] < 1e-9 * kernel.scale_s:
                        raise ValueError(f"the growth of talk cannot be followed at {high:.6g} s; {_SMOOTH}")
                if halve:  # the next panel starts from the length that served here: failed attempts cost as much
                    reach = (1 if failed else 4) * (high - edges[-1])
                edges, incidence = np.append(edges, high), np.vstack([incidence, values])
        return edges, incidence

    edges, solution = collocate(_edges(kernel, reply[0], horizon), _ORDERS[0], halve=True)
    coarse = _read(edges, solution, times)
    fine = _read(*collocate(edges, _ORDERS[1], halve=False), times)
    with np.errstate(all="ignore"):
        error = float(np.nanmax(np.abs(coarse / fine - 1), initial=0.0))
    if error > _LARGEST_ERROR:
        raise ValueError(f"the growth of talk up to {horizon:.6g} s is known to {error:.1e} only; {_SMOOTH}")
    return fine[0], fine[1], error


def _basis(order: int, x: FloatArray) -> FloatArray:
    """Lagrange polynomials through the Gauss points of a panel, at x in -1 to 1: one more axis, the points."""
    gauss, weight = _gauss(order)
    apart = x[..., None] - gauss
    hit = apart == 0
    terms = (-1.0) ** np.arange(order) * np.sqrt((1 - gauss**2) * weight) / np.where(hit, 1.0, apart)
    terms = np.where(hit.any(axis=-1, keepdims=True), hit, terms)
    return terms / terms.sum(axis=-1, keepdims=True)


def _next_panel(
    kernel: MemoryKernel, m: float, edges: FloatArray, lags: FloatArray, incidence: FloatArray
) -> FloatArray:
    """Incidence at the Gauss points of the last panel, from that on all panels before it."""
    order, number = incidence.shape[1], len(incidence)
    gauss, weight = _gauss(order)
    low, length = edges[:-1], np.diff(edges)
    times = low[-1] + length[-1] * (gauss + 1) / 2
    # The integral of k(t - u) i(u) du in pieces on which both are smooth: from panel to panel of i, and of k looking
    # back from t. Pieces of no width, where k would look back past 0, weigh nothing.
    back = np.maximum(times[:, None] - lags[: np.searchsorted(lags, times[-1]) + 1], 0.0)
    cuts = np.sort(np.concatenate([np.broadcast_to(low, (order, low.size)), back], axis=1))
    width = np.diff(cuts)
    u = cuts[:, :-1, None] + width[..., None] * (gauss + 1) / 2
    panel = np.minimum(np.searchsorted(edges, u[..., order // 2], side="right") - 1, number)
    pieces = (width[..., None] * weight / 2) * kernel.density_per_s(times[:, None, None] - u)
    # On a piece that is a whole panel the points are the panel's own; only the others need interpolation.
    cut = (width > 0) & (width < length[panel])
    x = 2 * (u[cut] - low[panel[cut], None]) / length[panel[cut], None] - 1
    pieces[cut] = np.matmul(pieces[cut][:, None, :], _basis(order, x))[:, 0]

    own = (panel == number)[..., None]
    past = np.where(own, 0.0, pieces * np.vstack([incidence, np.zeros(order)])[panel]).sum(axis=(1, 2))
    system = np.eye(order) - m * np.where(own, pieces, 0.0).sum(axis=1)
    return np.linalg.solve(system, m * (kernel.density_per_s(times) + past))


def _read(edges: FloatArray, incidence: FloatArray, times: FloatArray) -> FloatArray:
    """Incidence and tellers at the times, from the polynomials on the panels."""
    order = incidence.shape[1]
    gauss, weight = _gauss(order)
    low, length = edges[:-1], np.diff(edges)
    told = np.concatenate([[0.0], np.cumsum((incidence * weight).sum(axis=1) * length / 2)])
    # A time on an edge belongs to the panel before it, so that a jump shows the value it comes from.
    panel = np.clip(np.searchsorted(edges, times, side="left") - 1, 0, low.size - 1)
    x = 2 * (times - low[panel]) / length[panel] - 1
    at = np.einsum("tn,tn->t", _basis(order, x), incidence[panel])
    at[at < _NOTHING * np.maximum.accumulate(incidence.max(axis=1))[panel]] = 0.0
    before = _basis(order, (x[:, None] + 1) / 2 * (gauss + 1) - 1)
    within = np.einsum("q,tqn,tn->t", weight, before, incidence[panel])
    return np.stack([at, 1 + told[panel] + within * (x + 1) / 2 * length[panel] / 2])
