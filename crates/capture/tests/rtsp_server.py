"""A real RTSP server for tests: GStreamer's, told over standard input what to do to its picture.

usage: rtsp_server.py PORT [--user NAME --password WORD] [--codec h264|h264-bframes|h265|mjpeg] [--size WxH]
With port 0 the system chooses one. Says `ready PORT` when it can be connected to. Orders, one a line: `size WxH`, `back SECONDS` (the camera's clock), `quit`.
"""

import argparse
import sys
import threading

NOT_INSTALLED = 77

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402
except (ImportError, ValueError):
    sys.exit(NOT_INSTALLED)

ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 bitrate=1500 threads=1 name=encoder"
    " ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1",
    # IBBBP, as from cameras that save bandwidth; the baseline profile, which is agreed on otherwise, has none.
    "h264-bframes": "x264enc speed-preset=superfast bframes=3 b-adapt=false b-pyramid=false key-int-max=24 bitrate=1500 threads=1"
    " name=encoder ! video/x-h264,profile=main ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=25 name=encoder"
    " ! h265parse ! rtph265pay name=pay0 pt=96 config-interval=-1",
    "mjpeg": "jpegenc name=encoder ! rtpjpegpay name=pay0 pt=26",
}


class Camera(GstRtspServer.RTSPMediaFactory):
    def __init__(self, codec, size):
        super().__init__()
        self.codec, self.size, self.back_ns, self.filters = codec, size, 0, []
        # Each client has a pipeline of its own. One that two share ends this whole process now and then when both begin to
        # play at once: "gst_rtsp_media_get_rates: assertion failed" (GStreamer 1.22).
        self.set_shared(False)

    def caps(self):
        width, height = self.size
        return Gst.Caps.from_string(f"video/x-raw,format=I420,width={width},height={height},framerate=25/1")

    def do_create_element(self, url):
        pipeline = Gst.parse_launch(
            f"( videotestsrc is-live=true pattern=ball ! capsfilter name=size caps=\"{self.caps().to_string()}\""
            f" ! {ENCODERS[self.codec]} )"
        )
        self.filters.append(pipeline.get_by_name("size"))
        pad = pipeline.get_by_name("pay0").get_static_pad("sink")
        pad.add_probe(Gst.PadProbeType.BUFFER, self.shift)
        return pipeline

    def shift(self, pad, info):
        """A camera whose clock was set back sends times that jump."""
        if self.back_ns:
            buffer = info.get_buffer()
            buffer.pts = max(0, buffer.pts - self.back_ns)
            if buffer.dts != Gst.CLOCK_TIME_NONE:
                buffer.dts = max(0, buffer.dts - self.back_ns)
        return Gst.PadProbeReturn.OK

    def resize(self, size):
        self.size = size
        for found in self.filters:
            found.set_property("caps", self.caps())


def side_by_side(text):
    width, height = text.split("x")
    return int(width), int(height)


def obey(camera, loop):
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "size":
            GLib.idle_add(camera.resize, side_by_side(rest))
        elif word == "back":
            camera.back_ns = int(float(rest) * Gst.SECOND)
        elif word == "quit":
            break
        print("done", flush=True)
    GLib.idle_add(loop.quit)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port")
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--codec", default="h264", choices=sorted(ENCODERS))
    parser.add_argument("--size", default="320x240", type=side_by_side)
    arguments = parser.parse_args()
    Gst.init(None)
    needed = "x264enc" if arguments.codec.startswith("h264") else None
    if needed and not Gst.ElementFactory.find(needed):
        sys.exit(NOT_INSTALLED)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(arguments.port)
    camera = Camera(arguments.codec, arguments.size)
    if arguments.user:
        auth = GstRtspServer.RTSPAuth()
        auth.set_supported_methods(2)  # GST_RTSP_AUTH_DIGEST
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        auth.add_digest(arguments.user, arguments.password, token)
        server.set_auth(auth)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", "media.factory.access", True)
        permissions.add_permission_for_role("viewer", "media.factory.construct", True)
        camera.set_permissions(permissions)
    server.get_mount_points().add_factory("/live", camera)
    if server.attach(None) == 0:
        sys.exit("the port is taken")
    loop = GLib.MainLoop()
    threading.Thread(target=obey, args=(camera, loop), daemon=True).start()
    # It listens since it was attached: whoever connects now is heard as soon as the loop runs.
    print("ready", server.get_bound_port(), flush=True)
    loop.run()


main()
