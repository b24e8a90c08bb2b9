"""numba's decorator for a machine on which nothing may be written: what cannot be kept is compiled again.

``numba.njit(cache=True)`` raises where neither the package's folder nor the user's cache can be written to, and on the
first call where the disk is full. Whoever calls a compiled function asked for its result, not for its copy on disk.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numba
from numba.core.caching import FunctionCache


class _Kept(FunctionCache):
    """A cache that a full or unreadable disk turns into none."""

    def load_overload(self, *given: Any) -> Any:
        with contextlib.suppress(OSError):
            return super().load_overload(*given)

    def save_overload(self, *given: Any) -> None:
        with contextlib.suppress(OSError):
            super().save_overload(*given)


def compiled(**options: Any) -> Callable[[Callable], Any]:
    """``numba.njit`` with these options, its result kept for the next process where that can be done."""

    def decorate(function: Callable) -> Any:
        made = numba.njit(**options)(function)
        with contextlib.suppress(RuntimeError):  # numba's word for: there is no place for it
            made._cache = _Kept(made.py_func)
        return made

    return decorate
