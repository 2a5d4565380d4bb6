import pytest
import torch
from mmdet.models.layers import SinePositionalEncoding

from tests.test_models.utils import build


def make_vlt(name='VLT', **options):
    cfg = dict(
        type=name,
        in_channels=4,
        text_dim=12,
        embed_dims=16,
        num_tokens=5,
        num_layers=2,
        num_heads=2,
    )
    return build(cfg | options)


def make_maps(batch=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(batch, 4, 64 // s, 96 // s, generator=generator)
        for s in (8, 16, 32)
    ]


NONE = torch.zeros(2, 64, 96, dtype=torch.bool)


@pytest.mark.parametrize('name', ['VLT', 'VisualLinguisticTranslator'])
@pytest.mark.parametrize('levels', [(-1,), (0, 1), (0, 1, 2)])
def test_forward_and_backward(name, levels):
    vlt = make_vlt(name, levels=levels)
    context = vlt(make_maps(), NONE)
    assert context.tokens.shape == (2, 5, 16)
    assert context.token_embeds.shape == (2, 5, 12)
    assert context.image_embed.shape == (2, 12)
    torch.testing.assert_close(
        context.token_embeds.norm(dim=2), torch.ones(2, 5)
    )
    torch.testing.assert_close(context.image_embed.norm(dim=1), torch.ones(2))
    (context.token_embeds.sum() + context.image_embed.sum()).backward()
    for param in vlt.parameters():
        assert torch.isfinite(param.grad).all()


@pytest.mark.parametrize(
    'max_tokens, expected', [(1000, 96), (96, 96), (95, 77), (1, 1)]
)
def test_large_maps_are_pooled(max_tokens, expected):
    vlt = make_vlt(levels=(0,), max_tokens=max_tokens)
    memory, mask = vlt.read_maps(make_maps(), NONE)
    assert memory.shape == (2, expected, 16)
    assert mask.shape == (2, expected)


def test_padding_has_no_effect():
    vlt = make_vlt(levels=(0, 1, 2))
    maps = make_maps()
    padding = NONE.clone()
    padding[1, 32:] = True
    padding[1, :, 64:] = True
    context = vlt(maps, padding)
    for m, s in zip(maps, (8, 16, 32)):
        m[1, :, 32 // s :] = 100.0
        m[1, :, :, 64 // s :] = 100.0
    torch.testing.assert_close(vlt(maps, padding).tokens, context.tokens)
    alone = [m[1:, :, : 32 // s, : 64 // s] for m, s in zip(maps, (8, 16, 32))]
    torch.testing.assert_close(
        vlt(alone, NONE[:1, :32, :64]).tokens[0],
        context.tokens[1],
        rtol=1e-4,
        atol=1e-5,
    )


def test_smallest_image_beside_a_large_one_is_finite():
    padding = NONE.clone()
    padding[1] = True
    padding[1, 0, 0] = False
    context = make_vlt()(make_maps(), padding)
    assert torch.isfinite(context.tokens).all()


def test_positions_change_the_output():
    vlt = make_vlt(levels=(0,))
    maps = make_maps()
    flipped = [m.flip(-1) for m in maps]
    assert not torch.allclose(
        vlt(maps, NONE).tokens, vlt(flipped, NONE).tokens, atol=1e-4
    )


def test_compiles_without_graph_breaks():
    vlt = make_vlt(levels=(0, 1))
    maps = make_maps()
    compiled = torch.compile(vlt, backend='eager', fullgraph=True)
    torch.testing.assert_close(
        compiled(maps, NONE).tokens, vlt(maps, NONE).tokens
    )


def test_positions_equal_mmdets_inside_images():
    vlt = make_vlt()
    mask = torch.ones(2, 5, 7, dtype=torch.bool)
    mask[0, :5, :4] = False
    mask[1, :2, :7] = False
    rows, columns = vlt.positions(mask, (5, 7))
    found = torch.cat(
        [
            rows[:, :, None].expand(-1, -1, 7, -1),
            columns[:, None].expand(-1, 5, -1, -1),
        ],
        -1,
    )
    encode = SinePositionalEncoding(8, normalize=True)
    torch.testing.assert_close(
        found[~mask], encode(mask).movedim(1, -1)[~mask]
    )


@pytest.mark.parametrize('levels', [(-1,), (0, 2)])
def test_no_padding_is_a_mask_of_none(levels):
    vlt = make_vlt(levels=levels)
    maps = make_maps()
    with_mask, without = vlt(maps, NONE), vlt(maps)
    torch.testing.assert_close(without.tokens, with_mask.tokens)
    assert vlt.read_maps(maps, None)[1] is None


def test_text_is_left_out_on_request():
    vlt = make_vlt()
    context = vlt(make_maps(), NONE, with_text=False)
    torch.testing.assert_close(context.tokens, vlt(make_maps(), NONE).tokens)
    assert context.token_embeds is None and context.image_embed is None
