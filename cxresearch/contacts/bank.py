"""The Anonymous Bank's log of 1999 to canonical columns, trap by trap."""

from __future__ import annotations

import duckdb

from cxresearch.contacts.canonical import IN_THE_MENU, PHANTOM, sql_text
from cxresearch.contacts.keys import pseudonym

BANK_HEADER = (
    "vru+line", "call_id", "customer_id", "priority", "type", "date", "vru_entry", "vru_exit", "vru_time",
    "q_start", "q_exit", "q_time", "outcome", "ser_start", "ser_exit", "ser_time", "server",
)  # fmt: skip
BANK_QUEUES = {
    "PS": "Regular (PS)", "PE": "Regular, in English (PE)", "IN": "Internet support (IN)",
    "NE": "Stock exchange (NE)", "NW": "Prospective customers (NW)", "TT": "Call-back requests (TT)",
}  # fmt: skip
# Above these the bank's recorder is known to be wrong (values up to 25,245 s and 61,437 s stand in other months).
BANK_LONGEST_WAIT_S = 7_200
BANK_LONGEST_SERVICE_S = 14_400


def bank_columns(raw: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The 1999 bank log, trap by trap; see docs/own-log.md for what each reason means."""
    # A row that lost the tab between priority and type has 16 cells, and its fourth holds both: put the tab back.
    cells = raw.select(
        "string_split(rtrim(line, chr(13)), chr(9)) AS c0, len(c0) = 16 AND regexp_matches(c0[4], '^[0-9]+[A-Z]{2}$') "
        "AS joined, CASE WHEN joined THEN list_concat(c0[1:3], [c0[4][:-3], c0[4][-2:]], c0[5:]) ELSE c0 END AS c"
    )
    named = cells.select(
        "joined, len(c) = 17 AS whole, " + ", ".join(f'trim(c[{i + 1}]) AS "{n}"' for i, n in enumerate(BANK_HEADER))
    )
    labels = " ".join(f"WHEN {sql_text(code)} THEN {sql_text(label)}" for code, label in BANK_QUEUES.items())
    typed = named.select(
        "*, TRY_CAST(q_time AS DOUBLE) AS wait, TRY_CAST(ser_time AS DOUBLE) AS service, "
        # 0:00:00 stands for "never queued". Who truly queued at midnight cannot be told apart and is counted as repaired.
        "q_start <> '0:00:00' AS waited, "
        # Whole hours may pass 23 and minutes lose their zero, so the clock is added up and not parsed.
        "TRY(strptime(date, '%y%m%d') + to_seconds(3600 * CAST(split_part(vru_entry, ':', 1) AS INTEGER) "
        "+ 60 * CAST(split_part(vru_entry, ':', 2) AS INTEGER) + CAST(split_part(vru_entry, ':', 3) AS INTEGER))) AS entered"
    )
    return typed.select(
        "\"vru+line\" || '-' || call_id || '-' || date AS contact_id, "
        "CASE WHEN customer_id NOT IN ('0', '') THEN " + pseudonym("customer_id") + " END AS customer_key, "
        f"'phone' AS channel, CASE type {labels} ELSE 'Undocumented (' || type || ')' END AS queue, entered AS opened_at, "
        "waited AS queued, CASE WHEN waited THEN wait ELSE 0.0 END AS wait_s, "
        "CASE outcome WHEN 'AGENT' THEN 'answered' WHEN 'HANG' THEN 'abandoned' WHEN 'PHANTOM' THEN 'open' "
        "ELSE lower(outcome) END AS outcome, CAST(NULL AS DOUBLE) AS promised_s, "
        f"CASE WHEN outcome = 'AGENT' AND service BETWEEN 0 AND {BANK_LONGEST_SERVICE_S} THEN service END AS handle_s, "
        "CAST(NULL AS VARCHAR) AS reply, CAST(NULL AS DOUBLE) AS value, "
        f"CASE WHEN outcome = 'AGENT' AND server NOT IN ('NO_SERVER', '') THEN {pseudonym('server')} END AS agent_key, false AS simulated, "
        "CASE WHEN NOT whole THEN 'not 17 cells' WHEN entered IS NULL THEN 'no readable date and entry time' "
        f"WHEN outcome = 'PHANTOM' THEN {sql_text(PHANTOM)} WHEN wait IS NULL THEN 'no readable queue time' "
        "WHEN wait < 0 THEN 'negative queue time' "
        f"WHEN wait > {BANK_LONGEST_WAIT_S} THEN 'queue time over two hours, a fault of the recorder' "
        f"WHEN outcome = 'HANG' AND NOT waited THEN {sql_text(IN_THE_MENU)} END AS set_aside, "
        "CASE WHEN joined THEN 'tab put back between priority and type' "
        f"WHEN outcome = 'AGENT' AND (service IS NULL OR service NOT BETWEEN 0 AND {BANK_LONGEST_SERVICE_S}) "
        "THEN 'service time unreadable or over four hours: left unknown' "
        "WHEN NOT waited AND wait > 0 THEN 'queue time without a queue start: taken as answered at once' END AS repaired"
    )
