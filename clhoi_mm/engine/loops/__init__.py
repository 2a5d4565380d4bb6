from .hoi_test_loop import HOITestLoop
from .hoi_val_loop import HOIValLoop
from .unreadable_images import UnreadableImages

__all__ = ['HOITestLoop', 'HOIValLoop', 'UnreadableImages']
