# SPDX-License-Identifier: MIT
"""Progress on the terminal: what is being done, and the seconds since the start."""

import sys
import time


class Progress:
    """Prints `[ 3.2s] text`; one clock for a whole command."""

    def __init__(self, quiet=False, out=None):
        self.start = time.monotonic()
        self.quiet = quiet
        self.out = out or sys.stdout
        self.colour = self.out.isatty()

    def seconds(self):
        return time.monotonic() - self.start

    def say(self, text):
        if not self.quiet:
            self._print(f'[{self.seconds():5.1f}s] {text}', '36')

    def guest(self, name, line):
        """A line of a guest's console, set apart from our own."""
        if not self.quiet:
            self._print(f'  {name} | {line}', None)

    def _print(self, text, colour):
        if self.colour and colour:
            text = f'\033[{colour}m{text}\033[0m'
        print(text, file=self.out, flush=True)
