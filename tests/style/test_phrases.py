"""What notebooks and exhibits say, in the other languages: nothing is missing, nothing is left over, the values are the same."""

from __future__ import annotations

import ast
import string
import tomllib
from pathlib import Path

import nbformat
import pytest

from cxresearch.contacts import parse_period
from cxresearch.style import format_interval, format_value, languages, phrase

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "cxresearch" / "style" / "phrases").glob("*.toml"))
PHRASES = [row for file in FILES for row in tomllib.loads(file.read_text(encoding="utf-8"))["phrase"]]
OTHERS = [language for language in languages() if language != "en"]


def told_in_code() -> set[str]:
    """The sentences that the code gives to ``phrase``."""
    found = set()
    for path in sorted((ROOT / "cxresearch").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "phrase":
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    found.add(str(first.value))
    return found


def test_every_sentence_of_the_code_is_there_in_every_language():
    known = {row["en"] for row in PHRASES}
    assert told_in_code() - known == set()


@pytest.mark.parametrize("language", OTHERS)
def test_a_phrase_has_every_language_and_the_same_values(language):
    def values(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    used = told_in_code()
    for row in PHRASES:
        assert row.get(language, "").strip(), row["en"]
        if row["en"] in used:
            assert values(row[language]) == values(row["en"]), row["en"]


def test_no_phrase_is_told_twice():
    told = [row["en"] for row in PHRASES]
    assert sorted({text for text in told if told.count(text) > 1}) == []


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")), ids=lambda path: path.stem)
def test_the_prose_of_a_notebook_is_whole_in_every_language_or_in_none(path):
    known = {row["en"] for row in PHRASES}
    prose = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown"]
    missing = [text for text in prose if text not in known]
    assert missing in ([], prose), "a page in two languages reads badly"


def test_numbers_and_periods_are_said_in_the_language_of_the_report(monkeypatch):
    monkeypatch.setenv("CXRESEARCH_LANGUAGE", "pl")
    assert format_value(0.2194, "share") == "21,9%"
    assert format_interval(1000, 2500.0, "count") == "od 1\u00a0000 do 2\u00a0500"
    assert parse_period("1999-02").label == "luty 1999"
    assert phrase("Lower") == "Dolna granica"
    assert phrase("nobody has translated {this}", this=1) == "nobody has translated 1"
    monkeypatch.delenv("CXRESEARCH_LANGUAGE")
    assert phrase("Lower") == "Lower"
