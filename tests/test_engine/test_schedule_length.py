"""`train_cfg.max_epochs` alone sets the length of the schedule."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import EpochBasedTrainLoop
from torch.utils.data import DataLoader, TensorDataset

from clhoi_mm.config_file import merge_options
from clhoi_mm.engine import HOIRunner
from clhoi_mm.registry import PARAM_SCHEDULERS
from tests.tool_utils import REPO

ITERATIONS = 3


def learning_rates(config, tmp_path, **options):
    """Return the relative learning rate of each iteration."""
    cfg = Config.fromfile(REPO / 'configs' / config)
    merge_options(cfg, options)
    init_default_scope('clhoi_mm')
    runner = HOIRunner(
        model=torch.nn.Linear(1, 1),
        work_dir=str(tmp_path),
        train_dataloader=DataLoader(TensorDataset(torch.zeros(ITERATIONS))),
        train_cfg=dict(by_epoch=True, max_epochs=cfg.train_cfg.max_epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=1.0)),
        param_scheduler=cfg.param_scheduler,
        default_scope='clhoi_mm',
        log_level='ERROR',
        experiment_name=str(tmp_path),
    )
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    assert isinstance(runner._train_loop, EpochBasedTrainLoop)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    schedulers = runner.build_param_scheduler(runner.param_schedulers)
    rates = []
    for _ in range(runner.max_iters):
        rates += runner.optim_wrapper.get_lr()['lr']
        runner.optim_wrapper.step()
        for scheduler in schedulers:
            if not scheduler.by_epoch:
                scheduler.step()
    return rates


@pytest.mark.parametrize('epochs', [None, 6])
@pytest.mark.parametrize(
    'config',
    ['clhoi_r50_hico.py', 'hico_geometry/icn_hico_geometry.py'],
)
def test_cosine_ends_with_the_last_iteration(config, epochs, tmp_path):
    options = {} if epochs is None else {'train_cfg.max_epochs': epochs}
    rates = learning_rates(config, tmp_path, **options)
    assert epochs is None or len(rates) == epochs * ITERATIONS
    # One further step would be at eta_min_ratio.
    assert 0.01 < rates[-1] < 0.05
    assert rates[-1] == min(rates[1:])


def test_run_that_ends_with_the_warm_up(tmp_path):
    options = {'train_cfg.max_epochs': 1}
    rates = learning_rates('clhoi_r50_hico.py', tmp_path, **options)
    assert rates[0] == pytest.approx(0.01)
    assert sorted(rates) == rates


@pytest.mark.parametrize('epochs', [6, 11, 20, 25])
def test_last_round_ends_with_the_last_iteration(epochs, tmp_path):
    rates = learning_rates(
        'clhoi_r18_mini.py', tmp_path, **{'train_cfg.max_epochs': epochs}
    )
    assert 0.01 < rates[-1] < 0.05
    if epochs > 11:
        # The first round ends, the second one warms up.
        start = 11 * ITERATIONS
        assert 0.01 < rates[start - 1] < 0.05
        assert rates[start] == pytest.approx(0.01)
        assert max(rates[start:]) > 0.9


@pytest.mark.parametrize('by_epoch', [True, False])
def test_equal_to_periods(by_epoch):
    step = 1 if by_epoch else ITERATIONS
    rates = []
    for options in (
        dict(type='CosineRestartAtLR', restarts=[11 * step, 90 * step]),
        dict(
            type='mmengine.CosineRestartLR',
            periods=[10 * step, 9 * step],
            restart_weights=[1, 1],
        ),
    ):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
        scheduler = PARAM_SCHEDULERS.build(
            dict(
                optimizer=optimizer,
                eta_min_ratio=0.01,
                begin=step,
                end=20 * step,
                by_epoch=by_epoch,
                **options,
            )
        )
        rates.append([])
        for _ in range(20 * step):
            rates[-1].append(optimizer.param_groups[0]['lr'])
            optimizer.step()
            scheduler.step()
    assert rates[0] == rates[1]
