#!/usr/bin/env python3
"""What a window costs, in processor time: under Xvfb, beside -display none.

    tests/bench/window.py [EMULATOR]
    tests/bench/window.py --seconds 20

Full-screen animations at 320x200, 70 frames a second, and at 1024x768, 30; and
a guest that halts, and one that polls the keyboard.  The server's own time is
listed, too.  Needs nasm, Xvfb and a build with SDL.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / 'guests')]

import proc  # noqa: E402
from desktop import Desktop  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
# Name: what the guest is made with, and the most that a window may cost.
CASES = {
    '320x200 at 70': (['-DMODE13', '-DHZ=70'], 0.5),
    '1024x768 at 30': (['-DVBE', '-DHZ=30'], 0.5),
    'halted': (['-DHALT'], None),
    'polling INT 16h': (['-DPOLL'], None),
}
MOST_HALTED = 0.02


def seconds(pid):
    text = pathlib.Path(f'/proc/{pid}/stat').read_text()
    fields = text.rsplit(')', 1)[1].split()
    return sum(map(int, fields[11:13])) / os.sysconf('SC_CLK_TCK')


def measure(args, image, server):
    """Cores that the emulator and the server take; what it says of frames."""
    env = server.env if server else None
    pids = []
    with subprocess.Popen(
            [args.emulator, '-M', 'pc', '-vga', 'std', '-m', '32', '-hda',
             image, '-snapshot', '-serial', 'none', '-monitor', 'stdio',
             '-display', 'sdl' if server else 'none'], env=env,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            preexec_fn=proc.end_with_parent) as emu:
        pids = [emu.pid] + ([server.server.pid] if server else [])
        time.sleep(args.settle)
        emu.stdin.write(b'info display\n')
        emu.stdin.flush()
        before, start = list(map(seconds, pids)), time.monotonic()
        time.sleep(args.seconds)
        after, end = list(map(seconds, pids)), time.monotonic()
        out, _ = emu.communicate(b'info display\nquit\n')
    cores = [(b - a) / (end - start) for a, b in zip(before, after)]
    frames = [int(n) for n in re.findall(rb'drew (\d+) frames', out)]
    rate = (frames[1] - frames[0]) / (end - start) if len(frames) == 2 else 0
    return cores[0], cores[-1] if server else 0, rate


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('emulator', nargs='?',
                        default=str(HERE.parents[1] / 'build/emu'))
    parser.add_argument('--seconds', type=float, default=10)
    parser.add_argument('--settle', type=float, default=4,
                        help='before it is measured; default %(default)s')
    args = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, (flags, most) in CASES.items():
            image = f'{folder}/image'
            subprocess.run(['nasm', '-f', 'bin', *flags, '-o', image,
                            str(HERE / 'window.asm')], check=True)
            os.truncate(image, 65536)
            alone, _, _ = measure(args, image, None)
            server = Desktop(pathlib.Path(folder))
            try:
                cores, served, rate = measure(args, image, server)
            finally:
                server.close()
            good = (cores - alone <= most if most else
                    name != 'halted' or max(cores, alone) <= MOST_HALTED)
            bad += not good
            print(f'{"ok  " if good else "FAIL"} {name}: {alone:.1%} of a core '
                  f'without, {cores:.1%} with a window ({served:.1%} in the X '
                  f'server), {rate:.1f} frames a second', flush=True)
    return bad != 0


if __name__ == '__main__':
    sys.exit(main())
