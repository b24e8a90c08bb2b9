"""One text for one value, everywhere; and no value that a formatter cannot say."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.style import (
    format_date,
    format_duration,
    format_interval,
    format_value,
    languages,
    load_words,
)

# One text for one value -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.2194, "share", "21.9 %"),
        (0.0, "share", "0.0 %"),
        (1.0, "share", "100.0 %"),
        (0.0004, "share", "< 0.1 %"),
        (0.9996, "share", "> 99.9 %"),
        (-0.0345, "points", "−3.5 points"),
        (-0.00001, "points", "0.0 points"),
        (0.0004, "points", "0.04 points"),
        (0.03, "s", "0.03 s"),
        (33344, "count", "33,344"),
        (33344.0, "contacts", "33,344"),
        (76.3, "seconds", "76 s"),
        (3.44, "s", "3.4 s"),
        (300, "s", "300 s (5 min)"),
        (150, "s", "150 s (2.5 min)"),
        (7_300, "s", "7,300 s (2 h)"),
        (259_200, "s", "259,200 s (3 days)"),
        (1234.5, "number", "1,230"),
        (9.996, "number", "10.0"),
        (99.96, "number", "100"),
        (0.012345, "number", "0.0123"),
        (2.0, "number", "2"),
        (33344, "number", "33,344"),
        (-1.234e-7, "number", "−1.23 × 10⁻⁷"),
        (math.inf, "number", "∞"),
        (0.0002, "p", "< 0.001"),
        (0.0345, "p", "0.035"),
        (12.34, "EUR", "12.3 EUR"),
        (np.float64(0.5), "share", "50.0 %"),
        (np.int64(5), "number", "5"),
        (True, "text", "yes"),
        ("phone", "share", "phone"),
        (pd.Timestamp("1999-02-28 23:58"), "text", "28 February 1999, 23:58"),
    ],
)
def test_a_value_is_said_in_its_unit(value, unit, text):
    assert format_value(value, unit) == text


@pytest.mark.parametrize("missing", [None, math.nan, np.nan, pd.NA, pd.NaT])
@pytest.mark.parametrize("unit", ["share", "s", "number", "text"])
def test_what_is_missing_is_not_known(missing, unit):
    assert format_value(missing, unit) == "not known"


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_only_nothing_is_zero_percent_and_only_everything_is_a_hundred(share):
    assert format_value(share, "share") not in ("0.0 %", "100.0 %")


@given(st.floats(-1e12, 1e12))
def test_three_digits_are_within_half_a_percent(value):
    text = format_value(value, "number").replace(",", "").replace("−", "-")
    if "×" in text:
        mantissa, power = text.split(" × 10")
        text = f"{mantissa}e{power.translate(str.maketrans('⁻⁰¹²³⁴⁵⁶⁷⁸⁹', '-0123456789'))}"
    assert float(text) == pytest.approx(value, rel=0.00501)


@pytest.mark.parametrize(
    ("lower", "upper", "unit", "text"),
    [
        (0.213, 0.226, "share", "21.3 to 22.6 %"),
        (75, 77, "s", "75 to 77 s"),
        (310, 330, "seconds", "310 to 330 s"),
        (-0.018, 0.001, "points", "−1.8 to 0.1 points"),
        (0.000021, 0.019, "points", "0.002 to 1.9 points"),
        (-0.019, -0.000021, "points", "−1.9 to −0.002 points"),
        (0.0001, 5, "s", "0.0001 to 5.0 s"),
        (-0.00001, 0.019, "points", "0.0 to 1.9 points"),
        (1, 2, "EUR", "1 to 2 EUR"),
        (None, 0.3, "share", "not known to 30.0 %"),
        (None, None, "share", "not known"),
    ],
)
def test_an_interval_says_its_unit_once(lower, upper, unit, text):
    assert format_interval(lower, upper, unit) == text


@pytest.mark.parametrize(
    ("date", "text"),
    [
        ("1999-02-28", "28 February 1999"),
        ("1999-02-28 23:58:10", "28 February 1999, 23:58"),
        ("2026-11-21T22:30:00+02:00", "21 November 2026, 20:30 UTC"),
        ("yesterday", "yesterday"),
    ],
)
def test_dates_are_said_in_words_and_in_utc(date, text):
    assert format_date(date) == text


def test_a_language_without_words_is_refused():
    with pytest.raises(ValueError, match="'en'"):
        load_words("tlh")


ANY = st.one_of(st.none(), st.floats(), st.integers(-(10**18), 10**18), st.just(pd.NA))
UNITS = st.sampled_from(["share", "points", "s", "seconds", "number", "count", "contacts", "p", "text", "EUR"])


@given(ANY, ANY, UNITS, st.sampled_from(languages()))
def test_every_value_and_every_interval_has_a_text(lower, upper, unit, language):
    for text in (format_value(lower, unit, language=language), format_interval(lower, upper, unit, language=language)):
        assert text.strip()
        assert "nan" not in text.replace("nieznane", "")
    assert format_duration(lower, language=language)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 s"), (3.44, "3.4 s"), (76, "76 s"), (200, "3.3 min"), (7_200, "2 h"), (86_400, "1 day"), (172_800, "2 days"),
     (86_400 * 242, "8 months"), (31_557_600 * 2.7, "2.7 years"), (math.inf, "never"), (math.nan, "not known")],
)  # fmt: skip
def test_a_duration_is_one_unit_and_two_digits(value, text):
    assert format_duration(value) == text


@given(st.floats(120, 1e9))
def test_seconds_in_a_table_say_the_duration_of_a_sentence(value):
    assert format_value(value, "s").endswith(f"({format_duration(value)})")
