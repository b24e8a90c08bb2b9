"""What cascades of one's own say about talk, beside what the register assumes."""

from __future__ import annotations

import pandas as pd

from cxresearch import spread

__all__ = ["measured_retellings"]


def measured_retellings(register: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """The two numbers of social retelling, estimated from counts and beside what the register assumes.

    Parameters
    ----------
    register : ``load_assumptions``. counts : ``spread.load_cascades``.

    Returns
    -------
    DataFrame ``name, label, estimate, lower, upper`` (95 %), ``assumed, low, high, note``: mean and dispersion of the
    people who pass on one post. ``attrs``: ``observations``, ``data``. No rows where nothing was counted.
    """
    if counts.empty:
        return pd.DataFrame(columns=["name", "label", "estimate", "lower", "upper", "assumed", "low", "high", "note"])
    column = str(counts.columns[0])
    fit = spread.fit_offspring(**{{"chain_size": "chain_sizes"}.get(column, column): counts[column]})
    rows = register.set_index("name").loc[["retellings_social", "dispersion_social"]]
    table = pd.DataFrame({"name": rows.index, "label": rows["label"].to_numpy()})
    table = table.join(fit[["estimate", "lower", "upper"]])
    table = table.assign(assumed=rows["value"].to_numpy(), low=rows["low"].to_numpy(), high=rows["high"].to_numpy())
    table["note"] = fit["note"].to_numpy()
    table.attrs = {"observations": fit.attrs["observations"], "data": fit.attrs["data"]}
    return table
