"""Cascades on a large network: this package beside its peers, on the same ties, in one run.

    python -m venv /tmp/peers && /tmp/peers/bin/pip install igraph networkit cynetdiff EoN ndlib six
    python benchmarks/cascade.py --peers-python /tmp/peers/bin/python

The network is SIMULATED (Barabasi-Albert, mean degree 10). Each measurement is a process of its own, with its own peak
memory. This package and one peer are measured in turn, ``--pairs`` times, and the median of the paired ratios is
given: other work on the machine then slows both. Results go to benchmarks/results/cascade.json and cascade.md.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
TIES_EACH = 5  # a newcomer's: mean degree 10
BEGIN = 10  # people who begin, the same in every tool
FAR, SMALL = 0.1, 0.01  # probability of telling: a third of the network hears; a handful hears
GRID = np.linspace(0.02, 1, 50)
SECONDS_EACH = 6.0  # a tool repeats a run for about this long
PEERS = {"igraph": 3, "networkit": 3, "cynetdiff": 5, "EoN": 3, "ndlib": 1}  # pairs at most


def make_network(folder: Path, people: int) -> dict[str, float]:
    """Newcomers tie themselves to earlier people by preference; repeats and self-loops are set aside."""
    import numba
    import pandas as pd

    from cxresearch.cascade import load_edges

    @numba.njit
    def grow(people, rng):
        ends = np.empty((people * TIES_EACH, 2), np.int32)
        flat = ends.reshape(-1)
        for tie in range(len(ends)):
            ends[tie, 0] = tie // TIES_EACH
            ends[tie, 1] = flat[int(rng.random() * (2 * tie + 1))]
        return ends

    found = load_edges(pd.DataFrame(grow(people, np.random.default_rng(people)), columns=["source", "target"]))
    for end in ("source", "target"):
        np.save(folder / f"{end}.npy", found.edges[end].to_numpy(np.int32))
    ties = np.bincount(found.edges.to_numpy().ravel())
    np.save(folder / "far.npy", np.argsort(-ties, kind="stable")[:BEGIN])
    np.save(folder / "small.npy", np.random.default_rng(1).choice(np.flatnonzero(ties), BEGIN, replace=False))
    return {"people": found.counts["people"], "ties": found.counts["kept"]}


def load(folder: Path, task: str) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Ties, and who begins: the best connected, whose talk surely goes far, or anybody."""
    begin = np.load(folder / ("small.npy" if "small" in task else "far.npy"))
    return np.load(folder / "source.npy"), np.load(folder / "target.npy"), begin.tolist()


def live_ties(rng: np.random.Generator, ties: int, probability: float) -> np.ndarray:
    """Numbers of the live ties, by geometric gaps: the quickest way to draw them for tools that cannot."""
    gaps = rng.geometric(probability, int(ties * probability + 10 * (ties * probability) ** 0.5 + 10))
    live = np.cumsum(gaps) - 1
    return live[: np.searchsorted(live, ties)]


# --- the tools: a network in, a function for one run out


def with_igraph(source, target, begin, probability) -> Callable[[], float]:
    network, rng = igraph_graph(source, target), np.random.default_rng(2)

    def run() -> float:
        live = network.subgraph_edges(live_ties(rng, source.size, probability), delete_vertices=False)
        told: set[int] = set()
        for person in begin:
            if person not in told:
                told.update(live.subcomponent(person))
        return len(told)

    return run


def igraph_graph(source, target):
    import igraph

    return igraph.Graph(n=int(max(source.max(), target.max())) + 1, edges=np.column_stack([source, target]))


def igraph_curve(source, target) -> Callable[[], float]:
    network, rng = igraph_graph(source, target), np.random.default_rng(2)

    def run() -> float:
        for probability in GRID:
            live = network.subgraph_edges(live_ties(rng, source.size, float(probability)), delete_vertices=False)
            largest = max(live.connected_components().sizes())
        return largest

    return run


def with_networkit(source, target, begin, probability) -> Callable[[], float]:
    import networkit

    people = int(max(source.max(), target.max())) + 1
    source, target = source.astype(np.uint64), target.astype(np.uint64)
    rng = np.random.default_rng(2)

    def run() -> float:
        live = live_ties(rng, source.size, probability)
        network = networkit.GraphFromCoo((source[live], target[live]), n=people)  # a name: it must outlive its parts
        parts = networkit.components.ConnectedComponents(network)
        parts.run()
        sizes = parts.getComponentSizes()
        return sum(sizes[part] for part in {parts.componentOfNode(person) for person in begin})

    return run


def with_cynetdiff(source, target, begin, probability) -> Callable[[], float]:
    from array import array

    from cynetdiff.models import IndependentCascadeModel

    ends, others = np.concatenate([source, target]), np.concatenate([target, source])
    order = np.argsort(ends, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(ends))[:-1]])
    as_array = lambda values: array("I", values.astype(np.uint32).tobytes())  # noqa: E731
    model = IndependentCascadeModel(as_array(starts), as_array(others[order]), activation_prob=probability)
    model.set_seeds(begin)

    def run() -> float:
        model.reset_model()
        model.advance_until_completion()
        return model.get_num_activated_nodes()

    return run


def networkx_graph(source, target):
    import networkx

    network = networkx.Graph()
    network.add_edges_from(zip(source.tolist(), target.tolist(), strict=True))
    return network


def with_eon(source, target, begin, probability) -> Callable[[], float]:
    import EoN

    network, rng = networkx_graph(source, target), np.random.default_rng(2)
    # Discrete generations with one chance a contact: the cascade itself. fast_SIR is another law.
    return lambda: float(EoN.basic_discrete_SIR(network, probability, initial_infecteds=begin, rng=rng)[3][-1])


def with_ndlib(source, target, begin, probability) -> Callable[[], float]:
    import ndlib.models.epidemics
    import ndlib.models.ModelConfig

    network = networkx_graph(source, target)
    model = ndlib.models.epidemics.IndependentCascadesModel(network)
    config = ndlib.models.ModelConfig.Configuration()
    config.add_model_initial_configuration("Infected", begin)
    for edge in network.edges():
        config.add_edge_configuration("threshold", edge, probability)
    model.set_initial_status(config)

    def run() -> float:
        model.reset(begin)
        while True:
            counts = model.iteration(node_status=False)["node_count"]
            if counts[1] == 0:
                return counts[2]

    return run


TOOLS = {
    "igraph": with_igraph, "networkit": with_networkit, "cynetdiff": with_cynetdiff, "EoN": with_eon,
    "ndlib": with_ndlib,
}  # fmt: skip


# --- measuring, in a process of its own


def peak_mb() -> float:
    """Of this process alone; the figure of getrusage would begin with that of its parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def timed(call: Callable[[], float]) -> tuple[float, float]:
    begun = time.perf_counter()
    value = call()
    return time.perf_counter() - begun, value


def measure_peer(tool: str, task: str, folder: Path) -> dict[str, float]:
    """Mean of the runs that fit into SECONDS_EACH; the network is in memory in the form the tool wants."""
    source, target, begin = load(folder, task)
    begun = time.perf_counter()
    if task == "curve":
        run = igraph_curve(source, target)
    else:
        run = TOOLS[tool](source, target, begin, FAR if task == "far" else SMALL)
    ready = time.perf_counter() - begun
    at_a_time = 1_000 if task == "small" else 1  # a run of microseconds: many to a reading of the clock
    seconds, total, runs = 0.0, 0.0, 0
    while seconds < SECONDS_EACH:
        took, value = timed(lambda: sum(run() for _ in range(at_a_time)))
        seconds, total, runs = seconds + took, total + value, runs + at_a_time
    return {"seconds": seconds / runs, "value": total / runs, "runs": runs, "ready_s": ready, "peak_mb": peak_mb()}


def measure_ours(task: str, folder: Path) -> dict[str, float]:
    """Through the public calls. A run costs what a call with more runs costs more; compiled code is loaded before."""
    import pandas as pd

    from cxresearch.cascade import independent_cascade, percolation_sweep

    source, target, begin = load(folder, task)
    edges = pd.DataFrame({"source": source, "target": target}, copy=False)
    if task.endswith("64"):
        edges = edges.astype(np.int64)
    del source, target
    rng = np.random.default_rng(3)
    warm_up(rng)
    if "curve" in task:
        if task == "curve, by grid":
            call = lambda: [independent_cascade(edges, p, introductions=begin, runs=1, rng=rng) for p in GRID.tolist()]  # noqa: E731
        else:
            call = lambda: percolation_sweep(edges, GRID, runs=1, rng=rng)["mean_largest_share"].iloc[-1]  # noqa: E731
        seconds, found = timed(call)
        return {"seconds": seconds, "runs": 1, "peak_mb": peak_mb()}
    probability = SMALL if "small" in task else FAR
    call = lambda runs: independent_cascade(edges, probability, introductions=begin, runs=runs, rng=rng)  # noqa: E731
    # Of small cascades the first 16, by union-find, and the rows for the search are in both calls and cancel; millions
    # of runs, so that what is left is more than the difference between two preparations.
    few, many = (400, 4_000_400) if "small" in task else (1, 41)
    seconds, reach = [], []
    for _ in range(1 if "large" in task else 3):
        ready, _ = timed(lambda: call(few))
        took, found = timed(lambda: call(many))
        seconds.append((took - ready) / (many - few))
        reach.append(found["reach"].mean())
    return {
        "seconds": statistics.mean(seconds), "value": statistics.mean(reach), "runs": (many - few) * len(seconds),
        "ready_s": ready, "peak_mb": peak_mb(),
    }  # fmt: skip


def warm_up(rng: np.random.Generator) -> None:
    """Load the compiled code, as a session in use has it."""
    import pandas as pd

    from cxresearch.cascade import independent_cascade, percolation_sweep

    star = pd.DataFrame({"source": 0, "target": range(1, 99)})
    independent_cascade(star, 0.01, introductions=1, runs=99, rng=rng)
    percolation_sweep(star, [0.5], runs=1, rng=rng)


def in_a_process(python: str, *arguments: str, seconds: float) -> dict[str, float] | str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}
    try:
        done = subprocess.run(
            [python, __file__, *arguments],
            capture_output=True,
            text=True,
            timeout=seconds,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"not done after {seconds:.0f} s"
    if done.returncode:
        return f"failed with exit {done.returncode}: {(done.stderr.strip().splitlines() or [''])[-1][:120]}"
    return json.loads(done.stdout.splitlines()[-1])


# --- the run


def run(given: argparse.Namespace) -> list[dict]:
    found = []

    def note(people: int, task: str, tool: str, result: dict | str) -> dict | str:
        found.append({"people": people, "task": task, "tool": tool, "result": result})
        print(json.dumps(found[-1]), flush=True)
        return result

    with tempfile.TemporaryDirectory() as folder:
        made = in_a_process(sys.executable, "make", folder, str(given.people), seconds=given.limit_s)
        note(given.people, "make", "cxresearch", made)

        def one(tool: str, task: str) -> None:
            python = sys.executable if tool == "cxresearch" else given.peers_python
            note(given.people, task, tool, in_a_process(python, "measure", tool, task, folder, seconds=given.limit_s))

        for tool, most in PEERS.items():
            for _ in range(min(most, given.pairs)):
                one("cxresearch", "far")
                one(tool, "far")
        for _ in range(given.pairs):
            for tool in ("cxresearch", "cynetdiff"):
                one(tool, "small")
            one("cxresearch", "curve")
        one("EoN", "small")
        one("cxresearch", "curve, by grid")
        one("igraph", "curve")
    with tempfile.TemporaryDirectory() as folder:
        made = in_a_process(sys.executable, "make", folder, str(given.large), seconds=given.limit_s)
        note(given.large, "make", "cxresearch", made)
        for task in ("far, large", "far, large, 64", "small, large", "curve, large"):
            result = in_a_process(sys.executable, "measure", "cxresearch", task, folder, seconds=given.limit_s)
            note(given.large, task, "cxresearch", result)
    return found


def machine(peers_python: str) -> dict[str, str]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if "model name" in line), "")
    versions = {name: importlib.metadata.version(name) for name in ("cxresearch", "numba", "numpy", "pandas")}
    code = (
        "import importlib.metadata as m, json, sys\n"
        "found = {}\n"
        "for name in sys.argv[1:]:\n"
        "    try: found[name] = m.version(name)\n"
        "    except m.PackageNotFoundError: found[name] = 'not installed'\n"
        "print(json.dumps(found))"
    )
    asked = [peers_python, "-c", code, *PEERS, "networkx"]
    versions |= json.loads(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load_now = " / ".join(f"{x:.1f}" for x in os.getloadavg())
    return {"date": date.today().isoformat(), "processor": model, "cores": str(os.cpu_count()),
            "memory": f"{memory:.0f} GiB", "load at the end (1, 5, 15 min)": load_now,
            "python": platform.python_version(), **versions}  # fmt: skip


def paired(found: list[dict], task: str, tool: str) -> list[float]:
    """Peer's seconds over ours of the measurement of the same task just before."""
    ratios, ours = [], None
    for f in (f for f in found if f["task"] == task and isinstance(f["result"], dict)):
        if f["tool"] == "cxresearch":
            ours = f["result"]["seconds"]
        elif f["tool"] == tool and ours:
            ratios.append(f["result"]["seconds"] / ours)
    return ratios


def duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.2f} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def row(found: list[dict], people: int, task: str, tool: str, ratios: list[float]) -> str:
    results = [f["result"] for f in found if (f["people"], f["task"], f["tool"]) == (people, task, tool)]
    done = [r for r in results if isinstance(r, dict)]
    if not done:
        return f"| {people:,} | {task} | {tool} | {results[0] if results else 'not measured'} | | | | | |"
    median = {name: statistics.median(r[name] for r in done) for name in done[0]}
    span = f"{statistics.median(ratios):,.1f}" if ratios else ""
    span += f" ({min(ratios):,.1f} to {max(ratios):,.1f})" if len(ratios) > 1 else ""
    cells = [
        f"{people:,}", task, tool, duration(median["seconds"]), span, str(len(done)),
        f"{median['ready_s']:.2f}" if "ready_s" in median else "", f"{median['peak_mb']:,.0f}",
        f"{median['value']:,.1f}" if "value" in median and "curve" not in task else "",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def as_markdown(found: list[dict], about: dict[str, str], given: argparse.Namespace) -> str:
    """The table people read."""
    size = {f["people"]: f["result"] for f in found if f["task"] == "make"}
    lines = [
        "# Cascades on a large network, beside their peers", "",
        f"SIMULATED networks (Barabasi-Albert, {size[given.people]['ties']:,} and {size[given.large]['ties']:,} ties), one run. "
        f"`far`: one cascade from the {BEGIN} best connected at p = {FAR}; `small`: from {BEGIN} people drawn once, at "
        f"p = {SMALL}; `curve`: the largest cluster at {GRID.size} probabilities from {GRID[0]} to {GRID[-1]:g}, once, by "
        "cxresearch in one pass, preparation included, or `by grid`, a call for each, each preparing anew; `large`: with labels of 32 bits, "
        "or of 64. Seconds are those of one cascade, mean of a process, median of the processes; the network is in memory "
        "in the form the tool wants, which took the seconds under `ready`. The ratio is the median of pairs measured one "
        "after the other (least to most). `people told` is the mean reach: the same answer within chance. Peak memory is of "
        "the whole process. One thread, but networkit takes what it wants; igraph and networkit are handed the live ties "
        "that numpy drew. Read ratios, not seconds.", "",
        "| people | task | tool | a cascade | times cxresearch | processes | ready s | peak MB | people told |",
        "|---:|---|---|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for task, tools in (
        ("far", ["cxresearch", *PEERS]), ("small", ["cxresearch", "cynetdiff", "EoN"]), ("curve", ["cxresearch", "igraph"]),
    ):  # fmt: skip
        lines += [
            row(found, given.people, task, tool, paired(found, task, tool) if tool != "cxresearch" else [])
            for tool in tools
        ]
    by_grid = [f["result"]["seconds"] for f in found if f["task"] == "curve, by grid"]
    ours = [f["result"]["seconds"] for f in found if f["task"] == "curve" and f["tool"] == "cxresearch"]
    lines.append(row(found, given.people, "curve, by grid", "cxresearch", [by_grid[0] / statistics.median(ours)]))
    for f in found:
        if f["people"] == given.large and f["task"] != "make":
            lines.append(row(found, given.large, f["task"], "cxresearch", []))
    lines += [
        "",
        "Where a peer is as good: small cascades (`small`) are over in microseconds with cynetdiff, compiled as well. Up to "
        "some hundred thousand of them either tool spends longer on getting ready, so nobody notices which it was; "
        "cynetdiff needs less memory and has nothing to compile on its first use. cxresearch skips the silent ties instead "
        "of asking each. igraph and networkit draw every tie in each run, ndlib passes over every person in each "
        "generation: they are not in that row.",
        "", *(f"- {name}: {value}" for name, value in about.items()),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def main() -> None:
    if sys.argv[1:2] == ["make"]:
        print(json.dumps(make_network(Path(sys.argv[2]), int(sys.argv[3]))))
        return
    if sys.argv[1:2] == ["measure"]:
        tool, task, folder = sys.argv[2], sys.argv[3], Path(sys.argv[4])
        print(json.dumps(measure_ours(task, folder) if tool == "cxresearch" else measure_peer(tool, task, folder)))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=10_000_000, help="people of the network for memory, ours alone")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--limit-s", type=float, default=1_800, help="seconds one measurement may take")
    parser.add_argument("--peers-python", default=sys.executable, help="the Python that has the peers")
    given = parser.parse_args()
    found, about = run(given), machine(given.peers_python)
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    (results / "cascade.json").write_text(json.dumps({"machine": about, "measured": found}, indent=1) + "\n")
    (results / "cascade.md").write_text(as_markdown(found, about, given))


if __name__ == "__main__":
    main()
