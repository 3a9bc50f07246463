"""The nodes."""

import base64
import io
import json

import av
import numpy
import torch
from PIL import Image

import comfy.model_management
import comfy.utils

from .gateway import DEFAULT_URL, Gateway, GatewayError

LOOK_TIME = 0.1  # seconds between two looks at whether the user stopped it
PREVIEW_SIDE = 512  # pixels, that ComfyUI shows a preview with at most


def _png(image) -> bytes:
    """The first picture of an IMAGE: [count, height, width, channels] in 0..1."""
    pixels = numpy.clip(image[0].cpu().numpy() * 255.0 + 0.5, 0, 255).astype(numpy.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels[..., :3]).save(file, format="PNG")
    return file.getvalue()


def _frames(mp4: bytes):
    """All frames of a video as an IMAGE."""
    with av.open(io.BytesIO(mp4)) as container:
        pixels = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return torch.from_numpy(numpy.stack(pixels).astype(numpy.float32) / 255.0)


def _video(mp4: bytes):
    """A VIDEO of ComfyUI, which older ones do not have."""
    try:
        from comfy_api.latest import InputImpl
    except ImportError:
        return None
    return InputImpl.VideoFromFile(io.BytesIO(mp4))


def _wait(gateway: Gateway, video: dict) -> dict:
    """Until the video is over; shows how far it is, and what it looks like. Stopped, the video is deleted."""
    bar = comfy.utils.ProgressBar(100)
    events = gateway.events(video["id"])
    try:
        while video["status"] in ("queued", "in_progress"):
            comfy.model_management.throw_exception_if_processing_interrupted()
            event = events.next(LOOK_TIME)
            if event is None:
                continue
            name, data = event
            if name == "video.deleted":
                raise GatewayError("the video was deleted on the gateway")
            if name == "video.preview":
                picture = Image.open(io.BytesIO(base64.b64decode(data["b64_png"])))
                done = round(100 * data["step"] / max(data["steps"], 1))
                bar.update_absolute(done, 100, ("JPEG", picture.convert("RGB"), PREVIEW_SIDE))
            else:
                video = data
                bar.update_absolute(video["progress"], 100)
    except StopIteration:
        raise GatewayError("the gateway said no more of the video") from None
    except BaseException:
        # It is wanted no more, and on a network it costs.
        try:
            gateway.delete(video["id"])
        except GatewayError:
            pass
        raise
    if video["status"] != "completed":
        raise GatewayError((video.get("error") or {}).get("message", "the video failed"))
    return video


class StarlingVideo:
    """A video of text, or of text and a first frame. The same inputs give the same bits on any gateway."""

    CATEGORY = "video/starling"
    DESCRIPTION = "Has a Starling gateway make a video. The same inputs give the same bits on any machine; the receipt says how."
    FUNCTION = "make"
    RETURN_TYPES = ("IMAGE", "VIDEO", "STRING", "STRING")
    RETURN_NAMES = ("frames", "video", "receipt", "video_id")
    OUTPUT_TOOLTIPS = ("", "", "The receipt, as starling verify takes it", "For Starling Check")

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "prompt": ("STRING", {"multiline": True, "default": "a red ball bounces on green ground"}),
                "width": ("INT", {"default": 64, "min": 8, "max": 8192, "step": 8}),
                "height": ("INT", {"default": 64, "min": 8, "max": 8192, "step": 8}),
                "seconds": ("FLOAT", {"default": 2.0, "min": 0.0, "max": 3600.0, "step": 0.5, "tooltip": "0: one frame"}),
                "seed": ("INT", {"default": 0, "min": 0, "max": 0xFFFFFFFFFFFFFFFF, "control_after_generate": True}),
                "steps": ("INT", {"default": 30, "min": 1, "max": 1000}),
                "guidance": ("FLOAT", {"default": 3.0, "min": 0.0, "max": 100.0, "step": 0.1}),
            },
            "optional": {
                "image": ("IMAGE", {"tooltip": "The first frame"}),
                "negative_prompt": ("STRING", {"multiline": True, "default": ""}),
                "gateway": ("STRING", {"default": DEFAULT_URL, "tooltip": "A key, if it needs one: STARLING_API_KEY"}),
            },
        }

    def make(self, prompt, width, height, seconds, seed, steps, guidance, image=None, negative_prompt="", gateway=""):
        server = Gateway(gateway)
        # As texts, so that a form and JSON say the same, and no seed is rounded.
        fields = {
            "prompt": prompt,
            "size": f"{width}x{height}",
            "seed": str(seed),
            "steps": str(steps),
            "guidance": f"{guidance:g}",
        }
        fields |= {"num_frames": "1"} if seconds == 0 else {"seconds": f"{seconds:g}"}
        if negative_prompt:
            fields["negative_prompt"] = negative_prompt
        asked = server.create(fields, None if image is None else _png(image))
        made = _wait(server, asked)
        mp4 = server.content(made["id"])
        receipt = server.content(made["id"], "receipt").decode()
        return _frames(mp4), _video(mp4), receipt, made["id"]


class StarlingCheck:
    """Has the gateway run calls of a video again, drawn at random, and compare their bits with the receipt's."""

    CATEGORY = "video/starling"
    DESCRIPTION = "Has the gateway run calls of a video again, drawn at random, and compares their bits with the receipt's."
    FUNCTION = "check"
    RETURN_TYPES = ("BOOLEAN", "STRING")
    RETURN_NAMES = ("valid", "result")
    OUTPUT_NODE = True

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "video_id": ("STRING", {"forceInput": True}),
                "calls": ("INT", {"default": 3, "min": 1, "max": 1000000}),
            },
            "optional": {"gateway": ("STRING", {"default": DEFAULT_URL})},
        }

    @classmethod
    def IS_CHANGED(cls, **_inputs):
        return float("nan")  # each time it draws other calls

    def check(self, video_id, calls, gateway=""):
        events = Gateway(gateway).check(video_id, calls)
        passed = 0
        try:
            while True:
                comfy.model_management.throw_exception_if_processing_interrupted()
                event = events.next(LOOK_TIME)
                if event is None:
                    continue
                name, data = event
                if name == "check.call":
                    passed += 1
                if name == "check.done":
                    break
        except StopIteration:
            raise GatewayError(f"the check broke off after {passed} calls") from None
        if data["valid"] is None:
            raise GatewayError(data["error"])
        text = json.dumps(data, indent=1)
        return {"ui": {"text": [text]}, "result": (data["valid"], text)}
