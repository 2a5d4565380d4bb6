"""All parts of the project decode images to equal pixels."""

import io

import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile
from mmengine.config import Config
from PIL import Image

from clhoi_mm.apis import HOIInferencer
from clhoi_mm.apis.demo_session import DemoSession
from clhoi_mm.datasets import UnlabeledHOIDataset
from clhoi_mm.datasets.transforms import LoadImage
from clhoi_mm.engine import HOIVisualizationHook
from clhoi_mm.structures import HOIDataSample
from clhoi_mm.teacher.requests.images import load_image
from clhoi_mm.utils.image_reader import read_image, read_image_size
from tests.data_utils import REPO

PIXELS = np.kron(
    np.random.default_rng(0).integers(0, 255, (8, 12, 3), np.uint8),
    np.ones((8, 8, 1), np.uint8),
)
IMAGE = Image.fromarray(PIXELS)
GRAY = PIXELS[..., 0].astype(np.uint16) * 200
EXIF = Image.Exif()
EXIF[0x0112] = 6
# File names and their contents.
GRID = {
    'rgb.jpg': (IMAGE, dict(quality=90)),
    'rgb.png': (IMAGE, {}),
    'rgb.webp': (IMAGE, dict(lossless=True)),
    'rgb.tif': (IMAGE, {}),
    'turned.jpg': (IMAGE, dict(exif=EXIF)),
    'turned.png': (IMAGE, dict(exif=EXIF)),
    'turned.webp': (IMAGE, dict(exif=EXIF)),
    'turned.tif': (IMAGE, dict(exif=EXIF)),
    'gray16.png': (Image.fromarray(GRAY), {}),
    'gray16.tif': (Image.fromarray(GRAY), {}),
    'float.tif': (Image.fromarray(PIXELS[..., 0].astype('f4') / 255), {}),
    'palette.png': (IMAGE.quantize(20), {}),
    'palette.gif': (IMAGE.quantize(20), {}),
    'cmyk.jpg': (IMAGE.convert('CMYK'), {}),
    'alpha.png': (IMAGE.convert('RGBA').rotate(30), {}),
    'alpha.webp': (IMAGE.convert('RGBA').rotate(30), dict(lossless=True)),
    'gray_alpha.png': (IMAGE.convert('LA').rotate(30), {}),
    'one_bit.png': (IMAGE.convert('1'), {}),
    'rgb.bmp': (IMAGE, {}),
    'progressive.jpg': (IMAGE, dict(progressive=True)),
    'gray.jpg': (IMAGE.convert('L'), {}),
}
PAGE = ('.jpg', '.png', '.webp', '.bmp')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('grid')
    for name, (image, options) in GRID.items():
        image.save(folder / name, **options)
    return folder


@pytest.fixture(scope='module')
def inferencer(world):
    return HOIInferencer(
        weights=world / 'model.pth', device='cpu', show_progress=False
    )


def drawn_on(path, orientation, monkeypatch):
    """Return the pixels on which the visualization hook draws."""
    seen = []

    class FakeVisualizer:
        def add_datasample(self, name, image, **options):
            seen.append(image)

    monkeypatch.setattr(
        'mmengine.visualization.Visualizer.get_current_instance',
        FakeVisualizer,
    )
    sample = HOIDataSample(
        metainfo=dict(img_path=str(path), orientation=orientation)
    )
    hook = HOIVisualizationHook(draw=True, interval=1)
    hook.after_test_iter(None, 0, {}, [sample])
    return seen[0]


@pytest.mark.parametrize('orientation', ['stored', 'upright'])
@pytest.mark.parametrize('name', GRID)
def test_all_parts_read_equal_pixels(
    folder, name, orientation, inferencer, monkeypatch, tmp_path
):
    path = folder / name
    wanted = np.asarray(read_image(path, orientation))
    found = dict(
        loader=LoadImage(orientation)(dict(img_path=str(path)))['img'][
            ..., ::-1
        ],
        hook=drawn_on(path, orientation, monkeypatch),
    )
    if orientation == 'upright':
        found['teacher'] = np.asarray(load_image(path))
        found['examples'] = DemoSession(inferencer, [path]).pictures[0]
        if path.suffix in PAGE:
            page = DemoSession(inferencer)
            found['page'] = page._images[page.add_image(path)].pixels
        result = inferencer(path)['predictions'][0]
        assert (result['width'], result['height']) == wanted.shape[1::-1]
    for reader, pixels in found.items():
        np.testing.assert_array_equal(pixels, wanted, err_msg=reader)
    (tmp_path / 'list.txt').write_text(f'{path}\n')
    info = UnlabeledHOIDataset(
        str(tmp_path / 'list.txt'),
        'mini',
        pipeline=[dict(type='LoadImage', orientation=orientation)],
    ).get_data_info(0)
    size = read_image_size(path, orientation)
    assert size == (info['width'], info['height']) == wanted.shape[1::-1]
    turned = name.startswith('turned') and orientation == 'upright'
    assert size == ((64, 96) if turned else (96, 64))


@pytest.mark.parametrize(
    'name, most',
    [
        # The reader of older configs is bitwise unchanged.
        ('rgb.png', 0),
        ('palette.png', 0),
        ('one_bit.png', 0),
        ('rgb.bmp', 0),
        ('rgb.webp', 0),
        ('gray16.png', 0),
        # Two releases of libjpeg-turbo may round differently.
        ('rgb.jpg', 2),
        ('progressive.jpg', 2),
        ('gray.jpg', 2),
    ],
)
def test_plain_images_equal_mmcvs(folder, name, most):
    path = str(folder / name)
    theirs = LoadImageFromFile()(dict(img_path=path))
    ours = LoadImage('stored')(dict(img_path=path))
    assert ours['img'].dtype == theirs['img'].dtype
    assert ours['img_shape'] == theirs['img_shape']
    assert ours['ori_shape'] == theirs['ori_shape']
    difference = np.abs(ours['img'].astype(int) - theirs['img'])
    assert difference.max() <= most


def test_mini_world_images_equal_mmcvs(images):
    for path in images:
        theirs = LoadImageFromFile()(dict(img_path=str(path)))['img']
        ours = LoadImage('stored')(dict(img_path=str(path)))['img']
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    'config, orientation',
    [
        ('clhoi_r50_hico.py', 'stored'),
        ('clhoi_r50_vcoco.py', 'stored'),
        ('clhoi_rtmdet_m_hico.py', 'stored'),
        ('clhoi_r18_mini.py', 'stored'),
        ('clhoi_r50_unlabeled.py', 'upright'),
    ],
)
def test_configs_set_the_orientation(config, orientation):
    cfg = Config.fromfile(REPO / 'configs' / config)
    for split in ('train', 'test'):
        load = cfg[f'{split}_dataloader'].dataset.pipeline[0]
        assert load == dict(type='LoadImage', orientation=orientation)


def test_open_file_is_read(folder):
    path = folder / 'turned.tif'
    for orientation in ('stored', 'upright'):
        data = io.BytesIO(path.read_bytes())
        np.testing.assert_array_equal(
            read_image(data, orientation), read_image(path, orientation)
        )
