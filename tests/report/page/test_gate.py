"""The gate lets a good page through and stops one for each rule; a browser with no network agrees."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from cxresearch.exhibits import show as present
from cxresearch.report.page import gate
from cxresearch.report.page.blocks import DUE_SCRIPT, PAGE_SCRIPT, SCRIPT
from cxresearch.report.page.browser import BrowserError, chromium, find_chromium, write_pdf
from cxresearch.report.page.render import render_index, render_report
from tests.report.page import test_brief
from tests.report.page.test_render import (
    HEADLINES,
    NUMBERS,
    a_run,
    cell,
    displayed,
    figure,
    scenarios_shown,
    summary,
    waits,
)

needs_browser = pytest.mark.skipif(not find_chromium(), reason="there is no Chromium on this system")


def a_page(**changes):
    language = changes.pop("language", "en")
    parts = [("05-summary", summary()), ("02-waits", waits()), ("04-promise", scenarios_shown())]
    return render_report(notebooks=parts, run=a_run(**changes), headlines=HEADLINES, language=language)


@pytest.fixture(scope="module")
def page():
    return a_page()


def found(page, **changes):
    return gate.check_page(page, run=a_run(**changes))


def test_a_good_page_passes(page):
    assert found(page) == []


@pytest.mark.parametrize("language", ["id", "pl"])
def test_so_does_one_in_another_language_with_every_mark(language):
    changes = {"simulated": True, "newest_record": "1999-02-20 10:00:00", "status": "partial"}
    page = a_page(language=language, **changes)
    assert gate.check_page(page, run=a_run(**changes), language=language) == []


def test_a_page_without_a_what_if_holds_only_the_script_of_every_page():
    page = render_report(notebooks=[("02-waits", waits())], run=a_run(), headlines=[])
    assert page.count("<script>") == 1
    assert f"<script>{PAGE_SCRIPT}</script>" in page
    assert found(page) == []


def test_a_version_whose_records_have_no_date_is_not_asked_for_one():
    version = {"period": "2026-11-27-ab", "period_label": "version of 27 November 2026", "newest_record": None}
    page = a_page(**version)
    assert "Newest record" not in page.split("</header>")[0]
    assert found(page, **version) == []
    assert [finding.rule for finding in found(page, **(version | {"newest_record": "2026-10-10"}))] == ["freshness"]
    assert "Newest record not known" in a_page(newest_record=None).split("</header>")[0]


def test_a_page_that_is_due_one_day_holds_the_script_of_it_and_passes(page):
    due = a_page(finished_utc="1999-03-02T10:00:00+00:00")
    assert due.count("<script>") == page.count("<script>") + 1
    assert found(due) == []
    (wrong,) = found(due.replace(DUE_SCRIPT, DUE_SCRIPT.replace(">", ">=")))[-1:]
    assert wrong.rule == "no script"
    policy_alone = due.replace(f"<script>{DUE_SCRIPT}</script>", "")
    assert [finding.rule for finding in found(policy_alone)] == ["policy"]


def csv(text):
    return f'<a download="x.csv" href="data:text/csv;charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}">x</a>'


BAD = {
    "size": ("</main>", f"<p>{'x' * gate.LARGEST_PAGE}</p></main>"),
    "policy, weaker": ("default-src 'none'", "default-src 'self'"),
    "policy, unsafe": ("script-src 'sha256-", "script-src 'unsafe-inline' 'sha256-"),
    "policy, late": ("<head>", "<head>\n<style>p { color: red }</style>\n"),
    "no script, another": ("</footer>", "</footer><script>alert(1)</script>"),
    "no script, changed": ('"use strict";', '"use strict"; alert(1);'),
    "no script, handler": ("<main>", '<main onload="x()">'),
    "no script, link": ("</main>", '<a href="javascript:x()">x</a></main>'),
    "no script, frame": ("</main>", "<iframe></iframe></main>"),
    "no script, refresh": ("</main>", '<meta http-equiv="refresh" content="1;url=x"></main>'),
    "no requests, picture": ("</main>", '<img src="https://x.org/a.png" alt="A curve"></main>'),
    "no requests, style": ("</style>", "p { background: url(https://x.org/a.png) }</style>"),
    "no requests, import": ("</style>", "@import 'https://x.org/a.css';</style>"),
    "no requests, attribute": ("<main>", '<main style="background: url(//x.org/a)">'),
    "no requests, font": ("</style>", "@font-face { font-family: x; src: url(x.woff2) }</style>"),
    "no requests, file": ("</main>", '<a href="file:///srv/a">x</a></main>'),
    "no requests, use": ("</main>", '<svg aria-hidden="true"><use href="http://x.org/#a"></use></svg></main>'),
    "pictures in words, none": ("</main>", '<img src="data:image/png;base64,AA"></main>'),
    "pictures in words, placeholder": (
        "It falls from 1 to a half.", "No description has been provided for this image"),
    "pictures in words, word": ("It falls from 1 to a half.", "Figure"),
    "pictures in words, role": ('role="img"', 'role="presentation"'),
    "no stderr, warning": ("</main>", "<p>FutureWarning: groupby will change</p></main>"),
    "no stderr, traceback": ("</main>", "<p>Traceback (most recent call last)</p></main>"),
    "no stderr, colours": ("</main>", "<p>\x1b[31mred</p></main>"),
    "no machine path, text": ("</main>", "<p>read /home/ana/log.csv</p></main>"),
    "no machine path, Windows": ("</main>", "<p>read C:\\Users\\ana\\log.csv</p></main>"),
    "no machine path, attribute": ("<main>", '<main title="/srv/logs/a">'),
    "no machine path, file": ("</main>", csv("path,n\n/tmp/build/x,1\n") + "</main>"),
    "no secret, AWS": ("</main>", f"<p>{'AKIA' + 'ABCDEFGHIJKLMNOP'}</p></main>"),
    "no secret, set": ("</main>", "<p>api_key = abcd1234</p></main>"),
    "no secret, address": ("</main>", "<p>postgres://ana:hunter2@db/x</p></main>"),
    "no secret, file": ("</main>", csv("n\npassword=hunter2\n") + "</main>"),
    "no personal column, header": ('<th scope="col">Queue</th>', '<th scope="col">Customer key</th>'),
    "no personal column, file": ("</main>", csv("contact_id,n\n17,1\n") + "</main>"),
    "no personal column, address": ("</main>", "<p>ana.kowalska@example.org waited</p></main>"),
    "outline, two": ("</main>", "<h1>Again</h1></main>"),
    "outline, leap": ("</main>", "<h5>Deep</h5></main>"),
    "outline, empty": ("</main>", "<h2> </h2></main>"),
    "outline, language": ('<html lang="en">', "<html>"),
    "tables, caption": ("</main>", "<table><tr><th scope='col'>x</th></tr></table></main>"),
    "tables, scope": ('<th scope="col">Queue</th>', "<th>Queue</th>"),
    "references, twice": ("</main>", '<p id="points">x</p></main>'),
    "references, nowhere": ("</main>", '<a href="#nowhere">x</a></main>'),
    "contrast, light": ("--soft: #566173", "--soft: #a0a8b4"),
    "contrast, dark": ("--c2: #f5a25d", "--c2: #6a3a10"),
    "contrast, accent": ("@page {\n  @bottom-left", ":root { --accent: #ffcc00; }\n@page {\n  @bottom-left"),
    "status": ('<span class="chip ok">Complete</span>', ""),
    "freshness": ("Newest record 28 February 1999, 23:58", "Fresh"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_each_rule_stops_a_page(page, name):
    old, new = BAD[name]
    assert old in page, f"the page has no {old!r}: the example is out of date"
    findings = found(page.replace(old, new, 1))
    assert name.split(",")[0] in {finding.rule for finding in findings}, findings
    assert all(finding.where and finding.advice for finding in findings)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"simulated": True}, "marks"),
        ({"newest_record": "1999-02-20 10:00:00"}, "marks"),
        ({"status": "partial"}, "status"),
        ({"newest_record": "1999-02-27 23:58:10"}, "freshness"),
    ],
)
def test_a_page_that_does_not_say_what_its_run_was_is_stopped(page, changes, rule):
    assert rule in {finding.rule for finding in found(page, **changes)}


def test_a_secret_of_this_machine_is_known_by_its_value(page, monkeypatch):
    monkeypatch.setenv("CXRESEARCH_SMTP_PASSWORD", "correct-horse-battery")
    assert found(page) == []
    findings = found(page.replace("</main>", "<p>correct-horse-battery</p></main>"))
    assert [finding.rule for finding in findings] == ["no secret"]
    assert "correct-horse" not in findings[0].where


def test_findings_are_told_in_one_line():
    findings = [{"rule": f"rule {i}", "where": "here", "advice": "mend"} for i in range(5)]
    assert gate.first_words(findings, 2) == "rule 0: here (mend); rule 1: here (mend); and 3 more"


def test_without_a_browser_the_gate_says_so(page, tmp_path, monkeypatch):
    monkeypatch.setenv("CXRESEARCH_CHROMIUM", "no-such-browser")
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    told = gate.examine(path, run=a_run())
    assert told == {"findings": [], "browser": "not looked at: there is no Chromium on this system"}


# In a browser -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stored(page, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser():
    with chromium(limit_s=120) as opened:
        yield opened


@needs_browser
def test_a_browser_finds_nothing_either(stored):
    told = gate.examine(stored, run=a_run())
    assert told["findings"] == []
    assert told["browser"].startswith(("Chrome/", "HeadlessChrome/", "Chromium/"))


@needs_browser
def test_a_browser_finds_what_asks_complains_or_is_too_wide(page, tmp_path):
    path = tmp_path / "bad.html"
    free = page.replace("default-src 'none'; img-src data:", "default-src 'none'; img-src data: http:")
    wide = '<img src="http://x.org/a.png" alt=""><pre style="width: 90rem">wide</pre></main>'
    path.write_text(free.replace("</main>", wide).replace("</body>", "<script>1</script></body>"), encoding="utf-8")
    _, findings = gate.check_in_browser(path)
    rules = {finding.rule for finding in findings}
    assert rules == {"no requests", "a quiet console", "reflow"}
    assert any("http://x.org/a.png" in finding.where for finding in findings)
    assert any("script" in finding.where for finding in findings if finding.rule == "a quiet console")


@needs_browser
def test_the_what_if_is_moved_by_keys_and_says_what_follows(stored, browser):
    browser.open(stored)
    read = "[...document.querySelectorAll('.moved output')].map(o => o.value)"
    assert browser.evaluate(read) == ["60 s (today)", "25 EUR", "12.0 %", "400", "10,000 EUR"]
    browser.evaluate("document.querySelector('[data-lever]').focus()")
    browser.press("ArrowLeft", 37)
    assert browser.evaluate(read) == ["20 s", "25 EUR", "4.0 %", "100", "2,500 EUR"]
    assert browser.evaluate("document.querySelector('[data-lever]').getAttribute('aria-valuetext')") == "20 s"
    browser.evaluate("document.querySelector('[data-values]').focus()")
    browser.press("ArrowRight", 39)
    assert browser.evaluate(read)[-1] == "3,000 EUR"
    said = browser.evaluate(
        "new Promise(done => setTimeout(() => done(document.querySelector('[data-say]').textContent), 800))"
    )
    assert said == "Gave up, of all who asked: 4.0 %; Gave up: 100; Lost with them: 3,000 EUR"
    assert browser.messages == []


@needs_browser
def test_without_scripts_the_table_stands_and_no_dead_slider(page, browser, tmp_path):
    path = tmp_path / "still.html"
    path.write_text(page.replace(f"<script>{SCRIPT}</script>", ""), encoding="utf-8")
    browser.open(path)
    assert browser.evaluate("document.querySelector('.moved').getBoundingClientRect().height") == 0
    assert browser.evaluate("document.querySelectorAll('.whatif tbody tr').length") == 3
    assert browser.evaluate("document.querySelector('.whatif .today th').textContent") == "60 s (today)"


@needs_browser
@pytest.mark.parametrize(
    ("period", "made", "stale"), [("1999-02", "1999-03-02", True), ("2999-02", "2999-03-02", False)]
)
def test_a_page_that_is_opened_after_its_due_day_says_so(browser, tmp_path, period, made, stale):
    path = tmp_path / "due.html"
    newest = f"{period}-28 23:00:00"
    path.write_text(
        a_page(period=period, newest_record=newest, finished_utc=f"{made}T10:00:00+00:00"), encoding="utf-8"
    )
    browser.open(path)
    header = browser.evaluate("document.querySelector('header').innerText")
    assert ("A newer report was due after" in header) is stale
    assert ("STALE" in header) is stale
    assert ("Next report due after" in header) is not stale
    assert browser.messages == []


@needs_browser
@pytest.mark.parametrize("width", [320, 360, 1024, 1280])
def test_no_table_of_texts_is_cut_at_its_last_column(browser, tmp_path, width):
    wide = NUMBERS.assign(
        **{f"text_{i}": "A verdict that is told in a sentence of some length" for i in range(3)}, verdict="kept"
    )
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# T"),
            cell(displayed(present.show_table, wide, caption="c", kind="quoted", formats={"share": "share"})),
        ]
    )
    path = tmp_path / "wide.html"
    path.write_text(render_report(notebooks=[("x", notebook)], run=a_run(), headlines=[]), encoding="utf-8")
    browser.open(path, width=width)
    assert browser.evaluate("(b => b.scrollWidth - b.clientWidth)(document.querySelector('section .scroll'))") <= 0
    assert browser.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def axe(root):
    """axe-core from npm: ``npm install --no-save --prefix .venv axe-core``."""
    named = os.environ.get("CXRESEARCH_AXE")
    path = Path(named) if named else root / ".venv" / "node_modules" / "axe-core" / "axe.min.js"
    if not path.is_file():
        pytest.skip("axe-core is not here (npm install --no-save --prefix .venv axe-core)")
    return path.read_text(encoding="utf-8")


@needs_browser
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (360, False)])
def test_axe_finds_no_violation(browser, axe, tmp_path, width, dark):
    changes = {"simulated": True, "newest_record": "1999-02-20 10:00:00", "status": "partial"}
    pages = [
        a_page(),
        a_page(language="pl", **changes),
        test_brief.page(),
        test_brief.page(run=changes),
        render_index([{**a_run(**changes), "href": None, "headlines": HEADLINES}]),
    ]
    for number, text in enumerate(pages):
        path = tmp_path / f"{number}.html"
        path.write_text(text, encoding="utf-8")
        browser.open(path, width=width, dark=dark)
        browser.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        browser.evaluate(axe + "; 0")
        options = f"{{runOnly: {AXE_TAGS}}}"
        broken = browser.evaluate(
            f"axe.run({options}).then(r => r.violations.map(v => v.id + ': ' + v.nodes[0].html.slice(0, 200)))"
        )
        assert broken == []


@needs_browser
def test_the_pdf_is_whole(stored, tmp_path):
    write_pdf(stored, tmp_path / "report.pdf")
    data = (tmp_path / "report.pdf").read_bytes()
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    assert [p.name for p in tmp_path.iterdir()] == ["report.pdf"]


def test_a_browser_that_does_not_start_is_told(monkeypatch, tmp_path):
    for name in ("/bin/false", "no-such-browser"):
        monkeypatch.setenv("CXRESEARCH_CHROMIUM", name)
        with pytest.raises(BrowserError), chromium(limit_s=10):
            pass
    # A good page is not stopped by a broken browser, but nobody is told that one looked.
    path = tmp_path / "report.html"
    path.write_text(a_page(), encoding="utf-8")
    monkeypatch.setenv("CXRESEARCH_CHROMIUM", "/bin/false")
    told = gate.examine(path, run=a_run())
    assert told["findings"] == []
    assert told["browser"].startswith("not looked at: ")


def test_figures_are_checked_with_the_page():
    notebook = new_notebook(cells=[new_markdown_cell("# T"), cell(figure(description="TODO"))])
    page = render_report(notebooks=[("x", notebook)], run=a_run(), headlines=[])
    assert "pictures in words" in {finding.rule for finding in found(page)}
