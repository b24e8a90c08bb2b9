"""Every file of deploy/ is what the tool that reads it expects, and its commands are commands of this package."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
import types

import pytest
import yaml

from cxresearch import __main__ as command_line


@pytest.fixture
def deploy(root):
    return root / "deploy"


def test_every_command_is_understood(deploy, monkeypatch):
    """Each line that calls cxresearch is parsed by the command line itself, which stops where the work begins."""
    seen = []
    for name in ("_report", "_missing", "_backfill", "_diff"):
        monkeypatch.setattr(command_line, name, lambda given, *_: seen.append(given.command) or 0)
    found = []
    for path in deploy.iterdir():
        text = (
            path.read_text()
            .replace("$CXR", "cxresearch")
            .replace("{{ data_interval_start.strftime('%Y-%m') }}", "1999-02")
        )
        text = text.replace('"\n    " ', " ").replace('${PERIOD:+--period "$PERIOD"}', "")
        found += re.findall(r"cxresearch ((?:report|missing|backfill|diff) monthly[^\n\"`>]*)", text)
    for words in found:
        assert command_line.main(words.split()) == 0, words
    assert len(found) >= 5
    assert set(seen) == {"report", "missing"}


def test_the_crontab_has_five_times_and_a_command(deploy):
    lines = [x for x in (deploy / "crontab").read_text().splitlines() if x and not re.match(r"#|[A-Z]+=", x)]
    for line in lines:
        *times, command = line.split(maxsplit=5)
        assert len(times) == 5
        for time, low, high in zip(times, (0, 0, 1, 1, 0), (59, 23, 31, 12, 7), strict=True):
            assert time == "*" or low <= int(time) <= high
        assert "%" not in command, "cron takes a percent sign for the end of the line"
    assert len(lines) == 2


def test_systemd_accepts_the_units(deploy, tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    for name in ("cxresearch-report.service", "cxresearch-report.timer"):
        # The program and its user are not on this machine.
        text = (deploy / name).read_text().replace("/opt/cxresearch/.venv/bin/cxresearch", sys.executable)
        (tmp_path / name).write_text(text.replace("User=reports\n", ""))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, tmp_path.iterdir())], capture_output=True, text=True
    )
    complaints = [x for x in done.stderr.splitlines() if "cxresearch-report" in x]
    assert complaints == []
    done = subprocess.run(
        ["systemd-analyze", "calendar", "--iterations=1", "*-*-01 05:15:00"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_workflow_is_yaml_with_pinned_steps(deploy):
    workflow = yaml.safe_load((deploy / "github-actions.yml").read_text())
    steps = workflow["jobs"]["report"]["steps"]
    assert all(("uses" in step) != ("run" in step) for step in steps)
    assert all(re.search(r"@v\d+$", step["uses"]) for step in steps if "uses" in step)
    # YAML reads the key `on` as true.
    assert workflow[True]["schedule"] == [{"cron": "15 5 1 * *"}]


def test_the_airflow_file_defines_one_task(deploy, monkeypatch):
    """With the two names it imports put in place: Airflow itself is no dependency of the tests."""
    made = []

    class Dag:
        def __init__(self, **given):
            made.append(given)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return False

    monkeypatch.setitem(sys.modules, "airflow", types.SimpleNamespace(DAG=Dag))
    monkeypatch.setitem(sys.modules, "airflow.operators", types.SimpleNamespace())
    bash = types.SimpleNamespace(BashOperator=lambda **given: made.append(given))
    monkeypatch.setitem(sys.modules, "airflow.operators.bash", bash)
    runpy.run_path(str(deploy / "airflow_dag.py"))
    dag, task = made
    assert dag["dag_id"] == "cxresearch_monthly"
    assert task["skip_on_exit_code"] == 75


def test_the_dask_file_says_the_worst_exit_code(deploy, monkeypatch, capsys):
    class Client:
        def __init__(self, scheduler):
            self.scheduler = scheduler

        __enter__ = lambda self: self  # noqa: E731
        __exit__ = lambda self, *_: False  # noqa: E731

        def map(self, function, *lists, **_):
            return list(map(function, *lists))

        def gather(self, found):
            return found

    monkeypatch.setitem(sys.modules, "dask", types.SimpleNamespace())
    monkeypatch.setitem(sys.modules, "dask.distributed", types.SimpleNamespace(Client=Client))
    monkeypatch.setattr(sys, "argv", ["x", "tcp://somewhere:8786", "monthly", "1999-01", "1999-02"])
    monkeypatch.setattr(
        subprocess, "run", lambda command, check: types.SimpleNamespace(returncode=int("1999-02" in command))
    )
    script = runpy.run_path(str(deploy / "dask_backfill.py"))
    assert script["main"]() == 1
    assert "monthly 1999-02: exit 1" in capsys.readouterr().out
