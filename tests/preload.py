"""Imports shared by all forked tool processes."""

import gc

import matplotlib.pyplot  # noqa: F401
import mmdet.engine  # noqa: F401
import torch.utils.cpp_extension  # noqa: F401
import yapf.yapflib.yapf_api  # noqa: F401

import clhoi_mm.apis  # noqa: F401
import clhoi_mm.config_file  # noqa: F401
import clhoi_mm.datasets.converters  # noqa: F401
import clhoi_mm.datasets.hico_det  # noqa: F401
import clhoi_mm.datasets.unlabeled_hoi_dataset  # noqa: F401
import clhoi_mm.datasets.v_coco  # noqa: F401
import clhoi_mm.engine  # noqa: F401
import clhoi_mm.evaluation.metrics  # noqa: F401
import clhoi_mm.models  # noqa: F401
import clhoi_mm.visualization.hoi_local_visualizer  # noqa: F401

# Move the imported objects out of the garbage collector's reach, so that their
# pages are not written to and stay shared with the forks.
gc.collect()
gc.freeze()
