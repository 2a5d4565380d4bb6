"""Testing of averaged weights in the process that trained them."""

import pytest
from mmengine.evaluator import BaseMetric

from clhoi_mm.engine import HOIRunner
from tests.test_engine.test_runner import Scenes
from tests.test_models.utils import build, model_cfg


class ScoreSum(BaseMetric):
    """Sum of all predicted scores, which identifies the weights."""

    def process(self, data_batch, data_samples):
        self.results += [
            float(sample['pred_hois']['scores'].double().sum())
            for sample in data_samples
        ]

    def compute_metrics(self, results):
        return dict(total=sum(results))


def make_runner(work_dir, hooks, **kwargs):
    loader = dict(
        batch_size=2,
        num_workers=0,
        sampler=dict(type='DefaultSampler', shuffle=False),
        dataset=Scenes(),
    )
    return HOIRunner(
        model=build(model_cfg(), 0),
        work_dir=str(work_dir),
        train_dataloader=loader,
        train_cfg=dict(by_epoch=True, max_epochs=2),
        optim_wrapper=dict(
            type='OptimWrapper',
            optimizer=dict(type='AdamW', lr=1e-2),
            paramwise_cfg=dict(custom_keys={'vlt': dict(lr_mult=1.0)}),
        ),
        test_dataloader=loader,
        test_cfg=dict(),
        test_evaluator=[ScoreSum()],
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', interval=1)),
        custom_hooks=[
            dict(type='DistillStageHook', context_epochs=1),
            *hooks,
        ],
        randomness=dict(seed=0),
        default_scope='clhoi_mm',
        log_level='ERROR',
        experiment_name=f'{work_dir}-{len(kwargs)}-{len(hooks)}',
        **kwargs,
    )


@pytest.mark.parametrize('averaged', [False, True])
def test_metrics_equal_the_checkpoints(tmp_path, averaged):
    hooks = [dict(type='EMAHook', momentum=0.1)] * averaged
    runner = make_runner(tmp_path, hooks)
    runner.train()
    at_once = runner.test()['total']
    # A second test gives the same, and averaging continues.
    assert runner.test()['total'] == at_once
    saved = make_runner(tmp_path, [], load_from=str(tmp_path / 'epoch_2.pth'))
    assert saved.test()['total'] == pytest.approx(at_once, rel=1e-6)


def test_averaged_weights_differ(tmp_path):
    totals = []
    for hooks in ([], [dict(type='EMAHook', momentum=0.1)]):
        runner = make_runner(tmp_path / str(len(hooks)), hooks)
        runner.train()
        totals.append(runner.test()['total'])
    assert totals[0] != pytest.approx(totals[1], rel=1e-3)
