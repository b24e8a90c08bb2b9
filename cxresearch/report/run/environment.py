"""What of this process's environment a kernel is given: what programs need to run, and no secret of anybody's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from cxresearch.report.page.leaks import SECRET_NAMES
from cxresearch.report.run.parameters import ParameterError

NAMES = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TZDIR", "TMPDIR", "TMP", "TEMP", "TERM",
    "VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "PATHEXT", "SYSTEMROOT", "WINDIR",
    "COMSPEC", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "USERPROFILE",
    # By name: others of ours hold the mail's password and the addresses of messages.
    "CXRESEARCH_KEY", "CXRESEARCH_KEPT", "CXRESEARCH_LANGUAGE", "CXRESEARCH_PNG", "CXRESEARCH_SHARED",
})  # fmt: skip
BEGINNINGS = (
    "LC_", "XDG_", "DYLD_", "PYTHON", "MPL", "NUMBA_", "OMP_", "OPENBLAS_", "MKL_", "MALLOC_", "COVERAGE_",
)  # fmt: skip


def for_kernels(named: Iterable[str] = (), of: Mapping[str, str] | None = None) -> dict[str, str]:
    """The part of an environment that kernels are given, with the variables that a report ``named`` for its notebooks.

    ``CXRESEARCH_KEY`` is among it: without it a notebook would not find the period that was read under the key. Raises
    ParameterError for a named variable that is not set.
    """
    of, named = os.environ if of is None else of, tuple(named)
    if missing := [name for name in named if name not in of]:
        raise ParameterError(f"environment names {', '.join(missing)}, which is not set; set it, or leave it out.")
    return {
        name: value for name, value in of.items()
        if name in named or ((name in NAMES or name.startswith(BEGINNINGS)) and not SECRET_NAMES.search(name))
    }  # fmt: skip
