"""Made-up exports, true to the layouts of tools that nobody told us of: what ``look`` prints is followed to the truth."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import tomllib
import zipfile
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

import pytest

from cxresearch.__main__ import main
from cxresearch.contacts import load, look_at
from cxresearch.contacts.canonical import first_line, listed
from cxresearch.contacts.mapping import parse_mapping
from cxresearch.contacts.suggest import seen_of, suggested

BERLIN = ["--timezone", "Europe/Berlin"]


class Call:
    """One contact of the truth; every third gave up."""

    def __init__(self, n: int) -> None:
        self.id, self.caller, self.lost = f"{7_000_001 + 3 * n}", f"+4915100000{n % 9:02d}", n % 3 == 1
        self.at = datetime(2026, 10, 1 + n % 28, 8 + n % 10, n * 7 % 60, n * 11 % 60)
        self.wait, self.queue = 5 + n * 37 % 290, ("Billing", "Orders")[n % 2]
        self.answered = self.at + timedelta(seconds=self.wait)
        self.left = self.answered + timedelta(seconds=0 if self.lost else 100)
        self.utc = self.at - timedelta(hours=2 if self.at.day < 25 else 1)


CALLS = [Call(n) for n in range(42)]


def clock(seconds: float) -> str:
    return f"{int(seconds) // 3600:02d}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}"


def table(header, row, *, end="\r\n", delimiter=",", encoding="utf-8", above="", below=()):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    writer.writerows([header, *map(row, CALLS), *below])
    return (above + text.getvalue()).encode(encoding)


def sheet(rows) -> bytes:
    """A workbook with two sheets, a cover and these rows: the least that a spreadsheet program writes."""

    def cell(value):
        if isinstance(value, bool):
            return f'<c t="b"><v>{int(value)}</v></c>'
        return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'

    def page(lines):
        body = "".join(f"<row>{''.join(map(cell, line))}</row>" for line in lines)
        return f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{body}</sheetData></worksheet>'

    office, package = (
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
        "http://schemas.openxmlformats.org/package/2006",
    )
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    links = "".join(
        f'<Relationship Id="r{n}" Type="{office}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in (1, 2)
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="{kind}.worksheet+xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{office}"><sheets>'
        '<sheet name="About" sheetId="1" r:id="r1"/><sheet name="Calls" sheetId="2" r:id="r2"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships">{links}</Relationships>',
        "xl/worksheets/sheet1.xml": page([["An export of calls"]]), "xl/worksheets/sheet2.xml": page(rows),
    }  # fmt: skip
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as book:
        for name, text in parts.items():
            book.writestr(name, text)
    return data.getvalue()


def half(t: datetime) -> str:
    return f"{t.hour % 12 or 12}:{t:%M:%S} {'a. m.' if t.hour < 12 else 'p. m.'}"


MIDDLE = ["Call\nStart", "", "Queue", "Queue", "Wait\nTime [s]", "Call\nresult"]
# Each: the file's name, its bytes, and what is chosen where two readings fit.
READ = {
    "a PBX with totals below and titles above": ("a.csv", table(
        ["Call Time", "Caller ID", "Destination", "Status", "Ringing", "Talking"],
        lambda c: [f"{c.at:%m/%d/%Y %I:%M:%S %p}", c.caller, c.queue, "Unanswered" if c.lost else "Answered", clock(c.wait), "00:01:40"],
        above="Call Report\r\nFrom 10/1/2026 to 10/31/2026\r\n\r\n", below=[["Totals", "", "", "", "01:02:03", "02:00:00"]]), ""),
    "halves of a day in Spanish, clocks of two parts": ("a.csv", table(
        ["Id. de llamada", "Fecha y hora", "Cola", "Tiempo de espera", "Resultado"],
        lambda c: [c.id, f"{c.at:%d/%m/%Y} {half(c.at)}", c.queue, f"{c.wait // 60}:{c.wait % 60:02d}", "Abandonada" if c.lost else "Atendida"],
        delimiter=";", encoding="cp1252"), "mm:ss"),
    "milliseconds since 1970 and of waiting": ("a.csv", table(
        ["Contact Session ID", "Channel Type", "Contact Start Timestamp", "Queue Name", "Queue Duration", "Termination Type"],
        lambda c: [c.id, "telephony", int((c.utc - datetime(1970, 1, 1)).total_seconds() * 1000), c.queue, c.wait * 1000,
                   "abandoned" if c.lost else "normal"]), '"ms"'),
    "tasks in JSON, names within names": ("a.json", json.dumps([{
        "sid": c.id, "date_created": f"{c.utc:%Y-%m-%dT%H:%M:%SZ}", "attributes": {"from": c.caller, "conversations": {
            "queue": c.queue, "queue_time": c.wait, "abandoned": "Yes" if c.lost else "No", "talk_time": None if c.lost else 100}}}
        for c in CALLS], indent=1).encode(), ""),
    "records in a list that an object holds": ("a.json", json.dumps({"_metadata": {"count": 42}, "records": [{"info": {
        "conversationId": c.id, "startTime": f"{c.utc:%Y-%m-%d %H:%M:%S}.000+0000", "waitTime": c.wait, "abandoned": c.lost,
        "channels": ["chat"]}} for c in CALLS]}).encode(), ""),
    "several columns that say how it ended": ("a.csv", table(
        ["Call ID", "Started", "Wait Time (sec)", "Answered", "Voicemail", "Abandoned"],
        lambda c: [c.id, c.at, c.wait, "No" if c.lost else "Yes", "Yes" if c.lost and c.wait % 2 else "No",
                   "Yes" if c.lost and not c.wait % 2 else "No"]), ""),
    "no for what is not written": ("a.csv", table(
        ["Contact ID", "Start Time", "Time in Queue", "Abandoned?"],
        lambda c: [c.id, c.at, f"00:{c.wait // 60:02d}:{c.wait % 60:02d}.250", "Y" if c.lost else ""]), ""),
    "outgoing and internal calls between": ("a.csv", table(
        ["Date", "Heure", "Sens", "File d'attente", "Durée d'attente", "État"],
        lambda c: [f"{c.at:%d/%m/%Y}", f"{c.at:%H:%M:%S}", "Entrant", c.queue, f"{c.wait // 60}m {c.wait % 60}s", "Manqué" if c.lost else "Répondu"],
        delimiter=";", below=[["05/10/2026", "10:00:00", "Sortant", "", "0m 0s", "Répondu"]] * 3), ""),
    "spans as times after 1970": ("a.csv", table(
        ["number", "opened_at", "wait_time", "state"],
        lambda c: [f"IMS{c.id}", c.at, f"1970-01-01 {clock(c.wait)}", "closed_abandoned" if c.lost else "closed_complete"]), ""),
    "a comma in the numbers, a sum below": ("a.csv", table(
        ["Datum", "Uhrzeit", "Rufnummer", "Wartezeit (Sek.)", "Ergebnis"],
        lambda c: [f"{c.at:%d.%m.%Y}", f"{c.at:%H:%M:%S}", c.caller, f"{c.wait},0", "verloren" if c.lost else "angenommen"],
        delimiter=";", below=[["Summe", "", "", "6543,0", "42 Anrufe"]]), ""),
    "Polish letters of an old code page": ("a.csv", table(
        ["Data połączenia", "Kolejka", "Czas oczekiwania", "Status połączenia"],
        lambda c: [c.at, "Płatności", clock(c.wait), "Porzucone" if c.lost else "Odebrane"], delimiter=";", encoding="cp1250"), ""),
    "parts of a day, as a spreadsheet counts": ("a.csv", table(
        ["Call", "Start", "Wait", "Status"],
        lambda c: [c.id, f"{(c.at - datetime(1899, 12, 30)).total_seconds() / 86400:.6f}", f"{c.wait / 86400:.9f}", "ABN" if c.lost else "ANS"]), '"d"'),
    "two times, NULL where nobody answered": ("a.csv", table(
        ["id", "created", "answered_at", "ended_at", "line"],
        lambda c: [c.id, c.at, "NULL" if c.lost else c.answered, c.left, c.queue]), ""),
    "an answer that is a time, a dash without one": ("a.csv", table(
        ["Ref", "Offered", "Answered", "Cleared"],
        lambda c: [c.id, f"{c.at:%d-%m-%Y %H:%M:%S}", "-" if c.lost else f"{c.answered:%d-%m-%Y %H:%M:%S}", f"{c.left:%d-%m-%Y %H:%M:%S}"]), ""),
    "names over two lines, twice or not at all, the header again": ("a.csv", table(
        MIDDLE, lambda c: [c.at, "", c.queue, "Q7", c.wait, "lost" if c.lost else "taken"], below=[MIDDLE, ["Total", "", "", "", "42", ""]]), ""),
    "an apostrophe in every name and word": ("a.csv", table(
        ["Début d'appel", "Temps d'attente (s)", "Résultat de l'appel"],
        lambda c: [f"{c.at.day} oct. 2026 {c.at:%H:%M:%S}", c.wait, "Abandonné par l'appelant" if c.lost else "Traité par l'agent"], delimiter=";"), ""),
    "empty where somebody gave up, beside words": ("a.csv", table(
        ["Start", "Wait", "Disposition"], lambda c: [c.at, c.wait, "" if c.lost else "Connected"]), 'missing = "abandoned"'),
    "what came of a call, in many words": ("a.csv", table(
        ["Start", "Wait (s)", "Disposition"], lambda c: [c.at, c.wait, "Abandoned" if c.lost else f"Reason {c.wait % 20}"]), ""),
    "a word that nobody knows": ("a.csv", table(
        ["Started at", "Waiting time", "Conversation status"],
        lambda c: [f"{c.at:%b %d, %Y, %I:%M:%S%p}".lower(), f"{c.wait // 60}m {c.wait % 60}s", "Unassigned" if c.lost else "Solved"]), ""),
    "a spreadsheet with a cover, groups and their totals": ("a.xlsx", sheet([
        ["Calls of October"], [], ["Queue", "Arrived", "Answered", "Left", "Abandoned"],
        *([c.queue if n == 0 else "", c.at, "" if c.lost else c.answered, c.left, c.lost] for n, c in enumerate(CALLS)),
        ["Billing Total", "", "", "", 42], ["Grand Total", "", "", "", 42]]), ""),
    "a comment over two lines in the first record": ("a.csv", table(
        ["Comment", "Start", "Wait (s)", "Result"], lambda c: ["said:\n\"no\"", c.at, c.wait, "Abandoned" if c.lost else "Answered"]), ""),
    "canonical names but for the time": ("a.csv", table(
        ["created", "wait_s", "outcome"], lambda c: [c.at, c.wait, "abandoned" if c.lost else "answered"]), ""),
}  # fmt: skip


def look(words, capsys):
    code = main(["look", *words])
    return code, capsys.readouterr().out


def follow(path, choice, capsys):
    """What ``look`` prints, pasted until it reads: the last words of the command, and what was printed on the way."""
    words, said = [str(path), *BERLIN], []
    for _ in range(3):
        code, text = look(words, capsys)
        said.append(text)
        if code == 0:
            return words, said
        command = shlex.split(text.split("\nThen: ")[1])
        assert command[:4] == ["cxresearch", "new", "NAME", "--from"], text
        words = command[4:]
        if "<the line that is true>" in words[-1]:
            lines = re.findall(r"\w+ = \{(?:[^{}]|\{[^{}]*\})*\}", text.split("\nThen: ")[0])
            chosen = [line for line in lines if choice in line]
            assert chosen, (choice, lines, text)
            words[-1] = words[-1].replace("<the line that is true>", chosen[0])
    raise AssertionError("\n".join(said))


# Kinds of cells that tests/contacts/test_cells.py tells apart, too.
AT_NIGHT = {
    "milliseconds since 1970 and of waiting", "a comma in the numbers, a sum below", "what came of a call, in many words",
    "a word that nobody knows", "outgoing and internal calls between", "two times, NULL where nobody answered",
    "spans as times after 1970", "halves of a day in Spanish, clocks of two parts",
}  # fmt: skip
ENGINE_OF_ITS_OWN = ("JSON", "object", "spreadsheet with", "two lines")  # a report reads these as look does


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.slow) if case in AT_NIGHT else case for case in READ]
)
def test_what_look_prints_leads_to_the_truth(case, tmp_path, capsys):
    name, data, choice = READ[case]
    (tmp_path / "o'clock").mkdir()
    path = tmp_path / "o'clock" / name
    path.write_bytes(data)
    words, said = follow(path, choice, capsys)
    assert len(said) == (3 if choice else 2), "one question for the columns, one where two readings fit"
    assert all(len(text.split("\nThen: ")[0]) < 1200 for text in said[:-1])
    mapping = tomllib.loads(words[-1])
    log = load(path, mapping=mapping, timezone="Europe/Berlin")
    assert log.counts["read"] == log.counts["kept"] + log.counts["set_aside"]
    found = log.contacts.df().sort_values(["opened_at", "wait_s"], ignore_index=True)
    truth = sorted(CALLS, key=lambda c: (c.at, c.wait))
    assert found["opened_at"].astype(str).str[:19].tolist() == [str(c.at) for c in truth]
    fraction = 0.25 if ".250" in data.decode("latin-1") else 0
    assert found["wait_s"].tolist() == pytest.approx([c.wait + fraction for c in truth], abs=1e-3)
    assert found["outcome"].tolist() == ["abandoned" if c.lost else "answered" for c in truth]
    if any(word in case for word in ENGINE_OF_ITS_OWN):
        assert log.period("2026-10").counts["kept"] == len(truth)


TICKETS = table(
    ["Ticket Id", "Created Time (Ticket)", "Status (Ticket)", "Channel", "First Response Time"],
    lambda c: [c.id, f"{c.at:%d %b %Y %I:%M %p}", "Open" if c.lost else "Closed", "Email" if c.wait % 2 else "Facebook",
               "" if c.lost else f"{c.wait // 60:02d}:{c.wait % 60:02d} hrs"],
)  # fmt: skip


def test_tickets_without_an_answer_are_open_and_hours_are_hours(tmp_path, capsys):
    path = tmp_path / "tickets.csv"
    path.write_bytes(TICKETS)
    words, _ = follow(path, "", capsys)
    found = load(path, mapping=tomllib.loads(words[-1])).contacts.df().sort_values("opened_at")
    answered = [60 * c.wait for c in sorted(CALLS, key=lambda c: c.at) if not c.lost]
    assert found.loc[found["outcome"] == "answered", "wait_s"].tolist() == answered
    assert (found["outcome"] == "open").sum() == sum(c.lost for c in CALLS)
    assert set(found["channel"]) == {"email", "social"}


REFUSED = {
    "sums by the half hour": (["Split", "Date", "Time", "ACD Calls", "Avg Speed Ans", "Aban Calls"],
                              lambda c: [c.queue, f"{c.at:%m/%d/%y}", f"{c.at:%H:%M}", 7, 12.5, 2], "'ACD Calls' is a number of contacts, such as 7"),
    "a count beside the outcome": (["Date", "Hour", "Disposition", "Calls", "Avg Wait"],
                                   lambda c: [f"{c.at:%m/%d/%Y}", "8:00", "Answered", 7, "00:00:12"], "a row is a sum and no contact"),
    "weeks and no days": (["Week", "Weekday", "Wait (min)", "Outcome"], lambda c: ["2026-W41", 3, 1.5, "Answered"], "looks like the time"),
    "the whole length of a call": (["datetime (UTC)", "answered", "duration (total)", "duration (in call)"],
                                   lambda c: [c.utc, "Yes", c.wait + 100, 100], "None of them looks like wait_s"),
    "eighty columns": ([f"Metric {n} of the interval" for n in range(80)], lambda c: range(80), "and 68 more"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_holds_no_waits_is_refused_by_name(case, tmp_path, capsys):
    header, row, expected = REFUSED[case]
    path = tmp_path / "log.csv"
    path.write_bytes(table(header, row))
    code, text = look([str(path)], capsys)
    if "\nThen: " in text:
        code, text = look(shlex.split(text.split("\nThen: ")[1])[4:], capsys)
    assert code == 2
    assert expected in text
    assert len(text) < 1200


def test_ids_that_a_spreadsheet_cut_are_unknown_and_said(tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes(table(["contact_id", "customer_key", "opened_at", "wait_s", "outcome"],
                           lambda c: ["1.002E+11", "4,91512E+12", c.at, c.wait, "answered"]))  # fmt: skip
    log = load(path)
    assert log.repaired.to_dict("records") == [
        {"repair": "contact_id and customer_key: cut by a spreadsheet, such as 1.23E+11: left unknown", "rows": 42}
    ]
    assert log.contacts.df()[["contact_id", "customer_key"]].isna().all(axis=None)


def test_two_sheets_with_tables_are_asked_about(tmp_path):
    rows = [["opened_at", "wait_s", "outcome"], *([str(c.at), c.wait, "answered"] for c in CALLS)]
    data = sheet(rows)
    path = tmp_path / "log.xlsx"
    with zipfile.ZipFile(io.BytesIO(data)) as book, zipfile.ZipFile(path, "w") as both:
        for name in book.namelist():
            source = name.replace("sheet1.xml", "sheet2.xml") if "worksheets/" in name else name
            both.writestr(name, book.read(source))
    assert "2 sheets with tables: About, Calls" in look_at(path)["error"]


def test_a_word_for_nothing_may_still_be_given_a_meaning(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("opened_at,wait_s,outcome\n2026-10-01 08:00,5,-\n2026-10-01 09:00,6,answered\n")
    mapping = {"outcome": {"column": "outcome", "words": {"-": "abandoned"}}}
    assert sorted(load(path, mapping=mapping).contacts.df()["outcome"]) == ["abandoned", "answered"]


def test_unknown_words_get_one_line_with_all_of_them_and_what_was_said(tmp_path, capsys):
    path = tmp_path / "log.csv"
    path.write_bytes(table(["opened_at", "wait_s", "outcome"], lambda c: [c.at, c.wait, "X" if c.lost else "Y"]))
    _, text = look([str(path), "--map", 'outcome = { column = "outcome", words = { Y = "answered" } }'], capsys)
    assert 'outcome = { column = "outcome", words = { y = "answered", x = "abandoned" } }' in text


def test_look_says_which_days_and_channels_are_missing_and_how_many_waits_are_none(tmp_path, capsys):
    path = tmp_path / "log.csv"
    rows = "".join(
        f"2026-10-{day:02d} 09:{n:02d}:00,{'chat' if n % 2 and day <= 14 else 'phone'},{0 if n == 0 else 30},answered\n"
        for day in range(1, 31) if day not in (4, 5) for n in range(10)
    )  # fmt: skip
    path.write_text(f"opened_at,channel,wait_s,outcome\n{rows}2026-10-30 10:00:00,phone,20,abandoned\n")
    code, text = look([str(path)], capsys)
    assert code == 0
    assert "2 days without a contact: 2026-10-04, 2026-10-05" in text
    assert "chat has no contact after 2026-10-14" in text
    assert "phone has no" not in text
    assert "10.0 % are exactly 0" in text
    assert text.rstrip().endswith(f"Then: cxresearch new NAME --from {path}")


def test_what_is_said_is_kept_when_the_rest_is_guessed():
    names = ["Start", "Wait", "Result", "Line"]
    seen = seen_of(
        names, [["2026-10-01 08:00", "5", "Lost", "A"], ["2026-10-01 09:00", "7", "OK", "A"], ["Total", "12", "", ""]]
    )
    assert seen["Wait"] == ("5", "7"), "a line of totals is no cell"
    lines = suggested(names, seen)
    assert lines["outcome"] == 'outcome = { column = "Result", words = { Lost = "abandoned", OK = "answered" } }'
    given = parse_mapping({"wait_s": {"column": "Wait", "unit": "min"}}).sources
    assert suggested(names, seen, given)["wait_s"] == 'wait_s = { column = "Wait", unit = "min" }'


def test_long_lists_are_cut_and_long_errors_too():
    assert listed(range(14)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more"
    assert listed(["a\nb", "c" * 50]) == f"a b, {'c' * 39}…"
    assert first_line(ValueError("x" * 300 + "\nsettings")) == "x" * 200


def test_a_long_list_of_files_is_cut(tmp_path, capsys):
    (tmp_path / "log.csv").write_bytes(table(["opened_at", "wait_s", "outcome"], lambda c: [c.at, c.wait, "answered"]))
    for n in range(14):
        (tmp_path / f"other {n:02d}.csv").write_text("a,b\n1,x\n")
    code, text = look([str(tmp_path)], capsys)
    assert code == 0
    assert (text.count("left out"), "and 2 more files" in text) == (12, True)
