"""A finished run, as several test files of this folder take it."""

from __future__ import annotations

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from cxresearch.exhibits import POINTS


@pytest.fixture
def finished(tmp_path):
    """A finished run as it stands in the folder of reports."""
    folder = tmp_path / "reports" / "monthly" / "1999-02"
    (folder / "notebooks").mkdir(parents=True)
    (folder / "figures").mkdir()
    (folder / "report.html").write_text("<!doctype html><p>Grüße</p>", encoding="utf-8")
    (folder / "figures" / "01.png").write_bytes(b"\x00\x01PNG")
    points = {"points": [["More people gave up.", "21.9 % <b> of those who queued."]]}
    cell = new_code_cell("x", outputs=[new_output("display_data", data={POINTS: points})], execution_count=1)
    nbformat.write(new_notebook(cells=[cell]), folder / "notebooks" / "05.ipynb")
    write_run(folder)
    return folder


def write_run(folder, **changes):
    run = {"report": "monthly", "title": "Waiting", "period": "1999-02", "period_label": "February 1999"}
    run |= {"status": "complete", "reason": "", "simulated": False, "newest_record": "1999-02-28 23:58:10"} | changes
    (folder / "run.json").write_text(json.dumps(run))
