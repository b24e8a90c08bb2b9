"""Whole odd reports, made as benchmarks/odd_reports.py makes them: a page whose counts are those of the log, or a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.odd_reports import (
    GOOD,
    NO_NUMBER,
    NOT_FILLED,
    ODD,
    PICKED,
    Case,
    base_log,
    judged,
    made,
    run_case,
    warmed,
)

CHEAP = (12, 17)  # a day of one contact, and tickets of every channel with strange names; all others are slow


@pytest.fixture(scope="module")
def warm() -> Iterator[None]:
    with warmed():
        yield


def numbers() -> Iterator[object]:
    """Those that are picked by hand."""
    for number, (kind, _, odd) in enumerate(PICKED):
        name = f"{number}: {kind}, {'; '.join(one for _, one in odd) or 'plain'}"
        yield pytest.param(number, id=name, marks=[] if number in CHEAP else [pytest.mark.slow])


@pytest.mark.parametrize("number", list(numbers()))
def test_an_odd_report_is_a_page_or_a_sentence(warm, number, tmp_path, monkeypatch):
    monkeypatch.setenv("CXRESEARCH_CHROMIUM", "")  # what the browser sees has tests of its own
    outcome, said = run_case(made(number), tmp_path)
    assert outcome in GOOD, said


def test_a_case_is_the_same_whenever_it_is_made():
    first, again = made(77), made(77)
    assert first._replace(frame=None) == again._replace(frame=None)
    assert first.frame.equals(again.frame)
    assert made(78).name != first.name


@pytest.mark.parametrize("group", ODD)
def test_every_oddity_changes_a_plain_log(group):
    start, end = pd.Timestamp("2024-05-01"), pd.Timestamp("2024-06-01")
    for name, change in ODD[group].items():
        plain = base_log(60, start, end, np.random.default_rng(1))
        odd = change(plain, np.random.default_rng(2))
        assert not odd.equals(base_log(60, start, end, np.random.default_rng(1))), name


@pytest.fixture
def case() -> Case:
    start, end = pd.Timestamp("2024-05-01"), pd.Timestamp("2024-06-01")
    frame = base_log(8, start, end, np.random.default_rng(1)).assign(queued=True, queue="{sales}")
    return Case("by hand", "monthly", "2024-05", "en", "csv", frame, "", ())


def standing(folder: Path, case: Case, *, page: str = "<p>All is well.</p>", **headlines: float | None) -> Path:
    """What a run of ``case`` would leave, as far as it is looked at."""
    frame = case.frame
    told = {
        "contacts": 8,
        "abandonment_share": (frame["outcome"] == "abandoned").mean(),
        "mean_wait_s": frame["wait_s"].mean(),
    }
    run = folder / "monthly" / "2024-05"
    run.mkdir(parents=True)
    for name in ("report.html", "brief.html"):
        (run / name).write_text(page)
    (run / "headlines.json").write_text(json.dumps([{"name": n, "value": v} for n, v in {**told, **headlines}.items()]))
    counts = {"read": 8, "kept": 8, "set_aside": 0, "other_periods": 0}
    (run / "run.json").write_text(json.dumps({"status": "complete", "counts": counts}))
    return folder / "monthly"


@pytest.mark.parametrize(
    ("page", "headlines", "outcome"),
    [
        ("<p>All is well, None of 9 changed, {sales}, of finance.</p>", {}, "page"),
        ("<p>mean wait nan s</p>", {}, "not a page"),
        ("<p>from -inf to 3</p>", {}, "not a page"),
        ('<img alt="of None, 3">', {}, "not a page"),
        ("<p>in {period} of</p>", {}, "not a page"),
        ("<p>{{ run.title }}</p>", {}, "not a page"),
        ("<p>All is well.</p>", {"contacts": 7}, "wrong"),
        ("<p>All is well.</p>", {"abandonment_share": 0.5}, "wrong"),
        ("<p>All is well.</p>", {"mean_wait_s": None}, "wrong"),
        ("<p>All is well.</p>", {"mean_wait_s": float("nan")}, "not a page"),
    ],
)
def test_what_is_wrong_with_a_page_is_seen(case, tmp_path, page, headlines, outcome):
    found, said = judged(case, 0, "", standing(tmp_path, case, page=page, **headlines))
    assert found == outcome, said


@pytest.mark.parametrize(
    ("code", "said", "outcome"),
    [
        (2, "cxresearch: log.csv: no contacts.", "sentence"),
        (2, "", "failed"),
        (2, "Traceback (most recent call last)\ncxresearch: no", "failed"),
        (1, "cxresearch: monthly 2024-05 FAILED: a cell", "failed"),
        (3, "", "failed"),
    ],
)
def test_another_end_is_a_sentence_or_a_failure(case, tmp_path, code, said, outcome):
    assert judged(case, code, said, tmp_path / "monthly")[0] == outcome
    if code == 2:
        assert judged(case, code, said, standing(tmp_path, case))[0] == "failed", "a page stands beside the refusal"


def test_words_of_people_are_no_places_left_open():
    for text in ("None of them", "financial", "banana", "a {'value': 3}", "x_{i} in info-inf-x"):
        assert not NO_NUMBER.search(text)
    assert NOT_FILLED.search("{name:,}")
    assert not NOT_FILLED.search("{'a': 1}")
