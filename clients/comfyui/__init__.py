"""Videos of a Starling gateway, as nodes of ComfyUI."""

from .nodes import StarlingCheck, StarlingVideo

NODE_CLASS_MAPPINGS = {"StarlingVideo": StarlingVideo, "StarlingCheck": StarlingCheck}
NODE_DISPLAY_NAME_MAPPINGS = {"StarlingVideo": "Starling Video", "StarlingCheck": "Starling Check"}

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
