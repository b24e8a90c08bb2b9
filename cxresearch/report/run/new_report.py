"""The text of a new report, for a log that was looked at."""

from __future__ import annotations

from typing import Any

from cxresearch.contacts import to_toml
from cxresearch.report.run.parameters import check_name

_NEW = """# A report of {log}, as it was looked at: {title}. Every key is explained in docs/failures.md and docs/own-log.md.
title = {told[title]}
period = {period}
notebooks = {told[notebooks]}
headlines = {told[headlines]}
inputs = []

[parameters]
{parameters}

# What is aimed at, a headline's name = its limit, for example:
# [targets]
# {told[target]}
{columns}"""
_TOLD = {
    "monthly": {
        "title": '"Waiting and giving up"', "target": "service_level = 0.80",
        "notebooks": '["05-executive-summary", "06-what-to-do-first", "02-how-long-do-people-wait", "04-when-are-we-there"]',
        "headlines": '["contacts", "abandonment_share", "lost_share", "mean_wait_s", "patience_survival_60s"]',
    },
    "tickets": {
        "title": '"Tickets: when they are answered, and who asks again"', "target": "unanswered_after_promise_share = 0.10",
        "notebooks": '["07-when-are-tickets-answered"]',
        "headlines": '["tickets", "median_first_answer_s", "unanswered_after_promise_share", "backlog", "asked_again_share"]',
    },
}  # fmt: skip


def new_report(
    name: str, *, log: str | list[str], period: str, columns: dict[str, Any], found: dict[str, Any], preset: str, timezone: str,
    query: str = "",
) -> str:  # fmt: skip
    """The text of ``reports/NAME.toml`` for a log that was looked at (``contacts.look_at``), with the mapping that was given.

    The report is the one that fits the log. Of calls the channel is the one with the most contacts, of tickets all. How each column is read stands in comments. Raises ParameterError for a
    name that is none.
    """
    check_name(name)
    given = {
        "log": log,
        "log_query": query,
        "preset": preset,
        "timezone": timezone,
        **({} if found["report"] == "tickets" else {"channel": found["channel"] or "phone", "controls": False}),
    }
    lines = [f"{key} = {to_toml(value)}" for key, value in given.items() if value != ""]
    told = _TOLD[found["report"]]
    if period == "day" and found["report"] == "monthly":
        told = {**told, "notebooks": '["05-executive-summary"]'}  # one day has no other beside it to tell more from
    said = [
        f"# {row['canonical']}: from {row['from']}{', ' + row['how'] if row['how'] else ''}" for row in found["columns"]
    ]
    mapped = ["", "[columns]", *(f"{key} = {to_toml(value)}" for key, value in columns.items())] if columns else []
    return _NEW.format(
        period=to_toml(period), told=told, log=found["log"], title=found["format"], parameters="\n".join(lines),
        columns="\n".join(["", *said, *mapped]) + "\n",
    )  # fmt: skip
