from typing import Callable, Optional

from mmdet.structures.bbox import bbox_overlaps
from mmengine.structures import InstanceData


def match_query_embeds(
    given: InstanceData, found: InstanceData
) -> InstanceData:
    """Give boxes from elsewhere the query embeddings of detections.

    Each box gets those of the detection that overlaps it most.

    Args:
        given (InstanceData): bboxes (n, 4) in input coordinates, annotated
            ones for example.
        found (InstanceData): The detector's detections in the image.

    Returns:
        InstanceData: ``given`` with ``query_embeds`` (n, C), unless the
        detections have none.
    """
    if 'query_embeds' in found and len(found):
        given = given.clone()
        boxes = given.bboxes.to(found.bboxes)
        given.query_embeds = found.query_embeds[
            bbox_overlaps(boxes, found.bboxes).argmax(1)
        ]
    return given


def complete_query_embeds(
    given: list[Optional[InstanceData]],
    detect: Callable[[], list[InstanceData]],
    needs_query_embeds: bool,
) -> list[InstanceData]:
    """Complete detections that samples bring by the detector's.

    Args:
        given (list[InstanceData]): Detections of each image, or None.
        detect (Callable): Gives the detector's detections of all images;
            called only if something is missing.
        needs_query_embeds (bool): Give query embeddings to all detections.

    Returns:
        list[InstanceData]: Detections of each image.
    """

    def lacks_embeds(instances: InstanceData) -> bool:
        return needs_query_embeds and 'query_embeds' not in instances

    if not any(g is None or lacks_embeds(g) for g in given):
        return given
    return [
        found
        if own is None
        else match_query_embeds(own, found)
        if lacks_embeds(own)
        else own
        for own, found in zip(given, detect())
    ]
