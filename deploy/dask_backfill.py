"""Many periods on many machines: python dask_backfill.py tcp://scheduler:8786 monthly 1999-01 1999-02 ...

Every worker sees the same checkout and the same folder of reports; each period has its own lock and exit code.
"""

from __future__ import annotations

import subprocess
import sys


def report(name: str, period: str, out: str = "/srv/reports") -> int:
    """Make one report; returns its exit code."""
    command = ["/opt/cxresearch/.venv/bin/cxresearch", "report", name, "--period", period, "--out", out]
    return subprocess.run(command, check=False).returncode


def main() -> int:
    from dask.distributed import Client

    scheduler, name, *periods = sys.argv[1:]
    with Client(scheduler) as client:
        # Not pure: a period asked for again is made again. No retries: the runner has its own.
        codes = client.gather(client.map(report, [name] * len(periods), periods, pure=False, retries=0))
    for period, code in zip(periods, codes, strict=True):
        print(f"{name} {period}: exit {code}")
    return max(codes, default=0)


if __name__ == "__main__":
    sys.exit(main())
