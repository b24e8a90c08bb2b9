"""Where a change comes from: parts that add up to it, worked by hand, and known changes found again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.contacts import load
from cxresearch.exhibits import change_table, headline_table
from cxresearch.patience import change_sources, kitagawa, queue_sources

WHOLE = (1, 2, 3, 4, 5)


def cells(
    start: str, rng: np.random.Generator, *, share=(0.1, 0.4), lost=(0.1, 0.3), queued=0.6, size=200.0, good=0.15
) -> pd.DataFrame:
    """Four weeks of two queues: whole days are good or bad together, by ``good`` in the odds of giving up."""
    rows = []
    for day in pd.date_range(start, periods=28):
        mood = np.exp(rng.normal(0, good))
        for queue, mean, p in zip("ab", share, lost, strict=True):
            for hour in (9, 15):
                asked = rng.poisson(size * mean)
                waiting = rng.binomial(asked, queued)
                left = rng.binomial(waiting, p * mood / (1 - p + p * mood))
                for is_queued, outcome, contacts in ((False, "answered", asked - waiting), (True, "abandoned", left),
                                                     (True, "answered", waiting - left)):  # fmt: skip
                    rows.append((day, day.day_of_week + 1, hour, queue, is_queued, outcome, contacts))
    names = ["day", "weekday", "hour", "queue", "queued", "outcome", "contacts"]
    return pd.DataFrame(rows, columns=names)


def test_two_groups_worked_by_hand():
    """Of 100 in each of two queues 10 and 30 are lost; then 50 and 150 ask, and 5 and 60 are lost."""
    before = np.array([[100, 50, 10, 0], [100, 50, 30, 0]], dtype=float)
    now = np.array([[50, 25, 5, 0], [150, 75, 60, 0]], dtype=float)
    parts = kitagawa(now, before)
    assert parts.sum() == pytest.approx(65 / 200 - 40 / 200)
    # Own shares .1, .1 and .4, .3; mixes .25, .5 and .75, .5; the middle of .325 and .2 is .2625.
    assert parts[:, 0] == pytest.approx([-0.25 * (0.1 - 0.2625), 0.25 * (0.35 - 0.2625)])
    assert parts[:, 1] == pytest.approx([0, 0])
    assert parts[:, 2] == pytest.approx([0, 0.625 * (0.4 - 0.3)])


counts = st.integers(0, 30)
groups = st.lists(st.tuples(counts, counts, counts, counts), min_size=1, max_size=6)


def sums(rows: object) -> np.ndarray:
    """Sums that can be: answered at once, answered, gave up in the queue and before it, added up."""
    once, answered, left, early = np.array(rows, dtype=float).T
    return np.column_stack([once + answered + left + early, answered + left, left, early])


@given(groups, st.data())
def test_the_parts_add_up_and_nothing_changes_nothing(rows, data):
    before = sums(rows)
    now = sums(data.draw(st.lists(st.tuples(counts, counts, counts, counts), min_size=len(rows), max_size=len(rows))))
    if not (now[:, 0].sum() and before[:, 0].sum()):
        return
    share = [one[:, 2:].sum() / one[:, 0].sum() for one in (now, before)]
    parts = kitagawa(now, before)
    assert parts.sum() == pytest.approx(share[0] - share[1], abs=1e-12)
    assert kitagawa(before, now) == pytest.approx(-parts, abs=1e-12)
    assert np.abs(kitagawa(3 * before, before)).max() < 1e-12 if before[:, 0].sum() else True


def test_a_known_change_of_the_mix_is_found_and_no_other():
    rng = np.random.default_rng(5)
    before = cells("2026-09-07", rng, share=(1.0, 0.4))
    now = cells("2026-10-05", rng, share=(0.4, 1.0))
    parts = change_sources(now, before, fully_open=WHOLE).set_index("part")
    truth = 0.6 * (0.3 - 0.1) * (1.0 - 0.4) / 1.4
    assert parts.loc["mix", "lower"] < truth < parts.loc["mix", "upper"]
    assert parts.loc["mix", "lower"] > 0
    assert parts.loc["left_queue", "lower"] < 0 < parts.loc["left_queue", "upper"]
    assert parts.loc["left_before", ["contribution"]].tolist() == [0]


def test_a_queue_whose_own_share_rose_is_named_and_the_other_is_not():
    rng = np.random.default_rng(6)
    before, now = cells("2026-09-07", rng), cells("2026-10-05", rng, lost=(0.1, 0.45))
    table = queue_sources(now, before, fully_open=WHOLE).set_index("queue")
    assert table.index[0] == "b"
    assert table.loc["b", "p_corrected"] < 0.05 < table.loc["a", "p_corrected"]
    assert table.loc["b", "difference_lower"] < 0.15 < table.loc["b", "difference_upper"]
    queued = now[now["queued"] & (now["queue"] == "b")]
    assert table.loc["b", "share_left_of_queued"] == pytest.approx(
        queued.loc[queued["outcome"] == "abandoned", "contacts"].sum() / queued["contacts"].sum()
    )


def test_intervals_hold_the_truth_where_days_are_good_or_bad():
    """Nothing changed but the luck of the days: of 30 months nearly all 95 % intervals of a part hold 0."""
    rng = np.random.default_rng(7)
    inside = []
    for _ in range(30):
        parts = change_sources(
            cells("2026-10-05", rng, size=60, good=0.5), cells("2026-09-07", rng, size=60, good=0.5), fully_open=WHOLE
        ).set_index("part")
        inside.append(parts.loc["left_queue", "lower"] < 0 < parts.loc["left_queue", "upper"])
    assert sum(inside) >= 26


def test_the_complex_step_is_what_a_little_more_of_a_day_moves():
    rng = np.random.default_rng(8)
    before, now, day = (sums(rng.integers(1, 30, (6, 4))) for _ in range(3))
    moved = (kitagawa(now + 1e-6 * day, before) - kitagawa(now - 1e-6 * day, before)) / 2e-6
    assert kitagawa(now + 1e-30j * day, before).imag / 1e-30 == pytest.approx(moved, rel=1e-6, abs=1e-9)


def test_few_days_have_parts_and_no_interval_and_other_weekdays_are_refused():
    rng = np.random.default_rng(9)
    before, now = cells("2026-09-07", rng), cells("2026-10-05", rng)
    short = now[now["day"] < "2026-10-08"]
    parts = change_sources(short, before)
    assert parts["contribution"].notna().all()
    assert parts["lower"].isna().all()
    with pytest.raises(ValueError, match="weekdays of both"):
        change_sources(now[now["weekday"] == 1], before[before["weekday"] == 2])


@pytest.mark.parametrize("seed", range(3))
def test_the_parts_of_a_log_add_up_to_the_change_of_its_headline(seed):
    rng = np.random.default_rng(seed)
    n = 600
    frame = pd.DataFrame({
        "opened_at": pd.Timestamp("2026-09-01") + pd.to_timedelta(rng.integers(0, 61 * 86_400, n), unit="s"),
        "wait_s": rng.exponential(60, n).round(), "queued": rng.random(n) < 0.7, "queue": rng.choice(["a", "b", None], n),
        "outcome": rng.choice(["abandoned", "answered", "open", "deflected"], n), "channel": "phone",
    })  # fmt: skip
    month = load(frame).period("2026-10")
    moved = change_table(
        headline_table(month, channel="phone"), headline_table(month.previous, channel="phone")
    ).set_index("name")["difference"]
    parts = change_sources(month.cells, month.previous.cells, fully_open=WHOLE)
    assert parts["contribution"].sum() == pytest.approx(moved["lost_share"], abs=1e-12)
    queues = queue_sources(month.cells, month.previous.cells, fully_open=WHOLE)
    assert queues["contribution"].sum() == pytest.approx(moved["abandonment_share"], abs=1e-12)
    assert queues.attrs["total"] == pytest.approx(moved["abandonment_share"], abs=1e-12)


def test_in_the_banks_february_prospective_customers_carry_the_rise(shared):
    """34.2 to 43.3 % of them gave up; of all other queues 14.4 to 14.8 %."""
    mine = load(shared / "data" / "anonymous-bank").period("1999-02").only(channel="phone")
    table = queue_sources(mine.cells, mine.previous.cells, fully_open=(7, 1, 2, 3, 4)).set_index("queue")
    first = table.iloc[0]
    assert first.name == "Prospective customers (NW)"
    assert [round(first["previous"], 3), round(first["share_left_of_queued"], 3)] == [0.342, 0.433]
    assert first["p_corrected"] < 0.05
    assert first["contribution_lower"] > 0.01
    assert (table["p_corrected"].iloc[1:] > 0.05).all()
    assert first["contribution"] / table.attrs["total"] > 0.8
