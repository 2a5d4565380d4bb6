import json
import os.path as osp
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from clhoi_mm.registry import HOOKS
from clhoi_mm.vocabulary import HOIVocabulary


@HOOKS.register_module()
class JsonConfigHook(Hook):
    """Lets the config travel in a checkpoint as JSON.

    mmengine writes it as Python source, which whoever reads the checkpoint
    would have to execute. Vocabularies in files of one's own travel along.
    """

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Replace the config's text."""
        checkpoint['meta']['cfg'] = json.dumps(_portable(runner.cfg.to_dict()))


def _portable(value: Any) -> Any:
    """A config's entry with the content of vocabularies for their paths."""
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
