# SPDX-License-Identifier: MIT
"""A copy of the sources to make mistakes in, and the tests that are run on it."""

import fcntl
import hashlib
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / 'build/mutants'
EXPLORE = 'build/host/explore/explore'
SUITE = 'build/host/plain/suite'
PROPS = 'build/host/plain/props'
UNIT = 'build/host/plain/unit'
ASAN = 'build/host/asan/unit'
DT = ('build/host/dt/read_test', 'build/host/dt/xenlet-dt')
GUEST = 'build/gcc/tests/suite.elf'


class Broken(Exception):
    pass


def _output(*command, **options):
    return subprocess.run(command, check=True, text=True, capture_output=True, **options).stdout


class Snapshot:
    """What git knows of, as it stands now: whatever becomes of the checkout meanwhile."""

    def __init__(self):
        names = _output('git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard', cwd=ROOT).split('\0')
        self.files = {n: (ROOT / n).read_bytes() for n in sorted(set(names)) if n and (ROOT / n).is_file()}
        self.modes = {n: (ROOT / n).stat().st_mode & 0o777 for n in self.files}

    def text(self, name):
        return self.files[name].decode()

    def digest(self):
        """Of all that a test's answer depends on."""
        whole = hashlib.sha256()
        for name, data in self.files.items():
            if not name.endswith(('.md', '.txt', '.patch')):
                whole.update(name.encode() + b'\0' + data + b'\0')
        return whole.hexdigest()[:16]


class Tree:
    """A snapshot, written out; its build directory is kept from one time to the next."""

    def __init__(self, snapshot, name):
        self.snapshot = snapshot
        self.path = BUILD / name
        (self.path / 'build').mkdir(parents=True, exist_ok=True)
        self.lock = open(BUILD / f'{name}.lock', 'w')
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Broken(f'another run of this has {self.path.relative_to(ROOT)}') from None
        for stamp in ('build/include/xen/.stamp', 'build/libfdt/.stamp'):
            if not (ROOT / stamp).exists():
                _output('make', '-s', stamp, cwd=ROOT)
        for shared in ('cache', 'include', 'libfdt'):
            if not (self.path / 'build' / shared).exists():
                (self.path / 'build' / shared).symlink_to(ROOT / 'build' / shared)
        for path in list(self.path.rglob('*')):
            name = str(path.relative_to(self.path))
            if not name.startswith('build') and path.is_file() and name not in snapshot.files:
                path.unlink()
        self.restore()

    def restore(self, names=None):
        """Only what differs is written: make compiles no more than it must."""
        for name in names or self.snapshot.files:
            data, copy = self.snapshot.files[name], self.path / name
            if copy.exists() and copy.read_bytes() == data:
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(data)
            copy.chmod(self.snapshot.modes[name])

    def apply(self, patch):
        done = subprocess.run(['patch', '-p1', '-s', '-f', '--no-backup-if-mismatch', '-r', '-'], cwd=self.path,
                              input=patch, text=True, capture_output=True)
        if done.returncode:
            self.restore()
            raise Broken(f'the patch does not apply: {done.stdout.strip().splitlines()[0]}')

    def write(self, name, text):
        (self.path / name).write_text(text)

    def make(self, *targets):
        # Warnings are for people: here a mistake may leave something unused.
        done = subprocess.run(['make', '-s', f'-j{os.cpu_count()}', 'HOST_WARNINGS=-w', 'WARNINGS=-w', *targets],
                              cwd=self.path, text=True, capture_output=True)
        if done.returncode:
            raise Broken('it does not compile: ' + next((line for line in done.stderr.splitlines() if 'rror' in line),
                                                        'make failed'))

    def commands(self, name, *targets):
        """What make would run for these targets if only `name` had changed: asking it takes longer than running it."""
        done = subprocess.run(['make', '-n', 'V=1', '-W', name, *targets], cwd=self.path, check=True, text=True,
                              capture_output=True)
        return done.stdout.splitlines()

    def shell(self, commands, seconds=300):
        """Whether all of them went well."""
        return subprocess.run(['sh', '-e'], cwd=self.path, input='\n'.join(commands) + '\n', text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=seconds).returncode == 0

    def run(self, *command, seconds=300, cpu=None):
        """Exit status (None: it had to be ended) and output; `cpu`: how many seconds of a processor's time it may have."""
        if cpu:
            command = ('prlimit', f'--cpu={cpu}', *command)
        process = subprocess.Popen(command, cwd=self.path, text=True, errors='replace', stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            output, _ = process.communicate(timeout=seconds)
            return None if process.returncode in (-9, -24) else process.returncode, output
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
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


def unit(work, name):
    """The unit tests."""
    work.make(UNIT)
    status, output = work.run(f'./{UNIT}', name, seconds=90)
    return _judge(status, output, 'FAIL')


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


TESTS = {f.__name__: f for f in (explore, contract, suite, unit, props, guest)}
