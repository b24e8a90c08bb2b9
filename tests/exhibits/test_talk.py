"""Exhibits of talk and of what it costs: findings worked by hand, the page's columns, and odd data that says so."""

from __future__ import annotations

import math

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from cxresearch import exhibits, impact
from cxresearch.exhibits import Exhibit, show
from tests.exhibits.languages import english_left

mpl.use("Agg")
REGISTER = impact.load_assumptions()
VALUES = impact.assumption_values(REGISTER)
TIMES = [900.0, 7200.0]
MOMENTS = {"15 min": 900.0, "2 h": 7200.0}


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def shown(exhibit: Exhibit) -> list[dict]:
    return list(exhibit.bundles())


def prose(exhibit: Exhibit) -> str:
    return "\n".join(bundle.get("text/markdown", "") for bundle in shown(exhibit))


def figure(exhibit: Exhibit) -> dict:
    (bundle,) = shown(exhibit)
    content = bundle[show.FIGURE]
    assert content["finding"] == exhibit.finding
    return content


def cells(content: dict, label: str) -> list[str]:
    place = [column["label"] for column in content["columns"]].index(label)
    return [row[place] for row in content["rows"]]


# Who hears --------------------------------------------------------------------------------------------------------

REACH = pd.DataFrame({"kind": impact.TALK_KINDS, "first_tellings": [0.5, 0.1, 0.1, 0.1], "heard_first": [10.0, 1, 1, 1],
                      "tellings": [0.6, 0.1, 0.2, 0.3], "heard": [12.0, 1, 2, 3]})  # fmt: skip


def test_the_register_is_counted_by_kind():
    said = prose(exhibits.numbers_used(pd.DataFrame({"kind": ["quoted", "quoted", "assumed"]})))
    assert said.startswith(
        "The model uses 3 numbers: 2 are quoted from surveys, 0 come from studies, and 1 are assumed."
    )


def test_tellings_are_named_as_the_register_names_them():
    (bundle,) = shown(exhibits.tellings_by_channel(impact.telling_table(VALUES), REGISTER))
    content = bundle[show.TABLE]
    assert content["kind"] == "assumed", "two reports of one study differ on review sites"
    quoted = exhibits.tellings_by_channel(impact.telling_table(VALUES), REGISTER.assign(kind="quoted"))
    assert quoted.kind == "quoted"
    assert content["rows"][0] == ["tellers who tell offline", "Face to face, by phone", "82.0 %", "68.9 %"]
    assert content["rows"][-1][1] == "to the company"


def test_hearers_are_added_up_by_side():
    content = figure(exhibits.hearers(REACH))
    assert content["finding"] == "One complaint is heard by 18 people: 12 in town, 6 on the net"
    assert content["description"].startswith("Face to face, by phone: 12; E-mail to friends: 1")
    assert cells(content["table"], "Heard") == ["12", "1", "2", "3"]
    silent = exhibits.hearers(REACH.assign(heard=0.0))
    assert prose(silent) == "Nobody tells anybody, so nobody hears of a complaint."


def test_the_louder_side_is_the_one_that_more_people_hear():
    assert prose(exhibits.louder_side(REACH, VALUES)).startswith(
        "**82.0 % tell offline and 58.0 % online, and the town is heard by more, too.**"
    )
    loud_net = prose(exhibits.louder_side(REACH.assign(heard_first=[1.0, 2, 3, 4]), VALUES | {"audience_public": 7.0}))
    assert "yet the net is heard by more" in loud_net
    assert "read one review (7) or see one post (100)" in loud_net


HEARING = pd.DataFrame({"kind": ["offline"] * 3 + ["social"] * 3, "time_s": [60.0, 3600.0, 86_400.0] * 2,
                        "heard": [1.0, 9.0, 10.0, 1.0, 2.0, 5.0]})  # fmt: skip
LIVES = pd.DataFrame({"kind": ["offline", "offline", "social", "social"], "share": [0.5, 0.9] * 2,
                      "time_s": [900.0, 3600.0, 7200.0, 172_800.0]})  # fmt: skip


def test_talk_lasts_until_nine_in_ten_have_heard():
    content = figure(exhibits.lasting_talk(HEARING, LIVES))
    assert content["finding"] == "The town has heard within 1 h; the net is still telling after 1 day"
    assert content["table"]["rows"] == [
        ["Face to face, by phone", "15 min", "1 h"],
        ["Social posts", "2 h", "2 days"],
    ]
    assert content["description"] == "Face to face, by phone: 15 min; Social posts: 2 h"
    nobody = HEARING.assign(heard=HEARING["heard"].where(HEARING["kind"] == "social", 0.0))
    assert exhibits.lasting_talk(nobody, LIVES).finding.startswith("Nobody in town hears; the net is still telling")


# What a reply finds -----------------------------------------------------------------------------------------------

EFFECTS = pd.DataFrame({"reply": ["helpful"] * 2 + ["unhelpful"] * 2, "reply_s": TIMES * 2,
                        "post_share_gone": [0.37, 0.611] * 2, "chain_share_gone": [0.28, 0.52] * 2,
                        "tellers_before": 1.1, "tellers": [1.3, 1.34, 1.6, 1.5],
                        "share_avoided": [0.304, 0.205, -0.35, -0.24]})  # fmt: skip


def test_a_reply_is_too_late_for_what_is_gone():
    over_time = impact.reply_effects(VALUES, [60.0, 900.0, 86_400.0])
    exhibit = exhibits.reply_still_finds(EFFECTS, over_time)
    content = figure(exhibit)
    assert content["finding"] == "Retellings that a reply comes too late for: 37.0 % after 15 min and 61.1 % after 2 h"
    assert cells(content["table"], "Share avoided") == ["30.4 %", "20.5 %", "−35.0 %", "−24.0 %"]
    lines = exhibit.plot().lines
    assert [line.get_xdata()[0] for line in lines[2:]] == TIMES  # the replies compared are marked
    helpful = over_time[over_time["reply"] == "helpful"]
    assert lines[0].get_ydata().tolist() == helpful["post_share_gone"].tolist()


def test_a_helpful_reply_spares_less_the_later_it_comes():
    growth = impact.growth_table(VALUES, reply_s={**MOMENTS, "never": math.inf}, times_s=[60.0, 86_400.0])
    exhibit = exhibits.reply_spares(growth, EFFECTS)
    assert exhibit.finding == "A helpful reply after 15 min spares 30.4 % of the retellings, after 2 h 20.5 %"
    assert exhibit.plot().get_ylim()[0] == 1  # the first post is always there
    content = figure(exhibit)
    assert content["table"] is None
    assert [part.split(":")[0] for part in content["description"].split("; ")] == ["15 min", "2 h", "never"]


def test_without_retelling_there_is_nothing_for_a_reply():
    mute = VALUES | {"retellings_social": 0.0}
    effects = impact.reply_effects(mute, TIMES)
    assert "finds nothing to change" in prose(exhibits.reply_still_finds(effects, effects))
    growth = impact.growth_table(mute, reply_s=MOMENTS, times_s=[60.0])
    assert "spares nothing" in prose(exhibits.reply_spares(growth, effects))


# The tail ---------------------------------------------------------------------------------------------------------


def test_the_tail_says_how_often_nobody_tells_on_and_how_far_the_worst_goes():
    storms, tails = impact.storm_table(VALUES, one_in=1000, max_size=64)
    content = figure(exhibits.complaint_tail(storms, tails, tails, one_in=1000))
    assert content["finding"] == "87.1 % of social posts are passed on by nobody; one in 1,000 goes beyond 21 tellings"
    assert content["table"]["caption"] == "The worst in 1,000 tellings, by how the first one was made"
    assert cells(content["table"], "Storm tellings")[-1] == "21"
    assert "Endless" not in [column["label"] for column in content["table"]["columns"]]
    assert prose(exhibits.tail_at_worst(storms, one_in=1000)).endswith("one in 1,000 goes beyond 21 tellings.")


def test_storms_beyond_every_size_looked_at_are_said():
    storms, tails = impact.storm_table(VALUES, one_in=1000, max_size=8)
    assert exhibits.complaint_tail(storms, tails, tails, one_in=1000).finding.endswith(
        "goes beyond every size looked at"
    )
    assert prose(exhibits.tail_at_worst(storms, one_in=1000)).endswith("goes beyond every size looked at.")


MEASURED = pd.DataFrame({"name": ["retellings_social", "dispersion_social"], "label": ["retold", "how unevenly"],
                         "estimate": [0.683, 6.1], "lower": [0.666, 3.4], "upper": [0.7, math.inf],
                         "assumed": [0.3, 0.1], "low": [0.05, 0.02], "high": [0.7, 6.0], "note": ""})  # fmt: skip


def test_cascades_of_ones_own_stand_beside_what_was_assumed():
    MEASURED.attrs = {"observations": 3333, "data": "chain sizes"}
    words, table = shown(exhibits.retellings_measured(MEASURED))
    assert words["text/markdown"].startswith(
        "**Counted in 3,333 finished cascades, a post is passed on 0.683 times on average (0.666 to 0.700); 0.300 is assumed.**"
    )
    content = table[show.TABLE]
    assert content["kind"] == "estimated"
    assert cells(content, "Upper") == ["0.700", "∞"]
    assert "Note" not in [column["label"] for column in content["columns"]]
    open_end = MEASURED.assign(note=["", "Poisson cannot be excluded"])
    open_end.attrs = {"observations": 12, "data": "direct retellings"}
    words, table = shown(exhibits.retellings_measured(open_end))
    assert words["text/markdown"].endswith("0.300 is assumed.**")  # direct counts need no chain to end
    assert words["text/markdown"].startswith("**Counted in 12 posts")
    assert cells(table[show.TABLE], "Note") == ["", "Poisson cannot be excluded"]


def test_without_cascades_it_says_what_would_be_needed():
    said = prose(exhibits.retellings_measured(MEASURED.head(0)))
    assert all(f"`{word}`" in said for word in ("cascades_file", "chain_size", "cascade", "retellings"))


def reached(**changes) -> pd.DataFrame:
    row = {"people": 20_000, "mean_ties": 10.0, "probability": 0.03, "runs": 2000, "mean_reach": 3.0,
           "unconnected_reach": 1.5, "one_in": 1000, "reach_at_worst": 167.2}  # fmt: skip
    return pd.DataFrame([row | changes])


SWEEP = pd.DataFrame({"probability": np.linspace(0.01, 0.1, 11), "mean_largest_share": np.linspace(0, 1, 11),
                      "mean_reach": np.linspace(1, 99, 11)})  # fmt: skip


def test_talk_on_a_network_against_talk_without_one():
    made = exhibits.talk_on_network(SWEEP, reached(), network_file="", kind="SIMULATED")
    content = figure(made)
    assert content["finding"] == "Hubs carry talk 2 times as far as the same telling without a network"
    assert content["subtitle"] == "A generated network: 20,000 people, 10 contacts each on average; dotted: assumed"
    assert content["kind"] == "SIMULATED"
    assert cells(content["table"], "Probability") == ["1.0 %", "5.5 %", "10.0 %"]
    own = exhibits.talk_on_network(SWEEP, reached(mean_reach=0.75), network_file="here/mine.csv", kind="assumed")
    assert own.subtitle.startswith("mine.csv: ")
    assert "talk goes 0.500 times as far as without one" in own.finding
    same = exhibits.talk_on_network(SWEEP, reached(mean_reach=1.5), network_file="", kind="SIMULATED")
    assert same.finding == "On this network talk goes as far as without one"
    none = exhibits.talk_on_network(SWEEP, reached(probability=0.0), network_file="", kind="SIMULATED")
    assert "nothing travels on a network" in prose(none)


def test_complaints_let_loose_are_counted():
    assert prose(exhibits.reach_on_network(reached())) == (
        "At the assumed probability a complaint reaches 3 people on average here (2,000 simulated complaints), against "
        "1.50 where nobody has more contacts than others; one in 1,000 reaches more than 167."
    )


# From the wait to the bill ----------------------------------------------------------------------------------------


def costs(values=VALUES) -> pd.DataFrame:
    return impact.impact_table(values, impact.reply_scenarios(MOMENTS), contacts=1000)


def test_contacts_cost_by_when_they_are_answered():
    table = costs().assign(heard=[8398.2, 8820.0, 36_900.0])
    content = figure(exhibits.cost_by_reply_time(table, VALUES, contacts=1000, currency="EUR"))
    assert content["finding"] == (
        "1,000 contacts answered after 15 min are heard of by 8,400 people, after 2 h by 8,820, never answered by 36,900"
    )
    assert content["subtitle"].endswith("38.0 % of replies do not help")
    assert "money (EUR)" in content["table"]["caption"]
    assert cells(content["table"], "Heard") == ["8,400", "8,820", "36,900"]  # a title rounds as its table does
    never = exhibits.cost_by_reply_time(table.tail(1), VALUES, contacts=1000, currency="EUR")
    assert "nothing to compare" in prose(never)


def test_what_sets_complaints_off_is_told_of_the_fastest_reply():
    table = costs().assign(complaints_waiting=[1.0, 50.0, 60.0], complaints_after_reply=[3.0, 2.0, 0.0])
    assert prose(exhibits.complaints_set_off(table)) == (
        "Answered after 15 min, 75.0 % of the complaints are set off by a reply that does not help, and 25.0 % by the wait."
    )
    assert "Nobody complains" in prose(exhibits.complaints_set_off(costs(VALUES | {"behaviour_per_intent": 0.0})))


def test_a_mean_is_no_promise():
    promise = pd.DataFrame({"reply": ["just in time", "on average"], "complaint_share": [0.02, 0.1]})
    said = prose(exhibits.promise_on_average(promise, VALUES))
    assert said.startswith("## A reply within 2 h is not a reply in 2 h on average: the second brings 5 times as many")
    assert "2.0 % have become complaints" in said
    assert said.endswith("complaints are begun 20 times as fast.")
    patient = VALUES | {"complaint_hazard_before_per_h": 0.0}
    assert "nothing to compare" in prose(exhibits.promise_on_average(impact.promise_table(patient), patient))


def quality(helpful: float, unhelpful: float, none: float) -> pd.DataFrame:
    table = impact.quality_table(VALUES, {**MOMENTS, "1 day": 86_400.0}, contacts=1000)
    return table.assign(money_lost=[helpful, unhelpful, none] * 3)


def test_the_middle_time_leads_the_comparison_with_silence():
    content = figure(exhibits.unhelpful_against_none(quality(1.0, 6.0, 4.0), contacts=1000, currency="EUR"))
    assert content["finding"] == (
        "After 2 h an unhelpful reply costs 1.50 times what silence costs, a helpful one 25.0 % of it"
    )
    assert content["description"] == "helpful: 1; unhelpful: 6; none: 4"
    assert len(content["table"]["rows"]) == 9


def test_silence_that_costs_nothing_and_replies_that_earn_are_said():
    free = exhibits.unhelpful_against_none(quality(0.0, 1.0, 0.0), contacts=1, currency="EUR")
    assert free.finding == "Where silence costs nothing there is nothing to compare"
    earns = exhibits.unhelpful_against_none(quality(-1.0, 6.0, 4.0), contacts=1, currency="EUR")
    assert earns.finding.endswith("a helpful one nothing")


def test_fates_are_shares_and_posts_a_number():
    (bundle,) = shown(exhibits.complaint_fates(impact.fate_table(VALUES)))
    assert bundle[show.TABLE]["rows"][0] == ["none", "1.22", "0.0 %", "48.8 %", "24.4 %", "26.8 %"]


# What to measure first --------------------------------------------------------------------------------------------


def indices(total_error: float) -> pd.DataFrame:
    table = pd.DataFrame({"outcome": ["heard"] * 2 + ["money_lost"] * 2, "name": ["a", "b"] * 2,
                          "label": ["the a", "the b"] * 2, "first_order": [0.3, 0.2, 0.1, 0.4], "first_order_error": 0.1,
                          "total": [0.5, 0.4, 0.2, 0.6], "total_error": total_error})  # fmt: skip
    table.attrs = {"evaluations": 26_624}
    return table


def test_two_numbers_are_named_where_the_first_is_not_clearly_first():
    clear = exhibits.worth_measuring_first(indices(0.01), "heard", late_s=86_400.0)
    assert clear.finding == "Measure first: the a"
    content = figure(clear)
    assert content["subtitle"].endswith("every contact answered after 1 day; 26,624 sets of assumptions")
    assert content["description"] == "the a: 50.0 %; the b: 40.0 %"
    assert (
        exhibits.worth_measuring_first(indices(0.1), "heard", late_s=9.0).finding == "Measure first: the a, and the b"
    )


def test_the_largest_leads_whatever_the_order_and_effects_stand_beside_it():
    effects = pd.DataFrame(
        {"outcome": "money_lost", "name": ["b", "a"], "effect": [234.0, 5.0], "mean_effect": [234.0, -5.0]}
    )
    exhibit = exhibits.worth_measuring_first(indices(0.01), "money_lost", late_s=60.0, effects=effects)
    content = figure(exhibit)
    assert content["finding"] == "Measure first: the b"
    assert cells(content["table"], "Mean effect") == ["234", "−5"]
    assert cells(content["table"], "Total error") == ["1.0 %", "1.0 %"]
    assert "(Morris)" in content["table"]["caption"]


def test_one_number_alone_and_an_outcome_not_worked_out():
    lone = indices(0.01).iloc[[0]]
    lone.attrs = {"evaluations": 3}
    assert exhibits.worth_measuring_first(lone, "heard", late_s=60.0).finding == "Measure first: the a"
    assert "was not worked out" in prose(exhibits.worth_measuring_first(lone, "money_lost", late_s=60.0))


def test_a_bill_that_a_log_cannot_hold_is_refused():
    costs = impact.impact_table(VALUES, impact.reply_scenarios({"1 min": 60.0, "1 d": 86_400.0}), contacts=1000)
    log = {"contacts": 30_161, "customers": 3928, "frequent": 1000, "seen_again": 0.97}
    told = {"contacts": 1000, "currency": "EUR"}
    refused = exhibits.cost_by_reply_time(costs, VALUES, **told, seen=log).finding
    assert refused.startswith("The log speaks against this bill: answered after 1 min, the chain loses 2,8")
    assert refused.endswith(
        "of 3,928, while 97.0 % of 1,000 who call often are there in the period after: at most 167 can be lost"
    )
    held = exhibits.cost_by_reply_time(costs, VALUES, **told, seen=log | {"contacts": 1000})
    assert held.finding == exhibits.cost_by_reply_time(costs, VALUES, **told, seen={}).finding
    with pytest.raises(ValueError, match="missing: frequent"):
        exhibits.cost_by_reply_time(costs, VALUES, **told, seen={"contacts": 1, "customers": 1, "seen_again": 1.0})


def test_what_is_assumed_is_told_by_its_range_and_is_no_headline():
    spans = pd.DataFrame({"outcome": ["heard", "money_lost"], "value": [28.75, 69.1], "lower": [4.0, 8.0],
                          "upper": [140.0, 238.0]})  # fmt: skip
    exhibit = exhibits.talk_range(spans, contacts=1000, currency="EUR", late_s=86_400.0)
    assert (
        exhibit.finding
        == "Assumed, not measured: 4,000 to 140,000 people hear, per 1,000 contacts answered after 1 day"
    )
    assert exhibit.kind == "assumed"
    assert exhibit.table["range"].tolist() == ["4,000 to 140,000 people", "8,000 to 238,000 EUR"]
    assert "with every assumption at its value it is 28,800" in exhibit.says
    assert not any(show.HEADLINE in bundle for bundle in shown(exhibit))


def test_the_register_is_shown_whole():
    (bundle,) = shown(exhibits.register_of_assumptions(REGISTER))
    assert len(bundle[show.TABLE]["rows"]) == len(REGISTER)
    assert bundle[show.TABLE]["rows"][0][:4] == ["promised time to a reply", "2", "0.250", "24"]


@pytest.mark.parametrize("language", ["id", "pl"])
def test_talk_is_told_in_the_language_of_the_report(language, monkeypatch):
    monkeypatch.setenv("CXRESEARCH_LANGUAGE", language)
    over_time = impact.reply_effects(VALUES, [60.0, 900.0, 86_400.0])
    growth = impact.growth_table(VALUES, reply_s={**MOMENTS, "never": math.inf}, times_s=[60.0, 86_400.0])
    mute = impact.reply_effects(VALUES | {"retellings_social": 0.0}, TIMES)
    (far, tails), (near, _) = (impact.storm_table(VALUES, one_in=1000, max_size=size) for size in (64, 8))
    measured = [MEASURED.assign(note="") for _ in range(2)]
    measured[0].attrs = {"observations": 3333, "data": "chain sizes"}
    measured[1].attrs = {"observations": 12, "data": "direct retellings"}
    networks = [reached(mean_reach=reach) for reach in (3.0, 0.75, 1.5)]
    made = [
        exhibits.numbers_used(REGISTER), exhibits.tellings_by_channel(impact.telling_table(VALUES), REGISTER),
        exhibits.hearers(REACH), exhibits.hearers(REACH.assign(heard=0.0)), exhibits.louder_side(REACH, VALUES),
        exhibits.louder_side(REACH.assign(heard_first=[1.0, 2, 3, 4]), VALUES), exhibits.lasting_talk(HEARING, LIVES),
        exhibits.lasting_talk(HEARING.assign(heard=0.0), LIVES), exhibits.reply_still_finds(EFFECTS, over_time),
        exhibits.reply_still_finds(mute, mute), exhibits.reply_spares(growth, EFFECTS), exhibits.reply_spares(growth, mute),
        exhibits.complaint_tail(far, tails, tails, one_in=1000), exhibits.complaint_tail(near, tails, tails, one_in=1000),
        exhibits.tail_at_worst(far, one_in=1000), exhibits.tail_at_worst(near, one_in=1000),
        *(exhibits.retellings_measured(one) for one in (*measured, MEASURED.head(0))),
        *(exhibits.talk_on_network(SWEEP, row, network_file="", kind="SIMULATED") for row in (*networks, reached(probability=0.0))),
        exhibits.reach_on_network(networks[0]),
    ]  # fmt: skip
    assert english_left([bundle for exhibit in made for bundle in exhibit.bundles()]) == []
    named = exhibits.talk_on_network(SWEEP, networks[0], network_file="of the town.csv", kind="assumed")
    left = english_left(named.bundles())
    assert left, "the name of a file is not translated"
    assert all("of the town.csv" in text for text in left)
