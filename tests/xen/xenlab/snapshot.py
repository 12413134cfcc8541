# SPDX-License-Identifier: MIT
"""Snapshots of a machine whose toolstack is up: what takes 8 s to boot resumes in one.

A snapshot fits one QEMU, one CPU, one list of arguments and one dom0; all of
these are in its name's key, so that a change of any makes a new one.
"""

import hashlib
import os
import re
import time

from . import dom0, dom0image, paths
from .dom0 import Dom0
from .errors import LabError
from .lock import locked
from .log import Log
from .machine import qemu_version
from .rundir import RunDir

_KEPT = 4               # of one kind: other arguments and older trees may be in use too
_BANDWIDTH = 10 ** 11   # QEMU would otherwise write as if to a slow network


def _host_cpu(accel):
    if accel == 'tcg':
        return ''
    with open('/proc/cpuinfo') as file:
        return ' '.join(re.findall(r'^model name\s*:\s*(.*)', file.read(), re.M)[:1])


def _file(hypervisor, options, memory, progress):
    image = dom0image.image(hypervisor.folder, hypervisor.version, progress)
    key = hashlib.sha256(hypervisor.elf.read_bytes())
    for part in (image.name, (hypervisor.folder / 'fetched').read_text(), qemu_version(),
                 _host_cpu(options.accel), *dom0.arguments(options, memory)):
        key.update(part.encode() + b'\0')
    kind = f'snapshot-{"shim-" if options.pvshim else ""}{hypervisor.name}-{options.accel}-{options.cpus}cpu-{memory}M'
    return hypervisor.folder / f'{kind}-{key.hexdigest()[:16]}', kind


def _take(file, hypervisor, options, memory, progress):
    log, folder = Log(f'snapshot-{hypervisor.name}-{options.cpus}cpu-{memory}M', progress), RunDir('snapshot')
    part = file.with_name(f'{file.name}.{os.getpid()}.part')
    try:
        with Dom0(hypervisor, folder, log, progress) as machine:
            machine.boot(options, memory)
            progress.say('taking a snapshot of it')
            # Let dom0 fall idle: the agent has to be back in its read.
            machine.machine.wait(lambda: False, 'dom0 to fall idle', seconds=0.3)
            folder.link('out', file.parent)
            machine.qmp('qmp_capabilities')
            machine.qmp('migrate-set-parameters', **{'max-bandwidth': _BANDWIDTH})
            machine.qmp('migrate', uri=f'exec:cat > out/{part.name}')
            while (status := machine.qmp('query-migrate').get('status')) != 'completed':
                if status in ('failed', 'cancelled'):
                    raise LabError('QEMU could not write the snapshot: see ' + paths.shown(log.path))
                time.sleep(0.05)
        part.rename(file)
    finally:
        part.unlink(missing_ok=True)
        log.close()
        folder.remove()


def _drop_old(folder, kind):
    files = sorted(folder.glob(f'{kind}-*'), key=lambda file: file.stat().st_mtime)
    for file in files[:-_KEPT + 1]:
        file.unlink(missing_ok=True)


def get(hypervisor, options, memory, progress):
    """The snapshot for this hypervisor and these options, taken if it is not there yet."""
    file, kind = _file(hypervisor, options, memory, progress)
    if file.exists():
        os.utime(file)          # in use: the ones not used for long go first
        return file
    with locked(hypervisor.folder / f'{kind}.lock', progress):
        if not file.exists():
            progress.say(f'booting Xen {hypervisor.name} and dom0 (the first time; later runs resume a snapshot)')
            _drop_old(file.parent, kind)
            _take(file, hypervisor, options, memory, progress)
    return file
