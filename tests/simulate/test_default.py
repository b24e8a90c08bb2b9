"""The log that is read where none is named: made once, outside the package, and found again."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

import cxresearch
from cxresearch.simulate import default, log_or_default


@pytest.fixture
def made(monkeypatch) -> list[str]:
    """The months for which a log was made; the file is empty, as nobody reads it."""
    months: list[str] = []

    def make(path: Path, *, end_month: str) -> Path:
        months.append(end_month)
        path.write_bytes(b"")
        return path

    monkeypatch.setattr(default, "default_log", make)
    default._own_folder.cache_clear()
    return months


def test_a_log_that_is_named_is_read_and_none_is_made(made):
    assert log_or_default("calls.csv") == "calls.csv"
    assert log_or_default(["a.csv", "b.csv"]) == ["a.csv", "b.csv"]
    assert made == []


def test_one_log_a_month_in_the_users_cache(made, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first, again, next_month, in_january = (
        Path(log_or_default(today=day))
        for day in (date(2025, 7, 1), date(2025, 7, 31), date(2025, 8, 1), date(2026, 1, 5))
    )
    assert first == again
    assert first.parent == tmp_path / "cxresearch" / "simulated"
    assert first.name.startswith("simulated-2025-06-20220730-")
    assert made == ["2025-06", "2025-07", "2025-12"]
    assert len({first, next_month, in_january}) == 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_cannot_be_written_is_done_without(made, monkeypatch, tmp_path):
    tmp_path.chmod(0o500)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Path(log_or_default(today=date(2025, 7, 1))).is_file()


def test_a_cache_that_is_no_folder_is_done_without(made, monkeypatch, tmp_path):
    (tmp_path / "cxresearch").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first, again = (Path(log_or_default(today=date(2025, 7, 1))) for _ in range(2))
    assert first == again
    assert first.is_file()
    assert made == ["2025-06"]
    assert not first.is_relative_to(Path(cxresearch.__file__).parents[1])
