"""The monitor of an emulator, ours or QEMU, on a socket of the host."""

import re
import socket


class Monitor:
    """-monitor unix:PATH,server,nowait"""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.socket.settimeout(120)
        self.ask('info status')

    def close(self):
        self.socket.close()

    def tell(self, command):
        self.socket.sendall(command.encode() + b'\n')

    def ask(self, command):
        """What it says to a command, with the command itself."""
        self.tell(command)
        got = b''
        while command.encode() not in got or \
                not re.search(rb'\((emu|qemu)\) $', got):
            data = self.socket.recv(4096)
            if not data:
                raise OSError(f'the monitor ends: {got.decode()}')
            got += data
        return got.decode()
