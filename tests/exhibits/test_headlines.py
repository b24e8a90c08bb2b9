"""The numbers a report leads with, how they moved, and the sentences that say so."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.contacts import LogError, PeriodLog, load
from cxresearch.exhibits import change_points, change_table, change_text, days_of, headline_days, headlines, period
from cxresearch.exhibits.changes import NOT_TOLD
from cxresearch.exhibits.headlines import headline_table
from cxresearch.exhibits.show import HEADLINE, POINTS


def log(**changes) -> pd.DataFrame:
    frame = {
        "opened_at": pd.to_datetime(["1999-01-05", "1999-01-06", "1999-02-05", "1999-02-28 23:50"], format="ISO8601"),
        "wait_s": [10.0, 90.0, 10.0, 100.0], "outcome": ["abandoned", "answered", "abandoned", "answered"],
        "channel": "phone", "queue": "a",
    }  # fmt: skip
    return pd.DataFrame({**frame, **changes})


def february(frame: pd.DataFrame) -> PeriodLog:
    return load(frame).period("1999-02")


def some(waits: list[tuple[float, str, int]], at_once: int = 0) -> PeriodLog:
    """A February of these waits (seconds, outcome, how many)."""
    rows = [(wait, outcome, True) for wait, outcome, n in waits for _ in range(n)] + [
        (0.0, "answered", False)
    ] * at_once
    frame = pd.DataFrame(rows, columns=["wait_s", "outcome", "queued"])
    return february(frame.assign(opened_at=pd.Timestamp("1999-02-03 10:00"), channel="phone"))


def weeks(per_day, *, first="1999-02-01", days=28) -> PeriodLog:
    """A February whose day ``d`` (0, 1, ...) holds the waits ``per_day(d)``: (seconds, outcome, queued, how many)."""
    rows = [
        (pd.Timestamp(first) + pd.Timedelta(day, "D"), wait, outcome, queued)
        for day in range(days) for wait, outcome, queued, n in per_day(day) for _ in range(n)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["opened_at", "wait_s", "outcome", "queued"])
    return february(frame.assign(channel="phone"))


def uneven(day: int):
    """Days that differ: two to six of ten in the queue give up."""
    lost = 2 + day * 7 % 5
    return [
        (10.0 + day % 9, "abandoned", True, lost),
        (90.0 - day % 9, "answered", True, 10 - lost),
        (0.0, "answered", False, 10),
    ]


def test_headlines_worked_by_hand():
    waits = [(10.0, "abandoned", 1), (15.0, "answered", 1), (100.0, "answered", 2)]
    rows = headline_table(some(waits, at_once=5), channel="phone").set_index("name")
    expected = {
        "contacts": 9, "contacts_per_day": 9, "abandonment_share": 1 / 4, "lost_share": 1 / 9, "queued_share": 4 / 9,
        "service_level": 6 / 9, "mean_answer_s": 215 / 8, "mean_wait_s": 225 / 4, "patience_survival_60s": 3 / 4,
        "lost_for_good_share": math.nan,
    }  # fmt: skip
    assert list(rows.index) == list(expected)
    assert rows["value"].to_dict() == pytest.approx(expected, nan_ok=True)
    assert rows["n"].to_dict() == {
        "contacts": 9, "contacts_per_day": 1, "abandonment_share": 4, "lost_share": 9, "queued_share": 9,
        "service_level": 9, "mean_answer_s": 8, "mean_wait_s": 4, "patience_survival_60s": 4,
        "lost_for_good_share": 0,
    }  # fmt: skip
    assert rows.loc["contacts", ["lower", "upper"]].tolist() == [9, 9]
    assert rows["lower"].iloc[1:].isna().all()
    assert rows.loc["lost_for_good_share", "note"] == "no customer is known who could be followed for 24 hours"
    assert set(rows["note"].iloc[1:-1]) == {"one day: too few for an interval"}
    assert rows["better"].tolist() == ["", "", "lower", "lower", "lower", "higher", "lower", "lower", "higher", "lower"]
    assert rows.loc["service_level", "label"] == "Answered within 20 s, of all who asked (phone)"
    assert rows.loc[["abandonment_share", "lost_share"], "base"].tolist() == ["contacts that queued", "all who asked"]
    assert (
        headline_table(some(waits), channel="phone", target_s=10).set_index("name").loc["service_level", "value"] == 0
    )


def test_bots_are_not_asked_and_open_contacts_are():
    frame = log(
        outcome=["abandoned", "answered", "deflected", "open"], queued=[True, True, False, False],
        opened_at=pd.Timestamp("1999-02-03"),
    )  # fmt: skip
    rows = headline_table(february(frame), channel="phone").set_index("name")
    assert rows.loc["lost_share", ["value", "n"]].tolist() == [pytest.approx(1 / 3), 3]
    assert rows.loc["contacts_per_day", "value"] == 4


def test_nobody_gave_up_or_nobody_waited_a_minute_or_nobody_queued():
    def told(*waits, **more):
        return headline_table(some(list(waits), **more), channel="phone").set_index("name")[["value", "note"]]

    value, note = told((100.0, "answered", 3)).loc["patience_survival_60s"]
    assert math.isnan(value)
    assert note == "nobody gave up, so patience cannot be seen"
    value, note = told((5.0, "abandoned", 1), (6.0, "answered", 3)).loc["patience_survival_60s"]
    assert math.isnan(value)
    assert note == "nobody was seen to wait a minute"
    assert told((5.0, "abandoned", 1)).loc["patience_survival_60s", "value"] == 0, "everybody has gone"
    assert told((5.0, "abandoned", 1)).loc["mean_answer_s", "note"] == "nobody was answered"
    none = told(at_once=3).drop("lost_for_good_share")
    assert none.index[none["value"].isna()].tolist() == ["abandonment_share", "mean_wait_s", "patience_survival_60s"]
    assert set(none["note"][none["value"].isna()]) == {"nobody queued"}


def test_intervals_take_the_day_as_the_unit():
    rows = headline_table(weeks(uneven), channel="phone").set_index("name")
    row = rows.loc["abandonment_share"]
    assert row["lower"] < row["value"] < row["upper"]
    # Ten times the contacts on the same days say no more of what days are like.
    ten = headline_table(weeks(lambda d: [(*what, 10 * n) for *what, n in uneven(d)]), channel="phone").set_index(
        "name"
    )
    assert ten.loc["abandonment_share", ["lower", "upper"]].tolist() == pytest.approx([row["lower"], row["upper"]])
    assert ten.loc["contacts_per_day", "value"] == 200
    # Every day alike in how many came, and nobody differs: no spread to go by.
    assert rows.loc["contacts_per_day", "note"] == "the same on every day: no spread between days to go by"
    assert rows.loc["abandonment_share", "note"] == ""


def test_a_share_of_none_or_all_has_no_interval():
    rows = headline_table(weeks(lambda day: [(30.0 + day, "answered", True, 3)]), channel="phone").set_index("name")
    for name, value in (("lost_share", 0), ("queued_share", 1)):
        assert rows.loc[name, "value"] == value
        assert math.isnan(rows.loc[name, "lower"])
        assert rows.loc[name, "note"] == "the same on every day (none or all): no spread between days to go by"


def test_few_days_take_their_spread_from_the_month_before():
    def days(day):
        return uneven(day * 3)

    few = weeks(days, first="1999-01-01", days=34)  # January and three days
    row = headline_table(few, channel="phone").set_index("name").loc["abandonment_share"]
    assert row["lower"] < row["value"] < row["upper"]
    assert row["note"] == "3 days: the spread between days is that of January 1999"
    alone = headline_table(weeks(days, days=3), channel="phone").set_index("name").loc["abandonment_share"]
    assert (alone["note"], math.isnan(alone["lower"])) == ("three days: too few for an interval", True)


def test_few_days_take_nothing_from_a_month_whose_days_hang_together():
    def slow_swing(day):
        lost = 5 + round(4 * math.sin(day / 4))
        return [(10.0, "abandoned", True, lost), (90.0, "answered", True, 11 - lost)]

    row = headline_table(weeks(slow_swing, first="1999-01-01", days=34), channel="phone").set_index("name")
    assert math.isnan(row.loc["abandonment_share", "lower"])
    assert "hang together" in row.loc["abandonment_share", "note"]


REFERENCE = {
    "gave_up_of_queued": "abandonment_share", "lost_of_all": "lost_share", "service_level": "service_level",
    "mean_wait_queued_s": "mean_wait_s", "mean_time_to_answer_s": "mean_answer_s",
    "still_waiting_60s": "patience_survival_60s",
}  # fmt: skip


def test_the_bank_agrees_with_the_reference(bank, shared):
    told = json.loads((shared / "reference" / "patience" / "day_intervals.json").read_text())[
        "product cleaning (load_contacts)"
    ]
    for month, table in bank.items():
        rows = table.set_index("name")
        for known in told[month]:
            if known["name"] in REFERENCE:
                row = rows.loc[REFERENCE[known["name"]]]
                assert row[["value", "lower", "upper"]].tolist() == pytest.approx(
                    [known["estimate"], known["lower"], known["upper"]], rel=1e-9
                ), (month, known["name"])
        days = table.attrs["days"]
        square = days["influence"].pow(2).groupby(days["name"]).sum()
        for name, known in told[f"{month} sum of squared influence"].items():
            assert square[REFERENCE[name]] == pytest.approx(known, rel=1e-9)


def test_days_travel_with_the_table_and_outlive_a_file(tmp_path):
    table = headline_table(weeks(uneven), channel="phone")
    days = table.attrs["days"]
    assert list(days.columns) == ["name", "day", "weekday", "weight", "influence", "queued", "top", "below"]
    assert days.groupby("name").size().to_dict() == dict.fromkeys(table["name"][1:], 28)
    assert days["weekday"].iloc[:7].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert (days.groupby("name")["influence"].sum().abs() < 1e-12).all()
    days.to_parquet(tmp_path / "days.parquet", index=False)
    kept, made = days_of(pd.read_parquet(tmp_path / "days.parquet")), days_of(days)
    assert (kept.day == made.day).all()
    for name in made.top:
        assert np.array_equal(kept.top[name], made.top[name])
        assert np.array_equal(kept.below[name], made.below[name])


@pytest.mark.parametrize(
    "broken",
    [
        None, "text", pd.DataFrame({"name": ["lost_share"]}), lambda d: d.iloc[:0], lambda d: d.assign(top=1.0),
        lambda d: d.assign(weekday=9), lambda d: d.assign(day="soon"), lambda d: d.assign(name="other"),
        lambda d: pd.concat([d, d]), lambda d: d.iloc[1:],
    ],
)  # fmt: skip
def test_what_is_no_table_of_days_is_refused(broken):
    days = headline_days(weeks(uneven), channel="phone")
    assert days_of(broken(days) if callable(broken) else broken) is None


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
@pytest.mark.slow
def test_finer_cells_give_the_same_days(seed):
    """Queue, hour and promise only cut the cells smaller: their sums by day are what counts."""
    month = weeks(uneven, days=6)
    rng = np.random.default_rng(seed)
    cells = month.cells.assign(contacts=month.cells["contacts"] - 1, hour=9)
    parts = pd.concat([cells, month.cells.assign(contacts=1, hour=rng.integers(0, 24, len(cells)))], ignore_index=True)
    finer = replace(month, cells=parts.sample(frac=1, random_state=seed % 1000, ignore_index=True))
    one, other = (headline_table(log, channel="phone") for log in (month, finer))
    pd.testing.assert_frame_equal(one, other)


def test_a_simulated_log_makes_simulated_headlines():
    assert set(headline_table(february(log()), channel="phone")["kind"]) == {"estimated"}
    assert set(headline_table(february(log(simulated=True)), channel="phone")["kind"]) == {"SIMULATED"}


def test_a_channel_without_contacts_is_named():
    with pytest.raises(LogError, match="no contact has the channel 'chat'; there are phone"):
        headline_table(february(log()), channel="chat")


@pytest.fixture
def moved() -> pd.DataFrame:
    """What a change table says, without the days behind it."""
    rows = [
        ("contacts", "Contacts", 31_125, 31_125, 31_125, "contacts", 30_161, *[math.nan] * 3, "nothing to compare"),
        ("contacts_per_day", "Per day", 1_111.6, 1_028, 1_201, "contacts", 1_040, 7, -173, 187, NOT_TOLD),
        ("abandonment_share", "A", 0.219, 0.19, 0.25, "share", 0.186, 0.034, 0.004, 0.071, NOT_TOLD),
        ("lost_share", "L", 0.127, 0.1, 0.15, "share", 0.103, 0.034, 0.025, 0.042, "rose"),
        ("queued_share", "Q", 0.58, 0.5, 0.65, "share", 0.55, 0.02, -0.1, 0.14, NOT_TOLD),
        ("mean_wait_s", "W", 75.7, 67, 85, "s", 88.1, -12.4, -20, -5, "fell"),
    ]  # fmt: skip
    columns = ["name", "label", "value", "lower", "upper", "unit", "previous", "difference", "difference_lower",
               "difference_upper", "verdict"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).assign(note="")


def test_main_points_lead_with_what_happened_and_respect_the_interval(moved):
    points = shown_points(
        headlines.main_points(moved, "January 1999", who=[("Half were of one queue.", "Two of four.")])
    )
    rest = "2 other changes cannot be told from no change."
    assert list(points) == ["A larger share was lost.", "Half were of one queue.", "The queue was faster.", rest]
    assert points["A larger share was lost."] == (
        "12.7 % of all who asked gave up, up 3.4 points from January 1999 at equal weekdays (95 % interval 2.5 to 4.2 "
        "points)."
    )
    assert (
        "down 12 s from January 1999 at equal weekdays (95 % interval 5.0 to 20 s)" in points["The queue was faster."]
    )
    # The own interval of the first leaves out zero, its verdict among several does not.
    assert points[rest] == (
        "With the 95 % interval of the change since January 1999: 21.9 % of those who queued gave up (0.4 to 7.1 points, "
        "among several); 1,112 contacts came per open day (−173 to 187)."
    )
    alone = dict(change_points(moved, "January 1999"))
    assert "not distinguishable from no change among several" in alone["Giving up in the queue."]
    assert alone["Contacts."].startswith("1,112 contacts came per open day; against January 1999 not distinguishable")
    assert "a change of 180 would have been seen)." in alone["Contacts."], "half of the width of the interval"
    overview = headlines.change_overview(moved, now="February 1999", before="January 1999")
    assert overview.finding == "Two of five changes can be told from chance"


def shown_points(exhibit) -> dict[str, str]:
    (bundle,) = exhibit.bundles()
    return dict(bundle[POINTS]["points"])


def test_nothing_to_compare_is_said():
    alone = change_table(headline_table(weeks(uneven), channel="phone"), None)
    points = shown_points(headlines.main_points(alone, "January 1999"))
    assert "there is nothing of January 1999 to compare with." in points["Contacts lost."]
    overview = headlines.change_overview(alone, now="February 1999", before="January 1999")
    assert overview.finding == "There is nothing before February 1999 to compare with"
    assert set(change_text(alone)["change"]) == {"not known"}
    few = change_table(alone.drop(columns="previous"), alone)
    overview = headlines.change_overview(few, now="February 1999", before="January 1999")
    assert overview.finding == "Whether anything changed since January 1999 cannot be told"
    assert (
        "whether it changed from January 1999 cannot be told"
        in dict(change_points(few, "January 1999"))["Contacts lost."]
    )


def test_every_headline_is_recorded_with_its_base_also_where_nobody_queued():
    for month in (february(log()), some([], at_once=2)):
        recorded = [bundle[HEADLINE] for bundle in period.headlines(month, channel="phone").bundles()]
        assert [h["name"] for h in recorded] == headline_table(month, channel="phone")["name"].tolist()
        assert all(h["base"] for h in recorded)
        assert all(h["note"] for h in recorded if h["value"] is None)


def test_lost_for_good_is_of_all_who_asked_with_a_known_customer():
    """Of five known who asked and could be followed, two gave up, and one of them was not answered within a day."""
    opened = pd.to_datetime(["1999-02-03 09:00", "1999-02-03 10:00", "1999-02-03 11:00", "1999-02-04 09:00",
                             "1999-02-05 09:00", "1999-02-09 09:00", "1999-02-10 09:00"])  # fmt: skip
    frame = log(
        outcome=["abandoned", "answered", "abandoned", "answered", "answered", "abandoned", "answered"],
        customer_key=["a", "a", "b", "c", "b", None, None], opened_at=opened, wait_s=10.0,
    )  # fmt: skip
    row = headline_table(february(frame), channel="phone").set_index("name").loc["lost_for_good_share"]
    assert row["value"] == pytest.approx(1 / 5)
    assert row["n"] == 5
    assert row["base"] == "all who asked whose customer is known, followed for 24 hours"
