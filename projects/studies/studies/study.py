import copy
import os.path as osp
from typing import Any, Iterable, Iterator, Optional, Sequence

from mmengine.config import Config, ConfigDict

from clhoi_mm.config_file import inner_configs, merge_options, read_config
from clhoi_mm.utils.errors import InputError

from .baselines import BASELINES, object_prior, pseudo_label_prior
from .plots import check_plot, rows_of
from .study_run import StudyRun

KEYS = {
    'config',
    'seeds',
    'split',
    'metrics',
    'reference',
    'options',
    'predictions',
    'prepare',
    'rows',
    'tables',
    'tests',
    'plots',
}
ROW_KEYS = {
    'title',
    'options',
    'baseline',
    'folds',
    'seeds',
    'reference',
    'tests',
}


class Study:
    """Study file: runs, metrics, tables and plots.

    The file is a Python config with

    - ``config``: path of the base config, relative to the study file;
    - ``rows``: dicts by name with ``title``; ``options``, overridden config
      entries (keys nested by dots, as after ``--cfg-options``);
      ``baseline``, which replaces training: 'random', 'prior' (class
      frequencies in the training annotations) or 'pseudo_labels' (in
      pseudo-labels of photos with the object); ``folds``, the number of
      folds of a cross-validation (:class:`CrossValidation`); ``seeds``,
      ``reference`` and ``tests`` in place of the study's;
    - ``metrics``: headings by metric (or ``train_seconds``, ``seconds``,
      ``cpu_seconds``);
    - ``seeds``: a list; ``split``: 'val' or 'test' (default);
    - ``reference``: ``dict(row=..., metric=..., title=...)``, the row whose
      metric other rows are divided by, and the heading of this ratio;
    - ``options``: config entries overridden in all rows;
    - ``tests``: options of further tests by name; their metrics are named
      'NAME.METRIC';
    - ``predictions=True``: keep predictions in each run's folder, of the
      first test as ``predictions.npz``, of others as
      ``predictions_NAME.npz``;
    - ``prepare``: a list of ``dict(path=..., command=...)``; the command, or
      a list of them, makes a missing path that a run's config refers to
      (teacher cache, annotations, unseen classes). Only the last of several
      should make the path, which counts as complete once it is there;
    - ``tables``: by name, ``dict(title=..., rows=[...])``, optionally with
      ``metrics`` and a ``split``; default: one table of all rows.
      ``paired=ROW`` adds each row's difference to ROW on V-COCO with its
      interval (:func:`v_coco_difference`), computed from ``predictions`` of
      the first test or of the one named by ``test``;
    - ``plots``: a list, see :func:`draw_plot`.

    Names that begin with an underscore are ignored.

    Args:
        path (str): Path of the file.
        options (dict, optional): Config entries overridden in all rows, with
            priority over the study's.
        split (str, optional): 'val' or 'test'. Defaults to the study's.
        features (str, optional): File of ``cache_detections.py --features``
            for the config, so that runs need neither detector nor images.

    Raises:
        FileNotFoundError: If study, config or file of features is missing.
        ValueError: If an entry is missing or unknown, or names no row.
    """

    def __init__(
        self,
        path: str,
        options: Optional[dict] = None,
        split: Optional[str] = None,
        features: Optional[str] = None,
    ) -> None:
        self.path = str(path)
        if not osp.isfile(path):
            raise FileNotFoundError(
                f'{path}: no such study; give the path of one, such as '
                'configs/studies/mini.py'
            )
        content = Config.fromfile(path).to_dict()
        content = {k: v for k, v in content.items() if k[0] != '_'}
        self._check(content)
        self.rows: dict[str, dict] = content['rows']
        self.metrics: dict[str, str] = content['metrics']
        self.seeds: list[int] = list(content['seeds'])
        self.reference: Optional[dict] = content.get('reference')
        self.prepare: list[dict] = content.get('prepare', [])
        self.plots: list[dict] = content.get('plots', [])
        self.tests: dict[str, dict] = content.get('tests', {})
        self.predictions: bool = content.get('predictions', False)
        self.tables: dict[str, dict] = content.get('tables') or {
            self.name: dict(rows=list(self.rows))
        }
        self.split = split or content.get('split', 'test')
        self.features = features
        if features and not osp.isfile(features):
            raise FileNotFoundError(
                f'{features}: no such file of features; write it by python '
                'tools/analysis_tools/cache_detections.py '
                f'{self._config(content)} --features --out {features}'
            )
        self._base = read_config(self._config(content))
        self._options = {**content.get('options', {}), **(options or {})}

    @property
    def name(self) -> str:
        """File name without its suffix."""
        return osp.splitext(osp.basename(self.path))[0]

    def runs(
        self, row: str, seeds: Optional[Sequence[int]] = None
    ) -> list[StudyRun]:
        """Configure all runs of a row.

        Args:
            row (str): Name of the row.
            seeds (Sequence[int], optional): Seeds. Defaults to the row's, or
                else the study's.
        """
        spec = self.rows[row]
        seeds = seeds or spec.get('seeds') or self.seeds
        if spec.get('baseline') in ('prior', 'pseudo_labels'):
            # Deterministic: one run suffices.
            seeds = seeds[:1]
        return [
            StudyRun(
                row, seed, self._configure(row, seed), 'baseline' not in spec
            )
            for seed in seeds
        ]

    def reference_of(self, row: str) -> Optional[str]:
        """Return the reference row of a row, or None."""
        default = self.reference['row'] if self.reference else None
        return self.rows[row].get('reference', default)

    def to_prepare(self, rows: Iterable[str]) -> list[dict]:
        """List missing paths of these rows and their commands."""
        wanted = [p for p in self.prepare if not osp.exists(p['path'])]
        if not wanted:
            return []
        # Other entries are unused variables of the config.
        used = (
            'model',
            'train_dataloader',
            'test_dataloader',
            'test_evaluator',
        )
        named = {
            osp.normpath(path)
            for cfg in (self._configure(row, 0, prior=False) for row in rows)
            for path in _paths([cfg[part] for part in used])
        }
        return [p for p in wanted if osp.normpath(p['path']) in named]

    def _configure(self, row: str, seed: int, prior: bool = True) -> Config:
        spec = self.rows[row]
        cfg = copy.deepcopy(self._base)
        for options in (
            {
                'randomness.seed': seed,
                'default_hooks.checkpoint.interval': -1,
                'default_hooks.checkpoint.save_last': False,
            },
            self._options,
            spec.get('options', {}),
        ):
            merge_options(cfg, options)
        self._set_baseline(cfg, spec.get('baseline'), seed, prior)
        if self.features:
            for split in ('train', 'val', 'test'):
                loader = cfg[f'{split}_dataloader']
                # Passing samples between processes costs more than loading.
                loader.update(num_workers=0, persistent_workers=False)
                for dataset in inner_configs(loader.dataset):
                    dataset.pipeline = _without_images(
                        dataset.pipeline, self.features, split == 'train'
                    )
        cfg.test_dataloader = cfg[f'{self.split}_dataloader']
        cfg.test_evaluator = cfg[f'{self.split}_evaluator']
        # Evaluate after training only.
        cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
        self._add_tests(cfg, spec)
        return cfg

    def _set_baseline(
        self, cfg: Config, baseline: Optional[str], seed: int, prior: bool
    ) -> None:
        """Replace the ICN by a baseline."""
        if baseline is None:
            return
        cfg.model.icn = dict(type='BaselineICN', seed=seed)
        cfg.model.vlt = cfg.model.context_loss = None
        if baseline == 'random' or not prior:
            return
        dataset, *others = inner_configs(cfg.train_dataloader.dataset)
        if others:
            raise InputError(
                f'{cfg.filename}: prior frequencies are counted in one '
                'annotation file, but training concatenates several; '
                'leave the row out by --rows'
            )
        vocabulary = cfg.model.teacher_head.vocabulary
        cfg.model.icn['class_scores'] = (
            pseudo_label_prior(
                dataset, vocabulary, cfg.model.pairing.score_thr
            )
            if baseline == 'pseudo_labels'
            else object_prior(dataset, vocabulary)
        )

    def _add_tests(self, cfg: Config, spec: dict) -> None:
        """Add further tests, predictions and folds to the config.

        Unused entries are not added, since they would change the key of
        existing results.
        """
        tests = {}
        for name in spec.get('tests', self.tests):
            other = copy.deepcopy(cfg)
            merge_options(other, self.tests[name])
            tests[name] = dict(
                dataloader=other.test_dataloader,
                evaluator=other.test_evaluator,
            )
        if tests:
            cfg.further_tests = tests
        if self.predictions:
            cfg.keep_predictions = True
        if 'folds' in spec:
            cfg.folds = spec['folds']

    def _config(self, content: dict) -> str:
        return osp.normpath(
            osp.join(osp.dirname(self.path), content['config'])
        )

    def _check(self, content: dict) -> None:
        """Validate the file's entries before any run."""
        missing = {'config', 'seeds', 'metrics', 'rows'} - set(content)
        unknown = set(content) - KEYS
        if missing or unknown:
            self._fail(
                ', '.join(sorted(missing or unknown)),
                'is missing'
                if missing
                else f'unknown; there are {sorted(KEYS)}; names of '
                'variables must begin with an underscore',
            )
        for name, row in content['rows'].items():
            unknown = set(row) - ROW_KEYS
            if unknown or 'title' not in row:
                self._fail(
                    f'rows.{name}',
                    f'unknown {sorted(unknown)}; there are {sorted(ROW_KEYS)}'
                    if unknown
                    else 'has no title',
                )
            if row.get('baseline', 'prior') not in BASELINES:
                self._fail(
                    f'rows.{name}.baseline', f'there are {list(BASELINES)}'
                )
            for test in set(row.get('tests', ())) - set(
                content.get('tests', {})
            ):
                self._fail(f'rows.{name}.tests', f'there is no test {test!r}')
        self._check_tables(content)
        if content.get('split', 'test') not in ('val', 'test'):
            self._fail('split', "write 'val' or 'test'")
        for i, plot in enumerate(content.get('plots', [])):
            try:
                check_plot(plot)
            except ValueError as error:
                self._fail(f'plots.{i}', str(error))
        for place, row in _rows_named(content):
            if row not in content['rows']:
                self._fail(
                    place,
                    f'no row {row!r}; there are {", ".join(content["rows"])}',
                )
        if {'row', 'metric', 'title'} - set(
            content.get('reference') or ('row', 'metric', 'title')
        ):
            self._fail(
                'reference', 'write dict(row=..., metric=..., title=...)'
            )

    def _check_tables(self, content: dict) -> None:
        """Check that each table's test is one of all its rows."""
        for name, table in (content.get('tables') or {}).items():
            test = table.get('test')
            for row in table['rows'] if test else ():
                tests = content['rows'].get(row, {}).get('tests')
                if test not in (
                    content.get('tests', {}) if tests is None else tests
                ):
                    self._fail(
                        f'tables.{name}.test',
                        f'row {row!r} has no test {test!r}',
                    )

    def _fail(self, field: str, problem: str) -> None:
        raise ValueError(f'{self.path}: {field}: {problem}')


def _rows_named(content: dict) -> Iterator[tuple[str, str]]:
    """Iterate over fields that refer to rows, with the rows."""
    if content.get('reference'):
        yield 'reference.row', content['reference'].get('row')
    for name, row in content['rows'].items():
        if 'reference' in row:
            yield f'rows.{name}.reference', row['reference']
    for name, table in (content.get('tables') or {}).items():
        for row in table['rows']:
            yield f'tables.{name}', row
        if 'paired' in table:
            yield f'tables.{name}.paired', table['paired']
    for i, plot in enumerate(content.get('plots', [])):
        for row in rows_of(plot):
            yield f'plots.{i}', row


def _paths(part: Any) -> Iterator[str]:
    """Iterate over all strings of a config, as possible paths."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, (list, tuple)):
        for each in part:
            yield from _paths(each)
    elif hasattr(part, 'items'):
        if part.get('ann_file'):
            yield osp.join(part.get('data_root') or '', part['ann_file'])
        for _, each in part.items():
            yield from _paths(each)


def _without_images(
    pipeline: list[ConfigDict], features: str, cached: bool
) -> list[dict]:
    """Replace image loading by a file of features.

    Args:
        pipeline (list[dict]): Pipeline of a config.
        features (str): File of features.
        cached (bool): Whether to cache transformed samples.
    """
    teacher, steps = [], []
    for step in pipeline:
        if step.type == 'LoadTeacherKnowledge':
            teacher.append(step)
        elif step.type not in (
            'LoadImage',
            'LoadImageFromFile',
            'Resize',
            'Pad',
        ):
            steps.append(step)
    if cached:
        steps = [dict(type='CachedTransforms', steps=steps)]
    return [dict(type='LoadDetectorFeatures', file=features), *teacher, *steps]
