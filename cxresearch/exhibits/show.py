"""What a notebook shows: each call displays one bundle, for JupyterLab and for the report.

JupyterLab shows the standard form (SVG, HTML, Markdown); the report reads the private JSON form beside it from the
executed notebook, so a number that stands in the report is the number that the notebook computed.
"""

from __future__ import annotations

import html
import math
import numbers
import re
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from cxresearch.figures.parts import root_figure
from cxresearch.style import format_interval, format_value, is_missing, load_words, theme

__all__ = [
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
    formats: dict[str, str] | None = None,
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
    finding = " ".join(_text(ax.get_title() or ax.get_title("left"), "ax.get_title()").split())
    content: dict[str, Any] = {
        "finding": finding,
        "subtitle": _text(subtitle, "subtitle"),
        "description": _text(description, "description"),
        "kind": _kind(kind),
        "table": None if table is None else _table_content(table, caption or subtitle, kind, formats),
    }
    figure = root_figure(ax)
    ax.set_title("")
    ax.set_title("", loc="left")
    svg, content["prefix"] = theme.themed_svg(figure, title=finding, description=content["description"])
    plt.close(figure)
    # A notebook shows the drawing at a reader's size, not as wide as the window; the page sets its own width.
    svg = svg.replace("<svg ", f"<svg {NOTEBOOK_WIDTH} ", 1)
    _publish({"image/svg+xml": svg, FIGURE: content, "text/plain": f"{finding}\n{content['subtitle']} ({kind})"})


def show_table(table: pd.DataFrame, *, caption: str, kind: str, formats: dict[str, str] | None = None) -> None:
    """Show ``table`` with its caption; the first column names the rows.

    ``formats`` says how a column is written: "share", "points", "count", "seconds", "number", "p" or "text";
    without it whole numbers are counts, other numbers have three significant digits, the rest is text. The index is
    not shown. Raises ValueError for an empty table, an unknown format or a column that is not there.
    """
    content = _table_content(table, caption, _kind(kind), formats)
    _publish({"text/html": _table_html(content), TABLE: content, "text/plain": f"{caption} ({kind})"})


def say(markdown: str) -> None:
    """Show computed prose; it may open with a heading (``## ...``) that is a finding."""
    _publish({"text/markdown": _text(markdown, "markdown")})


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
    note: str = "",
    change: dict[str, Any] | None = None,
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
    n : contacts or respondents behind it.
    change : what moved since the period before (``headlines.change_record``), or None.
    """
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
        "value": value,
        "lower": lower,
        "upper": upper,
        "unit": _text(unit, f"{name}: unit"),
        "kind": _kind(kind),
        "better": better or None,
        "n": None if n is None or is_missing(n) else int(n),
        "note": note.strip(),
        "change": change,
    }
    interval = note if lower is None or upper is None else format_interval(lower, upper, unit)
    if value is not None and lower == value == upper:
        interval = note or load_words()["page"]["counted"]
    line = f"{content['label']}: {format_value(value, unit)} ({interval}; {kind})"
    _publish({"text/plain": line, HEADLINE: content})


def main_points(points: Sequence[tuple[str, str]]) -> None:
    """Show the main points, at most six pairs of a lead (what happened) and a sentence (value, change, interval)."""
    if not 1 <= len(points) <= 6:
        raise ValueError(f"one to six main points, or they are not main points; got {len(points)}.")
    pairs = [[_text(lead, "lead"), _text(sentence, "sentence")] for lead, sentence in points]
    prose = "\n".join(f"- **{_literal(lead)}** {_literal(sentence)}" for lead, sentence in pairs)
    _publish({"text/markdown": prose, POINTS: {"points": pairs}})


def what_if(
    scenarios: pd.DataFrame,
    *,
    finding: str,
    subtitle: str,
    kind: str,
    formats: dict[str, str] | None = None,
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
        labels[product] = f"{given['result']}, at {price} ({load_words()['kinds']['assumed']})"
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
    _publish({"text/html": _table_html(table), WHAT_IF: content, "text/plain": f"{finding}\n{subtitle} ({kind})"})


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


def column_label(name: str, how: str = "") -> str:
    """Read a column's name aloud: ``arrivals_per_h`` is "Arrivals per hour", ``wait_s`` is "Wait (s)"."""
    words = load_words()
    if name in words["columns"]:
        return words["columns"][name]
    for suffix, text in words["suffixes"].items():
        if name.endswith(suffix) and len(name) > len(suffix):
            # A cell that says "76 s" needs no unit in its heading.
            name = name.removesuffix(suffix) + ("" if suffix == "_s" and how == "seconds" else text)
            break
    label = name.replace("_", " ").strip()
    return label[:1].upper() + label[1:]


def _publish(bundle: dict[str, Any]) -> None:
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


def _literal(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>#$|])", r"\\\1", text)


def _table_content(table: pd.DataFrame, caption: str, kind: str, formats: dict[str, str] | None) -> dict[str, Any]:
    formats = formats or {}
    if table.empty:
        raise ValueError(f"the table {caption!r} has no rows; say in words that there is nothing to show.")
    unknown = [name for name in formats if name not in table.columns]
    if unknown:
        raise ValueError(f"formats names {unknown}; the table {caption!r} has the columns {list(table.columns)}.")
    wrong = sorted(set(formats.values()) - set(FORMATS))
    if wrong:
        raise ValueError(f"formats of {caption!r}: {wrong} are none of {list(FORMATS)}.")
    how = {str(name): formats.get(name) or _default_format(table[name]) for name in table.columns}
    return {
        "caption": _text(caption, "caption"),
        "kind": kind,
        "columns": [
            {"name": name, "label": column_label(name, form), "numeric": form != "text"} for name, form in how.items()
        ],
        "rows": [
            [_cell(value, form) for value, form in zip(row, how.values(), strict=True)]
            for row in table.itertuples(index=False, name=None)
        ],
        # The page's cells are rounded for reading; the file has what was computed.
        "csv": table.to_csv(index=False, lineterminator="\n"),
    }


def _default_format(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return "text"
    return "count" if pd.api.types.is_integer_dtype(column) else "number"


def _cell(value: Any, form: str) -> str:
    if form == "text" and is_missing(value):
        return ""
    return format_value(value, form)


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
    caption = f"{html.escape(content['caption'])} ({content['kind']})"
    return f"<table><caption>{caption}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
