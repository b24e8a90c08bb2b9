"""Small logs that are odd and right all the same, and every exhibit that a report makes of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf

from cxresearch.contacts import PeriodLog
from cxresearch.exhibits import (
    actions_of_period,
    agents_of_period,
    day_of_period,
    lost_of_period,
    period,
    promises_of_period,
    sources_of_period,
    tickets_of_period,
)
from cxresearch.exhibits.exhibit import Exhibit, Exhibits

NAME = "2024-05"
CHEAP = 4  # samples of a bootstrap: how narrow its interval is does not matter here


def plain_log(contacts: int = 120, **columns: Any) -> pd.DataFrame:
    """A small month of calls, every column there; a column is replaced by name, or left out where None is given."""
    rng = np.random.default_rng(1)
    place = np.arange(contacts)
    frame: dict[str, Any] = {
        "contact_id": place.astype(str), "customer_key": rng.integers(0, max(contacts // 2, 1), contacts).astype(str),
        "channel": "phone", "queue": np.where(place % 3 == 0, "sales", "service"),
        "opened_at": pd.Timestamp("2024-05-01 08:00") + pd.to_timedelta(rng.integers(0, 20 * 24, contacts), unit="h"),
        "queued": True, "wait_s": rng.integers(0, 200, contacts).astype(float),
        "outcome": np.where(rng.random(contacts) < 0.3, "abandoned", "answered"),
        "promised_s": np.choose(place % 3, [np.nan, 30.0, 60.0]),
        "handle_s": rng.integers(30, 400, contacts).astype(float), "reply": "helpful", "value": 1.0,
    }  # fmt: skip
    return pd.DataFrame({name: value for name, value in {**frame, **columns}.items() if value is not None})


def odd_logs() -> dict[str, pd.DataFrame]:
    """Logs by what is odd about them."""
    many = np.arange(120)
    mixed = np.choose(many % 4, ["phone", "email", "chat", "social"])
    undated = plain_log()["opened_at"].where(many % 7 > 0)
    return {
        "nobody gave up": plain_log(outcome="answered"),
        "everybody gave up": plain_log(outcome="abandoned"),
        "all waits are 0": plain_log(wait_s=0.0),
        "everybody gave up at once": plain_log(wait_s=0.0, outcome="abandoned"),
        "answered at once": plain_log(queued=False, wait_s=0.0, outcome="answered"),
        "gave up at once, not queued": plain_log(queued=False, outcome="abandoned"),
        "some are not known to have queued": plain_log(queued=[[True, False, None][n % 3] for n in many]),
        "all in one second": plain_log(opened_at=pd.Timestamp("2024-05-06 12:00:00")),
        "all on the first of the month": plain_log(opened_at=pd.Timestamp("2024-05-01")),
        "no handle times": plain_log(handle_s=None),
        "handle times of 0": plain_log(handle_s=0.0),
        "negative handle times": plain_log(handle_s=-5.0),
        "handle times that are no number": plain_log(handle_s=np.where(many % 2, np.inf, np.nan)),
        "handle times of years": plain_log(handle_s=1e12),
        "one handle time": plain_log(handle_s=np.where(many == 5, 60.0, np.nan)),
        "a promise of 0": plain_log(promised_s=np.where(many % 2, 0.0, np.nan)),
        "promises of 0 and more": plain_log(promised_s=np.where(many % 2, 0.0, 60.0)),
        "negative promises": plain_log(promised_s=np.where(many % 2, -30.0, 60.0)),
        "promises that are no number": plain_log(promised_s=np.choose(many % 3, [np.inf, np.nan, 30.0])),
        "one promise": plain_log(promised_s=60.0),
        "no promise": plain_log(promised_s=None),
        "as many promises as contacts": plain_log(promised_s=many + 1.0),
        "promises longer than any wait": plain_log(promised_s=np.where(many % 2, 1e6, 2e6)),
        "no channel": plain_log(channel=None),
        "e-mail only": plain_log(channel="email", wait_s=many * 3_007.0, queue=None, promised_s=None),
        "e-mail that nobody answered": plain_log(channel="email", outcome="open", wait_s=many * 100.0),
        "all channels": plain_log(channel=mixed),
        "all channels, no customer": plain_log(channel=mixed, customer_key=None),
        "channel not always known": plain_log(channel=[None if n % 5 == 0 else "phone" for n in many]),
        "no queue": plain_log(queue=None),
        "queue not always known": plain_log(queue=[None if n % 5 == 0 else "phone" for n in many]),
        "two queues, one without a loss": plain_log(
            outcome=np.where((many % 3 > 0) & (many % 2 > 0), "abandoned", "answered")
        ),
        "60 queues": plain_log(600, queue=[f"queue {n % 60}" for n in range(600)]),
        "a queue for every contact": plain_log(queue=[f"queue {n}" for n in many]),
        "queues with strange names": plain_log(
            queue=[("ünïcode ✓ 電話", "$x_{$ & 50 % _a_ $", "<b>*bold*</b> | `code`", "a\\b {c} (d", "")[n % 5] for n in many]
        ),
        "queues that cannot be shown": plain_log(queue=[("\x1b[31mred", "\x00", "a\nb", "\u202etfel", "a\x85b")[n % 5] for n in many]),
        "who gave up has no queue": plain_log(
            outcome=np.where(many % 3, "answered", "abandoned"), queue=[f"queue {n % 2}" if n % 3 else None for n in many]
        ),
        "only who gave up has a queue": plain_log(
            outcome=np.where(many % 3, "answered", "abandoned"), queue=[None if n % 3 else f"queue {n % 2}" for n in many]
        ),
        "who gave up has no channel": plain_log(
            outcome=np.where(many % 3, "answered", "abandoned"), queue="a",
            channel=[("phone", "chat")[n % 2] if n % 3 else None for n in many],
        ),
        "a queue with a long name": plain_log(queue=["x" * 300 if n % 2 else "\n line \t" for n in many]),
        "one row": plain_log(1),
        "one who gave up": plain_log(1, outcome="abandoned", wait_s=30.0),
        "one who gave up at once": plain_log(1, outcome="abandoned", wait_s=0.0),
        "two rows": plain_log(2, outcome=["answered", "abandoned"], wait_s=[10.0, 10.0]),
        "200 rows": plain_log(200),
        "one day": plain_log(opened_at=pd.Timestamp("2024-05-07 09:00") + pd.to_timedelta(many * 5, unit="min")),
        "a Sunday": plain_log(opened_at=pd.Timestamp("2024-05-05 09:00") + pd.to_timedelta(many * 5, unit="min")),
        "two months": plain_log(
            opened_at=pd.Timestamp("2024-04-15 09:00") + pd.to_timedelta(many * 9, unit="h")
        ),
        "nobody gave up the month before": plain_log(
            opened_at=np.where(many % 2, np.datetime64("2024-04-15T09"), np.datetime64("2024-05-15T09")),
            outcome=np.where(many % 2, "answered", "abandoned"),
        ),
        "nobody queued the month before": plain_log(
            opened_at=np.where(many % 2, np.datetime64("2024-04-15T09"), np.datetime64("2024-05-15T09")),
            queued=many % 2 == 0,
        ),
        "another channel the month before": plain_log(
            opened_at=np.where(many % 2, np.datetime64("2024-04-15T09"), np.datetime64("2024-05-15T09")),
            channel=np.where(many % 2, "chat", "phone"),
        ),
        "all are still open": plain_log(outcome="open"),
        "all went to a bot": plain_log(outcome="deflected"),
        "gave up or still open": plain_log(outcome=np.where(many % 2, "abandoned", "open")),
        "gave up or went to a bot": plain_log(outcome=np.where(many % 2, "abandoned", "deflected")),
        "no customer": plain_log(customer_key=None),
        "one customer": plain_log(customer_key="1"),
        "customers with no name": plain_log(customer_key=""),
        "waits of fractions of a second": plain_log(wait_s=many / 1e4),
        "all waits the same": plain_log(wait_s=77.0),
        "a wait of 1e12 s": plain_log(wait_s=np.where(many == 3, 1e12, 30.0)),
        "all waits of 1e12 s": plain_log(wait_s=1e12),
        "some waits of 1e300 s": plain_log(wait_s=np.where(many % 6, 30.0, 1e300)),
        "some waits are negative": plain_log(wait_s=many - 20.0),
        "some waits are no number": plain_log(wait_s=np.choose(np.minimum(many % 12, 2), [np.nan, np.inf, 20.0])),
        "some rows have no date": plain_log(opened_at=undated),
        "a day of every queue and hour": plain_log(2000),
        "a loss in every hour": plain_log(
            2000, outcome=["abandoned" if n % 2 else "answered" for n in range(2000)],
            opened_at=pd.Timestamp("2024-05-01") + pd.to_timedelta(np.arange(2000) % 700, unit="h"),
        ),
        "the required columns and a date": plain_log()[["opened_at", "wait_s", "outcome"]],
        "simulated": plain_log(simulated=True, promised_s=np.where(many % 2, 30.0, 60.0)),
        "an hour far busier than can be": plain_log(
            2000, opened_at=pd.Timestamp("2024-05-06 12:00:00"), handle_s=50_000.0
        ),
    }  # fmt: skip


def every_exhibit(month: PeriodLog, channel: str) -> Iterator[tuple[str, Callable[[], Exhibit | Exhibits]]]:
    """Every exhibit of a period, as the notebooks ask for it, by name."""
    mine = month.only(channel=channel)
    day = day_of_period.day_of(mine)
    within_s = [3_600.0, 14_400.0, 86_400.0, 259_200.0]
    sampled = {"replicates": CHEAP}

    def draws() -> dict[str, Any]:
        return {"rng": np.random.default_rng(1)}

    of_month = ("headlines", "main_points", "change_overview", "loss_by_group", "wait_distribution", "patience_by_group",
                "what_happened", "run_charts")  # fmt: skip
    of_mine = ("account", "loss_by_hour", "wait_of_leavers", "patience_curve", "two_clocks", "hazard_ratios",
               "proportional_hazards", "loss_by_week_hour", "patience_inside_hours",
               "calendar", "bridge", "wait_outcomes", "leaving_hazard")  # fmt: skip
    for name in of_month:
        yield name, partial(getattr(period, name), month, channel=channel)
    for name in of_mine:
        yield name, partial(getattr(period, name), mine)
    yield "change_sources", partial(sources_of_period.change_sources, month, channel=channel)
    yield "promised", partial(promises_of_period.promised, mine)
    yield "how_sure", lambda: period.how_sure(mine, **sampled, **draws())
    yield "mean_patience", lambda: period.mean_patience(mine, **draws())
    yield "beside_published", lambda: period.beside_published(mine, **sampled, **draws())
    yield "first_messages", partial(period.first_messages, month, within_s=within_s)
    yield "forecast_check", partial(day_of_period.forecast_check, month, channel=channel)
    fit = {"formula": "left + stayed ~ C(hour) + C(queue) + C(promise)", "family": sm.families.Binomial()}
    yield "loss_regression", partial(period.loss_regression, mine, smf.glm, **fit)
    yield "day_load", partial(day_of_period.day_load, day)
    yield "staffing", lambda: day_of_period.staffing(day, most_abandoned=0.05)
    yield "busiest_hour_team", lambda: day_of_period.busiest_hour_team(day, most_abandoned=0.05, **sampled, **draws())
    yield (
        "promise_what_if",
        partial(day_of_period.promise_what_if, day, promises_s=[5.0, 20.0, 60.0], contact_value=25.0, currency="USD"),
    )
    yield "redials", partial(day_of_period.redials, day)
    yield "scenarios", partial(day_of_period.scenarios, day, evening_experts=2)
    yield "action_box", partial(actions_of_period.action_box, month, channel=channel)
    yield "backtest", partial(actions_of_period.backtest, month, channel=channel)
    for name in ("period_cost", "coming_back", "talk_of_lost"):
        yield name, partial(getattr(lost_of_period, name), month, channel=channel)
    yield (
        "experiment",
        lambda: lost_of_period.experiment(
            month, actions_of_period.action_box(month, channel=channel).table, channel=channel
        ),
    )
    yield "worth_measuring", partial(agents_of_period.worth_measuring, month, channel=channel)
    yield "agents_what_if", partial(agents_of_period.agents_what_if, month, channel=channel)


def every_exhibit_of_tickets(month: PeriodLog) -> Iterator[tuple[str, Callable[[], Exhibit | Exhibits]]]:
    """Every exhibit of a period of tickets, as the notebook asks for it, by name."""
    for name in ("tickets_happened", "first_answer", "after_promise", "backlog", "asking_again", "channel_switches",
                 "ticket_change_overview", "ticket_run_charts", "ticket_account"):  # fmt: skip
        yield name, partial(getattr(tickets_of_period, name), month)
    for by in ("channel", "queue", "weekday", "hour"):
        yield f"first_answer_by {by}", partial(tickets_of_period.first_answer_by, month, by)
