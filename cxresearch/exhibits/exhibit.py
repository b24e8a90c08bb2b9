"""An exhibit: a finding with the numbers behind it and, where there is one, its figure. It shows itself."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from cxresearch.exhibits import show
from cxresearch.figures import axes_or_new
from cxresearch.style import load_words, phrase

Draw = Callable[..., Axes]


@dataclass(frozen=True, eq=False)
class Exhibit:
    """What one cell of a notebook shows, in JupyterLab, in the report and in a program alike.

    As the last line of a cell it shows itself: what it says, its figure with the numbers behind, or its table. In
    JupyterLab the finding, the subtitle and the kind stay with the figure.

    Attributes
    ----------
    finding : what the numbers say, in one line. Of an exhibit whose data is not there, why it is not.
    table : the numbers behind, an ordinary DataFrame, all rows and unrounded.
    subtitle : measure, place and period. kind : "estimated", "quoted", "assumed" or "SIMULATED".
    draw : called with ``ax=`` (None: Axes of its own), draws and returns them; None where a table or a sentence says it.
    description : the numbers in words, for who does not see the figure; the finding where nothing else is said.
    caption : of the table, the subtitle if empty. says : Markdown that stands before, which may open with a heading
        ("## ..."). shown : the rows and columns of ``table`` that a page shows (None: all of them).
    units : column -> how it is written, where its name does not say so (see ``columns.unit_of``).
    people : column -> what makes people of it, where its name does not say that it counts some (``small_groups.held_back``).
    ready : bundles that show it in another way than by a figure or a table: headlines, main points, a what-if.
    recorded : what goes with the last bundle and is not shown there: MIME type -> content.
    """

    finding: str
    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    subtitle: str = ""
    kind: str = "estimated"
    draw: Draw | None = None
    description: str = ""
    caption: str = ""
    says: str = ""
    shown: pd.DataFrame | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    people: Mapping[str, Any] = field(default_factory=dict)
    ready: tuple[dict[str, Any], ...] = ()
    recorded: Mapping[str, Any] = field(default_factory=dict)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the figure on ``ax``, or on new Axes, under its finding; where there is none, the finding stands alone."""
        if self.draw is None:
            ax = axes_or_new(ax)
            ax.set_axis_off()
        else:
            ax = self.draw(ax=ax)
        mark = f"{load_words()['kinds']['SIMULATED']}. " if self.kind == "SIMULATED" else ""
        ax.set_title(f"{mark}{self.finding}", wrap=True, parse_math=False)
        return ax

    def bundles(self) -> Iterator[dict[str, Any]]:
        """The MIME bundles that show it, in order."""
        shown = list(self._shown())
        if shown:
            shown[-1] = shown[-1] | dict(self.recorded)
        yield from shown

    def _shown(self) -> Iterator[dict[str, Any]]:
        rows = self.table if self.shown is None else self.shown
        if self.says:
            yield show.prose_bundle(self.says)
        if self.ready:
            yield from self.ready
            return
        if self.says and self.draw is None and rows.empty:
            return
        if self.draw is None and rows.empty:
            yield show.prose_bundle(f"{self.finding.rstrip('.')}.")
        if self.draw is not None:
            yield show.figure_bundle(
                self.draw(ax=None), finding=self.finding, subtitle=self.subtitle, description=self.description or self.finding,
                kind=self.kind, table=None if rows.empty else rows, caption=self.caption, formats=self.units,
                people=self.people,
            )  # fmt: skip
        elif not rows.empty:
            yield show.table_bundle(
                rows, caption=self.caption or self.subtitle or self.finding, kind=self.kind, formats=self.units,
                people=self.people,
            )  # fmt: skip

    def _ipython_display_(self) -> None:
        for bundle in self.bundles():
            show.publish(bundle)

    def _repr_html_(self) -> str:
        """For programs that ask an object for its HTML, such as a control in JupyterLab."""
        parts = []
        for bundle in self.bundles():
            said = bundle.get("text/html") or f"<p>{html.escape(bundle.get('text/markdown', ''))}</p>"
            parts.append(said)
        return "\n".join(parts)

    def __repr__(self) -> str:
        behind = f"; {len(self.table):,} rows behind it" if len(self.table) else ""
        return f"<{self.finding} ({self.kind}{behind})>"


def nothing(why: str) -> Exhibit:
    """An exhibit whose data is not there: it says so in its place."""
    return Exhibit(finding=why)


_TOLD = {
    "quoted": "Quoted, not measured here",
    "assumed": "Assumed, not measured",
    "estimated": "Estimated",
    "SIMULATED": "SIMULATED",
}


def main_findings(*exhibits: Exhibit) -> Exhibits:
    """The findings of these exhibits as main points of a report, each with its kind and its measure; one whose data is not
    there is left out, and of two that find the same the last is taken."""
    found = {one.finding: one for one in exhibits if not one.table.empty}
    points = []
    for finding, one in found.items():
        measure = re.split(r"[.;] ", one.subtitle)[0]
        points.append((f"{finding.rstrip('.')}.", f"{phrase(_TOLD[one.kind])}{': ' if measure else ''}{measure}."))
    return Exhibits([Exhibit(finding=points[0][0], ready=(show.points_bundle(points),))] if points else [])


class Exhibits(tuple[Exhibit, ...]):
    """Several exhibits in a row, each showing itself."""

    __slots__ = ()

    def __new__(cls, exhibits: Iterable[Exhibit]) -> Exhibits:
        return super().__new__(cls, exhibits)

    def __add__(self, others: object) -> Exhibits:
        return Exhibits([*self, *others]) if isinstance(others, Exhibits) else NotImplemented

    def _ipython_display_(self) -> None:
        for exhibit in self:
            exhibit._ipython_display_()
