# SPDX-License-Identifier: MIT
"""Which hypervisor to boot: a Debian version by its number, or anybody's own file."""

import gzip
from dataclasses import dataclass
from pathlib import Path

from . import debian, fetch, paths
from .elf import Elf
from .errors import LabError


@dataclass
class Hypervisor:
    elf: Path           # what QEMU loads
    version: str        # whose toolstack goes with it
    folder: Path        # where that toolstack was fetched to
    name: str           # for people and file names


def find(spec, tools, progress):
    """`spec` is 4.17, 4.20 or a path; `tools` the toolstack's version for a path."""
    if spec in debian.SUITE_OF_XEN:
        folder = fetch.xen(spec, progress)
        return Hypervisor(folder / 'xen.elf', spec, folder, spec)
    path = Path(spec)
    if not path.exists():
        debian.suite_of(spec) if '/' not in spec else None
        raise LabError(f'no such hypervisor: {spec}')
    folder = fetch.xen(tools, progress)
    data = path.read_bytes()
    if data[:2] == b'\x1f\x8b':
        unpacked = paths.BUILD / 'run' / f'{path.name}.elf'
        unpacked.parent.mkdir(parents=True, exist_ok=True)
        unpacked.write_bytes(gzip.decompress(data))
        path = unpacked
    Elf(path)
    return Hypervisor(path.resolve(), tools, folder, path.name)
