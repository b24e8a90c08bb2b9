"""The tests that are too long for every change: python benchmarks/slow_tests.py

They are marked `slow` and are no part of `make test`: whole reports of many odd logs, many exhibits of many odd logs, runs
killed at random, large simulated samples. Results go to benchmarks/results/slow_tests.json and slow_tests.md.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from datetime import date
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "slow.xml"
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-n", "2", "-q", "-m", "slow", f"--junitxml={log}", "tests"],
            cwd=HERE.parent, check=False,
        )  # fmt: skip
        cases = list(ElementTree.parse(log).iter("testcase")) if log.exists() else []
    files: dict[str, dict[str, float]] = defaultdict(lambda: {"passed": 0, "failed": 0, "skipped": 0, "seconds": 0.0})
    for case in cases:
        row = files[case.get("classname", "").replace(".", "/") + ".py"]
        what = {child.tag for child in case}
        row["failed" if what & {"failure", "error"} else "skipped" if "skipped" in what else "passed"] += 1
        row["seconds"] += float(case.get("time", 0))
    facts = {
        "files": {name: {**row, "seconds": round(row["seconds"], 1)} for name, row in sorted(files.items())},
        "exit_code": done.returncode, "seconds": round(time.monotonic() - begun), "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}", "python": platform.python_version(),
        "pytest": version("pytest"), "pandas": version("pandas"), "duckdb": version("duckdb"),
    }  # fmt: skip
    (HERE / "results" / "slow_tests.json").write_text(json.dumps(facts, indent=1) + "\n")
    lines = ["# Slow tests", "", "Made by `python benchmarks/slow_tests.py`.", "", "| file | passed | failed | skipped | seconds |",
             "|---|---:|---:|---:|---:|"]  # fmt: skip
    lines += [
        f"| `{name}` | {row['passed']:.0f} | {row['failed']:.0f} | {row['skipped']:.0f} | {row['seconds']} |"
        for name, row in facts["files"].items()  # type: ignore[attr-defined]
    ]
    lines += ["", *(f"- {key}: {value}" for key, value in facts.items() if key != "files")]
    (HERE / "results" / "slow_tests.md").write_text("\n".join(lines) + "\n")
    return done.returncode


if __name__ == "__main__":
    raise SystemExit(main())
