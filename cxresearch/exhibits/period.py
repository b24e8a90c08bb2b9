"""Exhibits of one period of a log: each works out its tables and hands them to the exhibit of the same name.

``mine`` below is a :class:`contacts.PeriodLog`, mostly of one channel (``month.only(channel="phone")``). Where the period
does not hold what an exhibit needs, the exhibit says so in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from cxresearch import patience, regression, survival
from cxresearch.contacts import LogError, PeriodLog, bridge_table
from cxresearch.contacts import account_table as rows_of
from cxresearch.exhibits import bridges, losses, messages, run_chart, waiting, waits_compared
from cxresearch.exhibits import headlines as lead
from cxresearch.exhibits.before import clocks_before, curve_before, lost_before
from cxresearch.exhibits.changes import change_table
from cxresearch.exhibits.exhibit import Exhibit, Exhibits, nothing
from cxresearch.exhibits.full_days import hour_points
from cxresearch.exhibits.full_days_of_period import full_weekdays, queue_table
from cxresearch.exhibits.marks import promise_made, without_rows
from cxresearch.exhibits.odd_times import odd_time_points
from cxresearch.exhibits.targets import with_targets
from cxresearch.exhibits.verdict import queue_points, verdict
from cxresearch.exhibits.waiting import FEW
from cxresearch.risk_table import FEWEST_DAYS
from cxresearch.style import phrase

T = TypeVar("T")
MINUTES_S = (60.0, 120.0)
NO_TARGETS: Mapping[str, float] = {}
ONE_QUEUE = "No two queues have enough waits and a loss, so there is nothing to compare at the same hour"
NO_TIMES = "The log has dates without a time of day, so nothing is said of hours"
NOBODY = "Nobody was seen to give up, so how long people would wait cannot be seen"


def account(mine: PeriodLog) -> Exhibit:
    """Where every row of the period went, from the rows read to those that queued and gave up."""
    table = rows_of(mine)
    if messages.silent(mine):
        table = table[table["step"] != "of those who queued: gave up"]
    caption = phrase("Where every row of {period} went", period=mine.period.label)
    parts = lead.unusable_parts(mine.usable)
    says = phrase("Rows that cannot be used, by how they ended: {parts}.", parts=parts) if parts else ""
    return Exhibit(finding=caption, table=table, caption=caption, says=says, kind=mine.kind)


def bridge(mine: PeriodLog) -> Exhibit:
    """From the rows of the log to those who were not answered within a day: every step adds up."""
    table = bridge_table(mine)
    return bridges.bridge(table, mine.after_leaving, silent=messages.silent(mine), place=mine.label, kind=mine.kind)


def calendar(mine: PeriodLog) -> Exhibit:
    """The days with contacts, the hours open by weekday, and the days that are missing."""
    week = mine.calendar if mine.times_known else mine.calendar.drop(columns=["open_from", "open_to"])
    return waiting.calendar(week, mine.missing_days, place=mine.label, kind=mine.kind)


def headlines(
    month: PeriodLog, *, channel: str, target_s: float = 20.0, targets: Mapping[str, float] = NO_TARGETS
) -> Exhibit:
    """Record the headlines of the period, each with its change since the period before, and its target (headline -> limit)."""
    moved = with_targets(changes(month, channel=channel, target_s=target_s), targets)
    return lead.headlines(moved, month.period.previous.label)


def what_happened(
    month: PeriodLog, *, channel: str, target_s: float = 20.0, targets: Mapping[str, float] = NO_TARGETS
) -> Exhibits:
    """The headlines, recorded, the verdict in one sentence, and the main points that are told of them."""
    mine, before = month.only(channel=channel), month.period.previous.label
    tables = headline_tables(month, channel=channel, target_s=target_s)
    moved = with_targets(change_table(*tables), targets)
    queues = None if messages.silent(mine) or not mine.cells["queued"].any() else queue_table(mine)
    told = verdict(moved, queues, tables, period=month.period.label, before=before)
    return Exhibits([lead.headlines(moved, before), told, _points(month, mine, moved, queues)])


def headline_tables(
    month: PeriodLog, *, channel: str, target_s: float = 20.0
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """``headlines.headline_table`` of the period, and of the one before where there is one."""
    asked: dict[str, Any] = {"channel": channel, "target_s": target_s}
    before = None
    if month.previous is not None:
        before, _ = estimated(lambda: lead.headline_table(month.previous, **asked))  # type: ignore[arg-type]
    return lead.headline_table(month, **asked), before


def changes(month: PeriodLog, *, channel: str, target_s: float = 20.0) -> pd.DataFrame:
    """The headlines of the period and how they moved: ``changes.change_table``."""
    return change_table(*headline_tables(month, channel=channel, target_s=target_s))


def run_charts(month: PeriodLog, *, channel: str, target_s: float = 20.0) -> Exhibit:
    """Headlines from day to day over the period and the one before, with their natural limits."""
    now, before = headline_tables(month, channel=channel, target_s=target_s)
    mine = month.only(channel=channel)
    return run_chart.run_charts(now, before, place=mine.label, kind=month.kind, missing=without_rows(mine))


def main_points(
    month: PeriodLog, *, channel: str, target_s: float = 20.0, targets: Mapping[str, float] = NO_TARGETS
) -> Exhibit:
    """The main points of the period: the level, the queue and the hours that lose most, what changed, what cannot be told."""
    mine = month.only(channel=channel)
    moved = with_targets(changes(month, channel=channel, target_s=target_s), targets)
    queues = None if messages.silent(mine) or not mine.cells["queued"].any() else queue_table(mine)
    return _points(month, mine, moved, queues)


def _points(month: PeriodLog, mine: PeriodLog, moved: pd.DataFrame, queues: pd.DataFrame | None) -> Exhibit:
    before, week = month.period.previous.label, full_weekdays(mine)
    who = bridges.followed_points(mine.after_leaving, mine.without_waits)
    who += [] if queues is None else queue_points(queues, before)
    if week and mine.times_known and queues is not None:
        who += hour_points(patience.lost_by_hour(mine.without_waits, weekdays=week), waiting.week_in_words(week))
        who += odd_time_points(patience.odd_times(mine.without_waits, weekdays=week))
    point = [(phrase("Nobody is seen to give up."), f"{why}.")] if (why := messages.silent(mine)) else []
    return lead.main_points(moved, before, unusable=unusable_points(month), who=who, more=point)


def unusable_points(month: PeriodLog) -> list[tuple[str, str]]:
    """What leads where many rows of the period, or of the one before, cannot be used, or many of the log have no date."""
    logs = [log for log in (month, month.previous) if log is not None]
    many = [point for log in logs for point in lead.unusable_points(log.usable, log.period.label)]
    return [*lead.undated_points(month.counts), *many]


def change_overview(
    month: PeriodLog, *, channel: str, target_s: float = 20.0, targets: Mapping[str, float] = NO_TARGETS
) -> Exhibit:
    """Every headline beside the period before."""
    span = month.period
    moved = with_targets(changes(month, channel=channel, target_s=target_s), targets)
    return lead.change_overview(moved, now=span.label, before=span.previous.label, kind=month.kind)


def loss_by_hour(mine: PeriodLog) -> Exhibit:
    """Share of those who queued who gave up, by hour of the day."""
    if not mine.times_known:
        return nothing(phrase(NO_TIMES))
    if why := messages.silent(mine):
        return nothing(why)
    hours, ranks = _by_hour(mine)
    return waiting.loss_by_hour(hours, ranks=ranks, before=lost_before(mine), place=mine.label, kind=mine.kind)


def wait_of_leavers(mine: PeriodLog, *, horizon_s: float = 300.0) -> Exhibit:
    """Why the wait of those who left is not patience, and what is."""
    if (waits := with_losses(mine)) is None:
        return nothing(phrase(NOBODY))
    until = min(horizon_s, float(waits["duration_s"].max()))
    row = patience.waiting_table(waits).iloc[0]
    measures, why = estimated(lambda: patience.patience_measures(waits, horizon_s=until))
    return (
        nothing(why)
        if measures is None
        else waiting.wait_of_leavers(row, measures, horizon_s=until, place=mine.label, kind=mine.kind)
    )


def patience_curve(mine: PeriodLog, *, by: str = "", horizon_s: float = 300.0) -> Exhibit:
    """Share who would still wait, against seconds; ``by`` draws the four largest groups that lost somebody."""
    if (waits := with_losses(mine, (*([by] if by else []), "day"))) is None:
        return nothing(phrase(NOBODY))
    at_s = [*MINUTES_S, horizon_s]
    told: dict[str, Any] = {
        "horizon_s": horizon_s, "days": waits["day"].nunique(), "marks": promise_made(mine, horizon_s), "place": mine.label,
        "kind": mine.kind,
    }  # fmt: skip
    if not by:
        curve = patience.daily_curve(waits)
        at, median = patience.survival_at(curve, at_s), patience.waiting_table(waits).iloc[0]["median_patience_s"]
        return waiting.patience_curve(curve, at, median_s=median, before=curve_before(mine), **told)
    if (rows := _largest(waits, by)).empty:
        return nothing(
            phrase("Of nobody who gave up the log says the group, so how long each would wait cannot be seen")
        )
    curves = patience.daily_curve(rows, by=by)
    ranks = patience.patience_ranks(rows, at_s[0], by=by)
    return waiting.patience_curve(curves, patience.survival_at(curves, at_s, by=by), by=by, ranks=ranks, **told)


def two_clocks(mine: PeriodLog, *, horizon_s: float = 300.0) -> Exhibit:
    """Patience beside the wait on offer."""
    waits = with_losses(mine, "day")
    if waits is None or not (waits["outcome"] == "answered").any():
        return nothing(phrase("Two clocks are seen only where some gave up and some were answered after a wait"))
    pair, days = patience.patience_and_offered_wait(waits, cluster="day"), waits["day"].nunique()
    at = patience.survival_at(pair, [30.0, *MINUTES_S], by="clock")
    return waiting.two_clocks(
        pair, at, horizon_s=horizon_s, days=days, marks=promise_made(mine, horizon_s), before=clocks_before(mine),
        place=mine.label, kind=mine.kind,
    )  # fmt: skip


def how_sure(mine: PeriodLog, *, duration_s: float = 60.0, replicates: int, rng: np.random.Generator) -> Exhibit:
    """What repeat callers and good and bad days do to the interval of those who would still wait."""
    if with_losses(mine) is None:
        return nothing(phrase(NOBODY))
    drawn, why = estimated(
        lambda: patience.clustered_patience(mine.contacts, duration_s, replicates=replicates, rng=rng)
    )
    if drawn is not None and len(mine.days) < FEWEST_DAYS:  # a few days drawn again show how these differ, not days
        drawn = drawn[drawn["drawn"] != "day"]
    return nothing(why) if drawn is None else waiting.how_sure(drawn, duration_s, place=mine.label, kind=mine.kind)


def loss_by_group(month: PeriodLog, *, channel: str) -> Exhibit:
    """Share of those who queued who gave up, queue beside queue, or channel beside channel where there is one queue."""
    mine, by = _groups(month, channel)
    if why := messages.silent(mine):
        return nothing(why)
    mine = messages.seen_to_leave(mine)
    if not by or not mine.cells["queued"].any():
        return nothing(phrase("There is one queue and one channel only, so there is nothing to set side by side"))
    groups, ranks = _losses(mine, (by,))
    return waiting.loss_by_group(groups, by, ranks=ranks, place=mine.label, kind=mine.kind)


def wait_distribution(month: PeriodLog, *, channel: str, horizon_s: float = 300.0) -> Exhibit:
    """How long those who queued did wait, group beside group."""
    mine, by = _groups(month, channel)
    if why := messages.silent(mine):
        return nothing(why)
    if not by or not mine.cells["queued"].any():
        return nothing(phrase("There is one group of waits only"))
    waits = mine.waits((by, "day"))
    ranks = patience.slow_ranks(waits, waiting.wait_quantile(waits, 0.9), by=by)
    return waiting.wait_distribution(
        mine.waits(by), by, ranks=ranks, horizon_s=horizon_s, marks=promise_made(mine, horizon_s), place=mine.label,
        kind=mine.kind,
    )  # fmt: skip


def patience_by_group(month: PeriodLog, *, channel: str, horizon_s: float = 300.0) -> Exhibits:
    """Share who would still wait, for the four largest groups, and whether they differ by more than chance."""
    mine, by = _groups(month, channel)
    if not by:
        return Exhibits([nothing(phrase("There is one group only"))])
    return Exhibits([patience_curve(mine, by=by, horizon_s=horizon_s), _group_test(mine, by)])


def _group_test(mine: PeriodLog, by: str) -> Exhibit:
    waits = with_losses(mine, (by, "day"))
    rows = None if waits is None else _largest(waits, by)
    if rows is None or rows[by].nunique() < 2:
        return nothing(phrase("Fewer than two groups lost anybody, so there is no difference to test"))
    if few := _too_few_days(rows):
        return nothing(few)
    test, why = estimated(lambda: survival.log_rank(rows, by=by, cluster="day"))
    return nothing(why) if test is None else waits_compared.group_test(test, by)


def hazard_ratios(mine: PeriodLog) -> Exhibit:
    """Rates of giving up of the queues at the same hour and after the same wait (Cox, a baseline for each hour)."""
    if not mine.times_known:
        return nothing(phrase(NO_TIMES))
    rows = _comparable(mine)
    if rows is None:
        return nothing(phrase(ONE_QUEUE if with_losses(mine) is not None else NOBODY))
    if few := _too_few_days(rows):
        return nothing(few)
    ratios, why = estimated(lambda: regression.cox(rows, "queue", strata="hour", cluster="day"))
    ties, _ = estimated(lambda: regression.tie_table(rows, "queue", strata="hour", cluster="day"))
    if ratios is None or ties is None:
        return nothing(why)
    return waits_compared.hazard_ratios(ratios, ties, reference=min(rows["queue"]), place=mine.label, kind=mine.kind)


def proportional_hazards(mine: PeriodLog) -> Exhibit:
    """Whether one ratio may stand for the whole wait."""
    if not mine.times_known:
        return nothing(phrase(NO_TIMES))
    rows = _comparable(mine)
    if rows is None:
        return nothing(phrase(ONE_QUEUE if with_losses(mine) is not None else NOBODY))
    if few := _too_few_days(rows):
        return nothing(few)
    test, why = estimated(lambda: regression.proportionality_test(rows, "queue", strata="hour", cluster="day"))
    return nothing(why) if test is None else waits_compared.proportional_hazards(test, place=mine.label, kind=mine.kind)


def loss_regression(mine: PeriodLog, glm: Callable[..., Any], *, formula: str, family: Any) -> Exhibit:
    """Odds of giving up by hour, queue and promise, fitted by ``statsmodels.formula.api.glm`` with days as clusters."""
    if not mine.times_known:
        return nothing(phrase(NO_TIMES))
    counts = patience.loss_counts(mine.without_waits)
    table, why = estimated(lambda: patience.loss_regression(counts, glm, formula=formula, family=family))
    if table is None:
        return nothing(phrase("Losses cannot be set beside hour, queue and promise: {why}", why=why))
    return losses.loss_regression(table, place=mine.label, kind=mine.kind)


def loss_by_week_hour(mine: PeriodLog) -> Exhibit:
    """Share of those who queued who gave up, by weekday and hour."""
    if not mine.times_known:
        return nothing(phrase(NO_TIMES))
    if why := messages.silent(mine):
        return nothing(why)
    if not mine.cells["queued"].any():
        return nothing(phrase("Nobody queued"))
    week, ranks = _losses(mine, ("weekday", "hour"))
    return waiting.loss_by_week_hour(week[week["queued"] >= FEW], ranks=ranks, place=mine.label, kind=mine.kind)


def patience_inside_hours(mine: PeriodLog) -> Exhibit:
    """Patience worked out inside each hour, beside the pooled curve."""
    if not mine.times_known:
        return nothing(phrase(NO_TIMES))
    waits = mine.waits("hour") if mine.cells["queued"].any() else pd.DataFrame()
    busy = waits[waits.groupby("hour")["contacts"].transform("sum") >= FEW] if len(waits) else waits
    if busy.empty or not (busy["outcome"] == "abandoned").any():
        return nothing(phrase("No hour has thirty waits and a loss: patience cannot be worked out hour by hour"))
    inside = patience.standardised_patience(busy, list(MINUTES_S), strata="hour")
    return waits_compared.patience_inside_hours(inside, place=mine.label, kind=mine.kind)


def mean_patience(mine: PeriodLog, *, rng: np.random.Generator) -> Exhibits:
    """The mean patience that the hours tell."""
    return Exhibits([_mean_patience(mine, rng)])


def _mean_patience(mine: PeriodLog, rng: np.random.Generator) -> Exhibit:
    if not mine.times_known:
        return nothing(phrase(NO_TIMES))
    hours = mine.asked(("day", "hour", "weekday")).rename(columns={"day": "date"})
    week = mine.calendar[mine.calendar["fully_open"]].set_index("weekday")
    opens, closes = (hours["weekday"].map(week[end]) for end in ("open_from", "open_to"))
    served = hours[(hours["hour"] >= opens) & (hours["hour"] < closes)]
    rows, why = estimated(lambda: [patience.mean_patience(one, rng=rng).iloc[0] for one in (served, hours)])
    if rows is None:
        return nothing(phrase("The hours do not tell the mean patience: {why}", why=why))
    line, row = rows
    return waits_compared.mean_patience(row, line, kind=mine.kind)


def beside_published(mine: PeriodLog, *, replicates: int, rng: np.random.Generator) -> Exhibits:
    """The published analysis of the Anonymous Bank beside this period; nothing for any other log."""
    if mine.preset != "anonymous_bank":
        return Exhibits([])
    beside, why = estimated(lambda: patience.brown_comparison(mine.contacts, rng=rng, replicates=replicates))
    if beside is None:
        return Exhibits(
            [
                nothing(
                    phrase(
                        "The published analysis of this log cannot be set beside {period}: {why}",
                        period=mine.period.label,
                        why=why,
                    )
                )
            ]
        )
    return Exhibits([waits_compared.beside_published(beside, place=mine.period.label, kind=mine.kind)])


def wait_outcomes(mine: PeriodLog, *, horizon_s: float = 300.0) -> Exhibit:
    """How waits have ended by each second."""
    if not mine.cells["queued"].any():
        return nothing(phrase("Nobody queued, so no wait has ended"))
    waits = mine.waits()
    if (waits["outcome"] == "open").all():
        return nothing(phrase("All waits are still open"))
    ends = survival.aalen_johansen(waits)
    marks = promise_made(mine, horizon_s)
    return waiting.wait_outcomes(ends, horizon_s=horizon_s, marks=marks, place=mine.label, kind=mine.kind)


def leaving_hazard(mine: PeriodLog, *, horizon_s: float = 300.0, bandwidth_s: float = 8.0) -> Exhibit:
    """The rate of leaving among those who still wait."""
    if (waits := with_losses(mine)) is None:
        return nothing(phrase(NOBODY))
    hazard, why = estimated(lambda: survival.hazard_rate(waits, event="abandoned", bandwidth_s=bandwidth_s))
    if hazard is None:
        return nothing(why)
    return waiting.leaving_hazard(
        hazard, horizon_s=horizon_s, bandwidth_s=bandwidth_s, place=mine.label, kind=mine.kind
    )


def first_messages(month: PeriodLog, *, within_s: Sequence[float]) -> Exhibits:
    """What came first after a message: an answer, another try, another channel; in numbers, and against time.

    Against time it is the channel with the most messages.
    """
    try:
        counted = patience.first_responses(month.contacts)
    except LogError as refusal:
        return Exhibits([nothing(str(refusal))])
    if counted.empty:
        return Exhibits([nothing(phrase("This log holds no e-mail, social media or web forms"))])
    firsts = patience.first_shares(counted, within_s)
    most = counted.groupby("channel")["contacts"].sum().idxmax()
    curve = messages.message_outcomes(
        patience.response_outcomes(counted[counted["channel"] == most]), firsts[firsts["channel"] == most],
        horizon_s=max(within_s), subtitle=phrase("What came first, {channel}, {place}", channel=most, place=month.label), kind=month.kind,
    )  # fmt: skip
    unknown = counted.attrs["customers_unknown"]
    return messages.message_firsts(firsts, unknown=unknown, place=month.label, kind=month.kind) + Exhibits([curve])


def city_requests(file: str, *, replicates: int, rng: np.random.Generator, by: str = "Agency") -> Exhibits:
    """Requests to a city in the format of NYC 311 (Parquet); nothing where no file is named."""
    if not file:
        return Exhibits([])
    requests = pd.read_parquet(file)
    asked = patience.nyc311_responses(requests, by=by)
    shares = patience.unanswered_shares(asked, [86_400.0, 604_800.0], by=by, replicates=replicates, rng=rng)
    return messages.city_requests(
        shares, patience.nyc311_account(requests), patience.interval_survival(asked, by=by), by
    )


def public_conversations(file: str) -> Exhibits:
    """Public support conversations, one row a message (Parquet); nothing where no file is named."""
    if not file:
        return Exhibits([])
    turns = pd.read_parquet(file)
    talks = patience.twitter_responses(turns)
    firsts = patience.first_shares(talks.assign(channel="social"), [900.0, 3_600.0, 86_400.0])
    return messages.public_conversations(patience.response_outcomes(talks), firsts, patience.twitter_account(turns))


def estimated(estimate: Callable[[], T]) -> tuple[T | None, str]:
    """What an estimator gives, or why it refuses: its refusal is a sentence for the reader."""
    try:
        return estimate(), ""
    except ValueError as refusal:
        return None, str(refusal)


def with_losses(mine: PeriodLog, by: str | tuple[str, ...] = ()) -> pd.DataFrame | None:
    """The risk table, or None where nobody gave up."""
    cells = mine.cells
    if not (cells["queued"].astype(bool) & (cells["outcome"] == "abandoned")).any():
        return None
    return mine.waits(by or ())


def _by_hour(mine: PeriodLog) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The hours of the day with enough waits, and how they rank."""
    if not mine.times_known or not mine.cells["queued"].any():
        none = pd.DataFrame(columns=["hour", "queued", "left", "share_left_of_queued", "lower", "upper", "mean_wait_s"])
        return none, none
    hours, ranks = _losses(mine, ("hour",))
    return hours[hours["queued"] >= FEW].sort_values("hour"), ranks


def _losses(mine: PeriodLog, by: tuple[str, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Waits and losses by group with the day as the unit, and how the groups rank."""
    waits = mine.waits((*by, "day"))
    return patience.waiting_table(waits, by=by, cluster="day"), patience.loss_ranks(waits, by=by)


def _groups(month: PeriodLog, channel: str) -> tuple[PeriodLog, str]:
    """What is set side by side: the queues of the channel, else the channels; "" where there is one of both."""
    mine = month.only(channel=channel)

    def several(log: PeriodLog, column: str) -> bool:
        return len(log.cells.loc[log.cells["queued"], column].dropna().unique()) > 1

    if several(mine, "queue"):
        return mine, "queue"
    return (month, "channel") if several(month, "channel") else (mine, "")


def _largest(waits: pd.DataFrame, by: str) -> pd.DataFrame:
    """The four largest groups with thirty who left, or, where none has, of those with any."""
    groups = patience.waiting_table(waits[waits[by].notna()], by=by)
    several = groups[groups["left"] >= FEW]
    largest = (groups[groups["left"] > 0] if several.empty else several)[by].head(4)
    return waits[waits[by].isin(largest)]


def _comparable(mine: PeriodLog) -> pd.DataFrame | None:
    """The waits by queue and hour of queues with enough contacts and a loss; None where there are not two."""
    waits = with_losses(mine, ("queue", "hour", "day"))
    if waits is None:
        return None
    sums = waits.assign(events=waits["contacts"].where(waits["outcome"] == "abandoned", 0))
    sums = sums.groupby("queue")[["contacts", "events"]].sum()
    enough = sums.index[(sums["contacts"] >= FEW) & (sums["events"] > 0)]
    return waits[waits["queue"].isin(enough)] if len(enough) > 1 else None


def _too_few_days(waits: pd.DataFrame) -> str:
    """Why groups are not compared day by day; empty where they are."""
    days = waits["day"].nunique()
    if days >= FEWEST_DAYS:
        return ""
    if days == 1:
        return phrase("One day: too few to tell groups apart")
    return phrase("{days} days: too few to tell groups apart", days=waiting.counted(days))
