"""Rows that stand in a log more than once: counted once where that is sure, asked about where it is not."""

from __future__ import annotations

import duckdb

from cxresearch.contacts.canonical import CANONICAL, OLDER, TWICE, LogQuestionError, sql_text

ROW = "__row"  # a mark of all cells of a row of text
NEWEST = "__newest"  # what tells which row of a contact is the newest
KEEP, ONCE, LAST = RULES = ("keep", "once", "last")
_FEW = 5  # rows of an hour or a day, all with a double: fewer may be chance
_USABLE = "set_aside IS NULL"


def without_repeats(rows: duckdb.DuckDBPyRelation, rule: str, *, where: str) -> duckdb.DuckDBPyRelation:
    """Canonical rows with those that repeat another set aside; ``rows`` as they are where none does.

    Parameters
    ----------
    rows : the canonical columns, ``set_aside``, and where they are known ``ROW`` and ``NEWEST``. Without ``ROW`` two rows
        are the same where all canonical columns are.
    rule : ``keep``: every row is a contact, but for one that repeats wholly under its ``contact_id``. ``once``: what repeats
        wholly counts once, also without an id. ``last``: of one ``contact_id`` the newest row counts, without ``NEWEST`` the
        last one of the files. Empty: as ``keep``, but rows that differ under one id are a question, and so are hours in
        which every row without an id stands twice.
    """
    same = ROW if ROW in rows.columns else f"hash({', '.join(CANONICAL)})"
    numbered = rows.select(f"*, {same} AS same")
    usable = numbered.filter(_USABLE)
    n, known, ids = usable.aggregate("count(*), count(contact_id), count(DISTINCT contact_id)").fetchall()[0]
    if not rule:
        if known > ids:
            _ask_of_ids(usable, where=where)
        if n > known:
            _ask_of_hours(usable.filter("contact_id IS NULL"), where=where)
    if known == ids and (rule != ONCE or n == known):
        return rows
    again = f"row_number() OVER (PARTITION BY contact_id, same, {_USABLE} ORDER BY place DESC) > 1"
    if rule != ONCE:
        again = f"contact_id IS NOT NULL AND {again}"
    newest = f"{NEWEST} DESC NULLS LAST, " if NEWEST in rows.columns else ""
    older = f"row_number() OVER (PARTITION BY contact_id, {_USABLE} ORDER BY {newest}place DESC) > 1"
    older = f"contact_id IS NOT NULL AND {older}" if rule == LAST else "false"
    found = numbered.select("*, row_number() OVER () AS place").select(f"*, {again} AS again, {older} AS older")
    why = (
        f"CASE WHEN {_USABLE} AND again THEN {sql_text(TWICE)} WHEN {_USABLE} AND older THEN {sql_text(OLDER)} "
        "ELSE set_aside END AS set_aside"
    )
    return found.select(", ".join(why if name == "set_aside" else name for name in rows.columns))


def _ask_of_ids(usable: duckdb.DuckDBPyRelation, *, where: str) -> None:
    """One id with rows that differ: legs of one contact, its older states, or numbers that begin anew."""
    differ = usable.filter("contact_id IS NOT NULL").aggregate(
        "contact_id, count(DISTINCT same) AS rows, min(opened_at) AS first, max(opened_at) AS last", "contact_id"
    ).filter("rows > 1")  # fmt: skip
    many, rows, times = differ.aggregate("count(*), sum(rows), count(*) FILTER (first < last)").fetchall()[0]
    if not many:
        return
    name, _, first, last = differ.order("first < last DESC, contact_id").limit(1).fetchall()[0]
    opened = f"opened_at is {first} and {last}" if times else "opened_at is the same, other cells are not"
    raise LogQuestionError(
        f"{where}: {many:,} contact_id stand in {rows:,} rows that differ (of {name!r} {opened}). Say what such rows are:\n"
        'repeats = "keep"   # each is a wait of its own, such as the legs of a call\n'
        'repeats = "last"   # states of one contact, the last row counts; or { newest = "Updated at" }\n'
        'contact_id = "none"   # the column does not tell contacts apart'
    )


def _ask_of_hours(nameless: duckdb.DuckDBPyRelation, *, where: str) -> None:
    """Without an id two contacts may be alike; whole hours in which every row has its double are an export taken twice."""
    for span in ("hour", "day"):
        doubled = nameless.aggregate(
            f"date_trunc('{span}', opened_at) AS span, same, count(*) AS times", "span, same"
        ).aggregate("span, sum(times) AS rows, count(*) AS alike, min(times) AS least", "span").filter(
            f"least > 1 AND alike >= {_FEW}"
        )  # fmt: skip
        spans, rows, first, last = doubled.aggregate("count(*), sum(rows), min(span), max(span)").fetchall()[0]
        if spans:
            when = f" in {spans:,} {span}{'s' * (spans > 1)} from {first} to {last}" if first else ""
            raise LogQuestionError(
                f"{where}: {rows:,} rows{when} all stand there more than once, and no contact_id tells whether they are the "
                'same contacts. Say it: repeats = "once" (exported twice), or repeats = "keep" (contacts that are alike).'
            )
