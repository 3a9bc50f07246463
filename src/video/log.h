#pragma once

namespace starling::video {

// Whether the FFmpeg libraries may write their own remarks to stderr. They are silent unless this was called with true:
// what matters comes back as an error. Holds for the whole process; thread safe.
void show_library_log(bool show);

}  // namespace starling::video
