"""``import cxresearch as cx``: cheap, complete, and no name stands for two things."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import cxresearch as cx

PACKAGES = {path.name for path in Path(cx.__file__).parent.iterdir() if (path / "__init__.py").is_file()}


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_it_loads_nothing_heavy():
    assert not modules_after("import cxresearch as cx; dir(cx); cx.__version__") & {
        "pandas", "numpy", "duckdb", "matplotlib", "narwhals", "scipy", "IPython", "cxresearch.contacts",
    }  # fmt: skip


def test_a_log_is_found_without_figures_and_models():
    loaded = modules_after("import cxresearch as cx; cx.load")
    assert "duckdb" in loaded
    assert not loaded & {"matplotlib", "seaborn", "IPython", "statsmodels", "scipy.special", "cxresearch.exhibits"}


def test_two_kept_headlines_are_compared_without_figures():
    loaded = modules_after("from cxresearch.exhibits import change_table; change_table")
    assert not loaded & {"matplotlib", "duckdb", "scipy.stats", "cxresearch.patience"}


def test_what_the_face_names_is_there_and_completes():
    assert {"load", "patience_curve", "main_points", "day_of", "survival", "__version__"} <= set(dir(cx))
    for name in dir(cx):
        assert getattr(cx, name) is not None, name


def test_no_public_name_is_a_packages_name():
    for name in set(dir(cx)) & PACKAGES:
        assert getattr(cx, name).__name__ == f"cxresearch.{name}"
    given = {name for name in dir(cx) if not name.startswith("_")} - PACKAGES
    assert not given & PACKAGES
    assert {"contacts", "risk_table", "survival", "patience", "exhibits", "report"} <= PACKAGES


def test_it_is_typed_and_every_resource_comes_with_the_package():
    for name in ("py.typed", "__init__.pyi", "style/words-en.toml", "evidence/data/evidence/claims.csv",
                 "evidence/data/assumptions.csv", "report/page/templates/report.html", "report/archive/schema.json"):  # fmt: skip
        assert (files("cxresearch") / name).is_file(), name
