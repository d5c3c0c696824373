"""A real RTSP server for benches: GStreamer's, playing one H.264 file in Matroska at /1, the next at /2, and so on.

usage: rtsp_server.py PORT FILE...
Says `ready` when it can be connected to, and ends with its standard input.
"""

import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

PIPELINE = "( filesrc location=\"{}\" ! matroskademux ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )"


def main():
    port, *files = sys.argv[1:]
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    for number, name in enumerate(files, 1):
        camera = GstRtspServer.RTSPMediaFactory()
        camera.set_launch(PIPELINE.format(name))
        server.get_mount_points().add_factory(f"/{number}", camera)
    if server.attach(None) == 0:
        sys.exit("the port is taken")
    loop = GLib.MainLoop()
    threading.Thread(target=lambda: (sys.stdin.read(), GLib.idle_add(loop.quit)), daemon=True).start()
    print("ready", flush=True)
    loop.run()


main()
