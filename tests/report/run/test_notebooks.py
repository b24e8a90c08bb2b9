"""Notebooks as they lie on disk: what is none, or is not Python, is refused in a sentence before a kernel starts."""

from __future__ import annotations

import json
import warnings

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cxresearch.report import job
from cxresearch.report.run.notebooks import NotebookError, cell_options, read_notebook
from tests.report.run.test_one_run import checkout, run, write_notebook  # noqa: F401 a fixture

PARAMETERS = 'log: str = ""\nperiod: str = ""'


def raw(**changes):
    cells = [
        new_markdown_cell("# Own"),
        new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        new_code_cell("1"),
    ]
    return {**json.loads(nbformat.writes(new_notebook(cells=cells))), **changes}


def kernel(**said):
    return {"kernelspec": {"display_name": "x", "name": "x", **said}}


def read(tmp_path, content):
    path = tmp_path / "own.ipynb"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_notebook(path)


WORKSHEET = {
    "cells": [{"cell_type": "code", "input": "1 + 1", "outputs": [], "language": "python", "metadata": {}}],
    "metadata": {},
}


@pytest.mark.parametrize(
    "content",
    [
        raw(), raw(metadata={}), raw(metadata=kernel(language="python")), raw(metadata=kernel(name="conda-env-own-py")),
        raw(metadata={"language_info": {"name": "ipython", "version": "3"}}), raw(metadata=kernel(language="Python3")),
        {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [WORKSHEET]},
        raw(cells=[{key: value for key, value in cell.items() if key != "id"} for cell in raw()["cells"]]),
    ],
)  # fmt: skip
def test_a_notebook_that_says_nothing_of_its_language_is_python(tmp_path, content):
    notebook = read(tmp_path, content)
    assert (notebook.nbformat, len({cell.id for cell in notebook.cells})) == (4, len(notebook.cells))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is not JSON (line 1"), (b"\xff\xfe", "not text in UTF-8"), (b"[" * 99_999, "nested too deeply"),
        (b"[]", "does not say its nbformat"), (b"{}", "does not say its nbformat"), (b'{"nbformat": true}', "does not say"),
        (b"<<<<<<< HEAD\n{}", "it is not JSON"), (raw(nbformat=5), "is of nbformat 5"), (raw(nbformat=2), "is of nbformat 2"),
        ({"nbformat": 4, "metadata": {}}, "no valid notebook"), (raw(metadata=3), "no valid notebook"),
        (raw(cells="x"), "no valid notebook"), (raw(cells=["x"]), "no valid notebook"), (raw(cells=[]), "has no cells"),
        (raw(cells=[raw()["cells"][0]]), "has no code"), (raw(metadata=kernel(language="R")), "is a notebook of R"),
        (raw(metadata=kernel(name="ir")), "is a notebook of R"), (raw(metadata=kernel(name="julia-1.12")), "of Julia"),
        (raw(metadata={"language_info": {"name": "scala"}}), "is a notebook of scala"),
    ],
)  # fmt: skip
def test_what_is_no_notebook_of_python_is_refused_in_a_sentence(tmp_path, content, said):
    with pytest.raises(NotebookError) as refused:
        read(tmp_path, content)
    assert said in str(refused.value)
    assert str(refused.value).startswith("own.ipynb ")
    assert len(str(refused.value).splitlines()) == 1


def test_parameters_and_options_that_cannot_be_read_are_refused_with_their_cell(tmp_path):
    cells = [new_markdown_cell("# Own"), new_code_cell("a: int = ", metadata={"tags": ["parameters"]})]
    with pytest.raises(
        NotebookError, match=r"own.ipynb, cell 2: the cell tagged 'parameters' is no Python: .* \(line 1\)"
    ):
        read(tmp_path, json.loads(nbformat.writes(new_notebook(cells=cells))))
    cells = [new_markdown_cell("# Own"), new_code_cell("#| fig-alt: Waits: long\nx")]
    with pytest.raises(NotebookError, match=r"own.ipynb, cell 2: its lines #\| cannot be read: put the text in quotes"):
        read(tmp_path, json.loads(nbformat.writes(new_notebook(cells=cells))))


def test_options_of_a_cell_are_those_of_quarto():
    assert cell_options("#| fig-alt: Bars.\n#| echo: false\nplot()") == {"fig-alt": "Bars.", "echo": False}
    assert cell_options('#| fig-alt: "Waits: long."\n#| fig-cap:\n#|   - a\n#|   - b\n') == {
        "fig-alt": "Waits: long.", "fig-cap": ["a", "b"]}  # fmt: skip
    assert cell_options("# a comment\n#| late: 1") == cell_options("") == {}
    with pytest.raises(ValueError, match="say name: value"):
        cell_options("#| alone")


def test_a_notebook_of_another_language_ends_with_2_before_any_kernel(checkout, capsys, monkeypatch):  # noqa: F811
    monkeypatch.setattr("cxresearch.report.run.warm_start.WarmStart", lambda *_: pytest.fail("a process was started"))
    for content, said in (
        (json.dumps(raw(metadata=kernel(language="R"))), "two.ipynb is a notebook of R; a report runs Python."),
        ("{", "two.ipynb is no notebook: it is not JSON"),
    ):
        (checkout / "notebooks" / "two.ipynb").write_text(content)
        assert run(checkout) == 2
        assert said in capsys.readouterr().err


@pytest.mark.slow
def test_an_own_notebook_without_metadata_runs_and_the_run_says_what_it_does_not_show(checkout, capsys):  # noqa: F811
    path = checkout / "notebooks" / "two.ipynb"
    write_notebook(path, "import sys\nprint('seen')\nprint('unseen', file=sys.stderr)", "{'a': 1}")
    path.write_text(json.dumps({**json.loads(path.read_text()), "metadata": {}}))
    write_notebook(checkout / "notebooks" / "one.ipynb", *RECORDED)
    assert run(checkout, "--set", "log=log.csv") == 0
    folder = checkout / "out" / "small" / "1999-02"
    record = json.loads((folder / "run.json").read_text())
    assert [(o["notebook"], o["cell"], o["why"]) for o in record["outputs"]["not_shown"]] == [("two", 2, "stderr")]
    assert record["outputs"]["shown"] == 3
    said = "Cell 2 of the notebook two: what it wrote to stderr is not shown."
    assert f"cxresearch: {said}" in capsys.readouterr().err
    page = (folder / "report.html").read_text()
    assert said in page
    assert ">seen</pre>" in page
    assert "unseen" not in page
    kept = json.loads((folder / "notebooks" / "two.ipynb").read_text())
    assert kept["metadata"]["papermill"]["input_path"] == "two.ipynb"


def test_a_run_of_which_a_notebook_shows_nothing_is_partial():
    silent = new_notebook(cells=[new_markdown_cell("# Own"), new_code_cell("x = 2", execution_count=1)])
    record = {"status": "complete", "reason": "", "notebooks": [], "simulated": False}
    found = job._outputs(record, [("own", silent)])
    assert (found["status"], found["reason"], found["outputs"]["empty"]) == ("partial", "own shows nothing", ["own"])
    assert "status" not in job._outputs({**record, "status": "partial", "reason": "a"}, [("own", silent)])


RECORDED = (
    "from cxresearch.exhibits import show as present\n"
    "present.record_headline(name='contacts', label='Contacts', value=1.0, lower=1.0, upper=1.0, unit='contacts', "
    "kind='estimated', better=None)",
)
