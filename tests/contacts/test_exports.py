"""One truth in many forms: each export gives it, asks one question whose answer gives it, or is refused by name."""

from __future__ import annotations

import tomllib

import pandas as pd
import pytest

from cxresearch.contacts import LogError, LogQuestionError, load

BERLIN = "Europe/Berlin"
MINUTE_WISE = {  # clocks without seconds
    "genesys.csv", "german.csv", "german_bom.csv", "german_latin1.csv", "german_utf16.csv", "v_de_dates.csv", "v_dmy_dash.csv",
    "v_no_seconds_T.csv", "v_us_dates.csv",
}  # fmt: skip
AS_IT_IS = [
    "canonical.csv", "connect_ctr.json", "five9.csv", "genesys.csv", "mixed", "overlap", "queue_log", "queue_log.txt", "split_ok",
    "v_anon_customer.csv", "v_bom.csv", "v_de_dates.csv", "v_dmy_dash.csv", "v_epoch_s.csv", "v_footer.csv", "v_header3.csv",
    "v_hms.csv", "v_iso_offset.csv", "v_iso_z.csv", "v_latin1_body.csv", "v_no_channel.csv", "v_no_seconds_T.csv", "v_pipe.csv",
    "v_spacehead.csv", "v_tab.txt", "v_thousand_space.csv", "v_titlecase.csv", "v_tsv.tsv", "v_us_dates.csv",
    "v_us_dates_ampm.csv", "v_utc_word.csv", "v_yes_no_queued.csv", "zendesk_talk.csv",
]  # fmt: skip
ANSWERED = {
    "v_millis.csv": ('unit = "ms"', {"wait_s": {"unit": "ms"}}),
    "v_minutes.csv": ('unit = "min"', {"wait_s": {"unit": "min"}}),
    "v_ms.csv": ('unit = "mm:ss"', {"wait_s": {"unit": "mm:ss"}}),
    "v_thousand_comma.csv": ('thousands = ","', {"wait_s": {"thousands": ","}}),
    "v_thousand_dot.csv": ('thousands = "."', {"wait_s": {"thousands": "."}}),
    "v_blank_outcome.csv": ('missing = "abandoned"', {"outcome": {"missing": "abandoned"}}),
}


@pytest.fixture(scope="module")
def exports(shared):
    return shared / "exports"


@pytest.fixture(scope="module")
def truth(exports):
    return pd.read_parquet(exports / "truth.parquet").sort_values("id", ignore_index=True)


def _same(log, truth, *, name="", waits=0.0):
    found = log.contacts.df()
    assert log.counts["read"] == log.counts["kept"] + log.counts["set_aside"]
    assert len(found) == len(truth) == 600
    found = found.sort_values(["opened_at", "wait_s"], ignore_index=True)
    expected = truth.sort_values(["local", "wait"], ignore_index=True)
    if name in MINUTE_WISE:
        expected["local"] = expected["local"].dt.floor("min")
        found, expected = (
            frame.sort_values(by, ignore_index=True)
            for frame, by in ((found, ["opened_at", "wait_s"]), (expected, ["local", "wait"]))
        )
    assert (found["opened_at"].astype("datetime64[us]") == expected["local"].astype("datetime64[us]")).all()
    assert (found["wait_s"] - expected["wait"]).abs().max() <= waits
    assert (found["outcome"] == expected["out"]).all()


@pytest.mark.parametrize("name", AS_IT_IS)
def test_an_export_goes_in_as_it_is(exports, truth, name):
    log = load(exports / name, timezone=BERLIN)
    _same(log, truth, name=name)
    if name == "overlap":
        assert log.set_aside.to_dict("records") == [{"reason": "the same row again", "rows": 100}]
    if name not in ("v_anon_customer.csv",):
        assert log.contacts.df()["customer_key"].nunique() == truth["cust"].nunique()


@pytest.mark.parametrize("name", ANSWERED)
def test_an_export_asks_and_the_answer_gives_the_truth(exports, truth, name):
    line, answer = ANSWERED[name]
    with pytest.raises(LogQuestionError) as asked:
        load(exports / name).counts  # noqa: B018
    assert line in str(asked.value)
    _same(load(exports / name, mapping=answer), truth, waits=0.31 if name == "v_minutes.csv" else 1e-9)


@pytest.mark.parametrize("name", ["german.csv", "german_bom.csv", "german_latin1.csv", "german_utf16.csv", "hand.xlsx"])
def test_a_log_that_nobody_knows_gets_lines_to_look_at_and_is_read_by_them(exports, truth, name):
    with pytest.raises(LogQuestionError) as asked:
        load(exports / name)
    lines = str(asked.value)
    mapping = tomllib.loads(lines[lines.index("[columns]") :])["columns"]
    log = load(exports / name, mapping=mapping)
    half = 0.0 if name == "hand.xlsx" else 0.5
    _same(log, truth.assign(wait=truth["wait"] + half), name=name)
    assert {"Rückfragen", "Billing"} & set(log.contacts.df()["queue"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cdr_header.csv", "Asterisk call detail records"), ("salesforce.csv", "nobody's wait is in it"),
        ("cdr_noheader.csv", "None of them looks like"), ("v_no_outcome.csv", "None of them looks like outcome"),
    ],
)  # fmt: skip
def test_a_log_without_the_truth_is_refused_by_name(exports, name, said):
    with pytest.raises(LogError, match=said):
        load(exports / name)


def test_dates_without_times_are_reported(exports):
    with pytest.raises(LogQuestionError, match="no time of day"):
        load(exports / "v_date_only.csv").counts  # noqa: B018


def test_without_a_date_there_is_no_period_and_that_is_said(exports):
    log = load(exports / "v_no_date.csv")
    assert log.counts["kept"] == 600
    with pytest.raises(LogError, match="opened_at"):
        log.period("2026-10")


def test_open_tickets_stay_in_as_waiting(exports, truth):
    found = load(exports / "zendesk_tickets.csv").contacts.df()
    assert len(found) == 600
    still = found["outcome"] == "open"
    assert still.sum() == (truth["out"] == "abandoned").sum()
    answered = truth.loc[truth["out"] == "answered", "wait"].clip(lower=1)  # the tool's shortest reply is a minute
    assert found.loc[~still, "wait_s"].sort_values().tolist() == (60.0 * answered.sort_values()).tolist()
    assert (
        found.loc[still, "wait_s"] == (found["opened_at"].max() - found.loc[still, "opened_at"]).dt.total_seconds()
    ).all()


@pytest.mark.parametrize(
    "name", ["v_iso_z.csv", "v_iso_offset.csv", "v_utc_word.csv", "v_epoch_s.csv", "zendesk_talk.csv"]
)
def test_instants_need_a_zone_and_do_not_depend_on_the_machine(exports, name, monkeypatch):
    with pytest.raises(LogError, match='timezone = "Europe/Berlin"'):
        load(exports / name).counts  # noqa: B018
    monkeypatch.setenv("TZ", "America/New_York")
    here = load(exports / name, timezone=BERLIN).contacts.df()["opened_at"]
    there = load(exports / name, timezone="America/New_York").contacts.df()["opened_at"]
    assert sorted(set((here - there).dt.total_seconds() / 3600)) == [5.0, 6.0], (
        "the week between the ends of summer time"
    )
