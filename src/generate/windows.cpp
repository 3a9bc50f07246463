#include "generate/windows.h"

#include <algorithm>

namespace starling::generate {
namespace {

std::int64_t divide_up(std::int64_t value, std::int64_t by) { return (value + by - 1) / by; }

// Where the known frames lie while windows are laid over a timeline.
class Knowledge {
 public:
  explicit Knowledge(const Timeline& timeline)
      : begins_(timeline.anew ? 0 : timeline.start), ends_(timeline.frames - (timeline.anew ? 0 : timeline.end)) {}

  bool has(std::int64_t frame) const { return frame < begins_ || frame >= ends_; }
  std::int64_t begins() const { return begins_; }  // the first that is not known
  std::int64_t ends() const { return ends_; }      // behind the last that is not known

  Window window(std::int64_t first, std::int64_t frames, std::int64_t taken) {
    Window window{first, frames, {}, taken};
    for (std::int64_t i = 0; i < frames; ++i) window.known.push_back(has(first + i));
    begins_ = std::max(begins_, taken);
    return window;
  }

 private:
  std::int64_t begins_;
  std::int64_t ends_;
};

}  // namespace

bool Window::has_known() const { return std::ranges::find(known, true) != known.end(); }

std::vector<Window> plan_windows(const Timeline& timeline) {
  const std::int64_t most = timeline.window == 0 ? timeline.frames : timeline.window;
  const std::int64_t context = timeline.context;
  Knowledge knowledge(timeline);
  std::vector<Window> windows;
  std::int64_t behind = timeline.anew ? 0 : timeline.end;  // known frames at the end
  if (timeline.loop) {
    constexpr std::int64_t kBeginning = 2;  // the first, and the one that comes after the last
    if (knowledge.begins() < kBeginning) {
      windows.push_back(knowledge.window(0, std::min(most, timeline.frames), kBeginning));
    }
    behind = 1;
  }
  if (knowledge.begins() >= knowledge.ends()) return windows;
  const std::int64_t first = std::max<std::int64_t>(0, knowledge.begins() - context);
  const std::int64_t all = knowledge.ends() + std::min(behind, context) - first;
  const std::int64_t end = first + all;
  std::int64_t size = all;
  std::int64_t count = 1;
  if (timeline.window > 0 && all > most) {
    size = context + divide_up(all - context, divide_up(all - context, most - context));
    // The last one has known frames on both sides, and one at least between them.
    if (behind > 0) size = std::max(size, 2 * context + 1);
    count = divide_up(all - context, size - context);
  }
  // What is left over when the windows are laid end to end is context of the last one; of the first ones, if the last
  // has known frames behind it too.
  const auto begin_of = [&](std::int64_t i) {
    return behind > 0 ? std::max(first, end - size - (count - 1 - i) * (size - context))
                      : std::min(first + i * (size - context), end - size);
  };
  for (std::int64_t i = 0; i < count; ++i) {
    const bool leaves = behind > 0 && i + 1 < count;
    const std::int64_t taken = leaves ? begin_of(i + 1) + context : begin_of(i) + size;
    windows.push_back(knowledge.window(begin_of(i), size, std::min(taken, knowledge.ends())));
  }
  return windows;
}

std::vector<Piece> plan_pieces(const Timeline& timeline, const std::vector<Window>& windows) {
  std::vector<Piece> pieces;
  const auto add = [&](Piece::Source source, std::size_t window, std::int64_t offset) {
    Piece* const last = pieces.empty() ? nullptr : &pieces.back();
    if (last != nullptr && last->source == source && last->window == window && last->offset + last->frames == offset) {
      ++last->frames;
    } else {
      pieces.push_back({source, window, offset, 1});
    }
  };
  std::size_t at = 0;
  for (std::int64_t frame = 0; frame < timeline.frames; ++frame) {
    while (at + 1 < windows.size() && frame >= windows[at].taken) ++at;
    const bool covered =
        !windows.empty() && frame >= windows[at].first && frame < windows[at].first + windows[at].frames;
    if (covered) {
      add(Piece::Source::kWindow, at, frame - windows[at].first);
    } else if (frame < timeline.start) {
      add(Piece::Source::kStart, 0, frame);
    } else {
      add(Piece::Source::kEnd, 0, frame - (timeline.frames - timeline.end));
    }
  }
  return pieces;
}

}  // namespace starling::generate
