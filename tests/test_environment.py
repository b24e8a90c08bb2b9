"""The ways in: the lock, the conda environment, the make targets."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import packages_distributions

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def locked(text: str) -> dict[str, set[str]]:
    """Name -> versions pinned in a lock file."""
    pins: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, flags=re.MULTILINE):
        pins.setdefault(canonicalize_name(name), set()).add(version)
    return pins


@pytest.fixture
def lock(root) -> str:
    return (root / "requirements.lock").read_text()


@pytest.mark.parametrize(
    "name",
    ["requirements.lock", "requirements-test.lock", "requirements-bench.lock", "tests/servers/object-store.lock"],
)
def test_every_pin_has_a_hash_and_no_line_names_an_address(root, name):
    text = (root / name).read_text()
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text)
    pinned = [block for block in blocks if re.match(r"[A-Za-z0-9._-]+==", block)]
    assert len(pinned) > 50
    assert all("--hash=sha256:" in block for block in pinned)
    assert not re.search(r"https?://|--index-url|--find-links", text)


def test_the_tests_lock_changes_nothing_of_the_users_lock(root, lock):
    users, tests = locked(lock), locked((root / "requirements-test.lock").read_text())
    assert {name: tests[name] for name in users} == users


def test_the_lock_serves_every_dependency(root, lock):
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    pins = locked(lock)
    for text in project["dependencies"]:
        wanted = Requirement(text)
        versions = pins[canonicalize_name(wanted.name)]
        assert all(wanted.specifier.contains(version) for version in versions), text


def test_the_conda_environment_installs_what_the_lock_pins(root, lock):
    environment = yaml.safe_load((root / "environment.yml").read_text())
    (pip,) = [d["pip"] for d in environment["dependencies"] if isinstance(d, dict)]
    assert pip == ["-r requirements.lock"], "pip takes everything from the lock, and nothing beside it"
    python = next(d for d in environment["dependencies"] if isinstance(d, str) and d.startswith("python="))
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert Requirement(f"python{project['requires-python']}").specifier.contains(python.split("=")[1])
    assert {"jupyterlab", "pandas", "matplotlib", "seaborn", "statsmodels", "papermill"} <= set(locked(lock))
    # Notebooks find the package from their own folder.
    assert (root / "notebooks" / environment["variables"]["PYTHONPATH"] / "cxresearch").resolve().is_dir()


# Used beyond what they promise to keep: their next major version may be another shape.
PRIVATE_PARTS = ("ipykernel", "jupyter-client", "nbclient", "numba", "papermill")
distributions = cache(packages_distributions)


@pytest.fixture
def settings(root) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text())


def required(texts: Iterable[str]) -> dict[str, Requirement]:
    return {canonicalize_name(wanted.name): wanted for wanted in map(Requirement, texts)}


def undeclared(sources: Iterable[str], declared: Iterable[str]) -> set[str]:
    """What sources import, wherever in a file it stands, that is neither Python's, ours, nor of a declared package."""
    taken: set[str] = set()
    for text in sources:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                taken |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                taken.add(node.module or "")
    outside = {name.split(".")[0] for name in taken} - sys.stdlib_module_names - {"cxresearch"}
    return {
        name
        for name in outside
        if not {canonicalize_name(found) for found in distributions().get(name, (name,))} & set(declared)
    }


def test_what_the_package_imports_is_declared(root, settings):
    sources = [path.read_text(encoding="utf-8") for path in (root / "cxresearch").rglob("*.py")]
    extra = settings["project"]["optional-dependencies"]["alerts"]  # loaded where a report asks for it
    declared = required([*settings["project"]["dependencies"], *extra])
    assert not undeclared(sources, declared)
    # What comes along with something else is no dependency of ours, wherever its import stands.
    later = "def later():\n    from packaging.version import Version"
    assert undeclared([*sources, later, "import no_such_package.part"], declared) == {"packaging", "no_such_package"}


def test_every_dependency_has_a_lower_bound_and_those_with_private_parts_in_use_an_upper_one(settings):
    declared = required(settings["project"]["dependencies"])
    bounds = {name: {bound.operator for bound in wanted.specifier} for name, wanted in declared.items()}
    assert not [name for name, operators in bounds.items() if not operators & {">=", "~=", "=="}]
    assert not [name for name in PRIVATE_PARTS if not bounds[name] & {"<", "~=", "=="}]


def test_the_package_installs_without_a_look_up(root, settings):
    """The build backend is no dependency of a run, and stands in every lock beside which the package is installed."""
    backend = settings["build-system"]["requires"]
    assert settings["project"]["optional-dependencies"]["build"] == backend
    assert not required(backend).keys() & required(settings["project"]["dependencies"]).keys()
    compiled = re.findall(r"pip compile pyproject\.toml (.*)", (root / "Makefile").read_text())
    assert len(compiled) == 3
    assert all("--extra build " in line for line in compiled)
    for name in ("requirements.lock", "requirements-test.lock", "requirements-bench.lock"):
        pins = locked((root / name).read_text())
        for package, wanted in required(backend).items():
            assert all(wanted.specifier.contains(version) for version in pins[package]), name


def test_every_dependency_has_its_reason_and_nothing_else_has(root, settings):
    text = (root / "docs" / "design.md").read_text().split("\n## Dependencies")[1]
    reasons = re.findall(r"^\| (?!package|---)([^|]+) \| ([^|]{15,}) \|$", text.split("\n## ")[0], flags=re.MULTILINE)
    named = [canonicalize_name(name) for names, _ in reasons for name in re.split(r", ", names)]
    assert sorted(named) == sorted(required(settings["project"]["dependencies"]))


def test_make_says_what_there_is(root):
    text = (root / "Makefile").read_text()
    targets = re.findall(r"^([a-z]+):.*## \S", text, flags=re.MULTILINE)
    assert {"help", "report", "test", "lab"} <= set(targets)
    assert len(targets) <= 8
