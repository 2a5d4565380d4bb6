"""Input image of an inferencer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional, Union

import numpy as np

if TYPE_CHECKING:
    from .video_input import VideoInput


@dataclass
class ImageInput:
    """Input image, or the reason that there is none.

    Attributes:
        name (str): Name of its outputs: a relative path without suffix,
            unique within the call.
        source (str): Name in messages and results.
        image (str | np.ndarray, optional): Its path, or BGR pixels
            (H, W, 3). None if there is an error.
        frame (int, optional): Frame number in the video, from 0.
        time (float, optional): Presentation time in seconds.
        video (VideoInput, optional): Video of the frame.
        error (str, optional): Reason that there is no image.
    """

    name: str
    source: str
    image: Union[str, np.ndarray, None] = None
    frame: Optional[int] = None
    time: Optional[float] = None
    video: Optional['VideoInput'] = None
    error: Optional[str] = None
