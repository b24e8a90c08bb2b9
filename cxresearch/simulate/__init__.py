"""Logs and samples with a known truth. No module of the package imports this one; what it makes is SIMULATED."""

from cxresearch.simulate.contact_truth import (
    CONTACT_TRUTH,
    STEADY_TRUTH,
    ChannelTruth,
    ContactTruth,
    contact_truth_table,
    true_patience_survival,
)
from cxresearch.simulate.contacts import (
    DEFAULT_SEED,
    default_log,
    planned_agents,
    planned_contacts,
    simulate_contacts,
)
from cxresearch.simulate.default import log_or_default, respondents_or_default
from cxresearch.simulate.network import network_or_default, simulate_network
from cxresearch.simulate.respondents import respondent_distribution, simulate_respondents

__all__ = [
    "CONTACT_TRUTH",
    "DEFAULT_SEED",
    "STEADY_TRUTH",
    "ChannelTruth",
    "ContactTruth",
    "contact_truth_table",
    "default_log",
    "log_or_default",
    "network_or_default",
    "planned_agents",
    "planned_contacts",
    "respondent_distribution",
    "respondents_or_default",
    "simulate_contacts",
    "simulate_network",
    "simulate_respondents",
    "true_patience_survival",
]
