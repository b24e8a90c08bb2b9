"""Runners with an empty disk keep one memory: nothing is lost, nothing is silently missing, nothing gets out of its folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import fsspec
import pytest

from cxresearch.report import job
from cxresearch.report.archive import exact, history, memory, publish, stores
from cxresearch.report.archive.deliver import DeliveryError
from cxresearch.report.archive.recorded import STORED, read_runs
from tests.report.archive.test_history import REPORT, add, headline


def add_exact(out, period, value, **facts):
    """A run with its exact tables where they belong."""
    folder = add(out, period, headline(value), **facts)
    closed = exact.new_exact(folder)
    for path in (folder / "tables").iterdir():
        path.rename(closed / path.name)
    (folder / "tables").rmdir()
    (closed / "cells.parquet").write_bytes(b"counts of " + period.encode())
    record = json.loads((folder / "run.json").read_text()) | {"exact": exact.digests_of(closed)}
    publish.write_json(folder / "run.json", record)
    exact.put(folder, out, record)
    publish.write_json(folder / "forecast.json", [])
    return folder


@pytest.fixture
def places(request):
    """The address of a store and that of the exact tables."""
    yield "memory://store/reports", "memory://private/exact"
    system = fsspec.filesystem("memory")
    for root in ("/store", "/private"):
        if system.exists(root):
            system.rm(root, recursive=True)


def keep(folder, out, places):
    memory.keep(folder, out, *places, lambda mirror: job.index_page(mirror, REPORT)[0])


def told(runs):
    return {(run["period"], run["href"], run["headlines"][0]["value"], run["days"] is not None) for run in runs}


def test_an_empty_disk_remembers_what_another_runner_made(tmp_path, places):
    one, other = tmp_path / "one", tmp_path / "other"
    for period, value in (("1999-01", 0.2), ("1999-02", 0.3)):
        keep(add_exact(one, period, value), one, places)
    assert memory.fetch_back(other, *places) == memory.Fetched(2, 0, "")
    assert told(history.load_runs(other)) == told(history.load_runs(one))
    february, _ = history.load_runs(other)
    assert february["headlines"][0]["change"]["difference"] == pytest.approx(0.1, abs=0.003)
    assert [p[:2] for p in exact.standing_counts(memory.mirror_of(other, places[0]))] == [
        ("monthly", "1999-01"), ("monthly", "1999-02"),
    ]  # fmt: skip
    assert not (other / "monthly").exists(), "what was fetched stands apart"
    index = fsspec.filesystem("memory").cat_file("/store/reports/index.html").decode()
    assert 'href="monthly/1999-01/report.html"' in index
    assert 'href="monthly/1999-02/report.html"' in index
    assert "report.html" not in job.index_page(other, REPORT)[0], "no link leads where no page is"


def test_nothing_exact_comes_to_the_store_and_what_is_fetched_is_closed_to_others(tmp_path, places):
    one, other = tmp_path / "one", tmp_path / "other"
    keep(add_exact(one, "1999-01", 0.2), one, places)
    system = fsspec.filesystem("memory")
    published = {path.rsplit("/", 1)[1] for path in system.find("/store")}
    assert published == {"run.json", "headlines.json", "forecast.json", "report.html", "index.html"}
    assert {path.rsplit("/", 1)[1] for path in system.find("/private")} == {"cells.parquet", "headline_days.parquet"}
    memory.fetch_back(other, *places)
    for path in (other / STORED).rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_without_a_place_for_exact_tables_what_is_published_is_fetched_and_the_rest_is_counted(tmp_path, places):
    one, other = tmp_path / "one", tmp_path / "other"
    for period, value in (("1999-01", 0.2), ("1999-02", 0.3)):
        keep(add_exact(one, period, value), one, (places[0], ""))
    assert memory.fetch_back(other, places[0]) == memory.Fetched(2, 2, "")
    february, _ = history.load_runs(other)
    assert february["headlines"][0]["change"] is None
    assert not fsspec.filesystem("memory").exists("/private")
    assert memory.fetch_back(one, places[0]).without_counts == 0, "they stand on this disk"


def test_only_what_is_new_is_fetched(tmp_path, places, monkeypatch):
    one, other = tmp_path / "one", tmp_path / "other"
    keep(add_exact(one, "1999-01", 0.2), one, places)
    memory.fetch_back(other, *places)
    asked = []
    read = stores._Folder.read
    monkeypatch.setattr(stores._Folder, "read", lambda self, names: asked.extend(names) or read(self, names))
    memory.fetch_back(other, *places)
    assert asked == []
    keep(add_exact(one, "1999-02", 0.3), one, places)
    asked.clear()
    memory.fetch_back(other, *places)
    assert {name.split("/")[1] for name in asked} == {"1999-02"}
    assert {name.rsplit("/", 1)[1] for name in asked} == {
        "run.json", "headlines.json", "forecast.json", "cells.parquet", "headline_days.parquet",
    }  # fmt: skip


def test_what_went_from_the_store_goes_from_memory(tmp_path, places):
    one, other = tmp_path / "one", tmp_path / "other"
    for period, value in (("1999-01", 0.2), ("1999-02", 0.3)):
        keep(add_exact(one, period, value), one, places)
    memory.fetch_back(other, *places)
    fsspec.filesystem("memory").rm("/store/reports/monthly/1999-01", recursive=True)
    memory.fetch_back(other, *places)
    assert [run["period"] for run in history.load_runs(other)] == ["1999-02"]
    assert len(list((memory.mirror_of(other, places[0]) / ".exact" / "monthly").glob("*/*"))) == 1


def test_the_tables_of_a_run_that_was_replaced_go(tmp_path, places):
    keep(add_exact(tmp_path, "1999-01", 0.2), tmp_path, places)
    shutil.rmtree(tmp_path / "monthly")
    keep(add_exact(tmp_path, "1999-01", 0.4), tmp_path, places)
    marks = {path.split("/")[-2] for path in fsspec.filesystem("memory").find("/private")}
    assert len(marks) == 1
    memory.fetch_back(tmp_path / "other", *places)
    assert told(history.load_runs(tmp_path / "other")) == {("1999-01", "monthly/1999-01/report.html", 0.4, True)}


def test_half_a_run_is_left_aside_and_named(tmp_path, places, capsys):
    one, other = tmp_path / "one", tmp_path / "other"
    keep(add_exact(one, "1999-01", 0.2), one, places)
    memory.fetch_back(other, *places)
    system = fsspec.filesystem("memory")
    system.pipe_file("/store/reports/monthly/1999-01/headlines.json", json.dumps([headline(0.9)]).encode())
    system.pipe_file("/store/reports/monthly/1999-02/headlines.json", b"[]")
    for late in ("1999-01", "1999-02"):
        system.store[f"/store/reports/monthly/{late}/headlines.json"].created = datetime.now(UTC) + timedelta(seconds=5)
    assert memory.fetch_back(other, *places).why == ""
    assert told(history.load_runs(other)) == {("1999-01", "monthly/1999-01/report.html", 0.2, True)}
    said = capsys.readouterr().err
    assert "monthly/1999-01: a file of it is newer than its run.json" in said
    assert "monthly/1999-02: a file of it is newer than its run.json" in said


@pytest.mark.parametrize(
    ("name", "content"),
    [("run.json", b"{"), ("headlines.json", b"\xff"), ("run.json", b'{"exact": 7}'), ("run.json", b"[]")],
)
def test_a_broken_file_of_the_store_is_named_and_stops_nothing(tmp_path, places, name, content):
    one, other = tmp_path / "one", tmp_path / "other"
    for period, value in (("1999-01", 0.2), ("1999-02", 0.3)):
        keep(add_exact(one, period, value), one, places)
    system = fsspec.filesystem("memory")
    path = f"/store/reports/monthly/1999-01/{name}"
    system.pipe_file(path, content)
    system.store[path].created = system.store["/store/reports/monthly/1999-01/run.json"].created
    assert memory.fetch_back(other, *places).why == ""
    runs, (aside,) = read_runs(other)
    assert "1999-02" in {run["period"] for run in runs}
    assert aside.path.endswith(f"monthly/1999-01/{name}")
    assert aside.path.startswith(STORED)


def test_an_exact_table_that_is_not_the_one_named_is_not_read(tmp_path, places):
    one, other = tmp_path / "one", tmp_path / "other"
    keep(add_exact(one, "1999-01", 0.2), one, places)
    system = fsspec.filesystem("memory")
    for path in system.find("/private"):
        system.pipe_file(path, b"another's")
    memory.fetch_back(other, *places)
    ((run,), (aside,)) = read_runs(other)
    assert run["days"] is None
    assert "not the one that the run.json of its report names" in aside.why
    assert all(problem for *_, problem in exact.standing_counts(memory.mirror_of(other, places[0])))


@pytest.mark.parametrize(
    "name",
    ["../../outside/run.json", "monthly/../run.json", ".exact/1999-01/run.json", "a/b/c/run.json", "run.json", "x/y/z"],
)
def test_no_name_leads_out_of_its_folder(tmp_path, name):
    class Strange:
        def list(self, below=""):
            return {name: stores.Kept("1", 2, None)}

        def read(self, names):
            return dict.fromkeys(names, b"{}")

    memory.fetch_published(Strange(), tmp_path / "a" / "b")
    assert {p.name for p in tmp_path.rglob("*") if p.is_file()} == {"tags.json"}


def test_a_store_that_cannot_be_read_is_told_and_what_was_fetched_stands(tmp_path, places, monkeypatch):
    one, other = tmp_path / "one", tmp_path / "other"
    keep(add_exact(one, "1999-01", 0.2), one, places)
    memory.fetch_back(other, *places)

    def lost(self, below=""):
        raise ConnectionResetError("the line was cut")

    monkeypatch.setattr(stores._Folder, "list", lost)
    fetched = memory.fetch_back(other, *places)
    assert fetched.why == "the history could not be fetched from memory://store/reports: the line was cut"
    assert fetched.record == {"fetched": False, "runs": 1, "without_counts": 0}
    assert len(history.load_runs(other)) == 1
    with pytest.raises(DeliveryError, match="could not be"):
        keep(one / "monthly" / "1999-01", one, places)


@pytest.mark.parametrize(("here", "there", "counts"), [(1, 2, 0.9), (2, 1, 0.2), (1, 1, 0.2)])
def test_of_a_run_here_and_there_the_one_that_finished_last_counts(tmp_path, places, here, there, counts):
    one, other = tmp_path / "one", tmp_path / "other"
    keep(add_exact(one, "1999-01", 0.9, finished_utc=f"2026-01-0{there}T00:00:00Z"), one, places)
    add_exact(other, "1999-01", 0.2, finished_utc=f"2026-01-0{here}T00:00:00Z")
    memory.fetch_back(other, *places)
    (run,) = history.load_runs(other)
    assert run["headlines"][0]["value"] == counts
    linked = 'href="monthly/1999-01/report.html"' in job.index_page(other, REPORT)[0]
    assert linked is (counts == 0.2), "the page that stands here is that of the older run"


def test_an_index_that_another_wrote_meanwhile_is_made_anew(tmp_path, places, monkeypatch):
    """Without a store that can hold to a tag: a run that came while the index was written is in it all the same."""
    one, other = tmp_path / "one", tmp_path / "other"
    late = add_exact(other, "1999-02", 0.3)
    put, rounds = stores._Folder.put_text, []

    def slow(self, name, text, *, instead_of):
        rounds.append(name)
        put(self, name, text, instead_of=instead_of)
        if len(rounds) == 1:
            stores.store(late, places[0])  # the other's index came before: only this one can tell of it

    monkeypatch.setattr(stores._Folder, "put_text", slow)
    keep(add_exact(one, "1999-01", 0.2), one, places)
    index = fsspec.filesystem("memory").cat_file("/store/reports/index.html").decode()
    assert index.count("/report.html") == 2
    assert len(rounds) == 2


RUNNER = """
import sys
from pathlib import Path
import stamina
from cxresearch.report import job
from cxresearch.report.archive import memory
from tests.report.archive.test_history import REPORT
from tests.report.archive.test_memory import add_exact
stamina.set_testing(True, attempts=50, cap=True)
out, months = Path(sys.argv[1]), sys.argv[3:]
for month in months:
    add_exact(out, month, 0.2)
print("ready", flush=True)
sys.stdin.readline()
for month in months:
    memory.keep(out / "monthly" / month, out, f"s3://kept/{sys.argv[2]}", f"s3://kept/private-{sys.argv[2]}",
                lambda mirror: job.index_page(mirror, REPORT)[0])
"""


def nothing_is_lost(tmp_path, place, months):
    index = stores.open_store(f"s3://kept/{place}").read(["index.html"])["index.html"].decode()
    assert [f"monthly/{month}/report.html" in index for month in months] == [True] * len(months)
    fetched = memory.fetch_back(tmp_path / "third", f"s3://kept/{place}", f"s3://kept/private-{place}")
    assert fetched == memory.Fetched(len(months), 0, "")
    assert len(history.load_runs(tmp_path / "third")) == len(months)


def test_two_runners_at_once_lose_nothing(tmp_path, reached):
    """Each with a disk of its own writes runs to one store, one after another, at the same time."""
    months = [f"1999-{month:02}" for month in range(1, 9)]
    disks = [tmp_path / "one", tmp_path / "other"]
    start = threading.Barrier(2)

    def work(n):
        folders = [add_exact(disks[n], month, 0.2) for month in months[n::2]]
        start.wait()
        for folder in folders:
            keep(folder, disks[n], ("s3://kept/threads", "s3://kept/private-threads"))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    nothing_is_lost(tmp_path, "threads", months)


@pytest.mark.slow
def test_two_processes_at_once_lose_nothing(tmp_path, reached, root):
    months = [f"{1999 + month // 12}-{month % 12 + 1:02}" for month in range(24)]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    runners = [
        subprocess.Popen(
            [sys.executable, "-c", RUNNER, str(tmp_path / f"disk{n}"), "processes", *months[n::2]],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for n in range(2)
    ]  # fmt: skip
    for runner in runners:
        assert runner.stdout.readline() == "ready\n"
    for runner in runners:
        runner.stdin.write("go\n")
        runner.stdin.flush()
    for runner in runners:
        runner.communicate(timeout=300)
        assert runner.returncode == 0
    nothing_is_lost(tmp_path, "processes", months)


def test_a_tag_that_holds_no_more_stops_an_object_store_from_writing(reached):
    there = stores.open_store("s3://kept/tags")
    there.put_text("index.html", "one", instead_of=None)
    with pytest.raises(stores.ChangedMeanwhileError):
        there.put_text("index.html", "two", instead_of=None)
    tag = there.tag("index.html")
    there.put_text("index.html", "three", instead_of=tag)
    with pytest.raises(stores.ChangedMeanwhileError):
        there.put_text("index.html", "four", instead_of=tag)
    assert there.read(["index.html"]) == {"index.html": b"three"}


def test_a_backfill_keeps_its_forecasts_in_the_store(tmp_path, places):
    for period, value in (("1999-01", 0.2), ("1999-02", 0.3), ("1999-03", 0.25)):
        keep(add_exact(tmp_path, period, value), tmp_path, places)
    assert job.keep_forecasts(tmp_path, replace(REPORT, store=places[0]), ["1999-03"])
    memory.fetch_back(tmp_path / "other", *places)
    march = history.load_runs(tmp_path / "other")[0]
    assert march["next_said"][0]["periods"] == 3
