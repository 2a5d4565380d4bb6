"""Metrics of two processes equal those of one exactly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('torch')
pytest.importorskip('mmdet')

import test_hico_det_metric
import test_v_coco_metric

WORKER = """
import sys
import torch.distributed as dist
import test_hico_det_metric as hico, test_v_coco_metric as v_coco

rank, folder = int(sys.argv[1]), sys.argv[2]
dist.init_process_group(
    'gloo', init_method=f'file://{folder}/meet', rank=rank, world_size=2)
for i, (metric, samples) in enumerate([
        (hico.HICODetMetric(hico.VOCABULARY, classwise=True,
                            collect_dir=f'{folder}/hico'),
         hico.zoo_samples()),
        (v_coco.VCOCOMetric(v_coco.VOCABULARY, classwise=True,
                            collect_dir=f'{folder}/v_coco'),
         v_coco.yard_samples())]):
    # as the sampler deals them out: padded to even length with the first one
    dealt = (samples + samples[:1])[rank::2]
    metric.process(None, [sample.to_dict() for sample in dealt])
    print(i, sorted(metric.evaluate(len(samples)).items()))
"""


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path):
    env = {**os.environ, 'PYTHONPATH': os.pathsep.join(sys.path)}
    workers = [
        subprocess.Popen(
            [sys.executable, '-c', WORKER, str(rank), str(tmp_path)],
            stdout=subprocess.PIPE, text=True, env=env,
            cwd=Path(__file__).parent)
        for rank in range(2)
    ]  # fmt: skip
    outputs = [worker.communicate(timeout=100)[0] for worker in workers]
    expected = [
        test_hico_det_metric.evaluate(
            test_hico_det_metric.zoo_samples(), classwise=True
        ),
        test_v_coco_metric.evaluate(
            test_v_coco_metric.yard_samples(), classwise=True
        ),
    ]
    lines = [f'{i} {sorted(metrics.items())}'
             for i, metrics in enumerate(expected)]  # fmt: skip
    for output in outputs:
        said = [line for line in output.splitlines() if line in lines]
        assert said == lines, output
