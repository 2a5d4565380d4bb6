"""Models without weights and scenes without data for benchmark.py."""

import os
import platform
from typing import List, Optional, Union

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import BaseDataElement, InstanceData

from clhoi_mm.models import CLHOI
from clhoi_mm.registry import MODELS
from clhoi_mm.structures import HOIDataSample
from clhoi_mm.vocabulary import HOIVocabulary


def build_model(cfg: Config, device: str) -> CLHOI:
    """Build the config's model with random weights and without files."""
    init_default_scope(cfg.get('default_scope', 'clhoi_mm'))
    model = cfg.model
    if 'detector' not in model.detector:
        raise SystemExit(
            f'this config has no detector but {model.detector.type}: '
            'inference on an image cannot be timed'
        )
    model.detector.update(
        checkpoint=None, allow_random=True, feat_cache_size=0
    )
    head = model.teacher_head
    head.text_encoder = f'hashed:{head.text_dim}'
    if model.detector.get('classes') is None:
        # A checkpoint would contain them.
        vocabulary = HOIVocabulary.load(head.vocabulary)
        model.detector.classes = list(vocabulary.objects)
    torch.manual_seed(0)
    built = MODELS.build(model)
    built.teacher_head.classifier.ensure_encoded()
    return built.to(device).eval()


class Scenes:
    """Random images with a given number of human-object pairs.

    Args:
        model (CLHOI): Model whose pairing is set up to keep all pairs.
        height (int): Height of the images.
        width (int): Width of the images.

    Attributes:
        query_embed_dims (int, optional): Width of the detector's query
            embeddings. None for a detector without queries.
    """

    def __init__(self, model: CLHOI, height: int, width: int) -> None:
        self.model = model
        self.size = height, width
        self.query_embed_dims: Optional[int] = None
        self.random = torch.Generator().manual_seed(0)
        self.device = next(model.parameters()).device

    def inputs(self, batch: int) -> torch.Tensor:
        """Generate random inputs of the network, (B, 3, H, W)."""
        images = torch.randn(batch, 3, *self.size, generator=self.random)
        return images.to(self.device)

    def sample(self) -> HOIDataSample:
        """Make a sample with the image's size."""
        return HOIDataSample(
            metainfo=dict(
                img_id=0,
                img_path='random',
                img_shape=self.size,
                ori_shape=self.size,
                batch_input_shape=self.size,
                scale_factor=(1.0, 1.0),
            )
        )

    def allow(self, pairs: int) -> None:
        """Set the model's maximum number of pairs per image."""
        pairing = self.model.pairing
        pairing.max_humans = pairing.max_objects = pairs + 1
        pairing.max_pairs = pairs

    def detections(self, pairs: int) -> InstanceData:
        """Generate detections that form the given number of pairs.

        There are about half as many persons as other instances.
        """
        pairing = self.model.pairing
        phrases = self.model.teacher_head.classifier
        persons = max(1, round((pairs / 2) ** 0.5))
        count = 1 + -(-pairs // persons)
        things = phrases.is_candidate.nonzero().flatten().cpu()
        things = things[things != pairing.person_label]
        labels = things[
            torch.randint(len(things), (count,), generator=self.random)
        ]
        labels[:persons] = pairing.person_label
        corner, size = torch.rand(2, count, 2, generator=self.random)
        scale = torch.tensor(self.size[::-1])
        corner, size = corner * 0.6 * scale, size * 0.35 * scale + 16
        instances = InstanceData(
            bboxes=torch.cat([corner, corner + size], 1),
            labels=labels,
            scores=0.5 + torch.rand(count, generator=self.random) / 2,
        )
        if self.query_embed_dims:
            instances.query_embeds = torch.randn(
                count, self.query_embed_dims, generator=self.random
            )
        return instances.to(self.device)

    def pseudo_labels(self, number: int = 4) -> BaseDataElement:
        """Generate pseudo-labels of an image."""
        phrases = self.model.teacher_head.classifier
        hois = torch.randint(
            len(phrases.hoi_verbs), (number,), generator=self.random
        )
        embeds = phrases.hoi_phrases.cpu()[hois]
        return BaseDataElement(
            caption_embed=torch.nn.functional.normalize(embeds.sum(0), dim=0),
            sentence_embeds=embeds,
            verb_labels=phrases.hoi_verbs.cpu()[hois],
            obj_labels=phrases.hoi_objects.cpu()[hois],
            hoi_labels=hois,
            phrase_ids=torch.arange(number),
            phrase_embeds=embeds,
            scores=torch.rand(number, generator=self.random),
            valid=True,
        )

    def write_image(self, path: str) -> str:
        """Write a photo-like JPEG of the images' size."""
        rough = np.random.default_rng(0).integers(
            0, 256, (self.size[0] // 8, self.size[1] // 8, 3), np.uint8
        )
        cv2.imwrite(path, cv2.resize(rough, self.size[::-1]))
        return path


def describe_machine(device: str) -> str:
    """Describe processor, threads, versions and load in one line."""
    cpu = platform.processor() or platform.machine()
    if os.path.exists('/proc/cpuinfo'):
        with open('/proc/cpuinfo') as file:
            names = [
                row.split(':')[1].strip()
                for row in file
                if row.startswith('model name')
            ]
        cpu = names[0] if names else cpu
    parts = [f'{cpu}, {torch.get_num_threads()} of {os.cpu_count()} threads']
    flags = torch.backends.cpu.get_cpu_capability()
    parts.append(flags)
    if device.startswith('cuda'):
        parts.append(torch.cuda.get_device_name(device))
    parts.append(f'torch {torch.__version__}')
    load = ' '.join(f'{x:.1f}' for x in os.getloadavg())
    return f'{"; ".join(parts)}; load {load}'


def print_table(rows: List[dict], columns: List[str]) -> None:
    """Print rows as a Markdown table."""
    print('| ' + ' | '.join(columns) + ' |')
    print('|' + '---|' * len(columns))
    for row in rows:
        cells = [_write(name, row[name]) for name in columns]
        print('| ' + ' | '.join(cells) + ' |')


def _write(name: str, value: Union[float, str]) -> str:
    if isinstance(value, (int, str)):
        return str(value)
    return f'{value:.{2 if name.endswith("ratio") else 1}f}'
