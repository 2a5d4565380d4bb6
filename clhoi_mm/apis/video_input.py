"""The frames of a video file, with the times that the file states."""

import os
from typing import Iterator, List, Optional

import cv2
import numpy as np

from clhoi_mm.utils.image_reader import UnreadableImage

from .image_input import ImageInput
from .video_tracks import RATE

# Rates outside are a container's mistake.
SLOWEST, FASTEST = 0.01, 240.0
# Frames from which it is seen whether the rate varies.
_NUM_PROBED = 32
# Failures on end after which a file is taken to have ended.
_LONGEST_GAP = 1000
# FFmpeg writes lines for every damaged block; frames are counted here.
os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
# What millisecond clocks of containers and their rounding differ by.
_JITTER = 0.003


class VideoInput:
    """A video file.

    Args:
        name (str): As in :class:`ImageInput`; frames add their number.
        path (str): The file.
        step (int): Every so many frames one is looked at. Defaults to 1.

    Attributes:
        rate (float): Frames that are looked at in a second: the stated rate
            or, where frames come at irregular times, the fastest that was
            seen at the beginning. 25, and times by it, where neither the
            file states a rate that can be, nor its times do.

    Raises:
        UnreadableImage: It cannot be opened, or holds no frame.
    """

    def __init__(self, name: str, path: str, step: int = 1) -> None:
        self.name = name
        self.path = path
        self.step = step
        video = self._open()
        stated = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
        rate = video.get(cv2.CAP_PROP_FPS)
        times: List[float] = []
        while len(times) < _NUM_PROBED and video.grab():
            times.append(video.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        video.release()
        if not times:
            self._refuse()
        # Some containers do not state it.
        self.num_frames = max(stated, 1)
        found = _true_rate(rate, times)
        self._has_times = found is not None
        self._rate = found or RATE
        self.rate = self._rate / step

    def __len__(self) -> int:
        """Frames to look at, as far as the file states their number."""
        return -(-self.num_frames // self.step)

    def __iter__(self) -> Iterator[ImageInput]:
        """Yield the frames and, if some are missing, an input that says so."""
        video = self._open()
        number, damaged, failed, time = 0, 0, 0, -1.0
        try:
            while True:
                if video.grab():
                    damaged, failed = damaged + failed, 0
                    time = self._next_time(video, time, number)
                    if number % self.step == 0:
                        done, image = video.retrieve()
                        if done:
                            yield self._frame(number, time, image)
                        damaged += not done
                elif number < self.num_frames and failed < _LONGEST_GAP:
                    # Those behind a damaged part may be whole.
                    failed += 1
                else:
                    break
                number += 1
        finally:
            video.release()
        number -= failed
        # Some containers round their number.
        if damaged or number + 1 < self.num_frames:
            missing = damaged + max(self.num_frames - number, 0)
            yield ImageInput(
                self.name,
                self.path,
                error=f'{self.path}: {missing} of '
                f'{max(self.num_frames, number)} frames '
                'could not be read; the video is cut off or damaged, or '
                'trimmed without being written anew',
            )

    def _frame(
        self, number: int, time: float, image: np.ndarray
    ) -> ImageInput:
        return ImageInput(
            f'{self.name}/{number:06d}', self.path, image, number, time, self
        )

    def _next_time(
        self, video: cv2.VideoCapture, before: float, number: int
    ) -> float:
        """When the present frame is shown, in seconds; times only grow."""
        if not self._has_times:
            return number / self._rate
        time = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if np.isfinite(time) and time > before:
            return time
        return before + 1 / self._rate if number else 0.0

    def _open(self) -> cv2.VideoCapture:
        video = cv2.VideoCapture(self.path)
        if not video.isOpened():
            self._refuse()
        return video

    def _refuse(self) -> None:
        raise UnreadableImage(
            f'{self.path}: the video cannot be opened; it is damaged or in a '
            'format that OpenCV here does not read. Convert it, for example '
            'with ffmpeg -i IN -c:v libx264 out.mp4'
        )


def _true_rate(stated: float, times: List[float]) -> Optional[float]:
    """Frames in a second.

    Args:
        stated (float): What the container says, on average.
        times (List[float]): When the first frames are shown, in seconds.
    """
    gaps = np.diff(times)
    gaps = gaps[(gaps >= 1 / FASTEST) & (gaps <= 1 / SLOWEST)]
    if len(gaps) and gaps.max() - gaps.min() > max(_JITTER, 0.1 * gaps.min()):
        stated = 1 / gaps.min()
    elif len(gaps) and not SLOWEST <= stated <= FASTEST:
        stated = 1 / gaps.mean()
    return stated if SLOWEST <= stated <= FASTEST else None
