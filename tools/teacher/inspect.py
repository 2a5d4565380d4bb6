"""Show what a teacher said of images, and compare it with annotations.

The commands are in inspect_words.py: this file has a standard module's name,
which is what others in this folder must get when they import it.
"""
import sys

FOLDER = sys.path[0]

if __name__ == '__main__':
    sys.path.remove(FOLDER)
    import runpy
    runpy.run_path(f'{FOLDER}/inspect_words.py', run_name='__main__')
else:
    places = sys.path[:]
    sys.path[:] = [place for place in places if place != FOLDER]
    del sys.modules[__name__]
    __import__(__name__)
    sys.path[:] = places
