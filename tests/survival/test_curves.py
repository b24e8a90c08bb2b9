"""Curves of waiting: by hand, limits, properties, agreement with R and statsmodels, and recovery of a known law."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import gammaincinv
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight, survdiff

from cxresearch.risk_table import risk_sets as counts
from cxresearch.survival import (
    aalen_johansen,
    duration_quantiles,
    hazard_rate,
    kaplan_meier,
    log_rank,
    median_duration,
    nelson_aalen,
    restricted_mean,
)
from tests.conftest import risk_tables

EXACT = {"rtol": 1e-12, "atol": 1e-15}
Z = 1.959963984540054
FEW = settings(max_examples=30)  # many properties, a small table each


def table_of(rows: list[tuple], columns: str = "duration_s outcome contacts") -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split())


def expanded(table: pd.DataFrame) -> pd.DataFrame:
    return table.loc[table.index.repeat(table["contacts"])]


def has(table: pd.DataFrame, outcome: str = "abandoned") -> bool:
    return bool((table["outcome"] == outcome).any())


@st.composite
def late_tables(draw: st.DrawFn) -> pd.DataFrame:
    """Risk tables in which some contacts came under watch late."""
    table = draw(risk_tables(("abandoned", "answered", "deflected", "open")))
    late = draw(st.lists(st.integers(0, 29), min_size=len(table), max_size=len(table)))
    entry = [float(e) if e < d else 0.0 for e, d in zip(late, table["duration_s"], strict=True)]
    return table.assign(entry_s=entry)


@st.composite
def grouped_tables(draw: st.DrawFn) -> pd.DataFrame:
    """Risk tables of two to four queues, each with an ``abandoned`` contact, and a column that splits the rows."""
    parts = draw(st.lists(risk_tables().filter(has), min_size=2, max_size=4))
    table = pd.concat([part.assign(queue=f"q{i}") for i, part in enumerate(parts)], ignore_index=True)
    return table.assign(half=draw(st.lists(st.integers(0, 1), min_size=len(table), max_size=len(table))))


# --- worked by hand


FIVE = table_of([(2, "abandoned", 1), (2, "answered", 1), (5, "abandoned", 1), (7, "open", 1), (9, "abandoned", 1)])


def test_five_contacts_worked_by_hand():
    curve = kaplan_meier(FIVE)
    assert curve.columns.tolist() == ["duration_s", "at_risk", "events", "censored", "survival", "se", "lower", "upper"]
    assert curve["at_risk"].tolist() == [5, 3, 2, 1]
    assert curve["events"].tolist() == [1, 1, 0, 1]
    assert curve["censored"].tolist() == [1, 0, 1, 0]
    assert curve["survival"].tolist() == pytest.approx([4 / 5, 8 / 15, 8 / 15, 0])
    # Greenwood: 1/(5*4) and then 1/(3*2) more
    assert curve["se"].tolist()[:3] == pytest.approx([0.8 * 0.05**0.5, *[8 / 15 * (0.05 + 1 / 6) ** 0.5] * 2])
    # log-log at 5 s: 0.5333 ** exp(+-1.96 * 0.248256 / (0.533333 * 0.628609))
    assert curve["lower"][1] == pytest.approx(0.0683321, abs=1e-6)
    assert curve["upper"][1] == pytest.approx(0.8630712, abs=1e-6)
    # nobody is left: Greenwood's formula says nothing
    assert curve.loc[3, ["se", "lower", "upper"]].isna().all()


def test_the_three_intervals_by_their_formulas():
    survival, se = 8 / 15, 8 / 15 * (0.05 + 1 / 6) ** 0.5
    plain, log = kaplan_meier(FIVE, interval="plain").loc[1], kaplan_meier(FIVE, interval="log").loc[1]
    assert (plain["lower"], plain["upper"]) == pytest.approx((survival - Z * se, 1.0))
    assert (log["lower"], log["upper"]) == pytest.approx((survival / np.exp(Z * se / survival), 1.0))


def test_cumulative_hazard_worked_by_hand():
    curve = nelson_aalen(FIVE, event="abandoned")
    assert curve.columns.tolist() == ["duration_s", "at_risk", "events", "cumulative_hazard", "se"]
    assert curve["cumulative_hazard"].tolist() == pytest.approx([1 / 5, 8 / 15, 8 / 15, 23 / 15])
    assert curve["se"].tolist() == pytest.approx(np.sqrt([1 / 25, 34 / 225, 34 / 225, 259 / 225]).tolist())


def test_competing_outcomes_worked_by_hand():
    shares = aalen_johansen(FIVE)
    assert shares.columns.tolist() == ["duration_s", "outcome", "probability", "se", "lower", "upper"]
    assert shares["outcome"].tolist() == ["abandoned", "answered"] * 4
    # 5 at risk: 1/5 each; then 3/5 wait and 1/3 of them abandon; the last of those left abandons
    assert shares["probability"].tolist() == pytest.approx([0.2, 0.2, 0.4, 0.2, 0.4, 0.2, 0.8, 0.2])


def test_late_entry_worked_by_hand():
    late = table_of([(4, "abandoned", 2, 0), (6, "abandoned", 1, 4), (8, "open", 3, 3)], columns=ENTRY)
    curve = kaplan_meier(late)
    assert curve["at_risk"].tolist() == [5, 4, 3]  # entered at 4 is not yet at risk at 4
    assert curve["survival"].tolist() == pytest.approx([3 / 5, 9 / 20, 9 / 20])


ENTRY = "duration_s outcome contacts entry_s"


def test_actuarial_ties_worked_by_hand():
    ticks = table_of([(1, "abandoned", 10), (1, "answered", 40), (2, "abandoned", 10), (2, "open", 40)])
    curve = kaplan_meier(ticks, ties="actuarial")
    assert curve["at_risk"].tolist() == [80, 30]  # 100 less half of 40; 50 less half of 40
    assert curve["survival"].tolist() == pytest.approx([70 / 80, 70 / 80 * 20 / 30])
    assert nelson_aalen(ticks, ties="actuarial")["cumulative_hazard"].tolist() == pytest.approx([1 / 8, 11 / 24])
    assert kaplan_meier(ticks)["survival"].tolist() == pytest.approx([0.9, 0.9 * 0.8])
    # Only open contacts censor competing outcomes: the answered of the first tick are events.
    shares = aalen_johansen(ticks, ties="actuarial").query("outcome == 'abandoned'")
    assert shares["probability"].tolist() == pytest.approx([0.1, 0.1 + 0.5 / 3])


def test_log_rank_worked_by_hand():
    two = table_of(
        [(1, "abandoned", 1, "a"), (2, "abandoned", 1, "a"), (3, "abandoned", 1, "b"), (4, "abandoned", 1, "b")],
        columns="duration_s outcome contacts channel",
    )
    # expected in a: 2/4 + 1/3; variance: 1/4 + 2/9
    result = log_rank(two, by="channel")
    assert result.columns.tolist() == ["chi2", "df", "p_value"]
    assert result.loc[0, "chi2"] == pytest.approx((2 - 5 / 6) ** 2 / (17 / 36))
    assert result.loc[0, "df"] == 1
    assert result.loc[0, "p_value"] == pytest.approx(math.erfc((49 / 34) ** 0.5))


def test_restricted_mean_and_quantiles_worked_by_hand():
    mean = restricted_mean(FIVE, event="abandoned", horizon_s=8)
    # 2 s at 1, 3 s at 4/5, 3 s at 8/15; ahead of the falls lie 4 s and 1.6 s
    assert mean.columns.tolist() == ["estimate", "se", "lower", "upper"]
    assert mean.loc[0, "estimate"] == pytest.approx(6.0)
    assert mean.loc[0, "se"] == pytest.approx((4**2 / 20 + 1.6**2 / 6) ** 0.5)
    assert mean.loc[0, "upper"] == 8  # never past the horizon
    assert restricted_mean(FIVE, horizon_s=1).loc[0].tolist() == [1, 0, 1, 1]
    assert median_duration(FIVE, event="abandoned").columns.tolist() == ["estimate", "se", "lower", "upper"]
    quantiles = duration_quantiles(FIVE, shares=[0.2, 0.5])
    assert quantiles["estimate"].tolist() == [2, 9]
    # the lower limit of the curve is 0.204 from 2 s on; the upper one never falls to 0.8
    assert quantiles["lower"].tolist() == [2, 2]
    assert quantiles["upper"].isna().all()
    # 0.2: the survival falls from 1 (before 2 s) to 8/15 (at 5 s); its se at 2 s is 0.8 * 0.05 ** 0.5
    assert quantiles.loc[0, "se"] == pytest.approx(0.8 * 0.05**0.5 / ((1 - 8 / 15) / 5))


def test_what_is_not_reached_is_nan():
    few = table_of([(10, "abandoned", 1), (20, "answered", 9)])
    median = median_duration(few, event="abandoned").loc[0]
    assert median[["estimate", "se", "upper"]].isna().all()
    assert median["lower"] == 10  # the lower limit of the survival is 0.473 there
    assert duration_quantiles(few, shares=[0.9]).loc[0, "estimate":].isna().all()


def test_a_group_without_the_event_keeps_survival_one_and_no_error():
    two = table_of([(1, "abandoned", 1, "a"), (2, "open", 3, "b")], columns="duration_s outcome contacts channel")
    quiet = kaplan_meier(two, by="channel").query("channel == 'b'").iloc[0]
    assert quiet[["survival", "se", "lower", "upper"]].tolist() == [1, 0, 1, 1]
    share = aalen_johansen(two, by="channel").query("channel == 'b'").iloc[0]
    assert share[["probability", "se", "lower", "upper"]].tolist() == [0, 0, 0, 0]
    assert restricted_mean(two, horizon_s=1, by="channel")["estimate"].tolist() == [1, 1]
    assert median_duration(two, by="channel")["estimate"].tolist()[0] == 1


def test_all_gone_with_one_outcome_is_certain():
    last = aalen_johansen(table_of([(1, "abandoned", 3), (2, "abandoned", 4), (3, "abandoned", 3)])).iloc[-1]
    assert last[["probability", "se", "lower", "upper"]].tolist() == [1, 0, 1, 1]


# --- known theory and limits


@given(risk_tables(("abandoned", "answered")).filter(has))
@FEW
def test_without_censoring_shares_are_counted(table):
    total = table["contacts"].sum()
    shares = aalen_johansen(table).query("outcome == 'abandoned'")
    gone = table.loc[table["outcome"] == "abandoned"].groupby("duration_s")["contacts"].sum()
    counted = (gone.reindex(shares["duration_s"], fill_value=0).cumsum() / total).to_numpy()
    binomial = np.sqrt(counted * (1 - counted) / total)
    np.testing.assert_allclose(shares["probability"], counted, **EXACT)
    for variance in ("jackknife", "greenwood"):
        se = aalen_johansen(table, variance=variance).query("outcome == 'abandoned'")["se"]
        np.testing.assert_allclose(se**2, binomial**2, **EXACT)


@given(risk_tables(("abandoned", "open")).filter(has))
@FEW
def test_one_outcome_alone_is_one_minus_kaplan_meier(table):
    curve, shares = kaplan_meier(table), aalen_johansen(table, variance="greenwood")
    np.testing.assert_allclose(shares["probability"], 1 - curve["survival"], **EXACT)
    known = curve["survival"] > 0
    np.testing.assert_allclose(shares["se"][known] ** 2, curve["se"][known] ** 2, **EXACT)
    np.testing.assert_allclose(aalen_johansen(table)["se"][known] ** 2, curve["se"][known] ** 2, **EXACT)


@given(risk_tables(("abandoned",)))
@FEW
def test_the_restricted_mean_of_complete_waits_is_their_mean(table):
    waits = expanded(table)["duration_s"].to_numpy()
    mean = restricted_mean(table, horizon_s=40).loc[0]
    assert mean["estimate"] == pytest.approx(waits.mean())
    assert mean["se"] == pytest.approx(waits.std() / len(waits) ** 0.5, abs=1e-9)


@given(risk_tables().filter(has), st.floats(0.5, 30))
@FEW
def test_the_restricted_mean_is_the_area_under_the_curve(table, horizon):
    curve = kaplan_meier(table)
    assume(curve["survival"].iloc[-1] == 0 or curve["duration_s"].iloc[-1] >= horizon)
    grid = np.unique(np.r_[0, curve["duration_s"], horizon])
    grid = grid[grid <= horizon]
    steps = np.r_[1, curve["survival"]][np.searchsorted(curve["duration_s"], grid[:-1], side="right")]
    assert restricted_mean(table, horizon_s=horizon)["estimate"][0] == pytest.approx(steps @ np.diff(grid))


def test_the_hazard_integrates_to_the_cumulative_hazard():
    """Between the ends the kernel only moves mass: a bandwidth away from all events, its area is the sum of jumps."""
    middle = table_of([(40, "abandoned", 3), (55, "abandoned", 2), (60, "answered", 4), (100, "open", 20)])
    rate = hazard_rate(middle, event="abandoned", bandwidth_s=8)
    assert rate.columns.tolist() == ["duration_s", "hazard_per_s", "lower", "upper"]
    area = np.trapezoid(rate["hazard_per_s"], rate["duration_s"])
    assert area == pytest.approx(nelson_aalen(middle)["cumulative_hazard"].iloc[-1], rel=0.01)
    assert rate["duration_s"].iloc[[0, -1]].tolist() == [0, 100]


@pytest.mark.parametrize("bandwidth_s", [5.0, 17.0, 60.0])
def test_the_boundary_correction_keeps_a_straight_hazard_straight(bandwidth_s):
    """A cumulative hazard without noise: the kernel returns a linear hazard exactly, at 0 and at the end too."""
    total, tick = 4e12, 0.05
    edges = np.arange(0, 100 + tick / 2, tick)
    hazard = 0.002 + 0.0001 * edges
    gone = np.diff(total * (1 - np.exp(-(0.002 * edges + 0.00005 * edges**2)))).round()
    exact = pd.DataFrame({"duration_s": edges[:-1], "outcome": "abandoned", "contacts": gone})
    rest = table_of([(100.0, "open", total - gone.sum())])
    rate = hazard_rate(pd.concat([exact, rest]), bandwidth_s=bandwidth_s, tick_s=tick)
    expected = np.interp(rate["duration_s"], edges, hazard)
    np.testing.assert_allclose(rate["hazard_per_s"], expected, rtol=2e-4)


def test_a_window_without_events_still_has_an_upper_limit():
    quiet = table_of([(10, "abandoned", 1), (100, "open", 50)])
    rate = hazard_rate(quiet, bandwidth_s=10).query("duration_s == 60").iloc[0]
    assert (rate["hazard_per_s"], rate["lower"]) == (0, 0)
    # one event more at 60 s would add 0.75 / (10 * 50); a count of 0 has the upper limit 3.689
    assert rate["upper"] == pytest.approx(gammaincinv(1, 0.975) * 0.75 / 10 / 50)


# --- properties


@given(risk_tables().filter(has))
@FEW
def test_every_contact_is_counted_once(table):
    curve = kaplan_meier(table)
    assert (curve["events"] + curve["censored"]).sum() == table["contacts"].sum() == curve["at_risk"].iloc[0]
    assert curve["survival"].between(0, 1).all()
    assert curve["survival"].is_monotonic_decreasing
    known = curve.dropna()
    assert ((known["lower"] <= known["survival"]) & (known["survival"] <= known["upper"])).all()


@given(late_tables().filter(lambda table: (table["outcome"] != "open").any()))
@FEW
def test_shares_and_those_still_waiting_make_one(table):
    shares = aalen_johansen(table).pivot_table(index="duration_s", columns="outcome", values="probability")
    left = table.assign(outcome=table["outcome"].where(table["outcome"] == "open", "abandoned"))
    np.testing.assert_allclose(shares.sum(axis=1), 1 - kaplan_meier(left)["survival"], **EXACT)


CALLS = {
    "kaplan_meier": kaplan_meier,
    "nelson_aalen": nelson_aalen,
    "aalen_johansen": aalen_johansen,
    "aalen_johansen greenwood": lambda table, **by: aalen_johansen(table, variance="greenwood", **by),
    "median_duration": median_duration,
    "aalen_johansen actuarial": lambda table, **by: aalen_johansen(table, ties="actuarial", **by),
}


@pytest.mark.parametrize("name", list(CALLS))
@given(table=grouped_tables(), order=st.randoms(use_true_random=False))
@settings(max_examples=15)
def test_rows_add_up_in_any_order_and_groups_stand_alone(name, table, order):
    """Shuffled, split into two tables and joined: the same; each group: as if it were the whole table."""
    call = CALLS[name]
    grouped = call(table, by="queue")
    places = list(range(len(table)))
    order.shuffle(places)
    halves = [half.drop(columns="half") for _, half in table.iloc[places].groupby("half")]
    pd.testing.assert_frame_equal(call(pd.concat(halves), by="queue"), grouped, check_exact=True)
    outcomes = set(table["outcome"])
    for queue, part in table.groupby("queue"):
        if "johansen" in name and set(part["outcome"]) != outcomes:
            continue  # outcomes that only other groups have stand at 0: see the test by hand
        alone = call(part)
        ours = grouped[grouped["queue"] == queue].drop(columns="queue").reset_index(drop=True)
        pd.testing.assert_frame_equal(ours, alone, check_exact=True)


@given(risk_tables().filter(has), st.integers(2, 50))
@FEW
def test_counts_are_frequencies(table, times):
    """The same table several times over: the same curve, errors smaller by the root."""
    more = table.assign(contacts=table["contacts"] * times)
    for call in (nelson_aalen, aalen_johansen):
        once, many = call(table), call(more)
        value = once.columns[-2] if call is nelson_aalen else "probability"
        np.testing.assert_allclose(many[value], once[value], **EXACT)
        np.testing.assert_allclose(many["se"] ** 2 * times, once["se"] ** 2, **EXACT)


@given(risk_tables().filter(has))
@FEW
def test_entry_at_zero_is_no_entry(table):
    watched = table.assign(entry_s=0.0)
    for call in (kaplan_meier, aalen_johansen):
        pd.testing.assert_frame_equal(call(watched), call(table), check_exact=True)


@given(late_tables().filter(has))
@FEW
def test_the_unit_of_the_clock_changes_no_share(table):
    """In units of 64 s every entry is below 1: it is late all the same."""
    slower = table.assign(duration_s=table["duration_s"] / 64, entry_s=table["entry_s"] / 64)
    for call in (kaplan_meier, nelson_aalen, aalen_johansen):
        found, expected = (call(each).drop(columns="duration_s") for each in (slower, table))
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def influences(table: pd.DataFrame, outcome: str, ties: str) -> tuple[pd.Series, np.ndarray]:
    """Oracle: the Aalen-Johansen share and its variance, each row's weight moved by a complex step."""
    times = np.unique(table["duration_s"])
    entry = table.get("entry_s", pd.Series(0.0, index=table.index)).to_numpy()
    last, what = table["duration_s"].to_numpy(), table["outcome"].to_numpy()
    step = 1e-30

    def share(weight: np.ndarray) -> np.ndarray:
        waiting, gone, path = 1.0, 0.0, []
        for time in times:
            watched = (last >= time) & ((entry < time) | (entry == 0))
            half = 0.5 if ties == "actuarial" else 0.0
            at_risk = (weight * watched * (1 - half * ((last == time) & (what == "open")))).sum()
            leaving = (last == time) & (what != "open")
            gone = gone + waiting * (weight * (leaving & (what == outcome))).sum() / at_risk
            stay = (weight * watched * (1 - half * ((last == time) & (what == "open"))) * ~leaving).sum()
            waiting = waiting * stay / at_risk
            path.append(gone)
        return np.array(path, dtype=complex)

    base = table["contacts"].to_numpy(dtype=complex)
    moved = np.array([share(base + 1j * step * (np.arange(len(base)) == row)).imag / step for row in range(len(base))])
    return share(base).real, table["contacts"].to_numpy() @ moved**2


@pytest.mark.parametrize("ties", ["exact", "actuarial"])
@given(table=late_tables().filter(has))
@settings(max_examples=40)
def test_the_jackknife_is_the_sum_of_squared_derivatives(ties, table):
    share, variance = influences(table, "abandoned", ties)
    ours = aalen_johansen(table, ties=ties).query("outcome == 'abandoned'")
    np.testing.assert_allclose(ours["probability"], share, **EXACT)
    np.testing.assert_allclose(ours["se"] ** 2, variance, **EXACT)


# --- agreement with statsmodels on one row a contact


@pytest.mark.filterwarnings("ignore::RuntimeWarning:statsmodels")  # it divides by 0 where all leave
@given(risk_tables().filter(has))
@FEW
def test_counts_say_what_the_rows_say(table):
    rows = expanded(table)
    reference = SurvfuncRight(rows["duration_s"], rows["outcome"] == "abandoned")
    ours = kaplan_meier(table).query("events > 0")
    np.testing.assert_allclose(ours["survival"], reference.surv_prob, **EXACT)
    known = (ours["survival"] > 0).to_numpy()
    np.testing.assert_allclose(ours["se"][known], reference.surv_prob_se[known], **EXACT)


@given(late_tables().filter(has))
@FEW
def test_late_entries_as_in_statsmodels(table):
    table = table[table["duration_s"] > 0]
    assume(has(table))
    rows = expanded(table)
    reference = SurvfuncRight(rows["duration_s"], rows["outcome"] == "abandoned", entry=rows["entry_s"])
    ours = kaplan_meier(table).query("events > 0")
    assert ours["at_risk"].tolist() == reference.n_risk.tolist()
    np.testing.assert_allclose(ours["survival"], reference.surv_prob, **EXACT)


@pytest.mark.filterwarnings("ignore::RuntimeWarning:statsmodels")
@given(risk_tables(("abandoned", "answered", "open")).filter(has))
@FEW
def test_shares_as_in_statsmodels(table):
    rows = expanded(table)
    reference = CumIncidenceRight(rows["duration_s"], rows["outcome"].map({"open": 0, "abandoned": 1, "answered": 2}))
    ours = aalen_johansen(table).query("outcome == 'abandoned'").set_index("duration_s")["probability"]
    np.testing.assert_allclose(ours.loc[reference.times], reference.cinc[0], **EXACT)


@given(grouped_tables(), st.booleans())
@FEW
def test_log_rank_as_in_statsmodels(table, stratified):
    rows = expanded(table)
    strata = "half" if stratified else ()
    try:
        ours = log_rank(table, by="queue", strata=strata).loc[0]
    except ValueError as error:
        assume("nothing to compare" not in str(error))
        raise
    assume(ours["df"] == table["queue"].nunique() - 1)  # statsmodels cannot solve what it should leave out
    reference = survdiff(
        rows["duration_s"],
        rows["outcome"] == "abandoned",
        rows["queue"].to_numpy(),
        strata=rows["half"].to_numpy() if stratified else None,
    )
    assert ours["chi2"] == pytest.approx(reference[0], rel=1e-9, abs=1e-12)
    assert ours["p_value"] == pytest.approx(reference[1], rel=1e-9)


# --- agreement with R


@pytest.fixture(scope="module")
def reference(shared: Path) -> Path:
    return shared / "reference" / "patience"


@pytest.fixture(scope="module")
def small(reference: Path) -> pd.DataFrame:
    """The 2,000 contacts of the reference as a risk table with every column kept."""
    contacts = pd.read_csv(reference / "contacts_small.csv")
    contacts["outcome"] = contacts["outcome"].map({0: "open", 1: "abandoned", 2: "answered", 3: "deflected"})
    contacts = contacts.rename(columns={"duration": "duration_s", "entry": "entry_s"})
    return contacts.groupby([*contacts.columns], as_index=False).size().rename(columns={"size": "contacts"})


@pytest.mark.parametrize("name", ["km", "km_by_channel", "km_lefttrunc"])
def test_curves_agree_with_r(reference, small, name):
    theirs = pd.read_csv(reference / f"ref_small_{name}.csv")
    table = small if name == "km_lefttrunc" else small.drop(columns="entry_s")
    by = "channel" if name == "km_by_channel" else ()
    ours = kaplan_meier(table, by=by, interval="log")
    if by:
        assert ours["channel"].tolist() == theirs["group"].tolist()
    for our_name, their_name in {
        "duration_s": "time",
        "at_risk": "n_risk",
        "events": "n_event",
        "censored": "n_censor",
        "survival": "surv",
        "se": "se_surv",
        "lower": "lower",
        "upper": "upper",
    }.items():
        np.testing.assert_allclose(ours[our_name], theirs[their_name], err_msg=our_name, rtol=1e-12)
    hazard = nelson_aalen(table, by=by)
    np.testing.assert_allclose(hazard["cumulative_hazard"], theirs["cumhaz"], rtol=1e-12)
    np.testing.assert_allclose(hazard["se"], theirs["se_cumhaz"], rtol=1e-12)


def test_competing_outcomes_agree_with_r(reference, small):
    table = small.drop(columns="entry_s")
    theirs = pd.read_csv(reference / "ref_small_aj.csv")
    etm = pd.read_csv(reference / "ref_small_etm_greenwood.csv")
    jackknife = aalen_johansen(table)
    greenwood = aalen_johansen(table, variance="greenwood")
    for number, outcome in enumerate(["abandoned", "answered", "deflected"], start=1):
        ours = jackknife[jackknife["outcome"] == outcome]
        np.testing.assert_allclose(ours["duration_s"], theirs["time"])
        np.testing.assert_allclose(ours["probability"], theirs[f"cif{number}"], rtol=1e-12)
        np.testing.assert_allclose(ours["se"], theirs[f"se{number}"], rtol=1e-12)
        if number < 3:  # the file has the first two
            ours = greenwood[greenwood["outcome"] == outcome]
            np.testing.assert_allclose(ours["probability"], etm[f"cif{number}"], rtol=1e-12)
            np.testing.assert_allclose(ours["se"] ** 2, etm[f"var{number}"], rtol=1e-12)


def test_log_rank_agrees_with_r(reference, small):
    theirs = pd.read_csv(reference / "ref_small_logrank.csv")
    ours = log_rank(small.drop(columns="entry_s"), by="channel").loc[0]
    assert ours["chi2"] == pytest.approx(theirs["chisq"][0], rel=1e-12)
    assert ours["df"] == 3


# --- recovery of a known truth


def simulated(rng: np.random.Generator, runs: int, contacts: int, shape: float, tick_s: float) -> pd.DataFrame:
    """SIMULATED: one risk table a run; Weibull patience of scale 100 s, mean offer 150 s, seen to 200 s."""
    patience = 100 * rng.weibull(shape, (runs, contacts))
    offer = rng.exponential(150, (runs, contacts))
    wait = np.minimum(np.minimum(patience, offer), 200)
    outcome = np.where(wait == 200, "open", np.where(patience < offer, "abandoned", "answered"))
    if tick_s:
        wait = np.floor(wait / tick_s) * tick_s
    rows = pd.DataFrame(
        {"run": np.arange(runs).repeat(contacts), "duration_s": wait.ravel(), "outcome": outcome.ravel()}
    )
    table = rows.groupby(["run", "duration_s", "outcome"], as_index=False).size().rename(columns={"size": "contacts"})
    table.attrs["tick_s"] = tick_s
    return table


@pytest.mark.parametrize(("contacts", "shape", "tick_s"), [(500, 1.0, 0.0), (6_000, 1.0, 1.0), (6_000, 1.6, 1.0)])
def test_the_bands_hold_the_true_hazard_from_end_to_end(contacts, shape, tick_s):
    runs = 200
    rng = np.random.default_rng(19)
    table = simulated(rng, runs, contacts, shape, tick_s)
    rate = hazard_rate(table, event="abandoned", bandwidth_s=20, by="run")
    rate = rate[np.isin(rate["duration_s"], [0, 10, 50, 100, 150, 190, 200])]
    true = shape / 100 * (rate["duration_s"] / 100) ** (shape - 1)
    if shape > 1:  # the hazard bends at 0, where it is 0: no kernel of first order follows it there
        rate, true = rate[rate["duration_s"] > 10], true[rate["duration_s"] > 10]
    held = ((rate["lower"] <= true) & (true <= rate["upper"])).groupby(rate["duration_s"]).mean()
    # 200 runs: a share of 0.95 has se 0.015
    assert (held > 0.90).all(), held
    assert held.mean() > 0.93
    mean = rate.groupby("duration_s")["hazard_per_s"].mean() / true.groupby(rate["duration_s"]).mean()
    np.testing.assert_allclose(mean, 1, atol=0.05 if contacts > 1000 else 0.12)


def test_intervals_hold_the_true_mean_median_and_curve():
    table = simulated(np.random.default_rng(20), 400, 400, 1.0, 0.0)
    found = {
        "mean": (restricted_mean(table, horizon_s=120, by="run"), 100 * (1 - np.exp(-1.2))),
        "median": (median_duration(table, event="abandoned", by="run"), 100 * np.log(2)),
    }
    for name, (table_of_runs, true) in found.items():
        held = ((table_of_runs["lower"] <= true) & (true <= table_of_runs["upper"])).mean()
        assert 0.92 < held < 0.98, (name, held)
        assert table_of_runs["estimate"].mean() == pytest.approx(true, rel=0.02)
        assert table_of_runs["se"].mean() == pytest.approx(table_of_runs["estimate"].std(), rel=0.15)


def test_log_rank_keeps_its_level():
    rng = np.random.default_rng(21)
    table = simulated(rng, 150, 300, 1.0, 1.0)
    # each contact belongs to one half at random: the halves have one law
    first = rng.binomial(table["contacts"], 0.5)
    table = pd.concat([table.assign(half=0, contacts=first), table.assign(half=1, contacts=table["contacts"] - first)])
    tests = pd.concat([log_rank(part, by="half") for _, part in table.groupby("run")])
    # 150 runs of chi square with one degree of freedom: the mean has se 0.12, a share of 0.05 has se 0.018
    assert tests["chi2"].mean() == pytest.approx(1, abs=0.35)
    assert (tests["p_value"] < 0.05).mean() < 0.11


# --- large counts, bad input


def test_a_billion_contacts_do_not_overflow():
    table = table_of([(1.0, "abandoned", 4_000_000_000), (2.0, "abandoned", 1), (3.0, "open", 6_000_000_000)])
    curve = kaplan_meier(table)
    assert curve["at_risk"].tolist() == [10_000_000_001, 6_000_000_001, 6_000_000_000]
    assert curve["survival"].iloc[0] == pytest.approx(0.6)
    share = 4e9 / 10_000_000_001
    assert aalen_johansen(table)["se"].iloc[0] == pytest.approx((share * (1 - share) / 1e10) ** 0.5, rel=1e-9)


GOOD = table_of(
    [(1.0, "abandoned", 2, "phone"), (2.0, "answered", 3, "chat"), (3.0, "open", 4, "chat")],
    columns="duration_s outcome contacts channel",
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"duration_s": [1.0, -2.0, 3.0]}, "duration_s must be .* 1 of 3 rows"),
        ({"duration_s": [1.0, np.nan, np.inf]}, "duration_s must be .* 2 of 3 rows"),
        ({"duration_s": ["1", "2", "3"]}, "duration_s must hold numbers"),
        ({"contacts": [2, -3, 4]}, "contacts must be a whole number .* 1 of 3 rows"),
        ({"contacts": [2, 3.5, np.nan]}, "contacts must be a whole number .* 2 of 3 rows"),
        ({"contacts": 0}, "holds no contact"),
        ({"outcome": ["abandoned", "lost", None]}, "2 of 3 rows hold 'lost'"),
        (
            {"outcome": ["answered", "answered", "open"]},
            r"no contact has the outcome 'abandoned'.*answered \(5 contacts",
        ),
        ({"channel": ["phone", None, "chat"]}, "channel must say the group of each row; 1 of 3 rows"),
        ({"entry_s": [0, 2.0, 5.0]}, "entry_s must be before duration_s; 2 of 3 rows"),
        ({"entry_s": [0, np.nan, -1.0]}, "entry_s must be a number of seconds >= 0; 2 of 3 rows"),
    ],
)
@pytest.mark.parametrize("call", [kaplan_meier, nelson_aalen, median_duration, log_rank])
def test_bad_rows_are_refused_with_their_number(call, change, message):
    with pytest.raises(ValueError, match=message):
        call(GOOD.assign(**change), event="abandoned", by="channel")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kaplan_meier(GOOD.iloc[:0]), "the risk table is empty"),
        (lambda: kaplan_meier(GOOD.drop(columns="contacts")), "no column 'contacts'; its columns are 'duration_s'"),
        (lambda: kaplan_meier(GOOD, by="queue"), "no column 'queue'"),
        (lambda: kaplan_meier(GOOD, by="outcome"), "by cannot name 'outcome'"),
        (lambda: kaplan_meier(GOOD, by=("channel", "channel")), "twice"),
        (lambda: kaplan_meier(GOOD.to_dict()), "must be a pandas DataFrame"),
        (lambda: kaplan_meier(GOOD, event="open"), "an open contact still waits"),
        (lambda: kaplan_meier(GOOD, event="abandonned"), r"'abandonned'; the outcomes .* are abandoned \(2 contacts\)"),
        (lambda: kaplan_meier(GOOD, interval="exact"), "interval must be one of 'log-log', 'log', 'plain'"),
        (lambda: kaplan_meier(GOOD, ties="efron"), "ties must be one of 'exact', 'actuarial'"),
        (lambda: aalen_johansen(GOOD, variance="etm"), "variance must be"),
        (lambda: aalen_johansen(GOOD.assign(outcome="open")), "all 9 contacts are open"),
        (lambda: log_rank(GOOD[:1], by="channel"), r"holds one \(channel = 'phone'\)"),
        (lambda: log_rank(GOOD, by="channel", strata="channel"), "twice"),
        (lambda: log_rank(GOOD.assign(half=[0, 1, 1]), by="channel", strata="half"), "nothing to compare"),
        (lambda: restricted_mean(GOOD, horizon_s=4, by="channel"), r"of 1 of 2 groups \(channel = 'chat': 3 s\)"),
        (lambda: restricted_mean(GOOD, horizon_s=np.nan), "horizon_s must be"),
        (lambda: duration_quantiles(GOOD, shares=[0.5, 1.0]), "shares must lie between 0 and 1"),
        (lambda: duration_quantiles(GOOD, shares=[]), "shares must lie between 0 and 1"),
        (lambda: hazard_rate(GOOD, bandwidth_s=0), "bandwidth_s must be"),
        (lambda: hazard_rate(GOOD, bandwidth_s=1, tick_s=-1), "tick_s must be"),
        (lambda: hazard_rate(GOOD, bandwidth_s=4), "wider than all the waits of 1 of 1 groups"),
        (lambda: hazard_rate(GOOD, bandwidth_s=1e-6), "asks for 30000000 points"),
        (
            lambda: hazard_rate(GOOD.assign(entry_s=[0, 1.5, 1.5]), bandwidth_s=1),
            "nobody is at risk for some time after 1 s",
        ),
    ],
)
def test_impossible_calls_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_log_rank_refuses_what_does_not_fit_in_memory():
    many = pd.DataFrame(
        {"duration_s": np.arange(8000.0), "outcome": "abandoned", "contacts": 1, "agent": np.arange(8000)}
    )
    with pytest.raises(ValueError, match="8000 groups x 8000 event times"):
        log_rank(many, by="agent")


def test_groups_that_never_meet_are_refused():
    apart = table_of(
        [(t, "abandoned", 2, c, s) for t, c, s in [(1, "a", 0), (2, "b", 0), (1, "c", 1), (2, "d", 1)]],
        columns="duration_s outcome contacts channel half",
    )
    with pytest.raises(ValueError, match=r"4 are ever at risk .* in 2 sets that never meet \(\[2, 2\] groups each\)"):
        log_rank(apart, by="channel", strata="half")
    # with one group too few to compare it does not count: c leaves before anyone abandons
    early = table_of(
        [(1, "answered", 5, "c"), (2, "abandoned", 2, "a"), (3, "abandoned", 2, "b")],
        columns="duration_s outcome contacts channel",
    )
    assert log_rank(early, by="channel").loc[0, "df"] == 1


# --- the shared ground


def test_checked_sums_over_columns_that_are_not_named():
    table = pd.concat([GOOD.assign(queue="a"), GOOD.assign(queue="b", contacts=[1, 0, 6])])
    summed = counts.checked(table, by="channel")
    assert summed.columns.tolist() == ["channel", "duration_s", "outcome", "contacts"]
    assert summed["channel"].tolist() == ["chat", "chat", "phone"]
    assert summed["contacts"].tolist() == [3, 10, 3]
    assert counts.checked(table.iloc[:3], by=["queue"])["contacts"].tolist() == [2, 3, 4]
    assert summed["contacts"].dtype == np.int64


def test_checked_takes_any_kind_of_group_and_leaves_the_table_alone():
    table = GOOD.assign(
        channel=pd.Categorical(["phone", "chat", "chat"], categories=["phone", "fax", "chat"]),
        date=pd.to_datetime(["1999-01-03", "1999-01-02", "1999-01-02"]),
        contacts=pd.array([2, 3, 4], dtype="Int64"),
    )
    before = table.copy(deep=True)
    assert counts.checked(table, by=("channel", "date"))["contacts"].tolist() == [2, 3, 4]
    assert kaplan_meier(table, by="date")["date"].tolist() == [*before["date"][[1, 2]], before["date"][0]]
    pd.testing.assert_frame_equal(table, before)


def test_a_curve_of_one_wait_that_stays_above_one_half_has_no_median():
    one = pd.DataFrame({"duration_s": [10.0, 10.0], "outcome": ["abandoned", "answered"], "contacts": [1, 9]})
    (row,) = median_duration(one).to_dict("records")
    # Of ten, one left: the lower limit of the curve is below one half at 10 s, the curve is not.
    assert row["lower"] == 10.0
    assert all(math.isnan(row[name]) for name in ("estimate", "se", "upper"))
