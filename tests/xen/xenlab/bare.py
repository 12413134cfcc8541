# SPDX-License-Identifier: MIT
"""World "bare": Xen boots our image as its first domain, without any Linux."""

import re

from . import judge
from .console import Console
from .elf import Elf
from .errors import DeadlinePassed, MachineEnded
from .log import Log
from .machine import XEN_ARGUMENTS, Machine, plugin_arguments
from .rundir import RunDir
from .xenreport import XenWatch

# How Xen says that its first domain is no more, and what the domain had asked for.
_ENDED = re.compile(r'Hardware Dom0 (halted|shutdown|crashed|suspended|watchdog)( \(unknown reason \d+\))?')
_HOW = {'halted': 'poweroff', 'shutdown': 'reboot', 'crashed': 'crash', 'suspended': 'suspend'}
_FROM_XEN = re.compile(r'\(XEN\)|\(d0\)')
# A crash report follows its own announcement; it is complete when Xen is silent.
_QUIET = 0.3


class _Bare:
    """The one console that Xen and the guest share, taken apart line by line."""

    def __init__(self, log, progress, script):
        self.log, self.progress, self.script = log, progress, script
        self.console = Console('guest')
        self.xen = XenWatch()
        self.booted = False
        self.how = None

    def line(self, line):
        # Xen may speak in the middle of the guest's line.
        at = _FROM_XEN.search(line)
        ours, xens = (line[:at.start()], line[at.start():]) if at else (line, '')
        if xens:
            self._xen_line(xens)
        if ours and not self.booted:
            self.log.add('qemu', ours)      # the firmware's words
        elif ours or not xens:
            self.log.add('guest', ours)
            self.console.add(ours)
            self.progress.guest('guest', ours)

    def _xen_line(self, line):
        self.log.add('xen', line)
        self.xen.add(line)
        if 'Xen is relinquishing VGA console' in line or 'Serial input to DOM0' in line:
            self.booted = True
        if found := _ENDED.search(line):
            self.how = self.how or _HOW.get(found.group(1), found.group(1)) + (found.group(2) or '')

    def waiting_for(self):
        if not self.booted:
            return 'Xen to start the guest'
        if self.script and not self.script.done():
            return self.script.waiting_for()
        if self.console.verdicts:
            return 'the guest to shut down after its verdict'
        return "the guest's verdict"

    def crashed(self):
        return self.how == 'crash' or self.xen.panic

    def over(self):
        return self.how is not None or self.xen.panic


def _arguments(folder, hypervisor, image, options):
    guest = 'guest'
    if options.cmdline:
        guest += ' ' + options.cmdline.replace(',', ',,')
    folder.link('xen', hypervisor.elf)
    folder.link('guest', image)
    if options.module:
        guest += ',' + folder.link('module', options.module)
    xen = f'{XEN_ARGUMENTS} dom0_mem={options.mem} dom0_max_vcpus={options.vcpus} {options.xen_args}'
    return ['-accel', options.accel, '-cpu', options.cpu, '-smp', str(options.vcpus), '-m', '512',
            '-nodefaults', '-display', 'none', '-monitor', 'none', '-no-reboot',
            # The guest may use the second port and its interrupt.
            '-serial', 'chardev:com1', '-serial', 'null',
            '-kernel', 'xen', '-append', xen.strip(), '-initrd', guest, *options.qemu_args.split(),
            *plugin_arguments(options)]


def run(hypervisor, image, options, progress, script=None):
    """Boot `image` and judge it."""
    elf = Elf(image)
    log, folder = Log(options.log, progress), RunDir(options.log)
    try:
        result = _run(hypervisor, image, elf, options, progress, script, log, folder)
        result.log = log.path
        return result
    finally:
        log.close()
        folder.remove()


def _run(hypervisor, image, elf, options, progress, script, log, folder):
    state = _Bare(log, progress, script)
    with Machine(folder.path, log, options.deadline) as machine:
        serial = machine.channel('com1', state.line, script.text if script else None)
        if script:
            script.attach(serial)
        progress.say(f'booting Xen {hypervisor.name} with the guest as its first domain')
        machine.start(_arguments(folder, hypervisor, image, options))
        try:
            machine.wait(state.over, '')
        except DeadlinePassed:
            serial.end_line()
            return judge.timeout(state.console, options.deadline, state.waiting_for(), log)
        except MachineEnded:
            serial.end_line()
            if not state.over():
                # Xen reboots at once when the guest asks for it; QEMU then ends.
                state.how = 'a reset of the machine'
        machine.drain(_QUIET if state.crashed() else 0)
    if state.xen.panic:
        return judge.panic(state.console, state.xen.panic)
    if state.crashed():
        return judge.crash(state.console, elf, state.xen.of(0))
    return judge.ended(state.console, 'bare', state.how, options.needs_verdict)
