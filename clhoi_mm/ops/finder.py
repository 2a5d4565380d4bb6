"""Import finder that offers ``clhoi_mm.ops.ext`` as ``mmcv._ext``.

A copy, ``clhoi_mm_ops_finder.py``, lies beside ``clhoi_mm_ops.pth`` in
site-packages, so that each Python process registers the finder at its start:
spawned workers and mmdet's own tools included. It comes last on
``sys.meta_path``: a compiled ``mmcv._ext`` is found first and used. Standard
library only, and nothing is imported before mmcv asks.
"""

import sys


class MMCVExtensionFinder:
    """Answers for ``mmcv._ext`` where no compiled extension was found."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        """Find the module spec of the stand-in.

        Args:
            name (str): The module's full name.
            path (list[str], optional): The parent's path, not used.
            target (module, optional): A module to reload, not used.

        Returns:
            ModuleSpec, optional: None for any name but ``mmcv._ext``.
        """
        if name != 'mmcv._ext':
            return None
        from importlib import util

        try:
            ops = util.find_spec('clhoi_mm.ops.ext')
        except ImportError:  # clhoi_mm was moved or removed
            return None
        return ops and util.spec_from_file_location(name, ops.origin)


def register() -> None:
    """Append the finder to ``sys.meta_path`` unless it is there."""
    name = MMCVExtensionFinder.__name__
    known = [getattr(finder, '__name__', '') for finder in sys.meta_path]
    if name not in known:
        sys.meta_path.append(MMCVExtensionFinder)


register()
