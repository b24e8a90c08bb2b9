"""What a cell of a log says, as an expression for the engine: a number, a time span, a moment, yes or no, a key.

Every expression gives NULL for a cell that it cannot read, and none reads a cell that it does not cover: "1,897" is no
number before somebody has said what the comma is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cxresearch.contacts.canonical import sql_text
from cxresearch.contacts.keys import pseudonym

SECONDS = {"s": 1.0, "ms": 0.001, "min": 60.0, "h": 3600.0, "d": 86400.0}
# What stands in a cell where nothing does.
NOTHING = r"\\N|null|[(<\[]null[)>\]]|#n/?[av]|n/a|nan|-{1,3}|[–—]"
_NOTHING_BEGINS = "\\nN(<[#-–—"
# A cell that carries its unit: "99 s", "2 min", "1 h 5 min".
_CARRIED = {
    "86400": "d|days?|tage?|jours?|d[ií]as?|giorn[io]|dni|dag(en)?|j",
    "3600": "h|hrs?|hours?|std|stunden?|heures?|horas?|or[ae]|godz|uur|g",
    "60": "m|mins?|minutes?|minuten|minutos?|minut[oi]|mn",
    "1": "s|secs?|seconds?|sek|sekunden?|secondes?|segundos?|second[oi]|seconden|seg",
    "0.001": "ms|msec|milliseconds?",
}  # fmt: skip
_ONE = rf"\d+([.,]\d+)?\s*({'|'.join(_CARRIED.values())})[.]?"
CARRIED = (
    rf"(?i)-?{_ONE}([ ,]+((and|und|et|y|e|i) )?{_ONE})*|(?i)\d+h(\s*\d+m)?(\s*\d+(\.\d+)?s)?|(?i)\d+m(\s*\d+(\.\d+)?s)"
)
CLOCK3 = r"-?(\d+[. ])?\d+:[0-5]?\d:[0-5]?\d([.,]\d+)?"
CLOCK2 = r"-?\d+:[0-5]\d([.,]\d+)?"
CLOCK_H = rf"(?i){CLOCK2} ?(hrs?|hours?|h|std)[.]?"  # "00:12 hrs" says that it has no seconds
CLOCK_M = rf"(?i){CLOCK2} ?(mins?|m)[.]?"
CLOCK_DAY = (
    r"(1970-01-\d\d|1899-12-3\d)[ T]\d+:\d{2}:\d{2}([.]\d+)?"  # a span that was written as a time after day zero
)
ISO_SPAN = r"-?P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?"
ISO_LOCAL = r"\d{4}-\d{1,2}-\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?)?"
ISO_ZONED = rf"{ISO_LOCAL} ?(Z|UTC|GMT|[+-]\d{{2}}(:?\d{{2}})?)"
# What can be read in one way only, and by a plain cast.
PLAIN_NUMBER = r"-?\d+([.]\d{1,2})?"
PLAIN_TIME = r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}"
EPOCH_S, EPOCH_MS = r"\d{9,10}([.]\d+)?", r"\d{12,13}"
EXCEL_DAYS = r"[2-6]\d{4}([.,]\d+)?"  # days since the end of 1899, as a spreadsheet counts them
TRUE = ("true", "t", "yes", "y", "1", "ja", "j", "oui", "si", "sí", "sì", "sim", "tak", "wahr", "vrai", "verdadero", "prawda",
        "vero", "x", "1.0")  # fmt: skip
FALSE = (
    "false",
    "f",
    "no",
    "n",
    "0",
    "nein",
    "non",
    "nee",
    "nie",
    "não",
    "nao",
    "falsch",
    "faux",
    "falso",
    "fałsz",
    "0.0",
)
NOBODY = ("anonymous", "anonym", "unknown", "unavailable", "restricted", "private", "blocked", "withheld", "null", "none",
          "n/a", "na", "nan", "-", "0", "0.0")  # fmt: skip
CUT = r"\d([.,]\d+)?[eE][+]\d+"  # an id of which a spreadsheet kept a few digits: it tells nobody apart
CUT_ID = "cut"
# What people write about a time that is no part of it, and the words of other languages: regex -> what is read instead.
_WRITTEN = {
    r"^\pL+[.]?,? +(\d{1,2}[.]? +(?:de +)?\pL)": r"\1", r"(?i) (?:at|um|à|de|del|alle) ": " ",
    r"^(\d{1,2})[.] *(\pL)": r"\1 \2",
    **{rf"(?i)\b(?:{names})\.?(\P{{L}})": rf"{month}\1" for month, names in {
        "Jan": "januar[iy]?|jänner|janv(?:ier)?|ene(?:ro)?|gen(?:naio)?|sty(?:cznia)?|janeiro",
        "Feb": "februar[iy]?|févr?(?:ier)?|feb(?:rero)?|febbraio|lut(?:ego)?|fev(?:ereiro)?",
        "Mar": "märz?|march|mars|marzo|mrt|maart|mar(?:ca|ço)?|mrz", "Apr": "april[e]?|avr(?:il)?|abr(?:il)?|kwi(?:etnia)?|apr",
        "May": "mai|mayo?|mag(?:gio)?|mei|maja|maio", "Jun": "jun[ie]?|june|juin|junio|giu(?:gno)?|cze(?:rwca)?|juni|junho",
        "Jul": "jul[iy]?|juil(?:let)?|julio|lug(?:lio)?|lip(?:ca)?|julho", "Aug": "august|août|ago(?:sto)?|sie(?:rpnia)?|aug(?:ustus)?",
        "Sep": "sept?(?:ember|embre|iembre)?|set(?:tembre|embro)?|wrz(?:eśnia)?",
        "Oct": "okt(?:ober)?|october|oct(?:obre|ubre)?|ott(?:obre)?|paź(?:dziernika)?|out(?:ubro)?",
        "Nov": "nov(?:ember|embre|iembre|embro)?|lis(?:topada)?", "Dec": "dez(?:ember|embro)?|december|déc(?:embre)?|dic(?:iembre|embre)?|gru(?:dnia)?|dec",
    }.items()},
}  # fmt: skip
_HALVES = {
    r"(?i)(\d) ?(?:a[.]? ?m|vorm|dop|π[.]?μ)[.]?$": r"\1 AM", r"(?i)(\d) ?(?:p[.]? ?m|nachm|odp|μ[.]?μ)[.]?$": r"\1 PM",
    "(?:上午|午前|오전) ?": "AM ", "(?:下午|午後|오후) ?": "PM ",
}  # fmt: skip

_UNSEEN = r"[[:cntrl:]\x{80}-\x{9f}\x{202a}-\x{202e}\x{2066}-\x{2069}]+"


def column(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def text(name: str) -> str:
    """A cell without outer space, NULL where nothing is in it or a word for nothing (``NULL``, ``\\N``, ``-``); the apostrophe
    that spreadsheets put before a sign goes."""
    cell = f"trim(CAST({column(name)} AS VARCHAR), ' \t\r\n\u00a0\u202f')"
    sign = f"starts_with({cell}, chr(39)) AND substr({cell}, 2, 1) IN ('=', '+', '@', '-')"
    # The pattern is dear, and few cells begin like it; what stands on either side of AND the engine may turn round.
    void = (
        f"CASE WHEN contains({sql_text(_NOTHING_BEGINS)}, left({cell}, 1)) THEN regexp_full_match({cell}, '(?i:{NOTHING})') "
        "ELSE false END"
    )
    return f"nullif(CASE WHEN {sign} THEN substr({cell}, 2) WHEN {void} THEN '' ELSE {cell} END, '')"


def name(cell: str) -> str:
    """A name as it can be shown: a control character, or one that turns the direction of what follows, is a space."""
    return f"nullif(trim(regexp_replace({cell}, {sql_text(_UNSEEN)}, ' ', 'g'), ' '), '')"


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

    def piece(pattern: str, group: int, of: str = cell) -> str:
        found = part.format(of, sql_text(pattern), group)
        return f"coalesce(TRY_CAST(replace({found}, ',', '.') AS DOUBLE), 0)"

    # The day zero is that of Unix or that of spreadsheets.
    since = f"epoch(TRY_CAST({cell} AS TIMESTAMP) - CASE WHEN starts_with({cell}, '18') THEN TIMESTAMP '1899-12-30' ELSE TIMESTAMP '1970-01-01' END)"
    three = r"^-?(?:(\d+)[. ])?(\d+):(\d+):([\d.,]+)$"
    clock = f"86400 * {piece(three, 1)} + 3600 * {piece(three, 2)} + 60 * {piece(three, 3)} + {piece(three, 4)}"
    two = r"^-?(\d+):([\d.,]+)"

    def pair(first: int, second: int) -> str:
        return f"{first} * {piece(two, 1)} + {second} * {piece(two, 2)}"

    iso = (r"(\d+)D", r"(\d+)H", r"T(?:\d+H)?(\d+)M", r"([\d.]+)S")
    span = " + ".join(f"{size} * {piece(p, 1)}" for size, p in zip((86400, 3600, 60, 1), iso, strict=True))
    # Between thousands a sign stands for nothing; any other one is before decimals.
    bare = f"replace({cell}, {sql_text(thousands)}, '')" if thousands else cell
    carried = " + ".join(
        f"{size} * {piece(rf'(?i)([0-9]+(?:[.,][0-9]+)?)[ ]*(?:{words})(?:[^a-zäöüí]|$)', 1, bare)}"
        for size, words in _CARRIED.items()
    )
    cases = [
        (CLOCK3, clock),
        (ISO_SPAN, span),
        (CLOCK_H, pair(3600, 60)),
        (CLOCK_M, pair(60, 1)),
        (CLOCK_DAY, since),
    ]
    if unit in ("mm:ss", "hh:mm"):
        cases.insert(1, (CLOCK2, pair(3600, 60) if unit == "hh:mm" else pair(60, 1)))
    plain = number(cell, decimal, thousands)
    size = SECONDS.get(unit, 1.0)
    plain = f"({plain}) * {size}" if size != 1 else plain
    whens = f"WHEN {fits(bare, CARRIED)} THEN {sign} * ({carried}) "
    whens += " ".join(f"WHEN {fits(cell, pattern)} THEN {sign} * ({value})" for pattern, value in cases)
    return f"CASE {whens} ELSE {plain} END"


def moment(cell: str, formats: Sequence[str] = (), *, zone: str = "", timezone: str = "", plain: bool = False) -> str:
    """Local wall-clock time. ISO 8601 reads as it stands; an offset or Z is turned into ``timezone``, as are the other
    forms where ``zone`` says whose time they are. ``epoch_s``, ``epoch_ms`` and ``excel_days`` are formats, too. ``plain`` cells are in the words of English."""
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
    if "excel_days" in formats:
        seconds = f"round(86400 * TRY_CAST(replace({cell}, ',', '.') AS DOUBLE))"
        since = local(f"TIMESTAMP '1899-12-30' + to_seconds({seconds})")
        cases.append(f"WHEN {fits(cell, EXCEL_DAYS)} THEN {since}")
    others = [form for form in formats if form not in ("epoch_s", "epoch_ms", "excel_days")]
    tried = ", ".join(sql_text(form) for form in others)
    # Months and halves of a day have words; digits alone need no second look.
    months = any(re.search("%[abB]", form) for form in others)
    worded = not plain and (months or any("%p" in form for form in others))
    said = plain_moment(cell, months=months) if worded else cell
    otherwise = f" ELSE {local(f'try_strptime({said}, [{tried}])')}" if others else ""
    # A year of two digits read as four is no year.
    return f"(SELECT CASE WHEN year(t) BETWEEN 1970 AND 2200 THEN t END FROM (SELECT CASE {' '.join(cases)}{otherwise} END AS t))"


def cast_moment(name: str, *, zone: str = "", timezone: str = "") -> str:
    """:func:`moment` of a column in which every cell fits ``PLAIN_TIME``."""
    time = f"TRY_CAST({column(name)} AS TIMESTAMP)"
    if zone:
        time = f"timezone({sql_text(timezone or 'UTC')}, timezone({sql_text(zone)}, {time}))"
    return f"CASE WHEN year({time}) BETWEEN 1970 AND 2200 THEN {time} END"


def plain_moment(cell: str, *, months: bool = True) -> str:
    """A time in the words of English: the halves of a day, the ``months``, nothing that only people read."""
    said = f"translate({cell}, '\u00a0\u202f', '  ')"
    for pattern, plain in {**(_WRITTEN if months else {}), **_HALVES}.items():
        said = f"regexp_replace({said}, {sql_text(pattern)}, {sql_text(plain)}, 'g')"
    return said


def truth(cell: str) -> str:
    """Yes or no; NULL for any other word."""
    low = f"lower({cell})"
    return f"CASE WHEN {low} IN ({_words(TRUE)}) THEN true WHEN {low} IN ({_words(FALSE)}) THEN false END"


def key(cell: str) -> str:
    """An id as text: 12345.0 is 12345, and what stands for nobody is nobody, as is an id that a spreadsheet cut."""
    plain = f"CASE WHEN ends_with({cell}, '.0') THEN regexp_replace({cell}, '^([0-9]+)[.]0$', '\\1') ELSE {cell} END"
    # As a list: of IN with many words the engine makes a join, which every query of the log then goes through.
    begins = "".join(sorted({sign for word in NOBODY for sign in (word[0], word[0].upper())}))
    nobody = (
        f"CASE WHEN contains({sql_text(begins)}, left({cell}, 1)) THEN list_contains([{_words(NOBODY)}], lower({cell})) "
        "ELSE false END"
    )
    return f"CASE WHEN NOT {nobody} AND NOT {is_cut(cell)} THEN {plain} END"


def is_cut(cell: str) -> str:
    """An id of which a spreadsheet kept a few digits; the pattern is dear, and few ids hold its sign."""
    return f"(CASE WHEN contains({cell}, '+') THEN {fits(cell, CUT)} ELSE false END)"


def person(cell: str) -> str:
    """A pseudonym of an id (``keys.pseudonym``); ``CUT_ID`` for one that a spreadsheet cut."""
    return f"CASE WHEN {is_cut(cell)} THEN {sql_text(CUT_ID)} ELSE {pseudonym(key(cell))} END"


def _words(words: Sequence[str]) -> str:
    return ", ".join(map(sql_text, words))
