"""What a page shows of a recorded table, figure, what-if and headline, as its template takes it.

The one thing on a page that moves is a what-if: scenarios computed in the run, chosen by a slider, shown by a few lines
of script. The script holds no number: it shows the cells of the table that stands in the page anyway. A second one, as
short, compares the day on which the page is opened with the day on which a newer report is due. Both are the same for
every report, so the page's policy allows them by their hashes and allows nothing else. docs/what-if.md says why.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

from cxresearch.contacts import parse_period
from cxresearch.report.page.take_away import rows_of, safe_csv
from cxresearch.style import format_interval, format_value, is_missing, load_words, period_label

SCRIPTS = SCRIPT, DUE_SCRIPT, PAGE_SCRIPT = tuple(
    (files("cxresearch.report.page") / "templates" / name).read_text(encoding="utf-8")
    for name in ("whatif.js", "due.js", "page.js")
)
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def policy(*scripts: str) -> str:
    """The Content-Security-Policy of a page: nothing is loaded, and no script runs but ``scripts``, which are our own files."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    sources = " ".join(f"'sha256-{one}'" for one in hashes)
    return f"{POLICY}; script-src {sources}" if scripts else POLICY


def what_if_view(content: dict[str, Any], table: dict[str, Any], *, anchor: str, language: str) -> dict[str, Any]:
    """What the template shows of one recorded what-if; ``table`` is its table as the page shows tables.

    Its numbers are written as the notebook wrote those of the table: ``language`` is what it speaks.
    """
    numbers = load_words(language)["numbers"]
    products = {f"product_{place}": place for place in range(len(content["assumed"]))}
    columns = list(enumerate(table["columns"]))[1:]
    today = content["table"]["rows"][content["today"]]
    return {
        "type": "what_if",
        "anchor": anchor,
        "finding": content["finding"],
        "subtitle": content["subtitle"],
        "kind": content["kind"],
        "today": content["today"],
        "lever": {"label": table["columns"][0]["label"], "today": today[0]},
        "outputs": [
            {"column": place, "label": column["label"], "today": today[place]}
            for place, column in columns if column["name"] not in products
        ],
        "assumed": [
            {
                **given,
                "id": f"{anchor}-{place}",
                "values": " ".join(repr(value) for value in given["values"]),
                "each": format_value(given["value"], given["unit"], language=language),
                "range": [format_value(given[end], given["unit"], language=language) for end in ("lower", "upper")],
                "product_today": f"{today[_place(columns, place)]} {given['unit']}",
            }
            for place, given in enumerate(content["assumed"])
        ],
        "decimal": numbers["decimal"],
        "thousands": numbers["thousands"],
        "table": table,
    }  # fmt: skip


def _place(columns: list[tuple[int, dict[str, Any]]], product: int) -> int:
    return next(place for place, column in columns if column["name"] == f"product_{product}")


FOLDED_ROWS = 12  # beyond these a table is closed until its reader opens it
FOLDED_LETTERS = 1_200  # so is one whose few rows are long texts
_LONG = 28  # letters beyond which a cell is a text that wraps
_NARROW = 44  # letters that stand beside each other on a telephone
_BESIDE = 60  # letters of a table that stand beside prose
_SORTED_ROWS = 10  # longer tables are sorted by their reader


def table_view(content: dict[str, Any], *, label: str, file: str) -> dict[str, Any]:
    """What the template shows of a table recorded by ``present``: its classes, its file, and how it is folded."""
    data = base64.b64encode(safe_csv(content).encode()).decode()
    columns, rows = content["columns"], content["rows"]
    lengths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    texts = [not column["numeric"] for column in columns]
    long = [text and length > _LONG for text, length in zip(texts, lengths, strict=True)]
    return {
        **content,
        "classes": ["n" if not text else "long" if wraps else "" for text, wraps in zip(texts, long, strict=True)],
        "label": label,
        "wide": sum(
            max(min(length, _LONG), _longest_word(column["label"])) + 2
            for length, column in zip(lengths, columns, strict=True)
        )
        > _BESIDE,
        "orders": _orders(content) if len(rows) > _SORTED_ROWS else None,
        "folded": len(rows) > FOLDED_ROWS or sum(len(cell) for row in rows for cell in row) > FOLDED_LETTERS,
        # Numbers are compared down a column and keep it; texts are read one row after the other.
        "stacked": (long[0] or any(texts[1:])) and sum(min(length, _LONG) for length in lengths) > _NARROW,
        "file": f"{file}-{slug(content['caption'])}.csv",
        "href": f"data:text/csv;charset=utf-8;base64,{data}",
    }


def _longest_word(label: str) -> int:
    return max(map(len, label.split()), default=0)


def _orders(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Of each column the places of the rows, the smallest value first, and how many at the end have no value.

    Sorted are the values that were computed, not their text: 99 s comes before 2.4 min.
    """
    values = rows_of(content)[1:]
    orders = []
    for at, column in enumerate(content["columns"]):
        keys = [_key(row[at], numeric=column["numeric"]) for row in values]
        known = sorted((place for place, key in enumerate(keys) if key is not None), key=lambda place: keys[place])
        unknown = [place for place, key in enumerate(keys) if key is None]
        orders.append({"places": " ".join(map(str, [*known, *unknown])), "unknown": len(unknown)})
    return orders


def _key(cell: str, *, numeric: bool) -> Any:
    """What a cell is sorted by; None where it has no value. In a text its numbers count as numbers: q2 before q10."""
    if not numeric:
        parts = re.split(r"([0-9]+)", cell.casefold())  # every second one is a number
        return [int(part) if place % 2 else part for place, part in enumerate(parts)] if cell else None
    try:
        value = float(cell)
    except ValueError:
        return None
    return None if is_missing(value) else value


def slug(text: str) -> str:
    """A text as part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60]


_SVG_TAGS = ("svg", "g", "path", "text", "tspan", "use", "defs", "clippath", "rect", "circle", "ellipse", "line",
    "polyline", "polygon", "title", "desc", "image", "lineargradient", "stop", "pattern", "mask")  # fmt: skip


class _SvgCheck(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        if tag not in _SVG_TAGS:
            self.refused.append(f"<{tag}>")
        for name, value in attrs:
            text = (value or "").strip().lower()
            outside = name in ("href", "xlink:href", "src") and not text.startswith(("#", "data:image/"))
            if name.startswith("on") or outside or re.search(r"url\((?!\s*['\"]?#)|@import", text):
                self.refused.append(f"{name}={text[:40]!r}")


def refuse_active_content(svg: str, title: str) -> None:
    """Raise ValueError where ``svg`` holds anything that runs, loads or is not a drawing."""
    check = _SvgCheck()
    check.feed(svg)
    check.close()
    if check.refused:
        raise ValueError(f"the figure {title!r} holds what a report must not: {', '.join(check.refused[:3])}.")


def tile(headline: dict[str, Any], run: dict[str, Any], language: str) -> dict[str, Any]:
    """What a tile and a cell of the index show of one headline."""
    words = load_words(language)["page"]
    ends = (headline["lower"], headline["upper"])
    # What was counted in full has no interval.
    counted = not is_missing(headline["value"]) and ends == (headline["value"], headline["value"])
    known = not (is_missing(ends[0]) or is_missing(ends[1]) or counted)
    interval = known and words["interval"].format(
        interval=format_interval(headline["lower"], headline["upper"], headline["unit"], language=language)
    )
    return {
        **headline,
        "text": format_value(headline["value"], headline["unit"], language=language),
        "interval": interval or headline["note"] or (words["counted"] if counted else ""),
        "range": known and format_interval(headline["lower"], headline["upper"], headline["unit"], language=language),
        "note": headline["note"] if known else "",
        "target": _target_in_words(headline, language),
        # A number from a book does not move from month to month, and a survey has no period before it.
        "change": None
        if headline.get("change") is None
        and (headline["kind"] in ("quoted", "assumed") or run.get("previous_period", "") is None)
        else change_in_words(_labelled(headline, run), run.get("previous_period_label"), language=language),
    }


def year_in_words(headline: dict[str, Any], language: str) -> dict[str, Any] | None:
    """What a cell of the index shows of the same period of the year before; None where its report does not stand."""
    if not (then := headline.get("year_before")):
        return None
    at = parse_period(then["period"])
    period = period_label(at.kind, at.start, language=language)
    value = format_value(then["value"], headline["unit"], language=language)
    moved = {**headline, "change": then["change"]}
    return {
        "text": load_words(language)["index"]["year_before"].format(period=period, value=value),
        "change": change_in_words(moved, period, language=language) if then["change"] else None,
    }


def _target_in_words(headline: dict[str, Any], language: str) -> str:
    """The target of a headline and whether it is met; "" without one."""
    target, words = headline.get("target"), load_words(language)["target"]
    if not target:
        return ""
    limit = format_value(target["limit"], headline["unit"], language=language)
    side = "least" if headline["better"] == "higher" else "most"
    return f"{words[side].format(limit=limit)}: {words[target['verdict'].replace(' ', '_')]}"


def _labelled(headline: dict[str, Any], run: dict[str, Any]) -> dict[str, Any]:
    """The headline with the period of its change named in the language of the page."""
    change, labels = headline.get("change"), run.get("labels", {})
    if change is None or change["previous_period_label"] not in labels:
        return headline
    return {**headline, "change": {**change, "previous_period_label": labels[change["previous_period_label"]]}}


def change_in_words(headline: dict[str, Any], period: str | None, *, language: str = "en") -> dict[str, str]:
    """Say how a headline moved since the period before, in words that respect the interval of the difference.

    Returns ``text``, ``short`` (for tables), ``direction`` ("up", "down" or "") and ``judgement`` ("better", "worse"
    or ""). ``period`` names the period before where the headline has no change.
    """
    change, unit = headline.get("change"), headline["unit"]
    words, short_words = (load_words(language)[part] for part in ("change", "change_short"))

    def said(what: str, **values: str) -> dict[str, str]:
        short = short_words[what.removesuffix("_interval")].format(**values)
        return {"text": words[what].format(**values), "short": short, "direction": "", "judgement": ""}

    if change is None or is_missing(change["difference"]):
        return said("unknown", period=period) if period else said("first")
    period = str(change["previous_period_label"])
    unit_of_change = "points" if unit == "share" else unit
    difference, lower, upper = change["difference"], change["lower"], change["upper"]
    has_interval = not (is_missing(lower) or is_missing(upper) or lower == upper)
    counted = not (is_missing(lower) or is_missing(upper)) and lower == upper == difference
    if difference == 0 and (counted or change["distinguishable"]):
        return said("none", period=period)
    if not change["distinguishable"]:
        if not has_interval:
            return said("unclear", period=period)
        interval = format_interval(lower, upper, unit_of_change, language=language)
        return said("unclear_interval", period=period, interval=interval)
    direction = "up" if difference > 0 else "down"
    if difference < 0:
        # "Down 1.0 (0.1 to 1.9)": the word carries the sign.
        difference, lower, upper = -difference, has_interval and -upper, has_interval and -lower
    told = said(
        direction,
        difference=format_value(difference, unit_of_change, language=language),
        previous=format_value(change["previous"], unit, language=language),
        period=period,
    )
    if has_interval:
        interval = format_interval(lower, upper, unit_of_change, language=language)
        told["text"] += words["interval"].format(interval=interval)
    good = {"higher": "up", "lower": "down"}.get(headline["better"])
    judgement = "" if good is None else "better" if direction == good else "worse"
    return told | {"direction": direction, "judgement": judgement}


def trend(headlines: list[dict[str, Any]]) -> dict[str, str] | None:
    """Points of a small line from the oldest to the newest value, and of the band of the intervals."""
    known = [headline for headline in headlines if not is_missing(headline["value"])]
    if len(known) < 2:
        return None
    values = [float(headline["value"]) for headline in known]
    ends = [
        tuple(float(value if is_missing(headline[end]) else headline[end]) for end in ("lower", "upper"))
        for headline, value in zip(known, values, strict=True)
    ]
    low, high = min(min(pair) for pair in ends), max(max(pair) for pair in ends)
    across = [3 + 90 * i / (len(known) - 1) for i in range(len(known))]

    def up(value: float) -> float:
        return 14.0 if high == low else 25 - 22 * (value - low) / (high - low)

    line = [(x, up(value)) for x, value in zip(across, values, strict=True)]
    band = [(x, up(a)) for x, (a, _) in zip(across, ends, strict=True)]
    band += [(x, up(b)) for x, (_, b) in zip(across[::-1], ends[::-1], strict=True)]
    text = [" ".join(f"{x:.1f},{y:.1f}" for x, y in points) for points in (line, band)]
    return {"line": text[0], "band": text[1], "x": f"{line[-1][0]:.1f}", "y": f"{line[-1][1]:.1f}"}


def forecast_view(run: dict[str, Any], language: str) -> dict[str, Any] | None:
    """What the page shows of ``run["forecast"]`` (``forecast.forecast_rows``); None where nothing was said at all."""
    rows = [row for row in run.get("forecast") or [] if row["said"] is not None or row["next"] is not None]
    if not rows:
        return None
    words = load_words(language)

    def told(row: dict[str, Any], what: str, note: str) -> str:
        if row[what] is None:
            return str(row[note])
        value = format_value(row[what], row["unit"], language=language)
        ends = format_interval(row[f"{what}_lower"], row[f"{what}_upper"], row["unit"], language=language)
        return f"{value} ({ends})"

    return {
        "level": format_value(rows[0]["level"], "share", language=language),
        "rows": [
            {
                "label": row["label"],
                "said": told(row, "said", "note"),
                "came": format_value(row["value"], row["unit"], language=language),
                "inside": "" if row["inside"] is None else words["numbers"]["yes" if row["inside"] else "no"],
                "so_far": words["page"]["of"].format(part=row["inside_so_far"], all=row["scored_so_far"]),
                "score": "" if row["pinball"] is None else _score(row, language),
                "next": told(row, "next", "next_note"),
            }
            for row in rows
        ],
    }


def _score(row: dict[str, Any], language: str) -> str:
    unit, words = "points" if row["unit"] == "share" else row["unit"], load_words(language)["forecast"]
    own, alone = (format_value(row[what], unit, language=language) for what in ("pinball", "unchanged"))
    better = row["pinball_so_far"] < row["unchanged_so_far"]
    return words["score_beside"].format(own=own, unchanged=alone) + ("" if better else f"; {words['no_better']}")
