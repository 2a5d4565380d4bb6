"""Timing of training steps for benchmark.py --train."""

import argparse
import os
import tempfile
from typing import List

import torch

from benchmarks.parts import Stopwatch
from benchmarks.setup import Scenes, build_model
from clhoi_mm.config_file import read_config
from clhoi_mm.datasets import DetectionFile, DetectionFileWriter
from clhoi_mm.datasets.detection_file import DetectorView
from clhoi_mm.models import CLHOI
from clhoi_mm.structures import HOIDataSample

COLUMNS = (
    'pairs',
    'batch',
    'detector_ms',
    'live_ms',
    'live_ratio',
    'cached_ms',
    'speedup',
)


@torch.no_grad()
def write_features(
    model: CLHOI, path: str, inputs: torch.Tensor, samples: List[HOIDataSample]
) -> DetectionFile:
    """Write a file of the detector's outputs for the images.

    RoI features, if the model uses any, are those of its pairs.
    """
    extractor = getattr(model.icn, 'roi_extractor', None)
    size = tuple(inputs.shape[-2:])
    with DetectionFileWriter(
        path,
        model.detector.identity,
        model.detector.vocabulary.objects,
        dict(roi_extractor=getattr(model.icn, 'roi_hash', None)),
    ) as writer:
        for i, sample in enumerate(samples):
            image = inputs[i : i + 1]
            feats = model.detector.extract_feat(image)
            pairs = model.generate_pairs(image, feats, [sample])
            boxes = torch.cat([pairs.boxes, pairs.union_bboxes]).unique(dim=0)
            pooled = boxes.new_zeros(0, 0)
            if extractor is None:
                boxes = boxes[:0]
            else:
                pooled = extractor(
                    feats[: extractor.num_inputs],
                    torch.cat([boxes.new_zeros(len(boxes), 1), boxes], 1),
                )
            writer.add(
                str(i),
                False,
                [size] * 3,
                (1.0, 1.0),
                {k: v.cpu().numpy() for k, v in sample.detections.items()},
                [level[0].cpu().numpy() for level in feats],
                boxes.cpu().numpy(),
                pooled.cpu().numpy(),
            )
    return DetectionFile(path)


def measure(args: argparse.Namespace) -> List[dict]:
    """Measure a row for each number of images and pairs.

    Args:
        args (argparse.Namespace): Arguments of benchmark.py.
    """
    cfg = read_config(args.config, args.cfg_options)
    model = build_model(cfg, args.device)
    scenes = Scenes(model, *args.size)
    model.stage = 2
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], 1e-5
    )
    rows = []
    for batch in args.batch:
        inputs = scenes.inputs(batch)
        feats = model.detector.extract_feat(inputs)
        detections = model.detector.detect(
            inputs, feats, [scenes.sample() for _ in range(batch)]
        )
        if 'query_embeds' in detections[0]:
            scenes.query_embed_dims = detections[0].query_embeds.size(1)
        for pairs in args.pairs:
            with tempfile.TemporaryDirectory() as folder:
                rows.append(
                    _measure(
                        args,
                        model,
                        scenes,
                        optimizer,
                        inputs,
                        pairs,
                        os.path.join(folder, 'features.safetensors'),
                    )
                )
    return rows


def _measure(
    args: argparse.Namespace,
    model: CLHOI,
    scenes: Scenes,
    optimizer: torch.optim.Optimizer,
    inputs: torch.Tensor,
    pairs: int,
    path: str,
) -> dict:
    watch = Stopwatch(args.device, args.clock, args.best)
    batch = len(inputs)
    scenes.allow(pairs)
    live, cached = ([scenes.sample() for _ in range(batch)] for _ in range(2))
    for one, other in zip(live, cached):
        one.detections = scenes.detections(pairs)
        one.teacher = other.teacher = scenes.pseudo_labels()
    file = write_features(model, path, inputs, live)
    for i, sample in enumerate(cached):
        sample.set_metainfo(dict(detector_view=DetectorView(file, i)))
    detect = model.detector.detect

    def detector() -> None:
        with torch.no_grad():
            detect(inputs, model.detector.extract_feat(inputs), live)

    def step(images: torch.Tensor, samples: List[HOIDataSample]) -> None:
        losses = model.loss(images, samples)
        optimizer.zero_grad()
        sum(v for k, v in losses.items() if 'loss' in k).backward()
        optimizer.step()

    def live_step() -> None:
        # Detections of the random detector are replaced afterwards.
        live_detections = [sample.detections for sample in live]
        for sample in live:
            del sample.detections
        model.detector.detect = lambda *args, **kwargs: (
            detect(*args, **kwargs),
            live_detections,
        )[1]
        try:
            step(inputs, live)
        finally:
            del model.detector.detect
            for sample, detections in zip(live, live_detections):
                sample.detections = detections

    nothing = inputs[:, :, :32, :32]
    model.train()
    for _ in range(2):
        step(nothing, cached)
    for turn in range(args.repeat):
        watch('cached', step, nothing, cached)
        # These are slow and vary less: fewer rounds.
        if turn < max(3, args.repeat // 3):
            watch('detector', detector)
            watch('live', live_step)
    model.eval()
    times = {
        f'{name}_ms': watch.milliseconds(name, batch)
        for name in ('detector', 'live', 'cached')
    }
    return dict(
        pairs=pairs,
        batch=batch,
        **times,
        live_ratio=times['live_ms'] / times['detector_ms'],
        speedup=times['live_ms'] / times['cached_ms'],
    )
