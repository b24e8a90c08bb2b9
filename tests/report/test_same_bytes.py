"""The same run twice gives the same page, but for when it was made and how long it took."""

from __future__ import annotations

import json
import re

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from cxresearch import __main__ as command_line
from cxresearch.exhibits import FIGURE

# What tempts a page to differ: several figures and scales, ids, sets, dicts, bands, a what-if, a folded table.
CELLS = [
    "from cxresearch import figures, patience, survival\nfrom cxresearch.exhibits import show as present\n"
    "from cxresearch.contacts import load_contacts\nfrom cxresearch.risk_table import risk_table",
    "waits = risk_table(load_contacts(log).contacts, by=('channel', 'queue', 'weekday', 'hour'))",
    "curve = survival.kaplan_meier(waits, by='queue')\nax = figures.plot_survival(curve, horizon_s=200, by='queue')\n"
    "ax.set_title('Half leave')\n"
    "present.show_figure(ax, subtitle='Share', description='It falls.', kind='SIMULATED', table=curve)",
    "hazard = survival.hazard_rate(waits, event='abandoned', bandwidth_s=20)\n"
    "ax = figures.plot_hazard(hazard, horizon_s=200)\nax.set_title('They leave early')\n"
    "present.show_figure(ax, subtitle='Rate', description='It falls.', kind='SIMULATED')",
    "week = patience.waiting_table(waits, by=('weekday', 'hour'))\n"
    "ax = figures.plot_week(week, value='share_left_of_queued')\nax.set_title('Mondays')\n"
    "present.show_figure(ax, subtitle='Share', description='Mondays.', kind='SIMULATED')",
    "present.main_points([('Queues:', ', '.join(sorted({*waits.queue})) + '.')])",
    "present.record_headline(name='contacts', label='Contacts', value=400, lower=400, upper=400, unit='contacts', "
    "kind='SIMULATED', better=None)",
    "scenarios = curve.head(5).rename(columns={'survival': 'share'})[['duration_s', 'share', 'at_risk']]\n"
    "present.what_if(scenarios.assign(today=[True] + 4 * [False]), finding='F', subtitle='S', kind='SIMULATED')",
]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    for name in ("reports", "notebooks"):
        (tmp_path / name).mkdir()
    settings = 'title = "Small"\nperiod = "month"\nnotebooks = ["one"]\nheadlines = ["contacts"]\n'
    (tmp_path / "reports" / "small.toml").write_text(settings + '[parameters]\nlog = "log.csv"\n')
    code = [new_code_cell(source) for source in CELLS]
    given = new_code_cell('log: str = ""\nperiod: str = ""', metadata={"tags": ["parameters"]})
    spec = {"kernelspec": {"name": "python3", "language": "python", "display_name": "x"}}
    notebook = new_notebook(cells=[new_markdown_cell("# Why? $x^2$"), given, *code], metadata=spec)
    nbformat.write(notebook, tmp_path / "notebooks" / "one.ipynb")
    opened = pd.date_range("1999-02-01 08:00", periods=400, freq="99min")
    outcome = ["answered", "abandoned", "answered", "abandoned", "answered"]
    log = {"opened_at": opened, "wait_s": [(7 * i) % 211 for i in range(400)], "outcome": (outcome * 80)[:400]}
    pd.DataFrame({**log, "channel": "phone", "queue": ["a", "b"] * 200}).to_csv(tmp_path / "log.csv", index=False)
    monkeypatch.setattr(command_line, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def timeless(page: str, run: dict) -> str:
    """The page without what a clock put there, each in its own place."""
    page = re.sub(r"(Made |<dt>(?:Started|Finished)</dt><dd>)\d+ \w+ \d{4}, \d\d:\d\d UTC", r"\1THEN", page)
    (name,) = (n["name"] for n in run["notebooks"])
    row = re.compile(rf'(<th scope="row">{name}</th><td class="n">[^<]*</td><td class="n">)[\d.]+(</td>)')
    assert row.search(page)
    return row.sub(r"\1SECONDS\2", page)


def test_two_runs_of_one_key_give_the_same_page(checkout):
    pages, beside = [], []
    for name in ("one", "two"):
        given = ["report", "small", "--period", "1999-02", "--out", str(checkout / name)]
        assert command_line.main(given) == 0
        folder = checkout / name / "small" / "1999-02"
        run = json.loads((folder / "run.json").read_text())
        pages.append(timeless((folder / "report.html").read_text(encoding="utf-8"), run))
        beside.append({path.name: path.read_bytes() for path in [folder / "tables.xlsx", *folder.glob("figures/*")]})
    assert len(pages[0]) > 50_000
    assert pages[0].count("<svg") == 3
    assert pages[0] == pages[1]
    figures = [
        f"{name}.{kind}" for name in ("01-half-leave", "02-they-leave-early", "03-mondays") for kind in ("svg", "png")
    ]
    assert sorted(beside[0]) == sorted([*figures, "tables.xlsx"])
    assert beside[0] == beside[1]
    links = re.findall(r'href="([^"#:]+)"', pages[0])
    assert links == ["tables.xlsx", *(f"figures/{name}" for name in figures)]
    kept = (folder / "notebooks" / "one.ipynb").read_text(encoding="utf-8")
    assert FIGURE in kept
    assert '"image/png":' not in kept, "what stands beside the page is not kept twice"
