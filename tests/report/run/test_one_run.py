"""A run on small notebooks: what counts as success, what a failure leaves, and the exit codes."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from cxresearch import __main__ as command_line
from cxresearch.report.archive.exact import exact_folder
from cxresearch.report.page.browser import find_chromium
from cxresearch.report.run.execute import proof_of_execution

RECORD = (
    "from cxresearch.exhibits import show as present\n"
    "present.record_headline(name='contacts', label='Contacts', value=1.0, lower=1.0, upper=1.0, unit='contacts', "
    "kind='estimated', better=None)"
)


def write_notebook(path: Path, *cells: str, parameters: str = 'log: str = ""\nperiod: str = ""') -> None:
    code = [new_code_cell(parameters, metadata={"tags": ["parameters"]}), *(new_code_cell(c) for c in cells)]
    nbformat.write(
        new_notebook(
            cells=code, metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "x"}}
        ),
        path,
    )


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with a report of two notebooks and a log of three contacts, and the command line that sees it."""
    for name in ("reports", "notebooks"):
        (tmp_path / name).mkdir()
    (tmp_path / "reports" / "small.toml").write_text(
        'title = "Small"\nperiod = "month"\nnotebooks = ["one", "two"]\nheadlines = ["contacts"]\nmay_fail = ["two"]\n'
    )
    write_notebook(tmp_path / "notebooks" / "one.ipynb", RECORD)
    write_notebook(tmp_path / "notebooks" / "two.ipynb", "1 + 1")
    frame = {"opened_at": ["1999-02-01 08:00", "1999-02-02 09:00", "1999-02-03 10:00"], "wait_s": [1, 2, 3]}
    log = pd.DataFrame({**frame, "outcome": ["answered", "abandoned", "answered"], "channel": "phone", "queue": "a"})
    log.to_csv(tmp_path / "log.csv", index=False)
    monkeypatch.setattr(command_line, "ROOT", tmp_path)
    monkeypatch.setenv("CXRESEARCH_CHROMIUM", "")  # what the browser sees has tests of its own
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(checkout: Path, *arguments: str) -> int:
    return command_line.main(["report", "small", "--period", "1999-02", "--out", str(checkout / "out"), *arguments])


def published(checkout: Path, name: str = "1999-02") -> dict:
    return json.loads((checkout / "out" / "small" / name / "run.json").read_text())


@pytest.fixture(autouse=True)
def with_log(request):
    if "checkout" in request.fixturenames:
        toml = request.getfixturevalue("checkout") / "reports" / "small.toml"
        toml.write_text(toml.read_text() + '[parameters]\nlog = "log.csv"\n')


def test_a_complete_run_leaves_everything_in_place(checkout):
    assert run(checkout) == 0
    folder = checkout / "out" / "small" / "1999-02"
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert names == {
        "report.html", "brief.html", "run.json", "headlines.json", "forecast.json", "notebooks/one.ipynb", "notebooks/two.ipynb",
    }  # fmt: skip
    record = published(checkout)
    assert record["status"] == "complete"
    assert [(n["name"], n["cells"], n["executed"], n["exit_code"]) for n in record["notebooks"]] == [
        ("one", 3, 3, 0), ("two", 3, 3, 0),
    ]  # fmt: skip
    assert record["counts"]["read"] == 3
    (log,) = record["inputs"]
    assert (log["path"], log["rows"], log["newest_record"], len(log["sha256"])) == (
        "log.csv",
        3,
        "1999-02-03 10:00:00",
        64,
    )
    assert "1999-02" in (checkout / "out" / "index.html").read_text()
    exact = exact_folder(checkout / "out", "small", "1999-02", record)
    assert pd.read_parquet(exact / "cells.parquet")["contacts"].sum() == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "hrizon=1"], "unknown parameter 'hrizon'"),
        (["--set", "log=nowhere.csv"], "there is no file nowhere.csv"),
        (["--set", "period=1999-01"], "use --period"),
    ],
)
def test_bad_parameters_end_with_2_before_any_kernel(checkout, capsys, monkeypatch, arguments, message):
    monkeypatch.setattr(
        "cxresearch.report.run.one_run.execute_notebook", lambda *_, **__: pytest.fail("a notebook was started")
    )
    assert run(checkout, *arguments) == 2
    assert message in capsys.readouterr().err
    assert not (checkout / "out" / "small").exists()


def test_a_file_that_a_parameter_names_is_looked_for_first_and_told_with_its_hash(checkout, capsys):
    parameters = 'log: str = ""\nperiod: str = ""\nrequests_file: str = ""'
    write_notebook(checkout / "notebooks" / "two.ipynb", "open(requests_file).read()", parameters=parameters)
    assert run(checkout, "--set", "requests_file=nowhere.csv") == 2
    assert "requests_file names nowhere.csv, which is no file" in capsys.readouterr().err
    assert not (checkout / "out" / "small" / "1999-02").exists()
    (checkout / "requests.csv").write_bytes(b"asked\n")
    assert run(checkout, "--set", "requests_file=requests.csv") == 0
    named = published(checkout)["inputs"][-1]
    assert (named["path"], named["sha256"]) == ("requests.csv", hashlib.sha256(b"asked\n").hexdigest())


def test_an_empty_period_ends_with_2_and_says_what_the_log_covers(checkout, capsys):
    assert command_line.main(["report", "small", "--period", "2001-01", "--out", str(checkout / "out")]) == 2
    assert "3 rows from 1999-02-01 08:00:00 to 1999-02-03 10:00:00" in capsys.readouterr().err


def test_a_failing_notebook_publishes_no_report_and_keeps_the_good_one(checkout, capsys):
    assert run(checkout) == 0
    good = (checkout / "out" / "small" / "1999-02" / "report.html").read_bytes()
    write_notebook(checkout / "notebooks" / "one.ipynb", RECORD, "1 / 0")
    assert run(checkout) == 1
    assert (checkout / "out" / "small" / "1999-02" / "report.html").read_bytes() == good
    failed = published(checkout, "1999-02.failed")
    assert failed["status"] == "failed"
    assert "ZeroDivisionError" in failed["reason"]
    assert not (checkout / "out" / "small" / "1999-02.failed" / "report.html").exists()
    assert "no report was published" in capsys.readouterr().err
    write_notebook(checkout / "notebooks" / "one.ipynb", RECORD)
    assert run(checkout) == 0
    assert not (checkout / "out" / "small" / "1999-02.failed").exists()


def test_a_killed_kernel_is_a_failure_whatever_papermill_says(checkout):
    write_notebook(checkout / "notebooks" / "one.ipynb", RECORD, "import os; os.kill(os.getpid(), 9)", "1")
    assert run(checkout) == 1
    record = published(checkout, "1999-02.failed")["notebooks"][0]
    assert record["executed"] < record["cells"]
    assert "was not executed" in record["error"]


def test_a_section_that_may_fail_leaves_a_partial_report(checkout):
    write_notebook(checkout / "notebooks" / "two.ipynb", "raise ValueError('no data today')")
    assert run(checkout) == 3
    assert published(checkout)["status"] == "partial"
    assert "no data today" in (checkout / "out" / "small" / "1999-02" / "report.html").read_text()


def test_a_missing_headline_is_a_failure(checkout):
    write_notebook(checkout / "notebooks" / "one.ipynb", "1")
    assert run(checkout) == 1
    assert "headlines not recorded: contacts" in published(checkout, "1999-02.failed")["reason"]


def test_the_same_run_under_way_ends_with_75(checkout):
    lock = checkout / "out" / ".locks" / "small-1999-02"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert run(checkout) == 75
    assert run(checkout) == 0, "a lock ends with its holder"


def test_success_is_proved_from_the_cells():
    done = new_code_cell("1", execution_count=1)
    failed = new_code_cell("1/0", execution_count=2, outputs=[new_output("error", ename="E", evalue="v", traceback=[])])
    assert proof_of_execution(new_notebook(cells=[done, new_code_cell("")])) == (1, 1, "")
    assert proof_of_execution(new_notebook(cells=[done, new_code_cell("2")])) == (2, 1, "cell 2 of 2 was not executed")
    assert proof_of_execution(new_notebook(cells=[done, failed])) == (2, 2, "cell 2 of 2 raised E: v")


def add_to_toml(checkout: Path, line: str) -> None:
    toml = checkout / "reports" / "small.toml"
    toml.write_text(f"{line}\n{toml.read_text()}")


def test_a_page_that_does_not_pass_the_gate_is_not_published(checkout):
    assert run(checkout) == 0
    good = (checkout / "out" / "small" / "1999-02" / "report.html").read_bytes()
    say = "from cxresearch.exhibits import say; say('See /home/analyst/logs/february.csv for more.')"
    write_notebook(checkout / "notebooks" / "one.ipynb", RECORD, say)
    assert run(checkout) == 1
    failed = published(checkout, "1999-02.failed")
    assert failed["reason"].startswith("the page did not pass the gate")
    assert failed["gate"]["findings"]
    assert not list((checkout / "out" / "small" / "1999-02.failed").glob("*.html"))
    assert (checkout / "out" / "small" / "1999-02" / "report.html").read_bytes() == good


def test_a_run_is_stored_elsewhere_and_a_mail_server_that_is_not_there_is_said(checkout, capsys):
    add_to_toml(checkout, f'store = "{checkout / "elsewhere"}"')
    toml = checkout / "reports" / "small.toml"
    with toml.open("a") as file:
        file.write('[email]\nserver = "127.0.0.1"\nport = 9\nsecurity = "none"\nsender = "a@example.org"\n')
        file.write('on_success = ["b@example.org"]\ntimeout_s = 2\n')
    assert run(checkout) == 1
    assert "did not take the message" in capsys.readouterr().err
    for out in ("out", "elsewhere"):
        assert (checkout / out / "small" / "1999-02" / "report.html").is_file(), "the report itself stands"


LOST = (
    "from cxresearch.exhibits import show as present\n"
    "present.record_headline(name='lost_share', label='Gave up', value=0.127, lower=0.11, upper=0.14, unit='share', "
    "kind='estimated', better='lower', n=9, base='all who asked')"
)


@pytest.mark.slow
def test_a_runner_with_an_empty_disk_knows_the_run_before_it_and_tells_no_alert_twice(checkout, monkeypatch, capsys):
    add_to_toml(checkout, f'store = "{checkout / "store"}"\nhistory = "{checkout / "private"}"')
    with (checkout / "reports" / "small.toml").open("a") as file:
        file.write('[alerts]\nlost_share = 0.05\n[email]\nserver = "127.0.0.1"\nsecurity = "none"\n')
        file.write('sender = "a@example.org"\non_alert = ["b@example.org"]\n')
    write_notebook(checkout / "notebooks" / "one.ipynb", RECORD, LOST)
    told = []
    monkeypatch.setattr("cxresearch.report.archive.alerts.hand_over", lambda mail, message, people: told.append(people))
    assert run(checkout) == 0
    first = published(checkout)
    assert first["history"] == {"fetched": True, "runs": 0, "without_counts": 0}
    assert first["alerts"][0] | {"told_utc": ""} == {
        "name": "lost_share", "limit": 0.05, "verdict": "missed", "fired": True, "told": ["e-mail"], "told_utc": "",
        "why": "the whole interval, 11.0 to 14.0 %, lies on the bad side of 5.0 %",
    }  # fmt: skip
    stored = checkout / "store" / "small" / "1999-02"
    assert json.loads((stored / "run.json").read_text()) == first, "the store knows who was told"
    assert not (stored / "tables").exists()
    assert len(list((checkout / "private").rglob("cells.parquet"))) == 1
    shutil.rmtree(checkout / "out")
    assert run(checkout) == 0
    second = published(checkout)
    assert second["history"] == {"fetched": True, "runs": 1, "without_counts": 0}
    assert second["alerts"][0]["told_utc"] == first["alerts"][0]["told_utc"]
    assert told == [("b@example.org",)]
    assert "1 fetched from where they are kept" in (stored / "report.html").read_text()
    assert 'href="small/1999-02/report.html"' in (checkout / "store" / "index.html").read_text()

    shutil.rmtree(checkout / "out")
    capsys.readouterr()

    def lost(self, below=""):
        raise PermissionError("not you")

    monkeypatch.setattr("cxresearch.report.archive.stores._Folder.list", lost)
    assert run(checkout) == 1
    assert "the history could not be fetched" in capsys.readouterr().err
    assert published(checkout)["status"] == "complete", "the report is made all the same"
    assert "Earlier reports are missing here" in (checkout / "out" / "small" / "1999-02" / "report.html").read_text()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("[alerts]\nlost_sare = 0.05", "[alerts] lost_sare: no headline has this name (did you mean 'lost_share'?)"),
        (
            "[alerts]\nlost_share = 5",
            "[alerts] lost_share = 5: it is a share, from 0 to 1: for 5 % write lost_share = 0.05",
        ),
        ("[alerts]\nlost_share = true", "[alerts] lost_share is a number"),
        ("[alerts]\ncontacts = 5", "[alerts] contacts: neither more nor fewer of them are better"),
        ("[alerts]\nlost_share = 0.05", "[alerts] is set, and nobody is told"),
        ("[messages]\non_alert = ['slack://token']", "is a list of names of environment variables"),
        ("[messages]\non_alert = ['NO_SUCH_VARIABLE']", "[messages]"),
        ("[email]\nserver = 'x'\nsender = 'a@b.c'\nlink = 'https://x/{0}'", "only {report} and {period} are filled in"),
    ],
)
def test_who_is_told_of_what_is_checked_before_any_kernel(checkout, capsys, monkeypatch, lines, message):
    monkeypatch.setattr(
        "cxresearch.report.run.one_run.execute_notebook", lambda *_, **__: pytest.fail("a notebook was started")
    )
    with (checkout / "reports" / "small.toml").open("a") as file:
        file.write(lines + "\n")
    assert run(checkout) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('history = "s3://private"', "history is set, and no store"),
        ('store = "s3://kept"\nhistory = "s3://kept/exact"', "history lies in store"),
        ('store = "ftp://a:b@host/x"', "the address holds a password"),
    ],
)
def test_where_a_report_is_kept_is_checked_before_any_kernel(checkout, capsys, lines, message):
    add_to_toml(checkout, lines)
    assert run(checkout) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_braces_in_what_a_report_is_called_are_only_braces(checkout):
    toml = checkout / "reports" / "small.toml"
    odd = "{0} {report.__class__} {title!r} %s ${x}"
    toml.write_text(toml.read_text().replace('title = "Small"', f'title = "T {odd}"\norganisation = "O {odd}"'))
    with toml.open("a") as file:
        file.write(f'[brand]\nname = "B {odd}"\n')
    assert run(checkout) == 0
    page = (checkout / "out" / "small" / "1999-02" / "report.html").read_text()
    assert f"T {odd}" in page
    assert f"B {odd}" in page
    assert f"T {odd}" in (checkout / "out" / "index.html").read_text()


def test_a_report_that_grows_old_is_marked_in_the_index_also_when_nothing_runs(checkout):
    overdue = "newer report was due"
    assert run(checkout) == 0
    index = checkout / "out" / "index.html"
    assert overdue in index.read_text()
    index.write_text(index.read_text().replace(overdue, "nothing"))
    looked_for = ["missing", "small", "--from", "1999-02", "--to", "1999-02", "--out", str(checkout / "out")]
    assert command_line.main(looked_for) == 0
    assert overdue in index.read_text()


def test_a_report_is_printed_where_it_says_so_and_there_is_a_browser(checkout, capsys, monkeypatch):
    add_to_toml(checkout, "pdf = true")
    folder = checkout / "out" / "small" / "1999-02"
    assert run(checkout) == 0, "a report without its PDF is a report"
    assert published(checkout)["pdf"] == "not printed: there is no Chromium on this system."
    assert "no report.pdf" in capsys.readouterr().err
    assert not (folder / "report.pdf").exists()
    monkeypatch.delenv("CXRESEARCH_CHROMIUM")
    if not find_chromium():
        pytest.skip("there is no Chromium on this system to print with")
    assert run(checkout) == 0
    assert published(checkout)["pdf"] == "report.pdf"
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(
    "line", ['pdf = "yes"', 'brand = { nmae = "A" }', 'language = "xx"', 'email = { server = "x" }']
)
def test_what_the_page_or_the_mail_cannot_use_ends_with_2(checkout, line):
    add_to_toml(checkout, line)
    assert run(checkout) == 2
    assert not (checkout / "out" / "small").exists()


@pytest.mark.slow
def test_what_is_beside_the_page_is_clean_where_queues_are_called_as_secrets_are(checkout):
    elsewhere = checkout / "logs" / "log.csv"
    elsewhere.parent.mkdir()
    rows = [
        f"1999-02-{day:02d} 08:00:00,1,answered,phone,{queue}"
        for day in range(1, 13)
        for queue in ("support@bank.com", "Password: reset", "/home/loans")
    ]
    elsewhere.write_text("\n".join(["opened_at,wait_s,outcome,channel,queue", *rows]))
    told = 'print(log, "support@bank.com: 12 contacts; Password: reset lost 3 at /home/loans")'
    write_notebook(checkout / "notebooks" / "two.ipynb", told)
    assert run(checkout, "--set", f"log={elsewhere}") == 0
    folder = checkout / "out" / "small" / "1999-02"
    assert "/home/loans" in (folder / "notebooks" / "two.ipynb").read_text()
    assert not [p.name for p in folder.rglob("*") if p.is_file() and str(checkout).encode() in p.read_bytes()]
    assert published(checkout)["parameters"]["log"] == "log.csv"
    toml = checkout / "reports" / "small.toml"
    toml.write_text("publish_notebooks = false\n" + toml.read_text())
    assert run(checkout, "--set", f"log={elsewhere}") == 0
    assert not (folder / "notebooks").exists()


def test_a_leak_beside_the_page_fails_the_run_and_is_in_nothing_that_is_left_of_it(checkout, capsys):
    planted = "ana.kowalska@example.com"
    write_notebook(checkout / "notebooks" / "two.ipynb", 'print("ana.kowalska", "example.com", sep=chr(64))')
    assert run(checkout) == 1
    folder = checkout / "out" / "small" / "1999-02.failed"
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == [
        "forecast.json", "headlines.json", "notebooks/one.ipynb", "run.json",
    ]  # fmt: skip
    record = published(checkout, "1999-02.failed")
    assert [finding["rule"] for finding in record["gate"]["findings"]] == ["no personal column"]
    assert not [p for p in folder.rglob("*") if p.is_file() and planted in p.read_text()]
    assert not (checkout / "out" / ".exact").exists()
    assert "notebooks/two.ipynb of the failed run is left out: no personal column" in capsys.readouterr().err


@pytest.mark.slow
def test_what_a_run_that_failed_says_names_no_folder_and_nobody(checkout):
    write_notebook(checkout / "notebooks" / "one.ipynb", 'raise ValueError("no /home/ana/x.csv")')
    write_notebook(checkout / "notebooks" / "two.ipynb", 'raise ValueError("ana.kowalska@example.com")')
    assert run(checkout) == 1
    folder = checkout / "out" / "small" / "1999-02.failed"
    said = "".join(p.read_text() for p in folder.rglob("*") if p.is_file())
    assert "ValueError: no x.csv" in published(checkout, "1999-02.failed")["reason"]
    assert "/home/ana" not in said
    assert (folder / "notebooks" / "one.ipynb").is_file(), "what went wrong can be read there"
