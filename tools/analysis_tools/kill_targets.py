"""Commands for kill_test.py, except for the teacher job."""

import hashlib
import json
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Dict, List

REPO = Path(__file__).resolve().parents[2]
_SPLITS = ('train', 'val', 'test')
_CACHE = 'train_dataloader.dataset.pipeline.LoadTeacherKnowledge.cache'


class Target(ABC):
    """Command to be killed.

    Args:
        folder (Path): Folder for its inputs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def command(self, out: Path) -> List[str]:
        """Return the command, which writes to ``out`` and resumes there."""

    @abstractmethod
    def results(self, out: Path) -> Dict[str, Path]:
        """Return the output files to compare, by name."""

    def digest(self, path: Path) -> str:
        """Hash a result's bytes, which must be equal."""
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def before(self, out: Path) -> Any:
        """Return the state on disk before a start, for :meth:`problems`."""
        return None

    def problems(self, out: Path, before: Any) -> List[str]:
        """List lost or half-written results after a kill."""
        return []


class ConverterTarget(Target):
    """``custom.py``; all converters write their files the same way."""

    images = 4000

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        ids = range(self.images)
        boxes = dict(
            images=[
                dict(id=i, file_name=f'{i}.jpg', width=90, height=60)
                for i in ids
            ],
            annotations=[
                dict(
                    id=j,
                    image_id=j // 2,
                    category_id=j % 2,
                    bbox=[j % 7, 0, 9, 9],
                )
                for j in range(2 * self.images)
            ],
            categories=[dict(id=0, name='person'), dict(id=1, name='cup')],
        )
        (folder / 'boxes.json').write_text(json.dumps(boxes))
        rows = [f'{2 * i},{2 * i + 1},{("hold", "wash")[i % 2]}' for i in ids]
        header = 'human_ann_id,object_ann_id,verb'
        (folder / 'pairs.csv').write_text('\n'.join([header, *rows]))

    def command(self, out: Path) -> List[str]:
        """See :meth:`Target.command`."""
        return [
            str(REPO / 'tools' / 'dataset_converters' / 'custom.py'),
            str(self.folder / 'boxes.json'), str(self.folder / 'pairs.csv'),
            '--out', str(out / 'train.json')
        ]  # yapf: disable

    def results(self, out: Path) -> Dict[str, Path]:
        """See :meth:`Target.results`."""
        names = 'train.json', 'train_vocabulary.json'
        return {name: out / name for name in names}

    def problems(self, out: Path, before: Any) -> List[str]:
        """See :meth:`Target.problems`."""
        return half_written(out)


class MiniTarget(Target):
    """Command on a small mini world with its detector."""

    config = REPO / 'configs' / 'clhoi_r18_mini.py'

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        sizes = '--num-train 16 --num-val 2 --num-test 4'.split()
        subprocess.run(
            [sys.executable, REPO / 'projects/mini_world/make_mini.py',
             '--out', folder / 'mini', *sizes],
            env=dict(os.environ, PYTHONPATH=str(REPO)), check=True,
            stdout=subprocess.DEVNULL
        )  # yapf: disable

    def options(self) -> List[str]:
        """Return ``--cfg-options`` with the paths of the data set."""
        loader = 'dataloader.dataset.data_root'
        return [
            '--cfg-options',
            f'model.detector.checkpoint={REPO}/checkpoints/mini_detector.pth',
            *(f'{x}_{loader}={self.folder}/mini/' for x in _SPLITS),
            f'{_CACHE}={self.folder}/mini/teacher/train_typical',
        ]


class DetectionsTarget(MiniTarget):
    """``cache_detections.py``, with features."""

    def command(self, out: Path) -> List[str]:
        """See :meth:`Target.command`."""
        tool = REPO / 'tools' / 'analysis_tools' / 'cache_detections.py'
        return [
            str(tool), str(self.config), '--features',
            '--out', str(out / 'd.safetensors'), *self.options()
        ]  # yapf: disable

    def results(self, out: Path) -> Dict[str, Path]:
        """See :meth:`Target.results`."""
        return dict(detections=out / 'd.safetensors')

    def problems(self, out: Path, before: Any) -> List[str]:
        """See :meth:`Target.problems`."""
        from clhoi_mm.datasets import DetectionFile

        try:
            for path in out.glob('*.safetensors'):
                DetectionFile(path)
        except ValueError as error:
            return [str(error)]
        return []


class TrainingTarget(MiniTarget):
    """``train.py --resume``; weights are compared, not files.

    The detector's views are not cached: a resumed run would compute them in
    other batches, with other rounding.
    """

    epochs = 4

    def command(self, out: Path) -> List[str]:
        """See :meth:`Target.command`."""
        return [
            str(REPO / 'tools' / 'train.py'), str(self.config), '--resume',
            '--work-dir', str(out), *self.options(),
            f'train_cfg.max_epochs={self.epochs}',
            'custom_hooks.DistillStageHook.context_epochs=1',
            'custom_hooks.SelfDistillHook.epochs=[3]',
            'default_hooks.checkpoint.interval=1',
            'default_hooks.checkpoint.max_keep_ckpts=-1',
            'train_cfg.val_interval=100', 'train_dataloader.batch_size=4',
            'model.detector.feat_cache_size=0'
        ]  # yapf: disable

    def results(self, out: Path) -> Dict[str, Path]:
        """See :meth:`Target.results`."""
        name = f'epoch_{self.epochs}.pth'
        return {name: out / name}

    def digest(self, path: Path) -> str:
        """Hash the weights, since logs and times differ between runs."""
        from clhoi_mm.models import load_weights

        digest = hashlib.sha256()
        for name, value in sorted(
            load_weights(str(path))['state_dict'].items()
        ):
            digest.update(name.encode() + value.numpy().tobytes())
        return digest.hexdigest()

    def problems(self, out: Path, before: Any) -> List[str]:
        """See :meth:`Target.problems`."""
        faults = []
        for path in out.glob('epoch_*.pth'):
            try:
                self.digest(path)
            except Exception as error:  # of any kind for damaged files
                faults.append(f'{path.name}: half-written ({error})')
        return faults


def half_written(out: Path) -> List[str]:
    """List unreadable JSON and JSONL files with final names."""
    faults = []
    for path in out.rglob('*.json*'):
        if path.name.startswith('.') or path.parent.name in (
            'raw',
            'failures',
        ):
            continue  # temporary, or append-only
        text = path.read_text(encoding='utf-8')
        parts = text.splitlines() if path.suffix == '.jsonl' else [text]
        try:
            for part in parts:
                json.loads(part)
        except ValueError as error:
            faults.append(f'{path.name}: half-written ({error})')
    return faults
