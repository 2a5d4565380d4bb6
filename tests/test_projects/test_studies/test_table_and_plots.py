"""Tables and plots of known metrics."""

import csv

import pytest
from matplotlib.colors import to_hex
from studies import StudyTable, draw_plot
from studies.plots import make_figure, missing_rows


class Study:
    """Stand-in for the study attributes that tables use."""

    split = 'test'
    metrics = dict(mAP='mAP', mAP_rare='rare')
    reference = dict(row='full', metric='mAP', title='of full')
    rows = dict(
        prior=dict(title='prior', baseline='prior'),
        free=dict(title='label-free'),
        one=dict(title='one seed', seeds=[0]),
        full=dict(title='full'),
        later=dict(title='later'),
        other=dict(title='other', reference='free'),
    )
    tables = dict(
        all=dict(rows=list(rows)),
        two=dict(title='Two of them', rows=['one', 'later']),
        own=dict(rows=['full'], split='val', metrics=dict(mAP_rare='rare')),
    )

    def reference_of(self, row):
        return self.rows[row].get('reference', 'full')


def metrics(mAP, rare):
    return dict(mAP=mAP, mAP_rare=rare, train_seconds=10 * mAP)


@pytest.fixture
def make_results():
    return dict(
        prior={0: dict(mAP=10.0, mAP_rare=0.0)},
        free={0: metrics(30.0, 1.0), 1: metrics(34.0, 2.0)},
        one={0: metrics(20.0, 5.0)},
        full={0: metrics(40.0, 6.0), 1: metrics(40.0, 6.0)},
        later={0: None, 1: None},
        other={0: None, 1: metrics(48.0, 8.0)},
    )


def test_table_of_other_metrics(make_results):
    table = StudyTable(Study(), 'own', make_results)
    assert table.markdown().splitlines() == [
        '| val split, seeds [0, 1] | rare | of full |',
        '|---|---|---|',
        '| full | 6.0 ± 0.0 | 1.00 |',
    ]
    (row,) = csv.DictReader(table.csv().splitlines())
    assert (row['split'], row['mAP_rare'], 'mAP' in row) == (
        'val',
        '6.0',
        False,
    )


def test_markdown(make_results):
    assert StudyTable(Study(), 'all', make_results).markdown() == '\n'.join(
        [
            '| test split, seeds [0, 1] | mAP | rare | of full |',
            '|---|---|---|---|',
            '| prior | 10.0 | 0.0 | 0.25 |',
            # Sample deviations: sqrt(8), sqrt(1 / 2).
            '| label-free | 32.0 ± 2.8 | 1.5 ± 0.7 | 0.80 |',
            '| one seed (seed 0) | 20.0 | 5.0 | 0.50 |',
            '| full | 40.0 ± 0.0 | 6.0 ± 0.0 | 1.00 |',
            '| later (not run yet) | – | – |  |',
            '| other (seed 1) | 48.0 | 8.0 | 1.50 |',
        ]
    )


def test_some_rows_of_a_titled_table(make_results):
    assert StudyTable(
        Study(), 'two', make_results, ['one', 'free']
    ).markdown() == (
        'Two of them\n\n'
        '| test split, seeds [0] | mAP | rare | of full |\n'
        '|---|---|---|---|\n'
        '| one seed | 20.0 | 5.0 | 0.50 |'
    )
    del make_results['full']
    assert (
        '| 5.0 |  |'
        in StudyTable(Study(), 'two', make_results, ['one']).markdown()
    )


def test_csv(make_results):
    rows = {
        row['row']: row
        for row in csv.DictReader(
            StudyTable(Study(), 'all', make_results).csv().splitlines()
        )
    }
    assert list(rows) == list(Study.rows)
    free = rows['free']
    assert free['title'] == 'label-free' and free['seeds'] == '0 1'
    assert [
        float(free[k]) for k in ('mAP', 'mAP_std', 'train_seconds')
    ] == pytest.approx([32, 8**0.5, 320])
    assert float(free['share']) == pytest.approx(0.8)
    assert rows['prior']['train_seconds'] == rows['one']['mAP_std'] == ''
    assert rows['later']['mAP'] == rows['later']['seeds'] == ''


def test_a_metric_that_was_not_measured(make_results):
    study = Study()
    study.metrics = dict(AP='AP')
    with pytest.raises(ValueError, match="no metric 'AP'.*'free'.*mAP_rare"):
        StudyTable(study, 'all', make_results, ['free']).markdown()


PLOT = dict(
    file='a.svg',
    metric='mAP',
    title='The title',
    x_title='images',
    x_scale='log',
    series={
        'label-free': [(10, 'one'), (100, 'free')],
        'share': [(10, 'one', 'full'), (100, 'free', 'full')],
    },
    levels=dict(prior='the prior'),
)


def test_lines_are_means_with_deviations_and_shares(make_results):
    axes = make_figure(PLOT, make_results).axes[0]
    free, share = axes.containers
    assert free.lines[0].get_xydata().tolist() == [[10, 20], [100, 32]]
    assert share.lines[0].get_xydata().tolist() == [[10, 0.5], [100, 0.8]]
    low, high = free.lines[2][0].get_segments()[1][:, 1]
    assert (high - low) / 2 == pytest.approx(8**0.5)
    (level,) = [
        line
        for line in axes.lines
        if to_hex(line.get_color()) == to_hex('0.4')
    ]
    assert set(level.get_ydata()) == {10}
    assert [t.get_text() for t in axes.get_legend().get_texts()] == [
        'the prior',
        'label-free',
        'share',
    ]
    assert [t.get_text() for t in axes.get_xticklabels()] == ['10', '100']
    assert axes.get_xscale() == 'log' and axes.get_ylabel() == 'mAP'
    assert axes.get_title() == 'The title'


def test_differences_and_results_of_other_studies(make_results):
    plot = dict(
        PLOT,
        kind='differences',
        series={'gain': [(10, 'one', 'full'), (100, 'free', 'full')]},
        points={'elsewhere': (50, -3.5)},
        levels={},
    )
    axes = make_figure(plot, make_results).axes[0]
    (gain,) = axes.containers
    assert gain.lines[0].get_xydata().tolist() == [[10, -20], [100, -8]]
    assert [[50, -3.5]] in [a.get_xydata().tolist() for a in axes.lines]
    labels = {t.get_text() for t in axes.get_legend().get_texts()}
    assert labels == {'gain', 'elsewhere'}


def test_differences_of_paired_draws_have_columns(make_results):
    differences = dict(
        free=dict(AP_role_s1=1.25, AP_role_s1_low=-0.5, AP_role_s1_high=3.0)
    )
    lines = StudyTable(
        Study(), 'all', make_results, ['free', 'full'], differences
    ).markdown()
    head, _, free, full = lines.splitlines()
    assert head.endswith('| of full | S1, difference | from | to |')
    assert free.endswith('| 0.80 | +1.2 | -0.5 | +3.0 |')
    assert full.endswith('| 1.00 |  |  |  |')


@pytest.mark.parametrize(
    'kind, begin', [('svg', b'<?xml'), ('png', b'\x89PNG')]
)
def test_the_same_metrics_give_the_same_file(
    make_results, tmp_path, kind, begin
):
    plot = dict(PLOT, file=f'a.{kind}')
    paths = [tmp_path / name / f'a.{kind}' for name in ('one', 'two', 'three')]
    for path in paths[:2]:
        draw_plot(plot, make_results, path)
    make_results['free'][0]['mAP'] = 36.0
    draw_plot(plot, make_results, paths[2])
    one, two, three = (path.read_bytes() for path in paths)
    assert one.startswith(begin) and len(one) < 100_000
    assert one == two and one != three


def test_missing_rows(make_results):
    assert missing_rows(PLOT, make_results) == []
    plot = dict(PLOT, series={'a': [(1, 'later'), (2, 'free', 'gone')]})
    assert missing_rows(plot, make_results) == ['later', 'gone']
