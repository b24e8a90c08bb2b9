"""What a cell says, cell by cell; what it does not say; and what is asked."""

from __future__ import annotations

import datetime as dt
import unicodedata

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cxresearch.contacts import LogError, LogQuestionError, cells, load
from cxresearch.contacts.canonical import sql_text


def says(expression: str):
    engine = duckdb.connect()
    engine.execute("SET TimeZone = 'America/New_York'")
    return engine.sql(f"SELECT {expression}").fetchall()[0][0]


@pytest.mark.parametrize(
    ("cell", "keys", "seconds"),
    [
        ("99", {}, 99), ("99.5", {}, 99.5), ("-5", {}, -5), ("1e3", {}, 1000), (".5", {}, 0.5), ("1'516", {}, 1516), ("1 897", {}, 1897),
        ("00:01:39", {}, 99), ("27:10:00", {}, 97_800), ("1.02:03:04", {}, 93_784), ("-0:05:00", {}, -300), ("0:00:01,5", {}, 1.5),
        ("1:39", {"unit": "mm:ss"}, 99), ("1:39", {"unit": "hh:mm"}, 5940), ("1:39", {}, None), ("1:02:03", {"unit": "mm:ss"}, 3723),
        ("PT1M39S", {}, 99), ("PT1H2M3.5S", {}, 3723.5), ("P1DT2H", {}, 93_600), ("PT5M", {}, 300),
        ("99 s", {}, 99), ("2 min", {}, 120), ("1 h 5 min", {}, 3900), ("1m 30s", {}, 90), ("1h5m3s", {}, 3903), ("500 ms", {}, 0.5),
        ("25 Days 21 Hours 1 Minute", {}, 2_235_660), ("3 days 2 hours", {}, 266_400),
        ("1.65", {"unit": "min"}, 99), ("99000", {"unit": "ms"}, 99), ("2", {"unit": "h"}, 7200), ("00:01:39", {"unit": "ms"}, 99),
        ("1,897", {}, None), ("1,897", {"thousands": ","}, 1897), ("1.897,5", {"thousands": ".", "decimal": ","}, 1897.5),
        ("99,5", {"decimal": ","}, 99.5), ("99,5", {}, None), ("1.2.3", {}, None), ("18,97", {"thousands": ","}, None),
        ("abc", {}, None), ("inf", {}, None), ("", {}, None), ("12 x", {}, None),
    ],
)  # fmt: skip
def test_a_time_span(cell, keys, seconds):
    found = says(cells.duration(sql_text(cell), **keys))
    assert found == (seconds if seconds is None else pytest.approx(seconds, abs=1e-12))


@settings(max_examples=20)
@given(seconds=st.integers(0, 400_000))
def test_a_clock_is_its_seconds_in_every_form(seconds):
    h, m, s = seconds // 3600, seconds // 60 % 60, seconds % 60
    d = h // 24
    for cell in (
        f"{h}:{m:02d}:{s:02d}",
        f"{h:02d}:{m:02d}:{s:02d}",
        f"{d}.{h % 24:02d}:{m:02d}:{s:02d}",
        f"PT{h}H{m}M{s}S",
        f"{h} h {m} min {s} s",
    ):
        assert says(cells.duration(sql_text(cell))) == seconds, cell


@pytest.mark.parametrize(
    ("cell", "formats", "keys", "local"),
    [
        ("2026-10-01T06:07:32Z", [], {}, "2026-10-01 08:07:32"), ("2026-10-01 08:07:32+02:00", [], {}, "2026-10-01 08:07:32"),
        ("2026-10-01T08:07+0200", [], {}, "2026-10-01 08:07:00"), ("2026-10-01 06:07:32 UTC", [], {}, "2026-10-01 08:07:32"),
        ("2026-12-01T07:07:32.250Z", [], {}, "2026-12-01 08:07:32.25"), ("2026-10-01T08:07", [], {}, "2026-10-01 08:07:00"),
        ("2026-10-01 08:07:32,125", [], {}, "2026-10-01 08:07:32.125"), ("1790834852", ["epoch_s"], {}, "2026-10-01 08:07:32"),
        ("1790834852123", ["epoch_ms"], {}, "2026-10-01 08:07:32.123"), ("1790834852", [], {}, None),
        ("10/1/26 8:07 AM", ["%m/%d/%y %I:%M %p"], {}, "2026-10-01 08:07:00"), ("10/1/26 8:07", ["%m/%d/%Y %H:%M"], {}, None),
        ("2026-10-01 06:07:32", [], {"zone": "UTC"}, "2026-10-01 08:07:32"), ("31/02/2026", ["%d/%m/%Y"], {}, None), ("soon", [], {}, None),
    ],
)  # fmt: skip
def test_a_moment_in_berlin(cell, formats, keys, local):
    found = says(cells.moment(sql_text(cell), formats, timezone="Europe/Berlin", **keys))
    assert found == (None if local is None else dt.datetime.fromisoformat(local))


def test_keys_of_one_person_are_one_and_nobody_is_nobody():
    keys = [says(cells.key(sql_text(cell))) for cell in ("12345", "12345.0", "anonymous", "0", "-", "A 7")]
    assert keys == ["12345", "12345", None, None, None, "A 7"]


@pytest.mark.parametrize(
    ("word", "means"), [("Y", True), ("nein", False), ("1", True), ("0.0", False), ("maybe", None)]
)
def test_yes_and_no(word, means):
    assert says(cells.truth(sql_text(word))) is means


def _log(tmp_path, header, rows):
    path = tmp_path / "log.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_day_and_month_are_proved_by_one_cell_or_asked(tmp_path):
    rows = [f"{d}/4/2026 08:07,{d},answered" for d in range(1, 13)]
    path = _log(tmp_path, "opened_at,wait_s,outcome", rows)
    with pytest.raises(LogQuestionError, match=r"read as .* April 2026 and as .*%d/%m/%Y %H:%M.*%m/%d/%Y %H:%M"):
        load(path).counts  # noqa: B018
    proved = _log(tmp_path, "opened_at,wait_s,outcome", [*rows, "13/4/2026 08:07,5,answered"])
    assert load(proved).contacts.df()["opened_at"].dt.month.unique().tolist() == [4]
    path = _log(tmp_path, "opened_at,wait_s,outcome", rows)
    told = load(path, mapping={"opened_at": {"format": "%m/%d/%Y %H:%M"}})
    assert told.contacts.df()["opened_at"].dt.day.unique().tolist() == [4]
    both_alike = _log(tmp_path, "opened_at,wait_s,outcome", ["4/4/2026 08:07,5,answered"] * 3)
    assert load(both_alike).counts["kept"] == 3, "where both readings agree there is nothing to ask"


def test_days_and_months_in_both_orders_are_no_log(tmp_path):
    rows = [f"{d}/4/2026 08:07,5,answered" for d in range(1, 31)] + [
        f"4/{d}/2026 08:07,5,answered" for d in range(15, 31)
    ]
    with pytest.raises(LogError, match="the other way round"):
        load(_log(tmp_path, "opened_at,wait_s,outcome", rows)).counts  # noqa: B018


@pytest.mark.parametrize(("cell", "form"), [("2026-10-01", "%Y-%m-%d"), ("13.10.2026", "%d.%m.%Y")])
def test_dates_without_a_time_are_asked_about(tmp_path, cell, form):
    path = _log(tmp_path, "opened_at,wait_s,outcome", [f"{cell},5,answered"])
    with pytest.raises(LogQuestionError, match="no time of day") as asked:
        load(path).counts  # noqa: B018
    assert form in str(asked.value)
    assert load(path, mapping={"opened_at": {"format": form}}).contacts.df()["opened_at"].dt.month.tolist() == [10]


@pytest.mark.parametrize(
    ("cells_", "waits"),
    [
        (["1.171", "0.516", "12.5"], [1.171, 0.516, 12.5]),  # a leading zero, another number of decimals: a decimal point
        (["1.171", "1171", "20"], [1.171, 1171, 20]),  # thousands stand without a sign
        (["1.171", "12,5", "20"], [1171, 12.5, 20]),  # the comma is the decimal sign
        (["1.171.000", "1.171", "20"], [1_171_000, 1171, 20]),
        (["1,171.5", "1,171", "20"], [1171.5, 1171, 20]),
        (["99,5", "12,25", "20"], [99.5, 12.25, 20]),
    ],
)  # fmt: skip
def test_what_point_and_comma_are_is_proved_by_the_other_cells(tmp_path, cells_, waits):
    path = _log(tmp_path, "opened_at;wait_s;outcome", [f"2026-10-01 08:00;{cell};answered" for cell in cells_])
    assert load(path).contacts.df()["wait_s"].tolist() == pytest.approx(waits)


def test_a_group_of_three_digits_proves_nothing(tmp_path):
    path = _log(
        tmp_path, "opened_at;wait_s;outcome", [f"2026-10-01 08:00;{cell};answered" for cell in ("1.171", "20", "516")]
    )
    with pytest.raises(LogQuestionError, match=r"'1.171' and 0 more: is '.' between thousands or before decimals"):
        load(path).counts  # noqa: B018


@pytest.mark.parametrize(("channel", "asked"), [("phone", True), ("email", False)])
def test_waits_of_a_day_are_asked_about_on_the_line_only(tmp_path, channel, asked):
    path = _log(
        tmp_path,
        "opened_at,channel,wait_s,outcome",
        [f"2026-10-01 08:00,{channel},{84_001 + n},answered" for n in range(40)],
    )
    if asked:
        with pytest.raises(LogQuestionError, match=r'unit = "ms"'):
            load(path).counts  # noqa: B018
    else:
        assert load(path).counts["kept"] == 40


def test_a_column_whose_name_says_minutes_is_asked_about(tmp_path):
    path = _log(tmp_path, "opened_at,Wait (min),outcome", ["2026-10-01 08:00,3,answered"])
    with pytest.raises(LogQuestionError, match=r'unit = "min"'):
        load(path, mapping={"wait_s": "Wait (min)"}).counts  # noqa: B018


def test_an_unreadable_cell_of_an_optional_column_is_counted(tmp_path):
    path = _log(
        tmp_path,
        "opened_at,wait_s,outcome,handle_s",
        ["2026-10-01 08:00,3,answered,60", "2026-10-01 08:00,3,answered,long"],
    )
    assert load(path).repaired.to_dict("records") == [
        {"repair": "handle_s: a cell that cannot be read: left unknown", "rows": 1}
    ]


def test_a_line_with_more_cells_than_columns_is_set_aside_and_counted(tmp_path):
    path = _log(
        tmp_path,
        "opened_at,wait_s,outcome",
        ["2026-10-01 08:00,3,answered", "2026-10-01 08:00,3,answered,x,y", "2026-10-01 09:00,4,answered"],
    )
    month = load(path, mapping={"unusable_up_to": 0.4}).period("2026-10")
    assert month.counts["read"] == 3
    assert month.set_aside.to_dict("records") == [{"reason": "more cells than columns", "rows": 1}]


@settings(max_examples=40)
@given(name=st.text(st.characters(exclude_categories=("Cs",)), max_size=20))
@example(name="\x1b[31mred\x00\u202e")
def test_a_name_keeps_all_that_can_be_shown_and_nothing_else(name):
    """Controls, and what turns the direction of the text around it, become spaces; the rest stays letter by letter."""
    found = duckdb.connect().execute(f"SELECT {cells.name('?')}", [name]).fetchall()[0][0] or ""
    unseen = {
        c
        for c in name
        if unicodedata.category(c) == "Cc" or c in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    }
    assert not unseen & set(found)
    assert [c for c in found if c != " "] == [c for c in name if c not in {*unseen, " "}]
