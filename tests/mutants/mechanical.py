# SPDX-License-Identifier: MIT
"""Changes evtchn/ by rule, one place at a time, and has the host's tests notice. What they do not notice has to stand
in survivors.txt, with the reason."""

import collections
import hashlib
import json
import re
import threading
import time

import rules
import tree

_SURVIVORS = 'tests/mutants/survivors.txt'
_RESULTS = tree.BUILD / 'results.json'
_ABIS = ('2l', 'fifo', '3l')
_DT = 'evtchn/static_tree.c'
# The same machine code is no change: here, and on a CPU where each order of memory has an instruction of its own.
_PRODUCTS = (('gcc', ()), ('gcc-arm64', ('ARCH=arm64',)))

REFUSED, SAME, SURVIVED = 'refused by the compiler', 'the same machine code', 'survived'


# --- is it noticed ---------------------------------------------------------------------------------------------------

class Killers:
    """The tests, cheapest first, on one copy of the tree. All is compiled by the commands that make says."""

    def __init__(self, snapshot, number, explore):
        self.work, self.explore = tree.Tree(snapshot, f'tree-{number}'), explore
        self.name, self.known = None, {}
        self.work.make(tree.PROPS, tree.SUITE, tree.UNIT, tree.ASAN, tree.EXPLORE)

    def begin(self, name):
        """From now on `name` is the file that changes."""
        if self.name == name:
            return
        self.end()
        if name not in self.known:
            self._learn(name)
        self.name = name
        self.products, self.base, self.steps, self.objects = self.known[name]

    def _learn(self, name):
        """What is compiled from it, how, and what comes of it as it is."""
        names = self.work.snapshot.files
        sources = [name] if name.endswith('.c') else [n for n in names if re.fullmatch(r'evtchn/\w+\.c', n) and n != _DT]
        self.products = []
        for out, variables in _PRODUCTS:
            objects = [f'build/{out}/{n}.o' for n in sources]
            self.products.append((self._asked(name, *variables, *objects), objects))
        base = [self._digest(i) for i in range(len(_PRODUCTS))]
        if name == _DT:
            trees = [re.fullmatch(r'tests/host/(dt/\w+/.*)\.(?:dts|hex)', n) for n in names]
            self.work.make(*tree.DT, *(f'build/host/{found[1]}.dtb' for found in trees if found))
            steps = [(self._asked(name, *tree.DT), self._dt)]
            if self._dt():
                raise tree.Broken('the tests of device trees fail without any change')
        else:
            first = self._asked(name, tree.UNIT)
            steps = [(first, self._unit),
                     ([c for c in self._asked(name, tree.SUITE, tree.PROPS) if c not in first], self._model),
                     (self._asked(name, tree.ASAN), self._asan)]
            if self.explore:
                steps.append((self._asked(name, tree.EXPLORE), self._explore))
        made = {found[1] for commands, _test in steps for c in commands if (found := re.search(r' -c .* -o (\S+\.o)$', c))}
        self.known[name] = (self.products, base, steps, {n: (self.work.path / n).read_bytes() for n in made})

    def end(self):
        """The file is as it was: what was compiled from it, too."""
        if self.name:
            for name, data in self.objects.items():
                (self.work.path / name).write_bytes(data)

    def _asked(self, name, *targets):
        commands = self.work.commands(name, *targets)
        return [re.sub(r' -g ', ' ', c) if ' -c ' in c else c for c in commands]

    def _digest(self, i):
        """A digest of the objects that are the library's; None when they do not compile."""
        commands, objects = self.products[i]
        if not self.work.shell(commands):
            return None
        whole = hashlib.sha256()
        for name in objects:
            whole.update((self.work.path / name).read_bytes())
        return whole.hexdigest()

    def _failed(self, status, output, what):
        if status == 0:
            return None
        found = re.search(r'^FAIL (\w+)', output, re.MULTILINE)
        why = f' {found[1]}' if found else ', which does not end' if status is None else ', by a crash' if status < 0 else ''
        return what + why

    def _unit(self):
        return self._failed(*self.work.run(f'./{tree.UNIT}', seconds=120, cpu=3), 'unit')

    def _asan(self):
        return self._failed(*self.work.run(f'./{tree.ASAN}', seconds=120, cpu=15), 'asan')

    def _model(self):
        status, output = self.work.run(f'./{tree.PROPS}', '--ops', '200000', '--as-is', seconds=120, cpu=4)
        if status != 0:
            return 'props'
        for abi in _ABIS:
            status, output = self.work.run(f'./{tree.SUITE}', f'evtchn={abi}', seconds=120, cpu=4)
            if status == 0 and 'Test result: SUCCESS' not in output:
                status = 1
            if status != 0:
                return self._failed(status, output, f'suite {abi}')
        return None

    def _explore(self):
        status, output = self.work.run(f'./{tree.EXPLORE}', '--hunt', '--preemptions', '2', '--states', '1000', seconds=300)
        if status == 0:
            return None
        found = re.search(r'^FAIL (\S+ \S+ on \w+)', output, re.MULTILINE)
        return f'explore {found[1]}' if found else 'explore'

    def _dt(self):
        for test in ('tree', 'damage'):
            status, _ = self.work.run('tests/host/dt/run', test, seconds=60)
            if status != 0:
                return f'dt {test}'
        return None

    def unchanged(self):
        """What fails without any change would show nothing."""
        return next((by for test in (self._unit, self._model, self._asan, self._explore) if (by := test())), None)

    def verdict(self, change):
        self.begin(change.name)
        self.work.write(change.name, change.text)
        try:
            seen = []
            for i, base in enumerate(self.base):
                seen.append(self._digest(i))
                if seen[-1] is None:
                    return REFUSED
                if seen[-1] != base:
                    break
            if seen == self.base:
                return SAME
            for commands, test in self.steps:
                if not self.work.shell(commands):
                    return REFUSED
                by = test()
                if by:
                    return by
            return SURVIVED
        finally:
            self.work.restore([change.name])


# --- what is known already -------------------------------------------------------------------------------------------

class Results:
    """By change, and by all that the answer depends on: a run that was interrupted goes on where it was."""

    def __init__(self, digest):
        self.digest, self.lock = digest, threading.Lock()
        try:
            self.all = json.loads(_RESULTS.read_text())
        except (OSError, ValueError):
            self.all = {}

    def get(self, key):
        digest, verdict = self.all.get(key, (None, None))
        return verdict if digest == self.digest else None

    def survived(self, key):
        return self.all.get(key, (None, None))[1] == SURVIVED

    def put(self, key, verdict):
        with self.lock:
            self.all[key] = (self.digest, verdict)
            fresh = _RESULTS.with_suffix('.new')
            fresh.write_text(json.dumps(self.all, indent=0))
            fresh.replace(_RESULTS)


def _reasons(snapshot):
    """Lines "CHANGE; REASON"."""
    found = {}
    for line in snapshot.text(_SURVIVORS).splitlines() if _SURVIVORS in snapshot.files else ():
        change, semicolon, reason = line.partition('`; ')
        if semicolon and not line.startswith('#'):
            found[f'{change}`'] = reason
    return found


# --- all of them -----------------------------------------------------------------------------------------------------

def _numbered(changes):
    """(key, change): the same change of the same line, twice in a function, are two."""
    seen = collections.Counter()
    for change in changes:
        seen[str(change)] += 1
        yield f'{change} #{seen[str(change)]}', change


def _kind(verdict):
    return verdict if verdict in (REFUSED, SAME, SURVIVED) else verdict.replace(',', ' ').split()[0]


def _report(verdicts, explained):
    """A table by file; and whether it is good enough."""
    killers = ('unit', 'asan', 'suite', 'props', 'explore', 'dt')
    files = collections.defaultdict(collections.Counter)
    for change, verdict in verdicts:
        files[change.name][_kind(verdict)] += 1
        files['all'][_kind(verdict)] += 1
    print(f'\n{"":24} changes refused   same | ' + ' '.join(f'{k:>7}' for k in killers) + ' | survived  killed')
    for name, of in files.items():
        killed = sum(of[k] for k in killers)
        tried = killed + of[SURVIVED]
        print(f'{name:24} {sum(of.values()):7} {of[REFUSED]:7} {of[SAME]:6} | ' + ' '.join(f'{of[k]:7}' for k in killers) +
              f' | {of[SURVIVED]:8}  ' + (f'{100 * killed / tried:5.1f} %' if tried else '    -'))
    of = files['all']
    killed = sum(of[k] for k in killers)
    tried = killed + of[SURVIVED]
    score = 100 * killed / tried if tried else 100
    print(f'{killed} of {tried} killed, {score:.1f} %; {of[SURVIVED]} survived, {explained} of them with a reason; besides, '
          f'{of[SAME]} are the same machine code, {of[REFUSED]} the compiler refuses')
    return score >= 90 and explained == of[SURVIVED]


def run(snapshot, files, every, jobs, again, explore, minutes):
    names = files or sorted(n for n in snapshot.files if re.fullmatch(r'evtchn/\w+\.[ch]', n))
    all_changes = list(_numbered(c for name in names for c in rules.changes(name, snapshot.text(name))))
    results, reasons = Results(snapshot.digest() + ('' if explore else ' without the explorer')), _reasons(snapshot)
    chosen = [(key, c) for key, c in all_changes[::every] if not again or results.survived(key)]
    print(f'{len(chosen)} changes of {len(all_changes)}, in {len(names)} files', flush=True)
    verdicts, lock, began = {}, threading.Lock(), time.monotonic()
    # In no order that means anything: what a run gets to in its time is a sample of all.
    mixed = sorted(enumerate(chosen), key=lambda item: hashlib.sha256(item[1][0].encode()).digest())
    todo = collections.deque((i, key, c) for i, (key, c) in mixed if results.get(key) is None)
    for i, (key, change) in enumerate(chosen):
        if results.get(key) is not None:
            verdicts[i] = (change, results.get(key))
    if verdicts:
        print(f'{len(verdicts)} of them were tried before, on these very sources', flush=True)

    def tell(change, verdict):
        reason = f'; {reasons[str(change)]}' if verdict == SURVIVED and str(change) in reasons else ''
        said = 'SURVIVED' if verdict == SURVIVED else verdict if verdict in (SAME, REFUSED) else f'killed by {verdict}'
        print(f'{len(verdicts):4} of {len(chosen)}, {time.monotonic() - began:5.0f} s: {said}: {change}{reason}', flush=True)

    failed = []

    def work(killers):
        while not failed:
            with lock:
                if not todo or (minutes and time.monotonic() - began > 60 * minutes):
                    return
                i, key, change = todo.popleft()
            try:
                verdict = killers.verdict(change)
            except Exception as error:
                failed.append(error)
                raise
            results.put(key, verdict)
            with lock:
                verdicts[i] = (change, verdict)
                tell(change, verdict)

    if todo:
        killers = [Killers(snapshot, i, explore) for i in range(min(jobs, len(todo)))]
        by = killers[0].unchanged()
        if by:
            print(f'FAIL {by} fails without any change: it would show nothing')
            return False
        threads = [threading.Thread(target=work, args=(k,), daemon=True) for k in killers]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(1)
        if failed:
            raise failed[0]
        for k in killers:
            k.end()
    survivors = [c for i, (c, verdict) in sorted(verdicts.items()) if verdict == SURVIVED]
    without = [c for c in survivors if str(c) not in reasons]
    if without:
        print('\nsurvived, and no reason is given:')
        print('\n'.join(f'  {c}' for c in without))
    if todo:
        print(f'the time is over: {len(todo)} were not tried; the next run goes on with them')
    unused = set(reasons) - {str(c) for c in survivors} if len(verdicts) == len(all_changes) else ()
    for change in sorted(unused):
        print(f'has a reason, but did not survive: {change}')
    return _report([verdicts[i] for i in sorted(verdicts)], len(survivors) - len(without))
