"""What the words of a survey mean, as a report's TOML and Python say it alike.

[survey]
items = { email = { column = "Q3", choice = "E-mail", claim = "C003-09" } }  # a 0/1 column; the cited finding beside it
asked = { Q3 = { Q1 = "Yes" }, Q5 = "all" }        # who was asked what leaves nothing unless ticked; or "answered"
choices = { Q7 = ["E-mail", "Phone, or fax"] }       # the choices of a cell such as "E-mail, Phone, or fax"
missing = { Q8 = ["Refused"] }                       # answers that are none
targets = { age = { "18-34" = 0.3, "35+" = 0.7 } }   # what is known of everybody, to weight to
people = "customers of ours with a problem"          # who was asked, in words
encoding = "latin-1"                                 # and delimiter
"""

from __future__ import annotations

import codecs
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cxresearch.contacts import quoted

KEYS = ("items", "asked", "choices", "missing", "targets", "people", "encoding", "delimiter")
ALL = "all"
ANSWERED = "answered"
ONLY_ANSWERED: Mapping[str, tuple[str, ...]] = {ANSWERED: ()}


class SurveyError(ValueError):
    """A survey that cannot be used as it is; the message says where, how many rows, and what to do."""


class SurveyQuestionError(SurveyError):
    """A survey that can be read in two ways; the message says which, and the lines to paste."""


@dataclass(frozen=True)
class ItemSource:
    """Where an item comes from: ``choice`` are the answers of ``column`` that count as 1; none where it holds 0 and 1."""

    column: str
    choice: tuple[str, ...] = ()
    label: str = ""
    claim: str = ""


@dataclass(frozen=True)
class SurveyMapping:
    """A checked ``[survey]``; see the module. Of ``asked`` an empty mapping says that everybody was asked, and
    ``ONLY_ANSWERED`` that nobody was who left nothing."""

    items: Mapping[str, ItemSource] = field(default_factory=dict)
    asked: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    targets: Mapping[str, Mapping[Any, float]] = field(default_factory=dict)
    people: str = ""
    encoding: str | None = None
    delimiter: str | None = None


def parse_survey(given: Mapping[str, Any] | None) -> SurveyMapping:
    """A mapping as it was written; SurveyError names the key that is wrong and what could stand there."""
    given = dict(given or {})
    for key in given:
        if key not in KEYS:
            raise SurveyError(f"survey: there is no key {key!r}{meant(key, KEYS)}; there are {', '.join(KEYS)}.")
    for key in ("items", "asked", "choices", "missing", "targets"):
        if not isinstance(given.get(key, {}), Mapping):
            raise SurveyError(f"survey: {key} = {given[key]!r} is no table; see docs/own-survey.md.")
    for key in ("people", "encoding", "delimiter"):
        if not isinstance(given.get(key, ""), str):
            raise SurveyError(f"survey: {key} = {given[key]!r} is no text.")
    if len(given.get("delimiter", ",")) != 1:
        raise SurveyError(f'survey: delimiter = {given["delimiter"]!r}; write one character, such as ";".')
    try:
        codecs.lookup(given.get("encoding", "utf-8"))
    except LookupError as error:
        raise SurveyError(
            f'survey: there is no encoding {given["encoding"]!r}; write for example encoding = "latin-1".'
        ) from error
    return SurveyMapping(
        items={name: _item(name, said) for name, said in given.get("items", {}).items()},
        asked={name: _asked(name, said) for name, said in given.get("asked", {}).items()},
        choices={name: _words("choices", name, said) for name, said in given.get("choices", {}).items()},
        missing={name: _words("missing", name, said) for name, said in given.get("missing", {}).items()},
        targets={name: _target(name, said) for name, said in given.get("targets", {}).items()},
        people=given.get("people", ""), encoding=given.get("encoding"), delimiter=given.get("delimiter"),
    )  # fmt: skip


def _item(name: str, said: Any) -> ItemSource:
    if not str(name).isidentifier():
        raise SurveyError(f"survey: an item is called by letters, digits and _; {name!r} is not. Give a label besides.")
    if isinstance(said, str):
        said = {"column": said}
    if not isinstance(said, Mapping) or not isinstance(said.get("column"), str):
        raise SurveyError(f'survey: items: {name} = {said!r}; write {name} = {{ column = "Q3", choice = "E-mail" }}.')
    known = ("column", "choice", "label", "claim")
    for key, value in said.items():
        if key not in known:
            raise SurveyError(f"survey: items: {name} has {key!r}{meant(key, known)}; there are {', '.join(known)}.")
        if key != "choice" and not isinstance(value, str):
            raise SurveyError(f"survey: items: {name}: {key} = {value!r} is no text.")
    choice = _words("items", f"{name}: choice", said["choice"]) if "choice" in said else ()
    return ItemSource(said["column"], choice, said.get("label", ""), said.get("claim", ""))


def _asked(name: str, said: Any) -> Mapping[str, tuple[str, ...]]:
    if said in (ALL, ANSWERED):
        return {} if said == ALL else ONLY_ANSWERED
    if not isinstance(said, Mapping) or not said:
        raise SurveyError(
            f'survey: asked: {name} = {said!r}; write {quoted(name)} = {{ "Q1" = "Yes" }}: those who answered so were '
            f'asked, or {quoted(name)} = "all"; "answered" says that only those were who ticked.'
        )
    return {str(column): _words("asked", f"{name}: {column}", words) for column, words in said.items()}


def _words(key: str, name: str, said: Any) -> tuple[str, ...]:
    words = said if isinstance(said, list | tuple) else [said]
    if not words or not all(isinstance(word, str | int | float) and str(word).strip() for word in words):
        raise SurveyError(f'survey: {key}: {name} = {said!r}; write a word or several: ["Yes", "Often"].')
    return tuple(as_word(word) for word in words)


def _target(name: str, said: Any) -> Mapping[Any, float]:
    if not isinstance(said, Mapping) or not all(type(value) in (int, float) for value in said.values()):
        raise SurveyError(
            f'survey: targets: {name} = {said!r}; write {quoted(name)} = {{ "under 35" = 0.3, "35 and over" = 0.7 }}.'
        )
    return {as_word(level): float(value) for level, value in said.items()}


def as_word(cell: Any) -> str:
    """A cell as words are compared with it: 1.0 is ``1``, outer space does not count."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return " ".join(str(cell).split())


def meant(word: str, known: Iterable[str]) -> str:
    """``" (did you mean ...?)"`` where a known word is near; ``w`` is near to ``ww``."""
    folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(str(word).casefold(), folded, n=1, cutoff=0.6)
    return f" (did you mean {folded[near[0]]!r}?)" if near else ""
