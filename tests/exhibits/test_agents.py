"""What each agent more would save: what the what-if says, what it assumes, and what the page makes of it."""

from __future__ import annotations

import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.exhibits import WHAT_IF, agents
from tests.exhibits.odd_logs import NAME, plain_log


def saved(*, measured: bool = True, each: int = 3) -> pd.DataFrame:
    table = pd.DataFrame({
        "more_agents": [0, 1, 2], "last_added": ["nobody", "from 15 to 18 h", "from 9 to 12 h"], "more_agent_hours": [0.0, 3.0, 6.0],
        "left_per_day": [190.0, 166.0, 146.0], "share_left_of_asked": [0.13, 0.11, 0.1], "saved_per_day": [0.0, 24.0, 44.0],
        "lower": [0.0, 16.0, 33.0], "upper": [0.0, 32.0, 58.0], "today": [True, False, False],
    })  # fmt: skip
    redials = {"share": 0.25, "lower": 0.16, "upper": 0.35, "measured": measured}
    table.attrs = {"days": 20, "weekdays": [1, 2, 3, 4, 7], "redials": redials, "hours": (7, 24), "hours_each": each}
    return table


def test_the_what_if_begins_as_it_is_and_says_what_it_assumes():
    exhibit = agents.agents_what_if(saved(), place="phone")
    assert exhibit.finding == (
        "One more agent from 15 to 18 h: 24 (16 to 32) fewer of 190 leave a day. Of 2 such agents the last saves 20"
    )
    assert "the mean of 20 days that are fully open (Sunday to Thursday)" in exhibit.says
    assert "for 3 hours in a row where one more saves most, between 7 and 24 h" in exhibit.says
    assert "An hour with fewer than 100 contacts gets none, and nobody is taken away. Assumed: " in exhibit.says
    assert (
        "16.0 % to 35.0 % of those who leave are taken to call again within the hour because of it. It is measured"
        in exhibit.says
    )
    (bundle,) = exhibit.ready
    content = bundle[WHAT_IF]
    assert content["today"] == 0
    assert [row[0] for row in content["table"]["rows"]] == ["0", "1", "2"]
    assert content["assumed"] == [], "one thing to move"
    assert [column["label"] for column in content["table"]["columns"]][:2] == ["More agents", "Last added"]


def test_what_is_not_known_is_said():
    blind = saved(measured=False, each=1)
    blind.loc[1:, ["lower", "upper"]] = float("nan")
    exhibit = agents.agents_what_if(blind)
    assert "One more agent from 15 to 18 h: 24 fewer of 190" in exhibit.finding
    assert "That share is ASSUMED, as the log does not tell." in exhibit.says
    assert "added for an hour where" in exhibit.says


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({}, "no hour with thirty contacts has an agent in effect"),
        ({"handle_s": None}, "no handle_s is known in May 2024: map the column"),
        ({"outcome": "answered"}, "nobody gave up in the queue in May 2024"),
    ],
)
def test_a_log_without_what_is_needed_says_so(columns, why):
    exhibit = cx.agents_what_if(cx.load(plain_log(**columns)).period(NAME), channel="phone")
    assert exhibit.finding.startswith(f"What more agents would save cannot be said: {why}")


def measured(*tied: str, recommended: bool = True) -> pd.DataFrame:
    table = pd.DataFrame({
        "input": ["the team", "patience", "handling times"], "share": [0.6, 0.5, -0.1], "error": [0.05, 0.05, 0.01],
        "how_to_measure": ["ask", "wait", "listen"],
    })  # fmt: skip
    table.attrs = {
        "action": "one more agent from 15 to 18 h", "recommended": recommended, "saved_per_day": 24.1, "saved_se": 4.09,
        "rest": -0.003, "draws": 200, "tied": list(tied),
    }  # fmt: skip
    return table


def test_what_to_measure_first_is_named_with_what_it_is_tied_with():
    alone = agents.worth_measuring(measured(), place="phone")
    assert alone.finding == "Measure first: the team"
    assert "'one more agent from 15 to 18 h' (recommended) saves 24.1 contacts a day" in alone.says
    assert "with a standard error of 4.09" in alone.says
    assert "told apart" not in alone.says
    together = agents.worth_measuring(measured("patience", recommended=False))
    assert together.finding == "Measure first: the team and patience"
    assert "not recommended; the first that changes the queue" in together.says
    assert "are not told apart by the draws" in together.says
    assert list(together.bundles())
    assert cx.worth_measuring(cx.load(plain_log()).period(NAME), channel="phone").finding.startswith(
        "What to measure first cannot be said: no hour with thirty contacts"
    )
