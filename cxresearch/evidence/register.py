"""Cited survey findings as data: loaded, checked, and set beside what contradicts them.

The tables stand in ``data/evidence``; what each column means, and must be, stands in ``data/dictionary`` and is
enforced at loading. What can be computed from published shares is in ``shares``, ``comparison``, ``bounds`` and
``expectation``, and is offered here under one name. Panels of volunteers are not random samples: every interval here
is nominal.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import pandas as pd

__all__ = [
    "SUPPORTED",
    "TABLES",
    "EvidenceError",
    "counter_evidence",
    "load_calibration",
    "load_claims",
    "load_evidence",
    "load_waves",
    "printed_numbers",
    "register_table",
    "value_parts",
    "value_text",
]

DATA: Traversable = files("cxresearch.evidence") / "data"  # the package's own; data/ at the top leads to it
TABLES = (
    "bases",
    "calibration",
    "claims",
    "conflicts",
    "corrections",
    "documents",
    "expectations",
    "identities",
    "items",
    "waves",
)

# Verdicts of claims whose number is the survey's own; the others are untraceable or contradict another report.
SUPPORTED = ("reproduced", "corrected", "bounded")


class EvidenceError(ValueError):
    """A table of evidence is not what its dictionary says."""


def read_texts(file: Traversable) -> pd.DataFrame:
    """A CSV whose cells all stay the texts they are; an empty cell is an empty text."""
    with file.open(encoding="utf-8") as text:
        return pd.read_csv(text, dtype=str, keep_default_na=False)


def load_claims(folder: Path | str | None = None) -> pd.DataFrame:
    """Every claim of the source documents with its published number, base, verdict and reason.

    Columns: ``data/dictionary/claims.csv``. Shares are 0 to 1; ``n`` is missing where no text gives it. Raises
    EvidenceError (a ValueError) if the table breaks its dictionary, with columns, rows and counts.
    """
    return load_evidence("claims", folder)


def load_waves(folder: Path | str | None = None) -> pd.DataFrame:
    """Published figures of the repeated surveys, wave by wave. Columns: ``data/dictionary/waves.csv``."""
    return load_evidence("waves", folder)


def load_calibration(folder: Path | str | None = None) -> pd.DataFrame:
    """Independent findings that support, qualify or contradict. Columns: ``data/dictionary/calibration.csv``."""
    return load_evidence("calibration", folder)


def load_evidence(name: str, folder: Path | str | None = None) -> pd.DataFrame:
    """Load one table of evidence and check it against its dictionary.

    Parameters
    ----------
    name : one of ``TABLES``.
    folder : where ``evidence/`` and ``dictionary/`` stand; the package's own if not given.

    Returns
    -------
    DataFrame: text as str (empty where nothing is known), numbers as float (NaN), whole numbers as Int64 (missing).

    Raises EvidenceError for an unknown table, a missing file, or values that break the dictionary: every broken rule
    with the number of rows and the first of them.
    """
    if name not in TABLES:
        raise EvidenceError(f"no table of evidence is called {name!r}; there are {list(TABLES)}.")
    root: Traversable = DATA if folder is None else Path(folder)
    path, dictionary_path = root / "evidence" / f"{name}.csv", root / "dictionary" / f"{name}.csv"
    for needed in (path, dictionary_path):
        if not needed.is_file():
            raise EvidenceError(f"{needed} is not there; pass folder= to say where evidence/ and dictionary/ stand.")
    dictionary = read_texts(dictionary_path)
    table = read_texts(path)
    if list(table.columns) != dictionary["column"].tolist():
        differing = sorted(set(table.columns) ^ set(dictionary["column"])) or "their order"
        raise EvidenceError(f"{path}: columns and dictionary differ in {differing}.")
    problems = []
    for rule in dictionary.to_dict("records"):
        column = str(rule["column"])
        for says, broken in _broken(table[column], rule):
            if broken.any():
                row = table[broken].iloc[0]
                problems.append(f"{column} {says} in {broken.sum()} of {len(table)} rows, first {row.iloc[0]!r}")
        if rule["type"] in ("number", "whole"):
            numbers = pd.to_numeric(table[column].replace("", None), errors="coerce")
            table[column] = numbers.round().astype("Int64") if rule["type"] == "whole" else numbers.astype(float)
    for says, broken in _broken_rows(table):
        if broken.any():
            problems.append(f"{says} in {broken.sum()} of {len(table)} rows, first {table[broken].iloc[0, 0]!r}")
    if problems:
        raise EvidenceError(f"{path} breaks its dictionary: " + "; ".join(problems) + ".")
    return table


def _broken(column: pd.Series, rule: Mapping[str, str]) -> Iterator[tuple[str, pd.Series]]:
    """What the dictionary's line refuses, and the rows that have it."""
    empty, allowed = column == "", rule["allowed"].split()
    if rule["required"] == "yes":
        yield "is empty", empty
    if rule["unique"] == "yes":
        yield "repeats", column.duplicated()
    if rule["type"] == "words":
        yield f"has words that are none of {allowed}", column.map(lambda text: not set(text.split()) <= set(allowed))
    elif allowed:
        yield f"is none of {allowed}", ~column.isin(allowed) & ~empty
    if rule["type"] in ("number", "whole"):
        numbers = pd.to_numeric(column.replace("", None), errors="coerce").astype(float)
        yield "is no number", numbers.isna() & ~empty
        if rule["type"] == "whole":
            yield "is no whole number", numbers.notna() & (numbers % 1 != 0)
        if rule["minimum"]:
            yield f"is below {rule['minimum']}", numbers < float(rule["minimum"])
        if rule["maximum"]:
            yield f"is above {rule['maximum']}", numbers > float(rule["maximum"])


def _broken_rows(table: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """Rules that tie columns together."""
    if {"unit", "value"} <= set(table):
        shares = (table["unit"] == "share") & table["value"].notna()
        yield "a share is not 0 to 1 (0.87, not 87)", shares & ~table["value"].between(0, 1)
    if "carried_by" in table:
        numeric, mechanism = table["kind"] == "numeric", table["kind"] == "mechanism"
        complete = table["value"].notna() & (table["unit"] != "") & table["rounding"].notna()
        yield "a numeric claim lacks value, unit or rounding", numeric & ~complete
        yield "a mechanism does not say what carries it, or why nothing can", mechanism & (table["carried_by"] == "")


def printed_numbers(folder: Path | str | None = None) -> pd.DataFrame:
    """Every published number by name, with what it can have been before rounding.

    Names are ``wave_id``, ``item_id``, ``expectation_id`` and ``claim_id`` with ``_`` for ``-``. Returns a DataFrame
    indexed by name: ``printed``, ``lower``, ``upper`` (a claim that is a range runs from its first to its second
    value), ``unit``, ``base``, ``n``, ``metric`` (of waves and claims), ``verdict`` (of a claim, and of the claim that an
    item belongs to; empty where no claim was traced).
    """
    claims = load_claims(folder).query("kind == 'numeric'")
    claims = claims.assign(name=claims["claim_id"].str.replace("-", "_"))
    expectations = load_evidence("expectations", folder).assign(unit="share", rounding=0.0005, base="not_stated")
    items = load_evidence("items", folder).rename(columns={"item_id": "name"})
    parts = [
        load_waves(folder).rename(columns={"wave_id": "name"}),
        items.assign(verdict=items["parent"].map(claims.set_index("claim_id")["verdict"])),
        expectations.rename(columns={"expectation_id": "name", "share": "value"}),
        claims,
    ]
    kept = ["name", "value", "second_value", "comparator", "unit", "rounding", "base", "n", "metric", "verdict"]
    numbers = pd.concat([part.reindex(columns=kept) for part in parts]).set_index("name")
    numbers = numbers.fillna({"metric": "", "verdict": ""})
    last = numbers["second_value"].where(numbers["comparator"] == "to", numbers["value"]).astype(float)
    half = numbers["rounding"].where(numbers["comparator"] != "to", 0.0)
    numbers["lower"] = numbers["value"].combine(last, min) - half
    numbers["upper"] = numbers["value"].combine(last, max) + half
    shown = ["printed", "lower", "upper", "unit", "base", "n", "metric", "verdict"]
    return numbers.rename(columns={"value": "printed"})[shown]


def value_text(value: float, unit: str, *, rounding: float = 0.005, second: float = math.nan, how: str = "=") -> str:
    """A published number as it was printed: as many digits as it had, with its unit; "no number" where there is none.

    ``second`` and ``how`` are ``second_value`` and ``comparator`` of the claims: "10 to 20 %", "50 % against 35 %".
    """
    text, numbers = value_parts(value, unit, rounding=rounding, second=second, how=how)
    return text.format(**{name: f"{number:,.{decimals}f}" for name, (number, decimals) in numbers.items()})


def value_parts(
    value: float, unit: str, *, rounding: float = 0.005, second: float = math.nan, how: str = "="
) -> tuple[str, dict[str, tuple[float, int]]]:
    """The text of :func:`value_text` with a name where each number stands, and each number with its decimals."""
    if pd.isna(value):
        return "no number", {}
    factor = 100 if unit in ("share", "share_points", "relative_change") else 1
    decimals = 0 if pd.isna(rounding) or rounding <= 0 else max(0, math.ceil(-math.log10(2 * rounding * factor) - 1e-9))
    if unit == "year" and pd.isna(second):
        return f"{value:.0f}", {}  # its thousands are not grouped
    suffix = _UNITS.get(unit, f" {unit}")
    prefix = {"<": "under ", ">": "more than "}.get(how, "")
    if pd.isna(second):
        return f"{prefix}{{value}}{suffix}", {"value": (factor * value, decimals)}
    pair = (value, second) if how == "against" else sorted((value, second))
    numbers = {name: (factor * number, decimals) for name, number in zip(("value", "second"), pair, strict=True)}
    if how == "against":
        return f"{{value}}{suffix} against {{second}}{suffix}", numbers
    return f"{{value}} to {{second}}{suffix}", numbers


_UNITS = {
    "share": " %",
    "share_points": " points",
    "relative_change": " %",
    "USD_bn_per_year": " bn USD a year",
    "USD_bn": " bn USD",
    "hour_of_day": " h of the day",
    "count": "",
    "year": "",
}


def register_table(claims: pd.DataFrame, bases: pd.DataFrame) -> pd.DataFrame:
    """The register as it is read: one row a claim with its number, of whom, n, verdict and reason.

    Returns a DataFrame of text: ``claim``, ``published``, ``of_whom``, ``n`` ("not known" where no text gives it, empty
    where no survey is behind it), ``verdict`` (with its reason, and for a mechanism with what carries it).
    """
    rows = []
    wording = bases.set_index("base")["wording"]
    for row in claims.itertuples():
        # "nothing: why" reads on from "Carried by".
        link = "" if row.carried_by.startswith("nothing") else ":"
        carried = f" Carried by{link} {row.carried_by}." if row.carried_by else ""
        rows.append(
            {
                "claim": f"{row.claim_id}. {row.claim}",
                "published": value_text(
                    row.value, row.unit, rounding=row.rounding, second=row.second_value, how=row.comparator
                ),
                "of_whom": wording[row.base] if row.base != "not_applicable" else "",
                "n": f"{row.n:,}" if not pd.isna(row.n) else "not known" if row.survey else "",
                "verdict": f"{row.verdict.capitalize()}. {row.reason}{carried}",
            }
        )
    return pd.DataFrame(rows)


def counter_evidence(claims: pd.DataFrame, calibration: pd.DataFrame) -> pd.DataFrame:
    """Each claim beside the independent findings that bear on it, contradiction first.

    Returns a DataFrame: ``claim_id``, ``claim``, ``verdict``, ``calibration_id``, ``stance``, ``finding``, ``n``,
    ``n_note``, ``confidence``, ``source``; by claim, then contradicts, qualifies, supports, calibrates.
    """
    pairs = (
        calibration.assign(claim_id=calibration["bears_on"].str.split()).explode("claim_id").dropna(subset="claim_id")
    )
    beside = pairs.merge(claims[["claim_id", "claim", "verdict"]], on="claim_id", validate="many_to_one")
    order: Mapping[str, int] = {"contradicts": 0, "qualifies": 1, "supports": 2, "calibrates": 3}
    beside = beside.assign(rank=beside["stance"].map(order)).sort_values(["claim_id", "rank", "calibration_id"])
    kept = [
        "claim_id",
        "claim",
        "verdict",
        "calibration_id",
        "stance",
        "finding",
        "n",
        "n_note",
        "confidence",
        "source",
    ]
    return beside[kept].reset_index(drop=True)
