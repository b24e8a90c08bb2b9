"""Prose of a notebook, Markdown, as HTML of the page: formulas are MathML, raw HTML is text, tables are captioned."""

from __future__ import annotations

import functools
import html
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from latex2mathml.converter import convert as latex_to_mathml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from mdit_py_plugins.dollarmath import dollarmath_plugin

from cxresearch.style import languages, load_words


def first_title(sources: Iterable[str]) -> str:
    """The text of the first ``# heading`` in Markdown ``sources``, or nothing."""
    for source in sources:
        for token, text in itertools.pairwise(MarkdownIt("commonmark").parse(source)):
            if token.type == "heading_open" and token.tag == "h1":
                return plain_text(text)
    return ""


def plain_text(inline: Token) -> str:
    """The words of a heading or paragraph, without its marks."""
    return "".join(token.content if token.type != "softbreak" else " " for token in inline.children or [])


def prose_reader(words: dict[str, Any]) -> MarkdownIt:
    """CommonMark with tables and $formulas$; raw HTML is text, pictures are their alternative text.

    Render with an environment that holds ``label``: a function that gives the next table its caption; and, where pictures are
    shown, ``picture``: a function of their address and their words that gives HTML.
    """
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    formula = html.escape(words["page"]["formula"])

    def to_mathml(latex: str, options: dict[str, Any]) -> str:
        try:
            mathml = latex_to_mathml(latex, display="block" if options["display_mode"] else "inline")
        except Exception:  # whatever is wrong in the formula, the reader gets what the author wrote
            return f"<code>{html.escape(latex)}</code>"
        return (
            f'<div class="scroll formula" tabindex="0" role="group" aria-label="{formula}">{mathml}</div>'
            if options["display_mode"]
            else mathml
        )

    dollarmath_plugin(
        reader, allow_labels=False, allow_space=False, allow_digits=False, double_inline=True, renderer=to_mathml
    )

    def text(tokens: Sequence[Token], index: int, options: object, env: dict[str, Any]) -> str:
        before = [token.type for token in tokens[:index]]
        linked = before.count("link_open") > before.count("link_close")  # in a link nothing else can be pressed
        explain = keep_together if linked else env.get("explain", keep_together)
        return str(explain(tokens[index].content))

    def image(tokens: Sequence[Token], index: int, options: object, env: dict[str, Any]) -> str:
        picture, token = env.get("picture"), tokens[index]
        source = str(token.attrs.get("src", ""))
        return str(picture(source, token.content)) if picture else html.escape(token.content)

    def table_open(tokens: Sequence[Token], index: int, options: object, env: dict[str, Any]) -> str:
        caption = html.escape(env["label"]())
        return (
            f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}"><table>'
            f'<caption class="hidden">{caption}</caption>'
        )

    rules: dict[str, Any] = reader.renderer.rules  # type: ignore[attr-defined]
    rules["text"] = text
    rules["image"] = image
    rules["table_open"] = table_open
    rules["table_close"] = lambda *_: "</table></div>"
    rules["th_open"] = lambda tokens, index, options, env: '<th scope="col">'
    return reader


def term_forms(words: Mapping[str, Any]) -> dict[str, str]:
    """Each term of the glossary as prose may write it -> its name."""
    return {form: name for name, forms in words["terms"]["forms"].items() for form in forms}


def explained(text: str, unexplained: dict[str, str], used: dict[str, str]) -> str:
    """``text`` as HTML in which the first mention of each term opens what it means; ``used`` remembers these terms."""
    made, rest = [], text
    while unexplained:
        longest_first = sorted(unexplained, key=len, reverse=True)
        forms = "|".join(f"({re.escape(form)})" for form in longest_first)
        found = re.search(rf"(?<!\w)(?:{forms})(?!\w)", rest, re.IGNORECASE)
        if found is None:
            break
        name = unexplained[longest_first[(found.lastindex or 1) - 1]]
        for form in [form for form, of in unexplained.items() if of == name]:
            del unexplained[form]
        used[name] = found[0]
        made.append(str(keep_together(rest[: found.start()])))
        made.append(f'<button type="button" class="term" popovertarget="term-{name}">{html.escape(found[0])}</button>')
        rest = rest[found.end() :]
    return "".join([*made, str(keep_together(rest))])


def keep_together(text: str) -> Markup:
    """Escape ``text``; a number and its unit stay on one line."""
    escaped = html.escape(str(text), quote=False)
    return Markup(_number_and_unit().sub(r'<span class="nb">\g<0></span>', escaped))  # noqa: S704


@functools.cache
def _number_and_unit() -> re.Pattern[str]:
    units = {unit for name in languages() for unit in load_words(name)["units"].values() if isinstance(unit, str)}
    return re.compile(rf"\d[\d.,]* (?:%|{'|'.join(sorted(map(re.escape, units), key=len, reverse=True))})(?!\w)")
