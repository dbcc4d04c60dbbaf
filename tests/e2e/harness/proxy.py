"""A TCP proxy that misbehaves on command: it stands before MongoDB or Redis and cuts, refuses or slows connections.

    proxy = Proxy("127.0.0.1", 27017)     # a process of its own, so that a busy test does not slow it
    connect_to(proxy.port)
    proxy.cut()                           # every connection ends now, some in the middle of a message
    proxy.refuse(1.5)                     # and new ones end at once for so long
    proxy.delay(0.05)                     # what passes is held for so long, in both directions; 0: no more
    proxy.close()
"""
import asyncio
import pathlib
import socket
import struct
import subprocess
import sys

CHUNK = 65536


class Proxy:
    def __init__(self, host, port):
        self.process = subprocess.Popen([sys.executable, pathlib.Path(__file__), host, str(port)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def _tell(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def cut(self):
        """How many connections there were."""
        return self._tell("cut")

    def refuse(self, seconds):
        """Cuts, and refuses for a while."""
        return self._tell("refuse", seconds)

    def delay(self, seconds):
        return self._tell("delay", seconds)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class _Forwarder:
    """The process's side."""

    def __init__(self, host, port):
        self.target = host, port
        self.open, self.refusing_until, self.held = set(), 0, 0

    async def serve(self):
        server = await asyncio.start_server(self.connection, "127.0.0.1", 0, backlog=512)
        print(server.sockets[0].getsockname()[1], flush=True)
        commands = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
        while line := await commands.readline():
            print(self.obey(*line.decode().split()), flush=True)
        self.cut()

    def obey(self, word, seconds="0"):
        if word == "delay":
            self.held = float(seconds)
            return len(self.open)
        if word == "refuse":
            self.refusing_until = asyncio.get_running_loop().time() + float(seconds)
        return self.cut()

    def cut(self):
        """With a reset, as a host that went away answers, so that neither side can think that this was the end of what was said."""
        n = len(self.open)
        for writers in list(self.open):
            for writer in writers:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
        return n

    async def connection(self, reader, writer):
        if asyncio.get_running_loop().time() < self.refusing_until:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = writer, far_writer
        self.open.add(pair)
        await asyncio.gather(self.pump(reader, far_writer), self.pump(far_reader, writer))
        self.open.discard(pair)

    async def pump(self, reader, writer):
        try:
            while data := await reader.read(CHUNK):
                if self.held:
                    await asyncio.sleep(self.held)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()


if __name__ == "__main__":
    asyncio.run(_Forwarder(sys.argv[1], int(sys.argv[2])).serve())
