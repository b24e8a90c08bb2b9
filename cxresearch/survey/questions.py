"""From the cells of an export to its questions: what kind each is, who was asked, and 0 and 1 for each choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cxresearch.contacts import quoted, to_toml
from cxresearch.survey import ticks as rules
from cxresearch.survey.exports import ANSWER, FREE, Column, Export
from cxresearch.survey.mapping import ONLY_ANSWERED, SurveyError, SurveyMapping, as_word, meant

LONGEST_SCALE = 1000  # the points of a scale are shown; sums, numbers of phones and of customers are not
ONE, SEVERAL, NUMBER, YES_NO, RANKING = "one choice", "several choices", "number", "yes or no", "ranking"


@dataclass(frozen=True)
class Question:
    """A question: its ``name``, wording, kind, the columns of the responses that hold it, and its choices.

    ``asked`` is None where the export does not show it; ``answered`` counts respondents with a tick or an answer,
    ``counts`` how often each choice was taken, ``other`` cells with something written in beside the choices. Where
    something is to be said before the question can be used, ``line`` is the key of ``[survey]`` with what could stand
    there, and ``why`` the reason.
    """

    name: str
    text: str
    kind: str
    columns: tuple[str, ...]
    choices: tuple[str, ...] = ()
    asked: int | None = None
    answered: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    other: int = 0
    line: tuple[str, dict[str, Any]] | None = None
    why: str = ""


def looks_like_weight(numbers: pd.Series) -> bool:
    """Whether a column could be respondents' weights: a number above 0 for everybody, most of them no whole one, 1 on average."""
    if not pd.api.types.is_numeric_dtype(numbers) or numbers.empty or not (numbers > 0).all():
        return False
    return bool((numbers % 1 != 0).mean() > 0.5 and abs(numbers.mean() - 1) <= 0.1)


@dataclass(frozen=True)
class Asking:
    """The rows that were kept, and what is known of them. ``unfinished`` rows ended early: an empty cell was not asked."""

    cells: pd.DataFrame
    export: Export
    mapping: SurveyMapping
    columns: Sequence[Column]
    unfinished: pd.Series

    def questions(self) -> tuple[pd.DataFrame, list[Question]]:
        """The responses, and what each question is."""
        parts: dict[str, pd.Series] = {}
        found: list[Question] = []
        groups: dict[str, list[Column]] = {}
        for column in self.columns:
            if column.role == ANSWER:
                groups.setdefault(column.question, []).append(column)
        for group in groups.values():
            choices = {column.name: column.choice for column in group}
            ticked, between = self._block(choices)
            if ticked:
                written = [c.name for c in self.columns if c.role == FREE and c.question == group[0].question]
                other = between | self.cells[written].notna().any(axis=1)
                question, table = self._ticked(group[0].question, group[0].text, *ticked, choices, other)
                parts |= {
                    name: self.cells[name].where(table[name] == 1) if question.line else table[name] for name in choices
                }
                found.append(question)
            else:
                for column in group:
                    table, question = self._one(column)
                    parts |= table
                    found.append(question)
        return pd.DataFrame(parts, index=self.cells.index), found

    def _block(self, choices: Mapping[str, str]) -> tuple[tuple[pd.DataFrame, pd.Series] | None, pd.Series]:
        """Ticks, and the rows with something written in the one column of three or more that holds other words, too."""
        cells, none = self.cells[list(choices)], pd.Series(False, index=self.cells.index)
        if not any(choices.values()):
            return None, none
        if ticked := rules.block(cells, choices, file_shows=self._marks):
            return ticked, none
        for name in reversed(list(choices)) if len(choices) > 2 else []:
            tick = cells[name].map(as_word, na_action="ignore").eq(as_word(choices[name]))
            written = cells[name].notna() & ~tick & (cells[name] != rules.SEEN)
            if ticked := rules.block(
                cells.assign(**{name: cells[name].mask(written)}), choices, file_shows=self._marks
            ):
                return ticked, written
        return None, none

    @property
    def _marks(self) -> bool:
        """Whether the file marks questions that were seen and left empty."""
        return self.export.text and bool((self.cells == rules.SEEN).to_numpy().any())

    def _ticked(
        self,
        name: str,
        text: str,
        ticks: pd.DataFrame,
        unknown: pd.Series,
        choices: Mapping[str, str],
        other: pd.Series,
    ) -> tuple[Question, pd.DataFrame]:
        """A question of which several answers could be ticked, with 0 where it was asked and nothing ticked."""
        line, why = None, ""
        ticks = ticks.mask(ticks.isna().all(axis=1) & other, 0.0)
        ticked = ticks.eq(1).any(axis=1) | other
        unknown = unknown & ~other & ~self.unfinished
        rule = said(self.mapping.asked, name, text, list(choices))
        if rule is not None:
            asked = self._asked(name, rule, ticked, "ticked")
            left = ticks.isna().all(axis=1) & asked & ~self.unfinished
            ticks = ticks.mask(left, 0.0).where(asked)
        elif unknown.any():
            others = [
                c.name for c in self.columns if c.role == ANSWER and not c.choice and c.name not in (*choices, name)
            ]
            could = rules.filter_of(unknown, self.cells[others])
            line = ("asked", {name: could or "all"})
            why = (
                f"{quoted(text)}: {int(unknown.sum())} of {len(ticks)} respondents ticked nothing, and the export does not show who of "
                "them was asked"
            )
        counts = {choices[column]: int(ticks[column].eq(1).sum()) for column in ticks}
        asked_n = None if line else int(ticks.notna().any(axis=1).sum())
        question = Question(
            name,
            text,
            SEVERAL,
            tuple(ticks),
            tuple(counts),
            asked_n,
            int(ticked.sum()),
            counts,
            int(other.sum()),
            line,
            why,
        )
        return question, ticks

    def _asked(self, name: str, rule: Mapping[str, tuple[str, ...]], answered: pd.Series, did: str) -> pd.Series:
        """Who was asked by the rule; nobody else can have answered."""
        if rule is ONLY_ANSWERED:
            return answered
        asked = pd.Series(True, index=self.cells.index)
        for column, words in rule.items():
            full = find(column, self.cells.columns, f"asked: {name}")
            asked &= rules.choice_share(self.cells[full], words, where=f"asked: {name}: {column}").eq(1)
        wrong = int((answered & ~asked).sum())
        if wrong:
            raise SurveyError(
                f"survey: asked: {quoted(name)} was {did} in {wrong} rows that were not asked by {to_toml(rule)}; add the answers "
                f'that were asked, or write {quoted(name)} = "all".'
            )
        return asked

    def _one(self, column: Column) -> tuple[dict[str, pd.Series], Question]:
        """A question that one column holds: a number, one choice, or several joined in a cell."""
        name, raw = column.name, self.cells[column.name]
        text = f"{column.text}: {column.choice}" if column.choice else column.text
        words = raw.map(lambda cell: as_word(cell).casefold() if isinstance(cell, str) else "", na_action="ignore")
        given = raw.mask(words.isin([rules.SEEN, *rules.NOT_ASKED]))
        numbers = rules.as_numbers(given, comma=self.export.comma) if self.export.text else None
        known = said(self.mapping.choices, name, text, [])
        texts = [cell for cell in given.dropna() if isinstance(cell, str)]
        joined = None if numbers is not None or self.export.whole else rules.separator_of(texts, self.export.tight)
        if texts and (joined or known):
            separator = joined or (self.export.tight or ",", bool(self.export.tight))
            return self._joined(name, text, given, words == rules.SEEN, separator, known)
        if numbers is not None:
            given = numbers
        ticked = rules.only_ticks(given)
        if ticked is not None:
            table = ticked.to_frame(name)
            choice = as_word(given.dropna().iloc[0])
            question, table = self._ticked(
                name, text, table, given.isna() & ~self._marks, {name: choice}, pd.Series(False, index=given.index)
            )
            return {name: given if question.line else table[name]}, question
        if numbers is None and self.export.text and set(given.dropna()) <= {"True", "False"} and given.notna().all():
            given = given == "True"
        rule = said(self.mapping.asked, name, text, [])
        if rule is not None:
            self._asked(name, rule, given.notna(), "answered")
        return {name: given}, _single(name, text, given)

    def _joined(
        self,
        name: str,
        text: str,
        given: pd.Series,
        seen: pd.Series,
        joined: tuple[str, bool],
        known: Sequence[str] | None,
    ) -> tuple[dict[str, pd.Series], Question]:
        filled = given.dropna().astype(str)
        if (
            known
            and {as_word(cell).casefold() for cell in filled} <= {word.casefold() for word in known}
            and not self._several(name, text)
        ):
            # The cells as they stand are the choices: one of them was chosen.
            return {name: given}, _single(name, text, given, known)
        try:
            ticks, choices, other = rules.split_ticks(filled, joined[0], tight=joined[1], known=known or ())
        except rules.UndecidedError as undecided:
            why = (
                f"{quoted(text)}: which {quoted(joined[0])} stands between two choices, and which inside one, as in "
                f"{quoted(undecided.example)}? Where only one answer could be chosen, list the whole cells"
            )
            line = ("choices", {name: undecided.choices})
            return {name: given}, Question(name, text, SEVERAL, (name,), answered=len(filled), line=line, why=why)
        if len(choices) > 1 and len(set(filled)) > 1 and all(found == set(choices) for found in ticks):
            # All choices in every cell, in another order: put in order, not ticked.
            return {name: given}, Question(name, text, RANKING, (name,), tuple(choices), len(filled), len(filled))
        names = {f"{name}: {choice}": choice for choice in choices}
        table = pd.DataFrame(np.nan, index=given.index, columns=list(names))
        for column, choice in names.items():
            table.loc[filled.index, column] = [float(choice in found) for found in ticks]
        table = table.mask(seen, 0.0)
        written = pd.Series(False, index=given.index)
        written[filled.index] = other
        unknown = given.isna() & ~seen & (not self._marks)
        question, table = self._ticked(name, text, table, unknown, names, written)
        return ({name: given} if question.line else dict(table.items())), question

    def _several(self, name: str, text: str) -> bool:
        """Whether it is said who was asked, which is asked only where several answers could be ticked."""
        return said(self.mapping.asked, name, text, []) is not None


def _single(name: str, text: str, given: pd.Series, known: Sequence[str] = ()) -> Question:
    values, answered = given.dropna(), int(given.notna().sum())
    counts = rules.counted(values)
    folded = {word.casefold() for word in counts}
    counts |= {word: 0 for word in known if word.casefold() not in folded}
    truth = pd.api.types.is_bool_dtype(given)
    numeric = pd.api.types.is_numeric_dtype(given) and not truth
    scale = not numeric or ((values % 1 == 0).all() and (values.abs() < LONGEST_SCALE).all())
    if len(counts) > rules.MOST_CHOICES or not scale:
        counts = {}
    folded = {word.casefold() for word in counts}
    if truth or (numeric and answered and set(values.unique()) <= {0, 1}):
        kind = YES_NO
    elif numeric:
        kind = NUMBER
    else:
        yes_no = counts and folded <= rules.POSITIVE | rules.NEGATIVE and len(folded & rules.POSITIVE) <= 1
        kind = YES_NO if yes_no else ONE
    return Question(name, text, kind, (name,), tuple(counts), answered, answered, counts)


def said(given: Mapping[str, Any], name: str, text: str, columns: Sequence[str]) -> Any:
    """What a table of the mapping says of a question, by its name, its wording or a column; None where nothing."""
    names = (name, text, *columns)
    folded = {one.casefold() for one in names}
    keys = sorted((key for key in given if key.casefold() in folded), key=lambda key: key not in names)
    return given[keys[0]] if keys else None


def find(name: str, names: Sequence[str] | pd.Index, where: str) -> str:
    """The column that is meant, without regard to case; SurveyError where there is none."""
    found = sorted((one for one in map(str, names) if one.casefold() == name.casefold()), key=lambda one: one != name)
    if not found:
        there = list(map(str, names))
        raise SurveyError(
            f"survey: {where}: there is no column {name!r}{meant(name, there)}; there are {', '.join(there[:20])}."
        )
    return found[0]


def question_named(name: str, found: Sequence[Question], where: str) -> Question:
    """The question that is meant by its name, its wording or a column; SurveyError where there is none."""
    for meant_so in (str, str.casefold):  # as it is written, else without regard to case
        for question in found:
            if meant_so(name) in {meant_so(one) for one in (question.name, question.text, *question.columns)}:
                return question
    names = [question.name for question in found]
    raise SurveyError(
        f"survey: {where}: there is no question {name!r}{meant(name, names)}; there are {', '.join(names[:20])}."
    )
