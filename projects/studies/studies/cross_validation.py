"""Training and testing of a run, optionally in folds."""

import copy
import os.path as osp
import time
from typing import Optional

from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import RUNNERS, init_default_scope
from mmengine.runner import Runner

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.config_file import inner_configs
from clhoi_mm.registry import LOOPS

from .baselines import annotation_file
from .study_run import predictions_file


class CrossValidation:
    """Run with several tests or cross-validation.

    Additional entries of the config:

    - ``further_tests``: ``dataloader`` and ``evaluator`` of further tests,
      by name;
    - ``keep_predictions``: writes the predictions of the first test to
      ``predictions.npz`` in the work dir, those of further tests to
      ``predictions_NAME.npz``;
    - ``folds``: number of folds N of the tested images. Model k is trained
      without and tested on the images whose index modulo N is k, and the
      predictions of all folds are scored together. All tests must use one
      annotation file; training may use others, too.

    Args:
        cfg (Config): The run's config.
        train (bool): Whether to train before testing.
    """

    KEYS = frozenset({'further_tests', 'keep_predictions', 'folds'})

    def __init__(self, cfg: Config, train: bool) -> None:
        self.cfg = cfg
        self.train = train
        init_default_scope(cfg.get('default_scope', 'clhoi_mm'))
        tests = {
            '': dict(
                dataloader=cfg.test_dataloader, evaluator=cfg.test_evaluator
            ),
            **cfg.get('further_tests', {}),
        }
        self.loaders = {name: t['dataloader'] for name, t in tests.items()}
        self.evaluators = {
            name: _PooledEvaluator(
                self._metrics(name, t['evaluator'], t['dataloader'])
            )
            for name, t in tests.items()
        }

    def run(self) -> dict[str, float]:
        """Train and test all folds.

        Returns:
            dict[str, float]: Metrics by name, those of further tests as
            'TEST.METRIC', and ``train_seconds`` if anything was trained.
        """
        folds = self.cfg.get('folds', 1)
        metrics = {}
        for fold in range(folds):
            runner = self._runner(fold if folds > 1 else None)
            if self.train:
                start = time.perf_counter()
                runner.train()
                metrics['train_seconds'] = (
                    metrics.get('train_seconds', 0.0)
                    + time.perf_counter()
                    - start
                )
            self._test(runner, fold if folds > 1 else None)
        for name, evaluator in self.evaluators.items():
            metrics.update(
                (
                    f'{name}.' * bool(name) + key.rsplit('/', 1)[-1],
                    float(value),
                )
                for key, value in evaluator.pooled().items()
            )
        return metrics

    def _metrics(
        self, name: str, evaluator: object, loader: dict
    ) -> list[dict]:
        """List a test's metrics, with one that keeps its predictions."""
        metrics = evaluator if isinstance(evaluator, list) else [evaluator]
        if not self.cfg.get('keep_predictions'):
            return metrics
        dataset = next(inner_configs(loader['dataset']))
        dump = dict(
            type='DumpHOIResults',
            out_file=osp.join(self.cfg.work_dir, predictions_file(name)),
            ann_file=_path(dataset),
        )
        return [*metrics, dump]

    def _runner(self, fold: Optional[int]) -> Runner:
        cfg = copy.deepcopy(self.cfg)
        if fold is not None:
            cfg.experiment_name = f'{cfg.experiment_name}-{fold}'
            cfg.work_dir = osp.join(cfg.work_dir, f'fold-{fold}')
            tested = _path(next(inner_configs(cfg.test_dataloader.dataset)))
            for dataset in inner_configs(cfg.train_dataloader.dataset):
                if _path(dataset) == tested:
                    self._keep(dataset, fold, tested=False)
        return RUNNERS.build(cfg)

    def _test(self, runner: Runner, fold: Optional[int]) -> None:
        for name, loader in self.loaders.items():
            loader = copy.deepcopy(loader)
            if fold is not None:
                for dataset in inner_configs(loader['dataset']):
                    self._keep(dataset, fold, tested=True)
            if name == '':
                runner.call_hook('before_run')
                runner.load_or_resume()
            loop = LOOPS.build(
                dict(self.cfg.test_cfg),
                default_args=dict(
                    runner=runner,
                    dataloader=loader,
                    evaluator=self.evaluators[name],
                ),
            )
            loop.run()

    def _keep(self, dataset: dict, fold: int, tested: bool) -> None:
        """Select a fold's test or training images."""
        folds = self.cfg.folds
        dataset['indices'] = [
            i
            for i in range(len(AnnotationFile.read(_path(dataset)).image_ids))
            if (i % folds == fold) == tested
        ]


class _PooledEvaluator(Evaluator):
    """Evaluator that pools the predictions of several tests."""

    size = 0

    def evaluate(self, size: int) -> dict:
        """Add a test's size; metrics are computed by :meth:`pooled`.

        Args:
            size (int): Number of the test's images.
        """
        self.size += size
        return {}

    def pooled(self) -> dict:
        """Compute metrics over the images of all tests."""
        return super().evaluate(self.size)


def _path(dataset: dict) -> Optional[str]:
    """Return a data set's annotation file, or None."""
    if 'ann_file' not in dataset and 'split' not in dataset:
        return None
    return osp.join(dataset.get('data_root', ''), annotation_file(dataset))
