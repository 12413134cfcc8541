# SPDX-License-Identifier: MIT
"""World "dom0less": Debian's arm64 Xen boots several guests from one device tree, without any dom0.

The machine is QEMU's virt. Its own device tree, as QEMU describes it, is merged with a source that
adds /chosen: Xen's arguments, the domains, their modules. The modules themselves are put into memory
by QEMU, where the tree says.
"""

import subprocess

from . import debian, fetch, paths, xen3l
from .errors import DeadlinePassed, LabError, MachineEnded
from .lock import locked
from .log import Log
from .machine import Machine
from .rundir import RunDir

QEMU = 'qemu-system-aarch64'
GICS = (2, 3)
_PANIC = 'Panic on CPU'
_QUIET = 0.2            # a panic's report is complete when Xen is silent


CPU = 'cortex-a57'


def _machine(gic, cpus, more='', cpu=CPU):
    return ['-accel', 'tcg', '-machine', f'virt,virtualization=on,gic-version={gic}{more}', '-cpu', cpu,
            '-smp', str(cpus), '-m', '1024', '-nodefaults', '-display', 'none', '-no-reboot']


def _run(*command, **options):
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, **options).stdout
    except FileNotFoundError:
        package = 'device-tree-compiler' if command[0] == 'dtc' else 'qemu-system-arm'
        raise LabError(f'{command[0]} is not installed: its package is {package}') from None
    except subprocess.CalledProcessError as error:
        raise LabError(f'{" ".join(map(str, command))}:\n{error.stderr.strip()}') from None


def machine_tree(gic, cpus, progress):
    """The source of the machine's own device tree, made once."""
    version = _run(QEMU, '--version').split('\n')[0].split('version ')[-1].split()[0]
    file = paths.CACHE / 'dom0less' / f'virt-{version}-gic{gic}-{cpus}cpu.dts'
    with locked(paths.CACHE / 'dom0less.lock', progress):
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            blob = file.with_suffix('.dtb')
            _run(QEMU, *_machine(gic, cpus, f',dumpdtb={blob}'))
            text = _run('dtc', '-q', '-I', 'dtb', '-O', 'dts', blob)
            file.write_text(text)
    return file.read_text()


def system_tree(gic, cpus, source, folder, progress):
    """The flattened tree of a system: the machine's and `source`, a .dts file with /chosen."""
    ours = [line for line in source.read_text().splitlines() if line.strip() != '/dts-v1/;']
    merged = folder / 'system.dts'
    merged.write_text(machine_tree(gic, cpus, progress) + '\n'.join(ours) + '\n')
    _run('dtc', '-q', '-q', '-i', source.parent, '-I', 'dts', '-O', 'dtb', '-o', folder / 'system.dtb', merged)
    return folder / 'system.dtb'


class Boot:
    """What came of one boot."""

    def __init__(self):
        self.lines = []             # all that was said, Xen's prefix and all
        self.panic = False
        self.why = None             # why it ended otherwise than by `done`
        self.timed_out = False
        self.log = None


def boot(xen, gic, tree, modules, done, name, progress, deadline=30, cpus=2, cpu=CPU, quiet=0):
    """Boot `xen` with the flattened tree `tree` and `modules` ({address: file}), until done(lines), and nothing more
    has come for `quiet` seconds, or a panic."""
    result = Boot()
    result.log = log = Log(name, progress)
    folder = RunDir(name)

    def line(text):
        log.add('xen', text)
        result.lines.append(text)
        result.panic = result.panic or _PANIC in text

    arguments = [*_machine(gic, cpus, cpu=cpu), '-monitor', 'none', '-serial', 'chardev:serial',
                 '-kernel', folder.link('xen', xen), '-dtb', folder.link('tree', tree)]
    for number, (address, file) in enumerate(modules.items()):
        loaded = folder.link(f'module{number}', file)
        arguments += ['-device', f'loader,file={loaded},addr={address:#x},force-raw=on']
    try:
        with Machine(folder.path, log, deadline, QEMU) as machine:
            machine.channel('serial', line)
            machine.start(arguments)
            machine.wait(lambda: result.panic or done(result.lines), 'the guests')
            machine.drain(_QUIET if result.panic else quiet)
    except DeadlinePassed:
        result.why, result.timed_out = f'{deadline:g} s passed', True
    except MachineEnded:
        result.why = 'QEMU ended'
    finally:
        log.close()
        folder.remove()
    return result


def find_xen(version, progress):
    if version == debian.XEN_3L:
        return xen3l.get(progress, f'{version}-arm64')
    return fetch.arm64_xen(version, progress)
