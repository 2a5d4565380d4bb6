"""Kill a command randomly, resume it, compare its output.

The command runs once without interruption, then repeatedly in new folders,
where it is killed (SIGKILL) at random moments and restarted until it ends by
itself. Its files are checked after each kill; at the end all files must equal
those of the uninterrupted run. Prints a summary and exits with 1 if anything
was lost, half-written or different.

Add further commands as subclasses of Target to TARGETS.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

from kill_targets import (
    ConverterTarget,
    DetectionsTarget,
    Target,
    TrainingTarget,
    half_written,
)

REPO = Path(__file__).resolve().parents[2]


class TeacherTarget(Target):
    """Job of ``annotate.py`` with a simulated VLLM.

    Its backend logs each answer, so that lost answers are noticed.
    """

    images = 60
    _BACKEND = """
import os
import time

from clhoi_mm.teacher.backends import BACKENDS, Backend, build_backend


@BACKENDS.register_module('logged')
class Logged(Backend):

    def __init__(self, log, pause, **options):
        self.inner = build_backend(dict(type='simulated', **options))
        self.model = self.inner.model
        self.pause = pause
        self.file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def run(self, requests):
        for item in self.inner.run(requests):
            time.sleep(self.pause)
            os.write(self.file, b'.')
            yield item
"""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from clhoi_mm.vocabulary import HOIVocabulary

        (folder / 'logged_backend.py').write_text(self._BACKEND)
        vocabulary = HOIVocabulary.load('mini')
        classes = [
            x
            for x in range(vocabulary.num_hois)
            if not vocabulary.no_interaction_mask[x]
        ]
        pairs = list(
            zip(vocabulary.hoi_verbs, vocabulary.hoi_objects, strict=True)
        )
        content = dict(
            images=[
                dict(
                    id=i,
                    file_name=f'{i:04d}.png',
                    hoi_ids=random.Random(i).sample(classes, i % 4),
                )
                for i in range(self.images)
            ],
            annotations=[],
            hois=[],
            verbs=vocabulary.verbs,
            categories=[
                dict(id=i, name=name)
                for i, name in enumerate(vocabulary.objects)
            ],
            hoi_categories=[
                dict(id=i, verb_id=int(verb), category_id=int(obj))
                for i, (verb, obj) in enumerate(pairs)
            ],
        )
        (folder / 'ann.json').write_text(json.dumps(content))

    def command(self, out: Path) -> List[str]:
        """See :meth:`Target.command`."""
        return [
            str(REPO / 'tools' / 'teacher' / 'annotate.py'), 'run',
            '--vocab', 'mini', '--images', str(self.folder / 'ann.json'),
            '--out', str(out), '--import', 'logged_backend',
            '--backend', 'logged', '--options', 'pause=0.01',
            f'log={self._log(out)}', 'vocabulary=mini',
            f'ann_file={self.folder / "ann.json"}',
            '--parsed', 'parsed.jsonl', '--text-encoder', 'hashed:32'
        ]  # yapf: disable

    def results(self, out: Path) -> Dict[str, Path]:
        """See :meth:`Target.results`."""
        names = 'answers.jsonl parsed.jsonl knowledge.safetensors'
        return {name: out / name for name in [*names.split(), 'manifest.json']}

    def before(self, out: Path) -> Dict[str, Any]:
        """Return complete lines of shards and the answer count."""
        log = self._log(out)
        return dict(
            raw={
                path.name: path.read_bytes().rpartition(b'\n')[0]
                for path in out.glob('raw/*.jsonl')
            },
            given=log.stat().st_size if log.exists() else 0,
        )

    def problems(self, out: Path, before: Any) -> List[str]:
        """See :meth:`Target.problems`."""
        now = self.before(out)
        faults = [
            f'{name}: earlier lines are lost'
            for name, text in before['raw'].items()
            if not now['raw'].get(name, b'').startswith(text)
        ]
        given = now['given'] - before['given']
        lost = given - (_lines(now['raw']) - _lines(before['raw']))
        if lost > 1:
            faults.append(f'{lost} of {given} answers are lost')
        if (out / 'manifest.json').exists():
            from clhoi_mm.teacher import TeacherCache

            try:
                TeacherCache(out)
            except (OSError, ValueError) as error:
                faults.append(str(error))
        return faults + half_written(out)

    @staticmethod
    def _log(out: Path) -> Path:
        return out.with_suffix('.log')


def _lines(raw: Dict[str, bytes]) -> int:
    return sum(text.count(b'\n') + 1 for text in raw.values() if text)


TARGETS = dict(
    teacher=TeacherTarget,
    converter=ConverterTarget,
    detections=DetectionsTarget,
    training=TrainingTarget,
)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('target', choices=list(TARGETS))
    parser.add_argument('--kills', type=int, default=100)
    parser.add_argument('--seed', type=int, default=0)
    return parser.parse_args()


class KillTest:
    """Runs of a target's command, with and without kills."""

    def __init__(self, target: Target, seed: int) -> None:
        self.target = target
        self.rng = random.Random(seed)
        self.kills = self.rounds = self.left_behind = 0
        self.problems: List[str] = []

    def run(self, kills: int) -> None:
        """Kill the command a given number of times, in rounds."""
        whole = self.target.folder / 'whole'
        start = time.monotonic()
        process = self._start(whole)
        while process.poll() is None and not whole.exists():
            time.sleep(0.02)
        self.first = time.monotonic() - start
        self._end(process)
        self.seconds = time.monotonic() - start
        expected = self._digests(whole)
        while self.kills < kills and len(self.problems) < 10:
            out = self.target.folder / f'round-{self.rounds}'
            self.rounds += 1
            while self._start_and_kill(out, kills):
                pass
            digests = self._digests(out)
            self.problems += [
                f'round {self.rounds}: {name} differs'
                for name in expected
                if digests[name] != expected[name]
            ]
            self.left_behind += sum(
                path.name.startswith('.') for path in out.rglob('*')
            )
            shutil.rmtree(out)

    def _start_and_kill(self, out: Path, kills: int) -> bool:
        """Start the command; return whether it was killed."""
        before = self.target.before(out)
        is_first, start = not out.exists(), time.monotonic()
        process = self._start(out)
        moment: Optional[float] = None
        if self.kills < kills:
            moment = self.rng.uniform(0.8 * self.first, self.seconds)
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            self.kills += 1
            self.problems += [
                f'kill {self.kills}: {problem}'
                for problem in self.target.problems(out, before)
            ]
            return True
        self._end(process)
        seconds = time.monotonic() - start
        if is_first and seconds < self.seconds:
            # Scale the times of kills, else faster runs end before any.
            self.first *= seconds / self.seconds
            self.seconds = seconds
        return False

    def _start(self, out: Path) -> subprocess.Popen:
        python_path = os.environ.get('PYTHONPATH', '')
        path = (
            f'{REPO}{os.pathsep}{self.target.folder}{os.pathsep}{python_path}'
        )
        return subprocess.Popen(
            [sys.executable, *self.target.command(out)],
            env=dict(os.environ, PYTHONPATH=path),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _end(self, process: subprocess.Popen) -> None:
        _, text = process.communicate()
        if process.returncode:
            last = (text.strip().splitlines() or ['no message'])[-1]
            self.problems.append(f'exit code {process.returncode}: {last}')

    def _digests(self, out: Path) -> Dict[str, str]:
        return {
            name: self.target.digest(path) if path.exists() else 'missing'
            for name, path in self.target.results(out).items()
        }


def main() -> int:
    args = parse_args()
    with tempfile.TemporaryDirectory() as folder:
        test = KillTest(TARGETS[args.target](Path(folder)), args.seed)
        test.run(args.kills)
    print(
        f'{args.target}: {test.kills} kills in {test.rounds} rounds, seed '
        f'{args.seed}; a run takes {test.seconds:.1f} s'
    )
    print(
        f'{len(test.problems)} problems; {test.left_behind} temporary files '
        f'left behind'
    )
    print('\n'.join(test.problems))
    return bool(test.problems)


if __name__ == '__main__':
    sys.exit(main())
