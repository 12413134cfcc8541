# SPDX-License-Identifier: MIT
"""World "whole": Xen, a Linux dom0, and our images as PV domUs created by xl."""

from . import judge, shim, snapshot
from .dom0 import SLOTS, Dom0
from .errors import DeadlinePassed, LabError, SnapshotBroken
from .log import Log
from .machine import plugin_arguments
from .outcome import Outcome
from .rundir import RunDir
from .xenreport import XenWatch

_MACHINE = 512          # MB: 256 for dom0, the rest for Xen and small guests
_ROOM = 128             # MB of it that guests can have for sure
_STEP = 512             # MB by which a machine for larger guests grows
_QUIET = 0.3            # seconds of silence that end Xen's report
_AFTERWARDS = 'afterwards'


class _Whole:
    def __init__(self, domains, log, progress):
        self.domains = domains
        self.log, self.progress = log, progress
        self.xen = XenWatch()
        self.said, self.status = [], None       # what commands in dom0 said, and how the last one ended

    def domain(self, name):
        return next(d for d in self.domains if d.name == name)

    def message(self, verb, rest):
        """What the agent in dom0 says."""
        if verb == 'closed':
            for domain in self.domains:
                if str(domain.slot) == rest:
                    domain.closed = True
        elif verb == 'sh':
            self.said.append(rest)
            self.progress.guest('dom0', rest)
        elif verb == 'done':
            self.status = rest
            if rest != '0':
                self.progress.say(f'dom0: exit status {rest}')
        elif verb in ('xl', 'ended'):
            name, _, text = rest.partition(' ')
            domain = self.domain(name)
            if verb == 'ended':
                domain.ended = True
                return
            domain.xl_says(text)
            if 'rror' in text or 'arning' in text or 'ailed' in text:
                self.progress.say(f'xl: {text}')
            elif 'has shut down' in text:
                self.progress.say(f'{name} has shut down: {domain.how}')

    def line(self, domain, line):
        self.log.add(domain.name, line)
        domain.console.add(line)
        if domain.pvshim:
            domain.shim.add(line)
        self.progress.guest(domain.name, line)

    def follow(self, machine, slot, domain):
        domain.slot = slot
        script = domain.script
        if script:
            script.attach(machine.machine.channels[f'console.{slot}'], lambda text: machine.command(f'sh {text}'))
        machine.consoles[slot] = (lambda line: self.line(domain, line),
                                  script.text if script else lambda text: None)


def _memory(domains):
    need = sum(domain.megabytes() for domain in domains)
    return _MACHINE + max(0, -(-(need - _ROOM) // _STEP)) * _STEP


def _start(machine, hypervisor, options, memory, progress):
    if options.cold:
        progress.say(f'booting Xen {hypervisor.name} and dom0')
        machine.boot(options, memory, plugin_arguments(options))
    else:
        file = snapshot.get(hypervisor, options, memory, progress)
        progress.say(f'resuming Xen {hypervisor.name} and dom0')
        machine.resume(options, memory, file)


def _read(script):
    try:
        return script.read_bytes()
    except OSError as error:
        raise LabError(f'cannot read {script}: {error.strerror}') from None


def _create(machine, hypervisor, state, options, progress):
    """Create the domains; the deadline counts from here."""
    files = shim.files(hypervisor) if options.pvshim else {}
    if options.afterwards:
        files[_AFTERWARDS] = _read(options.afterwards)
    for domain in state.domains:
        files.update(domain.files())
    machine.load(files)
    machine.machine.allow(options.deadline)
    for slot, domain in enumerate(state.domains):
        state.follow(machine, slot, domain)
        progress.say(f'xl create {domain.name}')
        machine.command(f'create {slot} {domain.name}')
        # In turn, so that the domain ids follow the order of the command line.
        machine.wait(lambda: domain.domid is not None or domain.ended, domain.waiting_for())


def _take_the_rest(machine, state):
    """Once xl is through, what it and the guests last said is on its way."""
    machine.machine.drain(_QUIET if any(d.how == 'crash' for d in state.domains) else 0.02)
    for slot in range(len(state.domains)):
        machine.machine.channels[f'console.{slot}'].end_line()


def _afterwards(machine, state, options, results):
    """Run the script in dom0; if it fails, the first domain's result says so."""
    machine.machine.allow(options.deadline)
    state.status = None
    machine.command(f'sh sh /t/{_AFTERWARDS}')
    try:
        machine.wait(lambda: state.status is not None or state.xen.panic, f'{options.afterwards} in dom0')
    except DeadlinePassed as error:
        state.status = f'none: {options.deadline:g} s passed, waiting for {error.waiting_for}'
    results[0].said = state.said
    if state.xen.panic:
        return [judge.panic(d.console, state.xen.panic) for d in state.domains]
    if state.status != '0':
        results[0].outcome = Outcome.FAILURE
        results[0].why = f'{options.afterwards} ended with status {state.status}'
    return results


def _judge(domain, state, options):
    if domain.domid is None:
        # The first of its errors is the cause; the later ones are of cleaning up.
        errors = [line for line in domain.xl_lines if 'rror' in line] or domain.xl_lines[-2:]
        why = '; '.join(errors[:2]) or 'it said nothing'
        return judge.Result(Outcome.ERROR, f'xl could not create {domain.name}: {why}', domain.console)
    if domain.how == 'crash':
        report = state.xen.of(domain.domid) or domain.shim.of(domain.domid)
        return judge.crash(domain.console, domain.elf, report)
    world = 'shim' if options.pvshim else 'whole'
    return judge.ended(domain.console, world, domain.how or 'its destruction', options.needs_verdict)


def run(hypervisor, domains, options, progress):
    """Create the domains and wait for all of them; returns their Results in order."""
    if len(domains) > SLOTS:
        raise LabError(f'at most {SLOTS} domains can be followed at once')
    memory = _memory(domains)
    if options.cold:
        return _logged_run(hypervisor, domains, options, memory, progress)
    file = snapshot.get(hypervisor, options, memory, progress)
    try:
        return _logged_run(hypervisor, domains, options, memory, progress)
    except SnapshotBroken as error:
        progress.say(f'{error}; a new one is taken')
        file.unlink(missing_ok=True)
        snapshot.get(hypervisor, options, memory, progress)
        return _logged_run(hypervisor, domains, options, memory, progress)


def _logged_run(hypervisor, domains, options, memory, progress):
    log, folder = Log(options.log, progress), RunDir(options.log)
    state = _Whole(domains, log, progress)
    try:
        with Dom0(hypervisor, folder, log, progress, state.xen.add, state.message) as machine:
            results = _run(machine, hypervisor, state, options, memory, progress)
            for result in results:
                result.log = log.path
            return results
    finally:
        log.close()
        folder.remove()


def _run(machine, hypervisor, state, options, memory, progress):
    domains = state.domains
    try:
        _start(machine, hypervisor, options, memory, progress)
        _create(machine, hypervisor, state, options, progress)
        machine.wait(lambda: all(d.over() for d in domains) or state.xen.panic, '')
    except DeadlinePassed as error:
        _take_the_rest(machine, state)
        return [judge.timeout(d.console, machine.machine.deadline, error.waiting_for or d.waiting_for(), state.log)
                if not d.over() else _judge(d, state, options) for d in domains]
    _take_the_rest(machine, state)
    if state.xen.panic:
        return [judge.panic(d.console, state.xen.panic) for d in domains]
    results = [_judge(d, state, options) for d in domains]
    return _afterwards(machine, state, options, results) if options.afterwards else results
