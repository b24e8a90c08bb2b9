"""Kill a run at random moments, and look at what stands: python benchmarks/kill.py --trials 200

Each trial makes a report with another number in it and ends the process (SIGKILL) at a random moment: half of the
moments are anywhere in the run, half within the last steps, where the report and the index take their places. Then:

- the folder of the report is byte for byte the old one, or the new one with everything that belongs to it;
- the index is whole, its links lead somewhere, and it is the index of what stood before or of what stands now;
- within 10 seconds no kernel of the run is left;
- by then nobody holds the lock of the run, and nothing of the killed run is visible.

Every tenth run is left alone and must end well, over whatever the killed ones left. Results go to
benchmarks/results/kill.json and kill.md, or with --out to a folder.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import platform
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from datetime import date
from importlib.metadata import version
from pathlib import Path

import nbformat
import psutil
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cxresearch.contacts import parse_period
from cxresearch.report import job
from cxresearch.report.archive import publish
from cxresearch.report.archive.exact import digests_of, exact_folder
from cxresearch.report.run import one_run as run
from cxresearch.report.run.execute import HEADLINE_MIME, import_papermill
from cxresearch.report.run.parameters import load_report
from cxresearch.report.run.stop import guarded

PERIOD = parse_period("1999-02")
HEADLINE = f"""from IPython.display import display
headline = {{"name": "mark", "label": "Mark", "value": mark, "lower": mark, "upper": mark, "unit": "contacts"}}
headline |= {{"kind": "estimated", "better": None, "n": 1, "note": "a count", "change": None}}
display({{"{HEADLINE_MIME}": headline, "text/plain": "x"}}, raw=True)"""


def make_checkout(folder: Path) -> Path:
    """A report of two small notebooks and a log of three contacts."""
    for name in ("reports", "notebooks"):
        (folder / name).mkdir(parents=True)
    (folder / "reports" / "small.toml").write_text(
        'title = "Small"\nperiod = "month"\nnotebooks = ["one", "two"]\nheadlines = ["mark"]\n'
    )
    tag = {"tags": ["parameters"]}
    for name, *cells in (("one", HEADLINE), ("two", "total = 0", "for i in range(10**6):\n    total += i", "total")):
        parameters = 'log: str = ""\nperiod: str = ""\nmark: int = 0'
        code = [new_markdown_cell(f"# {name}"), new_code_cell(parameters, metadata=tag), *map(new_code_cell, cells)]
        kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
        nbformat.write(
            new_notebook(cells=code, metadata={"kernelspec": kernel}), folder / "notebooks" / f"{name}.ipynb"
        )
    return folder


def write_log(root: Path, mark: int) -> None:
    """A log whose first wait is the mark: the counts that are kept of it are another run's than any other's."""
    rows = f"opened_at,wait_s,outcome,channel,queue\n1999-02-01 08:00,{mark},answered,phone,a\n"
    (root / "log.csv").write_text(rows + "1999-02-02 09:00,2,abandoned,phone,a\n1999-02-03 10:00,3,answered,phone,a\n")


def one_run(root: Path, out: Path, mark: int) -> int:
    write_log(root, mark)
    with guarded() as guard:
        report = load_report("small", root)
        order = run.Order(report, PERIOD, {"mark": mark}, log=str(root / "log.csv"), out=out, root=root)
        return job.make_report(order, guard)


def start(root: Path, out: Path, mark: int) -> int:
    """A run in a process of its own. Forked: what is timed is the run, not the imports, in which nothing happens."""
    child = os.fork()
    if child == 0:
        os.setsid()
        code = 70
        try:
            with open(os.devnull, "w") as nowhere:
                os.dup2(nowhere.fileno(), 1)
                os.dup2(nowhere.fileno(), 2)
            code = one_run(root, out, mark)
        finally:
            os._exit(code)
    return child


def contents(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def has_its_tables(folder: Path) -> bool:
    """Whether the exact tables stand that the run.json of a report names."""
    record = json.loads((folder / "run.json").read_text())
    kept = digests_of(exact_folder(folder.parents[1], folder.parent.name, folder.name, record))
    return sorted(kept) == ["cells.parquet", "period.json"] and kept == record["exact"]


def is_whole(folder: Path, mark: int) -> bool:
    """Whether the report of that mark stands with all that belongs to it."""
    record = json.loads((folder / "run.json").read_text())
    (headline,) = json.loads((folder / "headlines.json").read_text())
    page = (folder / "report.html").read_text()
    for name in ("one", "two"):
        nbformat.validate(nbformat.read(folder / "notebooks" / f"{name}.ipynb", 4))
    expected = {"report.html", "brief.html", "run.json", "headlines.json", "forecast.json", "notebooks/one.ipynb",
                "notebooks/two.ipynb"}  # fmt: skip
    return (
        set(contents(folder)) == expected and has_its_tables(folder) and record["status"] == "complete" and record["parameters"]["mark"] == mark
        and headline["value"] == mark and page.rstrip().endswith("</html>") and f"{mark:,}" in page
    )  # fmt: skip


def are_free(out: Path) -> bool:
    with run.run_lock(out / ".locks" / f"small-{PERIOD.name}") as one, run.run_lock(out / ".locks" / "index") as other:
        return one and other


def due_index(out: Path) -> bytes:
    return job.index_page(out, load_report("small", out.parent / "checkout")).encode()


def links_stand(out: Path, index: str) -> bool:
    links = re.findall(r'href="([^"#:]+)"', index)
    return index.rstrip().endswith("</html>") and bool(links) and all((out / link).is_file() for link in links)


def kernels_left(child: int) -> list[int]:
    """Kernels of the run that was ``child``, and what they are forked from."""
    left = []
    for process in psutil.process_iter(["cmdline", "status"]):
        command = process.info["cmdline"] or []
        at = (
            command.index("cxresearch.report.run.warm_start") + 1
            if "cxresearch.report.run.warm_start" in command
            else 0
        )
        if at and command[at] == str(child) and process.info["status"] != psutil.STATUS_ZOMBIE:
            left.append(process.pid)
    return left


def trial(root: Path, out: Path, mark: int, chance: random.Random, whole_s: float) -> dict:
    target, index = out / "small" / PERIOD.name, out / "index.html"
    # An index that is one run behind is made anew when the next run starts.
    before, before_index = contents(target), (index.read_bytes(), due_index(out))
    begun = time.monotonic()
    child = start(root, out, mark)
    aimed = chance.random() < 0.5
    if aimed:
        # The last steps begin when run.json is written and take some milliseconds; half of the waits are below two.
        wait_s = chance.uniform(0, 0.12**0.5) ** 2 / 8
        built = out / publish.BUILDING
        while (
            not any((folder / "run.json").exists() for folder in built.iterdir())
            and os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        ):
            time.sleep(0.0002)
    else:
        wait_s = chance.uniform(0, 0.95 * whole_s)
    time.sleep(wait_s)
    alive_s = time.monotonic() - begun
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status)
    ended = time.monotonic()
    while (left := kernels_left(child)) and time.monotonic() - ended < 10:
        time.sleep(0.02)
    gone_s = time.monotonic() - ended
    # A program that was being started at that moment holds the lock until it runs: a fork has what its parent had.
    while not (locks_free := are_free(out)) and time.monotonic() - ended < 10:
        time.sleep(0.02)
    free_s = time.monotonic() - ended
    after = contents(target)
    old, new = after == before and has_its_tables(target), after != before and is_whole(target, mark)
    index_after = index.read_bytes()
    fresh = due_index(out)
    visible = {p.name for p in (out / "small").iterdir()} == {PERIOD.name}
    failed = out / "small" / f"{PERIOD.name}.failed" / "run.json"
    why = json.loads(failed.read_text())["reason"] if failed.is_file() else ""
    problems = [
        text for bad, text in [
            (not (old or new), "the report is neither the old one nor the new one"),
            (index_after not in (*before_index, fresh), "the index is neither the one before nor the one that is due"),
            (not links_stand(out, index_after.decode()), "the index is cut or a link leads nowhere"),
            (bool(left), f"{len(left)} kernels after 10 s"), (not locks_free, "a lock is still held"),
            (not visible, f"something else is visible, a run that failed by itself: {why}" if why else "something half-made"),
        ] if bad
    ]  # fmt: skip
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    stood = "new" if new else "old" if old else "neither"
    return {"mark": mark, "aimed": aimed, "killed": killed, "alive_s": round(alive_s, 3), "stood": stood,
            "index": "due" if index_after == fresh else "before", "kernels_gone_s": round(gone_s, 3), "locks_free_s": round(free_s, 3),
            "problems": problems}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    import_papermill()
    # The browser would be most of the time of so small a run; its part of the gate has tests of its own.
    os.environ["CXRESEARCH_CHROMIUM"] = ""
    for name in ("gate", "render"):  # here, so that a forked run does not spend its time on it
        importlib.import_module(f"cxresearch.report.page.{name}")
    folder = Path(tempfile.mkdtemp(prefix="kill-"))
    root, out = make_checkout(folder / "checkout"), folder / "out"
    trials, problems, whole_s = [], [], 0.0
    begun = time.monotonic()
    # A run that ended before its moment came is looked at too, but it is no trial.
    while (killed := sum(t["killed"] for t in trials)) < given.trials or len(trials) % 10:
        number = len(trials)
        if number % 10 == 0:
            # Left alone: it must end well, and tells how long a run takes here and now.
            started = time.monotonic()
            _, status = os.waitpid(start(root, out, 1000 + number), 0)
            whole_s = time.monotonic() - started
            index = (out / "index.html").read_text()
            debris = [p.name for p in (out / publish.BUILDING).iterdir()]
            if (
                status != 0 or not is_whole(out / "small" / PERIOD.name, 1000 + number) or debris
                or index.encode() != due_index(out)
            ):  # fmt: skip
                problems.append(f"the run after {number} trials did not end well: status {status}, left {debris}")
        trials.append(trial(root, out, 5000 + number, chance, whole_s))
        problems += [f"trial {number}: {text}" for text in trials[-1]["problems"]]
    shutil.rmtree(folder)
    counts = Counter(("killed" if t["killed"] else "ended before", t["stood"], t["index"]) for t in trials)
    facts = {
        "date": date.today().isoformat(), "killed": killed, "runs": len(trials), "seed": given.seed, "problems": problems,
        "seconds": round(time.monotonic() - begun, 1), "longest_until_kernels_gone_s": max(t["kernels_gone_s"] for t in trials), "longest_until_locks_free_s": max(t["locks_free_s"] for t in trials),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}", "python": platform.python_version(),
        **{name: version(name) for name in ("papermill", "nbclient", "ipykernel", "jupyter_client")},
    }  # fmt: skip
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "kill.json").write_text(json.dumps({**facts, "results": trials}, indent=1) + "\n")
    lines = [
        "# A run killed at random moments", "",
        f"{killed} runs killed, {len(problems)} problems. Made by `python benchmarks/kill.py --trials {given.trials}`.", "",
        "| process | report that stands | index | trials |", "|---|---|---|---:|",
        *(f"| {' | '.join(kind)} | {n} |" for kind, n in sorted(counts.items())), "",
        "`index`: *due* is the index of what stands; *before* is the index of what stood before the run, which the next "
        "run of any report makes anew when it starts. Both are whole, and every link leads to a whole report.", "",
        *(f"- {name.replace('_', ' ')}: {value}" for name, value in facts.items()),
    ]  # fmt: skip
    (given.out / "kill.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines[2 : 8 + len(counts)]))
    for problem in problems:
        print(problem, file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
