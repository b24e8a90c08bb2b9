"""What a page must pass before anybody sees it: rules on its text and, where a browser is, on what it does there."""

from __future__ import annotations

import base64
import html
import itertools
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from cxresearch.report.archive.freshness import period_of_run, stale_records
from cxresearch.report.page.blocks import SCRIPTS, policy
from cxresearch.report.page.brand import GROUNDS, SCHEMES, TEXT_RATIO, contrast, palettes
from cxresearch.report.page.browser import BrowserError, chromium, find_chromium
from cxresearch.report.page.leaks import NO_NAMES, Finding, Names, leaked, personal_column
from cxresearch.style import format_date, load_words

LARGEST_PAGE = 2_000_000  # bytes
BRIEF, LARGEST_BRIEF = "brief.html", 300_000  # it is forwarded by mail
SLIDE, LARGEST_SLIDE = "slide.pptx", 100_000
WIDTHS = (320, 1280)  # CSS pixels; WCAG 2.2, 1.4.10 asks for the first

_FORBIDDEN_TAGS = ("iframe", "frame", "object", "embed", "link", "base", "form", "foreignobject", "portal", "applet")
_LOADING = ("src", "srcset", "poster", "data", "action", "formaction", "background", "manifest", "ping", "cite")
_SAYING = ("aria-", "data-", "alt", "title", "class", "download", "label", "name")  # words that nothing ever opens
_PLACEHOLDERS = ("todo", "tbd", "placeholder", "alt", "image", "figure", "picture", "chart", "plot", "untitled", "-")
_PHRASES = ("no description has been provided", "lorem ipsum", "alt text", "<axes", "figure size")


def examine(
    *pages: Path, run: dict[str, Any], language: str = "en", slide: Path | None = None, names: Names = NO_NAMES
) -> dict[str, Any]:
    """Put the pages of a run, and its slide where there is one, through every rule; what comes back belongs into run.json as
    ``gate``.

    Returns ``findings`` (each ``rule, where, advice``; empty: publish it) and ``browser``: the version that looked at
    the page, or why none did.
    """
    findings = []
    for page in pages:
        largest = LARGEST_BRIEF if page.name == BRIEF else LARGEST_PAGE
        findings += check_page(
            page.read_text(encoding="utf-8"), run=run, language=language, largest=largest, names=names
        )
    if slide is not None:
        findings += check_slide(slide, run=run, language=language, names=names)
    browser = "not looked at: there is no Chromium on this system"
    if find_chromium():
        try:
            version, seen = check_in_browser(*pages)
            browser, findings = version, findings + seen
        except BrowserError as error:
            # A browser that does not start says nothing on the page; the policy forbids what it would have looked for.
            browser = f"not looked at: {error}"
    return {"findings": [asdict(finding) for finding in findings], "browser": browser}


def check_page(
    page: str, *, run: dict[str, Any], language: str = "en", largest: int = LARGEST_PAGE, names: Names = NO_NAMES
) -> list[Finding]:
    """Every rule that the text of a page can be held to. ``run`` is its run.json: what it says must be on the page;
    ``names``: what the log calls its queues, which is no leak."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return [
        *_size(page, largest), *_policy(reader), *_active(reader), *_words_for_pictures(reader, names), *_leaks(reader, names),
        *_personal(reader, names), *_outline(reader), *_tables(reader), *_references(reader), *_colours(reader),
        *_says_what_it_is(reader, run, language),
    ]  # fmt: skip


def check_slide(path: Path, *, run: dict[str, Any], language: str = "en", names: Names = NO_NAMES) -> list[Finding]:
    """The rules that hold for a slide as for a page: small, no outside address, no leak, marked."""
    with zipfile.ZipFile(path) as parts:
        texts = {
            name: parts.read(name).decode("utf-8") for name in parts.namelist() if name.endswith((".xml", ".rels"))
        }
    findings = []
    if (size := path.stat().st_size) > LARGEST_SLIDE:
        findings.append(Finding("size", f"{path.name}: {size:,} bytes of at most {LARGEST_SLIDE:,}", "say less on it"))
    findings += [
        Finding("no requests", f"{path.name}: {name}", "it names something outside the slide")
        for name, text in texts.items() if 'TargetMode="External"' in text
    ]  # fmt: skip
    said = {name: html.unescape("\n".join(re.findall(r"<a:t>([^<]*)<", text))) for name, text in texts.items()}
    findings += leaked([(path.name, text) for text in said.values()], names)
    on_it = "".join(text for name, text in said.items() if name.startswith("ppt/slides/"))
    for mark in _marks_due(run, language):
        if mark not in on_it:
            findings.append(Finding("marks", path.name, f"the slide must carry the mark {mark!r}"))
    return findings


def check_in_browser(*pages: Path) -> tuple[str, list[Finding]]:
    """Open the pages with the network off: nothing asked for, nothing to complain about, nothing beside the screen."""
    findings = []
    with chromium() as browser:
        for page in pages:
            browser.open(page, width=WIDTHS[0])
            for width in WIDTHS:
                browser.resize(width)
                wide = browser.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                if wide > 0:
                    advice = "let the widest part scroll in its own box or wrap"
                    findings.append(Finding("reflow", f"at {width} px {page.name} is {wide} px too wide", advice))
            for url in sorted(set(browser.requests)):
                findings.append(Finding("no requests", url[:200], "put what is needed into the page"))
            for message in dict.fromkeys(browser.messages):
                findings.append(Finding("a quiet console", message[:200], "see what the page's policy forbade"))
        return browser.version, findings


# The page as a list of tags -----------------------------------------------------------------------------------------


@dataclass
class _Tag:
    name: str
    attributes: dict[str, str]
    line: int
    inside: tuple[str, ...]
    parts: list[str] = field(default_factory=list, repr=False)

    @property
    def text(self) -> str:
        """Everything that is written inside the tag."""
        return "".join(self.parts)

    @property
    def where(self) -> str:
        told = " ".join(f'{k}="{v[:40]}"' for k, v in self.attributes.items() if k in ("id", "class", "src", "href"))
        return f"line {self.line}: <{self.name}{' ' + told if told else ''}> {self.text.strip()[:60]}".strip()


_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)


_WITHIN_A_LINE = frozenset({
    "a", "abbr", "b", "bdi", "code", "em", "i", "mark", "q", "small", "span", "strong", "sub", "sup", "time", "u", "wbr",
})  # fmt: skip


class _Reader(HTMLParser):
    """Every tag in order, with the text inside it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[_Tag] = []
        self.text: list[str] = []
        self._open: list[_Tag] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        inside = tuple(t.name for t in self._open)
        self.tags.append(_Tag(tag, {k: v or "" for k, v in attrs}, self.getpos()[0], inside))
        self._apart(tag)
        if tag not in _VOID:
            self._open.append(self.tags[-1])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        self._apart(tag)
        if any(t.name == tag for t in self._open):
            while self._open.pop().name != tag:
                pass

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            tag.parts.append(data)
        if not self._open or self._open[-1].name not in ("script", "style"):
            self.text.append(data)

    def _apart(self, tag: str) -> None:
        """What stands in two cells is no one word."""
        if tag not in _WITHIN_A_LINE:
            self.text.append("\n")

    def named(self, *names: str) -> Iterator[_Tag]:
        return (tag for tag in self.tags if tag.name in names)


# The rules ----------------------------------------------------------------------------------------------------------


def _size(page: str, largest: int) -> Iterator[Finding]:
    size = len(page.encode("utf-8"))
    if size > largest:
        advice = "draw fewer marks, rasterise scatter layers, show shorter tables"
        yield Finding("size", f"{size:,} bytes of at most {largest:,}", advice)


def _policy(reader: _Reader) -> Iterator[Finding]:
    scripts = [tag.text for tag in reader.named("script")]
    wanted = policy(*[text for text in scripts if text in SCRIPTS])
    given = [t for t in reader.named("meta") if t.attributes.get("http-equiv", "").lower() == "content-security-policy"]
    if len(given) != 1 or given[0].attributes.get("content") != wanted:
        where = given[0].where if given else "head"
        yield Finding("policy", where, f"one Content-Security-Policy that says: {wanted}")
    elif "head" not in given[0].inside or any(t.line < given[0].line for t in reader.named("script", "style")):
        yield Finding("policy", given[0].where, "set the policy before anything it is to bind")


def _active(reader: _Reader) -> Iterator[Finding]:
    for tag in reader.tags:
        if tag.name == "script" and (tag.text not in SCRIPTS or tag.attributes):
            advice = "only the page's own few scripts may run, letter for letter"
            yield Finding("no script", tag.where, advice)
        if tag.name in _FORBIDDEN_TAGS or (tag.name == "meta" and "refresh" in tag.attributes.get("http-equiv", "")):
            yield Finding("no script", tag.where, f"<{tag.name}> has no place in a report")
        for name, value in tag.attributes.items():
            target = value.strip().lower()
            runs = target.startswith(("javascript:", "vbscript:")) and not name.startswith(_SAYING)
            if name.startswith("on") or runs:
                yield Finding("no script", tag.where, f"take away the attribute {name}")
            linked = name in ("href", "xlink:href") and tag.name != "a"
            if (name in _LOADING or linked) and not target.startswith(("#", "data:image/")):
                yield Finding("no requests", tag.where, f"{name} names something outside the page")
            if name == "href" and tag.name == "a" and re.match(r"(?:file:|//|/|data:(?!text/csv))", target):
                yield Finding(
                    "no requests", tag.where, "a link leads to a place in the page, a CSV or a public address"
                )
            if name == "style" and _loads(value):
                yield Finding("no requests", tag.where, "a style names something outside the page")
        if tag.name == "style" and _loads(tag.text):
            yield Finding("no requests", tag.where[:60], "the style sheet names something outside the page")


def _loads(css: str) -> bool:
    return bool(re.search(r"url\((?!\s*['\"]?#)|@import|image-set\(", css, re.IGNORECASE))


def _words_for_pictures(reader: _Reader, names: Names) -> Iterator[Finding]:
    for place, tag in enumerate(reader.tags):
        said: list[str] = []
        if tag.name == "img":
            if "alt" not in tag.attributes:
                yield Finding("pictures in words", tag.where, "say what the picture shows, or alt='' for a decoration")
            said = [alt] if (alt := tag.attributes.get("alt", "")) else []
        elif tag.name == "svg" and tag.attributes.get("aria-hidden") != "true":
            inner = {t.name: t.text.strip() for t in reader.tags[place + 1 : place + 3] if t.name in ("title", "desc")}
            if tag.attributes.get("role") != "img" or len(inner) < 2:
                yield Finding("pictures in words", tag.where, "role='img' with a title and a description")
            said = list(inner.values())
        for text in said:
            words = text.strip().lower()
            if not words or words in _PLACEHOLDERS or any(p in _said(words, names) for p in _PHRASES):
                yield Finding(
                    "pictures in words", f"{tag.where} says {text!r}", "say what the picture shows, in numbers"
                )


def _said(words: str, names: Names) -> str:
    """What a picture says without the names of the log: a queue may be called as a placeholder is."""
    for name in names.all:
        if any(phrase in name.lower() for phrase in _PHRASES):
            words = words.replace(name.lower(), "")
    return words


def _files(reader: _Reader) -> Iterator[tuple[str, str]]:
    """Every CSV that stands in the page, by its name."""
    for tag in reader.named("a"):
        kind, comma, data = tag.attributes.get("href", "").partition(";base64,")
        if comma and kind.startswith("data:text/csv"):
            yield tag.attributes.get("download", tag.where), base64.b64decode(data).decode("utf-8", "replace")


def _leaks(reader: _Reader, names: Names) -> Iterator[Finding]:
    attributes = [v for t in reader.tags for v in t.attributes.values() if not v.startswith("data:")]
    yield from leaked([("text", "".join(reader.text)), ("attributes", "\n".join(attributes)), *_files(reader)], names)


def _personal(reader: _Reader, names: Names) -> Iterator[Finding]:
    heads = [(t.where, t.text) for t in reader.named("th") if t.attributes.get("scope") == "col"]
    columns = [(name, column) for name, text in _files(reader) for column in text.split("\n", 1)[0].split(",")]
    for where, name in heads + columns:
        if rule := personal_column(name, names):
            yield Finding(rule, f"{where}: {name}", "count people; do not list them")


def _outline(reader: _Reader) -> Iterator[Finding]:
    heads = [t for t in reader.tags if re.fullmatch("h[1-6]", t.name)]
    ones = sum(t.name == "h1" for t in heads)
    if ones != 1 or heads[0].name != "h1":
        yield Finding("outline", f"{ones} headings of the first level", "one h1, before all others")
    for before, after in itertools.pairwise(heads):
        if int(after.name[1]) > int(before.name[1]) + 1:
            yield Finding("outline", after.where, f"the heading before it is {before.name}: leave no level out")
    for tag in heads:
        if not tag.text.strip():
            yield Finding("outline", tag.where, "a heading says something")
    html = next(reader.named("html"), None)
    if html is None or not html.attributes.get("lang"):
        yield Finding("outline", "html", "say the language of the page: <html lang=...>")
    if not any(t.text.strip() for t in reader.named("title") if "svg" not in t.inside):
        yield Finding("outline", "title", "the page needs a title")


def _tables(reader: _Reader) -> Iterator[Finding]:
    tables = list(reader.named("table"))
    captions = Counter(id(t) for t in tables for c in [_first_inside(reader, t, "caption")] if c and c.text.strip())
    for table in tables:
        if not captions[id(table)]:
            yield Finding("tables", table.where, "a table has a caption")
        if not _first_inside(reader, table, "th"):
            yield Finding("tables", table.where, "a table has headers")
    for head in reader.named("th"):
        if head.attributes.get("scope") not in ("col", "row", "colgroup", "rowgroup"):
            yield Finding("tables", head.where, "a header says its scope: col or row")


def _first_inside(reader: _Reader, outer: _Tag, name: str) -> _Tag | None:
    start = next(i for i, tag in enumerate(reader.tags) if tag is outer)
    for tag in reader.tags[start + 1 :]:
        if len(tag.inside) <= len(outer.inside):
            return None
        if tag.name == name:
            return tag
    return None


def _references(reader: _Reader) -> Iterator[Finding]:
    ids = Counter(t.attributes["id"] for t in reader.tags if "id" in t.attributes)
    for name, times in ids.items():
        if times > 1:
            yield Finding("references", f'id="{name}"', f"stands {times} times; an id names one thing")
    for tag in reader.tags:
        names = [
            n for key in ("aria-labelledby", "aria-describedby", "for") for n in tag.attributes.get(key, "").split()
        ]
        link = tag.attributes.get("href", tag.attributes.get("xlink:href", ""))
        for name in [*names, *([link[1:]] if link.startswith("#") and len(link) > 1 else [])]:
            if name not in ids:
                yield Finding("references", tag.where, f"there is no id {name!r}")


def _colours(reader: _Reader) -> Iterator[Finding]:
    css = "".join(t.text for t in reader.named("style"))
    found = palettes(css)
    if len(found) != len(SCHEMES):
        yield Finding("contrast", "style", f"{len(found)} palettes; light, dark and print have one each")
        return
    for scheme, colours in zip(SCHEMES, found, strict=True):
        pairs = [(name, ground) for name in colours for ground in GROUNDS if name in _TEXT_COLOURS]
        for name, ground in [*pairs, ("--strip-ink", "--strip")]:
            ratio = contrast(colours[name], colours[ground])
            if ratio < TEXT_RATIO:
                where = f"{name} {colours[name]} on {ground} {colours[ground]}, {scheme}: {ratio:.2f}"
                yield Finding("contrast", where, f"at least {TEXT_RATIO}")
    for media, accent in _ACCENT.findall(css):
        scheme = "dark" if "dark" in media else "print" if "print" in media else "light"
        ratio = min(contrast(accent, found[SCHEMES.index(scheme)][ground]) for ground in GROUNDS)
        if ratio < TEXT_RATIO:
            yield Finding("contrast", f"--accent {accent}, {scheme}: {ratio:.2f}", f"at least {TEXT_RATIO}")


_ACCENT = re.compile(r"(@media [^{]*\{ )?:root \{ --accent: (#[0-9a-fA-F]{6}); \}")
_TEXT_COLOURS = ("--ink", "--soft", "--c1", "--c2", "--c3", "--c4", "--ok", "--warn")


def _says_what_it_is(reader: _Reader, run: dict[str, Any], language: str) -> Iterator[Finding]:
    words = load_words(language)
    header = " ".join(next((t.text for t in reader.named("header")), "").split())
    chips = [t.text.strip() for t in reader.tags if "chip" in t.attributes.get("class", "").split()]
    if not set(chips) & set(words["status"].values()):
        yield Finding("status", "header", "the page says whether it is complete")
    elif run["status"] != "complete" and words["status"]["complete"] in chips:
        yield Finding("status", "header", f"the run is {run['status']}, the page says it is complete")
    newest = run.get("newest_record")
    date = format_date(newest, language=language) if newest else words["numbers"]["not_known"]
    dated = newest or period_of_run(run)  # of a version nobody can know how far its records go
    if dated and words["page"]["newest_record"].format(date=date) not in header:
        yield Finding("freshness", "header", f"the page says its newest record: {date}")
    title = next((t.text for t in reader.named("title")), "")
    strip = next((t.text for t in reader.named("aside")), "")
    for mark in _marks_due(run, language):
        if not (mark in title and mark in strip):
            yield Finding("marks", "title and strip", f"the page must carry the mark {mark!r}")


def _marks_due(run: dict[str, Any], language: str) -> list[str]:
    page = load_words(language)["page"]
    due = {"simulated": run.get("simulated"), "stale": stale_records(run, language=language)}
    return [page[mark] for mark, holds in due.items() if holds]


def first_words(findings: Sequence[dict[str, str]], at_most: int = 3) -> str:
    """The first findings in one line, for run.json's ``reason`` and the terminal."""
    told = [f"{f['rule']}: {f['where']} ({f['advice']})" for f in findings[:at_most]]
    more = len(findings) - at_most
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")
