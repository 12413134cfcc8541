# SPDX-License-Identifier: MIT
"""What we need to know of 64-bit little-endian ELF files: symbols, needed libraries."""

import struct
from dataclasses import dataclass

from .errors import LabError

_SHT_SYMTAB, _SHT_DYNAMIC = 2, 6
_DT_NEEDED = 1


@dataclass
class Symbol:
    name: str
    address: int
    size: int


class Elf:
    def __init__(self, path):
        try:
            with open(path, 'rb') as file:
                self.data = file.read()
        except OSError as error:
            raise LabError(f'cannot read the image {path}: {error.strerror}') from None
        if self.data[:4] != b'\x7fELF':
            raise LabError(f'{path} is not an ELF file')
        if len(self.data) < 64 or self.data[4:6] != b'\x02\x01':
            raise LabError(f'{path} is not a 64-bit little-endian ELF file')
        self.machine = struct.unpack_from('<H', self.data, 18)[0]
        self._sections = self._read_sections()

    def _read_sections(self):
        offset, = struct.unpack_from('<Q', self.data, 40)
        size, count = struct.unpack_from('<HH', self.data, 58)
        fields = '<IIQQQQIIQQ'        # name type flags addr offset size link info align entsize
        return [struct.unpack_from(fields, self.data, offset + i * size) for i in range(count)] \
            if offset and size >= struct.calcsize(fields) else []

    def _string(self, table, offset):
        start = table[4] + offset
        return self.data[start:self.data.index(b'\0', start)].decode('utf-8', 'replace')

    def symbols(self):
        for section in self._sections:
            if section[1] != _SHT_SYMTAB:
                continue
            names = self._sections[section[6]]
            for at in range(section[4], section[4] + section[5], 24):
                name, _info, _other, _index, value, size = struct.unpack_from('<IBBHQQ', self.data, at)
                yield Symbol(self._string(names, name), value, size)

    def needed(self):
        """The libraries the dynamic linker loads for this file."""
        for section in self._sections:
            if section[1] != _SHT_DYNAMIC:
                continue
            names = self._sections[section[6]]
            for at in range(section[4], section[4] + section[5], 16):
                tag, value = struct.unpack_from('<qQ', self.data, at)
                if tag == _DT_NEEDED:
                    yield self._string(names, value)
