"""Items: the answers that are counted, each a 0/1 column, named by a user or every choice of every closed question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from cxresearch.contacts import quoted, to_toml
from cxresearch.survey.mapping import SurveyError, SurveyMapping, meant
from cxresearch.survey.questions import ONE, SEVERAL, YES_NO, Question, question_named
from cxresearch.survey.ticks import POSITIVE, choice_share


@dataclass(frozen=True)
class Item:
    """An answer that is counted: ``column`` of 0 and 1 in the responses, its ``question``, what it is called, its claim."""

    column: str
    question: str
    label: str
    claim: str = ""


def every_item(found: Sequence[Question], responses: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Item, ...]]:
    """Every choice of every closed question that is decided, of a yes or no the yes; the responses with their columns."""
    items: list[Item] = []
    more: dict[str, pd.Series] = {}
    for question in found:
        if question.line:
            continue
        if question.kind == SEVERAL:
            pairs = zip(question.columns, question.choices, strict=True)
            # A choice that nobody was offered has no share.
            items += [
                Item(column, question.text, choice) for column, choice in pairs if responses[column].notna().any()
            ]
        elif question.kind == YES_NO and responses[question.name].dtype.kind in "bif":
            more[question.name] = responses[question.name].astype(float)
            items.append(Item(question.name, question.text, "yes"))
        elif question.kind in (ONE, YES_NO):
            yes = [choice for choice in question.choices if choice.casefold() in POSITIVE]
            for choice in sorted(question.choices) if question.kind == ONE else yes or question.choices[:1]:
                column = f"{question.name}: {choice}"
                more[column] = choice_share(responses[question.name], [choice], where=column, known=question.choices)
                items.append(Item(column, question.text, choice))
    return _beside(responses, more), tuple(items)


def named_items(
    mapping: SurveyMapping, found: Sequence[Question], responses: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[Item, ...], list[Question]]:
    """The items of ``[survey]``, the responses with their columns, and the questions that must be answered first."""
    items: list[Item] = []
    open_: list[Question] = []
    more: dict[str, pd.Series] = {}
    for name, source in mapping.items.items():
        question = question_named(source.column, found, f"items: {name}")
        if question.line:
            open_ += [question] if question not in open_ else []
            continue
        column = next((c for c in question.columns if c.casefold() == source.column.casefold()), "")
        if name in responses and name not in (column, question.name):
            raise SurveyError(f"survey: items: {name!r} is another column of the file, too; call the item otherwise.")
        more[name] = _values(name, source.column, column, source.choice, question, responses)
        label = source.label or ", ".join(source.choice) or name.replace("_", " ")
        items.append(Item(name, question.text, label, source.claim))
    return _beside(responses, more), tuple(items), open_


def _beside(responses: pd.DataFrame, more: Mapping[str, pd.Series]) -> pd.DataFrame:
    """The responses with more columns, put there all at once: one after another is slow where there are hundreds."""
    return pd.DataFrame({**dict(responses.items()), **more}, index=responses.index)


def _values(
    name: str, meant_column: str, column: str, choice: Sequence[str], question: Question, responses: pd.DataFrame
) -> pd.Series:
    if question.kind == SEVERAL and (choice or not column):
        if not choice:
            raise SurveyError(
                f"survey: items: {name}: {question.name!r} has several choices; say which: {name} = {{ column = "
                f"{quoted(meant_column)}, choice = {quoted(question.choices[0])} }}; there are {', '.join(map(quoted, question.choices))}."
            )
        if column and column != question.name:
            own = question.choices[question.columns.index(column)]
            if {word.casefold() for word in choice} != {own.casefold()}:
                raise SurveyError(
                    f"survey: items: {name}: the column {column!r} is the choice {quoted(own)} alone; write {name} = {{ column = "
                    f"{quoted(question.name)}, choice = {to_toml(list(choice) if len(choice) > 1 else choice[0])} }}."
                )
        chosen = responses[[_choice(one, question, name) for one in choice]]
        if chosen.isna().all(axis=None):
            raise SurveyError(f"survey: items: {name}: nobody was asked {quoted(choice[0])}; take the item out.")
        return chosen.max(axis=1)
    if not question.answered:
        raise SurveyError(f"survey: items: {name}: nobody answered {question.name!r}; take the item out.")
    if choice:
        return choice_share(responses[question.name], choice, where=f"items: {name}", known=question.choices)
    cells = responses[column or question.name]
    if question.kind not in (SEVERAL, YES_NO):
        there = ", ".join(map(quoted, list(question.counts)[:8])) or "many different values"
        raise SurveyError(
            f"survey: items: {name}: {question.name!r} holds {there}; say which answers count: {name} = {{ column = "
            f"{quoted(meant_column)}, choice = [...] }}."
        )
    if cells.dtype.kind in "bif":
        return cells.astype(float)
    return cells.map(lambda cell: float(str(cell).casefold() in POSITIVE), na_action="ignore").astype(float)


def _choice(word: str, question: Question, item: str) -> str:
    for column, choice in zip(question.columns, question.choices, strict=True):
        if choice.casefold() == word.casefold():
            return column
    raise SurveyError(
        f"survey: items: {item}: {question.name!r} has no choice {quoted(word)}{meant(word, question.choices)}; "
        f"there are {', '.join(map(quoted, question.choices))}."
    )
