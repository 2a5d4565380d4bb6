import os
import re
import subprocess
import sys
from pathlib import Path

from clhoi_mm.teacher import TeacherCache

ROOT = Path(__file__).resolve().parents[3]
TOOL = ROOT / 'projects' / 'mini_world' / 'make_mini.py'
SMALL = ('--num-train', '12', '--num-val', '2', '--num-test', '3')


def run(*args) -> subprocess.CompletedProcess:
    env = dict(os.environ, PYTHONPATH=str(ROOT))
    return subprocess.run(
        [sys.executable, str(TOOL), *map(str, args)],
        capture_output=True,
        text=True,
        env=env,
    )


def test_makes_images_annotations_and_pseudo_labels_once(tmp_path):
    first = run('--out', tmp_path, *SMALL)
    assert first.returncode == 0, first.stderr
    digest = re.search(r'sha256 ([0-9a-f]{64})', first.stdout).group(1)
    assert len(list(tmp_path.glob('*/images/*.png'))) == 17
    cache = TeacherCache(tmp_path / 'teacher' / 'train_typical')
    assert len(cache) == 12 and 'train/images/000001.png' in cache
    assert (tmp_path / 'teacher' / 'train_typical' / 'raw.jsonl').is_file()
    stamp = (tmp_path / 'train/images/000001.png').stat().st_mtime_ns
    second = run('--out', tmp_path, *SMALL, '--teacher')
    assert second.returncode == 0, second.stderr
    assert digest in second.stdout and 'annotations exist' in second.stdout
    assert (tmp_path / 'train/images/000001.png').stat().st_mtime_ns == stamp


def test_bad_size_is_a_short_error(tmp_path):
    result = run('--out', tmp_path, '--num-test', 0)
    assert result.returncode != 0
    assert 'test: 0 images asked for' in result.stderr
    assert 'Traceback' not in result.stderr
