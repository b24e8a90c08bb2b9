"""One agent more after the other: it begins with the log's own day, never makes it worse, and leaves empty hours alone."""

from __future__ import annotations

import numpy as np
import pytest

from cxresearch.contacts import load
from cxresearch.decisions import Action, Weighing, action_table, more_agents, with_agents
from tests.decisions.conftest import contacts, month


@pytest.fixture(autouse=True, scope="module")
def _few_draws():
    """How narrow an interval is does not matter here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cxresearch.decisions.weighing.DRAWS", 40)
        yield


@pytest.fixture(scope="module")
def table(twice):
    return more_agents(twice, channel="phone")


def test_the_first_row_is_the_log(twice, table):
    asked = twice.asked(("day", "hour"))
    assert table["today"].tolist() == [True] + 6 * [False]
    today = table.iloc[0]
    assert today["left_per_day"] == asked["left"].sum() / 20
    assert today["share_left_of_asked"] == pytest.approx(asked["left"].sum() / asked["contacts"].sum(), rel=1e-14)
    assert today[["more_agents", "more_agent_hours", "saved_per_day", "lower", "upper"]].tolist() == [0] * 5


def test_each_agent_saves_and_none_more_than_the_one_before(table):
    assert table["more_agents"].tolist() == list(range(7))
    assert table["more_agent_hours"].tolist() == [3 * n for n in range(7)]
    each = np.diff(table["saved_per_day"])
    assert (each > 0).all()
    assert (np.diff(each) <= 1e-9).all()
    assert (table["left_per_day"] + table["saved_per_day"]).to_numpy() == pytest.approx(
        np.full(7, table["left_per_day"][0])
    )
    assert (table["left_per_day"] > 0).all()
    assert table["saved_per_day"][1:].between(table["lower"][1:], table["upper"][1:]).all()


def test_the_first_agent_is_that_of_the_table_of_actions(twice, table):
    first = action_table(twice, channel="phone").iloc[0]
    assert first["action"] == f"one more agent {table['last_added'][1]}"
    assert table["saved_per_day"][1] == pytest.approx(first["saved_per_day"], rel=1e-3)


def test_an_hour_with_few_contacts_or_no_loss_gets_nobody():
    """99 contacts from 9 to 10 h, all of whom leave, and nobody leaves from 12 to 13 h: 10 to 12 h is what there is."""
    rows = contacts(lambda day, hour: 40, start="2026-02-02", days=20)
    hour = rows["opened_at"].dt.hour
    nine = (hour == 9) & (hour.groupby(hour).cumcount() < 99)
    rows.loc[nine, "outcome"], rows.loc[nine, "handle_s"] = "abandoned", np.nan
    rows.loc[hour == 12, "outcome"], rows.loc[hour == 12, "handle_s"] = "answered", 60.0
    table = more_agents(month(rows[(hour != 9) | nine]), channel="phone")
    assert set(table["last_added"][1:]) == {"from 10 to 12 h"}
    assert table.attrs["hours"] == (10, 12)
    assert table.attrs["hours_each"] == 2


def test_where_no_hour_counts_it_is_refused():
    few = contacts(lambda day, hour: 4, start="2026-02-02", days=20)
    with pytest.raises(ValueError, match="no hour has 100 contacts, an agent in effect and somebody who left"):
        more_agents(month(few), channel="phone")


def test_as_it_is_every_hour_is_the_logs(twice):
    """Also one in which nobody left, which no team explains."""
    rows = contacts(lambda day, hour: 40, start="2026-02-02", days=20)
    nobody = rows["opened_at"].dt.hour == 10
    rows.loc[nobody, "outcome"], rows.loc[nobody, "handle_s"] = "answered", 60.0
    weighing = Weighing.of(month(rows).only(channel="phone"))
    table = with_agents(weighing, Action("nothing"))
    left = rows[rows["outcome"] == "abandoned"].groupby(rows["opened_at"].dt.hour).size()
    assert table["left_per_day"].tolist() == (left.reindex([9, 10, 11, 12], fill_value=0) / 20).tolist()
    assert table["left_then"].tolist() == table["left_per_day"].tolist()
    more = with_agents(weighing, Action("two", shifts=((2, 9, 13),)))
    assert (more["left_then"] <= more["left_per_day"]).all()
    assert more["left_then"][1] == 0
    saved = (more["left_per_day"] - more["left_then"]).drop(1).sum()
    (weighed,), _ = weighing.weigh([Action("two", shifts=((2, 9, 10), (2, 11, 13)))])
    assert saved == pytest.approx(weighed.saved, rel=1e-3)


def test_the_banks_february_begins_at_its_own_losses(shared):
    mine = load(shared / "data" / "anonymous-bank").period("1999-02")
    table = more_agents(mine, channel="phone")
    assert table["left_per_day"][0] == 189.5
    assert table["last_added"][1] == "from 15 to 18 h"
    assert table.attrs["hours"] == (7, 24), "midnight to one and six to seven have 29 contacts together"
    assert table["saved_per_day"][1] == pytest.approx(24.1, abs=0.1)


def test_a_period_is_weighed_once(twice):
    """Whatever asks for it: its customers are followed by one query."""
    assert Weighing.of(twice.only(channel="phone")) is Weighing.of(twice.only(channel="phone"))
    assert Weighing.of(twice.previous.only(channel="phone")) is Weighing.of(twice.only(channel="phone").previous)
