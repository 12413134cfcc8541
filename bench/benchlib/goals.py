# SPDX-License-Identifier: MIT
"""What the figures have to be, and what they should be."""

from .samples import SHARE

# ABI: one event, each of 64: at most; and in the best case.
_UPCALL = {'2l': ((96, 30), (72, 20)), 'fifo': ((104, 38), (78, 28)), '3l': ((120, 30), (84, 20))}
_MAIN = 50000
_MAIN_2GB = 1.2
_HELLO = (48 * 1024, 32 * 1024)
_EMPTY_WORD = 6
_LATE_EOI = 15

# Held to the very instruction: what a compiler makes of it that has no baseline may miss that, and is told so only.
TIGHT = ('empty word', 'empty L2 word')


def _say(text, value, most, wish=None):
    words = f'{text}: {value:.5g}, at most {most}'
    if wish is not None:
        words += f'; hoped for {wish}' + ('' if value <= wish else ', which it is not')
    return value <= most, words


def _upcalls(boot, rows, abi):
    (one, each), (wish_one, wish_each) = _UPCALL[abi]
    selectors = {'2l': 1, 'fifo': 0, '3l': 2}[abi]
    yield _say(f'{boot}: one event', rows['upcall 1 events']['instructions'], one, wish_one)
    yield _say(f'{boot}: each of 64 events', rows['upcall 64 events']['instructions'] / 64, each, wish_each)
    for n in (1, 8, 64):
        row = rows[f'upcall {n} events']
        yield _say(f'{boot}: locked operations for {n}', row['locked'], n + selectors + 2)
        yield _say(f'{boot}: hypercalls for {n}', row['hypercalls'], 0)


def _growth(boot, rows):
    for name in ('bound-one', 'bound-together'):
        found = [(int(key.split()[1]), row['instructions']) for key, row in rows.items() if key.startswith(name + ' ')]
        if found:
            first, last = min(found), max(found)
            yield _say(f'{boot}: {name}, {first[0]} to {last[0]} ports: growth', last[1] / first[1], 1.05)


def _empty_words(boot, rows):
    """What one word more takes, of many."""
    for name in ('empty-words', 'empty-l2-words'):
        if f'{name} 63 words' in rows:
            each = (rows[f'{name} 63 words']['instructions'] - rows[f'{name} 8 words']['instructions']) / (63 - 8)
            yield _say(f'{boot}: empty {name[6:-1].replace("l2-", "L2 ")}', each, _EMPTY_WORD)


def _storms(boot, storms):
    for row, storm in storms.items():
        quiet = row == 'storm-quiet'
        yield _say(f'{boot}: deliveries before {"a quiet port" if quiet else "priority 0"} in a storm',
                   storm['deliveries']['max'], storm['ports'] * SHARE if quiet else 1)


def late_eoi(rows):
    """What late EOI adds to an event: besides its unmask, and that."""
    unmask = rows['unmask 1 calls']['instructions']
    both = rows['upcall-late 1 events']['instructions'] + rows['eoi 1 calls']['instructions']
    return both - rows['upcall 1 events']['instructions'] - unmask, unmask


def _late_eoi(boot, rows):
    if 'eoi 1 calls' in rows:
        yield _say(f'{boot}: late EOI besides its unmask', late_eoi(rows)[0], _LATE_EOI)


def is_tight(text):
    return any(f'{name}: ' in text for name in TIGHT)


def judge(results):
    """(whether it holds, what) of each goal that there are figures for."""
    boots = results['boots']
    found = []
    for boot, result in boots.items():
        abi = result['abi']
        if 'upcall 1 events' in result['rows']:
            found += _upcalls(boot, result['rows'], abi)
        found += [*_growth(boot, result['rows']), *_empty_words(boot, result['rows'])]
        found += [*_storms(boot, result['storms']), *_late_eoi(boot, result['rows'])]
        if boot in ('2l', 'fifo-32MB'):
            found.append(_say(f'{boot}: entry to main', result['entry-to-main'][abi]['instructions'], _MAIN))
    if 'fifo-2GB' in boots and 'fifo-32MB' in boots:
        small, large = (boots[b]['entry-to-main']['fifo']['instructions'] for b in ('fifo-32MB', 'fifo-2GB'))
        found.append(_say('fifo: entry to main, 2 GB over 32 MB', large / small, _MAIN_2GB))
    for abi, main in boots.get('domains', {}).get('entry-to-main', {}).items():
        found.append(_say(f'xl, {abi}: entry to main', main['instructions'], _MAIN))
    if hello := results.get('sizes', {}).get('hello'):
        found.append(_say('sizes: hello: text, rodata and data', hello['text'] + hello['data'], *_HELLO))
    return found
