"""The key under which ids become pseudonyms: without it nobody can try out ids until one fits."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

import duckdb
import platformdirs

from cxresearch.contacts.canonical import LogError

NAME = "CXRESEARCH_KEY"
_SHORTEST = 16
_BLOCK = 64  # bytes of a SHA-256 block: what RFC 2104 pads the key to


def pseudonym_key() -> bytes:
    """The key: of the environment, else of a file closed to others, which is made on first use.

    Where no file can be made (a home that cannot be written to) the key is this process's own, and that of the processes
    that it starts. Raises LogError for a short key and for a file that others can read.
    """
    if given := os.environ.get(NAME):
        if len(given) < _SHORTEST:
            raise LogError(f"{NAME} has {len(given)} letters; a key that nobody guesses has {_SHORTEST} or more.")
        return given.encode()
    path = key_file()
    try:
        if not path.exists():
            _write_new(path)
        if path.stat().st_mode & 0o077:
            raise LogError(f"{path} can be read by others, and with it who a customer is: chmod 600 {path}")
        if len(key := path.read_bytes().strip()) >= _SHORTEST:
            return key
        raise LogError(f"{path} holds no key; remove it, and another one is made.")
    except OSError:
        os.environ[NAME] = secrets.token_hex(32)
        return os.environ[NAME].encode()


def key_file() -> Path:
    """Where the key is kept that nobody named."""
    return platformdirs.user_data_path("cxresearch") / "pseudonym.key"


def key_fingerprint() -> str:
    """Which key it is, without telling it: pseudonyms of two periods can be compared where it is the same."""
    return hmac.digest(pseudonym_key(), b"cxresearch: which key", "sha256").hex()[:12]


def give_key(engine: duckdb.DuckDBPyConnection) -> None:
    """Tell the engine the key for :func:`pseudonym`; no query holds it."""
    key = pseudonym_key()
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    for name, pad in (("inner", 0x36), ("outer", 0x5C)):
        padded = bytes(byte ^ pad for byte in block).hex()
        engine.execute(f"SET VARIABLE cxresearch_{name} = unhex('{padded}')")


def pseudonym(text: str) -> str:
    """An expression for the engine: the first 16 hex digits of the HMAC-SHA256 (RFC 2104) of a text; NULL stays NULL."""
    inner = f"unhex(sha256(getvariable('cxresearch_inner') || encode({text})))"
    return f"left(sha256(getvariable('cxresearch_outer') || {inner}), 16)"


def _write_new(path: Path) -> None:
    """A new key under its whole name at once: of two processes one's key stands for both."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    own = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
        with contextlib.suppress(FileExistsError):
            os.link(own, path)
    finally:
        own.unlink()
