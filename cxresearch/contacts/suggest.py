"""What the columns of a log that nobody knows could be, by their names and cells: a mapping to look at, never one to use."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from cxresearch.contacts.canonical import CANONICAL, TOTAL_LINE, listed
from cxresearch.contacts.cells import (
    CARRIED,
    CLOCK2,
    CLOCK3,
    CLOCK_DAY,
    CLOCK_H,
    CLOCK_M,
    CUT,
    FALSE,
    ISO_SPAN,
    NOTHING,
    TRUE,
)
from cxresearch.contacts.mapping import Source, quoted, to_toml, unit_named, written

# Parts of names in the languages of service centres, the more telling first.
_NAMES = {
    "opened_at": (
        r"opened (?!for|by)|opened$|created|creation|create date|enqueued|arriv|queued|received|call ?time|start|begin|initiat|erstellt|eingang|beginn|inicio|début|debut|utworz|rozpocz|początk|fecha",
        r"time ?stamp|zeit(punkt|stempel)|date|datum|data|time|zeit|heure|hora",
    ),
    "wait_s": (
        r"wait|queue ?(time|duration)|time in queue|in ?queue|hold ?time|speed (of|to) answer|\basa\b|time to answer|answer time|wartezeit|warte ?dauer|espera|attente|attesa|wacht|oczekiwan",
        r"first.*(repl|respon)|time to first|response time|reply time|reaktionszeit|erste antwort|primera respuesta|première réponse|pierwsz\w+ odpowied",
        r"ring|klingel|sonnerie",
    ),
    "outcome": (r"outcome|result|status|state|\bdisp|termination|handle type|ergebnis|ausgang|resultado|estado|résultat|resultat|statut|\bétat|esito|wynik",),
    "queue": (r"queue|skill|\bgroup\b|\bteam|department|\bline\b|mailbox|\binbox|pipeline|campaign|hunt ?group|warteschlange|gruppe|abteilung|\bcola\b|\bfile d|équipe|\bcoda\b|kolejk|wachtrij",),
    "channel": (r"channel|media|kanal|medium|canal|canale|source|\bvia\b|kanał|\btype\b",),
    "customer_key": (r"customer|caller|client|requester|opened for|visitor|consumer|contact (name|handle|ids)|\bani\b|phone ?number|msisdn|^from$|attributes from$|originat|kunde|anrufer|rufnummer|llamante|cliente|appelant|dzwoni|klient|klant",),
    "handle_s": (r"handl|talk|service ?time|conversation ?(time|duration)|in call|connected duration|gespräch|bearbeitung|atención|(durée|duración|tiempo).*convers|traitement|rozmow",),
    "contact_id": (r"\b(contact|call|ticket|case|conversation|interaction|session)s?[ #]*(ref\w*|id|number|guid|uuid|session id|\(uuid\))?$|\b[gu]?uid\b|\bid\b|\bsid\b|number|#|vorgang|nummer|numéro",),
    "promised_s": (r"promis|\bsla\b|target|\bdue\b",),
}  # fmt: skip
_ANSWERED = r"answer|connect|accept|pick|first.*(repl|respon)|repl(y|ied)|respon|angenommen|antwort|contest|répon|repon|décroch|odebran"
_ENDED = r"\bend|left\b|hang|hung|leave|abandon|terminat|disconnect|clear|\bende|beendet|\bfin\b|zakończ"
_NO_OPENING = rf"clos|resol|solv|updat|modif|\blast\b|\bdue\b|{_ANSWERED}|{_ENDED}"
_A_REPLY = r"repl(y|ied)|respon|antwort|respuesta|réponse|odpowied"
_OTHER_TIMES = r"talk|handl|resol|wrap|avg|average|business hours|\bsla\b|gespräch|conversation|rozmow"
_COUNTS = r"^(number of |total |acd |aban\w* |offered |answered |handled )?(calls|contacts|tickets|chats|count|offered|volume|anzahl|anrufe|llamadas|appels|nombre|liczba|ilość)( offered| answered| handled| abandoned)?$"
_MEANS = r"\bavg\b|average|\bmean\b|durchschnitt|moyen|\bmedia\b|promedio|średni|\bper hour\b|%"
_MEANINGS = {
    "outcome": {
        "abandoned": r"aband?on|\babn?\b|lost|hung ?up|hang ?up|missed|no.?answer|not answered|unanswered|gave up|left|cancell?ed|dropped|time[d ]? ?out|voicemail|aufgelegt|abgebrochen|verloren|verpasst|nicht (angenommen|beantwortet)|perdid|colgad|no (atendid|contestad)|raccroch|perdu|manqu|sans réponse|nieodebran|porzuc|opgehangen|gemist|pers[oa]\b",
        "deflected": r"deflect|\bbot\b|self ?serv|\bivr\b",
        "open": r"\bopen\b|pending|waiting|wartend|offen|pendiente|en attente|oczekuj|^new$",
        "answered": r"answer|\bans\b|\bconn\b|handled|complete|connected|accepted|closed|solved|resolved|talked|taken|served|success|normal|^ok$|angenommen|beantwortet|verbunden|erledigt|gelöst|geschlossen|atendid|contestad|répond|traité|traite|odebran|zrealiz|beantwoord|gestit|rispost|done",
    },
    "channel": {
        "phone": r"phone|voice|call|telefon|anruf|teléfono|téléphone|telefoon|appel", "chat": r"chat|messag", "email": r"e-?mail|mail|correo|courriel",
        "social": r"twitter|facebook|instagram|whatsapp|social|soziale", "web_form": r"web|form|portal|formular|kontaktformular",
        "in_person": r"person|branch|filiale|counter|visit",
    },
}  # fmt: skip
_INBOUND = r"in|inbound|incoming|eingehend|entrant[es]?|entrada|entrata|przychodząc\w+|inkomend|received"
_OTHERWISE = r"out|outbound|outgoing|ausgehend|salient[es]*|sortant[es]?|uscita|wychodząc\w+|uitgaand|internal|intern\w*|wewnętrzn\w+|test|manual"
_DATE = r"(\pL+\.?,? *)?(\d{1,4}[-/. ]+(\d{1,2}|de \pL+|\pL+)\.?[-/., ]+(de )?\d{1,4}|\pL+\.? \d{1,2},? \d{4}|\d{8})\.?"
_DATE = _DATE.replace(r"\pL", r"[^\W\d_]")
_KINDS = {
    "clock": rf"{CLOCK3}|{CLOCK_DAY}", "short clock": CLOCK2, "said": "|".join(f"(?:{p.replace('(?i)', '')})" for p in (CARRIED, ISO_SPAN, CLOCK_H, CLOCK_M)),
    "moment": rf"{_DATE}[T ,]+\D{{0,6}}\d{{1,2}}[:.]\d{{2}}.*|[12]\d{{9}}|[12]\d{{12}}|[34]\d{{4}}[.,]\d{{3,}}", "date": _DATE,
    "number": r"[+-]?\d[\d.,' ]*([eE][+-]?\d+)?",
}  # fmt: skip
SPANS = ("clock", "short clock", "said", "number")
MOST = 2000  # rows that are looked at
_FEW = 40  # different words of an outcome
_WORDS = 12


@dataclass(frozen=True)
class _Column:
    name: str
    cells: tuple[str, ...]

    @cached_property
    def plain(self) -> str:
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.name)
        return " ".join(re.sub(r"[_.\-]", " ", spaced).split()).casefold()

    @cached_property
    def words(self) -> Counter[str]:
        return Counter(cell for cell in self.cells if cell)

    @cached_property
    def kind(self) -> str:
        said = self.words.total()
        for kind, pattern in _KINDS.items():
            fitting = sum(n for cell, n in self.words.items() if re.fullmatch(pattern, cell, re.IGNORECASE))
            if said and fitting >= 0.9 * said:
                return kind
        return "clock" if said and self._clocks >= 0.9 * said else "text"

    @property
    def _clocks(self) -> int:
        either = f"{_KINDS['clock']}|{CLOCK2}"
        return sum(n for cell, n in self.words.items() if re.fullmatch(either, cell))

    @cached_property
    def empty(self) -> int:
        return len(self.cells) - self.words.total()

    @cached_property
    def yes_no(self) -> bool:
        known = {word.casefold() for word in self.words}
        return 0 < len(known) <= 2 and known <= {*TRUE, *FALSE}

    @cached_property
    def cut(self) -> bool:
        return any(re.fullmatch(CUT, word) for word in self.words)

    def named(self, pattern: str, *, last: bool = False) -> bool:
        """Whether a name fits; ``last``: the last one, where records stand within records."""
        place = (
            self.plain.rfind(_Column(self.name.rsplit(".", 1)[-1], ()).plain)
            if last and "." in self.name and " " not in self.name
            else 0
        )
        return bool(re.search(pattern, self.plain[place:]))


def seen_of(names: Sequence[str], rows: Iterable[Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The cells of the first rows by column, empty where nothing is said: what :func:`suggested` looks at."""
    kept: dict[str, list[str]] = {name: [] for name in names}
    for row in rows:
        if re.fullmatch(TOTAL_LINE, next((cell for cell in row if cell.strip()), "").strip()):
            continue
        if len({cell for cell in row if cell}) < 2 or [*row][:2] == [*names][:2]:  # a title, or the header again
            continue
        for name, cell in zip(names, [*row, *[""] * len(names)], strict=False):
            bare = cell.strip()
            kept[name].append("" if re.fullmatch(NOTHING, bare, re.IGNORECASE) else bare)
    return {name: tuple(cells) for name, cells in kept.items()}


def sums(names: Sequence[str], seen: Mapping[str, Sequence[str]]) -> str:
    """Why rows look like sums and not like contacts; empty where they do not."""
    columns = [_Column(name, tuple(seen.get(name, ()))) for name in names]
    counts = [
        c
        for c in columns
        if c.named(_COUNTS) and c.kind == "number" and any(word not in ("0", "1") for word in c.words)
    ]
    means = [c for c in columns if c.named(_MEANS)]
    if not counts or (len(counts) == 1 and not means and any(c.plain.endswith(" id") for c in columns)):
        return ""
    of = f"{counts[0].name!r} is a number of contacts, such as {counts[0].words.most_common(1)[0][0]}"
    return f"a row is a sum and no contact: {of}{f', {means[0].name!r} a mean' if means else ''}"


def suggested(
    names: Sequence[str], seen: Mapping[str, Sequence[str]], given: Mapping[str, Source] | None = None
) -> dict[str, str]:
    """Canonical column (and ``rows``) -> the line that could stand in a report's TOML; what is ``given`` stays as it is."""
    given = given or {}
    taken = {column for source in given.values() for column in source.read}
    columns = [_Column(name, tuple(seen.get(name, ()))) for name in names if name not in taken]
    lines = {name: written(name, source) for name, source in given.items()}
    free = _Free(columns)
    if "opened_at" not in lines and (line := _opening(free)):
        lines["opened_at"] = line
    if not {"wait_s", "outcome"} <= set(lines):
        found = _wait_and_outcome(free)
        lines = {**found, **lines}
    for name in ("channel", "queue", "customer_key", "handle_s", "contact_id", "promised_s"):
        if name not in lines and (line := _other(free, name)):
            lines[name] = line
    ordered = {name: lines[name] for name in CANONICAL if name in lines}
    return {**ordered, **_direction(columns)}


class _Free:
    """The columns that nothing was read from yet."""

    def __init__(self, columns: Sequence[_Column]) -> None:
        self.all, self.columns = columns, [column for column in columns if column.words]

    def find(self, names: Iterable[str], kinds: Iterable[str], but: str = "") -> _Column | None:
        kinds = tuple(kinds)
        return next(
            (c for pattern in names for c in self.columns
             if c.named(pattern) and (c.kind in kinds or not kinds) and not (but and c.named(but, last=True))), None,
        )  # fmt: skip

    def take(self, *columns: _Column | None) -> None:
        self.columns = [column for column in self.columns if column not in columns]


def _opening(free: _Free) -> str:
    whole = free.find([*_NAMES["opened_at"], ""], ["moment"], rf"{_NO_OPENING}|\butc\b") or free.find(
        [""], ["moment"], _NO_OPENING
    )
    day = free.find([*_NAMES["opened_at"], ""], ["date"], _NO_OPENING)
    clock = free.find(
        [r"time|uhr|zeit|heure|hora|godz|\bora\b|tijd|clock"],
        ["clock", "short clock"],
        rf"{_OTHER_TIMES}|{_NAMES['wait_s'][0]}|durat|dauer|durée",
    )
    if whole is None and day is not None and clock is not None:
        free.take(day, clock)
        return written("opened_at", Source(columns=(day.name, clock.name)))
    found = whole or day
    if found is None:
        return ""
    free.take(found)
    return written("opened_at", Source(columns=(found.name,), zone="UTC" if found.named(r"\butc\b") else ""))


def _wait_and_outcome(free: _Free) -> dict[str, str]:
    wait = free.find(_NAMES["wait_s"][:2], SPANS, _OTHER_TIMES) or free.find(_NAMES["wait_s"][2:], SPANS, _OTHER_TIMES)
    if wait is not None:
        free.take(wait)
        replied = wait if wait.named(_A_REPLY) and wait.empty else None
        outcome = _outcome(free, tickets=wait if replied or wait.named(_A_REPLY) else None)
        said = {"wait_s": written("wait_s", _span(wait, missing="open" if replied else "")) + _unit_asked(wait)}
        return {**said, **({"outcome": outcome} if outcome else {})}
    start = next((c for c in free.all if c.kind == "moment" and c not in free.columns), None)
    answered = free.find([_ANSWERED], ["moment"])
    if start is None or answered is None:
        outcome = _outcome(free, tickets=None)
        return {"outcome": outcome} if outcome else {}
    free.take(answered)
    ended = free.find([_ENDED], ["moment"], "clos|resol|solv|updat")
    unended = sum(not a and not e for a, e in zip(answered.cells, ended.cells, strict=True)) if ended else 1
    if ended is not None and unended * 10 <= answered.empty:
        free.take(ended)
        wait_ = written("wait_s", Source(start=start.name, ends=(answered.name, ended.name)))
        outcome = _outcome(free, tickets=None) or to_line(
            "outcome", column=answered.name, filled="answered", missing="abandoned"
        )
        return {"wait_s": wait_, "outcome": outcome}
    wait_ = written("wait_s", Source(start=start.name, ends=(answered.name,), missing="open"))
    return {"wait_s": wait_, "outcome": to_line("outcome", column=answered.name, filled="answered", missing="open")}


def to_line(name: str, **keys: object) -> str:
    return f"{name} = {to_toml(keys)}"


def _span(column: _Column, *, missing: str = "") -> Source:
    unit = unit_named(column.name)
    # A clock says its unit itself, or is asked about.
    unit = unit if column.kind == "number" or (":" in unit and column.kind != "said") else ""
    return Source(columns=(column.name,), unit=unit, missing=missing)


def _unit_asked(column: _Column) -> str:
    return (
        "  # taken as seconds: the name does not say" if column.kind == "number" and not unit_named(column.name) else ""
    )


def _outcome(free: _Free, *, tickets: _Column | None) -> str:
    """The line of the column that tells best who was answered and who gave up; of tickets without one, the wait's own."""
    told: list[tuple[int, _Column, str]] = []
    flags = [
        c
        for c in free.columns
        if c.yes_no and re.search(rf"{_MEANINGS['outcome']['abandoned']}|{_ANSWERED}|handled", c.plain)
    ]
    for column in flags:
        lost = not column.named("voicemail") and not re.search(
            r"^(?!un)\w*answer|connect|accept|handled|odebran|angenommen", column.plain
        )
        yes, no = ("abandoned", "answered") if lost else ("answered", "abandoned")
        words = {word: yes if word.casefold() in TRUE else no for word in column.words}
        others = [c.name for c in flags if c is not column]
        note = f"  # {listed(map(quoted, others))} may say more" if others else ""
        # Whoever was not answered is known by "answered", not by one way of leaving among several.
        rank = 5 if not lost else 1 if column.named("voicemail") else 4
        # Some tools write nothing for no.
        unsaid = {"missing": no} if column.empty and no not in words.values() else {}
        told.append((rank, column, to_line("outcome", column=column.name, words=words, **unsaid) + note))
    for column in free.columns:
        if column.yes_no or column.kind not in ("text", "number") or len(column.words) > _FEW:
            continue
        means = _meant(_MEANINGS["outcome"], column.words)
        named = column.named(_NAMES["outcome"][0])
        both = {"answered", "abandoned"} <= set(means.values())
        if both or (named and means and not (tickets and "abandoned" not in means.values())):
            complete = 2 if len(means) == len(column.words) else 0
            told.append((complete + 3 * both + 2 * named, column, _worded(column, means)))
    if told:
        best = max(told, key=lambda one: one[0])  # of equals the first
        if best[0] > 1:
            free.take(best[1])
            return best[2]
    return to_line("outcome", column=tickets.name, filled="answered", missing="open") if tickets else ""


def _worded(column: _Column, means: Mapping[str, str]) -> str:
    rest = [word for word in column.words if word not in means]
    guess = "answered" if "abandoned" in means.values() else "abandoned"
    note = f"  # a guess: {listed(map(quoted, rest), most=5)}" if rest else ""
    words = {word: meaning for word, meaning in means.items() if word.casefold() != meaning}
    keys: dict[str, object] = {"column": column.name}
    if rest and len(column.words) > _WORDS:
        kept = {word: meaning for word, meaning in means.items() if meaning != guess}
        return to_line("outcome", **keys, words=kept, filled=guess) + note
    words |= dict.fromkeys(rest, guess)
    keys |= {"words": words} if words else {}
    return to_line("outcome", **keys) + note


def _other(free: _Free, name: str) -> str:
    """One line for a column that may be there or not."""
    fitting = [c for pattern in _NAMES[name] for c in free.columns if c.named(pattern)]
    if name in ("handle_s", "promised_s"):
        found = next(
            (c for c in fitting if c.kind in SPANS and not c.named(f"{_MEANS}|resol|%|id$") and not c.cut), None
        )
        line = written(name, _span(found)) + _unit_asked(found) if found else ""
    elif name == "channel":
        found = next(
            (
                c
                for c in fitting
                if len(c.words) <= _WORDS and c.kind == "text" and _meant(_MEANINGS["channel"], c.words)
            ),
            None,
        )
        means = _meant(_MEANINGS["channel"], found.words) if found else {}
        rest = (
            [word for word in found.words if word not in means and word.casefold() not in _MEANINGS["channel"]]
            if found
            else []
        )
        words = {word: meaning for word, meaning in means.items() if word.casefold() != meaning} | dict.fromkeys(
            rest, "other"
        )
        keys = {"words": words} if words else {}
        line = to_line(name, column=found.name, **keys) if found else ""
    elif name == "contact_id":
        found = next(
            (c for c in fitting if len(c.words) * 2 > c.words.total() and c.kind in ("text", "number") and not c.cut),
            None,
        )
        line = to_line(name, column=found.name) if found else ""
    else:
        kinds = ("text", "number")
        found = next((c for c in fitting if c.kind in kinds and not c.cut and (name == "customer_key" or len(c.words) * 3 <= len(c.cells) or c.named("queue"))
                      and not c.named(r"time|durat|position|length")), None)  # fmt: skip
        line = to_line(name, column=found.name) if found else ""
    free.take(found)
    return line


def _direction(columns: Sequence[_Column]) -> dict[str, str]:
    """Calls that the centre makes itself, and calls inside it, wait for nobody."""
    for column in columns:
        words = [word for word in column.words if len(column.words) <= _WORDS]
        inbound = [word for word in words if re.fullmatch(_INBOUND, word, re.IGNORECASE)]
        if inbound and any(re.fullmatch(_OTHERWISE, word, re.IGNORECASE) for word in words):
            return {"rows": to_line("rows", **{column.name: inbound})}
    return {}


def meant_by(name: str, words: Iterable[str]) -> dict[str, str]:
    """What words of ``outcome``, ``channel`` or ``reply`` could mean; one that nobody knows gets the likeliest meaning."""
    words = list(words)[:_WORDS]
    means = _meant(_MEANINGS.get(name, {}), words)
    rest = {"outcome": "answered" if "abandoned" in means.values() else "abandoned", "channel": "other"}.get(
        name, "none"
    )
    return {word: means.get(word, rest) for word in words}


def _meant(meanings: Mapping[str, str], words: Iterable[str]) -> dict[str, str]:
    found = {}
    for word in words:
        meaning = next(
            (m for m, pattern in meanings.items() if re.search(pattern, word.replace("_", " "), re.IGNORECASE)), None
        )
        if meaning:
            found[word] = meaning
    return found
