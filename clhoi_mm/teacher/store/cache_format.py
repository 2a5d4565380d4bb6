"""File names, version and tensors of the training layer."""

import hashlib
import os
import zlib
from typing import Dict, Tuple, Union

MANIFEST = 'manifest.json'
TENSORS = 'knowledge.safetensors'
FORMAT = 'clhoi_mm teacher cache'
# Caches without pointed pairs are of the first version, with the tables of
# LAYOUT alone, those with pointed pairs of the second.
VERSION, POINTED_VERSION = VERSIONS = 2, 3

# name -> (safetensors dtype, shape); a name stands for a length that the
# manifest fixes or that several tensors share. Images are sorted by key;
# bucket_rows has their rows by `key_hash` modulo their number. Labels are
# those of verb, object and HOI class, and the phrase's row. An image's
# caption is a row of caption_embeds, or, where caption_ids is -1, the sum of
# its sentences by their weights.
LAYOUT: Dict[str, Tuple[str, Tuple[Union[str, int], ...]]] = dict(
    key_offsets=('I64', ('images + 1',)),
    sentence_offsets=('I64', ('images + 1',)),
    interaction_offsets=('I64', ('images + 1',)),
    bucket_offsets=('U32', ('images + 1',)),
    bucket_rows=('U32', ('images',)),
    caption_ids=('I32', ('images',)),
    sentence_ids=('I32', ('sentence_ids',)),
    sentence_weights=('F32', ('sentence_ids',)),
    labels=('I32', ('interactions', 4)),
    scores=('F32', ('interactions',)),
    caption_embeds=('F16', ('captions', 'dim')),
    sentence_embeds=('F16', ('sentences', 'dim')),
    phrase_embeds=('F16', ('phrases', 'dim')),
    key_bytes=('U8', ('key_bytes',)),
)
# Of each image the pointed pairs: the label by its position among those of
# the image, and the boxes of human and object.
POINTED: Dict[str, Tuple[str, Tuple[Union[str, int], ...]]] = dict(
    pointed_offsets=('I64', ('images + 1',)),
    pointed_labels=('I32', ('pointed',)),
    pointed_boxes=('F32', ('pointed', 8)),
)


def key_hash(key: bytes) -> int:
    """32 bits of a key; its image is in the bucket of that number, modulo
    the number of images."""
    return zlib.crc32(key)


def file_sha256(path: Union[str, os.PathLike]) -> str:
    """Return the sha256 of a file's content, in hex."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()
