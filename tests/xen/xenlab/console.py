# SPDX-License-Identifier: MIT
"""What a guest says about itself: its test lines and its verdict."""

import re
from dataclasses import dataclass, field

from .outcome import Outcome, by_name

_TEST = re.compile(r'\s*(ok|skip|FAIL)\s+([\w./:-]*[\w./-])(?::\s*(.*)|\s*)$')
_VERDICT = re.compile(r'\s*Test result: (SUCCESS|SKIP|ERROR|FAILURE)\s*$')


@dataclass
class Console:
    """One guest's console. `name` is how the guest is called in messages."""

    name: str
    passed: int = 0
    failed: list = field(default_factory=list)       # (test, text)
    skipped: list = field(default_factory=list)      # (test, reason)
    verdicts: list = field(default_factory=list)
    late: list = field(default_factory=list)         # tests that ran after the verdict
    lines: list = field(default_factory=list)

    def add(self, line):
        self.lines.append(line)
        if found := _VERDICT.match(line):
            self.verdicts.append(by_name(found.group(1)))
        elif found := _TEST.match(line):
            kind, test, text = found.groups()
            if self.verdicts:
                self.late.append(test)
            if kind == 'ok':
                self.passed += 1
            else:
                (self.skipped if kind == 'skip' else self.failed).append((test, text or ''))

    def verdict(self):
        """(outcome, why) from what was printed alone; outcome None without a verdict."""
        if not self.verdicts:
            return None, 'it printed no verdict'
        if len(self.verdicts) > 1:
            return Outcome.ERROR, f'it printed {len(self.verdicts)} verdicts'
        if self.late:
            return Outcome.ERROR, f'its verdict was not the last line: {self.late[0]} came after it'
        outcome = self.verdicts[0]
        if self.failed:
            names = ', '.join(dict.fromkeys(test for test, _ in self.failed))
            if outcome is Outcome.SUCCESS:
                return Outcome.FAILURE, f'its verdict is SUCCESS but these failed: {names}'
            return outcome, f'failed: {names}'
        return outcome, 'by its own verdict'
