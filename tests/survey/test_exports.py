"""Exports of survey tools: read for what they are, asked about where they do not say it, nothing personal carried on."""

from __future__ import annotations

import csv
import tomllib
import warnings

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.survey import SurveyError, SurveyQuestionError, load_responses, read_survey, share_table
from cxresearch.survey.ticks import UndecidedError, split_ticks
from tests.survey import made_exports as made

ROWS = made.truth()
SHARES = [ROWS[choice].mean() for choice in made.CHOICES]
ASKED = int(ROWS["problem"].sum())


def pasted(question: SurveyQuestionError) -> dict:
    """The lines of a question as a user pastes them below [survey]."""
    lines = [line.strip() for line in str(question).splitlines() if line.startswith("    ")]
    assert lines
    return tomllib.loads("\n".join(lines))


def answered(path, given=None) -> tuple[dict, int]:
    """Paste what is asked until nothing is; the mapping, and how often something was asked."""
    mapping = dict(given or {})
    for times in range(4):
        try:
            read_survey(path, mapping)
        except SurveyQuestionError as question:
            mapping |= pasted(question)
        else:
            return mapping, times
    raise AssertionError("it asks without end")


@pytest.mark.parametrize("tool", made.TOOLS)
def test_every_tool_tells_the_same_shares(tool, tmp_path):
    write, name, shows = made.TOOLS[tool]
    path = write(tmp_path / name, ROWS)
    mapping, times = answered(path)
    assert (times == 0) == shows
    survey = read_survey(path, mapping)
    assert (survey.read, survey.kept) == (40, 40)
    told = [item for item in survey.items if made.TOLD in item.question or item.column.startswith("Q2[")]
    order = [next(i for i in told if choice in (i.label, i.question.removeprefix(f"{made.TOLD} "))) for choice in made.CHOICES] if (
        not tool.startswith("LimeSurvey")
    ) else told  # fmt: skip
    shares = share_table(survey.responses, [item.column for item in order])
    assert shares["estimate"].tolist() == pytest.approx(SHARES)
    assert shares["n"].tolist() == [ASKED] * 4
    text = survey.responses.to_csv() + " ".join(i.label for i in survey.items)
    for personal in ("192.0.2.7", "ann@example.com", "Ann", "R_1"):
        assert personal not in text


def test_what_nobody_says_is_left_as_it_is_with_a_warning(tmp_path):
    path = made.qualtrics(tmp_path / "a.csv", ROWS)
    with pytest.warns(UserWarning, match="asked = "):
        responses = load_responses(path)
    assert responses["Q2_1"].dropna().unique().tolist() == ["In person"], "text, which no estimator takes for 0 and 1"
    with pytest.raises(ValueError, match="should hold numbers"):
        share_table(responses, ["Q2_1"])
    mapping = {"asked": {"Q2": {"Q1": "Yes"}}, "items": {"email": {"column": "Q2", "choice": "E-mail"}}}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        responses = load_responses(path, mapping)
    assert responses["email"].equals(ROWS["E-mail"].rename("email"))
    assert list(responses) == ["Q1", "Q2_1", "Q2_2", "Q2_3", "Q2_4", "QAge", "email"]


def test_lines_of_the_header_may_have_been_taken_out(tmp_path):
    path = made.qualtrics(tmp_path / "a.csv", ROWS)
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    lines[10][1] = "Survey Preview"
    for left in ([0, 1], [0]):
        made.written(path, [*(lines[n] for n in left), *lines[3:]])
        survey = read_survey(
            path, {"asked": dict.fromkeys(("Q2", "Q2_1")[: len(left) - 1], "all"), "items": {"problem": "Q1"}}
        )
        assert (survey.tool, survey.read, survey.kept) == ("Qualtrics", 40, 39), "no wording is taken for an answer"


def test_numbers_of_choices_are_no_decimals_and_a_ranking_is_no_tick(tmp_path):
    path = made.written(
        tmp_path / "a.csv", [["codes", "rank"], ["1", "a;b;c"], ["1,4", "b;a;c"], ["4", "c;b;a"], ["1", "a;b;c"]]
    )
    survey = read_survey(path, {"asked": {"codes": "all"}, "choices": {"rank": ["a", "b", "c"]}})
    assert [item.column for item in survey.items] == ["codes: 1", "codes: 4"]
    assert survey.questions[1].kind == "ranking"


def test_a_lone_column_of_ticks_is_asked_about(tmp_path):
    """Half ticked, half left empty: everybody, or nobody knows whom; never 100 %."""
    for tick in ("E-mail", "1", "Yes"):
        path = made.written(tmp_path / "a.csv", [["told", "n"], *[[tick, 0], ["", 1], [tick, 1], ["", 0]] * 3])
        with pytest.raises(SurveyQuestionError) as question:
            read_survey(path, {"items": {"told": "told"}})
        assert pasted(question.value) == {"asked": {"told": "all"}}
        for said, share, n in (("all", 0.5, 12), ("answered", 1.0, 6)):
            survey = read_survey(path, {"items": {"told": "told"}, "asked": {"told": said}})
            (row,) = share_table(survey.responses, ["told"]).to_dict("records")
            assert (row["estimate"], row["n"]) == (share, n)


def test_a_mark_of_a_question_seen_shows_who_was_asked(tmp_path):
    responses = load_responses(made.qualtrics(tmp_path / "a.csv", ROWS, seen=True))
    assert responses["Q2_2"].equals(ROWS["E-mail"].rename("Q2_2"))


def test_previews_tests_empty_rows_and_the_same_row_again_are_set_aside(tmp_path):
    blank = [""] * 6
    extra = [
        [
            "2026-10-01 09:00:00",
            "Survey Preview",
            "",
            "True",
            "2026-10-01 09:00:00",
            "R_p",
            "",
            "Yes",
            "In person",
            "",
            "",
            "",
            "",
            "under 35",
        ],
        [
            "2026-10-01 09:00:00",
            "Survey Test",
            "",
            "True",
            "2026-10-01 09:00:00",
            "R_t",
            "",
            "Yes",
            "In person",
            "",
            "",
            "",
            "",
            "under 35",
        ],
        ["2026-10-01 09:00:00", "IP Address", "192.0.2.9", "False", "", "R_e", "", *blank, ""],
        [
            "2026-10-09 09:00:00",
            "IP Address",
            "192.0.2.9",
            "False",
            "2026-10-31 09:00:00",
            "R_u",
            "",
            "Yes",
            *[""] * 5,
            "",
        ],
        [
            "2026-10-01 09:00:00",
            "IP Address",
            "",
            "True",
            "2026-10-01 09:00:00",
            "R_1",
            "",
            "Yes",
            "In person",
            "",
            "",
            "",
            "",
            "under 35",
        ],
    ]
    path = made.qualtrics(tmp_path / "a.csv", pd.concat([ROWS, ROWS.iloc[[39]].set_axis([39])]), extra=extra)
    survey = read_survey(path, {"asked": {"Q2": {"Q1": "Yes"}}})
    assert (survey.read, survey.kept) == (46, 42)
    assert survey.kept + sum(survey.set_aside.values()) == survey.read
    assert survey.set_aside == {
        "a preview of the survey, no respondent": 1,
        "a test of the survey, no respondent": 1,
        "nothing was answered": 1,
        "the same row again, with the same id": 1,
    }
    assert list(survey.repaired.values()) == [1, 1]
    assert survey.responses["Q2_1"].iloc[40:].tolist() == pytest.approx([np.nan, 1.0], nan_ok=True), (
        "who ended early was not asked"
    )
    assert survey.newest.isoformat() == "2026-10-31"
    assert survey.dropped["RecipientEmail"] == survey.dropped["IPAddress"] == "personal"
    assert survey.dropped["Q2_4_TEXT"] == "free text"


@pytest.mark.parametrize("place", [",Yes,,,,,my neighbour Bob,", ",Yes,,,,my neighbour Bob,,"])
def test_who_wrote_something_in_was_asked_and_its_words_go_nowhere(tmp_path, place):
    path = made.surveymonkey(tmp_path / "a.csv", ROWS)
    lines = path.read_text().splitlines()
    assert ",Yes,,,,,," in lines[2]
    lines[2] = lines[2].replace(",Yes,,,,,,", place, 1)
    path.write_text("\n".join(lines))
    survey = read_survey(path, answered(path)[0])
    question = next(q for q in survey.questions if q.text == made.TOLD)
    assert (question.asked, question.other) == (ASKED, 1)
    assert "Bob" not in survey.responses.to_csv()


def test_ticks_in_rows_that_were_not_asked_are_a_contradiction(tmp_path):
    path = made.google(tmp_path / "a.csv", ROWS)
    with pytest.raises(SurveyError, match=r"was ticked in \d+ rows that were not asked"):
        read_survey(path, {"asked": {made.TOLD: {made.PROBLEM: "No"}}})
    with pytest.raises(SurveyError, match="did you mean"):
        read_survey(path, {"asked": {made.TOLD: {"Did you have a problm?": "Yes"}}})


# --- joined ticks


def test_a_comma_inside_a_choice_is_asked_about_and_known_choices_settle_it(tmp_path):
    path = made.google_sheet(tmp_path / "a.csv", ROWS)
    with pytest.raises(SurveyQuestionError) as question:
        read_survey(path)
    assert set(pasted(question.value)["choices"][made.TOLD]) == set(made.CHOICES), (
        "the part that is never alone is put back"
    )
    with pytest.warns(UserWarning, match="choices = "):
        assert load_responses(path)[made.TOLD].str.contains("Phone, or fax").any(), "not split"


@pytest.mark.parametrize(
    ("cells", "separator", "tight", "expected"),
    [
        (["a", "b", "a, b"], ",", False, [{"a"}, {"b"}, {"a", "b"}]),
        (["a;b;", "b;", "a;c, d;"], ";", True, [{"a", "b"}, {"b"}, {"a", "c, d"}]),
        (["a,b, c", "b, c", "a"], ",", True, [{"a", "b, c"}, {"b, c"}, {"a"}]),
    ],
)
def test_ticks_are_split(cells, separator, tight, expected):
    assert split_ticks(cells, separator, tight=tight)[0] == expected


@pytest.mark.parametrize(
    ("cells", "tight", "choices"),
    [
        (["a, b", "c"], False, ["a, b", "c"]),
        (["a, b", "a", "c"], False, ["a", "b", "c"]),  # b is never alone; whether "a, b" is one is not known
        (["x,y", "z"], True, ["x, y", "z"]),  # never apart
    ],
)
def test_what_could_be_split_in_two_ways_is_asked(cells, tight, choices):
    with pytest.raises(UndecidedError) as undecided:
        split_ticks(cells, ",", tight=tight)
    assert undecided.value.choices == choices


@given(
    st.lists(
        st.sets(st.sampled_from(["Phone", "Phone, or fax", "E-mail", "By post, slowly"]), min_size=1),
        min_size=1,
        max_size=20,
    )
)
def test_known_choices_are_found_again_whatever_they_hold(ticked):
    known = ["Phone", "Phone, or fax", "E-mail", "By post, slowly"]
    cells = [", ".join(sorted(one)) for one in ticked]
    found, choices, other = split_ticks(cells, ",", tight=False, known=known)
    assert (found, choices, any(other)) == (ticked, known, False)


def test_what_is_none_of_the_known_choices_is_counted_as_written_in():
    found, _, other = split_ticks(["E-mail, my aunt", "my aunt"], ",", tight=False, known=["E-mail"])
    assert (found, other) == ([{"E-mail"}, set()], [True, True])


def test_one_choice_with_commas_is_said_by_its_whole_cells(tmp_path):
    path = made.written(tmp_path / "a.csv", [["again"], *[["Yes, once"], ["Yes, twice"], ["No"]] * 4])
    with pytest.raises(SurveyQuestionError, match="list the whole cells"):
        read_survey(path)
    survey = read_survey(path, {"choices": {"again": ["Yes, once", "Yes, twice", "No"]}})
    assert [item.label for item in survey.items] == ["No", "Yes, once", "Yes, twice"]


# --- plain tables


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [(",", "utf-8-sig"), (";", "cp1252"), ("\t", "utf-16"), ("|", "utf-8")]
)
def test_a_table_of_any_layout(tmp_path, delimiter, encoding):
    rows = [["told", "Größe", "w"], ["1", "klein", "1,5"], ["0", "groß", "0,75"], ["", "groß", "1,25"]]
    if delimiter == ",":
        rows = [[cell.replace(",", ".") for cell in row] for row in rows]
    responses = load_responses(made.written(tmp_path / "a.csv", rows, delimiter=delimiter, encoding=encoding))
    assert responses["told"].tolist() == pytest.approx([1, 0, np.nan], nan_ok=True)
    assert responses["Größe"].tolist() == ["klein", "groß", "groß"]
    assert responses["w"].tolist() == [1.5, 0.75, 1.25]


def test_none_is_an_answer_and_na_is_not(tmp_path):
    path = made.written(tmp_path / "a.csv", [["who", "n"], *[["None", 1], ["NA", 1], ["Firm", 0]] * 3])
    assert load_responses(path)["who"].fillna("missing").tolist() == ["None", "missing", "Firm"] * 3


def test_names_addresses_and_free_text_stay_behind(tmp_path):
    rows = [["told", "Full name", "contact", "What else?", "age"]]
    rows += [
        [n % 2, f"Person {n % 3}", f"p{n}@example.com", f"They were rude to me on day {n}", ["18-34", "35+"][n % 2]]
        for n in range(12)
    ]
    survey = read_survey(made.written(tmp_path / "a.csv", rows))
    assert survey.dropped == {"Full name": "personal", "contact": "personal", "What else?": "free text"}
    assert list(survey.responses)[:2] == ["told", "age"]
    with pytest.raises(SurveyError, match="names or addresses"):
        read_survey(tmp_path / "a.csv", keep=["contact"])


def test_remarks_with_commas_are_no_choices(tmp_path):
    words = ["slow", "rude", "kind"]
    rows = [
        [n % 2, f"{words[n % 3]}, and {words[(n + 1) % 3]} on day {n}, said Ann", f"{words[n % 3]}, day {n}"]
        for n in range(30)
    ]
    survey = read_survey(made.written(tmp_path / "a.csv", [["told", "how was it", "note"], *rows]))
    assert survey.dropped == {"how was it": "free text", "note": "free text"}


def test_the_lines_to_paste_hold_what_was_said_already(tmp_path):
    rows = [["a", "b", "n"], *[["x", "", 0], ["", "y", 1]] * 4]
    path = made.written(tmp_path / "a.csv", rows)
    with pytest.raises(SurveyQuestionError) as question:
        read_survey(path, {"asked": {"a": "answered"}})
    assert pasted(question.value)["asked"].keys() == {"a", "b"}
    assert answered(path, {"asked": {"a": "answered"}})[0]["asked"]["a"] == "answered"


def test_a_row_that_does_not_fit_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,0\n1,0,7\n")
    with pytest.raises(SurveyError, match="row 3 has 3 cells, the header 2"):
        load_responses(tmp_path / "a.csv")


def test_answers_that_are_none_are_said(tmp_path):
    path = made.written(tmp_path / "a.csv", [["sat", "n"], ["5", 0], ["99", 1], ["1", 0], ["5", 1]])
    mapping = {"missing": {"sat": [99]}, "items": {"happy": {"column": "sat", "choice": [4, 5]}}}
    assert load_responses(path, mapping)["happy"].tolist() == pytest.approx([1, np.nan, 0, 1], nan_ok=True)
    with pytest.raises(SurveyError, match="no cell of 'sat' is"):
        load_responses(path, {"missing": {"sat": [98]}})


def test_labels_with_commas_are_whole(tmp_path):
    path = tmp_path / "a.sav"
    labels = {"q": {1: "Yes, once", 2: "Yes, twice"}}
    pyreadstat.write_sav(pd.DataFrame({"q": [1.0, 2.0, 1.0]}), str(path), variable_value_labels=labels)
    assert [item.label for item in read_survey(path).items] == ["Yes, once", "Yes, twice"]


@pytest.mark.parametrize(
    ("survey", "message"),
    [
        ({"item": {}}, r"no key 'item' \(did you mean 'items'\?\)"),
        ({"items": {"e-mail": "told"}}, "'e-mail' is not"),
        ({"items": {"e": {"columns": "told"}}}, "write e = { column ="),
        ({"items": {"e": {"column": "told", "choise": "x"}}}, r"'choise' \(did you mean 'choice'\?\)"),
        ({"asked": {"told": "everybody"}}, '"told" = "all"'),
        ({"targets": {"age": {"18-34": "30 %"}}}, "write \"age\" ="),
        ({"encoding": "latin-99"}, "no encoding 'latin-99'"),
        ({"asked": {"tolled": "all"}}, r"no question 'tolled' \(did you mean 'told'\?\)"),
        ({"items": {"e": {"column": "age", "choice": "18-43"}}}, r"did you mean '18-34'\?"),
        ({"items": {"e": {"column": "age"}}}, "say which answers count"),
        ({"items": {"age": {"column": "told"}}}, "another column of the file"),
    ],
)  # fmt: skip
def test_what_is_said_wrong_is_told_with_what_to_write(survey, message):
    rows = pd.DataFrame({"told": [1, 0, 1, 1], "age": ["18-34", "35+", "35+", "18-34"]})
    with pytest.raises(SurveyError, match=message):
        read_survey(rows, survey)


def test_the_shares_of_the_exports_at_hand(shared):
    folder = shared / "exports" / "surveys"
    for name in ("google.csv", "qualtrics.csv", "surveymonkey.csv", "own.sav"):
        mapping, _ = answered(folder / name)
        survey = read_survey(folder / name, mapping)
        shares = share_table(survey.responses, [item.column for item in survey.items]).round(3)
        assert (survey.kept, survey.set_aside) == (400, {})
        assert {0.488, 0.289, 0.348, 0.271} <= set(shares.loc[shares["n"] == 336, "estimate"]), name
