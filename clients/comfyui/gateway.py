"""What these nodes ask of a gateway: OpenAI's Videos API, and Starling's own beside it. Only the standard library."""

import json
import os
import queue
import threading
import urllib.error
import urllib.parse
import urllib.request
import uuid

DEFAULT_URL = "http://127.0.0.1:8000"
PATIENCE = 600  # seconds without a word of the gateway


class GatewayError(RuntimeError):
    """Why the gateway did not do it, in its own words."""


class Gateway:
    """url: without /v1. The key comes from STARLING_API_KEY, so that it is in no workflow and no picture's metadata."""

    def __init__(self, url: str):
        parts = urllib.parse.urlsplit(url.strip() or DEFAULT_URL)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise GatewayError(f"{url!r} is no gateway's address: give one such as {DEFAULT_URL}")
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/v1')}"

    def _open(self, method: str, path: str, body: bytes | None = None, content_type: str = ""):
        request = urllib.request.Request(f"{self.url}/v1/{path}", data=body, method=method)
        if content_type:
            request.add_header("Content-Type", content_type)
        if key := os.environ.get("STARLING_API_KEY", ""):
            request.add_header("Authorization", f"Bearer {key}")
        try:
            return urllib.request.urlopen(request, timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            raise GatewayError(_message(error)) from None
        except OSError as error:
            raise GatewayError(f"no gateway answers at {self.url}: start one with starling serve ({error})") from None

    def create(self, fields: dict, picture: bytes | None = None) -> dict:
        """Asks for a video; picture: a PNG that is its first frame."""
        if picture is None:
            body, content_type = json.dumps(fields).encode(), "application/json"
        else:
            body, content_type = _form(fields, picture)
        with self._open("POST", "videos", body, content_type) as response:
            return json.load(response)

    def content(self, video: str, variant: str = "video") -> bytes:
        path = f"videos/{urllib.parse.quote(video, safe='')}/content?variant={variant}"
        with self._open("GET", path) as response:
            return response.read()

    def delete(self, video: str) -> None:
        with self._open("DELETE", f"videos/{urllib.parse.quote(video, safe='')}"):
            pass

    def events(self, video: str) -> "Events":
        return Events(lambda: self._open("GET", f"videos/{urllib.parse.quote(video, safe='')}/events"))

    def check(self, video: str, calls: int) -> "Events":
        path = f"videos/{urllib.parse.quote(video, safe='')}/check"
        return Events(lambda: self._open("POST", path, json.dumps({"calls": calls}).encode(), "application/json"))


class Events:
    """Server-sent events, read by a thread of their own, so that whoever waits can look up in between."""

    def __init__(self, connect):
        self._found: queue.Queue = queue.Queue()
        self._response = None
        threading.Thread(target=self._read, args=(connect,), daemon=True).start()

    def next(self, seconds: float):
        """(name, data); None: nothing came in that time. Raises StopIteration at the end."""
        try:
            item = self._found.get(timeout=seconds)
        except queue.Empty:
            return None
        if isinstance(item, Exception):
            raise item
        return item

    def _read(self, connect) -> None:
        try:
            with connect() as response:
                name = ""
                for raw in response:
                    line = raw.decode().rstrip("\r\n")
                    if line.startswith("event: "):
                        name = line[7:]
                    elif line.startswith("data: ") and name:
                        self._found.put((name, json.loads(line[6:])))
        except GatewayError as error:
            self._found.put(error)
        except (OSError, ValueError) as error:
            self._found.put(GatewayError(f"the gateway broke off: {error}"))
        self._found.put(StopIteration())


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return json.load(error)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return f"the gateway answered {error.code}"


def _form(fields: dict, picture: bytes) -> tuple[bytes, str]:
    boundary = uuid.uuid4().hex
    parts = []
    for name, value in fields.items():
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    head = 'Content-Disposition: form-data; name="input_reference"; filename="first.png"\r\nContent-Type: image/png'
    parts.append(f"--{boundary}\r\n{head}\r\n\r\n".encode() + picture + b"\r\n")
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
