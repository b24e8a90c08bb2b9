"""The process of one kernel: it ends when the run that started it ends, also when that one is killed."""

from __future__ import annotations

import codecs
import ctypes
import json
import os
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
# The same for every kernel on every machine: the order of a set of texts, and sums that do not depend on the number of
# cores. Kernels of one run share the cores anyway: threads of their linear algebra would wait for each other. Figures are
# painted, too, for those who take them away.
FIXED = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "CXRESEARCH_PNG": "1",
}


def end_with(parent: int, number: int) -> None:
    """Ask the system for signal ``number`` when the process ``parent`` ends. Linux only.

    Elsewhere ipykernel looks for its parent once a second, which a cell that never lets go of the interpreter prevents.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:  # it ended before it was asked for
        os._exit(128 + number)


def _escaped(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return "".join(f"\\\\u{ord(c):04x}" for c in error.object[error.start : error.end]), error.end


codecs.register_error("cxresearch.escaped", _escaped)


def pack(message: Any) -> bytes:
    """A message as JSON; half a surrogate pair, which UTF-8 cannot hold, is sent as its escape.

    Jupyter's own packer raises then, and everything printed with it is lost without a failure.
    """
    from jupyter_client.jsonutil import json_default
    from jupyter_client.session import json_packer

    try:
        text = json.dumps(message, default=json_default, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        return json_packer(message)
    return text.encode("utf-8", errors="cxresearch.escaped")


def run_kernel(arguments: list[str]) -> None:
    """Be a kernel until it is told to end. ``arguments`` are those of ipykernel_launcher."""
    sys.modules.pop("rfc3987_syntax", None)  # what a notebook may import is not the runner's to decide
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance(argv=arguments)


if __name__ == "__main__":
    end_with(int(os.environ["JPY_PARENT_PID"]), signal.SIGKILL)
    # As ipykernel_launcher does: a file in the working directory must not stand for a package.
    if sys.path[0] in ("", os.getcwd()):
        del sys.path[0]
    run_kernel(sys.argv[1:])
