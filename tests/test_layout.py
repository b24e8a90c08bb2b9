"""The package is what docs/design.md says: imports point one way, modules stay small, everything is listed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "cxresearch"
MODULES = sorted(PACKAGE.rglob("*.py"))

# The chain: a module may import those before it, never those after it.
CHAIN = ("risk_table", "contacts", "survival", "regression", "patience", "queueing", "headlines")
ALONE = ("evidence", "survey", "spread")
DRAWING = ("figures", "style")


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/__init__", "").replace("/", ".")


def imports(path: Path) -> set[str]:
    """Top-level names inside the package that a module imports, wherever in the file it does."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("cxresearch.")}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "cxresearch":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {a.name for a in node.names}
    return found


IMPORTS = {name_of(path): imports(path) for path in MODULES}


def reach(name: str) -> set[str]:
    """Every module of the package that ``name`` stands on, directly or not."""
    seen, ahead = set(), set(IMPORTS.get(name, set()))
    while ahead:
        one = ahead.pop()
        seen.add(one)
        ahead |= {n for m, found in IMPORTS.items() if m == one or m.startswith(f"{one}.") for n in found} - seen
    return seen


@pytest.mark.parametrize("later", range(len(CHAIN)))
def test_imports_point_one_way_along_the_chain(later):
    assert not reach(CHAIN[later]) & set(CHAIN[later + 1 :])


@pytest.mark.parametrize("name", [n for n in IMPORTS if n not in ("__main__",) and not n.startswith("report")])
def test_nothing_but_the_command_line_imports_report(name):
    assert "report" not in IMPORTS[name]


@pytest.mark.parametrize("name", [n for n in IMPORTS if not n.startswith("simulate") and n != "__main__"])
def test_no_module_imports_simulate(name):
    assert "simulate" not in IMPORTS[name]


@pytest.mark.parametrize("name", ALONE)
def test_some_stand_alone(name):
    assert not reach(name) & {*CHAIN, *(set(ALONE) - {name}), "report", "simulate"}


@pytest.mark.parametrize("name", [n for n in IMPORTS if n.split(".")[0] in DRAWING])
def test_figures_import_no_model(name):
    assert IMPORTS[name] <= set(DRAWING)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_small_and_says_what_it_does(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 500
    assert ast.get_docstring(ast.parse(text)), f"{path.name} has no docstring"


def test_every_module_is_in_the_design(root):
    design = (root / "docs" / "design.md").read_text(encoding="utf-8")
    top = {name.split(".")[0] for name in IMPORTS} - {"__init__"}
    missing = sorted(name for name in top if f"`{name}`" not in design and f"`{name}/`" not in design)
    assert not missing, f"docs/design.md does not name {missing}"
