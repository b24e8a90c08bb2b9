"""What a log can hold: the most customers that can have been lost, and a chain that is told so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch import impact
from cxresearch.evidence import share_interval
from cxresearch.impact import assumption_values, contradicted_by_log, load_assumptions, most_lost


def test_the_most_that_can_be_lost_worked_by_hand():
    # Of 100 who call often 3 stay away: Wilson, (3.8415 / 2 + 3 + 1.96 sqrt(3 * 0.97 + 3.8415 / 4)) / 103.8415 = 0.0845.
    assert most_lost(customers=1000, frequent=100, seen_again=0.97) == pytest.approx(84.5, abs=0.1)
    assert share_interval(0.03, 100)[1] == pytest.approx(0.0845, abs=1e-4)


def test_a_chain_is_refused_with_both_numbers():
    log = {"customers": 3928, "frequent": 1000, "seen_again": 0.97}
    assert contradicted_by_log(2870, **log) == (
        "the chain loses 2,870 customers of 3,928, while 97.0 % of 1,000 who call often are there in the period after: "
        "at most 167 can be lost"
    )
    assert contradicted_by_log(most_lost(**log), **log) == ""
    assert contradicted_by_log(0, **log) == ""


def test_the_chain_itself_is_refused_where_a_month_is_answered_within_a_minute():
    values = assumption_values(load_assumptions())
    table = impact.impact_table(values, impact.reply_scenarios({"1 min": 60.0}), contacts=30_161)
    lost = table.loc[table["scenario"] == "1 min", "customers_lost"].item()
    assert lost == pytest.approx(95 * 30.161, rel=0.01)
    assert "at most" in contradicted_by_log(lost, customers=3928, frequent=1000, seen_again=0.97)


@given(frequent=st.integers(1, 1000), more=st.integers(0, 1000), away=st.floats(0, 1), step=st.floats(0, 1))
def test_more_can_be_lost_where_more_stay_away_and_never_more_than_there_are(frequent, more, away, step):
    def most(share):
        return most_lost(customers=frequent + more, frequent=frequent, seen_again=1 - share)

    assert away * frequent <= most(away) * (1 + 1e-9) + 1e-9
    assert most(away) <= (frequent + more) * (1 + 1e-12)
    assert most(away) <= most(away + (1 - away) * step) + 1e-9


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"frequent": 0}, "frequent customers are above 0"),
        ({"frequent": 11}, "a part of all; got 11 of 10"),
        ({"seen_again": 97.0}, "seen_again is a share"),
        ({"seen_again": float("nan")}, "seen_again is a share"),
    ],
)
def test_numbers_of_no_log_are_refused(wrong, says):
    with pytest.raises(ValueError, match=says):
        most_lost(**{"customers": 10, "frequent": 5, "seen_again": 0.9} | wrong)
