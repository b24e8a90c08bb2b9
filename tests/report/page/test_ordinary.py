"""Ordinary outputs of own notebooks: each is shown or named, none brings anything into a page that it must not hold."""

from __future__ import annotations

import base64
import io
import random
import re

import pandas as pd
import polars as pl
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from cxresearch.exhibits import show as present
from cxresearch.report.page import gate, pictures, sections
from cxresearch.report.page.foreign_html import read_html, shape_said
from cxresearch.report.page.ordinary import MOST_LINES
from cxresearch.report.page.pictures import PictureError, drawn, painted
from cxresearch.report.page.render import outputs_of, render_brief, render_report, take_away
from cxresearch.style import languages
from tests.report.page.test_render import HOSTILE, NUMBERS, a_run, displayed, figure, text_of

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><text x="1" y="9">Drawn</text></svg>'
FRAME = pd.DataFrame({"queue": ["a", "b"], "contacts": [1200, 7]})


def file(form="PNG", size=(40, 20), **more):
    made = io.BytesIO()
    Image.new("RGB", size, "#0b5cad").save(made, form, **more)
    return base64.b64encode(made.getvalue()).decode()


PNG = file()


def out(**data):
    return new_output("display_data", data={name.replace("__", "/"): value for name, value in data.items()})


def html(text, plain="<IPython.core.display.HTML object>"):
    return out(text__html=text, text__plain=plain)


def printed(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def plotly():
    data = {"application/vnd.plotly.v1+json": {"data": []}, "text/html": "<div><script>draw()</script></div>"}
    return new_output("display_data", data=data)


KINDS = {
    "text": lambda: out(text__plain="42"),
    "print": lambda: printed("one\ntwo\n"),
    "much": lambda: printed("\n".join(f"line {n}" for n in range(900))),
    "coloured": lambda: printed("\x1b[31mred\x1b[0m\x07 \x00"),
    "written over": lambda: printed("10 %\r100 %\n"),
    "stderr": lambda: printed("/usr/lib/x.py: UserWarning: careful", "stderr"),
    "frame": lambda: html(FRAME._repr_html_(), "a b"),
    "long frame": lambda: html(pd.DataFrame({"n": range(1000)})._repr_html_()),
    "wide frame": lambda: html(pd.DataFrame([range(90)]).to_html()),
    "polars": lambda: html(pl.DataFrame({"n": range(100)})._repr_html_()),
    "styler": lambda: html(FRAME.style.background_gradient(subset=["contacts"]).to_html(), "<Styler at 0x7f>"),
    "no rows": lambda: html(FRAME.head(0)._repr_html_()),
    "html": lambda: html("<h1 id='s1'>A</h1><h5>B</h5><p style='color:red'>text <b>b</b></p><table><tr><td>1</table>"),
    "hostile": lambda: html(f"<p>{HOSTILE}</p><p onclick='x()'>p</p><style>@import 'http://x.org'</style>"),
    "broken": lambda: html("<table><tr><td>a<table><tr><td>b</td></table><h2>c</p></b><li>d"),
    "script": lambda: html("<p>a</p><script>alert(1)</script>"),
    "frame of another page": lambda: html("<iframe src='https://example.org'></iframe>"),
    "audio": lambda: html("<audio controls src='data:audio/wav;base64,AA'></audio>"),
    "nothing": lambda: html("<div> </div>"),
    "picture": lambda: out(image__png=PNG, text__plain="<Figure size 640x480 with 1 Axes>"),
    "photograph": lambda: out(image__jpeg=file("JPEG")),
    "film": lambda: out(image__gif=file("GIF", save_all=True, append_images=[Image.new("RGB", (40, 20), "#fff")])),
    "damaged": lambda: out(image__png="aGVsbG8="),
    "svg": lambda: new_output("display_data", data={"image/svg+xml": SVG}),
    "svg with a script": lambda: new_output("display_data", data={"image/svg+xml": SVG.replace("<text", "<script/><text")}),
    "picture in html": lambda: html(f"<img src='data:image/png;base64,{PNG}' alt='A blue field, 40 by 20.'>"),
    "picture elsewhere": lambda: html("<img src='https://example.org/a.png'>"),
    "markdown": lambda: out(text__markdown="## Found\n\n| a | b |\n|-|-|\n| 1 | 2 |"),
    "latex": lambda: out(text__latex=r"$\displaystyle \frac{a}{b}$", text__plain="<Math object>"),
    "json": lambda: out(application__json={"a": [1, None]}, text__plain="<IPython.core.display.JSON object>"),
    "widget": lambda: new_output("display_data", data={"application/vnd.jupyter.widget-view+json": {}, "text/plain": "I()"}),
    "plotly": plotly,
    "javascript": lambda: out(application__javascript="alert(1)", text__plain="<Javascript object>"),
    "unknown": lambda: new_output("display_data", data={"application/x-own": "a", "text/plain": "x"}),
    "no form at all": lambda: new_output("display_data", data={}),
    "object": lambda: out(text__plain="<object at 0x7f80340e0ec0>"),
    "path": lambda: printed("/home/ana/calls.csv"),
    "secret": lambda: printed("password = hunter2hunter2"),
    "printed persons": lambda: printed(pd.DataFrame({"customer_key": ["a"], "n": [1]}).to_string()),
    "person": lambda: html(pd.DataFrame({"customer_key": ["a"], "n": [1]})._repr_html_()),
    "half a letter": lambda: out(text__plain="a \ud800 b"),
    "exhibit": lambda: figure()[0],
    "table": lambda: displayed(present.show_table, NUMBERS, caption="By queue", kind="estimated")[0],
    "headline": lambda: displayed(
        present.record_headline, name="n", label="N", value=1.0, lower=1.0, upper=1.0, unit="contacts", kind="estimated",
        better=None,
    )[0],
}  # fmt: skip
NEVER_SHOWN = {
    "stderr": "stderr", "no rows": "no_rows", "script": "script", "frame of another page": "active", "audio": "active",
    "nothing": "nothing", "damaged": "damaged", "svg with a script": "active_picture", "picture elsewhere": "outside",
    "widget": "widget", "plotly": "script", "javascript": "script", "unknown": "unknown", "no form at all": "nothing",
    "object": "object", "path": "path", "secret": "secret", "person": "person", "printed persons": "person", "hostile": "script",
}  # fmt: skip


def a_cell(*outputs, source="", tags=()):
    return new_code_cell(source, outputs=list(outputs), execution_count=1, metadata={"tags": list(tags)})


def of(*cells, title="# Own", **metadata):
    return new_notebook(cells=[new_markdown_cell(title), *cells], metadata=metadata)


def page_of(*notebooks, language="en", **run):
    given = [(f"own-{place}", notebook) for place, notebook in enumerate(notebooks)]
    return render_report(notebooks=given, run=a_run(**run), headlines=[], language=language)


def told(*notebooks):
    return outputs_of(notebooks=[(f"own-{place}", notebook) for place, notebook in enumerate(notebooks)], run=a_run())


def soup_of(*cells, **metadata):
    return BeautifulSoup(page_of(of(*cells, **metadata)), "html.parser").select_one("#s1")


@pytest.mark.parametrize("kind", KINDS)
def test_an_output_of_each_kind_is_shown_or_named_and_the_page_passes_the_gate(kind):
    notebook = of(a_cell(KINDS[kind]()), new_markdown_cell("After."))
    found = told(notebook)
    assert found["shown"] + len(found["not_shown"]) == 1
    assert [entry["why"] for entry in found["not_shown"]] == [why for one, why in NEVER_SHOWN.items() if one == kind]
    for language in ("en", [*languages()][list(KINDS).index(kind) % 3]):
        page = page_of(notebook, language=language)
        assert gate.check_page(page, run=a_run(), language=language) == []
        assert ("alert(1)" in page, "Sel 2" in page or language != "id" or kind not in NEVER_SHOWN) == (False, True)
    for entry in found["not_shown"]:
        assert entry["said"] in text_of(BeautifulSoup(page_of(notebook), "html.parser"))


def generated(rng):
    """A notebook of cells with outputs of any kinds, and how many are in cells that a tag keeps out."""
    cells, removed = [], 0
    for _ in range(rng.randint(1, 6)):
        kinds = rng.choices(list(KINDS), k=rng.randint(0, 4))
        tags = rng.choice([(), (), ("hide-cell",), ("remove-cell",)])
        removed += len(kinds) * ("remove-cell" in tags)
        cells.append(a_cell(*(KINDS[kind]() for kind in kinds), tags=tags))
        if rng.random() < 0.4:
            cells.append(new_markdown_cell(rng.choice(["## Head", "#### Deep\n\nProse.", "Prose $x^2$."])))
    return of(*cells), removed


def test_shown_and_named_are_all_outputs_of_any_notebook():
    rng = random.Random(16)
    for _ in range(12):
        notebooks, removed = zip(*(generated(rng) for _ in range(rng.randint(1, 3))), strict=True)
        outputs = sum(len(cell.get("outputs", [])) for notebook in notebooks for cell in notebook.cells)
        found = told(*notebooks)
        assert found["shown"] + found["removed"] + len(found["not_shown"]) == outputs
        assert found["removed"] == sum(removed)
        page = page_of(*notebooks)
        assert gate.check_page(page, run=a_run()) == []
        assert "alert(" not in re.sub(r"&lt;script&gt;alert\(1\)|onerror=alert\(2\)", "", page)
        for section, notebook in zip(
            BeautifulSoup(page, "html.parser").select(".sections > section"), notebooks, strict=False
        ):
            recorded = any(
                sections.OURS in str(list(o.get("data", {}))) for c in notebook.cells for o in c.get("outputs", [])
            )
            assert recorded or section.select_one(".row, details") or section.select_one(".gap")


def test_a_frame_is_a_table_of_the_page():
    section = soup_of(new_markdown_cell("## Contacts"), a_cell(KINDS["frame"]()))
    table = section.table
    assert [text_of(head) for head in table.select("thead th")] == ["queue", "contacts"]
    assert [[text_of(cell) for cell in row.find_all(["th", "td"])] for row in table.select("tbody tr")] == [
        ["a", "1200"], ["b", "7"]]  # fmt: skip
    assert text_of(table.caption) == "Contacts", "called by the heading above it"
    assert section.select_one(".scroll")["aria-label"] == "Table 1: Contacts"
    href = section.select_one(".csv a")["href"].partition("base64,")[2]
    assert base64.b64decode(href).decode() == "queue,contacts\na,1200\nb,7\n"
    captioned = soup_of(a_cell(KINDS["frame"](), source="#| tbl-cap: By queue\ndf"))
    assert text_of(captioned.table.caption) == "By queue"


def test_a_shortened_frame_says_how_many_rows_there_were():
    section = soup_of(a_cell(KINDS["long frame"]()))
    assert len(section.select("tbody tr")) == 11
    assert text_of(section.select_one(".note")) == "Cell 2 of the notebook own-0: 10 of 1,000 rows are shown."
    whole = soup_of(a_cell(html(pd.DataFrame({"a": range(1500), "b": 1}).to_html())))
    assert len(whole.select("tbody tr")) == 1000
    assert "1,000 of 1,500 rows are shown" in text_of(whole.select_one(".note"))
    assert shape_said("<small>shape: (1_000, 2)</small>") == (1000, 2)
    wide = pd.DataFrame([range(90)] * 2)
    for frame, shown in ((wide, 59), (wide.set_axis(["a", "b"]), 59)):  # 60 columns with the names of the rows
        said = text_of(soup_of(a_cell(html(frame.to_html()))).select_one(".note"))
        assert said.endswith(f"{shown} of 90 columns are shown."), "an index is no column of the frame"


def test_the_names_of_rows_are_kept_unless_they_are_running_numbers():
    for names in (["share"], [0, "Total"], [0, 1]):
        (block,) = read_html(pd.DataFrame({"n": [7] * len(names)}, index=names).to_html()).blocks
        kept = [] if names == [0, 1] else [[str(name), "7"] for name in names]
        assert block["content"]["rows"] == (kept or [["7"], ["7"]])


def test_headers_that_are_stacked_become_one_row_of_names():
    frame = FRAME.assign(day=["mon", "tue"]).groupby(["day", "queue"]).agg({"contacts": ["mean", "sum"]})
    (block,) = read_html(frame._repr_html_()).blocks
    assert [c["label"] for c in block["content"]["columns"]] == ["day", "queue", "contacts, mean", "contacts, sum"]
    assert block["content"]["rows"][0] == ["mon", "a", "1200.0", "1200"]
    (cross,) = read_html(pd.crosstab(FRAME["queue"], FRAME["contacts"])._repr_html_()).blocks
    assert [c["label"] for c in cross["content"]["columns"]] == ["queue", "7", "1200"]


def test_a_picture_has_its_words_and_without_them_says_so():
    described = "#| fig-alt: It falls from 3 to 1.\n#| fig-cap: Waits\nplt.show()"
    section = soup_of(a_cell(KINDS["picture"](), source=described))
    assert section.img["alt"] == "It falls from 3 to 1."
    assert text_of(section.figcaption) == "Waits"
    assert section.select(".note") == []
    bare = soup_of(a_cell(KINDS["picture"]()))
    assert (
        text_of(bare.select_one(".note")) == "Cell 2 of the notebook own-0: nobody has described this picture in words."
    )
    assert bare.img["alt"] == text_of(bare.select_one(".note"))
    two = soup_of(a_cell(KINDS["picture"](), KINDS["svg"](), source="#| fig-alt:\n#|   - One.\n#|   - Two.\n"))
    assert [img["alt"] for img in two.select("img")] == ["One.", "Two."]
    told_by_python = KINDS["picture"]()
    told_by_python.metadata["image/png"] = {"alt": "A field.", "width": 20}
    assert (soup_of(a_cell(told_by_python)).img["alt"], soup_of(a_cell(told_by_python)).img["height"]) == (
        "A field.",
        "10",
    )


def test_pictures_go_as_files_too():
    notebook = of(a_cell(KINDS["picture"](), source="#| fig-cap: Waits"), a_cell(KINDS["svg"]()))
    _, drawings = take_away(notebooks=[("own", notebook)], run=a_run())
    assert list(drawings) == ["figures/01-waits.png", "figures/02-cell-3-of-the-notebook-own.svg"]
    for name in drawings:
        assert f'href="{name}"' in render_report(notebooks=[("own", notebook)], run=a_run(), headlines=[])


def test_a_picture_that_a_markdown_cell_holds_is_shown_and_one_elsewhere_is_named():
    held = new_markdown_cell("![The team at work](attachment:team.png)\n\n![A plan](https://example.org/plan.png)")
    held["attachments"] = {"team.png": {"image/png": PNG}}
    section = soup_of(held)
    assert [img["alt"] for img in section.select("img")] == ["The team at work"]
    assert "A plan" in text_of(section)
    assert "a picture that lies elsewhere is not shown" in text_of(section.select_one(".note"))


def test_files_of_pictures_are_painted_anew_and_made_small(monkeypatch):
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    assert b"taken at home" in base64.b64decode(file("JPEG", exif=exif))
    assert b"taken at home" not in painted(file("JPEG", exif=exif)).file
    monkeypatch.setattr(pictures, "LARGEST", 20_000)
    noise = io.BytesIO()
    Image.effect_noise((300, 300), 80).save(noise, "PNG")
    with pytest.raises(PictureError, match="large"):
        painted(base64.b64encode(noise.getvalue()).decode())
    noise = io.BytesIO()
    Image.effect_noise((3000, 60), 80).save(noise, "PNG")
    assert len(noise.getvalue()) > 100_000
    wide = painted(base64.b64encode(noise.getvalue()).decode())
    assert len(wide.file) < 20_000
    assert (Image.open(io.BytesIO(wide.file)).width, wide.width) == (1344, 3000), "as wide on the page as it was"
    with pytest.raises(PictureError, match="active_picture"):
        drawn('<!DOCTYPE svg [<!ENTITY a "b">]><svg>&a;</svg>')
    for inside in (
        '<image href="https://x.org/a.png"/>',
        '<rect onclick="x()"/>',
        "<foreignObject/>",
        "<style>@import 'x'</style>",
    ):
        with pytest.raises(PictureError, match="active_picture"):
            drawn(SVG.replace("<text", f"{inside}<text"))


def test_a_long_text_is_folded_and_cut_in_words():
    section = soup_of(a_cell(KINDS["much"]()))
    assert section.select_one("details.folded pre").get_text().count("\n") == MOST_LINES - 1
    assert text_of(section.select_one(".note")).endswith(f"{MOST_LINES} of 900 lines are shown.")
    short = soup_of(a_cell(KINDS["written over"](), KINDS["coloured"]()))
    assert [pre.get_text() for pre in short.select("pre")] == ["100 %", "red"]
    assert not short.select("details")


def test_what_is_too_much_for_a_page_is_named_and_the_page_stays_small(monkeypatch):
    monkeypatch.setattr(sections, "ROOM", 2_000)
    notebook = of(*(a_cell(printed("word " * 100 + str(n))) for n in range(9)))
    found = told(notebook)
    assert (found["shown"], {entry["why"] for entry in found["not_shown"]}) == (3, {"room"})
    assert found["shown"] + len(found["not_shown"]) == 9


def test_a_notebook_that_shows_nothing_makes_the_page_incomplete():
    silent, loud = of(a_cell(), title=""), of(a_cell(KINDS["text"]()))
    assert told(silent, loud)["empty"] == ["own-0"]
    page = page_of(silent, loud)
    assert "The notebook own-0 shows nothing." in page
    assert "1 of 2 sections are missing" in page
    assert '<span class="chip warn">Incomplete</span>' in page
    widget = of(a_cell(KINDS["widget"]()), title="# Only a slider")
    assert told(widget)["empty"] == ["own-0"], "a title is not a section"
    assert told(of(a_cell(KINDS["headline"]())))["empty"] == []
    assert told(of(new_markdown_cell("Prose alone.")))["empty"] == []
    assert "Incomplete" in render_brief(notebooks=[("own", silent)], run=a_run(), headlines=[])


def test_what_python_calls_a_plot_is_no_line_of_the_page_and_is_in_run_json():
    handle = out(text__plain="[<matplotlib.lines.Line2D at 0x7f8022271250>]")
    notebook = of(a_cell(handle, KINDS["picture"](), source="#| fig-alt: It falls.\nplt.plot([2, 1])"))
    assert [entry["why"] for entry in told(notebook)["not_shown"]] == ["object"]
    assert BeautifulSoup(page_of(notebook), "html.parser").select(".note") == []


def test_own_text_is_marked_as_its_own_language():
    german, plain = of(new_markdown_cell("Grund."), language="de"), of(new_markdown_cell("Why."))
    page = BeautifulSoup(
        page_of(german, plain, of(new_markdown_cell("Sebab."), language="id"), language="id"), "html.parser"
    )
    assert [section.get("lang") for section in page.select(".sections > section")[:3]] == ["de", "en", None]
    assert page.html["lang"] == "id"
    assert "lang" not in BeautifulSoup(page_of(of(language='x" onload="y')), "html.parser").select_one("#s1").attrs


def test_cells_are_numbered_as_their_author_counts_them():
    injected = a_cell(tags=("injected-parameters",))
    notebook = of(a_cell(tags=("parameters",)), injected, a_cell(KINDS["widget"]()), new_markdown_cell("x"))
    assert [entry["cell"] for entry in told(notebook)["not_shown"]] == [3]


def test_equal_outputs_are_equal_pages():
    notebooks = [
        of(*(a_cell(make()) for kind, make in KINDS.items() if kind not in ("exhibit", "styler"))) for _ in range(2)
    ]
    first = page_of(notebooks[0])
    for kept in (read_html, painted, drawn):
        kept.cache_clear()  # or the second page would be made of what the first one made
    assert page_of(notebooks[1]) == first
