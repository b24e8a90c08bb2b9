"""Kernels forked from a process that has already imported what the notebooks import.

Importing pandas, Matplotlib and the rest takes a kernel longer than most notebooks do, and every notebook of every
period pays it again. The warm process pays it once. It runs no cell: each kernel is a copy of a process in which nothing but
imports has happened, so no notebook sees another's names, settings or random state. (A warm kernel that is used twice
would not give that.) Linux only; elsewhere kernels are started one by one.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from cxresearch.report.run.environment import for_kernels
from cxresearch.report.run.kernel import FIXED, end_with, run_kernel

INLINE = "module://matplotlib_inline.backend_inline"  # what ipykernel sets before a notebook imports Matplotlib


def imports_of(sources: Iterable[str]) -> list[str]:
    """The import statements at the top level of some cells, each once, in order; a cell that is no Python has none."""
    found: dict[str, None] = {}
    for source in sources:
        with contextlib.suppress(SyntaxError):
            lines = (node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom))
            found |= {ast.unparse(node): None for node in lines}
    return list(found)


class WarmKernel:
    """As much of ``subprocess.Popen`` as Jupyter asks of a kernel that is not its child."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        try:
            self._process: psutil.Process | None = psutil.Process(pid)
        except psutil.NoSuchProcess:
            self._process = None

    def poll(self) -> int | None:
        """None while it lives. What it ended with is known to the warm process alone; that it ended is what matters."""
        if self.returncode is None and not self._lives():
            self.returncode = -signal.SIGKILL
        return self.returncode

    def _lives(self) -> bool:
        try:
            process = self._process
            return process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:  # it ended between the two questions
            return False

    def wait(self) -> int:
        while self.poll() is None:
            time.sleep(0.01)
        return -signal.SIGKILL

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class WarmStart:
    """The process that kernels are forked from. Started by the main thread: it ends with the thread that started it."""

    def __init__(self, statements: Sequence[str], named: Sequence[str] = ()) -> None:
        self.statements = list(statements)
        self.named = tuple(named)
        ours, theirs = socket.socketpair()
        environment = {"MPLBACKEND": INLINE, **for_kernels(named), **FIXED}
        command = [
            sys.executable,
            "-m",
            "cxresearch.report.run.warm_start",
            str(os.getpid()),
            str(theirs.fileno()),
            *statements,
        ]
        self._process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        self._lines = ours.makefile("rw", encoding="utf-8")
        self._socket = ours
        self._lock = threading.Lock()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kernel(self, arguments: Sequence[str], environment: Mapping[str, str], folder: str) -> WarmKernel:
        """Fork a kernel; waits for the imports where they are not done yet. Raises OSError when the warm process is gone."""
        order = {"arguments": list(arguments), "environment": dict(environment), "folder": folder}
        with self._lock:
            self._lines.write(json.dumps(order) + "\n")
            self._lines.flush()
            answer = self._lines.readline()
        if not answer:
            raise OSError("the process that kernels are forked from has ended")
        return WarmKernel(int(answer))

    def close(self) -> None:
        """End it; a kernel that is left ends with it."""
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            self._lines.close()
        self._socket.close()


_started: list[WarmStart] = []  # at most one


def warm_start_for(paths: Sequence[Path], named: Sequence[str] = ()) -> WarmStart | None:
    """The warm process of this process for the kernels of these notebooks, started where there is none; None without Linux.

    ``named``: variables of the environment that they are given beside the usual ones. A kernel's first environment, which
    the system shows, is that of this process.
    """
    if sys.platform != "linux":
        return None
    from cxresearch.report.run.notebooks import (
        read_notebook,
    )  # the process that kernels are forked from needs none of it

    cells = (c for path in paths for c in read_notebook(path).cells if c.cell_type == "code")
    statements = imports_of(c.source for c in cells)
    if _started and not (
        _started[0].alive and _started[0].statements == statements and _started[0].named == tuple(named)
    ):
        end_warm_start()
    if not _started:
        _started.append(WarmStart(statements, named))
    return _started[0]


def end_warm_start() -> None:
    """End the warm process of this process, where there is one."""
    while _started:
        _started.pop().close()


def _resolve_faces() -> None:
    """Load what our faces load name by name: a notebook asks for most of it, and every kernel would wait for it again."""
    for face in [module for name, module in sys.modules.items() if name in ("cxresearch", "cxresearch.exhibits")]:
        for name in dir(face):
            with contextlib.suppress(Exception):
                getattr(face, name)


def _serve(listening: socket.socket, statements: Sequence[str]) -> None:
    import ipykernel.kernelapp  # noqa: F401 what every kernel imports

    for statement in statements:
        # What cannot be imported is told by the cell that imports it.
        with contextlib.suppress(Exception):
            exec(statement, {})  # noqa: S102 an import statement of a notebook that is about to run
    _resolve_faces()
    gc.collect()
    gc.freeze()  # nothing of this is garbage in a kernel
    signal.signal(signal.SIGCHLD, _reap)
    warm = os.getpid()
    with listening.makefile("rw", encoding="utf-8") as lines:
        for line in lines:
            order = json.loads(line)
            pid = os.fork()
            if pid == 0:
                _become_kernel(order, warm, listening)
            lines.write(f"{pid}\n")
            lines.flush()


def _reap(number: int, frame: Any) -> None:
    """Take ended kernels out of the table of processes; their processor time is then counted as the run's."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _become_kernel(order: dict[str, Any], warm: int, listening: socket.socket) -> None:
    code = 1
    try:
        os.setsid()
        end_with(warm, signal.SIGKILL)
        os.close(listening.fileno())
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(order["environment"] | {"JPY_PARENT_PID": str(warm)})
        os.chdir(order["folder"])
        sys.argv = ["ipykernel_launcher", *order["arguments"]]
        run_kernel(order["arguments"])
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    end_with(int(sys.argv[1]), signal.SIGKILL)
    if sys.path[0] in ("", os.getcwd()):
        del sys.path[0]
    _serve(socket.socket(fileno=int(sys.argv[2])), sys.argv[3:])
