"""What may pass by itself is tried again, a few times and not for long; a refusal is taken at its word."""

from __future__ import annotations

import errno
import socket
import ssl
import sys
from collections.abc import Callable
from typing import Any, TypeVar

ATTEMPTS = 4
SECONDS = 60.0  # after these no attempt begins

_PASSING = {
    errno.EAGAIN, errno.ECONNABORTED, errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTDOWN, errno.EHOSTUNREACH,
    errno.ENETDOWN, errno.ENETRESET, errno.ENETUNREACH, errno.EPIPE, errno.ETIMEDOUT,
}  # fmt: skip
T = TypeVar("T")


def again(
    act: Callable[[], T], may_pass: Callable[[Exception], bool], *, attempts: int = ATTEMPTS, longest_wait: float = 15.0
) -> T:
    """What ``act`` returns; tried again while its error is one that ``may_pass``, at most ``attempts`` times in all.

    Between two attempts lie 1, 2, 4, ... seconds and a random part of a second, so that many runners do not come back at
    once. Every new attempt is said on stderr. The last error is raised as it is.
    """
    # Imported here: a report that goes nowhere does without.
    import stamina

    stamina.instrumentation.set_on_retry_hooks([_said])
    rounds = stamina.retry_context(
        on=may_pass, attempts=attempts, timeout=SECONDS, wait_initial=min(1.0, longest_wait), wait_max=longest_wait,
        wait_jitter=1.0,
    )  # fmt: skip
    for attempt in rounds:
        with attempt:
            return act()
    raise AssertionError("the last attempt returns or raises")


def _said(details: Any) -> None:
    if getattr(details.caused_by, "quiet", False):
        return
    reason = " ".join(str(details.caused_by).split())[:200]
    print(f"cxresearch: {reason}: tried again in {details.wait_for:.0f} s.", file=sys.stderr)


def is_lost_connection(error: BaseException) -> bool:
    """Whether an error is one of the way there, not an answer: no connection, one that broke, one that took too long."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return False
    if isinstance(error, socket.gaierror):
        return error.errno == socket.EAI_AGAIN
    if isinstance(error, ConnectionError | TimeoutError | ssl.SSLEOFError):
        return True
    return isinstance(error, OSError) and error.errno in _PASSING
