"""Refusals in prose."""

import re
from typing import List

from ..store.pseudo_labels import split_sentences

_WORDS = (
    r'(?:(?:oh|well|hello|hi|however|but|and|that|unfortunately|regrettably)'
    r'[,!]? ){0,4}'
)
# Bounded, since repeated leads can be split in many ways.
_LEAD = (
    rf'{_WORDS}(?:(?:'
    r"(?:(?:i'm|i am|we're|we are) )?(?:\w+ )?sorry[^.!?]{0,80}?[,:;]? |"
    r'(?:i|we) (?:\w+ )?apologi[sz]e[^.!?]{0,80}?[,:;]? |'
    r'(?:my )?apologies[,:;]? |'
    r'as an? [^.!?,]{0,60}(?:ai|model|assistant)\b[^.!?,]{0,40},? |'
    r"i(?:'m| am) (?:afraid|just an? \w+|here to help),? |"
    r'(?:due to|because of|for|to protect) [^.!?]{0,80}?'
    r'(?:privacy|safety|polic|reason|concern|guideline)[^.!?]{0,40}?,? '
    rf'){_WORDS}){{0,3}}'
)
_CANNOT = (
    r"(?:(?:i|we)(?:'m| am|'re| are)? (?:\w+ )?"
    r"(?:can't|cannot|can not|could not|couldn't|won't|will not|"
    r'unable to|not able to|not going to|'
    r'not comfortable|not allowed to|not permitted to|'
    r'not equipped to|not programmed to|not designed to|'
    r"(?:don't|do not) feel comfortable))"
)
_DEED = (
    r'(?:\w+ ){0,2}?'
    r'(?:help|assist|describe|describing|comply|fulfil|provide|providing|'
    r'process|discuss|answer|respond|analy[sz]|comment|engage|engaging|'
    r'continu|participate|participating|complete|completing|'
    r'do (?:that|this|so)|generate|generating|create|creating|share|sharing|'
    r'speculate|speculating|proceed|offer|support|'
    r'identify(?! any (?:interact|action|activity|activities|hoi|human|'
    r'person|people))|'
    r'recogni[sz]e (?:people|person|individual|anyone|who|real)|'
    r'(?:view|see|open|access|display|interpret|look at|perceive) '
    r'(?:(?:or \w+|and \w+|the|this|that|any|your|an|actual) )*'
    r'(?:image|picture|photo|attachment|visual|file|content|link))'
)
_REFUSAL = re.compile(
    rf'\W*{_LEAD}(?:'
    rf'{_CANNOT}(?:,? [^.!?]{{0,40}}?)? {_DEED}|'
    r"(?:i|we) (?:don't|do not) have (?:the |any )?"
    r'(?:ability|capability|capacity|permission|access)|'
    r'(?:unable|not able) to (?:help|assist|comply|process|describe)|'
    r"(?:can't|cannot) (?:help|assist|comply)|"
    r'(?:i|we) (?:(?:must|have to|need to|will) )?(?:\w+ )?'
    r'(?:decline|refuse)\b|'
    r"(?:it(?:'s| is) )?not (?:appropriate|possible) for me to|"
    r'(?:(?:it (?:seems|looks|appears) (?:that |like )?)?'
    r'(?:there is |there was |there are )?no (?:image|picture|photo)s? '
    r'(?:was |is |were |has been |have been )?'
    r'(?:provided|attached|uploaded|shared|included|received))|'
    r"(?:i|we) (?:don't|do not|can't|cannot) see (?:any|an|the|your) "
    r'(?:image|picture|photo|attachment)s?\b|'
    r'(?:this|the|your) (?:request|image|content|prompt) '
    r'(?:may |might |appears to |seems to )?'
    r'(?:violat|goes against|cannot be (?:processed|described)))',
    re.IGNORECASE,
)
# Sentences beside a refusal that do not describe the image.
_FILLER = re.compile(
    r"\W*(?:(?:(?:i'm|i am|we're|we are) )?(?:\w+ )?sorry\b|"
    r'(?:my )?apolog|thank you|thanks|is there (?:any|some)thing|'
    r'(?:please|feel free)\b|let me know|if (?:you|there)\b|'
    r"(?:however|but|instead)?,? ?(?:i|we)(?: can|'d| would|'m| am|'ll) "
    r'(?:\w+ )?(?:help|assist|happy|glad|be happy|be glad|offer|describe|'
    r'provide|here to)|would you like|how (?:else )?(?:can|may) i|'
    r'what (?:else )?(?:can|would)|my (?:guidelines|polic))',
    re.IGNORECASE,
)
_OTHER_LANGUAGES = re.compile(
    r'\W*(?:\u5f88?\u62b1\u6b49|\u5bf9\u4e0d\u8d77|\u6211\u65e0\u6cd5|'
    r'\u7533\u3057\u8a33|\uc8c4\uc1a1|lo siento|je suis d\u00e9sol|'
    r'd\u00e9sol\u00e9|es tut mir leid|tut mir leid|desculpe|mi dispiace|'
    r'\u0438\u0437\u0432\u0438\u043d|\u043a \u0441\u043e\u0436\u0430\u043b)',
    re.IGNORECASE,
)
_SHORT = 300


def without_refusal(text: str) -> str:
    """Drop sentences that refuse to answer.

    Args:
        text (str): An answer in prose, reasoning taken off.

    Returns:
        str: The answer as it is where nothing is refused; else the sentences
        that describe the image, '' if none does.
    """
    plain = text.replace('\u2019', "'")
    if len(text) <= _SHORT and _OTHER_LANGUAGES.match(plain):
        return ''
    kept: List[str] = []
    refused = False
    for sentence in split_sentences(plain):
        if _REFUSAL.match(sentence):
            refused = True
        else:
            # 'However, I can describe the scene: a man rides a bicycle.'
            lead, colon, rest = sentence.partition(': ')
            if not _FILLER.match(sentence):
                kept.append(sentence)
            elif colon and rest:
                kept.append(rest)
    return ' '.join(kept) if refused else text
