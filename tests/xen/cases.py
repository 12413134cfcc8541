# SPDX-License-Identifier: MIT
"""What `make test` runs: a table. A new suite is a few more lines here."""

import itertools
import re
from dataclasses import dataclass, field

from xenlab import paths

XENS = ('4.17', '4.20')
COMPILERS = ('gcc', 'clang')


@dataclass
class Case:
    suite: str
    name: str
    command: list                       # run at the top of the tree
    status: int = 0                     # the exit status that is right
    output: list = field(default_factory=list)   # regular expressions that must match
    guest_tests: bool = False           # its in-guest tests count: tests/xen/run says how many
    seconds: float = 120                # a case that takes longer is ended
    quick: bool = True                  # part of `make test`; the others are `make test-all` only

    def wants_xen(self, xen):
        return ('--xen', xen) in zip(self.command, self.command[1:])


def image(name, compiler='gcc'):
    return f'build/{compiler}/{name}.elf'


def boot(suite, name, world, elf, *options, deadline=60, xen='4.17', **case):
    command = ['tests/xen/run', world, elf, '--xen', xen, '--deadline', str(deadline), *options]
    # Room for a snapshot that has to be taken first.
    return Case(suite, name, command, seconds=deadline + 300, **case)


# How misbehave.c goes wrong -> the exit status and the words that must come of it.
_MISBEHAVIOUR = {
    'hang': (7, "TIMEOUT: 7 s passed, waiting for the guest's verdict|the verdict of misbehave"),
    'stay': (7, 'TIMEOUT: 7 s passed, waiting for .* to shut down after its verdict'),
    'crash': (6, 'CRASH: the guest shut down with the reason crash'),
    'crash-after-verdict': (6, 'CRASH: the guest shut down with the reason crash'),
    'status': (6, 'xenlet: the program ended with status 7: the domain ends as crashed'),
    'no-verdict': (8, 'NO VERDICT: it printed no verdict and ended by poweroff'),
    'fail': (5, 'FAILURE: failed: arithmetic'),
    'error': (4, 'ERROR: by its own verdict'),
    'skip': (3, 'SKIP: by its own verdict'),
    'unexpected-skip': (9, 'UNEXPECTED SKIP: not in expected-skips: unheard-of: nobody lists'),
    'contradict': (5, 'FAILURE: its verdict is SUCCESS but these failed: arithmetic'),
    'two-verdicts': (4, 'ERROR: it printed 2 verdicts'),
}


def _runner():
    """The runner, tested with guests that go wrong."""
    yield Case('runner', 'units', ['python3', '-B', 'tests/xen/selftest/units.py'])
    for how, (status, words) in _MISBEHAVIOUR.items():
        yield boot('runner', how, 'bare', image('selftest/misbehave'), '--cmdline', how,
                   deadline=7, status=status, output=[words])
    for how in ('hang', 'crash', 'no-verdict', 'fail'):
        status, words = _MISBEHAVIOUR[how]
        yield boot('runner', f'xl-{how}', 'xl', image('selftest/misbehave'), '--cmdline', how,
                   deadline=7, status=status, output=[words])
    yield boot('runner', 'xl-unread', 'xl', image('selftest/misbehave'), '--cmdline', 'unread', '--input',
               'tests/xen/selftest/unread.input', deadline=150, status=6, quick=False, output=[r'has shut down: crash\n(.*\n)*.* it goes on\n'])
    for world in ('bare', 'xl'):
        yield boot('runner', f'{world}-input', world, image('selftest/echo'),
                   '--input', 'tests/xen/selftest/echo.input', '--expect-line', r'^hello dom0 \(0\)')
    yield boot('runner', 'two-domus', 'xl', image('selftest/misbehave'), '--cmdline', 'fail', '--name', 'first',
               '--also', image('examples/hello'), '--name', 'second', '--memory', '8',
               status=5, output=['==> first: FAILURE: failed: arithmetic', '==> second: SUCCESS'])
    yield boot('runner', 'cold', 'xl', image('examples/hello'), '--cold')
    yield boot('runner', 'own-xl-file', 'xl', image('examples/hello'), '--cfg', 'tests/xen/selftest/own.cfg',
               output=['argument 1: from-the-file', ' 24576 KiB'])
    yield boot('runner', 'no-image', 'bare', 'build/nothing.elf', status=2, output=['cannot read the image'])
    yield boot('runner', 'no-elf', 'xl', 'Makefile', status=2, output=['is not an ELF file'])
    yield boot('runner', 'no-guest', 'xl', '/bin/ls', status=4, output=['xl could not create ls: .*no loader found: Invalid kernel'])
    yield boot('runner', 'no-xen', 'xl', image('selftest/misbehave'), xen='4.1', status=2,
               output=["unknown Xen '4.1'"])


def _examples():
    yield boot('examples', 'hello-bare', 'bare', image('examples/hello'))
    for abi in ('2l', 'fifo'):
        yield boot('examples', f'rtos-{abi}', 'bare', image('examples/rtos', 'gcc' if abi == '2l' else 'clang'),
                   '--cmdline', abi, xen='4.20', output=[f'an RTOS with {abi} event', '5 sent, 5 seen, 0 wrong'])
    yield boot('examples', 'stdin-bare', 'bare', image('examples/stdin', 'clang'), '--cmdline', 'PROMPT="your words: " word',
               '--input', 'examples/stdin.input')
    # As a person has them: with the xl files beside them.
    yield boot('examples', 'stdin-xl', 'xl', image('examples/stdin'), '--cfg', 'examples/stdin.cfg',
               '--input', 'examples/stdin.input')
    yield boot('examples', 'hello-xl', 'xl', image('examples/hello'), '--cfg', 'examples/hello.cfg', xen='4.20',
               output=['argument 2: two words'])
    yield boot('examples', 'shell-xl', 'xl', image('examples/shell', 'clang'), '--cfg', 'examples/shell.cfg',
               '--input', 'examples/shell.input', xen='4.20', status=6,
               output=['came back: to be echoed', 'cannot write address 0x0: nothing is mapped there', r'#0 .* crash\+'])
    for xen, abi in (('4.17', '2l'), ('4.20', 'fifo')):
        yield boot('examples', f'pingpong-xl-{xen}-{abi}', 'xl', image('examples/pingpong'), '--cfg', 'examples/pingpong.cfg',
                   '--name', 'ping', '--cmdline', f'serve evtchn={abi}', '--also', image('examples/pingpong', 'clang'),
                   '--cfg', 'examples/pingpong.cfg', '--name', 'pong', '--cmdline', 'evtchn=fifo', '--input',
                   'examples/pingpong.input', xen=xen, quick=xen == '4.17', deadline=120,
                   output=['ping . doorbell: 1000 sent, 1000 seen', 'pong . doorbell: 1000 sent, 1000 seen'])
    yield boot('examples', 'hello-1MB', 'xl', image('examples/hello'), '--memory', '1')
    yield boot('examples', 'hello-1GB', 'xl', image('examples/hello', 'clang'), '--memory', '1024', xen='4.20')


# The quick tier has every value of each dimension, in pairs: (world, Xen, compiler, ABI, VCPUs, ports).
_QUICK = {
    ('bare', '4.17', 'gcc', '2l', 1, 0), ('bare', '4.17', 'clang', 'fifo', 4, 0),
    ('bare', '4.20', 'clang', '2l', 2, 0), ('bare', '4.20', 'gcc', 'fifo', 1, 0),
    ('xl', '4.17', 'clang', 'fifo', 2, 0), ('xl', '4.20', 'gcc', '2l', 4, 0),
    ('xl', '4.17', 'gcc', '2l', 1, 4095), ('xl', '4.20', 'clang', 'fifo', 1, 131071),
}


def _suite():
    """The in-guest tests."""
    dimensions = itertools.product(('bare', 'xl'), XENS, COMPILERS, ('2l', 'fifo'), (1, 2, 4), (0, 4095, 131071))
    for world, xen, compiler, abi, vcpus, ports in dimensions:
        if ports and (world == 'bare' or (ports == 4095) != (abi == '2l')):
            continue
        # The guest cannot ask for xl's limit: its command line tells it.
        limit = ['--max-event-channels', str(ports)] if ports else []
        cmdline = f'evtchn={abi}' + (f' max_event_channels={ports}' if ports else '')
        name = f'{xen}-{compiler}-{abi}-{vcpus}cpu' + (f'-{ports}-ports' if ports else '')
        yield boot('whole' if world == 'xl' else 'bare', name, world, image('tests/suite', compiler), *limit,
                   '--vcpus', str(vcpus), '--cmdline', cmdline, xen=xen, guest_tests=True, deadline=180,
                   quick=(world, xen, compiler, abi, vcpus, ports) in _QUICK)


def _pvshim():
    """The in-guest tests under the PV shim, which has no FIFO: the library has to fall back."""
    fallback = 'this Xen refuses fifo .error -95.; using 2l'
    # An event costs ten times as much there: the whole suite is not for the quick tier. Nor does it always come to
    # its end under emulation: see README.md.
    for xen, vcpus, options, quick in (('4.17', 2, 'only=event', True), ('4.17', 1, 'only=every_port', True),
                                       ('4.17', 2, 'only=evtchnop', True), ('4.17', 2, 'only=bind', True),
                                       ('4.17', 2, 'without=upcall_100000 steps=20000', False),
                                       ('4.17', 4, '', False), ('4.20', 1, '', False)):
        part = options.partition('only=')[2] or 'all'
        yield boot('whole', f'pvshim-{xen}-{vcpus}cpu-{part}', 'xl', image('tests/suite'), '--pvshim',
                   '--vcpus', str(vcpus), '--cmdline', options, xen=xen, guest_tests=True, deadline=300, quick=quick,
                   output=[fallback, f'{vcpus} VCPUs, event channels 2l'])
    yield boot('whole', 'pvshim-4.20-hello', 'xl', image('examples/hello'), '--pvshim', xen='4.20', output=[fallback])
    yield boot('whole', 'pvshim-input', 'xl', image('selftest/echo'), '--pvshim',
               '--input', 'tests/xen/selftest/echo.input', '--expect-line', r'^hello dom0 \(0\)')
    yield boot('whole', 'pvshim-crash', 'xl', image('tests/crash_overflow'), '--pvshim', status=6,
               output=['stack overflow'])


def _corners():
    """Parts of the suite where only some machines show them."""
    suite = image('tests/suite')
    for name, cpu, kind in (('fxsave', 'max,-smap,-smep,-xsave', 'fxsave'), ('no-avx', 'max,-smap,-smep,-avx', 'sse')):
        yield boot('corners', name, 'bare', suite, '--cpu', cpu, '--cmdline', f'only=fp_ fp={kind}', guest_tests=True)
    yield boot('corners', 'avx', 'bare', suite, '--cmdline', 'only=fp_ fp=avx', guest_tests=True)
    # A builder's map of more than one page table; and pages set aside for tables of ours.
    yield boot('corners', 'pages-1GB', 'bare', suite, '--mem', '1024M', '--qemu-args=-m 1536', '--cmdline', 'only=page',
               guest_tests=True)
    for xen in XENS:
        yield boot('corners', f'20000-ports-{xen}', 'bare', suite, '--cmdline',
                   'evtchn=fifo ports=20000 only=every_port', xen=xen, guest_tests=True, deadline=120)
    yield boot('corners', '34-vcpus', 'bare', suite, '--vcpus', '2', '--xen-args', 'dom0_max_vcpus=34',
               '--cmdline', 'only=last_vcpu', guest_tests=True, output=[' 34 VCPUs'])
    yield boot('corners', '3-ports', 'xl', image('examples/hello'), '--max-event-channels', '3', status=6,
               output=["no port is free: xl's max_event_channels is too low"])
    yield boot('corners', '4-ports', 'xl', image('examples/hello'), '--max-event-channels', '4',
               output=['no channel for VIRQ_DEBUG .*: the debug key shows nothing', 'event channels'])
    for asked, said in (('nonsense', 'evtchn=nonsense is not an event channel ABI .there are: auto 2l 3l fifo.; using auto'),
                        ('fifo', ' fifo event channels'), ('2l', ' 2l event channels'), ('auto', ' fifo event channels'),
                        ('3l', 'this Xen has no 3-level ABI .error -38.; using 2l')):
        yield boot('corners', f'evtchn-{asked}', 'bare', image('examples/hello'), '--cmdline', f'evtchn={asked}',
                   output=[said])


def _refusals():
    """A Xen that refuses FIFO at one step or another: the guest works on."""
    for world in ('bare', 'xl'):
        for step, error, abi in (('control', 38, '2l'), ('control', 95, '2l'), ('control', 12, '2l'),
                                 ('first-page', 12, '2l'), ('second-page', 12, 'fifo')):
            refused = [rf'this Xen refuses fifo \(error -{error}\); using 2l'] if abi == '2l' else []
            yield boot('refusals', f'{world}-{step}-{error}', world, image('tests/refuse'), '--cmdline',
                       f'refuse={step} error={error}', output=[*refused, f'event channels are {abi}'],
                       quick=(world, error) != ('bare', 38))
        yield boot('refusals', f'{world}-later', world, image('tests/refuse'), '--vcpus', '2',
                   '--cmdline', 'refuse=later error=12',
                   output=['event channels are fifo', 'VCPU 1: -12'], quick=world == 'bare')
        yield boot('refusals', f'{world}-again', world, image('tests/refuse'), '--vcpus', '2',
                   '--cmdline', 'refuse=again error=12',
                   output=['VCPU 1: 0', r'this Xen refuses fifo \(error -12\); using 2l',
                           'after a reset event channels are 2l'], quick=world == 'bare')
    # A VCPU above 31, without a vcpu_info in shared_info: one that only looks registered does not come up.
    yield boot('refusals', 'vcpu-info', 'bare', image('tests/refuse'), '--vcpus', '2', '--xen-args', 'dom0_max_vcpus=34',
               '--cmdline', 'refuse=vcpu-info error=12 vcpu=33',
               output=['VCPU 33: -12', 'VCPU 33 at the second attempt: 0', 'after a reset event channels are fifo'])


def _three_level():
    """On the Xen with 3-level event channels: what it refuses, and what every Xen has."""
    suite, hello = image('tests/suite'), image('examples/hello')
    for world, abi, vcpus in (('bare', '2l', 1), ('bare', 'fifo', 2), ('xl', 'fifo', 4), ('xl', '2l', 2)):
        yield boot('3l', f'{world}-{abi}-{vcpus}cpu', world, suite, '--vcpus', str(vcpus), '--cmdline', f'evtchn={abi}',
                   xen='3l', guest_tests=True, deadline=180, quick=(world, abi) == ('bare', 'fifo'))
    for world in ('bare', 'xl'):
        yield boot('3l', f'{world}-fifo-off-3l-off', world, hello, '--xen-args', 'evtchn_fifo=0 evtchn_3l=0', xen='3l',
                   output=[r'this Xen refuses fifo \(error -95\)', ' 2l event channels'], quick=world == 'bare')
    yield from _three_level_guests(suite, hello)


def _three_level_guests(suite, hello):
    """Guests in 3-level: the whole suite, every port there is, and a Xen that refuses it at one step or another."""
    said = ' of a Xen with 3l'          # without it the tests of 3-level would be meant to skip
    for world, compiler, vcpus in itertools.product(('bare', 'xl'), COMPILERS, (1, 2, 4)):
        yield boot('3l', f'{world}-{compiler}-3l-{vcpus}cpu', world, image('tests/suite', compiler),
                   '--vcpus', str(vcpus), '--cmdline', 'evtchn=3l', xen='3l', guest_tests=True, deadline=180,
                   output=['event channels 3l' + said], quick=(world, compiler, vcpus) == ('bare', 'clang', 1))
    # As `make run XEN=3l EVTCHN=3l VCPUS=4` has it.
    yield boot('3l', 'xl-all-ports', 'xl', suite, '--vcpus', '4', '--memory', '128', '--max-event-channels', '262143',
               '--cmdline', 'evtchn=3l max_event_channels=262143 ports=262143', xen='3l', guest_tests=True,
               deadline=240, output=['event channels 3l' + said, 'ok   every_port_is_bound_and_delivered'])
    for abi, last in (('3l', 262143), ('fifo', 131071)):
        yield boot('3l', f'bare-all-ports-{abi}', 'bare', suite, '--mem', '192M', '--cmdline',
                   f'evtchn={abi} ports={last} only=_port', xen='3l', guest_tests=True,
                   output=[f'event channels {abi}{said}'])
    # The switch is made by guests that are in 2-level.
    for vcpus, only, quick in ((4, 'l3_switch', True), (2, '3level', True), (1, '3level', False), (1, 'l3_', False)):
        yield boot('3l', f'bare-{only}-{vcpus}cpu', 'bare', suite, '--vcpus', str(vcpus), '--cmdline',
                   f'evtchn=2l only={only}', xen='3l', guest_tests=True, output=['event channels 2l' + said], quick=quick)
    yield boot('3l', '34-vcpus', 'bare', suite, '--vcpus', '2', '--xen-args', 'dom0_max_vcpus=34', '--cmdline',
               'evtchn=3l only=last_vcpu', xen='3l', guest_tests=True, output=[' 34 VCPUs, event channels 3l'])
    for asked, xen_args, says in (('auto', 'evtchn_fifo=1', [' fifo event channels']),
                                  ('auto', 'evtchn_fifo=0', [r'refuses fifo \(error -95\); using 3l', ' 3l event channels']),
                                  ('3l', 'evtchn_3l=0', [r'has no 3-level ABI \(error -38\); using 2l', ' 2l event channels'])):
        yield boot('3l', f'{asked}-{xen_args}', 'bare', hello, '--xen-args', xen_args, '--cmdline', f'evtchn={asked}',
                   xen='3l', output=says)
    yield boot('3l', 'debug-key', 'bare', image('selftest/echo'), '--cmdline', 'evtchn=3l',
               '--input', 'tests/xen/selftest/debug.input', xen='3l')
    refused = {'query': r'has no 3-level ABI \(error -12\); using 2l', 'bitmaps': r'refuses 3l \(error -12\); using 2l',
               'l2': r'refuses 3l \(error -12\); using 2l', 'later': 'VCPU 1: -12',
               'again': r'refuses 3l \(error -12\); using 2l'}
    for world, (step, says) in itertools.product(('bare', 'xl'), refused.items()):
        yield boot('3l', f'{world}-refuses-{step}', world, image('tests/refuse'), '--vcpus', '2', '--cmdline',
                   f'evtchn=3l refuse={step} error=12', xen='3l', output=[says], quick=world == 'bare')
    yield boot('3l', 'refuses-no-vcpu-info', 'bare', image('tests/refuse'), '--vcpus', '2', '--xen-args',
               'dom0_max_vcpus=34', '--cmdline', 'evtchn=3l unready vcpu=33', xen='3l',
               output=['VCPU 33 without vcpu_info: -22', 'VCPU 33: 0', 'after a reset event channels are 3l'])
    # Domains that end in every way with pages registered, one after another in one dom0.
    yield boot('3l', 'lives', 'xl', image('selftest/misbehave'), '--cmdline', 'fine evtchn=3l', '--afterwards',
               'tests/xen/selftest/lives_3l', '--also', image('selftest/half_3l'), '--cmdline', 'crash evtchn=2l',
               xen='3l', deadline=180, status=6, output=[r'dom0 \| .*\[[01]/1/[01]{2}\]: s=3', r'dom0 \| free before'])


def _debug_key():
    """VIRQ_DEBUG, raised by a key on the machine's serial line, or by xl."""
    for abi in ('2l', 'fifo'):
        yield boot('corners', f'debug-key-{abi}', 'bare', image('selftest/echo'), '--cmdline', f'evtchn={abi}',
                   '--input', 'tests/xen/selftest/debug.input')
        yield boot('corners', f'debug-key-xl-{abi}', 'xl', image('selftest/echo'), '--cmdline', f'evtchn={abi}',
                   '--input', 'tests/xen/selftest/debug_xl.input')


def _save():
    """A guest that is saved, restored and migrated by the real xl, while all it has goes on."""
    def saved(name, script, *options, **more):
        return boot('save', name, 'xl', image('tests/saved'), '--memory', '8', '--input',
                    f'tests/xen/selftest/{script}.input', *options, deadline=240, **more)

    def counted(name, script, *options, output, **more):
        return saved(name, script, *options, '--numbered', output=[*output, r'==> \d{2,} numbered lines, all there'], **more)
    for xen in XENS:
        for abi in ('2l', 'fifo'):
            for vcpus in (1, 4):
                quick = (xen, abi, vcpus) in (('4.17', 'fifo', 4), ('4.20', '2l', 1))
                yield counted(f'restored-{xen}-{abi}-{vcpus}cpu', 'save', '--vcpus', str(vcpus), '--cmdline',
                              f'evtchn={abi}', xen=xen, output=['10 restored, 0 cancelled'], quick=quick)
                yield counted(f'cancelled-{xen}-{abi}-{vcpus}cpu', 'cancel', '--vcpus', str(vcpus), '--cmdline',
                              f'evtchn={abi} cycles=3', xen=xen, output=['1 restored, 2 cancelled'],
                              quick=(xen, abi, vcpus) == ('4.20', 'fifo', 4))
    # More than shared_info has room for: above 31 a VCPU's vcpu_info is the one that is registered.
    for xen, abi in (('4.17', 'fifo'), ('4.20', '2l'), ('3l', '3l')):
        yield counted(f'34-vcpus-{xen}-{abi}', 'save', '--vcpus', '34', '--cmdline', f'evtchn={abi} cycles=2', xen=xen,
                      output=['2 restored, 0 cancelled'], quick=False)
    for abi in ('2l', '3l', 'fifo'):
        yield counted(f'migrated-{abi}', 'migrate', '--vcpus', '2', '--cmdline', f'evtchn={abi} cycles=2', xen='3l',
                      output=['2 restored, 0 cancelled'], quick=abi == '3l')
    for what in ('shutdown', 'reboot'):
        yield saved(what, what, '--vcpus', '2', '--no-verdict', output=[f'ended by {what.replace("shutdown", "poweroff")}'])
    yield boot('soak', 'restored-1000-times', 'xl', image('tests/saved'), '--memory', '8', '--vcpus', '4', '--cmdline',
               'cycles=1000', '--input', 'tests/xen/selftest/save.input', '--numbered', deadline=4 * 3600, quick=False,
               output=['1000 restored, 0 cancelled'])


def _soak():
    """Hours cut short: many events, many ports, many lives of a port."""
    suite = image('tests/suite')
    for xen in XENS:
        for abi in ('2l', 'fifo'):
            yield boot('soak', f'events-{xen}-{abi}', 'bare', suite, '--vcpus', '4', '--cmdline',
                       f'evtchn={abi} only=what_is_sent steps=10000000', xen=xen, guest_tests=True,
                       deadline=3600, quick=False)
            yield boot('soak', f'events-of-all-vcpus-{xen}-{abi}', 'bare', suite, '--vcpus', '4', '--cmdline',
                       f'evtchn={abi} only=what_all steps=10000000', xen=xen, guest_tests=True,
                       deadline=3600, quick=False)
    yield boot('soak', '100000-ports', 'bare', suite, '--cmdline', 'ports=100000 only=every_port',
               guest_tests=True, deadline=3600, quick=False)
    yield boot('soak', 'ports-to-the-end', 'bare', suite, '--cmdline', 'ports=131071 only=every_port',
               guest_tests=True, deadline=3600, quick=False)
    for quick, rounds in ((True, 100000), (False, 1000000)):
        yield boot('corners' if quick else 'soak', f'{rounds}-lives-of-a-port', 'bare', suite, '--cmdline',
                   f'evtchn=fifo rounds={rounds} only=closed_while_linked', guest_tests=True,
                   deadline=3600, quick=quick)


def _host():
    """evtchn/ on a model of Xen: see tests/host."""
    for abi, vcpus in (('2l', 1), ('fifo', 1), ('3l', 1), ('2l', 2), ('fifo', 3), ('3l', 4)):
        program = 'suite' if vcpus == 1 else 'smp'
        yield Case('host', f'guest-{abi}-{vcpus}cpu', ['tests/host/run', f'build/host/asan/{program}', '--cmdline',
                                                      f'evtchn={abi} vcpus={vcpus}'], guest_tests=True)
    # The model says what a real Xen says.
    for abi, xen, seed in (('2l', '4.17', 1), ('fifo', '4.20', 2), ('3l', '3l', 3), ('fifo', '4.17', 4), ('2l', '4.20', 5)):
        yield Case('host', f'trace-{abi}-{xen}-{seed}', ['tests/host/trace', '--abi', abi, '--xen', xen, '--seed', str(seed)],
                   output=['they agree'], quick=seed <= 3)
    for target in ('events', 'console', 'cmdline', 'printf'):
        for seconds in (10, 600):
            yield Case('host', f'fuzz-{target}' + ('' if seconds == 10 else '-long'),
                       ['tests/host/fuzzing/run', target, '--seconds', str(seconds)], seconds=seconds + 110,
                       quick=seconds == 10)
    for abi in ('2l', 'fifo', '3l'):
        yield Case('host', f'tsan-{abi}', ['env', 'TSAN_OPTIONS=suppressions=tests/host/tsan.supp', 'build/host/tsan/smp',
                                           f'evtchn={abi}', 'vcpus=2'],
                   output=['Test result: SUCCESS'], seconds=600)
    for abi in ('2l', 'fifo', '3l'):
        yield Case('host', f'guest-{abi}-32bit', ['tests/host/run', 'build/host/m32/suite', '--cmdline', f'evtchn={abi}'],
                   guest_tests=True)
    yield Case('host', 'props-32bit', ['build/host/m32/props', '--ops', '200000', '--seed', '2000000'])
    yield Case('host', 'unit', ['build/host/asan/unit'], output=['ok   abi_is_chosen', '0 failures'])
    yield Case('host', 'props', ['build/host/plain/props', '--ops', '1000000'])
    yield Case('host', 'props-asan', ['build/host/asan/props', '--ops', '300000', '--seed', '1000000'])
    explore = 'build/host/explore/explore'
    yield Case('host', 'explore-litmus', [explore, '--litmus', '2000'])
    # None stops below three pre-emptions: who makes a scenario longer sees what it costs.
    for memory in ('x86', 'arm64'):
        for name, states, seconds in (('', 20000, 600), ('-long', 500000, 4 * 3600)):
            yield Case('host', f'explore-{memory}{name}', [explore, '--memory', memory, '--states', str(states)],
                       output=[', 0 of fewer;'], seconds=seconds, quick=not name)
    yield Case('host', 'explore-barriers', [explore, '--barriers'], seconds=400)
    yield Case('host', 'explore-barriers-all', [explore, '--barriers-all'], seconds=2 * 3600, quick=False)
    yield Case('soak', 'props', ['build/host/plain/props', '--ops', '100000000', '--seed', '10000000'],
               seconds=3600, quick=False)


def _xenstore():
    """The client with dom0's help, and with a server that does anything."""
    for xen, compiler, vcpus in (('4.17', 'gcc', 4), ('4.20', 'clang', 1)):
        yield boot('xenstore', f'dom0-{xen}-{vcpus}cpu', 'xl', image('tests/suite', compiler), '--vcpus', str(vcpus),
                   '--cmdline', 'only=xenstore_ dom0', '--input', 'tests/xen/selftest/xenstore.input', xen=xen,
                   guest_tests=True, output=['ok   xenstore_dom0_makes_a_long_directory'])
    fuzz = ['tests/host/fuzz', 'build/host/xenstore/fuzz_ring']
    yield Case('xenstore', 'fuzz', fuzz)
    yield Case('soak', 'xenstore-fuzz', [*fuzz, '--seconds', '1800'], seconds=2400, quick=False)


def _grants():
    """Between two domUs; and with what the xl file allows, both versions, one after the other."""
    suite, own = image('tests/suite'), 'tests/xen/selftest/grants_'
    for xen, version in (('4.17', ''), ('4.20', ' gnttab=2 gnttab_is=2')):
        yield boot('grants', f'two-domus-{xen}', 'xl', suite, '--cmdline', 'only=xenstore_peer peer=2 offer' + version,
                   '--also', suite, '--cmdline', 'only=xenstore_peer peer=1', '--name', 'second', xen=xen,
                   output=['==> suite: SUCCESS.*2 ok', '==> second: SUCCESS.*2 ok'])
    refused = 'refuses version 2 of the grant table .error -38.; using 1'
    for name, options, output in (('1_frame', 'grants=504', []), ('v1', 'gnttab=2', [refused]),
                                  ('v2', 'gnttab=2 gnttab_is=2 grants=504', [])):
        for xen in XENS:
            yield boot('grants', f'{name.replace("_", "-")}-{xen}', 'xl', suite, '--cfg', f'{own}{name}.cfg',
                       '--cmdline', f'only=gnttab_ {options}', '--vcpus', '2', xen=xen, guest_tests=True, output=output,
                       quick=xen == '4.17')
    for xen in XENS:
        yield boot('grants', f'bare-v2-{xen}', 'bare', suite, '--cmdline', 'only=gnttab_ gnttab=2 gnttab_is=2',
                   xen=xen, guest_tests=True)


def _vchan():
    """Both ends of a vchan."""
    pipe = image('tests/pipe')

    def two(name, xen, vcpus, line, **more):
        compiler = 'gcc' if xen == '4.17' else 'clang'
        return boot('vchan', name, 'xl', image('tests/pipe', compiler), '--vcpus', str(vcpus), '--cmdline',
                    f'server peer=2 {line}', '--name', 'server', '--also', pipe, '--vcpus', '2', '--cmdline',
                    f'client peer=1 {line}', '--name', 'client', xen=xen, **more)

    yield two('orders-4.20', '4.20', 1, 'orders messages=50 kb=512', deadline=240, output=['connected at data/pipe-20-11'])
    for xen, mb in itertools.product(XENS, (20, 100)):
        yield two(f'{mb}MB-{xen}', xen, 2, f'messages=2000 kb={mb * 1024} in=20 out=16', deadline=60 + 12 * mb,
                  output=[f'{mb * 1024} KiB each way'], quick=(mb, xen) == (20, '4.17'))

    # With Xen's own tool at the other end. As a server it has rings of 1 and 2 KiB, which takes five times as long.
    for xen, ours, mb in itertools.product(XENS, ('server', 'client'), (1, 20, 100)):
        dom0s = 'client' if ours == 'server' else 'server'
        line = f'{ours} peer=0 kb={mb * 1024} ' + ('in=20 out=20' if ours == 'server' else 'path=/local/domain/0/data/pipe')
        yield boot('vchan', f'dom0-{dom0s}-{mb}MB-{xen}', 'xl', pipe, '--vcpus', '2', '--cmdline', line,
                   '--input', f'tests/xen/selftest/vchan_{dom0s}.input', '--expect-line', 'hashes agree', xen=xen,
                   deadline=120 + 40 * mb, output=[f'vchan {dom0s}: {mb * 1024} KiB came as'],
                   quick=(dom0s, mb, xen) in (('client', 20, '4.17'), ('server', 1, '4.20')))


def _vchan_lost():
    """Vchans that end: a domain is saved and restored, or told to go on; another ends, a program in dom0 is killed."""
    link, own = image('tests/link'), 'tests/xen/selftest/vchan_'
    for xen, (first, second) in itertools.product(XENS, (('server', 'client'), ('client', 'server'))):
        yield boot('vchan', f'saved-{second}-{xen}', 'xl', link, '--name', 'one', '--cmdline', f'{first} lives=2 rounds=100',
                   '--also', link, '--name', 'two', '--vcpus', '2', '--cmdline', f'{second} lives=2 rounds=100', '--input',
                   f'{own}saved.input', xen=xen, deadline=240, quick=(second, xen) == ('client', '4.17'),
                   output=['two . suspend cancelled', 'two . suspend done', 'one . connected to domain 3'])
        yield boot('vchan', f'{second}-destroyed-{xen}', 'xl', link, '--no-verdict', '--name', 'one', '--cmdline', first,
                   '--also', link, '--name', 'two', '--cmdline', second, '--input', f'{own}destroyed.input', xen=xen,
                   deadline=180, output=['one . lost after', 'one: SUCCESS: by its own verdict'],
                   quick=(second, xen) == ('server', '4.20'))
    fuzz = ['tests/host/fuzz', 'build/host/vchan/fuzz_vchan']
    yield Case('vchan', 'fuzz', fuzz)
    yield Case('soak', 'vchan-fuzz', [*fuzz, '--seconds', '1800'], seconds=2400, quick=False)
    for xen in XENS:
        yield boot('vchan', f'killed-{xen}', 'xl', link, '--cmdline', 'server', '--input', f'{own}killed.input', xen=xen,
                   deadline=120, output=['lost after'], quick=xen == '4.20')


def _xenbus():
    """The null front end: its back end is played in dom0; then it is a domU that misbehaves."""
    front, back, own = image('examples/nullfront'), image('tests/nullback'), 'tests/xen/selftest/null_'

    def several(name, xen, domains, **more):
        words = []
        for what, domain, options in domains:
            words += ['--also', what, '--name', domain, '--memory', '4', *options]
        return boot('xenbus', f'{name}-{xen}', 'xl', front, '--afterwards', own + 'backend', '--no-verdict', *words[2:],
                    xen=xen, deadline=150, **more)

    def pair(number, how, requests):
        return ((front, f'front{number}', ('--cmdline', f'requests={requests}')),
                (back, how, ('--cmdline', f'front={number} how={how} requests={requests}', '--input', f'{own}pair_{number}.input')))
    plays = [(front, play, ('--input', f'{own}{play}.input')) for play in ('states', 'gone', 'nonsense', 'taken')]
    for xen in XENS:
        yield several('plays', xen, plays, quick=xen == '4.17', output=[
            'states: the front end is in 7', 'states .*state 8', 'states .*closed', 'gone .*the back end is gone: error -107',
            'nonsense .*the back end is gone', 'taken .*no service: error -2', *(f'==> {p}: SUCCESS' for _, p, _ in plays)])
        yield several('storm-and-lie', xen, [*pair(1, 'storm', 2000), *pair(3, 'lie', 100)], quick=xen == '4.20', output=[
            r'storm .* \d{4,} events for nothing', r'front1 .*2000 of 2000 answered; \d{1,3} events', 'storm .*served 2000',
            'front3 .*the back end lies: error -5'])
        yield several('vanish-and-back', xen, [*pair(1, 'vanish', 100), *pair(3, 'back', 100)], quick=xen == '4.17', output=[
            'front1 .*the back end is gone: error -107', 'front3 .*the back end lies: error -5'])


def _static():
    """What can be seen without running anything."""
    for check in ('check_red_zone', 'check_symbols', 'check_rules', 'check_newlib', 'check_api', 'check_docs', 'check_size'):
        yield Case('static', check, [f'tests/static/{check}'])
    yield Case('static', 'doc', ['make', '-s', 'doc'], output=['build/doc/html/index.html'])


def _newlib():
    """Programs of newlib's."""
    for world, xen, compiler, vcpus in (('bare', '4.17', 'gcc', 1), ('bare', '4.20', 'clang', 4), ('xl', '4.17', 'gcc', 4)):
        yield boot('newlib', f'{world}-{xen}-{compiler}-{vcpus}cpu', world, image('tests/newlib', compiler), '--vcpus',
                   str(vcpus), '--cmdline', 'FROM_OUTSIDE="two words"', xen=xen, guest_tests=True, deadline=120)
    for name in ('suite', 'newlib'):
        yield boot('newlib', f'no-rdrand-{name}', 'bare', image(f'tests/{name}'), '--cpu', 'max,-smap,-smep,-rdrand',
                   '--cmdline', f'no-rdrand only={"random_" if name == "suite" else "getentropy"}', guest_tests=True)


def _install():
    """What `make install` installs, used from outside the tree."""
    for case in ('names', 'link', 'boot', 'new', 'docs'):
        yield Case('install', case, ['tests/install/run', case], seconds=300)


# Static channels from a tree: (world, Xen, compiler, ABI, VCPUs, tree, our name in it). Which ports exist is
# part of it: with more VCPUs their own channels would have the numbers of the example.
_TREES = (('bare', '4.17', 'gcc', '2l', 1, 'guest/form-a', 'domU1'), ('bare', '4.20', 'clang', 'fifo', 2, 'guest/form-b', 'domU1'),
          ('bare', '4.17', 'clang', 'fifo', 2, 'module/form-c', ''), ('xl', '4.17', 'clang', '2l', 2, 'guest/form-b', 'domU1'),
          ('bare', '3l', 'gcc', '3l', 2, 'guest/form-a', 'domU1'),
          ('xl', '4.20', 'gcc', 'fifo', 1, 'guest/form-a', '/chosen/domU1'), ('xl', '4.17', 'gcc', '2l', 1, 'module/form-c', ''))


def _static_channels():
    """Static channels, and the tool that writes and checks their device trees."""
    for test, seconds in (('tree', 60), ('damage', 120), ('fuzz', 60), ('check', 60), ('convert', 60), ('split', 60),
                          ('dot', 60), ('usage', 60)):
        yield Case('dt', test, ['tests/host/dt/run', test], seconds=seconds)
    yield Case('dt', 'install', ['sh', '-c', 'rm -rf build/host/dt/dest && make -s install DESTDIR=build/host/dt/dest PREFIX=/usr '
                                 '&& build/host/dt/dest/usr/bin/xenlet-dt check tests/host/dt/system/seed-merged.dts'],
               output=['2 domains, 2 static channels: Xen boots it'])
    for xen, gic in itertools.product(XENS, (2, 3)):
        yield Case('dt', f'verdicts-{xen}-gic{gic}', ['tests/xen/dom0less/verdicts', '--xen', xen, '--gic', str(gic),
                                                      '-j', '1'], seconds=400, quick=(xen, gic) in (('4.17', 3), ('4.20', 2)))
    for world, xen, compiler, abi, vcpus, tree, domain in _TREES:
        name = f'{world}-{xen}-{compiler}-{abi}-{vcpus}cpu-{tree.partition("/")[2]}'
        yield boot('dt', name, world, image('tests/static', compiler), '--module', f'build/host/dt/{tree}.dtb',
                   '--vcpus', str(vcpus), '--cmdline', f'evtchn={abi}' + (f' domain={domain}' if domain else ''),
                   xen=xen, guest_tests=True)
    for how, said in (('silent', 'is silent'), ('close', 'has closed its end')):
        yield boot('dt', f'example-{how}', 'bare', image('tests/heartbeat'), '--cmdline', how,
                   '--module', 'build/host/dt/module/form-c.dtb', output=[f'beats, then none: the peer {said}'])


# On arm64, as domUs without dom0: (Xen, GIC, CPU, ABI, VCPUs). cortex-a57 has no LSE, max has, and a generator.
_ARM64 = {('4.17', 2, 'cortex-a57', '2l', 1), ('4.20', 3, 'max', 'fifo', 2)}
# What both play: (Xen, GIC, each one's ABI, VCPUs, CPUs of the machine, pings). On one CPU a ping costs no wake-up.
_ARM64_GAMES = {('4.17', 3, 'fifo', '2l', 1, 1, 100000): True, ('4.20', 2, '2l', 'fifo', 4, 2, 500): True,
                ('4.17', 2, '2l', '2l', 2, 1, 100000): False, ('4.20', 3, 'fifo', 'fifo', 1, 1, 100000): False}


# What the two ends of a static channel do, see far_end.c. Xen connects domU2's last: it begins pending.
_ARM64_PAIRS = (('carried', 'switch evtchn=2l', 'knock=once pending evtchn=fifo', ['domU1 . in FIFO with an event of 2-level']),
                ('left', 'reset', 'knock left', ['domU1 . after a reset the channel is lost', 'domU2 . the other end has left',
                                                 'port 11: its peer, domain 1, has closed its end']))


def _arm64():
    suite, hello, game = (f'build/gcc-arm64/{name}.img' for name in ('tests/suite', 'examples/hello', 'examples/pingpong'))
    for xen, gic, cpu, abi, vcpus in itertools.product(XENS, (2, 3), ('cortex-a57', 'max'), ('2l', 'fifo'), (1, 2, 4)):
        yield boot('arm64', f'{xen}-gic{gic}-{cpu}-{abi}-{vcpus}cpu', 'arm64', suite, '--gic', str(gic), '--cpu', cpu,
                   '--vcpus', str(vcpus), '--cmdline', f'evtchn={abi}', xen=xen, guest_tests=True, deadline=300,
                   output=[f'{vcpus} VCPUs, event channels {abi}'] + ['ok   random_bytes_differ'] * (cpu == 'max'),
                   quick=(xen, gic, cpu, abi, vcpus) in _ARM64)
    for abi, vcpus in (('3l', 1), ('3l', 4), ('fifo', 2)):
        yield boot('arm64', f'3l-{abi}-{vcpus}cpu', 'arm64', suite, '--vcpus', str(vcpus), '--cmdline', f'evtchn={abi}',
                   xen='3l', guest_tests=True, deadline=300, quick=False, output=[f'event channels {abi} of a Xen with 3l'])
    for (xen, gic, abi, other, vcpus, cpus, count), quick in _ARM64_GAMES.items():
        yield boot('arm64', f'pingpong-{xen}-gic{gic}-{abi}-{other}-{vcpus}cpu', 'arm64', game, '--gic', str(gic),
                   '--cpus', str(cpus), '--channels', 'tests/xen/dom0less/pair.dts', '--vcpus', str(vcpus),
                   '--cmdline', f'evtchn={abi} count={count}', '--also', game, '--vcpus', str(vcpus),
                   '--cmdline', f'evtchn={other} count={count} serve', xen=xen, deadline=600, quick=quick,
                   output=[f'domU{n} . doorbell: {count} sent, {count} seen' for n in (1, 2)])
    for (name, one, two, said), xen in itertools.product(_ARM64_PAIRS, XENS):
        far_end = 'build/gcc-arm64/tests/far_end.img'
        yield boot('arm64', f'{name}-{xen}', 'arm64', far_end, '--gic', '2' if xen == '4.17' else '3', '--channels',
                   'tests/xen/dom0less/pair.dts', '--cmdline', f'port=10 {one}', '--also', far_end, '--cmdline',
                   f'port=11 {two}', xen=xen, output=said, deadline=120, quick=(name, xen) != ('carried', '4.17'))
    # Partial trees that are larger than 4.17 copies.
    for xen, status, said in (('4.17', 6, 'the device tree is damaged: .*; Xen 4.17 has 4,096 bytes for it'),
                              ('4.20', 0, 'domU2 . doorbell: 10 sent, 10 seen')):
        yield boot('arm64', f'large-tree-{xen}', 'arm64', game, '--cpus', '1', '--channels', 'tests/xen/dom0less/pair.dts',
                   '--long-label', '3000', '--cmdline', 'count=10', '--also', game, '--cmdline', 'count=10 serve', xen=xen,
                   output=[said], status=status)
    yield Case('arm64', 'new', ['sh', '-c', 'rm -rf build/new-arm64 && mkdir -p build/new-arm64 && make -s new ARCH=arm64 '
                                'NAME=build/new-arm64/hello && make -s -C build/new-arm64/hello run'], seconds=400,
               output=['Hello from hello: 32768 KiB', '3 events, and done'])
    yield Case('arm64', 'followed', ['tests/xen/dom0less/followed'], seconds=300)
    yield boot('arm64', 'vpl011', 'arm64', hello, '--vpl011', output=['fifo event channels'])
    for name, said in (('fault', ['data abort', 'cannot write address 0x0: nothing is mapped there', r'#0 .* write_to_null\+',
                                  r'#1 .* inner_function\+', r'#2 .* outer_function\+', r'#3 .* main\+']),
                       ('overflow', ['stack overflow: the address is in the guard page of boot_stack']),
                       ('exec_data', ['instruction abort', 'cannot execute address .*: not allowed there']),
                       ('stack', ['data abort', 'cannot write address 0xff0: nothing is mapped there', r'#0 .* be_lost\+'])):
        yield boot('arm64', f'crash-{name}', 'arm64', f'build/gcc-arm64/tests/crash_{name}.img', xen='4.20', status=6,
                   output=said)


def _bench():
    """What events cost, in instructions."""
    yield Case('bench', 'check', ['bench/run', '--check'], seconds=400)


def _crashes():
    """Guests that crash on purpose: each source says, after `Expect:`, what has to be reported."""
    for source in sorted((paths.ROOT / 'tests/guest/crash').rglob('*.c')):
        words, vcpus = (re.findall(rf'^\W*{key}: (.*?)(?: \*/)?$', source.read_text(), re.M) for key in ('Expect', 'Vcpus'))
        for number, (world, xen) in enumerate((('bare', '4.20'), ('xl', '4.17'))):
            yield boot('crash', f'{source.stem}-{world}', world, image(f'tests/{source.stem}', COMPILERS[number]),
                       *(['--vcpus', *vcpus] if vcpus else []), xen=xen, status=6, output=words)


def cases():
    yield from _static()
    yield from _host()
    yield from _xenstore()
    yield from _grants()
    yield from _vchan()
    yield from _vchan_lost()
    yield from _xenbus()
    yield from _install()
    yield from _newlib()
    yield from _suite()
    yield from _pvshim()
    yield from _corners()
    yield from _debug_key()
    yield from _three_level()
    yield from _refusals()
    yield from _static_channels()
    yield from _arm64()
    yield from _save()
    yield from _soak()
    yield from _crashes()
    yield from _bench()
    yield from _examples()
    yield from _runner()
