"""The simulated contact log: its queue, its law of patience, and that the truth put in can be found again."""

from __future__ import annotations

import ast
import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, norm

from cxresearch.contacts import CANONICAL, load_contacts
from cxresearch.simulate import (
    CONTACT_TRUTH,
    DEFAULT_SEED,
    ContactTruth,
    contact_truth_table,
    default_log,
    planned_agents,
    planned_contacts,
    simulate_contacts,
    true_patience_survival,
)
from cxresearch.simulate.contacts import _offered_waits

LIVE, SLOW = ["phone", "chat"], ["email", "social"]
FOREVER = 10**9
DURATIONS_S = {
    "phone": [5, 30, 60, 300, 900],
    "chat": [5, 30, 60, 300, 900],
    "email": [3_600, 14_400, 43_200, 86_400],
    "social": [900, 3_600, 14_400, 36_000],
}


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    """The size of the default log."""
    return simulate_contacts(start="2024-06-01", rng=np.random.default_rng(DEFAULT_SEED))


def changed(**values: float) -> ContactTruth:
    """CONTACT_TRUTH with other numbers; those of a channel are changed in every channel."""
    of_channel = {k: v for k, v in values.items() if not hasattr(CONTACT_TRUTH, k)}
    channels = tuple(dataclasses.replace(c, **of_channel) for c in CONTACT_TRUTH.channels)
    return dataclasses.replace(
        CONTACT_TRUTH, channels=channels, **{k: v for k, v in values.items() if k not in of_channel}
    )


def offered(ready: list[int], leaves: list[int], handle: list[int], on_duty: np.ndarray) -> list[int]:
    arrays = (np.array(a, dtype=np.int64) for a in (ready, leaves, handle))
    return _offered_waits(*arrays, np.ones(len(ready), dtype=bool), on_duty).tolist()


# Worked by hand


def test_one_agent_three_contacts_and_who_leaves_takes_no_time():
    always = np.zeros((1, 168), dtype=int)
    # Busy 0-100 with the first; the second would be next at 100 but has left at 60, so the third begins at 100.
    assert offered([0, 10, 20], [FOREVER, 50, FOREVER], [100, 100, 100], always) == [0, 90, 80]
    assert offered([0, 10, 20], [FOREVER] * 3, [100, 100, 100], always) == [0, 90, 180]
    assert offered([0, 10, 20], [FOREVER] * 3, [100, 100, 100], np.zeros((2, 168), dtype=int)) == [0, 0, 80]


def test_nobody_is_there_before_the_shift_and_a_talk_outlasts_it():
    week = np.zeros((1, 168), dtype=int)
    week[0] = [2 - h if h < 2 else (0 if h == 2 else 170 - h) for h in range(168)]  # on duty from 2 to 3 h, once a week
    # 1:00 waits an hour; its talk of 4,000 s ends at 3:06:40, after the shift: the next begins a week later, at 2:00.
    assert offered([3600, 7300], [FOREVER] * 2, [4000, 10], week) == [3600, 168 * 3600 + 7200 - 7300]


def test_a_contact_that_meets_no_agent_takes_no_turn():
    ready, leaves, handle = np.array([0, 0]), np.array([FOREVER, FOREVER]), np.array([50, 50])
    waits = _offered_waits(ready, leaves, handle, np.array([False, True]), np.zeros((1, 168), dtype=int))
    assert waits.tolist() == [0, 0]


def test_the_law_of_patience_worked_by_hand():
    scale = 900 * (30 / 120) ** 0.4  # phone, promise 30 s against an expectation of 120 s
    kept, total = (30 / scale) ** 0.8, (100 / scale) ** 0.8
    assert true_patience_survival([0, 30, 100], "phone", 30.0) == pytest.approx(
        [1, math.exp(-kept), math.exp(-kept - 1.6 * (total - kept))], abs=1e-15
    )
    assert true_patience_survival(900, "phone") == pytest.approx(math.exp(-1))
    assert true_patience_survival(900, "phone", math.nan) == pytest.approx(math.exp(-1))


def test_the_plan_worked_by_hand():
    plan = planned_contacts(start="2025-01-01", months=2, contacts=1000)
    assert plan["contacts"].sum() == pytest.approx(1000)
    assert plan.groupby("channel")["contacts"].sum().to_dict() == pytest.approx(
        {"phone": 450, "chat": 300, "email": 150, "social": 100}
    )
    at = plan.set_index(["day", "channel", "hour"])["contacts"]
    monday, sunday, a_month_on = (pd.Timestamp(f"2025-{day}") for day in ("01-06", "01-12", "02-03"))
    assert at[monday, "phone", 20] / at[monday, "phone", 12] == pytest.approx(7.0 / 3.4)
    assert at[monday].sum() / at[sunday].sum() == pytest.approx(1.20 / 0.70)
    assert at[a_month_on, "chat", 9] / at[monday, "chat", 9] == pytest.approx(1.04)


def test_the_teams_worked_by_hand():
    agents = planned_agents(start="2024-06-01").set_index(["channel", "weekend", "hour"])["agents"]
    # Phone: 90,000 contacts of 240 s in 395 days are 106.3 h of work a week; duty 5 x 13.5 + 2 x 6 = 79.5 h at
    # occupancy .75 make 1.78, so 2; half of them in the evening, nobody at night.
    assert [agents["phone", False, h] for h in (3, 7, 12, 18, 19, 22, 23)] == [0, 1, 2, 2, 1, 1, 0]
    assert [agents["phone", True, h] for h in (8, 9, 20, 21)] == [0, 1, 1, 0]
    ten_times = planned_agents(start="2024-06-01", contacts=2_000_000)
    assert ten_times[ten_times["channel"] == "phone"]["agents"].max() == 18


# Known theory and limits


def test_with_poisson_arrivals_the_queue_is_erlang_c():
    rng = np.random.default_rng(1)
    n, load, handle_s = 150_000, 2.1, 20_000  # seconds so many that rounding to one of them is no matter
    ready = np.cumsum(rng.exponential(handle_s / load, n)).astype(np.int64)
    handle = rng.exponential(handle_s, n).astype(np.int64)
    waits = _offered_waits(ready, np.full(n, 10**15), handle, np.ones(n, dtype=bool), np.zeros((3, 168), dtype=int))
    terms = [load**k / math.factorial(k) for k in range(3)]
    last = load**3 / math.factorial(3) / (1 - load / 3)
    probability_wait = last / (sum(terms) + last)
    assert (waits > 0).mean() == pytest.approx(probability_wait, abs=0.012)
    assert waits.mean() == pytest.approx(probability_wait * handle_s / (3 - load), rel=0.06)


def test_with_exponential_patience_the_queue_is_erlang_a():
    rng = np.random.default_rng(2)
    n, load, agents, handle_s, patience_s = 150_000, 3.0, 3, 20_000, 30_000
    ready = np.cumsum(rng.exponential(handle_s / load, n)).astype(np.int64)
    handle, leaves = (rng.exponential(mean, n).astype(np.int64) for mean in (handle_s, patience_s))
    waits = _offered_waits(ready, leaves, handle, np.ones(n, dtype=bool), np.zeros((agents, 168), dtype=int))
    # Birth and death: in state k leave min(k, agents) served and the rest impatient.
    weights = np.cumprod([1.0] + [load / (min(k, agents) + max(k - agents, 0) * handle_s / patience_s)
                                  for k in range(1, 200)])  # fmt: skip
    queue = (np.maximum(np.arange(200) - agents, 0) * weights).sum() / weights.sum()
    assert (leaves <= waits).mean() == pytest.approx(queue * handle_s / patience_s / load, abs=0.006)


def test_who_would_wait_for_ever_never_abandons():
    endless = changed(patience_scale_s=math.inf)
    log = simulate_contacts(start="2025-01-01", months=2, contacts=20_000, rng=np.random.default_rng(3), truth=endless)
    assert set(log["outcome"]) <= {"answered", "deflected", "open"}
    assert (log["outcome"] == "answered").mean() > 0.8
    assert (true_patience_survival([0, 1e6], "phone", 30.0, truth=endless) == 1).all()


def test_without_elasticity_and_without_a_jump_a_promise_changes_nothing():
    deaf = changed(promise_elasticity=0.0, broken_promise_hazard_ratio=1.0)
    t = np.array([1, 29, 31, 500, 5000])
    for channel in LIVE + SLOW:
        for promise in (30.0, 900.0, 7200.0):
            np.testing.assert_allclose(
                true_patience_survival(t, channel, promise, truth=deaf), true_patience_survival(t, channel), rtol=1e-14
            )


@pytest.mark.parametrize("elasticity", [0.4, 1.0])
def test_elasticity_stretches_time_and_the_ratio_is_the_hazards(elasticity):
    stretched = changed(promise_elasticity=elasticity, broken_promise_hazard_ratio=1.0)
    t = np.array([10.0, 100.0, 1000.0])
    np.testing.assert_allclose(
        true_patience_survival(t * 30**elasticity, "chat", 900.0, truth=stretched),
        true_patience_survival(t, "chat", 30.0, truth=stretched),
        rtol=1e-12,
    )
    past, kept = np.array([31.0, 31.001]), np.array([29.0, 29.001])

    def hazard_ratio(at: np.ndarray) -> float:
        broken = changed(promise_elasticity=elasticity, broken_promise_hazard_ratio=2.5)
        log_survival = [np.log(true_patience_survival(at, "chat", 30.0, truth=t)) for t in (broken, stretched)]
        return np.diff(log_survival[0])[0] / np.diff(log_survival[1])[0]

    assert hazard_ratio(past) == pytest.approx(2.5, rel=1e-6)
    assert hazard_ratio(kept) == pytest.approx(1.0, rel=1e-6)


# Always true


def check_invariants(log: pd.DataFrame) -> None:
    assert list(log.columns) == [*CANONICAL, "simulated"]
    assert log["simulated"].all()
    assert log["contact_id"].is_unique
    assert log["opened_at"].is_monotonic_increasing
    assert set(log["outcome"]) <= {"answered", "abandoned", "deflected", "open"}
    assert set(log["channel"]) <= {"phone", "chat", "email", "social"}
    assert (log["wait_s"] >= 0).all()
    assert (log["wait_s"] % 1 == 0).all()
    at_once = ~log["queued"]
    assert (log.loc[at_once, "outcome"] == "answered").all()
    assert ((log["wait_s"] == 0) == at_once).all()
    assert log.loc[at_once, "channel"].isin(LIVE).all()
    assert (log["handle_s"].notna() == (log["outcome"] == "answered")).all()
    assert (log["handle_s"].dropna() >= 1).all()
    assert (log.loc[log["outcome"] == "deflected", "channel"] == "chat").all()
    assert ((log["reply"] == "none") == (log["outcome"] == "abandoned")).all()
    assert (log["reply"].isna() == (log["outcome"] == "open")).all()
    assert set(log["promised_s"].dropna()) <= {30.0, 900.0, 7200.0}
    assert (log["value"] > 0).all()
    assert not log[["customer_key", "value"]].drop_duplicates()["customer_key"].duplicated().any()
    end = log["opened_at"].iloc[-1].to_period("M").end_time.ceil("D")
    ends = log["opened_at"] + pd.to_timedelta(log["wait_s"], unit="s")
    assert (ends <= end).all()
    assert (ends[log["outcome"] == "open"] == end).all()


def test_every_column_has_its_type_and_the_rows_keep_the_rules(log):
    assert len(log) == 200_000
    assert {name: str(kind) for name, kind in log.dtypes.items()} == {
        "contact_id": "str", "customer_key": "str", "channel": "str", "queue": "str", "opened_at": "datetime64[us]",
        "queued": "bool", "wait_s": "float64", "outcome": "str", "promised_s": "float64", "handle_s": "float64",
        "reply": "str", "value": "float64", "simulated": "bool",
    }  # fmt: skip
    check_invariants(log)
    for channel in LIVE:
        assert 0.3 < (~log.loc[log["channel"] == channel, "queued"]).mean() < 0.7
    assert 0 < (log["outcome"] == "open").sum() < 300
    assert log["customer_key"].duplicated().mean() > 0.5
    promised = log.groupby("channel")["promised_s"].agg(lambda s: tuple(sorted(s.dropna().unique())))
    assert promised.to_dict() == {
        "chat": (30.0, 900.0), "phone": (30.0, 900.0), "email": (900.0, 7200.0), "social": (900.0, 7200.0),
    }  # fmt: skip


@settings(max_examples=15)
@given(month=st.integers(1, 12), months=st.integers(1, 2), contacts=st.integers(1, 300), seed=st.integers(0, 2**32 - 1))
def test_small_logs_keep_the_rules_too(month, months, contacts, seed):
    log = simulate_contacts(
        start=f"2023-{month:02d}-01", months=months, contacts=contacts, rng=np.random.default_rng(seed)
    )
    assert len(log) == contacts
    first = pd.Timestamp(2023, month, 1)
    assert log["opened_at"].between(first, first + pd.DateOffset(months=months), inclusive="left").all()
    assert log["simulated"].all()
    assert ((log["wait_s"] == 0) == ~log["queued"]).all()
    assert (log.loc[~log["queued"], "outcome"] == "answered").all()


def test_the_same_seed_gives_the_same_rows_and_another_seed_others():
    first, again, other = (
        simulate_contacts(start="2025-02-01", months=1, contacts=3_000, rng=np.random.default_rng(seed))
        for seed in (5, 5, 6)
    )
    pd.testing.assert_frame_equal(first, again)
    assert not first["opened_at"].equals(other["opened_at"])
    assert not first["wait_s"].equals(other["wait_s"])


def test_the_default_log_is_the_same_bytes_again_and_loads_whole(tmp_path, log):
    path = default_log(tmp_path / "log.parquet", end_month="2025-06")
    again = default_log(str(tmp_path / "again.parquet"), end_month="2025-06")
    assert path.read_bytes() == again.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.parquet", "log.parquet"]
    pd.testing.assert_frame_equal(pd.read_parquet(path), log)
    assert log["opened_at"].dt.to_period("M").nunique() == 13
    assert str(log["opened_at"].iloc[-1].to_period("M")) == "2025-06"
    loaded = load_contacts(path)
    assert loaded.counts["read"] == loaded.counts["kept"] == 200_000
    assert loaded.simulated


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda rng: simulate_contacts(start="2025-01-02", rng=rng), "first day of a month"),
        (lambda rng: simulate_contacts(start="2025-01-01 07:00", rng=rng), "first day of a month"),
        (lambda rng: simulate_contacts(start="2025-01-01", months=0, rng=rng), "months >= 1"),
        (lambda rng: simulate_contacts(start="2025-01-01", contacts=0, rng=rng), "contacts >= 1"),
        (lambda rng: true_patience_survival([1, -1], "phone"), "1 of 2 values"),
        (lambda rng: true_patience_survival([1, math.nan], "phone"), "1 of 2 values"),
        (lambda rng: true_patience_survival(1, "fax"), "no channel 'fax'"),
        (lambda rng: true_patience_survival(1, "phone", 0.0), "above 0"),
        (lambda rng: changed(share=0.5), "channels must sum to 1"),
        (lambda rng: changed(promises=((30.0, 0.5),)), "phone promises must sum to 1"),
        (lambda rng: changed(promises=((0.0, 1.0),)), "promise must be above 0"),
        (lambda rng: changed(patience_shape=0.0), "shape"),
        (lambda rng: changed(bot_share=1.5), "bot_share"),
        (lambda rng: changed(duty=()), "duty"),
        (lambda rng: changed(broken_promise_hazard_ratio=0.0), "hazard_ratio > 0"),
        (lambda rng: changed(contacts_per_customer=math.nan), "contacts_per_customer"),
        (lambda rng: changed(day_weights=(1.0,)), "7 day weights"),
        (lambda rng: default_log("x.parquet", end_month="June"), "such as '2025-06'"),
        (lambda rng: default_log("x.parquet", end_month="2025-06-30"), "such as '2025-06'"),
    ],
)
def test_what_cannot_be_simulated_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call(np.random.default_rng(1))


def test_no_estimator_imports_simulate_and_it_imports_no_estimator(root):
    for path in sorted((root / "cxresearch").rglob("*.py")):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        names += [f"{n.module}.{alias.name}" for n in nodes if isinstance(n, ast.ImportFrom) for alias in n.names]
        simulate = {name for name in names if name.startswith("cxresearch.simulate")}
        if path.parent.name == "simulate":
            others = {name for name in names if name.startswith("cxresearch")} - simulate
            # A made-up network is handed on in the form that a real one has.
            assert others <= (
                {"cxresearch.cascade.EdgeList", "cxresearch.cascade.load_edges"} if path.stem == "network" else set()
            )
        elif path.name != "__main__.py" and path.parent.name != "report":  # these make the default log
            assert not simulate, path


def test_the_page_states_every_number_of_the_truth(root):
    page = (root / "docs" / "simulated-log.md").read_text()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| `")
    ]
    stated = {row[0].strip("`"): row[1:-1] for row in rows}

    def cell(numbers: pd.DataFrame) -> str:
        labelled = not numbers["at"].str.fullmatch(r"\d*").all() or numbers["at"].iloc[0] not in ("", "0")
        return "; ".join(
            f"{a}: {v:g}" if labelled else f"{v:g}" for a, v in zip(numbers["at"], numbers["value"], strict=True)
        )

    truth = contact_truth_table()
    expected: dict[str, list[str]] = {}
    for (parameter, _), numbers in truth.groupby(["parameter", "channel"], sort=False):
        expected.setdefault(parameter, []).append(cell(numbers))
    assert stated == expected
    assert str(DEFAULT_SEED) in page


# A known truth is found again


def test_months_hours_and_days_follow_the_plan(log):
    plan = planned_contacts(start="2024-06-01")
    expected = plan.groupby(plan["day"].dt.to_period("M"))["contacts"].sum()
    counted = log.groupby(log["opened_at"].dt.to_period("M")).size()
    # Good and bad days (5 %) and chance make 1.2 % of a month's number.
    np.testing.assert_allclose(counted, expected, rtol=0.05)
    by_day = plan.groupby("day")["contacts"].sum()
    assert by_day.loc["2025-06-02"] / by_day.loc["2025-02-03"] == pytest.approx(1.04**4)
    assert np.abs(counted - expected).max() > 1  # days do vary
    weekday = log[log["opened_at"].dt.day_of_week < 5]
    by_hour = weekday.groupby(weekday["opened_at"].dt.hour).size()
    assert by_hour.idxmax() == 20
    np.testing.assert_allclose(
        by_hour / by_hour.sum(),
        np.array(CONTACT_TRUTH.weekday_hour_weights) / sum(CONTACT_TRUTH.weekday_hour_weights),
        atol=0.004,
    )
    shares = log["channel"].value_counts(normalize=True)
    assert shares.to_dict() == pytest.approx({c.name: c.share for c in CONTACT_TRUTH.channels}, abs=0.005)
    saturday_to_monday = (log["opened_at"].dt.day_of_week == 5).sum() / (log["opened_at"].dt.day_of_week == 0).sum()
    assert saturday_to_monday == pytest.approx(0.80 / 1.20, rel=0.06)


@pytest.mark.parametrize("channel", LIVE)
def test_waits_are_long_in_the_evening_when_the_team_has_shrunk(log, channel):
    weekday = log[(log["channel"] == channel) & (log["opened_at"].dt.day_of_week < 5)]
    by_hour = weekday.groupby(weekday["opened_at"].dt.hour)["wait_s"].mean()
    assert by_hour[20] > 4 * by_hour[9:18].mean()
    open_hours = by_hour[7:22]
    assert open_hours.idxmax() == 20


def kaplan_meier_at(waits: pd.DataFrame, at: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Survival and Greenwood's standard error at whole seconds."""
    left = waits["outcome"].eq("abandoned").groupby(waits["wait_s"]).agg(["sum", "size"])
    at_risk = left["size"][::-1].cumsum()[::-1]
    survival = (1 - left["sum"] / at_risk).cumprod()
    greenwood = (left["sum"] / (at_risk * (at_risk - left["sum"]))).cumsum()
    place = np.searchsorted(left.index.to_numpy(), at, side="right") - 1
    return survival.to_numpy()[place], (survival * np.sqrt(greenwood)).to_numpy()[place]


def distances(log: pd.DataFrame, truth: ContactTruth) -> pd.Series:
    """(estimate - truth) / se for each channel, promise and duration with enough contacts to tell."""
    found = {}
    queued = log[log["queued"]]
    for (channel, promise), waits in queued.groupby(["channel", "promised_s"], dropna=False):
        at = [t for t in DURATIONS_S[channel] if (waits["wait_s"] > t).sum() >= 50]
        survival, se = kaplan_meier_at(waits, at)
        true = true_patience_survival(at, channel, promise, truth=truth)
        for t, z in zip(at, (survival - true) / se, strict=True):
            found[channel, promise, t] = z
    return pd.Series(found)


def test_kaplan_meier_finds_the_patience_of_every_channel_and_promise(log):
    z = distances(log, CONTACT_TRUTH)
    assert len(z) >= 45
    # A band for all of them together at 99 %, and as many misses of the single 95 % bands as chance allows.
    assert np.abs(z).max() < norm.ppf(1 - 0.01 / (2 * len(z)))
    assert (np.abs(z) > 1.96).mean() < 0.15


@pytest.mark.parametrize(
    "wrong", [{"promise_elasticity": 0.3}, {"broken_promise_hazard_ratio": 1.3}, {"patience_shape": 0.95}]
)
def test_and_would_notice_another_truth(log, wrong):
    assert np.abs(distances(log, changed(**wrong))).max() > 6


def test_the_broken_promise_and_the_elasticity_are_found_by_maximum_likelihood(log):
    for channel in CONTACT_TRUTH.channels:
        scales = {}
        for promise in [p for p, _ in channel.promises if p is not None]:
            waits = log[(log["channel"] == channel.name) & (log["promised_s"] == promise) & log["queued"]]
            left = waits["outcome"] == "abandoned"
            # On the clock t ** shape the hazard is constant before the promise, and again after it.
            clock, at_promise = waits["wait_s"] ** channel.patience_shape, promise**channel.patience_shape
            before = left & (waits["wait_s"] <= promise)
            rate = before.sum() / np.minimum(clock, at_promise).sum()
            scales[promise] = (rate ** (-1 / channel.patience_shape), before.sum())
            scale = channel.patience_scale_s * (promise / channel.expected_s) ** 0.4
            late_s = np.maximum(clock - at_promise, 0).sum() / scale**channel.patience_shape
            late = (left & ~before).sum()
            assert late / late_s == pytest.approx(1.6, abs=4 * 1.6 / math.sqrt(late)), (channel.name, promise)
        (p0, (s0, n0)), (p1, (s1, n1)) = scales.items()
        se = math.sqrt(1 / n0 + 1 / n1) / channel.patience_shape / math.log(p1 / p0)
        assert math.log(s1 / s0) / math.log(p1 / p0) == pytest.approx(0.4, abs=4 * se), channel.name
        assert se < 0.15


def test_one_law_for_all_and_contacts_of_a_customer_are_alike():
    # An hour of duty in the night: by day nobody is answered, and every phone call shows its whole patience.
    truth = changed(duty=(("weekday", 3, 4, 1.0),), contacts_per_customer=8.0)
    log = simulate_contacts(start="2025-01-01", months=3, contacts=60_000, rng=np.random.default_rng(7), truth=truth)
    day = log[(log["channel"] == "phone") & log["opened_at"].dt.hour.between(8, 18)].copy()
    assert (day["outcome"] == "abandoned").all()
    later, sooner = np.ones(len(day)), np.ones(len(day))
    for promise in day["promised_s"].unique():
        rows = (day["promised_s"].isna() if np.isnan(promise) else day["promised_s"] == promise).to_numpy()
        later[rows] = true_patience_survival(day["wait_s"][rows], "phone", promise, truth=truth)
        sooner[rows] = true_patience_survival(day["wait_s"][rows] - 1, "phone", promise, truth=truth)
    uniform = later + (sooner - later) * np.random.default_rng(8).random(len(day))
    # Contacts of a customer are correlated, so one of each is compared with the law.
    assert kstest(uniform[~day["customer_key"].duplicated().to_numpy()], "uniform").pvalue > 0.01
    day["score"] = norm.ppf(uniform)
    groups = day.groupby("customer_key")["score"].agg(["sum", "size", lambda s: (s**2).sum()])
    products = (groups["sum"] ** 2 - groups["<lambda_0>"]).sum() / (groups["size"] * (groups["size"] - 1)).sum()
    assert products == pytest.approx(CONTACT_TRUTH.customer_correlation, abs=0.03)


def test_the_bot_settles_what_patience_leaves_it(log):
    chat = CONTACT_TRUTH.channel("chat")
    t = np.arange(1, 5_000)
    ends = np.exp(-(t - 1) / chat.bot_mean_s) - np.exp(-t / chat.bot_mean_s)
    stays = sum(share * (ends * true_patience_survival(t, "chat", promise)).sum() for promise, share in chat.promises)
    deflected = (log.loc[log["channel"] == "chat", "outcome"] == "deflected").mean()
    assert deflected == pytest.approx(0.15 * stays, abs=4 * math.sqrt(0.15 * 0.85 / 60_000))


def test_replies_help_as_often_as_stated(log):
    kept = log["wait_s"] <= log["promised_s"]
    helped = log["outcome"] == "answered"
    for rows, share in (
        (helped & kept, 0.80),
        (helped & log["promised_s"].isna(), 0.75),
        (helped & log["promised_s"].notna() & ~kept, 0.60),
        (log["outcome"] == "deflected", 0.55),
    ):
        found = (log.loc[rows, "reply"] == "helpful").mean()
        assert found == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / rows.sum()))
