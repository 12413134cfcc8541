# SPDX-License-Identifier: MIT
"""The Xen with 3-level event channels: built from Debian's source package, with what is in tests/xen/xen-3l.

    build/cache/3l/source/       the package's files, as Debian's archive has them
    build/cache/3l/TARGET-KEY    the hypervisor; the key has everything it is made of

Nothing of Xen is in our tree. Debian's own patches are left out: they concern packaging.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tarfile

from . import debian, hooks, paths
from .apt import Apt
from .errors import LabError
from .lock import locked

# What can be built -> its architecture as Xen calls it, the compiler's prefix, prepare's group.
TARGETS = {debian.XEN_3L: ('x86_64', '', 'xen'),
           f'{debian.XEN_3L}-arm64': ('arm64', 'aarch64-linux-gnu-', 'xen-arm64')}

_RECIPE = 1                     # raise it when the way it is built changes
_OURS = paths.XEN_TESTS / 'xen-3l'
_HEADER = paths.ROOT / 'include/xenlet/abi/event_channel_3l.h'
_PLACES = {_OURS / 'event_3l.c': 'xen/common', _OURS / 'event_3l.h': 'xen/common', _HEADER: 'xen/include/public'}
_PARTS = ('xen/', 'config/', 'Config.mk')       # of the source, all that a hypervisor needs
_CACHE = paths.CACHE / '3l'
_KEPT = 4                       # of one target: other branches may be in use too


def _tarball(folder):
    found = sorted(folder.glob(f'{debian.SOURCE}_{debian.BASE_OF_3L}*.orig.tar.xz'))
    return found[-1] if found else None


def _source(progress):
    """The archive with Xen's source, fetched if it is not there yet."""
    folder = _CACHE / 'source'
    if tarball := _tarball(folder):
        return tarball
    suite = debian.SUITE_OF_XEN[debian.BASE_OF_3L]
    part = _CACHE / 'source.part'
    try:
        version = Apt(suite, progress, 'deb-src').download_source(debian.SOURCE, part)
        if not _tarball(part):
            raise LabError(f'{debian.SOURCE} {version} is no Xen {debian.BASE_OF_3L}')
    except LabError as error:
        raise LabError(
            f'{error}\nXen {debian.XEN_3L} is built from the source package {debian.SOURCE} of Debian {suite}. Try '
            f'again when the archive can be reached, or put {debian.SOURCE}_{debian.BASE_OF_3L}...orig.tar.xz of '
            f'it into {paths.shown(folder)}; everything else works without.') from None
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    return _tarball(folder)


def _compiler(prefix):
    try:
        return subprocess.run([prefix + 'gcc', '--version'], capture_output=True, text=True).stdout.split('\n')[0]
    except FileNotFoundError:
        return 'none'


def _file(target, tarball):
    arch, prefix, _ = TARGETS[target]
    key = hashlib.sha256(f'{_RECIPE} {tarball.name} {arch} {_compiler(prefix)}'.encode())
    for file in (_OURS / 'config', _OURS / 'hooks', *_PLACES):
        key.update(file.name.encode() + b'\0' + file.read_bytes())
    return _CACHE / f'{target}-{key.hexdigest()[:16]}'


def _unpack(tarball, tree):
    with tarfile.open(tarball) as archive:
        if hasattr(tarfile, 'data_filter'):
            archive.extraction_filter = tarfile.data_filter
        for entry in archive:
            entry.name = entry.name.partition('/')[2]       # xen-4.17.5+72-.../
            if entry.name.startswith(_PARTS):
                archive.extract(entry, tree)


def _make(tree, target, log, *arguments):
    arch, prefix, _ = TARGETS[target]
    # Who built it, where and when is left out, so that the same input gives the same hypervisor.
    words = [f'XEN_TARGET_ARCH={arch}', f'CROSS_COMPILE={prefix}', 'XEN_VENDORVERSION=-3l', 'XEN_WHOAMI=xenlet',
             'XEN_DOMAIN=', 'XEN_BUILD_HOST=', 'XEN_BUILD_DATE=', 'XEN_BUILD_TIME=']
    environment = {k: v for k, v in os.environ.items() if k not in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'ARCH')}
    return subprocess.Popen(['make', '-C', tree / 'xen', *words, *arguments], stdin=subprocess.DEVNULL, stdout=log,
                            stderr=subprocess.STDOUT, env=dict(environment, LC_ALL='C.UTF-8'))


def _run(child, log, progress):
    """Wait for a step of the build, with a sign of life."""
    try:
        while True:
            try:
                if child.wait(timeout=10):
                    break
                return
            except subprocess.TimeoutExpired:
                done = len(re.findall(r'^  CC ', log.read_text(errors='replace'), re.M))
                progress.say(f'  {done} files compiled')
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()
    last = '\n'.join(log.read_text(errors='replace').splitlines()[-15:])
    raise LabError(f'Xen {debian.XEN_3L} cannot be built; the last lines of {paths.shown(log)}:\n{last}')


def _build(target, tarball, tree, progress):
    """The hypervisor, as a file in `tree`."""
    _unpack(tarball, tree)
    hooks.apply(hooks.parse((_OURS / 'hooks').read_text(), paths.shown(_OURS / 'hooks')), tree)
    for file, folder in _PLACES.items():
        shutil.copy(file, tree / folder)
    paths.LOG.mkdir(parents=True, exist_ok=True)
    log = paths.LOG / f'xen-{target}.log'
    with open(log, 'w') as out:
        _run(_make(tree, target, out, f'KCONFIG_ALLCONFIG={_OURS / "config"}', 'allnoconfig'), log, progress)
        _run(_make(tree, target, out, f'-j{os.cpu_count()}'), log, progress)
    return tree / 'xen' / 'xen'


def _drop_old(target):
    files = sorted(_CACHE.glob(f'{target}-' + '[0-9a-f]' * 16), key=lambda file: file.stat().st_mtime)
    for file in files[:-_KEPT]:
        file.unlink(missing_ok=True)


def get(progress, target=debian.XEN_3L):
    """The hypervisor `target`, built if it is not there yet."""
    tarball = _tarball(_CACHE / 'source')
    if tarball and (file := _file(target, tarball)).exists():
        os.utime(file)          # in use: the ones not used for long go first
        return file
    with locked(paths.CACHE / '3l.lock', progress):
        if subprocess.run([paths.XEN_TESTS / 'prepare', TARGETS[target][2]]).returncode:
            raise LabError(f'Xen {target} cannot be built without these packages')
        tarball = _source(progress)
        file = _file(target, tarball)
        if file.exists():
            return file
        progress.say(f'building Xen {target} of {tarball.name} (once, about a minute)')
        tree = _CACHE / f'tree.{os.getpid()}'
        try:
            _build(target, tarball, tree, progress).rename(file)
        finally:
            shutil.rmtree(tree, ignore_errors=True)
        _drop_old(target)
        progress.say(f'Xen {target} is ready')
    return file
