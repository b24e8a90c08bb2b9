"""What people hear of the lost: worked by hand, at its limits, its caps, and the bank's February."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.decisions import talk_of_lost
from cxresearch.decisions.talk_of_lost import COLUMNS, FEWEST
from cxresearch.impact import load_assumptions

REGISTER = load_assumptions()
# The bank's February 1999: lost for good, contacts without a number, and by how much January's leavers were fewer after.
FEBRUARY = {
    "customers": 4021, "lower": 115, "upper": 545, "contacts_unknown": 2128, "fewer_back_lower": 51, "fewer_back_upper": 128,
}  # fmt: skip


def ranges(**changed: tuple[float, float, float]) -> pd.DataFrame:
    """The register with other rows: name = (low, value, high)."""
    table = REGISTER.set_index("name")
    for name, three in changed.items():
        table.loc[name, ["low", "value", "high"]] = three
    return table.reset_index()


FIXED = ranges(
    share_telling=(0.8, 0.8, 0.8), behaviour_per_intent=(0.5, 0.5, 0.5), share_offline=(0.75, 0.75, 0.75),
    audience_offline=(10, 10, 10), ignored_boycott=(0.4, 0.4, 0.4), poor_boycott=(0.5, 0.5, 0.5),
)  # fmt: skip


def numbers(table: pd.DataFrame) -> dict[str, list[float]]:
    return {row.what: [row.lower, row.value, row.upper] for row in table.itertuples(index=False)}


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_a_hundred_lost_worked_by_hand():
    """100 x 0.8 x 0.5 = 40 tell, x 0.75 x 10 = 300 hear; 100 x 0.5 x 0.4 = 20 leave."""
    found = talk_of_lost({"customers": 1000, "lower": 100, "upper": 100}, FIXED)
    assert list(found.columns) == list(COLUMNS)
    for what, number in {"lost": 100, "tellers": 40, "hear": 300, "leave": 20}.items():
        assert numbers(found)[what] == pytest.approx([number] * 3), what
    assert all(math.isnan(share) for share in found.attrs["log_variance"].values()), "nothing varies"


def test_those_answered_badly_worked_by_hand():
    """A tenth of the other 900: 190 x 0.8 x 0.5 = 76 tell, 570 hear; 20 and 90 x 0.5 x 0.5 leave."""
    found = talk_of_lost({"customers": 1000, "lower": 100, "upper": 100}, FIXED, unhelpful_share=0.1)
    for what, number in {"lost": 100, "tellers": 76, "hear": 570, "leave": 42.5}.items():
        assert numbers(found)[what] == pytest.approx([number] * 3), what
    assert found.set_index("what").loc["tellers", "base"] == "of those lost and those answered badly"


def test_no_more_leave_than_were_fewer_in_the_period_after():
    seen = {"customers": 1000, "lower": 100, "upper": 100}
    capped = talk_of_lost(seen | {"fewer_back_lower": 8, "fewer_back_upper": 8}, FIXED, unhelpful_share=0.1)
    assert numbers(capped)["leave"] == pytest.approx([8 + 22.5] * 3), "nothing was observed of those answered badly"
    assert numbers(capped)["hear"] == pytest.approx([570] * 3), "who stays may tell"
    came_back = talk_of_lost(seen | {"fewer_back_lower": -30, "fewer_back_upper": -10}, FIXED)
    assert numbers(came_back)["leave"] == [0, 0, 0]


def test_the_width_of_a_product_in_closed_form():
    """Variance of a logarithm: even from a to b (b - a)^2 / 12; triangular with mode c by the textbook."""
    found = talk_of_lost(FEBRUARY, REGISTER).attrs["log_variance"]

    def triangular(name: str) -> float:
        a, c, b = np.log(REGISTER.set_index("name").loc[name, ["low", "value", "high"]].to_numpy(dtype=float))
        return float((a * a + b * b + c * c - a * b - a * c - b * c) / 18)

    parts = {
        "data": math.log(545 / 115) ** 2 / 12,
        "quoted": sum(triangular(name) for name in ("share_telling", "share_offline", "audience_offline")),
        "assumed": triangular("behaviour_per_intent"),
    }
    for origin, part in parts.items():
        assert found[origin] == pytest.approx(part / sum(parts.values()), abs=0.01), origin


def test_the_banks_february():
    """With the inputs of the prototype its numbers; the register's own range of who tells goes down to another survey's 56 %."""
    telling = (0.805, 0.84, 0.87)
    found = talk_of_lost(FEBRUARY, ranges(share_telling=telling))
    prototype = {"tellers": (20, 78, 255), "hear": (246, 1011, 3668), "leave": (9, 32, 90)}
    for what, known in prototype.items():
        assert numbers(found)[what] == pytest.approx(known, rel=0.03, abs=0.6), what
    told = found.attrs["log_variance"]
    assert (told["data"], told["assumed"], told["quoted"]) == pytest.approx((0.41, 0.48, 0.11), abs=0.01)
    own = numbers(talk_of_lost(FEBRUARY, REGISTER))
    for what in ("tellers", "hear"):
        assert own[what][1] / numbers(found)[what][1] == pytest.approx(0.87, abs=0.01)
    assert own["leave"] == numbers(found)["leave"]


# --- properties ------------------------------------------------------------------------------------------------------

counts = st.integers(0, 2000)


@settings(max_examples=25)
@given(
    customers=st.integers(FEWEST, 3000), lower=counts, more=counts, fewer=st.integers(-50, 300), wide=counts,
    badly=st.none() | st.floats(0, 1),
)  # fmt: skip
def test_caps_hold_and_ends_are_in_order(customers, lower, more, fewer, wide, badly):
    lost = {
        "customers": customers, "lower": lower, "upper": lower + more, "fewer_back_lower": fewer, "fewer_back_upper": fewer + wide,
    }  # fmt: skip
    found = talk_of_lost(lost, REGISTER, unhelpful_share=badly)
    for low, value, high in numbers(found).values():
        assert 0 <= low <= value * (1 + 1e-12)
        assert value <= high * (1 + 1e-12)
    rows = found.set_index("what")
    for what in ("lost", "tellers", "leave"):
        assert rows.loc[what, "upper"] <= customers * (1 + 1e-12)
    assert rows.loc["lost", "upper"] == min(lower + more, customers)
    if badly is None:
        assert rows.loc["tellers", "upper"] <= rows.loc["lost", "upper"] * (1 + 1e-12)
        assert rows.loc["leave", "value"] <= max((fewer + fewer + wide) / 2, 0) + 0.05 * wide
    shares = list(found.attrs["log_variance"].values())
    assert sum(shares) == pytest.approx(1) or all(math.isnan(share) for share in shares)


@settings(max_examples=25)
@given(lower=st.integers(1, 500), more=st.integers(0, 500), added=st.integers(0, 500))
def test_more_lost_is_never_heard_of_by_fewer(lower, more, added):
    def found(upper):
        return talk_of_lost({"customers": 2000, "lower": lower, "upper": upper}, REGISTER).set_index("what")

    few, many = found(lower + more), found(lower + more + added)
    assert (few[["value", "lower", "upper"]] <= many[["value", "lower", "upper"]] * (1 + 1e-12)).all(axis=None)
    if added:
        assert many.attrs["log_variance"]["data"] > few.attrs["log_variance"]["data"] - 1e-12


def test_the_same_numbers_give_the_same_table():
    pd.testing.assert_frame_equal(talk_of_lost(FEBRUARY, REGISTER), talk_of_lost(FEBRUARY, REGISTER))


# --- limits ----------------------------------------------------------------------------------------------------------


def test_none_lost_and_nothing_is_heard():
    found = talk_of_lost({"customers": 4021, "lower": 0, "upper": 0}, REGISTER)
    assert set(numbers(found)) == {"lost", "tellers", "hear", "leave"}
    assert all(three == [0, 0, 0] for three in numbers(found).values())


def test_where_perhaps_nobody_was_lost_every_range_begins_at_nobody():
    found = numbers(talk_of_lost({"customers": 4021, "lower": 0, "upper": 400}, REGISTER))
    assert [three[0] for three in found.values()] == [0, 0, 0, 0]
    assert all(three[2] > 1 for three in found.values())


@pytest.mark.parametrize(
    ("lost", "says"),
    [
        ({"customers": 0, "lower": 0, "upper": 0, "contacts_unknown": 2128}, "0 customers are known, fewer than 30; 2,128 contacts"),
        ({"customers": 29, "lower": 3, "upper": 9}, "29 customers are known, fewer than 30"),
        ({"customers": 400, "lower": math.nan, "upper": math.nan}, "how many customers were lost is not known"),
        ({"customers": 400, "lower": 3, "upper": None}, "how many customers were lost is not known"),
        ({}, "0 customers are known"),
    ],
)  # fmt: skip
def test_nothing_is_said_where_too_little_is_known(lost, says):
    found = talk_of_lost(lost, REGISTER)
    assert found.empty
    assert list(found.columns) == list(COLUMNS)
    assert says in found.attrs["why"]


def test_what_the_log_contradicts_is_not_said():
    lost = {"customers": 1000, "lower": 900, "upper": 1000, "frequent": 400, "seen_again": 0.97}
    found = talk_of_lost(lost, REGISTER)
    assert found.empty
    assert "customers of 1,000, while 97.0 % of 400 who call often are there in the period after" in found.attrs["why"]
    held = talk_of_lost(FEBRUARY | {"frequent": 400, "seen_again": 0.99}, REGISTER).set_index("what")
    plain = talk_of_lost(FEBRUARY, REGISTER).set_index("what")
    assert held.loc["leave", "value"] == plain.loc["leave", "value"]
    # Wilson, 4 of 400: 0.0254 of 4,021.
    assert plain.loc["leave", "upper"] < 102 < 0.0255 * 4021
    tight = talk_of_lost(FEBRUARY | {"frequent": 1000, "seen_again": 0.995}, REGISTER).set_index("what")
    assert tight.loc["leave", "upper"] == pytest.approx(0.01165 * 4021, rel=0.01), "no draw beyond what the log holds"


@pytest.mark.parametrize(
    ("lost", "register", "share", "says"),
    [
        ({"lower": 9, "upper": 3}, REGISTER, None, "lower <= upper; got 9 and 3"),
        ({"lower": -1}, REGISTER, None, "lower cannot be below 0"),
        ({"fewer_back_lower": 9, "fewer_back_upper": 3}, REGISTER, None, "fewer_back needs lower <= upper"),
        ({}, REGISTER, 38.0, "unhelpful_share is a share"),
        ({}, REGISTER[REGISTER["name"] != "audience_offline"], None, "no 'audience_offline'"),
        ({}, ranges(behaviour_per_intent=(0, 0.5, 1)), None, "behaviour_per_intent needs 0 < low"),
    ],
)
def test_numbers_that_are_none_are_refused(lost, register, share, says):
    with pytest.raises(ValueError, match=says):
        talk_of_lost(FEBRUARY | lost, register, unhelpful_share=share)
