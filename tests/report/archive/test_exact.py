"""Exact tables stand apart, closed to others, and each report finds its own: whenever a run was killed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.odd_state import _month
from cxresearch.report.archive import exact, publish
from cxresearch.report.archive.recorded import read_runs
from cxresearch.report.archive.stores import store

RUN = {
    "report": "monthly", "title": "T", "period": "1999-02", "period_label": "February 1999", "status": "complete",
    "simulated": False, "parameters": {}, "inputs": [], "versions": {}, "finished_utc": "1999-03-01T00:00:00Z",
}  # fmt: skip
TARGET = ("monthly", "1999-02")


def arrivals(value: float) -> list[dict]:
    told = {"name": "contacts_weekday_1", "label": "Monday", "unit": "contacts", "kind": "estimated", "lower": 0.0}
    return [{**told, "value": value, "upper": 9.0, "level": 0.8, "periods": 1, "note": "from 28 days"}]


def built(out: Path, value: float) -> tuple[Path, dict]:
    """A run that is about to take its place, with tables that tell ``value``."""
    build = publish.new_build(out, "monthly-1999-02")
    folder = exact.new_exact(build)
    publish.write_json(folder / exact.ARRIVALS, arrivals(value))
    for name in exact.COUNTS:
        (folder / name).write_text(f"{name} of {value}")
    record = {**RUN, "exact": exact.digests_of(folder)}
    publish.write_json(build / "run.json", record)
    return build, record


def standing(out: Path) -> float:
    (run,), aside = read_runs(out)
    assert aside == []
    ((_, _, folder, _),) = exact.standing_counts(out)
    value = run["arrivals"][0]["value"]
    assert (folder / "cells.parquet").read_text() == f"cells.parquet of {value}"
    return value


@pytest.mark.parametrize("after", ["put", "publish", "clear", "a second try"])
def test_a_run_that_is_killed_leaves_the_old_report_with_its_tables_or_the_new_one_with_its_own(tmp_path, after):
    first, record = built(tmp_path, 1.0)
    exact.put(first, tmp_path, record)
    publish.publish(first, tmp_path.joinpath(*TARGET))
    assert standing(tmp_path) == 1.0
    second, record = built(tmp_path, 2.0)
    exact.put(second, tmp_path, record)
    if after == "a second try":  # the tables of the killed one stand there already
        second, record = built(tmp_path, 2.0)
        exact.put(second, tmp_path, record)
    if after != "put":
        publish.publish(second, tmp_path.joinpath(*TARGET))
    if after == "clear":
        exact.clear_others(tmp_path, record)
        assert len(list((tmp_path / exact.EXACT).joinpath(*TARGET).iterdir())) == 1
    assert standing(tmp_path) == (1.0 if after == "put" else 2.0)


@pytest.mark.parametrize("mask", [0o000, 0o027])
def test_they_are_closed_to_others_whatever_the_mask_and_nothing_of_them_stands_beside_the_page(tmp_path, mask):
    before = os.umask(mask)
    try:
        build, record = built(tmp_path, 1.0)
        exact.put(build, tmp_path, record)
        publish.publish(build, tmp_path.joinpath(*TARGET))
    finally:
        os.umask(before)
    below = [tmp_path / exact.EXACT, *(tmp_path / exact.EXACT).rglob("*")]
    assert {(path.is_dir(), path.stat().st_mode & 0o777) for path in below} == {(True, 0o700), (False, 0o600)}
    assert [path.name for path in tmp_path.joinpath(*TARGET).rglob("*")] == ["run.json"]


def test_arrivals_that_are_not_those_of_their_run_are_named_and_not_read(tmp_path):
    build, record = built(tmp_path, 1.0)
    exact.put(build, tmp_path, record)
    publish.publish(build, tmp_path.joinpath(*TARGET))
    path = exact.exact_folder(tmp_path, *TARGET, record) / exact.ARRIVALS
    path.write_text(path.read_text().replace("1", "2"))
    runs, aside = read_runs(tmp_path)
    assert [run["arrivals"] for run in runs] == [[]]
    assert [(file.path, file.why) for file in aside] == [
        (path.relative_to(tmp_path).as_posix(), "it is not the one that the run.json of its report names")
    ]


@pytest.mark.parametrize("name", exact.COUNTS)
def test_counts_that_are_not_those_of_their_run_are_named(tmp_path, name):
    build = publish.new_build(tmp_path, "monthly-1999-02")
    folder = exact.new_exact(build)
    _month("1999-02", 0).keep(folder)
    record = {**RUN, "exact": exact.digests_of(folder)}
    publish.write_json(build / "run.json", record)
    exact.put(build, tmp_path, record)
    publish.publish(build, tmp_path.joinpath(*TARGET))
    ((_, _, there, problem),) = exact.standing_counts(tmp_path)
    assert problem is None, "untouched they are good"
    (there / name).write_bytes((there / name).read_bytes() + b" ")
    ((_, _, _, problem),) = exact.standing_counts(tmp_path)
    assert (problem.file, str(problem)) == (name, "it is not what was left: its sum is another")


def test_a_report_from_before_is_read_with_the_tables_beside_its_page(tmp_path):
    folder = tmp_path.joinpath(*TARGET)
    (folder / "tables").mkdir(parents=True)
    publish.write_json(folder / "run.json", RUN)
    publish.write_json(folder / "tables" / exact.ARRIVALS, arrivals(3.0))
    assert read_runs(tmp_path)[0][0]["arrivals"][0]["value"] == 3.0
    assert [path for _, _, path, _ in exact.standing_counts(tmp_path)] == [folder / "tables"]


@pytest.mark.parametrize(
    "said", ["[]", "{", '{"exact": 3}', '{"exact": {"a": 1}}', '{"exact": {"../../x": "y"}}', "\xff"]
)
def test_a_run_json_that_says_nonsense_has_no_tables(tmp_path, said):
    folder = tmp_path.joinpath(*TARGET)
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(said, encoding="latin-1")
    assert exact.standing_counts(tmp_path) == []


def test_tables_beside_a_page_of_before_are_not_stored(tmp_path):
    folder = tmp_path / "out" / "monthly" / "1999-02"
    (folder / "tables").mkdir(parents=True)
    publish.write_json(folder / "run.json", RUN)
    (folder / "tables" / "cells.parquet").write_text("one person")
    store(folder, str(tmp_path / "there"))
    assert [path.name for path in (tmp_path / "there").rglob("*") if path.is_file()] == ["run.json"]
