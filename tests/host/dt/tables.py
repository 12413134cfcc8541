# SPDX-License-Identifier: MIT
"""The tables beside this file: what becomes of each tree. Read by the tests on the host and by those
that ask a real Xen (tests/xen/dom0less/verdicts)."""

import re
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass
class Tree:
    name: str
    panics: bool
    xen: str                                        # what Xen says then: a regular expression; - nothing
    problems: list = field(default_factory=list)    # what the tool says: "error: PATH: ..."

    @property
    def source(self):
        return HERE / 'system' / f'{self.name}.dts'


def _blocks(file):
    """(heading, indented lines) of each entry."""
    entry = None
    for line in file.read_text().splitlines():
        if line.startswith('#') or not line.strip():
            continue
        if line.startswith(' '):
            entry[1].append(line.strip())
        else:
            if entry:
                yield entry
            entry = (line.strip(), [])
    if entry:
        yield entry


def verdicts():
    for heading, lines in _blocks(HERE / 'system' / 'verdicts'):
        name, verdict, xen = (heading.split(None, 2) + [''])[:3]
        if verdict not in ('boots', 'panics') or (verdict == 'panics') != bool(xen):
            raise ValueError(f'system/verdicts: {heading}')
        yield Tree(name, verdict == 'panics', xen, lines)


def expected():
    for heading, lines in _blocks(HERE / 'guest' / 'expected'):
        name, domain = heading.split()
        yield name, None if domain == '-' else domain, lines


def problems(lines, file):
    """The problems among the lines that `xenlet-dt check` printed, as the table has them."""
    return [match[1] for line in lines
            if (match := re.match(re.escape(str(file)) + r': ((?:error|warning): .*?);', line))]


def many_channels(nr, more=''):
    """The source of a system with `nr` channels between two domUs, each with a partial tree."""
    domains = []
    for me, peer, offset, module in (('domU1', 'domU2', 0, '62000000'), ('domU2', 'domU1', 512, '63000000')):
        ends = ''.join(f'{me}_{i}: evtchn@{i + 16:x} {{ compatible = "xen,evtchn-v1"; '
                       f'xen,evtchn = <{i + 16 + offset} &{peer}_{i}>; }};\n' for i in range(nr))
        domains.append(f'{me} {{ {more}\nmodule@60000000 {{ bootargs = "show-tree"; }};\nmodule@{module} {{ compatible = "multiboot,device-tree", "multiboot,module"; '
                       f'reg = <0 0x{module} 0 0x10000>; }};\n{ends}}};\n')
    return f'/dts-v1/;\n/include/ "{HERE}/system/two-domus.dtsi"\n/ {{ chosen {{ {"".join(domains)} }}; }};\n'
