"""Show what a teacher said of images, and compare it with annotations.

The commands are in inspect_words.py: this file has a standard module's name,
which is what others in this folder must get when they import it.
"""

import os
import sys

FOLDER = os.path.dirname(os.path.realpath(__file__))
PLACES = sys.path[:]
sys.path[:] = [x for x in PLACES if os.path.realpath(x) != FOLDER]

if __name__ == '__main__':
    import runpy

    runpy.run_path(f'{FOLDER}/inspect_words.py', run_name='__main__')
else:
    del sys.modules[__name__]
    __import__(__name__)
    sys.path[:] = PLACES
