# SPDX-License-Identifier: MIT
"""Numbered lines on a console: is one missing, doubled, out of order or damaged?

A guest writes `line WHO N: TEXT.`, N from 0 upward for each WHO, and TEXT is made of N; in the end, for each,
`lines of VCPU WHO: COUNT`. tests/guest/programs/saved.c is that guest.
"""

import re

_TEXT = 61
_LINE = re.compile(r'line (\d+) (\d+)\b')
_END = re.compile(r'lines of VCPU (\d+): (\d+)$')


def line(who, number):
    text = ''.join(chr(ord('a') + (number + i) % 26) for i in range(number % _TEXT))
    return f'line {who} {number}: {text}.'


def check(lines):
    """(how many there are, what is wrong first or None)."""
    following, ends = {}, {}
    for said in lines:
        if found := _END.match(said):
            ends[found.group(1)] = int(found.group(2))
        elif found := _LINE.match(said):
            who = found.group(1)
            wanted = line(who, following.get(who, 0))
            if said != wanted:
                return sum(following.values()), f'{said!r} is not {wanted!r}'
            following[who] = following.get(who, 0) + 1
    if not ends:
        return sum(following.values()), 'the guest did not say how many there are'
    if ends != following:
        return sum(following.values()), f'there are {following}, the guest wrote {ends}'
    return sum(following.values()), None
