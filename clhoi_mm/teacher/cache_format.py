"""The training layer's file names, version and tensors."""
import hashlib
import os
from typing import Dict, Tuple, Union

MANIFEST = 'manifest.json'
TENSORS = 'knowledge.safetensors'
FORMAT = 'clhoi_mm teacher cache'
VERSION = 1

# name -> (safetensors dtype, shape); a name stands for a length that the
# manifest fixes or that several tensors share.
LAYOUT: Dict[str, Tuple[str, Tuple[str, ...]]] = dict(
    key_bytes=('U8', ('key_bytes', )),
    key_offsets=('I64', ('images + 1', )),
    caption_embeds=('F16', ('images', 'dim')),
    sentence_embeds=('F16', ('sentences', 'dim')),
    sentence_ids=('I32', ('sentence_ids', )),
    sentence_offsets=('I64', ('images + 1', )),
    phrase_embeds=('F16', ('phrases', 'dim')),
    interaction_offsets=('I64', ('images + 1', )),
    verb_labels=('I32', ('interactions', )),
    obj_labels=('I32', ('interactions', )),
    hoi_labels=('I32', ('interactions', )),
    phrase_ids=('I32', ('interactions', )),
    scores=('F32', ('interactions', )))


def file_sha256(path: Union[str, os.PathLike]) -> str:
    """sha256 of a file's content, in hex."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for block in iter(lambda: file.read(1 << 20), b''):
            digest.update(block)
    return digest.hexdigest()
