"""The register: complete, traceable, never invented, enforced at loading, and really used by notebook 01."""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import shutil
import warnings
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from cxresearch import evidence, exhibits
from cxresearch.evidence import EvidenceError, load_claims, load_evidence

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "01-what-the-surveys-say.ipynb"
EXHIBITS = Path(__file__).resolve().parents[2] / "cxresearch" / "exhibits"
VERDICTS = {"reproduced", "corrected", "conflicting", "bounded", "untraceable"}


@pytest.fixture(scope="module")
def claims() -> pd.DataFrame:
    return load_claims()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A data folder of its own, to break."""
    for part in ("evidence", "dictionary"):
        shutil.copytree(evidence.DATA / part, tmp_path / part)
    return tmp_path


def rewrite(folder: Path, name: str, change) -> None:
    path = folder / "evidence" / f"{name}.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    change(table).to_csv(path, index=False)


# ---------------------------------------------------------------- complete


def test_every_claim_has_a_verdict_and_a_reason(claims):
    assert len(claims) == 107
    assert claims["kind"].value_counts().to_dict() == {"mechanism": 64, "numeric": 43}
    assert set(claims["verdict"]) == VERDICTS
    assert claims["reason"].str.split().str.len().min() >= 4
    assert (claims["used_in"] != "").all()


def test_table_sizes():
    assert {name: len(load_evidence(name)) for name in ("waves", "calibration", "documents")} == {
        "waves": 87,
        "calibration": 39,
        "documents": 5,
    }


def test_every_mechanism_says_what_carries_it_or_why_nothing_can(claims):
    carried = claims.loc[claims["kind"] == "mechanism", "carried_by"]
    nothing = carried.str.startswith("nothing")
    assert carried[nothing].str.contains(":").all()
    named = carried[~nothing].str.contains(
        r"notebooks? 0[1-5]|column|queueing\.|patience\.|kernel|model|in a log", regex=True
    )
    assert named.all(), carried[~nothing][~named].tolist()


def test_model_functions_that_carry_a_mechanism_are_those_of_the_design(claims):
    designed = {
        ("patience", "broken_promise"),
        ("patience", "promise_elasticity"),
        ("queueing", "agents_needed"),
        ("queueing", "queue_measures"),
        ("spread", "chain_size_distribution"),
        ("spread", "probability_extinct"),
    }
    pattern = r"\b(patience|queueing|spread)\.(\w+)"
    assert {call for text in claims["carried_by"] for call in re.findall(pattern, text)} == designed
    for module, function in designed - {call for call in designed if call[0] == "patience"}:
        assert callable(getattr(importlib.import_module(f"cxresearch.{module}"), function))


def test_bases_claims_and_sections_that_are_named_exist(claims):
    bases = set(load_evidence("bases")["base"])
    for name in ("claims", "waves", "items"):
        assert set(load_evidence(name)["base"]) <= bases
    assert set(load_evidence("bases")["part_of"]) - {""} <= bases
    assert set(load_evidence("waves")["n_counts"]) - {""} <= bases
    ids, findings = set(claims["claim_id"]), set(load_evidence("calibration")["calibration_id"])
    for name, column in (("corrections", "claims"), ("conflicts", "claims"), ("calibration", "bears_on")):
        assert {claim for text in load_evidence(name)[column] for claim in text.split()} <= ids
    assert set(load_evidence("items")["parent"]) <= ids | findings
    assert set(load_evidence("expectations")["calibration_id"]) <= findings
    assert set(claims["source_file"]) == set(load_evidence("documents")["source_file"])


def test_conflicts_and_corrections_reach_the_claims(claims):
    verdict = claims.set_index("claim_id")["verdict"]
    corrected = {claim for text in load_evidence("corrections")["claims"] for claim in text.split()}
    open_claims = {claim for text in load_evidence("conflicts")["claims"] for claim in text.split()}
    assert set(verdict[verdict == "corrected"].index) <= corrected | open_claims
    touched = corrected | open_claims
    beside = set(evidence.counter_evidence(claims, evidence.load_calibration())["claim_id"])
    assert set(verdict[verdict == "conflicting"].index) <= touched | beside


# ---------------------------------------------------------------- against the sources


def test_each_locator_is_found_in_its_document(claims, shared):
    for row in claims.itertuples():
        text = (shared / "sources" / row.source_file).read_text(encoding="utf-8")
        assert row.locator in text, row.claim_id
        assert len(row.locator.split()) <= 8, f"{row.claim_id}: a locator is a few words, not a quotation"


def test_numbers_are_those_that_were_traced_and_no_n_is_invented(claims, shared):
    traced = pd.read_csv(shared / "evidence" / "claims.csv", dtype=str, keep_default_na=False).set_index("claim_id")
    assert claims["claim_id"].tolist() == traced.index.tolist()
    for row in claims.itertuples():
        number = traced.loc[row.claim_id, "n"]
        assert (str(row.n) if not pd.isna(row.n) else "") == (number if number.isdigit() else ""), row.claim_id
        value = traced.loc[row.claim_id, "value"]
        if re.fullmatch(r"[\d.]+", value):
            factor = 100 if row.unit in ("share", "relative_change") else 1
            assert factor * row.value == pytest.approx(float(value)), row.claim_id
    for column in ("source_file", "status", "url", "metric"):
        assert claims[column].tolist() == traced[column].tolist()


def test_waves_and_findings_are_those_that_were_traced(shared):
    traced = pd.read_csv(shared / "evidence" / "waves.csv", dtype=str, keep_default_na=False)
    waves = evidence.load_waves()
    factor = np.where(waves["unit"] == "share", 100, 1)
    np.testing.assert_allclose(waves["value"] * factor, traced["value"].str.lstrip(">").astype(float), rtol=1e-12)
    assert waves["wave_year"].tolist() == traced["wave_year"].astype(int).tolist()
    assert set(waves["n"].dropna()) == {1859, 2790, 2420, 2469, 410}
    assert waves["n"].isna().tolist() == (~(traced["n"].str.isdigit())).tolist()
    findings = pd.read_csv(shared / "evidence" / "calibration.csv", dtype=str, keep_default_na=False)
    assert evidence.load_calibration()["calibration_id"].tolist() == findings["id"].tolist()


# ---------------------------------------------------------------- enforced


def test_loading_refuses_what_the_dictionary_refuses(copy):
    def broken(table):
        table.loc[0, "verdict"] = "probably"
        table.loc[[1, 2], "value"] = ["87", "many"]
        table.loc[3, "claim_id"] = table.loc[4, "claim_id"]
        return table

    rewrite(copy, "claims", broken)
    with pytest.raises(EvidenceError) as refused:
        load_claims(copy)
    told = str(refused.value)
    assert "verdict is none of" in told
    assert "1 of 107 rows, first 'C000-01'" in told
    assert "value is no number in 1 of 107 rows, first 'C000-03'" in told
    assert "claim_id repeats" in told
    assert "a share is not 0 to 1" in told


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("n", "1003.5", "no whole number"),
        ("n", "0", "below 1"),
        ("locator", "", "locator is empty"),
        ("used_in", "register elsewhere", "has words that are none of"),
        ("value", "", "a numeric claim lacks value"),
    ],
)
def test_single_faults_are_named(copy, column, value, told):
    def broken(table):
        table.loc[table["claim_id"] == "C003-01", column] = value
        return table

    rewrite(copy, "claims", broken)
    with pytest.raises(EvidenceError, match=told):
        load_claims(copy)


def test_a_mechanism_without_carrier_a_lost_column_and_a_lost_file_are_refused(copy):
    rewrite(copy, "claims", lambda t: t.assign(carried_by=t["carried_by"].where(t["claim_id"] != "C004-12", "")))
    with pytest.raises(EvidenceError, match="what carries it"):
        load_claims(copy)
    rewrite(copy, "claims", lambda t: t.drop(columns="n"))
    with pytest.raises(EvidenceError, match=r"differ in \['n'\]"):
        load_claims(copy)
    (copy / "evidence" / "claims.csv").unlink()
    with pytest.raises(EvidenceError, match="is not there"):
        load_claims(copy)
    with pytest.raises(EvidenceError, match="no table of evidence"):
        load_evidence("rumours")


def test_pandera_accepts_what_the_dictionary_says():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandera.pandas as pa

        for name in evidence.TABLES:
            dictionary = pd.read_csv(evidence.DATA / "dictionary" / f"{name}.csv", dtype=str, keep_default_na=False)
            columns = {}
            for rule in dictionary.to_dict("records"):
                options = rule["allowed"].split()
                checks = [pa.Check.isin(["", *options])] if options and rule["type"] == "text" else []
                checks += [pa.Check.ge(float(rule["minimum"]))] if rule["minimum"] else []
                checks += [pa.Check.le(float(rule["maximum"]))] if rule["maximum"] else []
                kind = {"number": "float64", "whole": "Int64"}.get(rule["type"], "str")
                unique = rule["unique"] == "yes"
                columns[rule["column"]] = pa.Column(kind, checks, nullable=rule["required"] != "yes", unique=unique)
            pa.DataFrameSchema(columns, strict=True).validate(load_evidence(name), lazy=True)


# ---------------------------------------------------------------- reading it


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"value": 0.87, "unit": "share"}, "87 %"),
        ({"value": 0.217, "unit": "share", "rounding": 0.0005}, "21.7 %"),
        ({"value": 0.1, "unit": "share", "second": 0.2, "how": "to"}, "10 to 20 %"),
        ({"value": 0.15, "unit": "share_points", "second": 0.07, "how": "to", "rounding": 0.01}, "7 to 15 points"),
        ({"value": 0.5, "unit": "share", "second": 0.35, "how": "against"}, "50 % against 35 %"),
        ({"value": 15, "unit": "min", "how": "<", "rounding": 0}, "under 15 min"),
        ({"value": 1003, "unit": "count", "rounding": 0}, "1,003"),
        ({"value": 2017, "unit": "year", "rounding": 0}, "2017"),
        ({"value": 47.6, "unit": "USD_bn", "rounding": 0.05}, "47.6 bn USD"),
        ({"value": float("nan"), "unit": "share"}, "no number"),
    ],
)
def test_numbers_read_as_they_were_printed(arguments, text):
    assert evidence.value_text(**arguments) == text


def test_the_register_lists_every_claim_once(claims):
    table = evidence.register_table(claims, load_evidence("bases"))
    assert table["claim"].str.split(".").str[0].tolist() == claims["claim_id"].tolist()
    known = claims["n"].notna().to_numpy()
    assert (table["n"][known] == claims["n"][known].map("{:,}".format)).all()
    assert set(table["n"][~known]) == {"not known", ""}


def test_printed_numbers_carry_their_rounding():
    numbers = evidence.printed_numbers()
    assert numbers.index.is_unique
    assert numbers.loc["us08_problem_rate", ["lower", "printed", "upper"]].tolist() == pytest.approx(
        [0.865, 0.87, 0.875]
    )
    assert numbers.loc["C002_08", ["lower", "upper"]].tolist() == pytest.approx([0.10, 0.20])
    assert (numbers["lower"] <= numbers["printed"]).all()
    assert (numbers["printed"] <= numbers["upper"]).all()


def test_printed_numbers_carry_what_tracing_their_claim_came_to(claims):
    numbers = evidence.printed_numbers()
    verdicts = claims.set_index("claim_id")["verdict"]
    assert numbers.loc["C002_12", "verdict"] == "untraceable"
    assert numbers.loc["poor_boycott", "verdict"] == verdicts["C003-14"]  # the claim it belongs to
    assert numbers.loc["us08_problem_rate", ["metric", "verdict"]].tolist() == ["problem_rate", ""]
    assert set(evidence.SUPPORTED) < set(verdicts)


def test_contradiction_stands_first_beside_its_claim(claims):
    beside = evidence.counter_evidence(claims, evidence.load_calibration())
    chat = beside[beside["claim_id"] == "C002-05"]
    assert set(chat["calibration_id"]) == {"X20", "X21"}
    assert set(chat["stance"]) == {"contradicts"}
    assert "X21" in set(beside.loc[beside["claim_id"] == "C002-04", "calibration_id"])
    assert set(beside["calibration_id"]) == set(evidence.load_calibration()["calibration_id"])
    rank = beside["stance"].map({"contradicts": 0, "qualifies": 1, "supports": 2, "calibrates": 3})
    assert rank.groupby(beside["claim_id"]).is_monotonic_increasing.all()


# ---------------------------------------------------------------- notebook 01


@pytest.fixture(scope="module")
def cells() -> list:
    return nbformat.read(NOTEBOOK, 4).cells


def test_every_section_that_the_register_names_is_in_the_notebook(claims, cells):
    tagged = {
        tag.removeprefix("section-") for cell in cells for tag in cell.metadata.get("tags", []) if "section-" in tag
    }
    named = {word for text in [*claims["used_in"], *evidence.load_calibration()["used_in"]] for word in text.split()}
    assert named == tagged


def products(source: str) -> set[str]:
    """Every product in ``source``, and every ``operator.mul``."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)) or (
            isinstance(node, ast.Attribute) and node.attr in ("mul", "prod", "cumprod")
        ):
            found.add(ast.unparse(node))
    return found


def test_shares_are_multiplied_only_as_shares(cells):
    """The notebook multiplies nothing; its exhibits multiply Shares, which refuse a chain with a link missing."""
    assert not set().union(*(products(cell.source) for cell in cells if cell.cell_type == "code"))
    allowed = {
        "surveys": {"100 * confidence"},
        "published_shares": {"operator.mul", "in_public[end] * _share(printed, 'tell', end)"},
        "surveys_compared": {"asked * ever", "60 * target['C002-04']", "factor * immediate_s"},
        "own_survey": set(),
    }
    for name, few in allowed.items():
        assert products((EXHIBITS / f"{name}.py").read_text(encoding="utf-8")) == few, name
    # What those two products are of.
    chained = exhibits.chained_shares(evidence.printed_numbers().assign(printed=0.5, lower=0.5, upper=0.5))
    assert set(chained.table["estimate"]) == {0.5, 0.25, 0.125}


def test_the_notebook_is_stripped_and_its_cells_are_short(cells):
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert max(len(cell.source.splitlines()) for cell in code) <= 10
    assert next(c for c in code if "parameters" in c.metadata.get("tags", [])) is code[0]


def test_the_notebook_argues_in_prose_and_every_cell_ends_with_an_exhibit(cells):
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert len(cells) - len(code) >= len(code)
    assert np.median([len(cell.source.splitlines()) for cell in code]) <= 2
    for before, cell in itertools.pairwise(cells):
        if cell.cell_type == "code" and cell.id not in ("parameters", "imports"):
            assert before.cell_type == "markdown", cell.source
            assert ast.unparse(ast.parse(cell.source).body[-1]).startswith("exhibits."), cell.source


def test_the_notebook_shows_every_exhibit_of_the_surveys_once(cells):
    shown = [
        name for cell in cells if cell.cell_type == "code" and "exhibits.main_findings(" not in cell.source
        for name in re.findall(r"exhibits\.(\w+)\(", cell.source)
    ]  # fmt: skip
    face = (EXHIBITS / "__init__.pyi").read_text(encoding="utf-8")
    given = re.findall(r"from \.(?:surveys|published_shares|surveys_compared|own_survey) import (\w+)", face)
    assert sorted(shown) == sorted(given)
