"""What a simulated contact log draws from: every number of it, and the law of patience it follows."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

Duty = tuple[str, int, int, float]


@dataclass(frozen=True)
class ChannelTruth:
    """One channel: how many come, how long they would wait, who is there. Shares of ``promises`` sum to 1."""

    name: str
    live: bool  # taken in the hours of duty only, and whoever gives up may call again; else a message waits
    share: float  # of all contacts
    patience_scale_s: float  # Weibull scale where no promise is made; math.inf: nobody ever leaves
    patience_shape: float  # Weibull shape; below 1 the hazard falls while people wait
    expected_s: float  # the answer time that customers assume where no promise is made
    promises: tuple[tuple[float | None, float], ...]  # (promised seconds or None, share); drawn by lot
    handle_mean_s: float
    handle_log_sd: float
    triage_median_s: float  # until anybody sees the message; 0: seen at once
    triage_log_sd: float
    bot_share: float  # contacts that a bot can settle; they meet no agent
    bot_mean_s: float  # time with the bot, exponential
    occupancy: float  # share of the team's time that the planned work fills
    duty: tuple[Duty, ...]  # (weekday or weekend, from hour, to hour, share of the full team on duty)

    def __post_init__(self) -> None:
        if not (self.patience_scale_s > 0 and self.patience_shape > 0 and self.expected_s > 0):
            raise ValueError(f"{self.name}: the scale and shape of patience and the expectation must be above 0.")
        if not (self.handle_mean_s > 0 and self.occupancy > 0 and 0 <= self.bot_share <= 1):
            raise ValueError(f"{self.name}: need handle_mean_s and occupancy above 0, and bot_share from 0 to 1.")
        if not all(promise is None or promise > 0 for promise, _ in self.promises):
            raise ValueError(f"{self.name}: a promise must be above 0 seconds, or None.")
        if not self.duty or not all(
            k in ("weekday", "weekend") and 0 <= a < b <= 24 and p > 0 for k, a, b, p in self.duty
        ):
            raise ValueError(f"{self.name}: duty needs (weekday or weekend, from hour < to hour, share above 0).")


@dataclass(frozen=True)
class ContactTruth:
    """Everything that ``simulate_contacts`` draws from; ``dataclasses.replace`` makes another truth.

    The page docs/simulated-log.md says what each number means and what the log is not.
    """

    channels: tuple[ChannelTruth, ...]
    promise_elasticity: float  # of the patience scale to the promise: 0 nobody listens, 1 the promise sets the clock
    broken_promise_hazard_ratio: float  # hazard after the promise has passed over the hazard without that
    customer_correlation: float  # between the patience of two contacts of one customer (normal copula)
    contacts_per_customer: float  # mean
    value_mean: float  # money a customer and year
    value_log_sd: float
    queues: tuple[tuple[str, float], ...]  # topic, share
    queues_at_end: tuple[tuple[str, float], ...]  # the same topics, share in the last month
    mix_months: int  # how many months the shares take from the first to the last, in equal steps
    queue_patience: tuple[tuple[str, float], ...]  # the same topics, factor on the scale of patience
    redial_share: float  # of those who gave up on a live channel: would call again within the hour
    redial_mean_s: float  # mean of the exponential time until then, before it is cut at the hour
    helpful_kept: float  # share of helpful replies: answered within the promise
    helpful_unpromised: float  # answered, nothing promised
    helpful_missed: float  # answered after the promised time
    helpful_bot: float
    growth_per_month: float  # of the arrivals, in each of the last growing_months; the teams do not grow
    growing_months: int
    absence: float  # probability for a channel and day that one agent is missing
    bad_week_month: int  # its month, counted from the end: 1 is the last
    bad_week_missing: float  # share of the agents missing from the first Monday of that month to the Sunday
    day_log_sd: float  # good and bad days, common to all channels
    day_correlation: float  # between the logarithms of two neighbouring days
    day_weights: tuple[float, ...]  # Monday to Sunday
    weekday_hour_weights: tuple[float, ...]  # 0 to 23 h
    weekend_hour_weights: tuple[float, ...]

    def __post_init__(self) -> None:
        shares = {"channels": sum(c.share for c in self.channels)}
        shares |= {name: sum(share for _, share in getattr(self, name)) for name in ("queues", "queues_at_end")}
        shares |= {f"{c.name} promises": sum(share for _, share in c.promises) for c in self.channels}
        for what, total in shares.items():
            if not math.isclose(total, 1):
                raise ValueError(f"the shares of {what} must sum to 1; they sum to {total:g}.")
        if not (self.broken_promise_hazard_ratio > 0 and 0 <= self.customer_correlation <= 1):
            raise ValueError("need broken_promise_hazard_ratio > 0 and customer_correlation from 0 to 1.")
        if not (self.contacts_per_customer >= 1 and math.isfinite(self.promise_elasticity)):
            raise ValueError("need contacts_per_customer >= 1 and a finite promise_elasticity.")
        topics = [topic for topic, _ in self.queues]
        if not all([t for t, _ in other] == topics for other in (self.queues_at_end, self.queue_patience)):
            raise ValueError("queues_at_end and queue_patience need the topics of queues, in the same order.")
        if not (all(ratio > 0 for _, ratio in self.queue_patience) and self.redial_mean_s > 0):
            raise ValueError("need redial_mean_s and every factor of queue_patience above 0.")
        if not all(0 <= p <= 1 for p in (self.redial_share, self.absence, self.bad_week_missing)):
            raise ValueError("need redial_share, absence and bad_week_missing from 0 to 1.")
        if not (0 <= self.day_correlation < 1 and self.mix_months >= 1 and self.bad_week_month >= 1):
            raise ValueError("need day_correlation from 0 to below 1, and mix_months and bad_week_month >= 1.")
        if [len(self.day_weights), len(self.weekday_hour_weights), len(self.weekend_hour_weights)] != [7, 24, 24]:
            raise ValueError("need 7 day weights and 24 hour weights each for weekday and weekend.")

    def channel(self, name: str) -> ChannelTruth:
        """The truth of one channel; ValueError for a name that is not simulated."""
        for channel in self.channels:
            if channel.name == name:
                return channel
        raise ValueError(f"no channel {name!r} in this truth; there is {', '.join(c.name for c in self.channels)}.")


LIVE_DUTY: tuple[Duty, ...] = (
    ("weekday", 7, 8, 0.5), ("weekday", 8, 19, 0.7), ("weekday", 19, 22, 1.0), ("weekday", 22, 23, 0.7),
    ("weekend", 9, 21, 0.7),
)  # fmt: skip
CONTACT_TRUTH = ContactTruth(
    channels=(
        ChannelTruth(
            name="phone", live=True, share=0.45, patience_scale_s=900.0, patience_shape=0.8, expected_s=120.0,
            promises=((None, 0.4), (30.0, 0.3), (900.0, 0.3)), handle_mean_s=360.0, handle_log_sd=0.8,
            triage_median_s=0.0, triage_log_sd=0.0, bot_share=0.0, bot_mean_s=0.0, occupancy=0.54, duty=LIVE_DUTY,
        ),
        ChannelTruth(
            name="chat", live=True, share=0.30, patience_scale_s=600.0, patience_shape=0.9, expected_s=60.0,
            promises=((None, 0.3), (30.0, 0.4), (900.0, 0.3)), handle_mean_s=360.0, handle_log_sd=0.7,
            triage_median_s=0.0, triage_log_sd=0.0, bot_share=0.15, bot_mean_s=45.0, occupancy=0.42, duty=LIVE_DUTY,
        ),
        ChannelTruth(
            name="email", live=False, share=0.15, patience_scale_s=432_000.0, patience_shape=1.1, expected_s=14_400.0,
            promises=((None, 0.4), (7_200.0, 0.3), (86_400.0, 0.3)), handle_mean_s=360.0, handle_log_sd=0.7,
            triage_median_s=2_400.0, triage_log_sd=1.0, bot_share=0.0, bot_mean_s=0.0, occupancy=0.54,
            duty=(("weekday", 8, 20, 1.0), ("weekend", 10, 16, 0.5)),
        ),
        ChannelTruth(
            name="social", live=False, share=0.10, patience_scale_s=129_600.0, patience_shape=1.0, expected_s=3_600.0,
            promises=((None, 0.4), (900.0, 0.3), (7_200.0, 0.3)), handle_mean_s=240.0, handle_log_sd=0.7,
            triage_median_s=900.0, triage_log_sd=1.0, bot_share=0.0, bot_mean_s=0.0, occupancy=0.54,
            duty=(("weekday", 8, 22, 1.0), ("weekend", 10, 20, 1.0)),
        ),
    ),
    promise_elasticity=0.4,
    broken_promise_hazard_ratio=1.6,
    customer_correlation=0.2,
    contacts_per_customer=2.5,
    value_mean=180.0,
    value_log_sd=0.9,
    queues=(("orders", 0.5), ("delivery", 0.3), ("billing", 0.2)),
    queues_at_end=(("orders", 0.35), ("delivery", 0.25), ("billing", 0.40)),
    mix_months=3,
    queue_patience=(("orders", 1.0), ("delivery", 1.0), ("billing", 0.5)),
    redial_share=0.35,
    redial_mean_s=900.0,
    helpful_kept=0.80,
    helpful_unpromised=0.75,
    helpful_missed=0.60,
    helpful_bot=0.55,
    growth_per_month=0.01,
    growing_months=4,
    absence=0.05,
    bad_week_month=2,
    bad_week_missing=0.4,
    day_log_sd=0.10,
    day_correlation=0.3,
    day_weights=(1.20, 1.05, 1.00, 1.00, 1.00, 0.80, 0.70),
    weekday_hour_weights=(
        0.3, 0.2, 0.1, 0.1, 0.1, 0.2, 0.5, 1.2, 2.5, 3.6, 4.0, 3.9,
        3.4, 3.4, 3.6, 3.6, 3.5, 3.5, 3.7, 5.0, 7.0, 4.8, 2.2, 0.9,
    ),
    weekend_hour_weights=(
        0.5, 0.3, 0.2, 0.1, 0.1, 0.1, 0.3, 0.7, 1.8, 3.4, 4.4, 4.6,
        4.2, 4.0, 4.0, 4.0, 4.0, 4.0, 3.9, 3.8, 3.8, 3.2, 2.0, 1.0,
    ),
)  # fmt: skip

# For estimators that take one law for all and contacts that do not bring about others.
STEADY_TRUTH = replace(
    CONTACT_TRUTH,
    queues_at_end=CONTACT_TRUTH.queues,
    queue_patience=tuple((topic, 1.0) for topic, _ in CONTACT_TRUTH.queues),
    redial_share=0.0,
    growth_per_month=0.0,
    absence=0.0,
    bad_week_missing=0.0,
)


def true_patience_survival(
    duration_s: npt.ArrayLike,
    channel: str,
    promised_s: float | None = None,
    *,
    queue: str | None = None,
    truth: ContactTruth = CONTACT_TRUTH,
) -> np.ndarray:
    """Share of the contacts of a channel and topic that would still wait after each duration, if nobody ever answered.

    ``promised_s`` None or NaN: no promise; ``queue`` None: a topic of factor 1. With base cumulative hazard ``H(t) = (t / scale) ** shape`` and ``scale =
    patience_scale_s * queue_patience * (promised_s / expected_s) ** promise_elasticity``, the share is ``exp(-H(t))``
    up to the promise and ``exp(-H(promise) - broken_promise_hazard_ratio * (H(t) - H(promise)))`` after it.
    The log holds patience rounded up to whole seconds, so the law is exact at whole seconds.
    Raises ValueError for an unknown channel or queue, a negative duration, or a promise that is not above 0.
    """
    duration = np.asarray(duration_s, dtype=float)
    if not (duration >= 0).all():
        raise ValueError(f"duration_s must be >= 0; {int((~(duration >= 0)).sum())} of {duration.size} values are not.")
    one = truth.channel(channel)
    promise = math.nan if promised_s is None else float(promised_s)
    if promise <= 0:
        raise ValueError(f"promised_s must be above 0 seconds, or None for no promise; got {promised_s}.")
    ratios: dict[str | None, float] = {None: 1.0, **dict(truth.queue_patience)}
    if queue not in ratios:
        raise ValueError(f"no queue {queue!r} in this truth; there is {', '.join(topic for topic, _ in truth.queues)}.")
    scale, before = scale_and_hazard_before(np.array([promise]), ratios[queue], one, truth)
    hazard = (duration / scale) ** one.patience_shape
    late = np.maximum(hazard - before, 0)
    return np.exp(-(hazard + (truth.broken_promise_hazard_ratio - 1) * late))


def contact_truth_table(truth: ContactTruth = CONTACT_TRUTH) -> pd.DataFrame:
    """Every number of a truth: DataFrame ``parameter, channel, at, value`` (text, text, text, float).

    ``channel`` is ``all`` for what the channels share; ``at`` is the promise, day, hour, topic or shift, else empty.
    """
    rows = [_numbers("all", f.name, getattr(truth, f.name)) for f in fields(truth) if f.name != "channels"]
    for one in truth.channels:
        rows += [_numbers(one.name, f.name, getattr(one, f.name)) for f in fields(one) if f.name != "name"]
    return pd.DataFrame([row for group in rows for row in group], columns=["parameter", "channel", "at", "value"])


def scale_and_hazard_before(
    promised_s: np.ndarray, ratio: float, one: ChannelTruth, truth: ContactTruth
) -> tuple[np.ndarray, np.ndarray]:
    """Weibull scale under a promise (NaN: none), and the cumulative hazard when it passes (none: never).

    ``ratio`` is that of the topic.
    """
    reference = np.where(np.isnan(promised_s), one.expected_s, promised_s)
    scale = ratio * one.patience_scale_s * (reference / one.expected_s) ** truth.promise_elasticity
    return scale, np.where(np.isnan(promised_s), np.inf, (reference / scale) ** one.patience_shape)


def _numbers(channel: str, parameter: str, value: object) -> list[tuple[str, str, str, float]]:
    """One row a number: a tuple is told apart by its place, a pair or a shift by what stands before the number."""
    if not isinstance(value, tuple):
        return [(parameter, channel, "", float(value))]  # type: ignore[arg-type]
    rows = []
    for place, item in enumerate(value):
        *labels, number = item if isinstance(item, tuple) else (place, item)
        at = " ".join(f"{x:g}" if isinstance(x, int | float) else str(x).lower() for x in labels)
        rows.append((parameter, channel, at, float(number)))
    return rows
