"""What the columns of a log that nobody knows could be, by their names and words: a mapping to look at, never one to use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cxresearch.contacts.canonical import CANONICAL
from cxresearch.contacts.mapping import quoted, unit_named

# Parts of names in the languages of service centres; the first canonical column whose pattern fits takes a column.
_NAMES = {
    "opened_at": r"opened|created|start(ed)? ?(at|time|date)?\b|time ?stamp|call ?time|date|datum|zeit(punkt|stempel)|eingang|beginn|erstellt|fecha|inicio|début|debut|data",
    "wait_s": r"wait|queue ?time|time in queue|hold ?time|speed (of|to) answer|\basa\b|ring ?time|wartezeit|warte ?dauer|espera|attente|attesa|wachttijd",
    "outcome": r"outcome|result|status|disposition|abandon|answered|ergebnis|ausgang|resultado|estado|résultat|resultat|statut|esito",
    "queue": r"queue|skill|group|team|department|line|warteschlange|gruppe|abteilung|cola|file|équipe|coda",
    "channel": r"channel|media|kanal|medium|canal|canale|source|via",
    "customer_key": r"customer|caller|client|requester|\bani\b|phone ?number|kunde|anrufer|cliente|appelant|klant",
    "handle_s": r"handle|talk|service ?time|conversation ?(time|duration)|gespräch|bearbeitung|atención|conversación|traitement",
    "contact_id": r"\bid\b|call ?id|contact ?id|ticket|case|number|vorgang|nummer|numéro",
    "promised_s": r"promis|\bsla\b|target|due",
}  # fmt: skip
_MEANINGS = {
    "outcome": {
        "abandoned": r"abandon|lost|hung ?up|hang ?up|missed|no ?answer|not answered|unanswered|aufgelegt|abgebrochen|verloren|verpasst|nicht (angenommen|beantwortet)|abandonad|perdid|colgad|raccroch|perdu|manqu|opgehangen|gemist",
        "deflected": r"deflect|bot|self ?serv|ivr",
        "open": r"\bopen\b|pending|waiting|wartend|offen|pendiente|en attente|new\b",
        "answered": r"answer|handled|complete|connected|accepted|closed|solved|resolved|talked|angenommen|beantwortet|verbunden|erledigt|gelöst|atendid|contestad|répond|traité|traite|beantwoord|done|yes",
    },
    "channel": {
        "phone": r"phone|voice|call|telefon|anruf|teléfono|téléphone|telefoon", "chat": r"chat|messag", "email": r"e-?mail|mail|correo|courriel",
        "social": r"twitter|facebook|instagram|whatsapp|social|soziale", "web_form": r"web|form|portal|formular|kontaktformular",
        "in_person": r"person|branch|filiale|counter|visit",
    },
}  # fmt: skip


def suggested(names: Sequence[str], words: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Canonical column -> the line that could stand in a report's TOML. ``words``: those seen in each column."""
    lines: dict[str, str] = {}
    taken: set[str] = set()
    for name, pattern in _NAMES.items():
        found = next(
            (c for c in names if c not in taken and re.search(pattern, c.replace("_", " "), re.IGNORECASE)), None
        )
        if found is None:
            continue
        taken.add(found)
        keys, asked = {"column": quoted(found)}, ""
        if name in _MEANINGS and (means := _meant(_MEANINGS[name], words.get(found, ()))):
            keys["words"] = (
                "{ " + ", ".join(f"{quoted(word)} = {quoted(meaning)}" for word, meaning in means.items()) + " }"
            )
        if name in ("wait_s", "handle_s"):
            unit = unit_named(found)
            keys["unit"] = f'"{unit or "s"}"'
            asked = "" if unit else "  # seconds? The name does not say; a clock such as 0:01:39 says it itself"
        lines[name] = f"{name} = {{ {', '.join(f'{key} = {value}' for key, value in keys.items())} }}{asked}"
    return {name: lines[name] for name in CANONICAL if name in lines}


def _meant(meanings: Mapping[str, str], words: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in words:
        meaning = next((m for m, pattern in meanings.items() if re.search(pattern, word, re.IGNORECASE)), None)
        if meaning and word.casefold() != meaning:
            found[word] = meaning
    return found
