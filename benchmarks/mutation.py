"""Change the package's arithmetic one place at a time, and see a test fail: python benchmarks/mutation.py

    python benchmarks/mutation.py                         every target, some ten minutes
    python benchmarks/mutation.py --module group_by --module history
    python benchmarks/mutation.py --module history --list      what would be changed, no test run

Each mutant is one change to one module: an operator, a comparison, a constant, a condition, a `not`, a clause, a
default or a keyword left out, the name of a column. The choice is seeded. It is written into a copy of the checkout,
and the module's own tests run there until one fails (killed) or all pass (survived). A change that no test can see,
since nothing a caller sees differs, is equivalent: it stands in EQUIVALENT with its reason, runs all the same, and is
a problem if a test fails. The score is killed / (mutants - equivalent). Results go to benchmarks/results/mutation.json
and mutation.md, or with --out to a folder; the modules that are not run keep the results they had there.

Why no library, tried in an environment of their own with Python 3.11 and pytest 9: with mutmut 3.8 the mutants of
group_by that were tried all timed out, as it forks them from a process in which DuckDB and Polars have run, whose
threads do not live through a fork. The baseline of cosmic-ray 8.7 runs, but it wants a database and aiohttp, 110 of
its 250 mutants of history put an operator where the types refuse it (`<<` for `|` of two dicts, or for the `**` that
unpacks one), and it changes no column's name. Neither draws a seeded sample or keeps a record of what is equivalent.
"""

from __future__ import annotations

import argparse
import ast
import copy
import json
import multiprocessing
import os
import platform
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SLOW = "not spark"  # Spark takes longer to start than all else to run
LIMIT = 48  # mutants a module

NOT_THE_COPY = 99
# Each run is forked from a process that has imported what takes long and starts no thread by it. No byte code: two
# mutants of one size within one second would share it.
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
os.environ.setdefault("CXRESEARCH_SHARED", str(ROOT.parent / "shared"))
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["pytest", "hypothesis", "pandas", "scipy.stats", "statsmodels.duration.survfunc", "narwhals"]
)

# Module -> the tests that must notice, those by hand first: they are quick to fail.
TARGETS = {
    "cxresearch/risk_table/group_by.py": ["tests/risk_table/test_group_by.py"],
    "cxresearch/risk_table/risk_sets.py": ["tests/risk_table/test_risk_sets.py", "tests/survival/test_curves.py"],
    "cxresearch/survival/curves.py": ["tests/survival/test_quantiles.py", "tests/survival/test_curves.py"],
    "cxresearch/survival/hazard.py": ["tests/survival/test_hazard.py", "tests/survival/test_curves.py"],
    "cxresearch/survival/competing.py": ["tests/survival/test_curves.py"],
    "cxresearch/report/archive/history.py": ["tests/report/archive/test_history.py"],
    "cxresearch/contacts/period_log.py": ["tests/contacts/test_calendar.py", "tests/contacts/test_period_log.py"],
    "cxresearch/contacts/read_once.py": ["tests/contacts/test_period_log.py"],
}
# Changes that are tried whatever the seed chooses: each has once been a mistake that no test saw.
ALWAYS = {
    "cxresearch/risk_table/group_by.py": ("weekday() + {6 -> 7}", "tick_s {== -> !=} 1 and"),
    "cxresearch/report/archive/history.py": ("'failed'{ and r['href'] -> }",),  # complete, and its page is not there
}
# (module, change) -> why nothing a caller sees differs.
EQUIVALENT: dict[tuple[str, str], str] = {
    (
        "cxresearch/contacts/read_once.py",
        "ue, default=str).encode()).hexdigest()[:{24 -> 25}] def _made(reading: Reading,",
    ): "One more digit of a hash in the name of a folder.",
    (
        "cxresearch/contacts/period_log.py",
        "self.cells.to_parquet(folder / CELLS{, index=False -> }) write_json(folder /",
    ): "The cells of a whole period are numbered from 0, which Parquet keeps in no column.",
    (
        "cxresearch/contacts/period_log.py",
        "oupby(keys, as_index=False, dropna=False{, observed=True -> })['contacts'].sum() sl",
    ): "Only a categorical column has values that are not observed, and the counts have none.",
    (
        "cxresearch/contacts/period_log.py",
        "as_index=False, dropna=False, observed={True -> False})['contacts'].sum() sl",
    ): "Only a categorical column has values that are not observed, and the counts have none.",
    (
        "cxresearch/contacts/period_log.py",
        "as_index=False, dropna=False, observed={True -> False}).sum() table.attrs =",
    ): "Only a categorical column has values that are not observed, and the counts have none.",
    (
        "cxresearch/contacts/read_once.py",
        "cells = pd.concat(parts, ignore_index={True -> False}).sort_values('day', kind='sta",
    ): "The sort that follows numbers the rows.",
    (
        "cxresearch/risk_table/group_by.py",
        "'contacts': 'int64'}).reset_index(drop={True -> False})[[*keys, 'contacts']] tab",
    ): "The old index becomes a column that is not among those chosen.",
    (
        "cxresearch/risk_table/risk_sets.py",
        "latnonzero(np.diff(self.group, prepend=-{1 -> 2})) @property def last",
    ): "Groups are numbered from 0: either number before them is another one.",
    (
        "cxresearch/risk_table/risk_sets.py",
        "=True, observed=True).ngroup().to_numpy({dtype=np.int64 -> }) _, first = np.unique(cod",
    ): "pandas numbers groups in int64 already.",
    (
        "cxresearch/risk_table/risk_sets.py",
        "ed(query_group, np.arange(group.max() + {1 -> 2}))[group] if 'entry_s' in",
    ): "One place more than there are groups, which no row asks for.",
    (
        "cxresearch/risk_table/risk_sets.py",
        "return column.to_numpy(dtype=np.float64{, na_value=np.nan -> }) def _outcomes(column: pd.Se",
    ): "pandas 3 makes a missing number NaN by itself; pandas 2 raised.",
    (
        "cxresearch/risk_table/risk_sets.py",
        "ip(outcomes.categories, present, strict={True -> False}) if n)) raise ValueEr",
    ): "Both have one entry a category.",
    (
        "cxresearch/survival/hazard.py",
        "n_s, np.inf)) after[counted.last] = {1 -> 2} if (empty := (after == 0)",
    ): "It is only asked whether it is 0.",
    (
        "cxresearch/survival/curves.py",
        "eturn pd.concat(found).sort_index(kind='{stable -> stable_}').reset_index(drop=True) cla",
    ): "NumPy reads the first letter of a kind of sorting.",
    (
        "cxresearch/risk_table/group_by.py",
        "= total.sort_values(keys, ignore_index={True -> False}) total.attrs['tick_s'] =",
    ): "The sum by group is sorted already, and numbered.",
    (
        "cxresearch/risk_table/risk_sets.py",
        "1))) codes = rows.groupby(list(by), {sort=True, observed -> observed}=True).ngroup().to_numpy(dtype",
    ): "Sorted is what pandas does by itself.",
    (
        "cxresearch/risk_table/risk_sets.py",
        "ype(list(OUTCOMES))).cat.codes.to_numpy({dtype=np.int64 -> }) counted = np.bincount(ke",
    ): "The key that the small number is added to is int64.",
    (
        "cxresearch/survival/curves.py",
        "contacts = rows['contacts'].to_numpy({dtype=float -> })[happened] observed = np.",
    ): "The weighted count that follows is of floats.",
}

SWAPS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.FloorDiv,), ast.Pow: (ast.Mult,), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
    ast.And: (ast.Or,), ast.Or: (ast.And,), ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
}  # fmt: skip


class Mutant(NamedTuple):
    module: str
    line: int
    function: str
    change: str  # the text around it, what it was and what it becomes in braces
    name: bool  # a string was changed
    source: str


def edits(node: ast.AST, columns: bool) -> Iterator[Callable[[Any], None]]:
    """What can be done to one node; each edit takes the same node of a copy. ``columns``: whether strings count."""

    def put(name: str, value: Any) -> Callable[[Any], None]:
        return lambda n: setattr(n, name, value(n) if callable(value) else value)

    match node:
        case ast.BinOp() | ast.AugAssign() | ast.BoolOp():
            yield from (put("op", new()) for new in SWAPS.get(type(node.op), ()))
            if isinstance(node, ast.BoolOp):
                yield lambda n: n.values.pop()
        case ast.Compare(ops=ops):
            for place, op in enumerate(ops):
                yield from (lambda n, p=place, new=new: n.ops.__setitem__(p, new()) for new in SWAPS[type(op)])
        case ast.UnaryOp(op=ast.Not() | ast.Invert()):  # twice is not at all
            yield lambda n: setattr(n, "operand", ast.UnaryOp(copy.copy(n.op), n.operand))
        case ast.If() | ast.IfExp() | ast.While():
            yield put("test", lambda n: ast.UnaryOp(ast.Not(), n.test))
        case ast.comprehension(ifs=[_, *_]):
            yield lambda n: n.ifs.pop()
        case ast.Constant(value=bool()):
            yield put("value", not node.value)
        case ast.Constant(value=int() | float()):
            yield put("value", node.value + 1)
        case ast.Constant(value=str()) if columns and node.value:
            yield put("value", f"{node.value}_")
        case ast.arguments():
            yield from (
                lambda n, p=p: n.kw_defaults.__setitem__(p, None)
                for p, default in enumerate(node.kw_defaults) if default is not None
            )  # fmt: skip
            if node.defaults:
                yield lambda n: n.defaults.pop(0)
        case ast.Call():
            yield from (lambda n, p=p: n.keywords.pop(p) for p, k in enumerate(node.keywords) if k.arg)


def left_alone(tree: ast.AST) -> tuple[set[int], set[int]]:
    """Nodes never changed (annotations, docstrings, ``__all__``), and those whose strings are words for people."""
    never, words = set(), set()
    for node in ast.walk(tree):
        hidden = [getattr(node, name, None) for name in ("annotation", "returns", "format_spec")]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            hidden.append(node.value)
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            hidden.append(node)
        for part in filter(None, hidden):
            never |= {id(inner) for inner in ast.walk(part)}
        if isinstance(node, ast.Raise):
            words |= {id(inner) for inner in ast.walk(node)}
        if isinstance(node, ast.JoinedStr):
            words |= {id(inner) for inner in node.values}
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_refuse":  # a rule and a remedy
            words |= {id(inner) for part in node.args[1:] for inner in ast.walk(part)}
    return never, words


def told(before: str, after: str) -> str:
    """The place where two texts differ, in whole words, with its neighbourhood: ``weekday() + {6 -> 7}) % 7 + 1``."""

    def same(one: str, other: str) -> int:
        return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))

    def kind(text: str) -> str:
        return "word" if re.match(r"[\w.]", text) else "sign" if re.match(r"[<>=!*/+-]", text) else ""

    start = same(before, after)
    end = same(before[start:][::-1], after[start:][::-1])
    while start and kind(before[start - 1]) and kind(before[start - 1]) in (kind(before[start]), kind(after[start])):
        start -= 1
    last, new_last = len(before) - end, len(after) - end
    while last < len(before) and kind(before[last]) and kind(before[last]) in (
        kind(before[max(start, last - 1)]), kind(after[max(start, new_last - 1)])
    ):  # fmt: skip
        last, new_last = last + 1, new_last + 1
    text = (
        f"{before[max(0, start - 40) : start]}{{{before[start:last]} -> {after[start:new_last]}}}{before[last:][:30]}"
    )
    return re.sub(r"\s+", " ", text).strip()


def mutants_of(module: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its text."""
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    never, words = left_alone(tree)
    plain = ast.unparse(tree)
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    found: dict[str, Mutant] = {}
    seen: Counter[str] = Counter()
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in never:
            continue
        for place in range(sum(1 for _ in edits(node, id(node) not in words))):
            changed = copy.deepcopy(tree)
            other = next(n for i, n in enumerate(ast.walk(changed)) if i == number)
            list(edits(other, id(node) not in words))[place](other)
            source = ast.unparse(ast.fix_missing_locations(changed))
            if source in found:
                continue
            line = getattr(node, "lineno", getattr(getattr(node, "target", None), "lineno", 0))
            if isinstance(node, ast.arguments):
                line = next(f.lineno for f in functions if f.args is node)
            inside = [f for f in functions if f.lineno <= line <= (f.end_lineno or 0)]
            change = told(plain, source)
            seen[change] += 1
            change += f" (#{seen[change]})" if seen[change] > 1 else ""
            name = isinstance(node, ast.Constant) and isinstance(node.value, str)
            found[source] = Mutant(module, line, inside[-1].name if inside else "", change, name, source)
    return sorted(found.values(), key=lambda mutant: (mutant.line, mutant.change))


def chosen(module: str, limit: int, seed: int) -> list[Mutant]:
    """The seeded choice of a module's mutants, with those that are always tried."""
    every = mutants_of(module)
    must = [next(m for m in every if text in m.change) for text in ALWAYS.get(module, ())]
    rest = [m for m in every if m not in must]
    random.Random(f"{seed} {module}").shuffle(rest)
    # Without ``out`` a masked division leaves the memory as it was, so that chance says whether a test fails.
    rest = [m for m in rest if "{out=" not in m.change]
    # A changed name mostly ends in a KeyError: a quarter of them is enough.
    drawn = sorted(rest, key=lambda mutant: mutant.name)[: max(limit - limit // 4 - len(must), 0)]
    drawn += [m for m in rest if m not in drawn][: max(limit - len(must) - len(drawn), 0)]
    return sorted([*must, *drawn], key=lambda mutant: (mutant.line, mutant.change))


def pytest_in(folder: str, arguments: list[str], told: str) -> None:
    """In a process of its own: the tests of the copy, their words in the file ``told``; ends with pytest's code."""
    os.environ["PYTHONPATH"] = folder
    os.chdir(folder)
    sys.path[:] = [folder, *(p for p in sys.path if p and Path(p).resolve() not in (ROOT, ROOT / "benchmarks"))]
    handle = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    import pytest

    code = int(pytest.main(arguments))
    sys.stdout.flush()
    tested = getattr(sys.modules.get("cxresearch"), "__file__", folder)
    os._exit(code if tested.startswith(folder) else NOT_THE_COPY)


def run_tests(folder: Path, tests: list[str], timeout_s: float) -> tuple[str, str]:
    """``survived``, ``killed`` with the test that failed, or ``timeout``."""
    told = folder.parent / "told.txt"
    arguments = ["-x", "-q", "--tb=no", "-rfE", "-k", SLOW, "--hypothesis-profile=first-failure"]
    child = FORKS.Process(target=pytest_in, args=(str(folder), [*arguments, *tests], str(told)))
    child.start()
    child.join(timeout_s)
    if child.is_alive():
        child.kill()
        child.join()
        return "timeout", ""
    words = told.read_text(encoding="utf-8", errors="replace") if told.is_file() else ""
    if child.exitcode == 0:
        return "survived", ""
    if child.exitcode in (4, 5, NOT_THE_COPY):
        raise SystemExit(f"no test of the copy ran for {' '.join(tests)}:\n{words}")
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", words, re.MULTILINE)
    return "killed", failed[1] if failed else "the tests could not start"


def run_module(folder: Path, module: str, limit: int, seed: int) -> tuple[list[dict[str, Any]], list[str]]:
    tests, original = TARGETS[module], (folder / module).read_text(encoding="utf-8")
    begun = time.monotonic()
    state, why = run_tests(folder, tests, 900)
    if state != "survived":
        raise SystemExit(f"the tests of {module} fail without any change: {why or state}")
    timeout_s = 20 + 4 * (time.monotonic() - begun)
    results, problems = [], []
    for mutant in chosen(module, limit, seed):
        (folder / module).write_text(mutant.source, encoding="utf-8")
        begun = time.monotonic()
        state, by = run_tests(folder, tests, timeout_s)
        reason = EQUIVALENT.get((module, mutant.change), "")
        if reason and state != "survived":
            problems.append(f"{module}: {mutant.change} is said to be equivalent and was seen by {by or state}")
        facts = {**mutant._asdict(), "state": "equivalent" if reason and state == "survived" else state}
        facts |= {"by": by, "reason": reason, "seconds": round(time.monotonic() - begun, 1)}
        results.append({name: value for name, value in facts.items() if name != "source"})
        print(f"{facts['state']:10} {facts['seconds']:5.1f} s  {module}:{mutant.line} {mutant.change}", flush=True)
    (folder / module).write_text(original, encoding="utf-8")
    known = {mutant.change for mutant in mutants_of(module)}
    problems += [
        f"{m}: EQUIVALENT names {c!r}, which is no mutant" for m, c in EQUIVALENT if m == module and c not in known
    ]
    return results, problems


def score(results: list[dict[str, Any]]) -> dict[str, Any]:
    states = Counter(result["state"] for result in results)
    killed = states["killed"] + states["timeout"]
    counted = len(results) - states["equivalent"]
    return {"mutants": len(results), "killed": killed, "equivalent": states["equivalent"],
            "survived": states["survived"], "score": round(killed / counted, 3) if counted else None}  # fmt: skip


def report(facts: dict[str, Any], results: list[dict[str, Any]]) -> str:
    lines = [
        "# Mutants", "", "Made by `python benchmarks/mutation.py`: seeded changes, one at a time.", "",
        "| module | mutants | killed | equivalent | survived | score |", "|---|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for module in TARGETS:
        if own := [r for r in results if r["module"] == module]:
            s = score(own)
            lines.append(
                f"| `{module}` | {s['mutants']} | {s['killed']} | {s['equivalent']} | {s['survived']} | {s['score']:.0%} |"
            )
    for state, title in (("survived", "No test sees"), ("equivalent", "Equivalent: nothing a caller sees differs")):
        if own := [r for r in results if r["state"] == state]:
            lines += ["", f"## {title}", ""]
            lines += [
                f"- `{r['module']}`, `{r['function'] or 'module'}`: `{r['change']}`" + (f". {r['reason']}" if r["reason"] else "")
                for r in own
            ]  # fmt: skip
    lines += ["", "## Where and when", "", *(f"- {name.replace('_', ' ')}: {value}" for name, value in facts.items())]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--module", action="append", default=[], help="a target, or the end of its name; again for more"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--limit", type=int, default=LIMIT, help=f"mutants a module ({LIMIT})")
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument("--list", action="store_true", help="print the chosen changes and run nothing")
    given = parser.parse_args()
    modules = [
        m for m in TARGETS if not given.module or any(m.removesuffix(".py").endswith(name) for name in given.module)
    ]
    if not modules:
        parser.error(f"no target ends in {', '.join(given.module)}; there are {', '.join(TARGETS)}")
    if given.list:
        for module in modules:
            print(f"{module}: {len(mutants_of(module))} mutants, chosen:")
            print(*(f"  {m.line:4} {m.change}" for m in chosen(module, given.limit, given.seed)), sep="\n")
        return 0
    given.out.mkdir(parents=True, exist_ok=True)
    kept = given.out / "mutation.json"
    earlier = json.loads(kept.read_text())["results"] if kept.is_file() else []
    results = [r for r in earlier if r["module"] in TARGETS and r["module"] not in modules]
    problems: list[str] = []
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutation-") as name:
        folder = Path(name) / "checkout"
        unwanted = shutil.ignore_patterns(".git", ".venv*", "__pycache__", ".mypy_cache", ".ruff_cache", "build", "raw")
        shutil.copytree(ROOT, folder, ignore=unwanted)
        for module in modules:
            own, wrong = run_module(folder, module, given.limit, given.seed)
            results, problems = results + own, problems + wrong
    facts = {
        "date": date.today().isoformat(), "seed": given.seed, "run_now": ", ".join(modules), "seconds": round(time.monotonic() - begun),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}", "python": platform.python_version(),
        **{name: version(name) for name in ("pytest", "hypothesis", "numpy", "pandas", "narwhals", "duckdb", "polars")},
    }  # fmt: skip
    scores = {module: score([r for r in results if r["module"] == module]) for module in TARGETS}
    kept.write_text(json.dumps({**facts, "scores": scores, "problems": problems, "results": results}, indent=1) + "\n")
    text = report(facts, results)
    (given.out / "mutation.md").write_text(text)
    print(text)
    for problem in problems:
        print(problem, file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
