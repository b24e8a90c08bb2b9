"""What must not stand in anything that is published: secrets, addresses of people, places of this machine, noise of a run.

Names that a log or a survey holds are data: a queue may be called ``support@bank.com`` or ``Password: reset``. A whole name
excuses what a rule finds in it; the same words as a part of something longer are no name.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

FEWEST = 5  # contacts that make a word of a log the name of something; fewer may be the name of somebody

SECRETS = {
    "an AWS key": r"\bA(?:KIA|SIA)[0-9A-Z]{16}\b",
    "a private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY",
    "a GitHub token": r"\bgh[oprsu]_[A-Za-z0-9]{30,}\b|\bgithub_pat_\w{30,}",
    "a Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "a web token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{5,}",
    "a password in an address": r"\b[a-z][a-z0-9+.-]+://[^\s/:@<>\"]+:[^\s/@<>\"]+@",
}
_SET = re.compile(
    r"\b(?:password|passwd|pwd|secret|api[_-]?key|access[_-]?token)\b\s*[=:]\s*([^\s<,;]{4,})", re.IGNORECASE
)
# Names of variables of the environment whose values are secrets. No kernel is given one unless its report names it.
SECRET_NAMES = re.compile(r"PASS|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|CREDENTIAL|SIGNATURE", re.IGNORECASE)
_KEYS = re.compile(r"_KEY$", re.IGNORECASE)  # CXRESEARCH_KEY, which kernels are given, AZURE_STORAGE_KEY
PERSONAL = frozenset({
    "customer_key", "customer_id", "customer_name", "contact_id", "caller_id", "email", "e_mail", "email_address",
    "e_mail_address", "phone_number", "telephone", "msisdn", "first_name", "last_name", "surname", "full_name",
    "address", "street", "ip_address", "iban", "date_of_birth", "birth_date", "ssn",
})  # fmt: skip
# What one contact has and no count: a table with such a column has a row for each of them.
ROWS = frozenset({"opened_at", "queued_at", "answered_at", "closed_at", "first_answer_at", "agent_key", "agent_id"})
_E_MAIL = re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b", re.IGNORECASE)
FOLDERS = (
    "home", "root", "Users", "tmp", "var", "usr", "opt", "work", "srv", "mnt", "private", "etc", "data", "workspace", "builds",
)  # fmt: skip
MACHINE_PATH = re.compile(
    rf"(?<![\w.:/])/(?:{'|'.join(FOLDERS)})/[\w.@-]+"
    r"|\b[A-Za-z]:\\[\w. -]+\\|\\\\[\w.-]+\\\w+"
)
_WHOLE_PATH = re.compile(
    rf"(?<![\w.:/])/(?:{'|'.join(FOLDERS)})(?:/[\w.@+~-]+)+/?"
    r"|\b[A-Za-z]:\\[\w. -]+\\(?:[\w.-]+\\?)*|\\\\[\w.-]+\\\w+(?:\\[\w.-]+)*"
)
_NOISE = re.compile(r"Traceback \(most recent call last\)|\b[A-Z]\w*Warning\b|\x1b\[[0-9;]*m|ipykernel_\d+")
# What a text must hold before its pattern is worth a look: a page is read many times faster so.
_MARKS = {
    "an AWS key": ("AKIA", "ASIA"), "a private key": ("PRIVATE KEY",), "a Slack token": ("xox",), "a web token": ("eyJ",),
    "a GitHub token": ("ghp_", "gho_", "ghr_", "ghs_", "ghu_", "github_pat_"), "a password in an address": ("://",),
}  # fmt: skip
_SET_MARKS = ("pass", "pwd", "secret", "api", "access")
_PATH_MARKS = (*(f"/{folder}/" for folder in FOLDERS), ":\\", "\\\\")
_NOISE_MARKS = ("Traceback", "Warning", "\x1b[", "ipykernel_")
_PATTERNS = [*map(re.compile, SECRETS.values()), _E_MAIL, MACHINE_PATH, _NOISE]
_CUT = 6  # letters of a name that is cut short by an ellipsis


@dataclass(frozen=True)
class Finding:
    """One thing that keeps a page from being published: the rule, where in the page, and what to do."""

    rule: str
    where: str
    advice: str


class Names:
    """Names of queues, channels, promises and answers, as the log or the survey holds them."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.all = frozenset(" ".join(name.split()) for name in names if name.strip())

    @cached_property
    def _alone(self) -> list[str]:
        """Names in which a rule would find something."""
        folders = _folders()
        return [
            name for name in self.all
            if any(p.search(f"{name}{end}") for p in _PATTERNS for end in ("", " 12")) or _SET.search(name)
            or any(folder in name for folder in folders)
        ]  # fmt: skip

    @cached_property
    def _leading(self) -> list[str]:
        """Names after which a number or a word would look like a secret that is set."""
        return [
            name for name in self.all - {*self._alone} if _SET.search(f"{name}: nine") or _SET.search(f"{name} nine")
        ]

    def without(self, text: str) -> str:
        """``text`` without the whole names in which a rule would find something."""
        return _masked(text, self._alone)

    def without_leading(self, text: str) -> str:
        """The same without the names after which a number would look like a secret."""
        return _masked(text, self._leading)


NO_NAMES = Names()


def honest_names(counts: Mapping[str, Mapping[str, int]], smallest: int = FEWEST) -> Names:
    """The words of a log that are names of something: ``counts`` are contacts by word, for each column.

    A word of fewer contacts than ``smallest`` may be somebody's. A column that holds addresses of people has a few of them
    often, and many seldom: where most of its addresses are seldom, none of them is a name.
    """
    names: list[str] = []
    for column in counts.values():
        often = {word for word, contacts in column.items() if contacts >= max(smallest, FEWEST)}
        addresses = {word for word in column if _E_MAIL.search(word)}
        if 2 * len(addresses & often) < len(addresses):
            often -= addresses
        names += often
    return Names(names)


def leaked(sources: Sequence[tuple[str, str]], names: Names = NO_NAMES) -> Iterator[Finding]:
    """What must not stand in texts, each with the place that is told of it."""
    for where, text in sources:
        yield from _values(where, text)
        found = list(_looks(where, text, NO_NAMES))
        if found and names.all:
            found = list(_looks(where, text, names))
        yield from found


def first_leak(text: str, columns: Sequence[str] = (), names: Names = NO_NAMES) -> str:
    """What a text that was not made here would bring into a page, in one word: ``path, noise, secret`` or ``person``; ""
    where it brings nothing."""
    said = {"no machine path": "path", "no stderr": "noise", "no secret": "secret"}
    if found := next(leaked([("", text)], names), None):
        return said.get(found.rule, "person")
    return "person" if any(personal_column(column, names) for column in columns) else ""


def personal_column(name: str, names: Names = NO_NAMES) -> str:
    """The rule that a column of this name breaks; "" for one that may be published."""
    if " ".join(name.split()) in names.all:
        return ""
    plain = re.sub(r"\W+", "_", name.strip().strip('"').lower()).strip("_")
    return "no personal column" if plain in PERSONAL else "no raw rows" if plain in ROWS else ""


def columns_of_text(text: str) -> list[str]:
    """The names of columns in the first line of a table that is written in letters, by pandas, Polars or DuckDB: it begins with
    blanks or a frame, or has two blanks between words. A sentence does none of it, and may speak of e-mail: of its words only
    names such as ``customer_key`` count."""
    lines = (line for line in text.split("\n") if re.search(r"[^\W_]", line) and not line.startswith("shape: ("))
    line = next(lines, "")
    table = re.match(r"\s+\S|.*\S\s{2,}\S|[│|]", line)
    return [word for word in re.split(r"[\s│┆|]+", line) if word and (table or "_" in word)]


def in_each_text(value: Any, change: Callable[[str], str]) -> Any:
    """A copy of a value as JSON has it, with every text in it changed; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: in_each_text(inner, change) for key, inner in value.items()}
    return [in_each_text(inner, change) for inner in value] if isinstance(value, list | tuple) else value


def without_leaks(text: str, names: Names = NO_NAMES) -> str:
    """``text`` as :func:`without_paths` leaves it, or "(held back)" where a rule still finds something in it."""
    text = without_paths(text, names)
    return "(held back)" if any(True for _ in leaked([("", text)], names)) else text


def without_paths(text: str, names: Names = NO_NAMES) -> str:
    """``text`` with the names of files and folders in the place of their paths on this machine."""
    if any(mark in text for mark in _PATH_MARKS):
        text = _WHOLE_PATH.sub(lambda found: _file_name(found[0], names), text)
    for folder in _folders():
        if folder in text and not MACHINE_PATH.search(folder):
            text = text.replace(folder, Path(folder).name)
    return text


def _file_name(path: str, names: Names) -> str:
    """The last part of a path; a name of the log is left as it is."""
    if " ".join(path.split()) in names.all or path.rstrip(".,-") in names.all:
        return path
    parts = [part for part in re.split(r"[\\/]", path) if part]
    return parts[-1] if parts else ""


def _values(where: str, text: str) -> Iterator[Finding]:
    """Secrets of the environment by their value: no name excuses them."""
    for name, value in os.environ.items():
        if len(value) >= 8 and (SECRET_NAMES.search(name) or _KEYS.search(name)) and value in text:
            told = f"{where}: the value of the environment variable {name}"
            yield Finding("no secret", told, "never pass it to a notebook")


def _looks(where: str, text: str, names: Names) -> Iterator[Finding]:
    text = names.without(text)
    for found in dict.fromkeys(_paths(text)):
        yield Finding("no machine path", f"{where}: {found}", "name the file, not the folder of this machine")
    for folder in _folders():
        if folder in text and not MACHINE_PATH.search(folder):
            yield Finding("no machine path", f"{where}: {folder}", "name the file, not the folder of this machine")
    noisy = any(mark in text for mark in _NOISE_MARKS)
    for found in dict.fromkeys(_NOISE.findall(text) if noisy else ()):
        yield Finding("no stderr", f"{where}: {found!r}", "mend what warns, or keep it out of what is shown")
    advice = "take it out of the parameters and the log"
    for what, pattern in SECRETS.items():
        if any(mark in text for mark in _MARKS[what]) and re.search(pattern, text):
            yield Finding("no secret", f"{where}: looks like {what}", advice)
    # Behind the name of a queue a number or a word is no secret; letters and digits in one may be.
    set_here = any(mark in text.lower() for mark in _SET_MARKS)
    if set_here and (_SET.search(names.without_leading(text)) or any(map(_random, _SET.findall(text)))):
        yield Finding("no secret", f"{where}: looks like a secret that is set", advice)
    for found in dict.fromkeys(_E_MAIL.findall(text) if "@" in text else ()):
        yield Finding("no personal column", f"{where}: {found[:2]}…", "an address of a person has no place here")


def _paths(text: str) -> list[str]:
    return MACHINE_PATH.findall(text) if any(mark in text for mark in _PATH_MARKS) else []


def _random(value: str) -> bool:
    return len(value) >= 6 and bool(re.search(r"[A-Za-z]", value)) and bool(re.search(r"\d", value))


def _folders() -> tuple[str, ...]:
    try:
        here = os.getcwd()
    except OSError:  # it was removed
        here = "/"
    return _long(os.path.expanduser("~"), here, tempfile.gettempdir())


@cache
def _long(*paths: str) -> tuple[str, ...]:
    folders = {str(Path(path).resolve()) for path in paths}
    return tuple(sorted((folder for folder in folders if len(folder) > 5), key=len, reverse=True))


def _masked(text: str, names: Sequence[str]) -> str:
    """``text`` without ``names``, where they stand whole, over several lines, or cut short by an ellipsis."""
    if not names:
        return text
    whole = "|".join(_spelled(name) for name in sorted(names, key=len, reverse=True))
    text = re.sub(rf"(?<![\w/\\@.+-])(?:{whole})(?![\w/\\@])(?![.+-]\w)", "¦", text)
    if "…" in text:
        cut = {name[:end] for name in names for end in range(_CUT, len(name))}
        shortened = "|".join(_spelled(part) for part in sorted(cut, key=len, reverse=True))
        text = re.sub(rf"(?<![\w/\\@.+-])(?:{shortened})\s?…", "¦", text) if cut else text
    return text


def _spelled(name: str) -> str:
    """A name as a pattern: lines of a drawing break where its words end, and within a long word."""
    return r"\s+".join(r"\n?".join(map(re.escape, word)) for word in name.split())
