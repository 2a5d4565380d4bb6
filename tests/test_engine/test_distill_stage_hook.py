import logging
from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import Compose
from mmengine.optim import build_optim_wrapper
from torch import nn

from clhoi_mm.datasets.transforms import CachedTransforms, LoadTeacherKnowledge
from clhoi_mm.engine import DistillStageHook
from clhoi_mm.registry import HOOKS
from clhoi_mm.teacher import PseudoLabels, pack_cache
from clhoi_mm.teacher.text_encoders import build_text_encoder
from tests.test_models.utils import (
    SIZE,
    TEXT_DIM,
    VOCABULARY,
    build,
    make_sample,
    model_cfg,
    total,
)

LR = 1e-2


def make_runner(model, own_groups=True, **optimizer):
    """Build a runner with the attributes that the hook uses."""
    cfg = dict(
        type='OptimWrapper', optimizer=dict(type='AdamW', lr=LR) | optimizer
    )
    if own_groups:
        cfg['paramwise_cfg'] = dict(custom_keys={'vlt': dict(lr_mult=1.0)})
    return SimpleNamespace(
        model=model,
        epoch=0,
        logger=logging.getLogger('test'),
        train_dataloader=SimpleNamespace(dataset=[]),
        optim_wrapper=build_optim_wrapper(model, cfg),
    )


def rates(runner, part):
    params = {id(p) for p in part.parameters()}
    groups = runner.optim_wrapper.optimizer.param_groups
    return {g['lr'] for g in groups if id(g['params'][0]) in params}


def step(runner, hook):
    """Run one iteration."""
    hook.before_train_iter(runner, 0)
    losses = runner.model.loss(
        torch.zeros(2, 3, *SIZE),
        [make_sample(), make_sample(pseudo_labels=((8, 0, 0.9),))],
    )
    runner.optim_wrapper.update_params(total(losses))
    hook.after_train_iter(runner, 0)


@pytest.fixture
def model():
    return build(model_cfg()).train()


def test_registered():
    assert HOOKS.get('DistillStageHook') is DistillStageHook


def test_stage_follows_from_the_epoch(model):
    runner, hook = make_runner(model), DistillStageHook(context_epochs=2)
    hook.before_train(runner)
    for epoch, stage in ((0, 1), (1, 1), (2, 2), (3, 2), (1, 1)):
        runner.epoch = epoch
        hook.before_train_epoch(runner)
        assert model.stage == stage


@pytest.mark.parametrize('wrapped', [False, True])
def test_learning_rates_change_within_an_iteration_only(model, wrapped):
    runner = make_runner(model)
    if wrapped:
        runner.model = nn.DataParallel(model)
    hook = DistillStageHook(context_epochs=1, vlt_lr_mult=0.1)
    hook.before_train(runner)
    for epoch, icn, vlt in ((0, 0.0, LR), (1, LR, LR * 0.1)):
        runner.epoch = epoch
        hook.before_train_epoch(runner)
        hook.before_train_iter(runner, 0)
        assert rates(runner, model.icn) == {icn}
        assert list(rates(runner, model.vlt)) == [pytest.approx(vlt)]
        assert rates(runner, model.context_scorer) == {LR}
        hook.after_train_iter(runner, 0)
        assert rates(runner, model) == {LR}


def test_schedulers_get_the_unscaled_learning_rates(model):
    runner, hook = make_runner(model), DistillStageHook(context_epochs=1)
    hook.before_train_epoch(runner)
    hook.before_train_iter(runner, 0)
    hook.after_train_iter(runner, 0)
    for group in runner.optim_wrapper.optimizer.param_groups:
        group['lr'] *= 0.5
    hook.before_train_iter(runner, 1)
    assert rates(runner, model.vlt) == {LR * 0.5}
    assert rates(runner, model.icn) == {0.0}
    hook.after_train_iter(runner, 1)
    assert rates(runner, model) == {LR * 0.5}


def test_requires_grad_is_never_changed(model):
    before = {n: p.requires_grad for n, p in model.named_parameters()}
    runner, hook = make_runner(model), DistillStageHook(context_epochs=1)
    for runner.epoch in (0, 1):
        hook.before_train_epoch(runner)
        assert before == {
            n: p.requires_grad for n, p in model.named_parameters()
        }


def test_icn_is_unchanged_in_stage_1_and_starts_fresh(model):
    """Its first step in stage two equals one learning rate."""
    runner = make_runner(model, weight_decay=0.1)
    hook = DistillStageHook(context_epochs=1)
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    start = [p.clone() for p in model.icn.parameters()]
    for _ in range(3):
        step(runner, hook)
    for old, new in zip(start, model.icn.parameters()):
        assert torch.equal(old, new)
    runner.epoch = 1
    hook.before_train_epoch(runner)
    for group in runner.optim_wrapper.optimizer.param_groups:
        group['weight_decay'] = 0.0
    step(runner, hook)
    moved = max(
        (new - old).abs().max()
        for old, new in zip(start, model.icn.parameters())
    )
    assert moved.item() == pytest.approx(LR, rel=1e-2)


def test_without_a_first_stage_nothing_is_scaled(model):
    runner = make_runner(model, own_groups=False)
    hook = DistillStageHook(context_epochs=0, vlt_lr_mult=0.1)
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    assert model.stage == 2
    hook.before_train_iter(runner, 0)
    assert rates(runner, model) == {LR}


@pytest.mark.parametrize(
    'without',
    [
        dict(vlt=None, context_loss=None),
        dict(interaction_loss=None),
    ],
)
def test_models_with_one_part(without):
    model = build(model_cfg(**without))
    runner = make_runner(model)
    hook = DistillStageHook(context_epochs=0 if 'vlt' in without else 1)
    hook.before_train(runner)
    for runner.epoch in (0, 1):
        hook.before_train_epoch(runner)
        step(runner, hook)
    assert model.stage == 2


def test_stage_without_a_loss_is_an_error():
    model = build(model_cfg(context_loss=None))
    with pytest.raises(ValueError, match='context_epochs=1.*no context_loss'):
        DistillStageHook(context_epochs=1).before_train(make_runner(model))


def test_shared_parameter_groups_are_an_error(model):
    runner = make_runner(model, own_groups=False)
    with pytest.raises(ValueError, match='paramwise_cfg'):
        DistillStageHook(context_epochs=1).before_train(runner)


def random_choice(step):
    """Hold pipelines like mmcv's RandomChoice."""
    return SimpleNamespace(transforms=[Compose([]), Compose([step])])


@pytest.mark.parametrize(
    'wrap',
    [
        lambda step: step,
        lambda step: CachedTransforms([step]),
        lambda step: random_choice(CachedTransforms([step])),
    ],
)
@pytest.mark.parametrize('dim, matches', [(TEXT_DIM, True), (64, False)])
def test_cache_of_another_text_encoder_is_an_error(
    model, tmp_path, dim, matches, wrap
):
    words = PseudoLabels('a.png', 'A park.', ['A park.'], [])
    encoder = build_text_encoder(dict(type='HashedTextEncoder', dim=dim))
    pack_cache([words], tmp_path / 'cache', VOCABULARY, encoder)
    runner = make_runner(model)
    transforms = [wrap(LoadTeacherKnowledge(str(tmp_path / 'cache')))]
    dataset = SimpleNamespace(pipeline=SimpleNamespace(transforms=transforms))
    runner.train_dataloader.dataset = SimpleNamespace(dataset=dataset)
    hook = DistillStageHook(context_epochs=1)
    if matches:
        hook.before_train(runner)
    else:
        with pytest.raises(ValueError, match='(?s)cache was packed.*64'):
            hook.before_train(runner)


@pytest.mark.parametrize('warmup, warned', [(0, False), (1, True)])
def test_unused_noise_model_is_reported(caplog, warmup, warned):
    cfg = model_cfg()
    cfg['label_noise'] = dict(type='EMLabelNoise', warmup=warmup)
    runner = make_runner(build(cfg).train())
    hook = DistillStageHook(context_epochs=0)
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    step(runner, hook)
    with caplog.at_level(logging.WARNING, 'test'):
        hook.after_train(runner)
    assert ('was never used' in caplog.text) == warned
