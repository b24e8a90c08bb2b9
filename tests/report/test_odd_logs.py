"""Whole reports of odd logs through the command line: a page, or a sentence on what is wrong; never a failed run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxresearch import __main__ as command_line
from cxresearch.exhibits import TICKET_MEASURES, days_of
from cxresearch.report.archive.exact import HEADLINE_DAYS, exact_folder
from tests.exhibits.odd_logs import NAME, odd_logs, plain_log

NOTEBOOKS = ("05-executive-summary", "02-how-long-do-people-wait", "04-when-are-we-there")
ODD = odd_logs()
# Those that together touch every branch of the three notebooks; the rest of them is looked at in process.
PAGES = ("everybody gave up at once", "answered at once", "one row", "queues with strange names", "e-mail only",
         "handle times of years", "the required columns and a date", "all are still open")  # fmt: skip
REFUSED = {
    "no row": (plain_log().iloc[:0], "no contacts"),
    "another year": (plain_log(opened_at=pd.Timestamp("2023-05-08 10:00")), "no contacts"),
    "no wait is a number": (plain_log(wait_s="soon"), "no readable wait_s"),
    "no outcome": (plain_log(outcome=None), "no column 'outcome'"),
    "unknown outcomes": (plain_log(outcome="HUNG UP"), "known words are answered"),
    "another channel": (plain_log(channel="chat"), "no contact has the channel 'phone'"),
    "no date": (plain_log(opened_at=None), "no readable opened_at"),
    "dates that nobody reads": (plain_log(opened_at="the 30th of May"), "no date that can be read"),
}


@pytest.fixture
def checkout(root, tmp_path, monkeypatch) -> Path:
    """A checkout with the notebooks of the monthly report that look at a log, and its command line."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "notebooks").mkdir()
    for name in NOTEBOOKS:
        (tmp_path / "notebooks" / f"{name}.ipynb").symlink_to(root / "notebooks" / f"{name}.ipynb")
    names = ", ".join(f'"{name}"' for name in NOTEBOOKS)
    (tmp_path / "reports" / "odd.toml").write_text(
        f'title = "Odd"\nperiod = "month"\nnotebooks = [{names}]\n'
        'headlines = ["contacts", "abandonment_share", "mean_wait_s", "patience_survival_60s"]\n'
        '[parameters]\nlog = "log.csv"\nreplicates = 2\ncontrols = false\n'
    )
    monkeypatch.setattr(command_line, "ROOT", tmp_path)
    monkeypatch.setenv("CXRESEARCH_CHROMIUM", "")  # what the browser sees has tests of its own
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(checkout: Path, frame: pd.DataFrame, *arguments: str) -> int:
    frame.to_csv(checkout / "log.csv", index=False)
    return command_line.main(["report", "odd", "--period", NAME, "--out", str(checkout / "out"), *arguments])


@pytest.mark.slow
@pytest.mark.parametrize("odd", PAGES)
def test_an_odd_log_makes_its_page(checkout, odd, capsys):
    channel = "email" if odd == "e-mail only" else "phone"
    code = run(checkout, ODD[odd], "--set", f"channel={channel}")
    assert code == 0, capsys.readouterr().err
    folder = checkout / "out" / "odd" / NAME
    assert (folder / "report.html").is_file()
    record = json.loads((folder / "run.json").read_text())
    assert record["counts"]["kept"] + record["counts"]["set_aside"] == len(ODD[odd])


@pytest.mark.parametrize("odd", REFUSED)
def test_a_log_that_cannot_serve_ends_with_a_sentence(checkout, odd, capsys, monkeypatch):
    monkeypatch.setattr(
        "cxresearch.report.run.one_run.execute_notebook", lambda *_, **__: pytest.fail("a notebook was started")
    )
    frame, sentence = REFUSED[odd]
    assert run(checkout, frame) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said
    assert not (checkout / "out" / "odd").exists()


def mail(contacts: int = 600) -> pd.DataFrame:
    """Two months of e-mail as a ticket tool writes it: no handle time, nobody who gave up, the last ones open."""
    rng = np.random.default_rng(5)
    opened = pd.Timestamp("2024-04-01") + pd.to_timedelta(rng.integers(0, 61 * 86_400, contacts), unit="s")
    wait = rng.exponential(20_000, contacts).round()
    frame = pd.DataFrame({"opened_at": opened, "wait_s": wait, "outcome": "answered", "channel": "email", "queue": "a",
                          "customer_key": rng.integers(1, 200, contacts).astype(str)}).sort_values("opened_at")  # fmt: skip
    left = (frame["opened_at"].max() - frame["opened_at"]).dt.total_seconds()
    return frame.assign(outcome=np.where(wait > left, "open", "answered"), wait_s=np.minimum(wait, left))


@pytest.mark.slow
def test_tickets_get_their_report_and_its_days_are_kept(checkout, root, capsys):
    (checkout / "notebooks" / "07-when-are-tickets-answered.ipynb").symlink_to(
        root / "notebooks" / "07-when-are-tickets-answered.ipynb"
    )
    text = (root / "reports" / "tickets.toml").read_text()
    (checkout / "reports" / "tickets.toml").write_text(f"{text}\n[targets]\nunanswered_after_promise_share = 0.5\n")
    mail().to_csv(checkout / "log.csv", index=False)
    asked = ["report", "tickets", "--out", str(checkout / "out"), "--set", "log=log.csv"]
    assert command_line.main([*asked, "--period", "2024-05"]) == 0, capsys.readouterr().err
    folder = checkout / "out" / "tickets" / "2024-05"
    told = {h["name"]: h for h in json.loads((folder / "headlines.json").read_text())}
    assert {"tickets", "median_first_answer_s", "unanswered_after_promise_share", "backlog", "asked_again_share"} < set(
        told
    )
    assert told["unanswered_after_promise_share"]["target"] == {"limit": 0.5, "verdict": "met"}
    assert told["median_first_answer_s"]["change"]["previous_period_label"] == "April 2024"
    record = json.loads((folder / "run.json").read_text())
    days = pd.read_parquet(exact_folder(checkout / "out", "tickets", "2024-05", record) / HEADLINE_DAYS)
    assert set(days["name"]) == set(TICKET_MEASURES)
    assert days_of(days) is not None, "a later run tells its change from them"
    plain_log().to_csv(checkout / "log.csv", index=False)
    assert command_line.main([*asked, "--period", NAME]) == 2
    assert "cxresearch report monthly" in capsys.readouterr().err


@pytest.mark.slow
def test_a_report_of_calls_on_tickets_measures_their_channel_and_says_so(checkout, capsys):
    assert run(checkout, mail()) == 0
    said = capsys.readouterr().err
    assert "the log holds no phone, so email is measured" in said
    assert "cxresearch report tickets --period 2024-05" in said
