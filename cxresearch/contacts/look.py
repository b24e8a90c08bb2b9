"""A log looked at before it is used: what it is, where each column comes from, what was read, and what is asked."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from cxresearch.contacts import cells
from cxresearch.contacts.canonical import CANONICAL, PEOPLE, SLOW, LogError, LogQuestionError, first_line, listed
from cxresearch.contacts.clock_changes import with_changed_hours
from cxresearch.contacts.columns import canonical_columns
from cxresearch.contacts.facts import log_facts
from cxresearch.contacts.files import BANK, EVENTS, cells_seen, has_quotes, unfit
from cxresearch.contacts.mapping import Source, to_toml
from cxresearch.contacts.rows import Reading, counted, dated, group_rows, open_log, refuse_unusable
from cxresearch.contacts.tools import known_tools

# What a report cannot say without a column.
NEEDED_FOR = {
    "opened_at": "anything of a period, an hour or a weekday",
    "channel": "how channels differ: all count as one",
    "queue": "how queues differ",
    "queued": "who had to queue: all count as queued",
    "handle_s": "how many agents look as if they were there, and what more would change",
    "customer_key": "who called again, and who gave up and was not answered within a day",
    "promised_s": "what a promise does to patience",
}


_FILES = 12  # named one by one
_KNOWN = 20  # contacts of a channel: of fewer, a fifth of the days may have none by chance
# What a report of tickets does without, and what it says less of.
OF_CALLS = ("queued", "handle_s", "promised_s")
OF_TICKETS = {
    "customer_key": "who asked again, or on another channel",
    "channel": "how channels differ, and who turned to another",
    "promised_s": "what was promised: promise_s is taken for all",
}


def look_at(
    source: Any,
    *,
    preset: str | None = None,
    columns: Mapping[str, Any] | None = None,
    timezone: str | None = None,
    query: str | None = None,
) -> dict[str, Any]:
    """What a report would read of ``source``; nothing is written.

    Returns
    -------
    dict ``would_run``; ``question`` (with ``lines``, those to be pasted together) or ``error`` where it would not, as text; else ``log`` (its files), ``format``,
    ``files`` (``path, used, reason, layout``), ``columns`` (``canonical, from, how, cell, read``: of one row, as text),
    ``read, kept, set_aside, reasons, repaired``, ``usable`` (``outcome, kept, unusable``), ``plausible`` (first, last, days, those without contacts, waits, the shares of those that are 0 and that gave up, channels that begin or
    end within the log, columns that are mostly empty), ``channel`` (with most contacts) and
    ``clock`` (whose time it is), ``missing`` (canonical column -> what cannot be said without it) and ``report`` (the one
    that fits: ``tickets`` where most contacts are messages or nobody gave up, else ``monthly``).
    """
    try:
        reading = open_log(source, preset=preset, columns=columns, timezone=timezone, query=query)
        _ask_for_times(reading)
        rows = dated(reading.all_rows())  # a report is of a period
        groups = group_rows(rows)
        found = counted(groups, where=reading.where, sources=reading.known)
        quoted = has_quotes(reading.preset)
        reading.refuse_lost(found.counts["read"], reading.records(log_facts(reading.paths, quoted=quoted)))
        if found.counts["kept"]:
            refuse_unusable(reading, found.usable, found.set_aside, span="of the log")
    except LogQuestionError as question:
        return {"would_run": False, "question": str(question), "lines": list(question.lines)}
    except LogError as error:
        return {"would_run": False, "error": str(error)}
    except duckdb.Error as error:
        return {"would_run": False, "error": f"{source}: {first_line(error)}"}
    if not found.counts["kept"]:
        reasons = "; ".join(f"{reason}: {rows:,}" for reason, rows in found.set_aside.itertuples(index=False))
        why = f"no row can be used ({reasons})" if reasons else "it has no row"
        return {"would_run": False, "error": f"{reading.where}: {why}."}
    shown, sources = ([], {}) if reading.preset == BANK else (_shown(reading), reading.sources)
    kept = rows.filter("set_aside IS NULL")
    plausible, there = _plausible(kept, sources)
    repaired = found.repaired
    if plausible["first"]:
        first, last = (datetime.fromisoformat(plausible[end]).date() for end in ("first", "last"))
        repaired = with_changed_hours(repaired, rows, first, last + timedelta(days=1), reading.timezone)
    most = (
        kept.filter("channel IS NOT NULL")
        .aggregate("channel, count(*) AS n", "channel")
        .order("n DESC, channel")
        .limit(1)
    )
    channel = next((name for name, _ in most.fetchall()), "")
    return {
        "would_run": True, "log": reading.where, "format": _title(reading.preset), "note": _note(reading.preset),
        "files": [
            {"path": path, "used": bool(used), "reason": reason, "layout": _layout(reading, path)}
            for path, used, reason in reading.files.itertuples(index=False)
        ],
        "columns": shown, **found.counts, "usable": found.usable.to_dict("records"),
        "reasons": dict(found.set_aside.itertuples(index=False)), "repaired": dict(repaired.itertuples(index=False)),
        "plausible": plausible, "channel": channel,
        "clock": f"{reading.timezone} (a time without a zone is taken as it stands there)" if reading.timezone
        else "wall-clock time of the place where it was written, since no zone is given",
        "report": "tickets" if channel in SLOW or not plausible["abandoned_share"] else "monthly",
        "missing": {name: what for name, what in NEEDED_FOR.items() if name not in there and name not in sources},
    }  # fmt: skip


def _ask_for_times(reading: Reading) -> None:
    """Raise LogQuestionError, with lines to paste, for a log that does not say when: it has no period to report."""
    if reading.preset in (BANK, EVENTS) or "opened_at" in reading.named_sources:
        return
    names = reading.names or reading.raw[0].columns
    layouts = dict(reading.layouts)
    seen = (
        cells_seen(reading.engine, reading.paths[0], names, layouts) if reading.paths and reading.frame is None else {}
    )
    mapping = replace(reading.mapping, sources=reading.named_sources)
    asked = unfit(reading.where, "no column 'opened_at', and a report is of a period", names, None, mapping, seen)
    if not any(line.startswith("opened_at = ") for line in getattr(asked, "lines", ())):
        raise LogError(
            f"{reading.where}: no column 'opened_at', and a report is of a period. It has the columns {listed(names)}. None of them "
            "looks like the time when a contact was opened; name it: --map 'opened_at = \"Column\"', or a date and a time: "
            '--map \'opened_at = ["Date", "Time"]\'.'
        )
    raise asked


def _title(preset: str | None) -> str:
    titles = {tool.name: tool.title for tool in known_tools()}
    return f"{titles.get(preset, preset)} ({preset})" if preset else "columns by their names"


def _note(preset: str | None) -> str:
    return next((tool.note for tool in known_tools() if tool.name == preset), "")


def _layout(reading: Reading, path: str) -> str:
    local = {place.name: str(place.path) for place in reading.places}.get(path, "")
    return reading.layouts[local].says() if local in reading.layouts else ""


def how(source: Source) -> str:
    """In words, how the cells of a column are read."""
    said = [
        source.format.replace("\n", " or "),
        source.zone and f"time of {source.zone}",
        source.unit and f"in {source.unit}",
    ]
    said += [source.decimal and f"decimal {source.decimal!r}", source.thousands and f"thousands {source.thousands!r}"]
    said += [", ".join(f"{word} = {means}" for word, means in source.words.items())]
    said += [source.filled and f"any word = {source.filled}", source.missing and f"empty = {source.missing}"]
    return "; ".join(part for part in said if part)


def _shown(reading: Reading) -> list[dict[str, str]]:
    """Of one row: the original cell of each column beside what was read from it."""
    raw, sources = reading.records_alone, reading.sources
    wait = (sources["wait_s"].ends or sources["wait_s"].columns or ("",))[0]
    some = (raw.filter(f"{cells.text(wait)} IS NOT NULL") if wait else raw).limit(1)
    read = canonical_columns(reading.engine, some, sources, reading.mapping, timezone=reading.timezone).fetchall()
    names = [*CANONICAL]
    # As the engine writes them: times with a zone would need another library to become Python's.
    cells_ = some.select(", ".join(f"CAST({cells.column(c)} AS VARCHAR)" for c in some.columns)).fetchall()
    original = dict(zip(some.columns, (cells_ or [()])[0], strict=False))
    rows = []
    for name, source in sources.items():
        value = source.value if source.value is not None else ", ".join(str(original.get(c, "")) for c in source.read)
        if name in PEOPLE:  # an id is shown nowhere
            value = "(an id)"
        rows.append({
            "canonical": name, "from": ", ".join(source.read) or "the same for every row", "how": how(source), "cell": value,
            "read": "(a pseudonym)" if name in PEOPLE else str(read[0][names.index(name)]) if read else "",
        })  # fmt: skip
    return rows


def _plausible(rows: duckdb.DuckDBPyRelation, sources: Mapping[str, Source]) -> tuple[dict[str, Any], set[str]]:
    measured = (
        "min(opened_at)::VARCHAR AS first, max(opened_at)::VARCHAR AS last, count(DISTINCT opened_at::DATE) AS days, "
        "round(quantile_cont(wait_s, 0.5), 1) AS median_wait_s, round(quantile_cont(wait_s, 0.95), 1) AS wait_95_s, "
        "round(avg(CASE WHEN outcome = 'abandoned' THEN 1 ELSE 0 END), 4) AS abandoned_share, "
        "round(avg(CASE WHEN wait_s = 0 THEN 1 ELSE 0 END), 4) AS zero_share, "
        "quantile_disc(hour(opened_at), 0.02) AS first_hour, quantile_disc(hour(opened_at), 0.98) + 1 AS last_hour"
    )
    counts = ", ".join(f"count({name}) AS {name}" for name in CANONICAL)
    found = rows.aggregate(f"{measured}, {counts}")
    row = dict(zip(found.columns, found.fetchall()[0], strict=True))
    n = rows.aggregate("count(*)").fetchall()[0][0]
    daily = rows.filter("opened_at IS NOT NULL").aggregate(
        "coalesce(channel, '') AS channel, opened_at::DATE AS day, count(*) AS n", "channel, day"
    )
    by_channel: dict[str, dict[date, int]] = {}
    for channel, day, contacts in daily.fetchall():
        by_channel.setdefault(channel, {})[day] = contacts
    found_ = {
        **{k: v for k, v in row.items() if k not in CANONICAL},
        "days_missing": [str(day) for day in _days_missing({day for days in by_channel.values() for day in days})],
        "channels_in_part": _in_part(by_channel), "mostly_empty": {name: n - row[name] for name in sources if 2 * row[name] < n},
    }  # fmt: skip
    return found_, {name for name in CANONICAL if row[name]}


def _days_missing(days: set[date]) -> list[date]:
    if not days:
        return []
    first, last = min(days), max(days)
    every = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in every if day not in days]


def _in_part(by_channel: Mapping[str, Mapping[date, int]]) -> list[str]:
    """Channels with contacts in one half of the log's days and none in the fifth at its other end, in words."""
    days = sorted({day for days in by_channel.values() for day in days})
    half, fifth = len(days) // 2, len(days) // 5
    said = []
    for channel, mine in sorted(by_channel.items()):
        if not channel or sum(mine.values()) < _KNOWN or not fifth:
            continue
        if min(mine) < days[half] and max(mine) < days[-fifth]:
            said.append(f"{channel} has no contact after {max(mine)}")
        elif max(mine) >= days[half] and min(mine) >= days[fifth]:
            said.append(f"{channel} has no contact before {min(mine)}")
    return said


def look_text(found: Mapping[str, Any]) -> str:
    """What :func:`look_at` found, for a person."""
    if not found["would_run"]:
        return ("A question:\n" if "question" in found else "Not readable:\n") + str(
            found.get("question", found.get("error"))
        )
    lines = [f"{found['log']}: {found['format']}"]
    lines += [f"  {found['note']}"] if found["note"] else []
    files = [
        f"  {file['path']}: {file['layout']}" if file["used"] else f"  left out {file['path']}: {file['reason']}"
        for file in found["files"] if not file["used"] or file["layout"]
    ]  # fmt: skip
    lines += [*files[:_FILES], *([f"  and {len(files) - _FILES:,} more files"] if len(files) > _FILES else [])]
    lines.append(f"{found['read']:,} rows read, {found['kept']:,} kept, {found['set_aside']:,} set aside")
    lines += [f"  {rows:,} set aside: {reason}" for reason, rows in found["reasons"].items()]
    lines += [f"  {rows:,} kept, but {reason}" for reason, rows in found["repaired"].items()]
    lines += [
        f"  of {row['kept'] + row['unusable']:,} rows with the outcome {row['outcome']} {row['unusable']:,} cannot be used"
        for row in found["usable"] if row["unusable"]
    ]  # fmt: skip
    if found["columns"]:
        lines.append("")
        table = [("column", "from", "a cell", "read as", "how"), *(
            (row["canonical"], row["from"], row["cell"], row["read"], row["how"]) for row in found["columns"]
        )]  # fmt: skip
        cut = [[cell if len(cell) <= 40 else f"{cell[:39]}…" for cell in row[:4]] + [row[4]] for row in table]
        widths = [max(len(row[i]) for row in cut) for i in range(4)]
        lines += [
            "  ".join([*(cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)), row[4]]).rstrip()
            for row in cut
        ]
    p = found["plausible"]
    left = "nobody is seen to give up" if not p["abandoned_share"] else f"{100 * p['abandoned_share']:.1f} % gave up"
    lines += [
        "",
        f"Times are {found['clock']}",
        f"From {p['first']} to {p['last']}, {p['days']} days with contacts, mostly {p['first_hour']} to {p['last_hour']} h",
    ]
    if gone := p["days_missing"]:
        lines.append(f"{len(gone):,} day{'s' * (len(gone) > 1)} without a contact: {listed(gone, most=6)}")
    lines += p["channels_in_part"]
    zero = f", {100 * p['zero_share']:.1f} % are exactly 0" if p["zero_share"] else ""
    waits = (f"{p[name]:,.4g}" if p[name] < 1000 else f"{p[name]:,.0f}" for name in ("median_wait_s", "wait_95_s"))
    lines.append("Half of the waits are under {} s, 95 % under {} s{}; {}".format(*waits, zero, left))
    lines += [f"{name} is empty in {rows:,} of {found['kept']:,} rows" for name, rows in p["mostly_empty"].items()]
    missing = found["missing"]
    if found["report"] == "tickets":
        missing = {name: what for name, what in missing.items() if name not in OF_CALLS} | {
            name: what for name, what in OF_TICKETS.items() if name in missing
        }
    lines += [f"Without {name} a report cannot say {what}" for name, what in missing.items()]
    why = "nobody is seen to give up on these" if found["report"] == "tickets" else "calls, and who gave up"
    lines.append(f"Its report: cxresearch report {found['report']} --set log=... ({why})")
    return "\n".join(lines)


def next_command(found: Mapping[str, Any], columns: Mapping[str, Any], new: Sequence[str], rest: Sequence[str]) -> str:
    """The command that goes on from a look: ``new`` are its words up to the log's names, ``rest`` what was said beside
    ``columns``. Empty where a log cannot be read."""
    given = {name: f"{name} = {to_toml(said)}" for name, said in columns.items()}
    error = found.get("error", "")
    if "--timezone" in error:
        rest = [*rest, "--timezone", "Europe/Berlin"]
    elif error:
        return ""
    lines = [line.split("  # ")[0] for line in found.get("lines", ())]
    # What was said of rows, repeats and the file stays said.
    lines = [line for line in lines if line.partition(" = ")[0] != "rows" or "rows" not in given]
    told = {line.partition(" = ")[0] for line in lines}
    lines += [line for name, line in given.items() if name not in told]
    if "question" in found and not found.get("lines"):
        names = "|".join((*CANONICAL, "repeats", "rows"))
        asked = re.search(rf"\b({names}) = ", found["question"])
        if asked is None:
            return ""
        lines = [*(line for name, line in given.items() if name != asked[1]), "<the line that is true>"]
    mapped = f" --map {shlex.quote(chr(10) + chr(10).join(lines) + chr(10))}" if lines else ""
    return f"Then: {shlex.join([*new, *rest])}{mapped}"
