"""What a period cost, in words: bases, bounds, and what is not said."""

from __future__ import annotations

import numpy as np
import pandas as pd

import cxresearch as cx
from cxresearch.exhibits import lost
from tests.decisions.conftest import contacts, month
from tests.decisions.test_cost import two_months


def test_a_log_that_knows_its_customers_says_who_was_lost():
    frame = contacts(lambda day, hour: 20, start="2026-02-02", days=19)
    frame["customer_key"] = [f"k{n % 500}" for n in range(len(frame))]
    exhibit = cx.period_cost(month(frame), channel="phone")
    left = (frame["outcome"] == "abandoned").sum()
    assert exhibit.finding.startswith(f"{left} contacts left without an answer: ")
    assert "of all who asked" in exhibit.finding
    assert "not answered within 7 days: " in exhibit.says
    assert "All who left have a number." in exhibit.says
    assert "between" not in exhibit.says, "nothing is unknown, so there are no two ends"
    assert "These are at least so many" not in exhibit.says
    assert "asked again within the hour" in exhibit.says
    assert "0 to 0" not in exhibit.shown["interval"].tolist()
    assert set(exhibit.shown.columns) == {"figure", "of", "contacts", "value", "interval"}
    assert list(exhibit.bundles())


def test_a_log_that_hides_some_says_what_each_end_counts():
    frame = contacts(lambda day, hour: 20, start="2026-02-02", days=19)
    frame["customer_key"] = [f"k{n % 200}" for n in range(len(frame))]
    frame.loc[np.arange(len(frame)) % 3 == 0, "customer_key"] = None
    exhibit = cx.period_cost(month(frame), channel="phone")
    assert "not answered within 7 days: between" in exhibit.says
    assert "the upper end counts all" in exhibit.says
    assert "the lower end takes as answered whoever may have been answered unseen" in exhibit.says
    assert "These are at least so many: of answers after a queue" in exhibit.says


def test_a_log_that_knows_none_says_so():
    frame = contacts(lambda day, hour: 20, start="2026-02-02", days=19, customer_key=None)
    exhibit = cx.period_cost(month(frame), channel="phone")
    assert "Of nobody who left is a customer known" in exhibit.says
    assert "Who was lost for good is not said" in exhibit.says
    assert "Load of its own making" not in exhibit.says
    assert (
        "no customer is known" in cx.coming_back(month(two_months(back_left=0.5, back_answered=0.5).assign(customer_key=None)), channel="phone").finding
    )  # fmt: skip


def test_coming_back_is_said_as_seen_and_not_as_caused():
    exhibit = cx.coming_back(month(two_months(back_left=0.3, back_answered=0.7)), channel="phone")
    assert (
        exhibit.finding == "Customers whose first contact of January 2026 was lost are seen less often in February 2026"
    )
    assert "An effect it would be only if" in exhibit.says
    exhibit = cx.coming_back(month(two_months(back_left=0.5, back_answered=0.5)), channel="phone")
    assert "cannot be told from others in coming back" in exhibit.finding
    assert "which can be none" in exhibit.says


def test_without_actions_there_is_nothing_to_try():
    table = pd.DataFrame({"action": [], "recommended": []})
    assert (
        cx.experiment(month(contacts(lambda day, hour: 20, start="2026-02-02", days=9)), table, channel="phone").finding
        == "There is no action to try"
    )


def test_an_interval_of_nothing_is_not_shown():
    row = next(pd.DataFrame([{"lower": 0.0, "upper": 0.0, "unit": "contacts"}]).itertuples())
    assert lost._between(row) == ""


def test_what_people_hear_is_of_the_lost_alone_and_capped_by_who_came_back():
    frame = two_months(back_left=0.3, back_answered=0.7)
    alone = frame[frame["opened_at"] < "2026-02-01"]
    again = alone.assign(
        opened_at=alone["opened_at"] + pd.Timedelta(days=28), contact_id="c" + alone["contact_id"],
        customer_key="new" + alone["customer_key"],
    )  # fmt: skip
    exhibit = cx.talk_of_lost(month(pd.concat([frame, again], ignore_index=True)), channel="phone")
    assert exhibit.kind == "assumed"
    assert exhibit.finding.startswith("Assumed, not measured: ")
    assert exhibit.table.set_index("what").loc["lost", "upper"] <= len(alone)
    assert exhibit.table.attrs["fewer_back"][1] > 0
    nobody = cx.talk_of_lost(month(alone.assign(customer_key=None, opened_at=again["opened_at"])), channel="phone")
    assert "not said: 0 customers are known" in nobody.finding
