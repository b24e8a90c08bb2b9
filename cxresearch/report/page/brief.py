"""The brief: what the first two pages of a report show, composed from what its notebooks recorded.

Nothing is computed here but where a mark is drawn and which parts stand. A part that was not recorded is left out; one that
says why it is not there says so in its place.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from cxresearch.risk_table import FEWEST_DAYS
from cxresearch.style import (
    format_duration,
    format_interval,
    format_number,
    format_value,
    is_missing,
    load_words,
    phrase,
)

MOST_TILES = 4
MOST_FILES = 2
# Of verdict, points and notices: with more the chart has no room beside them.
MOST_LETTERS, LETTERS_OF_A_MARK = 1_400, 150
GAP_DAYS = 3  # a line is not drawn over more days without a value
_FIRST = (
    "lost_share", "unanswered_after_promise_share", "service_level", "mean_answer_s", "contacts_per_day", "median_first_answer_s",
    "backlog", "tickets_per_day", "lost_for_good_share", "mean_wait_s",
)  # fmt: skip
ALL, LOST = "gave up in all", "not answered within 24 h"
_CHAIN = ("asked", "queued", ALL, "gave up", "customer known", "followed for 24 h")
_TEXTURES = 5  # as many kinds of bars as brief.css draws


def chosen_tiles(headlines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Up to four headlines: the level first, then those with a target, those that moved, and the usual ones."""
    if len(headlines) <= MOST_TILES:
        return list(headlines)
    place = {name: n for n, name in enumerate(_FIRST)}

    def rank(headline: dict[str, Any]) -> tuple[int, int]:
        level = place.get(headline["name"], len(place))
        told = headline.get("target") or (headline.get("change") or {}).get("distinguishable")
        known = not is_missing(headline["value"])
        return (0 if known and level < 2 else 1 if known and told else 2 if known else 3, level)

    return sorted(headlines, key=rank)[:MOST_TILES]


def brief_view(
    parts: Mapping[str, dict[str, Any]], decision: dict[str, Any] | None, run: dict[str, Any], *, status: str, stale: bool,
    headlines: Sequence[dict[str, Any]], points: Sequence[Sequence[str]], marks: int, language: str,
) -> dict[str, Any]:  # fmt: skip
    """What the template shows of the recorded ``parts`` (part -> content of its ``show.BRIEF`` bundle) and the decision.

    ``status`` and ``stale`` are those of the page: of data that ends early, and where a part is missing, no action is named.
    ``points`` and ``marks`` (how many there are) take room: where they take much, the chart stands on the second page.
    """
    words = load_words(language)["brief"]
    lead = parts.get("lead", {})
    few = bool(lead) and not lead["days"]
    view: dict[str, Any] = {
        "said": lead.get("said", ""),
        "sparks": lead.get("days", {}),
        "sparks_said": "" if not lead.get("days") else (
            words["sparks"].format(before=run.get("previous_period_label")) if any(len(one) > 1 for one in lead["days"].values()) else words["sparks_alone"]
        ),
        "hours": _hours(parts.get("hours"), language),
        "box": _box(decision, parts, run, few=few, status=status, stale=stale, language=language),
        "bridge": _bridge(parts.get("bridge"), language),
        "queues": _queues(parts.get("queues"), language),
        "sure": "" if not lead else words["sure_few" if few else "sure_more"],
        "unknown": _unknown(parts, decision, first=not lead.get("before"), language=language) if lead else [],
    }  # fmt: skip
    view["terms"] = _terms(view, headlines, words)
    said = len(view["said"]) + sum(len(text) for point in points for text in point) + LETTERS_OF_A_MARK * marks
    view["long"] = said > MOST_LETTERS
    return view


def _has_before(headlines: Sequence[dict[str, Any]]) -> bool:
    return any(headline.get("change") for headline in headlines)


def spark(days: Sequence[Sequence[Sequence[Any]]], value: float | None) -> dict[str, Any] | None:
    """The small line of a tile: pieces of the period before and of the period, and the value as a level; None of few days.

    ``days`` are those of the period before, if any, and of the period: pairs of an ISO date and a value.
    """
    known = [float(v) for one in days for _, v in one if not is_missing(v)]
    if sum(not is_missing(v) for _, v in (days[-1] if days else [])) < FEWEST_DAYS:
        return None
    first = date.fromisoformat(days[0][0][0])
    span = max((date.fromisoformat(days[-1][-1][0]) - first).days, 1)
    low, high = min([*known, *([value] if value is not None else [])]), max(known)
    height = (high - low) or 1.0

    def up(number: float) -> float:
        return 27 - 24 * (number - low) / height

    pieces = []
    for one in days:
        runs: list[list[str]] = []
        last = None
        for day, number in one:
            at = (date.fromisoformat(day) - first).days
            if is_missing(number):
                last = None
                continue
            if last is None or at - last > GAP_DAYS:
                runs.append([])
            runs[-1].append(f"{100 * at / span:.1f},{up(float(number)):.1f}")
            last = at
        pieces.append([" ".join(points) for points in runs])
    level = None if value is None else f"{up(value):.1f}"
    starts = f"{100 * (date.fromisoformat(days[-1][0][0]) - first).days / span:.1f}"
    return {"then": pieces[0] if len(pieces) > 1 else [], "now": pieces[-1], "level": level, "starts": starts}


def _hours(part: dict[str, Any] | None, language: str) -> dict[str, Any] | None:
    if not part or "why" in part:
        return part
    words, rows = load_words(language)["brief"], part["hours"]
    step, top = _ticks(max(row["upper"] or row["lost"] for row in rows))
    by_hour = {row["hour"]: row for row in rows}
    empty = {"said": "", "lost": 0.0, "lower": None, "upper": None, "tied": False, "parts": []}
    columns = []
    for hour in range(rows[0]["hour"], rows[-1]["hour"] + 1):
        row = by_hour.get(hour, empty | {"hour": hour})
        interval = row["lower"] is not None and row["upper"] is not None
        columns.append({
            "label": str(hour), "tied": row["tied"], "row": row,
            "parts": [{"height": _percent(lost / top), "texture": n % _TEXTURES} for n, lost in enumerate(row["parts"]) if lost],
            "from": interval and _percent(row["lower"] / top), "long": interval and _percent((row["upper"] - row["lower"]) / top),
        })  # fmt: skip
    return {
        "why": "", "finding": part["finding"], "columns": columns, "kind": part["kind"], "content": part["table"],
        "ticks": [{"at": _percent(tick / top), "said": format_value(tick, language=language)} for tick in _steps(step, top)],
        "step": step, "top": top,
        "queues": [{"name": name, "texture": n % _TEXTURES} for n, name in enumerate(part["queues"])],
        "alt": f"{part['finding']}. {part['described']}.", "week": phrase("{week}, {days} days", language=language, week=part["week"], days=str(part["days"])),
        "note": words["bars_tied" if any(row["tied"] for row in rows) else "bars"],
    }  # fmt: skip


def _ticks(highest: float) -> tuple[float, float]:
    """The step between the lines of a scale, and its end: three to five steps of 1, 2 or 5."""
    power = 10 ** math.floor(math.log10(highest / 4))
    step = next(power * nice for nice in (1, 2, 5, 10) if highest / (power * nice) <= 5)
    return step, step * math.ceil(highest / step - 1e-9)


def _steps(step: float, top: float) -> list[float]:
    return [round(step * n, 10) for n in range(round(top / step) + 1)]


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"


def _box(
    decision: dict[str, Any] | None, parts: Mapping[str, dict[str, Any]], run: dict[str, Any], *, few: bool, status: str, stale: bool,
    language: str,
) -> dict[str, Any] | None:  # fmt: skip
    """What to do first, or why no action is named; None in a report that weighs none."""
    words = load_words(language)["brief"]
    if decision is None and not (parts.get("lead") and status != "complete"):
        return None
    if stale or status != "complete" or decision is None:
        return {"why": words["why_stale" if stale else "why_incomplete"], "written": False, "rows": []}
    chosen, in_words = decision["recommended"], decision.get("in_words", {})

    def opened(english: str) -> str:
        said = str(in_words.get(english, english))
        return f"{said[:1].upper()}{said[1:]}"

    if few or decision.get("days", FEWEST_DAYS) < FEWEST_DAYS:
        return {"why": words["why_few"], "written": False, "rows": []}
    trust = decision.get("backtest")
    model = ("model", words["model_untested"] if trust is None else _trust(trust, run, language))
    if chosen is None:
        why = f"{opened(decision['why']).rstrip('.')}."
        return {"why": why, "written": True, "rows": [model] if trust else []}

    def value(number: float, unit: str = "number") -> str:
        return format_value(number, unit, language=language)

    rows = [
        ("takes", words["takes_more"].format(hours=value(chosen["agent_hours_per_day"]))),
        ("worth", words["worth_more"].format(time=format_duration(3600 * chosen["break_even"], language=language))),
    ]
    if chosen.get("value") is not None:
        interval = format_interval(chosen["value_lower"], chosen["value_upper"], language=language)
        rows.append(("value", words["value_more"].format(
            value=value(chosen["value"]), currency=decision["currency"], interval=interval)))  # fmt: skip
    if decision.get("ties"):
        ties = ", ".join(f"{start}\u2060–\u2060{end}" for start, end in decision["ties"])
        rows.append(("tied", words["tied_more"].format(hours=ties)))
    rows += [("assumed", f"{opened(chosen['assumed']).rstrip('.')}."), model]
    trial = parts.get("trial")
    if trial and trial["action"] == chosen["action"]:
        said = words["check_never"] if trial["weeks"] is None else words["check_weeks"].format(
            weeks=trial["weeks"], power=format_number(100 * trial["power"], 0, language=language) + load_words(language)["numbers"]["percent"],
        )  # fmt: skip
        rows.append(("check", said))
    return {
        "why": "", "action": opened(chosen["action"]), "saved": value(chosen["saved_per_day"]),
        "of": words["saved"].format(left=value(decision["left_per_day"])),
        "interval": load_words(language)["page"]["interval"].format(
            interval=format_interval(chosen["lower"], chosen["upper"], language=language)),
        "rows": rows,
    }  # fmt: skip


def _trust(trust: dict[str, Any], run: dict[str, Any], language: str) -> str:
    """How the model did, with the verb that its interval allows."""
    words = load_words(language)["brief"]
    skill, lower, upper = (trust.get(f"skill_in_effect{end}") for end in ("", "_lower", "_upper"))
    if skill is None or lower is None or upper is None:
        return str(words["model_untested"])
    better, worse = lower > 0, upper < 0
    if worse:
        skill, lower, upper = -skill, -upper, -lower
    name = "model_better" if better else "model_worse" if worse else "model_unclear"
    return str(words[name]).format(
        before=run.get("previous_period_label") or "", skill=format_value(skill, "share", language=language),
        interval=format_interval(lower, upper, "share", language=language),
    )  # fmt: skip


def _bridge(part: dict[str, Any] | None, language: str) -> dict[str, Any] | None:
    """From the rows of the period on: each step with the part that leads on and the parts that do not."""
    if not part or "why" in part:
        return part
    steps = {step["step"]: step for step in part["steps"]}
    start = next((step for step in part["steps"] if step["part_of"] and step["step"].startswith("rows of ")), None)
    chain = [start["step"]] if start else []
    for step in part["steps"]:
        aside = ALL in steps and step["step"] in ("queued", "gave up")
        # A step to which everybody goes on is no step.
        if (
            step["step"] in _CHAIN
            and step["contacts"]
            and not aside
            and step["contacts"] != (steps[chain[-1]]["contacts"] if chain else None)
        ):
            chain.append(step["step"])
    rows = []
    for place, name in enumerate(chain):
        whole = steps[name]["contacts"]
        onward = steps[chain[place + 1]]["contacts"] if place + 1 < len(chain) else None
        rest = _leaves(
            part["steps"],
            name,
            {*chain[place + 1 :], *(("gave up", "gave up before the queue") if ALL in steps else ())},
        )
        if onward is None and not rest:
            continue
        rows.append({
            "step": steps[name].get("said", name), "contacts": format_value(whole, "count", language=language),
            "on": _percent((steps.get(LOST, {}).get("contacts", 0) if onward is None else onward) / whole),
            "rest": [f"{said} {format_value(number, 'count', language=language)}" for said, number in rest],
        })  # fmt: skip
    return {"finding": part["finding"].split(";")[0], "rows": rows, "kind": part["kind"]} if rows else None


def _leaves(steps: Sequence[dict[str, Any]], name: str, onward: set[str]) -> list[tuple[str, int]]:
    """The parts of a step that go no further, those of steps between included."""
    found: list[tuple[str, int]] = []
    for step in steps:
        if step["part_of"] == name and step["step"] not in onward and step["contacts"]:
            inner = [one for one in steps if one["part_of"] == step["step"]]
            found += (
                _leaves(steps, step["step"], onward) if inner else [(step.get("said", step["step"]), step["contacts"])]
            )
    return found


def _queues(part: dict[str, Any] | None, language: str) -> dict[str, Any] | None:
    if not part or "why" in part:
        return part
    words, rows = load_words(language)["brief"], part["queues"]
    ends = [row[name] for row in rows for name in ("upper", "previous", "share") if row[name] is not None]
    top = max(ends) or 1.0
    shown = []
    for row in rows:
        interval = row["lower"] is not None and row["upper"] is not None
        change = "" if row["difference"] is None else format_value(row["difference"], "points", language=language)
        sign = "+" if (row["difference"] or 0) > 0 else ""
        between = "" if row["difference_lower"] is None else format_interval(
            row["difference_lower"], row["difference_upper"], "points", language=language)  # fmt: skip
        shown.append({
            "queue": row["queue"], "verdict": phrase(row["verdict"], language=language), "moved": row["verdict"] in ("rose", "fell"),
            "share": format_value(row["share"], "share", language=language),
            "interval": interval and format_interval(row["lower"], row["upper"], "share", language=language),
            "at": _percent(row["share"] / top), "from": interval and _percent(row["lower"] / top),
            "long": interval and _percent((row["upper"] - row["lower"]) / top),
            "previous": None if row["previous"] is None else _percent(row["previous"] / top),
            "change": f"{sign}{change}" if change else "", "between": between,
        })  # fmt: skip
    before = part["before"]
    return {
        "why": "", "finding": part["finding"], "rows": shown, "before": before, "kind": part["kind"],
        "note": _note(rows, before, words),
        "others": words["others"].format(n=part["left_out"]) if part["left_out"] else "",
    }  # fmt: skip


def _note(rows: Sequence[dict[str, Any]], before: str, words: Mapping[str, str]) -> str:
    """What the marks are: only those that are drawn."""
    if not any(row["lower"] is not None for row in rows):
        return words["queue_note_few"]
    return words["queue_note"].format(before=before) if before else words["queue_note_alone"]


def _unknown(
    parts: Mapping[str, dict[str, Any]], decision: dict[str, Any] | None, *, first: bool, language: str
) -> list[str]:
    words = load_words(language)["brief"]
    said = []
    steps = {step["step"]: step["contacts"] for step in parts.get("bridge", {}).get("steps", [])}
    if unknown := steps.get("customer not known"):
        everybody = steps.get("gave up in all", steps.get("gave up", unknown))
        said.append(words["unknown_customers"].format(
            n=format_value(unknown, "count", language=language), all=format_value(everybody, "count", language=language)))  # fmt: skip
    said.append(words["unknown_why"])
    if decision is not None:
        said.append(words["unknown_roster"])
        if not decision.get("currency"):
            said.append(words["unknown_price"])
    if first:
        said.append(words["unknown_before"])
    return said


def _terms(view: dict[str, Any], headlines: Sequence[dict[str, Any]], words: dict[str, Any]) -> list[tuple[str, str]]:
    """The words that stand in this brief, and what each means."""
    names = {headline["name"] for headline in headlines}
    lost, box, hours = "lost_share" in names, view["box"], view["hours"]
    action = bool(box and not box["why"])
    stands = {
        "asked": lost, "lost": lost, "queued": lost, "full_day": action or bool(hours and not hours["why"]), "agent_hour": action,
        "interval": any(not is_missing(headline["lower"]) for headline in headlines), "change": _has_before(headlines),
    }  # fmt: skip
    return [(words["word"][name], words["meaning"][name]) for name in words["word"] if stands[name]]
