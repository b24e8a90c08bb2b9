"""The backtest: what was is expected again, misses and skill by hand, and the bank's February from its January."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxresearch.contacts import load
from cxresearch.decisions import AT_WORK, IN_EFFECT, backtest
from cxresearch.decisions.backtest import _seen_over_mean, _spread, _team
from cxresearch.decisions.loss_curves import LONGEST_S, waiting_curve
from tests.decisions.conftest import contacts, month

COLUMNS = ["weekday", "hour", "days", "asked", "left", "expected", "lower80", "upper80", "lower95", "upper95"]


@pytest.fixture(scope="module")
def again(twice):
    return backtest(twice, channel="phone")


def test_a_period_that_comes_again_is_expected(twice, again):
    """The same loads and losses: by the hour all are expected, no rule is better, and nothing drifts beyond chance."""
    assert list(again.columns) == COLUMNS
    assert len(again) == 5 * 4
    assert again["days"].unique().tolist() == [4]
    assert again["asked"].sum() == twice.cells["contacts"].sum()
    by_hour = again.groupby("hour")[["left", "expected"]].sum()
    assert by_hour["expected"].to_numpy() == pytest.approx(by_hour["left"].to_numpy(), abs=1e-6)
    told = again.attrs
    assert told["skill"] == pytest.approx(0, abs=1e-6), "loads all alike: a share is as good"
    assert told["mean_miss"]["model"] == pytest.approx(told["mean_miss"]["hour mean"])
    assert told["expected_total"] == pytest.approx(told["left_total"])
    assert (told["days"], told["unscored"], told["team"]) == (20, 0, IN_EFFECT)


def test_intervals_hold_whole_contacts_and_widen(again):
    bounds = again[["lower95", "lower80", "upper80", "upper95"]].to_numpy()
    assert (np.diff(bounds, axis=1) >= 0).all()
    assert (bounds == np.round(bounds)).all()
    assert again["left"].between(again["lower95"], again["upper95"]).all()
    assert again.attrs["coverage95"] == 1


def test_the_week_before_is_seven_days_earlier(twice, again):
    by_day = pd.concat([log.asked(("day", "hour")) for log in (twice.previous, twice)]).set_index(["day", "hour"])[
        "left"
    ]
    now = by_day[by_day.index.get_level_values("day") >= "2026-02-02"]
    earlier = [by_day[(day - pd.Timedelta(days=7), hour)] for day, hour in now.index]
    assert again.attrs["mean_miss"]["last week"] == pytest.approx(np.abs(now - earlier).mean())
    shares = by_day[by_day.index.get_level_values("day") < "2026-02-02"].groupby("hour").mean()
    miss = np.abs(now - shares.loc[now.index.get_level_values("hour")].to_numpy()).mean()
    assert again.attrs["mean_miss"]["shares"] == pytest.approx(miss)


def test_more_who_ask_lose_more_than_in_proportion(twice):
    """As many again in every hour: the queue loses more than twice as many, which a share cannot know."""
    now = contacts(lambda day, hour: 60, start="2026-02-02", days=20, seed=3).assign(
        contact_id=lambda t: "n" + t["contact_id"]
    )
    before = contacts(lambda day, hour: 30, start="2026-01-05", days=20)
    told = backtest(month(pd.concat([before, now], ignore_index=True)), channel="phone").attrs
    assert told["expected_total"] > 1.2 * told["shares_total"]
    assert told["mean_miss"]["shares"] < told["mean_miss"]["model"], "a log whose share never moves is no queue"
    assert told["skill_upper"] < 0


def test_a_team_that_is_seen_to_shrink_loses_more():
    """Half as many agents in February: whoever counts them expects more losses."""
    frames = []
    for start, agents, name in (("2026-01-05", 4, "a"), ("2026-02-02", 2, "b")):
        one = contacts(lambda day, hour: 40, start=start, days=20, seed=agents)
        frames.append(
            one.assign(agent_key=[f"agent {n % agents}" for n in range(len(one))], contact_id=name + one["contact_id"])
        )
    told = backtest(month(pd.concat(frames, ignore_index=True)), channel="phone").attrs
    assert told["team"] == AT_WORK
    assert told["expected_total"] > 1.2 * told["shares_total"]
    blind = [one.assign(agent_key=None) for one in frames]
    told = backtest(month(pd.concat(blind, ignore_index=True)), channel="phone").attrs
    assert told["team"] == IN_EFFECT
    assert told["expected_total"] == pytest.approx(told["shares_total"], rel=0.01)


def test_hours_in_which_nobody_is_seen_at_work_are_not_known():
    """On one date all that is named ends at 11:00 sharp, and whoever answers from 11 to 12 h has no name."""
    frames = []
    for start, name in (("2026-01-05", "a"), ("2026-02-02", "b")):
        one = contacts(lambda day, hour: 40, start=start, days=20, seed=4)
        one = one.assign(agent_key=[f"agent {n % 3}" for n in range(len(one))], contact_id=name + one["contact_id"])
        first = one["opened_at"].dt.normalize() == pd.Timestamp(start)
        until = (first & (one["opened_at"].dt.hour == 10)).to_numpy()
        one.loc[first & (one["opened_at"].dt.hour >= 11), "agent_key"] = None
        to_eleven = (pd.Timestamp(start) + pd.Timedelta(hours=11) - one["opened_at"]).dt.total_seconds() - one["wait_s"]
        one.loc[until & one["handle_s"].notna(), "handle_s"] = to_eleven.clip(lower=0)
        frames.append(one)
    table = backtest(month(pd.concat(frames, ignore_index=True)), channel="phone")
    assert table.attrs["team"] == AT_WORK
    assert np.isfinite(table["expected"]).all()
    before, now = _seen_over_mean(np.array([[2.0], [0.0], [4.0]]), np.array([[0.0], [3.0]]))
    assert before.ravel().tolist() == pytest.approx([2 / 3, 1, 4 / 3])
    assert now.ravel().tolist() == [1, 1]


def test_dates_that_no_team_fits_tell_no_team():
    """Nobody on one date, on which as many ask as left on all: no team loses so few, and the search ends."""
    waits, left = np.zeros(LONGEST_S + 1), np.zeros(LONGEST_S + 1)
    waits[[20, 40]], left[20] = 50, 25
    curve = waiting_curve(waits, left)
    lost = _team(curve, [np.full(2, 50.0), np.full(1, 50.0)], [np.array([0.0, 1.0]), np.ones(1)], 180.0, 40.0)
    assert np.isnan(np.concatenate(lost)).all()


def cells(away_by_week: list[float]) -> pd.DataFrame:
    """Five days a week of one hour that expects 100, all days of a week away from it by the same."""
    days = pd.date_range("2026-01-05", periods=7 * len(away_by_week))
    days = days[days.day_of_week < 5]
    away = np.array(away_by_week)[(days - days[0]).days // 7]
    return pd.DataFrame({"day": days, "expected": 100.0, "left": 100 + away, "kind": 1, "hour": 9})


def test_what_drifts_from_week_to_week_is_worked_by_hand():
    """Weeks at +20, +20, -20, -20 %: pairs of one week 0.04 alike, those of others (4 - 8) / 12 of it."""
    found = _spread(cells([20, 20, -20, -20]))
    common = 0.04 + 0.04 / 3
    assert found["drift"] == pytest.approx(common * (4 * 16 + 2) / (4 * 5))
    assert _spread(cells([0, 0, 0, 0]))["drift"] == 0
    assert np.isnan(_spread(cells([20, -20]))["drift"])


def test_one_weekday_alone_tells_no_drift_and_no_interval():
    """No two dates of one week are beside each other; what is expected is told all the same."""
    every = contacts(lambda day, hour: 40, start="2026-01-05", days=40)
    mondays = month(every[every["opened_at"].dt.day_of_week == 0].reset_index(drop=True))
    table = backtest(mondays, channel="phone")
    assert np.isnan(table.attrs["drift"])
    assert table[["lower80", "upper95"]].isna().all(axis=None)
    assert table["expected"].gt(0).all()
    apart = cells([20, 20, -20, -20])
    assert np.isnan(_spread(apart.assign(kind=apart["day"].dt.day_of_week))["drift"])


def test_two_weeks_before_tell_no_interval():
    frames = [
        contacts(lambda day, hour: 40, start=start, days=9, seed=seed).assign(contact_id=lambda t, s=seed: f"{s}-" + t["contact_id"])
        for seed, start in enumerate(("2026-01-19", "2026-02-02"))
    ]  # fmt: skip
    table = backtest(month(pd.concat(frames, ignore_index=True)), channel="phone")
    assert table[["lower80", "upper95"]].isna().all(axis=None)
    assert np.isnan(table.attrs["coverage80"])
    assert np.isnan(table.attrs["drift"])


def test_a_period_in_which_nobody_left_has_its_losses_expected_too():
    before = contacts(lambda day, hour: 30, start="2026-01-05", days=20)
    now = contacts(lambda day, hour: 30, start="2026-02-02", days=20, left_share=0.0)
    now = now.assign(contact_id="n" + now["contact_id"])
    table = backtest(month(pd.concat([before, now])), channel="phone")
    assert table.attrs["left_total"] == 0 < table.attrs["expected_total"]
    nobody = before.assign(outcome="answered", handle_s=60.0)
    with pytest.raises(ValueError, match="nobody gave up in the queue in January 2026, so no team explains"):
        backtest(month(pd.concat([nobody, now])), channel="phone")


def test_without_a_period_before_nothing_is_expected(twice):
    with pytest.raises(ValueError, match="nothing before January 2026"):
        backtest(twice.previous, channel="phone")


def test_the_banks_february_from_its_january(shared):
    folder = shared / "data" / "anonymous-bank"
    february = load([folder / "january.txt.gz", folder / "february.txt.gz"]).period("1999-02")
    table = backtest(february, channel="phone")
    told = table.attrs
    assert (told["team"], told["days"], told["left_total"]) == (AT_WORK, 28, 3_963)
    assert told["shares_total"] == pytest.approx(3_083, abs=1)
    assert told["expected_total"] == pytest.approx(3_703, abs=2)
    # Told who was at work the model misses by a third less; without that by a twelfth.
    assert told["skill"] == pytest.approx(0.374, abs=0.005)
    assert told["skill_lower"] > 0.15
    assert told["skill_in_effect"] == pytest.approx(0.082, abs=0.005)
    misses = told["mean_miss"]
    assert misses["model"] < misses["shares"] < misses["hour mean"] < misses["last week"]
    assert told["coverage80"] == pytest.approx(0.8, abs=0.06)
    assert told["coverage95"] == pytest.approx(0.95, abs=0.04)
    assert table["left"].sum() == 3_963
