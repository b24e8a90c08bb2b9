"""One report of one period, from its lock to its place in the index; nothing half-made is ever visible."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Collection
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psutil

from cxresearch.contacts import Period, clear_place, read_outside
from cxresearch.report.archive import exact, history, publish
from cxresearch.report.archive.alerts import alert_records, tell_alerts
from cxresearch.report.archive.deliver import DeliveryError, Mail, load_mail, points_of, read_run, send
from cxresearch.report.archive.memory import Fetched, fetch_back, keep, put_again
from cxresearch.report.archive.messages import Messages, load_messages, require, send_messages
from cxresearch.report.archive.recorded import FORECAST, LeftAside, read_runs, run_of, tables_of
from cxresearch.report.archive.sums import write_run
from cxresearch.report.page.brand import load_brand
from cxresearch.report.page.leaks import NO_NAMES, Names, in_each_text, without_leaks, without_paths
from cxresearch.report.run import one_run as run
from cxresearch.report.run.environment import for_kernels
from cxresearch.report.run.execute import Kernels, recorded_decision
from cxresearch.report.run.parameters import Report
from cxresearch.report.run.place import cannot_be_used, in_words, is_full, require_writable
from cxresearch.report.run.stop import Guard, RunTimedOut
from cxresearch.report.run.version import Version
from cxresearch.report.run.warm_start import warm_start_for
from cxresearch.style import load_words

DUE = ".index-due"
MOST_SAID = 12  # lines on stderr about the outputs of notebooks


def make_report(order: run.Order, guard: Guard) -> int:
    """Build one report aside, check it, put it in place, and make the index anew.

    ``guard``: signals and the clock of the whole run, in the main thread. An order with ``standing`` leaves the forecast
    to the end of its backfill. Returns the exit code: 0 complete, 1 failed, 2 bad input, 3 partial, 75 the same run is
    under way. Raises stop.Ended, and a ValueError for what cannot be used. Whatever the system raises is told in a
    sentence with its path.
    """
    try:
        return _make_report(order, guard)
    except (OSError, MemoryError, RuntimeError) as error:
        print(f"cxresearch: {order.report.name} {order.period.name} FAILED: {in_words(error)}.", file=sys.stderr)
        return run.FAILED


def _make_report(order: run.Order, guard: Guard) -> int:
    report, target = order.report, order.target
    failed_target = target.with_name(f"{order.period.name}.failed")
    require_writable(order.out, target, failed_target)
    brand, mail = load_brand(report.brand, order.root), load_mail(report.email) if report.email else None
    messages = load_messages(report.messages) if report.messages else None
    if messages:
        require(messages)
    load_words(report.language)
    for_kernels(report.environment)  # all of these refuse, with a ValueError, what the page and the mail cannot use
    with run.run_lock(order.out / ".locks" / order.key) as free:
        if not free:
            print(f"cxresearch: {report.name} {order.period.name} is already under way.", file=sys.stderr)
            return run.UNDER_WAY
        publish.clear_old_builds(order.out, order.key, target)
        # Its imports run beside ours, and beside the reading of the log.
        warm = warm_start_for(report.notebooks, report.environment)
        mark = hashlib.sha256(os.fsencode(target.resolve())).hexdigest()[:8]
        kernels = Kernels(mark, warm, report.language, report.environment)
        kernels.clear_sockets()
        _heal_index(order.out, report)
        fetched = fetch_history(report, order.out)
        build, started = publish.new_build(order.out, order.key), datetime.now(UTC)
        try:
            try:
                with guard.clock(report.run_timeout_s):
                    record = _fill(order, build, kernels, brand, fetched)
                    if record["status"] != "failed":
                        guard.check()
            except (RunTimedOut, Exception) as error:
                of_input = (isinstance(error, ValueError) and not is_full(error)) or cannot_be_used(error)
                if of_input and not (build / "notebooks").exists():
                    print(f"cxresearch: {error if isinstance(error, ValueError) else in_words(error)}", file=sys.stderr)
                    return run.USAGE
                record = _what_failed(report, order.period, error, started)
                if not _keep(build, record):
                    # Not even this had room. What was there before stands as it was.
                    print(f"cxresearch: {report.name} {order.period.name} FAILED: {record['reason']}", file=sys.stderr)
                    return run.FAILED
            with guard.whole():
                leave_out(build, report, kernels.names, failed=record["status"] == "failed")
                code = _put_in_place(report, record, build, target, failed_target, order.out)
            # Told after it stands, and also when it failed; the guard lets a signal end a server that does not answer.
            if (
                not _deliver(
                    report, (mail, messages), record, failed_target if record["status"] == "failed" else target
                )
                or fetched.why
            ):
                code = run.FAILED
        finally:
            shutil.rmtree(build, ignore_errors=True)
    return code


def leave_out(build: Path, report: Report, names: Names, *, failed: bool) -> None:
    """Take out of a built run what is not published: its notebooks where the report says so, and of a failed run its exact
    tables and every file that a rule finds something in."""
    if not report.publish_notebooks:
        shutil.rmtree(build / "notebooks", ignore_errors=True)
    if failed:
        from cxresearch.report.page.folder import check_files

        shutil.rmtree(build / exact.EXACT, ignore_errors=True)
        for name, findings in check_files(build, names=names, leave=["run.json"]).items():
            (build / name).unlink()
            print(f"cxresearch: {name} of the failed run is left out: {findings[0].rule}.", file=sys.stderr)


def _put_in_place(
    report: Report, record: dict[str, Any], build: Path, target: Path, failed_target: Path, out: Path
) -> int:
    """Publish what was built and write the index; says what became of it."""
    name = f"{record['report']} {record['period']}"
    code = run.EXIT_CODES[record["status"]]
    # Stands from before the report takes its place until the index says so.
    due = out / ".locks" / f"{record['report']}-{record['period']}{DUE}"
    if code == run.FAILED:
        print(f"cxresearch: {name} FAILED: {record['reason']}; no report was published.", file=sys.stderr)
    try:
        publish.write_atomically(due, str(os.getpid()))
        exact.put(build, out, record)
        publish.publish(build, failed_target if code == run.FAILED else target)
        if code == run.FAILED:
            print(f"cxresearch: what there is of the run is in {failed_target}.", file=sys.stderr)
        else:
            exact.clear_others(out, record)
            shutil.rmtree(failed_target, ignore_errors=True)
            mark = " (SIMULATED data)" if record["simulated"] else ""
            print(f"{name}: {record['status']}{mark}: {target / 'report.html'}", flush=True)
            print(f"{name}: {_rows_said(record)}", flush=True)
        write_index(out, report)
        clear_place(due)
    except Exception as error:  # whatever stands is whole; somebody has to look
        print(f"cxresearch: {name}: {in_words(error)}.", file=sys.stderr)
        return run.FAILED
    return code


def _rows_said(record: dict[str, Any]) -> str:
    counts, reasons = record["counts"], record["set_aside"]
    if not counts:
        return "no log is read"
    most = f" (most of them: {reasons[0]['reason']}, {reasons[0]['rows']:,})" if reasons else ""
    return f"{counts['read']:,} rows read, {counts['kept']:,} kept, {counts['set_aside']:,} set aside{most}"


def write_index(out: Path, report: Report) -> None:
    """Make the index anew from what stands in ``out``, in the language and the colours of ``report``."""
    with run.run_lock(out / ".locks" / "index", wait=True):
        page, left_aside = index_page(out, report)
        publish.write_atomically(out / "index.html", page)
    for file in left_aside:
        print(f"cxresearch: left aside: {file.path}: {file.why}.", file=sys.stderr)


def index_page(out: Path, report: Report) -> tuple[str, list[LeftAside]]:
    """The index of what stands in ``out``, and what of it was left aside; a report that a newer one should have replaced by
    today is marked STALE."""
    from cxresearch.report.page import render

    root = report.notebooks[0].parents[1]
    found, left_aside = read_runs(out, tables=True)
    runs = history.runs_told(found)
    for one in runs:
        if one["elsewhere"]:
            one |= {"href": None, "brief": None}  # its page is in the store, whose own index leads there
    page = render.render_index(
        runs, left_aside=left_aside, language=report.language, brand=load_brand(report.brand, root), today=date.today()
    )
    return page, left_aside


def fetch_history(report: Report, out: Path) -> Fetched:
    """What stands in the store of the report, fetched; where it cannot be, that is said, and what is here counts."""
    if not report.store:
        return Fetched()
    with run.run_lock(out / ".locks" / "stored", wait=True):
        fetched = fetch_back(out, report.store, report.history)
    if fetched.why:
        print(
            f"cxresearch: {report.name}: {fetched.why}; what changed since earlier reports may be missing.",
            file=sys.stderr,
        )
    return fetched


def _keep_elsewhere(report: Report, folder: Path) -> None:
    out = folder.parents[1]
    with run.run_lock(out / ".locks" / "stored", wait=True):
        keep(folder, out, report.store, report.history, lambda mirror: index_page(mirror, report)[0])


def _deliver(
    report: Report, boxes: tuple[Mail | None, Messages | None], record: dict[str, Any], folder: Path
) -> bool:  # fmt: skip
    """Store the run and tell people, as the report asks for; False, and said, where that did not work."""
    well, (mail, messages) = True, boxes
    for wanted, act in (
        (report.store, lambda: _keep_elsewhere(report, folder)),
        (mail, lambda: send(mail, folder, language=report.language) if mail else None),
        (messages, lambda: send_messages(messages, folder, language=report.language) if messages else None),
        (record["status"] != "failed" and record.get("alerts"), lambda: _tell_alerts(report, boxes, folder)),
    ):
        if wanted and (folder / "run.json").is_file():
            well &= _well(report, act)
    return well


def _tell_alerts(report: Report, boxes: tuple[Mail | None, Messages | None], folder: Path) -> None:
    """Tell of alerts, and keep in run.json and in the store who was told."""
    mail, messages = boxes
    published = read_run(folder)  # without the places of this machine, which the record in hand still has
    headlines, alerts = json.loads((folder / "headlines.json").read_text(encoding="utf-8")), published["alerts"]
    told = [list(one["told"]) for one in alerts]
    try:
        tell_alerts(folder, alerts, published, headlines, mail=mail, messages=messages, language=report.language)
    finally:
        if report.store and told != [one["told"] for one in alerts]:
            put_again(folder, report.store, ["run.json"])


def _well(report: Report, act: Callable[[], Any]) -> bool:
    try:
        act()
    except DeliveryError as error:
        print(f"cxresearch: {report.name}: {error}", file=sys.stderr)
        return False
    return True


def _heal_index(out: Path, report: Report) -> None:
    """Make the index anew where a run was killed between its report and the index."""
    left = [mark for mark in (out / ".locks").glob(f"*{DUE}") if not _alive(mark)]
    if left:
        with contextlib.suppress(Exception):  # at the end of this run the same error is told
            write_index(out, report)
            for mark in left:
                clear_place(mark)


def _alive(mark: Path) -> bool:
    """Whether the process that left the mark lives; one that was killed while it wrote left nothing to read."""
    with contextlib.suppress(OSError, ValueError, OverflowError):
        process = int(read_outside(mark, 100))
        return psutil.pid_exists(process) and process != os.getpid()
    return False


def keep_forecasts(out: Path, report: Report, periods: Collection[str]) -> bool:
    """Write what the runs of a backfill lead one to expect of the period after each, oldest first, here and in the store;
    False, and said, where the store did not take it."""
    good = history.by_period(history.load_runs(out))
    well = True
    for period in periods:
        folder = out / report.name / period
        if (report.name, period) in good and run_of(folder) is not None:
            said = publish.json_text(history.forecast_from(good, report.name, period))
            record = json.loads((folder / "run.json").read_bytes())
            # Whenever this is ended, no sum is that of another file.
            write_run(folder, record, without=FORECAST)
            publish.write_atomically(folder / FORECAST, said)
            write_run(folder, record)
            if report.store:
                well &= _well(report, lambda folder=folder: put_again(folder, report.store, [FORECAST]))  # type: ignore[misc]
    return well


def _fill(order: run.Order, build: Path, kernels: Kernels, brand: dict[str, str], fetched: Fetched) -> dict[str, Any]:
    """Everything of the run into ``build``; returns what run.json says."""
    report, period = order.report, order.period
    record, notebooks, headlines = run.execute_report(order, build, kernels)
    publish.write_json(build / "headlines.json", headlines)
    if (decision := recorded_decision([notebook for _, notebook in notebooks])) is not None:
        publish.write_json(build / "decision.json", decision)
    if report.store:
        record["history"] = fetched.record
    if record["status"] != "failed":
        record |= _outputs(record, notebooks, kernels.names)
        stood = history.load_runs(order.out)
        good = history.by_period(stood)
        if isinstance(period, Period):
            record["evidence"] = history.standing_evidence(stood)
        if order.standing is not None:
            good = {key: r for key, r in good.items() if key[1] in order.standing}
        earlier = good.get((report.name, period.previous.name)) if period.previous else None
        record["redefined"] = history.redefinitions(headlines, earlier["headlines"] if earlier else [])
        mine = good[report.name, period.name] = {**record, "headlines": headlines, "next_said": [], **tables_of(build)}
        if order.standing is None:
            mine["next_said"] = history.forecast_from(good, report.name, period.name)
            publish.write_json(build / "forecast.json", mine["next_said"])
        if report.alerts:
            before = history.by_period(stood).get((report.name, period.name), {})
            record["alerts"] = alert_records(report.alerts, headlines, before.get("alerts", []))
        history.add_forecasts(good)
        record |= {"forecast": mine["forecast"], "arrivals_forecast": mine["arrivals_forecast"]}
        record["points"] = points_of([notebook for _, notebook in notebooks])
        _write_page(report, notebooks, record, headlines, build / "report.html", brand, kernels.names)
    if record["status"] == "failed":  # by its notebooks, or by the gate
        record["exact"] = {}  # none are kept of it
    write_run(build, as_published(record, kernels.names))
    return record


def _outputs(record: dict[str, Any], notebooks: list, names: Names = NO_NAMES) -> dict[str, Any]:
    """What becomes of the notebooks' outputs on the page, told on stderr where it is not all of them as they were; a run of
    which a notebook shows nothing is partial."""
    from cxresearch.report.page import render

    outputs = render.outputs_of(notebooks=notebooks, run=record, names=names)
    said = [entry["said"] for entry in (*outputs["not_shown"], *outputs["noted"]) if entry["why"] != "object"]
    for line in said[:MOST_SAID]:
        print(f"cxresearch: {line}", file=sys.stderr)
    if more := said[MOST_SAID:]:
        print(f"cxresearch: and {len(more)} more; run.json has them all, under outputs.", file=sys.stderr)
    if any(entry["why"] == "undescribed" for entry in outputs["noted"]):
        print(
            'cxresearch: a line such as #| fig-alt: "..." at the top of a cell describes its picture.', file=sys.stderr
        )
    empty = [f"{name} shows nothing" for name in outputs["empty"]]
    if empty and record["status"] == "complete":
        return {"outputs": outputs, "status": "partial", "reason": "; ".join(empty)}
    return {"outputs": outputs, "reason": "; ".join(filter(None, [record["reason"], *empty]))}


def _write_page(
    report: Report, notebooks: list, record: dict[str, Any], headlines: list[dict[str, Any]], path: Path,
    brand: dict[str, str], names: Names,
) -> None:  # fmt: skip
    """The page, its brief and the slide of it, what the gate says of them, its tables and figures as files, and the page on
    paper; what does not pass the gate fails its run."""
    from cxresearch.report.page import gate, render
    from cxresearch.report.page.folder import check_files, check_value
    from cxresearch.report.page.take_away import write_workbook

    brief = path.with_name(gate.BRIEF)
    for page, made in ((path, render.render_report), (brief, render.render_brief)):
        text = made(
            notebooks=notebooks, run=record, headlines=headlines, language=report.language, brand=brand, names=names
        )
        page.write_text(text, encoding="utf-8")
    slide = None
    told = render.told_by_brief(
        notebooks=notebooks, run=record, headlines=headlines, language=report.language, brand=brand, names=names
    )
    if told["brief"]["said"]:
        # Loaded here: a report without a verdict needs no slide.
        from cxresearch.report.page.slide import write_slide

        slide = path.with_name(gate.SLIDE)
        write_slide(slide, told, language=report.language)
    tables, drawings = render.take_away(notebooks=notebooks, run=record, language=report.language, names=names)
    if tables:
        write_workbook(path.with_name("tables.xlsx"), tables, run=record, language=report.language)
    for name, drawing in drawings.items():
        (path.parent / name).parent.mkdir(exist_ok=True)
        (path.parent / name).write_bytes(drawing.encode() if isinstance(drawing, str) else drawing)
    record["gate"] = gate.examine(path, brief, run=record, language=report.language, slide=slide, names=names)
    beside = [f for one in check_files(path.parent, names=names, leave=[path.name, brief.name]).values() for f in one]
    beside += check_value(as_published(record, names), "run.json", names)
    record["gate"]["findings"] += [asdict(finding) for finding in beside]
    if findings := record["gate"]["findings"]:
        for page in (path, brief, path.with_name(gate.SLIDE), path.with_name("tables.xlsx")):
            page.unlink(missing_ok=True)
        shutil.rmtree(path.with_name("figures"), ignore_errors=True)
        record |= {"status": "failed", "reason": f"the page did not pass the gate: {gate.first_words(findings)}"}
        return
    if report.pdf:
        record["pdf"] = _print(path, path.with_name("report.pdf"))
        if findings := check_files(path.parent, names=names, leave=_all_but(path.parent, "report.pdf")):
            path.with_name("report.pdf").unlink()
            record["pdf"] = f"not published: {findings['report.pdf'][0].rule}"


def _all_but(folder: Path, name: str) -> list[str]:
    return [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != name]


def as_published(record: dict[str, Any], names: Names) -> dict[str, Any]:
    """The record as run.json has it: files without their folders; of a failed run, nothing that a rule finds something in."""
    clean = without_leaks if record["status"] == "failed" else without_paths
    return dict(in_each_text(record, lambda text: clean(text, names)))


def _print(page: Path, target: Path) -> str:
    """Print the page; says what became of it. A report without its PDF is a report."""
    from cxresearch.report.page.browser import BrowserError, write_pdf

    try:
        write_pdf(page, target)
    except BrowserError as error:
        print(f"cxresearch: no {target.name}: {error}", file=sys.stderr)
        return f"not printed: {error}"
    return target.name


def _what_failed(report: Report, period: Period | Version, error: BaseException, started: datetime) -> dict[str, Any]:
    too_long = isinstance(error, RunTimedOut)
    reason = run.too_long(report) if too_long else in_words(error)
    return run.failed_run(report, period, reason, started=started)


def _keep(build: Path, record: dict[str, Any]) -> bool:
    """Leave in ``build`` what a failed run has to show; on a full disk its run.json alone, if there is room for that."""
    for page in ("report.html", "brief.html", "slide.pptx"):
        (build / page).unlink(missing_ok=True)
    for _ in range(2):
        try:
            write_run(build, as_published(record, NO_NAMES))
            return True
        except OSError:
            for path in build.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    return False
