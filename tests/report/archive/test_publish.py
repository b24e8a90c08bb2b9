"""What is visible is whole: the old report or the new one, never a part."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from cxresearch.report.archive import publish


def folder(path, text):
    path.mkdir(parents=True)
    (path / "report.html").write_text(text)
    return path


def test_a_first_report_and_the_one_that_replaces_it(tmp_path):
    target = tmp_path / "monthly" / "1999-02"
    for text in ("first", "second"):
        build = publish.new_build(tmp_path, "monthly-1999-02")
        (build / "report.html").write_text(text)
        publish.publish(build, target)
        assert (target / "report.html").read_text() == text
        assert not build.exists()
    assert list((tmp_path / publish.BUILDING).iterdir()) == []


@pytest.mark.parametrize("exchange_works", [True, False])
def test_two_folders_change_places(tmp_path, monkeypatch, exchange_works):
    one, other = folder(tmp_path / "one", "1"), folder(tmp_path / "other", "2")
    if not exchange_works:
        monkeypatch.setattr(publish.sys, "platform", "darwin")
    publish._exchange(one, other)
    assert ((one / "report.html").read_text(), (other / "report.html").read_text()) == ("2", "1")


def test_what_an_ended_run_left_is_cleared_and_nothing_else(tmp_path):
    stale, other = publish.new_build(tmp_path, "monthly-1999-02"), publish.new_build(tmp_path, "monthly-1999-01")
    publish.clear_old_builds(tmp_path, "monthly-1999-02", tmp_path / "monthly" / "1999-02")
    assert not stale.exists()
    assert other.exists()


@pytest.mark.parametrize("something_stands", [True, False])
def test_a_report_taken_from_its_place_by_a_killed_run_is_put_back(tmp_path, something_stands):
    target = tmp_path / "monthly" / "1999-02"
    target.parent.mkdir()
    folder(tmp_path / publish.BUILDING / "monthly-1999-02-abcdefgh.old", "old")
    if something_stands:
        folder(target, "new")
    publish.clear_old_builds(tmp_path, "monthly-1999-02", target)
    assert (target / "report.html").read_text() == ("new" if something_stands else "old")
    assert list((tmp_path / publish.BUILDING).iterdir()) == []


def test_what_cannot_take_its_place_leaves_the_old_one_there(tmp_path, monkeypatch):
    one, other = folder(tmp_path / "one", "1"), folder(tmp_path / "other", "2")
    monkeypatch.setattr(publish.sys, "platform", "darwin")
    rename = publish.Path.rename

    def refuse(self, to):
        if self == one:
            raise OSError(28, "No space left on device")
        return rename(self, to)

    monkeypatch.setattr(publish.Path, "rename", refuse)
    with pytest.raises(OSError, match="No space"):
        publish._exchange(one, other)
    assert (other / "report.html").read_text() == "2"


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "index.html"
    publish.write_atomically(path, "old")
    monkeypatch.setattr(publish.os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        publish.write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["index.html"]


def test_json_has_no_nan_and_no_numpy(tmp_path):
    publish.write_json(
        tmp_path / "x.json", {"a": math.nan, "b": [np.float64(0.5), np.int64(2)], "c": (np.bool_(True),)}
    )
    assert json.loads((tmp_path / "x.json").read_text()) == {"a": None, "b": [0.5, 2], "c": [True]}
