"""Where the answer is known without a model: nobody there, nobody patient, nobody known, no price; and that sums add up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.decisions import action_table, period_cost
from cxresearch.decisions.cost import AFTER_S, _counts
from cxresearch.decisions.weighing import Weighing
from tests.decisions.conftest import contacts, month


@pytest.fixture(autouse=True, scope="module")
def _few_draws():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cxresearch.decisions.weighing.DRAWS", 10)
        yield


def test_with_nobody_there_everybody_is_lost(twice):
    hours = Weighing.of(twice.only(channel="phone")).hours
    for one in hours.values():
        assert one.left_with(extra=-100.0, contained=0.0, redials=0.0) == pytest.approx(one.asked, rel=1e-9)


def test_with_many_more_nobody_is(twice):
    table = action_table(twice, channel="phone", actions=[{"name": "many", "agents": 60, "hours": [9, 13]}])
    assert table.loc[0, "saved_per_day"] == pytest.approx(table.attrs["left_per_day"], rel=1e-3)
    assert table.loc[0, "upper"] <= 1.3 * table.attrs["left_per_day"]


def test_with_endless_patience_nothing_explains_the_team():
    frame = contacts(lambda day, hour: 40, start="2026-02-02", days=20, left_share=0.0)
    with pytest.raises(ValueError, match="nobody gave up"):
        action_table(month(frame), channel="phone")


def test_where_nobody_calls_again_redials_are_none():
    frame = contacts(lambda day, hour: 40, start="2026-02-02", days=20)
    weighing = Weighing.of(month(frame).only(channel="phone"))
    assert (weighing.redials.lower, weighing.redials.upper, weighing.redials.measured) == (0.0, 0.0, True)
    cost = period_cost(month(frame), channel="phone").set_index(["measure", "after"])["estimate"]
    assert cost["redials_high", "1 h"] == 0
    assert cost["lost_on_record", "7 d"] == pytest.approx(cost["left", ""]), "who does not come again is not answered"


def test_with_all_customers_unknown_there_is_no_calling_back(twice):
    frame = contacts(lambda day, hour: 40, start="2026-01-05", days=40, customer_key=None)
    table = action_table(month(frame), channel="phone")
    assert not table["action"].str.startswith("call back").any()
    assert not table.attrs["redials"]["measured"]
    cost = period_cost(month(frame), channel="phone")
    assert cost.attrs["lost_after"] == ""
    assert cost.attrs["unknown"] == int(cost.set_index("measure").loc["left", "estimate"])


def test_without_prices_nothing_has_a_value(twice):
    table = action_table(twice, channel="phone")
    assert table[["value", "value_lower", "value_upper"]].isna().all(axis=None)
    assert table.attrs["currency"] == ""


def mixed(seed: int, customers: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = contacts(lambda day, hour: 8, start="2026-02-02", days=15, seed=seed)
    frame["customer_key"] = np.where(
        rng.random(len(frame)) < 0.8, "k" + pd.Series(rng.integers(0, customers, len(frame))).astype(str), None
    )
    return frame.assign(queue=rng.choice(["a", "b", "c"], len(frame)), queued=rng.random(len(frame)) < 0.7)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), customers=st.integers(1, 300))
def test_every_contact_ends_in_exactly_one_state(seed, customers):
    frame = mixed(seed, customers)
    days, known = _counts(month(frame).only(channel="phone"))
    sums = days.sum()
    assert sums["asked"] == len(frame) == sums["left"] + sums["answers_queued"] + sums["answers_at_once"]
    assert sums["left"] == (frame["outcome"] == "abandoned").sum()
    assert known == frame["customer_key"].nunique()
    for after in AFTER_S:
        assert (
            0 <= sums[f"answered {after}"] <= sums[f"again {after}"] <= sums[f"followed {after}"] <= sums["left_known"]
        )
    shorter = [sums[f"again {after}"] / max(sums[f"followed {after}"], 1) for after in ("10 min", "1 h")]
    assert shorter[0] <= shorter[1] + (sums["followed 10 min"] != sums["followed 1 h"])


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_queues_add_up_to_the_channel(seed):
    log = month(mixed(seed, 100))
    whole, _ = _counts(log.only(channel="phone"))
    parts = [_counts(log.only(channel="phone", queue=queue))[0].sum() for queue in ("a", "b", "c")]
    added = sum(parts[1:], parts[0])
    names = [name for name in whole if not name.startswith("customers")]  # one customer may be lost in two queues
    pd.testing.assert_series_equal(added[names], whole.sum()[names])
