# SPDX-License-Identifier: MIT
"""Errors that a person can act on: printed as one message, never as a traceback."""


class LabError(Exception):
    """Something outside the guest is wrong: a missing file, a package, QEMU itself."""


class SnapshotBroken(LabError):
    """A snapshot that QEMU does not resume: cut short by a full disk, say."""


class DeadlinePassed(Exception):
    """The run took longer than it may; `waiting_for` says what was still missing."""

    def __init__(self, waiting_for):
        super().__init__(waiting_for)
        self.waiting_for = waiting_for


class MachineEnded(Exception):
    """QEMU ended while something was still expected of it."""
