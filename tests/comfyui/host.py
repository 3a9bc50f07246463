"""Stand-ins for what nodes use of ComfyUI and PyTorch, which are gigabytes: what is needed of them, under their names."""

import sys
import types

progress: list = []  # (value, total, preview) as nodes said it
stop_after: int | None = None  # so many of these, then the user stops it


class InterruptProcessingException(Exception):
    pass


class ProgressBar:
    def __init__(self, total):
        self.total = total

    def update_absolute(self, value, total=None, preview=None):
        progress.append((value, total, preview))


class VideoFromFile:
    def __init__(self, file):
        self.file = file


class Tensor:
    """Of numpy's array, what a node asks of a tensor."""

    def __init__(self, array):
        self.array = array
        self.shape = array.shape

    def __getitem__(self, index):
        return Tensor(self.array[index])

    def cpu(self):
        return self

    def numpy(self):
        return self.array


def throw_exception_if_processing_interrupted():
    if stop_after is not None and len(progress) >= stop_after:
        raise InterruptProcessingException()


def module(name, **members):
    made = types.ModuleType(name)
    vars(made).update(members)
    sys.modules[name] = made
    return made


def install():
    module("torch", from_numpy=Tensor, Tensor=Tensor)
    comfy = module("comfy")
    comfy.utils = module("comfy.utils", ProgressBar=ProgressBar)
    comfy.model_management = module(
        "comfy.model_management", throw_exception_if_processing_interrupted=throw_exception_if_processing_interrupted
    )
    module("comfy_api")
    module("comfy_api.latest", InputImpl=types.SimpleNamespace(VideoFromFile=VideoFromFile))
