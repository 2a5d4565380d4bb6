"""Two gloo processes give the results of one process."""

import datetime
import functools
import multiprocessing

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.multiprocessing.spawn import start_processes

from clhoi_mm.models.heads import Context
from clhoi_mm.models.losses.distributed import all_gather_with_grad
from tests.test_models.utils import (
    BIKE,
    DOG,
    HOLD_DOG,
    PARK,
    RIDE,
    SCENE,
    SIZE,
    VOCABULARY,
    build,
    make_sample,
    model_cfg,
    total,
)
from tests.test_models.utils_targets import make_targets

WORLD = 2
# Captions and sentences of four images, by batch. In the next-to-last batch
# one process has none, in the last one both have none.
BATCHES = [
    ([1, 1, 1, 1], [2, 2, 2, 2]),
    ([1, 1, 1, 0], [2, 1, 2, 0]),
    ([1, 1, 0, 0], [1, 2, 0, 0]),
    ([0, 0, 0, 0], [0, 0, 0, 0]),
]
BIKER = dict(
    pseudo_labels=((RIDE, BIKE, 0.9), (-1, BIKE, 0.4)), hois=((0, 1, RIDE),)
)
WALKER = dict(pseudo_labels=((HOLD_DOG, DOG, 0.6),), hois=((2, 3, HOLD_DOG),))
NOBODY = dict(rows=SCENE[1::2], hois=())
ALONE = dict(rows=SCENE[:1], hois=())
SILENT = dict(pseudo_labels=(), caption='', valid=False)
BARE = dict(SILENT, rows=(), hois=())
# Four images each; the last two belong to the second process.
SCENES = {
    'all have pairs and labels': [BIKER, WALKER, {}, BIKER],
    'one process without a person': [{}, BIKER, NOBODY, NOBODY],
    'one process without a pair': [{}, BIKER, ALONE, ALONE],
    'one process without labels': [BIKER, {}, SILENT, SILENT],
    'one process with nothing': [BIKER, WALKER, BARE, BARE],
    'nothing anywhere': [BARE] * 4,
    'and on it goes': [{}, BIKER, WALKER, NOBODY],
}
SUPERVISIONS = ('vllm', 'image', 'instance')


class FakeVLT(nn.Module):
    """Stand-in for a VLT."""

    def __init__(self):
        super().__init__()
        self.image = nn.Linear(8, 6)
        self.tokens = nn.Linear(8, 3 * 6)

    def forward(self, x):
        tokens = self.tokens(x).view(len(x), 3, 6)
        return Context(
            tokens,
            F.normalize(tokens, dim=-1),
            F.normalize(self.image(x), dim=-1),
        )


def context_run(rows):
    """Return losses, gradients and queue for rows of the batches."""
    torch.manual_seed(0)
    reader = FakeVLT()
    loss = build(
        dict(type='ContextDistillLoss', text_dim=6, queue_size=6)
    ).train()
    log_scale = nn.Parameter(torch.tensor(2.0))
    generator = torch.Generator().manual_seed(0)
    outcome = []
    for has_caption, count in BATCHES:
        x = torch.randn(4, 8, generator=generator)
        captions = F.normalize(torch.randn(4, 6, generator=generator), dim=1)
        sentences = F.normalize(
            torch.randn(4, 2, 6, generator=generator), dim=2
        )
        has_sentence = torch.arange(2) < torch.tensor(count)[:, None]
        targets = make_targets(
            captions=captions[rows],
            has_caption=torch.tensor(has_caption).bool()[rows],
            sentences=sentences[rows],
            has_sentence=has_sentence[rows],
        )
        params = [*reader.parameters(), log_scale]
        for param in params:
            param.grad = None
        losses = loss(reader(x[rows]), targets, log_scale)
        total(losses).backward()
        outcome.append(
            dict(
                losses={k: v.detach() for k, v in losses.items()},
                grads=[p.grad for p in params],
                queue=loss.queue.clone(),
                filled=loss.queue_filled.clone(),
            )
        )
    return outcome


def noise_run(rows):
    """Return a noise model's counts after rows of two batches."""
    noise = build(dict(type='EMLabelNoise', vocabulary=PARK, warmup=0))
    generator = torch.Generator().manual_seed(0)
    for _ in range(2):
        yes, said, possible = torch.rand(
            3, 4, VOCABULARY.num_hois, generator=generator
        )
        noise.update(
            torch.log1p(-yes)[rows],
            (said * (said > 0.6))[rows],
            possible[rows] > 0.2,
        )
    return noise.state_dict()


def model_run(supervision, rows):
    """Return gradients and buffers of a whole model by step.

    Several processes each have a model in DistributedDataParallel.
    """
    cfg = model_cfg(supervision)
    # The noise model corrects pseudo-labels from the third batch on.
    cfg['interaction_loss'].update(contrast=dict(type='PairContrastLoss'))
    cfg['label_noise'] = dict(type='EMLabelNoise', warmup=2)
    model = build(cfg).train()
    wrapped = (
        model
        if rows == slice(None)
        else nn.parallel.DistributedDataParallel(
            model, broadcast_buffers=False
        )
    )
    inputs = torch.zeros(4, 3, *SIZE)[rows]
    steps = []
    for images in SCENES.values():
        samples = [make_sample(**image) for image in images][rows]
        for stage in (1, 2):
            model.stage = stage
            model.zero_grad()
            total(
                wrapped(inputs, [s.clone() for s in samples], mode='loss')
            ).backward()
            grads = {
                name: param.grad.clone()
                for name, param in model.named_parameters()
                if param.requires_grad
            }
            buffers = {
                name: value.clone()
                for name, value in model.named_buffers()
                if name.startswith(('context_loss', 'label_noise'))
            }
            steps.append((grads, buffers))
    return steps


def work(rank, folder):
    torch.set_num_threads(1)
    dist.init_process_group(
        'gloo',
        init_method=f'file://{folder}/rendezvous',
        rank=rank,
        world_size=WORLD,
        timeout=datetime.timedelta(seconds=120),
    )
    rows, start = all_gather_with_grad(torch.full((2, 1), float(rank)))
    mine = slice(2 * rank, 2 * rank + 2)
    outcome = dict(
        rows=rows.flatten().tolist(),
        start=start,
        context=context_run(mine),
        noise=noise_run(mine),
        model={kind: model_run(kind, mine) for kind in SUPERVISIONS},
    )
    torch.save(outcome, f'{folder}/{rank}.pth')
    dist.destroy_process_group()


@pytest.fixture(scope='module')
def outcomes(tmp_path_factory):
    if not dist.is_available():
        pytest.skip('this torch is built without torch.distributed')
    folder = str(tmp_path_factory.mktemp('gloo'))
    # Both processes share one import, and no thread of this process.
    multiprocessing.set_forkserver_preload(['tests.test_models.utils'])
    start_processes(
        work, (folder,), WORLD, start_method='forkserver', join=True
    )
    return [torch.load(f'{folder}/{rank}.pth') for rank in range(WORLD)]


@pytest.fixture(scope='module')
def whole():
    """Return the results of one process with all four images."""
    return functools.lru_cache(lambda kind: model_run(kind, slice(None)))


def test_all_gather_with_grad(outcomes):
    for rank, outcome in enumerate(outcomes):
        assert outcome['rows'] == [0, 0, 1, 1]
        assert outcome['start'] == 2 * rank


@pytest.mark.parametrize('batch', range(len(BATCHES)))
def test_context_distillation_equals_the_whole_batch(outcomes, batch):
    """DistributedDataParallel averages gradients; logs average losses."""
    whole = context_run(slice(None))[batch]
    parts = [outcome['context'][batch] for outcome in outcomes]
    for key, value in whole['losses'].items():
        mean = sum(p['losses'][key] for p in parts) / WORLD
        torch.testing.assert_close(mean, value)
    for i, grad in enumerate(whole['grads']):
        mean = sum(p['grads'][i] for p in parts) / WORLD
        torch.testing.assert_close(mean, grad, rtol=1e-4, atol=1e-6)
    for part in parts:
        torch.testing.assert_close(part['queue'], whole['queue'])
        assert part['filled'] == whole['filled']


def test_noise_counts_equal_those_of_the_whole_batch(outcomes):
    whole = noise_run(slice(None))
    for outcome in outcomes:
        torch.testing.assert_close(outcome['noise'], whole)


@pytest.mark.parametrize('scene', SCENES)
@pytest.mark.parametrize('supervision', SUPERVISIONS)
def test_gradients_equal_those_of_the_whole_batch(
    outcomes, whole, supervision, scene
):
    """Compare to 1e-4 of each parameter's largest gradient."""
    first = 2 * list(SCENES).index(scene)
    for step in (first, first + 1):
        expected, buffers = whole(supervision)[step]
        has_gradient = False
        for outcome in outcomes:
            grads, own = outcome['model'][supervision][step]
            for name, grad in expected.items():
                tolerance = 1e-4 * grad.abs().max() + 1e-7
                assert (grads[name] - grad).abs().max() <= tolerance, name
                has_gradient |= bool(grad.abs().max() > 1e-4)
            torch.testing.assert_close(own, buffers)
        # Annotated images without pairs have negative labels.
        assert has_gradient or scene == 'nothing anywhere'
