from mmengine.runner import TestLoop

from clhoi_mm.registry import LOOPS

from .tolerant_loop import TolerantLoop


@LOOPS.register_module()
class HOITestLoop(TolerantLoop, TestLoop):
    """Test loop that tolerates unreadable images."""

    mode = 'test'
