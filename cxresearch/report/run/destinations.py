"""Where a report goes and who is told: ``store``, ``history``, ``[email]``, ``[messages]``, ``[alerts]``, checked on load."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxresearch.exhibits import EVERY, MEASURES, TICKET_MEASURES, check_targets
from cxresearch.report.run.errors import ParameterError


def measured(declared: Mapping[str, Any]) -> list[str]:
    """The headlines that notebooks with these parameters record, as far as one can tell: else all there are."""
    names = [*(MEASURES if "target_s" in declared else ()), *(TICKET_MEASURES if "promise_s" in declared else ())]
    return names or list(EVERY)


def check_destinations(text: Mapping[str, Any], declared: Mapping[str, Any], path: Path) -> dict[str, float]:
    """Raise ParameterError for whatever cannot be right; returns the limits of ``[alerts]``."""
    if not any(text.get(key) for key in ("store", "history", "email", "messages", "alerts")):
        return {}
    # Imported here: most reports stay where they are made.
    from cxresearch.report.archive.deliver import load_mail
    from cxresearch.report.archive.messages import load_messages
    from cxresearch.report.archive.stores import check_address, is_within

    try:
        lists = []
        if text.get("email"):
            lists.append(load_mail(text["email"]).on_alert)
        if text.get("messages"):
            lists.append(load_messages(text["messages"]).on_alert)
        for key in ("store", "history"):
            check_address(text.get(key, ""))
        if text.get("history") and not text.get("store"):
            raise ValueError("history is set, and no store; the one keeps what the other does not, so set both.")
        if text.get("history") and is_within(text["history"], text["store"]):
            raise ValueError(
                "history lies in store: exact tables are no more to be read by others than the log; name another place."
            )
        alerts = check_targets(text.get("alerts", {}), measured(declared), table="[alerts]")
        if alerts and not any(lists):
            raise ValueError("[alerts] is set, and nobody is told: write on_alert in [email] or [messages].")
    except ValueError as error:
        raise ParameterError(f"{path}: {error}") from error
    return alerts
