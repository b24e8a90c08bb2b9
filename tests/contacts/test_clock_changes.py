"""The hour that a clock has twice and the one that it leaves out: told, and never part of a wait."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
import pytest

from cxresearch.contacts import load, look_at
from cxresearch.contacts.clock_changes import changed_hours


@pytest.mark.parametrize(
    ("zone", "year", "expected"),
    [
        ("Europe/Berlin", 2026, [("2026-03-29 02:00", "2026-03-29 03:00", False), ("2026-10-25 02:00", "2026-10-25 03:00", True)]),
        ("America/New_York", 2026, [("2026-03-08 02:00", "2026-03-08 03:00", False), ("2026-11-01 01:00", "2026-11-01 02:00", True)]),
        ("Australia/Lord_Howe", 2026, [("2026-04-05 01:30", "2026-04-05 02:00", True), ("2026-10-04 02:00", "2026-10-04 02:30", False)]),
        ("America/Santiago", 2026, [("2026-04-04 23:00", "2026-04-05 00:00", True), ("2026-09-06 00:00", "2026-09-06 01:00", False)]),
        ("Asia/Kolkata", 2026, []),
        ("UTC", 2026, []),
    ],
)  # fmt: skip
def test_the_changes_of_a_year(zone, year, expected):
    found = list(changed_hours(date(year, 1, 1), date(year + 1, 1, 1), zone))
    assert found == [(datetime.fromisoformat(a), datetime.fromisoformat(b), twice) for a, b, twice in expected]


def test_contacts_of_such_an_hour_are_kept_and_told(tmp_path):
    log = tmp_path / "log.csv"
    instants = pd.date_range("2026-10-24 22:10", periods=8, freq="30min", tz="UTC")
    log.write_text(
        "opened_at,wait_s,outcome\n" + "".join(f"{t:%Y-%m-%dT%H:%M:%SZ},{i},answered\n" for i, t in enumerate(instants))
    )
    month = load(log, timezone="Europe/Berlin").period("2026-10")
    told = [{"repair": "opened from 02:00 to 03:00 on 2026-10-25, which is there twice: counted as one", "rows": 4}]
    assert month.repaired.to_dict("records") == told
    assert month.counts["kept"] == 8
    found = look_at(log, timezone="Europe/Berlin")
    assert found["repaired"] == {told[0]["repair"]: 4}
    assert found["clock"].startswith("Europe/Berlin")


def test_times_that_the_zone_does_not_have_speak_against_it(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("opened_at,wait_s,outcome\n2026-03-29 02:30,1,answered\n2026-03-29 09:30,2,answered\n")
    month = load(log, timezone="Europe/Berlin").period("2026-03")
    assert month.repaired["repair"].tolist() == [
        "opened from 02:00 to 03:00 on 2026-03-29, which Europe/Berlin does not have: is the zone right?"
    ]
    assert load(log).period("2026-03").repaired.empty, "without a zone nobody knows"


@pytest.mark.parametrize(
    ("start", "end", "zone", "seconds"),
    [
        ("2026-03-29 01:50", "2026-03-29 03:10", "Europe/Berlin", 1200),
        ("2026-10-25 01:30", "2026-10-25 03:30", "Europe/Berlin", 3 * 3600),
        ("2026-10-25 01:30", "2026-10-25 03:30", None, 2 * 3600),
        ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "Europe/Berlin", 3600),
        ("2026-10-25 01:30:00+02:00", "2026-10-25T01:30:00Z", "Europe/Berlin", 2 * 3600),
        ("2026-10-26 09:00", "2026-10-26 09:05", "Europe/Berlin", 300),
    ],
)  # fmt: skip
def test_a_wait_from_two_times_has_no_hour_too_many(tmp_path, start, end, zone, seconds):
    log = tmp_path / "log.csv"
    log.write_text(f"opened_at,end,outcome\n{start},{end},answered\n")
    mapping = {"wait_s": {"from": "opened_at", "to": "end"}}
    assert load(log, mapping=mapping, timezone=zone).contacts.df()["wait_s"].tolist() == [seconds]
    if "Z" not in end:
        frame = pd.DataFrame({"opened_at": [pd.Timestamp(start)], "end": [pd.Timestamp(end)], "outcome": ["answered"]})
        assert load(frame, mapping=mapping, timezone=zone).contacts.df()["wait_s"].tolist() == [seconds]
