"""Tickets: each exhibit says what it found, or why it found nothing; headlines with their base; calls are not tickets."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.contacts import LogError
from cxresearch.exhibits import TICKET_MEASURES, period, ticket_headlines, ticket_numbers, tickets_of, tickets_of_period
from cxresearch.exhibits.changes import change_table
from cxresearch.exhibits.exhibit import Exhibits
from tests.exhibits.odd_logs import NAME, every_exhibit_of_tickets, odd_logs, plain_log
from tests.exhibits.test_period import NO_NUMBER, said

MADE = {"promise_s": 14_400.0, "again_h": 24.0}
MAIL = {"channel": "email", "outcome": "answered", "promised_s": None, "handle_s": None, "queued": None}
ODD = {name: frame for name, frame in odd_logs().items() if name in (
    "e-mail only", "e-mail that nobody answered", "nobody gave up", "all channels, no customer")} | {
    "no customer, no channel": plain_log(channel=None, customer_key=None, outcome="answered"),
    "a promise of 0": plain_log(**{**MAIL, "promised_s": 0.0}),
    "all open": plain_log(**{**MAIL, "outcome": "open"}),
    "all in one second": plain_log(**{**MAIL, "opened_at": pd.Timestamp("2024-05-06 12:00:00")}),
}  # fmt: skip


def months(late: float = 1.0, *, seed: int = 1) -> pd.DataFrame:
    """Two months of tickets; in the second the answers take ``late`` times as long."""
    rng = np.random.default_rng(seed)
    n = 4_000
    opened = pd.Timestamp("2024-04-01") + pd.to_timedelta(rng.integers(0, 61 * 86_400, n), unit="s")
    wait = rng.exponential(8_000, n) * np.where(opened >= pd.Timestamp("2024-05-01"), late, 1.0)
    frame = pd.DataFrame({"opened_at": opened, "wait_s": wait.round(), "outcome": "answered", "channel": "email",
                          "customer_key": rng.integers(0, 900, n).astype(str)}).sort_values("opened_at", ignore_index=True)  # fmt: skip
    left = (frame["opened_at"].max() - frame["opened_at"]).dt.total_seconds()
    frame.loc[frame["wait_s"] > left, "outcome"] = "open"
    return frame.assign(wait_s=np.minimum(frame["wait_s"], left))


FIRST = ("e-mail that nobody answered", "no customer, no channel")


@pytest.mark.parametrize("odd", [pytest.param(name, marks=[] if name in FIRST else pytest.mark.slow) for name in ODD])
def test_every_exhibit_of_odd_tickets_says_something(odd):
    month = cx.load(ODD[odd]).period(NAME)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, make in every_exhibit_of_tickets(month):
            made = make()
            for exhibit in made if isinstance(made, Exhibits) else (made,):
                assert exhibit.finding.strip(), name
                for bundle in exhibit.bundles():
                    assert not NO_NUMBER.findall(said(bundle)), f"{name}: {exhibit.finding}"


def test_a_headline_names_its_base_and_is_the_number_of_its_exhibit():
    month = cx.load(months()).period(NAME)
    table = ticket_headlines(month, **MADE).set_index("name")
    assert [*table.index] == ["tickets", "tickets_per_day", "median_first_answer_s", "unanswered_after_promise_share",
                              "backlog", "asked_again_share"]  # fmt: skip
    assert (table["base"] != "").all()
    assert set(TICKET_MEASURES) < set(table.index)
    shown = tickets_of_period.first_answer(month, promise_s=MADE["promise_s"]).table.iloc[0]
    assert shown["median_first_answer_s"] == table.loc["median_first_answer_s", "value"]
    assert shown["median_lower_s"] == pytest.approx(table.loc["median_first_answer_s", "lower"])
    late = tickets_of_period.after_promise(month, promise_s=MADE["promise_s"]).table.iloc[0]
    assert late["unanswered_after_promise_share"] == table.loc["unanswered_after_promise_share", "value"]
    assert late["lower"] == pytest.approx(table.loc["unanswered_after_promise_share", "lower"])
    assert tickets_of_period.backlog(month).table["unanswered"].iloc[-1] == table.loc["backlog", "value"]
    again = tickets_of_period.asking_again(month, again_h=24.0).table.iloc[0]
    assert again["asked_again_share"] == pytest.approx(table.loc["asked_again_share", "value"])


def test_the_time_to_an_answer_asks_nobody_who_came_again(monkeypatch):
    month = cx.load(months()).period(NAME)
    before = tickets_of_period.after_promise(month, promise_s=MADE["promise_s"]).table
    monkeypatch.setattr(ticket_numbers, "next_of_customers", None)
    pd.testing.assert_frame_equal(tickets_of_period.after_promise(month, promise_s=MADE["promise_s"]).table, before)


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (["answered"], "All have an answer."),
        (["answered", "answered", "abandoned"], "Of 120 tickets 40 were given up or closed without one: they count as waiting until then."),
        (["answered", "open", "abandoned"], "Of 120 tickets 40 had none when the log ended and 40 were given up or closed without one: they"),
    ],
)  # fmt: skip
def test_who_has_no_answer_is_said_whatever_the_reason(ends, said):
    frame = plain_log(**{**MAIL, "outcome": [ends[n % len(ends)] for n in range(120)]})
    assert said in tickets_of_period.first_answer(cx.load(frame).period(NAME)).says


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (0, "The log does not say what was promised: 4 h is taken for all (promise_s)."),
        (30, "For 90 of 120 tickets the log does not say what was promised: 4 h is taken for these (promise_s)."),
        (120, ""),
    ],
)
def test_promises_that_are_taken_are_counted(known, said):
    frame = plain_log(**{**MAIL, "promised_s": [60.0 if n < known else np.nan for n in range(120)]})
    says = tickets_of_period.after_promise(cx.load(frame).period(NAME), promise_s=14_400.0).says
    assert said in says
    assert ("promise_s" in says) == bool(said)
    headlines = ticket_headlines(cx.load(frame).period(NAME), **MADE).set_index("name")
    base = headlines.loc["unanswered_after_promise_share", "base"]
    assert base.endswith(
        {0: "; for all of them 4 h is taken as promised", 30: "; for 90 of them 4 h is taken as promised"}.get(
            known, "log"
        )
    )


def test_slower_answers_are_found_and_equal_ones_are_not():
    verdicts = {}
    for late in (1.0, 1.6):
        month = cx.load(months(late)).period(NAME)
        moved = change_table(*(ticket_headlines(log, **MADE) for log in (month, month.previous))).set_index("name")
        verdicts[late] = moved["verdict"]
        assert moved.loc["tickets", "verdict"] == moved.loc["backlog", "verdict"] == "nothing to compare"
        if late > 1:
            slower = moved.loc["median_first_answer_s"]
            assert slower["difference_lower"] < 0.6 * 8_000 * math.log(2) < slower["difference_upper"]
    assert verdicts[1.6][["median_first_answer_s", "unanswered_after_promise_share"]].tolist() == ["rose", "rose"]
    assert not verdicts[1.0].isin(["rose", "fell"]).any()


def test_a_promise_that_changed_is_no_change_of_service():
    """The same tickets, half the time promised in May: more are late, and that is told as another number."""
    frame = months()
    frame["promised_s"] = np.where(frame["opened_at"] >= pd.Timestamp("2024-05-01"), 14_400.0, 28_800.0)
    month = cx.load(frame).period(NAME)
    moved = tickets_of_period.ticket_changes(month).set_index("name")
    late = moved.loc["unanswered_after_promise_share"]
    assert (late["verdict"], late["note"]) == ("nothing to compare", "what was promised changed from 8 h to 4 h")
    assert math.isnan(late["previous"])
    assert moved.loc["median_first_answer_s", "verdict"] == "not distinguishable from no change"
    points = " ".join(tickets_of_period.tickets_happened(month)[-1].table["sentence"])
    assert "nothing of April 2024 to compare with (what was promised changed from 8 h to 4 h)" in points
    assert set(
        tickets_of_period.ticket_run_charts(month)
        .table.query("name == 'unanswered_after_promise_share'")["day"]
        .dt.month
    ) <= {5}
    alike = cx.load(frame.assign(promised_s=np.where(np.arange(len(frame)) % 100 == 0, 60.0, 14_400.0))).period(NAME)
    assert ticket_numbers.promise_changed(alike, 14_400.0) == ""
    mixed = frame.assign(promised_s=frame["promised_s"].where(np.arange(len(frame)) % 2 == 0, 28_800.0))
    assert ticket_numbers.promise_changed(cx.load(mixed).period(NAME), 14_400.0).startswith(
        "what was promised is another time for "
    )


def test_a_lead_says_what_its_number_is_of():
    """Half as many tickets, answered later: a larger share is late, of fewer tickets, and no customer more asks again."""
    frame = months(1.6)
    frame = frame[(frame["opened_at"] < pd.Timestamp("2024-05-01")) | (np.arange(len(frame)) % 2 == 0)]
    points = tickets_of_period.tickets_happened(cx.load(frame).period(NAME), promise_s=14_400.0)[-1].table.set_index(
        "lead"
    )["sentence"]
    assert (
        points["A larger share was answered late."].split(" of the tickets were unanswered after ")[1].startswith("4 h")
    )
    assert " tickets came per day with any, down " in points["Fewer tickets came a day."]
    (again,) = (said for said in points if "asked again" in said)
    assert " of the tickets whose customer is known the customer asked again" in again


def test_calls_are_left_out_and_a_log_of_calls_has_no_tickets():
    mixed = pd.concat([plain_log(), months()])
    month = cx.load(mixed).period(NAME)
    assert tickets_of(month).cells["channel"].unique().tolist() == ["email"]
    steps = tickets_of_period.ticket_account(month).table.set_index("step")["rows"]
    assert steps["contacts on other channels, not in this report"] == 120
    assert steps["Rows of the period"] == 120 + steps["tickets"]
    with pytest.raises(LogError, match="cxresearch report monthly --period 2024-05"):
        tickets_of(cx.load(plain_log()).period(NAME))


def test_a_call_before_the_answer_is_a_switch_of_channel():
    mail = plain_log(**{**MAIL, "wait_s": 20_000.0}).sort_values("opened_at", ignore_index=True)
    mail["customer_key"] = [str(n) for n in range(1, 121)]  # 0 is nobody
    calls = plain_log(40, opened_at=mail["opened_at"][:40] + pd.Timedelta("1h"), customer_key=[str(n) for n in range(1, 41)],
                      contact_id=[f"c{n}" for n in range(40)])  # fmt: skip
    month = cx.load(pd.concat([mail, calls])).period(NAME)
    for channel in ("", "email"):
        table = tickets_of_period.channel_switches(month, channel=channel, again_h=6.0).table
        assert table.loc[0, ["channel", "switched", "most_to"]].tolist() == ["email", 40, "phone"]
        again = tickets_of_period.asking_again(month, channel=channel, again_h=6.0).table.iloc[0]
        assert (again["asked_again_share"] * again["tickets"]).round() >= 40
        headlines = ticket_headlines(tickets_of(month, channel=channel), promise_s=14_400.0, again_h=6.0).set_index(
            "name"
        )
        assert headlines.loc["asked_again_share", "value"] == pytest.approx(again["asked_again_share"])


def test_a_channel_without_a_backlog_has_none_and_the_log_goes_on():
    quick = months().assign(channel="social", wait_s=60.0, outcome="answered")
    quick = quick[quick["opened_at"].dt.hour < 20]
    month = cx.load(pd.concat([months(), quick])).period(NAME)
    exhibit = tickets_of_period.backlog(month, channel="social")
    assert exhibit.finding == "0 tickets stood without an answer at the end of 30 May 2024, as on every day"
    row = ticket_headlines(tickets_of(month, channel="social"), **MADE).set_index("name").loc["backlog"]
    assert (row["value"], row["label"]) == (0, "Backlog at the end of 30 May 2024")


@pytest.mark.parametrize(
    ("changes", "exhibit", "why"),
    [
        ({"customer_key": None}, "asking_again", "No customer is known"),
        ({}, "channel_switches", "one channel at most"),
        ({"outcome": "open"}, "first_answer", "No ticket was answered"),
        ({"outcome": "open", "wait_s": 10.0}, "after_promise", "No ticket was watched"),
    ],
)
def test_what_tickets_cannot_say_is_said_in_a_sentence(changes, exhibit, why):
    (bundle,) = getattr(tickets_of_period, exhibit)(cx.load(plain_log(**{**MAIL, **changes})).period(NAME)).bundles()
    assert why in bundle["text/markdown"]
    assert bundle["text/markdown"].endswith(".")


def test_a_report_of_calls_does_not_say_that_nobody_gave_up_on_tickets():
    month = cx.load(months()).period(NAME)
    mine = month.only(channel="email")
    for name in ("loss_by_hour", "loss_by_week_hour"):
        assert "cxresearch report tickets" in getattr(period, name)(mine).finding
    table = period.changes(month, channel="email").set_index("name")
    hidden = ["abandonment_share", "lost_share", "lost_for_good_share", "mean_wait_s", "mean_answer_s"]
    assert table.loc[hidden, "value"].isna().all()
    assert "gave up" not in period.bridge(mine).finding
    points = period.main_points(month, channel="email").table.set_index("lead")["sentence"]
    assert "cxresearch report tickets" in points["Nobody is seen to give up."]
