"""Files behind an address, of a web server or an object store: fetched once, whole, into a private copy."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cxresearch.contacts.canonical import LogError
from cxresearch.contacts.memory import fetched_once
from cxresearch.contacts.places import SUFFIXES, Copy, is_hidden, refuse_tables

WEB = ("http", "https")
STORES = ("s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "adl")
_SECRET = re.compile(
    r"(?i)signature|sig$|token|password|passwd|secret|credential|api[-_]?key|access[-_]?key|^(key|auth|code|sas)$"
)
_PART = 1 << 20
_RETRY: Any = {"max_retries": 3, "retry_timeout": timedelta(seconds=60)}


def refuse_secrets(address: str, *, instead: str) -> None:
    """Raise LogError for a password, a token or a signature in an address: it would stand in run.json and on the page."""
    parts = urlsplit(address)
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    secrets = [key for key, _ in parse_qsl(parts.query, keep_blank_values=True) if _SECRET.search(key)]
    who = parts.netloc.rpartition("@")[0]
    # A user's name stands in the address of a database; elsewhere a name alone is a token.
    if ":" in who or (who and parts.scheme.lower() in (*WEB, *STORES)):
        raise LogError(f"{shown}: a password stands in the address. Take it out; {instead}.")
    if secrets:
        raise LogError(f"{shown}: {secrets[0]} in the address is a secret. Take it out; {instead}.")


def fetch(address: str) -> tuple[bool, dict[str, Copy]]:
    """Whether the files were found in a listing, and address of each file -> its copy.

    Within a report the first to ask fetches; without one, everybody does. Raises LogError, in one sentence.
    """
    scheme = address.split("://")[0].lower()
    if scheme not in (*WEB, *STORES):
        raise LogError(
            f"{scheme}:// is no address that can be read; there are {', '.join((*WEB, *STORES))}, postgresql."
        )
    refuse_secrets(address, instead="the key of an object store is read from the environment (AWS_ACCESS_KEY_ID ...)")
    folder, facts = fetched_once(address, lambda target: _fetched(address, scheme, target))
    return facts["listed"], {
        name: Copy(folder / path, facts["fetched_utc"], etag) for name, path, etag in facts["files"]
    }


def _fetched(address: str, scheme: str, target: Path) -> dict[str, Any]:
    from obstore.exceptions import BaseError  # not for who reads files
    from obstore.store import HTTPStore, from_url

    begun = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        if scheme in WEB:
            store: Any = HTTPStore.from_url(address, client_options={"allow_http": True}, retry_config=_RETRY)
            name = unquote(urlsplit(address).path)
            files = [(address, *_copied(store, "", name, target / "0", address))]
            return {"fetched_utc": begun, "listed": False, "files": files}
        bucket, _, key = address.split("://", 1)[1].partition("/")
        root = f"{address.split('://')[0]}://{bucket}"
        store = from_url(root, retry_config=_RETRY)
        keys, listed = _keys(store, key)
        if not keys:
            raise LogError(f"no contact log in {address}: no object ends in {', '.join(SUFFIXES)}.")
        files = [
            (f"{root}/{one}", *_copied(store, one, one, target / str(number), f"{root}/{one}"))
            for number, one in enumerate(keys)
        ]
    except (BaseError, OSError, ValueError) as error:
        if isinstance(error, LogError):
            raise
        raise LogError(f"cannot read {address}: {_sentence(error)}") from error
    return {"fetched_utc": begun, "listed": listed, "files": files}


def _keys(store: Any, key: str) -> tuple[list[str], bool]:
    """The objects that a key, a pattern or a folder names, and whether it was a folder."""
    parts = key.strip("/").split("/")
    fixed = next((n for n, part in enumerate(parts) if set(part) & set("*?[")), None)
    if fixed is not None:
        there = _listed(store, "/".join(parts[:fixed]))
        return [one for one in there if _fits(one.split("/"), parts) and one.lower().endswith(SUFFIXES)], False
    if key and not key.endswith("/"):
        try:
            return [store.head(key)["path"]], False
        except FileNotFoundError:
            pass
    there = _listed(store, key.strip("/"))
    refuse_tables(key or "the bucket", there)
    inside = [one for one in there if one.lower().endswith(SUFFIXES)]
    start = len(key.strip("/"))
    return [one for one in inside if not is_hidden(one[start:].strip("/").split("/"))], True


def _listed(store: Any, prefix: str) -> list[str]:
    return sorted(entry["path"] for batch in store.list(prefix or None) for entry in batch)


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a path has the form of a pattern; ``**`` stands for any number of folders."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return _fits(parts, pattern[1:]) or (bool(parts) and _fits(parts[1:], pattern))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def _copied(store: Any, key: str, name: str, folder: Path, address: str) -> tuple[str, str]:
    """One object, whole: its place below the copy and the server's mark of it."""
    base = name.rsplit("/", 1)[-1]
    if not base.lower().endswith(SUFFIXES):
        raise LogError(f"{address}: the log's files end in {', '.join(SUFFIXES)}.")
    found = store.get(key)
    if found.attributes.get("Content-Encoding") == "gzip" and not base.lower().endswith(".gz"):
        base += ".gz"
    folder.mkdir()
    with (folder / base).open("wb") as copy:
        for part in found.stream(min_chunk_size=_PART):
            copy.write(part)
    length = (folder / base).stat().st_size
    if length != found.meta["size"]:
        raise LogError(f"cannot read {address}: {length:,} of {found.meta['size']:,} bytes came. Try again.")
    return f"{folder.name}/{base}", found.meta["e_tag"] or ""


def _sentence(error: Exception) -> str:
    """What a server said, without its page and without the store's own words."""
    text = str(error)
    status = re.search(r"status code: (\d{3} [A-Za-z ]+)", text)
    if isinstance(error, FileNotFoundError):
        return "it is not there. Check the address."
    if (
        isinstance(error, PermissionError)
        or "PermissionDenied" in type(error).__name__
        or "Unauthenticated" in type(error).__name__
    ):
        return f"the server does not allow it ({status[1].strip() if status else 'no rights'}). Check the keys in the environment."
    if "169.254." in text or "metadata.google" in text:  # where a machine in a cloud asks for its own keys
        return "there are no keys for it in the environment (AWS_ACCESS_KEY_ID and the others)."
    if "Content-Length" in text:
        return "the server does not say how long the file is, so nobody could tell whether it came whole. Fetch it yourself."
    if "Interrupted" in text or "body error" in text or "Range request" in text:  # it was asked for the rest
        return "the connection ended before the file did. Try again."
    if "Connect" in text or "dns" in text.lower():
        return "there is no connection to the server. Check the address."
    return " ".join(text.split("\n")[0].split())[:200].rstrip(". ") + "."
