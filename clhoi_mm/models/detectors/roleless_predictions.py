import torch
from mmengine.structures import InstanceData
from torch import Tensor

from ..task_modules import PairBatch


def roleless_predictions(
    scores: Tensor,
    humans: Tensor,
    verbs: Tensor,
    pairs: PairBatch,
    num_verbs: int,
    person_label: int,
    weight: float,
) -> tuple[InstanceData, Tensor]:
    """Score actions of persons whose object is not visible, as V-COCO asks.

    Such an action gets ``weight`` times the score of the person's best pair
    with the verb. Verbs without a role, for example "stand", are in no pair
    and not trained, and get no row.

    Args:
        scores (Tensor): Scores of K combinations (pair, class), (K,).
        humans (Tensor): Instance of each combination's human, (K,).
        verbs (Tensor): Verb of each combination's class, (K,).
        pairs (PairBatch): The batch's pairs.
        num_verbs (int): Number of verbs of the vocabulary.
        person_label (int): Object label of persons.
        weight (float): Factor of these scores, which ranks pairs first.

    Returns:
        tuple[InstanceData, Tensor]: Rows as in ``pred_hois`` with a positive
        score, sorted by image; boxes in input coordinates, the objects' NaN,
        labels of object and class -1; and the image of each row.
    """
    persons = (pairs.labels == person_label).nonzero(as_tuple=True)[0]
    best = scores.new_zeros(len(pairs.labels), num_verbs)
    best.view(-1).scatter_reduce_(
        0, humans * num_verbs + verbs, scores, 'amax'
    )
    best = weight * best[persons]
    person, verb = (best > 0).nonzero(as_tuple=True)
    boxes = pairs.boxes[persons[person]]
    rows = InstanceData(
        human_bboxes=boxes,
        object_bboxes=torch.full_like(boxes, torch.nan),
        object_labels=torch.full_like(verb, -1),
        verb_labels=verb,
        hoi_labels=torch.full_like(verb, -1),
        scores=best[person, verb],
        human_scores=pairs.scores[persons[person]],
        object_scores=torch.zeros_like(pairs.scores[persons[person]]),
    )
    return rows, pairs.image_inds[persons[person]]
