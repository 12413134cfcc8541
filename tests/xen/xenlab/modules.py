# SPDX-License-Identifier: MIT
"""The kernel modules dom0 needs, in an order in which insmod accepts them."""

import lzma
import re

# xenlab's own channels and disk are virtio; the rest is what xl and xenstored talk to.
_WANTED = ('xen-evtchn', 'xen-privcmd', 'xen-gntdev', 'xen-gntalloc', 'xenfs',
           'virtio_pci', 'virtio_blk', 'virtio_console')

# Where in a kernel package these and the modules they need live.
FOLDERS = ('drivers/xen', 'drivers/virtio', 'drivers/block', 'drivers/char')


def _read(path):
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == '.xz' else data


def _plain(name):
    return name.replace('-', '_')


def in_order(tree):
    """[(name, content)] of the wanted modules below `tree`, each after those it needs."""
    files = {_plain(p.name.split('.ko')[0]): p for p in sorted(tree.rglob('*.ko*'))}
    done = {}

    def add(name):
        # A module that is not there is built into the kernel.
        if name in done or name not in files:
            return
        content = _read(files[name])
        depends = re.search(rb'\0depends=([^\0]*)\0', content)
        for other in (depends.group(1).decode().split(',') if depends else ()):
            add(_plain(other))
        done[name] = content

    for wanted in _WANTED:
        add(_plain(wanted))
    return list(done.items())
