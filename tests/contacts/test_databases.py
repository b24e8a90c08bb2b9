"""Logs in a database: a PostgreSQL server that the test starts, and DuckDB files."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
from datetime import datetime
from pathlib import Path

import duckdb
import nbformat
import pandas as pd
import pytest
from adbc_driver_postgresql.dbapi import connect
from nbformat.v4 import new_code_cell, new_notebook

from cxresearch import __main__ as command_line
from cxresearch.contacts import LogError, LogQuestionError, kept_in, load, look_at

PASSWORD = "hush-9f3b"
BERLIN = {"timezone": "Europe/Berlin"}
# A whole second, a part of one, none, below zero, longer than a day; the last night of October is November in Berlin.
CALLS = """
CREATE TYPE ending AS ENUM ('answered', 'abandoned');
CREATE TABLE calls (contact_id uuid, customer_key bigint, channel varchar(9), queue text, opened_at timestamptz,
    wait_s numeric(10, 3), outcome ending, handle_s interval, queued boolean, agent text);
INSERT INTO calls VALUES
    ('00000000-0000-0000-0000-000000000001', 70007, 'phone', 'Sales', '2026-10-01 08:00+02', 12, 'answered', '00:01:39', true, 'Anna'),
    ('00000000-0000-0000-0000-000000000002', 70007, 'phone', NULL, '2026-10-02 08:00Z', 1.897, 'abandoned', NULL, true, 'Anna'),
    ('00000000-0000-0000-0000-000000000003', NULL, 'phone', 'Sales', '2026-10-31 22:59:59Z', 0, 'answered', '1 day 1 s', false, NULL),
    ('00000000-0000-0000-0000-000000000004', NULL, 'phone', 'Sales', '2026-10-31 23:30Z', 5, 'answered', NULL, true, NULL),
    ('00000000-0000-0000-0000-000000000005', NULL, 'phone', 'Sales', '2026-10-03 08:00Z', NULL, 'answered', '-1 s', true, NULL),
    ('00000000-0000-0000-0000-000000000006', NULL, 'phone', 'Sales', '2026-10-03 08:00Z', -1, 'answered', NULL, true, NULL),
    ('00000000-0000-0000-0000-000000000007', NULL, 'phone', 'Sales', '2026-10-03 08:00Z', 'NaN', 'answered', NULL, true, NULL),
    ('00000000-0000-0000-0000-000000000008', NULL, 'phone', 'Sales', NULL, 3, 'answered', NULL, true, NULL),
    ('00000000-0000-0000-0000-000000000001', 70007, 'phone', 'Sales', '2026-10-01 08:00+02', 12, 'answered', '00:01:39', true, 'Anna');
INSERT INTO calls SELECT ('10000000-0000-0000-0000-' || to_char(n, 'FM000000000000'))::uuid, NULL, 'phone', 'Support',
    timestamptz '2026-10-12 08:00Z' + n * interval '1 hour', 30, 'answered', NULL, true, 'Ben' FROM generate_series(1, 20) AS n;
CREATE TABLE agents (name text, team text);
CREATE SCHEMA "Other";
CREATE TABLE "Other".hidden (wait_s int, outcome text);
CREATE ROLE reader LOGIN PASSWORD 'hush-9f3b';
GRANT SELECT ON calls, agents TO reader;
"""


@pytest.fixture(scope="module")
def server():
    """Address and log file of a server that knows ``boss``, who made it, and ``reader``."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [
        Path(where) for where in [shutil.which("initdb")] if where
    ]
    if not found:
        pytest.skip("no PostgreSQL server here: apt-get install postgresql")
    bin_, root = found[-1].parent, os.getuid() == 0
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(*command: str) -> None:  # the server refuses to be root's
        subprocess.run(
            [*(["runuser", "-u", "postgres", "--"] if root else []), *command], check=True, capture_output=True
        )

    (home / "password").write_text(PASSWORD)
    if root:
        for path in (home, home / "password"):
            shutil.chown(path, "postgres")
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off -c log_statement=all"
    try:
        run(
            str(bin_ / "initdb"), "-D", f"{home}/data", "-U", "boss", "-A", "scram-sha-256", f"--pwfile={home}/password",
            "--no-sync", "-E", "UTF8", "--locale=C",
        )  # fmt: skip
        run(str(bin_ / "pg_ctl"), "-D", f"{home}/data", "-w", "-o", options, "-l", f"{home}/log", "start")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PGPASSWORD", PASSWORD)
            execute(f"postgresql://boss@127.0.0.1:{port}/postgres", *CALLS.split(";\n"))
        yield f"127.0.0.1:{port}/postgres", home / "log"
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            run(str(bin_ / "pg_ctl"), "-D", f"{home}/data", "-m", "immediate", "stop")
        shutil.rmtree(home, ignore_errors=True)


def execute(address: str, *statements: str) -> None:
    with connect(address, autocommit=True) as connection, connection.cursor() as cursor:
        for statement in filter(str.strip, statements):
            cursor.execute(statement)


@pytest.fixture
def calls(server, monkeypatch) -> str:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    return f"postgresql://reader@{server[0]}"


def as_boss(address: str) -> str:
    return address.replace("reader@", "boss@")


def test_a_period_of_a_table_is_its_rows(calls):
    log = load(calls, **BERLIN)
    assert log.counts == {"read": 29, "kept": 25, "set_aside": 4}
    assert log.files.to_dict("records") == [{"path": calls, "used": True, "reason": ""}]
    month = log.period("2026-10")
    assert month.counts == {"read": 28, "kept": 23, "set_aside": 5, "other_periods": 1, "undated": 1}
    assert dict(month.set_aside.itertuples(index=False)) == {
        "no readable wait_s": 2, "negative wait_s": 1, "the same row again": 1, "no readable opened_at": 1,
    }  # fmt: skip
    columns = "contact_id[-1:], customer_key, queue, opened_at, queued, wait_s, outcome, handle_s"
    rows = sorted(month.contacts.filter("queue IS DISTINCT FROM 'Support'").select(columns).fetchall())
    assert rows == [
        ("1", rows[1][1], "Sales", datetime(2026, 10, 1, 8), True, 12.0, "answered", 99.0),
        ("2", rows[0][1], None, datetime(2026, 10, 2, 10), True, 1.897, "abandoned", None),
        ("3", None, "Sales", datetime(2026, 10, 31, 23, 59, 59), False, 0.0, "answered", 86401.0),
    ]
    assert len(rows[0][1]) == 16


def test_a_time_with_a_zone_needs_one_and_a_time_without_is_taken_as_it_stands(calls):
    with pytest.raises(LogError, match="timezone"):
        load(calls).counts  # noqa: B018
    local = "SELECT opened_at AT TIME ZONE 'UTC' AS opened_at, make_interval(secs => wait_s) AS wait_s, outcome FROM calls WHERE wait_s BETWEEN 1 AND 100"
    month = load(calls, query=local).period("2026-10")
    found = month.contacts.select("opened_at, wait_s").order("opened_at").fetchall()
    assert found[0] == (datetime(2026, 10, 1, 6), 12.0)
    assert found[-1] == (datetime(2026, 10, 31, 23, 30), 5.0)


def test_a_query_says_which_rows_and_how_columns_are_called(calls):
    query = "SELECT opened_at AS start, wait_s, CASE outcome WHEN 'answered' THEN 'done' ELSE 'lost' END AS result FROM calls WHERE queued;"
    outcome = {"column": "result", "words": {"done": "answered", "lost": "abandoned"}}
    log = load(calls, query=query, mapping={"opened_at": "start", "outcome": outcome}, **BERLIN)
    assert log.counts["read"] == 28
    with pytest.raises(
        LogQuestionError, match=r'outcome = \{ column = "result", words = \{ .*lost.* = "abandoned"'
    ) as asked:
        load(calls, query=query)
    assert 'opened_at = { column = "start" }' in str(asked.value)
    with pytest.raises(LogError, match="two columns 'a'"):
        load(calls, query="SELECT 1 AS a, 2 AS a")


@pytest.mark.parametrize("base", ["postgresql", "duckdb"])
def test_of_several_tables_that_fit_one_must_be_named(base, request, tmp_path):
    if base == "postgresql":
        source = as_boss(request.getfixturevalue("calls"))
        other = 'log_query = "SELECT * FROM \\"Other\\".hidden"'
    else:
        source = str(tmp_path / "calls.duckdb")
        with duckdb.connect(source) as engine:
            engine.execute(
                "CREATE TABLE calls AS SELECT 3 AS wait_s, 'answered' AS outcome; CREATE TABLE agents (name TEXT)"
            )
            engine.execute('CREATE VIEW "The Calls" AS FROM calls')
        other = 'log_query = "SELECT * FROM \\"The Calls\\""'
    with pytest.raises(LogQuestionError, match="2 tables could be the log") as asked:
        load(source)
    lines = str(asked.value).split("\n\n")[1].split("\n")
    assert sorted(lines) == sorted(['log_query = "SELECT * FROM calls"', other])
    assert load(source, query="SELECT * FROM calls", **BERLIN).counts["read"] > 0


@pytest.mark.parametrize(
    ("change", "query", "message"),
    [
        (("127.0.0.1:", "127.0.0.1:1"), None, "cannot|failed|invalid port"),
        (("/postgres", "/nowhere"), None, r'database "nowhere" does not exist\. Check the name\.'),
        (("reader@", "nobody@"), None, "password authentication failed .* read from PGPASSWORD"),
        (("", ""), "SELECT * FROM nowhere", 'relation "nowhere" does not exist'),
        (("", ""), 'SELECT * FROM "Other".hidden', r"permission denied for schema Other\. Ask for the right"),
        (("", ""), "SELEC 1", "syntax error"),
        (("", ""), "SELECT *, 1 / (wait_s - 12) AS x FROM calls WHERE wait_s = 12", "division by zero"),
        (("reader@", "boss@"), "SELECT setval('numbers', 9)", "read-only transaction"),
    ],
)
def test_what_the_server_says_is_one_sentence(calls, capsys, change, query, message):
    execute(as_boss(calls), "CREATE SEQUENCE IF NOT EXISTS numbers")
    address = calls.replace(*change, 1) if change[0] else calls
    with pytest.raises(LogError, match=message) as told:
        load(address, query=query)
    assert "\n" not in str(told.value)
    assert str(told.value).startswith(address)
    assert command_line.main(["look", address, *(["--query", query] if query else [])]) == 2
    said = capsys.readouterr()
    assert PASSWORD not in said.out + said.err + str(told.value)


@pytest.mark.parametrize("address", ["postgresql://reader:hush@h/db", "postgresql://h/db?user=a&password=hush"])
def test_a_password_in_the_address_is_refused_and_not_repeated(address):
    with pytest.raises(LogError, match=r"Take it out; it is read from PGPASSWORD or ~/\.pgpass") as told:
        load(address)
    assert "hush" not in str(told.value)


def test_a_table_is_read_anew_and_each_time_as_it_is(calls):
    query = "SELECT * FROM changing"
    execute(
        as_boss(calls), "CREATE TABLE changing AS SELECT * FROM calls LIMIT 2", "GRANT SELECT ON changing TO reader"
    )
    assert load(calls, query=query, **BERLIN).counts["read"] == 2
    execute(as_boss(calls), "INSERT INTO changing SELECT * FROM calls OFFSET 2 LIMIT 1")
    assert load(calls, query=query, **BERLIN).counts["read"] == 3
    execute(as_boss(calls), "DROP TABLE changing")


def test_a_report_asks_the_server_once_and_keeps_no_password_and_no_id(server, calls, tmp_path, monkeypatch):
    for name in ("reports", "notebooks"):
        (tmp_path / name).mkdir()
    (tmp_path / "reports" / "small.toml").write_text(
        'title = "Small"\nperiod = "month"\nnotebooks = ["one"]\n\n[parameters]\n'
        f'log = "{calls}"\nlog_query = "SELECT * FROM calls"\ntimezone = "Europe/Berlin"\n'
    )
    cells = [
        new_code_cell('log: str = ""\nlog_query: str = ""\ntimezone: str = ""\nperiod: str = ""', metadata={"tags": ["parameters"]}),
        new_code_cell(
            "import cxresearch as cx\nmonth = cx.load(log, query=log_query, timezone=timezone).period(period)\n"
            "assert month.counts['kept'] == 23\nmonth.counts"
        ),
    ]  # fmt: skip
    kernel = {"kernelspec": {"name": "python3", "language": "python", "display_name": "x"}}
    nbformat.write(new_notebook(cells=cells, metadata=kernel), tmp_path / "notebooks" / "one.ipynb")
    monkeypatch.setattr(command_line, "ROOT", tmp_path)
    monkeypatch.setenv("CXRESEARCH_CHROMIUM", "")
    before = server[1].read_text().count('COPY (SELECT "contact_id"')
    out = tmp_path / "out"
    assert command_line.main(["report", "small", "--period", "2026-10", "--out", str(out)]) == 0
    assert server[1].read_text().count('COPY (SELECT "contact_id"') == before + 1
    record = json.loads((out / "small" / "2026-10" / "run.json").read_text())
    (entry,) = record["inputs"]
    assert entry["path"] == calls
    assert entry["rows"] == 29
    assert entry["query"] == "SELECT * FROM calls"
    assert entry["sha256_of"] == "the rows as fetched"
    assert entry["fetched_utc"] <= record["finished_utc"]
    for path in filter(Path.is_file, out.rglob("*")):
        assert PASSWORD.encode() not in path.read_bytes(), path
        assert b"70007" not in path.read_bytes(), path


def test_the_private_copy_holds_no_id_and_no_column_that_is_not_read(calls, tmp_path):
    with kept_in(tmp_path / "run"):
        load(calls, **BERLIN)
        (copy,) = (tmp_path / "run").rglob("rows.parquet")
        assert (tmp_path / "run").stat().st_mode & 0o77 == 0
        table = pd.read_parquet(copy)
        assert "agent" not in table
        assert not table.astype(str).isin(["70007", "Anna"]).any().any()
        assert PASSWORD not in copy.with_name("fetched.json").read_text()


def test_new_looks_at_a_database_and_writes_the_query_down(calls, tmp_path, monkeypatch, capsys):
    (tmp_path / "reports").mkdir()
    monkeypatch.setattr(command_line, "ROOT", tmp_path)
    query = "SELECT * FROM calls WHERE queued"
    given = ["--query", query, "--timezone", "Europe/Berlin"]
    assert command_line.main(["new", "mine", "--from", calls, *given]) == 0
    assert "28 rows read, 23 kept, 5 set aside" in capsys.readouterr().out
    text = (tmp_path / "reports" / "mine.toml").read_text()
    assert f'log = "{calls}"\nlog_query = "{query}"\n' in text


# --- DuckDB files


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "calls.duckdb"
    with duckdb.connect(str(path)) as engine:
        engine.execute(
            "CREATE TABLE calls AS SELECT * FROM (VALUES (TIMESTAMPTZ '2026-10-01 08:00:00+02', INTERVAL 90 SECOND, 'answered', 'a'), "
            "(TIMESTAMPTZ '2026-10-31 23:30:00+00', INTERVAL '-1' SECOND, 'abandoned', 'a'), (NULL, NULL, NULL, NULL)) "
            "AS t(opened_at, wait_s, outcome, customer_key) UNION ALL SELECT TIMESTAMPTZ '2026-10-12 08:00:00+00' + to_hours(n::INT), "
            "INTERVAL 30 SECOND, 'answered', NULL FROM range(10) AS r(n)"
        )
        engine.execute("CREATE TABLE agents (name TEXT)")
    return path


def test_the_one_table_of_a_file_that_fits_is_the_log(file, capsys):
    log = load(file, **BERLIN)
    assert log.counts == {"read": 13, "kept": 11, "set_aside": 2}
    assert log.contacts.select("opened_at, wait_s").order("opened_at").limit(1).fetchall() == [
        (datetime(2026, 10, 1, 8), 90.0)
    ]
    assert load(str(file), query="SELECT * FROM calls LIMIT 1", **BERLIN).period("2026-10").counts["read"] == 1
    assert command_line.main(["look", str(file), "--timezone", "Europe/Berlin"]) == 0
    assert "calls.duckdb: columns by their names" in capsys.readouterr().out


def test_a_file_that_cannot_be_read_is_told_in_one_sentence(file, tmp_path):
    (tmp_path / "no.duckdb").write_text("nothing " * 1000)
    for source, query, message in (
        (tmp_path / "no.duckdb", None, "is no DuckDB file"), (tmp_path / "none.duckdb", None, "there is no file"),
        (file, "SELECT * FROM nowhere", "nowhere does not exist"), (file, "SELECT name FROM agents", "no column 'wait_s'"),
    ):  # fmt: skip
        with pytest.raises(LogError, match=message) as told:
            load(source, query=query)
        assert "\n" not in str(told.value)
    with duckdb.connect(str(file)), pytest.raises(LogError, match="is open in this process"):
        load(file)
    with pytest.raises(LogError, match="a query is for a database"):
        load(str(tmp_path / "log.csv"), query="SELECT 1")


def test_a_question_of_look_is_answered_by_the_line_it_gives(file):
    with duckdb.connect(str(file)) as engine:
        engine.execute("CREATE TABLE chats AS FROM calls")
    asked = look_at(file)["question"]
    assert "2 tables could be the log" in asked
    assert look_at(file, query="SELECT * FROM chats", **BERLIN)["read"] == 13
