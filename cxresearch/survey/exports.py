"""Exports of survey tools: which tool wrote a file, which of its columns are answers, and which rows are no respondents'."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cxresearch.contacts import text_layout
from cxresearch.survey.mapping import SurveyError, SurveyMapping

SHEETS = (".xlsx", ".xlsm", ".xls", ".ods")
TEXTS = (".csv", ".tsv", ".txt")
ANSWER, DETAIL, PERSONAL, IDENTITY, FREE = "answer", "detail of the tool", "personal", "id", "free text"


@dataclass(frozen=True)
class Column:
    """A column of an export: its ``name``, the ``question`` it belongs to by its key, the question's ``text``, the
    ``choice`` that it stands for ("" for none), and its ``role``."""

    name: str
    question: str
    text: str
    choice: str = ""
    role: str = ANSWER


@dataclass(frozen=True)
class Export:
    """Rows below the header, of text where ``text``. ``finished`` and ``status`` name columns, ``dates`` those that hold one;
    ``tight`` is the separator that the tool writes between ticks without a blank, "" where it has none. ``whole``: a cell
    is one answer, whatever stands in it. ``above``: lines with text over the header. ``comma``: a number may have a decimal one."""

    tool: str
    columns: tuple[Column, ...]
    rows: list[list[str]]
    status: str = ""
    finished: str = ""
    dates: tuple[str, ...] = ()
    tight: str = ""
    text: bool = True
    whole: bool = False
    above: int = 0
    comma: bool = False


def read_export(path: Path, mapping: SurveyMapping) -> Export:
    """The export in a text file or a spreadsheet. Raises SurveyError where a row does not fit the header."""
    if path.suffix.lower() in SHEETS:
        rows, header, delimiter = _sheet(path), 0, ","
    else:
        rows, header, delimiter = _text(path, mapping)
    lines = [n for n, row in enumerate(rows) if any(cell.strip() for cell in row)]
    # The first line of two may be nearly empty: a question stands over the first of its columns.
    known = _tool([rows[n] for n in lines[:4]])
    lines = lines if known else [n for n in lines if n >= header]
    above, rows, numbers = 0 if known else sum(any(row) for row in rows[:header]), [rows[n] for n in lines], lines
    if len(rows) < 2:
        columns = len(rows[0]) if rows else 0
        raise SurveyError(f"{path.name} holds no respondent: 0 rows, {columns} columns.")
    last = max(i + 1 for row in rows for i, cell in enumerate(row) if cell.strip())
    width = min(len(rows[0]), last)
    for number, row in zip(numbers, rows, strict=True):
        if any(cell.strip() for cell in row[width:]):
            raise SurveyError(
                f"{path.name}: row {number + 1} has {len(row)} cells, the header {width}. Was a cell with the delimiter in it "
                "not quoted? Export the file again."
            )
    rows = [[*row[:width], *[""] * (width - len(row))] for row in rows]
    return _tool(rows) or replace(_plain(path, rows), above=above, comma=delimiter != ",")


def _tool(rows: list[list[str]]) -> Export | None:
    """The export of the tool whose header stands in the first rows; None where it is none that is known."""
    if not rows or not rows[0]:
        return None
    width = len(rows[0])
    level = [[*row[:width], *[""] * (width - len(row))] for row in rows]
    return next((export for tool in TOOLS if (export := tool(level))), None)


def tool_of(path: Path) -> str:
    """The survey tool that wrote a file, by its header; "" where it is none that is known, or no single file.

    A column called Timestamp is not enough for Google Forms, nor an id and two times for Microsoft Forms, since logs have
    them, too: a question must stand beside them, or in Microsoft Forms the respondent's e-mail and name.
    """
    suffix = path.suffix.lower()
    if not path.is_file() or suffix not in (*TEXTS, *SHEETS):
        return ""
    try:
        if suffix in SHEETS:
            rows = _sheet(path)[:4]
        else:
            layout = text_layout(path, skip=0)
            with path.open(encoding=layout.encoding, newline="") as file:
                rows = list(itertools.islice(csv.reader(file, delimiter=layout.delimiter), 4))
    except (ValueError, csv.Error):
        return ""  # whoever reads it says what is wrong
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    found = _tool(rows)
    if found is None:
        return ""
    asks = any(c.name.endswith("?") for c in found.columns)
    known = found.tool == "Microsoft Forms" and sum(c.role == PERSONAL for c in found.columns) == 2
    return found.tool if asks or known or found.tool not in ("Google Forms", "Microsoft Forms") else ""


def _text(path: Path, mapping: SurveyMapping) -> tuple[list[list[str]], int, str]:
    """The cells, the row of the header, the delimiter."""
    layout = text_layout(path, encoding=mapping.encoding, delimiter=mapping.delimiter)
    text = path.read_bytes().decode(layout.encoding)
    lines = text.removeprefix("\ufeff").split("\n", 1)
    told = bool(re.fullmatch(r"sep=.", lines[0].strip(), flags=re.IGNORECASE))
    body = lines[1] if told and len(lines) > 1 else text.removeprefix("\ufeff")
    csv.field_size_limit(max(csv.field_size_limit(), len(body) + 1))
    rows = list(csv.reader(io.StringIO(body, newline=""), delimiter=layout.delimiter))
    # A second line of a header is taken for a record's, and the first one for a title, by a layout made for logs.
    first = next((n for n, row in enumerate(rows) if sum(bool(c.strip()) for c in row) * 2 >= _usual(rows)), 0)
    return rows, first, layout.delimiter


def _usual(rows: Sequence[Sequence[str]]) -> int:
    widths = Counter(len(row) for row in rows[:200] if any(cell.strip() for cell in row))
    return max(widths, key=lambda width: (widths[width], width), default=0)


def _sheet(path: Path) -> list[list[str]]:
    """The first sheet with anything in it, as text."""
    from python_calamine import CalamineWorkbook

    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            rows = next((rows for name in book.sheet_names if (rows := book.get_sheet_by_name(name).to_python())), [])
    except Exception as error:  # the reader's own kinds of error are not documented
        raise SurveyError(
            f"{path.name} could not be read as {path.suffix.lower()}: {str(error).splitlines()[0]}. "
            "Open it where it was made and save it again, or as CSV."
        ) from error
    return [[str(int(c)) if isinstance(c, float) and c.is_integer() else str(c) for c in row] for row in rows]


def _stripped(row: Sequence[str]) -> list[str]:
    return [" ".join(cell.replace("\ufeff", "").split()) for cell in row]


def unique(names: Sequence[str]) -> list[str]:
    """Names, where one that stands twice or not at all gets a number."""
    seen: Counter[str] = Counter()
    found = []
    for place, name in enumerate(names):
        name = name or f"column {place + 1}"
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


# --- one tool each: None where the rows are not its


_QUALTRICS_DETAILS = {"startdate", "enddate", "status", "progress", "duration (in seconds)", "finished", "recordeddate",
                      "distributionchannel", "userlanguage", "q_recaptchascore"}  # fmt: skip
_QUALTRICS_PERSONAL = {"ipaddress", "recipientlastname", "recipientfirstname", "recipientemail", "externalreference",
                       "locationlatitude", "locationlongitude"}  # fmt: skip


def _qualtrics(rows: list[list[str]]) -> Export | None:
    """Three lines of header: names, wordings, import ids in JSON. Some take the last one, or two, out."""
    names = unique(_stripped(rows[0]))
    low_names = [name.casefold() for name in names]
    if len(rows) > 2 and sum("ImportId" in cell for cell in rows[2]) * 2 >= len(names):
        header = 3
    elif {"startdate", "finished", "responseid"} <= set(low_names):
        header = 1 if len(rows) < 2 or re.search(r"\d", rows[1][low_names.index("startdate")]) else 2
    else:
        return None
    texts = names if header == 1 else _stripped(rows[1])
    columns = []
    for name, text in zip(names, texts, strict=True):
        low = name.casefold()
        part = re.fullmatch(r"(.+?)_(\d+)", name)
        stem, _, choice = text.rpartition(" - ")
        if low in _QUALTRICS_PERSONAL or low in _QUALTRICS_DETAILS or low == "responseid":
            role = PERSONAL if low in _QUALTRICS_PERSONAL else IDENTITY if low == "responseid" else DETAIL
            columns.append(Column(name, name, text, role=role))
        elif re.search(r"_DO(_\d+)?$|_(First Click|Last Click|Page Submit|Click Count)$|_(Browser|Version|Operating System|Resolution)$", name):  # fmt: skip
            columns.append(Column(name, name, text, role=DETAIL))
        elif name.endswith("_TEXT"):
            columns.append(Column(name, re.sub(r"(_\d+)?_TEXT$", "", name), text, role=FREE))
        elif part and stem:
            columns.append(Column(name, part[1], stem.removesuffix(" - Selected Choice"), choice))
        else:
            columns.append(Column(name, name, text.removesuffix(" - Selected Choice")))
    dates = [name for name in ("RecordedDate", "EndDate", "StartDate") if name in names]
    return Export(
        "Qualtrics", tuple(columns), rows[header:], status="Status" if "Status" in names else "",
        finished="Finished" if "Finished" in names else "", dates=tuple(dates), tight=",",
    )  # fmt: skip


_MONKEY = {"respondent id": IDENTITY, "collector id": DETAIL, "start date": DETAIL, "end date": DETAIL, "ip address": PERSONAL,
           "email address": PERSONAL, "first name": PERSONAL, "last name": PERSONAL, "custom data 1": PERSONAL, "custom_1": PERSONAL,
           "date created": DETAIL, "date modified": DETAIL}  # fmt: skip


def _surveymonkey(rows: list[list[str]]) -> Export | None:
    """Two lines of header: a question over its columns, then ``Response`` or the choice of each column."""
    if not {"respondent id", "collector id"} <= {cell.casefold() for cell in _stripped(rows[0])}:
        return None
    first, second = _stripped(rows[0]), _stripped(rows[1])
    if second[first.index(next(c for c in first if c.casefold() == "respondent id"))]:
        return None  # its header was made one line by somebody
    columns, question = [], ""
    for n, (above, below) in enumerate(zip(first, second, strict=True)):
        question = above or question
        role = _MONKEY.get(question.casefold(), ANSWER)
        if role != ANSWER:
            columns.append(Column(question, question, question, role=role))
        elif re.match(r"(open-ended response|other \(|.*\(please specify\))", below, re.IGNORECASE):
            columns.append(Column(f"{question}: {below}", question, question, below, role=FREE))
        elif below in ("", "Response") and (above or n == 0):
            columns.append(Column(question, question, question))
        else:
            columns.append(Column(f"{question}: {below or f'column {n + 1}'}", question, question, below))
    names = unique([column.name for column in columns])
    named = tuple(replace(column, name=name) for column, name in zip(columns, names, strict=True))
    dates = tuple(name for name in names if name.casefold() in ("end date", "date modified"))
    return Export("SurveyMonkey", named, rows[2:], dates=dates)


_MICROSOFT_ID = {"id"}
_MICROSOFT_TIMES = {"start time", "completion time", "startzeit", "fertigstellungszeit", "heure de début", "heure de fin",
                    "hora de inicio", "hora de finalización", "ora di inizio", "ora di completamento", "begintijd", "tijd van voltooien"}  # fmt: skip
_MICROSOFT_PERSONAL = {
    "email",
    "name",
    "e-mail",
    "adresse de messagerie",
    "nom",
    "correo electrónico",
    "nombre",
    "posta elettronica",
    "nome",
    "naam",
}
_MICROSOFT_DETAILS = {"last modified time", "language", "total points", "quiz feedback", "sprache", "zeitpunkt der letzten änderung"}  # fmt: skip


def _microsoft(rows: list[list[str]]) -> Export | None:
    names = unique(_stripped(rows[0]))
    low = [name.casefold() for name in names]
    if low[0] not in _MICROSOFT_ID or len(_MICROSOFT_TIMES.intersection(low[:4])) < 2:
        return None
    columns = []
    for place, (name, folded) in enumerate(zip(names, low, strict=True)):
        role = (
            IDENTITY if place == 0
            else DETAIL if folded in _MICROSOFT_TIMES | _MICROSOFT_DETAILS or folded.startswith(("points - ", "feedback - "))
            else PERSONAL if place < 6 and folded in _MICROSOFT_PERSONAL
            else ANSWER
        )  # fmt: skip
        columns.append(Column(name, name, name, role=role))
    times = [name for name, folded in zip(names, low, strict=True) if folded in _MICROSOFT_TIMES]
    # The start stands first, and an answer is as new as its end.
    return Export("Microsoft Forms", tuple(columns), rows[1:], dates=tuple(reversed(times)), tight=";")


_LIME = ({"submitdate", "lastpage"}, {"date submitted", "last page"}, {"datum abgeschickt", "letzte seite"})
_LIME_DETAILS = {"submitdate", "date submitted", "datum abgeschickt", "lastpage", "last page", "letzte seite", "startlanguage",
                 "start language", "start-sprache", "seed", "zufallsstartwert", "startdate", "date started", "datum gestartet",
                 "datestamp", "date last action", "datum letzte aktivität", "interviewtime", "total time", "gesamtzeit"}  # fmt: skip
_LIME_PERSONAL = {"ipaddr", "ip address", "ip-adresse", "refurl", "referrer url", "token", "access code", "zugangscode",
                  "firstname", "lastname", "email"}  # fmt: skip


def _limesurvey(rows: list[list[str]]) -> Export | None:
    """One line of header: codes such as ``Q3[SQ001]``, or wordings such as ``Whom did you tell? [E-mail]``."""
    names = unique(_stripped(rows[0]))
    low = [name.casefold() for name in names]
    if not any(needed <= set(low) for needed in _LIME):
        return None
    columns = []
    for name, folded in zip(names, low, strict=True):
        part = re.fullmatch(r"(.+?) ?\[([^\[\]]+)\](.*)", name)
        if folded in ("id", "response id", "antwort id", "antwort-id"):
            columns.append(Column(name, name, name, role=IDENTITY))
        elif folded in _LIME_DETAILS or re.match(r"(group|question) ?time\b|.*time$", folded):
            columns.append(Column(name, name, name, role=DETAIL))
        elif folded in _LIME_PERSONAL:
            columns.append(Column(name, name, name, role=PERSONAL))
        elif part and re.fullmatch(r"other|sonstiges|.*comment|.*kommentar", part[2], re.IGNORECASE):
            columns.append(Column(name, part[1], part[1], part[2], role=FREE))
        elif part:
            columns.append(Column(name, part[1], part[3].strip(" .") or part[1], part[2]))
        else:
            columns.append(Column(name, name, name))
    dates = [
        n
        for n, folded in zip(names, low, strict=True)
        if folded in ("submitdate", "date submitted", "datum abgeschickt")
    ]
    return Export("LimeSurvey", tuple(columns), rows[1:], finished=dates[0] if dates else "", dates=tuple(dates))


_STAMPS = {"timestamp", "zeitstempel", "horodateur", "marca temporal", "informazioni cronologiche", "carimbo de data/hora",
           "tijdstempel"}  # fmt: skip
_GOOGLE_PERSONAL = {
    "email address",
    "username",
    "e-mail-adresse",
    "nutzername",
    "adresse e-mail",
    "dirección de correo electrónico",
}


def _google(rows: list[list[str]]) -> Export | None:
    names = unique(_stripped(rows[0]))
    if names[0].casefold() not in _STAMPS:
        return None
    columns = []
    for place, name in enumerate(names):
        low = name.casefold()
        role = DETAIL if place == 0 or low == "score" else PERSONAL if low in _GOOGLE_PERSONAL else ANSWER
        columns.append(Column(name, name, name, role=role))
    # The file that Forms itself gives has ";" between ticks, the sheet behind it ", ".
    return Export("Google Forms", tuple(columns), rows[1:], dates=(names[0],), tight=";")


TOOLS = (_qualtrics, _surveymonkey, _microsoft, _limesurvey, _google)


def _plain(path: Path, rows: list[list[str]]) -> Export:
    names = _stripped(rows[0])
    numbers = sum(bool(re.fullmatch(r"[-+]?\d+([.,:/-]\d+)+|[-+]?\d+", name)) for name in names)
    if numbers * 2 > len(names):
        raise SurveyError(
            f"{path.name}: the first line is a record ({', '.join(names[:4])}); write the names above it."
        )
    return Export("", tuple(Column(name, name, name) for name in unique(names)), rows[1:])
