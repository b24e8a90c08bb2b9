"""One period of a log: every table of it is a sum of its cells, and the cells are the rows, counted."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.contacts import (
    LogError,
    PeriodLog,
    account_table,
    kept_in,
    kept_period,
    load,
    load_contacts,
    open_log,
    read_period,
)
from cxresearch.contacts.memory import FETCHED
from cxresearch.contacts.read_once import source_of
from cxresearch.risk_table import risk_table

BY = ("weekday", "hour", "queue", "channel", "promised_s")


def calls(n: int = 400, *, seed: int = 1, start: str = "2026-09-01", days: int = 61) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    opened = pd.Timestamp(start) + pd.to_timedelta(rng.integers(0, days * 86_400, n), unit="s")
    return pd.DataFrame({
        "opened_at": opened, "wait_s": rng.exponential(60, n).round(1), "handle_s": rng.exponential(200, n).round(),
        "outcome": rng.choice(["abandoned", "answered", "open"], n), "queue": rng.choice(["a", "b", None], n),
        "channel": rng.choice(["phone", "chat"], n), "customer_key": rng.integers(0, 90, n),
        "queued": rng.random(n) < 0.8, "promised_s": rng.choice([30.0, np.nan], n),
    }).sort_values("opened_at", ignore_index=True)  # fmt: skip


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    n = draw(st.integers(2, 40))
    return calls(n, seed=draw(st.integers(0, 10_000)), start="2026-10-01", days=draw(st.integers(1, 31)))


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    columns = list(other.columns)
    one, other = (f[columns].astype({c: object for c in columns if c in BY}) for f in (one, other))
    one, other = (f.sort_values(columns, ignore_index=True, key=lambda c: c.astype(str)) for f in (one, other))
    pd.testing.assert_frame_equal(one, other, check_dtype=False, check_names=False)


def test_a_period_worked_by_hand():
    frame = pd.DataFrame({
        "opened_at": pd.to_datetime(["2026-09-30 23:59", "2026-10-01 08:10", "2026-10-01 08:50", "2026-10-03 09:00",
                                     "2026-10-03 10:00", "2026-11-01 00:00"]),
        "wait_s": [5.0, 10.9, 0.0, 20.0, -1.0, 3.0], "outcome": ["answered", "abandoned", "answered", "answered",
                                                                "answered", "answered"],
        "queued": [True, True, False, None, True, True], "handle_s": [1.0, None, 60.0, 40.0, 1.0, 1.0],
    })  # fmt: skip
    month = load(frame, mapping={"unusable_up_to": 0.25}).period("2026-10")
    assert month.usable.to_dict("records") == [
        {"outcome": "abandoned", "kept": 1, "unusable": 0}, {"outcome": "answered", "kept": 2, "unusable": 1},
    ]  # fmt: skip
    assert month.counts == {"read": 4, "kept": 3, "set_aside": 1, "other_periods": 2}
    assert month.set_aside.to_dict("records") == [{"reason": "negative wait_s", "rows": 1}]
    assert month.days["contacts"].tolist() == [2, 1]
    assert month.days[["open_from", "open_to"]].to_numpy().tolist() == [[8, 9], [9, 10]]
    waits = month.waits("weekday")
    assert waits[["weekday", "duration_s", "outcome", "contacts"]].to_numpy().tolist() == [
        [4, 10.0, "abandoned", 1], [6, 20.0, "answered", 1],
    ]  # fmt: skip
    assert waits.attrs == {"tick_s": 1.0, "place": "October 2026", "kind": "estimated"}
    assert month.asked().iloc[0].to_dict() == {
        "contacts": 3, "queued": 2, "left": 1, "waited_s": 30.0, "handled": 2, "handle_s": 100.0,
    }  # fmt: skip
    assert month.previous.period.name == "2026-09"
    assert month.previous.counts["kept"] == 1
    assert month.previous.previous is None
    assert repr(month).startswith(
        "<PeriodLog October 2026: 3 contacts on 2 days, 1 set aside; before it September 2026>"
    )
    steps = account_table(month).set_index("step")["rows"]
    assert steps.iloc[0] == steps.iloc[1:-1].sum() == 4


@settings(max_examples=12)
@given(frames(), st.sets(st.sampled_from(BY)))
def test_the_waits_are_the_risk_table_of_the_rows(frame, by):
    month, names = load(frame).period("2026-10"), sorted(by)
    log = load_contacts(frame, start="2026-10-01", end="2026-11-01")
    if frame["queued"].any():
        same(month.waits(names), risk_table(log.contacts, by=names))
    assert month.counts == log.counts
    asked = month.asked(names) if names else month.asked()
    assert asked["contacts"].sum() == len(frame)
    assert asked["left"].sum() == (frame["outcome"] == "abandoned").sum()


@pytest.mark.parametrize("name", ["1999-01", "1999-02"])
def test_the_banks_months_are_what_their_rows_say(shared, name):
    folder = shared / "data" / "anonymous-bank"
    month = load(folder).period(name)
    log = load_contacts(folder, start=month.period.start, end=month.period.end)
    assert month.counts == log.counts
    same(month.waits(["queue", "hour", "weekday"]), risk_table(log.contacts, by=["queue", "hour", "weekday"]))
    assert month.contacts.aggregate("count(*)").fetchall()[0][0] == log.counts["kept"]
    answered = log.contacts.filter("outcome = 'answered'").aggregate("count(handle_s), sum(handle_s)").fetchall()[0]
    assert tuple(month.asked()[["handled", "handle_s"]].iloc[0]) == answered


@pytest.mark.parametrize("kind", ["csv", "parquet", "frame"])
def test_files_and_frames_give_the_same_period(tmp_path, kind):
    frame = calls()
    path = tmp_path / f"log.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "parquet":
        frame.to_parquet(path, index=False)
    month = load(frame if kind == "frame" else path).period("2026-10")
    reference = load(frame).period("2026-10")
    pd.testing.assert_frame_equal(month.cells, reference.cells, check_dtype=False)
    assert month.counts == reference.counts
    pd.testing.assert_frame_equal(month.previous.cells, reference.previous.cells, check_dtype=False)
    assert month.counts["read"] + month.previous.counts["read"] + 0 == len(frame)


def test_several_periods_of_one_parquet_log_hide_the_same_people(tmp_path):
    path = tmp_path / "log.parquet"
    calls().to_parquet(path, index=False)
    log = load(path)
    first = [log.period(name).contacts.df() for name in ("2026-09", "2026-10", "2026-09")]
    same(first[0], first[2])
    for frame, name in zip(first, ("2026-09", "2026-10"), strict=False):
        same(frame, load(path).period(name).contacts.df())


def test_messages_are_counted_in_minutes_and_others_in_seconds():
    frame = calls(60).assign(channel=["email", "phone"] * 30, wait_s=119.0, queued=True)
    month = load(frame).period("2026-10")
    assert set(month.only(channel="email").waits()["duration_s"]) == {60.0}
    assert set(month.only(channel="phone").waits()["duration_s"]) == {119.0}
    assert month.only(channel="email").waits().attrs["tick_s"] == 60.0
    assert month.only(channel="phone").waits().attrs["tick_s"] == 1.0
    assert month.waits().attrs["tick_s"] == 1.0


def test_a_period_is_narrowed_with_the_one_before_it():
    month = load(calls()).period("2026-10")
    phone = month.only(channel="phone")
    assert phone.label == "phone, October 2026"
    assert set(phone.cells["channel"]) == set(phone.previous.cells["channel"]) == {"phone"}
    assert phone.contacts.aggregate("count(*)").fetchall()[0][0] == phone.cells["contacts"].sum()
    assert len(month.only(queue="a").only(channel="phone").cells) == len(phone.only(queue="a").cells)
    for narrow in (phone, phone.only(queue="a")):
        assert len(narrow.on_all_channels) == len(month.contacts)
        assert len(narrow.on_all_channels.filter("chosen")) == len(narrow.contacts) < len(month.contacts)
    with pytest.raises(LogError, match="no contact has the channel 'email'; there are chat, phone"):
        month.only(channel="email")
    with pytest.raises(LogError, match="by channel or queue; got outcome"):
        month.only(outcome="answered")
    unnamed = load(calls().drop(columns="channel")).period("2026-10")
    assert unnamed.only(channel="phone").cells["contacts"].sum() == unnamed.cells["contacts"].sum()


def test_only_known_columns_tell_cells_apart_and_nobody_in_a_queue_is_said():
    month = load(calls().assign(queued=False)).period("2026-10")
    with pytest.raises(LogError, match="October 2026: nobody queued"):
        month.waits()
    with pytest.raises(ValueError, match="by takes day, weekday, hour"):
        month.asked("outcome")


@pytest.mark.parametrize(
    ("until", "name"),
    [
        ("2026-10-31 23:10", "2026-10"),
        ("2026-10-30 12:00", "2026-09"),
        ("2026-11-14", "2026-10"),
        ("2026-09-09", "2026-09"),
    ],
)
def test_without_a_name_it_is_the_last_month_that_is_covered(until, name):
    frame = calls(days=90)
    ends = frame[frame["opened_at"] <= until]
    ends = pd.concat([ends, ends.tail(1).assign(opened_at=pd.Timestamp(until))])
    assert load(ends).period().period.name == name


def test_a_period_without_contacts_says_what_there_is():
    with pytest.raises(LogError, match=r"no contacts from 2020-01-01 to before 2020-02-01.*400 rows from 2026-09-0"):
        load(calls()).period("2020-01")
    with pytest.raises(LogError, match="loaded for a span of its own"):
        load_contacts(calls(), start="2026-09-01").period("2026-10")


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.csv"
    calls().to_csv(path, index=False)
    return path


def folders(home) -> list:
    return [path for path in home.iterdir() if path.is_dir() and path.name != FETCHED]


def test_a_row_without_a_date_is_set_aside_and_no_contact_of_the_period(tmp_path):
    frame = pd.DataFrame({
        "opened_at": pd.to_datetime([None, *(f"2026-10-{day:02d} 08:00" for day in range(1, 10))]), "wait_s": range(10),
        "outcome": "answered",
    })  # fmt: skip
    frame.to_parquet(tmp_path / "log.parquet", index=False)
    month = load(tmp_path / "log.parquet").period("2026-10")
    assert (month.counts["kept"], month.counts["set_aside"]) == (9, 1)
    assert month.contacts.aggregate("min(wait_s), count(*)").fetchall() == [(1.0, 9)]


def test_the_second_reading_reads_no_row(log, tmp_path, monkeypatch):
    with kept_in(tmp_path / "kept"):
        first = load(log).period("2026-10")
        monkeypatch.setattr("cxresearch.contacts.read_once._made", lambda *_: pytest.fail("the rows were read again"))
        again = load(log).period("2026-10")
        pd.testing.assert_frame_equal(again.cells, first.cells)
        assert again.counts == first.counts
        assert again.contacts.df().equals(first.contacts.df())
        assert again.previous.label == "September 2026"
        assert list(again.files["path"]) == [str(log)]


@pytest.mark.parametrize(
    ("file", "content"),
    [("cells.parquet", b"PAR1 cut"), ("period.json", b"{"), ("period.json", b"[]"), ("period.json", b'{"version": 99}'),
     ("contacts.parquet", None), ("cells.parquet", None), ("previous/period.json", b"{")],
)  # fmt: skip
def test_a_kept_period_that_is_broken_is_read_anew(log, tmp_path, file, content):
    with kept_in(tmp_path / "kept"):
        first = load(log).period("2026-10")
        (folder,) = folders(tmp_path / "kept")
        (folder / file).write_bytes(content) if content is not None else (folder / file).unlink()
        again = load(log).period("2026-10")
        assert again.previous.label == first.previous.label
        pd.testing.assert_frame_equal(again.cells, first.cells)
        assert again.contacts.aggregate("count(*)").fetchall() == first.contacts.aggregate("count(*)").fetchall()


def test_a_log_that_changed_or_is_mapped_otherwise_is_another_one(log, tmp_path):
    with kept_in(tmp_path / "kept"):
        before = load(log).period("2026-10")
        with log.open("a") as file:
            file.write("2026-10-05 10:00:00,5.0,1.0,answered,a,phone,7,True,\n")
        assert load(log).period("2026-10").counts["read"] == before.counts["read"] + 1
        mapped = load(log, mapping={"wait_s": "handle_s"}).period("2026-10")
        assert not mapped.waits().equals(before.waits())


def test_lost_records_are_told(tmp_path, monkeypatch):
    path = tmp_path / "log.csv"
    calls().to_csv(path, index=False)
    monkeypatch.setattr("cxresearch.contacts.rows.Reading.records", lambda reading, facts: 402)
    with kept_in(tmp_path / "kept"), pytest.raises(LogError, match="2 of 402 records were lost in reading"):
        load(path).period("2026-10")


def read(path, name: str, archive: list) -> PeriodLog:
    return read_period(open_log(str(path), preset=None, columns=None), name, archive=archive)


def test_kept_days_fill_what_the_log_no_longer_holds_and_a_quarter_is_the_sum_of_its_months(tmp_path):
    whole = calls(900, start="2026-07-01", days=92)
    source = tmp_path / "log.csv"
    with kept_in(tmp_path / "kept"):
        whole.to_csv(source, index=False)
        reference = read(source, "2026-Q3", [])
        places = [tmp_path / name for name in ("2026-07", "2026-08")]
        for place in places:
            place.mkdir()
            read(source, place.name, []).keep(place)
        whole[whole["opened_at"] >= "2026-08-20"].to_csv(source, index=False)
        quarter = read(source, "2026-Q3", places)
        pd.testing.assert_frame_equal(
            quarter.asked(("day", "channel", "queue")), reference.asked(("day", "channel", "queue")), check_dtype=False
        )
        same(quarter.waits("queue"), reference.waits("queue"))
        inside = reference.cells.sort_values("day", kind="stable", ignore_index=True)
        pd.testing.assert_frame_equal(quarter.cells, inside, check_dtype=False)
        assert quarter.kept_days[0] >= date(2026, 7, 1)
        assert max(quarter.kept_days) < date(2026, 8, 20)
        assert quarter.counts["read"] == quarter.counts["kept"] + quarter.counts["set_aside"]
        with pytest.raises(LogError, match="only counts were kept"):
            quarter.contacts  # noqa: B018


def test_the_month_before_comes_from_kept_tables_of_the_same_log_only(tmp_path):
    whole, source = calls(), tmp_path / "log.csv"
    with kept_in(tmp_path / "kept"):
        whole.to_csv(source, index=False)
        place = tmp_path / "2026-09"
        place.mkdir()
        september = read(source, "2026-09", [])
        september.keep(place)
        whole[whole["opened_at"] >= "2026-10-01"].to_csv(source, index=False)
        assert read(source, "2026-10", [place]).previous.cells["contacts"].sum() == september.cells["contacts"].sum()
        facts = json.loads((place / "period.json").read_text())
        (place / "period.json").write_text(json.dumps(facts | {"source": "another log"}))
    with kept_in(tmp_path / "kept"):
        assert read(source, "2026-10", [place]).previous is None


def test_kept_tables_are_of_the_same_log_whatever_the_order_of_its_mapping(tmp_path):
    calls().to_csv(tmp_path / "log.csv", index=False)
    one, other = (
        source_of(open_log(str(tmp_path / "log.csv"), preset=None, columns=columns))
        for columns in ({"wait_s": "handle_s", "queue": "queue"}, {"queue": "queue", "wait_s": "handle_s"})
    )
    assert one == other


def test_what_was_repaired_and_set_aside_is_kept_with_it(tmp_path):
    rows = calls()
    rows.loc[rows.index[-3:], "handle_s"] = -1.0
    rows.loc[rows.index[-5:-3], "wait_s"] = -1.0
    month = load(rows).period("2026-10")
    assert len(month.repaired) == len(month.set_aside) == 1
    month.keep(tmp_path)
    kept = kept_period(tmp_path)
    pd.testing.assert_frame_equal(kept.repaired, month.repaired, check_dtype=False)
    pd.testing.assert_frame_equal(kept.set_aside, month.set_aside, check_dtype=False)


def test_what_is_kept_comes_back_without_rows(tmp_path):
    month = load(calls()).period("2026-10")
    month.keep(tmp_path)
    kept = kept_period(tmp_path)
    pd.testing.assert_frame_equal(kept.cells, month.cells, check_dtype=False)
    assert (kept.counts, kept.period, kept.simulated) == (month.counts, month.period, False)
    with pytest.raises(LogError):
        kept.contacts  # noqa: B018
    assert kept_period(tmp_path / "nowhere") is None
    assert list(kept.files.columns) == list(month.files.columns)
    assert repr(kept).endswith("; none before>")


def test_the_order_of_a_mapping_makes_no_other_log(log, tmp_path, monkeypatch):
    with kept_in(tmp_path / "kept"):
        load(log, mapping={"wait_s": "handle_s", "queue": "queue"}).period("2026-10")
        monkeypatch.setattr("cxresearch.contacts.read_once._made", lambda *_: pytest.fail("the rows were read again"))
        load(log, mapping={"queue": "queue", "wait_s": "handle_s"}).period("2026-10")


def test_quotes_are_letters_in_the_banks_lines_and_quotes_in_other_logs(log, tmp_path, monkeypatch, shared):
    asked = []

    def facts(paths, *, quoted):
        asked.append(quoted)
        raise LogError("enough")

    monkeypatch.setattr("cxresearch.contacts.read_once.log_facts", facts)
    for source in (log, shared / "data" / "anonymous-bank"):
        with pytest.raises(LogError, match="enough"):
            load(source).period("1999-01")
    assert asked == [True, False]


def test_a_period_is_a_thing_of_its_own_and_names_what_it_does_not_know():
    month = load(calls().drop(columns="queue")).period("2026-10")
    assert len({month, month.previous, month}) == 2
    with pytest.raises(LogError, match="no contact has the queue 'a'; there are none"):
        month.only(queue="a")


def test_the_records_of_several_files_add_up_where_all_are_known(tmp_path):
    one, other = tmp_path / "a.csv", tmp_path / "b.csv"
    calls(30).to_csv(one, index=False)
    calls(50, seed=2).to_csv(other, index=False)
    with kept_in(tmp_path / "kept"):
        month = load([one, other]).period("2026-10")
        assert month.counts["read"] + month.counts["other_periods"] == 80


def test_what_is_told_of_every_table_and_of_the_period_before(tmp_path):
    month = load(calls().assign(simulated=True)).period("2026-10")
    assert month.asked("hour").attrs == {"place": "October 2026", "kind": "SIMULATED"}
    assert repr(month).startswith("<PeriodLog October 2026, SIMULATED: ")
    before = month.previous
    assert before.contacts.aggregate("count(*)").fetchall()[0][0] == before.cells["contacts"].sum()
    month.keep(tmp_path)
    facts = json.loads((tmp_path / "period.json").read_text())
    facts["counts"]["kept"] += 1
    (tmp_path / "period.json").write_text(json.dumps(facts))
    assert kept_period(tmp_path) is None, "the cells are not those that were counted"
