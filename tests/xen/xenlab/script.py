# SPDX-License-Identifier: MIT
"""Scripted console input: a file of lines

    expect REGEX      wait until the guest has printed it (after the last match)
    send TEXT         write TEXT and an end of line; \\n, \\t, \\xNN are understood
    dom0 COMMAND      run a shell command in dom0; only where there is one
    again             begin with the first line again
    # a comment
"""

import re

from .errors import LabError

_CLOSE_LINE = '\n'


class Script:
    def __init__(self, text, name='script'):
        self._steps = []
        self._seen = ''
        self._channel = self._dom0 = None
        for number, line in enumerate(text.splitlines(), 1):
            verb, _, rest = line.strip().partition(' ')
            if verb == 'expect':
                self._steps.append(('expect', re.compile(rest)))
            elif verb == 'send':
                self._steps.append(('send', rest.encode().decode('unicode_escape') + _CLOSE_LINE))
            elif verb == 'dom0':
                self._steps.append(('dom0', rest))
            elif verb == 'again' and any(kind == 'expect' for kind, _ in self._steps):
                self._steps.append(('again', list(self._steps)))
            elif verb and not verb.startswith('#'):
                raise LabError(f'{name}:{number}: expected "expect REGEX", "send TEXT", "dom0 COMMAND" '
                               'or, after an expect, "again"')

    def attach(self, channel, dom0=None):
        """The channel to write to, and what runs a command in dom0. A step is taken only once the console has spoken."""
        self._channel, self._dom0 = channel, dom0
        if not dom0 and any(kind == 'dom0' for kind, _ in self._steps):
            raise LabError('the input script wants a command run in dom0, and there is no dom0 here')

    def text(self, text):
        """Feed what the console says, as it comes."""
        self._seen += text
        while self._steps:
            kind, what = self._steps[0]
            if kind == 'expect':
                found = what.search(self._seen)
                if not found:
                    return
                self._seen = self._seen[found.end():]
            elif kind == 'again':
                self._steps = [self._steps[0], *what, self._steps[0]]
            elif kind == 'dom0':
                self._dom0(what)
            else:
                self._channel.send(what.encode('latin-1', 'replace'))
            self._steps.pop(0)

    def done(self):
        return not self._steps

    def waiting_for(self):
        kind, what = self._steps[0]
        return f'the guest to print {what.pattern!r}' if kind == 'expect' else 'the guest to print anything'
