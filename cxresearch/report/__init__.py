"""From notebooks and parameters to one published report: parameters -> run -> render -> publish -> history."""

import sys

# A grammar of web addresses that JupyterLab brings and jsonschema takes for optional. Reading a notebook would import
# it: more than a second, half of what a run spends before its first kernel. JupyterLab runs in another process, and a
# kernel takes this back (kernel.py).
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
