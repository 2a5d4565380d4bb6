"""Experiments over several configs and seeds.

Modules of ``projects/studies/study.py``. Only the training processes import
torch and mmdet.
"""

from .paired import paired_differences
from .plots import draw_plot
from .results import Results
from .run_pool import RunPool
from .study import Study
from .study_run import StudyRun
from .table import StudyTable

__all__ = [
    'Results',
    'RunPool',
    'Study',
    'StudyRun',
    'StudyTable',
    'draw_plot',
    'paired_differences',
]
