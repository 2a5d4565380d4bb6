"""One image to look at."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Optional, Union

import numpy as np

if TYPE_CHECKING:
    from .video_input import VideoInput


@dataclass
class ImageInput:
    """An image to look at.

    Attributes:
        name (str): What its outputs are called: a relative path without an
            ending, unlike all others of the call.
        source (str): What to call it in messages and results.
        image (str | np.ndarray, optional): Its path, or BGR pixels
            (H, W, 3). None where there is an error.
        frame (int, optional): Its number in the video, from 0.
        time (float, optional): When it is shown, in seconds.
        video (VideoInput, optional): The video that it is from.
        error (str, optional): Why there is nothing to look at.
    """

    name: str
    source: str
    image: Union[str, np.ndarray, None] = None
    frame: Optional[int] = None
    time: Optional[float] = None
    video: Optional['VideoInput'] = None
    error: Optional[str] = None
