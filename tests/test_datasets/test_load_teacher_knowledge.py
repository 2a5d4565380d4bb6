import pickle

import numpy as np
import pytest

from clhoi_mm.registry import TRANSFORMS
from clhoi_mm.teacher import (
    HashedTextEncoder,
    Interaction,
    PseudoLabels,
    pack_cache,
)
from clhoi_mm.vocabulary import HOIVocabulary


@pytest.fixture
def folder(tmp_path):
    words = PseudoLabels(
        'a.jpg', 'A dog.', ['A dog.'], [Interaction('ride', 'bicycle', 0.75)]
    )
    vocabulary = HOIVocabulary.load('hico_det')
    pack_cache([words], tmp_path, vocabulary, HashedTextEncoder(16))
    return str(tmp_path)


def build(folder, **kwargs):
    return TRANSFORMS.build(
        dict(type='LoadTeacherKnowledge', cache=folder, **kwargs)
    )


def test_pseudo_labels_of_the_image(folder):
    transform = build(folder, vocabulary='hico_det')
    for copy in (transform, pickle.loads(pickle.dumps(transform))):
        results = copy(dict(key='a.jpg', other=1))
        teacher = results['teacher']
        assert teacher['valid'] is True and results['other'] == 1
        vocabulary = HOIVocabulary.load('hico_det')
        assert vocabulary.names[teacher['hoi_labels'][0]] == 'ride bicycle'
        assert teacher['scores'].tolist() == [0.75]
        assert teacher['sentence_embeds'].shape == (1, 16)


def test_missing_image_masked_or_named(folder):
    masked = build(folder, missing='mask')(dict(key='b.jpg'))['teacher']
    full = build(folder)(dict(key='a.jpg'))['teacher']
    assert masked['valid'] is False and masked.keys() == full.keys()
    for name, value in masked.items():
        if name != 'valid':
            assert value.dtype == full[name].dtype
            assert value.shape[1:] == full[name].shape[1:]
            assert name == 'caption_embed' or len(value) == 0
    assert not np.any(masked['caption_embed'])
    with pytest.raises(KeyError, match='"b.jpg" is not in') as error:
        build(folder)(dict(key='b.jpg'))
    assert folder in str(error.value) and 'mask' in str(error.value)


def test_wrong_use_is_named(folder, tmp_path):
    with pytest.raises(ValueError, match='vocabulary.name'):
        build(folder, vocabulary='v_coco')
    with pytest.raises(ValueError, match="'error' or 'mask'"):
        build(folder, missing='ignore')
    with pytest.raises(FileNotFoundError, match='manifest.json'):
        build(str(tmp_path / 'none'))
