# SPDX-License-Identifier: MIT
"""Fetches what a run needs from Debian: Xen, its tools, the dom0 kernel, the headers, libfdt.

Everything lands below build/cache/<version>, made once:

    xen.elf      the hypervisor
    vmlinux      the dom0 kernel, unpacked and stripped
    root/        the toolstack's packages, unpacked
    modules/     the kernel modules, numbered in the order they are loaded
    fetched      the stamp: what was fetched, and by which recipe
"""

import gzip
import hashlib
import os
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


def _linux_packages(apt):
    kernel = apt.kernel_package()
    return [kernel, *apt.header_packages(kernel), *debian.FOR_LINUX]


def _take_from_dom0(folder):
    """The kernel is large, and most likely that of the dom0 that was fetched before."""
    folder.mkdir(parents=True, exist_ok=True)
    version = next(v for v, suite in debian.SUITE_OF_XEN.items() if suite == debian.SUITE_OF_LINUX)
    for deb in (paths.CACHE / version / 'packages').glob('linux-image-*.deb'):
        if not (folder / deb.name).exists():
            os.link(deb, folder / deb.name)


def _unpack_linux(debs, folder):
    """Returns the kernel's release: 6.1.0-56-amd64, say."""
    for name in ('kernel', 'root'):
        shutil.rmtree(folder / name, ignore_errors=True)
    for deb in debs:
        if deb.name.startswith('linux-image-'):
            _unpack(deb, folder / 'kernel', ['./boot/vmlinuz-*'])
        else:
            _unpack(deb, folder / 'root')
    bzimage = _one(folder / 'kernel', 'boot/vmlinuz-*')
    vmlinux.extract(bzimage, folder / 'vmlinux')
    shutil.rmtree(folder / 'kernel')
    return bzimage.name.partition('-')[2]


def linux(progress):
    """The folder of a dom0 kernel with all that modules for it are built with, and busybox:

        vmlinux         the kernel, unpacked and stripped
        root/           the other packages, unpacked
        fetched         the recipe, the kernel's release, and the packages
    """
    suite = debian.SUITE_OF_LINUX
    folder = paths.CACHE / debian.LINUX
    recipe = _recipe(debian.FOR_LINUX)
    stamp = folder / 'fetched'
    with locked(paths.CACHE / f'{suite}.lock', progress):
        if not _stamped(stamp, recipe):
            progress.say(f'fetching Linux of Debian {suite} and its headers (once)')
            _take_from_dom0(folder / 'packages')
            debs = Apt(suite, progress).download(_linux_packages, folder / 'packages')
            progress.say('unpacking')
            release = _unpack_linux(debs, folder)
            stamp.write_text('\n'.join([f'{recipe} {release}', *(d.name for d in debs)]) + '\n')
            progress.say(f'Linux {release} is ready')
    return folder


def arm64_xen(version, progress):
    """Debian's arm64 Xen `version`, as QEMU boots it. It has no dom0 with it: see dom0less.py."""
    suite = debian.suite_of(version)
    folder = paths.CACHE / f'arm64-{version}'
    package = debian.ARM64_XEN.format(v=version)
    recipe = _recipe([package])
    with locked(paths.CACHE / f'{suite}-arm64.lock', progress):
        if not _stamped(folder / 'fetched', recipe):
            debs = Apt(suite, progress, architecture='arm64').download(lambda apt: [package], folder / 'packages')
            shutil.rmtree(folder / 'root', ignore_errors=True)
            _unpack(debs[0], folder / 'root', ['./boot/xen-*'])
            shutil.copyfile(_one(folder / 'root', 'boot/xen-*-arm64'), folder / 'xen')
            (folder / 'fetched').write_text(f'{recipe}\n{debs[0].name}\n')
    return folder / 'xen'


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


def _unpack_libfdt(tarball, folder):
    part = folder.with_name(f'{folder.name}.{os.getpid()}')
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    subprocess.run(['tar', '-x', '-f', tarball, '-C', part, '--strip-components=2', '--wildcards',
                    '*/libfdt/*.c', '*/libfdt/*.h'], check=True)
    part.rename(folder)


def _libfdt_source(progress):
    """Where libfdt's source was unpacked: of the machine's own release, or of another that still has it."""
    folder = paths.CACHE / 'libfdt' / 'source'
    if folder.is_dir():
        return folder
    reasons = []
    suites = [s for s in (debian.host_suite(),) if s in debian.KNOWN_SUITES]
    for suite in dict.fromkeys([*suites, *debian.KNOWN_SUITES]):
        try:
            with locked(paths.CACHE / f'{suite}-src.lock', progress):
                tarball = Apt(suite, progress, 'deb-src').upstream_source(debian.LIBFDT_SOURCE, folder.parent)
        except LabError as error:
            reasons.append(str(error))
            continue
        progress.say(f'libfdt is that of {tarball.name}, Debian {suite}')
        _unpack_libfdt(tarball, folder)
        return folder
    raise LabError('\n'.join(reasons))


def libfdt(progress):
    """libfdt's source as build/libfdt, for the guest's own compiler flags. Returns the stamp file."""
    target = paths.BUILD / 'libfdt'
    with locked(paths.CACHE / 'libfdt.lock', progress):
        source = _libfdt_source(progress)
        if not (target / '.stamp').exists():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target)
            (target / '.stamp').touch()
    return target / '.stamp'
