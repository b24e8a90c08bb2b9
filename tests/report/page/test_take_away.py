"""What leaves a page for other programs: nothing in it runs, numbers stay numbers, equal tables give equal bytes."""

from __future__ import annotations

import csv
import io
import re
import zipfile

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from cxresearch.exhibits import show
from cxresearch.exhibits.show import TABLE
from cxresearch.report.page.blocks import table_view
from cxresearch.report.page.take_away import safe_cell, safe_csv, sheet_name, standalone, write_workbook
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
