"""The executed notebook as it is kept beside the page: without the places of this machine and the noise of its run."""

from __future__ import annotations

import re

import nbformat

from cxresearch.report.page.leaks import NO_NAMES, Names, in_each_text, without_leaks, without_paths

FIGURE_MIME = "application/vnd.cxresearch.figure+json"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def cleaned(notebook: nbformat.NotebookNode, names: Names = NO_NAMES) -> nbformat.NotebookNode:
    """A copy of ``notebook`` with files named without their folders, without what papermill and the kernel say of the run,
    without the PNG files of figures, which stand beside the page, and with nothing on stderr or in a traceback that a rule
    of the gate finds. What its outputs say else is the gate's to judge. ``names`` of the log are left as they are."""
    kept = nbformat.from_dict(in_each_text(notebook, lambda text: without_paths(text, names)))
    kept.metadata.pop("papermill", None)
    for cell in kept.cells:
        for said in ("papermill", "execution", "ExecuteTime"):
            cell.metadata.pop(said, None)
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                output.evalue = _lines(output.evalue, names)
                output.traceback = [_lines(frame, names) for frame in output.traceback]
            elif output.output_type == "stream" and output.name == "stderr":
                output.text = _lines(output.text, names)
            elif FIGURE_MIME in output.get("data", {}):
                output.data.pop("image/png", None)
    return kept


def _lines(text: str, names: Names) -> str:
    return "\n".join(without_leaks(line, names) for line in _COLOURS.sub("", text).split("\n"))
