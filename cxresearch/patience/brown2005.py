"""The published analysis of the 1999 bank log beside the same figures worked out here, row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from cxresearch.evidence import DATA
from cxresearch.patience.hourly import FEWEST_HOURS, hourly_table, mean_patience
from cxresearch.patience.two_clocks import patience_at
from cxresearch.risk_table import poisson_bootstrap, risk_table
from cxresearch.survival import hazard_rate

WORKING_DAYS, FIRST_HOUR = (7, 1, 2, 3, 4), 7  # Sunday to Thursday, 7 to 24 h
SHORT_SERVICE_S = 10.0
PEAKS = {"first_peak": (0.0, 30.0), "second_peak": (30.0, 90.0)}
PEAK_BANDWIDTH_S = 5.0
ORDERS = {"ne_over_ps": ("NE", "PS"), "ps_over_nw": ("PS", "NW")}
ORDER_AT_S = 120.0


def brown_comparison(contacts: Any, *, rng: np.random.Generator, replicates: int = 200) -> pd.DataFrame:
    """What Brown et al. (2005) found in the bank's log, and what the months given here say.

    Parameters
    ----------
    contacts : the bank's contacts as ``load_contacts`` gives them (any months), or such a frame
        ``opened_at, queue`` (ending in the code of the call type in brackets), ``queued, wait_s, outcome, handle_s``.
    rng, replicates : for the intervals, which come from samples of whole days.

    Returns
    -------
    DataFrame, one row a published figure: ``quantity, published, period, section, value, upper_value`` (as published),
        ``ours, lower, upper, unit, verdict, how, why, source``
        ``verdict``: ``agrees`` where our interval meets the published number as rounded (of an order: lies on its side
        of 0) and could have missed it, else ``differs``, and ``why`` says what that can come from; ``cannot tell`` where an
        order has 0 inside, or the interval is as wide as the number itself (of a peak: as half of where it was looked for),
        so that it would have met almost any; ``not known`` where the months have no such calls.

    Two figures that agree within an interval of one month are no proof that they are the same. The patience analysis of
    the article is of November and December; its line through the hours is of the year.
    Source of the published column: data/evidence/brown2005.csv; doi:10.1198/016214504000001808.
    """
    with (DATA / "evidence" / "brown2005.csv").open(encoding="utf-8") as table:
        published = pd.read_csv(table)
    dated = nw.from_native(contacts).with_columns(nw.col("opened_at").dt.truncate("1d").alias("date")).to_native()
    hours = hourly_table(dated)
    working = hours[hours["weekday"].isin(WORKING_DAYS) & (hours["hour"] >= FIRST_HOUR)]
    waits = risk_table(dated, by=["date", "hour", "weekday", "queue"])
    waits = waits[waits["weekday"].isin(WORKING_DAYS) & (waits["hour"] >= FIRST_HOUR)]
    waits = waits.assign(code=waits["queue"].str.extract(r"\((\w+)\)$", expand=False))
    waits = waits[["date", "code", "duration_s", "outcome", "contacts"]]
    tables = {"asked": _asked(hours), "services": _services(dated), "waits": waits}
    found = [_lines(working, rng, replicates), _calls(hours)]
    for name, statistic in _STATISTICS.items():
        found.append(poisson_bootstrap(tables[name], statistic, by="quantity", cluster="date",
                                       replicates=replicates, rng=rng))  # fmt: skip
    ours = pd.concat(found).set_index("quantity")[["estimate", "lower", "upper"]]
    rows = published.merge(ours.rename(columns={"estimate": "ours"}), left_on="quantity", right_index=True, how="left")
    rows["verdict"] = [_verdict(row) for row in rows.to_dict("records")]
    rows["why"] = rows["why"].where(rows["verdict"] == "differs", "").str.replace("{times}", _times(hours))
    return rows[["quantity", "published", "period", "section", "value", "upper_value", "ours", "lower", "upper", "unit",
                 "verdict", "how", "why", "source"]].reset_index(drop=True)  # fmt: skip


def _verdict(row: dict[str, Any]) -> str:
    if np.isnan(row["ours"]):
        return "not known"
    lower, upper = (row["ours"] if np.isnan(row[end]) else row[end] for end in ("lower", "upper"))
    if row["unit"] == "order":
        return "agrees" if lower > 0 else "differs" if upper < 0 else "cannot tell"
    highest = row["value"] if np.isnan(row["upper_value"]) else row["upper_value"]
    meets = lower <= highest + row["rounding"] and row["value"] - row["rounding"] <= upper
    if not meets:
        return "differs"
    begin, end = PEAKS.get(row["quantity"], (0.0, 2 * highest))
    return "agrees" if upper - lower < (end - begin) / 2 else "cannot tell"


def _lines(working: pd.DataFrame, rng: np.random.Generator, replicates: int) -> pd.DataFrame:
    """The line through the hours, and those of two hours of the day."""
    every = mean_patience(working, rng=rng, replicates=replicates).iloc[0]
    rows: list[dict[str, Any]] = [{"quantity": "mean_patience", **every[["estimate", "lower", "upper"]]},
                                  {"quantity": "r_squared", "estimate": every["r_squared"]}]  # fmt: skip
    for hour in (8, 23):
        one = working[working["hour"] == hour]
        if len(one) >= FEWEST_HOURS and one["left"].any():
            line = mean_patience(one, rng=rng, replicates=replicates).iloc[0]
            rows.append({"quantity": f"mean_patience_{hour}h", **line[["estimate", "lower", "upper"]]})
    return pd.DataFrame(rows)


def _calls(hours: pd.DataFrame) -> pd.DataFrame:
    months = pd.to_datetime(hours["date"]).dt.to_period("M").nunique()
    return pd.DataFrame([{"quantity": "calls_per_month", "estimate": hours["contacts"].sum() / months}])


def _times(hours: pd.DataFrame) -> str:
    """How many times the share lost of all who asked that of those who queued is, as a text."""
    queued = hours["queued"].sum()
    return f"{hours['contacts'].sum() / queued:.1f}" if queued else "not known how many"


def _asked(hours: pd.DataFrame) -> pd.DataFrame:
    days = hours.groupby("date", as_index=False)[["contacts", "left"]].sum()
    days["stayed"] = days.pop("contacts") - days["left"]
    return days.melt(id_vars="date", value_vars=["left", "stayed"], var_name="what", value_name="contacts")


def _services(dated: Any) -> pd.DataFrame:
    """How many services took how long, by day."""
    counted = nw.from_native(dated).lazy().filter(~nw.col("handle_s").is_null()).group_by("date", "handle_s")
    return counted.agg(nw.len().alias("contacts")).collect().to_pandas().sort_values(["date", "handle_s"])


def _share_left(asked: pd.DataFrame) -> pd.DataFrame:
    left = asked.loc[asked["what"] == "left", "contacts"].sum()
    return pd.DataFrame({"quantity": ["share_left_of_asked"], "estimate": [left / asked["contacts"].sum()]})


def _service_figures(services: pd.DataFrame) -> pd.DataFrame:
    seconds, number = services["handle_s"].to_numpy(dtype=float), services["contacts"].to_numpy(dtype=float)
    mean = np.average(seconds, weights=number)
    deviation = np.sqrt(np.average((seconds - mean) ** 2, weights=number))
    short = np.average(seconds < SHORT_SERVICE_S, weights=number)
    return pd.DataFrame({"quantity": ["service_mean", "service_sd", "service_short"],
                         "estimate": [mean, deviation, short]})  # fmt: skip


def _wait_figures(waits: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([_indices(waits), _orders(waits), _peaks(waits)], ignore_index=True)


def _indices(waits: pd.DataFrame) -> pd.DataFrame:
    ends = waits.pivot_table(index="code", columns="outcome", values="contacts", aggfunc="sum", fill_value=0)
    index = ends["answered"] / ends["abandoned"].where(ends["abandoned"] > 0)
    return pd.DataFrame({"quantity": "index_" + index.index.str.lower(), "estimate": index.to_numpy()})


def _orders(waits: pd.DataFrame) -> pd.DataFrame:
    at = patience_at(waits, [ORDER_AT_S], by="code").set_index("code")["survival"]
    gaps = {name: at.get(more, np.nan) - at.get(less, np.nan) for name, (more, less) in ORDERS.items()}
    return pd.DataFrame({"quantity": list(gaps), "estimate": list(gaps.values())})


def _peaks(waits: pd.DataFrame) -> pd.DataFrame:
    regular = waits[waits["code"] == "PS"]
    hazard = hazard_rate(regular, bandwidth_s=PEAK_BANDWIDTH_S, tick_s=0.0)
    at = {}
    for name, (begin, end) in PEAKS.items():
        between = hazard[hazard["duration_s"].between(begin, end)]
        at[name] = between["duration_s"][between["hazard_per_s"].idxmax()]
    return pd.DataFrame({"quantity": list(at), "estimate": list(at.values())})


_STATISTICS: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "asked": _share_left,
    "services": _service_figures,
    "waits": _wait_figures,
}
