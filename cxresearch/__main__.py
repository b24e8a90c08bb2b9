"""The command line: ``cxresearch report NAME --period 1999-02 [--set name=value ...] [--out DIR]``."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 complete, 1 failed, 2 bad parameters, 3 partial, 75 under way."""
    parser = argparse.ArgumentParser(prog="cxresearch", description="Reports on what slow customer service costs.")
    commands = parser.add_subparsers(dest="command", required=True)
    report = commands.add_parser("report", help="make one report of one or more periods")
    report.add_argument("name", help="a file reports/NAME.toml")
    report.add_argument("--period", action="append", default=[], help="1999-02, 1999-Q1, 1999-W07 ...; may be repeated")
    report.add_argument("--last", type=int, metavar="N", help="the last N complete periods (1 when no period is given)")
    report.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the notebooks")
    report.add_argument("--out", type=Path, help="where reports are kept (default: reports/build of the checkout)")
    given = parser.parse_args(arguments)
    if given.period and given.last is not None:
        parser.error("give --period or --last, not both")
    if given.last is not None and given.last < 1:
        parser.error("--last takes a number from 1")
    return _report(given)


def _report(given: argparse.Namespace) -> int:
    # Imported here: --help and a usage error answer at once.
    from cxresearch.periods import parse_period, period_of
    from cxresearch.report.parameters import load_report, parse_settings

    try:
        report = load_report(given.name, ROOT)
        settings = parse_settings(given.set, report.declared)
        if given.period:
            periods = [parse_period(name, report.period) for name in given.period]
        else:
            periods = [period_of(date.today(), report.period).previous]
            for _ in range((given.last or 1) - 1):
                periods.insert(0, periods[0].previous)
    except ValueError as error:
        return _refuse(error)
    out = given.out or ROOT / "reports" / "build"
    codes = [make_report(report, period, settings, out=out) for period in periods]
    return next((code for code in (2, 75, 1, 3) if code in codes), 0)


def make_report(report: Any, period: Any, settings: dict[str, Any], *, out: Path) -> int:
    """Build one report aside, check it, put it in place, and make the index anew. Returns the exit code."""
    from cxresearch.report import history, publish, render, run
    from cxresearch.simulate.default import log_or_default

    target = out / report.name / period.name
    failed_target = target.with_name(f"{period.name}.failed")
    key = f"{report.name}-{period.name}"
    with run.run_lock(out / ".locks" / key) as free:
        if not free:
            print(f"cxresearch: {report.name} {period.name} is already under way.", file=sys.stderr)
            return run.UNDER_WAY
        publish.clear_old_builds(out, key)
        build = publish.new_build(out, key)
        _end_cleanly(build)
        before = target.with_name(period.previous.name) / "headlines.json"
        try:
            log = log_or_default(settings.get("log") or report.parameters.get("log", ""))
            record, notebooks, headlines = run.execute_report(
                report, period, settings, build=build, root=ROOT, log=log,
                previous_headlines=str(before) if before.is_file() else "", progress=_progress(),
            )  # fmt: skip
        except ValueError as error:
            shutil.rmtree(build, ignore_errors=True)
            return _refuse(error)
        publish.write_json(build / "headlines.json", headlines)
        publish.write_json(build / "run.json", record)
        if record["status"] == "failed":
            publish.publish(build, failed_target)
        else:
            page = render.render_report(notebooks=notebooks, run=record, headlines=headlines)
            (build / "report.html").write_text(page, encoding="utf-8")
            publish.publish(build, target)
            shutil.rmtree(failed_target, ignore_errors=True)
    with run.run_lock(out / ".locks" / "index", wait=True):
        publish.write_atomically(out / "index.html", render.render_index(history.load_runs(out)))
    if record["status"] == "failed":
        print(f"cxresearch: {report.name} {period.name} FAILED: {record['reason']}", file=sys.stderr)
        print(f"cxresearch: the executed notebooks are in {failed_target}; no report was published.", file=sys.stderr)
    else:
        mark = " (SIMULATED data)" if record["simulated"] else ""
        print(f"{report.name} {period.name}: {record['status']}{mark}: {target / 'report.html'}")
    return run.EXIT_CODES[record["status"]]


def _refuse(error: ValueError) -> int:
    print(f"cxresearch: {error}", file=sys.stderr)
    return 2


def _progress() -> Callable[[str], None] | None:
    """One line that is written over on a terminal; nothing at all where nobody looks."""
    if not sys.stderr.isatty():
        return None
    begun, width = time.monotonic(), shutil.get_terminal_size().columns - 1

    def say(text: str) -> None:
        line = f"{time.monotonic() - begun:5.1f} s  {text}"[:width].ljust(width)
        print(line, end="\n" if ("done" in text or "FAILED" in text) else "\r", file=sys.stderr, flush=True)

    return say


def _end_cleanly(build: Path) -> None:
    """On SIGTERM and SIGINT end the kernels, leave nothing behind, and go."""

    def end(number: int, frame: Any) -> None:
        import psutil

        for child in psutil.Process().children(recursive=True):
            child.kill()
        shutil.rmtree(build, ignore_errors=True)
        os._exit(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)


if __name__ == "__main__":
    sys.exit(main())
