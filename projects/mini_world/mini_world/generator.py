import hashlib
import json
from collections.abc import Iterable
from multiprocessing import get_context
from pathlib import Path

import cv2
from tqdm import tqdm

from clhoi_mm.annotations import write_annotations
from clhoi_mm.vocabulary import HOIVocabulary

from .world import SPLITS, MiniWorld, Picture

# Increased whenever a seed's images or annotations change.
WORLD_VERSION = 1


class MiniWorldGenerator:
    """Writer of the mini world's images and annotations.

    Layout: ``<out>/{train,val,test}/images/NNNNNN.png`` and
    ``<out>/annotations/{train,val,test}.json`` in the project's format.
    Annotation files are written last: they exist only if all images do.

    Args:
        out_dir (str | Path): Folder to write to.
        seed (int): Random seed of reproducible files.
        sizes (dict[str, int]): Number of images of each split.
        workers (int): Number of processes; the result is the same for any.
    """

    def __init__(
        self,
        out_dir: str | Path,
        seed: int,
        sizes: dict[str, int],
        workers: int = 1,
    ) -> None:
        for split, size in sizes.items():
            if split not in SPLITS:
                raise ValueError(
                    f'unknown split {split!r}: choose from {", ".join(SPLITS)}'
                )
            if size < 1:
                raise ValueError(
                    f'{split}: {size} images asked for, but a '
                    'split needs at least one'
                )
        if seed < 0:
            raise ValueError(f'seed is {seed}, but must not be negative')
        self.out_dir = Path(out_dir)
        self.seed, self.sizes, self.workers = seed, dict(sizes), workers
        self.vocabulary = HOIVocabulary.load('mini')

    def generate(self, progress: bool = True) -> str:
        """Write all files and return the annotations' hash."""
        total = sum(self.sizes.values())
        annotations = {}
        with tqdm(
            total=total, desc='mini world', unit='img', disable=not progress
        ) as bar:
            for split in self.sizes:
                (self.out_dir / split / 'images').mkdir(
                    parents=True, exist_ok=True
                )
                annotations[split] = self._annotations(
                    split, self._pictures(split, bar)
                )
        for split, content in annotations.items():
            sections = {k: v for k, v in content.items() if k != 'info'}
            write_annotations(
                self.annotation_file(split), content['info'], sections
            )
        return annotation_hash(annotations.values())

    def existing_hash(self) -> str | None:
        """Return the hash of existing files that match the arguments.

        Compares sizes, seed and version, and checks that all image files
        exist.

        Returns:
            str, optional: The hash; None if anything is missing or differs.
        """
        contents = []
        for split, size in self.sizes.items():
            try:
                content = json.loads(self.annotation_file(split).read_text())
            except (OSError, ValueError):
                return None
            if content.get('info') != self._info(split):
                return None
            if not all(
                (self.out_dir / self.file_name(split, index)).is_file()
                for index in range(size)
            ):
                return None
            contents.append(content)
        return annotation_hash(contents)

    def annotation_file(self, split: str) -> Path:
        """Return the annotation file of a split."""
        return self.out_dir / 'annotations' / f'{split}.json'

    @staticmethod
    def file_name(split: str, index: int) -> str:
        """Return an image's path below the output folder, its key."""
        return f'{split}/images/{index + 1:06d}.png'

    def _info(self, split: str) -> dict:
        return dict(
            description='clhoi_mm mini world',
            version=WORLD_VERSION,
            seed=self.seed,
            split=split,
            num_images=self.sizes[split],
        )

    def _pictures(self, split: str, bar: tqdm) -> Iterable[Picture]:
        tasks = [
            (
                self.seed,
                split,
                index,
                str(self.out_dir / self.file_name(split, index)),
            )
            for index in range(self.sizes[split])
        ]
        if self.workers <= 1:
            for task in tasks:
                yield _draw_and_write(task)
                bar.update()
            return
        # Spawned workers would import everything again, which takes longer
        # than drawing. Forking is safe: cv2 has started no thread yet.
        with get_context('fork').Pool(self.workers) as pool:
            for picture in pool.imap(_draw_and_write, tasks, chunksize=8):
                yield picture
                bar.update()

    def _annotations(self, split: str, pictures: Iterable[Picture]) -> dict:
        vocabulary = self.vocabulary
        label_of = {name: i for i, name in enumerate(vocabulary.objects)}
        verb_of = {name: i for i, name in enumerate(vocabulary.verbs)}
        images, annotations, hois = [], [], []
        for index, picture in enumerate(pictures):
            image_id, first = index + 1, len(annotations) + 1
            labels = [label_of[kind] for kind in picture.kinds]
            for label, box, area in zip(labels, picture.boxes, picture.areas):
                x1, y1, x2, y2 = box
                annotations.append(
                    dict(
                        id=len(annotations) + 1,
                        image_id=image_id,
                        category_id=label + 1,
                        bbox=[round(v, 2) for v in (x1, y1, x2 - x1, y2 - y1)],
                        area=round(area, 2),
                        iscrowd=0,
                    )
                )
            hoi_ids = set()
            for human, verb, thing in picture.relations:
                hois.append(
                    dict(
                        id=len(hois) + 1,
                        image_id=image_id,
                        human_ann_id=first + human,
                        object_ann_id=first + thing,
                        verb_id=verb_of[verb],
                    )
                )
                hoi_ids.add(vocabulary.hoi_id(verb_of[verb], labels[thing]))
            name = self.file_name(split, index)
            images.append(
                dict(
                    id=image_id,
                    file_name=name,
                    key=name,
                    width=int(picture.pixels[1]),
                    height=int(picture.pixels[0]),
                    scene=picture.scene,
                    hoi_ids=sorted(map(int, hoi_ids)),
                )
            )
        return dict(
            info=self._info(split),
            images=images,
            annotations=annotations,
            categories=[
                dict(id=i + 1, name=name)
                for i, name in enumerate(vocabulary.objects)
            ],
            verbs=list(vocabulary.verbs),
            hoi_categories=[
                dict(
                    id=i,
                    verb_id=int(verb),
                    category_id=int(thing) + 1,
                    rare=bool(rare),
                )
                for i, (verb, thing, rare) in enumerate(
                    zip(
                        vocabulary.hoi_verbs,
                        vocabulary.hoi_objects,
                        vocabulary.rare,
                    )
                )
            ],
            hois=hois,
        )


def annotation_hash(contents: Iterable[dict]) -> str:
    """Compute SHA-256 over the files' canonical JSON, in order."""
    digest = hashlib.sha256()
    for content in contents:
        text = json.dumps(content, sort_keys=True, separators=(',', ':'))
        digest.update(text.encode() + b'\n')
    return digest.hexdigest()


def _draw_and_write(task: tuple[int, str, int, str]) -> Picture:
    """Write an image; return the picture with its shape only."""
    seed, split, index, path = task
    cv2.setNumThreads(1)
    picture = MiniWorld(seed).draw(split, index)
    done, data = cv2.imencode(
        '.png', picture.pixels[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 4]
    )
    if not done:
        raise RuntimeError(f'cv2 could not encode {path}')
    # Not atomic: without annotation files, images are drawn again.
    Path(path).write_bytes(data.tobytes())
    picture.pixels = picture.pixels.shape[:2]
    return picture
