"""What executed notebooks recorded, as the sections, the main points and the brief of one page."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import nbformat
from markdown_it.token import Token
from markupsafe import Markup

from cxresearch.exhibits import BRIEF, DECISION, FIGURE, HEADLINE, NOTEBOOK_WIDTH, POINTS, TABLE, WHAT_IF
from cxresearch.report.page.blocks import refuse_active_content, slug, table_view, tile, what_if_view
from cxresearch.report.page.brief import MOST_FILES, brief_view, chosen_tiles, spark
from cxresearch.report.page.layout import parts
from cxresearch.report.page.prose import explained, first_title, plain_text, prose_reader, term_forms
from cxresearch.report.page.take_away import standalone
from cxresearch.style import load_words

# Tags of cells, as Jupyter's publishing tools have them: folded on the page, and in the notebook alone.
FOLDED, ALONE = "hide-cell", "remove-cell"


def spoken(notebooks: Sequence[tuple[str, nbformat.NotebookNode]], language: str) -> str:
    """The language of what notebooks say: that of the page where all of them were translated, else English."""
    return language if all(notebook.metadata.get("language") == language for _, notebook in notebooks) else "en"


class Sections:
    """What the sections of one page share: running numbers, the main points, the Markdown reader."""

    def __init__(self, words: dict[str, Any], run: dict[str, Any], *, spoken: str) -> None:
        self.words = words
        self.spoken = spoken
        self.run = run
        self.points: list[list[str]] = []
        self.moves = False
        self.tables: list[dict[str, Any]] = []
        self.drawings: dict[str, str] = {}
        self._parts: dict[str, dict[str, Any]] = {}
        self._decision: dict[str, Any] | None = None
        self._tables = itertools.count(1)
        self._figures = itertools.count(1)
        self._sections = itertools.count(1)
        self._what_ifs = itertools.count(1)
        self._markdown = prose_reader(words)
        self._facts = {entry["name"]: entry for entry in run["notebooks"] or []}
        self.explained: dict[str, str] = {}  # terms that the prose uses: anchor -> term
        self._unexplained: dict[str, str] = {}  # of the section that is being read: term as written -> its name

    def section(self, name: str, notebook: nbformat.NotebookNode) -> dict[str, Any]:
        self._level, self._heading, self._anchors = 2, "", itertools.count(1)
        self._unexplained = term_forms(load_words(self.spoken))
        title = first_title(cell.source for cell in notebook.cells if cell.cell_type == "markdown") or name.replace(
            "-", " "
        )
        self._anchor = f"s{next(self._sections)}"
        section: dict[str, Any] = {
            "anchor": self._anchor, "title": title, "gap": None, "parts": [],
            "opens_with": list(notebook.metadata.get("opens_with", [])),
        }  # fmt: skip
        section["gap"] = self._gap(name, notebook)
        if section["gap"] is None:
            self._heading = title
            title_is_due, open_level, cells = True, self._level, []
            for cell in notebook.cells:
                tags, blocks = cell.metadata.get("tags", []), []
                # What stands open goes on where it was: a fold is no step of its outline.
                self._level = self._level if FOLDED in tags else open_level
                if cell.cell_type == "markdown":
                    blocks = self._prose(cell.source, drop_title=title_is_due)
                    title_is_due = title_is_due and not first_title([cell.source])
                elif cell.cell_type == "code":
                    blocks = [block for output in cell.outputs for block in self._output(output)]
                if FOLDED not in tags:
                    open_level = self._level
                if ALONE not in tags:
                    cells.append((FOLDED in tags, blocks))
            section["parts"] = parts(cells)
        return section

    def _gap(self, name: str, notebook: nbformat.NotebookNode) -> str | None:
        words, cells = self.words["page"], notebook.cells
        for number, cell in enumerate(cells, start=1):
            for output in cell.get("outputs", []):
                if output.output_type == "error":
                    error = one_line(f"{output.get('ename', '')}: {output.get('evalue', '')}")
                    return words["gap_error"].format(cell=number, cells=len(cells), name=name, error=error.rstrip("."))
        for number, cell in enumerate(cells, start=1):
            if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
                return words["gap_unexecuted"].format(cell=number, cells=len(cells), name=name)
        facts = self._facts.get(name, {})
        if facts.get("error") or facts.get("exit_code"):
            error = one_line(str(facts.get("error") or f"exit code {facts['exit_code']}"))
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
            return [self._figure(data[FIGURE], _joined(data["image/svg+xml"]))]
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
        files = [{**entry, "path": no_machine_path(entry["path"])} for entry in self.run["inputs"] or []]
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
        blocks: list[dict[str, Any]] = []
        prose: list[Token] = []
        for position, token in enumerate(tokens):
            if token.type == "heading_open":
                blocks += self._paragraphs(prose)
                # A notebook's # is the page's h2; no level of the outline is ever left out.
                self._level = min(max(int(token.tag[1]) + 1, 3), self._level + 1)
                self._heading = plain_text(tokens[position + 1])
                blocks.append({
                    "type": "heading", "level": self._level, "anchor": self.anchor(), "text": self._heading,
                    "html": Markup(self._rendered(tokens[position + 1 : position + 2], terms=False)),  # noqa: S704 html is off
                })  # fmt: skip
                prose = []
            elif token.type != "heading_close" and not (
                token.type == "inline" and tokens[position - 1].type == "heading_open"
            ):
                prose.append(token)
        return blocks + self._paragraphs(prose)

    def _paragraphs(self, tokens: Sequence[Token]) -> list[dict[str, Any]]:
        rendered = self._rendered(tokens, terms=True)
        return [{"type": "prose", "html": Markup(rendered)}] if rendered.strip() else []  # noqa: S704 html is off

    def _rendered(self, tokens: Sequence[Token], *, terms: bool) -> str:
        env: dict[str, Any] = {"label": self._table_label} | ({"explain": self._explain} if terms else {})
        return str(self._markdown.renderer.render(tokens, self._markdown.options, env))

    def moved(
        self, section: dict[str, Any], headlines: Sequence[dict[str, Any]], language: str
    ) -> list[dict[str, Any]]:
        """What a section opens with: the headlines that its notebook names, as tiles."""
        by_name = {headline["name"]: headline for headline in headlines}
        chosen = [by_name[name] for name in section["opens_with"] if name in by_name and not section["gap"]]
        return [tile(headline, self.run, language) for headline in chosen]

    def meanings(self) -> list[dict[str, str]]:
        """The terms that the prose explains: ``name, term, meaning``."""
        words = load_words(self.spoken)["terms"]["meaning"]
        return [{"name": name, "term": term, "meaning": words[name]} for name, term in self.explained.items()]

    def _explain(self, text: str) -> str:
        """Escaped text in which the first mention of a term in this section opens its meaning."""
        return explained(text, self._unexplained, self.explained)

    def anchor(self) -> str:
        return f"{self._anchor}-{next(self._anchors)}"

    def _figure(self, content: dict[str, Any], svg: str) -> dict[str, Any]:
        refuse_active_content(svg, content["finding"])
        svg = svg.replace(f"<svg {NOTEBOOK_WIDTH} ", "<svg ", 1)
        number = next(self._figures)
        svg = svg.replace(content["prefix"], f"figure{number}-")
        kind = self.words["kinds"][content["kind"]]
        file = f"figures/{number:02d}-{slug(content['finding'])}.svg"
        self.drawings[file] = standalone(svg, finding=content["finding"], subtitle=content["subtitle"], kind=kind)
        return {
            "type": "figure",
            "svg": Markup(svg),  # noqa: S704 just checked
            "file": file,
            "name": content["finding"],
            "finding": None if content["finding"] == self._heading else content["finding"],
            "level": min(self._level + 1, 6),
            "anchor": self.anchor(),
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
        view = what_if_view(content, table, anchor=anchor, language=self.spoken)
        finding = None if content["finding"] == self._heading else content["finding"]
        return {**view, "finding": finding, "name": content["finding"], "level": min(self._level + 1, 6)}


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def one_line(text: str) -> str:
    """The first line of an error, without terminal colours and without the folders of this machine."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text).strip()
    line = no_machine_path(plain.splitlines()[0] if plain else "")
    return line if len(line) <= 300 else f"{line[:299]}…"


def no_machine_path(text: str) -> str:
    return re.sub(r"(?<![\w.:/])(?:/[\w.+@-]+){2,}", lambda found: PurePath(found[0]).name, text)
