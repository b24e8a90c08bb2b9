"""Pseudonyms: what Python's own HMAC gives, under a key that is the user's, and no id or agent's name anywhere."""

from __future__ import annotations

import hmac
import os
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from cxresearch.contacts import LogError, key_fingerprint, load
from cxresearch.contacts.keys import NAME, give_key, key_file, pseudonym

ROWS = "contact_id,customer_key,agent_key,channel,opened_at,wait_s,outcome\n"


def _log(path: Path, rows: list[str]) -> Path:
    path.write_text(ROWS + "\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "key", ["sixteen letters.", "k" * 64, "longer than one block of SHA-256 " * 4, "schlüssel mit ümlauten"]
)
@pytest.mark.parametrize("text", ["4711", "", "Ä ö ß 客户", "x" * 300])
def test_the_engine_gives_what_the_standard_library_gives(key: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, key)
    engine = duckdb.connect()
    give_key(engine)
    found = engine.execute(f"SELECT {pseudonym('?')}", [text]).fetchone()
    assert found == (hmac.new(key.encode(), text.encode(), "sha256").hexdigest()[:16],)


def test_an_id_that_is_not_there_stays_unknown() -> None:
    engine = duckdb.connect()
    give_key(engine)
    assert engine.execute(f"SELECT {pseudonym('NULL::VARCHAR')}").fetchone() == (None,)


def test_text_parquet_and_frame_give_the_same_pseudonyms(tmp_path: Path) -> None:
    log = _log(
        tmp_path / "log.csv",
        ["1,4711,Dorit,phone,2026-10-05 09:00,5,answered", "2,4711,,phone,2026-10-05 09:05,7,abandoned"],
    )
    frame = pd.read_csv(log, dtype=str).assign(
        wait_s=[5.0, 7.0], opened_at=pd.to_datetime(["2026-10-05 09:00", "2026-10-05 09:05"])
    )
    frame.to_parquet(tmp_path / "log.parquet")
    key = os.environ[NAME].encode()
    for source in (log, tmp_path / "log.parquet", frame):
        rows = load(source).contacts.order("contact_id").df()
        assert rows["customer_key"].tolist() == [hmac.new(key, b"4711", "sha256").hexdigest()[:16]] * 2
        assert rows["agent_key"].iloc[0] == hmac.new(key, b"Dorit", "sha256").hexdigest()[:16]
        assert pd.isna(rows["agent_key"].iloc[1])


def test_another_key_reads_the_log_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = _log(tmp_path / "log.csv", ["1,4711,,phone,2026-10-05 09:00,5,answered"])
    before, first = key_fingerprint(), load(log).period("2026-10").contacts.df()["customer_key"].iloc[0]
    monkeypatch.setenv(NAME, "quite another key")
    assert key_fingerprint() != before
    assert load(log).period("2026-10").contacts.df()["customer_key"].iloc[0] != first


def test_no_name_is_in_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXRESEARCH_KEPT", str(tmp_path / "kept"))
    log = _log(
        tmp_path / "log.csv", [f"{i},customer-{i},Dorit,phone,2026-10-05 09:{i:02d},5,answered" for i in range(40)]
    )
    load(log).period("2026-10")
    kept = [path for path in (tmp_path / "kept").rglob("*") if path.is_file()]
    assert kept
    assert not any(b"Dorit" in path.read_bytes() or b"customer-1" in path.read_bytes() for path in kept)


def _fingerprint(home: Path, **more: str) -> str:
    environment = {k: v for k, v in os.environ.items() if k != NAME} | {
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        **more,
    }
    done = subprocess.run(
        [sys.executable, "-c", "from cxresearch.contacts.keys import *; print(key_fingerprint(), key_file())"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout or done.stderr


def test_a_key_that_nobody_named_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    first, second = _fingerprint(tmp_path), _fingerprint(tmp_path)
    assert first == second
    path = Path(first.split(maxsplit=1)[1].strip())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert path.read_text() not in first
    path.chmod(0o644)
    assert "chmod 600" in _fingerprint(tmp_path)


def test_where_no_file_can_be_made_the_key_is_the_process_own(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert len(_fingerprint(tmp_path, XDG_DATA_HOME=str(blocked)).split()[0]) == 12


def test_a_short_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "short")
    with pytest.raises(LogError, match="has 5 letters"):
        key_fingerprint()
    monkeypatch.delenv(NAME)
    assert key_file().name == "pseudonym.key"
