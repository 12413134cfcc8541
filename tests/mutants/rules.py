# SPDX-License-Identifier: MIT
"""The rules by which evtchn/ is changed, one place at a time."""

import re

_CONDITION = re.compile(r'^(\s*(?:\} else )?(?:if|while) \()(.*)(\)(?: \{)?)$')
_RETURN = re.compile(r'^(\s+return )(!.*|.*(?: [&|=!<>]=? | && | \|\| ).*)(;)$')
_STATEMENT = re.compile(r'^\s+(?!return\b|break\b|continue\b|goto\b|case\b|default\b)[A-Za-z_*(][^=]*(=|\(|\+\+|--).*;$')
_DECLARATION = re.compile(r'^\s+(?:static |const |volatile |unsigned |struct \w+ |enum \w+ |u?int\d*_t |int |bool |'
                          r'x?e?n?_?ulong_t |xen_ulong_t |event_word_t |evtchn_\w+_t |domid_t |char |void |size_t |long )')
_FUNCTION = re.compile(r'^[A-Za-z_].*?\b(\w+)\((?!.*;)')
_PLAIN = re.compile(r'^\s+(\w+->(\w+)) = [^()]*(?:\([\w ]+\)[^()]*)?;$')
_NUMBER = re.compile(r'(?<![\w.])(\d+)(u?)(?![\w.])')
_SWAPS = (('<=', '<'), ('>=', '>'), (' < ', ' <= '), (' > ', ' >= '), ('==', '!='), ('!=', '=='), ('&&', '||'),
          ('||', '&&'), ('++', '--'), ('|=', '&='), (' + ', ' - '), (' - ', ' + '))
_WEAKER = (('atomic_write_release(', 'atomic_write('), ('atomic_read_acquire(', 'atomic_read('))


class Change:
    def __init__(self, name, function, rule, before, after, text):
        self.name, self.function, self.rule = name, function, rule
        self.before, self.after, self.text = before, after, text

    def __str__(self):
        to = ' '.join(self.after.split()) or 'nothing'
        return f'{self.name}: {self.function}(): {self.rule}: `{" ".join(self.before.split())}` -> `{to}`'


def _code(lines):
    """The lines that are in a function and not in a comment: line number -> name of the function."""
    comment = inside = False
    function, found = '', {}
    for i, line in enumerate(lines):
        named = None if inside or comment else _FUNCTION.match(line)
        if named:
            function = named[1]
        if line.startswith('{'):
            inside = True
        elif line.startswith('}'):
            inside = False
        starts = line.lstrip().startswith('/*')
        if inside and not comment and not starts and line.strip():
            found[i] = function
        if '/*' in line and '*/' not in line.partition('/*')[2]:
            comment = True
        elif comment and '*/' in line:
            comment = False
    return found


def _plain(line):
    """It without comments behind it."""
    return re.sub(r'\s*/\*.*$', '', line)


def _is_statement(line):
    return bool(_STATEMENT.match(line)) and not _DECLARATION.match(line)


def _line_changes(line):
    """(rule, new line) for one line."""
    for whole in (_CONDITION.match(line), _RETURN.match(line)):
        if whole:
            yield 'negate', f'{whole[1]}!({whole[2]}){whole[3]}'
    if _is_statement(line):
        yield ('drop a barrier' if 'smp_' in line else 'drop a lock' if 'spin_' in line else 'drop a statement'), ''
    for strong, weak in _WEAKER:
        if strong in line:
            yield 'weaken', line.replace(strong, weak)
    for old, new in _SWAPS:
        if old in line and not ('for (' in line and old in ('++', ' + ', ' - ')):
            yield 'operator', line.replace(old, new, 1)
    for number in _NUMBER.finditer(line):
        yield 'off by one', f'{line[:number.start()]}{int(number[1]) + 1}{number[2]}{line[number.end():]}'


def _no_order(one, other):
    """Two plain stores to different members, neither of which the other reads: a compiler may swap them, too."""
    a, b = _PLAIN.match(one), _PLAIN.match(other)
    return a and b and a[2] != b[2] and a[1] not in other and b[1] not in one


def _indent(line):
    return len(line) - len(line.lstrip())


def changes(name, text):
    lines = text.splitlines()
    code = _code(lines)

    def change(rule, before, after, new):
        return Change(name, code[i], rule, before, after, '\n'.join(new) + '\n')

    for i in code:
        line = _plain(lines[i])
        for rule, new in _line_changes(line):
            yield change(rule, line, new, lines[:i] + [new] + lines[i + 1:])
        if i + 1 in code:
            below = _plain(lines[i + 1])
            if _is_statement(line) and _is_statement(below) and _indent(line) == _indent(below) and not _no_order(line, below):
                yield change('swap', f'{line} {below}', f'{below} {line}', lines[:i] + [below, line] + lines[i + 2:])
