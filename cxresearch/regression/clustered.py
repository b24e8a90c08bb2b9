"""What each contact adds to the score of a Cox model, and what follows where contacts of one cluster hang together."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxresearch.regression.partial_likelihood import EventTimes, RiskSets, tied_sums
from cxresearch.risk_table import group_codes

Floats = NDArray[np.floating]
Integers = NDArray[np.int64]


class ClusterScores:
    """Scores of a fitted Cox model added up by cluster.

    ``cluster`` is the column of ``rows`` whose groups are independent; ``pattern``, ``contacts`` and ``events`` are of each
    row; ``half``: half of those censored in the tick of an event left before it. Raises ValueError for one cluster.
    """

    def __init__(
        self, sets: RiskSets, when: EventTimes, *, rows: pd.DataFrame, cluster: str, pattern: Integers, events: Floats,
        half: bool,
    ) -> None:  # fmt: skip
        self._sets, self._when, self._pattern, self._half = sets, when, pattern, half
        self._contacts, self._events = rows["contacts"].to_numpy(dtype=np.float64), events
        self._code, groups = group_codes(rows, (cluster,))
        self.number = len(groups)
        if self.number < 2:
            raise ValueError(
                f"all contacts have one {cluster}, {groups[cluster].iloc[0]}: how far its groups differ cannot be seen; "
                "use more of them, or leave cluster out."
            )

    def scores(self, design: Floats, predictor: Floats, ties: str, weights: Floats | None = None) -> Floats:
        """(clusters, columns); they add up to the score. ``weights`` (durations,) multiply each duration's part.

        A contact adds its covariates less their mean at risk where it leaves, and takes off the same, times the baseline
        hazard and its own, wherever it was at risk; Efron's ties as R's ``residuals(type = "score")`` spreads them.
        """
        hazard, when = np.exp(predictor), self._when
        _, s1, d1, sums = tied_sums(self._sets, design, hazard, ties)
        d, g = self._sets.tied[:, None], np.ones(len(s1)) if weights is None else weights
        first, second = (part[:, None] for part in (sums.a0, sums.a1))
        mean = (s1 * first - d1 * second) / d
        # Per duration: the baseline hazard and the same times the mean covariates; and, for one who leaves then, how
        # much less of both.
        step = np.column_stack([sums.a0, s1 * sums.b0[:, None] - d1 * sums.b1[:, None]]) * g[:, None]
        less = np.column_stack([sums.a1, s1 * sums.b1[:, None] - d1 * sums.b2[:, None]]) * g[:, None]
        # Running sums start anew in each stratum; place -1 is before its first event.
        run = np.vstack([np.zeros(step.shape[1]), pd.DataFrame(step).groupby(when.stratum).cumsum().to_numpy()])
        x, own = design[self._pattern], hazard[self._pattern]
        passed = self._contacts[:, None] * (run[when.leaves + 1] - run[when.enters + 1])
        if self._half:
            censored = np.where(when.tied, self._contacts - self._events, 0.0)
            passed -= (censored / 2)[:, None] * step[when.leaves]
        passed -= self._events[:, None] * less[when.leaves]
        leaving = (self._events * g[when.leaves])[:, None] * (x - mean[when.leaves])
        residuals = leaving - own[:, None] * (x * passed[:, :1] - passed[:, 1:])
        return np.column_stack([np.bincount(self._code, column) for column in residuals.T])
