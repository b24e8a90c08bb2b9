"""What published numbers leave open: joint distributions by linear programming, Frechet bounds, rounded arithmetic.

Surveys print margins (the share who did this, the share who did that) and rarely the table behind them. Everything
here asks the same question: given numbers that are known to half a printed digit, what else must be true?
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

MAX_ITEMS = 16  # 2 ** 16 kinds of people: seconds; each further item doubles time and memory

Margin = float | tuple[float, float]


class InfeasibleMargins(ValueError):  # noqa: N818
    """No population has these margins; ``clash`` holds some that cannot hold together, not one of them too many."""

    def __init__(self, message: str, clash: Sequence[str]) -> None:
        super().__init__(message)
        self.clash = list(clash)


def joint_range(margins: Mapping[str, Margin], query: str, *, slack: float = 0.005) -> tuple[float, float]:
    """Range of the share for which ``query`` holds, over all joint distributions with these margins.

    Parameters
    ----------
    margins : expression -> share (0 to 1), or -> (lowest, highest) for a bound that is exact
        Expressions over 0/1 items: names joined by ``&``, ``|``, ``~`` and brackets, or counts compared with numbers:
        ``"review | board"``, ``"company + email == 1"``, ``"a + b + c >= 2"``. As in Python ``==`` binds last:
        ``"a | b == 1"`` means ``(a | b) == 1``. At most 16 items in all.
    query : the same kind of expression, over items that occur in the margins.
    slack : half a unit of the last printed digit; a share s stands for s - slack to s + slack.

    Returns
    -------
    (lower, upper), sharp: each end is reached by some population.

    Raises InfeasibleMargins (a ValueError) naming a clash: margins that cannot hold together, and can if any one of
    them is left out (found by leaving out one at a time; there may be other clashes); ValueError for a share outside 0 to 1, an expression that is not one, an unknown item, more than 16 items.

    It is not a confidence interval: sampling error comes on top. Method: linear program over the 2**k kinds of people
    (Hailperin 1965, doi:10.1080/00029890.1965.11970533), solved by HiGHS.
    """
    limits = _all_limits(margins, slack)
    items = _items(list(limits))
    unknown = [name for name in _items([query]) if name not in items]
    if unknown:
        raise ValueError(f"the query {query!r} names {unknown}; the margins have the items {items}.")
    lower = _solve(limits, query, sign=1)
    if lower is None:
        clash = _clash(limits)
        told = ", ".join(f"{text!r} = {_percent(*limits[text])}" for text in clash)
        raise InfeasibleMargins(
            f"no population has these margins: {told} cannot hold together, with rounding of {100 * slack:g} points "
            "either way. Check their base and wording; leaving out any one of them makes the others possible.",
            clash,
        )
    upper = _solve(limits, query, sign=-1)
    assert upper is not None
    return min(max(lower, 0.0), 1.0), min(max(upper, 0.0), 1.0)


def find_clash(margins: Mapping[str, Margin], *, slack: float = 0.005) -> list[str]:
    """A set of these margins that no population has, not one of them too many; empty where all can hold together.

    Arguments and errors as in :func:`joint_range`.
    """
    limits = _all_limits(margins, slack)
    return _clash(limits) if _solve(limits, None, sign=1) is None else []


def published_margins(claims: pd.DataFrame, items: Mapping[str, str], *, none: str = "") -> dict[str, float]:
    """What was published of ``items`` (item -> claim), as margins for :func:`joint_range`.

    ``none`` is the claim with the share who would do nothing at all; the others would do one of the items or
    ``another_way``. Raises ValueError for a claim that is not in the register or is no share.
    """
    value = claims.loc[claims["unit"] == "share"].set_index("claim_id")["value"]
    unknown = sorted({*items.values(), *([none] if none else [])} - set(value.dropna().index))
    if unknown:
        raise ValueError(f"no share was published for {unknown}; see the column claim_id of the claims.")
    margins = {item: float(value[claim]) for item, claim in items.items()}
    return margins | ({" | ".join([*margins, "another_way"]): float(1 - value[none])} if none else {})


def frechet_bounds(shares: Mapping[str, float], *, slack: float = 0.005) -> pd.DataFrame:
    """Bounds for every pair of answers to one multi-response question.

    Parameters
    ----------
    shares : answer -> share (0 to 1) of one and the same base.
    slack : half a unit of the last printed digit.

    Returns
    -------
    DataFrame, one row a pair
        ``first``, ``second``, ``both_lower``, ``both_upper``, ``either_lower``, ``either_upper``, and ``independent``
        (the share of both if the answers had nothing to do with each other: a landmark, not an estimate).

    Raises ValueError for fewer than two answers or a share outside 0 to 1. Reference: Frechet (1935).
    """
    if len(shares) < 2:
        raise ValueError(f"bounds are for pairs; got {len(shares)} answer(s).")
    limits = {name: _limits(name, share, slack) for name, share in shares.items()}
    rows = []
    for first, second in combinations(shares, 2):
        (a_low, a_high), (b_low, b_high) = limits[first], limits[second]
        rows.append(
            {
                "first": first,
                "second": second,
                "both_lower": max(0.0, a_low + b_low - 1),
                "both_upper": min(a_high, b_high),
                "either_lower": max(a_low, b_low),
                "either_upper": min(1.0, a_high + b_high),
                "independent": shares[first] * shares[second],
            }
        )
    return pd.DataFrame(rows)


def check_identities(identities: pd.DataFrame, numbers: pd.DataFrame) -> pd.DataFrame:
    """Check arithmetic between published numbers, each known to half a printed digit.

    Parameters
    ----------
    identities : DataFrame
        ``identity_id``, ``says``, ``left``, ``right``: ``+ - * /`` and brackets over numbers and names.
    numbers : DataFrame indexed by name
        ``printed``, ``lower``, ``upper``: what each number can be before rounding.

    Returns
    -------
    DataFrame, one row an identity
        ``identity_id``, ``says``, ``left``, ``right`` (as printed), ``left_lower``, ``left_upper``, ``right_lower``,
        ``right_upper`` and ``verdict``: "holds" (equal when the right side is rounded as it was printed), "holds by
        rounding" (the printed digits differ, the ranges meet), "fails" (no rounding saves it).

    Raises ValueError for an unknown name or anything but arithmetic. A name used twice in one identity is taken to
    vary twice, so a range can be a little too wide: "fails" is always right.
    """
    rows = []
    for row in identities.itertuples():
        (left_low, left, left_high), (right_low, right, right_high) = (
            _arithmetic(str(side), numbers) for side in (row.left, row.right)
        )
        # 1e-9: sums such as 0.37 + 0.16 + ... end a hair beside 1 in binary.
        tolerance = 1e-9 * max(1.0, abs(right))
        if left_high < right_low - tolerance or right_high < left_low - tolerance:
            verdict = "fails"
        elif right_low - tolerance <= left <= right_high + tolerance:
            verdict = "holds"
        else:
            verdict = "holds by rounding"
        rows.append(
            {
                "identity_id": row.identity_id,
                "says": row.says,
                "left": left,
                "right": right,
                "left_lower": left_low,
                "left_upper": left_high,
                "right_lower": right_low,
                "right_upper": right_high,
                "verdict": verdict,
            }
        )
    return pd.DataFrame(rows)


def _all_limits(margins: Mapping[str, Margin], slack: float) -> dict[str, tuple[float, float]]:
    if not margins:
        raise ValueError("at least one margin is needed; there is none.")
    if not 0 <= slack < 0.5:
        raise ValueError(f"slack is half a printed digit as a share, 0.005 for whole percent; got {slack}.")
    return {text: _limits(text, value, slack) for text, value in margins.items()}


def _limits(text: str, value: Margin, slack: float) -> tuple[float, float]:
    printed = value if isinstance(value, tuple) else (value, value)
    # Written as "not (...)" so that NaN is refused too; sums of shares end a hair beside 1 in binary.
    if not -1e-12 <= printed[0] <= printed[1] <= 1 + 1e-12:
        raise ValueError(f"margin {text!r} must be a share 0 to 1 (0.87, not 87) or (lowest, highest); got {value!r}.")
    around = 0.0 if isinstance(value, tuple) else slack
    return max(0.0, float(printed[0]) - around), min(1.0, float(printed[1]) + around)


def _solve(limits: Mapping[str, tuple[float, float]], query: str | None, *, sign: int) -> float | None:
    """Lowest (sign 1) or highest (sign -1) share of ``query``; None where no population has the margins."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, hstack, identity, vstack

    items = _items(list(limits))
    atoms = np.arange(2 ** len(items))
    answers = {name: (atoms >> place & 1).astype(bool) for place, name in enumerate(items)}
    holds = [_truth(text, answers) for text in limits]
    wanted = np.zeros(len(atoms), dtype=bool) if query is None else _truth(query, answers)
    # Kinds of people whom no margin and not the query tell apart are one kind.
    packed = np.packbits(np.array([*holds, wanted]), axis=0)
    _, kept = np.unique(packed, axis=1, return_index=True)
    table = csr_array(np.array(holds)[:, kept].astype(float))
    # Each margin is a variable of its own, bounded by its rounding: half the entries of two inequalities.
    system = vstack([hstack([table, -identity(len(limits))]), [[1.0] * len(kept) + [0.0] * len(limits)]], format="csr")
    cost = np.concatenate([sign * wanted[kept].astype(float), np.zeros(len(limits))])
    solution = linprog(
        cost,
        A_eq=system,
        b_eq=[0.0] * len(limits) + [1.0],
        bounds=np.array([(0.0, 1.0)] * len(kept) + list(limits.values())),
        method="highs",
    )
    if solution.status == 2:
        return None
    if solution.status != 0:
        raise ValueError(f"the linear program over {len(kept)} kinds of people was not solved: {solution.message}")
    return sign * float(solution.fun) + 0.0  # not -0.0


def _clash(limits: Mapping[str, tuple[float, float]]) -> list[str]:
    needed = dict(limits)
    # Last first: what is dropped then is the compound margin rather than the items it is made of.
    for text in list(limits)[::-1]:
        without = {name: limit for name, limit in needed.items() if name != text}
        if without and _solve(without, None, sign=1) is None:
            needed = without
    return list(needed)


def _percent(low: float, high: float) -> str:
    return f"{100 * low:.4g} %" if low == high else f"{100 * low:.4g} to {100 * high:.4g} %"


def _parse(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, AttributeError) as problem:
        raise ValueError(f"{text!r} is not an expression over items, such as 'review | board'.") from problem


def _items(texts: Sequence[str]) -> list[str]:
    nodes = [node for text in texts for node in ast.walk(_parse(text))]
    items = list(dict.fromkeys(node.id for node in nodes if isinstance(node, ast.Name)))
    if len(items) > MAX_ITEMS:
        raise ValueError(
            f"{len(items)} items make {2 ** len(items):,} kinds of people, too many to solve; the limit is {MAX_ITEMS} "
            "items. Leave out items that the question does not need, or take their union as one item."
        )
    return items


_COMPARE: dict[type[ast.cmpop], Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}


def _truth(text: str, answers: Mapping[str, np.ndarray]) -> np.ndarray:
    """For each kind of people, whether ``text`` holds."""
    value = _value(_parse(text), text, answers)
    if value.dtype != bool or value.ndim == 0:
        raise ValueError(f"{text!r} is a count, not a statement that holds or not: compare it, as in '{text} >= 1'.")
    return value


def _value(node: ast.expr, text: str, answers: Mapping[str, np.ndarray]) -> np.ndarray:
    def part(child: ast.expr) -> np.ndarray:
        return _value(child, text, answers)

    def statement(child: ast.expr) -> np.ndarray:
        value = part(child)
        if value.dtype != bool:
            raise ValueError(f"in {text!r}: &, | and ~ join statements; {ast.unparse(child)!r} is a count.")
        return value

    match node:
        case ast.Name():
            return answers[node.id]
        case ast.Constant(value=int() as number) if not isinstance(number, bool):
            return np.asarray(number)
        case ast.BinOp(op=ast.Add()):
            return part(node.left).astype(int) + part(node.right).astype(int)
        case ast.BinOp(op=ast.BitAnd()):
            return statement(node.left) & statement(node.right)
        case ast.BinOp(op=ast.BitOr()):
            return statement(node.left) | statement(node.right)
        case ast.UnaryOp(op=ast.Invert()):
            return ~statement(node.operand)
        case ast.Compare() if all(type(operator) in _COMPARE for operator in node.ops):
            sides = [part(side).astype(int) for side in (node.left, *node.comparators)]
            pairs = zip(node.ops, sides[:-1], sides[1:], strict=True)
            return np.logical_and.reduce([_COMPARE[type(operator)](one, other) for operator, one, other in pairs])
    raise ValueError(
        f"in {text!r}: {ast.unparse(node)!r} is not allowed; use names, whole numbers, & | ~ + and == < >."
    )


def _arithmetic(text: str, numbers: pd.DataFrame) -> tuple[float, float, float]:
    def value(node: ast.expr) -> tuple[float, float, float]:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return float(number), float(number), float(number)
            case ast.Name():
                if node.id not in numbers.index:
                    raise ValueError(f"in {text!r}: no published number is called {node.id!r}.")
                low, printed, high = numbers.loc[node.id, ["lower", "printed", "upper"]].astype(float)
                return low, printed, high
            case ast.BinOp(op=ast.Add()):
                (a, b, c), (d, e, f) = value(node.left), value(node.right)
                return a + d, b + e, c + f
            case ast.BinOp(op=ast.Sub()):
                (a, b, c), (d, e, f) = value(node.left), value(node.right)
                return a - f, b - e, c - d
            case ast.BinOp(op=ast.Mult()):
                (a, b, c), (d, e, f) = value(node.left), value(node.right)
                ends = (a * d, a * f, c * d, c * f)
                return min(ends), b * e, max(ends)
            case ast.BinOp(op=ast.Div()):
                (a, b, c), (d, e, f) = value(node.left), value(node.right)
                if d <= 0 <= f:
                    raise ValueError(f"in {text!r}: {ast.unparse(node.right)!r} can be 0, so nothing is divided by it.")
                ends = (a / d, a / f, c / d, c / f)
                return min(ends), b / e, max(ends)
        raise ValueError(f"in {text!r}: {ast.unparse(node)!r} is not arithmetic on names and numbers.")

    return value(_parse(text))
