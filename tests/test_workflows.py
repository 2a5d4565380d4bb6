"""GitHub workflows and templates: valid YAML, existing make targets."""

import re

import pytest
import yaml

from tests.data_utils import REPO

FOLDER = REPO / '.github'
WORKFLOWS = sorted((FOLDER / 'workflows').glob('*.yml'))
FORMS = sorted((FOLDER / 'ISSUE_TEMPLATE').glob('*.yml'))


def jobs():
    for path in WORKFLOWS:
        yield from yaml.safe_load(path.read_text())['jobs'].items()


def make_commands():
    for _, job in jobs():
        for step in job['steps']:
            for line in step.get('run', '').splitlines():
                assert line.startswith('make '), line
                yield line.split()[1:]


def test_workflow_targets_exist_in_the_makefile():
    rules = (REPO / 'Makefile').read_text()
    words = [word for command in make_commands() for word in command]
    targets = [word for word in words if '=' not in word]
    assert {'lint', 'test', 'docs'} <= set(targets)
    for target in targets:
        assert re.search(rf'^{target}:', rules, re.M), target


def test_every_supported_python_is_tested():
    pythons = dict(jobs())['test']['strategy']['matrix']['python']
    # The string 3.10, not the number 3.1.
    assert pythons == ['3.10', '3.11', '3.12', '3.13', '3.14']


@pytest.mark.parametrize('path', WORKFLOWS, ids=lambda path: path.name)
def test_workflow_is_read_only_and_actions_are_pinned(path):
    content = yaml.safe_load(path.read_text())
    assert content['permissions'] == {'contents': 'read'}
    for job in content['jobs'].values():
        assert job['timeout-minutes'] <= 60
        for step in job['steps']:
            assert re.fullmatch(
                r'actions/[\w-]+@v\d+', step.get('uses', 'actions/none@v0')
            )


@pytest.mark.parametrize('path', FORMS, ids=lambda path: path.name)
def test_issue_form_has_questions(path):
    form = yaml.safe_load(path.read_text())
    assert form['name'] and form['description']
    for field in form['body']:
        assert field['type'] == 'textarea' and field['attributes']['label']
