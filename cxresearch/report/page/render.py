"""Executed notebooks and the facts of their run -> one self-contained page; all runs -> the index page.

Both functions are pure: equal input gives equal bytes. The pages load nothing, and hold no script but that of a
what-if, where a notebook recorded one, and that which compares a due day with the day of reading.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.resources import files
from typing import Any

import jinja2
import nbformat
from markupsafe import Markup

from cxresearch.exhibits import TICKET_MEASURES
from cxresearch.report.archive.freshness import (
    due,
    due_ahead,
    period_of_run,
    run_in_language,
    stale_records,
    stale_report,
)
from cxresearch.report.page.blocks import (
    DUE_SCRIPT,
    PAGE_SCRIPT,
    SCRIPT,
    forecast_view,
    policy,
    tile,
    trend,
    year_in_words,
)
from cxresearch.report.page.brand import check_colours
from cxresearch.report.page.leaks import NO_NAMES, Names
from cxresearch.report.page.prose import keep_together
from cxresearch.report.page.sections import Sections, no_machine_path, one_line, spoken
from cxresearch.style import format_date, format_value, load_words

__all__ = ["outputs_of", "render_brief", "render_index", "render_report", "take_away", "told_by_brief"]

_TEMPLATES = files("cxresearch.report.page") / "templates"
_SHEETS = ("page.css", "brief.css", "analysis.css")


def render_report(
    *,
    notebooks: Sequence[tuple[str, nbformat.NotebookNode]],
    run: dict[str, Any],
    headlines: Sequence[dict[str, Any]],
    language: str = "en",
    brand: Mapping[str, str] | None = None,
    names: Names = NO_NAMES,
) -> str:
    """Return the page of one run, its brief at the top.

    Parameters
    ----------
    notebooks : pairs of name and executed notebook, in the order of the page. One with an error output or a code cell
        that was never executed becomes a marked gap that says which cell it was; nothing of it is shown.
    run : ``report, title, organisation, period, period_label, status, simulated, parameters, inputs, counts,
        set_aside, notebooks, versions, commit, started_utc, finished_utc, newest_record, previous_period_label``, as
        in ``run.json``; what is not known is None. Where they are there, ``repaired`` (``repair, rows``), ``left_out``
        (``path, reason``), ``forecast`` (``forecast.forecast_rows``) and ``redefined`` (``label, what``) are shown too.
    headlines : the recorded headlines, each with ``change``: None, or ``difference, lower, upper, previous,
        distinguishable, previous_period_label``.
    language : which words to use. What notebooks say stays as they said it, and is marked as English.
    brand : ``name, logo, accent, accent_dark``, as ``brand.load_brand`` returns it; the name stands in the place of
        the run's organisation.
    names : what the log calls its queues and channels, which is no leak in an output.

    A page is marked STALE where its newest record is older than the end of its period by more than a day, and, by a few
    lines of script, where it is opened after the day on which a newer report was due.
    Raises ValueError where the rows do not add up (read = kept + set aside), for active content in a figure, and for an
    accent that cannot be read.
    """
    return _rendered("report.html", notebooks, run, headlines, language, brand, names)


def render_brief(
    *,
    notebooks: Sequence[tuple[str, nbformat.NotebookNode]],
    run: dict[str, Any],
    headlines: Sequence[dict[str, Any]],
    language: str = "en",
    brand: Mapping[str, str] | None = None,
    names: Names = NO_NAMES,
) -> str:
    """Return the brief of one run alone, the first two printed pages of :func:`render_report`, which takes the same."""
    return _rendered("brief.html", notebooks, run, headlines, language, brand, names)


def _rendered(
    template: str, notebooks: Sequence[tuple[str, nbformat.NotebookNode]], run: dict[str, Any], headlines: Sequence[dict[str, Any]],
    language: str, brand: Mapping[str, str] | None, names: Names,
) -> str:  # fmt: skip
    told = told_by_brief(notebooks=notebooks, run=run, headlines=headlines, language=language, brand=brand, names=names)
    run, sections, whole = told["run"], told["sections"], template == "report.html"
    wanted = {PAGE_SCRIPT: whole, SCRIPT: whole and told["moves"], DUE_SCRIPT: told["due"] is not None}
    scripts = [Markup(text) for text, there in wanted.items() if there]  # noqa: S704 our own files
    return (
        _environment(language, told["spoken"], told["mixed"])
        .get_template(template)
        .render(
            **told,
            missing=sum(section["gap"] is not None or section["empty"] for section in sections),
            dated=bool(run["newest_record"] or period_of_run(run)),
            forecast=forecast_view(run, language),
            policy=policy(*scripts),
            scripts=scripts,
            inputs=[{**entry, "path": no_machine_path(entry["path"])} for entry in run["inputs"] or []],
            left_out=[{**entry, "path": no_machine_path(entry["path"])} for entry in run.get("left_out") or []],
            parameters={name: no_machine_path(str(value)) for name, value in (run["parameters"] or {}).items()},
        )
    )


def told_by_brief(
    *, notebooks: Sequence[tuple[str, nbformat.NotebookNode]], run: dict[str, Any], headlines: Sequence[dict[str, Any]],
    language: str = "en", brand: Mapping[str, str] | None = None, names: Names = NO_NAMES,
) -> dict[str, Any]:  # fmt: skip
    """What :func:`render_brief` says of the same, before it is a page: ``run, status, stale, due, brand, brief, marks,
    points``, the words in ``language``; and the ``sections`` of the whole page."""
    words = load_words(language)
    _check_counts(run)
    brand = dict(brand or {})
    check_colours(brand)
    run = run_in_language(run, language)
    run = {**run, "organisation": brand.get("name") or run["organisation"]}
    page = Sections(words, run, spoken=spoken(notebooks, language), names=names)
    sections = [page.section(name, notebook) for name, notebook in notebooks]
    missing = any(section["gap"] is not None or section["empty"] for section in sections)
    for section in sections:
        said = section["language"]
        section["lang"] = "" if said == language else Markup(f' lang="{said}"')  # noqa: S704 letters and hyphens
    status = "partial" if run["status"] == "complete" and missing else run["status"]
    stale = stale_records(run, language=language)
    next_due = due_ahead(run)
    return {
        "run": run, "status": status, "stale": stale, "due": next_due and next_due.isoformat(), "brand": brand,
        "brief": page.brief(headlines, status=status, stale=bool(stale), language=language),
        "marks": _marks(words, simulated=run["simulated"], status=status, stale=bool(stale)), "points": page.points,
        "sections": sections, "tables": len(page.tables), "moves": page.moves, "spoken": page.spoken,
        "opened": {section["anchor"]: page.moved(section, headlines, language) for section in sections},
        "terms": page.meanings(), "outputs": page.outputs, "mixed": any(s["language"] != language for s in sections),
    }  # fmt: skip


def outputs_of(
    *, notebooks: Sequence[tuple[str, nbformat.NotebookNode]], run: dict[str, Any], names: Names = NO_NAMES
) -> dict[str, Any]:
    """What becomes of every output on the page: ``shown`` and ``removed`` (by the tag ``remove-cell``) are counts;
    ``not_shown`` and ``noted`` (shown, but not as it was) have one entry each: ``notebook, cell, why, said``; ``empty`` names the
    notebooks of which nothing is shown."""
    page = Sections(load_words("en"), run, spoken="en", names=names)
    for name, notebook in notebooks:
        page.section(name, notebook)
    return page.outputs


def take_away(
    *,
    notebooks: Sequence[tuple[str, nbformat.NotebookNode]],
    run: dict[str, Any],
    language: str = "en",
    names: Names = NO_NAMES,
) -> tuple[list[dict[str, Any]], dict[str, str | bytes]]:
    """What stands beside the page that :func:`render_report` returns: its tables, in their order, as
    ``blocks.table_view`` gives them, and its figures, a drawing (SVG) or a picture (PNG) for each file that the page links to."""
    page = Sections(
        load_words(language), run_in_language(run, language), spoken=spoken(notebooks, language), names=names
    )
    for name, notebook in notebooks:
        page.section(name, notebook)
    page.add_tables_of_brief()
    return page.tables, page.drawings


def render_index(
    runs: Sequence[dict[str, Any]],
    *,
    language: str = "en",
    brand: Mapping[str, str] | None = None,
    today: date | None = None,
    left_aside: Sequence[tuple[str, str]] = (),
) -> str:
    """Return the page that lists ``runs``: reports of periods, of the evidence, of surveys and of tickets; of each one row a
    period, the newest first, with its headlines, and beside them those of the same period of the year before.

    Each run has ``report, title, period, period_label, status, simulated, finished_utc, newest_record, href`` (relative
    to the index; None for a failed run, which has no page), ``brief`` (the same of its first two pages) and ``headlines``, as :func:`render_report` takes them.
    ``brand`` is as there. A run whose records end early is marked STALE, and with ``today`` also the newest run of a
    report where a newer one was due before that day. ``left_aside`` are files of earlier runs that could not be read, and
    why: they are named. A failed attempt beside a report that stands is told in the row of that report, with its reason.
    """
    words = load_words(language)
    brand = dict(brand or {})
    check_colours(brand)
    runs = [run_in_language(run, language) for run in runs]
    for run in runs:
        for href in filter(None, (run["href"], run.get("brief"))):
            if re.match(r"[a-zA-Z][\w+.-]*:|/", href):
                raise ValueError(f"href of {run['report']} {run['period']} must be relative; got {href!r}.")
    newest_first = sorted(runs, key=lambda run: (run["period"], run["finished_utc"]), reverse=True)
    reports = [
        [run for run in newest_first if run["report"] == name] for name in {r["report"]: 0 for r in newest_first}
    ]
    reports.sort(key=lambda group: (max(run["finished_utc"] for run in group), group[0]["report"]), reverse=True)
    shown = [(_kind_of_report(group), _index_report(group, language, today)) for group in reports]
    groups = [(kind, [report for of, report in shown if of == kind]) for kind in words["index"]["groups"]]
    some_due = any(row["due"] for _, report in shown for row in report["rows"])
    scripts = [Markup(DUE_SCRIPT)] if some_due else []  # noqa: S704 our own file
    template = _environment(language, _language_of(runs, language)).get_template("index.html")
    return template.render(
        groups=[(kind, reports) for kind, reports in groups if reports],
        left_aside=left_aside,
        brand=brand,
        policy=policy(*scripts),
        scripts=scripts,
        marks=_index_marks(words, [run["simulated"] for run in runs]),
    )


def _language_of(runs: Sequence[dict[str, Any]], language: str) -> str:
    """The language of what the runs recorded: that of the page where all of it is, else English."""
    told = {headline.get("language", "en") for run in runs for headline in run["headlines"]}
    return language if told <= {language} else "en"


def _index_marks(words: dict[str, Any], simulated: list[bool]) -> list[str]:
    if not any(simulated):
        return []
    return [words["page"]["simulated"] if all(simulated) else words["index"]["some_simulated"]]


def _kind_of_report(runs: list[dict[str, Any]]) -> str:
    """Where the index lists a report: by what its runs are named, and by what they recorded."""
    names = {headline["name"] for run in runs for headline in run["headlines"]} | {runs[0]["report"]}
    if any(period_of_run(run) for run in runs):
        return "tickets" if names & {"tickets", *TICKET_MEASURES} else "periodic"
    return "survey" if names & {"survey", "respondents"} else "evidence"


def _index_report(runs: list[dict[str, Any]], language: str, today: date | None) -> dict[str, Any]:
    """One report of the index. Of the runs of a period the one that stands is shown; what failed since is told beside it."""
    by_period = {run["period"]: [one for one in runs if one["period"] == run["period"]] for run in runs}
    shown = [next((run for run in same if run["href"]), same[0]) for same in by_period.values()]
    failed = [next((run for run in same if run["status"] == "failed"), None) for same in by_period.values()]
    by_name = [{h["name"]: h for h in run["headlines"] if run["status"] != "failed"} for run in shown]
    names = {name: headline["label"] for found in reversed(by_name) for name, headline in found.items()}
    newest = max((run["period"] for run in shown if run["href"]), default=None)
    rows = []
    for run, found, attempt in zip(shown, by_name, failed, strict=True):
        last = today is not None and run["period"] == newest
        overdue = stale_report(run, today, language=language) if today and last else ""
        ahead = due(run) if last and not overdue else None
        rows.append({
            "run": run,
            # The cell says to when the data goes; only that a newer report is missing needs words.
            "stale": bool(stale_records(run)),
            "overdue": overdue,
            "due": ahead and ahead.isoformat(),
            "attempt": attempt and {"finished_utc": attempt["finished_utc"], "reason": one_line(attempt.get("reason") or "")},
            "dated": bool(run["newest_record"] or period_of_run(run)),
            "cells": [_index_cell(found[name], run, language) if name in found else None for name in names],
        })  # fmt: skip
    oldest_first = by_name[::-1]
    kind = next((period.kind for period in map(period_of_run, shown) if period), "version")
    return {
        "title": runs[0]["title"],
        "by": kind,
        "simulated": all(run["simulated"] for run in shown),
        "labels": list(names.values()),
        "rows": rows,
        "trends": [trend([found[name] for found in oldest_first if name in found]) for name in names],
    }


def _index_cell(headline: dict[str, Any], run: dict[str, Any], language: str) -> dict[str, Any]:
    cell = tile(headline, run, language)
    # Why there is no interval, in the first words: a row a period has no room for the rest, which the report says.
    return {**cell, "interval": cell["interval"].split("; ")[0], "year": year_in_words(headline, language)}


def _check_counts(run: dict[str, Any]) -> None:
    counts = run["counts"] or {}
    read, kept, set_aside = (counts.get(name) for name in ("read", "kept", "set_aside"))
    if read is not None and kept is not None and set_aside is not None and read != kept + set_aside:
        raise ValueError(f"rows do not add up: {read} read is not {kept} kept + {set_aside} set aside.")
    reasons = run["set_aside"] or []
    named = sum(entry["rows"] for entry in reasons)
    if reasons and set_aside is not None and named != set_aside:
        raise ValueError(f"{set_aside} rows were set aside, but the reasons account for {named}.")


def _marks(words: dict[str, Any], *, simulated: bool, status: str, stale: bool) -> list[str]:
    """What must stand on every page, printed ones too."""
    said = {"simulated": simulated, "stale": stale, "incomplete": status != "complete"}
    return [words["page"][mark] for mark, holds in said.items() if holds]


def _css_string(text: str) -> Markup:
    """Any text as a CSS string: whatever is not a letter, a digit or a space is written by its number."""
    return Markup('"' + re.sub(r"[^A-Za-z0-9 ]", lambda c: f"\\{ord(c[0]):x} ", text) + '"')  # noqa: S704


@functools.cache
def _environment(language: str, spoken: str = "en", mixed: bool = False) -> jinja2.Environment:
    """Templates of a page in ``language`` whose exhibits speak ``spoken``; ``mixed``: a section speaks another than the page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("cxresearch.report.page"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )

    def date_in(value: str | None) -> str:
        return format_date(value, language=language) if value else load_words(language)["numbers"]["not_known"]

    def value_in(value: Any, unit: str = "number") -> str:
        return format_value(value, unit, language=language)

    environment.filters |= {
        "date": date_in,
        "value": value_in,
        "together": keep_together,
        "css_string": _css_string,
        "zip": zip,
    }
    environment.globals |= {
        "words": load_words(language),
        # What comes from notebooks and logs is in the language of its author.
        "as_page": "" if language == spoken and not mixed else Markup(f' lang="{language}"'),  # noqa: S704 a known language
        "as_written": "" if language == spoken else Markup(f' lang="{spoken}"'),  # noqa: S704
        "css": Markup("".join((_TEMPLATES / name).read_text(encoding="utf-8") for name in _SHEETS)),  # noqa: S704
    }
    return environment
