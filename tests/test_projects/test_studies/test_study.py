"""Study files and the configs made from them."""

import json
import os
import subprocess
import sys

import pytest
from studies import Study

from clhoi_mm.vocabulary import HOIVocabulary
from tests.data_utils import REPO
from tests.test_docs.pages import blocks

CONFIG = """
model = dict(
    icn=dict(type='ICN', width=8), vlt=dict(type='VLT'),
    context_loss=dict(type='ContextDistillLoss'),
    teacher_head=dict(vocabulary='mini'))
_loader = dict(num_workers=2, dataset=dict(
    data_root='data', ann_file='ann.json', pipeline=[
        dict(type='LoadImageFromFile'), dict(type='Resize', scale=(8, 8)),
        dict(type='LoadHOIAnnotations'),
        dict(type='LoadTeacherKnowledge', cache='data/teacher'),
        dict(type='PackHOIInputs')]))
train_dataloader = val_dataloader = test_dataloader = _loader
train_dataloader = dict(sampler=1, **_loader)
val_evaluator = dict(type='Metric', on='val')
test_evaluator = dict(type='Metric', on='test')
val_cfg = dict()
randomness = dict(seed=7)
"""
STUDY = """
config = 'base.py'
seeds = [0, 1, 2]
metrics = dict(mAP='mAP')
reference = dict(row='full', metric='mAP', title='of full')
_wide = {'model.icn': dict(_delete_=True, type='Wide', width=16)}
rows = {
    'plain': dict(title='default'),
    'wide': dict(title='wide', options=_wide, seeds=[5]),
    'full': dict(title='full', options={'model.vlt': None}),
    'random': dict(title='random', baseline='random'),
    'prior': dict(title='prior', baseline='prior'),
}
prepare = [dict(path='data/teacher', command='python tell.py'),
           dict(path='data/ann.json', command='python annotate.py'),
           dict(path='data/other', command='python never.py')]
plots = [dict(file='a.svg', metric='mAP', series={'a': [(1, 'plain')]})]
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'base.py').write_text(CONFIG)

    def write(*replace):
        text = STUDY
        for old, new in zip(replace[::2], replace[1::2]):
            assert old in text
            text = text.replace(old, new)
        (tmp_path / 'study.py').write_text(text)
        return 'study.py'

    return write


def test_rows_override_config_and_command_line(write):
    study = Study(write(), {'model.icn.width': 4, 'model.vlt.depth': 2})
    plain, full = study.runs('plain')[1], study.runs('full')[2]
    assert (plain.row, plain.seed, plain.trained) == ('plain', 1, True)
    assert plain.cfg.randomness.seed == 1 and full.cfg.randomness.seed == 2
    assert plain.cfg.model.icn == dict(type='ICN', width=4)
    assert plain.cfg.model.vlt == dict(type='VLT', depth=2)
    assert full.cfg.model.vlt is None
    # The row's override applies last, also in the second call.
    for _ in range(2):
        (wide,) = study.runs('wide')
        assert wide.seed == 5
        assert wide.cfg.model.icn == dict(type='Wide', width=16)
    assert plain.cfg.default_hooks.checkpoint.save_last is False
    assert plain.cfg.val_dataloader is None and plain.cfg.val_cfg is None
    # Seeds of the command line apply to all rows.
    assert [run.seed for run in study.runs('wide', [3, 4])] == [3, 4]


def test_split(write):
    assert Study(write()).runs('plain')[0].cfg.test_evaluator.on == 'test'
    run = Study('study.py', split='val').runs('plain')[0]
    assert run.cfg.test_evaluator.on == 'val'
    assert (
        Study(write('seeds = [0', "split = 'val'\nseeds = [0"))
        .runs('plain')[0]
        .cfg.test_evaluator.on
        == 'val'
    )


def test_run_key_is_the_configs_hash(write):
    study = Study(write())
    keys = [
        run.key
        for row in ('plain', 'wide', 'full', 'random')
        for run in study.runs(row)
    ]
    assert len(set(keys)) == len(keys) == 10
    again = Study(write("title='default'", "title='anew'"))
    assert [r.key for r in again.runs('plain')] == keys[:3]
    other = Study('study.py', {'model.depth': 1})
    assert other.runs('plain')[0].key not in keys
    # Configs with existing results must keep their keys.
    assert keys[0] == study.runs('plain')[0].name[-12:] == '3c8755d67a27'


def test_further_tests_and_folds(write):
    path = write(
        "'full': dict(title='full'",
        "'full': dict(folds=3, tests=['wide'], title='full'",
        'plots =',
        'predictions = True\n'
        "tests = {'wide': {'test_dataloader.num_workers': 9},\n"
        "         'last': {'test_evaluator.on': 'last'}}\nplots =",
    )
    study = Study(path)
    cfg = study.runs('plain')[0].cfg
    assert list(cfg.further_tests) == ['wide', 'last']
    wide, last = cfg.further_tests.values()
    assert (wide.dataloader.num_workers, wide.evaluator.on) == (9, 'test')
    assert (last.dataloader.num_workers, last.evaluator.on) == (2, 'last')
    assert cfg.test_dataloader.num_workers == 2
    assert cfg.keep_predictions and 'folds' not in cfg
    full = study.runs('full')[0].cfg
    assert list(full.further_tests) == ['wide'] and full.folds == 3
    with pytest.raises(ValueError, match=r"rows.wide.tests: .*'other'"):
        Study(write("title='wide',", "title='wide', tests=['other'],"))


def test_cached_features_replace_images(write, tmp_path):
    (tmp_path / 'f.safetensors').touch()
    annotations = "dict(type='LoadHOIAnnotations'),"
    assert annotations in CONFIG
    (tmp_path / 'base.py').write_text(
        CONFIG.replace(annotations, f"dict(type='Pad'), {annotations}")
    )
    cfg = Study(write(), features='f.safetensors').runs('plain')[0].cfg
    train, test = (
        loader.dataset.pipeline
        for loader in (cfg.train_dataloader, cfg.test_dataloader)
    )
    names = ['LoadDetectorFeatures', 'LoadTeacherKnowledge']
    assert [step.type for step in train] == [*names, 'CachedTransforms']
    assert [step.type for step in test] == [
        *names,
        'LoadHOIAnnotations',
        'PackHOIInputs',
    ]
    assert cfg.train_dataloader.num_workers == 0


def test_baselines_are_not_trained(write, tmp_path):
    study = Study(write())
    random = study.runs('random')
    assert [run.trained for run in random] == [False] * 3
    assert random[2].cfg.model == dict(
        icn=dict(type='BaselineICN', seed=2),
        vlt=None,
        context_loss=None,
        teacher_head=dict(vocabulary='mini'),
    )
    with pytest.raises(FileNotFoundError, match='ann.json.*--rows'):
        study.runs('prior')
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data/ann.json').write_text(
        json.dumps(
            dict(
                images=[],
                annotations=[],
                categories=[],
                verbs=[],
                hoi_categories=[],
                hois=[],
            )
        )
    )
    (prior,) = study.runs('prior')
    assert set(prior.cfg.model.icn.class_scores) == {0.0}


def test_only_required_and_missing_files_are_prepared(write, tmp_path):
    study = Study(write())
    assert [p['path'] for p in study.to_prepare(['plain'])] == [
        'data/teacher',
        'data/ann.json',
    ]
    (tmp_path / 'data/teacher').mkdir(parents=True)
    assert [p['path'] for p in study.to_prepare(['prior'])] == [
        'data/ann.json'
    ]
    other = Study(
        'study.py',
        {
            'train_dataloader.dataset.pipeline.3.cache': 'data/other/',
            'train_dataloader.dataset.ann_file': '/elsewhere.json',
            'test_dataloader.dataset.ann_file': '/elsewhere.json',
            'val_dataloader.dataset.ann_file': '/elsewhere.json',
        },
    )
    assert [p['path'] for p in other.to_prepare(['plain'])] == ['data/other']
    # Rows trained on all classes may be scored with a custom split.
    scored = Study('study.py', {'test_evaluator.unseen': 'data/other'})
    assert 'data/other' in [p['path'] for p in scored.to_prepare(['plain'])]


@pytest.mark.parametrize('old, new, parts', [
    ('seeds = [0, 1, 2]', '', ['seeds', 'missing']),
    ('seeds = [0', 'sead = 1\nseeds = [0', ['sead', 'unknown', 'underscore']),
    ("title='full'", "titel='full'", ['rows.full', 'titel']),
    ("title='full', ", '', ['rows.full', 'no title']),
    ("baseline='prior'", "baseline='guess'", ['rows.prior.baseline']),
    ("row='full'", "row='ful'", ['reference.row', "'ful'", 'plain, wide']),
    (", title='of full'", '', ['reference', 'title']),
    ("seeds=[5]", "reference='x'", ['rows.wide.reference', "'x'"]),
    ("(1, 'plain')", "(1, 'x')", ['plots.0', "no row 'x'"]),
    ("(1, 'plain')", "(1, 'plain', 'y')", ['plots.0', "no row 'y'"]),
    ("'a.svg'", "'a.gif'", ['plots.0', 'a.gif', '.svg']),
    ("metric='mAP', series", 'series', ['plots.0', 'metric']),
    ('seeds = [0', "split = 'train'\nseeds = [0", ['split', "'val'"]),
])  # fmt: skip
def test_invalid_studies_are_errors(write, old, new, parts):
    with pytest.raises(ValueError) as error:
        Study(write(old, new))
    for part in ['study.py', *parts]:
        assert part in str(error.value)


def test_missing_files(write):
    with pytest.raises(FileNotFoundError, match='none.py.*configs/studies'):
        Study('none.py')
    with pytest.raises(FileNotFoundError, match='gone.py'):
        Study(write("'base.py'", "'gone.py'"))
    with pytest.raises(
        FileNotFoundError,
        match='no such file of features.* base.py --features',
    ):
        Study(write(), features='none')


@pytest.mark.parametrize(
    'path',
    sorted((REPO / 'configs/studies').glob('*.py')),
    ids=lambda path: path.stem,
)
def test_shipped_studies_build_configs(path):
    study = Study(path)
    for row, spec in study.rows.items():
        if spec.get('baseline') not in ('prior', 'pseudo_labels'):
            assert len({run.key for run in study.runs(row)}) == len(
                spec.get('seeds', study.seeds)
            )
    shown = {row for table in study.tables.values() for row in table['rows']}
    assert shown == set(study.rows)


def test_study_of_the_documentation(tmp_path):
    (code,) = blocks(REPO / 'docs/results.md', 'python')
    path = tmp_path / 'study.py'
    path.write_text(code.replace('../', f'{REPO}/configs/'))
    study = Study(path)
    small = study.runs('free-300')[0].cfg.train_dataloader.dataset
    assert small.indices == 300
    assert study.reference_of('label-free') == 'instance'


def test_rows_of_the_mini_world_differ():
    study = Study(REPO / 'configs/studies/mini.py')
    rows = [row for row in study.rows if row != 'prior']
    assert len({study.runs(row, [0])[0].key for row in rows}) == len(rows)
    cfg = study.runs('no-vlt')[0].cfg
    assert cfg.model.vlt is None and cfg.model.context_loss is None
    assert cfg.custom_hooks[0].context_epochs == 0
    weak = study.runs('weak')[0].cfg.train_dataloader.dataset.pipeline[2]
    assert weak == dict(
        type='LoadTeacherKnowledge',
        vocabulary='mini',
        cache='data/mini/teacher/train_weak',
    )


def test_only_training_processes_import_torch():
    """Tables of a study are printed without the seconds that torch takes."""
    code = "import sys, studies; print('torch' in sys.modules)"
    path = os.pathsep.join([str(REPO), str(REPO / 'projects/studies')])
    done = subprocess.run(
        [sys.executable, '-c', code],
        env={**os.environ, 'PYTHONPATH': path},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == 'False', done.stderr


def test_verbs_of_the_unlabeled_weights_exist(monkeypatch):
    monkeypatch.chdir(REPO)
    study = Study('configs/studies/coco_captions_validation.py')
    head = study.runs('unlabeled-by-verb')[0].cfg.model.teacher_head
    vocabulary = HOIVocabulary.load(head.vocabulary)
    assert head.unlabeled_verb_factors
    for verb in head.unlabeled_verb_factors:
        assert vocabulary.verb_label(verb) >= 0, verb
