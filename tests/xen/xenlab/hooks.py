# SPDX-License-Identifier: MIT
"""Our changes to a source tree that is not ours: lines put at lines of it, as tests/xen/xen-3l/hooks says.

A patch would carry the lines around each change, which are not ours either, and go astray by
number; here each change names the one line it needs, and fails if that is not there.
"""

from dataclasses import dataclass, field

from .errors import LabError

_VERBS = ('before', 'after', 'replace')


@dataclass
class Hook:
    where: str              # file:line of the hook, for errors
    file: str
    function: str           # how its first line begins; '' for the whole file
    verb: str
    line: str
    text: list = field(default_factory=list)


def parse(text, name='hooks'):
    """The hooks of a file."""
    hooks, file, function = [], '', ''
    for number, line in enumerate(text.splitlines(), 1):
        where = f'{name}:{number}'
        verb, _, rest = line.partition(' ')
        if line.startswith('+') and hooks:
            hooks[-1].text.append(line[1:])
        elif verb == 'file':
            file, function = rest.strip(), ''
        elif verb == 'in':
            function = rest.strip()
        elif verb in _VERBS and file:
            hooks.append(Hook(where, file, function, verb, rest.strip()))
        elif line.strip() and not line.startswith('#'):
            raise LabError(f'{where}: expected "file", "in", {", ".join(_VERBS)} or "+"')
    return hooks


def _function(lines, hook):
    """The range of lines that belong to the hook's function."""
    if not hook.function:
        return range(len(lines))
    # A prototype may come before.
    begin = max((i for i, line in enumerate(lines) if line.startswith(hook.function)), default=None)
    if begin is None:
        raise LabError(f'{hook.where}: {hook.file} has no function that begins {hook.function!r}')
    return range(begin, next((i for i in range(begin, len(lines)) if lines[i].startswith('}')), len(lines)))


def _insert(lines, hook):
    found = [i for i in _function(lines, hook) if lines[i].strip() == hook.line]
    if len(found) != 1:
        raise LabError(f'{hook.where}: {hook.file} has the line {hook.line!r} {len(found)} times, not once')
    at = found[0]
    begin, end = {'before': (at, at), 'after': (at + 1, at + 1), 'replace': (at, at + 1)}[hook.verb]
    lines[begin:end] = hook.text


def apply(hooks, tree):
    """Change the files below the folder `tree`."""
    for name in dict.fromkeys(hook.file for hook in hooks):
        file = tree / name
        if not file.is_file():
            raise LabError(f'there is no {name} to put hooks into')
        lines = file.read_text().split('\n')
        for hook in hooks:
            if hook.file == name:
                _insert(lines, hook)
        file.write_text('\n'.join(lines))
