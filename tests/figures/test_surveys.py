"""Figures of published numbers: the drawing is the table, read from the artists."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from cxresearch import figures
from cxresearch.style import theme

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


CLAIMS = pd.DataFrame(
    {
        "label": ["had trouble", "say nothing"],
        "told_value": [0.90, 0.08],
        "value": [0.87, 0.08],
        "lower": [0.84, 0.06],
        "upper": [0.90, 0.10],
        "narrow_lower": [0.86, 0.06],
        "narrow_upper": [0.88, 0.10],
        "n_known": [False, True],
        "verdict": ["corrected", "reproduced"],
    }
)


def test_claims_show_what_was_published_told_and_decided():
    ax = figures.plot_claims(CLAIMS)
    circles = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    crosses = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "x"]
    assert circles == [0.87, 0.08]
    assert crosses == [0.90]  # the second was told as it was published
    spans = [tuple(path.vertices[:, 0]) for lines in ax.collections for path in lines.get_paths()]
    assert (0.84, 0.90) in spans  # the widest interval only where n is unknown
    assert (0.86, 0.88) in spans
    assert (0.06, 0.10) in spans
    assert {"had trouble", "say nothing", "corrected", "reproduced"} <= set(texts(ax))
    colours = [to_hex(line.get_color()) for line in ax.lines if line.get_marker() == "o"]
    assert colours == [theme.C2, theme.C3]


def test_claims_refuse_an_unknown_verdict_and_an_empty_table():
    with pytest.raises(ValueError, match="knows the verdicts"):
        figures.plot_claims(CLAIMS.assign(verdict="true"))
    with pytest.raises(ValueError, match="no rows"):
        figures.plot_claims(CLAIMS.head(0))


def test_trends_end_with_their_name_and_dot_what_is_not_comparable():
    table = pd.DataFrame(
        {"series": "US", "year": [2009, 2008, 2010], "value": [0.32, 0.41, 0.33], "comparable": [True, True, False]}
    )
    ax = figures.plot_trends(table, measure="share")
    steps = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_marker() == "None"]
    assert [line.get_ydata().tolist() for line in steps] == [[0.41, 0.32], [0.32, 0.33]]
    assert [line.get_linestyle() for line in steps] == ["-", ":"]
    assert "US" in texts(ax)
    dollars = figures.plot_trends(table.assign(value=[1, 2, 3]), measure="bn", share=False)
    assert dollars.get_ylim()[0] == 0


def test_ranges_and_landmarks_are_the_table():
    table = pd.DataFrame({"label": ["a", "b"], "lower": [0.1, 0.2], "upper": [0.3, 0.2], "landmark": [0.15, None]})
    ax = figures.plot_ranges(table)
    bars = [line.get_xdata() for line in ax.lines if len(line.get_xdata()) == 2]
    assert [tuple(bar) for bar in bars] == [(0.1, 0.3), (0.2, 0.2)]
    assert [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "|"] == [0.15]


def test_order_fills_the_first_and_tells_direction_by_colour():
    table = pd.DataFrame(
        {
            "item": ["boycott", "other channel"],
            "first": [0.5, 0.26],
            "second": [0.35, 0.4],
            "verdict": ["survives", "open"],
        }
    )
    ax = figures.plot_order(table, first="poor", second="none")
    marks = [
        (line.get_xdata()[0], to_hex(line.get_markerfacecolor())) for line in ax.lines if len(line.get_xdata()) == 1
    ]
    assert marks == [(0.35, theme.PAPER), (0.5, theme.C2), (0.4, theme.PAPER), (0.26, theme.C1)]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["poor", "none"]


def test_expectation_draws_curves_points_and_targets():
    curves = pd.DataFrame({"channel": "email", "duration_s": [30, 900, 86_400], "share": [0.0, 0.1, 0.9]})
    points = pd.DataFrame({"channel": "email", "within_s": [900, 3600], "share": [0.11, 0.3], "fitted": [True, False]})
    ax = figures.plot_expectation(curves, points, targets_s=[30, 900])
    curve, fitted, other, *targets = ax.lines
    assert curve.get_ydata().tolist() == [0.0, 0.1, 0.9]
    assert (fitted.get_ydata().tolist(), other.get_ydata().tolist()) == ([0.11], [0.3])
    assert other.get_markerfacecolor() == theme.PAPER
    assert [line.get_xdata()[0] for line in targets] == [30, 900]


def test_interval_over_n_is_the_band():
    table = pd.DataFrame({"n": [500, 3000], "lower": [0.34, 0.36], "upper": [0.42, 0.40]})
    ax = figures.plot_interval_over_n(table, share=0.38)
    corners = {tuple(corner) for corner in ax.collections[0].get_paths()[0].vertices}
    assert {(500, 0.34), (3000, 0.36), (3000, 0.40), (500, 0.42)} <= corners
    assert ax.get_xlim() == (500, 3000)
