"""The ways in: the lock, the conda environment, the make targets."""

from __future__ import annotations

import re
import tomllib

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


def test_every_dependency_has_its_reason(root):
    design = (root / "docs" / "design.md").read_text()
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    missing = [Requirement(d).name for d in project["dependencies"] if Requirement(d).name not in design]
    assert not missing


def test_make_says_what_there_is(root):
    text = (root / "Makefile").read_text()
    targets = re.findall(r"^([a-z]+):.*## \S", text, flags=re.MULTILINE)
    assert {"help", "report", "test", "lab"} <= set(targets)
    assert len(targets) <= 8
