# SPDX-License-Identifier: MIT
"""What Xen says on its own console when it ends a guest, and what that means."""

import re

_CRASHED = re.compile(r'Domain (\d+) \(vcpu#(\d+)\) crashed on cpu#\d+')
_CRASH_BEGINS = re.compile(r'domain_crash(_sync)? called from')
_PANIC = re.compile(r'\(XEN\) Panic on CPU \d+')
_RSP = re.compile(r'\brsp: ([0-9a-f]{16})')
_RIP = re.compile(r'\bRIP:\s+[0-9a-f]+:\[<([0-9a-f]{16})>\]')
_ENDS = re.compile(r'Hardware Dom0 |Code: |Reboot in ')
_XEN_LINE = re.compile(r'^\(XEN\)|^\(d\d+\)')

_PAGE = 4096
# Xen writes its exception frame below the saved stack pointer. A guest whose
# stack pointer is still this little above the guard page died of that write.
_FRAME = 128


class Report:
    """Xen's report on one domain it ended."""

    def __init__(self):
        self.lines = []
        self.vcpu = None
        self.rsp = None
        self.rip = None

    def add(self, line):
        self.lines.append(line)
        if self.rsp is None and (found := _RSP.search(line)):
            self.rsp = int(found.group(1), 16)
        if self.rip is None and (found := _RIP.search(line)):
            self.rip = int(found.group(1), 16)


class XenWatch:
    """Finds the reports in Xen's console."""

    def __init__(self):
        self.reports = {}           # domain id -> Report
        self.panic = None           # a Report on Xen itself
        self._current = None
        self._unnamed = None        # lines before the one that names the domain

    def add(self, line):
        """Feed every line of Xen's console."""
        if not _XEN_LINE.match(line):
            return
        if _PANIC.search(line):
            self.panic = self._current = self.panic or Report()
        elif _CRASH_BEGINS.search(line):
            self._unnamed = [line]
            return
        elif found := _CRASHED.search(line):
            self._begin(int(found.group(1)), int(found.group(2)))
        if self._unnamed is not None:
            self._unnamed.append(line)
        elif self._current:
            self._current.add(line)
            if _ENDS.search(line):
                self._current = None

    def _begin(self, domain, vcpu):
        self._current = Report()
        self._current.vcpu = vcpu
        for line in self._unnamed or ():
            self._current.add(line)
        self._unnamed = None
        self.reports.setdefault(domain, self._current)

    def of(self, domain):
        """The report on this domain, or None when Xen did not end it."""
        return self.reports.get(domain)


def overflowed_stack(elf, rsp):
    """The stack whose guard page `rsp` points into (or just above), or None.

    A guard page is a symbol `<stack>_guard`, one page, right below its stack.
    """
    if rsp is None:
        return None
    for symbol in elf.symbols():
        if symbol.name.endswith('_guard') and symbol.address % _PAGE == 0:
            if symbol.address <= rsp < symbol.address + (symbol.size or _PAGE) + _FRAME:
                return symbol.name[:-len('_guard')]
    return None


def function_at(elf, address):
    """The name of the function that contains `address`, or None."""
    best = None
    for symbol in elf.symbols():
        if symbol.name and symbol.address <= address and (best is None or symbol.address > best.address):
            best = symbol
    inside = best and address < best.address + max(best.size, 1)
    return f'{best.name}+0x{address - best.address:x}' if inside else None
