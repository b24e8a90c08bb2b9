"""How sections are laid out: rows, folds, links to headings, terms that explain themselves, tables that are sorted."""

from __future__ import annotations

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_markdown_cell, new_notebook

from cxresearch.exhibits import show as present
from cxresearch.report.page.browser import chromium, find_chromium
from cxresearch.report.page.layout import parts, rows
from cxresearch.report.page.prose import explained
from cxresearch.report.page.render import render_report
from tests.report.page.test_render import HEADLINES, a_run, cell, displayed, figure, scenarios_shown, text_of

needs_browser = pytest.mark.skipif(find_chromium() is None, reason="no Chromium here (apt-get install chromium)")
FEW = pd.DataFrame({"queue": ["a", "b"], "share": [0.1, 0.2]})
# What is computed is in another order than its text: 99 s is less than 2.4 min, and one row has no value.
LONG = pd.DataFrame({"queue": [f"q{n}" for n in (10, 2, 1, *range(20, 29))],
                     "wait_s": [150.0, 99.0, float("nan"), *(200.0 + n for n in range(9))]})  # fmt: skip


def block(kind, **more):
    return {"type": kind, **more}


def test_what_is_said_stands_beside_what_follows_it():
    head, why, more = block("heading", text="h"), block("prose", html="a"), block("prose", html="b")
    drawn, wide, narrow = block("figure"), block("table", table={"wide": True}), block("table", table={"wide": False})
    assert rows([head, why, drawn, narrow, more, wide, drawn]) == [
        {"head": head, "say": [why], "show": [drawn, narrow], "below": [], "long": False},
        {"head": None, "say": [more], "show": [], "below": [wide, drawn], "long": False},
    ]
    assert rows([drawn, head]) == [
        {"head": None, "say": [], "show": [drawn], "below": [], "long": False},
        {"head": head, "say": [], "show": [], "below": [], "long": False},
    ]
    assert rows([]) == []
    assert rows([block("prose", html="long " * 200)])[0]["long"]


def test_folded_cells_are_one_fold_until_one_begins_with_a_heading():
    first, second, prose = block("heading", text="1"), block("heading", text="2"), block("prose", html="p")
    made = parts(
        [(False, [prose]), (True, [first, prose]), (True, [prose]), (True, []), (True, [second]), (False, [prose])]
    )
    assert [part["fold"] for part in made] == [None, first, second, None]
    assert [part["fold"] for part in parts([(True, [prose]), (True, [first, prose])])] == [first], (
        "what leads to it is in it"
    )
    assert made[1]["rows"] == [{"head": None, "say": [prose, prose], "show": [], "below": [], "long": False}]


def test_a_fold_without_a_heading_is_called_by_its_figure_and_else_by_a_word():
    drawn = block("figure", finding="Half leave", level=3, anchor="s1-1")
    (part,) = parts([(True, [drawn])])
    assert part["fold"]["text"] == "Half leave"
    assert [one["finding"] for one in part["rows"][0]["show"]] == [None], "said once"
    assert parts([(True, [block("prose", html="p")])])[0]["fold"] == ""


def tagged(one, *tags):
    one.metadata["tags"] = list(tags)
    return one


def a_page(*cells, opens_with=(), headlines=(), language="en"):
    notebook = new_notebook(cells=[new_markdown_cell("# T"), *cells])
    notebook.metadata["opens_with"] = list(opens_with)
    return render_report(notebooks=[("x", notebook)], run=a_run(), headlines=headlines, language=language)


def test_tags_fold_a_cell_or_keep_it_in_the_notebook():
    shown = displayed(present.show_table, FEW, caption="By queue", kind="estimated")
    soup = BeautifulSoup(a_page(
        new_markdown_cell("Stands."), tagged(new_markdown_cell("## How\n\nIt is made."), "hide-cell"),
        tagged(cell(shown), "hide-cell"), tagged(new_markdown_cell("In the notebook alone."), "remove-cell"),
    ), "html.parser")  # fmt: skip
    section = soup.select_one("#s1")
    fold = section.select_one("details.more")
    assert text_of(fold.summary) == "How"
    assert "It is made." in text_of(fold)
    assert "By queue" in text_of(fold)
    assert "Stands." in text_of(section)
    assert "Stands." not in text_of(fold)
    assert "In the notebook alone." not in text_of(soup)
    assert text_of(section.select_one(".unprinted")) == "On the screen, not on paper: How."


def test_a_fold_is_no_step_of_the_outline_of_what_stands_open():
    soup = BeautifulSoup(a_page(
        new_markdown_cell("## One"), tagged(new_markdown_cell("### Deep\n\nWhy."), "hide-cell"), cell(figure()),
    ), "html.parser")  # fmt: skip
    assert [(h.name, text_of(h)) for h in soup.select("#s1 h2, #s1 h3, #s1 h4, #s1 h5")] == [
        ("h2", "T"), ("h3", "One"), ("h4", "Deep"), ("h4", "Half leave within a minute")]  # fmt: skip


def test_a_section_opens_with_the_headlines_that_its_notebook_names():
    soup = BeautifulSoup(a_page(opens_with=["abandonment_share", "not_there"], headlines=HEADLINES), "html.parser")
    (one,) = soup.select("#s1 .moved-list li")
    assert text_of(one).startswith("Gave up 21.9 % ▲ Up 3.4 points from 18.6 % in January 1999")


def test_every_heading_has_a_link_to_itself():
    soup = BeautifulSoup(a_page(new_markdown_cell("## One\n\nText."), cell(figure())), "html.parser")
    for head in soup.select("#s1 .head"):
        heading, link = head.find(["h2", "h3", "h4"]), head.select_one("a.link")
        assert link["href"] in (f"#{heading['id']}", f"#{heading['id'].removesuffix('-title')}")
        assert link["aria-label"] == f"Copy the link to: {text_of(heading)}"
    assert len(soup.select("#s1 .head")) == 3


def test_the_first_mention_of_a_term_opens_its_meaning_and_no_other():
    soup = BeautifulSoup(
        a_page(
            new_markdown_cell(
                "## Patience is long\n\nTheir patience, and *patience* again; `patience`.\n\n[patience](#s1)"
            )
        ),
        "html.parser",
    )
    (button,) = soup.select("button.term")
    assert text_of(button) == "patience"
    meaning = soup.select_one(f"#{button['popovertarget']}")
    assert meaning.has_attr("popover")
    assert text_of(meaning).startswith("Patience. How long somebody would wait")
    assert button.parent.get_text().startswith("Their patience, and patience again")


def test_terms_are_whole_words_and_what_is_hostile_stays_text():
    used: dict[str, str] = {}
    assert explained("impatience <b>", {"patience": "patience"}, used) == "impatience &lt;b&gt;"
    assert used == {}
    said = explained("<i> Patience 5 s", {"patience": "patience"}, used)
    assert said.startswith(
        '&lt;i&gt; <button type="button" class="term" popovertarget="term-patience">Patience</button>'
    )
    assert used == {"patience": "Patience"}


def test_a_letter_that_only_looks_like_one_of_a_term_is_no_term_and_stops_nothing():
    # The long s is an s without regard to case, and is not one in small letters.
    assert "popovertarget" in explained("the interval\u017f", {"intervals": "interval", "interval": "interval"}, {})


def test_after_a_link_terms_are_explained_again():
    soup = BeautifulSoup(a_page(new_markdown_cell("[patience](#s1) and the interval of it")), "html.parser")
    assert [text_of(button) for button in soup.select("button.term")] == ["interval"]


def test_numbers_of_other_kinds_in_names_are_sorted_too():
    odd = pd.DataFrame({"queue": ["²", "½", "q10", "q9", "", *(f"z{n}" for n in range(8))], "left": range(13)})
    soup = BeautifulSoup(
        a_page(cell(displayed(present.show_table, odd, caption="odd", kind="estimated"))), "html.parser"
    )
    by_queue = soup.select_one("#s1 th[data-order]")
    places = [int(place) for place in by_queue["data-order"].split()]
    assert sorted(places) == list(range(13))
    assert places.index(3) < places.index(2), "q9 before q10"
    assert by_queue["data-unknown"] == "1"


def test_only_long_tables_are_sorted_and_by_what_was_computed():
    shown = [
        displayed(present.show_table, table, caption=caption, kind="estimated")
        for table, caption in ((FEW, "few"), (LONG, "long"))
    ]
    soup = BeautifulSoup(a_page(*map(cell, shown)), "html.parser")
    few, many = soup.select("#s1 table")
    assert not few.select("[data-order]")
    by_queue, by_wait = many.select("th[data-order]")
    assert by_queue["data-order"] == "2 1 0 3 4 5 6 7 8 9 10 11", "q2 comes before q10"
    assert by_wait["data-order"] == "1 0 3 4 5 6 7 8 9 10 11 2"
    assert by_wait["data-unknown"] == "1"


@pytest.fixture(scope="module")
def browser():
    with chromium(limit_s=120) as opened:
        yield opened


@needs_browser
def test_a_click_sorts_up_and_down_and_what_has_no_value_stays_last(browser, tmp_path):
    path = tmp_path / "sorted.html"
    path.write_text(
        a_page(cell(displayed(present.show_table, LONG, caption="long", kind="estimated"))), encoding="utf-8"
    )
    browser.open(path)
    first = "[...document.querySelectorAll('#s1 tbody th')].map(one => one.textContent).join(' ')"
    press = "document.querySelector('#s1 th[data-unknown=\"1\"] button').click()"
    browser.evaluate(press)
    assert browser.evaluate(first) == "q2 q10 q20 q21 q22 q23 q24 q25 q26 q27 q28 q1"
    browser.evaluate(press)
    assert browser.evaluate(first) == "q28 q27 q26 q25 q24 q23 q22 q21 q20 q10 q2 q1"
    assert (
        browser.evaluate("document.querySelector('#s1 th[data-unknown=\"1\"]').getAttribute('aria-sort')")
        == "descending"
    )
    assert browser.messages == []


@needs_browser
def test_a_term_is_explained_without_a_script_and_the_what_if_is_three_tabs_away(browser, tmp_path):
    path = tmp_path / "terms.html"
    page = render_report(
        notebooks=[("x", new_notebook(cells=[new_markdown_cell("# T\n\nTheir patience.")])), ("y", scenarios_shown())],
        run=a_run(), headlines=[],
    )  # fmt: skip
    path.write_text(page, encoding="utf-8")
    browser.open(path)
    shown = "getComputedStyle(document.querySelector('#term-patience')).display"
    assert browser.evaluate(shown) == "none"
    browser.evaluate("document.querySelector('.term').click()")
    assert browser.evaluate(shown) == "block"
    browser.open(path)
    for _ in range(2):
        browser.press("Tab", 9)
    assert browser.evaluate("document.activeElement.getAttribute('href')") == "#whatif1"
    browser.evaluate("document.activeElement.click()")
    browser.press("Tab", 9)
    assert browser.evaluate("document.activeElement.hasAttribute('data-lever')")


@needs_browser
@pytest.mark.parametrize(("width", "beside"), [(360, False), (1280, True), (1920, True)])
def test_what_is_said_and_what_is_shown_use_the_width(browser, tmp_path, width, beside):
    path = tmp_path / "wide.html"
    path.write_text(a_page(new_markdown_cell("## Why\n\nBecause."), cell(figure())), encoding="utf-8")
    browser.open(path, width=width)
    say, show = (
        browser.evaluate(
            f"(r => [r.left, r.right, r.top])(document.querySelector('#s1 .{part}').getBoundingClientRect())"
        )
        for part in ("say", "show")
    )
    assert (say[1] <= show[0]) is beside
    assert browser.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert browser.evaluate("document.querySelector('.analysis').getBoundingClientRect().width") > 0.8 * width
