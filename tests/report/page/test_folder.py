"""Every file beside a page is read: a leak is found in each kind, wherever it stands, and a kind nobody can read is told."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib

import nbformat
import pandas as pd
import polars as pl
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cxresearch.report.page.folder import check_files
from cxresearch.report.page.leaks import Names
from cxresearch.report.page.take_away import write_workbook
from cxresearch.report.run.cleaned import cleaned

LEAK = "ana.kowalska@example.com"
WORDS = ["no leak here", LEAK]


def notebook(where: str, said: str) -> bytes:
    cell = new_code_cell("1 + 1", execution_count=1)
    outputs = {
        "text": new_output("stream", name="stdout", text=said), "stderr": new_output("stream", name="stderr", text=said),
        "html": new_output("display_data", data={"text/html": f"<p title='{said.replace('@', '&#64;')}'>x</p>"}),
        "record": new_output("display_data", data={"application/vnd.cxresearch.table+json": {"rows": [[{"a": said}]]}}),
        "svg": new_output("display_data", data={"image/svg+xml": f"<svg><desc>{said}</desc></svg>"}),
        "error": new_output("error", ename="ValueError", evalue="x", traceback=[f"frame {said}"]),
    }  # fmt: skip
    if where in outputs:
        cell.outputs = [outputs[where]]
    elif where == "source":
        cell.source = f"x = '{said}'"
    elif where == "cell metadata":
        cell.metadata["made by"] = said
    cells = [new_markdown_cell(said if where == "prose" else "# x"), cell]
    if where == "attachment":
        cells[0]["attachments"] = {"a.svg": {"image/svg+xml": f"<svg><text>{said}</text></svg>"}}
    metadata = {"papermill": {"output_path": said}} if where == "metadata" else {}
    return nbformat.writes(new_notebook(cells=cells, metadata=metadata)).encode()


def png(kind: bytes, said: str) -> bytes:
    inside = b"Title\0" + (b"\0" + zlib.compress(said.encode()) if kind == b"zTXt" else said.encode())
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(inside)) + kind + inside + b"0000"


def parquet(frame: dict) -> bytes:
    return pd.DataFrame(frame).to_parquet()


def zipped(**parts: str | bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return file.getvalue()


def made(said: str) -> dict[str, bytes]:
    """One file of each kind and place that says it."""
    shared = {"xl/sharedStrings.xml": f"<sst><si><t>{said}</t></si></sst>"}
    chart = zipped(**shared)
    places = (
        "prose",
        "source",
        "text",
        "stderr",
        "html",
        "record",
        "svg",
        "error",
        "metadata",
        "cell metadata",
        "attachment",
    )
    return {
        "key.json": json.dumps({said: 1}).encode(), "value.json": json.dumps([{"a": [said]}]).encode(),
        "text.svg": f"<svg><text>{said}</text></svg>".encode(), "meta.svg": f"<svg><!-- {said} --></svg>".encode(),
        "attribute.svg": f"<svg aria-label='{said}'></svg>".encode(), "table.csv": f"a,b\n1,{said}\n".encode(),
        "page.html": f"<p>{said}</p>".encode(), "cells.xlsx": zipped(**shared),
        "about.xlsx": zipped(**{"docProps/core.xml": f"<c><creator>{said}</creator></c>"}),
        "slide.pptx": zipped(**{"ppt/slides/slide1.xml": f"<a:t>{said}</a:t>"}),
        "chart.pptx": zipped(**{"ppt/embeddings/chart.xlsx": chart}),
        "values.parquet": parquet({"a": [said, "b"]}), "lists.parquet": parquet({"a": [[said], ["b"]]}),
        "name.parquet": parquet({said: [1]}), "text.png": png(b"tEXt", said), "packed.png": png(b"zTXt", said),
        "title.pdf": f"%PDF-1.4\n/Title ({said})".encode(),
        "wide.pdf": b"%PDF-1.4\n/Title (" + b"\xfe\xff" + said.encode("utf-16-be") + b")",
        **{f"{place}.ipynb": notebook(place, said) for place in places},
    }  # fmt: skip


def write(folder, files):
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_a_leak_is_found_in_every_kind_of_file_wherever_it_stands(tmp_path):
    found = check_files(write(tmp_path, made(LEAK)))
    assert set(found) == set(made(LEAK))
    assert {finding.rule for findings in found.values() for finding in findings} == {"no personal column"}
    assert check_files(tmp_path, names=Names([LEAK])) == {}, "a name of the log is none"


def test_the_same_files_without_it_pass(tmp_path):
    assert check_files(write(tmp_path, made("no leak here"))) == {}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.docx", b"PK"), ("noend", b"x"), ("a.json", b"{"), ("a.svg", b"\xff\xfe"), ("a.png", b"GIF"), ("a.xlsx", b"no zip"),
        ("b.pptx", zipped(**{"ppt/vbaProject.bin": b"x"})), ("a.parquet", b"PAR1"), ("a.ipynb", b"{}"), ("a.pdf", b"x"),
    ],
)  # fmt: skip
def test_what_nobody_can_read_is_not_published(tmp_path, name, content):
    (findings,) = check_files(write(tmp_path, {name: content})).values()
    assert [finding.rule for finding in findings] == ["nothing unread"]


def shown(text: str) -> bytes:
    cell = new_code_cell("x", outputs=[new_output("display_data", data={"text/plain": text})])
    return nbformat.writes(new_notebook(cells=[cell])).encode()


@pytest.mark.parametrize("word", ["email", "e-mail", "E-mail", "(email):", "email,", "address", "street", "telephone"])
def test_a_sentence_that_speaks_of_a_channel_has_no_columns(tmp_path, word):
    """The first line of what an exhibit says in letters; a table of that column is one all the same."""
    said = f"Of all channels {word} lost most, 12 % of those who asked\nGave up, of those who queued ({word}): 12 %"
    assert check_files(write(tmp_path, {"a.ipynb": shown(said)})) == {}
    frame = pd.DataFrame({word: ["x"], "wait": ["long"]})
    for table in (frame.to_string(), frame[[word]].to_string(), frame.to_string(index=False, col_space=12)):
        assert check_files(write(tmp_path, {"a.ipynb": shown(table)})), table


def test_the_name_of_a_row_is_no_column(tmp_path):
    """A table of channels has a row of e-mail, in our HTML and in that of pandas; turned over it has such a column."""
    ours = '<table><tr><th scope="col">share</th></tr><tr><th scope="row">email</th><td>1</td></tr></table>'
    frame = pd.DataFrame({"share": [1.0]}, index=["email"])

    def found(html: str) -> list[str]:
        cell = new_code_cell("x", outputs=[new_output("display_data", data={"text/html": html})])
        files = {"a.ipynb": nbformat.writes(new_notebook(cells=[cell])).encode()}
        return [one.rule for findings in check_files(write(tmp_path, files)).values() for one in findings]

    assert found(ours) == found(frame.to_html()) == []
    assert found(frame.T.to_html()) == ["no personal column"]


ROWS = {"customer_key": ["0a"], "opened_at": ["2026-10-01"]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", json.dumps([{"customer_key": "0a", "opened_at": "x"}]).encode()), ("a.parquet", parquet(ROWS)),
        ("a.csv", pd.DataFrame(ROWS).to_csv(index=False).encode()), ("a.html", pd.DataFrame(ROWS).to_html().encode()),
        ("a.ipynb", nbformat.writes(new_notebook(cells=[new_code_cell("x", outputs=[new_output("display_data", data={
            "text/html": pd.DataFrame(ROWS).to_html(), "text/plain": pd.DataFrame(ROWS).to_string()})])])).encode()),
        ("b.ipynb", nbformat.writes(new_notebook(cells=[new_code_cell("x", outputs=[new_output("display_data", data={
            "text/plain": pd.DataFrame(ROWS).to_string()})])])).encode()),
        ("c.ipynb", shown(pd.DataFrame(ROWS).to_string(index=False))),
        ("d.ipynb", notebook("text", pd.DataFrame(ROWS).to_string())), ("e.ipynb", shown(str(pl.DataFrame(ROWS)))),
    ],
)  # fmt: skip
def test_rows_of_contacts_are_not_published(tmp_path, name, content):
    (findings,) = check_files(write(tmp_path, {name: content})).values()
    assert {finding.rule for finding in findings} == {"no personal column", "no raw rows"}


def test_so_are_columns_of_a_spreadsheet_and_not_its_cells(tmp_path):
    run = {"title": "T", "period_label": "P", "simulated": False}
    columns = [{"label": "contact_id", "numeric": False}, {"label": "Contacts", "numeric": True, "unit": "count"}]
    table = {"caption": "C", "label": "C", "kind": "estimated", "columns": columns, "rows": [["a", "1"]] * 9}
    write_workbook(tmp_path / "t.xlsx", [{**table, "csv": "contact_id,n\n" + "a,1\n" * 9}], run=run, language="en")
    (finding,) = check_files(tmp_path)["t.xlsx"]
    assert (finding.rule, finding.where) == ("no personal column", "t.xlsx: contact_id")
    columns[0]["label"] = "Channel"
    write_workbook(tmp_path / "t.xlsx", [{**table, "csv": "channel,n\n" + "email,1\n" * 9}], run=run, language="en")
    assert check_files(tmp_path) == {}


def test_an_executed_notebook_is_kept_without_places_noise_and_what_papermill_says_and_passes(tmp_path):
    said = "/home/ana/logs/may.csv"
    cells = [
        new_code_cell(f'log = "{said}"', execution_count=1, metadata={"papermill": {"status": "completed"}, "tags": ["x"]}),
        new_code_cell("x", outputs=[
            new_output("stream", name="stdout", text=f"read {said}\nfrom /home/loans\n"),
            new_output("stream", name="stderr", text=f"{said}:3: FutureWarning: old\nkeep this\n"),
            new_output("error", ename="E", evalue=f"no {said}", traceback=[f"\x1b[31mTraceback (most recent call last)\x1b[0m\n{LEAK}\n at {said}:3"]),
            new_output("display_data", data={"application/vnd.cxresearch.figure+json": {"a": [said]}, "image/png": "AAAA"}),
        ]),
    ]  # fmt: skip
    before = new_notebook(cells=cells, metadata={"papermill": {"input_path": said}, "language": "pl"})
    known = Names(["/home/loans"])
    kept = cleaned(before, known)
    text = nbformat.writes(kept)
    assert "/home/ana" not in text
    assert "papermill" not in text
    assert kept.cells[0].source == 'log = "may.csv"'
    assert (kept.metadata["language"], kept.cells[0].metadata["tags"]) == ("pl", ["x"])
    stdout, stderr, error, figure = kept.cells[1].outputs
    assert (stdout.text, stderr.text) == ("read may.csv\nfrom /home/loans\n", "(held back)\nkeep this\n")
    assert (error.evalue, error.traceback) == ("no may.csv", ["(held back)\n(held back)\n at may.csv:3"])
    assert figure.data == {"application/vnd.cxresearch.figure+json": {"a": ["may.csv"]}}
    assert "/home/ana" in nbformat.writes(before), "what the page is made of is not touched"
    (tmp_path / "a.ipynb").write_text(text)
    assert check_files(tmp_path, names=known) == {}
