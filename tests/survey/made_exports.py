"""One truth in the layouts of survey tools: 40 respondents, asked whom they told if they had a problem."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd
import pyreadstat

PROBLEM, TOLD, AGE = "Did you have a problem?", "Whom did you tell?", "How old are you?"
CHOICES = ("In person", "E-mail", "Phone, or fax", "Social media")
RULE = {PROBLEM: "Yes"}


def truth(n: int = 40, seed: int = 1) -> pd.DataFrame:
    """``problem, age`` and a 0/1 column a choice, missing where nobody was asked; some asked ticked nothing."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"problem": rng.random(n) < 0.8, "age": rng.choice(["under 35", "35 and over"], n)})
    for place, choice in enumerate(CHOICES):
        rows[choice] = (rng.random(n) < 0.25 + 0.1 * place).astype(float)
    rows.loc[:4, list(CHOICES)] = 0.0
    rows.loc[[5, 6, 7, 8], list(CHOICES)] = np.eye(4)
    rows.loc[:8, "problem"] = True
    rows.loc[[9, 10], "problem"] = False
    rows.loc[~rows["problem"], list(CHOICES)] = np.nan
    return rows


def _ticked(row: pd.Series) -> list[str]:
    return [choice for choice in CHOICES if row[choice] == 1]


def written(path: Path, rows: Sequence[Sequence[object]], *, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def sheet(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    """The smallest spreadsheet that there is."""

    def cell(value: object) -> str:
        return f'<c t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'

    body = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        file.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>'
        )
        file.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="Form1" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        file.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
    return path


def qualtrics(path: Path, rows: pd.DataFrame, *, seen: bool = False, extra: Sequence[Sequence[object]] = ()) -> Path:
    """Three lines of header; ``seen``: the option that marks a question that was seen and left empty by -99."""
    names = ["StartDate", "Status", "IPAddress", "Finished", "RecordedDate", "ResponseId", "RecipientEmail", "Q1"]
    names += [f"Q2_{place}" for place in range(1, 5)] + ["Q2_4_TEXT", "QAge"]
    texts = [
        "Start Date",
        "Response Type",
        "IP Address",
        "Finished",
        "Recorded Date",
        "Response ID",
        "Recipient Email",
        PROBLEM,
    ]
    texts += [f"{TOLD} - Selected Choice - {choice}" for choice in CHOICES] + [
        f"{TOLD} - Social media - Text",
        f"{AGE}\nIn years",
    ]
    lines: list[Sequence[object]] = [names, texts, [json.dumps({"ImportId": name}) for name in names]]
    for n, row in rows.iterrows():
        nothing = "-99" if seen and row["problem"] else ""
        ticks = [choice if row[choice] == 1 else nothing for choice in CHOICES]
        who = [
            "2026-10-02 09:12:11",
            "IP Address",
            "192.0.2.7",
            "True",
            f"2026-10-{2 + n % 9:02d} 09:15:12",
            f"R_{n}",
            "ann@example.com",
        ]
        lines.append([*who, "Yes" if row["problem"] else "No", *ticks, "", row["age"]])
    return written(path, [*lines, *extra], encoding="utf-8-sig")


def surveymonkey(path: Path, rows: pd.DataFrame) -> Path:
    first = ["Respondent ID", "Collector ID", "Start Date", "End Date", "IP Address", "Email Address", "First Name"]
    first += [PROBLEM, TOLD, "", "", "", "", AGE]
    second = [""] * 7 + ["Response", *CHOICES, "Other (please specify)", "Response"]
    lines: list[Sequence[object]] = [first, second]
    for n, row in rows.iterrows():
        ticks = [choice if row[choice] == 1 else "" for choice in CHOICES]
        who = [114_000_000 + n, 400, "10/02/2026 09:12:11 AM", "10/02/2026 09:15:11 AM", "192.0.2.7", "", "Ann"]
        lines.append([*who, "Yes" if row["problem"] else "No", *ticks, "", row["age"]])
    return written(path, lines)


def google(path: Path, rows: pd.DataFrame) -> Path:
    """The file that the form gives: ticks joined by a semicolon without a blank."""
    joined = [";".join(_ticked(row)) for _, row in rows.iterrows()]
    return _google(path, rows, joined)


def google_sheet(path: Path, rows: pd.DataFrame) -> Path:
    """The sheet behind the form: ticks joined by a comma and a blank, which a choice may hold, too."""
    return _google(path, rows, [", ".join(_ticked(row)) for _, row in rows.iterrows()])


def _google(path: Path, rows: pd.DataFrame, joined: Sequence[str]) -> Path:
    lines = [
        ["10/2/2026 9:12:11", "ann@example.com", "Yes" if problem else "No", ticks, age]
        for problem, ticks, age in zip(rows["problem"], joined, rows["age"], strict=True)
    ]
    return written(path, [["Timestamp", "Email Address", PROBLEM, TOLD, AGE], *lines])


def microsoft(path: Path, rows: pd.DataFrame) -> Path:
    """A spreadsheet; every tick ends with a semicolon."""
    lines: list[Sequence[object]] = [["ID", "Start time", "Completion time", "Email", "Name", PROBLEM, TOLD, AGE]]
    for n, row in rows.iterrows():
        ticks = "".join(f"{choice};" for choice in _ticked(row))
        lines.append(
            [
                n + 1,
                "2026-10-02 09:12:11",
                "2026-10-02 09:15:11",
                "anonymous",
                "",
                "Yes" if row["problem"] else "No",
                ticks,
                row["age"],
            ]
        )
    return sheet(path, lines)


def limesurvey(path: Path, rows: pd.DataFrame) -> Path:
    """Full answers: Yes, No, and N/A where the question was not shown."""
    return _limesurvey(path, rows, ("Yes", "No", "N/A"))


def limesurvey_codes(path: Path, rows: pd.DataFrame) -> Path:
    """Codes: Y, and nothing both for no and for not shown."""
    return _limesurvey(path, rows, ("Y", "", ""))


def _limesurvey(path: Path, rows: pd.DataFrame, words: tuple[str, str, str]) -> Path:
    codes = [f"Q2[SQ00{place}]" for place in range(1, 5)]
    lines: list[Sequence[object]] = [["id", "submitdate", "lastpage", "startlanguage", "ipaddr", "Q1", *codes, "QAge"]]
    for n, row in rows.iterrows():
        ticks = [words[2] if pd.isna(row[c]) else words[0] if row[c] == 1 else words[1] for c in CHOICES]
        lines.append(
            [n + 1, "2026-10-02 09:15:11", 3, "en", "192.0.2.7", "Y" if row["problem"] else "N", *ticks, row["age"]]
        )
    return written(path, lines, delimiter=";")


def spss(path: Path, rows: pd.DataFrame) -> Path:
    frame = pd.DataFrame({"q1": rows["problem"].map({True: 1.0, False: 2.0})})
    labels = {"q1": {1: "Yes", 2: "No"}}
    for place, choice in enumerate(CHOICES):
        name = f"q2_{place + 1}"
        frame[name] = rows[choice].fillna(9.0)  # not declared missing: the label says it
        labels[name] = {0: "Not quoted", 1: "Quoted", 9: "Not asked"}
    pyreadstat.write_sav(
        frame, str(path), variable_value_labels=labels, column_labels=[PROBLEM, *(f"{TOLD} {c}" for c in CHOICES)]
    )
    return path


# How each is written, and whether it shows who was asked.
TOOLS: dict[str, tuple[Callable[[Path, pd.DataFrame], Path], str, bool]] = {
    "Qualtrics": (qualtrics, "a.csv", False),
    "SurveyMonkey": (surveymonkey, "a.csv", False),
    "Google Forms": (google, "a.csv", False),
    "Google Forms, its sheet": (google_sheet, "a.csv", False),
    "Microsoft Forms": (microsoft, "a.xlsx", False),
    "LimeSurvey": (limesurvey, "a.csv", True),
    "LimeSurvey, codes": (limesurvey_codes, "a.csv", False),
    "SPSS": (spss, "a.sav", True),
}
