# SPDX-License-Identifier: MIT
"""The command line of tests/xen/run."""

import argparse
import json
import os
import re
from pathlib import Path

from . import arm64, bare, debian, dom0less, hypervisor, numbered, paths, shim, whole
from .domu import DomU
from .elf import Elf
from .errors import LabError
from .outcome import Outcome, by_name
from .progress import Progress
from .script import Script

_DESCRIPTION = """\
Boots a guest under a real Xen in QEMU, shows its console and judges it.

  bare IMAGE   Xen boots the image as its first domain: no Linux, no xl
  xl IMAGE     Xen, a Linux dom0, and `xl create` of the image as a PV domU
  arm64 IMAGE  arm64's Xen boots the image as a domU, without dom0
"""
# SMAP ends dom0 early under emulation.
_CPU = 'max,-smap,-smep'
_ALSO = """\
--also begins another domU of the same run: its image and its own options. Domain
ids are 1, 2, ... in the order of the command line.

"""
_EPILOG = """\
exit status: 0 SUCCESS (or the --expect'ed outcome), 3 SKIP, 4 ERROR, 5 FAILURE,
6 CRASH, 7 TIMEOUT, 8 NO VERDICT, 9 UNEXPECTED SKIP; 2 when the lab itself failed.
The guest's last line decides: "Test result: SUCCESS|SKIP|ERROR|FAILURE".
"""


def _count(text):
    """For argparse, which names the option and this text in its message."""
    if not re.fullmatch('[0-9]+', text) or int(text) == 0:
        raise argparse.ArgumentTypeError(f'{text!r} is not a whole number from 1 on')
    return int(text)


def _seconds(text):
    if not re.fullmatch(r'[0-9]+(\.[0-9]*)?', text) or float(text) == 0:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number of seconds')
    return float(text)


def _common(parser):
    parser.add_argument('--xen', default='4.17', metavar='VERSION|PATH',
                        help='hypervisor: ' + ', '.join(debian.SUITE_OF_XEN) + f' (Debian\'s), {debian.XEN_3L} '
                        '(our build, with 3-level event channels) or a file (default: %(default)s)')
    parser.add_argument('--xen-args', default='', metavar='ARGS', help='more arguments for Xen')
    parser.add_argument('--tools', default='4.17', metavar='VERSION',
                        help='whose toolstack goes with a hypervisor that is a file')
    parser.add_argument('--qemu-args', default='', metavar='ARGS', help='more arguments for QEMU')
    parser.add_argument('--accel', default=os.environ.get('ACCEL') or 'tcg', help='tcg (default) or kvm')
    parser.add_argument('--cpu', help=f'QEMU\'s CPU (default: {_CPU}, what --pvshim needs, or arm64: {dom0less.CPU})')
    parser.add_argument('--deadline', type=_seconds, metavar='SECONDS',
                        help='end the run after this long (default: 60)', default=60)
    parser.add_argument('--log', metavar='NAME', help='name of the log in build/log')
    parser.add_argument('--expect', metavar='OUTCOME', help='the outcome that counts as a pass')
    parser.add_argument('--expect-line', metavar='REGEX', action='append', default=[],
                        help='and this must be on the console, in Xen\'s report, or said by --afterwards')
    parser.add_argument('--numbered', action='store_true',
                        help='and none of the numbered lines the first guest wrote may be missing, doubled or damaged')
    parser.add_argument('--no-verdict', dest='needs_verdict', action='store_false',
                        help='a guest that ends in order passes without a verdict line')
    parser.add_argument('--json', metavar='FILE', type=Path, help='write the results there, for programs')
    parser.add_argument('-q', '--quiet', action='store_true', help='only the outcome')


def _guest(parser):
    parser.add_argument('image', metavar='IMAGE', help='the guest, an ELF file')
    parser.add_argument('--cmdline', metavar='TEXT', help='the guest\'s command line')
    parser.add_argument('--vcpus', type=_count, metavar='N', help='its VCPUs')
    parser.add_argument('--module', type=Path, metavar='FILE', help='handed over beside the image: xl\'s ramdisk')
    parser.add_argument('--input', metavar='FILE', help='scripted console input: lines '
                        '"expect REGEX", "send TEXT", "dom0 COMMAND", "again"')


def _domu(parser):
    parser.add_argument('--memory', type=_count, metavar='MB', help='its memory (default: 32)')
    parser.add_argument('--max-event-channels', type=_count, metavar='N', help='xl\'s own default is 1023')
    parser.add_argument('--cfg', metavar='FILE', type=Path,
                        help='your own xl file; name, kernel and on_* are set here')
    parser.add_argument('--name', metavar='NAME', help='the domain\'s name (default: the image\'s)')


def _plugin(parser):
    parser.add_argument('--plugin', metavar='FILE,ARGS', help='a plugin for QEMU; a snapshot fits with any')


def _parser():
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog='run', description=_DESCRIPTION, epilog=_EPILOG, formatter_class=plain)
    worlds = parser.add_subparsers(dest='world', required=True, metavar='bare|xl|arm64')

    one = worlds.add_parser('bare', help='as Xen\'s first domain', epilog=_EPILOG, formatter_class=plain)
    _guest(one)
    _common(one)
    _plugin(one)
    one.add_argument('--mem', default='64M', help='the guest\'s memory (default: %(default)s)')

    one = worlds.add_parser('xl', help='as a domU under xl', epilog=_ALSO + _EPILOG, formatter_class=plain,
                            usage='run xl IMAGE [options] [--also IMAGE [options of this domain]]...')
    _guest(one)
    _domu(one)
    _common(one)
    _plugin(one)
    one.add_argument('--pvshim', action='store_true',
                     help='as PV guests under Debian\'s PV shim: each in a PVH domain of its own')
    one.add_argument('--cold', action='store_true', help='boot dom0 instead of resuming a snapshot of it')
    one.add_argument('--afterwards', metavar='FILE', type=Path,
                     help='a shell script for dom0 to run when the guests are through; what it needs of them is in /t')
    one.add_argument('--cpus', type=_count, default=2, metavar='N', help='CPUs of the machine (default: %(default)s)')

    one = worlds.add_parser('arm64', help='as a domU of arm64\'s Xen, without dom0', epilog=_ALSO + _EPILOG,
                            formatter_class=plain, usage='run arm64 IMAGE [options] [--also IMAGE [options of this domain]]...')
    _arm64_guest(one)
    _common(one)
    one.add_argument('--gic', type=int, default=3, choices=dom0less.GICS, help='default: %(default)s')
    one.add_argument('--cpus', type=_count, default=2, metavar='N', help='CPUs of the machine (default: %(default)s)')
    one.add_argument('--channels', type=Path, metavar='FILE', help='a .dts file with static channels of domU1, domU2, ...')
    one.add_argument('--long-label', type=int, default=0, metavar='BYTES',
                     help='and one more between domU1 and domU2, with a label of so many bytes')
    return parser


def _arm64_guest(parser):
    parser.add_argument('image', metavar='IMAGE', type=Path, help='the guest, an .img file')
    parser.add_argument('--cmdline', metavar='TEXT', default='', help='the guest\'s command line')
    parser.add_argument('--vcpus', type=_count, metavar='N', default=1, help='its VCPUs')
    parser.add_argument('--memory', type=_count, metavar='MB', default=32, help='its memory (default: %(default)s)')
    parser.add_argument('--vpl011', action='store_true', help='give it an emulated PL011')


def _also_parser():
    parser = argparse.ArgumentParser(prog='run xl ... --also', add_help=False)
    _guest(parser)
    _domu(parser)
    return parser


def _script(path):
    if path is None:
        return None
    try:
        return Script(Path(path).read_text(), path)
    except OSError as error:
        raise LabError(f'cannot read the input script {path}: {error.strerror}') from None


def _module(path):
    try:
        return path and path.read_bytes()
    except OSError as error:
        raise LabError(f'cannot read the module {path}: {error.strerror}') from None


def _expectation(options):
    """(outcome, patterns) that make a pass, or a clear error."""
    try:
        outcome = by_name(options.expect) if options.expect else Outcome.SUCCESS
    except KeyError:
        raise LabError(f'unknown outcome {options.expect!r}: it is one of '
                       + ', '.join(str(o) for o in Outcome)) from None
    try:
        return outcome, [re.compile(p) for p in options.expect_line]
    except re.error as error:
        raise LabError(f'--expect-line: {error}') from None


def _meets(result, patterns):
    lines = [*result.report, *(result.console.lines if result.console else []), *result.said, result.why]
    return [p.pattern for p in patterns if not any(p.search(line) for line in lines)]


def _report(result, expected, patterns, options, progress, several):
    """Print the judgement; returns the exit status."""
    for line in result.report:
        progress.say(line)
    if result.outcome is Outcome.TIMEOUT and result.console:
        progress.say('the last lines of the console:')
        for line in result.console.lines[-20:]:
            progress.guest(result.console.name, line)
    missing = _meets(result, patterns)
    summary = f'{result.outcome}: {result.why} ({result.counts()}, {progress.seconds():.1f} s)'
    who = f'{result.console.name}: ' if several else ''
    print(f'==> {who}{summary}', flush=True)
    if result.outcome is not Outcome.SUCCESS:
        progress.say(f'everything that was said: {paths.shown(result.log)}')
    if result.outcome is not expected:
        if options.expect:
            print(f'==> but {expected} was expected')
        return result.outcome.value or 1
    if missing:
        print('==> but no line matches ' + ', '.join(map(repr, missing)))
        return 1
    if expected is not Outcome.SUCCESS:
        print('==> as expected')
    return 0


def _check_numbers(result):
    """Print what is wrong with the numbered lines, or how many there are; returns the exit status."""
    count, wrong = numbered.check(result.console.lines)
    print(f'==> but after {count} numbered lines: {wrong}' if wrong else f'==> {count} numbered lines, all there')
    return 1 if wrong else 0


def _split(arguments):
    """The arguments before the first --also, and those of each further domain."""
    groups = [[]]
    for argument in arguments:
        if argument == '--also':
            groups.append([])
        else:
            groups[-1].append(argument)
    return groups[0], groups[1:]


def _name_of(options, taken):
    name = options.name or re.sub(r'[^\w-]', '-', Path(options.image).stem)
    if options.name and not re.fullmatch(r'[\w-]+', name):
        raise LabError(f'a domain cannot be called {name!r} here: letters, digits, - and _ only')
    base, number = name, 2
    while name in taken:
        name, number = f'{base}{number}', number + 1
    return name


def _domus(groups, pvshim):
    domains = []
    for options in groups:
        domains.append(DomU(_name_of(options, [d.name for d in domains]), Path(options.image),
                            options.cmdline, options.vcpus, options.memory,
                            options.max_event_channels, options.cfg, _script(options.input), pvshim,
                            _module(options.module)))
    return domains


def _run_xl(options, also, progress):
    domains = _domus([options, *map(_also_parser().parse_args, also)], options.pvshim)
    xen = hypervisor.find(options.xen, options.tools, progress)
    return whole.run(xen, domains, options, progress)


def _run_arm64(options, also, progress):
    parser = argparse.ArgumentParser(prog='run arm64 ... --also', add_help=False)
    _arm64_guest(parser)
    domains = [arm64.Domain(o.image, o.cmdline, o.vcpus, o.memory, o.vpl011)
               for o in [options, *map(parser.parse_args, also)]]
    xens = (*debian.SUITE_OF_XEN, debian.XEN_3L)
    if options.xen not in xens:
        raise LabError(f'arm64: unknown Xen {options.xen!r}: it is one of {", ".join(xens)}')
    return arm64.run(domains, options, progress)


def _run_bare(options, progress):
    Elf(options.image)
    script = _script(options.input)
    _module(options.module)
    options.cmdline, options.vcpus = options.cmdline or '', options.vcpus or 1
    xen = hypervisor.find(options.xen, options.tools, progress)
    return [bare.run(xen, Path(options.image), options, progress, script)]


def command(arguments):
    mine, also = _split(arguments)
    options = _parser().parse_args(mine)
    progress = Progress(options.quiet)
    expected, patterns = _expectation(options)
    pvshim = options.world == 'xl' and options.pvshim
    options.cpu = options.cpu or (dom0less.CPU if options.world == 'arm64' else shim.CPU if pvshim else _CPU)
    options.log = options.log or f'{options.world}-{Path(options.image).stem}'
    if also and options.world == 'bare':
        raise LabError('--also is for domUs')
    if options.world == 'xl':
        results = _run_xl(options, also, progress)
    elif options.world == 'arm64':
        results = _run_arm64(options, also, progress)
    else:
        results = _run_bare(options, progress)
    statuses = [_report(result, expected, patterns, options, progress, len(results) > 1) for result in results]
    if options.numbered:
        statuses.append(_check_numbers(results[0]))
    if options.json:
        options.json.write_text(json.dumps([result.as_dict() for result in results]))
    return next((status for status in statuses if status), 0)
