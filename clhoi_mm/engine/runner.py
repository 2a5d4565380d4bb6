import json
import os.path as osp
import re
from pathlib import Path
from typing import Optional, Sequence, Tuple, Union

from mmengine.config import Config
from mmengine.device import get_device
from mmengine.dist import master_only
from mmengine.model import (
    MMDistributedDataParallel,
    is_model_wrapper,
    revert_sync_batchnorm,
)
from mmengine.optim import OptimWrapper, OptimWrapperDict, _ParamScheduler
from mmengine.runner import Runner
from mmengine.runner.checkpoint import _load_checkpoint_to_model
from torch import distributed, nn
from torch.utils.data import DataLoader

from clhoi_mm.config_file import inner_configs
from clhoi_mm.datasets.wrappers import inner_datasets
from clhoi_mm.models.checkpoint import load_weights
from clhoi_mm.registry import OPTIMIZERS, RUNNERS
from clhoi_mm.utils.files import atomic_path


def _without_answer(pipeline: list) -> list:
    """Remove LoadTeacherKnowledge, also inside of CachedTransforms."""
    return [
        dict(step, steps=_without_answer(step['steps']))
        if 'steps' in step
        else step
        for step in pipeline
        if 'LoadTeacherKnowledge' not in str(step['type'])
    ]


def _max_epochs(checkpoint: dict) -> Optional[int]:
    """Read a checkpoint's number of epochs, None if unknown."""
    text = checkpoint.get('meta', {}).get('cfg')
    try:
        cfg = json.loads(text)
        return int(cfg['train_cfg']['max_epochs'])
    except (ValueError, KeyError, TypeError):
        return None


def _last_checkpoint(work_dir: Path) -> Optional[str]:
    """Find the recorded checkpoint or, without a record, the latest."""
    record = work_dir / 'last_checkpoint'
    if record.is_file():
        path = record.read_text().strip()
        if path and osp.isfile(path):
            return path
    checkpoints = {
        int(path.stem.rpartition('_')[2]): str(path)
        for path in work_dir.glob('*_*.pth')
        if re.fullmatch(r'(epoch|iter)_\d+', path.stem)
    }
    return checkpoints[max(checkpoints)] if checkpoints else None


@RUNNERS.register_module()
class HOIRunner(Runner):
    """Runner that loads checkpoints without executing code from them.

    mmengine 0.10.7 cannot resume its own checkpoints with torch >= 2.6, and
    later versions fall back to unrestricted unpickling.
    """

    @classmethod
    def from_cfg(cls, cfg: Config) -> 'HOIRunner':
        """Build a runner.

        With supervision by annotations, training needs no teacher cache:
        ``model.teacher_head.supervision`` is the only option to change.

        Args:
            cfg (Config): The config.

        Returns:
            HOIRunner: The runner.
        """
        supervision = cfg.model.get('teacher_head', {}).get('supervision')
        if supervision in ('image', 'instance') and cfg.get(
            'train_dataloader'
        ):
            dataset = cfg.train_dataloader.dataset
            # Of PackedHOIDataset.
            dataset.pop('teacher', None)
            for each in inner_configs(dataset):
                each.pipeline = _without_answer(each.pipeline)
        return super().from_cfg(cfg)

    def call_hook(self, fn_name: str, **kwargs) -> None:
        """Call the hooks; those of ``before_run`` once per runner.

        Testing after training in one process would call them again, and
        EMAHook would restart its averages from the latest weights, so that
        the metrics would not be those of the checkpoint.

        Args:
            fn_name (str): The hooks' method.
            **kwargs: Its arguments.
        """
        if fn_name == 'before_run':
            if getattr(self, '_has_begun', False):
                return
            self._has_begun = True
        super().call_hook(fn_name, **kwargs)

    def train(self) -> nn.Module:
        """Train and report how often images were skipped.

        Returns:
            nn.Module: The model.
        """
        model = super().train()
        skipped = sum(
            getattr(dataset, 'num_skipped', 0)
            for dataset in inner_datasets(self.train_dataloader.dataset)
        )
        if skipped:
            self.logger.warning(
                f'images that cannot be read were skipped {skipped} times; '
                'they are named above'
            )
        return model

    @staticmethod
    def build_dataloader(
        dataloader: Union[DataLoader, dict],
        seed: Optional[int] = None,
        diff_rank_seed: bool = False,
    ) -> DataLoader:
        """Build a data loader.

        Args:
            dataloader (DataLoader | dict): A data loader or its config.
                ``persistent_workers`` is ignored without workers.
            seed (int, optional): See mmengine's runner.
            diff_rank_seed (bool): See mmengine's runner.

        Returns:
            DataLoader: The data loader.
        """
        if isinstance(dataloader, dict) and not dataloader.get('num_workers'):
            dataloader = dict(dataloader, persistent_workers=False)
        return Runner.build_dataloader(dataloader, seed, diff_rank_seed)

    def build_optim_wrapper(
        self, optim_wrapper: Union[dict, OptimWrapper]
    ) -> Union[OptimWrapper, OptimWrapperDict]:
        """Build the optimizer.

        Args:
            optim_wrapper (dict | OptimWrapper): See mmengine's runner.

        Returns:
            OptimWrapper | OptimWrapperDict: The wrapped optimizer.

        Raises:
            KeyError: If there is no such optimizer; mmengine's constructor
                would fail later with an unclear message.
        """
        if isinstance(optim_wrapper, dict):
            optimizer = optim_wrapper.get('optimizer') or {}
            kind = optimizer.get('type')
            if isinstance(kind, str) and OPTIMIZERS.get(kind) is None:
                OPTIMIZERS.build(dict(type=kind))
        return super().build_optim_wrapper(optim_wrapper)

    def build_param_scheduler(
        self, scheduler: Union[_ParamScheduler, dict, list]
    ) -> Union[list, dict]:
        """Build schedulers, without those that begin after training's end.

        A run that is shortened by ``train_cfg.max_epochs`` may end before a
        schedule's later part begins; mmengine would raise an error.

        Args:
            scheduler (_ParamScheduler | dict | list): See mmengine's runner.

        Returns:
            list | dict: The schedulers.
        """
        if isinstance(scheduler, list):
            scheduler = [s for s in scheduler if not self._begins_late(s)]
        return super().build_param_scheduler(scheduler)

    def _begins_late(self, scheduler: Union[_ParamScheduler, dict]) -> bool:
        if not isinstance(scheduler, dict):
            return False
        by_epoch = scheduler.get('by_epoch', True)
        length = self.max_epochs if by_epoch else self.max_iters
        return length is not None and scheduler.get('begin', 0) >= length

    def setup_env(self, env_cfg: dict) -> None:
        """Set up the environment, also of several processes without GPUs.

        mmengine requires a GPU wherever there are several processes.

        Args:
            env_cfg (dict): Config of the environment.
        """
        if self.launcher == 'pytorch' and get_device() == 'cpu':
            distributed.init_process_group('gloo')
        super().setup_env(env_cfg)

    def wrap_model(
        self, model_wrapper_cfg: Optional[dict], model: nn.Module
    ) -> nn.Module:
        """Wrap the model, without a device id on the CPU.

        Args:
            model_wrapper_cfg (dict, optional): Config of the wrapper.
            model (nn.Module): The model.

        Returns:
            nn.Module: The model, wrapped if there are several processes.
        """
        if (
            self.distributed
            and get_device() == 'cpu'
            and model_wrapper_cfg is None
            and not is_model_wrapper(model)
        ):
            # As mmengine does for a single process.
            return MMDistributedDataParallel(
                revert_sync_batchnorm(model),
                broadcast_buffers=False,
                find_unused_parameters=self.cfg.get(
                    'find_unused_parameters', False
                ),
            )
        return super().wrap_model(model_wrapper_cfg, model)

    def resume(self, filename: str, *args, **kwargs) -> None:
        """Resume from a checkpoint of a run.

        Args:
            filename (str): A local file.
            *args: See mmengine's runner.
            **kwargs: See mmengine's runner.

        Raises:
            ValueError: If the checkpoint contains weights only.
        """
        checkpoint = load_weights(filename)
        if 'optimizer' not in checkpoint:
            raise ValueError(
                f'{filename} contains no optimizer state, as published '
                'checkpoints do not: there is no run to resume. Resume from a '
                "run's epoch_N.pth, or start a new run from these weights, "
                f'without --resume, with --cfg-options load_from={filename}'
            )
        super().resume(filename, *args, **kwargs)
        old_epochs = _max_epochs(checkpoint)
        if old_epochs is not None and old_epochs < (self.max_epochs or 0):
            self.logger.warning(
                f'{filename} is of a run of {old_epochs} epochs, and this one '
                f'goes on to {self.max_epochs}; but the schedule of the '
                'learning rate is resumed as well, and stays where it ended. '
                'To go on with a schedule of its own, leave out --resume and '
                f'set load_from={filename}; to have one schedule to the end, '
                'start a new run with this train_cfg.max_epochs'
            )

    def load_or_resume(self) -> None:
        """Load or resume; automatically from the last complete checkpoint.

        mmengine records the last checkpoint in a file, which is empty if the
        process was killed while writing it.
        """
        if self._resume and self._load_from is None:
            self._load_from = _last_checkpoint(Path(self.work_dir))
        super().load_or_resume()

    @master_only
    def save_checkpoint(
        self,
        out_dir: str,
        filename: str,
        file_client_args: Optional[dict] = None,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        meta: Optional[dict] = None,
        by_epoch: bool = True,
        backend_args: Optional[dict] = None,
    ) -> None:
        """Save a checkpoint atomically; see mmengine for the arguments.

        Args:
            out_dir (str): The folder, or a remote address.
            filename (str): The checkpoint's name.
            file_client_args (dict, optional): Of mmengine's old file client.
            save_optimizer (bool): Whether to save the optimizer's state.
            save_param_scheduler (bool): Whether to save the schedulers'.
            meta (dict, optional): Further meta information.
            by_epoch (bool): Whether epochs rather than iterations are
                counted.
            backend_args (dict, optional): Of mmengine's file backend.
        """
        options = (
            file_client_args,
            save_optimizer,
            save_param_scheduler,
            meta,
            by_epoch,
            backend_args,
        )
        if '://' in str(out_dir) or file_client_args or backend_args:
            super().save_checkpoint(out_dir, filename, *options)
            return
        with atomic_path(Path(out_dir, filename)) as temp:
            super().save_checkpoint(str(temp.parent), temp.name, *options)

    def load_checkpoint(
        self,
        filename: str,
        map_location='cpu',
        strict: bool = False,
        revise_keys: Sequence[Tuple[str, str]] = ((r'^module\.', ''),),
    ) -> dict:
        """Load a local checkpoint into the model.

        Args:
            filename (str): A local file.
            map_location (str or torch.device): Device of the tensors.
            strict (bool): Whether keys must agree. Defaults to False.
            revise_keys (Sequence[Tuple[str, str]]): Patterns and their
                replacements in the checkpoint's keys.

        Returns:
            dict: The checkpoint.
        """
        checkpoint = load_weights(filename, map_location)
        # An old key that Runner.resume would execute as Python.
        checkpoint.get('meta', {}).pop('config', None)
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        model = (
            self.model.module if is_model_wrapper(self.model) else self.model
        )
        _load_checkpoint_to_model(
            model, checkpoint, strict, self.logger, revise_keys
        )
        self._has_loaded = True
        self.logger.info(f'Load checkpoint from {filename}')
        return checkpoint
