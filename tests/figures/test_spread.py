"""Figures of talk: the drawing is the table. And the networks that talk is followed through."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from cxresearch import figures
from cxresearch.simulate import network_or_default, simulate_network
from cxresearch.style import theme

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def bars(ax) -> list[tuple[float, float]]:
    return [(round(p.get_x(), 9), round(p.get_x() + p.get_width(), 9)) for p in ax.patches]


def test_reach_stacks_later_tellings_on_the_first():
    table = pd.DataFrame({"label": ["town", "net"], "heard_first": [10.0, 20.0], "heard": [13.0, 30.0]})
    ax = figures.plot_reach(table)
    assert bars(ax) == [(0, 10), (10, 13), (0, 20), (20, 30)]
    assert {"town", "net", "13", "30"} <= set(texts(ax))


def test_lines_over_time_are_the_table_and_moments_are_marked():
    table = pd.DataFrame({"kind": ["a", "a", "b", "b"], "time_s": [60.0, 86_400.0] * 2, "share": [0.1, 0.9, 0.2, 0.3]})
    ax = figures.plot_over_time(
        table, value="share", by="kind", measure="heard", share=True, marks_s={"15 min": 900.0, "2 h": 7200.0}
    )
    first, second, *marks = ax.lines
    assert (first.get_ydata().tolist(), second.get_ydata().tolist()) == ([0.1, 0.9], [0.2, 0.3])
    assert [mark.get_xdata()[0] for mark in marks] == [900, 7200]
    assert {"a", "b", "heard"} <= set(texts(ax))
    assert ax.get_ylim() == (0, 1)
    ax.figure.draw_without_rendering()
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1 min", "15 min", "2 h", "1 d"]
    raised = figures.plot_over_time(table, value="share", by="kind", measure="posts", floor=0.05)
    assert raised.get_ylim()[0] == 0.05
    with pytest.raises(ValueError, match="above 0"):
        figures.plot_over_time(table.assign(time_s=0.0), value="share", by="kind", measure="heard")


def test_amounts_are_bars_one_group_beside_another():
    table = pd.DataFrame(
        {"label": ["2 h", "2 h", "1 d"], "reply": ["helpful", "none", "none"], "money": [1.0, 5.0, 4.0]}
    )
    ax = figures.plot_amounts(table, value="money", measure="lost", by="reply")
    assert bars(ax) == [(0, 1), (0, 5), (0, 4)]
    assert [to_hex(p.get_facecolor()) for p in ax.patches] == [theme.C1, theme.C2, theme.C2]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["helpful", "none"]
    single = figures.plot_amounts(table.head(1), value="money", measure="lost")
    assert "1" in texts(single)
    with pytest.raises(ValueError, match="no rows"):
        figures.plot_amounts(table.head(0), value="money", measure="lost")


def test_the_tail_is_cut_where_nobody_will_see_it_and_one_in_a_thousand_marked():
    table = pd.DataFrame({"kind": "social", "chain_size": [1, 2, 3], "probability_larger": [0.1, 0.002, 1e-9]})
    ax = figures.plot_tail(table, by="kind", one_in=1000)
    line, mark = ax.lines
    assert line.get_ydata().tolist() == [0.1, 0.002]
    assert mark.get_ydata()[0] == pytest.approx(1e-3)
    with pytest.raises(ValueError, match="one to 4 groups"):
        figures.plot_tail(table.assign(probability_larger=0.0), by="kind", one_in=1000)


def test_indices_show_total_first_order_and_error():
    table = pd.DataFrame(
        {"label": ["a", "b"], "first_order": [0.3, -0.01], "total": [0.5, 0.1], "total_error": [0.1, 0.02]}
    )
    ax = figures.plot_indices(table)
    assert bars(ax) == [(0, 0.3), (0, 0)]  # an estimate below 0 is 0
    assert [line.get_xdata()[0] for line in ax.lines] == [0.5, 0.1]
    spans = [tuple(np.round(path.vertices[:, 0], 9)) for lines in ax.collections for path in lines.get_paths()]
    assert {(0.4, 0.6), (0.08, 0.12)} <= set(spans)


def test_percolation_marks_the_assumed_probability():
    table = pd.DataFrame({"probability": [0.1, 0.01], "mean_largest_share": [0.5, 0.0]})
    ax = figures.plot_percolation(table, probability=0.03)
    curve, mark = ax.lines
    assert curve.get_ydata().tolist() == [0.0, 0.5]
    assert mark.get_xdata()[0] == 0.03


def test_a_simulated_network_has_the_ties_it_was_asked_for_and_hubs():
    edges = simulate_network(3000, 4, rng=np.random.default_rng(1))
    pairs = edges.apply(sorted, axis=1, result_type="expand")
    assert len(edges) == 4 * (3000 - 5) + 10
    assert not pairs.duplicated().any()
    assert (edges["source"] != edges["target"]).all()
    degree = pd.concat([edges["source"], edges["target"]]).value_counts()
    assert len(degree) == 3000
    assert degree.min() == 4
    assert degree.max() > 60  # evenly drawn ties would give about 20
    with pytest.raises(ValueError, match="more people than ties"):
        simulate_network(3, 3, rng=np.random.default_rng(1))


def test_a_named_network_is_read_and_its_rows_accounted_for(tmp_path):
    path = tmp_path / "net.csv"
    pd.DataFrame({"b": [1, 2, 2, 3], "a": [2, 1, 2, 1]}).to_csv(path, index=False)
    edges, kind = network_or_default(str(path), source="b", target="a", people=9, ties=1, rng=np.random.default_rng(1))
    assert kind == "assumed"
    assert edges.counts == {"read": 4, "kept": 2, "set_aside": 2, "people": 3}
    made, kind = network_or_default("", source="b", target="a", people=50, ties=2, rng=np.random.default_rng(1))
    assert kind == "SIMULATED"
    assert made.counts["people"] == 50
    with pytest.raises(ValueError, match="is not there"):
        network_or_default("nowhere.csv", source="b", target="a", people=9, ties=1, rng=np.random.default_rng(1))
