"""The engine of a log is the same in a kernel as elsewhere."""

from __future__ import annotations

import subprocess
import sys

from cxresearch.contacts.engine import connect


def test_times_are_those_of_no_machine():
    assert connect().execute("SELECT TIMESTAMPTZ '2026-10-01 12:00:00+02'::VARCHAR").fetchone() == (
        "2026-10-01 10:00:00+00",
    )


def test_no_bar_is_drawn_where_python_is_asked_line_by_line():
    code = "from cxresearch.contacts.engine import connect\nprint(connect().execute(\"SELECT current_setting('enable_progress_bar')\").fetchone())\n"
    done = subprocess.run([sys.executable, "-i", "-q"], input=code, capture_output=True, text=True, check=True)
    assert "(False,)" in done.stdout


def test_no_engine_puts_anything_down_in_the_folder_of_another():
    """All give their files the same names: two in one folder write over each other's."""
    asked = "SELECT current_setting('temp_directory')"
    one, other = connect(), connect()
    assert one.execute(asked).fetchall() != other.execute(asked).fetchall()
