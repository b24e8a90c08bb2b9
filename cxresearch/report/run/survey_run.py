"""A report without a log: its version, of a survey alone with its account, and the TOML that asks for one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from cxresearch.contacts import to_toml
from cxresearch.exhibits import check_survey
from cxresearch.report.run.parameters import ParameterError, Report, check_name
from cxresearch.report.run.version import Version, version_name, version_of_files
from cxresearch.survey import Survey, digest_of, read_survey

DESIGN = ("weight", "strata", "cluster", "population", "by")


def read_version(report: Report, settings: Mapping[str, Any], out: Path) -> Version:
    """The version of what a report reads; ValueError, with a sentence, where there is none.

    Of a report that can read no file but a survey it is that of the survey, whose numbers are worked out once: the date is
    that of the last answer, else the file's own. Of any other report it is that of all its files.
    """
    if [name for name in report.declared if name.endswith("_file")] != ["survey_file"]:
        return version_of_files(report, settings, out)
    parameters = {name: line.default for name, line in report.declared.items()} | report.parameters | dict(settings)
    file = parameters["survey_file"]
    if not file:
        raise ParameterError(
            f'report {report.name}: no survey is named; write --set survey_file=FILE, or survey_file = "FILE" below [parameters].'
        )
    design = {name: str(parameters.get(f"survey_{name}", "")) for name in DESIGN}
    survey = read_survey(file, report.survey, keep=list(design.values()))
    shares = check_survey(survey, **design)
    digest, path = digest_of(file), Path(file)
    day = survey.newest or date.fromtimestamp(path.stat().st_mtime)
    label = "answers up to" if survey.newest else "a file of"
    name = version_name(out / report.name, day, digest)
    return Version(name, f"{label} {day.day} {day:%B} {day.year}", _facts(survey), shares)


def _facts(survey: Survey) -> dict[str, Any]:
    """What run.json says of the rows."""
    return {
        "simulated": survey.simulated,
        "counts": {"read": survey.read, "kept": survey.kept, "set_aside": survey.read - survey.kept},
        "set_aside": [{"reason": reason, "rows": rows} for reason, rows in survey.set_aside.items()],
        "repaired": [{"repair": remark, "rows": rows} for remark, rows in survey.repaired.items()],
        "left_out": [], "kept_days": [],
        "newest_record": survey.newest.isoformat() if survey.newest else None,
    }  # fmt: skip


_NEW = """# A report of the survey {file}, as it was looked at: {format}. Every key is explained in docs/own-survey.md.
title = "What our survey says"
period = "version"
notebooks = ["08-what-our-own-survey-says"]
headlines = ["respondents"]
inputs = ["data/evidence/claims.csv", "data/evidence/bases.csv"]

[parameters]
survey_file = {path}
# survey_weight, survey_strata, survey_cluster, survey_population: columns of the file; survey_by: groups to compare

[survey]
{survey}
# targets = {{ age = {{ "under 35" = 0.35, "35 and over" = 0.65 }} }}   # what is known of everybody, to weight to
# people = "customers of ours who had a problem"

# An answer that is counted, a line; claim = "C003-09" sets it beside a cited finding. Without this table every choice is.
# [survey.items]
{items}
"""


def new_survey_report(name: str, *, path: Path, found: Mapping[str, Any], survey: Mapping[str, Any]) -> str:
    """The text of ``reports/NAME.toml`` for a survey that was looked at (``survey.look_at_survey``), with what was said of it."""
    check_name(name)
    lines = [f"{key} = {to_toml(value)}" for key, value in survey.items()]
    return _NEW.format(
        file=found["survey"], format=found["format"], path=to_toml(str(path)), survey="\n".join(lines),
        items="\n".join(f"# {line}" for line in found["lines"]),
    )  # fmt: skip
