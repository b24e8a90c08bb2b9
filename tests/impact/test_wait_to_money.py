"""The chain from a wait to money: worked by hand, at its limits, against the reference numbers, and against itself."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from cxresearch import impact, spread
from cxresearch.evidence import BaseMismatch, Share
from cxresearch.impact import assumption_values, complaint, load_assumptions
from cxresearch.impact import kinds_of_talk as talk
from cxresearch.spread import incidence

REGISTER = load_assumptions()
VALUES = assumption_values(REGISTER)
RATES = {"hazard_before_per_h": 0.01, "hazard_after_per_h": 0.2}
hours = st.floats(0, 1000)
rates = st.floats(0, 10)
shares = st.floats(0, 1)


def run(values=None, **scenario):
    """One contact in one scenario, as plain numbers."""
    case = {"reply_s": 7200.0, "answered_share": 1.0, "unhelpful_share": 0.38} | scenario
    return {name: float(number) for name, number in impact.impact(values or VALUES, **case).items()}


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_a_wait_of_three_hours_with_a_promise_of_two_by_hand():
    found = complaint.complaint_probability(3.0, promised_h=2.0, **RATES)
    assert found == pytest.approx(1 - math.exp(-(2 * 0.01 + 1 * 0.2)), rel=1e-15)


def test_a_reply_to_every_second_post_by_hand():
    values = VALUES | {"ignored_post_again": 0.5, "ignored_other_channel": 0.25, "ignored_forget": 0.25}
    chain = complaint.reply_chain(values, answered_share=0.5, unhelpful_share=0.0)
    # Of 4 posts 2 are answered, 1 is made again: 4/3 posts, ended by a reply 2/3, elsewhere 1/6 each, nothing unstated.
    assert {name: float(x) for name, x in chain.items()} == pytest.approx(
        {"posts": 4 / 3, "helpful_reply": 2 / 3, "other_channel": 1 / 6, "forget": 1 / 6, "not_stated": 0.0}
    )


def test_two_kinds_of_talk_by_hand():
    quiet = VALUES | {f"retellings_{kind}": 0.0 for kind in talk.TALK_KINDS} | {"same_kind_share": 0.0}
    loud = quiet | {"retellings_social": 0.6}
    # A social post begins 0.6 tellings, 0.2 of each other kind, which begin none.
    assert talk.tellings(loud, [0, 0, 0, 10.0]).tolist() == pytest.approx([2, 2, 2, 10])
    assert talk.tellings(quiet, [1.0, 2.0, 3.0, 4.0]).tolist() == pytest.approx([1, 2, 3, 4])


def test_nobody_is_answered_by_hand():
    values = VALUES | {f"retellings_{kind}": 0.0 for kind in talk.TALK_KINDS} | {"behaviour_per_intent": 0.5}
    found = run(values, answered_share=0.0)
    assert found["in_trouble"] == 1
    assert found["complaints_waiting"] == pytest.approx(0.5 * 0.84)
    assert found["complaints_after_reply"] == 0
    assert found["posts_per_complaint"] == pytest.approx(1 / 0.82)
    # 0.82 tell offline, and 0.34 more because nobody answered, of whom half do.
    assert found["tellings_offline"] == pytest.approx(0.42 * (0.82 + 0.5 * 0.34))
    assert found["tellings_public"] == pytest.approx(0.42 * 0.18 / 0.82)
    assert found["tellings_social"] == pytest.approx(0.42 * (0.07 / 0.82 + 0.5 * 0.31))
    assert found["heard_offline"] == pytest.approx(16 * found["tellings_offline"])
    assert found["customers_lost"] == pytest.approx(0.5 * 0.35)
    assert found["money_lost"] == pytest.approx(300 * (0.175 + found["heard"] * 0.02 * 0.1))


def test_a_helpful_reply_earns_praise_from_45_percent_by_hand():
    found = run(unhelpful_share=0.0, reply_s=86_400.0)
    posts = found["ends_helped"] * 0.45 * 0.5
    assert found["ends_helped"] == pytest.approx(0.58 * found["complaints_waiting"])
    assert found["heard_praise"] == pytest.approx(
        float(talk.tellings(VALUES, [0, 0, 0, posts]) @ talk.audiences(VALUES))
    )
    assert found["prospects_won"] == pytest.approx(found["heard_praise"] * 0.02 * 0.1)


# --- reference numbers ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def coupling(shared) -> pd.DataFrame:
    return pd.read_csv(shared / "reference" / "spread" / "service_coupling.csv")


def test_complaints_before_a_random_reply_agree_with_the_reference(coupling):
    rows = coupling[coupling["quantity"] == "P(complain before reply)"]
    assert len(rows) == 4
    for row in rows.itertuples():
        given_ = dict(part.split("=") for part in row.parameters.replace("/h", "").split(";"))
        found = complaint.complaint_probability_random_reply(
            1 / float(given_["mu"]),
            promised_h=float(given_["promise"].removesuffix("h")),
            hazard_before_per_h=float(given_["h0"]),
            hazard_after_per_h=float(given_["h1"]),
        )
        assert found == pytest.approx(float(row.value), rel=1e-10)


def test_the_reply_chain_agrees_with_the_reference(coupling):
    names = {
        "expected_posts": "posts",
        "P(ends_other_channel)": "other_channel",
        "P(unstated_residual)": "not_stated",
        "P(ends_in_response)": "helpful_reply",
        "P(gives_up)": "forget",
    }
    rows = coupling[coupling["quantity"].isin(names)]
    assert len(rows) == 13
    for row in rows.itertuples():
        share = float(row.parameters.removeprefix("response_rate="))
        chain = complaint.reply_chain(VALUES, answered_share=share, unhelpful_share=0.0)
        assert float(chain[names[row.quantity]]) == pytest.approx(float(row.value), rel=1e-10, abs=1e-15)


def test_online_channels_per_teller_and_the_reply_factor_agree_with_the_reference(coupling):
    known = coupling.set_index("quantity")["value"].map(lambda text: float(text) if text else math.nan)
    table = complaint.telling_table(VALUES)
    assert table.attrs["channels_per_online_teller"] == pytest.approx(
        known["online channels per online complainer"], rel=1e-10
    )
    rows = coupling[coupling["quantity"] == "response_modified_mean_offspring_factor"]
    assert len(rows) == 3
    for row in rows.itertuples():
        at = {"15min": 900.0, "2h": 7200.0, "24h": 86_400.0}[row.parameters.split(";")[0].removeprefix("reply at ")]
        found = talk.reply_factors(VALUES, at, answered_share=1.0, unhelpful_share=1.0)
        assert VALUES["reply_factor_unhelpful"] == 1.3
        assert found["social"] == pytest.approx(float(row.value), rel=1e-10)


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "law", [complaint.complaint_probability, complaint.complaint_probability_random_reply], ids=["fixed", "random"]
)
def test_limits_of_reply_and_promise(law):
    assert law(0, promised_h=2, **RATES) == 0  # a reply at once
    assert law(math.inf, promised_h=2, **RATES) == 1  # never, and a hazard that stays
    assert law(math.inf, promised_h=math.inf, hazard_before_per_h=0, hazard_after_per_h=9) == 0
    assert law(math.inf, promised_h=2, hazard_before_per_h=0, hazard_after_per_h=0) == 0
    only_after = law(5, promised_h=0, **RATES)
    only_before = law(5, promised_h=math.inf, **RATES)
    assert only_after == pytest.approx(law(5, promised_h=1, hazard_before_per_h=0.2, hazard_after_per_h=0.2), rel=1e-14)
    assert only_before == pytest.approx(
        law(5, promised_h=1, hazard_before_per_h=0.01, hazard_after_per_h=0.01), rel=1e-14
    )
    assert law(5, promised_h=1e-13, **RATES) == pytest.approx(only_after, rel=1e-11)
    assert law(5, promised_h=1e6, **RATES) == pytest.approx(only_before, rel=1e-11)


def test_promise_at_0_and_at_infinity_in_closed_form():
    m, b, a = 0.5, 0.01, 0.2
    rates_ = {"hazard_before_per_h": b, "hazard_after_per_h": a}
    assert complaint.complaint_probability_random_reply(1 / m, promised_h=0, **rates_) == pytest.approx(a / (a + m))
    assert complaint.complaint_probability_random_reply(1 / m, promised_h=math.inf, **rates_) == pytest.approx(
        b / (b + m)
    )


def test_a_reply_at_once_leaves_only_what_unhelpful_replies_set_off():
    found = run(reply_s=0.0)
    assert found["complaints_waiting"] == 0
    assert found["complaints_after_reply"] == pytest.approx(0.38 * 0.84 * 0.5)
    silent = run(reply_s=0.0, unhelpful_share=0.0)
    assert {silent[name] for name in ("in_trouble", "heard", "heard_praise", "customers_lost", "money_lost")} == {0.0}


def test_a_reply_at_infinity_is_no_reply():
    assert run(reply_s=math.inf, answered_share=1.0) == run(reply_s=5.0, answered_share=0.0)
    assert run(reply_s=math.inf)["ends_helped"] == 0


def test_where_intentions_are_never_done_nothing_happens():
    found = run(VALUES | {"behaviour_per_intent": 0.0}, reply_s=math.inf)
    for name in ("complaints_waiting", "heard", "customers_lost", "prospects_lost", "money_lost"):
        assert found[name] == 0


def test_where_every_intention_is_done_tellers_are_the_share_of_the_problem_havers():
    found = run(VALUES | {"behaviour_per_intent": 1.0}, answered_share=0.0)
    assert found["complaints_waiting"] == pytest.approx(0.84)
    table = complaint.telling_table(VALUES).set_index("channel")
    assert table.loc["share_offline", "of_troubled"] == pytest.approx(0.84 * 0.82)


def test_with_poisson_and_geometric_retelling_the_storm_is_the_exact_one_type_law():
    alone = VALUES | {f"retellings_{kind}": 0.5 for kind in talk.TALK_KINDS} | {"same_kind_share": 1.0}
    for dispersion in (math.inf, 1.0):
        values = alone | {f"dispersion_{kind}": dispersion for kind in talk.TALK_KINDS}
        storms, tails = talk.storm_table(values, one_in=1000, max_size=200)
        law = spread.chain_size_distribution(0.5, dispersion, max_size=200)
        storm = law.loc[law["probability_larger"] <= 1e-3, "chain_size"].iloc[0]
        assert set(storms["storm_tellings"]) == {storm}
        social = tails[tails["kind"] == "social"]
        known = social["probability_larger"].notna()
        np.testing.assert_allclose(
            social["probability_larger"][known], law["probability_larger"][known.to_numpy()], rtol=1e-6
        )
        assert storms["mean_tellings"].tolist() == pytest.approx([2.0] * 4)


def test_large_dispersion_tends_to_poisson():
    sizes = []
    for dispersion in (1e8, math.inf):
        values = VALUES | {f"dispersion_{kind}": dispersion for kind in talk.TALK_KINDS}
        sizes.append(talk.storm_table(values, one_in=1000, max_size=100)[0])
    pd.testing.assert_frame_equal(*sizes, rtol=1e-6)


# --- always true ------------------------------------------------------------------------------------------------------


@given(reply=hours, promise=hours, before=rates, after=rates, more=hours)
def test_a_longer_wait_never_brings_fewer_complaints(reply, promise, before, after, more):
    kept = {"promised_h": promise, "hazard_before_per_h": before, "hazard_after_per_h": after}
    for law in (complaint.complaint_probability, complaint.complaint_probability_random_reply):
        soon, late = float(law(reply, **kept)), float(law(reply + more, **kept))
        assert 0 <= soon <= 1
        # Later is worse for any hazards with a fixed reply, and with a random one too: each reply comes later.
        assert soon <= late + 1e-12


@given(mean=st.floats(0.01, 100), promise=st.floats(0, 50), before=rates, after=rates)
@settings(max_examples=20)
def test_the_random_reply_is_the_mean_over_fixed_ones(mean, promise, before, after):
    kept = {"promised_h": promise, "hazard_before_per_h": before, "hazard_after_per_h": after}

    # The density of the reply times P(complaint by then), each side of the promise.
    def weighted(t):
        return math.exp(-t / mean) / mean * float(complaint.complaint_probability(t, **kept))

    total = sum(quad(weighted, low, high, epsabs=1e-11)[0] for low, high in ((0, promise), (promise, math.inf)))
    assert complaint.complaint_probability_random_reply(mean, **kept) == pytest.approx(total, abs=1e-8)


@given(answered=shares, unhelpful=shares)
def test_every_complaint_ends_somewhere(answered, unhelpful):
    chain = complaint.reply_chain(VALUES, answered_share=answered, unhelpful_share=unhelpful)
    assert float(sum(chain[end] for end in chain if end != "posts")) == pytest.approx(1, abs=1e-12)
    assert float(chain["posts"]) >= 1


@given(data=st.data())
@settings(max_examples=25)
def test_many_sets_at_a_time_are_the_same_as_one_by_one(data):
    rows = REGISTER[REGISTER["low"] < REGISTER["high"]]
    parts = data.draw(st.lists(shares, min_size=3, max_size=3))
    many = {
        row.name: np.array([row.low + p * (row.high - row.low) for p in parts]) for row in rows.itertuples(index=False)
    }
    case = {"reply_s": data.draw(st.floats(0, 1e6)), "answered_share": data.draw(shares)}
    together = impact.impact(VALUES | many, **case)
    for place in range(3):
        alone = impact.impact(VALUES | {name: float(x[place]) for name, x in many.items()}, **case)
        for name in impact.OUTCOMES:
            # An outcome that nothing varying enters keeps its single value.
            value = np.broadcast_to(together[name], (3,))[place]
            assert float(alone[name]) == pytest.approx(float(value), rel=1e-11, abs=1e-300)


@given(first=st.lists(st.floats(0, 10), min_size=4, max_size=4))
@settings(max_examples=30)
def test_tellings_are_the_expected_tellers_of_the_branching_process(first):
    expected = np.array(first) @ spread.expected_tellers(talk.contact_matrix(VALUES)).to_numpy()
    np.testing.assert_allclose(talk.tellings(VALUES, first), expected, rtol=1e-12)


@given(reply=st.floats(0, 1e8), answered=shares)
def test_no_reply_takes_back_what_is_already_heard(reply, answered):
    silent = VALUES | {"reply_factor_helpful": 0.0}
    factors = talk.reply_factors(silent, reply, answered_share=answered, unhelpful_share=0.0)
    kernels = talk.kernels_by_kind(VALUES)
    for kind in talk.TALK_KINDS:
        assert 1 - factors[kind] <= 1 - float(kernels[kind].share_by(reply)) + 1e-12
    assert factors["offline"] == factors["private"] == 1  # a company cannot answer what it does not see


def test_the_order_of_unhelpful_and_none_is_the_one_put_in():
    table = impact.quality_table(VALUES, {"2 h": 7200.0}, contacts=1000).set_index("reply")
    lost = table["customers_lost"]
    assert lost["helpful"] < lost["none"] < lost["unhelpful"]
    swapped = {
        f"{case}_{what}": VALUES[f"{other}_{what}"]
        for case, other in (("ignored", "poor"), ("poor", "ignored"))
        for what in ("boycott", "tell_offline", "share_online", "post_again", "other_channel", "forget")
    }
    lost = impact.quality_table(VALUES | swapped, {"2 h": 7200.0}, contacts=1000).set_index("reply")["customers_lost"]
    assert lost["unhelpful"] < lost["none"]


def test_one_answered_thread_agrees_with_the_renewal_equation_at_both_ends():
    table = talk.reply_effects(VALUES, [0.0, 900.0, math.inf]).query("reply == 'helpful'").set_index("reply_s")
    calm = VALUES["reply_factor_helpful"] * VALUES["retellings_social"]
    assert table.loc[0.0, "tellers"] == pytest.approx(1 / (1 - calm))
    assert table.loc[math.inf, "tellers"] == pytest.approx(1 / (1 - VALUES["retellings_social"]))
    kernel = talk.kernels_by_kind(VALUES)["social"]
    direct = incidence.reply_table(
        kernel, VALUES["retellings_social"], reply_s=900.0, factor=VALUES["reply_factor_helpful"]
    )
    assert table.loc[900.0, "share_avoided"] == direct["share_avoided"].iloc[0]
    growth = talk.growth_table(VALUES, reply_s={"900 s": 900.0, "never": math.inf}, times_s=[900.0, 1e5])
    assert growth["tellings"].iloc[0] == pytest.approx(growth["tellings"].iloc[2], rel=1e-9)  # until the reply the same
    assert growth["tellings"].iloc[1] < growth["tellings"].iloc[3]


def test_15_minutes_and_2_hours_are_too_late_for_37_and_61_percent():
    gone = talk.reply_effects(VALUES, [900.0, 7200.0]).query("reply == 'helpful'")["post_share_gone"]
    assert gone.tolist() == pytest.approx([0.370312545352, 0.610888660335], rel=1e-10)


def test_hearing_grows_to_the_first_tellings_of_the_reach():
    reach = talk.reach_table(VALUES).set_index("kind")
    hearing = talk.hearing_over_time(VALUES, [0.0, 3600.0, math.inf])
    last = hearing.groupby("kind").last()
    assert last["heard"].to_dict() == pytest.approx(reach["heard_first"].to_dict())
    assert (hearing.groupby("kind")["heard"].first() == 0).all()
    sides = talk.town_and_net(hearing).query("time_s == inf").set_index("side")["heard"]
    assert sides["town"] == pytest.approx(0.82 * 16)
    assert sides["net"] == pytest.approx(reach["heard_first"].sum() - 0.82 * 16)
    lives = talk.lifetime_table(VALUES, shares=[0.5]).set_index("kind")["time_s"]
    assert lives["offline"] == pytest.approx(3 * 86_400 * math.log(2))


def test_every_row_of_the_register_changes_something():
    talked = REGISTER[REGISTER["part"] != impact.DECISION]  # those rows are read by the decisions

    def everything(values, part):
        if part == "tail":  # the only rows that need the exact tail, which takes longest
            tables = [talk.storm_table(values, one_in=1000, max_size=16)[1]]
        else:
            times = impact.reply_scenarios({"1 h": 3600.0, "1 d": 86_400.0}, answered_share=0.5)
            tables = [
                impact.impact_table(values, times, contacts=1),
                impact.fate_table(values),
                complaint.telling_table(values),
                talk.hearing_over_time(values, [3600.0, 86_400.0]),
            ]
        return np.concatenate([table.select_dtypes("number").to_numpy().ravel() for table in tables])

    usual = {part: everything(VALUES, part) for part in set(talked["part"])}
    for row in talked.itertuples(index=False):
        other = row.high if row.high != row.value else row.low
        changed = everything(VALUES | {row.name: other}, row.part)
        assert not np.allclose(usual[row.part], changed, rtol=1e-9, atol=0, equal_nan=True), row.name


# --- refused ----------------------------------------------------------------------------------------------------------


def test_talk_without_a_finite_expectation_is_refused():
    viral = VALUES | {"retellings_social": 2.0}
    radius = f"{spread.reproduction_number(talk.contact_matrix(viral)):.6g}"
    assert float(radius) > 1
    with pytest.raises(
        ValueError, match=f"no finite expectation: the reproduction number is {radius}, .* in 1 of 1 cases"
    ):
        talk.reach_table(viral)
    with pytest.raises(ValueError, match="no finite expectation"):  # replies calm some of it, not enough
        impact.impact_table(viral, impact.reply_scenarios({"2 h": 7200.0}), contacts=1000)
    storms, _ = talk.storm_table(viral, one_in=1000, max_size=64)  # the tail of such talk can be told
    assert storms["mean_tellings"].eq(math.inf).all()
    assert storms.set_index("kind").loc["social", "endless"] > 0
    assert math.isnan(storms.set_index("kind").loc["social", "storm_tellings"])


def test_a_reproduction_number_of_exactly_1_is_refused():
    edge = VALUES | {f"retellings_{kind}": 1.0 for kind in talk.TALK_KINDS}
    with pytest.raises(ValueError, match="no finite expectation"):
        talk.tellings(edge, [1.0, 1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"reply_s": -1.0}, "reply_s must be >= 0"),
        ({"reply_s": math.nan}, "reply_s must be >= 0"),
        ({"answered_share": 1.2}, "answered_share is a share"),
        ({"answered_share": math.nan}, "answered_share is a share"),
        ({"unhelpful_share": -0.1}, "unhelpful_share is a share"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused(change, says):
    with pytest.raises(ValueError, match=says):
        run(**change)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"share_telling": 1.4}, "a share is 0 to 1"),
        ({"ignored_other_channel": 0.9}, "add up to more than 1 when ignored"),
        ({"same_kind_share": 1.1}, "same_kind_share is a share"),
        ({"retellings_public": -0.1}, "retellings must be finite and >= 0"),
        ({"retellings_public": math.nan}, "retellings must be finite and >= 0"),
        ({"promised_h": -1.0}, "promised_h must be >= 0"),
        ({"complaint_hazard_after_per_h": math.inf}, "a hazard must be finite"),
        ({"social_exponent": 0.0}, "exponent must be finite and > 0"),
    ],
)
def test_assumptions_that_cannot_be_are_refused(change, says):
    with pytest.raises(ValueError, match=says):
        run(VALUES | change)


def test_dispersions_of_nothing_and_tables_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="dispersion must be > 0"):
        talk.storm_table(VALUES | {"dispersion_social": 0.0}, one_in=1000, max_size=16)
    with pytest.raises(ValueError, match="one_in is a number above 1"):
        talk.storm_table(VALUES, one_in=1, max_size=16)
    scenarios = impact.reply_scenarios({"2 h": 7200.0})
    with pytest.raises(ValueError, match="missing: \\['reply_s'\\]"):
        impact.impact_table(VALUES, scenarios.drop(columns="reply_s"), contacts=1)
    with pytest.raises(ValueError, match="scenarios repeat: \\['2 h', 'never'\\]"):
        impact.impact_table(VALUES, pd.concat([scenarios, scenarios]), contacts=1)
    with pytest.raises(ValueError, match="contacts must be a number above 0"):
        impact.impact_table(VALUES, scenarios, contacts=0)
    with pytest.raises(ValueError, match="no 'win_back'"):
        impact.impact_table({k: v for k, v in VALUES.items() if k != "win_back"}, scenarios, contacts=1)
    ends = {"ignored_post_again": 1.0, "ignored_other_channel": 0.0, "ignored_forget": 0.0}
    with pytest.raises(ValueError, match="everybody posts again for ever"):
        complaint.reply_chain(VALUES | ends, answered_share=0.0, unhelpful_share=0.0)


def test_shares_of_another_base_do_not_chain():
    with pytest.raises(BaseMismatch):
        Share(0.5, of="had trouble", given="contacted the firm") * Share(0.82, of="told offline", given="told somebody")
    assert complaint.tellers_per_contact([0.5, 1.0], 0.84).tolist() == pytest.approx([0.42, 0.84])


def test_values_and_unhelpful_share_of_the_register_are_used_where_nothing_else_is_said():
    table = impact.impact_table(VALUES, impact.reply_scenarios({"2 h": 7200.0}), contacts=10)
    named = impact.impact_table(VALUES, impact.reply_scenarios({"2 h": 7200.0}, unhelpful_share=0.38), contacts=10)
    assert table["heard"].tolist() == named["heard"].tolist()
    assert table["scenario"].tolist() == ["2 h", "never"]
    assert table["heard"].iloc[0] == pytest.approx(10 * run()["heard"])
    assert table["posts_per_complaint"].iloc[0] == pytest.approx(run()["posts_per_complaint"])
