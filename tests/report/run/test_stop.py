"""A signal is heard while the main thread waits, whatever a library has made of it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

# Ends with the code of the signal, or with 9 where it is not heard in five seconds.
WAITS = """
import os, signal, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from cxresearch.report.run.stop import Ended, guarded, until_done
with guarded():
    import {library}
    def send():
        time.sleep(0.3)
        os.kill(os.getpid(), {number})
        time.sleep(5)
        os._exit(9)
    threading.Thread(target=send, daemon=True).start()
    try:
        until_done([ThreadPoolExecutor(1).submit(time.sleep, 60)])
    except Ended as ended:
        os._exit(ended.exit_code)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("library", ["polars", "statsmodels.stats.power", "cxresearch.decisions"])
def test_a_signal_ends_the_wait_for_kernels(library, number):
    pytest.importorskip(library)
    done = subprocess.run([sys.executable, "-c", WAITS.format(library=library, number=int(number))], timeout=60)
    assert done.returncode == 128 + number
