import pytest
import torch

from clhoi_mm.models.layers import ICNLayer, PairAttention

HUMANS = torch.tensor([[0, 0, 1, -1], [2, 3, -1, -1]])
OBJECTS = torch.tensor([[5, 6, 5, -1], [7, 7, -1, -1]])


@pytest.fixture
def attention():
    torch.manual_seed(0)
    layer = PairAttention(8, 2)
    torch.nn.init.normal_(layer.bias)
    return layer


def test_one_head_by_hand():
    torch.manual_seed(0)
    layer = PairAttention(4, 1)
    torch.nn.init.normal_(layer.bias)
    x = torch.randn(1, 3, 4)
    humans, objects = HUMANS[:1, :3], OBJECTS[:1, :3]
    q, k, v = layer.qkv(x[0]).split(4, 1)
    same_human, same_object = layer.bias[:, 0]
    logits = q @ k.T / 2  # root of 4
    for i in range(3):
        for j in range(3):
            logits[i, j] += same_human * (humans[0, i] == humans[0, j])
            logits[i, j] += same_object * (objects[0, i] == objects[0, j])
    torch.testing.assert_close(
        layer(x, humans, objects)[0], layer.out(logits.softmax(1) @ v))


def test_padding_is_not_seen(attention):
    x = torch.randn(2, 4, 8)
    other = x.clone()
    other[HUMANS < 0] = 9.
    seen = HUMANS >= 0
    torch.testing.assert_close(
        attention(x, HUMANS, OBJECTS)[seen],
        attention(other, HUMANS, OBJECTS)[seen])
    torch.testing.assert_close(
        attention(x[1:, :2], HUMANS[1:, :2], OBJECTS[1:, :2]),
        attention(x, HUMANS, OBJECTS)[1:, :2])


def test_order_and_names_of_instances_do_not_matter(attention):
    x = torch.randn(2, 4, 8)
    order = [2, 0, 3, 1]
    torch.testing.assert_close(
        attention(x[:, order], HUMANS[:, order], OBJECTS[:, order]),
        attention(x, HUMANS, OBJECTS)[:, order])
    renamed = torch.where(HUMANS >= 0, 10 - HUMANS, -1)
    torch.testing.assert_close(
        attention(x, renamed, OBJECTS), attention(x, HUMANS, OBJECTS))


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_image_without_pairs_is_finite(attention, dtype):
    x = torch.randn(1, 2, 8, dtype=dtype, requires_grad=True)
    nobody = torch.full((1, 2), -1)
    y = attention.to(dtype)(x, nobody, nobody)
    y.sum().backward()
    assert torch.isfinite(y).all() and torch.isfinite(x.grad).all()


@pytest.mark.parametrize('with_context', [False, True])
def test_layer_listens_to_its_context_only(with_context):
    torch.manual_seed(0)
    layer = ICNLayer(8, 2, 2., with_context)
    assert hasattr(layer, 'context_attn') == with_context
    x = torch.randn(2, 4, 8)
    context = torch.randn(2, 3, 8) if with_context else None
    y = layer(x, HUMANS, OBJECTS, context)
    assert y.shape == x.shape
    if with_context:
        context[1] += 1
        z = layer(x, HUMANS, OBJECTS, context)
        torch.testing.assert_close(z[0], y[0])
        assert not torch.allclose(z[1], y[1])
