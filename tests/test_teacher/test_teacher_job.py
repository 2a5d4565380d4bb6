"""TeacherJob: requests, stored answers, resuming and collection."""

import json

import numpy as np
import pytest

from clhoi_mm.teacher import HashedTextEncoder, TeacherCache
from clhoi_mm.teacher.backends import Backend, build_backend
from clhoi_mm.teacher.folder_report import report_folder
from clhoi_mm.teacher.job_report import JobReport
from clhoi_mm.teacher.offline_stages import embed_pass, pack_pass, parse_pass
from clhoi_mm.teacher.requests.images import ImageSource
from clhoi_mm.teacher.requests.messages import (
    Failure,
    Prompt,
    Request,
    Response,
)
from clhoi_mm.teacher.requests.prompt_file import PROMPT_DIR, PromptFile
from clhoi_mm.teacher.requests.request_builder import RequestBuilder
from clhoi_mm.teacher.requests.shards import Shard
from clhoi_mm.teacher.store.collect import collect_answers
from clhoi_mm.teacher.store.raw_store import (
    RawStore,
    read_records,
    shard_files,
)
from clhoi_mm.teacher.teacher_job import TeacherJob
from tests.caption_utils import needs_captions

ENCODER = dict(type='HashedTextEncoder', dim=16)
NAMES = [f'{i:02d}.jpg' for i in range(20)]
LIST = (
    '{"interactions": [{"object": "dog", "verb": "feed", "other_verb": '
    '""}, {"object": "dog", "verb": "other", "other_verb": "draw"}]}'
)


class Scripted(Backend):
    """Backend that returns a sentence or a scripted failure."""

    def __init__(self, model='scripted', finish='stop'):
        self.model = model
        self.finish = finish
        self.failures = {}
        self.requested = []

    def run(self, requests):
        for request in requests:
            self.requested.append(request.image_id)
            text = (
                LIST
                if request.kind == 'list'
                else (
                    f'A man is feeding a dog in park {request.image_id[:2]}.'
                )
            )
            yield (
                request,
                self.failures.get(request.image_id)
                or Response(text, self.finish, 5, 3),
            )


@pytest.fixture
def source(tmp_path):
    path = tmp_path / 'list.txt'
    path.write_text('\n'.join(NAMES))
    return ImageSource(path)


@pytest.fixture
def run(source, tmp_path, vocabulary):

    def run(backend, out='out', stage='describe', prompts=None, images=source,
            max_tokens=512, **options):  # fmt: skip
        builder = RequestBuilder(
            stage, PromptFile.load(prompts), vocabulary, max_tokens=max_tokens
        )
        teacher = TeacherJob(images, tmp_path / out, progress=False, **options)
        return teacher.run(builder, backend)

    return run


def records(folder, kind='caption', part='raw'):
    return list(read_records(folder, kind, part))


def test_answered_requests_are_not_sent_again(run, tmp_path):
    report = run(Scripted(), limit=5)
    assert (report.done, report.known, report.left) == (5, 0, 0)
    assert (report.tokens_in, report.tokens_out) == (25, 15)
    backend = Scripted()
    report = run(backend)
    assert (report.done, report.known) == (15, 5)
    assert backend.requested == NAMES[5:]
    backend = Scripted()
    assert run(backend).known == 20 and backend.requested == []
    assert [x['image_id'] for x in records(tmp_path / 'out')] == NAMES
    row = records(tmp_path / 'out')[0]
    assert (row['model'], row['kind'], row['finish']) == (
        'scripted',
        'caption',
        'stop',
    )
    assert row['prompt_hash'] == PromptFile.load().hash('describe')


def test_duplicate_image_gets_one_request(run, tmp_path):
    (tmp_path / 'twice.txt').write_text('a.jpg\nb.jpg\na.jpg\n')
    run(Scripted(), images=ImageSource(tmp_path / 'twice.txt'))
    assert len(records(tmp_path / 'out')) == 2


def test_failures_are_recorded_and_retried(run, tmp_path):
    backend = Scripted()
    backend.failures = {
        '03.jpg': Failure('timeout', 'too slow'),
        '04.jpg': Failure('unreadable_image', '04.jpg', about_image=True),
    }
    report = run(backend)
    assert (report.done, report.left, report.failed) == (
        18,
        2,
        {'timeout': 1, 'unreadable_image': 1},
    )
    text = '\n'.join(report.lines())
    assert 'timeout (1), unreadable_image (1)' in text
    assert 'run the same command again' in text
    rows = records(tmp_path / 'out', part='failures')
    assert [(x['image_id'], x['reason'], x['message']) for x in rows] == [
        ('03.jpg', 'timeout', 'too slow'),
        ('04.jpg', 'unreadable_image', '04.jpg'),
    ]
    backend = Scripted()
    report = run(backend)
    assert backend.requested == ['03.jpg', '04.jpg'] and report.left == 0
    saved = tmp_path / 'out/reports/caption-00000-of-00001.json'
    assert JobReport.from_json(saved.read_text()) == report


class Thinking(Scripted):
    """Backend that reasons first; the prompt opens the reasoning."""

    texts = {
        '00.jpg': ('A man may be feeding a', 'length'),
        '01.jpg': ('A man rides?</think>A man is feeding a dog.', 'stop'),
        '02.jpg': ('Or he pets a dog, or', 'length'),
        '03.jpg': ('Hm.</think>A man is petting a do', 'length'),
        '04.jpg': ('<think>A man', 'length'),
        '05.jpg': ("I'm sorry, but I can't help with that.", 'stop'),
        '06.jpg': ('', 'stop'),
    }

    def run(self, requests):
        for request in requests:
            self.requested.append(request.image_id)
            yield request, Response(*self.texts[request.image_id])


def test_reasoning_without_answer_is_a_failure(run, tmp_path, vocabulary):
    report = run(Thinking(), limit=7)
    assert report.failed == dict(unfinished_reasoning=2, refused=1, empty=1)
    assert (report.done, report.num_to_repeat) == (3, 3)
    assert 'raise --max-tokens' in '\n'.join(report.lines())
    # The first record predates the detection of reasoning.
    rows = collect_answers(tmp_path / 'out').read_text().splitlines()
    assert [json.loads(row)['image_id'] for row in rows] == [
        '01.jpg',
        '03.jpg',
    ]
    backend = Thinking()
    run(backend, limit=7)
    assert backend.requested == [f'0{i}.jpg' for i in (0, 2, 4, 5, 6)]
    folder = tmp_path / 'out'
    parse_pass(folder, vocabulary, folder / 'parsed.jsonl')
    pack_pass(folder, vocabulary, ENCODER, 'parsed.jsonl', False)
    assert list(TeacherCache(folder).keys()) == ['01.jpg', '03.jpg']


def test_invalid_answers_of_earlier_releases_are_retried(run, tmp_path):
    """Earlier releases stored refusals and reasoning as answers."""
    run(Scripted())
    (path,) = shard_files(tmp_path / 'out', 'caption')
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[3]['text'] = '<think>A man'
    lines[4]['text'] = ''
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines))
    (report,) = report_folder(tmp_path / 'out')
    assert report.failed == dict(unfinished_reasoning=1, empty=1)
    assert report.main_failure == 'empty: 04.jpg'
    backend = Scripted()
    run(backend)
    assert backend.requested == NAMES[3:5]
    (report,) = report_folder(tmp_path / 'out')
    assert (report.done, report.num_failed) == (20, 0)


def test_stops_when_the_model_is_unavailable(run):
    backend = Scripted()
    gone = Failure('connection', 'refused')
    broken = Failure('unreadable_image', 'x', about_image=True)
    backend.failures = dict.fromkeys(NAMES, gone)
    report = run(backend, give_up_after=4)
    assert backend.requested == NAMES[:4]
    assert report.gave_up == 'refused' and report.left == 20
    backend.failures = dict.fromkeys(NAMES, broken)
    assert run(backend, give_up_after=4).gave_up is None
    backend.failures = dict.fromkeys(NAMES[::2], gone)
    assert run(backend, give_up_after=4).done == 10


def test_changed_prompt_is_requested_again(run, tmp_path):
    text = (PROMPT_DIR / 'verb_object.txt').read_text()
    mine = tmp_path / 'mine.txt'
    mine.write_text(text.replace('two to four', 'five'))
    first, second, again = Scripted(), Scripted(), Scripted()
    run(first)
    run(second, prompts=mine)
    run(again, prompts=mine)
    assert (len(second.requested), len(again.requested)) == (20, 0)
    assert len(records(tmp_path / 'out')) == 40
    answers = collect_answers(tmp_path / 'out').read_text().splitlines()
    assert len(answers) == 20
    # Back to the first prompt, whose answers are still stored.
    assert run(again).known == 20
    noted = json.loads((tmp_path / 'out/raw/caption.json').read_text())
    assert noted['prompt']['hash'] == PromptFile.load().hash('describe')


def test_truncated_answers_are_requested_with_a_higher_limit(run, tmp_path):
    report = run(Scripted(finish='length'))
    assert report.truncated == 20 and '--max-tokens' in report.lines()[2]
    assert run(Scripted()).known == 20
    backend = Scripted()
    assert run(backend, max_tokens=600).done == 20
    assert run(backend, max_tokens=600).known == 20
    assert (
        len(collect_answers(tmp_path / 'out').read_text().splitlines()) == 20
    )


def test_another_model_needs_another_folder(run):
    run(Scripted())
    with pytest.raises(RuntimeError, match='field "model" is "scripted"'):
        run(Scripted('other'))


def test_shards_make_the_same_cache(run, tmp_path, vocabulary):
    made = {}
    for out, count in (('whole', 1), ('parts', 3)):
        for stage in ('describe', 'list'):
            for i in reversed(range(count)):
                run(Scripted(), out, stage, shard=Shard(i, count))
        folder = tmp_path / out
        report = parse_pass(folder, vocabulary, folder / 'parsed.jsonl')
        assert report.images == 20
        assert embed_pass(folder, vocabulary, ENCODER, 'parsed.jsonl', False)
        pack_pass(folder, vocabulary, ENCODER, 'parsed.jsonl', False)
        made[out] = [
            (folder / name).read_bytes()
            for name in (
                'answers.jsonl',
                'parsed.jsonl',
                'knowledge.safetensors',
                'manifest.json',
            )
        ]
    assert len(shard_files(tmp_path / 'parts', 'caption')) == 3
    assert made['whole'] == made['parts']
    # Unsharded, no request is left.
    backend = Scripted()
    assert run(backend, 'parts').known == 20
    cache = TeacherCache(tmp_path / 'whole', vocabulary)
    out = cache.get('07.jpg')
    assert (2, 2) in list(zip(out['verb_labels'], out['obj_labels']))
    # 'draw a dog' is outside the vocabulary in all images.
    assert cache.manifest['counts']['outside_vocabulary'] == 20


@needs_captions
def test_parsed_folder_of_other_answers_is_refused(
    run, tmp_path, vocabulary, capsys
):
    run(Scripted(), limit=15)
    folder = tmp_path / 'out'
    parsed = folder / 'parsed.jsonl'
    parse_pass(folder, vocabulary, parsed)
    run(Scripted())
    collect_answers(folder)
    args = (folder, vocabulary, ENCODER, 'parsed.jsonl', False)
    pack_pass(*args)
    text = '5 of 20 images that have an answer have no row, for one "15.jpg"'
    assert text in capsys.readouterr().err
    parsed.write_text('{"image_id": "x/1.jpg", "interactions": []}\n')
    with pytest.raises(ValueError, match='20 of 20 images .* parse again'):
        pack_pass(*args)


@needs_captions
def test_second_embedding_is_a_no_op(run, tmp_path, vocabulary):
    run(Scripted())
    folder = tmp_path / 'out'
    parse_pass(folder, vocabulary, folder / 'parsed.jsonl')
    args = (folder, vocabulary, ENCODER, 'parsed.jsonl', False)
    pack_pass(*args)
    plain = (folder / 'knowledge.safetensors').read_bytes()
    # One sentence per image, which is its caption, and one phrase.
    assert [embed_pass(*args), embed_pass(*args)] == [21, 0]
    pack_pass(*args)
    assert (folder / 'knowledge.safetensors').read_bytes() == plain
    (path,) = (folder / 'embeddings').iterdir()
    whole = path.read_bytes()
    phrase = HashedTextEncoder(16).encode(['a person feeding a dog'])
    place = whole.index(phrase.astype(np.float16).tobytes())
    changed = bytearray(whole)
    changed[place] ^= 1
    for damaged in (whole[: len(whole) // 2], changed):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match='delete it'):
            pack_pass(*args)


def test_truncated_line_is_removed_and_requested_again(run, tmp_path):
    run(Scripted())
    (path,) = shard_files(tmp_path / 'out', 'caption')
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    assert len(records(tmp_path / 'out')) == 19
    backend = Scripted()
    assert run(backend).done == 1 and backend.requested == NAMES[-1:]
    assert path.read_bytes().count(b'\n') == 20
    assert len(records(tmp_path / 'out')) == 20
    path.write_bytes(b'{"image_id": "a"')  # Only a truncated line.
    assert run(Scripted()).done == 20


def test_damaged_line_is_an_error(run, tmp_path):
    run(Scripted())
    (path,) = shard_files(tmp_path / 'out', 'caption')
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(''.join([*lines[:3], '{"image_id": \n', *lines[4:]]))
    for work in (
        lambda: run(Scripted()),
        lambda: collect_answers(tmp_path / 'out'),
    ):
        with pytest.raises(ValueError, match='00001.jsonl, line 4: damaged'):
            work()


@pytest.mark.parametrize('text', ['{"mod', '[]', '{"prompt": 3}', '{}'])
def test_damaged_settings_are_an_error(run, tmp_path, text):
    run(Scripted())
    path = tmp_path / 'out/raw/caption.json'
    path.write_text(text)
    for work in (
        lambda: run(Scripted()),
        lambda: collect_answers(tmp_path / 'out'),
    ):
        with pytest.raises(ValueError, match='caption.json: unreadable'):
            work()
    path.unlink()
    assert run(Scripted()).known == 20


def test_one_process_per_shard(run, tmp_path):
    with RawStore(tmp_path / 'out', 'caption', Shard(0, 2)):
        with pytest.raises(RuntimeError, match='another process'):
            run(Scripted(), shard=Shard(0, 2))
        with pytest.raises(RuntimeError, match='the same n'):
            run(Scripted())
        run(Scripted(), shard=Shard(1, 2))
    assert run(Scripted()).done > 0


def test_full_disk_loses_nothing(run, tmp_path, monkeypatch):
    """Simulate a partial write, as on a full disk."""
    run(Scripted(), limit=4)
    add = RawStore._write

    class FullFile:
        def __init__(self, file):
            self.file = file
            self.name = file.name

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, data):
            self.file.write(data[:10])
            raise OSError(28, 'No space left on device')

    def write(store, file, row):
        full = row['image_id'] == '06.jpg'
        add(store, FullFile(file) if full else file, row)

    monkeypatch.setattr(RawStore, '_write', write)
    with pytest.raises(OSError, match='free some space and run the same'):
        run(Scripted())
    monkeypatch.undo()
    assert len(records(tmp_path / 'out')) == 6
    (path,) = shard_files(tmp_path / 'out', 'caption')
    assert path.read_bytes().endswith(b'}\n')
    assert run(Scripted()).done == 14


def test_report_of_structured_answers(run, vocabulary):
    report = run(Scripted(), stage='list')
    text = '\n'.join(report.lines(vocabulary))
    assert 'most frequent: feed dog (20)' in text
    assert 'outside the vocabulary: draw dog (20)' in text
    assert 'malformed: 0 (0.0 %)' in text
    total = report + report
    assert total.done == 40 and total.pairs['feed|dog'] == 40


def test_simulated_and_replayed_jobs_agree(tmp_path):
    from synthetic_world import make_annotations

    from clhoi_mm.vocabulary import HOIVocabulary

    mini = HOIVocabulary.load('mini')
    path = tmp_path / 'train.json'
    path.write_text(json.dumps(make_annotations(mini, 60)))
    simulated = build_backend(
        dict(type='simulated', ann_file=str(path), vocabulary='mini')
    )
    from clhoi_mm.teacher.requests.detected_objects import (
        read_detected_objects,
    )

    objects = read_detected_objects(path, mini)
    prompts = PromptFile.load()
    for out, backend in (('first', lambda: simulated),
                         ('second', lambda: build_backend(
                             dict(type='replay', raw=tmp_path / 'first',
                                  model=simulated.model)))):  # fmt: skip
        backend = backend()
        for stage in ('describe', 'list', 'score'):
            builder = RequestBuilder(stage, prompts, mini, objects)
            report = TeacherJob(
                ImageSource(path), tmp_path / out, progress=False
            ).run(builder, backend)
            assert report.done >= 50 and not report.failed
        collect_answers(tmp_path / out)
    texts = [
        (tmp_path / out / 'answers.jsonl').read_text()
        for out in ('first', 'second')
    ]
    assert texts[0] == texts[1]
    rows = [json.loads(line) for line in texts[0].splitlines()]
    listed = {
        (row['image_id'], item['verb'], item['object']): item['score']
        for row in rows
        if row['kind'] == 'list' and row['text'].endswith('}]')
        for item in json.loads(row['text'])
    }
    scored = {
        (row['image_id'], row['verb'], row['object']): row['score']
        for row in rows
        if row['kind'] == 'score'
    }
    both = set(listed) & set(scored)
    assert len(both) > 40
    assert all(listed[name] == scored[name] for name in both)
    readable = {name[0] for name in listed}
    rest = [
        x
        for name, x in scored.items()
        if name[0] in readable and name not in both
    ]
    assert max(rest) < min(listed[name] for name in both)
    with pytest.raises(FileNotFoundError, match='no raw answers'):
        build_backend(dict(type='replay', raw=tmp_path))


def test_a_file_of_records_is_replayed(tmp_path):
    raw = tmp_path / 'raw.jsonl'
    raw.write_text('{"image_id": "a.jpg", "kind": "caption", "text": "A."}\n')
    backend = build_backend(dict(type='replay', raw=raw))
    requests = [
        Request(name, tmp_path / name, Prompt('caption', 'What?', 'h', 9))
        for name in ('a.jpg', 'b.jpg')
    ]
    first, second = (outcome for _, outcome in backend.run(requests))
    assert first.text == 'A.' and second.reason == 'not_recorded'
    raw.write_text('{"image_id": "a.jpg", "kind": "poem", "text": "A."}\n')
    with pytest.raises(ValueError, match='line 1: field "kind"'):
        build_backend(dict(type='replay', raw=raw))
