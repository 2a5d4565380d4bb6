import pytest
import torch
import torch.nn.functional as F

from clhoi_mm.models import PhraseClassifier
from clhoi_mm.models.heads.phrase_tables import center_by_group, whiten
from clhoi_mm.teacher.text_encoders import build_text_encoder
from clhoi_mm.vocabulary import HOIVocabulary
from tests.test_models.utils import (
    BIKE,
    CAR,
    DOG,
    ENCODER,
    FEED,
    HOLD_BIKE,
    NO_BIKE,
    NO_DOG,
    PARK,
    PERSON,
    RIDE,
    TEXT_DIM,
    VOCABULARY,
)


@pytest.fixture(scope='module')
def classifier():
    classifier = PhraseClassifier(PARK, ENCODER, TEXT_DIM)
    classifier.encode_phrases()
    return classifier


def test_center_by_group_by_hand():
    embeds = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    centered, means = center_by_group(embeds, torch.tensor([2, 2, 0]), 3)
    overall = torch.tensor([2.0, 2.0]) / 3
    torch.testing.assert_close(
        means, torch.stack([overall, overall, torch.tensor([0.5, 0.5])])
    )
    half = 0.5**0.5
    torch.testing.assert_close(
        centered, torch.tensor([[half, -half], [-half, half], [half, half]])
    )


def test_whiten_by_hand():
    """Energies are 3 and 1; their mean 2 is added."""
    known = torch.tensor(
        [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    )
    embeds = torch.tensor([[0.6, 0.8, 0.0], [0.6, 0.0, 0.8]])
    stretched = torch.tensor([0.6 / 5**0.5, 0.8 / 3**0.5, 0.0])
    torch.testing.assert_close(
        whiten(embeds, known, floor=1.0),
        torch.stack(
            [F.normalize(stretched, dim=0), torch.tensor([1.0, 0.0, 0.0])]
        ),
    )
    assert whiten(embeds[:0], known).shape == (0, 3)
    # A single verb equals the verbs' mean.
    assert torch.equal(whiten(embeds, torch.zeros(1, 3)), torch.zeros(2, 3))


def test_whitened_verbs_are_further_apart(classifier):
    white = PhraseClassifier(PARK, ENCODER, TEXT_DIM, whiten_verbs=True)
    white.encode_phrases()
    torch.testing.assert_close(
        white.verb_embeds,
        whiten(classifier.verb_embeds, classifier.verb_embeds),
    )
    for name in ('hoi_phrases', 'hoi_embeds', 'object_embeds'):
        assert torch.equal(getattr(white, name), getattr(classifier, name))

    def alike(verbs):
        near = verbs @ verbs.T
        return near.sub(near.diag().diag()).abs().max()

    assert alike(white.verb_embeds) < alike(classifier.verb_embeds)


def test_encode_phrases(classifier):
    encoder = build_text_encoder(ENCODER)
    torch.testing.assert_close(
        classifier.hoi_phrases,
        torch.tensor(encoder.encode(VOCABULARY.phrases)),
    )
    bikes = classifier.hoi_phrases[:3]
    torch.testing.assert_close(
        classifier.hoi_embeds[:3], F.normalize(bikes - bikes.mean(0), dim=1)
    )
    verbs = torch.tensor(encoder.encode(VOCABULARY.verb_phrases))
    torch.testing.assert_close(
        classifier.verb_embeds, F.normalize(verbs - verbs.mean(0), dim=1)
    )
    torch.testing.assert_close(
        classifier.object_embeds,
        torch.tensor(encoder.encode(VOCABULARY.object_phrases)),
    )
    assert classifier.is_candidate.tolist() == [True, True, True, True, False]


def test_centered_class_phrases_equal_their_embeddings(classifier):
    torch.testing.assert_close(
        classifier.center(classifier.hoi_phrases, classifier.hoi_objects),
        classifier.hoi_embeds,
    )
    unknown = F.normalize(torch.ones(TEXT_DIM), dim=0)
    torch.testing.assert_close(
        classifier.center(unknown[None], torch.tensor([-1]))[0],
        F.normalize(unknown - classifier.hoi_phrases.mean(0), dim=0),
    )
    assert classifier.center(
        torch.zeros(2, 0, TEXT_DIM), torch.zeros(2, 0).long()
    ).shape == (2, 0, TEXT_DIM)


def test_no_interaction_is_one_minus_the_best_verb(classifier):
    logits = torch.zeros(2, VOCABULARY.num_hois)
    logits[:, RIDE], logits[:, HOLD_BIKE], logits[:, FEED] = 1.0, 2.0, 5.0
    valid = classifier.hoi_objects[None] == torch.tensor([[BIKE], [DOG]])
    scored = classifier.score_no_interaction(logits, valid)
    assert scored[0, NO_BIKE] == -2
    assert scored[1, NO_DOG] == -5
    torch.testing.assert_close(
        scored[0, NO_BIKE].sigmoid(), 1 - logits[0, HOLD_BIKE].sigmoid()
    )
    others = ~classifier.is_no_interaction
    torch.testing.assert_close(scored[:, others], logits[:, others])


def test_no_interaction_without_pairs_or_classes(classifier):
    none = classifier.score_no_interaction(
        torch.zeros(0, VOCABULARY.num_hois),
        torch.zeros(0, VOCABULARY.num_hois).bool(),
    )
    assert none.shape == (0, VOCABULARY.num_hois)
    plain = PhraseClassifier(
        PARK | dict(no_interaction=None), ENCODER, TEXT_DIM
    )
    logits = torch.randn(2, VOCABULARY.num_hois)
    assert plain.score_no_interaction(logits, logits > 0) is logits


@pytest.mark.parametrize('name', ['hico_det', 'v_coco', 'mini'])
def test_shipped_vocabularies(name):
    classifier = PhraseClassifier(name, ENCODER, TEXT_DIM)
    classifier.ensure_encoded()
    vocabulary = HOIVocabulary.load(name)
    assert classifier.hoi_embeds.shape == (vocabulary.num_hois, TEXT_DIM)
    assert torch.isfinite(classifier.hoi_embeds).all()
    assert classifier.is_candidate.sum() == len(set(vocabulary.hoi_objects))


def test_width_of_the_encoder_is_checked():
    with pytest.raises(ValueError, match='text_dim=16.*of 32'):
        PhraseClassifier(PARK, ENCODER, 16).encode_phrases()


def test_checkpoint_restores_the_phrases(classifier):
    other = PhraseClassifier(
        PARK, dict(type='CLIPTextEncoder', path='nowhere'), TEXT_DIM
    )
    other.load_state_dict(classifier.state_dict())
    other.ensure_encoded()
    for name in (
        'hoi_phrases',
        'hoi_embeds',
        'verb_embeds',
        'object_embeds',
        'object_means',
    ):
        torch.testing.assert_close(
            getattr(other, name), getattr(classifier, name)
        )


def test_checkpoint_of_another_vocabulary(classifier):
    other = PhraseClassifier('v_coco', ENCODER, TEXT_DIM)
    with pytest.raises(ValueError, match=r'\(9, 32\).*"v_coco"'):
        other.load_state_dict(classifier.state_dict())


@pytest.mark.parametrize('unseen', [None, [RIDE]])
def test_lists_the_trainable_classes_of_objects(unseen):
    table = PhraseClassifier(VOCABULARY, ENCODER, TEXT_DIM, unseen)
    objects = torch.arange(VOCABULARY.num_objects).flip(0)
    hois, is_class = table.trainable_classes(objects)
    assert hois.shape == is_class.shape and hois.min() >= 0
    for obj, row, kept in zip(objects, hois, is_class):
        expected = (table.hoi_objects == obj) & table.is_trainable
        assert row[kept].tolist() == expected.nonzero()[:, 0].tolist()
    assert RIDE in hois[is_class] or unseen
    assert not (RIDE in hois[is_class] and unseen)


def test_objects_may_have_no_trainable_class():
    others = VOCABULARY.no_interaction_mask.nonzero()[0]
    unseen = sorted({*range(VOCABULARY.num_hois)} - {*others.tolist()})
    table = PhraseClassifier(VOCABULARY, ENCODER, TEXT_DIM, unseen)
    _, is_class = table.trainable_classes(torch.tensor([BIKE, DOG]))
    assert is_class.shape == (2, 1) and not is_class.any()


def test_nothing_is_trainable(classifier):
    assert not list(classifier.parameters())
    assert (PERSON, CAR) == (VOCABULARY.person_label, 4)


def test_with_vocabulary_centers_new_phrases_as_the_trained_ones(classifier):
    """Class 0 was trained; the other's verb is new."""
    own = classifier.vocabulary
    verbs = [own.verbs[own.hoi_verbs[0]], 'paint']
    obj = int(own.hoi_objects[0])
    extended = classifier.with_vocabulary(
        HOIVocabulary(
            'phrases',
            own.objects,
            verbs,
            [own.gerunds[own.hoi_verbs[0]], 'painting'],
            [(0, obj), (1, obj)],
        )
    )
    assert torch.equal(extended.hoi_embeds[0], classifier.hoi_embeds[0])
    assert torch.equal(
        extended.verb_embeds[0], classifier.verb_embeds[own.hoi_verbs[0]]
    )
    encoder = build_text_encoder(ENCODER)
    phrase = torch.tensor(encoder.encode([extended.vocabulary.phrases[1]]))[0]
    torch.testing.assert_close(
        extended.hoi_embeds[1],
        F.normalize(phrase - classifier.object_means[obj], dim=0),
    )
    verb = torch.tensor(encoder.encode(['a person painting something']))[0]
    mean = torch.tensor(encoder.encode(own.verb_phrases)).mean(0)
    torch.testing.assert_close(
        extended.verb_embeds[1], F.normalize(verb - mean, dim=0)
    )
    # The same objects stay valid.
    assert torch.equal(extended.is_candidate, classifier.is_candidate)
    with pytest.raises(ValueError, match='the objects of vocabulary "mini"'):
        classifier.with_vocabulary(HOIVocabulary.load('mini'))


@pytest.mark.parametrize('white', [False, True])
def test_unseen_phrases_do_not_change_the_seen(white):
    """Seen embeddings equal bitwise those without unseen classes."""
    whole = HOIVocabulary.load('hico_det')
    for split in ('rf_uc', 'uo', 'uv'):
        classifier = PhraseClassifier(whole, ENCODER, TEXT_DIM, split, white)
        classifier.encode_phrases()
        unseen = classifier.is_unseen
        kept = (~unseen).nonzero().flatten().tolist()
        verbs = sorted({whole.hoi_verbs[hoi] for hoi in kept})
        seen = PhraseClassifier(
            dict(
                name='seen',
                objects=whole.objects,
                verbs=[whole.verbs[v] for v in verbs],
                gerunds=[whole.gerunds[v] for v in verbs],
                hois=[
                    (
                        verbs.index(whole.hoi_verbs[hoi]),
                        int(whole.hoi_objects[hoi]),
                    )
                    for hoi in kept
                ],
                rare=None,
                no_interaction='no_interaction',
            ),
            ENCODER,
            TEXT_DIM,
            whiten_verbs=white,
        )
        seen.encode_phrases()
        for name in ('hoi_phrases', 'hoi_embeds'):
            assert torch.equal(
                getattr(classifier, name)[kept], getattr(seen, name)
            )
        assert torch.equal(classifier.verb_embeds[verbs], seen.verb_embeds)
        for name in ('object_means', 'object_embeds'):
            assert torch.equal(getattr(classifier, name), getattr(seen, name))
        assert torch.equal(
            classifier.is_trainable[kept], ~seen.is_no_interaction
        )
        assert not classifier.is_trainable[unseen].any()

        extended = seen.with_vocabulary(whole)
        for name in ('hoi_phrases', 'hoi_embeds', 'verb_embeds'):
            assert torch.equal(
                getattr(classifier, name), getattr(extended, name)
            )
        strange = torch.tensor([-1, 3])
        phrase = classifier.hoi_phrases[:2]
        assert torch.equal(
            classifier.center(phrase, strange), seen.center(phrase, strange)
        )
        assert classifier.verb_is_unseen.sum() == whole.num_verbs - len(verbs)
        assert classifier.object_is_unseen.sum() == (split == 'uo') * 12


def test_unseen_classes_of_other_vocabularies():
    classifier = PhraseClassifier(PARK, ENCODER, TEXT_DIM, [FEED])
    assert classifier.is_unseen.nonzero().tolist() == [[FEED]]
    # Objects without any class, such as car, are not unseen.
    assert not classifier.object_is_unseen.any()
    assert (
        classifier.vocabulary.verbs[classifier.verb_is_unseen.nonzero().item()]
        == 'feed'
    )
    assert 'is_trainable' not in classifier.state_dict()
    with pytest.raises(ValueError, match="classes of HICO-DET.*'park'"):
        PhraseClassifier(PARK, ENCODER, TEXT_DIM, 'uv')
    with pytest.raises(ValueError, match='"park"; leave some to train on'):
        PhraseClassifier(PARK, ENCODER, TEXT_DIM, range(VOCABULARY.num_hois))
