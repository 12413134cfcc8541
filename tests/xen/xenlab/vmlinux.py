# SPDX-License-Identifier: MIT
"""The ELF kernel inside a bzImage.

Xen would unpack the bzImage itself at every boot, which costs seconds under
emulation; we do it once.
"""

import gzip
import lzma
import struct
import subprocess

from .errors import LabError


def _decompress(payload):
    # gzip and zstd payloads carry their unpacked length in four more bytes.
    if payload.startswith(b'\xfd7zXZ\0'):
        return lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(payload)
    if payload.startswith(b'\x1f\x8b'):
        return gzip.decompress(payload[:-4])
    if payload.startswith(b'\x5d\0\0'):
        return lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(payload)
    for magic, tool in ((b'\x28\xb5\x2f\xfd', 'zstd'), (b'\x02\x21\x4c\x18', 'lz4')):
        if payload.startswith(magic):
            try:
                return subprocess.run([tool, '-dc'], input=payload[:-4], capture_output=True).stdout
            except FileNotFoundError:
                raise LabError(f'the kernel is compressed with {tool}: install the package {tool}') from None
    raise LabError(f'the kernel is compressed in an unknown way ({payload[:6].hex()})')


def extract(bzimage, out):
    """Write the stripped vmlinux of `bzimage` to `out`."""
    data = bzimage.read_bytes()
    if data[0x202:0x206] != b'HdrS':
        raise LabError(f'{bzimage.name} is not an x86 Linux kernel')
    start = ((data[0x1f1] or 4) + 1) * 512
    offset, length = struct.unpack_from('<II', data, 0x248)
    kernel = _decompress(data[start + offset:start + offset + length])
    if kernel[:4] != b'\x7fELF':
        raise LabError(f'no ELF kernel inside {bzimage.name}')
    whole = out.with_suffix('.whole')
    whole.write_bytes(kernel)
    subprocess.run(['strip', '-o', out, whole], check=True)
    whole.unlink()
