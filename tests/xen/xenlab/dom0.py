# SPDX-License-Identifier: MIT
"""A machine with Xen, Linux as dom0 and the toolstack; we talk to the agent in it."""

import io
import json
import tarfile

from . import dom0image, shim
from .errors import DeadlinePassed, LabError, MachineEnded, SnapshotBroken
from .machine import XEN_ARGUMENTS, Machine, plugin_arguments

SLOTS = 4                       # consoles of domUs that can be followed at once
_BLOCK = 64 << 10               # the unit of the agent's `load`
_DISK = 256 << 20               # the size is part of a snapshot
_BOOT, _RESUME = 300, 60        # seconds a slow machine may take; the guests' deadline comes after
_FIRST_BLOCK = 16               # Linux reads the first blocks itself, looking for partitions


def arguments(options, memory):
    """QEMU's arguments; a snapshot fits exactly these."""
    xen = f'{XEN_ARGUMENTS} dom0_mem=256M dom0_max_vcpus=1 '
    xen += f'{shim.XEN_ARGUMENTS} {options.xen_args}' if options.pvshim else options.xen_args
    ports = ['-device', 'virtio-serial-pci,max_ports=8']
    for name in ('control', *(f'console.{slot}' for slot in range(SLOTS))):
        ports += ['-device', f'virtserialport,chardev={name},name=xenlab.{name}']
    return ['-accel', options.accel, '-cpu', options.cpu, '-smp', str(options.cpus), '-m', str(memory),
            '-nodefaults', '-display', 'none', '-no-reboot', '-serial', 'chardev:com1',
            '-mon', 'chardev=qmp,mode=control',
            '-kernel', 'xen', '-append', xen.strip(), '-initrd', 'linux console=hvc0,dom0',
            '-drive', 'if=virtio,format=raw,readonly=on,file=disk', *ports, *options.qemu_args.split()]


class Dom0:
    """`on_message(verb, rest)` gets what the agent says; `on_xen(line)` Xen's console."""

    def __init__(self, hypervisor, folder, log, progress, on_xen=None, on_message=None):
        self.machine = Machine(folder.path, log, _BOOT)
        self.folder, self.log = folder, log
        self._on_xen = on_xen or (lambda line: None)
        self._on_message = on_message or (lambda verb, rest: None)
        self.ready = False
        self.failure = None
        self._loads = self._loaded = 0
        self._next_block = _FIRST_BLOCK
        self._replies = []
        folder.link('xen', hypervisor.elf)
        folder.link('linux', hypervisor.folder / 'vmlinux')
        folder.link('dom0', dom0image.image(hypervisor.folder, hypervisor.version, progress))
        with open(folder.path / 'disk', 'wb') as disk:
            disk.truncate(_DISK)
        self.machine.channel('com1', self._serial_line)
        self.machine.channel('control', self._message)
        self.machine.channel('qmp', self._reply)
        self.consoles = [None] * SLOTS       # (on_line, on_text) of who is shown there
        for slot in range(SLOTS):
            self.machine.channel(f'console.{slot}',
                                 lambda line, slot=slot: self._console(slot, 0, line),
                                 lambda text, slot=slot: self._console(slot, 1, text))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.machine.stop()

    def _serial_line(self, line):
        self.log.add('xen' if '(XEN)' in line else 'dom0', line)
        self._on_xen(line[max(line.find('(XEN)'), 0):])
        if '] FAILED: ' in line or 'Kernel panic' in line:
            self.failure = self.failure or line

    def _message(self, line):
        self.log.add('agent', line)
        verb, _, rest = line.partition(' ')
        if verb == 'ready':
            self.ready = True
        elif verb == 'loaded':
            self._loaded += 1
            if rest != '0':
                self.failure = 'dom0 cannot unpack the input files'
        self._on_message(verb, rest)

    def _console(self, slot, which, text):
        if self.consoles[slot]:
            self.consoles[slot][which](text)

    def wait(self, done, waiting_for):
        """Machine.wait(), ended early by a dom0 that says it failed."""
        try:
            self.machine.wait(lambda: done() or self.failure, waiting_for)
        except MachineEnded:
            last = ' / '.join(list(self.log.last['qemu'])[-1:] + list(self.log.last['xen'])[-1:])
            raise LabError(f'the machine ended while waiting for {waiting_for}: {last}') from None
        if self.failure and not done():
            raise LabError(f'dom0: {self.failure}')

    def boot(self, options, memory, plugin=()):
        """From power on to the toolstack."""
        self.machine.start([*arguments(options, memory), *plugin])
        try:
            self.wait(lambda: self.ready, "dom0's toolstack to come up")
        except DeadlinePassed as error:
            last = [line for source in ('xen', 'dom0', 'qemu') for line in list(self.log.last[source])[-8:]]
            raise LabError(f'{self.machine.deadline:g} s passed, waiting for {error.waiting_for}; '
                           'the last lines were:\n' + '\n'.join(last)) from None

    def resume(self, options, memory, snapshot):
        """From a snapshot that was taken when the toolstack was up."""
        self.folder.link('snapshot', snapshot)
        self.machine.allow(_RESUME)
        self.machine.start([*arguments(options, memory), *plugin_arguments(options), '-incoming', 'exec:cat snapshot'])
        try:
            self.command('ping')
            self.wait(lambda: self.ready, 'dom0 to answer')
        except (LabError, DeadlinePassed) as error:
            raise SnapshotBroken(f'the snapshot does not resume: {error}') from None

    # QEMU's own protocol, to take a snapshot.

    def _reply(self, line):
        message = json.loads(line)
        if 'return' in message or 'error' in message:
            self._replies.append(message)

    def qmp(self, command, **arguments):
        request = {'execute': command, 'arguments': arguments}
        self._replies.clear()
        self.machine.channels['qmp'].send(json.dumps(request).encode() + b'\n')
        self.machine.wait(lambda: self._replies, f"QEMU's answer to {command}")
        if 'error' in self._replies[0]:
            raise LabError(f'QEMU: {command}: {self._replies[0]["error"]["desc"]}')
        return self._replies[0]['return']

    # The agent.

    def command(self, text):
        self.machine.channels['control'].send(text.encode() + b'\n')

    def load(self, files):
        """Put files ({name: bytes}) into dom0's /t. Each load uses new blocks of
        the disk, for Linux remembers those it has read."""
        memory = io.BytesIO()
        with tarfile.open(fileobj=memory, mode='w', format=tarfile.USTAR_FORMAT) as archive:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o755
                archive.addfile(entry, io.BytesIO(content))
        data = memory.getvalue()
        blocks = -(-len(data) // _BLOCK)
        if (self._next_block + blocks) * _BLOCK > _DISK:
            raise LabError(f'the input files do not fit the {_DISK >> 20} MB disk of the lab')
        with open(self.folder.path / 'disk', 'r+b') as disk:
            disk.seek(self._next_block * _BLOCK)
            disk.write(data)
        self.command(f'load {self._next_block} {blocks}')
        self._next_block += blocks
        self._loads += 1
        self.wait(lambda: self._loaded == self._loads, 'dom0 to read the input files')

    def send_input(self, slot, data):
        self.machine.channels[f'console.{slot}'].send(data)
