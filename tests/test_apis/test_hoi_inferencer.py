"""HOIInferencer equals tools/test.py, and its further options."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from clhoi_mm.apis import HOIInferencer
from tests.data_utils import REPO
from tests.film import write_film
from tests.tool_utils import (
    MINI,
    NO_WORKERS,
    TEST,
    assert_in,
    options,
    run_command,
    run_tool,
)

INFER = REPO / 'tools' / 'infer.py'


@pytest.fixture(scope='module')
def inferencer(world):
    return HOIInferencer(
        weights=world / 'model.pth', device='cpu', show_progress=False
    )


@pytest.fixture
def broken(tmp_path, images):
    """Write two images and a truncated one between them."""
    folder = tmp_path / 'mine'
    folder.mkdir()
    for name, source in (('a.png', images[0]), ('c.png', images[1])):
        (folder / name).write_bytes(source.read_bytes())
    (folder / 'b.png').write_bytes(images[0].read_bytes()[:60])
    return folder


def hois(found):
    return [result['hois'] for result in found['predictions']]


def test_predictions_equal_the_test_tools(world, images, inferencer):
    run_tool(
        TEST,
        MINI,
        'model.pth',
        '--out',
        'found.json',
        *options(*NO_WORKERS, 'test_dataloader.batch_size=4'),
        cwd=world,
    ).check()
    expected = {
        result['key'].split('/')[-1]: result['hois']
        for result in json.loads((world / 'found.json').read_text())
    }
    assert len(expected) == 6
    assert sum(len(e['scores']) for e in expected.values()) > 20
    found = inferencer(images, batch_size=4)
    for image, result in zip(images, found['predictions']):
        texts, verbs, objects = (
            result['hois'].pop(name) for name in ('texts', 'verbs', 'objects')
        )
        assert result['hois'] == expected[image.name]
        assert texts == [
            f'{v} {o}'.replace('_', ' ') for v, o in zip(verbs, objects)
        ]
        assert (result['img_path'], result['width'], result['height']) == (
            str(image),
            224,
            160,
        )


def test_init_from_config_name_or_checkpoint(world, images, inferencer):
    expected = hois(inferencer(images[0]))
    configs = {path.stem for path in (REPO / 'configs').glob('*.py')}
    assert set(HOIInferencer.list_models()) == configs
    for model in (str(MINI), 'CLHOI_r18_mini', Config.fromfile(MINI)):
        other = HOIInferencer(
            model, world / 'model.pth', device='cpu', show_progress=False
        )
        assert hois(other(images[0])) == expected
    few = HOIInferencer(
        weights=world / 'model.pth',
        device='cpu',
        show_progress=False,
        cfg_options={'model.max_per_img': 3},
    )
    assert len(hois(few(images[0]))[0]['scores']) == 3


def test_arrays_videos_and_batches(images, video, inferencer):
    pixels = cv2.imread(str(images[0]))
    expected = hois(inferencer(str(images[0])))
    assert hois(inferencer(pixels)) == expected
    found = inferencer([pixels, video], batch_size=4, track=False)[
        'predictions'
    ]
    assert [f.get('frame') for f in found] == [None, 0, 1, 2, 3, 4]
    assert found[2]['time'] == pytest.approx(0.1)
    np.testing.assert_allclose(
        found[0]['hois']['scores'], expected[0]['scores'], atol=1e-5
    )


def test_partial_outputs(images, inferencer):
    (whole,) = hois(inferencer(images[0]))
    least = whole['scores'][5]
    (some,) = hois(inferencer(images[0], score_thr=least))
    assert some['scores'] == [s for s in whole['scores'] if s >= least]
    (best,) = hois(inferencer(images[0], top_k=4))
    assert best == {key: column[:4] for key, column in whole.items()}
    name = whole['objects'][3]
    kept = [o == name for o in whole['objects']]
    (filtered,) = hois(inferencer(images[0], classes=[name]))
    assert filtered['texts'] == [
        t for t, keep in zip(whole['texts'], kept) if keep
    ]
    (sample,) = inferencer(images[0], top_k=4, return_datasamples=True)[
        'predictions'
    ]
    assert sample.pred_hois.scores.tolist() == best['scores']
    with pytest.raises(ValueError, match='unicorn'):
        inferencer(images[0], classes=['unicorn'])


def test_attention_is_drawn_and_returned(images, inferencer):
    plain = inferencer(images[:2], batch_size=2)
    found = inferencer(
        images[:2],
        batch_size=2,
        attention=2,
        top_k=9,
        pred_score_thr=0.0,
        return_vis=True,
    )
    for one, other in zip(plain['predictions'], found['predictions']):
        assert 'attention' not in other['hois']
        assert one['hois']['scores'][:9] == other['hois']['scores']
    # The prediction and two pairs side by side.
    assert found['visualization'][0].shape[1] > 3 * 720
    (sample,) = inferencer(images[0], attention=1, return_datasamples=True)[
        'predictions'
    ]
    maps = sample.pred_hois.attention
    assert len(maps) == len(sample.pred_hois) and maps.shape[1:] == (34, 48)


def test_phrases_replace_the_classes(images, inferencer):
    (whole,) = hois(inferencer(images[0]))
    known = sorted(set(whole['texts']))[:3]
    (found,) = hois(inferencer(images[0], vocabulary=known))
    kept = [i for i, text in enumerate(whole['texts']) if text in known]
    assert found['texts'] == [whole['texts'][i] for i in kept]
    # Matrices of another width are rounded differently.
    np.testing.assert_allclose(
        found['scores'], [whole['scores'][i] for i in kept], atol=1e-6
    )

    phrases = [f'a man painting the {whole["objects"][0]}']
    (found,) = hois(inferencer(images[0], vocabulary=phrases))
    assert found['scores'] and set(found['texts']) == set(phrases)
    assert set(found['verbs']) == {'paint'}
    # The model is unchanged.
    assert hois(inferencer(images[0])) == [whole]
    with pytest.raises(ValueError, match='ride unicorn'):
        inferencer(images[0], vocabulary=['ride unicorn'])


def test_phrases_from_two_threads(images, inferencer):
    """A call does not modify the model."""
    (whole,) = hois(inferencer(images[0]))
    thing = whole['objects'][0]
    options = [{}, dict(vocabulary=[f'paint {thing}']), *(
        dict(vocabulary=[text]) for text in sorted(set(whole['texts']))[:2]
    )]  # fmt: skip

    def predict(number):
        return hois(inferencer(images[0], **options[number % len(options)]))

    expected = [predict(number) for number in range(len(options))]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(predict, range(16)))
    assert found == expected * 4


def test_phrases_need_the_training_text_encoder(
    images, inferencer, monkeypatch
):
    table = inferencer.classifier
    monkeypatch.setattr(
        table, 'hoi_phrases', table.hoi_phrases.flip(0).contiguous()
    )
    with pytest.raises(ValueError, match='is not the text encoder'):
        inferencer(images[0], vocabulary=['melt cup'])


def test_pictures_and_files(tmp_path, broken, inferencer):
    out = tmp_path / 'out'
    found = inferencer(
        broken, out_dir=out, return_vis=True, top_k=5, pred_score_thr=0.0
    )
    assert [f['img_path'] for f in found['failed']] == [str(broken / 'b.png')]
    assert 'no image can be decoded from it' in found['failed'][0]['error']
    assert [f['img_path'] for f in found['predictions']] == [
        str(broken / name) for name in ('a.png', 'c.png')
    ]
    assert sorted(
        path.relative_to(out).as_posix() for path in out.rglob('*.*')
    ) == ['preds/a.json', 'preds/c.json', 'vis/a.jpg', 'vis/c.jpg']
    assert (
        json.loads((out / 'preds/a.json').read_text())
        == found['predictions'][0]
    )
    drawn = cv2.imread(str(out / 'vis/a.jpg'))
    assert drawn.shape == found['visualization'][0].shape
    plain = inferencer(
        broken, return_vis=True, classes=['buy'], pred_score_thr=1.0
    )['visualization'][0]
    assert plain.shape[1] == drawn.shape[1]
    assert not np.array_equal(plain, found['visualization'][0])
    inferencer(broken, out_dir=tmp_path / 'less', no_save_vis=True)
    assert not (tmp_path / 'less/vis').exists()
    inferencer(broken, out_dir=tmp_path / 'none', no_save_pred=True)
    assert not (tmp_path / 'none/preds').exists()


def test_broken_images_are_skipped_or_raise(broken, inferencer):
    with pytest.raises(ValueError, match='b.png: no image can be decoded'):
        inferencer(broken, bad_images='error')
    with pytest.raises(ValueError, match='b.png: no image can be decoded'):
        inferencer(broken / 'b.png')
    with pytest.raises(ValueError, match='bad_images'):
        inferencer(broken, bad_images='ignore')
    with pytest.raises(ValueError, match='batch_size=0'):
        inferencer(broken, batch_size=0)


@pytest.mark.parametrize(
    'cfg, part',
    [
        (None, 'holds no config; give model=CONFIG'),
        ('model = dict()\n', 'Python source, which is not run'),
        (
            dict(model=dict(type='subprocess.Popen', args=['true'])),
            'names subprocess.Popen',
        ),
        (
            dict(model=dict(type='mmengine.fileio.load', file='x.pkl')),
            'names mmengine.fileio.load',
        ),
        (
            dict(model={}, visualizer=dict(type='subprocess.Popen')),
            'names subprocess.Popen',
        ),
        (dict(model=dict(type='antigravity')), 'names antigravity'),
        (dict(model=dict(type='ResNet', _scope_='tests')), 'names tests'),
        (dict(data=3), 'the config has no model'),
    ],
)
def test_untrusted_configs(cfg, part, tmp_path):
    path = tmp_path / 'model.pth'
    if isinstance(cfg, dict):
        cfg = json.dumps(cfg)
    meta = {} if cfg is None else dict(cfg=cfg)
    torch.save(dict(state_dict={}, meta=meta), path)
    with pytest.raises(ValueError, match=part):
        HOIInferencer(weights=path)


def test_missing_or_mismatched_weights(tmp_path, world):
    with pytest.raises(ValueError, match='no weights are given'):
        HOIInferencer('clhoi_r18_mini')
    with pytest.raises(FileNotFoundError, match='no such checkpoint'):
        HOIInferencer(weights='nowhere.pth')
    with pytest.raises(FileNotFoundError, match='there are .*clhoi_r18_mini'):
        HOIInferencer('clhoi_r99', world / 'model.pth')
    state = torch.load(world / 'model.pth', weights_only=True)
    del state['state_dict']['icn.to_verb.weight']
    torch.save(state, tmp_path / 'part.pth')
    with pytest.raises(ValueError, match='icn.to_verb.weight for one'):
        HOIInferencer(weights=tmp_path / 'part.pth')


@pytest.mark.slow
def test_tool(world, broken, video):
    out = broken.parent / 'found'
    photo = broken.parent / 'IMG_1.HEIC'
    photo.write_bytes(b'\0\0\0\x18ftypheic')
    done = run_command(
        'python',
        INFER,
        broken,
        photo,
        video,
        '--weights',
        'model.pth',
        '--out-dir',
        out,
        '--device',
        'cpu',
        '--batch-size',
        '2',
        '--pred-score-thr',
        '0.01',
        '--frame-step',
        '2',
        '--no-track',
        '--attention',
        '1',
        '--vocabulary',
        'ride horse',
        'a person painting the horse',
        'kick ball',
        cwd=world,
    )
    assert '5 images, ' in done.text and f'in {out}' in done.text
    assert done.code == 1
    assert '2 images or videos could not be read' in done.text
    assert '7/7' in done.text and 'b.png: no image can be' in done.text
    assert 'IMG_1.HEIC' in done.text and 'convert it to JPEG' in done.text
    assert sorted(
        path.relative_to(out / 'preds').as_posix()
        for path in out.rglob('*.json')
    ) == [
        'a.json',
        'c.json',
        'clip/000000.json',
        'clip/000002.json',
        'clip/000004.json',
    ]
    assert len(list((out / 'vis').rglob('*.jpg'))) == 5


def test_tool_reports_bad_input(world, broken):
    strip = write_film(
        broken.parent / 'strip.avi',
        [np.zeros((2, 2048, 3), np.uint8)] * 12,
        10.0,
        'MJPG',
    )
    for inputs, extra, part in (
        ('nowhere.png', (), 'nowhere.png: no such image'),
        (broken / 'b.png', (), '1 images or videos could not be read'),
        (strip, (), 'a strip in which there is nothing to find (12 times)'),
        (broken, ('--classes', 'fly'), "'fly' is no class"),
        (broken, ('--weights', 'no.pth'), 'no.pth: no such checkpoint'),
    ):
        done = run_tool(
            INFER,
            inputs,
            '--weights',
            'model.pth',
            '--device',
            'cpu',
            '--out-dir',
            'bad',
            *extra,
            cwd=world,
        )
        assert done.code == 1 and 'Traceback' not in done.text
        assert_in(done.text, part)


def infer(world, images, *extra):
    return run_tool(
        INFER, *images, '--weights', 'model.pth', '--device', 'cpu',
        '--out-dir', 'below', *extra, cwd=world)  # fmt: skip


def test_tool_reports_scores_below_the_threshold(world, images):
    done = infer(world, images, '--pred-score-thr', '0.999').check()
    assert_in(
        done.text, ' 0 interactions with a score of 0.999', 'show nothing'
    )
    (least,) = re.findall(r'--pred-score-thr ([\d.]+) would draw', done.text)
    done = infer(world, images, '--pred-score-thr', least).check()
    (found,) = re.findall(r'(\d+) interactions with a score', done.text)
    assert int(found) > 0
    # Nothing else is printed, such as hints about optional packages.
    assert 'OneDL' not in done.text


def test_calibrated_scores_are_drawn_above_one_half(world, images):
    """Draw all pairs at score 0.62, and none at 0.38."""
    for bias, shown in (('0.5', True), ('-0.5', False)):
        done = infer(
            world, images[:1], '--cfg-options',
            'model.calibration.type=PlattScaling',
            'model.calibration.scale=1e-6',
            f'model.calibration.bias={bias}',
        ).check()  # fmt: skip
        assert 'a score of 0.5 or more' in done.text
        assert (' 0 interactions' not in done.text) == shown
    done = infer(world, images[:1]).check()
    assert 'a score of 0.3 or more' in done.text


def test_model_trained_from_cached_features(world, images):
    """The test pipeline loads no image; an error explains it."""
    cfg = Config.fromfile(MINI)
    cfg.test_dataloader.dataset.pipeline[0] = dict(
        type='LoadDetectorFeatures', file='f.safetensors'
    )
    cfg.dump(str(world / 'from_features.py'))
    done = infer(world, images, '--model', 'from_features.py')
    assert done.code == 1 and 'Traceback' not in done.text
    assert_in(done.text, 'from_features.py', 'from a file', '--model CONFIG')
    infer(world, images, '--model', MINI).check()
