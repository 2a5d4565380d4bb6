"""Timing of inference's parts for benchmark.py."""

import argparse
import copy
import os
import statistics
import tempfile
import time
from contextlib import nullcontext
from functools import partial
from typing import Any, Callable, Dict, List, Optional

import torch
from mmengine.dataset import Compose, pseudo_collate
from torch.profiler import ProfilerActivity, profile

from benchmarks.setup import Scenes, build_model
from clhoi_mm.apis.model_source import as_test_pipeline
from clhoi_mm.config_file import read_config
from clhoi_mm.models.acceleration import accelerate, transpose_linear_weights

COLUMNS = (
    'pairs',
    'batch',
    'load_ms',
    'detector_ms',
    'own_ms',
    'vlt_ms',
    'icn_ms',
    'post_ms',
    'hoi_ms',
    'image_ms',
    'peak_mb',
)


class Stopwatch:
    """Collector of times by name that synchronizes with the device.

    Args:
        device (str): Device of the work.
        clock (str): 'wall', or 'cpu' for the thread's processor time.
        best (bool): Whether to report the minimum rather than the median.
    """

    def __init__(self, device: str, clock: str, best: bool) -> None:
        self.is_cuda = device.startswith('cuda')
        self.clock = time.thread_time if clock == 'cpu' else time.perf_counter
        self.choose = min if best else statistics.median
        self.times: Dict[str, List[float]] = {}

    def __call__(self, name: str, work: Callable, *args: Any) -> Any:
        """Run the work, record its duration and return its result."""
        self._wait()
        start = self.clock()
        result = work(*args)
        self._wait()
        self.times.setdefault(name, []).append(self.clock() - start)
        return result

    def _wait(self) -> None:
        if self.is_cuda:
            torch.cuda.synchronize()

    def milliseconds(self, name: str, images: int = 1) -> float:
        """Return the median, or minimum, per image."""
        return self.choose(self.times[name]) * 1e3 / images


def peak_megabytes(work: Callable, device: str) -> float:
    """Measure the work's peak of additional memory."""
    if device.startswith('cuda'):
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        return (torch.cuda.max_memory_allocated() - before) / 2**20
    with profile(
        activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True
    ) as prof:
        work()
    held = peak = 0
    events = prof.profiler.kineto_results.events()
    for event in sorted(events, key=lambda e: e.start_ns()):
        if event.name() == '[memory]':
            held += event.nbytes()
            peak = max(peak, held)
    return peak / 2**20


class Parts:
    """Steps of a model's inference on a batch.

    Args:
        args (argparse.Namespace): Arguments of benchmark.py.
        batch (int): Images per batch.
        model (nn.Module): The CLHOI.
        scenes (Scenes): Source of images and detections.
    """

    def __init__(
        self,
        args: argparse.Namespace,
        batch: int,
        model: torch.nn.Module,
        scenes: Scenes,
    ) -> None:
        self.model = model
        transpose_linear_weights(model.vlt, model.icn)
        self.amp = (
            (lambda: torch.autocast(args.device.split(':')[0], torch.bfloat16))
            if args.amp
            else nullcontext
        )
        self.inputs = scenes.inputs(batch)
        self.samples = [scenes.sample() for _ in range(batch)]
        self.finish = model.post_processor
        self.feats = model.detector.extract_feat(self.inputs)
        self.detect = model.detector.detect
        detections = self.detect(self.inputs, self.feats, self.samples)[0]
        if 'query_embeds' in detections:
            scenes.query_embed_dims = detections.query_embeds.size(1)
        self.given = {
            pairs: [scenes.detections(pairs) for _ in range(batch)]
            for pairs in args.pairs
        }
        self.scenes = scenes
        self.found: Optional[list] = None
        model.detector.detect = lambda *args, **kwargs: self.found

    def close(self) -> None:
        """Restore the model."""
        del self.model.detector.detect

    def draw(self, pairs: int) -> None:
        """Set the number of pairs in the detections."""
        self.scenes.allow(pairs)
        self.found = self.given[pairs]

    def own_detector(self) -> None:
        """Run the detector as the inference tools do."""
        with torch.no_grad():
            feats = self.model.detector.extract_feat(self.inputs)
            self.detect(self.inputs, feats, self.samples)

    def vlt(self) -> Any:
        """Compute the context."""
        with self.amp():
            return self.model.student.encode_context(
                self.inputs, self.feats, self.samples, with_text=False
            )

    def icn(self, context: Any) -> tuple:
        """Form pairs and score them."""
        with self.amp():
            pairs = self.model.generate_pairs(
                self.inputs, self.feats, self.samples
            )
            scores = self.model.student.score_pairs(
                self.feats, pairs, context, self.model.teacher_head.classifier
            )
            return scores, pairs

    def post(self, scores: Any, pairs: Any) -> None:
        """Convert scores to predictions of samples."""
        self.finish.write(self.samples, scores, pairs, True)

    def hoi(self) -> None:
        """Run everything after the detector."""
        self.post(*self.icn(self.vlt()))

    def image(self) -> None:
        """Run the whole inference.

        Detections of the random detector are replaced afterwards.
        """
        fixed = self.model.detector.detect
        self.model.detector.detect = lambda *args, **kwargs: (
            self.detect(*args, **kwargs),
            self.found,
        )[1]
        try:
            with self.amp():
                self.model.predict(self.inputs, self.samples)
        finally:
            self.model.detector.detect = fixed


def check_pairs(parts: Parts, pairs: int) -> None:
    """Check that the drawn detections form so many pairs per image.

    Args:
        parts (Parts): Steps of a model.
        pairs (int): Expected number of pairs.

    Raises:
        RuntimeError: If an image has another number.
    """
    _, formed = parts.icn(parts.vlt())
    if set(formed.num_pairs) != {pairs}:
        raise RuntimeError(
            f'{formed.num_pairs} pairs, not {pairs}: the pairing of this '
            'config leaves some out'
        )


def measure(args: argparse.Namespace) -> List[dict]:
    """Measure a row for each number of images and pairs.

    Args:
        args (argparse.Namespace): Arguments of benchmark.py.
    """
    cfg = read_config(args.config, args.cfg_options)
    model = build_model(cfg, args.device)
    stock = copy.deepcopy(model.detector.model)
    accelerate(model.detector, args.fast, args.compile)
    scenes = Scenes(model, *args.size)
    pipeline = Compose(as_test_pipeline(cfg))
    rows = []
    for batch in args.batch:
        with tempfile.TemporaryDirectory() as folder, torch.no_grad():
            path = scenes.write_image(os.path.join(folder, 'image.jpg'))

            load = partial(_load_batch, model, pipeline, path, batch)
            rows += _measure_batch(args, batch, model, stock, scenes, load)
    return rows


def _load_batch(
    model: torch.nn.Module, pipeline: Compose, path: str, batch: int
) -> None:
    """Load an image as often as a batch has images."""
    samples = [
        pipeline(dict(img_path=path, img_id=0, key=path)) for _ in range(batch)
    ]
    model.data_preprocessor(pseudo_collate(samples), False)


def _measure_batch(
    args: argparse.Namespace,
    batch: int,
    model: torch.nn.Module,
    stock: torch.nn.Module,
    scenes: Scenes,
    load: Callable,
) -> List[dict]:
    watch = Stopwatch(args.device, args.clock, args.best)
    parts = Parts(args, batch, model, scenes)
    peaks = {}
    for pairs in args.pairs:
        parts.draw(pairs)
        check_pairs(parts, pairs)
        parts.hoi()
        peaks[pairs] = peak_megabytes(parts.hoi, args.device)
    for turn in range(args.repeat):
        watch('load', load)
        # Detectors are slow and vary less: fewer rounds.
        with_detector = turn < max(3, args.repeat // 3)
        if with_detector:
            watch(
                'detector', stock.predict, parts.inputs, parts.samples, False
            )
            watch('own', parts.own_detector)
        for pairs in args.pairs:
            parts.draw(pairs)
            context = watch('vlt', parts.vlt)
            scores, formed = watch(f'icn {pairs}', parts.icn, context)
            watch(f'post {pairs}', parts.post, scores, formed)
            watch(f'hoi {pairs}', parts.hoi)
            if with_detector:
                watch(f'image {pairs}', parts.image)
    parts.close()
    return [
        dict(
            pairs=pairs,
            batch=batch,
            **{
                f'{name}_ms': watch.milliseconds(name, batch)
                for name in ('load', 'detector', 'own', 'vlt')
            },
            **{
                f'{name}_ms': watch.milliseconds(f'{name} {pairs}', batch)
                for name in ('icn', 'post', 'hoi', 'image')
            },
            peak_mb=peaks[pairs],
        )
        for pairs in args.pairs
    ]
