import logging
from types import SimpleNamespace

import pytest
import torch

from clhoi_mm.engine import SelfDistillHook
from clhoi_mm.models import load_weights
from clhoi_mm.registry import HOOKS
from tests.test_engine.test_runner import train
from tests.test_models.utils import (
    BIKE,
    RIDE,
    SIZE,
    build,
    make_sample,
    model_cfg,
    total,
)

NOISE = dict(type='EMLabelNoise', warmup=1)
ROUND = dict(type='SelfDistillHook', epochs=[3])


def make_runner(model, epoch=3):
    optimizer = torch.optim.AdamW(model.parameters())
    return SimpleNamespace(
        model=model,
        epoch=epoch,
        _resume=True,
        logger=logging.getLogger('test'),
        optim_wrapper=SimpleNamespace(optimizer=optimizer),
    )


def learn(runner):
    """Run one optimizer step and return the losses."""
    samples = [make_sample(), make_sample(pseudo_labels=((RIDE, BIKE, 0.9),))]
    losses = runner.model.loss(torch.zeros(2, 3, *SIZE), samples)
    optimizer = runner.optim_wrapper.optimizer
    optimizer.zero_grad()
    total(losses).backward()
    optimizer.step()
    return losses


@pytest.fixture
def model():
    return build(model_cfg(label_noise=NOISE)).train()


def test_registered():
    assert HOOKS.get('SelfDistillHook') is SelfDistillHook


def test_round_starts_with_snapshot_and_new_icn(model):
    runner, hook = make_runner(model), SelfDistillHook([1, 3])
    learn(runner)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    for runner.epoch in (0, 2, 4):
        hook.before_train_epoch(runner)
        assert model.self_teacher is None
    runner.epoch = 3
    hook.before_train_epoch(runner)
    for part in ('vlt', 'icn'):
        for name, value in (
            getattr(model.self_teacher, part).state_dict().items()
        ):
            assert torch.equal(value, before[f'{part}.{name}']), name
    changed = {
        k
        for k, v in model.state_dict().items()
        if not torch.equal(v, before[k])
    }
    assert 'icn.to_phrase.weight' in changed
    assert all(k.startswith('icn.') for k in changed)
    assert model.state_dict().keys() == before.keys()
    state = runner.optim_wrapper.optimizer.state
    assert not any(p in state for p in model.icn.parameters())
    assert any(p in state for p in model.vlt.parameters())


def test_self_teacher_is_frozen(model):
    runner = make_runner(model)
    SelfDistillHook([3]).before_train_epoch(runner)
    before = {
        k: v.clone() for k, v in model.self_teacher.icn.state_dict().items()
    }
    losses = learn(runner)
    assert 'loss_mil' in losses
    for name, value in model.self_teacher.icn.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(p.grad is None for p in model.self_teacher.icn.parameters())
    assert (
        not model.self_teacher.icn.training
        and not model.self_teacher.vlt.training
    )


def test_self_teacher_predicts_what_the_student_predicted(model):
    """Compare right after the snapshot, without dropout."""
    model.eval()
    inputs, samples = torch.rand(1, 3, *SIZE), [make_sample()]
    batch = model.prepare(inputs, samples)

    def predict(student):
        return student.encode(batch).predictions.logits

    before = predict(model.student)
    self_teacher = model.snapshot_self_teacher()
    model.reinit_icn()
    assert len(batch.pairs)
    torch.testing.assert_close(predict(self_teacher), before)
    assert not torch.allclose(predict(model.student), before)


@pytest.mark.parametrize(
    'cfg',
    [
        model_cfg('image', label_noise=NOISE),
        model_cfg('instance', label_noise=NOISE),
        model_cfg(),
    ],
    ids=['image', 'instance', 'no noise model'],
)
def test_second_round_needs_a_noise_model(cfg):
    model = build(cfg).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    SelfDistillHook([3]).before_train_epoch(make_runner(model))
    assert model.self_teacher is None
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_round_without_vlt():
    cfg = model_cfg(vlt=None, context_loss=None, label_noise=NOISE)
    runner = make_runner(build(cfg).train())
    hook = SelfDistillHook([3])
    hook.before_train_epoch(runner)
    assert 'loss_mil' in learn(runner)
    checkpoint = {}
    hook.before_save_checkpoint(runner, checkpoint)
    assert list(checkpoint['self_teacher']) == ['icn']


def test_context_stage_has_no_rounds(model):
    model.stage = 1
    with pytest.raises(ValueError, match='context_epochs'):
        SelfDistillHook([3]).before_train_epoch(make_runner(model))


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """Train both stages and a self-distillation round."""
    work_dir = tmp_path_factory.mktemp('rounds')
    return work_dir, *train(
        work_dir, max_epochs=5, hooks=[ROUND], label_noise=NOISE
    )


@pytest.mark.parametrize('epoch', [2, 3, 4])
def test_resumed_run_equals_the_uninterrupted(whole, epoch, tmp_path):
    """Resume before the round, at its start, and within."""
    work_dir, expected, model = whole
    recorder, resumed = train(
        tmp_path,
        work_dir / f'epoch_{epoch}.pth',
        seed=7,
        max_epochs=5,
        hooks=[ROUND],
        label_noise=NOISE,
    )
    assert recorder.losses == expected.losses[3 * epoch :]
    for (name, one), two in zip(
        model.state_dict().items(), resumed.state_dict().values()
    ):
        assert torch.equal(one, two), name


def test_self_teacher_is_saved_outside_the_state_dict(whole):
    work_dir, _, model = whole
    for epoch in (3, 4):
        checkpoint = load_weights(str(work_dir / f'epoch_{epoch}.pth'))
        assert ('self_teacher' in checkpoint) == (epoch == 4)
        assert not any('self_teacher' in k for k in checkpoint['state_dict'])


def test_checkpoint_without_its_self_teacher_is_refused(whole, tmp_path):
    work_dir, _, _ = whole
    checkpoint = load_weights(str(work_dir / 'epoch_4.pth'))
    del checkpoint['self_teacher']
    torch.save(checkpoint, tmp_path / 'lost.pth')
    with pytest.raises(ValueError, match='has no "self_teacher"; resume from'):
        train(
            tmp_path,
            tmp_path / 'lost.pth',
            max_epochs=5,
            hooks=[ROUND],
            label_noise=NOISE,
        )
