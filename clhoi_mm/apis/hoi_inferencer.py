"""Inference on images and videos."""

import copy
import itertools
import os
import os.path as osp
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

from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose, pseudo_collate
from mmengine.infer import BaseInferencer
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from torch import nn

from clhoi_mm.datasets.transforms import LoadImage
from clhoi_mm.models import PhraseClassifier
from clhoi_mm.models.acceleration import accelerate, transpose_linear_weights
from clhoi_mm.registry import MODELS, TRANSFORMS, VISUALIZERS
from clhoi_mm.utils.image_reader import UnreadableImage
from clhoi_mm.visualization import HOILocalVisualizer

from .device import check_device
from .inference import Inference
from .inference_run import InferenceRun
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

    Results equal those of ``tools/test.py`` with the same batch size. Like
    mmdet's ``DetInferencer``; in addition, results can be streamed, and an
    unreadable image need not end the run.

    Args:
        model (str | PathLike | dict | Config, optional): A config, its path,
            or a name of :meth:`list_models`. Defaults to None: the config in
            the checkpoint.
        weights (str | PathLike, optional): A checkpoint of
            ``tools/train.py``. Required unless the metafile names one.
        device (str, optional): Defaults to None: a GPU if there is one.
        cfg_options (dict, optional): Overrides entries of the config:
            ``{'model.max_per_img': 20}``.
        show_progress (bool): Whether to show a progress bar. Defaults to
            True.
        fast (bool): Whether the detector's backbone runs in bfloat16, which
            changes results slightly: docs/speed.md. Defaults to False.
        orientation (str): 'upright' applies the EXIF orientation, as for
            photos; 'stored' does not, as for annotated data sets and in
            ``tools/test.py``. Defaults to 'upright'.

    Raises:
        FileNotFoundError: If there is no such config or checkpoint.
        ValueError: If they do not fit, or contain more than data.
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
        # Classifier of the latest phrases, by the hash of their vocabulary.
        self._latest: tuple = (None, None)

    @property
    def classifier(self) -> PhraseClassifier:
        """Return the classifier of the model's classes."""
        return self.model.classifier

    @property
    def default_score_thr(self) -> float:
        """Minimum score of what is drawn.

        0.3 as in mmdet; 0.5 for calibrated scores, which are probabilities,
        so that what is drawn is likelier right than wrong.
        """
        calibrated = self.model.post_processor.calibration is not None
        return 0.5 if calibrated else 0.3

    def __call__(self, inputs: Any, **options: Any) -> Dict[str, list]:
        """Detect interactions.

        Args:
            inputs: See :meth:`stream`.
            **options: See :meth:`stream`.

        Returns:
            Dict[str, list]: ``predictions``: one dict per image (see
            :func:`clhoi_mm.apis.inference.to_dict`), or one
            :class:`HOIDataSample` with ``return_datasamples``;
            ``visualization``: pictures (H, W, 3) in RGB with ``return_vis``;
            ``failed``: ``img_path`` and ``error`` of each image or video that
            could not, or not completely, be read.

        Raises:
            ValueError: If none of the images could be read, and as
                :meth:`stream`.
        """
        outputs: Dict[str, list] = dict(
            predictions=[], visualization=[], failed=[]
        )
        for result in self.stream(inputs, **options):
            if result.error is not None:
                outputs['failed'].append(
                    dict(img_path=result.source, error=result.error)
                )
                continue
            outputs['predictions'].append(
                result.data_sample
                if options.get('return_datasamples')
                else result.prediction
            )
            if options.get('return_vis'):
                outputs['visualization'].append(result.picture)
        if not outputs['predictions'] and outputs['failed']:
            raise UnreadableImage(outputs['failed'][0]['error'])
        return outputs

    def stream(
        self,
        inputs: Any,
        batch_size: int = 1,
        score_thr: float = 0.0,
        pred_score_thr: Optional[float] = None,
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
        """Detect interactions image by image.

        Args:
            inputs: A path of an image, a video or a folder (searched
                recursively), a glob pattern, BGR pixels (H, W, 3) uint8, or a
                list of any of these.
            batch_size (int): Images per batch. Defaults to 1.
            score_thr (float): Minimum score of results. Defaults to 0.
            pred_score_thr (float, optional): Minimum score of what is drawn,
                as in mmdet. Defaults to None: :attr:`default_score_thr`.
            top_k (int, optional): Maximum number of interactions of an image,
                the best first. Defaults to None: all that the model gives.
            classes (Sequence[str], optional): Return these classes ('ride
                horse'), verbs ('ride') or objects ('horse') only.
            vocabulary (Sequence[str], optional): Phrases to detect instead of
                the model's classes, of a verb and an object that the detector
                knows. New ones require the text encoder.
            out_dir (str): Output folder of ``preds/NAME.json`` and
                ``vis/NAME.jpg``, and for tracked videos of
                ``preds/NAME.jsonl`` and ``vis/NAME.mp4``. Defaults to '':
                nothing is written.
            no_save_vis (bool): Whether to write no pictures. Defaults to
                False.
            no_save_pred (bool): Whether to write no JSON. Defaults to False.
            return_vis (bool): Whether to return pictures. Defaults to False.
            return_datasamples (bool): Whether to return data samples.
                Defaults to False.
            show (bool): Whether to open a window for each. Defaults to False.
            wait_time (float): Seconds to show it; 0 waits for a key. Defaults
                to 0.
            frame_step (int): Use every n-th frame of videos. Defaults to 1.
            bad_images (str): 'skip' continues after an image that cannot be
                read, 'error' raises. Defaults to 'skip'.
            track (bool): Whether to track people and objects through videos
                and to smooth the scores, see :class:`VideoTracks`. Defaults
                to True; otherwise each frame is an image.
            attention (int): Number of best pairs whose attention to the
                context is drawn and added to data samples. Defaults to 0.

        Returns:
            Iterator[Inference]: One per image, in the order of the inputs.

        Raises:
            FileNotFoundError, TypeError, ValueError: If inputs or options are
                invalid; before any image is processed.
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
        if pred_score_thr is None:
            pred_score_thr = self.default_score_thr
        classifier, texts = self.classifier, None
        if vocabulary is not None:
            classifier, texts = self._phrase_classifier(vocabulary)
        wanted = None
        if classes is not None:
            wanted = find_classes(classes, classifier.vocabulary)
        if attention and images.has_videos and track:
            raise ValueError(
                'attention is available for single images; set track=False '
                'to process the frames of videos as images'
            )
        maker = ResultWriter(
            self.visualizer,
            classifier.vocabulary,
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
            self.model.post_processor.max_per_img,
            attention,
        )
        run = InferenceRun(
            self.model,
            self._loader,
            self.pipeline,
            self.collate_fn,
            None if classifier is self.classifier else classifier,
            maker,
            batch_size,
            bad_images == 'skip',
        )
        return run.results(images, self.show_progress)

    def _phrase_classifier(self, vocabulary: Sequence[str]) -> tuple:
        """Build a classifier of phrases with names of its classes."""
        if self._reader is None:
            self._reader = PhraseReader(self.classifier.vocabulary)
        parsed: PhraseVocabulary = self._reader.read(vocabulary)
        key, classifier = self._latest
        if key != parsed.vocabulary.hash:
            classifier = self.classifier.with_vocabulary(parsed.vocabulary)
            self._latest = parsed.vocabulary.hash, classifier
        return classifier, parsed.texts

    @staticmethod
    def list_models(
        scope: str = 'clhoi_mm', patterns: Optional[str] = None
    ) -> List[str]:
        """List the names of available models.

        Args:
            scope (str): Not used; mmengine's interface.
            patterns (str, optional): Part of the names. Defaults to None.
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
                f'{type(model).__name__}, which does not detect '
                "interactions; give a CLHOI's"
            )
        load_into(model, self._checkpoint, weights)
        model.cfg = cfg
        model = revert_sync_batchnorm(model).to(device).eval()
        accelerate(model.detector, self._fast)
        transpose_linear_weights(model.vlt, model.icn)
        return model

    def _init_pipeline(self, cfg: Config) -> Compose:
        steps = [
            dict(step, _scope_=step.get('_scope_', 'clhoi_mm'))
            for step in as_test_pipeline(cfg)
        ]
        # The first step loads the image and is replaced.
        return Compose([TRANSFORMS.build(step) for step in steps[1:]])

    def _init_collate(self, cfg: Config) -> Callable:
        return pseudo_collate

    def _init_visualizer(self, cfg: Config) -> HOILocalVisualizer:
        visualizer_cfg = copy.deepcopy(cfg.get('visualizer') or ConfigDict())
        visualizer_cfg.update(
            type=visualizer_cfg.get('type', 'HOILocalVisualizer'),
            name=f'hoi_inferencer_{next(_instances)}',
            vis_backends=None,
        )
        return VISUALIZERS.build(visualizer_cfg)

    # Abstract methods of BaseInferencer; results are made one by one instead.
    def visualize(self, *args: Any, **kwargs: Any) -> None:
        """Not used: see :meth:`stream`."""

    def postprocess(self, *args: Any, **kwargs: Any) -> None:
        """Not used: see :meth:`stream`."""
