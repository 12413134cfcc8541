# SPDX-License-Identifier: MIT
"""Changes evtchn/ by rule, one place at a time, and has the host's tests notice. What they do not notice has to stand
in survivors.txt, with the reason."""

import re
from pathlib import Path

import tree

HERE = Path(__file__).resolve().parent
SURVIVORS = HERE / 'survivors.txt'

# What is for people, what needs a device tree or a toolstack: other tests run it.
_LEFT_OUT = {'evtchn/dump.c', 'evtchn/static.c', 'evtchn/static_tree.c'}

_CONDITION = re.compile(r'^(\s*(?:\} else )?(?:if|while) \()(.*)(\)(?: \{)?)$')
_STATEMENT = re.compile(r'^\s+(?!return\b|break\b|continue\b|goto\b|case\b|default\b)[A-Za-z_*(][^=]*(=|\(|\+\+|--).*;$')
_DECLARATION = re.compile(r'^\s+(?:static |const |volatile |unsigned |struct \w+ |enum \w+ |u?int\d*_t |int |bool |'
                          r'x?e?n?_?ulong_t |xen_ulong_t |event_word_t |evtchn_\w+_t |domid_t |char |void |size_t |long )')
_NUMBER = re.compile(r'(?<![\w.])(\d+)(u?)(?![\w.])')
_SWAPS = (('<=', '<'), ('>=', '>'), (' < ', ' <= '), (' > ', ' >= '), ('==', '!='), ('!=', '=='), ('&&', '||'),
          ('||', '&&'), ('++', '--'), ('|=', '&='), (' + ', ' - '), (' - ', ' + '))
_WEAKER = (('atomic_write_release(', 'atomic_write('), ('atomic_read_acquire(', 'atomic_read('))


class Change:
    def __init__(self, name, number, rule, before, after):
        self.name, self.number, self.rule = name, number, rule
        self.before, self.after = before, after

    def __str__(self):
        to = ' '.join(self.after.split()) or 'nothing'
        return f'{self.name}: {self.rule}: `{" ".join(self.before.split())}` -> `{to}`'


def _code(lines):
    """The numbers of lines that are in a function, and not in a comment."""
    comment = inside = False
    for i, line in enumerate(lines):
        if line.startswith('{'):
            inside = True
        elif line.startswith('}'):
            inside = False
        starts = line.lstrip().startswith('/*')
        if inside and not comment and not starts and line.strip():
            yield i
        if '/*' in line and '*/' not in line.partition('/*')[2]:
            comment = True
        elif comment and '*/' in line:
            comment = False


def _plain(line):
    """It without comments behind it."""
    return re.sub(r'\s*/\*.*$', '', line)


def _is_statement(line):
    return bool(_STATEMENT.match(line)) and not _DECLARATION.match(line)


def _line_changes(line):
    """(rule, new line) for one line."""
    condition = _CONDITION.match(line)
    if condition:
        yield 'negate', f'{condition[1]}!({condition[2]}){condition[3]}'
    if _is_statement(line):
        yield ('drop a barrier' if 'smp_' in line else 'drop a statement'), ''
    for strong, weak in _WEAKER:
        if strong in line:
            yield 'weaken', line.replace(strong, weak)
    for old, new in _SWAPS:
        if old in line and 'for (' not in line:
            yield 'operator', line.replace(old, new, 1)
    for number in _NUMBER.finditer(line):
        yield 'off by one', f'{line[:number.start()]}{int(number[1]) + 1}{number[2]}{line[number.end():]}'


def changes(name, text):
    lines = text.splitlines()
    code = list(_code(lines))
    for i in code:
        line = _plain(lines[i])
        for rule, new in _line_changes(line):
            yield Change(name, i, rule, line, new), lines[:i] + [new] + lines[i + 1:]
        if i + 1 in code:
            below = _plain(lines[i + 1])
            if _is_statement(line) and _is_statement(below) and _indent(line) == _indent(below):
                yield (Change(name, i, 'swap', f'{line} {below}', f'{below} {line}'),
                       lines[:i] + [below, line] + lines[i + 2:])


def _indent(line):
    return len(line) - len(line.lstrip())


# --- is it noticed ---------------------------------------------------------------------------------------------------

_ABIS = ('2l', 'fifo', '3l')


def _noticed(work):
    """By which test; None: by none."""
    work.make(tree.PROPS, tree.SUITE, tree.UNIT)
    status, output = work.run(f'./{tree.UNIT}', seconds=60)
    if status != 0:
        found = re.search(r'^FAIL (\w+)', output, re.MULTILINE)
        return f'unit {found[1]}' if found else 'unit'
    status, _ = work.run(f'./{tree.PROPS}', '--ops', '60000', seconds=60)
    if status != 0:
        return 'props'
    for abi in _ABIS:
        status, _ = work.run('tests/host/run', tree.SUITE, '--cmdline', f'evtchn={abi}', '--deadline', '30', seconds=60)
        if status != 0:
            return f'suite {abi}'
    work.make(tree.EXPLORE)
    status, output = work.run(f'./{tree.EXPLORE}', '--hunt', '--preemptions', '1', '--states', '300', seconds=300)
    if status != 0:
        found = re.search(r'^FAIL (\S+ \S+ on \S+)', output, re.MULTILINE)
        return f'explore {found[1]}' if found else 'explore'
    return None


def _reasons():
    """Lines "CHANGE; REASON"."""
    found = {}
    for line in SURVIVORS.read_text().splitlines() if SURVIVORS.exists() else ():
        change, semicolon, reason = line.rpartition('; ')
        if semicolon and not line.startswith('#'):
            found[change] = reason
    return found


def run(work, files, every):
    names = files or sorted(n for n in work.names if re.fullmatch(r'evtchn/\w+\.[ch]', n) and n not in _LEFT_OUT)
    by = _noticed(work)
    if by:
        print(f'FAIL {by} fails without any change: it would show nothing')
        return False
    every_change = [(c, lines) for name in names for c, lines in changes(name, (tree.ROOT / name).read_text())]
    chosen = every_change[::every]
    reasons = _reasons()
    killed = broken = explained = 0
    survivors = []
    print(f'{len(chosen)} changes of {len(every_change)}, in {len(names)} files', flush=True)
    for i, (change, lines) in enumerate(chosen, 1):
        work.write(change.name, '\n'.join(lines) + '\n')
        try:
            by = _noticed(work)
        except tree.Broken:
            broken += 1
            continue
        finally:
            work.restore()
        if by:
            killed += 1
            print(f'{i:4} killed by {by}: {change}', flush=True)
        else:
            reason = reasons.get(str(change))
            explained += reason is not None
            survivors.append(change)
            print(f'{i:4} SURVIVED: {change}{f"; {reason}" if reason else ""}', flush=True)
    tried = killed + len(survivors)
    score = 100 * killed / tried if tried else 100
    print(f'{killed} of {tried} killed, {score:.1f} %; {len(survivors)} survived, {explained} of them with a reason; '
          f'{broken} do not compile')
    return score >= 90
