"""A log looked at: what it is, what is asked, and the exit code; layouts, mappings and tools behind it."""

from __future__ import annotations

import json
import shlex
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch import __main__ as command_line
from cxresearch.__main__ import main
from cxresearch.contacts import CANONICAL, LogError, LogQuestionError, load
from cxresearch.contacts.layout import text_layout
from cxresearch.contacts.mapping import parse_mapping, unit_named
from cxresearch.contacts.tools import known_tools, recognised
from cxresearch.report.run.parameters import load_report

ROWS = ["2026-10-01 08:07:32,99,answered", "2026-10-01 09:07:32,61,abandoned"]


def written(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def test_a_log_in_words_and_for_a_machine(tmp_path, capsys):
    path = written(tmp_path / "log.csv", "\n".join(["opened_at,wait_s,outcome", *ROWS]) + "\n")
    assert main(["look", str(path)]) == 0
    said = capsys.readouterr().out
    assert "2 rows read, 2 kept, 0 set aside" in said
    assert "50.0 % gave up" in said
    assert "Without customer_key a report cannot say who called again" in said
    assert main(["look", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["read"], found["kept"], found["would_run"]) == (2, 2, True)
    row = next(row for row in found["columns"] if row["canonical"] == "wait_s")
    assert (row["from"], row["cell"], row["read"]) == ("wait_s", "99", "99.0")
    assert list(tmp_path.iterdir()) == [path], "nothing is written"


def test_a_question_an_answer_and_an_id_that_is_shown_nowhere(tmp_path, capsys):
    path = written(
        tmp_path / "log.csv", "opened_at,customer_key,wait_s,outcome\n2026-10-01 08:00,ann@example.com,1:39,answered\n"
    )
    assert main(["look", str(path)]) == 2
    assert "mm:ss" in capsys.readouterr().out
    assert main(["look", str(path), "--map", 'wait_s={unit="mm:ss"}']) == 0
    said = capsys.readouterr().out
    assert "99.0" in said
    assert "ann@" not in said
    assert main(["look", str(path), "--map", "wait_s=Wait"]) == 2
    assert main(["look", str(tmp_path / "nowhere.csv")]) == 2
    assert "there is no file" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("a;b\n1,5;2\n3,5;4\n", "utf-8", ("utf-8", ";", 1, ("a", "b"))),
        ("Calls of October\n\na,b,c\n1,2,3\n4,5,6\n", "utf-8", ("utf-8", ",", 3, ("a", "b", "c"))),
        ("sep=;\na;b\nx;1\n", "utf-8", ("utf-8", ";", 2, ("a", "b"))),
        ("a\tb\n1\t2\n", "utf-16", ("utf-16", "\t", 1, ("a", "b"))),
        ("größe;b\nä;2\n", "latin-1", ("cp1252", ";", 1, ("größe", "b"))),
        ("\ufeffa,b\n1,2\n", "utf-8", ("utf-8-sig", ",", 1, ("a", "b"))),
        ("1;2026-10-01;3\n4;2026-10-02;5\n", "utf-8", ("utf-8", ";", 0, ("column 1", "column 2", "column 3"))),
        ('a,"b, c",a\n1,"x;y;z",3\n', "utf-8", ("utf-8", ",", 1, ("a", "b, c", "a (2)"))),
    ],
)
def test_a_layout(tmp_path, text, encoding, expected):
    found = text_layout(written(tmp_path / "log.csv", text, encoding))
    assert (found.encoding, found.delimiter, found.skip, found.names) == expected


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.sampled_from(["answered", "abandoned"]), st.integers(0, 500)), min_size=3, max_size=12),
    st.sampled_from([",", ";", "\t", "|"]), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    st.integers(0, 2), st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip
def test_every_layout_gives_the_same_rows(tmp_path_factory, rows, delimiter, encoding, above, end):
    lines = [f"Report {n}" for n in range(above)] + [delimiter.join(("opened_at", "wait_s", "outcome", "queue"))]
    lines += [delimiter.join(("2026-10-01 08:00:00", str(wait), outcome, "Größe")) for outcome, wait in rows]
    path = tmp_path_factory.mktemp("layout") / "log.csv"
    path.write_bytes((end.join(lines) + end).encode(encoding))
    log = load(path)
    found = log.contacts.df()
    assert log.counts == {"read": len(rows), "kept": len(rows), "set_aside": 0}
    assert sorted(zip(found["outcome"], found["wait_s"], strict=True)) == sorted((o, float(w)) for o, w in rows)
    assert set(found["queue"]) == {"Größe"}
    assert load(path).period("2026-10").counts["read"] == len(rows), "no title above the header is a record"


def lines(n, end=""):
    return "".join(f"2026-10-{1 + i % 28:02d} 08:{i % 60:02d},{i},answered{end}\n" for i in range(n))


def test_a_delimiter_at_the_end_of_every_record_makes_no_other_header(tmp_path):
    log = load(written(tmp_path / "log.csv", "opened_at,wait_s,outcome\n" + lines(20, ",")))
    assert log.counts == {"read": 20, "kept": 20, "set_aside": 0}
    assert log.period("2026-10").counts["read"] == 20


def test_a_second_table_in_a_file_is_refused_and_skip_leaves_the_first_out(tmp_path):
    joined = "opened_at,wait_s,outcome\n" + lines(12) + "queue,opened_at,wait_s,outcome\n"
    joined += "".join(f"a,{line}\n" for line in lines(30).splitlines())
    path = written(tmp_path / "log.csv", joined)
    with pytest.raises(LogError, match=r"second table begins at line 14; above it stand 12 records.*skip = 13"):
        load(path)
    assert load(path, mapping={"skip": 13}).counts["kept"] == 30
    titles = written(tmp_path / "titled.csv", "From,2026-10-01\nTo,2026-10-31\nopened_at,wait_s,outcome\n" + lines(5))
    assert load(titles).counts["kept"] == 5


@pytest.mark.parametrize("n", [3, 40_000])
def test_a_line_may_end_inside_quotes(tmp_path, n):
    text = "".join(f'2026-10-01 08:00:00,{i % 900},answered,"a\nb {i}"\n' for i in range(n))
    path = written(tmp_path / "log.csv", "opened_at,wait_s,outcome,queue\n" + text)
    assert load(path).counts == {"read": n, "kept": n, "set_aside": 0}
    assert load(path).period("2026-10").counts["read"] == n


def test_letters_that_are_not_utf_8_far_down_are_asked_about(tmp_path):
    text = "opened_at,wait_s,outcome,queue\n" + lines(8_000, "," + "a" * 40) + "2026-10-01 08:00,3,answered,Zürich\n"
    path = written(tmp_path / "log.csv", text, "latin-1")
    with pytest.raises(LogError, match=r'1 lines are not UTF-8.*encoding = "latin-1"'):
        load(path).counts  # noqa: B018
    assert "Zürich" in set(load(path, mapping={"encoding": "latin-1"}).contacts.df()["queue"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_no_id_stands_in_the_private_copy(tmp_path, encoding, monkeypatch):
    (tmp_path / "temp").mkdir()
    monkeypatch.setenv("CXRESEARCH_KEPT", str(tmp_path / "temp"))
    text = "opened_at,wait_s,outcome,customer_key\n2026-10-01 08:00,3,answered,ann@example.com\n"
    log = load(written(tmp_path / "log.csv", text, encoding))
    assert len(log.contacts.df()["customer_key"][0]) == 16
    left = [path for path in (tmp_path / "temp").rglob("*") if path.is_file()]
    assert left
    assert not [path for path in left if b"ann@" in path.read_bytes() or b"a\x00n\x00n" in path.read_bytes()]


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"wait": "W"}, r"names wait \(did you mean 'wait_s'\?\)"),
        ({"wait_s": {"colum": "W"}}, r"'colum' \(did you mean 'column'\?\)"),
        ({"wait_s": {"unit": "sec"}}, "takes s, ms, min"),
        ({"outcome": {"words": {"x": "answerd"}}}, "'answerd' is no word of outcome"),
        ({"outcome": {"missing": "gone"}}, "'gone' is no word of outcome"),
        ({"wait_s": {"from": "a"}}, "write both"),
        ({"wait_s": {"column": "a", "from": "b", "to": "c"}}, "two sources"),
        ({"wait_s": "none"}, "says nothing of waiting"),
        ({"rows": "inbound"}, "a column and its words"),
        ({"skip": "two"}, "no number of lines"),
        ({"wait_s": 7}, "is no column"),
        ({"wait_s": {"words": {"x": "y"}}}, "wait_s takes no words; it takes column, value, unit"),
        ({"wait_s": {"missing": "abandoned"}}, "nobody has answered yet"),
        ({"opened_at": {"unit": "s"}}, "opened_at takes no unit"),
    ],
)
def test_a_mapping_that_is_wrong_names_the_key(given_, said):
    with pytest.raises(LogError, match=said):
        parse_mapping(given_)


def test_a_mapping_in_full(tmp_path):
    path = written(
        tmp_path / "log.csv",
        "Day,Clock,Created,Replied,State,Way,reply\n"
        "01.10.2026,08:00,2026-10-01 08:00:00,2026-10-01 08:02:00,Done,in,x\n"
        "01.10.2026,09:00,2026-10-01 09:00:00,,Done,in,x\n"
        "31.10.2026,10:00,2026-10-31 10:00:00,2026-10-31 10:00:30,Spam,in,x\n"
        "31.10.2026,11:00,2026-10-31 11:00:00,2026-10-31 11:00:30,Done,OUT,x\n",
    )
    mapping = {
        "opened_at": {"column": ["Day", "Clock"]}, "wait_s": {"from": "created", "to": "REPLIED", "missing": "open"},
        "outcome": {"column": "State", "words": {"done ": "answered", "spam": "set aside"}}, "channel": {"value": "email"},
        "reply": "none", "rows": {"Way": "In"},
    }  # fmt: skip
    log = load(path, mapping=mapping)
    rows = log.contacts.df().sort_values("opened_at")
    assert rows["wait_s"].tolist() == [120.0, 30 * 86_400 + 2 * 3600.0], "it waits to the log's end"
    assert rows["outcome"].tolist() == ["answered", "open"]
    assert set(rows["channel"]) == {"email"}
    assert rows["reply"].isna().all()
    assert dict(log.set_aside.itertuples(index=False)) == {
        "no contact, by the word of its outcome": 1, "not chosen by rows: Way is not in": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("column", "unit"),
    [("Wait (min)", "min"), ("wait_ms", "ms"), ("waitSeconds", "s"), ("Wartezeit (Sek.)", "s"), ("hours waiting", "h"),
     ("wait_s", "s"), ("Wait", ""), ("Minister", ""), ("First reply time in minutes", "min")],
)  # fmt: skip
def test_a_unit_in_a_name(column, unit):
    assert unit_named(column) == unit


def test_the_lines_to_paste_are_toml_whatever_the_names(tmp_path):
    text = (
        'start time,"wait ""total"" (s)",result\n2026-10-01 08:00,3,"He ""left"", lost"\n2026-10-01 09:00,4,answered\n'
    )
    path = written(tmp_path / "log.csv", text)
    with pytest.raises(LogQuestionError) as asked:
        load(path)
    lines_ = str(asked.value)
    mapping = tomllib.loads(lines_[lines_.index("[columns]") :])["columns"]
    assert load(path, mapping=mapping).contacts.df()["outcome"].tolist() == ["abandoned", "answered"]


def test_queues_may_be_named_anew_and_keep_their_letters(tmp_path):
    path = written(tmp_path / "log.csv", "wait_s,outcome,queue\n3,ANSWERED,PS\n4,answered,Net\n5,answered,\n")
    queue = {"words": {"ps": "Regular"}, "missing": "Unknown"}
    rows = load(path, mapping={"queue": queue}).contacts.df().sort_values("wait_s")
    assert rows["queue"].tolist() == ["Regular", "Net", "Unknown"]
    assert set(rows["outcome"]) == {"answered"}


def test_every_tool_is_recognised_by_what_it_needs_and_has_a_mapping_that_holds():
    assert len({tool.name for tool in known_tools() if not tool.refused}) >= 15
    for tool in known_tools():
        names = list(tool.needs)
        assert tool.fits([name.upper() for name in names])
        if tool.refused:
            continue
        every = [*names, *(c for said in tool.columns.values() for c in _columns_of(said))]
        mapping = parse_mapping(tool.mapping(every))
        assert {"wait_s", "outcome", "opened_at"} <= set(mapping.sources), tool.name
        assert set(mapping.sources) <= set(CANONICAL)
        found = recognised(every)
        assert found is not None
        assert found.name == tool.name, f"{tool.name} is taken for {found.name}"


def _columns_of(said):
    if isinstance(said, str):
        return [said]
    read = [said[key] for key in ("column", "from", "to") if key in said]
    return [c for one in read for c in ([one] if isinstance(one, str) else one)]


def test_a_new_report_is_written_once_and_is_one(tmp_path, root, monkeypatch, capsys):
    (tmp_path / "reports").mkdir()
    (tmp_path / "notebooks").symlink_to(root / "notebooks")
    monkeypatch.setattr(command_line, "ROOT", tmp_path)
    log = written(
        tmp_path / "log.csv",
        "opened_at,channel,Wait,outcome\n2026-10-01 08:00,chat,1:39,answered\n2026-10-01 09:00,chat,0:39,abandoned\n",
    )
    new = ["new", "calls", "--from", str(log), "--period", "week", "--map", 'wait_s={column="Wait", unit="mm:ss"}']
    assert main(new[:-2]) == 2, "a question"
    assert not list((tmp_path / "reports").iterdir())
    assert main(new) == 0
    assert "cxresearch report calls" in capsys.readouterr().out
    report = load_report("calls", tmp_path)
    assert (report.period, report.parameters["channel"], report.parameters["log"]) == ("week", "chat", str(log))
    assert report.columns == {"wait_s": {"column": "Wait", "unit": "mm:ss"}}
    assert load(log, mapping=report.columns).counts["kept"] == 2
    assert main(new) == 2
    assert "is there already" in capsys.readouterr().err
    assert main(["new", "a b", "--from", str(log), "--map", 'wait_s={column="Wait", unit="mm:ss"}']) == 2
    assert main([*new[:1], "other", *new[2:4], "--period", "decade", *new[-2:]]) == 2
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    assert "calls: Waiting and giving up (by week)" in said
    assert "target_s = 20.0" in said


def test_report_takes_the_mapping_of_one_run(tmp_path, monkeypatch):
    from cxresearch.report import job

    asked = []
    monkeypatch.setattr(job, "make_report", lambda order, guard: asked.append(order.report.columns) or 0)
    report = [
        "report",
        "monthly",
        "--period",
        "2026-10",
        "--set",
        f"log={tmp_path / 'log.csv'}",
        "--out",
        str(tmp_path),
    ]
    assert main([*report, "--map", "wait_s=Time in queue", "--map", 'outcome={column="How", missing="open"}']) == 0
    assert asked == [{"wait_s": "Time in queue", "outcome": {"column": "How", "missing": "open"}}]
    assert main([*report, "--map", "wait_s=a", "--map", "wait_s=b"]) == 2
    assert main([*report, "--map", "wait_s={column"]) == 2
    assert len(asked) == 1


TICKETS = (
    "Ticket ID,Status,Source,Created time,Initial response time,First response time (in hrs),Group\n"
    "1,Open,Email,2026-10-01 08:00:00,2026-10-01 10:00:00,02:00:00,a\n"
    "2,Open,Portal,2026-10-02 08:00:00,,,a\n"
)


def test_tickets_are_looked_at_as_such_and_get_a_report_of_their_own(tmp_path, root, monkeypatch, capsys):
    (tmp_path / "reports").mkdir()
    (tmp_path / "notebooks").symlink_to(root / "notebooks")
    monkeypatch.setattr(command_line, "ROOT", tmp_path)
    log = written(tmp_path / "log.csv", TICKETS)
    assert main(["look", str(log)]) == 0
    said = capsys.readouterr().out
    assert "nobody is seen to give up" in said
    assert "Its report: cxresearch report tickets" in said
    assert "Without customer_key a report cannot say who asked again" in said
    assert "handle_s" not in said
    assert main(["new", "desk", "--from", str(log)]) == 0
    report = load_report("desk", tmp_path)
    assert [path.stem for path in report.notebooks] == ["07-when-are-tickets-answered"]
    assert "median_first_answer_s" in report.headlines
    path = tmp_path / "reports" / "desk.toml"
    path.write_text(path.read_text() + "\n[targets]\nservice_level = 0.8\n")
    with pytest.raises(ValueError, match=r"no headline has this name.*unanswered_after_promise_share"):
        load_report("desk", tmp_path)


LEGS = (
    "Contact_ID,Master_Contact_ID,Media_Name,Skill_Name,Start_Date,start_time,PreQueue,InQueue,Agent_Time,Abandon\n"
    "9001,9001,Call,Billing,10/01/2026,09:00:00,5,40,100,N\n"
    "9002,9001,Call,Tech,10/01/2026,09:02:25,0,90,200,N\n"  # transferred
    "9003,9002,Call,Tech 2,10/01/2026,09:10:00,0,30,0,Y\n"  # and once more: its master is the second leg
    "9004,,Call,Billing,10/13/2026,10:00:00,5,20,0,Y\n"
)


def test_later_legs_of_a_contact_are_set_aside_and_the_line_that_counts_them_is_told(tmp_path, capsys):
    log = written(tmp_path / "log.csv", LEGS)
    assert main(["look", str(log)]) == 0
    said = capsys.readouterr().out
    assert "4 rows read, 2 kept, 2 set aside" in said
    assert "2 set aside: not chosen by rows: Master_Contact_ID is not Contact_ID" in said
    line = said.split("--map '")[1].split("'")[0]
    assert load(log).contacts.df()["wait_s"].sum() == 60
    assert main(["look", str(log), "--map", line]) == 0
    assert "4 rows read, 4 kept, 0 set aside" in capsys.readouterr().out
    with pytest.raises(LogError, match="same_as"):
        parse_mapping({"rows": {"Master": {"same": "Contact"}}})
    with pytest.raises(LogError, match="no column 'Contact'"):
        load(log, mapping={"rows": {"Master_Contact_ID": {"same_as": "Contact"}}}).counts  # noqa: B018


def test_what_was_said_of_the_file_and_its_rows_stays_said_in_the_command_that_leads_on(tmp_path, capsys):
    path = written(
        tmp_path / "log.csv",
        "Opened,Dir,Wait (s),How\n2026-10-01 08:00,in,5,Answered\n2026-10-02 08:00,out,6,Abandoned\n",
    )
    given = ['repeats="keep"', "skip=0", 'rows={Dir=["in"]}']
    assert main(["look", str(path), *(word for line in given for word in ("--map", line))]) == 2
    mapped = shlex.split(capsys.readouterr().out.split("\nThen: ")[1])[-1]
    said = tomllib.loads(mapped)
    assert (said["repeats"], said["skip"], said["rows"]) == ("keep", 0, {"Dir": ["in"]})
    assert main(["look", str(path), "--map", mapped]) == 0
    assert "2 rows read, 1 kept" in capsys.readouterr().out


def test_the_example_names_the_column_that_is_not_there(tmp_path, capsys):
    path = written(tmp_path / "log.csv", "opened_at,wait_s,x1\n2026-10-01 08:00,5,7\n")
    assert main(["look", str(path)]) == 2
    assert "--map 'outcome = \"Column\"'" in capsys.readouterr().out
