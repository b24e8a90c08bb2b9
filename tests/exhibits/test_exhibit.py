"""An exhibit shows itself: its finding, its figure, its table and its kind, and says where there is nothing."""

from __future__ import annotations

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from cxresearch import figures
from cxresearch.exhibits import FIGURE, TABLE, Exhibit, Exhibits, nothing
from cxresearch.exhibits.show import unit_of

CURVE = pd.DataFrame({"duration_s": [10.0, 60.0], "survival": [0.9, 0.5], "lower": [0.8, 0.4], "upper": [0.95, 0.6]})


def half(**changes) -> Exhibit:
    given = {"finding": "Half leave within a minute", "table": CURVE, "subtitle": "Share, phone, February 1999",
             "draw": partial(figures.plot_survival, CURVE, horizon_s=60)}  # fmt: skip
    return Exhibit(**given | changes)


def shown(exhibit) -> list[dict]:
    bundles: list[dict] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("IPython.display.display", lambda bundle, raw: bundles.append(bundle))
        exhibit._ipython_display_()
    return bundles


def test_a_figure_keeps_finding_subtitle_kind_and_numbers_in_a_notebook_too():
    before = plt.get_fignums()
    (bundle,) = shown(half())
    page = bundle["text/html"]
    for words in (
        "Half leave within a minute",
        "Share, phone, February 1999 (estimated)",
        "60 s",
        "data:image/svg+xml",
    ):
        assert words in page, words
    assert bundle[FIGURE]["table"]["rows"][1] == ["60 s", "50.0 %", "40.0 %", "60.0 %"]
    assert plt.get_fignums() == before, "nothing is left open to be drawn a second time"


def test_simulated_cannot_be_missed():
    simulated = half(kind="SIMULATED")
    (bundle,) = shown(simulated)
    assert "SIMULATED data" in bundle["text/html"].split("<figcaption>")[0]
    ax = simulated.plot()
    assert ax.get_title().startswith("SIMULATED. ")
    plt.close(ax.figure)


def test_it_draws_on_axes_of_ones_own_and_gives_its_table():
    _, (left, right) = plt.subplots(1, 2)
    assert half().plot(left) is left
    assert nothing("Nobody gave up").plot(right).get_title() == "Nobody gave up"
    assert left.get_title() == "Half leave within a minute"
    assert half().table is CURVE
    plt.close("all")


def test_what_is_not_there_is_said_in_its_place():
    assert shown(nothing("Nobody gave up")) == [{"text/markdown": "Nobody gave up."}]


def test_prose_stands_before_the_table_and_a_sentence_alone_is_shown_once():
    first, second = shown(half(draw=None, says="## Half\n\nThey leave.", caption="Shares"))
    assert first == {"text/markdown": "## Half\n\nThey leave."}
    assert second[TABLE]["caption"] == "Shares"
    assert shown(Exhibit(finding="F", says="They leave.")) == [{"text/markdown": "They leave."}]


def test_several_stand_in_a_row_and_none_show_nothing():
    several = Exhibits([nothing("One")]) + Exhibits([nothing("Two")])
    assert [bundle["text/markdown"] for bundle in shown(several)] == ["One.", "Two."]
    assert shown(Exhibits([])) == []
    assert "<p>One.</p>" in several[0]._repr_html_()


def test_only_the_rows_that_are_shown_are_on_the_page():
    (bundle,) = shown(half(shown=CURVE.head(1)))
    assert len(bundle[FIGURE]["table"]["rows"]) == 1


@pytest.mark.parametrize(
    ("columns", "units"),
    [
        ({"queue": "a", "queued": 3, "share_left_of_queued": 0.1, "lower": 0.0, "upper": 0.2, "mean_wait_s": 5.0},
         ["text", "count", "share", "share", "share", "seconds"]),
        ({"duration_s": 1.0, "hazard_per_s": 0.1, "lower": 0.0}, ["seconds", "number", "number"]),
        ({"hour": 8, "weekday": 1, "arrivals_per_h": 2.5}, ["text", "text", "number"]),
        ({"survival": 0.5, "se": 0.1, "difference": 0.1, "p_value": 0.04}, ["share", "points", "points", "p"]),
        ({"mean_wait_lower_s": 4.0, "survival_inside_hours": 0.5, "contained_share": 0.2, "today": True},
         ["seconds", "share", "share", "text"]),
    ],
)  # fmt: skip
def test_a_unit_follows_the_columns_name(columns, units):
    assert list(unit_of(pd.DataFrame([columns])).values()) == units


def test_what_is_given_goes_before_the_name_and_limits_follow_it():
    table = pd.DataFrame([{"estimate": 0.5, "lower": 0.4, "se": 0.1}])
    assert unit_of(table, {"estimate": "share"}) == {"estimate": "share", "lower": "share", "se": "points"}
