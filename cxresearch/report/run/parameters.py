"""What a report is made of and what may be set: TOML and parameters cells read, every value checked before a kernel starts."""

from __future__ import annotations

import ast
import contextlib
import difflib
import keyword
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import nbformat

from cxresearch.contacts import PERIOD_KINDS
from cxresearch.exhibits import check_targets
from cxresearch.report.run.destinations import check_destinations, measured
from cxresearch.report.run.errors import ParameterError
from cxresearch.report.run.limits import between, limits_of
from cxresearch.report.run.notebooks import read_notebook

PASSWORD = "CXRESEARCH_SMTP_PASSWORD"  # noqa: S105 the name of the variable, not what it holds
SCALARS = ("bool", "int", "float", "str", "date")


@dataclass(frozen=True)
class Declared:
    """One line of a parameters cell: its annotation as text, and its default."""

    annotation: str
    default: Any


@dataclass(frozen=True)
class Report:
    """``reports/NAME.toml``, checked. ``parameters`` holds what the file sets; ``declared`` all that can be set."""

    name: str
    title: str
    organisation: str
    period: str
    notebooks: tuple[Path, ...]
    may_fail: tuple[str, ...]
    headlines: tuple[str, ...]
    inputs: tuple[str, ...]
    cell_timeout_s: float
    run_timeout_s: float
    retries: int
    parameters: dict[str, Any]
    ranges: dict[str, tuple[Any, Any]]
    columns: dict[str, Any]
    brand: dict[str, Any]
    language: str
    email: dict[str, Any]
    store: str
    pdf: bool
    publish_notebooks: bool
    environment: tuple[str, ...]
    declared: dict[str, Declared] = field(repr=False)
    targets: dict[str, float] = field(default_factory=dict)
    survey: dict[str, Any] = field(default_factory=dict)
    prices: dict[str, Any] = field(default_factory=dict)
    actions: list[dict[str, Any]] = field(default_factory=list)
    history: str = ""
    alerts: dict[str, float] = field(default_factory=dict)
    messages: dict[str, Any] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, Any]:
        """Tables of the TOML that its notebooks take as they stand, where they are set."""
        found = {"targets": self.targets, "survey": self.survey, "prices": self.prices, "actions": self.actions}
        return {name: value for name, value in found.items() if value}


VERSION = "version"  # in the place of a period: a report that reads no log, whose folder is the version of what it read
# Filled by the runner for every notebook that declares them.
GIVEN_BY_RUNNER = ("period", "columns", "targets", "survey", "prices", "actions")


def load_report(name: str, root: Path) -> Report:
    """Read and check ``root/reports/NAME.toml`` and the notebooks it names. Raises ParameterError."""
    folder = root / "reports"
    names = sorted(p.stem for p in folder.glob("*.toml"))
    if name not in names:
        raise ParameterError(
            f"there is no report {name!r} in {folder}{_like(name, names)}. There is {', '.join(names) or 'none'}."
        )
    path = folder / f"{name}.toml"
    try:
        text = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path}: {error}.") from error
    known = {
        "title": str, "organisation": str, "period": str, "notebooks": list, "may_fail": list, "headlines": list,
        "inputs": list, "cell_timeout_s": (int, float), "run_timeout_s": (int, float), "retries": int,
        "parameters": dict, "ranges": dict, "columns": dict, "targets": dict, "survey": dict, "prices": dict, "actions": list,
        "brand": dict, "language": str, "email": dict, "store": str, "history": str, "alerts": dict, "messages": dict, "pdf": bool,
        "publish_notebooks": bool, "environment": list,
    }  # fmt: skip
    for key, value in text.items():
        if key not in known:
            raise ParameterError(f"{path}: unknown key {key!r}{_like(key, known)}; known are {', '.join(known)}.")
        if not isinstance(value, known[key]) or isinstance(value, bool) != (known[key] is bool):  # type: ignore[arg-type]
            raise ParameterError(f"{path}: {key} has the wrong type; got {value!r}.")
    for key in ("title", "period", "notebooks"):
        if not text.get(key):
            raise ParameterError(f"{path}: {key} is missing.")
    for key, least in (("cell_timeout_s", 1), ("run_timeout_s", 1), ("retries", 0)):
        if not text.get(key, least) >= least:
            raise ParameterError(f"{path}: {key} is a number from {least}; got {text[key]!r}.")
    if text["period"] not in (*PERIOD_KINDS, VERSION):
        raise ParameterError(f"{path}: period is one of {', '.join((*PERIOD_KINDS, VERSION))}; got {text['period']!r}.")
    notebooks = tuple(root / "notebooks" / f"{n}.ipynb" for n in text["notebooks"])
    for notebook in notebooks:
        if not notebook.is_file():
            raise ParameterError(f"{path}: there is no notebook {notebook.name} in {notebook.parent}.")
    may_fail = tuple(text.get("may_fail", ()))
    if strange := sorted(set(may_fail) - set(text["notebooks"])):
        raise ParameterError(f"{path}: may_fail names {', '.join(strange)}, not among its notebooks.")
    declared: dict[str, Declared] = {}
    for notebook in notebooks:
        for key, line in declared_parameters(read_notebook(notebook), notebook.name).items():
            if key in declared and declared[key].annotation != line.annotation:
                raise ParameterError(
                    f"{key} is {declared[key].annotation} in one notebook, {line.annotation} in another."
                )
            declared.setdefault(key, line)
    parameters = check_parameters(text.get("parameters", {}), declared, str(path), root)
    targets, alerts = _targets(text, declared, path), check_destinations(text, declared, path)
    _check_survey(text, declared, path)
    _check_decisions(text, declared, path)
    ranges = check_ranges(text.get("ranges", {}), declared, str(path))
    in_range({n: line.default for n, line in declared.items()} | parameters, ranges, str(path))
    return Report(
        name=name, title=text["title"], organisation=text.get("organisation", ""), period=text["period"],
        notebooks=notebooks, may_fail=may_fail, headlines=tuple(text.get("headlines", ())),
        inputs=tuple(text.get("inputs", ())), cell_timeout_s=float(text.get("cell_timeout_s", 600)),
        run_timeout_s=float(text.get("run_timeout_s", 3600)), retries=text.get("retries", 1),
        parameters=parameters, ranges=ranges, columns=text.get("columns", {}), targets=targets, survey=text.get("survey", {}),
        prices=text.get("prices", {}), actions=text.get("actions", []), brand=text.get("brand", {}), language=text.get("language", "en"), email=text.get("email", {}), store=text.get("store", ""),
        history=text.get("history", ""), alerts=alerts, messages=text.get("messages", {}), pdf=text.get("pdf", False),
        publish_notebooks=text.get("publish_notebooks", True),
        environment=check_environment(text.get("environment", []), str(path)), declared=declared,
    )  # fmt: skip


def check_environment(names: list[Any], where: str) -> tuple[str, ...]:
    """The variables that notebooks are given beside the usual ones; the mail's password is none of them."""
    for name in names:
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise ParameterError(f"{where}: environment is a list of names of variables; got {name!r}.")
        if name == PASSWORD:
            raise ParameterError(f"{where}: {PASSWORD} is for the mail server, and no notebook is given it.")
    return tuple(names)


def check_name(name: str) -> None:
    """Raises ParameterError where a report cannot be called so."""
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", name):
        raise ParameterError(f"{name!r} is no name for a report; letters, digits, - and _ make one.")


def declared_parameters(notebook: nbformat.NotebookNode, name: str = "the notebook") -> dict[str, Declared]:
    """Every parameter of the cell tagged ``parameters``: one typed literal a line. Raises ParameterError otherwise."""
    cells = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    if len(cells) != 1:
        raise ParameterError(f"{name} has {len(cells)} cells tagged 'parameters'; it needs exactly one.")
    found = {}
    for line in ast.parse(cells[0].source).body:
        if not (isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value is not None):
            raise ParameterError(
                f"{name}: a parameter is written 'name: type = literal'; got {ast.unparse(line)!r}. A value worked "
                "out from others belongs in a later cell: papermill sets parameters after this one."
            )
        try:
            default = ast.literal_eval(line.value)
        except ValueError as error:
            raise ParameterError(f"{name}: the default of {line.target.id} is no literal.") from error
        annotation = _unquoted(line.annotation)
        if not accepts(annotation, default):
            raise ParameterError(f"{name}: the default of {line.target.id} is {default!r}, not {annotation}.")
        if SECRET_NAME.search(line.target.id):
            raise ParameterError(f"{name}: {line.target.id} looks like a secret. {NO_SECRETS}")
        found[line.target.id] = Declared(annotation, default)
    return found


def _unquoted(annotation: ast.expr) -> str:
    """The annotation as text. ``"date"`` and ``"Literal['a', 'b']"`` stand in quotes: their cell imports nothing."""
    quoted = isinstance(annotation, ast.Constant) and isinstance(annotation.value, str)
    return annotation.value if quoted else ast.unparse(annotation)  # type: ignore[attr-defined]


def check_parameters(
    given: Mapping[str, Any], declared: Mapping[str, Declared], where: str, root: Path | None = None
) -> dict[str, Any]:
    """``given`` where every name is declared and every value of its type (an int is a float, never a bool). ``root``: the
    checkout, whose other reports are named where one of them takes what this one does not."""
    checked = {}
    for name, value in given.items():
        line = _declared(name, declared, where, root)
        if isinstance(value, date) and not isinstance(value, datetime):
            value = value.isoformat()  # TOML has dates of its own; the notebook gets the text
        if not accepts(line.annotation, value):
            raise ParameterError(f"{where}: {name} should be {line.annotation}; got {value!r}.")
        _refuse_secret(name, value, where)
        checked[name] = float(value) if line.annotation == "float" else value
    return checked


def _targets(text: Mapping[str, Any], declared: Mapping[str, Declared], path: Path) -> dict[str, float]:
    """The table ``[targets]``, which a notebook must take. Raises ParameterError."""
    if "targets" in text.get("parameters", {}):
        raise ParameterError(f"{path}: targets are a table of their own: write [targets], not [parameters] targets.")
    if text.get("targets") and "targets" not in declared:
        raise ParameterError(
            f"{path}: [targets] is set, and none of its notebooks takes targets; add 05-executive-summary (of tickets 07-when-are-tickets-answered) to notebooks, or "
            "take the table out."
        )
    try:
        return check_targets(text.get("targets", {}), measured(declared))
    except ValueError as error:
        raise ParameterError(f"{path}: {error}") from error


def _check_survey(text: Mapping[str, Any], declared: Mapping[str, Declared], path: Path) -> None:
    """The table ``[survey]``, which a notebook must take, and a report without a period, which reads no log."""
    if "survey" in text.get("parameters", {}):
        raise ParameterError(f"{path}: survey is a table of its own: write [survey], not [parameters] survey.")
    if text.get("survey") and "survey" not in declared:
        others = _taken_by("survey", path.parents[1])
        there = f"; it belongs to {' or '.join(others)}" if others else ""
        raise ParameterError(
            f"{path}: [survey] is set, and none of its notebooks takes a survey; take the table out{there}."
        )
    reads = text.get("inputs") or [name for name in declared if name.endswith("_file")]
    if text["period"] == VERSION and (not reads or {"log", "period"} & set(declared)):
        raise ParameterError(
            f'{path}: period = "{VERSION}" is for notebooks that read files, and neither a log nor a period; write one '
            f"of {', '.join(PERIOD_KINDS)}."
        )


def _check_decisions(text: Mapping[str, Any], declared: Mapping[str, Declared], path: Path) -> None:
    """The tables ``[prices]`` and ``[[actions]]``, which a notebook must take."""
    if not {"prices", "actions"} & (set(text) | set(text.get("parameters", {}))):
        return
    from cxresearch.decisions import ActionError, checked_prices, own_actions  # its imports are not for every command

    for name, written, read in (("prices", "[prices]", checked_prices), ("actions", "[[actions]]", own_actions)):
        if name in text.get("parameters", {}):
            raise ParameterError(f"{path}: {name} are tables of their own: write {written}, not [parameters] {name}.")
        if not text.get(name):
            continue
        if name not in declared:
            raise ParameterError(f"{path}: none of its notebooks takes {name}; add 06-what-to-do-first for it.")
        try:
            read(text[name])
        except ActionError as error:
            raise ParameterError(f"{path}: {error}") from error


def check_ranges(given: Mapping[str, Any], declared: Mapping[str, Declared], where: str) -> dict[str, tuple[Any, Any]]:
    """The table ``[ranges]``: ``name = [lowest, highest]``, both allowed; ``inf`` and ``-inf`` leave an end open.

    For int, float and date parameters, and for every item of a list of them. Where it names none, those of
    ``limits.LIMITS`` hold. Raises ParameterError.
    """
    ranges = limits_of({name: line.annotation for name, line in declared.items()})
    for name, ends in given.items():
        _declared(name, declared, where)
        if not (isinstance(ends, list) and len(ends) == 2):
            raise ParameterError(f"{where}: the range of {name} is [lowest, highest]; got {ends!r}.")
        low, high = (end.isoformat() if isinstance(end, date) else end for end in ends)
        numbers = all(type(end) in (int, float) for end in (low, high))
        dates = all(isinstance(end, str) and _is_date(end) for end in (low, high))
        if not (numbers or dates) or not low <= high:
            raise ParameterError(f"{where}: range {name}: two numbers or two dates, the lower one first; got {ends!r}.")
        ranges[name] = (low, high)
    return ranges


def in_range(values: Mapping[str, Any], ranges: Mapping[str, tuple[Any, Any]], where: str) -> None:
    """Raise ParameterError for a value outside its range; None has no size."""
    for name in ranges.keys() & values.keys():
        low, high = ranges[name]
        value = values[name]
        for item in value if isinstance(value, list) else [value]:
            if item is None:
                continue
            if isinstance(item, str) != isinstance(low, str) or isinstance(item, bool | dict):
                raise ParameterError(f"{where}: {name} is {item!r}, which its range {low} to {high} cannot judge.")
            if not low <= item <= high:
                raise ParameterError(f"{where}: {name} should be {between(low, high)}; got {item!r}.")


# A parameter stands in the notebook, in run.json and on the page: no place for these.
SECRET_NAME = re.compile(
    r"(?i)(?:^|_)(?:password|passwd|pwd|passphrase|secret|credentials?|token|api_?key|private_key)(?:_|$)"
)
SECRET_VALUE = re.compile(
    r"(?P<url>[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@)|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_\w{36,}|\bxox[abprs]-[\w-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\."
)
NO_SECRETS = "A parameter is written into the notebook, run.json and the page: let the notebook read a secret from its environment."


def _refuse_secret(name: str, value: Any, where: str) -> None:
    for text in value if isinstance(value, list) else [value]:
        if not isinstance(text, str):
            continue
        if SECRET_VALUE.search(text):
            raise ParameterError(f"{where}: the value of {name} looks like a secret. {NO_SECRETS}")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ParameterError(f"{where}: {name} is not text in UTF-8: {text!r}.") from error


def parse_settings(
    settings: Sequence[str], declared: Mapping[str, Declared], ranges: Mapping[str, tuple[Any, Any]] | None = None,
    root: Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """``name=value`` texts of the command line, read by the declared type: for bool only true and false."""
    parsed: dict[str, Any] = {}
    for setting in settings:
        name, sign, text = setting.partition("=")
        if not sign:
            raise ParameterError(f"--set takes name=value; got {setting!r}.")
        line = _declared(name, declared, "--set", root)
        if name in GIVEN_BY_RUNNER:
            raise ParameterError(
                f"{name} is set by the run itself; use --period for the period, and the tables [columns], [targets], [prices], [[actions]] "
                "or [survey] of the report's TOML for these."
            )
        if name in parsed:
            raise ParameterError(f"--set {name} was given twice.")
        parsed[name] = read_text(text, line.annotation, name)
        _refuse_secret(name, parsed[name], "--set")
    in_range(parsed, ranges or {}, "--set")
    return parsed


def _declared(name: str, declared: Mapping[str, Declared], where: str, root: Path | None = None) -> Declared:
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ParameterError(f"{where}: {name!r} cannot be the name of a parameter.")
    if name not in declared:
        if others := _taken_by(name, root):
            raise ParameterError(
                f"{where}: {name} is no parameter of this report but of {' and '.join(others)}: write "
                f"cxresearch report {others[0]} --set {name}=..."
            )
        raise ParameterError(
            f"{where}: unknown parameter {name!r}{_like(name, declared)}; there is {', '.join(sorted(declared))}."
        )
    return declared[name]


def _taken_by(name: str, root: Path | None) -> list[str]:
    """The reports of the checkout of which a notebook declares the parameter; one that cannot be read takes none."""
    found = []
    for path in sorted((root / "reports").glob("*.toml")) if root else []:
        with contextlib.suppress(OSError, ValueError, TypeError, SyntaxError):
            notebooks = tomllib.loads(path.read_text(encoding="utf-8")).get("notebooks", [])
            cells = [read_notebook(root / "notebooks" / f"{one}.ipynb") for one in notebooks]  # type: ignore[operator]
            if any(name in declared_parameters(cell) for cell in cells):
                found.append(path.stem)
    return found


def accepts(annotation: str, value: Any) -> bool:
    """Whether a value is of an annotation: bool, int, float, str, date (ISO text), list[...], Literal[...], X | None."""
    tree = ast.parse(annotation, mode="eval").body
    return _accepts(tree, value)


def _accepts(tree: ast.expr, value: Any) -> bool:
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.BitOr):
        return _accepts(tree.left, value) or _accepts(tree.right, value)
    if isinstance(tree, ast.Constant) and tree.value is None:
        return value is None
    if isinstance(tree, ast.Subscript) and isinstance(tree.value, ast.Name):
        if tree.value.id == "list":
            return isinstance(value, list) and all(_accepts(tree.slice, v) for v in value)
        if tree.value.id == "Literal":
            return any(type(value) is type(choice) and value == choice for choice in _choices(tree))
    if isinstance(tree, ast.Name):
        if tree.id == "float":
            return type(value) in (float, int) and value == value and abs(value) != float("inf")
        if tree.id == "date":
            return isinstance(value, str) and _is_date(value)
        if tree.id in SCALARS:
            return type(value).__name__ == tree.id
        if tree.id in ("list", "dict"):
            return type(value).__name__ == tree.id
    raise ParameterError(f"annotation {ast.unparse(tree)!r} is not known; use {', '.join(SCALARS)}, list[...], "
                         "Literal[...] or a union with None.")  # fmt: skip


def _choices(tree: ast.Subscript) -> list[Any]:
    items = tree.slice.elts if isinstance(tree.slice, ast.Tuple) else [tree.slice]
    return [ast.literal_eval(item) for item in items]


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def read_text(text: str, annotation: str, name: str) -> Any:
    """The value that ``text`` means for that annotation. ``007`` stays text for str and is refused for int."""
    for tree in _alternatives(ast.parse(annotation, mode="eval").body):
        value = _read(text, tree)
        if value is not NotImplemented and _accepts(tree, value):
            return value
    raise ParameterError(f"{name} should be {annotation}; got {text!r}.")


def _alternatives(tree: ast.expr) -> list[ast.expr]:
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.BitOr):
        both = [*_alternatives(tree.left), *_alternatives(tree.right)]
        # "none" means None wherever None is allowed, also beside str.
        return sorted(both, key=lambda t: not (isinstance(t, ast.Constant) and t.value is None))
    return [tree]


def _read(text: str, tree: ast.expr) -> Any:
    if isinstance(tree, ast.Constant) and tree.value is None:
        return None if text.lower() in ("none", "null") else NotImplemented
    if isinstance(tree, ast.Subscript) and ast.unparse(tree.value) == "list":
        parts = [p.strip() for p in text.split(",")] if text.strip() else []
        values = [_read(p, tree.slice) for p in parts]
        return NotImplemented if NotImplemented in values else values
    if isinstance(tree, ast.Subscript):
        return next((c for c in _choices(tree) if str(c) == text), NotImplemented)
    kind = tree.id if isinstance(tree, ast.Name) else ""
    if kind in ("str", "date"):
        return text
    if kind == "bool":
        return {"true": True, "false": False}.get(text.lower(), NotImplemented)
    digits = text.strip().lstrip("+-")
    if kind in ("int", "float") and digits and not (digits[0] == "0" and digits[1:2].isdigit()):
        try:
            return int(text) if kind == "int" else float(text)
        except ValueError:
            return NotImplemented
    return NotImplemented


def _like(name: str, names: Any) -> str:
    near = difflib.get_close_matches(name, list(names), n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
