"""What a period cost in contacts: who left, who asked again and was answered then, who was lost for good.

Nothing of it is in money, and nothing is read into it: what a log does not show of a customer is a bound, and no guess.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxresearch.contacts import LogError, PeriodLog, with_later
from cxresearch.decisions.weighing import FEWEST_FOLLOWED
from cxresearch.risk_table import FEWEST_DAYS, Floats, Link, day_band

AFTER_S = {"10 min": 600, "1 h": 3_600, "24 h": 86_400, "7 d": 604_800}
LOST_AFTER = ("7 d", "24 h")  # lost for good is who was not answered in so long: the first of which enough is seen

COLUMNS = ("measure", "after", "of", "contacts", "estimate", "lower", "upper", "unit")


def period_cost(period_log: PeriodLog, *, channel: str) -> pd.DataFrame:
    """Who left on a channel, what became of them as far as customers are known, and how many were lost for good.

    Returns
    -------
    DataFrame, one row a figure: ``measure, after, of, contacts, estimate, lower, upper, unit``
        ``of`` names the base, ``contacts`` is its size, ``after`` the time within which it happened ("" for none). Limits are
        95 %, the day is the unit; NaN with fewer than five days, and where all or none did.

        - ``left`` (contacts of the period), ``lost_share`` (of all who asked), ``abandonment_share`` (of those who queued);
        - ``left_known``: of those who left, the share whose customer is known;
        - ``again``, ``answered``: of those who left, are known and could be followed for so long, the share whose customer
          asked again, on any channel, and was answered then; ``again_after_answer``: the same of those who were answered;
        - ``visible_queued``, ``visible_at_once``: of answers after a queue, and at once, the share with a known customer:
          what is not visible may have been an answer, so ``again`` and ``answered`` are at least;
        - ``redials_low``, ``redials_high``: of all who asked, those who would not have asked again within the hour had they
          been answered: as much as those who left ask again more often than those who were answered; the unknown never do,
          or do as the known. That the call came because of the loss is ASSUMED;
        - ``lost_low``, ``lost_on_record``, ``lost_high`` (contacts of the period that left and were not answered in ``after``):
          of the known as on the record; at the high end all the unknown, too; at the low end none of them, and of the known
          as few as answers that are not visible allow. ``customers_low, customers_on_record``: the same of different known
          customers. Not there where fewer than thirty could be followed: then nothing is said of it.

    ``attrs``: ``days`` (with contacts), ``customers`` (different ones known on the channel), ``unknown`` (contacts that left, no customer known), ``lost_after``,
    ``followed_share`` (of those who left).

    An answer in fewer than ``after`` seconds is one to any later contact of the same customer; what comes after the period's
    last record is not seen, so the last days before it are followed for less long. Raises ValueError where
    nobody asked on the channel, only dates are known or only counts were kept of some days.
    """
    mine = period_log.only(channel=channel)
    if not mine.times_known:
        raise ValueError(
            f"{mine.label}: contacts have dates without a time, so nothing is known of who asked again when"
        )
    try:
        days, customers = _counts(mine)
    except LogError as error:
        raise ValueError(str(error)) from error
    horizon = next((name for name in LOST_AFTER if days[f"followed {name}"].sum() >= FEWEST_FOLLOWED), "")
    rows = [_row(days, *one) for one in _measures(horizon)]
    table = pd.DataFrame(rows, columns=COLUMNS)
    followed = days[f"followed {horizon}"].sum() if horizon else 0
    table.attrs = {
        "days": len(days), "unknown": int((days["left"] - days["left_known"]).sum()), "lost_after": horizon,
        "customers": customers,
        "followed_share": float(followed / days["left"].sum()) if days["left"].sum() else math.nan,
        "place": mine.label, "kind": mine.kind,
    }  # fmt: skip
    return table


def _counts(mine: PeriodLog) -> tuple[pd.DataFrame, int]:
    """One row a day with contacts on the channel: sums over contacts, and different customers not answered; and how many
    different customers are known in all."""
    rows = mine.on_all_channels
    asked = rows.filter("opened_at IS NOT NULL AND (coalesce(queued, true) OR outcome <> 'deflected')")
    newest = asked.aggregate("max(opened_at)").fetchall()[0][0]
    if newest is None:
        raise ValueError(f"nobody asked in {mine.label}")
    seen = (
        with_later(asked, "chosen, coalesce(queued, true) AS queued")
        .select(
            "CAST(opened_at AS DATE) AS day, outcome, person, known, chosen, queued, "
            f"epoch(TIMESTAMP '{newest}' - opened_at) AS seen_s, epoch(again_at - opened_at) AS again_s, "
            "epoch(answered_at - opened_at) AS answer_s"
        )
        .filter("chosen")
    )
    left, others = "outcome = 'abandoned'", "outcome = 'answered'"
    counts = {
        "asked": "true", "queued": "queued", "left": left, "left_queued": f"{left} AND queued", "left_known": f"{left} AND known",
        "answers_queued": f"{others} AND queued", "visible_queued": f"{others} AND queued AND known",
        "answers_at_once": f"{others} AND NOT queued", "visible_at_once": f"{others} AND NOT queued AND known",
    }  # fmt: skip
    for name, after in AFTER_S.items():
        followed = f"known AND seen_s >= {after}"
        counts |= {
            f"followed {name}": f"{left} AND {followed}", f"again {name}": f"{left} AND {followed} AND again_s <= {after}",
            f"answered {name}": f"{left} AND {followed} AND answer_s <= {after}",
            f"others {name}": f"{others} AND {followed}", f"others_again {name}": f"{others} AND {followed} AND again_s <= {after}",
        }  # fmt: skip
    listed = ", ".join(f'count(*) FILTER ({which}) AS "{name}"' for name, which in counts.items())
    table = seen.aggregate(f"day, {listed}", "day").df()
    if table.empty:
        raise ValueError(f"nobody asked in {mine.label}")
    table = table.set_index("day")
    for name in LOST_AFTER:
        after = AFTER_S[name]
        lost = seen.filter(f"{left} AND known AND seen_s >= {after} AND coalesce(answer_s > {after}, true)")
        first = lost.aggregate("person, min(day) AS day", "person").aggregate("day, count(*) AS n", "day").df()
        table[f"customers {name}"] = first.set_index("day")["n"].reindex(table.index, fill_value=0)
    known = seen.aggregate("count(DISTINCT person)").fetchall()[0][0]
    return table.sort_index().astype(float), int(known)


Sums = Mapping[str, float]
_Measure = tuple[str, str, str, str, Callable[[Sums], float], Link, str]  # the fourth: the base's column


def _measures(horizon: str) -> list[_Measure]:
    """``measure, after, of, base, value of the sums, link, unit``."""
    left_, known = "contacts that left", "contacts that left and could be followed"
    found: list[_Measure] = [
        ("left", "", "all who asked", "asked", lambda s: s["left"], "log", "contacts"),
        ("lost_share", "", "all who asked", "asked", lambda s: _over(s["left"], s["asked"]), "logit", "share"),
        ("abandonment_share", "", "contacts that queued", "queued", lambda s: _over(s["left_queued"], s["queued"]), "logit", "share"),
        ("left_known", "", left_, "left", lambda s: _over(s["left_known"], s["left"]), "logit", "share"),
    ]  # fmt: skip
    for name in AFTER_S:
        found += [
            _share("again", name, known, f"again {name}", f"followed {name}"),
            _share("answered", name, known, f"answered {name}", f"followed {name}"),
            _share("again_after_answer", name, "answered contacts that could be followed", f"others_again {name}", f"others {name}"),
        ]  # fmt: skip
    found += [
        _share("visible_queued", "", "answers after a queue", "visible_queued", "answers_queued"),
        _share("visible_at_once", "", "answers at once", "visible_at_once", "answers_at_once"),
        ("redials_low", "1 h", "all who asked", "asked", lambda s: _more(s) * _over(s["left_known"], s["asked"]), "log", "share"),
        ("redials_high", "1 h", "all who asked", "asked", lambda s: _more(s) * _over(s["left"], s["asked"]), "log", "share"),
    ]  # fmt: skip
    if horizon:
        found += [
            ("lost_low", horizon, left_, "left", lambda s: _lost(s, horizon)[0], "log", "contacts"),
            ("lost_on_record", horizon, left_, "left", lambda s: _lost(s, horizon)[1], "log", "contacts"),
            ("lost_high", horizon, left_, "left", lambda s: _lost(s, horizon)[1] + (s["left"] - s["left_known"]), "log", "contacts"),
            ("customers_low", horizon, known, f"followed {horizon}", lambda s: _customers(s, horizon)[0], "log", "customers"),
            ("customers_on_record", horizon, known, f"followed {horizon}", lambda s: _customers(s, horizon)[1], "log", "customers"),
        ]  # fmt: skip
    return found


def _share(measure: str, after: str, of: str, top: str, below: str) -> _Measure:
    return measure, after, of, below, lambda s: _over(s[top], s[below]), "logit", "share"


def _over(top: float, below: float) -> float:
    return top / below if below > 0 else math.nan


def _more(s: Sums) -> float:
    """By how much more often those who left ask again within the hour than those who were answered."""
    if min(s["followed 1 h"], s["others 1 h"]) < FEWEST_FOLLOWED:
        return math.nan
    return max(s["again 1 h"] / s["followed 1 h"] - s["others_again 1 h"] / s["others 1 h"], 0.0)


def _lost(s: Sums, horizon: str) -> tuple[float, float]:
    """Of all known that left, how many were not answered: at least, and on the record.

    An answer is visible in the share v of all answers; whoever was answered once or more is visible in at least v. So
    at most (seen answered) / v were answered.
    """
    seen = _over(s[f"answered {horizon}"], s[f"followed {horizon}"])
    answers = s["answers_queued"] + s["answers_at_once"]
    visible = (s["visible_queued"] + s["visible_at_once"]) / answers if answers else 0.0
    most = min(seen / visible, 1.0) if visible > 0 else 1.0
    return s["left_known"] * (1 - max(most, seen)), s["left_known"] * (1 - seen)


def _customers(s: Sums, horizon: str) -> tuple[float, float]:
    """Different known customers not answered, of a last part that could not be followed as many as before it."""
    low, record = _lost(s, horizon)
    customers = s[f"customers {horizon}"] * _over(s["left_known"], s[f"followed {horizon}"])
    return (customers * low / record if record > 0 else 0.0), customers


def _row(days: pd.DataFrame, measure: str, after: str, of: str, base: str, value: Callable[[Sums], float], link: Link, unit: str) -> tuple[Any, ...]:  # fmt: skip
    sums = {name: float(total) for name, total in days.sum().items()}
    estimate = value(sums)
    counted = unit in ("contacts", "customers")
    size = float(len(days)) if counted else 1.0
    lower = upper = math.nan
    if counted and estimate == 0 and len(days) >= FEWEST_DAYS:
        lower = upper = 0.0
    elif math.isfinite(estimate):
        influence = _influence(days, sums, value, size)[:, None]
        ends = day_band(days.index.to_numpy(), days["asked"].to_numpy(), np.array([estimate / size]), influence, link)
        lower, upper = (size * float(end[0]) for end in ends)
        if counted and measure != "left":
            upper = min(upper, max(sums["left"], estimate))  # no more can be lost than left
        if not math.isfinite(upper):  # days tell nothing of it
            lower = upper = math.nan
    return measure, after, of, int(sums[base]), estimate, lower, upper, unit


def _influence(days: pd.DataFrame, sums: Sums, value: Callable[[Sums], float], size: float) -> Floats:
    """By day, what the value (over ``size`` days, 1 for a share) moves by when the day counts a little more.

    The slopes in the sums are taken numerically; the functions are smooth but where a bound reaches its end, and there the
    slope is the one to the inside.
    """
    at = value(sums)
    total = np.zeros(len(days))
    for name, number in sums.items():
        step = 1e-6 * max(abs(number), 1.0)
        slope = (value({**sums, name: number + step}) - value({**sums, name: number - step})) / (2 * step)
        if slope:
            total += slope * days[name].to_numpy()
    return total / size - (at / size**2 if size > 1 else 0.0)
