"""The canonical columns of a contact, their words, and what is said of a log that cannot be used."""

from __future__ import annotations

from collections.abc import Iterable
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
HEADER, TOTALS = "the header again", "a line of totals"
TOTAL_LINE = r"(?i)((grand |sub[ -]?)?totals?|totale?|summe|gesamt(summe|ergebnis)?|insgesamt|razem|suma|somme|totaal)\b.*|.* (totals?|summe|ergebnis|razem)"
PHANTOM, IN_THE_MENU = "phantom call, no caller", "left in the voice menu, never asked for an agent"
DELIBERATE = (NO_CONTACT, TWICE, OLDER, HEADER, TOTALS, PHANTOM, IN_THE_MENU)
SLOW = ("email", "social", "web_form")  # channels on which nobody waits on the line: counted in minutes


class LogError(ValueError):
    """A contact log that cannot be used as it is; the message says where, how many rows, and what to do."""


class LogQuestionError(LogError):
    """A log that can be read in two ways; the message says which, and what to write for each. ``lines`` are those that are
    to be pasted together."""

    def __init__(self, text: str, lines: Iterable[str] = ()) -> None:
        super().__init__(text)
        self.lines = tuple(lines)


def listed(words: Iterable[Any], *, most: int = 12) -> str:
    """Names, files or words in a message: the first ones, each short and in one line, and how many more there are."""
    said = [" ".join(str(word).split()) for word in words]
    shown = ", ".join(word if len(word) <= 40 else f"{word[:39]}…" for word in said[:most])
    return shown + (f" and {len(said) - most:,} more" if len(said) > most else "")


def first_line(error: BaseException) -> str:
    """What an engine says first; what follows are its settings."""
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]


def sql_text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"
