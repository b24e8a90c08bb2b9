"""What a notebook shows: each call displays one bundle, for JupyterLab and for the report.

JupyterLab shows the standard form (SVG, HTML, Markdown); the report reads the private JSON form beside it from the
executed notebook, so a number that stands in the report is the number that the notebook computed.
"""

from __future__ import annotations

import base64
import html
import math
import numbers
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from cxresearch.exhibits.columns import column_label, unit_of
from cxresearch.exhibits.small_groups import held_back, smallest_group
from cxresearch.figures import root_figure
from cxresearch.patience import OTHERS
from cxresearch.style import current_language, format_interval, format_value, is_missing, load_words, phrase, theme

__all__ = [
    "BRIEF",
    "DECISION",
    "FIGURE",
    "HEADLINE",
    "KINDS",
    "POINTS",
    "TABLE",
    "WHAT_IF",
    "format_interval",
    "format_value",
    "main_points",
    "record_headline",
    "say",
    "show_figure",
    "show_table",
    "what_if",
]

FIGURE = "application/vnd.cxresearch.figure+json"
TABLE = "application/vnd.cxresearch.table+json"
HEADLINE = "application/vnd.cxresearch.headline+json"
POINTS = "application/vnd.cxresearch.points+json"
WHAT_IF = "application/vnd.cxresearch.whatif+json"
DECISION = "application/vnd.cxresearch.decision+json"  # beside what is shown of it: what decision.json says
BRIEF = "application/vnd.cxresearch.brief+json"  # beside what is shown of it, or alone: a part of the first two pages

PNG_FILES = "CXRESEARCH_PNG"  # set in the kernels of a report: figures are painted, too
MOST_POINTS = 7  # the targets, and six
NOTEBOOK_WIDTH = 'width="624"'
KINDS = ("estimated", "quoted", "assumed", "SIMULATED")
FORMATS = ("share", "points", "count", "seconds", "number", "p", "text")


def show_figure(
    ax: Axes,
    *,
    subtitle: str,
    description: str,
    kind: str,
    table: pd.DataFrame | None = None,
    caption: str = "",
    formats: Mapping[str, str] | None = None,
) -> None:
    """Show the figure of ``ax`` under its finding, and close it.

    Parameters
    ----------
    ax : Axes whose title is the finding, computed in the notebook; the page sets it as text above the drawing.
    subtitle : measure, place and period.
    description : the numbers in words, for readers who do not see the figure.
    kind : "estimated", "quoted", "assumed" or "SIMULATED".
    table, caption, formats : the numbers behind the figure, few rows, shown as :func:`show_table` does.

    Raises ValueError without a finding, subtitle or description, and for an unknown kind or column.
    """
    finding = _text(ax.get_title() or ax.get_title("left"), "ax.get_title()")
    publish(
        figure_bundle(
            ax, finding=finding, subtitle=subtitle, description=description, kind=kind, table=table, caption=caption,
            formats=formats,
        )
    )  # fmt: skip


def figure_bundle(
    ax: Axes, *, finding: str, subtitle: str, description: str, kind: str, table: pd.DataFrame | None = None,
    caption: str = "", formats: Mapping[str, str] | None = None, people: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The bundle of :func:`show_figure`; the figure is closed, its title is the finding that is given.

    ``people`` as for :func:`small_groups.held_back`.
    """
    finding = " ".join(_text(finding, "finding").split())
    content: dict[str, Any] = {
        "finding": finding,
        "subtitle": _text(subtitle, "subtitle"),
        "description": _text(description, "description"),
        "kind": _kind(kind),
        "table": None if table is None else _table_content(table, caption or subtitle, kind, formats, people),
    }
    figure = root_figure(ax)
    ax.set_title("")
    ax.set_title("", loc="left")
    svg, content["prefix"] = theme.themed_svg(figure, title=finding, description=content["description"])
    said = f"{content['subtitle']} ({load_words()['kinds'][kind]})"
    # A file to take away, which a report alone has need of.
    png = theme.themed_png(figure, finding=finding, said=said) if os.environ.get(PNG_FILES) else b""
    plt.close(figure)
    # A notebook shows the drawing at a reader's size, not as wide as the window; the page sets its own width.
    svg = svg.replace("<svg ", f"<svg {NOTEBOOK_WIDTH} ", 1)
    shown = {"text/html": _figure_html(content, svg), "image/svg+xml": svg, FIGURE: content}
    picture = {"image/png": base64.b64encode(png).decode()} if png else {}
    return {**shown, **picture, "text/plain": f"{finding}\n{said}"}


def show_table(table: pd.DataFrame, *, caption: str, kind: str, formats: Mapping[str, str] | None = None) -> None:
    """Show ``table`` with its caption; the first column names the rows.

    ``formats`` says how a column is written: "share", "points", "count", "seconds", "number", "p" or "text";
    without it whole numbers are counts, other numbers have three significant digits, the rest is text. The index is
    not shown. Raises ValueError for an empty table, an unknown format or a column that is not there.
    """
    publish(table_bundle(table, caption=caption, kind=kind, formats=formats))


def table_bundle(
    table: pd.DataFrame, *, caption: str, kind: str, formats: Mapping[str, str] | None = None,
    people: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The bundle of :func:`show_table`; ``people`` as for :func:`small_groups.held_back`."""
    content = _table_content(table, caption, _kind(kind), formats, people)
    return {
        "text/html": _table_html(content),
        TABLE: content,
        "text/plain": f"{caption} ({load_words()['kinds'][kind]})",
    }


def say(markdown: str) -> None:
    """Show computed prose; it may open with a heading (``## ...``) that is a finding."""
    publish(prose_bundle(markdown))


def prose_bundle(markdown: str) -> dict[str, Any]:
    """The bundle of :func:`say`."""
    return {"text/markdown": _text(markdown, "markdown")}


def record_headline(
    *,
    name: str,
    label: str,
    value: float | None,
    lower: float | None = None,
    upper: float | None = None,
    unit: str,
    kind: str,
    better: str | None,
    n: int | None = None,
    base: str = "",
    note: str = "",
    change: dict[str, Any] | None = None,
    target: dict[str, Any] | None = None,
) -> None:
    """Record a headline: a number that the report leads with and follows over time.

    Parameters
    ----------
    name : identifier, the same in every period.
    label : what it is, in a few words.
    value, lower, upper : the number and its interval, None or NaN where not known. Without an interval ``note``
        must say why there is none.
    unit : see :func:`format_value`.
    kind : "estimated", "quoted", "assumed" or "SIMULATED".
    better : "higher", "lower", or None where neither is good in itself.
    n : contacts or respondents behind it. base : of whom it is told, such as "contacts that queued".
    change : what moved since the period before (``headlines.change_record``), or None.
    target : its limit and whether it is met (``targets.target_record``), or None.
    """
    publish(
        headline_bundle(
            name=name, label=label, value=value, lower=lower, upper=upper, unit=unit, kind=kind, better=better, n=n,
            base=base, note=note, change=change, target=target,
        )
    )  # fmt: skip


def headline_bundle(
    *, name: str, label: str, value: float | None, lower: float | None, upper: float | None, unit: str, kind: str,
    better: str | None, n: int | None, base: str, note: str, change: dict[str, Any] | None,
    target: dict[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The bundle of :func:`record_headline`."""
    if not name.isidentifier():
        raise ValueError(f"a headline's name must be an identifier, the same in every period; got {name!r}.")
    if better not in ("higher", "lower", "", None):
        raise ValueError(f'{name}: better must be "higher", "lower", or None where neither is; got {better!r}.')
    value, lower, upper = (_number(number, name) for number in (value, lower, upper))
    if (lower is None or upper is None) and not note.strip():
        raise ValueError(f"{name} has no interval; let note say why (for instance that everybody was counted).")
    if value is not None and not (lower is None or lower <= value) & (upper is None or value <= upper):
        raise ValueError(f"{name}: {value} is outside its interval {lower} to {upper}.")
    content = {
        "name": name,
        "label": _text(label, f"{name}: label"),
        "language": current_language(),
        "value": value,
        "lower": lower,
        "upper": upper,
        "unit": _text(unit, f"{name}: unit"),
        "kind": _kind(kind),
        "better": better or None,
        "n": None if n is None or is_missing(n) else int(n),
        "base": base.strip(),
        "note": note.strip(),
        "change": change,
        "target": target,
    }
    interval = note if lower is None or upper is None else format_interval(lower, upper, unit)
    if value is not None and lower == value == upper:
        interval = note or load_words()["page"]["counted"]
    line = f"{content['label']}: {format_value(value, unit)} ({interval}; {load_words()['kinds'][kind]})"
    return {"text/plain": line, HEADLINE: content}


def main_points(points: Sequence[tuple[str, str]]) -> None:
    """Show the main points: pairs of a lead (what happened) and a sentence (value, change, interval).

    They come ranked, and the first seven are chosen: more would be no main points.
    """
    publish(points_bundle(points))


def points_bundle(points: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The bundle of :func:`main_points`."""
    if not points:
        raise ValueError("there is no main point to show; say in words why there is none.")
    pairs = [[_text(lead, "lead"), _text(sentence, "sentence")] for lead, sentence in points[:MOST_POINTS]]
    prose = "\n".join(f"- **{literal(lead)}** {literal(sentence)}" for lead, sentence in pairs)
    return {"text/markdown": prose, POINTS: {"points": pairs}}


def what_if(
    scenarios: pd.DataFrame,
    *,
    finding: str,
    subtitle: str,
    kind: str,
    formats: Mapping[str, str] | None = None,
    assumed: Sequence[dict[str, Any]] = (),
) -> None:
    """Show scenarios that the reader of the report moves through, without a kernel or a network.

    Parameters
    ----------
    scenarios : one row a scenario, in the order in which they are moved through. The first column is what is moved;
        ``today`` (bool) marks the one row where things stand; the others are what follows.
    finding, subtitle, kind, formats : as for :func:`show_figure` and :func:`show_table`.
    assumed : values the reader may set too: each is ``times`` (a column of ``scenarios``), ``result`` (what the product
        is), ``label``, ``value``, ``lower``, ``upper``, ``step``, ``unit`` and ``reason``.

    Every number shown was computed here, but for the product of a column and an assumed value that the reader moved.
    The table of all scenarios stands in the page too, and is all there is where scripts are off. Raises ValueError for
    fewer than two scenarios, another number of rows of today than one, and an assumption that is not whole.
    """
    publish(
        what_if_bundle(
            scenarios, finding=finding, subtitle=subtitle, kind=kind, formats=formats, assumed=assumed
        )
    )  # fmt: skip


def what_if_bundle(
    scenarios: pd.DataFrame, *, finding: str, subtitle: str, kind: str, formats: Mapping[str, str] | None = None,
    assumed: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:  # fmt: skip
    """The bundle of :func:`what_if`."""
    if len(scenarios) < 2:
        raise ValueError(f"what_if needs at least two scenarios to move between; got {len(scenarios)}.")
    marked = scenarios["today"].astype(bool) if "today" in scenarios.columns else pd.Series(dtype=bool)
    if marked.sum() != 1:
        raise ValueError(f"what_if needs one row that is true in the column today; {marked.sum()} are.")
    shown = scenarios.drop(columns="today")
    formats, labels, values = dict(formats or {}), {}, []
    for place, given in enumerate(assumed):
        _check_assumption(given, shown)
        product = f"product_{place}"
        values.append([float(value) for value in shown[given["times"]]])
        shown = shown.assign(**{product: shown[given["times"]] * given["value"]})
        price = format_value(given["value"], given["unit"])
        labels[product] = phrase(
            "{result}, at {price} ({kind})", result=given["result"], price=price, kind=load_words()["kinds"]["assumed"]
        )
        formats[product] = "number"
    table = _table_content(shown, subtitle, _kind(kind), formats)
    for column in table["columns"]:
        column["label"] = labels.get(column["name"], column["label"])
    content = {
        "finding": _text(finding, "finding"),
        "subtitle": _text(subtitle, "subtitle"),
        "kind": kind,
        "today": int(marked.to_numpy().argmax()),
        "table": table,
        "assumed": [{**given, "values": numbers} for given, numbers in zip(assumed, values, strict=True)],
    }
    return {
        "text/html": _table_html(table),
        WHAT_IF: content,
        "text/plain": f"{finding}\n{subtitle} ({load_words()['kinds'][kind]})",
    }


def _check_assumption(given: dict[str, Any], scenarios: pd.DataFrame) -> None:
    keys = {"times", "result", "label", "value", "lower", "upper", "step", "unit", "reason"}
    if set(given) != keys:
        raise ValueError(f"an assumption says {sorted(keys)}; got {sorted(given)}.")
    for key in ("result", "label", "unit", "reason"):
        _text(given[key], f"assumed: {key}")
    if given["times"] not in scenarios.columns or not pd.api.types.is_numeric_dtype(scenarios[given["times"]]):
        raise ValueError(f"assumed: times names a column with numbers; got {given['times']!r}.")
    if not given["lower"] <= given["value"] <= given["upper"] or not given["step"] > 0:
        raise ValueError(f"assumed: {given['label']} needs lower <= value <= upper and a step above 0.")


def publish(bundle: dict[str, Any]) -> None:
    """Display one bundle."""
    # IPython is there in every kernel; a program that only formats values does not pay for importing it.
    from IPython.display import display

    display(bundle, raw=True)


def _text(value: str, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{what} must be a text that says something; got {value!r}.")
    return value.strip()


def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {list(KINDS)}; got {kind!r}.")
    return kind


def _number(value: float | None, name: str) -> float | None:
    if is_missing(value):
        return None
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or math.isinf(value):
        raise ValueError(f"{name}: value and interval must be finite numbers or None; got {value!r}.")
    return int(value) if isinstance(value, numbers.Integral) else float(value)


def literal(text: str) -> str:
    """A text of somebody's as prose: no Markdown is meant by it."""
    return re.sub(r"([\\`*_\[\]<>#$|])", r"\\\1", text)


def _table_content(
    table: pd.DataFrame, caption: str, kind: str, formats: Mapping[str, str] | None, people: Mapping[str, Any] | None = None
) -> dict[str, Any]:  # fmt: skip
    formats = dict(formats or {})
    if table.empty:
        raise ValueError(f"the table {caption!r} has no rows; say in words that there is nothing to show.")
    unknown = [name for name in formats if name not in table.columns]
    if unknown:
        raise ValueError(f"formats names {unknown}; the table {caption!r} has the columns {list(table.columns)}.")
    wrong = sorted(set(formats.values()) - set(FORMATS))
    if wrong:
        raise ValueError(f"formats of {caption!r}: {wrong} are none of {list(FORMATS)}.")
    how = unit_of(table, formats)
    rows = [
        [_cell(value, form, name) for value, (name, form) in zip(row, how.items(), strict=True)]
        for row in table.itertuples(index=False, name=None)
    ]
    if (held := held_back(table, people, formats)) is not None:
        words = load_words()["small_groups"]
        said = {what: words[what].format(n=smallest_group()) for what in ("under", "not_shown")}
        marks = held.to_numpy().tolist()
        rows = [
            [said.get(mark, cell) for mark, cell in zip(*pair, strict=True)] for pair in zip(marks, rows, strict=True)
        ]
        table = table.astype(object).where(held == "", held.replace(said))
        caption = words["caption"].format(caption=caption.rstrip("."), n=smallest_group())
    return {
        "caption": _text(caption, "caption"),
        "kind": kind,
        "columns": [
            {"name": name, "label": column_label(name, form), "numeric": form != "text", "unit": form}
            for name, form in how.items()
        ],
        "rows": rows,
        # The page's cells are rounded for reading; the file has what was computed. The line's end is named in full, since
        # a carriage return inside a cell is quoted only then.
        "csv": table.to_csv(index=False, lineterminator="\r\n"),
    }


def _cell(value: Any, form: str, name: str) -> str:
    if form == "text" and is_missing(value):
        return ""
    # A queue is called as the log calls it, whatever word that is.
    ours = isinstance(value, str) and (name != "queue" or value == OTHERS)
    return phrase(value) if form == "text" and ours else format_value(value, form)


def _figure_html(content: dict[str, Any], svg: str) -> str:
    """A figure as JupyterLab shows it: whatever is copied from there, its finding and its kind go with it.

    The drawing is a picture in a data address, which an untrusted notebook shows, too.
    """
    words, kind = load_words()["page"], load_words()["kinds"][content["kind"]]
    mark = f"<p {_MARK}>{html.escape(words['simulated'])}. {html.escape(words['simulated_more'])}</p>"
    behind = f"<details><summary>{html.escape(words['numbers'])}</summary>{{}}</details>"
    return (
        f'<figure style="margin:0;max-width:46em">{mark if content["kind"] == "SIMULATED" else ""}'
        f'<figcaption><strong style="font-size:1.15em">{html.escape(content["finding"])}</strong><br>'
        f"{html.escape(content['subtitle'])} ({html.escape(kind)})</figcaption>"
        f'<img width="624" alt="{html.escape(content["description"], quote=True)}" '
        f'src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">'
        f"{behind.format(_table_html(content['table'])) if content['table'] else ''}</figure>"
    )


_MARK = 'style="background:#b00020;color:#fff;padding:.2em .6em;font-weight:bold"'


def _table_html(content: dict[str, Any]) -> str:
    align = ["right" if column["numeric"] else "left" for column in content["columns"]]
    heads = "".join(
        f'<th scope="col" style="text-align:{side}">{html.escape(column["label"])}</th>'
        for side, column in zip(align, content["columns"], strict=True)
    )
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left">{html.escape(row[0])}</th>'
        + "".join(
            f'<td style="text-align:{side}">{html.escape(cell)}</td>'
            for side, cell in zip(align[1:], row[1:], strict=True)
        )
        + "</tr>"
        for row in content["rows"]
    )
    caption = f"{html.escape(content['caption'])} ({html.escape(load_words()['kinds'][content['kind']])})"
    return f"<table><caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
