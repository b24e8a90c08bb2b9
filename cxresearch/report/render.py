"""Executed notebooks and the facts of their run -> one self-contained page; all runs -> the index page.

Both functions are pure: equal input gives equal bytes. The pages hold no script and load nothing.
"""

from __future__ import annotations

import base64
import functools
import itertools
import re
from collections.abc import Iterable, Sequence
from html.parser import HTMLParser
from pathlib import Path, PurePath
from typing import Any

import jinja2
import nbformat
from markupsafe import Markup

from cxresearch.present import FIGURE, HEADLINE, NOTEBOOK_WIDTH, POINTS, TABLE
from cxresearch.report.prose import first_title, keep_together, plain_text, prose_reader
from cxresearch.words import format_date, format_interval, format_value, is_missing, load_words

_TEMPLATES = Path(__file__).parent / "templates"
_TALL = 20  # rows beyond which a table gets its own vertical scroll box on a screen


def render_report(
    *,
    notebooks: Sequence[tuple[str, nbformat.NotebookNode]],
    run: dict[str, Any],
    headlines: Sequence[dict[str, Any]],
    language: str = "en",
) -> str:
    """Return the page of one run.

    Parameters
    ----------
    notebooks : pairs of name and executed notebook, in the order of the page. One with an error output or a code cell
        that was never executed becomes a marked gap that says which cell it was; nothing of it is shown.
    run : ``report, title, organisation, period, period_label, status, simulated, parameters, inputs, counts,
        set_aside, notebooks, versions, commit, started_utc, finished_utc, newest_record, previous_period_label``, as
        in ``run.json``; what is not known is None. Where they are there, ``repaired`` (``repair, rows``) and
        ``left_out`` (``path, reason``) are shown too.
    headlines : the recorded headlines, each with ``change``: None, or ``difference, lower, upper, previous,
        distinguishable, previous_period_label``.
    language : which words to use.

    Raises ValueError where the rows do not add up (read = kept + set aside) and for active content in a figure.
    """
    words = load_words(language)
    _check_counts(run)
    page = _Page(words, run)
    sections = [page.section(name, notebook) for name, notebook in notebooks]
    missing = sum(section["gap"] is not None for section in sections)
    status = "partial" if run["status"] == "complete" and missing else run["status"]
    template = _environment(language).get_template("report.html")
    return template.render(
        run=run,
        status=status,
        missing=missing,
        marks=_marks(words, simulated=run["simulated"], status=status),
        points=page.points,
        sections=sections,
        tiles=[_tile(headline, run, language) for headline in headlines],
        inputs=[{**entry, "path": _no_machine_path(entry["path"])} for entry in run["inputs"] or []],
        left_out=[{**entry, "path": _no_machine_path(entry["path"])} for entry in run.get("left_out") or []],
        parameters={name: _no_machine_path(str(value)) for name, value in (run["parameters"] or {}).items()},
    )


def render_index(runs: Sequence[dict[str, Any]], *, language: str = "en") -> str:
    """Return the page that lists ``runs``: grouped by report, the newest period first, with their headlines.

    Each run has ``report, title, period, period_label, status, simulated, finished_utc, newest_record, href`` (relative
    to the index; None for a failed run, which has no page) and ``headlines``, as :func:`render_report` takes them.
    """
    words = load_words(language)
    for run in runs:
        if run["href"] and re.match(r"[a-zA-Z][\w+.-]*:|/", run["href"]):
            raise ValueError(f"href of {run['report']} {run['period']} must be relative; got {run['href']!r}.")
    newest_first = sorted(runs, key=lambda run: (run["period"], run["finished_utc"]), reverse=True)
    reports = [
        [run for run in newest_first if run["report"] == name] for name in {r["report"]: 0 for r in newest_first}
    ]
    reports.sort(key=lambda group: (max(run["finished_utc"] for run in group), group[0]["report"]), reverse=True)
    template = _environment(language).get_template("index.html")
    return template.render(
        reports=[_index_group(group, language) for group in reports],
        marks=_index_marks(words, [run["simulated"] for run in runs]),
    )


def _index_marks(words: dict[str, Any], simulated: list[bool]) -> list[str]:
    if not any(simulated):
        return []
    return [words["page"]["simulated"] if all(simulated) else words["index"]["some_simulated"]]


def _index_group(runs: list[dict[str, Any]], language: str) -> dict[str, Any]:
    by_name = [{headline["name"]: headline for headline in run["headlines"]} for run in runs]
    names = {name: headline["label"] for found in reversed(by_name) for name, headline in found.items()}
    rows = [
        {"run": run, "cells": [_tile(found[name], run, language) if name in found else None for name in names]}
        for run, found in zip(runs, by_name, strict=True)
    ]
    oldest_first = by_name[::-1]
    trends = [_trend([found[name] for found in oldest_first if name in found]) for name in names]
    simulated = all(run["simulated"] for run in runs)
    return {
        "title": runs[0]["title"],
        "simulated": simulated,
        "labels": list(names.values()),
        "rows": rows,
        "trends": trends,
    }


class _Page:
    """What the sections of one page share: running numbers, the main points, the Markdown reader."""

    def __init__(self, words: dict[str, Any], run: dict[str, Any]) -> None:
        self.words = words
        self.run = run
        self.points: list[list[str]] = []
        self._tables = itertools.count(1)
        self._figures = itertools.count(1)
        self._sections = itertools.count(1)
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
        if POINTS in data:
            self.points += data[POINTS]["points"]
        elif FIGURE in data:
            return [self._figure(data[FIGURE], _joined(data["image/svg+xml"]))]
        elif TABLE in data:
            return [{"type": "table", "table": self._table(data[TABLE])}]
        elif "text/markdown" in data and HEADLINE not in data:
            return self._prose(_joined(data["text/markdown"]), drop_title=False)
        return []

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

    def _figure(self, content: dict[str, Any], svg: str) -> dict[str, Any]:
        refuse_active_content(svg, content["finding"])
        svg = svg.replace(f"<svg {NOTEBOOK_WIDTH} ", "<svg ", 1)
        prefix = f"figure{next(self._figures)}-"
        return {
            "type": "figure",
            "svg": Markup(svg.replace(content["prefix"], prefix)),  # noqa: S704 just checked
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
        slug = re.sub(r"[^a-z0-9]+", "-", content["caption"].lower()).strip("-")[:60]
        data = base64.b64encode(content["csv"].encode()).decode()
        lengths = [max(map(len, column)) for column in zip(*content["rows"], strict=True)]
        return {
            **content,
            "classes": [
                "n" if column["numeric"] else "long" if length > 28 else ""
                for column, length in zip(content["columns"], lengths, strict=True)
            ],
            "label": self._table_label(content["caption"]),
            "tall": len(content["rows"]) > _TALL,
            "file": f"{self.run['report']}-{self.run['period']}-{slug}.csv",
            "href": f"data:text/csv;charset=utf-8;base64,{data}",
        }


def _check_counts(run: dict[str, Any]) -> None:
    counts = run["counts"] or {}
    read, kept, set_aside = (counts.get(name) for name in ("read", "kept", "set_aside"))
    if read is not None and kept is not None and set_aside is not None and read != kept + set_aside:
        raise ValueError(f"rows do not add up: {read} read is not {kept} kept + {set_aside} set aside.")
    reasons = run["set_aside"] or []
    named = sum(entry["rows"] for entry in reasons)
    if reasons and set_aside is not None and named != set_aside:
        raise ValueError(f"{set_aside} rows were set aside, but the reasons account for {named}.")


def _marks(words: dict[str, Any], *, simulated: bool, status: str) -> list[str]:
    """What must stand on every page, printed ones too."""
    return [words["page"]["simulated"]] * bool(simulated) + [words["page"]["incomplete"]] * (status != "complete")


def _tile(headline: dict[str, Any], run: dict[str, Any], language: str) -> dict[str, Any]:
    words = load_words(language)["page"]
    ends = (headline["lower"], headline["upper"])
    # What was counted in full has no interval: its note says so.
    counted = ends == (headline["value"], headline["value"]) and bool(headline["note"])
    known = not (is_missing(ends[0]) or is_missing(ends[1]) or counted)
    interval = known and words["interval"].format(
        interval=format_interval(headline["lower"], headline["upper"], headline["unit"], language=language)
    )
    return {
        **headline,
        "text": format_value(headline["value"], headline["unit"], language=language),
        "interval": interval or headline["note"],
        "range": known and format_interval(headline["lower"], headline["upper"], headline["unit"], language=language),
        "note": headline["note"] if known else "",
        # A number from a book does not move from month to month.
        "change": None
        if headline["kind"] in ("quoted", "assumed") and headline.get("change") is None
        else change_in_words(headline, run.get("previous_period_label"), language=language),
    }


def change_in_words(headline: dict[str, Any], period: str | None, *, language: str = "en") -> dict[str, str]:
    """Say how a headline moved since the period before, in words that respect the interval of the difference.

    Returns ``text``, ``short`` (for tables), ``direction`` ("up", "down" or "") and ``judgement`` ("better", "worse"
    or ""). ``period`` names the period before where the headline has no change.
    """
    change, unit = headline.get("change"), headline["unit"]
    words, short_words = (load_words(language)[part] for part in ("change", "change_short"))

    def said(what: str, **values: str) -> dict[str, str]:
        short = short_words[what.removesuffix("_interval")].format(**values)
        return {"text": words[what].format(**values), "short": short, "direction": "", "judgement": ""}

    if change is None or is_missing(change["difference"]):
        return said("unknown", period=period) if period else said("first")
    period = str(change["previous_period_label"])
    unit_of_change = "points" if unit == "share" else unit
    difference, lower, upper = change["difference"], change["lower"], change["upper"]
    has_interval = not (is_missing(lower) or is_missing(upper) or lower == upper)
    if not change["distinguishable"]:
        if not has_interval:
            return said("unclear", period=period)
        interval = format_interval(lower, upper, unit_of_change, language=language)
        return said("unclear_interval", period=period, interval=interval)
    if difference == 0:
        return said("none", period=period)
    direction = "up" if difference > 0 else "down"
    if difference < 0:
        # "Down 1.0 (0.1 to 1.9)": the word carries the sign.
        difference, lower, upper = -difference, has_interval and -upper, has_interval and -lower
    told = said(
        direction,
        difference=format_value(difference, unit_of_change, language=language),
        previous=format_value(change["previous"], unit, language=language),
        period=period,
    )
    if has_interval:
        interval = format_interval(lower, upper, unit_of_change, language=language)
        told["text"] += words["interval"].format(interval=interval)
    good = {"higher": "up", "lower": "down"}.get(headline["better"])
    judgement = "" if good is None else "better" if direction == good else "worse"
    return told | {"direction": direction, "judgement": judgement}


def _trend(headlines: list[dict[str, Any]]) -> dict[str, str] | None:
    """Points of a small line from the oldest to the newest value, and of the band of the intervals."""
    known = [headline for headline in headlines if not is_missing(headline["value"])]
    if len(known) < 2:
        return None
    values = [float(headline["value"]) for headline in known]
    ends = [
        tuple(float(value if is_missing(headline[end]) else headline[end]) for end in ("lower", "upper"))
        for headline, value in zip(known, values, strict=True)
    ]
    low, high = min(min(pair) for pair in ends), max(max(pair) for pair in ends)
    across = [3 + 90 * i / (len(known) - 1) for i in range(len(known))]

    def up(value: float) -> float:
        return 14.0 if high == low else 25 - 22 * (value - low) / (high - low)

    line = [(x, up(value)) for x, value in zip(across, values, strict=True)]
    band = [(x, up(a)) for x, (a, _) in zip(across, ends, strict=True)]
    band += [(x, up(b)) for x, (_, b) in zip(across[::-1], ends[::-1], strict=True)]
    text = [" ".join(f"{x:.1f},{y:.1f}" for x, y in points) for points in (line, band)]
    return {"line": text[0], "band": text[1], "x": f"{line[-1][0]:.1f}", "y": f"{line[-1][1]:.1f}"}


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
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )

    def date(value: str | None) -> str:
        return format_date(value, language=language) if value else load_words(language)["numbers"]["not_known"]

    def value_in(value: Any, unit: str = "number") -> str:
        return format_value(value, unit, language=language)

    environment.filters |= {
        "date": date,
        "value": value_in,
        "together": keep_together,
        "css_string": _css_string,
        "zip": zip,
    }
    environment.globals |= {
        "words": load_words(language),
        "css": Markup((_TEMPLATES / "page.css").read_text(encoding="utf-8")),  # noqa: S704 our own file
    }
    return environment


# Figures ---------------------------------------------------------------------------------------------------------

_SVG_TAGS = ("svg", "g", "path", "text", "tspan", "use", "defs", "clippath", "rect", "circle", "ellipse", "line",
    "polyline", "polygon", "title", "desc", "image", "lineargradient", "stop", "pattern", "mask")  # fmt: skip


class _SvgCheck(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        if tag not in _SVG_TAGS:
            self.refused.append(f"<{tag}>")
        for name, value in attrs:
            text = (value or "").strip().lower()
            outside = name in ("href", "xlink:href", "src") and not text.startswith(("#", "data:image/"))
            if name.startswith("on") or outside or re.search(r"url\((?!\s*['\"]?#)|@import", text):
                self.refused.append(f"{name}={text[:40]!r}")


def refuse_active_content(svg: str, title: str) -> None:
    """Raise ValueError where ``svg`` holds anything that runs, loads or is not a drawing."""
    check = _SvgCheck()
    check.feed(svg)
    check.close()
    if check.refused:
        raise ValueError(f"the figure {title!r} holds what a report must not: {', '.join(check.refused[:3])}.")
