from .names import normalise_name, with_article
from .vocabulary import HOIVocabulary

__all__ = ['HOIVocabulary', 'normalise_name', 'with_article']
