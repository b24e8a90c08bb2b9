"""What executed notebooks recorded, as the sections, the main points and the brief of one page."""

from __future__ import annotations

import base64
import html
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote

import nbformat
from markdown_it.token import Token
from markupsafe import Markup

from cxresearch.exhibits import BRIEF, DECISION, FIGURE, HEADLINE, NOTEBOOK_WIDTH, POINTS, TABLE, WHAT_IF
from cxresearch.report.page.blocks import refuse_active_content, slug, table_view, tile, what_if_view
from cxresearch.report.page.brief import MOST_FILES, brief_view, chosen_tiles, spark
from cxresearch.report.page.layout import parts
from cxresearch.report.page.leaks import NO_NAMES, Names
from cxresearch.report.page.ordinary import PAINTED, Shown, options_or_none, picture_of, shown, told_of, weight_of
from cxresearch.report.page.pictures import PictureError
from cxresearch.report.page.prose import explained, first_title, keep_together, plain_text, prose_reader, term_forms
from cxresearch.report.page.take_away import standalone
from cxresearch.report.run.notebooks import own_cells
from cxresearch.style import load_words

# Tags of cells, as Jupyter's publishing tools have them: folded on the page, and in the notebook alone.
FOLDED, ALONE = "hide-cell", "remove-cell"


# What our exhibits record stands beside what a notebook shows.
OURS = "application/vnd.cxresearch."
ROOM = 800_000  # letters of the page for all outputs that are not ours
FOLDED_LINES = 24  # a longer text is closed until its reader opens it


def language_of(notebook: nbformat.NotebookNode) -> str:
    """The language that a notebook says it speaks (``metadata.language``), else English."""
    said = notebook.metadata.get("language")
    return said if isinstance(said, str) and re.fullmatch(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", said) else "en"


def spoken(notebooks: Sequence[tuple[str, nbformat.NotebookNode]], language: str) -> str:
    """The language of what exhibits say: that of the page where any notebook was translated, else English.

    A notebook of somebody's own is not translated, and is marked as what it is (:func:`language_of`).
    """
    return language if any(language_of(notebook) == language for _, notebook in notebooks) else "en"


class Sections:
    """What the sections of one page share: running numbers, the main points, the Markdown reader."""

    def __init__(self, words: dict[str, Any], run: dict[str, Any], *, spoken: str, names: Names = NO_NAMES) -> None:
        self.words = words
        self._names = names  # of the log: in an output of ours or of anybody they are no leak
        self.spoken = spoken
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
        self._texts = itertools.count(1)
        # What became of the outputs of all cells; of those not shown, or not as they were, a line each.
        self.outputs: dict[str, Any] = {"shown": 0, "removed": 0, "not_shown": [], "noted": [], "empty": []}
        self._room = ROOM
        self._cell: dict[str, Any] = {"cell": 0, "name": ""}  # that is being read
        self._attached: dict[str, dict[str, str]] = {}  # pictures that its Markdown holds
        self._unseen: list[str] = []  # of the pictures of its prose: what is said of them
        self._markdown = prose_reader(words)
        self._facts = {entry["name"]: entry for entry in run["notebooks"] or []}
        self.explained: dict[str, str] = {}  # terms that the prose uses: anchor -> term
        self._unexplained: dict[str, str] = {}  # of the section that is being read: term as written -> its name

    def section(self, name: str, notebook: nbformat.NotebookNode) -> dict[str, Any]:
        self._level, self._heading, self._anchors = 2, "", itertools.count(1)
        language = language_of(notebook)
        self._unexplained = term_forms(load_words(self.spoken)) if language == self.spoken else {}
        title = first_title(cell.source for cell in notebook.cells if cell.cell_type == "markdown") or name.replace(
            "-", " "
        )
        self._anchor = f"s{next(self._sections)}"
        section: dict[str, Any] = {
            "anchor": self._anchor, "title": title, "gap": None, "parts": [],
            "opens_with": list(notebook.metadata.get("opens_with", [])), "language": language, "empty": False,
        }  # fmt: skip
        section["gap"] = self._gap(name, notebook)
        if section["gap"] is None:
            self._heading = title
            title_is_due, open_level, cells = True, self._level, []
            self._recorded = False
            for number, cell in own_cells(notebook):
                tags, blocks = cell.metadata.get("tags", []), []
                self._cell = {"cell": number, "name": name}
                self._attached = cell.get("attachments", {})
                # What stands open goes on where it was: a fold is no step of its outline.
                self._level = self._level if FOLDED in tags else open_level
                if cell.cell_type == "markdown":
                    blocks = self._prose(cell.source, drop_title=title_is_due) + self._notes_of_prose()
                    title_is_due = title_is_due and not first_title([cell.source])
                elif cell.cell_type == "code":
                    blocks = self._outputs_of(cell, removed=ALONE in tags)
                if FOLDED not in tags:
                    open_level = self._level
                if ALONE not in tags:
                    cells.append((FOLDED in tags, blocks))
            if not self._recorded and all(block["type"] == "note" for _, blocks in cells for block in blocks):
                section["empty"] = True
                self.outputs["empty"].append(name)
                cells.append((False, [{"type": "note", "text": self.words["own"]["empty"].format(name=name)}]))
            section["parts"] = parts(cells)
        return section

    def _gap(self, name: str, notebook: nbformat.NotebookNode) -> str | None:
        words, cells = self.words["page"], notebook.cells
        numbered = own_cells(notebook)
        last = numbered[-1][0] if numbered else 0
        for number, cell in numbered:
            for output in cell.get("outputs", []):
                if output.output_type == "error":
                    error = one_line(f"{output.get('ename', '')}: {output.get('evalue', '')}")
                    return words["gap_error"].format(cell=number, cells=last, name=name, error=error.rstrip("."))
        for number, cell in numbered:
            if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
                return words["gap_unexecuted"].format(cell=number, cells=last, name=name)
        facts = self._facts.get(name, {})
        if facts.get("error") or facts.get("exit_code"):
            error = one_line(str(facts.get("error") or f"exit code {facts['exit_code']}"))
            return words["gap_run"].format(name=name, error=error.rstrip("."))
        return None if cells else words["gap_empty"].format(name=name)

    def _outputs_of(self, cell: nbformat.NotebookNode, *, removed: bool) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = []
        options, pictures = options_or_none(cell.source), itertools.count()
        for output in cell.outputs:
            ours = any(mime.startswith(OURS) for mime in output.get("data", {}))
            if ours:
                blocks += self._recorded_in(output)
            elif not removed:
                blocks += self._ordinary(output, options, pictures)
            self.outputs["removed" if removed else "shown"] += ours or removed
        if any(block["type"] not in ("note", "handle") for block in blocks):
            # Beside a plot Python names what was drawn; it is told in run.json and is nothing for a reader.
            return [block for block in blocks if block["type"] != "handle"]
        return [{**block, "type": "note"} if block["type"] == "handle" else block for block in blocks]

    def _ordinary(
        self, output: nbformat.NotebookNode, options: dict[str, Any], pictures: Iterator[int]
    ) -> list[dict[str, Any]]:
        """The blocks of an output that is none of ours, and what is said of it where it is not shown as it was."""
        made = shown(output, options, pictures, self._names)
        weight = weight_of(made.blocks)
        if weight > self._room:
            made = Shown(notes=[("room", {})])
        else:
            self._room -= weight
        blocks = [block for one in made.blocks for block in self._as_block(one)]
        notes = made.notes if blocks or made.notes else [("nothing", {})]
        self.outputs["shown"] += bool(blocks)
        return blocks + [self._note(why, values, seen=bool(blocks)) for why, values in notes]

    def _note(self, why: str, values: dict[str, Any], *, seen: bool) -> dict[str, Any]:
        self.outputs["noted" if seen else "not_shown"].append({
            "notebook": self._cell["name"], "cell": self._cell["cell"], "why": why,
            "said": told_of(load_words("en"), why, self._cell, values),
        })  # fmt: skip
        return {"type": "handle" if why == "object" else "note", "text": told_of(self.words, why, self._cell, values)}

    def _as_block(self, one: dict[str, Any]) -> list[dict[str, Any]]:
        if one["type"] == "markdown":
            return self._prose(one["source"], drop_title=False) + self._notes_of_prose()
        if one["type"] == "heading":
            return [self._head(one["level"], one["text"], keep_together(one["text"]))]
        if one["type"] == "prose":
            return [{"type": "prose", "html": Markup(one["html"])}]  # noqa: S704 what foreign_html wrote
        if one["type"] == "text":
            label = self.words["own"]["text"].format(number=next(self._texts), **self._cell)
            return [{**one, "label": label, "folded": one["lines"] > FOLDED_LINES}]
        if one["type"] == "table":
            return [{"type": "table", "table": self._table(self._own_table(one["content"]))}]
        return [self._own_picture(one)]

    def _own_table(self, content: dict[str, Any]) -> dict[str, Any]:
        row, kind = self.words["own"]["row"], "SIMULATED" if self.run["simulated"] else ""
        columns = [{**column, "label": column["label"] or row} for column in content["columns"]]
        return {**content, "columns": columns, "caption": content["caption"] or self._heading, "kind": kind}

    def _own_picture(self, one: dict[str, Any]) -> dict[str, Any]:
        picture, said = one["picture"], one["caption"] or one["alt"]
        named = slug(said) or slug(told_of(load_words("en"), "", self._cell, {}))
        file = f"figures/{next(self._figures):02d}-{named}.{picture.ending}"
        self.drawings[file] = picture.file
        width = one["width"] or picture.width
        return {
            "type": "picture", "source": picture.source, "file": file, "caption": one["caption"],
            "alt": one["alt"] or told_of(self.words, "undescribed", self._cell, {}), "width": width,
            "height": picture.height and picture.width and width and round(width * picture.height / picture.width),
            "kind": "SIMULATED" if self.run["simulated"] else "", "name": said or told_of(self.words, "", self._cell, {}),
        }  # fmt: skip

    def _in_prose(self, source: str, alt: str) -> str:
        """A picture of Markdown as HTML: one that the cell holds is shown, of any other its words are."""
        kind, _, name = source.partition(":")
        held = self._attached.get(unquote(name), {}) if kind == "attachment" else {}
        mime, data = next(iter(held.items()), ("", ""))
        if kind == "data":
            mime, _, data = name.partition(";base64,")
        if mime not in (*PAINTED, "image/svg+xml"):
            self._unseen.append("outside")
            return html.escape(alt)
        try:
            picture = picture_of(mime, _joined(data))
        except PictureError as error:
            self._unseen.append(str(error))
            return html.escape(alt)
        if len(picture.source) > self._room:
            self._unseen.append("room")
            return html.escape(alt)
        self._room -= len(picture.source)
        if not alt.strip():
            self._unseen.append("undescribed")
            alt = told_of(self.words, "undescribed", self._cell, {})
        return f'<img class="own" src="{picture.source}" alt="{html.escape(alt)}">'

    def _notes_of_prose(self) -> list[dict[str, Any]]:
        """What is said of the pictures of the prose just read. They are no outputs: the prose they stand in is shown."""
        unseen, self._unseen = self._unseen, []
        return [self._note(why, {}, seen=True) for why in unseen]

    def _recorded_in(self, output: nbformat.NotebookNode) -> list[dict[str, Any]]:
        """The blocks of what our exhibits recorded; headlines, main points and parts of the brief stand elsewhere."""
        data = output.data
        self._recorded = True
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
                inner = Markup(self._rendered(tokens[position + 1 : position + 2], terms=False))  # noqa: S704 html is off
                blocks.append(self._head(int(token.tag[1]), plain_text(tokens[position + 1]), inner))
                prose = []
            elif token.type != "heading_close" and not (
                token.type == "inline" and tokens[position - 1].type == "heading_open"
            ):
                prose.append(token)
        return blocks + self._paragraphs(prose)

    def _head(self, level: int, text: str, inner: Markup) -> dict[str, Any]:
        # A notebook's # is the page's h2; no level of the outline is ever left out.
        self._level = min(max(level + 1, 3), self._level + 1)
        self._heading = text
        return {"type": "heading", "level": self._level, "anchor": self.anchor(), "text": text, "html": inner}

    def _paragraphs(self, tokens: Sequence[Token]) -> list[dict[str, Any]]:
        rendered = self._rendered(tokens, terms=True)
        return [{"type": "prose", "html": Markup(rendered)}] if rendered.strip() else []  # noqa: S704 html is off

    def _rendered(self, tokens: Sequence[Token], *, terms: bool) -> str:
        env: dict[str, Any] = {"label": self._table_label, "picture": self._in_prose} | (
            {"explain": self._explain} if terms else {}
        )
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
