"""Exports of known tools: recognised by the names of their columns, read by a mapping that is shown."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from cxresearch.contacts.canonical import LogError
from cxresearch.contacts.mapping import LogMapping, find_column, meant, name_of, parse_mapping


@dataclass(frozen=True)
class Tool:
    """One export of one tool: its ``name`` and ``title``, the columns that it ``needs``, the mapping of its ``columns``;
    ``refused`` says why it cannot be used, where it cannot; ``note`` what is told with every log of it."""

    name: str
    title: str
    needs: tuple[str, ...]
    columns: Mapping[str, Any]
    refused: str = ""
    note: str = ""

    def fits(self, names: Sequence[str]) -> bool:
        """Whether all columns that it needs are among ``names``."""
        there = {name_of(name) for name in names}
        return all(name_of(needed) in there for needed in self.needs)

    def mapping(self, names: Sequence[str]) -> dict[str, Any]:
        """Its mapping without the columns that this export does not have."""

        def there(said: Any) -> bool:
            if not isinstance(said, Mapping) or "value" in said:
                return isinstance(said, Mapping) or find_column(said, names) is not None
            read = [said[key] for key in ("column", "from", "to") if key in said]
            return all(any(find_column(c, names) for c in ([one] if isinstance(one, str) else one)) for one in read)

        def has(name: str, said: Any) -> bool:
            return name == "rows" or (
                find_column(said["newest"], names) is not None if name == "repeats" else there(said)
            )

        kept = {name: said for name, said in self.columns.items() if has(name, said)}
        rows = {column: words for column, words in kept.pop("rows", {}).items() if find_column(column, names)}
        return {**kept, "rows": rows} if rows else kept


@functools.cache
def known_tools() -> tuple[Tool, ...]:
    """Every tool of tools.toml, the more special first."""
    text = (files("cxresearch.contacts") / "tools.toml").read_text(encoding="utf-8")
    return tuple(
        Tool(
            name,
            said["title"],
            tuple(said["needs"]),
            said.get("columns", {}),
            said.get("refused", ""),
            said.get("note", ""),
        )
        for name, said in tomllib.loads(text).items()
    )


def recognised(names: Sequence[str]) -> Tool | None:
    """The tool whose export has these columns, or None."""
    return next((tool for tool in known_tools() if tool.fits(names)), None)


def mapping_for(preset: str | None, names: Sequence[str], columns: Mapping[str, Any] | None) -> LogMapping:
    """The mapping that was given; before it, what is known of the tool that wrote the log."""
    tool = next((tool for tool in known_tools() if tool.name == preset), None)
    mapping = parse_mapping({**(tool.mapping(names) if tool else {}), **(columns or {})})
    for column in (*mapping.same, *mapping.same.values()) if tool else ():
        if find_column(column, names) is None:
            raise LogError(f"no column {column!r} (for rows){meant(column, names)}.")
    return mapping
