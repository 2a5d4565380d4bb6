"""Lookup of pseudo-labels by numeric keys."""

import json

from clhoi_mm.teacher.interaction import Interaction
from clhoi_mm.teacher.store.lookup import read_captions, read_image_records


def test_numeric_keys(tmp_path):
    row = dict(image_id=7, kind='caption', question='0', time=1.0)
    for folder, more in (
        (
            'raw',
            dict(text='A dog.', finish='stop', model='m', prompt_hash='0'),
        ),
        ('failures', dict(reason='timeout', message='-')),
    ):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / 'caption-00000-of-00001.jsonl'
        path.write_text(json.dumps(dict(row, **more)) + '\n')
    said = dict(verb='hold', object='ball', score=.5, in_vocabulary=True,
                source='list')  # fmt: skip
    (tmp_path / 'parsed.jsonl').write_text(
        json.dumps(dict(image_id=7, interactions=[said])) + '\n'
    )
    found = read_image_records(tmp_path, ['7'])['7']
    assert (
        found.interactions
        == [Interaction('hold', 'ball', 0.5, True, source='list')]
        and found.caption == 'A dog.'
    )
    assert found.failures[0]['reason'] == 'timeout'
    assert read_captions(tmp_path, ['7']) == {'7': 'A dog.'}
