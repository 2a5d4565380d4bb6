"""The annotation file: its reader, its writer and the converters into it.

Imports neither torch nor any mm* package. Nothing else in the project parses
this JSON.
"""

from .annotation_builder import AnnotationBuilder, write_annotations
from .annotation_file import AnnotationFile
from .labeled_annotations import LabeledAnnotations

__all__ = [
    'AnnotationBuilder',
    'AnnotationFile',
    'LabeledAnnotations',
    'write_annotations',
]
