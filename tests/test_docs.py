"""The pages say what is there: links, paths, names, tables, the picture, measurements, and code that runs."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxresearch.report.run.parameters import load_report, parse_settings
from cxresearch.simulate import simulate_contacts
from tests import house
from tests.test_layout import ARROWS, INVENTORY, MODULE_ARROWS, SOURCES

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG", "SECURITY")),
]
PLACES = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
MADE = ("reports/build", "data/raw")  # not in git
# What a token of a page may end with and be a file of the repository's first level.
FIRST_LEVEL = (".toml", ".lock", ".cff", ".yml")
NO_NAMES = ("html", "json", "csv", "parquet", "toml", "pdf", "ipynb", "md", "pyi", "lock", "py")
PACKAGES = set(INVENTORY) - {""} | {"cxresearch", "cx"}


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def tokens(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


def code_blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


# --- the checks: each returns what a page says and is not there


def dead_links(page: Path, text: str) -> list[str]:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    return [t for t in targets if not re.match(r"https?:|mailto:", t) and not (page.parent / t).exists()]


def missing_paths(text: str) -> list[str]:
    """Tokens that name a file or folder of the repository by its place, and are not there; NAME and * stand for any."""
    found = []
    for token in tokens(text):
        path = token.split("::")[0]
        first, _, rest = path.partition("/")
        meant = (
            (rest and first in PLACES)
            or path.endswith((".py", ".pyi"))
            or ("/" not in path and path.endswith(FIRST_LEVEL))
        )
        if not meant or " " in path or path.startswith((*MADE, ".", "__")):
            continue
        pattern = re.sub(r"\b(NAME|XX)\b", "*", path.rstrip("/"))
        if not list(ROOT.glob(pattern)):
            found.append(token)
    return found


def missing_tests(text: str, default: str = "") -> list[str]:
    """Tokens that name a test, as pytest does (file::test), or of the page's own file, and are not there."""
    found = []
    for token in tokens(text):
        file, _, name = token.rpartition("::")
        if name.startswith("test_") and re.fullmatch(r"\w+", name):
            path = ROOT / (file or default)
            if not path.is_file() or f"def {name}(" not in path.read_text(encoding="utf-8"):
                found.append(token)
    return found


def missing_names(text: str) -> list[str]:
    """Tokens of the form ``package.name`` that lead to nothing in the package."""
    found = []
    for token in tokens(text):
        name = token.split("(")[0]
        parts = name.split(".")
        if not re.fullmatch(r"\w+(\.\w+)+", name) or parts[0] not in PACKAGES or parts[-1] in NO_NAMES:
            continue
        parts = parts[1:] if parts[0] in ("cx", "cxresearch") else parts
        try:
            reduce(part_of, parts, importlib.import_module("cxresearch"))
        except (AttributeError, ImportError):
            found.append(token)
    return found


def part_of(whole: Any, name: str) -> Any:
    """An attribute, a module that nobody has imported yet, or a field of a class."""
    if name in getattr(whole, "__annotations__", {}) and not hasattr(whole, name):
        return None
    try:
        return getattr(whole, name)
    except AttributeError:
        if not hasattr(whole, "__path__"):
            raise
        return importlib.import_module(f"{whole.__name__}.{name}")


def unquoted(text: str) -> list[str]:
    """Numbers said of a file of results, in "(`benchmarks/results/x.md`: ...)", that do not stand in it."""
    found = []
    for path, said in re.findall(r"\(`(benchmarks/results/[\w.]+)`:([^)]*)\)", text):
        known = (ROOT / path).read_text(encoding="utf-8")
        numbers = re.findall(r"\d[\d.,]*\d|\d", said)
        found += [f"{path}: {n}" for n in numbers if not re.search(rf"(?<![\d.,]){re.escape(n)}(?![\d]|[.,]\d)", known)]
    return found


# --- the pages as they are


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_points_to_is_there(page):
    text = prose(page)
    assert not dead_links(page, text)
    assert not missing_paths(text)
    assert not missing_tests(text, default="tests/report/test_failures.py")
    assert not unquoted(text)


@pytest.mark.parametrize("page", [p for p in PAGES if p.stem != "CHANGELOG"], ids=lambda page: page.stem)
def test_the_names_of_a_page_are_there(page):
    assert not missing_names(prose(page))


def test_the_design_lists_every_package_with_its_modules_and_arrows():
    rows = re.findall(
        r"^\| `(\w+)` \| [^|]+ \|([^|]*)\|([^|]*)\|$", (ROOT / "docs/design.md").read_text(), re.MULTILINE
    )
    table = {name: (modules, arrows) for name, modules, arrows in rows}
    assert len(table) == len(rows)
    assert set(table) == {name for name in {*INVENTORY, *INVENTORY[""]} if name}
    for name, (modules, arrows) in table.items():
        assert tokens(arrows) == sorted(to for to in ARROWS[name] if to in INVENTORY), name
        listed = INVENTORY.get(name, ())
        assert sorted(tokens(modules)) == sorted(module.split(".")[-1] for module in listed), name
    # Whose room it is: `archive` (`deliver`, ...).
    for room, inside in re.findall(r"`(\w+)` \(([^)]*)\)", table["report"][0]):
        assert {f"{room}.{module}" for module in tokens(inside)} < set(INVENTORY["report"])


def test_the_layout_says_what_one_module_may_do_alone():
    text = prose(ROOT / "docs/design.md")
    for module, targets in MODULE_ARROWS.items():
        assert re.search(rf"`{module}` alone [\w\s]+ use " + ", ".join(f"`{to}`" for to in sorted(targets)), text)


# --- the picture


def test_the_picture_of_the_house_is_that_of_the_table():
    assert house.PICTURE.read_text(encoding="utf-8") == house.house(), "draw it anew: python -m tests.house"


def test_another_arrow_is_another_picture():
    assert house.house({**ARROWS, "survey": {"evidence"}}) != house.house()


def test_every_arrow_is_in_the_picture_once():
    rooms = dict.fromkeys({*INVENTORY, *INVENTORY[""]})
    down, alone = house.standing(ARROWS, MODULE_ARROWS, rooms)
    drawn, words = house.split(down)
    allowed = {(by, to) for by in rooms for to in ARROWS[by] if to in rooms} | set(alone)
    assert drawn | words == allowed
    assert not drawn & words
    floor = house.floors(down)
    assert all(floor[by] > floor[to] for by, to in allowed)
    picture = house.house()
    assert picture.count('class="way') == len(drawn)
    assert all(f"{house.label(by)} stands on {to}" in picture for by, to in drawn)


def test_a_way_worked_by_hand():
    """d stands on c and a, c on b, b on a: d above all, and its arrow to a is told in words."""
    down = {"a": set(), "b": {"a"}, "c": {"b"}, "d": {"c", "a"}}
    assert house.floors(down) == {"a": 0, "b": 1, "c": 2, "d": 3}
    assert house.split(down) == ({("b", "a"), ("c", "b"), ("d", "c")}, {("d", "a")})


def test_no_rooms_of_a_floor_overlap_and_all_are_inside():
    boxes = re.findall(r'<rect class="room[^"]*" x="([\d.-]+)" y="([\d.]+)" width="([\d.]+)"', house.house())
    assert len(boxes) == len({*INVENTORY, *INVENTORY[""]})
    by_floor: dict[str, list[tuple[float, float]]] = {}
    for x, y, width in boxes:
        by_floor.setdefault(y, []).append((float(x), float(x) + float(width)))
    for row in by_floor.values():
        row.sort()
        assert row[0][0] >= 0
        assert row[-1][1] <= house.WIDTH
        assert all(left[1] < right[0] for left, right in pairwise(row))


# --- the code of the pages


@pytest.fixture(scope="module")
def logs(tmp_path_factory) -> Path:
    """The files that the pages name: a SIMULATED log of October 2026, and one with other names and words."""
    folder = tmp_path_factory.mktemp("logs")
    log = simulate_contacts(start="2026-09-01", months=2, contacts=8_000, rng=np.random.default_rng(1))
    log.to_csv(folder / "calls.csv", index=False)
    other = pd.DataFrame({"Opened": log["opened_at"], "Seconds": log["wait_s"], "How": log["outcome"]})
    other = other[other["How"].isin(["abandoned", "answered"])]
    other["How"] = other["How"].map({"abandoned": "HUNG UP", "answered": "TALKED"})
    other.to_csv(folder / "export.csv", index=False)
    return folder


@pytest.fixture
def run(logs, monkeypatch) -> Callable[[str], dict[str, Any]]:
    monkeypatch.chdir(logs)

    def run(page: str) -> dict[str, Any]:
        """Every block of a page, one after the other. The value of a last line that is an expression is ``_``."""
        names: dict[str, Any] = {}
        for block in code_blocks(ROOT / page):
            tree = ast.parse(block)
            last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, page, "exec"), names)
            if isinstance(last, ast.Expr):
                names["_"] = eval(compile(ast.Expression(last.value), page, "eval"), names)
        return names

    return run


@pytest.mark.parametrize("page", ["README.md", "docs/design.md"])
def test_three_lines_show_an_exhibit(run, page):
    names = run(page)
    assert names["_"].finding.startswith("Half would hang up within")
    assert names["_"].kind == "SIMULATED"
    assert list(names["_"].bundles())


def test_the_page_on_own_logs_runs(run, logs):
    names = run("docs/own-log.md")
    month = names["month"]
    assert month.counts["read"] == month.counts["kept"] + month.counts["set_aside"]
    assert month.previous.period.name == "2026-09"
    assert len(pd.read_csv(logs / "loss_by_hour.csv")) == len(names["exhibit"].table) > 0
    assert set(names["curves"]["queue"]) == {"orders", "delivery", "billing"}
    assert names["own"].counts["kept"] == len(pd.read_csv(logs / "export.csv"))


def test_the_page_on_what_to_do_first_runs(run, monkeypatch):
    monkeypatch.setattr("cxresearch.decisions.weighing.DRAWS", 5)
    names = run("docs/decisions.md")
    box = names["_"]
    assert box.table["action"].tolist() == ["two more in the evening", "a bot settles 15 %"]
    assert "EUR" in box.says
    assert names["heard"].finding.startswith("Assumed, not measured")


def test_the_page_on_the_what_if_runs(run):
    names = run("docs/what-if.md")
    assert names["table"]["today"].sum() == 1
    assert len(names["table"]) == 4
    assert names["_"] is None  # shown, not returned


def settings_said(text: str) -> list[tuple[str, list[str]]]:
    """Each command that makes a report of ours: its name, and what it sets."""
    found = re.findall(r"cxresearch (?:report|backfill) ([\w-]+)((?: [^\n`]*)?)", text)
    return [(name, re.findall(r"--set \"?([\w-]+=[^\s\"]*)", rest)) for name, rest in found]


def test_what_a_command_of_a_page_sets_is_a_parameter_of_its_report():
    texts = [page.read_text(encoding="utf-8") for page in PAGES if page.stem != "CHANGELOG"]
    said = [
        command
        for text in [*texts, (ROOT / ".ci/run").read_text().replace("\\\n", "")]
        for command in settings_said(text)
    ]
    ours = {path.stem for path in (ROOT / "reports").glob("*.toml")}
    told = [(name, settings) for name, settings in said if name in ours]
    assert {"monthly", "evidence", "survey", "tickets"} <= {name for name, _ in told}
    assert ("evidence", ["requests_file=path/to/requests.parquet"]) in told
    for name, settings in told:
        report = load_report(name, ROOT)
        parse_settings(settings, report.declared, report.ranges, ROOT)


# --- scripts that no other test runs


@pytest.mark.parametrize(
    "path",
    [*sorted((ROOT / "benchmarks").glob("*.py")), *sorted((ROOT / "deploy").glob("*.py"))],
    ids=lambda path: path.stem,
)
def test_a_script_imports_what_is_there(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "cxresearch":
                    importlib.import_module(alias.name)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "cxresearch":
            for alias in node.names:
                part_of(importlib.import_module(node.module), alias.name)


# --- the checks themselves: a page with one thing wrong


@pytest.mark.parametrize(
    ("check", "text", "wrong"),
    [
        (missing_paths, "see `docs/no-page.md` and `docs/design.md`", ["docs/no-page.md"]),
        (missing_paths, "`report/gate.py`, `reports/NAME.toml`, `reports/build/index.html`", ["report/gate.py"]),
        (missing_paths, "`other.lock`, `pyproject.toml`, `run.json`, `tables/cells.parquet`", ["other.lock"]),
        (missing_tests, "`tests/test_docs.py::test_no_such`", ["tests/test_docs.py::test_no_such"]),
        (missing_tests, "`tests/test_docs.py::test_a_way_worked_by_hand`", []),
        (missing_names, "`survival.kaplan_meier`, `survival.meier`", ["survival.meier"]),
        (missing_names, "`cxresearch.slow_channels`, `cx.load(...)`, `cx.lode(1)`", ["cxresearch.slow_channels", "cx.lode(1)"]),
        (missing_names, "`contacts.PeriodLog.cells`, `contacts.PeriodLog.rows`", ["contacts.PeriodLog.rows"]),
        (missing_names, "`report.html`, `report.page.gate`, `report.gate`", ["report.gate"]),
        (unquoted, "(`benchmarks/results/kill.md`: 207 runs, 0 problems)", []),
        (unquoted, "(`benchmarks/results/kill.md`: 20 runs, 99.5 s)", ["kill.md: 20", "kill.md: 99.5"]),
    ],
)  # fmt: skip
def test_what_is_not_there_is_found(check, text, wrong):
    assert [found.removeprefix("benchmarks/results/") for found in check(text)] == wrong


def test_a_dead_link_is_found():
    page = ROOT / "docs" / "design.md"
    assert dead_links(page, "[a](what-if.md#top) [b](no.md) ![c](house.svg) [d](https://example.org)") == ["no.md"]


def test_the_gloss_of_a_room_is_its_own():
    assert set(house.GLOSS) <= {*INVENTORY, *INVENTORY[""]}
    assert set(house.GLOSS) <= set(SOURCES)
