"""Writes initramfs archives: the "newc" form of cpio, device nodes included.

The kernel's Documentation/driver-api/early-userspace/buffer-format.rst says
what a header holds.  No root is needed, since nodes exist in the archive only,
and the same input gives the same bytes (times are 0, owners are root).
Missing: hard links.
"""

import stat


class Cpio:
    """An archive in the making.  Names are relative, without a leading '/'."""

    def __init__(self):
        self.parts = []
        self.inode = 0
        self.folders = set()

    def _entry(self, name, mode, data=b'', rdev=(0, 0)):
        self.inode += 1
        raw = name.encode() + b'\0'
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0,
                  rdev[0], rdev[1], len(raw), 0)
        head = b'070701' + b''.join(b'%08X' % f for f in fields) + raw
        self.parts += [pad4(head), pad4(data)]

    def folder(self, name, mode=0o755):
        """Adds a folder and those above it, each once."""
        if name in self.folders or not name:
            return
        if '/' in name:
            self.folder(name.rsplit('/', 1)[0])
        self.folders.add(name)
        self._entry(name, stat.S_IFDIR | mode)

    def _parent(self, name):
        if '/' in name:
            self.folder(name.rsplit('/', 1)[0])

    def file(self, name, data, mode=0o644):
        self._parent(name)
        self._entry(name, stat.S_IFREG | mode, data)

    def link(self, name, to):
        self._parent(name)
        self._entry(name, stat.S_IFLNK | 0o777, to.encode())

    def char_device(self, name, major, minor, mode=0o600):
        self._parent(name)
        self._entry(name, stat.S_IFCHR | mode, rdev=(major, minor))

    def finish(self):
        """The whole archive as bytes."""
        self._entry('TRAILER!!!', 0)
        return b''.join(self.parts)


def pad4(data):
    return data + b'\0' * (-len(data) % 4)
