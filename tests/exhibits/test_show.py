"""What a notebook shows: one text for one value, bundles for JupyterLab and for the report, nothing half-said."""

from __future__ import annotations

import json
import math
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.exhibits import show as present
from cxresearch.exhibits.columns import column_label
from cxresearch.style import theme

HOSTILE = "</title><script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def shown(monkeypatch):
    bundles = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: bundles.append(bundle))
    return bundles


def some_axes(title="Half leave", line=(1.0, 0.5, 0.25)):
    _, ax = theme.figure()
    ax.plot(range(len(line)), line, color=theme.C1)
    ax.fill_between(range(len(line)), 0, line, color=theme.C2, alpha=theme.BAND_ALPHA)
    ax.set_title(title)
    return ax


def show(ax, **changes):
    given = {"subtitle": "Share, bank, 1999", "description": "It falls.", "kind": "estimated"} | changes
    present.show_figure(ax, **given)


# Figures ----------------------------------------------------------------------------------------------------------


def test_a_figure_is_shown_with_its_finding_lifted_out(shown):
    ax = some_axes("Half leave within a minute")
    figure = ax.figure
    show(ax, table=pd.DataFrame({"wait_s": [60.0], "share": [0.5]}), formats={"share": "share"})
    (bundle,) = shown
    content = bundle[present.FIGURE]
    assert content["finding"] == "Half leave within a minute"
    assert content["table"]["rows"] == [["60 s", "50.0 %"]]
    assert content["table"]["caption"] == "Share, bank, 1999"
    svg = bundle["image/svg+xml"]
    assert "<title" in svg
    assert "It falls.</desc>" in svg
    assert not re.search(r"<text[^>]*>[^<]*Half leave", svg), "the page sets the finding, not the drawing"
    assert figure.number not in plt.get_fignums(), "a figure left open would be shown twice"
    json.dumps(content)


def test_the_drawing_follows_the_theme_of_its_reader(shown):
    ax = some_axes()
    ax.text(1, 0.5, "written without a colour", fontsize=4)
    ax.axvline(1, color="black")
    show(ax)
    svg = shown[0]["image/svg+xml"]
    assert "var(--c1, #0b5cad)" in svg
    outside_variables = re.sub(r"var\(--[\w-]+, [^)]*\)", "", svg)
    assert not re.findall(r"#[0-9a-f]{6}\b", outside_variables)
    root = svg[: svg.index("</desc>")]
    assert 'role="img"' in root
    assert "viewBox=" in root
    assert " height=" not in svg[: svg.index(">")]
    # Unsaid black, and text too small for a telephone, are mended.
    assert "fill: var(--ink" in root
    sizes = [float(size) for size in re.findall(r"font-size: calc\(([\d.]+)px", svg)]
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])
    assert len(sizes) > 5
    assert min(sizes) * 330 / width >= 10.5


def test_text_that_is_shown_smaller_stays_level_with_its_tick(shown):
    show(some_axes())
    svg = shown[0]["image/svg+xml"]
    lines = [float(y) for y in re.findall(r'<path d="M[\d.]+ ([\d.]+)H', svg)]
    levels = re.findall(r'text-anchor: end[^>]* y="([\d.]+)" dy="([\d.]+)em"', svg)
    assert len(levels) >= 4
    for level, shift in levels:
        # Shrinking moves a foot, never the middle: the shift follows the size.
        assert float(shift) == 0.36
        assert min(abs(float(level) - line) for line in lines) < 1


def test_text_stays_text_and_is_escaped(shown):
    ax = some_axes(HOSTILE)
    ax.set_xlabel(HOSTILE)
    show(ax, description=HOSTILE, subtitle=HOSTILE)
    svg = shown[0]["image/svg+xml"]
    assert "<script" not in svg
    assert "<img" not in svg
    assert svg.count("&lt;script&gt;alert(1)") == 3  # title, desc, axis


def test_equal_figures_give_equal_bytes_and_others_do_not_clash(shown):
    for line in [(1.0, 0.5), (1.0, 0.5), (1.0, 0.4)]:
        show(some_axes(line=line))
    first, again, other = (bundle["image/svg+xml"] for bundle in shown)
    assert first == again
    ids = [set(re.findall(r' id="([^"]+)"', svg)) for svg in (first, other)]
    assert len(ids[0]) >= 3
    assert not ids[0] & ids[1]
    assert all(name.startswith(shown[0][present.FIGURE]["prefix"]) for name in ids[0])
    for svg in (first, other):
        used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
        assert used <= set(re.findall(r' id="([^"]+)"', svg))


def test_shorter_paths_draw_the_same_line():
    shorter = theme._shorter_path("M 0 10.123456 \nL 5 10.123456 \nL 5 3 \nL 5 3 \nL 7 1 \nC 1 2 3 4 5 6 \nz")
    assert shorter == "M0 10.12H5V3L7 1C1 2 3 4 5 6z"


def away(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """How far each point is from a line through corners."""
    start, along = line[:-1], np.diff(line, axis=0)
    length = (along**2).sum(axis=1)
    reach = ((points[:, None] - start) * along).sum(axis=2) / np.where(length > 0, length, 1)
    foot = start + np.clip(reach, 0, 1)[..., None] * along
    return np.hypot(*np.moveaxis(points[:, None] - foot, 2, 0)).min(axis=1)


@given(st.integers(0, 2**32 - 1), st.integers(2, 400), st.floats(0.05, 3), st.booleans())
def test_corners_are_left_out_only_where_the_line_stays(seed, number, wide, closed):
    rng = np.random.default_rng(seed)
    turns = np.cumsum(rng.exponential(wide, (number, 2)), axis=0)
    line = np.column_stack([np.repeat(turns[:, 0], 2)[1:], np.repeat(turns[:, 1], 2)[:-1]])
    line = np.vstack([line, line[::-1] + np.array([0, 2.0]), line[:1]]) if closed else line
    kept = theme.kept_corners(line, 0.3)
    assert kept[[0, -1]].all()
    assert away(line, line[kept]).max() <= 0.3 + 1e-9
    assert away(line[kept], line).max() <= 1e-9, "no corner is new"


def test_small_steps_are_a_slope_and_large_ones_stay():
    small = np.array([(x / 2, -((x + 1) // 2) / 4) for x in range(400)])
    written = "M" + " L".join(f"{x} {y}" for x, y in small)
    assert len(theme._shorter_path(written)) < len(written) / 20
    large = "M 0 0 " + " ".join(f"L {5 * (n + 1)} {n} L {5 * (n + 1)} {n + 1}" for n in range(60))
    assert theme._shorter_path(large).count("H") == 60


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "guessed"}, "kind must be one of"),
        ({"subtitle": " "}, "subtitle must be"),
        ({"description": ""}, "description must be"),
        ({"table": pd.DataFrame({"a": []})}, "no rows"),
        ({"table": pd.DataFrame({"a": [1]}), "formats": {"b": "share"}}, "formats names"),
        ({"table": pd.DataFrame({"a": [1]}), "formats": {"a": "euro"}}, "none of"),
    ],
)
def test_a_figure_that_does_not_say_what_it_is_is_refused(shown, changes, message):
    with pytest.raises(ValueError, match=message):
        show(some_axes(), **changes)
    assert not shown


def test_a_figure_without_a_finding_is_refused(shown):
    with pytest.raises(ValueError, match="get_title"):
        show(some_axes(title=""))


# Tables, headlines, points ----------------------------------------------------------------------------------------


def test_a_table_rounds_what_is_read_and_keeps_what_was_computed(shown):
    table = pd.DataFrame(
        {"queue": ["<b>VIP</b>", None], "n": [1200, 3], "share": [1 / 3, np.nan], "wait_s": [76.26, 1.0]}
    )
    present.show_table(table, caption="By queue", kind="quoted", formats={"share": "share", "wait_s": "seconds"})
    content = shown[0][present.TABLE]
    assert content["rows"] == [["<b>VIP</b>", "1,200", "33.3 %", "76 s"], ["", "3", "not known", "1.0 s"]]
    assert [column["numeric"] for column in content["columns"]] == [False, True, True, True]
    assert repr(1 / 3) in content["csv"]
    page = shown[0]["text/html"]
    assert page.count('<th scope="col"') == 4
    assert page.count('<th scope="row"') == 2
    assert "<caption>By queue (quoted)</caption>" in page
    assert "&lt;b&gt;VIP" in page


HEADLINE = {"name": "x", "label": "Gave up", "value": 0.2, "lower": 0.1, "upper": 0.3, "unit": "share"}
HEADLINE |= {"kind": "estimated", "better": "lower"}


def test_a_headline_is_recorded_as_it_was_computed(shown):
    present.record_headline(**HEADLINE, n=np.int64(12))
    content = shown[0][present.HEADLINE]
    assert content == HEADLINE | {"n": 12, "base": "", "note": "", "change": None, "target": None, "language": "en"}
    assert shown[0]["text/plain"] == "Gave up: 20.0 % (10.0 to 30.0 %; estimated)"
    present.record_headline(**HEADLINE | {"value": np.nan, "lower": None, "upper": None}, note="nobody waited")
    content = shown[1][present.HEADLINE]
    assert (content["value"], content["lower"], content["note"]) == (None, None, "nobody waited")
    json.dumps(content)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "a b"}, "identifier"),
        ({"lower": None}, "no interval"),
        ({"lower": 0.25}, "outside its interval"),
        ({"upper": 0.15}, "outside its interval"),
        ({"better": "more"}, "better must be"),
        ({"kind": "guess"}, "kind must be"),
        ({"value": "0.2"}, "finite numbers"),
        ({"value": math.inf, "upper": math.inf}, "finite numbers"),
        ({"label": ""}, "label must be"),
    ],
)
def test_a_headline_that_cannot_stand_alone_is_refused(shown, changes, message):
    with pytest.raises(ValueError, match=message):
        present.record_headline(**HEADLINE | changes)
    assert not shown


def test_main_points_are_few_and_literal(shown):
    present.main_points([("More *left*:", "5 <b> and $3")])
    assert shown[0][present.POINTS] == {"points": [["More *left*:", "5 <b> and $3"]]}
    assert shown[0]["text/markdown"] == "- **More \\*left\\*:** 5 \\<b\\> and \\$3"
    for points in ([], [("a", " ")]):
        with pytest.raises(ValueError):
            present.main_points(points)


def test_of_many_points_the_first_seven_are_chosen(shown):
    present.main_points([(f"{place}.", "b") for place in range(9)])
    assert [lead for lead, _ in shown[0][present.POINTS]["points"]] == ["0.", "1.", "2.", "3.", "4.", "5.", "6."]


def test_saying_nothing_is_refused(shown):
    present.say("## Half leave")
    assert shown == [{"text/markdown": "## Half leave"}]
    with pytest.raises(ValueError, match="markdown"):
        present.say("")


# What if ----------------------------------------------------------------------------------------------------------

SCENARIOS = pd.DataFrame({"wait_s": [20.0, 60.0], "left": [100, 400], "today": [False, True]})
ASSUMED = {"times": "left", "result": "Lost", "label": "Value", "value": 25, "lower": 0, "upper": 200, "step": 5}
ASSUMED |= {"unit": "EUR", "reason": "Nobody measured it."}


def ask(table=SCENARIOS, **changes):
    given = {"finding": "Faster keeps 300", "subtitle": "Phone", "kind": "estimated", "assumed": [ASSUMED]}
    present.what_if(table, **given | changes)


def test_a_what_if_records_every_scenario_and_what_was_computed(shown):
    ask(formats={"wait_s": "seconds"})
    content = shown[0][present.WHAT_IF]
    assert content["today"] == 1
    assert content["table"]["rows"] == [["20 s", "100", "2,500"], ["60 s", "400", "10,000"]]
    assert content["table"]["columns"][2]["label"] == "Lost, at 25 EUR (assumed)"
    assert content["assumed"][0]["values"] == [100.0, 400.0]
    assert "<table>" in shown[0]["text/html"], "JupyterLab shows the table"
    assert SCENARIOS.columns.tolist() == ["wait_s", "left", "today"], "the table is left alone"
    json.dumps(content)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"table": SCENARIOS.iloc[1:]}, "at least two"),
        ({"table": SCENARIOS.drop(columns="today")}, "0 are"),
        ({"table": SCENARIOS.assign(today=True)}, "2 are"),
        ({"assumed": [{**ASSUMED, "times": "right"}]}, "got 'right'"),
        ({"assumed": [{**ASSUMED, "value": 300}]}, "lower <= value <= upper"),
        ({"assumed": [{**ASSUMED, "step": 0}]}, "step above 0"),
        ({"assumed": [{**ASSUMED, "reason": " "}]}, "reason must be"),
        ({"assumed": [{"times": "left"}]}, "an assumption says"),
        ({"finding": ""}, "finding must be"),
        ({"kind": "guessed"}, "kind must be"),
    ],
)
def test_a_what_if_that_is_not_whole_is_refused(shown, changes, message):
    with pytest.raises(ValueError, match=message):
        ask(**changes)
    assert not shown


def test_a_counted_headline_has_no_interval_to_read(shown):
    present.record_headline(**HEADLINE | {"value": 964, "lower": 964, "upper": 964, "unit": "contacts"})
    assert shown[0]["text/plain"] == "Gave up: 964 (counted, no sampling error; estimated)"


@pytest.mark.parametrize(
    ("name", "how", "label"),
    [
        ("mean_wait_s", "number", "Mean wait (s)"),
        ("mean_wait_s", "seconds", "Mean wait"),
        ("arrivals_per_h", "number", "Arrivals per hour"),
        ("hazard_per_s", "number", "Hazard per second"),
        ("n", "count", "n"),
        ("queue", "text", "Queue"),
    ],
)
def test_columns_are_read_aloud_with_their_unit_once(name, how, label):
    assert column_label(name, how) == label
