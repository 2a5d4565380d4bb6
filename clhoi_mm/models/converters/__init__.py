"""Converters of published weights to checkpoints of mmdet and mmpretrain.

Each converter maps the source's tensors by name to the target's, and returns
the checkpoint's meta data. All names must be known: a file of another model is
refused rather than converted in part.
"""

from .clip_vision import convert_clip_vision
from .command import run_command
from .dab_detr import convert_dab_detr
from .deformable_detr import convert_deformable_detr
from .detr import convert_detr
from .dino import convert_dino
from .faster_rcnn import convert_faster_rcnn
from .files import read_source, write_checkpoint
from .yolox import convert_yolox
from .yolox_onnx import read_yolox

__all__ = [
    'convert_clip_vision',
    'convert_dab_detr',
    'convert_deformable_detr',
    'convert_detr',
    'convert_dino',
    'convert_faster_rcnn',
    'convert_yolox',
    'read_source',
    'read_yolox',
    'run_command',
    'write_checkpoint',
]
