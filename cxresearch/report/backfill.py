"""Many periods of one report on as many processes as cores, each period on its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Collection, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from cxresearch.contacts import Period, parse_period
from cxresearch.report import job
from cxresearch.report.run import one_run as run
from cxresearch.report.run.kernel import end_with
from cxresearch.report.run.parameters import load_report
from cxresearch.report.run.place import require_writable
from cxresearch.report.run.stop import Ended, guarded
from cxresearch.report.run.streams import told
from cxresearch.report.run.warm_start import end_warm_start

PATIENCE_S = 20  # how long a worker has to end its kernels when it is told to


class _Worker:
    """A process that makes one report after another; what happens to it happens to one period."""

    def __init__(self, *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.period = ""
        self.process = context.Process(target=_serve, args=(theirs, os.getpid(), *arguments))
        self.process.start()
        theirs.close()

    def give(self, period: str) -> None:
        self.period = period
        self.connection.send(period)

    def result(self) -> int | None:
        """The exit code of its period; None when the process died over it."""
        try:
            return int(self.connection.recv())
        except EOFError:
            return None

    def end(self) -> None:
        self.connection.close()
        self.process.join(PATIENCE_S)
        if self.process.is_alive():
            self.process.kill()


def backfill(
    name: str, periods: Sequence[Period], settings: dict[str, Any], *, log: str | list[str], out: Path, root: Path,
    standing: Collection[str],
) -> dict[str, int]:  # fmt: skip
    """Make the reports of ``periods``, oldest first; returns the exit code of each.

    Each worker runs two notebooks at a time, so that one computes while the other starts or ends. A worker that dies
    costs its period (exit code 1), not the others. ``standing`` are the periods that stood before: no page depends on
    the order in which the others are made. Forecasts and the index are written at the end.
    """
    ahead = [period.name for period in periods]
    for period in ahead:  # said once, not by every worker
        require_writable(out, out / name / period)
    codes: dict[str, int] = {}
    busy: list[_Worker] = []
    arguments = (name, settings, log, out, root, frozenset(standing))
    try:
        for _ in range(min(run.cores(), len(ahead))):
            busy.append(_Worker(*arguments))
            busy[-1].give(ahead.pop(0))
        while busy:
            ready = wait([worker.connection for worker in busy])
            for worker in [w for w in busy if w.connection in ready]:
                code = worker.result()
                codes[worker.period] = run.FAILED if code is None else code
                if code is None:
                    worker.end()
                    busy.remove(worker)
                    if ahead:
                        worker = _Worker(*arguments)
                        busy.append(worker)
                if ahead and worker in busy:
                    worker.give(ahead.pop(0))
                elif worker in busy:
                    busy.remove(worker)
                    worker.end()
    finally:
        for worker in busy:
            worker.process.terminate()
        for worker in busy:
            worker.end()
    report = load_report(name, root)
    kept = job.keep_forecasts(out, report, [p.name for p in periods])
    job.write_index(out, report)
    if not kept:
        codes = {period: code or run.FAILED for period, code in codes.items()}
    return {period.name: codes[period.name] for period in periods}


def _serve(
    connection: Connection, parent: int, name: str, settings: dict[str, Any], log: str | list[str], out: Path,
    root: Path, standing: frozenset[str],
) -> None:  # fmt: skip
    end_with(parent, signal.SIGTERM)
    with told(), guarded() as guard:
        try:
            report = load_report(name, root)
            with contextlib.suppress(EOFError):
                while True:
                    period = parse_period(connection.recv(), report.period)
                    try:
                        order = run.Order(
                            report, period, settings, log=log, out=out, root=root, jobs=2, standing=standing
                        )
                        code = job.make_report(order, guard)
                    except ValueError as error:
                        print(f"cxresearch: {error}", file=sys.stderr)
                        code = run.USAGE
                    connection.send(code)
        except Ended as ended:
            os._exit(ended.exit_code)
        finally:
            end_warm_start()
