"""The register of assumptions: every number the model of talk uses, with its range, its kind and its origin.

The table stands in ``data/assumptions.csv``; what each column means stands in ``data/dictionary/assumptions.csv``.
No module of the model holds a number of its own. A number is called quoted where a survey printed it, what was traced of
the claim supports it, and it is said of the same people as the model says it; else it is assumed, whoever printed it.
"""

from __future__ import annotations

import difflib
import math
from importlib.resources.abc import Traversable
from pathlib import Path

import pandas as pd

from cxresearch import evidence

__all__ = ["DECISION", "ORIGINS", "AssumptionError", "assumption_values", "load_assumptions"]

ORIGINS = ("quoted", "literature", "assumed")
DECISION = "decision"  # the part that no model of talk uses: what actions rest on
# Of whom the model says each number that is asked of people, in the words of the bases of the evidence.
_SAID_OF = {
    "share_telling": "problem_havers",
    **{f"share_{how}": "sharers" for how in (
        "offline", "online", "company_site", "private", "review_site", "message_board", "social")},
    **{f"{case}_{what}": "internet_users_18_64" for case in ("ignored", "poor") for what in (
        "post_again", "other_channel", "forget", "tell_offline", "share_online", "boycott")},
    "good_response_post": "internet_users_18_64",
}  # fmt: skip


class AssumptionError(ValueError):
    """The register of assumptions, or a change to it, is not what it must be."""


def load_assumptions(path: Path | str = "", *, part: str = "") -> pd.DataFrame:
    """Load the register of assumptions and check it.

    Parameters
    ----------
    path : a CSV with the same columns, for a register of one's own; the package's if empty. A row of the package's
        register that it does not name is missing, and refused where the model needs it.
    part : of the model, such as "decision"; all of them if empty.

    Returns
    -------
    DataFrame, one row an assumption, in the order of the file
        ``name`` (identifier), ``part`` (of the model), ``label`` (in a few words), ``value``, ``low``, ``high``
        (the range that is plausible, or the interval of a quoted share), ``unit`` (a share is 0 to 1), ``kind``
        (quoted, literature or assumed), ``source`` (quoted: one name in the evidence, and after a semicolon what else
        widens the range; else names or a citation),
        ``how_to_measure`` (in one's own company).

    Raises AssumptionError (a ValueError) with every broken rule: columns, empty or repeated names, no numbers, a value
    outside its range, a share outside 0 to 1, an unknown kind, a quoted value that is not the one in the evidence, that a
    claim of doubtful origin prints (untraceable, conflicting), or that is said of other people than the model says it.
    """
    file: Traversable = Path(path) if path else evidence.DATA / "assumptions.csv"
    dictionary = evidence.read_texts(evidence.DATA / "dictionary" / "assumptions.csv")
    if not file.is_file():
        raise AssumptionError(f"{file} is not there; leave the path empty for the register of the workbook.")
    text = evidence.read_texts(file)
    columns = dictionary["column"].tolist()
    if list(text.columns) != columns:
        differing = sorted(set(text.columns) ^ set(columns)) or "their order"
        raise AssumptionError(f"{file}: columns and dictionary differ in {differing}.")
    register = text[text["part"] == part].reset_index(drop=True) if part else text.copy()
    for column in ("value", "low", "high"):
        register[column] = pd.to_numeric(register[column], errors="coerce").astype(float)
    problems = _problems(register, dictionary)
    if problems:
        raise AssumptionError(f"{file} breaks its rules: " + "; ".join(problems) + ".")
    return register


def assumption_values(register: pd.DataFrame, **changes: float) -> dict[str, float]:
    """The values of a register by name, some of them changed.

    Raises AssumptionError for a change of a name that is not in the register, or to no number.
    """
    values = {str(name): float(value) for name, value in zip(register["name"], register["value"], strict=True)}
    for name, value in changes.items():
        if name not in values:
            near = difflib.get_close_matches(name, values, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {sorted(values)}."
            raise AssumptionError(f"no assumption is called {name!r}{hint}")
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise AssumptionError(f"{name} should be a number; got {value!r}.")
        values[name] = float(value)
    return values


def _problems(register: pd.DataFrame, dictionary: pd.DataFrame) -> list[str]:
    rows, numbers = len(register), register[["value", "low", "high"]]
    shares = register["unit"] == "share"
    rules: dict[str, pd.Series] = {
        "value, low or high is no finite number": numbers.isna().any(axis=1) | numbers.abs().eq(math.inf).any(axis=1),
        "value is outside low to high": (numbers["low"] > numbers["value"]) | (numbers["value"] > numbers["high"]),
        "a number is below 0": numbers.lt(0).any(axis=1),
        "a share is not 0 to 1 (0.87, not 87)": shares & numbers.gt(1).any(axis=1),
        f"kind is none of {list(ORIGINS)}": ~register["kind"].isin(ORIGINS),
        "name repeats": register["name"].duplicated(),
        "name is no identifier": ~register["name"].map(str.isidentifier),
    }
    for column in dictionary.loc[dictionary["required"] == "yes", "column"]:
        if column not in numbers:
            rules[f"{column} is empty"] = register[column] == ""
    problems = [] if rows else ["it has no rows"]
    for says, broken in rules.items():
        if broken.any():
            problems.append(f"{says} in {broken.sum()} of {rows} rows, first {register.loc[broken, 'name'].iloc[0]!r}")
    return problems + _not_as_quoted(register[register["kind"] == "quoted"])


def _not_as_quoted(quoted: pd.DataFrame) -> list[str]:
    """Quoted rows whose number is not one of the evidence, is not supported there, or is said of other people."""
    if quoted.empty:
        return []
    printed = evidence.printed_numbers()
    problems = []
    for row in quoted.itertuples():
        source = str(row.source).partition(";")[0]
        name = source.replace("-", "_")
        if name not in printed.index:
            problems.append(f"{row.name} is quoted from {source!r}, which is no claim, wave, item or expectation")
            continue
        there = printed.loc[name]
        if row.value != there["printed"] or row.unit != there["unit"]:
            problems.append(
                f"{row.name} is quoted as {row.value:g} {row.unit}, but {source} has {there['printed']:g} {there['unit']}"
            )
        if there["verdict"] not in ("", *evidence.SUPPORTED):  # a wave is read at its source, through no claim
            problems.append(f"{row.name} is quoted from {source}, which is {there['verdict']}: call it assumed")
        elif there["base"] != _SAID_OF.get(str(row.name)):
            problems.append(
                f"{row.name} is quoted from {source}, which is said of {there['base']}, not of whom the model says it: "
                "call it assumed"
            )
    return problems
