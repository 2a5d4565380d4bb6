from contextlib import contextmanager
from typing import Any, Iterator, Optional

from torch import nn

from .detector_adapter import Feats


class GivenFeats:
    """Mixin that lets an mmdet detector run on maps computed before."""

    given_feats: Optional[Feats] = None

    @contextmanager
    def reuse_feats(self, feats: Feats) -> Iterator[None]:
        """Use these maps in place of the backbone's and neck's.

        Args:
            feats (Feats): Feature maps, each (B, C, h, w).
        """
        self.given_feats = feats
        try:
            yield
        finally:
            self.given_feats = None

    def extract_feat(self, *args: Any, **kwargs: Any) -> Feats:
        """Return the maps in use, or compute them."""
        if self.given_feats is not None:
            return self.given_feats
        return super().extract_feat(*args, **kwargs)


def add_mixin(module: nn.Module, mixin: type) -> None:
    """Make a module an instance of a subclass of its class with a mixin.

    The subclass has the name of the module's class, which messages and files
    of detections state.

    Args:
        module (nn.Module): Is changed in place.
        mixin (type): Goes before the module's class.
    """
    kind = type(module)
    names = dict(__module__=kind.__module__, __doc__=kind.__doc__)
    module.__class__ = type(kind.__name__, (mixin, kind), names)
