"""Rows that repeat: counted once where that is sure, a question where it is not, and every answer gives what it says."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.contacts import LogError, LogQuestionError, load, look_at

HEAD = "contact_id,channel,queue,opened_at,wait_s,outcome,updated\n"


def _text(folder: Path, rows: list[str], name: str = "log.csv", head: str = HEAD) -> Path:
    path = folder / name
    path.write_text(head + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def _forms(folder: Path, rows: list[str]) -> list[Path]:
    """The same rows as text, gzip, Parquet and JSON lines."""
    text = _text(folder, rows)
    frame = pd.read_csv(text, dtype={"contact_id": str})
    (folder / "log.csv.gz").write_bytes(gzip.compress(text.read_bytes()))
    frame.assign(opened_at=pd.to_datetime(frame["opened_at"])).to_parquet(folder / "log.parquet")
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in frame.to_dict("records")))
    return [text, folder / "log.csv.gz", folder / "log.parquet", folder / "log.jsonl"]


LEGS = [
    "a,phone,sales,2026-10-05 09:00:00,5,answered,2026-10-05 09:30:00",
    "a,phone,support,2026-10-05 09:02:00,8,abandoned,2026-10-05 09:10:00",
    "b,phone,sales,2026-10-06 09:00:00,1,answered,2026-10-06 09:30:00",
]


def test_one_id_with_two_times_is_a_question_in_every_form(tmp_path: Path) -> None:
    for log in _forms(tmp_path, LEGS):
        with pytest.raises(
            LogQuestionError, match=r"1 contact_id stand in 2 rows that differ.*09:00:00 and 2026-10-05 09:02"
        ):
            load(log).period("2026-10")
        assert "repeats" in look_at(log)["question"]
        with pytest.raises(LogQuestionError):
            load(log).counts  # noqa: B018


@pytest.mark.parametrize(
    ("rule", "waits"),
    [("keep", [1, 5, 8]), ("once", [1, 5, 8]), ("last", [1, 8]), ({"newest": "updated"}, [1, 5])],
)
def test_every_answer_gives_what_it_says(tmp_path: Path, rule: object, waits: list[int]) -> None:
    for log in _forms(tmp_path, LEGS):
        loaded = load(log, mapping={"repeats": rule})
        month = loaded.period("2026-10")
        for rows in (loaded.contacts, month.contacts, load(log, mapping={"repeats": rule}).period("2026-10").contacts):
            assert sorted(rows.df()["wait_s"]) == waits
        assert month.counts["read"] == 3
        aside = [] if len(waits) == 3 else [{"reason": "an older row of the same contact", "rows": 1}]
        assert month.set_aside.to_dict("records") == loaded.set_aside.to_dict("records") == aside


def test_a_column_that_tells_no_contacts_apart_can_be_left_out(tmp_path: Path) -> None:
    log = _text(tmp_path, LEGS)
    assert load(log, mapping={"contact_id": "none"}).period("2026-10").counts["kept"] == 3


def test_the_same_row_again_counts_once_in_every_form(tmp_path: Path) -> None:
    rows = [
        "b,phone,sales,2026-10-06 09:00:00,1,answered,",
        *(f"c{i},phone,sales,2026-10-07 10:{i:02d}:00,{i},abandoned," for i in range(9)),
    ]
    for log in _forms(tmp_path, [*rows, *rows[2:5]]):
        month = load(log).period("2026-10")
        assert month.counts["kept"] == 10
        assert month.set_aside.to_dict("records") == [{"reason": "the same row again", "rows": 3}]
        assert int(month.cells["contacts"].sum()) == 10
        assert look_at(log)["reasons"] == {"the same row again": 3}


def test_two_exports_that_overlap_and_have_no_id(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    head = "channel,opened_at,wait_s,outcome\n"
    days = {
        day: [f"phone,2026-10-{day:02d} {9 + i:02d}:{7 * i:02d}:{day:02d},{i * day},answered" for i in range(9)]
        for day in range(1, 8)
    }
    first = [row for day in range(1, 5) for row in days[day]]
    second = [row for day in range(4, 8) for row in days[day]]
    _text(folder, first, "a.csv", head)
    _text(folder, second, "b.csv", head)
    with pytest.raises(LogQuestionError, match=r'18 rows in 1 day from 2026-10-04.*repeats = "once"'):
        load(folder).period("2026-10")
    assert load(folder, mapping={"repeats": "once"}).period("2026-10").counts["kept"] == 63
    assert load(folder, mapping={"repeats": "keep"}).period("2026-10").counts["kept"] == 72


def test_contacts_that_are_alike_by_chance_are_no_question(tmp_path: Path) -> None:
    rows = [f"phone,2026-10-05 09:{i % 30:02d},0,answered" for i in range(50)]
    log = _text(tmp_path, rows, head="channel,opened_at,wait_s,outcome\n")
    assert load(log).period("2026-10").counts["kept"] == 50


def test_a_rule_that_is_none_and_a_column_that_is_not_there(tmp_path: Path) -> None:
    log = _text(tmp_path, LEGS)
    for wrong in ("first", {"oldest": "updated"}, 3):
        with pytest.raises(LogError, match=r"repeats = .*; write one of 'keep', 'once', 'last'"):
            load(log, mapping={"repeats": wrong})
    with pytest.raises(LogError, match=r"no column 'Updatd' \(for repeats\)"):
        load(log, mapping={"repeats": {"newest": "Updatd"}}).period("2026-10")


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=12))
def test_counts_are_those_of_a_plain_loop(rows: list[tuple[str, int, int]]) -> None:
    frame = pd.DataFrame(
        {
            "contact_id": [i for i, _, _ in rows], "opened_at": [pd.Timestamp(2026, 10, 5, 9, m) for _, m, _ in rows],
            "wait_s": [float(w) for _, _, w in rows], "outcome": "answered",
        }
    )  # fmt: skip
    last = {i: (m, w) for i, m, w in rows}
    kept = load(frame, mapping={"repeats": "last"})
    assert kept.counts == {"read": len(rows), "kept": len(last), "set_aside": len(rows) - len(last)}
    found = kept.contacts.df().set_index("contact_id")
    assert {i: (row.opened_at.minute, int(row.wait_s)) for i, row in found.iterrows()} == last
    assert load(frame, mapping={"repeats": "keep"}).counts["kept"] == len(set(rows))
    if len(set(rows)) == len(last):
        assert load(frame).counts["kept"] == len(last)
    else:
        with pytest.raises(LogQuestionError):
            load(frame).counts  # noqa: B018
