# SPDX-License-Identifier: MIT
"""Boots the guest with the counting plugin."""

import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

from . import samples, table

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / 'build' / 'bench'

# One thread runs all CPUs and time is what was executed: each run is the same.
_ICOUNT = '-icount shift=2,sleep=off -rtc base=2024-01-01T00:00:00,clock=vm'


class BenchError(Exception):
    """Nothing can be counted; the message says why."""


def run(command):
    """Its output. On a terminal the seconds are shown meanwhile."""
    try:
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError as error:
        raise BenchError(f'there is no {error.filename}: `make bench` installs what it needs') from None
    seconds = 0
    with child:
        while True:
            try:
                out, errors = child.communicate(timeout=1)
                break
            except subprocess.TimeoutExpired:
                seconds += 1
                if sys.stdout.isatty():
                    print(f'\r{seconds:8} s', end='\r', flush=True)
    if child.returncode:
        raise BenchError(f'{shlex.join(map(str, command))}:\n{(errors or out)[-2000:]}')
    return out


def _plugin():
    """QEMU loads a plugin of the interface's version that it has: 1 up to 8, then 2 to 4."""
    version = re.search(r'version (\d+)\.', run(['qemu-system-x86_64', '--version']))
    if not version:
        raise BenchError('qemu-system-x86_64 --version does not say which it is')
    path, version = OUT / 'count.so', int(version.group(1))
    run(['gcc', '-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-Werror', '-fvisibility=hidden', '-pthread',
         f'-DQEMU_VERSION={version}', f'-DPLUGIN_VERSION={1 if version < 9 else 2}', 'bench/plugin/count.c',
         'bench/plugin/decode.c', '-o', str(path)])
    return path


def _matched(name, match, *texts):
    try:
        return match(*texts)
    except samples.Mismatch as error:
        raise BenchError(f'{name}: {error}; see build/log/bench-{name}.log') from None


def rows(said, lines, name):
    """The rows that the guest named and the plugin counted, and the guest's own values."""
    return _matched(name, samples.match, said, lines)


def _together(boot, image):
    """Domains under xl, each on a CPU of its own, dom0 too."""
    script = OUT / 'pin.input'
    script.write_text('expect bench:\ndom0 xl vcpu-pin Domain-0 0 0\n')
    # In one thread, a CPU does not wait in Xen for a lock of another that the host has stopped.
    arguments = ['--accel', 'tcg,thread=single', '--cpus', str(len(boot.others) + 2), '--input', str(script)]
    for cpu, abi in enumerate((boot.abi, *boot.others), 1):
        path = OUT / f'cpu{cpu}.cfg'
        path.write_text(f'cpus = "{cpu}"\n')
        group = f'second={boot.others[0]} third={boot.others[1]}' if cpu == 1 else 'peer'
        arguments += ['--also', str(image)] if cpu > 1 else []
        # Without a number of VCPUs xl does not look at `cpus`.
        arguments += ['--vcpus', '1', '--name', f'domain{cpu}', '--cfg', str(path), '--cmdline', f'evtchn={abi} {group}']
    return arguments


class Counter:
    def __init__(self, cc):
        OUT.mkdir(parents=True, exist_ok=True)
        self.image = ROOT / 'build' / cc / 'bench.elf'
        if not self.image.exists():
            raise BenchError(f'{self.image.relative_to(ROOT)} is missing: make bench builds it')
        self.plugin = _plugin()
        self.compiler = run([cc, '--version']).splitlines()[0]
        self.start = time.monotonic()

    def say(self, text):
        print(f'[{time.monotonic() - self.start:6.1f}s] {text}', flush=True)

    def run(self, boots):
        results = {'compiler': self.compiler, 'boots': {}, 'wall': {}}
        table.write(self.image, OUT / 'table')
        for i, boot in enumerate(boots, 1):
            self.say(f'{i} of {len(boots)}: {boot.name}: {", ".join((boot.abi, *boot.others))}, {boot.vcpus} VCPUs, '
                     f'Xen {boot.xen}' + ('' if boot.counted else ', wall time'))
            if boot.counted:
                results['boots'][boot.name] = self._counted(boot)
            else:
                said = self._run(boot, 'bare', self.image, ['--cmdline', f'evtchn={boot.abi} wall', '--vcpus', '1'])
                results['wall'][boot.abi] = _matched(boot.name, samples.wall, said)
        return results

    def _run(self, boot, world, image, arguments):
        """What the guest said."""
        log = f'bench-{boot.name}'
        run(['tests/xen/run', world, str(image), '--xen', boot.xen, '--deadline', str(boot.seconds), '--log', log, '-q',
             *arguments])
        return (ROOT / 'build' / 'log' / f'{log}.log').read_text(errors='replace')

    def boot(self, boot, image, cmdline, knows, *options):
        """What the guest said, and what the plugin wrote, which `knows` the image by this argument."""
        counts = OUT / f'{boot.name}.counts'
        memory = int(boot.memory.rstrip('M'))
        # Before any --also.
        arguments = ['--plugin', f'{self.plugin},{knows},out={counts}']
        if boot.others:     # resumed from a snapshot, which is not possible with -icount
            arguments += _together(boot, image)
        else:
            qemu = _ICOUNT + (f' -m {memory + 512}' if memory > 256 else '')
            # A VCPU stays where it is: what its CPU executes is its.
            arguments += ['--vcpus', str(boot.vcpus), '--mem', boot.memory, '--cmdline', cmdline, '--qemu-args', qemu,
                          '--xen-args', 'dom0_vcpus_pin']
        said = self._run(boot, 'xl' if boot.others else 'bare', image, [*arguments, *options])
        return said, counts.read_text().splitlines()

    def _counted(self, boot):
        said, lines = self.boot(boot, self.image, f'evtchn={boot.abi} {boot.rows}'.strip(), f'table={OUT}/table')
        mains = dict(zip((boot.abi, *boot.others), samples.entries_to_main(lines)))
        return rows(said, lines, boot.name) | {'abi': boot.abi, 'entry-to-main': mains}
