from typing import Dict, List, Optional, Tuple

import mmcv
import numpy as np
from mmdet.visualization import DetLocalVisualizer
from mmengine.dist import master_only
from mmengine.structures import InstanceData
from PIL import Image

from clhoi_mm.registry import VISUALIZERS
from clhoi_mm.structures import HOIDataSample

from .attention_map import heat_map
from .figure import compose_figure
from .panel import Panel
from .pseudo_labels import SIDES, teacher_notes
from .scene import HOITexts, Scene, build_scene, match_persons


@VISUALIZERS.register_module()
class HOILocalVisualizer(DetLocalVisualizer):
    """Draws human-object interactions.

    Each person has a color, used for the person's box, the boxes of its
    objects, the lines between them, and the labels with the interactions.
    Ground truth is to the left of the prediction if a sample has both, with
    matched persons in the same color. Labels do not overlap; those without
    free space are numbered and listed below the picture, followed by the
    teacher's caption and pseudo-labels.

    Works with mmdet's ``DetVisualizationHook``. Names are taken from
    ``dataset_meta`` ('verbs' and 'classes') of ``HOIDataset``.

    Args:
        name (str): Name of the instance. Defaults to 'visualizer'.
        image (np.ndarray, optional): RGB image. Defaults to None.
        vis_backends (list[dict], optional): Storage backends. Defaults to
            None.
        save_dir (str, optional): Folder of the backends. Defaults to None.
        top_k (int): Maximum number of predicted interactions drawn, the best
            first. Defaults to 10.
        sides (tuple[int, int]): Minimum and maximum of a picture's longer
            side, in pixels; pictures are scaled to this range. Defaults to
            (720, 1600).
    """

    def __init__(
        self,
        name: str = 'visualizer',
        image: Optional[np.ndarray] = None,
        vis_backends: Optional[List[Dict]] = None,
        save_dir: Optional[str] = None,
        top_k: int = 10,
        sides: Tuple[int, int] = SIDES,
    ) -> None:
        super().__init__(
            name=name,
            image=image,
            vis_backends=vis_backends,
            save_dir=save_dir,
        )
        self.top_k = top_k
        self.sides = tuple(sides)

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: Optional[HOIDataSample] = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: Optional[str] = None,
        pred_score_thr: float = 0.3,
        step: int = 0,
        top_k: Optional[int] = None,
        caption: Optional[str] = None,
        attention: int = 0,
        keep_size: bool = False,
    ) -> None:
        """Draw a sample; show, write or store the picture.

        Args:
            name (str): The picture's name.
            image (np.ndarray): The original image, RGB, (H, W, 3).
            data_sample (HOIDataSample, optional): Sample whose ``gt_hois``
                and ``pred_hois`` are drawn and whose ``teacher``'s
                interactions are listed below. Defaults to None: image only.
            draw_gt (bool): Whether to draw ``gt_hois``. Defaults to True.
            draw_pred (bool): Whether to draw ``pred_hois``. Defaults to True.
            show (bool): Whether to open a window. Defaults to False.
            wait_time (float): Seconds to show it; 0 waits for a key.
                Defaults to 0.
            out_file (str, optional): File to write instead of passing the
                picture to the backends. Defaults to None.
            pred_score_thr (float): Minimum score. Defaults to 0.3.
            step (int): Step for the backends. Defaults to 0.
            top_k (int, optional): Maximum number of predicted interactions,
                the best first. Defaults to None: the visualizer's.
            caption (str, optional): Caption of the teacher, written below.
                Defaults to None.
            attention (int): Number of best pairs whose attention to the
                context is drawn as separate pictures, if ``pred_hois`` has
                ``attention``. Defaults to 0.
            keep_size (bool): Whether to write nothing below the image, for
                videos. Defaults to False.
        """
        image = image.clip(0, 255).astype(np.uint8)
        meta = self.dataset_meta or {}
        texts = HOITexts(meta.get('verbs'), meta.get('classes'))
        top_k = self.top_k if top_k is None else top_k
        scenes = {}
        if data_sample is not None:
            data_sample = data_sample.cpu()
            if draw_gt and 'gt_hois' in data_sample:
                scenes['ground truth'] = _scene(data_sample.gt_hois, texts)
            if draw_pred and 'pred_hois' in data_sample:
                pred = data_sample.pred_hois
                pred = pred[pred.scores >= pred_score_thr]
                pred = pred[pred.scores.argsort(descending=True, stable=True)]
                scenes['prediction'] = _scene(pred[:top_k], texts)
        panels, numbers = self._draw_panels(image, scenes, keep_size)
        titles = list(scenes) if len(scenes) > 1 else ['']
        if attention and 'prediction' in scenes and 'attention' in pred:
            attention_maps = self._draw_attention(
                image,
                scenes['prediction'],
                numbers[-1],
                attention,
                pred.attention.float().numpy(),
            )
            panels += attention_maps
            titles = [*scenes, *['attention'] * len(attention_maps)]
        notes = _teacher_notes(data_sample, caption, texts)
        drawn = compose_figure(panels, titles, [] if keep_size else notes)

        self.set_image(drawn)
        if show:
            self.show(drawn, win_name=name, wait_time=wait_time)
        if out_file is not None:
            mmcv.imwrite(drawn[..., ::-1], out_file)
        else:
            self.add_image(name, drawn, step)

    def _draw_panels(
        self, image: np.ndarray, scenes: Dict[str, Scene], keep_size: bool
    ) -> Tuple[List[Image.Image], List[List[int]]]:
        """Draw one picture per scene, or the plain image.

        Returns:
            The pictures, and the person numbers of each scene, which
            determine colors.
        """
        numbers = [
            list(range(len(s.persons)))
            if s.ids is None
            else [i - 1 for i in s.ids]
            for s in scenes.values()
        ]
        if len(scenes) > 1:
            numbers[1] = match_persons(*scenes.values())
        if not scenes:
            scenes, numbers = dict(image=Scene.empty()), [[]]
        panels = [
            Panel(image, self.sides).draw(scene, persons, keep_size)
            for scene, persons in zip(scenes.values(), numbers)
        ]
        return panels, numbers

    def _draw_attention(
        self,
        image: np.ndarray,
        scene: Scene,
        numbers: List[int],
        count: int,
        maps: np.ndarray,
    ) -> List[Image.Image]:
        """Draw the attention of each of the best pairs."""
        return [
            Panel(heat_map(image, maps[pair.row]), self.sides).draw(
                Scene([pair], scene.persons), numbers
            )
            for pair in [p for p in scene.pairs if p.obj_bbox is not None][
                :count
            ]
        ]


def _scene(hois: InstanceData, texts: HOITexts) -> Scene:
    scores = hois.scores.float().numpy() if 'scores' in hois else None
    return build_scene(
        hois.human_bboxes.float().numpy(),
        hois.object_bboxes.float().numpy(),
        hois.verb_labels.numpy(),
        hois.object_labels.numpy(),
        scores,
        texts,
        *(
            hois[name].numpy() if name in hois else None
            for name in ('sub_ids', 'obj_ids')
        ),
    )


def _teacher_notes(
    data_sample: Optional[HOIDataSample],
    caption: Optional[str],
    texts: HOITexts,
) -> List[str]:
    """List the teacher's caption and interactions, a paragraph each."""
    if data_sample is None or 'teacher' not in data_sample:
        return teacher_notes(caption, [])[:-1]
    teacher = data_sample.teacher
    interactions = [
        texts(int(verb), int(obj), float(score))
        for verb, obj, score in zip(
            teacher.verb_labels, teacher.obj_labels, teacher.scores
        )
    ]
    return teacher_notes(caption, interactions if teacher.valid else None)
