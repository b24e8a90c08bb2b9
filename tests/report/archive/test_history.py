"""What stands in a folder of reports: changes, forecasts, gaps and differences, told from the files alone."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxresearch import __main__ as command_line
from cxresearch.contacts import PeriodError, parse_period
from cxresearch.report import job
from cxresearch.report.archive import history, publish
from cxresearch.report.archive.exact import HEADLINE_DAYS
from cxresearch.report.archive.recorded import read_runs
from cxresearch.report.run import one_run as run
from cxresearch.report.run.parameters import Report

REPORT = Report(
    name="monthly", title="T", organisation="", period="month", notebooks=(Path('notebooks/one.ipynb').resolve(),), may_fail=(), headlines=(), inputs=(),
    cell_timeout_s=1, run_timeout_s=1, retries=0, parameters={}, ranges={}, columns={}, brand={}, language="en",
    email={}, store="", pdf=False, publish_notebooks=True, environment=(), declared={},
)  # fmt: skip


def headline(value, *, name="lost_share", label="Gave up", unit="share", kind="estimated"):
    ends = {"lower": value - 0.01, "upper": value + 0.01}
    return {"name": name, "label": label, "value": value, **ends, "unit": unit, "kind": kind, "better": "lower", "n": 9, "note": "", "change": None}  # fmt: skip


def days(period, value, *, name="lost_share"):
    """The kept days of a share: two in a hundred more on every other day, two fewer on the next."""
    asked = parse_period(period)
    day = pd.date_range(asked.start, asked.end, inclusive="left")
    left = 100 * value + np.where(np.arange(len(day)) % 2, 2.0, -2.0)
    return pd.DataFrame({
        "name": name, "day": day, "weekday": day.day_of_week + 1, "weight": 1.0, "influence": 0.0, "queued": 100.0,
        "top": [[n] for n in left], "below": [[100.0]] * len(day),
    })  # fmt: skip


def add(out, period, *headlines, status="complete", reason="", **facts):
    folder = out / facts.get("report", "monthly") / (period if status != "failed" else f"{period}.failed")
    folder.mkdir(parents=True)
    asked = parse_period(period)
    record = {
        "report": "monthly", "title": "T", "period": period, "period_label": asked.label, "status": status,
        "reason": reason, "simulated": False, "parameters": {"channel": "phone", "period": period}, "commit": "abc",
        "inputs": [{"path": "log.csv", "sha256": period * 4, "rows": 9, "newest_record": None}],
        "versions": {"python": "3.11"}, "finished_utc": "2026-01-01T00:00:00Z", "newest_record": None, **facts,
    }  # fmt: skip
    publish.write_json(folder / "run.json", record)
    publish.write_json(folder / "headlines.json", list(headlines))
    (folder / "tables").mkdir()
    if parts := [days(period, h["value"]) for h in headlines if h["name"] == "lost_share"]:
        pd.concat(parts).to_parquet(folder / "tables" / HEADLINE_DAYS)  # as reports had it
    if status != "failed":
        (folder / "report.html").write_text("<html></html>")
    return folder


def test_a_change_is_told_against_the_run_before_and_not_when_redefined(tmp_path):
    add(tmp_path, "1999-01", headline(0.2), headline(60.0, name="wait", label="Mean wait", unit="s"))
    add(tmp_path, "1999-02", headline(0.3), headline(9.0, name="wait", label="Median wait", unit="s"))
    february, _ = history.load_runs(tmp_path)
    left, wait = february["headlines"]
    assert left["change"]["difference"] == pytest.approx(0.1, abs=0.003)
    assert left["change"]["previous_period_label"] == "January 1999"
    assert wait["change"] is None
    (noted,) = history.redefinitions(february["headlines"], history.load_runs(tmp_path)[1]["headlines"])
    assert (noted["name"], noted["what"]) == ("wait", "label: 'Mean wait' became 'Median wait'")


def test_what_is_being_built_or_was_left_by_a_killed_run_is_not_listed(tmp_path):
    add(tmp_path, "1999-01", headline(0.2))
    (tmp_path / publish.BUILDING / "monthly-1999-02-abcdefgh").mkdir(parents=True)
    publish.write_json(tmp_path / publish.BUILDING / "monthly-1999-02-abcdefgh" / "run.json", {"report": "monthly"})
    assert [r["period"] for r in history.load_runs(tmp_path)] == ["1999-01"]


def test_forecasts_that_stand_are_scored_and_counted(tmp_path):
    values = [0.20, 0.22, 0.21, 0.22, 0.60]
    periods = [f"1999-0{n}" for n in range(1, 6)]
    for period, value in zip(periods, values, strict=True):
        add(tmp_path, period, headline(value))
    job.keep_forecasts(tmp_path, REPORT, periods)
    rows = {r["period"]: r["forecast"][0] for r in history.load_runs(tmp_path)}
    assert rows["1999-03"]["note"] == "2 of the 3 periods in a row that a forecast needs"
    assert (rows["1999-04"]["said"], rows["1999-04"]["inside"]) == (0.21, True)
    assert (rows["1999-05"]["inside"], rows["1999-05"]["inside_so_far"], rows["1999-05"]["scored_so_far"]) == (
        False,
        1,
        2,
    )
    assert rows["1999-05"]["next"] == 0.60
    assert rows["1999-04"]["next"] == rows["1999-05"]["said"]


def test_a_gap_ends_the_history_of_a_forecast(tmp_path):
    for period in ("1999-01", "1999-02", "1999-04", "1999-05"):
        add(tmp_path, period, headline(0.2))
    good = history.by_period(history.load_runs(tmp_path))
    (forecast,) = history.forecast_from(good, "monthly", "1999-05")
    assert forecast["periods"] == 2


@pytest.mark.parametrize(
    ("first", "last", "names"),
    [
        ("1998-12", "1999-02", ["1998-12", "1999-01", "1999-02"]), ("1998-Q4", "1999-Q1", ["1998-Q4", "1999-Q1"]),
        ("2026-W53", "2027-W01", ["2026-W53", "2027-W01"]), ("1999", "1999", ["1999"]),
    ],
)  # fmt: skip
def test_periods_between(first, last, names):
    assert [p.name for p in history.periods_between(parse_period(first), parse_period(last))] == names


def test_periods_the_wrong_way_round_are_refused():
    with pytest.raises(PeriodError, match="which is earlier"):
        history.periods_between(parse_period("1999-02"), parse_period("1999-01"))


def test_a_headline_stands_beside_the_same_period_of_the_year_before(tmp_path):
    add(tmp_path, "1998-02", headline(0.2), headline(60.0, name="wait", label="Mean wait", unit="s"))
    add(
        tmp_path,
        "1999-02",
        headline(0.3),
        headline(9.0, name="wait", label="Median wait", unit="s"),
        headline(1.0, name="new"),
    )
    add(tmp_path, "1999-03", headline(0.3))
    runs = {run["period"]: run for run in history.load_runs(tmp_path)}
    left, wait, new = runs["1999-02"]["headlines"]
    assert (left["year_before"]["period"], left["year_before"]["value"]) == ("1998-02", 0.2)
    assert left["year_before"]["change"]["difference"] == pytest.approx(0.1, abs=0.003)
    assert left["year_before"]["change"]["distinguishable"]
    assert left["change"] is None, "January 1999 does not stand"
    assert "year_before" not in wait, "it means something else now"
    assert "year_before" not in new
    assert all("year_before" not in h for p in ("1998-02", "1999-03") for h in runs[p]["headlines"])
    add(tmp_path, "2000-02", headline(0.3), simulated=True)
    assert all("year_before" not in h for h in history.load_runs(tmp_path)[0]["headlines"])


def test_of_days_that_are_not_known_the_year_before_is_told_without_a_change(tmp_path):
    add(tmp_path, "1998-W53", headline(2.0, name="wait"))
    add(tmp_path, "1999-W52", headline(3.0, name="wait"))
    (wait,) = history.load_runs(tmp_path)[0]["headlines"]
    assert wait["year_before"] == {"period": "1998-W53", "value": 2.0, "change": None}


def test_of_a_year_the_year_before_stands_once(tmp_path):
    add(tmp_path, "1998", headline(0.2))
    add(tmp_path, "1999", headline(0.3))
    (left,) = history.load_runs(tmp_path)[0]["headlines"]
    assert left["change"] is not None
    assert "year_before" not in left


def test_missing_lists_what_is_due_and_not_there(tmp_path):
    add(tmp_path, "1999-01", headline(0.2))
    add(tmp_path, "1999-02", status="failed", reason="one: cell 3 raised E")
    add(tmp_path, "1999-03", headline(0.2), status="partial")
    add(tmp_path, "1999-03", status="failed", reason="later")
    periods = history.periods_between(parse_period("1999-01"), parse_period("1999-06"))
    missing = history.missing_periods(tmp_path, "monthly", periods, today=date(1999, 5, 31))
    assert missing.to_dict("records") == [
        {"period": "1999-02", "why": "failed: one: cell 3 raised E"}, {"period": "1999-04", "why": "never made"},
    ]  # fmt: skip
    assert "1999-05" in set(history.missing_periods(tmp_path, "monthly", periods, today=date(1999, 6, 1))["period"])


def test_a_diff_in_numbers(tmp_path):
    add(tmp_path, "1999-01", headline(0.2), headline(1.0, name="old"), headline(2.0, name="both", unit="s"))
    add(tmp_path, "1999-03", headline(0.3), headline(5.0, name="new"), headline(2.0, name="both", unit="min"),
        versions={"python": "3.13"}, parameters={"channel": "chat", "period": "1999-03"})  # fmt: skip
    runs = history.by_period(history.load_runs(tmp_path))
    before, after = runs["monthly", "1999-01"], runs["monthly", "1999-03"]
    table = history.diff_headlines(before, after).set_index("name")
    assert table.loc["lost_share", "difference"] == pytest.approx(0.1, abs=0.003)
    assert table.loc["lost_share", "verdict"] == "rose"
    assert 0.08 < table.loc["lost_share", "lower"] < table.loc["lost_share", "difference"]
    assert table["verdict"].drop("lost_share").to_dict() == {
        "old": "only in 1999-01", "new": "only in 1999-03", "both": "redefined: unit: 's' became 'min'",
    }  # fmt: skip
    assert table["difference"].drop("lost_share").isna().all()
    facts = history.diff_facts(before, after)
    assert set(zip(facts["what"], facts["name"], strict=True)) == {
        ("parameter", "channel"), ("input", "log.csv"), ("version", "python"),
    }  # fmt: skip


def test_a_report_whose_page_is_gone_is_missing(tmp_path):
    """run.json says complete, but nobody can open the report."""
    folder = add(tmp_path, "1999-01", headline(0.2))
    periods = [parse_period("1999-01")]
    assert history.missing_periods(tmp_path, "monthly", periods, today=date(1999, 3, 1)).empty
    (folder / "report.html").unlink()
    missing = history.missing_periods(tmp_path, "monthly", periods, today=date(1999, 3, 1))
    assert missing.columns.tolist() == ["period", "why"]
    assert missing["period"].tolist() == ["1999-01"]


def test_another_report_of_that_period_does_not_fill_the_gap(tmp_path):
    add(tmp_path, "1999-01", headline(0.2), report="weekly")
    assert len(history.missing_periods(tmp_path, "monthly", [parse_period("1999-01")], today=date(1999, 2, 1))) == 1
    assert history.missing_periods(tmp_path, "weekly", [parse_period("1999-01")], today=date(1999, 2, 1)).empty


def test_runs_stand_newest_first_with_their_page_and_headlines(tmp_path):
    add(tmp_path, "1999-01", headline(0.2))
    add(tmp_path, "1999-02", headline(0.3), status="partial")
    (add(tmp_path, "1999-03", headline(0.4)) / "report.html").unlink()
    (add(tmp_path, "1998-12") / "headlines.json").unlink()
    add(tmp_path, "1999-02", status="failed", reason="later")
    runs = history.load_runs(tmp_path)
    assert [(r["period"], r["status"]) for r in runs] == [
        ("1999-03", "complete"), ("1999-02", "partial"), ("1999-02", "failed"), ("1999-01", "complete"),
        ("1998-12", "complete"),
    ]  # fmt: skip
    assert [r["href"] for r in runs] == [
        None, "monthly/1999-02/report.html", None, "monthly/1999-01/report.html", "monthly/1998-12/report.html",
    ]  # fmt: skip
    assert [len(r["headlines"]) for r in runs] == [1, 1, 0, 1, 0]
    assert set(history.by_period(runs)) == {("monthly", p) for p in ("1998-12", "1999-01", "1999-02", "1999-03")}
    assert history.by_period(runs)["monthly", "1999-02"]["status"] == "partial"


def test_a_record_that_cannot_be_read_is_no_run(tmp_path):
    add(tmp_path, "1999-01", headline(0.2))
    (add(tmp_path, "1999-02", headline(0.3)) / "run.json").write_text('{"report": "mon')
    assert [r["period"] for r in history.load_runs(tmp_path)] == ["1999-01"]


def test_a_change_is_told_only_against_the_period_before_of_one_kind_of_data(tmp_path):
    numbers = dict.fromkeys(("difference", "lower", "upper", "previous"), 9.0)
    recorded = {**numbers, "distinguishable": False, "previous_period_label": "kept"}
    add(tmp_path, "1999-01", headline(0.2))
    add(tmp_path, "1999-02", headline(0.3) | {"change": recorded}, simulated=True)
    add(tmp_path, "1999-04", headline(0.3) | {"change": recorded})
    add(tmp_path, "1999-05", headline(0.5) | {"change": recorded})
    changes = {r["period"]: r["headlines"][0]["change"] for r in history.load_runs(tmp_path)}
    assert changes["1999-01"] is None
    assert changes["1999-02"] == recorded  # simulated, and the month before was not
    assert changes["1999-04"] == recorded  # no month before
    assert changes["1999-05"]["difference"] == pytest.approx(0.2, abs=0.003)
    assert changes["1999-05"]["previous"] == 0.3
    assert changes["1999-05"]["previous_period_label"] == "April 1999"
    assert changes["1999-05"]["distinguishable"]


def test_a_failed_run_is_nothing_to_compare_with(tmp_path):
    add(tmp_path, "1999-01", headline(0.2), status="failed")
    add(tmp_path, "1999-02", headline(0.3))
    assert history.load_runs(tmp_path)[0]["headlines"][0]["change"] is None


def test_headlines_without_days_or_without_any_before_keep_what_they_recorded():
    kept = {"difference": 1.0}
    now = {"headlines": [headline(0.3) | {"change": kept}], "days": days("1999-02", 0.3)}
    before = {"headlines": [headline(0.2)], "days": days("1999-01", 0.2), "period_label": "January 1999"}
    (told,) = history.with_change(now, before)
    assert told["change"]["difference"] == pytest.approx(0.1, abs=0.003)
    for other in (
        {"days": None}, {"headlines": []}, {"headlines": [headline(0.1, name="other")]}, {"days": days("1999-02", 0.2)},
        {"headlines": [headline(0.2, label="Redefined")]}, {"days": days("1999-01", 0.2).iloc[:4]},
    ):  # fmt: skip
        assert history.with_change(now, before | other) == now["headlines"]
    assert history.with_change(now | {"days": None}, before) == now["headlines"]


def test_a_headline_without_days_of_its_own_keeps_what_it_recorded(tmp_path):
    kept = {**dict.fromkeys(("difference", "lower", "upper", "previous"), 9.0), "distinguishable": False,
            "previous_period_label": "kept"}  # fmt: skip
    add(tmp_path, "1999-01", headline(0.2), headline(3.0, name="heard", unit="people"))
    add(tmp_path, "1999-02", headline(0.3), headline(4.0, name="heard", unit="people") | {"change": kept})
    lost, heard = history.load_runs(tmp_path)[0]["headlines"]
    assert lost["change"]["distinguishable"]
    assert heard["change"] == kept


@pytest.mark.parametrize("content", [b"", b"PAR1", None])
def test_kept_days_that_cannot_be_read_are_named_and_stop_nothing(tmp_path, content):
    add(tmp_path, "1999-01", headline(0.2))
    path = add(tmp_path, "1999-02", headline(0.3)) / "tables" / HEADLINE_DAYS
    if content is None:
        days("1999-02", 0.3).drop(columns="top").to_parquet(path)
    else:
        path.write_bytes(content)
    runs, aside = read_runs(tmp_path)
    (file,) = aside
    assert file.path == "monthly/1999-02/tables/headline_days.parquet"
    assert file.why in ("it is not Parquet", "it has another shape")
    assert [run["days"] is None for run in runs] == [False, True]
    assert history.load_runs(tmp_path)[0]["headlines"] == [headline(0.3)]


def test_a_redefined_headline_is_named_with_its_label_and_a_new_one_is_not():
    now = [headline(0.2), headline(5.0, name="wait", unit="s"), headline(1.0, name="new")]
    before = [headline(0.1), headline(4.0, name="wait", unit="min")]
    assert history.redefinitions(now, before) == [
        {"name": "wait", "label": "Gave up", "what": "unit: 'min' became 's'"}
    ]


def test_a_forecast_takes_the_periods_in_their_order_and_of_one_kind_of_data(tmp_path):
    for period, value in (("1999-01", 0.5), ("1999-02", 0.2), ("1999-03", 0.3), ("1999-04", 0.25)):
        add(tmp_path, period, headline(value), simulated=period == "1999-01")
    good = history.by_period(history.load_runs(tmp_path))
    (forecast,) = history.forecast_from(good, "monthly", "1999-04")
    assert (forecast["periods"], forecast["value"]) == (3, 0.25)
    assert history.forecast_from(good, "monthly", "1999-04") == history.forecast_headlines(
        [good["monthly", f"1999-0{month}"]["headlines"] for month in (2, 3, 4)]
    )
    assert history.forecast_from(good, "monthly", "1999-06") == []
    assert history.forecast_from(good, "weekly", "1999-04") == []


def test_a_forecast_of_simulated_data_says_nothing_of_real_data(tmp_path):
    for month, value in enumerate([0.20, 0.22, 0.21, 0.22, 0.21], start=1):
        add(tmp_path, f"1999-0{month}", headline(value), simulated=month < 5)
    periods = [f"1999-0{month}" for month in range(1, 6)]
    job.keep_forecasts(tmp_path, REPORT, periods)
    rows = {r["period"]: r["forecast"][0] for r in history.load_runs(tmp_path)}
    assert (rows["1999-04"]["said"], rows["1999-04"]["scored_so_far"]) == (0.21, 1)
    # The month of real data: no forecast for it, and the simulated hits are not counted for it.
    assert (rows["1999-05"]["said"], rows["1999-05"]["scored_so_far"]) == (None, 0)
    assert rows["1999-05"]["note"] == "no forecast was kept"


def test_a_diff_in_numbers_has_its_columns_and_both_values(tmp_path):
    add(tmp_path, "1999-01", headline(0.2), headline(0.1, name="old", label="Old", unit="min"))
    add(tmp_path, "1999-02", headline(0.3), headline(0.4, name="new"))
    after, before = history.load_runs(tmp_path)
    table = history.diff_headlines(before, after)
    assert table.columns.tolist() == [
        "name", "label", "unit", "before", "after", "difference", "lower", "upper", "verdict",
    ]  # fmt: skip
    assert table["name"].tolist() == ["lost_share", "old", "new"]
    assert table["label"].tolist() == ["Gave up", "Old", "Gave up"]
    assert table["unit"].tolist() == ["share", "min", "share"]
    left, old, new = table.to_dict("records")
    assert (left["before"], left["after"]) == (0.2, 0.3)
    assert left["difference"] < left["upper"] < 0.12
    assert (old["before"], new["after"]) == (0.1, 0.4)
    assert table[["after", "before"]].isna().to_numpy().tolist() == [[False, False], [True, False], [False, True]]
    assert (old["verdict"], new["verdict"]) == ("only in 1999-01", "only in 1999-02")
    same = history.diff_headlines(after, after)
    assert same["difference"].isna().all()
    assert set(same["verdict"]) == {"nothing to compare"}


def test_a_diff_of_runs_that_share_no_headline_compares_nothing(tmp_path):
    add(tmp_path, "1999-01", headline(0.2, name="old"))
    add(tmp_path, "1999-02", headline(0.3, name="new"))
    add(tmp_path, "1999-03")
    empty, after, before = history.load_runs(tmp_path)
    table = history.diff_headlines(before, after)
    assert table["verdict"].tolist() == ["only in 1999-01", "only in 1999-02"]
    assert table["difference"].isna().all()
    assert history.diff_headlines(empty, empty).columns.tolist() == table.columns.tolist()
    assert history.diff_headlines(empty, empty).empty


def test_a_diff_in_facts_says_what_was_and_what_is(tmp_path):
    add(tmp_path, "1999-01", parameters={"channel": "phone", "period": "1999-01", "old": 1})
    add(tmp_path, "1999-02", status="partial", commit="def", versions={"python": "3.13"}, newest_record=None)
    after, before = history.load_runs(tmp_path)
    table = history.diff_facts(before, after)
    assert table.columns.tolist() == ["what", "name", "before", "after"]
    assert table.fillna("none").to_numpy().tolist() == [
        ["run", "status", "complete", "partial"], ["run", "commit", "abc", "def"], ["parameter", "old", 1, "none"],
        ["input", "log.csv", "1999-011999-, 9 rows, newest None", "1999-021999-, 9 rows, newest None"],
        ["version", "python", "3.11", "3.13"],
    ]  # fmt: skip
    assert history.diff_facts(after, after).empty


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """The command line on a folder with two reports, without a notebook behind them."""
    monkeypatch.setattr("cxresearch.report.run.parameters.load_report", lambda name, root: REPORT)
    add(tmp_path, "1999-01", headline(0.2))
    add(tmp_path, "1999-02", headline(0.3))
    return lambda *words: command_line.main([*words, "--out", str(tmp_path)])


def test_the_command_missing_says_so_by_its_exit_code(commands, capsys):
    assert commands("missing", "monthly", "--from", "1999-01", "--to", "1999-02") == 0
    assert capsys.readouterr().out == ""
    assert commands("missing", "monthly", "--from", "1998-12", "--to", "1999-02") == 1
    assert capsys.readouterr().out == "monthly 1998-12: never made\n"
    assert commands("missing", "monthly", "--from", "1999-02", "--to", "1999-01") == 2
    assert commands("missing", "monthly", "--from", "1999-Q1") == 2


def test_the_command_diff_prints_both_tables(commands, capsys):
    assert commands("diff", "monthly", "1999-01", "1999-02") == 0
    told = capsys.readouterr().out
    assert "10.1 points" in told
    assert "rose" in told
    assert "log.csv" in told
    assert commands("diff", "monthly", "1999-01", "1999-03") == 2
    assert "there is no report monthly 1999-03" in capsys.readouterr().err


def test_a_run_that_failed_before_its_notebooks_has_all_that_the_index_reads(tmp_path):
    folder = tmp_path / "monthly" / "1999-02.failed"
    folder.mkdir(parents=True)
    record = run.failed_run(REPORT, parse_period("1999-02"), "no space", started=datetime.now(UTC))
    publish.write_json(folder / "run.json", record)
    (listed,) = history.load_runs(tmp_path)
    assert (listed["status"], listed["href"], listed["headlines"]) == ("failed", None, [])
    job.write_index(tmp_path, REPORT)
    assert "February 1999" in (tmp_path / "index.html").read_text()
    assert json.loads((folder / "run.json").read_text())["reason"] == "no space"
