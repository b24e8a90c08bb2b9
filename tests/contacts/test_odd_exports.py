"""Made-up exports with a truth of their own: read right, asked about, or refused; never wrong without a word."""

from __future__ import annotations

import pytest

from benchmarks.odd_exports import BAD, judged, made


@pytest.mark.parametrize("seed", range(40))
def test_no_log_is_read_wrong_without_a_word(seed, tmp_path):
    case = made(seed)
    outcome, said = judged(case, tmp_path)
    assert outcome not in BAD, f"{case.name}: {said}"
    assert not outcome.startswith("needless"), f"{case.name}: {said}"
