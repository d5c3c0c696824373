"""A small camera for tests that sends one JPEG over HTTP again and again, and may want a sign-in by digest, or speak TLS.

usage: mjpeg_server.py JPEG [--user NAME --password WORD] [--certificate PEM --key PEM]
Says `ready PORT` when it can be connected to, and ends with its standard input.
"""

import argparse
import hashlib
import hmac
import http.server
import secrets
import ssl
import sys
import threading

REALM = "camera"


def digest(*parts):
    return hashlib.md5(":".join(parts).encode()).hexdigest()


def fields(header):
    """The parts of an `Authorization: Digest` header."""
    kind, _, rest = header.partition(" ")
    if kind.lower() != "digest":
        return {}
    pairs = (part.strip().partition("=") for part in rest.split(","))
    return {name: value.strip('"') for name, _, value in pairs}


class Camera(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    jpeg, user, password, nonce, done = b"", None, None, secrets.token_hex(16), threading.Event()

    def is_signed_in(self):
        """RFC 2617, 3.2.2: what only somebody knows who has the password, for this very request."""
        told = fields(self.headers.get("Authorization", ""))
        if told.get("username") != self.user or told.get("nonce") != self.nonce or told.get("uri") != self.path:
            return False
        secret, request = digest(self.user, REALM, self.password), digest("GET", self.path)
        parts = [told[name] for name in ("nc", "cnonce", "qop") if name in told]
        return hmac.compare_digest(digest(secret, self.nonce, *parts, request), told.get("response", ""))

    def do_GET(self):
        if self.user and not self.is_signed_in():
            self.send_response(401)
            self.send_header("WWW-Authenticate", f'Digest realm="{REALM}", nonce="{self.nonce}", qop="auth", algorithm=MD5')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        part = b"--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(self.jpeg)
        try:
            while not self.done.wait(0.02):
                self.wfile.write(part + self.jpeg + b"\r\n")
        except OSError:
            # The client has gone.
            self.close_connection = True

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        # A client that refuses the certificate hangs up; the next one is served.
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("jpeg")
    for name in ("--user", "--password", "--certificate", "--key"):
        parser.add_argument(name)
    arguments = parser.parse_args()
    with open(arguments.jpeg, "rb") as file:
        Camera.jpeg = file.read()
    Camera.user, Camera.password = arguments.user, arguments.password
    server = Server(("127.0.0.1", 0), Camera)
    if arguments.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments.certificate, arguments.key)
        # The handshake is made by the thread of each client, so that one does not hold up the others.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("ready", server.server_address[1], flush=True)
    sys.stdin.read()


main()
