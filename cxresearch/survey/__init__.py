"""Own respondents: weighted shares, designs, raking, and how they compare with what is cited."""

from __future__ import annotations

from cxresearch.survey.estimates import (
    ESTIMATE_COLUMNS,
    Z95,
    compare,
    difference_table,
    group_differences,
    rake,
    share_table,
    weighted_mean,
    weighted_share,
)
from cxresearch.survey.items import Item
from cxresearch.survey.look import is_survey, look_at_survey, slug, survey_text
from cxresearch.survey.mapping import SurveyError, SurveyQuestionError, as_word
from cxresearch.survey.questions import looks_like_weight
from cxresearch.survey.reading import Survey, digest_of, load_responses, read_survey
from cxresearch.survey.ticks import counted

__all__ = [
    "ESTIMATE_COLUMNS",
    "Z95",
    "Item",
    "Survey",
    "SurveyError",
    "SurveyQuestionError",
    "as_word",
    "compare",
    "counted",
    "difference_table",
    "digest_of",
    "group_differences",
    "is_survey",
    "load_responses",
    "look_at_survey",
    "looks_like_weight",
    "rake",
    "read_survey",
    "share_table",
    "slug",
    "survey_text",
    "weighted_mean",
    "weighted_share",
]
