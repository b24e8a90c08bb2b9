"""How numbers, dates and sentences are said: one text for one value everywhere, in the language of the report.

The fixed words of a page stand in ``words-LANGUAGE.toml`` beside this module; a second language is a second file. What
notebooks and exhibits say is written in English where it is said (:func:`phrase`); ``phrases/`` holds it in the others.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
import numbers
import os
import re
import string
import tomllib
from importlib.resources import files
from typing import Any

_FOLDER = files("cxresearch.style")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def languages() -> list[str]:
    """The languages there are words for."""
    named = (re.fullmatch(r"words-(\w+)\.toml", resource.name) for resource in _FOLDER.iterdir())
    return sorted(found[1] for found in named if found)


def current_language() -> str:
    """The language of what is said where none is named: that of the report, which the runner tells its kernels."""
    return os.environ.get("CXRESEARCH_LANGUAGE") or "en"


def load_words(language: str | None = None) -> dict[str, Any]:
    """Return every fixed word of ``language`` as nested dictionaries."""
    return _words(language or current_language())


@functools.cache
def _words(language: str) -> dict[str, Any]:
    path = _FOLDER / f"words-{language}.toml"
    if not path.is_file():
        raise ValueError(f"no words for the language {language!r}; there are {languages()}.")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def phrase(english: str, /, *, language: str | None = None, **values: object) -> str:
    """A sentence of a notebook or an exhibit in the language of the report; as it is written where there is no other.

    ``english`` is the whole sentence, ``{name}`` where a value stands, which is given already as text:
    ``phrase("{share} gave up", share=format_value(0.127, "share"))``.
    """
    text = _phrases(language or current_language()).get(english, english)
    return text.format(**values) if values else text


def retold(text: str, *sentences: str, language: str | None = None) -> str:
    """``text`` in the language of the report where it is one of these English ``sentences`` with values in it; else as it is.

    For what stands in English in a table or a file, and is shown: ``retold("a bot settles 10 %", "a bot settles {share} %")``.
    """
    for sentence in sentences:
        if found := _reader(sentence).fullmatch(text):
            values = {name: _numbers(value, language) for name, value in found.groupdict().items()}
            return phrase(sentence, language=language, **values)
    return text


def _numbers(value: str, language: str | None) -> str:
    """A value as it is, or where it is a number with a point, with the decimal sign of the language."""
    whole = re.fullmatch(r"\d+\.\d+", value)
    return value.replace(".", str(load_words(language)["numbers"]["decimal"])) if whole else value


@functools.cache
def _reader(sentence: str) -> re.Pattern[str]:
    parts = string.Formatter().parse(sentence)
    return re.compile("".join(re.escape(said) + (f"(?P<{name}>.+?)" if name else "") for said, name, _, _ in parts))


@functools.cache
def _phrases(language: str) -> dict[str, str]:
    """English -> ``language``, of every file of ``phrases/``."""
    if language == "en":
        return {}
    files_of = sorted((_FOLDER / "phrases").iterdir(), key=lambda file: file.name)
    told = [row for file in files_of for row in tomllib.loads(file.read_text(encoding="utf-8"))["phrase"]]
    return {row["en"]: row[language] for row in told if language in row}


def period_label(kind: str, start: dt.date, *, language: str | None = None) -> str:
    """What a calendar period is called: February 1999, 14 February 1999, week 7 of 1999, quarter 1 of 1999, 1999."""
    if kind == "day":
        return format_date(start, language=language)
    words = load_words(language)["dates"]
    year, week, _ = start.isocalendar()
    text: str = words[kind].format(
        year=year if kind == "week" else start.year,
        week=week,
        month=words["months_alone"][start.month - 1],
        quarter=(start.month + 2) // 3,
    )
    return text


def is_missing(value: object) -> bool:
    """None, NaN, NaT and pandas.NA are all "not known"."""
    # NaN and NaT differ from themselves; comparing NA gives NA, which has no truth value.
    try:
        return value is None or bool(value != value)
    except TypeError:
        return True


def format_number(value: float, decimals: int, *, language: str | None = None) -> str:
    """Fixed ``decimals``, grouped thousands, a true minus sign, never minus zero; ∞ and "not known" as such."""
    words = load_words(language)["numbers"]
    if is_missing(value):
        return words["not_known"]
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{abs(value):,.{decimals}f}"
    grouped = text.replace(",", "\0").replace(".", words["decimal"]).replace("\0", words["thousands"])
    shown_as_zero = not any(digit in "123456789" for digit in text)
    return grouped if value >= 0 or shown_as_zero else f"−{grouped}"


def _three_significant(value: float, language: str | None) -> str:
    if value == 0:
        return "0"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    # Read after rounding: 9.996 becomes 10.0, with one more digit before the point.
    rounded = f"{value:.2e}"
    power = int(rounded.split("e")[1])
    if power < -4 or power > 14:
        mantissa = format_number(float(rounded.split("e")[0]), 2, language=language)
        return f"{mantissa} × 10{str(power).translate(_SUPERSCRIPT)}"
    if float(value).is_integer() and abs(value) < 1000:
        return format_number(value, 0, language=language)
    return format_number(float(rounded), max(0, 2 - power), language=language)


def _percent(value: float, language: str | None) -> str:
    words = load_words(language)["numbers"]
    # A share that is neither nothing nor everything must not be printed as if it were.
    if 0 < value < 0.0005:
        return f"< {format_number(0.1, 1, language=language)}{words['percent']}"
    if 0.9995 <= value < 1:
        return f"> {format_number(99.9, 1, language=language)}{words['percent']}"
    return f"{format_number(100 * value, 1, language=language)}{words['percent']}"


def _one_decimal(value: float, language: str | None) -> str:
    """One decimal, or two where one would round onto zero what is not."""
    return format_number(value, 2 if 0.005 <= abs(value) < 0.05 else 1, language=language)


def _never_zero(text: str, value: float, unit: str, language: str | None) -> str:
    """``text``, or more decimals of ``value`` where an end that is not zero would be read as zero."""
    if unit not in ("points", "s", "seconds", "count", "contacts") or set(text) & set("123456789∞"):
        return text
    shown = 100 * value if unit == "points" else value
    decimals = -math.floor(math.log10(abs(shown)))
    return text.replace(text.split(" ")[0], format_number(shown, min(decimals, 12), language=language), 1)


def _seconds(value: float, language: str | None) -> str:
    units = load_words(language)["units"]
    size = abs(value)
    number = _one_decimal(value, language) if 0 < size < 9.95 else format_number(value, 0, language=language)
    text = f"{number} {units['s']}"
    return text if size < 120 else f"{text} ({format_duration(value, language=language)})"


_DURATIONS = ((31_557_600, "year", "years"), (2_629_800, "month", "months"), (86_400, "day", "days"), (3_600, "h", "h"),
              (60, "min", "min"))  # fmt: skip


def format_duration(value: Any, *, language: str | None = None) -> str:
    """A length of time as a sentence says it, in one unit: 3.4 s, 76 s, 3.3 min, 2 h, 1 day, 1.7 years, never.

    Up to two minutes in seconds; from there on two digits, as in the brackets behind the seconds of a table.
    """
    words = load_words(language)
    if is_missing(value):
        return words["numbers"]["not_known"]
    if math.isinf(value):
        return words["numbers"]["never"]
    size = abs(value)
    if size < 119.5:
        tenths = size < 9.95 and not float(value).is_integer()
        number = _one_decimal(value, language) if tenths else format_number(value, 0, language=language)
        return f"{number} {words['units']['s']}"
    # From two of a unit on, or where it is exactly one: 90 min, but 1 day.
    fits = (unit for unit in _DURATIONS if size >= 2 * unit[0] or size == unit[0])
    one_s, one, many = next(fits, _DURATIONS[-1])
    digits = value / one_s
    shown = float(f"{digits:.1e}") if abs(digits) < 1e15 else float(digits)
    text = format_number(shown, 0 if shown.is_integer() or abs(shown) >= 10 else 1, language=language)
    return f"{text} {words['units']['long'][one if shown == 1 else many] if one in _LONG else words['units'][one]}"


_LONG = ("year", "month", "day")


def format_value(value: Any, unit: str = "number", *, language: str | None = None) -> str:
    """Say ``value`` in ``unit``, the same way in a title, a tile and a table.

    ``unit`` is "share" (0.2194 is 21.9 %), "points" (a difference of shares: 0.034 is 3.4 points), "s" or
    "seconds" (from two minutes on also in minutes, hours or days), "count" or "contacts" (33,344), "number"
    (three significant digits), "p" (a p-value), "text", or any other unit, which follows the number.
    None and NaN are "not known".
    """
    words = load_words(language)
    if is_missing(value):
        return words["numbers"]["not_known"]
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return words["numbers"]["yes" if value else "no"]
    if isinstance(value, dt.date):
        return format_date(value, language=language)
    if unit == "text" or not isinstance(value, numbers.Real):
        return str(value)
    number = float(value)
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    if unit == "share":
        return _percent(number, language)
    if unit == "points":
        return f"{_one_decimal(100 * number, language)} {words['units']['points']}"
    if unit in ("s", "seconds"):
        return _seconds(number, language)
    if unit == "p":
        return (
            f"< {format_number(0.001, 3, language=language)}"
            if number < 0.001
            else format_number(number, 3, language=language)
        )
    if unit in ("count", "contacts"):
        return format_number(number, 0, language=language)
    text = (
        format_number(number, 0, language=language)
        if isinstance(value, numbers.Integral)
        else _three_significant(number, language)
    )
    return text if unit == "number" else f"{text} {words['units'].get(unit, unit)}"


def format_interval(lower: Any, upper: Any, unit: str = "number", *, language: str | None = None) -> str:
    """Say an interval once with its unit: "21.3 to 22.6 %", "310 to 330 s".

    Where it excludes zero no end is rounded onto zero: "0.003 to 1.9 points".
    """
    words = load_words(language)
    if is_missing(lower) and is_missing(upper):
        return words["numbers"]["not_known"]
    first, last = (format_value(end, unit, language=language).split(" (")[0] for end in (lower, upper))
    if not (is_missing(lower) or is_missing(upper)) and lower * upper > 0:
        first = _never_zero(first, float(lower), unit, language)
        last = _never_zero(last, float(upper), unit, language)
    unit_text = {"share": words["numbers"]["percent"], "points": f" {words['units']['points']}"}.get(unit)
    if unit_text is None and unit not in ("number", "count", "contacts", "p", "text"):
        unit_text = f" {words['units'].get('s' if unit == 'seconds' else unit, unit)}"
    if unit_text and last.endswith(unit_text):
        first = first.removesuffix(unit_text)
    return words["numbers"]["interval"].format(lower=first, upper=last)


def format_date(value: str | dt.date, *, language: str | None = None) -> str:
    """Say an ISO date or time: "28 February 1999", "28 February 1999, 23:58 UTC"."""
    words = load_words(language)["dates"]
    moment = value
    if isinstance(moment, str):
        try:
            moment = dt.date.fromisoformat(moment) if len(moment) == 10 else dt.datetime.fromisoformat(moment)
        except ValueError:
            return str(value)
    if isinstance(moment, dt.datetime) and moment.tzinfo is not None:
        moment = moment.astimezone(dt.UTC)
    day = words["day"].format(day=moment.day, month=words["months"][moment.month - 1], year=moment.year)
    if not isinstance(moment, dt.datetime) or (moment.tzinfo is None and moment.time() == dt.time()):
        return day
    return f"{day}, {moment:%H:%M}" + ("" if moment.tzinfo is None else " UTC")
