"""Loads the nodes of the folder as ComfyUI does and makes videos with them on the gateway: nodes.py FOLDER URL."""

import importlib.util
import json
import os
import sys
import urllib.request

import numpy

import host

folder, url = sys.argv[1:]
host.install()


def load():
    name = folder.replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(name, os.path.join(folder, "__init__.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def run(name, **inputs):
    """As the executor does: by the class's own description, with its defaults."""
    kind = nodes.NODE_CLASS_MAPPINGS[name]
    types = kind.INPUT_TYPES()
    given = {key: row[1]["default"] for key, row in types["required"].items() if "default" in row[1]}
    given |= {"gateway": url} | inputs
    assert set(given) <= set(types["required"]) | set(types["optional"]), given
    result = getattr(kind(), kind.FUNCTION)(**given)
    values = result["result"] if isinstance(result, dict) else result
    assert len(values) == len(kind.RETURN_TYPES)
    return dict(zip(kind.RETURN_NAMES, values))


def fails(words, name="StarlingVideo", **inputs):
    try:
        run(name, **inputs)
    except RuntimeError as error:
        assert words in str(error), error
    else:
        raise AssertionError(f"{inputs} did not fail")


def videos():
    request = urllib.request.Request(f"{url}/v1/videos?limit=100")
    request.add_header("Authorization", f"Bearer {os.environ['STARLING_API_KEY']}")
    return json.load(urllib.request.urlopen(request))["data"]


nodes = load()
assert set(nodes.NODE_CLASS_MAPPINGS) == set(nodes.NODE_DISPLAY_NAME_MAPPINGS)

# Text to frames, with progress, previews and a receipt; the same inputs give the same frames.
first = run("StarlingVideo", seed=2**63 + 7, steps=40)
frames = first["frames"].numpy()
assert frames.shape == (17, 64, 64, 3) and frames.dtype == numpy.float32, (frames.shape, frames.dtype)
assert 0 <= frames.min() < 0.3 < 0.5 < frames.max() <= 1
assert first["video"].file.getvalue()[4:8] == b"ftyp"
receipt = json.loads(first["receipt"])
assert receipt["parameters"]["seed"] == 2**63 + 7 or str(receipt["parameters"]["seed"]) == str(2**63 + 7), receipt["parameters"]
assert host.progress[-1][:2] == (100, 100), host.progress[-1]
previews = [preview for _, _, preview in host.progress if preview]
assert previews and previews[0][1].mode == "RGB", host.progress
again = run("StarlingVideo", seed=2**63 + 7, steps=40)
assert json.loads(again["receipt"])["output_root"] == receipt["output_root"]
assert (again["frames"].numpy() == frames).all()

# Calls are run again.
checked = run("StarlingCheck", video_id=first["video_id"], calls=2)
assert checked["valid"] is True and json.loads(checked["result"])["checked_calls"] >= 2, checked

# A picture, another size, one frame.
picture = numpy.zeros((1, 48, 48, 3), numpy.float32)
picture[:, :, :, 1] = 0.5
picture[:, 16:32, 16:32] = (0.8, 0.1, 0.1)
begun = run("StarlingVideo", image=host.Tensor(picture), steps=4, width=48, height=48, seconds=1.0, negative_prompt="night")
assert begun["frames"].shape == (9, 48, 48, 3), begun["frames"].shape
assert numpy.abs(begun["frames"].numpy()[0] - picture[0]).mean() < 0.15
assert run("StarlingVideo", steps=2, seconds=0)["frames"].shape == (1, 64, 64, 3)

# Stopped by the user on the way: nothing is left of it.
before = len(videos())
host.progress.clear()
host.stop_after = 2
try:
    run("StarlingVideo", steps=1000, seconds=8.0)
    raise AssertionError("it was not stopped")
except host.InterruptProcessingException:
    host.stop_after = None
assert len(videos()) == before

# What cannot be done is said in the gateway's words.
fails("multiples of", width=72)
fails("more than this server can make", width=8192, height=8192)
fails("say what the video shall show", prompt=" ")
fails("there is no video", "StarlingCheck", video_id="video_none")
fails("no gateway answers at http://127.0.0.1:9", gateway="http://127.0.0.1:9")
fails("is no gateway's address", gateway="file:///etc/passwd")
os.environ["STARLING_API_KEY"] = "sk-wrong"
fails("this key is not known here")
print("the nodes of ComfyUI hold")
