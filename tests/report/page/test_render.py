"""The page: its order, its words, what it never shows, what it refuses; the same input gives the same bytes."""

from __future__ import annotations

import base64
import copy
import datetime as dt
import hashlib
import itertools
import re
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cxresearch.contacts import parse_period
from cxresearch.exhibits import show as present
from cxresearch.report.page.blocks import PAGE_SCRIPT, change_in_words, refuse_active_content, tile
from cxresearch.report.page.brand import contrast, load_brand, page_palettes
from cxresearch.report.page.render import render_index, render_report
from cxresearch.style import languages, load_words, period_label, theme

HOSTILE = '</style></title><script>alert(1)</script><img src=x onerror=alert(2)>" onload="x\' \\ $x$'
TEMPLATES = Path(sys.modules[render_report.__module__].__file__).parent / "templates"


def displayed(make, *arguments, **named):
    """Outputs as a kernel stores them, of one call of ``present``."""
    bundles = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("IPython.display.display", lambda bundle, raw: bundles.append(bundle))
        make(*arguments, **named)
    return [new_output("display_data", data=bundle) for bundle in bundles]


def cell(*outputs, count=1, source="x = 1  # the code"):
    return new_code_cell(source, outputs=[o for group in outputs for o in group], execution_count=count)


def figure(title="Half leave within a minute", **changes):
    _, ax = theme.figure()
    ax.plot([0, 60], [1, 0.5], color=theme.C1)
    ax.set_title(title)
    given = {"subtitle": "Share, bank, 1999", "description": "It falls from 1 to a half.", "kind": "estimated"}
    return displayed(present.show_figure, ax, **given | changes)


NUMBERS = pd.DataFrame({"queue": ["Regular", "VIP"], "share": [1 / 3, 0.5], "n": [12000, 7]})


def waits():
    return new_notebook(
        cells=[
            new_markdown_cell("# How long will callers wait?\n\nA curve, *not* an average."),
            cell(source="horizon_s: float = 60.0"),
            cell(figure(table=NUMBERS, formats={"share": "share"})),
            new_markdown_cell("## Why\n\n#### Deep\n\n$$\\frac{E[W]}{E[\\tau]}$$ and $n$\n\n|a|b|\n|-|-|\n|1|2|\n"),
            cell(displayed(present.say, "## Seventy of a hundred wait\n\nThat is 70.0 %.")),
            cell(displayed(present.show_table, NUMBERS, caption="By queue", kind="quoted")),
        ]
    )


SCENARIOS = pd.DataFrame(
    {"slowest_hour_s": [20.0, 60.0, 90.0], "share_left_of_asked": [0.04, 0.12, 0.2], "left": [100, 400, 700]}
).assign(today=[False, True, False])
ASSUMED = {"times": "left", "result": "Lost with them", "label": "Value of one", "value": 25, "lower": 0, "upper": 200}
ASSUMED |= {"step": 5, "unit": "EUR", "reason": "Nobody measured it."}


def scenarios_shown(**changes):
    given = {
        "finding": "Faster keeps 300",
        "subtitle": "Phone, 1999",
        "kind": "estimated",
        "assumed": [ASSUMED],
    } | changes
    given.setdefault("formats", {"slowest_hour_s": "seconds", "share_left_of_asked": "share"})
    shown = displayed(present.what_if, SCENARIOS, **given)
    return new_notebook(cells=[new_markdown_cell("# What would change?"), cell(shown)])


def summary():
    return new_notebook(
        cells=[
            new_markdown_cell("# What should we know?\n\nThe short answer."),
            cell(displayed(present.main_points, [("More callers gave up:", "21.9 % of those who queued.")])),
            cell(displayed(present.record_headline, **HEADLINES[0] | {"change": None})),
        ]
    )


CHANGE = {"difference": 0.034, "lower": 0.025, "upper": 0.042, "previous": 0.1858, "distinguishable": True}
CHANGE |= {"previous_period_label": "January 1999"}
HEADLINES = [
    {
        "name": "abandonment_share",
        "label": "Gave up",
        "value": 0.2194,
        "lower": 0.2135,
        "upper": 0.2255,
        "unit": "share",
    }
    | {"kind": "estimated", "better": "lower", "n": 18058, "note": "", "change": CHANGE},
    {"name": "contacts", "label": "Contacts", "value": 31125, "lower": 31125, "upper": 31125, "unit": "contacts"}
    | {"kind": "estimated", "better": None, "n": 31125, "note": "a count of the log", "change": None},
    {"name": "would_leave", "label": "Would leave", "value": 0.41, "lower": None, "upper": None, "unit": "share"}
    | {"kind": "quoted", "better": "lower", "n": None, "note": "n was not published", "change": None},
]


def a_run(**changes):
    return {
        "report": "monthly",
        "title": "Waiting and giving up",
        "organisation": "Anonymous Bank",
        "period": "1999-02",
        "period_label": "February 1999",
        "status": "complete",
        "simulated": False,
        "parameters": {"horizon_s": 420.0, "log": "/srv/logs/bank"},
        "inputs": [{"path": "/srv/logs/february.txt.gz", "sha256": "3f" * 32, "rows": 33344, "newest_record": None}],
        "counts": {"read": 33344, "kept": 31125, "set_aside": 2219},
        "set_aside": [{"reason": "phantom", "rows": 278}, {"reason": "left in the menu", "rows": 1941}],
        "notebooks": [
            {"name": "05-summary", "cells": 2, "executed": 2, "seconds": 1.25, "exit_code": 0, "error": ""},
            {"name": "02-waits", "cells": 4, "executed": 4, "seconds": 2.5, "exit_code": 0, "error": ""},
        ],
        "versions": {"python": "3.11.4", "cxresearch": "0.1.0"},
        "commit": "1a2b3c4d",
        "started_utc": "2026-11-21T21:40:02+00:00",
        "finished_utc": "2026-11-21T21:40:31+00:00",
        "newest_record": "1999-02-28 23:58:10",
        "previous_period_label": "January 1999",
    } | changes


def rendered(executed=None, headlines=None, **changes):
    executed = [("05-summary", summary()), ("02-waits", waits())] if executed is None else executed
    return render_report(
        notebooks=executed, run=a_run(**changes), headlines=HEADLINES if headlines is None else headlines
    )


@pytest.fixture(scope="module")
def page():
    return rendered()


@pytest.fixture(scope="module")
def soup(page):
    return BeautifulSoup(page, "html.parser")


def text_of(node):
    return " ".join(node.get_text(" ").split())


# What the page is -------------------------------------------------------------------------------------------------


def check_page(page):
    """What holds for every page that is ever made."""
    soup = BeautifulSoup(page, "html.parser")
    assert page.startswith("<!doctype html>")
    assert soup.html["lang"] == "en"
    assert [script.get_text() for script in soup.find_all("script")] in ([PAGE_SCRIPT], [])
    assert not soup.find_all(["iframe", "object", "embed", "link", "base", "form", "img", "foreignobject"])
    policy = soup.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert policy.startswith("default-src 'none';")
    assert len(re.findall("script-src", policy)) == len(soup.find_all("script"))
    for tag in soup.find_all(True):
        assert not [name for name in tag.attrs if name.startswith("on")], tag
        for name in ("src", "srcset", "poster", "data", "action"):
            assert name not in tag.attrs, tag
        if tag.name != "a":
            assert tag.get("href", tag.get("xlink:href", "#")).startswith("#"), tag
        assert "url(" not in tag.get("style", ""), tag
    styles = "".join(style.get_text() for style in soup.find_all("style"))
    assert "url(" not in styles
    assert "@import" not in styles
    assert len(soup.find_all("h1")) == 1
    levels = [int(h.name[1]) for h in soup.find_all(re.compile(r"^h[1-6]$"))]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    for tag in soup.find_all(True):
        for name in (*tag.get("aria-labelledby", "").split(), *re.findall("^#(.+)", tag.get("href", ""))):
            assert name in ids, f"{tag.name} points at {name}"
    for table in soup.find_all("table"):
        assert text_of(table.caption)
        assert all(head.get("scope") in ("col", "row") for head in table.find_all("th"))
        assert all(text_of(head) for head in table.thead.find_all("th"))
        box = table.parent
        assert box["role"] == "region"
        assert box["tabindex"] == "0"
    regions = [box["aria-label"] for box in soup.find_all(role="region")]
    assert len(regions) == len(set(regions))
    for drawing in soup.find_all("svg"):
        if drawing.get("aria-hidden") != "true":
            assert drawing["role"] == "img"
            assert text_of(drawing.title)
            assert text_of(drawing.desc)
            assert not drawing.get("width")
            assert not drawing.get("height")
    return soup


def test_every_page_is_whole_quiet_and_outlined(page):
    soup = check_page(page)
    assert len(soup.find_all("svg", role="img")) == 1
    assert len(page) < 100_000


def test_the_order_is_the_readers(soup):
    text = text_of(soup.body)
    parts = [
        "Skip to the main points",
        "Anonymous Bank",
        "Waiting and giving up , February 1999",
        "Complete",
        "Newest record 28 February 1999, 23:58",
        "95 % interval 21.3 to 22.6 %",
        "Main points",
        "More callers gave up: 21.9 % of those who queued.",
        "1. What should we know?".removeprefix("1. "),
        "The short answer.",
        "How long will callers wait?",
        "Half leave within a minute",
        "How this was made",
        "Provenance",
    ]
    places = []
    for part in parts:
        places.append(text.find(part, places[-1] if places else 0))
        assert places[-1] >= 0, part


def test_the_foot_of_every_printed_page_names_the_report():
    title = 'Wait \\ "a" <b> ż;}'
    style = check_page(rendered(title=title, organisation="")).style.get_text()
    (content,) = re.findall(r'@bottom-left \{ content: "([^"]*)"; \}', style)
    assert re.sub(r"\\([0-9a-f]+) ", lambda code: chr(int(code[1], 16)), content) == f"{title}, February 1999"


def test_the_title_names_report_period_and_organisation(soup):
    assert soup.title.get_text() == "Waiting and giving up, February 1999 · Anonymous Bank"


def test_tiles_say_value_interval_or_reason_change_and_kind(soup):
    gave_up, contacts, would_leave = (text_of(tile) for tile in soup.select(".tiles li"))
    assert gave_up == (
        "Gave up 21.9 % estimated 95 % interval 21.3 to 22.6 % , n = 18,058 ▲ Up 3.4 points from 18.6 % in January 1999 "
        "( 95 % interval 2.5 to 4.2 points ): worse"
    )
    assert contacts == "Contacts 31,125 estimated a count of the log No comparison with January 1999"
    assert would_leave == "Would leave 41.0 % quoted n was not published"


def test_headings_of_notebooks_become_the_outline_of_the_page(soup):
    section = soup.find(id="s2")
    assert [(h.name, text_of(h)) for h in section.find_all(re.compile(r"^h\d"))] == [
        ("h2", "How long will callers wait?"),
        ("h3", "Half leave within a minute"),
        ("h3", "Why"),
        ("h4", "Deep"),
        ("h3", "Seventy of a hundred wait"),
    ]
    links = [(a["href"], text_of(a)) for a in soup.nav.find_all("a")]
    assert links[:2] == [("#s1", "What should we know?"), ("#s2", "How long will callers wait?")]


def test_a_figure_stands_under_its_finding_with_its_words_and_numbers(soup):
    figure = soup.find("figure")
    assert text_of(figure.figcaption) == "Half leave within a minute Share, bank, 1999 estimated"
    assert text_of(figure.svg.title) == "Half leave within a minute"
    assert text_of(figure.svg.desc) == "It falls from 1 to a half."
    details = figure.find_next_sibling("details")
    assert text_of(details.summary) == "The numbers behind this figure"
    rows = [[text_of(td) for td in row.find_all(["th", "td"])] for row in details.tbody.find_all("tr")]
    assert rows == [["Regular", "33.3 %", "12,000"], ["VIP", "50.0 %", "7"]]
    link = details.find("a")
    assert link["download"] == "monthly-1999-02-share-bank-1999.csv"
    data = base64.b64decode(link["href"].removeprefix("data:text/csv;charset=utf-8;base64,")).decode()
    assert data == NUMBERS.to_csv(index=False)


def test_a_finding_that_was_just_said_is_not_said_twice():
    cells = [cell(displayed(present.say, "## Half leave")), cell(figure("Half leave"))]
    soup = check_page(rendered([("x", new_notebook(cells=[new_markdown_cell("# T"), *cells]))]))
    assert [text_of(h) for h in soup.find(id="s1").find_all(re.compile(r"^h\d"))] == ["T", "Half leave"]


def test_formulas_are_mathml_and_bad_ones_are_shown_as_written(soup):
    assert len(soup.find_all("math")) == 2
    assert soup.find("math", display="block").find("mfrac")
    notebook = new_notebook(cells=[new_markdown_cell("# T\n\nFrom $5 to $6 or $7-$8, and $\\frac{$ <b>")])
    soup = check_page(rendered([("x", notebook)]))
    assert text_of(soup.find(id="s1")) == "T From $5 to $6 or $7-$8, and \\frac{ <b>"
    assert soup.find(id="s1").code.get_text() == "\\frac{"


def test_tables_in_prose_have_captions_and_their_own_box(soup):
    prose = [t for t in soup.find(id="s2").find_all("table") if text_of(t.caption).endswith("Deep")]
    assert [[text_of(c) for c in row.find_all(["th", "td"])] for row in prose[0].find_all("tr")] == [
        ["a", "b"],
        ["1", "2"],
    ]


def test_numbers_stay_with_their_units(soup):
    together = [text_of(span) for span in soup.select(".nb")]
    assert "21.9 %" in together
    assert "70.0 %" in together


def test_the_same_figure_twice_does_not_clash():
    notebook = new_notebook(cells=[new_markdown_cell("# T"), cell(figure(), figure())])
    soup = check_page(rendered([("x", notebook)]))
    assert len(soup.find_all("svg", role="img")) == 2


def with_table(table, **changes):
    shown = displayed(present.show_table, table, **{"caption": "Claims", "kind": "quoted"} | changes)
    return check_page(rendered([("x", new_notebook(cells=[new_markdown_cell("# T"), cell(shown)]))])).find(id="s1")


CLAIM = "Would abandon a purchase after one bad answer"


@pytest.mark.parametrize(("rows", "folded"), [(12, False), (13, True), (107, True)])
def test_a_long_table_is_folded_and_says_how_long_it_is(rows, folded):
    section = with_table(pd.DataFrame({"claim": ["short"] * rows, "n": range(rows)}))
    assert len(section.tbody.find_all("tr")) == rows
    assert bool(section.find("details", class_="folded")) is folded
    if folded:
        assert text_of(section.summary) == f"Claims quoted ({rows} rows ; on the screen and as CSV )"


def test_few_rows_of_long_texts_are_folded_too():
    assert with_table(pd.DataFrame({"claim": [CLAIM * 4] * 8})).details
    assert not with_table(pd.DataFrame({"claim": [CLAIM] * 8})).details


def test_rows_of_texts_are_stacked_on_a_telephone_and_stay_a_table_for_all():
    table = with_table(pd.DataFrame({"claim": [CLAIM], "of_whom": ["US adults"], "verdict": ["corrected"]})).table
    assert table["role"] == "table"
    assert [row["role"] for row in table.find_all("tr")] == ["row", "row"]
    assert [(c["role"], c.get("data-label")) for c in table.tbody.find_all(["th", "td"])] == [
        ("rowheader", None),
        ("cell", "Of whom"),
        ("cell", "Verdict"),
    ]
    numbers = with_table(pd.DataFrame({"queue": ["Regular"], **{f"n_{i}": [1234567] for i in range(8)}})).table
    assert not numbers.has_attr("role"), "numbers are compared down a column"


# What it says about itself ----------------------------------------------------------------------------------------


def test_provenance_says_where_every_number_comes_from(soup):
    text = text_of(soup.footer)
    for part in [
        "33,344 read = 31,125 kept + 2,219 set aside",
        "phantom 278",
        "left in the menu 1,941",
        "horizon_s = 420.0",
        "3f" * 32,
        "python 3.11.4",
        "1a2b3c4d",
        "21 November 2026, 21:40 UTC",
        "February 1999 (1999-02)",
    ]:
        assert part in text
    method = text_of(soup.find(id="method"))
    assert "05-summary 2 of 2 1.2 0" in method


def test_repaired_rows_and_files_left_out_are_named():
    page = rendered(
        repaired=[{"repair": "a lost tab", "rows": 4}], left_out=[{"path": "/srv/logs/notes.txt", "reason": "no log"}]
    )
    text = text_of(check_page(page).footer)
    assert "a lost tab 4" in text
    assert "notes.txt no log" in text


def test_no_folder_of_this_machine_is_named(page):
    assert "/srv/logs" not in page
    assert "february.txt.gz" in page


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"counts": {"read": 10, "kept": 8, "set_aside": 1}}, "do not add up"),
        ({"set_aside": [{"reason": "phantom", "rows": 278}]}, "account for 278"),
    ],
)
def test_rows_that_do_not_add_up_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        rendered(**changes)


def test_what_is_not_known_is_said_so():
    page = rendered(
        counts=None, set_aside=None, inputs=None, notebooks=None, versions=None, commit=None, newest_record=None,
        parameters=None, organisation="", previous_period_label=None,
    )  # fmt: skip
    soup = check_page(page)
    assert "Newest record not known" in text_of(soup.header)
    assert "No earlier period to compare with" in text_of(soup.select_one(".tiles"))


def test_simulated_data_cannot_be_missed():
    page = rendered(simulated=True)
    soup = check_page(page)
    assert soup.title.get_text().startswith("SIMULATED data: ")
    assert text_of(soup.select_one(".strip")) == "SIMULATED data"
    assert "SIMULATED" in text_of(soup.header)
    printed = soup.style.get_text()
    assert '@top-center { content: "SIMULATED DATA"; }' in printed
    assert soup.select_one(".watermark")["aria-hidden"] == "true"
    real = rendered()
    assert "strip" not in [c for tag in BeautifulSoup(real, "html.parser").find_all(class_=True) for c in tag["class"]]
    assert 'content: "SIMULATED' not in real


def failing(kind):
    notebook = waits()
    if kind == "error":
        notebook.cells[2].outputs = [
            new_output(
                "error", ename="ValueError", evalue="\x1b[31mno rows\x1b[0m in /srv/raw/edges.csv\nmore", traceback=[]
            )
        ]
        notebook.cells[4].execution_count = None
        return notebook, None, "Cell 3 of 6 of the notebook 02-waits stopped with ValueError: no rows in edges.csv."
    if kind == "unexecuted":
        notebook.cells[4].execution_count = None
        return notebook, None, "Cell 5 of 6 of the notebook 02-waits was never executed."
    if kind == "run":
        facts = {"name": "02-waits", "cells": 4, "executed": 4, "seconds": 1, "exit_code": 138, "error": "kernel died"}
        return notebook, facts, "The notebook 02-waits did not finish: kernel died."
    return new_notebook(), None, "The notebook 02-waits is empty."


@pytest.mark.parametrize("kind", ["error", "unexecuted", "run", "empty"])
def test_a_notebook_that_failed_is_a_marked_gap(kind):
    notebook, facts, message = failing(kind)
    run = {"notebooks": [facts]} if facts else {}
    page = rendered([("05-summary", summary()), ("02-waits", notebook)], **run)
    soup = check_page(page)
    section = soup.find(id="s2")
    assert text_of(section.select_one(".gap")).startswith(f"This section is missing. {message}")
    assert not section.find(["svg", "table"])
    assert "A curve" not in page, "nothing of it is shown as if it were fine"
    assert text_of(soup.select_one(".chip")) == "Incomplete", "whatever the run says of itself"
    assert "1 of 2 sections are missing" in text_of(soup.header)
    assert '@top-center { content: "INCOMPLETE REPORT"; }' in page
    assert "This section is missing" in text_of(soup.nav)
    assert "More callers gave up:" in page, "the other sections stand"


def test_without_main_points_the_page_says_so():
    notebook = summary()
    notebook.cells[1].execution_count = None
    soup = check_page(rendered([("05-summary", notebook), ("02-waits", waits())]))
    assert "There are no main points" in text_of(soup.find(id="points"))


def test_a_failed_run_is_never_called_complete():
    soup = check_page(rendered(status="failed"))
    assert text_of(soup.select_one(".chip")) == "Failed"
    assert "The run did not end well" in text_of(soup.header)


# What it never shows ----------------------------------------------------------------------------------------------


def test_code_warnings_and_machine_paths_are_not_shown_and_what_was_shown_by_other_means_is():
    noise = [
        new_output("stream", name="stdout", text="printed by a cell"),
        new_output("stream", name="stderr", text="UserWarning from /usr/lib"),
        new_output("execute_result", data={"text/plain": "<Axes: plain>", "text/html": "<b>bold frame</b>"}),
        new_output("display_data", data={"image/png": "aGVsbG8="}),
    ]
    notebook = waits()
    notebook.cells[1].outputs = noise
    page = rendered([("02-waits", notebook)])
    for text in ("UserWarning", "/usr/lib", "Axes: plain", "aGVsbG8", "the code", "x = 1"):
        assert text not in page
    for text in ("printed by a cell", "<b>bold frame</b>", "its file cannot be read", "wrote to stderr is not shown"):
        assert text in page


def test_hostile_text_is_only_text():
    table = pd.DataFrame({HOSTILE: [HOSTILE], "n": [1]})
    notebook = new_notebook(
        cells=[
            new_markdown_cell(
                f"# {HOSTILE}\n\n{HOSTILE}\n\n<script>alert(3)</script>\n\n![{HOSTILE}](http://x.org/p.png)"
            ),
            new_markdown_cell("[click](javascript:alert(4)) ![pic](data:image/svg+xml;base64,AAAA)"),
            cell(figure(HOSTILE, description=HOSTILE, subtitle=HOSTILE, table=table)),
            cell(displayed(present.main_points, [(HOSTILE, HOSTILE)])),
            cell(displayed(present.say, f"## {HOSTILE}")),
        ]
    )
    headline = HEADLINES[0] | {"label": HOSTILE, "note": HOSTILE, "change": CHANGE | {"previous_period_label": HOSTILE}}
    broken = new_notebook(cells=[cell([new_output("error", ename=HOSTILE, evalue=HOSTILE, traceback=[])])])
    page = rendered(
        [(HOSTILE, notebook), ("b", broken)], [headline],
        title=HOSTILE, organisation=HOSTILE, period=HOSTILE, period_label=HOSTILE, report=HOSTILE, commit=HOSTILE,
        parameters={HOSTILE: HOSTILE}, versions={HOSTILE: HOSTILE}, set_aside=[{"reason": HOSTILE, "rows": 2219}],
        inputs=[{"path": HOSTILE, "sha256": HOSTILE, "rows": None, "newest_record": HOSTILE}], newest_record=HOSTILE,
    )  # fmt: skip
    soup = check_page(page)
    assert len(soup.find_all("style")) == 1
    assert not soup.find("a", href=re.compile("javascript"))
    assert page.count("alert(1)") > 15


@pytest.mark.parametrize(
    "active",
    [
        "<script>x</script>",
        "<foreignObject><p>x</p></foreignObject>",
        '<g onclick="x"/>',
        '<a href="#x"/>',
        '<use href="http://x.org/#a"/>',
        '<image href="https://x.org/a.png"/>',
        '<path style="fill: url(http://x.org/a)"/>',
        "<style>@import 'http://x.org'</style>",
        '<animate attributeName="x"/>',
    ],
)
def test_active_content_in_a_figure_is_refused(active):
    with pytest.raises(ValueError, match="must not"):
        refuse_active_content(f"<svg><g/>{active}</svg>", "finding")
    output = figure()
    svg = output[0].data["image/svg+xml"]
    output[0].data["image/svg+xml"] = svg.replace("</svg>", f"{active}</svg>")
    with pytest.raises(ValueError, match="Half leave"):
        rendered([("x", new_notebook(cells=[cell(output)]))])


def test_inner_references_and_embedded_pictures_are_drawings():
    refuse_active_content(
        '<svg><use href="#a"/><g clip-path="url(#b)"/><image href="data:image/png;base64,AA"/></svg>', "f"
    )


def test_the_same_input_gives_the_same_bytes_and_is_left_alone(page):
    notebooks, run, headlines = [("05-summary", summary()), ("02-waits", waits())], a_run(), copy.deepcopy(HEADLINES)
    before = copy.deepcopy((notebooks, run, headlines))
    assert render_report(notebooks=notebooks, run=run, headlines=headlines) == page
    assert (notebooks, run, headlines) == before
    later = rendered(finished_utc="2026-11-22T03:00:00+00:00")
    assert later.replace("22 November 2026, 03:00", "21 November 2026, 21:40") == page


def test_what_a_real_kernel_stored_is_rendered(tmp_path):
    source = (
        "import pandas as pd\nfrom cxresearch import figures\nfrom cxresearch.exhibits import show as present\n"
        "curve = pd.DataFrame({'duration_s': [1.0, 3.0], 'survival': [0.5, 0.25]})\n"
        "ax = figures.plot_survival(curve, horizon_s=4)\nax.set_title('Half leave at once')\n"
        "present.show_figure(ax, subtitle='Share', description='It falls.', kind='SIMULATED', table=curve)\n"
        "print('noise')\nax"
    )
    notebook = new_notebook(cells=[new_markdown_cell("# Q"), new_code_cell(source)])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    nbformat.write(notebook, tmp_path / "executed.ipynb")
    soup = check_page(rendered([("x", nbformat.read(tmp_path / "executed.ipynb", 4))]))
    assert text_of(soup.find("figure").figcaption) == "Half leave at once Share SIMULATED"
    assert len(soup.find_all("svg", role="img")) == 1, "shown once, not again by the notebook's own backend"
    assert "noise" in text_of(soup.find("pre")), "what a cell prints is shown"


# Changes ----------------------------------------------------------------------------------------------------------


def changed(headline=0, better="lower", unit="share", **change):
    given = HEADLINES[headline] | {"better": better, "unit": unit, "change": CHANGE | change}
    return change_in_words(given, "January 1999")


@pytest.mark.parametrize(
    ("changes", "text", "direction", "judgement"),
    [
        ({}, "Up 3.4 points from 18.6 % in January 1999 (95 % interval 2.5 to 4.2 points)", "up", "worse"),
        ({"better": "higher"}, "Up 3.4 points from", "up", "better"),
        ({"better": None}, "Up 3.4 points from", "up", ""),
        (
            {"difference": -0.01, "lower": -0.019, "upper": -0.001},
            "Down 1.0 points from 18.6 % in January 1999 (95 % interval 0.1 to 1.9 points)",
            "down",
            "better",
        ),
        (
            {"difference": -0.01, "lower": -0.018, "upper": 0.001, "distinguishable": False},
            "Not distinguishable from no change since January 1999 (difference −1.8 to 0.1 points)",
            "",
            "",
        ),
        (
            {"lower": None, "upper": None, "distinguishable": False},
            "Not distinguishable from no change since January 1999",
            "",
            "",
        ),
        ({"difference": 0, "lower": None, "upper": None}, "The same as in January 1999", "", ""),
        (
            {"unit": "s", "difference": 8.1, "lower": 6.6, "upper": 9.6, "previous": 68.0},
            "Up 8.1 s from 68 s in January 1999 (95 % interval 6.6 to 9.6 s)",
            "up",
            "worse",
        ),
        (
            {"unit": "contacts", "difference": 964, "lower": 964, "upper": 964, "previous": 30161, "better": None},
            "Up 964 from 30,161 in January 1999",
            "up",
            "",
        ),
        (
            {"lower": 0.0004},
            "Up 3.4 points from 18.6 % in January 1999 (95 % interval 0.04 to 4.2 points)",
            "up",
            "worse",
        ),
        ({"difference": None}, "No comparison with January 1999", "", ""),
    ],
)
def test_a_change_is_said_as_its_interval_allows(changes, text, direction, judgement):
    said = changed(**changes)
    assert said["text"] == text if not text.endswith("from") else said["text"].startswith(text)
    assert (said["direction"], said["judgement"]) == (direction, judgement)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Target: at most 20.0 %: missed"), ("pl", "Cel: najwyżej 20,0%: nieosiągnięty"),
     ("id", "Target: paling banyak 20,0%: tidak tercapai")],
)  # fmt: skip
def test_a_tile_says_its_target_and_whether_it_is_met(language, words):
    aimed = HEADLINES[0] | {"better": "lower", "target": {"limit": 0.2, "verdict": "missed"}}
    run = {"previous_period_label": "January 1999"}
    assert tile(aimed, run, language)["target"].replace("\u00a0", " ") == words
    assert tile(HEADLINES[0], run, language)["target"] == "", "files of older runs have none"


def test_the_first_period_has_nothing_to_compare_with():
    said = change_in_words(HEADLINES[1], None)
    assert (said["text"], said["short"]) == ("No earlier period to compare with", "first period")


def test_what_was_counted_has_no_interval():
    counted = HEADLINES[1] | {"note": "", "value": 964, "lower": 964, "upper": 964}
    change = CHANGE | {"difference": 12, "lower": 12, "upper": 12, "previous": 952}
    page = rendered(headlines=[counted | {"change": change}])
    index = render_index([{**index_runs()[0], "headlines": [counted | {"change": change}]}])
    tile = text_of(check_page(page).select_one(".tiles li"))
    assert tile.startswith(
        "Contacts 964 estimated counted, no sampling error, n = 31,125 ▲ Up 12 from 952 in January 1999"
    )
    assert "964 counted, no sampling error".replace("964 ", "") in text_of(check_page(index).tbody)
    for text in (page, index):
        assert "964 to 964" not in text
        assert "12 to 12" not in text
    same = changed(unit="contacts", difference=0, lower=0, upper=0, distinguishable=False)
    assert same["text"] == "The same as in January 1999"


def test_an_end_that_excludes_zero_is_not_printed_as_zero():
    said = changed(difference=-0.01, lower=-0.019, upper=-0.00002)
    assert "(95 % interval 0.002 to 1.9 points)" in said["text"]


# How old it is ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("newest", "stale"),
    [
        ("1999-02-28 23:58:10", False),
        ("1999-02-28 00:00:00", False),
        ("1999-02-27 23:59:59", True),
        ("1999-02-27T23:00:00-05:00", False),
        ("1998-01-01", True),
        (None, False),
    ],
)
def test_records_that_end_before_their_period_are_stale(newest, stale):
    soup = check_page(rendered(newest_record=newest))
    assert ("STALE" in text_of(soup.header)) is stale
    assert soup.title.get_text().startswith("STALE data: ") is stale
    assert ("STALE DATA" in soup.style.get_text()) is stale
    if stale:
        assert text_of(soup.select_one(".strip")) == "STALE data"
        assert "the period ended on 28 February 1999" in text_of(soup.select_one(".notice"))


def test_a_report_says_when_the_next_one_is_due():
    soup = BeautifulSoup(rendered(finished_utc="1999-04-01T23:00:00+00:00"), "html.parser")
    due, chip, notice = soup.select("[data-due]")
    assert {tag["data-due"] for tag in (due, chip, notice)} == {"1999-04-01"}
    assert text_of(due) == "Next report due after 1 April 1999"
    assert text_of(chip) == "STALE"
    assert text_of(notice).startswith("STALE. A newer report was due after 1 April 1999.")
    assert [tag.has_attr("hidden") for tag in (due, chip, notice)] == [False, True, True], "where scripts are off"
    assert not soup.title.get_text().startswith("STALE")


@pytest.mark.parametrize(
    "changes", [{}, {"finished_utc": "1999-04-02T01:00:00+00:00"}, {"period": "a"}, {"finished_utc": "x"}]
)
def test_a_day_that_had_passed_when_the_page_was_made_is_not_printed_as_due(changes):
    soup = check_page(rendered(**changes))
    assert "due after" not in text_of(soup)
    assert not soup.select("[data-due]")


def test_the_script_of_the_due_day_is_allowed_by_its_hash_and_nothing_else():
    soup = BeautifulSoup(rendered([("04", scenarios_shown())], finished_utc="1999-03-02"), "html.parser")
    digests = [base64.b64encode(hashlib.sha256(s.string.encode()).digest()).decode() for s in soup.find_all("script")]
    policy = soup.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    assert len(digests) == 3
    assert policy.endswith("; script-src " + " ".join(f"'sha256-{digest}'" for digest in digests))


def test_the_index_marks_the_newest_run_when_a_newer_one_was_due():
    runs = [run for run in index_runs()[:3] if run["period"] < "1999-03"]
    runs = [{**run, "newest_record": end} for run, end in zip(runs, ("1999-01-31", "1999-02-28"), strict=True)]
    ahead = BeautifulSoup(render_index(runs, today=dt.date(1999, 4, 1)), "html.parser")
    hidden = [text_of(tag.extract()) for tag in ahead.main.select("[data-due='1999-04-01'][hidden]")]
    assert hidden == ["STALE", "a newer report was due after 1 April 1999"], "shown by the script after that day"
    assert "STALE" not in text_of(ahead.main)
    assert len(ahead.find_all("script")) == 1
    rows = check_page(render_index(runs, today=dt.date(1999, 4, 2))).tbody.find_all("tr")
    assert text_of(rows[0].th).startswith("Month 2 Incomplete STALE a newer report was due after 1 April 1999")
    assert "STALE" not in text_of(rows[1])
    early = check_page(render_index([{**runs[0], "newest_record": "1999-01-20"}]))
    assert text_of(early.tbody.th) == "Month 1 Complete STALE data to 20 January 1999"


# What if ----------------------------------------------------------------------------------------------------------


def test_a_what_if_is_a_table_that_a_slider_walks_along():
    soup = BeautifulSoup(rendered([("04", scenarios_shown())]), "html.parser")
    policy = soup.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    _, script = soup.find_all("script")
    digest = base64.b64encode(hashlib.sha256(script.string.encode()).digest()).decode()
    assert policy.endswith(f" 'sha256-{digest}'")
    box = soup.select_one(".whatif")
    assert text_of(box.h3) == "Faster keeps 300"
    lever = box.select_one("input[data-lever]")
    assert (lever["min"], lever["max"], lever["value"], lever["aria-valuetext"]) == ("0", "2", "1", "60 s")
    assert box.select_one(".moved").has_attr("hidden"), "no dead slider where scripts are off"
    rows = [[text_of(c) for c in row.find_all(["th", "td"])] for row in box.tbody.find_all("tr")]
    assert rows == [
        ["20 s", "4.0 %", "100", "2,500"],
        ["60 s (today)", "12.0 %", "400", "10,000"],
        ["90 s", "20.0 %", "700", "17,500"],
    ]
    assert text_of(box.find_all("th", scope="col")[3]) == "Lost with them, at 25 EUR (assumed)"
    assert "Value of one: 25 EUR (from 0 EUR to 200 EUR). Nobody measured it." in text_of(box)
    labels = {label["for"] for label in box.find_all("label")}
    assert labels == {i["id"] for i in box.find_all("input")}
    assert script.string == (TEMPLATES / "whatif.js").read_text(encoding="utf-8"), "the script holds no number"


def test_two_what_ifs_share_one_script():
    soup = BeautifulSoup(rendered([("a", scenarios_shown()), ("b", scenarios_shown())]), "html.parser")
    assert len(soup.find_all("script")) == 2, "that of the page, and that of every what-if"
    ids = [tag["id"] for tag in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))


def test_hostile_scenarios_are_only_text():
    table = SCENARIOS.assign(slowest_hour_s=[HOSTILE, "b", "c"])
    assumed = ASSUMED | {"label": HOSTILE, "result": HOSTILE, "unit": HOSTILE, "reason": HOSTILE}
    shown = displayed(
        present.what_if, table, finding=HOSTILE, subtitle=HOSTILE, kind="assumed", assumed=[assumed], formats={}
    )
    page = rendered([("x", new_notebook(cells=[new_markdown_cell("# T"), cell(shown)]))])
    soup = BeautifulSoup(page, "html.parser")
    assert len(soup.find_all("script")) == 2
    assert not soup.find_all("img")


# Forecast ---------------------------------------------------------------------------------------------------------


def test_the_forecast_stands_beside_what_came():
    row = {"name": "a", "label": "Gave up", "unit": "share", "level": 0.8, "value": 0.2194, "note": "", "pinball": 0.01}
    row |= {"unchanged": 0.0167, "pinball_so_far": 0.03, "unchanged_so_far": 0.02}
    row |= {"said": 0.186, "said_lower": 0.15, "said_upper": 0.21, "inside": False, "inside_so_far": 2}
    row |= {"scored_so_far": 3, "next": None, "next_lower": None, "next_upper": None, "next_note": "too few"}
    what = {"name": "b", "label": "Mean wait", "what": "unit: 's' became 'min'"}
    soup = check_page(rendered(forecast=[row], redefined=[what]))
    cells = [text_of(c) for c in soup.find(id="forecast").tbody.find_all(["th", "td"])]
    assert cells == [
        "Gave up",
        "18.6 % (15.0 to 21.0 %)",
        "21.9 %",
        "no",
        "2 of 3",
        "1.0 points; last value alone 1.7 points; no better so far",
        "too few",
    ]
    assert "Mean wait: unit: 's' became 'min'" in text_of(soup.header)
    assert check_page(rendered(forecast=[row | {"said": None}])).find(id="forecast") is None


# Whose it is ------------------------------------------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def test_name_logo_and_colour_of_the_company(tmp_path):
    (tmp_path / "logo.png").write_bytes(PNG)
    brand = load_brand({"name": "Bank <B>", "logo": "logo.png", "accent": "#8A1538"}, tmp_path)
    page = render_report(notebooks=[("02-waits", waits())], run=a_run(), headlines=HEADLINES, brand=brand)
    soup = BeautifulSoup(page, "html.parser")
    assert text_of(soup.select_one(".org")) == "Bank <B>"
    assert soup.title.get_text().endswith("· Bank <B>")
    assert (soup.img["alt"], base64.b64decode(soup.img["src"].split(",")[1])) == ("", PNG)
    assert ":root { --accent: #8a1538; }" in page
    index = BeautifulSoup(render_index(index_runs(), brand=brand), "html.parser")
    assert text_of(index.select_one(".org")) == "Bank <B>"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"accent": "#ffcc00"}, r"contrast of 1\.\d\d on #f[34]f[36]f[39] .* need 4\.5\. Choose a darker"),
        ({"accent_dark": "#8a1538"}, r"contrast of 1\.\d\d on #1a212b \(dark\).* Choose a lighter"),
        ({"accent": "red"}, "#rrggbb"),
        ({"acent": "#000000"}, "did you mean 'accent'"),
        ({"logo": "nowhere.png"}, "there is no logo"),
        ({"logo": "../logo.png"}, "not below it"),
        ({"logo": "text.txt"}, "no PNG, JPEG, WebP or SVG"),
        ({"logo": "large.png"}, "100,008 bytes"),
        ({"name": 3}, "must be a text"),
    ],
)
def test_a_brand_that_cannot_be_carried_is_refused(tmp_path, table, message):
    (tmp_path / "text.txt").write_text("words")
    (tmp_path / "large.png").write_bytes(PNG[:8] + bytes(100_000))
    with pytest.raises(ValueError, match=message):
        load_brand(table, tmp_path)


def test_an_accent_that_cannot_be_read_is_refused_by_the_page_too():
    with pytest.raises(ValueError, match="contrast"):
        render_report(notebooks=[], run=a_run(), headlines=[], brand={"accent": "#eeeeee"})


# Languages --------------------------------------------------------------------------------------------------------


def leaves(words, path=()):
    for key, value in words.items():
        yield from leaves(value, (*path, key)) if isinstance(value, dict) else [((*path, key), value)]


@pytest.mark.parametrize("language", languages())
def test_every_language_has_the_same_words_and_places_in_them(language):
    english, other = dict(leaves(load_words("en"))), dict(leaves(load_words(language)))
    assert list(other) == list(english)
    assert other["language",] == language
    for key, value in english.items():
        if isinstance(value, list):
            # A term has as many forms as its language gives it.
            assert len(other[key]) == len(value) or key[:2] == ("terms", "forms")
            assert len(set(other[key])) == len(other[key])
        else:
            assert sorted(re.findall(r"\{\w+\}", other[key])) == sorted(re.findall(r"\{\w+\}", value)), key
            assert bool(other[key].strip("\u00a0")) == bool(value) or key[-1] == "thousands"


@pytest.mark.parametrize("language", ["id", "pl"])
def test_what_the_page_says_is_translated(language):
    english, other = dict(leaves(load_words("en"))), dict(leaves(load_words(language)))
    same = {key for key, value in english.items() if other[key] == value and isinstance(value, str)}
    # Names, signs and units that are the same everywhere, and words that happen to be.
    assert len(same) <= 30, sorted(same)
    assert not {key for key in same if len(english[key].split()) > 3 and "{" not in english[key]}


@pytest.mark.parametrize(
    ("language", "period", "before", "month"),
    [("id", "Februari 1999", "Naik 3,4 poin dari 18,6% pada Januari 1999", "28 Februari 1999"),
     ("pl", "luty 1999", "Wzrost o 3,4 pkt proc. z 18,6%, okres poprzedni: styczeń 1999", "28 lutego 1999")],
)  # fmt: skip
def test_a_page_in_another_language_marks_what_is_english(language, period, before, month):
    page = render_report(
        notebooks=[("05-summary", summary()), ("02-waits", waits())],
        run=a_run(),
        headlines=HEADLINES,
        language=language,
    )
    soup = BeautifulSoup(page, "html.parser")
    assert soup.html["lang"] == language
    assert text_of(soup.h1).endswith(period)
    assert month in text_of(soup.header)
    assert before in text_of(soup.select_one(".tiles li"))
    assert soup.find(id="s2")["lang"] == "en"
    assert soup.select_one(".points")["lang"] == "en"
    assert soup.find(id="s2").select_one(".csv")["lang"] == language
    index = BeautifulSoup(
        render_index([{**a_run(), "href": None, "headlines": HEADLINES}], language=language), "html.parser"
    )
    assert period in text_of(index.tbody)


@pytest.mark.parametrize(
    ("name", "polish"),
    [
        ("1999-W07", "7. tydzień 1999"),
        ("1999-Q1", "1. kwartał 1999"),
        ("1999", "1999"),
        ("1999-02-14", "14 lutego 1999"),
    ],
)
def test_periods_of_every_kind_have_names(name, polish):
    period = parse_period(name)
    assert period_label(period.kind, period.start, language="pl") == polish
    assert period_label(period.kind, period.start, language="en") == period.label


# Index ------------------------------------------------------------------------------------------------------------


def index_runs(simulated=False):
    runs = []
    for month, value in ((1, 0.18), (3, 0.25), (2, 0.22)):
        headline = HEADLINES[0] | {"value": value, "lower": value - 0.01, "upper": value + 0.01}
        runs.append(
            {"report": "monthly", "title": "Waiting", "period": f"1999-{month:02}", "period_label": f"Month {month}"}
            | {"status": "partial" if month == 2 else "complete", "simulated": simulated, "newest_record": None}
            | {"finished_utc": f"2026-01-0{month}T00:00:00+00:00", "href": f"monthly/1999-{month:02}/report.html"}
            | {"headlines": [headline] if month != 2 else [headline, HEADLINES[2]]}
        )
    runs.append({**runs[0], "report": "weekly", "title": "Weeks", "finished_utc": "2026-06-01T00:00:00+00:00"})
    return runs


def test_the_index_lists_every_run_of_every_report_newest_first():
    soup = check_page(render_index(index_runs()))
    assert [text_of(h) for h in soup.find_all("h2")] == ["Period by period"]
    assert [text_of(h) for h in soup.find_all("h3")] == ["Weeks by month", "Waiting by month"]
    rows = soup.find_all("table")[1].tbody.find_all("tr")
    assert [text_of(row.th).split(" data")[0] for row in rows[:3]] == [
        "Month 3 Complete",
        "Month 2 Incomplete",
        "Month 1 Complete",
    ]
    assert [a["href"] for a in rows[0].find_all("a")] == ["monthly/1999-03/report.html"]
    cell_text = text_of(rows[0].td)
    assert cell_text == "25.0 % estimated 24.0 to 26.0 % ▲ up 3.4 points , worse"
    assert [text_of(row.find_all("td")[1]) for row in rows[:3]] == ["none", "41.0 % quoted n was not published", "none"]


def test_a_number_without_an_interval_says_why_in_few_words():
    headline = {
        **HEADLINES[0],
        "lower": None,
        "upper": None,
        "note": "one day: too few for an interval; others are, too",
    }
    cell = check_page(render_index([{**index_runs()[0], "headlines": [headline]}])).tbody.td
    assert "one day: too few for an interval" in text_of(cell)
    assert "others" not in text_of(cell)


def test_the_index_groups_reports_by_their_kind():
    def of(report, period, *names, **changes):
        headlines = [{**HEADLINES[1], "name": name} for name in names]
        return {
            **index_runs()[0],
            "report": report,
            "title": report,
            "period": period,
            "headlines": headlines,
            **changes,
        }

    failed = {"href": None, "status": "failed"}
    runs = [
        of("tickets", "1999-02", **failed), of("mails", "1999-02", "tickets"), of("evidence", "2026-11-27-ab"),
        of("ours", "2026-11-27-cd", "respondents"), of("survey", "2026-11-27-ef", **failed), of("yearly", "1999", "contacts"),
        of("weekly", "1999-W07", "contacts"), of("daily", "1999-02-01"), of("odd", "1999-02", **failed),
    ]  # fmt: skip
    soup = check_page(render_index(runs))
    shown = {text_of(s.h2): {text_of(h) for h in s.find_all("h3")} for s in soup.main.find_all("section")}
    assert list(shown.items()) == [
        ("Period by period", {"yearly by year", "weekly by week", "daily by day", "odd by month"}),
        ("Evidence", {"evidence by version"}),
        ("Surveys", {"ours by version", "survey by version"}),
        ("Tickets", {"tickets by month", "mails by month"}),
    ]
    (evidence,) = [table for table in soup.find_all("table") if "(evidence)" in text_of(table.caption)]
    assert text_of(evidence.thead.th) == "Version"
    assert "2026-11-27-ab" in text_of(evidence.tbody.th), "two versions of one day are told apart"
    assert "data to" not in text_of(evidence.tbody)


def test_a_failed_attempt_beside_a_standing_report_is_one_row_that_says_both():
    good, other = index_runs()[:2]
    failed = {**good, "status": "failed", "href": None, "finished_utc": "2026-02-03T04:05:00+00:00",
              "reason": "one: cell 3 raised KeyError: 'x' in /srv/logs/a.csv\nand more"}  # fmt: skip
    for runs in ([good, failed, other], [failed, other, good]):
        rows = check_page(render_index(runs)).tbody.find_all("tr")[:-1]
        assert len(rows) == 2
        assert text_of(rows[1].th).startswith("Month 1 Complete attempt failed An attempt of 3 February 2026")
        assert "failed: one: cell 3 raised KeyError: 'x' in a.csv" in text_of(rows[1].th)
        assert "and more" not in text_of(rows[1])
        assert rows[1].find("a")["href"] == good["href"]
        assert "18.0 %" in text_of(rows[1].td)
    alone = check_page(render_index([failed])).tbody
    assert text_of(alone.th).startswith("Month 1 Failed An attempt of 3 February 2026")
    assert not alone.find_all("td"), "what a failed run recorded is no number to read"


def test_the_same_period_of_the_year_before_stands_beside_a_headline():
    change = {"difference": 0.03, "lower": 0.02, "upper": 0.04, "previous": 0.15, "distinguishable": True,
              "previous_period_label": "January 1998"}  # fmt: skip

    def told(change, language="en"):
        headline = {
            **HEADLINES[0],
            "value": 0.18,
            "year_before": {"period": "1998-01", "value": 0.15, "change": change},
        }
        page = render_index([{**index_runs()[0], "headlines": [headline]}], language=language)
        return text_of(BeautifulSoup(page, "html.parser").select_one(".year"))

    assert told(change) == "January 1998: 15.0 % ▲ up 3.0 points , worse"
    assert told(change | {"distinguishable": False}) == "January 1998: 15.0 % no clear change"
    assert told(None) == "January 1998: 15.0 %"
    assert told(None, "pl").startswith("styczeń 1998: 15,0")
    assert not check_page(render_index(index_runs())).select(".year")


def test_the_trend_goes_from_the_oldest_to_the_newest_value():
    soup = check_page(render_index(index_runs()))
    (drawing,) = soup.find_all("svg")
    points = [tuple(map(float, p.split(","))) for p in drawing.polyline["points"].split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    heights = [-y for _, y in points]
    # 0.18, 0.22, 0.25 on one scale
    assert (heights[1] - heights[0]) / (heights[2] - heights[0]) == pytest.approx(4 / 7, abs=0.01)
    assert len(drawing.polygon["points"].split()) == 6
    assert drawing["aria-hidden"] == "true", "the values stand in the column above"


def test_the_index_marks_what_is_simulated():
    every = check_page(render_index(index_runs(simulated=True)))
    assert text_of(every.select_one(".strip")) == "SIMULATED data"
    some = check_page(render_index([*index_runs(), {**index_runs()[0], "report": "s", "simulated": True}]))
    assert text_of(some.select_one(".strip")) == "Some reports: SIMULATED data"
    assert len([h for h in some.find_all("h3") if "SIMULATED" in text_of(h)]) == 1
    assert check_page(render_index(index_runs())).select_one(".strip") is None


def test_an_empty_index_says_so():
    assert "No report has been made yet." in text_of(check_page(render_index([])).main)


def test_a_run_without_a_page_is_listed_without_a_link():
    soup = check_page(render_index([{**index_runs()[0], "href": None, "status": "failed", "headlines": []}]))
    assert text_of(soup.tbody.th).startswith("Month 1 Failed")
    assert not soup.tbody.find("a")


@pytest.mark.parametrize("href", ["http://x.org/a", "javascript:alert(1)", "/etc/passwd", "//x.org"])
def test_an_index_links_only_to_its_own_folder(href):
    for name in ("href", "brief"):
        with pytest.raises(ValueError, match="relative"):
            render_index([{**index_runs()[0], name: href}])


def test_an_index_links_to_the_two_pages_of_a_report():
    soup = check_page(render_index([{**index_runs()[0], "brief": "monthly/1/brief.html"}]))
    assert [(link["href"], text_of(link)) for link in soup.tbody.select("a")][1:] == [
        ("monthly/1/brief.html", "two pages : Month 1")
    ]


def test_hostile_runs_are_only_text_in_the_index():
    run = {
        **index_runs()[0],
        "title": HOSTILE,
        "period_label": HOSTILE,
        "newest_record": HOSTILE,
        "href": 'a"b/<x>.html',
    }
    check_page(render_index([run]))


def test_the_index_does_not_depend_on_the_order_it_was_given():
    assert render_index(index_runs()) == render_index(index_runs()[::-1])


# Colours ----------------------------------------------------------------------------------------------------------


def palettes():
    return list(page_palettes().values())


def test_contrast_is_that_of_the_guidelines():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("number", [0, 1, 2], ids=["light", "dark", "print"])
def test_colours_are_read_on_every_ground(number):
    colours = palettes()[number]
    for ground in ("--paper", "--card"):
        for name in ("--ink", "--soft", "--c1", "--c2", "--c3", "--c4", "--ok", "--warn"):
            assert contrast(colours[name], colours[ground]) >= 4.5, f"{name} on {ground}"
    assert contrast(colours["--strip-ink"], colours["--strip"]) >= 4.5


# Machado, Oliveira and Fernandes (2009), doi:10.1109/TVCG.2009.113: what is seen without one kind of cone, in linear RGB.
VISIONS = {
    "every cone": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def seen(colour, vision):
    """CIELAB (D65) of a colour as a vision has it."""
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(VISIONS[vision]) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    root = np.cbrt(xyz / np.array([0.9505, 1, 1.089]))
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("number", [0, 1, 2], ids=["light", "dark", "print"])
def test_lines_differ_for_every_kind_of_eye(number, vision):
    colours = palettes()[number]
    lines = [seen(colours[name], vision) for name in ("--c1", "--c2", "--c3", "--c4")]
    # A difference of 2.3 is just noticed; lines are thin, and apart.
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(lines, 2)) >= 12


def test_the_page_and_the_figures_have_the_same_light_colours():
    light = palettes()[0]
    assert {variable: light[variable] for variable in theme.RESERVED.values()} == {
        v: k for k, v in theme.RESERVED.items()
    }


def test_every_kind_has_its_words():
    words = load_words()
    assert set(words["kinds"]) == set(present.KINDS)
    assert set(present.KINDS) <= set(words["method"])
