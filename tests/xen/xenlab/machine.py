# SPDX-License-Identifier: MIT
"""One QEMU: its process, its character devices, its deadline.

Everything happens in one thread. Whoever wants something waits for it with
wait(); meanwhile the lines of all channels go to their callbacks.
"""

import ctypes
import os
import selectors
import signal
import subprocess
import time

from .channel import Channel
from .errors import DeadlinePassed, LabError, MachineEnded

QEMU = 'qemu-system-x86_64'
_PR_SET_PDEATHSIG = 1

# What every Xen of ours is told. Xen drops what its transmit buffer cannot take,
# so it gets a large one. It must not switch FPU contexts lazily: QEMU's emulated
# XSAVE does not trap when CR0.TS is set, and a guest would save another's registers.
# Its default scheduler, credit2, now and then leaves a VCPU that could run on its
# queue, out of credit, with every CPU idle ("idlers: 2" and the VCPU in RUNQ, by the
# debug key r), until some timer fires: seconds later, and for ever if there is none.
XEN_ARGUMENTS = 'console=com1 loglvl=all guest_loglvl=all serial_tx_buffer=1M spec-ctrl=eager-fpu sched=credit'


def plugin_arguments(options):
    return ['-plugin', options.plugin] if options.plugin else []


def qemu_version():
    try:
        return subprocess.run([QEMU, '--version'], capture_output=True, text=True).stdout.split('\n')[0]
    except FileNotFoundError:
        raise LabError(f'{QEMU} is not installed: its package is qemu-system-x86') from None


def _dies_with(parent):
    """For the child: a killed runner must not leave its QEMU behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


class Machine:
    def __init__(self, folder, log, deadline, qemu=QEMU):
        self.folder = folder
        self.qemu = qemu
        self.log = log
        self.allow(deadline)
        self.channels = {}
        self._selector = selectors.DefaultSelector()
        self._child = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def allow(self, seconds):
        """The deadline: what is waited for from now on has to come within so many seconds."""
        self.deadline = seconds
        self.ends_at = time.monotonic() + seconds

    def channel(self, name, on_line, on_text=None):
        """Add a character device before start(); its QEMU id is `name`."""
        channel = self.channels[name] = Channel(name, on_line, on_text)
        return channel

    def start(self, arguments):
        qemu = self.channel('qemu', lambda line: self.log.add('qemu', line))
        devices, inherited = [], []
        for name, channel in self.channels.items():
            if channel is not qemu:
                inherited.append(channel.theirs.fileno())
                devices += ['-chardev', f'socket,id={name},fd={inherited[-1]}']
        us = os.getpid()
        command = [self.qemu, *devices, *arguments]
        self.log.add('qemu', ' '.join(command))
        try:
            # Its own session: Ctrl-C is for us, and we end QEMU in order.
            self._child = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL,
                                           stdout=qemu.theirs, stderr=qemu.theirs,
                                           pass_fds=inherited, start_new_session=True,
                                           preexec_fn=lambda: _dies_with(us))
        except FileNotFoundError:
            raise LabError(f'{self.qemu} is not installed: its package is '
                           + ('qemu-system-x86' if self.qemu == QEMU else 'qemu-system-arm')) from None
        for channel in self.channels.values():
            channel.theirs.close()
            self._selector.register(channel.ours, selectors.EVENT_READ, channel)

    def running(self):
        return self._child is not None and self._child.poll() is None

    def _pump(self, timeout):
        for channel in self.channels.values():
            if channel.open:
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if channel.wants_to_write() else 0)
                self._selector.modify(channel.ours, events, channel)
        for key, events in self._selector.select(timeout):
            channel = key.data
            if events & selectors.EVENT_WRITE:
                channel.flush()
            if events & selectors.EVENT_READ:
                channel.read()
            if not channel.open:
                self._selector.unregister(channel.ours)

    def wait(self, done, waiting_for, seconds=None):
        """Serve the channels until done(). `waiting_for` completes "waiting for ...".

        With `seconds`, returns False after that time instead of failing.
        """
        soft_end = time.monotonic() + seconds if seconds is not None else None
        while not done():
            now = time.monotonic()
            if now >= self.ends_at:
                raise DeadlinePassed(waiting_for)
            if soft_end is not None and now >= soft_end:
                return False
            if not self.running():
                self._pump(0)
                if done():
                    break
                raise MachineEnded(waiting_for)
            self._pump(min(0.25, self.ends_at - now, (soft_end or self.ends_at) - now))
        return True

    def drain(self, seconds=0.0):
        """Serve the channels until nothing has come for `seconds`."""
        while self.running() and time.monotonic() < self.ends_at and self._selector.select(seconds):
            if not any(channel.open for channel in self.channels.values()):
                return
            self._pump(0)

    def stop(self):
        """End QEMU, our own child and nothing else, and take its last words."""
        if self.running():
            self._child.kill()
        if self._child:
            self._child.wait()
            for channel in self.channels.values():
                if channel.open:
                    channel.read()
                channel.end_line()
        for channel in self.channels.values():
            channel.close()
        self._selector.close()
        self._child = None
        self.channels = {}
