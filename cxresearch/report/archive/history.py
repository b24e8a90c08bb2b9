"""The runs that stand in a folder of reports: how headlines moved, what was forecast, what is missing, what differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from cxresearch.contacts import Period, PeriodError, parse_period
from cxresearch.exhibits import COLUMNS, change_record, change_table
from cxresearch.report.archive.forecast import Tally, arrivals_scored, forecast_headlines, forecast_rows, redefined
from cxresearch.report.archive.recorded import Run, read_runs

EVIDENCE = "evidence"  # the report that says where the quoted and the assumed numbers come from


def load_runs(out: Path) -> list[Run]:
    """:func:`runs_told` of what stands below ``out``."""
    return runs_told(read_runs(out)[0])


def runs_told(runs: list[Run]) -> list[Run]:
    """The ``runs`` of :func:`recorded.read_runs`, newest period first: run.json, the headlines and where the page is.

    A headline's change is told from the kept days of the run and of that of the period before, when both stand here
    (whatever the order in which the two were made), else as the run itself recorded it. A headline whose definition changed is not compared.
    ``forecast`` is what :func:`forecast.forecast_rows` says of the forecasts that stand here. Where the same period of the
    year before stands, too, a headline has ``year_before``: ``period, value, change``.
    """
    good = by_period(runs)
    for run in runs:
        before, long_ago = (good.get((run["report"], name)) for name in _earlier(run["period"]))
        if before and before["headlines"] and run["headlines"] and before["simulated"] == run["simulated"]:
            run["headlines"] = with_change(run, before)
        if long_ago and long_ago["simulated"] == run["simulated"]:
            run["headlines"] = with_year_before(run, long_ago)
    add_forecasts(good)
    return sorted(runs, key=lambda r: (r["period"], r["report"], r["status"]), reverse=True)


def by_period(runs: Iterable[Run]) -> dict[tuple[str, str], Run]:
    """The runs that did not fail, by report and period."""
    return {(r["report"], r["period"]): r for r in runs if r["status"] != "failed"}


def with_change(run: Run, before: Run) -> list[dict[str, Any]]:
    """The headlines of ``run`` with ``change``: difference, its interval, the earlier value, whether it can be told.

    A headline whose days are not known in both, or that was redefined, keeps what the run itself recorded.
    """
    changes = _changes(run, before)
    return [{**h, "change": changes.get(h["name"]) or h.get("change")} for h in run["headlines"]]


def with_year_before(run: Run, before: Run) -> list[dict[str, Any]]:
    """The headlines of ``run`` with ``year_before``: the ``period`` and the ``value`` then, and the ``change`` since, None
    where it cannot be told. A headline that was not known then, or meant something else, has none."""
    earlier = {h["name"]: h for h in before["headlines"] if h["value"] is not None}
    changes = _changes(run, before)
    return [
        {**h, "year_before": {"period": before["period"], "value": earlier[h["name"]]["value"], "change": changes.get(h["name"])}}
        if h["name"] in earlier and not redefined(h, earlier[h["name"]]) else h
        for h in run["headlines"]
    ]  # fmt: skip


def _changes(run: Run, before: Run) -> dict[str, dict[str, Any] | None]:
    """The change of every headline that both have and that means the same, where the days of both are known."""
    earlier = {h["name"]: h for h in before["headlines"]}
    same = [h for h in run["headlines"] if h["name"] in earlier and not redefined(h, earlier[h["name"]])]
    if not same or run["days"] is None or before["days"] is None:
        return {}
    moved = change_table(_frame(same, run["days"]), _frame([earlier[h["name"]] for h in same], before["days"]))
    return {row["name"]: change_record(row, before["period_label"]) for row in moved.to_dict("records")}


def standing_evidence(runs: Iterable[Run]) -> dict[str, str] | None:
    """The report on the evidence that was made last and stands whole, as a page of another report links to it: ``label``,
    ``version`` and ``href``; None where there is none."""
    whole = [r for r in runs if r["report"] == EVIDENCE and r["status"] == "complete" and r["href"]]
    if not whole:
        return None
    last = max(whole, key=lambda r: (r["finished_utc"], r["period"]))
    return {"label": last["period_label"], "version": last["period"], "href": f"../../{last['href']}"}


def redefinitions(headlines: list[dict[str, Any]], before: list[dict[str, Any]]) -> list[dict[str, str]]:
    """``name, label, what`` of every headline that does not mean what it meant in the period before."""
    earlier = {h["name"]: h for h in before}
    found = [(h, redefined(h, earlier[h["name"]])) for h in headlines if h["name"] in earlier]
    return [{"name": h["name"], "label": h["label"], "what": what} for h, what in found if what]


def add_forecasts(good: dict[tuple[str, str], Run]) -> None:
    """Give every run ``forecast``: rows of what was said, what came, and what is said of the next period; and
    ``arrivals_forecast``: how what was said of its days turned out."""
    tally: dict[tuple[str, bool], dict[str, Tally]] = {}
    for (report, period), run in sorted(good.items(), key=lambda item: _start(item[0][1])):
        before = good.get((report, _previous(period)))
        said = before["next_said"] if before and before["simulated"] == run["simulated"] else []
        earlier = tally.setdefault((report, run["simulated"]), {})
        run["forecast"] = forecast_rows(run["headlines"], said, run["next_said"], earlier=earlier)
        run["arrivals_forecast"] = arrivals_scored(said, run.get("days"))
        told = ("inside_so_far", "scored_so_far", "pinball_so_far", "unchanged_so_far")
        earlier |= {row["name"]: tuple(row[name] for name in told) for row in run["forecast"]}


def forecast_from(good: dict[tuple[str, str], Run], report: str, period: str) -> list[dict[str, Any]]:
    """The forecast for the period after ``period``, from the runs that stand without a gap up to it."""
    history: list[list[dict[str, Any]]] = []
    run = good.get((report, period))
    last = run
    while run is not None and last is not None and run["simulated"] == last["simulated"]:
        history.insert(0, run["headlines"])
        run = good.get((report, _previous(run["period"])))
    return [*forecast_headlines(history), *(last.get("arrivals", []) if last else [])]


def periods_between(first: Period, last: Period) -> list[Period]:
    """Every period from ``first`` to ``last``, both of one kind. Raises PeriodError when they stand the wrong way."""
    if last.start < first.start:
        raise PeriodError(f"the periods go from {first.name} to {last.name}, which is earlier.")
    periods = [last]
    while periods[0].start > first.start:
        periods.insert(0, periods[0].previous)
    return periods


def missing_periods(out: Path, report: str, periods: Sequence[Period], *, today: date) -> pd.DataFrame:
    """The reports that should stand and do not: ``period, why``.

    A period is due once it has ended. A partial report stands, with its gaps marked; a failed run is no report.
    """
    runs = [r for r in load_runs(out) if r["report"] == report]
    standing = {r["period"] for r in runs if r["status"] != "failed" and r["href"]}
    failed = {r["period"]: r["reason"] for r in runs if r["status"] == "failed"}
    rows = [
        (p.name, f"failed: {failed[p.name]}" if p.name in failed else "never made")
        for p in periods
        if p.end <= today and p.name not in standing
    ]
    return pd.DataFrame(rows, columns=["period", "why"])


def diff_headlines(before: Run, after: Run) -> pd.DataFrame:
    """Two runs in numbers: ``name, label, unit, before, after, difference, lower, upper, verdict``.

    The interval of a difference and the verdict are those of :func:`changes.change_table`, from the kept days of both; a
    headline whose label, unit or kind changed is marked as redefined and not compared.
    """
    one, other = ({h["name"]: h for h in run["headlines"]} for run in (before, after))
    changed = {n: redefined(other[n], one[n]) for n in other if n in one}
    both = [n for n, what in changed.items() if not what]
    moved = change_table(
        _frame([other[n] for n in both], after["days"]), _frame([one[n] for n in both], before["days"])
    ).set_index("name")
    rows = []
    for name, h in {**one, **other}.items():
        row = moved.loc[name] if name in moved.index else None
        verdict = row["verdict"] if row is not None else f"redefined: {changed[name]}" if name in changed else ""
        verdict = verdict or f"only in {after['period'] if name in other else before['period']}"
        numbers = [None] * 3 if row is None else [row[f"difference{end}"] for end in ("", "_lower", "_upper")]
        ends = [runs[name]["value"] if name in runs else None for runs in (one, other)]
        rows.append([name, h["label"], h["unit"], *ends, *numbers, verdict])
    columns = ["name", "label", "unit", "before", "after", "difference", "lower", "upper", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def diff_facts(before: Run, after: Run) -> pd.DataFrame:
    """What went into two runs and differs: ``what, name, before, after`` for status, commit, parameters, inputs and versions."""

    def inputs(run: Run) -> dict[str, str]:
        return {i["path"]: f"{i['sha256'][:12]}, {i['rows']} rows, newest {i['newest_record']}" for i in run["inputs"]}

    parts: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("run", _named(before, "status", "commit"), _named(after, "status", "commit")),
        ("parameter", before["parameters"] | {"period": None}, after["parameters"] | {"period": None}),
        ("input", inputs(before), inputs(after)),
        ("version", before["versions"], after["versions"]),
    ]
    rows = [
        (what, name, one.get(name), other.get(name))
        for what, one, other in parts
        for name in {**one, **other}
        if one.get(name) != other.get(name)
    ]
    return pd.DataFrame(rows, columns=["what", "name", "before", "after"])


def _named(run: Run, *names: str) -> dict[str, Any]:
    return {name: run[name] for name in names}


def _frame(headlines: list[dict[str, Any]], days: pd.DataFrame | None) -> pd.DataFrame:
    frame = pd.DataFrame(headlines).reindex(columns=COLUMNS).astype({"value": float, "lower": float, "upper": float})
    frame.attrs["days"] = days
    return frame


def _previous(name: str) -> str:
    try:
        return parse_period(name).previous.name
    except PeriodError:
        return ""


def _earlier(name: str) -> tuple[str, str]:
    """The period before and that of a year before; of a year both are one, which stands once."""
    try:
        period = parse_period(name)
    except PeriodError:
        return "", ""
    before, long_ago = period.previous.name, period.year_before.name
    return before, "" if long_ago == before else long_ago


def _start(name: str) -> date:
    try:
        return parse_period(name).start
    except PeriodError:
        return date.min
