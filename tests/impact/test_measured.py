"""What data of one's own say: counts of cascades beside the register, and talk on a network small enough to know."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from cxresearch import impact, spread

REGISTER = impact.load_assumptions()
VALUES = impact.assumption_values(REGISTER)


@pytest.mark.parametrize(
    ("column", "rows", "mean"),
    [
        ("chain_size", [1, 1, 3, 5], 6 / 10),  # 6 retellings by 10 tellers
        ("cascade", ["a", "b", "c", "c", "c", "d", "d", "d", "d", "d"], 6 / 10),
        ("retellings", [0, 0, 1, 3], 1.0),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_counts_of_ones_own_are_fitted_beside_the_register(tmp_path, column, rows, mean, ending):
    path = tmp_path / f"mine.{ending}"
    table = pd.DataFrame({"when": 1, column: rows})
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    found = impact.measured_retellings(REGISTER, spread.load_cascades(path)).set_index("name")
    assert found.index.tolist() == ["retellings_social", "dispersion_social"]
    row = found.loc["retellings_social"]
    assert row["estimate"] == pytest.approx(mean)
    assert row["lower"] < mean < row["upper"]
    assert (row["assumed"], row["low"], row["high"]) == (0.3, 0.05, 0.7)
    assert found.attrs["observations"] == 4


def test_no_file_is_no_rows_and_a_wrong_one_is_refused(tmp_path):
    assert impact.measured_retellings(REGISTER, spread.load_cascades("")).empty
    with pytest.raises(ValueError, match="are not there"):
        spread.load_cascades("nowhere.csv")
    pd.DataFrame({"size": [1]}).to_csv(tmp_path / "mine.csv", index=False)
    with pytest.raises(ValueError, match=r"none of the columns chain_size, cascade, retellings; there are \['size'\]"):
        spread.load_cascades(tmp_path / "mine.csv")


def test_the_register_quotes_what_the_public_cascades_give(shared):
    counts = spread.load_cascades(shared / "data/auspol-retweets/retweet_cascades.parquet")
    found = impact.measured_retellings(REGISTER, counts).set_index("name")
    assert len(counts) == 3333
    assert found["estimate"].round(2).tolist() == [0.68, 6.09]


def test_a_promise_kept_and_a_promise_on_average_by_hand():
    values = VALUES | {"promised_h": 2.0, "complaint_hazard_before_per_h": 0.01, "complaint_hazard_after_per_h": 0.2}
    fixed, random = impact.promise_table(values).set_index("reply")["complaint_share"]
    assert fixed == pytest.approx(1 - math.exp(-0.02))
    late = math.exp(-0.51 * 2)  # neither answered nor complained by the promise
    assert random == pytest.approx(0.01 / 0.51 * (1 - late) + late * 0.2 / 0.7)


def test_the_loudest_values_are_the_worst_ends_of_social_talk():
    loud = impact.loudest_values(REGISTER)
    changed = {name for name in VALUES if loud[name] != VALUES[name]}
    assert changed == {"retellings_social", "dispersion_social"}
    assert (loud["retellings_social"], loud["dispersion_social"]) == (0.7, 0.02)
