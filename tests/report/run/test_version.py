"""A report that reads no log: its folder is the version of what it is made from, and it is made again only where that changed."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from cxresearch import __main__ as command_line
from cxresearch.report.archive import history
from cxresearch.report.run.parameters import ParameterError, load_report
from cxresearch.report.run.survey_run import read_version
from cxresearch.report.run.version import stands
from tests.report.run.test_one_run import RECORD, checkout, published, run, write_notebook  # noqa: F401

PARAMETERS = 'assumptions_file: str = ""\nsurvey_file: str = ""\nsurvey: dict = {}\nruns: int = 9'


@pytest.fixture
def evidence(checkout):  # noqa: F811
    """A small report on the evidence beside the small one of a log."""
    (checkout / "register.csv").write_text("claim\n1\n2\n")
    (checkout / "reports" / "evidence.toml").write_text(
        'title = "Evidence"\nperiod = "version"\nnotebooks = ["three"]\nheadlines = ["contacts"]\ninputs = ["register.csv"]\n'
    )
    write_notebook(checkout / "notebooks" / "three.ipynb", RECORD, parameters=PARAMETERS)
    os.utime(checkout / "register.csv", (1_000_036_800, 1_000_036_800))
    return checkout


def name(checkout, **settings):  # noqa: F811
    return read_version(load_report("evidence", checkout), settings, checkout / "out").name


def test_a_version_is_the_bytes_of_its_files_and_what_is_set_and_keeps_its_name(evidence):
    first = name(evidence)
    assert first.startswith("2001-09-09-")
    assert len(first) == len("2001-09-09-") + 8
    assert name(evidence, runs=9) == first, "what is set as the notebooks have it is not set"
    own = evidence / "own.csv"
    own.write_text("name\na\n")
    digests = {
        name(evidence, **s)[11:] for s in ({}, {"runs": 8}, {"assumptions_file": str(own)}, {"survey_file": str(own)})
    }
    assert len(digests) == 4
    shutil.copy(own, evidence / "moved.csv")
    same = (name(evidence, assumptions_file=str(one))[11:] for one in (own, evidence / "moved.csv"))
    assert len(set(same)) == 1, "the same bytes in another place"
    (evidence / "out" / "evidence" / first).mkdir(parents=True)
    os.utime(evidence / "register.csv", (1_500_036_800, 1_500_036_800))
    assert name(evidence) == first
    (evidence / "register.csv").write_text("claim\n1\n3\n")
    assert name(evidence)[11:] not in digests


def test_a_file_that_is_not_there_is_named(evidence):
    with pytest.raises(ParameterError, match=r"evidence: no such file: assumptions_file: nowhere\.csv"):
        name(evidence, assumptions_file="nowhere.csv")


def test_a_version_that_stands_is_not_made_again_and_a_month_links_to_it(evidence, capsys, monkeypatch):
    order = ["report", "evidence", "--out", str(evidence / "out")]
    assert command_line.main(order) == 0
    assert "no log is read" in capsys.readouterr().out
    (folder,) = (evidence / "out" / "evidence").iterdir()
    record = json.loads((folder / "run.json").read_text())
    assert (record["status"], record["counts"], record["period_label"]) == (
        "complete",
        {},
        "version of 9 September 2001",
    )
    assert [entry["path"] for entry in record["inputs"]] == ["register.csv"]
    assert "log" not in record["parameters"]
    assert "evidence" not in record, "it is not evidence for itself"
    with monkeypatch.context() as patch:
        patch.setattr("cxresearch.report.job.make_report", lambda *_: pytest.fail("it is there already"))
        assert command_line.main(order) == 0
        said = capsys.readouterr().out
    assert f"evidence {folder.name}: is there already" in said
    assert command_line.main([*order, "--period", "1999-02"]) == 2
    assert "report evidence has no periods" in capsys.readouterr().err

    assert run(evidence, "--set", f"log={evidence / 'log.csv'}") == 0
    link = {
        "label": "version of 9 September 2001",
        "version": folder.name,
        "href": f"../../evidence/{folder.name}/report.html",
    }
    assert published(evidence)["evidence"] == link
    page = evidence / "out" / "small" / "1999-02" / "report.html"
    assert f'<a href="{link["href"]}">version of 9 September 2001 ({folder.name})</a>' in page.read_text()
    assert (page.parent / link["href"]).is_file()


def test_only_a_whole_report_stands(tmp_path):
    folder = tmp_path / "evidence" / "2001-09-09-0123abcd"
    folder.mkdir(parents=True)
    assert not stands(folder)
    run = {
        "report": "evidence", "title": "T", "period": folder.name, "period_label": "L", "simulated": False, "parameters": {},
        "inputs": [], "versions": {}, "finished_utc": "2001-09-09T00:00:00Z",
    }  # fmt: skip
    complete, partial = (json.dumps({**run, "status": status}) for status in ("complete", "partial"))
    for text, page, whole in (
        (complete, True, True), (complete, False, False), (partial, True, False), ("{", True, False), ("[]", True, False),
        ('{"status": "complete"}', True, False), (complete.replace("evidence", "monthly"), True, False),
    ):  # fmt: skip
        (folder / "run.json").write_text(text)
        (folder / "report.html").write_text("") if page else (folder / "report.html").unlink(missing_ok=True)
        assert stands(folder) is whole


def test_the_newest_evidence_is_the_one_made_last_and_whole():
    run = {"report": "evidence", "status": "complete", "period_label": "L"}
    runs = [
        {**run, "period": "a", "href": "evidence/a/report.html", "finished_utc": "2026-01-02"},
        {**run, "period": "b", "href": "evidence/b/report.html", "finished_utc": "2026-01-01"},
        {**run, "period": "c", "href": None, "status": "failed", "finished_utc": "2026-01-03"},
        {**run, "period": "d", "href": "evidence/d/report.html", "status": "partial", "finished_utc": "2026-01-04"},
        {**run, "report": "survey", "period": "e", "href": "survey/e/report.html", "finished_utc": "2026-01-05"},
    ]
    assert history.standing_evidence(runs) == {"label": "L", "version": "a", "href": "../../evidence/a/report.html"}
    assert history.standing_evidence(runs[2:]) is None
