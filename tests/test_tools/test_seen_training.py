"""Training outputs: losses, TensorBoard, pictures."""

from importlib.util import find_spec

import cv2
import pytest

from tests.tool_utils import (
    MINI,
    NO_WORKERS,
    TRAIN,
    make_world,
    options,
    read_losses,
    run_tool,
)

BACKENDS = ('LocalVisBackend', 'TensorboardVisBackend')


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Train an epoch of each stage with docs/training_logs.md's options."""
    world = make_world(tmp_path_factory.mktemp('seen'), 8, 2, 1)
    backends = BACKENDS[: 2 if find_spec('tensorboard') else 1]
    config = world / 'seen.py'
    config.write_text(
        f'_base_ = {str(MINI)!r}\n'
        f'visualizer = dict(vis_backends={[dict(type=b) for b in backends]})'
    )
    run_tool(
        TRAIN,
        config,
        '--work-dir',
        'out',
        *options(
            *NO_WORKERS,
            'train_dataloader.batch_size=4',
            'custom_hooks.DistillStageHook.context_epochs=1',
            'train_cfg.max_epochs=2',
            'train_cfg.val_begin=2',
            'train_cfg.val_interval=1',
            'default_hooks.logger.interval=1',
            'log_processor.window_size=1',
            'default_hooks.visualization.draw=True',
            'default_hooks.visualization.interval=1',
            'default_hooks.visualization.score_thr=0.',
        ),
        cwd=world,
    ).check()
    return world / 'out'


def test_each_stage_logs_its_losses(trained):
    losses = read_losses(trained)
    assert list(losses) == [1, 2, 3, 4]
    context = {'loss', 'lr', 'loss_context', 'loss_sentence'}
    for step in (1, 2):
        assert set(losses[step]) == context
    for step in (3, 4):
        assert set(losses[step]) > {*context, 'loss_mil'}
    log = next(trained.glob('*/*.log')).read_text()
    for part in (
        'Stage 1: context distillation',
        'Stage 2: interaction distillation',
        'loss_sentence: ',
    ):
        assert part in log


def test_visualization_option_draws_validation_images(trained):
    pictures = sorted(trained.glob('*/vis_data/vis_image/val_*.png'))
    assert len(pictures) == 2
    for path in pictures:
        # Ground truth beside prediction, enlarged.
        height, width, _ = cv2.imread(str(path)).shape
        assert width > 2 * 720 and height > 160


def test_tensorboard_has_losses_metrics_and_pictures(trained):
    event_accumulator = pytest.importorskip(
        'tensorboard.backend.event_processing.event_accumulator'
    )
    events = next(trained.glob('*/vis_data/events.out.tfevents.*'))
    log = event_accumulator.EventAccumulator(str(events))
    log.Reload()
    losses = read_losses(trained)
    written = {
        event.step: event.value for event in log.Scalars('loss_context')
    }
    assert written == pytest.approx(
        {step: row['loss_context'] for step, row in losses.items()}, rel=1e-5
    )
    assert [event.step for event in log.Scalars('hico_det/mAP')] == [2]
    assert len(log.Tags()['images']) == 2
