"""Any log in, canonical columns out, and every row accounted for."""

from __future__ import annotations

import gzip

import duckdb
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.contacts import BANK_HEADER, CANONICAL, LogError, load_contacts

FEBRUARY = {"start": "1999-02-01", "end": "1999-03-01"}


def log_frame(**changes: list) -> pd.DataFrame:
    frame = {
        "opened_at": pd.to_datetime(["1999-02-01 08:00", "1999-02-02 09:00", "1999-02-03 10:00"]),
        "wait_s": [10.0, 20.0, 30.0],
        "outcome": ["answered", "abandoned", "answered"],
    }
    return pd.DataFrame({**frame, **changes})


def bank_line(**cells: str) -> str:
    row = dict.fromkeys(BANK_HEADER, "0") | {
        "vru+line": "AA0101", "call_id": "7", "customer_id": "106756", "priority": "2", "type": "PS", "date": "990201",
        "vru_entry": "23:59:50", "vru_exit": "23:59:59", "q_start": "23:59:59", "q_exit": "0:00:20", "q_time": "21",
        "outcome": "AGENT", "ser_start": "0:00:20", "ser_exit": "0:01:20", "ser_time": "60", "server": "AGENT17",
    }  # fmt: skip
    row.update({k.replace("vru_line", "vru+line"): v for k, v in cells.items()})
    return "\t".join(row[name] for name in BANK_HEADER)


def bank_file(path, *lines: str):
    with gzip.open(path, "wt", newline="") as file:
        file.write("\r\n".join(["\t".join(BANK_HEADER), *lines]) + "\r\n")
    return path


def rows(log) -> list[dict]:
    return log.contacts.df().to_dict("records")


def test_a_bank_row_worked_by_hand_with_a_clock_that_wraps_at_midnight(tmp_path):
    (row,) = rows(load_contacts(bank_file(tmp_path / "february.txt.gz", bank_line())))
    assert list(row) == list(CANONICAL)
    assert row["opened_at"] == pd.Timestamp("1999-02-01 23:59:50")
    assert (row["wait_s"], row["queued"], row["outcome"], row["handle_s"]) == (21.0, True, "answered", 60.0)
    assert row["queue"] == "Regular (PS)"
    assert row["channel"] == "phone"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"outcome": "PHANTOM", "server": "NO_SERVER"}, "phantom"),
        ({"outcome": "HANG", "q_start": "0:00:00", "q_time": "0", "server": "NO_SERVER"}, "voice menu"),
        ({"q_time": "25245"}, "fault of the recorder"),
        ({"q_time": "-3"}, "negative"),
        ({"q_time": "x"}, "no readable queue time"),
        ({"vru_entry": "noon"}, "no readable date"),
        ({"server": "A\tB"}, "not 17 cells"),
    ],
)
def test_each_bank_trap_is_set_aside_with_its_reason(tmp_path, cells, reason):
    log = load_contacts(bank_file(tmp_path / "f.txt.gz", bank_line(), bank_line(call_id="8", **cells)))
    assert log.counts == {"read": 2, "kept": 1, "set_aside": 1}
    assert log.set_aside["rows"].tolist() == [1]
    assert reason in log.set_aside["reason"][0]


def test_never_queued_is_not_midnight(tmp_path):
    (row,) = rows(
        load_contacts(bank_file(tmp_path / "f.gz", bank_line(q_start="0:00:00", q_exit="0:00:00", q_time="0")))
    )
    assert (row["queued"], row["wait_s"], row["outcome"]) == (False, 0.0, "answered")


def test_a_lost_tab_is_put_back_and_said(tmp_path):
    broken = bank_line(call_id="8").replace("\t2\tPS\t", "\t2PS\t")
    log = load_contacts(bank_file(tmp_path / "f.gz", bank_line(), broken))
    first, second = log.contacts.df().drop(columns="contact_id").iloc
    pd.testing.assert_series_equal(first, second, check_names=False)
    assert log.repaired.to_dict("records") == [{"repair": "tab put back between priority and type", "rows": 1}]


def test_an_impossible_service_time_is_left_unknown_and_said(tmp_path):
    log = load_contacts(bank_file(tmp_path / "f.gz", bank_line(ser_time="61437")))
    assert pd.isna(rows(log)[0]["handle_s"])
    assert log.repaired["rows"].tolist() == [1]


def test_names_and_ids_do_not_leave_the_file(tmp_path):
    log = load_contacts(bank_file(tmp_path / "f.gz", bank_line(), bank_line(customer_id="0", call_id="8")))
    text = log.contacts.df().to_csv()
    assert "AGENT17" not in text
    assert "106756" not in text
    keys = log.contacts.df()["customer_key"]
    assert len(keys[0]) == 16
    assert pd.isna(keys[1]), "0 stands for an unknown customer"


@pytest.mark.parametrize(
    ("month", "read", "aside", "at_once", "queued", "abandoned"),
    [
        ("1999-01", 31_599, {"phantom": 240, "voice menu": 1_198}, 13_475, 16_686, 3_101),
        ("1999-02", 33_344, {"phantom": 278, "voice menu": 1_941}, 13_067, 18_058, 3_963),
    ],
)
def test_the_bank_log_in_full(shared, month, read, aside, at_once, queued, abandoned):
    end = {"1999-01": "1999-02-01", "1999-02": "1999-03-01"}[month]
    log = load_contacts(shared / "data" / "anonymous-bank", start=f"{month}-01", end=end)
    assert log.counts["read"] == read == log.counts["kept"] + log.counts["set_aside"]
    for word, count in aside.items():
        assert log.set_aside.loc[log.set_aside["reason"].str.contains(word), "rows"].tolist() == [count]
    assert log.counts["kept"] == at_once + queued
    contacts = log.contacts.df()
    assert (~contacts["queued"]).sum() == at_once
    assert (contacts["outcome"] == "abandoned").sum() == abandoned
    assert log.files.set_index("used")["path"].str.contains("arrivals").to_dict()[False], "no contact log, and listed"


@given(waits=st.lists(st.one_of(st.none(), st.floats(-5, 50), st.just(float("nan"))), min_size=1, max_size=30))
def test_rows_read_are_rows_kept_and_rows_set_aside(waits):
    frame = pd.DataFrame({"wait_s": pd.array(waits, dtype="Float64"), "outcome": "answered"})
    good = sum(w is not None and w == w and w >= 0 for w in waits)
    if not good:
        with pytest.raises(LogError, match="no contacts"):
            load_contacts(frame)
        return
    log = load_contacts(frame)
    assert log.counts == {"read": len(waits), "kept": good, "set_aside": len(waits) - good}
    assert log.set_aside["rows"].sum() == len(waits) - good


def test_a_bad_cell_of_a_text_log_is_set_aside_and_not_fatal(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("wait_s,outcome\n3,answered\nthree,answered\n4,\n5,abandoned\n")
    log = load_contacts(path)
    assert log.counts == {"read": 4, "kept": 2, "set_aside": 2}
    assert set(log.set_aside["reason"]) == {"no readable wait_s", "no outcome"}


def test_columns_of_another_log_are_mapped_and_its_words_translated(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("Opened,Seconds,How,Who\n1999-02-01 08:00:00,3,HUNG UP,ann\n1999-02-01 09:00:00,4,TALKED,bob\n")
    columns = {
        "opened_at": "Opened",
        "wait_s": "Seconds",
        "customer_key": "Who",
        "outcome": {"column": "How", "values": {"HUNG UP": "abandoned", "TALKED": "answered"}},
    }
    log = load_contacts(path, columns=columns, **FEBRUARY)
    assert log.contacts.df()["outcome"].tolist() == ["abandoned", "answered"]
    assert "ann" not in log.contacts.df()["customer_key"].tolist()


@pytest.mark.parametrize("as_frame", [pl.from_pandas, lambda f: duckdb.from_df(f), lambda f: f])
def test_frames_of_every_kind_give_the_same_rows(as_frame):
    log = load_contacts(as_frame(log_frame()), **FEBRUARY)
    assert log.contacts.df()["wait_s"].tolist() == [10.0, 20.0, 30.0]


def test_rows_of_other_periods_are_not_read_but_counted():
    log = load_contacts(log_frame(), start="1999-02-02", end="1999-02-03")
    assert log.counts == {"read": 1, "kept": 1, "set_aside": 0, "other_periods": 2}
    assert log.newest == pd.Timestamp("1999-02-02 09:00")


def test_a_simulated_log_says_so():
    assert not load_contacts(log_frame()).simulated
    assert load_contacts(log_frame(simulated=[True] * 3)).simulated


@pytest.mark.parametrize(
    ("frame", "arguments", "message"),
    [
        (log_frame().drop(columns="wait_s"), {}, r"no column 'wait_s'.*It has the columns opened_at, outcome"),
        (
            log_frame(outcome=["answered", "hung up", "hung up"]),
            {},
            r"'outcome' holds 'hung up' \(2 rows\).*outcome = \{ column = .outcome., words",
        ),
        (log_frame(channel=["phone", "fax", "phone"]), {}, r"'channel' holds 'fax' \(1 rows\)"),
        (log_frame(), {"start": "2001-01-01", "end": "2001-02-01"}, r"no contacts.*3 rows from 1999-02-01 08:00:00"),
        (
            log_frame(),
            {"columns": {"wait": "wait_s"}},
            r"names wait \(did you mean .wait_s.\?\); the canonical columns are",
        ),
        (log_frame(), {"columns": {"wait_s": "W"}}, r"no column 'W' \(for wait_s\)"),
        (log_frame(), {"preset": "other_bank"}, "unknown preset 'other_bank'"),
    ],
)
def test_a_log_that_cannot_be_used_says_where_and_what_to_do(frame, arguments, message):
    with pytest.raises(LogError, match=message):
        load_contacts(frame, **arguments)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("log.csv", b"wait,outcome\n1,answered\n", r"log.csv: no column 'wait_s'"),
        ("log.txt.gz", b"this is no gzip", r"cannot read .*log.txt.gz"),
        ("log.parquet", b"neither is this Parquet", r"cannot read .*log.parquet"),
        ("log.csv", b"", r"log.csv is empty"),
        ("log.docx", b"PK", r"files end in"),
        ("log.xlsx", b"PK", r"cannot read .*log.xlsx"),
    ],
)
def test_an_unreadable_file_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LogError, match=message):
        load_contacts(tmp_path / name)


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path):
    with pytest.raises(LogError, match=r"there is no file .*nowhere.csv"):
        load_contacts(tmp_path / "nowhere.csv")
    with pytest.raises(LogError, match="no file ends in"):
        load_contacts(tmp_path)


def test_a_file_whose_name_looks_like_a_pattern_is_read(tmp_path):
    path = tmp_path / "log [1].csv"
    path.write_text("wait_s,outcome\n3,answered\n")
    assert load_contacts([path]).counts["kept"] == 1


@pytest.mark.parametrize("column", ["handle_s", "promised_s"])
def test_what_is_no_time_is_left_unknown_and_said(column):
    log = load_contacts(pl.DataFrame(log_frame(**{column: [-1.0, float("inf"), 30.0]})))
    assert log.counts == {"read": 3, "kept": 3, "set_aside": 0}
    assert [row[column] for row in rows(log)][2] == 30.0
    assert log.contacts.df()[column].notna().sum() == 1
    assert log.repaired.to_dict("records") == [{"repair": f"{column} is no time: left unknown", "rows": 2}]


def test_a_wait_that_no_clock_counts_is_set_aside():
    log = load_contacts(log_frame(wait_s=[2.0**53, 1e300, 2.0**53 - 1]))
    assert log.set_aside.to_dict("records") == [{"reason": "no readable wait_s", "rows": 2}]


def test_a_frame_turned_round_is_read_like_any_other():
    frame = log_frame()
    assert load_contacts(frame[::-1]).counts == load_contacts(frame).counts
