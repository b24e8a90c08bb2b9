"""Talk on a real network: cascades and percolation."""

from __future__ import annotations

from cxresearch.cascade.on_network import network_talk
from cxresearch.cascade.runs import EdgeList, independent_cascade, load_edges, percolation_sweep

__all__ = ["EdgeList", "independent_cascade", "load_edges", "network_talk", "percolation_sweep"]
