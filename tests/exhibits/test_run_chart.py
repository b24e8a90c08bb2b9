"""Headlines from day to day: what is a sign of change, what is the weekday, and what is said where nothing can be."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import date2num

from cxresearch.exhibits import run_charts, run_points
from cxresearch.figures import plot_run_charts
from tests.exhibits.test_changes import table

NOISE = np.random.default_rng(5).integers(-3, 4, 56)


def periods(left, **more):
    """Four weeks and the four before them, from 4 January 1999 (a Monday)."""
    left = np.asarray(left)
    before, now = table(left[:28], first="1999-01-04", **more), table(left[28:], first="1999-02-01", **more)
    return now, before


def test_nothing_changed():
    made = run_charts(*periods(20 + NOISE), place="phone")
    assert made.finding == "No sign of change in 56 days"
    assert made.shown["sign_of_change"].tolist() == ["none"]
    assert made.shown["days"].tolist() == ["56"]
    assert "SIMULATED" in made.says


def test_a_step_is_dated():
    made = run_charts(*periods(20 + NOISE + 12 * (np.arange(56) >= 42)), place="phone")
    assert "since 15 February 1999 higher, 14 days in a row" in made.shown["sign_of_change"].iloc[0]
    points = made.table
    assert points["run"].tolist()[42:] == [1] * 14


def test_one_day_outside_is_named():
    left = 20 + NOISE
    left[30] = 60
    made = run_charts(*periods(left), place="phone")
    assert made.finding == "L: 3 February 1999 above the limits"
    assert made.table.loc[made.table["outside"] != 0, "day"].tolist() == [pd.Timestamp("1999-02-03")]


def test_what_weekdays_do_is_no_sign():
    left = 20 + NOISE + 15 * (np.arange(56) % 7 >= 4)
    points = run_points(*periods(left))
    assert (points[["outside", "run"]] == 0).all(axis=None)
    plain = run_points(*periods(20 + NOISE))
    assert points["value"].std() == pytest.approx(plain["value"].std(), rel=0.25)


def test_values_and_limits_worked_by_hand():
    """One weekday, a share of 10 % and 30 % in turn: the arcsine of the root moves by the same step each time."""
    now = table([10, 30] * 6, step=7)
    points = run_points(now, None)
    assert points["value"].tolist() == pytest.approx([0.1, 0.3] * 6)
    low, high = np.arcsin(np.sqrt([0.1, 0.3]))
    middle, step = (low + high) / 2, high - low
    limits = np.sin(np.clip([middle, middle - 2.7283 * step, middle + 2.7283 * step], 0, np.pi / 2)) ** 2
    assert points[["centre", "lower", "upper"]].iloc[0].tolist() == pytest.approx(limits.tolist(), abs=1e-4)


@pytest.mark.parametrize("days", [1, 11, 14])
def test_few_days_say_so(days):
    made = run_charts(table(20 + NOISE[:days]), None, place="phone")
    assert made.finding == "No headline has 12 days to set side by side, so no change can be seen from day to day"
    assert made.table.empty
    assert made.draw is None


def test_the_same_on_every_day_or_no_days_at_all():
    assert run_points(table([20] * 28), None).empty
    bare = table([20] * 28)
    bare.attrs = {}
    assert run_points(bare, None).empty


def test_quiet_weekdays_are_left_out():
    queued = np.where(np.arange(28) % 7 == 6, 10.0, 100.0)
    now = table(10 + NOISE[:28] % 3)
    rows = now.attrs["days"].assign(queued=queued, below=[[n] for n in queued])
    now.attrs["days"] = rows
    points = run_points(now, None)
    assert len(points) == 24
    assert (points["day"].dt.day_of_week < 6).all()


def test_days_that_hang_together_are_said_to():
    swing = np.round(25 + 12 * np.sin(np.arange(56) / 5)).astype(int)
    made = run_charts(*periods(swing), place="phone")
    assert made.finding == "One of one headlines shows a sign, but days that hang together often give one"
    assert "whose neighbouring days hang together, as they do here" in made.says


def test_the_figure_draws_the_points():
    points = run_points(*periods(20 + NOISE + 12 * (np.arange(56) >= 42)))
    ax = plot_run_charts(points)
    panel = ax.child_axes[0]
    line, marked, *levels = panel.lines
    assert line.get_ydata().tolist() == points["value"].tolist()
    assert marked.get_ydata().tolist() == points.loc[(points["run"] != 0) | (points["outside"] != 0), "value"].tolist()
    assert [level.get_ydata()[0] for level in levels] == points[["centre", "lower", "upper"]].iloc[0].tolist()
    assert [text.get_text() for text in panel.texts] == ["L"]
    plt.close("all")


def test_no_line_leads_over_days_without_rows():
    points = run_points(*periods(20 + NOISE))
    gone = points["day"].iloc[10]
    points = points[points["day"] != gone]
    ax = plot_run_charts(points, missing=[gone.date()])
    (panel,) = ax.child_axes
    drawn = panel.lines[0].get_ydata()
    assert np.isnan(drawn).tolist() == [number == 10 for number in range(len(points) + 1)]
    assert drawn[~np.isnan(drawn)].tolist() == points["value"].tolist()
    (shade,) = panel.patches
    assert shade.get_x() == date2num(gone) - 0.5
    assert [text.get_text() for text in ax.texts] == ["grey: no rows on that day"]
    plt.close("all")
