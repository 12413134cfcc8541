# SPDX-License-Identifier: MIT
"""What the plugin has to know of an image: which of its instructions are of what kind."""

import re
import subprocess

_CONDITIONAL = re.compile(r'^j(?!mp)')
# An exchange of registers locks nothing; one with memory does.
_REGISTERS = re.compile(r'^xchg\w*\s+%\w+,%\w+$')
_FP = re.compile(r'^(xsave|xrstor|fxsave|fxrstor)')

FLOORS = ('2l', '3l', 'fifo', 'words')
# Where an upcall begins and ends, and what the guest marks.
_SYMBOLS = {'arch_upcall_entry': 'E', 'arch_upcall_iret': 'Q', 'main': 'M',
            'bench_begin': 'b', 'bench_end': 'e',
            'bench_depart': 'd', 'bench_sent': 's', 'bench_arrived': 'a',
            **{f'floor_{name}': 'E' for name in FLOORS}, **{f'floor_{name}_iret': 'Q' for name in FLOORS}}


def symbols(image):
    """Names and addresses of an image."""
    lines = subprocess.run(['nm', image], check=True, capture_output=True, text=True).stdout
    return {name: int(address, 16) for address, kind, name in
            (line.split() for line in lines.splitlines() if len(line.split()) == 3)}


def _kinds(text):
    kinds = ''
    mnemonic = text.split()[0] if text else ''
    if mnemonic == 'lock' or mnemonic.startswith('xchg') and not _REGISTERS.search(text):
        kinds += 'L'
    if _CONDITIONAL.match(mnemonic):
        kinds += 'B'
    if mnemonic in ('call', 'jmp', 'callq', 'jmpq') and '*' in text:
        kinds += 'I'
    if _FP.match(mnemonic):
        kinds += 'F'
    return kinds


def write(image, path):
    """The table of `image`, for the plugin."""
    names = symbols(image)
    kinds = {}
    listing = subprocess.run(['objdump', '-d', '--no-show-raw-insn', '-w', image], check=True,
                             capture_output=True, text=True).stdout
    for line in listing.splitlines():
        if found := re.match(r'\s*([0-9a-f]+):\s+(.*)', line):
            if kind := _kinds(found.group(2).split('#')[0]):
                kinds[int(found.group(1), 16)] = kind
    for name, kind in _SYMBOLS.items():
        if name in names:
            kinds[names[name]] = kinds.get(names[name], '') + kind
    for address in range(names['bench_spin'], names['bench_spin_end'] + 1):
        kinds[address] = 'w'
    with open(path, 'w', encoding='ascii') as f:
        f.write(f'image {names["xenlet_text_start"]:x} {names["xenlet_end"]:x} '
                f'{names["hypercall_page"]:x}\n')
        for address in sorted(kinds):
            f.write(f'{address:x} {kinds[address]}\n')
