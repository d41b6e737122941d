"""A broker in this process, as small as one can be: it takes messages, and drops a second copy."""

from __future__ import annotations

import contextlib
import socketserver
import threading


class FakeBroker:
    """Listens on loopback; `published` holds (subject, key, body) in order."""

    def __init__(self):
        broker = self
        self.published = []
        self.answer = None
        self._lock = threading.Lock()

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                words = self.rfile.readline(1000).split()
                if len(words) != 4:
                    return
                body = self.rfile.read(int(words[3]))
                if broker.answer is not None:
                    self.wfile.write(broker.answer)
                    return
                with broker._lock:
                    key = words[2].decode()
                    if key not in broker.held():
                        broker.published.append((words[1].decode(), key, body))
                self.wfile.write(b"+OK\r\n")

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def held(self):
        return [key for _, key, _ in self.published]

    @contextlib.contextmanager
    def down(self):
        """Take nothing for a while, like a broker that is starting again."""
        self.answer = b"-LATER\r\n"
        try:
            yield
        finally:
            self.answer = None

    def stop(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
