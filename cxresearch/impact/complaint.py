"""From a wait to a complaint, and from a complaint to what becomes of it: closed forms.

Values are those of ``assumptions``: a mapping of names to numbers, or to arrays of one shape for many at a time.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import exprel

from cxresearch.evidence import Share

__all__ = [
    "complaint_probability",
    "complaint_probability_random_reply",
    "promise_table",
    "reply_chain",
    "tellers_per_contact",
    "telling_table",
]

FloatArray = npt.NDArray[np.float64]
Values = Mapping[str, float | FloatArray]

# Kind of talk that each published channel begins; what goes to the company has no audience of its own.
CHANNELS = {
    "share_offline": "offline",
    "share_private": "private",
    "share_review_site": "public",
    "share_message_board": "public",
    "share_social": "social",
    "share_company_site": "to the company",
}
# Where a complainer ends up whose complaint met no reply, or one that did not help.
_ENDS = ("other_channel", "forget")


def complaint_probability(
    reply_h: npt.ArrayLike,
    *,
    promised_h: npt.ArrayLike,
    hazard_before_per_h: npt.ArrayLike,
    hazard_after_per_h: npt.ArrayLike,
) -> FloatArray:
    """Probability that a wait which ends after exactly ``reply_h`` hours has turned into a complaint by then.

    Parameters
    ----------
    reply_h : hours until the reply, >= 0; ``inf`` is never.
    promised_h : the point of reference, hours, >= 0; 0 says that the promise is broken from the start, ``inf`` never.
    hazard_before_per_h, hazard_after_per_h : rate of complaining among those who wait, before and after the promise.

    Returns
    -------
    Array of the shape that the arguments broadcast to. Abandoning is another outcome and is not in it.
    """
    reply, promised = _non_negative("reply_h", reply_h), _non_negative("promised_h", promised_h)
    before, after = _rates(hazard_before_per_h, hazard_after_per_h)
    within = np.minimum(reply, promised)
    beyond = np.subtract(reply, within, out=np.zeros(np.broadcast(reply, within).shape), where=reply > within)
    return -np.expm1(-_times(before, within) - _times(after, beyond))


def complaint_probability_random_reply(
    mean_reply_h: npt.ArrayLike,
    *,
    promised_h: npt.ArrayLike,
    hazard_before_per_h: npt.ArrayLike,
    hazard_after_per_h: npt.ArrayLike,
) -> FloatArray:
    """Probability of a complaint before the reply where the time to the reply is exponential.

    Parameters
    ----------
    mean_reply_h : mean hours until the reply, >= 0; ``inf`` is never.
    promised_h, hazard_before_per_h, hazard_after_per_h : as in ``complaint_probability``.

    Returns
    -------
    Array: b / (b + m) (1 - exp(-(b + m) d)) + exp(-(b + m) d) a / (a + m), with b and a the hazards before and after,
    d the promise and m = 1 / ``mean_reply_h``. Two competing risks, the hazard of one changing at d.
    """
    mean, promised = _non_negative("mean_reply_h", mean_reply_h), _non_negative("promised_h", promised_h)
    before, after = _rates(hazard_before_per_h, hazard_after_per_h)
    with np.errstate(divide="ignore"):
        reply = np.where(mean == 0, np.inf, 1 / mean)  # per hour
    at_once = np.isinf(reply)
    reply = np.where(at_once, 0.0, reply)
    total = before + reply
    # exprel keeps its digits where the rates times the promise are small; an endless promise has no such product.
    endless = np.isinf(promised)
    until = np.where(endless, 0.0, promised)
    early = np.where(endless, _ratio(before, total), before * until * exprel(-total * until))
    late = np.where(endless, 0.0, np.exp(-total * until))
    return np.where(at_once, 0.0, early + late * _ratio(after, after + reply))


def promise_table(values: Mapping[str, float]) -> pd.DataFrame:
    """Complaints where every reply takes just the promised time, and where replies take it on average only.

    Returns a DataFrame ``reply`` ("just in time", "on average": times as uneven as chance makes them), ``complaint_share``
    (of contacts, before the reply).
    """
    clock = {
        "promised_h": values["promised_h"],
        "hazard_before_per_h": values["complaint_hazard_before_per_h"],
        "hazard_after_per_h": values["complaint_hazard_after_per_h"],
    }
    shares = [
        float(law(values["promised_h"], **clock)) for law in (complaint_probability, complaint_probability_random_reply)
    ]
    return pd.DataFrame({"reply": ["just in time", "on average"], "complaint_share": shares})


def reply_chain(
    values: Values, *, answered_share: npt.ArrayLike, unhelpful_share: npt.ArrayLike
) -> dict[str, FloatArray]:
    """What becomes of a public complaint: posted, answered or not, posted again, until it ends.

    Each post gets a reply with probability ``answered_share``, an unhelpful one in ``unhelpful_share`` of these. A
    helpful reply ends it. Otherwise the complainer posts again, tries another channel, forgets about it, or does what
    the survey did not state, with the published shares after no answer and after a poor one. The survey let people name
    several of these and the article that quotes it does not: as exclusive steps they are a model, and what is left of
    100 % is kept as ``not_stated`` instead of being spread over the rest.

    Parameters
    ----------
    values : needs ``ignored_*`` and ``poor_*`` of ``post_again``, ``other_channel``, ``forget``.
    answered_share, unhelpful_share : 0 to 1.

    Returns
    -------
    dict of arrays: ``posts`` (expected number of one complainer), and the probabilities ``helpful_reply``,
    ``other_channel``, ``forget``, ``not_stated``, which add up to 1.

    Raises ValueError where the published shares of one case add up to more than 1, or posting never ends.
    """
    answered, unhelpful = _share("answered_share", answered_share), _share("unhelpful_share", unhelpful_share)
    cases = {"ignored": 1 - answered, "poor": answered * unhelpful}
    again: FloatArray = np.zeros(())
    ends = {"helpful_reply": answered * (1 - unhelpful), **dict.fromkeys((*_ENDS, "not_stated"), np.zeros(()))}
    for case, weight in cases.items():
        post_again = _share(f"{case}_post_again", values[f"{case}_post_again"])
        stated = {end: _share(f"{case}_{end}", values[f"{case}_{end}"]) for end in _ENDS}
        left = 1 - post_again - sum(stated.values())
        if (left < 0).any():
            raise ValueError(
                f"post again, other channel and forget add up to more than 1 when {case}: {1 - left.min():.3g}."
            )
        again = again + weight * post_again
        for end, share in {**stated, "not_stated": left}.items():
            ends[end] = ends[end] + weight * share
    if (again >= 1).any():
        raise ValueError("everybody posts again for ever: the share who post again is 1 and nothing ends it.")
    posts = 1 / (1 - again)
    return {"posts": posts, **{end: probability * posts for end, probability in ends.items()}}


def tellers_per_contact(trouble: npt.ArrayLike, telling: npt.ArrayLike) -> FloatArray:
    """Share of contacts that tell somebody: the share in trouble, times the share of those in trouble who tell.

    Chained as ``Share``, so that a share of another base would be refused. Array of the common shape.
    """
    pairs = np.broadcast(np.asarray(trouble, dtype=float), np.asarray(telling, dtype=float))
    chained = [
        (
            Share(t, of="had trouble", given="contacted the firm") * Share(s, of="told somebody", given="had trouble")
        ).value
        for t, s in pairs
    ]
    return np.array(chained, dtype=float).reshape(pairs.shape)


def telling_table(values: Mapping[str, float]) -> pd.DataFrame:
    """Through which channels people tell, as counts: the published answers overlap, so they are no distribution.

    Returns
    -------
    DataFrame, one row a channel
        ``channel`` (name of the assumption), ``kind`` (of talk), ``of_tellers`` (tellings per person who tells
        anybody), ``of_troubled`` (per person with trouble, through the share who tell).
    ``attrs["channels_per_online_teller"]``: the online channels added up, over the share who use any.
    """
    link = Share(values["share_telling"], of="told somebody", given="had trouble")
    rows = []
    for channel, kind in CHANNELS.items():
        share = Share(values[channel], of=f"told through {channel}", given="told somebody")
        rows.append((channel, kind, share.value, (link * share).value))
    table = pd.DataFrame(rows, columns=["channel", "kind", "of_tellers", "of_troubled"])
    online = table.loc[table["kind"] != "offline", "of_tellers"].sum()
    table.attrs["channels_per_online_teller"] = online / values["share_online"] if values["share_online"] else np.nan
    return table


def _times(rate: FloatArray, time: FloatArray) -> FloatArray:
    """rate * time, with nothing happening at a rate of 0 however long, and at no time whatever the rate."""
    rate, time = np.broadcast_arrays(rate, time)
    return np.multiply(rate, time, out=np.zeros(rate.shape), where=(rate > 0) & (time > 0))


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """part / whole, 0 where there is neither."""
    part, whole = np.broadcast_arrays(part, whole)
    return np.divide(part, whole, out=np.zeros(whole.shape), where=whole > 0)


def _rates(before: npt.ArrayLike, after: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    rates = _non_negative("hazard_before_per_h", before), _non_negative("hazard_after_per_h", after)
    if any(np.isinf(rate).any() for rate in rates):
        raise ValueError(
            "a hazard must be finite; a promise of 0 hours is the way to say that patience is over at once."
        )
    return rates


def _non_negative(name: str, values: npt.ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=float)
    refused = ~(array >= 0)
    if refused.any():
        raise ValueError(f"{name} must be >= 0; {refused.sum()} of {array.size} values are not.")
    return array


def _share(name: str, values: npt.ArrayLike) -> FloatArray:
    array = _non_negative(name, values)
    if (array > 1).any():
        raise ValueError(f"{name} is a share, 0 to 1; {(array > 1).sum()} of {array.size} values are above 1.")
    return array
