# SPDX-License-Identifier: MIT
"""Fetches what a run needs from Debian: Xen, its tools, the dom0 kernel, the headers.

Everything lands below build/cache/<version>, made once:

    xen.elf      the hypervisor
    vmlinux      the dom0 kernel, unpacked and stripped
    root/        the toolstack's packages, unpacked
    modules/     the kernel modules, numbered in the order they are loaded
    fetched      the stamp: what was fetched, and by which recipe
"""

import gzip
import hashlib
import shutil
import subprocess

from . import debian, modules, paths, vmlinux
from .apt import Apt
from .errors import LabError
from .lock import locked

_RECIPE = 1         # raise it when the way things are unpacked changes


def _recipe(packages):
    text = ' '.join([str(_RECIPE), *packages])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _stamped(stamp, recipe):
    return stamp.exists() and stamp.read_text().split()[:1] == [recipe]


def _unpack(deb, folder, only=None):
    """Unpack a package; `only` limits it to some folders, for large ones."""
    folder.mkdir(parents=True, exist_ok=True)
    if only is None:
        subprocess.run(['dpkg-deb', '-x', deb, folder], check=True)
        return
    archive = subprocess.Popen(['dpkg-deb', '--fsys-tarfile', deb], stdout=subprocess.PIPE)
    subprocess.run(['tar', '-x', '-C', folder, '--wildcards', *only], check=True, stdin=archive.stdout)
    archive.stdout.close()
    if archive.wait():
        raise LabError(f'{deb.name} cannot be unpacked')


def _one(folder, pattern):
    found = sorted(p for p in folder.glob(pattern) if p.is_file() and not p.is_symlink())
    if not found:
        raise LabError(f'no {pattern} in the packages unpacked in {paths.shown(folder)}')
    return found[-1]


def _unpack_kernel(deb, folder):
    tree = folder / 'kernel'
    _unpack(deb, tree, ['./boot/vmlinuz-*', *(f'*/kernel/{f}/*' for f in modules.FOLDERS)])
    vmlinux.extract(_one(tree, 'boot/vmlinuz-*'), folder / 'vmlinux')
    (folder / 'modules').mkdir()
    for number, (name, content) in enumerate(modules.in_order(tree)):
        (folder / 'modules' / f'{number:02}-{name}.ko').write_bytes(content)
    shutil.rmtree(tree)


def _unpack_all(debs, folder, progress):
    for name in ('root', 'modules', 'kernel'):
        shutil.rmtree(folder / name, ignore_errors=True)
    for deb in debs:
        if deb.name.startswith('linux-image-'):
            progress.say('unpacking the dom0 kernel')
            _unpack_kernel(deb, folder)
        else:
            _unpack(deb, folder / 'root')
    (folder / 'xen.elf').write_bytes(
        gzip.decompress(_one(folder / 'root', 'boot/xen-*.gz').read_bytes()))


def xen(version, progress):
    """The folder with everything of Xen `version`, fetched if it is not there yet."""
    suite = debian.suite_of(version)
    folder = paths.CACHE / version
    recipe = _recipe(debian.toolstack_packages(version))
    stamp = folder / 'fetched'
    if _stamped(stamp, recipe):
        return folder
    with locked(paths.CACHE / f'{suite}.lock', progress):
        if _stamped(stamp, recipe):
            return folder
        progress.say(f'fetching Xen {version} and its dom0 (once)')
        debs = Apt(suite, progress).download(
            lambda apt: [*debian.toolstack_packages(version), apt.kernel_package()],
            folder / 'packages')
        progress.say('unpacking')
        _unpack_all(debs, folder, progress)
        stamp.write_text('\n'.join([recipe, *(d.name for d in debs)]) + '\n')
        progress.say(f'Xen {version} is ready')
    return folder


def headers(progress):
    """Xen's public headers as build/include/xen: that folder alone, nothing beside it.

    They are those of the release the machine runs. Returns the stamp file.
    """
    suite = debian.host_suite()
    if suite not in debian.KNOWN_SUITES:
        suite = debian.KNOWN_SUITES[-1]
    folder = paths.CACHE / 'headers' / suite
    recipe = _recipe([debian.HEADERS])
    target = paths.BUILD / 'include' / 'xen'
    with locked(paths.CACHE / f'{suite}.lock', progress):
        if not _stamped(folder / 'fetched', recipe):
            debs = Apt(suite, progress).download(lambda apt: [debian.HEADERS], folder / 'packages')
            shutil.rmtree(folder / 'root', ignore_errors=True)
            _unpack(debs[0], folder / 'root', ['./usr/include/xen/*'])
            (folder / 'fetched').write_text(f'{recipe}\n{debs[0].name}\n')
        if not (target / '.stamp').exists():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(folder / 'root' / 'usr' / 'include' / 'xen', target)
            (target / '.stamp').touch()
    return target / '.stamp'
