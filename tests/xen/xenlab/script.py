# SPDX-License-Identifier: MIT
"""Scripted console input: a file of lines

    expect REGEX      wait until the guest has printed it (after the last match)
    send TEXT         write TEXT and an end of line; \\n, \\t, \\xNN are understood
    # a comment
"""

import re

from .errors import LabError

_CLOSE_LINE = '\n'


class Script:
    def __init__(self, text, name='script'):
        self._steps = []
        self._seen = ''
        self._channel = None
        for number, line in enumerate(text.splitlines(), 1):
            verb, _, rest = line.strip().partition(' ')
            if verb == 'expect':
                self._steps.append(('expect', re.compile(rest)))
            elif verb == 'send':
                self._steps.append(('send', rest.encode().decode('unicode_escape') + _CLOSE_LINE))
            elif verb and not verb.startswith('#'):
                raise LabError(f'{name}:{number}: expected "expect REGEX" or "send TEXT"')

    def attach(self, channel):
        """The channel to write to. A step is taken only once the console has spoken."""
        self._channel = channel

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
            else:
                self._channel.send(what.encode('latin-1', 'replace'))
            self._steps.pop(0)

    def done(self):
        return not self._steps

    def waiting_for(self):
        kind, what = self._steps[0]
        return f'the guest to print {what.pattern!r}' if kind == 'expect' else 'the guest to print anything'
