"""What people hear of the lost, as it is said: ranges first, where their width comes from, and when nothing is said."""

from __future__ import annotations

import pandas as pd
import pytest

from cxresearch import exhibits
from cxresearch.decisions import talk_of_lost
from cxresearch.exhibits import show
from cxresearch.impact import load_assumptions
from tests.exhibits.languages import english_left

REGISTER = load_assumptions()


def told(**changed: object) -> pd.DataFrame:
    table = pd.DataFrame({
        "what": ["lost", "tellers", "hear", "leave"], "value": [250.0, 78.0, 1011.0, 32.0], "lower": [115.0, 20.0, 246.0, 9.0],
        "upper": [545.0, 255.0, 3668.0, 90.0], "base": ["known", "of those lost", "people", "of those lost"],
    })  # fmt: skip
    table.attrs = {
        "why": "", "log_variance": {"data": 0.41, "quoted": 0.11, "assumed": 0.48}, "deeds": (0.1, 1.0), "fewer_back": (51, 128),
        "contacts_unknown": 2128, "unhelpful_share": None,
    } | changed  # fmt: skip
    return table


def test_the_range_stands_first_and_its_width_is_taken_apart():
    exhibit = exhibits.talk_of_lost(told(), place="phone, February 1999")
    assert exhibit.kind == "assumed"
    assert (
        exhibit.finding
        == "Assumed, not measured: 246 to 3,670 people hear of the 115 to 545 customers who were lost for good"
    )
    assert exhibit.says.removeprefix(f"### {exhibit.finding}\n\n") == (
        "115 to 545 customers were never answered. If they do 10.0 to 100.0 % of what people say they would, 20 to 255 of them (78 in "
        "the middle) tell somebody. 246 to 3,670 people (1,010 in the middle) hear it. 9 to 90 customers (32 in the middle) leave. Of "
        "those lost no more can leave than the 51 to 128 by which customers who gave up were fewer in the period "
        "after. Of the width of those who hear 41.0 % is what the log does not record, 48.0 % is what is assumed and 11.0 % is from "
        "surveys and studies. Nothing is said of reviews, posts or retelling, of 2,128 contacts that gave up without a number and "
        "of customers who were answered."
    )
    assert exhibit.shown["range"].tolist() == ["115 to 545", "20 to 255", "246 to 3,670", "9 to 90"]
    assert exhibit.shown["middle"].tolist() == ["250", "78", "1,010", "32"]
    assert exhibit.caption == "What people hear of customers lost, phone, February 1999"
    bundles = list(exhibit.bundles())
    assert bundles
    assert not any(show.HEADLINE in bundle for bundle in bundles), "an assumption is no headline"


def test_what_is_not_known_is_said_as_such():
    nan = dict.fromkeys(("data", "quoted", "assumed"), float("nan"))
    alone = exhibits.talk_of_lost(told(fewer_back=None, contacts_unknown=None, log_variance=nan))
    assert "leave. Whether so many stay away is not seen in this log. Nothing is said of reviews" in alone.says
    assert "without a number" not in alone.says
    badly = exhibits.talk_of_lost(told(unhelpful_share=0.1))
    assert "never answered, and 10.0 % of the others badly. If they do 10.0" in badly.says
    assert badly.finding.endswith("customers who were lost for good, and of those answered badly")
    assert "of customers who were answered" not in badly.says
    assert exhibits.talk_of_lost(told(), kind="SIMULATED").kind == "SIMULATED"


@pytest.mark.parametrize(
    ("lost", "says"),
    [
        ({"customers": 12, "lower": 1, "upper": 9}, "12 customers are known, fewer than 30"),
        ({"customers": 0, "contacts_unknown": 2128}, "0 customers are known, fewer than 30; 2,128 contacts"),
        ({"customers": 900, "lower": 0, "upper": 0}, "nobody was lost for good, so nobody is known to tell"),
        ({"customers": 900, "lower": 800, "upper": 900, "frequent": 300, "seen_again": 0.97}, "97.0 % of 300 who call often are there"),
    ],
)  # fmt: skip
def test_nothing_is_said_where_nothing_can_be(lost, says):
    exhibit = exhibits.talk_of_lost(talk_of_lost(lost, REGISTER), place="phone")
    assert says in exhibit.finding
    assert exhibit.table.empty
    assert list(exhibit.bundles())


def test_a_register_and_a_log_give_an_exhibit():
    lost = {"customers": 4021, "lower": 115, "upper": 545, "contacts_unknown": 2128}
    exhibit = exhibits.talk_of_lost(talk_of_lost(lost, REGISTER), place="phone")
    assert exhibit.finding.startswith("Assumed, not measured: ")
    assert list(exhibit.bundles())


@pytest.mark.parametrize("language", ["id", "pl"])
def test_it_is_told_in_the_language_of_the_report(language, monkeypatch):
    monkeypatch.setenv("CXRESEARCH_LANGUAGE", language)
    few, unknown = ({"customers": 12, "lower": 1, "upper": 9, "contacts_unknown": 2128}, {"customers": 900})
    nobody = {"customers": 900, "lower": 0, "upper": 0}
    made = [
        exhibits.talk_of_lost(told(), place="PHONE"), exhibits.talk_of_lost(told(unhelpful_share=0.1, fewer_back=None)),
        *(exhibits.talk_of_lost(talk_of_lost(lost, REGISTER)) for lost in (few, unknown, nobody)),
    ]  # fmt: skip
    bundles = [bundle for exhibit in made for bundle in exhibit.bundles()]
    assert english_left(bundles) == []
    assert "PHONE" in made[0].caption
    assert "2.128" in made[2].finding or "2\u00a0128" in made[2].finding
