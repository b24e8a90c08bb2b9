"""What margins leave open: worked by hand, Frechet, populations that are known, expressions that are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch import evidence
from cxresearch.evidence import (
    InfeasibleMargins,
    check_identities,
    find_clash,
    frechet_bounds,
    joint_range,
    published_margins,
)

ONLINE = {"company": 0.39, "email": 0.23, "review": 0.10, "board": 0.08, "blog": 0.07}


# ---------------------------------------------------------------- the published cases


def test_75_stopped_and_another_37_decreased_is_impossible():
    told = {"stopped": 0.75, "decreased": 0.37, "stopped & decreased": 0.0}
    with pytest.raises(
        InfeasibleMargins, match=r"'stopped' = 74.5 to 75.5 %.*'decreased'.*cannot hold together"
    ) as refused:
        joint_range(told, "stopped")
    assert refused.value.clash == list(told)
    assert isinstance(refused.value, ValueError)
    # Not 'another': with 12 % in both it is possible.
    assert joint_range({"stopped": 0.75, "decreased": 0.37}, "stopped & decreased", slack=0) == pytest.approx(
        (0.12, 0.37)
    )


def test_45_and_37_under_a_union_of_72_leave_10_for_both():
    margins = {"stopped": 0.45, "decreased": 0.37, "stopped | decreased": 0.72}
    assert joint_range(margins, "stopped & decreased", slack=0) == pytest.approx((0.10, 0.10))
    assert joint_range(margins, "stopped & decreased") == pytest.approx((0.085, 0.115))
    assert find_clash(margins) == []


def test_offline_and_online_among_people_who_all_used_one():
    margins = {"offline": 0.82, "online": 0.58, "offline | online": (1.0, 1.0)}
    assert joint_range(margins, "offline & online", slack=0) == pytest.approx((0.40, 0.40))
    assert joint_range(margins, "offline & ~online", slack=0) == pytest.approx((0.42, 0.42))


def test_public_channels_among_sharers():
    margins = ONLINE | {"company | email | review | board | blog": 0.58}
    assert joint_range(margins, "review | board | blog", slack=0) == pytest.approx((0.10, 0.25))
    one = joint_range(margins, "company + email + review + board + blog == 1", slack=0)
    more = joint_range(margins, "company + email + review + board + blog >= 2", slack=0)
    # The five sum to 87 under a union of 58: 29 to spare, spent on as many or as few people as possible.
    assert more[1] == pytest.approx(0.29)
    assert one[0] == pytest.approx(0.58 - 0.29)
    assert one[1] == pytest.approx(0.58 - more[0])


def test_the_smallest_clash_leaves_out_the_bystanders():
    margins = {"a": 0.6, "b": 0.7, "c": 0.2, "a & b": 0.1, "b | c": 0.8}
    assert find_clash(margins) == ["a", "b", "a & b"]
    for leave_out in ("a", "b", "a & b"):
        assert find_clash({text: margins[text] for text in ("a", "b", "a & b") if text != leave_out}) == []


# ---------------------------------------------------------------- theory and properties


@given(st.floats(0, 1), st.floats(0, 1))
def test_two_margins_give_frechet(a, b):
    assert joint_range({"a": a, "b": b}, "a & b", slack=0) == pytest.approx((max(0, a + b - 1), min(a, b)), abs=1e-7)
    assert joint_range({"a": a, "b": b}, "a | b", slack=0) == pytest.approx((max(a, b), min(1, a + b)), abs=1e-7)
    assert joint_range({"a": a, "b": b}, "~a", slack=0) == pytest.approx((1 - a, 1 - a), abs=1e-7)


@st.composite
def populations(draw) -> np.ndarray:
    """Shares of the eight kinds of people over three items."""
    weights = draw(st.lists(st.integers(0, 9), min_size=8, max_size=8).filter(any))
    return np.array(weights) / sum(weights)


EXPRESSIONS = (
    "a & b",
    "a | b | c",
    "a + b + c == 1",
    "a + b >= 2",
    "~a & c",
    "1 <= a + c < 2",
    "(a | b) & ~c",
    "a != b",
)


@settings(max_examples=40)
@given(populations(), st.sampled_from(EXPRESSIONS), st.sets(st.sampled_from(EXPRESSIONS), max_size=3))
def test_the_range_holds_the_population_that_made_the_margins(population, query, also):
    kinds = np.arange(8)
    answers = {name: (kinds >> place & 1).astype(bool) for place, name in enumerate("abc")}

    def share(text: str) -> float:
        counts = {name: answer.astype(int) for name, answer in answers.items()}
        by_kind = {
            "a & b": answers["a"] & answers["b"],
            "a | b | c": answers["a"] | answers["b"] | answers["c"],
            "a + b + c == 1": counts["a"] + counts["b"] + counts["c"] == 1,
            "a + b >= 2": counts["a"] + counts["b"] >= 2,
            "~a & c": ~answers["a"] & answers["c"],
            "1 <= a + c < 2": counts["a"] + counts["c"] == 1,
            "(a | b) & ~c": (answers["a"] | answers["b"]) & ~answers["c"],
            "a != b": answers["a"] ^ answers["b"],
        }
        return float(population[by_kind[text]].sum())

    margins = {name: float(population[answer].sum()) for name, answer in answers.items()}
    margins |= {text: share(text) for text in also}
    lower, upper = joint_range(margins, query, slack=0)
    assert lower - 1e-7 <= share(query) <= upper + 1e-7
    if query in also:
        assert (lower, upper) == pytest.approx((share(query), share(query)), abs=1e-7)
    wider = joint_range(margins, query, slack=0.02)
    assert wider[0] <= lower + 1e-7
    assert upper <= wider[1] + 1e-7


def test_frechet_table_agrees_with_the_linear_program():
    shares = {"in_person": 0.74, "phone": 0.50} | ONLINE
    table = frechet_bounds(shares)
    assert len(table) == 21
    for row in table.itertuples():
        both = joint_range(shares, f"{row.first} & {row.second}")
        either = joint_range(shares, f"{row.first} | {row.second}")
        assert both == pytest.approx((row.both_lower, row.both_upper), abs=1e-9)
        assert either == pytest.approx((row.either_lower, row.either_upper), abs=1e-9)
        assert row.both_lower <= row.independent <= row.both_upper


def test_sixteen_items_are_solved_and_seventeen_refused():
    margins = {f"x{i}": 0.5 for i in range(16)}
    every = " + ".join(margins)
    assert joint_range(margins, f"{every} == 16", slack=0) == pytest.approx((0, 0.5), abs=1e-7)
    with pytest.raises(ValueError, match=r"17 items make 131,072 kinds of people.*limit is 16"):
        joint_range(margins | {"x16": 0.5}, "x0")


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("margins", "query", "told"),
    [
        ({}, "a", "at least one margin"),
        ({"a": 87}, "a", "0.87, not 87"),
        ({"a": float("nan")}, "a", "share 0 to 1"),
        ({"a": (0.6, 0.4)}, "a", "lowest, highest"),
        ({"a": 0.5}, "b", r"names \['b'\]; the margins have the items \['a'\]"),
        ({"a": 0.5, "b": 0.5}, "a + b", "is a count"),
        ({"a": 0.5, "b": 0.5}, "(a + b) & a", "is a count"),
        ({"a": 0.5, "b": 0.5}, "a and b", "not allowed"),
        ({"a": 0.5}, "a * 2 == 2", "not allowed"),
        ({"a": 0.5}, "__import__('os').system('true')", "not allowed|names"),
        ({"a": 0.5}, "a |", "not an expression"),
        ({"a": 0.5}, "a == 0.5", "not allowed"),
        ({"a": 0.5}, "a == True", "not allowed"),
    ],
)
def test_bad_margins_and_queries_are_refused(margins, query, told):
    with pytest.raises(ValueError, match=told):
        joint_range(margins, query)


def test_bad_slack_and_a_lone_answer_are_refused():
    with pytest.raises(ValueError, match="slack"):
        joint_range({"a": 0.5}, "a", slack=0.5)
    with pytest.raises(ValueError, match="pairs"):
        frechet_bounds({"a": 0.5})


# ---------------------------------------------------------------- identities


def numbers(**printed: tuple[float, float]) -> pd.DataFrame:
    rows = {
        name: {"printed": value, "lower": value - half, "upper": value + half}
        for name, (value, half) in printed.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


@pytest.mark.parametrize(
    ("left", "right", "verdict"),
    [
        ("part + other", "whole", "holds by rounding"),  # 7 + 32 = 39, printed as 40
        ("new / old - 1", "0.51", "fails"),  # 0.512, and 0.51 is exact here
        ("new / old", "1.51", "holds by rounding"),
        ("new - old", "told", "holds by rounding"),  # 21, told as 20
        ("whole - part", "other", "holds by rounding"),
        ("-new", "old", None),
    ],
)
def test_identities_by_hand(left, right, verdict):
    known = numbers(
        part=(0.07, 0.005), other=(0.32, 0.005), whole=(0.40, 0.005), new=(62, 0.5), old=(41, 0.5), told=(20, 0.5)
    )
    table = pd.DataFrame({"identity_id": ["i"], "says": ["s"], "left": [left], "right": [right]})
    if verdict is None:
        with pytest.raises(ValueError, match="not arithmetic"):
            check_identities(table, known)
        return
    if left == "new / old - 1":
        known = known.assign(lower=known["printed"], upper=known["printed"])
    assert check_identities(table, known)["verdict"].tolist() == [verdict]


def test_interval_arithmetic_covers_every_corner():
    known = numbers(a=(-1.0, 2.0), b=(3.0, 1.0))
    table = pd.DataFrame({"identity_id": ["p", "q"], "says": "s", "left": ["a * b", "a / b"], "right": ["0", "0"]})
    found = check_identities(table, known)
    assert found[["left_lower", "left_upper"]].to_numpy().tolist() == [[-12.0, 4.0], [-1.5, 0.5]]
    with pytest.raises(ValueError, match="can be 0"):
        check_identities(table.assign(left="b / a"), known)
    with pytest.raises(ValueError, match="no published number is called 'c'"):
        check_identities(table.assign(left="c"), known)


def test_published_identities():
    table = check_identities(evidence.load_evidence("identities"), evidence.printed_numbers()).set_index("identity_id")
    assert set(table.index[table["verdict"] == "fails"]) == {"risk_2008_2009", "spend_2008_2009", "nvm_11_points"}
    assert set(table.index[table["verdict"] == "holds by rounding"]) == {"thin_2006", "nvm_20", "retail_64"}
    assert table.loc["silent_92", "verdict"] == "holds"
    assert table.loc["nvm_41bn", "left"] == pytest.approx(0.44 * 392 * 237.7 / 1000)
    assert table.loc["spend_2008_2009", ["left", "right"]].tolist() == pytest.approx([57 / 0.41, 47.6 / 0.32])


# ---------------------------------------------------------------- margins of the register


def test_published_shares_become_margins_and_those_who_do_nothing_leave_the_others_another_way():
    claims = pd.DataFrame(
        {"claim_id": ["A", "B", "Z", "N", "M"], "unit": ["share", "share", "share", "count", "share"],
         "value": [0.5, 0.4, 0.1, 7.0, np.nan]}
    )  # fmt: skip
    assert published_margins(claims, {"a": "A", "b": "B"}) == {"a": 0.5, "b": 0.4}
    margins = published_margins(claims, {"a": "A", "b": "B"}, none="Z")
    assert margins == {"a": 0.5, "b": 0.4, "a | b | another_way": 0.9}
    assert joint_range(margins, "a & b") == pytest.approx((0.0, 0.405))
    with pytest.raises(ValueError, match=r"no share was published for \['M', 'N', 'Q'\]"):
        published_margins(claims, {"a": "N", "b": "M"}, none="Q")
