"""mmcv's operators from torchvision and plain torch, without a compiler.

Where mmcv has no compiled extension, ``mmcv._ext`` is ``clhoi_mm.ops.ext``;
``clhoi_mm_ops_finder`` answers that import. One module an operator, each with
the signature of mmcv's extension: tensors to fill come as arguments.
"""
