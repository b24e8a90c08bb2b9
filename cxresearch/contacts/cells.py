"""What a cell of a log says, as an expression for the engine: a number, a time span, a moment, yes or no, a key.

Every expression gives NULL for a cell that it cannot read, and none reads a cell that it does not cover: "1,897" is no
number before somebody has said what the comma is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cxresearch.contacts.canonical import sql_text
from cxresearch.contacts.keys import pseudonym

SECONDS = {"s": 1.0, "ms": 0.001, "min": 60.0, "h": 3600.0}
# A cell that carries its unit: "99 s", "2 min", "1 h 5 min".
_CARRIED = {
    "86400": "d|day|days|tag|tage", "3600": "h|hr|hrs|hour|hours|std|stunde|stunden",
    "60": "m|min|mins|minute|minutes|minuten", "1": "s|sec|secs|second|seconds|sek|sekunde|sekunden",
    "0.001": "ms|msec|millisecond|milliseconds",
}  # fmt: skip
_ONE = rf"\d+([.]\d+)?\s*({'|'.join(_CARRIED.values())})"
CARRIED = rf"(?i)-?{_ONE}([ ,]+(and )?{_ONE})*|(?i)\d+h(\s*\d+m)?(\s*\d+(\.\d+)?s)?|(?i)\d+m(\s*\d+(\.\d+)?s)"
CLOCK3 = r"-?(\d+[. ])?\d+:[0-5]?\d:[0-5]?\d([.,]\d+)?"
CLOCK2 = r"-?\d+:[0-5]\d([.,]\d+)?"
ISO_SPAN = r"-?P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?"
ISO_LOCAL = r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?)?"
ISO_ZONED = rf"{ISO_LOCAL} ?(Z|UTC|GMT|[+-]\d{{2}}(:?\d{{2}})?)"
# What can be read in one way only, and by a plain cast.
PLAIN_NUMBER = r"-?\d+([.]\d{1,2})?"
PLAIN_TIME = r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}"
EPOCH_S, EPOCH_MS = r"\d{9,10}([.]\d+)?", r"\d{12,13}"
TRUE = ("true", "t", "yes", "y", "1", "ja", "j", "oui", "si", "sí", "wahr", "x", "1.0")
FALSE = ("false", "f", "no", "n", "0", "nein", "non", "falsch", "0.0")
NOBODY = ("anonymous", "anonym", "unknown", "unavailable", "restricted", "private", "blocked", "withheld", "null", "none",
          "n/a", "na", "nan", "-", "0", "0.0")  # fmt: skip


def column(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def text(name: str) -> str:
    """A cell without outer space, NULL where nothing is in it; the apostrophe that spreadsheets put before a sign goes."""
    cell = f"trim(CAST({column(name)} AS VARCHAR), ' \t\r\n\u00a0')"
    sign = f"starts_with({cell}, chr(39)) AND substr({cell}, 2, 1) IN ('=', '+', '@', '-')"
    return f"nullif(CASE WHEN {sign} THEN substr({cell}, 2) ELSE {cell} END, '')"


def fits(cell: str, pattern: str) -> str:
    return f"regexp_full_match({cell}, {sql_text(pattern)})"


def number(cell: str, decimal: str = "", thousands: str = "") -> str:
    """A number as it is written with these signs; without them with a point, and blank or apostrophe between thousands."""
    point, apart = decimal or ("," if thousands == "." else "."), thousands
    sure = " '\u2019\u00a0\u202f"  # no number has them anywhere else
    between = "".join(sorted({*sure, *apart}))
    whole = rf"\d{{1,3}}([{re.escape(between)}]\d{{3}})+|\d*"
    pattern = rf"[+-]?({whole})([{re.escape(point)}]\d*)?([eE][+-]?\d+)?"
    plain = f"translate({cell}, {sql_text(between)}, '')"
    if point != ".":
        plain = f"replace({plain}, {sql_text(point)}, '.')"
    return f"CASE WHEN {fits(cell, pattern)} THEN TRY_CAST({plain} AS DOUBLE) END"


def duration(cell: str, unit: str = "", decimal: str = "", thousands: str = "") -> str:
    """Seconds. A plain number is in ``unit`` (seconds); a clock, an ISO 8601 span or a cell with its unit says it itself."""
    part = "regexp_extract({}, {}, {})"
    sign = f"CASE WHEN starts_with({cell}, '-') THEN -1.0 ELSE 1.0 END"

    def piece(pattern: str, group: int) -> str:
        found = part.format(cell, sql_text(pattern), group)
        return f"coalesce(TRY_CAST(replace({found}, ',', '.') AS DOUBLE), 0)"

    three = r"^-?(?:(\d+)[. ])?(\d+):(\d+):([\d.,]+)$"
    clock = f"86400 * {piece(three, 1)} + 3600 * {piece(three, 2)} + 60 * {piece(three, 3)} + {piece(three, 4)}"
    two = r"^-?(\d+):([\d.,]+)$"
    first, second = (3600, 60) if unit == "hh:mm" else (60, 1)
    iso = (r"(\d+)D", r"(\d+)H", r"T(?:\d+H)?(\d+)M", r"([\d.]+)S")
    span = " + ".join(f"{size} * {piece(p, 1)}" for size, p in zip((86400, 3600, 60, 1), iso, strict=True))
    carried = " + ".join(
        f"{size} * {piece(rf'(?i)([0-9.]+)[ ]*(?:{words})(?:[^a-zäöü]|$)', 1)}" for size, words in _CARRIED.items()
    )
    cases = [(CLOCK3, clock), (ISO_SPAN, span), (CARRIED, carried)]
    if unit in ("mm:ss", "hh:mm"):
        cases.insert(1, (CLOCK2, f"{first} * {piece(two, 1)} + {second} * {piece(two, 2)}"))
    plain = number(cell, decimal, thousands)
    size = SECONDS.get(unit, 1.0)
    plain = f"({plain}) * {size}" if size != 1 else plain
    whens = " ".join(f"WHEN {fits(cell, pattern)} THEN {sign} * ({value})" for pattern, value in cases)
    return f"CASE {whens} ELSE {plain} END"


def moment(cell: str, formats: Sequence[str] = (), *, zone: str = "", timezone: str = "") -> str:
    """Local wall-clock time. ISO 8601 reads as it stands; an offset or Z is turned into ``timezone``, as are the other
    forms where ``zone`` says whose time they are. ``epoch_s`` and ``epoch_ms`` are formats, too."""
    here = sql_text(timezone or "UTC")

    def local(value: str) -> str:
        return f"timezone({here}, timezone({sql_text(zone)}, {value}))" if zone else value

    iso = f"TRY_CAST(replace(CASE WHEN regexp_full_match({cell}, '.*[ T][0-9]+:[0-9]+') THEN {cell} || ':00' ELSE {cell} END, ',', '.') AS TIMESTAMP)"
    instant = f"regexp_replace(regexp_replace(replace({cell}, ',', '.'), ' ?(UTC|GMT)$', 'Z'), '([T ][0-9]+:[0-9]+)( ?(Z|[+-]))', '\\1:00\\2')"
    cases = [
        f"WHEN {fits(cell, ISO_ZONED)} THEN timezone({here}, TRY_CAST({instant} AS TIMESTAMPTZ))",
        f"WHEN {fits(cell, ISO_LOCAL)} THEN {local(iso)}",
    ]
    for size, form in ((1, "epoch_s"), (1000, "epoch_ms")):
        if form in formats:
            pattern = EPOCH_S if size == 1 else EPOCH_MS
            cases.append(
                f"WHEN {fits(cell, pattern)} THEN timezone({here}, to_timestamp(TRY_CAST({cell} AS DOUBLE) / {size}))"
            )
    others = [form for form in formats if not form.startswith("epoch_")]
    tried = ", ".join(sql_text(form) for form in others)
    otherwise = f" ELSE {local(f'try_strptime({cell}, [{tried}])')}" if others else ""
    # A year of two digits read as four is no year.
    return f"(SELECT CASE WHEN year(t) BETWEEN 1970 AND 2200 THEN t END FROM (SELECT CASE {' '.join(cases)}{otherwise} END AS t))"


def plain_moment(name: str, *, zone: str = "", timezone: str = "") -> str:
    """:func:`moment` of a column in which every cell fits ``PLAIN_TIME``."""
    time = f"TRY_CAST({column(name)} AS TIMESTAMP)"
    if zone:
        time = f"timezone({sql_text(timezone or 'UTC')}, timezone({sql_text(zone)}, {time}))"
    return f"CASE WHEN year({time}) BETWEEN 1970 AND 2200 THEN {time} END"


def truth(cell: str) -> str:
    """Yes or no; NULL for any other word."""
    low = f"lower({cell})"
    return f"CASE WHEN {low} IN ({_words(TRUE)}) THEN true WHEN {low} IN ({_words(FALSE)}) THEN false END"


def key(cell: str) -> str:
    """An id as text: 12345.0 is 12345, and what stands for nobody is nobody."""
    plain = f"regexp_replace({cell}, '^([0-9]+)[.]0$', '\\1')"
    return f"CASE WHEN lower({cell}) NOT IN ({_words(NOBODY)}) THEN {plain} END"


def person(cell: str) -> str:
    """A pseudonym of an id (``keys.pseudonym``)."""
    return pseudonym(key(cell))


def _words(words: Sequence[str]) -> str:
    return ", ".join(map(sql_text, words))
