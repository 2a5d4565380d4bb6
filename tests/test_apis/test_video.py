"""Videos: tracked instances and the written results."""

import json

import cv2
import pytest

from clhoi_mm.apis import HOIInferencer
from tests.data_utils import REPO
from tests.film import RATE, draw_film, write_film
from tests.tool_utils import assert_in, run_tool

NUM_FRAMES = 24


@pytest.fixture(scope='module')
def film(tmp_path_factory):
    return write_film(
        tmp_path_factory.mktemp('film') / 'film.avi', draw_film(NUM_FRAMES)
    )


@pytest.fixture(scope='module')
def tool_output(world, film):
    """Return the tool's lines for the video, and the folder."""
    out = film.parent / 'out'
    done = run_tool(
        REPO / 'tools/infer.py',
        film,
        '--weights',
        'model.pth',
        '--out-dir',
        out,
        '--device',
        'cpu',
        '--batch-size',
        '8',
        '--pred-score-thr',
        '0.2',
        cwd=world,
    ).check()
    assert_in(
        done.text,
        f'{NUM_FRAMES}/{NUM_FRAMES}',
        f'{NUM_FRAMES} of these are frames of videos',
        'images a second',
    )
    lines = (out / 'preds/film.jsonl').read_text().splitlines()
    return [json.loads(line) for line in lines], out


def things(line, name):
    """Return track id and horizontal center of a class's instances."""
    tracks = line['tracks']
    return [
        (number, (box[0] + box[2]) / 2)
        for number, box, obj in zip(
            tracks['ids'], tracks['bboxes'], tracks['objects']
        )
        if obj == name
    ]


def test_one_line_per_frame(tool_output):
    lines, _ = tool_output
    assert [line['frame'] for line in lines] == list(range(NUM_FRAMES))
    for line in lines:
        assert line['time'] == pytest.approx(line['frame'] / RATE)
        assert (line['width'], line['height']) == (224, 160)
        assert len({len(column) for column in line['hois'].values()}) == 1
        assert len({len(column) for column in line['tracks'].values()}) == 1


def test_track_ids_persist_and_are_unique(tool_output):
    lines, _ = tool_output
    dogs = [things(line, 'dog') for line in lines]
    # The dog is visible all the time.
    assert {number for dog in dogs for number, _ in dog} == {1}
    assert sum(map(len, dogs)) >= NUM_FRAMES - 2
    first = [
        x
        for line in lines[:8]
        for number, x in things(line, 'bicycle')
        if number == 1
    ]
    assert len(first) == 8 and first == sorted(first, reverse=True)
    assert not any(things(line, 'bicycle') for line in lines[15:17])
    (last,) = things(lines[-1], 'bicycle')
    assert last[0] == 2
    # Their riders, and the person with the dog.
    riders = [
        {number for number, x in things(line, 'person') if x < 110}
        for line in (*lines[:8], *lines[-3:])
    ]
    assert set.union(*riders[:8]).isdisjoint(set.union(*riders[8:]))
    assert all(riders)
    others = {
        number
        for line in lines
        for number, x in things(line, 'person')
        if x > 120
    }
    assert len(others) == 1


def test_interactions_name_tracks(tool_output):
    lines, _ = tool_output
    for line in lines[2:8]:
        here = set(zip(line['tracks']['objects'], line['tracks']['ids']))
        hois = line['hois']
        assert hois['scores'] == sorted(hois['scores'], reverse=True)
        persons = {('person', i) for i in hois['sub_ids']}
        objects = set(zip(hois['objects'], hois['obj_ids']))
        assert persons <= here and objects <= here


def test_annotated_video_is_written(tool_output):
    _, out = tool_output
    assert sorted(
        path.relative_to(out).as_posix()
        for path in out.rglob('*')
        if path.is_file()
    ) == ['preds/film.jsonl', 'vis/film.mp4']
    video = cv2.VideoCapture(str(out / 'vis/film.mp4'))
    assert video.get(cv2.CAP_PROP_FPS) == pytest.approx(RATE)
    shapes = []
    while True:
        done, frame = video.read()
        if not done:
            break
        shapes.append(frame.shape)
    assert shapes == [(514, 720, 3)] * NUM_FRAMES


def test_aborted_run_leaves_no_files(tmp_path, world, film):
    inferencer = HOIInferencer(
        weights=world / 'model.pth', device='cpu', show_progress=False
    )
    results = inferencer.stream(film, out_dir=tmp_path / 'out')
    next(results)
    results.close()
    assert not [path for path in tmp_path.rglob('*') if path.is_file()]
    with pytest.raises(ValueError, match='attention is available for single'):
        inferencer(film, attention=2)
