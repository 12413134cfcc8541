# SPDX-License-Identifier: MIT
"""World "arm64": our images as domUs of Debian's arm64 Xen, without any dom0.

The system's tree is written here: a domain for each image, and what a file of --channels adds, which
dtc merges. Each domain's partial tree is what xenlet-dt makes of it.
"""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import dom0less, judge, paths
from .console import Console
from .errors import LabError

_TOOL = paths.BUILD / 'host/xenlet-dt'
_KERNELS, _TREES, _APART = 0x50000000, 0x4f000000, 0x2000000
_XEN = 'console=dtuart loglvl=all guest_loglvl=all sched=credit'
_GUEST = re.compile(r'\(d(\d+)\) (.*)|\(XEN\) DOM(\d+): (.*)')
_BROKEN = re.compile(r'panic: |VCPU \d+: .*\(class|VCPU \d+: .*which never comes')
_QUIET = 0.5        # a report is complete when nothing more comes


@dataclass
class Domain:
    image: Path
    cmdline: str
    vcpus: int
    memory: int                     # MB
    vpl011: bool


def _tree(domains, channels, label, partials):
    """The source of /chosen."""
    yield '/ { chosen { #address-cells = <2>; #size-cells = <2>;'
    yield f'xen,xen-bootargs = "{_XEN}";'
    for number, domain in enumerate(domains, 1):
        yield (f'domU{number}: domU{number} {{ compatible = "xen,domain"; #address-cells = <2>; #size-cells = <2>; '
               f'cpus = <{domain.vcpus}>; memory = <0 {domain.memory * 1024}>; xen,enhanced = "no-xenstore"; '
               + 'vpl011;' * domain.vpl011)
        address = _KERNELS + number * _APART
        cmdline = domain.cmdline.replace('\\', '\\\\').replace('"', '\\"')
        yield (f'module@{address:x} {{ compatible = "multiboot,kernel", "multiboot,module"; '
               f'reg = <0 {address:#x} 0 {domain.image.stat().st_size:#x}>; bootargs = "{cmdline}"; }};')
        if number in partials:
            address = _TREES + number * 0x100000
            yield (f'module@{address:x} {{ compatible = "multiboot,device-tree", "multiboot,module"; '
                   f'reg = <0 {address:#x} 0 {partials[number].stat().st_size:#x}>; }};')
        yield '};'
    yield '}; };'
    if channels:
        yield from (line for line in channels.read_text().splitlines() if line.strip() != '/dts-v1/;')
    for own, other in ((1, 2), (2, 1)) if label else ():
        yield (f'&domU{own} {{ long{own}: evtchn@3ff {{ compatible = "xen,evtchn-v1"; xen,evtchn = <0x3ff &long{other}>; '
               f'label = "{"x" * label}"; }}; }};')


def _system(domains, options, folder, progress):
    """(the flattened tree, {number: partial tree})"""
    partials = {}
    for _ in range(2 if options.channels else 1):       # partial trees are made of one that has none
        source = folder / 'chosen.dts'
        source.write_text('/dts-v1/;\n' + '\n'.join(_tree(domains, options.channels, options.long_label, partials)) + '\n')
        tree = dom0less.system_tree(options.gic, options.cpus, source, folder, progress)
        if options.channels and not partials:
            done = subprocess.run([_TOOL, 'split', tree, '-o', folder / 'partials'], capture_output=True, text=True)
            if done.returncode:
                raise LabError(f'{options.channels}: {(done.stdout + done.stderr).strip()}')
            partials = {n: folder / f'partials/domU{n}.dtb' for n in range(1, len(domains) + 1)
                        if (folder / f'partials/domU{n}.dtb').exists()}
    return tree, partials


class _Guests:
    def __init__(self, domains, progress):
        self.consoles = [Console(f'domU{n}') for n in range(1, len(domains) + 1)]
        self.broken = set()
        self.progress = progress
        self.seen = 0

    def take(self, lines):
        for line in lines[self.seen:]:
            found = _GUEST.search(line)
            number = found and int(found[1] or found[3])
            if found and number <= len(self.consoles):
                text = (found[2] if found[1] else found[4]).rstrip('\r')
                console = self.consoles[number - 1]
                console.add(text)
                self.progress.guest(console.name, text)
                if _BROKEN.match(text):
                    self.broken.add(number - 1)
        self.seen = len(lines)

    def over(self, lines):
        self.take(lines)
        return all(console.verdicts or i in self.broken for i, console in enumerate(self.consoles))


def _judge(guests, number, boot, options, log):
    console = guests.consoles[number]
    if boot.panic:
        return judge.Result(judge.Outcome.CRASH, 'Xen itself panicked', console, boot.lines[-20:])
    if number in guests.broken:
        return judge.crash(console, None, None)
    if boot.timed_out and not console.verdicts:
        return judge.timeout(console, options.deadline, "the guest's verdict", log)
    if boot.why and not boot.timed_out:
        return judge.Result(judge.Outcome.NO_VERDICT, boot.why, console)
    return judge.ended(console, 'arm64', 'its verdict', True)


def run(domains, options, progress):
    """Boot the domains together and judge each."""
    for domain in domains:
        if not domain.image.is_file():
            raise LabError(f'cannot read the image {domain.image}: no such file')
    xen = dom0less.find_xen(options.xen, progress)
    folder = Path(tempfile.mkdtemp(prefix='arm64-'))
    try:
        tree, partials = _system(domains, options, folder, progress)
        modules = {_KERNELS + n * _APART: domain.image for n, domain in enumerate(domains, 1)}
        modules.update({_TREES + n * 0x100000: file for n, file in partials.items()})
        guests = _Guests(domains, progress)
        progress.say(f'booting Xen {options.xen} with GICv{options.gic} and {len(domains)} guests')
        boot = dom0less.boot(xen, options.gic, tree, modules, guests.over, options.log, progress,
                             options.deadline, options.cpus, options.cpu, _QUIET)
        guests.take(boot.lines)
    finally:
        shutil.rmtree(folder)
    results = [_judge(guests, number, boot, options, boot.log) for number in range(len(domains))]
    for result in results:
        result.log = boot.log.path
    return results
