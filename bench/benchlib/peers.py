# SPDX-License-Identifier: MIT
"""What an event costs elsewhere: Linux, measured in the same run, and mini-os, which is cited."""

from .boots import Boot
from .count import rows
from .linux import Linux

# Two VCPUs: with one Linux would leave out the locks. 4,000 ports are nearly all that 2-level has; 120,000 are those of
# 10,000 guests, which the Xen that finds a port by a hint lets one have in minutes.
BOOTS = (Boot('linux-2l', '2l', '4.17', 2, '256M', 'bound=4000', 900), Boot('linux-fifo', 'fifo', '4.17', 2, '256M', '', 900),
         Boot('linux-all', 'fifo', '3l', 2, '1024M', 'bound=120000', 1800))

# Guest instructions for one event and for each of 64, of mini-os of 2016 with -O3, counted once in the same way (64 ports of
# EVTCHNOP_bind_ipi, handlers that only count, one VCPU, Xen 4.17). It has 2-level only.
_CITED = {'mini-os -O3 (cited)': {'2l': {'upcall 1 events': {'instructions': 150},
                                         'upcall 64 events': {'instructions': 2307}}}}


def measure(counter, linux, boots):
    """{name: {ABI: what count.rows() returns}} of the peers that are measured."""
    abis = {}
    for i, boot in enumerate(boots, 1):
        counter.say(f'Linux {i} of {len(boots)}: {boot.name}: {boot.abi}, {linux.release} as dom0, {boot.vcpus} VCPUs, Xen {boot.xen}')
        found = rows(*linux.boot(counter, boot), boot.name)
        abis[boot.abi] = _merged([abis[boot.abi], found]) if boot.abi in abis else found
    return {linux.name: abis} if boots else {}


def _merged(several):
    """What the first of them has, and what only later ones have."""
    return {what: {key: value for one in reversed(several) for key, value in one[what].items()} for what in ('rows', 'values')}


def _ours(results, abi):
    return _merged([result for boot, result in results['boots'].items() if boot in (abi, f'{abi}-all', f'{abi}-4cpu')])


def everyone(results):
    """(name, ABI, what count.rows() returns) of ours and of those measured."""
    ours = [('xenlet', abi, _ours(results, abi)) for abi in ('2l', 'fifo', '3l')]
    return ours + [(name, abi, result) for name, abis in results.get('peers', {}).items() for abi, result in abis.items()]


def figures(results, row, abi):
    """[(peer, instructions of `row` with `abi`, or None)], with those that are cited."""
    measured = {name: {a: r['rows'] for a, r in abis.items()} for name, abis in results.get('peers', {}).items()}
    return [(name, rows.get(abi, {}).get(row, {}).get('instructions')) for name, rows in (_CITED | measured).items()]


def table(results):
    """Each row of a peer beside ours."""
    for name, abis in results.get('peers', {}).items():
        for abi, theirs in abis.items():
            ours = _ours(results, abi)
            print(f'\n{name}, {abi}, beside xenlet\n  {"row":28} {"xenlet":>8} {name:>10} {"ratio":>7} {"locked":>11} {"calls":>7} '
                  f'{"spread":>7}')
            for key, row in theirs['rows'].items():
                print(_line(key, row, ours["rows"].get(key)))
            for key, value in theirs['values'].items():
                print(f'  {key:28} {ours["values"].get(key, ""):>8} {value:10}')


def _line(key, theirs, ours):
    def pair(name):
        return f'{ours[name] if ours else ""}/{theirs[name]}'

    ratio = f'{theirs["instructions"] / ours["instructions"]:.1f}' if ours and ours['instructions'] else ''
    return (f'  {key:28} {ours["instructions"] if ours else "":>8} {theirs["instructions"]:10} {ratio:>7} {pair("locked"):>11} '
            f'{pair("hypercalls"):>7} {theirs["spread"]:7}')
