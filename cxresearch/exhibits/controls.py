"""Controls for an analyst in JupyterLab. They compute nothing of their own, and a scheduled run does without them.

What they show stands in an HTML widget: with an Output widget, a client that runs notebooks answers the kernel while it
waits for it, and can wait for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from cxresearch.contacts import PeriodLog
from cxresearch.exhibits.exhibit import Exhibit, nothing
from cxresearch.exhibits.waiting import patience_curve
from cxresearch.patience import survival_at
from cxresearch.queueing import Patience, explore_day
from cxresearch.survival import kaplan_meier


def waiting_controls(month: PeriodLog, *, by: str = "queue") -> Any:
    """Choose a group and a horizon, see its patience curve and read it off. Returns an ipywidgets container.

    Its ``exhibit()`` is what is shown.
    """
    from ipywidgets import Dropdown, IntSlider

    waits = month.waits(by)
    left = waits.loc[waits["outcome"] == "abandoned", by].dropna()
    if left.empty:
        return nothing("Nobody gave up, so there is no curve to move")
    longest = int(max(waits["duration_s"].max(), 60))

    def show(group: str, horizon_s: int) -> Exhibit:
        curve = kaplan_meier(waits[waits[by] == group])
        at = survival_at(curve, [horizon_s / 4, horizon_s / 2, horizon_s])
        return patience_curve(curve, at, horizon_s=horizon_s, place=f"{group}, {month.label}", kind=month.kind)

    return _shown(
        show,
        group=Dropdown(options=sorted(set(left)), description=by),
        horizon_s=IntSlider(min(300, longest), min=10, max=longest, step=10, description="seconds", continuous_update=False),
    )  # fmt: skip


def day_controls(hours: pd.DataFrame | None, *, patience: Patience, days: int) -> Any:
    """Move the bot, the evening team and the redials, see what the day loses. Returns an ipywidgets container.

    ``hours`` is ``queueing.agents_in_effect``, of ``days`` days. Its ``exhibit()`` is ``queueing.explore_day`` with these settings.
    """
    from ipywidgets import FloatSlider, IntSlider

    if hours is None:
        return nothing("The day cannot be modelled, so there is nothing to move")

    def show(contained_share: float, evening_experts: int, redial_share: float) -> Exhibit:
        table = explore_day(
            hours, patience=patience, days=days, contained_share=contained_share, evening_experts=evening_experts,
            redial_share=redial_share,
        )  # fmt: skip
        return Exhibit(finding="The day with these settings", table=table, kind="assumed")

    def share(value: float, most: float, name: str) -> Any:
        return FloatSlider(value, min=0, max=most, step=0.05, description=name, continuous_update=False)

    return _shown(
        show,
        contained_share=share(0.15, 0.5, "bot settles"),
        evening_experts=IntSlider(1, min=0, max=10, description="evening +", continuous_update=False),
        redial_share=share(0.3, 0.8, "call again"),
    )


def _shown(show: Callable[..., Exhibit], **sliders: Any) -> Any:
    """The sliders above what ``show`` makes of them."""
    from ipywidgets import HTML, VBox

    page = HTML()

    def exhibit() -> Exhibit:
        return show(**{name: slider.value for name, slider in sliders.items()})

    def moved(_: object = None) -> None:
        page.value = exhibit()._repr_html_()

    for slider in sliders.values():
        slider.observe(moved, "value")
    moved()
    box = VBox([*sliders.values(), page])
    box.exhibit = exhibit
    return box
