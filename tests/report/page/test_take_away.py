"""What leaves a page for other programs: nothing in it runs, numbers stay numbers, equal tables give equal bytes."""

from __future__ import annotations

import base64
import csv
import io
import re
import zipfile

import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from python_calamine import CalamineWorkbook

from cxresearch.exhibits import show
from cxresearch.exhibits.show import TABLE
from cxresearch.report.page.blocks import table_view
from cxresearch.report.page.render import take_away
from cxresearch.report.page.take_away import safe_cell, safe_csv, sheet_name, standalone, write_workbook
from cxresearch.report.run.cleaned import cleaned
from cxresearch.report.run.kernel import FIXED
from cxresearch.style import theme

RUN = {"title": "Waiting", "period_label": "February 1999", "simulated": True, "report": "monthly", "period": "1999-02"}
HOSTILE = [
    '=HYPERLINK("http://x.example")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\tx",
    "\r=1",
    " =1+1",
    "\u00a0=1",
    "＝1+1",
    "﹦1",
    "\u200b=1",
]


def content(table, caption="By queue", kind="SIMULATED", **given):
    return show.table_bundle(table, caption=caption, kind=kind, **given)[TABLE]


def view(table, number=1, **given):
    made = content(table, **given)
    return table_view(made, label=f"Table {number}: {made['caption']}", file="monthly-1999-02")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_that_a_spreadsheet_would_run_is_text(text):
    assert safe_cell(text) == f"'{text}" or safe_cell(text) == "'\r'=1"
    table = pd.DataFrame({"queue": ["plain", text], "n": [1, 2]})
    rows = list(csv.reader(io.StringIO(safe_csv(content(table)), newline="")))
    assert rows[:2] == [["queue", "n"], ["plain", "1"]]
    assert len(rows) == 3
    assert rows[2][0].startswith("'")
    assert rows[2][1] == "2"
    assert not re.search(r"(?m)^[=+@]", safe_csv(content(table)))


def test_a_cell_that_a_semicolon_would_divide_is_text_in_both_halves():
    assert safe_cell("calls;=1+1") == "calls;'=1+1"
    assert safe_cell("calls; -x") == "calls;' -x"


@pytest.mark.parametrize("text", ["-5", "+0.25", "-1e-07", "1999", "-inf", "", "A - B", "Sales (PS)", "a=b"])
def test_numbers_and_plain_texts_stay(text):
    assert safe_cell(text) == text


def test_a_column_is_no_formula_either():
    table = pd.DataFrame({"=cmd()": ["a"], "difference": [-0.5]})
    assert safe_csv(content(table)) == "'=cmd(),difference\na,-0.5\n"


def test_a_carriage_return_ends_no_row():
    table = pd.DataFrame({"queue": ["a\rb", "c"], "n": [1, 2]})
    assert safe_csv(content(table)) == 'queue,n\n"a\nb",1\nc,2\n'


@pytest.fixture
def book(tmp_path):
    tables = [
        view(pd.DataFrame({
            "queue": ["a", *HOSTILE], "queued": range(100, 112), "share_left_of_queued": 0.125, "mean_wait_s": 61.5, "p_value": 0.01,
        })),
        view(pd.DataFrame({"hour": [7, 8], "left": [5, 6], "median_s": [float("inf"), None]}), number=2, kind="estimated",
             caption="Who gave up [by hour]: all of them / any * queue?"),
    ]  # fmt: skip
    write_workbook(tmp_path / "tables.xlsx", tables, run=RUN, language="en")
    return tmp_path / "tables.xlsx", tables


def test_a_sheet_has_its_caption_its_kind_and_its_numbers(book):
    path, _ = book
    sheets = CalamineWorkbook.from_path(path)
    assert sheets.sheet_names == ["Contents", "1 By queue", "2 Who gave up by hour all of th"]
    first, second = (sheets.get_sheet_by_name(name).to_python() for name in sheets.sheet_names[1:])
    assert [row[0] for row in first[:3]] == ["Table 1: By queue", "SIMULATED", "Contents"]
    assert first[4] == ["Queue", "Queued", "Gave up, of those who queued (%)", "Mean wait (s)", "p"]
    assert first[5] == ["a", 100, 0.125, 61.5, 0.01]
    assert [row[0] for row in first[6:]] == HOSTILE
    assert second[4:] == [["Hour", "Gave up", "Median (s)"], [7, 5, "∞"], [8, 6, ""]]


def test_the_contents_lead_to_every_sheet_and_say_what_is_simulated(book):
    path, _ = book
    rows = CalamineWorkbook.from_path(path).get_sheet_by_name("Contents").to_python()
    assert rows[0][0] == "Waiting, February 1999"
    assert rows[1][0] == "SIMULATED data"
    assert rows[3] == ["Table 1: By queue", "SIMULATED"]
    with zipfile.ZipFile(path) as parts:
        targets = re.findall(r'location="([^"]+)"', parts.read("xl/worksheets/sheet1.xml").decode())
        assert targets == ["'1 By queue'!A1", "'2 Who gave up by hour all of th'!A1"]
        texts = "".join(parts.read(name).decode() for name in parts.namelist())
    assert "<f>" not in texts
    assert "http://x.example" not in re.sub(r"<t[^>]*>.*?</t>", "", texts)


def test_equal_tables_give_equal_bytes(book, tmp_path):
    path, tables = book
    write_workbook(tmp_path / "again.xlsx", tables, run=RUN, language="en")
    assert (tmp_path / "again.xlsx").read_bytes() == path.read_bytes()
    with zipfile.ZipFile(path) as parts:
        assert {part.date_time[0] for part in parts.infolist()} == {1980}


@pytest.mark.parametrize("caption", ["a" * 80, "[]:*?/\\", "ends with '" + "x" * 18 + "'" * 9, "", "\x00\n"])
def test_a_sheet_s_name_is_one_that_spreadsheets_allow(caption):
    names = [sheet_name(number, caption) for number in (1, 2, 1234)]
    assert len({name.lower() for name in names}) == 3
    for name in names:
        assert 1 <= len(name) <= 31
        assert not re.search(r"[\[\]:*?/\\\x00-\x1f]|^'|'$", name)


def test_a_figure_alone_says_what_the_page_says_of_it_and_needs_no_page():
    _, ax = theme.figure()
    ax.plot([0, 60], [1, 0.5], color=theme.C1)
    svg, _ = theme.themed_svg(ax.figure, title="Half <leave>", description="It falls.")
    alone = standalone(svg, finding="Half <leave>", subtitle="Share, bank", kind="SIMULATED")
    assert "var(" not in alone
    assert "calc(" not in alone
    assert theme.C1 in alone
    assert [text for text in ("Half &lt;leave&gt;", "Share, bank (SIMULATED)") if f">{text}</text>" in alone] == [
        "Half &lt;leave&gt;", "Share, bank (SIMULATED)",
    ]  # fmt: skip
    before, after = (
        [float(part) for part in re.findall(r'viewBox="([^"]+)"', text)[0].split()] for text in (svg, alone)
    )
    assert after[1] < before[1]
    assert after[1] + after[3] == pytest.approx(before[1] + before[3])
    assert "<script" not in alone


def painted(monkeypatch, **given):
    monkeypatch.setenv("CXRESEARCH_PNG", "1")
    _, ax = theme.figure()
    ax.fill_between([0, 60], [1, 0.4], [1, 0.6], color=theme.C1, alpha=theme.BAND_ALPHA)
    ax.plot([0, 60], [1, 0.5], color=theme.C1)
    said = {"finding": "Half leave", "subtitle": "Share, bank", "description": "It falls.", "kind": "SIMULATED"}
    return show.figure_bundle(ax, **(said | given))


def test_a_picture_is_a_small_file_of_few_colours_on_white_and_equal_figures_give_equal_bytes(monkeypatch):
    png = base64.b64decode(painted(monkeypatch)["image/png"])
    assert base64.b64decode(painted(monkeypatch)["image/png"]) == png
    assert len(png) <= theme.PNG_LARGEST
    with Image.open(io.BytesIO(png)) as image:
        assert image.info == {}, "no clock, no program"
        assert image.width == theme.PNG_WIDTHS[0]
        colours = {colour for _, colour in image.convert("RGB").getcolors(256)}
        assert {(255, 255, 255), (0x0B, 0x5C, 0xAD)} <= colours
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_a_picture_says_its_finding_its_subtitle_and_its_kind(monkeypatch):
    written = []
    plain = theme._painted
    monkeypatch.setattr(theme, "_painted", lambda figure, width: written.append(figure) or plain(figure, width))
    long = "Of those who asked for an agent on a Monday morning in winter, WWWWWWWWWW gave up, $x_{$ more than on any other day"
    painted(monkeypatch, finding=long)
    head = written[0]
    texts = [text.get_text() for text in head.texts]
    assert " ".join(texts) == f"{long} Share, bank (SIMULATED)"
    weights = [text.get_fontweight() for text in head.texts]
    assert weights == ["bold"] * (len(texts) - 1) + ["normal"]
    for text in head.texts:
        box = text.get_window_extent()
        assert box.x1 <= head.bbox.x1
        assert box.y0 >= head.bbox.y0


def test_what_would_be_too_large_is_painted_smaller(monkeypatch):
    monkeypatch.setattr(theme, "PNG_LARGEST", 9_000)
    png = base64.b64decode(painted(monkeypatch)["image/png"])
    with Image.open(io.BytesIO(png)) as image:
        assert image.width in theme.PNG_WIDTHS[1:]


def test_a_figure_is_painted_where_a_report_is_made_alone(monkeypatch):
    assert "image/png" in painted(monkeypatch)
    assert FIXED[show.PNG_FILES] == "1"
    monkeypatch.delenv("CXRESEARCH_PNG")
    _, ax = theme.figure()
    assert "image/png" not in show.figure_bundle(ax, finding="F", subtitle="S", description="D", kind="estimated")


def test_a_notebook_is_kept_without_the_pictures_of_figures_and_with_its_own(monkeypatch):
    ours, own = painted(monkeypatch), {"image/png": "b3du", "text/plain": "own"}
    cells = [new_code_cell("x", outputs=[new_output("display_data", data=data) for data in (ours, own)])]
    notebook = new_notebook(cells=[new_markdown_cell("# T"), *cells])
    kept = cleaned(notebook).cells[1].outputs
    assert dict(kept[0].data) == {kind: value for kind, value in ours.items() if kind != "image/png"}
    assert dict(kept[1].data) == own
    assert "image/png" in notebook.cells[1].outputs[0].data, "the page is made from it"


def test_a_picture_stands_beside_its_drawing_where_there_is_one(monkeypatch):
    run = {"report": "monthly", "period": "1999-02", "notebooks": None}
    for bundle, files in ((painted(monkeypatch), ["svg", "png"]), (painted(monkeypatch) | {"image/png": ""}, ["svg"])):
        cells = [new_code_cell("x", execution_count=1, outputs=[new_output("display_data", data=bundle)])]
        _, drawn = take_away(notebooks=[("one", new_notebook(cells=cells))], run=run)
        assert list(drawn) == [f"figures/01-half-leave.{file}" for file in files]
        assert drawn.get("figures/01-half-leave.png", b"") == base64.b64decode(bundle["image/png"])
        assert isinstance(drawn["figures/01-half-leave.svg"], str)
