#include "video/palette.h"

#include <algorithm>
#include <array>
#include <vector>

namespace starling::video {

namespace {

// A colour of the frame and how many pixels have it.
struct Shade {
  std::uint32_t rgb;  // 0xRRGGBB
  std::uint32_t weight;
};

int channel(std::uint32_t rgb, int index) { return static_cast<int>(rgb >> (16 - 8 * index)) & 255; }

// Colours [begin, end) that will share one entry of the palette.
struct Box {
  std::size_t begin;
  std::size_t end;
  int axis = 0;
  std::uint64_t score = 0;  // what splitting it promises: extent along axis, squared, times pixels

  void measure(const std::vector<Shade>& colours) {
    std::array<int, 3> low{255, 255, 255};
    std::array<int, 3> high{0, 0, 0};
    std::uint64_t pixels = 0;
    for (std::size_t i = begin; i < end; ++i) {
      pixels += colours[i].weight;
      for (int c = 0; c < 3; ++c) {
        low[c] = std::min(low[c], channel(colours[i].rgb, c));
        high[c] = std::max(high[c], channel(colours[i].rgb, c));
      }
    }
    axis = 0;
    for (int c = 1; c < 3; ++c) {
      if (high[c] - low[c] > high[axis] - low[axis]) axis = c;
    }
    const auto extent = static_cast<std::uint64_t>(high[axis] - low[axis]);
    score = extent * extent * pixels;
  }
};

// Splits the box at its weighted median; both halves keep at least one colour. Precondition: score > 0.
Box split(Box& box, std::vector<Shade>& colours) {
  const auto first = colours.begin() + static_cast<std::ptrdiff_t>(box.begin);
  const auto last = colours.begin() + static_cast<std::ptrdiff_t>(box.end);
  std::sort(first, last, [&](const Shade& a, const Shade& b) {
    const int left = channel(a.rgb, box.axis);
    const int right = channel(b.rgb, box.axis);
    return left != right ? left < right : a.rgb < b.rgb;
  });
  std::uint64_t total = 0;
  for (auto it = first; it != last; ++it) total += it->weight;
  std::uint64_t below = 0;
  std::size_t middle = box.begin;
  while (middle + 1 < box.end && (below + colours[middle].weight) * 2 <= total) below += colours[middle++].weight;
  middle = std::max(middle, box.begin + 1);
  Box upper{middle, box.end};
  box.end = middle;
  box.measure(colours);
  upper.measure(colours);
  return upper;
}

std::uint32_t mean(const Box& box, const std::vector<Shade>& colours) {
  std::array<std::uint64_t, 3> sums{};
  std::uint64_t pixels = 0;
  for (std::size_t i = box.begin; i < box.end; ++i) {
    pixels += colours[i].weight;
    for (int c = 0; c < 3; ++c) {
      sums[c] += static_cast<std::uint64_t>(channel(colours[i].rgb, c)) * colours[i].weight;
    }
  }
  std::uint32_t rgb = 0;
  for (const std::uint64_t sum : sums) rgb = rgb << 8 | static_cast<std::uint32_t>((sum + pixels / 2) / pixels);
  return rgb;
}

std::vector<Shade> distinct_colours(const std::vector<std::uint32_t>& pixels) {
  std::vector<std::uint32_t> sorted = pixels;
  std::sort(sorted.begin(), sorted.end());
  std::vector<Shade> colours;
  for (const std::uint32_t rgb : sorted) {
    if (colours.empty() || colours.back().rgb != rgb) colours.push_back({rgb, 0});
    ++colours.back().weight;
  }
  return colours;
}

std::uint8_t nearest(std::uint32_t rgb, const std::vector<std::uint32_t>& entries) {
  int best = 1 << 30;
  std::size_t found = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    int distance = 0;
    for (int c = 0; c < 3; ++c) {
      const int difference = channel(rgb, c) - channel(entries[i], c);
      distance += difference * difference;
    }
    if (distance < best) {
      best = distance;
      found = i;
    }
  }
  return static_cast<std::uint8_t>(found);
}

std::vector<std::uint32_t> choose_entries(std::vector<Shade> colours) {
  std::vector<Box> boxes{{0, colours.size()}};
  boxes.front().measure(colours);
  while (boxes.size() < kPaletteSize) {
    auto widest =
        std::max_element(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) { return a.score < b.score; });
    if (widest->score == 0) break;
    boxes.push_back(split(*widest, colours));
  }
  std::vector<std::uint32_t> entries;
  for (const Box& box : boxes) entries.push_back(mean(box, colours));
  return entries;
}

}  // namespace

void quantise(const FrameView& frame, std::span<std::uint32_t, kPaletteSize> palette, std::span<std::uint8_t> indices) {
  std::vector<std::uint32_t> pixels(frame.rgb.size() / 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<std::uint32_t>(frame.rgb[3 * i] << 16 | frame.rgb[3 * i + 1] << 8 | frame.rgb[3 * i + 2]);
  }
  const std::vector<Shade> colours = distinct_colours(pixels);
  const std::vector<std::uint32_t> entries = choose_entries(colours);
  std::vector<std::uint8_t> index_of(colours.size());
  for (std::size_t i = 0; i < colours.size(); ++i) index_of[i] = nearest(colours[i].rgb, entries);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const auto at = std::lower_bound(colours.begin(), colours.end(), pixels[i],
                                     [](const Shade& a, std::uint32_t rgb) { return a.rgb < rgb; });
    indices[i] = index_of[static_cast<std::size_t>(at - colours.begin())];
  }
  for (std::size_t i = 0; i < kPaletteSize; ++i) {
    palette[i] = 0xff000000u | entries[std::min(i, entries.size() - 1)];
  }
}

}  // namespace starling::video
