"""Figures draw the numbers of their table and nothing else; labels neither meet nor leave the drawing."""

from __future__ import annotations

import itertools
import re
from datetime import date

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.dates import date2num
from matplotlib.text import Text

from cxresearch import figures
from cxresearch.figures import parts
from cxresearch.style import theme


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


def curve(ends=(0.5,), names=("all",), longest_s=300, at_risk=None):
    """Straight-line survival curves that end near ``ends``, one a name."""
    x = np.arange(10.0, longest_s + 1, 10.0)
    tables = []
    for end, name in zip(ends, names, strict=True):
        survival = 1 - (1 - end) * x / longest_s
        table = pd.DataFrame({"queue": name, "duration_s": x, "survival": survival})
        tables.append(table.assign(lower=survival - 0.02, upper=survival + 0.02))
    table = pd.concat(tables, ignore_index=True)
    return table if at_risk is None else table.assign(at_risk=at_risk)


def outcomes():
    x = np.arange(1.0, 301.0)
    answered = pd.DataFrame({"duration_s": x, "outcome": "answered", "probability": 0.7 * (1 - np.exp(-x / 60))})
    left = pd.DataFrame({"duration_s": x, "outcome": "abandoned", "probability": 0.2 * (1 - np.exp(-x / 60))})
    return pd.concat([answered, left]).assign(
        lower=lambda t: t.probability - 0.01, upper=lambda t: t.probability + 0.01
    )


def dots():
    return pd.DataFrame(
        {
            "label": ["Prospective customers of the bank", "Regular", "Prospective customers of the bank", "Regular"],
            "month": ["February", "February", "January", "January"],
            "estimate": [0.43, 0.15, 0.34, 0.14],
            "lower": [0.41, 0.14, 0.32, np.nan],
            "upper": [0.45, 0.16, 0.36, np.nan],
        }
    )


def hazard():
    x = np.arange(0.0, 301.0, 10)
    return pd.DataFrame({"duration_s": x, "hazard_per_s": 0.003, "lower": 0.002, "upper": 0.004})


MARKS = [parts.Mark(5.0, "promised 5 s"), parts.Mark(10.0, "promised 10 s"), parts.Mark(295.0, "half: 4.9 min", 0.5)]


def hours():
    return pd.DataFrame(
        {"hour": [7, 8, 23], "wait_s": [60.0, 70.0, 90.0], "lower": [55.0, 66, 80], "upper": [65.0, 74, 99]}
    )


def steps() -> pd.DataFrame:
    names = ["asked", "answered at once", "queued", "answered", "gave up"]
    return pd.DataFrame({"label": names, "start": [0, 60, 0, 20, 0], "contacts": [100, 40, 60, 40, 20],
                         "leads_on": [True, False, True, False, False]})  # fmt: skip


DRAWN = {
    "survival": lambda: figures.plot_survival(
        curve((0.31, 0.3, 0.29, 0.02), ("Regular", "Internet support", "Prospective customers", "VIP")),
        horizon_s=300,
        by="queue",
    ),
    "survival of one": lambda: figures.plot_survival(curve(), horizon_s=300, label="February"),
    "long survival": lambda: figures.plot_survival(curve(longest_s=400), horizon_s=90_000, label="e-mail"),
    "outcomes": lambda: figures.plot_outcomes(outcomes(), horizon_s=300),
    "hazard": lambda: figures.plot_hazard(hazard()),
    "dots": lambda: figures.plot_dots(dots(), by="month", measure="Share of queued callers who gave up"),
    "dots of one": lambda: figures.plot_dots(dots().head(2), measure="Share of queued callers who gave up"),
    "parts": lambda: figures.plot_parts(steps()),
    "marked survival": lambda: figures.plot_survival(
        curve((0.31, 0.02), ("Regular", "VIP")), horizon_s=300, by="queue", marks=MARKS
    ),
    "marked bars": lambda: figures.plot_bars_hour(
        hours(),
        value="wait_s",
        measure="Mean wait of queued callers (seconds)",
        mark=parts.Mark(23, "23 to 24 h: 90 s"),
    ),
    "survival and before": lambda: figures.plot_survival(
        curve((0.31,)), horizon_s=300, marks=MARKS, before=figures.Before("September 2026", curve((0.3,)))
    ),
    "bars and before": lambda: figures.plot_bars_hour(
        hours(),
        value="wait_s",
        measure="Mean wait of queued callers (seconds)",
        before=figures.Before("week 7 of 1999", hours()),
    ),
    "bars": lambda: figures.plot_bars_hour(hours(), value="wait_s", measure="Mean wait of queued callers (seconds)"),
}


@pytest.mark.parametrize("name", DRAWN)
def test_no_text_meets_another_or_leaves_the_drawing(name):
    figure = DRAWN[name]().figure
    figure.draw_without_rendering()
    (ax,) = figure.axes
    # Matplotlib keeps ticks beyond the limits and does not draw them.
    undrawn = {
        label
        for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim()))
        for label, at in zip(axis.get_ticklabels(), axis.get_ticklocs(), strict=True)
        if not low <= at <= high
    }
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text() and text not in undrawn]
    renderer = figure.canvas.get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts]
    inside = figure.bbox.padded(1)
    shown = [(text, box) for text, box in boxes if box.width > 0]
    assert len(shown) > 4
    for text, box in shown:
        assert inside.x0 <= box.x0 and box.x1 <= inside.x1, f"{text!r} is cut off"  # noqa: PT018
        assert inside.y0 <= box.y0 and box.y1 <= inside.y1, f"{text!r} is cut off"  # noqa: PT018
    for (one, a), (other, b) in itertools.combinations(shown, 2):
        assert not a.padded(-1.5).overlaps(b.padded(-1.5)), f"{one!r} lies on {other!r}"


@pytest.mark.parametrize("name", DRAWN)
def test_every_colour_is_one_that_the_page_can_change(name):
    svg, _ = theme.themed_svg(DRAWN[name]().figure, title="t", description="d")
    assert "var(--c1, #0b5cad)" in svg
    assert not re.findall(r"#[0-9a-f]{6}\b", re.sub(r"var\(--[\w-]+, #[0-9a-f]{6}\)", "", svg))


@pytest.mark.parametrize("name", DRAWN)
def test_text_is_read_on_a_telephone(name):
    figure = DRAWN[name]().figure
    figure.draw_without_rendering()
    smallest = min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text())
    assert smallest * 330 / (figure.get_figwidth() * 72) >= 10.5


# Survival ---------------------------------------------------------------------------------------------------------


def test_the_line_is_the_table():
    table = pd.DataFrame({"duration_s": [1.0, 3.0], "survival": [0.5, 0.0]})
    line = figures.plot_survival(table, horizon_s=4).lines[-1]
    assert line.get_xdata().tolist() == [0, 1, 3]
    assert line.get_ydata().tolist() == [1, 0.5, 0]
    assert line.get_drawstyle() == "steps-post"


def test_a_curve_ends_with_its_data_and_holds_where_somebody_waited_longer():
    table = pd.DataFrame({"duration_s": [1.0, 3.0, 9.0], "survival": [0.5, 0.4, 0.2]})
    assert figures.plot_survival(table, horizon_s=20).lines[-1].get_xdata().tolist() == [0, 1, 3, 9]
    held = figures.plot_survival(table, horizon_s=5).lines[-1]
    assert held.get_xdata().tolist() == [0, 1, 3, 5]
    assert held.get_ydata().tolist() == [1, 0.5, 0.4, 0.4]


def test_the_band_is_the_interval():
    table = pd.DataFrame({"duration_s": [1.0, 3.0], "survival": [0.5, 0.3], "lower": [0.4, 0.1], "upper": [0.6, 0.5]})
    (band,) = figures.plot_survival(table, horizon_s=4).collections
    corners = {tuple(np.round(point, 9)) for point in band.get_paths()[0].vertices}
    assert {(1, 0.4), (3, 0.4), (3, 0.1), (1, 0.6), (3, 0.6), (3, 0.5)} <= corners


def test_where_few_are_left_the_line_is_dotted():
    table = curve(at_risk=[1000] * 20 + [29] * 10)
    dotted, solid = figures.plot_survival(table, horizon_s=300, label="February").lines
    assert solid.get_linestyle() == "-"
    assert solid.get_xdata()[-1] == 200
    assert dotted.get_linestyle() == ":"
    assert dotted.get_xdata().tolist() == [200, *range(210, 301, 10)]
    assert dotted.get_ydata()[-1] == pytest.approx(0.5)
    joined = [*solid.get_ydata(), *dotted.get_ydata()[1:]]
    np.testing.assert_array_equal(joined, [1, *table["survival"]])


def test_groups_are_named_at_their_end_in_their_colour():
    ax = figures.plot_survival(curve((0.2, 0.6), ("Regular", "VIP")), horizon_s=300, by="queue")
    colours = {text.get_text(): text.get_color() for text in ax.texts}
    assert colours["Regular"] == ax.lines[0].get_color() == theme.C1
    assert colours["VIP"] == ax.lines[1].get_color() == theme.C2


def test_five_groups_are_too_many_to_tell_apart():
    with pytest.raises(ValueError, match="5 groups"):
        figures.plot_survival(curve((0.1, 0.2, 0.3, 0.4, 0.5), tuple("abcde")), horizon_s=300, by="queue")


@pytest.mark.parametrize(
    ("draw", "missing"),
    [
        (lambda t: figures.plot_survival(t, horizon_s=1), "survival"),
        (lambda t: figures.plot_outcomes(t, horizon_s=1), "probability"),
        (figures.plot_hazard, "hazard_per_s"),
        (figures.plot_dots, "estimate"),
        (lambda t: figures.plot_bars_hour(t, value="wait_s", measure="m"), "wait_s"),
    ],
)
def test_a_table_without_the_columns_is_refused(draw, missing):
    with pytest.raises(ValueError, match=missing):
        draw(pd.DataFrame({"duration_s": [1.0], "x": [1]}))


# The other figures ------------------------------------------------------------------------------------------------


def level(x, y, at):
    """The height of a step line at these places."""
    return np.asarray(y)[np.searchsorted(x, at, side="right") - 1]


@given(st.integers(0, 2**32 - 1), st.integers(601, 5_000), st.floats(0, 40), st.floats(0, 40), st.booleans())
def test_a_thinned_line_is_nowhere_further_from_the_line_than_is_seen(seed, corners, far, deep, falls):
    """``far`` and ``deep``: how unlike its steps are, in both directions."""
    rng = np.random.default_rng(seed)
    steps, falling = rng.random(corners) ** far, rng.random(corners) ** deep
    x = np.append(0.0, np.cumsum(steps))
    wide = float(x[-1])
    y = np.append(1.0, np.cumprod(1 - falling / 50)) if falls else np.append(0.0, np.cumsum(falling) / len(falling))
    seen, low, high = parts.seen_corners(x, y, y / 2, wide=wide)
    assert len(seen) <= 501 + 1
    assert set(zip(seen, low, strict=True)) <= set(zip(x, y, strict=True)), "points of the line"
    assert (seen[0], seen[-1], low[-1], high[-1]) == (x[0], x[-1], y[-1], y[-1] / 2)
    at = np.linspace(0, wide, 2_000)
    left, right = (level(x, y, np.clip(at + side * wide / parts.FINEST, 0, wide)) for side in (-1, 1))
    drawn, off = level(seen, low, at), 1 / parts.FINEST + 1e-9
    assert (drawn <= np.maximum(left, right) + off).all()
    assert (drawn >= np.minimum(left, right) - off).all()


def test_a_figure_is_as_large_for_a_million_contacts_as_for_ten_thousand():
    def size(corners: int) -> int:
        x = np.linspace(1, 14_400, corners)
        one = pd.DataFrame({"duration_s": x, "outcome": "answered", "probability": 0.9 * (1 - np.exp(-x / 3_000))})
        one = one.assign(lower=one["probability"] - 0.01, upper=one["probability"] + 0.01)
        drawn = figures.plot_outcomes(one, horizon_s=14_400).figure
        return len(theme.themed_svg(drawn, title="t", description="d")[0])

    assert size(14_400) < 1.2 * size(1_200)


def test_outcomes_start_at_nothing_and_follow_the_table():
    table = outcomes()
    answered, abandoned = figures.plot_outcomes(table, horizon_s=300).lines
    assert answered.get_ydata()[0] == 0
    np.testing.assert_array_equal(answered.get_ydata()[1:], table.query("outcome == 'answered'")["probability"])
    np.testing.assert_array_equal(abandoned.get_ydata()[1:], table.query("outcome == 'abandoned'")["probability"])


def test_the_hazard_is_drawn_up_to_its_horizon():
    ax = figures.plot_hazard(hazard(), horizon_s=100)
    assert ax.lines[0].get_xdata().tolist() == list(range(0, 101, 10))
    assert set(ax.lines[0].get_ydata()) == {0.003}
    assert ax.get_ylim()[0] == 0


def test_dots_have_two_marks_and_an_honest_hollow():
    ax = figures.plot_dots(dots(), by="month")
    drawn = {line.get_label(): line for line in ax.lines}
    assert drawn["February"].get_marker() == "o"
    assert drawn["January"].get_marker() == "D"
    assert drawn["February"].get_xdata().tolist() == [0.43, 0.15]
    assert drawn["January"].get_xdata().tolist() == [0.34]
    assert drawn["_January"].get_xdata().tolist() == [0.14], "no interval: hollow"
    assert drawn["_January"].get_markerfacecolor() == theme.PAPER
    first, second = drawn["February"].get_ydata()
    assert first > second, "the first row of the table is on top"
    spans = [collection.get_segments() for collection in ax.collections]
    ends = {tuple(np.round(segment[:, 0], 9)) for group in spans for segment in group if len(segment)}
    assert {(0.41, 0.45), (0.14, 0.16), (0.32, 0.36)} <= ends


def test_five_groups_of_dots_are_refused():
    with pytest.raises(ValueError, match="5"):
        figures.plot_dots(pd.concat([dots().head(1).assign(month=str(m)) for m in range(5)]), by="month")


def test_bars_stand_at_their_hour():
    ax = figures.plot_bars_hour(hours(), value="wait_s", measure="Mean wait")
    assert [(bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in ax.patches] == [(7, 60), (8, 70), (23, 90)]
    with pytest.raises(ValueError, match="0 to 23"):
        figures.plot_bars_hour(hours().assign(hour=24), value="wait_s", measure="Mean wait")


def drawn_lines(ax) -> set:
    """Of each vertical line that is drawn: where, from, to; of marks ``to`` is where the words begin."""
    return {
        (float(s[0, 0]), float(s[0, 1])) for c in ax.collections if hasattr(c, "get_segments") for s in c.get_segments()
    }


def test_what_is_marked_is_named_above_all_that_is_drawn_with_a_line_down_to_its_place():
    ax = figures.plot_survival(curve((0.5,)), horizon_s=300, marks=MARKS)
    assert [text.get_text() for text in ax.texts[-3:]] == ["promised 5 s", "promised 10 s", "half: 4.9 min"]
    assert drawn_lines(ax) == {(5.0, 0.0), (10.0, 0.0), (295.0, 0.5)}
    top = ax.get_ylim()[1]
    assert top > 1.1
    assert max(ax.get_yticks()) <= 1.01
    for collection in ax.collections[-3:]:
        assert 1.01 < collection.get_segments()[0][1, 1] < top
    assert figures.plot_survival(curve((0.5,)), horizon_s=300).get_ylim()[1] == 1.01


def test_a_rate_is_marked_at_its_peaks():
    ax = figures.plot_hazard(hazard(), horizon_s=100, marks=[parts.Mark(20.0, "20 s", 0.003)])
    assert (20.0, 0.003) in drawn_lines(ax)
    assert ax.texts[-1].get_text() == "20 s"


def test_the_marked_bar_and_those_tied_with_it_are_strong():
    table = hours()
    ax = figures.plot_bars_hour(
        table, value="wait_s", measure="Wait", mark=parts.Mark(23, "2 tie, up to 90 s"), tied=(8,)
    )
    assert [bar.get_alpha() for bar in ax.patches] == [0.45, 0.75, 0.75]
    assert ax.texts[-1].get_text() == "2 tie, up to 90 s"
    assert (23, 99.0) in drawn_lines(ax), "from the end of its interval"
    plain = figures.plot_bars_hour(table, value="wait_s", measure="Wait")
    assert {bar.get_alpha() for bar in plain.patches} == {0.75}


def test_the_period_before_is_a_pale_line_without_a_band():
    now, before = curve((0.5,)), curve((0.4,))
    ax = figures.plot_survival(now, horizon_s=300, before=figures.Before("January 1999", before))
    line, pale = ax.lines
    assert line.get_ydata().tolist() == [1, *now["survival"]]
    assert pale.get_ydata().tolist() == [1, *before["survival"]]
    assert pale.get_zorder() < line.get_zorder()
    assert (pale.get_color(), pale.get_label()) == (theme.SOFT, "January 1999")
    assert len(ax.collections) == 1, "one band"
    named = {text.get_text(): text.get_color() for text in ax.texts}
    assert named["January\n1999"] == theme.SOFT


def test_the_hours_before_are_steps_with_gaps():
    before = pd.DataFrame({"hour": [7, 8, 10], "wait_s": [50.0, 40.0, 30.0]})
    ax = figures.plot_bars_hour(hours(), value="wait_s", measure="Wait", before=figures.Before("January 1999", before))
    rim, pale = ax.lines
    assert rim.get_color() == theme.PAPER
    heights = dict(zip(pale.get_xdata(), pale.get_ydata(), strict=True))
    assert {at: height for at, height in heights.items() if height == height} == {6.5: 50.0, 7.5: 40.0, 9.5: 30.0}
    assert len(heights) == 25
    halves = pd.DataFrame({"hour": np.arange(0, 24, 0.5), "arrivals_per_h": 2.0, "share_left_of_asked": 0.1})
    ax = figures.plot_load(halves, before=figures.Before("January 1999", halves.assign(arrivals_per_h=np.arange(48.0))))
    assert ax.lines[-1].get_xdata().tolist() == np.arange(-0.25, 24, 0.5).tolist()
    assert ax.lines[-1].get_ydata().tolist() == [*range(48), 47]


def test_days_in_a_row_are_one_shade_and_said():
    days = [date(2026, 9, day) for day in (4, 3, 9)]
    _, ax = theme.figure()
    ax.plot([date(2026, 9, 1), date(2026, 9, 30)], [0, 1])
    parts.shade_days(ax, days)
    parts.say_shaded(ax, days)
    first = date2num(date(2026, 9, 3))
    assert [(shade.get_x(), shade.get_width()) for shade in ax.patches] == [(first - 0.5, 2), (first + 5.5, 1)]
    assert [text.get_text() for text in ax.texts] == ["grey: no rows on 3 days"]
    parts.say_shaded(ax, days[:1])
    assert ax.texts[-1].get_text() == "grey: no rows on that day"
    parts.say_shaded(ax, [])
    assert len(ax.texts) == 2


def test_a_figure_can_be_drawn_on_given_axes():
    _, ax = theme.figure()
    assert figures.plot_survival(curve(), horizon_s=300, ax=ax) is ax


# Parts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("longest", "label", "ticks"),
    [
        (300, "Wait (seconds)", ["0", "60", "120", "180", "240", "300"]),
        (60, "Wait (seconds)", ["0", "10", "20", "30", "40", "50", "60"]),
        (900, "Wait (minutes)", ["0", "5", "10", "15"]),
        (86_400, "Wait (hours)", ["0", "6", "12", "18", "24"]),
        (864_000, "Wait (days)", ["0", "2", "4", "6", "8", "10"]),
    ],
)
def test_time_is_told_as_a_clock_does(longest, label, ticks):
    _, ax = theme.figure()
    ax.set(xlim=(0, longest), xlabel="Wait")
    parts.seconds(ax.xaxis, longest)
    assert ax.get_xlabel() == label
    ax.figure.draw_without_rendering()
    low, high = ax.get_xlim()
    shown = [t.get_text() for t, at in zip(ax.get_xticklabels(), ax.get_xticks(), strict=True) if low <= at <= high]
    assert shown == ticks


@pytest.mark.parametrize(("top", "text"), [(1.0, "20 %"), (0.005, "0.1 %"), (0.0005, "0.01 %")])
def test_percent_has_the_decimals_its_ticks_need(top, text):
    _, ax = theme.figure()
    ax.set_ylim(0, top)
    parts.percent(ax.yaxis)
    ax.figure.draw_without_rendering()
    assert text in [label.get_text() for label in ax.get_yticklabels()]


def test_blocks_that_are_apart_stay_where_they_are():
    assert parts.spread_apart([10, 50, 90], [10, 10, 10], 100) == [10, 50, 90]


def test_blocks_that_meet_part_evenly():
    assert parts.spread_apart([50, 50], [10, 10], 100) == [45, 55]
    assert parts.spread_apart([0, 0, 0], [10, 10, 10], 100) == [5, 15, 25]


@given(st.lists(st.tuples(st.floats(-20, 120), st.floats(1, 9)), min_size=1, max_size=10))
def test_blocks_never_overlap_and_keep_their_order(blocks):
    wanted = sorted(want for want, _ in blocks)
    sizes = [size for _, size in blocks]
    centres = parts.spread_apart(wanted, sizes, 100)
    edges = [(centre - size / 2, centre + size / 2) for centre, size in zip(centres, sizes, strict=True)]
    assert all(low >= -1e-9 and high <= 100 + 1e-9 for low, high in edges)
    assert all(before[1] <= after[0] + 1e-9 for before, after in itertools.pairwise(edges))


def test_a_distribution_of_waits_is_the_table_group_by_group():
    waits = pd.DataFrame(
        {"queue": ["a", "a", "b"], "duration_s": [10.0, 30.0, 20.0], "outcome": "answered", "contacts": [3, 1, 5]}
    )
    ax = figures.plot_wait_distribution(waits, by="queue", horizon_s=60)
    lines = {line.get_label(): line.get_xydata() for line in ax.get_lines()}
    assert list(lines) == ["b", "a"], "the largest group first"
    steps = lines["a"][1:]
    assert steps[:, 0].tolist() == [10.0, 30.0]
    assert steps[:, 1].tolist() == [0.75, 1.0]


@pytest.mark.filterwarnings("error")
def test_names_are_drawn_as_they_are_written():
    """Neither a formula nor a script that Matplotlib's own font lacks is anything but a name."""
    names = ["$x_{$ for $5", "電話"]
    dots = pd.DataFrame({"label": names, "estimate": [0.2, 0.4], "lower": 0.1, "upper": 0.5})
    ax = figures.plot_dots(dots)
    svg, _ = theme.themed_svg(ax.figure, title="t", description="d")
    for name in names:
        assert name in svg
    curve = pd.DataFrame(
        {"duration_s": [1.0, 2.0, 1.0, 2.0], "survival": [0.9, 0.8, 0.7, 0.6], "g": np.repeat(names, 2)}
    )
    svg, _ = theme.themed_svg(figures.plot_survival(curve, horizon_s=3.0, by="g").figure, title="t", description="d")
    for name in names:
        assert name in svg


def test_parts_lie_where_the_step_before_them_ends():
    bars = figures.plot_parts(steps()).patches
    found = sorted(((bar.get_y(), bar.get_x(), bar.get_width()) for bar in bars), reverse=True)
    assert [(start, length) for _, start, length in found] == [(0, 100), (60, 40), (0, 60), (20, 40), (0, 20)]
    assert sorted({bar.get_alpha() for bar in bars}) == [0.35, 0.85]
