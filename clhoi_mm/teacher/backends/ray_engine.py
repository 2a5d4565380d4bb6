import os
from dataclasses import replace
from typing import Any, Dict, List

from ..ask_config import AskConfig
from ..job_report import JobReport
from ..requests.shards import Shard

_SHARDS_PER_WORKER = 8


def run_on_ray(
    config: AskConfig,
    workers: int = 2,
    gpus_per_worker: float = 0,
    num_shards: int = 0,
) -> List[JobReport]:
    """Run a pass's request stages on Ray Data.

    Each row of the data set is a shard, each worker an actor with a backend
    of its own. Shards are written where the same pass without Ray writes
    them, so that either goes on where the other stopped; all nodes must see
    the same folders under the same paths.

    Args:
        config (AskConfig): Configuration of the pass.
        workers (int): Actors at once. Defaults to 2.
        gpus_per_worker (float): GPUs that each actor is given. Defaults to 0.
        num_shards (int): Number of shards, equal in each run of a pass.
            Defaults to 0: eight for each worker.

    Returns:
        List[JobReport]: One a stage, all shards together.

    Raises:
        ImportError: ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise ImportError(
            "the engine ray needs ray: pip install 'ray[data]'"
        ) from error
    # A worker has a working folder of its own.
    paths = {
        name: os.path.abspath(getattr(config, name))
        for name in ('images', 'image_root', 'out', 'objects', 'prompts')
        if getattr(config, name) is not None
    }
    config = replace(config, **paths)
    num_shards = num_shards or workers * _SHARDS_PER_WORKER

    class Asker:
        """Actor with one backend that runs shard after shard."""

        def __init__(self) -> None:
            self.backend = config.build_backend()

        def __call__(self, batch: Dict[str, Any]) -> Dict[str, List[str]]:
            reports = [
                report.to_json()
                for index in batch['item']
                for report in config.run_shard(
                    self.backend, Shard(int(index), num_shards), False
                )
            ]
            return dict(report=reports)

    # Blocks without a task that makes them: actors may hold every CPU.
    shards = ray.data.from_items(
        list(range(num_shards)), override_num_blocks=num_shards
    )
    rows = shards.map_batches(
        Asker,
        batch_size=1,
        num_gpus=gpus_per_worker,
        compute=ray.data.ActorPoolStrategy(size=workers),
    ).take_all()
    parts = [JobReport.from_json(row['report']) for row in rows]
    reports = []
    for stage in config.stages:
        report = sum(
            (part for part in parts if part.stage == stage),
            JobReport(stage, shard=f'{num_shards} shards'),
        )
        report.seconds /= workers  # in parallel
        reports.append(report)
    return reports
