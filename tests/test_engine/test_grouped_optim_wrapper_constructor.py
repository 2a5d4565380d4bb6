import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from clhoi_mm.engine import GroupedOptimWrapperConstructor
from clhoi_mm.registry import OPTIM_WRAPPER_CONSTRUCTORS


def make(constructor):
    """Build a model of two parts and its optimizer."""
    model = nn.Module()
    torch.manual_seed(0)
    for name in ('vlt', 'icn'):
        model.add_module(
            name,
            nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 3)),
        )
    model.scale = nn.Parameter(torch.ones(()))
    wrapper = build_optim_wrapper(
        model,
        dict(
            type='OptimWrapper',
            constructor=constructor,
            optimizer=dict(type='AdamW', lr=0.1, weight_decay=0.1, fused=True),
            paramwise_cfg=dict(
                norm_decay_mult=0.0,
                bias_decay_mult=0.0,
                custom_keys=dict(vlt=dict(lr_mult=0.5)),
            ),
        ),
    )
    return model, wrapper


def train(model, wrapper):
    for step in range(4):
        x = torch.randn(5, 3, generator=torch.Generator().manual_seed(step))
        loss = (model.scale * model.icn(model.vlt(x)) - 1).square().mean()
        wrapper.update_params(loss)
    return model.state_dict()


def test_grouped_optimizer_trains_the_same():
    assert (
        OPTIM_WRAPPER_CONSTRUCTORS.get('GroupedOptimWrapperConstructor')
        is GroupedOptimWrapperConstructor
    )
    model, few = make('GroupedOptimWrapperConstructor')
    other, many = make('DefaultOptimWrapperConstructor')
    groups = few.optimizer.param_groups
    assert [len(group['params']) for group in groups] == [1, 6, 2, 4]
    names = {param: name for name, param in model.named_parameters()}
    parts = [
        {names[p].split('.')[0] for p in group['params']} for group in groups
    ]
    assert parts == [{'scale'}, {'vlt'}, {'icn'}, {'icn'}]
    assert [(g['lr'], g['weight_decay']) for g in groups] == [
        (0.1, 0.1),
        (0.05, 0.1),
        (0.1, 0.1),
        (0.1, 0.0),
    ]
    assert len(many.optimizer.param_groups) == 13
    got, expected = train(model, few), train(other, many)
    for name, value in expected.items():
        torch.testing.assert_close(got[name], value, msg=name)
