"""What a survey looks like before it is used: told from a log, its newest day, names for its answers, weights pointed out."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from cxresearch.survey import is_survey, read_survey, slug
from tests.survey import made_exports as made


def test_a_column_that_looks_like_a_weight_is_told(tmp_path, capsys):
    from cxresearch.__main__ import main

    path = tmp_path / "answers.csv"
    rows = [f"{i},{'Yes' if i % 3 else 'No'},{0.5 if i % 2 else 1.5}" for i in range(40)]
    path.write_text("id,problem,w\n" + "\n".join(rows) + "\n")
    assert main(["look", str(path), "--survey"]) == 0
    assert 'w looks like a weight. If it is: survey_weight = "w"' in capsys.readouterr().out
    path.write_text(path.read_text().replace(",0.5\n", ",5.5\n"))
    assert main(["look", str(path), "--survey"]) == 0
    assert "looks like a weight" not in capsys.readouterr().out


def test_a_form_is_told_from_a_log_with_an_id_and_two_times(tmp_path):
    log = [
        ["ID", "Start time", "Completion time", "Queue", "Outcome"],
        [1, "2026-10-02 09:12:11", "2026-10-02 09:15:11", "a", "answered"],
    ]
    assert not is_survey(made.written(tmp_path / "log.csv", log))
    assert is_survey(made.microsoft(tmp_path / "form.xlsx", made.truth()))
    asked = [[*log[0][:3], "Were you content?"], [*log[1][:3], "Yes"]]
    assert is_survey(made.written(tmp_path / "asked.csv", asked)), "a question makes it a form"


def test_the_newest_answer_of_a_form_is_the_one_completed_last(tmp_path):
    rows = [["ID", "Start time", "Completion time", "Email", "Name", "Content?"]]
    rows += [[n, f"2026-10-0{n} 23:59:00", f"2026-10-0{n + 1} 00:01:00", "anonymous", "", "Yes"] for n in range(1, 5)]
    assert read_survey(made.written(tmp_path / "a.csv", rows)).newest == date(2026, 10, 5)


@given(st.text(min_size=1, max_size=12))
def test_a_slug_is_an_identifier_and_reads_alike(text):
    assert slug(text).isidentifier()
    if text.isascii() and text.isidentifier():
        assert slug(text) == text.lower()
