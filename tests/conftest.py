"""Fixtures and strategies that several test files share."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pandas as pd
import pytest
import stamina
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[1]

# Periods that tests read are kept aside, never in the cache of whoever runs them.
os.environ["CXRESEARCH_KEPT"] = tempfile.mkdtemp(prefix="cxresearch-tests-")
atexit.register(shutil.rmtree, os.environ["CXRESEARCH_KEPT"], ignore_errors=True)
# The key of the pseudonyms likewise, and the same in every process.
os.environ["CXRESEARCH_KEY"] = "a key for nothing but tests"

# What is tried again is tried as often as in earnest, without the waits.
stamina.set_testing(True, attempts=50, cap=True)

# Deterministic: the same examples on every machine and every night.
settings.register_profile(
    "cxresearch", derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
# For who only asks whether a test fails (benchmarks/mutation.py): no search for the smallest example that does.
settings.register_profile(
    "first-failure", parent=settings.get_profile("cxresearch"), phases=(Phase.explicit, Phase.generate)
)
settings.load_profile("cxresearch")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data and reference numbers, beside the checkout or named by CXRESEARCH_SHARED."""
    folder = Path(os.environ.get("CXRESEARCH_SHARED", ROOT.parent / "shared"))
    if not (folder / "reference").is_dir():
        pytest.skip(f"no reference data here: {folder} is not there (set CXRESEARCH_SHARED to use a copy elsewhere)")
    return folder


@pytest.fixture(scope="session")
def object_store():
    """An object store in a process of its own: moto, whose botocore does not fit the lock (python-dateutil)."""
    folder = Path(os.environ.get("CXRESEARCH_MOTO", Path(sys.prefix) / "object-store"))
    if not (folder / "bin" / "moto_server").is_file():
        pytest.skip("no object store: put moto into .venv/object-store (tests/servers/object-store.lock)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [folder / "bin" / "moto_server", "-H", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(300):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/"):
                break
            time.sleep(0.1)
        put = urllib.request.Request(f"http://127.0.0.1:{port}/kept", method="PUT")
        urllib.request.urlopen(put).close()
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def reached(object_store, monkeypatch):
    names = {"AWS_ENDPOINT_URL": object_store, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1"}
    for name, value in (names | {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}).items():
        monkeypatch.setenv(name, value)
    return object_store


@st.composite
def risk_tables(draw: st.DrawFn, outcomes: tuple[str, ...] = ("abandoned", "answered", "open")) -> pd.DataFrame:
    """A small risk table: duration_s, outcome, contacts (each pair at most once)."""
    keys = draw(
        st.lists(st.tuples(st.integers(0, 30), st.sampled_from(outcomes)), min_size=1, max_size=40, unique=True)
    )
    counts = draw(st.lists(st.integers(1, 12), min_size=len(keys), max_size=len(keys)))
    return pd.DataFrame(
        {"duration_s": [float(d) for d, _ in keys], "outcome": [o for _, o in keys], "contacts": counts}
    )
