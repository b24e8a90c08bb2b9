"""Many periods by many processes: each on its own, the same as one after another."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from cxresearch import __main__ as command_line
from tests.report.test_failures import HANG, contents, wait_for, write_cells

MONTHS = [f"1999-{n:02d}" for n in range(1, 5)]
# The mark is the month; March ends its whole worker, April's section fails.
CELLS = (
    "import os, psutil\nmark = int(period[-2:])\n"
    "if mark == 3:\n    psutil.Process().parent().kill()\nassert mark != 4, 'no April'"
)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRESEARCH_CHROMIUM", "")  # what the browser sees has tests of its own
    for name in ("reports", "notebooks"):
        (tmp_path / name).mkdir()
    (tmp_path / "reports" / "small.toml").write_text(
        'title = "Small"\nperiod = "month"\nnotebooks = ["one"]\nheadlines = ["mark"]\n[parameters]\nlog = "log.csv"\n'
    )
    rows = "".join(f"{month}-0{day} 08:00,{day},answered,phone,a\n" for month in MONTHS for day in (1, 2))
    (tmp_path / "log.csv").write_text("opened_at,wait_s,outcome,channel,queue\n" + rows)
    return tmp_path


def command(checkout: Path, *words: str) -> list[str]:
    code = "import sys, pathlib; from cxresearch import __main__ as c; c.ROOT = pathlib.Path.cwd(); sys.exit(c.main())"
    return [sys.executable, "-c", code, *words, "--out", str(checkout / "out")]


@pytest.fixture
def told(checkout, monkeypatch, capsys):
    monkeypatch.setattr(command_line, "ROOT", checkout)
    monkeypatch.chdir(checkout)

    def run(*words: str) -> tuple[int, str]:
        code = command_line.main([*words, "--out", str(checkout / "out")])
        return code, capsys.readouterr().out

    return run


def kept(checkout: Path, month: str) -> tuple[list, list]:
    folder = checkout / "out" / "small" / month
    return tuple(json.loads((folder / f"{name}.json").read_text()) for name in ("headlines", "forecast"))


@pytest.mark.slow
def test_what_happens_to_one_period_happens_to_it_alone(checkout, told):
    write_cells(checkout, CELLS)
    wanted = ("small", "--from", MONTHS[0], "--to", MONTHS[-1])
    code, said = told("backfill", *wanted)
    assert code == 1
    assert "2 complete: 1999-01, 1999-02" in said
    assert "2 FAILED: 1999-03, 1999-04" in said
    assert told("missing", *wanted) == (
        1, "small 1999-03: never made\nsmall 1999-04: failed: one: cell 3 of 4 raised AssertionError: no April\n",
    )  # fmt: skip
    stood = contents(checkout / "out" / "small" / "1999-01")
    write_cells(checkout, CELLS.split("\nif")[0])
    assert told("backfill", *wanted) == (0, "2 complete: 1999-03, 1999-04\n")
    assert contents(checkout / "out" / "small" / "1999-01") == stood, "what stands is left alone"
    assert told("missing", *wanted) == (0, "")
    assert "nothing is missing" in told("backfill", *wanted)[1]
    many = kept(checkout, MONTHS[-1])
    (forecast,) = many[1]
    assert (forecast["value"], forecast["periods"]) == (4.0, 4)
    # One period on its own says the same.
    assert told("report", "small", "--period", MONTHS[-1])[0] == 0
    assert kept(checkout, MONTHS[-1]) == many


@pytest.mark.slow
def test_a_signal_ends_every_worker_and_kernel(checkout):
    write_cells(checkout, HANG.replace("'kernel.pid'", "f'{period}.pid'"))
    process = subprocess.Popen(
        command(checkout, "backfill", "small", "--from", MONTHS[0], "--to", MONTHS[-1]),
        cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for(lambda: list(checkout.glob("*.pid")), 120)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 143, errors
    wait_for(lambda: not any(c.is_running() and c.status() != psutil.STATUS_ZOMBIE for c in children), 10)
    assert not (checkout / "out" / "small").exists()
