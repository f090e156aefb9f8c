#!/usr/bin/env python3
"""How a run ends: exit statuses, and the line on stderr that says why."""

import os
import signal
import subprocess

import harness
from harness import Case


class Status(Case):
    def check(self, lines, status, text, *args):
        got = self.run_emu('-kernel', self.script(*lines), *args)
        self.assertEqual(got.returncode, status, got.stderr)
        if text:
            self.assertRegex(got.stderr.decode(), text)
            self.assertEqual(got.stderr.count(b'\n'), 1)
        else:
            self.assertEqual(got.stderr, b'')
        return got

    def test_power_off(self):
        got = self.check(['print bye\\n', 'poweroff'], 0, '')
        self.assertEqual(got.stdout, b'bye\n')

    def test_failure(self):
        for code, status in ((1, 1), (3, 3), (255, 255), (256, 1), (300, 44),
                             (65536, 1)):
            self.check([f'fail {code}'], status,
                       f'guest reported failure, status {status}')

    def test_reset_without_reboot(self):
        self.check(['reset'], 0, 'reset', '-no-reboot')

    def test_panic(self):
        self.check(['panic'], 125, 'panicked, status 125')

    def test_difference(self):
        got = self.run_emu('-kernel', self.script('differ'))
        self.assertEqual(got.returncode, 123, got.stderr)
        self.assertRegex(got.stderr.decode(), 'lockstep: what differs\n.*'
                         'the engines differ, status 123\n$')

    def test_timeout(self):
        self.check(['hang'], 124, 'timeout.*124', '-timeout', '0.2')

    def test_power_off_before_timeout(self):
        self.check(['poweroff'], 0, '', '-timeout', '600')

    def test_timeout_while_nothing_runs(self):
        self.check(['poweroff'], 124, 'timeout', '-timeout', '0.2', '-S')
        got = self.run_emu('-timeout', '0.2', '-serial', 'unix:s,server')
        self.assertEqual(got.returncode, 124)

    def test_timeout_while_output_is_stuck(self):
        p = self.start_emu('-kernel', self.script('flood 200000', 'fail 3'),
                           '-timeout', '0.5')
        self.assertEqual(p.wait(harness.LONG), 124)

    def test_signals(self):
        numbers = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP,
                   signal.SIGQUIT, signal.SIGUSR1, signal.SIGALRM]
        if not harness.ARGS.emulated:   # which has other real-time signals
            numbers.append(signal.SIGRTMIN + 3)
        for number in numbers:
            p = self.start_emu('-kernel', self.script('print up\\n', 'hang'))
            self.assertEqual(p.stdout.readline(), b'up\n')
            p.send_signal(number)
            _, err = p.communicate(timeout=harness.LONG)
            self.assertEqual(p.returncode, 128 + number)
            self.assertRegex(err.decode(),
                             rf'^emu.*signal {number} .*'
                             rf'status {128 + number}\n$')

    def test_ignored_signals_stay_ignored(self):
        p = self.start_emu(
            '-kernel', self.script('print up\\n', 'until q', 'poweroff'),
            stdin=subprocess.PIPE, bufsize=0, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        self.assertEqual(p.stdout.readline(), b'up\n')
        p.send_signal(signal.SIGHUP)
        p.stdin.write(b'q')
        self.assertEqual(p.wait(harness.LONG), 0)

    def test_our_own_fault(self):
        for line, number in (('abort', signal.SIGABRT),
                             ('segv 16', signal.SIGSEGV)):
            if harness.ARGS.sanitized and number == signal.SIGSEGV:
                continue
            self.check([line], 126, f'internal error, signal 0?{number}')

    def test_fault_keeps_its_status_where_cores_are_wanted(self):
        import resource
        limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
        if limit == 0:
            self.skipTest('no core files here')
        got = self.run_emu(
            '-kernel', self.script('abort'), preexec_fn=lambda:
            resource.setrlimit(resource.RLIMIT_CORE,
                               (limit if limit > 0 else 1 << 20, limit)))
        self.assertEqual(got.returncode, 126, got.stderr)

    def test_wrong_use(self):
        self.assertEqual(self.run_emu('-nonsense').returncode, 1)


class Compat(Case):
    """Under a QEMU's name, its statuses hold."""

    def setUp(self):
        super().setUp()
        self.program = str(self.folder / 'qemu-system-riscv64')
        os.symlink(harness.ARGS.emulator, self.program)

    def run_compat(self, *lines):
        return subprocess.run(
            [self.program, '-kernel', self.script(*lines)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=harness.LONG, check=False)

    def test_statuses(self):
        for line, status in (('poweroff', 0), ('fail 3', 3), ('fail 256', 0),
                             ('panic', 0), ('reset', 0), ('differ', 123),
                             ('abort', -signal.SIGABRT)):
            self.assertEqual(self.run_compat(line).returncode, status, line)

    def test_sigterm(self):
        p = subprocess.Popen(
            [self.program, '-kernel', self.script('print up\\n', 'hang')],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.addCleanup(harness.stop, p)
        self.assertEqual(p.stdout.readline(), b'up\n')
        p.terminate()
        self.assertEqual(p.wait(harness.LONG), 0)
        self.assertRegex(p.stderr.read().decode(),
                         '^qemu-system-riscv64: ended by signal 15')

    def test_the_names_of_a_pc(self):
        for name in 'qemu-system-x86_64', 'qemu-system-i386':
            program = str(self.folder / name)
            os.symlink(harness.ARGS.emulator, program)
            got = subprocess.run([program, '-M', 'help'],
                                 stdin=subprocess.DEVNULL,
                                 capture_output=True, check=False)
            self.assertEqual((got.returncode, got.stderr), (0, b''))


if __name__ == '__main__':
    harness.main()
