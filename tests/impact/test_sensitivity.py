"""Sensitivity: functions whose indices are known, the chain from wait to money, and what is refused."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pandas as pd
import pytest

from cxresearch import impact
from cxresearch.impact import assumption_values, load_assumptions, sensitivity

REGISTER = load_assumptions()
CHAIN = partial(impact.impact, reply_s=86_400.0, answered_share=1.0)


def register(**ranges: tuple[float, float, float]) -> pd.DataFrame:
    rows = [(name, f"the {name}", *numbers) for name, numbers in ranges.items()]
    return pd.DataFrame(rows, columns=["name", "label", "value", "low", "high"])


CUBE = register(a=(0.0, -math.pi, math.pi), b=(0.0, -math.pi, math.pi), c=(0.0, -math.pi, math.pi))


def ishigami(values):
    a, b, c = values["a"], values["b"], values["c"]
    return {"y": np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a), "twice": 2 * a}


def test_sobol_indices_of_the_ishigami_function():
    table = sensitivity.sobol_table(CUBE, ishigami, outcomes=["y"], base_samples=4096, rng=np.random.default_rng(1))
    table = table.set_index("name")
    # Saltelli et al. (2008), Global Sensitivity Analysis, with a = 7 and b = 0.1.
    first = 0.5 * (1 + 0.1 * math.pi**4 / 5) ** 2
    second, third = 49 / 8, 0.01 * math.pi**8 * (1 / 18 - 1 / 50)
    variance = first + second + third
    assert table.loc[["a", "b", "c"], "first_order"].tolist() == pytest.approx(
        [first / variance, second / variance, 0.0], abs=0.02
    )
    assert table.loc[["a", "b", "c"], "total"].tolist() == pytest.approx(
        [(first + third) / variance, second / variance, third / variance], abs=0.02
    )
    assert table.index.tolist() == ["a", "b", "c"]  # largest total first
    assert table.attrs["evaluations"] == 4096 * 5


def test_a_product_splits_by_hand():
    # y = p q, both even on 0 to 1: Var = 1/9 - 1/16 = 7/144, V_p = Var(p) / 4 = 1/48, so 3/7 alone and 1/7 together.
    square = register(p=(0.5, 0.0, 1.0), q=(0.5, 0.0, 1.0))

    def model(values):
        return {"y": values["p"] * values["q"]}

    table = sensitivity.sobol_table(square, model, outcomes=["y"], base_samples=2048, rng=np.random.default_rng(2))
    assert table["first_order"].tolist() == pytest.approx([3 / 7, 3 / 7], abs=0.01)
    assert table["total"].tolist() == pytest.approx([4 / 7, 4 / 7], abs=0.01)


def test_morris_finds_the_slopes_of_a_plane():
    plane = register(x=(1.0, 0.0, 2.0), y=(1.0, -1.0, 1.0), z=(3.0, 3.0, 3.0))

    def model(values):
        return {"height": 5 * values["x"] - 2 * values["y"] + values["z"]}

    table = sensitivity.morris_table(plane, model, outcomes=["height"], trajectories=6, rng=np.random.default_rng(3))
    table = table.set_index("name")
    assert table["mean_effect"].to_dict() == pytest.approx({"x": 10.0, "y": -4.0})  # slope times the whole range
    assert table["effect"].to_dict() == pytest.approx({"x": 10.0, "y": 4.0})
    assert table["spread"].to_numpy() == pytest.approx(0, abs=1e-9)
    assert table.attrs["evaluations"] == 6 * 3  # z has no range and stays


def test_a_range_of_an_order_of_magnitude_is_walked_in_logarithms():
    seen = {}

    def model(values):
        seen.update(values)
        return {"y": np.log(values["wide"]) + values["narrow"]}

    two = register(wide=(10.0, 1.0, 100.0), narrow=(0.5, 0.0, 1.0), fixed=(4.0, 4.0, 4.0))
    sensitivity.sobol_table(two, model, outcomes=["y"], base_samples=512, rng=np.random.default_rng(4))
    assert np.median(seen["wide"]) == pytest.approx(10, rel=0.02)
    assert np.median(seen["narrow"]) == pytest.approx(0.5, abs=0.01)
    assert (seen["fixed"] == 4).all()


def test_ranges_of_an_outcome_are_its_quantiles():
    def model(values):
        return {"y": 100 * np.asarray(values["p"])}

    found = sensitivity.range_table(
        register(p=(0.5, 0.0, 1.0)), model, outcomes=["y"], draws=20_000, rng=np.random.default_rng(5), level=0.8
    ).iloc[0]
    assert found["value"] == 50
    assert [found["lower"], found["median"], found["upper"]] == pytest.approx([10, 50, 90], abs=1.0)


def test_twenty_thousand_evaluations_of_the_chain():
    uncertain = REGISTER[REGISTER["part"] != "tail"]
    outcomes = ["heard", "money_lost"]
    table = sensitivity.sobol_table(uncertain, CHAIN, outcomes=outcomes, base_samples=512, rng=np.random.default_rng(6))
    assert table.attrs["evaluations"] >= 20_000
    by_outcome = table.groupby("outcome", sort=False)
    assert list(by_outcome.groups) == outcomes
    for _, rows in by_outcome:
        assert rows["total"].is_monotonic_decreasing
        assert (rows["total"] >= rows["first_order"] - rows["first_order_error"] - rows["total_error"]).all()
        assert rows["first_order"].sum() < 1.2
    money = table[table["outcome"] == "money_lost"].set_index("name")["total"]
    heard = table[table["outcome"] == "heard"].set_index("name")["total"]
    assert heard["customer_value"] == pytest.approx(0, abs=1e-12)  # money cannot change who hears
    assert money["customer_value"] > 0.1
    again = sensitivity.sobol_table(
        uncertain, CHAIN, outcomes=["heard"], base_samples=512, rng=np.random.default_rng(6)
    )
    pd.testing.assert_series_equal(
        again.set_index("name")["total"], table[table["outcome"] == "heard"].set_index("name")["total"]
    )


def test_the_whole_range_of_the_register_has_a_finite_expectation():
    ends = {row.name: row.high for row in REGISTER.itertuples(index=False)}
    worst = assumption_values(REGISTER) | {name: x for name, x in ends.items() if name.startswith("retellings_")}
    worst |= {"reply_factor_unhelpful": ends["reply_factor_unhelpful"]}
    found = impact.impact(worst, reply_s=0.0, answered_share=1.0, unhelpful_share=1.0)
    assert math.isfinite(float(found["heard"]))


def test_what_cannot_be_attributed_is_refused():
    rng = np.random.default_rng(7)
    with pytest.raises(ValueError, match="power of 2"):
        sensitivity.sobol_table(CUBE, ishigami, outcomes=["y"], base_samples=500, rng=rng)
    with pytest.raises(ValueError, match="at least 2"):
        sensitivity.morris_table(CUBE, ishigami, outcomes=["y"], trajectories=1, rng=rng)
    with pytest.raises(ValueError, match=r"no outcome \['z'\]; it has \['y', 'twice'\]"):
        sensitivity.sobol_table(CUBE, ishigami, outcomes=["z"], base_samples=4, rng=rng)
    with pytest.raises(ValueError, match="list of at least one name"):
        sensitivity.sobol_table(CUBE, ishigami, outcomes="y", base_samples=4, rng=rng)
    with pytest.raises(ValueError, match="does not vary"):
        sensitivity.sobol_table(CUBE, lambda v: {"y": 0 * v["a"] + 3}, outcomes=["y"], base_samples=4, rng=rng)
    with pytest.raises(ValueError, match="not finite in"):
        sensitivity.morris_table(CUBE, lambda v: {"y": v["a"] + math.inf}, outcomes=["y"], trajectories=2, rng=rng)
    with pytest.raises(ValueError, match="one number is needed for each of"):
        sensitivity.sobol_table(CUBE, lambda v: {"y": v["a"][:2]}, outcomes=["y"], base_samples=4, rng=rng)
    with pytest.raises(ValueError, match="low must be <= high"):
        sensitivity.sobol_table(CUBE.assign(low=4.0), ishigami, outcomes=["y"], base_samples=4, rng=rng)
    with pytest.raises(ValueError, match="no assumption has a range"):
        sensitivity.sobol_table(CUBE.assign(low=0.0, high=0.0), ishigami, outcomes=["y"], base_samples=4, rng=rng)
    with pytest.raises(ValueError, match="rng should be a numpy Generator"):
        sensitivity.sobol_table(CUBE, ishigami, outcomes=["y"], base_samples=4, rng=7)
    with pytest.raises(ValueError, match="draws >= 100"):
        sensitivity.range_table(CUBE, ishigami, outcomes=["y"], draws=10, rng=rng)
