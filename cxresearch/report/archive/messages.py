"""Messages to Teams, Slack and the like, by Apprise: the addresses hold tokens, so the report names environment variables."""

from __future__ import annotations

import difflib
import importlib.util
import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cxresearch.report.archive.deliver import (
    LISTS,
    DeliveryError,
    checked_link,
    filled,
    plain,
    read_run,
    told_of,
    who_is_told,
)

_KEYS = (*LISTS, "link")


@dataclass(frozen=True)
class Messages:
    """``[messages]`` of a report, checked: for each occasion the environment variables that hold the addresses."""

    on_success: tuple[str, ...]
    on_failure: tuple[str, ...]
    on_alert: tuple[str, ...]
    link: str


def load_messages(table: Mapping[str, Any]) -> Messages:
    """Read ``[messages]``: on_success, on_failure, on_alert, link. No value is repeated in an error: it may be a token.

    Raises DeliveryError.
    """
    for key in table:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise DeliveryError(f"[messages]: unknown key {key!r}{hint}; known are {', '.join(_KEYS)}.")
    for key in LISTS:
        names = table.get(key, [])
        if not isinstance(names, list) or not all(
            isinstance(name, str) and re.fullmatch(r"[A-Za-z_]\w*", name) for name in names
        ):
            raise DeliveryError(
                f'[messages]: {key} is a list of names of environment variables, such as ["CXRESEARCH_TEAMS"], each of which '
                "holds the address for Apprise; the address itself holds a token, and has no place in the file."
            )
    if not isinstance(table.get("link", ""), str):
        raise DeliveryError("[messages]: link is a text.")
    lists = {key: tuple(table.get(key, ())) for key in LISTS}
    return Messages(**lists, link=checked_link(table.get("link", ""), "[messages]"))


def require(messages: Messages) -> None:
    """Raise DeliveryError where a message could not be sent: no Apprise, a variable that is not set or holds no address."""
    names = sorted({name for key in LISTS for name in getattr(messages, key)})
    if not names:
        return
    if importlib.util.find_spec("apprise") is None:
        raise DeliveryError(
            "[messages] is set, and Apprise is not installed; run: pip install 'cxresearch[alerts]', or take the table out."
        )
    for name in names:
        if not os.environ.get(name):
            raise DeliveryError(f"[messages] names the environment variable {name}, which is not set.")
        if not _box(name):
            raise DeliveryError(
                f"[messages]: the environment variable {name} holds no address that Apprise knows, such as slack://... or "
                "msteams://..."
            )


def send_messages(messages: Messages, folder: Path, *, language: str = "en") -> tuple[str, ...]:
    """Tell of the run in ``folder``, as :func:`deliver.send` does by mail; returns the names of the variables."""
    run = read_run(folder)
    names = who_is_told(messages, run["status"])
    subject, title, facts, points = told_of(run, language=language)
    link = filled(messages.link, report=run["report"], period=run["period"]) if messages.link else ""
    text = plain(title, facts, points, [], link)
    lost = [name for name in names if not say(name, subject, text)]
    if lost:
        raise DeliveryError(f"the message to {', '.join(lost)} was not taken; it is not sent again.")
    return names


def say(name: str, title: str, text: str) -> bool:
    """One message to the address in the environment variable ``name``; whether it was taken.

    It is not tried again: Apprise does not tell a refusal from a message whose answer was lost.
    """
    try:
        return bool(_box(name).notify(title=title, body=text))
    except Exception:  # what is raised may hold the address
        return False


def _box(name: str) -> Any:
    from apprise import Apprise

    # What it says of an address that does not answer may hold its token.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    box = Apprise()
    box.add(os.environ.get(name, ""))
    return box
