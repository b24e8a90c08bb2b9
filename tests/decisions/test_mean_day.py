"""The mean day: its team is that of the queue model, its limits are known, and what is added never loses more."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch import queueing, survival
from cxresearch.decisions.days import Days, days_of
from cxresearch.decisions.mean_day import Room, left_if_hastier, load_spread, mean_day
from tests.decisions.conftest import contacts, month

ROOM = Room(most_contained=0.3, fewest=-2, most=3)


@pytest.fixture(scope="module")
def alike(twice) -> Days:
    return days_of(twice.previous)


@pytest.fixture(scope="module")
def hours(alike):
    return mean_day(alike, room=ROOM)


def test_the_team_is_the_one_in_effect(twice, alike, hours):
    """Days all alike do not differ by more than chance, so the team is that of ``queueing.agents_in_effect``."""
    before = twice.previous
    table = queueing.day_table(before.asked(("day", "weekday", "hour")), days=20)
    known = queueing.agents_in_effect(table, patience=survival.kaplan_meier(before.waits())).set_index("hour")
    assert load_spread(alike.asked, np.ones(20)) == 0
    assert sorted(hours) == [9, 10, 11, 12]
    for hour, one in hours.items():
        assert one.agents == pytest.approx(known.loc[hour, "agents"], abs=2e-3)
        assert one.left == known.loc[hour, "left"] / 20
        assert one.loses(1.0, one.agents) == pytest.approx(one.left, abs=1e-9)


def test_another_team_loses_what_the_queue_model_says(twice, hours):
    curve = survival.kaplan_meier(twice.previous.waits())
    one = hours[11]
    for extra in (-1.0, 1.0, 2.5):
        known = queueing.team_measures(arrivals_per_h=60, handle_time_s=180, agents=one.agents + extra, patience=curve)
        assert one.left_with(extra=extra, contained=0, redials=0) == pytest.approx(60 * known.share_left, abs=0.02)
    known = queueing.team_measures(arrivals_per_h=48, handle_time_s=180, agents=one.agents, patience=curve)
    assert one.left_with(extra=0, contained=0.2, redials=0) == pytest.approx(48 * known.share_left, abs=0.02)


def test_redials_are_a_fixed_point(hours):
    """With redials r and first tries f the loss x is that of f + r x contacts."""
    one = hours[11]
    left = one.left_with(extra=1, contained=0, redials=0.3)
    again = one.loses((60 - 0.3 * one.left + 0.3 * left) / 60, one.agents + 1)
    assert left == pytest.approx(again, abs=0.01)
    assert left < one.left_with(extra=1, contained=0, redials=0)


@given(
    extra=st.floats(-2, 3), more=st.floats(0, 1), contained=st.floats(0, 0.3), redials=st.floats(0, 0.5),
    hour=st.sampled_from([9, 11]),
)  # fmt: skip
def test_more_agents_never_save_less(hours, extra, more, contained, redials, hour):
    one = hours[hour]
    fewer, now = (one.left_with(extra=n, contained=contained, redials=redials) for n in (extra, min(extra + more, 3)))
    assert now <= fewer + 1e-9
    assert one.left_with(extra=0, contained=0, redials=redials) == one.left


def test_days_that_differ_have_a_spread_worked_by_hand():
    """Loads of 10 and 30, one each: mean 20, variance 200, 180 beyond chance, over 400."""
    assert load_spread(np.array([[10.0], [30.0]]), np.ones(2)) == pytest.approx(180 / 400)
    assert load_spread(np.array([[1.0], [3.0]]), np.ones(2)) == 0, "too few contacts to tell"


def test_a_spread_takes_more_agents_for_the_same_loss(alike):
    """The queue is convex in its load: with days that differ the team that loses as much is larger."""
    apart = np.tile([[0.5], [1.5]], (10, 1))
    spread = Days(alike.day, alike.weekday, alike.asked * apart, *alike._counts[1:])
    assert load_spread(spread.asked, np.ones(20)) > 0.2
    plain, wide = (mean_day(days, room=ROOM)[11] for days in (alike, spread))
    assert wide.left == plain.left
    assert wide.agents > plain.agents + 0.1


def test_weights_of_days_are_days_counted_so_often(alike):
    weights = np.arange(20) % 3.0
    repeated = np.repeat(np.arange(20), weights.astype(int))
    often = Days(alike.day[repeated], alike.weekday[repeated], *(part[repeated] for part in alike._counts))
    one, other = mean_day(alike, weights, room=ROOM)[11], mean_day(often, room=ROOM)[11]
    assert one.agents == pytest.approx(other.agents, abs=1e-6)


def test_nobody_left_is_half_a_contact_and_saves_next_to_nothing(alike):
    none = Days(alike.day, alike.weekday, alike.asked, np.zeros_like(alike.left), *alike._counts[2:])
    one = mean_day(none, room=ROOM)[11]
    assert one.left == 0.5 / 20
    assert one.left - one.left_with(extra=3, contained=0, redials=0) <= one.left


def test_who_gives_up_no_more_readily_is_lost_as_today_and_the_hastier_are_lost_more(alike, hours):
    today = sum(one.left for one in hours.values())
    lost = [left_if_hastier(alike, hours, factor) for factor in (0.5, 1.0, 1.5)]
    assert lost[1] == pytest.approx(today)
    assert lost[0] < lost[1] < lost[2]


def test_exponential_patience_twice_as_hasty_is_half_as_long():
    """Erlang A: the queue model of patience of half the mean."""
    rng = np.random.default_rng(3)
    frame = contacts(lambda day, hour: 200, start="2026-02-02", days=20, seed=4)
    patience, offered = rng.exponential(120, len(frame)), rng.exponential(60, len(frame))
    left = patience < offered
    frame = frame.assign(
        wait_s=np.round(np.minimum(patience, offered)), outcome=np.where(left, "abandoned", "answered"),
        handle_s=np.where(left, np.nan, 180.0),
    )  # fmt: skip
    days = days_of(month(frame))
    found = mean_day(days, room=ROOM)
    for one in found.values():
        expected = queueing.queue_measures(
            arrivals_per_h=one.asked, handle_time_s=180.0, agents=round(one.agents), patience=60.0
        )
        now = queueing.queue_measures(
            arrivals_per_h=one.asked, handle_time_s=180.0, agents=round(one.agents), patience=120.0
        )
        ratio = expected.probability_abandon / now.probability_abandon
        assert left_if_hastier(days, {11: one}, 2.0) / one.left == pytest.approx(ratio, rel=0.1)
