"""Is any log read wrong without a word? Made-up exports with a truth of their own: python benchmarks/odd_exports.py --logs 10000

Every log is drawn from its own seed: rows with a known time, wait and ending, written in one of many ways (delimiter,
encoding, titles above the header, order and case of names, forms of dates, clocks, units, decimal signs, words), and
damaged in some (cells that cannot be read, empty cells, negative waits, torn lines, a sum at the end, rows twice). What
may come of it is known without the reader:

- read: the rows kept are exactly the truth, and every other row is counted as set aside;
- asked: two readings fit; the reader names the column and the lines to write;
- refused: a sentence.

Anything else is a failure: rows that differ from the truth (silently wrong), rows that are nowhere (lost), an error of
another kind (traceback). Where a log must be read (nothing in it is doubtful), a question is counted apart as needless.
Results go to benchmarks/results/odd_exports.json and odd_exports.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import tempfile
import time
from collections import Counter
from datetime import date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cxresearch.contacts import LogError, LogQuestionError, load

HERE = Path(__file__).resolve().parent
DATES = {  # name -> (format, whether day and month can be taken for each other, whether seconds are kept)
    "iso": ("%Y-%m-%d %H:%M:%S", False, True), "iso T": ("%Y-%m-%dT%H:%M:%S", False, True), "iso minutes": ("%Y-%m-%d %H:%M", False, False),
    "german": ("%d.%m.%Y %H:%M:%S", False, True), "day first": ("%d/%m/%Y %H:%M:%S", True, True),
    "month first": ("%m/%d/%Y %H:%M", True, False), "am pm": ("%m/%d/%Y %I:%M:%S %p", True, True), "short year": ("%d/%m/%y %H:%M", True, False),
    "month name": ("%d %b %Y %H:%M:%S", False, True), "mail": ("%a, %d %b %Y %H:%M:%S", False, True), "slashes": ("%Y/%m/%d %H:%M:%S", False, True),
}  # fmt: skip
CLOCKS = ("seconds", "decimals", "comma", "hms", "days", "ms_clock", "iso8601", "unit", "grouped")
BROKEN = ("abc", "--", "1:2:3:4", "n.v.", "12..5")


class Case(NamedTuple):
    """One made-up log: its bytes, the rows that must be kept, how many others there are, and whether it may be asked about."""

    name: str
    content: bytes
    truth: list[tuple[datetime, float, str]]
    others: int
    doubtful: bool


def made(seed: int) -> Case:
    """A log from its seed."""
    rng = np.random.default_rng(seed)
    pick = lambda options: options[int(rng.integers(len(options)))]  # noqa: E731
    n = int(rng.integers(3, 60))
    form, clock = pick(list(DATES)), pick(CLOCKS)
    written, swappable, seconds = DATES[form]
    delimiter = pick([",", ";", "\t", "|"])
    first = datetime(2026, int(rng.integers(1, 13)), 1) + timedelta(days=int(rng.integers(0, 28)))
    span = pick([1, 5, 28])
    rows, doubtful = [], clock == "ms_clock"
    for _ in range(n):
        at = first + timedelta(days=int(rng.integers(span)), seconds=int(rng.integers(8 * 3600, 18 * 3600)))
        at = at if seconds else at.replace(second=0)
        wait = float(rng.integers(0, 5000 if clock in ("grouped", "hms", "days") else 900))
        if clock == "decimals":
            wait = round(wait + float(rng.integers(10)) / 10, 1)
        if clock == "comma":
            wait = round(wait + float(rng.integers(1, 100)) / 100, 2)
        rows.append((at, wait, pick(["answered", "answered", "abandoned", "open"])))
    if swappable:
        # With days and months alike in every row there is nothing to tell them apart by.
        doubtful |= all(at.day <= 12 for at, _, _ in rows) and any(at.day != at.month for at, _, _ in rows)
    cells = [_cell(wait, clock) for _, wait, _ in rows]
    if clock == "grouped":
        sign = pick([",", ".", " ", "'"])
        cells = [f"{int(wait):,}".replace(",", sign) for _, wait, _ in rows]
        doubtful |= sign in ",." and any(sign in cell for cell in cells)
    if clock == "decimals" and max((wait for _, wait, _ in rows), default=0) < 30:
        doubtful = True
    doubtful |= clock in ("seconds", "grouped") and n >= 30 and all(wait % 1000 == 0 for _, wait, _ in rows if wait)
    names = ["opened_at", "wait_s", "outcome", "queue", "contact_id"]
    if (style := pick(["as is", "title", "upper", "spaces"])) != "as is":
        names = [
            {"title": name.title(), "upper": name.upper(), "spaces": f" {name.replace('_', ' ')} "}[style]
            for name in names
        ]
    words = pick([str.lower, str.upper, str.title, lambda word: f" {word} "])
    table = [[at.strftime(written), cell, words(outcome), pick(["Billing", "Größe, a", 'the "new" one', "x|y;z"]), f"c{i}"]
             for i, ((at, _, outcome), cell) in enumerate(zip(rows, cells, strict=True))]  # fmt: skip
    kept, others = list(rows), 0
    for i in rng.permutation(n)[: int(rng.integers(0, max(n // 8, 1) + 1)) if rng.random() < 0.6 else 0]:
        damage = pick(["wait", "outcome", "negative", "long", "again"])
        row = table[i]
        if damage == "again":
            table.append(list(row))
            others += 1
            continue
        if damage == "wait":
            row[1] = pick(BROKEN)
        elif damage == "outcome":
            row[2] = ""
        elif damage == "negative":
            if clock not in ("seconds", "decimals"):
                continue
            row[1] = f"-{max(row[1], '1')}" if float(row[1]) == 0 else f"-{row[1]}"
        else:
            row.extend(["more", "cells"])
        kept[i] = None  # type: ignore[call-overload]
        others += 1
    blank = sum(1 for row in table if row[2] == "")
    doubtful |= blank > max(0.05 * len(table), 5)
    order = rng.permutation(5)
    lines = [[row[j] for j in order] + row[5:] for row in table]
    head = [names[j] for j in order]
    text = [delimiter.join(_quoted(cell, delimiter) for cell in line) for line in [head, *lines]]
    if rng.random() < 0.2:
        text = [*[f"Report {k}" for k in range(int(rng.integers(1, 3)))], *text]
    if rng.random() < 0.2:
        total = [""] * 5
        total[0] = "Total"
        text.append(delimiter.join(total))
        others += 1
    if rng.random() < 0.15:
        text.insert(int(rng.integers(len(text) - len(lines), len(text) + 1)), "")
    encoding = pick(["utf-8", "utf-8", "utf-8-sig", "cp1252", "utf-16"])
    end = pick(["\n", "\n", "\r\n"])
    content = (end.join(text) + (end if rng.random() < 0.8 else "")).encode(encoding)
    return Case(
        f"{seed}: {form}, {clock}, {encoding}, {delimiter!r}", content, [row for row in kept if row], others, doubtful
    )


def _cell(wait: float, clock: str) -> str:
    whole = int(wait)
    h, m, s = whole // 3600, whole // 60 % 60, whole % 60
    return {
        "seconds": str(whole), "decimals": f"{wait:.1f}", "comma": f"{wait:.2f}".replace(".", ","), "hms": f"{h:02d}:{m:02d}:{s:02d}",
        "days": f"0.{h:02d}:{m:02d}:{s:02d}", "ms_clock": f"{whole // 60}:{s:02d}", "iso8601": f"PT{h}H{m}M{s}S", "unit": f"{whole} s", "grouped": "",
    }[clock]  # fmt: skip


def _quoted(cell: str, delimiter: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in (delimiter, '"', "\n")) else cell


def judged(case: Case, folder: Path) -> tuple[str, str]:
    """What came of a log, and in words what is wrong with that."""
    path = folder / "log.csv"
    path.write_bytes(case.content)
    try:
        log = load(path)
        counts, found = log.counts, log.contacts.df()
    except LogQuestionError as question:
        return ("asked" if case.doubtful else "needless question"), str(question)
    except LogError as error:
        return ("refused" if not case.truth or case.doubtful else "needless refusal"), str(error)
    except Exception as error:
        return "traceback", f"{type(error).__name__}: {error}"
    rows = sorted((at.to_pydatetime(), round(wait, 6), outcome) for at, wait, outcome in
                  zip(found["opened_at"], found["wait_s"], found["outcome"], strict=True))  # fmt: skip
    if rows != sorted(case.truth):
        different = [row for row in zip(rows, sorted(case.truth), strict=False) if row[0] != row[1]]
        return "silently wrong", f"{len(rows)} rows for {len(case.truth)}; {different[:1]}"
    if counts["read"] != len(case.truth) + case.others or counts["kept"] + counts["set_aside"] != counts["read"]:
        return "lost", f"{counts}, others {case.others}"
    return "read", ""


BAD = ("silently wrong", "lost", "traceback")


def try_logs(seeds: range) -> tuple[Counter[str], list[tuple[str, str, str]]]:
    """Outcomes of many logs, and the cases that are not right."""
    outcomes: Counter[str] = Counter()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            case = made(seed)
            outcome, said = judged(case, Path(folder))
            outcomes[outcome] += 1
            if outcome in BAD or outcome.startswith("needless"):
                wrong.append((outcome, case.name, said))
    return outcomes, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logs", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    given = parser.parse_args()
    begun, part = time.monotonic(), 50
    parts = [
        range(s, min(s + part, given.first + given.logs)) for s in range(given.first, given.first + given.logs, part)
    ]
    outcomes: Counter[str] = Counter()
    wrong: list[tuple[str, str, str]] = []
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for found, cases in pool.imap_unordered(try_logs, parts):
            outcomes += found
            wrong += cases
            for case in cases:
                print(*case, sep=" | ", flush=True)
    facts: dict[str, Any] = {
        "logs": given.logs, "first_seed": given.first, "outcomes": dict(outcomes), "wrong": [w for w in wrong if w[0] in BAD],
        "needless": len([w for w in wrong if w[0] not in BAD]), "seconds": round(time.monotonic() - begun), "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}", "python": platform.python_version(),
        "duckdb": version("duckdb"), "pandas": version("pandas"),
    }  # fmt: skip
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "odd_exports.json").write_text(json.dumps(facts, indent=1) + "\n")
    lines = ["# Odd exports", "", f"Made by `python benchmarks/odd_exports.py --logs {given.logs} --first {given.first}`.", "",
             "| what came of it | logs |", "|---|---:|"]  # fmt: skip
    lines += [
        f"| {what} | {outcomes.get(what, 0):,} |"
        for what in ("read", "asked", "refused", "needless question", "needless refusal", *BAD)
    ]
    lines += ["", "Read: rows kept are the truth, and every other row is counted. Asked and refused: two readings fit, or nothing is left. "
              "Needless: a log without a doubt was asked about or refused.", "", "## Where and when", ""]  # fmt: skip
    lines += [f"- {key}: {facts[key]}" for key in ("date", "seconds", "machine", "python", "duckdb", "pandas")]
    (given.out / "odd_exports.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return int(any(outcomes[bad] for bad in BAD))


if __name__ == "__main__":
    raise SystemExit(main())
