"""The executives' part of a report speaks as docs/words.md has it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXECUTIVE = ("05-executive-summary", "06-what-to-do-first")


def not_used() -> list[str]:
    """The words that the page says are not used above the appendix."""
    page = (ROOT / "docs" / "words.md").read_text(encoding="utf-8")
    listed = re.search(r"Above the appendix: ([^.]+)\.", page)
    return [word.strip() for word in listed[1].replace("\n", " ").split(",")]


def prose(name: str) -> list[str]:
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]


def test_the_page_names_words():
    assert {"hazard", "p-value", "significant", "bootstrap"} <= set(not_used())


@pytest.mark.parametrize("name", EXECUTIVE)
def test_the_summary_has_no_jargon(name):
    found = {
        word for text in prose(name) for word in not_used() if re.search(rf"\b{re.escape(word)}", text, re.IGNORECASE)
    }
    assert not found


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")), ids=lambda path: path.stem)
def test_a_sentence_of_a_notebook_has_one_message(path):
    for text in prose(path.stem):
        plain = re.sub(r"`[^`]*`|\[([^\]]*)\]\([^)]*\)", r"\1", text)
        for line in plain.splitlines():
            for sentence in re.split(r"(?<=[.!?])\s+|(?<=[:;])\s+", line):
                assert len(sentence.split()) <= 40, sentence
