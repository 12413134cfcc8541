# SPDX-License-Identifier: MIT
"""newlib for guests: built from Debian's package newlib-source, with the guest's own compiler flags.

    build/cache/newlib/SUITE/   the package
    build/cache/newlib/KEY/     what is made of it: include/, lib/; the key has everything it depends on
    build/newlib/               the same, for this tree
"""

import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import time

from . import debian, paths
from .apt import Apt
from .errors import LabError
from .lock import locked

_RECIPE = 1                     # raise it when the way it is built changes
_CACHE = paths.CACHE / 'newlib'
_KEPT = 4                       # other branches may be in use too
_HOST = 'x86_64-unknown-elf'
# One malloc, FILE and lock for all VCPUs, errno and the like for each; system calls are kernel/newlib's.
# Nothing is vectorised: upcall handlers that save no FP registers call memcpy() and its like.
_CFLAGS = ('-O2 -w -fno-tree-vectorize -DREENTRANT_SYSCALLS_PROVIDED -UMISSING_SYSCALL_NAMES -UHAVE_INIT_FINI '
           '-DMALLOC_PROVIDED')
_OPTIONS = ('--disable-multilib', '--disable-shared', '--disable-nls', '--disable-newlib-supplied-syscalls',
            '--enable-newlib-retargetable-locking', '--enable-newlib-global-stdio-streams',
            '--enable-newlib-io-long-long', '--enable-newlib-io-long-double',
            '--enable-newlib-io-c99-formats')
_CONFIG = """
/* xenlet: _REENT is what __getreent() says. */
#define __DYNAMIC_REENT__ 1
/* xenlet: kernel/newlib/time.c. */
#define _POSIX_TIMERS 200809L
#define _POSIX_MONOTONIC_CLOCK 200809L
#define _POSIX_CLOCK_SELECTION 200809L
"""


def _flags():
    flags = os.environ.get('GUEST_ABI')
    if not flags:
        raise LabError('GUEST_ABI is empty: call `make build/newlib/.stamp`, which sets it to the guest\'s compiler flags')
    return f'{flags} {_CFLAGS}'


def _package(progress):
    """The package, of the machine's own release or another; what lies there is used as it is."""
    suites = [s for s in (debian.host_suite(),) if s in debian.KNOWN_SUITES]
    reasons = []
    for suite in dict.fromkeys([*suites, *debian.KNOWN_SUITES]):
        folder = _CACHE / suite
        if found := sorted(folder.glob(f'{debian.NEWLIB_SOURCE}_*.deb')):
            return found[-1]
        try:
            with locked(paths.CACHE / f'{suite}.lock', progress):
                part = _CACHE / f'{suite}.part'
                Apt(suite, progress).download(lambda apt: [debian.NEWLIB_SOURCE], part)
                part.rename(folder)
            return sorted(folder.glob(f'{debian.NEWLIB_SOURCE}_*.deb'))[-1]
        except LabError as error:
            reasons.append(str(error))
    raise LabError('\n'.join(reasons))


def _key(package, flags):
    compiler = subprocess.run(['gcc', '--version'], capture_output=True, text=True).stdout.split('\n')[0]
    words = ' '.join([str(_RECIPE), package.name, compiler, flags, *_OPTIONS, _CONFIG])
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def _unpack(package, tree):
    subprocess.run(['dpkg-deb', '-x', package, tree / 'package'], check=True)
    tarballs = sorted((tree / 'package').rglob('newlib-*.tar.*'))
    if not tarballs:
        raise LabError(f'{package.name} has no source of newlib in it')
    with tarfile.open(tarballs[-1]) as archive:
        if hasattr(tarfile, 'data_filter'):
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(tree / 'source')
    return next((tree / 'source').iterdir()) / 'newlib'


def _run(command, folder, environment, log, progress, what):
    """A step of the build, with a sign of life."""
    with open(log, 'a') as file:
        child = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=file,
                                 stderr=subprocess.STDOUT)
        began = said = time.monotonic()
        try:
            while child.poll() is None:
                time.sleep(0.05)
                if time.monotonic() - said >= 10:
                    said = time.monotonic()
                    progress.say(f'  {what}: {said - began:.0f} s')
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait()
    if child.returncode:
        last = '\n'.join(log.read_text(errors='replace').splitlines()[-15:])
        raise LabError(f'newlib cannot be built; the last lines of {paths.shown(log)}:\n{last}')


def _build(package, flags, tree, progress):
    """Build in `tree`; the folder with include/ and lib/ there."""
    log = paths.LOG / 'newlib.log'
    paths.LOG.mkdir(parents=True, exist_ok=True)
    log.write_text('')
    source, build, out = _unpack(package, tree), tree / 'build', tree / 'out'
    build.mkdir()
    unwanted = ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'MAKEOVERRIDES', 'ARCH')
    # The tools by their plain names: newlib would look for x86_64-unknown-elf-gcc.
    tools = {name.upper(): name for name in ('ar', 'as', 'nm', 'ranlib', 'readelf', 'strip')}
    environment = {**{k: v for k, v in os.environ.items() if k not in unwanted}, **tools, 'LC_ALL': 'C.UTF-8',
                   'CC': 'gcc', 'CFLAGS': flags, 'CCASFLAGS': flags, 'MAKEINFO': 'true'}
    _run([source / 'configure', f'--host={_HOST}', f'--prefix={out}', *_OPTIONS], build, environment, log, progress,
         'configuring')
    with open(build / 'newlib.h', 'a') as file:
        file.write(_CONFIG)
    words = ['make', f'-j{os.cpu_count()}', f'CFLAGS={flags}', 'MAKEINFO=true']
    _run(words, build, environment, log, progress, 'compiling')
    _run([*words[:1], *words[2:], 'install'], build, environment, log, progress, 'installing')
    return next(out.rglob('libc.a')).parent.parent


def _drop_old():
    built = sorted((f for f in _CACHE.iterdir() if re.fullmatch('[0-9a-f]{16}', f.name)), key=lambda f: f.stat().st_mtime)
    for folder in built[:-_KEPT]:
        shutil.rmtree(folder, ignore_errors=True)


def _built(progress):
    """The folder in the cache, built if it is not there yet."""
    flags, package = _flags(), _package(progress)
    folder = _CACHE / _key(package, flags)
    if folder.is_dir():
        os.utime(folder)            # in use: the ones not used for long go first
        return folder
    version = package.name.split('_')[1]
    progress.say(f'building newlib {version} (once, about half a minute)')
    tree = _CACHE / f'tree.{os.getpid()}'
    try:
        tree.mkdir()
        _build(package, flags, tree, progress).rename(folder)
    finally:
        shutil.rmtree(tree, ignore_errors=True)
    _drop_old()
    progress.say(f'newlib {version} is ready')
    return folder


def get(progress):
    """newlib as build/newlib: include/ and lib/. Returns the stamp file."""
    target = paths.BUILD / 'newlib'
    stamp = target / '.stamp'
    with locked(paths.CACHE / 'newlib.lock', progress):
        folder = _built(progress)
        if not stamp.exists() or stamp.read_text() != folder.name:
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(folder, target)
        stamp.write_text(folder.name)
    return stamp
