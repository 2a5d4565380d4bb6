"""Errors for mismatched predictions and annotations."""

import json
from dataclasses import replace

import numpy as np
import pytest
from test_predictions import (
    HICO,
    TOOLS,
    VCOCO,
    metrics_of,
    park_scenes,
    score,
    truth_as_predictions,
    write,
)

from clhoi_mm.annotations import AnnotationFile
from clhoi_mm.evaluation.core import (
    Predictions,
)
from tests.data_utils import (
    make_annotations,
    tiny_scenes,
)
from tests.tool_utils import run_command


@pytest.mark.parametrize(
    'edit, message',
    [
        (lambda c: c.pop('hois'), 'no list under hois'),
        (
            lambda c: c['annotations'][0].pop('bbox'),
            "record 90001.*'bbox': missing",
        ),
        (
            lambda c: c['hois'][0].update(image_id=7),
            "'image_id': no image has id 7",
        ),
        (
            lambda c: c['images'][0].update(id=501),
            'images, .*501 occurs twice',
        ),
    ],
)
def test_bad_annotations(edit, message):
    content = make_annotations(HICO, tiny_scenes())
    edit(content)
    with pytest.raises(ValueError, match=f'x.json: .*{message}|{message}'):
        AnnotationFile(content, 'x.json')


@pytest.mark.parametrize(
    'edit, message',
    [
        (dict(scores=None), 'no scores'),
        (dict(offsets=np.array([0, 9, 4, 5, 6, 8])), 'offsets must rise'),
        (dict(human_bboxes=np.zeros((8, 5))), 'human_bboxes must have shape'),
        (dict(hoi_labels=np.full(8, 600)), 'hoi_labels holds 600'),
        (dict(hoi_labels=np.full(8, 3)), 'row 0: hoi_labels is 3, but verb'),
        (dict(scores=np.full(8, np.nan)), 'scores is not finite in row 0'),
        (
            dict(img_id=np.arange(5)),
            'such as 0, is among those of .*ann.json, such as 50[0-4].*split',
        ),
        (
            dict(img_id=np.array(['500', '501', '502', '503', '504'])),
            "such as '50[0-4]', is among .*, such as 50[0-4]",
        ),
        (dict(img_id=np.array([500] * 5)), 'an image twice'),
        (dict(keys=np.array(['a.png'] * 4)), 'keys must be 5 strings'),
        (dict(keys=np.arange(5)), 'keys must be 5 strings'),
        (dict(format_version=np.array(2)), 'format_version 2 is newer'),
        (dict(scores=np.array([{}] * 8)), 'not a .npz of plain arrays'),
    ],
)
def test_bad_predictions(tmp_path, edit, message):
    path, annotations = write(tmp_path, HICO, tiny_scenes())
    truth_as_predictions(annotations).write(tmp_path / 'good.npz')
    with np.load(tmp_path / 'good.npz') as file:
        arrays = {**file, **edit}
    np.savez(
        tmp_path / 'bad.npz',
        **{k: v for k, v in arrays.items() if v is not None},
    )
    with pytest.raises(ValueError, match=message):
        Predictions.read(tmp_path / 'bad.npz').pairs(annotations)


def test_unmatched_images_are_counted(tmp_path):
    """Predictions for other images do not change the metrics."""
    path, annotations = write(tmp_path, HICO, tiny_scenes())
    whole = truth_as_predictions(annotations)
    whole.write(tmp_path / 'whole.npz')
    content = json.loads(path.read_text())
    # The first image, with four pairs, is removed; the order is reversed.
    for section, key in (
        ('images', 'id'),
        ('annotations', 'image_id'),
        ('hois', 'image_id'),
    ):
        content[section] = [x for x in content[section] if x[key] != 500]
    content['images'].reverse()
    (tmp_path / 'part.json').write_text(json.dumps(content))
    part = AnnotationFile.read(tmp_path / 'part.json')
    pairs = whole.pairs(part)
    assert len(pairs) == 4 and pairs.image_inds.tolist() == [0, 0, 0, 1]
    assert len(whole.pairs(annotations)) == 8
    args = ('--metric', 'hico_det', '--pred', 'whole.npz', '--ann')
    done = score(*args, 'part.json', cwd=tmp_path).check()
    assert '1 of 5 predicted images are not in part.json, for one 500' in (
        done.text
    )
    # The remaining four classes have full AP, the others none.
    assert metrics_of(done.text)['hico_det/mAP'] == round(400 / 600, 2)
    done = run_command(
        'python', TOOLS / 'hoi_errors.py', *args, 'part.json', cwd=tmp_path
    ).check()
    assert 'attention: 1 of 5 keys of the predictions' in done.text


def test_keys_identify_images_of_other_splits(tmp_path):
    """Ids of two splits may be equal, keys are not."""
    path, annotations = write(tmp_path, HICO, tiny_scenes())
    bare = truth_as_predictions(annotations)
    args = ('--metric', 'hico_det', '--ann', path.name, '--pred', 'x.npz')
    bare.write(tmp_path / 'x.npz')
    done = score(*args, cwd=tmp_path).check()
    assert 'x.npz has no keys: images are compared by id alone' in done.text
    assert '5 of 5 ids are in ann.json' in done.text
    whole = metrics_of(done.text)
    own = list(annotations.keys)

    def with_keys(keys):
        replace(bare, keys=np.array(keys)).write(tmp_path / 'x.npz')
        return score(*args, cwd=tmp_path)

    done = with_keys(own).check()
    assert metrics_of(done.text) == whole and 'keys' not in done.text
    done = with_keys([f'.\\{key}' for key in own]).check()
    assert metrics_of(done.text) == whole and 'keys' not in done.text
    done = with_keys([f'test/{i}.jpg' for i in range(5)])
    assert done.code == 1 and 'Traceback' not in done.text
    assert "such as 'test/0.jpg'" in done.text and own[0] in done.text
    assert 'score predictions with the file of their own split' in done.text
    done = with_keys(['test/0.jpg', *own[1:]]).check()
    assert "1 of 5 predicted images are not in ann.json, for one 'test/0" in (
        done.text
    )
    # The first image's four pairs are not matched by its id.
    assert len(Predictions.read(tmp_path / 'x.npz').pairs(annotations)) == 4
    assert metrics_of(done.text) != whole


def test_repeated_pairs_are_reported(tmp_path):
    path, annotations = write(tmp_path, HICO, tiny_scenes())
    truth_as_predictions(annotations).write(tmp_path / 'x.npz')
    args = ('--metric', 'hico_det', '--ann', path.name, '--pred', 'x.npz')
    assert 'repeat' not in score(*args, cwd=tmp_path).check().text
    content = json.loads(path.read_text())
    num = len(content['hois'])
    again = [dict(hoi, id=hoi['id'] + 1000) for hoi in content['hois'][:3]]
    content['hois'] += again
    path.write_text(json.dumps(content))
    text = score(*args, cwd=tmp_path).check().text
    assert f'3 of {num + 3} hois in ann.json repeat the person' in text


def test_tool_reports_bad_input(tmp_path):
    path, annotations = write(tmp_path, VCOCO, park_scenes())
    truth_as_predictions(annotations).write(tmp_path / 'preds.npz')
    done = score(
        '--ann',
        path,
        '--pred',
        'preds.npz',
        '--metric',
        'hico_det',
        cwd=tmp_path,
    )
    assert done.code == 1 and 'Traceback' not in done.text
    assert 'no hoi_categories' in done.text and 'v_coco' in done.text
    done = score(
        '--ann',
        'nowhere.json',
        '--pred',
        'preds.npz',
        '--metric',
        'v_coco',
        cwd=tmp_path,
    )
    assert done.code == 1 and 'nowhere.json' in done.text
    assert 'Traceback' not in done.text
