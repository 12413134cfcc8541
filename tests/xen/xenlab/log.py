# SPDX-License-Identifier: MIT
"""The log of one run: every line of every console, with the seconds since the start."""

import collections
import fcntl
import os

from . import paths
from .errors import LabError


class Log:
    def __init__(self, name, progress):
        paths.LOG.mkdir(parents=True, exist_ok=True)
        self.path, self._file = self._open(name)
        self.progress = progress
        self.last = collections.defaultdict(lambda: collections.deque(maxlen=20))

    @staticmethod
    def _open(name):
        """The log called `name`; another one when a run under way writes to that."""
        for path in (paths.LOG / f'{name}.log', paths.LOG / f'{name}-{os.getpid()}.log'):
            file = open(path, 'a', errors='replace')
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                continue
            file.truncate(0)
            return path, file
        raise LabError(f'the log {paths.shown(path)} is in use')

    def add(self, source, line):
        """A line that came out of `source`: qemu, xen, dom0, or a guest's name."""
        self.last[source].append(line)
        self._file.write(f'[{self.progress.seconds():9.3f}] {source} | {line}\n')
        self._file.flush()

    def close(self):
        self._file.close()
