import json
import os.path as osp
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from clhoi_mm.registry import HOOKS
from clhoi_mm.vocabulary import HOIVocabulary


@HOOKS.register_module()
class JsonConfigHook(Hook):
    """Stores the config in checkpoints as JSON.

    mmengine stores it as Python source, which would have to be executed to
    read it. The content of vocabulary files is included.
    """

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Replace the config's text by JSON."""
        checkpoint['meta']['cfg'] = json.dumps(_portable(runner.cfg.to_dict()))


def _portable(value: Any) -> Any:
    """Replace vocabulary paths in a config entry by their content."""
    if isinstance(value, dict):
        return {
            key: HOIVocabulary.load(entry).to_dict()
            if key == 'vocabulary'
            and isinstance(entry, str)
            and osp.isfile(entry)
            else _portable(entry)
            for key, entry in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_portable(entry) for entry in value]
    return value
