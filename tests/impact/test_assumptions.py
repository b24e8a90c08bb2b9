"""The register of assumptions: checked at loading, equal to the evidence where it quotes, and the only place of numbers."""

from __future__ import annotations

import ast
import re

import pandas as pd
import pytest

from cxresearch import evidence
from cxresearch.evidence import shares
from cxresearch.impact import DECISION, AssumptionError, assumption_values, load_assumptions

REGISTER = load_assumptions()
QUOTED = REGISTER[REGISTER["kind"] == "quoted"]
MODEL = ("complaint", "kinds_of_talk", "wait_to_money")
UNKNOWN_N = 500  # as the dictionary says of the interval of a share whose n nobody published
SHARERS = 0.84  # us08_shared_experience: from all with a problem to those who tell


def source_of(row):
    return row["source"].partition(";")[0]


@pytest.mark.parametrize("row", QUOTED.to_dict("records"), ids=QUOTED["name"])
def test_a_quoted_value_is_the_one_in_the_evidence(row):
    tables = [
        evidence.load_claims().rename(columns={"claim_id": "id"}),
        evidence.load_waves().rename(columns={"wave_id": "id"}),
        evidence.load_evidence("items").rename(columns={"item_id": "id"}),
    ]
    found = pd.concat([table[["id", "value", "unit", "n"]] for table in tables]).set_index("id").loc[source_of(row)]
    assert (row["value"], row["unit"]) == (found["value"], found["unit"])
    if row["unit"] == "share":
        n = UNKNOWN_N if pd.isna(found["n"]) else int(found["n"])
        interval = shares.share_interval(found["value"], n)
        if ";" in row["source"]:  # what else widens the range is named there
            assert row["low"] <= interval[0] + 0.0005
            assert row["high"] >= interval[1] - 0.0005
        else:
            assert (row["low"], row["high"]) == pytest.approx(interval, abs=0.0005)


def test_a_range_holds_every_wave_and_survey_of_the_same():
    """By metric and base; and by hand where another wave counts all with a problem, of whom 84 % tell, or is of another survey."""
    printed, rows = evidence.printed_numbers(), REGISTER.set_index("name")
    for row in QUOTED.to_dict("records"):
        own = printed.loc[source_of(row).replace("-", "_")]
        same = printed[(printed["metric"] == own["metric"]) & (printed["base"] == own["base"]) & (own["metric"] != "")]
        assert same["printed"].between(row["low"], row["high"]).all(), row["name"]
    for name, others in {
        "share_company_site": ["us08_complain_on_company_site_of_problem_havers", "us09_complain_on_company_site",
                               "uk08_complain_on_company_site", "uk09_complain_on_company_site"],
        "share_social": ["us08_blog_or_social_of_problem_havers", "us09_blog_or_social", "uk08_blog_or_social",
                         "uk09_blog_or_social"],
    }.items():  # fmt: skip
        told = printed.loc[others, "printed"] / SHARERS
        assert told.between(rows.loc[name, "low"], rows.loc[name, "high"]).all(), name
    for name, others in {
        "share_review_site": ["us08_review_site", "us08_rating_or_review_site"],
        "answered_share": ["reply_rate_2012", "reply_rate_2013", "reply_rate_2015", "reply_rate_2017", "reply_rate_retail"],
        "unhelpful_share": ["us08_callcentre_unresolved", "us07_callcentre_unresolved"],
    }.items():  # fmt: skip
        assert printed.loc[others, "printed"].between(rows.loc[name, "low"], rows.loc[name, "high"]).all(), name
    uk = 1 - printed.loc["uk07_callcentre_resolved", "printed"]
    assert rows.loc["unhelpful_share", "low"] < uk < rows.loc["unhelpful_share", "high"]
    assert rows.loc["share_telling", "low"] == pytest.approx(shares.share_interval(0.56, 1000)[0], abs=0.0005)  # X28


def test_no_number_is_quoted_whose_claim_does_not_hold_or_is_said_of_others():
    kinds = REGISTER.set_index("name")["kind"]
    for name in ("promised_h", "share_review_site", "unhelpful_share", "answered_share", "contained_share"):
        assert kinds[name] == "assumed", name
    verdicts = evidence.load_claims().set_index("claim_id")["verdict"]
    claims = [source_of(row) for row in QUOTED.to_dict("records") if source_of(row) in verdicts.index]
    assert set(verdicts[claims]) <= set(evidence.SUPPORTED)


def test_what_actions_rest_on_is_a_part_of_its_own():
    part = load_assumptions(part=DECISION)
    assert part["name"].tolist() == REGISTER.loc[REGISTER["part"] == DECISION, "name"].tolist()
    assert set(part["kind"]) == {"assumed"}
    # Where an action is drawn from its range evenly, the value is the middle.
    drawn = part[part["name"].isin(["reached_share", "dial_s", "redial_share_1h", "contained_share"])]
    assert drawn["value"].to_numpy() == pytest.approx(((drawn["low"] + drawn["high"]) / 2).to_numpy())
    with pytest.raises(AssumptionError, match="no rows"):
        load_assumptions(part="none")


def test_the_sources_that_are_named_exist():
    known = set(evidence.load_calibration()["calibration_id"]) | set(evidence.load_claims()["claim_id"])
    known |= {name for name in evidence.printed_numbers().index if "_" in name}
    for text in REGISTER["source"]:
        for name in re.findall(r"\b(?:X\d\d|C00\d-\d\d|(?:poor|ignored|ever)_\w+)", text):
            assert name in known, name


def test_every_number_says_how_it_could_be_measured_and_every_assumed_one_has_a_range():
    assert (REGISTER["how_to_measure"].str.len() > 25).all()
    assumed = REGISTER[REGISTER["kind"] == "assumed"]
    assert (assumed["low"] < assumed["high"]).all()


@pytest.mark.parametrize("name", MODEL)
def test_no_other_number_stands_in_the_model(root, name):
    """Only 0, 1 and -1, which are structure, the seconds of an hour and a day, and lengths of a slice of words."""
    tree = ast.parse((root / "cxresearch" / "impact" / f"{name}.py").read_text(encoding="utf-8"))
    numbers = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and type(n.value) in (int, float)}
    assert numbers <= {-2, 0, 1, 2, 3_600.0, 86_400.0}, sorted(numbers)
    # 2 and -2 only as places of axes: never in arithmetic.
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp):
            sides = [side.value for side in (node.left, node.right) if isinstance(side, ast.Constant)]
            assert 2 not in sides


def test_values_can_be_changed_by_name_only():
    values = assumption_values(REGISTER, customer_value=120)
    assert values["customer_value"] == 120.0
    assert values["share_telling"] == 0.84
    with pytest.raises(AssumptionError, match="did you mean 'customer_value'"):
        assumption_values(REGISTER, customer_valu=1)
    with pytest.raises(AssumptionError, match="should be a number"):
        assumption_values(REGISTER, customer_value=True)
    with pytest.raises(AssumptionError, match="should be a number"):
        assumption_values(REGISTER, customer_value=float("nan"))


@pytest.mark.parametrize(
    ("name", "column", "value", "says"),
    [
        ("share_telling", "value", "0.85", "quoted as 0.85 share, but us08_shared_experience has 0.84"),
        ("share_telling", "source", "C009-99", "no claim, wave, item"),
        ("promised_h", "kind", ["quoted", "C002-12"], "from C002-12, which is untraceable: call it assumed"),
        ("share_review_site", "kind", ["quoted", "C000-12"], "from C000-12, which is conflicting: call it assumed"),
        (
            "unhelpful_share",
            "kind",
            ["quoted", "C000-04"],
            "said of contacted_callcentre, not of whom the model says it",
        ),
        ("share_telling", "source", "us08_problem_rate", "said of online_transactors, not of whom the model says it"),
        ("share_telling", "value", "84", "a share is not 0 to 1"),
        ("customer_value", "value", "5000", "outside low to high"),
        ("customer_value", "low", "nan", "no finite number"),
        ("customer_value", "value", "lots", "no finite number"),
        ("customer_value", "low", "-1", "below 0"),
        ("customer_value", "kind", "measured", "kind is none of"),
        ("customer_value", "source", "", "source is empty"),
        ("customer_value", "name", "share_telling", "name repeats"),
        ("customer_value", "name", "customer value", "no identifier"),
    ],
)
def test_a_broken_row_is_refused_with_what_is_wrong(tmp_path, name, column, value, says):
    table = pd.read_csv(evidence.DATA / "assumptions.csv", dtype=str, keep_default_na=False)
    columns = column if isinstance(value, str) else [column, "source"]
    table.loc[table["name"] == name, columns] = value
    path = tmp_path / "mine.csv"
    table.to_csv(path, index=False)
    with pytest.raises(AssumptionError, match=re.escape(says)):
        load_assumptions(path)


def test_a_register_of_ones_own_is_read_and_a_wrong_shape_refused(tmp_path):
    path = tmp_path / "mine.csv"
    table = pd.read_csv(evidence.DATA / "assumptions.csv", dtype=str, keep_default_na=False)
    table.loc[table["name"] == "customer_value", ["value", "kind"]] = ["250", "assumed"]
    table.to_csv(path, index=False)
    assert assumption_values(load_assumptions(path))["customer_value"] == 250
    table.drop(columns="unit").to_csv(path, index=False)
    with pytest.raises(AssumptionError, match=r"differ in .*'unit'"):
        load_assumptions(path)
    table.head(0).to_csv(path, index=False)
    with pytest.raises(AssumptionError, match="no rows"):
        load_assumptions(path)
    with pytest.raises(AssumptionError, match="is not there"):
        load_assumptions(tmp_path / "none.csv")
