"""Curves and Cox models of waits: this package beside its peers, on the same rows, in one run.

    python benchmarks/waiting.py --rows 100_000 --rows 10_000_000 --rows 100_000_000

Each measurement is a process of its own; its seconds and its peak memory are its own. Everybody is timed from the
Parquet file to the fit, and a peer also for its fit alone, its rows being in memory in the form it wants (R, which
reads CSV here, for its fit alone). What takes less than 20 s is done again, for 3 s and
twice at least, and the best time counts. Peers run up to
``--peers-up-to`` rows. The data is SIMULATED: whole seconds, four outcomes, three covariates, 11 coefficients, 288
cells; the file holds text and floating-point waits, as logs come, and in a second layout small whole numbers. Results
go to benchmarks/results/waiting.json and waiting.md.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
TERMS = ["queue", "weekday", "hour_band"]  # 6 + 4 + 4 levels of 3 columns: 11 coefficients
CELLS = "queue, weekday, hour_band, channel"  # 288 cells with the third channel
R_UP_TO = 1_000_000  # rows; R reads them as CSV, which takes longer than the fit
TASKS = ("kaplan_meier", "aalen_johansen", "cox")
COLUMNS = {"kaplan_meier": ["wait_s", "outcome", "hour_band"], "aalen_johansen": ["wait_s", "outcome"],
           "cox": ["wait_s", "outcome", *TERMS]}  # fmt: skip
AGAIN_BELOW_S, ENOUGH_S = 20, 3
LAYOUTS = {
    "text": "wait_s::float as wait_s, outcome, queue::varchar as queue, weekday::varchar as weekday, "
            "hour_band::varchar as hour_band, channel::varchar as channel",
    "numbers": "wait_s::smallint as wait_s, outcome, queue, weekday, hour_band, channel",
}  # fmt: skip


def make_rows(path: Path, rows: int, layout: str) -> None:
    """Parquet with ``rows`` contacts; a hash of the row number stands for chance, so every machine makes the same."""
    import duckdb

    engine = duckdb.connect()
    engine.execute(
        f"""
        copy (
          with drawn as (
            select (hash(i * 7 + 1) % 1000000 + 0.5) / 1000000 as u1, (hash(i * 7 + 2) % 1000000 + 0.5) / 1000000 as u2,
              (hash(i * 7 + 3) % 6)::utinyint as queue, (hash(i * 7 + 4) % 4)::utinyint as weekday,
              (hash(i * 7 + 5) % 4)::utinyint as hour_band, (hash(i * 7 + 6) % 3)::utinyint as channel
            from range({rows}) t(i)
          ), waits as (
            select *, 250 * exp(-0.1 * queue + 0.15 * weekday) * pow(-ln(u1), 1.25) as patience_s,
              90 * (1 + 0.3 * hour_band) * -ln(u2) as offered_s from drawn
          ), contacts as (
            select queue, weekday, hour_band, channel, least(ceil(least(patience_s, offered_s)), 1800) as wait_s,
              case when least(patience_s, offered_s) > 1800 then 'open' when patience_s <= offered_s then 'abandoned'
                   else 'answered' end as outcome
            from waits
          )
          select {LAYOUTS[layout]}, true as queued from contacts
        ) to '{path}' (format parquet, row_group_size 1000000)
        """
    )


# --- this package: from the file to the fit


def ours_table(path: str, by: list[str]):
    import duckdb

    from cxresearch.risk_table import risk_table

    return risk_table(duckdb.connect().read_parquet(path), by=by)


def ours_kaplan_meier(path: str) -> float:
    from cxresearch.patience import survival_at
    from cxresearch.survival import kaplan_meier

    curve = kaplan_meier(ours_table(path, ["hour_band"]), by="hour_band")
    return float(survival_at(curve, [60.0], by="hour_band")["survival"].iloc[0])


def ours_aalen_johansen(path: str) -> float:
    from cxresearch.survival import aalen_johansen

    shares = aalen_johansen(ours_table(path, []))
    return float(shares.query("outcome == 'abandoned' and duration_s <= 60")["probability"].iloc[-1])


def ours_cox(path: str) -> float:
    from cxresearch.regression import cox

    return float(cox(ours_table(path, TERMS), TERMS)["estimate"].iloc[0])


def ours_everything(path: str) -> float:
    """Curve, competing outcomes, log-rank and Cox from one table of 288 cells."""
    from cxresearch.regression import cox
    from cxresearch.survival import aalen_johansen, kaplan_meier, log_rank

    table = ours_table(path, [*TERMS, "channel"])
    kaplan_meier(table, by="hour_band")
    aalen_johansen(table, by="hour_band")
    log_rank(table, by="hour_band")
    return float(cox(table, TERMS)["estimate"].iloc[0])


def bare_group_by(path: str) -> float:
    import duckdb

    query = f"select {CELLS}, wait_s, outcome, count(*) n from read_parquet('{path}') where queued group by all"
    return float(len(duckdb.connect().sql(query).fetchnumpy()["n"]))


def bare_scan(path: str) -> float:
    import duckdb

    columns = ", ".join(f"max({c})" for c in [*CELLS.split(", "), "wait_s", "outcome", "queued"])
    return float(len(duckdb.connect().sql(f"select {columns} from read_parquet('{path}')").fetchall()))


# --- the peers: rows in memory first, then the fit alone


def load_rows(path: str, task: str):
    import pandas as pd

    return pd.read_parquet(path, columns=COLUMNS[task])


def each_hour_band(rows):
    return [(rows["hour_band"] == level).to_numpy() for level in sorted(rows["hour_band"].unique())]


def statsmodels_kaplan_meier(rows) -> Callable[[], float]:
    from statsmodels.duration.survfunc import SurvfuncRight

    waits, status = rows["wait_s"].to_numpy(), (rows["outcome"] == "abandoned").to_numpy()
    groups = each_hour_band(rows)

    def fit() -> float:
        curves = [SurvfuncRight(waits[mine], status[mine]) for mine in groups]
        return float(curves[0].surv_prob[curves[0].surv_times <= 60][-1])

    return fit


def statsmodels_aalen_johansen(rows) -> Callable[[], float]:
    from statsmodels.duration.survfunc import CumIncidenceRight

    waits = rows["wait_s"].to_numpy()
    status = rows["outcome"].map({"open": 0, "abandoned": 1, "answered": 2}).to_numpy()

    def fit() -> float:
        found = CumIncidenceRight(waits, status)
        return float(found.cinc[0][found.times <= 60][-1])

    return fit


def design(rows):
    import pandas as pd

    return pd.get_dummies(rows[TERMS].astype("str"), drop_first=True).astype(float)


def statsmodels_cox(rows) -> Callable[[], float]:
    from statsmodels.duration.hazard_regression import PHReg

    matrix, status = design(rows).to_numpy(), (rows["outcome"] == "abandoned").to_numpy()
    waits = rows["wait_s"].to_numpy()
    return lambda: float(PHReg(waits, matrix, status=status, ties="efron").fit().params[0])


def lifelines_kaplan_meier(rows) -> Callable[[], float]:
    from lifelines import KaplanMeierFitter

    waits, status = rows["wait_s"].to_numpy(), (rows["outcome"] == "abandoned").to_numpy()
    groups = each_hour_band(rows)

    def fit() -> float:
        curves = [KaplanMeierFitter().fit(waits[mine], status[mine]) for mine in groups]
        return float(curves[0].predict(60))

    return fit


def lifelines_cox(rows) -> Callable[[], float]:
    from lifelines import CoxPHFitter

    matrix = design(rows).assign(wait_s=rows["wait_s"], left=(rows["outcome"] == "abandoned").astype(int))
    return lambda: float(CoxPHFitter().fit(matrix, "wait_s", "left").params_.iloc[0])


def scikit_survival_kaplan_meier(rows) -> Callable[[], float]:
    from sksurv.nonparametric import kaplan_meier_estimator

    waits, status = rows["wait_s"].to_numpy(), (rows["outcome"] == "abandoned").to_numpy()
    groups = each_hour_band(rows)

    def fit() -> float:
        curves = [kaplan_meier_estimator(status[mine], waits[mine], conf_type="log-log") for mine in groups]
        times, shares = curves[0][:2]
        return float(shares[times <= 60][-1])

    return fit


def scikit_survival_aalen_johansen(rows) -> Callable[[], float]:
    from sksurv.nonparametric import cumulative_incidence_competing_risks

    waits = rows["wait_s"].to_numpy()
    status = rows["outcome"].map({"open": 0, "abandoned": 1, "answered": 2}).to_numpy()

    def fit() -> float:
        times, shares = cumulative_incidence_competing_risks(status, waits)
        return float(shares[1][times <= 60][-1])

    return fit


OURS = {
    "kaplan_meier": ours_kaplan_meier, "aalen_johansen": ours_aalen_johansen, "cox": ours_cox,
    "everything": ours_everything, "bare group-by": bare_group_by, "bare scan": bare_scan,
}  # fmt: skip
PEERS = {
    "statsmodels": {"kaplan_meier": statsmodels_kaplan_meier, "aalen_johansen": statsmodels_aalen_johansen,
                    "cox": statsmodels_cox},
    "lifelines": {"kaplan_meier": lifelines_kaplan_meier, "cox": lifelines_cox},
    "scikit-survival": {"kaplan_meier": scikit_survival_kaplan_meier, "aalen_johansen": scikit_survival_aalen_johansen},
}  # fmt: skip
MODULES = {
    "statsmodels": "statsmodels.duration.api",
    "lifelines": "lifelines",
    "scikit-survival": "sksurv.nonparametric",
}


def measure(tool: str, task: str, path: str) -> dict[str, float]:
    """Run in a fresh process: imports first, then the clock."""
    if tool == "cxresearch":
        import duckdb  # noqa: F401

        import cxresearch.regression
        import cxresearch.survival  # noqa: F401
    else:
        import pandas  # noqa: F401

        importlib.import_module(MODULES[tool])
    whole, fits = [], []
    while not whole or (whole[0] < AGAIN_BELOW_S and (len(whole) < 2 or sum(whole) < ENOUGH_S)):
        begun = time.perf_counter()
        job: Callable[[], float] = (
            (lambda: OURS[task](path)) if tool == "cxresearch" else PEERS[tool][task](load_rows(path, task))
        )
        ready = time.perf_counter()
        value = job()
        done = time.perf_counter()
        whole.append(done - begun)
        fits.append(done - ready)
    return {
        "seconds": min(whole), **({} if tool == "cxresearch" else {"fit_seconds": min(fits)}), "value": value,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip


def second_model(path: str) -> dict[str, float]:
    """A second Cox model on a table that is kept."""
    from cxresearch.regression import cox

    table = ours_table(path, [*TERMS, "channel"])
    cox(table, TERMS)
    taken: list[float] = []
    while sum(taken) < ENOUGH_S:
        begun = time.perf_counter()
        value = float(cox(table, ["queue", "weekday"])["estimate"].iloc[0])
        taken.append(time.perf_counter() - begun)
    return {"seconds": min(taken), "value": value,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}  # fmt: skip


def in_a_process(*arguments: str, seconds: float) -> dict[str, float] | str:
    command = [sys.executable, __file__, "measure", *arguments]
    # An old workaround for an old OpenBLAS would slow everybody's linear algebra.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=environment, check=False)
    except subprocess.TimeoutExpired:
        return f"not done after {seconds:.0f} s"
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else f"failed with exit {done.returncode}"


def in_r(path: Path, task: str, seconds: float) -> dict[str, float] | str:
    import duckdb

    table = path.with_suffix(".csv")
    if not table.exists():
        duckdb.execute(f"copy (select wait_s, outcome, {', '.join(TERMS)} from '{path}') to '{table}' (header)")
    try:
        done = subprocess.run(
            ["Rscript", str(HERE / "waiting.R"), str(table), task],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"not done after {seconds:.0f} s"
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else f"failed with exit {done.returncode}"


def run(sizes: list[int], peers_up_to: int, limit_s: float, names: list[str]) -> list[dict]:
    found = []

    def note(rows: int, layout: str, tool: str, task: str, result: dict[str, float] | str) -> None:
        found.append({"rows": rows, "layout": layout, "tool": tool, "task": task, "result": result})
        print(json.dumps(found[-1]), flush=True)

    with tempfile.TemporaryDirectory() as folder:
        for rows, layout in ((rows, layout) for rows in sizes for layout in LAYOUTS):
            path = Path(folder) / f"{rows}.parquet"
            make_rows(path, rows, layout)
            wanted = [*(("cxresearch", task) for task in OURS), ("cxresearch", "second model")]
            if rows <= peers_up_to:
                # What a peer reads faster from numbers shows in the curves; a Cox fit of minutes is the same.
                tasks = TASKS if layout == "text" else TASKS[:1]
                wanted += [(tool, task) for tool in names if tool in PEERS for task in PEERS[tool] if task in tasks]
            for tool, task in wanted:
                note(rows, layout, tool, task, in_a_process(tool, task, str(path), seconds=limit_s))
            if layout == "text" and rows <= min(peers_up_to, R_UP_TO) and "R" in names and shutil.which("Rscript"):
                for task in TASKS:
                    note(rows, layout, "R survival", task, in_r(path, task, limit_s))
            for file in Path(folder).glob(f"{rows}.*"):
                file.unlink()
    return found


def machine() -> dict[str, str]:
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "",
    )
    names = ("cxresearch", "duckdb", "narwhals", "pandas", "numpy", "statsmodels", "lifelines", "scikit-survival")
    versions = {}
    for name in names:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    if shutil.which("Rscript"):
        versions["R survival"] = subprocess.run(
            ["Rscript", "-e", 'cat(R.version.string, "/ survival", as.character(packageVersion("survival")))'],
            capture_output=True, text=True, check=False).stdout  # fmt: skip
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"date": date.today().isoformat(), "processor": model, "cores": str(os.cpu_count()),
            "memory": f"{memory:.0f} GiB", "python": platform.python_version(), **versions}  # fmt: skip


def as_markdown(found: list[dict], about: dict[str, str]) -> str:
    """The table people read: seconds, memory, and how many times as long a peer takes."""
    lines = [
        "# Curves and Cox models of waits, beside their peers", "",
        "SIMULATED contacts, one run, everybody from the Parquet file to the fit; what takes less than 20 s is done again, "
        "for 3 s and twice at least, and the best time counts. *fit alone*: a peer's fit with its rows in memory. *times cxresearch*: the peer's "
        "seconds over ours, and in brackets its fit alone over our way from the file. Read ratios, not seconds.",
        "`value` is one number of the result: the same within a task means the same answer.", "",
        "| rows | file | task | tool | seconds | fit alone | times cxresearch | peak MB | value |",
        "|---:|---|---|---|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    ours = {(f["rows"], f["layout"], f["task"]): f["result"] for f in found if f["tool"] == "cxresearch"}
    order = list(LAYOUTS)
    for f in sorted(found, key=lambda f: (f["rows"], order.index(f["layout"]), f["task"], f["tool"] != "cxresearch")):
        result, own = f["result"], ours.get((f["rows"], f["layout"], f["task"]))
        tool = "DuckDB alone" if f["task"].startswith("bare") else f["tool"]
        start = f"| {f['rows']:,} | {f['layout']} | {f['task']} | {tool} |"
        if isinstance(result, str):
            lines.append(f"{start} {result} | | | | |")
            continue
        whole, fit = (f"{result[k]:.3f}" if k in result else "" for k in ("seconds", "fit_seconds"))
        ratio = ""
        if f["tool"] != "cxresearch" and isinstance(own, dict):
            ratio = f"{result['seconds'] / own['seconds']:.1f} " if "seconds" in result else ""
            ratio += f"({result['fit_seconds'] / own['seconds']:.1f})"
        peak = f"{result['peak_mb']:,.0f}" if "peak_mb" in result else ""
        lines.append(f"{start} {whole} | {fit} | {ratio} | {peak} | {result['value']:.10g} |")
    lines += ["", *(f"- {name}: {value}" for name, value in about.items())]
    return "\n".join(lines) + "\n"


def main() -> None:
    if sys.argv[1:2] == ["measure"]:
        tool, task, path = sys.argv[2:5]
        print(json.dumps(second_model(path) if task == "second model" else measure(tool, task, path)))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, action="append")
    parser.add_argument("--peers-up-to", type=int, default=10_000_000)
    parser.add_argument("--limit-s", type=float, default=600, help="seconds one measurement may take")
    parser.add_argument("--peers", nargs="*", default=[*PEERS, "R"])
    given = parser.parse_args()
    found, about = (
        run(given.rows or [100_000, 1_000_000, 10_000_000, 100_000_000], given.peers_up_to, given.limit_s, given.peers),
        machine(),
    )
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / "waiting.json").write_text(json.dumps({"machine": about, "measured": found}, indent=1) + "\n")
    (results / "waiting.md").write_text(as_markdown(found, about))


if __name__ == "__main__":
    main()
