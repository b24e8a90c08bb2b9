"""Sliders show what the functions give, and stay away from the widget that makes a client wait for ever."""

from __future__ import annotations

import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.contacts import load
from cxresearch.decisions import Action, Weighing, hours_to_move, with_agents
from cxresearch.exhibits import Exhibit, controls
from tests.decisions.conftest import contacts


@pytest.fixture(scope="module")
def weighing():
    return Weighing.of(a_month(lambda day, hour: 40, start="2026-02-02", days=20))


def test_action_controls_open_on_the_day_as_it_is(weighing):
    widget = controls.action_controls(weighing, place="phone")
    shown = widget.exhibit()
    assert shown.finding.startswith("As it is ")
    assert shown.table["left_then"].tolist() == shown.table["left_per_day"].tolist()
    assert shown.table["left_per_day"].tolist() == (weighing.days.left.sum(axis=0) / 20)[9:13].tolist()
    assert [slider.description for slider in widget.children[:-1]] == ["agents +", "hours", "bot settles"]


def test_action_controls_show_what_the_functions_give(weighing):
    widget = controls.action_controls(weighing)
    agents, hours, bot, page = widget.children
    before = page.value
    agents.value, hours.value = 2, (10, 12)
    action = Action("two", shifts=((2, 10, 12),))
    moved = widget.exhibit()
    pd.testing.assert_frame_equal(moved.table, with_agents(weighing, action, hours=hours_to_move(weighing)))
    assert moved.finding.startswith("With 2 more from 10 to 12 h: ")
    assert moved.finding.endswith(" still leave a day, for 4 agent hours")
    changed = moved.table["left_then"] < moved.table["left_per_day"]
    assert changed.tolist() == [False, True, True, False], "no other hour changes"
    assert page.value != before
    bot.value = 0.1
    assert "and a bot settles 10.0 %" in widget.exhibit().finding
    assert (widget.exhibit().table["left_then"] < moved.table["left_then"]).all()


def test_where_agents_cannot_be_moved_it_is_said():
    answered = a_month(lambda day, hour: 40, start="2026-02-02", days=20, left_share=0.0)
    said = cx.action_controls(answered, channel="phone").finding
    assert (
        said == "Agents cannot be moved: nobody gave up in the queue in February 2026, so no team explains the losses"
    )


def a_month(per_hour, **given):
    return load(contacts(per_hour, **given)).period("2026-02")


def month(**changes):
    rows = {"queue": ["a", "b"] * 5, "wait_s": [10.0, 90.0] * 5, "outcome": "abandoned", "channel": "phone"}
    return load(pd.DataFrame({**rows, **changes}).assign(opened_at=pd.Timestamp("1999-02-03 10:00"))).period("1999-02")


def test_waiting_controls_show_the_group_that_is_chosen():
    widget = controls.waiting_controls(month())
    assert widget.exhibit().subtitle.startswith("Share who would still wait, a, ")
    widget.children[0].value = "b"
    assert widget.exhibit().finding == "After 90 s, 0.0 % would still wait"
    assert widget.exhibit().subtitle.startswith("Share who would still wait, b, ")
    assert "data:image/svg+xml" in widget.children[-1].value


def test_nothing_to_move_is_said():
    assert isinstance(controls.waiting_controls(month(outcome="answered")), Exhibit)


def test_no_output_widget_is_made(monkeypatch, weighing):
    """nbclient answers one on the channel it polls, and can then wait for ever (its issue 312)."""

    def refused(*_, **__):
        raise AssertionError("an Output widget was made")

    monkeypatch.setattr("ipywidgets.Output.__init__", refused)
    controls.waiting_controls(month())
    controls.action_controls(weighing)
