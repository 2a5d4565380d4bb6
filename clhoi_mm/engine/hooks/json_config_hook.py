import json

from mmengine.hooks import Hook
from mmengine.runner import Runner

from clhoi_mm.registry import HOOKS


@HOOKS.register_module()
class JsonConfigHook(Hook):
    """Lets the config travel in a checkpoint as JSON.

    mmengine writes it as Python source, which whoever reads the checkpoint
    would have to execute.
    """

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Replace the config's text."""
        checkpoint['meta']['cfg'] = json.dumps(runner.cfg.to_dict())
