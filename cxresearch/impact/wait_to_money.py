"""From a wait to money: complaint, reply, spread and customers lost, worked out exactly from the assumptions.

One clock runs through it: the firm answers a contact ``reply_s`` seconds after it came in, and a public complaint
``reply_s`` seconds after it was posted. Everything is an expectation, so numbers for many contacts are in proportion.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from cxresearch.impact import kinds_of_talk as talk
from cxresearch.impact.complaint import FloatArray, Values, complaint_probability, reply_chain, tellers_per_contact

__all__ = ["OUTCOMES", "fate_table", "impact", "impact_table", "quality_table", "reply_scenarios"]

HOUR_S = 3_600.0
# Kinds on which the published follow-ups act: "post again" and "share online" are said of public posts.
_SHARED_ONLINE, _TOLD_OFFLINE = talk.TALK_KINDS.index("social"), talk.TALK_KINDS.index("offline")
_VISIBLE = [talk.TALK_KINDS.index(kind) for kind in talk.VISIBLE]

_FATES = ("other_channel", "forget", "not_stated")

OUTCOMES = (
    "in_trouble",
    "complaints_waiting",
    "complaints_after_reply",
    "posts_per_complaint",
    "ends_helped",
    "ends_other_channel",
    "ends_forgotten",
    "ends_not_stated",
    *(f"tellings_{kind}" for kind in talk.TALK_KINDS),
    *(f"heard_{kind}" for kind in talk.TALK_KINDS),
    "heard",
    "heard_praise",
    "customers_lost",
    "prospects_lost",
    "prospects_won",
    "money_lost",
)


def reply_scenarios(
    reply_s: Mapping[str, float], *, answered_share: float = 1.0, unhelpful_share: float | None = None
) -> pd.DataFrame:
    """Scenarios to compare: a reply at each of these times (seconds by name), and never.

    Returns
    -------
    DataFrame ``scenario`` (text), ``reply_s``, ``answered_share``, ``unhelpful_share`` (NaN: as in the register).
    """
    named = [(name, float(seconds), answered_share) for name, seconds in reply_s.items()]
    rows = [*named, ("never", math.inf, 0.0)]
    table = pd.DataFrame(rows, columns=["scenario", "reply_s", "answered_share"])
    return table.assign(unhelpful_share=math.nan if unhelpful_share is None else float(unhelpful_share))


def impact_table(values: Mapping[str, float], scenarios: pd.DataFrame, *, contacts: float) -> pd.DataFrame:
    """Run the chain from wait to money for each scenario.

    Parameters
    ----------
    values : every assumption by name (``assumptions.assumption_values``).
    scenarios : DataFrame ``scenario`` (text, unique), ``reply_s`` (seconds, >= 0; ``inf`` is no reply),
        ``answered_share`` (of contacts and of public complaints that get a reply at all), ``unhelpful_share`` (of
        replies; NaN takes the register's).
    contacts : how many contacts the numbers are for.

    Returns
    -------
    DataFrame, one row a scenario: the scenario's columns, then per ``contacts`` contacts
        ``in_trouble`` (waited until they had something to complain of, or were answered badly); ``complaints_waiting``
        (told somebody before the reply) and ``complaints_after_reply`` (because the reply did not help);
        ``posts_per_complaint``; ``ends_*`` (what becomes of complaints online, the unstated rest kept apart);
        ``tellings_*`` and ``heard_*`` by kind, retellings included; ``heard`` (their sum; who hears twice counts
        twice); ``heard_praise``; ``customers_lost``, ``prospects_lost``, ``prospects_won``; ``money_lost`` (net, in the
        currency of ``customer_value``: the firm's loss, much of it some other firm's gain).

    Raises ValueError for missing columns or assumptions, repeated scenarios, values out of range, and where talk has no
    finite expectation.
    """
    needed = ["scenario", "reply_s", "answered_share", "unhelpful_share"]
    missing = [name for name in needed if name not in scenarios.columns]
    if missing or scenarios.empty:
        raise ValueError(f"scenarios need at least one row and the columns {needed}; missing: {missing or 'rows'}.")
    if scenarios["scenario"].duplicated().any():
        raise ValueError(f"scenarios repeat: {scenarios.loc[scenarios['scenario'].duplicated(), 'scenario'].tolist()}.")
    if not 0 < contacts < math.inf:
        raise ValueError(f"contacts must be a number above 0; got {contacts}.")
    rows = []
    for row in scenarios[needed].to_dict("records"):
        found = impact(
            values,
            reply_s=row["reply_s"],
            answered_share=row["answered_share"],
            unhelpful_share=None if math.isnan(row["unhelpful_share"]) else row["unhelpful_share"],
        )
        scale = {name: 1.0 if name == "posts_per_complaint" else contacts for name in OUTCOMES}
        rows.append({**row, **{name: float(found[name]) * scale[name] for name in OUTCOMES}})
    return pd.DataFrame(rows)


def impact(
    values: Values, *, reply_s: float, answered_share: float, unhelpful_share: float | None = None
) -> dict[str, FloatArray]:
    """Expected consequences of one contact in one scenario, for one set of assumptions or for many at a time.

    Parameters
    ----------
    values : numbers, or arrays of one shape (one entry a set of assumptions).
    reply_s, answered_share, unhelpful_share : as in ``impact_table``; None takes ``values["unhelpful_share"]``.

    Returns
    -------
    dict of arrays, one for each of ``OUTCOMES``, per contact.

    The steps: a contact is in trouble when its wait has turned into a complaint (``complaint_probability``), or when the
    reply does not help. Of those in trouble ``share_telling`` would tell, and ``behaviour_per_intent`` of what people
    say they would do is done; it scales every stated intention once. Tellers begin tellings by the published margins,
    post again as ``reply_chain`` says, and go on telling as people said they would after no answer or a poor one.
    Each visible post is answered as ``talk.reply_factors`` says. People who were left waiting are lost as often as
    people who are ignored say they would boycott, less those whom a helpful reply wins back; after an unhelpful reply
    as often as they say for that. That an unhelpful reply is worse than none is thus an input.
    """
    values = _Known(values)
    waited_s, answered, unhelpful = _scenario(values, reply_s, answered_share, unhelpful_share)
    v = {name: np.asarray(values[name], dtype=float) for name in _USED}
    helped, poor, ignored = answered * (1 - unhelpful), answered * unhelpful, 1 - answered

    upset = _upset(v, waited_s), _upset(v, math.inf)  # by the reply, and where none comes
    waiting = answered * upset[0] + ignored * upset[1]
    provoked = poor * (1 - upset[0])
    deed = v["behaviour_per_intent"]
    complaints_waiting = deed * tellers_per_contact(waiting, v["share_telling"])
    complaints_after = deed * tellers_per_contact(provoked, v["share_telling"])

    chain = reply_chain(v, answered_share=answered, unhelpful_share=unhelpful)
    first = talk.first_tellings(v)
    begun = (complaints_waiting + complaints_after)[..., None] * first
    begun[..., _VISIBLE] += ((chain["posts"] - 1) * complaints_waiting)[..., None] * first[..., _VISIBLE]
    for case, share in (("ignored", ignored), ("poor", poor)):
        again = deed * share * complaints_waiting
        begun[..., _TOLD_OFFLINE] += again * v[f"{case}_tell_offline"]
        begun[..., _SHARED_ONLINE] += again * v[f"{case}_share_online"]

    factor = _factors(v, waited_s, answered, unhelpful)
    whole = talk.tellings(v, begun, factor=factor)
    heard = whole * talk.audiences(v) * factor

    online = complaints_waiting * v["share_online"]
    praise = np.zeros_like(begun)
    praise[..., _SHARED_ONLINE] = online * chain["helpful_reply"] * v["good_response_post"] * deed
    heard_praise = (talk.tellings(v, praise) * talk.audiences(v)).sum(axis=-1)

    lost = deed * (
        helped * upset[0] * v["ignored_boycott"] * (1 - v["win_back"])
        + poor * v["poor_boycott"]
        + ignored * upset[1] * v["ignored_boycott"]
    )
    turned = heard.sum(axis=-1) * v["prospect_share"] * v["persuasion_bad"]
    won = heard_praise * v["prospect_share"] * v["persuasion_good"]
    return {
        "in_trouble": waiting + provoked,
        "complaints_waiting": complaints_waiting,
        "complaints_after_reply": complaints_after,
        "posts_per_complaint": chain["posts"],
        "ends_helped": online * chain["helpful_reply"],
        "ends_other_channel": online * chain["other_channel"],
        "ends_forgotten": online * chain["forget"],
        "ends_not_stated": online * chain["not_stated"],
        **{f"tellings_{kind}": whole[..., place] for place, kind in enumerate(talk.TALK_KINDS)},
        **{f"heard_{kind}": heard[..., place] for place, kind in enumerate(talk.TALK_KINDS)},
        "heard": heard.sum(axis=-1),
        "heard_praise": heard_praise,
        "customers_lost": lost,
        "prospects_lost": turned,
        "prospects_won": won,
        "money_lost": (lost + turned - won) * v["customer_value"],
    }


def quality_table(values: Mapping[str, float], reply_s: Mapping[str, float], *, contacts: float) -> pd.DataFrame:
    """The same times of reply with every contact answered well, every one answered badly, or none at all.

    Returns
    -------
    DataFrame as ``impact_table``, one row a time and ``reply`` ("helpful", "unhelpful", "none"), with ``label`` (the
    time by name). ``reply_s`` is the time compared; no reply is the same at any of them.
    """
    parts = []
    for name, seconds in reply_s.items():
        cases = pd.DataFrame(
            {
                "scenario": ["helpful", "unhelpful", "none"],
                "reply_s": [float(seconds), float(seconds), math.inf],
                "answered_share": [1.0, 1.0, 0.0],
                "unhelpful_share": [0.0, 1.0, 0.0],
            }
        )
        found = impact_table(values, cases, contacts=contacts).rename(columns={"scenario": "reply"})
        parts.append(found.assign(label=name, reply_s=float(seconds)))
    return pd.concat(parts, ignore_index=True)


def fate_table(values: Mapping[str, float]) -> pd.DataFrame:
    """What becomes of complaints online (``complaint.reply_chain``): nobody answers, a platform's share is, all are.

    Returns a DataFrame ``answered`` (in words), ``posts_per_complaint``, ``helped``, ``other_channel``, ``forgets``,
    ``not_stated`` (shares of complainers, adding up to 1).
    """
    rows = []
    for case, share in (("none", 0.0), ("as one platform counts", values["answered_share"]), ("all", 1.0)):
        chain = reply_chain(values, answered_share=share, unhelpful_share=values["unhelpful_share"])
        rows.append((case, *(float(chain[part]) for part in ("posts", "helpful_reply", *_FATES))))
    return pd.DataFrame(
        rows, columns=["answered", "posts_per_complaint", "helped", "other_channel", "forgets", "not_stated"]
    )


_REPLY = [f"{case}_{what}" for case in ("ignored", "poor") for what in (
    "post_again", "other_channel", "forget", "tell_offline", "share_online", "boycott")]  # fmt: skip
_USED = (
    *("promised_h", "complaint_hazard_before_per_h", "complaint_hazard_after_per_h"),
    *("share_telling", "behaviour_per_intent", "share_offline", "share_online", "share_private"),
    *("share_review_site", "share_message_board", "share_social"),
    *_REPLY,
    *("good_response_post", "reply_factor_helpful", "reply_factor_unhelpful", "win_back"),
    *(f"{what}_{kind}" for what in ("audience", "retellings") for kind in talk.TALK_KINDS),
    *("same_kind_share", "social_exponent", "social_plateau_s"),
    *("public_burst_share", "public_burst_mean_d", "public_shelf_life_d", "offline_mean_d", "private_mean_d"),
    *("customer_value", "prospect_share", "persuasion_bad", "persuasion_good"),
)


class _Known(dict[str, "float | FloatArray"]):
    """Values by name; a name that is missing is said with the nearest one that is there."""

    def __missing__(self, name: str) -> float:
        near = difflib.get_close_matches(name, self, n=1)
        hint = f" There is {near[0]!r}." if near else ""
        raise ValueError(f"the assumptions have no {name!r}.{hint} Add a row to the register, or use the workbook's.")


def _scenario(
    values: Values, reply_s: float, answered_share: float, unhelpful_share: float | None
) -> tuple[float, float, FloatArray]:
    if not reply_s >= 0:
        raise ValueError(f"reply_s must be >= 0 (inf: no reply); got {reply_s}.")
    unhelpful = np.asarray(values["unhelpful_share"] if unhelpful_share is None else unhelpful_share, dtype=float)
    for name, share in (("answered_share", np.asarray(answered_share)), ("unhelpful_share", unhelpful)):
        if not ((share >= 0) & (share <= 1)).all():
            raise ValueError(f"{name} is a share, 0 to 1; got {share if share.ndim == 0 else share.max()}.")
    # A reply at infinity is no reply, however many are said to come.
    return float(reply_s), 0.0 if math.isinf(reply_s) else float(answered_share), unhelpful


def _upset(v: Mapping[str, FloatArray], waited_s: float) -> FloatArray:
    return complaint_probability(
        waited_s / HOUR_S,
        promised_h=v["promised_h"],
        hazard_before_per_h=v["complaint_hazard_before_per_h"],
        hazard_after_per_h=v["complaint_hazard_after_per_h"],
    )


def _factors(v: Mapping[str, FloatArray], reply_s: float, answered: float, unhelpful: npt.ArrayLike) -> FloatArray:
    """``talk.reply_factors`` for each set of assumptions, kinds in the last axis."""
    factors = talk.reply_factors(
        v, reply_s, answered_share=answered, unhelpful_share=np.asarray(unhelpful, dtype=float)
    )
    return np.stack(np.broadcast_arrays(*(np.asarray(factors[kind], dtype=float) for kind in talk.TALK_KINDS)), axis=-1)
