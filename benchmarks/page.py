"""What the pages are: python benchmarks/page.py --data SHARED (or CXRESEARCH_SHARED)

Every kind of report is made of real data, the monthly one in every language, and looked at in Chromium with the network off:
bytes, printed pages on A4 and on Letter, how tall the brief is, what is wider than its window, how soon something is painted,
what axe-core finds (light, dark, 360 px, forced colours, print), and the least contrast of the three palettes. Results go to
benchmarks/results/page.json and page.md.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import zlib
from datetime import date
from pathlib import Path
from typing import Any

from cxresearch.report.page.brand import contrast, page_palettes
from cxresearch.report.page.browser import Page, chromium
from cxresearch.style import languages

ROOT = Path(__file__).resolve().parents[1]
WIDTHS = (320, 360, 1280, 1920)
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS = {
    "light": (1280, "", {"prefers-color-scheme": "light"}),
    "dark": (1280, "", {"prefers-color-scheme": "dark"}),
    "telephone": (360, "", {"prefers-color-scheme": "light"}),
    "forced colours": (1280, "", {"prefers-color-scheme": "dark", "forced-colors": "active"}),
    "print": (794, "print", {"prefers-color-scheme": "light"}),
}
TEXT = ("--ink", "--soft", "--c1", "--c2", "--c3", "--c4", "--ok", "--warn")
# Sections that are not in the window are laid out too, so that nothing is left unlooked at.
ALL = """(function () {
  var style = document.createElement("style");
  style.textContent = ".sections > section { content-visibility: visible !important }";
  document.head.append(style);
})()"""
PAINTED = """new Promise(function (done) {
  requestAnimationFrame(function () { setTimeout(function () { done(performance.getEntriesByType("paint")[0].startTime); }, 100); });
})"""


def make(folder: Path, shared: Path) -> dict[str, Path]:
    """Every report, in a folder of its own that has the notebooks and the data of this checkout."""
    for name in ("notebooks", "data"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "reports", folder / "reports", ignore=shutil.ignore_patterns("build"))
    monthly = (ROOT / "reports" / "monthly.toml").read_text(encoding="utf-8")
    others = [language for language in languages() if language != "en"]
    for language in others:
        (folder / "reports" / f"monthly-{language}.toml").write_text(
            f'language = "{language}"\n{monthly}', encoding="utf-8"
        )
    log = ("--set", f"log={shared / 'data' / 'anonymous-bank'}")
    orders: dict[str, tuple[str, ...]] = {
        "monthly": ("--period", "1999-02", *log), "weekly": ("--period", "1999-W06", *log), "daily": ("--period", "1999-02-09", *log),
        "quarterly": ("--period", "1999-Q1", *log), **{f"monthly-{language}": ("--period", "1999-02", *log) for language in others},
        "tickets": ("--period", "2026-10", "--set", f"log={shared / 'exports' / 'zendesk_tickets.csv'}"),
        "survey": ("--set", f"survey_file={shared / 'exports' / 'surveys' / 'own.sav'}"),
        "evidence": ("--set", f"requests_file={shared / 'data' / 'nyc311' / 'requests.parquet'}",
                     "--set", f"turns_file={shared / 'data' / 'ibm-twitter-care' / 'turns.parquet'}"),
    }  # fmt: skip
    made = {}
    for name, words in orders.items():
        # The command as it is, with this folder for the checkout.
        command = f"import sys; from pathlib import Path; from cxresearch import __main__; __main__.ROOT = Path({str(folder)!r}); sys.exit(__main__.main())"
        subprocess.run(
            [sys.executable, "-c", command, "report", name, "--out", str(folder / "out"), *words],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        made[name] = next((folder / "out" / name).glob("*/report.html"))
    return made


def look(page: Page, path: Path, axe: str) -> dict[str, Any]:
    """What is measured of one page."""
    found: dict[str, Any] = {"kB": round(path.stat().st_size / 1000), "beside, kB": _beside(path)}
    painted = []
    for _ in range(7):
        page.open(path, width=1280)
        painted.append(float(page.evaluate(PAINTED)))
    found["first paint, ms (median of 7)"] = round(statistics.median(painted))
    brief = page.evaluate("(b => b && Math.round(b.getBoundingClientRect().bottom))(document.querySelector('.brief'))")
    found["brief ends at, px of 1280"] = brief
    wide = []
    for width in WIDTHS:
        page.open(path, width=width)
        page.evaluate(ALL)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(width)
    found["wider than its window at"] = wide
    found["pages, A4"] = pages_of(page.pdf())
    letter = page.call("Page.printToPDF", printBackground=True, paperWidth=8.5, paperHeight=11)["data"]
    found["pages, Letter"] = pages_of(base64.b64decode(letter))
    found["axe"] = {name: _axe(page, path, axe, *given) for name, given in LOOKS.items()}
    found["requests, messages"] = [len(page.requests), len(page.messages)]
    return found


def _axe(page: Page, path: Path, axe: str, width: int, media: str, features: dict[str, str]) -> list[str]:
    page.open(path, width=width)
    page.call(
        "Emulation.setEmulatedMedia", media=media, features=[{"name": k, "value": v} for k, v in features.items()]
    )
    page.evaluate(ALL)
    page.evaluate(axe + "; 0")
    run = f"axe.run({{runOnly: {json.dumps(AXE_TAGS)}}}).then(r => r.violations.map(v => v.id + ' (' + v.nodes.length + ')'))"
    violations: list[str] = page.evaluate(run)
    page.call("Emulation.setEmulatedMedia", media="", features=[])
    # The size of what is pressed means nothing on paper.
    return [one for one in violations if not (media == "print" and one.startswith("target-size"))]


def _beside(path: Path) -> dict[str, int]:
    files = {
        "brief": path.with_name("brief.html"),
        "slide": path.with_name("slide.pptx"),
        "tables": path.with_name("tables.xlsx"),
    }
    return {name: round(file.stat().st_size / 1000) for name, file in files.items() if file.is_file()}


def pages_of(pdf: bytes) -> int:
    """How many pages a PDF has, its packed objects among them."""
    packed = [zlib.decompress(found) for found in re.findall(rb"/ObjStm.*?stream\r?\n(.*?)endstream", pdf, re.DOTALL)]
    return sum(len(re.findall(rb"/Type\s*/Page\b(?!s)", part)) for part in (pdf, *packed))


def palettes() -> dict[str, dict[str, float]]:
    """The least contrast of text, and of a line, on page and card."""
    told = {}
    for name, colours in page_palettes().items():
        text = min(contrast(colours[ink], colours[ground]) for ink in TEXT for ground in ("--paper", "--card"))
        told[name] = {"text": round(text, 2), "mark": round(contrast(colours["--strip-ink"], colours["--strip"]), 2)}
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("CXRESEARCH_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    given = parser.parse_args()
    axe = (ROOT / ".venv" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    folder = Path(tempfile.mkdtemp(prefix="page-"))
    try:
        made = make(folder, Path(given.data).resolve())
        with chromium(limit_s=900) as page:
            browser = page.version
            found = {name: look(page, path, axe) for name, path in made.items()}
    finally:
        shutil.rmtree(folder)
    facts = {
        "date": date.today().isoformat(), "machine": f"{platform.machine()}, {os.cpu_count()} cores", "browser": browser,
        "load average at the end": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    told = {"facts": facts, "contrast": palettes(), "pages": found}
    given.out.mkdir(exist_ok=True)
    (given.out / "page.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    (given.out / "page.md").write_text(_markdown(told), encoding="utf-8")
    print(_markdown(told))


def _markdown(told: dict[str, Any]) -> str:
    rows = []
    for name, one in told["pages"].items():
        beside = ", ".join(f"{what} {size}" for what, size in one["beside, kB"].items())
        axe = "; ".join(f"{look}: {', '.join(found)}" for look, found in one["axe"].items() if found) or "none"
        rows.append(
            f"| {name} | {one['kB']} ({beside}) | {one['pages, A4']}, {one['pages, Letter']} | {one['brief ends at, px of 1280'] or ''} | "
            f"{one['wider than its window at'] or 'none'} | {one['first paint, ms (median of 7)']} | {axe} |"
        )
    contrasts = [f"| {name} | {one['text']} | {one['mark']} |" for name, one in told["contrast"].items()]
    return "\n".join([
        "# What the pages are", "",
        "Reports on real data, looked at with the network off. Looks: " + ", ".join(LOOKS) + ". Seconds belong to this machine.", "",
        "| report | kB (beside it) | pages on A4, on Letter | brief ends, px at 1280 | wider than its window | first paint, ms | axe finds |",
        "|---|---:|---:|---:|---|---:|---|", *rows, "",
        "| palette | least contrast of text | of a mark of trust |", "|---|---:|---:|", *contrasts, "",
        *(f"- {name}: {value}" for name, value in told["facts"].items()), "",
    ])  # fmt: skip


if __name__ == "__main__":
    main()
