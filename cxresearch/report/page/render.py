"""Executed notebooks and the facts of their run -> one self-contained page; all runs -> the index page.

Both functions are pure: equal input gives equal bytes. The pages load nothing, and hold no script but that of a
what-if, where a notebook recorded one, and that which compares a due day with the day of reading.
"""

from __future__ import annotations

import base64
import functools
import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.resources import files
from pathlib import PurePath
from typing import Any

import jinja2
import nbformat
from markupsafe import Markup

from cxresearch.exhibits import (
    BRIEF,
    DECISION,
    FIGURE,
    HEADLINE,
    NOTEBOOK_WIDTH,
    POINTS,
    TABLE,
    TICKET_MEASURES,
    WHAT_IF,
)
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
    SCRIPT,
    forecast_view,
    policy,
    refuse_active_content,
    slug,
    table_view,
    tile,
    trend,
    what_if_view,
    year_in_words,
)
from cxresearch.report.page.brand import check_colours
from cxresearch.report.page.brief import MOST_FILES, brief_view, chosen_tiles, spark
from cxresearch.report.page.prose import first_title, keep_together, plain_text, prose_reader
from cxresearch.report.page.take_away import standalone
from cxresearch.style import format_date, format_value, load_words

__all__ = ["render_brief", "render_index", "render_report", "take_away"]

_TEMPLATES = files("cxresearch.report.page") / "templates"


def render_report(
    *,
    notebooks: Sequence[tuple[str, nbformat.NotebookNode]],
    run: dict[str, Any],
    headlines: Sequence[dict[str, Any]],
    language: str = "en",
    brand: Mapping[str, str] | None = None,
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

    A page is marked STALE where its newest record is older than the end of its period by more than a day, and, by a few
    lines of script, where it is opened after the day on which a newer report was due.
    Raises ValueError where the rows do not add up (read = kept + set aside), for active content in a figure, and for an
    accent that cannot be read.
    """
    return _rendered("report.html", notebooks, run, headlines, language, brand)


def render_brief(
    *,
    notebooks: Sequence[tuple[str, nbformat.NotebookNode]],
    run: dict[str, Any],
    headlines: Sequence[dict[str, Any]],
    language: str = "en",
    brand: Mapping[str, str] | None = None,
) -> str:
    """Return the brief of one run alone, the first two printed pages of :func:`render_report`, which takes the same."""
    return _rendered("brief.html", notebooks, run, headlines, language, brand)


def _rendered(
    template: str, notebooks: Sequence[tuple[str, nbformat.NotebookNode]], run: dict[str, Any], headlines: Sequence[dict[str, Any]],
    language: str, brand: Mapping[str, str] | None,
) -> str:  # fmt: skip
    words = load_words(language)
    _check_counts(run)
    brand = dict(brand or {})
    check_colours(brand)
    run = run_in_language(run, language)
    run = {**run, "organisation": brand.get("name") or run["organisation"]}
    page = _Page(words, run)
    sections = [page.section(name, notebook) for name, notebook in notebooks]
    missing = sum(section["gap"] is not None for section in sections)
    status = "partial" if run["status"] == "complete" and missing else run["status"]
    stale = stale_records(run, language=language)
    next_due = due_ahead(run)
    scripted = page.moves and template == "report.html"
    return (
        _environment(language)
        .get_template(template)
        .render(
            run=run,
            status=status,
            missing=missing,
            stale=stale,
            dated=bool(run["newest_record"] or period_of_run(run)),
            due=next_due and next_due.isoformat(),
            due_script=Markup(DUE_SCRIPT),  # noqa: S704 our own file
            brand=brand,
            brief=page.brief(headlines, status=status, stale=bool(stale), language=language),
            forecast=forecast_view(run, language),
            policy=policy(script=scripted, due=next_due is not None),
            script=Markup(SCRIPT) if scripted else "",  # noqa: S704 our own file
            marks=_marks(words, simulated=run["simulated"], status=status, stale=bool(stale)),
            points=page.points,
            tables=len(page.tables),
            sections=sections,
            inputs=[{**entry, "path": _no_machine_path(entry["path"])} for entry in run["inputs"] or []],
            left_out=[{**entry, "path": _no_machine_path(entry["path"])} for entry in run.get("left_out") or []],
            parameters={name: _no_machine_path(str(value)) for name, value in (run["parameters"] or {}).items()},
        )
    )


def take_away(
    *, notebooks: Sequence[tuple[str, nbformat.NotebookNode]], run: dict[str, Any], language: str = "en"
) -> tuple[list[dict[str, Any]], dict[str, str | bytes]]:
    """What stands beside the page that :func:`render_report` returns: its tables, in their order, as
    ``blocks.table_view`` gives them, and its figures, a drawing (SVG) or a picture (PNG) for each file that the page links to."""
    page = _Page(load_words(language), run_in_language(run, language))
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
    to the index; None for a failed run, which has no page) and ``headlines``, as :func:`render_report` takes them.
    ``brand`` is as there. A run whose records end early is marked STALE, and with ``today`` also the newest run of a
    report where a newer one was due before that day. ``left_aside`` are files of earlier runs that could not be read, and
    why: they are named. A failed attempt beside a report that stands is told in the row of that report, with its reason.
    """
    words = load_words(language)
    brand = dict(brand or {})
    check_colours(brand)
    runs = [run_in_language(run, language) for run in runs]
    for run in runs:
        if run["href"] and re.match(r"[a-zA-Z][\w+.-]*:|/", run["href"]):
            raise ValueError(f"href of {run['report']} {run['period']} must be relative; got {run['href']!r}.")
    newest_first = sorted(runs, key=lambda run: (run["period"], run["finished_utc"]), reverse=True)
    reports = [
        [run for run in newest_first if run["report"] == name] for name in {r["report"]: 0 for r in newest_first}
    ]
    reports.sort(key=lambda group: (max(run["finished_utc"] for run in group), group[0]["report"]), reverse=True)
    shown = [(_kind_of_report(group), _index_report(group, language, today)) for group in reports]
    groups = [(kind, [report for of, report in shown if of == kind]) for kind in words["index"]["groups"]]
    some_due = any(row["due"] for _, report in shown for row in report["rows"])
    template = _environment(language).get_template("index.html")
    return template.render(
        groups=[(kind, reports) for kind, reports in groups if reports],
        left_aside=left_aside,
        brand=brand,
        policy=policy(script=False, due=some_due),
        due_script=Markup(DUE_SCRIPT) if some_due else "",  # noqa: S704 our own file
        marks=_index_marks(words, [run["simulated"] for run in runs]),
    )


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
            "attempt": attempt and {"finished_utc": attempt["finished_utc"], "reason": _one_line(attempt.get("reason") or "")},
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


class _Page:
    """What the sections of one page share: running numbers, the main points, the Markdown reader."""

    def __init__(self, words: dict[str, Any], run: dict[str, Any]) -> None:
        self.words = words
        self.run = run
        self.points: list[list[str]] = []
        self.moves = False
        self.tables: list[dict[str, Any]] = []
        self.drawings: dict[str, str | bytes] = {}
        self._parts: dict[str, dict[str, Any]] = {}
        self._decision: dict[str, Any] | None = None
        self._tables = itertools.count(1)
        self._figures = itertools.count(1)
        self._sections = itertools.count(1)
        self._what_ifs = itertools.count(1)
        self._markdown = prose_reader(words)
        self._facts = {entry["name"]: entry for entry in run["notebooks"] or []}

    def section(self, name: str, notebook: nbformat.NotebookNode) -> dict[str, Any]:
        self._level, self._heading = 2, ""
        title = first_title(cell.source for cell in notebook.cells if cell.cell_type == "markdown") or name.replace(
            "-", " "
        )
        section: dict[str, Any] = {"anchor": f"s{next(self._sections)}", "title": title, "gap": None, "blocks": []}
        section["gap"] = self._gap(name, notebook)
        if section["gap"] is None:
            self._heading = title
            title_is_due = True
            for cell in notebook.cells:
                if cell.cell_type == "markdown":
                    section["blocks"] += self._prose(cell.source, drop_title=title_is_due)
                    title_is_due = title_is_due and not first_title([cell.source])
                elif cell.cell_type == "code":
                    for output in cell.outputs:
                        section["blocks"] += self._output(output)
        return section

    def _gap(self, name: str, notebook: nbformat.NotebookNode) -> str | None:
        words, cells = self.words["page"], notebook.cells
        for number, cell in enumerate(cells, start=1):
            for output in cell.get("outputs", []):
                if output.output_type == "error":
                    error = _one_line(f"{output.get('ename', '')}: {output.get('evalue', '')}")
                    return words["gap_error"].format(cell=number, cells=len(cells), name=name, error=error.rstrip("."))
        for number, cell in enumerate(cells, start=1):
            if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
                return words["gap_unexecuted"].format(cell=number, cells=len(cells), name=name)
        facts = self._facts.get(name, {})
        if facts.get("error") or facts.get("exit_code"):
            error = _one_line(str(facts.get("error") or f"exit code {facts['exit_code']}"))
            return words["gap_run"].format(name=name, error=error.rstrip("."))
        return None if cells else words["gap_empty"].format(name=name)

    def _output(self, output: nbformat.NotebookNode) -> list[dict[str, Any]]:
        if output.output_type not in ("display_data", "execute_result"):
            return []
        data = output.data
        if DECISION in data:
            self._decision = data[DECISION]
        if BRIEF in data:
            self._parts[data[BRIEF]["part"]] = data[BRIEF]
            if data[BRIEF]["part"] in ("lead", "hours", "queues"):  # they stand in the brief alone
                return []
        if POINTS in data:
            self.points += data[POINTS]["points"]
        elif FIGURE in data:
            return [self._figure(data[FIGURE], _joined(data["image/svg+xml"]), _joined(data.get("image/png", "")))]
        elif TABLE in data:
            return [{"type": "table", "table": self._table(data[TABLE])}]
        elif WHAT_IF in data:
            return [self._what_if(data[WHAT_IF])]
        elif "text/markdown" in data and HEADLINE not in data:
            return self._prose(_joined(data["text/markdown"]), drop_title=False)
        return []

    def add_tables_of_brief(self) -> None:
        """Those of the hours and the queues, after all others, as the page counts them."""
        for name in ("hours", "queues"):
            if content := self._parts.get(name, {}).get("table"):
                self._table(content)

    def brief(self, headlines: Sequence[dict[str, Any]], *, status: str, stale: bool, language: str) -> dict[str, Any]:
        """The first two pages, of what the sections have recorded."""
        view = brief_view(
            self._parts, self._decision, self.run, status=status, stale=stale, headlines=headlines, points=self.points,
            marks=self.run["simulated"] + stale + (status != "complete"), language=language,
        )  # fmt: skip
        tiles = [tile(headline, self.run, language) for headline in chosen_tiles(headlines)]
        # The files of the workbook's own evidence are in the provenance at the end.
        files = [{**entry, "path": _no_machine_path(entry["path"])} for entry in self.run["inputs"] or []]
        view["files"] = [entry for entry in files if not entry["path"].startswith("data/")][:MOST_FILES]
        view["tiles"] = [{**one, "spark": spark(view["sparks"].get(one["name"], []), one["value"])} for one in tiles]
        if view["hours"] and not view["hours"]["why"]:
            view["hours"]["table"] = self._table(view["hours"]["content"])
        return view

    def _prose(self, source: str, *, drop_title: bool) -> list[dict[str, Any]]:
        tokens = self._markdown.parse(source)
        start = next((i for i, t in enumerate(tokens) if t.type == "heading_open" and t.tag == "h1"), None)
        if drop_title and start is not None:
            # A heading is three tokens: open, text, close.
            del tokens[start : start + 3]
        for position, token in enumerate(tokens):
            if token.type == "heading_open":
                # A notebook's # is the page's h2; no level of the outline is ever left out.
                self._level = min(max(int(token.tag[1]) + 1, 3), self._level + 1)
                self._heading = plain_text(tokens[position + 1])
            if token.type in ("heading_open", "heading_close"):
                token.tag = f"h{self._level}"
        rendered = self._markdown.renderer.render(tokens, self._markdown.options, {"label": self._table_label})
        return [{"type": "prose", "html": Markup(rendered)}] if rendered.strip() else []  # noqa: S704 html is off

    def _figure(self, content: dict[str, Any], svg: str, png: str) -> dict[str, Any]:
        refuse_active_content(svg, content["finding"])
        svg = svg.replace(f"<svg {NOTEBOOK_WIDTH} ", "<svg ", 1)
        number = next(self._figures)
        svg = svg.replace(content["prefix"], f"figure{number}-")
        kind = self.words["kinds"][content["kind"]]
        file = f"figures/{number:02d}-{slug(content['finding'])}"
        self.drawings[f"{file}.svg"] = standalone(
            svg, finding=content["finding"], subtitle=content["subtitle"], kind=kind
        )
        if png:
            self.drawings[f"{file}.png"] = base64.b64decode(png)
        return {
            "type": "figure",
            "svg": Markup(svg),  # noqa: S704 just checked
            "file": f"{file}.svg",
            "png": f"{file}.png" if png else "",
            "name": content["finding"],
            "finding": None if content["finding"] == self._heading else content["finding"],
            "level": min(self._level + 1, 6),
            "subtitle": content["subtitle"],
            "kind": content["kind"],
            "table": content["table"] and self._table(content["table"]),
        }

    def _table_label(self, caption: str = "") -> str:
        """Numbered, so that no two tables are announced alike; a table in prose is called by the heading above it."""
        return self.words["page"]["table"].format(number=next(self._tables), caption=caption or self._heading)

    def _table(self, content: dict[str, Any]) -> dict[str, Any]:
        file = f"{self.run['report']}-{self.run['period']}"
        self.tables.append(table_view(content, label=self._table_label(content["caption"]), file=file))
        return self.tables[-1]

    def _what_if(self, content: dict[str, Any]) -> dict[str, Any]:
        self.moves = True
        anchor, table = f"whatif{next(self._what_ifs)}", self._table(content["table"])
        view = what_if_view(content, table, anchor=anchor)
        finding = None if content["finding"] == self._heading else content["finding"]
        return {**view, "finding": finding, "name": content["finding"], "level": min(self._level + 1, 6)}


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


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def _one_line(text: str) -> str:
    """The first line of an error, without terminal colours and without the folders of this machine."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text).strip()
    line = _no_machine_path(plain.splitlines()[0] if plain else "")
    return line if len(line) <= 300 else f"{line[:299]}…"


def _no_machine_path(text: str) -> str:
    return re.sub(r"(?<![\w.:/])(?:/[\w.+@-]+){2,}", lambda found: PurePath(found[0]).name, text)


def _css_string(text: str) -> Markup:
    """Any text as a CSS string: whatever is not a letter, a digit or a space is written by its number."""
    return Markup('"' + re.sub(r"[^A-Za-z0-9 ]", lambda c: f"\\{ord(c[0]):x} ", text) + '"')  # noqa: S704


@functools.cache
def _environment(language: str) -> jinja2.Environment:
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
        "as_page": "" if language == "en" else Markup(f' lang="{language}"'),  # noqa: S704 a known language
        "as_written": "" if language == "en" else Markup(' lang="en"'),
        "css": Markup("".join((_TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "brief.css"))),  # noqa: S704
    }
    return environment
