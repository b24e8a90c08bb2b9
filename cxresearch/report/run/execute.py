"""One notebook executed by papermill in a kernel of its own; success is proved from its cells."""

from __future__ import annotations

import contextlib
import copy
import errno
import functools
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import psutil
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from traitlets.config import Config

from cxresearch.report.page.leaks import NO_NAMES
from cxresearch.report.run.cleaned import cleaned
from cxresearch.report.run.environment import for_kernels
from cxresearch.report.run.kernel import FIXED
from cxresearch.report.run.notebooks import read_notebook
from cxresearch.report.run.parameters import declared_parameters
from cxresearch.report.run.place import advice_on
from cxresearch.report.run.warm_start import WarmStart
from cxresearch.style import phrase

HEADLINE_MIME = "application/vnd.cxresearch.headline+json"
DECISION_MIME = "application/vnd.cxresearch.decision+json"
LONGEST_FOLDER = 80  # letters; a socket's whole path has at most 103 where it has fewest (macOS)
# What may be gone at the next attempt. An error raised by a cell is not among them: it would be raised again.
CAN_PASS = ("kernel died", "time-out", "input/output")
# A full disk, a missing file or a missing right is still so a second later.
LASTING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT)


@dataclass(frozen=True)
class Executed:
    """One notebook after its run. ``error`` is empty exactly when every code cell was executed without an error.

    ``attempts`` has one entry an attempt: ``seconds, cells, executed, cause, error``; the last one is what counts.
    """

    name: str
    cells: int
    executed: int
    seconds: float
    exit_code: int
    error: str
    attempts: list[dict[str, Any]] = field(default_factory=list)


class Kernels:
    """The kernels of one run, so that they can be ended from outside, with all that they started."""

    def __init__(
        self, mark: str = "", warm: WarmStart | None = None, language: str = "en", environment: Sequence[str] = ()
    ) -> None:
        self.reason = ""
        self.names = NO_NAMES  # of the log, once it is read: in an executed notebook they are no leak
        self.environment = tuple(environment)
        self.language = language
        self.warm = warm
        self._mark = mark
        self._pids: set[int] = set()
        self._lock = threading.Lock()
        # Jupyter makes the manager of a kernel from a class: this one knows whose kernel it is.
        self.manager = type("Kernel", (_Kernel,), {"kernels": self})

    def started(self, pid: int) -> None:
        with self._lock:
            self._pids.add(pid)
            if self.reason:  # it was being started while the others were ended
                _kill(pid)

    def gone(self, pid: int) -> None:
        with self._lock:
            self._pids.discard(pid)

    def end(self, reason: str) -> None:
        """Kill every kernel and start no other."""
        with self._lock:
            self.reason = reason
            for pid in self._pids:
                _kill(pid)

    @contextlib.contextmanager
    def sockets(self) -> Iterator[Path]:
        """A private folder for one kernel: its sockets, its connection file, its profile.

        Not ports: nobody else listens, and two kernels never want the same number. A socket's path must be short: a long
        one is named by an open handle of this process.
        """
        folder = Path(tempfile.mkdtemp(prefix=f"cxr-{self._mark}-"))
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield folder if len(os.fsencode(folder)) <= LONGEST_FOLDER else Path(f"/proc/{os.getpid()}/fd/{handle}")
        finally:
            os.close(handle)
            shutil.rmtree(folder, ignore_errors=True)

    def clear_sockets(self) -> None:
        """Remove what an ended run of the same mark left; call it holding the lock of the run."""
        for folder in Path(tempfile.gettempdir()).glob(f"cxr-{self._mark}-????????"):
            shutil.rmtree(folder, ignore_errors=True)


def in_language(notebook: nbformat.NotebookNode, language: str) -> nbformat.NotebookNode:
    """The same notebook, its prose in ``language``; a cell that nobody has translated stays as it was written."""
    prose = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    told = [phrase(cell.source, language=language) for cell in prose]
    if language != "en" and all(text != cell.source for text, cell in zip(told, prose, strict=True)):
        notebook.metadata["language"] = language
    for text, cell in zip(told, prose, strict=True):
        cell.source = text
    return notebook


def _named(notebook: nbformat.NotebookNode, path: Path) -> nbformat.NotebookNode:
    """papermill notes what it was given, which is the whole notebook; its name is enough."""
    notebook.metadata.papermill["input_path"] = path.name
    return notebook


def _kill(pid: int) -> None:
    with contextlib.suppress(psutil.Error):
        kernel = psutil.Process(pid)
        for process in [*kernel.children(recursive=True), kernel]:
            with contextlib.suppress(psutil.Error):
                process.kill()


class _Kernel(AsyncKernelManager):
    """A kernel of this Python, whatever kernels a user has installed, that ends with the process that started it."""

    kernels: Kernels
    pid = 0

    @property
    def kernel_spec(self) -> KernelSpec:
        command = [sys.executable, "-m", "cxresearch.report.run.kernel", "-f", "{connection_file}"]
        return KernelSpec(argv=command, display_name="Python 3", language="python")

    async def _async_launch_kernel(self, kernel_cmd: list[str], **kw: Any) -> None:
        if self.kernels.reason:
            raise RuntimeError(self.kernels.reason)
        environment = for_kernels(self.kernels.environment, kw.get("env") or os.environ)
        # A user's start-up files are no part of a report.
        kw["env"] = {**environment, "IPYTHONDIR": os.path.dirname(self.connection_file), **FIXED}
        kw["env"]["CXRESEARCH_LANGUAGE"] = self.kernels.language
        warm = self.kernels.warm
        if warm is None or not warm.alive:
            await super()._async_launch_kernel(kernel_cmd, **kw)
        else:
            # The command is this Python, -m, our module, and from there on what a kernel is told.
            kernel = warm.kernel(kernel_cmd[3:], kw["env"], kw.get("cwd") or os.getcwd())
            self.provisioner.process, self.provisioner.pid = kernel, kernel.pid  # type: ignore[union-attr]
            self.provisioner.pgid = kernel.pid  # type: ignore[union-attr]
            self._reconcile_connection_info(self.provisioner.connection_info)  # type: ignore[union-attr]
        self.pid = self.provisioner.process.pid  # type: ignore[union-attr]
        self.kernels.started(self.pid)

    async def cleanup_resources(self, restart: bool = False) -> None:  # type: ignore[override]
        self.kernels.gone(self.pid)
        await super()._async_cleanup_resources(restart)


def execute_notebook(
    path: Path, given: Mapping[str, Any], folder: Path, *, cell_timeout_s: float, retries: int, kernels: Kernels,
    say: Callable[[str], None],
) -> tuple[Executed, nbformat.NotebookNode]:  # fmt: skip
    """Execute one notebook, again after a cause that can pass; the executed notebook is written to ``folder``."""
    attempts: list[dict[str, Any]] = []
    while True:
        begun = time.monotonic()
        notebook, error, cause = _attempt(path, given, folder, cell_timeout_s, kernels, say)
        cells, done, problem = proof_of_execution(notebook)
        if error and "was not executed" in problem:
            problem += f": {error}"
        problem = problem or error
        seconds = round(time.monotonic() - begun, 3)
        # A proof that fails although papermill said nothing is a cell's own doing, for instance sys.exit().
        cause = cause or ("cell" if problem else "")
        attempts.append({"seconds": seconds, "cells": cells, "executed": done, "cause": cause, "error": problem})
        say(f"{path.stem}: {'FAILED' if problem else 'done'}, {done} of {cells} cells, {seconds:.1f} s")
        if cause not in CAN_PASS or len(attempts) > retries or kernels.reason:
            break
    total = round(sum(a["seconds"] for a in attempts), 3)
    return Executed(path.stem, cells, done, total, int(bool(problem)), problem, attempts), notebook


def _attempt(
    path: Path, given: Mapping[str, Any], folder: Path, cell_timeout_s: float, kernels: Kernels,
    say: Callable[[str], None],
) -> tuple[nbformat.NotebookNode, str, str]:  # fmt: skip
    """The notebook as far as it came, what papermill said, and the cause. What it says of itself is not trusted."""
    papermill = import_papermill()
    notebook = read_notebook(path)
    declared = declared_parameters(notebook, path.name)
    total = len(notebook.cells) + 1
    seen = [notebook]
    error, cause = "", ""
    try:
        with kernels.sockets() as sockets:
            papermill.execute_notebook(
                copy.deepcopy(notebook), None, parameters={n: v for n, v in given.items() if n in declared},
                progress_bar=False, log_output=False, kernel_name="python3", language="python", execution_timeout=max(1, round(cell_timeout_s)),
                # Written once, at its end: papermill writes the whole file twice a cell, and half a file has no use here.
                request_save_on_cell_execute=False,
                on_notebook_start=lambda notebook: seen.append(in_language(_named(notebook, path), kernels.language)),
                on_cell_start=lambda cell, cell_index: say(f"{path.stem}: cell {cell_index + 1} of {total}"),
                # What a kernel says of its own end is not for the night's mail; what a cell raises is in the notebook.
                extra_arguments=["--IPKernelApp.log_level=50", "--Session.packer=cxresearch.report.run.kernel.pack",
                                 # Pictures of an ordinary plot, as sharp as a telephone shows them.
                                 "--InlineBackend.figure_formats={'retina'}"],
                kernel_manager_class=kernels.manager,
                # A kernel has nothing to save: to ask it politely costs half a second each.
                shutdown_kernel="immediate",
                # 4 s, the default, is short of breath on a busy machine.
                iopub_timeout=60,
                config=Config({"KernelManager": {
                    "transport": "ipc", "ip": str(sockets / "k"), "connection_file": str(sockets / "kernel.json"),
                }}),
            )  # fmt: skip
        nbformat.write(cleaned(seen[-1], kernels.names), folder / path.name)
    except Exception as failure:  # whatever went wrong is this notebook's failure, told in the report
        error, cause = f"{type(failure).__name__}: {first_line(failure)}{advice_on(failure)}", _cause(failure)
        if cause == "kernel died":
            error += "; the system ends a process for which it has no memory"
        if kernels.reason:
            error, cause = kernels.reason, "run ended"
        with contextlib.suppress(OSError, ValueError):  # a full disk is told once
            nbformat.write(cleaned(seen[-1], kernels.names), folder / path.name)
    return seen[-1], error, cause


def _cause(failure: BaseException) -> str:
    """In one of few words why a notebook did not come to its end."""
    if isinstance(failure, DeadKernelError) or "Kernel died" in str(failure):
        return "kernel died"
    if isinstance(failure, CellTimeoutError | TimeoutError) or "Kernel didn't respond" in str(failure):
        return "time-out"
    if isinstance(failure, OSError):
        return "no space or right" if failure.errno in LASTING else "input/output"
    if isinstance(failure, CellExecutionError) or type(failure).__name__ == "PapermillExecutionError":
        return "cell"
    return "other"


def proof_of_execution(notebook: nbformat.NotebookNode) -> tuple[int, int, str]:
    """Code cells, how many were executed, and what is wrong ("" when all were, without an error output).

    Read from execution counts and outputs alone: papermill's metadata calls the cells of a killed kernel completed.
    """
    code = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    done = sum(c.execution_count is not None for c in code)
    for number, cell in enumerate(code, 1):
        for output in cell.outputs:
            if output.output_type == "error":
                return len(code), done, f"cell {number} of {len(code)} raised {output.ename}: {output.evalue}"
    if done < len(code):
        first = next(i for i, c in enumerate(code, 1) if c.execution_count is None)
        return len(code), done, f"cell {first} of {len(code)} was not executed"
    return len(code), done, ""


def recorded_headlines(notebook: nbformat.NotebookNode) -> list[dict[str, Any]]:
    """The headlines a notebook recorded, in order."""
    outputs = (o for c in notebook.cells if c.cell_type == "code" for o in c.outputs)
    return [dict(o.data[HEADLINE_MIME]) for o in outputs if HEADLINE_MIME in o.get("data", {})]


def recorded_decision(notebooks: Iterable[nbformat.NotebookNode]) -> dict[str, Any] | None:
    """The last decision that a notebook recorded; None where none did."""
    outputs = [o for notebook in notebooks for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    return next((dict(o.data[DECISION_MIME]) for o in reversed(outputs) if DECISION_MIME in o.get("data", {})), None)


@functools.cache
def import_papermill() -> Any:
    """papermill, ready for notebooks in several threads. Call it first in the main thread.

    Jupyter's classes look up the classes they name when they are first used, and two threads that do so at once can
    meet halfway ("import_item accepts strings"): once in some hundred runs. So each is used once, with nothing started.
    """
    import papermill
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NotebookExecutionManager

    # They warn of parameters that are known, and of what the attempts in run.json tell.
    for name in ("papermill", "traitlets"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    notebook = NotebookExecutionManager(nbformat.v4.new_notebook(), progress_bar=False)
    client = PapermillNotebookClient(notebook, kernel_manager_class=Kernels().manager)
    manager = client.create_kernel_manager()
    manager.client()
    KernelProvisionerFactory.instance(parent=client).create_provisioner_instance("none", manager.kernel_spec, manager)
    return papermill


def first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip(" -")), "")
