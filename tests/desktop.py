"""An X server without a screen, for tests of windows: Xvfb, and xdotool."""

import os
import struct
import subprocess


class Desktop:
    """An X server whose screen is a file in a folder."""

    def __init__(self, folder, size='1920x1200'):
        self.file = folder / 'Xvfb_screen0'
        read, write = os.pipe()
        self.server = subprocess.Popen(
            ['Xvfb', '-displayfd', str(write), '-screen', '0', f'{size}x24',
             '-fbdir', str(folder), '-nolisten', 'tcp'],
            pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as f:
            number = f.readline().strip()
        if not number:
            raise OSError('Xvfb does not start')
        self.name = ':' + number
        self.env = {**os.environ, 'DISPLAY': self.name,
                    'SDL_VIDEODRIVER': 'x11', 'SDL_RENDER_DRIVER': 'software'}

    def close(self):
        self.server.terminate()
        self.server.wait()

    def run(self, *argv, timeout=120):
        """A program on the desktop; what it writes."""
        return subprocess.run([str(a) for a in argv], env=self.env, check=True,
                              stdout=subprocess.PIPE, timeout=timeout,
                              text=True).stdout

    def tool(self, *args):
        return self.run('xdotool', *args)

    def geometry(self, window):
        """Its X, Y, WIDTH, HEIGHT and more."""
        text = self.tool('getwindowgeometry', '--shell', window)
        return {name: int(value) for name, value in (
            line.split('=') for line in text.split())}

    def rows(self, part=None):
        """All of the screen, or a part (left, top, width, height), as rows of
        bytes: red, green, blue."""
        data = self.file.read_bytes()
        head = struct.unpack('>25I', data[:100])
        line = head[12]
        left, top, width, height = part or (0, 0, head[4], head[5])
        start = head[0] + head[19] * 12 + top * line + left * 4
        rows = []
        for begin in range(start, start + height * line, line):
            row = data[begin:begin + width * 4]
            rgb = bytearray(width * 3)
            rgb[0::3], rgb[1::3], rgb[2::3] = row[2::4], row[1::4], row[0::4]
            rows.append(bytes(rgb))
        return rows

    def shows(self, picture):
        """Is it anywhere?  Without a window manager nobody says where."""
        rows = self.rows()
        for top in range(len(rows) - len(picture) + 1):
            left = rows[top].find(picture[0])
            if left >= 0 and left % 3 == 0 and all(
                    row[left:left + len(want)] == want
                    for row, want in zip(rows[top:], picture)):
                return True
        return False
