"""Version and source of torch: the variable ``TORCH``."""

import hashlib
import json
import platform
import re
from pathlib import Path
from typing import Dict, List, Optional

from environment import Environment
from messages import fail

NAMES = ('torch', 'torchvision')
CUDA = re.compile(r'(nvidia|cuda)-|(pytorch-)?triton')
VERSION = re.compile(r'\d+(\.\d+)*((a|b|rc)\d+)?(\+[\w.]+)?')


def is_cuda(name: str) -> bool:
    """Check for a distribution that only torch with CUDA needs."""
    return CUDA.match(name) is not None


class TorchChoice:
    """Choice of an environment's torch, stored in its file ``.torch``.

    Args:
        venv (Environment): The environment.
        lock (dict): All pins of the row by name.
        given (str): The user's ``TORCH``: a version, the URL of an index, a
            folder of wheels, 'lock' for the lock's torch, or '' for the
            previous choice (in a new environment the lock's).
    """

    def __init__(
        self, venv: Environment, lock: Dict[str, str], given: str
    ) -> None:
        self.venv = venv
        self.lock = lock
        self.given = given
        self.path = venv.folder / '.torch'
        memory = {'source': '', 'pins': {name: lock[name] for name in NAMES}}
        self.differs = self.path.is_file()  # differs from the lock
        if self.differs and given != 'lock':
            memory = json.loads(self.path.read_text())
        self.pins = memory['pins']
        self.source = memory['source']  # hash: URLs may have passwords
        self.is_new = False
        if given not in ('', 'lock'):
            self.source = hashlib.sha256(given.encode()).hexdigest()
            self.is_new = self.source != memory['source']
        self._check_given()

    def _check_given(self) -> None:
        given = self.given
        self.folder: Optional[Path] = None
        if given in ('', 'lock') or '://' in given or VERSION.fullmatch(given):
            return
        self.folder = Path(given).expanduser().absolute()
        # Other builds of torchvision do not load with a CPU build.
        if not all(list(self.folder.glob(f'{name}-*.whl')) for name in NAMES):
            fail(
                f'TORCH={given} is neither a version, nor an index such as '
                'https://..., nor a folder with wheels of torch and '
                'torchvision of one build; correct it.'
            )

    def install(self) -> None:
        """Install torch, torchvision and their CUDA packages."""
        if self.is_new:
            self._install_given()
            have = self.venv.distributions()
            self.pins = {name: f'{name}=={have[name]}' for name in NAMES}
            memory = {'source': self.source, 'pins': self.pins}
            self.path.write_text(json.dumps(memory))
        elif self.given == 'lock' and self.differs:
            self.venv.pip_install(
                '--no-deps', '--force-reinstall', *self.pins.values(), total=2
            )
            self.path.unlink()
        else:
            self.venv.pip_install_missing(self.pins)
        if not (self.is_new and VERSION.fullmatch(self.given)):
            self._install_cuda()  # otherwise pip has resolved it

    def _install_given(self) -> None:
        if '://' in self.given:
            self.venv.pip_install(
                '--no-deps',
                '--force-reinstall',
                f'--index-url={self.given}',
                *(self.lock[name] for name in NAMES),
                total=2,
            )
        elif self.folder:
            self.venv.pip_install(
                '--no-deps',
                '--force-reinstall',
                '--no-index',
                f'--find-links={self.folder}',
                *NAMES,
                total=2,
            )
        else:
            self._resolve(self.given)

    def _resolve(self, version: str, *torchvision: str) -> None:
        """Let pip resolve torch's dependencies under the lock's pins."""
        constraints = self.venv.folder / '.constraints.txt'
        constraints.write_text(
            '\n'.join(
                pin
                for name, pin in self.lock.items()
                if name not in NAMES and not is_cuda(name)
            )
        )
        where: List[str] = []
        if '://' in self.given:
            where = [f'--extra-index-url={self.given}']
        elif self.folder:
            where = [f'--find-links={self.folder}']
        self.venv.pip_install(
            *where,
            f'--constraint={constraints}',
            f'torch=={version}',
            *(torchvision or ['torchvision']),
            total=2,
        )

    def _install_cuda(self) -> None:
        """Install CUDA packages that torch's metadata requires."""
        required = required_cuda(self.venv.requirements('torch'))
        if not required:
            return
        pins = {name: p for name, p in self.lock.items() if is_cuda(name)}
        if all(
            name in pins and version in ('', pins[name].split('==')[1])
            for name, version in required.items()
        ):
            self.venv.pip_install_missing(pins)
        else:
            have = self.venv.distributions()
            self._resolve(have['torch'], f'torchvision=={have["torchvision"]}')


def required_cuda(lines: List[str]) -> Dict[str, str]:
    """List the CUDA packages that torch requires on this machine.

    Args:
        lines (list[str]): ``Requires-Dist`` lines of torch's metadata.

    Returns:
        dict[str, str]: Version by name; '' if not fixed.
    """
    machine = {
        'platform_machine': platform.machine(),
        'platform_system': platform.system(),
    }
    required = {}
    for line in lines:
        requirement, _, marker = line.partition(';')
        name = re.match(r'[\w.-]+', requirement).group()
        wanted = re.findall(r'(\w+) *== *["\']([^"\']*)["\']', marker)
        holds = all(machine.get(key) == value for key, value in wanted)
        if is_cuda(name) and holds:  # False for markers with "extra"
            fixed = re.search(r'==\s*([\w.]+)', requirement)
            required[name] = fixed.group(1) if fixed else ''
    return required
