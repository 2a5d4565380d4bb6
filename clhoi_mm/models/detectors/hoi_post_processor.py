from dataclasses import dataclass, replace
from typing import Callable, Optional, Sequence

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from clhoi_mm.structures import HOIDataSample

from ..heads import PairPredictions, PhraseClassifier
from ..task_modules import PairBatch
from ..task_modules.pairing import top_in_group
from .roleless_predictions import roleless_predictions


@dataclass
class HOIPostProcessor:
    """Post-processing of pair scores to scored triplets of images.

    All images are ranked at once: the number of operations depends neither
    on pairs nor on images.

    Attributes:
        classifier (PhraseClassifier): The classes.
        score_power (float): Exponent of the detection scores.
        max_per_img (int): Triplets kept in an image.
        missing_role_weight (float, optional): See
            :func:`roleless_predictions`; None leaves these rows out.
        calibration (Callable, optional): From scores to calibrated scores,
            such as :class:`PlattScaling`.
    """

    classifier: PhraseClassifier
    score_power: float
    max_per_img: int
    missing_role_weight: Optional[float] = None
    calibration: Optional[Callable[[Tensor], Tensor]] = None

    def for_classes(
        self, classifier: Optional[PhraseClassifier]
    ) -> 'HOIPostProcessor':
        """Rank other classes, which all have objects; None keeps these."""
        if classifier is None:
            return self
        return replace(self, classifier=classifier, missing_role_weight=None)

    def rank(
        self, interactions: PairPredictions, pairs: PairBatch
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Rank the (pair, class) combinations of each image.

        Args:
            interactions (PairPredictions): Predictions for the pairs.
            pairs (PairBatch): The pairs.

        Returns:
            tuple[dict[str, Tensor], Tensor]: Fields of ``pred_hois`` in the
            coordinates of the network's input, sorted by image and score,
            and the images of their rows.
        """
        # Few classes have the pair's object; the rest is left out.
        pair, hoi = interactions.valid.nonzero(as_tuple=True)
        weight = (pairs.human_scores * pairs.object_scores) ** self.score_power
        scores = interactions.logits[pair, hoi].sigmoid() * weight[pair]
        image = pairs.pair_inds[pair]
        kept = top_in_group(image, scores, self.max_per_img)
        best, of_pair = hoi[kept], pair[kept]
        human = pairs.human_inds[of_pair]
        obj = pairs.object_inds[of_pair]
        rows = dict(
            human_bboxes=pairs.boxes[human],
            object_bboxes=pairs.boxes[obj],
            object_labels=pairs.labels[obj],
            verb_labels=self.classifier.hoi_verbs[best],
            hoi_labels=best,
            scores=scores[kept],
            human_scores=pairs.scores[human],
            object_scores=pairs.scores[obj],
        )
        image = image[kept]
        if self.missing_role_weight is not None:
            agents, of_image = roleless_predictions(
                scores,
                pairs.human_inds[pair],
                self.classifier.hoi_verbs[hoi],
                pairs,
                self.classifier.vocabulary.num_verbs,
                self.classifier.vocabulary.person_label,
                self.missing_role_weight,
            )
            image = torch.cat([image, of_image])
            order = top_in_group(
                image, torch.cat([rows['scores'], agents.scores]), len(image)
            )
            image = image[order]
            rows = {
                name: torch.cat([values, agents[name]])[order]
                for name, values in rows.items()
            }
        if self.calibration is not None:
            rows['scores'] = self.calibration(rows['scores'])
        return rows, image

    def write(
        self,
        samples: Sequence[HOIDataSample],
        interactions: PairPredictions,
        pairs: PairBatch,
        rescale: bool,
    ) -> None:
        """Write triplets and detections into the samples.

        Args:
            samples (Sequence[HOIDataSample]): Receive ``pred_hois`` and
                ``pred_instances``.
            interactions (PairPredictions): Predictions for the pairs.
            pairs (PairBatch): The pairs.
            rescale (bool): Give boxes in original-image coordinates.
        """
        hois, image = self.rank(interactions, pairs)
        scale = pairs.boxes.new_tensor(
            [
                tuple(s.scale_factor) * 2
                if rescale and 'scale_factor' in s
                else (1.0,) * 4
                for s in samples
            ]
        )
        for name in ('human_bboxes', 'object_bboxes'):
            hois[name] = hois[name] / scale[image]
        instances = dict(
            bboxes=pairs.boxes / scale[pairs.image_inds],
            labels=pairs.labels,
            scores=pairs.scores,
        )
        for name, rows, of_image in (
            ('pred_hois', hois, image),
            ('pred_instances', instances, pairs.image_inds),
        ):
            counts = torch.bincount(of_image, minlength=len(samples)).tolist()
            parts = zip(*(v.split(counts) for v in rows.values()))
            for sample, part in zip(samples, parts):
                setattr(
                    sample, name, InstanceData(**dict(zip(rows.keys(), part)))
                )
