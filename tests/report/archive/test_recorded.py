"""Kept state is data from outside: what is broken is named, left aside, and stops nothing."""

from __future__ import annotations

import json

import pytest

from cxresearch.report import job
from cxresearch.report.archive import history
from cxresearch.report.archive.recorded import read_runs
from tests.report.archive.test_history import REPORT, add, headline

BROKEN = {
    "not UTF-8": b"\xff\xfe{\x00}\x00",
    "cut off": b'{"report": "monthly", "per',
    "empty": b"",
    "a list for a dict": b"[]",
    "a number": b"7",
    "null": b"null",
    "deep": b"[" * 100_000,
}


@pytest.fixture
def out(tmp_path):
    add(tmp_path, "1999-01", headline(0.2))
    add(tmp_path, "1999-02", headline(0.3))
    return tmp_path


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("name", ["run.json", "headlines.json", "forecast.json"])
def test_a_broken_file_is_named_and_stops_nothing(out, name, content, capsys):
    (out / "monthly" / "1999-01" / name).write_bytes(content)
    runs, aside = read_runs(out)
    is_no_fault = name != "run.json" and content == b"[]"  # a run may have no headline
    assert [file.path for file in aside] == ([] if is_no_fault else [f"monthly/1999-01/{name}"])
    assert [run["period"] for run in runs] == (["1999-02"] if name == "run.json" else ["1999-01", "1999-02"])
    assert len(history.load_runs(out)) == len(runs)
    job.write_index(out, REPORT)
    assert ("left aside" in capsys.readouterr().err) is bool(aside)
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "February 1999" in page
    assert (f"<code>monthly/1999-01/{name}</code>" in page) is bool(aside)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "fine"}, {"simulated": "no"}, {"inputs": None}, {"period": 1999}, {"finished_utc": None},
        {"format": {"run": 99}}, {"versions": []},
    ],
)  # fmt: skip
def test_a_run_of_another_shape_or_a_newer_version_is_left_aside(out, change):
    path = out / "monthly" / "1999-01" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    runs, (aside,) = read_runs(out)
    assert [run["period"] for run in runs] == ["1999-02"]
    assert aside.path == "monthly/1999-01/run.json"
    assert "another shape at " in aside.why


@pytest.mark.parametrize(
    "change", [{"value": "0.2"}, {"unit": None}, {"kind": "guessed"}, {"change": {"difference": 1}}]
)
def test_headlines_of_another_shape_are_left_aside_and_the_run_stands(out, change):
    path = out / "monthly" / "1999-02" / "headlines.json"
    path.write_text(json.dumps([headline(0.3) | change]))
    (january, february), (aside,) = read_runs(out)
    assert (january["period"], february["period"], february["headlines"]) == ("1999-01", "1999-02", [])
    assert aside.path == "monthly/1999-02/headlines.json"


def test_a_run_of_the_first_version_is_read(out):
    """Its run.json has no format, no reason, and its headlines no base."""
    path = out / "monthly" / "1999-01" / "run.json"
    record = json.loads(path.read_text())
    for key in ("reason", "newest_record", "commit"):
        del record[key]
    path.write_text(json.dumps(record))
    runs, aside = read_runs(out)
    assert not aside
    assert runs[0]["reason"] == ""
