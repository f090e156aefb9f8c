"""Runs a small ROM of ours in the place of a PC's BIOS, which says at port E9h
what it found, and ends by isa-debug-exit."""

import os
import pathlib
import subprocess
import sys
import tempfile


def run(*options, **environment):
    """The ROM that the command line names, EMU ROM: what it said, and the
    status that it ended with."""
    emu, rom = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / 'out'
        status = subprocess.run(
            [emu, '-M', 'pc', '-bios', rom, '-display', 'none', '-serial',
             'none', '-debugcon', f'file:{out}', '-device',
             'isa-debug-exit,iobase=0xf4', *options],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=300,
            check=False, env={**os.environ, **environment}).returncode
        # The device makes 2 n + 1 of n.
        return out.read_text(), status // 2 if status & 1 else f'({status})'


def passes(check, options):
    """One run, judged: check(text) gives what is wrong; prints a line."""
    text, status = run(*options)
    bad = check(text)
    if status != 0:
        bad.append(f'status {status}')
    print(f"{' '.join(options)}: {'; '.join(bad) or 'good'}")
    if bad:
        print(text)
    return not bad
