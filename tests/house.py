"""The picture of the house, ``docs/house.svg``: every package and every arrow of ``test_layout``, one above the other.

``python -m tests.house`` draws it anew. A package stands one floor above the highest one that it stands on (the longest
way down). An arrow is drawn where nothing else leads there; what a package may import besides, further down, stands in
its room as words. So every arrow of the table is in the picture, once. The same table gives the same bytes.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections import Counter
from collections.abc import Mapping
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from tests.test_layout import ARROWS, INVENTORY, MODULE_ARROWS, SOURCES

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "house.svg"

# What a room is for, in a few words; of a room that is not here, the beginning of its docstring.
GLOSS = {
    "": "the public face: cx.load, cx.patience_curve ...",
    "__main__": "the command line",
    "report": "from notebooks to one published page",
    "exhibits": "a table in, a finding with its figure out",
    "patience": "how long people would wait",
    "decisions": "what to do first, and how sure",
    "queueing": "waits on offer, teams, days",
    "survival": "curves from counts",
    "regression": "models from counts",
    "contacts": "any log; a period, read once",
    "impact": "from a wait to talk and money",
    "figures": "tables onto Axes",
    "simulate": "logs with a known truth",
    "risk_table": "one group-by, who is at risk",
    "evidence": "the register of findings",
    "spread": "talk as branching",
    "cascade": "talk on a network",
    "survey": "your own respondents",
    "style": "words, numbers, colours",
}

WIDTH, MARGIN, GAP = 1200.0, 14.0, 14.0
# Widths: a room, one on a floor with few of them, and a lane in which an arrow passes a floor.
ROOM, WIDE, LANE = 172.0, 250.0, 6.0
FEW = 2
TOP, BETWEEN, FOOT = 16.0, 62.0, 60.0
LINE, PAD = 20.0, 11.0
LETTER = 8.8  # the room that a letter takes
SWEEPS = 40

Arrow = tuple[str, str]


class Node(NamedTuple):
    """A room, or the lane of a long arrow on one floor."""

    floor: int
    name: str
    width: float = LANE
    is_lane: bool = True


def standing(
    arrows: Mapping[str, set[str]], modules: Mapping[str, set[str]], rooms: Mapping[str, object]
) -> tuple[dict[str, set[str]], dict[Arrow, str]]:
    """Room -> rooms that it stands on, and the arrows that one module alone may go; of rooms that are there."""
    down = {name: {to for to in arrows[name] if to in rooms} for name in sorted(rooms)}
    alone = {
        (module.split(".")[0], to): module
        for module, targets in modules.items()
        for to in targets
        if module.split(".")[0] in rooms and to in rooms
    }
    for by, to in alone:
        down[by] |= {to}
    return down, alone


def floors(down: Mapping[str, set[str]]) -> dict[str, int]:
    """The longest way down from each room."""
    found: dict[str, int] = {}

    def floor(name: str) -> int:
        if name not in found:
            found[name] = max((floor(below) + 1 for below in down[name]), default=0)
        return found[name]

    for name in down:
        floor(name)
    return found


def split(down: Mapping[str, set[str]]) -> tuple[set[Arrow], set[Arrow]]:
    """Arrows to draw, and those that a longer way leads along as well: these are told in words."""

    def below(name: str) -> set[str]:
        return down[name].union(*map(below, down[name]))

    words = {(name, to) for name in down for to in down[name] if any(to in below(other) for other in down[name] - {to})}
    return {(name, to) for name in down for to in down[name]} - words, words


def ways(drawn: set[Arrow], rooms: Mapping[str, Node]) -> dict[Arrow, list[Node]]:
    """Each drawn arrow as nodes from its room down to the other one, with a lane on every floor between."""
    return {
        (by, to): [
            rooms[by],
            *(Node(level, f"{by}>{to}") for level in range(rooms[by].floor - 1, rooms[to].floor, -1)),
            rooms[to],
        ]
        for by, to in sorted(drawn)
    }


def placed(nodes: set[Node], lines: list[tuple[Node, Node]]) -> dict[Node, float]:
    """The middle of each node: near those it is tied to, in an order that lets few lines cross."""
    levels = {level: sorted(n for n in nodes if n.floor == level) for level in sorted({n.floor for n in nodes})}
    tied: dict[Node, list[Node]] = {node: [] for node in nodes}
    for one, other in lines:
        tied[one].append(other)
        tied[other].append(one)
    middle = {n: WIDTH * (i + 1) / (len(row) + 1) for row in levels.values() for i, n in enumerate(row)}
    best, least = middle, float("inf")
    for sweep in range(SWEEPS):
        middle = dict(middle)
        for level in sorted(levels, reverse=bool(sweep % 2)):
            row = levels[level]
            wanted = {n: sum(middle[t] for t in tied[n]) / len(tied[n]) if tied[n] else middle[n] for n in row}
            row.sort(key=lambda n: (wanted[n], n.name))
            middle |= apart(row, wanted)
        cost = crossings(lines, middle) * WIDTH + sum(abs(middle[a] - middle[b]) for a, b in lines)
        if cost < least:
            best, least = middle, cost
    return swapped(levels, lines, best)


def swapped(
    levels: Mapping[int, list[Node]], lines: list[tuple[Node, Node]], middle: dict[Node, float]
) -> dict[Node, float]:
    """Change neighbours' places as long as that leaves fewer crossings or shorter lines."""

    def cost(places: dict[Node, float]) -> float:
        return crossings(lines, places) * WIDTH + sum(abs(places[a] - places[b]) for a, b in lines)

    least, better = cost(middle), True
    while better:
        better = False
        for level in levels:
            row = sorted(levels[level], key=lambda n: middle[n])
            for i in range(len(row)):
                for j in range(i + 1, len(row)):
                    order = [*row[:i], row[j], *row[i + 1 : j], row[i], *row[j + 1 :]]
                    places = {**middle, **apart(order, dict(zip(order, [middle[n] for n in row], strict=True)))}
                    if (now := cost(places)) < least - 1e-6:
                        middle, least, better, row = places, now, True, order
    return middle


def apart(row: list[Node], wanted: Mapping[Node, float]) -> dict[Node, float]:
    """Nodes of one floor in their order, as near to where they want to be as their widths allow."""
    places: list[float] = []
    for n, node in enumerate(row):
        low = MARGIN + node.width / 2 if not n else places[-1] + (row[n - 1].width + node.width) / 2 + GAP
        places.append(max(low, wanted[node]))
    # And back from the right wall, for those that were pushed into it.
    high = WIDTH - MARGIN
    for n in reversed(range(len(row))):
        places[n] = min(places[n], high - row[n].width / 2)
        high = places[n] - row[n].width / 2 - GAP
    return {node: round(place, 1) for node, place in zip(row, places, strict=True)}


def crossings(lines: list[tuple[Node, Node]], middle: Mapping[Node, float]) -> int:
    count = 0
    for i, (a, b) in enumerate(lines):
        for c, d in lines[i + 1 :]:
            if a.floor == c.floor and b.floor == d.floor:
                count += (middle[a] - middle[c]) * (middle[b] - middle[d]) < 0
    return count


def gloss(name: str) -> str:
    if name in GLOSS:
        return GLOSS[name]
    return re.split(r"[:;,.]", ast.get_docstring(ast.parse(SOURCES[name])) or "")[0].lower()


def label(name: str) -> str:
    return name or "cxresearch"


def room_lines(name: str, words: set[Arrow], width: float) -> list[tuple[str, str]]:
    """The lines of a room as (class, text): its name, what it is for, and what else it may import."""
    besides = sorted(to for by, to in words if by == name)
    letters = int(width / LETTER)
    also = textwrap.wrap(f"also {', '.join(besides)}", letters + 1) if besides else []
    return [
        ("name", label(name)),
        *(("for", line) for line in textwrap.wrap(gloss(name), letters)),
        *(("also", line) for line in also),
    ]


STYLE = """
 text { font-family: "DejaVu Sans", Verdana, Arial, sans-serif; font-size: 15px; fill: #1d2733; text-anchor: middle }
 .name { font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 18px; font-weight: bold }
 .also { fill: #5a6673; font-style: italic; font-size: 14px }
 .foot { text-anchor: start; font-size: 14.5px; fill: #43505d }
 .room { fill: #ffffff; stroke: #1d2733; stroke-width: 1.4 }
 .ground { fill: #e8f0f8 }
 .way { fill: none; stroke: #4b5a68; stroke-width: 1.5 }
 .alone { stroke-dasharray: 6 4 }
 .level { fill: #f4f5f6 }
"""


def house(
    arrows: Mapping[str, set[str]] = ARROWS,
    modules: Mapping[str, set[str]] = MODULE_ARROWS,
    inventory: Mapping[str, tuple[str, ...]] = INVENTORY,
) -> str:
    """The picture as the text of an SVG file."""
    down, alone = standing(arrows, modules, dict.fromkeys({*inventory, *inventory[""]}))
    floor = floors(down)
    crowd = Counter(floor.values())
    rooms = {name: Node(floor[name], name, WIDE if crowd[floor[name]] <= FEW else ROOM, False) for name in down}
    drawn, words = split(down)
    way = ways(drawn, rooms)
    lines = [line for nodes in way.values() for line in pairwise(nodes)]
    middle = placed({*rooms.values(), *(node for nodes in way.values() for node in nodes)}, lines)
    text = {name: room_lines(name, words, node.width) for name, node in rooms.items()}
    tall = {level: max(len(text[name]) for name in rooms if floor[name] == level) * LINE + 2 * PAD for level in crowd}
    # The top floor is drawn first; y grows downwards.
    top: dict[int, float] = {}
    y = TOP
    for level in sorted(tall, reverse=True):
        top[level] = y
        y += tall[level] + BETWEEN
    height = y - BETWEEN + FOOT
    said = "; ".join(f"{label(name)} on {', '.join(sorted(down[name])) or 'nothing'}" for name in sorted(rooms))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" width="{WIDTH:g}" '
        f'height="{height:g}" role="img" aria-labelledby="title desc">',
        '<title id="title">The packages of cxresearch and what each may import</title>',
        f'<desc id="desc">{escape(said)}.</desc>',
        f"<style>{STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
        'orient="auto"><path d="M0 1 L9 5 L0 9 z" fill="#4b5a68"/></marker></defs>',
        f'<rect width="{WIDTH:g}" height="{height:g}" fill="#ffffff"/>',
    ]
    for level in sorted(tall, reverse=True):
        parts.append(
            f'<rect class="level" x="0" y="{top[level] - 8:g}" width="{WIDTH:g}" height="{tall[level] + 16:g}"/>'
        )
    for arrow, nodes in way.items():
        dashed = " alone" if arrow in alone else ""
        parts.append(
            f'<path class="way{dashed}" marker-end="url(#tip)" d="{curve(nodes, middle, top, tall, way)}">'
            f"<title>{label(arrow[0])} stands on {arrow[1]}{told(alone.get(arrow))}</title></path>"
        )
    for name, node in sorted(rooms.items(), key=lambda item: (-item[1].floor, middle[item[1]])):
        box = "room" if down[name] else "room ground"
        parts += room(text[name], box, middle[node], top[node.floor], node.width, tall[node.floor])
    foot = (
        "An arrow points to what a room stands on. Also: what it may import besides, from floors further down. "
        "Every other import is refused by a test."
    )
    parts.append(f'<text class="foot" x="{MARGIN:g}" y="{height - 28:g}">{escape(foot)}</text>')
    only = "; ".join(f"{module} alone may use {to}" for (_, to), module in sorted(alone.items()))
    if only:
        parts.append(f'<text class="foot" x="{MARGIN:g}" y="{height - 8:g}">{escape(f"Dashed: {only}.")}</text>')
    return "\n".join([*parts, "</svg>", ""])


def told(module: str | None) -> str:
    return f" ({module} alone)" if module else ""


def room(lines: list[tuple[str, str]], kind: str, x: float, y: float, width: float, height: float) -> list[str]:
    box = f'<rect class="{kind}" x="{x - width / 2:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5"/>'
    first = y + (height - len(lines) * LINE) / 2 + 15
    words = [
        f'<text class="{word}" x="{x:g}" y="{first + n * LINE:g}">{escape(line)}</text>'
        for n, (word, line) in enumerate(lines)
    ]
    return [box, *words]


def curve(
    nodes: list[Node], middle: Mapping[Node, float], top: Mapping[int, float], tall: Mapping[int, float],
    way: Mapping[Arrow, list[Node]],
) -> str:  # fmt: skip
    """From the floor of the first room to the ceiling of the last one; straight down where it passes a floor."""
    steps = []
    for n, (one, other) in enumerate(pairwise(nodes)):
        x0 = middle[one] if one.is_lane else port(one, other, middle, [w for w in way.values() if w[0] == one], 0)
        x1 = (
            middle[other]
            if other.is_lane
            else port(other, one, middle, [w for w in way.values() if w[-1] == other], -1)
        )
        y0, y1 = top[one.floor] + tall[one.floor], top[other.floor] - (0 if other.is_lane else 2)
        bend = (y1 - y0) * 0.5
        steps.append(f"{'M' if not n else 'L'}{x0:g} {y0:g} C{x0:g} {y0 + bend:g} {x1:g} {y1 - bend:g} {x1:g} {y1:g}")
    return " ".join(steps)


def port(at: Node, to: Node, middle: Mapping[Node, float], through: list[list[Node]], end: int) -> float:
    """Where along a room's edge a line leaves or arrives: in the order of the other ends, so that none cross there."""
    others = sorted((w[1] if end == 0 else w[-2] for w in through), key=lambda n: (middle[n], n))
    step = min(26.0, (at.width - 30) / max(1, len(others) - 1))
    return round(middle[at] + (others.index(to) - (len(others) - 1) / 2) * step, 1)


if __name__ == "__main__":
    PICTURE.write_text(house(), encoding="utf-8")
