"""Committed facts are the ones the manifest names, and every table says what its columns mean."""

from __future__ import annotations

import csv
import hashlib
import tomllib
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[1] / "data"
MANIFEST = tomllib.loads((DATA / "manifest.toml").read_text(encoding="utf-8"))
TABLES = sorted(p.relative_to(DATA).as_posix() for p in [*DATA.glob("*.csv"), *(DATA / "evidence").glob("*.csv")])


def test_the_manifest_names_every_table_and_no_other():
    assert sorted(MANIFEST) == TABLES


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_the_one_that_was_recorded(name):
    entry = MANIFEST[name]
    assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == entry["sha256"], "update data/manifest.toml"
    assert all(entry[key] for key in ("what", "producer", "licence"))


@pytest.mark.parametrize("name", TABLES)
def test_every_column_is_in_the_dictionary(name):
    with (DATA / name).open(encoding="utf-8", newline="") as table:
        columns = next(csv.reader(table))
    with (DATA / "dictionary" / Path(name).name).open(encoding="utf-8", newline="") as dictionary:
        described = {row["column"]: row for row in csv.DictReader(dictionary)}
    assert list(described) == columns
    assert all(row["meaning"] for row in described.values())
