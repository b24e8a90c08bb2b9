"""A finished run copied to where it is wanted, and told by e-mail: to some when it went well, to others when not."""

from __future__ import annotations

import difflib
import html
import json
import os
import re
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat

from cxresearch.exhibits import POINTS
from cxresearch.report.archive.exact import BESIDE
from cxresearch.style import format_date, load_words

OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss")
LARGEST_ATTACHMENT = 5_000_000  # bytes; above it the mail says where the report stands
PASSWORD = "CXRESEARCH_SMTP_PASSWORD"  # noqa: S105 the name of the variable, not what it holds
_PLAIN = {
    "server": str, "port": int, "security": str, "user": str, "sender": str, "on_success": list, "on_failure": list,
    "attach": bool, "link": str, "timeout_s": (int, float),
}  # fmt: skip
_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")


class DeliveryError(ValueError):
    """An address, a mail setting or a server that does not do what it should; the report itself stands."""


# Storing ------------------------------------------------------------------------------------------------------------


def store(folder: Path, address: str) -> str:
    """Copy a finished run to ``address``, the report itself last, and say where it stands.

    Parameters
    ----------
    folder : ``.../NAME/PERIOD`` with run.json; an absent report.html (a failed run) is allowed.
    address : any fsspec address, such as ``s3://bucket/reports``, ``memory://reports`` or a folder; the run comes to
        ``address/NAME/PERIOD``. Amazon's, Google's and Azure's stores are reached by obstore, with what the
        environment says (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, ...); other addresses need the package fsspec names.

    An object store knows no exchange of folders: what stood there is overwritten file by file, ``report.html`` after
    what belongs to it and ``run.json`` at the very end, so a reader who waits for run.json never meets half a run. Files
    of an older run that this one does not have are removed after that. Raises DeliveryError.
    """
    folder = Path(folder)
    if not (folder / "run.json").is_file():
        raise DeliveryError(f"{folder} is no finished run: it has no run.json.")
    if urlsplit(address).password:
        raise DeliveryError(
            "the address holds a password; give it by the environment, as the store's package reads it."
        )
    # Imported here: a report that is only mailed does without.
    import fsspec

    kind, given = urlsplit(address).scheme, {}
    try:
        if kind in OBJECT_STORES:
            from obstore.fsspec import register

            register(kind)
            given = {"retry_config": {"max_retries": 3, "retry_timeout": timedelta(seconds=60)}}
        system, root = fsspec.core.url_to_fs(address, **given)
        target = "/".join([root.rstrip("/"), *folder.parts[-2:]])
        names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
        names = [name for name in names if not name.startswith((f"{BESIDE}/", "."))]  # exact tables stay here
        last = [name for name in ("report.html", "run.json") if name in names]
        for name in [*(n for n in names if n not in last), *last]:
            system.makedirs(f"{target}/{name}".rsplit("/", 1)[0], exist_ok=True)
            system.put_file(str(folder / name), f"{target}/{name}")
        for path in system.find(target):
            if str(path).split(target.lstrip("/") + "/", 1)[-1] not in names:
                system.rm_file(path)
    except Exception as error:  # every store has errors of its own
        raise DeliveryError(f"{folder.name} could not be stored at {address}: {_one_line(str(error))[:300]}") from error
    return str(system.unstrip_protocol(target))


# Mail ---------------------------------------------------------------------------------------------------------------


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
    attach: bool
    link: str
    timeout_s: float


def load_mail(table: Mapping[str, Any]) -> Mail:
    """Read ``[email]``: server, port, security, user, sender, on_success, on_failure, attach, link, timeout_s.

    ``security`` is "starttls" (default), "tls" or "none" (a server on this machine only). ``link`` is an address in
    which ``{report}`` and ``{period}`` are filled. The password comes from the environment variable
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
    lists = {key: tuple(table.get(key, ())) for key in ("on_success", "on_failure")}
    for address in (table["sender"], *lists["on_success"], *lists["on_failure"]):
        if not isinstance(address, str) or not _ADDRESS.fullmatch(address):
            raise DeliveryError(f"[email]: {address!r} is no address.")
    return Mail(
        server=table["server"], port=table.get("port", 465 if security == "tls" else 587), security=security,
        user=table.get("user", ""), sender=table["sender"], attach=table.get("attach", True),
        link=table.get("link", ""), timeout_s=float(table.get("timeout_s", 30)), **lists,
    )  # fmt: skip


def send(mail: Mail, folder: Path, *, language: str = "en") -> tuple[str, ...]:
    """Tell of the run in ``folder``: a report to ``on_success``, a failure to ``on_failure``; returns who was told.

    A partial report goes to both lists: some read it, others mend it. Raises DeliveryError where the server refuses.
    """
    run = _read_run(folder)
    lists = {"complete": mail.on_success, "failed": mail.on_failure}
    people = tuple(dict.fromkeys(lists.get(run["status"], (*mail.on_success, *mail.on_failure))))
    if not people:
        return ()
    message = compose(mail, folder, run, people, language=language)
    try:
        _hand_over(mail, message)
    except (OSError, smtplib.SMTPException) as error:
        raise DeliveryError(f"the mail server {mail.server}:{mail.port} did not take the message: {error}") from error
    return people


def compose(
    mail: Mail, folder: Path, run: Mapping[str, Any], people: Sequence[str], *, language: str = "en"
) -> EmailMessage:
    """The message: who, what, period, status, the main points in text and HTML, and the report or where it stands."""
    words = load_words(language)["mail"]
    status = load_words(language)["status"][run["status"]]
    marks = [load_words(language)["page"]["simulated"]] * bool(run["simulated"])
    title = f"{run['title']}, {run['period_label']}"
    message = EmailMessage()
    message["Subject"] = _one_line(": ".join([*marks, f"{title} ({status})"]))
    message["From"], message["To"] = mail.sender, ", ".join(people)
    message["Date"], message["Message-ID"] = formatdate(usegmt=True), make_msgid(domain=mail.sender.split("@")[1])
    # Answers of machines (out of office) are for nobody.
    message["Auto-Submitted"] = "auto-generated"

    page = folder / "report.html"
    attached = mail.attach and page.is_file() and page.stat().st_size <= LARGEST_ATTACHMENT
    link = mail.link.format(report=run["report"], period=run["period"]) if mail.link and page.is_file() else ""
    newest = run.get("newest_record")
    facts = [
        f"{status}{'. ' + marks[0] if marks else ''}.",
        *([words["newest"].format(date=format_date(newest, language=language))] if newest else []),
        *([words["reason"].format(reason=_one_line(run["reason"]))] if run.get("reason") else []),
    ]
    points = main_points(folder) if run["status"] != "failed" else []
    where = "attached" if attached else "kept" if page.is_file() else "no_report"
    end = [] if where == "kept" and link else [words[where]]
    text = [title, "", *facts, "", *(f"- {lead} {sentence}" for lead, sentence in points), "", *end, link]
    message.set_content("\n".join(text).strip() + "\n")
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


def main_points(folder: Path) -> list[tuple[str, str]]:
    """The main points of a run, from its executed notebooks."""
    points = []
    for path in sorted((folder / "notebooks").glob("*.ipynb")):
        for cell in nbformat.read(path, 4).cells:
            for output in cell.get("outputs", []):
                points += output.get("data", {}).get(POINTS, {}).get("points", [])
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


def _hand_over(mail: Mail, message: EmailMessage) -> None:
    secure = ssl.create_default_context()
    if mail.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(mail.server, mail.port, timeout=mail.timeout_s, context=secure)
    else:
        server = smtplib.SMTP(mail.server, mail.port, timeout=mail.timeout_s)
    with server:
        if mail.security == "starttls":
            server.starttls(context=secure)
        if mail.user:
            if not os.environ.get(PASSWORD):
                raise DeliveryError(f"[email] names the user {mail.user}; set the environment variable {PASSWORD}.")
            server.login(mail.user, os.environ[PASSWORD])
        server.send_message(message)


def _read_run(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise DeliveryError(f"{folder} is no finished run: {error}.") from error
    return found


def _one_line(text: str) -> str:
    return " ".join(str(text).split())
