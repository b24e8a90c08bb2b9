"""What kernels are given of the environment: what programs need, what a report names, and no secret of mail or storage."""

from __future__ import annotations

import json
import sys

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from cxresearch.report.run.environment import for_kernels
from cxresearch.report.run.execute import Kernels, execute_notebook
from cxresearch.report.run.parameters import PASSWORD, ParameterError, check_environment
from cxresearch.report.run.warm_start import WarmStart

SECRETS = (
    PASSWORD, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_KEY", "PGPASSWORD",
    "GOOGLE_APPLICATION_CREDENTIALS", "GITHUB_TOKEN", "DATABASE_URL", "HTTPS_PROXY", "SSH_AUTH_SOCK", "PYTHON_API_KEY",
    "CXRESEARCH_STORE_TOKEN", "CXRESEARCH_TEAMS", "JUPYTER_TOKEN", "SLACK_WEBHOOK",
)  # fmt: skip
NEEDED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "CXRESEARCH_KEY", "CXRESEARCH_KEPT", "PYTHONPATH", "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "OMP_NUM_THREADS")  # fmt: skip


def test_what_programs_need_is_passed_on_and_secrets_are_not():
    given = for_kernels(of=dict.fromkeys((*SECRETS, *NEEDED), "x"))
    assert set(given) == set(NEEDED)


def test_a_report_names_what_its_own_notebooks_need():
    of = {"PATH": "x", "PRICES_DIR": "/prices", "OTHER": "y"}
    assert for_kernels(["PRICES_DIR"], of) == {"PATH": "x", "PRICES_DIR": "/prices"}
    with pytest.raises(ParameterError, match="names PRICE_DIR, which is not set"):
        for_kernels(["PRICE_DIR"], of)
    assert check_environment(["PRICES_DIR"], "r.toml") == ("PRICES_DIR",)
    for wrong in ([3], ["A B"], [PASSWORD]):
        with pytest.raises(ParameterError, match=r"r\.toml: .*(names of variables|mail server)"):
            check_environment(wrong, "r.toml")


@pytest.mark.skipif(
    sys.platform != "linux", reason="kernels are forked, and /proc shows their environment, on Linux alone"
)
@pytest.mark.parametrize("warm", [True, False])
def test_a_kernel_has_none_of_them_in_its_environment_nor_where_the_system_shows_it(tmp_path, monkeypatch, warm):
    for name in SECRETS:
        monkeypatch.setenv(name, "hunter2hunter2")
    monkeypatch.setenv("PRICES_DIR", "/prices")
    looks = (
        "import json, os\n"
        "ends = [f'/proc/{pid}/environ' for pid in (os.getpid(), os.getppid())]\n"
        "shown = [item.split('=')[0] for end in ends[:1 + warm] for item in open(end).read().split(chr(0)) if item]\n"
        "said = {'ours': sorted(os.environ), 'shown': shown, 'value': 'hunter2' in json.dumps(dict(os.environ))}\n"
        "print(json.dumps(said))"
    )
    cells = [new_code_cell("warm: bool = True", metadata={"tags": ["parameters"]}), new_code_cell(looks)]
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    path = tmp_path / "look.ipynb"
    path.write_text(json.dumps(new_notebook(cells=cells, metadata={"kernelspec": kernel})))
    start = WarmStart([], ["PRICES_DIR"]) if warm else None
    try:
        kernels = Kernels("test", start, environment=["PRICES_DIR"])
        done, executed = execute_notebook(
            path, {"warm": warm}, tmp_path, cell_timeout_s=60, retries=0, kernels=kernels, say=lambda text: None
        )
    finally:
        if start:
            start.close()
    assert not done.error
    said = json.loads(executed.cells[-1].outputs[0].text)
    assert not set(SECRETS) & {*said["ours"], *said["shown"]}
    assert {"PATH", "PRICES_DIR"} <= set(said["ours"]) & set(said["shown"])
    assert not said["value"]
