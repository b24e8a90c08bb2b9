"""Contacts become counts: the same on every engine, nothing lost, and tables that add up."""

from __future__ import annotations

import shutil
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.contacts import load_contacts
from cxresearch.risk_table import OUTCOMES, contact_counts, risk_table

ENGINES = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "polars lazy": lambda frame: pl.from_pandas(frame).lazy(),
    "duckdb": duckdb.from_df,
}


@st.composite
def contact_frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    return pd.DataFrame(
        {
            "queue": rng.choice(["a", "b"], rows),
            "queued": rng.random(rows) < 0.8,
            "opened_at": pd.Timestamp("1999-02-01") + pd.to_timedelta(rng.integers(0, 500_000, rows), unit="s"),
            "wait_s": rng.integers(0, 40, rows) / 2,
            "outcome": rng.choice(OUTCOMES, rows),
        }
    )


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, check_dtype=False)


def test_four_contacts_worked_by_hand():
    contacts = pd.DataFrame(
        {
            "queued": [True, True, True, False],
            "wait_s": [3.9, 3.0, 7.0, 0.0],
            "outcome": ["abandoned", "abandoned", "answered", "answered"],
        }
    )
    table = risk_table(contacts)
    assert table.to_dict("list") == {"duration_s": [3.0, 7.0], "outcome": ["abandoned", "answered"], "contacts": [2, 1]}
    assert table.attrs["tick_s"] == 1.0


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_the_same_table(engine):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        frame = pd.DataFrame(
            {
                "queue": rng.choice(["a", "b"], 300),
                "queued": rng.random(300) < 0.8,
                "opened_at": pd.Timestamp("1999-02-01") + pd.to_timedelta(rng.integers(0, 500_000, 300), unit="s"),
                "wait_s": rng.integers(0, 80, 300) / 2,
                "outcome": rng.choice(OUTCOMES, 300),
            }
        )
        by = ("queue", "hour", "weekday")
        same(risk_table(ENGINES[engine](frame), by=by), risk_table(frame, by=by))


@pytest.mark.parametrize("engine", ENGINES)
def test_columns_have_the_same_types_and_rows_their_numbers_whatever_the_engine(engine):
    frame = pd.DataFrame({"wait_s": [3, 1, 2, 1], "seen_from_s": [1, 0, 0, 0], "outcome": ["open", "answered"] * 2})
    table = risk_table(ENGINES[engine](frame), entry="seen_from_s")
    types = {"entry_s": "float64", "duration_s": "float64", "outcome": "str", "contacts": "int64"}
    assert table.dtypes.astype(str).to_dict() == types
    assert table.index.tolist() == [0, 1, 2]
    assert table["duration_s"].tolist() == [1, 2, 3]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_wait_just_below_zero_is_refused_on_every_engine(engine):
    frame = pd.DataFrame({"wait_s": [1.0, -0.5], "outcome": "answered"})
    with pytest.raises(ValueError, match="1 of 2 contacts"):
        risk_table(ENGINES[engine](frame))


@given(contact_frames())
def test_counts_are_those_of_a_plain_group_by(frame):
    waiting = frame[frame["queued"]]
    if waiting.empty:
        with pytest.raises(ValueError, match="no contact queued"):
            risk_table(frame)
        return
    table = risk_table(frame, by=("queue", "hour"))
    assert table["contacts"].sum() == len(waiting)
    expected = waiting.assign(hour=waiting["opened_at"].dt.hour, duration_s=np.floor(waiting["wait_s"]))
    expected = expected.groupby(["queue", "hour", "duration_s", "outcome"], as_index=False).size()
    same(table, expected.rename(columns={"size": "contacts"}))


@given(contact_frames())
def test_tables_of_disjoint_contacts_add_up(frame):
    frame = frame.assign(queued=True)
    half = len(frame) // 2
    parts = [part for part in (frame[:half], frame[half:]) if len(part)]
    both = pd.concat([risk_table(part, by="queue") for part in parts])
    total = both.groupby(["queue", "duration_s", "outcome"], as_index=False)["contacts"].sum()
    same(total, risk_table(frame, by="queue"))


def test_a_clock_in_ticks_of_ten_seconds():
    frame = pd.DataFrame({"wait_s": [9.0, 10.0, 19.99], "outcome": "answered"})
    assert risk_table(frame, tick_s=10)["duration_s"].tolist() == [0.0, 10.0]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("tick_s", [0.5, 1, 2, 10])
def test_a_wait_is_counted_at_the_start_of_its_tick(tick_s, whole, engine):
    waits = [0, 3, 7, 19, 20] if whole else [0.0, 3.25, 7.75, 19.99, 20.0]
    starts = {0.5: [0, 3, 7.5, 19.5, 20], 1: [0, 3, 7, 19, 20], 2: [0, 2, 6, 18, 20], 10: [0, 0, 0, 10, 20]}[tick_s]
    if whole and tick_s == 0.5:
        starts = waits
    table = risk_table(ENGINES[engine](pd.DataFrame({"wait_s": waits, "outcome": "answered"})), tick_s=tick_s)
    assert table.loc[table.index.repeat(table["contacts"]), "duration_s"].tolist() == starts
    assert table.attrs["tick_s"] == tick_s


@pytest.mark.parametrize("tick_s", [1, 5])
def test_waits_kept_as_decimals_are_numbers_too(tick_s):
    waits = [Decimal("4.90"), Decimal("5.10")]
    frame = pl.DataFrame(
        {"wait_s": waits, "outcome": ["answered", "open"]}, schema_overrides={"wait_s": pl.Decimal(6, 2)}
    )
    expected = [4.0, 5.0] if tick_s == 1 else [0.0, 5.0]
    assert risk_table(frame, tick_s=tick_s)["duration_s"].tolist() == expected
    assert risk_table(duckdb.from_arrow(frame.to_arrow()), tick_s=tick_s)["duration_s"].tolist() == expected


@pytest.mark.parametrize("engine", ENGINES)
def test_hour_weekday_and_date_come_from_the_moment_of_opening(engine):
    """1 February 1999 was a Monday, so the 7th was a Sunday."""
    opened = ["1999-02-01 00:05", "1999-02-03 12:00", "1999-02-06 13:59", "1999-02-07 23:59"]
    frame = pd.DataFrame({"opened_at": pd.to_datetime(opened), "wait_s": 1.0, "outcome": "answered"})
    table = risk_table(ENGINES[engine](frame), by=("date", "weekday", "hour"))
    assert table["weekday"].tolist() == [1, 3, 6, 7]
    assert table["hour"].tolist() == [0, 12, 13, 23]
    assert table["date"].tolist() == [pd.Timestamp(1999, 2, day) for day in (1, 3, 6, 7)]


def test_the_date_is_that_of_the_place_where_the_contact_was_opened():
    """Half past midnight in Paris is the day before in London."""
    opened = pd.to_datetime(["1999-02-02 00:30"]).tz_localize("Europe/Paris")
    table = risk_table(pd.DataFrame({"opened_at": opened, "wait_s": 1.0, "outcome": "open"}), by=("date", "hour"))
    assert (table["date"][0], table["hour"][0]) == (pd.Timestamp("1999-02-02"), 0)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_column_of_the_log_goes_before_what_opened_at_would_say(engine):
    frame = pd.DataFrame(
        {"opened_at": pd.to_datetime(["1999-02-01 00:05"]), "hour": [9], "wait_s": 1.0, "outcome": "open"}
    )
    assert risk_table(ENGINES[engine](frame), by="hour")["hour"].tolist() == [9]


@pytest.mark.parametrize("engine", ENGINES)
def test_contacts_of_no_known_queue_are_counted_and_stand_last(engine):
    frame = pd.DataFrame({"queue": ["b", None, "a"], "wait_s": [3.0, 1.0, 2.0], "outcome": "answered"})
    table = risk_table(ENGINES[engine](frame), by="queue")
    assert table["queue"].tolist()[:2] == ["a", "b"]
    assert table["queue"].isna().tolist() == [False, False, True]
    assert table["duration_s"].tolist() == [2.0, 3.0, 1.0]


@pytest.mark.parametrize("engine", ENGINES)
def test_whoever_may_have_queued_is_counted(engine):
    queued = pd.array([True, False, None], dtype="boolean")
    frame = pd.DataFrame({"queued": queued, "wait_s": [1.0, 0.0, 2.0], "outcome": "answered"})
    assert risk_table(ENGINES[engine](frame))["duration_s"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_contact_without_an_outcome_is_refused(engine):
    frame = pd.DataFrame({"wait_s": [1.0, 2.0, 3.0], "outcome": ["answered", None, None]})
    with pytest.raises(ValueError, match=r"unknown outcome .*\(2\); known are abandoned, answered, deflected, open"):
        risk_table(ENGINES[engine](frame))


def test_an_entry_time_comes_back_beside_the_duration():
    frame = pd.DataFrame({"wait_s": [5.0, 5.0], "seen_from_s": [0.0, 2.0], "outcome": "answered"})
    assert risk_table(frame, entry="seen_from_s")["entry_s"].tolist() == [0.0, 2.0]
    with pytest.raises(ValueError, match="for 1 contacts it does not"):
        risk_table(frame.assign(seen_from_s=[5.0, 2.0]), entry="seen_from_s")


@pytest.mark.parametrize(
    ("frame", "arguments", "message"),
    [
        ({"wait_s": [1.0, -1.0, None], "outcome": "answered"}, {}, "2 of 3 contacts have none or a negative"),
        ({"wait_s": [1.0, 2.0], "outcome": ["answered", "left"]}, {}, r"unknown outcome 'left' \(1\)"),
        ({"wait_s": [1.0, 2.0, 2.0], "outcome": ["b", "a", "b"]}, {}, r"outcome 'a' \(1\), 'b' \(2\); known"),
        ({"wait_s": [1.0]}, {}, "no column outcome"),
        ({"wait_s": [1.0], "outcome": "answered"}, {"by": "queue"}, "no column queue"),
        ({"wait_s": [1.0], "outcome": "answered"}, {"by": "hour"}, "no column opened_at"),
        ({"wait_s": [1.0], "outcome": "answered"}, {"tick_s": 0}, "tick_s must be > 0"),
    ],
)
def test_bad_contacts_are_refused_with_counts(frame, arguments, message):
    with pytest.raises(ValueError, match=message):
        risk_table(pd.DataFrame(frame), **arguments)


@pytest.fixture(scope="module")
def spark():
    if shutil.which("java") is None:
        pytest.skip("no Java here, so no Spark: install a JDK (17 or newer) to run this test")
    sql = pytest.importorskip("pyspark.sql", reason="PySpark is not installed: make test installs it")
    session = (
        sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2").config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    )  # fmt: skip
    yield session
    session.stop()


@pytest.mark.slow
def test_a_real_spark_gives_the_same_table_on_the_banks_months(shared, spark, tmp_path):
    contacts = load_contacts(shared / "data" / "anonymous-bank").contacts
    contacts.write_parquet(str(tmp_path / "bank.parquet"))
    by = ("queue", "weekday", "hour")
    same(risk_table(spark.read.parquet(str(tmp_path / "bank.parquet")), by=by), risk_table(contacts, by=by))


def test_the_banks_months_add_up_to_both_on_every_engine(shared):
    folder = shared / "data" / "anonymous-bank"
    months = [("1999-01-01", "1999-02-01"), ("1999-02-01", "1999-03-01")]
    by = ("queue", "hour")
    logs = [load_contacts(folder, start=start, end=end) for start, end in months]
    both = load_contacts(folder).contacts
    parts = pd.concat([risk_table(log.contacts, by=by) for log in logs])
    total = parts.groupby([*by, "duration_s", "outcome"], as_index=False)["contacts"].sum()
    same(total, risk_table(both, by=by))
    same(total, risk_table(both.pl(), by=by))
    same(total, risk_table(both.df(), by=by))
    assert total["contacts"].sum() == 16_686 + 18_058


@given(contact_frames())
def test_counts_of_all_hold_the_risk_table_and_those_answered_at_once(frame):
    counts = contact_counts(frame, by="queue")
    assert counts["contacts"].sum() == len(frame)
    waited = counts[counts["queued"]].drop(columns=["queued", "handled", "handle_s"])
    if len(waited):
        same(waited.reset_index(drop=True), risk_table(frame, by="queue"))


def test_handle_times_are_those_of_the_answered_and_messages_tick_in_minutes():
    frame = pd.DataFrame({
        "channel": ["phone", "email", "email"], "wait_s": [61.0, 61.0, 119.0], "outcome": ["abandoned", "answered", "answered"],
        "handle_s": [50.0, 30.0, None], "queued": [True, None, False],
    })  # fmt: skip
    counts = contact_counts(frame, by="channel", ticks_s={"email": 60.0}).set_index(["channel", "queued"])
    assert counts.loc[("phone", True), ["duration_s", "handled", "handle_s"]].tolist() == [61.0, 0, 0.0]
    assert counts.loc[("email", True), ["duration_s", "handled", "handle_s"]].tolist() == [60.0, 1, 30.0]
    assert counts.loc[("email", False), ["duration_s", "handled", "handle_s"]].tolist() == [60.0, 0, 0.0]
