"""Every log that loads makes its report: each exhibit of a period says what it found, or why it found nothing."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import cxresearch as cx
from cxresearch.contacts import WORDS
from cxresearch.exhibits import period, tickets_of_period
from cxresearch.exhibits.exhibit import Exhibit, Exhibits
from tests.exhibits.odd_logs import NAME, every_exhibit, odd_logs, plain_log

ODD = odd_logs()
# These are there for some logs only, and show nothing at all for the others.
MAY_BE_NONE = {"beside_published"}
NO_NUMBER = re.compile(r"(?<![\w'\"-])[-−]?(?:nan|inf|NaT)(?![\w'\"-])")


def said(bundle: dict) -> str:
    """What a reader sees of a bundle, without the names of queues."""
    text = " ".join(str(bundle.get(kind, "")) for kind in ("text/plain", "text/markdown", "text/html"))
    return re.sub(r'src="data:[^"]*"|width:none', "", text)


def check_every_exhibit(frame: pd.DataFrame) -> None:
    month = cx.load(frame).period(NAME)
    only_mail = "channel" in frame and (frame["channel"] == "email").all()
    for name, make in every_exhibit(month, "email" if only_mail else "phone"):
        made = make()
        exhibits = made if isinstance(made, Exhibits) else (made,)
        assert exhibits or name in MAY_BE_NONE, f"{name} says nothing"
        for exhibit in exhibits:
            assert isinstance(exhibit, Exhibit), name
            assert exhibit.finding.strip(), name
            bundles = list(exhibit.bundles())
            assert bundles, f"{name} shows nothing"
            for bundle in bundles:
                found = NO_NUMBER.findall(said(bundle))
                assert not found, f"{name} says {found}: {exhibit.finding}"


# Those that together are far from each other; the others are as many again.
FIRST = ("one row", "nobody gave up", "everybody gave up at once", "all went to a bot", "e-mail only", "no queue", "a wait of 1e12 s",
         "handle times of 0", "queues with strange names", "some rows have no date", "two months")  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("odd", [pytest.param(name, marks=[] if name in FIRST else pytest.mark.slow) for name in ODD])
def test_every_exhibit_of_an_odd_log_says_something(odd):
    check_every_exhibit(ODD[odd])


@st.composite
def logs(draw: st.DrawFn) -> pd.DataFrame:
    """Small logs of canonical columns in which anything that loads may stand, and one row at least that stays."""
    few = draw(st.sampled_from([1, 2, 5, 30, 120]))
    seconds = st.sampled_from([0.0, 0.25, 1.0, 59.0, 60.0, 61.5, 3_600.0, 90_000.0])
    cells = {
        "channel": st.sampled_from([*WORDS["channel"], None]), "queue": st.sampled_from(["a", "b (B)", "", None]),
        "opened_at": st.datetimes(pd.Timestamp("2024-03-30"), pd.Timestamp("2024-06-02")),
        "queued": st.sampled_from([True, False, None]), "promised_s": st.none() | seconds,
        "handle_s": st.none() | seconds, "customer_key": st.sampled_from(["1", "2", "3", None]),
    }  # fmt: skip
    wanted = {"wait_s": seconds, "outcome": st.sampled_from(WORDS["outcome"])}
    there = draw(st.sets(st.sampled_from(sorted(cells)))) | {"opened_at"}
    # A column is often all alike: that is what is odd about most logs.
    columns = {}
    for name, cell in {**wanted, **{name: cells[name] for name in sorted(there)}}.items():
        alike = draw(st.booleans())
        columns[name] = [draw(cell)] * few if alike else draw(st.lists(cell, min_size=few, max_size=few))
    columns["opened_at"][0] = pd.Timestamp("2024-05-08 11:30")
    if "channel" in columns:
        columns["channel"][0] = "phone"
    return pd.DataFrame(columns)


# No search for the smallest example: each takes a second.
@pytest.mark.slow
@settings(max_examples=12, phases=(Phase.explicit, Phase.generate))
@given(frame=logs())
def test_every_exhibit_of_any_small_log_says_something(frame):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_every_exhibit(frame)


@pytest.mark.parametrize(
    ("changes", "exhibit", "why"),
    [
        ({"outcome": "answered"}, "patience_curve", "Nobody was seen to give up"),
        ({"outcome": "abandoned"}, "two_clocks", "some were answered after a wait"),
        ({"queued": False}, "wait_outcomes", "Nobody queued"),
        ({"outcome": "open"}, "wait_outcomes", "still open"),
        ({"promised_s": 60.0}, "promised", "all promises are alike"),
        ({"queue": "one"}, "hazard_ratios", "No two queues"),
        ({}, "loss_by_week_hour", "Too few contacts"),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(changes, exhibit, why):
    mine = cx.load(plain_log(**changes)).period(NAME).only(channel="phone")
    made = getattr(cx, exhibit)(mine)
    (bundle,) = (made[0] if isinstance(made, Exhibits) else made).bundles()
    assert why in bundle["text/markdown"]
    assert bundle["text/markdown"].endswith(".")


def test_a_mistake_in_the_code_is_no_sentence_for_the_reader(monkeypatch):
    mine = cx.load(plain_log()).period(NAME).only(channel="phone")
    monkeypatch.setattr(period.survival, "hazard_rate", lambda *_, **__: {}["a slip"])
    with pytest.raises(KeyError):
        period.leaving_hazard(mine)
    monkeypatch.undo()
    monkeypatch.setattr(period.waiting, "leaving_hazard", lambda *_, **__: int("a slip"))
    with pytest.raises(ValueError, match="a slip"):
        period.leaving_hazard(mine)


@pytest.mark.parametrize("queues", [41, pytest.param(40, marks=pytest.mark.slow)])
def test_a_figure_has_forty_rows_at_most_and_says_how_many_there_are(queues):
    rows = 31 * queues
    many = np.arange(rows)
    frame = plain_log(rows, queue=[f"queue {n % queues}" for n in many], wait_s=60.0 + many % 50)
    calls = period.loss_by_group(cx.load(frame).period(NAME), channel="phone")
    mail = frame.assign(channel="email", outcome="answered", promised_s=100.0)
    tickets = tickets_of_period.first_answer_by(cx.load(mail).period(NAME), "queue", promise_s=86_400.0)
    for exhibit in (calls, tickets):
        assert len(exhibit.table) == queues
        assert exhibit.description.count("queue ") == 40
        said = f"Drawn are the first 40 of {queues}, the table has all"
        assert (said in exhibit.subtitle) == (queues > 40), exhibit.subtitle
        assert len([text for text in exhibit.plot().texts if text.get_text().startswith("queue ")]) == 40
