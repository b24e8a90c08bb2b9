"""Every command of docs/own-section.md, run as it stands there, in a copy of the checkout."""

from __future__ import annotations

import json
import re

import nbformat
import pytest

from cxresearch.report.run.notebooks import cell_options, read_notebook
from cxresearch.report.run.parameters import load_report
from tests.test_first_report import ROOT, copied, run

PAGE = (ROOT / "docs/own-section.md").read_text(encoding="utf-8")
WRITE, NAME, REPORT = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    folder = copied(tmp_path_factory.mktemp("own"))
    for block in (WRITE, NAME):
        done = run(block, folder)
        assert done.returncode == 0, done.stderr
    return folder


def test_steps_1_and_2_make_a_report_with_its_parameters(checkout):
    report = load_report("ours", checkout)
    assert [path.stem for path in report.notebooks] == ["which-queue"]
    assert report.parameters == {"few": 50}
    cells = read_notebook(report.notebooks[0]).cells
    assert [sorted(cell_options(cell.source)) for cell in cells[3:5]] == [["tbl-cap"], ["fig-alt", "fig-cap"]]


def test_git_leaves_own_notebooks_alone_and_keeps_ours():
    lines = (ROOT / ".gitignore").read_text().splitlines()
    assert lines.index("notebooks/*.ipynb") < lines.index("!notebooks/[0-9]*.ipynb")


@pytest.mark.slow
def test_step_3_makes_a_page_that_shows_every_output(checkout):
    done = run(REPORT, checkout)
    assert done.returncode == 0, done.stderr
    folder = checkout / "reports" / "build" / "ours" / "2026-10"
    record = json.loads((folder / "run.json").read_text())
    assert record["parameters"]["few"] == 10
    assert (record["outputs"]["not_shown"], record["outputs"]["noted"]) == ([], [])
    outputs = [
        o for c in nbformat.read(folder / "notebooks" / "which-queue.ipynb", 4).cells for o in c.get("outputs", [])
    ]
    assert record["outputs"]["shown"] == len(outputs) == 3
    page = (folder / "report.html").read_text()
    for said in (
        "Which queue needs us?",
        "Contacts by queue",
        'alt="Bars of contacts by queue;',
        "Half would hang up within",
    ):
        assert said in page
