# SPDX-License-Identifier: MIT
"""The skips that are meant to be: tests/xen/expected-skips."""

import fnmatch
import re

from . import paths
from .errors import LabError

FILE = paths.XEN_TESTS / 'expected-skips'


def read(file=FILE):
    """[(place, pattern)]; a line is `place test-name-pattern reason...`."""
    expected = []
    for number, line in enumerate(file.read_text().splitlines(), 1):
        words = line.split(None, 2)
        if not words or words[0].startswith('#'):
            continue
        if len(words) < 3 or words[0].split('/')[0] not in ('bare', 'whole', 'shim', 'model', 'arm64', '*'):
            raise LabError(f'{paths.shown(file)}:{number}: expected '
                           '"bare|whole|shim|model|arm64|*[/abi[/vcpus[/xen]]] test-name reason"')
        expected.append((words[0], words[1]))
    return expected


def _place(world, lines):
    """world/abi/vcpus/xen, the last three as the suite says them at its beginning; xen is stock or 3l."""
    said = re.search(r'(\d+) VCPUs, event channels (\w+)( of a Xen with 3l)?', '\n'.join(lines))
    return (world, said[2], said[1], '3l' if said[3] else 'stock') if said else (world, '', '', '')


def _covers(where, place):
    """Whether a place of the file, which may leave out the end, covers the one of a run."""
    return all(fnmatch.fnmatchcase(is_, meant) for is_, meant in zip(place, where.split('/')))


def unexpected(world, console_lines, skipped, expected=None):
    """Those of the console's (test, reason) pairs that the file does not list."""
    expected = read() if expected is None else expected
    place = _place(world, console_lines)
    return [(test, reason) for test, reason in skipped
            if not any(_covers(where, place) and fnmatch.fnmatchcase(test, pattern)
                       for where, pattern in expected)]
