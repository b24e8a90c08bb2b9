"""The one thing on a page that moves: scenarios computed in the run, chosen by a slider, shown by a few lines of script.

The script holds no number: it shows the cells of the table that stands in the page anyway. It is the same for every
report, so the page's policy allows it by its hash and allows nothing else. docs/what-if.md says why.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from cxresearch.style import format_value, load_words

SCRIPT = (Path(__file__).parent / "templates" / "whatif.js").read_text(encoding="utf-8")
_DIGEST = hashlib.sha256(SCRIPT.encode()).digest()
SCRIPT_SOURCE = f"'sha256-{base64.b64encode(_DIGEST).decode()}'"
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def policy(*, script: bool) -> str:
    """The Content-Security-Policy of a page: nothing is loaded; with a what-if its one script runs."""
    return f"{POLICY}; script-src {SCRIPT_SOURCE}" if script else POLICY


def what_if_view(content: dict[str, Any], table: dict[str, Any], *, anchor: str) -> dict[str, Any]:
    """What the template shows of one recorded what-if; ``table`` is its table as the page shows tables.

    Its numbers are written as the notebook wrote those of the table, whatever the language of the page.
    """
    numbers = load_words()["numbers"]
    products = {f"product_{place}": place for place in range(len(content["assumed"]))}
    columns = list(enumerate(table["columns"]))[1:]
    today = content["table"]["rows"][content["today"]]
    return {
        "type": "what_if",
        "anchor": anchor,
        "finding": content["finding"],
        "subtitle": content["subtitle"],
        "kind": content["kind"],
        "today": content["today"],
        "lever": {"label": table["columns"][0]["label"], "today": today[0]},
        "outputs": [
            {"column": place, "label": column["label"], "today": today[place]}
            for place, column in columns if column["name"] not in products
        ],
        "assumed": [
            {
                **given,
                "id": f"{anchor}-{place}",
                "values": " ".join(repr(value) for value in given["values"]),
                "each": format_value(given["value"], given["unit"]),
                "range": [format_value(given[end], given["unit"]) for end in ("lower", "upper")],
                "product_today": f"{today[_place(columns, place)]} {given['unit']}",
            }
            for place, given in enumerate(content["assumed"])
        ],
        "decimal": numbers["decimal"],
        "thousands": numbers["thousands"],
        "table": table,
    }  # fmt: skip


def _place(columns: list[tuple[int, dict[str, Any]]], product: int) -> int:
    return next(place for place, column in columns if column["name"] == f"product_{product}")
