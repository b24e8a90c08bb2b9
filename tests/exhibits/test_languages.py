"""Exhibits in another language than English: no English is left in anything that a reader sees."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch import exhibits
from cxresearch.contacts import PeriodLog
from cxresearch.decisions import Action
from cxresearch.exhibits import (
    BRIEF,
    DECISION,
    FIGURE,
    TABLE,
    actions,
    agents,
    change_table,
    full_days,
    headlines,
    lost,
    verdict,
    with_targets,
)
from cxresearch.exhibits import losses as losses_shown
from cxresearch.exhibits.changes import NOT_TOLD, NOTHING
from cxresearch.exhibits.full_days import hour_points
from cxresearch.exhibits.headlines import headline_table, undated_points, unusable_points
from cxresearch.exhibits.ranking import losses
from cxresearch.exhibits.verdict import queue_points, verdict_text
from tests.decisions.conftest import contacts, month
from tests.decisions.test_cost import two_months as months_of_customers
from tests.exhibits import test_actions, test_agents, test_talk
from tests.exhibits.languages import ENGLISH, english_left, texts
from tests.exhibits.odd_logs import NAME, plain_log
from tests.exhibits.test_full_days import PARTS, hours, queues
from tests.exhibits.test_headlines import february, log, some, uneven, weeks
from tests.exhibits.test_headlines import moved as moved  # a fixture
from tests.exhibits.test_ranking import ranks_of


@pytest.fixture(params=["pl", "id"])
def other(request, monkeypatch) -> str:
    """The language of the report."""
    monkeypatch.setenv("CXRESEARCH_LANGUAGE", request.param)
    return request.param


def english_in(*said: str) -> list[str]:
    return [text for text in said if ENGLISH.search(text)]


def two_months() -> PeriodLog:
    """January and a February in which more give up."""
    return weeks(lambda day: uneven(day) if day < 31 else uneven(day + 1), first="1999-01-01", days=59)


def test_headlines_and_their_changes(other):
    month = two_months()
    now = headline_table(month, channel="phone")
    moved = change_table(now, headline_table(month.previous, channel="phone"))
    judged = with_targets(moved, {"lost_share": 0.01, "service_level": 0.5, "queued_share": 0.5})
    shown = [
        headlines.headlines(judged, "x"), headlines.main_points(judged, "x"),
        headlines.change_overview(judged, now="y", before="x"), verdict.verdict(judged, None, (now, now), period="y", before="x"),
    ]  # fmt: skip
    found = [bundle for exhibit in shown for bundle in exhibit.bundles()]
    assert english_left(found) == []
    assert any("95%" in text for text in texts(found))


def test_every_reason_why_a_headline_has_no_interval_or_no_value(other):
    logs = [
        some([(5.0, "abandoned", 1)]), some([(100.0, "answered", 3)]), some([], at_once=3), weeks(uneven, days=3),
        weeks(lambda day: [(30.0 + day, "answered", True, 3)]), weeks(uneven, first="1999-01-01", days=34),
    ]  # fmt: skip
    for one in logs:
        table = headline_table(one, channel="phone")
        alone = change_table(table, None)
        assert english_in(*table["label"], *table["base"], *table["note"]) == []
        shown = [
            headlines.headlines(alone, "x"),
            headlines.main_points(alone, "x"),
            headlines.change_overview(alone, now="y", before="x"),
        ]
        assert english_left(bundle for exhibit in shown for bundle in exhibit.bundles()) == []
    few = change_table(table, headline_table(february(log()), channel="phone"))
    assert english_in(*few["note"]) == []


def test_every_way_to_say_a_change(other, moved):
    everything = [moved.assign(verdict=verdict, previous=previous) for verdict in (NOT_TOLD, NOTHING, "rose", "fell")
                  for previous in (0.1, math.nan)]  # fmt: skip
    for table in [*everything, moved]:
        exhibit = headlines.main_points(table, "x")
        assert english_left(exhibit.bundles()) == []
        assert english_left(headlines.change_overview(table, now="y", before="x").bundles()) == []


def test_rows_that_cannot_be_used(other):
    usable = pd.DataFrame({"outcome": ["abandoned", "answered", "open"], "kept": [50, 100, 5], "unusable": [50, 10, 1]})
    assert english_in(*sum(unusable_points(usable, "x") + undated_points({"read": 10, "undated": 5}), ())) == []


def test_who_loses_most(other):
    tables = [
        ([("a", 60, 200, False), ("b", 9, 300, True)], [("a", 60, 200, False), ("b", 9, 300, True)]),
        ([("a", 60, 600, False), ("b", 30, 100, True)], [("b", 30, 100, False), ("a", 60, 600, True)]),
        ([("a", 60, 600, False), ("b", 30, 100, True)], [("b", 30, 100, False), ("a", 60, 600, False)]),
        ([("a", 60, 600, False), ("b", 58, 200, False)], [("b", 58, 200, False), ("a", 60, 600, True)]),
        ([("a", 60, 600, False), ("b", 58, 500, False)], [("a", 60, 600, False), ("b", 58, 500, True)]),
        ([("a", 60, 600, False), ("b", 58, 500, False)], [("b", 58, 500, False), ("a", 60, 600, False)]),
        ([("a", 60, 600, False)], [("a", 60, 600, False)]), ([("a", 0, 600, False)], [("a", 0, 600, False)]), ([], []),
    ]  # fmt: skip
    said = [losses(ranks_of(*pair), lambda row: row["queue"], "queue") for pair in tables]
    assert len(set(said)) == len(tables)
    assert english_in(*said) == []


def test_the_two_pages(other):
    shown = [
        full_days.lost_by_hour_and_queue(hours(tied), PARTS, week="x", place="y") for tied in ((), (9,), (9, 10))
    ] + [full_days.lost_by_hour_and_queue(hours(days=days), PARTS, week="x") for days in (1, 4)] + [
        full_days.queues_by_period(queues(), before="x"), full_days.queues_by_period(queues(p_corrected=0.9), before="x"),
        full_days.queues_by_period(queues().iloc[:, :6], before=""), full_days.queues_by_period(queues(queued=9), before=""),
    ]  # fmt: skip
    found = [bundle for exhibit in shown for bundle in exhibit.bundles()]
    assert english_left(found) == []
    part = next(bundle[BRIEF] for bundle in found if bundle.get(BRIEF, {}).get("queues"))
    assert part["queues"][0] == "Orders", "a name from the log stays"
    assert part["queues"][1] != "All other queues"
    assert "Billing" in " ".join(texts(found))
    points = sum(hour_points(hours(), "x") + hour_points(hours(tied=(9,)), "x") + queue_points(queues(), "x"), ())
    assert english_in(*points) == []


@pytest.mark.parametrize("word", ["rose", "fell", NOT_TOLD, NOTHING])
@pytest.mark.parametrize("previous", [0.1, math.nan])
def test_the_verdict(other, word, previous):
    table = pd.DataFrame([{
        "name": "lost_share", "label": "Label", "value": 0.127, "previous": previous, "difference": 0.027, "verdict": word,
    }])  # fmt: skip
    said = [
        verdict_text(table, who, period="y", before="x")
        for who in (None, queues(), queues(difference=-0.1), queues(p_corrected=0.2))
    ]
    assert english_in(*said) == []


def test_the_bridge(other):
    frame = plain_log(4, outcome=["abandoned", "answered", "abandoned", "answered"], customer_key=["a", "a", None, "b"])
    frame["opened_at"] = ["2024-05-06 09:00", "2024-05-06 09:30", "2024-05-07 09:00", "2024-05-20 09:00"]
    month = cx.load(frame).period(NAME).only(channel="phone")
    bundles = list(cx.bridge(month).bundles())
    assert english_left(bundles) == []
    steps = next(bundle[BRIEF]["steps"] for bundle in bundles if BRIEF in bundle)
    assert [step["step"] for step in steps][2:4] == ["contacts (phone)", "asked"], "what code compares is English"
    rows = next(bundle[FIGURE]["table"]["rows"] for bundle in bundles if FIGURE in bundle)
    assert [row[0] for row in rows] == [step["said"] for step in steps]
    alone = cx.bridge(cx.load(plain_log(customer_key=None)).period(NAME))
    assert english_left(alone.bundles()) == []


@pytest.mark.parametrize("backtest", [None, {}, {"skill_in_effect": -0.14}, {"skill_in_effect": 0.0}, {"skill_in_effect": math.nan}, {"unscored": 1},
                                      {"unscored": 4}])  # fmt: skip
def test_what_to_do_first(other, backtest):
    told = None if backtest is None else test_actions.BACKTEST | backtest
    table = test_actions.weighed(backtest=told, currency="EUR").assign(assumed=["the queue model alone"] * 2)
    alone = test_actions.weighed(recommended=False, why="untested, there is no period before it", backtest=told)
    for one in (table, alone.assign(assumed="the queue model alone")):
        bundles = list(actions.action_box(one, before="x", place="y").bundles())
        assert english_left(bundles) == []
        record = next(bundle[DECISION] for bundle in bundles if DECISION in bundle)
        assert record["actions"][0]["action"] == "one more agent from 15 to 18 h", "what is kept is English"
        assert record["in_words"]["one more agent from 15 to 18 h"] != "one more agent from 15 to 18 h"
        assert english_in(*record["in_words"].values()) == []
    if told is not None:
        rows = pd.DataFrame({"weekday": [1], "hour": [9], "lower95": [1.0]})
        rows.attrs = told | {"skill": told["skill_in_effect"]}
        assert english_left(actions.backtest(rows, before="x").bundles()) == []


def test_every_usual_action_and_what_it_assumes(other):
    table = cx.action_box(month(contacts(lambda day, hour: 40, start="2026-02-02", days=20)), channel="phone").table
    told = [actions.action_in_words(name, table.attrs) for name in table["action"]]
    assert len(told) >= 4
    assert english_in(*told, *map(actions.assumed_in_words, table["assumed"])) == []
    assert actions.action_in_words("two of the best in the evening") == "two of the best in the evening", (
        "a name of somebody stays"
    )
    first = Action("Orders first", first="Orders")
    assert "first" not in actions.action_in_words("Orders first", {"actions": {"Orders first": first}})
    more = [
        "simulated: 3 more of Orders stay a day and 2 fewer of all others, who wait longer; the losses of today fit 'served last' best",
        "the queue model alone; from 3 to 5 h and from 7 to 9 h too few contacts tell a team, and nothing saved is counted",
        "that 12.5 % of first tries are settled, at all hours alike; what the bot costs is not in it",
    ]  # fmt: skip
    said = list(map(actions.assumed_in_words, more))
    assert english_in(*said) == []
    assert "Orders" in said[0]
    assert "12,5%" in said[2]


def test_a_trial(other):
    table = pd.DataFrame({"weeks": [2], "days_with": [5.0], "days_without": [5.0], "smallest_shown": [56.0]})
    for told in ({"weeks_needed": 10, "hours": (15, 18)}, {"weeks_needed": math.inf, "hours": None}):
        table.attrs = {"sd": 27.7, "left_per_day": 52.4, "power": 0.8, "level": 0.05} | told
        exhibit = actions.experiment(table, name="one of the usual", called="x", saved_per_day=24.1)
        assert english_left(exhibit.bundles()) == []


def test_a_larger_team(other):
    shown = [
        agents.agents_what_if(test_agents.saved(measured=measured, each=each)) for measured, each in ((True, 3), (False, 1))
    ] + [agents.worth_measuring(test_agents.measured(*tied, recommended=bool(tied)).assign(
        input=["patience", "handling times", "the team of each hour, told by the share lost"],
        how_to_measure="know the customer of every contact, also of who left",
    )) for tied in ((), ("patience",))]  # fmt: skip
    assert english_left(bundle for exhibit in shown for bundle in exhibit.bundles()) == []
    hours = pd.DataFrame(
        {"hour": [9], "asked_per_day": 9.0, "left_per_day": 3.0, "agents": 2.0, "more_agents": 1.0, "left_then": 2.0}
    )
    for action in (
        Action("x"),
        Action("x", shifts=((1.0, 9, 12),), contained_share=0.1),
        Action("x", contained_share=0.1),
    ):
        assert english_left(agents.moved_agents(hours, action).bundles()) == []


def test_what_it_cost(other):
    frame = contacts(lambda day, hour: 20, start="2026-02-02", days=19)
    known = frame.assign(customer_key=[f"k{n % 500}" for n in range(len(frame))])
    hidden = known.assign(customer_key=known["customer_key"].where(np.arange(len(frame)) % 3 > 0))
    for one in (known, hidden, frame.assign(customer_key=None), frame.assign(outcome="answered")):
        assert english_left(cx.period_cost(month(one), channel="phone").bundles()) == []
    for left in (0.3, 0.5):
        seen = month(months_of_customers(back_left=left, back_answered=0.5 if left == 0.5 else 0.7))
        assert english_left(cx.coming_back(seen, channel="phone").bundles()) == []
    assert english_in(*(lost._difference(pd.Series({"difference": 0.1, "lower": math.nan, "upper": 1.0})),)) == []


def test_losses_beside_hour_and_queue(other):
    table = pd.DataFrame({
        "term": ["hour", "queue"], "level": ["9", "a"], "reference": ["10", "b"], "odds_ratio": [2.0, 0.9], "lower": [1.5, 0.5],
        "upper": [2.5, 1.5], "p_value": [0.001, 0.5], "contacts": [100, 200], "told": [True, False],
    })  # fmt: skip
    table.attrs = {"left_out": 3, "formula": "left ~ hour", "contacts": 300, "days": 20}
    assert english_left(losses_shown.loss_regression(table).bundles()) == []
    none = table.assign(told=False)
    none.attrs = table.attrs | {"left_out": 0}
    assert english_left(losses_shown.loss_regression(none).bundles()) == []


def test_from_the_wait_to_the_bill(other):
    costs, values = test_talk.costs(), test_talk.VALUES
    promise = pd.DataFrame({"reply": ["just in time", "on average"], "complaint_share": [0.02, 0.1]})
    spans = pd.DataFrame(
        {"outcome": ["heard", "money_lost"], "value": [28.0, 69.0], "lower": [4.0, 8.0], "upper": [140.0, 238.0]}
    )
    labels = ["replies that do not help", "promised time to a reply"] * 2
    indices = {error: test_talk.indices(error).assign(label=labels) for error in (0.01, 0.1)}
    for error, table in indices.items():
        table.attrs = test_talk.indices(error).attrs
    per = {"contacts": 1000, "currency": "EUR"}
    shown = [
        exhibits.cost_by_reply_time(costs, values, **per), exhibits.cost_by_reply_time(costs.tail(1), values, **per),
        exhibits.complaints_set_off(costs), exhibits.complaints_set_off(costs.assign(complaints_waiting=0.0, complaints_after_reply=0.0)),
        exhibits.promise_on_average(promise, values), exhibits.promise_on_average(promise.assign(complaint_share=0.0), values),
        *(exhibits.unhelpful_against_none(test_talk.quality(*three), **per) for three in ((1.0, 6.0, 4.0), (-1.0, 6.0, 4.0), (0.0, 1.0, 0.0))),
        exhibits.complaint_fates(test_talk.impact.fate_table(values)), exhibits.talk_range(spans, **per, late_s=86_400.0),
        *(exhibits.worth_measuring_first(table, "heard", late_s=60.0) for table in indices.values()),
    ]  # fmt: skip
    assert english_left(bundle for exhibit in shown for bundle in exhibit.bundles()) == []
    register = exhibits.register_of_assumptions(test_talk.REGISTER)
    assert english_in(register.finding, register.caption) == []
    (bundle,) = register.bundles()
    assert english_in(*(row[0] for row in bundle[TABLE]["rows"])) == []
