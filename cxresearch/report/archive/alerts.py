"""Alerts: a headline that has cleared its limit is told at once, to few people, and once."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cxresearch.exhibits import MISSED, judged
from cxresearch.report.archive.deliver import (
    DeliveryError,
    Mail,
    filled,
    hand_over,
    letter,
    plain,
    simulated_mark,
)
from cxresearch.report.archive.messages import Messages, say
from cxresearch.report.archive.sums import write_run
from cxresearch.style import format_interval, format_value, load_words

BY_MAIL = "e-mail"
NOT_RECORDED = "not recorded"


def alert_records(
    limits: Mapping[str, float], headlines: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """What run.json says of every alert: ``name, limit, verdict, fired, why, told, told_utc``.

    Parameters
    ----------
    limits : ``[alerts]`` of the report. headlines : those that the run recorded.
    before : the same of the run of this period that stood until now. Who was told of the same limit is not told again.

    The verdict is that of a target (``exhibits.with_targets``). An alert is given where the target is missed: where the
    whole interval lies on the bad side of the limit, never where the interval holds it or there is none.
    """
    of_name = {headline["name"]: headline for headline in headlines}
    earlier = {(one["name"], one["limit"]): one for one in before if one.get("fired")}
    found = []
    for name, limit in limits.items():
        headline = of_name.get(name)
        verdict = NOT_RECORDED if headline is None else judged(*_ends(headline), limit, headline["better"] or "")
        fired = verdict == MISSED
        known = earlier.get((name, limit), {}) if fired else {}
        found.append({
            "name": name, "limit": limit, "verdict": verdict, "fired": fired, "why": _why(headline, limit, verdict),
            "told": list(known.get("told", [])), "told_utc": known.get("told_utc"),
        })  # fmt: skip
    return found


def tell_alerts(
    folder: Path, alerts: Sequence[dict[str, Any]], run: Mapping[str, Any], headlines: Sequence[Mapping[str, Any]], *,
    mail: Mail | None, messages: Messages | None, language: str = "en",
) -> bool:  # fmt: skip
    """Tell of what was fired to whom it was not told yet, and write it into run.json; whether anything was told.

    Raises DeliveryError, after everybody was tried.
    """
    ways: list[str] = [*([BY_MAIL] if mail and mail.on_alert else []), *(messages.on_alert if messages else ())]
    of_name = {headline["name"]: headline for headline in headlines}
    link = next((box.link for box in (mail, messages) if box and box.link), "")
    link = filled(link, report=run["report"], period=run["period"]) if link else ""
    told, lost = False, []
    for way in ways:
        due = [one for one in alerts if one["fired"] and way not in one["told"]]
        if not due:
            continue
        subject, said = _words([of_name[one["name"]] for one in due], [one["limit"] for one in due], run, language)
        try:
            if way == BY_MAIL:
                assert mail
                message = letter(mail, subject, mail.on_alert)
                message.set_content(plain(subject, said, [], [], link))
                message.add_alternative(_html(language, subject, said, link), subtype="html")
                hand_over(mail, message, mail.on_alert)
            elif not say(way, subject, plain(subject, said, [], [], link)):
                raise DeliveryError(f"the message to {way} was not taken; it is not sent again.")
        except DeliveryError as error:
            lost.append(str(error))
            continue
        told = True
        for one in due:
            one["told"].append(way)
            one["told_utc"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if told:
        write_run(folder, {**run, "alerts": alerts})
    if lost:
        raise DeliveryError(f"an alert was not told: {'; '.join(lost)}")
    return told


def _ends(headline: Mapping[str, Any]) -> tuple[float, float]:
    lower, upper = (math.nan if headline[end] is None else headline[end] for end in ("lower", "upper"))
    return lower, upper


def _why(headline: Mapping[str, Any] | None, limit: float, verdict: str) -> str:
    """In English, as everything in run.json."""
    if headline is None:
        return "the run recorded no such headline"
    lower, upper = _ends(headline)
    if math.isnan(lower) or math.isnan(upper):
        return "there is no interval by which the limit could be judged"
    unit = headline["unit"]
    interval = format_interval(lower, upper, unit, language="en")
    if verdict == MISSED:
        return f"the whole interval, {interval}, lies on the bad side of {format_value(limit, unit, language='en')}"
    if lower <= limit <= upper:
        return f"the interval, {interval}, holds the limit of {format_value(limit, unit, language='en')}"
    return f"the whole interval, {interval}, lies on the good side of {format_value(limit, unit, language='en')}"


def _words(
    headlines: Sequence[Mapping[str, Any]], limits: Sequence[float], run: Mapping[str, Any], language: str
) -> tuple[str, list[str]]:
    """The subject and the lines of an alert."""
    words, page = load_words(language)["alert"], load_words(language)["page"]
    marks = simulated_mark(run, language)
    said = [*(f"{mark}. {page['simulated_more']}" for mark in marks)]
    for headline, limit in zip(headlines, limits, strict=True):
        unit = headline["unit"]
        lower, upper = _ends(headline)
        told = {
            "label": headline["label"], "value": format_value(headline["value"], unit, language=language),
            "limit": format_value(limit, unit, language=language),
            "interval": page["interval"].format(interval=format_interval(lower, upper, unit, language=language)),
        }  # fmt: skip
        said.append(words["above" if lower > limit else "below"].format(**told))
        count = page["n"].format(n=format_value(headline.get("n"), "count", language=language))
        said.append(words["base"].format(base=headline.get("base") or headline["label"], n=count))
    title = f"{run['title']}, {run['period_label']}"
    return ": ".join([*marks, words["subject"].format(title=title)]), [*said, words["rule"]]


def _html(language: str, subject: str, said: Sequence[str], link: str) -> str:
    open_it = html.escape(load_words(language)["mail"]["open"])
    target = f'<p><a href="{html.escape(link)}">{open_it}</a></p>' if link else ""
    return (
        f'<!doctype html><html lang="{html.escape(language)}"><head><meta charset="utf-8"><title>{html.escape(subject)}</title></head>'
        f"<body><h1>{html.escape(subject)}</h1>{''.join(f'<p>{html.escape(line)}</p>' for line in said)}{target}</body></html>\n"
    )
