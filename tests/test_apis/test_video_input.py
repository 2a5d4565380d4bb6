"""Time stamps of video frames, and damaged videos."""

import struct

import cv2
import numpy as np
import pytest

from clhoi_mm.apis.inputs import Inputs
from clhoi_mm.apis.video_files import VideoFiles
from clhoi_mm.apis.video_input import VideoInput, _true_rate
from clhoi_mm.utils.image_reader import UnreadableImage
from tests.film import write_film

FRAMES = [np.full((32, 48, 3), 10 * i, np.uint8) for i in range(20)]


def mp4_box(kind, *content):
    """Build a box of an MP4 file."""
    content = b''.join(content)
    return struct.pack('>I', 8 + len(content)) + kind + content


def with_durations(data, timescale, durations):
    """Replace the time stamps of an MP4 file's only track.

    This changes its ``stts`` and the clock of its ``mdhd``, and shifts what
    follows them.
    """
    place = data.index(b'stts') - 4
    (size,) = struct.unpack('>I', data[place : place + 4])
    rows = [struct.pack('>II', 1, d) for d in durations]
    table = mp4_box(b'stts', bytes(4), struct.pack('>I', len(rows)), *rows)
    for kind in (b'stbl', b'minf', b'mdia', b'trak', b'moov'):
        start = data.index(kind) - 4
        (old,) = struct.unpack('>I', data[start : start + 4])
        new = struct.pack('>I', old + len(table) - size)
        data = data[:start] + new + data[start + 4 :]
    data = data[:place] + table + data[place + size :]
    clock = data.index(b'mdhd') + 4 + 12
    total = sum(durations)
    # The edit list shows everything.
    edit = data.index(b'elst') + 12
    shown = struct.pack('>I', max(total * 1000 // timescale, 1))
    data = data[:edit] + shown + data[edit + 4 :]
    return (
        data[:clock] + struct.pack('>II', timescale, total) + data[clock + 8 :]
    )


@pytest.fixture
def mp4(tmp_path):
    """Write 20 frames at a constant rate or given durations."""

    def write(name, durations=None, timescale=1000):
        path = write_film(tmp_path / name, FRAMES, 10.0, 'mp4v')
        if durations:
            data = path.read_bytes()
            # The index comes last, so that no offset changes.
            assert data.index(b'mdat') < data.index(b'moov')
            path.write_bytes(with_durations(data, timescale, durations))
        return path

    return write


def test_times_come_from_the_container(mp4):
    durations = [40] * 10 + [480] * 10
    video = VideoInput('v', str(mp4('vfr.mp4', durations)))
    frames = list(video)
    assert [f.error for f in frames] == [None] * 20
    assert [f.time for f in frames] == pytest.approx(
        np.cumsum([0, *durations[:-1]]) / 1000
    )
    # A constant rate high enough to keep every frame.
    assert video.rate == pytest.approx(25)
    half = VideoInput('v', str(video.path), 2)
    assert [f.time for f in half] == pytest.approx(
        [f.time for f in frames[::2]]
    )


def test_constant_rate_equals_the_stated_one(mp4):
    video = VideoInput('v', str(mp4('v.mp4')), 2)
    assert video.rate == pytest.approx(5) and len(video) == 10
    assert [f.time for f in video] == pytest.approx(np.arange(10) / 5)


@pytest.mark.parametrize('clock', [90_000, 1_000_000])
def test_impossible_times_are_ignored(mp4, clock):
    video = VideoInput('v', str(mp4('v.mp4', [1] * 20, clock)), 2)
    assert video.rate == 12.5
    assert [f.time for f in video] == pytest.approx(np.arange(10) * 2 / 25)


@pytest.mark.parametrize(
    'stated,times,wanted',
    [
        # A browser's WebM states its clock, 1000 ticks a second.
        (1000, np.arange(9) / 30, 30),
        (1000, np.round(np.arange(9) / 30, 3), 30),
        # One extra time stamp, one tick after another.
        (1000, [0, 0.04, 0.041, 0.08, 0.12, 0.4], 25.6),
        (0, [0, 0.1, 0.2], 10),
        (float('nan'), [0, 0.1, 0.2], 10),
        (25, [0, 0, 0], 25),
        (1000, np.arange(9) / 1000, None),
        (90000, [0.0], None),
    ],
)
def test_rates(stated, times, wanted):
    found = _true_rate(stated, list(times))
    assert found == (wanted and pytest.approx(wanted, rel=0.01))


def read_back(path):
    video = cv2.VideoCapture(str(path))
    rate, values = video.get(cv2.CAP_PROP_FPS), []
    while True:
        done, frame = video.read()
        if not done:
            return rate, values
        values.append(round(float(frame.mean()) / 10))


def written(tmp_path, rate, times):
    with VideoFiles(str(tmp_path), 'out', rate) as files:
        for frame, time in zip(FRAMES, times, strict=False):
            files.add_picture(frame, time)
    return read_back(tmp_path / 'vis/out.mp4')


def test_frame_durations_are_kept(tmp_path):
    rate, values = written(tmp_path, 10.0, [5, 5.1, 5.2, 5.6, 5.7])
    assert rate == pytest.approx(10)
    assert values == [0, 1, 2, 2, 2, 2, 3, 4]


def test_frames_above_the_maximum_rate_are_dropped(tmp_path):
    rate, values = written(tmp_path, 200.0, np.arange(12) / 240)
    assert rate == pytest.approx(60)
    assert len(values) in (3, 4) and values == sorted(values)


def test_time_stamp_jumps_are_bounded(tmp_path):
    _, values = written(tmp_path, 2.0, [0, 0.5, 1e9, 1e9 + 0.5])
    assert values == [0, *[1] * 21, 2, 3] or len(values) < 30


@pytest.mark.parametrize('rate', [None, 0.001, 29.97, 1001 / 30, 90000.0])
def test_any_rate_can_be_written(tmp_path, rate):
    found, values = written(tmp_path, rate, [None] * 6)
    assert 1 <= found <= 60 and values == list(range(6))


def test_missing_frames_are_counted(mp4):
    path = mp4('cut.mp4')
    data = bytearray(path.read_bytes())
    start, end = data.index(b'mdat'), data.index(b'moov')
    # The second half of the frames was never written.
    data[(start + end) // 2 : end - 4] = bytes(end - 4 - (start + end) // 2)
    path.write_bytes(data)
    *frames, last = VideoInput('cut', str(path))
    assert 0 < len(frames) < 20 and all(f.error is None for f in frames)
    assert f'{20 - len(frames)} of 20 frames could not be read' in last.error
    assert last.image is None


def test_frames_after_a_damaged_part_are_read(mp4, capfd):
    path = mp4('hole.mp4')
    data = bytearray(path.read_bytes())
    start, end = data.index(b'mdat'), data.index(b'moov')
    hole = slice(start + (end - start) // 2, start + (end - start) * 3 // 4)
    data[hole] = bytes(hole.stop - hole.start)
    path.write_bytes(data)
    *frames, last = VideoInput('hole', str(path))
    numbers = [f.frame for f in frames]
    assert numbers[0] == 0 and numbers[-1] == 19 and len(numbers) < 20
    assert [f.time for f in frames] == pytest.approx(np.array(numbers) / 10)
    assert f': {20 - len(frames)} of 20 frames could' in last.error
    assert capfd.readouterr().err == ''


def test_avi_with_a_gap(tmp_path):
    noise = np.random.RandomState(0)
    frames = [noise.randint(0, 255, (64, 96, 3), np.uint8) for _ in range(30)]
    path = write_film(tmp_path / 'hole.avi', frames, 10.0, 'MJPG')
    data = path.read_bytes()
    third, half = len(data) // 3, len(data) // 2
    path.write_bytes(data[:third] + noise.bytes(half - third) + data[half:])
    *found, last = VideoInput('hole', str(path))
    assert 20 < len(found) < 30 and last.frame is None
    assert f': {30 - len(found)} of 30 frames could' in last.error


def test_bad_files_are_skipped(mp4, tmp_path):
    (tmp_path / 'zero.mp4').write_bytes(b'')
    (tmp_path / 'text.mp4').write_bytes(b'<html>404</html>')
    whole = mp4('good.mp4').read_bytes()
    (tmp_path / 'headless.mp4').write_bytes(whole[: len(whole) // 2])
    found = list(Inputs(str(tmp_path / '*.mp4')))
    errors = [f.error for f in found if f.error]
    assert len(errors) == 3 and len(found) == 23
    for error, name in zip(errors, ('headless', 'text', 'zero'), strict=True):
        assert f'{name}.mp4: the video cannot be opened' in error
    with pytest.raises(UnreadableImage, match='text.mp4'):
        VideoInput('text', str(tmp_path / 'text.mp4'))
