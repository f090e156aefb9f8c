#!/usr/bin/env python3
"""Compares the speed of two emulators on the same guest image.

    tests/bench/run.py                       build/emu against Debian's QEMU
    tests/bench/run.py --pairs 5 --only sieve,vm
    tests/bench/run.py --emulator A --reference B --json out.json --svg out.svg
    tests/bench/run.py --options '-accel jit'
    tests/bench/run.py --layers              what each of the JIT's passes gives
    tests/bench/run.py --guest amd64-cloud-linux     beside Bochs, too
    tests/bench/run.py --cpu-time            on a busy host

Both boot the guest (Debian's riscv64 kernel) in turn and run the programs of programs/.
Times are the host's, from marker to marker on the serial console, medians over
the pairs: by its clock, or (--cpu-time) the processor time that the emulator
took meanwhile.  A PC runs the integer programs on Bochs, once.  A ratio is the emulator's speed in units of the reference's: 1 is
as fast, 0.5 half as fast.  Every program prints a check sum; the status is 1
when sums differ between the emulators and the host, or a run fails.
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import time

import bochs
import image
import linux
import picture
import machine
import proc
from console import Console, ConsoleError, Shell

MEMORY = 512            # MiB of the guest
# The interpreter's bars and the translator's; calls: programs that mostly call,
# return and jump where their data says.
BARS = {'virt': {'integer': 0.30, 'boot': 0.30},
        'pc': {'integer': 0.30, 'boot': 0.20}}
JIT_BARS = {'integer': 1.8, 'boot': 1.3, 'worst': 0.95, 'calls': 3.0}
CALLS = ('vm', 'calls')
RESIDENT_BAR = 32 << 20     # bytes outside guest RAM
BOCHS_BAR = 8           # times as fast, the interpreter on integer programs
DEMO_BAR = 0.020            # seconds of processor time
DEMO_RUNS = 9


def say(text):
    print('bench: ' + text, file=sys.stderr, flush=True)


# --- one emulator -----------------------------------------------------------

class Runner:
    """One emulator under test and all that was measured of it."""

    def __init__(self, name, program, args, options=()):
        self.name = name
        self.program = program
        self.board = args.board
        self.options = list(options)
        self.scale = args.scale
        self.cpu_time = args.cpu_time
        self.boots = []
        self.times = {}
        self.sums = {}
        self.errors = []
        self.resident = {}

    def version(self):
        try:
            out = subprocess.run([self.program, '-version'], text=True,
                                 capture_output=True, check=False,
                                 stdin=subprocess.DEVNULL, timeout=10)
            return (out.stdout.splitlines() or ['?'])[0]
        except (OSError, subprocess.TimeoutExpired):
            return '?'

    def command(self, files):
        return machine.command(self.program, files, MEMORY,
                               extra=self.options, board=self.board)

    def clock(self, console, when):
        """Seconds: the host's time when, or the process's own time now."""
        return proc.cpu_seconds_exact(console.pid) if self.cpu_time else when

    def round(self, files, names, load):
        """One boot and one run of each program; load: seconds of work before
        the memory is read at the end, or 0 for no reading."""
        try:
            with Console(self.command(files)) as console:
                shell = Shell(console, self.scale)
                when = self.clock(console, shell.wait_ready())
                self.boots.append(
                    when - (0 if self.cpu_time else console.started))
                shell.run('dmesg -n 1')
                if load:
                    self.read_resident(console, 'after boot')
                for name in names:
                    self.program_run(console, shell, name)
                if load:
                    shell.run(f'timeout {load} sh -c "while :; do /bench/vm; '
                              '/bench/sort; /bench/fork; done" >/dev/null',
                              load + 60)
                    self.read_resident(console, f'after {load} s of load')
                console.send(b'poweroff -f\n')
                console.wait(30 * self.scale)
        except ConsoleError as err:
            self.errors.append(str(err))
            say(f'{self.name}: {err}; last output:\n{console.tail()}')

    def read_resident(self, console, when):
        found = proc.resident(console.pid, MEMORY << 20)
        self.resident[when] = found and found[0]

    def program_run(self, console, shell, name):
        shell.start(f'/bench/{name}')
        _, began = console.expect(b'bench-begin %s\r+\n' % name.encode(),
                                  60 * self.scale)
        began = self.clock(console, began)
        match, ended = console.expect(
            rb'bench-end %s ([0-9a-f]{16})\r+\n|bench-fail ([^\r\n]*)'
            % name.encode(), 180 * self.scale)
        ended = self.clock(console, ended)
        shell.finish()
        if not match[1]:
            self.errors.append(f'{name}: {match[2].decode()}')
            return
        self.times.setdefault(name, []).append(ended - began)
        self.sums.setdefault(name, set()).add(match[1].decode())


class BochsRunner(Runner):
    """Bochs, for integer programs."""

    def version(self):
        return bochs.version(self.program)

    def command(self, files):
        return bochs.command(self.program, files, MEMORY)


def native_run(folder, name):
    """(seconds, sum) of a program on the host itself; the best of three."""
    best, total = None, None
    for _ in range(3):
        with subprocess.Popen([str(folder / name)],
                              stdout=subprocess.PIPE) as process:
            began = None
            for line in process.stdout:
                now = time.monotonic()
                if line.startswith(b'bench-begin'):
                    began = now
                match = re.match(rb'bench-end \w+ ([0-9a-f]{16})', line)
                if match and began is not None:
                    total = match[1].decode()
                    if best is None or now - began < best:
                        best = now - began
    return best, total


def demo_times(program):
    """Processor seconds until the built-in demo's first output, sorted, or
    None where an emulator has none.  The process is stopped at the first
    byte, so that what it does next is not counted."""
    if os.path.basename(program).startswith('qemu'):
        return None
    times = []
    for _ in range(DEMO_RUNS):
        try:
            with Console([program, '-nographic']) as console:
                console.expect(rb'\S', 10)
                console.signal(signal.SIGSTOP)
                times.append(proc.cpu_seconds_exact(console.pid))
        except (ConsoleError, OSError):
            return None
    return sorted(times)


# --- results ----------------------------------------------------------------

def geometric_mean(values):
    return statistics.geometric_mean(values) if values else None


def compare(own, ref, third, native, names):
    """Rows of the table: a dictionary a program, with medians and ratio."""
    rows = []
    groups = dict(image.PROGRAMS)
    for name in names:
        row = {'name': name, 'group': groups[name], 'ratio': None,
               'native': native[name][0],
               'own': own.times.get(name), 'reference': ref.times.get(name),
               'bochs': third and third.times.get(name)}
        sums = {native[name][1]} | own.sums.get(name, {None}) \
            | ref.sums.get(name, {None})
        if row['bochs']:
            sums |= third.sums[name]
        row['sums'] = sorted(str(s) for s in sums)
        row['agree'] = len(sums) == 1 and None not in sums
        if row['own'] and row['reference']:
            # Each pair ran one after the other: its ratio is free of drifts.
            row['ratio'] = statistics.median(
                r / o for r, o in zip(row['reference'], row['own']))
            row['times_bochs'] = row['bochs'] and \
                median(row['bochs']) / median(row['own'])
        rows.append(row)
    return rows


def group_means(rows):
    means = {}
    for group in dict.fromkeys(g for _, g in image.PROGRAMS):
        ratios = [r['ratio'] for r in rows if r['group'] == group]
        if ratios and all(ratios):
            means[group] = geometric_mean(ratios)
    return means


def show_number(value, form='{:.3f}'):
    return '-' if value is None else form.format(value)


def median(values):
    return statistics.median(values) if values else None


def print_table(rows, means, boot, own, ref):
    print(f"{'program':10}{'group':9}{'native s':>9}{'ref. s':>9}"
          f"{'emu s':>9}{'ratio':>8}{'Bochs':>8}{'times':>8}  sum")
    for row in rows:
        print(f"{row['name']:10}{row['group']:9}"
              f"{show_number(row['native']):>9}"
              f"{show_number(median(row['reference'])):>9}"
              f"{show_number(median(row['own'])):>9}"
              f"{show_number(row['ratio'], '{:.2f}'):>8}"
              f"{show_number(median(row['bochs']), '{:.2f}'):>8}"
              f"{show_number(row.get('times_bochs'), '{:.1f}'):>8}  "
              f"{'agrees' if row['agree'] else 'DIFFERS ' + str(row['sums'])}")
    print(f"{'boot':10}{'kernel':9}{'':9}{show_number(median(ref.boots)):>9}"
          f"{show_number(median(own.boots)):>9}"
          f"{show_number(boot, '{:.2f}'):>8}")
    for group, mean in means.items():
        print(f'geometric mean, {group}: {mean:.2f}')


def bars(means, rows, boot, own, demo):
    """The bars as [(text, met or None where it was not measured)]."""
    out = []
    least = JIT_BARS if 'jit' in ' '.join(own.options) else \
        BARS[own.board]
    found = {'boot': boot}
    if 'integer' in means:
        found['integer'] = means['integer']
        found['worst'] = min(r['ratio'] for r in rows
                             if r['group'] == 'integer')
        found['calls'] = geometric_mean([r['ratio'] for r in rows
                                         if r['name'] in CALLS])
    texts = {'integer': 'integer programs', 'boot': 'kernel boot',
             'worst': 'the worst integer program',
             'calls': 'calls and indirect jumps'}
    for what, value in least.items():
        if found.get(what):
            out.append((f'{texts[what]} {found[what]:.2f} of the reference\'s '
                        f'speed, at least {value:.2f}', found[what] >= value))
    times = [r['times_bochs'] for r in rows if r.get('times_bochs')]
    if times:
        out.append((f"integer programs {geometric_mean(times):.1f} times "
                    f"Bochs's speed, at least {BOCHS_BAR}",
                    geometric_mean(times) >= BOCHS_BAR))
    for when, size in own.resident.items():
        text = 'not to be told' if size is None else f'{size / 2**20:.1f} MiB'
        out.append((f'resident outside guest RAM {when}: {text}, at most 32 '
                    'MiB', None if size is None else size <= RESIDENT_BAR))
    if demo:
        out.append((f"the demo's first output after {median(demo) * 1e3:.1f} "
                    'ms of processor time, at most 20 ms',
                    median(demo) <= DEMO_BAR))
    return out


def commit():
    out = subprocess.run(['git', '-C', str(machine.ROOT), 'rev-parse',
                          '--short', 'HEAD'], capture_output=True, text=True,
                         check=False)
    return out.stdout.strip() or None


def as_json(args, rows, means, boot, own, ref, third, demo):
    def runner(one):
        return {'program': os.path.basename(one.program),
                'options': one.options,
                'version': one.version(), 'boot': one.boots,
                'resident': one.resident, 'errors': one.errors}

    return {'date': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
            'commit': commit(), 'cores': os.cpu_count(), 'pairs': args.pairs,
            'cpu_time': args.cpu_time, 'own': runner(own),
            'reference': runner(ref), 'bochs': third and runner(third),
            'programs': rows,
            'means': means, 'boot_ratio': boot, 'demo': demo}


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--emulator', default=os.environ.get(
        'EMU', str(machine.ROOT / 'build/emu')))
    parser.add_argument('--options', type=shlex.split,
                        default=['-accel', 'interp'],
                        help="of the emulator (-accel interp): --options "
                        "'-accel jit'")
    parser.add_argument('--guest', choices=sorted(image.PEERS),
                        default='riscv64-linux')
    parser.add_argument('--reference', help="default: Debian's QEMU for it")
    parser.add_argument('--reference-options', type=shlex.split, default=[],
                        help='of the reference')
    parser.add_argument('--bochs', default='bochs', metavar='PROGRAM',
                        help="for a PC (bochs); '' leaves it out")
    parser.add_argument('--cpu-time', action='store_true',
                        help="processor time instead of the host's clock: "
                        'what waits or shares the processor counts no less')
    parser.add_argument('--layers', action='store_true',
                        help="compare with each of the translator's passes "
                        'left out instead')
    parser.add_argument('--pairs', type=int, default=3)
    parser.add_argument('--only', metavar='PROGRAM,...')
    parser.add_argument('--load', type=int, default=60, metavar='S',
                        help='work before the memory is read (default 60, '
                        '0: do not read it)')
    parser.add_argument('--scale', type=float, default=1.0,
                        help='stretches every time-out')
    parser.add_argument('--json', type=pathlib.Path)
    parser.add_argument('--svg', type=pathlib.Path)
    parser.add_argument('--prepare', action='store_true',
                        help='only fetch and compile; print what to boot')
    args = parser.parse_args()
    args.board = linux.GUESTS[args.guest].board
    args.reference = args.reference or image.PEERS[args.guest][1]
    known = [name for name, _ in image.PROGRAMS]
    args.names = args.only.split(',') if args.only else known
    for name in args.names:
        if name not in known:
            parser.error(f"no program '{name}': {', '.join(known)}")
    if args.pairs < 1:
        parser.error('--pairs: at least 1')
    return args


def third_runner(args):
    """Bochs, or None where it has nothing to do or is not there."""
    if args.board != 'pc' or not args.bochs:
        return None
    gone = bochs.missing(args.bochs)
    if gone:
        say(f'without Bochs, there is no {gone}: apt-get install '
            + bochs.PACKAGES)
        return None
    return BochsRunner('Bochs', args.bochs, args)


def measure(args, files, own, ref, third):
    for number in range(args.pairs):
        # Who goes first changes, so that neither gains by it.
        turn = (ref, own) if number % 2 == 0 else (own, ref)
        for one in turn:
            say(f'pair {number + 1} of {args.pairs}: {one.name}')
            one.round(files, args.names, args.load if number == 0 else 0)
    integer = [name for name in args.names
               if dict(image.PROGRAMS)[name] == 'integer']
    if third and integer:
        say(f'{third.name}, which takes minutes')
        third.round(files, integer, 0)


def passes(program):
    """The names of the translator's passes."""
    out = subprocess.run([program, '-jit', 'help'], capture_output=True,
                         text=True, check=True).stdout
    return re.findall(r'^\s*no-(\w+)', out, re.M)


def measure_layers(args, files, program):
    """How much longer each program takes without one pass; a column each."""
    runners = {name: Runner(name, program, args, ['-accel', 'jit', *(
        ['-jit', 'no-' + name] if name else [])])
               for name in ['', *passes(program)]}
    for number in range(args.pairs):
        for name, one in runners.items():
            say(f'round {number + 1} of {args.pairs}: '
                f"{'no-' + name if name else 'all passes'}")
            one.round(files, args.names, 0)
    whole = runners.pop('')
    print(f"{'time without':14}"
          + ''.join(f'{name:>9}' for name in runners))
    for name in [*args.names, 'boot']:
        def times(one):
            return one.boots if name == 'boot' else one.times.get(name, [])
        print(f'{name:14}' + ''.join(
            show_number(median([t / w for t, w in zip(times(one),
                                                      times(whole))]),
                        '{:.2f}').rjust(9) for one in runners.values()))
    return not any(one.errors for one in [whole, *runners.values()])


def warn_busy():
    """Other work on the host makes times scatter."""
    load = os.getloadavg()[0]
    if load > 0.7:
        say(f"the host is busy (load {load:.1f}): times will scatter")


def end_by_signal(number, _frame):
    """Leaves by way of the `with` blocks, which end what they started."""
    for again in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(again, signal.SIG_IGN)
    sys.exit(128 + number)


def main():
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_by_signal)
    args = parse()
    try:
        files, native_folder = image.prepare(args.guest, say)
    except image.BenchError as err:
        say(str(err))
        return 1
    if args.prepare:
        for name, path in files.items():
            print(name, path)
        return 0
    if args.layers:
        warn_busy()
        return 0 if measure_layers(args, files, machine.find_emulator(
            args.emulator)) else 1
    if not shutil.which(args.reference):
        say(f"no '{args.reference}': apt-get install "
            f'{image.PEERS[args.guest][2]}')
        return 1
    own = Runner('emu', machine.find_emulator(args.emulator), args,
                 args.options)
    ref = Runner('reference', args.reference, args, args.reference_options)
    third = third_runner(args)
    native = {name: native_run(native_folder, name) for name in args.names}
    warn_busy()
    measure(args, files, own, ref, third)
    demo = demo_times(own.program) if args.board == 'virt' else None
    rows = compare(own, ref, third, native, args.names)
    means = group_means(rows)
    boot = own.boots and ref.boots and median(
        [r / o for r, o in zip(ref.boots, own.boots)]) or None
    print_table(rows, means, boot, own, ref)
    for text, met in bars(means, rows, boot, own, demo):
        word = {True: 'met', False: 'MISSED', None: 'unknown'}[met]
        print(f'bar: {text}: {word}')
    if args.json:
        data = as_json(args, rows, means, boot, own, ref, third, demo)
        args.json.write_text(json.dumps(data, indent=1) + '\n')
    if args.svg:
        args.svg.write_text(picture.svg(rows, means, boot))
    good = all(row['agree'] and row['ratio'] for row in rows)
    errors = [one for one in (own, ref, third) if one and one.errors]
    return 0 if good and not errors else 1


if __name__ == '__main__':
    sys.exit(main())
