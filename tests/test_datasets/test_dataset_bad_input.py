"""Errors for bad input name the file, field and remedy."""

import json

import pytest

from clhoi_mm.datasets import HICODetDataset, HOIDataset, VCOCODataset
from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import make_scene, write_split, write_tiny

PIPELINE = (
    dict(type='LoadImage', orientation='stored'),
    dict(type='LoadHOIAnnotations'),
    dict(type='PackHOIInputs'),
)


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    return write_tiny(tmp_path_factory.mktemp('tiny')).parents[1]


def build(root, ann_file='annotations/train.json', **kwargs):
    return HICODetDataset(
        ann_file, data_root=str(root), pipeline=PIPELINE, **kwargs
    )


def rewritten(tiny, tmp_path, change):
    """Write the tiny data set with annotations edited by `change`."""
    content = json.loads((tiny / 'annotations/train.json').read_text())
    change(content)
    path = tmp_path / 'changed.json'
    path.write_text(json.dumps(content))
    return build(tiny, ann_file=str(path))


def _last(content, key):
    return content[key][-1]


BROKEN = {
    'human_ann_id.*no annotation has id 1': lambda c: _last(c, 'hois').update(
        human_ann_id=1
    ),
    'object_ann_id.*belongs to image 500': lambda c: _last(c, 'hois').update(
        object_ann_id=90001
    ),
    'human_ann_id.*is a book, not a person': lambda c: _last(c, 'hois').update(
        human_ann_id=_last(c, 'annotations')['id']
    ),
    'verb_id.*117 is no position in verbs': lambda c: _last(c, 'hois').update(
        verb_id=117
    ),
    "verb_id.*'ride' is no position": lambda c: _last(c, 'hois').update(
        verb_id='ride'
    ),
    r'verb_id.*\(zip, book\) is no HOI class': lambda c: _last(
        c, 'hois'
    ).update(verb_id=0),
    "hois, record 308, field 'verb_id': missing": lambda c: _last(
        c, 'hois'
    ).pop('verb_id'),
    'hois.*image_id.*no image has id 9': lambda c: _last(c, 'hois').update(
        image_id=9
    ),
    'no list under verbs, hois': lambda c: [c.pop('verbs'), c.pop('hois')],
    "annotations.*'id'.*occurs twice": lambda c: _last(
        c, 'annotations'
    ).update(id=90001),
    "images.*'id'.*occurs twice": lambda c: _last(c, 'images').update(id=500),
    "images.*'key'.*'train/busy.png' occurs twice": lambda c: _last(
        c, 'images'
    ).update(key='train/busy.png'),
    'images.*width.*missing': lambda c: _last(c, 'images').pop('width'),
    'annotations.*image_id.*no image has id 9': lambda c: _last(
        c, 'annotations'
    ).update(image_id=9),
    'annotations.*category_id.*no category has id 1': lambda c: _last(
        c, 'annotations'
    ).update(category_id=1),
    'annotations.*bbox.*write four finite numbers': lambda c: _last(
        c, 'annotations'
    ).update(bbox=[0, 0, float('nan'), 1]),
    'annotations.*bbox.*is no': lambda c: _last(c, 'annotations').update(
        bbox=[0, 0, -1, 1]
    ),
    "categories.*'unicorn' is no object of the vocabulary "
    "'hico_det'": lambda c: _last(c, 'categories').update(name='unicorn'),
    "verbs.*'flying' is no verb": lambda c: c['verbs'].append('flying'),
    'hoi_categories.*verb_id.*is no position in verbs': lambda c: _last(
        c, 'hoi_categories'
    ).update(verb_id=-1),
    r'hoi_categories.*\(zip, zebra\) is no HOI class': lambda c: _last(
        c, 'hoi_categories'
    ).update(verb_id=0),
    'images.*hoi_ids.*3 is no id of hoi_categories': lambda c: _last(
        c, 'images'
    ).update(hoi_ids=[3]),
    'images is empty': lambda c: [
        c[k].clear() for k in ('images', 'annotations', 'hois')
    ],
}


@pytest.mark.parametrize('message', BROKEN)
def test_broken_files_name_file_record_and_field(tiny, tmp_path, message):
    with pytest.raises(ValueError, match=message) as error:
        rewritten(tiny, tmp_path, BROKEN[message])
    assert 'changed.json' in str(error.value)


def test_empty_image_list_is_an_error_in_test_mode_too(tmp_path):
    vocab = HOIVocabulary.load('hico_det')
    write_split(tmp_path, 'test', vocab, [])
    with pytest.raises(ValueError, match='images is empty'):
        build(tmp_path, 'annotations/test.json', test_mode=True)


def test_truncated_annotation_file(tiny, tmp_path):
    text = (tiny / 'annotations/train.json').read_text()
    (tmp_path / 'cut.json').write_text(text[: len(text) // 2])
    with pytest.raises(ValueError, match='cut.json: not valid JSON'):
        build(tiny, str(tmp_path / 'cut.json'))


@pytest.mark.parametrize(
    'cls, words',
    [
        (HOIDataset, 'make_mini.py'),
        (HICODetDataset, 'ywchao/ho-rcnn'),
        (VCOCODataset, 's-gupta/v-coco'),
    ],
)
def test_missing_annotation_file_names_its_source(tmp_path, cls, words):
    with pytest.raises(FileNotFoundError, match='no.json') as error:
        cls('annotations/no.json', data_root=str(tmp_path))
    assert words in str(error.value) and 'same command' in str(error.value)


def test_missing_image_is_named(tiny, tmp_path):
    data = build(
        tiny,
        ann_file=str(tiny / 'annotations/train.json'),
        data_prefix=dict(img=str(tmp_path)),
    )
    with pytest.raises(FileNotFoundError, match='busy.png.*data_prefix'):
        data[0]


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
@pytest.mark.parametrize('kept', [0, 0.5, 0.98])
def test_truncated_image_is_named(tmp_path, suffix, kept):
    scene = make_scene(f'cut{suffix}', (96, 64), [('dog', (9, 9, 50, 50))])
    write_split(tmp_path, 'train', HOIVocabulary.load('hico_det'), [scene])
    path = tmp_path / f'cut{suffix}'
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(ValueError, match=f'cut{suffix}: no image can be'):
        build(tmp_path)[0]


def test_image_of_another_size_is_named(tiny, tmp_path):
    data = rewritten(
        tiny, tmp_path, lambda c: c['images'][0].update(width=64, height=96)
    )
    with pytest.raises(ValueError, match='busy.png.*96 x 64.*say 64 x 96'):
        data[0]
