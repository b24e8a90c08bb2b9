"""What a second look found: readings that were stale, cut short, refused or silently other than the log says."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

import pandas as pd
import pytest

from cxresearch.__main__ import main
from cxresearch.contacts import LogError, LogQuestionError, load, look_at
from cxresearch.contacts.remote import refuse_secrets

ROWS = "opened_at,wait_s,outcome\n2026-01-05 09:00,5,answered\n2026-01-06 10:00,7,abandoned\n"


def test_a_folder_under_another_name_is_another_log(tmp_path: Path) -> None:
    folder = tmp_path / "log" / "channel=phone"
    folder.mkdir(parents=True)
    (folder / "x.csv").write_text(ROWS)
    assert load(tmp_path / "log").period("2026-01").cells["channel"].unique().tolist() == ["phone"]
    folder.rename(tmp_path / "log" / "channel=chat")
    assert load(tmp_path / "log").period("2026-01").cells["channel"].unique().tolist() == ["chat"]


def test_text_and_parquet_know_the_same_beginning_and_end(tmp_path: Path) -> None:
    """Weekdays only: January ends on a Saturday, the log goes on to March, and it began long before."""
    days = pd.bdate_range("2025-11-04", "2026-03-10")
    frame = pd.DataFrame(
        {"opened_at": days + pd.Timedelta(hours=9), "wait_s": 3600.0 * 60, "outcome": "answered", "channel": "email"}
    )
    frame.to_csv(tmp_path / "log.csv", index=False)
    frame.to_parquet(tmp_path / "log.parquet")
    text, parquet = (load(tmp_path / f"log.{kind}").period("2026-01") for kind in ("csv", "parquet"))
    assert len(text.unanswered) == len(parquet.unanswered) == 31
    pd.testing.assert_frame_equal(text.unanswered, parquet.unanswered)
    assert text.begins == parquet.begins == days[0].date()


def test_rows_of_other_periods_repeat_nothing(tmp_path: Path) -> None:
    opened = pd.date_range("2026-01-01 08:00", periods=3000, freq="20min").floor("h").repeat(2)
    frame = pd.DataFrame({"contact_id": range(6000), "opened_at": opened, "wait_s": 1.0, "outcome": "answered"})
    assert load(frame).period("2026-02").counts["kept"] == int(frame["opened_at"].dt.month.eq(2).sum())
    newest = tmp_path / "log.csv"
    frame.assign(wait_s=range(6000)).drop(columns="contact_id").sort_values("opened_at", ascending=False).to_csv(
        newest, index=False
    )
    month = load(newest, mapping={"repeats": "once"}).period("2026-01")
    assert len(month.unanswered) == 31
    assert month.counts["other_periods"] == 6000 - month.counts["read"]


def test_rows_without_a_date_are_held_against_the_log_and_not_against_a_period(tmp_path: Path) -> None:
    opened = pd.Series(pd.date_range("2025-01-01", periods=12_000, freq="43min")).dt.strftime("%Y-%m-%d %H:%M:%S")
    opened[opened.index % 40 == 0] = "soon"
    log = tmp_path / "log.csv"
    pd.DataFrame({"opened_at": opened, "wait_s": range(12_000), "outcome": "answered"}).to_csv(log, index=False)
    month = load(log).period("2025-06")
    assert month.counts["set_aside"] == 300
    assert int(month.usable["unusable"].sum()) == 0
    opened[opened.index % 4 == 0] = "soon"
    pd.DataFrame({"opened_at": opened, "wait_s": range(12_000), "outcome": "answered"}).to_csv(log, index=False)
    with pytest.raises(
        LogError, match=r"3,000 of 12,000 rows of the log cannot be used \(no readable opened_at: 3,000\)"
    ):
        load(log).period("2025-06")


@pytest.mark.parametrize(("cells", "mapping", "seconds"), [
    (["1,200 s", "45 s"], {"thousands": ","}, [1200, 45]), (["1.200 Sek", "45 Sek"], {"thousands": "."}, [1200, 45]),
    (["1,200 s", "45 s"], {"decimal": ","}, [1.2, 45]), (["1.5 s", "1,200 s"], {}, [1.5, 1200]), (["65,0 s", "45 s"], {}, [65, 45]),
])  # fmt: skip
def test_the_signs_of_a_cell_that_carries_its_unit(
    tmp_path: Path, cells: list[str], mapping: dict[str, str], seconds: list[float]
) -> None:
    log = tmp_path / "log.csv"
    log.write_text(
        "opened_at;wait_s;outcome\n" + "".join(f"2026-01-05 09:0{i};{cell};answered\n" for i, cell in enumerate(cells))
    )
    assert (
        load(log, mapping={"wait_s": {"column": "wait_s", **mapping}})
        .contacts.order("opened_at")
        .df()["wait_s"]
        .tolist()
        == seconds
    )


@pytest.mark.parametrize("unit", ["s", "Sek.", "sec"])
@pytest.mark.parametrize("sign", [",", "."])
def test_three_digits_after_a_sign_are_a_question_with_a_unit_too(tmp_path: Path, unit: str, sign: str) -> None:
    log = tmp_path / "log.csv"
    log.write_text(
        f"opened_at;wait_s;outcome\n2026-01-05 09:00;1{sign}200 {unit};answered\n2026-01-05 09:01;45 {unit};answered\n"
    )
    with pytest.raises(LogQuestionError, match="between thousands or before decimals"):
        load(log).counts  # noqa: B018


def test_json_names_with_a_point_and_packed_records(tmp_path: Path) -> None:
    records = [
        {"opened_at": f"2026-01-05 09:0{i}", "wait_s": i, "outcome": "answered", "Account.Key": f"a{i}" if i else "--"}
        for i in range(3)
    ]
    text = "".join(json.dumps(record) + "\n" for record in records)
    (tmp_path / "log.jsonl").write_text(text)
    (tmp_path / "log.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("log.jsonl", "log.jsonl.gz"):
        rows = load(tmp_path / name, mapping={"customer_key": "Account.Key"}).contacts.order("opened_at").df()
        assert rows["customer_key"].isna().tolist() == [True, False, False]
        assert rows["wait_s"].tolist() == [0, 1, 2]
        assert load(tmp_path / name).period("2026-01").counts["read"] == 3
    (tmp_path / "log.csv").write_text(ROWS)
    with pytest.raises(LogError, match="JSON and other text files in one log"):
        load([tmp_path / "log.csv", tmp_path / "log.jsonl"]).counts  # noqa: B018


def test_a_broken_record_is_a_sentence(tmp_path: Path) -> None:
    good = json.dumps({"opened_at": "2026-01-05 09:00", "wait_s": 1, "outcome": "answered"}) + "\n"
    (tmp_path / "log.jsonl").write_text(good * 2500 + '{"opened_at": \n' + good)
    with pytest.raises(LogError, match=r"cannot read log\.jsonl"):
        load(tmp_path / "log.jsonl").period("2026-01")


@pytest.mark.parametrize("address", [
    "https://token1234@example.org/x.csv", "https://example.org/x.csv?key=abcd", "https://example.org/x.csv?auth=abcd",
    "https://example.org/x.csv?code=abcd", "https://example.org/x.csv?sas=abcd", "s3://someone@bucket/x.csv",
])  # fmt: skip
def test_a_secret_in_an_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(LogError) as told:
        refuse_secrets(address, instead="the environment has it")
    assert not any(secret in str(told.value) for secret in ("token1234", "abcd", "someone"))


def test_an_address_that_nobody_knows_is_not_repeated() -> None:
    with pytest.raises(LogError) as told:
        load("jdbc:postgresql://u:geheim@h/db")
    assert "geheim" not in str(told.value)


def test_years_that_stand_for_no_time_are_none(tmp_path: Path) -> None:
    opened = [*pd.date_range("2026-01-05", periods=9, freq="D"), pd.Timestamp("9999-12-31").as_unit("us")]
    pd.DataFrame(
        {"opened_at": pd.Series(opened, dtype="datetime64[us]"), "wait_s": 1.0, "outcome": "answered"}
    ).to_parquet(tmp_path / "log.parquet")
    assert look_at(tmp_path / "log.parquet")["plausible"]["last"].startswith("2026-01-13")
    assert load(tmp_path / "log.parquet").period("2026-01").set_aside.to_dict("records") == [
        {"reason": "no readable opened_at", "rows": 1}
    ]


def test_what_holds_no_table_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(";;;\n;;;\n;;;\n")
    (tmp_path / "_data").mkdir()
    (tmp_path / "_data" / "a.csv").write_text(ROWS)
    with pytest.raises(LogError):
        load(tmp_path / "log.csv").counts  # noqa: B018
    (tmp_path / "log.csv").unlink()
    with pytest.raises(LogError, match="all files are hidden"):
        load(tmp_path)


def test_an_open_wait_needs_an_end() -> None:
    frame = pd.DataFrame({"wait_s": [1.0, None], "outcome": "answered"})
    with pytest.raises(LogError, match="no row has a readable opened_at"):
        load(frame, mapping={"wait_s": {"column": "wait_s", "missing": "open"}})


def test_a_queue_that_begins_like_a_total_is_a_queue(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    rows = [f"Total Care,{1 + i % 28:02d}.01.2026 09:{i % 60:02d},{i},answered" for i in range(60)]
    log.write_text("queue,opened_at,wait_s,outcome\n" + "\n".join([*rows, "Total,,1770,"]) + "\n")
    month = load(log).period("2026-01")
    assert (month.counts["kept"], month.cells["queue"].unique().tolist()) == (60, ["Total Care"])
    assert month.set_aside.to_dict("records") == [{"reason": "a line of totals", "rows": 1}]


def test_no_copy_outlives_its_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(copies))
    log = tmp_path / "log.csv"
    log.write_text(ROWS)
    assert load(log).counts["kept"] == 2
    assert not list(copies.iterdir())
    (tmp_path / "other.csv").write_bytes(ROWS.encode("utf-16") + b"\x00")
    with pytest.raises(LogError):
        load([log, tmp_path / "other.csv"]).counts  # noqa: B018
    assert not list(copies.iterdir())


def test_a_pseudonym_is_shown_nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.csv"
    log.write_text("customer_key,opened_at,wait_s,outcome\n4711,2026-01-05 09:00,5,answered\n")
    assert main(["look", str(log)]) == 0
    key = load(log).contacts.df()["customer_key"].iloc[0]
    assert key not in capsys.readouterr().out
