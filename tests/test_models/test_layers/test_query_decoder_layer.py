import pytest
import torch
from torch import nn

from clhoi_mm.models.layers import QueryDecoderLayer


@pytest.mark.parametrize('norm_first', [True, False])
def test_equals_its_base_class(norm_first):
    torch.manual_seed(0)
    options = dict(
        d_model=8,
        nhead=2,
        dim_feedforward=16,
        dropout=0.0,
        batch_first=True,
        norm_first=norm_first,
    )
    plain, reader = (
        nn.TransformerDecoderLayer(**options),
        QueryDecoderLayer(**options),
    )
    nn.init.normal_(plain.multihead_attn.in_proj_bias)
    nn.init.normal_(plain.multihead_attn.out_proj.bias)
    reader.load_state_dict(plain.state_dict())
    padding = torch.zeros(3, 5, dtype=torch.bool)
    padding[1, 2:] = True
    for mask in (None, padding):
        grads, outputs = [], []
        for layer in (plain, reader):
            generator = torch.Generator().manual_seed(1)
            x, memory = (
                torch.randn(3, n, 8, generator=generator).requires_grad_()
                for n in (4, 5)
            )
            y = layer(x, memory, memory_key_padding_mask=mask)
            layer.zero_grad()
            y.square().sum().backward()
            outputs.append(y)
            grads.append({
                'x': x.grad, 'memory': memory.grad,
                **{k: p.grad for k, p in layer.named_parameters()}
            })  # fmt: skip
        torch.testing.assert_close(*outputs)
        for name, grad in grads[0].items():
            torch.testing.assert_close(
                grads[1][name], grad, rtol=1e-4, atol=1e-5, msg=name
            )


@pytest.mark.parametrize(
    'option',
    [
        dict(dropout=0.1),
        dict(batch_first=False),
    ],
)
def test_unsupported_options_are_errors(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        QueryDecoderLayer(8, 2, **option)
