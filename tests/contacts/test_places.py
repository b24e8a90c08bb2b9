"""Where a log lies: folders in folders, patterns, partitions, the same file twice, and files that were cut off."""

from __future__ import annotations

import gzip
import json

import duckdb
import pandas as pd
import pytest

from cxresearch import __main__ as command_line
from cxresearch.contacts import LogError, load, load_contacts, look_at

HEADER = "contact_id,opened_at,wait_s,outcome\n"
ROWS = ["1,2026-10-01 08:00,12,answered\n", "2,2026-10-02 09:00,40,abandoned\n", "3,2026-10-03 10:00,7,answered\n"]


def text(*numbers: int) -> str:
    return HEADER + "".join(ROWS[number - 1] for number in numbers)


def write(path, content: str | bytes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def parquet(path, *numbers: int, **columns: str):
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [row.strip().split(",") for row in (ROWS[number - 1] for number in numbers)]
    frame = pd.DataFrame(cells, columns=HEADER.strip().split(",")).assign(**columns)
    frame.astype({"opened_at": "datetime64[us]", "wait_s": float}).to_parquet(path, index=False)
    return path


def channels(log) -> list[tuple]:
    return sorted(log.contacts.select("contact_id, channel").fetchall())


def test_a_folder_is_read_with_the_folders_in_it(tmp_path):
    write(tmp_path / "1.csv", text(1))
    write(tmp_path / "2026" / "10" / "2.csv", text(2))
    write(tmp_path / "2026" / "11" / "3.csv.gz", gzip.compress(text(3).encode()))
    write(tmp_path / "2026" / "notes.csv", "who,what\na,b\n")
    write(tmp_path / "2026" / "_temporary" / "1.csv", text(1, 2, 3))
    log = load(str(tmp_path))
    assert log.counts == {"read": 3, "kept": 3, "set_aside": 0}
    assert log.files.set_index("path")["reason"].to_dict() == {
        str(tmp_path / "1.csv"): "",
        str(tmp_path / "2026" / "10" / "2.csv"): "",
        str(tmp_path / "2026" / "11" / "3.csv.gz"): "",
        str(tmp_path / "2026" / "notes.csv"): "no column 'wait_s', column 'outcome'",
        str(tmp_path / "2026" / "_temporary" / "1.csv"): "hidden, or in a folder that begins with . or _",
    }


def test_two_stars_stand_for_any_number_of_folders(tmp_path):
    write(tmp_path / "1.csv", text(1))
    write(tmp_path / "a" / "b" / "2.csv", text(2))
    write(tmp_path / "a" / "3.txt", text(3))
    assert load(str(tmp_path / "**" / "*.csv")).counts["read"] == 2
    assert load(str(tmp_path / "a*")).counts["read"] == 2, "a folder by a pattern"
    assert load(str(tmp_path / "**")).counts["read"] == 3, "each once"


@pytest.mark.parametrize(
    ("mark", "kind"), [("_delta_log/0.json", "a Delta"), ("metadata/v1.metadata.json", "an Iceberg")]
)
def test_a_table_whose_files_hold_deleted_rows_is_refused(tmp_path, mark, kind):
    parquet(tmp_path / "data" / "1.parquet", 1)
    write(tmp_path / mark, "{}")
    with pytest.raises(LogError, match=f"is {kind} table"):
        load(str(tmp_path))


@pytest.mark.parametrize("kind", ["csv", "parquet", "jsonl"])
def test_the_folders_of_a_partition_are_columns(tmp_path, kind):
    def put(folder: str, number: int) -> None:
        path = tmp_path / "lake" / folder / f"part-0.{kind}"
        if kind == "parquet":
            parquet(path, number)
        elif kind == "csv":
            write(path, text(number))
        else:
            cells = zip(HEADER.strip().split(","), ROWS[number - 1].strip().split(","), strict=True)
            write(path, json.dumps(dict(cells)) + "\n")

    put("month=2026-10/channel=phone", 1)
    put("month=2026-10/channel=web%5Fform", 2)
    put("month=2026-11/channel=__HIVE_DEFAULT_PARTITION__", 3)
    log = load(str(tmp_path / "lake"))
    assert channels(log) == [("1", "phone"), ("2", "web_form"), ("3", None)]
    assert load(str(tmp_path / "lake"), mapping={"queue": "month"}).contacts.aggregate(
        "count(DISTINCT queue)"
    ).fetchall() == [(2,)]
    assert load(str(tmp_path / "lake"), mapping={"rows": {"month": ["2026-10"]}}).counts["kept"] == 2
    october = load(str(tmp_path / "lake")).period("2026-10")
    assert october.counts == {"read": 3, "kept": 3, "set_aside": 0, "other_periods": 0}
    assert october.only(channel="phone").counts["kept"] == 3


@pytest.mark.parametrize(
    "write_one",
    [
        parquet,
        lambda path, n, channel: write(
            path.with_suffix(".csv"),
            text(n).replace("\n", f",{channel}\n").replace(f"outcome,{channel}", "outcome,Channel"),
        ),
    ],
)
def test_a_file_that_contradicts_its_folder_is_refused_and_one_that_agrees_is_not(tmp_path, write_one):
    write_one(tmp_path / "channel=phone" / "1.parquet", 1, channel="Phone")
    write_one(tmp_path / "channel=chat" / "2.parquet", 2, channel="chat")
    assert channels(load(str(tmp_path))) == [("1", "phone"), ("2", "chat")]
    write_one(tmp_path / "channel=chat" / "3.parquet", 3, channel="email")
    with pytest.raises(LogError, match=r"a folder says channel=chat, and in 1 rows .* such as 'email'"):
        load(str(tmp_path)).counts  # noqa: B018
    assert load(str(tmp_path), mapping={"channel": {"value": "phone"}}).counts["kept"] == 3, (
        "a column that nobody reads"
    )


def test_a_number_in_a_folder_is_the_number_in_the_file(tmp_path):
    path = tmp_path / "value=007" / "1.parquet"
    path.parent.mkdir()
    duckdb.sql("SELECT 3 AS wait_s, 'answered' AS outcome, 7 AS value").write_parquet(str(path))
    assert load(str(tmp_path)).contacts.select("value").fetchall() == [(7.0,)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("log.csv.gz", gzip.compress(text(1, 2, 3).encode())),
        ("log.csv.gz", gzip.compress(text(1).encode()) + gzip.compress("".join(ROWS[1:]).encode())),
        ("other.csv", text(1, 2, 3).encode()),
        ("below/copy.txt", text(1, 2, 3).encode()),
    ],
)
def test_the_same_rows_under_two_names_count_once(tmp_path, name, content):
    first = write(tmp_path / "log.csv", text(1, 2, 3))
    second = write(tmp_path / name, content)
    for source in (str(tmp_path), [str(first), str(second)]):
        log = load(source)
        assert log.counts["read"] == 3
        left = log.files[~log.files["used"]]
        one, other = sorted([str(first), str(second)], key=lambda path: path == left["path"].item())
        assert left.to_dict("records") == [{"path": other, "used": False, "reason": f"the same rows as {one}"}]


def test_the_same_rows_count_once_without_ids_and_in_parquet(tmp_path):
    content = text(1, 2).replace("contact_id,", "").replace("1,", "", 1).replace("2,2026", "2026")
    write(tmp_path / "text" / "a.csv", content)
    write(tmp_path / "text" / "b.csv.gz", gzip.compress(content.encode()))
    assert load(str(tmp_path / "text")).period("2026-10").counts["read"] == 2
    one = parquet(tmp_path / "parquet" / "a.parquet", 1, 2)
    write(tmp_path / "parquet" / "b.parquet", one.read_bytes())
    assert load(str(tmp_path / "parquet")).period("2026-10").counts["read"] == 2


def test_files_of_one_size_with_other_rows_and_equal_files_of_two_partitions_all_count(tmp_path):
    write(tmp_path / "size" / "a.csv", text(1))
    write(tmp_path / "size" / "b.csv", text(1).replace("\n1,", "\n9,"))
    assert load(str(tmp_path / "size")).counts["read"] == 2
    for channel in ("phone", "chat"):
        write(tmp_path / "lake" / f"channel={channel}" / "0.csv", text(1))
    log = load(str(tmp_path / "lake"), mapping={"repeats": "keep"})
    assert channels(log) == [("1", "chat"), ("1", "phone")]
    assert log.counts["set_aside"] == 0


def test_a_gzip_or_parquet_that_was_cut_off_is_refused_by_name(tmp_path, capsys):
    rows = "".join(f"{n},2026-10-{n % 28 + 1:02d} 08:00,{n * 7919 % 997},answered\n" for n in range(20_000))
    whole = gzip.compress((HEADER + rows).encode())
    cut = write(tmp_path / "cut.csv.gz", whole[: len(whole) * 6 // 10])
    whole_too = write(tmp_path / "whole.csv", text(1))
    for read in (
        lambda source: load_contacts(source), lambda source: load(source).counts, lambda source: load(source).period("2026-10"),
    ):  # fmt: skip
        with pytest.raises(LogError, match=r"cut\.csv\.gz.*was cut off"):
            read([str(whole_too), str(cut)])
    assert "cut.csv.gz" in look_at(str(cut))["error"]
    assert command_line.main(["look", str(cut)]) == 2
    assert "was cut off" in capsys.readouterr().out
    path = parquet(tmp_path / "log.parquet", 1, 2, 3)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(LogError, match=r"cannot read .*log\.parquet"):
        load(str(path))
