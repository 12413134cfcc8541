# SPDX-License-Identifier: MIT
"""The log of one run: every line of every console, with the seconds since the start."""

import collections

from . import paths


class Log:
    def __init__(self, name, progress):
        paths.LOG.mkdir(parents=True, exist_ok=True)
        self.path = paths.LOG / f'{name}.log'
        self.progress = progress
        self.last = collections.defaultdict(lambda: collections.deque(maxlen=20))
        self._file = open(self.path, 'w', errors='replace')

    def add(self, source, line):
        """A line that came out of `source`: qemu, xen, dom0, or a guest's name."""
        self.last[source].append(line)
        self._file.write(f'[{self.progress.seconds():9.3f}] {source} | {line}\n')
        self._file.flush()

    def close(self):
        self._file.close()
