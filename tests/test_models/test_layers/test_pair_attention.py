import pytest
import torch
from torch import nn

from clhoi_mm.models.layers import (
    ContextCrossAttention,
    PairAttention,
    PairDecoderLayer,
)
from clhoi_mm.models.task_modules import PairBatch, PairGrid, pair_grid
from clhoi_mm.models.task_modules.pair_grid import similar_images

# Three pairs of one image and two of another, four slots wide.
SLOTS = torch.tensor([0, 1, 2, 4, 5])
HUMANS = torch.tensor([[0, 0, 1, -1], [2, 3, -1, -1]])
OBJECTS = torch.tensor([[5, 6, 5, -1], [7, 7, -1, -1]])
GRID = PairGrid(SLOTS, HUMANS, OBJECTS)
FIRST = PairGrid(SLOTS[:3], HUMANS[:1, :3], OBJECTS[:1, :3])
SECOND = PairGrid(torch.tensor([0, 1]), HUMANS[1:, :2], OBJECTS[1:, :2])
NOBODY = PairGrid(SLOTS[:0], HUMANS[:, :1] * 0 - 1, HUMANS[:, :1] * 0 - 1)


@pytest.fixture
def attention():
    torch.manual_seed(0)
    layer = PairAttention(8, 2)
    nn.init.normal_(layer.bias)
    return layer


def test_pad_and_unpad_are_inverse():
    x = torch.randn(5, 3)
    pad = GRID.pad(x)
    assert pad.shape == (2, 4, 3)
    torch.testing.assert_close(pad[1, 1], x[4])
    assert (pad[HUMANS < 0] == 0).all()
    torch.testing.assert_close(GRID.unpad(pad), x)


def test_single_head_by_hand():
    torch.manual_seed(0)
    layer = PairAttention(4, 1)
    nn.init.normal_(layer.bias)
    x = torch.randn(3, 4)
    q, k, v = layer.qkv(x).split(4, 1)
    same_human, same_object = layer.bias[:, 0]
    logits = q @ k.T / 2  # Square root of the head width 4.
    for i in range(3):
        for j in range(3):
            logits[i, j] += same_human * (HUMANS[0, i] == HUMANS[0, j])
            logits[i, j] += same_object * (OBJECTS[0, i] == OBJECTS[0, j])
    torch.testing.assert_close(
        layer(x, FIRST), layer.out(logits.softmax(1) @ v)
    )


def test_other_images_and_padding_have_no_effect(attention):
    x = torch.randn(5, 8)
    y = attention(x, GRID)
    torch.testing.assert_close(attention(x[:3], FIRST), y[:3])
    torch.testing.assert_close(attention(x[3:], SECOND), y[3:])


def test_equivariant_to_instance_order(attention):
    x = torch.randn(3, 8)
    order = [2, 0, 1]
    other = PairGrid(
        FIRST.slots, FIRST.humans[:, order], FIRST.objects[:, order]
    )
    torch.testing.assert_close(
        attention(x[order], other), attention(x, FIRST)[order]
    )
    renamed = FIRST._replace(humans=10 - FIRST.humans)
    torch.testing.assert_close(attention(x, renamed), attention(x, FIRST))


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
@pytest.mark.parametrize('with_context', [False, True])
def test_images_without_pairs_are_finite(dtype, with_context):
    torch.manual_seed(0)
    layer = PairDecoderLayer(8, 2, 2.0, with_context).to(dtype)
    context = torch.randn(2, 3, 8, dtype=dtype) if with_context else None
    x = torch.randn(2, 8, dtype=dtype, requires_grad=True)
    alone = PairGrid(
        torch.tensor([0, 1]),
        HUMANS[:1, :2].new_tensor([[0, 0], [-1, -1]]),
        OBJECTS.new_tensor([[5, 6], [-1, -1]]),
    )
    y = layer(x, alone, context)
    y.sum().backward()
    assert torch.isfinite(y).all() and torch.isfinite(x.grad).all()
    assert layer(x[:0], NOBODY, context).shape == (0, 8)
    for param in layer.parameters():
        assert torch.isfinite(param.grad).all()


@pytest.mark.parametrize('with_context', [False, True])
def test_layer_attends_to_its_own_context_only(with_context):
    torch.manual_seed(0)
    layer = PairDecoderLayer(8, 2, 2.0, with_context)
    assert hasattr(layer, 'context_attn') == with_context
    x = torch.randn(5, 8)
    context = torch.randn(2, 3, 8) if with_context else None
    y = layer(x, GRID, context)
    assert y.shape == x.shape
    if with_context:
        context[1] += 1
        z = layer(x, GRID, context)
        torch.testing.assert_close(z[:3], y[:3])
        assert not torch.allclose(z[3:], y[3:])


def test_cross_attention_equals_torchs():
    torch.manual_seed(0)
    listener = ContextCrossAttention(8, 2)
    torchs = nn.MultiheadAttention(8, 2, batch_first=True)
    torchs.load_state_dict(
        {
            'in_proj_weight': torch.cat(
                [listener.query.weight, listener.key_value.weight]
            ),
            'in_proj_bias': torch.cat(
                [listener.query.bias, listener.key_value.bias]
            ),
            'out_proj.weight': listener.out.weight,
            'out_proj.bias': listener.out.bias,
        }
    )
    x, context = torch.randn(5, 8), torch.randn(2, 3, 8)
    y, weights = torchs(GRID.pad(x), context, context)
    torch.testing.assert_close(listener(x, GRID, context), GRID.unpad(y))
    torch.testing.assert_close(
        listener.weights(x, GRID, context), GRID.unpad(weights)
    )


def test_chunked_attention_is_the_same(attention, monkeypatch):
    counts = [3, 0, 40, 9, 1, 17, 8]
    rows = sum(counts)
    image = torch.repeat_interleave(torch.tensor(counts))
    pairs = PairBatch(
        boxes=torch.zeros(rows, 4),
        labels=torch.zeros(rows, dtype=torch.long),
        scores=torch.ones(rows),
        image_inds=image,
        human_inds=torch.arange(rows) // 3,
        object_inds=torch.arange(rows) % 5,
        pair_inds=image,
        image_sizes=torch.ones(len(counts), 2),
        num_pairs=counts,
    )
    x = torch.randn(rows, 8, requires_grad=True)
    assert not PairGrid.of(pairs).parts  # Small enough for a single chunk.
    monkeypatch.setattr(pair_grid, 'MIN_PAIRS_OF_PAIRS', 0)
    grid = PairGrid.of(pairs)
    widths = [part.humans.size(1) for _, part in grid.parts]
    assert widths == [40, 17, 8]
    whole = attention(x, grid._replace(parts=()))
    torch.testing.assert_close(attention(x, grid), whole)
    assert list(similar_images(counts)) == [[2], [5, 3], [6, 0, 4]]
    monkeypatch.setattr(pair_grid, 'MAX_PAIRS_OF_PAIRS', 128)
    assert list(similar_images(counts)) == [[2], [5], [3], [6, 0], [4]]
    (grad,) = torch.autograd.grad(attention(x, grid).sum(), x)
    assert grad.isfinite().all()
