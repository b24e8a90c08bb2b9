"""The first page of a brief on one slide that can be edited: the verdict, its chart, what to do first, and what they rest on.

Nothing is computed here but sizes. A text that has no room at twelve points stands in the notes, and the slide says so.
"""

from __future__ import annotations

import io
import math
import re
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cxresearch.style import format_date, format_value, load_words, theme

SMALLEST = 12  # points
_FIXED = datetime(2000, 1, 1)  # equal briefs, equal bytes: no clock
_WIDE, _HIGH, _EDGE = 13.333, 7.5, 0.5  # inches: 16 to 9
_INSET = 0.06  # inches that a box keeps free on each side
_LINE = 1.2  # height of a line, of the size of its letters
_WARN = "#b00020"
_COLOURS = (theme.C2, theme.C1, theme.C3, theme.SOFT, theme.C4)  # as brief.css draws the queues
_NO_XML = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_MOST_LEGEND = 0.53  # of the chart: eight lines, what three long names and two of our own take
_LANGUAGES = {"en": "en-US", "id": "id-ID", "pl": "pl-PL"}
# Widths of letters in shares of their size, rather those of broad fonts; what is listed nowhere is a small letter.
_NARROW, _BROAD = frozenset("ijlftr.,:;'’!|()[]/- \u00a0\u2060"), frozenset("mwMW%@—…&")


@dataclass(frozen=True)
class Text:
    """Words of one look. ``own``: as a notebook said them, in the language that it speaks."""

    said: str
    bold: bool = False
    own: bool = False
    colour: str = theme.INK


@dataclass(frozen=True)
class Paragraph:
    """Pieces that follow each other, ``scale`` times as large as their box's text. ``stays``: it never goes to the notes."""

    pieces: tuple[Text, ...]
    scale: float = 1.0
    stays: bool = False

    @property
    def said(self) -> str:
        """All that is written."""
        return "".join(piece.said for piece in self.pieces)


def write_slide(path: Path, told: Mapping[str, Any], *, language: str) -> None:
    """Write the slide of what a brief says (``render.told_by_brief``); it has a verdict, ``brief["said"]``."""
    from pptx import Presentation

    words, run, brief, marks = load_words(language), told["run"], told["brief"], told["marks"]
    deck = Presentation()
    _prepare(deck, run)
    slide = deck.slides.add_slide(deck.slide_layouts[0])
    sheet = _Sheet(slide, language=language, spoken=told["spoken"], more=words["page"]["slide_more"])
    top = 0.15
    if marks:
        sheet.box(
            marks_of(marks), (0.0, 0.0, _WIDE, 0.62), largest=26, name=words["page"]["mark"], ground=_WARN, middle=True
        )
        top = 0.66
    title = (_EDGE, top, _WIDE - 2 * _EDGE, 1.55 - top)
    sheet.fill(
        slide.shapes.title, [Paragraph((Text(brief["said"], bold=True, own=True),), stays=True)], title, largest=28
    )
    wide = 7.1 if brief["box"] else _WIDE - 2 * _EDGE
    hours = brief["hours"]
    if hours and not hours["why"]:
        sheet.box(above_chart(hours, words), (_EDGE, 1.6, wide, 1.05), largest=16, name=words["brief"]["lost_a_day"])
        _chart(slide, hours, (_EDGE, 2.65, wide, 3.35), words=words, language=language)
        if any(column["from"] for column in hours["columns"]):
            lines = [Paragraph((Text(words["brief"]["bars"], colour=theme.SOFT),))]
            sheet.box(lines, (_EDGE, 6.0, wide, 0.35), largest=SMALLEST, name=words["brief"]["lost_a_day"])
    else:
        said = without_chart(hours, told["points"], words)
        sheet.box(said, (_EDGE, 1.6, wide, 4.75), largest=20, name=said[0].said)
    if brief["box"]:
        box = (_EDGE + wide + 0.15, 1.6, _WIDE - 2 * _EDGE - wide - 0.15, 4.75)
        said = in_box(brief["box"], words, simulated=run["simulated"])
        sheet.box(said, box, largest=18, name=said[0].said, ground="#eef2f7")
    sheet.box(
        below(told, words, language),
        (_EDGE, 6.38, _WIDE - 2 * _EDGE, 1.08),
        largest=SMALLEST,
        name=words["provenance"]["title"],
    )
    slide.notes_slide.notes_text_frame.text = "\n".join(map(_plain, [*sheet.left, *notes_of(brief, words)]))
    written = io.BytesIO()
    deck.save(written)
    path.write_bytes(timeless(written.getvalue()))


# What stands on it ------------------------------------------------------------------------------------------------------


def marks_of(marks: Sequence[str]) -> list[Paragraph]:
    """SIMULATED, STALE and incomplete, in one line across the slide."""
    return [Paragraph((Text(" · ".join(marks), bold=True, colour="#ffffff"),), stays=True)]


def above_chart(hours: Mapping[str, Any], words: Mapping[str, Any]) -> list[Paragraph]:
    """The chart's finding; what its bars count, on which days, and of what kind they are."""
    return [
        Paragraph((Text(hours["finding"], bold=True, own=True),), stays=True),
        Paragraph((
            Text(f"{words['brief']['lost_a_day']} ("), Text(hours["week"], own=True), Text(f"), {words['kinds'][hours['kind']]}"),
        )),
    ]  # fmt: skip


def without_chart(
    hours: Mapping[str, Any] | None, points: Sequence[Sequence[str]], words: Mapping[str, Any]
) -> list[Paragraph]:
    """Why there is no chart; in a report that has none, its main points."""
    if hours:
        return [
            Paragraph((Text(words["brief"]["lost_a_day"], bold=True),), stays=True),
            Paragraph((Text(f"{hours['why']}.", own=True),)),
        ]
    said = [Paragraph((Text(lead, own=True),)) for lead, _ in points] or [
        Paragraph((Text(words["page"]["no_points"]),))
    ]
    return [Paragraph((Text(words["page"]["main_points"], bold=True),), stays=True), *said]


def in_box(box: Mapping[str, Any], words: Mapping[str, Any], *, simulated: bool) -> list[Paragraph]:
    """What to do first, or why no action is named."""
    brief = words["brief"]
    mark = (Text(f" {words['kinds']['SIMULATED']}", bold=True, colour=_WARN),) if simulated else ()
    said = [
        Paragraph(
            (Text(brief["no_action" if box["why"] else "do_first"], bold=True, colour=theme.C1), *mark), stays=True
        )
    ]
    if box["why"]:
        said.append(Paragraph((Text(box["why"], own=box["written"]),)))
    else:
        said += [
            Paragraph((Text(box["action"], bold=True, own=True),), 1.25, stays=True),
            Paragraph((Text(box["saved"], bold=True), Text(f" {box['of']} ({box['interval']}). {brief['untried']}")), stays=True),
        ]  # fmt: skip
    return said + [
        Paragraph((Text(f"{brief[name]}: ", bold=True), Text(text, own=name == "assumed")))
        for name, text in box["rows"]
    ]


def below(told: Mapping[str, Any], words: Mapping[str, Any], language: str) -> list[Paragraph]:
    """Base and period, how new the records are, and which files they come from."""
    run, page = told["run"], words["page"]
    first = [f"{run['title']}, {run['period_label']}", *([run["organisation"]] if run["organisation"] else [])]
    if run["newest_record"]:
        first.append(page["newest_record"].format(date=format_date(run["newest_record"], language=language)))
    if told["due"]:
        first.append(page["due"].format(date=format_date(told["due"], language=language)))
    lines = [" · ".join(first)]
    if run["counts"] and run["counts"].get("read") is not None:
        counted = {
            name: format_value(run["counts"][name], "count", language=language)
            for name in ("read", "kept", "set_aside")
        }
        lines.append(f"{words['provenance']['counts']}: {words['provenance']['equation'].format(**counted)}")
    for entry in told["brief"]["files"]:
        told_by = f", SHA-256 {entry['sha256'][:12]}" if entry["sha256"] else ""
        lines.append(f"{words['provenance']['input']}: {entry['path']}{told_by}")
    return [Paragraph((Text(line, colour=theme.SOFT),)) for line in lines]


def notes_of(brief: Mapping[str, Any], words: Mapping[str, Any]) -> list[str]:
    """The bridge of bases, how sure all is, and what is not known."""
    said: list[str] = []
    if brief["bridge"]:
        said.append(f"{brief['bridge']['finding']} ({words['kinds'][brief['bridge']['kind']]})")
        for row in brief["bridge"]["rows"]:
            rest = f" ({'; '.join(row['rest'])})" if row["rest"] else ""
            said.append(f"{row['step'][:1].upper()}{row['step'][1:]}: {row['contacts']}{rest}")
    if brief["sure"]:
        said += [f"{words['brief']['sure']}: {brief['sure']}"]
    if brief["unknown"]:
        said += [f"{words['brief']['unknown']}:", *brief["unknown"]]
    return said


# Sizes ------------------------------------------------------------------------------------------------------------------


def text_width(text: str, size: float, *, bold: float = 0.0) -> float:
    """Inches that ``text`` takes in letters of ``size`` points, a share of them bold; rather too many than too few."""
    return sum(_letter(letter) for letter in text) * size / 72 * (1 + 0.1 * bold) * 1.06


def _letter(letter: str) -> float:
    if letter in _NARROW:
        return 0.34
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    return 0.9 if letter in _BROAD else 0.72 if letter.isupper() else 0.56


def lines_of(paragraph: Paragraph, size: float, width: float) -> int:
    """Lines that a paragraph takes: words are not divided, but for one that is longer than a line."""
    heavy = sum(len(piece.said) for piece in paragraph.pieces if piece.bold) / max(len(paragraph.said), 1)
    space, lines, used = text_width(" ", size, bold=heavy), 1, 0.0
    for word in paragraph.said.split(" "):
        long = text_width(word, size, bold=heavy)
        if used and used + space + long > width:
            lines, used = lines + 1, 0.0
        over = math.ceil(long / width) - 1 if long > width else 0
        lines, used = lines + over, (used + space if used else 0.0) + long - over * width
    return lines


def height_of(paragraphs: Sequence[Paragraph], size: float, width: float) -> float:
    """Inches that they take below each other, with a little room between them."""
    return sum(
        (lines_of(one, size * one.scale, width) * _LINE * one.scale + _gap(place)) * size / 72
        for place, one in enumerate(paragraphs)
    )


def legend_lines(names: Sequence[str], width: float) -> int:
    """Lines of a legend: equal columns as wide as its longest name with its key, or one name below the other."""
    columns = int(width / max(text_width(name, SMALLEST) + 0.4 for name in names))
    if columns:
        return math.ceil(len(names) / columns)
    return sum(lines_of(Paragraph((Text(name),)), SMALLEST, width - 0.4) for name in names)


def _gap(place: int) -> float:
    return 0.2 if place else 0.0


def fitted(
    paragraphs: Sequence[Paragraph], width: float, height: float, *, largest: int, more: str
) -> tuple[int, list[Paragraph], list[Paragraph]]:
    """The size at which they have room, those that stand, and those that go to the notes: the longest, if there is no other way."""
    width, height = width - 2 * _INSET, height - 2 * _INSET
    for size in range(largest, SMALLEST - 1, -1):
        if height_of(paragraphs, size, width) <= height:
            return size, list(paragraphs), []
    elsewhere, left = Paragraph((Text(more, colour=theme.SOFT),)), set[int]()
    for at in sorted(range(len(paragraphs)), key=lambda at: -len(paragraphs[at].said)):
        kept = [*(one for place, one in enumerate(paragraphs) if place not in left), elsewhere]
        if height_of(kept, SMALLEST, width) <= height:
            break
        if not paragraphs[at].stays:
            left.add(at)
    kept = [one for place, one in enumerate(paragraphs) if place not in left]
    return SMALLEST, [*kept, elsewhere] if left else kept, [paragraphs[at] for at in sorted(left)]


# How it is written ------------------------------------------------------------------------------------------------------


class _Sheet:
    """Boxes of text on one slide; ``left``: what had no room."""

    def __init__(self, slide: Any, *, language: str, spoken: str, more: str) -> None:
        self._slide, self._language, self._spoken, self._more = slide, language, spoken, more
        self.left: list[str] = []

    def box(
        self, said: Sequence[Paragraph], place: tuple[float, float, float, float], *, largest: int, name: str, ground: str = "",
        middle: bool = False,
    ) -> None:  # fmt: skip
        """A text box at ``place``: left, top, width and height in inches."""
        from pptx.util import Inches

        shape = self._slide.shapes.add_textbox(*map(Inches, place))
        shape.name = _plain(name)
        if ground:
            shape.fill.solid()
            shape.fill.fore_color.rgb = _rgb(ground)
        self.fill(shape, said, place, largest=largest, middle=middle)

    def fill(
        self,
        shape: Any,
        said: Sequence[Paragraph],
        place: tuple[float, float, float, float],
        *,
        largest: int,
        middle: bool = False,
    ) -> None:
        """Write into a shape, in the size that has room."""
        from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE, PP_ALIGN
        from pptx.util import Inches, Pt

        size, kept, left = fitted(said, place[2], place[3], largest=largest, more=self._more)
        self.left += [paragraph.said for paragraph in left]
        shape.left, shape.top, shape.width, shape.height = map(Inches, place)
        frame = shape.text_frame
        frame.word_wrap, frame.auto_size = True, MSO_AUTO_SIZE.NONE
        frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = Inches(_INSET)
        frame.vertical_anchor = MSO_ANCHOR.MIDDLE if middle else MSO_ANCHOR.TOP
        for at, one in enumerate(kept):
            paragraph = frame.paragraphs[0] if not at else frame.add_paragraph()
            paragraph.alignment = PP_ALIGN.CENTER if middle else PP_ALIGN.LEFT
            paragraph.space_before, paragraph.space_after = Pt(_gap(at) * size), Pt(0)
            paragraph.line_spacing = 1.0
            for piece in one.pieces:
                written = paragraph.add_run()
                written.text = _plain(piece.said)
                written.font.size, written.font.bold = Pt(math.floor(size * one.scale)), piece.bold
                written.font.color.rgb = _rgb(piece.colour)
                written._r.get_or_add_rPr().set("lang", _LANGUAGES[self._spoken if piece.own else self._language])


def _rgb(colour: str) -> Any:
    from pptx.dml.color import RGBColor

    return RGBColor.from_string(colour.lstrip("#").upper())


def _plain(text: str) -> str:
    """``text`` in one line, without what XML does not hold."""
    return _NO_XML.sub("", " ".join(re.split(r"[\t\r\n\v\f]+", text)))


def _prepare(deck: Any, run: Mapping[str, Any]) -> None:
    """An empty deck of 16 to 9 with one layout, that of a title; without a clock, a preview and a printer of anybody's."""
    from pptx.opc.constants import RELATIONSHIP_TYPE
    from pptx.util import Inches

    for layout in [layout for layout in deck.slide_layouts if layout.name != "Title Only"]:
        deck.slide_layouts.remove(layout)
    across = Inches(_WIDE) / deck.slide_width
    for of in (deck.slide_master, *deck.slide_layouts):
        for shape in of.placeholders:
            shape.left, shape.top, shape.width, shape.height = (
                round(shape.left * across), shape.top, round(shape.width * across), shape.height,
            )  # fmt: skip
    deck.slide_width, deck.slide_height = Inches(_WIDE), Inches(_HIGH)
    package = deck.part.package
    for owner, kind in ((package, RELATIONSHIP_TYPE.THUMBNAIL), (deck.part, RELATIONSHIP_TYPE.PRINTER_SETTINGS)):
        for relation in [relation for relation in package.iter_rels() if relation.reltype == kind]:
            owner.drop_rel(relation.rId)
    facts = deck.core_properties
    facts.title, facts.author = (
        _plain(said)[:255] for said in (f"{run['title']}, {run['period_label']}", run["organisation"] or "")
    )
    facts.last_modified_by, facts.created, facts.modified, facts.revision = "", _FIXED, _FIXED, 1


def _chart(
    slide: Any,
    hours: Mapping[str, Any],
    place: tuple[float, float, float, float],
    *,
    words: Mapping[str, Any],
    language: str,
) -> None:
    """Columns of queues on each other, hour by hour, with the interval of the hour; its numbers in a workbook inside."""
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION
    from pptx.util import Inches, Pt

    names, rows = [_plain(queue["name"]) for queue in hours["queues"]], [column["row"] for column in hours["columns"]]
    data = CategoryChartData(number_format="General")
    data.categories = [str(row["hour"]) for row in rows]
    for at, name in enumerate(names):
        data.add_series(name, [row["parts"][at] if row["parts"] else None for row in rows])
    frame = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_STACKED, *map(Inches, place), data)
    frame.name = words["brief"]["lost_a_day"]
    frame._element.nvGraphicFramePr.cNvPr.set("descr", _plain(hours["alt"]))
    chart = frame.chart
    chart.part.chart_workbook.update_from_xlsx_blob(_workbook(names, rows, words))
    chart.has_title = False
    chart.font.size, chart.font.color.rgb = Pt(SMALLEST), _rgb(theme.INK)
    plot = chart.plots[0]
    plot.gap_width, plot.overlap = 35, 100
    for at, series in enumerate(plot.series):
        series.invert_if_negative = False
        _paint(series.format.fill, at)
    _intervals(plot.series[len(names) - 1]._element, rows)
    up, across = chart.value_axis, chart.category_axis
    up.minimum_scale, up.maximum_scale, up.major_unit = 0, hours["top"], hours["step"]
    up.major_gridlines.format.line.color.rgb = _rgb(theme.RULE)
    up.format.line.fill.background()
    up.tick_labels.number_format, up.tick_labels.number_format_is_linked = "General", False
    across.has_title = True
    across.axis_title.text_frame.text = words["figures"]["hour"]
    title = across.axis_title.text_frame.paragraphs[0].runs[0]
    title.font.size, title.font.bold = Pt(SMALLEST), False
    title._r.get_or_add_rPr().set("lang", _LANGUAGES[language])
    chart.has_legend = True
    chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
    chart.legend.font.size = Pt(SMALLEST)
    # Where the legend stands is left to no program: a long name has its line.
    low = min(legend_lines(names, place[2] * 0.9) * SMALLEST * 1.3 / 72 / place[3], _MOST_LEGEND)
    _lay(chart._chartSpace.chart.plotArea, (0.07, 0.03, 0.92, 0.755 - low), inner=True)
    _lay(chart.legend._element, (0.03, 0.985 - low, 0.96, low))


def _lay(element: Any, place: tuple[float, float, float, float], *, inner: bool = False) -> None:
    """Set where a part of the chart stands, in shares of its frame: left, top, width and height."""
    from pptx.oxml import parse_xml
    from pptx.oxml.ns import nsdecls

    for old in element.findall("{*}layout"):
        element.remove(old)
    set_by = '<c:layoutTarget val="inner"/>' * inner + '<c:xMode val="edge"/><c:yMode val="edge"/>'
    sides = "".join(f'<c:{side} val="{share:.4f}"/>' for side, share in zip("xywh", place, strict=True))
    laid = parse_xml(f"<c:layout {nsdecls('c')}><c:manualLayout>{set_by}{sides}</c:manualLayout></c:layout>")
    if inner:
        element.insert(0, laid)
    else:
        element.find("{*}legendPos").addnext(laid)


def _paint(fill: Any, at: int) -> None:
    """A colour of its own; one has a texture, so that a print without colours tells it from its neighbours."""
    from pptx.enum.dml import MSO_PATTERN

    colour = _rgb(_COLOURS[at % len(_COLOURS)])
    if at == 1:
        fill.patterned()
        fill.pattern = MSO_PATTERN.WIDE_UPWARD_DIAGONAL
        fill.fore_color.rgb, fill.back_color.rgb = colour, _rgb("#86a9d4")
    else:
        fill.solid()
        fill.fore_color.rgb = colour


def _intervals(series: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Lines from the lower to the upper end of an hour's interval, on the highest of its columns."""
    from pptx.oxml import parse_xml
    from pptx.oxml.ns import nsdecls

    known = [(at, row) for at, row in enumerate(rows) if row["lower"] is not None and row["upper"] is not None]
    if not known:
        return
    sides = "".join(
        f'<c:{side}><c:numLit><c:formatCode>General</c:formatCode><c:ptCount val="{len(rows)}"/>'
        + "".join(f'<c:pt idx="{at}"><c:v>{abs(row[end] - row["lost"])!r}</c:v></c:pt>' for at, row in known)
        + f"</c:numLit></c:{side}>"
        for side, end in (("plus", "upper"), ("minus", "lower"))
    )
    series.find("{*}cat").addprevious(parse_xml(
        f'<c:errBars {nsdecls("c", "a")}><c:errBarType val="both"/><c:errValType val="cust"/><c:noEndCap val="1"/>{sides}'
        f'<c:spPr><a:ln w="15875"><a:solidFill><a:srgbClr val="{theme.INK[1:].upper()}"/></a:solidFill></a:ln></c:spPr></c:errBars>'
    ))  # fmt: skip


def _workbook(names: Sequence[str], rows: Sequence[Mapping[str, Any]], words: Mapping[str, Any]) -> bytes:
    """The numbers behind the chart, where its series look for them; nothing of what a name looks like makes a formula of it."""
    from xlsxwriter import Workbook

    written = io.BytesIO()
    plain = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = Workbook(written, plain)
    book.set_properties({"created": _FIXED})
    sheet = book.add_worksheet("Sheet1")  # the name by which the chart calls it
    heads = [words["figures"]["hour"], *names, words["columns"]["lower"], words["columns"]["upper"]]
    for at, head in enumerate(heads):
        sheet.write_string(0, at, head)
        sheet.set_column(at, at, 18)
    for place, row in enumerate(rows, start=1):
        sheet.write_string(place, 0, str(row["hour"]))
        for at, value in enumerate(
            [*row["parts"], *([None] * (len(names) - len(row["parts"]))), row["lower"], row["upper"]], start=1
        ):
            if value is not None:
                sheet.write_number(place, at, value)
            elif row["parts"] and at <= len(names):
                sheet.write_string(place, at, words["small_groups"]["not_shown"])
    book.close()
    return written.getvalue()


def timeless(packed: bytes) -> bytes:
    """The same package with a fixed date on each of its parts."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as parts, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as again:
        for name in parts.namelist():
            part = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            part.compress_type, part.create_system = zipfile.ZIP_DEFLATED, 3
            again.writestr(part, parts.read(name))
    return written.getvalue()
