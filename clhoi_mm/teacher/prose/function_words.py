"""Small words of English, by what they do in a sentence."""


def word_set(text: str) -> frozenset:
    return frozenset(text.split())


DETERMINERS = word_set(
    'a an the this these those my your his her its their our another each '
    'every some any all both no either neither several many few various most '
    'other two three four five six seven eight nine ten one multiple '
    'numerous certain such what whose more half dozens dozen'
)
POSSESSIVES = word_set('my your his her its their our')
NEGATIVE_NOUNS = word_set('nobody none nothing')
SUBJECTS = word_set('he she they we you i him them me us')
PREPOSITIONS = word_set(
    'on onto upon in into inside within at to toward towards from of off with '
    'without by for over under underneath beneath below above behind beside '
    'besides near next through across along alongside around between among '
    'against atop astride aboard out up down away past about before after '
    'during amid amidst outside back together via like beyond despite '
    'throughout except plus per versus opposite ahead forward apart aside '
    'onboard abreast'
)
CONJUNCTIONS = word_set('and or but nor yet & plus')
SUBORDINATORS = word_set(
    'while when whilst whereas because since if as although '
    'though until unless once where so then than whenever'
)
RELATIVES = word_set('who which that whom')
BE = word_set('be is are was were been being am')
HAVE = word_set('have has had having')
DO = word_set('do does did')
UNREAL_MODALS = word_set('could may might would should will shall can must')
ADVERBS = word_set(
    'also just still currently now only even always often very quite rather '
    'too simply actively happily together carefully not clearly evidently '
    'likely probably apparently presumably already both either neither '
    'almost nearly there here not really about along then again later '
    'nearby indoors outdoors outside inside else somewhat mid midair '
    'seemingly instead high low fast hard far flat upright'
)
# 'seems to ride' and 'keeps riding' say that it is done, 'wants to' does not.
REAL_RAISING = word_set(
    'appear seem begin start continue manage try attempt '
    'happen proceed look come keep stop pause bend lean go '
    'reach get finish enjoy'
)
UNREAL_RAISING = word_set(
    'want hope plan intend need wish wait prepare decide expect like love '
    'learn refuse fail consider pretend aim yearn dream hesitate desire ask '
    'promise threaten seek forget decline offer agree avoid'
)
READY = word_set(
    'about ready going poised set able eager likely due preparing '
    'supposed unable prepared willing trying waiting hoping wanting '
    'determined reluctant afraid'
)
NO_NOUNS = word_set(
    'how if why but whether perhaps maybe possibly potentially'
)
NOT_ONLY = word_set('only just merely simply')
COLOURS = word_set(
    'red blue green yellow white black brown pink orange purple '
    'gray grey golden'
)
RESULTS = word_set('clean dry open shut closed empty full wide flat')
NOT_VERBS = word_set(
    'morning evening clothing railing ceiling string king ring '
    'wing spring thing something anything nothing everything '
    'during sibling'
)
SELDOM_VERBS = word_set('painting building wedding meeting parking crossing')
