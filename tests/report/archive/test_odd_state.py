"""Damaged files of earlier runs, drawn at random: named or harmless, and the next report is made."""

from __future__ import annotations

import pytest

from benchmarks.odd_state import BAD, judged, prepared


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def kept(folder):
    return prepared(folder)


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_file_is_named_or_harmless(seed, kept, folder):
    what, outcome, said = judged(seed, *kept, folder)
    assert outcome not in BAD, f"{what}: {said}"
