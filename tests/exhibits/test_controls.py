"""Sliders show what the functions give, and stay away from the widget that makes a client wait for ever."""

from __future__ import annotations

import pandas as pd

from cxresearch.contacts import load
from cxresearch.exhibits import Exhibit, controls
from cxresearch.queueing import agents_in_effect, explore_day
from tests.queueing.test_day import hours_like


def test_day_controls_show_what_the_functions_give():
    hours = agents_in_effect(hours_like(2, 40.0, 300.0), patience=300.0)
    widget = controls.day_controls(hours, patience=300.0, days=20)
    before, page = widget.exhibit().table, widget.children[-1].value
    widget.children[1].value = 5
    expected = explore_day(hours, patience=300.0, days=20, contained_share=0.15, evening_experts=5, redial_share=0.3)
    pd.testing.assert_frame_equal(widget.exhibit().table, expected)
    assert widget.exhibit().table["left_per_day"][1] < before["left_per_day"][1]
    assert widget.children[-1].value != page


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


def test_no_output_widget_is_made(monkeypatch):
    """nbclient answers one on the channel it polls, and can then wait for ever (its issue 312)."""

    def refused(*_, **__):
        raise AssertionError("an Output widget was made")

    monkeypatch.setattr("ipywidgets.Output.__init__", refused)
    controls.waiting_controls(month())
    hours = agents_in_effect(hours_like(2, 40.0, 300.0), patience=300.0)
    controls.day_controls(hours, patience=300.0, days=20)
