"""Controls for an analyst in JupyterLab. They compute nothing of their own, and a scheduled run does without them."""

from __future__ import annotations

from typing import Any

import pandas as pd
from IPython.display import display

from cxresearch import figures
from cxresearch.patience import patience_at
from cxresearch.queueing import Patience, explore_day
from cxresearch.survival import kaplan_meier


def waiting_controls(waits: pd.DataFrame, *, by: str) -> Any:
    """Choose a group and a horizon, see its patience curve and read it off. Returns an ipywidgets container.

    ``waits`` is a risk table with the column ``by``. Its ``result`` is the table that is shown.
    """
    from ipywidgets import Dropdown, IntSlider, interactive

    longest = int(max(waits["duration_s"].max(), 60))

    def show(group: str, horizon_s: int) -> pd.DataFrame:
        mine = waits[waits[by] == group]
        figures.plot_survival(kaplan_meier(mine), horizon_s=horizon_s, label=group)
        table = patience_at(mine, [horizon_s / 4, horizon_s / 2, horizon_s])
        display(table)
        return table

    left = waits.loc[waits["outcome"] == "abandoned", by]
    return interactive(
        show,
        group=Dropdown(options=sorted(set(left)), description=by),
        horizon_s=IntSlider(min(300, longest), min=10, max=longest, step=10, description="seconds", continuous_update=False),
    )  # fmt: skip


def day_controls(hours: pd.DataFrame, *, patience: Patience) -> Any:
    """Move the bot, the evening team and the redials, see what the day loses. Returns an ipywidgets container.

    ``hours`` is ``scenarios.agents_in_effect``. Its ``result`` is ``day.explore_day`` with these settings.
    """
    from ipywidgets import FloatSlider, IntSlider, interactive

    def show(contained_share: float, evening_experts: int, redial_share: float) -> pd.DataFrame:
        table = explore_day(
            hours, patience=patience, contained_share=contained_share, evening_experts=evening_experts,
            redial_share=redial_share,
        )  # fmt: skip
        display(table)
        return table

    def share(value: float, most: float, name: str) -> Any:
        return FloatSlider(value, min=0, max=most, step=0.05, description=name, continuous_update=False)

    return interactive(
        show,
        contained_share=share(0.15, 0.5, "bot settles"),
        evening_experts=IntSlider(1, min=0, max=10, description="evening +", continuous_update=False),
        redial_share=share(0.3, 0.8, "call again"),
    )
