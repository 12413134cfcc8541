# SPDX-License-Identifier: MIT
"""The figures, for people and for programs."""

import json
import subprocess

from . import goals
from .count import OUT, ROOT

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


def _events(key):
    row, number, what = key.split()
    if what in ('events', 'words') and int(number):
        return int(number)
    return 64 if row in ('bound-together', 'bound-apart') else 1


# A row has the floor of the same name, or one of these.
_FLOORS = {'bound-one': 'floor-{abi} 1 events', 'bound-together': 'floor-{abi} 64 events',
           'bound-apart': 'floor-{abi} 64 events', 'eoi': 'floor-unmask 1 calls'}


def floor(key, rows, abi):
    """Guest instructions of the least that does the same, or None."""
    row, number, what = key.split()
    if row.startswith('floor') or not int(number):
        return None
    less = 0
    if row.startswith('send-') and row != 'send-pending':
        parts = ['floor-send-pending 1 calls', f'floor-{abi} 1 events']
        # A flight ends with the handler: less what LEAVE of floor.S has.
        less = 0 if row == 'send-to-handler' else 14
    elif row.startswith('upcall'):
        parts = [f'floor-{abi} {number} {what}']
    else:
        parts = [_FLOORS.get(row, f'floor-{row} {number} {what}').format(abi=abi)]
    return sum(rows[part]['instructions'] for part in parts) - less if all(part in rows for part in parts) else None


def _line(key, row, rows, abi):
    least = floor(key, rows, abi)
    ratio = f'{row["instructions"] / least:.2f}' if least else ''
    return (f'  {key:30} {row["instructions"]:8} {row["instructions"] / _events(key):9.1f} {ratio:>8} {row["locked"]:7} '
            f'{row["hypercalls"]:6} {row["xen"]:8} {row["fp-bytes"]:5} {row["spread"]:7}')


def _is_shown(key, abi):
    return not any(key.startswith(f'floor-{other} ') for other in ('2l', '3l', 'fifo') if other != abi)


def _storms(boot, storms):
    for name, storm in storms.items():
        print(f'  {name}, {storm["samples"]} samples of {storm["ports"]} ports {"p50":>12} {"p90":>9} {"p99":>9} {"max":>9}')
        for what, text in (('deliveries', 'deliveries of others before'), ('instructions', 'guest instructions'),
                           ('xen', "Xen's instructions")):
            print(f'    {text:38} ' + ' '.join(f'{storm[what][p]:9}' for p in ('p50', 'p90', 'p99', 'max')))


def _boot(boot, result):
    print(f'\n{boot}\n  {"row":30} {"total":>8} {"per event":>9} {"x floor":>8} {"locked":>7} {"calls":>6} {"of Xen":>8} '
          f'{"FP":>5} {"spread":>7}')
    for key, row in result['rows'].items():
        if _is_shown(key, result['abi']):
            print(_line(key, row, result['rows'], result['abi']))
    if 'eoi 1 calls' in result['rows']:
        besides, unmask = goals.late_eoi(result['rows'])
        print(f'  late EOI adds to an event: its unmask {unmask}, and besides {besides}')
    _storms(boot, result['storms'])
    for abi, main in result['entry-to-main'].items():
        print(f'  entry to main, {abi:15} {main["instructions"]:8} {"":18} {main["locked"]:7} {main["hypercalls"]:6}')
    for name, value in result['values'].items():
        print(f'  {name:30} {value:8}')


def _wall(wall):
    if wall:
        print('\nwall time, ns an event, median and quartiles of 15; upcalls with the cheapest hypercall before; '
              'look at ratios only')
    for abi, rows in wall.items():
        for row, ns in rows.items():
            name, number, _ = row.split()
            least = rows.get(f'floor {number} events') if name == 'upcall' else None
            print(f'  {abi:5} {row:26} {ns["median"]:9.1f} ({ns["low"]:.1f} to {ns["high"]:.1f})'
                  + (f', {ns["median"] / least["median"]:.2f} x floor' if least else '')
                  + f', {1e9 / ns["median"]:,.0f} events/s')


def table(results):
    print(f'\nGuest instructions, {results["compiler"]}. "Upcall": from the callback to the iretq, both included. '
          '"FP": bytes saved.')
    for boot, result in results['boots'].items():
        _boot(boot, result)
    _wall(results['wall'])
    for name, size in results.get('sizes', {}).items():
        print(f'\nsize of {name}: {size["text"]} text and rodata, {size["data"]} data, {size["bss"]} bss')
    print()
    same = {}
    for holds, text in goals.judge(results):
        boot, _, goal = text.partition(': ')
        same.setdefault((holds, goal), []).append(boot)
    for (holds, goal), where in same.items():
        print(f'{"ok  " if holds else "MISS"} {goal} ({", ".join(where)})')
