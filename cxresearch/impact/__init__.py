"""From a wait to complaints, talk and money, and which assumption matters most."""

from __future__ import annotations

from cxresearch.impact.assumptions import DECISION, AssumptionError, assumption_values, load_assumptions
from cxresearch.impact.complaint import (
    complaint_probability,
    complaint_probability_random_reply,
    promise_table,
    reply_chain,
    tellers_per_contact,
    telling_table,
)
from cxresearch.impact.face_validity import contradicted_by_log, most_lost
from cxresearch.impact.kinds_of_talk import (
    NET,
    TALK_KINDS,
    VISIBLE,
    audiences,
    contact_matrix,
    first_tellings,
    growth_table,
    hearing_over_time,
    kernels_by_kind,
    lifetime_table,
    loudest_values,
    reach_table,
    reply_effects,
    reply_factors,
    storm_table,
    tellings,
    town_and_net,
)
from cxresearch.impact.measured import measured_retellings
from cxresearch.impact.sensitivity import morris_table, range_table, sobol_table
from cxresearch.impact.wait_to_money import OUTCOMES, fate_table, impact, impact_table, quality_table, reply_scenarios

__all__ = [
    "DECISION",
    "NET",
    "OUTCOMES",
    "TALK_KINDS",
    "VISIBLE",
    "AssumptionError",
    "assumption_values",
    "audiences",
    "complaint_probability",
    "complaint_probability_random_reply",
    "contact_matrix",
    "contradicted_by_log",
    "fate_table",
    "first_tellings",
    "growth_table",
    "hearing_over_time",
    "impact",
    "impact_table",
    "kernels_by_kind",
    "lifetime_table",
    "load_assumptions",
    "loudest_values",
    "measured_retellings",
    "morris_table",
    "most_lost",
    "promise_table",
    "quality_table",
    "range_table",
    "reach_table",
    "reply_chain",
    "reply_effects",
    "reply_factors",
    "reply_scenarios",
    "sobol_table",
    "storm_table",
    "tellers_per_contact",
    "telling_table",
    "tellings",
    "town_and_net",
]
