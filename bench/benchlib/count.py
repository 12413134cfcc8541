# SPDX-License-Identifier: MIT
"""Boots the guest with the counting plugin, and puts together what both say."""

import re
import shlex
import statistics
import subprocess
import time
from pathlib import Path

from . import table

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / 'build' / 'bench'
# In the order of struct counts in bench/plugin/count.c.
FIELDS = ('instructions', 'locked', 'branches', 'indirect', 'fp', 'hypercalls', 'xen')
REPEAT = 5              # BENCH_REPEAT of bench/guest/bench.h; one more is not printed

# One thread runs all CPUs and time is what was executed: each run is the same.
_QEMU = '-icount shift=2,sleep=off -rtc base=2024-01-01T00:00:00,clock=vm'


class BenchError(Exception):
    """Nothing can be counted; the message says why."""


def run(command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f'{shlex.join(map(str, command))}:\n{(done.stderr or done.stdout)[-2000:]}')
    return done.stdout


def _plugin():
    """QEMU loads a plugin of the interface's version that it has: 1 up to 8, then 2 to 4."""
    version = re.search(r'version (\d+)\.', run(['qemu-system-x86_64', '--version']))
    if not version:
        raise BenchError('qemu-system-x86_64 --version does not say which it is')
    path, version = OUT / 'count.so', int(version.group(1))
    run(['gcc', '-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-Werror', '-fvisibility=hidden', f'-DQEMU_VERSION={version}',
         f'-DPLUGIN_VERSION={1 if version < 9 else 2}', 'bench/plugin/count.c', 'bench/plugin/decode.c', '-o', str(path)])
    return path


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
        results = {'compiler': self.compiler, 'boots': {}}
        table.write(self.image, OUT / 'table')
        for i, boot in enumerate(boots, 1):
            self.say(f'{i} of {len(boots)}: {boot.name}: {boot.abi}, {boot.vcpus} VCPUs, Xen {boot.xen}')
            said, lines = self.boot(boot, self.image, f'evtchn={boot.abi} {boot.rows}'.strip(), f'table={OUT}/table')
            results['boots'][boot.name] = rows(said, lines, boot.name) | {'entry-to-main': _entry_to_main(lines)}
        return results

    def boot(self, boot, image, cmdline, knows, *options):
        """What the guest said, and what the plugin wrote, which `knows` the image by this argument."""
        counts = OUT / f'{boot.name}.counts'
        memory = int(boot.memory.rstrip('M'))
        qemu = f'{_QEMU} -plugin {self.plugin},{knows},out={counts}'
        if memory > 256:
            qemu += f' -m {memory + 512}'
        log = f'bench-{boot.name}'
        run(['tests/xen/run', 'bare', str(image), '--xen', boot.xen, '--vcpus', str(boot.vcpus), '--mem', boot.memory,
             '--cmdline', cmdline, '--deadline', str(boot.seconds), '--log', log, '--qemu-args', qemu, '-q', *options])
        said = (ROOT / 'build' / 'log' / f'{log}.log').read_text(errors='replace')
        return said, counts.read_text().splitlines()


def _vector(numbers):
    return dict(zip(FIELDS, numbers))


def _regions(lines):
    """Each region with the upcalls in it."""
    upcalls, regions = {}, []
    for line in lines:
        what, cpu, *numbers = line.split()
        numbers = [int(n) for n in numbers]
        if what == 'upcall':
            upcalls.setdefault(cpu, []).append(numbers)
        elif what == 'region':
            regions.append((numbers, upcalls.pop(cpu, [])))
    return regions


def _entry_to_main(lines):
    """The boot VCPU's: the first that comes there."""
    return _vector([int(n) for n in next(line for line in lines if line.startswith('boot ')).split()[2:]])


def _row(samples, has_upcall):
    """The median of the samples, and how far they lie apart."""
    if has_upcall:
        samples = [[sum(n) for n in zip(*upcalls)] for _, upcalls in samples]
    else:
        samples = [numbers for numbers, _ in samples]
    median = [int(statistics.median(n)) for n in zip(*samples)]
    return _vector(median) | {'spread': max(s[0] for s in samples) - min(s[0] for s in samples)}


def rows(said, lines, name):
    """The rows that the guest named and the plugin counted, and the guest's own values."""
    named = [m.groups() for m in re.finditer(r'sample (\S+) (\S+) (\d+)', said)]
    regions = _regions(lines)
    if not named or len(named) % REPEAT or len(regions) != len(named) // REPEAT * (REPEAT + 1):
        raise BenchError(f'{name}: {len(named)} samples and {len(regions)} regions do not go together; '
                         f'see build/log/bench-{name}.log')
    result = {'rows': {}, 'values': {m.group(1): int(m.group(2)) for m in re.finditer(r'value (\S+) (\d+)', said)}}
    for i in range(len(named) // REPEAT):
        row, what, number = named[i * REPEAT]
        samples = regions[i * (REPEAT + 1) + 1:(i + 1) * (REPEAT + 1)]      # the first one warms up
        has_upcall = all(upcalls for _, upcalls in samples) and row != 'send-to-handler'
        result['rows'][f'{row} {number} {what}'] = _row(samples, has_upcall)
    _subtract(result['rows'])
    return result


def _subtract(rows):
    """From regions what the marks themselves take."""
    nothing = rows.pop('nothing 1 calls', None)
    for key, row in rows.items():
        if nothing and key.endswith(' 1 calls'):
            row['instructions'] -= nothing['instructions']
