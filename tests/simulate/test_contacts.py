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
from cxresearch.patience import broken_promise, promise_elasticity
from cxresearch.regression import accelerated_failure_time
from cxresearch.risk_table import poisson_bootstrap
from cxresearch.simulate import (
    CONTACT_TRUTH,
    DEFAULT_SEED,
    STEADY_TRUTH,
    ContactTruth,
    contact_truth_table,
    default_log,
    planned_agents,
    planned_contacts,
    simulate_contacts,
    true_patience_survival,
)
from cxresearch.simulate.contacts import Asked, _all_rows_served, _at_work, _served

LIVE, SLOW = ["phone", "chat"], ["email", "social"]
ALWAYS = np.ones(24, dtype=bool)
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


def changed(base: ContactTruth = CONTACT_TRUTH, **values: float) -> ContactTruth:
    """A truth with other numbers; those of a channel are changed in every channel."""
    of_channel = {k: v for k, v in values.items() if not hasattr(base, k)}
    channels = tuple(dataclasses.replace(c, **of_channel) for c in base.channels)
    return dataclasses.replace(base, channels=channels, **{k: v for k, v in values.items() if k not in of_channel})


def asked(ready, leaves, handle, bot=None, again=None) -> Asked:
    """Contacts of one topic."""
    none = [-1] * len(ready)
    ready, leaves, handle, bot, again = (
        np.array(a, dtype=np.int64) for a in (ready, leaves, handle, bot or none, again or none)
    )
    return Asked(ready, leaves[None, :], np.zeros(len(ready), dtype=np.int64), handle, bot, again)


def offered(ready, leaves, handle, on_duty: np.ndarray, **more: list[int]) -> np.ndarray:
    """The waits on offer where nobody calls again."""
    contacts = np.arange(len(ready))
    return _served(asked(ready, leaves, handle, **more), contacts, len(ready), on_duty, ALWAYS)[1]


# Worked by hand


def test_one_agent_three_contacts_and_who_leaves_takes_no_time():
    always = np.zeros((1, 168), dtype=int)
    # Busy 0-100 with the first; the second would be next at 100 but has left at 60, so the third begins at 100.
    assert offered([0, 10, 20], [FOREVER, 50, FOREVER], [100, 100, 100], always).tolist() == [0, 90, 80]
    assert offered([0, 10, 20], [FOREVER] * 3, [100, 100, 100], always).tolist() == [0, 90, 180]
    assert offered([0, 10, 20], [FOREVER] * 3, [100, 100, 100], np.zeros((2, 168), dtype=int)).tolist() == [0, 0, 80]


def test_nobody_is_there_before_the_shift_and_a_talk_outlasts_it():
    week = np.zeros((1, 168), dtype=int)
    week[0] = [2 - h if h < 2 else (0 if h == 2 else 170 - h) for h in range(168)]  # on duty from 2 to 3 h, once a week
    # 1:00 waits an hour; its talk of 4,000 s ends at 3:06:40, after the shift: the next begins a week later, at 2:00.
    assert offered([3600, 7300], [FOREVER] * 2, [4000, 10], week).tolist() == [3600, 168 * 3600 + 7200 - 7300]


def test_a_contact_that_meets_no_agent_takes_no_turn():
    waits = offered([0, 0], [FOREVER, FOREVER], [50, 50], np.zeros((1, 168), dtype=int), bot=[7, -1])
    assert waits.tolist() == [7, 0]


def test_who_gives_up_calls_again_while_the_line_is_open():
    # Busy until 100 with the first. The second leaves at 40 and calls again 70 s later, at 110, in the third's place.
    calls = asked([0, 10, 5000], [FOREVER, 30, 40], [100, 100, 100], again=[-1, 70, -1])
    ready, waits, source, unused, lost = _served(calls, np.array([0, 1, 2]), 2, np.zeros((1, 168), dtype=int), ALWAYS)
    assert ready.tolist() == [0, 10, 110]
    assert waits.tolist() == [0, 90, 0]
    assert source.tolist() == [0, 1, 1]
    assert (unused, lost) == (0, 0)
    for takes, left in ((~ALWAYS, (1, 0)), (ALWAYS, (0, 1))):
        firsts = 2 if left[0] else 3
        assert _served(calls, np.array([0, 1, 2]), firsts, np.zeros((1, 168), dtype=int), takes)[3:] == left


def test_the_rows_are_as_many_as_asked_for_with_the_redials_among_them():
    rng = np.random.default_rng(11)
    n, day = 3_000, np.ones(24 * 40, dtype=bool)
    again = np.where(rng.random(n) < 0.5, 600, -1).tolist()
    calls = asked(rng.integers(0, 86_400 * 40, n), rng.exponential(600, n), rng.exponential(2_400, n), again=again)
    ready, waits, source = _all_rows_served(calls, np.zeros((2, 168), dtype=int), day, rng)
    redials = source != np.arange(n)
    assert redials.sum() > 200
    # In the order of the clock, each redial follows a contact of its own customer that gave up 600 s before.
    left = waits >= calls.leaves_after_s[0]
    tries = {(s, t + w + 600) for s, t, w, o, a in zip(
        source, ready, calls.leaves_after_s[0], left, calls.again_s, strict=True) if o and a > 0}  # fmt: skip
    assert {(s, t) for s, t in zip(source[redials], ready[redials], strict=True)} <= tries
    assert len([t for _, t in tries if t < 86_400 * 40]) - redials.sum() <= 1


def test_who_is_missing_and_who_stays():
    first, hours = pd.Timestamp("2025-06-01"), np.tile([0] * 8 + [4] * 10 + [0] * 6, 30)
    phone = CONTACT_TRUTH.channel("phone")
    there = _at_work(hours, phone, first, 1, changed(absence=0.0, bad_week_month=1), np.random.default_rng(1)).reshape(
        30, 24
    )
    assert there[0].tolist() == [0] * 8 + [4] * 10 + [4] + [0] * 5  # an hour more for who is still waiting
    # The first Monday of June 2025 is the 2nd: 40 % of four leave two (2.4).
    assert (there[:, 12] == 2).tolist() == [1 <= day <= 7 for day in range(30)]
    messages = _at_work(hours, CONTACT_TRUTH.channel("email"), first, 1, STEADY_TRUTH, np.random.default_rng(1))
    assert messages.tolist() == hours.tolist()
    absent = _at_work(np.full(24 * 4_000, 4), phone, first, 1, changed(absence=0.05, bad_week_missing=0.0),
                      np.random.default_rng(1)).reshape(-1, 24)  # fmt: skip
    assert (absent == absent[:, :1]).all()
    assert set(absent[:, 0]) == {3, 4}
    assert (absent[:, 0] == 3).mean() == pytest.approx(0.05, abs=0.015)


def test_the_law_of_patience_worked_by_hand():
    scale = 900 * (30 / 120) ** 0.4  # phone, promise 30 s against an expectation of 120 s
    kept, total = (30 / scale) ** 0.8, (100 / scale) ** 0.8
    assert true_patience_survival([0, 30, 100], "phone", 30.0) == pytest.approx(
        [1, math.exp(-kept), math.exp(-kept - 1.6 * (total - kept))], abs=1e-15
    )
    assert true_patience_survival(900, "phone") == pytest.approx(math.exp(-1))
    assert true_patience_survival(900, "phone", math.nan, queue="orders") == pytest.approx(math.exp(-1))
    assert true_patience_survival(450, "phone", queue="billing") == pytest.approx(math.exp(-1))


def test_the_plan_worked_by_hand():
    plan = planned_contacts(start="2025-01-01", months=2, contacts=1000)
    assert plan["contacts"].sum() == pytest.approx(1000)
    assert plan.groupby("channel")["contacts"].sum().to_dict() == pytest.approx(
        {"phone": 450, "chat": 300, "email": 150, "social": 100}
    )
    at = plan.set_index(["day", "channel", "hour"])["contacts"].sort_index()
    monday, sunday, a_month_on = (pd.Timestamp(f"2025-{day}") for day in ("01-06", "01-12", "02-03"))
    assert at[monday, "phone", 20] / at[monday, "phone", 12] == pytest.approx(7.0 / 3.4)
    for channel in LIVE + SLOW:
        assert at[monday, channel].sum() / at[sunday, channel].sum() == pytest.approx(1.20 / 0.70)
    assert at[a_month_on, "chat", 9] / at[monday, "chat", 9] == pytest.approx(1.01)
    # A closed line takes nobody; the mail box is always open.
    assert [hour for hour in range(24) if at[monday, "phone", hour] > 0] == list(range(7, 23))
    assert [hour for hour in range(24) if at[sunday, "chat", hour] > 0] == list(range(9, 21))
    assert at[monday, "email", 3] / at[monday, "email", 12] == pytest.approx(0.1 / 3.4)


def test_the_teams_worked_by_hand():
    agents = planned_agents(start="2024-06-01").set_index(["channel", "weekend", "hour"])["agents"]
    # Phone: 90,000 contacts of 360 s in 395 days are 159.5 h of work a week; duty 5 x 11.9 + 2 x 8.4 = 76.3 h at
    # occupancy .54 make 3.87, so 4; seven tenths of them by day (2.8, so 3), nobody at night.
    assert [agents["phone", False, h] for h in (3, 7, 12, 18, 19, 22, 23)] == [0, 2, 3, 3, 4, 3, 0]
    assert [agents["phone", True, h] for h in (8, 9, 20, 21)] == [0, 3, 3, 0]
    ten_times = planned_agents(start="2024-06-01", contacts=2_000_000)
    assert ten_times[ten_times["channel"] == "phone"]["agents"].max() == 39


# Known theory and limits


def test_with_poisson_arrivals_the_queue_is_erlang_c():
    rng = np.random.default_rng(1)
    n, load, handle_s = 150_000, 2.1, 20_000  # seconds so many that rounding to one of them is no matter
    ready = np.cumsum(rng.exponential(handle_s / load, n)).astype(np.int64)
    handle = rng.exponential(handle_s, n).astype(np.int64)
    waits = offered(ready, np.full(n, 10**15), handle, np.zeros((3, 168), dtype=int))
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
    waits = offered(ready, leaves, handle, np.zeros((agents, 168), dtype=int))
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
    assert list(log.columns) == [*(name for name in CANONICAL if name != "agent_key"), "simulated"]
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
    assert set(log["promised_s"].dropna()) <= {30.0, 900.0, 7200.0, 86400.0}
    assert (log["value"] > 0).all()
    live = log[log["channel"].isin(LIVE)]
    hour, weekend = live["opened_at"].dt.hour, live["opened_at"].dt.day_of_week >= 5
    assert hour.where(~weekend, 12).between(7, 22).all()
    assert hour.where(weekend, 12).between(9, 20).all()
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
        assert 0.5 < (~log.loc[log["channel"] == channel, "queued"]).mean() < 0.8
    assert 0 < (log["outcome"] == "open").sum() < 300
    assert log["customer_key"].duplicated().mean() > 0.5
    promised = log.groupby("channel")["promised_s"].agg(lambda s: tuple(sorted(s.dropna().unique())))
    assert promised.to_dict() == {
        "chat": (30.0, 900.0), "phone": (30.0, 900.0), "email": (7200.0, 86400.0), "social": (900.0, 7200.0),
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


@pytest.mark.slow
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
        (lambda rng: true_patience_survival(1, "phone", queue="fax"), "no queue 'fax' in this truth; there is orders,"),
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
        (lambda rng: changed(queues_at_end=(("orders", 1.0),)), "same order"),
        (lambda rng: changed(queues_at_end=(("orders", 0.1),)), "queues_at_end must sum to 1"),
        (lambda rng: changed(redial_mean_s=0.0), "redial_mean_s"),
        (lambda rng: changed(redial_share=1.1), "redial_share"),
        (lambda rng: changed(absence=math.nan), "absence"),
        (lambda rng: changed(day_correlation=1.0), "day_correlation"),
        (lambda rng: changed(bad_week_month=0), "bad_week_month"),
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
    # Good and bad days (10 %, neighbours alike) make 2.5 % of a month's number.
    np.testing.assert_allclose(counted, expected, rtol=0.08)
    by_day = plan.groupby("day")["contacts"].sum()
    assert by_day.loc["2025-06-02"] / by_day.loc["2025-02-03"] == pytest.approx(1.01**4)
    weekday = log[(log["opened_at"].dt.day_of_week < 5) & log["channel"].isin(SLOW)]
    by_hour = weekday.groupby(weekday["opened_at"].dt.hour).size()
    assert by_hour.idxmax() == 20
    np.testing.assert_allclose(
        by_hour / by_hour.sum(),
        np.array(CONTACT_TRUTH.weekday_hour_weights) / sum(CONTACT_TRUTH.weekday_hour_weights),
        atol=0.006,
    )
    shares = log["channel"].value_counts(normalize=True)
    assert shares.to_dict() == pytest.approx({c.name: c.share for c in CONTACT_TRUTH.channels}, abs=0.005)
    saturday_to_monday = (log["opened_at"].dt.day_of_week == 5).sum() / (log["opened_at"].dt.day_of_week == 0).sum()
    assert saturday_to_monday == pytest.approx(0.80 / 1.20, rel=0.06)


def test_good_and_bad_days_are_as_unlike_as_stated(log):
    plan = planned_contacts(start="2024-06-01").groupby("day")["contacts"].sum()
    counted = log.groupby(log["opened_at"].dt.normalize()).size()
    mood = np.log(counted / plan)
    mood -= mood.mean()
    # What chance adds to a day's logarithm is 1 / contacts. The limits are four standard errors of 395 days.
    variance = (mood**2).mean() - (1 / counted).mean()
    assert math.sqrt(variance) == pytest.approx(CONTACT_TRUTH.day_log_sd, rel=4 / math.sqrt(2 * 395) * 1.25)
    neighbours = (mood.to_numpy()[1:] * mood.to_numpy()[:-1]).mean() / variance
    assert neighbours == pytest.approx(CONTACT_TRUTH.day_correlation, abs=4 / math.sqrt(395) * 1.2)


def left_by_month(log: pd.DataFrame, channel: str) -> pd.Series:
    mine = log[log["channel"] == channel]
    return mine["outcome"].eq("abandoned").groupby(mine["opened_at"].dt.to_period("M")).mean()


def test_an_ordinary_month_loses_five_to_ten_in_a_hundred(log):
    for channel in LIVE + SLOW:
        ordinary = left_by_month(log, channel).drop(pd.Period("2025-05"))  # the month of the bad week
        assert ordinary.mean() == pytest.approx(0.075, abs=0.025), channel
        assert ordinary.max() < 0.12, channel
    live = log[log["channel"].isin(LIVE)]
    hours = live["outcome"].eq("abandoned").groupby([live["channel"], live["opened_at"].dt.hour]).mean()
    assert hours.max() < 0.15, "no hour of an open line loses everybody"
    assert hours.xs("phone").idxmax() == 20


def kaplan_meier_at(waits: pd.DataFrame, at: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Survival and Greenwood's standard error at whole seconds."""
    left = waits["outcome"].eq("abandoned").groupby(waits["wait_s"]).agg(["sum", "size"])
    at_risk = left["size"][::-1].cumsum()[::-1]
    survival = (1 - left["sum"] / at_risk).cumprod()
    greenwood = (left["sum"] / (at_risk * (at_risk - left["sum"]))).cumsum()
    place = np.searchsorted(left.index.to_numpy(), at, side="right") - 1
    return survival.to_numpy()[place], (survival * np.sqrt(greenwood)).to_numpy()[place]


def distances(log: pd.DataFrame, truth: ContactTruth) -> pd.Series:
    """(estimate - truth) / se for each channel, pace of topics, promise and duration with enough contacts to tell."""
    found = {}
    queued = log[log["queued"]].assign(hurried=log["queue"] == "billing")
    for (channel, hurried, promise), waits in queued.groupby(["channel", "hurried", "promised_s"], dropna=False):
        at = [t for t in DURATIONS_S[channel] if (waits["wait_s"] > t).sum() >= 50]
        survival, se = kaplan_meier_at(waits, at)
        true = true_patience_survival(at, channel, promise, queue="billing" if hurried else None, truth=truth)
        for t, z in zip(at, (survival - true) / se, strict=True):
            found[channel, hurried, promise, t] = z
    return pd.Series(found)


def test_kaplan_meier_finds_the_patience_of_every_channel_topic_and_promise(log):
    z = distances(log, CONTACT_TRUTH)
    assert len(z) >= 80
    # A band for all of them together at 99 %, and as many misses of the single 95 % bands as chance allows.
    assert np.abs(z).max() < norm.ppf(1 - 0.01 / (2 * len(z)))
    assert (np.abs(z) > 1.96).mean() < 0.15


@pytest.mark.parametrize(
    "wrong",
    [
        {"promise_elasticity": 0.3}, {"broken_promise_hazard_ratio": 1.3}, {"patience_shape": 0.95},
        {"queue_patience": (("orders", 1.0), ("delivery", 1.0), ("billing", 0.7))},
    ],
)  # fmt: skip
def test_and_would_notice_another_truth(log, wrong):
    assert np.abs(distances(log, changed(**wrong))).max() > 5


# The same with the day as unit: all contacts of a day are drawn together.


def counts_by_day(contacts: pd.DataFrame) -> pd.DataFrame:
    """A risk table with the date; what ended in a second that had begun is placed in its middle."""
    left = contacts["outcome"] == "abandoned"
    rows = contacts.assign(duration_s=contacts["wait_s"] - left / 2, date=contacts["opened_at"].dt.normalize())
    keys = ["date", "promised_s", "duration_s", "outcome"]
    return rows.groupby(keys, dropna=False, as_index=False).size().rename(columns={"size": "contacts"})


def of_days(table: pd.DataFrame, statistic) -> pd.DataFrame:
    return poisson_bootstrap(
        table, statistic, by="term", cluster="date", replicates=30, rng=np.random.default_rng(3)
    ).set_index("term")


@pytest.mark.parametrize("queue", ["orders", "billing"])
def test_a_regression_finds_the_weibull_law_of_the_phone(log, queue):
    phone, ratio = CONTACT_TRUTH.channel("phone"), dict(CONTACT_TRUTH.queue_patience)[queue]
    mine = log[(log["channel"] == "phone") & log["queued"] & (log["queue"] == queue) & log["promised_s"].isna()]

    def fit(table: pd.DataFrame) -> pd.DataFrame:
        return accelerated_failure_time(table, [], distribution="weibull")[["term", "estimate"]]

    found = of_days(counts_by_day(mine).drop(columns="promised_s"), fit)
    truth = {"(intercept)": math.log(ratio * phone.patience_scale_s), "log(scale)": -math.log(phone.patience_shape)}
    for term, true in truth.items():
        row = found.loc[term]
        assert row["se"] < 0.1
        assert abs(row["estimate"] - true) < 3 * row["se"], (term, true, row)


@pytest.mark.slow
def test_regressions_find_the_elasticity_and_what_a_broken_promise_does(log):
    mine = log[(log["channel"] == "phone") & log["queued"] & (log["queue"] != "billing")]

    def fit(table: pd.DataFrame) -> pd.DataFrame:
        clock, broken = promise_elasticity(table, clock="nearest"), broken_promise(table)
        return pd.DataFrame({"term": ["clock", "broken"], "estimate": [clock["estimate"][0], broken["estimate"][0]]})

    found = of_days(counts_by_day(mine), fit)
    for term, true, error in (("clock", 0.4, 0.06), ("broken", 1.6, 0.15)):
        row = found.loc[term]
        assert row["se"] < error
        assert abs(row["estimate"] - true) < 3 * row["se"], (term, row)


def ratio_of_days(top: pd.Series, below: pd.Series) -> tuple[float, float]:
    """A share with the standard error of a ratio of sums over days."""
    share = top.sum() / below.sum()
    return share, math.sqrt(((top - share * below) ** 2).sum()) / below.sum()


def test_as_many_call_again_as_stated(log):
    for channel in LIVE:
        mine = log[log["channel"] == channel].sort_values(["customer_key", "opened_at"], kind="stable")
        end = mine["opened_at"] + pd.to_timedelta(mine["wait_s"], unit="s")
        following = mine.groupby("customer_key")["opened_at"].shift(-1)
        # Only who gave up an hour before closing time, so that the whole hour can be seen.
        close = np.where(mine["opened_at"].dt.day_of_week >= 5, 21, 23) * 3_600
        seen = (mine["outcome"] == "abandoned") & ((end - end.dt.normalize()).dt.total_seconds() < close - 3_600)
        again = seen & ((following - end).dt.total_seconds() <= 3_600)
        by_day = pd.DataFrame({"again": again, "seen": seen}).groupby(mine["opened_at"].dt.normalize()).sum()
        share, se = ratio_of_days(by_day["again"], by_day["seen"])
        assert se < 0.012
        assert share == pytest.approx(CONTACT_TRUTH.redial_share, abs=3 * se), channel
        late = (following - end)[again].dt.total_seconds()
        cut = -math.expm1(-3_600 / 900)
        assert late.mean() == pytest.approx(900 - 3_600 * (1 - cut) / cut, rel=0.06)


def test_billing_grows_as_stated(log):
    slow = log[log["channel"].isin(SLOW)]  # nobody calls again there
    by_day = slow["queue"].eq("billing").groupby(slow["opened_at"].dt.normalize()).agg(["sum", "size"])
    month = by_day.index.to_period("M")
    for place, true in ((-4, 0.20), (-3, 0.20 + 0.2 / 3), (-2, 0.20 + 0.4 / 3), (-1, 0.40)):
        days = by_day[month == month.unique()[place]]
        share, se = ratio_of_days(days["sum"], days["size"])
        assert se < 0.012
        assert share == pytest.approx(true, abs=3 * se)


def test_the_bad_week_is_found_and_is_what_it_does():
    truths = {"bad": CONTACT_TRUTH, "twin": dataclasses.replace(CONTACT_TRUTH, bad_week_missing=0.0)}
    size = {"start": "2025-04-01", "months": 3, "contacts": 46_000}
    left = {}
    for name, truth in truths.items():
        log = simulate_contacts(**size, rng=np.random.default_rng(12), truth=truth)
        phone = log[log["channel"] == "phone"]
        left[name] = phone["outcome"].eq("abandoned").groupby(phone["opened_at"].dt.normalize()).agg(["sum", "size"])
    week = (left["bad"].index >= "2025-05-05") & (left["bad"].index <= "2025-05-11")
    (bad, bad_se), (rest, rest_se) = (
        ratio_of_days(days["sum"], days["size"]) for days in (left["bad"][week], left["bad"][~week])
    )
    twin = left["twin"]["sum"][week].sum() / left["twin"]["size"][week].sum()
    assert bad - rest > 3 * math.hypot(bad_se, rest_se)
    # What the log alone says of the week is what the agents that were missing did: the twin had them.
    assert bad - rest == pytest.approx(bad - twin, abs=3 * math.hypot(bad_se, rest_se))
    assert bad > 2 * twin


def test_one_law_for_all_and_contacts_of_a_customer_are_alike():
    # An hour of duty in the night on a line that never closes: by day every phone call shows its whole patience.
    truth = changed(STEADY_TRUTH, live=False, duty=(("weekday", 3, 4, 1.0),), contacts_per_customer=8.0)
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
    topics = log.loc[log["channel"] == "chat", "queue"].value_counts(normalize=True)
    stays = sum(
        share * of_topic * (ends * true_patience_survival(t, "chat", promise, queue=queue)).sum()
        for promise, share in chat.promises
        for queue, of_topic in topics.items()
    )
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
