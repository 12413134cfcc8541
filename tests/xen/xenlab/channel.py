# SPDX-License-Identifier: MIT
"""One character device of the machine, as a socket that is cut into lines."""

import socket


class Channel:
    """`on_line(text)` gets each line, without its end; `on_text(text)` each piece as it comes."""

    def __init__(self, name, on_line, on_text=None):
        self.name = name
        self.on_line = on_line
        self.on_text = on_text
        self.ours, self.theirs = socket.socketpair()
        self.ours.setblocking(False)
        self.open = True
        self._rest = b''
        self._to_send = b''

    def send(self, data):
        """Queue bytes for the machine; they go when it can take them."""
        self._to_send += data
        self.flush()

    def wants_to_write(self):
        return bool(self._to_send) and self.open

    def flush(self):
        try:
            while self._to_send:
                self._to_send = self._to_send[self.ours.send(self._to_send):]
        except BlockingIOError:
            pass
        except OSError:
            self._to_send = b''      # the machine is gone; whoever waits will notice

    def read(self):
        """Take everything that is there."""
        while self.open:
            try:
                data = self.ours.recv(65536)
            except BlockingIOError:
                return
            except OSError:
                data = b''
            if not data:
                self.open = False
                self.end_line()
                return
            self._take(data)

    def _take(self, data):
        if self.on_text:
            self.on_text(data.decode('utf-8', 'replace'))
        *lines, self._rest = (self._rest + data).split(b'\n')
        for line in lines:
            self.on_line(line.decode('utf-8', 'replace').strip('\r'))

    def end_line(self):
        """What came without an end of line is a line too when nothing follows."""
        if self._rest:
            rest, self._rest = self._rest, b''
            self.on_line(rest.decode('utf-8', 'replace').strip('\r'))

    def close(self):
        self.ours.close()
        self.theirs.close()
