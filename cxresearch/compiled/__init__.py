"""Functions compiled by numba, kept on disk where there is a place for them; the face of the modules in here."""

from cxresearch.compiled.kept import compiled

__all__ = ["compiled"]
