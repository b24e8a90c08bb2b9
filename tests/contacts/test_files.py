"""The bytes of a file: hashed, counted and followed to their end in one pass; what was found is remembered."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.contacts import LogError, file_facts, kept_folder, kept_in, log_facts
from cxresearch.contacts.memory import MOST_FOLDERS, room_for_another

CELLS = st.text(st.sampled_from('ab "\n,;é\r'), max_size=6)


@given(
    st.lists(st.tuples(CELLS, st.sampled_from(["x", "y"])), max_size=12), st.sampled_from(["\n", "\r\n"]), st.booleans()
)
def test_records_are_those_of_the_csv_module(tmp_path_factory, rows, end, last):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    writer.writerows([("one", "two"), *rows])
    content = text.getvalue() if last else text.getvalue().removesuffix(end)
    path = tmp_path_factory.mktemp("files") / "log.csv"
    path.write_bytes(content.encode())
    facts = file_facts(path)
    assert facts.records == len(rows)
    assert facts.sha256 == hashlib.sha256(content.encode()).hexdigest()


def test_blank_lines_are_no_records_and_an_empty_file_has_none(tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes(b"a,b\n\n1,2\n   \n\n3,4\n\n")
    assert file_facts(path).records == 2
    path.write_bytes(b"")
    assert file_facts(path).records == 0


def test_quotes_are_letters_where_a_format_has_none(tmp_path):
    path = tmp_path / "log.txt"
    path.write_bytes(b'a\n1"\n2\n')
    assert (file_facts(path).records, file_facts(path, quoted=False).records) == (1, 2)


def test_a_gzip_may_have_several_parts_and_must_have_its_end(tmp_path):
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(b"a\n1\n2\n") + gzip.compress(b"3\n4\n"))
    assert file_facts(path).records == 4
    path.write_bytes(gzip.compress(b"a\n1\n2\n")[:-5])
    with pytest.raises(LogError, match="cut off"):
        file_facts(path)
    path.write_bytes(b"no gzip at all")
    with pytest.raises(LogError, match="cannot read"):
        file_facts(path)


def test_parquet_knows_its_own_rows(tmp_path):
    path = tmp_path / "log.parquet"
    path.write_bytes(b"PAR1")
    assert file_facts(path).records is None


def test_a_file_is_looked_at_again_when_it_changed(tmp_path, monkeypatch):
    path = tmp_path / "log.csv"
    path.write_text("a\n1\n")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    with kept_in(tmp_path / "kept"):
        (first,) = log_facts([path])
        with monkeypatch.context() as patch:
            patch.setattr("cxresearch.contacts.facts.file_facts", lambda *_, **__: pytest.fail("opened again"))
            assert log_facts([path]) == [first]
        path.write_text("a\n1\n2\n")
        assert log_facts([path])[0].records == 2
        # A moment ago it changed, and may again within the same tick of the clock: nothing is remembered of it.
        path.write_text("a\n9\n8\n")
        assert log_facts([path])[0].sha256 == hashlib.sha256(b"a\n9\n8\n").hexdigest()


def test_a_memory_of_another_shape_is_no_memory(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("a\n1\n")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    with kept_in(tmp_path / "kept"):
        (first,) = log_facts([path])
        memory = kept_folder() / "files.json"
        for content in (memory.read_text().replace(first.sha256, "x").replace('"x", 1', "7"), "[]", "{", "7"):
            memory.write_text(content)
            assert log_facts([path]) == [first]


def test_the_folder_is_the_runs_own_and_what_was_set_before_is_set_again(tmp_path, monkeypatch):
    monkeypatch.setenv("CXRESEARCH_KEPT", str(tmp_path / "mine"))
    with kept_in(tmp_path / "run"):
        assert kept_folder() == tmp_path / "run"
    assert kept_folder() == tmp_path / "mine"
    assert not (tmp_path / "run").exists()


def test_without_a_folder_to_write_to_there_is_one_of_the_process(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CXRESEARCH_KEPT", str(tmp_path / "file" / "below"))
    folder = kept_folder()
    assert folder.is_dir()
    assert kept_folder() == folder, "one for the whole process"


def test_the_oldest_make_room(tmp_path):
    for number in range(MOST_FOLDERS + 3):
        (tmp_path / f"{number:02d}").mkdir()
        os.utime(tmp_path / f"{number:02d}", (number, number))
    room_for_another(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir())[0] == "03"
