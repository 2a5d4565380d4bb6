"""Label-free human-object interaction detection on MMDetection 3.x.

This module imports neither torch nor any mm* package: the teacher's part
works without them.
"""
import importlib.util
import warnings

from .version import __version__

__all__ = ['__version__', 'explain_missing']


def explain_missing(*names: str) -> str:
    """One sentence that says which packages are missing, and the remedy.

    Args:
        *names (str): Import names to look for; nothing is imported.

    Returns:
        str: Empty if all of them are there.
    """
    missing = [n for n in names if importlib.util.find_spec(n) is None]
    if not missing:
        return ''
    return (f'clhoi_mm trains and tests with {", ".join(missing)}, not found '
            'in this Python: run "make setup" in the project\'s folder, or '
            'see what "python -m clhoi_mm.check_env" advises (vocabulary and '
            'teacher work without).')


_missing = explain_missing('torch', 'mmengine', 'mmcv', 'mmdet')
if _missing:
    warnings.warn(_missing, stacklevel=2)
