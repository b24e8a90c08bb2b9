"""Promises: waits cut by hand, properties, agreement with statsmodels, and what was simulated is found again."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.duration.hazard_regression import PHReg

from cxresearch.patience import (
    abandonment_by_promise,
    broken_promise,
    broken_promise_growth,
    promise_effects,
    promise_elasticity,
    promise_table,
    split_at_promise,
)
from cxresearch.regression import accelerated_failure_time, cox
from cxresearch.risk_table import risk_table
from cxresearch.simulate import STEADY_TRUTH, simulate_contacts, true_patience_survival
from cxresearch.survival import kaplan_meier
from tests.conftest import risk_tables

NONE = math.nan
FIVE = pd.DataFrame(
    {
        "promised_s": [30.0, 30.0, 30.0, 60.0, NONE],
        "duration_s": [20.0, 30.0, 75.0, 10.0, 90.0],
        "outcome": ["abandoned", "answered", "abandoned", "open", "abandoned"],
        "contacts": [1, 2, 3, 4, 5],
    }
)


@st.composite
def promised_tables(draw: st.DrawFn) -> pd.DataFrame:
    """A risk table whose rows have a promise of 3, 10 or 20.5 s, or none."""
    table = draw(risk_tables())
    promises = draw(st.lists(st.sampled_from([3.0, 10.0, 20.5, NONE]), min_size=len(table), max_size=len(table)))
    return table.assign(promised_s=[3.0, *promises[1:]])


def simulated(seed: int, contacts: int = 12_000, channel: str = "phone", **changes) -> pd.DataFrame:
    """Waits of one channel of a log with one law for all topics and a team too small for its work, so that waits are
    long; customers independent.
    """
    one = dataclasses.replace(STEADY_TRUTH.channel(channel), share=1.0, occupancy=1.2)
    truth = dataclasses.replace(STEADY_TRUTH, channels=(one,), customer_correlation=0.0, **changes)
    rng = np.random.default_rng(seed)
    log = simulate_contacts(start="2024-06-01", months=3, contacts=contacts, rng=rng, truth=truth)
    return risk_table(log, by="promised_s")


# --- cutting


def test_waits_are_cut_at_their_promise():
    cut = split_at_promise(FIVE).sort_values(["contacts", "entry_s"])
    columns = ["promise_state", "past_promise", "entry_s", "duration_s", "outcome", "contacts"]
    assert cut[columns].to_numpy().tolist() == [
        ["standing", 0.0, 0.0, 20.0, "abandoned", 1],
        ["standing", 0.0, 0.0, 30.0, "answered", 2],  # as long as the promise: kept
        ["standing", 0.0, 0.0, 30.0, "open", 3],
        ["missed", 1.0, 30.0, 75.0, "abandoned", 3],
        ["standing", 0.0, 0.0, 10.0, "open", 4],
        ["absent", 0.0, 0.0, 90.0, "abandoned", 5],
    ]
    assert (cut["minutes_past"] == 0).all()


def test_what_follows_is_cut_into_steps():
    cut = split_at_promise(FIVE, step_s=20).query("past_promise == 1").sort_values("entry_s")
    assert cut[["entry_s", "duration_s", "outcome"]].to_numpy().tolist() == [
        [30.0, 50.0, "open"], [50.0, 70.0, "open"], [70.0, 75.0, "abandoned"],
    ]  # fmt: skip
    assert cut["minutes_past"].tolist() == pytest.approx([10 / 60, 30 / 60, 50 / 60])


def test_who_came_under_watch_late_is_cut_from_there_on():
    late = FIVE.iloc[[2]].assign(entry_s=[40.0])
    cut = split_at_promise(late, step_s=20)
    assert cut[["entry_s", "duration_s"]].to_numpy().tolist() == [[40.0, 50.0], [50.0, 70.0], [70.0, 75.0]]


@given(promised_tables(), st.sampled_from([None, 1.0, 4.0, 7.5]))
def test_cutting_loses_no_time_and_no_end(waits, step_s):
    cut = split_at_promise(waits, step_s=step_s)
    watched = ((cut["duration_s"] - cut["entry_s"]) * cut["contacts"]).sum()
    assert watched == pytest.approx((waits["duration_s"] * waits["contacts"]).sum())
    for outcome in ("abandoned", "answered"):
        assert cut.loc[cut["outcome"] == outcome, "contacts"].sum() == (
            waits.loc[waits["outcome"] == outcome, "contacts"].sum()
        )
    late = (waits["duration_s"] > waits["promised_s"]) & (waits["outcome"] == "abandoned")
    missed = (cut["promise_state"] == "missed") & (cut["outcome"] == "abandoned")
    assert cut.loc[missed, "contacts"].sum() == waits.loc[late, "contacts"].sum()


@given(promised_tables(), st.sampled_from([None, 2.0]))
def test_a_curve_of_the_cut_table_is_the_curve_of_the_whole_one(waits, step_s):
    if not (waits["outcome"] == "abandoned").any():
        return
    whole = kaplan_meier(waits).set_index("duration_s")
    cut = kaplan_meier(split_at_promise(waits, step_s=step_s)).set_index("duration_s")
    np.testing.assert_allclose(cut.loc[whole.index, "survival"], whole["survival"], atol=1e-12)
    np.testing.assert_array_equal(cut.loc[whole.index, "at_risk"], whole["at_risk"])


# --- who sets the clock


def test_with_constant_hazards_the_elasticity_has_a_closed_form():
    """Exponential patience, two promises: mean patience in each group is time watched over those who left in it."""
    waits = pd.DataFrame({
        "promised_s": [30.0, 30.0, 30.0, 300.0, 300.0, 300.0], "duration_s": [10.0, 20.0, 50.0, 40.0, 200.0, 500.0],
        "outcome": ["abandoned", "answered", "abandoned", "abandoned", "answered", "abandoned"],
        "contacts": [4, 6, 5, 3, 7, 2],
    })  # fmt: skip
    row = promise_elasticity(waits, distribution="exponential").iloc[0]
    short, long = (40 + 120 + 150) / 4, (120 + 1400 + 600) / 3
    assert row["estimate"] == pytest.approx(math.log(long / short) / math.log(10), abs=1e-9)
    assert row["se"] == pytest.approx(math.sqrt(1 / 4 + 1 / 3) / math.log(10), abs=1e-9)
    assert (row["contacts"], row["events"], row["promises"]) == (27, 7, 2)


def test_the_clock_says_where_in_its_tick_a_wait_ended():
    waits = pd.DataFrame({"promised_s": [30.0, 30.0, 300.0, 300.0], "duration_s": [10.0, 20.0, 40.0, 200.0],
                          "outcome": ["abandoned", "answered"] * 2, "contacts": 5})  # fmt: skip

    def elasticity(first: float, second: float, *censored: float) -> float:
        means = (5 * (first + censored[0]) / 5, 5 * (second + censored[1]) / 5)
        return math.log(means[1] / means[0]) / math.log(10)

    expected = {"nearest": elasticity(10, 40, 20, 200), "up": elasticity(9.5, 39.5, 20, 200),
                "down": elasticity(10.5, 40.5, 20.5, 200.5)}  # fmt: skip
    for clock, value in expected.items():
        found = promise_elasticity(waits, distribution="exponential", clock=clock)["estimate"][0]
        assert found == pytest.approx(value, abs=1e-9)


def test_a_wait_of_no_second_is_kept_where_it_ends_in_leaving_and_says_nothing_otherwise():
    waits = pd.DataFrame({
        "promised_s": [30.0, 30.0, 30.0, 300.0, 300.0], "duration_s": [0.0, 0.0, 20.0, 0.0, 200.0],
        "outcome": ["abandoned", "answered", "answered", "abandoned", "answered"], "contacts": 2,
    })  # fmt: skip
    row = promise_elasticity(waits, distribution="exponential").iloc[0]
    assert row["estimate"] == pytest.approx(math.log(200.25 / 20.25) / math.log(10), abs=1e-9)


@pytest.mark.parametrize(
    ("elasticity", "reading"),
    [
        (0.0, "others have set the clock"),
        (1.0, "the promise sets the clock"),
        (0.5, "the promise moves the clock, but not all the way"),
    ],
)
def test_the_two_theories_are_told_apart(elasticity, reading):
    waits = simulated(8, contacts=30_000, promise_elasticity=elasticity)
    row = promise_elasticity(waits, clock="up").iloc[0]
    assert row["lower"] < elasticity < row["upper"]
    assert row["reading"] == reading


def test_what_follows_a_promise_has_no_say_in_the_elasticity():
    calm, broken = simulated(5, broken_promise_hazard_ratio=1.0), simulated(5, broken_promise_hazard_ratio=4.0)
    cut = split_at_promise(broken[broken["promised_s"].notna()])
    plain = accelerated_failure_time(
        broken[broken["promised_s"].notna()].assign(log_promise=lambda t: np.log(t["promised_s"])),
        [], distribution="weibull", numeric="log_promise",
    ).set_index("term")  # fmt: skip
    ours = promise_elasticity(broken, clock="up").iloc[0]
    assert (cut["past_promise"] == 1).any()
    assert ours["estimate"] == pytest.approx(promise_elasticity(calm, clock="up")["estimate"][0], abs=3 * ours["se"])
    assert plain.loc["log_promise", "lower"] > 0.4, "a fit that does not cut takes the broken promise for elasticity"


# --- the broken promise


def test_the_hazard_ratio_is_coxs_on_one_row_a_contact():
    waits = simulated(1, contacts=1_500)
    cut = split_at_promise(waits)
    rows = cut.loc[cut.index.repeat(cut["contacts"])]
    design = np.column_stack([rows["promised_s"] == 30, rows["promised_s"] == 900, rows["past_promise"]]).astype(float)
    left = (rows["outcome"] == "abandoned").astype(int)
    entry = rows["entry_s"] + 0.5  # at its entry a contact is at risk there and not here
    fit = PHReg(rows["duration_s"], design, status=left, entry=entry, ties="breslow").fit()
    ours = cox(cut.assign(promise=cut["promised_s"].fillna(0.0)), "promise", numeric="past_promise",
               ties="breslow")  # fmt: skip
    np.testing.assert_allclose(ours["estimate"], fit.params, atol=1e-6)
    row = broken_promise(waits).iloc[0]
    assert math.log(row["estimate"]) == pytest.approx(fit.params[2], abs=0.01)  # Efron beside Breslow
    assert row["se"] / row["estimate"] == pytest.approx(fit.bse[2], rel=0.01)


def test_two_ticks_give_the_ratio_of_their_hazards():
    """One tick before and one after the promise: the model is saturated, its ratio that of the discrete hazards."""
    waits = pd.DataFrame({
        "promised_s": [10.0, 10.0, 10.0, NONE, NONE, NONE], "duration_s": [5.0, 20.0, 30.0] * 2,
        "outcome": ["abandoned", "abandoned", "answered"] * 2, "contacts": [200, 300, 9_700, 200, 150, 9_700],
    })  # fmt: skip
    row = broken_promise(waits).iloc[0]
    after = math.log1p(-300 / 10_000) / math.log1p(-150 / 9_850)
    before = math.log1p(-200 / 10_200) / math.log1p(-200 / 10_050)
    assert row["estimate"] == pytest.approx(after / before, rel=1e-4)
    assert row["events_past"] == 300
    assert row["se"] / row["estimate"] == pytest.approx(math.sqrt(1 / 200 + 1 / 300 + 1 / 200 + 1 / 150), rel=0.02)


def test_promises_of_many_lengths_need_no_levels():
    rng = np.random.default_rng(7)
    promise = np.where(rng.random(20_000) < 0.3, np.nan, rng.uniform(20, 200, 20_000).round())
    base = 200 * np.where(np.isnan(promise), 1, (promise / 100) ** 0.5)
    hazard, before = rng.exponential(size=20_000), np.where(np.isnan(promise), np.inf, promise / base)
    patience = np.ceil(base * (np.minimum(hazard, before) + np.maximum(hazard - before, 0) / 2.0))
    offered = np.ceil(rng.exponential(150, 20_000))
    waits = risk_table(
        pd.DataFrame({"promised_s": promise, "wait_s": np.minimum(patience, offered),
                      "outcome": np.where(patience <= offered, "abandoned", "answered")}), by="promised_s",
    )  # fmt: skip
    row = broken_promise(waits, levels=False).iloc[0]
    assert row["lower"] < 2.0 < row["upper"]
    assert row["se"] < 0.2


def growing(seed: int, growth: float, contacts: int = 12_000) -> pd.DataFrame:
    """Exponential patience, half of the contacts promised 60 s; past it the hazard jumps by 1.3 and grows a minute."""
    rng = np.random.default_rng(seed)
    promised = rng.random(contacts) < 0.5
    hazard = rng.exponential(size=contacts)
    before = 60 / 300
    left = np.where(promised, np.maximum(hazard - before, 0), 0.0)
    rate, slope = 1.3 / 300, math.log(growth) / 60
    after = np.log1p(left * slope / rate) / slope if slope else left / rate
    patience = np.ceil(np.where(promised & (hazard > before), 60 + after, 300 * hazard))
    offered = np.ceil(rng.exponential(240, contacts))
    rows = pd.DataFrame({"promised_s": np.where(promised, 60.0, np.nan), "wait_s": np.minimum(patience, offered),
                         "outcome": np.where(patience <= offered, "abandoned", "answered")})  # fmt: skip
    return risk_table(rows, by="promised_s")


def test_a_hazard_that_grows_past_the_promise_is_told_from_one_that_only_jumps():
    grown = broken_promise_growth(growing(1, 1.3)).set_index("effect")
    flat = broken_promise_growth(growing(1, 1.0)).set_index("effect")
    minute = "each minute past it"
    assert grown.loc[minute, "lower"] < 1.3 < grown.loc[minute, "upper"]
    assert grown.loc[minute, "lower"] > 1 > flat.loc[minute, "lower"]
    assert flat.loc[minute, "upper"] < 1.3
    assert flat.loc["at the promise", "lower"] < 1.3 < flat.loc["at the promise", "upper"]


def test_the_length_of_the_steps_hardly_matters():
    waits = growing(2, 1.3)
    coarse, fine = (broken_promise_growth(waits, step_s=s).set_index("effect") for s in (15.0, 3.0))
    np.testing.assert_allclose(coarse["estimate"], fine["estimate"], rtol=0.005)


# --- kept, missed, absent


def test_effects_of_standing_and_missed_promises_are_those_simulated():
    waits = simulated(1, contacts=40_000)
    effects = promise_effects(waits).set_index(["promised_s", "promise_state"])
    assert effects.index[0][1] == "absent"
    assert effects.iloc[0]["estimate"] == 1
    for promise in (30.0, 900.0):
        standing = (promise / 120) ** (-0.4 * 0.8)
        assert effects.loc[(promise, "standing"), "lower"] < standing < effects.loc[(promise, "standing"), "upper"]
        missed = effects.loc[(promise, "missed")]
        assert missed["lower"] < 1.6 * standing < missed["upper"]
    assert effects.loc[(30.0, "standing"), "contacts"] > effects.loc[(30.0, "missed"), "contacts"]


def test_shares_that_leave_follow_the_law_that_was_simulated():
    waits = simulated(2, contacts=40_000)
    shares = abandonment_by_promise(waits, horizon_s=300).set_index(["promised_s", "promise_state"])["estimate"]
    truth = {NONE: ("absent", None), 30.0: ("missed", 30.0), 900.0: ("standing", 900.0)}
    for promised, (state, promise) in truth.items():
        left = 1 - true_patience_survival([300.0], "phone", promise)[0]
        found = (
            shares[shares.index.get_level_values(1) == state].iloc[0] if promise is None else shares[promised, state]
        )
        assert found == pytest.approx(left, abs=0.03)
    assert shares[30.0, "standing"] < shares[30.0, "missed"]
    assert (900.0, "missed") not in shares.index


def test_a_promise_that_changes_nothing_gives_the_same_share_as_none():
    """Two alike groups of three: at each second two leave, and Efron's sum is 1/6 + 1/5, 1/4 + 1/3."""
    waits = pd.DataFrame({"promised_s": [100.0] * 3 + [NONE] * 3, "duration_s": [1.0, 2.0, 3.0] * 2,
                          "outcome": "abandoned", "contacts": 1})  # fmt: skip
    shares = abandonment_by_promise(waits, horizon_s=2.0)
    assert shares["promise_state"].tolist() == ["absent", "standing"]
    assert shares["estimate"].tolist() == pytest.approx([1 - math.exp(-0.95)] * 2)


def test_what_became_of_the_promises_worked_by_hand():
    rows = promise_table(FIVE)
    assert rows["promised_s"].tolist()[:2] == [30.0, 60.0]
    thirty, sixty, none = rows.to_dict("records")
    assert [thirty[n] for n in ("queued", "kept", "left_in_time", "open_in_time", "missed", "left_after_missed")] == [
        6, 2, 1, 0, 3, 3,
    ]  # fmt: skip
    assert (thirty["share_missed"], thirty["share_left_of_queued"], thirty["share_left_after_missed"]) == (
        0.5,
        4 / 6,
        1.0,
    )
    assert (sixty["open_in_time"], sixty["share_left_of_queued"]) == (4, 0.0)
    assert math.isnan(none["kept"])
    assert none["share_left_of_queued"] == 1.0


@given(promised_tables())
def test_promises_are_each_kept_missed_or_neither(waits):
    rows = promise_table(waits)
    made = rows[rows["promised_s"].notna()]
    parts = made[["kept", "left_in_time", "open_in_time", "missed"]].sum(axis=1)
    assert (parts == made["queued"]).all()
    assert rows["queued"].sum() == waits["contacts"].sum()
    assert ((rows["lower"] <= rows["share_left_of_queued"]) & (rows["share_left_of_queued"] <= rows["upper"])).all()


# --- recovery: the stated coverage


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say():
    """24 logs; at a coverage of 95 % fewer than 20 in 24 happen once in 170 times, per estimator."""
    found = {"elasticity": [], "hazard ratio": []}
    for seed in range(24):
        waits = simulated(100 + seed, contacts=8_000)
        row = promise_elasticity(waits, clock="up").iloc[0]
        found["elasticity"].append((row["lower"] < 0.4 < row["upper"], (row["estimate"] - 0.4) / row["se"]))
        row = broken_promise(waits).iloc[0]
        error = math.log(row["estimate"] / 1.6) / (row["se"] / row["estimate"])
        found["hazard ratio"].append((row["lower"] < 1.6 < row["upper"], error))
    for name, logs in found.items():
        held, errors = zip(*logs, strict=True)
        assert sum(held) >= 20, name
        assert abs(np.mean(errors)) < 3 / math.sqrt(len(errors)), f"{name} is off by {np.mean(errors):.2f} se"
        assert 0.6 < np.std(errors) < 1.5, name


def test_the_standard_log_gives_its_truth_by_channel():
    log = simulate_contacts(start="2024-06-01", months=3, contacts=60_000, rng=np.random.default_rng(4))
    waits = risk_table(log, by=["channel", "promised_s"])
    clock = promise_elasticity(waits, by="channel", clock="up")
    broken = broken_promise(waits, by="channel")
    assert clock["channel"].tolist() == ["chat", "email", "phone", "social"]
    assert (((clock["estimate"] - 0.4) / clock["se"]).abs() < 3).all()
    assert (np.log(broken["estimate"] / 1.6) / (broken["se"] / broken["estimate"])).abs().max() < 3


# --- bad input


@pytest.mark.parametrize("call", [split_at_promise, promise_elasticity, broken_promise, promise_effects, promise_table])
@pytest.mark.parametrize("value", [0.0, -5.0, math.inf])
def test_promises_of_zero_or_below_are_refused_with_their_number(call, value):
    bad = FIVE.assign(promised_s=FIVE["promised_s"].mask(FIVE["contacts"] == 3, value))
    with pytest.raises(ValueError, match=r"above 0 seconds.*for 3 of 15 contacts \(1 rows\)"):
        call(bad)


@pytest.mark.parametrize("call", [split_at_promise, promise_elasticity, broken_promise, promise_effects, promise_table])
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.drop(columns="promised_s"), "no column promised_s"),
        (lambda t: t.assign(promised_s="2 h"), "must hold seconds"),
        (lambda t: t.assign(promised_s=np.nan), "no contact has a promise"),
        (lambda t: t.assign(duration_s=-1.0), "duration_s must be"),
    ],
)
def test_bad_tables_are_refused(call, change, says):
    with pytest.raises(ValueError, match=says):
        call(change(FIVE))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: promise_elasticity(FIVE[FIVE["promised_s"] != 60.0]), "6 of 11 contacts have a promise, 1 differ"),
        (lambda: promise_elasticity(FIVE, clock="sundial"), "clock must be one of"),
        (lambda: broken_promise(FIVE[FIVE["contacts"] != 3]), "nobody left after their promise"),
        (lambda: broken_promise(FIVE[FIVE["promised_s"] == 30.0]), "all contacts have the same promise"),
        (lambda: promise_effects(FIVE[FIVE["promised_s"].notna()]), "no contact is without a promise"),
        (lambda: split_at_promise(FIVE, step_s=0.0), "step_s"),
        (lambda: split_at_promise(FIVE, step_s=1e-7), "use longer steps"),
        (lambda: abandonment_by_promise(FIVE, horizon_s=1e6), "not past the longest wait"),
    ],
)
def test_what_cannot_be_estimated_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_a_group_that_cannot_be_estimated_is_a_marked_gap():
    good = simulated(1, contacts=3_000)
    both = pd.concat([good.assign(channel="phone"), FIVE[FIVE["promised_s"] == 30.0].assign(channel="chat")])
    clock, broken = promise_elasticity(both, by="channel"), broken_promise(both, by="channel")
    assert clock["channel"].tolist() == ["chat", "phone"]
    assert math.isnan(clock["estimate"][0])
    assert "promises differ" in clock["reading"][0]
    assert "same promise" in broken["note"][0]
    assert broken["note"][1] == ""
    pd.testing.assert_series_equal(
        clock.loc[1, ["estimate", "se"]], promise_elasticity(good).loc[0, ["estimate", "se"]], check_names=False
    )
