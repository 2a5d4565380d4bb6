"""HICO-DET annotations in the structures of three file formats.

The content is made up; the structures are those of anno_bbox.mat, of PPDM's
JSON and of hicodet's JSON. Boxes are 1-based inclusive in all of them.
"""

import json
from pathlib import Path
from typing import Any, Dict, List, Sequence

import numpy as np
from scipy.io import savemat

from clhoi_mm.annotations.converters.hico_ppdm import COCO_IDS
from clhoi_mm.vocabulary import HOIVocabulary

VOCABULARY = HOIVocabulary.load('hico_det')
COCO = HOIVocabulary.load('v_coco')


def image(name: str, size: Sequence[int], *hois: dict) -> dict:
    """Build an image with interactions from :func:`hoi`."""
    return dict(name=name, size=size, hois=list(hois))


def hoi(
    name: str,
    humans: Sequence = (),
    objects: Sequence = (),
    links: Sequence = (),
    invisible: bool = False,
) -> dict:
    """Build an interaction: class, boxes (xyxy), one-based links."""
    return dict(
        label=VOCABULARY.names.index(name),
        humans=humans,
        objects=objects,
        links=links,
        invisible=invisible,
    )


def _struct(rows: List[Dict[str, Any]], shape: str = 'row') -> np.ndarray:
    """Build a MATLAB struct array, or an empty double."""
    if not rows:
        return np.zeros((0, 0))
    array = np.empty(len(rows), [(key, object) for key in rows[0]])
    for i, row in enumerate(rows):
        array[i] = tuple(row.values())
    return array[None] if shape == 'row' else array[:, None]


def _mat_boxes(boxes: Sequence) -> np.ndarray:
    keys = ('x1', 'x2', 'y1', 'y2')
    return _struct(
        [
            dict(zip(keys, (np.uint16(v) for v in (x1, x2, y1, y2))))
            for x1, y1, x2, y2 in boxes
        ]
    )


def write_mat(path: Path, train: Sequence[dict], test: Sequence[dict]) -> Path:
    """Write anno_bbox.mat."""

    def split(images: Sequence[dict]) -> np.ndarray:
        return _struct(
            [
                dict(
                    filename=im['name'],
                    size=_struct(
                        [
                            dict(
                                width=float(im['size'][0]),
                                height=float(im['size'][1]),
                                depth=3.0,
                            )
                        ]
                    ),
                    hoi=_struct(
                        [
                            dict(
                                id=float(h['label'] + 1),
                                bboxhuman=_mat_boxes(h['humans']),
                                bboxobject=_mat_boxes(h['objects']),
                                connection=np.array(h['links'], float).reshape(
                                    -1, 2
                                ),
                                invis=float(h['invisible']),
                            )
                            for h in im['hois']
                        ]
                    ),
                )
                for im in images
            ]
        )

    actions = [
        dict(
            nname=VOCABULARY.objects[o],
            vname=VOCABULARY.verbs[v],
            vname_ing=VOCABULARY.gerunds[v],
        )
        for v, o in zip(VOCABULARY.hoi_verbs, VOCABULARY.hoi_objects)
    ]
    savemat(
        str(path),
        dict(
            bbox_train=split(train),
            bbox_test=split(test),
            list_action=_struct(actions, 'column'),
        ),
        do_compression=True,
    )
    return path


def _flat(im: dict) -> List[tuple]:
    """Return (human box, object box, label) of each visible pair."""
    return [
        (h['humans'][i - 1], h['objects'][j - 1], h['label'])
        for h in im['hois']
        if not h['invisible']
        for i, j in h['links']
    ]


def ppdm_content(images: Sequence[dict]) -> list:
    """Return the content of trainval_hico.json or test_hico.json."""
    content = []
    for im in images:
        boxes, pairs = [], []
        for human, obj, label in _flat(im):
            name = VOCABULARY.objects[VOCABULARY.hoi_objects[label]]
            ids = []
            for box, category in ((human, 'person'), (obj, name)):
                number = COCO_IDS[COCO.object_label(category)]
                record = dict(bbox=list(box), category_id=number)
                if record not in boxes:
                    boxes.append(record)
                ids.append(boxes.index(record))
            pairs.append(
                dict(
                    subject_id=ids[0],
                    object_id=ids[1],
                    category_id=int(VOCABULARY.hoi_verbs[label]) + 1,
                    hoi_category_id=label + 1,
                )
            )
        content.append(
            dict(
                file_name=im['name'],
                img_id=int(im['name'][-12:-4]),
                annotations=boxes,
                hoi_annotation=pairs,
            )
        )
    return content


def hicodet_content(images: Sequence[dict]) -> dict:
    """Return the content of instances_test2015.json."""
    annotation = []
    for im in images:
        flat = _flat(im)
        labels = [label for *_, label in flat]
        annotation.append(
            dict(
                boxes_h=[list(map(float, human)) for human, *_ in flat],
                boxes_o=[list(map(float, obj)) for _, obj, _ in flat],
                hoi=labels,
                object=[int(VOCABULARY.hoi_objects[k]) for k in labels],
                verb=[int(VOCABULARY.hoi_verbs[k]) for k in labels],
            )
        )
    rare = np.flatnonzero(VOCABULARY.rare).tolist()
    return dict(
        annotation=annotation,
        filenames=[im['name'] for im in images],
        empty=[i for i, ann in enumerate(annotation) if not ann['hoi']],
        objects=list(VOCABULARY.objects),
        verbs=list(VOCABULARY.verbs),
        correspondence=[
            [i, int(o), int(v)]
            for i, (o, v) in enumerate(
                zip(VOCABULARY.hoi_objects, VOCABULARY.hoi_verbs)
            )
        ],
        size=[list(im['size']) for im in images],
        rare=rare,
        non_rare=sorted(set(range(600)) - set(rare)),
    )


def write_json(path: Path, content: Any) -> Path:
    """Write content as a JSON file."""
    path.write_text(json.dumps(content))
    return path
