# SPDX-License-Identifier: MIT
"""The judgement on one guest: from what it printed, how it ended and what Xen said."""

from dataclasses import dataclass, field

from . import skips, xenreport
from .outcome import Outcome


@dataclass
class Result:
    outcome: Outcome
    why: str
    console: object = None
    report: list = field(default_factory=list)      # lines to show: Xen's own report
    said: list = field(default_factory=list)        # by commands run in dom0
    log: object = None                              # the file with everything

    def as_dict(self):
        """For --json: what the suite and other programs need to know."""
        console = self.console
        return {'outcome': str(self.outcome), 'why': self.why, 'name': console.name,
                'passed': console.passed, 'failed': console.failed, 'skipped': console.skipped}

    def counts(self):
        if not self.console:
            return ''
        parts = [f'{self.console.passed} ok']
        if self.console.failed:
            parts.append(f'{len(self.console.failed)} FAIL')
        if self.console.skipped:
            parts.append(f'{len(self.console.skipped)} skip')
        return ', '.join(parts)


def crash(console, elf, report):
    """The guest crashed: by itself, or Xen ended it and `report` says how."""
    outcome, why = console.verdict()
    if report is None and outcome in (Outcome.FAILURE, Outcome.ERROR):
        # Its own way to say that it failed: main() returned non-zero.
        return Result(outcome, why, console)
    if report is None:
        return Result(Outcome.CRASH, 'the guest shut down with the reason crash', console)
    why = f'Xen ended the guest (VCPU {report.vcpu})'
    stack = xenreport.overflowed_stack(elf, report.rsp)
    if stack:
        why = f'stack overflow: {stack}; {why}'
    where = report.rip is not None and xenreport.function_at(elf, report.rip)
    if where:
        why += f' in {where}'
    return Result(Outcome.CRASH, why, console, report.lines)


def panic(console, report):
    return Result(Outcome.CRASH, 'Xen itself panicked', console, report.lines)


def ended(console, world, how, needs_verdict=True):
    """The guest ended in order (`how`: poweroff, reboot, ...): its verdict decides."""
    outcome, why = console.verdict()
    if outcome is None:
        if not needs_verdict:
            return Result(Outcome.SUCCESS, f'ended by {how}', console)
        return Result(Outcome.NO_VERDICT, f'{why} and ended by {how}', console)
    surprising = skips.unexpected(world, console.lines, console.skipped)
    if outcome is Outcome.SUCCESS and surprising:
        names = '; '.join(dict.fromkeys(f'{test}: {reason}' for test, reason in surprising))
        return Result(Outcome.UNEXPECTED_SKIP, f'not in expected-skips: {names}', console)
    return Result(outcome, why, console)


def timeout(console, deadline, waiting_for, log):
    """The deadline passed; a guest that never spoke is explained by Xen's last words."""
    last = [] if console.lines else list(log.last['xen'])
    return Result(Outcome.TIMEOUT, f'{deadline:g} s passed, waiting for {waiting_for}', console, last)
