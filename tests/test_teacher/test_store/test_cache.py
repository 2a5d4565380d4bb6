import json
import pickle
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clhoi_mm.teacher import (
    HashedTextEncoder,
    Interaction,
    PseudoLabels,
    TeacherCache,
    pack_cache,
)
from clhoi_mm.vocabulary import HOIVocabulary

ENCODER = HashedTextEncoder(16)


def make_pseudo_labels():
    return [
        PseudoLabels('b/2.jpg', 'A dog. Two dogs.', ['A dog.', 'Two dogs.'],
                     [Interaction('ride', 'bicycle', 0.75),
                      Interaction('juggle', 'bicycle', 0.5),
                      Interaction('ride', 'unicorn', 0.25),
                      Interaction('ride', 'dog', 1.0),
                      Interaction('Sitting On', 'BENCH', 0.1)]),
        PseudoLabels('a/10.jpg', '', [], []),
        PseudoLabels('a/é.jpg', 'Two dogs.', ['Two dogs.'],
                     [Interaction('hug', 'person', 0.5)], malformed=True),
    ]  # fmt: skip


@pytest.fixture
def folder(tmp_path, vocabulary):
    return pack_cache(
        make_pseudo_labels(), tmp_path / 'cache', vocabulary, ENCODER
    )


def test_fields_by_hand(folder, vocabulary):
    cache = TeacherCache(folder, vocabulary, ENCODER.identity)
    assert len(cache) == 3 and list(cache.keys()) == [
        'a/10.jpg',
        'a/é.jpg',
        'b/2.jpg',
    ]
    assert 'a/é.jpg' in cache and 'a/1' not in cache and 'z' not in cache
    assert cache.get('a/1') is None
    out = cache.get('b/2.jpg')
    assert out['verb_labels'].tolist() == [0, -1, 0, 0, 3]
    assert out['obj_labels'].tolist() == [1, 1, -1, 2, 3]
    assert out['hoi_labels'].tolist() == [0, -1, -1, -1, 4]
    assert out['scores'].tolist() == [0.75, 0.5, 0.25, 1, np.float32(0.1)]
    phrases = [
        'a person riding a bicycle',
        'a person juggling a bicycle',
        'a person riding a unicorn',
        'a person riding a dog',
        'a person sitting on a bench',
    ]
    half = 1e-3  # Precision of a 16-bit float.
    np.testing.assert_allclose(
        out['phrase_embeds'], ENCODER.encode(phrases), atol=half
    )
    np.testing.assert_allclose(
        out['sentence_embeds'],
        ENCODER.encode(['A dog.', 'Two dogs.']), atol=half)  # fmt: skip
    np.testing.assert_allclose(
        out['caption_embed'],
        ENCODER.encode(['A dog. Two dogs.'])[0],
        atol=half,
    )
    assert {name: value.dtype.name for name, value in out.items()} == dict(
        caption_embed='float32', sentence_embeds='float32',
        phrase_embeds='float32', scores='float32', verb_labels='int64',
        obj_labels='int64', hoi_labels='int64',
        phrase_ids='int64')  # fmt: skip
    counts = cache.manifest['counts']
    assert (counts['outside_vocabulary'], counts['malformed']) == (3, 1)


def test_many_phrases_are_read_like_few(folder, monkeypatch):
    few = TeacherCache(folder).get('b/2.jpg')
    monkeypatch.setattr('clhoi_mm.teacher.store.cache._FEW', 0)
    many = TeacherCache(folder).get('b/2.jpg')
    for name, value in few.items():
        np.testing.assert_array_equal(value, many[name])


def test_phrases_of_the_vocabulary_are_used(folder, vocabulary):
    out = TeacherCache(folder).get('a/é.jpg')
    assert out['hoi_labels'].tolist() == [6]
    np.testing.assert_allclose(
        out['phrase_embeds'],
        ENCODER.encode(['a person hugging another person']),
        atol=1e-3,
    )


def test_image_without_answer_equals_empty_answer(folder):
    cache = TeacherCache(folder)
    out, empty = cache.get('a/10.jpg'), cache.empty()
    assert out.keys() == empty.keys()
    for name, value in out.items():
        assert value.dtype == empty[name].dtype
        np.testing.assert_array_equal(value, empty[name])


def test_bytes_do_not_depend_on_the_order(tmp_path, folder, vocabulary):
    other = pack_cache(
        make_pseudo_labels()[::-1], tmp_path / 'other', vocabulary, ENCODER
    )
    for file in ('manifest.json', 'knowledge.safetensors'):
        assert (folder / file).read_bytes() == (other / file).read_bytes()
    assert sorted(p.name for p in other.iterdir()) == [
        'knowledge.safetensors',
        'manifest.json',
    ]


def test_readable_by_the_safetensors_library(folder):
    from safetensors.numpy import load_file

    tensors = load_file(folder / 'knowledge.safetensors')
    assert tensors['caption_embeds'].dtype == np.float16
    assert bytes(tensors['key_bytes']).decode() == 'a/10.jpga/é.jpgb/2.jpg'


def test_pickle_and_reopen(folder):
    cache = TeacherCache(folder)
    before = cache.get('b/2.jpg')
    packed = pickle.dumps(cache)
    assert len(packed) < 4000
    after = pickle.loads(packed).get('b/2.jpg')
    for name, value in before.items():
        np.testing.assert_array_equal(value, after[name])
    before['scores'][:] = 0  # A copy, not the file's memory.
    assert cache.get('b/2.jpg')['scores'][0] == 0.75


def test_captions_are_stored_as_sums_of_sentences(tmp_path, vocabulary):
    class Chance:
        """Encoder whose texts share nothing with their parts."""

        dim, identity = 64, 'chance'

        def encode(self, texts):
            rows = [np.random.default_rng(list(text.encode()))
                    .standard_normal(64) for text in texts]  # fmt: skip
            return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    one, two, other = 'A dog runs.', 'A man rides a bicycle.', 'A poem.'
    pseudo_labels = [
        PseudoLabels('a', one, [one]),
        PseudoLabels('b', f'{one}  {two}', [one, two]),
        PseudoLabels('c', f'{one} {one}', [one, one]),
        PseudoLabels('d', other, [one, two]),
        PseudoLabels('e'),
        PseudoLabels('f', f'{one} {two} {one}', [one, two, one]),
    ]
    folder = pack_cache(pseudo_labels, tmp_path / 'a', vocabulary, ENCODER)
    cache = TeacherCache(folder)
    assert cache.manifest['counts']['captions'] == 1
    assert cache.manifest['caption_cosine'] == 1
    for row in pseudo_labels[:4] + pseudo_labels[5:]:
        np.testing.assert_allclose(
            cache.get(row.key)['caption_embed'],
            ENCODER.encode([row.caption])[0],
            atol=1e-3,
        )
    assert not cache.get('e')['caption_embed'].any()
    # If it is not a sum, the nearest one or, on request, itself is stored.
    encoder = Chance()
    folder = pack_cache(pseudo_labels, tmp_path / 'b', vocabulary, encoder)
    cache = TeacherCache(folder)
    kept = cache.get('b')['caption_embed']
    assert kept @ kept == pytest.approx(1, abs=1e-3)
    basis = np.linalg.qr(encoder.encode([one, two]).T)[0]
    true = encoder.encode([pseudo_labels[1].caption])[0]
    nearest = basis @ (basis.T @ true)
    np.testing.assert_allclose(
        kept, nearest / np.linalg.norm(nearest), atol=1e-3
    )
    assert 0 < cache.manifest['caption_cosine'] < 0.5
    cache = TeacherCache(
        pack_cache(
            pseudo_labels,
            tmp_path / 'c',
            vocabulary,
            encoder,
            whole_captions=True,
        )
    )
    np.testing.assert_allclose(
        cache.get('b')['caption_embed'], true, atol=1e-3
    )
    assert cache.manifest['counts']['captions'] == 6
    assert cache.manifest['caption_cosine'] is None


def test_conversion_of_16_bits_is_exact():
    from clhoi_mm.teacher.store.cache import _to_float32

    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)]
    np.testing.assert_array_equal(
        _to_float32(halves.view(np.int16)), halves.astype(np.float32)
    )


def test_keys_with_equal_hash_buckets_are_distinguished(
    tmp_path, vocabulary, monkeypatch
):
    for module in ('cache', 'cache_tables'):
        monkeypatch.setattr(
            f'clhoi_mm.teacher.store.{module}.key_hash',
            lambda key: 7 + len(key) // 3,
        )
    names = [f'{i:x}' for i in range(300)]
    cache = TeacherCache(
        pack_cache(map(PseudoLabels, names), tmp_path, vocabulary, ENCODER)
    )
    assert all(name in cache for name in names)
    assert 'g' not in cache and '' not in cache
    rows = [cache._find(name) for name in names]
    assert sorted(rows) == list(range(300))


def test_non_finite_embeddings_are_errors(tmp_path, vocabulary):
    class Broken:
        dim, identity = 8, 'broken'

        def encode(self, texts):
            return np.full((len(texts), 8), np.nan, np.float32)

    with pytest.raises(ValueError, match='broken: an embedding is not finite'):
        pack_cache(make_pseudo_labels(), tmp_path, vocabulary, Broken())


def test_no_images(tmp_path, vocabulary):
    cache = TeacherCache(pack_cache([], tmp_path, vocabulary, ENCODER))
    assert len(cache) == 0 and 'a' not in cache and cache.get('') is None


@pytest.mark.parametrize(
    'pseudo_labels, message',
    [
        ([PseudoLabels('a'), PseudoLabels('a')], '"a" occurs twice'),
        ([PseudoLabels('')], 'field "key" is empty'),
        ([PseudoLabels('\ud800')], 'no valid unicode'),
    ],
)
def test_bad_keys(tmp_path, vocabulary, pseudo_labels, message):
    with pytest.raises(ValueError, match=message):
        pack_cache(pseudo_labels, tmp_path, vocabulary, ENCODER)
    assert not list(tmp_path.iterdir())


def edit_manifest(folder, **changes):
    path = folder / 'manifest.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_damaged_files_are_errors(folder, vocabulary):
    tensors = folder / 'knowledge.safetensors'
    manifest = folder / 'manifest.json'
    whole, written = tensors.read_bytes(), manifest.read_bytes()

    tensors.write_bytes(whole[:-1])
    with pytest.raises(ValueError, match='field "tensors.bytes"') as error:
        TeacherCache(folder)
    assert 'knowledge.safetensors' in str(error.value)
    assert 'simulate.py' in str(error.value)

    tensors.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ValueError, match='field "tensors.sha256"'):
        TeacherCache(folder)
    with pytest.raises(ValueError, match='field "tensors.sha256"'):
        TeacherCache(folder, verify=True)

    tensors.write_bytes(b'\xff' * len(whole))
    with pytest.raises(ValueError, match='unreadable'):
        TeacherCache(folder, verify=False).get('b/2.jpg')

    tensors.unlink()
    with pytest.raises(FileNotFoundError, match='knowledge.safetensors'):
        TeacherCache(folder)
    tensors.write_bytes(whole)

    for text in ('{', '[]', '{}', 'null'):
        manifest.write_text(text)
        with pytest.raises(ValueError, match='manifest.json: unreadable'):
            TeacherCache(folder)
    manifest.write_bytes(written)
    for name, value in (
        ('dim', '16'),
        ('counts', 3),
        ('tensors', {}),
        ('vocabulary', dict(name='park')),
        ('text_encoder', None),
    ):
        edit_manifest(folder, **{name: value})
        with pytest.raises(ValueError, match=f'field "{name}'):
            TeacherCache(folder)
        manifest.write_bytes(written)
    edit_manifest(folder, dim=15)
    with pytest.raises(ValueError, match='tensor "caption_embeds"'):
        TeacherCache(folder).get('b/2.jpg')
    manifest.unlink()
    with pytest.raises(FileNotFoundError, match='no manifest'):
        TeacherCache(folder)
    shutil.rmtree(folder)
    with pytest.raises(FileNotFoundError, match='no such folder'):
        TeacherCache(folder)


def test_foreign_files_are_errors(folder, vocabulary):
    other = {**vocabulary.to_dict(), 'name': 'zoo'}
    with pytest.raises(ValueError, match='field "vocabulary.name" is "park"'):
        TeacherCache(folder, HOIVocabulary.from_dict(other))
    other = {**vocabulary.to_dict(), 'rare': []}
    with pytest.raises(ValueError, match='field "vocabulary.hash"'):
        TeacherCache(folder, HOIVocabulary.from_dict(other))
    with pytest.raises(ValueError, match='field "text_encoder"'):
        TeacherCache(folder, text_encoder=HashedTextEncoder(32).identity)
    edit_manifest(folder, version=1)  # From an earlier release.
    with pytest.raises(
        ValueError,
        match='field "version" is 1.*reads 2 and 3 of.*annotate.py pack',
    ):
        TeacherCache(folder)


NAMES = st.text(st.characters(exclude_categories=['Cs']), min_size=1)
SCORES = st.floats(0, 1, width=32)


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(pseudo_labels=st.lists(
    st.builds(PseudoLabels, NAMES, st.text(), st.lists(NAMES),
              st.lists(st.builds(Interaction, NAMES, NAMES, SCORES))),
    unique_by=lambda row: row.key))  # fmt: skip
def test_round_trip_of_any_pseudo_labels(
    tmp_path_factory, vocabulary, pseudo_labels
):
    folder = tmp_path_factory.mktemp('any')
    cache = TeacherCache(
        pack_cache(pseudo_labels, folder, vocabulary, ENCODER)
    )
    assert len(cache) == len(pseudo_labels)
    assert sorted(cache.keys()) == sorted(row.key for row in pseudo_labels)
    for row in pseudo_labels:
        out = cache.get(row.key)
        assert out['scores'].tolist() == [x[2] for x in row.interactions]
        assert out['verb_labels'].tolist() == [
            vocabulary.verb_label(verb) for verb, *_ in row.interactions
        ]
        assert len(out['sentence_embeds']) == len(row.sentences)
        assert out['phrase_embeds'].shape == (len(row.interactions), 16)


PAIR, OTHER = tuple(map(float, range(8))), (9.5, 8, 7, 6, 5, 4, 3, 2.25)


def make_pointed():
    """Return these pseudo-labels with pointed pairs for two labels."""
    rows = make_pseudo_labels()
    for place, pairs in ((0, (PAIR, OTHER)), (3, (OTHER,))):
        item = rows[0].interactions[place]
        rows[0].interactions[place] = item._replace(pointed=pairs)
    return rows


def test_pointed_pairs_by_hand(tmp_path, vocabulary):
    cache = TeacherCache(
        pack_cache(make_pointed(), tmp_path, vocabulary, ENCODER), vocabulary
    )
    assert cache.has_pointed and cache.manifest['version'] == 3
    assert cache.manifest['counts']['pointed'] == 3
    for copy in (cache, pickle.loads(pickle.dumps(cache))):
        out = copy.get('b/2.jpg')
        assert out['pointed_labels'].tolist() == [0, 0, 3]
        boxes = np.hstack(
            [out['pointed_human_bboxes'], out['pointed_object_bboxes']]
        )
        assert boxes.tolist() == [list(x) for x in (PAIR, OTHER, OTHER)]
        assert out['pointed_labels'].dtype == np.int64
        assert boxes.dtype == np.float32
        for none in (copy.get('a/10.jpg'), copy.get('a/é.jpg')):
            assert none['pointed_labels'].shape == (0,)
            assert none['pointed_human_bboxes'].shape == (0, 4)
        empty = copy.empty()
        assert empty.keys() == out.keys()
        assert all(empty[x].dtype == out[x].dtype for x in out)
    out['pointed_human_bboxes'][:] = 0  # A copy, not the file's memory.
    assert cache.get('b/2.jpg')['pointed_human_bboxes'][1, 0] == 9.5


def test_cache_without_pointed_pairs_is_unchanged(folder, tmp_path):
    cache = TeacherCache(folder)
    assert cache.manifest['version'] == 2 and not cache.has_pointed
    assert 'pointed' not in cache.manifest['counts']
    assert not any('pointed' in name for name in cache.get('b/2.jpg'))
    assert not any('pointed' in name for name in cache.empty())
    assert b'pointed' not in (folder / 'knowledge.safetensors').read_bytes()


def test_damaged_table_of_pointed_pairs_is_an_error(tmp_path, vocabulary):
    folder = pack_cache(make_pointed(), tmp_path, vocabulary, ENCODER)
    manifest = json.loads((folder / 'manifest.json').read_text())
    edit_manifest(folder, counts=dict(manifest['counts'], pointed=4))
    with pytest.raises(ValueError, match='pointed_labels'):
        TeacherCache(folder).get('b/2.jpg')
    del manifest['counts']['pointed']
    edit_manifest(folder, counts=manifest['counts'])
    with pytest.raises(ValueError, match='counts.pointed'):
        TeacherCache(folder)
