# SPDX-License-Identifier: MIT
"""One domU of a run: its xl configuration and what has become of it."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from . import shim as pv_shim
from .console import Console
from .elf import Elf
from .errors import LabError
from .xenreport import XenWatch

# Xen's SHUTDOWN_* codes.
HOW = ('poweroff', 'reboot', 'suspend', 'crash', 'watchdog', 'soft reset')
_CREATED = re.compile(r'\(domid (\d+)\)')
_SHUT_DOWN = re.compile(r'Domain \d+ has shut down, reason code (\d+)')
_DEFAULT_MEMORY = 32            # MB
_SHIM_MEMORY = 64               # MB, the shim's own included
_XL_DEFAULT_MEMORY = 128        # MB, assumed of a user's file that does not say


def _quoted(text):
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"') + '"'


@dataclass
class DomU:
    name: str
    image: Path
    cmdline: Optional[str] = None
    vcpus: Optional[int] = None
    memory: Optional[int] = None                # MB
    max_event_channels: Optional[int] = None
    cfg: Optional[Path] = None                  # a user's own xl file
    script: object = None
    pvshim: bool = False                        # under the PV shim: see shim.py
    module: Optional[bytes] = None              # what is handed over beside the image

    slot: int = 0
    domid: Optional[int] = None
    how: Optional[str] = None                   # how it shut down, by xl's log
    ended: bool = False                         # xl is through with it
    closed: bool = False                        # its console has ended
    xl_lines: list = field(default_factory=list)
    shim: XenWatch = field(default_factory=XenWatch)    # what the shim says, on the guest's console

    def __post_init__(self):
        self.elf = Elf(self.image)
        self.console = Console(self.name)
        try:
            self._base = self.cfg.read_text() if self.cfg else ''
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, 'strerror', 'it is not text')
            raise LabError(f'cannot read the xl file {self.cfg}: {why}') from None

    def megabytes(self):
        """How much of the machine's memory it takes."""
        if self.memory is None and self.cfg:
            found = re.search(r'^\s*memory\s*=\s*"?(\d+)', self._base, re.M)
            return int(found.group(1)) if found else _XL_DEFAULT_MEMORY
        return self.memory or (_SHIM_MEMORY if self.pvshim else _DEFAULT_MEMORY)

    def configuration(self):
        """The file for xl. A user's file comes first: the last value of a key counts."""
        values = {
            'extra': self.cmdline and _quoted(self.cmdline),
            'vcpus': self.vcpus,
            'memory': self.memory if self.cfg else self.megabytes(),
            'max_event_channels': self.max_event_channels,
            'name': _quoted(self.name),
            'type': None if self.cfg else '"pv"',
            **(pv_shim.CONFIGURATION if self.pvshim else {}),
            'kernel': _quoted(f'/t/{self.name}.elf'),
            'ramdisk': _quoted(f'/t/{self.name}.module') if self.module else None,
            # One life for each run: a guest that reboots must not loop.
            **dict.fromkeys(('on_poweroff', 'on_reboot', 'on_crash', 'on_watchdog'), '"destroy"'),
        }
        lines = [f'{key} = {value}' for key, value in values.items() if value is not None]
        return self._base + '\n' + '\n'.join(lines) + '\n'

    def files(self):
        files = {f'{self.name}.elf': bytes(self.elf.data), f'{self.name}.cfg': self.configuration().encode()}
        return {**files, f'{self.name}.module': self.module} if self.module else files

    def xl_says(self, line):
        self.xl_lines.append(line)
        if found := _CREATED.search(line):       # also when it is restored, with another number
            self.domid = int(found.group(1))
        if found := _SHUT_DOWN.search(line):
            code = int(found.group(1))
            self.how = HOW[code] if code < len(HOW) else f'the unknown reason {code}'

    def over(self):
        return self.ended and (self.closed or self.domid is None)

    def waiting_for(self):
        if self.domid is None:
            return f'xl to create {self.name}'
        if self.script and not self.script.done():
            return self.script.waiting_for()
        if self.how:
            return f'xl to destroy {self.name}'
        if self.console.verdicts:
            return f'{self.name} to shut down after its verdict'
        return f"the verdict of {self.name}"
