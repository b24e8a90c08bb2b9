"""The brief: two pages for every state, and nothing in it that its data cannot tell."""

from __future__ import annotations

import itertools
import re
from datetime import date, timedelta

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_markdown_cell, new_notebook, new_output

from cxresearch.exhibits.show import BRIEF, DECISION, POINTS, TABLE, table_bundle
from cxresearch.report.page import gate
from cxresearch.report.page.brief import LETTERS_OF_A_MARK, MOST_LETTERS, brief_view, chosen_tiles, spark
from cxresearch.report.page.browser import chromium, find_chromium
from cxresearch.report.page.render import render_brief, render_report, take_away
from tests.report.page.test_render import CHANGE, HEADLINES, HOSTILE, NUMBERS, a_run, cell, check_page, text_of

needs_browser = pytest.mark.skipif(not find_chromium(), reason="there is no Chromium on this system")

SAID = "February 1999: 12.7 % of all who asked gave up, about one in eight; no change from January 1999 can be told."
POINTS_SAID = [
    [f"Point {n} says what happened.", "Its number, its base and its interval stand in this sentence. " * 3]
    for n in range(4)
]
ACTION = {
    "action": "one more agent from 15 to 18 h", "agent_hours_per_day": 3.0, "saved_per_day": 24.1, "lower": 16.5, "upper": 31.5,
    "break_even": 0.1245, "value": None, "value_lower": None, "value_upper": None, "assumed": "the queue model alone", "recommended": True,
}  # fmt: skip
TRUST = {"skill_in_effect": 0.08, "skill_in_effect_lower": -0.14, "skill_in_effect_upper": 0.26}
CHOICE = {
    "said": "", "actions": [ACTION], "recommended": ACTION, "why": "it saves most an agent hour", "days": 20, "left_per_day": 190.0,
    "currency": None, "backtest": TRUST, "ties": [[7, 10], [8, 11]],
}  # fmt: skip
STEPS = [
    ("Rows of the log", "", 400), ("rows of February 1999", "Rows of the log", 300), ("set aside: phantom", "rows of February 1999", 20),
    ("contacts (phone)", "rows of February 1999", 280), ("asked", "contacts (phone)", 280), ("answered at once", "asked", 100),
    ("queued", "asked", 180), ("answered", "queued", 140), ("gave up", "queued", 40), ("customer not known", "gave up", 10),
    ("customer known", "gave up", 30), ("followed for 24 h", "customer known", 30), ("answered within 24 h", "followed for 24 h", 20),
    ("not answered within 24 h", "followed for 24 h", 10),
]  # fmt: skip
SHOWN = table_bundle(NUMBERS, caption="Lost by hour", kind="estimated")[TABLE]
QUEUE = {
    "queue": "Billing",
    "queued": 500,
    "share": 0.4,
    "lower": 0.35,
    "upper": 0.45,
    "previous": 0.3,
    "difference": 0.1,
}
QUEUE |= {"difference_lower": 0.04, "difference_upper": 0.16, "verdict": "rose"}


def every_day(start: str, values: list[float | None]) -> list[list]:
    return [[str(date.fromisoformat(start) + timedelta(n)), value] for n, value in enumerate(values)]


DAYS = {"abandonment_share": [every_day("1999-01-01", [0.1, 0.2] * 10), every_day("1999-02-01", [0.2, 0.3] * 10)]}


def parts(**changes) -> dict:
    hour = {"said": "9 to 10 h", "lost": 10.0, "lower": 8.0, "upper": 12.5, "tied": True, "parts": [8.0, 2.0]}
    made = {
        "lead": {"said": SAID, "before": "January 1999", "days": DAYS},
        "hours": {
            "finding": "Two hours tie for most lost", "days": 20, "week": "Monday to Friday", "queues": ["Billing", "All other queues"],
            "hours": [hour | {"hour": 9}, hour | {"hour": 11, "tied": False, "lower": None, "upper": None}],
            "described": "9 to 10 h: 10 (8 to 12.5)", "kind": "estimated", "table": SHOWN,
        },
        "bridge": {"finding": "Of 280 who asked, 40 gave up", "kind": "estimated",
                   "steps": [dict(zip(("step", "part_of", "contacts"), step, strict=True)) for step in STEPS]},
        "queues": {"finding": "Billing rose", "before": "January 1999", "left_out": 2, "kind": "estimated", "table": SHOWN,
                   "queues": [QUEUE, QUEUE | {"queue": "Orders", "verdict": "cannot be told"}]},
        "trial": {"action": ACTION["action"], "weeks": 10, "power": 0.8},
    }  # fmt: skip
    return {name: part for name, part in (made | changes).items() if part is not None}


def notebook(decision=CHOICE, points=POINTS_SAID, **changes):
    outputs = [
        new_output("display_data", data={BRIEF: {"part": name, **part}, "text/plain": name})
        for name, part in parts(**changes).items()
    ]
    outputs.append(new_output("display_data", data={POINTS: {"points": points}, "text/markdown": "points"}))
    if decision is not None:
        outputs.append(new_output("display_data", data={DECISION: decision, "text/markdown": "the box"}))
    return new_notebook(cells=[new_markdown_cell("# What happened?"), cell(outputs)])


def page(decision=CHOICE, made=render_brief, headlines=HEADLINES, language="en", run=None, **changes) -> str:
    return made(
        notebooks=[("05-summary", notebook(decision, **changes))],
        run=a_run(**run or {}),
        headlines=headlines,
        language=language,
    )


def soup_of(*arguments, **named) -> BeautifulSoup:
    return BeautifulSoup(page(*arguments, **named), "html.parser")


@pytest.mark.parametrize("made", [render_brief, render_report])
def test_the_verdict_is_the_first_heading_and_every_part_stands(made):
    soup = check_page(page(made=made))
    assert text_of(soup.h1) == SAID
    heads = [text_of(h) for h in soup.select(".brief h2")]
    assert heads == [
        "Main points", "Do first", "Two hours tie for most lost", "Of 280 who asked, 40 gave up", "Billing rose", "How sure",
        "What is not known", "Words",
    ]  # fmt: skip
    assert "Anonymous Bank · Waiting and giving up, February 1999" in text_of(soup.header)
    assert text_of(soup.select_one(".from")).endswith("cxresearch 0.1.0 Made 21 November 2026, 21:40 UTC")
    assert "33,344 read = 31,125 kept + 2,219 set aside" in text_of(soup.select_one(".from"))


def test_the_brief_alone_passes_the_gate_and_is_small():
    alone = page()
    assert gate.check_page(alone, run=a_run(), largest=gate.LARGEST_BRIEF) == []
    assert [f.rule for f in gate.check_page(alone, run=a_run(), largest=1000)] == ["size"]
    assert "<script" not in alone


def test_what_stands_in_the_brief_is_not_said_again_below():
    soup = BeautifulSoup(page(made=render_report), "html.parser")
    section = text_of(soup.find(id="s1"))
    assert SAID not in section
    assert "the box" in section
    assert text_of(soup).count("Point 1 says") == 1


def test_the_box_says_what_it_takes_and_how_to_see_whether_it_worked():
    box = soup_of().select_one(".do")
    assert text_of(box.select_one(".act")) == "One more agent from 15 to 18 h"
    assert text_of(box.select_one(".saved")).startswith("24.1 of 190 contacts lost on a full day would be saved")
    said = {text_of(row.dt): text_of(row.dd) for row in box.select("dl > div")}
    assert list(said) == ["It takes", "Breaks even", "As good", "Assumed", "The model", "Then check"]
    assert said["Breaks even"] == "Once a saved contact is worth 7.5 min of an agent's time."
    assert re.sub(r"[\s\u2060]", "", said["As good"]).endswith("from7–10,8–11h.")
    assert (
        "misses the losses of an hour 8.0 % less than that period's shares do ( 95 % interval −14.0 to 26.0 % ): whether it is better cannot be told."
        in said["The model"]
    )
    assert said["Then check"].startswith("Give it every second week: in 10 weeks")


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0.02, 0.3, "misses the losses of an hour 8.0 % less than"),
        (-0.3, -0.02, "misses the losses of an hour 8.0 % more than"),
        (None, None, "Untested"),
    ],
)
def test_the_verb_for_the_model_is_that_of_its_interval(low, high, said):
    skill = {
        "skill_in_effect": -0.08 if high and high < 0 else 0.08,
        "skill_in_effect_lower": low,
        "skill_in_effect_upper": high,
    }
    assert said in text_of(soup_of(CHOICE | {"backtest": skill}).select_one(".do"))


@pytest.mark.parametrize(
    ("decision", "run", "changes", "why"),
    [
        (CHOICE, {"newest_record": "1999-02-20 10:00:00"}, {}, "The data ends before the period does."),
        (CHOICE, {"status": "partial"}, {}, "A part of this report is missing."),
        (None, {"status": "partial"}, {}, "A part of this report is missing."),
        (CHOICE, {}, {"lead": {"said": SAID, "days": {}}}, "Fewer than five full days tell too little."),
        (CHOICE | {"days": 4}, {}, {}, "Fewer than five full days tell too little."),
        (CHOICE | {"recommended": None, "why": "untested, there is no period before it", "backtest": None}, {}, {},
         "Untested, there is no period before it."),
        (CHOICE | {"recommended": None, "why": "the model missed more than the shares of January 1999"}, {}, {},
         "The model missed more than the shares of January 1999. The model Fitted on January 1999 and told how many asked, it misses the "
         "losses of an hour 8.0 % less than that period's shares do ( 95 % interval −14.0 to 26.0 % ): whether it is better cannot be told."),
    ],
)  # fmt: skip
def test_no_action_is_named_and_why(decision, run, changes, why):
    box = soup_of(decision, run=run, **changes).select_one(".do")
    assert text_of(box) == f"No action is named {why}"


def test_a_report_that_weighs_no_action_has_no_box():
    soup = check_page(page(None, hours=None, bridge=None, queues=None, trial=None))
    assert soup.select_one(".do") is None
    assert [text_of(h) for h in soup.select(".brief h2")] == ["Main points", "How sure", "What is not known", "Words"]


def test_few_days_say_so_and_draw_nothing():
    few = {
        "lead": {"said": SAID, "days": {}},
        "hours": {"why": "Four full days: too few to tell the hours of a day apart"},
    }
    soup = check_page(page(**few))
    assert "Four full days" in text_of(soup.select_one(".when .gap"))
    assert soup.select_one(".bars") is None
    assert soup.select_one("svg.days") is None
    assert "There are too few days" in text_of(soup)


def test_simulated_stands_on_every_heading():
    soup = check_page(page(run={"simulated": True}))
    heads = [text_of(h) for h in soup.find_all(["h1", "h2"])]
    assert len(heads) == 9
    assert all(head.endswith("SIMULATED") for head in heads)


def test_the_chart_is_drawn_from_the_numbers_and_said_in_words():
    chart = soup_of().select_one(".when")
    bars = chart.select_one(".bars")
    assert bars["role"] == "img"
    assert bars["aria-label"] == "Two hours tie for most lost. 9 to 10 h: 10 (8 to 12.5)."
    columns = bars.select(".col")
    # From nine to eleven, ten in between with nothing; the scale ends at 15.
    assert [text_of(column) for column in columns] == ["9", "10", "11"]
    assert [part["style"] for part in columns[0].select("i")] == [
        "bottom:53.33%;height:30.00%",
        "height:53.33%",
        "height:13.33%",
    ]
    assert columns[1].select("i") == []
    assert [part["style"] for part in columns[2].select("i")] == ["height:53.33%", "height:13.33%"], (
        "no interval is drawn"
    )
    assert [text_of(hour) for hour in bars.select(".tied")] == ["9"]
    assert [text_of(tick) for tick in bars.select(".tick")] == ["0", "5", "10", "15"]
    assert chart.details.table is not None


def test_each_bar_of_the_bridge_is_the_coloured_part_of_the_one_above():
    rows = soup_of().select(".bridge li")
    assert [(text_of(row.strong), text_of(row.b), row.i["style"]) for row in rows] == [
        ("Rows of February 1999", "300", "width:93.33%"), ("Asked", "280", "width:64.29%"), ("Queued", "180", "width:22.22%"),
        ("Gave up", "40", "width:75.00%"), ("Customer known", "30", "width:33.33%"),
    ]  # fmt: skip
    assert [text_of(row.select_one(".rest")) for row in rows][-2:] == [
        "customer not known 10", "answered within 24 h 20; not answered within 24 h 10",
    ]  # fmt: skip


def test_the_steps_of_a_bridge_add_up_also_where_some_gave_up_before_the_queue():
    early = [
        *STEPS[:9],
        ("gave up before the queue", "asked", 5),
        ("gave up in all", "", 45),
        ("customer not known", "gave up in all", 45),
    ]
    bridge = {
        "finding": "x",
        "kind": "estimated",
        "steps": [dict(zip(("step", "part_of", "contacts"), s, strict=True)) for s in early],
    }
    rows = soup_of(bridge=bridge).select(".bridge li")
    assert [text_of(row.strong) for row in rows] == ["Rows of February 1999", "Asked", "Gave up in all"]
    assert text_of(rows[1].select_one(".rest")) == "answered at once 100; answered 140"


def test_a_dot_is_hollow_where_no_change_can_be_told():
    rows = soup_of().select(".queues tbody tr")
    assert [row.select(".dots i")[-1]["class"] for row in rows] == [["is"], ["open"]]
    assert text_of(rows[0]) == "Billing 40.0 % (35.0 to 45.0 % ) rose + 10.0 points (4.0 to 16.0 points )"
    assert "Queues too small to be named: 2." in text_of(soup_of().select_one(".queues"))


def test_four_headlines_lead_and_those_with_a_target_or_a_clear_change_come_first():
    names = ["contacts", "mean_wait_s", "queued_share", "service_level", "patience", "lost_share"]
    given = [HEADLINES[0] | {"name": name, "change": None, "target": None} for name in names]
    assert [h["name"] for h in chosen_tiles(given)] == ["lost_share", "service_level", "mean_wait_s", "contacts"]
    given[4]["change"] = CHANGE
    given[2]["target"] = {"limit": 0.5, "verdict": "missed"}
    assert {h["name"] for h in chosen_tiles(given)[:3]} == {"lost_share", "patience", "queued_share"}
    given[5]["value"] = None
    assert "lost_share" not in [h["name"] for h in chosen_tiles(given)[:2]]
    assert "No target set" in text_of(soup_of().select_one(".tiles"))


def test_a_small_line_has_a_gap_where_days_are_missing():
    drawn = spark([every_day("1999-02-01", [1.0, 2.0, None, None, None, None, 3.0, 2.0, 1.0])], 2.0)
    assert [len(piece.split()) for piece in drawn["now"]] == [2, 3]
    assert drawn["now"][0] == "0.0,27.0 12.5,15.0"
    assert drawn["level"] == "15.0"
    assert drawn["then"] == []
    assert spark([every_day("1999-02-01", [1.0, 2.0, 3.0, 4.0])], 2.0) is None, "of four days no line is drawn"
    assert spark([], 2.0) is None


def test_with_much_to_say_the_chart_stands_on_the_second_page():
    assert soup_of().select_one(".one .when")
    assert not soup_of().select_one(".brief.long")
    long = [[lead, sentence * 3] for lead, sentence in POINTS_SAID]
    assert soup_of(points=long).select_one(".brief.long .when"), "it opens the second printed page"


@pytest.mark.parametrize("language", ["id", "pl"])
def test_in_another_language_what_the_page_says_is_translated(language):
    alone = page(language=language)
    assert gate.check_page(alone, run=a_run(), language=language) == []
    soup = BeautifulSoup(alone, "html.parser")
    assert soup.h1.span["lang"] == "en"
    assert "Do first" not in alone
    assert "What is not known" not in alone


def test_hostile_text_is_only_text():
    queue = [QUEUE | {"queue": HOSTILE}]
    check_page(page(CHOICE | {"recommended": ACTION | {"action": HOSTILE, "assumed": HOSTILE}}, lead={"said": HOSTILE, "days": {}},
                    queues={**parts()["queues"], "queues": queue, "finding": HOSTILE}, points=[[HOSTILE, HOSTILE]]))  # fmt: skip


def test_the_tables_of_the_brief_are_taken_away_after_all_others():
    tables, _ = take_away(notebooks=[("05-summary", notebook())], run=a_run())
    assert len(tables) == 2
    assert all("Lost by hour" in table["caption"] for table in tables)
    few, _ = take_away(
        notebooks=[("05-summary", notebook(hours={"why": "few days"}, queues={"why": "few"}))], run=a_run()
    )
    assert few == []


def test_nothing_recorded_is_nothing_shown():
    view = brief_view(
        {}, None, a_run(), status="complete", stale=False, headlines=[], points=[], marks=0, language="en"
    )
    assert not any(
        view[name] for name in ("said", "hours", "box", "bridge", "queues", "sure", "unknown", "terms", "long")
    )


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


@needs_browser
def test_two_pages_in_every_state_and_text_that_can_be_read_at_every_width(tmp_path):
    """On a telephone nothing lies beside the screen; no letter is smaller than 11 pixels."""
    every_mark = {"simulated": True, "status": "partial", "newest_record": "1999-02-20 10:00:00"}
    many = [QUEUE | {"queue": f"A queue with a name of some length, {n}"} for n in range(6)]
    states = {
        "good": page(), "marks": page(run=every_mark), "few": page(lead={"said": SAID, "days": {}}, hours={"why": "Four full days"}),
        "bare": page(None, hours=None, bridge=None, queues=None, trial=None),
        "long": page(points=[[lead, sentence * 2] for lead, sentence in POINTS_SAID[:1] * 7], queues=parts()["queues"] | {"queues": many}),
    }  # fmt: skip
    small = """[...document.querySelectorAll('body *')].filter(e => [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim())
        && parseFloat(getComputedStyle(e).fontSize) < 11).map(e => e.className)"""
    with chromium() as browser:
        for name, text in states.items():
            path = tmp_path / f"{name}.html"
            path.write_text(text, encoding="utf-8")
            browser.open(path)
            assert pages_of(browser.pdf()) == 2, name
            for width in (320, 360, 1280, 1920):
                browser.resize(width)
                assert (
                    browser.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
                ), (name, width)
                assert browser.evaluate(small) == [], (name, width)


@needs_browser
def test_a_first_page_as_full_as_may_be_still_has_room_for_its_chart(tmp_path):
    """Up to the last letter at which the chart stays on the first page, and from the next one on, there are two pages."""
    marked = {"simulated": True}
    with chromium() as browser:
        for number, run, language in itertools.product((3, 5, 6), ({}, marked), ("en", "pl")):
            free = MOST_LETTERS - len(SAID) - LETTERS_OF_A_MARK * bool(run)
            each = free // number
            filled = [["Lead of it.", ("word " * each)[: each - 11]] for _ in range(number)]
            over = [*filled[:-1], [filled[-1][0], filled[-1][1] + " more words" * 3]]
            for points, long in ((filled, False), (over, True)):
                text = page(points=points, run=run, language=language)
                assert ('class="brief long"' in text) is long
                path = tmp_path / "full.html"
                path.write_text(text, encoding="utf-8")
                browser.open(path)
                assert pages_of(browser.pdf()) == 2, (number, run, language, long)


def test_what_changed_is_unknown_only_where_there_is_no_period_before():
    nothing = "What changed: there is no period before."
    still = [headline | {"change": None} for headline in HEADLINES]
    assert nothing not in soup_of(headlines=still).get_text()
    first = soup_of(headlines=still, lead={"said": SAID, "before": "", "days": DAYS})
    assert nothing in first.get_text()
    assert "grey is January 1999;" in first.get_text(), "its days are drawn where no change is told, too"


def test_marks_that_are_not_drawn_are_not_explained():
    bare = QUEUE | dict.fromkeys(("lower", "upper", "previous", "difference", "difference_lower", "difference_upper"))
    few = soup_of(queues={"finding": "Lost", "before": "January 1999", "left_out": 0, "kind": "estimated", "table": SHOWN,
                          "queues": [bare | {"verdict": "cannot be told"}]})  # fmt: skip
    assert "Hollow: too few days tell an interval or a change." in few.get_text()
    assert "with its 95 % interval; bar" not in few.get_text()
