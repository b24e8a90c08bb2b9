"""The command line: ``cxresearch report NAME --period 1999-02 [--set name=value ...] [--out DIR]``, and what keeps order."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code.

    0 complete (or nothing missing), 1 failed (or something missing), 2 bad parameters or usage, 3 partial, 75 the same
    run is under way, 143, 130 and 129 ended by SIGTERM, SIGINT and SIGHUP. Of several reports it is the worst. Whatever is
    raised ends as a sentence on stderr.
    """
    # Imported late here and below: --help and a usage error answer at once.
    from cxresearch.report.run.streams import told

    # The language of a report is what its TOML says, and what its kernels are told.
    os.environ.pop("CXRESEARCH_LANGUAGE", None)
    with told() as output:
        given = _given(arguments)
        code = _run(given)
        sys.stdout.flush()
        if output and output.lost and not isinstance(output.lost, BrokenPipeError):  # who stopped reading knows it
            print(f"cxresearch: what it says could not be written: {output.lost.strerror}.", file=sys.stderr)
            # A report stands, and its exit code says how it went; of the others what they print is all there is.
            code = code or int(given.command not in ("report", "backfill"))
    return code


def _run(given: argparse.Namespace) -> int:
    from cxresearch.report.run.place import cannot_be_used, in_words, is_full, settled
    from cxresearch.report.run.stop import Ended, guarded

    try:
        with guarded() as guard:
            if given.command in ("look", "new", "list"):
                return {"look": _look, "new": _new, "list": _list}[given.command](given)
            if given.command in ("missing", "diff"):
                return {"missing": _missing, "diff": _diff}[given.command](given)
            with settled(given.out):
                return {"report": _report, "backfill": _backfill}[given.command](given, guard)
    except ValueError as error:
        print(f"cxresearch: {error}", file=sys.stderr)
        return 1 if is_full(error) else 2
    except Ended as ended:
        print(f"cxresearch: ended by {ended}; what stood before stands.", file=sys.stderr)
        return ended.exit_code
    except Exception as error:
        print(f"cxresearch: {in_words(error)}.", file=sys.stderr)
        return 2 if cannot_be_used(error) else 1


def _given(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cxresearch", description="Reports on what slow customer service costs.")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.add_argument("name", help="a file reports/NAME.toml")
        added.add_argument(
            "--out", type=_folder, help="where reports are kept (default: reports/build of the checkout)"
        )
        return added

    report = command("report", "make one report of one or more periods")
    report.add_argument("--period", action="append", default=[], help="1999-02, 1999-Q1, 1999-W07 ...; may be repeated")
    report.add_argument("--last", type=int, metavar="N", help="the last N complete periods (1 when no period is given)")
    missing = command("missing", "list the periods whose report should stand and does not (exit 1 if any)")
    fill = command("backfill", "make the reports that are missing, on as many processes as there are cores")
    for ranged in (missing, fill):
        ranged.add_argument("--from", dest="first", required=True, metavar="PERIOD", help="the first period")
        ranged.add_argument("--to", dest="last", metavar="PERIOD", help="the last one (default: the last complete one)")
    for setting in (report, fill):
        setting.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a notebooks' parameter")
    diff = command("diff", "two runs of a report in numbers: headlines, parameters, inputs")
    diff.add_argument("before", metavar="PERIOD")
    diff.add_argument("after", metavar="PERIOD")
    look = commands.add_parser("look", help="read a log or a survey and say what it is", description=_look.__doc__)
    look.add_argument("log", nargs="+", help="a file, a folder, a pattern, an address or a database")
    look.add_argument("--json", action="store_true", help="for a machine")
    new = commands.add_parser(
        "new", help="write reports/NAME.toml for a log or a survey of your own", description=_new.__doc__
    )
    new.add_argument("name", help="of the report")
    new.add_argument("--from", dest="log", nargs="+", required=True, metavar="LOG", help="as for look")
    new.add_argument("--period", help="day, week, month (the default), quarter or year")
    for reading in (look, new, report):
        reading.add_argument(
            "--map",
            action="append",
            default=[],
            metavar='CANONICAL="COLUMN"',
            help="as a line of [columns], of a survey of [survey]; may be repeated",
        )
    for reading in (look, new):
        reading.add_argument("--format", help="the tool that wrote the log, where its columns do not say")
        reading.add_argument("--query", help="which rows are the log, where it lies in a database")
        reading.add_argument(
            "--survey", action="store_true", help="the file is a survey; lines of --map are those of [survey]"
        )
        reading.add_argument("--timezone", help="where the customers live, such as Europe/Berlin")
    commands.add_parser(
        "list", help="the reports that there are", description="Every report, its notebooks and parameters."
    )
    given = parser.parse_args(arguments)
    if given.command == "report" and given.period and given.last is not None:
        parser.error("give --period or --last, not both")
    if given.command == "report" and given.last is not None and given.last < 1:
        parser.error("--last takes a number from 1")
    if "out" in given:
        given.out = given.out or ROOT / "reports" / "build"
    return given


def _folder(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("it is empty, and so names no folder")
    return Path(text)


def _look(given: argparse.Namespace) -> int:
    """Read a log, write nothing: its format, where each column comes from, what is asked (exit 0: would run, 2: not)."""
    import json

    from cxresearch.contacts import look_text, next_command

    if _is_survey(given):
        from cxresearch.survey import survey_text

        found, _ = _looked_at_survey(given)
        new = ["cxresearch", "new", "NAME", "--from", *given.log, *["--survey"] * given.survey]
        command = shlex.join([*new, *(word for line in given.map for word in ("--map", line))])
        print(
            json.dumps(found, indent=2, default=str, ensure_ascii=False) if given.json else survey_text(found, command)
        )
        return 0 if found["would_run"] else 2
    found, columns = _looked(given)
    if given.json:
        print(json.dumps(found, indent=2, default=str, ensure_ascii=False))
    else:
        new = ["cxresearch", "new", "NAME", "--from", *given.log]
        print("\n\n".join(filter(None, (look_text(found), next_command(found, columns, new, _beside(given))))))
    return 0 if found["would_run"] else 2


def _is_survey(given: argparse.Namespace) -> bool:
    """Whether one file is named that is a survey, by ``--survey`` or by its looks."""
    from cxresearch.contacts import LogError

    if not given.survey and (len(given.log) > 1 or given.format or given.query):
        return False
    from cxresearch.survey import is_survey

    if not given.survey and not is_survey(given.log[0]):
        return False
    if len(given.log) > 1 or given.format or given.timezone or given.query:
        raise LogError(
            "a survey is one file, and says by itself which tool wrote it; leave out --format, --query and --timezone."
        )
    if getattr(given, "period", None):
        raise LogError("a survey has no periods; leave --period out.")
    return True


def _looked_at_survey(given: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    from cxresearch.survey import look_at_survey

    survey = _mapped(given)
    return look_at_survey(given.log[0], survey), survey


def _looked(given: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is found in the log, and the mapping that was given."""
    from cxresearch.contacts import look_at

    columns = _mapped(given)
    log = given.log[0] if len(given.log) == 1 else given.log
    return look_at(log, preset=given.format, columns=columns, timezone=given.timezone, query=given.query), columns


def _beside(given: argparse.Namespace) -> list[str]:
    """What was said of a log beside its mapping."""
    said = (("--format", given.format), ("--query", given.query), ("--timezone", given.timezone))
    return [word for name, value in said if value for word in (name, value)]


def _mapped(given: argparse.Namespace) -> dict[str, Any]:
    """What ``--map`` says; a bare name is one of a column, since a shell takes its quotes away."""
    import tomllib

    from cxresearch.contacts import LogError

    columns: dict[str, Any] = {}
    for line in given.map:
        try:
            said = tomllib.loads(line)
        except tomllib.TOMLDecodeError as error:
            name, _, column = line.partition("=")
            if not name.strip().isidentifier() or not column.strip() or column.strip()[0] in "{[\"'":
                raise LogError(f"--map {line}: {error}; write --map 'wait_s=\"Wait\"'.") from error
            said = {name.strip(): column.strip()}
        if twice := sorted(set(said) & set(columns)):
            raise LogError(f"--map says {twice[0]} twice.")
        columns |= said
    return columns


def _new(given: argparse.Namespace) -> int:
    """Look at a log and write reports/NAME.toml, with which ``cxresearch report NAME`` runs; nothing is overwritten."""
    from cxresearch.contacts import PERIOD_KINDS, LogError, look_text, next_command
    from cxresearch.report.run.new_report import new_report

    path = ROOT / "reports" / f"{given.name}.toml"
    if path.exists():
        raise LogError(f"{path} is there already; choose another name, or remove it.")
    if _is_survey(given):
        return _new_survey(given, path)
    given.period = given.period or "month"
    if given.period not in PERIOD_KINDS:
        raise LogError(f"--period is one of {', '.join(PERIOD_KINDS)}; got {given.period!r}.")
    found, columns = _looked(given)
    if not found["would_run"]:
        new = ["cxresearch", "new", given.name, "--from", *given.log, "--period", given.period]
        print("\n\n".join(filter(None, (look_text(found), next_command(found, columns, new, _beside(given))))))
        return 2
    logs = [one if "://" in one else str(Path(one).resolve()) for one in given.log]
    path.write_text(
        new_report(
            given.name, log=logs[0] if len(logs) == 1 else logs, period=given.period, columns=columns, found=found,
            preset=given.format or "", timezone=given.timezone or "", query=given.query or "",
        ), encoding="utf-8",
    )  # fmt: skip
    print(look_text(found))
    print(f"\nWritten: {path}\nNext:    cxresearch report {given.name}")
    return 0


def _new_survey(given: argparse.Namespace, path: Path) -> int:
    from cxresearch.report.run.survey_run import new_survey_report
    from cxresearch.survey import survey_text

    found, survey = _looked_at_survey(given)
    print(survey_text(found))
    if not found["would_run"]:
        return 2
    text = new_survey_report(given.name, path=Path(given.log[0]).resolve(), found=found, survey=survey)
    path.write_text(text, encoding="utf-8")
    print(f"\nWritten: {path}\nNext:    cxresearch report {given.name}")
    return 0


def _list(given: argparse.Namespace) -> int:
    """Every report, its notebooks and its parameters."""
    from cxresearch.report.run.parameters import GIVEN_BY_RUNNER, load_report

    for path in sorted((ROOT / "reports").glob("*.toml")):
        report = load_report(path.stem, ROOT)
        print(f"{report.name}: {report.title} (by {report.period})")
        print(f"  notebooks: {', '.join(one.stem for one in report.notebooks)}")
        for name, line in report.declared.items():
            if name not in GIVEN_BY_RUNNER:
                value = report.parameters.get(name, line.default)
                print(f"  {name} = {value!r}")
    return 0


def _report(given: argparse.Namespace, guard: Any) -> int:
    from cxresearch.contacts import parse_period, period_of
    from cxresearch.report.run.parameters import VERSION, ParameterError, load_report, parse_settings

    report = load_report(given.name, ROOT)
    said = _mapped(given)
    if report.period == VERSION:
        report = replace(report, survey={**report.survey, **said})
    else:
        report = replace(report, columns={**report.columns, **said})
    settings = parse_settings(given.set, report.declared, report.ranges, ROOT)
    periods: list[Any]
    if report.period == VERSION:
        from cxresearch.report.run.survey_run import read_version
        from cxresearch.report.run.version import stands

        if given.period or given.last:
            raise ParameterError(f"report {report.name} has no periods; leave --period and --last out.")
        _history_lost(report, given)
        periods = [read_version(report, settings, given.out)]
        folder = given.out / report.name / periods[0].name
        if periods[0].lasting and stands(folder):
            where = folder / "report.html" if (folder / "report.html").is_file() else report.store
            both = f", here and in {report.store}," if report.store else ""
            print(
                f"{report.name} {periods[0].name}: is there already, and nothing that it is made from has changed: "
                f"{where} (remove the folder{both} to make it anew)"
            )
            return 0
    elif given.period:
        periods = [parse_period(name, report.period) for name in given.period]
    else:
        periods = [period_of(date.today(), report.period).previous]
        for _ in range((given.last or 1) - 1):
            periods.insert(0, periods[0].previous)
    from cxresearch.report.run.warm_start import end_warm_start, warm_start_for

    try:
        warm_start_for(report.notebooks, report.environment)  # its imports run beside ours
        from cxresearch.report.job import make_report
        from cxresearch.report.run.one_run import Order

        log = "" if report.period == VERSION else _log(report, settings)
        return worst([
            make_report(Order(report, period, settings, log=log, out=given.out, root=ROOT, progress=_progress()), guard)
            for period in periods
        ])  # fmt: skip
    finally:
        end_warm_start()


def _log(report: Any, settings: dict[str, Any]) -> str | list[str]:
    """The log that was named, else the SIMULATED one, which is made when it is not there."""
    named = settings.get("log") or report.parameters.get("log", "")
    if named:
        return named
    from cxresearch.simulate.default import log_or_default

    return log_or_default()


def worst(codes: Any) -> int:
    """The exit code of several reports: bad use, then under way, failed, partial, complete."""
    found = list(codes)
    return next((code for code in (2, 75, 1, 3) if code in found), 0)


def _range(given: argparse.Namespace) -> tuple[Any, list[Any]]:
    from cxresearch.contacts import parse_period, period_of
    from cxresearch.report.archive.history import periods_between
    from cxresearch.report.run.parameters import VERSION, ParameterError, load_report

    report = load_report(given.name, ROOT)
    if report.period == VERSION:
        raise ParameterError(f"report {report.name} has no periods, so none can be missing.")
    first = parse_period(given.first, report.period)
    last = parse_period(given.last, report.period) if given.last else period_of(date.today(), report.period).previous
    return report, periods_between(first, last)


def _missing(given: argparse.Namespace) -> int:
    from cxresearch.report.archive.history import missing_periods

    report, periods = _range(given)
    lost = _history_lost(report, given)
    missing = missing_periods(given.out, report.name, periods, today=date.today())
    for row in missing.itertuples():
        print(f"{report.name} {row.period}: {row.why}")
    if (given.out / "index.html").is_file():
        from cxresearch.report.job import write_index

        write_index(given.out, report)  # a report that grows old while nothing runs is marked, too
    return int(not missing.empty or lost)


def _history_lost(report: Any, given: argparse.Namespace) -> bool:
    """Fetch what stands in the store of the report, where it has one; True where that could not be done."""
    if not report.store:
        return False
    from cxresearch.report.job import fetch_history

    return bool(fetch_history(report, given.out).why)


def _backfill(given: argparse.Namespace, guard: Any) -> int:
    from cxresearch.contacts import parse_period
    from cxresearch.report.archive.history import missing_periods
    from cxresearch.report.backfill import backfill
    from cxresearch.report.run.parameters import parse_settings

    report, periods = _range(given)
    settings = parse_settings(given.set, report.declared, report.ranges, ROOT)
    if _history_lost(report, given):
        return 1  # reports that stand would be made again
    names = missing_periods(given.out, report.name, periods, today=date.today())["period"].tolist()
    log = _log(report, settings)
    codes = backfill(
        report.name, [parse_period(name, report.period) for name in names], settings, log=log, out=given.out, root=ROOT,
        standing={p.name for p in [periods[0].previous, *periods]} - set(names),
    )  # fmt: skip
    said = {0: "complete", 1: "FAILED", 2: "refused", 3: "partial", 75: "under way elsewhere"}
    for code, text in said.items():
        if which := [name for name, got in codes.items() if got == code]:
            print(f"{len(which)} {text}: {', '.join(which)}")
    if not codes:
        print(f"nothing is missing from {periods[0].name} to {periods[-1].name}.")
    return worst(codes.values())


def _diff(given: argparse.Namespace) -> int:
    from cxresearch.contacts import parse_period
    from cxresearch.report.archive.history import by_period, diff_facts, diff_headlines, load_runs
    from cxresearch.report.run.parameters import VERSION, ParameterError, load_report
    from cxresearch.style import format_value, is_missing

    report = load_report(given.name, ROOT)
    _history_lost(report, given)
    names = [given.before, given.after]
    if report.period != VERSION:
        names = [parse_period(name, report.period).name for name in names]
    runs = by_period(load_runs(given.out))
    for name in names:
        if (report.name, name) not in runs:
            raise ParameterError(f"there is no report {report.name} {name} in {given.out}.")
    before, after = (runs[report.name, name] for name in names)

    def said(value: Any, unit: str) -> str:
        return "" if is_missing(value) else format_value(value, unit)

    numbers = diff_headlines(before, after).to_dict("records")
    rows = [["headline", names[0], names[1], "difference", "lower", "upper", "verdict"]]
    for row in numbers:
        moved = [
            said(row[c], "points" if row["unit"] == "share" else row["unit"]) for c in ("difference", "lower", "upper")
        ]
        rows.append(
            [row["label"], said(row["before"], row["unit"]), said(row["after"], row["unit"]), *moved, row["verdict"]]
        )
    _print_table(rows)
    facts = diff_facts(before, after)
    print()
    if facts.empty:
        print("Status, parameters, inputs and versions are the same.")
    else:
        _print_table([["what", "name", *names], *(["" if v is None else str(v) for v in r] for r in facts.to_numpy())])
    return 0


def _print_table(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _progress() -> Callable[[str], None] | None:
    """One line that is written over on a terminal; nothing at all where nobody looks."""
    if not sys.stderr.isatty():
        return None
    begun, width = time.monotonic(), shutil.get_terminal_size().columns - 1

    def say(text: str) -> None:
        line = f"{time.monotonic() - begun:5.1f} s  {text}"[:width].ljust(width)
        print(line, end="\n" if ("done" in text or "FAILED" in text) else "\r", file=sys.stderr, flush=True)

    return say


if __name__ == "__main__":
    sys.exit(main())
