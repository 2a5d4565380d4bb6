"""Normalization of object and verb names."""

import re

# Spellings of COCO's classes in other data sets and in teachers' answers,
# after `_squash`; values are COCO's own names.
_ALIASES = {
    'aeroplane': 'airplane',
    'cellphone': 'cell phone',
    'couchsofa': 'couch',
    'diningtable': 'dining table',
    'doughnut': 'donut',
    'fridge': 'refrigerator',
    'hairdrier': 'hair drier',
    'hairdryer': 'hair drier',
    'hotdog': 'hot dog',
    'mobilephone': 'cell phone',
    'motorbike': 'motorcycle',
    'pottedplant': 'potted plant',
    'sofa': 'couch',
    'television': 'tv',
    'trafficsignal': 'traffic light',
    'tvmonitor': 'tv',
    'wineglass': 'wine glass',
}
_UNCOUNTABLE = {'broccoli', 'food', 'water'}
_VOWEL_SOUND = re.compile(r'(?!uni|use|one\b|eu|uku)[aeiou]|hour|honest')


def normalize_name(name: str) -> str:
    """Normalize case, ``_``, ``-``, spaces and known spellings.

    Args:
        name (str): A name such as 'Hair_Dryer' or 'diningtable'.

    Returns:
        str: The lower-case name with single spaces, 'hair drier' or
        'dining table'.
    """
    words = re.split(r'[\s_\-]+', name.strip().lower())
    return _ALIASES.get(''.join(words), ' '.join(words))


def with_article(name: str) -> str:
    """Put 'a' or 'an' before a noun that takes one.

    Args:
        name (str): An object's name, underscores allowed.

    Returns:
        str: 'an apple', 'a bus'; 'skis' and 'broccoli' stay without.
    """
    noun = name.replace('_', ' ')
    plural = noun.endswith('s') and not noun.endswith(('ss', 'us'))
    if plural or noun.lower() in _UNCOUNTABLE:
        return noun
    article = 'an' if _VOWEL_SOUND.match(noun.lower()) else 'a'
    return f'{article} {noun}'
