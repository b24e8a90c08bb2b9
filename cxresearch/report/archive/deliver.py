"""A finished run told by e-mail: to some when it went well, to others when not, to some when an alert was given."""

from __future__ import annotations

import contextlib
import difflib
import html
import json
import os
import re
import smtplib
import ssl
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat

from cxresearch.exhibits import POINTS
from cxresearch.report.archive.again import again, is_lost_connection
from cxresearch.style import format_date, load_words

LARGEST_ATTACHMENT = 5_000_000  # bytes; above it the mail says where the report stands
LISTS = ("on_success", "on_failure", "on_alert")
LINKS = ("http", "https", "mailto")
PASSWORD = "CXRESEARCH_SMTP_PASSWORD"  # noqa: S105 the name of the variable, not what it holds
_PLAIN = {
    "server": str, "port": int, "security": str, "user": str, "sender": str, "on_success": list, "on_failure": list,
    "on_alert": list, "attach": bool, "link": str, "timeout_s": (int, float),
}  # fmt: skip
_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")


class DeliveryError(ValueError):
    """An address, a setting or a server that does not do what it should; the report itself stands."""


@dataclass(frozen=True)
class Mail:
    """``[email]`` of a report, checked. The password is no part of it."""

    server: str
    port: int
    security: str
    user: str
    sender: str
    on_success: tuple[str, ...]
    on_failure: tuple[str, ...]
    on_alert: tuple[str, ...]
    attach: bool
    link: str
    timeout_s: float


def load_mail(table: Mapping[str, Any]) -> Mail:
    """Read ``[email]``: server, port, security, user, sender, on_success, on_failure, on_alert, attach, link, timeout_s.

    ``security`` is "starttls" (default), "tls" or "none" (a server on this machine only). ``link`` is an address (see
    :func:`checked_link`). The password comes from the environment variable
    CXRESEARCH_SMTP_PASSWORD alone. Raises DeliveryError for whatever cannot be right.
    """
    for key, value in table.items():
        if key not in _PLAIN:
            near = difflib.get_close_matches(key, _PLAIN, n=1)
            if "pass" in key.lower():
                raise DeliveryError(f"[email]: no password in the file; set the environment variable {PASSWORD}.")
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise DeliveryError(f"[email]: unknown key {key!r}{hint}; known are {', '.join(_PLAIN)}.")
        if not isinstance(value, _PLAIN[key]) or (isinstance(value, bool) and key != "attach"):  # type: ignore[arg-type]
            raise DeliveryError(f"[email]: {key} has the wrong type; got {value!r}.")
    for key in ("server", "sender"):
        if not table.get(key):
            raise DeliveryError(f"[email]: {key} is missing.")
    security = table.get("security", "starttls")
    if security not in ("starttls", "tls", "none"):
        raise DeliveryError(f'[email]: security is "starttls", "tls" or "none"; got {security!r}.')
    if security == "none" and table["server"] not in ("localhost", "127.0.0.1", "::1"):
        raise DeliveryError('[email]: security "none" is for a server on this machine; others could read along.')
    lists = {key: tuple(table.get(key, ())) for key in LISTS}
    for address in (table["sender"], *(address for people in lists.values() for address in people)):
        if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
            raise DeliveryError(f"[email]: {address!r} is no address.")
    return Mail(
        server=table["server"], port=table.get("port", 465 if security == "tls" else 587), security=security,
        user=table.get("user", ""), sender=table["sender"], attach=table.get("attach", True),
        link=checked_link(table.get("link", ""), "[email]"), timeout_s=float(table.get("timeout_s", 30)), **lists,
    )  # fmt: skip


def checked_link(link: str, where: str) -> str:
    """``link``, in which nothing but ``{report}`` and ``{period}`` is filled and which leads to a page or a mailbox.

    Raises DeliveryError, naming ``where`` it was written.
    """
    try:
        parts = list(string.Formatter().parse(link))
    except ValueError as error:
        raise DeliveryError(
            f"{where}: link {link!r} has a brace that opens or closes nothing; write {{report}}."
        ) from error
    for _, name, form, conversion in parts:
        if name is not None and (name not in ("report", "period") or form or conversion):
            written = name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
            raise DeliveryError(f"{where}: link holds {{{written}}}; only {{report}} and {{period}} are filled in.")
    if not link:
        return ""
    address = filled(link, report="monthly", period="1999-02")
    try:
        there = urlsplit(address)
        known = there.scheme in LINKS and bool(there.path if there.scheme == "mailto" else there.hostname)
    except ValueError:
        known = False
    if not known or re.search(r"[\s<>\"{}\\^`|\x00-\x1f\x7f]", address):
        raise DeliveryError(
            f"{where}: link {link!r} leads nowhere; write an address that begins with https://, http:// or mailto:."
        )
    if there.password:
        raise DeliveryError(f"{where}: link holds a password, which every reader would see; take it out.")
    return link


def filled(link: str, *, report: str, period: str) -> str:
    """A checked link to one report of one period."""
    return link.format(report=report, period=period)


def send(mail: Mail, folder: Path, *, language: str = "en") -> tuple[str, ...]:
    """Tell of the run in ``folder``: a report to ``on_success``, a failure to ``on_failure``; returns who was told.

    A partial report goes to both lists: some read it, others mend it. Raises DeliveryError where the server refuses.
    """
    run = read_run(folder)
    people = who_is_told(mail, run["status"])
    if people:
        hand_over(mail, compose(mail, folder, run, people, language=language), people)
    return people


def who_is_told(lists: Any, status: str) -> tuple[str, ...]:
    """Of ``on_success`` and ``on_failure`` those for a run with this status, each once."""
    told = {"complete": lists.on_success, "failed": lists.on_failure}
    return tuple(dict.fromkeys(told.get(status, (*lists.on_success, *lists.on_failure))))


def compose(
    mail: Mail, folder: Path, run: Mapping[str, Any], people: Sequence[str], *, language: str = "en"
) -> EmailMessage:
    """The message: who, what, period, status, the main points in text and HTML, and the report or where it stands."""
    words = load_words(language)["mail"]
    page = folder / "report.html"
    attached = mail.attach and page.is_file() and page.stat().st_size <= LARGEST_ATTACHMENT
    link = filled(mail.link, report=run["report"], period=run["period"]) if mail.link and page.is_file() else ""
    subject, title, facts, points = told_of(run, language=language)
    where = "attached" if attached else "kept" if page.is_file() else "no_report"
    end = [] if where == "kept" and link else [words[where]]
    message = letter(mail, subject, people)
    message.set_content(plain(title, facts, points, end, link))
    message.add_alternative(_html(language, title, facts, points, end, link, words["open"]), subtype="html")
    if attached:
        # The brief first: it is what a telephone shows, and what is handed on.
        for one, ending in ((folder / "brief.html", "-brief"), (page, "")):
            if one.is_file():
                name = f"{run['report']}-{run['period']}{ending}.html"
                message.add_attachment(
                    one.read_bytes(), maintype="text", subtype="html", filename=name, params={"charset": "utf-8"}
                )
    return message


def told_of(run: Mapping[str, Any], *, language: str) -> tuple[str, str, list[str], list[tuple[str, str]]]:
    """What every message says of a run: its subject, its title, the facts in a line each, and the main points."""
    words, status = load_words(language)["mail"], load_words(language)["status"][run["status"]]
    marks = simulated_mark(run, language)
    title = f"{run['title']}, {run['period_label']}"
    newest = run.get("newest_record")
    facts = [
        f"{status}{'. ' + marks[0] if marks else ''}.",
        *([words["newest"].format(date=format_date(newest, language=language))] if newest else []),
        *([words["reason"].format(reason=one_line(run["reason"]))] if run.get("reason") else []),
    ]
    told = run.get("points", []) if run["status"] != "failed" else []
    points = [(str(lead), str(sentence)) for lead, sentence in told]
    return ": ".join([*marks, f"{title} ({status})"]), title, facts, points


def simulated_mark(run: Mapping[str, Any], language: str) -> list[str]:
    """The mark that goes before everything said of made data; none where it is real."""
    return [load_words(language)["page"]["simulated"]] * bool(run["simulated"])


def plain(title: str, facts: Sequence[str], points: Sequence[tuple[str, str]], end: Sequence[str], link: str) -> str:
    """A message as plain text."""
    text = [title, "", *facts, "", *(f"- {lead} {sentence}" for lead, sentence in points), "", *end, link]
    return "\n".join(text).strip() + "\n"


def letter(mail: Mail, subject: str, people: Sequence[str]) -> EmailMessage:
    """An empty message with its head. Its number stays the same when it is handed over again."""
    message = EmailMessage()
    message["Subject"] = one_line(subject)
    message["From"], message["To"] = mail.sender, ", ".join(people)
    message["Date"], message["Message-ID"] = formatdate(usegmt=True), make_msgid(domain=mail.sender.split("@")[1])
    # Answers of machines (out of office) are for nobody.
    message["Auto-Submitted"] = "auto-generated"
    return message


def points_of(notebooks: Iterable[nbformat.NotebookNode]) -> list[tuple[str, str]]:
    """The main points that executed notebooks recorded."""
    outputs = (output for notebook in notebooks for cell in notebook.cells for output in cell.get("outputs", []))
    points = [point for output in outputs for point in output.get("data", {}).get(POINTS, {}).get("points", [])]
    return [(str(lead), str(sentence)) for lead, sentence in points]


def _html(
    language: str, title: str, facts: list[str], points: list[tuple[str, str]], end: list[str], link: str, words: str
) -> str:
    said = html.escape
    items = "".join(f"<li><strong>{said(lead)}</strong> {said(sentence)}</li>" for lead, sentence in points)
    paragraphs = "".join(f"<p>{said(text)}</p>" for text in end)
    target = f'<p><a href="{said(link)}">{said(words)}</a></p>' if link else ""
    return (
        f'<!doctype html><html lang="{said(language)}"><head><meta charset="utf-8"><title>{said(title)}</title></head>'
        f"<body><h1>{said(title)}</h1><p>{'<br>'.join(map(said, facts))}</p>{f'<ul>{items}</ul>' if items else ''}"
        f"{paragraphs}{target}</body></html>\n"
    )


class _OnItsWay:
    """A connection that knows whether a message has left and no answer has come: the server may have it."""

    on_its_way = False

    def data(self, message: Any) -> Any:
        self.on_its_way = True
        answer = super().data(message)  # type: ignore[misc]
        self.on_its_way = False
        return answer


class _Server(_OnItsWay, smtplib.SMTP):
    pass


class _SecureServer(_OnItsWay, smtplib.SMTP_SSL):
    pass


class _LostOnItsWayError(Exception):
    """The connection was lost while the message was under way."""


def hand_over(mail: Mail, message: EmailMessage, people: Sequence[str]) -> None:
    """Give the message to the server for every one of ``people``, nobody twice.

    What may pass is tried again: a connection that cannot be made or breaks, an answer from 400 to 499; whom the server
    took the message for is not asked again. A refusal (500 and more, a wrong password, a certificate) is final. So is a
    connection that breaks after the message has left: it may have arrived. Raises DeliveryError.
    """
    left = list(people)
    refused: dict[str, str] = {}

    def once() -> None:
        nonlocal left
        server = _connected(mail)
        try:
            answers = server.send_message(message, to_addrs=left)
            taken = set(left) - set(answers)
        except smtplib.SMTPRecipientsRefused as error:
            answers, taken = error.recipients, set()
        except (OSError, smtplib.SMTPException) as error:
            if server.on_its_way and not isinstance(error, smtplib.SMTPResponseException):
                raise _LostOnItsWayError from error
            raise
        finally:
            # The message was taken or not; how the connection ends changes nothing.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()
        refused.update({person: f"{code} {_text(answer)}" for person, (code, answer) in answers.items() if code >= 500})
        left = [person for person in left if person not in taken and person not in refused]
        if left:
            raise smtplib.SMTPRecipientsRefused({person: answers.get(person, (421, b"")) for person in left})

    try:
        again(once, _may_pass)
    except _LostOnItsWayError as error:
        raise DeliveryError(
            f"the connection to the mail server {mail.server}:{mail.port} was lost after the message had left; whether it arrived "
            "is not known, and it is not sent twice."
        ) from error
    except smtplib.SMTPRecipientsRefused as error:
        refused |= {person: f"{code} {_text(answer)}" for person, (code, answer) in error.recipients.items()}
    except (OSError, smtplib.SMTPException) as error:
        raise DeliveryError(f"the mail server {mail.server}:{mail.port} did not take the message: {error}") from error
    if refused:
        told = "; ".join(f"{person}: {answer}" for person, answer in refused.items())
        raise DeliveryError(f"the mail server {mail.server}:{mail.port} did not take the message for {told}")


def _may_pass(error: Exception) -> bool:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return False
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return True  # raised for those alone who may be taken later
    if isinstance(error, smtplib.SMTPResponseException):
        return 400 <= error.smtp_code < 500
    return isinstance(error, smtplib.SMTPServerDisconnected) or is_lost_connection(error)


def _connected(mail: Mail) -> _Server | _SecureServer:
    secure = ssl.create_default_context()
    server: _Server | _SecureServer
    if mail.security == "tls":
        server = _SecureServer(mail.server, mail.port, timeout=mail.timeout_s, context=secure)
    else:
        server = _Server(mail.server, mail.port, timeout=mail.timeout_s)
    try:
        if mail.security == "starttls":
            server.starttls(context=secure)
        if mail.user:
            if not os.environ.get(PASSWORD):
                raise DeliveryError(f"[email] names the user {mail.user}; set the environment variable {PASSWORD}.")
            server.login(mail.user, os.environ[PASSWORD])
    except BaseException:
        server.close()
        raise
    return server


def _text(answer: bytes | str) -> str:
    return one_line(answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer)


def read_run(folder: Path) -> dict[str, Any]:
    """What run.json says. Raises DeliveryError where there is none."""
    try:
        found: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise DeliveryError(f"{folder} is no finished run: {error}.") from error
    return found


def one_line(text: str) -> str:
    """Any text without its line breaks: a title adds no line to the head of a message."""
    return " ".join(str(text).split())
