"""What a column of a survey is told to be by its wording and its cells: a person's, a number, an id, choices, or nothing."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.survey import SurveyError, SurveyQuestionError, look_at_survey, read_survey, share_table
from cxresearch.survey.ticks import split_ticks, why_dropped
from tests.survey import made_exports as made

NAMES = ["Ann", "Bob", "Cid", "Dee", "Ann", "Eve", "Bob", "Fay"]
ASKED_FOR_A_NAME = [
    "What is your first name?", "What's your name?", "Please enter your full name", "Name (first and last)", "1. First name", "first_name",
    "Could you tell us your name?", "May we have your name and phone number?", "Q3 - Your name", "How should we address you? First name",
    "Contact details: Name", "Wie heißen Sie?", "Wie lautet Ihr Name?", "Who served you? Name of the agent", "Surname*",
]  # fmt: skip
ABOUT_A_NAME = [
    "Did the agent use your first name?", "How did you get our name?", "Which brand name do you know?", "Is your full name on the bill?",
    "When you called, did they use your name?", "What is the name of our product?", "How did you contact us? E-mail", "Did you phone us?",
    "How satisfied are you? [Phone]", "Which phone do you own?", "Do you know our e-mail address?", "How quickly was your e-mail answered?",
]  # fmt: skip


@pytest.mark.parametrize("wording", ASKED_FOR_A_NAME)
def test_a_column_that_asks_for_a_name_is_personal(wording, tmp_path):
    rows = [[n % 2, name] for n, name in enumerate(NAMES)]
    path = made.written(tmp_path / "a.csv", [["told", wording], *rows])
    survey = read_survey(path)
    assert survey.dropped == {wording: "personal"}
    assert not {"Ann", "Bob"} & {*survey.responses.to_numpy().ravel()}
    assert "Ann" not in str(look_at_survey(path))
    assert why_dropped("Q1", wording, pd.Series(["Ann", None, None])) == "personal", "one name is a name, too"


@pytest.mark.parametrize("wording", ABOUT_A_NAME)
@pytest.mark.parametrize(
    "words", [["Yes", "No", "Not sure"], ["Satisfied", "Neither", "Not satisfied"], [1, 0, 1], [5, 3, 1]]
)
def test_a_question_about_a_name_or_a_call_stays(wording, words):
    cells = pd.Series([words[n % 3] for n in range(24)])
    assert why_dropped("Q1", wording, cells) == ""


@pytest.mark.parametrize(
    "wording", ["E-mail", "How did you contact us? E-mail", "Phone", "How did you contact us? [Phone]"]
)
@pytest.mark.parametrize("tick", ["Yes", "E-mail", 1])
def test_a_way_of_contact_that_was_ticked_stays(wording, tick):
    assert why_dropped(wording, wording, pd.Series([tick, None, tick, tick] * 3)) == ""


@pytest.mark.parametrize(
    "wording", ["Phone number", "Which phone can we call you back on?", "Your mobile", "Contact details: Phone"]
)
@pytest.mark.parametrize(
    "numbers", [[5551234567, 5559876543, 2025550173], ["555-123-4567", "(555) 987-6543", "n.a."], ["5551234567", "5559876543", ""]]
)  # fmt: skip
def test_numbers_of_phones_are_personal_however_they_are_written(wording, numbers, tmp_path):
    path = made.written(
        tmp_path / "a.csv", [["told", wording], *[[n % 2, number] for n, number in enumerate(numbers)] * 3]
    )
    found = look_at_survey(path)
    assert found["dropped"] == {wording: "personal"}
    assert "555" not in str(found)


def test_a_number_that_is_no_scale_is_told_without_its_values(tmp_path):
    rows = [["told", "reach us", "sat"], *[[n % 2, 5551234567 + n % 3, n % 5] for n in range(20)]]
    kinds = {
        q["name"]: (q["kind"], q["choices"])
        for q in look_at_survey(made.written(tmp_path / "a.csv", rows))["questions"]
    }
    assert kinds["reach us"] == ("number", {})
    assert kinds["sat"] == ("number", dict.fromkeys("01234", 4))


def test_an_answer_called_number_is_no_id_and_no_row_is_lost(tmp_path):
    rows = [["number", "told"], *[[n % 3, n % 2] for n in range(24)]]
    survey = read_survey(made.written(tmp_path / "a.csv", rows))
    assert (survey.kept, survey.set_aside) == (24, {})
    rows[0][0] = "Response number"
    assert read_survey(made.written(tmp_path / "a.csv", rows)).kept == 6


@pytest.mark.parametrize("name", ["id", "Response ID", "respondent_id", "caseid"])
def test_a_row_with_an_id_and_nothing_else_is_set_aside(name, tmp_path):
    rows = [[name, "told", "age"], [1, 1, "35+"], [2, "", ""], [3, 0, "18-34"], [4, "", ""], [5, "", "35+"]]
    survey = read_survey(made.written(tmp_path / "a.csv", rows))
    assert (survey.read, survey.kept, survey.set_aside) == (5, 3, {"nothing was answered": 2})


@pytest.mark.parametrize(
    "cells", [["1,500", "2,500", "12,000"], ["1,500", "900", "2,500"], ["1,250,000", "2,000,000", "250,000"]]
)
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_thousands_are_no_ticks(cells, delimiter, tmp_path):
    rows = [["told", "spent"], *[[n % 2, cell] for n, cell in enumerate(cells * 4)]]
    path = made.written(tmp_path / "a.csv", rows, delimiter=delimiter)
    survey = read_survey(path)
    assert [item.column for item in survey.items if item.column.startswith("told")] == ["told"]
    if delimiter == ",":
        assert survey.responses["spent"].tolist() == [float(cell.replace(",", "")) for cell in cells * 4]
    made.written(path, [["Start", *rows[0]], *[["x", *row] for row in rows[1:]]], delimiter=delimiter)
    assert "spent: 500" not in str(look_at_survey(path))


def test_codes_that_stand_alone_are_choices_though_they_look_like_thousands(tmp_path):
    path = made.written(tmp_path / "a.csv", [["codes", "n"], *[["101,102", 1], ["101", 0], ["102", 1]] * 4])
    assert [item.column for item in read_survey(path).items][:2] == ["codes: 101", "codes: 102"]


@given(st.lists(st.sampled_from(["Yes", "yes", "YES ", "No", "no", "Don't know"]), min_size=6, max_size=30))
def test_spellings_of_a_choice_are_one_choice(words):
    survey = read_survey(pd.DataFrame({"told": [1, 0] * (len(words) // 2) + [1] * (len(words) % 2), "again": words}))
    items = [item.column for item in survey.items if item.column.startswith("again")]
    folded = {word.strip().casefold() for word in words}
    question = next(q for q in survey.questions if q.name == "again")
    assert len(question.choices) == len(folded)
    assert sum(question.counts.values()) == len(words)
    if question.kind == "one choice":
        assert share_table(survey.responses, items)["estimate"].sum() == pytest.approx(1)


def test_spellings_of_a_joined_choice_are_one_choice():
    ticks, choices, _ = split_ticks(["E-mail; phone", "e-mail", "Phone", "phone", "E-mail"], ";", tight=False)
    assert choices == ["E-mail", "phone"]
    assert ticks[0] == {"E-mail", "phone"}
    with pytest.raises(SurveyQuestionError):
        read_survey(pd.DataFrame({"a": ["x, y", "X", "z, X"] * 3, "n": [0, 1, 1] * 3}))


@pytest.mark.parametrize("parquet", [True, False])
def test_a_column_of_lists_is_a_question_of_ticks(parquet, tmp_path):
    told = [["E-mail", "Phone; or fax"], ["e-mail"], None, []] * 6
    rows = pd.DataFrame(
        {"told": told, "n": [0, 1] * 12, "raw": [{"x": 1}, {"x": 2}, None, {}] * 6, "who": [["Ann"], ["Bob"]] * 12}
    )
    rows = rows.rename(columns={"who": "Your name"})
    rows.to_parquet(tmp_path / "a.parquet")
    survey = read_survey(tmp_path / "a.parquet" if parquet else rows)
    assert [item.label for item in survey.items[:2]] == ["E-mail", "Phone; or fax"]
    shares = share_table(survey.responses, [item.column for item in survey.items[:2]])
    assert shares["estimate"].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert shares["n"].tolist() == [18, 18], "an empty list is an answer, and no list is none"
    assert survey.dropped == {"raw": "free text", "Your name": "personal"}


@pytest.mark.parametrize("column", [5, 6, 8, 10])
def test_a_column_of_which_nobody_was_asked_leaves_the_rest_as_it_is(column, tmp_path):
    path = made.limesurvey(tmp_path / "a.csv", made.truth())
    before = read_survey(path)
    rows = [line.split(";") for line in path.read_text().splitlines()]
    name = rows[0][column]
    made.written(path, [rows[0], *[[*row[:column], "N/A", *row[column + 1 :]] for row in rows[1:]]], delimiter=";")
    survey = read_survey(path)
    left = [item.column for item in survey.items]
    assert left == [item.column for item in before.items if not item.column.startswith(name)]
    asked = share_table(survey.responses, left).set_index("item")["estimate"]
    told = share_table(before.responses, left).set_index("item")["estimate"]
    same = [item for item in left if column != 6 or not item.startswith("Q2[")]
    assert asked[same].tolist() == pytest.approx(told[same].tolist())
    with pytest.raises(SurveyError, match=r"nobody (was asked|answered)"):
        read_survey(path, {"items": {"one": {"column": name.split("[")[0], "choice": name[3:-1] or "Y"}}})


def test_a_choice_of_another_column_is_refused_and_its_own_taken(tmp_path):
    path = made.qualtrics(tmp_path / "a.csv", made.truth(), seen=True)
    own = read_survey(path, {"items": {"told": {"column": "Q2_2", "choice": "e-mail"}}}).responses["told"]
    assert own.equals(made.truth()["E-mail"].rename("told"))
    for choice in ("In person", ["E-mail", "In person"]):
        with pytest.raises(
            SurveyError, match=r'the column \'Q2_2\' is the choice "E-mail" alone; write told = { column = "Q2"'
        ):
            read_survey(path, {"items": {"told": {"column": "Q2_2", "choice": choice}}})


def test_a_name_as_it_is_written_goes_before_one_without_regard_to_case():
    rows = pd.DataFrame({"Q1": ["a", "b", "b", "b"], "q1": ["b", "a", "a", "b"]})
    for name, share in (("Q1", 0.75), ("q1", 0.5)):
        survey = read_survey(rows, {"items": {"b": {"column": name, "choice": "b"}}})
        assert survey.responses["b"].mean() == share
