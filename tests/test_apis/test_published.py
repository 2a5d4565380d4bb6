"""publish_model.py, and the use of published files."""

import hashlib
import json
import shutil

import pytest
import torch

from clhoi_mm.apis import HOIInferencer
from clhoi_mm.models import load_weights
from tests.data_utils import REPO
from tests.tool_utils import (
    MINI,
    NO_WORKERS,
    TEST,
    TRAIN,
    assert_in,
    options,
    read_metrics,
    run_tool,
)

PUBLISH = REPO / 'tools/model_converters/publish_model.py'
DETECTOR = REPO / 'checkpoints/mini_detector.pth'


@pytest.fixture(scope='module')
def trained(world):
    """Write a checkpoint with everything that training saves."""
    checkpoint = load_weights(str(world / 'model.pth'))
    state = checkpoint['state_dict']
    checkpoint.update(
        optimizer=dict(state={0: dict(exp_avg=torch.zeros(1000))}),
        param_schedulers=[dict(last_step=3)],
        message_hub={},
        ema_state_dict={f'module.{k}': v for k, v in state.items()},
    )
    torch.save(checkpoint, world / 'epoch_3.pth')
    return world / 'epoch_3.pth'


def publish(world, trained, name, *args):
    """Publish a checkpoint; return the file and the printed output."""
    done = run_tool(
        PUBLISH, trained, f'{name}/clhoi.pth', *args, cwd=world
    ).check()
    [path] = (world / name).iterdir()
    return path, done.text


@pytest.fixture(scope='module')
def stripped(world, trained):
    path, text = publish(world, trained, 'stripped', '--strip-detector')
    assert 'model.detector.checkpoint' in text and 'RTMDet' in text
    assert 'checkpoints/mini_detector.pth' in text
    return path


def test_weights_and_config_are_kept(world, trained):
    path, text = publish(world, trained, 'whole')
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name == f'clhoi-{digest[:8]}.pth'
    for part in (str(path.relative_to(world)), 'optimizer', 'message_hub'):
        assert part in text
    before, after = (load_weights(str(p)) for p in (trained, path))
    assert set(after) == {'meta', 'state_dict'}
    assert after['meta'] == before['meta']
    torch.testing.assert_close(
        after['state_dict'], before['state_dict'], rtol=0, atol=0
    )
    assert publish(world, trained, 'again')[0].name == path.name


def test_stripped_checkpoint_has_the_same_metrics(world, trained, stripped):
    assert stripped.stat().st_size < 0.8 * (
        next((world / 'whole').iterdir()).stat().st_size
    )
    assert not [
        name
        for name in load_weights(str(stripped))['state_dict']
        if name.startswith('detector.model.')
    ]
    outcomes = []
    for path in (trained, stripped):
        done = run_tool(
            TEST,
            MINI,
            path,
            '--eval',
            'mAP',
            '--out',
            'found.json',
            *options(*NO_WORKERS),
            cwd=world,
        ).check()
        assert 'missing keys' not in done.text
        assert 'unexpected key' not in done.text
        outcomes.append(
            (
                read_metrics(done.text),
                json.loads((world / 'found.json').read_text()),
            )
        )
    assert outcomes[0][0] and outcomes[0] == outcomes[1]


def test_stripped_checkpoint_has_the_same_predictions(
    trained, stripped, images
):
    given = {'model.detector.checkpoint': str(DETECTOR)}
    whole, without = (
        HOIInferencer(
            weights=path, device='cpu', cfg_options=given, show_progress=False
        )(str(images[0]))['predictions'][0]
        for path in (trained, stripped)
    )
    assert len(whole['hois']['scores']) > 10
    assert whole == without


@pytest.mark.parametrize('given', ['nowhere.pth', None])
def test_missing_detector(stripped, given):
    with pytest.raises(FileNotFoundError) as error:
        HOIInferencer(
            weights=stripped,
            device='cpu',
            cfg_options={'model.detector.checkpoint': given},
        )
    for part in (
        'published without',
        given or 'none is given',
        'RTMDet',
        '--cfg-options model.detector.checkpoint=PATH',
    ):
        assert part in str(error.value)


def test_other_detector(world, stripped):
    other = load_weights(str(DETECTOR))
    next(iter(other['state_dict'].values())).mul_(1.01)
    torch.save(other, world / 'other.pth')
    done = run_tool(
        TEST,
        MINI,
        stripped,
        *options(*NO_WORKERS, 'model.detector.checkpoint=other.pth'),
        cwd=world,
    )
    assert done.code != 0
    assert_in(done.text, 'published without', 'other.pth holds others')


def test_published_checkpoint_cannot_be_resumed(world, stripped):
    done = run_tool(
        TRAIN,
        MINI,
        '--resume',
        stripped,
        '--work-dir',
        'resumed',
        *options(*NO_WORKERS),
        cwd=world,
    )
    assert done.code != 0
    assert_in(done.text, stripped.name, 'no optimizer state', 'load_from=')


@pytest.mark.parametrize(
    'source, parts',
    [
        ('nowhere.pth', ('nowhere.pth',)),
        ('stripped', ('no weights of a detector', 'published')),
        ('joint.pth', ('trained along', 'whole')),
    ],
)
def test_bad_input_writes_nothing(world, trained, stripped, source, parts):
    if source == 'stripped':
        source = stripped
    elif source == 'joint.pth':
        checkpoint = load_weights(str(trained))
        config = json.loads(checkpoint['meta']['cfg'])
        config['model']['detector']['type'] = 'JointDetector'
        checkpoint['meta']['cfg'] = json.dumps(config)
        torch.save(checkpoint, world / source)
    done = run_tool(
        PUBLISH, source, 'bad/clhoi.pth', '--strip-detector', cwd=world
    )
    assert done.code != 0 and 'Traceback' not in done.text
    assert_in(done.text, *parts)
    assert not (world / 'bad').exists() or not list((world / 'bad').iterdir())
    shutil.rmtree(world / 'bad', ignore_errors=True)
