"""Rules on the cells of a survey: ticks, joined choices, numbers, and what is not carried on.

Nothing is guessed where two readings are possible: it is said what is to be answered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from cxresearch.contacts import quoted
from cxresearch.survey.exports import FREE, PERSONAL
from cxresearch.survey.mapping import SurveyError, as_word, meant

POSITIVE = {
    "yes",
    "y",
    "ja",
    "j",
    "oui",
    "sí",
    "si",
    "sim",
    "true",
    "1",
    "x",
    "✓",
    "quoted",
    "selected",
    "checked",
    "ticked",
    "mentioned",
}
NEGATIVE = {"no", "n", "nein", "non", "não", "nao", "false", "0", "not quoted", "not selected", "unchecked", "not checked", "unticked",
            "not ticked", "not mentioned"}  # fmt: skip
SEEN = "-99"  # Qualtrics: the question was seen and left empty
NOT_ASKED = {"n/a", "not asked", "not applicable", "not shown"}
MOST_CHOICES = 30
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.\w+|\d{1,3}(\.\d{1,3}){3}|(\+\d|0\d)[\d ()/-]{7,}\d")
_PERSONAL = re.compile(
    r"(your |full |first |last |sur|vor|nach|user ?)?name|(your )?e-?mail( address)?|e-?mail-?adresse|(your )?(phone|telephone|mobile)( number)?"
    r"|telefon(nummer)?|ip( address)?|(postal |home |street )?address|adresse|date of birth|geburtsdatum|birthday|latitude|longitude",
    re.IGNORECASE,
)
# What a form says before it names what it wants: "Please enter your ...".
_LEAD = re.compile(
    r"^(\W*(q?\d+\W+)?((what('|’)?s?|which|is|are|was|please|kindly|bitte|enter|type|write|fill|give|state|provide|leave|tell|share|us|me|in|out"
    r"|may|can|could|would|we|i|you|like|to|have|know|ask|with|and|or|the|a|my|your|respondent('|’)?s|customer('|’)?s|wie|lautet|ist|deine?|ihre?|geben|sie)\b\W*)*)",
    re.IGNORECASE,
)
# A part of a wording that can only mean a person, whatever stands around it.
_PERSON = re.compile(
    r"((full|first|last|family|given|middle|maiden|user)[ -]?|sur|fore|vor|nach|familien)?name[ns]?( and (sur|last |family )name)?"
    r"|(e-?mail|postal|home|street)[ -]address(es)?|date of birth|birth ?date|birthday|geburtsdatum",
    re.IGNORECASE,
)
_INSIDE = re.compile(
    r"\b((first|last|full|your|family|given|middle|maiden|user|contact|customer|respondent|agent)(('|’)s)?[ -]?name|(sur|fore|vor|nach|familien)namen?"
    r"|name of (the|your) (agent|person|customer|employee|advis[eo]r)|wie hei(ß|ss)(en sie|t du)|(ihr|dein) name|votre (pré)?nom|su nombre"
    r"|e-?mail[ -]?address|e-?mail-?adresse|(phone|telephone|mobile|cell|telefon|handy)[ -]?(number|nummer)"
    r"|date of birth|birth ?date|(home|postal|street) address)s?\b",
    re.IGNORECASE,
)
# These ask about a name or an address, and not for it: "Did they use your first name?"
_ABOUT = re.compile(
    r"\W*(q?\d+\W+)?(if\b.*\b)?(did|do|does|have|has|had|is|are|was|were|how|why|when|where|which|should|hat|haben|war|warum)\b",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"\b(phone|telephone|mobile|cell|fax|whatsapp|tel|telefon\w*|handy\w*|t[ée]l[ée]phone|tel[ée]fono)\b", re.IGNORECASE
)
_DIALLED = re.compile(r"(?=(\D*\d){7})[\d ()+/.\-]+")
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
A_PHONE_NUMBER = 1e6  # and whole: shorter ones are codes, scales and amounts
_FREE = re.compile(
    r"\b(comments?|please (specify|explain|describe|tell)|anything else|in your own words|kommentar|anmerkung)",
    re.IGNORECASE,
)


class UndecidedError(Exception):
    """What must be said before cells can be split; ``choices`` is the best list, to be looked at."""

    def __init__(self, choices: Sequence[str], example: str) -> None:
        super().__init__(example)
        self.choices, self.example = list(choices), example


def counted(values: Iterable[object]) -> dict[str, int]:
    """Words with how often each was said, the most frequent first. Spellings that differ in case are one word."""
    spelled = Counter(map(as_word, values))
    words: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for word, times in spelled.most_common():
        counts[words.setdefault(word.casefold(), word)] += times
    return dict(counts.most_common())


def split_ticks(
    cells: Sequence[str], separator: str, *, tight: bool, known: Sequence[str] = ()
) -> tuple[list[set[str]], list[str], list[bool]]:
    """Cells such as ``"E-mail, Phone"`` -> the choices in each, all choices, and which cells hold something else.

    With ``known`` choices a cell is read by them, the longest first, and what is none of them is something else.
    Without: a tool that writes no blank after its separator (``tight``) is taken at its word, unless two parts are never
    apart; otherwise each part must stand alone in some cell, which proves that it is a choice. Raises UndecidedError.
    """
    if known:
        return _by_known(cells, separator, known)
    pattern = re.escape(separator) + (r"(?! )" if tight else r"\s*")
    parts = [[" ".join(part.split()) for part in re.split(pattern, cell) if part.strip()] for cell in cells]
    one_word = {word.casefold(): word for word in counted(part for found in parts for part in found)}
    parts = [[one_word[part.casefold()] for part in found] for found in parts]
    choices = list(dict.fromkeys(part for found in parts for part in found))
    alone = {found[0] for found in parts if len(found) == 1}
    glued = _glued(parts)
    unsure = [a for pair in glued for a in pair] if tight else [choice for choice in choices if choice not in alone]
    if unsure:
        example = next(cell for cell, found in zip(cells, parts, strict=True) if set(found) & set(unsure))
        raise UndecidedError(_merged(choices, glued, separator), example)
    return [set(found) for found in parts], choices, [False] * len(parts)


def _glued(parts: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """Pairs of which neither is ever without the other beside it: one choice with the separator in it, perhaps."""
    before: dict[str, set[str]] = {}
    after: dict[str, set[str]] = {}
    for found in parts:
        for place, part in enumerate(found):
            before.setdefault(part, set()).add(found[place - 1] if place else "")
            after.setdefault(part, set()).add(found[place + 1] if place + 1 < len(found) else "")
    return [
        (part, following)
        for part, nexts in after.items()
        for following in nexts
        if following and len(nexts) == 1 and before[following] == {part}
    ]


def _merged(choices: Sequence[str], glued: Sequence[tuple[str, str]], separator: str) -> list[str]:
    followed = dict(glued)
    later = set(followed.values())
    merged = []
    for choice in choices:
        if choice in later:
            continue
        whole, last = choice, choice
        while last in followed:
            last = followed[last]
            whole = f"{whole}{separator} {last}"
        merged.append(whole)
    return merged


def _by_known(
    cells: Sequence[str], separator: str, known: Sequence[str]
) -> tuple[list[set[str]], list[str], list[bool]]:
    longest = sorted(known, key=len, reverse=True)
    end = rf"\s*(?:{re.escape(separator)}\s*|$)"
    patterns = [(choice, re.compile(re.escape(choice) + end, re.IGNORECASE)) for choice in longest]
    ticks, others = [], []
    for cell in cells:
        left, found, other = " ".join(cell.split()), set(), False
        while left:
            fit = next(((choice, m) for choice, pattern in patterns if (m := pattern.match(left))), None)
            if fit:
                found.add(fit[0])
                left = left[fit[1].end() :]
            else:
                other = True
                left = re.split(rf"{re.escape(separator)}\s*", left, maxsplit=1)[1] if separator in left else ""
        others.append(other)
        ticks.append(found)
    return ticks, list(known), others


def block(
    cells: pd.DataFrame, choices: Mapping[str, str], *, file_shows: bool
) -> tuple[pd.DataFrame, pd.Series] | None:
    """Columns of one question, of which each stands for a choice -> 0/1/missing, and the rows nothing is said of.

    None where they are no ticks. A row with a tick, an explicit no or the mark of a question seen (``-99``) was asked; so
    an empty one in a question that has explicit noes, or in a file that has such marks (``file_shows``), was not.
    """
    words = cells.map(lambda cell: as_word(cell).casefold() if isinstance(cell, str) or not pd.isna(cell) else "")
    no = words.isin(NEGATIVE)
    empty = words.isin(["", SEEN, *NOT_ASKED])
    yes = ~no & ~empty
    for name in cells:
        values = set(words[name][yes[name]])
        if len(values) > 1 or not values <= POSITIVE | {as_word(choices[name]).casefold()}:
            return None
    if not yes.to_numpy().any():
        return None
    seen = (words == SEEN).any(axis=1)
    asked = yes.any(axis=1) | no.any(axis=1) | seen
    ticks = yes.astype(float).where(asked, np.nan)
    # A single "N/A" of a question otherwise answered is a choice that was not on offer.
    ticks = ticks.mask(words.isin(NOT_ASKED))
    shown = file_shows or no.to_numpy().any()
    said_not = words.isin(NOT_ASKED).all(axis=1)
    unknown = ~asked & ~said_not & (not shown)
    return ticks, unknown


def only_ticks(given: pd.Series) -> pd.Series | None:
    """1 where a cell says the one thing that any cell of its column says, else missing; None where that is no tick.

    Nothing else in such a column shows whether an empty cell is a no, or nobody was asked.
    """
    values = given.dropna().unique()
    if len(values) != 1 or given.notna().all():
        return None
    tick = as_word(values[0]).casefold()
    numeric = pd.api.types.is_numeric_dtype(given)
    if tick in NEGATIVE or (numeric and tick != "1"):
        return None
    return given.notna().astype(float).where(given.notna())


def filter_of(unknown: pd.Series, others: pd.DataFrame) -> dict[str, list[str]] | None:
    """The question whose answers could say who was asked: some answers of it never go with a tick. None where none could."""
    best: tuple[int, dict[str, list[str]]] | None = None
    for name in others:
        texts = others[name]
        given = texts.notna()
        if not 1 < texts[given].nunique() <= 7:
            continue
        empty = unknown[given].groupby(texts[given]).mean()
        never = [level for level, share in empty.items() if share == 1]
        asked = [str(level) for level, share in empty.items() if share < 1]
        explained = int(texts.isin(never).sum())
        if never and asked and (best is None or explained > best[0]):
            best = explained, {str(name): asked}
    return best[1] if best else None


def separator_of(texts: Iterable[str], tool_has: str) -> tuple[str, bool] | None:
    """The separator in joined cells, and whether the tool writes it without a blank; None where there is none."""
    cells = list(texts)
    if _with_thousands(cells):
        return None
    if tool_has and any(re.search(re.escape(tool_has) + r"(?! )", cell) for cell in cells):
        return tool_has, True
    for separator in (";", "|"):
        if any(separator in cell for cell in cells):
            return separator, False
    different = sorted(set(cells))
    seen = Counter(part for cell in different for part in {part.strip() for part in cell.split(",")})
    # A comma alone is also one in a sentence: it joins choices only where a part comes again in another cell.
    joins = any("," in cell and any(seen[part.strip()] > 1 for part in cell.split(",")) for cell in different)
    return (",", False) if joins else None


def _with_thousands(texts: Iterable[str]) -> bool:
    """Whether cells are numbers, some with commas at their thousands, and no codes: of those each stands alone somewhere."""
    cells = {text.strip() for text in texts}
    grouped = {cell for cell in cells if "," in cell}
    if not grouped or not all(_THOUSANDS.fullmatch(cell) for cell in grouped):
        return False
    if not all(re.fullmatch(r"-?\d+(\.\d+)?", cell) for cell in cells - grouped):
        return False
    return not {part for cell in grouped for part in cell.split(",")} <= cells


def looks_joined(texts: Sequence[str], tool_has: str) -> bool:
    """Whether cells are joined choices and no sentences with commas: few parts, each of them often."""
    found = separator_of(texts, tool_has)
    if found is None:
        return False
    parts = Counter(part.strip() for text in texts for part in text.split(found[0]) if part.strip())
    return len(parts) <= MOST_CHOICES and 2 * len(parts) <= parts.total()


def why_dropped(name: str, text: str, cells: pd.Series, *, comma: bool = False) -> str:
    """Why a column of answers is not carried on: "personal", "free text" or "nearly all differ"; "" where it is."""
    personal = any(_asks_for_a_person(words) for words in (name, text))
    texts = [cell.strip() for cell in cells.dropna() if isinstance(cell, str)]
    numbers = as_numbers(cells, comma=comma) if texts else cells.dropna()
    phone = _PHONE.search(name) or _PHONE.search(text)
    if numbers is not None:
        strict = any(_PERSONAL.fullmatch(_bare(words)) for words in (name, text))
        if strict and not numbers.dropna().isin([0, 1]).all():
            return PERSONAL
        return PERSONAL if (personal or phone) and _dialled(numbers.dropna()) else ""
    different = set(texts)
    ticks = {cell.casefold() for cell in different} <= POSITIVE | NEGATIVE
    # One word in all cells may be a tick of what the column is called; a name is none.
    one = len(different) == 1 and not re.search(r"name|hei(ß|ss)", f"{name} {text}", re.IGNORECASE)
    if any(_ADDRESS.fullmatch(cell) for cell in different) or (personal and not ticks and not one):
        return PERSONAL
    if phone and 2 * sum(bool(_DIALLED.fullmatch(cell)) for cell in texts) > len(texts):
        return PERSONAL
    words = sorted(len(cell.split()) for cell in texts)
    many = len(different) * 2 > len(texts)
    if (
        _FREE.search(name)
        or _FREE.search(text)
        or max(map(len, different)) > 120
        or (many and words[len(words) // 2] >= 3)
    ):
        return FREE
    differ = many and (len(different) > 7 or len(different) == len(texts) > 2)
    return "nearly all differ" if differ else ""


def _bare(words: str) -> str:
    """A wording without what leads to it."""
    return words[_LEAD.match(words).end() :].strip(" ?:*.") or words.strip(" ?:*.")  # type: ignore[union-attr]


def _asks_for_a_person(words: str) -> bool:
    """Whether a wording asks for somebody's name or address, and not about it."""
    if _PERSONAL.fullmatch(words.strip(" ?:*.")) or _PERSONAL.fullmatch(_bare(words)):
        return True
    words = words.replace("_", " ")
    parts = [part for part in re.split(r"[?.:!;,()\[\]–]| - ", words) if part.strip()]
    return any(_PERSON.fullmatch(_bare(part)) or (_INSIDE.search(part) and not _ABOUT.match(part)) for part in parts)


def _dialled(numbers: pd.Series) -> bool:
    """Whether numbers are those of phones, by most of them."""
    if not pd.api.types.is_numeric_dtype(numbers):
        return False
    return bool(((numbers >= A_PHONE_NUMBER) & (numbers % 1 == 0)).mean() > 0.5)


def as_numbers(cells: pd.Series, *, comma: bool = False) -> pd.Series | None:
    """Text cells as numbers where all that are there are. ``comma``: it may be a decimal one, unless all cells can mean
    thousands."""
    texts = cells.dropna()
    if texts.empty:
        return None
    if comma and texts.astype(str).str.fullmatch(r"\s*-?\d+(,\d+)?\s*").all() and texts.str.contains(",").any():
        if texts.str.fullmatch(r"\s*-?\d{1,3}(,\d{3})?\s*").all():
            return None
        cells = cells.str.replace(",", ".", regex=False)
    if not comma and _with_thousands(texts.astype(str)):
        cells = cells.str.replace(",", "", regex=False)
    numbers = pd.to_numeric(cells, errors="coerce")
    return numbers if (numbers.notna() == cells.notna()).all() else None


def choice_share(cells: pd.Series, choice: Sequence[str], *, where: str, known: Sequence[str] = ()) -> pd.Series:
    """1 where a cell is one of ``choice``, 0 where it is another answer, missing where it is none.

    Raises SurveyError for a choice that nobody gave, with the one that was meant, unless it is ``known`` or a number.
    """
    words = cells.map(as_word, na_action="ignore")
    folded = words.map(str.casefold, na_action="ignore")
    for one in choice:
        number = pd.api.types.is_numeric_dtype(cells) and re.fullmatch(r"-?\d+(\.\d+)?", one)
        if one.casefold() not in {*folded.dropna(), *map(str.casefold, known)} and not number:
            there = list(dict.fromkeys(words.dropna()))
            raise SurveyError(
                f"survey: {where}: nobody answered {quoted(one)}{meant(one, there)}; "
                f"there {'is' if len(there) == 1 else 'are'} {', '.join(map(quoted, there[:10]))}."
            )
    return folded.isin([one.casefold() for one in choice]).astype(float).where(cells.notna())
