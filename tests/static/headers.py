# SPDX-License-Identifier: MIT
"""Public headers, taken apart: what is declared, and the comment that goes with it.

A comment at the margin belongs to all declarations below it up to the next empty line. In a function's
comment `Errors:`, `From:` and `ABI:` begin the parts that CONTRIBUTING.md describes.
"""

import re
from dataclasses import dataclass

_TOKEN = re.compile(r'(?P<comment>/\*.*?\*/)[ \t]*(?=\n)'
                    r'|(?P<line>[ \t]*\#(?:[^\n\\]|\\.)*(?:\\\n(?:[^\n\\]|\\.)*)*)'
                    r'|(?P<outside>extern "C" \{|\})(?=\n)'
                    r'|(?P<empty>\n[ \t]*(?=\n))'
                    r'|(?P<declaration>\w(?:[^{};/]|/(?!\*)|/\*.*?\*/)*(?:\{.*?^\}[^;\n]*)?;?[^\n]*)'
                    r'|(?P<space>\s)', re.DOTALL | re.MULTILINE)
_FUNCTION = re.compile(r'^(?!typedef\b|struct \w+ \{|enum \w+ \{)(?P<returns>[\w ]+?[ *]+)(?P<name>\w+)\(', re.MULTILINE)
_PART = re.compile(r'(?:^|(?<=[.;:)] )|(?<=\n))(Errors|From|ABI): ')


@dataclass
class Declaration:
    kind: str           # comment, line (of the preprocessor), declaration
    text: str
    comment: str        # that belongs to it, as it stands there
    line: int

    def function(self):
        """(what it returns, name) of a function, else None."""
        match = _FUNCTION.match(self.text) if self.kind == 'declaration' else None
        return match and (' '.join(match['returns'].split()).replace(' *', '*'), match['name'])


def plain(comment):
    """A comment's words, without what makes them one."""
    lines = comment.removeprefix('/*').removesuffix('*/').split('\n')
    return '\n'.join(re.sub(r'^ \*(?: |$)', '', line).rstrip() for line in lines).strip('\n')


def parts(comment):
    """{'': what comes first, 'Errors': ..., 'From': ..., 'ABI': ...}, each in one line."""
    pieces = _PART.split(plain(comment).strip())
    found = {'': ' '.join(pieces[0].split())}
    for name, words in zip(pieces[1::2], pieces[2::2]):
        found[name] = ' '.join(words.split())
    return found


def head(text):
    """The comment that says what the header is about, below the licence's."""
    comments = re.findall(r'^/\*.*?\*/', text, re.DOTALL | re.MULTILINE)
    return next((c for c in comments if 'SPDX-License-Identifier' not in c), '')


def declarations(text):
    """All tokens of a header but space, in order. Comments that belong to no declaration are there as such."""
    comment, pending, at = '', False, 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            raise ValueError(f'line {text.count(chr(10), 0, at) + 1}: not understood: {text[at:at + 40]!r}')
        kind, words, at = match.lastgroup, match[0], match.end()
        line = text.count('\n', 0, match.start()) + 1
        if kind in ('comment', 'empty', 'outside') and pending:
            yield Declaration('comment', comment, '', line)
            pending = False
        if kind == 'comment':
            comment, pending = words.strip(), True
        elif kind in ('empty', 'outside'):
            comment = ''
            yield Declaration(kind, words, '', line)
        elif kind in ('line', 'declaration'):
            yield Declaration(kind, words, comment, line)
            pending = False
