"""A report of a survey alone through the command line: no log, no period, its folder the version of the file."""

from __future__ import annotations

import json
import os
import shlex
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from cxresearch import __main__ as command_line
from cxresearch.report.archive.exact import SHARES, exact_folder
from cxresearch.report.run.parameters import load_report
from cxresearch.report.run.survey_run import read_version
from cxresearch.survey import read_survey
from tests.survey import made_exports as made


@pytest.fixture
def checkout(root, tmp_path, monkeypatch) -> Path:
    for name in ("reports", "notebooks", "data"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "evidence").symlink_to(root / "data" / "evidence")
    name = "08-what-our-own-survey-says.ipynb"
    (tmp_path / "notebooks" / name).symlink_to(root / "notebooks" / name)
    (tmp_path / "reports" / "survey.toml").write_text((root / "reports" / "survey.toml").read_text())
    monkeypatch.setattr(command_line, "ROOT", tmp_path)
    monkeypatch.setattr(
        "cxresearch.simulate.default.log_or_default", lambda *_, **__: pytest.fail("a log was asked for")
    )
    monkeypatch.setenv("CXRESEARCH_CHROMIUM", "")  # what the browser sees has tests of its own
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> int:
    return command_line.main([*arguments])


def test_from_an_export_to_its_report(checkout, capsys):
    made.qualtrics(checkout / "own.csv", made.truth())
    assert run("look", "own.csv") == 2
    said = capsys.readouterr().out
    (line,) = [line.strip() for line in said.splitlines() if line.startswith("    asked")]
    assert run("new", "own", "--from", "own.csv") == 2
    assert not (checkout / "reports" / "own.toml").exists()
    assert run("new", "own", "--from", "own.csv", "--map", line) == 0
    text = (checkout / "reports" / "own.toml").read_text()
    assert load_report("own", checkout).survey == {"asked": {"Q2": {"Q1": ["Yes"]}}}
    # Its lines stand there as comments; without the marks they are items that can be used.
    items = tomllib.loads("\n".join(one[2:] for one in text.split("# [survey.items]\n")[1].splitlines()))
    assert items["e_mail"] == {"column": "Q2", "choice": "E-mail"}
    capsys.readouterr()
    assert run("report", "own", "--out", "out", "--set", "survey_by=QAge") == 0, capsys.readouterr().err
    assert "40 rows read, 40 kept, 0 set aside" in capsys.readouterr().out
    (folder,) = (checkout / "out" / "own").iterdir()
    assert folder.name.startswith("2026-10-10-"), "the day of the last answer, and a digest of the file"
    record = json.loads((folder / "run.json").read_text())
    assert (record["status"], record["previous_period"], record["simulated"]) == ("complete", None, False)
    assert record["counts"] == {"read": 40, "kept": 40, "set_aside": 0}
    assert record["inputs"][-1]["path"] == "own.csv"
    assert record["parameters"]["survey"] == {"asked": {"Q2": {"Q1": ["Yes"]}}}
    assert "log" not in record["parameters"]
    page = (folder / "report.html").read_text()
    assert "answers up to 10 October 2026" in page
    assert "earlier period" not in page
    for personal in ("ann@example.com", "192.0.2.7", "R_11"):
        assert not [p for p in folder.rglob("*") if p.is_file() and personal in p.read_text(errors="replace")]
    assert len(pd.read_parquet(exact_folder(folder.parents[1], "own", folder.name, record) / SHARES)) == 7


def test_the_same_file_is_the_same_version_whatever_its_own_date_and_another_is_another(checkout):
    path = made.written(checkout / "own.csv", [["told", "age"], *[[n % 2, "35+"] for n in range(6)]])
    os.utime(path, (0, 0))
    report = load_report("survey", checkout)
    named = lambda: read_version(report, {"survey_file": str(path)}, checkout / "out").name  # noqa: E731
    first = named()
    assert first.startswith("1970-01-0")
    (checkout / "out" / "survey" / first).mkdir(parents=True)
    os.utime(path, (2e8, 2e8))
    assert named() == first
    path.write_text(path.read_text() + "1,35+\n")
    os.utime(path, (2e8, 2e8))
    assert named().startswith("1976-05-0")


def test_what_is_said_of_a_survey_by_map_reaches_its_report(checkout, capsys, monkeypatch):
    ordered = []
    monkeypatch.setattr("cxresearch.report.job.make_report", lambda order, guard: ordered.append(order) or 0)
    made.qualtrics(checkout / "own.csv", made.truth())
    text = (checkout / "reports" / "survey.toml").read_text()
    (checkout / "reports" / "survey.toml").write_text(f'{text}\n[survey]\npeople = "ours"\n')
    say = ["report", "survey", "--set", "survey_file=own.csv", "--map"]
    assert run(*say, 'asked = { Q2 = "all" }') == 0
    (order,) = ordered
    assert order.parameters["survey"] == {"people": "ours", "asked": {"Q2": "all"}}
    assert order.period.shares.set_index("item").loc["Q2_1", "n"] == 40
    assert run(*say, 'opened_at = "Opened"') == 2
    assert "survey: there is no key 'opened_at'" in capsys.readouterr().err


def test_look_leads_on_with_all_that_was_said(checkout, capsys):
    folder = checkout / "in here"
    folder.mkdir()
    made.written(folder / "own.csv", [["größe", "told"], *[["m²", 1], ["", 0]] * 4])
    line = 'asked = { "größe" = "all" }'
    assert run("look", "in here/own.csv", "--survey", "--map", line) == 0
    said = capsys.readouterr().out
    (command,) = [one.removeprefix("Go on with: ") for one in said.splitlines() if one.startswith("Go on with: ")]
    words = shlex.split(command)
    assert words[:3] == ["cxresearch", "new", "NAME"]
    assert run("new", "own", *words[3:]) == 0
    assert "Go on with" not in capsys.readouterr().out
    text = (checkout / "reports" / "own.toml").read_text()
    items = tomllib.loads("\n".join(one[2:] for one in text.split("# [survey.items]\n")[1].splitlines()))
    assert len(items) == 2
    survey = read_survey(folder / "own.csv", {**load_report("own", checkout).survey, "items": items})
    assert survey.responses[list(items)].mean().tolist() == [0.5, 0.5]


@pytest.mark.parametrize("extra", [["--timezone", "Europe/Berlin"], ["--period", "week"]])
@pytest.mark.parametrize("said", [["--survey"], []])
def test_what_has_no_meaning_for_a_survey_is_refused(checkout, capsys, extra, said):
    made.microsoft(checkout / "own.xlsx", made.truth())
    assert run("new", "own", "--from", "own.xlsx", *said, *extra) == 2
    assert (
        f"leave {'out --format, --query and --timezone' if 'Berlin' in extra[1] else '--period out'}"
        in capsys.readouterr().err
    )
    assert not (checkout / "reports" / "own.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "no survey is named; write --set survey_file=FILE"),
        (["--set", "survey_file=nowhere.csv"], "there is no such file"),
        (["--set", "survey_file=own.csv"], 'asked = { Q2 = { Q1 = ["Yes"] } }'),
        (["--set", "survey_file=one.csv"], "one respondent has answered"),
        (["--set", "survey_file=five.csv", "--set", "survey_weight=w"], "weights must be finite and > 0"),
        (["--set", "survey_file=five.csv", "--period", "2026-10"], "has no periods"),
        (["--set", "survey=x"], "[survey] of the report's TOML"),
    ],
)
def test_what_cannot_be_reported_ends_with_2_before_any_kernel(checkout, capsys, monkeypatch, arguments, sentence):
    monkeypatch.setattr(
        "cxresearch.report.run.one_run.execute_notebook", lambda *_, **__: pytest.fail("a notebook was started")
    )
    made.qualtrics(checkout / "own.csv", made.truth())
    made.written(checkout / "one.csv", [["told", "w"], [1, 1]])
    made.written(checkout / "five.csv", [["told", "w"], [1, 1], [0, -1], [1, 1], [0, 1], [1, 2]])
    assert run("report", "survey", "--out", "out", *arguments) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said
    assert not (checkout / "out" / "survey").exists()


def test_a_survey_has_no_periods_to_be_missing(checkout, capsys):
    for command in ("missing", "backfill"):
        assert run(command, "survey", "--from", "2026-01", "--out", "out") == 2
        assert "has no periods" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("period = \"version\"", "period = \"month\""), ""),
        (("period = \"version\"", "period = \"versions\""), "period is one of"),
        (("08-what-our-own-survey-says", "one"), "neither a log nor a period"),
        (("# [survey]\n", "[survey]\nitem = 1\n"), "no key 'item'"),
    ],
)  # fmt: skip
def test_the_toml_of_a_survey_is_checked(checkout, capsys, change, sentence):
    from nbformat import write
    from nbformat.v4 import new_code_cell, new_notebook

    cell = new_code_cell('survey_file: str = ""\nlog: str = ""', metadata={"tags": ["parameters"]})
    write(new_notebook(cells=[cell]), checkout / "notebooks" / "one.ipynb")
    path = checkout / "reports" / "survey.toml"
    path.write_text(path.read_text().replace(*change))
    made.written(checkout / "five.csv", [["told"], [1], [0], [1], [0], [1]])
    if sentence:
        assert run("report", "survey", "--out", "out", "--set", "survey_file=five.csv") == 2
        assert sentence in capsys.readouterr().err
    else:
        assert load_report("survey", checkout).period == "month"


def test_look_at_a_survey_for_a_machine_and_a_table_by_name(checkout, capsys):
    made.limesurvey(checkout / "lime.csv", made.truth())
    assert run("look", "lime.csv", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["format"], found["read"], found["kept"], found["would_run"]) == ("LimeSurvey", 40, 40, True)
    told = next(q for q in found["questions"] if q["name"] == "Q2")
    assert (told["kind"], told["asked"]) == ("several choices", int(made.truth()["problem"].sum()))
    assert found["dropped"]["ipaddr"] == "personal"
    made.written(checkout / "plain.csv", [["told", "age"], [1, "18-34"], [0, "35+"], [1, "35+"], [1, "18-34"]])
    assert run("look", "plain.csv") == 2, "a table is taken for a log unless it is said"
    capsys.readouterr()
    assert run("look", "plain.csv", "--survey") == 0
    said = capsys.readouterr().out
    assert "4 rows read, 4 kept, 0 set aside" in said
    assert 'told = { column = "told" }' in said
    before = sorted(p.name for p in checkout.iterdir())
    assert run("look", "nowhere.csv", "--survey") == 2
    assert sorted(p.name for p in checkout.iterdir()) == before


def test_a_survey_beside_a_log_is_refused_before_a_kernel_too(checkout, capsys, monkeypatch):
    from nbformat import write
    from nbformat.v4 import new_code_cell, new_notebook

    monkeypatch.setattr(
        "cxresearch.report.run.one_run.execute_notebook", lambda *_, **__: pytest.fail("a notebook was started")
    )
    cell = new_code_cell('log: str = ""\nsurvey_file: str = ""\nsurvey: dict = {}', metadata={"tags": ["parameters"]})
    write(new_notebook(cells=[cell]), checkout / "notebooks" / "one.ipynb")
    (checkout / "log.csv").write_text("opened_at,wait_s,outcome\n1999-02-01 08:00,1,answered\n")
    made.google(checkout / "own.csv", made.truth())
    (checkout / "reports" / "both.toml").write_text(
        'title = "Both"\nperiod = "month"\nnotebooks = ["one"]\n[parameters]\nlog = "log.csv"\nsurvey_file = "own.csv"\n'
        f'[survey.items]\nemail = {{ column = "{made.TOLD}", choice = "E-mail" }}\n'
    )
    assert run("report", "both", "--period", "1999-02", "--out", "out") == 2
    assert "asked = " in capsys.readouterr().err
