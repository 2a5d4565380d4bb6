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
