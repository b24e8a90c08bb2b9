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
