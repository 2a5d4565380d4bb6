"""Reader, writer and converters of the annotation file.

Imports neither torch nor any mm* package. No other package parses this JSON.
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
