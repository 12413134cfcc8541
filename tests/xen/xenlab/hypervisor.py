# SPDX-License-Identifier: MIT
"""Which hypervisor to boot: a Debian version by its number, our own build, or anybody's file."""

import gzip
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from . import debian, fetch, paths, xen3l
from .errors import LabError


@dataclass
class Hypervisor:
    elf: Path           # what QEMU loads
    version: str        # whose toolstack goes with it
    folder: Path        # where that toolstack was fetched to
    name: str           # for people and file names


def _bootable(path):
    """The file as QEMU can boot it: unpacked, and kept under its content's name."""
    data = path.read_bytes()
    if data[:2] == b'\x1f\x8b':
        data = gzip.decompress(data)
        path = paths.CACHE / 'hypervisors' / (hashlib.sha256(data).hexdigest()[:16] + '.elf')
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f'.{os.getpid()}')
        part.write_bytes(data)
        part.rename(path)
    if data[:5] != b'\x7fELF\x01':
        raise LabError(f'{path.name} is not a Xen that boots: it is the file xen or xen.gz of a build, not xen-syms')
    return path.resolve()


def find(spec, tools, progress):
    """`spec` is 4.17, 4.20, 3l or a path; `tools` the toolstack's version for a path."""
    if spec in debian.SUITE_OF_XEN:
        folder = fetch.xen(spec, progress)
        return Hypervisor(folder / 'xen.elf', spec, folder, spec)
    if spec == debian.XEN_3L:
        return Hypervisor(xen3l.get(progress), debian.BASE_OF_3L, fetch.xen(debian.BASE_OF_3L, progress), spec)
    path = Path(spec)
    if not path.is_file():
        raise LabError(f'unknown Xen {spec!r}: it is one of {", ".join(debian.XENS)}, or a file')
    return Hypervisor(_bootable(path), tools, fetch.xen(tools, progress), path.name)
