"""What the articles claim and what the surveys found: the register of cited findings.

Each exhibit takes tables of the register (``evidence.load_claims``, ``load_evidence``, ``load_calibration``). ``n_low``
and ``n_high`` are the fewest and the most people that a survey of unknown size is taken to have asked; ``confidence`` is
that of the intervals, a share.
"""

from __future__ import annotations

import dataclasses
import functools

import pandas as pd

from cxresearch import figures
from cxresearch.evidence import (
    add_intervals,
    counter_evidence,
    interval_over_n,
    plausible_n,
    register_table,
    value_text,
)
from cxresearch.exhibits.exhibit import Exhibit, Exhibits, nothing
from cxresearch.exhibits.show import headline_bundle
from cxresearch.style import format_interval, format_value

VERDICTS = ("reproduced", "corrected", "bounded", "conflicting", "untraceable")

# Articles with shares enough for a figure of their own: file -> name, what its numbers are, place and people.
_OWN_FIGURE = {
    "000_6b3b2425cb652541.txt": (
        "Frustrated shoppers",
        "famous numbers",
        "United States 2008; n unknown, taken as {unknown}",
    ),
    "003_bdb8d30d44a680c9.txt": (
        "Call-out culture",
        "numbers",
        "United States 2017; {asked} people asked, replies: one platform's clients",
    ),
}
_TOLD = ["label", "told_value", "value", "lower", "upper", "of_whom", "verdict"]
_UNSOLVED = "C000-04"  # rang a call centre and still had the problem: quoted often, of a survey of unknown size


def people(n_low: int, n_high: int) -> str:
    """How many an unknown number of people is taken to be: "500 to 3,000 people"."""
    return f"{format_interval(n_low, n_high, 'count')} people"


def percent(confidence: float) -> str:
    """A level of confidence with no more digits than it has: "95 %"."""
    return format_value(100 * confidence, "%")


def claims_by_verdict(claims: pd.DataFrame, documents: pd.DataFrame) -> Exhibit:
    """How many of the quoted numbers stand as told, and what became of the others."""
    numeric = claims[claims["kind"] == "numeric"]
    if numeric.empty:
        return nothing("The register holds no quoted number")
    tally = numeric["verdict"].value_counts().reindex(VERDICTS, fill_value=0)
    finding = f"Of {len(numeric)} quoted numbers, {tally['reproduced']} stand as told"
    return Exhibit(
        finding=finding,
        says=f"## {finding}\n\n"
        f"Another {tally['corrected']} are real but were told wrongly: another deed, another base, a rounding too far. "
        f"For {tally['bounded']} the published numbers leave a range, {tally['conflicting']} stand against another "
        f"source, and {tally['untraceable']} lead to no survey at all. The {len(documents)} articles make {len(claims)} "
        f"claims in all; the {len(claims) - len(numeric)} that are no numbers say how things work, and stand in the "
        "register at the end with what carries them in the later models, or why nothing can.",
        table=tally.rename("claims").rename_axis("verdict").reset_index(),
        shown=pd.DataFrame(),
        kind="quoted",
        ready=tuple(
            headline_bundle(
                name=name, label=label, value=value, lower=None, upper=None, unit="count", kind="quoted", better=None,
                n=len(numeric), base="quoted numbers of the register", note="counted in the register", change=None,
            )
            for name, label, value in (
                ("quoted_numbers", "Quoted numbers that were traced", len(numeric)),
                ("stand_as_told", "Quoted numbers that stand as told", int(tally["reproduced"])),
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
        return Exhibits([nothing("No article tells a share that its survey printed")])
    about = {file: rows.sort_values("value", ascending=False) for file, rows in told.groupby("source_file")}
    shown = []
    for file, (name, numbers, where) in _OWN_FIGURE.items():
        if file in about:
            rows = about.pop(file)
            wrong = int((rows["verdict"] != "reproduced").sum())
            place = where.format(unknown=people(n_low, n_high), asked=format_value(rows["n"].max(), "count"))
            finding = f"{name}: {wrong} of {len(rows)} {numbers} need a correction or a caution"
            shown.append(_told_shares(rows, finding, f"Share of each claim's own base, {place}"))
    if about:
        rows = pd.concat(about.values())
        fine = int((rows["verdict"] == "reproduced").sum())
        finding = f"Of the other {len(rows)} shares, {fine or 'none'} can be read as told"
        where = f"Share of each claim's own base; where n is unknown, {people(n_low, n_high)}"
        shown.append(_told_shares(rows, finding, where))
    key = (
        "In the figures a circle is the published share, a cross what the article made of it. The line is its "
        f"{percent(confidence)} interval. Where no text says how many were asked, the pale line is the interval for "
        f"{format_value(n_low, 'count')} people and the firm one that for {format_value(n_high, 'count')}. Of these "
        "only those in the claim's base count, where their share is known."
    )
    return Exhibits([dataclasses.replace(shown[0], says=key), *shown[1:]])


def _told_shares(rows: pd.DataFrame, finding: str, subtitle: str) -> Exhibit:
    return Exhibit(
        finding=finding,
        subtitle=subtitle,
        description="; ".join(f"{r.label}: {format_value(r.value, 'share')}, {r.verdict}" for r in rows.itertuples()),
        kind="quoted",
        table=rows,
        shown=rows[_TOLD],
        units={"told_value": "share", "value": "share"},
        draw=functools.partial(figures.plot_claims, rows),
    )


def corrected_sentences(corrections: pd.DataFrame) -> Exhibit:
    """The sentences that travel furthest, as they are told and as their survey found them."""
    famous = corrections[corrections["kind"] != "translation"]
    if famous.empty:
        return nothing("No quoted sentence needs a correction")
    return Exhibit(
        finding=f"{len(famous)} quoted sentences say something else than their surveys found",
        caption="What is told, and what the surveys say",
        kind="quoted",
        table=famous,
        shown=famous[["told", "found"]],
    )


def mistranslations(corrections: pd.DataFrame) -> Exhibit:
    """What a machine translation turned into another claim."""
    slips = corrections[corrections["kind"] == "translation"]
    if slips.empty:
        return nothing("No slip of a translation changes a claim")
    finding = f"{len(slips)} slips change the meaning"
    return Exhibit(
        finding=finding,
        says=f"{finding}. One turns a finding round: a brand that answers badly became a brand that does not answer.",
        caption="Mistranslations that change what is claimed",
        kind="quoted",
        table=slips,
        shown=slips[["told", "found"]],
    )


def interval_by_size(claims: pd.DataFrame, *, n_low: int, n_high: int, confidence: float) -> Exhibit:
    """The interval of one much quoted share for every number of people that may have been asked."""
    found = claims[claims["claim_id"] == _UNSOLVED]
    if found.empty or not found["n"].isna().all():
        return nothing("No claim of unknown size is left to show an interval for")
    share = float(found["value"].iloc[0])
    low, high = plausible_n(str(found["base"].iloc[0]), n_low=n_low, n_high=n_high)
    sizes = interval_over_n(share, n_low=low, n_high=high, confidence=confidence)
    wide, narrow = (format_interval(row.lower, row.upper, "share") for row in sizes.iloc[[0, -1]].itertuples())
    fewest, most = (format_value(n, "count") for n in (low, high))
    asked = f"{format_value(n_low, 'count')} were asked" + (f", {fewest} of them this" if low < n_low else "")
    return Exhibit(
        finding=f"'{value_text(share, 'share')}' means {wide} if {asked}",
        subtitle="Rang a call centre about a website problem and still had it; United States 2008, n not published",
        description=f"The interval narrows from {wide} at {fewest} people to {narrow} at {most}.",
        kind="quoted",
        table=sizes,
        shown=sizes.iloc[[0, len(sizes) // 2, -1]],
        units={"lower": "share", "upper": "share"},
        draw=functools.partial(figures.plot_interval_over_n, sizes, share=share),
    )


def contradictions(claims: pd.DataFrame, calibration: pd.DataFrame) -> Exhibit:
    """Independent findings that contradict a claim, each with its study and how far it can be relied on."""
    beside = _beside(claims, calibration)
    against = beside[beside["stance"] == "contradicts"]
    if against.empty:
        return nothing("No independent finding contradicts a claim")
    return Exhibit(
        finding=f"{against['claim_id'].nunique()} claims are contradicted by at least one finding",
        caption="Findings that contradict a claim",
        kind="quoted",
        table=against,
        shown=against[["claim", "finding", "study"]],
    )


def supporting_findings(claims: pd.DataFrame, calibration: pd.DataFrame) -> Exhibit:
    """Independent findings that support a claim, give it a size or qualify it."""
    beside = _beside(claims, calibration)
    rest = beside[beside["stance"] != "contradicts"]
    if rest.empty:
        return nothing("No independent finding supports or qualifies a claim")
    against = beside.loc[beside["stance"] == "contradicts", "claim_id"]
    both = ", as some are" if set(against) & set(rest["claim_id"]) else ", though none is"
    return Exhibit(
        finding=f"{rest['claim_id'].nunique()} claims are supported, given a size or qualified",
        says=f"{against.nunique()} claims are contradicted by at least one finding. {rest['claim_id'].nunique()} are "
        f"supported, given a size or qualified; one claim can be both{both}. All {beside['calibration_id'].nunique()} "
        "findings are here.",
        caption="Findings that support or qualify a claim",
        kind="quoted",
        table=rest,
        shown=rest[["claim", "stance", "finding", "study"]],
    )


def _beside(claims: pd.DataFrame, calibration: pd.DataFrame) -> pd.DataFrame:
    beside = counter_evidence(claims, calibration)
    size = beside["n"].map(lambda n: "" if pd.isna(n) else f", n {format_value(n, 'count')}")
    return beside.assign(
        claim=beside["claim_id"] + ". " + beside["claim"],
        study=beside["source"] + " (" + beside["confidence"] + " confidence" + size.astype(str) + ")",
    )


def open_conflicts(conflicts: pd.DataFrame) -> Exhibit:
    """Where two texts disagree and nothing at hand settles it: both readings, and what would settle it."""
    if conflicts.empty:
        return nothing("No two texts disagree on what a survey found")
    return Exhibit(
        finding=f"{len(conflicts)} conflicts between texts cannot be decided",
        caption="Conflicts left open",
        kind="quoted",
        table=conflicts,
        shown=conflicts[["question", "one_reading", "other_reading", "would_settle"]],
    )


def register_by_document(claims: pd.DataFrame, documents: pd.DataFrame, bases: pd.DataFrame) -> Exhibits:
    """Every claim with its verdict, article by article: numbers first, then how things are said to work."""
    shown = []
    for document in documents.itertuples():
        lead = (
            f"### {document.title}\n\n{document.author}; date: {document.published}. "
            f"Built on {document.built_on}. {document.limits}"
        )
        of_it = claims[claims["source_file"] == document.source_file]
        if of_it.empty:
            shown.append(Exhibit(finding=f"{document.title}: no claim", says=lead, kind="quoted"))
        for kind, told_as, kept in (
            ("numeric", "Numbers", ["claim", "published", "of_whom", "n", "verdict"]),
            ("mechanism", "How things work", ["claim", "verdict"]),
        ):
            rows = of_it[of_it["kind"] == kind]
            if len(rows):
                caption = f"{told_as} in: {document.title}"
                finding, table = f"{caption} ({len(rows)} claims)", register_table(rows, bases)
                shown.append(
                    Exhibit(
                        finding=finding, says=lead, caption=caption, kind="quoted", table=table, shown=table[kept]
                    )
                )  # fmt: skip
                lead = ""
    return Exhibits(shown or [nothing("The register names no article")])
