"""Your own respondents beside the cited ones: their shares, the same with raked weights, and what they did together.

``respondents`` has one row a person and a 0/1 column an item; where it has the column ``simulated`` every exhibit is
marked SIMULATED. ``items`` leads from such a column to the claim that it stands beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cxresearch.evidence import InfeasibleMargins, joint_range
from cxresearch.exhibits.exhibit import Exhibit, Exhibits, nothing
from cxresearch.exhibits.show import literal
from cxresearch.style import format_interval, format_value, phrase
from cxresearch.survey import compare, rake, share_table, weighted_share


def own_beside_cited(
    respondents: pd.DataFrame, claims: pd.DataFrame, bases: pd.DataFrame, *, items: Mapping[str, str], weight: str = "",
    people: str = "", labels: Mapping[str, str] | None = None, **design: Any,
) -> Exhibits:  # fmt: skip
    """The share of each item among your own respondents beside the cited share, with their difference in points.

    ``weight`` is the respondents' column of weights; empty: all count alike. ``people`` says who they are, in words,
    ``labels`` what an item is called (its name where nothing is said); ``design`` is the rest of the sampling design, as
    in :func:`survey.weighted_share`.
    """
    if not items:
        return Exhibits([nothing(phrase("No item of your own survey is set beside a cited claim"))])
    kind = _kind(respondents)
    shares = share_table(respondents, list(items), weight=weight or None, **design)
    whose = "SIMULATED respondents" if kind == "SIMULATED" else people or "own respondents"
    shares = shares.assign(claim_id=list(items.values()), base=whose)
    wording = bases.set_index("base")["wording"]
    cited = claims.assign(base=claims["base"].map(wording))
    beside = compare(shares, cited)
    called = [(labels or {}).get(item, item.replace("_", " ")) for item in items]
    beside = beside.assign(answer=called)
    widest = beside.loc[beside["difference"].abs().idxmax()]
    finding = phrase(
        "The widest gap to a cited share is {gap} ({claim})",
        gap=format_value(abs(widest["difference"]), "points"), claim=widest["claim_id"],
    )  # fmt: skip
    columns = ["answer", "claim_id", "own", "own_lower", "own_upper", "cited", "difference", "lower", "upper"]
    table = Exhibit(
        finding=finding,
        caption=phrase("Own shares beside the cited ones"),
        kind=kind,
        table=beside,
        shown=beside[columns],
        units={"own": "share", "cited": "share", "difference": "points", "lower": "points", "upper": "points"},
    )
    of_whom = cited.set_index("claim_id")["base"].reindex(beside["claim_id"])
    says = "\n".join(
        f"- {literal(phrase(row['answer']))}. {_set_beside(row, whose, base)}"
        for row, base in zip(beside.to_dict("records"), of_whom, strict=True)
    )
    return Exhibits([table, Exhibit(finding=finding, says=says, kind=kind)])


def _set_beside(row: dict[Any, Any], whose: str, base: Any) -> str:
    """An own share beside the cited one, in words."""
    known = pd.notna(base) and bool(base)
    says = phrase(
        "Own survey: {own} ({interval}, n = {n}) of {base}.",
        own=format_value(row["own"], "share"), interval=format_interval(row["own_lower"], row["own_upper"], "share"),
        n=format_value(row["own_n"], "count"), base=phrase(whose),
    )  # fmt: skip
    told = {
        "cited": format_value(row["cited"], "share"),
        "base": phrase(str(base)) if known else phrase("a base not known"),
    }
    if pd.isna(row["cited_n"]):
        says += " " + phrase("Cited: {cited} (n not known) of {base}.", **told)
        inside = row["own_lower"] <= row["cited"] <= row["own_upper"]
        says += " " + (
            phrase("The source does not say how many were asked; the cited share lies inside the own interval.")
            if inside
            else phrase("The source does not say how many were asked; the cited share lies outside the own interval.")
        )
    else:
        says += " " + phrase("Cited: {cited} (n = {n}) of {base}.", n=format_value(row["cited_n"], "count"), **told)
        gap = {
            "gap": format_value(row["difference"], "points"), "interval": format_interval(row["lower"], row["upper"], "points"),
        }  # fmt: skip
        says += " " + (
            phrase("The difference is {gap} ({interval}): more than chance explains.", **gap)
            if row["lower"] > 0 or row["upper"] < 0
            else phrase("The difference is {gap} ({interval}): it cannot be told from none.", **gap)
        )
    if not known or str(base).strip().casefold() != whose.strip().casefold():
        says += " " + phrase("The two bases are worded differently: check that they mean the same people.")
    return says


def raked_shares(
    respondents: pd.DataFrame, claims: pd.DataFrame, *, items: Mapping[str, str], weight: str = ""
) -> Exhibit:
    """Each share again, with the respondents weighted to what was published of the other items.

    A gap that this closes came from the mix of respondents; one that it leaves open did not. Respondents who left an
    item out are left out. Table: ``item``, ``own_share``, ``raked_share`` with ``lower`` and ``upper``, ``cited_share``,
    ``lightest`` and ``heaviest`` (raked weights, 1 on average where the starting weights are).
    """
    if len(items) < 2:
        return nothing(phrase("One item alone has no others that respondents could be weighted to"))
    answered = respondents.dropna(subset=list(items))
    told = claims.set_index("claim_id")["value"]
    rows = []
    try:
        for item, claim in items.items():
            others = {name: {1: told[other], 0: 1 - told[other]} for name, other in items.items() if name != item}
            weights = rake(answered, others, weight=weight or None)
            raked = weighted_share(answered, item, weight=weight or None, targets=others).iloc[0]
            rows.append(
                {
                    "item": item.replace("_", " "),
                    "own_share": weighted_share(answered, item, weight=weight or None)["estimate"].iloc[0],
                    "raked_share": raked["estimate"],
                    "lower": raked["lower"],
                    "upper": raked["upper"],
                    "cited_share": told[claim],
                    "lightest": weights.min(),
                    "heaviest": weights.max(),
                }
            )
    except ValueError as refused:
        # Nobody, or everybody, ticked an item; or the margins cannot be met: the refusal says which and how many.
        return nothing(phrase("These respondents cannot be weighted to the published shares: {why}", why=str(refused)))
    table = pd.DataFrame(rows)
    moved = format_value((table["raked_share"] - table["own_share"]).abs().max(), "points")
    kind = _kind(respondents)
    finding = phrase(
        "Weighted to the published shares of the other items, no share moves by more than {moved}", moved=moved
    )
    mix = (
        phrase("the mix of SIMULATED respondents explains that much of the gaps and no more.")
        if kind == "SIMULATED"
        else phrase("the mix of respondents explains that much of the gaps and no more.")
    )
    weights = phrase(
        "The weights run from {weights}.", weights=format_interval(table["lightest"].min(), table["heaviest"].max())
    )
    return Exhibit(
        finding=finding,
        says=f"{finding}: {mix} {weights}",
        caption=phrase(
            "Own shares, weighted to what was published of the other items; {n} respondents who answered all {items} items",
            n=format_value(len(answered), "count"), items=str(len(items)),
        ),
        kind=kind,
        table=table,
    )  # fmt: skip


def used_together(respondents: pd.DataFrame, margins: Mapping[str, float]) -> Exhibit:
    """How many did both of the first two items, and what the published margins allow.

    ``margins`` are published shares by item and by expression over items, as in ``evidence.joint_range``.
    """
    items = [name for name in margins if name.isidentifier()]
    if len(items) < 2:
        return nothing(phrase("One item alone was not done together with another"))
    first, second = items[:2]
    answered = respondents.dropna(subset=[first, second])
    if answered.empty:
        return nothing(phrase("No respondent answered both of the first two items"))
    try:
        ends = joint_range(margins, f"{first} & {second}")
    except InfeasibleMargins as refused:
        return nothing(phrase("What was published leaves no range: {why}", why=str(refused)))
    together = answered.assign(together=(answered[[first, second]] == 1).all(axis=1))
    both = weighted_share(together, "together").iloc[0]
    share, allowed = format_value(both["estimate"], "share"), format_interval(*ends, "share")
    told = {
        "share": share,
        "first": phrase(first.replace("_", " ")),
        "second": phrase(second.replace("_", " ")),
        "allowed": allowed,
    }
    kind = _kind(respondents)
    if kind == "SIMULATED":
        says = phrase(
            "What the rehearsal is not: of the SIMULATED respondents {share} did both *{first}* and *{second}*. No survey said so. "
            "The published shares allow anything from {allowed}; the simulation reproduces those shares and nothing more.",
            **told,
        )
    else:
        says = phrase(
            "What no cited survey printed: of your own respondents {share} ({interval}, unweighted) did both *{first}* and "
            "*{second}*. The published shares allow anything from {allowed}.",
            interval=format_interval(both["lower"], both["upper"], "share"), **told,
        )  # fmt: skip
    return Exhibit(
        finding=phrase("{share} did both {first} and {second}; the published shares allow {allowed}", **told),
        says=says,
        kind=kind,
        table=pd.DataFrame([both]).assign(allowed_lower=ends[0], allowed_upper=ends[1]),
        shown=pd.DataFrame(),
    )


def _kind(respondents: pd.DataFrame) -> str:
    return "SIMULATED" if "simulated" in respondents else "estimated"
