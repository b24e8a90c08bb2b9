"""The bank's months beside the published analysis: the quoted table is sound, and so is every verdict."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxresearch.contacts import load_contacts
from cxresearch.evidence import DATA
from cxresearch.patience import brown_comparison


@pytest.fixture(scope="module")
def months(shared) -> dict[str, pd.DataFrame]:
    folder, spans = shared / "data" / "anonymous-bank", {"January": ("01", "02"), "February": ("02", "03")}
    return {
        name: brown_comparison(
            load_contacts(folder, start=f"1999-{start}-01", end=f"1999-{end}-01").contacts,
            rng=np.random.default_rng(1),
            replicates=40,
        ).set_index("quantity")
        for name, (start, end) in spans.items()
    }


def test_the_quoted_table_is_what_its_dictionary_says():
    table = pd.read_csv(DATA / "evidence" / "brown2005.csv", dtype=str, keep_default_na=False)
    rules = pd.read_csv(DATA / "dictionary" / "brown2005.csv", dtype=str, keep_default_na=False).set_index("column")
    assert list(table.columns) == list(rules.index)
    assert table["quantity"].is_unique
    for column, rule in rules.iterrows():
        if rule["required"] == "yes":
            assert (table[column] != "").all(), column
        if rule["allowed"]:
            assert set(table[column]) <= set(rule["allowed"].split())
        if rule["type"] == "number":
            assert (pd.to_numeric(table[column].replace("", "0")) >= 0).all()
    assert set(table["source"]) == {"doi:10.1198/016214504000001808"}


def test_every_published_row_is_there_and_has_a_number(months):
    for found in months.values():
        assert len(found) == 17
        assert found["ours"].notna().all()
        inside = found["lower"].isna() | ((found["lower"] <= found["ours"]) & (found["ours"] <= found["upper"]))
        assert inside.all()
        assert ((found["why"] != "") == (found["verdict"] == "differs")).all()


def test_a_verdict_follows_from_its_numbers(months):
    for found in months.values():
        plain = found[(found["unit"] != "order") & found["lower"].notna()]
        highest = plain["upper_value"].fillna(plain["value"])
        apart = (plain["lower"] > highest + 5) | (plain["upper"] < plain["value"] - 5)  # more than any rounding
        assert (plain.loc[apart, "verdict"] == "differs").all()
        within = (plain["lower"] <= plain["value"]) & (plain["value"] <= plain["upper"])
        # Whatever holds the number agrees, unless it is so wide that it would have held almost any.
        wide = plain["upper"] - plain["lower"] >= np.where(plain.index.isin(["first_peak", "second_peak"]), 15, highest)
        assert (plain.loc[within & ~wide, "verdict"] == "agrees").all()
        assert (plain.loc[wide, "verdict"] != "agrees").all()


def test_what_agrees_and_what_does_not_in_both_months(months):
    for found in months.values():
        verdict = found["verdict"]
        assert (verdict[["ne_over_ps", "ps_over_nw", "first_peak", "index_ps", "index_ne"]] == "agrees").all()
        assert verdict["second_peak"] in ("agrees", "cannot tell"), "samples of one month leave half of its window open"
        assert (verdict[["mean_patience", "share_left_of_asked", "r_squared"]] == "differs").all()
        assert 8 <= found.loc["first_peak", "ours"] <= 15
        assert 55 <= found.loc["second_peak", "ours"] <= 60
    assert months["January"].loc["mean_patience", "ours"] == pytest.approx(376.08, abs=0.01)
    assert months["February"].loc["r_squared", "ours"] == pytest.approx(0.7075, abs=1e-4)


def test_a_log_without_a_type_of_call_says_so(shared):
    contacts = load_contacts(shared / "data" / "anonymous-bank", start="1999-01-01", end="1999-02-01").contacts.df()
    few = contacts[~contacts["queue"].str.contains("NE")]
    found = brown_comparison(few, rng=np.random.default_rng(1), replicates=2).set_index("quantity")
    assert (found.loc[["index_ne", "ne_over_ps"], "verdict"] == "not known").all()
    assert found.loc["ps_over_nw", "verdict"] != "not known"
