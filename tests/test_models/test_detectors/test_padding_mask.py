import torch

from clhoi_mm.models.detectors.padding_mask import padding_mask
from clhoi_mm.structures import HOIDataSample


def make_mask(*shapes):
    samples = [HOIDataSample(metainfo=dict(img_shape=s)) for s in shapes]
    return padding_mask(samples, (4, 6), torch.device('cpu'))


def test_below_and_right_of_an_image_is_padding():
    mask = make_mask((4, 6), (3, 4))
    assert mask.dtype == torch.bool and not mask[0].any()
    assert mask[1, 3:].all() and mask[1, :, 4:].all()
    assert not mask[1, :3, :4].any()


def test_images_of_the_batchs_size_have_none():
    assert make_mask((4, 6), (4, 6)) is None
    assert make_mask((4, 6), (4, 5)) is not None
    assert make_mask((3, 6)) is not None
