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
    """A study's file: what is measured, and how it is shown.

    The file is a Python config with

    - ``config``: path of the config that all rows change, relative to the
      study's file, as a ``_base_`` is;
    - ``rows``: by name, a dict each: ``title``; ``options``, entries of the
      config that this row overrides (keys nested by dots, as after
      ``--cfg-options``); ``baseline='random'``, ``'prior'`` (counted in the
      training annotations) or ``'pseudo_labels'`` (in pseudo-labels, among
      photos that show the object) in place of training; ``folds``, a number:
      trained and tested by cross-validation, as :class:`CrossValidation`
      says; ``seeds``, ``reference`` and a list ``tests`` of its own;
    - ``metrics``: what to show, the metric's name (or ``train_seconds``,
      ``seconds``, ``cpu_seconds``) and its heading;
    - ``seeds``: a list; ``split``: 'val' or 'test' (default);
    - ``reference``: ``dict(row=..., metric=..., title=...)``, the row of
      which all others' share is shown, under this heading;
    - ``options``: entries of the config that all rows override;
    - ``tests``: by name, options: a trained model is tested once more in the
      config that they make, and these metrics are named 'NAME.METRIC';
    - ``predictions=True`` keeps those of the first test in each run's folder,
      ``predictions.npz``;
    - ``prepare``: a list of ``dict(path=..., command=...)``: the command
      makes the path, and is run if a run's config names it (the teacher's
      cache, a data set's annotations, unseen classes) and nothing is there;
    - ``tables``: by name, ``dict(title=..., rows=[...])``, and ``metrics``
      and a ``split`` of its own, for further tests; without it there is one
      of all rows; ``paired=ROW`` adds each row's difference to ROW on V-COCO
      with its interval (:func:`v_coco_difference`), from ``predictions``;
    - ``plots``: a list, see :func:`draw_plot`.

    Names that begin with an underscore are the file's own.

    Args:
        path (str): The file.
        options (dict, optional): Entries of the config that all rows
            override, over the study's own.
        split (str, optional): 'val' or 'test'. Defaults to the study's.
        features (str, optional): What ``cache_detections.py --features``
            wrote for the config, so that no run needs the detector or the
            images.

    Raises:
        FileNotFoundError: There is no such study, config or file of features.
        ValueError: An entry is missing or unknown, or names no row.
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
        """The file's name without its ending."""
        return osp.splitext(osp.basename(self.path))[0]

    def runs(
        self, row: str, seeds: Optional[Sequence[int]] = None
    ) -> list[StudyRun]:
        """All runs of a row.

        Args:
            row (str): Its name.
            seeds (Sequence[int], optional): Defaults to the row's own, or
                else to the study's.
        """
        spec = self.rows[row]
        seeds = seeds or spec.get('seeds') or self.seeds
        if spec.get('baseline') in ('prior', 'pseudo_labels'):
            # Nothing is drawn: one run says all.
            seeds = seeds[:1]
        return [
            StudyRun(
                row, seed, self._configure(row, seed), 'baseline' not in spec
            )
            for seed in seeds
        ]

    def reference_of(self, row: str) -> Optional[str]:
        """The row of which another's share is shown, if there is one."""
        default = self.reference['row'] if self.reference else None
        return self.rows[row].get('reference', default)

    def to_prepare(self, rows: Iterable[str]) -> list[dict]:
        """Return paths and commands that these rows need first."""
        wanted = [p for p in self.prepare if not osp.exists(p['path'])]
        if not wanted:
            return []
        # Not what is a mere variable of the file.
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
                # Handing samples over costs more than there is left to load.
                loader.update(num_workers=0, persistent_workers=False)
                for dataset in inner_configs(loader.dataset):
                    dataset.pipeline = _without_images(
                        dataset.pipeline, self.features, split == 'train'
                    )
        cfg.test_dataloader = cfg[f'{self.split}_dataloader']
        cfg.test_evaluator = cfg[f'{self.split}_evaluator']
        # One look at the end says all.
        cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
        self._add_tests(cfg, spec)
        return cfg

    def _set_baseline(
        self, cfg: Config, baseline: Optional[str], seed: int, prior: bool
    ) -> None:
        """Put what does not look at pairs in the model's place."""
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
        """Beside the config, what else a run does; nothing where there is
        nothing, as a config that was measured must be found again."""
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
        """Refuse what would otherwise be found out hours later."""
        missing = {'config', 'seeds', 'metrics', 'rows'} - set(content)
        unknown = set(content) - KEYS
        if missing or unknown:
            self._fail(
                ', '.join(sorted(missing or unknown)),
                'is missing'
                if missing
                else f'unknown; there are {sorted(KEYS)}, and names of the '
                "file's own begin with an underscore",
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

    def _fail(self, field: str, problem: str) -> None:
        raise ValueError(f'{self.path}: {field}: {problem}')


def _rows_named(content: dict) -> Iterator[tuple[str, str]]:
    """Return the places of a study that name rows, and the rows."""
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
    """All that may be a path in a config."""
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
    pipeline: list[ConfigDict], features: str, remember: bool
) -> list[dict]:
    """A pipeline that takes features from a file.

    Args:
        pipeline (list[dict]): A config's.
        features (str): The file.
        remember (bool): Whether the same images are to be seen again.
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
    if remember:
        steps = [dict(type='CachedTransforms', steps=steps)]
    return [dict(type='LoadDetectorFeatures', file=features), *teacher, *steps]
