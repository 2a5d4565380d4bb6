import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from ..vocabulary import HOIVocabulary
from .backends import Backend, build_backend
from .job_checks import count_unmatched, require_files, require_persons
from .job_report import JobReport
from .requests.box_convention import CONVENTIONS, convention_of
from .requests.detected_objects import DetectedObjects, read_detected_objects
from .requests.images import ImageSource
from .requests.locate_builder import LocateRequestBuilder
from .requests.prompt_file import PromptFile
from .requests.request_builder import RequestBuilder
from .requests.shards import Shard
from .store.parsed_file import PARSED, read_parsed
from .teacher_job import TeacherJob


@dataclass(frozen=True)
class AskConfig:
    """Configuration of a pass's request stages, as plain values.

    Attributes:
        stages (Tuple[str, ...]): Request stages: 'describe', 'list', 'score',
            'locate'.
        images (str): See :class:`ImageSource`.
        out (str): The pass's folder.
        backend (dict): See :func:`build_backend`.
        vocabulary (str, optional): Name or path; 'describe' alone needs
            none. Defaults to None.
        image_root (str, optional): See :class:`ImageSource`.
        orientation (str, optional): 'upright' or 'stored'. Defaults to None,
            that of :class:`ImageSource`.
        imports (Tuple[str, ...]): Modules that register other backends.
        objects (str, optional): See :func:`read_detected_objects`. Defaults
            to None: every object may be there.
        min_object_score (float): Detections below it are skipped.
            Defaults to 0.3.
        prompts (str, optional): Prompt file. Defaults to None, the one for
            the vocabulary's style.
        max_tokens (int): Limit of an answer. Defaults to 512.
        max_candidates (int): Limit of an image's candidates. Defaults to 64.
        style (str): Form of the answers of 'locate', 'boxes' or 'marks'.
            Defaults to 'boxes'.
        coordinates (str, optional): Convention of the model's boxes, one of
            :data:`CONVENTIONS`. Defaults to None: by the model's name.
        parsed (str): Name of the parsed layer, whose labels are located.
            Defaults to 'parsed.parquet'.
        limit (int): Maximum number of a shard's images, 0 for all. Defaults
            to 0.
        give_up_after (int): Failures in a row that end a run. Defaults to
            100.
    """

    stages: Tuple[str, ...]
    images: str
    out: str
    backend: Dict[str, Any]
    vocabulary: Optional[str] = None
    image_root: Optional[str] = None
    orientation: Optional[str] = None
    imports: Tuple[str, ...] = ()
    objects: Optional[str] = None
    min_object_score: float = 0.3
    prompts: Optional[str] = None
    max_tokens: int = 512
    max_candidates: int = 64
    style: str = 'boxes'
    coordinates: Optional[str] = None
    parsed: str = PARSED
    limit: int = 0
    give_up_after: int = 100

    def build_backend(self) -> Backend:
        """Build the backend, once a process."""
        for name in self.imports:
            importlib.import_module(name)
        return build_backend(self.backend)

    def load_vocabulary(self) -> Optional[HOIVocabulary]:
        """Load the vocabulary, where there is one."""
        return HOIVocabulary.load(self.vocabulary) if self.vocabulary else None

    def run_shard(
        self,
        backend: Backend,
        shard: Shard = Shard(),
        progress: bool = True,
        objects: Optional[DetectedObjects] = None,
    ) -> List[JobReport]:
        """Run the stages over a part of the images.

        Args:
            backend (Backend): From :meth:`build_backend`.
            shard (Shard): The part. Defaults to all.
            progress (bool): Whether to show bars. Defaults to True.
            objects (DetectedObjects, optional): The part's detected objects
                where they are read already. Defaults to None: read them.

        Returns:
            List[JobReport]: One a stage; fewer where a stage gave up.

        Raises:
            ValueError: The images have other keys than the objects, or than
                the file that the backend answers from; or no image has a
                person among the objects.
            FileNotFoundError: None of the images is there.
        """
        vocabulary = self.load_vocabulary()
        prompts = PromptFile.load(self.prompts, vocabulary)
        images = ImageSource(self.images, self.image_root)
        backend.orientation = self.orientation or images.orientation
        unmatched = 0
        if self.objects is not None and self.stages != ('describe',):
            if objects is None:
                objects = self.read_objects(vocabulary, shard)
            unmatched = self._check_objects(images, shard, objects, vocabulary)
        _check_images(images, shard, backend)
        teacher = TeacherJob(
            images,
            self.out,
            shard,
            self.limit,
            self.give_up_after,
            progress,
        )
        reports = []
        for stage in self.stages:
            maker = (
                self._locate_builder(prompts, vocabulary, objects, backend)
                if stage == 'locate'
                else RequestBuilder(
                    stage,
                    prompts,
                    vocabulary,
                    objects,
                    self.max_tokens,
                    self.max_candidates,
                )
            )
            reports.append(teacher.run(maker, backend))
            if stage != 'describe':
                reports[-1].without_objects = unmatched
            if reports[-1].gave_up:
                break
        return reports

    def read_objects(
        self, vocabulary: Optional[HOIVocabulary], shard: Shard = Shard()
    ) -> DetectedObjects:
        """Read the detected objects of a part of the images."""
        return read_detected_objects(
            self.objects,
            vocabulary,
            shard,
            self.min_object_score,
            'locate' in self.stages,
        )

    def _locate_builder(
        self,
        prompts: PromptFile,
        vocabulary: Optional[HOIVocabulary],
        objects: Optional[DetectedObjects],
        backend: Backend,
    ) -> LocateRequestBuilder:
        """Build the requests of the stage locate from the parsed layer."""
        if vocabulary is None or objects is None:
            raise ValueError(
                'stage "locate" asks about pairs of detections; give the '
                'vocabulary with --vocab and the detections with --objects'
            )
        if not any(row.size for row in objects.boxes.values()) or not any(
            item.box for row in objects.boxes.values() for item in row.objects
        ):
            raise ValueError(
                f'{self.objects}: stage "locate" needs the boxes of the '
                f'detections and the sizes of the images; give what '
                f'cache_detections.py wrote, a COCO .json, or JSONL with '
                f'"width", "height" and "bbox" of each object'
            )
        coordinates = (
            self.coordinates
            or backend.coordinates
            or convention_of(backend.model)
        )
        if self.style == 'boxes' and coordinates is None:
            raise ValueError(
                f'stage "locate": it is not known how "{backend.model}" '
                f'writes boxes; state it with --coordinates '
                f'({", ".join(CONVENTIONS)}), or take --style marks'
            )
        labels = {
            key: [(x.verb, x.object) for x in found if x.in_vocabulary]
            for key, found in read_parsed(Path(self.out, self.parsed))
            if key in objects
        }
        return LocateRequestBuilder(
            prompts,
            vocabulary,
            labels,
            objects,
            self.style,
            coordinates,
            self.max_tokens,
            backend.max_side,
        )

    def _check_objects(
        self,
        images: ImageSource,
        shard: Shard,
        objects: DetectedObjects,
        vocabulary: Optional[HOIVocabulary],
    ) -> int:
        """Check the detected objects, and count images without an entry."""
        unmatched = count_unmatched(
            images,
            shard,
            objects,
            self.objects,
            'write the image ids of --objects like that, or set with '
            '--image-root what the keys of a folder are relative to',
            lambda: self.read_objects(vocabulary),
        )
        require_persons(
            images,
            shard,
            objects,
            vocabulary,
            self.objects,
            lambda: self.read_objects(vocabulary),
        )
        return unmatched


def _check_images(images: ImageSource, shard: Shard, backend: Backend) -> None:
    """Check that the backend has answers or files for the images."""
    if backend.keys is not None:
        count_unmatched(
            images,
            shard,
            backend.keys,
            backend.source,
            'or set with --image-root what the keys of a folder are relative '
            'to',
            lambda: backend.keys,
        )
    if backend.reads_images:
        require_files(images, shard)
