#!/usr/bin/env python3
"""Compare the board `virt` with QEMU's board of that name.

usage: test_virt.py EMU

What guests and firmware may have by heart must agree, for each value of each
option: addresses, interrupt numbers, compatible strings, the timebase.
Without qemu-system-riscv64 this is skipped.
"""

import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

QEMU = 'qemu-system-riscv64'

# Not there on purpose: chips of later issues, and what is QEMU's own.
MISSING = {'platform-bus@4000000', 'cpu-map'}
# Ours alone.
OWN = {'rom@1000', 'aliases'}


# QEMU gives an IMSIC a page for each hart and MTIMER's mtime the rest of its
# window; ours have room for all harts, and 8 bytes.
OTHER_REG = {'imsics', 'mtimer'}
# With aplic-imsic,aclint=on QEMU has no MSWI and SSWI, and MTIMER in their
# place: not compared.
OPTIONS = ('aia=none,aclint=off', 'aia=none,aclint=on', 'aia=aplic,aclint=off',
           'aia=aplic,aclint=on', 'aia=aplic-imsic,aclint=off')


class Node:
    def __init__(self, name):
        self.name = name
        self.props = {}
        self.children = []

    def cells(self, name):
        data = self.props[name]
        return struct.unpack(f'>{len(data) // 4}I', data)

    def strings(self, name):
        return self.props[name].rstrip(b'\0').decode().split('\0')

    def find(self, path):
        node = self
        for part in path.strip('/').split('/'):
            node = next(c for c in node.children if c.name == part)
        return node


def parse(dtb):
    """The root of a flattened tree (Devicetree Specification 0.4, 5)."""
    structure, strings = struct.unpack_from('>2I', dtb, 8)
    at, stack, root = structure, [], None
    while True:
        token, = struct.unpack_from('>I', dtb, at)
        at += 4
        if token == 1:
            end = dtb.index(0, at)
            node = Node(dtb[at:end].decode())
            at = (end + 4) // 4 * 4
            if stack:
                stack[-1].children.append(node)
            else:
                root = node
            stack.append(node)
        elif token == 2:
            stack.pop()
        elif token == 3:
            size, name = struct.unpack_from('>2I', dtb, at)
            name += strings
            key = dtb[name:dtb.index(0, name)].decode()
            stack[-1].props[key] = dtb[at + 8:at + 8 + size]
            at = (at + 8 + size + 3) // 4 * 4
        elif token == 9:
            return root


def tree(folder, emulator, options):
    out = folder / 'tree.dtb'
    subprocess.run([emulator, '-M', f'virt,{options},dumpdtb={out}',
                    '-display', 'none', '-nodefaults', '-smp', '1'],
                   check=True, capture_output=True)
    return parse(out.read_bytes())


def chips(node):
    """{address: node} of what has an address, one level down."""
    return {int(c.name.split('@')[1], 16): c for c in node.children
            if '@' in c.name and c.name not in MISSING | OWN}


def check(what, ours, theirs):
    if ours != theirs:
        sys.exit(f'{what}: ours {ours}, QEMU\'s {theirs}')


def by_phandle(root):
    out = {}
    todo = [root]
    while todo:
        node = todo.pop()
        if 'phandle' in node.props:
            out[node.cells('phandle')[0]] = node.name.split('@')[0]
        todo += node.children
    return out


def targets(root, node):
    """interrupts-extended with names instead of phandles."""
    cells = node.cells('interrupts-extended')
    names = by_phandle(root)
    return sorted((names[p], line)
                  for p, line in zip(cells[::2], cells[1::2]))


def named(root, node, prop):
    """Cells of a property, with names for its first one, a phandle."""
    cells = list(node.cells(prop))
    return [by_phandle(root)[cells[0]], *cells[1:]]


def compare_aia(ours, theirs, node, twin):
    """What APLICs, IMSICs and their users have of the AIA."""
    for prop in ('riscv,num-sources', 'riscv,num-ids'):
        if prop in twin.props:
            check(f'{node.name} {prop}', node.cells(prop), twin.cells(prop))
    for prop in ('msi-parent', 'riscv,children', 'riscv,delegate'):
        check(f'{node.name} {prop}?', prop in node.props, prop in twin.props)
        if prop in twin.props:
            check(f'{node.name} {prop}', named(ours, node, prop),
                  named(theirs, twin, prop))
    for prop in ('interrupt-controller', 'msi-controller'):
        check(f'{node.name} {prop}', prop in node.props, prop in twin.props)


def compare(ours, theirs):
    mine, other = chips(ours.find('soc')), chips(theirs.find('soc'))
    check('addresses', sorted(map(hex, mine)), sorted(map(hex, other)))
    for at, node in mine.items():
        twin = other[at]
        check(f'{node.name} compatible', node.strings('compatible'),
              twin.strings('compatible'))
        check(f'{node.name} reg', node.cells('reg')[:2],
              twin.cells('reg')[:2])
        if node.name.split('@')[0] not in OTHER_REG:
            check(f'{node.name} reg', node.cells('reg'), twin.cells('reg'))
        compare_aia(ours, theirs, node, twin)
        for prop in ('interrupts', '#interrupt-cells', '#address-cells',
                     'interrupt-map-mask', 'bus-range'):
            if prop in twin.props:
                check(f'{node.name} {prop}', node.cells(prop),
                      twin.cells(prop))
        if 'interrupts-extended' in twin.props:
            check(f'{node.name} wires', targets(ours, node),
                  targets(theirs, twin))
    for name in ('fw-cfg@10100000', 'flash@20000000'):
        node, twin = ours.find(name), theirs.find(name)
        for prop in twin.props:
            check(f'{name} {prop}', node.props[prop], twin.props[prop])
    pci, twin = mine[0x30000000], other[0x30000000]
    # All but the phandle of the controller; and the window below 4 GiB.
    entry = len(twin.cells('interrupt-map')) // 16
    check('interrupt-map', [c for i, c in enumerate(pci.cells('interrupt-map'))
                            if i % entry != 4],
          [c for i, c in enumerate(twin.cells('interrupt-map'))
           if i % entry != 4])
    check('ranges', pci.cells('ranges')[:14], twin.cells('ranges')[:14])
    check('timebase', ours.find('cpus').cells('timebase-frequency'),
          theirs.find('cpus').cells('timebase-frequency'))
    for name in ('poweroff', 'reboot'):
        for prop in ('value', 'offset'):
            check(f'{name} {prop}', ours.find(name).cells(prop),
                  theirs.find(name).cells(prop))
    check('stdout', ours.find('chosen').strings('stdout-path'),
          theirs.find('chosen').strings('stdout-path'))
    names = {c.name for c in theirs.children} - MISSING
    check('top nodes', sorted({c.name for c in ours.children} - OWN),
          sorted(names))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    if not shutil.which(QEMU):
        print(f'skipped: no {QEMU}')
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        for options in OPTIONS:
            compare(tree(pathlib.Path(folder), sys.argv[1], options),
                    tree(pathlib.Path(folder), QEMU, options))
    print('the same, as far as guests know it')


if __name__ == '__main__':
    main()
