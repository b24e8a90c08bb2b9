"""The report on the evidence as a whole: by its version, with its main points, and nothing of a log."""

from __future__ import annotations

import json

import nbformat
import pytest

from cxresearch import __main__ as command_line
from cxresearch.exhibits import POINTS

# What is drawn by lot is drawn seldom: the numbers are tested where they are worked out.
SMALL = ["--set", "base_samples=8", "--set", "runs=20"]


@pytest.mark.slow
def test_the_evidence_is_reported_by_version_without_a_log(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CXRESEARCH_CHROMIUM", "")
    monkeypatch.setattr(
        "cxresearch.simulate.default.log_or_default", lambda *_, **__: pytest.fail("a log was asked for")
    )
    order = ["report", "evidence", "--out", str(tmp_path), *SMALL]
    assert command_line.main(order) == 0, capsys.readouterr().err
    (folder,) = (tmp_path / "evidence").iterdir()
    record = json.loads((folder / "run.json").read_text())
    assert (record["status"], record["simulated"], record["newest_record"]) == ("complete", False, None)
    headlines = {h["name"]: h["value"] for h in json.loads((folder / "headlines.json").read_text())}
    assert 0 < headlines["stand_as_told"] < headlines["quoted_numbers"]
    outputs = [
        output for path in sorted((folder / "notebooks").glob("*.ipynb")) for cell in nbformat.read(path, 4).cells
        for output in cell.get("outputs", [])
    ]  # fmt: skip
    points = [point for output in outputs for point in output.get("data", {}).get(POINTS, {}).get("points", [])]
    assert len(points) == 6
    assert (
        points[0][0] == f"Of {headlines['quoted_numbers']} quoted numbers, {headlines['stand_as_told']} stand as told."
    )
    assert [sentence.split(":")[0].rstrip(".") for _, sentence in points] == (
        ["Quoted, not measured here"] * 3 + ["Assumed, not measured"] * 3
    )
    capsys.readouterr()
    assert command_line.main(order) == 0
    assert "is there already" in capsys.readouterr().out
    assert "Evidence" in (tmp_path / "index.html").read_text()
