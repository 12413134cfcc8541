# SPDX-License-Identifier: MIT
"""A copy of the sources to make mistakes in, and the tests that are run on it."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / 'build/mutants/tree'
EXPLORE = 'build/host/explore/explore'
SUITE = 'build/host/plain/suite'
PROPS = 'build/host/plain/props'
UNIT = 'build/host/plain/unit'
GUEST = 'build/gcc/tests/suite.elf'


class Broken(Exception):
    pass


def _output(*command, **options):
    return subprocess.run(command, check=True, text=True, capture_output=True, **options).stdout


class Tree:
    """What git knows of, as it stands; its build directory is kept from one time to the next."""

    def __init__(self):
        names = _output('git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard', cwd=ROOT).split('\0')
        self.names = [n for n in names if n and (ROOT / n).is_file()]
        WORK.mkdir(parents=True, exist_ok=True)
        (WORK / 'build').mkdir(exist_ok=True)
        if not (ROOT / 'build/include/xen/.stamp').exists():
            _output('make', '-s', 'build/include/xen/.stamp', cwd=ROOT)
        for shared in ('cache', 'include'):
            if not (WORK / 'build' / shared).exists():
                (WORK / 'build' / shared).symlink_to(ROOT / 'build' / shared)
        known = set(self.names)
        for path in list(WORK.rglob('*')):
            name = str(path.relative_to(WORK))
            if not name.startswith('build') and path.is_file() and name not in known:
                path.unlink()
        self.restore()

    def restore(self):
        """Only what differs is written: make compiles no more than it must."""
        for name in self.names:
            source, copy = ROOT / name, WORK / name
            data = source.read_bytes()
            if copy.exists() and copy.read_bytes() == data:
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(data)
            shutil.copymode(source, copy)

    def apply(self, patch):
        done = subprocess.run(['patch', '-p1', '-s', '-f', '--no-backup-if-mismatch', '-r', '-', '-i', patch], cwd=WORK,
                              text=True, capture_output=True)
        if done.returncode:
            self.restore()
            raise Broken(f'the patch does not apply: {done.stdout.strip().splitlines()[0]}')

    def write(self, name, text):
        (WORK / name).write_text(text)

    def make(self, *targets):
        # Warnings are for people: here a mistake may leave something unused.
        done = subprocess.run(['make', '-s', f'-j{os.cpu_count()}', 'HOST_WARNINGS=-w', 'WARNINGS=-w', *targets],
                              cwd=WORK, text=True, capture_output=True)
        if done.returncode:
            raise Broken('it does not compile: ' + next((line for line in done.stderr.splitlines() if 'rror' in line),
                                                        'make failed'))

    def run(self, *command, seconds=300):
        """Exit status (None: it had to be ended) and output."""
        process = subprocess.Popen(command, cwd=WORK, text=True, errors='replace', stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            output, _ = process.communicate(timeout=seconds)
            return process.returncode, output
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            return None, output


def _line(output, *starts):
    lines = [line for line in output.splitlines() if line.strip()]
    return next((line for start in starts for line in lines if line.startswith(start)), lines[-1] if lines else '')


def _judge(status, output, *starts):
    if status is None:
        return True, 'it does not end'
    return status != 0, _line(output, *starts)[:200]


def explore(work, scenarios, *more):
    """By the explorer alone: these scenarios, few pre-emptions first."""
    work.make(EXPLORE)
    status, output = work.run(f'./{EXPLORE}', '--hunt', '--states', '30000', *more, *scenarios.split())
    return _judge(status, output, 'FAIL')


def contract(work, scenario):
    """A program that breaks the contract of the API is told so."""
    work.make(EXPLORE)
    status, output = work.run(f'./{EXPLORE}', scenario)
    return status == 1, _line(output, 'FAIL')[:250]


def suite(work, cmdline):
    """The in-guest tests, on the model."""
    work.make(SUITE)
    status, output = work.run('tests/host/run', SUITE, '--cmdline', cmdline, '--deadline', '60', seconds=90)
    return _judge(status, output, 'FAIL', '==>')


def props(work, arguments):
    """The property tests."""
    work.make(PROPS)
    status, output = work.run(f'./{PROPS}', *arguments.split(), seconds=120)
    return _judge(status, output, 'FAIL')


def guest(work, cmdline):
    """The in-guest tests, on a real Xen, with two VCPUs."""
    work.make('CC_NAME=gcc', GUEST)
    status, output = work.run('tests/xen/run', 'bare', GUEST, '--vcpus', '2', '--cmdline', cmdline, '--deadline', '60',
                              seconds=300)
    return _judge(status, output, '==>')


TESTS = {f.__name__: f for f in (explore, contract, suite, props, guest)}
