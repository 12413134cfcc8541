# SPDX-License-Identifier: MIT
"""The initramfs of dom0: busybox, the toolstack with its libraries, our init and agent."""

import hashlib

from . import paths
from .cpio import Cpio
from .elf import Elf
from .errors import LabError
from .lock import locked

_TOOLS = ('xl', 'xenstored', 'xenconsoled', 'xenconsole', 'xen-init-dom0',
          'libxl-save-helper', 'lsevtchn', 'xen-diag', 'vchan-socket-proxy')
_TOOLS_ON_PATH = ('xl', 'xenconsole', 'vchan-socket-proxy')
_XENSTORE = ('read', 'write', 'ls', 'list', 'rm', 'chmod', 'exists', 'watch')
_FOLDERS = ('proc', 'sys', 'dev', 'tmp', 't', 'run/xen', 'run/xenstored', 'run/lock', 'var/lib/xen',
            'var/lib/xenstored', 'var/log/xen/console')
_LIBRARY_FOLDERS = ('usr/lib/x86_64-linux-gnu', 'lib/x86_64-linux-gnu', 'usr/lib64', 'lib64')
_LOADER = 'ld-linux-x86-64.so.2'
# pthread_cancel loads it by name; no program says that it needs it.
_LOADED_LATE = 'libgcc_s.so.1'


def _find(root, *names):
    for name in names:
        if (root / name).exists():
            return root / name
    raise LabError(f'{names[0]} is not in the packages unpacked in {paths.shown(root)}')


def _library(root, name):
    return _find(root, *(f'{folder}/{name}' for folder in _LIBRARY_FOLDERS))


def _libraries_of(root, programs):
    """Every library the programs load, found as the dynamic linker would."""
    found = {_LOADED_LATE: _library(root, _LOADED_LATE)}
    to_do = [*programs, found[_LOADED_LATE]]
    while to_do:
        for name in Elf(to_do.pop()).needed():
            if name not in found:
                found[name] = _library(root, name)
                to_do.append(found[name])
    found.pop(_LOADER, None)
    return found


def _build(folder, version):
    root, archive = folder / 'root', Cpio()
    for name in _FOLDERS:
        archive.folder(name)
    archive.link('var/run', '/run')
    archive.device('dev/console', 5, 1)

    archive.file('bin/busybox', _find(root, 'bin/busybox', 'usr/bin/busybox').read_bytes())
    tools = f'usr/lib/xen-{version}/bin'
    programs = [root / tools / name for name in _TOOLS if (root / tools / name).exists()]
    for program in programs:
        archive.file(f'{tools}/{program.name}', program.read_bytes())
    for name in _TOOLS_ON_PATH:
        archive.link(f'usr/sbin/{name}', f'/{tools}/{name}')

    xenstore = _find(root, 'usr/bin/xenstore')
    archive.file('usr/bin/xenstore', xenstore.read_bytes())
    for name in _XENSTORE:
        archive.link(f'usr/bin/xenstore-{name}', 'xenstore')

    for name, file in _libraries_of(root, [*programs, xenstore]).items():
        archive.file(f'lib/x86_64-linux-gnu/{name}', file.read_bytes())
    archive.file(f'lib64/{_LOADER}', _library(root, _LOADER).read_bytes())

    if (root / 'etc/xen/xl.conf').exists():
        archive.file('etc/xen/xl.conf', (root / 'etc/xen/xl.conf').read_bytes())
    for module in sorted((folder / 'modules').glob('*.ko')):
        archive.file(f'modules/{module.name}', module.read_bytes())
    for name in ('init', 'agent'):
        archive.file(name, (paths.XEN_TESTS / 'dom0' / name).read_bytes())
    return archive.bytes()


def _key(folder):
    """Changes whenever something that goes into the image does."""
    digest = hashlib.sha256((folder / 'fetched').read_bytes())
    for file in (paths.XEN_TESTS / 'dom0' / 'init', paths.XEN_TESTS / 'dom0' / 'agent',
                 paths.XEN_TESTS / 'xenlab' / 'dom0image.py'):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def image(folder, version, progress):
    """The dom0 image for the Xen fetched into `folder`, built if it is not there yet."""
    out = folder / f'dom0-{_key(folder)}.cpio'
    if out.exists():
        return out
    with locked(folder / 'dom0.lock', progress):
        if not out.exists():
            progress.say('building the dom0 image')
            for old in folder.glob('dom0-*.cpio'):
                old.unlink()
            part = out.with_suffix('.part')
            part.write_bytes(_build(folder, version))
            part.rename(out)
    return out
