"""What slow and unhelpful customer service costs: from contact logs and cited surveys to reports.

``import cxresearch as cx`` loads nothing yet; ``cx.load``, the exhibits and the packages come when they are asked for
(``__init__.pyi`` lists them).
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, _, __all__ = lazy_loader.attach_stub(__name__, __file__)
__all__ += ["__version__"]


def __dir__() -> list[str]:
    return sorted(__all__)
