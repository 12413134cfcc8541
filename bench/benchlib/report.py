# SPDX-License-Identifier: MIT
"""The figures, for people and for programs."""

import json
import subprocess

from . import goals
from .count import OUT, ROOT

_FLOOR = {'2l': 'floor-2l', '3l': 'floor-3l', 'fifo': 'floor-fifo'}


def sizes(results, compiler):
    """Of hello, stripped, and of the objects of evtchn/ and hypercall/."""
    def of(files):
        total = {'text': 0, 'data': 0, 'bss': 0}
        lines = subprocess.run(['size', *map(str, files)], check=True, capture_output=True, text=True).stdout
        for line in lines.splitlines()[1:]:
            for name, number in zip(total, line.split()[:3]):
                total[name] += int(number)
        return total

    build = ROOT / 'build' / compiler
    results['sizes'] = {'hello': of([build / 'examples' / 'hello.elf']),
                        'event channels': of([*(build / 'evtchn').glob('*.o'), *(build / 'hypercall').rglob('*.o')])}


def write_json(results):
    path = OUT / 'results.json'
    path.write_text(json.dumps(results, indent=1) + '\n')
    print(f'figures: {path.relative_to(ROOT)}')


def _abi(boot):
    return boot.split('-')[0]


def _events(key):
    row, number, what = key.split()
    if what == 'events' and int(number):
        return int(number)
    return 64 if row in ('bound-together', 'bound-apart') else 1


def _line(key, row, rows, abi):
    n = _events(key)
    floor = rows.get(key.replace(key.split()[0], _FLOOR[abi], 1)) if key.startswith('upcall') else None
    ratio = f'{row["instructions"] / floor["instructions"]:.2f}' if floor else ''
    return (f'  {key:28} {row["instructions"]:8} {row["instructions"] / n:9.1f} {ratio:>8} {row["locked"]:7} '
            f'{row["hypercalls"]:6} {row["xen"]:8} {row["fp"]:4} {row["spread"]:6}')


def table(results):
    print(f'\nGuest instructions, {results["compiler"]}. "Upcall": from the callback to the iretq, both included.')
    for boot, result in results['boots'].items():
        print(f'\n{boot}\n  {"row":28} {"total":>8} {"per event":>9} {"x floor":>8} {"locked":>7} {"calls":>6} {"of Xen":>8} '
              f'{"FP":>4} {"spread":>6}')
        for key, row in result['rows'].items():
            if not key.startswith('floor') or key.startswith(_FLOOR[_abi(boot)] + ' '):
                print(_line(key, row, result['rows'], _abi(boot)))
        print(f'  {"entry to main":28} {result["entry-to-main"]["instructions"]:8}')
        for name, value in result['values'].items():
            print(f'  {name:28} {value:8}')
    for name, size in results.get('sizes', {}).items():
        print(f'\nsize of {name}: {size["text"]} text and rodata, {size["data"]} data, {size["bss"]} bss')
    print()
    for goal, text in goals.judge(results):
        print(f'{"ok  " if goal else "MISS"} {text}')
