"""Small trainings with the runner, uninterrupted and resumed."""

import json
import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import Dataset

from clhoi_mm.engine import EpochSeedHook, HOIRunner
from clhoi_mm.models import load_weights
from clhoi_mm.registry import HOOKS, RUNNERS
from tests.test_models.utils import (
    BIKE,
    DOG,
    FEED,
    HOLD_DOG,
    RIDE,
    SIZE,
    build,
    make_sample,
    model_cfg,
)

WORDS = (
    ((RIDE, BIKE, 0.9),),
    ((HOLD_DOG, DOG, 0.8), (RIDE, BIKE, 0.5)),
    ((FEED, DOG, 0.7),),
    ((-1, BIKE, 0.6),),
    (),
)


class Scenes(Dataset):
    """Five images whose "augmentation" depends on epoch and index."""

    metainfo = dict(classes=('person', 'bicycle'))

    def __init__(self):
        self.epoch = -1

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __len__(self):
        return len(WORDS)

    def __getitem__(self, index):
        seed = np.random.SeedSequence([self.epoch + 1, index])
        rng = np.random.default_rng(seed)
        image = rng.integers(0, 255, (3, *SIZE), dtype=np.uint8)
        return dict(
            inputs=torch.from_numpy(image),
            data_samples=make_sample(pseudo_labels=WORDS[index], img_id=index),
        )


class Recorder(Hook):
    """Hook that records each iteration's losses and the stage."""

    def __init__(self):
        self.losses, self.stages, self.drawn = [], [], []

    def after_train_iter(
        self, runner, batch_idx, data_batch=None, outputs=None
    ):
        self.losses.append({k: v.item() for k, v in outputs.items()})
        self.stages.append(runner.model.stage)
        self.drawn.append(torch.rand(()).item())


def train(
    work_dir, resume=None, seed=0, max_epochs=4, hooks=(), **model_options
):
    """Train two epochs per stage; return records and model."""
    recorder = Recorder()
    runner = HOIRunner(
        model=build(model_cfg(**model_options), seed),
        work_dir=str(work_dir),
        train_dataloader=dict(
            batch_size=2,
            num_workers=0,
            sampler=dict(type='DefaultSampler', shuffle=True),
            dataset=Scenes(),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=max_epochs),
        optim_wrapper=dict(
            type='OptimWrapper',
            optimizer=dict(type='AdamW', lr=3e-3, weight_decay=0.01),
            clip_grad=dict(max_norm=1.0),
            paramwise_cfg=dict(
                norm_decay_mult=0.0, custom_keys={'vlt': dict(lr_mult=1.0)}
            ),
        ),
        param_scheduler=[
            dict(type='LinearLR', start_factor=0.1, by_epoch=False, end=4),
            dict(type='CosineAnnealingLR', by_epoch=True, T_max=4),
        ],
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', interval=1),
            logger=dict(type='LoggerHook', interval=2),
        ),
        custom_hooks=[
            dict(type='DistillStageHook', context_epochs=2),
            dict(type='EpochSeedHook'),
            dict(type='JsonConfigHook'),
            *hooks,
            recorder,
        ],
        randomness=dict(seed=0),
        default_scope='clhoi_mm',
        load_from=None if resume is None else str(resume),
        resume=resume is not None,
        log_level='ERROR',
        experiment_name=f'{work_dir}-{resume}-{seed}',
        cfg=Config(dict(answer=42, shape=(1, 2))),
    )
    return recorder, runner.train()


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """Train without interruption and with a checkpoint per epoch."""
    work_dir = tmp_path_factory.mktemp('whole')
    return work_dir, *train(work_dir)


def test_registered():
    assert RUNNERS.get('HOIRunner') is HOIRunner
    assert RUNNERS.get('clhoi_mm.engine.HOIRunner') is HOIRunner
    assert HOOKS.get('EpochSeedHook') is EpochSeedHook


def test_uninterrupted(whole):
    _, recorder, _ = whole
    assert recorder.stages == [1] * 6 + [2] * 6
    assert all(
        np.isfinite(list(row.values())).all() for row in recorder.losses
    )
    assert 'loss_mil' not in recorder.losses[5]
    assert 'loss_mil' in recorder.losses[6]
    # Each epoch has its own random numbers.
    assert len(set(recorder.drawn)) == len(recorder.drawn)


@pytest.mark.parametrize('epoch', [1, 2, 3])
def test_resumed_training_equals_the_uninterrupted(whole, epoch, tmp_path):
    """Resume in stage one, at the switch, in stage two."""
    work_dir, expected, model = whole
    # Initial weights that the checkpoint must replace.
    recorder, resumed = train(
        tmp_path, work_dir / f'epoch_{epoch}.pth', seed=7
    )
    assert recorder.losses == expected.losses[3 * epoch :]
    assert recorder.stages == expected.stages[3 * epoch :]
    assert recorder.drawn == expected.drawn[3 * epoch :]
    for (name, one), two in zip(
        model.state_dict().items(), resumed.state_dict().values()
    ):
        assert torch.equal(one, two), name
    final = load_weights(str(tmp_path / 'epoch_4.pth'))
    first = load_weights(str(work_dir / 'epoch_4.pth'))
    for key, state in first['optimizer']['state'].items():
        for name, value in state.items():
            assert torch.equal(value, final['optimizer']['state'][key][name])


def test_checkpoint_holds_the_config_as_json(whole):
    checkpoint = load_weights(str(whole[0] / 'epoch_4.pth'))
    assert json.loads(checkpoint['meta']['cfg']) == dict(
        answer=42, shape=[1, 2]
    )
    keys = checkpoint['state_dict'].keys()
    assert 'context_loss.queue' in keys and 'detector.label_map' in keys
    rates = {g['lr'] for g in checkpoint['optimizer']['param_groups']}
    assert 0.0 not in rates


class Malicious:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_resume_runs_no_code(whole, tmp_path):
    """Pickled code and old-format configs are not executed."""
    work_dir, _, _ = whole
    checkpoint = load_weights(str(work_dir / 'epoch_3.pth'))
    marker = tmp_path / 'was_here'
    checkpoint['meta']['config'] = f'import os\nos.mkdir({str(marker)!r})\n'
    torch.save(checkpoint, tmp_path / 'old.pth')
    recorder, _ = train(tmp_path / 'a', tmp_path / 'old.pth')
    assert len(recorder.losses) == 3
    assert not marker.exists()
    checkpoint['meta']['config'] = Malicious(marker)
    torch.save(checkpoint, tmp_path / 'evil.pth')
    with pytest.raises(ValueError, match='evil.pth.*loaded safely'):
        train(tmp_path / 'b', tmp_path / 'evil.pth')
    assert not marker.exists()


def test_load_checkpoint_revises_keys(whole, tmp_path):
    """A wrapped model's checkpoint has the same keys after loading."""
    work_dir, _, model = whole
    state = {f'module.{k}': v for k, v in model.state_dict().items()}
    torch.save(dict(state_dict=state), tmp_path / 'wrapped.pth')
    runner = HOIRunner(
        model=build(model_cfg(), seed=3),
        work_dir=str(tmp_path),
        default_scope='clhoi_mm',
        log_level='ERROR',
        experiment_name=str(tmp_path),
    )
    runner.load_checkpoint(str(tmp_path / 'wrapped.pth'))
    for (name, one), two in zip(
        model.state_dict().items(), runner.model.state_dict().values()
    ):
        assert torch.equal(one, two), name
    with pytest.raises(FileNotFoundError):
        runner.load_checkpoint(str(tmp_path / 'nothing.pth'))


@pytest.mark.parametrize(
    'supervision, kept',
    [('vllm', True), ('image', False), ('instance', False)],
)
@pytest.mark.parametrize('wrapped', [False, True])
@pytest.mark.parametrize('scope', ['', 'clhoi_mm.'])
def test_annotations_need_no_cache(
    monkeypatch, supervision, kept, wrapped, scope
):
    """Only the config's supervision key changes."""
    loaders = ['LoadImage', scope + 'LoadTeacherKnowledge', 'Pack']
    dataset = dict(type='HOIDataset', pipeline=[dict(type=t) for t in loaders])
    if wrapped:
        dataset = dict(type='RepeatDataset', times=2, dataset=dataset)
    cfg = Config(
        dict(
            model=dict(teacher_head=dict(supervision=supervision)),
            train_dataloader=dict(dataset=dataset),
        )
    )
    monkeypatch.setattr(Runner, 'from_cfg', classmethod(lambda cls, cfg: cfg))
    dataset = HOIRunner.from_cfg(cfg).train_dataloader.dataset
    steps = (dataset.dataset if wrapped else dataset).pipeline
    assert [s.type for s in steps] == [
        t for t in loaders if kept or t in ('LoadImage', 'Pack')
    ]


@pytest.mark.parametrize('depth', [0, 1, 2])
def test_epoch_reaches_the_dataset_through_its_wrappers(depth):
    scenes = dataset = Scenes()
    for _ in range(depth):
        dataset = SimpleNamespace(dataset=dataset)
    runner = SimpleNamespace(
        train_dataloader=SimpleNamespace(dataset=dataset), seed=5, epoch=3
    )
    hook, drawn = EpochSeedHook(), []
    for runner.epoch in (3, 4, 3):
        hook.before_train_epoch(runner)
        assert scenes.epoch == runner.epoch
        drawn.append(torch.rand(()).item())
    assert drawn[0] == drawn[2] != drawn[1]
    runner.seed = 6
    hook.before_train_epoch(runner)
    assert torch.rand(()).item() != drawn[0]


def test_epoch_seed_without_set_epoch():
    loader = SimpleNamespace(dataset=[1, 2])
    EpochSeedHook().before_train_epoch(
        SimpleNamespace(train_dataloader=loader, seed=0, epoch=0)
    )
