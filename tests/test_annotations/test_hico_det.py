import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.io import loadmat, savemat

from clhoi_mm.annotations import AnnotationFile, LabeledAnnotations
from clhoi_mm.annotations.converters import convert_hico_det
from clhoi_mm.datasets import HICODetDataset
from tests.data_utils import find_shared
from tests.hico_files import (
    VOCABULARY,
    hicodet_content,
    hoi,
    image,
    ppdm_content,
    write_json,
    write_mat,
)

RIDER, HORSE, DOG = (11, 21, 30, 60), (6, 31, 50, 90), (61, 71, 80, 100)
TEST = [
    image(
        'HICO_test2015_00000007.jpg',
        (100, 120),
        hoi('ride horse', [(1, 1, 9, 9), RIDER], [HORSE], [(2, 1)]),
        hoi('hold horse', [RIDER], [HORSE], [(1, 1)]),
        hoi('walk dog', [RIDER, (41, 21, 60, 99)], [DOG], [(1, 1), (2, 1)]),
        hoi('feed dog', invisible=True),
    ),
    image('HICO_test2015_00000003.jpg', (64, 48)),
    image(
        'HICO_test2015_00000012.jpg',
        (64, 48),
        hoi('hug person', [(1, 1, 64, 48)], [(2, 2, 10, 10)], [(1, 1)]),
        hoi('hug person', [(2, 2, 10, 10)], [(1, 1, 64, 48)], [(1, 1)]),
    ),
]
TRAIN = [
    image(
        'HICO_train2015_00000007.jpg',
        (80, 60),
        hoi('ride bicycle', [(1, 1, 9, 9)], [(2, 2, 9, 9)], [(1, 1)] * 10),
        hoi('walk bicycle', [(1, 1, 9, 9)], [(2, 2, 9, 9)], [(1, 1)] * 9),
        hoi('push bicycle', invisible=True),
    )
]


def kinds(tmp_path):
    return dict(
        mat=write_mat(tmp_path / 'anno_bbox.mat', TRAIN, TEST),
        ppdm=write_json(tmp_path / 'test_hico.json', ppdm_content(TEST)),
        hicodet=write_json(tmp_path / 'instances.json', hicodet_content(TEST)),
    )


def read_pairs(path):
    """Return by image id: sorted (class, person, object), 1-based boxes."""
    file = AnnotationFile.read(path)
    labeled = LabeledAnnotations(file, VOCABULARY)
    pairs = {}
    for i, record in enumerate(file.images):
        rows, hois = labeled.boxes(i), labeled.hois(i)
        assert (
            not hois['invisible'].any()
            or (hois['human_rows'][hois['invisible']] == -1).all()
        )
        boxes = rows['bboxes'] + (1, 1, 0, 0)
        pairs[record['id']] = sorted(
            (VOCABULARY.names[k], tuple(boxes[h]), tuple(boxes[o]))
            for h, o, k, hidden in zip(
                hois['human_rows'],
                hois['object_rows'],
                hois['hoi_labels'],
                hois['invisible'],
            )
            if not hidden
        )
    return pairs


EXPECTED = {
    7: [('hold horse', RIDER, HORSE), ('ride horse', RIDER, HORSE),
        ('walk dog', RIDER, DOG), ('walk dog', (41, 21, 60, 99), DOG)],
    3: [],
    12: [('hug person', (1, 1, 64, 48), (2, 2, 10, 10)),
         ('hug person', (2, 2, 10, 10), (1, 1, 64, 48))]
}  # fmt: skip


@pytest.mark.parametrize('kind', ['mat', 'ppdm', 'hicodet'])
def test_pairs_by_hand(tmp_path, kind):
    reports = convert_hico_det([kinds(tmp_path)[kind]], tmp_path / 'out')
    report = reports[-1]
    path = tmp_path / 'out/test.json'
    assert report.path == path
    assert len(reports) == (2 if kind == 'mat' else 1)
    assert (
        report.images,
        report.without_pairs,
        report.pairs,
        report.classes,
    ) == (3, 1, 6, 4)
    assert report.invisible == (1 if kind == 'mat' else 0)
    assert read_pairs(path) == EXPECTED
    content = json.loads(path.read_text())
    assert [im['id'] for im in content['images']] == [7, 3, 12]
    first = content['images'][0]
    assert first['key'] == 'test2015/HICO_test2015_00000007.jpg'
    assert first['file_name'] == first['key']
    # Equal boxes are one annotation, in the image of two persons too.
    boxes = [a['bbox'] for a in content['annotations'] if a['image_id'] == 12]
    assert boxes == [[0, 0, 64, 48], [1, 1, 9, 9]]
    areas = [
        a['area']
        for a in content['annotations']
        if a['bbox'] == [10, 20, 20, 40]
    ]
    assert areas == [800]


def test_mat_has_sizes_image_labels_and_unpaired_boxes(tmp_path):
    convert_hico_det([kinds(tmp_path)['mat']], tmp_path / 'out')
    content = json.loads((tmp_path / 'out/test.json').read_text())
    first = content['images'][0]
    assert (first['width'], first['height']) == (100, 120)
    named = [VOCABULARY.names[k - 1] for k in first['hoi_ids']]
    assert named == ['feed dog', 'walk dog', 'hold horse', 'ride horse']
    assert [0, 0, 9, 9] in [a['bbox'] for a in content['annotations']]
    hidden = [h for h in content['hois'] if h.get('invisible')]
    assert len(hidden) == 1
    assert hidden[0]['human_ann_id'] is hidden[0]['object_ann_id'] is None
    assert VOCABULARY.verbs[hidden[0]['verb_id']] == 'feed'


def test_rare_classes_are_counted_in_the_training_annotations(tmp_path):
    reports = convert_hico_det([kinds(tmp_path)['mat']], tmp_path / 'out')
    assert [r.rare_from for r in reports] == [
        'counted in the training annotations'
    ] * 2
    assert [r.rare for r in reports] == [599, 599]
    assert reports[0].rare_differs == 599 - 138
    for split in ('train', 'test'):
        content = json.loads((tmp_path / f'out/{split}.json').read_text())
        often = [
            VOCABULARY.names[i]
            for i, record in enumerate(content['hoi_categories'])
            if not record['rare']
        ]
        assert often == ['ride bicycle']  # Ten pairs; nine are rare.


@pytest.mark.parametrize(
    'kind, source',
    [('ppdm', 'the published list'), ('hicodet', "the source's list")],
)
def test_rare_classes_of_a_test_file_only(tmp_path, kind, source):
    (report,) = convert_hico_det([kinds(tmp_path)[kind]], tmp_path / 'out')
    assert (report.rare, report.rare_from, report.rare_differs) == (
        138,
        source,
        0,
    )


def test_train_and_test_json_together(tmp_path):
    sources = [
        write_json(tmp_path / 'test_hico.json', ppdm_content(TEST)),
        write_json(tmp_path / 'trainval_hico.json', ppdm_content(TRAIN)),
    ]
    reports = convert_hico_det(sources, tmp_path / 'out')
    assert [r.path.name for r in reports] == ['train.json', 'test.json']
    assert [r.rare for r in reports] == [599, 599]
    with pytest.raises(ValueError, match='same split'):
        convert_hico_det([sources[0], sources[0]], tmp_path / 'out')


def test_output_is_deterministic(tmp_path):
    source = kinds(tmp_path)['mat']
    convert_hico_det([source], tmp_path / 'a')
    first = {p.name: p.read_bytes() for p in (tmp_path / 'a').iterdir()}
    convert_hico_det([source], tmp_path / 'a')
    assert {
        p.name: p.read_bytes() for p in (tmp_path / 'a').iterdir()
    } == first


def test_sizes_from_images_or_boxes(tmp_path):
    source = kinds(tmp_path)['ppdm']
    for im in TEST:
        path = tmp_path / 'images/test2015' / im['name']
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new('L', im['size']).save(path)
    out = tmp_path / 'one.json'
    (report,) = convert_hico_det([source], out, tmp_path / 'images')
    assert report.sizes_from == 'the images' and report.path == out
    sizes = [
        (im['width'], im['height'])
        for im in json.loads(out.read_text())['images']
    ]
    assert sizes == [im['size'] for im in TEST]
    (report,) = convert_hico_det([source], out)
    assert report.sizes_from == 'the extent of the boxes'
    sizes = [
        (im['width'], im['height'])
        for im in json.loads(out.read_text())['images']
    ]
    assert sizes == [(80, 100), (1, 1), (64, 48)]
    content = hicodet_content(TEST)
    content['size'][1] = None
    source = write_json(tmp_path / 'partly.json', content)
    (report,) = convert_hico_det([source], out)
    assert report.sizes_from == 'the source, 1 from the extent of the boxes'
    sizes = [
        (im['width'], im['height'])
        for im in json.loads(out.read_text())['images']
    ]
    assert sizes == [TEST[0]['size'], (1, 1), TEST[2]['size']]
    source = kinds(tmp_path)['ppdm']
    (tmp_path / 'images/test2015' / TEST[0]['name']).unlink()
    with pytest.raises(FileNotFoundError, match='HICO_test2015_00000007'):
        convert_hico_det([source], out, tmp_path / 'images')


def test_data_set_reads_the_file(tmp_path):
    convert_hico_det([kinds(tmp_path)['mat']], tmp_path / 'annotations')
    data = HICODetDataset(
        split='test', data_root=str(tmp_path), test_mode=True
    )
    assert len(data) == 3 and sum(data.metainfo['rare']) == 599
    assert data.get_data_info(1)['hois']['verb_labels'].tolist() == []


def test_sizes_ignore_the_exif_orientation(tmp_path):
    """Boxes are on the stored pixels, whatever EXIF states."""
    content = ppdm_content(TEST)[:1]
    source = write_json(tmp_path / 'test_hico.json', content)
    folder = tmp_path / 'images/test2015'
    folder.mkdir(parents=True)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new('RGB', (90, 120)).save(
        folder / content[0]['file_name'], exif=turned
    )
    convert_hico_det([source], tmp_path / 'ann.json', tmp_path / 'images')
    data = HICODetDataset(
        str(tmp_path / 'ann.json'),
        data_prefix=dict(img=str(tmp_path / 'images')),
        pipeline=[
            dict(type='LoadImage', orientation='stored'),
            dict(type='LoadHOIAnnotations'),
            dict(type='PackHOIInputs'),
        ],
    )
    sample = data[0]['data_samples']
    assert sample.ori_shape == (120, 90)
    assert sample.gt_instances.bboxes[0].tolist() == [
        *(x - 1 for x in RIDER[:2]),
        *RIDER[2:],
    ]


def test_mat_with_one_split_and_without_names(tmp_path):
    source = kinds(tmp_path)['mat']
    savemat(str(source), dict(bbox_test=loadmat(str(source))['bbox_test']))
    (report,) = convert_hico_det([source], tmp_path / 'out')
    assert read_pairs(report.path) == EXPECTED
    savemat(str(source), dict(other=1))
    with pytest.raises(ValueError, match='bbox_train.*bbox_test'):
        convert_hico_det([source], tmp_path / 'out')


BOX = st.tuples(*[st.integers(1, 60)] * 4).map(
    lambda b: (
        min(b[0], b[2]),
        min(b[1], b[3]),
        max(b[0], b[2]),
        max(b[1], b[3]),
    )
)


@st.composite
def interactions(draw):
    humans, objects = (
        draw(st.lists(BOX, min_size=1, max_size=3)) for _ in range(2)
    )
    links = draw(
        st.lists(
            st.tuples(
                st.integers(1, len(humans)), st.integers(1, len(objects))
            ),
            max_size=4,
        )
    )
    name = VOCABULARY.names[draw(st.integers(0, 599))]
    return hoi(name, humans, objects, links)


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=st.lists(st.lists(interactions(), max_size=3), max_size=4))
def test_all_sources_agree(tmp_path, content):
    images = [
        image(f'HICO_test2015_{i + 1:08d}.jpg', (60, 60), *hois)
        for i, hois in enumerate(content)
    ] + TEST[:1]
    expected = {
        int(im['name'][-12:-4]): sorted(
            (
                VOCABULARY.names[h['label']],
                tuple(h['humans'][i - 1]),
                tuple(h['objects'][j - 1]),
            )
            for h in im['hois']
            for i, j in h['links']
        )
        for im in images
    }
    sources = [
        write_mat(tmp_path / 'anno_bbox.mat', TRAIN, images),
        write_json(tmp_path / 'ppdm.json', ppdm_content(images)),
        write_json(tmp_path / 'hicodet.json', hicodet_content(images)),
    ]
    for source in sources:
        convert_hico_det([source], tmp_path / 'out')
        assert read_pairs(tmp_path / 'out/test.json') == expected


@pytest.mark.skipif(find_shared() is None, reason='no shared test data')
def test_real_test_annotations(tmp_path):
    source = find_shared() / 'data/hico_det/instances_test2015.json'
    (report,) = convert_hico_det([source], tmp_path)
    assert (report.images, report.without_pairs) == (9658, 112)
    assert (report.pairs, report.classes, report.rare) == (33405, 600, 138)
    real = json.loads(source.read_text())
    found = read_pairs(report.path)
    sample = np.random.default_rng(0).choice(9658, 300, False)
    for i in sample:
        ann = real['annotation'][i]
        number = int(real['filenames'][i][-12:-4])
        assert found[number] == sorted(
            (VOCABULARY.names[k], tuple(h), tuple(o))
            for h, o, k in zip(ann['boxes_h'], ann['boxes_o'], ann['hoi'])
        )
