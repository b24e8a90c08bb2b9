"""Where each canonical column comes from, as a report's TOML and Python say it alike.

[columns]
opened_at = { column = ["Date", "Time"], format = "%d.%m.%Y %H:%M" }   # or "Opened", or { column = ..., zone = "UTC" }
wait_s    = { column = "Wait", unit = "min", decimal = "," }             # or { from = "Created", to = "Answered" }
outcome   = { column = "Status", words = { Lost = "abandoned" }, missing = "open" }
channel   = { value = "phone" }
reply     = "none"                                                       # a column of that name is not meant
rows      = { Direction = ["inbound"] }                                  # all other rows are set aside
            # or rows = { Master = { same_as = "Contact" } }: those where both say the same, or Master says nothing
encoding  = "latin-1"                                                    # and delimiter, skip: lines above the header
repeats   = "last"                                                       # of rows with one contact_id; keep, once, { newest = "Updated" }
unusable_up_to = 0.3                                                     # of the rows; more than 0.2 are refused
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cxresearch.contacts.canonical import CANONICAL, REQUIRED, WORDS, LogError, listed
from cxresearch.contacts.cells import NOTHING
from cxresearch.contacts.repeats import LAST
from cxresearch.contacts.repeats import RULES as REPEATS

DURATIONS = ("wait_s", "promised_s", "handle_s")
NUMBERS = (*DURATIONS, "value")
UNITS = ("s", "ms", "min", "h", "d", "hh:mm:ss", "hh:mm", "mm:ss", "iso8601")
LAYOUT = ("encoding", "delimiter", "skip")
_UNIT_WORDS = {
    "ms": "ms|msec|millis|milliseconds?|millisekunden", "min": "min|mins|minutes?|minuten",
    "h": "h|hrs?|hours?|std|stunden", "s": "s|secs?|seconds?|sek|sekunden|segundos|secondes", "d": "days|tage",
}  # fmt: skip
OFF = "none"
SET_ASIDE = "set aside"  # what a word of an outcome means that is no contact
YES_NO = ("true", "false")
_KEYS = {
    "column": (str, list, tuple), "value": (str, int, float, bool), "words": (Mapping,), "values": (Mapping,),
    "unit": (str,), "format": (str,), "zone": (str,), "decimal": (str,), "thousands": (str,), "from": (str,), "to": (str, list, tuple),
    "missing": (str,), "filled": (str,),
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Where one canonical column comes from; empty text says that nothing was said.

    ``columns`` of the log: none, one, or a date and a time. ``value``: the same for every row. ``words``: a word of the
    log, without regard to case and outer space, to its meaning; ``filled`` and ``missing`` what any word and no word
    mean. ``unit``, ``decimal`` and ``thousands`` of a number, ``format`` and ``zone`` of a time; ``start`` is the column of
    a time and ``ends`` those of later ones: the difference to the first that is filled is meant. ``plain``: every cell was
    found to be a number or a time that a cast reads (``cells.PLAIN_NUMBER``, ``PLAIN_TIME``).
    """

    columns: tuple[str, ...] = ()
    value: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    format: str = ""
    zone: str = ""
    decimal: str = ""
    thousands: str = ""
    start: str = ""
    ends: tuple[str, ...] = ()
    missing: str = ""
    filled: str = ""
    plain: bool = False

    @property
    def read(self) -> tuple[str, ...]:
        """The columns of the log that it reads."""
        return (*self.columns, *((self.start,) if self.start else ()), *self.ends)


@dataclass(frozen=True)
class LogMapping:
    """``sources`` by canonical column, columns that are ``off``, the words by which ``rows`` are chosen, those that must be
    the ``same`` as another, the layout, and what ``repeats.without_repeats`` does, ``newest`` by which column;
    ``unusable_up_to`` is the share of rows that may be unusable before a period is refused."""

    sources: Mapping[str, Source] = field(default_factory=dict)
    off: frozenset[str] = frozenset()
    rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    same: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None
    skip: int | None = None
    repeats: str = ""
    newest: str = ""
    unusable_up_to: float = 0.2

    @property
    def layout(self) -> dict[str, Any]:
        """What is said of the files themselves."""
        return {"encoding": self.encoding, "delimiter": self.delimiter, "skip": self.skip}


def parse_mapping(given: Mapping[str, Any] | None) -> LogMapping:
    """A mapping as it was written; LogError names the key that is wrong and what could stand there."""
    given = dict(given or {})
    layout = {key: given.pop(key) for key in LAYOUT if key in given}
    rows, repeats, limit = given.pop("rows", {}), given.pop("repeats", ""), given.pop("unusable_up_to", 0.2)
    if not isinstance(limit, int | float) or isinstance(limit, bool) or not 0 <= limit <= 1:
        raise LogError(f"columns: unusable_up_to = {limit!r} is no share of rows; write one from 0 to 1, such as 0.3.")
    unknown = sorted(set(given) - set(CANONICAL))
    if unknown:
        near = meant(unknown[0], CANONICAL)
        raise LogError(
            f"columns names {listed(unknown)}{near}; the canonical columns are {', '.join(CANONICAL)}; beside them "
            f"there are rows, repeats, unusable_up_to, {', '.join(LAYOUT)}."
        )
    off = frozenset(name for name, said in given.items() if said == OFF or said == {"column": OFF})
    if lost := sorted(off & set(REQUIRED)):
        raise LogError(f'{lost[0]} = "{OFF}": a log without {lost[0]} says nothing of waiting; name its column.')
    return LogMapping(
        sources={name: _source(name, said) for name, said in given.items() if name not in off},
        off=off, rows=_rows(rows), same=_same(rows), **_repeats(repeats), unusable_up_to=float(limit), **_layout(layout),
    )  # fmt: skip


def _source(name: str, said: Any) -> Source:
    if isinstance(said, str):
        said = {"column": said}
    if not isinstance(said, Mapping):
        raise LogError(f'columns: {name} = {said!r} is no column; write {name} = "Column of the log".')
    for key, value in said.items():
        if key not in _KEYS:
            raise LogError(f"columns: {name} has {key!r}{meant(key, _KEYS)}; there are {', '.join(_KEYS)}.")
        if not isinstance(value, _KEYS[key]):
            raise LogError(f"columns: {name}: {key} = {value!r} is not what can stand there.")
        if key not in _keys_of(name):
            raise LogError(f"columns: {name} takes no {key}; it takes {', '.join(_keys_of(name))}.")
    if said.get("missing", "open") != "open" and name in DURATIONS:
        raise LogError(f'columns: {name}: missing = "open" says that nobody has answered yet; got {said["missing"]!r}.')
    two = "from" in said or "to" in said
    if two and not (name in DURATIONS and {"from", "to"} <= set(said)):
        raise LogError(
            f'columns: {name}: write both, {{ from = "Created", to = "Answered" }}, and for a time span only.'
        )
    if ("column" in said) + two + ("value" in said) > 1:
        raise LogError(f"columns: {name} has two sources; write column, or value, or from and to.")
    columns = said.get("column", ())
    columns = (columns,) if isinstance(columns, str) else tuple(columns)
    if len(columns) > 1 and (name != "opened_at" or len(columns) > 2):
        raise LogError(f"columns: {name} takes one column; opened_at may take a date and a time.")
    unit = said.get("unit", "")
    if unit and (name not in DURATIONS or unit not in UNITS):
        raise LogError(f"columns: {name}: unit = {unit!r}; a time span takes {', '.join(UNITS)}.")
    words = {**said.get("values", {}), **said.get("words", {})}
    known = (*WORDS[name], SET_ASIDE) if name == "outcome" else WORDS.get(name, YES_NO if name == "queued" else ())
    meanings = [
        *map(str, words.values()),
        *(said[key] for key in ("missing", "filled") if key in said and name in WORDS),
    ]
    if known and (wrong := sorted(set(meanings) - set(known))):
        raise LogError(f"columns: {name}: {wrong[0]!r} is no word of {name}; they are {', '.join(known)}.")
    value = said.get("value")
    # A word for nothing is read as an empty cell.
    nothing = next(
        (str(means) for word, means in words.items() if re.fullmatch(NOTHING, str(word).strip(), re.IGNORECASE)), ""
    )
    return Source(
        columns=columns, value=None if value is None else str(value).lower() if isinstance(value, bool) else str(value),
        words={str(k).strip().casefold(): str(v) for k, v in words.items()}, unit=unit,
        start=said.get("from", ""), ends=(said["to"],) if isinstance(said.get("to"), str) else tuple(said.get("to", ())),
        missing=said.get("missing", nothing),
        **{key: said.get(key, "") for key in ("format", "zone", "decimal", "thousands", "filled")},
    )  # fmt: skip


def _keys_of(name: str) -> tuple[str, ...]:
    """What can be said of a column."""
    if name in (*WORDS, "queued", "queue"):
        return ("column", "value", "words", "values", "missing", "filled")
    if name in DURATIONS:
        waits = ("missing",) if name == "wait_s" else ()
        return ("column", "value", "unit", "decimal", "thousands", "from", "to", "format", "zone", *waits)
    return (
        "column",
        *{"opened_at": ("format", "zone"), "value": ("value", "decimal", "thousands")}.get(name, ("value",)),
    )


def _rows(given: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(given, Mapping):
        raise LogError(
            f'columns: rows = {given!r}; write rows = {{ Direction = ["inbound"] }}: a column and its words.'
        )
    kept = {}
    for column, words in given.items():
        if isinstance(words, Mapping):
            continue
        words = [words] if isinstance(words, str) else words
        if not isinstance(words, Sequence) or not words:
            raise LogError(f'columns: rows: {column} = {words!r}; write {column} = ["word", ...].')
        kept[str(column)] = tuple(str(word).strip().casefold() for word in words)
    return kept


def _repeats(given: Any) -> dict[str, Any]:
    if given in ("", *REPEATS):
        return {"repeats": given}
    if isinstance(given, Mapping) and list(given) == ["newest"] and isinstance(given["newest"], str):
        return {"repeats": LAST, "newest": given["newest"]}
    raise LogError(
        f'columns: repeats = {given!r}; write one of {", ".join(map(repr, REPEATS))}, or {{ newest = "Updated at" }}.'
    )


def _same(given: Mapping[str, Any]) -> dict[str, str]:
    """Columns of ``rows`` that must be the same as another one of their row: ``{ same_as = "Contact" }``."""
    said = {column: value for column, value in given.items() if isinstance(value, Mapping)}
    for column, value in said.items():
        if set(value) != {"same_as"} or not isinstance(value["same_as"], str):
            raise LogError(f'columns: rows: {column} = {value!r}; write {column} = {{ same_as = "Other column" }}.')
    return {str(column): value["same_as"] for column, value in said.items()}


def _layout(given: Mapping[str, Any]) -> dict[str, Any]:
    for key, kind in (("encoding", str), ("delimiter", str), ("skip", int)):
        if key in given and (not isinstance(given[key], kind) or isinstance(given[key], bool)):
            raise LogError(f"columns: {key} = {given[key]!r} is no {'number of lines' if kind is int else 'text'}.")
    if len(given.get("delimiter", ",")) != 1 or given.get("skip", 0) < 0:
        raise LogError("columns: delimiter is one character, skip a number of lines from 0.")
    return dict(given)


def meant(word: str, known: Iterable[str]) -> str:
    """``" (did you mean ...?)"`` where a known word is near."""
    folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.7)
    return f" (did you mean {folded[near[0]]!r}?)" if near else ""


def quoted(text: str) -> str:
    """A text as TOML and Python write it."""
    return json.dumps(text, ensure_ascii=False)


def to_toml(value: Any) -> str:
    """A value as TOML writes it, in one line."""
    if isinstance(value, Mapping):
        keys = (str(key) if re.fullmatch("[A-Za-z0-9_-]+", str(key)) else quoted(str(key)) for key in value)
        return "{ " + ", ".join(f"{key} = {to_toml(one)}" for key, one in zip(keys, value.values(), strict=True)) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(to_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def written(name: str, source: Source, **changed: Any) -> str:
    """The line to paste into a report's TOML: what is known of a column, and what is ``changed`` of it."""
    said: dict[str, Any] = {}
    if source.columns:
        said["column"] = source.columns[0] if len(source.columns) == 1 else list(source.columns)
    if source.start:
        said |= {"from": source.start, "to": source.ends[0] if len(source.ends) == 1 else list(source.ends)}
    said |= {"value": source.value} if source.value is not None else {}
    said |= {"words": dict(source.words)} if source.words else {}
    own = {key: getattr(source, key) for key in ("unit", "format", "zone", "decimal", "thousands", "missing", "filled")}
    said |= {key: value for key, value in own.items() if value and "\n" not in value}
    return f"{name} = {to_toml({**said, **changed})}"


def unit_named(column: str) -> str:
    """The unit that a column's own name says: ``Wait (min)``, ``wait_ms``, ``waitSeconds``; empty where it says none."""
    if clock := re.search(r"\b(hh?:mm:ss|mm:ss|hh:mm)\b", column.casefold()):
        return clock[1] if clock[1] in UNITS else "hh:mm:ss"
    words = re.sub(r"[^a-zäöü]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column).casefold())
    return next((unit for unit, pattern in _UNIT_WORDS.items() if re.search(rf"\b({pattern})\b", words)), "")


def name_of(name: str) -> str:
    """A column's name as it is compared: without regard to case, outer space, and blank or underscore."""
    return " ".join(name.replace("_", " ").split()).casefold()


def find_column(name: str, names: Sequence[str]) -> str | None:
    """The column of a log that is meant by ``name``: as it stands, else as it is compared; None where there is none.

    Raises LogError where two columns fit.
    """
    if name in names:
        return name
    fitting = [one for one in names if name_of(one) == name_of(name)]
    if len(fitting) > 1:
        raise LogError(f"{name!r} could be {' or '.join(map(repr, fitting))}; write it as it stands.")
    return fitting[0] if fitting else None
