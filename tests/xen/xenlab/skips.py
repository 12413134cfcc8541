# SPDX-License-Identifier: MIT
"""The skips that are meant to be: tests/xen/expected-skips."""

import fnmatch

from . import paths
from .errors import LabError

FILE = paths.XEN_TESTS / 'expected-skips'


def read(file=FILE):
    """[(world, pattern)]; a line is `world test-name-pattern reason...`."""
    expected = []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        words = line.split(None, 2)
        if not words or words[0].startswith('#'):
            continue
        if len(words) < 3 or words[0] not in ('bare', 'whole', '*'):
            raise LabError(f'{paths.shown(file)}:{number}: expected "bare|whole|* test-name reason"')
        expected.append((words[0], words[1]))
    return expected


def unexpected(world, skipped, expected=None):
    """Those of the console's (test, reason) pairs that the file does not list."""
    expected = read() if expected is None else expected
    return [(test, reason) for test, reason in skipped
            if not any(fnmatch.fnmatchcase(world, where) and fnmatch.fnmatchcase(test, pattern)
                       for where, pattern in expected)]
