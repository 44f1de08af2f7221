"""A subscriber of a ZeroMQ PUB socket and a client of a REP one, in the few words of ZMTP 3.0 (RFC 23) that they take: greeting, NULL
handshake, subscriptions, and frames

    flags (1: more follow, 2: long, 4: command) | size (1 byte, or 8 if long) | body
"""
import socket
import struct
import time

MORE, LONG, COMMAND = 1, 2, 4


class Peer:
    kind = b''

    def __init__(self, port, timeout=10):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout)
        self.socket.sendall(b'\xff' + bytes(8) + b'\x7f' + b'\x03\x00' + b'NULL'.ljust(20, b'\0') + bytes(32))
        if self._take(64)[:1] != b'\xff':
            raise OSError('the other side does not speak ZMTP')
        self._send(COMMAND, b'\x05READY' + b'\x0bSocket-Type' + struct.pack('>I', 3) + self.kind)
        self._frame()

    def _take(self, size):
        data = b''
        while len(data) < size:
            got = self.socket.recv(size - len(data))
            if not got:
                raise OSError('the publisher closed the connection')
            data += got
        return data

    def _send(self, flags, body):
        size = struct.pack('>Q', len(body)) if len(body) > 255 else bytes([len(body)])
        self.socket.sendall(bytes([flags | (LONG if len(body) > 255 else 0)]) + size + body)

    def _frame(self):
        flags = self._take(1)[0]
        size = struct.unpack('>Q', self._take(8))[0] if flags & LONG else self._take(1)[0]
        return flags, self._take(size)

    def receive(self, timeout=10):
        """The frames of the next message; None when none came in time."""
        frames, end = [], time.time() + timeout
        while not frames or flags & MORE:
            left = end - time.time()
            if left <= 0:
                return None
            self.socket.settimeout(left)
            try:
                flags, body = self._frame()
            except TimeoutError:
                return None
            if not flags & COMMAND:
                frames.append(body)
        return frames

    def close(self):
        self.socket.close()


class Subscriber(Peer):
    kind = b'SUB'

    def __init__(self, port, *keys, timeout=10):
        super().__init__(port, timeout)
        for key in keys:
            self._send(0, b'\x01' + key.encode())


class Requester(Peer):
    kind = b'REQ'

    def ask(self, text):
        """The answer to a question; None when none came."""
        self._send(MORE, b'')
        self._send(0, text.encode())
        answer = self.receive()
        return answer and answer[-1].decode()
