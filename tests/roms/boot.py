#!/usr/bin/env python3
"""The boot stub, and the demo guest with device trees that are no good.

Under Debian's QEMU, which can put the stub, trees and programs anywhere: the
stub runs on RV32 and RV64 from wherever it lies and hands over what the loader
patched into it; the demo guest survives trees that are absent, damaged, or lie.
"""

import os
import random
import re
import subprocess
import sys
import tempfile

from guest import CROSS, Failure, Guest, HERE, ROMS, need

STUB_AT = 0x80200000  # QEMU has its own one at the reset vector
TREE_AT = 0x80300000
RAM = 0x80000000


def layout():
    """The numbers of boot_layout.h."""
    with open(os.path.join(ROMS, "boot_layout.h"), encoding="ascii") as file:
        return {name: int(value, 0) for name, value in
                re.findall(r"^#define (\w+) (\w+)", file.read(), re.M)}


LAYOUT = layout()


def stub(xlen, start, tree, info):
    """The boot stub as the loader patches it."""
    with open(os.path.join(ROMS, "boot.bin"), "rb") as file:
        image = bytearray(file.read())
    if len(image) != LAYOUT["BOOT_SIZE"]:
        raise Failure(f"boot.bin has {len(image)} bytes")

    def put(offset, value, size):
        image[offset:offset + size] = value.to_bytes(size, "little")

    put(LAYOUT["BOOT_START"], start, 8)
    put(LAYOUT["BOOT_TREE"], tree, 8)
    for i, value in enumerate(info):
        put(LAYOUT["BOOT_INFO"] + i * xlen // 8, value, xlen // 8)
    return bytes(image)


class Machine:
    """A QEMU with files loaded into its memory, hart 0 starting at the stub."""

    def __init__(self, folder, xlen=64, options=()):
        self.folder = folder
        self.command = [f"qemu-system-riscv{xlen}", "-M", "virt", "-bios",
                        "none", "-nographic", *options]

    def load(self, address, data, hart=None):
        path = os.path.join(self.folder, f"{address:x}")
        with open(path, "wb") as file:
            file.write(data)
        self.command += ["-device", f"loader,file={path},addr=0x{address:x},"
                         "force-raw=on" +
                         ("" if hart is None else f",cpu-num={hart}")]


def assemble(folder, xlen, start, tree, info):
    """boot_check.S as a raw program."""
    program = os.path.join(folder, "check")
    abi = "lp64" if xlen == 64 else "ilp32"
    subprocess.run(
        [CROSS + "gcc", f"-march=rv{xlen}i_zicsr", f"-mabi={abi}", "-nostdlib",
         "-static", f"-DXLEN={xlen}", f"-DTREE=0x{tree:x}",
         f"-DINFO=0x{info:x}", f"-Wl,-Ttext=0x{start:x},--build-id=none",
         "-o", program, os.path.join(HERE, "boot_check.S")], check=True)
    subprocess.run([CROSS + "objcopy", "-O", "binary", program,
                    program + ".bin"], check=True)
    with open(program + ".bin", "rb") as file:
        return file.read()


def check_stub(xlen, start, tree, options=()):
    where = STUB_AT + 0x1000
    info = [LAYOUT["BOOT_INFO_MAGIC_VALUE"],
            LAYOUT["BOOT_INFO_VERSION_VALUE"], 0x80400000, 1, 0, 42]
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(folder, xlen, options)
        machine.load(where, stub(xlen, start, tree, info), hart=0)
        machine.load(start, assemble(folder, xlen, start, tree,
                                     where + LAYOUT["BOOT_INFO"]))
        with Guest(machine.command) as guest:
            status = guest.wait()
    if status != 0:
        raise Failure(f"RV{xlen} stub, start {start:#x}, tree {tree:#x}: "
                      f"check {status} of boot_check.S failed")
    print(f"RV{xlen} stub, start {start:#x}, tree {tree:#x}: ok")


def demo_with_tree(tree, address=TREE_AT):
    """A machine that hands this tree to the demo guest."""
    folder = tempfile.TemporaryDirectory()
    machine = Machine(folder.name)
    with open(os.path.join(ROMS, "demo.bin"), "rb") as file:
        machine.load(RAM, file.read())
    machine.load(STUB_AT, stub(64, RAM, address, [0] * 6), hart=0)
    if tree is not None:
        machine.load(TREE_AT, tree)
    return folder, machine.command


def check_survives(name, tree, problem=None, address=TREE_AT, commands=()):
    """The demo reaches its prompt, names the problem, and obeys."""
    folder, command = demo_with_tree(tree, address)
    with folder, Guest(command) as guest:
        _, start = guest.expect(r"^emu> ")
        if problem is None and "is unusable" in start:
            raise Failure(f"tree {name}: {start[:200]!r}")
        if problem is not None and f"is unusable: {problem}." not in start:
            raise Failure(f"tree {name}: not {problem!r}: {start[:200]!r}")
        for line, answer in (*commands, ("echo alive", "^alive\n"),
                             ("devices", "slots used\n"), ("tree", "")):
            guest.send(line + "\r")
            guest.expect(re.escape(line) + "\n")
            guest.expect(answer)
            guest.expect(r"^emu> ")
    print(f"tree {name}: ok")


def machine_tree(folder):
    """The tree that QEMU makes for this machine."""
    path = os.path.join(folder, "virt.dtb")
    subprocess.run(["qemu-system-riscv64", "-M", f"virt,dumpdtb={path}",
                    "-nographic"], check=True, capture_output=True)
    with open(path, "rb") as file:
        tree = file.read()
    return tree[:int.from_bytes(tree[4:8], "big")]  # the rest is padding


def with_word(tree, offset, value):
    return tree[:offset] + value.to_bytes(4, "big") + tree[offset + 4:]


def replace_address(tree, old, new):
    """The tree with each number `old` of two cells replaced."""
    for at in range(40, len(tree) - 7, 4):
        if tree[at:at + 8] == old.to_bytes(8, "big"):
            tree = tree[:at] + new.to_bytes(8, "big") + tree[at + 8:]
    return tree


def replace_interrupt(tree, old, new):
    """The tree with each property that is one cell `old` changed."""
    for at in range(40, len(tree) - 15, 4):
        words = [int.from_bytes(tree[i:i + 4], "big")
                 for i in range(at, at + 16, 4)]
        if words[:2] == [3, 4] and words[3] == old:
            tree = with_word(tree, at + 12, new)
    return tree


def damaged(tree, count, seed):
    """A copy with some words of its structure block overwritten."""
    choose = random.Random(seed)
    begin = int.from_bytes(tree[8:12], "big")
    size = int.from_bytes(tree[36:40], "big")
    for _ in range(count):
        at = begin + choose.randrange(size // 4) * 4
        tree = with_word(tree, at, choose.choice([0, 1, 2, 3, 0x10000]))
    return tree


def check_trees():
    with tempfile.TemporaryDirectory() as folder:
        tree = machine_tree(folder)
    size = len(tree)
    damage = "its structure block is damaged"
    off = ("poweroff", "no device for it\n")

    check_survives("as it is", tree)
    check_survives("absent", None, "there is none", address=0,
                   commands=[off, ("reboot", "no device for it\n"),
                             ("harts", ""), ("memory", "this demo\n")])
    check_survives("nowhere", None, "its memory cannot be read", address=0x40)
    check_survives("of zeros", bytes(4096), "its magic number is wrong")
    check_survives("at an odd address", b"\0" + bytes(tree),
                   address=TREE_AT + 1)
    check_survives("cut off", tree[:size // 2] + bytes(size), damage)
    check_survives("of 2 GiB", with_word(tree, 4, 1 << 31),
                   "its size makes no sense")
    check_survives("with blocks outside", with_word(tree, 8, size + 4),
                   "its blocks exceed it")
    # Lies: nothing answers at these addresses, or hangs on these wires.
    for name, old, new in (
            ("CLINT", 0x2000000, 0x3ff0000), ("PLIC", 0xc000000, 0x3ff0000),
            ("UART", 0x10000000, 0x3ff0000), ("finisher", 0x100000, 0x3ff0000)):
        lie = replace_address(tree, old, new)
        if lie == tree:
            raise Failure(f"no {name} at {old:#x}")
        check_survives(f"with a wrong {name}", lie)
    check_survives("with a wrong interrupt", replace_interrupt(tree, 10, 20))
    for seed in range(8):
        folder, command = demo_with_tree(damaged(tree, 1 + seed // 2, seed))
        with folder, Guest(command) as guest:
            guest.expect(r"^emu> ")
            guest.send("echo alive\r")
            guest.expect(r"^alive\n")
        print(f"damaged tree {seed}: ok")


def main():
    need("qemu-system-riscv64", "qemu-system-riscv32", CROSS + "gcc")
    try:
        check_stub(64, 0x80000000, TREE_AT)
        check_stub(64, 0x80400000, 0xffffffff87654328)
        check_stub(64, 0x100000000, 0x123456780, ["-m", "2200"])
        check_stub(32, 0x80000000, 0x87654328)
        check_stub(32, 0x80400000, 0x1000)
        check_trees()
    except Failure as failure:
        sys.exit(f"FAIL: {failure}")
    print("all is well")


if __name__ == "__main__":
    main()
