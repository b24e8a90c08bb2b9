"""A log with dates and no times of day: nothing is said of hours, of agents or of who called again within the hour."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

import cxresearch as cx
from cxresearch.contacts import LogQuestionError, load

FORMAT = {"opened_at": {"column": "opened_at", "format": "%Y-%m-%d"}}


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    rng = np.random.default_rng(1)
    n = 1500
    path = tmp_path_factory.mktemp("dates") / "log.csv"
    pd.DataFrame({
        "opened_at": (pd.Timestamp("2026-09-01") + pd.to_timedelta(np.sort(rng.integers(0, 61, n)), unit="D")).strftime("%Y-%m-%d"),
        "channel": "phone", "queue": rng.choice(["a", "b"], n), "customer_key": rng.integers(1, 400, n),
        "wait_s": rng.exponential(60, n).round(1), "outcome": np.where(rng.random(n) < 0.2, "abandoned", "answered"),
        "handle_s": 200, "promised_s": rng.choice([30, 60], n),
    }).to_csv(path, index=False)  # fmt: skip
    return path


def test_it_is_asked_first(log):
    with pytest.raises(LogQuestionError, match="no time of day"):
        load(log).counts  # noqa: B018


def test_what_needs_hours_says_so_and_the_rest_stands(log):
    month = load(log, mapping=FORMAT).period("2026-10")
    mine = month.only(channel="phone")
    assert not mine.times_known
    day = cx.day_of(mine)
    of_hours = [
        cx.loss_by_hour(mine), cx.loss_by_week_hour(mine), cx.patience_inside_hours(mine), cx.hazard_ratios(mine),
        cx.proportional_hazards(mine), cx.loss_regression(mine, smf.glm, formula="left + stayed ~ C(queue)", family=sm.families.Binomial()),
        *cx.mean_patience(mine, rng=np.random.default_rng(1)), *cx.promised(mine),
        cx.day_load(day), cx.staffing(day, most_abandoned=0.05), cx.redials(day), cx.scenarios(day, evening_experts=2),
        cx.promise_what_if(day, promises_s=[60.0], contact_value=1.0, currency="EUR"),
        cx.busiest_hour_team(day, most_abandoned=0.05, replicates=2, rng=np.random.default_rng(1)),
        cx.action_box(month, channel="phone"), cx.backtest(month, channel="phone"),
    ]  # fmt: skip
    for exhibit in of_hours:
        assert "dates without a time of day" in exhibit.finding
        assert exhibit.table.empty
        assert exhibit.draw is None
    assert "open_from" not in cx.calendar(mine).table
    assert list(cx.calendar(mine).bundles()), "it shows itself without the hours"
    assert month.after_leaving is None
    assert not cx.main_points(month, channel="phone").table.to_string().count(" h ")
    assert cx.patience_curve(mine).draw is not None
    headlines = cx.headlines(month, channel="phone").table.set_index("name")["value"]
    assert headlines["lost_share"] > 0
    assert np.isnan(headlines["lost_for_good_share"])


def test_a_few_contacts_at_night_are_contacts_at_night():
    rows = pd.DataFrame(
        {
            "opened_at": pd.to_datetime(["2026-10-01 00:10", "2026-10-02 00:20"]),
            "wait_s": [1.0, 2.0],
            "outcome": "answered",
        }
    )
    assert load(rows).period("2026-10").times_known
