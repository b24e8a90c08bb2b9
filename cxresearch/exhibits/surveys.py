"""What the articles claim and what the surveys found: the register of cited findings.

Each exhibit takes tables of the register (``evidence.load_claims``, ``load_evidence``, ``load_calibration``). ``n_low``
and ``n_high`` are the fewest and the most people that a survey of unknown size is taken to have asked; ``confidence`` is
that of the intervals, a share.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import pandas as pd

from cxresearch import figures
from cxresearch.evidence import (
    add_intervals,
    counter_evidence,
    interval_over_n,
    plausible_n,
    register_table,
    value_parts,
)
from cxresearch.exhibits.exhibit import Exhibit, Exhibits, nothing
from cxresearch.exhibits.show import headline_bundle
from cxresearch.style import format_interval, format_number, format_value, load_words, phrase

VERDICTS = ("reproduced", "corrected", "bounded", "conflicting", "untraceable")

# Articles with shares enough for a figure of their own.
_SHOPPERS, _CALL_OUT = "000_6b3b2425cb652541.txt", "003_bdb8d30d44a680c9.txt"
_TOLD = ["label", "told_value", "value", "lower", "upper", "of_whom", "verdict"]
_UNSOLVED = "C000-04"  # rang a call centre and still had the problem: quoted often, of a survey of unknown size


def people(n_low: int, n_high: int) -> str:
    """How many an unknown number of people is taken to be: "500 to 3,000 people"."""
    return phrase("{range} people", range=format_interval(n_low, n_high, "count"))


def percent(confidence: float) -> str:
    """A level of confidence with no more digits than it has: "95 %"."""
    return f"{format_value(100 * confidence)}{load_words()['numbers']['percent']}"


def as_printed(value: float, unit: str = "share", **how: Any) -> str:
    """A published number with as many digits as it was printed with (``evidence.value_text``), in the report's language."""
    text, numbers = value_parts(value, unit, **how)
    return phrase(text, **{name: format_number(*number) for name, number in numbers.items()})


def claims_by_verdict(claims: pd.DataFrame, documents: pd.DataFrame) -> Exhibit:
    """How many of the quoted numbers stand as told, and what became of the others."""
    numeric = claims[claims["kind"] == "numeric"]
    if numeric.empty:
        return nothing(phrase("The register holds no quoted number"))
    tally = numeric["verdict"].value_counts().reindex(VERDICTS, fill_value=0)
    of = {verdict: str(tally[verdict]) for verdict in VERDICTS}
    finding = phrase(
        "Of {all} quoted numbers, {reproduced} stand as told", all=str(len(numeric)), reproduced=of["reproduced"]
    )
    others = phrase(
        "Another {corrected} are real but were told wrongly: another deed, another base, a rounding too far. For {bounded} the "
        "published numbers leave a range, {conflicting} stand against another source, and {untraceable} lead to no survey at all. "
        "The {articles} articles make {claims} claims in all. The {mechanisms} that are no numbers say how things work, and stand "
        "in the register at the end with what carries them in the later models, or why nothing can.",
        corrected=of["corrected"], bounded=of["bounded"], conflicting=of["conflicting"], untraceable=of["untraceable"],
        articles=str(len(documents)), claims=str(len(claims)), mechanisms=str(len(claims) - len(numeric)),
    )  # fmt: skip
    return Exhibit(
        finding=finding,
        says=f"## {finding}\n\n{others}",
        table=tally.rename("claims").rename_axis("verdict").reset_index(),
        shown=pd.DataFrame(),
        kind="quoted",
        ready=tuple(
            headline_bundle(
                name=name, label=label, value=value, lower=None, upper=None, unit="count", kind="quoted", better=None,
                n=len(numeric), base=phrase("quoted numbers of the register"), note=phrase("counted in the register"), change=None,
            )
            for name, label, value in (
                ("quoted_numbers", phrase("Quoted numbers that were traced"), len(numeric)),
                ("stand_as_told", phrase("Quoted numbers that stand as told"), int(tally["reproduced"])),
            )
        ),
    )  # fmt: skip


def claims_by_document(
    claims: pd.DataFrame, bases: pd.DataFrame, *, n_low: int, n_high: int, confidence: float
) -> Exhibits:
    """Each told share beside the published one with its interval: a figure an article, the last for all others."""
    told = add_intervals(claims[claims["kind"] == "numeric"], n_low=n_low, n_high=n_high, confidence=confidence)
    told = told[(told["unit"] == "share") & told["comparator"].isin(["=", ">"]) & told["told_value"].notna()]
    told = told.merge(bases.rename(columns={"wording": "of_whom"}), on="base")
    if told.empty:
        return Exhibits([nothing(phrase("No article tells a share that its survey printed"))])
    about = {file: rows.sort_values("value", ascending=False) for file, rows in told.groupby("source_file")}
    unknown = people(n_low, n_high)
    shown = [_article(file, about.pop(file), unknown) for file in (_SHOPPERS, _CALL_OUT) if file in about]
    if about:
        rows = pd.concat(about.values())
        fine, others = int((rows["verdict"] == "reproduced").sum()), str(len(rows))
        if fine:
            finding = phrase("Of the other {others} shares, {fine} can be read as told", others=others, fine=str(fine))
        else:
            finding = phrase("Of the other {others} shares, none can be read as told", others=others)
        where = phrase("Share of each claim's own base; where n is unknown, {unknown}", unknown=unknown)
        shown.append(_told_shares(rows, finding, where))
    key = phrase(
        "In the figures a circle is the published share, a cross what the article made of it. The line is its {confidence} "
        "interval. Where no text says how many were asked, the pale line is the interval for {fewest} people and the firm one "
        "that for {most}. Of these those in the claim's base count, where their share is known.",
        confidence=percent(confidence), fewest=format_value(n_low, "count"), most=format_value(n_high, "count"),
    )  # fmt: skip
    return Exhibits([dataclasses.replace(shown[0], says=key), *shown[1:]])


def _article(file: str, rows: pd.DataFrame, unknown: str) -> Exhibit:
    counts = {"wrong": str(int((rows["verdict"] != "reproduced").sum())), "all": str(len(rows))}
    if file == _SHOPPERS:
        return _told_shares(
            rows,
            phrase("Frustrated shoppers: {wrong} of {all} famous numbers need a correction or a caution", **counts),
            phrase(
                "Share of each claim's own base, United States 2008; n unknown, taken as {unknown}", unknown=unknown
            ),
        )
    return _told_shares(
        rows,
        phrase("Call-out culture: {wrong} of {all} numbers need a correction or a caution", **counts),
        phrase(
            "Share of each claim's own base, United States 2017; {asked} people asked, replies: one platform's clients",
            asked=format_value(rows["n"].max(), "count"),
        ),
    )


def _told_shares(rows: pd.DataFrame, finding: str, subtitle: str) -> Exhibit:
    named = rows.assign(label=rows["label"].map(phrase))
    return Exhibit(
        finding=finding,
        subtitle=subtitle,
        description="; ".join(
            f"{row.label}: {format_value(row.value, 'share')}, {phrase(str(row.verdict))}" for row in named.itertuples()
        ),
        kind="quoted",
        table=rows,
        shown=rows[_TOLD],
        units={"told_value": "share", "value": "share"},
        draw=functools.partial(figures.plot_claims, named),
    )


def corrected_sentences(corrections: pd.DataFrame) -> Exhibit:
    """The sentences that travel furthest, as they are told and as their survey found them."""
    famous = corrections[corrections["kind"] != "translation"]
    if famous.empty:
        return nothing(phrase("No quoted sentence needs a correction"))
    return Exhibit(
        finding=phrase("{n} quoted sentences say something else than their surveys found", n=str(len(famous))),
        caption=phrase("What is told, and what the surveys say"),
        kind="quoted",
        table=famous,
        shown=famous.rename(columns={"told": "as_told"})[["as_told", "found"]],
    )


def mistranslations(corrections: pd.DataFrame) -> Exhibit:
    """What a machine translation turned into another claim."""
    slips = corrections[corrections["kind"] == "translation"]
    if slips.empty:
        return nothing(phrase("No slip of a translation changes a claim"))
    finding = phrase("{n} slips change the meaning", n=str(len(slips)))
    one = phrase("One turns a finding round: a brand that answers badly became a brand that does not answer.")
    return Exhibit(
        finding=finding,
        says=f"{finding}. {one}",
        caption=phrase("Mistranslations that change what is claimed"),
        kind="quoted",
        table=slips,
        shown=slips.rename(columns={"told": "as_told"})[["as_told", "found"]],
    )


def interval_by_size(claims: pd.DataFrame, *, n_low: int, n_high: int, confidence: float) -> Exhibit:
    """The interval of one much quoted share for every number of people that may have been asked."""
    found = claims[claims["claim_id"] == _UNSOLVED]
    if found.empty or not found["n"].isna().all():
        return nothing(phrase("No claim of unknown size is left to show an interval for"))
    share = float(found["value"].iloc[0])
    low, high = plausible_n(str(found["base"].iloc[0]), n_low=n_low, n_high=n_high)
    sizes = interval_over_n(share, n_low=low, n_high=high, confidence=confidence)
    wide, narrow = (format_interval(row.lower, row.upper, "share") for row in sizes.iloc[[0, -1]].itertuples())
    fewest, most = (format_value(n, "count") for n in (low, high))
    told, asked = as_printed(share), format_value(n_low, "count")
    if low < n_low:
        finding = phrase(
            "'{share}' means {wide} if {asked} were asked, {fewest} of them this",
            share=told, wide=wide, asked=asked, fewest=fewest,
        )  # fmt: skip
    else:
        finding = phrase("'{share}' means {wide} if {asked} were asked", share=told, wide=wide, asked=asked)
    return Exhibit(
        finding=finding,
        subtitle=phrase("Rang a call centre about a website problem and still had it; United States 2008, n not published"),
        description=phrase(
            "The interval narrows from {wide} at {fewest} people to {narrow} at {most}.",
            wide=wide, fewest=fewest, narrow=narrow, most=most,
        ),
        kind="quoted",
        table=sizes,
        shown=sizes.iloc[[0, len(sizes) // 2, -1]],
        units={"lower": "share", "upper": "share"},
        draw=functools.partial(figures.plot_interval_over_n, sizes, share=share),
    )  # fmt: skip


def contradictions(claims: pd.DataFrame, calibration: pd.DataFrame) -> Exhibit:
    """Independent findings that contradict a claim, each with its study and how far it can be relied on."""
    beside = _beside(claims, calibration)
    against = beside[beside["stance"] == "contradicts"]
    if against.empty:
        return nothing(phrase("No independent finding contradicts a claim"))
    return Exhibit(
        finding=phrase("{n} claims are contradicted by at least one finding", n=str(against["claim_id"].nunique())),
        caption=phrase("Findings that contradict a claim"),
        kind="quoted",
        table=against,
        shown=against[["claim", "finding", "study"]],
    )


def supporting_findings(claims: pd.DataFrame, calibration: pd.DataFrame) -> Exhibit:
    """Independent findings that support a claim, give it a size or qualify it."""
    beside = _beside(claims, calibration)
    rest = beside[beside["stance"] != "contradicts"]
    if rest.empty:
        return nothing(phrase("No independent finding supports or qualifies a claim"))
    against = beside.loc[beside["stance"] == "contradicts", "claim_id"]
    counts = {
        "against": str(against.nunique()), "rest": str(rest["claim_id"].nunique()), "all": str(beside["calibration_id"].nunique()),
    }  # fmt: skip
    if set(against) & set(rest["claim_id"]):
        says = phrase(
            "{against} claims are contradicted by at least one finding. {rest} are supported, given a size or qualified; one claim "
            "can be both, as some are. All {all} findings are here.",
            **counts,
        )
    else:
        says = phrase(
            "{against} claims are contradicted by at least one finding. {rest} are supported, given a size or qualified; one claim "
            "can be both, though none is. All {all} findings are here.",
            **counts,
        )
    return Exhibit(
        finding=phrase("{n} claims are supported, given a size or qualified", n=counts["rest"]),
        says=says,
        caption=phrase("Findings that support or qualify a claim"),
        kind="quoted",
        table=rest,
        shown=rest[["claim", "stance", "finding", "study"]],
    )


def _beside(claims: pd.DataFrame, calibration: pd.DataFrame) -> pd.DataFrame:
    beside = counter_evidence(claims, calibration)

    def study(row: Any) -> str:
        sure = phrase(f"{row.confidence} confidence")
        if pd.isna(row.n):
            return f"{row.source} ({sure})"
        return f"{row.source} ({sure}, n {format_value(row.n, 'count')})"

    return beside.assign(
        claim=beside["claim_id"] + ". " + beside["claim"], study=[study(row) for row in beside.itertuples()]
    )


def open_conflicts(conflicts: pd.DataFrame) -> Exhibit:
    """Where two texts disagree and nothing at hand settles it: both readings, and what would settle it."""
    if conflicts.empty:
        return nothing(phrase("No two texts disagree on what a survey found"))
    return Exhibit(
        finding=phrase("{n} conflicts between texts cannot be decided", n=str(len(conflicts))),
        caption=phrase("Conflicts left open"),
        kind="quoted",
        table=conflicts,
        shown=conflicts[["question", "one_reading", "other_reading", "would_settle"]],
    )


def register_by_document(claims: pd.DataFrame, documents: pd.DataFrame, bases: pd.DataFrame) -> Exhibits:
    """Every claim with its verdict, article by article: numbers first, then how things are said to work."""
    shown = []
    for document in documents.itertuples():
        about = phrase(
            "{author}; date: {published}. Built on {built_on}.",
            author=document.author, published=document.published, built_on=document.built_on,
        )  # fmt: skip
        lead = f"### {document.title}\n\n{about} {document.limits}"
        of_it = claims[claims["source_file"] == document.source_file]
        if of_it.empty:
            shown.append(Exhibit(finding=phrase("{title}: no claim", title=document.title), says=lead, kind="quoted"))
        for kind, caption, kept in (
            (
                "numeric",
                phrase("Numbers in: {title}", title=document.title),
                ["claim", "published", "of_whom", "n", "verdict"],
            ),
            ("mechanism", phrase("How things work in: {title}", title=document.title), ["claim", "verdict"]),
        ):
            rows = of_it[of_it["kind"] == kind]
            if len(rows):
                finding, table = (
                    phrase("{caption} ({n} claims)", caption=caption, n=str(len(rows))),
                    register_table(rows, bases),
                )
                shown.append(
                    Exhibit(
                        finding=finding, says=lead, caption=caption, kind="quoted", table=table, shown=_as_read(rows, table)[kept]
                    )
                )  # fmt: skip
                lead = ""
    return Exhibits(shown or [nothing(phrase("The register names no article"))])


def _as_read(rows: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The register's rows (``evidence.register_table``) with what is ours in them in the language of the report."""
    unknown = load_words()["numbers"]["not_known"]
    carried = [
        "" if not by else " " + phrase("Carried by {what}.", what=by) if by.startswith("nothing") else " " + phrase("Carried by: {what}.", what=by)
        for by in rows["carried_by"]
    ]  # fmt: skip
    return table.assign(
        published=[
            as_printed(row.value, row.unit, rounding=row.rounding, second=row.second_value, how=row.comparator)
            for row in rows.itertuples()
        ],
        n=[format_value(row.n, "count") if not pd.isna(row.n) else unknown if row.survey else "" for row in rows.itertuples()],
        verdict=[
            f"{phrase(row.verdict.capitalize())}. {row.reason}{by}" for row, by in zip(rows.itertuples(), carried, strict=True)
        ],
    )  # fmt: skip
