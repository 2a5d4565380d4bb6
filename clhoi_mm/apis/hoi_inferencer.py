"""A trained detector on one's own images."""

import copy
import itertools
import os
import os.path as osp
from contextlib import contextmanager
from typing import (
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    Optional,
    Sequence,
    Union,
)

import cv2
import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose, pseudo_collate
from mmengine.infer import BaseInferencer
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from torch import nn
from tqdm import tqdm

from clhoi_mm.datasets.transforms import LoadImage
from clhoi_mm.models import ContextAttention, PhraseClassifier
from clhoi_mm.models.acceleration import accelerate
from clhoi_mm.registry import MODELS, TRANSFORMS, VISUALIZERS
from clhoi_mm.structures import HOIDataSample
from clhoi_mm.utils.image_reader import UnreadableImage
from clhoi_mm.visualization import HOILocalVisualizer

from .device import check_device
from .image_input import ImageInput
from .inference import Inference
from .inputs import Inputs
from .model_source import (
    as_test_pipeline,
    list_models,
    load_into,
    open_model,
    without_detector_file,
)
from .phrases import PhraseReader, PhraseVocabulary, find_classes
from .result_writer import ResultWriter

_instances = itertools.count()


class HOIInferencer(BaseInferencer):
    """Detects human-object interactions in images and videos.

    For the same image it gives what ``tools/test.py`` gives with the same
    batch size. As mmdet's ``DetInferencer``; but results can be streamed, and
    a broken image need not end the run.

    Args:
        model (str | PathLike | dict | Config, optional): A config, its path,
            or its name as :meth:`list_models` gives it. Defaults to None:
            the config that travels in the checkpoint.
        weights (str | PathLike, optional): A checkpoint of
            ``tools/train.py``. Needed unless the metafile names one.
        device (str, optional): Defaults to None: a GPU if there is one.
        cfg_options (dict, optional): Overrides entries of the config:
            ``{'model.max_per_img': 20}``.
        show_progress (bool): Whether to show a bar. Defaults to True.
        fast (bool): Let the detector's backbone work in bfloat16, which
            changes results a little: docs/speed.md. Defaults to False.
        orientation (str): 'upright' turns images as the camera says, as one's
            own photos are to be read; 'stored' leaves them as annotated data
            sets have them, and as ``tools/test.py`` reads these. Defaults to
            'upright'.

    Raises:
        FileNotFoundError: There is no such config or checkpoint.
        ValueError: They do not fit, or hold more than data.
    """

    preprocess_kwargs: set = set()
    forward_kwargs: set = set()
    visualize_kwargs: set = set()
    postprocess_kwargs: set = set()

    def __init__(
        self,
        model: Union[str, os.PathLike, dict, Config, None] = None,
        weights: Union[str, os.PathLike, None] = None,
        device: Optional[str] = None,
        cfg_options: Optional[dict] = None,
        show_progress: bool = True,
        fast: bool = False,
        orientation: str = 'upright',
    ) -> None:
        init_default_scope('clhoi_mm')
        check_device(device)
        self._fast = fast
        self._loader = LoadImage(orientation)
        cfg, self._checkpoint = open_model(model, weights, cfg_options)
        super().__init__(
            model=cfg,
            weights=str(weights or 'the checkpoint'),
            device=device,
            scope='clhoi_mm',
            show_progress=show_progress,
        )
        del self._checkpoint
        self._num_arrays = 0
        self._reader: Optional[PhraseReader] = None
        self._tables: Dict[tuple, PhraseClassifier] = {}

    @property
    def phrases(self) -> PhraseClassifier:
        """The model's classes and their embeddings."""
        return self.model.teacher_head.phrases

    def __call__(self, inputs: Any, **options: Any) -> Dict[str, list]:
        """Detect interactions.

        Args:
            inputs: See :meth:`stream`.
            **options: See :meth:`stream`.

        Returns:
            Dict[str, list]: ``predictions``: a dict an image (see
            :func:`clhoi_mm.apis.inference.to_dict`), or an
            :class:`HOIDataSample` with ``return_datasamples``;
            ``visualization``: pictures (H, W, 3) in RGB with ``return_vis``;
            ``failed``: of each image that could not be read, and of each
            video that could not be read or not whole, ``img_path`` and
            ``error``.

        Raises:
            ValueError: None of the images could be read, beside what
                :meth:`stream` raises.
        """
        found: Dict[str, list] = dict(
            predictions=[], visualization=[], failed=[]
        )
        for result in self.stream(inputs, **options):
            if result.error is not None:
                found['failed'].append(
                    dict(img_path=result.source, error=result.error)
                )
                continue
            found['predictions'].append(
                result.data_sample
                if options.get('return_datasamples')
                else result.prediction
            )
            if options.get('return_vis'):
                found['visualization'].append(result.picture)
        if not found['predictions'] and found['failed']:
            raise UnreadableImage(found['failed'][0]['error'])
        return found

    def stream(
        self,
        inputs: Any,
        batch_size: int = 1,
        score_thr: float = 0.0,
        pred_score_thr: float = 0.3,
        top_k: Optional[int] = None,
        classes: Optional[Sequence[str]] = None,
        vocabulary: Optional[Sequence[str]] = None,
        out_dir: str = '',
        no_save_vis: bool = False,
        no_save_pred: bool = False,
        return_vis: bool = False,
        return_datasamples: bool = False,
        show: bool = False,
        wait_time: float = 0,
        frame_step: int = 1,
        bad_images: str = 'skip',
        track: bool = True,
        attention: int = 0,
    ) -> Iterator[Inference]:
        """Detect interactions, one image after the other.

        Args:
            inputs: A path of an image, a video or a folder (searched
                through), a glob pattern, BGR pixels (H, W, 3) uint8, or a
                list of any of these.
            batch_size (int): Images at once. Defaults to 1.
            score_thr (float): Least score of what is given. Defaults to 0.
            pred_score_thr (float): Least score of what is drawn, as mmdet
                has it. Defaults to 0.3.
            top_k (int, optional): At most so many interactions an image, the
                best. Defaults to None: all that the model gives.
            classes (Sequence[str], optional): Give only these classes ('ride
                horse'), verbs ('ride') or objects ('horse').
            vocabulary (Sequence[str], optional): Look for these instead of
                what the model learned: phrases of a verb and an object that
                the detector knows. New ones need the text encoder.
            out_dir (str): Folder to write ``preds/NAME.json`` and
                ``vis/NAME.jpg`` to, of a video that is followed
                ``preds/NAME.jsonl`` and ``vis/NAME.mp4``. Defaults to '':
                nothing is written.
            no_save_vis (bool): Write no pictures. Defaults to False.
            no_save_pred (bool): Write no JSON. Defaults to False.
            return_vis (bool): Give pictures. Defaults to False.
            return_datasamples (bool): Give data samples. Defaults to False.
            show (bool): Open a window for each. Defaults to False.
            wait_time (float): Seconds to show it. Defaults to 0, a key.
            frame_step (int): Look at every so many frames of videos.
            bad_images (str): 'skip' goes on after an image that cannot be
                read, 'error' raises. Defaults to 'skip'.
            track (bool): Follow people and objects through videos and smooth
                the scores, see :class:`VideoTracks`. Defaults to True; else
                each frame is an image.
            attention (int): Draw, for so many pairs, the best, where the
                context comes from that they listen to; data samples have it
                as well. Defaults to 0.

        Returns:
            Iterator[Inference]: One an image, in the order of the inputs.

        Raises:
            FileNotFoundError, TypeError, ValueError: Inputs or options are
                wrong; before any image is looked at.
        """
        if batch_size < 1:
            raise ValueError(f'batch_size={batch_size}: give 1 or more')
        if bad_images not in ('skip', 'error'):
            raise ValueError(
                f"bad_images must be 'skip' or 'error', got {bad_images!r}"
            )
        out_dir = os.fspath(out_dir)
        if osp.exists(out_dir) and not osp.isdir(out_dir):
            raise ValueError(f'{out_dir}: is a file; give a folder')
        images = Inputs(
            inputs,
            frame_step,
            out_dir and osp.join(out_dir, 'vis'),
            self._num_arrays,
        )
        self._num_arrays = images.num_arrays
        table, texts = self.phrases, None
        if vocabulary is not None:
            table, texts = self._speak(vocabulary)
        wanted = None
        if classes is not None:
            wanted = find_classes(classes, table.vocabulary)
        if attention and images.has_videos and track:
            raise ValueError(
                'attention is of single images; give track=False to look at '
                'the frames of videos so'
            )
        maker = ResultWriter(
            self.visualizer,
            table.vocabulary,
            texts,
            wanted,
            score_thr,
            pred_score_thr,
            top_k,
            out_dir,
            not no_save_vis,
            not no_save_pred,
            return_vis,
            return_datasamples,
            show,
            wait_time,
            track,
            self.model.max_per_img,
            attention,
        )
        return self._run(images, batch_size, bad_images, table, maker)

    def _run(
        self,
        images: Inputs,
        batch_size: int,
        bad_images: str,
        table: PhraseClassifier,
        maker: ResultWriter,
    ) -> Iterator[Inference]:
        """Load, batch, predict, and give results in the images' order."""
        with (
            maker,
            tqdm(
                total=len(images), unit='image', disable=not self.show_progress
            ) as bar,
        ):
            waiting: List[tuple] = []
            ready = 0
            for i, image in enumerate(images):
                try:
                    packed, pixels = self._load(i, image, maker.needs_pixels)
                except UnreadableImage as error:
                    if bad_images == 'error':
                        raise
                    waiting.append((image, str(error), None))
                else:
                    waiting.append((image, packed, pixels))
                    ready += 1
                if ready == batch_size:
                    for result in self._predict(waiting, table, maker):
                        bar.update()
                        yield result
                    waiting, ready = [], 0
            for result in self._predict(waiting, table, maker):
                bar.update()
                yield result

    def _load(
        self, number: int, image: ImageInput, keep_pixels: bool
    ) -> tuple:
        """A packed input and, to draw on, its RGB pixels."""
        results = dict(img_id=number, key=image.source, img_path=image.source)
        if image.error is not None:
            raise UnreadableImage(image.error)
        if isinstance(image.image, np.ndarray):
            results['img'] = image.image
        try:
            results = self._loader(results)
            pixels = results['img'][..., ::-1].copy() if keep_pixels else None
            return self.pipeline(results), pixels
        except FileNotFoundError as error:
            raise UnreadableImage(f'{image.source}: no such image') from error
        except cv2.error as error:
            # Such as resizing to nothing.
            height, width = results['ori_shape']
            raise UnreadableImage(
                f'{image.source}: a transform of the pipeline fails at this '
                f'image of {width} x {height} pixels ({error})'
            ) from error

    def _predict(
        self,
        waiting: List[tuple],
        table: PhraseClassifier,
        maker: ResultWriter,
    ) -> Iterator[Inference]:
        """Results of a batch, among them those that could not be read."""
        batch = [data for _, data, _ in waiting if not isinstance(data, str)]
        samples: Iterator[HOIDataSample] = iter(())
        if batch:
            with self._speaking(table):
                samples = iter(self._look(batch, bool(maker.attention)))
        for image, data, pixels in waiting:
            if isinstance(data, str):
                yield Inference(image.source, error=data)
            else:
                yield maker.make(image, next(samples), pixels)

    def _look(self, batch: List[dict], explain: bool) -> List[HOIDataSample]:
        """What the model says of a batch, with its attention if asked."""
        batch = self.collate_fn(batch)
        if not explain:
            return self.forward(batch)
        with ContextAttention(self.model.vlt, self.model.icn) as attention:
            samples = self.forward(batch)
        attention.explain(samples)
        return samples

    def _speak(self, vocabulary: Sequence[str]) -> tuple:
        """A table of phrases, and what its classes are called."""
        if self._reader is None:
            self._reader = PhraseReader(self.phrases.vocabulary)
        read: PhraseVocabulary = self._reader.read(vocabulary)
        key = read.vocabulary.hash
        if key not in self._tables:
            # The last one: a user changes one phrase after the other.
            self._tables = {key: self.phrases.with_vocabulary(read.vocabulary)}
        return self._tables[key], read.texts

    @contextmanager
    def _speaking(self, table: PhraseClassifier) -> Iterator[None]:
        """Let the model score other classes for a while."""
        model, head = self.model, self.model.teacher_head
        own, absent = head.phrases, model.missing_role_weight
        head.phrases = table
        if table is not own:
            # A phrase names an object: there are no rows without one.
            model.missing_role_weight = None
        try:
            yield
        finally:
            head.phrases, model.missing_role_weight = own, absent

    @staticmethod
    def list_models(
        scope: str = 'clhoi_mm', patterns: Optional[str] = None
    ) -> List[str]:
        """Names that ``model`` takes.

        Args:
            scope (str): Not read; mmengine's interface.
            patterns (str, optional): A part of the names. Defaults to None.
        """
        return [
            m['Name'] for m in list_models() if (patterns or '') in m['Name']
        ]

    def _init_model(
        self, cfg: Config, weights: str, device: str = 'cpu'
    ) -> nn.Module:
        model = MODELS.build(
            without_detector_file(cfg.model, self._checkpoint)
        )
        if not hasattr(model, 'teacher_head'):
            raise ValueError(
                f'{cfg.filename or "the config"} is of a '
                f'{type(model).__name__}, which knows no '
                "interactions; give a CLHOI's"
            )
        load_into(model, self._checkpoint, weights)
        model.cfg = cfg
        model = revert_sync_batchnorm(model).to(device).eval()
        accelerate(model.detector, self._fast)
        return model

    def _init_pipeline(self, cfg: Config) -> Compose:
        steps = [
            dict(step, _scope_=step.get('_scope_', 'clhoi_mm'))
            for step in as_test_pipeline(cfg)
        ]
        # The first one loads, and so does ours.
        return Compose([TRANSFORMS.build(step) for step in steps[1:]])

    def _init_collate(self, cfg: Config) -> Callable:
        return pseudo_collate

    def _init_visualizer(self, cfg: Config) -> HOILocalVisualizer:
        own = copy.deepcopy(cfg.get('visualizer') or ConfigDict())
        own.update(
            type=own.get('type', 'HOILocalVisualizer'),
            name=f'hoi_inferencer_{next(_instances)}',
            vis_backends=None,
        )
        return VISUALIZERS.build(own)

    # What BaseInferencer asks for; results are made one by one instead.
    def visualize(self, *args: Any, **kwargs: Any) -> None:
        """Not used: see :meth:`stream`."""

    def postprocess(self, *args: Any, **kwargs: Any) -> None:
        """Not used: see :meth:`stream`."""
