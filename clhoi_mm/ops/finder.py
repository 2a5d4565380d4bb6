"""Import finder that provides ``clhoi_mm.ops.ext`` as ``mmcv._ext``.

A copy, ``clhoi_mm_ops_finder.py``, is installed beside ``clhoi_mm_ops.pth`` in
site-packages, so that each Python process registers the finder at startup,
including spawned workers and mmdet's own tools. It is last on
``sys.meta_path``: a compiled ``mmcv._ext`` takes precedence. Standard library
only, and nothing is imported before mmcv requests the module.
"""

import sys


class MMCVExtensionFinder:
    """Finder of ``mmcv._ext`` if there is no compiled extension."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        """Find the module spec of the replacement.

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
    is_registered = [
        getattr(finder, '__name__', '') for finder in sys.meta_path
    ]
    if name not in is_registered:
        sys.meta_path.append(MMCVExtensionFinder)


register()
