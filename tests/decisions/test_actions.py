"""Actions: what they save, what is refused, and the rule that may choose one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxresearch.contacts import load
from cxresearch.decisions import Action, ActionError, action_table
from cxresearch.decisions.actions import COLUMNS
from cxresearch.decisions.days import Days, Later, days_of
from cxresearch.decisions.mean_day import Hour
from cxresearch.decisions.proposals import (
    CONTAINED,
    DIAL_S,
    MODEL_ALONE,
    REACHED,
    best_block,
    blocks,
    not_counted,
    own_actions,
)
from cxresearch.decisions.weighing import MODEL_SD, REDIALS_ASSUMED, day_weights, redial_range
from cxresearch.impact import load_assumptions
from tests.decisions.conftest import contacts, month

EUR = {
    "agent_hour": {"value": 30, "currency": "EUR"},
    "contact": {"value": 12, "low": 5, "high": 40, "currency": "EUR"},
}


@pytest.fixture(autouse=True, scope="module")
def _few_draws():
    """How narrow an interval is does not matter here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cxresearch.decisions.weighing.DRAWS", 40)
        yield


@pytest.fixture(scope="module")
def table(twice):
    return action_table(twice, channel="phone")


def test_the_usual_actions(table):
    assert list(table.columns) == list(COLUMNS)
    assert table["action"].tolist() == [
        "one more agent from 9 to 12 h", "call back who is known and was not answered in 24 h", "promise the wait, and keep it",
        "a bot settles 10 %", "a bot settles 20 %",
    ], "no hour is so quiet that an agent moved away from it would save"  # fmt: skip
    assert table.attrs["days"] == 20
    assert table.attrs["weekdays"] == [1, 2, 3, 4, 5]
    assert table["lower"].le(table["saved_per_day"]).all()
    assert table["saved_per_day"].le(table["upper"]).all()
    assert table["value"].isna().all(), "there is no price of ours"
    promise = table.loc[2]
    assert promise["saved_per_day"] == pytest.approx(0, abs=1e-9)
    assert promise["lower"] < 0 < promise["upper"], "nobody knows which way"
    priced = table["agent_hours_per_day"] > 0
    assert table["break_even"].notna().equals(priced)
    assert table.loc[priced, "break_even"].to_numpy() == pytest.approx(
        (table["agent_hours_per_day"] / table["saved_per_day"])[priced].to_numpy()
    )
    assert table.loc[0, "assumed"] == MODEL_ALONE


def test_what_is_assumed_stands_in_the_register(table):
    rows = load_assumptions().set_index("name")
    for name, held in {
        "contained_share": CONTAINED,
        "reached_share": REACHED,
        "dial_s": DIAL_S,
        "redial_share_1h": REDIALS_ASSUMED,
    }.items():
        assert held == (rows.loc[name, "low"], rows.loc[name, "high"])
    assert rows.loc["model_error", "value"] == MODEL_SD
    low, high = rows.loc["reached_share", ["low", "high"]] * 100
    assert table.loc[1, "assumed"].startswith(f"{low:g} to {high:g} % are reached")


def test_the_same_log_gives_the_same_table(twice, table):
    pd.testing.assert_frame_equal(action_table(twice, channel="phone"), table)


def test_own_actions_are_those_weighed(twice):
    own = [
        {"name": "one", "agents": 1, "hours": [9, 13]}, {"name": "two", "agents": 2, "hours": [9, 13]},
        {"name": "half", "agents": 0.5, "hours": [9, 13]}, {"name": "Mondays", "agents": 1, "hours": [9, 13], "weekdays": [1]},
        {"name": "fewer", "agents": -1, "hours": [11, 12]}, {"name": "at night", "agents": 1, "hours": [20, 24]},
        {"name": "a small bot", "contained_share": 0.01}, Action("nothing", shifts=()),
    ]  # fmt: skip
    table = action_table(twice, channel="phone", actions=own).set_index("action")
    saved, hours = table["saved_per_day"], table["agent_hours_per_day"]
    assert table.index.tolist() == ["one", "two", "half", "Mondays", "fewer", "at night", "a small bot", "nothing"]
    assert 0 < saved["half"] < saved["one"] < saved["two"] < table["upper"].max()
    assert saved["Mondays"] == pytest.approx(saved["one"] / 5)
    assert saved["fewer"] < 0
    assert np.isnan(table.loc["fewer", "break_even"])
    assert (saved["at night"], saved["nothing"]) == (0, 0)
    assert table.loc["at night", "assumed"] == (
        f"{MODEL_ALONE}; from 20 to 24 h too few contacts tell a team, and nothing saved is counted"
    )
    assert set(table.loc[["one", "two", "half", "Mondays", "fewer", "nothing"], "assumed"]) == {MODEL_ALONE}
    assert hours.tolist() == pytest.approx([4, 8, 2, 0.8, -1, 4, 0, 0])
    assert 0 < saved["a small bot"] < table.attrs["left_per_day"]


def test_prices_are_the_users(twice, table):
    priced = action_table(twice, channel="phone", prices=EUR)
    assert priced.attrs["currency"] == "EUR"
    first = priced.iloc[0]
    assert first["value"] == pytest.approx(12 * first["saved_per_day"] - 90)
    assert first["value_lower"] == pytest.approx(5 * first["lower"] - 90)
    assert first["value_upper"] == pytest.approx(40 * first["upper"] - 90)
    pd.testing.assert_series_equal(priced["saved_per_day"], table["saved_per_day"])


@pytest.mark.parametrize(
    ("prices", "why"),
    [
        ({"agent_hour": {"value": 30, "currency": "EUR"}}, r"has no contact; write contact = \{value"),
        (30.0, r"\[prices\] is a table of agent_hour and contact; got 30.0"),
        ({**EUR, "customer": {}}, "a price of 'customer' is not known"),
        ({**EUR, "contact": 12}, "has a value and a currency"),
        ({**EUR, "contact": {"value": 12}}, "has a value and a currency"),
        ({**EUR, "contact": {"value": 12, "low": 20, "currency": "EUR"}}, "low <= value <= high"),
        ({**EUR, "contact": {"value": -1, "currency": "EUR"}}, "numbers from 0 on"),
        ({**EUR, "contact": {"value": 12, "currency": "USD"}}, "in one currency; got EUR and USD"),
    ],
)
def test_prices_that_are_none_are_refused(twice, prices, why):
    with pytest.raises(ActionError, match=why):
        action_table(twice, channel="phone", prices=prices)


@pytest.mark.parametrize(
    ("action", "why"),
    [
        ({"agents": 1, "hours": [9, 10]}, "needs a name"),
        ({"name": "a", "agent": 1}, "'agent' is unknown; an action has name, agents, hours"),
        ({"name": "a", "hours": [9, 10]}, r"write either agents = 2 and hours = \[18, 22\]"),
        ({"name": "a", "agents": 1, "contained_share": 0.1}, "write either"),
        ({"name": "a", "agents": 1}, r"hours are two whole hours .* got \[\]"),
        ({"name": "a", "agents": 1, "hours": [22, 18]}, "two whole hours"),
        ({"name": "a", "agents": 1, "hours": [9.5, 11]}, "two whole hours"),
        ({"name": "a", "agents": 0, "hours": [9, 10]}, "a number other than 0"),
        ({"name": "a", "agents": "two", "hours": [9, 10]}, "a number other than 0"),
        ({"name": "a", "contained_share": 0.6}, "above 0 and at most 0.5"),
        ({"name": "a", "agents": 1, "hours": [9, 10], "weekdays": [0]}, r"1 \(Monday\) to 7"),
        (
            {"name": "a", "agents": 1, "hours": [9, 10], "weekdays": [6]},
            r"weekday 6 is not fully open .* \[1, 2, 3, 4, 5\]",
        ),
    ],
)
def test_an_action_that_cannot_be_read_is_refused(twice, action, why):
    with pytest.raises(ActionError, match=why):
        action_table(twice, channel="phone", actions=[action])


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"name": "a", "agents": 1, "hours": [9, 10]}, r"actions are a list, each under its own \[\[actions\]\]"),
        ("a", r"actions are a list, each under its own \[\[actions\]\]: .* got 'a'"),
        (2, "actions are a list"),
        (["a"], r"an action is a table, as in \[\[actions\]\] name = .*; got 'a'"),
        ([{"name": "a", "agents": 1, "hours": [9, 10], "weekdays": 1}], r"weekdays = \[1, 2, 3\]; got 1"),
        ([{"name": "a", "agents": 1, "hours": [9, 10], "weekdays": ["a"]}], r"weekdays = \[1, 2, 3\]; got \['a'\]"),
        ([{"name": "a", "agents": 1, "hours": [9, 10], "weekdays": "12"}], "got '12'"),
        ([{"name": "a", "agents": 1, "hours": [9, 10], "weekdays": [True]}], "got .True"),
    ],
)
def test_what_is_no_list_of_actions_is_refused_with_what_to_write(given, why):
    with pytest.raises(ActionError, match=why):
        own_actions(given)


def test_hours_apart_that_tell_no_team_are_said_apart():
    one = Action("a", shifts=((1.0, 7, 10), (2.0, 12, 14)))
    hour = Hour(30, 3, 2, 0, 1, np.ones((2, 2)))
    assert not_counted(one, dict.fromkeys((8, 9), hour)) == (
        "; from 7 to 8 h and from 12 to 14 h too few contacts tell a team, and nothing saved is counted"
    )
    assert not_counted(Action("b", contained_share=0.1), {}) == ""


def test_two_actions_of_one_name_are_refused(twice):
    one = {"name": "a", "agents": 1, "hours": [9, 10]}
    with pytest.raises(ActionError, match="two actions have the name 'a'"):
        action_table(twice, channel="phone", actions=[one, one])
    with pytest.raises(ActionError, match=r"a share up to 0.5; got 0.7"):
        Action("b", contained_share=0.7)


# --- the rule ---------------------------------------------------------------------------------------------------------


def test_without_a_period_before_it_is_untested(twice):
    told = action_table(twice.previous, channel="phone")
    assert not told["recommended"].any()
    assert (told.attrs["recommended"], told.attrs["why"]) == (None, "untested, there is no period before it")


def test_the_rule_takes_the_most_an_agent_hour(twice):
    """The period before says the same, and the model did no worse than its shares: 1 from 11 to 12 h, the busiest."""
    own = [{"name": f"from {hour}", "agents": 1, "hours": [hour, hour + 1]} for hour in (9, 10, 11, 12)]
    table = action_table(twice, channel="phone", actions=[*own, {"name": "bot", "contained_share": 0.2}])
    told = table.attrs
    assert told["backtest"]["skill_in_effect"] == pytest.approx(0, abs=1e-6)
    per_hour = (table["saved_per_day"] / table["agent_hours_per_day"]).iloc[:4]
    assert told["recommended"] == table.loc[per_hour.idxmax(), "action"]
    assert table.loc[table["recommended"], "action"].tolist() == [told["recommended"]]
    assert told["before"]["saved_per_day"] == pytest.approx(per_hour.max(), rel=1e-4)


def test_a_model_that_lost_recommends_nothing():
    """A share that is the same at twice the load is no queue: the model misses more than last period's shares."""
    frames = [
        contacts(lambda day, hour, n=n: n, start=start, days=20, seed=n).assign(contact_id=lambda t, n=n: f"{n}-" + t["contact_id"])
        for n, start in ((30, "2026-01-05"), (60, "2026-02-02"))
    ]  # fmt: skip
    table = action_table(month(pd.concat(frames, ignore_index=True)), channel="phone")
    assert not table["recommended"].any()
    assert table.attrs["why"] == "the model missed more in February 2026 than the shares of January 2026"
    assert table["lower"].iloc[0] > 0


def test_few_days_tell_no_limits():
    few = contacts(lambda day, hour: 40, start="2026-02-02", days=4)
    table = action_table(month(few), channel="phone")
    assert table[["lower", "upper"]].isna().all(axis=None)
    assert table["saved_per_day"].iloc[0] > 0


def test_a_block_is_three_hours_in_a_row_that_tell_a_team():
    more = {8: 1.0, 9: 1.0, 10: 5.0, 12: 9.0, 13: 9.0}
    assert blocks(more) == [(8, 11)]
    assert best_block({**more, 11: 2.0}) == (11, 14)
    assert blocks({8: 1.0, 10: 1.0}) == [(8, 9), (10, 11)]


# --- how sure it is -----------------------------------------------------------------------------------------------


def test_weights_of_days_are_as_unsure_as_the_days(twice):
    """Their sum is the days, none is below 0, and a mean of days varies as its standard error says."""
    days = days_of(twice)
    left = np.zeros_like(days.left)
    left[:, 9] = 20 + (-1.0) ** np.arange(20)  # neighbouring days do not go together
    days = Days(days.day, days.weekday, days.asked, left, *days._counts[2:])
    weights = day_weights(days, 20_000, np.random.default_rng(1))
    assert weights.min() >= 0
    assert weights.sum(axis=1) == pytest.approx(np.full(20_000, 20))
    values = np.random.default_rng(2).standard_normal(20)
    assert (weights @ values / 20).std() == pytest.approx(values.std(ddof=1) / np.sqrt(20), rel=0.03)
    left[:, 9] = np.repeat([10.0, 30.0], 10)
    together = day_weights(days, 20_000, np.random.default_rng(1))
    assert (together @ values / 20).std() > 1.5 * (weights @ values / 20).std()


def test_redials_worked_by_hand():
    """Of 50 followed 20 came again, of 50 others 5: 0.3 more; of the 200 who left 100 are known."""
    counts = {
        "left": 200,
        "left_known": 100,
        "followed": 50,
        "again_1h": 20,
        "others_followed": 50,
        "others_again_1h": 5,
    }
    later = Later({name: np.array([float(n)]) for name, n in counts.items()}, np.zeros(1))
    found = redial_range(later, np.ones(1))
    assert found[:3] == pytest.approx((0.225, 0.15, 0.3))
    assert found.measured
    few = Later({**later.counts, "followed": np.array([29.0])}, np.zeros(1))
    for unknown in (few, None):
        assert redial_range(unknown, np.ones(1)) == (0.15, *REDIALS_ASSUMED, False)


def test_the_banks_february(shared):
    folder = shared / "data" / "anonymous-bank"
    february = load([folder / "january.txt.gz", folder / "february.txt.gz"]).period("1999-02")
    table = action_table(february, channel="phone")
    known = pd.read_csv(shared / "reference" / "decisions_actions_February.csv")
    # The reference drew its own days, and its bots left out who calls again.
    block, moved, back, first, promise, low, high = table["saved_per_day"]
    assert block == pytest.approx(known["saved"][1], rel=0.05)
    assert moved == pytest.approx(known["saved"][2], abs=0.5)
    assert back == pytest.approx(known["saved"][3], rel=0.02)
    assert first == pytest.approx(54 - 46, abs=8), "another simulation's, of which no interval is known"
    assert promise == pytest.approx(known["saved"][4], abs=1e-9)
    assert table.loc[4, ["lower", "upper"]].tolist() == pytest.approx(known.loc[4, ["lo", "hi"]].tolist(), abs=1.5)
    assert (low, high) == (pytest.approx(known["saved"][5], rel=0.1), pytest.approx(known["saved"][6], rel=0.1))
    assert table.loc[0, "action"] == "one more agent from 15 to 18 h"
    assert table.loc[1, "action"] == "one agent moved from 20 to 21 h to 16 to 17 h"
    assert table.loc[2, "agent_hours_per_day"] == pytest.approx(known["agent_h"][3], rel=0.02)
    told = table.attrs
    assert (told["days"], told["weekdays"], told["recommended"]) == (20, [1, 2, 3, 4, 7], table.loc[0, "action"])
    assert told["before"]["saved_per_day"] == pytest.approx(27.3, abs=1)
    assert (14, 17) in told["ties"]
    assert (15, 18) not in told["ties"]
