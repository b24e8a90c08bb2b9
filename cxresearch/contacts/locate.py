"""Where a log lies: files, folders in folders, patterns and addresses to one list of files."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Any

from cxresearch.contacts.canonical import LogError
from cxresearch.contacts.places import SUFFIXES, Place, is_address, is_hidden, refuse_tables
from cxresearch.contacts.remote import fetch

_HIDDEN = "hidden, or in a folder that begins with . or _"


def find_places(source: Any) -> list[Place]:
    """The files of a path, a pattern, an address, or a list of them. Raises LogError where there are none."""
    found: dict[str, Place] = {}
    for name in [source] if isinstance(source, str | Path) else source:
        for place in _fetched(str(name)) if is_address(name) else _local(str(name)):
            found.setdefault(place.name, place)
    if all(place.left_out for place in found.values()):
        why = f"all files are {_HIDDEN}" if found else f"no file ends in {', '.join(SUFFIXES)}"
        raise LogError(f"no contact log in {source}: {why}.")
    return list(found.values())


def _fetched(address: str) -> list[Place]:
    listed, copies = fetch(address)
    return [Place(copy.path, name, named=not listed, copy=copy) for name, copy in copies.items()]


def _local(name: str) -> list[Place]:
    paths = [Path(name)] if Path(name).exists() else [Path(hit) for hit in sorted(glob.glob(name, recursive=True))]
    folders = [path for path in paths if path.is_dir()]
    inside = [place for folder in folders for place in _in_folder(folder)]
    files = [path for path in paths if path not in folders and not any(f in path.parents for f in folders)]
    if not paths:
        files = [Path(name)]
    for path in files:
        if not path.is_file():
            if "@" in name and ":/" in name:  # an address that nobody knows may hold a password
                raise LogError(
                    f"{name.split(':')[0]}: is no address that can be read; see docs/own-log.md for those that can."
                )
            raise LogError(f"there is no file {path} (looked from {Path.cwd()}). Check the name given as log.")
    return [*inside, *(Place(path, str(path), named=True) for path in files)]


def _in_folder(folder: Path) -> list[Place]:
    """What a folder and the folders in it hold. Tables whose files hold rows that were deleted are refused."""
    places = []
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    refuse_tables(str(folder), [path.as_posix() for path in paths])
    for path in paths:
        if path.name.lower().endswith(SUFFIXES):
            hidden = is_hidden(path.relative_to(folder).parts)
            places.append(Place(path, str(path), named=False, left_out=_HIDDEN if hidden else ""))
    return places
