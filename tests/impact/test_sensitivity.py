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


# Saltelli et al. (2008), Global Sensitivity Analysis, with a = 7 and b = 0.1.
FIRST = 0.5 * (1 + 0.1 * math.pi**4 / 5) ** 2
SECOND, THIRD = 49 / 8, 0.01 * math.pi**8 * (1 / 18 - 1 / 50)
VARIANCE = FIRST + SECOND + THIRD


@pytest.fixture(scope="module")
def split():
    rng = np.random.default_rng(1)
    return sensitivity.sobol_table(CUBE, ishigami, outcomes=["y"], base_samples=4096, rng=rng)


def test_sobol_indices_of_the_ishigami_function(split):
    table = split.set_index("name")
    assert table.loc[["a", "b", "c"], "first_order"].tolist() == pytest.approx(
        [FIRST / VARIANCE, SECOND / VARIANCE, 0.0], abs=0.02
    )
    assert table.loc[["a", "b", "c"], "total"].tolist() == pytest.approx(
        [(FIRST + THIRD) / VARIANCE, SECOND / VARIANCE, THIRD / VARIANCE], abs=0.02
    )
    assert table.index.tolist() == ["a", "b", "c"]  # largest total first
    assert table.attrs["evaluations"] == 4096 * 5


# What SALib 1.6.0 gave for as many evaluations of the same function: index and the half-width it stated.
SALIB = {
    "first_order": [(0.314430, 0.027411), (0.441279, 0.025561), (0.001113, 0.026940)],
    "total": [(0.557590, 0.043096), (0.442416, 0.020738), (0.243526, 0.013428)],
}


@pytest.mark.parametrize("index", SALIB)
def test_indices_and_their_errors_agree_with_salib(split, index):
    table = split.set_index("name").loc[["a", "b", "c"]]
    value, error = np.array(SALIB[index]).T
    assert (np.abs(table[index] - value) < np.hypot(error, table[f"{index}_error"])).all()
    assert (table[f"{index}_error"] / error).to_numpy() == pytest.approx(1, abs=0.25)  # two bootstraps of chance


def test_the_stated_error_covers_the_known_indices():
    inside = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        table = sensitivity.sobol_table(CUBE, ishigami, outcomes=["y"], base_samples=256, rng=rng).set_index("name")
        known = {"a": (FIRST + THIRD) / VARIANCE, "b": SECOND / VARIANCE, "c": THIRD / VARIANCE}
        inside += [
            abs(table.loc[name, "total"] - total) < table.loc[name, "total_error"] for name, total in known.items()
        ]
    assert np.mean(inside) > 0.9  # a low-discrepancy sample does better than the bootstrap, which takes it as random


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


def test_morris_agrees_with_every_walk_there_is():
    def model(values):
        return {"y": values["p"] ** 2 * (1 + values["q"])}

    two = register(p=(1.0, 0.0, 3.0), q=(0.5, 0.0, 1.0))
    # On the grid 0, 1, 2, 3 of p a step is two of its places: from 0 to 2 and 1 to 3, or back; over the range 3/2 of it.
    factor = np.mean([1 + q for q in (0, 1 / 3, 2 / 3, 1)])
    moved_p = 1.5 * factor * np.mean([2**2 - 0**2, 3**2 - 1**2])
    moved_q = np.mean([p**2 for p in (0, 1, 2, 3)])
    table = sensitivity.morris_table(two, model, outcomes=["y"], trajectories=4000, rng=np.random.default_rng(8))
    table = table.set_index("name")
    for name, effect in (("p", moved_p), ("q", moved_q)):
        assert table.loc[name, "effect"] == pytest.approx(effect, abs=1.5 * table.loc[name, "effect_error"])
        assert table.loc[name, "mean_effect"] == table.loc[name, "effect"]  # both only rise
        assert table.loc[name, "effect_error"] < 0.05 * effect


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
    uncertain = REGISTER[~REGISTER["part"].isin(["tail", impact.DECISION])]
    outcomes = ["heard", "money_lost"]
    table = sensitivity.sobol_table(uncertain, CHAIN, outcomes=outcomes, base_samples=512, rng=np.random.default_rng(6))
    assert table.attrs["evaluations"] >= 20_000
    by_outcome = table.groupby("outcome", sort=False)
    assert list(by_outcome.groups) == outcomes
    for _, rows in by_outcome:
        assert rows["total"].is_monotonic_decreasing
        # A thousandth is left to chance among the numbers that hardly matter.
        assert (rows["total"] + 0.001 >= rows["first_order"] - rows["first_order_error"] - rows["total_error"]).all()
        assert rows["first_order"].sum() < 1.2
    money = table[table["outcome"] == "money_lost"].set_index("name")["total"]
    heard = table[table["outcome"] == "heard"].set_index("name")["total"]
    assert heard["customer_value"] == pytest.approx(0, abs=1e-12)  # money cannot change who hears
    assert money["customer_value"] > 0.1
    again = sensitivity.sobol_table(
        uncertain, CHAIN, outcomes=["heard"], base_samples=512, rng=np.random.default_rng(6)
    )
    both = again.set_index("name"), table[table["outcome"] == "heard"].set_index("name")
    pd.testing.assert_series_equal(*(rows["total"] for rows in both))
    pd.testing.assert_series_equal(*(rows["total_error"] for rows in both))  # the bootstrap draws from rng, too


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
    lone = CUBE.assign(high=[0.0, 1.0, 0.0], low=0.0)
    with pytest.raises(ValueError, match="only b has a range"):
        sensitivity.sobol_table(lone, ishigami, outcomes=["y"], base_samples=4, rng=rng)
    with pytest.raises(ValueError, match="no assumption has a range"):
        sensitivity.sobol_table(CUBE.assign(low=0.0, high=0.0), ishigami, outcomes=["y"], base_samples=4, rng=rng)
    with pytest.raises(ValueError, match="rng should be a numpy Generator"):
        sensitivity.sobol_table(CUBE, ishigami, outcomes=["y"], base_samples=4, rng=7)
    with pytest.raises(ValueError, match="draws >= 100"):
        sensitivity.range_table(CUBE, ishigami, outcomes=["y"], draws=10, rng=rng)
