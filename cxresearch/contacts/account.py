"""Where every row of a period went, from the rows of the log to what became of those who gave up."""

from __future__ import annotations

import pandas as pd

from cxresearch.contacts.followed import FOLLOWED_H
from cxresearch.contacts.period_log import PeriodLog

READ, ASKED, QUEUED, LEFT, LEFT_ALL, KNOWN, SEEN = (
    "Rows of the log", "asked", "queued", "gave up", "gave up in all", "customer known", f"followed for {FOLLOWED_H} h",
)  # fmt: skip


def account_table(log: PeriodLog) -> pd.DataFrame:
    """Where every row of a period went, from the rows read to the contacts that queued and gave up.

    DataFrame ``step, rows``. The set-aside rows, those answered at once and those that queued add up to the rows read.
    """
    cells = log.cells
    queued = cells["queued"].astype(bool)
    left = cells["outcome"] == "abandoned"
    steps = [("Rows of the period", log.counts["read"])]
    steps += [(f"set aside: {reason}", rows) for reason, rows in log.set_aside.itertuples(index=False)]
    steps += [
        ("answered at once (they say nothing on patience)", cells.loc[~queued, "contacts"].sum()),
        ("queued", cells.loc[queued, "contacts"].sum()),
        ("of those who queued: gave up", cells.loc[queued & left, "contacts"].sum()),
    ]
    return pd.DataFrame(steps, columns=["step", "rows"])


def bridge_table(log: PeriodLog) -> pd.DataFrame:
    """The way from the rows of a log to those who were lost for good, mostly of one channel (``month.only(channel=...)``).

    Returns
    -------
    DataFrame ``step, part_of, contacts``, one row a step
        ``part_of`` names the step that it is a part of: the parts of a step add up to it, to the contact. Two steps are
        part of none: the first one, and ``gave up in all`` (in the queue and before it), which is there only where
        somebody gave up before the queue. Steps of nobody are left out, but for those that lead on.

    What became of those who gave up is known where the customer is, and where the log goes on for 24 hours
    (``contacts.after_leaving``); where it was not counted, the steps end before it.
    """
    read = f"{READ} and of tables kept of it" if log.kept_days else READ
    cells, counts, period = log.cells, log.counts, f"rows of {log.period.label}"
    queued = cells["queued"].to_numpy(dtype=bool)
    outcome = {
        word: (cells["outcome"] == word).to_numpy(dtype=bool) for word in ("answered", "abandoned", "deflected", "open")
    }

    def of(which: pd.Series | object) -> int:
        return int(cells["contacts"][which].sum())

    mine = " ".join(["contacts", *(f"({name})" for _, name in log.within)])
    everything, here = counts["kept"], int(cells["contacts"].sum())
    bot = of(~queued & outcome["deflected"])
    steps: list[tuple[str, str, int]] = [
        (read, "", counts["read"] + counts["other_periods"]),
        ("of other periods", read, counts["other_periods"]),
        (period, read, counts["read"]),
        *((f"set aside: {reason}", period, int(rows)) for reason, rows in log.set_aside.itertuples(index=False)),
        ("other channels and queues", period, everything - here),
        (mine, period, here),
        ("served by a bot before the queue", mine, bot),
        (ASKED, mine, here - bot),
        ("answered at once", ASKED, of(~queued & outcome["answered"])),
        ("gave up before the queue", ASKED, of(~queued & outcome["abandoned"])),
        ("still open, not queued", ASKED, of(~queued & outcome["open"])),
        (QUEUED, ASKED, of(queued)),
        ("answered", QUEUED, of(queued & outcome["answered"])),
        ("served by a bot in the queue", QUEUED, of(queued & outcome["deflected"])),
        ("still open", QUEUED, of(queued & outcome["open"])),
        (LEFT, QUEUED, of(queued & outcome["abandoned"])),
    ]  # fmt: skip
    left, whole = of(outcome["abandoned"]), LEFT
    if left > of(queued & outcome["abandoned"]):
        whole = LEFT_ALL
        steps.append((LEFT_ALL, "", left))
    if log.after_leaving is not None:
        known, seen, answered = (int(log.after_leaving[n].sum()) for n in ("left_known", "followed", "answered_24h"))
        steps += [
            ("customer not known", whole, left - known), (KNOWN, whole, known),
            (f"in the last {FOLLOWED_H} h of the period", KNOWN, known - seen), (SEEN, KNOWN, seen),
            (f"answered within {FOLLOWED_H} h", SEEN, answered),
            (f"not answered within {FOLLOWED_H} h", SEEN, seen - answered),
        ]  # fmt: skip
    table = pd.DataFrame(steps, columns=["step", "part_of", "contacts"])
    leads_on = table["step"].isin({*table["part_of"], read, LEFT})
    return table[leads_on | (table["contacts"] > 0)].reset_index(drop=True)
