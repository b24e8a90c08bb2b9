"""A survey of your own alone: hand-worked shares, groups told apart only where they can be, odd surveys shown or refused."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from cxresearch import evidence, exhibits
from cxresearch.exhibits import HEADLINE, POINTS, TABLE
from cxresearch.survey import difference_table, group_differences, read_survey, share_table, weighted_share
from tests.exhibits.languages import english_left

mpl.use("Agg")


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def people(n: int, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "told": rng.integers(0, 2, n),
            "age": ["18-34", "35+"] * (n // 2) + ["35+"] * (n % 2),
            "w": rng.uniform(0.5, 2, n),
        }
    )


def all_of(survey, **design) -> list:
    claims, bases = evidence.load_claims(), evidence.load_evidence("bases")
    return [
        *exhibits.survey_account(survey, **design), *exhibits.survey_headlines(survey, **design), *exhibits.survey_shares(survey, **design),
        exhibits.survey_raked(survey, **design), exhibits.survey_groups(survey, **design),
        *exhibits.survey_beside_cited(survey, claims, bases, **design),
    ]  # fmt: skip


def bundles(shown) -> list[dict]:
    return [bundle for exhibit in shown for bundle in exhibit.bundles()]


def test_shares_headlines_and_points_worked_by_hand():
    rows = pd.DataFrame({"told": [1] * 30 + [0] * 10 + [np.nan] * 5, "age": ["18-34"] * 20 + ["35+"] * 25})
    survey = read_survey(rows)
    shares = exhibits.check_survey(survey)
    assert shares["item"].tolist() == ["told", "age: 18-34", "age: 35+"]
    assert shares["share"].tolist() == pytest.approx([0.75, 20 / 45, 25 / 45])
    assert shares["n"].tolist() == [40, 45, 45]
    ends = shares.loc[1, ["lower", "upper"]].astype(float).tolist()
    assert ends == pytest.approx(evidence.share_interval(20 / 45, 45)), "everybody was asked: Wilson's interval"
    shown = bundles(all_of(survey))
    headlines = [bundle[HEADLINE] for bundle in shown if HEADLINE in bundle]
    assert [h["name"] for h in headlines] == ["respondents", "told", "age_18_34", "age_35"]
    assert (headlines[0]["value"], headlines[1]["value"]) == (45, 0.75)
    (points,) = [bundle[POINTS]["points"] for bundle in shown if POINTS in bundle]
    assert points[0] == ["45 people answered.", "Of 45 rows read none was set aside."]
    assert points[1][0] == "told: yes: 75.0 %."


def test_weighting_to_everybody_worked_by_hand():
    # Of the young 8 of 10 told, of the others 6 of 30; among everybody half are young.
    rows = pd.DataFrame({"told": [1] * 8 + [0] * 2 + [1] * 6 + [0] * 24, "age": ["young"] * 10 + ["old"] * 30})
    survey = read_survey(rows, {"targets": {"age": {"young": 0.5, "old": 0.5}}, "items": {"told": "told"}})
    shown = exhibits.survey_raked(survey)
    assert shown.table["own_share"].tolist() == pytest.approx([14 / 40])
    assert shown.table["weighted_share"].tolist() == pytest.approx([0.5 * 0.8 + 0.5 * 0.2])
    assert "no share moves by more than 15.0 points" in shown.finding
    gone = exhibits.survey_raked(read_survey(rows.assign(age=rows["age"].where(rows.index != 3)), {
        "targets": {"age": {"young": 0.5, "old": 0.5}}, "items": {"told": "told"},
    }))  # fmt: skip
    assert "1 respondents who did not say are left out" in gone.says


def test_a_group_differs_where_interval_and_corrected_test_say_so():
    rows = pd.DataFrame(
        {"told": [1] * 40 + [0] * 10 + [1] * 20 + [0] * 30 + [1] * 2, "team": ["a"] * 50 + ["b"] * 50 + ["c"] * 2}
    )
    shown = exhibits.survey_groups(read_survey(rows, {"items": {"told": "told"}}), by="team")
    assert shown.table["group"].tolist() == ["a", "b"], "two people are no group"
    assert "are not shown apart: c" in shown.says
    a = shown.table.iloc[0]
    assert (a["share"], a["share_of_the_others"], a["n"]) == pytest.approx((0.8, 22 / 52, 50))
    assert a["verdict"] == "differs"
    same = exhibits.survey_groups(read_survey(rows.assign(told=[1, 0] * 51), {"items": {"told": "told"}}), by="team")
    assert set(same.table["verdict"]) == {"cannot be told apart"}
    assert same.finding == "No group can be told apart from the others"


def test_the_difference_of_two_groups_is_that_of_their_shares():
    rows = people(60)
    found = group_differences(rows, "told", by="age").set_index("age").loc["35+"]
    young, old = weighted_share(rows, "told", by="age")["estimate"]
    assert found["difference"] == pytest.approx(old - young)
    # Newcombe's interval without clusters: the groups are drawn apart, and nothing ties their errors.
    one, other = weighted_share(rows, "told", by="age").to_dict("records")
    ends = (other["estimate"] - other["lower"], one["upper"] - one["estimate"])
    assert found["difference"] - found["lower"] == pytest.approx(np.hypot(*ends), rel=1e-6)


def test_groups_that_share_their_clusters_are_compared_within_them():
    """In each household both answer alike: the difference is nothing, and surely so."""
    told = np.repeat([1, 0, 1, 0, 1, 0, 0, 1], 2)
    rows = pd.DataFrame({"told": told, "who": ["a", "b"] * 8, "home": np.repeat(np.arange(8), 2)})
    apart, within = (group_differences(rows, "told", by="who", **d).iloc[0] for d in ({}, {"cluster": "home"}))
    assert apart["upper"] > 0.3
    assert within["difference"] == 0
    assert abs(within["upper"]) < 1e-6


ODD = {
    "two": (people(2), {}, {}),
    "five": (people(5), {}, {"by": "age"}),
    "thirty, weighted": (people(30), {}, {"weight": "w", "by": "age"}),
    "one item": (people(30)[["told"]], {}, {}),
    "all yes": (people(30).assign(told=1), {}, {"by": "age"}),
    "none yes": (people(30).assign(told=0), {}, {"weight": "w", "by": "age"}),
    "answers missing": (people(30).assign(told=lambda d: d["told"].where(d.index > 9)), {}, {"by": "age"}),
    "groups missing": (people(30).assign(age=lambda d: d["age"].where(d.index > 5)), {}, {"by": "age"}),
    "a question nobody answered": (people(30).assign(told=np.nan), {}, {}),
    "clusters": (people(30).assign(c=np.arange(30) // 5), {}, {"cluster": "c", "by": "age"}),
    "Markdown in names": (people(30).rename(columns={"told": "a|b*", "age": "<b>x</b>"}), {}, {"by": "<b>x</b>"}),
    "beside a claim": (people(30), {"items": {"t": {"column": "told", "claim": "C003-07"}}}, {}),
}  # fmt: skip


DRAWN = ("two", "all yes", "Markdown in names")


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_survey_is_shown(odd):
    rows, mapping, design = ODD[odd]
    survey = read_survey(rows, mapping, keep=list(design.values()))
    exhibits.check_survey(survey, **design)
    shown = all_of(survey, **design)
    assert len(shown) >= 7
    for exhibit in shown:
        assert "nan" not in f"{exhibit.finding} {exhibit.says} {exhibit.description}".lower()
    if odd in DRAWN:
        assert len(bundles(shown)) >= 8


@pytest.mark.parametrize(
    ("rows", "mapping", "design", "sentence"),
    [
        (people(1), {}, {}, "one respondent has answered"),
        (people(30).assign(w=lambda d: d["w"].where(d.index > 3)), {}, {"weight": "w"}, "4 of 30 are missing"),
        (people(30).assign(s=[0] + [1] * 29), {}, {"strata": "s"}, "single cluster"),
        (people(30), {}, {"weight": "ww"}, "did you mean 'w'"),
        (people(30), {"targets": {"age": {"18-34": 1.0}}}, {}, "no target for levels of 'age'"),
        (people(30), {"items": {"t": {"column": "told", "claim": "C003-99"}}}, {}, "no share was published for"),
        (people(30).assign(told=np.nan), {"items": {"told": "told"}}, {}, "nobody answered 'told'"),
        (people(30).assign(age=range(30)), {"items": {"told": "told"}}, {"by": "age"}, "has 30 groups"),
        (people(30)[["w"]], {}, {}, "no question is closed"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(rows, mapping, design, sentence):
    with pytest.raises(ValueError, match=sentence):
        exhibits.check_survey(read_survey(rows, mapping, keep=list(design.values())), **design)


def test_simulated_rows_are_marked_everywhere():
    shown = all_of(read_survey(people(30).assign(simulated=True)))
    kinds = {bundle[TABLE]["kind"] for bundle in bundles(shown) if TABLE in bundle}
    kinds |= {bundle[HEADLINE]["kind"] for bundle in bundles(shown) if HEADLINE in bundle}
    assert kinds == {"SIMULATED"}


def test_a_group_is_not_compared_by_itself_and_a_target_not_weighted_to_itself():
    survey = read_survey(people(40), {"targets": {"age": {"18-34": 0.4, "35+": 0.6}}})
    assert set(exhibits.survey_groups(survey, by="age").table["question"]) == {"told"}
    assert set(exhibits.survey_raked(survey).table["question"]) == {"told"}
    account = exhibits.survey_account(survey, weight="w", by="age")
    assert account[1].table["question"].tolist() == ["told", "age"], "a weight is no question"
    assert "No share is told of w" in exhibits.survey_account(survey)[0].says


def test_columns_of_the_design_are_meant_without_regard_to_case():
    rows = people(60).rename(columns={"age": "Age", "w": "Weight"})
    rows["Age"] = rows["Age"].where(
        rows.index % 3 != 0, rows["Age"].str.replace("18-34", "Young").str.replace("35+", "old")
    )
    rows["Age"] = rows["Age"].str.replace("18-34", "young").str.replace("35+", "Old")
    exact, other = ({"weight": weight, "by": by} for weight, by in (("Weight", "Age"), ("WEIGHT", "aGE")))
    mapping = {"targets": {"AGE": {"YOUNG": 0.4, "Old": 0.6}}}
    survey = read_survey(rows, mapping, keep=list(other.values()))
    assert exhibits.check_survey(survey, **other).equals(exhibits.check_survey(survey, **exact))
    groups = exhibits.survey_groups(survey, **other)
    assert groups.table["group"].tolist() == ["Old", "young"], "a spelling that differs in case is no group of its own"
    assert set(exhibits.survey_raked(survey, **other).table["question"]) == {"told"}
    assert "looks like a weight" not in exhibits.survey_account(survey, **other)[0].says


@pytest.mark.parametrize(
    "name", ["answer", "question", "group", "item", "estimate", "others", "others_n", "n", "share", "lower", "verdict", "p_value", "again"]
)  # fmt: skip
def test_groups_are_compared_whatever_their_column_is_called(name):
    rows = people(60)
    expected = exhibits.survey_groups(read_survey(rows), by="age").table
    got = exhibits.survey_groups(read_survey(rows.rename(columns={"age": name})), by=name).table
    pd.testing.assert_frame_equal(got, expected)


@pytest.mark.parametrize("by", ["estimate", "n", "item", "others"])
def test_a_table_with_a_column_twice_is_refused_with_a_sentence(by):
    rows = people(60).rename(columns={"age": by})
    with pytest.raises(ValueError, match=f"called '{by}' would stand twice"):
        difference_table(rows, ["told"], by=by)
    if by != "others":
        with pytest.raises(ValueError, match=f"called '{by}' would stand twice"):
            share_table(rows, ["told"], by=by)


def test_two_groups_beside_each_other_are_one_comparison():
    """p = 0.03: told once it is below 0.05; counted twice Holm would take it for 0.06."""
    rows = pd.DataFrame({"told": [1] * 30 + [0] * 20 + [1] * 19 + [0] * 31, "team": ["a"] * 50 + ["b"] * 50})
    p_value = group_differences(rows, "told", by="team")["p_value"].to_numpy()
    assert p_value[0] == pytest.approx(p_value[1])
    assert 0.025 < p_value[0] < 0.05
    shown = exhibits.survey_groups(read_survey(rows, {"items": {"told": "told"}}), by="team")
    assert shown.table["verdict"].tolist() == ["differs", "differs"]
    assert "1 of 1 comparisons" in shown.says


@pytest.mark.parametrize(
    ("told", "team", "sentence"),
    [
        ([1, 0] * 10, ["a"] * 17 + ["b"] * 3, "No group of team has 5 respondents and as many others beside it"),
        ([1, 0] * 5 + [np.nan] * 10, ["a"] * 10 + ["b"] * 10, "No answer was given by two groups of team"),
        ([1, 0] * 10, ["a"] * 20, "All respondents are of one group"),
    ],
)
def test_why_no_groups_are_compared_is_true(told, team, sentence):
    rows = pd.DataFrame({"told": told, "team": team, "always": 1})
    survey = read_survey(rows, {"items": {"told": "told"}}, keep=["team"])
    assert exhibits.survey_groups(survey, by="team").finding.startswith(sentence)


def test_a_report_of_hundreds_of_answers_rakes_a_few_times_and_warns_of_nothing(monkeypatch):
    import warnings

    from cxresearch.survey import design

    times = []
    fitted = design._fitted
    monkeypatch.setattr(design, "_fitted", lambda *given: times.append(1) or fitted(*given))
    rng = np.random.default_rng(3)
    rows = people(60).assign(**{f"q{n}": rng.choice(["a", "b", "c"], 60) for n in range(60)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        survey = read_survey(rows, {"targets": {"age": {"18-34": 0.4, "35+": 0.6}}}, keep=["w"])
        shares = exhibits.check_survey(survey, weight="w", by="age")
    assert len(shares) == 183
    assert len(times) == 1


@pytest.mark.parametrize("language", ["id", "pl"])
def test_a_survey_is_told_in_the_language_of_the_report(language, monkeypatch):
    monkeypatch.setenv("CXRESEARCH_LANGUAGE", language)
    gone = people(40).assign(age=lambda d: d["age"].where(d.index > 2), claimed=lambda d: d["told"])
    files = [
        (gone, {"targets": {"age": {"18-34": 0.4, "35+": 0.6}}}, {"by": "age", "weight": "w"}),
        (people(30), {"items": {"t": {"column": "told", "claim": "C003-07"}}}, {"by": "age"}),
        (people(30)[["told", "w"]].assign(told=1, team="a"), {}, {"by": "team"}),
        (
            people(30)
            .assign(id=[1, *range(29)], told=lambda d: d["told"].where(d.index > 9), name="-")
            .iloc[[*range(30), 3]],
            {},
            {},
        ),
    ]
    for rows, mapping, design in files:
        survey = read_survey(rows, mapping, keep=list(design.values()))
        assert english_left(bundles(all_of(survey, **design))) == []
    sure = pd.DataFrame(
        {"told": [1] * 40 + [0] * 10 + [1] * 20 + [0] * 30 + [1] * 2, "team": ["of a"] * 50 + ["of b"] * 50 + ["c"] * 2}
    )
    differs = exhibits.survey_groups(read_survey(sure, {"items": {"told": "told"}}), by="team")
    assert differs.finding.startswith("of b "), "a group is called as in the file"
    assert english_left(bundles([differs]), names=["of a", "of b"]) == []
