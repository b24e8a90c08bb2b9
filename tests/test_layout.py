"""The plan of the package: which package may import which, through which door, and every module on a list.

The checks are functions of a mapping {module name: source text}, so that the last tests can add one bad line to the
package's own sources and see each check refuse it. Names are those below ``cxresearch``; "" is its own face. A stub
(``__init__.pyi``) counts as part of the face it describes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

PACKAGE = Path(__file__).resolve().parents[1] / "cxresearch"

MODELS = {"contacts", "evidence", "spread", "cascade", "survey", "risk_table", "survival", "regression", "impact",
          "patience", "queueing", "decisions"}  # fmt: skip

# Package -> what it may import besides itself. One that is not there yet may have its arrows already.
ARROWS: dict[str, set[str]] = {
    "compiled": set(),
    "contacts": set(),
    "evidence": set(),
    "spread": set(),
    "cascade": {"compiled"},
    "survey": {"contacts"},
    "style": set(),
    "risk_table": set(),
    "survival": {"risk_table"},
    "regression": {"risk_table"},
    "figures": {"style"},
    "impact": {"spread", "evidence"},
    "patience": {"survival", "regression", "risk_table", "contacts", "evidence"},
    "queueing": {"survival", "risk_table", "contacts"},
    "decisions": {"compiled", "patience", "queueing", "impact", "contacts", "risk_table", "survival", "evidence"},
    "exhibits": {*MODELS, "figures", "style"},
    "report": {"exhibits", "decisions", "contacts", "risk_table", "style", "survey"},
    "simulate": {"cascade"},
    "__main__": {"report", "contacts", "style", "simulate", "survey"},
    "": {"exhibits", "contacts"},
}
# A module may do more than its package: one keeps the risk tables of a log's periods, one says what a period is called.
MODULE_ARROWS = {"contacts.read_once": {"risk_table"}, "contacts.periods": {"style"}}

# Every module, under its package; "" are the flat ones.
INVENTORY: dict[str, tuple[str, ...]] = {
    "": ("", "__main__"),
    "compiled": ("kept",),
    "contacts": (
        "account", "bank", "canonical", "cells", "clock_changes", "columns", "databases", "engine", "facts", "files",
        "followed", "json_files", "kept_tables", "keys", "layout", "locate", "log", "look", "mapping", "memory", "outside", "period_log", "periods",
        "places", "profile", "read_once", "remote", "repeats", "rows", "sheets", "suggest", "tools", "unanswered", "week",
    ),
    "evidence": ("bounds", "comparison", "expectation", "register", "shares"),
    "spread": ("branching", "chain_transform", "incidence", "memory_kernels", "offspring"),
    "cascade": ("on_network", "percolation", "runs"),
    "survey": (
        "design", "estimates", "exports", "items", "labelled", "look", "mapping", "questions", "reading", "ticks",
    ),
    "style": ("theme", "words"),
    "risk_table": ("bootstrap", "day_clusters", "day_groups", "group_by", "intervals", "process_limits", "risk_sets"),
    "survival": ("competing", "curves", "hazard"),
    "regression": ("aft", "clustered", "design_matrix", "efron", "models", "partial_likelihood"),
    "figures": ("day", "parts", "run_chart", "spread", "surveys", "waiting", "week"),
    "impact": (
        "assumptions", "complaint", "face_validity", "kinds_of_talk", "measured", "sensitivity", "wait_to_money",
    ),
    "patience": (
        "brown2005", "change_sources", "full_days", "groups", "hourly", "losses", "messages", "promise", "promise_lot",
        "redials", "tickets", "two_clocks",
    ),
    "queueing": ("arrivals", "day", "loss_sources", "measures", "offered_wait", "promises", "teams", "what_if"),
    "decisions": (
        "actions", "backtest", "coming_back", "cost", "days", "experiment", "loss_curves", "mean_day", "measuring",
        "more_agents", "proposals", "queue_order", "sweep", "talk_of_lost", "weighing",
    ),
    "exhibits": (
        "actions", "actions_of_period", "agents", "agents_of_period", "aloud", "before", "bridges", "by_day", "changes", "columns", "controls", "cost",
        "day", "day_of_period", "exhibit", "forecasts", "full_days", "full_days_of_period", "headlines", "losses", "lost",
        "lost_of_period", "marks", "messages", "odd_times", "own_survey", "period", "promises", "promises_of_period", "published_shares",
        "ranking", "run_chart", "show", "small_groups", "sources", "sources_of_period", "survey_alone", "surveys",
        "surveys_compared", "talk", "targets", "ticket_numbers", "tickets", "tickets_of_period", "verdict", "waiting",
        "waits_compared", "word_of_mouth",
    ),
    "report": (
        "backfill", "job",
        "archive", "archive.again", "archive.alerts", "archive.deliver", "archive.exact", "archive.forecast", "archive.freshness", "archive.history", "archive.memory", "archive.messages", "archive.publish", "archive.recorded", "archive.sense", "archive.stores", "archive.sums",
        "page", "page.blocks", "page.brand", "page.brief", "page.browser", "page.folder", "page.foreign_html", "page.gate", "page.layout", "page.leaks", "page.ordinary", "page.pictures",
        "page.prose", "page.render",
        "page.sections", "page.slide", "page.take_away",
        "run", "run.cleaned", "run.destinations", "run.environment", "run.errors", "run.execute", "run.kernel", "run.limits", "run.new_report", "run.notebooks", "run.one_run", "run.parameters", "run.place", "run.stop", "run.streams", "run.survey_run", "run.version", "run.warm_start",
    ),
    "simulate": ("contact_truth", "contacts", "default", "network", "respondents"),
}  # fmt: skip

# Modules that are faces of their own; a package that stands here has no inner doors.
DOORS = {"style.theme", "style.words", "exhibits.actions_of_period", "exhibits.agents_of_period", "exhibits.full_days_of_period", "exhibits.lost_of_period", "exhibits.headlines", "exhibits.changes", "exhibits.period", "exhibits.day_of_period", "exhibits.promises_of_period",
         "exhibits.sources_of_period", "exhibits.tickets_of_period", "simulate.contacts",
         "simulate.default", "simulate.network", "report"}  # fmt: skip
FLAT_LIMIT = 3
LINES_LIMIT = 500


def name_of(path: Path) -> str:
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    return "" if name == "__init__" else name.removesuffix(".__init__")


def read_package() -> dict[str, str]:
    """Every module's text by its name, a stub's after that of its module."""
    sources: dict[str, str] = {}
    for path in sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.pyi")], key=lambda path: path.suffix):
        sources[name_of(path)] = sources.get(name_of(path), "") + path.read_text(encoding="utf-8")
    return sources


SOURCES = read_package()
tree_of = cache(ast.parse)


def package_of(module: str) -> str:
    return module.split(".")[0]


def is_package(module: str, sources: Mapping[str, str]) -> bool:
    return not module or any(name.startswith(f"{module}.") for name in sources)


class Taken(NamedTuple):
    """``by`` imports ``name`` from the module ``target``, or the module itself where ``name`` is empty."""

    by: str
    target: str
    name: str
    alias: str
    plain: bool  # ``import cxresearch.x``, which says no name

    def __str__(self) -> str:
        return f"{self.by or 'the top face'} takes {self.name or 'the module'} from {self.target or 'the top face'}"


def imports(sources: Mapping[str, str]) -> Iterator[Taken]:
    """Every import of something inside the package, wherever in a file it stands."""
    for by, text in sources.items():
        for node in ast.walk(tree_of(text)):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.split(".")[0] == "cxresearch":
                        yield Taken(by, alias.name.partition(".")[2], "", alias.asname or "", plain=True)
            elif isinstance(node, ast.ImportFrom):
                base = origin(by, node, sources)
                for alias in node.names if base is not None else ():
                    inner = f"{base}.{alias.name}" if base else alias.name
                    found = (inner, "") if inner in sources else (base, alias.name)
                    yield Taken(by, *found, alias.asname or alias.name, plain=False)


def origin(by: str, node: ast.ImportFrom, sources: Mapping[str, str]) -> str | None:
    """The module that a ``from`` names; None for one outside the package."""
    named = node.module.split(".") if node.module else []
    if not node.level:
        return ".".join(named[1:]) if named[0] == "cxresearch" else None
    parts = by.split(".") if by else []
    up = node.level - is_package(by, sources)
    return ".".join([*parts[: len(parts) - up], *named])


def face(package: str, sources: Mapping[str, str]) -> set[str]:
    """The names that a package's face gives: its ``__all__``, or what its stub takes from its modules."""
    names: set[str] = set()
    for node in tree_of(sources[package]).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
            if [getattr(target, "id", "") for target in node.targets] == ["__all__"]:
                names |= set(ast.literal_eval(node.value))
        elif isinstance(node, ast.ImportFrom) and node.level:
            names |= {alias.asname for alias in node.names if alias.asname}
    return names


# --- the checks: each returns what is wrong, in words


def not_listed(sources: Mapping[str, str], inventory: Mapping[str, tuple[str, ...]] = INVENTORY) -> list[str]:
    """Modules on no list, modules listed and not there, packages without arrows."""
    listed = set(inventory[""])
    for package in inventory.keys() - {""}:
        listed |= {package, *(f"{package}.{name}" for name in inventory[package])}
    packages = {package_of(name) for name in sources}
    return [
        *(f"{name} is on no list" for name in sorted(set(sources) - listed)),
        *(f"{name} is listed and not there" for name in sorted(listed - set(sources))),
        *(f"{name} has no arrows" for name in sorted(packages - set(ARROWS))),
    ]


def forbidden(sources: Mapping[str, str]) -> list[str]:
    """Imports that no arrow allows."""
    wrong = []
    for taken in imports(sources):
        by, target = package_of(taken.by), package_of(taken.target)
        allowed = {by, *ARROWS.get(by, ()), *MODULE_ARROWS.get(taken.by, ())}
        # The top face may name every package; whoever wants the version asks the top face.
        named = not taken.by and taken.target == target and not taken.name
        if not (target in allowed or named or (not target and taken.name == "__version__")):
            wrong.append(str(taken))
    return wrong


def past_a_face(sources: Mapping[str, str]) -> list[str]:
    """Imports from outside that do not go through a face, and imports from inside that do."""
    wrong = []
    for taken in imports(sources):
        by, target = package_of(taken.by), package_of(taken.target)
        if taken.plain:
            wrong.append(f"{taken}, by a plain import")
        elif by == target:
            if taken.name and taken.by != taken.target and is_package(taken.target, sources):
                wrong.append(f"{taken}, its own face")
        elif target and target not in DOORS and taken.target not in DOORS:
            if taken.target not in (target, *(f"{target}.{name}" for name in face(target, sources))):
                wrong.append(f"{taken}, past the face")
            elif taken.name and taken.name not in face(target, sources):
                wrong.append(f"{taken}, which the face does not give")
            elif not taken.name:
                known = {*face(target, sources), *(door.removeprefix(f"{target}.") for door in DOORS)}
                used = attributes(sources[taken.by], taken.alias) if is_package(taken.target, sources) else set()
                wrong += [f"{taken.by} uses {target}.{name}, which the face does not give" for name in used - known]
    return wrong


def attributes(text: str, alias: str) -> set[str]:
    return {
        node.attr
        for node in ast.walk(tree_of(text))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == alias
    }


def circles(sources: Mapping[str, str]) -> list[list[str]]:
    """Sets of modules that stand on each other.

    Importing a module from outside its package runs the faces above it too.
    """
    names = sorted(sources)
    number = {name: place for place, name in enumerate(names)}
    edges = set()
    for taken in imports(sources):
        above = taken.target.split(".")
        run = {".".join(above[:depth]) for depth in range(1, len(above))}
        needs = {taken.target, *(face for face in run if not f"{taken.by}.".startswith(f"{face}."))}
        edges |= {(number[taken.by], number[name]) for name in needs if name in number}
    start, end = np.array(sorted(edges)).T
    graph = coo_array((np.ones(len(start)), (start, end)), shape=(len(names), len(names)))
    _, part = connected_components(graph, connection="strong")
    many = [np.flatnonzero(part == place) for place in np.flatnonzero(np.bincount(part) > 1)]
    return [*([names[place] for place in group] for group in many), *([names[a]] for a, b in sorted(edges) if a == b)]


# --- the package as it is


def test_every_module_is_on_the_list():
    assert not not_listed(SOURCES)


def test_imports_follow_the_arrows():
    assert not forbidden(SOURCES)


def test_outsiders_come_through_a_face():
    assert not past_a_face(SOURCES)


def test_no_modules_stand_on_each_other():
    assert not circles(SOURCES)


def test_the_arrows_have_no_circle_of_their_own():
    """Every package may come after all that it stands on, so the table itself points one way."""
    placed: set[str] = set()
    while ready := {name for name, stands_on in ARROWS.items() if stands_on <= placed} - placed:
        placed |= ready
    assert placed == set(ARROWS)


def test_figures_import_no_model():
    assert not (ARROWS["figures"] | ARROWS["style"]) & MODELS
    by = {"figures", "style"}
    assert {package_of(t.target) for t in imports(SOURCES) if package_of(t.by) in by} <= by


def test_simulate_is_for_notebooks_and_the_command_line():
    users = {package_of(taken.by) for taken in imports(SOURCES) if package_of(taken.target) == "simulate"}
    # The top face names it, as it names every package, and takes nothing from it.
    assert users <= {"simulate", "__main__", ""}
    assert not [
        taken for taken in imports(SOURCES) if not taken.by and package_of(taken.target) == "simulate" and taken.name
    ]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py*")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_is_small_and_says_what_it_does(path):
    if path.suffix in (".py", ".pyi"):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= LINES_LIMIT
        assert ast.get_docstring(ast.parse(text)), f"{path.name} has no docstring"


def test_few_modules_lie_flat():
    flat = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    assert len(flat) <= FLAT_LIMIT, sorted(flat)


def test_no_public_name_of_the_top_face_is_a_package():
    """A name must mean one thing: a function called ``impact`` would hide the package, or be hidden by it."""
    names = {taken.alias for taken in imports(SOURCES) if not taken.by and taken.name}
    if not names:
        pytest.skip("the package has no top face yet")
    assert not names & {package_of(name) for name in SOURCES}


def test_every_package_is_in_the_design(root):
    design = (root / "docs" / "design.md").read_text(encoding="utf-8")
    packages = {package_of(name) for name in SOURCES} - {""}
    assert not sorted(name for name in packages if f"`{name}`" not in design and f"`{name}/`" not in design)


# --- the checks themselves: the package's own sources with one thing added


def with_line(module: str, line: str) -> dict[str, str]:
    return {**SOURCES, module: f"{SOURCES[module]}\n{line}\n"}


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("survival.curves", "from cxresearch.contacts import load_contacts"),
        ("contacts.log", "from cxresearch.risk_table import risk_table"),
        ("figures.day", "def later():\n    from cxresearch.survival import kaplan_meier"),
        ("figures", "from ..evidence import Share"),
        ("queueing.day", "from cxresearch import patience"),
        ("evidence.shares", "import cxresearch.survey as other"),
        ("exhibits", "from ..simulate import default_log as default_log"),
        ("report.job", "from cxresearch.simulate.default import log_or_default"),
        ("patience.promise", "if TYPE_CHECKING:\n    from cxresearch.exhibits import Exhibit"),
        ("style.words", "from cxresearch import load_contacts"),
        ("", "from .survival import kaplan_meier as kaplan_meier"),
        ("__main__", "from cxresearch import exhibits"),
    ],
)
def test_an_import_without_an_arrow_is_found(module, line):
    assert len(forbidden(with_line(module, line))) == 1


def test_the_top_face_may_name_every_package_and_the_kept_counts_may_count():
    assert not forbidden(with_line("", "from . import survival as survival\nfrom .contacts import Period as Period"))
    line = "from cxresearch.risk_table import contact_counts"
    kept = {**SOURCES, "contacts.read_once": line}
    assert not forbidden(kept)
    assert not past_a_face(kept)
    assert forbidden({**SOURCES, "contacts.other": line})


@pytest.mark.parametrize(
    ("module", "line", "circle"),
    [
        ("risk_table.risk_sets", "from cxresearch.risk_table.group_by import contact_counts", "risk_table.group_by"),
        ("risk_table.risk_sets", "from . import intervals", "risk_table.intervals"),
        ("exhibits.show", "def later():\n    from cxresearch.exhibits.exhibit import Exhibit", "exhibits.exhibit"),
        ("exhibits.show", "from cxresearch.exhibits import nothing", "exhibits"),
        ("report.run.kernel", "from ..job import make_report", "report.job"),
        ("style.theme", "import cxresearch.figures.parts", "figures.parts"),
        ("style.words", "from cxresearch.figures.week import plot_week", "figures"),
        ("survey.design", "from cxresearch.survey import design", "survey.design"),
    ],
)
def test_a_circle_is_found(module, line, circle):
    assert any({module, circle} <= set(found) for found in circles(with_line(module, line)))


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("patience.hourly", "from cxresearch.risk_table.group_by import risk_table"),
        ("patience.hourly", "from cxresearch.risk_table import group_by"),
        ("patience.hourly", "from cxresearch.risk_table import _tick"),
        ("queueing.measures", "def later():\n    from ..survival.curves import ROUNDING"),
        ("queueing.measures", "import cxresearch.survival"),
        ("impact.assumptions", "LEVEL = evidence.z_value(0.95)"),
        ("exhibits.waiting", "AXES = figures.parts.axes_or_new"),
        ("report.job", "from cxresearch.exhibits import _anything"),
        ("risk_table.group_by", "from cxresearch.risk_table import OUTCOMES as words"),
        ("report.page.render", "from cxresearch.exhibits.show import FIGURE as figure"),
    ],
)
def test_an_import_past_a_face_is_found(module, line):
    assert len(past_a_face(with_line(module, line))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "from cxresearch.style import theme as colours",
        "from cxresearch.style.words import format_value as value",
        "from cxresearch.simulate import contacts as made",
        "from cxresearch.report.page import render",
        "from cxresearch.report.page.render import write_page",
    ],
)
def test_a_door_is_open(line):
    assert not past_a_face(with_line("__main__", line))


def test_a_module_on_no_list_is_found():
    assert not_listed({**SOURCES, "patience.other": ""}) == ["patience.other is on no list"]
    assert not_listed({**SOURCES, "helpers": ""}) == ["helpers is on no list", "helpers has no arrows"]
    fewer = {name: text for name, text in SOURCES.items() if name != "patience.promise"}
    assert not_listed(fewer) == ["patience.promise is listed and not there"]
