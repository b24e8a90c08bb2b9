"""The canonical columns of a contact, their words, and what is said of a log that cannot be used."""

from __future__ import annotations

from typing import Any

CANONICAL = {
    "contact_id": "VARCHAR", "customer_key": "VARCHAR", "channel": "VARCHAR", "queue": "VARCHAR",
    "opened_at": "TIMESTAMP", "queued": "BOOLEAN", "wait_s": "DOUBLE", "outcome": "VARCHAR",
    "promised_s": "DOUBLE", "handle_s": "DOUBLE", "reply": "VARCHAR", "value": "DOUBLE", "agent_key": "VARCHAR",
}  # fmt: skip
REQUIRED = ("wait_s", "outcome")
PEOPLE = ("customer_key", "agent_key")  # ids of people: pseudonyms from the first copy on, shown nowhere
WORDS = {
    "outcome": ("answered", "abandoned", "deflected", "open"),
    "channel": ("phone", "chat", "email", "social", "web_form", "in_person", "other"),
    "reply": ("none", "unhelpful", "helpful"),
}
# Reasons for which a row is no contact to be counted; every other reason is one for which it cannot be used.
NOT_CHOSEN = "not chosen by rows"
NO_CONTACT = "no contact, by the word of its outcome"
TWICE, OLDER = "the same row again", "an older row of the same contact"
PHANTOM, IN_THE_MENU = "phantom call, no caller", "left in the voice menu, never asked for an agent"
DELIBERATE = (NO_CONTACT, TWICE, OLDER, PHANTOM, IN_THE_MENU)
SLOW = ("email", "social", "web_form")  # channels on which nobody waits on the line: counted in minutes


class LogError(ValueError):
    """A contact log that cannot be used as it is; the message says where, how many rows, and what to do."""


class LogQuestionError(LogError):
    """A log that can be read in two ways; the message says which, and what to write for each."""


def sql_text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"
