"""What it costs to be a report: python benchmarks/reports.py --log shared/data/anonymous-bank --period 1999-02

The monthly report, from the command line to the page in its place, beside

- the same cells as one plain script in one process, one notebook after another, which makes no page;
- the same notebooks by papermill and nbconvert from the command line, one after another;
- the same by notebooker, where --notebooker names a Python that has it (see notebooker_in_memory.py);
- the report with its sections one at a time.

And months by backfill beside the same months one after another. The tasks of a round follow each other at once and the
rounds are repeated: a ratio is the median of the ratios within rounds, since only those share the machine's mood.
Results go to benchmarks/results/reports.json and reports.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
TODAY = {"cwd": ROOT, "stdout": subprocess.DEVNULL, "check": True}
ONE_AT_A_TIME = """import sys
from pathlib import Path
from cxresearch import __main__
from cxresearch.report import job
whole = job.make_report
job.make_report = lambda *given, **named: whole(*given, **named, jobs=1)
sys.exit(__main__.main())"""


def plain_script(names: list[str], parameters: dict, path: Path) -> None:
    """The code cells of the notebooks, each notebook with names of its own, as papermill would set its parameters."""
    parts = ["import matplotlib", "matplotlib.use('agg')"]
    for name in names:
        cells = [c for c in nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4).cells if c.cell_type == "code"]
        source = "\n".join(
            c.source + "\n" + "".join(f"{n} = {v!r}\n" for n, v in parameters.items() if f"\n{n}:" in f"\n{c.source}")
            if "parameters" in c.metadata.get("tags", []) else c.source for c in cells
        )  # fmt: skip
        parts.append(f"exec(compile({source!r}, {name!r}, 'exec'), {{'__name__': '__main__'}})")
    path.write_text("\n".join(parts))


def seconds(task: Callable[[], None]) -> float:
    begun = time.perf_counter()
    task()
    return time.perf_counter() - begun


def rounds(tasks: dict[str, Callable[[], None]], number: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in tasks}
    for at in range(number):
        # Every second round backwards: what comes first finds a colder machine.
        for name in list(tasks)[:: 1 if at % 2 == 0 else -1]:
            found[name].append(seconds(tasks[name]))
            print(f"round {at + 1}: {name}: {found[name][-1]:.1f} s", file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log", required=True, help="a contact log that covers --period")
    parser.add_argument("--period", default="1999-02")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--months", type=int, default=12, help="of the SIMULATED log, for the backfill")
    parser.add_argument("--backfill-rounds", type=int, default=1)
    parser.add_argument("--notebooker", help="a Python with notebooker, mongomock and our requirements")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    given = parser.parse_args()
    folder, busy = Path(tempfile.mkdtemp(prefix="reports-")), os.getloadavg()[0]
    log = str(Path(given.log).resolve())
    report = next(ROOT.glob("reports/monthly.toml"))

    settings = tomllib.loads(report.read_text())
    names = settings["notebooks"]
    parameters = {**settings.get("parameters", {}), "log": log, "period": given.period}
    plain_script(names, parameters, folder / "plain.py")

    def command(*words: str, code: str = "") -> None:
        start = ["-c", code] if code else ["-m", "cxresearch"]
        subprocess.run([sys.executable, *start, *words], **TODAY)

    def make(*words: str, code: str = "") -> Callable[[], None]:
        return lambda: command("report", "monthly", *words, "--out", str(folder / "out"), code=code)

    def declared(name: str) -> dict[str, str]:
        cell = _parameters(ROOT / "notebooks" / f"{name}.ipynb")
        return {n: v for n, v in parameters.items() if f"\n{n}:" in f"\n{cell}"}

    def by_others() -> None:
        for name in names:
            executed = folder / f"{name}.ipynb"
            source = ROOT / "notebooks" / f"{name}.ipynb"
            words = [part for n, v in declared(name).items() for part in ("-p", n, str(v))]
            words = ["papermill", "--no-progress-bar", str(source), str(executed), *words]
            subprocess.run([sys.executable, "-m", *words], stderr=subprocess.DEVNULL, **TODAY)
            words = ["nbconvert", "--to", "html", "--no-input", str(executed)]
            subprocess.run([sys.executable, "-m", *words], stderr=subprocess.DEVNULL, **TODAY)

    def by_notebooker() -> None:
        start = [given.notebooker, str(Path(__file__).with_name("notebooker_in_memory.py"))]
        start += ["--notebook-kernel-name", "python3", "--output-base-dir", str(folder / "notebooker")]
        start += ["--template-base-dir", str(folder / "templates"), "--py-template-base-dir", str(ROOT)]
        start += [
            "--py-template-subdir",
            "notebooks",
            "--notebooker-disable-git",
            "execute-notebook",
            "--no-pdf-output",
        ]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        for name in names:
            words = ["--report-name", name, "--overrides-as-json", json.dumps(declared(name))]
            subprocess.run([*start, *words], env=environment, stderr=subprocess.DEVNULL, **TODAY)

    one = ("--period", given.period, "--set", f"log={log}")
    single = rounds(
        {
            "plain script": lambda: subprocess.run([sys.executable, str(folder / "plain.py")], **TODAY),
            "report": make(*one),
            "report, sections one at a time": make(*one, code=ONE_AT_A_TIME),
            "papermill + nbconvert": by_others,
            **({"notebooker": by_notebooker} if given.notebooker else {}),
        },
        given.rounds,
    )  # fmt: skip

    from cxresearch.contacts import period_of

    months = [period_of(date.today(), "month").previous]
    for _ in range(given.months - 1):
        months.insert(0, months[0].previous)
    command("report", "monthly", "--period", months[-1].name, "--out", str(folder / "warm"))  # the log is made once

    def backfill() -> None:
        shutil.rmtree(folder / "fill", ignore_errors=True)
        command("backfill", "monthly", "--from", months[0].name, "--to", months[-1].name, "--out", str(folder / "fill"))

    def after_another(code: str = "") -> Callable[[], None]:
        def run() -> None:
            shutil.rmtree(folder / "each", ignore_errors=True)
            for month in months:
                command("report", "monthly", "--period", month.name, "--out", str(folder / "each"), code=code)

        return run

    several = rounds(
        {
            "backfill": backfill,
            "one after another, sections one at a time": after_another(ONE_AT_A_TIME),
            "one after another": after_another(),
        },
        given.backfill_rounds,
    )  # fmt: skip
    facts = {
        "load average at the start and at the end": f"{busy:.1f}, {os.getloadavg()[0]:.1f}",
        "date": date.today().isoformat(), "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(), "notebooks": len(names), "period": given.period,
        "months": given.months, "rounds": given.rounds, "backfill rounds": given.backfill_rounds,
        **({"notebooker": _version_there(given.notebooker)} if given.notebooker else {}),
        **{name: version(name) for name in ("cxresearch", "papermill", "nbclient", "nbconvert", "ipykernel", "pandas")},
    }  # fmt: skip
    write(given.out, facts, {"One report": (single, "plain script"), f"{given.months} months": (several, "backfill")})
    shutil.rmtree(folder)


def _version_there(python: str) -> str:
    ask = "from importlib.metadata import version; print(version('notebooker'), '(database in memory)')"
    return subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()


def _parameters(path: Path) -> str:
    return next(c.source for c in nbformat.read(path, 4).cells if "parameters" in c.metadata.get("tags", []))


def write(out: Path, facts: dict, parts: dict) -> None:
    lines = ["# What it costs to be a report", "", "Ratios are medians of ratios within rounds (lowest to highest); the "
             "seconds are medians and belong to this machine.", ""]  # fmt: skip
    for title, (found, base) in parts.items():
        lines += [f"## {title}", "", f"| | seconds | times {base} |", "|---|---:|---:|"]
        for name, runs in found.items():
            ratios = [mine / its for mine, its in zip(runs, found[base], strict=True)]
            spread = f" ({min(ratios):.2f} to {max(ratios):.2f})" if len(ratios) > 1 else ""
            lines.append(f"| {name} | {statistics.median(runs):.1f} | {statistics.median(ratios):.2f}{spread} |")
        lines.append("")
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    out.mkdir(parents=True, exist_ok=True)
    (out / "reports.md").write_text("\n".join(lines) + "\n")
    (out / "reports.json").write_text(json.dumps({**facts, **{t: f for t, (f, _) in parts.items()}}, indent=1) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
