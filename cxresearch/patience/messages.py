"""E-mail, social media, web forms and requests: response times that are known to lie in an interval, or still run.

Nobody hangs up on an e-mail. What can be seen is when the answer came (often only between two looks at the log), that
none has come yet, and what came first instead: the customer wrote again, or was sent to another channel.
An interval table has one row for each group and interval: ``*by, earliest_s, latest_s, contacts``. The response came
after ``earliest_s`` and not after ``latest_s`` (both the same: exactly then; infinite ``latest_s``: none so far).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from cxresearch.risk_table import Floats, Names, column_names, poisson_bootstrap
from cxresearch.survival import aalen_johansen

# The words of a slow channel, and the outcome of a contact that the estimator of competing outcomes knows each by.
WORDS = {"answered": "answered", "moved": "deflected", "asked_again": "abandoned", "open": "open"}
SLOW = ("email", "social", "web_form")  # channels on which nobody waits on the line
HAPPENED = ("answered", "asked_again", "moved")
MINUTE_S = 60.0
ENOUGH = 1e-9  # no shift of a share to another interval gains more log-likelihood a contact than this
MOST_PASSES = 20_000


def interval_survival(table: pd.DataFrame, *, by: Names = ()) -> pd.DataFrame:
    """Share still without a response, from intervals (the nonparametric maximum-likelihood estimate of Turnbull).

    Parameters
    ----------
    table : interval table: ``earliest_s, latest_s`` (seconds, >= 0, the second may be infinite), ``contacts``.
    by : columns that tell groups apart.

    Returns
    -------
    DataFrame, one row a group and interval that holds some of the responses, ascending
        ``*by, from_s, duration_s, probability, survival``: the share that was answered after ``from_s`` and not after
        ``duration_s``, and the share still without a response after ``duration_s``. Inside an interval the estimate
        does not say where. The last row reaches to infinity where some had no response when the data end.

    With exact times and open contacts it is the Kaplan-Meier curve. It has no standard error of its own: see
    :func:`unanswered_shares`. Raises ValueError for a missing column, an interval that ends before it begins, a
    negative or missing time, and counts that are none.
    Reference: Turnbull (1976), doi:10.1111/j.2517-6161.1976.tb01597.x.
    """
    names = column_names(by)
    rows = _checked(table, names)
    parts = []
    for key, one in rows.groupby(list(names), observed=True) if names else [((), rows)]:
        part = _most_likely(one)
        for position, name in enumerate(names):
            part.insert(position, name, key[position])
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def unanswered_shares(
    table: pd.DataFrame, within_s: Iterable[float], *, by: Names = (), replicates: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Share without a response after given times, as far as the intervals tell, with a bootstrap interval.

    Parameters
    ----------
    table, by : as for :func:`interval_survival`. within_s : seconds, >= 0. replicates, rng : as for
        ``poisson_bootstrap`` (contacts are drawn one by one).

    Returns
    -------
    DataFrame ``*by, within_s, least, most, lower, upper``
        ``least`` and ``most`` are the shares if the responses of an interval around the time came as early or as late
        as they may; ``lower`` is the 2.5 percentile of the least, ``upper`` the 97.5 percentile of the most. After the
        last look at the open contacts ``least`` is 0 and ``most`` what was open: nothing is known there.
    """
    times, names = [float(t) for t in within_s], list(column_names(by))
    if not times or not all(t >= 0 for t in times):
        raise ValueError(f"within_s must be seconds >= 0; got {times}.")

    def shares(counts: pd.DataFrame) -> pd.DataFrame:
        law = interval_survival(counts, by=names)
        read = [
            law.assign(within_s=t, least=law["probability"].where(law["from_s"] >= t, 0.0),
                       most=law["probability"].where(law["duration_s"] > t, 0.0)) for t in times
        ]  # fmt: skip
        sums = pd.concat(read).groupby([*names, "within_s"], as_index=False, observed=True)[["least", "most"]].sum()
        return sums.melt(id_vars=[*names, "within_s"], var_name="bound", value_name="estimate")

    keys = [*names, "within_s"]
    found = poisson_bootstrap(table, shares, by=[*keys, "bound"], replicates=replicates, rng=rng)
    least, most = (found[found["bound"] == bound].set_index(keys) for bound in ("least", "most"))
    together = pd.DataFrame({"least": least["estimate"], "most": most["estimate"],
                             "lower": least["lower"], "upper": most["upper"]})  # fmt: skip
    return together.reset_index()


def response_outcomes(table: pd.DataFrame, *, by: Names = ()) -> pd.DataFrame:
    """Share to which each thing has happened first by each time: answered, sent elsewhere, asked again.

    Parameters
    ----------
    table : DataFrame ``*by, duration_s, outcome, contacts``; ``outcome`` is ``answered``, ``moved`` (the first response
        sent the customer to another channel or page), ``asked_again`` (the customer wrote again before any response)
        or ``open`` (nothing so far; censored).
    by : columns that tell groups apart.

    Returns
    -------
    DataFrame ``*by, duration_s, outcome, probability, se, lower, upper`` (Aalen-Johansen; see ``aalen_johansen``)
        What the outcomes leave to 1 is still without any.
    """
    if "outcome" not in table:
        raise ValueError(f"the table has no column outcome; its columns are {', '.join(map(str, table.columns))}.")
    unknown = table.loc[~table["outcome"].isin(list(WORDS)), "outcome"]
    if len(unknown):
        raise ValueError(
            f"outcome must be one of {', '.join(WORDS)}; {len(unknown)} of {len(table)} rows hold "
            f"{', '.join(sorted({str(word) for word in unknown})[:5])}."
        )
    curves = aalen_johansen(table.assign(outcome=table["outcome"].map(WORDS)), by=by)
    return curves.assign(outcome=curves["outcome"].map({known: word for word, known in WORDS.items()}))


def first_responses(contacts: Any, *, by: Names = "channel") -> pd.DataFrame:
    """The messages of a contact log: what came first, an answer or something else that the customer did.

    Parameters
    ----------
    contacts : canonical contacts of all channels: ``channel, customer_key, opened_at, wait_s, outcome``; pandas, Polars
        or DuckDB (Narwhals does not turn Spark's differences of times into seconds).
    by : columns that tell groups apart.

    Returns
    -------
    DataFrame ``*by, duration_s, outcome, contacts``, sorted, for :func:`response_outcomes`
        Of contacts by email, social or web_form: ``answered`` (also by a bot), ``asked_again`` (the same customer opened
        another contact on the same channel before any answer), ``moved`` (opened one on another channel first, or the log
        has it as abandoned: given up or gone elsewhere), ``open``. An answer in the very second comes first.
        ``attrs["customers_unknown"]``: messages whose customer is not known, and so what they did next; they count as
        if they had done nothing.

    What is done after the last record of ``contacts`` is not seen. Raises ValueError for a missing column; the table is
    empty where no message is in the log.
    """
    names = list(column_names(by))
    frame = nw.from_native(contacts).lazy()
    needed = ["channel", "customer_key", "opened_at", "wait_s", "outcome", *names]
    have = frame.collect_schema().names()
    if missing := [name for name in needed if name not in have]:
        raise ValueError(f"the contacts have no column {', '.join(missing)}; they have {', '.join(have)}.")
    column, known = nw.col, ~nw.col("customer_key").is_null()
    order = ["opened_at", *(["contact_id"] if "contact_id" in have else [])]  # two in one second: always the same first

    def following(name: str) -> nw.Expr:
        return column(name).shift(-1).over("customer_key", order_by=order)

    frame = frame.with_columns(
        next_s=(following("opened_at") - column("opened_at")).dt.total_seconds().cast(nw.Float64),
        next_channel=following("channel"),
    ).filter(column("channel").is_in(SLOW))
    first = known & ~column("next_s").is_null() & (column("next_s") < column("wait_s"))
    frame = frame.with_columns(
        duration_s=nw.when(first).then(column("next_s")).otherwise(column("wait_s").cast(nw.Float64)),
        outcome=nw.when(first & (column("next_channel") == column("channel"))).then(nw.lit("asked_again"))
        .otherwise(nw.when(first | (column("outcome") == "abandoned")).then(nw.lit("moved"))
        .otherwise(nw.when(column("outcome") == "open").then(nw.lit("open")).otherwise(nw.lit("answered")))),
        unknown=nw.when(known).then(nw.lit(0)).otherwise(nw.lit(1)),
    )  # fmt: skip
    keys = [*names, "duration_s", "outcome"]
    counted = frame.group_by(*keys).agg(contacts=nw.len(), unknown=column("unknown").sum()).collect().to_pandas()
    table = counted.sort_values(keys, ignore_index=True)
    table.attrs["customers_unknown"] = int(table["unknown"].sum())
    return table[[*keys, "contacts"]].astype({"outcome": "str", "contacts": "int64"})


def first_shares(table: pd.DataFrame, within_s: Iterable[float], *, by: Names = "channel") -> pd.DataFrame:
    """What had come first within given times, as shares of all messages of a group.

    Parameters
    ----------
    table : as for :func:`response_outcomes`. within_s : seconds. by : one column at least.

    Returns
    -------
    DataFrame, one row a group and time: ``*by, messages, within_s, answered, lower, upper, asked_again, moved,
        nothing_yet``; the four shares sum to 1, ``lower`` and ``upper`` are the 95 % interval of ``answered``
        (Aalen-Johansen, messages independent). Missing past the longest time seen, while some still have nothing.
    """
    names, rows = list(column_names(by)), []
    for key, one in table.groupby(names, observed=True):
        longest, happened = one["duration_s"].max(), one["outcome"].isin(HAPPENED).any()
        curves = response_outcomes(one) if happened else pd.DataFrame(columns=["duration_s", "outcome", "probability"])
        for seconds in within_s:
            last = curves[curves["duration_s"] <= seconds].groupby("outcome").last()
            shares = last["probability"].reindex(list(HAPPENED), fill_value=0.0)
            nothing = max(1 - shares.sum(), 0.0)
            said = {**shares, "nothing_yet": nothing}
            if "answered" in last.index:
                said |= last.loc["answered", ["lower", "upper"]].to_dict()
            if seconds > longest and nothing > ENOUGH:
                said = {}
            rows.append(
                {**dict(zip(names, key, strict=True)), "messages": one["contacts"].sum(), "within_s": seconds} | said
            )
    columns = [*names, "messages", "within_s", "answered", "lower", "upper", "asked_again", "moved", "nothing_yet"]
    return pd.DataFrame(rows, columns=columns)


def nyc311_responses(requests: pd.DataFrame, *, by: Names = ()) -> pd.DataFrame:
    """The interval table of requests to a city (the format of NYC 311): opened until closed.

    Parameters
    ----------
    requests : DataFrame ``Created Date, Closed Date, Resolution Action Updated Date``, text such as "3/14/2025 1:20" in
        New York time, to the minute, empty where unknown; and the columns of ``by``.

    Returns
    -------
    DataFrame ``*by, earliest_s, latest_s, contacts``
        Closed: within half a minute of the time recorded. Closed in the minute it was opened: some time before the last
        update, as agencies that pass a case on record the opening for both. Not closed: after the last
        moment that the file knows.

    The clocks' change in March and November is taken out. ``nyc311_account`` counts each kind. Closing is the agency's
    word, not the customer's; requests have no abandonment. Raises ValueError for a missing column, an unreadable date
    or a request closed before it was opened.
    """
    frame = _requests(requests)
    closed = frame["closed_s"].notna()
    at_once = closed & (frame["closed_s"] == 0)
    half = MINUTE_S / 2
    known_until = frame["updated_s"].where(frame["updated_s"] > 0, 0.0) + half
    earliest = (frame["closed_s"] - half).where(closed, frame["watched_s"]).mask(at_once, 0.0)
    latest = (frame["closed_s"] + half).where(closed, np.inf).mask(at_once, known_until)
    names = list(column_names(by))
    table = requests[names].assign(earliest_s=earliest.to_numpy(), latest_s=latest.to_numpy(), contacts=1)
    keys = [*names, "earliest_s", "latest_s"]
    return table.groupby(keys, as_index=False, dropna=False, observed=True)["contacts"].sum()


def nyc311_account(requests: pd.DataFrame) -> pd.DataFrame:
    """What is known of each request: DataFrame ``step, rows, limit``; the first is the sum of the next three."""
    frame = _requests(requests)
    closed = frame["closed_s"].notna()
    at_once = closed & (frame["closed_s"] == 0)
    return pd.DataFrame(
        [
            ("Requests", len(frame), "one row a request; only kinds that the file was filtered for"),
            ("closed, to the minute", int((closed & ~at_once).sum()), "closing is the agency's word"),
            ("closed in the minute of opening", int(at_once.sum()), "known to lie before the last update only"),
            ("still open", int((~closed).sum()), "right-censored at the file's last moment"),
            ("open across a change of the clocks", int(frame["shifted"].sum()), "local time; an hour taken out or in"),
        ],
        columns=["step", "rows", "limit"],
    )


def twitter_responses(turns: pd.DataFrame, *, by: Names = ()) -> pd.DataFrame:
    """First response in public support conversations: what came first after the customer's first message, and when.

    Parameters
    ----------
    turns : DataFrame ``split, conversation, turn, role`` (client, agent), ``snowflake_utc`` (time), ``is_url_reply``
        (the agent's message holds a link), and the columns of ``by``, one row a message.

    Returns
    -------
    DataFrame ``*by, duration_s, outcome, contacts`` for :func:`response_outcomes`; seconds with their fraction
        ``answered`` in the conversation, ``moved`` (the response is a link), ``asked_again``.

    These conversations were chosen because an agent ended them with a link: none is without an answer, so the share
    unanswered is not known, and links are more common than elsewhere. Delays only. Raises ValueError for a missing
    column or time, turns out of order, and a conversation that an agent begins.
    """
    names = list(column_names(by))
    first, second = _first_two(turns, names)
    seconds = (second["snowflake_utc"] - first["snowflake_utc"]).dt.total_seconds()
    outcome = np.where(second["role"] == "client", "asked_again", np.where(second["is_url_reply"], "moved", "answered"))
    alone = second["role"].isna().to_numpy()
    end = turns["snowflake_utc"].max()
    table = first[names].assign(
        duration_s=seconds.where(~alone, (end - first["snowflake_utc"]).dt.total_seconds()).to_numpy(),
        outcome=np.where(alone, "open", outcome),
        contacts=1,
    )
    keys = [*names, "duration_s", "outcome"]
    # A brand that is not named stays a group: it is no reason to lose a conversation.
    table[names] = table[names].astype(object).fillna("not named")
    return table.groupby(keys, as_index=False, observed=True)["contacts"].sum()


def twitter_account(turns: pd.DataFrame, *, long_s: float = 7 * 86_400.0) -> pd.DataFrame:
    """What is known of the conversations: DataFrame ``step, rows, limit``."""
    table = twitter_responses(turns)
    counts = table.groupby("outcome")["contacts"].sum()
    late = int(table.loc[table["duration_s"] > long_s, "contacts"].sum())
    return pd.DataFrame(
        [
            ("Conversations", int(table["contacts"].sum()), "chosen because an agent ended them with a link"),
            ("first came a link", int(counts.get("moved", 0)), "more common than elsewhere, by that choice"),
            ("first came an answer without a link", int(counts.get("answered", 0)), ""),
            ("the customer wrote again first", int(counts.get("asked_again", 0)), "chased the answer"),
            ("nothing came", int(counts.get("open", 0)), "left out by the choice: the share unanswered is not known"),
            (f"first event after {long_s / 86_400:g} days", late, "old messages answered late"),
        ],
        columns=["step", "rows", "limit"],
    )


def _checked(table: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    needed = [*names, "earliest_s", "latest_s", "contacts"]
    missing = [name for name in needed if name not in table]
    if missing:
        raise ValueError(
            f"the interval table has no column {', '.join(missing)}; it has {', '.join(map(str, table.columns))}."
        )
    if table.empty:
        raise ValueError("the interval table is empty.")
    early, late, count = (table[name].to_numpy(dtype=float, na_value=np.nan) for name in needed[-3:])
    bad = ~((early >= 0) & np.isfinite(early) & (late >= early))
    if bad.any():
        raise ValueError(
            f"a response lies between earliest_s >= 0 and latest_s >= earliest_s; {bad.sum()} of {len(bad)} rows are "
            f"otherwise (the first is row {int(np.flatnonzero(bad)[0])}); correct or drop them."
        )
    bad = ~(np.isfinite(count) & (count >= 0) & (count == np.floor(count)))
    if bad.any():
        raise ValueError(f"contacts must be whole numbers >= 0; {bad.sum()} of {len(bad)} rows are not.")
    if names and table[list(names)].isna().any(axis=None):
        raise ValueError(f"{', '.join(names)} must say the group of each row; name the unknown.")
    rows = table[needed].groupby(needed[:-1], as_index=False, observed=True)["contacts"].sum()
    rows = rows[rows["contacts"] > 0]
    if rows.empty:
        raise ValueError("the interval table holds no contact.")
    return rows


def _most_likely(rows: pd.DataFrame) -> pd.DataFrame:
    """Probabilities of the innermost intervals."""
    early, late = rows["earliest_s"].to_numpy(dtype=float), rows["latest_s"].to_numpy(dtype=float)
    contacts = rows["contacts"].to_numpy(dtype=float)
    # At the same second: an exact time begins, then intervals end, then intervals that do not hold that second begin.
    kind = np.where(early == late, 0, 2)
    ends = np.column_stack([np.concatenate([early, late]), np.concatenate([kind, np.ones(len(late))])])
    distinct, place = np.unique(ends, axis=0, return_inverse=True)
    begins_at, ends_at = place[: len(rows)], place[len(rows) :]
    begins = np.zeros(len(distinct), dtype=bool)
    begins[begins_at] = True
    # Some response must lie wherever an interval begins and the next thing that happens is that one ends.
    inner = np.flatnonzero(begins[:-1] & ~begins[1:])
    low, high = np.searchsorted(inner, begins_at), np.searchsorted(inner, ends_at)
    share = _shares(low, high, contacts / contacts.sum(), len(inner))
    law = pd.DataFrame({"from_s": distinct[inner, 0], "duration_s": distinct[inner + 1, 0], "probability": share})
    law["survival"] = np.maximum(1 - law["probability"].cumsum(), 0.0)
    law.loc[law.index[-1], "survival"] = 0.0
    return law[law["probability"] > 0].reset_index(drop=True)


def _shares(low: np.ndarray, high: np.ndarray, weight: Floats, size: int) -> Floats:
    """The most likely probabilities of ``size`` cells where observation i lies in cells low[i] to high[i] - 1.

    Each pass is one of expectation and maximisation, which never loses, and one of the iterative convex minorant on the
    cumulative shares, which is fast (Wellner & Zhan, 1997, J. Am. Stat. Assoc. 92, 945).
    """
    reached = np.arange(size + 1) / size
    for _ in range(MOST_PASSES):
        density = weight / (reached[high] - reached[low])
        # How much likelier the data would be with more in each cell; 1 everywhere that holds any at the best.
        rise = np.bincount(low, density, size + 1) - np.bincount(high, density, size + 1)
        gain = np.cumsum(rise[:-1])
        if gain.max() <= 1 + ENOUGH:
            share = np.diff(reached)
            return np.where(share > ENOUGH, share, 0.0)
        reached = np.concatenate([[0.0], np.cumsum(np.diff(reached) * gain)])
        reached /= reached[-1]
        reached = _minorant_step(reached, low, high, weight)
    raise ValueError(
        f"the shares of {size} intervals have not settled after {MOST_PASSES:,} passes; use coarser intervals."
    )


def _minorant_step(reached: Floats, low: np.ndarray, high: np.ndarray, weight: Floats) -> Floats:
    """A Newton step with the diagonal of the curvature, kept ascending, and halved until nothing is lost."""
    size = len(reached) - 1
    width = reached[high] - reached[low]
    first, second = weight / width, weight / width**2
    slope = (np.bincount(high, first, size + 1) - np.bincount(low, first, size + 1))[1:-1]
    bend = (np.bincount(high, second, size + 1) + np.bincount(low, second, size + 1))[1:-1]
    if not len(bend):
        return reached
    target = isotonic_regression(reached[1:-1] + slope / bend, weights=bend).x.clip(0.0, 1.0)
    step = np.concatenate([[0.0], target - reached[1:-1], [0.0]])
    value = weight @ np.log(width)
    for _ in range(30):
        tried = reached + step
        span = tried[high] - tried[low]
        if span.min() > 0 and weight @ np.log(span) >= value:
            return tried
        step = step / 2
    return reached


def _requests(requests: pd.DataFrame) -> pd.DataFrame:
    """Seconds from opening to closing, last update and the file's last moment, on a clock without jumps."""
    columns = {"opened": "Created Date", "closed": "Closed Date", "updated": "Resolution Action Updated Date"}
    missing = [name for name in columns.values() if name not in requests]
    if missing:
        raise ValueError(f"the requests have no column {', '.join(missing)}; they have {', '.join(requests.columns)}.")
    local = {}
    for name, column in columns.items():
        text = requests[column].astype(object)
        local[name] = pd.to_datetime(text, format="%m/%d/%Y %H:%M", errors="coerce")
        unreadable = text.notna() & local[name].isna()
        if unreadable.any():
            raise ValueError(
                f"{column} should be a date such as 3/14/2025 1:20; {unreadable.sum()} of {len(text)} rows are not "
                f"(such as {text[unreadable].iloc[0]!r})."
            )
    if local["opened"].isna().any():
        raise ValueError(f"Created Date is empty in {int(local['opened'].isna().sum())} of {len(requests)} rows.")
    # In the hour that November has twice the first is taken; the hour that March has not is moved to its end.
    first = np.ones(len(requests), dtype=bool)
    world = {name: times.dt.tz_localize("America/New_York", ambiguous=first, nonexistent="shift_forward")
             for name, times in local.items()}  # fmt: skip
    last = max(times.max() for times in world.values() if times.notna().any())
    frame = pd.DataFrame({
        "closed_s": (world["closed"] - world["opened"]).dt.total_seconds(),
        "updated_s": (world["updated"] - world["opened"]).dt.total_seconds(),
        "watched_s": (last - world["opened"]).dt.total_seconds(),
    })  # fmt: skip
    by_the_wall = (local["closed"] - local["opened"]).dt.total_seconds()
    frame["shifted"] = frame["closed_s"].notna() & (by_the_wall != frame["closed_s"])
    backwards = frame["closed_s"] < 0
    if backwards.any():
        raise ValueError(f"{int(backwards.sum())} of {len(frame)} requests were closed before they were opened.")
    return frame.reset_index(drop=True)


def _first_two(turns: pd.DataFrame, names: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The first message of each conversation and the one after it (all missing where there is none)."""
    needed = ["split", "conversation", "turn", "role", "snowflake_utc", "is_url_reply", *names]
    missing = [name for name in needed if name not in turns]
    if missing:
        raise ValueError(f"the turns have no column {', '.join(missing)}; they have {', '.join(turns.columns)}.")
    ordered = turns.sort_values(["split", "conversation", "turn"])
    grouped = ordered.groupby(["split", "conversation"])
    backwards = grouped["snowflake_utc"].diff().dt.total_seconds() < 0
    if ordered["snowflake_utc"].isna().any() or backwards.any():
        raise ValueError(
            f"every turn needs a time, in order; {int(ordered['snowflake_utc'].isna().sum())} have none and "
            f"{int(backwards.sum())} lie before the turn they follow."
        )
    number = grouped.cumcount()
    first = ordered[number == 0].set_index(["split", "conversation"])
    if (first["role"] != "client").any():
        raise ValueError(f"an agent begins {int((first['role'] != 'client').sum())} of {len(first)} conversations.")
    return first, ordered[number == 1].set_index(["split", "conversation"]).reindex(first.index)
