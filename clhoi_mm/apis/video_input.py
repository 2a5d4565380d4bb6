"""Reader of a video's frames and their times."""

import os
from typing import Iterator, List, Optional

import cv2
import numpy as np

from clhoi_mm.utils.image_reader import UnreadableImage

from .image_input import ImageInput
from .video_tracks import RATE

# Rates outside this range are errors of the container.
SLOWEST, FASTEST = 0.01, 240.0
# Number of frames that determine whether the rate varies.
_NUM_PROBED = 32
# Consecutive failures after which a file is considered to have ended.
_LONGEST_GAP = 1000
# Silences FFmpeg's messages about damaged blocks; frames are counted here.
os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
# Tolerance for containers with clocks of milliseconds.
_JITTER = 0.003


class VideoInput:
    """A video file.

    Args:
        name (str): Name as of :class:`ImageInput`; frames append their
            number.
        path (str): The file.
        step (int): Use every n-th frame. Defaults to 1.

    Attributes:
        rate (float): Used frames per second: the stated rate or, if frames
            come at irregular times, the highest rate at the beginning. 25 if
            neither the file states a plausible rate, nor its times do.

    Raises:
        UnreadableImage: If it cannot be opened or has no frame.
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
        true_rate = _true_rate(rate, times)
        self._has_times = true_rate is not None
        self._rate = true_rate or RATE
        self.rate = self._rate / step

    def __len__(self) -> int:
        """Return the stated number of used frames."""
        return -(-self.num_frames // self.step)

    def __iter__(self) -> Iterator[ImageInput]:
        """Yield the frames and, if some are missing, an error."""
        video = self._open()
        number, damaged, failed, time = 0, 0, 0, -1.0
        try:
            while True:
                if video.grab():
                    damaged, failed = damaged + failed, 0
                    time = self._next_time(video, time, number)
                    if number % self.step == 0:
                        is_decoded, image = video.retrieve()
                        if is_decoded:
                            yield self._frame(number, time, image)
                        damaged += not is_decoded
                elif number < self.num_frames and failed < _LONGEST_GAP:
                    # Frames after a damaged part may be intact.
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
                'trimmed without re-encoding',
            )

    def _frame(
        self, number: int, time: float, image: np.ndarray
    ) -> ImageInput:
        return ImageInput(
            f'{self.name}/{number:06d}', self.path, image, number, time, self
        )

    def _next_time(
        self, video: cv2.VideoCapture, last_time: float, number: int
    ) -> float:
        """Compute the current frame's time in seconds; times only grow."""
        if not self._has_times:
            return number / self._rate
        time = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if np.isfinite(time) and time > last_time:
            return time
        return last_time + 1 / self._rate if number else 0.0

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
    """Compute the number of frames per second.

    Args:
        stated (float): Average rate stated by the container.
        times (List[float]): Times of the first frames in seconds.
    """
    gaps = np.diff(times)
    gaps = gaps[(gaps >= 1 / FASTEST) & (gaps <= 1 / SLOWEST)]
    if len(gaps) and gaps.max() - gaps.min() > max(_JITTER, 0.1 * gaps.min()):
        stated = 1 / gaps.min()
    elif len(gaps) and not SLOWEST <= stated <= FASTEST:
        stated = 1 / gaps.mean()
    return stated if SLOWEST <= stated <= FASTEST else None
