"""What the cells of a log are: how its times and numbers are written, proved on every row, or asked.

Where one reading alone fits all cells it is taken and said. Where two fit and differ, the log does not say which is
meant, and a :class:`LogQuestionError` does, with the lines to paste.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import replace

import duckdb
import pandas as pd

from cxresearch.contacts import cells
from cxresearch.contacts.canonical import LogError, LogQuestionError, listed, sql_text
from cxresearch.contacts.mapping import Source, quoted, unit_named, written

_DATES = ("%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y", "%d-%m-%Y", "%m-%d-%Y", "%d-%m-%y", "%m-%d-%y",
          "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%d/%b/%Y", "%d/%b/%y", "%b %d %Y", "%b %d, %Y",
          "%d %B %Y", "%B %d, %Y", "%a, %d %b %Y", "%a %d %b %Y", "%a %b %d %Y", "%b-%d-%Y", "%Y-%m-%d", "%G-W%V-%u")  # fmt: skip
_TIMES = ("%H:%M:%S", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%H:%M:%S.%f", "%H.%M", "%H%M%S", "%H.%M.%S",
          "%H:%M Uhr", "%H:%M:%S Uhr", "%I.%M.%S.%f %p", "%p %I:%M:%S", "%p %I:%M", "")  # fmt: skip
_BETWEEN = (" ", ", ", "T", "  ")
FORMATS = tuple(
    f"{date}{between}{time}" if time else date
    for date in _DATES
    for time in _TIMES
    for between in (_BETWEEN if time else ("",))
)
_DAY = r"\d{4}-\d{1,2}-\d{1,2}"
_EXAMPLES = 200  # distinct cells from which candidates are found; every candidate is then tried on all rows
_MOST = 0.95  # of the cells: what one reading must cover
_LONG_S = 7200  # half of the waits on the line are shorter anywhere
_PART_OF_A_DAY = 0.3  # 95 % of the waits below it, and none whole: in days, a quarter of one
_COUNTED = ("epoch_s", "epoch_ms", "excel_days")
_ENOUGH = 30  # times that say something of their unit


def time_source(
    raw: duckdb.DuckDBPyRelation, name: str, source: Source, *, timezone: str, where: str, line: Source | None = None
) -> Source:
    """``source`` (of the ``line`` that is asked about) of times with its format found; LogQuestionError where day and month cannot be told apart, LogError where an
    instant has no local zone to be turned into."""
    cell = " || ' ' || ".join(map(cells.text, source.columns))
    column, line = source.columns[0], line or source
    one = len(source.columns) == 1 and not source.format and not (source.zone and not timezone)
    if one and _all_fit(raw, column, cells.PLAIN_TIME):
        return replace(source, plain=True)
    found = raw.aggregate(
        f"count({cell}) AS n, count(*) FILTER ({cells.fits(cell, cells.ISO_ZONED)}) AS zoned, "
        f"count(*) FILTER ({cells.fits(cell, cells.ISO_LOCAL)}) AS iso, "
        f"count(*) FILTER ({cells.fits(cell, cells.EPOCH_S)}) AS seconds, "
        f"count(*) FILTER ({cells.fits(cell, cells.EPOCH_MS)}) AS millis, count(*) FILTER ({cells.fits(cell, cells.EXCEL_DAYS)}) AS days, count(*) FILTER ({cells.fits(cell, _DAY)}) AS dates, "
        f"any_value({cell}) AS example"
    )
    n, zoned, iso, seconds, millis, days, dates, example = found.fetchall()[0]
    formats: tuple[str, ...] = (source.format,) if source.format else ()
    if not formats and n:
        if seconds > _MOST * n:
            formats = ("epoch_s",)
        elif millis > _MOST * n:
            formats = ("epoch_ms",)
        elif days > _MOST * n:
            formats = ("excel_days",)
        elif zoned + iso < n:
            formats = _formats(raw, cell, name, line, column, where=where)
    if (
        n
        and not source.format
        and (dates == n or (formats and not any("%H" in f or "%I" in f or f in _COUNTED for f in formats)))
    ):
        raise LogQuestionError(
            f"{where}: {name} ({column!r}, such as {example!r}) has no time of day, so nothing can be said of hours, and all "
            f'would stand at 0 h. Name a column with the time beside it, column = [{quoted(column)}, "..."], or go on all the same '
            f"with {written(name, line, format=formats[0] if formats else '%Y-%m-%d')}."
        )
    if (
        n
        and not zoned + iso
        and not raw.filter(f"{cells.moment(cell, formats, zone=source.zone, timezone=timezone)} IS NOT NULL")
        .limit(1)
        .fetchall()
    ):
        given = f" by {source.format!r}" if source.format else ""
        raise LogQuestionError(
            f"{where}: {name} ({column!r}): {example!r} and {n - 1:,} more are no date that can be read{given}. Say how they are "
            f"written, or name another column: {written(name, line, format='%d.%m.%Y %H:%M')}"
        )
    instants = zoned or any(form.startswith("epoch_") for form in formats) or source.zone
    if instants and not timezone:
        kind = "count from 1970" if formats else f"are {source.zone} times" if source.zone else "carry an offset or a Z"
        raise LogError(
            f"{where}: {name} ({column!r}, such as {example!r}): the times {kind}; say in which zone the customers live, "
            f'so that hours and days are theirs: --timezone Europe/Berlin, in a report timezone = "Europe/Berlin" (in Python '
            "cx.load(..., timezone=...))."
        )
    return replace(source, format="\n".join(formats))


def _formats(
    raw: duckdb.DuckDBPyRelation, cell: str, name: str, line: Source, column: str, *, where: str
) -> tuple[str, ...]:
    rest = raw.select(f"{cell} AS cell").filter(
        f"cell IS NOT NULL AND NOT {cells.fits('cell', cells.ISO_LOCAL)} AND NOT {cells.fits('cell', cells.ISO_ZONED)}"
    )
    if rest.filter("regexp_matches(cell, '[A-Za-z]|[^\\x00-\\x7f]')").limit(1).fetchall():
        rest = rest.select(f"{cells.plain_moment('cell')} AS cell")
    some: dict[str, list[str]] = {}
    for (one,) in rest.distinct().limit(_EXAMPLES).fetchall():
        some.setdefault(re.sub(r"\w", "", one), []).append(one)
    likely = [form for form in FORMATS if any(map(_shape(form).fullmatch, some.get(_marks(form), ())))]
    chosen: list[str] = []
    while likely:
        left = rest if not chosen else rest.filter(f"{cells.moment('cell', chosen, plain=True)} IS NULL")
        tried = {form: cells.moment("cell", [form], plain=True) for form in likely}
        said = left.aggregate("count(*), " + ", ".join(f"count({one})" for one in tried.values())).fetchall()[0]
        total, counts = said[0], dict(zip(likely, said[1:], strict=True))
        best = max(counts, key=lambda form: counts[form])
        if not total or counts[best] * 100 < total:
            break
        for rival in (form for form in likely if form != best and counts[form] == counts[best]):
            n, cell_ = left.filter(f"{tried[best]} <> {tried[rival]}").aggregate("count(*), min(cell)").fetchall()[0]
            if n:
                both = {best: tried[best], rival: tried[rival]}
                raise LogQuestionError(_which_day(left, n, cell_, both, name, line, column, where))
        if any(_swapped(form) == _date(best) for form in chosen):
            cell_ = left.filter(f"{tried[best]} IS NOT NULL").aggregate("min(cell)").fetchall()[0][0]
            raise LogError(
                f"{where}: {name} ({column!r}): {cell_!r} has day and month the other way round than most cells do, so that of "
                "days up to 12 nobody knows. Give the two kinds of rows in two logs, each with its own format."
            )
        chosen.append(best)
        likely = [form for form in likely if form != best]
    return tuple(chosen)


def _date(form: str) -> str:
    return form.split(" %H")[0].split(" %I")[0]


def _swapped(form: str) -> str:
    """The date of a format with day and month the other way round."""
    return re.sub("%[dm]", lambda part: "%m" if part[0] == "%d" else "%d", _date(form))


def _which_day(
    left: duckdb.DuckDBPyRelation,
    n: int,
    cell: str,
    tried: dict[str, str],
    name: str,
    line: Source,
    column: str,
    where: str,
) -> str:
    (best, one), (rival, other) = tried.items()
    named = ", ".join(f"strftime({read}, '%-d %B %Y')" for read in (one, other))
    said = left.filter(f"cell = {sql_text(cell)}").select(named).limit(1).fetchall()[0]
    return (
        f"{where}: {name} ({column!r}): {cell!r} and {n - 1:,} more can be read as {said[0]} and as {said[1]}, and no cell "
        f"proves which. Write {written(name, line, format=best)} or {written(name, line, format=rival)}."
    )


_FIELDS = {
    "%d": r"\d{1,2}", "%m": r"\d{1,2}", "%Y": r"\d{4}", "%y": r"\d{2}", "%H": r"\d{1,2}", "%I": r"\d{1,2}", "%M": r"\d{2}",
    "%S": r"\d{2}", "%f": r"\d{1,6}", "%p": "[AaPp][Mm]", "%G": r"\d{4}", "%V": r"\d{2}", "%u": r"\d", "%a": "[A-Za-z]{3}", "%b": "[A-Za-z]{3}", "%B": "[A-Za-z]{3,9}",
}  # fmt: skip


@functools.cache
def _marks(form: str) -> str:
    """What stands between the words of a format: cells with other marks are not of it."""
    return re.sub(r"%.|\w", "", form)


@functools.cache
def _shape(form: str) -> re.Pattern[str]:
    """What a cell of this format looks like; whether it is a date, the engine says."""
    return re.compile("".join(_FIELDS.get(part, re.escape(part)) for part in re.split("(%.)", form)))


def _all_fit(raw: duckdb.DuckDBPyRelation, column: str, pattern: str) -> bool:
    """Whether there are cells, and every one that says something fits as it stands."""
    cell = f"CAST({cells.column(column)} AS VARCHAR)"
    n, fitting = raw.aggregate(f"count({cell}), count(*) FILTER ({cells.fits(cell, pattern)})").fetchall()[0]
    return bool(n) and n == fitting


def number_source(raw: duckdb.DuckDBPyRelation, name: str, source: Source, *, span: bool, where: str) -> Source:
    """``source`` of a number with its signs found, of a time ``span`` with its unit; LogQuestionError where two readings fit."""
    column, cell = source.columns[0], cells.text(source.columns[0])
    if span and not source.unit:
        unit = unit_named(column)
        if unit not in ("", "s"):
            raise LogQuestionError(
                f"{where}: the name of {column!r} says that {name} is not in seconds. Write "
                f'{written(name, source, unit=unit)}, or unit = "s" where it is in seconds all the same.'
            )
    clock = source.unit in ("hh:mm:ss", "hh:mm", "mm:ss", "iso8601")
    if not (clock or source.decimal or source.thousands) and _all_fit(raw, column, cells.PLAIN_NUMBER):
        points = raw.filter(f"contains(CAST({cells.column(column)} AS VARCHAR), '.')").limit(1).fetchall()
        return replace(source, plain=True, decimal="." if points else "")
    # A zero before the sign is kept apart: no group of thousands begins with one.
    shape = f"regexp_replace(regexp_replace({cell}, '^([+-]?)0([.,])', '\\1Z\\2'), '[0-9]', '9', 'g')"
    shapes = (
        raw.select(f"{shape} AS shape, {cell} AS cell")
        .filter("shape IS NOT NULL")
        .aggregate("shape, count(*) AS n, min(cell) AS example", "shape")
        .order("n DESC, shape")
        .limit(2000)
        .df()
    )
    clocks = shapes["shape"].str.fullmatch(r"-?9+:99([.,]9+)?")
    if span and clocks.any() and not source.unit:
        if shapes["shape"].str.fullmatch(r"-?9+:99:99([.,]9+)?").any():
            source = replace(source, unit="mm:ss")  # beside clocks with hours the short ones have none
        else:
            example = shapes.loc[clocks, "example"].iloc[0]
            raise LogQuestionError(
                f"{where}: {name} ({column!r}): {example!r} and {int(shapes.loc[clocks, 'n'].sum()) - 1:,} more are minutes and "
                f"seconds, or hours and minutes. Write {written(name, source, unit='mm:ss')} or "
                f"{written(name, source, unit='hh:mm')}."
            )
    if not (source.decimal or source.thousands):
        if span:  # a cell that carries its unit has the same signs
            shapes["shape"] = shapes["shape"].str.replace(r"(?<=9)\s*[^\W\d_]+[.]?$", "", regex=True)
        source = _signs(shapes, name, column, source, where=where)
    return source


def _signs(shapes: pd.DataFrame, name: str, column: str, source: Source, *, where: str) -> Source:
    """What the point and the comma are. A group of three digits alone proves nothing; every other form does."""
    text = shapes["shape"]

    def any_of(pattern: str) -> bool:
        return bool(text.str.fullmatch(pattern).any())

    proved = {}
    for sign, other in ((".", ","), (",", ".")):
        s, o = re.escape(sign), re.escape(other)
        decimal = any_of(
            rf"[+-]?(Z{s}9*|{s}9+|9{{4,}}{s}9+|9+{s}(9{{1,2}}|9{{4,}}|)|9{{1,3}}({o}999)+{s}9+)([eE][+-]?9+)?"
        )
        thousands = any_of(rf"[+-]?9{{1,3}}({s}999){{2,}}({o}9*)?|[+-]?9{{1,3}}({s}999)+{o}9+")
        proved[sign] = (decimal, thousands)
    for sign, other in ((".", ","), (",", ".")):
        s = re.escape(sign)
        doubtful = text.str.fullmatch(rf"[+-]?[1-9]{{1,3}}{s}999")
        decimal, thousands = proved[sign]
        if decimal and thousands:
            example = shapes.loc[text.str.contains(s), "example"].iloc[0]
            raise LogQuestionError(
                f"{where}: {name} ({column!r}) has {sign!r} both between thousands and before decimals, such as {example!r}. "
                "Put it right in the file."
            )
        if thousands:
            return replace(source, thousands=sign, decimal=other)
        if decimal:
            return replace(source, decimal=sign, thousands=other if proved[other][1] or _doubtful(text, other) else "")
        if not doubtful.any() or proved[other][0]:
            continue
        if any_of(r"[+-]?9{4,}"):  # thousands stand without any sign
            return replace(source, decimal=sign)
        example, n = shapes.loc[doubtful, "example"].iloc[0], int(shapes.loc[doubtful, "n"].sum())
        raise LogQuestionError(
            f"{where}: {name} ({column!r}): {example!r} and {n - 1:,} more: is {sign!r} between thousands or before decimals? "
            f"Write {written(name, source, thousands=sign)} or {written(name, source, decimal=sign)}."
        )
    other = next((o for s, o in ((".", ","), (",", ".")) if proved[o][0] and _doubtful(text, s)), "")
    return replace(source, decimal=other, thousands="." if other == "," else ",") if other else source


def _doubtful(text: pd.Series, sign: str) -> bool:
    return bool(text.str.fullmatch(rf"[+-]?9{{1,3}}{re.escape(sign)}999").any())


def plausible_unit(raw: duckdb.DuckDBPyRelation, name: str, source: Source, seconds: str, *, where: str) -> None:
    """LogQuestionError where the size of plain numbers of waits on the line speaks against seconds."""
    waits = raw.select(f"{seconds} AS v").filter("v > 0")
    n, half, most, round_, broken = waits.aggregate(
        "count(v), quantile_cont(v, 0.5), quantile_cont(v, 0.95), count(*) FILTER (v % 1000 = 0), count(*) FILTER (v % 1 <> 0)"
    ).fetchall()[0]
    if n < _ENOUGH:
        return
    column = source.columns[0]
    said = f"{where}: {name} ({column!r}): half of the waits are under {half:g}, 95 % under {most:g}"
    if round_ == n and half >= 1000:
        raise LogQuestionError(
            f"{said}, and all are whole thousands: milliseconds, or seconds? Write {written(name, source, unit='ms')} or "
            f"{written(name, source, unit='s')}."
        )
    if most < _PART_OF_A_DAY and broken == n:
        raise LogQuestionError(
            f"{said}: parts of a day, as a spreadsheet writes a clock, or seconds? Write {written(name, source, unit='d')} or "
            f"{written(name, source, unit='s')}."
        )
    if most < 30 and broken * 2 > n:
        raise LogQuestionError(
            f"{said}, most with decimals: minutes, or seconds? Write {written(name, source, unit='min')} or "
            f"{written(name, source, unit='s')}."
        )
    if half > _LONG_S:
        raise LogQuestionError(
            f"{said}, longer than anybody stays on the line: milliseconds, or seconds? Write {written(name, source, unit='ms')} or "
            f"{written(name, source, unit='s')}."
        )


def yes_or_no(raw: duckdb.DuckDBPyRelation, name: str, source: Source, cell: str, *, where: str) -> None:
    """LogError for a word that is neither yes nor no."""
    wrong = raw.filter(f"{cell} IS NOT NULL AND {cells.truth(cell)} IS NULL").aggregate(
        f"{cell} AS word, count(*) AS n", cell
    )
    rows: Sequence[tuple[str, int]] = wrong.order("n DESC, word").limit(50).fetchall()
    if rows:
        found = listed((f"{word!r} ({n:,} rows)" for word, n in rows), most=5)
        words = {**source.words, **{word: "true" for word, _ in rows[:12]}}
        raise LogQuestionError(
            f"{where}: column {name!r} holds {found}; it takes true and false, yes and no, 1 and 0. Say which is which: "
            f'{written(name, source, words=words)}, or "false".'
        )
