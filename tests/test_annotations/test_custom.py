import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from clhoi_mm.annotations import AnnotationFile, LabeledAnnotations
from clhoi_mm.annotations.converters import convert_custom
from clhoi_mm.datasets import HOIDataset
from clhoi_mm.vocabulary import HOIVocabulary

COCO = dict(
    images=[
        dict(id='a', file_name='yard/a.jpg', width=100, height=80),
        dict(id='b', file_name='b.jpg', width=60, height=50),
    ],
    annotations=[
        dict(id=5, image_id='a', category_id=3, bbox=[1, 2, 30, 40]),
        dict(id=6, image_id='a', category_id=8, bbox=[10.5, 20, 30, 20]),
        dict(id=7, image_id='b', category_id=3, bbox=[0, 0, 20, 20]),
        dict(id=9, image_id='a', category_id=3, bbox=[50, 2, 30, 40]),
    ],
    categories=[dict(id=3, name='Person'), dict(id=8, name='lawn_mower')],
)
CSV = """human_ann_id, object_ann_id, verb, invisible
5,6,push,
5,6,lean_on,0
9,6,Push,1
7,,wave,
"""


@pytest.fixture
def files(tmp_path):
    coco = tmp_path / 'boxes.json'
    coco.write_text(json.dumps(COCO))
    pairs = tmp_path / 'pairs.csv'
    pairs.write_text(CSV)
    return coco, pairs


def test_conversion_by_hand(files, tmp_path):
    report = convert_custom(*files, tmp_path / 'out/train.json', name='garden')
    assert (
        report.images,
        report.boxes,
        report.pairs,
        report.verbs,
        report.classes,
    ) == (2, 4, 4, 3, 2)
    assert report.vocabulary == tmp_path / 'out/train_vocabulary.json'
    vocab = HOIVocabulary.load(report.vocabulary)
    assert vocab.name == 'garden'
    assert vocab.objects == ('person', 'lawn_mower')
    assert vocab.verbs == ('lean_on', 'push', 'wave')
    assert vocab.roleless == ('wave',)
    assert vocab.phrases == [
        'a person leaning on a lawn mower',
        'a person pushing a lawn mower',
    ]
    data = HOIDataset(
        str(report.path), vocabulary=str(report.vocabulary), test_mode=True
    )
    info = data.get_data_info(0)
    assert info['key'] == 'yard/a.jpg'
    assert info['rows']['bboxes'][1].tolist() == [10.5, 20, 40.5, 40]
    assert info['hois']['human_rows'].tolist() == [0, 0, 2]
    assert info['hois']['object_rows'].tolist() == [1, 1, 1]
    assert info['hois']['hoi_labels'].tolist() == [1, 0, 1]
    assert info['hois']['invisible'].tolist() == [False, False, True]
    assert data.get_data_info(1)['hois']['object_rows'].tolist() == [-1]


def test_json_equals_csv(files, tmp_path):
    convert_custom(*files, tmp_path / 'csv.json')
    rows = [
        dict(human_ann_id=5, object_ann_id=6, verb='push'),
        dict(human_ann_id=5, object_ann_id=6, verb='lean_on'),
        dict(human_ann_id=9, object_ann_id=6, verb='Push', invisible=True),
        dict(human_ann_id=7, object_ann_id=None, verb='wave'),
    ]
    (tmp_path / 'pairs.json').write_text(json.dumps(rows))
    convert_custom(files[0], tmp_path / 'pairs.json', tmp_path / 'json.json')
    assert (tmp_path / 'csv.json').read_bytes() == (
        tmp_path / 'json.json'
    ).read_bytes()


def test_another_split_reuses_the_vocabulary(files, tmp_path):
    coco, pairs = files
    made = convert_custom(coco, pairs, tmp_path / 'train.json').vocabulary
    pairs.write_text('human_ann_id,object_ann_id,verb\n5,6,push\n')
    report = convert_custom(coco, pairs, tmp_path / 'val.json', str(made))
    assert (report.vocabulary, report.verbs, report.classes) == (None, 3, 2)
    assert not (tmp_path / 'val_vocabulary.json').exists()
    pairs.write_text('human_ann_id,object_ann_id,verb\n5,6,eat\n')
    with pytest.raises(ValueError, match="line 2: 'eat lawn_mower' is not"):
        convert_custom(coco, pairs, tmp_path / 'val.json', str(made))


BROKEN = {
    '5,6,push\n,6,push': "line 3, column 'human_ann_id': '' is no annotation",
    '5,6.5,push': "line 2, column 'object_ann_id': '6.5'.*leave it empty",
    '5,6,\n': "line 2, column 'verb': '' is no verb",
    '5,6,push,maybe': "line 2, column 'invisible': 'maybe' is no flag",
    '5,6,push,0,park': 'line 2: 5 cells, but the header has 4 columns',
    '': 'pairs.csv: no pair',
    '55,6,push': 'none of 1 pairs .* human_ann_id 55 is no annotation of',
    '6,5,push': 'line 2: human_ann_id 6 is a lawn_mower, not a person',
    '7,6,push': "line 2: object_ann_id 6 is in image 'a', the person in 'b'",
    '5,,wave': 'no pair has an object',
}


@pytest.mark.parametrize('rows', BROKEN)
def test_bad_rows_are_errors(files, tmp_path, rows):
    coco, pairs = files
    pairs.write_text('human_ann_id,object_ann_id,verb,invisible\n' + rows)
    with pytest.raises(ValueError, match=BROKEN[rows]):
        convert_custom(coco, pairs, tmp_path / 'out.json')
    assert not (tmp_path / 'out.json').exists()


def test_rows_without_their_annotation_are_counted(files, tmp_path):
    coco, pairs = files
    pairs.write_text(CSV + '5,44,push\nx,6,push\n')
    report = convert_custom(coco, pairs, tmp_path / 'out.json')
    assert report.pairs == 4
    (note,) = report.notes
    assert note.startswith('2 of 6 pairs left out') and 'line 6' in note
    assert f'object_ann_id 44 is no annotation of {coco}' in note


def test_repeated_pairs_count_once(files, tmp_path):
    coco, pairs = files
    once = convert_custom(coco, pairs, tmp_path / 'once/out.json')
    pairs.write_text(CSV + '5,6,PUSH,\n5,6,lean on,\n9,6,push,1\n7,,wave,\n')
    twice = convert_custom(coco, pairs, tmp_path / 'twice/out.json')
    assert once.path.read_bytes() == twice.path.read_bytes()
    (note,) = twice.notes
    assert note.startswith('4 of 8 pairs occur before')
    assert f'{pairs}, line 6, which repeats {pairs}, line 2' in note


def convert_boxes(files, tmp_path, change):
    coco, pairs = files
    content = json.loads(json.dumps(COCO))
    sizes = {x['id']: (x['width'], x['height']) for x in content['images']}
    for ann in content['annotations']:
        ann['bbox'] = change(ann['bbox'], *sizes[ann['image_id']])
    coco.write_text(json.dumps(content))
    return convert_custom(coco, pairs, tmp_path / 'out.json').notes


def test_normalized_boxes_are_refused(files, tmp_path):
    with pytest.raises(ValueError, match='all 4 boxes.*normalized; .*width'):
        convert_boxes(
            files,
            tmp_path,
            lambda box, w, h: [x / s for x, s in zip(box, (w, h, w, h))],
        )
    assert not (tmp_path / 'out.json').exists()


def test_suspect_boxes_are_counted(files, tmp_path):
    def corners(box, width, height):
        return [width - 20, height - 20, width, height]

    (note,) = convert_boxes(files, tmp_path, corners)
    assert note.startswith('4 of 4 boxes reach beyond their image, for one')
    assert "annotation 5, [80, 60, 100, 80], in image 'a' of 100 x 80" in note
    assert '[x1, y1, x2, y2]' in note
    # A box that exceeds the image by rounding is not counted.
    notes = convert_boxes(
        files,
        tmp_path,
        lambda box, width, height: {
            1: [-5, 0, 20, 20],
            0: [5, 5, 0, 20],
            10.5: [60, 40, 41, 41],
        }.get(box[0], box),
    )
    outside, empty = notes
    assert outside.startswith('1 of 4 boxes reach') and 'most' not in outside
    assert 'annotation 5,' in outside
    assert empty.startswith('1 of 4 boxes have no width')
    assert 'annotation 7,' in empty


def test_person_paired_with_itself_is_counted(files, tmp_path):
    coco, pairs = files
    pairs.write_text(CSV + '5,5,push,\n')
    report = convert_custom(coco, pairs, tmp_path / 'out.json')
    (note,) = report.notes
    assert note.startswith('1 of 5 pairs are of a person and itself')
    assert 'line 6' in note


def test_inputs_are_never_overwritten(files, tmp_path):
    coco, pairs = files
    made = convert_custom(coco, pairs, tmp_path / 'a.json').vocabulary
    link = tmp_path / 'link.json'
    link.symlink_to(coco)
    beside = tmp_path / 'b_vocabulary.json'
    beside.write_text('[]')
    for args in (
        (coco, pairs, coco),
        (coco, pairs, pairs),
        (coco, pairs, link),
        (coco, pairs, made, str(made)),
        (coco, beside, tmp_path / 'b.json'),
    ):
        before = {path: path.read_bytes() for path in tmp_path.iterdir()}
        with pytest.raises(ValueError, match='written over.*another name'):
            convert_custom(*args)
        assert before == {p: p.read_bytes() for p in tmp_path.iterdir()}
    for folder in (tmp_path, '.'):
        with pytest.raises(ValueError, match='is a folder; give --out the J'):
            convert_custom(coco, pairs, folder)


def test_no_matching_rows_is_an_error(files, tmp_path):
    coco, pairs = files
    pairs.write_text('human_ann_id,object_ann_id,verb\n105,106,push\n')
    with pytest.raises(ValueError, match='such as 105.*such as [5679]') as e:
        convert_custom(coco, pairs, tmp_path / 'out.json')
    assert str(pairs) in str(e.value) and str(coco) in str(e.value)
    assert not (tmp_path / 'out.json').exists()


def test_roboflow_groups_are_not_objects(files, tmp_path):
    coco, pairs = files
    content = json.loads(json.dumps(COCO))
    for group in ('person', 'people'):
        content['categories'] = [
            dict(id=0, name=group, supercategory='none'),
            dict(id=3, name='person', supercategory=group),
            dict(id=8, name='lawn_mower', supercategory=group),
        ]
        content['images'][0]['extra'] = dict(name='a (1).jpg')
        coco.write_text(json.dumps(content))
        report = convert_custom(coco, pairs, tmp_path / 'out.json')
        vocab = HOIVocabulary.load(report.vocabulary)
        assert vocab.objects == ('person', 'lawn_mower')
        assert f"category 0, '{group}', has no box" in report.notes[0]
    # A group with its own box is kept; two spellings are one object.
    content['categories'][0]['name'] = 'Person'
    content['annotations'][2]['category_id'] = 0
    coco.write_text(json.dumps(content))
    report = convert_custom(coco, pairs, tmp_path / 'out.json')
    vocab = HOIVocabulary.load(report.vocabulary)
    assert vocab.objects == ('person', 'lawn_mower')
    assert (report.pairs, report.notes) == (4, [])


def test_sizes_come_from_stored_pixels(files, tmp_path):
    coco, pairs = files
    content = json.loads(json.dumps(COCO))
    del content['images'][0]['width'], content['images'][0]['height']
    content['images'][1].update(width=None, height=0)
    coco.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="record 'a': no width.*--images"):
        convert_custom(coco, pairs, tmp_path / 'out.json')
    folder = tmp_path / 'images'
    (folder / 'yard').mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r'a.jpg.*\(2 of 2'):
        convert_custom(coco, pairs, tmp_path / 'out.json', images=folder)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new('RGB', (100, 80)).save(folder / 'yard/a.jpg', exif=turned)
    Image.new('RGB', (60, 50)).save(folder / 'b.jpg')
    report = convert_custom(coco, pairs, tmp_path / 'out.json', images=folder)
    assert '2 images have their size from' in report.notes[0]
    file = AnnotationFile.read(report.path)
    assert file.sizes.tolist() == [[100, 80], [60, 50]]
    # Boxes on the rotated image would be misplaced on the stored pixels.
    content['images'][0].update(width=80, height=100)
    coco.write_text(json.dumps(content))
    with pytest.raises(ValueError, match='width 80, but .* 100 x 80 .*EXIF'):
        convert_custom(coco, pairs, tmp_path / 'out.json', images=folder)


def test_bad_files(files, tmp_path):
    coco, pairs = files
    pairs.write_text('human,object,verb\n')
    with pytest.raises(
        ValueError, match='no column human_ann_id.*human,object,verb'
    ):
        convert_custom(coco, pairs, tmp_path / 'out.json')
    pairs.write_text(CSV)
    content = json.loads(json.dumps(COCO))
    content['categories'][0]['name'] = 'man'
    coco.write_text(json.dumps(content))
    with pytest.raises(
        ValueError, match="no category 'person'.* name the one .* --person"
    ):
        convert_custom(coco, pairs, tmp_path / 'out.json')


def test_person_category_with_another_name(files, tmp_path):
    def rename(content):
        content['categories'] = [
            dict(id=3, name='Human'),
            dict(id=4, name='pedestrian'),
            dict(id=8, name='lawn_mower'),
        ]
        content['annotations'][3]['category_id'] = 4

    coco, pairs = files
    plain = convert_custom(*files, tmp_path / 'plain.json').path.read_text()
    content = json.loads(json.dumps(COCO))
    rename(content)
    coco.write_text(json.dumps(content))
    out = tmp_path / 'out.json'
    with pytest.raises(ValueError, match="'child', which --person names"):
        convert_custom(coco, pairs, out, persons=['child'])
    with pytest.raises(
        ValueError, match='is a pedestrian, not a person; .* --person'
    ):
        convert_custom(coco, pairs, out, persons=['human'])
    convert_custom(coco, pairs, out, persons=['human', 'Pedestrian'])
    assert out.read_text() == plain


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([5, 9]),
            st.sampled_from([5, 6, 9]),
            st.sampled_from(['push', 'sit_on', 'hit']),
            st.booleans(),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_pairs_round_trip(files, tmp_path, rows):
    coco, pairs = files
    pairs.write_text(
        'human_ann_id,object_ann_id,verb,invisible\n'
        + '\n'.join(f'{h},{o},{v},{int(i)}' for h, o, v, i in rows)
    )
    report = convert_custom(coco, pairs, tmp_path / 'out.json')
    vocab = HOIVocabulary.load(report.vocabulary)
    file = AnnotationFile.read(report.path)
    hois = LabeledAnnotations(file, vocab).hois(0)
    ids = [5, 6, 9]
    # A repeated pair counts once, and is visible if any of them is.
    expected = {}
    for *pair, invisible in rows:
        pair = tuple(pair)
        expected[pair] = invisible and expected.get(pair, True)
    expected = [(*pair, flag) for pair, flag in expected.items()]
    assert report.pairs == len(expected)
    alone = sum(human == obj for human, obj, *_ in expected)
    assert len(report.notes) == (len(expected) < len(rows)) + (alone > 0)
    assert not alone or report.notes[-1].startswith(f'{alone} of ')
    assert [
        (ids[h], ids[o], vocab.verbs[v], bool(i))
        for h, o, v, i in zip(
            hois['human_rows'],
            hois['object_rows'],
            hois['verb_labels'],
            hois['invisible'],
        )
    ] == expected
