"""Distributed and other training modes equal a single process."""

import json
import os
import stat

import pytest
import torch
from mmengine.config import Config

from clhoi_mm.models import load_weights
from tests.data_utils import REPO
from tests.tool_utils import (
    MINI,
    NO_WORKERS,
    TEST,
    TRAIN,
    make_world,
    options,
    read_losses,
    read_metrics,
    run_command,
    run_tool,
)

# Two epochs of two steps, the second one with interactions.
SHORT = (
    *NO_WORKERS,
    'default_hooks.logger.interval=1',
    'log_processor.window_size=1',
    'model.detector.feat_cache_size=0',
    'custom_hooks.DistillStageHook.context_epochs=1',
    'train_cfg.max_epochs=2',
    'train_cfg.val_begin=3',
    'default_hooks.checkpoint.max_keep_ckpts=-1',
    'model.label_noise.warmup=0',
)
BATCH = 8


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """Make a folder with the mini world and its detector."""
    return make_world(tmp_path_factory.mktemp('world'), 16, 2, 7)


def train(world, name, *args, config=MINI, processes=1, more=()):
    """Train with a number of processes; return the folder."""
    launcher = ('--launcher', 'pytorch') if processes > 1 else ()
    run_tool(
        TRAIN,
        config,
        '--work-dir',
        name,
        *launcher,
        *args,
        *options(
            *SHORT, f'train_dataloader.batch_size={BATCH // processes}', *more
        ),
        cwd=world,
        processes=processes,
    ).check()
    return world / name


@pytest.fixture(scope='module')
def one_process(world):
    return train(world, 'one')


@pytest.fixture(scope='module')
def two_processes(world):
    return train(world, 'two', processes=2)


def state_of(work_dir, epoch=2):
    return load_weights(str(work_dir / f'epoch_{epoch}.pth'))['state_dict']


def norms_of(work_dir):
    return {
        step: row['grad_norm']
        for step, row in read_losses(work_dir, 'grad_norm').items()
    }


def test_two_processes_train_like_one(one_process, two_processes):
    """Gradients agree to 1e-3 of their norm."""
    expected = norms_of(one_process)
    assert list(expected) == [1, 2, 3, 4]
    assert norms_of(two_processes) == pytest.approx(expected, rel=1e-3)
    states = state_of(one_process), state_of(two_processes)
    for name, value in states[0].items():
        if name.startswith('label_noise.'):
            torch.testing.assert_close(
                states[1][name], value, rtol=1e-3, atol=1e-3, msg=name
            )
    assert states[0]['label_noise.iterations'] == 2
    # A batch's captions come in another order.
    queues = [state['context_loss.queue'].sort(0)[0] for state in states]
    torch.testing.assert_close(*queues)
    assert states[0]['context_loss.queue_filled'] == 32
    assert states[1]['context_loss.queue_filled'] == 32


@pytest.mark.slow
def test_two_processes_start_a_round_like_one(world, one_process):
    """Processes share the new ICN and have own self-teachers."""
    begun = ['custom_hooks.SelfDistillHook.epochs=[1]']
    runs = [
        train(world, f'round_{count}', processes=count, more=begun)
        for count in (1, 2)
    ]
    expected = norms_of(runs[0])
    assert norms_of(runs[1]) == pytest.approx(expected, rel=1e-3)
    # The round changed the weights.
    assert expected[3] != pytest.approx(norms_of(one_process)[3], rel=1e-2)
    elders = [
        load_weights(str(run / 'epoch_2.pth'))['self_teacher']['icn']
        for run in runs
    ]
    torch.testing.assert_close(*elders)


def test_two_processes_resume(world, two_processes):
    resumed = train(
        world,
        'resumed',
        '--resume',
        two_processes / 'epoch_1.pth',
        processes=2,
    )
    assert norms_of(resumed) == pytest.approx(
        {step: norms_of(two_processes)[step] for step in (3, 4)}, rel=1e-6
    )


def test_two_processes_test_like_one(world, two_processes):
    """Use an odd number of images, so one is repeated."""
    outcomes = []
    for processes in (1, 2):
        launcher = ('--launcher', 'pytorch') if processes > 1 else ()
        done = run_tool(
            TEST,
            MINI,
            two_processes / 'epoch_2.pth',
            '--eval',
            'mAP',
            'mAP_ko',
            '--out',
            f'found_{processes}.json',
            *launcher,
            *options(*NO_WORKERS, 'test_dataloader.batch_size=1'),
            cwd=world,
            processes=processes,
        ).check()
        found = json.loads((world / f'found_{processes}.json').read_text())
        outcomes.append(
            (read_metrics(done.text), sorted(found, key=lambda x: x['key']))
        )
    assert outcomes[0][0]['mAP'] >= 0 and len(outcomes[0][1]) == 7
    assert outcomes[0] == outcomes[1]


def test_half_precision_without_a_gpu(world, one_process):
    amp = train(world, 'amp', '--amp')
    expected, got = read_losses(one_process), read_losses(amp)
    assert list(got) == list(expected)
    for step, losses in expected.items():
        assert got[step] == pytest.approx(losses, rel=0.1, abs=0.02), step
    assert got[1] != expected[1]
    assert all(
        value.dtype == torch.float32
        for value in state_of(amp).values()
        if value.is_floating_point()
    )


def test_averaged_weights_and_accumulated_gradients(world):
    """Use mmengine's hook and option, and resume the run."""
    config = world / 'averaged.py'
    config.write_text(
        f'_base_ = [{str(MINI)!r}]\n'
        "custom_hooks = [dict(type='DistillStageHook', context_epochs=1),\n"
        "    dict(type='EpochSeedHook'), dict(type='JsonConfigHook'),\n"
        "    dict(type='EMAHook', momentum=0.5)]\n"
    )
    more = ('optim_wrapper.accumulative_counts=2',)
    whole = train(world, 'averaged', config=config, more=more)
    train(
        world,
        'averaged_on',
        '--resume',
        whole / 'epoch_1.pth',
        config=config,
        more=more,
    )
    first, second = (
        load_weights(str(world / name / 'epoch_2.pth'))
        for name in ('averaged', 'averaged_on')
    )
    # One optimizer step for two batches.
    steps = {
        int(state['step']) for state in first['optimizer']['state'].values()
    }
    assert steps == {1, 2}
    name = 'vlt.token_to_text.weight'
    own = first['ema_state_dict'][f'module.{name}']
    assert not torch.equal(first['state_dict'][name], own)
    for part in ('state_dict', 'ema_state_dict'):
        torch.testing.assert_close(first[part], second[part])


@pytest.mark.slow
def test_dist_train_sh(world):
    run_command(
        'env',
        f'MASTER_PORT={20000 + os.getpid() % 20000}',
        REPO / 'tools/dist_train.sh',
        MINI,
        2,
        '--work-dir',
        'dist',
        '--auto-scale-lr',
        *options(
            *SHORT,
            'train_dataloader.batch_size=4',
            'custom_hooks.DistillStageHook.context_epochs=0',
            'train_cfg.max_epochs=1',
        ),
        cwd=world,
    ).check()
    losses = read_losses(world / 'dist')
    assert list(losses) == [1, 2]
    assert losses[1]['loss_mil'] > 0
    cfg = Config.fromfile(MINI)
    rate = cfg.optim_wrapper.optimizer.lr * cfg.param_scheduler[0].start_factor
    assert losses[1]['lr'] == pytest.approx(
        rate * 2 * 4 / cfg.auto_scale_lr.base_batch_size
    )


@pytest.mark.slow
def test_dist_test_sh(world, two_processes):
    done = run_command(
        'env',
        f'MASTER_PORT={20000 + (os.getpid() + 1) % 20000}',
        REPO / 'tools/dist_test.sh',
        MINI,
        two_processes / 'epoch_2.pth',
        2,
        '--eval',
        'mAP',
        *options(*NO_WORKERS),
        cwd=world,
    ).check()
    alone = run_tool(
        TEST,
        MINI,
        two_processes / 'epoch_2.pth',
        '--eval',
        'mAP',
        *options(*NO_WORKERS),
        cwd=world,
    ).check()
    assert read_metrics(done.text) == pytest.approx(
        read_metrics(alone.text), abs=0.02
    )


@pytest.mark.parametrize(
    'tool, args',
    [('train', ('configs/a.py',)), ('test', ('configs/a.py', 'b.pth'))],
)
def test_slurm(tmp_path, tool, args):
    """Check srun's arguments with a fake srun."""
    srun = tmp_path / 'srun'
    srun.write_text('#!/usr/bin/env bash\nprintf "%s\\n" "$@"\n')
    srun.chmod(srun.stat().st_mode | stat.S_IXUSR)
    done = run_command(
        'env',
        f'PATH={tmp_path}:{os.environ["PATH"]}',
        'GPUS=16',
        'SRUN_ARGS=--quotatype=spot --exclusive',
        REPO / f'tools/slurm_{tool}.sh',
        'gpus',
        'clhoi',
        *args,
        '--cfg-options',
        'a.b=c d',
        cwd=tmp_path,
    ).check()
    assert done.text.splitlines() == [
        '-p',
        'gpus',
        '--job-name=clhoi',
        '--gres=gpu:8',
        '--ntasks=16',
        '--ntasks-per-node=8',
        '--cpus-per-task=5',
        '--kill-on-bad-exit=1',
        '--quotatype=spot',
        '--exclusive',
        'python',
        '-u',
        str(REPO / f'tools/{tool}.py'),
        *args,
        '--launcher',
        'slurm',
        '--cfg-options',
        'a.b=c d',
    ]
    usage = run_command(
        REPO / f'tools/slurm_{tool}.sh', 'gpus', 'clhoi', cwd=tmp_path
    )
    assert usage.code == 2
    assert usage.text.startswith(f'Usage: tools/slurm_{tool}.sh PARTITION')
