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


# 3-level is counted on the Xen that has it; the instructions of the guest are the same on each.
QUICK = (Boot('2l', '2l', '4.17'), Boot('fifo', 'fifo', '4.17'), Boot('3l', '3l', '3l'))

# Stock Xen searches for a free port from the lowest on: the time to bind all grows with their square.
FULL = (Boot('2l', '2l', '4.17', rows='bound=0'), Boot('fifo', 'fifo', '4.17', rows='bound=10000', memory='64M'),
        Boot('3l', '3l', '3l', rows='bound=0', memory='192M'), Boot('fifo-all', 'fifo', '3l', rows='bound=0', memory='128M'),
        Boot('2l-4cpu', '2l', '4.17', 4), Boot('fifo-4cpu', 'fifo', '4.20', 4), Boot('3l-4cpu', '3l', '3l', 4),
        Boot('fifo-32MB', 'fifo', '4.17'), Boot('fifo-2GB', 'fifo', '4.17', memory='2048M'))
