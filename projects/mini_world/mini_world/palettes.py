"""Palettes of the scenes: far, near, ground and accent colors.

No palette occurs in two splits, so that validation and test images have
backgrounds unseen in training. Palettes of the validation split are those of
the training split with permuted color channels.
"""

import itertools

from .canvas import Color

_HEX = {
    'street': {
        'train': (
            '9ec8eb bc7862 808288 f5f0e1',
            'cddeeb ceb28a 70727a fae896',
            'b0becd 967878 8c8884 f0f0f0',
            'f0d6be aa96aa 787680 faf5d2',
        ),
        'test': (
            'fabe96 6e82a0 5f5c6e ffdc78',
            'bee1d7 82a082 a09c92 ffffff',
            '7882af a06e8c 545a68 e6e6c8',
        ),
    },
    'park': {
        'train': (
            'aad4f0 488a46 8cbe62 deca9e',
            'cde4f0 62963e a4c45c ceba96',
            'bacede 36764e 76ac68 e6d6b4',
            'f0e0c6 6e8c3c b0bc60 d6be96',
        ),
        'test': (
            'e2e8f0 96b0ac dee6ea bcc4cc',
            'fad6aa ce7834 ceaa58 b09474',
            'a0b4dc 3c6e78 629684 bebeaa',
        ),
    },
    'track': {
        'train': (
            'a8d0ee 788cbe be6048 fafaf5',
            'c8dcee 96969e ca7454 fcf8f0',
            'd6dee2 b0786e aa5c50 f6f6f6',
            '96bee2 6e828c ce845c fffceb',
        ),
        'test': (
            'f6d0aa 647878 5c80b2 fafafa',
            'c4d6ce 9678a0 787a80 fffae1',
            '8ca0c8 b4966e 60968c f5f5eb',
        ),
    },
    'shop': {
        'train': (
            'f0e6d0 a87c54 cec4b6 d43c3c',
            'e2eaee 8c6e5a bcc0c4 e25c30',
            'faeede be9668 d8c8ac c83058',
            'e8e2d6 78685c c4b8b0 ec7828',
        ),
        'test': (
            'd0e4d6 607478 acbab0 2c78c4',
            'ecd4dc 96748c ccbac4 6040a0',
            'ced8ec 646474 a0a8ba 1e8c6e',
        ),
    },
    'home': {
        'train': (
            'f4deb4 b0d6f0 b08054 c4544a',
            'decebc bcdcf0 966c4a 5674aa',
            'ecd6ce c8e2ee bc9264 825c78',
            'd6dec4 b4d4ec a47a56 c88c46',
        ),
        'test': (
            'b0ccd6 3c466e 70625c e0b05c',
            'cebede f6cea0 928482 548c78',
            'a6c2ac e6ecf0 ceb898 aa5060',
        ),
    },
    'beach': {
        'train': (
            'aad6f2 3e92c4 ecd6a0 fafafa',
            'c6e2f4 50a6be f0deb4 ffffff',
            'dee8ee 4680aa e2c896 f5f5f0',
            '9ac8ec 2c82b4 e6d0ac fcfcfc',
        ),
        'test': (
            'fac496 966e96 dcb096 ffe6d2',
            'c4ced6 587880 bab4ac ecf0f2',
            'fae2be 3ca096 f6ecd6 fffaf0',
        ),
    },
}

_EXCHANGED = (1, 2, 0), (2, 0, 1), (2, 1, 0)


def palettes(scene: str, split: str) -> list[tuple[Color, ...]]:
    """Return the palettes of a scene in a split."""
    rows = [
        tuple(tuple(bytes.fromhex(color)) for color in row.split())
        for row in _HEX[scene]['train' if split == 'val' else split]
    ]
    if split == 'val':
        rows = [
            tuple(tuple(color[i] for i in order) for color in row)
            for row, order in zip(rows, itertools.cycle(_EXCHANGED))
        ]
    return rows
