"""Controls for an analyst in JupyterLab. They compute nothing of their own, and a scheduled run does without them.

What they show stands in an HTML widget: with an Output widget, a client that runs notebooks answers the kernel while it
waits for it, and can wait for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cxresearch.contacts import PeriodLog
from cxresearch.decisions import MOST_AT_ONCE, MOST_CONTAINED, Action, Weighing, hours_to_move, with_agents
from cxresearch.exhibits.agents import moved_agents
from cxresearch.exhibits.exhibit import Exhibit, nothing
from cxresearch.exhibits.waiting import patience_curve
from cxresearch.patience import survival_at
from cxresearch.style import phrase
from cxresearch.survival import kaplan_meier


def waiting_controls(month: PeriodLog, *, by: str = "queue") -> Any:
    """Choose a group and a horizon, see its patience curve and read it off. Returns an ipywidgets container.

    Its ``exhibit()`` is what is shown.
    """
    from ipywidgets import Dropdown, IntSlider

    waits = month.waits(by)
    left = waits.loc[waits["outcome"] == "abandoned", by].dropna()
    if left.empty:
        return nothing(phrase("Nobody gave up, so there is no curve to move"))
    longest = int(max(waits["duration_s"].max(), 60))

    def show(group: str, horizon_s: int) -> Exhibit:
        curve = kaplan_meier(waits[waits[by] == group])
        at = survival_at(curve, [horizon_s / 4, horizon_s / 2, horizon_s])
        return patience_curve(curve, at, horizon_s=horizon_s, place=f"{group}, {month.label}", kind=month.kind)

    return _shown(
        show,
        group=Dropdown(options=sorted(set(left)), description=phrase(by)),
        horizon_s=IntSlider(min(300, longest), min=10, max=longest, step=10, description=phrase("seconds"), continuous_update=False),
    )  # fmt: skip


def action_controls(weighing: Weighing, *, place: str = "", kind: str = "estimated") -> Any:
    """Add agents from one hour to another, and a bot, see what each hour loses. Returns an ipywidgets container.

    It opens on the day as it is. Its ``exhibit()`` is ``decisions.with_agents`` with these settings.
    """
    from ipywidgets import FloatSlider, IntRangeSlider, IntSlider

    model = hours_to_move(weighing)
    first, last = min(model), max(model) + 1

    def show(agents: int, hours: tuple[int, int], contained_share: float) -> Exhibit:
        action = Action("these settings", shifts=((agents, *hours),), contained_share=contained_share)
        return moved_agents(with_agents(weighing, action, hours=model), action, place=place, kind=kind)

    return _shown(
        show,
        agents=IntSlider(0, min=0, max=MOST_AT_ONCE, description=phrase("agents +"), continuous_update=False),
        hours=IntRangeSlider(value=(first, last), min=first, max=last, description=phrase("hours"), continuous_update=False),
        contained_share=FloatSlider(
            0, min=0, max=MOST_CONTAINED, step=0.05, description=phrase("bot settles"), continuous_update=False, readout_format=".0%"
        ),
    )  # fmt: skip


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
