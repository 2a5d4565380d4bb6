from typing import Optional

# File names of mmdet's weights for the shipped configs' detectors. Their host
# is gone; a copy is told by its name, which ends in the file's sha256.
WEIGHTS = dict(
    DETR='detr_r50_8xb2-150e_coco_20221023_153551-436d03e8.pth',
    DABDETR='dab-detr_r50_8xb2-50e_coco_20221122_120837-c1035c8c.pth',
    DINO='dino-4scale_r50_8xb2-12e_coco_20221202_182705-55b2bba2.pth',
    RTMDet='rtmdet_m_8xb32-300e_coco_20220719_112220-229f527c.pth',
    YOLOX='yolox_s_8x8_300e_coco_20211121_095711-4592a793.pth',
)
# Detectors for which weights from elsewhere can be converted.
CONVERTED = ('DETR', 'DeformableDETR', 'FasterRCNN')


def missing_weights(name: str, checkpoint: Optional[str]) -> FileNotFoundError:
    """Describe weights that are missing and where they can be had.

    Args:
        name (str): Type of the detector.
        checkpoint (str, optional): Path that was given.

    Returns:
        FileNotFoundError: The error to raise.
    """
    given = (
        f'its checkpoint {checkpoint} does not exist'
        if checkpoint
        else 'no model.detector.checkpoint is given'
    )
    source = ''
    if name in WEIGHTS:
        source += (
            f"; for the shipped config mmdet's own is {WEIGHTS[name]}, of "
            'which a copy is needed since its host is gone'
        )
    if name in CONVERTED:
        source += (
            '; tools/model_converters makes one from weights that can be '
            'had, as docs/models.md says'
        )
    return FileNotFoundError(
        f"the detector's weights were not loaded: {given}. Give an mmdet "
        f"checkpoint of {name} trained on the vocabulary's objects "
        f"(COCO's 80 for HICO-DET and V-COCO{source}), for example with "
        '--cfg-options model.detector.checkpoint=PATH, or test with a '
        'checkpoint of the whole model'
    )
