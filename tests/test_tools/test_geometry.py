"""Box-only experiments, from the split to the metrics."""

import json
import shutil
import zlib

import numpy as np
import pytest

from clhoi_mm.teacher import TeacherCache
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import REPO, make_annotations, make_scene
from tests.tool_utils import (
    TEST,
    TRAIN,
    assert_in,
    options,
    read_losses,
    read_metrics,
    run_tool,
)

TOOL = REPO / 'tools/dataset_converters/geometry.py'
CONFIGS = REPO / 'configs'
HICO = CONFIGS / 'hico_geometry/icn_hico_geometry.py'
V_COCO = CONFIGS / 'v_coco_geometry/icn_v_coco_geometry.py'
SPLITS = ('train', 'val', 'test')
SIZE = (200, 100)


def split_of(name):
    rest = zlib.crc32(name.encode()) % 100
    return SPLITS[(rest >= 60) + (rest >= 70)]


def ring(count):
    return [('person', (10 * i, 0, 10 * i + 8, 40)) for i in range(count)]


def scenes(verbs):
    """Build thirty pairs at one object, and unusable images."""
    rng = np.random.default_rng(0)
    made = []
    for i in range(30):
        x, y = rng.integers(0, 40, 2).tolist()
        boxes = [
            ('person', (x, y, x + 20, y + 50)),
            # The same person, annotated twice.
            ('person', (x, y, x + 21, y + 50)),
            ('bicycle', (x + 5, y + 20, x + 40, y + 55)),
            ('person', (120, y, 140, y + 40)),
        ]
        made.append(
            make_scene(f'a/{i:03d}.jpg', SIZE, boxes, [(0, 2, verbs[i % 2])])
        )
    ride = [(0, 15, verbs[0])]
    bike = [('bicycle', (0, 50, 50, 90))]
    return made + [
        make_scene('a/no_pair.jpg', SIZE, ring(2) + bike),
        make_scene('a/crowded.jpg', SIZE, ring(15) + bike, ride),
        make_scene('a/lonely.jpg', SIZE, ring(1), [(0, None, verbs[0])]),
        make_scene(
            'a/unseen.jpg', SIZE, ring(15)[:14] + bike * 2, invisible=ride
        ),
    ]


def write(folder, vocabulary, verbs, **kwargs):
    content = make_annotations(
        HOIVocabulary.load(vocabulary), scenes(verbs), **kwargs
    )
    (folder / 'source.json').write_text(json.dumps(content))
    return folder


def run(folder, *args):
    return run_tool(TOOL, *args, cwd=folder)


def teacher(folder, *args, out='teacher'):
    return run(
        folder,
        'teacher',
        'data/hico_geometry/annotations/train.json',
        '--out',
        out,
        *args,
    )


@pytest.fixture(scope='module')
def hico(tmp_path_factory):
    """Make a working folder: data/hico_geometry with its typical teacher."""
    folder = write(
        tmp_path_factory.mktemp('geometry'), 'hico_det', ('ride', 'hold')
    )
    done = run(folder, 'split', 'source.json', '--out', 'data/hico_geometry')
    (folder / 'split.txt').write_text(done.check().text)
    teacher(
        folder, '--preset', 'typical', out='data/hico_geometry/teacher/typical'
    ).check()
    return folder


def read(folder, split):
    path = folder / f'data/hico_geometry/annotations/{split}.json'
    return json.loads(path.read_text())


def test_split(hico):
    text = (hico / 'split.txt').read_text()
    source = json.loads((hico / 'source.json').read_text())
    for split in SPLITS:
        content = read(hico, split)
        expected = [
            f'a/{i:03d}.jpg'
            for i in range(30)
            if split_of(f'{i:03d}.jpg') == split
        ]
        assert [x['file_name'] for x in content['images']] == expected
        ids = {x['id'] for x in content['images']}
        for section in ('annotations', 'hois'):
            assert content[section] == [
                x for x in source[section] if x['image_id'] in ids
            ]
        for section in ('categories', 'verbs', 'hoi_categories'):
            assert content[section] == source[section]
        # The duplicate person is merged: two persons, each with two others.
        count = len(expected)
        assert (
            f'{split:6s}{count:6d} images {4 * count:7d} candidate pairs '
            f'{count:7d} annotated interactions'
        ) in text
    assert 'Traceback' not in text


def test_single_file(hico):
    done = run(hico, 'split', 'source.json', '--single', '--out', 'single')
    assert 'all       30 images' in done.check().text
    path = hico / 'single/annotations/all.json'
    found = [x['file_name'] for x in json.loads(path.read_text())['images']]
    assert found == sorted(
        x['file_name'] for split in SPLITS for x in read(hico, split)['images']
    )
    assert len(list(path.parent.iterdir())) == 1


def test_folds(hico):
    """Each non-test image is in exactly one validation fold."""
    rests = []
    for k in range(3):
        out = f'fold{k}'
        run(
            hico, 'split', 'source.json', '--out', out, '--fold', f'{k}/3'
        ).check()
        content = {
            split: json.loads(
                (hico / out / f'annotations/{split}.json').read_text()
            )
            for split in SPLITS
        }
        names = {
            split: {x['file_name'] for x in content[split]['images']}
            for split in SPLITS
        }
        assert content['val']['info']['fold'] == f'{k}/3'
        assert names['test'] == {
            x['file_name'] for x in read(hico, 'test')['images']
        }
        assert not names['train'] & names['val']
        assert names['val'] == {
            f'a/{i:03d}.jpg'
            for i in range(30)
            if split_of(f'{i:03d}.jpg') != 'test'
            and zlib.crc32(f'{i:03d}.jpg'.encode()) // 100 % 3 == k
        }
        rests.append(names['train'] | names['val'])
    assert (
        rests[0]
        == rests[1]
        == rests[2]
        == {
            x['file_name']
            for split in ('train', 'val')
            for x in read(hico, split)['images']
        }
    )
    for fold, message in (
        ('3/3', 'fold 3/3: give K/N'),
        ('0/1', 'fold 0/1: give K/N'),
        ('five', "invalid fold value: 'five'"),
    ):
        done = run(
            hico, 'split', 'source.json', '--out', 'bad', '--fold', fold
        )
        assert done.code
        assert_in(done.text, message)
        assert 'Traceback' not in done.text and not (hico / 'bad').exists()


@pytest.mark.slow
def test_study_of_real_answers(tmp_path):
    """Run the study with one teacher, folds and intervals."""
    folder = write(
        tmp_path, 'v_coco', ('ride instr', 'hold obj'), with_classes=False
    )
    data = 'data/v_coco_real_words'
    words = ['--vocabulary', 'v_coco']
    run(folder, 'split', 'source.json', '--single', '--out', data, *words)
    run(
        folder,
        'teacher',
        f'{data}/annotations/all.json',
        '--preset',
        'typical',
        '--out',
        f'{data}/teacher/by-1',
        *words,
    ).check()
    text = (CONFIGS / 'studies/v_coco_real_words.py').read_text()
    (folder / 'study.py').write_text(
        text.replace("'../", f"'{CONFIGS}/")
        .replace('seeds = [0, 1, 2]', 'seeds = [0]')
        .replace('resamples=1000', 'resamples=20')
        .replace('_folds = 5', '_folds = 2')
        .replace(
            'options = {\n', "options = {\n    'train_cfg.max_epochs': 1,\n"
        )
    )
    rows = ['random', 'by-1-learned']
    done = run_tool(
        REPO / 'projects/studies/study.py',
        'study.py',
        '--rows',
        *rows,
        cwd=folder,
    ).check()
    assert '| AP | from | to | AP of several pairs |' in done.text
    assert 'not run yet' not in done.text and 'nan' not in done.text


def test_holdout(hico):
    """Use all test images, including crowded and empty ones."""
    done = run(
        hico, 'holdout', 'source.json', 'source.json', '--out', 'official'
    ).check()
    names = {
        split: {
            x['file_name']
            for x in json.loads(
                (hico / f'official/annotations/{split}.json').read_text()
            )['images']
        }
        for split in SPLITS
    }
    source = json.loads((hico / 'source.json').read_text())
    everything = {x['file_name'] for x in source['images']}
    held = {
        name for name in everything if zlib.crc32(name[2:].encode()) % 100 < 10
    }
    assert names['test'] == everything and names['val'] == held
    assert names['train'] == {f'a/{i:03d}.jpg' for i in range(30)} - held
    assert f'test  {len(everything):6d} images' in done.text
    for path in ('none.json', 'source.json'):
        done = run(hico, 'holdout', path, 'none.json', '--out', 'bad')
        assert done.code == 1 and 'Traceback' not in done.text
        assert 'none.json' in done.text and not (hico / 'bad').exists()


def test_agreement_of_teachers(hico):
    typical = ('--preset', 'typical', '--unite', 3)
    teacher(hico, *typical, out='any').check()
    done = teacher(hico, *typical, '--min-teachers', 2, out='two').check()
    assert 'teacher 0, 1, 2' in done.text and 'each asked for' in done.text
    vocabulary = HOIVocabulary.load('hico_det')
    caches = [TeacherCache(hico / name, vocabulary) for name in ('any', 'two')]
    for key in caches[0].keys():
        loose, strict = (cache.get(key) for cache in caches)
        kept = loose['scores'] > 0.5
        for name in ('hoi_labels', 'scores'):
            assert (loose[name][kept] == strict[name]).all()
        assert np.isin((loose['scores'] * 3).round(3), [1, 2, 3]).all()
    done = teacher(hico, *typical, '--min-teachers', 4, out='bad')
    assert done.code == 1 and '4 of 3 teachers cannot agree' in done.text


def test_split_of_verbs_without_objects(tmp_path):
    folder = write(
        tmp_path, 'v_coco', ('ride instr', 'hold obj'), with_classes=False
    )
    content = json.loads((folder / 'source.json').read_text())
    image = content['images'][0]['id']
    content['hois'].append(
        dict(content['hois'][0], id=1, object_ann_id=None, image_id=image)
    )
    (folder / 'source.json').write_text(json.dumps(content))
    run(
        folder,
        'split',
        'source.json',
        '--out',
        'data/v_coco_geometry',
        '--vocabulary',
        'v_coco',
    ).check()
    root = folder / 'data/v_coco_geometry/annotations'
    hois = [
        hoi
        for split in SPLITS
        for hoi in json.loads((root / f'{split}.json').read_text())['hois']
    ]
    assert len(hois) == 30
    assert all(hoi['object_ann_id'] for hoi in hois)
    run_tool(
        TRAIN,
        V_COCO,
        *options(
            'train_cfg.max_epochs=1',
            'train_cfg.val_interval=1',
            'model.teacher_head.supervision=image',
        ),
        cwd=folder,
    ).check()


def test_rare(hico):
    args = ('rare', 'data/hico_geometry/annotations/train.json', '--number')
    done = run(hico, *args, 1, '--out', 'rare.json').check()
    assert '1 classes, written to' in done.text
    vocabulary = HOIVocabulary.load('hico_det')
    counts = {
        verb: sum(
            content['verbs'][hoi['verb_id']] == verb for hoi in content['hois']
        )
        for content in [read(hico, 'train')]
        for verb in ('ride', 'hold')
    }
    (least,) = json.loads((hico / 'rare.json').read_text())
    assert vocabulary.names[least] in ('ride bicycle', 'hold bicycle')
    assert counts[vocabulary.names[least].split()[0]] == min(counts.values())
    refused = run(hico, *args, 9, '--out', 'none.json')
    assert refused.code == 1 and 'Traceback' not in refused.text
    assert 'only 2 classes' in refused.text
    assert not (hico / 'none.json').exists()
    # Training without the class, and metrics of it.
    unseen = 'rare.json'
    run_tool(
        TRAIN,
        HICO,
        *options(
            'train_cfg.max_epochs=1',
            'train_cfg.val_interval=1',
            f'model.teacher_head.unseen={unseen}',
            f'val_evaluator.unseen={unseen}',
        ),
        cwd=hico,
    ).check()


def test_teacher(hico):
    vocabulary = HOIVocabulary.load('hico_det')
    done = teacher(hico, '--precision', '.5', '--recall', '1').check()
    words = [
        TeacherCache(hico / 'teacher', vocabulary).get(x['key'])
        for x in read(hico, 'train')['images']
    ]
    ride, hold = (
        vocabulary.names.index(f'{verb} bicycle') for verb in ('ride', 'hold')
    )
    said_ = [set(row['hoi_labels'].tolist()) for row in words]
    assert all(labels & {ride, hold} for labels in said_)
    assert sum(map(len, said_)) == 2 * len(words)
    for row in words:
        assert (row['scores'] == 1).all() and len(row['sentence_embeds']) == 0
    assert 'precision      0.5' in done.text
    manifest = json.loads((hico / 'teacher/manifest.json').read_text())
    assert manifest['counts']['sentences'] == 0
    assert manifest['counts']['captions'] == 0


def test_pointing_teacher(hico):
    args = ('--precision', '.5', '--recall', '1', '--pointing-accuracy', '1')
    done = teacher(hico, *args, out='points').check()
    assert 'pointing       1.000  of ' in done.text
    cache = TeacherCache(hico / 'points')
    rows = [cache.get(x['key']) for x in read(hico, 'train')['images']]
    assert sum(len(row['pointed_labels']) for row in rows) > 0
    tensors = [
        {k: v for k, v in row.items() if 'pointed' not in k} for row in rows
    ]
    plain = teacher(hico, *args[:4], out='plain').check()
    assert 'pointing' not in plain.text
    cache = TeacherCache(hico / 'plain')
    for image, row in zip(read(hico, 'train')['images'], tensors):
        same = cache.get(image['key'])
        assert same.keys() == row.keys()
        assert all(np.array_equal(same[k], row[k]) for k in same)


def test_teacher_is_deterministic(hico):
    def tensors(name, *args):
        teacher(hico, *args, out=name).check()
        return (hico / name / 'knowledge.safetensors').read_bytes()

    preset = hico / 'data/hico_geometry/teacher/typical/knowledge.safetensors'
    same = ('--precision', '.55', '--recall', '.6')
    assert tensors('one', *same) == preset.read_bytes()
    assert tensors('two', *same, '--seed', '2') != preset.read_bytes()
    assert tensors('three', *same, '--no-confuse') != preset.read_bytes()


def test_teacher_with_measured_errors(hico):
    measured = ('--preset', 'measured')
    done = teacher(hico, *measured, out='first').check()
    assert 'asked for 0.66' in done.text and 'false labels' in done.text
    rows = []
    for name, args in (
        ('first', ()),
        ('second', ('--teacher', '1')),
        ('third', ('--teacher', '1', '--shared-errors', '1')),
        ('fourth', ('--shared-errors', '1')),
    ):
        teacher(hico, *measured, *args, out=name).check()
        rows.append((hico / name / 'knowledge.safetensors').read_bytes())
    assert len(set(rows)) == 3 and rows[2] == rows[3]
    typical = [
        teacher(
            hico,
            *('--preset', 'typical', '--shared-errors', '.5'),
            *('--teacher', number),
            out=number,
        ).check()
        for number in '12'
    ]
    assert 'teacher 2' in typical[1].text
    assert teacher(hico, *measured, '--no-confuse').code == 2


def test_train_and_test(hico):
    run_tool(
        TRAIN,
        HICO,
        *options(
            'train_cfg.max_epochs=2',
            'train_cfg.val_interval=2',
            'train_dataloader.batch_size=5',
        ),
        cwd=hico,
    ).check()
    work_dir = hico / 'work_dirs/icn_hico_geometry'
    losses = read_losses(work_dir)
    assert all(
        np.isfinite(list(row.values())).all() for row in losses.values()
    )
    done = run_tool(
        TEST,
        HICO,
        work_dir / 'epoch_2.pth',
        '--eval',
        'AP',
        'AP_multi',
        cwd=hico,
    ).check()
    metrics = read_metrics(done.text)
    assert 0 < metrics['AP'] <= 100
    # Each image has two persons near its bicycle.
    assert metrics['AP_multi'] == metrics['AP']


@pytest.mark.parametrize('supervision', ['vllm', 'instance'])
def test_official_splits(hico, supervision):
    root = 'data/hico_geometry_full'
    source = ('source.json', 'source.json')
    run(hico, 'holdout', *source, '--out', root).check()
    teacher_dir = hico / root / 'teacher/typical'
    if supervision == 'vllm':
        train = f'{root}/annotations/train.json'
        preset = ('--preset', 'typical', '--out', teacher_dir)
        run(hico, 'teacher', train, *preset).check()
    done = run_tool(
        TRAIN,
        CONFIGS / 'hico_geometry/icn_hico_geometry_full.py',
        '--work-dir',
        supervision,
        *options(
            'train_cfg.max_epochs=1',
            'train_cfg.val_interval=1',
            'train_dataloader.batch_size=5',
            f'model.teacher_head.supervision={supervision}',
        ),
        cwd=hico,
    ).check()
    assert 'hico_det/mAP_rare' in done.text
    assert (hico / root / 'packed/train.safetensors').is_file()
    assert all(
        np.isfinite(list(row.values())).all()
        for row in read_losses(hico / supervision).values()
    )
    shutil.rmtree(hico / root)


@pytest.mark.parametrize(
    'tool, message',
    [
        ('browse_dataset', 'browse_dataset.py: this config reads no images'),
        ('get_flops', 'this config has no detector but PrecomputedDetections'),
        ('cache_detections', 'LoadImageSize in a pipeline: leave it out'),
    ],
)
def test_tools_that_need_images_report_an_error(hico, tool, message):
    out = ('--out', 'x.safetensors') if tool != 'get_flops' else ()
    done = run_tool(
        REPO / f'tools/analysis_tools/{tool}.py', HICO, *out, cwd=hico
    )
    assert done.code == 1
    assert_in(done.text, message)
    assert 'Traceback' not in done.text


def test_annotation_supervision_needs_no_cache(hico):
    run_tool(
        TRAIN,
        HICO,
        '--work-dir',
        'full',
        *options(
            'train_cfg.max_epochs=1',
            'model.teacher_head.supervision=instance',
            'train_dataloader.dataset.pipeline.CachedTransforms.steps.LoadTeacherKnowledge.cache=nowhere',
        ),
        cwd=hico,
    ).check()
    assert (hico / 'full/epoch_1.pth').is_file()


def test_errors(hico, tmp_path):
    done = run(tmp_path, 'split', 'none.json', '--out', 'x')
    assert done.code == 1
    assert_in(done.text, 'geometry.py: none.json: no such annotation file')
    content = make_annotations(
        HOIVocabulary.load('hico_det'), scenes(('ride', 'hold'))[:1]
    )
    (tmp_path / 'few.json').write_text(json.dumps(content))
    done = run(tmp_path, 'split', 'few.json', '--out', 'x')
    assert_in(
        done.text,
        'few.json: of 1 images 1 have an annotated pair',
        'give a file with more images',
    )
    assert done.code == 1 and not (tmp_path / 'x').exists()
    for args, message in (
        ((), 'give --preset, or --precision and --recall'),
        (('--preset', 'weak', '--recall', '.5'), 'give --preset, or'),
        (('--recall', '.5'), '--precision and --recall go together'),
        (('--precision', '2', '--recall', '.5'), 'precision=2.0 must lie in'),
        (
            ('--preset', 'weak', '--vocabulary', 'v_coco'),
            "is no verb of the vocabulary 'v_coco'",
        ),
    ):
        done = teacher(hico, *args, out='bad')
        assert done.code, args
        assert_in(done.text, message)
        assert 'Traceback' not in done.text
