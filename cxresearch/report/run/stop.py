"""What ends a run from outside: SIGTERM, SIGINT, SIGHUP, and the clock of the whole run."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from types import FrameType
from typing import Any

_MOMENT_S = 0.2


class Ended(BaseException):
    """SIGTERM, SIGINT or SIGHUP: kernels end, nothing becomes visible, the process leaves with ``exit_code``."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


class RunTimedOut(BaseException):
    """The whole run took longer than its report allows."""


class Guard:
    """Turns signals into exceptions of the main thread, except while something is done that must not be cut in two."""

    def __init__(self) -> None:
        self.reason: Ended | RunTimedOut | None = None
        self._whole = False

    def _arrived(self, number: int, frame: FrameType | None) -> None:
        if isinstance(self.reason, Ended):
            return  # a second Ctrl-C must not cut short what the first one set going
        self.reason = RunTimedOut() if number == signal.SIGALRM else Ended(number)
        if not self._whole:
            raise self.reason

    def check(self) -> None:
        """Raise what arrived: an exception of a signal is lost when it lands in code that swallows exceptions."""
        if self.reason is not None:
            raise self.reason

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """Done whole or not begun: signals wait until it is done."""
        self._whole = True
        try:
            self._end()
            yield
        finally:
            self._whole = False
        self._end()

    def _end(self) -> None:
        if isinstance(self.reason, Ended):
            raise self.reason

    @contextlib.contextmanager
    def clock(self, seconds: float) -> Iterator[None]:
        """Raise RunTimedOut in the main thread after ``seconds``."""
        self._forget_clock()
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._forget_clock()

    def _forget_clock(self) -> None:
        if isinstance(self.reason, RunTimedOut):
            self.reason = None


def until_done(futures: Sequence[Future]) -> None:
    """Wait in the main thread, so that a signal is heard within a moment.

    A library that is imported after the guard can take SIGINT over so that it wakes no lock (Polars does, and statsmodels
    imports it): a wait without end would hear of Ctrl-C only when everything is done.
    """
    while wait(futures, timeout=_MOMENT_S).not_done:
        pass


@contextlib.contextmanager
def guarded() -> Iterator[Guard]:
    """A guard for the main thread; what was set before is set again at the end."""
    guard = Guard()
    before: dict[signal.Signals, Any] = {}
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # nohup asked for it
            before[number] = signal.signal(number, guard._arrived)
        yield guard
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
