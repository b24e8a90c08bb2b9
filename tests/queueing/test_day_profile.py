"""The day's profile: closed hours, bots, experts and redials by hand, in balance, and against a simulated month."""

from __future__ import annotations

import heapq
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.queueing import (
    Target,
    UnstableQueueError,
    agents_needed,
    day_profile_table,
    day_total,
    queue_measures,
    staffing_table,
)

HOURS = np.arange(24)
# An evening peak at 20 to 21 h, after the team has gone home at 18 h.
EVENING = np.array([0] * 7 + [40, 60, 90, 100, 95, 90, 85, 85, 80, 75, 70, 80, 100, 140, 120, 60, 20])
DAY_TEAM = np.where((HOURS >= 8) & (HOURS < 18), 10, 0)


def day(arrivals: object = EVENING, agents: object = DAY_TEAM, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"hour": HOURS, "arrivals_per_h": arrivals, "agents": agents, **columns})


def curve(durations_s: list[float], survival: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"duration_s": durations_s, "survival": survival})


@st.composite
def days(draw: st.DrawFn) -> pd.DataFrame:
    arrivals = draw(st.lists(st.sampled_from([0, 1, 20, 150]), min_size=24, max_size=24).filter(any))
    agents = draw(st.lists(st.sampled_from([0, 0, 1, 8]), min_size=24, max_size=24))
    return day(arrivals, agents)


patiences = st.one_of(
    st.floats(5, 20_000), st.just(curve([0, 60, 900], [0.9, 0.4, 0.1])), st.just(curve([200, 4000], [0.5, 0]))
)


# --- worked by hand -----------------------------------------------------------------------------------------------


def test_an_open_hour_is_the_queue_of_that_hour():
    profile = day_profile_table(day(), patience=300.0, handle_time_s=240.0, within_s=30).set_index("hour")
    queue = queue_measures(arrivals_per_h=100, handle_time_s=240, agents=10, patience=300.0)
    row = profile.loc[10]
    assert row["state"] == "open"
    assert row["neglected_share"] == queue.probability_abandon
    assert row["answered_per_h"] == pytest.approx(100 * (1 - queue.probability_abandon))
    assert row["service_level"] == queue.service_level(30)
    for name in ("probability_wait", "mean_wait_s", "mean_queue", "occupancy"):
        assert row[name] == getattr(queue, name)


def test_the_hour_before_the_team_comes_keeps_who_is_patient_enough():
    profile = day_profile_table(day(), patience=300.0, handle_time_s=240.0).set_index("hour")
    # Tries come evenly over the hour, so the wait for the team is uniform over 0 to 3600 s.
    waiting = 300 / 3600 * (1 - math.exp(-3600 / 300))
    assert profile.loc[8, "carried_in_per_h"] == pytest.approx(40 * waiting, rel=1e-12)
    after = queue_measures(arrivals_per_h=60 + 40 * waiting, handle_time_s=240, agents=10, patience=300.0)
    assert profile.loc[8, "neglected_share"] == pytest.approx(after.probability_abandon, rel=1e-12)
    assert profile.loc[7, "state"] == "closed"
    assert profile.loc[7, "neglected_share"] == pytest.approx(1 - waiting * (1 - after.probability_abandon), rel=1e-12)
    # Mean of min(exponential, uniform), and the wait at the opening of those still there.
    at_door = 300 * (1 - 300 / 3600 * (1 - math.exp(-12)))
    assert profile.loc[7, "mean_wait_s"] == pytest.approx(at_door + waiting * after.mean_wait_s, rel=1e-12)
    assert profile.loc[7, ["probability_wait", "service_level"]].tolist() == [1, 0]
    # At 20 h the team is eleven hours and more away: everybody has left.
    assert profile.loc[20, "neglected_share"] == pytest.approx(1)
    assert profile.loc[20, "mean_wait_s"] == pytest.approx(300)


def test_the_night_is_counted_across_midnight():
    profile = day_profile_table(day(agents=np.where(HOURS == 1, 40, 0)), patience=1e5, handle_time_s=60.0)
    # The team is back at 1 h, the start of 23 h is two hours before that, that of 7 h eighteen.
    away_h = {hour: (1 - hour) % 24 for hour in range(24) if hour != 1}
    expected = sum(
        EVENING[hour] * 1e5 / 3600 * (math.exp(-(away - 1) * 0.036) - math.exp(-away * 0.036))
        for hour, away in away_h.items()
    )
    assert profile.loc[1, "carried_in_per_h"] == pytest.approx(expected, rel=1e-10)


def test_who_never_leaves_is_there_in_the_morning():
    profile = day_profile_table(day(agents=np.where(DAY_TEAM, 90, 0)), patience=None, handle_time_s=300.0)
    assert profile["neglected_per_h"].sum() == pytest.approx(0, abs=1e-9)
    assert profile.loc[8, "carried_in_per_h"] == pytest.approx(EVENING[18:].sum() + 40)
    # From the middle of the hour of 20 h to 8 h are 11.5 h.
    assert profile.loc[20, "mean_wait_s"] == pytest.approx(11.5 * 3600, rel=1e-2)


def test_an_hour_without_contacts_is_a_marked_gap():
    profile = day_profile_table(day(), patience=300.0, handle_time_s=240.0).set_index("hour")
    assert profile.loc[3, "state"] == "no contacts"
    gaps = ["probability_wait", "mean_wait_s", "service_level", "mean_queue", "occupancy", "neglected_share"]
    assert profile.loc[3, gaps].isna().all()
    assert profile.loc[3, ["answered_per_h", "neglected_per_h", "lost_per_h"]].tolist() == [0, 0, 0]


def test_nobody_is_ever_there():
    hours = day(agents=0)
    for patience in (300.0, None):
        profile = day_profile_table(hours, patience=patience, handle_time_s=240.0, redial_share=0.5)
        total = day_total(profile).iloc[0]
        # Each try fails, and half of them is made again: twice as many tries as people, and all are lost.
        assert total["attempts"] == pytest.approx(2 * EVENING.sum(), rel=1e-10)
        assert total["lost"] == pytest.approx(EVENING.sum(), rel=1e-10)
        assert total[["neglected_share", "lost_share", "neglected_when_closed_share"]].tolist() == pytest.approx(
            [1] * 3
        )
        assert profile["mean_wait_s"].isna().all()


def test_experts_are_agents_and_close_the_evening():
    experts = np.where((HOURS >= 18) & (HOURS <= 22), 12, 0)
    helped = day_profile_table(day(experts=experts), patience=300.0, handle_time_s=240.0)
    alone = day_profile_table(day(agents=DAY_TEAM + experts), patience=300.0, handle_time_s=240.0)
    same = [name for name in helped.columns if name not in ("agents", "experts")]
    pd.testing.assert_frame_equal(helped[same], alone[same])
    assert helped["agents"].tolist() == DAY_TEAM.tolist()
    assert helped["experts"].tolist() == experts.tolist()
    assert helped.loc[20, "neglected_share"] < 0.05


def test_what_a_bot_settles_never_reaches_the_queue():
    with_bot = day_profile_table(day(), patience=300.0, handle_time_s=240.0, contained_share=0.15)
    fewer = day_profile_table(day(EVENING * 0.85), patience=300.0, handle_time_s=240.0)
    for name in ("attempts_per_h", "neglected_per_h", "mean_wait_s", "occupancy"):
        np.testing.assert_allclose(with_bot[name], fewer[name], rtol=1e-12)
    np.testing.assert_allclose(with_bot["contained_per_h"], 0.15 * EVENING)
    assert with_bot.attrs["assumed"] == {
        "contained_share": 0.15,
        "redial_share": 0.0,
        "redial_delay_h": 1.0,
        "tail": "last_hazard",
    }


def test_patience_by_hour_is_used_in_its_hour():
    curves = pd.concat([curve([h * 10.0 + 10, 4000], [0.5, 0]).assign(hour=h) for h in range(7, 24)])
    profile = day_profile_table(day(), patience=curves, handle_time_s=240.0).set_index("hour")
    queue = queue_measures(arrivals_per_h=95, handle_time_s=240, agents=10, patience=curve([120, 4000], [0.5, 0]))
    assert profile.loc[11, "neglected_share"] == pytest.approx(queue.probability_abandon, rel=1e-13)
    with pytest.raises(ValueError, match="hour 9, but the patience curves have no row"):
        day_profile_table(day(), patience=curves[curves["hour"] != 9], handle_time_s=240.0)


def test_handle_time_may_differ_by_hour():
    times = np.where(HOURS < 12, 200.0, 300.0)
    profile = day_profile_table(day(handle_time_s=times), patience=300.0).set_index("hour")
    queue = queue_measures(arrivals_per_h=85, handle_time_s=300, agents=10, patience=300.0)
    assert profile.loc[13, "occupancy"] == pytest.approx(queue.occupancy, rel=1e-13)


# --- balance ------------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(days(), patiences, st.floats(0, 0.8), st.floats(0, 0.8), st.floats(0, 30))
def test_every_contact_is_contained_answered_or_lost(hours, patience, contained, redial, delay):
    profile = day_profile_table(
        hours,
        patience=patience,
        handle_time_s=300.0,
        contained_share=contained,
        redial_share=redial,
        redial_delay_h=delay,
    )
    total = day_total(profile).iloc[0]
    assert total["contained"] + total["answered"] + total["lost"] == pytest.approx(total["arrivals"], rel=1e-9)
    assert total["answered"] + total["neglected"] == pytest.approx(total["attempts"], rel=1e-12)
    np.testing.assert_allclose(
        profile["attempts_per_h"],
        profile["arrivals_per_h"] - profile["contained_per_h"] + profile["redials_per_h"],
        atol=1e-12,
    )
    shares = profile["neglected_share"].dropna()
    assert shares.between(0, 1).all()
    assert (profile["answered_per_h"] >= -1e-12).all()


@settings(max_examples=25)
@given(days(), patiences, st.floats(0.05, 0.8))
def test_redials_are_the_share_of_the_neglected_one_delay_before(hours, patience, share):
    profile = day_profile_table(hours, patience=patience, handle_time_s=300.0, redial_share=share, redial_delay_h=2.25)
    neglected = profile["neglected_per_h"].to_numpy()
    expected = share * (0.75 * np.roll(neglected, 2) + 0.25 * np.roll(neglected, 3))
    np.testing.assert_allclose(profile["redials_per_h"], expected, atol=1e-9 * neglected.sum())
    # The measures belong to the loads in the same table: a fixed point, not a last step before it.
    for row in profile[profile["state"] == "open"].itertuples():
        queue = queue_measures(
            arrivals_per_h=row.attempts_per_h + row.carried_in_per_h,
            handle_time_s=300,
            agents=row.agents,
            patience=patience,
        )
        assert row.occupancy == pytest.approx(queue.occupancy, rel=1e-9)


@settings(max_examples=20)
@given(days(), patiences, st.floats(0, 0.7), st.integers(0, 23))
def test_one_more_agent_never_adds_to_the_lost_of_an_open_day(hours, patience, redial, hour):
    open_all_day = hours.assign(agents=hours["agents"] + 1)
    more = open_all_day.assign(agents=open_all_day["agents"] + (hour == HOURS))
    lost = [
        day_total(day_profile_table(h, patience=patience, handle_time_s=300.0, redial_share=redial))["lost"].iloc[0]
        for h in (open_all_day, more)
    ]
    assert lost[1] <= lost[0] * (1 + 1e-9) + 1e-12


# --- staffing -----------------------------------------------------------------------------------------------------


def test_staffing_without_redials_is_the_need_of_each_hour():
    target = Target(service_level=0.8, within_s=20)
    table = staffing_table(day(), patience=300.0, handle_time_s=240.0, target=target, contained_share=0.1)
    for row in table.itertuples():
        if row.arrivals_per_h == 0:
            assert row.agents_needed == 0
            continue
        need = agents_needed(arrivals_per_h=0.9 * row.arrivals_per_h, handle_time_s=240, patience=300.0, target=target)
        assert row.agents_needed == need.agents
        assert row.neglected_share == pytest.approx(need.measures.probability_abandon)
        assert row.gap == need.agents - row.agents
    assert "lower" not in table
    unstaffed = staffing_table(
        day().drop(columns="agents"), patience=300.0, handle_time_s=240.0, target=target, contained_share=0.1
    )
    assert unstaffed["gap"].tolist() == table["agents_needed"].tolist()


@settings(max_examples=15)
@given(days(), patiences, st.floats(0.1, 0.8), st.floats(0.02, 0.5))
def test_staffing_with_redials_bears_the_redials_it_leaves(hours, patience, redial, abandon):
    table = staffing_table(
        hours, patience=patience, handle_time_s=300.0, target=Target(abandon=abandon), redial_share=redial
    )
    staffed = table[table["agents_needed"] > 0]
    assert staffed["hour"].tolist() == table.loc[table["arrivals_per_h"] > 0, "hour"].tolist()
    assert (staffed["neglected_share"] <= abandon).all()
    profile = day_profile_table(
        hours.assign(agents=table["agents_needed"]), patience=patience, handle_time_s=300.0, redial_share=redial
    )
    pd.testing.assert_series_equal(profile["neglected_share"], table["neglected_share"])
    # Few redials are left, so one agent fewer everywhere misses the target somewhere.
    fewer = day_profile_table(
        hours.assign(agents=(table["agents_needed"] - 2).clip(lower=0)),
        patience=patience,
        handle_time_s=300.0,
        redial_share=redial,
    )
    assert (fewer.loc[staffed.index, "neglected_share"] > abandon).any() or (staffed["agents_needed"] <= 1).all()


def test_staffing_carries_the_uncertainty_of_the_curve():
    replicates = [200.0, 260.0, 300.0, 340.0, 420.0]
    asked = {"handle_time_s": 240.0, "target": Target(mean_wait_s=25)}
    table = staffing_table(day(), patience=300.0, replicates=replicates, level=0.9, **asked)
    single = np.array([staffing_table(day(), patience=p, **asked)["agents_needed"] for p in replicates])
    assert table["lower"].tolist() == single.min(axis=0).tolist()
    assert table["upper"].tolist() == single.max(axis=0).tolist()
    assert (table["lower"] < table["upper"]).any()


# --- against a simulation -----------------------------------------------------------------------------------------


def simulate_days(
    hours: pd.DataFrame, patience_s: float, handle_time_s: float, redial: float, days: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Tries and neglected tries by hour of days in a row; the team finishes its calls and goes home at its hour."""
    team = int(hours["agents"].max())
    staffed = (hours["agents"] > 0).to_numpy()
    opens = 3600 * int(np.argmax(staffed))
    rate = np.repeat(hours["arrivals_per_h"].to_numpy()[None, :], days, axis=0).ravel()
    count = rng.poisson(rate)
    tries = np.sort(3600 * (np.repeat(np.arange(len(rate)), count) + rng.random(count.sum()))).tolist()
    free_at = [0.0] * team
    made, neglected = np.zeros(24), np.zeros(24)
    while tries:
        at = heapq.heappop(tries)
        start = max(at, free_at[0])
        if not staffed[int(start // 3600) % 24]:
            start = (start - opens) // 86_400 * 86_400 + opens + 86_400
        hour = int(at // 3600) % 24
        made[hour] += 1
        if start - at > rng.exponential(patience_s):
            neglected[hour] += 1
            if rng.random() < redial:
                heapq.heappush(tries, at + 3600)
        else:
            heapq.heapreplace(free_at, start + rng.exponential(handle_time_s))
    return made / days, neglected / made


def test_a_simulated_month_agrees_hour_by_hour():
    # All times short against the hour, as the approximation asks; redials one hour later.
    hours, days = day(np.maximum(EVENING, 12)), 90
    profile = day_profile_table(hours, patience=120.0, handle_time_s=240.0, redial_share=0.4)
    tries, share = simulate_days(hours, 120.0, 240.0, 0.4, days, np.random.default_rng(4))
    expected_tries, expected = profile["attempts_per_h"].to_numpy(), profile["neglected_share"].to_numpy()
    # Monte Carlo error (abandonments come in clumps: twice the binomial), and one point for the approximation.
    error = np.sqrt(expected * (1 - expected) / (expected_tries * days))
    assert (np.abs(share - expected) < 8 * error + 0.01).all()
    np.testing.assert_allclose(tries, expected_tries, rtol=0, atol=5 * np.sqrt(expected_tries.max() / days))


# --- bad input ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (day().drop(columns="arrivals_per_h"), "lacks arrivals_per_h"),
        (day().iloc[7:], r"lacks the hours \[0, 1, 2, 3, 4, 5, 6\]. Give an hour without contacts arrivals_per_h 0"),
        (pd.concat([day(), day().iloc[:1]]), "25 rows"),
        (day(np.where(HOURS == 9, np.nan, 5.0)), r"arrivals_per_h must be .* 1 of 24 hours: \[9\]"),
        (day(np.where(HOURS == 9, -5.0, 5.0)), "arrivals_per_h must be"),
        (day(0), "no hour has contacts"),
        (day(agents=-1), "agents must be"),
        (day(agents=1.5), "agents must be whole"),
        (day(experts=0.5), "experts must be whole"),
        (day(handle_time_s=100.0), "handle_time_s once"),
    ],
)
def test_a_bad_day_is_refused_in_words(hours, words):
    with pytest.raises(ValueError, match=words):
        day_profile_table(hours, patience=300.0, handle_time_s=240.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"contained_share": 1.0}, "contained_share must be a share from 0 to below 1"),
        ({"contained_share": -0.1}, "contained_share"),
        ({"redial_share": 1.0}, "redial_share"),
        ({"redial_share": math.nan}, "redial_share"),
        ({"redial_delay_h": -1}, "redial_delay_h"),
        ({"redial_delay_h": math.inf}, "redial_delay_h"),
        ({"handle_time_s": None}, "handle_time_s once"),
        ({"handle_time_s": 0}, "handle_time_s must be"),
        ({"within_s": 0}, "within_s"),
        ({"patience": -1.0}, "patience"),
    ],
)
def test_bad_assumptions_are_refused_in_words(change, words):
    with pytest.raises(ValueError, match=words):
        day_profile_table(day(), **({"patience": 300.0, "handle_time_s": 240.0} | change))


def test_an_unstable_hour_is_named():
    with pytest.raises(UnstableQueueError, match=r"hour 8: .* too much for 10 agent.*Erlang A"):
        day_profile_table(day(), patience=None, handle_time_s=240.0)


def test_rows_may_come_in_any_order():
    shuffled = day().sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(
        day_profile_table(shuffled, patience=300.0, handle_time_s=240.0),
        day_profile_table(day(), patience=300.0, handle_time_s=240.0),
    )
