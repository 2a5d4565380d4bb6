"""Converted YOLOX releases give the same outputs."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmdet.datasets import CocoDataset
from mmengine.registry import init_default_scope
from torch import nn

from clhoi_mm.models import load_weights
from clhoi_mm.models.converters import (
    convert_yolox,
    read_yolox,
    write_checkpoint,
)
from clhoi_mm.registry import MODELS
from tests.data_utils import REPO
from tests.test_models.utils_converters import detector_config
from tests.test_models.utils_yolox import (
    SIZES,
    Source,
    fold_norms,
    make_release,
)
from tests.tool_utils import assert_in, run_tool

TOOL = REPO / 'tools/model_converters/yolox.py'
REAL = REPO.parent / 'shared/data/real'
NANO = REAL / 'detector/yolox_nano.onnx'


def make_target(meta):
    """Build mmdet's detector from a shipped config, adapted by meta."""
    init_default_scope('clhoi_mm')
    if meta['size'] == 'nano':
        return MODELS.build(detector_config('yolox_nano')).eval()
    config = detector_config('yolox_s')
    config.backbone.update(
        {k: meta[k] for k in ('deepen_factor', 'widen_factor')}
    )
    for key in ('in_channels', 'out_channels', 'num_csp_blocks'):
        config.neck[key] = meta[key]
    for key in ('in_channels', 'feat_channels'):
        config.bbox_head[key] = meta['out_channels']
    return MODELS.build(config).eval()


def convert(path):
    """Convert through files, like a user."""
    state, meta = convert_yolox(*read_yolox(str(path)))
    write_checkpoint(str(path.with_suffix('.out')), state, meta)
    loaded = load_weights(str(path.with_suffix('.out')))
    target = make_target(loaded['meta']['yolox'])
    target.load_state_dict(loaded['state_dict'])
    return target, loaded['meta']


def save_release(path, source):
    """Save a release like YOLOX's trainer."""
    torch.save(
        dict(
            start_epoch=300,
            model=source.state,
            optimizer=dict(state={}, param_groups=[dict(lr=0.1)]),
            best_ap=np.float64(0.4),
        ),
        path,
    )


def assert_same(source, target, size=(64, 96), tolerance=1e-6):
    """Compare raw outputs for an unnormalized BGR image."""
    torch.manual_seed(2)
    image = torch.randint(0, 256, (3, *size), dtype=torch.uint8)
    # Double precision: in single, the summation order shows.
    exact = Source(source.size, state=source.state).double()
    expected = exact.raw(image[None].double())
    data = target.data_preprocessor(dict(inputs=[image]))
    with torch.no_grad():
        found = (
            copy.deepcopy(target).double()._forward(data['inputs'].double())
        )
    for level, level_found in enumerate(zip(*found)):
        for kind, values in zip(('cls', 'reg', 'obj'), level_found):
            wanted = expected[level][kind]
            # Outputs must differ between places for a meaningful comparison.
            assert wanted.std() > 1e-2
            torch.testing.assert_close(
                values, wanted, atol=tolerance, rtol=tolerance
            )


@pytest.mark.parametrize('size', ['nano', 'tiny', 'm'])
def test_same_outputs(tmp_path, size):
    source = make_release(size)
    save_release(tmp_path / f'yolox_{size}.pth', source)
    target, meta = convert(tmp_path / f'yolox_{size}.pth')
    assert meta['yolox']['size'] == size
    assert meta['dataset_meta']['classes'] == list(
        CocoDataset.METAINFO['classes']
    )
    assert_same(source, target)


@pytest.mark.parametrize('size', SIZES)
def test_full_size_names_and_shapes(size):
    """Compare names and shapes of all published sizes."""
    state, meta = convert_yolox(make_release(size).state, {})
    assert meta['yolox']['size'] == size
    with torch.device('meta'):
        target = make_target(meta['yolox']).state_dict()
    assert {k: v.shape for k, v in state.items()} == {
        k: v.shape for k, v in target.items()
    }


class Export(nn.Module):
    """Release as its authors' script exports it: batch norms folded."""

    def __init__(self, size):
        super().__init__()
        self.size = size
        self.names = {}
        for name, value in fold_norms(make_release(size).state).items():
            self.names[name] = name.replace('.', '_')
            self.register_parameter(self.names[name], nn.Parameter(value))

    def source(self):
        state = {k: getattr(self, v) for k, v in self.names.items()}
        return Source(self.size, state=state)

    def forward(self, image):
        parts = [
            torch.cat(
                [x['reg'], x['obj'].sigmoid(), x['cls'].sigmoid()], 1
            ).flatten(2)
            for x in self.source().raw(image)
        ]
        return torch.cat(parts, 2).permute(0, 2, 1)


@pytest.fixture(scope='module', params=['nano', 'tiny'])
def export(request, tmp_path_factory):
    pytest.importorskip('onnx', reason='needs the extra onnx')
    model = Export(request.param)
    path = tmp_path_factory.mktemp('onnx') / f'yolox_{request.param}.onnx'
    torch.onnx.export(
        model,
        (torch.zeros(1, 3, 64, 96),),
        path,
        dynamo=False,
        opset_version=11,
    )
    return path, model.source()


def test_folded_batch_norms(export):
    path, source = export
    target, meta = convert(path)
    assert path.stem == f'yolox_{meta["yolox"]["size"]}'
    # The folded norm's variance, 1 - eps, has seven digits.
    assert_same(source, target, tolerance=1e-4)


def test_reordered_graph_is_not_mistaken(export, tmp_path):
    """Convolutions of equal shapes in another order are refused."""
    import onnx

    graph = onnx.load(export[0])
    convs = [node for node in graph.graph.node if node.op_type == 'Conv']
    # Two of one shape: the halves of the first CSP block.
    a, b = next(
        pair
        for pair in zip(convs, convs[1:])
        if pair[0].input[0] == pair[1].input[0]
    )
    a.output[0], b.output[0] = b.output[0], a.output[0]
    onnx.save(graph, tmp_path / 'swapped.onnx')
    with pytest.raises(ValueError, match='takes .*, not'):
        read_yolox(str(tmp_path / 'swapped.onnx'))
    del graph.graph.node[-40:]
    onnx.save(graph, tmp_path / 'short.onnx')
    with pytest.raises(ValueError, match='no published size has .* convol'):
        read_yolox(str(tmp_path / 'short.onnx'))
    (tmp_path / 'broken.onnx').write_bytes(b'\x00' * 99)
    with pytest.raises(ValueError, match='no ONNX file'):
        read_yolox(str(tmp_path / 'broken.onnx'))


@pytest.mark.skipif(not NANO.exists(), reason='needs ../shared/data/real')
def test_real_nano():
    """Compare real weights' boxes on a photo with ONNX Runtime."""
    pytest.importorskip('onnx', reason='needs the extra onnx')
    import mmcv

    state, meta = convert_yolox(*read_yolox(str(NANO)))
    target = make_target(meta['yolox'])
    target.load_state_dict(state)
    photo = sorted((REAL / 'v_coco_test').glob('*.jpg'))[0]
    image = mmcv.imrescale(mmcv.imread(photo), (416, 416))
    image = mmcv.impad(image, shape=(416, 416), pad_val=114)
    pixels = torch.from_numpy(image.transpose(2, 0, 1).copy())
    source = Source('nano', state=read_yolox(str(NANO))[0])
    assert_same(source, target, (416, 416), tolerance=1e-4)
    boxes, scores = source.boxes(pixels[None].float())
    try:
        import onnxruntime
    except ImportError:
        pass
    else:
        session = onnxruntime.InferenceSession(NANO)
        (raw,) = session.run(None, {'images': pixels[None].float().numpy()})
        own = torch.cat(
            [
                torch.cat(
                    [x['reg'], x['obj'].sigmoid(), x['cls'].sigmoid()], 1
                ).flatten(2)
                for x in source.raw(pixels[None].float())
            ],
            2,
        )
        torch.testing.assert_close(
            own[0].T, torch.from_numpy(raw[0]), atol=1e-3, rtol=1e-3
        )
    found = target.test_step(
        dict(
            inputs=[pixels],
            data_samples=[_sample((416, 416))],
        )
    )[0].pred_instances
    assert len(found) > 0 and found.scores.max() > 0.5
    for box, score, label in zip(found.bboxes, found.scores, found.labels):
        distance = (boxes - box).abs().amax(1)
        best = distance.argmin()
        assert distance[best] < 0.01
        assert abs(scores[best, label] - score) < 1e-4


def _sample(size):
    from mmdet.structures import DetDataSample

    return DetDataSample(
        metainfo=dict(img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0))
    )


def test_tool(tmp_path):
    save_release(tmp_path / 'yolox_nano.pth', make_release('nano', 3))
    (tmp_path / 'names.txt').write_text('person\nkettle\ncup\n\n')

    def run(*arguments):
        return run_tool(
            TOOL, 'yolox_nano.pth', '--out', 'out.pth', *arguments,
            cwd=tmp_path)  # fmt: skip

    refused = run()
    assert_in(refused.text, 'tell 3 classes apart', '--classes FILE')
    assert refused.code == 1 and not (tmp_path / 'out.pth').exists()
    done = run('--classes', 'names.txt').check()
    assert_in(
        done.text,
        '3 classes from person to cup',
        'YOLOX-nano: configs/_base_/models/yolox_nano.py',
    )
    missing = run('--classes', 'nothing.txt')
    assert missing.code == 1 and 'Traceback' not in missing.text


def test_unsupported_checkpoints_are_refused(tmp_path):
    state = make_release('nano').state
    with pytest.raises(ValueError, match='stem.conv.conv.weight is missing'):
        convert_yolox(dict(odd=torch.ones(1)), {})
    with pytest.raises(ValueError, match='1 of .* names .*such as head.mask'):
        convert_yolox({**state, 'head.mask': torch.ones(1)}, {})
    name = 'backbone.backbone.stem.conv.conv.weight'
    with pytest.raises(ValueError, match='no published size .*17 channels'):
        convert_yolox({**state, name: torch.rand(17, 12, 3, 3)}, {})
    with pytest.raises(FileNotFoundError, match='does not exist'):
        read_yolox(str(tmp_path / 'nothing.onnx'))


@settings(max_examples=12, deadline=None)
@given(
    size=st.sampled_from(['nano', 'tiny', 's']), data=st.data(),
    folded=st.booleans(),
)  # fmt: skip
def test_missing_or_extra_tensor_is_refused(size, data, folded):
    """An incomplete checkpoint is never converted in part."""
    state = make_release(size).state
    state = fold_norms(state) if folded else state
    converted, meta = convert_yolox(dict(state), {})
    names = make_target(meta['yolox']).state_dict().keys()
    assert converted.keys() == names
    gone = data.draw(st.sampled_from(sorted(state)))
    try:
        partial, meta = convert_yolox(
            {k: v for k, v in state.items() if k != gone}, {}
        )
    except ValueError:
        return
    # The detector refuses missing tensors, except batch counters.
    assert partial.keys() != names or gone.endswith('num_batches_tracked')
