"""The slide says what the brief says, in objects that can be edited; nothing overflows, nothing runs, equal briefs give equal bytes."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from bs4 import BeautifulSoup
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from pptx import Presentation
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Emu, Pt
from python_calamine import CalamineWorkbook

from cxresearch.report.page import gate
from cxresearch.report.page.render import render_brief, told_by_brief
from cxresearch.report.page.slide import (
    SMALLEST,
    Paragraph,
    Text,
    fitted,
    legend_lines,
    lines_of,
    text_width,
    write_slide,
)
from cxresearch.style import load_words
from tests.report.page.test_brief import ACTION, CHOICE, HEADLINES, HOSTILE, SAID, notebook, parts, text_of
from tests.report.page.test_render import a_run

LONG = "Private customers with a question on a card that was lost, stolen or held back abroad"


def given(decision=CHOICE, run=None, language="en", **changes) -> dict:
    return {
        "notebooks": [("05-summary", notebook(decision, **changes))],
        "run": a_run(**run or {}),
        "headlines": HEADLINES,
        "language": language,
    }


@pytest.fixture
def made(tmp_path):
    def make(*arguments, language="en", name="slide.pptx", **named):
        path = tmp_path / name
        write_slide(path, told_by_brief(**given(*arguments, language=language, **named)), language=language)
        return path

    return make


def opened(path):
    (slide,) = Presentation(str(path)).slides
    return slide


def said_on(slide) -> str:
    return "\n".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)


def plain(text: str) -> str:
    return re.sub(r"[\s\u2060]+", "", text)


def chart_of(slide):
    return next((shape.chart for shape in slide.shapes if shape.has_chart), None)


def sheet_of(slide) -> list[list]:
    blob = chart_of(slide).part.chart_workbook.xlsx_part.blob
    return CalamineWorkbook.from_filelike(io.BytesIO(blob)).get_sheet_by_name("Sheet1").to_python()


def test_what_stands_on_it_is_what_the_brief_says(made):
    slide = opened(made())
    assert slide.shapes.title.text_frame.text == SAID
    page = plain(text_of(BeautifulSoup(render_brief(**given()), "html.parser")))
    text = said_on(slide)
    for line in text.split("\n"):
        for part in re.split(r" \(|: | · |, (?=estimated)", line):
            assert part == "File" or plain(part).rstrip(")") in page, part
    assert "One more agent from 15 to 18 h" in text
    assert (
        "24.1 of 190 contacts lost on a full day would be saved by the queue model (95 % interval 16.5 to 31.5)" in text
    )
    for head in ("Do first", "It takes", "Breaks even", "Assumed", "The model", "Then check"):
        assert head in text
    assert "Untested: worked out by a model, not seen." in text
    assert "Rows: 33,344 read = 31,125 kept + 2,219 set aside" in text
    assert "File: february.txt.gz, SHA-256 3f3f3f3f3f3f" in text
    assert "Waiting and giving up, February 1999 · Anonymous Bank" in text


def test_the_chart_is_native_and_has_the_numbers_of_the_brief(made):
    slide = opened(made())
    chart = chart_of(slide)
    assert chart.chart_type == XL_CHART_TYPE.COLUMN_STACKED
    assert list(chart.plots[0].categories) == ["9", "10", "11"]
    assert [(series.name, list(series.values)) for series in chart.plots[0].series] == [
        ("Billing", [8.0, None, 8.0]), ("All other queues", [2.0, None, 2.0]),
    ]  # fmt: skip
    assert sheet_of(slide) == [
        ["Hour of the day", "Billing", "All other queues", "Lower", "Upper"], ["9", 8.0, 2.0, 8.0, 12.5], ["10", "", "", "", ""],
        ["11", 8.0, 2.0, "", ""],
    ]  # fmt: skip
    bars = chart._chartSpace.xpath(".//c:errBars")
    ends = [[point.text for point in bars[0].find(f"{{*}}{side}").iter("{*}v")] for side in ("plus", "minus")]
    assert ends == [["2.5"], ["2.0"]], "nine o'clock alone has an interval"
    assert (chart.value_axis.maximum_scale, chart.value_axis.major_unit) == (15, 5)
    frame = next(shape for shape in slide.shapes if shape.has_chart)
    described = frame._element.nvGraphicFramePr.cNvPr.get("descr")
    assert described == "Two hours tie for most lost. 9 to 10 h: 10 (8 to 12.5)."


def test_the_notes_lead_from_base_to_base_and_say_what_is_not_known(made):
    notes = opened(made()).notes_slide.notes_text_frame.text
    assert notes.startswith("Of 280 who asked, 40 gave up (estimated)\nRows of February 1999: 300 (")
    assert "Customer known: 30 (answered within 24 h 20; not answered within 24 h 10)" in notes
    assert "What 10 of the 40 who gave up did next" in notes
    assert "What a lost contact costs: no price is set." in notes


@pytest.mark.parametrize(
    ("decision", "run", "changes", "why", "mark"),
    [
        (CHOICE, {"newest_record": "1999-02-20 10:00:00"}, {}, "The data ends before the period does.", "STALE data"),
        (CHOICE, {"status": "partial"}, {}, "A part of this report is missing.", "Incomplete report"),
        (CHOICE | {"days": 4}, {}, {}, "Fewer than five full days tell too little.", ""),
        (CHOICE | {"recommended": None, "why": "untested, there is no period before it", "backtest": None}, {}, {},
         "Untested, there is no period before it.", ""),
    ],
)  # fmt: skip
def test_where_the_brief_names_no_action_neither_does_the_slide(made, decision, run, changes, why, mark):
    path = made(decision, run=run, **changes)
    text = said_on(opened(path))
    assert f"No action is named\n{why}" in text
    assert "One more agent" not in text
    assert "saved" not in text
    assert mark in text
    assert gate.check_slide(path, run=a_run(**run)) == []


def test_where_there_is_no_chart_it_says_why(made):
    few = {
        "lead": {"said": SAID, "days": {}},
        "hours": {"why": "Four full days: too few to tell the hours of a day apart"},
    }
    slide = opened(made(**few))
    assert chart_of(slide) is None
    assert "Four full days: too few to tell the hours of a day apart." in said_on(slide)
    assert "No action is named" in said_on(slide)
    other = opened(made(None, hours=None, bridge=None, queues=None, trial=None))
    assert "Main points\nPoint 0 says what happened.\nPoint 1" in said_on(other)
    assert "Do first" not in said_on(other)


def test_marks_are_large_and_first_after_the_verdict(made):
    run = {"simulated": True, "status": "partial", "newest_record": "1999-02-20 10:00:00"}
    path = made(run=run)
    strip = opened(path).shapes[1]
    assert strip.text_frame.text == "SIMULATED data · STALE data · Incomplete report"
    assert strip.text_frame.paragraphs[0].runs[0].font.size == Pt(26)
    assert gate.check_slide(path, run=a_run(**run)) == []
    assert [found.rule for found in gate.check_slide(made(), run=a_run(**run))] == ["marks", "marks"]


def test_the_gate_takes_no_slide_that_is_large_leads_out_or_tells_a_folder(made, tmp_path, monkeypatch):
    path = made(CHOICE | {"recommended": ACTION | {"assumed": "as in /home/ann/model"}})
    assert [found.rule for found in gate.check_slide(path, run=a_run())] == ["no machine path"]
    monkeypatch.setattr(gate, "LARGEST_SLIDE", 1000)
    assert [found.rule for found in gate.check_slide(made(), run=a_run())] == ["size"]
    monkeypatch.undo()
    with zipfile.ZipFile(made(), "a") as parts:
        parts.writestr("ppt/slides/_rels/x.rels", '<Relationship Target="https://x.example" TargetMode="External"/>')
    assert [found.rule for found in gate.check_slide(tmp_path / "slide.pptx", run=a_run())] == ["no requests"]


def test_equal_briefs_give_equal_bytes_without_a_clock(made):
    one, other = made(), made(name="again.pptx")
    assert one.read_bytes() == other.read_bytes()
    assert one.stat().st_size < gate.LARGEST_SLIDE
    with zipfile.ZipFile(one) as parts:
        assert {part.date_time[0] for part in parts.infolist()} == {1980}
        assert not [name for name in parts.namelist() if "thumbnail" in name or "printer" in name]
        assert set(re.findall(r">(\d{4})-", parts.read("docProps/core.xml").decode())) == {"2000"}
        (inner,) = [name for name in parts.namelist() if name.endswith(".xlsx")]
        with zipfile.ZipFile(io.BytesIO(parts.read(inner))) as book:
            assert {part.date_time[0] for part in book.infolist()} == {1980}
            assert set(re.findall(r">(\d{4})-", book.read("docProps/core.xml").decode())) == {"2000"}


def boxes(path):
    """Every box with its paragraphs as they were estimated, its size in inches and the smallest letters in it."""
    for shape in opened(path).shapes:
        if shape.has_text_frame:
            written = [p for p in shape.text_frame.paragraphs if p.runs]
            sizes = [run.font.size.pt for p in written for run in p.runs]
            yield shape.name, written, Emu(shape.width).inches, Emu(shape.height).inches, min(sizes)


HOURS = parts()["hours"]
FIVE = [*(f"{LONG}, {n}" for n in range(3)), "All other queues", "Queues not shown apart"]
STATES = {
    "usual": {},
    "long names": {"hours": HOURS | {
        "queues": FIVE, "finding": f"{HOURS['finding']}, {LONG}", "hours": [row | {"parts": [2.0] * 5} for row in HOURS["hours"]]}},
    "a long verdict": {"lead": {"said": f"{SAID} {LONG}; {LONG}; {LONG}.", "before": "", "days": {}}},
    "a long action": {"decision": CHOICE | {"currency": "EUR", "recommended": ACTION | {
        "action": f"{LONG} first", "assumed": f"{LONG}. " * 6, "value": 100.0, "value_lower": 50.0, "value_upper": 150.0}}},
    "all marks": {"run": {"simulated": True, "status": "partial", "newest_record": "1999-02-20 10:00:00", "organisation": LONG}},
    "no chart": {"hours": {"why": LONG}},
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "id", "pl"])
@pytest.mark.parametrize("state", STATES)
def test_no_text_is_smaller_than_twelve_points_or_has_no_room(made, state, language):
    path = made(language=language, **STATES[state])
    for name, written, width, height, smallest in boxes(path):
        assert smallest >= SMALLEST, name
        taken = 0.0
        for paragraph in written:
            size = max(run.font.size.pt for run in paragraph.runs)
            heavy = all(run.font.bold for run in paragraph.runs)
            text = Paragraph((Text("".join(run.text for run in paragraph.runs), bold=heavy),))
            taken += lines_of(text, size, width - 0.12) * 1.2 * size + paragraph.space_before.pt
        assert taken / 72 <= height - 0.1, name
    shapes = [shape for shape in opened(path).shapes if not shape.is_placeholder or shape.has_text_frame]
    for shape in shapes:
        assert shape.left >= 0
        assert shape.left + shape.width <= Presentation(str(path)).slide_width
        assert shape.top + shape.height <= Presentation(str(path)).slide_height
    for one in shapes:
        for other in shapes:
            apart = (
                one.left + one.width <= other.left or other.left + other.width <= one.left
                or one.top + one.height <= other.top or other.top + other.height <= one.top
            )  # fmt: skip
            assert one.shape_id == other.shape_id or apart, (one.name, other.name)


def test_long_names_leave_room_for_the_bars(made):
    slide = opened(made(**STATES["long names"]))
    high = float(chart_of(slide)._chartSpace.find(".//{*}plotArea//{*}h").get("val"))
    low = float(chart_of(slide)._chartSpace.find(".//{*}legend//{*}h").get("val"))
    assert 0.2 < high < 1 - low
    assert legend_lines(FIVE, 6.4) == 8
    assert legend_lines(["Billing", "Orders", "All other queues"], 6.4) == 1
    usual = float(chart_of(opened(made()))._chartSpace.find(".//{*}plotArea//{*}h").get("val"))
    assert high < usual


def test_what_has_no_room_stands_in_the_notes_and_the_slide_says_so(made):
    action = ACTION | {"action": f"{LONG} first", "assumed": f"{LONG}. " * 12}
    slide = opened(made(CHOICE | {"recommended": action}, trial=parts()["trial"] | {"action": action["action"]}))
    more = load_words("en")["page"]["slide_more"]
    assert more in said_on(slide)
    assert f"{LONG} first" in said_on(slide)
    notes = slide.notes_slide.notes_text_frame.text
    both = plain(said_on(slide) + notes)
    for text in (f"{LONG}. " * 12, "Then check: Give it every second week", "The model: Fitted on January 1999"):
        assert plain(text) in both
    assert more not in said_on(opened(made()))


def test_a_size_is_chosen_by_length():
    short, long = [Paragraph((Text("A few words"),))], [Paragraph((Text("Many words " * 60),))]
    assert fitted(short, 5.0, 2.0, largest=24, more="")[0] == 24
    size, kept, left = fitted(long, 5.0, 3.4, largest=24, more="")
    assert SMALLEST <= size < 24
    assert (kept, left) == (long, [])
    assert fitted([*short, *long * 9], 5.0, 2.2, largest=24, more="m")[1:] == (
        [*short, Paragraph((Text("m", colour="#566173"),))],
        long * 9,
    )
    whole = [Paragraph(long[0].pieces, stays=True), *short, *long]
    assert fitted(whole, 5.0, 3.6, largest=24, more="m")[2] == long, "the longest that may go, and no more"
    assert lines_of(Paragraph((Text("x" * 500),)), 12, 5.0) > 8, "a word longer than a line takes several"


@pytest.mark.parametrize(
    "text", [SAID, LONG, LONG.upper(), "33,344 read = 31,125 kept + 2,219 set aside", "Zażółć gęślą jaźń %"]
)
@pytest.mark.parametrize("bold", [False, True])
def test_the_estimate_is_not_below_a_broad_font(text, bold):
    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal", size=12)
    broad = text_to_path.get_text_width_height_descent(text, font, False)[0] / 72
    assert text_width(text, 12, bold=bold) > 0.95 * broad
    assert text_width(text, 12, bold=bold) < 1.35 * broad


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x.example")', "+1+1", "@SUM(A1)", HOSTILE, "a\x00b\nc", ""])
def test_a_queue_s_name_is_only_text(made, name):
    path = made(
        hours=HOURS | {"queues": [name, "All other queues"]},
        decision=CHOICE | {"recommended": ACTION | {"action": name or "x"}},
    )
    slide = opened(path)
    shown = name.replace("\x00", "").replace("\n", " ")
    assert chart_of(slide).plots[0].series[0].name == shown
    assert sheet_of(slide)[0][1] == shown
    with zipfile.ZipFile(io.BytesIO(chart_of(slide).part.chart_workbook.xlsx_part.blob)) as book:
        texts = "".join(book.read(part).decode() for part in book.namelist())
    assert "<f>" not in texts
    assert "hyperlink" not in re.sub(r"<t[^>]*>.*?</t>", "", texts)


def test_what_the_page_holds_back_is_neither_in_the_chart_nor_in_its_workbook(made):
    row = HOURS["hours"][0]
    held = HOURS | {
        "queues": [*HOURS["queues"], "Queues not shown apart"],
        "hours": [row | {"parts": [8.0, 2.0, 0.0]}, row | {"hour": 10, "parts": [None, None, 10.0], "lower": None, "upper": None}],
    }  # fmt: skip
    slide = opened(made(hours=held))
    assert [list(series.values) for series in chart_of(slide).plots[0].series] == [
        [8.0, None],
        [2.0, None],
        [0.0, 10.0],
    ]
    assert sheet_of(slide)[2] == ["10", "not shown", "not shown", 10.0, "", ""]


def test_in_another_language_fixed_words_are_translated_and_each_text_says_its_language(made):
    path = made(language="pl")
    text = said_on(opened(path))
    assert load_words("pl")["brief"]["do_first"] in text
    assert "Do first" not in text
    assert sheet_of(opened(path))[0][0] == load_words("pl")["figures"]["hour"]
    spoken = {run.text: run._r.rPr.get("lang") for shape in opened(path).shapes if shape.has_text_frame
              for paragraph in shape.text_frame.paragraphs for run in paragraph.runs}  # fmt: skip
    assert spoken[SAID] == "en-US"
    assert spoken[load_words("pl")["brief"]["do_first"]] == "pl-PL"


def test_what_notebooks_say_in_the_language_of_the_page_is_marked_as_that(tmp_path):
    path = tmp_path / "slide.pptx"
    write_slide(path, told_by_brief(**given(language="pl")) | {"spoken": "pl"}, language="pl")
    spoken = {run._r.rPr.get("lang") for shape in opened(path).shapes if shape.has_text_frame
              for paragraph in shape.text_frame.paragraphs for run in paragraph.runs}  # fmt: skip
    assert spoken == {"pl-PL"}
