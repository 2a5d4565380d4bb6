"""Commands in the documents exist and accept their options.

Each tool's own parser reads them; nothing is run.
"""

import importlib.util
import re
import runpy
import shlex
import shutil
import sys

import pytest

from tests.data_utils import REPO
from tests.test_docs.pages import DOCS, commands

# Commands of other projects are not checked.
OTHERS = {
    'cd',
    'curl',
    'export',
    'git',
    'hf',
    'mim',
    'pip',
    'source',
    'sudo',
    'tensorboard',
    'time',
    'vllm',
}
COMMANDS = commands()
TOOL = re.compile(
    r'(?:^|&& )(?:\S+/)?python (?:-u )?((?:tools|docs|projects)/\S+\.py)'
)


@pytest.fixture(scope='module')
def parsers():
    """Return each tool's parse_args(), loaded once."""
    known = {}

    def parse(tool, arguments):
        # Like Python: a tool may import its siblings, at once or for a sub-
        # command.
        sys.path[:] = [str((REPO / tool).parent), *path]
        if tool not in known:
            known[tool] = runpy.run_path(str(REPO / tool), run_name='docs')
        sys.argv = [tool, *arguments]
        if 'parse_args' in known[tool]:
            known[tool]['parse_args']()
        else:
            # Model converters parse and convert in one step, and find no model
            # in an empty folder.
            with pytest.raises(SystemExit) as end:
                runpy.run_path(str(REPO / tool), run_name='__main__')
            assert end.value.code != 2

    argv, path = sys.argv, list(sys.path)
    yield parse
    sys.argv, sys.path[:] = argv, path


def words(command):
    """Split a command into words like a shell."""
    command = command.split(' | ')[0].split(' && ')[0]
    # [--option VALUE] is optional, "..." stands for more.
    command = re.sub(r'\[(--?\S+(?: [^\]]*)?)\]', r'\1', command)
    return [
        word for word in shlex.split(command, comments=True) if word != '...'
    ]


def test_there_are_commands():
    assert len(COMMANDS) > 80
    without = {path.name for path in DOCS} - {name for name, _ in COMMANDS}
    assert without <= {'index.md', 'detectors.md', 'results.md', 'speed.md'}


@pytest.mark.parametrize(
    'command', sorted({c for _, c in COMMANDS if TOOL.search(c)})
)
def test_tool_accepts_the_options(
    command, parsers, capsys, tmp_path, monkeypatch
):
    parts = words(command)
    while '=' in parts[0]:
        del parts[0]
    assert parts[0] == 'python'
    tool, arguments = parts[1], parts[2:]
    assert (REPO / tool).is_file(), f'{tool} does not exist'
    for part in arguments:
        if re.fullmatch(r'(configs|tools|projects)/[\w/]+\.\w+', part):
            assert (REPO / part).is_file(), f'{part} does not exist'
    # A tool mentioned in prose has no options to check.
    if not arguments:
        return
    monkeypatch.chdir(tmp_path)
    try:
        parsers(tool, arguments)
    except SystemExit as end:
        assert end.code != 2, capsys.readouterr().err


@pytest.mark.parametrize(
    'command', sorted({c for _, c in COMMANDS if not TOOL.search(c)})
)
def test_other_commands_exist(command):
    parts = words(command)
    while '=' in parts[0]:
        del parts[0]
    program = parts[0]
    if program == 'make':
        rules = (REPO / 'Makefile').read_text()
        for target in parts[1:]:
            if '=' not in target:
                assert re.search(rf'^{target}:', rules, re.M), target
    elif program.startswith('tools/'):
        assert (REPO / program).is_file()
        for part in parts[1:]:
            if part.startswith('configs/'):
                assert (REPO / part).is_file()
    elif program == 'pytest':
        for part in parts[1:]:
            if part.startswith('tests'):
                assert (REPO / part).exists()
    elif program == 'python' and parts[1] == '-m':
        check_module(parts[3] if parts[2] == 'pydoc' else parts[2])
    else:
        assert program in OTHERS, f'{command!r}: unknown program {program}'


def check_module(module):
    """Find a module, or that of a class."""
    while '.' in module and module.split('.')[-1][0].isupper():
        module = module.rpartition('.')[0]
    # spaCy is in the extra "captions", which tests do not need.
    assert module == 'spacy' or (
        importlib.util.find_spec(module) or shutil.which(module)
    )
