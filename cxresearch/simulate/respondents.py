"""SIMULATED respondents that satisfy the published margins of one survey, and are otherwise as unstructured as can be.

They let an analyst rehearse on rows before the own survey is in. They hold what the margins say and nothing more: any
further pattern in them is an assumption (maximum entropy), not a finding.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from scipy import optimize

MOST_ITEMS = 12
MARK = "simulated"
_DIGITS = 1e-9  # what the linear program leaves open of a share
_EXACT = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}  # the smallest that HiGHS takes

# For each margin, per atom: does it hold there, and is the atom in its base.
Held = Mapping[str, tuple[np.ndarray, np.ndarray]]

_COMPARE: dict[type[ast.cmpop], Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.GtE: np.greater_equal,
    ast.Gt: np.greater,
    ast.LtE: np.less_equal,
    ast.Lt: np.less,
}


def respondent_distribution(margins: Mapping[str, float], *, slack: float = 0.005) -> pd.DataFrame:
    """Find the joint distribution of 0/1 items with the largest entropy among those that have the published margins.

    Parameters
    ----------
    margins : expression -> share, 0 to 1. An expression joins item names with ``|`` (or), ``&`` (and), ``~`` (not), or
        counts them, ``"email + phone >= 1"`` (as for ``bounds.joint_range``); ``"review given shared"`` is the share
        of review among those who shared. At most 12 items.
    slack : how far a published share may be off through rounding, below 0.5. It is used only if the shares cannot all
        hold exactly: then they are moved as little as makes them agree, none by more than the slack.

    Returns
    -------
    DataFrame, one row per combination of answers (2 to the number of items)
        one column per item (0 or 1, items in order of first appearance) and ``probability`` (sums to 1).
        Items that no margin ties together are independent. It is not the distribution of the people asked: the margins
        leave that open.

    Raises ValueError if an expression cannot be read, a share is not within 0 to 1, there are more than 12 items, or no
    distribution has these margins; the message names a smallest set of them that clash.
    Reference: Jaynes (1957), doi:10.1103/PhysRev.106.620.
    """
    if not margins:
        raise ValueError("there are no margins: name at least one, such as {'email': 0.4}.")
    if not 0 <= slack < 0.5:
        raise ValueError(f"slack must be at least 0 and below 0.5 (0.005 for whole per cent); got {slack}.")
    outside = {
        name: share for name, share in margins.items() if not (isinstance(share, int | float) and 0 <= share <= 1)
    }
    if outside:
        raise ValueError(f"{len(outside)} of {len(margins)} margins are not shares within 0 to 1: {outside}.")
    events = {expression: _event(expression) for expression in margins}
    items = list(dict.fromkeys(name for pair in events.values() for tree in pair for name in _names(tree)))
    if not items:
        raise ValueError(f"the margins {list(margins)} name no item; write them like 'review | email'.")
    if len(items) > MOST_ITEMS:
        raise ValueError(
            f"{len(items)} items make {2 ** len(items):,} combinations; at most {MOST_ITEMS} are taken. "
            "Simulate the items of one question at a time."
        )
    reserved = sorted({MARK, "probability"} & set(items))
    if reserved:
        raise ValueError(f"{reserved} cannot be names of items: the result has columns of that name.")
    atoms = (np.arange(2 ** len(items))[:, None] >> np.arange(len(items))[::-1] & 1).astype(float)
    answers = dict(zip(items, atoms.T, strict=True))
    held = {
        expression: (_indicator(what, answers, expression), _indicator(among, answers, expression))
        for expression, (what, among) in events.items()
    }
    probability = _largest_entropy(held, margins, slack)
    return pd.DataFrame(atoms.astype(int), columns=items).assign(probability=probability)


def simulate_respondents(
    margins: Mapping[str, float], *, n: int, rng: np.random.Generator, slack: float = 0.005
) -> pd.DataFrame:
    """Draw SIMULATED respondents from :func:`respondent_distribution`.

    Parameters
    ----------
    margins, slack : as there. n : how many respondents, 1 or more. rng : the source of randomness.

    Returns
    -------
    DataFrame, one row per respondent: one 0/1 column per item, and ``simulated`` (always True). Their shares scatter
    around the margins as those of a simple random sample of n would.
    """
    if n < 1:
        raise ValueError(f"n must be 1 or more respondents; got {n}.")
    distribution = respondent_distribution(margins, slack=slack)
    drawn = rng.choice(len(distribution), size=n, p=distribution["probability"].to_numpy())
    return distribution.drop(columns="probability").iloc[drawn].reset_index(drop=True).assign(**{MARK: True})


def _largest_entropy(held: Held, margins: Mapping[str, float], slack: float) -> np.ndarray:
    shares = _agreeing(held, margins, slack)
    if shares is None:
        raise ValueError(_clash(held, margins, slack))
    # Every margin is a row whose expectation is 0.
    rows = np.array([among * (what - shares[name]) for name, (what, among) in held.items()])
    possible = _possible(rows)
    probability = np.zeros(len(possible))
    probability[possible] = _balanced(rows[:, possible])
    return probability


def _agreeing(held: Held, margins: Mapping[str, float], slack: float) -> dict[str, float] | None:
    """The margins, moved as little as makes them agree (largest move first, then the sum); None if they cannot."""
    whats, amongs = (np.array(part) for part in zip(*held.values(), strict=True))
    published = np.array([margins[name] for name in held])
    count, atoms = whats.shape
    one = np.eye(count)
    # Unknowns: the atoms' probabilities, each margin's move up and down, the largest move. Moves are counted in people:
    # a conditional share may move by the slack among those it is about.
    moves = np.hstack([amongs * (whats - published[:, None]), -one, one, np.zeros((count, 1))])
    everybody = np.hstack([np.ones(atoms), np.zeros(2 * count + 1)])
    largest = np.hstack([np.zeros((count, atoms)), one, one, -np.ones((count, 1))])
    rounding = np.hstack([-slack * amongs, one, one, np.zeros((count, 1))])
    found = optimize.linprog(
        np.concatenate([np.zeros(atoms), np.full(2 * count, 1e-4), [1.0]]),
        A_eq=np.vstack([moves, everybody]),
        b_eq=np.concatenate([np.zeros(count), [1.0]]),
        A_ub=np.vstack([largest, rounding]),
        b_ub=np.zeros(2 * count),
        method="highs",
        options=_EXACT,
    )
    if found.status == 2:
        return None
    if found.status != 0:
        raise RuntimeError(f"the linear program over {atoms} combinations did not end: {found.message}")
    probability = np.maximum(found.x[:atoms], 0) / np.maximum(found.x[:atoms], 0).sum()
    base = amongs @ probability
    reached = np.divide((amongs * whats) @ probability, base, out=published.copy(), where=base > 1e-9)
    # The solver's last digits are not a move.
    shares = np.where(np.abs(reached - published) <= _DIGITS, published, reached)
    return dict(zip(held, shares.tolist(), strict=True))


def _possible(rows: np.ndarray) -> np.ndarray:
    """Which atoms can have a probability above 0 when all rows have expectation 0.

    The rows have no constant term, so any weights that satisfy them can be scaled: ask for as many atoms as possible
    with weight 1 or more (weight = capped part, 0 to 1, + rest).
    """
    atoms = rows.shape[1]
    found = optimize.linprog(
        np.concatenate([-np.ones(atoms), np.zeros(atoms)]),
        A_eq=np.hstack([rows, rows]),
        b_eq=np.zeros(len(rows)),
        bounds=[(0, 1)] * atoms + [(0, None)] * atoms,
        method="highs",
        options=_EXACT,
    )
    if found.status != 0:
        raise RuntimeError(f"the linear program over {atoms} combinations did not end: {found.message}")
    return found.x[:atoms] > 0.5


def _tilted(multipliers: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, float]:
    """The distribution with these multipliers, and the logarithm of its normaliser (the dual objective)."""
    exponent = -(multipliers @ rows)
    top = float(exponent.max())
    weights = np.exp(exponent - top)
    return weights / weights.sum(), top + float(np.log(weights.sum()))


def _balanced(rows: np.ndarray) -> np.ndarray:
    """The largest-entropy distribution in which every row has expectation 0: Newton's method on the convex dual."""
    multipliers = np.zeros(len(rows))
    probability, dual = _tilted(multipliers, rows)
    for _ in range(500):
        off = rows @ probability
        if np.abs(off).max(initial=0.0) <= 1e-13:
            break
        covariance = (rows * probability) @ rows.T - np.outer(off, off)
        step = np.linalg.lstsq(covariance, off, rcond=1e-14)[0]
        size = 1.0
        while size > 1e-12:
            candidate, value = _tilted(multipliers + size * step, rows)
            # The last steps change the dual by less than its own rounding; they still shrink the gradient.
            if value <= dual - 1e-4 * size * float(off @ step) + 1e-15 * (1 + abs(dual)):
                break
            size /= 2
        else:
            break
        multipliers, probability, dual = multipliers + size * step, candidate, value
    off = float(np.abs(rows @ probability).max(initial=0.0))
    # A margin that agreed within _DIGITS may stay that far off, and its rounding.
    if off > 2 * _DIGITS:
        raise RuntimeError(f"the largest-entropy distribution was not reached: a margin is still off by {off:.1e}.")
    return probability


def _clash(held: Held, margins: Mapping[str, float], slack: float) -> str:
    clashing = dict(held)
    for name in held:
        rest = {other: pair for other, pair in clashing.items() if other != name}
        if rest and _agreeing(rest, margins, slack) is None:
            clashing = rest
    listed = ", ".join(f"{name} = {margins[name]:g}" for name in clashing)
    return (
        f"no distribution has these {len(margins)} margins, even with {slack:g} for rounding: {listed} cannot all "
        "hold; without any one of them the others can. Check their bases and wording, then leave one out."
    )


def _event(expression: str) -> tuple[ast.expr, ast.expr]:
    """What is counted, and among whom (everybody unless the expression says ``given``)."""
    what, _, among = expression.partition(" given ")
    try:
        return ast.parse(what.strip(), mode="eval").body, ast.parse(among.strip() or "1", mode="eval").body
    except SyntaxError as error:
        raise ValueError(
            f"cannot read the margin {expression!r}: {error.msg}. Write it like 'review | email'."
        ) from None


def _names(tree: ast.expr) -> list[str]:
    return [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]


def _indicator(tree: ast.expr, answers: Mapping[str, np.ndarray], expression: str) -> np.ndarray:
    values = _value(tree, answers, expression)
    if not np.isin(values, (0.0, 1.0)).all():
        raise ValueError(f"the margin {expression!r} is a count, not yes or no; compare it, as in '{expression} >= 1'.")
    return values


def _value(tree: ast.expr, answers: Mapping[str, np.ndarray], expression: str) -> np.ndarray:
    def holds(part: ast.expr) -> np.ndarray:
        return _indicator(part, answers, expression)

    def count(part: ast.expr) -> np.ndarray:
        return _value(part, answers, expression)

    match tree:
        case ast.Name():
            return answers[tree.id]
        case ast.Constant(value=int(number)):
            return np.full(len(next(iter(answers.values()))), float(number))
        case ast.UnaryOp(op=ast.Invert()):
            return 1 - holds(tree.operand)
        case ast.BinOp(op=ast.BitAnd()):
            return holds(tree.left) * holds(tree.right)
        case ast.BinOp(op=ast.BitOr()):
            return np.maximum(holds(tree.left), holds(tree.right))
        case ast.BinOp(op=ast.Add()):
            return count(tree.left) + count(tree.right)
        case ast.Compare() if all(type(operator) in _COMPARE for operator in tree.ops):
            sides = [count(side) for side in (tree.left, *tree.comparators)]
            steps = zip(tree.ops, sides[:-1], sides[1:], strict=True)
            return np.prod([_COMPARE[type(operator)](one, other) for operator, one, other in steps], axis=0).astype(
                float
            )
    raise ValueError(
        f"cannot read the margin {expression!r}: {ast.unparse(tree)!r} is not an item, a count, or items joined by "
        "|, &, ~, + and compared by ==, !=, >=, >, <=, <."
    )
