"""The sums by which a run says what it left: run.json holds those of the files beside it, and one of itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxresearch.contacts import OutsideError
from cxresearch.report.archive import publish

RUN = "run.json"
BESIDE = ("headlines.json", "forecast.json", "decision.json")


def write_run(folder: Path, run: Mapping[str, Any], *, without: str = "") -> None:
    """Write run.json with the sums of what stands beside it, the whole file or the old one; ``without``: a file that is about
    to change has none."""
    told = {name: said for name, said in run.items() if name != "sums"}
    sums = {
        name: _sum((folder / name).read_bytes()) for name in BESIDE if name != without and (folder / name).is_file()
    }
    sums[RUN] = _of_run(json.loads(publish.json_text(told)))
    publish.write_atomically(folder / RUN, publish.json_text({**told, "sums": sums}))


def check_run_sum(run: Mapping[str, Any]) -> None:
    """Raises OutsideError where run.json is not what was written. One from before there were sums has none."""
    sums = run.get("sums")
    if sums is not None and sums.get(RUN) != _of_run(run):
        raise OutsideError("it is not what its run left: its own sum is another")


def check_sum_beside(name: str, content: bytes, run: Mapping[str, Any]) -> None:
    """Raises OutsideError where a file beside run.json is not the one that it names."""
    sums = run.get("sums") or {}
    if name in sums and sums[name] != _sum(content):
        raise OutsideError("it is not what its run left: run.json has another sum of it")


def _of_run(run: Mapping[str, Any]) -> str:
    """However it is written down: without blanks, its keys in order."""
    told = {name: said for name, said in run.items() if name != "sums"}
    return _sum(json.dumps(told, sort_keys=True, separators=(",", ":")).encode())


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
