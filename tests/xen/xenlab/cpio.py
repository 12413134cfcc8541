# SPDX-License-Identifier: MIT
"""An initramfs in cpio's newc format, written without cpio and without root."""

import stat


class Cpio:
    def __init__(self):
        self._parts = []
        self._inode = 0
        self._folders = set()

    def _entry(self, name, mode, data=b'', links=1):
        self._inode += 1
        encoded = name.encode() + b'\0'
        fields = (self._inode, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
        self._append(b'070701' + b''.join(b'%08X' % f for f in fields) + encoded)
        self._append(data)

    def _append(self, data):
        self._parts.append(data + b'\0' * (-len(data) % 4))

    def folder(self, name):
        name = name.strip('/')
        if not name or name in self._folders:
            return
        self._folders.add(name)
        self.folder(name.rpartition('/')[0])
        self._entry(name, stat.S_IFDIR | 0o755, links=2)

    def file(self, name, data, mode=0o755):
        name = name.strip('/')
        self.folder(name.rpartition('/')[0])
        self._entry(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        name = name.strip('/')
        self.folder(name.rpartition('/')[0])
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def device(self, name, major, minor):
        """A character device; the kernel opens /dev/console before init mounts anything."""
        name = name.strip('/')
        self.folder(name.rpartition('/')[0])
        encoded = name.encode() + b'\0'
        self._inode += 1
        fields = (self._inode, stat.S_IFCHR | 0o600, 0, 0, 1, 0, 0, 0, 0, major, minor, len(encoded), 0)
        self._append(b'070701' + b''.join(b'%08X' % f for f in fields) + encoded)

    def bytes(self):
        self._inode = 0
        self._entry('TRAILER!!!', 0)
        return b''.join(self._parts)
