"""What would settle it: agreement with the formula of two means, and limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from cxresearch.decisions import Action, experiment
from tests.decisions.conftest import contacts, month

BLOCK = Action("one more", shifts=((1.0, 10, 12),))


@pytest.fixture(scope="module")
def noisy():
    rng = np.random.default_rng(5)
    load = {day: rng.uniform(30, 60) for day in range(40)}
    return month(contacts(lambda day, hour: int(load[day.day]), start="2026-02-02", days=20))


def test_it_is_the_difference_of_two_means_that_so_many_days_show(noisy):
    table = experiment(noisy, channel="phone", action=BLOCK, saved_per_day=5.0)
    assert table["weeks"].tolist() == [2, 4, 8, 13, 26, 52]
    row = table[table["weeks"] == 52].iloc[0]
    # With many days Student's t is nearly normal: (1.96 + 0.84) sd sqrt(2 / n).
    rough = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) * table.attrs["sd"] * math.sqrt(2 / row["days_with"])
    assert row["smallest_shown"] == pytest.approx(rough, rel=0.02)
    assert table["smallest_shown"].is_monotonic_decreasing
    assert table.attrs["hours"] == (10, 12)


def test_a_larger_saving_needs_fewer_weeks_and_none_is_never_seen(noisy):
    weeks = [
        experiment(noisy, channel="phone", action=BLOCK, saved_per_day=s).attrs["weeks_needed"] for s in (1e-9, 3, 1e6)
    ]
    assert weeks[0] == math.inf
    assert weeks[2] == 2
    assert weeks[1] >= weeks[2]


def test_an_action_of_the_whole_day_counts_the_whole_day(noisy):
    part = experiment(noisy, channel="phone", action=BLOCK, saved_per_day=5.0).attrs
    whole = experiment(noisy, channel="phone", action=Action("bot", contained_share=0.1), saved_per_day=5.0).attrs
    assert whole["hours"] is None
    assert whole["left_per_day"] > part["left_per_day"]


def test_few_days_are_refused():
    few = month(contacts(lambda day, hour: 60, start="2026-02-02", days=9))
    with pytest.raises(ValueError, match="9 days on which February 2026 is fully open tell too little"):
        experiment(few, channel="phone", action=BLOCK, saved_per_day=5.0)
