"""A survey of your own and nothing else: who answered, what they said, the same weighted to everybody, and groups compared.

``survey`` is what ``survey.read_survey`` gives. ``design`` names columns of its file as :func:`survey.weighted_share` does:
``weight``, ``strata``, ``cluster``, ``population``, and ``by``, the groups to compare; empty: none. Where the file has the
column ``simulated`` every exhibit is marked SIMULATED.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd
from statsmodels.stats.multitest import multipletests

from cxresearch import figures
from cxresearch.evidence import load_claims, load_evidence
from cxresearch.exhibits.exhibit import Exhibit, Exhibits, nothing
from cxresearch.exhibits.own_survey import own_beside_cited
from cxresearch.exhibits.show import headline_bundle, literal, points_bundle
from cxresearch.style import format_interval, format_value, phrase, retold
from cxresearch.survey import Survey, as_word, counted, difference_table, looks_like_weight, share_table, slug

SMALLEST_GROUP = 5
MOST_GROUPS = 12
MOST_QUESTIONS = 12
MOST_HEADLINES = 6
NOT_SAID = "not said"
SURE, UNSURE = "differs", "cannot be told apart"
_GROUP = "\ngroup"  # no column of a file is called so
UNITS = {"design_effect": "number"}
# Remarks on rows with a name of the file in them (``survey.read_survey``).
_REMARKS = (
    "kept, though the survey was not finished; what is empty there was not asked",
    "kept, but {name} stands in another row, too, with other answers",
    "lines above the header, left out",
)


def check_survey(survey: Survey, **design: str) -> pd.DataFrame:
    """Work out every number of a report once; returns :func:`share_rows`, or raises ValueError with a sentence."""
    if survey.kept < 2:
        raise ValueError(f"{survey.file}: one respondent has answered; a share with an interval needs two.")
    shares = share_rows(survey, design)
    survey_raked(survey, **design)
    survey_groups(survey, **design)
    survey_beside_cited(survey, load_claims(), load_evidence("bases"), **design)
    return shares


def share_rows(survey: Survey, design: Mapping[str, str], *, raked: bool = False) -> pd.DataFrame:
    """The share of each item: ``item, question, answer, n, share, lower, upper, design_effect``; ``raked`` to its targets.

    Respondents who left out a column of the targets are left out of a raked share.
    """
    responses, given = _drawn(survey, design, raked=raked)
    columns = [item.column for item in survey.items]
    table = share_table(responses, columns, **given).rename(columns={"estimate": "share"})
    table["question"], table["answer"] = [i.question for i in survey.items], [i.label for i in survey.items]
    return table[["item", "question", "answer", "n", "share", "lower", "upper", "design_effect"]].astype({"n": int})


def _drawn(survey: Survey, design: Mapping[str, str], *, raked: bool = False) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The respondents, and the design as the estimators take it, without ``by``."""
    given: dict[str, Any] = {name: survey.column(column) for name, column in design.items() if column and name != "by"}
    responses, targets = survey.responses, survey.mapping.targets
    if raked and targets:
        levels = {name: _spelled(responses[name], of) for name, of in targets.items()}
        responses = responses.assign(**levels).dropna(subset=list(targets))
        given["targets"] = targets
    return responses, given


def _spelled(cells: pd.Series, known: Collection[str] = ()) -> pd.Series:
    """Cells as words, where those that differ in case alone are one: as in ``known``, else as most cells have it."""
    if len({word.casefold() for word in known}) < len(known):
        return cells.map(as_word, na_action="ignore")  # it is said that they are two
    words = {word.casefold(): word for word in [*counted(cells.dropna()), *known]}
    return cells.map(lambda cell: words[as_word(cell).casefold()], na_action="ignore")


def survey_account(survey: Survey, **design: str) -> Exhibits:
    """How many rows are respondents, why the others are not, and what the file asks."""
    drawn = {column.casefold() for name, column in design.items() if name != "by"}
    asked = [q for q in survey.questions if not {column.casefold() for column in q.columns} & drawn]
    kept, held = _people(survey), format_value(survey.read, "count")
    file = (
        phrase("The file is an export of {tool}; it holds {rows} rows.", tool=survey.tool, rows=held)
        if survey.tool
        else phrase("The file is a table; it holds {rows} rows.", rows=held)
    )
    says = [f"{kept}. {file}"]
    says += [
        "- " + phrase("{rows} set aside: {reason}.", rows=format_value(rows, "count"), reason=phrase(reason))
        for reason, rows in survey.set_aside.items()
    ]
    says += [
        "- " + phrase("{rows} {remark}.", rows=format_value(rows, "count"), remark=retold(remark, *_REMARKS))
        for remark, rows in survey.repaired.items()
    ]
    for why in dict.fromkeys(survey.dropped.values()):
        names = ", ".join(_plain(name) for name, reason in survey.dropped.items() if reason == why)
        says.append("- " + phrase("Not carried on ({why}): {names}.", why=phrase(why), names=names))
    rows = [
        {"question": _short(q.text), "kind": q.kind, "asked": q.asked, "answered": q.answered, "written_in": q.other}
        for q in asked
    ]
    if not design.get("weight"):
        says += [
            "- " + phrase("{name} looks like a weight, and nothing here is weighted: survey_weight names it.", name=_plain(name))
            for name in survey.responses.columns if looks_like_weight(survey.responses[name])
        ]  # fmt: skip
    shown = {item.question for item in survey.items}
    if silent := [q.text for q in asked if q.text not in shown and not survey.mapping.items]:
        names = ", ".join(map(_plain, silent))
        says.append("- " + phrase("No share is told of {names}: it is not said which answers count.", names=names))
    table = pd.DataFrame(rows).astype({"asked": "Int64"})
    kind = _kind(survey)
    return Exhibits([
        Exhibit(finding=kept, says="\n".join([says[0], "", *says[1:]]), kind=kind),
        Exhibit(finding=kept, caption=phrase("What was asked, and how many answered or ticked anything"), kind=kind, table=table),
    ])  # fmt: skip


def survey_headlines(survey: Survey, **design: str) -> Exhibits:
    """The number of respondents and the first shares, recorded as headlines, and the main points."""
    kind, rows = _kind(survey), share_rows(survey, design)
    count: dict[str, Any] = {
        "name": "respondents", "label": phrase("Respondents"), "value": survey.kept, "lower": None, "upper": None, "unit": "count", "kind": kind,
        "better": None, "n": survey.kept, "base": phrase("rows of the file that are respondents"), "note": phrase("counted"), "change": None,
    }  # fmt: skip
    bundles, points = [headline_bundle(**count)], [_counted(survey)]
    for name, row in zip(_names(rows["item"]), rows.head(MOST_HEADLINES).to_dict("records"), strict=False):
        known = not math.isnan(row["lower"])
        bundles.append(headline_bundle(
            name=name, label=_short(_called(row), 60), value=row["share"], lower=row["lower"], upper=row["upper"], unit="share", kind=kind,
            better=None, n=row["n"], base=phrase("respondents asked: {question}", question=row["question"]),
            note="" if known else phrase("one respondent has no interval"), change=None,
        ))  # fmt: skip
        points.append((f"{_short(_called(row), 60)}: {format_value(row['share'], 'share')}.", f"{_sure(row)}."))
    return Exhibits([
        Exhibit(finding=phrase("{n} headlines", n=str(len(bundles))), kind=kind, ready=tuple(bundles)),
        Exhibit(finding=points[0][0], kind=kind, ready=(points_bundle(points),)),
    ])  # fmt: skip


def _counted(survey: Survey) -> tuple[str, str]:
    aside = survey.read - survey.kept
    why = "; ".join(f"{format_value(rows, 'count')}: {phrase(reason)}" for reason, rows in survey.set_aside.items())
    told = {"read": format_value(survey.read, "count"), "aside": format_value(aside, "count"), "why": why}
    if not aside:
        said = phrase("Of {read} rows read none was set aside.", read=told["read"])
    elif aside == 1:
        said = phrase("Of {read} rows read {aside} was set aside ({why}).", **told)
    else:
        said = phrase("Of {read} rows read {aside} were set aside ({why}).", **told)
    return f"{_people(survey)}.", said


def survey_shares(survey: Survey, **design: str) -> Exhibits:
    """The share of each answer with its interval, a figure a question; questions of one counted answer share a figure."""
    rows, kind = share_rows(survey, design), _kind(survey)
    questions = list(dict.fromkeys(rows["question"]))
    alone = [q for q in questions if (rows["question"] == q).sum() == 1]
    shown = [q for q in questions if q not in alone][:MOST_QUESTIONS]
    exhibits = []
    if alone:
        part = rows[rows["question"].isin(alone)]
        exhibits.append(
            _figure(
                part, [_called(row) for row in part.to_dict("records")], phrase("Share of those asked"), design, kind
            )
        )
    for question in shown:
        part = rows[rows["question"] == question]
        exhibits.append(_figure(part, list(part["answer"]), _short(question), design, kind))
    if more := len(questions) - len(alone) - len(shown):
        left = rows[~rows["question"].isin([*alone, *shown])]
        caption = phrase("The answers to {more} more questions", more=str(more))
        exhibits.append(Exhibit(finding=caption, kind=kind, table=left.drop(columns="item"), units=UNITS))
    return Exhibits(exhibits)


def _figure(rows: pd.DataFrame, labels: Sequence[str], question: str, design: Mapping[str, str], kind: str) -> Exhibit:
    top = rows.loc[rows["share"].idxmax()].to_dict()
    ends = sorted({format_value(n, "count") for n in (rows["n"].min(), rows["n"].max())}, key=len)
    least = rows.loc[rows["share"].idxmin()].to_dict()
    most = f"{format_value(top['share'], 'share')}"
    if len(rows) == 1:
        finding = f"{_short(_called(top), 70)}: {most}"
    elif len(rows["question"].unique()) == 1:
        finding = phrase("Most often: {answer}, {share}", answer=_short(phrase(top["answer"]), 60), share=most)
    else:
        finding = phrase(
            "From {less} ({lowest}) to {more} ({highest})",
            less=format_value(least["share"], "share"), lowest=_short(_called(least), 40), more=most, highest=_short(_called(top), 40),
        )  # fmt: skip
    labels = [phrase(label) for label in labels]
    words = [f"{label}: {format_value(share, 'share')}" for label, share in zip(labels, rows["share"], strict=True)]
    asked = ends[0] if len(ends) == 1 else format_interval(rows["n"].min(), rows["n"].max(), "count")
    subtitle = (
        phrase("{question}; {asked} respondents asked, weighted; 95 % intervals", question=question, asked=asked)
        if design.get("weight")
        else phrase("{question}; {asked} respondents asked; 95 % intervals", question=question, asked=asked)
    )
    return Exhibit(
        finding=finding, subtitle=subtitle, kind=kind, table=rows, shown=rows.drop(columns="item"),
        draw=functools.partial(
            figures.plot_dots, rows.assign(estimate=rows["share"], label=[_short(label, 60) for label in labels]),
            measure=phrase("Share of those asked"),
        ),
        description=f"{finding}. {'; '.join(words)}.", caption=question, units=UNITS,
    )  # fmt: skip


def survey_raked(survey: Survey, **design: str) -> Exhibit:
    """Each share again, with respondents weighted to what is known of everybody (``[survey] targets``)."""
    targets = survey.mapping.targets
    if not targets:
        return nothing(phrase("Nothing was said of everybody, so no share is weighted to it"))
    known = _of_columns(survey, list(targets))
    plain, raked = (_without(share_rows(survey, design, raked=one), known) for one in (False, True))
    if plain.empty:
        return nothing(phrase("Every answer is known of everybody, so none is weighted"))
    table = plain[["question", "answer"]].assign(
        own_share=plain["share"], weighted_share=raked["share"], lower=raked["lower"], upper=raked["upper"], n=raked["n"],
        design_effect=raked["design_effect"],
    )  # fmt: skip
    widest = table.loc[(table["weighted_share"] - table["own_share"]).abs().idxmax()]
    moved = format_value(abs(widest["weighted_share"] - widest["own_share"]), "points")
    lost = survey.kept - len(_drawn(survey, design, raked=True)[0])
    columns = ", ".join(map(_plain, targets))
    finding = phrase("Weighted to everybody, no share moves by more than {moved}", moved=moved)
    says = [f"{finding}.", phrase("The weights make {columns} what it is among everybody.", columns=columns)]
    if lost:
        says.append(phrase("{n} respondents who did not say are left out.", n=format_value(lost, "count")))
    says.append(phrase("What these do not explain stays: volunteers become no random sample."))
    return Exhibit(
        finding=finding, kind=_kind(survey), table=table, units=UNITS, says=" ".join(says),
        caption=phrase("Shares as they are, and weighted by {columns}", columns=columns),
    )  # fmt: skip


def survey_groups(survey: Survey, **design: str) -> Exhibit:
    """The share of each answer by group, and whether a group differs from all the others.

    Verdicts are Holm-corrected over all comparisons; two groups beside each other are one. Groups of fewer than 5
    respondents are not shown apart, nor as all the others; they count among the others.
    """
    by = design.get("by", "")
    if not by:
        return nothing(phrase("No groups were named, so none are compared"))
    responses, given = _drawn(survey, design)
    by = survey.column(by)
    responses = _with_groups(responses, by)
    sizes = responses[_GROUP].value_counts()
    if len(sizes) < 2:
        return nothing(phrase("All respondents are of one group of {by}, so nothing is compared", by=by))
    if len(sizes) > MOST_GROUPS:
        raise ValueError(
            f"survey_by: {by!r} has {len(sizes)} groups; a page compares {MOST_GROUPS} at most. Join some in a new column."
        )
    own = _of_columns(survey, [by])
    items = {item.column: item for item in survey.items if item.question not in own}
    table = difference_table(responses, list(items), by=_GROUP, **given)
    if table.empty:
        return nothing(phrase("No answer was given by two groups of {by}, so none are compared", by=by))
    # Of two groups the second row says the same as the first one, from the other side.
    table["again"] = table.duplicated("item") & (table.groupby("item")["item"].transform("size") == 2)
    table = table[(table["n"] >= SMALLEST_GROUP) & (table["others_n"] >= SMALLEST_GROUP)].reset_index(drop=True)
    if table.empty:
        return nothing(
            phrase(
                "No group of {by} has {smallest} respondents and as many others beside it, so none are compared",
                by=by, smallest=str(SMALLEST_GROUP),
            )
        )  # fmt: skip
    table["question"], table["answer"] = (
        [getattr(items[one], part) for one in table["item"]] for part in ("question", "label")
    )
    table = table.rename(columns={_GROUP: "group", "estimate": "share", "others": "share_of_the_others"})
    table["verdict"] = _verdicts(table)
    told = table[~table["again"]]
    table = table[
        ["question", "answer", "group", "n", "share", "share_of_the_others", "difference", "lower", "upper", "verdict"]
    ]
    small = sizes[sizes < SMALLEST_GROUP]
    sure = told[told["verdict"] == SURE]
    finding = phrase("No group can be told apart from the others")
    if len(sure):
        top = sure.loc[sure["difference"].abs().idxmax()].to_dict()
        finding = phrase(
            "{group} differs most: {answer}, {share} and {others} of the others",
            group=_plain(phrase(top["group"])), answer=_short(_called(top), 60), share=format_value(top["share"], "share"),
            others=format_value(top["share_of_the_others"], "share"),
        )  # fmt: skip
    can = phrase(
        "{sure} of {all} comparisons can be told, corrected for their number.", sure=str(len(sure)), all=str(len(told))
    )
    says = f"{finding}. {can}"
    if len(small):
        groups = ", ".join(_plain(phrase(group)) for group in small.index)
        says += " " + phrase(
            "Groups of fewer than {smallest} are not shown apart: {groups}.",
            smallest=str(SMALLEST_GROUP),
            groups=groups,
        )
    return Exhibit(
        finding=finding, kind=_kind(survey), table=table, says=says,
        caption=phrase("Groups of {by}, each beside all the others", by=by),
        units={"difference": "points", "lower": "points", "upper": "points"},
    )  # fmt: skip


def _with_groups(responses: pd.DataFrame, by: str) -> pd.DataFrame:
    """The responses with the groups in a column of their own, whatever the file calls it."""
    return responses.assign(**{_GROUP: _spelled(responses[by]).fillna(NOT_SAID)})


def _of_columns(survey: Survey, columns: Sequence[str]) -> set[str]:
    """The questions that these columns hold: of them nothing is weighted, or compared, by themselves."""
    folded = {column.casefold() for column in columns}
    return {q.text for q in survey.questions if folded & {column.casefold() for column in (q.name, *q.columns)}}


def _without(rows: pd.DataFrame, questions: set[str]) -> pd.DataFrame:
    return rows[~rows["question"].isin(questions)].reset_index(drop=True)


def _verdicts(table: pd.DataFrame) -> list[str]:
    """Told where both say so: the p-value, corrected for the number of comparisons, and the interval."""
    known = table["p_value"].notna() & ~table["again"]
    told = pd.Series(True, index=table.index)
    if known.any():
        told[known] = multipletests(table.loc[known, "p_value"], method="holm")[0]
    told = told.mask(table["again"], told.shift(fill_value=True))
    clear = (table["lower"] > 0) | (table["upper"] < 0)
    return [SURE if one else UNSURE for one in told & clear]


def survey_beside_cited(survey: Survey, claims: pd.DataFrame, bases: pd.DataFrame, **design: str) -> Exhibits:
    """The items with a claim, each beside the cited share; an item without an interval is left out."""
    if not any(item.claim for item in survey.items):
        return Exhibits([nothing(phrase("No answer is set beside a cited claim"))])
    shares = claims.loc[claims["unit"] == "share", "claim_id"]
    if unknown := sorted({item.claim for item in survey.items} - {"", *shares}):
        raise ValueError(f"no share was published for {unknown}; see the column claim_id of data/evidence/claims.csv.")
    known = share_rows(survey, design).set_index("item")["lower"].notna()
    items = {item.column: item.claim for item in survey.items if item.claim and known[item.column]}
    labels = {item.column: item.label for item in survey.items}
    responses, given = _drawn(survey, design)
    return own_beside_cited(responses, claims, bases, items=items, people=survey.mapping.people, labels=labels, **given)


def _kind(survey: Survey) -> str:
    return "SIMULATED" if survey.simulated else "estimated"


def _called(row: dict[Any, Any]) -> str:
    """What was counted, in words: the answer to its question."""
    question = _short(row["question"])
    return f"{question}{' ' if question.endswith('?') else ': '}{phrase(row['answer'])}"


def _sure(row: dict[str, Any]) -> str:
    n = format_value(row["n"], "count")
    if math.isnan(row["lower"]):
        return phrase("Of {n} asked; too few for an interval", n=n)
    return phrase("{interval}, of {n} asked", interval=format_interval(row["lower"], row["upper"], "share"), n=n)


def _names(items: pd.Series) -> list[str]:
    """A headline's name of each item: an identifier, none twice."""
    names: list[str] = []
    for item in items:
        name = slug(str(item))
        names.append(name if name not in (*names, "respondents") else f"{name}_{len(names) + 1}")
    return names


def _short(text: str, most: int = 80) -> str:
    text = " ".join(str(text).split())
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _plain(name: Any) -> str:
    """A name of the file as prose."""
    return literal(_short(name, 60))


def _people(survey: Survey) -> str:
    n = format_value(survey.kept, "count")
    return phrase("{n} person answered", n=n) if survey.kept == 1 else phrase("{n} people answered", n=n)
