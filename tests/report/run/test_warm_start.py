"""Kernels forked from one process: nothing passes from one to another, and all end with it."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from cxresearch.report.run.execute import Kernels, execute_notebook
from cxresearch.report.run.warm_start import WarmStart, end_warm_start, imports_of, warm_start_for
from tests.report.test_failures import wait_for, write_cells

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")


@pytest.fixture(scope="module")
def warm():
    warm = WarmStart(["import json", "import no_such_package", "import random"])
    yield warm
    warm.close()


def printed(tmp_path, warm, *cells, **more):
    (tmp_path / "notebooks").mkdir(exist_ok=True)
    write_cells(tmp_path, *cells)
    kernels = Kernels("test", warm)
    executed, notebook = execute_notebook(
        tmp_path / "notebooks" / "one.ipynb", {}, tmp_path, cell_timeout_s=60, retries=0, kernels=kernels,
        say=lambda text: None, **more,
    )  # fmt: skip
    assert executed.error == ""
    return "".join(o.text for c in notebook.cells for o in c.get("outputs", []) if o.output_type == "stream")


def test_the_imports_of_cells_are_found_and_nothing_else():
    cells = ["import a.b as c, d\nx = 1", "from e import f\nimport d\nif x:\n    import g", "!ls", "from e import f"]
    assert imports_of(cells) == ["import a.b as c, d", "from e import f", "import d"]


def test_imports_are_there_and_a_package_that_is_not_is_told_by_its_cell(tmp_path, warm):
    said = printed(tmp_path, warm, "import sys\nprint('json' in sys.modules, 'no_such_package' in sys.modules)",
                   "print('rfc3987_syntax' in sys.modules)")  # fmt: skip
    assert said == "True False\nFalse\n"


def test_one_kernel_knows_nothing_of_another(tmp_path, warm):
    # A name, a setting of a module, the working directory, the environment, random numbers.
    change = (
        "import json, os, random\njson.seen = left = 1\nos.environ['SEEN'] = '1'\nprint(random.random())\nos.chdir('/')"
    )
    look = (
        "import json, os, random\nprint(hasattr(json, 'seen'), 'left' in globals(), 'SEEN' in os.environ)\n"
        "print(os.getcwd(), __import__('sys').path[0] in ('', os.getcwd()))\nprint(random.random())"
    )
    first = printed(tmp_path, warm, change)
    second = printed(tmp_path, warm, look).splitlines()
    assert second[0] == "False False False"
    assert second[1].split()[0] != "/"
    assert second[2] != first.strip()


def test_a_kernel_started_one_by_one_sees_the_same(tmp_path, warm):
    look = (
        "import sys, os\nprint(sys.argv[1:2][:1], sys.path, os.getcwd(), sorted(os.environ.keys() - {'JPY_PARENT_PID'}))\n"
        "print(os.environ['PYTHONHASHSEED'], hash('x'), os.environ['MPLBACKEND'], __name__)"
    )
    forked, alone = (printed(tmp_path, which, look) for which in (warm, None))
    assert forked == alone


def test_a_warm_process_that_dies_takes_its_kernels_and_the_next_kernel_starts_without_it(tmp_path):
    warm = WarmStart([])
    kernel = warm.kernel(["-f", str(tmp_path / "k.json")], {}, str(tmp_path))
    assert kernel.poll() is None
    psutil.Process(warm._process.pid).kill()
    wait_for(lambda: kernel.poll() is not None, 10)
    wait_for(lambda: not warm.alive, 10)
    assert printed(tmp_path, warm, "print(1)") == "1\n"
    warm.close()


def test_a_kernel_that_ends_while_it_is_asked_for_has_ended(warm, tmp_path, monkeypatch):
    kernel = warm.kernel(["-f", str(tmp_path / "k.json")], {}, str(tmp_path))

    def gone(self):
        raise psutil.NoSuchProcess(self.pid)

    with monkeypatch.context() as patch:
        patch.setattr(psutil.Process, "status", gone)
        assert kernel.poll() == -9
    kernel.returncode = None
    kernel.kill()
    assert kernel.wait() == -9
    kernel.kill()


def test_one_warm_process_serves_the_same_notebooks(tmp_path):
    (tmp_path / "notebooks").mkdir()
    write_cells(tmp_path, "import json")
    path = tmp_path / "notebooks" / "one.ipynb"
    one = warm_start_for([path])
    assert warm_start_for([path]) is one
    assert one.statements == ["import json", "from IPython.display import display"]
    write_cells(tmp_path, "import csv")
    other = warm_start_for([path])
    assert other is not one
    assert not one.alive
    end_warm_start()
    assert not other.alive


def test_nothing_is_left_to_look_up_when_threads_begin():
    """What two threads would look up at once: every class that Jupyter names by a text."""
    script = """
import asyncio
from traitlets import Instance, Type
from jupyter_client import AsyncKernelManager, KernelClient
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.provisioning import LocalProvisioner
from jupyter_client.session import Session
from papermill.clientwrap import PapermillNotebookClient
from cxresearch.report.run.execute import import_papermill

def unresolved():
    classes = (PapermillNotebookClient, AsyncKernelManager, AsyncKernelClient, KernelSpecManager, LocalProvisioner, Session)
    return [(c.__name__, n) for c in classes for n, t in c.class_traits().items()
            if isinstance(t, (Type, Instance)) and isinstance(t.klass, str)]

print(len(unresolved()))
import_papermill()
print(unresolved())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    before, after = done.stdout.splitlines()
    assert int(before) > 0, "if Jupyter resolves them itself one day, this is no longer needed"
    assert after == "[]", done.stderr


def test_what_the_face_loads_name_by_name_is_there_before_a_kernel_starts(tmp_path):
    warm = WarmStart(["import cxresearch as cx"])
    code = "import sys\nprint('cxresearch.exhibits.period' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    assert printed(tmp_path, warm, code) == "True True\n"
    warm.close()
