# SPDX-License-Identifier: MIT
"""Xen's PV shim: a small Xen that xl puts, with a PV guest inside, into a PVH domain.

It runs a hypervisor of its own for one guest, and offers it less than Xen does.
The shim is loaded with the guest's files: the image of dom0 stays as small as it is.
"""

from . import paths
from .errors import LabError

# PVH wants nested virtualisation, which QEMU emulates for AMD's processors, as of this
# family. Xen would have a guest's RDTSCP trap and the emulation does not; and the shim
# of 4.20 takes XSAVE only with XSAVEC, which is not emulated.
CPU = 'max,-smap,-rdtscp,-xsave,family=23,model=1,stepping=2'
XEN_ARGUMENTS = 'cpuidle=0'
_NAME = 'xen-shim'
CONFIGURATION = {'type': '"pvh"', 'pvshim': 1, 'pvshim_path': f'"/t/{_NAME}"'}


def files(hypervisor):
    """What dom0 needs in /t: the shim of the toolstack's packages."""
    file = hypervisor.folder / f'root/usr/lib/xen-{hypervisor.version}/boot/{_NAME}'
    if not file.exists():
        raise LabError(f'Xen {hypervisor.version} has no PV shim: no {paths.shown(file)}')
    return {_NAME: file.read_bytes()}
