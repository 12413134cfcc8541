# SPDX-License-Identifier: MIT
"""Runs a table of cases, some at once, and counts what came of them."""

import json
import re
import subprocess
import time

from . import paths

_TAIL = 25          # lines of a failed case's output that are shown
_TAIL_AGAIN = 5     # of them, those that the summary repeats


class _Running:
    """One case under way."""

    def __init__(self, case):
        self.case = case
        self.began = time.monotonic()
        name = f'{case.suite}-{case.name}'
        paths.LOG.mkdir(parents=True, exist_ok=True)
        self.output = paths.LOG / f'{name}.out'
        self.json = paths.LOG / f'{name}.json'
        self.json.unlink(missing_ok=True)
        command = list(case.command)
        if command[0] in ('tests/xen/run', 'tests/host/run'):
            command[2:2] = ['--log', name, '--json', str(self.json)]
        with open(self.output, 'w') as output:
            self.child = subprocess.Popen(command, cwd=paths.ROOT, stdin=subprocess.DEVNULL,
                                          stdout=output, stderr=subprocess.STDOUT)

    def seconds(self):
        return time.monotonic() - self.began

    def over(self):
        """Whether it has ended; ends it when it has taken too long."""
        if self.child.poll() is None and self.seconds() > self.case.seconds:
            self.end()
            with open(self.output, 'a') as output:
                output.write(f'ended after {self.case.seconds:g} s, the most this case may take\n')
        return self.child.poll() is not None

    def end(self):
        if self.child.poll() is None:
            self.child.terminate()          # it ends its QEMU in order
            try:
                self.child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


class _Verdict:
    """What came of a case: why it failed, if so, and its in-guest tests."""

    def __init__(self, running):
        case = running.case
        self.case, self.seconds, self.output = case, running.seconds(), running.output
        text = self.output.read_text(errors='replace')
        self.lines = text.splitlines()
        said = re.findall(r'^==> (?:[\w-]+: )?([A-Z ]+): ', text, re.M)
        self.outcome = said[0] if said else f'exit status {running.child.returncode}'
        self.why = None
        if running.child.returncode != case.status:
            self.why = f'exit status {running.child.returncode}, expected {case.status}'
        missing = [pattern for pattern in case.output if not re.search(pattern, text)]
        if missing and not self.why:
            self.why = f'its output does not match {missing[0]!r}'
        self.passed = self.failed = self.skipped = 0
        self.failures = []                  # the in-guest tests that failed, in words
        if case.guest_tests and running.json.exists():
            for result in json.loads(running.json.read_text()):
                self.failures += [f'FAIL {test}: {text}' for test, text in result['failed']]
                self.passed += result['passed']
                self.failed += len(result['failed'])
                self.skipped += len(result['skipped'])

    def counts(self):
        """The case itself is one test more, unless its failed tests already say so."""
        own_failure = self.why is not None and not self.failed
        return self.passed + (self.why is None), self.failed + own_failure, self.skipped


def _show(verdict, progress):
    case = verdict.case
    guest = f', {verdict.passed} ok, {verdict.skipped} skip' if case.guest_tests else ''
    word = 'ok  ' if verdict.why is None else 'FAIL'
    progress.say(f'{word} {case.suite}/{case.name}: {verdict.outcome}{guest} ({verdict.seconds:.1f} s)')
    if verdict.why:
        what = 'it says' if verdict.failures else f'the last lines of {paths.shown(verdict.output)}'
        print(f'       {verdict.why}; {what}:')
        for line in verdict.failures or verdict.lines[-_TAIL:]:
            print(f'       | {line}')
        log = paths.LOG / f'{case.suite}-{case.name}.log'
        if log.exists():
            print(f'       the whole log: {paths.shown(log)}', flush=True)


def _run_all(cases, jobs, progress):
    to_do, running = list(cases), []
    try:
        while to_do or running:
            while to_do and len(running) < jobs:
                running.append(_Running(to_do.pop(0)))
            for one in [r for r in running if r.over()]:
                running.remove(one)
                verdict = _Verdict(one)
                _show(verdict, progress)
                yield verdict
            time.sleep(0.02)
    finally:
        for one in running:
            one.end()


def run(cases, jobs, progress):
    """Run them all; returns the exit status."""
    progress.say(f'running {len(cases)} cases, {jobs} at once')
    verdicts = list(_run_all(cases, jobs, progress))
    for suite in dict.fromkeys(case.suite for case in cases):
        own = [v for v in verdicts if v.case.suite == suite]
        progress.say(f'suite {suite}: {len(own)} cases, {sum(v.seconds for v in own):.1f} s')
    bad = [v for v in verdicts if v.why]
    for verdict in bad:
        print(f'failed: {verdict.case.suite}/{verdict.case.name}: {verdict.why}')
        for line in (verdict.failures or verdict.lines)[-_TAIL_AGAIN:]:
            print(f'        | {line}')
    passed, failed, skipped = (sum(counts) for counts in zip(*(v.counts() for v in verdicts)))
    print(f'{passed} passed, {failed} failed, {skipped} skipped', flush=True)
    return 1 if bad or failed else 0
