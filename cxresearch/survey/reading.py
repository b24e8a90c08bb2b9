"""A file of answers read once: rows kept and set aside with their reasons, questions, and a 0/1 column an item."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from cxresearch.contacts import quoted, to_toml
from cxresearch.survey.exports import (
    ANSWER,
    FREE,
    IDENTITY,
    PERSONAL,
    SHEETS,
    TEXTS,
    Column,
    Export,
    read_export,
    unique,
)
from cxresearch.survey.items import Item, every_item, named_items
from cxresearch.survey.labelled import LABELLED, read_labelled
from cxresearch.survey.mapping import (
    ONLY_ANSWERED,
    SurveyError,
    SurveyMapping,
    SurveyQuestionError,
    as_word,
    parse_survey,
)
from cxresearch.survey.questions import Asking, Question, find, question_named
from cxresearch.survey.ticks import MOST_CHOICES, NEGATIVE, SEEN, counted, looks_joined, why_dropped

SUFFIXES = (*TEXTS, ".parquet", *LABELLED, *SHEETS)
NO_ANSWER, SAME_AGAIN = "nothing was answered", "the same row again, with the same id"
PREVIEW, TEST, SPAM = (
    "a preview of the survey, no respondent",
    "a test of the survey, no respondent",
    "marked as spam by the tool",
)
NOT_FINISHED = "kept, though the survey was not finished; what is empty there was not asked"
_ID = re.compile(
    # A number alone is an answer, too: how many, which, how satisfied.
    r"((response|respondent|participant|case|interview|record|person)[ _-]?)?id|(response|respondent|participant|case|interview|record|person)[ _-]?number"
    r"|respid|caseid",
    re.IGNORECASE,
)
_STATUS = {
    "survey preview": PREVIEW, "offline survey preview": PREVIEW, "1": PREVIEW, "9": PREVIEW, "17": PREVIEW,
    "survey test": TEST, "2": TEST, "spam": SPAM, "8": SPAM, "12": SPAM,
}  # fmt: skip
_MISSING = ("", "NA", "NaN", "nan", "NULL", "null", "#N/A")
MARK = "simulated"
_MADE_BY = {".sav": "SPSS", ".zsav": "SPSS", ".dta": "Stata"}


@dataclass(frozen=True)
class Survey:
    """One file of answers, read.

    ``responses`` has one row a respondent kept; ``items`` name its 0/1 columns. ``set_aside`` and ``repaired``: reason or
    remark -> rows; read = kept + set aside. ``dropped``: column of the file -> why it is not carried on. ``newest``: the
    day of the last answer, None where no column says it without doubt.
    """

    file: str
    tool: str
    responses: pd.DataFrame
    questions: tuple[Question, ...]
    items: tuple[Item, ...]
    read: int
    set_aside: Mapping[str, int]
    repaired: Mapping[str, int]
    dropped: Mapping[str, str]
    newest: date | None
    mapping: SurveyMapping = field(repr=False)
    question: str = ""  # what is to be answered before a report can be made

    @property
    def kept(self) -> int:
        """Respondents."""
        return len(self.responses)

    def column(self, name: str) -> str:
        """The column of the responses that is meant by a name, without regard to case."""
        return find(name, self.responses.columns, "the design")

    @property
    def simulated(self) -> bool:
        """Whether the file says that its rows were made up."""
        return MARK in self.responses


def load_responses(path: str | PathLike[str], survey: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Respondent rows of a survey, whatever tool exported them.

    Recognised are exports of Qualtrics, SurveyMonkey, Google Forms, Microsoft Forms and LimeSurvey, as text of any encoding
    and delimiter or as a spreadsheet; SPSS (.sav), Stata (.dta) and Parquet; and any table with one line of names.
    ``survey`` is the table ``[survey]`` of a report, see ``survey.mapping``.

    Returns
    -------
    DataFrame, one row per respondent, columns as in the file, then one 0/1 column for each item of ``survey``. Where
    ``path`` is empty there is no survey yet: no rows. A question of which several answers could be ticked is a 0/1 column
    for each choice: 0 where the export shows that the question was asked, missing where it was not. Where the export does
    not show that, or where joined ticks can be split in two ways, the cells stay text as they are, and a warning says
    what to write in ``survey``. Previews, tests and rows without an answer are left out. So are the columns of the tool
    itself, and personal ones: names, addresses, free text. Labels of SPSS and Stata come back as text where every answer
    has one; a scale with labels at its ends keeps its numbers, refusal codes like 99 included.

    Raises SurveyError (a ValueError) if the suffix is another one, the file cannot be read, or it holds no respondent, and
    SurveyQuestionError where an item needs an answer first.
    """
    if not path:
        return pd.DataFrame()
    mapping = parse_survey(survey)
    found = _read(path, mapping, (), every=False)
    if found.question and mapping.items:
        raise SurveyQuestionError(found.question)
    if found.question:
        warnings.warn(found.question, stacklevel=2)
    return found.responses


def read_survey(
    source: str | PathLike[str] | pd.DataFrame, survey: Mapping[str, Any] | None = None, *, keep: Sequence[str] = ()
) -> Survey:
    """The same with its account, ready for a report.

    ``keep`` names columns of the sampling design or of groups, that are carried on whatever they hold. Where ``survey``
    names no items, every choice of every closed question is one. Raises SurveyQuestionError, with the lines to paste,
    where an item cannot be counted before something is said, and SurveyError as :func:`load_responses`.
    """
    found = look_over(source, survey, keep=keep)
    if found.question:
        raise SurveyQuestionError(found.question)
    if not found.items:
        raise SurveyError(
            f"{found.file}: no question is closed, so no share can be told. Name an answer: "
            'items = { email = { column = "Q3", choice = "E-mail" } }.'
        )
    return found


def look_over(
    source: str | PathLike[str] | pd.DataFrame, survey: Mapping[str, Any] | None = None, *, keep: Sequence[str] = ()
) -> Survey:
    """The same, with what is asked in ``question`` instead of an error."""
    return _read(source, parse_survey(survey), [name for name in keep if name], every=True)


def digest_of(path: str | PathLike[str]) -> str:
    """The first eight digits of the file's sha256: another file is another version of the survey."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:8]


def _read(source: Any, mapping: SurveyMapping, keep: Sequence[str], *, every: bool) -> Survey:
    """``every``: where no items are named, every choice is one."""
    export, cells, file = _cells(source, mapping)
    cells = _without_missing(cells, export, mapping)
    read = len(cells)
    cells, unfinished, set_aside, repaired = _kept_rows(cells, export)
    if cells.empty:
        reasons = "; ".join(f"{reason}: {rows}" for reason, rows in set_aside.items())
        raise SurveyError(f"{file}: of {read} rows none is a respondent's ({reasons}).")
    mapping = replace(
        mapping, targets={find(name, cells.columns, "targets"): of for name, of in mapping.targets.items()}
    )
    named = _named(mapping, keep)
    columns = [_judged(column, cells[column.name], named, export) for column in export.columns]
    dropped = {column.name: why for column, why in columns if why}
    asking = Asking(cells, export, mapping, [column for column, _ in columns], unfinished)
    responses, found = asking.questions()
    found = [question for question in found if MARK not in question.columns]
    for name in dict.fromkeys([*keep, *mapping.targets]):
        full = find(name, cells.columns, "the design")
        if dropped.pop(full, "") == PERSONAL:
            raise SurveyError(f"{file}: {full!r} holds names or addresses of people; no group or weight is made of it.")
        if full not in responses:
            responses[full] = cells[full]
    for name in (*mapping.asked, *mapping.choices):
        question_named(name, found, "asked, choices")
    open_: Sequence[Question] = [question for question in found if question.line]
    items: tuple[Item, ...] = ()
    if mapping.items:
        responses, items, open_ = named_items(mapping, found, responses)
    elif every:
        responses, items = every_item(found, responses)
    return Survey(
        file=file, tool=export.tool or _MADE_BY.get(Path(file).suffix.lower(), ""), responses=responses.reset_index(drop=True), questions=tuple(found), items=items,
        read=read, set_aside=set_aside, repaired=repaired, dropped=dropped, newest=_newest(cells, export),
        mapping=mapping, question=_question_text(file, open_, mapping),
    )  # fmt: skip


def _cells(source: Any, mapping: SurveyMapping) -> tuple[Export, pd.DataFrame, str]:
    """The columns of a source and its cells, missing where empty."""
    if isinstance(source, pd.DataFrame):
        if source.empty:
            raise SurveyError(f"the table holds no respondent: {len(source)} rows, {source.shape[1]} columns.")
        frame = source.reset_index(drop=True).set_axis(unique([str(name) for name in source.columns]), axis=1)
        return *_plain(frame, {}), "the table"
    path = Path(source)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise SurveyError(
            f"{path.name}: cannot read {path.suffix or 'a file without suffix'!r}; save the responses as one of {', '.join(SUFFIXES)}."
        )
    if not path.is_file():
        raise SurveyError(f"{path}: there is no such file.")
    try:
        if suffix in (*TEXTS, *SHEETS):
            export = read_export(path, mapping)
            cells = pd.DataFrame(export.rows, columns=[column.name for column in export.columns], dtype=object)
            return export, cells, path.name
        frame, texts = read_labelled(path) if suffix in LABELLED else (pd.read_parquet(path), {})
        frame = frame.set_axis(unique([str(name) for name in frame.columns]), axis=1)
    except SurveyError:
        raise
    except (ValueError, OSError) as error:
        raise SurveyError(
            f"{path.name} could not be read as {suffix}: {str(error).rstrip('.')}. Open it where it was made and save it again."
        ) from error
    if frame.empty:
        raise SurveyError(f"{path.name} holds no respondent: {len(frame)} rows, {frame.shape[1]} columns.")
    return *_plain(frame, texts, whole=suffix in LABELLED), path.name


def _plain(frame: pd.DataFrame, texts: Mapping[str, str], *, whole: bool = False) -> tuple[Export, pd.DataFrame]:
    columns: list[Column] = []
    cells: dict[str, pd.Series] = {}
    for name in frame.columns:
        if frame[name].dtype == object and frame[name].map(_is_nested).any():
            of_list, spread = _of_lists(name, texts.get(name) or name, frame[name])
        else:
            of_list, spread = [Column(name, name, texts.get(name) or name)], [frame[name]]
        columns += of_list
        cells |= {column.name: given for column, given in zip(of_list, spread, strict=True)}
    return Export("", tuple(columns), [], text=False, whole=whole), pd.DataFrame(cells, index=frame.index)


def _is_nested(cell: Any) -> bool:
    return isinstance(cell, Mapping) or pd.api.types.is_list_like(cell)


def _of_lists(name: str, text: str, cells: pd.Series) -> tuple[list[Column], list[pd.Series]]:
    """A column in which a cell is a list of ticks: a column of 0 and 1 a choice. Records, and lists of anything, stay behind."""
    rows = cells.map(
        lambda cell: [as_word(one) for one in cell] if pd.api.types.is_list_like(cell) else [as_word(cell)],
        na_action="ignore",
    )
    words = [word for row in rows.dropna() for word in row]
    choices = counted(words)
    personal = why_dropped(name, text, pd.Series(words, dtype=object)) == PERSONAL
    if (
        personal
        or len(choices) > MOST_CHOICES
        or cells.map(lambda cell: isinstance(cell, Mapping)).any()
        or not choices
    ):
        return [Column(name, name, text, role=PERSONAL if personal else FREE)], [rows.map(str, na_action="ignore")]
    ticked = rows.map(lambda row: {word.casefold() for word in row}, na_action="ignore")
    return (
        [Column(f"{name}: {choice}", name, text, choice) for choice in choices],
        [
            ticked.map(lambda row, one=one: float(one in row), na_action="ignore").astype(float)
            for one in map(str.casefold, choices)
        ],
    )


def _without_missing(cells: pd.DataFrame, export: Export, mapping: SurveyMapping) -> pd.DataFrame:
    """Text cells trimmed, empty ones missing, and those that the mapping calls no answer."""
    if export.text:
        cells = cells.map(lambda cell: None if cell.strip() in _MISSING else cell.strip())
    for name, words in mapping.missing.items():
        column = find(name, cells.columns, "missing")
        folded = {word.casefold() for word in words}
        none = (
            cells[column].map(lambda cell, none=folded: as_word(cell).casefold() in none, na_action="ignore").eq(True)
        )
        if not none.any():
            raise SurveyError(f"survey: missing: no cell of {column!r} is {' or '.join(map(quoted, words))}.")
        cells = cells.assign(**{column: cells[column].mask(none)})
    return cells


def _kept_rows(cells: pd.DataFrame, export: Export) -> tuple[pd.DataFrame, pd.Series, dict[str, int], dict[str, int]]:
    """The rows of respondents, which of them were not finished, reasons of the others, remarks on these."""
    why = pd.Series("", index=cells.index, dtype=object)
    ids = [c.name for c in export.columns if c.role == IDENTITY or (not export.tool and _ID.fullmatch(c.name))][:1]
    answers = cells[[c.name for c in export.columns if c.role in (ANSWER, FREE) and c.name not in (MARK, *ids)]]
    if export.text and len(answers.columns):  # a row of a data file was put there by somebody
        why[(answers.isna() | (answers == SEEN)).all(axis=1)] = NO_ANSWER
    if ids:
        why[cells[ids[0]].notna() & cells.duplicated()] = SAME_AGAIN
    if export.status:
        status = (
            cells[export.status].map(lambda cell: _STATUS.get(str(cell).casefold(), ""), na_action="ignore").fillna("")
        )
        why = why.mask(status != "", status)
    kept = cells[why == ""]
    unfinished, remarks = pd.Series(False, index=kept.index), {}
    if export.finished:
        ended = kept[export.finished]
        unfinished = ended.isna() | ended.map(lambda cell: str(cell).casefold() in NEGATIVE, na_action="ignore").eq(
            True
        )
        remarks[NOT_FINISHED] = int(unfinished.sum())
    if ids:
        again = kept[ids[0]].notna() & kept.duplicated(ids[0])
        remarks[f"kept, but {quoted(ids[0])} stands in another row, too, with other answers"] = int(again.sum())
    if export.above:
        remarks["lines above the header, left out"] = export.above
    return kept, unfinished, why[why != ""].value_counts().to_dict(), {remark: n for remark, n in remarks.items() if n}


def _named(mapping: SurveyMapping, keep: Sequence[str]) -> set[str]:
    """What a user has named, by which it is known to be no free text."""
    return {
        name.casefold()
        for name in (*keep, *mapping.targets, *mapping.choices, *mapping.asked, *mapping.missing, *(i.column for i in mapping.items.values()),
                     *(c for one in mapping.asked.values() for c in one))
    }  # fmt: skip


def _judged(column: Column, cells: pd.Series, named: set[str], export: Export) -> tuple[Column, str]:
    """The column with its role, and why it is not carried on; "" where it is."""
    if column.role != ANSWER:
        return column, column.role
    why = why_dropped(column.name, column.text, cells, comma=export.comma)
    known = {name.casefold() for name in (column.name, column.question, column.text)} & named
    texts = [cell for cell in cells.dropna() if isinstance(cell, str)]
    if not why or (why != PERSONAL and (known or (not export.whole and looks_joined(texts, export.tight)))):
        return column, ""
    return Column(column.name, column.question, column.text, column.choice, PERSONAL if why == PERSONAL else FREE), why


def _question_text(file: str, open_: Sequence[Question], mapping: SurveyMapping) -> str:
    """What is asked of all open questions, and the lines that answer it; they hold what was said already."""
    if not open_:
        return ""
    asked = {name: "answered" if rule is ONLY_ANSWERED else rule or "all" for name, rule in mapping.asked.items()}
    lines: dict[str, dict[str, Any]] = {"asked": asked, "choices": dict(mapping.choices)}
    for question in open_:
        if question.line:
            lines[question.line[0]] |= question.line[1]
    lines = {key: value for key, value in lines.items() if key in {q.line[0] for q in open_ if q.line}}
    paste = "\n".join(f"    {key} = {to_toml(value)}" for key, value in lines.items())
    return (
        f"{file}: "
        + "; ".join(question.why for question in open_)
        + ".\nLook at these lines, and paste them below [survey] (or give each as "
        f"--map 'LINE'):\n{paste}"
    )


def _newest(cells: pd.DataFrame, export: Export) -> date | None:
    """The day of the last answer, where dates stand in ISO 8601: 10/2/2026 is two days."""
    for name in export.dates:
        days = cells[name].dropna().str.extract(r"^(\d{4}-\d{2}-\d{2})", expand=False).dropna()
        if len(days):
            return datetime.fromisoformat(max(days)).date()
    return None
