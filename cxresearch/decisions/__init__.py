"""What it cost, and what to do first: losses expected and what came, actions beside each other, a stated rule."""

from __future__ import annotations

from cxresearch.decisions.actions import RULE, action_table, checked_prices
from cxresearch.decisions.backtest import AT_WORK, IN_EFFECT, backtest
from cxresearch.decisions.coming_back import coming_back
from cxresearch.decisions.cost import period_cost
from cxresearch.decisions.days import agents_at_work
from cxresearch.decisions.experiment import experiment
from cxresearch.decisions.proposals import Action, ActionError, own_actions
from cxresearch.decisions.talk_of_lost import talk_of_lost

__all__ = [
    "AT_WORK", "IN_EFFECT", "RULE", "Action", "ActionError", "action_table", "agents_at_work", "backtest", "checked_prices",
    "coming_back", "experiment", "own_actions", "period_cost", "talk_of_lost",
]  # fmt: skip
