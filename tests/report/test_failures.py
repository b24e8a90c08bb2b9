"""Everything that goes wrong with reports elsewhere, done here for good: killed, hung, filled, raced. See docs/failures.md."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from cxresearch import __main__ as command_line
from cxresearch.report.archive import publish
from cxresearch.report.run import stop
from cxresearch.report.run.execute import HEADLINE_MIME

TOML = """title = "Small"
period = "month"
notebooks = ["one"]
headlines = ["mark"]
retries = 0
[parameters]
log = "log.csv"
"""
PARAMETERS = 'log: str = ""\nperiod: str = ""\nmark: int = 0'
HEADLINE = f"""from IPython.display import display
headline = {{"name": "mark", "label": "Mark", "value": mark, "lower": mark, "upper": mark, "unit": "contacts"}}
headline |= {{"kind": "estimated", "better": None, "n": 1, "note": "a count", "change": None}}
display({{"{HEADLINE_MIME}": headline, "text/plain": "x"}}, raw=True)"""
# Tells that its cell has begun and which process it is in, then does nothing that ends.
HANG = "import os, time, pathlib\npathlib.Path('kernel.pid').write_text(str(os.getpid()))\ntime.sleep(600)"


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    for name in ("reports", "notebooks"):
        (tmp_path / name).mkdir()
    (tmp_path / "reports" / "small.toml").write_text(TOML)
    write_cells(tmp_path)
    (tmp_path / "log.csv").write_text("opened_at,wait_s,outcome,channel,queue\n1999-02-01 08:00,1,answered,phone,a\n")
    monkeypatch.setattr(command_line, "ROOT", tmp_path)
    monkeypatch.setenv("CXRESEARCH_CHROMIUM", "")  # what the browser sees has tests of its own
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_cells(checkout: Path, *cells: str, parameters: str = PARAMETERS, name: str = "one") -> None:
    tag = {"tags": ["parameters"]}
    code = [new_code_cell(parameters, metadata=tag), *map(new_code_cell, cells), new_code_cell(HEADLINE)]
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    nbformat.write(new_notebook(cells=code, metadata={"kernelspec": kernel}), checkout / "notebooks" / f"{name}.ipynb")


def set_toml(checkout: Path, *lines: str) -> None:
    keys = tuple(line.split("=")[0] for line in lines)
    kept = [old for old in TOML.splitlines() if not old.startswith(keys)]
    (checkout / "reports" / "small.toml").write_text("\n".join([*lines, *kept]))


def run(checkout: Path, *arguments: str, out: Path | None = None) -> int:
    given = ["report", "small", "--period", "1999-02", "--out", str(out or checkout / "out"), *arguments]
    return command_line.main(given)


def start(checkout: Path, *arguments: str, out: Path | None = None) -> subprocess.Popen:
    """The command line in a process of its own, on the small checkout."""
    code = "import sys, pathlib; from cxresearch import __main__ as c; c.ROOT = pathlib.Path.cwd(); sys.exit(c.main())"
    given = ["report", "small", "--period", "1999-02", "--out", str(out or checkout / "out"), *arguments]
    return subprocess.Popen(
        [sys.executable, "-c", code, *given], cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def record(checkout: Path, name: str = "1999-02") -> dict:
    return json.loads((checkout / "out" / "small" / name / "run.json").read_text())


def contents(folder: Path) -> dict[str, str]:
    files = (p for p in folder.rglob("*") if p.is_file() and ".locks" not in p.parts)
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def wait_for(happened, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


# The kernel -----------------------------------------------------------------------------------------------------------


def test_a_killed_kernel_is_tried_again_and_every_attempt_is_told(checkout):
    set_toml(checkout, "retries = 1")
    die_once = "import os, pathlib\nif not pathlib.Path('died').exists():\n    pathlib.Path('died').touch(); os.kill(os.getpid(), 9)"
    write_cells(checkout, die_once)
    assert run(checkout, "--set", "mark=7") == 0
    (notebook,) = record(checkout)["notebooks"]
    first, second = notebook["attempts"]
    assert (first["cause"], first["cells"]) == ("kernel died", 4)
    assert first["executed"] < 4
    assert "was not executed: DeadKernelError" in first["error"]
    assert (second["cause"], second["executed"], second["error"]) == ("", 4, "")
    assert (notebook["executed"], notebook["error"], notebook["exit_code"]) == (4, "", 0)


def test_a_kernel_that_dies_every_time_fails_the_run_and_the_index_lists_it(checkout, capsys):
    write_cells(checkout, "import os; os.kill(os.getpid(), 9)")
    assert run(checkout) == 1
    failed = record(checkout, "1999-02.failed")
    assert failed["status"] == "failed"
    assert failed["notebooks"][0]["executed"] < failed["notebooks"][0]["cells"]
    assert not (checkout / "out" / "small" / "1999-02").exists(), "nothing was published before, and nothing is now"
    index = (checkout / "out" / "index.html").read_text()
    assert "February 1999" in index
    assert "failed" in index.lower()
    assert "report.html" not in index


@pytest.mark.parametrize(
    "cell",
    [
        "raise TimeoutError",
        *(
            pytest.param(cell, marks=pytest.mark.slow)
            for cell in ("assert 1 == 2", "raise OSError('no network')", "import sys; sys.exit()")
        ),
    ],
)
def test_what_a_cell_raises_is_never_tried_again(checkout, cell):
    set_toml(checkout, "retries = 3")
    write_cells(checkout, cell)
    assert run(checkout) == 1
    (notebook,) = record(checkout, "1999-02.failed")["notebooks"]
    assert [a["cause"] for a in notebook["attempts"]] == ["cell"]


def test_a_cell_that_hangs_is_ended_by_its_timeout(checkout):
    set_toml(checkout, "cell_timeout_s = 1")
    write_cells(checkout, HANG)
    assert run(checkout) == 1
    (notebook,) = record(checkout, "1999-02.failed")["notebooks"]
    assert [a["cause"] for a in notebook["attempts"]] == ["time-out"]
    assert "timed out" in notebook["error"]
    assert not psutil.pid_exists(int((checkout / "kernel.pid").read_text()))


@pytest.mark.slow
def test_a_run_that_hangs_is_ended_by_the_clock_of_the_whole_run_also_between_retries(checkout):
    set_toml(checkout, "run_timeout_s = 9", "retries = 5")
    write_cells(checkout, HANG)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)}
    assert run(checkout) == 1
    failed = record(checkout, "1999-02.failed")
    assert failed["reason"].startswith("the whole run took longer than run_timeout_s = 9 s")
    (notebook,) = failed["notebooks"]
    assert [a["cause"] for a in notebook["attempts"]] == ["run ended"]
    assert notebook["executed"] < notebook["cells"]
    assert before == {number: signal.getsignal(number) for number in before}, "what was set before is set again"
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


# The process ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow)]
)
def test_a_signal_ends_the_kernel_and_leaves_nothing_visible(checkout, number, code):
    assert run(checkout) == 0
    before = contents(checkout / "out")
    write_cells(checkout, HANG)
    # Two periods: the second must not be begun.
    process = start(checkout, "--period", "1999-01")
    wait_for((checkout / "kernel.pid").exists)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code, errors
    assert f"ended by {number.name}" in errors
    assert contents(checkout / "out") == before
    assert list((checkout / "out" / publish.BUILDING).iterdir()) == []
    wait_for(lambda: not psutil.pid_exists(int((checkout / "kernel.pid").read_text())), 10)


@pytest.mark.slow
def test_a_killed_run_takes_its_kernel_with_it_and_the_next_run_clears_up(checkout):
    write_cells(checkout, HANG.replace("time.sleep(600)", "while True: pass"))
    process = start(checkout)
    wait_for((checkout / "kernel.pid").exists)
    process.kill()
    process.communicate()
    wait_for(lambda: not psutil.pid_exists(int((checkout / "kernel.pid").read_text())), 10)
    assert len(list((checkout / "out" / publish.BUILDING).iterdir())) == 1
    assert not (checkout / "out" / "small").exists()
    write_cells(checkout)
    assert run(checkout) == 0
    assert list((checkout / "out" / publish.BUILDING).iterdir()) == []


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path, root):
    trials = [sys.executable, str(root / "benchmarks" / "kill.py"), "--trials", "12", "--out", str(tmp_path)]
    done = subprocess.run(trials, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "kill.json").read_text())
    assert results["problems"] == []
    assert results["killed"] >= 12


def test_a_signal_waits_while_the_report_takes_its_place():
    seen = []

    def put_in_place():
        with stop.guarded() as guard, guard.whole():
            os.kill(os.getpid(), signal.SIGTERM)
            seen.append("whole")

    with pytest.raises(stop.Ended, match="SIGTERM") as caught:
        put_in_place()
    assert seen == ["whole"]
    assert caught.value.exit_code == 143


def test_a_signal_that_lands_where_exceptions_are_swallowed_is_not_lost():
    def put_in_place():
        with stop.guarded() as guard:
            with contextlib.suppress(BaseException):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(1)
            with guard.whole():
                pytest.fail("nothing is put in place after a signal")

    with pytest.raises(stop.Ended, match="SIGINT"):
        put_in_place()


def test_two_runs_at_once_one_report_and_one_refusal(checkout):
    write_cells(checkout, "import time; time.sleep(3)")
    two = [start(checkout, "--set", f"mark={mark}") for mark in (1, 2)]
    errors = [process.communicate(timeout=120)[1] for process in two]
    codes = [process.returncode for process in two]
    assert sorted(codes) == [0, 75], errors
    assert "already under way" in errors[codes.index(75)]
    assert record(checkout)["parameters"]["mark"] == codes.index(0) + 1
    assert f">{codes.index(0) + 1}" in (checkout / "out" / "small" / "1999-02" / "report.html").read_text()


# The disk -------------------------------------------------------------------------------------------------------------


def test_a_full_disk_leaves_the_good_report_as_it_was(checkout):
    out = checkout / "disk"
    out.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(out)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a small disk of its own can only be made by root with the right to mount")
    try:
        assert run(checkout, out=out) == 0
        before = contents(out)
        pages = [-(-p.stat().st_size // 4096) for p in (out / "small" / "1999-02").rglob("*") if p.is_file()]
        for share in (0, 0.3, 0.7):
            # From nothing at all to room for all files but the last, in pages of 4 kB.
            room = os.statvfs(out)
            (out / "filler").write_bytes(b"\0" * (room.f_bavail * room.f_bsize - 4096 * int(share * sum(pages))))
            assert run(checkout, "--set", "mark=2", out=out) == 1
            (out / "filler").unlink()
            after = contents(out)
            index = (out / "index.html").read_bytes()
            kept = {n: h for n, h in after.items() if not n.startswith("small/1999-02.failed/") and n != "index.html"}
            assert kept == {n: h for n, h in before.items() if n != "index.html"}
            assert index.rstrip().endswith(b"</html>")
            assert list((out / publish.BUILDING).iterdir()) == []
        assert run(checkout, "--set", "mark=2", out=out) == 0
        assert not (out / "small" / "1999-02.failed").exists()
    finally:
        subprocess.run(["umount", "-l", str(out)], check=True)


def test_a_file_that_cannot_grow_leaves_the_good_report_as_it_was(checkout, capsys):
    # As a quota does; needs no right to mount.
    assert run(checkout) == 0
    before = contents(checkout / "out" / "small" / "1999-02")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, limits[1]))
    try:
        assert run(checkout, "--set", "mark=2") == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert contents(checkout / "out" / "small" / "1999-02") == before
    assert "File too large" in capsys.readouterr().err
    assert (checkout / "out" / "index.html").read_text().rstrip().endswith("</html>")


# What is given --------------------------------------------------------------------------------------------------------

TYPED = (
    'log: str = ""\nperiod: str = ""\nmark: int = 3\nflag: bool = True\ncode: str = "x"\nmaybe: None | str = None\n'
    'odd: str = "a = b # c"\nday: "date" = "1999-02-01"'
)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("marc=1", "did you mean 'mark'"),
        ("mark=many", "mark should be int; got 'many'"),
        ("mark=007", "mark should be int; got '007'"),
        ("mark=null", "mark should be int; got 'null'"),
        ("flag=no", "flag should be bool; got 'no'"),
        ("day=1999-02-30", "day should be date"),
        ("mark=11", "mark should be from 0 to 10; got 11"),
        ("import os; os.system('touch harm')#=1", "cannot be the name of a parameter"),
        ("code=postgresql://reader:hunter2@db/logs", "looks like a secret"),
        ("code=\udcff", "is not text in UTF-8"),
    ],
)
def test_a_parameter_that_cannot_be_right_ends_with_2_before_any_kernel(
    checkout, capsys, monkeypatch, setting, message
):
    write_cells(checkout, parameters=TYPED)
    set_toml(checkout, "retries = 0")
    toml = checkout / "reports" / "small.toml"
    toml.write_text(toml.read_text() + "\n[ranges]\nmark = [0, 10]\n")
    monkeypatch.setattr(
        "cxresearch.report.run.one_run.execute_notebook", lambda *_, **__: pytest.fail("a notebook was started")
    )
    assert run(checkout, "--set", setting) == 2
    assert message in capsys.readouterr().err
    assert not (checkout / "out").exists()
    assert not (checkout / "harm").exists()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (PARAMETERS + "\nlater: int = mark + 1", "default of later is no literal"),
        (PARAMETERS + '\ndb_password: str = ""', "db_password looks like a secret"),
    ],
)
def test_a_parameters_cell_that_would_mislead_ends_with_2(checkout, capsys, parameters, message):
    write_cells(checkout, parameters=parameters)
    assert run(checkout) == 2
    assert message in capsys.readouterr().err


def test_values_arrive_as_they_were_meant_and_the_source_stays(checkout):
    write_cells(
        checkout, 'print("before \\ud800 after")', "print(repr([flag, code, maybe, odd, day]))", parameters=TYPED
    )
    sources = contents(checkout / "notebooks")
    settings = ("flag=false", "code=007", "maybe=null")
    # The output folder is the checkout itself: the worst that can be meant by output = input.
    assert run(checkout, *(part for s in settings for part in ("--set", s)), out=checkout) == 0
    executed = nbformat.read(checkout / "small" / "1999-02" / "notebooks" / "one.ipynb", 4)
    printed = "".join(o.text for c in executed.cells for o in c.get("outputs", []) if o.output_type == "stream")
    assert "before \\ud800 after" in printed, "half a character does not take the text with it"
    assert "[False, '007', None, 'a = b # c', '1999-02-01']" in printed
    assert contents(checkout / "notebooks") == sources
