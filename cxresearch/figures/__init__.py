"""Figures: a table and Axes in, Axes out. They draw numbers and compute none."""

from cxresearch.figures.day import plot_forecast, plot_load, plot_staffing
from cxresearch.figures.parts import Before, Mark, axes_or_new, root_figure
from cxresearch.figures.run_chart import plot_backlog, plot_run_charts
from cxresearch.figures.spread import (
    plot_amounts,
    plot_indices,
    plot_over_time,
    plot_percolation,
    plot_reach,
    plot_tail,
)
from cxresearch.figures.surveys import (
    plot_claims,
    plot_expectation,
    plot_interval_over_n,
    plot_order,
    plot_ranges,
    plot_trends,
)
from cxresearch.figures.waiting import (
    plot_bars_hour,
    plot_dots,
    plot_hazard,
    plot_outcomes,
    plot_parts,
    plot_survival,
    plot_wait_distribution,
)
from cxresearch.figures.week import plot_week

__all__ = [
    "Before",
    "Mark",
    "axes_or_new",
    "plot_amounts",
    "plot_backlog",
    "plot_bars_hour",
    "plot_claims",
    "plot_dots",
    "plot_expectation",
    "plot_forecast",
    "plot_hazard",
    "plot_indices",
    "plot_interval_over_n",
    "plot_load",
    "plot_order",
    "plot_outcomes",
    "plot_over_time",
    "plot_parts",
    "plot_percolation",
    "plot_ranges",
    "plot_reach",
    "plot_run_charts",
    "plot_staffing",
    "plot_survival",
    "plot_tail",
    "plot_trends",
    "plot_wait_distribution",
    "plot_week",
    "root_figure",
]
