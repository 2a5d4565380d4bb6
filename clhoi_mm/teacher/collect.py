import json
import os
from pathlib import Path
from typing import Any, Dict, List, Tuple, Union

from .exchange import KINDS
from .files import atomic_path
from .raw_store import shard_files
from .teacher_pass import read_settings

ANSWERS = 'answers.jsonl'
# Without what differs between two runs that got the same answers.
_FIELDS = ('image_id', 'kind', 'text', 'verb', 'object', 'score')
_Key = Tuple[bytes, str, str]


def collect_answers(folder: Union[str, os.PathLike]) -> Path:
    """Put a pass's shards together: one line an answer, sorted by image.

    Of answers to earlier versions of a prompt, or about other detections,
    the latest counts, and only those of the model and prompt last used for
    their kind. The same answers give the same bytes, however the pass was
    sharded or interrupted.

    Args:
        folder (str | PathLike): The pass's folder.

    Returns:
        Path: ``answers.jsonl`` in the folder.

    Raises:
        FileNotFoundError: The folder has no raw answers.
        ValueError: A line is damaged; the message names it.
    """
    folder = Path(folder)
    with atomic_path(folder / ANSWERS) as temp, open(
            temp, 'w', encoding='utf-8') as out:
        found: List[Tuple[_Key, int, Path, int]] = []
        for rank, kind in enumerate(KINDS):
            found += [(key, rank, path, offset)
                      for key, (path, offset) in _latest(folder, kind).items()
                      ]
        if not found:
            raise FileNotFoundError(
                f'{folder}: no raw answers; run the stages describe, list or '
                f'score first')
        found.sort(key=lambda item: (item[0][0], item[1], item[0][1:]))
        files = {path: open(path, 'rb') for _, _, path, _ in found}
        try:
            for _, _, path, offset in found:
                files[path].seek(offset)
                row = json.loads(files[path].readline())
                row = {name: row[name] for name in _FIELDS if name in row}
                out.write(json.dumps(row) + '\n')
        finally:
            for file in files.values():
                file.close()
    return folder / ANSWERS


def _latest(folder: Path, kind: str) -> Dict[_Key, Tuple[Path, int]]:
    """Where the line of each answer that counts begins."""
    settings = read_settings(folder, kind)
    model = settings.get('model')
    prompt = settings.get('prompt', {}).get('hash')
    best: Dict[_Key, Tuple[float, Path, int]] = {}
    for path in shard_files(folder, kind):
        offset = 0
        with open(path, 'rb') as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b'\n'):
                    break  # torn, or being written
                row = _load(line, f'{path}, line {number}')
                if row['model'] == model and row['prompt_hash'] == prompt:
                    key = (row['image_id'].encode('utf-8', 'surrogatepass'),
                           row.get('verb', ''), row.get('object', ''))
                    if key not in best or row['time'] >= best[key][0]:
                        best[key] = (row['time'], path, offset)
                offset += len(line)
    return {key: (path, offset) for key, (_, path, offset) in best.items()}


def _load(line: bytes, where: str) -> Dict[str, Any]:
    try:
        row = json.loads(line)
        row['image_id'], row['model'], row['prompt_hash'], row['time']
        return row
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{where}: damaged ({error!r}); delete the line, '
                         f'and the next run asks for its answer '
                         f'again') from error
