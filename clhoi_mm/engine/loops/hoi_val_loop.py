from mmengine.runner import ValLoop

from clhoi_mm.registry import LOOPS

from .tolerant_loop import TolerantLoop


@LOOPS.register_module()
class HOIValLoop(TolerantLoop, ValLoop):
    """Validation loop that tolerates unreadable images."""

    mode = 'val'
