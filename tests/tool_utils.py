"""Run the project's tools and read their outputs.

A tool starts in its own process. Most of its start is spent on importing
torch and mmdet; :func:`run_tool` spends it once, in a process that is forked
for each run, and :func:`run_command` spends it every time.
"""

import json
import multiprocessing
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Union

from tests.data_utils import REPO

MINI = REPO / 'configs' / 'clhoi_r18_mini.py'
TRAIN = REPO / 'tools' / 'train.py'
TEST = REPO / 'tools' / 'test.py'
# Loading a few images does not pay for worker processes.
NO_WORKERS = tuple(
    f'{split}_dataloader.{option}'
    for split in ('train', 'val', 'test')
    for option in ('num_workers=0', 'persistent_workers=False')
)


@dataclass
class Done:
    """Outcome of a run.

    Attributes:
        code (int): Exit code, negative where a signal ended it.
        text (str): What it printed, stdout and stderr together.
    """

    code: int
    text: str

    def check(self) -> 'Done':
        """Return the run after asserting that it succeeded."""
        assert self.code == 0, self.text[-6000:]
        return self


def _environment() -> dict:
    """Return a new terminal's variables, this repository installed."""
    env = {k: v for k, v in os.environ.items() if k != 'LOCAL_RANK'}
    return dict(env, PYTHONPATH=str(REPO), PYTHONUNBUFFERED='1')


def run_command(
    *command: Union[str, Path],
    cwd: Path,
    timeout: int = 560,
    modules: Optional[Path] = None,
) -> Done:
    """Run a command in a new process.

    'python' stands for the tests' interpreter.

    Args:
        *command (str | Path): The command's words.
        cwd (Path): Its working folder.
        timeout (int): Time limit in seconds.
        modules (Path, optional): A folder of modules that it may import.
    """
    command = [str(part) for part in command]
    path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
    env = dict(_environment(), PATH=path)
    if modules:
        env['PYTHONPATH'] += f'{os.pathsep}{modules}'
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    return Done(done.returncode, done.stdout)


def _become(
    tool: str, args: List[str], cwd: str, log: str, env: Dict[str, str]
) -> None:
    """Turn a forked process into the tool."""
    os.chdir(cwd)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.environ.pop('LOCAL_RANK', None)
    os.environ.update(env)
    sys.argv = [tool, *args]
    # Python puts the script's folder first on sys.path.
    sys.path.insert(0, os.path.dirname(tool))
    runpy.run_path(tool, run_name='__main__')


def run_tool(
    tool: Path,
    *args: Union[str, Path],
    cwd: Path,
    kill_when: Optional[Path] = None,
    timeout: int = 300,
    processes: int = 1,
) -> Done:
    """Run a tool in a forked process with mmdet imported.

    Several processes connect like those of torchrun, if the tool's
    arguments have ``--launcher pytorch``.

    Args:
        tool (Path): A Python script.
        *args (str | Path): Its arguments.
        cwd (Path): Its working folder.
        kill_when (Path, optional): Kill the run (SIGKILL, without
            cleanup) as soon as this file exists.
        timeout (int): Time limit in seconds.
        processes (int): Number of processes. Defaults to 1.
    """
    context = multiprocessing.get_context('forkserver')
    # The relative path is not found from another working folder.
    context.set_forkserver_preload(['tests.preload', 'clhoi_mm.models'])
    started, logs = [], []
    port = _free_port()
    for rank in range(processes):
        env = (
            dict(
                RANK=str(rank),
                LOCAL_RANK=str(rank),
                WORLD_SIZE=str(processes),
                MASTER_ADDR='127.0.0.1',
                MASTER_PORT=port,
            )
            if processes > 1
            else {}
        )
        logs.append(cwd / f'{tool.stem}.{time.time_ns()}.log')
        started.append(
            context.Process(
                target=_become,
                args=(
                    str(tool),
                    [str(arg) for arg in args],
                    str(cwd),
                    str(logs[-1]),
                    env,
                ),
            )
        )
        started[-1].start()
    end = time.monotonic() + timeout
    # Processes whose peer has failed would wait for it.
    while (
        any(p.is_alive() for p in started)
        and time.monotonic() < end
        and not any(p.exitcode for p in started)
    ):
        started[-1].join(0.02 if kill_when or processes > 1 else 1)
        if kill_when and kill_when.exists():
            for process in started:
                os.kill(process.pid, signal.SIGKILL)
            kill_when = None
    codes = [process.exitcode for process in started]
    for process in started:
        if process.is_alive():
            process.kill()
        process.join()
    codes += [process.exitcode for process in started]
    return Done(
        next(filter(None, codes), 0),
        '\n'.join(log.read_text() for log in logs),
    )


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return str(probe.getsockname()[1])


def make_world(
    folder: Path, num_train: int, num_val: int, num_test: int
) -> Path:
    """Fill a folder with a mini world and its detector."""
    (folder / 'checkpoints').symlink_to(REPO / 'checkpoints')
    run_tool(
        REPO / 'projects/mini_world/make_mini.py',
        *f'--num-train {num_train} --num-val {num_val} '
        f'--num-test {num_test}'.split(),
        cwd=folder,
    ).check()
    return folder


def options(*values: str) -> List[str]:
    """Format overrides as ``--cfg-options``."""
    return ['--cfg-options', *values]


def read_losses(work_dir: Path, *others: str) -> Dict[int, Dict[str, float]]:
    """Return the latest run's losses and learning rate by step.

    Args:
        work_dir (Path): The run's work dir.
        *others (str): Further keys to read.
    """
    scalars = sorted(work_dir.glob('*/vis_data/scalars.json'))[-1]
    rows = [json.loads(line) for line in scalars.read_text().splitlines()]
    return {
        row['step']: {
            k: v
            for k, v in row.items()
            if k.startswith('loss') or k in ('lr', *others)
        }
        for row in rows
        if 'loss' in row
    }


def read_metrics(text: str) -> Dict[str, float]:
    """Read the metrics that tools/test.py printed last."""
    return {
        name: float(value)
        for name, value in re.findall(r'^(m?AP\w*) +(\d+\.\d+)$', text, re.M)
    }


def assert_in(text: str, *parts: str) -> None:
    """Assert that a run's final error message contains every part."""
    last = ' '.join(text.split('\n')[-30:])
    last = ' '.join(last.split())
    for part in parts:
        assert part in last, f'{part!r} is not in:\n{text[-3000:]}'


def write_clip(folder: Path, projection_dim: int) -> Path:
    """Write a tiny random CLIP text tower and its tokenizer."""
    import torch
    import transformers

    folder.mkdir(parents=True)
    letters = 'abcdefghijklmnopqrstuvwxyz'
    tokens = [*letters, *(f'{c}</w>' for c in letters)]
    tokens += ['<|startoftext|>', '<|endoftext|>']
    vocab = {token: i for i, token in enumerate(tokens)}
    (folder / 'vocab.json').write_text(json.dumps(vocab))
    (folder / 'merges.txt').write_text('#version: 0.2\n')
    transformers.CLIPTokenizer(
        str(folder / 'vocab.json'), str(folder / 'merges.txt')
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.CLIPTextConfig(
        vocab_size=len(tokens), hidden_size=32, intermediate_size=32,
        num_hidden_layers=1, num_attention_heads=2,
        projection_dim=projection_dim, max_position_embeddings=77,
        bos_token_id=52, eos_token_id=53,
        pad_token_id=53)  # fmt: skip
    transformers.CLIPTextModelWithProjection(config).save_pretrained(folder)
    return folder


def write_detr(config: Path, path: Path) -> Path:
    """Write a config's DETR with random weights as mmdet checkpoint.

    With plain random weights all queries are equal. Here some queries predict
    a person, the others a bicycle, with high scores in different places.

    Args:
        config (Path): A config with ``model.detector.detector``.
        path (Path): The checkpoint to write.
    """
    import torch
    from mmdet.structures import DetDataSample
    from mmengine.config import Config
    from mmengine.registry import init_default_scope

    from clhoi_mm.registry import MODELS

    cfg = Config.fromfile(config)
    init_default_scope('clhoi_mm')
    detector = cfg.model.detector.detector
    detector.pop('data_preprocessor')
    torch.manual_seed(0)
    model = MODELS.build(detector).eval()
    model.backbone.init_weights()
    head, seen = model.bbox_head, []
    hook = head.fc_cls.register_forward_hook(
        lambda module, inputs, output: seen.append(inputs[0])
    )
    size = (160, 240)
    sample = DetDataSample(
        metainfo=dict(img_shape=size, batch_input_shape=size)
    )
    with torch.no_grad():
        model.query_embedding.weight *= 100
        head.fc_reg.weight *= 5
        model.predict(torch.randn(1, 3, *size), [sample], rescale=False)
        hook.remove()
        seen = seen[0][-1, 0]
        # A direction in which query embeddings differ from their mean.
        direction = (seen[0] - seen.mean(0)) * 10 / seen.var(0).sum()
        head.fc_cls.weight.zero_()
        head.fc_cls.bias.zero_()
        for label, sign in ((0, 1), (1, -1)):
            head.fc_cls.weight[label] = sign * direction
            head.fc_cls.bias[label] = 8 - sign * direction @ seen.mean(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return path
