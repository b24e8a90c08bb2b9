"""What published shares say together: which chain, which agree, and what their margins leave open.

Each exhibit takes ``evidence.printed_numbers()``: published numbers by name, with what each can have been before it was
rounded.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Sequence

import pandas as pd

from cxresearch import figures
from cxresearch.evidence import (
    Share,
    base_test,
    check_identities,
    find_clash,
    frechet_bounds,
    joint_range,
)
from cxresearch.exhibits.exhibit import Exhibit, Exhibits, nothing
from cxresearch.exhibits.ranking import listed
from cxresearch.exhibits.surveys import as_printed
from cxresearch.style import format_interval, format_value, phrase

_ENDS = ["printed", "lower", "upper"]
# link -> the published number, of whom it says something, and among whom: United States 2008.
_LINKS = {
    "trouble": ("us08_problem_rate", "had trouble", "bought online"),
    "leave": ("us08_abandon_or_switch_intent", "would leave", "had trouble"),
    "tell": ("us08_shared_experience", "told somebody", "had trouble"),
    "offline": ("us08_share_offline", "told offline", "told somebody"),
    "online": ("us08_share_online", "told online", "told somebody"),
    "site": ("us08_complain_on_company_site", "complained on the company's site", "told somebody"),
    "review": ("us08_review_site", "wrote on a review site", "told somebody"),
    "social": ("us08_blog_or_social", "wrote on a blog or network", "told somebody"),
}
_WAYS = (
    ["trouble"],
    ["trouble", "tell"],
    ["trouble", "tell", "offline"],
    ["trouble", "tell", "online"],
    ["trouble", "leave"],
    ["trouble", "tell", "site"],
    ["trouble", "tell", "review"],
    ["trouble", "tell", "social"],
)
# The same statistic printed a year later on the wider base.
_WIDE = {
    "site": "us08_complain_on_company_site_of_problem_havers",
    "social": "us08_blog_or_social_of_problem_havers",
}
# channel -> its published share of those who told somebody, and its name.
_CHANNELS = {
    "in_person": ("us08_share_in_person", "in person"),
    "phone": ("us08_share_phone", "telephone"),
    "company": ("us08_complain_on_company_site", "company's site"),
    "email": ("us08_email_friends", "e-mail to friends"),
    "review": ("us08_review_site", "review site"),
    "board": ("us08_message_board", "message board"),
    "blog": ("us08_blog_or_social", "blog or network"),
}
_ONLINE, _OFFLINE = "company | email | review | board | blog", "in_person | phone"
_COUNT = _ONLINE.replace("|", "+")
_PUBLIC = "some public channel"
_QUESTIONS = {
    _PUBLIC: "review | board | blog",
    "exactly one online channel": f"{_COUNT} == 1",
    "two or more online channels": f"{_COUNT} >= 2",
    "both offline and online": f"({_OFFLINE}) & ({_ONLINE})",
    "online only": f"~({_OFFLINE})",
    "company's site as the only channel": f"company & ({_COUNT} + in_person + phone == 1)",
}
_OTHER_REVIEW = "us08_rating_or_review_site"


def chained_shares(printed: pd.DataFrame) -> Exhibit:
    """From all who bought online to those who post about it, one share of another at a time."""
    if absent := _absent(printed, [name for name, _, _ in _LINKS.values()]):
        return absent
    link = _links(printed)
    chained = pd.DataFrame(
        {"label": _LINKS[way[-1]][1]}
        | {end: functools.reduce(operator.mul, [link[step][end] for step in way]).value for end in _ENDS}
        for way in _WAYS
    ).rename(columns={"printed": "estimate"})
    of_buyers = chained.set_index("label")["estimate"].map(lambda share: format_value(share, "share"))
    return Exhibit(
        finding=phrase(
            "Of online buyers {leave} would leave over trouble, {post} post it",
            leave=of_buyers["would leave"], post=of_buyers["wrote on a blog or network"],
        ),
        subtitle=phrase("Chained shares, United States 2008; the line is what rounding leaves open, without sampling error"),
        description="; ".join(f"{phrase(label)}: {share}" for label, share in of_buyers.items()),
        kind="quoted",
        table=chained,
        units={"estimate": "share"},
        draw=functools.partial(
            figures.plot_dots, _named(chained), measure=phrase("Of all who bought online in the past year")
        ),
    )  # fmt: skip


def refused_chain(printed: pd.DataFrame) -> Exhibit:
    """Two shares that do not chain, and the link that is missing between them."""
    if absent := _absent(printed, [_LINKS["trouble"][0], _LINKS["site"][0]]):
        return absent
    trouble, site = (_share(printed, key, "printed") for key in ("trouble", "site"))
    return Exhibit(
        finding=phrase(
            "The share who {part} is no share of those who {whole}", part=phrase(site.of), whole=phrase(trouble.of)
        ),
        says=f"> {trouble.missing_link(site)}",
        kind="quoted",
    )


def one_share_on_two_bases(printed: pd.DataFrame) -> Exhibit:
    """Whether a statistic that was printed on two bases is one and the same through the share that links them."""
    if absent := _absent(printed, [_LINKS["tell"][0], *(_LINKS[key][0] for key in _WIDE), *_WIDE.values()]):
        return absent
    narrow = {key: _share(printed, key, "printed") for key in _WIDE}
    wide = {
        key: Share(printed.loc[name, "printed"], of=_LINKS[key][1], given="had trouble") for key, name in _WIDE.items()
    }
    tests = pd.concat([base_test(narrow[key], _share(printed, "tell", "printed"), wide[key]) for key in _WIDE])
    tests.insert(0, "item", [share.of for share in wide.values()])
    site, social = tests.iloc[0], tests.iloc[1]
    told = {key: as_printed(share.value) for key, share in narrow.items()}
    implied = format_interval(site["implied_lower"], site["implied_upper"], "share")
    finding = phrase("Through the share who tell anybody, {told} becomes {implied}", told=told["site"], implied=implied)
    was = phrase("It was {wide} instead of {told}.", wide=as_printed(site["printed"]), told=told["site"])
    return Exhibit(
        finding=finding,
        says=f"{was} {finding}: {_first_agrees(site)} {_other_agrees(social, told['social'])}",
        caption=phrase("One statistic on two bases: does the link explain the difference?"),
        kind="quoted",
        table=tests,
        shown=tests.drop(columns=["printed_lower", "printed_upper"]),
        units={"implied": "share", "printed": "share"},
    )


def _outcome(test: pd.Series) -> str:
    if not test["consistent"]:
        return "apart"
    return "either way" if test["consistent_unlinked"] else "by the link"


def _first_agrees(test: pd.Series) -> str:
    outcome = _outcome(test)
    if outcome == "by the link":
        return phrase("the two agree, and without that link they would not.")
    if outcome == "either way":
        return phrase("the two agree, as they would without that link, so it decides nothing.")
    return phrase("the two do not agree.")


def _other_agrees(test: pd.Series, told: str) -> str:
    outcome = _outcome(test)
    if outcome == "by the link":
        return phrase("The social-media item ({told}) agrees through that link, too, and not without it.", told=told)
    if outcome == "either way":
        return phrase("The social-media item ({told}) agrees either way, so it decides nothing.", told=told)
    return phrase("The social-media item ({told}) does not agree.", told=told)


def checked_identities(identities: pd.DataFrame, printed: pd.DataFrame) -> Exhibits:
    """Sums, complements and ratios between published numbers: which hold, and which fail whatever the rounding."""
    if identities.empty:
        return Exhibits([nothing(phrase("No two published numbers have to agree with each other"))])
    checked = check_identities(identities, printed)
    failed = int((checked["verdict"] == "fails").sum())
    if failed:
        finding = phrase("{failed} of {all} fail", failed=str(failed), all=str(len(checked)))
    else:
        finding = phrase("None of {all} fail", all=str(len(checked)))
    table = Exhibit(
        finding=finding,
        caption=phrase("Identities between published numbers"),
        kind="quoted",
        table=checked,
        shown=checked[["says", "left", "right", "verdict"]],
    )
    return Exhibits([table, Exhibit(finding=finding, kind="quoted")])


def shares_told_together(claims: pd.DataFrame, printed: pd.DataFrame) -> Exhibit:
    """Whether two told shares can be true of the same people, and what the press release makes possible."""
    names = ["us08_stopped_or_decreased_part", "us08_bought_less", "us08_stopped_or_decreased"]
    if absent := _absent(printed, names):
        return absent
    told = claims.set_index("claim_id")["told_value"]
    if not {"C000-05", "C000-06"} <= set(told.index):
        return nothing(phrase("No article tells how many stopped and how many bought less"))
    stopped, less = told["C000-05"], told["C000-06"]
    clash = find_clash({"stopped": stopped, "bought_less": less, "stopped & bought_less": (0.0, 0.0)})
    part, part_less, union = (printed.loc[name, "printed"] for name in names)
    margins = {"stopped": part, "bought_less": part_less, "stopped | bought_less": union}
    both = joint_range(margins, "stopped & bought_less")
    also = [name.replace("stopped & bought_less", "nobody did both").replace("_", " ") for name in clash]
    shares = {"stopped": as_printed(stopped), "less": as_printed(less)}
    if clash:
        finding = phrase("{stopped} stopped and another {less} bought less: impossible", **shares)
        fits = phrase("No population fits all of this: {these}.", these=", ".join(map(phrase, also)))
    else:
        finding = phrase("{stopped} stopped and another {less} bought less: possible", **shares)
        fits = phrase("Some population fits all of this.")
    press = phrase(
        "The press has {union} who did one or the other. With {part} stopping and {less} buying less that is possible, if {both} "
        "did both. Which of the two numbers is which remains open: the end of the release could not be read.",
        union=as_printed(union), part=as_printed(part), less=as_printed(part_less), both=format_interval(*both, "share"),
    )  # fmt: skip
    return Exhibit(
        finding=finding,
        says=f"**{finding}.** {fits} {press}",
        kind="quoted",
        table=pd.DataFrame([{"label": "stopped and bought less", "lower": both[0], "upper": both[1]}]),
        shown=pd.DataFrame(),
    )


def public_talk(printed: pd.DataFrame) -> Exhibits:
    """What the published margins allow of how people talked: in public, online only, on one channel or on several."""
    names = [*(name for name, _ in _CHANNELS.values()), *(_LINKS[key][0] for key in ("tell", "online", "offline"))]
    if absent := _absent(printed, [*names, _OTHER_REVIEW]):
        return Exhibits([absent])
    margins = {channel: printed.loc[name, "printed"] for channel, (name, _) in _CHANNELS.items()}
    margins |= {_ONLINE: printed.loc[_LINKS["online"][0], "printed"]}
    margins |= {_OFFLINE: printed.loc[_LINKS["offline"][0], "printed"]}
    margins |= {f"{_ONLINE} | {_OFFLINE}": (1.0, 1.0)}
    ranges = pd.DataFrame(
        [(label, *joint_range(margins, query)) for label, query in _QUESTIONS.items()],
        columns=["label", "lower", "upper"],
    )
    public = ranges.set_index("label").loc[_PUBLIC]
    in_public = {end: Share(public[end], of="told in public", given="told somebody") for end in ("lower", "upper")}
    low, high = ((in_public[end] * _share(printed, "tell", end)).value for end in ("lower", "upper"))
    of_trouble = format_interval(low, high, "share")
    review = printed.loc[_OTHER_REVIEW, "printed"]
    other = joint_range(margins | {"review": review}, _QUESTIONS[_PUBLIC])
    private = phrase("Either way most talk was private.") if max(public["upper"], other[1]) < 0.5 else ""
    figure = Exhibit(
        finding=phrase(
            "Of those who talked, {public} did so in public",
            public=format_interval(public["lower"], public["upper"], "share"),
        ),
        subtitle=phrase(
            "What the published margins allow, United States 2008; every value inside a bar is equally possible"
        ),
        description=_in_words(ranges),
        kind="quoted",
        table=ranges,
        units={"lower": "share", "upper": "share"},
        draw=functools.partial(figures.plot_ranges, _named(ranges), measure=phrase("Of those who told somebody")),
    )  # fmt: skip
    means = phrase(
        "Public means review sites, message boards, blogs and networks; a complaint on the company's own site goes to the firm. Of "
        "all who had trouble that is {of_trouble}. If the other report is right that {review} wrote ratings or reviews, it is "
        "{other} of those who told somebody.",
        of_trouble=of_trouble, review=as_printed(review), other=format_interval(*other, "share"),
    )  # fmt: skip
    sentence = Exhibit(
        finding=phrase("Of all who had trouble {of_trouble} told it in public", of_trouble=of_trouble),
        says=f"{means} {private}".strip(),
        kind="quoted",
    )
    return Exhibits([figure, sentence])


def pairs_of_channels(printed: pd.DataFrame) -> Exhibit:
    """How many at least and at most used two channels, pair by pair."""
    if absent := _absent(printed, [name for name, _ in _CHANNELS.values()]):
        return absent
    pairs = frechet_bounds({label: printed.loc[name, "printed"] for name, label in _CHANNELS.values()}).rename(
        columns={"both_lower": "lower", "both_upper": "upper", "independent": "landmark"}
    )
    pairs["label"] = [
        listed([phrase(first), phrase(second)]) for first, second in zip(pairs["first"], pairs["second"], strict=True)
    ]
    pairs = pairs.sort_values("upper", ascending=False, kind="stable")
    certain = int((pairs["lower"] > 0).sum())
    if certain:
        finding = phrase(
            "Of {all} pairs of channels, {certain} must have been used together by somebody",
            all=str(len(pairs)), certain=str(certain),
        )  # fmt: skip
    else:
        finding = phrase(
            "Of {all} pairs of channels, none must have been used together by somebody", all=str(len(pairs))
        )
    return Exhibit(
        finding=finding,
        subtitle=phrase("Least and most that the published margins allow, United States 2008; tick: if independent"),
        description=_in_words(pairs),
        kind="quoted",
        table=pairs,
        shown=pairs[["label", "lower", "upper", "either_lower", "either_upper"]],
        units=dict.fromkeys(["lower", "upper", "either_lower", "either_upper"], "share"),
        draw=functools.partial(figures.plot_ranges, pairs, measure=phrase("Used both, of those who told somebody")),
    )


def _share(printed: pd.DataFrame, key: str, end: str) -> Share:
    name, of, given = _LINKS[key]
    return Share(printed.loc[name, end], of=of, given=given)


def _links(printed: pd.DataFrame) -> dict[str, dict[str, Share]]:
    return {key: {end: _share(printed, key, end) for end in _ENDS} for key in _LINKS}


def _in_words(ranges: pd.DataFrame) -> str:
    return "; ".join(
        f"{phrase(str(row.label))}: {format_interval(row.lower, row.upper, 'share')}" for row in ranges.itertuples()
    )


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """The table as a drawing of it is labelled."""
    return table.assign(label=table["label"].map(phrase))


def _absent(printed: pd.DataFrame, names: Sequence[str] | Iterable[str]) -> Exhibit | None:
    lacking = [name for name in names if name not in printed.index]
    if not lacking:
        return None
    return nothing(phrase("The register has no published number called {names}", names=", ".join(lacking)))
