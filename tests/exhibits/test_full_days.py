"""What the first two pages are told: the hours that tie, the queues that moved, the verdict; nothing that days do not tell."""

from __future__ import annotations

import io
import math

import pandas as pd
import pytest

from cxresearch.exhibits import full_days
from cxresearch.exhibits.show import BRIEF
from cxresearch.exhibits.verdict import first_queue, in_words, queue_points, verdict_text

NOT_TOLD = "not distinguishable from no change"


def hours(tied=(9, 10), days=20) -> pd.DataFrame:
    table = pd.DataFrame({
        "hour": [9, 10, 11, 23], "asked": [900, 500, 400, 3], "left": [200, 180, 60, 1],
        "lost_per_day": [10.0, 9.0, 3.0, 0.05], "lower": [8.0, 7.0, 2.0, math.nan], "upper": [12.5, 11.5, 4.5, math.nan],
    })  # fmt: skip
    table["tied"] = table["hour"].isin(tied)
    table.attrs = {"days": days}
    return table


PARTS = pd.DataFrame({
    "hour": [9, 9, 10, 11], "queue": ["Orders (O1)", "All other queues", "Orders (O1)", "Orders (O1)"], "lost_per_day": [8.0, 2.0, 9.0, 3.0],
})  # fmt: skip


def recorded(exhibit) -> dict:
    *_, bundle = exhibit.bundles()
    return bundle[BRIEF]


def test_the_hours_that_tie_are_named_together():
    exhibit = full_days.lost_by_hour_and_queue(hours(), PARTS, week="Monday to Friday", place="phone")
    assert exhibit.finding == "Two hours tie for most lost: 9 to 11 h"
    part = recorded(exhibit)
    assert part["queues"] == ["Orders", "All other queues"]
    assert [(row["hour"], row["tied"], row["parts"]) for row in part["hours"]] == [
        (9, True, [8.0, 2.0]), (10, True, [9.0, 0.0]), (11, False, [3.0, 0.0]),
    ]  # fmt: skip
    assert "9 to 10 h: 10 (8 to 12.5)" in part["described"]
    assert full_days.hour_points(hours(), "Monday to Friday") == [(
        "Two hours tie for most lost: 9 to 11 h.",
        "Together they lose 19 of the 22.1 lost on a full day (Monday to Friday), and 77.6 % of those who asked did so then. Which "
        "of them is worst cannot be told.",
    )]  # fmt: skip


def test_one_hour_that_is_clear_stands_alone():
    exhibit = full_days.lost_by_hour_and_queue(hours(tied=(9,)), PARTS, week="Monday to Friday")
    assert exhibit.finding == "9 to 10 h loses most: 10 on a full day"
    assert full_days.hour_points(hours(tied=(9,)), "Monday")[0][0] == "9 to 10 h loses most."


@pytest.mark.parametrize(
    ("table", "why"),
    [
        (hours(days=4), "Four full days: too few to tell the hours of a day apart"),
        (hours().assign(left=0), "Nobody gave up on a full day"),
        (hours().assign(asked=3), "In no hour of a full day did 30 ask, so none is drawn"),
        (hours().assign(left=[0, 0, 0, 1]), "Nobody gave up in an hour of a full day in which 30 asked"),
        (hours().assign(left=[2, 1, 0, 1], lost_per_day=[0.1, 0.05, 0, 0.05]),
         "In no hour did enough give up: hours of fewer than 5 people are not shown"),
    ],
)  # fmt: skip
def test_where_no_hour_can_be_told_the_part_says_why(table, why):
    table.attrs.setdefault("days", 20)
    exhibit = full_days.lost_by_hour_and_queue(table, PARTS, week="Monday to Friday")
    assert recorded(exhibit) == {"part": "hours", "why": why}
    assert full_days.hour_points(hours(tied=()), "Monday") == []


def test_what_the_table_holds_back_is_neither_drawn_nor_said():
    """Two gave up in a queue at nine: its hour is drawn in one piece. Three gave up at eleven: that hour is not drawn, nor is
    the one that would tell it as what is left of the day."""
    table = hours().assign(left=[200, 180, 3, 1], lost_per_day=[10.0, 9.0, 0.15, 0.05])
    parts = pd.DataFrame({
        "hour": [9, 9, 10, 10, 11], "queue": ["Orders (O1)", "All other queues"] * 2 + ["Orders (O1)"],
        "lost_per_day": [9.9, 0.1, 6.0, 3.0, 0.15],
    })  # fmt: skip
    part = recorded(full_days.lost_by_hour_and_queue(table, parts, week="Monday to Friday"))
    assert part["queues"] == ["Orders", "All other queues", "Queues not shown apart"]
    assert [(row["hour"], row["lost"], row["parts"]) for row in part["hours"]] == [(9, 10.0, [None, None, 10.0])]
    assert part["hours"][0]["lower"] is None
    assert part["described"] == "9 to 10 h: 10 (8 to 12.5); 10 to 11 h: not shown; 11 to 12 h: under 5 in all"
    cells = {row["hour"]: row for row in pd.read_csv(io.StringIO(part["table"]["csv"])).to_dict("records")}
    assert cells["9 to 10 h"]["Orders"] == "not shown"
    assert cells["10 to 11 h"]["lost_per_day"] == "not shown"


def test_a_queue_that_would_hold_hours_back_is_told_with_all_others():
    """Two in Rare at nine would hide the queues of that hour; with all others they are 42. At ten nothing helps, and eleven would
    tell ten as what is left of the day."""
    parts = pd.DataFrame({
        "hour": [9, 10, 11] * 3, "queue": ["Orders (O1)"] * 3 + ["Rare"] * 3 + ["All other queues"] * 3,
        "lost_per_day": [7.9, 8.9, 2.0, 0.1, 0.0, 0.5, 2.0, 0.1, 0.5],
    })  # fmt: skip
    part = recorded(full_days.lost_by_hour_and_queue(hours(), parts, week="Monday to Friday"))
    assert part["queues"] == ["Orders", "All other queues", "Queues not shown apart"]
    assert [row["parts"] for row in part["hours"]] == [
        [7.9, pytest.approx(2.1), 0.0],
        [None, None, 9.0],
        [None, None, 3.0],
    ]
    without = parts.assign(lost_per_day=[7.9, 8.5, 2.0, 0.5, 0.0, 0.5, 1.6, 0.5, 0.5])
    assert recorded(full_days.lost_by_hour_and_queue(hours(), without, week="x"))["queues"] == [
        "Orders",
        "Rare",
        "All other queues",
    ]


def queues(**changes) -> pd.DataFrame:
    table = pd.DataFrame({
        "queue": ["Orders (O1)", "Billing (B2)", "Rare"], "queued": [1000, 500, 60], "left": [100, 200, 20],
        "share_left_of_queued": [0.1, 0.4, 1 / 3], "lower": [0.08, 0.35, 0.2], "upper": [0.12, 0.45, 0.5],
        "previous": [0.11, 0.3, 0.3], "difference": [-0.01, 0.1, 0.03], "difference_lower": [-0.04, 0.04, -0.2],
        "difference_upper": [0.02, 0.16, 0.26], "p_corrected": [0.6, 0.002, 0.9], "queued_before": [900, 480, 70],
    })  # fmt: skip
    return table.assign(**changes)


def test_a_queue_moves_only_where_its_change_is_clear_and_a_small_one_is_not_named():
    exhibit = full_days.queues_by_period(queues(), before="January 1999")
    assert exhibit.finding == "Lost of those who queued: Billing rose; the others cannot be told"
    part = recorded(exhibit)
    assert [(row["queue"], row["verdict"]) for row in part["queues"]] == [
        ("Orders", "cannot be told"),
        ("Billing", "rose"),
    ]
    assert part["left_out"] == 1
    few_before = full_days.queues_by_period(queues(queued_before=90), before="January 1999")
    assert few_before.finding == "Of no queue can a change from January 1999 be told"
    assert [row["difference"] for row in recorded(few_before)["queues"]] == [None, None]


def test_without_a_period_before_there_is_nothing_to_compare():
    alone = queues().iloc[:, :6]
    part = recorded(full_days.queues_by_period(alone, before=""))
    assert {row["verdict"] for row in part["queues"]} == {"nothing to compare"}
    assert recorded(full_days.queues_by_period(alone.assign(queued=9), before=""))["why"].startswith(
        "In no queue did 100"
    )


def test_two_queues_that_would_be_called_alike_keep_their_codes():
    assert full_days.called(["Orders (a)", "Orders (b)"]) == {"Orders (a)": "Orders (a)", "Orders (b)": "Orders (b)"}
    assert full_days.called(["Orders (a)", "Bills (b)"]) == {"Orders (a)": "Orders", "Bills (b)": "Bills"}


def moved(verdict=NOT_TOLD, value=0.127, previous=0.1, name="lost_share", label="Gave up") -> pd.DataFrame:
    return pd.DataFrame([{
        "name": name, "label": label, "value": value, "previous": previous, "difference": 0.027, "verdict": verdict,
    }])  # fmt: skip


@pytest.mark.parametrize(
    ("table", "who", "said"),
    [
        (moved(), None, "February 1999: 12.7 % of all who asked gave up, about one in eight; no change from January 1999 can be told."),
        (moved("rose"), None, "February 1999: 12.7 % of all who asked gave up, about one in eight and 2.7 points more than in January 1999."),
        (moved(), queues(), "February 1999: 12.7 % of all who asked gave up, about one in eight; two in three of those lost were in the queue "
         "Billing, where a larger share gave up than in January 1999; in all, no change can be told."),
        (moved(), queues(p_corrected=0.2, left=[100, 120, 20]), "February 1999: 12.7 % of all who asked gave up, about one in eight; half of "
         "those lost were in the queue Billing; no change from January 1999 can be told."),
        (moved("nothing to compare", previous=math.nan), None, "February 1999: 12.7 % of all who asked gave up, about one in eight; there is "
         "nothing before it to compare with."),
        (moved("nothing to compare", value=0.4), None, "February 1999: 40.0 % of all who asked gave up; whether that changed from January "
         "1999 cannot be told."),
        (moved(name="unanswered_after_promise_share", label="Not answered within a day"), None,
         "February 1999: 12.7 % of the tickets were not answered within a day, about one in eight; no change from January 1999 can be told."),
        (moved(value=math.nan), None, ""), (moved(name="mean_wait_s"), None, ""),
    ],
)  # fmt: skip
def test_the_verdict_says_level_who_and_what_moved_as_far_as_it_can_be_told(table, who, said):
    assert verdict_text(table, who, period="February 1999", before="January 1999") == said


def test_a_queue_is_named_only_beyond_its_even_share():
    assert first_queue(queues())["called"] == "Billing"
    assert first_queue(queues(lower=[0.08, 0.15, 0.1])) is None, "its interval holds the share of all"
    assert first_queue(queues(queued=[1000, 90, 60])) is None, "fewer than 100 contacts"
    assert first_queue(queues(left=0)) is None
    assert first_queue(queues().head(1)) is None
    assert queue_points(queues(left=0), "January 1999") == []
    ((lead, sentence),) = queue_points(queues(), "January 1999")
    assert lead == "Two in three of those lost were in the queue Billing."
    assert sentence == (
        "They are 200 of the 320 who queued and gave up, but 32.1 % of those who queued. 40.0 % of them gave up (95 % interval 35.0 "
        "to 45.0 %), up 10.0 points from January 1999 at equal weekdays (95 % interval 4.0 to 16.0 points)."
    )


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.5, "half"), (0.466, "half"), (0.44, ""), (0.127, "one in eight"), (0.4, ""), (0.0, ""), (0.03, "")],
)
def test_a_fraction_is_said_only_near_to_it(share, said):
    assert in_words(share) == said
