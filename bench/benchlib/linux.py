# SPDX-License-Identifier: MIT
"""Linux as a dom0 that has nothing but busybox and our module of bench/linux, made of Debian's packages."""

import os
import re
import shutil
import sys

from .count import OUT, ROOT, BenchError, run

sys.path.insert(0, str(ROOT / 'tests' / 'xen'))
from xenlab.cpio import Cpio  # noqa: E402

_PACKAGES = ROOT / 'build' / 'cache' / 'linux'
_SOURCES = ROOT / 'bench' / 'linux'
_SAID = {'2l': 'Using 2-level ABI', 'fifo': 'Using FIFO-based ABI'}


class Linux:
    def __init__(self):
        if not (_PACKAGES / 'fetched').exists():
            raise BenchError('there is no Linux to measure: `tests/xen/fetch linux` fetches it, and `make bench` does that')
        self.release = (_PACKAGES / 'fetched').read_text().split()[1]
        self.name = 'Linux ' + re.match(r'\d+\.\d+', self.release)[0]
        self.initramfs = OUT / 'linux.cpio'
        self._write_initramfs(self._module())

    def _module(self):
        """Debian's makefile of the headers names /usr/src, where they are if they are installed: we go past it."""
        root, tree = _PACKAGES / 'root', OUT / 'linux'
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(_SOURCES, tree)
        common = root / 'usr/src' / f'linux-headers-{self.release.rpartition("-")[0]}-common'
        libraries = root / 'usr/lib/x86_64-linux-gnu'
        if re.search(r'[\s:]', str(tree)):
            raise BenchError(f'modules of Linux cannot be built below a folder with a blank or a colon in its name: {tree}')
        run(['env', '-u', 'MAKEFLAGS', '-u', 'MFLAGS', '-u', 'MAKELEVEL', '-u', 'ARCH', f'LD_LIBRARY_PATH={libraries}',
             'make', '-C', str(root / 'usr/src' / f'linux-headers-{self.release}'), '-f', str(common / 'Makefile'), f'M={tree}',
             'CC=gcc', 'modules'])
        return tree / 'xenlet_bench.ko'

    def _write_initramfs(self, module):
        archive = Cpio()
        archive.folder('proc')
        archive.device('dev/console', 5, 1)
        busybox = next(p for p in (_PACKAGES / 'root/bin/busybox', _PACKAGES / 'root/usr/bin/busybox') if p.exists())
        for name, file in (('bin/busybox', busybox), ('init', _SOURCES / 'init'), ('xenlet_bench.ko', module)):
            archive.file(name, file.read_bytes())
        self.initramfs.write_bytes(archive.bytes())

    def boot(self, counter, boot):
        """What it said, and what the plugin counted."""
        cmdline = f'console=hvc0 printk.time=0 xen.fifo_events={int(boot.abi == "fifo")} bench: {boot.rows}'
        said, lines = counter.boot(boot, os.path.relpath(_PACKAGES / 'vmlinux', ROOT), cmdline.strip(), 'decode=on',
                                   '--module', str(self.initramfs))
        if _SAID[boot.abi] not in said:
            raise BenchError(f'{boot.name}: Linux does not say "{_SAID[boot.abi]}"; see build/log/bench-{boot.name}.log')
        return said, lines
