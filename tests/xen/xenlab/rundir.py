# SPDX-License-Identifier: MIT
"""A folder for one run, in which QEMU works.

QEMU splits some arguments at blanks and commas, so it only ever sees short names
in its own folder: links to files that may lie anywhere, under any name.
"""

import os
import shutil
import tempfile
from pathlib import Path

from . import paths


def _sweep():
    """Remove the folders of runs that were killed: their process is no more."""
    for folder in paths.RUN.iterdir():
        owner = folder.name.split('.')[-2:-1]
        if owner and owner[0].isdigit() and not os.path.exists(f'/proc/{owner[0]}'):
            shutil.rmtree(folder, ignore_errors=True)


class RunDir:
    def __init__(self, name):
        paths.RUN.mkdir(parents=True, exist_ok=True)
        _sweep()
        self.path = Path(tempfile.mkdtemp(prefix=f'{name}.{os.getpid()}.', dir=paths.RUN))

    def link(self, name, target):
        os.symlink(Path(target).resolve(), self.path / name)
        return name

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)
