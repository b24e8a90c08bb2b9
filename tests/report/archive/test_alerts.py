"""An alert is given where the whole interval clears its limit, to whom it should, once, and run.json says why."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.report import job
from cxresearch.report.archive import alerts, deliver, messages
from cxresearch.report.page.leaks import NO_NAMES
from cxresearch.style import languages, load_words
from tests.report.archive.conftest import write_run
from tests.report.archive.test_deliver import settings
from tests.report.archive.test_history import REPORT


def headline(value, lower, upper, *, better="lower", name="lost_share"):
    return {
        "name": name, "label": "Gave up, of all who asked (phone)", "value": value, "lower": lower, "upper": upper,
        "unit": "share", "kind": "estimated", "better": better, "n": 31125, "base": "all who asked", "note": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("lower", "upper", "better", "fired", "verdict", "why"),
    [
        (0.051, 0.06, "lower", True, "missed", "the whole interval, 5.1 to 6.0 %, lies on the bad side of 5.0 %"),
        (0.04, 0.06, "lower", False, "cannot be told", "the interval, 4.0 to 6.0 %, holds the limit of 5.0 %"),
        (0.05, 0.06, "lower", False, "cannot be told", "the interval, 5.0 to 6.0 %, holds the limit of 5.0 %"),
        (0.02, 0.04, "lower", False, "met", "the whole interval, 2.0 to 4.0 %, lies on the good side of 5.0 %"),
        (0.02, 0.04, "higher", True, "missed", "the whole interval, 2.0 to 4.0 %, lies on the bad side of 5.0 %"),
        (None, None, "lower", False, "cannot be told", "there is no interval by which the limit could be judged"),
        (math.nan, 0.9, "lower", False, "cannot be told", "there is no interval by which the limit could be judged"),
    ],
)
def test_it_is_given_only_where_the_whole_interval_clears_the_limit(lower, upper, better, fired, verdict, why):
    (one,) = alerts.alert_records({"lost_share": 0.05}, [headline(0.05, lower, upper, better=better)])
    assert (one["fired"], one["verdict"], one["why"]) == (fired, verdict, why)
    assert (one["told"], one["told_utc"]) == ([], None)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.sampled_from(["higher", "lower"]))
def test_no_alert_is_given_while_a_value_of_the_interval_keeps_the_limit(one, other, limit, better):
    lower, upper = sorted((one, other))
    (found,) = alerts.alert_records({"lost_share": limit}, [headline(lower, lower, upper, better=better)])
    best = lower if better == "lower" else upper
    assert found["fired"] == (best > limit if better == "lower" else best < limit)


def test_a_headline_that_was_not_recorded_is_said():
    (one,) = alerts.alert_records({"lost_share": 0.05}, [])
    assert (one["fired"], one["verdict"], one["why"]) == (False, "not recorded", "the run recorded no such headline")


@pytest.fixture
def bad(finished):
    (finished / "headlines.json").write_text(json.dumps([headline(0.127, 0.11, 0.14)]))
    return finished


def tell(folder, limits, *, before=(), mail=None, boxes=None, language="en", **changes):
    write_run(folder, **changes)
    run = json.loads((folder / "run.json").read_text())
    headlines = json.loads((folder / "headlines.json").read_text())
    run["alerts"] = alerts.alert_records(limits, headlines, before)
    alerts.tell_alerts(folder, run["alerts"], run, headlines, mail=mail, messages=boxes, language=language)
    return run["alerts"]


def box(post, **changes):
    return deliver.load_mail(
        settings(post.server_address[1], on_alert=["lead@bank.test"], link="https://x.test/{report}/{period}") | changes
    )


def test_the_message_says_value_interval_base_period_and_where(post, bad):
    tell(bad, {"lost_share": 0.05}, mail=box(post))
    ((people, message),) = post.letters
    assert people == ["lead@bank.test"]
    assert message["Subject"] == "Alert: Waiting, February 1999"
    text = message.get_body(("plain",)).get_content()
    assert "Gave up, of all who asked (phone) is 12.7 %, above the limit of 5.0 %" in text
    assert "95 % interval 11.0 to 14.0 %" in text
    assert "Base: all who asked (n = 31,125)." in text
    assert "https://x.test/monthly/1999-02" in text
    assert 'href="https://x.test/monthly/1999-02"' in message.get_body(("html",)).get_content()


@pytest.mark.parametrize("language", languages())
def test_made_data_is_marked_in_every_language(post, bad, language):
    tell(bad, {"lost_share": 0.05}, mail=box(post), simulated=True, language=language)
    ((_, message),) = post.letters
    mark = load_words(language)["page"]["simulated"]
    assert message["Subject"].startswith(mark)
    assert mark in message.get_body(("plain",)).get_content().split("\n", 1)[1]


def test_an_alert_that_is_not_given_is_told_to_nobody(post, bad):
    (one,) = tell(bad, {"lost_share": 0.13}, mail=box(post))
    assert (one["told"], post.letters) == ([], [])


def test_run_json_says_who_was_told_and_a_second_run_tells_nobody_again(post, bad):
    tell(bad, {"lost_share": 0.05}, mail=box(post))
    (first,) = json.loads((bad / "run.json").read_text())["alerts"]
    assert first["told"] == ["e-mail"]
    assert first["told_utc"]
    (second,) = tell(bad, {"lost_share": 0.05}, before=[first], mail=box(post))
    assert (second["told"], second["told_utc"]) == (["e-mail"], first["told_utc"])
    assert len(post.letters) == 1
    tell(bad, {"lost_share": 0.06}, before=[first], mail=box(post))
    assert len(post.letters) == 2, "another limit is another alert"


def test_who_was_told_is_written_without_the_places_of_this_machine(post, bad):
    record = json.loads((bad / "run.json").read_text()) | {"parameters": {"own_file": "/home/somebody/own.csv"}}
    record["alerts"] = alerts.alert_records({"lost_share": 0.05}, json.loads((bad / "headlines.json").read_text()))
    (bad / "run.json").write_text(json.dumps(job.as_published(record, NO_NAMES)))
    assert job._deliver(REPORT, (box(post, on_success=[]), None), record, bad)
    written = json.loads((bad / "run.json").read_text())
    assert written["alerts"][0]["told"] == ["e-mail"]
    assert written["parameters"] == {"own_file": "own.csv"}


def test_a_run_that_did_not_pass_the_gate_gives_no_alert(post, bad):
    record = json.loads((bad / "run.json").read_text()) | {"status": "failed"}
    record["alerts"] = alerts.alert_records({"lost_share": 0.05}, json.loads((bad / "headlines.json").read_text()))
    (bad / "run.json").write_text(json.dumps(record))
    assert job._deliver(REPORT, (box(post, on_failure=[]), None), record, bad)
    assert post.letters == []


def test_who_could_not_be_told_is_told_by_the_next_run(post, bad, monkeypatch):
    taken = []
    monkeypatch.setattr(alerts, "say", lambda name, title, text: bool(taken.append(name)) or len(taken) > 1)
    boxes = messages.Messages((), (), ("TEAM",), "")
    with pytest.raises(deliver.DeliveryError, match="an alert was not told: the message to TEAM was not taken"):
        tell(bad, {"lost_share": 0.05}, mail=box(post), boxes=boxes)
    (first,) = json.loads((bad / "run.json").read_text())["alerts"]
    assert first["told"] == ["e-mail"]
    (second,) = tell(bad, {"lost_share": 0.05}, before=[first], mail=box(post), boxes=boxes)
    assert second["told"] == ["e-mail", "TEAM"]
    assert (len(post.letters), taken) == (1, ["TEAM", "TEAM"])
