"""What is raised where a report or a parameter cannot be right, before anything is started."""

from __future__ import annotations


class ParameterError(ValueError):
    """A report or a parameter that cannot be right; nothing has been started."""
