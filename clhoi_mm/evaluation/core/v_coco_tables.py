"""V-COCO's persons, actions and roles as flat arrays."""

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

import numpy as np


@dataclass(frozen=True)
class VCOCOActions:
    """Actions and roles of V-COCO's verbs.

    A verb is an action and a role ('hit instr', 'hit obj'), or an action
    without one ('stand').

    Args:
        verbs (tuple[str]): Names, V.
        actions (tuple[str]): Names without the roles, A of them.
        action_inds (np.ndarray): Action of each verb, (V,) int64.
        has_role (np.ndarray): Whether a verb has a role, (V,) bool.
        counts (np.ndarray): Whether a verb is in the mean over 24 roles: it
            has a role and is not "point", which papers omit, (V,) bool.
    """

    verbs: Tuple[str, ...]
    actions: Tuple[str, ...]
    action_inds: np.ndarray
    has_role: np.ndarray
    counts: np.ndarray

    @classmethod
    def from_verbs(cls, verbs: Sequence[str]) -> 'VCOCOActions':
        """Parse the verbs' names.

        Raises:
            ValueError: If no verb has a role.
        """
        words = [verb.replace('_', ' ').split() for verb in verbs]
        has_role = np.array(
            [
                len(parts) > 1 and parts[-1] in ('obj', 'instr')
                for parts in words
            ],
            dtype=bool,
        )
        if not has_role.any():
            raise ValueError(
                "V-COCO's verbs are named 'hit instr', 'hit obj', 'stand', "
                f'but none of {", ".join(verbs)} ends in obj or instr.'
            )
        names = [
            ' '.join(parts[:-1] if role else parts)
            for parts, role in zip(words, has_role)
        ]
        actions = tuple(dict.fromkeys(names))
        inds = np.array([actions.index(name) for name in names])
        point = np.array([name == 'point' for name in names])
        return cls(tuple(verbs), actions, inds, has_role, has_role & ~point)


@dataclass(frozen=True)
class VCOCOTruth:
    """Annotations, P persons and R roles.

    Args:
        image_inds (np.ndarray): Index of each person's image in the data
            set, (P,) int64, sorted.
        bboxes (np.ndarray): Persons in the order of the file, (P, 4) xyxy,
            continuous.
        labeled (np.ndarray): Whether the person's actions are annotated,
            (P,) bool.
        sizes (np.ndarray, optional): Width and height of each person's
            image, (P, 2); None where they are not known.
        role_persons (np.ndarray): Person of each role, (R,) int64.
        role_verbs (np.ndarray): Verb of each role, (R,) int64.
        role_bboxes (np.ndarray): Box of each role, NaN where there is none,
            (R, 4) xyxy, continuous.
    """

    image_inds: np.ndarray
    bboxes: np.ndarray
    labeled: np.ndarray
    sizes: Optional[np.ndarray]
    role_persons: np.ndarray
    role_verbs: np.ndarray
    role_bboxes: np.ndarray


@dataclass(frozen=True)
class RolePredictions:
    """Predictions, one row per person, verb and box.

    Args:
        image_inds (np.ndarray): Index of the image in the data set, (N,)
            int64, sorted.
        human_bboxes (np.ndarray): Human boxes, (N, 4) xyxy.
        object_bboxes (np.ndarray): Boxes of the role, (N, 4) xyxy; NaN or
            zeros where the role is missing.
        verb_labels (np.ndarray): Verbs, (N,) int64.
        scores (np.ndarray): Scores of the role, (N,); NaN where the row
            predicts none.
        agent_scores (np.ndarray): Scores of person and action, (N,); NaN
            where the row predicts none.
    """

    image_inds: np.ndarray
    human_bboxes: np.ndarray
    object_bboxes: np.ndarray
    verb_labels: np.ndarray
    scores: np.ndarray
    agent_scores: np.ndarray

    def __len__(self) -> int:
        return len(self.verb_labels)

    def __getitem__(self, rows: np.ndarray) -> 'RolePredictions':
        return RolePredictions(
            self.image_inds[rows],
            self.human_bboxes[rows],
            self.object_bboxes[rows],
            self.verb_labels[rows],
            self.scores[rows],
            self.agent_scores[rows],
        )
