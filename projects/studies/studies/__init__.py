"""Several configs with several seeds, measured and compared.

What ``projects/studies/study.py`` is made of. Needs mmengine, but neither
torch nor mmdet, which only the processes that train import.
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
