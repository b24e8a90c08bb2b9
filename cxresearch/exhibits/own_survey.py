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
from cxresearch.style import format_interval, format_value
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
        return Exhibits([nothing("No item of your own survey is set beside a cited claim")])
    kind = _kind(respondents)
    shares = share_table(respondents, list(items), weight=weight or None, **design)
    whose = "SIMULATED respondents" if kind == "SIMULATED" else people or "own respondents"
    shares = shares.assign(claim_id=list(items.values()), base=whose)
    wording = bases.set_index("base")["wording"]
    beside = compare(shares, claims.assign(base=claims["base"].map(wording)))
    called = [(labels or {}).get(item, item.replace("_", " ")) for item in items]
    beside = beside.assign(answer=called)
    widest = beside.loc[beside["difference"].abs().idxmax()]
    finding = (
        f"The widest gap to a cited share is {format_value(abs(widest['difference']), 'points')} ({widest['claim_id']})"
    )
    columns = ["answer", "claim_id", "own", "own_lower", "own_upper", "cited", "difference", "lower", "upper"]
    table = Exhibit(
        finding=finding,
        caption="Own shares beside the cited ones",
        kind=kind,
        table=beside,
        shown=beside[columns],
        units={"own": "share", "cited": "share", "difference": "points", "lower": "points", "upper": "points"},
    )
    says = "\n".join(
        f"- {literal(answer)}. {sentence}" for answer, sentence in zip(called, beside["sentence"], strict=True)
    )
    return Exhibits([table, Exhibit(finding=finding, says=says, kind=kind)])


def raked_shares(
    respondents: pd.DataFrame, claims: pd.DataFrame, *, items: Mapping[str, str], weight: str = ""
) -> Exhibit:
    """Each share again, with the respondents weighted to what was published of the other items.

    A gap that this closes came from the mix of respondents; one that it leaves open did not. Respondents who left an
    item out are left out. Table: ``item``, ``own_share``, ``raked_share`` with ``lower`` and ``upper``, ``cited_share``,
    ``lightest`` and ``heaviest`` (raked weights, 1 on average where the starting weights are).
    """
    if len(items) < 2:
        return nothing("One item alone has no others that respondents could be weighted to")
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
        return nothing(f"These respondents cannot be weighted to the published shares: {refused}")
    table = pd.DataFrame(rows)
    moved = format_value((table["raked_share"] - table["own_share"]).abs().max(), "points")
    asked = f"{format_value(len(answered), 'count')} respondents who answered all {len(items)} items"
    weighed = format_interval(table["lightest"].min(), table["heaviest"].max())
    kind = _kind(respondents)
    them = "SIMULATED respondents" if kind == "SIMULATED" else "respondents"
    finding = f"Weighted to the published shares of the other items, no share moves by more than {moved}"
    return Exhibit(
        finding=finding,
        says=f"{finding}: the mix of {them} explains that much of the gaps and no more. The weights run from {weighed}.",
        caption=f"Own shares, weighted to what was published of the other items; {asked}",
        kind=kind,
        table=table,
    )


def used_together(respondents: pd.DataFrame, margins: Mapping[str, float]) -> Exhibit:
    """How many did both of the first two items, and what the published margins allow.

    ``margins`` are published shares by item and by expression over items, as in ``evidence.joint_range``.
    """
    items = [name for name in margins if name.isidentifier()]
    if len(items) < 2:
        return nothing("One item alone was not done together with another")
    first, second = items[:2]
    answered = respondents.dropna(subset=[first, second])
    if answered.empty:
        return nothing("No respondent answered both of the first two items")
    try:
        ends = joint_range(margins, f"{first} & {second}")
    except InfeasibleMargins as refused:
        return nothing(f"What was published leaves no range: {refused}")
    together = answered.assign(together=(answered[[first, second]] == 1).all(axis=1))
    both = weighted_share(together, "together").iloc[0]
    share, allowed = format_value(both["estimate"], "share"), format_interval(*ends, "share")
    did = f"did both *{first.replace('_', ' ')}* and *{second.replace('_', ' ')}*"
    kind = _kind(respondents)
    if kind == "SIMULATED":
        says = (
            f"What the rehearsal is not: of the SIMULATED respondents {share} {did}. No survey said so. The published "
            f"shares allow anything from {allowed}; the simulation reproduces those shares and nothing more."
        )
    else:
        interval = format_interval(both["lower"], both["upper"], "share")
        says = (
            f"What no cited survey printed: of your own respondents {share} ({interval}, unweighted) {did}. The published "
            f"shares allow anything from {allowed}."
        )
    return Exhibit(
        finding=f"{share} {did.replace('*', '')}; the published shares allow {allowed}",
        says=says,
        kind=kind,
        table=pd.DataFrame([both]).assign(allowed_lower=ends[0], allowed_upper=ends[1]),
        shown=pd.DataFrame(),
    )


def _kind(respondents: pd.DataFrame) -> str:
    return "SIMULATED" if "simulated" in respondents else "estimated"
