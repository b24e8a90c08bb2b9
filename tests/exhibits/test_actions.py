"""What to do first, and how the model did: what the exhibits say of tables worked by hand, and of a log."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.decisions import RULE, ActionError
from cxresearch.exhibits import DECISION, TABLE, actions
from tests.exhibits.odd_logs import NAME, plain_log

BACKTEST = {
    "skill": 0.3, "skill_lower": 0.1, "skill_upper": 0.45, "skill_in_effect": 0.08, "skill_in_effect_lower": -0.14,
    "skill_in_effect_upper": 0.26, "mean_miss": {"model": 3.5, "shares": 5.0, "hour mean": 6.0, "last week": 7.0},
    "expected_total": 900.4, "left_total": 950, "shares_total": 700.0, "coverage80": 0.8, "coverage95": 0.94, "drift": 0.07,
    "team": "at work", "days": 20, "unscored": 0,
}  # fmt: skip


def weighed(*, recommended: bool = True, **told: object) -> pd.DataFrame:
    table = pd.DataFrame({
        "action": ["one more agent from 15 to 18 h", "a bot settles 10 %"], "agent_hours_per_day": [3.0, 0.0],
        "saved_per_day": [24.0, 60.0], "lower": [16.0, 50.0], "upper": [32.0, 70.0], "break_even": [0.125, math.nan],
        "value": [198.0, 720.0], "value_lower": [-10.0, 250.0], "value_upper": [1190.0, 2800.0],
        "assumed": ["the queue model alone", "much"], "recommended": [recommended, False],
    })  # fmt: skip
    attrs = {
        "rule": RULE, "days": 20, "weekdays": [1, 2, 3, 4, 7], "left_per_day": 190.0, "ties": [(8, 11), (14, 17)], "currency": "",
        "redials": {"share": 0.25, "lower": 0.16, "upper": 0.35, "measured": True}, "backtest": BACKTEST,
        "recommended": "one more agent from 15 to 18 h" if recommended else None, "why": "it saves most an agent hour",
        "before": {"saved_per_day": 27.0, "lower": 14.0, "upper": 37.0},
    }  # fmt: skip
    table.attrs = attrs | told
    return table


def test_the_box_says_what_first_and_what_it_rests_on():
    exhibit = actions.action_box(weighed(), before="January", place="phone")
    assert exhibit.finding == (
        "First: one more agent from 15 to 18 h. By the queue model it would save 24 contacts a day (16 to 32) of 190 lost, "
        "8 an agent hour"
    )
    assert "worth more than 0.125 agent hours (7.5 min)" in exhibit.says
    assert "as far as days tell, from 8 to 11 and 14 to 17 h" in exhibit.says
    assert "In January it would have saved 27 (14 to 37)" in exhibit.says
    assert "Skill by date and hour: 8.0 % (95 % interval −14.0 to 26.0 %)" in exhibit.says
    assert "while the team stays as it was" in exhibit.says
    assert "one of the 20 on which the log is fully open (Sunday to Thursday)" in exhibit.says
    assert (
        "16.0 % to 35.0 % of those who leave are taken to call again within the hour because of it. It is measured: by so much "
        "more often they do than those who were answered. That leaving is the cause is ASSUMED."
    ) in exhibit.says
    assert list(exhibit.shown.columns)[-1] == "assumed"
    assert "value" not in exhibit.shown, "there is no price of ours"
    assert list(exhibit.bundles())


def test_the_decision_is_recorded_beside_the_table():
    bundles = list(actions.action_box(weighed(), before="January").bundles())
    record = next(bundle[DECISION] for bundle in bundles if DECISION in bundle)
    assert TABLE in next(bundle for bundle in bundles if DECISION in bundle)
    assert record == json.loads(json.dumps(record, allow_nan=False)), "JSON as it stands"
    assert [row["action"] for row in record["actions"]] == ["one more agent from 15 to 18 h", "a bot settles 10 %"]
    assert record["actions"][1]["break_even"] is None
    assert record["recommended"] == record["actions"][0]
    assert (record["backtest"]["skill_in_effect"], record["backtest"]["skill_in_effect_lower"]) == (0.08, -0.14)
    assert record["assumed"] == ["much", "the queue model alone"]
    none = actions.action_box(weighed(recommended=False, why="untested", backtest=None, before=None))
    record = next(bundle[DECISION] for bundle in none.bundles() if DECISION in bundle)
    assert (record["recommended"], record["why"], record["backtest"]) == (None, "untested", None)
    (bundle,) = actions.no_decision("What to do first cannot be said: no handle_s").bundles()
    assert bundle[DECISION]["actions"] == []
    assert bundle["text/markdown"] == "What to do first cannot be said: no handle_s."


def test_a_trial_says_how_long():
    table = pd.DataFrame(
        {"weeks": [2, 4], "days_with": [5.0, 10.0], "days_without": [5.0, 10.0], "smallest_shown": [56.0, 37.0]}
    )
    table.attrs = {"weeks_needed": 10, "sd": 27.7, "left_per_day": 52.4, "power": 0.8, "level": 0.05, "hours": (15, 18)}
    exhibit = actions.experiment(table, name="one more", saved_per_day=24.1)
    assert (
        exhibit.finding
        == "A trial of 'one more' would show a saving of 24.1 a day in 10 weeks, every second one with it"
    )
    assert "losses from 15 to 18 h, 52.4 a day now" in exhibit.says
    table.attrs |= {"weeks_needed": math.inf, "hours": None}
    exhibit = actions.experiment(table, name="one more", saved_per_day=0.1)
    assert "not even in a year" in exhibit.finding
    assert "of the whole day" in exhibit.says


def test_prices_bring_a_value():
    exhibit = actions.action_box(weighed(currency="EUR"), before="January")
    assert {"value", "value_lower", "value_upper"} <= set(exhibit.shown.columns)
    assert "Value: EUR a day at the prices given" in exhibit.says


def test_where_nothing_is_recommended_it_says_why():
    table = weighed(recommended=False, why="untested, there is no period before it", backtest=None, before=None)
    table.attrs["redials"] = {"share": 0.15, "lower": 0.0, "upper": 0.3, "measured": False}
    exhibit = actions.action_box(table)
    assert exhibit.finding == "No action is recommended: untested, there is no period before it"
    assert "Skill" not in exhibit.says
    assert "That share is ASSUMED, as the log does not tell." in exhibit.says
    assert len(exhibit.shown) == 2


def test_the_backtest_says_what_was_told_and_what_came():
    rows = pd.DataFrame({"weekday": [1], "hour": [9], "lower95": [1.0]})
    rows.attrs = BACKTEST
    exhibit = actions.backtest(rows, before="January")
    assert (
        exhibit.finding == "Told how many asked and who was at work, the model of January expects 900 losses; 950 came"
    )
    assert "Skill by date and hour: 30.0 % (95 % interval 10.0 to 45.0 %)" in exhibit.says
    assert "80.0 % are inside their 80 % interval, 94.0 % inside that of 95 %" in exhibit.says
    assert "it misses 30.0 % less than the share lost in the same hour of January does" in exhibit.says
    assert "Without knowing who was at work the skill is 8.0 %." in exhibit.says
    assert "most of" not in exhibit.says, "what a model misses is not explained by what one more column told"
    assert "not scored" not in exhibit.says
    assert exhibit.shown["mean_miss"].tolist() == [3.5, 5, 6, 7]
    blind = rows.assign(lower95=np.nan)
    blind.attrs = BACKTEST | {"team": "in effect"}
    exhibit = actions.backtest(blind, before="January")
    assert exhibit.finding.startswith("Told how many asked, the model")
    assert "inside" not in exhibit.says


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"skill_in_effect": -0.14}, "Skill by date and hour: −14.0 % (95 % interval −14.0 to 26.0 %), that is, it misses 14.0 % more than the share"),
        ({"skill_in_effect": 0.0001}, "that is, it misses as much as the share"),
        ({"skill_in_effect": math.nan}, "Skill cannot be told: the share lost in the same hour of January missed nothing."),
        ({"unscored": 1}, "1 date is not scored, as January has none of its weekday."),
        ({"unscored": 4}, "4 dates are not scored, as January has none of their weekday."),
    ],
)  # fmt: skip
def test_skill_is_said_with_its_sign_and_what_was_not_scored(told, said):
    assert said in actions.action_box(weighed(backtest=BACKTEST | told), before="January").says
    rows = pd.DataFrame({"weekday": [1], "hour": [9], "lower95": [1.0]})
    rows.attrs = BACKTEST | {name.removesuffix("_in_effect"): value for name, value in told.items()}
    assert (
        said.removeprefix("Skill by date and hour: −14.0 % (95 % interval −14.0 to 26.0 %)")
        in actions.backtest(rows, before="January").says
    )


def test_one_share_is_said_once():
    redials = {"share": 0.342, "lower": 0.342, "upper": 0.342, "measured": True}
    says = actions.action_box(weighed(redials=redials), before="January").says
    assert "34.2 % of those who leave are taken" in says
    assert says.count("34.2 %") == 1


def test_a_log_that_says_nothing_says_so_and_an_action_that_cannot_be_read_is_refused():
    alone = cx.load(plain_log()).period(NAME)
    assert cx.backtest(alone, channel="phone").finding.startswith(
        "How the model did cannot be said: there is nothing before"
    )
    assert "no hour with thirty contacts" in cx.action_box(alone, channel="phone").finding
    with pytest.raises(ActionError, match="needs a name"):
        cx.action_box(alone, channel="phone", actions=[{}])
