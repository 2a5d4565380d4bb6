"""mmcv's operators from torchvision and plain torch, without a compiler.

Where mmcv has no compiled extension, ``mmcv._ext`` is ``clhoi_mm.ops.ext``,
which ``clhoi_mm_ops_finder`` provides. There is one module per operator, with
the signature of mmcv's extension: output tensors are arguments.
"""
