# SPDX-License-Identifier: MIT
"""Which Debian packages make up each Xen we test with."""

import re

from .errors import LabError

# Xen's version -> the Debian release that has it.
SUITE_OF_XEN = {'4.17': 'bookworm', '4.20': 'trixie'}
KNOWN_SUITES = tuple(SUITE_OF_XEN.values())

# The toolstack that runs in dom0, and every library its programs load. The C
# library comes from the same release, so that nothing depends on the host's.
_TOOLSTACK = """
    xen-hypervisor-{v}-amd64 xen-utils-{v} xen-utils-common xenstore-utils
    libxenmisc{v} libxenstore4 libxencall1 libxendevicemodel1 libxenevtchn1
    libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxentoolcore1
    libxentoollog1 libyajl2 libuuid1 zlib1g liblzma5 libzstd1 libgcc-s1 libc6
    busybox-static
"""

# The package that depends on the newest generic kernel. The cloud flavour
# would be smaller, but it cannot run as dom0.
KERNEL_METAPACKAGE = 'linux-image-amd64'

# A dom0 to measure, of one release on every machine: with what its modules are built, and what those tools load.
LINUX = 'linux'
SUITE_OF_LINUX = 'bookworm'
FOR_LINUX = ('busybox-static', 'libelf1')

HEADERS = 'libxen-dev'
ARM64_XEN = 'xen-hypervisor-{v}-arm64'

# libfdt comes compiled with a red zone: for a guest it is made from its source.
LIBFDT_SOURCE = 'device-tree-compiler'

# The C library, for programs that want one: a package with its source, for all to compile.
NEWLIB_SOURCE = 'newlib-source'

# The Xen with 3-level event channels: our own build of this one's source, with its toolstack.
XEN_3L = '3l'
BASE_OF_3L = '4.17'
SOURCE = 'xen'

XENS = (*SUITE_OF_XEN, XEN_3L)


def toolstack_packages(version):
    return _TOOLSTACK.format(v=version).split()


def suite_of(version):
    if version not in SUITE_OF_XEN:
        raise LabError(f'unknown Xen version {version!r}: it is one of '
                       + ', '.join(SUITE_OF_XEN))
    return SUITE_OF_XEN[version]


def host_suite():
    """The release this machine runs; None when it is not a Debian release."""
    try:
        with open('/etc/os-release') as file:
            found = re.search(r'^VERSION_CODENAME="?([\w-]+)', file.read(), re.M)
    except OSError:
        return None
    return found.group(1) if found else None
