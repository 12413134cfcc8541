# SPDX-License-Identifier: MIT
"""Unit tests of the runner's parts that need no machine."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from xenlab import apt, cli, hooks, judge, numbered, skips, xen3l, xenreport  # noqa: E402
from xenlab.channel import Channel  # noqa: E402
from xenlab.console import Console  # noqa: E402
from xenlab.domu import DomU  # noqa: E402
from xenlab.elf import Symbol  # noqa: E402
from xenlab.errors import LabError  # noqa: E402
from xenlab.outcome import Outcome  # noqa: E402
from xenlab.script import Script  # noqa: E402


def console(*lines):
    made = Console('guest')
    for line in lines:
        made.add(line)
    return made


class Verdicts(unittest.TestCase):
    def outcome(self, *lines):
        return console(*lines).verdict()[0]

    def test_the_four(self):
        for outcome in (Outcome.SUCCESS, Outcome.SKIP, Outcome.ERROR, Outcome.FAILURE):
            self.assertIs(self.outcome(f'Test result: {outcome}'), outcome)

    def test_none(self):
        self.assertIsNone(self.outcome('  ok a', 'Test result: MAYBE', 'no Test result: SUCCESS'))

    def test_must_be_last_and_once(self):
        self.assertIs(self.outcome('Test result: SUCCESS', '  ok late'), Outcome.ERROR)
        self.assertIs(self.outcome('Test result: SUCCESS', 'Test result: SUCCESS'), Outcome.ERROR)

    def test_a_failed_test_beats_success(self):
        self.assertIs(self.outcome('  FAIL a: expected 1 got 2 (f.c:3)', 'Test result: SUCCESS'), Outcome.FAILURE)

    def test_lines(self):
        made = console('  ok   evtchn-2l/send', 'ok', 'oklahoma x', '  skip pirq: not as domU', '  FAIL b: 1 (f.c:2)',
                       'all ok here', '  FAIL c')
        self.assertEqual((made.passed, made.skipped, made.failed),
                         (1, [('pirq', 'not as domU')], [('b', '1 (f.c:2)'), ('c', '')]))

    def test_how_it_ended(self):
        good = console('Test result: SUCCESS')
        self.assertIs(judge.ended(good, 'bare', 'poweroff').outcome, Outcome.SUCCESS)
        self.assertIs(judge.crash(good, None, None).outcome, Outcome.CRASH)
        self.assertIs(judge.crash(console('Test result: FAILURE'), None, None).outcome, Outcome.FAILURE)
        self.assertIs(judge.ended(console(), 'bare', 'poweroff').outcome, Outcome.NO_VERDICT)
        self.assertIs(judge.ended(console(), 'bare', 'poweroff', needs_verdict=False).outcome, Outcome.SUCCESS)


class NumberedLines(unittest.TestCase):
    def lines(self, counts=(70, 3)):
        """Of two VCPUs, mixed, with other lines between."""
        return ([numbered.line(0, n) for n in range(30)] + ['save me 1'] + [numbered.line(1, n) for n in range(3)]
                + [numbered.line(0, n) for n in range(30, 70)]
                + [f'lines of VCPU {who}: {count}' for who, count in enumerate(counts)])

    def test_all_there(self):
        self.assertEqual(numbered.check(self.lines()), (73, None))

    def test_what_is_wrong(self):
        lines = self.lines()
        for place in (0, 12, 29, 31, 72):
            self.assertIsNotNone(numbered.check(lines[:place] + lines[place + 1:])[1], f'missing {place}')
            self.assertIsNotNone(numbered.check(lines[:place] + [lines[place]] + lines[place:])[1], f'twice {place}')
        lines[12] = lines[12].replace('op', 'o')
        self.assertIsNotNone(numbered.check(lines)[1])

    def test_the_end(self):
        self.assertIsNotNone(numbered.check(self.lines((71, 3)))[1])
        self.assertIsNotNone(numbered.check(self.lines((70,)))[1])
        self.assertIsNotNone(numbered.check([])[1])


class Skips(unittest.TestCase):
    def test_patterns(self):
        listed = [('whole', 'pirq*'), ('*', 'fpu-avx')]
        self.assertEqual(skips.unexpected('whole', [], [('pirq-bind', 'x'), ('fpu-avx', 'x')], listed), [])
        self.assertEqual(skips.unexpected('bare', [], [('pirq-bind', 'x')], listed), [('pirq-bind', 'x')])

    def test_skips_by_abi_and_vcpus(self):
        listed = [('bare/fifo', 'order'), ('*/*/1', 'smp_*')]
        one = ['Environment: PV 64bit, domU of Xen 4.17, 65536 KiB, 1 VCPUs, event channels 2l']
        four = ['Environment: PV 64bit, domU of Xen 4.17, 65536 KiB, 4 VCPUs, event channels fifo']
        self.assertEqual(skips.unexpected('bare', four, [('order', '')], listed), [])
        self.assertEqual(skips.unexpected('bare', one, [('order', '')], listed), [('order', '')])
        self.assertEqual(skips.unexpected('whole', four, [('order', '')], listed), [('order', '')])
        self.assertEqual(skips.unexpected('whole', one, [('smp_up', '')], listed), [])
        self.assertEqual(skips.unexpected('whole', four, [('smp_up', '')], listed), [('smp_up', '')])

    def test_skips_by_xen(self):
        listed = [('*/*/*/stock', 'l3_*')]
        stock = ['Environment: PV 64bit, domU of Xen 4.17, 65536 KiB, 1 VCPUs, event channels 2l']
        ours = [stock[0] + ' of a Xen with 3l']
        self.assertEqual(skips.unexpected('bare', stock, [('l3_switch', '')], listed), [])
        self.assertEqual(skips.unexpected('bare', ours, [('l3_switch', '')], listed), [('l3_switch', '')])

    def test_the_file_itself(self):
        skips.read()


class XenReports(unittest.TestCase):
    REPORT = ('(XEN) domain_crash_sync called from entry.S: fault at ffff82d0403602d0\n'
              '(XEN) Domain 3 (vcpu#1) crashed on cpu#0:\n'
              '(XEN) RIP:    e033:[<0000000000102007>]\n'
              '(XEN) rbp: 00000000001021c5   rsp: {:016x}   r8:  0000000000000008\n')

    class Elf:
        def symbols(self):
            return [Symbol('boot_stack_guard', 0x103000, 4096), Symbol('rec', 0x102000, 64)]

    def stack(self, rsp):
        watch = xenreport.XenWatch()
        for line in self.REPORT.format(rsp).splitlines():
            watch.add(line)
        self.assertIsNone(watch.of(0))
        return xenreport.overflowed_stack(self.Elf(), watch.of(3).rsp)

    def test_guard_page(self):
        self.assertEqual(self.stack(0x103fa0), 'boot_stack')
        # A push that faults has not moved the stack pointer yet.
        self.assertEqual(self.stack(0x104000), 'boot_stack')
        self.assertIsNone(self.stack(0x104800))
        self.assertIsNone(self.stack(0x102ff0))

    def test_function(self):
        self.assertEqual(xenreport.function_at(self.Elf(), 0x102007), 'rec+0x7')
        self.assertIsNone(xenreport.function_at(self.Elf(), 0x99))


class Input(unittest.TestCase):
    def test_order(self):
        sent, script = [], Script('expect name\\?\nsend me\nexpect hi\nsend bye')
        script.attach(mock.Mock(send=sent.append))
        for text in ('hi na', 'me?', ' h'):
            script.text(text)
        self.assertEqual((sent, script.done()), ([b'me\n'], False))
        script.text('i')
        self.assertEqual((sent, script.done()), ([b'me\n', b'bye\n'], True))

    def test_dom0(self):
        run, script = [], Script('expect a\ndom0 xl list')
        with self.assertRaises(LabError):
            script.attach(mock.Mock())
        script.attach(mock.Mock(), run.append)
        script.text('a')
        self.assertEqual(run, ['xl list'])

    def test_again(self):
        sent, script = [], Script('expect save \\d\nsend now\nagain\nexpect never')
        script.attach(mock.Mock(send=sent.append))
        script.text('save 1, save 2, save')
        self.assertEqual((sent, script.done()), ([b'now\n'] * 2, False))
        script.text(' 3')
        self.assertEqual(len(sent), 3)

    def test_bad_line(self):
        for line in ('wait 3', 'again', 'send a\nagain'):
            with self.assertRaises(LabError):
                Script(line)


class Lines(unittest.TestCase):
    def test_cut(self):
        lines = []
        channel = Channel('x', lines.append)
        channel.theirs.sendall(b'one\r\ntw')
        channel.read()
        channel.theirs.sendall(b'o\nthree')
        channel.read()
        self.assertEqual(lines, ['one', 'two'])
        channel.end_line()
        self.assertEqual(lines, ['one', 'two', 'three'])
        channel.close()


class Configurations(unittest.TestCase):
    def test_quoting(self):
        with mock.patch('xenlab.domu.Elf'):
            text = DomU('g', pathlib.Path('g.elf'), cmdline='a "b" \\c').configuration()
        self.assertIn('extra = "a \\"b\\" \\\\c"', text)
        self.assertIn('memory = 32', text)

    def test_pv_shim(self):
        with mock.patch('xenlab.domu.Elf'):
            text = DomU('g', pathlib.Path('g.elf'), pvshim=True).configuration()
        for line in ('type = "pvh"', 'pvshim = 1', 'memory = 64'):
            self.assertIn(line, text.splitlines())
        self.assertNotIn('"pv"', text)


class Sources(unittest.TestCase):
    def entries(self, text, form):
        return list(form(text))

    def test_both_forms(self):
        new = 'Types: deb\n# note\nURIs: http://h/debian\nSuites: bookworm bookworm-updates\nSigned-By: /k.gpg\n'
        self.assertEqual(self.entries(new, apt._deb822_entries),
                         [(['http://h/debian'], ['bookworm', 'bookworm-updates'], '/k.gpg')])
        old = '# x\ndeb [arch=amd64 signed-by=/k.gpg] http://h/debian bookworm main\ndeb-src http://h/debian bookworm main\n'
        self.assertEqual(self.entries(old, apt._one_line_entries), [(['http://h/debian'], ['bookworm'], '/k.gpg')])

    def test_release_is_replaced(self):
        entries = [(['http://h/debian'], ['bookworm', 'bookworm-updates', 'bookworm-backports'], ''),
                   (['http://other/x'], ['nodistro'], '')]
        with mock.patch.object(apt, '_host_entries', lambda: entries), \
                mock.patch.object(apt.debian, 'host_suite', lambda: 'bookworm'):
            text = apt._sources('trixie')
            self.assertTrue(text.startswith('Types: deb\n'))
            self.assertTrue(apt._sources('trixie', 'deb-src').startswith('Types: deb-src\n'))
        self.assertIn('Suites: trixie trixie-updates\n', text)
        self.assertNotIn('other', text)

    def test_errors_name_no_hosts(self):
        self.assertEqual(apt._without_hosts('E: http://some.host/debian/pool/a_1.deb 404 [IP: 1.2.3.4 80]'),
                         'E: a_1.deb 404 ')
        self.assertEqual(apt._without_hosts("Could not connect to h.org:80 (1.2.3.4). - connect (111: refused)"),
                         'Could not connect to the archive. - connect (111: refused)')
        self.assertEqual(apt._without_hosts("Temporary failure resolving 'h.org'"),
                         'Temporary failure resolving the archive')


class Hooks(unittest.TestCase):
    TREE = 'int f(int);\n\nint f(int a)\n{\n    a++;\n    return a;\n}\n\nint g(void)\n{\n    return a;\n}\n'

    def applied(self, text):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / 'a.c'
            file.write_text(self.TREE)
            hooks.apply(hooks.parse(text), pathlib.Path(folder))
            return file.read_text()

    def test_before_after_and_replace(self):
        said = self.applied('# why\nfile a.c\nafter a++;\n+    a--;\n+\nin int f(\nbefore return a;\n+x\n'
                            'in int g(\nreplace return a;\n')
        self.assertEqual(said, self.TREE.replace('a++;\n', 'a++;\n    a--;\n\nx\n').replace('void)\n{\n    return a;\n',
                                                                                          'void)\n{\n'))

    def test_a_line_that_is_not_there_once(self):
        for text in ('file a.c\nafter return a;\n', 'file a.c\nafter b++;\n', 'file a.c\nin int h(\nafter a++;\n',
                     'file a.c\nin int g(\nafter a++;\n', 'file b.c\nafter a++;\n'):
            with self.assertRaises(LabError):
                self.applied(text)

    def test_what_is_no_hook(self):
        for text in ('after a++;\n', 'file a.c\nbehind a++;\n', '+x\n'):
            with self.assertRaises(LabError):
                hooks.parse(text)

    def test_the_file_itself(self):
        self.assertTrue(hooks.parse((xen3l._OURS / 'hooks').read_text()))


class CommandLine(unittest.TestCase):
    def refusal(self, *words):
        said = io.StringIO()
        with contextlib.redirect_stderr(said), self.assertRaises(SystemExit) as end:
            cli._parser().parse_args(('xl', 'guest.elf', *words))
        self.assertEqual(end.exception.code, 2)
        return said.getvalue()

    def test_counts(self):
        for value in ('0', '-1', 'abc', '2.5', ''):
            for option in ('--vcpus', '--memory', '--max-event-channels', '--cpus'):
                self.assertIn(f'argument {option}: ', self.refusal(f'{option}={value}'))
        self.assertEqual(cli._parser().parse_args(('xl', 'guest.elf', '--vcpus=4')).vcpus, 4)

    def test_seconds(self):
        for value in ('0', '-1', 'abc', 'nan', 'inf', ''):
            self.assertIn('argument --deadline: ', self.refusal(f'--deadline={value}'))
        self.assertEqual(cli._parser().parse_args(('xl', 'guest.elf', '--deadline=0.5')).deadline, 0.5)


if __name__ == '__main__':
    unittest.main()
