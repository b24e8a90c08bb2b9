"""Every command of docs/first-report.md, run as it stands there: in a copy of the checkout, by somebody who has nothing yet."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCKS = re.findall(
    r"^```sh\n(.*?)^```", (ROOT / "docs/first-report.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)
EXPORT, LOOK, NEW, REPORT = BLOCKS


def run(block, checkout):
    # Only what a shell needs: no setting of whoever runs the tests, and a home where nothing stands.
    environment = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    environment |= {"HOME": str(checkout.parent / "home"), "PYTHONPATH": str(checkout)}
    return subprocess.run(
        ["bash", "-c", block], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )


def copied(place: Path) -> Path:
    """The package copied into a folder of ``place``, so that its root is there; of what is only read the files are linked; the
    two commands of an environment."""
    (place / "home").mkdir()
    folder = place / "cxresearch"
    shutil.copytree(ROOT / "cxresearch", folder / "cxresearch", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("reports", "notebooks"):
        (folder / name).mkdir()
    for path in (*(ROOT / "reports").glob("*.toml"), *(ROOT / "notebooks").glob("*.ipynb"), ROOT / "data"):
        (folder / path.relative_to(ROOT)).symlink_to(path)
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, words in (("python", ""), ("cxresearch", " -m cxresearch")):
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)}{words} "$@"\n')
        (programs / name).chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    folder = copied(tmp_path_factory.mktemp("first"))
    done = run(EXPORT, folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def looked(checkout):
    return run(LOOK, checkout)


def test_look_ends_with_2_and_the_lines_of_step_4(looked):
    assert looked.returncode == 2, looked.stderr
    command = shlex.split(looked.stdout.split("\nThen: ")[1])
    page = shlex.split(NEW)
    assert command[:2] == ["cxresearch", "new"]
    assert command[-1].split("\n") == page[-1].split("\n"), "the lines that look prints are those of the page"
    assert all(line in looked.stdout.split("\nThen: ")[0] for line in page[-1].strip().splitlines())


@pytest.fixture(scope="module")
def written(checkout, looked):
    return run(NEW, checkout)


def test_step_4_writes_the_report(checkout, written):
    assert written.returncode == 0, written.stdout
    assert "4,036 rows read, 4,036 kept, 0 set aside" in written.stdout
    assert "cxresearch report calls" in written.stdout
    assert (checkout / "reports" / "calls.toml").is_file()
    assert not (ROOT / "reports" / "calls.toml").exists()


@pytest.mark.slow
def test_step_5_makes_the_report(checkout, written):
    done = run(REPORT, checkout)
    assert done.returncode == 0, done.stderr
    target = checkout / "reports" / "build" / "calls" / "2026-W42"
    assert (target / "report.html").is_file()
    record = json.loads((target / "run.json").read_text())
    assert (record["status"], record["simulated"]) == ("complete", True)
    counts = record["counts"]
    assert f"{counts['read']:,} rows read, {counts['kept']:,} kept" in done.stdout
