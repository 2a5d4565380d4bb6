from mmengine.config import Config
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmengine.runner.checkpoint import _load_checkpoint_to_model

from clhoi_mm.models.checkpoint import load_weights
from clhoi_mm.registry import RUNNERS


@RUNNERS.register_module()
class HOIRunner(Runner):
    """mmengine's runner, loading checkpoints without running code from them.

    mmengine 0.10.7 cannot resume its own checkpoints with torch >= 2.6, and
    later versions fall back to unpickling anything.
    """

    @classmethod
    def from_cfg(cls, cfg: Config) -> 'HOIRunner':
        """Build a runner.

        Where annotations teach, training needs no teacher's words on disk:
        ``model.teacher_head.supervision`` is the one key to change.

        Args:
            cfg (Config): The config.

        Returns:
            HOIRunner: The runner.
        """
        supervision = cfg.model.get('teacher_head', {}).get('supervision')
        if supervision in ('image', 'instance') and cfg.get(
                'train_dataloader'):
            dataset = cfg.train_dataloader.dataset
            while 'dataset' in dataset:
                dataset = dataset.dataset
            dataset.pipeline = [
                step for step in dataset.pipeline
                if 'LoadTeacherKnowledge' not in str(step['type'])
            ]
        return super().from_cfg(cfg)

    def load_checkpoint(self,
                        filename: str,
                        map_location='cpu',
                        strict: bool = False,
                        revise_keys: list = [(r'^module\.', '')]) -> dict:
        """Load a local checkpoint into the model.

        Args:
            filename (str): A local file.
            map_location (str or torch.device): Where tensors go.
            strict (bool): Whether keys must agree. Defaults to False.
            revise_keys (list): Pairs of a pattern and what replaces it in
                the checkpoint's keys.

        Returns:
            dict: The checkpoint.
        """
        checkpoint = load_weights(filename, map_location)
        # An old key that Runner.resume would execute as Python.
        checkpoint.get('meta', {}).pop('config', None)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        model = self.model.module if is_model_wrapper(
            self.model) else self.model
        _load_checkpoint_to_model(model, checkpoint, strict, self.logger,
                                  revise_keys)
        self._has_loaded = True
        self.logger.info(f'Load checkpoint from {filename}')
        return checkpoint
