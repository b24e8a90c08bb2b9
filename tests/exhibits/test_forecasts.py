"""What the period before said: by hand, in a sentence, and kept for the run after."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.exhibits import arrivals_next, headline_days, headline_forecast, headline_table, headlines_ahead
from cxresearch.queueing import arrivals_ahead
from cxresearch.report.archive.forecast import arrivals_scored


def two_months(seed: int = 1) -> pd.DataFrame:
    """May and June 2024, 40 contacts on a workday and 20 on other days, with chance."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2024-05-01", "2024-06-30")
    number = rng.poisson(np.where(days.day_of_week < 5, 40, 20))
    opened = np.repeat(days, number) + pd.to_timedelta(rng.integers(8, 18, number.sum()), unit="h")
    n = len(opened)
    return pd.DataFrame({"opened_at": opened, "wait_s": rng.exponential(60, n).round(), "channel": "phone",
                         "outcome": np.where(rng.random(n) < 0.2, "abandoned", "answered")})  # fmt: skip


@pytest.fixture(scope="module")
def june() -> cx.contacts.PeriodLog:
    return cx.load(two_months()).period("2024-06")


def test_the_period_before_is_said_beside_what_came(june):
    figure, scores, headlines, ahead = cx.forecast_check(june, channel="phone")
    inside = int(figure.table["inside"].sum())
    assert figure.finding.startswith(f"{inside} of 30 days lay inside the 80 % interval that May 2024 gave, ")
    assert set(scores.table["counted_by"]) == {"day", "hour"}
    told = scores.table[scores.table["counted_by"] == "day"].set_index("rule")
    assert told.loc["mean of all days", "verdict"] == "better"
    best = told.drop("forecast")["pinball"].idxmin()
    word = "better" if told.loc[best, "verdict"] == "better" else "no better than the"
    assert word in figure.finding
    assert "80 %" in headlines.finding
    assert ahead.finding.startswith("After June 2024, ")
    assert figure.plot().get_lines()


def test_a_first_period_says_what_it_expects_and_no_more():
    frame = two_months()
    alone = cx.load(frame[frame["opened_at"] >= "2024-06-01"]).period("2024-06")
    first, ahead = cx.forecast_check(alone, channel="phone")
    assert "nothing before June 2024" in first.finding
    assert len(ahead.table) == 7


def test_a_headline_is_said_at_the_weekdays_of_the_next_period(june):
    before, now = (headline_table(log, channel="phone") for log in (june.previous, june))
    table = headlines_ahead(before, now).set_index("name")
    days = june.previous.asked(("day", "weekday")).groupby("weekday")["contacts"].mean()
    weekdays = june.asked(("day", "weekday"))["weekday"]
    assert table.loc["contacts_per_day", "said"] == pytest.approx(days.loc[weekdays].mean())
    assert table.loc["contacts_per_day", "unchanged"] == pytest.approx(
        len(two_months().query("opened_at < '2024-06-01'")) / 31
    )
    assert (table["lower"] < table["said"]).all()
    assert (table["said"] < table["upper"]).all()
    shown = headline_forecast(table.reset_index(), before="May 2024")
    assert shown.finding.endswith("headlines lay inside the 80 % interval that May 2024 gave")
    assert "too few days" in headline_forecast(table.iloc[:0], before="May 2024").finding


def test_what_is_kept_is_what_is_said_and_the_next_run_scores_it(june):
    said = arrivals_next(june.previous, channel="phone")
    week = arrivals_ahead(june.previous.asked(("day", "weekday")), pd.date_range("2024-06-03", periods=7))
    assert [row["value"] for row in said] == week["median"].tolist()
    assert all(len(row["hours"]) == 10 for row in said)
    days = headline_days(june, channel="phone")
    came = june.asked(("day", "weekday"))
    expected = came.merge(week[["weekday", "lower", "upper"]], on="weekday")
    score = arrivals_scored(said, days)
    assert (score["scored"], score["inside"]) == (
        30, int(expected["contacts"].between(expected["lower"], expected["upper"]).sum()),
    )  # fmt: skip
    assert arrivals_scored([], days) is None
    assert arrivals_scored(said, None) is None


def test_on_a_channel_of_messages_nobody_is_seen_to_give_up():
    frame = two_months().assign(channel="email", outcome="answered")
    mail = cx.load(frame).period("2024-06")
    table = headline_table(mail, channel="email").set_index("name")
    assert table.loc[["lost_share", "abandonment_share"], "value"].isna().all()
    assert "nobody is seen to give up" in table.loc["lost_share", "note"]
    both = cx.load(pd.concat([two_months(), frame])).period("2024-06")
    assert "email" not in str(cx.loss_by_group(both, channel="phone").table)
