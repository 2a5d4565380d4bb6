"""Results, pictures and files of an inferencer's predictions."""

import os.path as osp
from typing import Any, Optional, Sequence

import numpy as np

from clhoi_mm.structures import HOIDataSample
from clhoi_mm.visualization import HOILocalVisualizer
from clhoi_mm.vocabulary import HOIVocabulary

from .image_input import ImageInput
from .inference import (
    Inference,
    choose_rows,
    to_dict,
    write_json,
    write_picture,
)
from .video_files import VideoFiles
from .video_input import VideoInput
from .video_tracks import VideoTracks


class ResultWriter:
    """Tracks, filters, draws and writes predictions.

    A context manager, since the files of a video stay open.

    Args:
        visualizer (HOILocalVisualizer): Visualizer.
        vocabulary (HOIVocabulary): Vocabulary of the labels.
        texts (Sequence[str], optional): Names of classes.
        wanted (np.ndarray, optional): Verbs and objects to keep.
        score_thr (float): Minimum score of results.
        pred_score_thr (float): Minimum score of what is drawn.
        top_k (int, optional): Maximum number of interactions of an image.
        out_dir (str): Output folder; '' for none.
        save_vis (bool): Whether to write pictures.
        save_pred (bool): Whether to write JSON.
        return_vis (bool): Whether to return pictures.
        return_datasamples (bool): Whether to return data samples.
        show (bool): Whether to open windows.
        wait_time (float): Seconds to show one.
        track (bool): Whether to track people and objects through videos.
        max_per_img (int): Maximum number of interactions of a frame.
        attention (int): Number of pairs whose attention is drawn.
    """

    def __init__(
        self,
        visualizer: HOILocalVisualizer,
        vocabulary: HOIVocabulary,
        texts: Optional[Sequence[str]],
        wanted: Optional[np.ndarray],
        score_thr: float,
        pred_score_thr: float,
        top_k: Optional[int],
        out_dir: str,
        save_vis: bool,
        save_pred: bool,
        return_vis: bool,
        return_datasamples: bool,
        show: bool,
        wait_time: float,
        track: bool,
        max_per_img: int,
        attention: int,
    ) -> None:
        self.visualizer = visualizer
        self.vocabulary = vocabulary
        self.texts = texts
        self.wanted = wanted
        self.score_thr = score_thr
        self.pred_score_thr = pred_score_thr
        self.top_k = top_k
        self.out_dir = out_dir
        self.save_vis = bool(out_dir) and save_vis
        self.save_pred = bool(out_dir) and save_pred
        self.return_vis = return_vis
        self.return_datasamples = return_datasamples
        self.show = show
        self.wait_time = wait_time
        self.track = track
        self.max_per_img = max_per_img
        self.attention = attention
        self._video: Optional[VideoInput] = None
        self._tracks: Optional[VideoTracks] = None
        self._time: Optional[float] = None
        self._files: Optional[VideoFiles] = None

    @property
    def needs_pixels(self) -> bool:
        """Return whether anything is drawn."""
        return self.return_vis or self.show or self.save_vis

    def __enter__(self) -> 'ResultWriter':
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._files is not None:
            self._files.__exit__(*exception)
        self._video = self._files = None

    def make(
        self,
        image: ImageInput,
        sample: HOIDataSample,
        pixels: Optional[np.ndarray],
    ) -> Inference:
        """Make an image's result; a video's frames in order.

        Args:
            image (ImageInput): The input.
            sample (HOIDataSample): The model's predictions.
            pixels (np.ndarray, optional): RGB pixels, if it is to be drawn.
        """
        tracked = self.track and image.video is not None
        if tracked:
            if image.video is not self._video:
                self._begin(image.video)
            sample = self._tracks.update(sample, self._seconds(image))
        sample = choose_rows(sample, self.score_thr, self.top_k, self.wanted)
        result = Inference(
            image.source,
            to_dict(sample, image, self.vocabulary, self.texts),
            self.vocabulary,
        )
        if self.return_datasamples:
            result.data_sample = sample
        picture = None
        if pixels is not None:
            picture = self._draw(image, sample, pixels, tracked)
            if self.return_vis:
                result.picture = picture
        if tracked:
            if self.save_vis:
                self._files.add_picture(picture, image.time)
            if self.save_pred:
                self._files.add_line(result.prediction)
            return result
        if self.save_vis:
            write_picture(self._path('vis', image.name, 'jpg'), picture)
        if self.save_pred:
            write_json(
                self._path('preds', image.name, 'json'), result.prediction
            )
        return result

    def _path(self, folder: str, name: str, ending: str) -> str:
        return osp.join(self.out_dir, folder, f'{name}.{ending}')

    def _begin(self, video: VideoInput) -> None:
        """Start another video and close the previous one's files."""
        self.__exit__(None, None, None)
        self._video, self._time = video, None
        self._tracks = VideoTracks(video.rate, max_per_img=self.max_per_img)
        self._files = VideoFiles(self.out_dir, video.name, video.rate)

    def _seconds(self, frame: ImageInput) -> Optional[float]:
        """Compute the time since the previous frame; None without one."""
        old_time, self._time = self._time, frame.time
        return None if old_time is None else frame.time - old_time

    def _draw(
        self,
        image: ImageInput,
        sample: HOIDataSample,
        pixels: np.ndarray,
        tracked: bool,
    ) -> np.ndarray:
        """Draw a picture, RGB."""
        self.visualizer.dataset_meta = dict(
            verbs=self.vocabulary.verb_texts, classes=self.vocabulary.objects
        )
        self.visualizer.add_datasample(
            image.name,
            pixels,
            sample,
            draw_gt=False,
            show=self.show,
            wait_time=self.wait_time,
            pred_score_thr=self.pred_score_thr,
            attention=self.attention,
            keep_size=tracked,
        )
        return self.visualizer.get_image()
