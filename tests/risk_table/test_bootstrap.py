"""The bootstrap of counts: what it must agree with, and what its clusters are."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from cxresearch.contacts import load_contacts
from cxresearch.patience import patience_at
from cxresearch.risk_table import customer_blocks, poisson_bootstrap, risk_table
from cxresearch.survival import kaplan_meier


def share_left(table: pd.DataFrame) -> pd.DataFrame:
    left = table.loc[table["outcome"] == "abandoned", "contacts"].sum()
    return pd.DataFrame({"estimate": [left / table["contacts"].sum()]})


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


COUNTS = pd.DataFrame({"duration_s": 1.0, "outcome": ["abandoned", "answered"], "contacts": [300, 700]})


def test_the_share_of_a_table_gets_its_binomial_standard_error():
    row = poisson_bootstrap(COUNTS, share_left, replicates=1000, rng=rng()).iloc[0]
    assert row["estimate"] == 0.3
    assert row["se"] == pytest.approx((0.3 * 0.7 / 1000) ** 0.5, rel=0.07)
    assert row["lower"] == pytest.approx(0.3 - 1.96 * row["se"], abs=0.003)
    assert row["replicates"] == 1000


def test_a_curve_gets_greenwoods_standard_error():
    draw = rng()
    patience, offered = np.ceil(draw.exponential(60, 3000)), np.ceil(draw.exponential(90, 3000))
    rows = pd.DataFrame({"duration_s": np.minimum(patience, offered),
                         "outcome": np.where(patience <= offered, "abandoned", "answered")})  # fmt: skip
    table = rows.groupby(["duration_s", "outcome"], as_index=False).size().rename(columns={"size": "contacts"})
    found = poisson_bootstrap(
        table, lambda t: patience_at(t, [30, 60]).rename(columns={"survival": "estimate"}), by="duration_s",
        replicates=200, rng=rng(),
    )  # fmt: skip
    greenwood = kaplan_meier(table).set_index("duration_s").loc[[30.0, 60.0], "se"]
    assert found["se"].to_numpy() == pytest.approx(greenwood.to_numpy(), rel=0.15)


def test_contacts_that_come_in_fours_have_twice_the_standard_error():
    outcome = np.where(np.arange(250) < 75, "abandoned", "answered")
    clusters = pd.DataFrame({"customer": np.arange(250), "outcome": outcome, "contacts": 4})
    alone = poisson_bootstrap(clusters, share_left, replicates=600, rng=rng()).iloc[0]
    together = poisson_bootstrap(clusters, share_left, cluster="customer", replicates=600, rng=rng()).iloc[0]
    assert together["se"] / alone["se"] == pytest.approx(2.0, rel=0.1)
    assert together["estimate"] == alone["estimate"] == 0.3


def test_contacts_without_a_cluster_are_drawn_one_by_one():
    unknown = COUNTS.assign(customer=None)
    found = poisson_bootstrap(unknown, share_left, cluster="customer", replicates=100, rng=rng()).iloc[0]
    pd.testing.assert_series_equal(found, poisson_bootstrap(COUNTS, share_left, replicates=100, rng=rng()).iloc[0])


def test_the_statistic_sees_the_sum_over_the_clusters_and_the_clock():
    table = COUNTS.assign(day=1)
    table.attrs["tick_s"] = 2.0
    table = pd.concat([table, COUNTS.assign(day=2)])
    table.attrs["tick_s"] = 2.0
    seen = []

    def look(drawn: pd.DataFrame) -> pd.DataFrame:
        seen.append(drawn)
        return share_left(drawn)

    poisson_bootstrap(table, look, cluster="day", replicates=5, rng=rng(3))
    assert seen[0]["contacts"].tolist() == [600, 1400]
    assert "day" not in seen[0]
    assert all(drawn.attrs["tick_s"] == 2.0 for drawn in seen)
    assert all(set(drawn["contacts"] % 100) == {0} for drawn in seen), "days are drawn as wholes"


def test_a_statistic_that_often_has_no_value_gets_no_interval():
    def half(table: pd.DataFrame) -> pd.DataFrame:
        share = share_left(table)
        return share.where(share["estimate"] > 0.3)

    row = poisson_bootstrap(COUNTS, half, replicates=200, rng=rng()).iloc[0]
    assert 50 < row["replicates"] < 150
    assert row[["se", "lower", "upper"]].isna().all()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"cluster": "day"}, "no column day"),
        ({"replicates": 1}, "2 or more"),
        ({"by": "queue"}, "no column queue"),
        ({"statistic": lambda t: pd.DataFrame({"estimate": [1.0, 2.0]})}, "2 rows"),
        ({"statistic": lambda t: pd.DataFrame({"q": [1, 1], "estimate": [1.0, 2.0]}), "by": "q"}, "several rows"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, says):
    given = {"statistic": share_left, "replicates": 10, **arguments}
    with pytest.raises(ValueError, match=says):
        poisson_bootstrap(COUNTS, given.pop("statistic"), rng=rng(), **given)


def log() -> pd.DataFrame:
    draw = rng()
    return pd.DataFrame({"customer_key": [None if i % 10 == 0 else f"customer {i % 400}" for i in range(2000)],
                         "wait_s": np.ceil(draw.exponential(50, 2000)), "outcome": "answered"})  # fmt: skip


def test_all_contacts_of_a_customer_are_in_one_block():
    contacts = load_contacts(log()).contacts
    rows = customer_blocks(contacts).df()
    assert rows.groupby("customer_key")["block"].nunique().max() == 1
    assert 100 < rows["block"].nunique() <= 256
    assert rows.loc[rows["customer_key"].isna(), "block"].isna().all()
    table = risk_table(customer_blocks(contacts), by="block")
    assert table["contacts"].sum() == 2000
    assert table.loc[table["block"].isna(), "contacts"].sum() == 200


def test_blocks_are_the_same_on_every_engine():
    rows = load_contacts(log()).contacts.df()
    expected = customer_blocks(rows)["block"].tolist()
    assert customer_blocks(pl.from_pandas(rows))["block"].to_list() == [None if pd.isna(b) else b for b in expected]
    assert sorted(customer_blocks(duckdb.connect().from_df(rows)).df()["block"].dropna()) == sorted(
        b for b in expected if not pd.isna(b)
    )


def test_keys_that_are_no_hash_are_refused():
    with pytest.raises(ValueError, match="no hash in 1,800 rows"):
        customer_blocks(log())
    with pytest.raises(ValueError, match="no column customer_key"):
        customer_blocks(log().drop(columns="customer_key"))


def test_the_banks_customers_and_days_make_wider_intervals_than_single_calls(shared):
    contacts = load_contacts(shared / "data" / "anonymous-bank", start="1999-01-01", end="1999-02-01").contacts
    table = risk_table(customer_blocks(contacts), by=["block", "date"])

    def at_a_minute(waits: pd.DataFrame) -> pd.DataFrame:
        return patience_at(waits, [60.0])[["survival"]].rename(columns={"survival": "estimate"})

    se = {
        cluster: poisson_bootstrap(table, at_a_minute, cluster=cluster, replicates=150, rng=rng())["se"][0]
        for cluster in (None, "block", "date")
    }
    assert se["block"] > 1.3 * se[None]
    assert se["date"] > 1.8 * se[None]
