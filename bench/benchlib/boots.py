# SPDX-License-Identifier: MIT
"""Which guests are booted for what."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Boot:
    name: str
    abi: str
    xen: str
    vcpus: int = 1
    memory: str = '32M'
    rows: str = ''          # more for the guest's command line: see bench/guest/main.c
    seconds: int = 240
    counted: bool = True    # else it takes wall time
    others: tuple = ()      # under xl, beside as many domains in these ABIs


# 3-level is counted on the Xen that has it; the instructions of the guest are the same on each.
QUICK = (Boot('2l', '2l', '4.17', rows='storm=200'), Boot('fifo', 'fifo', '4.17', rows='storm=200'),
         Boot('3l', '3l', '3l', rows='storm=200'))

# Stock Xen searches for a free port from the lowest on: the time to bind all grows with their square.
FULL = (Boot('2l', '2l', '4.17', rows='bound=0'), Boot('fifo', 'fifo', '4.17', rows='bound=10000', memory='64M'),
        Boot('3l', '3l', '3l', rows='bound=0', memory='192M'), Boot('fifo-all', 'fifo', '3l', rows='bound=0', memory='128M'),
        Boot('2l-4cpu', '2l', '4.17', 4), Boot('fifo-4cpu', 'fifo', '4.20', 4), Boot('3l-4cpu', '3l', '3l', 4),
        Boot('fifo-32MB', 'fifo', '4.17'), Boot('fifo-2GB', 'fifo', '4.17', memory='2048M'),
        Boot('2l-storm', '2l', '4.17', rows='alone storm=4000'), Boot('fifo-storm', 'fifo', '4.17', rows='alone storm=4000'),
        Boot('3l-storm', '3l', '3l', rows='alone storm=4000'),
        Boot('domains', '2l', '3l', others=('fifo', '3l')),
        Boot('2l-wall', '2l', '3l', counted=False), Boot('fifo-wall', 'fifo', '3l', counted=False),
        Boot('3l-wall', '3l', '3l', counted=False))
