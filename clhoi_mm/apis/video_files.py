"""Output files of a video: drawn frames and predictions."""

import json
import os
import os.path as osp
from contextlib import ExitStack
from typing import IO, Any, Optional

import cv2
import numpy as np

from clhoi_mm.utils.files import atomic_path, work_folder

from .video_tracks import RATE

# Frame rates that players and MPEG-4's clock support.
_SLOWEST, _FASTEST = 1.0, 60.0
# Maximum duration of a frame in seconds.
_LONGEST = 10.0


class VideoFiles:
    """Writer of ``vis/NAME.mp4`` and ``preds/NAME.jsonl``, each atomically.

    A context manager: the files appear when its block ends without error.

    Args:
        out_dir (str): Folder of both.
        name (str): NAME.
        rate (float, optional): Frames per second, clipped to 1 to 60.
            Defaults to None: 25.
    """

    def __init__(
        self, out_dir: str, name: str, rate: Optional[float] = None
    ) -> None:
        self.video_path = osp.join(out_dir, 'vis', f'{name}.mp4')
        self.lines_path = osp.join(out_dir, 'preds', f'{name}.jsonl')
        self.rate = min(max(rate or RATE, _SLOWEST), _FASTEST)
        self._stack = ExitStack()
        self._lines: Optional[IO[str]] = None
        self._video: Optional[cv2.VideoWriter] = None
        self._size = (0, 0)
        self._first: Optional[float] = None
        self._written = 0
        self._held: Optional[np.ndarray] = None
        self._temp = ''

    def __enter__(self) -> 'VideoFiles':
        return self

    def __exit__(self, kind: Any, *exception: Any) -> None:
        if self._video is not None:
            self._video.release()
            if kind is None:
                os.replace(self._temp, self.video_path)
        self._stack.__exit__(kind, *exception)

    def add_line(self, prediction: dict) -> None:
        """Append a frame's prediction as a line of JSON."""
        if self._lines is None:
            temp = self._stack.enter_context(atomic_path(self.lines_path))
            self._lines = self._stack.enter_context(
                open(temp, 'w', encoding='utf-8')
            )
        self._lines.write(json.dumps(prediction) + '\n')

    def add_picture(
        self, picture: np.ndarray, time: Optional[float] = None
    ) -> None:
        """Append a frame.

        A frame is repeated until the next one, since the file has a constant
        rate; frames that come faster are dropped.

        Args:
            picture (np.ndarray): RGB, (H, W, 3) uint8; all of one size.
            time (float, optional): Presentation time in seconds. Defaults to
                None: right after the previous one.

        Raises:
            ValueError: If OpenCV cannot write MP4.
        """
        # Codecs require even sides.
        height, width = (side - side % 2 for side in picture.shape[:2])
        if self._video is None:
            self._begin(width, height)
        frame = picture[..., ::-1]
        if (width, height) != self._size:
            frame = cv2.resize(frame, self._size)
        frame = np.ascontiguousarray(frame[: self._size[1], : self._size[0]])
        if time is None:
            self._write(frame)
            return
        if self._first is None:
            self._first = time
        place = round((time - self._first) * self.rate)
        late = place - self._written
        if late > _LONGEST * self.rate:
            # Timestamps jump, in broken files by years.
            late = round(_LONGEST * self.rate)
            self._first = time - (self._written + late) / self.rate
        for _ in range(late):
            self._write(self._held)
        if late >= 0:
            self._write(frame)
        self._held = frame

    def _write(self, frame: np.ndarray) -> None:
        self._video.write(frame)
        self._written += 1

    def _begin(self, width: int, height: int) -> None:
        folder = self._stack.enter_context(
            work_folder(osp.dirname(self.video_path), 'video')
        )
        self._temp = str(folder / 'video.mp4')
        self._size = width, height
        self._video = cv2.VideoWriter(
            self._temp, cv2.VideoWriter_fourcc(*'mp4v'), self.rate, self._size
        )
        if not self._video.isOpened():
            raise ValueError(
                f'{self.video_path}: OpenCV here cannot write MP4; write no '
                'pictures (no_save_vis, --no-save-vis), or install '
                'opencv-python-headless from PyPI'
            )
