#!/usr/bin/env python3
"""Drive the demo guest under an emulator and check all that it does.

    demo.py EMULATOR [OPTION...]

runs "EMULATOR -M virt -bios demo.bin -nographic OPTION..."; Debian's
qemu-system-riscv64 takes the same.  Exit status 77 (skipped) if there is no
such emulator.
"""

import os
import re
import subprocess
import sys
import time

from guest import Failure, Guest, ROMS, need

IMAGE = os.path.join(ROMS, "demo.bin")
PROMPT = r"^emu> "
SCRATCH = 0x80080000  # RAM that the demo leaves alone, with 2 MiB too

GROUPS = [
    "integer", "multiply, divide", "loads, stores", "branches", "compressed",
    "fence.i", "atomics", "Zba", "Zbb", "Zbs", "single precision",
    "double precision", "counters", "exceptions", "misaligned", "S-mode",
    "U-mode", "delegation", "PMP", "Sv39", "timer", "software interrupt",
    "external interrupt", "Sstc", "other harts"]

# Groups that a machine may lack, and the extension that says so.
OPTIONAL = {"Zba": "zba", "Zbb": "zbb", "Zbs": "zbs", "Sstc": "sstc",
            "single precision": "f", "double precision": "d"}

# What QEMU 7 gets wrong; the specification decides.  ctzw counts beyond its
# word; an atomic operation's fault reports as a load's; a store conditional
# without a reservation does not look at its address.
QEMU_7_WRONG = {
    "Zbb": r"ctzw of [0-9a-f]+, [0-9a-f]+: [0-9a-f]+, expected 20",
    "exceptions": r"atomic on nowhere: load access fault, "
                  r"expected store access fault",
    "misaligned": r"sc\.d: no exception, expected misaligned store|"
                  r"amoadd\.d: misaligned load, expected misaligned store",
}


def check(condition, what):
    if not condition:
        raise Failure(what)


def known_wrong(emulator):
    """The differences that this emulator is known for, by group."""
    result = subprocess.run([emulator, "-version"], capture_output=True,
                            text=True, check=False)
    if re.match(r"QEMU emulator version 7\.", result.stdout):
        return QEMU_7_WRONG
    return {}


def isa_names(isa, extension):
    first, *rest = isa.split("_")
    return (extension in first[4:].replace("g", "imafd")
            if len(extension) == 1 else extension in rest)


class Demo:
    """A demo guest at its prompt."""

    def __init__(self, guest, wrong):
        self.guest = guest
        self.wrong = wrong
        self.isa = []  # a string a hart

    def command(self, line, timeout=60):
        """What the guest prints on this command."""
        self.guest.send(line + "\r")
        self.guest.expect(re.escape(line) + "\n")
        return self.guest.expect(PROMPT, timeout)[1]

    def check_start(self):
        """From power-on to the prompt."""
        guest = self.guest
        match, before = guest.expect(r"^emu demo guest on (.+)\n")
        check(before.strip() == "", f"{before!r} before the banner")
        print(f"banner after {time.monotonic() - guest.started:.3f} s "
              f"on {match[1]}")
        report = guest.expect(PROMPT)[1]
        print(f"prompt after {time.monotonic() - guest.started:.3f} s")
        check("Type help" in report, "no word about help")
        self.check_harts(report)
        self.check_memory(report)
        self.check_devices(report)
        self.check_tests(report)
        self.check_bench(report)

    def check_harts(self, text):
        self.isa = re.findall(r"^  hart \d+  (rv64\w+)  ", text, re.M)
        check(self.isa, "no hart")
        check(text.count("runs this demo") == 1, "no hart runs the demo")
        check(text.count("  parked") == len(self.isa) - 1, "harts not parked")
        rate = re.search(r"time base (\d+) Hz", text)
        check(rate and int(rate[1]) > 0, "no time base")

    @staticmethod
    def check_memory(text):
        check(re.search(r"^  000080000000-[0-9a-f]{12} +\d+ KiB  RAM$", text,
                        re.M), "no RAM")
        check(re.search(r"^  000080000000-\S+ +\d+ KiB  this demo$", text,
                        re.M), "the demo is not in memory")
        check("KiB  device tree" in text, "no device tree in memory")

    @staticmethod
    def check_devices(text):
        for pattern in (
                r"000010000000 +100  irq 10 .*ns16550a",
                r"00000c000000 .*plic",
                r"000002000000 .*clint",
                r"000000100000 .*sifive,test",
                r"000000101000 .*google,goldfish-rtc",
                r"000030000000 .*pci-host-ecam-generic",
                r"000010001000 +1000  irq 1 .*virtio,mmio",
                r"000010008000 +1000  irq 8 .*virtio,mmio",
                r"- .*syscon-poweroff",
                r"- .*syscon-reboot"):
            check(re.search("^  " + pattern, text, re.M),
                  f"no device {pattern}")
        check("PCI functions at 30000000" in text, "no PCI")
        check(re.search(r"^  00:00\.0  \w{4}:\w{4}  class 060000 +host bridge",
                        text, re.M), "no host bridge")
        check(re.search(r"^  \d of 8 slots used", text, re.M), "no slots")

    def check_tests(self, text):
        text = text[text.index("self-test\n"):]
        parts = re.findall(r"^  (\S.{19})((?:PASS|FAIL|skipped: ).*)\n"
                           r"((?:    .*\n)*)", text, re.M)
        check([name.rstrip() for name, *_ in parts] == GROUPS,
              f"other groups of tests: {parts}")
        for name, result, details in parts:
            self.check_group(name.rstrip(), result, details)
        passed = sum(result == "PASS" for _, result, _ in parts)
        print(f"self-test: {passed} of {len(parts)} passed")
        check(re.search(rf"^  {passed} passed, ", text, re.M), "wrong sum")

    def check_group(self, name, result, details):
        if result.startswith("skipped"):
            if name == "other harts":
                check(len(self.isa) == 1, f"{name}: {result}")
            else:
                check(name in OPTIONAL and
                      not isa_names(self.isa[0], OPTIONAL[name]),
                      f"{name}: {result}")
            print(f"{name}: {result}")
        elif result == "FAIL":
            for line in details.splitlines():
                check(re.fullmatch(self.wrong.get(name, "(?!)"), line.strip())
                      or name in self.wrong and
                      re.fullmatch(r"and \d+ more", line.strip()),
                      f"self-test {name}: {line.strip()}")
            print(f"{name}: fails, as known of this emulator")

    @staticmethod
    def check_bench(text):
        speeds = re.findall(r"^  .{20} *(\d+\.\d) MIPS(.*)$", text, re.M)
        check(len(speeds) == 4 and all(float(s) > 0 for s, _ in speeds),
              f"benchmark: {speeds}")
        print("benchmark:", " ".join(s for s, _ in speeds), "MIPS")

    def check_lists(self):
        """The commands that repeat a part of the start."""
        self.check_harts(self.command("harts"))
        self.check_memory(self.command("memory"))
        self.check_devices(self.command("devices"))
        self.check_tests(self.command("test"))
        self.check_bench(self.command("bench"))
        text = self.command("help")
        for name in ("help", "devices", "memory", "harts", "test", "bench",
                     "peek", "poke", "tree", "time", "echo", "reboot",
                     "poweroff"):
            check(re.search(rf"^  {name} +\S", text, re.M), f"no help {name}")

    def check_words(self):
        """echo, peek, poke."""
        check(self.command("echo") == "\n", "echo of nothing")
        check(self.command("echo a  bc") == "a bc\n", "echo")
        check("no such command" in self.command("frobnicate"), "no complaint")
        with open(IMAGE, "rb") as file:
            image = file.read(20)
        words = [int.from_bytes(image[i:i + 4], "little")
                 for i in range(0, 20, 4)]
        check(self.command("peek 0x80000000 5") ==
              "000080000000: " + " ".join(f"{w:08x}" for w in words[:4]) +
              f"\n000080000010: {words[4]:08x}\n", "peek differs from image")
        check(self.command(f"poke 0x{SCRATCH:x} 3735928559") == "", "poke")
        check(self.command(f"peek {SCRATCH}") ==
              f"{SCRATCH:012x}: deadbeef\n", "poke did not poke")
        for line, answer in (
                ("peek", "usage: peek ADDR [N]\n"),
                ("peek 1", "peek: the address must be a multiple of 4\n"),
                ("peek 0x", "peek: 0x is not a number from 0 to "
                 "0xffffffffffffffff\n"),
                ("peek 0 1025", "peek: 1025 is not a number from 0 to 0x400\n"),
                ("peek 0", "000000000000: fault\n"),
                ("poke 0 0", "000000000000: fault\n"),
                ("poke 0 0x100000000", "poke: 0x100000000 is not a number "
                 "from 0 to 0xffffffff\n"),
                ("poke 18446744073709551616 0", "poke: 18446744073709551616 "
                 "is not a number from 0 to 0xffffffffffffffff\n"),
                ("harts 1", "usage: harts \n"),
                ("poweroff 256", "poweroff: 256 is not a number from 0 to "
                 "0xff\n")):
            got = self.command(line)
            check(got == answer, f"{line}: {got!r}")

    def check_tree(self):
        text = self.command("tree")
        check(text.startswith("/ {\n") and text.endswith("\n};\n"), "tree")
        check(text.count("{") == text.count("}"), "tree: braces")
        part = self.command("tree /cpus/cpu@0")
        check(part.startswith("cpu@0 {\n") and part.endswith("\n};\n") and
              f'riscv,isa = "{self.isa[0]}";' in part, "tree of a cpu")
        check("\n            riscv,isa = " in text, "tree: depth")
        check(self.command("tree /none") == "tree: no node /none\n",
              "tree of nothing")

    def check_time(self):
        pattern = (r"time base: \d+ ticks, (\d+\.\d{3}) s\n"
                   r"date: (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC\n")
        before = time.time()
        first = re.fullmatch(pattern, self.command("time"))
        check(first, "time: other output")
        date = time.strptime(first[2] + " UTC", "%Y-%m-%d %H:%M:%S %Z")
        guest = time.mktime(date) - time.timezone
        check(before - 2 <= guest <= time.time() + 2,
              f"date {first[2]} is not the host's")
        time.sleep(0.5)
        second = re.fullmatch(pattern, self.command("time"))
        passed = float(second[1]) - float(first[1])
        check(passed >= 0.5, f"in 0.5 s the guest's time passed {passed} s")

    def check_editing(self):
        """The line editor."""
        guest = self.guest
        guest.send("echo abx\bc\x7fd\r")
        guest.expect(r"^abd\n" + PROMPT)
        guest.send("nonsense\x15echo fresh\r")
        guest.expect(r"^fresh\n" + PROMPT)
        guest.send("echo gone\x03")
        guest.expect(r"echo gone\^C\n" + PROMPT)
        guest.send("\x7f\x1b[A\x1bOBecho \x1b[3~keys\r")
        guest.expect(r"^keys\n" + PROMPT)
        guest.send("echo " + 200 * "y" + "\r")
        answer, _ = guest.expect(r"^(y+)\n" + PROMPT)
        check(len(answer[1]) == 127 - len("echo "), "over-long line")
        for end in ("\r\n", "\n", "\r"):
            guest.send("echo end" + end)
            _, before = guest.expect(r"^end\n" + PROMPT)
            check(before == "echo end\n", f"after a line end: {before!r}")

    def check_paste(self, lines=1000):
        """Much input at once: nothing is lost, all in order."""
        self.guest.send("".join(f"echo line {i}\r" for i in range(lines)))
        for i in range(lines):
            self.guest.expect(rf"^line {i}\n" + PROMPT)

    def check_idle(self, seconds=2):
        """A prompt that waits costs nothing."""
        time.sleep(0.2)
        before = self.guest.cpu_seconds()
        time.sleep(seconds)
        used = self.guest.cpu_seconds() - before
        print(f"idle: {100 * used / seconds:.1f} % of a processor")
        check(used <= 0.1 * seconds, f"{used} s of {seconds} at the prompt")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    emulator, *options = sys.argv[1:]
    need(emulator)
    wrong = known_wrong(emulator)
    command = [emulator, "-M", "virt", "-bios", IMAGE, "-nographic", *options]
    print(" ".join(command))
    try:
        with Guest(command) as guest:
            demo = Demo(guest, wrong)
            demo.check_start()
            demo.check_lists()
            demo.check_words()
            demo.check_tree()
            demo.check_time()
            demo.check_editing()
            demo.check_paste()
            demo.check_idle()
            guest.send("reboot\r")
            guest.expect("reboot\n")
            demo.check_start()
            guest.send("poweroff\r")
            check(guest.wait() == 0, "poweroff: another status than 0")
        with Guest(command) as guest:
            guest.expect(PROMPT)
            guest.send("poweroff 3\r")
            status = guest.wait()
            check(status == 3, f"poweroff 3: status {status}")
    except Failure as failure:
        sys.exit(f"FAIL: {failure}")
    print("all is well")


if __name__ == "__main__":
    main()
