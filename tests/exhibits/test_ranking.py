"""A sentence names one hour or queue only where days tell it from the next: on logs where none differs, and where one does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxresearch.exhibits import day, waiting
from cxresearch.exhibits.ranking import losses, plural, standing
from cxresearch.patience import loss_ranks, waiting_table


def ranks_of(people: list[tuple], share: list[tuple]) -> pd.DataFrame:
    rows = [(name, *row) for name, table in (("people", people), ("share", share)) for row in table]
    table = pd.DataFrame(rows, columns=["ranked", "queue", "left", "queued", "behind"])
    return table.assign(value=np.where(table["ranked"] == "share", table["left"] / table["queued"], table["left"]))


def said(people: list[tuple], share: list[tuple]) -> str:
    return losses(ranks_of(people, share), lambda row: row["queue"], "queue")


@pytest.mark.parametrize(
    ("people", "share", "sentence"),
    [
        ([("a", 60, 200, False), ("b", 9, 300, True)], [("a", 60, 200, False), ("b", 9, 300, True)],
         "a lost most people, 60 of the 200 who queued (30.0 %), the largest share, too"),
        ([("a", 60, 600, False), ("b", 30, 100, True)], [("b", 30, 100, False), ("a", 60, 600, True)],
         "a lost most people, 60 of the 600 who queued (10.0 %); b lost the largest share, 30.0 %"),
        ([("a", 60, 600, False), ("b", 30, 100, True)], [("b", 30, 100, False), ("a", 60, 600, False)],
         "a lost most people, 60 of the 600 who queued (10.0 %)"),
        ([("a", 60, 600, False), ("b", 58, 200, False)], [("b", 58, 200, False), ("a", 60, 600, True)],
         "b lost the largest share of those who queued, 29.0 %; by people, a cannot be told from b"),
        ([("a", 60, 600, False), ("b", 58, 500, False), ("c", 1, 500, True)], [("b", 58, 500, False), ("a", 60, 600, False)],
         "No queue can be named that loses most: a lost 60 of the 600 who queued (10.0 %), but day by day it cannot be told from b"),
        ([("a", 60, 600, False)], [("a", 60, 600, False)], "a: 60 of the 600 who queued gave up (10.0 %)"),
        ([("a", 0, 600, False), ("b", 0, 500, False)], [("a", 0, 600, False)], "Nobody who queued gave up"),
        ([], [], "No queue has 100 contacts that queued, so none is named"),
    ],
)  # fmt: skip
def test_people_come_before_shares_and_a_tie_is_said(people, share, sentence):
    assert said(people, share) == sentence


def test_many_that_cannot_be_told_apart_are_counted():
    table = pd.DataFrame({"hour": range(8), "behind": False})
    assert standing(table, lambda row: str(row["hour"])).tie("hour") == "cannot be told from 7 other hours"
    assert standing(table.head(3), lambda row: str(row["hour"])).tie("hour") == "cannot be told from 1 and 2"
    assert plural("hour of the week") == "hours of the week"


def waits_of(rng: np.random.Generator, lost: dict[int, float], days: int = 28) -> pd.DataFrame:
    """SIMULATED: hours with their shares lost, on good and bad days that all hours share, and luck of their own."""
    rows = []
    for number in range(days):
        good = rng.normal(0, 0.4)
        for hour, share in lost.items():
            odds = share / (1 - share) * np.exp(good + rng.normal(0, 0.2))
            queued = rng.poisson(25)
            left = rng.binomial(queued, odds / (1 + odds))
            date = pd.Timestamp("2024-05-01") + pd.Timedelta(number, "D")
            rows += [(hour, date, 20.0, "abandoned", left), (hour, date, 40.0, "answered", queued - left)]
    table = pd.DataFrame(rows, columns=["hour", "day", "duration_s", "outcome", "contacts"])
    return table[table["contacts"] > 0]


def by_hour(waits: pd.DataFrame) -> str:
    return losses(loss_ranks(waits, by="hour"), lambda row: waiting.clock(row["hour"]), "hour")


def names_one(finding: str) -> bool:
    return "most people," in finding or "largest share" in finding


def test_hours_of_one_truth_are_seldom_named():
    rng = np.random.default_rng(31)
    findings = [by_hour(waits_of(rng, dict.fromkeys(range(8, 14), 0.2))) for _ in range(40)]
    # Two rankings, each wrong in at most 5 % of logs; a standard error of 3 points.
    assert np.mean([names_one(finding) for finding in findings]) <= 0.075
    assert all("cannot be told from" in finding for finding in findings if not names_one(finding))


def test_an_hour_that_does_lose_most_is_named():
    rng = np.random.default_rng(32)
    findings = [by_hour(waits_of(rng, dict.fromkeys(range(8, 14), 0.2) | {11: 0.4})) for _ in range(5)]
    assert all(finding.startswith("11 to 12 h lost most people") for finding in findings)
    hours, ranks = (table(waits_of(rng, {9: 0.2, 11: 0.4}), by="hour") for table in (waiting_table, loss_ranks))
    exhibit = waiting.loss_by_hour(hours, ranks=ranks)
    assert exhibit.finding.startswith("11 to 12 h lost most people")
    assert "the day as the unit" in exhibit.subtitle


def test_the_day_names_hours_only_where_they_are_clear():
    hours = pd.DataFrame({"hour": range(24), "contacts": 0, "arrivals_per_h": 0.0, "left": 0,
                          "share_left_of_asked": np.nan, "handle_time_s": 100.0})  # fmt: skip
    hours.loc[9, ["contacts", "arrivals_per_h", "left", "share_left_of_asked"]] = [500, 25.0, 50, 0.1]
    hours.loc[10, ["contacts", "arrivals_per_h", "left", "share_left_of_asked"]] = [400, 20.0, 10, 0.025]
    ranks = pd.DataFrame({"ranked": ["contacts"] * 2 + ["people"] * 2, "hour": [9, 10] * 2, "asked": [500, 400] * 2,
                          "left": [np.nan, np.nan, 50, 10], "behind": [False, True] * 2})  # fmt: skip
    clear = day.day_load(hours, ranks=ranks, days=20).finding
    assert (
        clear == "Most contacts come from 9 to 10 h; most people give up from 9 to 10 h, 10.0 % of those who ask then"
    )
    tied = day.day_load(hours, ranks=ranks.assign(behind=False), days=20).finding
    assert tied == "No hour stands out by its contacts; no hour stands out by those who give up"
    needed = pd.Series({"agents": 4, "lower": 4, "upper": 5})
    row = pd.Series({"hour": 9, "arrivals_per_h": 25.0, "agents": 3.0, "agents_needed": 4, "lower": 3, "upper": 5, "days": 20,
                     "days_missed": 4})  # fmt: skip
    for behind, words in ((True, "From 9 to 10 h, the busiest, "), (False, "From 9 to 10 h, one of the busiest, ")):
        one = ranks.assign(behind=[False, behind] * 2)
        assert day.busiest_hour_team(row, needed, ranks=one, most_abandoned=0.05).finding.startswith(words)
    none = day.busiest_hour_team(row, needed, ranks=ranks.iloc[:0], most_abandoned=0.05).finding
    assert none.startswith("From 9 to 10 h, one of the busiest, ")


def test_the_slowest_and_the_least_patient_are_named_only_where_clear():
    waits = pd.DataFrame({"queue": ["a", "b"], "duration_s": [90.0, 30.0], "contacts": 200, "outcome": "answered"})
    ranks = pd.DataFrame({"queue": ["a", "b"], "behind": [False, True]})
    said = waiting.wait_distribution(waits, "queue", ranks=ranks, horizon_s=300).finding
    assert said == "a waited longest: nine in ten had waited no longer than 90 s"
    tie = waiting.wait_distribution(waits, "queue", ranks=ranks.assign(behind=False), horizon_s=300).finding
    assert tie == "Which queue waited longest cannot be told: day by day a cannot be told from b"
    at = pd.DataFrame(
        {"queue": ["a", "b"], "duration_s": 60.0, "survival": [0.4, 0.7], "lower": np.nan, "upper": np.nan}
    )
    gone = ranks.assign(value=[0.6, 0.3])
    least = waiting.patience_curve(at, at, by="queue", ranks=gone, days=28)
    assert least.finding == "After 60 s, 40.0 % would still wait for a, fewer than for any other queue here"
    assert "the day as the unit" in least.subtitle
    tied = waiting.patience_curve(at, at, by="queue", ranks=gone.assign(behind=False), days=3)
    assert (
        "no queue stands out by how few would still wait: a has 40.0 %, but day by day it cannot be told from b"
        in tied.finding
    )
    assert "No band: three days" in tied.subtitle
