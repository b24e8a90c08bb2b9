"""What a command prints where nobody may be listening: closed streams, a full disk behind them, letters they do not have."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator


class Stream(io.TextIOWrapper):
    """Text to a file descriptor. What cannot be written is lost, and ``lost`` says why; it stops nobody's work."""

    def __init__(self, number: int, encoding: str) -> None:
        # Letters that a terminal does not have, and bytes of a file's name that are none, are told by their number.
        raw = io.BufferedWriter(io.FileIO(number, "w", closefd=False))
        super().__init__(raw, encoding, errors="backslashreplace", line_buffering=True, write_through=number == 2)
        self.lost: OSError | None = None

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            return self._give_up(error, len(text))

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError, letters: int = 0) -> int:
        self.lost = self.lost or error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())  # what is still to come goes there, without another word
        os.close(nowhere)
        return letters


def open_missing() -> None:
    """Open what was closed: a file or a socket that took the number of a standard stream would be written into."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free: this one


@contextlib.contextmanager
def told() -> Iterator[Stream | None]:
    """Standard output and errors as :class:`Stream`, for as long as the block lasts; yields the output, None where
    somebody has put another in its place."""
    open_missing()
    before = sys.stdout, sys.stderr
    theirs = (sys.__stdout__, sys.__stderr__)
    streams = [
        Stream(number, getattr(own, "encoding", None) or "utf-8") if now is own or now is None else None
        for number, now, own in zip((1, 2), before, theirs, strict=True)
    ]
    for stream in before:
        if stream is not None:
            stream.flush()
    sys.stdout, sys.stderr = (mine or theirs for mine, theirs in zip(streams, before, strict=True))
    try:
        yield streams[0]
    finally:
        for stream in filter(None, streams):
            stream.flush()
        sys.stdout, sys.stderr = before
