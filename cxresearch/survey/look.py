"""A survey looked at before it is used: what it is, what was asked, what is asked of the user, and how to go on."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from cxresearch.contacts import quoted
from cxresearch.survey.exports import tool_of
from cxresearch.survey.items import Item
from cxresearch.survey.labelled import LABELLED
from cxresearch.survey.questions import YES_NO, Question, looks_like_weight
from cxresearch.survey.reading import Survey, look_over

SHOWN = 12  # choices of a question


def is_survey(path: str | PathLike[str]) -> bool:
    """Whether a file is a survey by its looks: written by a known tool, SPSS or Stata."""
    return Path(path).suffix.lower() in LABELLED or bool(tool_of(Path(path)))


def look_at_survey(path: str | PathLike[str], survey: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a report would read of a survey; nothing is written.

    Returns
    -------
    dict ``would_run``; ``question`` or ``error`` where it would not. Where the file can be read: ``survey`` (its name),
    ``format, read, kept, set_aside, reasons, remarks, dropped`` (column -> why), ``newest``, ``simulated``, ``questions``
    (``name, text, kind, columns, asked, answered, written_in, choices``: choice -> how often), ``lines`` to go on with and
    columns that look like ``weights``.
    """
    try:
        found = look_over(path, survey)
    except ValueError as error:
        return {"would_run": False, "error": str(error)}
    said: dict[str, Any] = {"would_run": not found.question and bool(found.items)}
    if found.question:
        said["question"] = found.question
    elif not found.items:
        said["error"] = f"{found.file}: no question is closed, so no share can be told."
    return {
        **said, "survey": found.file, "format": found.tool or "columns by their names", "read": found.read, "kept": found.kept,
        "set_aside": found.read - found.kept, "reasons": dict(found.set_aside), "remarks": dict(found.repaired),
        "dropped": dict(found.dropped), "newest": found.newest.isoformat() if found.newest else None, "simulated": found.simulated,
        "questions": [_question(question) for question in found.questions], "lines": item_lines(found),
        "weights": [name for name in found.responses.columns if looks_like_weight(found.responses[name])],
    }  # fmt: skip


def _question(question: Question) -> dict[str, Any]:
    return {
        "name": question.name, "text": question.text, "kind": question.kind, "columns": list(question.columns), "asked": question.asked,
        "answered": question.answered, "written_in": question.other, "choices": dict(question.counts),
    }  # fmt: skip


def item_lines(found: Survey) -> list[str]:
    """A line of ``[survey.items]`` for each answer that would be counted, to be changed at will."""
    lines: dict[str, str] = {}
    for question in found.questions:
        for item in (item for item in found.items if _of(item, question)):
            choice = "" if question.kind == YES_NO else f", choice = {quoted(item.label)}"
            short, long = slug(item.label if choice else question.name), slug(f"{question.name} {item.label}")
            name = short if short not in lines else long if long not in lines else f"{long}_{len(lines) + 1}"
            key = name if name.isascii() else quoted(name)  # TOML's bare keys are of ASCII
            lines[name] = f"{key} = {{ column = {quoted(question.name)}{choice} }}"
    return list(lines.values())


def slug(text: str) -> str:
    """An identifier that reads like ``text``."""
    name = "".join(letter if f"a{letter}".isidentifier() else " " for letter in text.lower())
    name = "_".join(name.split()) or "item"
    return name if name.isidentifier() else f"item_{name}"


def _of(item: Item, question: Question) -> bool:
    own = item.column in question.columns or item.column.startswith(f"{question.name}: ")
    return question.line is None and item.question == question.text and own


def survey_text(found: Mapping[str, Any], command: str = "") -> str:
    """What :func:`look_at_survey` found, for a person; ``command`` goes on from there, where it is not gone already."""
    if "survey" not in found:
        return f"Not readable:\n{found['error']}"
    lines = [f"{found['survey']}: a survey, {found['format']}{', SIMULATED' if found['simulated'] else ''}"]
    lines.append(f"{found['read']:,} rows read, {found['kept']:,} kept, {found['set_aside']:,} set aside")
    lines += [f"  {rows:,} set aside: {reason}" for reason, rows in found["reasons"].items()]
    lines += [f"  {rows:,} {remark}" for remark, rows in found["remarks"].items()]
    for why in dict.fromkeys(found["dropped"].values()):
        names = [name for name, reason in found["dropped"].items() if reason == why]
        lines.append(f"Not carried on ({why}): {', '.join(names)}")
    for question in found["questions"]:
        name = question["name"] if question["name"] == question["text"] else f"{question['name']}: {question['text']}"
        asked = "not known who was asked" if question["asked"] is None else f"{question['asked']:,} asked"
        written = f", {question['written_in']:,} with something written in" if question["written_in"] else ""
        lines += ["", f"{name}", f"  {question['kind']}; {asked}, {question['answered']:,} answered{written}"]
        counts = list(question["choices"].items())
        lines += [f"  {rows:>7,}  {choice}" for choice, rows in counts[:SHOWN]]
        if len(counts) > SHOWN:
            lines.append(f"  and {len(counts) - SHOWN} more")
    lines += [
        f"\n{name} looks like a weight. If it is: survey_weight = {quoted(name)} among the report's parameters"
        for name in found["weights"]
    ]
    if not found["would_run"]:
        return "\n".join(
            [
                *lines,
                "",
                "A question:" if "question" in found else "Not usable:",
                found.get("question", found.get("error")),
            ]
        )
    go_on = [f"Go on with: {command}", ""] if command else []
    return "\n".join(
        [*lines, "", *go_on, "Answers of your own are named in a report's TOML:", "[survey.items]", *found["lines"]]
    )
