#!/usr/bin/env python3
"""Makes the folder of QEMU's names for the emulator.

usage: compat.py EMULATOR FOLDER STAMP NAME...

FOLDER/NAME becomes a symbolic link to EMULATOR, relative, so that the build
folder can be moved; STAMP is written for the build system.
"""

import os
import pathlib
import sys


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__.strip())
    emulator, folder, stamp = (pathlib.Path(a) for a in sys.argv[1:4])
    folder.mkdir(exist_ok=True)
    target = os.path.relpath(emulator.resolve(), folder.resolve())
    for name in sys.argv[4:]:
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    stamp.write_text('')


if __name__ == '__main__':
    main()
