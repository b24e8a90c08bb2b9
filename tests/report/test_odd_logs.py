"""Whole reports of odd logs through the command line: a page, or a sentence on what is wrong; never a failed run."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from cxresearch import __main__ as command_line
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


@pytest.mark.parametrize("odd", [PAGES[0], *(pytest.param(name, marks=pytest.mark.slow) for name in PAGES[1:])])
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
