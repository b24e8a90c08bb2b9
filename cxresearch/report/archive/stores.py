"""A folder elsewhere: an object store by obstore, any other address by fsspec, read and written by the names of its files."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from cxresearch.report.archive.again import again, is_lost_connection
from cxresearch.report.archive.deliver import DeliveryError, one_line
from cxresearch.report.archive.exact import BESIDE

OBJECT_STORES = {"s3": "s3", "s3a": "s3a", "gs": "gs", "gcs": "gs", "az": "az", "abfs": "abfs", "abfss": "abfss"}
_SAME = {"s3a": "s3", "abfs": "az", "abfss": "az"}  # schemes that lead to the same place
AT_ONCE = 16  # files fetched at the same time


class Kept(NamedTuple):
    """A file elsewhere: ``tag`` changes with its bytes, ``modified`` is by the clock of the store, None where it has none."""

    tag: str
    size: int
    modified: datetime | None


class ChangedMeanwhileError(Exception):
    """Somebody else wrote the file since it was looked at."""

    quiet = True


class Store(Protocol):
    """What a folder elsewhere can do. Names are relative, with slashes."""

    address: str

    def list(self, below: str = "") -> dict[str, Kept]: ...
    def read(self, names: Collection[str]) -> dict[str, bytes]: ...
    def put(self, name: str, path: Path) -> None: ...
    def put_text(self, name: str, text: str, *, instead_of: str | None) -> None:
        """Write the file where ``instead_of`` is still its tag (None: it is not there); ChangedMeanwhileError where not.
        A store that cannot hold to that writes it."""

    def remove(self, name: str) -> None: ...
    def tag(self, name: str) -> str | None: ...
    def where(self, name: str) -> str: ...


def open_store(address: str) -> Store:
    """The folder at ``address``; nothing is asked of it yet. Raises DeliveryError for an address that cannot be one."""
    check_address(address)
    try:
        if urlsplit(address).scheme in OBJECT_STORES:
            return _Bucket(address)
        return _Folder(address)
    except Exception as error:  # every store has errors of its own
        raise DeliveryError(f"{address} is no address that can be used: {one_line(str(error))[:300]}") from error


def check_address(address: str) -> None:
    """Raises DeliveryError for an address with a password in it."""
    if urlsplit(address).password:
        raise DeliveryError(
            "the address holds a password; give it by the environment, as the store's package reads it."
        )


def is_within(address: str, other: str) -> bool:
    """Whether ``address`` is ``other`` or lies below it: whoever may read the one may read both."""
    one, two = (_parts(text) for text in (address, other))
    return one[: len(two)] == two


def _parts(address: str) -> tuple[str, ...]:
    there = urlsplit(address)
    if there.scheme in ("", "file"):
        return ("file", *Path(there.path).resolve().parts)
    kind = OBJECT_STORES.get(there.scheme, there.scheme)
    return (_SAME.get(kind, kind), there.netloc, *filter(None, there.path.split("/")))


@dataclass
class _Bucket:
    """An object store. What may pass is tried again by obstore, which knows an answer from 500 on from a refusal."""

    address: str

    def __post_init__(self) -> None:
        # Imported here: a report that is only mailed does without.
        from obstore.store import from_url

        there = urlsplit(self.address)
        url = there._replace(scheme=OBJECT_STORES[there.scheme]).geturl().rstrip("/")
        retried = {"max_retries": 3, "retry_timeout": timedelta(seconds=60)}
        self._store: Any = from_url(url, retry_config=retried)  # type: ignore[call-overload]

    def list(self, below: str = "") -> dict[str, Kept]:
        found = (one for part in self._store.list(below or None) for one in part)
        return {
            one["path"]: Kept(str(one["e_tag"] or one["last_modified"]), one["size"], one["last_modified"])
            for one in found
        }

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        return _at_once(lambda name: bytes(self._store.get(name).bytes()), names)

    def put(self, name: str, path: Path) -> None:
        self._store.put(name, path)

    def put_text(self, name: str, text: str, *, instead_of: str | None) -> None:
        from obstore.exceptions import AlreadyExistsError, NotSupportedError, PreconditionError

        tag, _, version = (instead_of or "").partition("\n")
        seen = {key: value for key, value in (("e_tag", tag), ("version", version)) if value}
        try:
            self._store.put(name, text.encode(), mode=seen or "create")
        except (AlreadyExistsError, PreconditionError, FileNotFoundError) as error:
            raise ChangedMeanwhileError from error
        except NotSupportedError:
            self._store.put(name, text.encode())

    def remove(self, name: str) -> None:
        self._store.delete(name)

    def tag(self, name: str) -> str | None:
        with contextlib.suppress(FileNotFoundError):
            found = self._store.head(name)
            return f"{found['e_tag'] or ''}\n{found['version'] or ''}"
        return None

    def where(self, name: str) -> str:
        return f"{self.address.rstrip('/')}/{name}"


@dataclass
class _Folder:
    """Any other address. A lost connection is tried again; the last writer wins."""

    address: str

    def __post_init__(self) -> None:
        import fsspec

        # No list from before: another runner may have written since.
        self._system, root = fsspec.core.url_to_fs(self.address, use_listings_cache=False)
        self._root = root.rstrip("/")

    def list(self, below: str = "") -> dict[str, Kept]:
        root = f"{self._root}/{below}".rstrip("/")
        self._system.invalidate_cache()
        found = _retried(lambda: self._system.find(root, detail=True))
        return {self._name(str(path)): _kept(told) for path, told in found.items()}

    def read(self, names: Collection[str]) -> dict[str, bytes]:
        def one(name: str) -> bytes:
            return bytes(_retried(lambda: self._system.cat_file(self._path(name))))

        return {name: one(name) for name in names}

    def put(self, name: str, path: Path) -> None:
        self._system.makedirs(self._path(name).rsplit("/", 1)[0], exist_ok=True)
        _retried(lambda: self._system.put_file(str(path), self._path(name)))

    def put_text(self, name: str, text: str, *, instead_of: str | None) -> None:
        self._system.makedirs(self._path(name).rsplit("/", 1)[0], exist_ok=True)
        _retried(lambda: self._system.pipe_file(self._path(name), text.encode()))

    def remove(self, name: str) -> None:
        _retried(lambda: self._system.rm_file(self._path(name)))

    def tag(self, name: str) -> str | None:
        return None

    def where(self, name: str) -> str:
        return str(self._system.unstrip_protocol(self._path(name)))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _name(self, path: str) -> str:
        return path.split(self._root.lstrip("/") + "/", 1)[-1]


def _kept(told: Mapping[str, Any]) -> Kept:
    modified = next(
        (told[key] for key in ("last_modified", "LastModified", "mtime", "created", "modified") if key in told), None
    )
    if isinstance(modified, int | float):
        modified = datetime.fromtimestamp(modified)
    tag = next(
        (str(told[key]) for key in ("e_tag", "ETag", "etag", "md5") if told.get(key)), f"{told['size']} {modified}"
    )
    return Kept(tag, told["size"] or 0, modified if isinstance(modified, datetime) else None)


def _retried(act: Callable[[], Any]) -> Any:
    return again(act, is_lost_connection)


def _at_once(act: Callable[[str], bytes], names: Collection[str]) -> dict[str, bytes]:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(names, pool.map(act, names), strict=True))


# A run -------------------------------------------------------------------------------------------------------------


def store(folder: Path, address: str) -> str:
    """Copy a finished run to ``address``, the report itself last, and say where it stands.

    Parameters
    ----------
    folder : ``.../NAME/PERIOD`` with run.json; an absent report.html (a failed run) is allowed.
    address : any fsspec address, such as ``s3://bucket/reports``, ``memory://reports`` or a folder; the run comes to
        ``address/NAME/PERIOD``. Amazon's, Google's and Azure's stores are reached by obstore, with what the
        environment says (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, ...); other addresses need the package fsspec names.

    An object store knows no exchange of folders: what stood there is overwritten file by file, ``report.html`` after
    what belongs to it and ``run.json`` at the very end, so a reader who waits for run.json never meets half a run. Files
    of an older run that this one does not have are removed after that, and so is the attempt that failed before a run
    that did not. Raises DeliveryError.
    """
    folder = Path(folder)
    if not (folder / "run.json").is_file():
        raise DeliveryError(f"{folder} is no finished run: it has no run.json.")
    there, key = open_store(address), "/".join(folder.parts[-2:])
    try:
        names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
        names = [name for name in names if not name.startswith((f"{BESIDE}/", "."))]  # exact tables stay here
        last = [name for name in ("report.html", "run.json") if name in names]
        names = [*(n for n in names if n not in last), *last]
        for name in names:
            there.put(f"{key}/{name}", folder / name)
        failed = {} if key.endswith(".failed") else there.list(f"{key}.failed/")
        for name in there.list(f"{key}/") | failed:
            if name not in {f"{key}/{one}" for one in names}:
                there.remove(name)
    except Exception as error:  # every store has errors of its own
        raise DeliveryError(f"{folder.name} could not be stored at {address}: {one_line(str(error))[:300]}") from error
    return there.where(key)
