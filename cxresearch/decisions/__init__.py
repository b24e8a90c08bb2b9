"""What it cost, and what to do first: losses expected and what came, actions beside each other, a stated rule."""

from __future__ import annotations

from cxresearch.decisions.actions import ACTION_WHYS, RULE, action_table, checked_prices
from cxresearch.decisions.backtest import AT_WORK, IN_EFFECT, backtest
from cxresearch.decisions.coming_back import coming_back
from cxresearch.decisions.cost import period_cost
from cxresearch.decisions.days import agents_at_work
from cxresearch.decisions.experiment import experiment
from cxresearch.decisions.measuring import worth_measuring
from cxresearch.decisions.more_agents import MOST_AT_ONCE, hours_to_move, more_agents, with_agents
from cxresearch.decisions.proposals import (
    ACTION_ASSUMES,
    ACTION_NAMES,
    FIRST,
    MOST_CONTAINED,
    SPAN,
    UNCOUNTED,
    Action,
    ActionError,
    own_actions,
)
from cxresearch.decisions.queue_order import ORDERS
from cxresearch.decisions.sweep import sweep
from cxresearch.decisions.talk_of_lost import talk_of_lost
from cxresearch.decisions.weighing import Weighing

__all__ = [
    "ACTION_ASSUMES",
    "ACTION_NAMES",
    "ACTION_WHYS",
    "AT_WORK",
    "FIRST",
    "IN_EFFECT",
    "MOST_AT_ONCE",
    "MOST_CONTAINED",
    "ORDERS",
    "RULE",
    "SPAN",
    "UNCOUNTED",
    "Action",
    "ActionError",
    "Weighing",
    "action_table",
    "agents_at_work",
    "backtest",
    "checked_prices",
    "coming_back",
    "experiment",
    "hours_to_move",
    "more_agents",
    "own_actions",
    "period_cost",
    "sweep",
    "talk_of_lost",
    "with_agents",
    "worth_measuring",
]
