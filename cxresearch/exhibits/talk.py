"""Exhibits of talk: who hears of a complaint, for how long, what a reply still finds, and how far it goes at worst."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from cxresearch import figures, impact
from cxresearch.exhibits.exhibit import Exhibit, nothing
from cxresearch.exhibits.ranking import listed
from cxresearch.style import format_duration, format_interval, format_value, phrase

KIND_LABELS = {
    "offline": "Face to face, by phone",
    "private": "E-mail to friends",
    "public": "Reviews and boards",
    "social": "Social posts",
}
_NEARLY_ALL = 0.9  # of those who ever hear: then a side has heard


def numbers_used(register: pd.DataFrame) -> Exhibit:
    """What the model stands on, in one sentence (``impact.load_assumptions``)."""
    kinds = register["kind"].value_counts()
    quoted, studied, assumed = (format_value(kinds.get(kind, 0)) for kind in ("quoted", "literature", "assumed"))
    return said(
        phrase(
            "The model uses {all} numbers: {quoted} are quoted from surveys, {studied} come from studies, and {assumed} are "
            "assumed. None of them is measured here; what follows is worked out from them.",
            all=format_value(len(register)), quoted=quoted, studied=studied, assumed=assumed,
        ),
        register,
    )  # fmt: skip


def tellings_by_channel(channels: pd.DataFrame, register: pd.DataFrame) -> Exhibit:
    """Through which channels people tell (``impact.telling_table``), in the words of the register."""
    labels = register.set_index("name")["label"]
    named = channels.assign(channel=channels["channel"].map(labels), kind=channels["kind"].replace(KIND_LABELS))
    most = named.loc[named["of_tellers"].idxmax()]
    kinds = set(register.set_index("name")["kind"].reindex(["share_telling", *channels["channel"]]))
    return Exhibit(
        finding=phrase(
            "Most of those who tell: {channel}, {share}",
            channel=phrase(most["channel"]), share=format_value(most["of_tellers"], "share"),
        ),
        table=named,
        kind="quoted" if kinds == {"quoted"} else "assumed",
        caption=phrase("Tellings per person, by channel; the company's own site has no audience of its own"),
        units={"of_tellers": "share", "of_troubled": "share"},
    )  # fmt: skip


def hearers(reach: pd.DataFrame) -> Exhibit:
    """Who hears of one complaint that nobody answers, by kind of talk (``impact.reach_table``)."""
    town = reach.loc[reach["kind"] == "offline", "heard"].sum()
    net = reach["heard"].sum() - town
    if not town + net > 0:
        return nothing(phrase("Nobody tells anybody, so nobody hears of a complaint"))
    table = reach.assign(label=reach["kind"].map(KIND_LABELS))
    return Exhibit(
        finding=phrase(
            "One complaint is heard by {all} people: {town} in town, {net} on the net",
            all=format_value(town + net), town=format_value(town), net=format_value(net),
        ),
        subtitle=phrase("People who hear of one complaint that nobody answers; pale: from people who tell on"),
        description=in_words(table, label="label", value="heard"),
        caption=phrase("One complainer's own tellings, and all that follow from them"),
        kind="assumed",
        table=table,
        shown=table[["label", "first_tellings", "heard_first", "tellings", "heard"]],
        draw=partial(figures.plot_reach, reach.assign(label=reach["kind"].map(_kinds()))),
    )  # fmt: skip


def louder_side(reach: pd.DataFrame, values: Mapping[str, float]) -> Exhibit:
    """More people tell offline: who is heard by more, and what that rests on (``impact.reach_table``)."""
    town = reach.loc[reach["kind"] == "offline", "heard_first"].sum()
    net = reach["heard_first"].sum() - town
    shares = {side: format_value(values[f"share_{side}"], "share") for side in ("offline", "online")}
    lead = (
        phrase("**{offline} tell offline and {online} online, yet the net is heard by more.**", **shares)
        if net > town
        else phrase("**{offline} tell offline and {online} online, and the town is heard by more, too.**", **shares)
    )
    rests = phrase(
        "How many hear one teller in town has been asked in surveys ({offline}, as tellers say themselves). How many read one "
        "review ({public}) or see one post ({social}) is an assumption, and it decides: the last section but one says how much.",
        **{kind: format_value(values[f"audience_{kind}"]) for kind in ("offline", "public", "social")},
    )
    return said(f"{lead} {rests}", reach)


def lasting_talk(hearing: pd.DataFrame, lives: pd.DataFrame) -> Exhibit:
    """For how long one complainer is heard (``impact.hearing_over_time``), and how long a telling lives (``lifetime_table``)."""
    heard = {side: _heard_by(rows) for side, rows in impact.town_and_net(hearing).groupby("side")}
    town, net = heard["town"], heard["net"]
    first = (
        phrase("Nobody in town hears")
        if math.isnan(town)
        else phrase("The town has heard within {time}", time=format_duration(town))
    )
    then = (
        phrase("nobody on the net does")
        if math.isnan(net)
        else phrase("the net is still telling after {time}", time=format_duration(net))
    )
    by_kind = lives.assign(kind=lives["kind"].map(KIND_LABELS)).set_index("kind")
    within = {"half have heard within": 0.5, "nine in ten within": _NEARLY_ALL}
    table = pd.DataFrame(
        {text: by_kind.loc[by_kind["share"] == share, "time_s"].map(format_duration) for text, share in within.items()}
    ).reset_index()
    return Exhibit(
        finding=f"{first}; {then}",
        subtitle=phrase("One complainer's own tellings, without those of others; from a minute to the end of a review's life"),
        description=in_words(table, label="kind", value="half have heard within", unit="text"),
        caption=phrase("How long one telling lives, by kind"),
        kind="assumed",
        table=lives,
        shown=table,
        draw=partial(
            figures.plot_over_time,
            hearing.replace({"kind": _kinds()}),
            value="heard",
            by="kind",
            measure=phrase("People who have heard"),
        ),
    )  # fmt: skip


def reply_still_finds(effects: pd.DataFrame, over_time: pd.DataFrame) -> Exhibit:
    """What of one social post's retelling is done when a reply comes (``impact.reply_effects``).

    ``effects`` are the replies compared, ``over_time`` the same at many moments, for the curve.
    """
    if effects["chain_share_gone"].isna().any():
        return nothing(phrase("Nobody passes on a social post, so a reply finds nothing to change"))
    replies = effects.drop_duplicates("reply_s")
    said_so = [
        phrase("{share} after {time}", share=format_value(row["post_share_gone"], "share"), time=format_duration(row["reply_s"]))
        for _, row in replies.iterrows()
    ]  # fmt: skip
    curve = over_time[over_time["reply"] == "helpful"].rename(columns={"reply_s": "time_s"})
    gone = {"post_share_gone": phrase("of the post itself"), "chain_share_gone": phrase("of all that follow")}
    curve = curve.melt(["time_s"], list(gone), "of", "share").replace({"of": gone})
    return Exhibit(
        finding=phrase("Retellings that a reply comes too late for: {shares}", shares=listed(said_so)),
        subtitle=phrase("One social post, by when the reply comes; dotted: the replies compared below"),
        caption=phrase("One social post and one reply to it: a helpful reply spares retellings, an unhelpful one adds some"),
        kind="assumed",
        table=effects,
        shown=effects[["reply", "reply_s", "post_share_gone", "chain_share_gone", "tellers", "share_avoided"]],
        draw=partial(
            figures.plot_over_time,
            curve,
            value="share",
            by="of",
            measure=phrase("Retellings already made"),
            share=True,
            marks_s=_moments(effects),
        ),
    )  # fmt: skip


def reply_spares(growth: pd.DataFrame, effects: pd.DataFrame) -> Exhibit:
    """How one social post grows by when a helpful reply comes (``impact.growth_table``, ``reply_effects``)."""
    rows = effects[effects["reply"] == "helpful"].sort_values("reply_s")
    if rows["share_avoided"].isna().any():
        return nothing(phrase("Nobody passes on a social post, so a reply spares nothing"))
    first, last = rows.iloc[0], rows.iloc[-1]
    named = growth.assign(reply=growth["reply"].replace("never", format_duration(math.inf)))
    return Exhibit(
        finding=phrase(
            "A helpful reply after {soon} spares {more} of the retellings, after {late} {less}",
            soon=format_duration(first["reply_s"]), more=format_value(first["share_avoided"], "share"),
            late=format_duration(last["reply_s"]), less=format_value(last["share_avoided"], "share"),
        ),
        subtitle=phrase("Expected posts from one social post over a month, by when a helpful reply comes"),
        description=in_words(named.groupby("reply", sort=False).tail(1), label="reply", value="tellings"),
        kind="assumed",
        table=growth,
        shown=growth.head(0),
        draw=partial(
            figures.plot_over_time,
            named,
            value="tellings",
            by="reply",
            measure=phrase("Posts, the first included"),
            floor=1.0,
            marks_s=_moments(effects),
        ),
    )  # fmt: skip


def complaint_tail(storms: pd.DataFrame, tails: pd.DataFrame, loud: pd.DataFrame, *, one_in: float) -> Exhibit:
    """How often talk begun by one telling goes beyond each size (``impact.storm_table``).

    ``storms`` and ``tails`` are the two tables as assumed, ``loud`` the second at ``impact.loudest_values``.
    """
    worst = loud[loud["kind"] == "social"].assign(kind="Social posts, at worst")
    drawn = pd.concat([tails[tails["kind"] != "private"], worst], ignore_index=True)
    at_worst = {"Social posts, at worst": phrase("Social posts, at worst")}
    drawn = drawn.assign(label=drawn["kind"].replace(_kinds() | at_worst))
    table = storms.assign(kind=storms["kind"].map(KIND_LABELS))
    social = storms.set_index("kind").loc["social"]
    silent, chance = format_value(social["silent"], "share"), format_value(one_in, "count")
    beyond = format_value(social["storm_tellings"], "count")
    return Exhibit(
        finding=phrase("{silent} of social posts are passed on by nobody; one in {chance} goes beyond every size looked at", silent=silent, chance=chance)
        if math.isnan(social["storm_tellings"])
        else phrase("{silent} of social posts are passed on by nobody; one in {chance} goes beyond {beyond} tellings", silent=silent, chance=chance, beyond=beyond),
        subtitle=phrase("Chance that talk begun by one telling goes further; dotted: one in {chance}; at worst: ends of the ranges", chance=chance),
        description=in_words(table, label="kind", value="storm_tellings", unit="count"),
        caption=phrase("The worst in {chance} tellings, by how the first one was made", chance=chance),
        kind="assumed",
        table=table,
        shown=table.drop(columns="endless"),
        units={"silent": "share", "storm_tellings": "count", "storm_heard": "count"},
        draw=partial(figures.plot_tail, drawn, by="label", one_in=one_in),
    )  # fmt: skip


def tail_at_worst(loud: pd.DataFrame, *, one_in: float) -> Exhibit:
    """The tail of social talk at the worst ends of the ranges (``impact.storm_table`` at ``loudest_values``)."""
    social = loud.set_index("kind").loc["social"]
    silent, chance = format_value(social["silent"], "share"), format_value(one_in, "count")
    if math.isnan(social["storm_tellings"]):
        text = phrase(
            "At the ends of the ranges for social talk (more retelling, spread more unevenly) {silent} of posts are passed on by "
            "nobody and one in {chance} goes beyond every size looked at.",
            silent=silent, chance=chance,
        )  # fmt: skip
    else:
        text = phrase(
            "At the ends of the ranges for social talk (more retelling, spread more unevenly) {silent} of posts are passed on by "
            "nobody and one in {chance} goes beyond {beyond} tellings.",
            silent=silent, chance=chance, beyond=format_value(social["storm_tellings"], "count"),
        )  # fmt: skip
    return said(text, loud)


def retellings_measured(measured: pd.DataFrame) -> Exhibit:
    """The two numbers of the tail from cascades of one's own (``impact.measured_retellings``), beside the assumed ones."""
    if measured.empty:
        return nothing(
            phrase(
                "No cascades of your own are named, so both numbers stay assumed. To measure them, name in `cascades_file` a "
                "file with one column: `chain_size` (posts of a finished cascade, the first included), `cascade` (to which "
                "one each post belongs), or `retellings` (how often each post was passed on directly)"
            )
        )
    mean = measured.set_index("name").loc["retellings_social"]
    between = format_interval(mean["lower"], mean["upper"])
    whole = measured.attrs["data"] == "chain sizes"
    n = format_value(measured.attrs["observations"], "count")
    told = {"mean": format_value(mean["estimate"]), "between": between, "assumed": format_value(mean["assumed"])}
    if whole:
        caption = phrase(
            "Social retelling in {n} finished cascades, with 95 % intervals, beside the value and the range assumed",
            n=n,
        )
        says = phrase(
            "**Counted in {n} finished cascades, a post is passed on {mean} times on average ({between}); {assumed} is assumed.**",
            n=n,
            **told,
        )
        says += " " + phrase(
            "Talk that goes on is not counted so, and the mean of what has ended is below 1 whatever the truth."
        )
    else:
        caption = phrase(
            "Social retelling in {n} posts, with 95 % intervals, beside the value and the range assumed", n=n
        )
        says = phrase(
            "**Counted in {n} posts, a post is passed on {mean} times on average ({between}); {assumed} is assumed.**",
            n=n,
            **told,
        )
    shown = measured[["label", "estimate", "lower", "upper", "assumed", "low", "high", "note"]]
    return Exhibit(
        finding=phrase(
            "Counted, a post is passed on {mean} times on average ({between}); {assumed} is assumed", **told
        ),
        table=measured,
        shown=shown if measured["note"].any() else shown.drop(columns="note"),
        caption=caption,
        says=says,
    )


def talk_on_network(sweep: pd.DataFrame, reached: pd.DataFrame, *, network_file: str, kind: str) -> Exhibit:
    """How talk grows with the probability of telling one contact, on a network of people (``cascade.network_talk``)."""
    row = reached.iloc[0]
    if not row["probability"] > 0:
        return nothing(phrase("Nobody passes on a social post, so nothing travels on a network"))
    return Exhibit(
        finding=_network_finding(row["mean_reach"] / row["unconnected_reach"]),
        subtitle=phrase(
            "{network}: {people} people, {ties} contacts each on average; dotted: assumed",
            network=Path(network_file).name or phrase("A generated network"),
            people=format_value(row["people"], "count"), ties=format_value(row["mean_ties"]),
        ),
        description=phrase(
            "At a probability of {probability} a complaint reaches {reach} people on average, {unconnected} without a network.",
            probability=format_value(row["probability"], "share"), reach=format_value(row["mean_reach"]),
            unconnected=format_value(row["unconnected_reach"]),
        ),
        caption=phrase("How talk on this network grows with the probability of telling one contact"),
        kind=kind,
        table=sweep,
        shown=sweep.iloc[::5][["probability", "mean_largest_share", "mean_reach"]],
        draw=partial(figures.plot_percolation, sweep, probability=row["probability"]),
    )  # fmt: skip


def reach_on_network(reached: pd.DataFrame) -> Exhibit:
    """How far complaints let loose on the network went (``cascade.network_talk``)."""
    row = reached.iloc[0]
    return said(
        phrase(
            "At the assumed probability a complaint reaches {reach} people on average here ({runs} simulated complaints), "
            "against {unconnected} where nobody has more contacts than others; one in {one_in} reaches more than {worst}.",
            reach=format_value(row["mean_reach"]), runs=format_value(row["runs"], "count"),
            unconnected=format_value(row["unconnected_reach"]), one_in=format_value(row["one_in"], "count"),
            worst=format_value(row["reach_at_worst"], "count"),
        ),
        reached,
    )  # fmt: skip


def said(markdown: str, behind: pd.DataFrame) -> Exhibit:
    """An exhibit of words: what is said, with the table it was read from."""
    return Exhibit(finding=markdown, says=markdown, table=behind, shown=behind.head(0))


def in_words(table: pd.DataFrame, *, label: str, value: str, unit: str = "number") -> str:
    """A table in words, for readers who do not see the figure: "a: 1; b: 2"."""
    return "; ".join(f"{phrase(str(row[label]))}: {format_value(row[value], unit)}" for _, row in table.iterrows())


def _kinds() -> dict[str, str]:
    """The kinds of talk as a drawing names them."""
    return {kind: phrase(label) for kind, label in KIND_LABELS.items()}


def _heard_by(rows: pd.DataFrame) -> float:
    """Seconds until nearly all of those who ever hear have heard; NaN where nobody does."""
    most = rows["heard"].max()
    return rows.loc[rows["heard"] >= _NEARLY_ALL * most, "time_s"].min() if most > 0 else math.nan


def _moments(effects: pd.DataFrame) -> dict[str, float]:
    return {format_duration(reply_s): reply_s for reply_s in effects["reply_s"].unique()}


def _network_finding(times: float) -> str:
    if times > 1.05:
        return phrase(
            "Hubs carry talk {times} times as far as the same telling without a network", times=format_value(times)
        )
    if times < 0.95:
        return phrase(
            "On this network talk goes {times} times as far as without one: friends of friends have heard already",
            times=format_value(times),
        )
    return phrase("On this network talk goes as far as without one")
