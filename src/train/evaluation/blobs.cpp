#include "train/evaluation/blobs.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "train/evaluation/outline_fit.h"
#include "train/world/drawing.h"

namespace starling::train::evaluation {

namespace {

// Further from its surroundings than this, in steps of colour, a pixel is a thing's or a prop's.
constexpr double kStrange = 42.0;
// What has no point so far from its edge, in metres, is a rope, a star of the sky or a speck.
constexpr double kCoreMetres = 0.4;
// Pixels between things, of neither's colour, belong to the nearer one, up to so far from it.
constexpr double kReachMetres = 0.55;
// What overlaps a shape's outline so well is one thing; and patches of another paint are a pattern of it if they do not
// make the overlap worse than by so much.
constexpr double kOneThing = 0.88;
constexpr double kNoWorse = 0.004;
// What is a thing's pattern is not much more of it than its own paint.
constexpr double kOwnPaint = 0.6;
// No thing is wider, in metres.
constexpr double kWidest = 7.5;
constexpr double kNightLight = 0.82;
constexpr double kDarkestShade = 0.5;
constexpr double kLightestShade = 1.16;
constexpr int kNone = -1;

constexpr Paint kProp = {104, 76, 58};
constexpr Paint kNightProp = {130, 102, 80};
constexpr Paint kWall = {136, 112, 92};

struct Picture {
  const std::uint8_t* rgb;
  int width, height;
  std::size_t size() const { return static_cast<std::size_t>(width) * static_cast<std::size_t>(height); }
};

// The pixels of a frame, labelled.
class Labelling {
 public:
  Labelling(const Picture& picture, const Surroundings& surroundings, double metre)
      : picture_(picture), surroundings_(surroundings), metre_(metre), label_(picture.size(), kNone) {
    night_ = surroundings.setting.sky == world::Sky::kNight;
    const double light = night_ ? kNightLight : 1.0;
    for (std::size_t i = 0; i < generate::kColours; ++i) {
      paints_[i] = world::thing_paint(static_cast<world::Colour>(i));
      for (double& channel : paints_[i]) channel *= light;
    }
    paints_[kPropLabel] = night_ ? kNightProp : kProp;
    paints_[kWallLabel] = kWall;
    if (night_) {
      for (double& channel : paints_[kWallLabel]) channel *= light;
    }
    paints_[kDarkLabel] = world::accent_paint(world::Colour::kWhite);
    for (double& channel : paints_[kDarkLabel]) channel *= light;
  }

  std::vector<Blob> blobs() {
    label_pixels();
    adopt_patterns();
    find_cores();
    grow();
    fill_holes();
    std::vector<Blob> found;
    for (std::size_t i = 0; i < cores_.size(); ++i) found.push_back(blob(static_cast<int>(i)));
    return found;
  }

 private:
  struct Component {
    int label = kNone;
    std::vector<int> pixels;
  };

  const std::uint8_t* rgb(int at) const { return picture_.rgb + static_cast<std::size_t>(at) * 3; }
  int place(int x, int y) const { return y * picture_.width + x; }
  int& label(int at) { return label_[static_cast<std::size_t>(at)]; }

  template <typename Body>
  void neighbours(int at, const Body& body) const {
    const int x = at % picture_.width;
    const int y = at / picture_.width;
    if (x > 0) body(at - 1);
    if (x + 1 < picture_.width) body(at + 1);
    if (y > 0) body(at - picture_.width);
    if (y + 1 < picture_.height) body(at + picture_.width);
  }

  double to_paint(const std::uint8_t* pixel, const Paint& paint) const {
    const double norm = paint[0] * paint[0] + paint[1] * paint[1] + paint[2] * paint[2];
    const double light = std::clamp((pixel[0] * paint[0] + pixel[1] * paint[1] + pixel[2] * paint[2]) / norm,
                                    kDarkestShade, kLightestShade);
    double sum = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      const double e = pixel[c] - light * paint[c];
      sum += e * e;
    }
    return sum;
  }

  std::size_t nearest(const std::uint8_t* pixel) const {
    std::size_t best = 0;
    double least = 1e18;
    for (std::size_t i = 0; i < kLabels; ++i) {
      // Grey and brown are near each other: what is about as near to both is a prop.
      const double d = to_paint(pixel, paints_[i]) * (i >= kPropLabel ? 1.2 : 1.0);
      if (d >= least) continue;
      least = d;
      best = i;
    }
    return best;
  }

  void label_pixels() {
    for (int y = 0, at = 0; y < picture_.height; ++y) {
      for (int x = 0; x < picture_.width; ++x, ++at) {
        if (surroundings_.strangeness(rgb(at), y) > kStrange) label(at) = static_cast<int>(nearest(rgb(at)));
      }
    }
  }

  // Neighbouring pixels of one label.
  std::vector<Component> components() {
    std::vector<Component> found;
    std::vector<bool> seen(picture_.size(), false);
    for (int start = 0; start < static_cast<int>(picture_.size()); ++start) {
      if (label(start) == kNone || seen[static_cast<std::size_t>(start)]) continue;
      Component component{label(start), {start}};
      seen[static_cast<std::size_t>(start)] = true;
      for (std::size_t i = 0; i < component.pixels.size(); ++i) {
        neighbours(component.pixels[i], [&](int next) {
          if (seen[static_cast<std::size_t>(next)] || label(next) != component.label) return;
          seen[static_cast<std::size_t>(next)] = true;
          component.pixels.push_back(next);
        });
      }
      found.push_back(std::move(component));
    }
    return found;
  }

  // Whether things of a colour have patterns whose paint is taken for the other label.
  static bool may_adopt(std::size_t colour, std::size_t other) {
    const auto c = static_cast<world::Colour>(colour);
    const bool pale = c == world::Colour::kWhite || c == world::Colour::kYellow;
    return other >= kPropLabel || (!pale && other == static_cast<std::size_t>(world::Colour::kWhite));
  }

  // Numbers what hangs together, whatever its labels; gives how many there are.
  int number_clusters() {
    cluster_.assign(picture_.size(), kNone);
    int count = 0;
    std::vector<int> pixels;
    for (int start = 0; start < static_cast<int>(picture_.size()); ++start) {
      if (label(start) == kNone || cluster_[static_cast<std::size_t>(start)] != kNone) continue;
      pixels.assign(1, start);
      cluster_[static_cast<std::size_t>(start)] = count;
      for (std::size_t i = 0; i < pixels.size(); ++i) {
        neighbours(pixels[i], [&](int next) {
          if (label(next) == kNone || cluster_[static_cast<std::size_t>(next)] != kNone) return;
          cluster_[static_cast<std::size_t>(next)] = count;
          pixels.push_back(next);
        });
      }
      ++count;
    }
    return count;
  }

  // How well components overlap the outline of the shape that they are most like, together with what lies between them.
  double overlap(const std::vector<const Component*>& parts) const {
    std::vector<bool> mask(picture_.size(), false);
    Blob blob;
    int right = 0;
    int bottom = 0;
    blob.left = picture_.width;
    blob.top = picture_.height;
    for (const Component* part : parts) {
      for (const int at : part->pixels) {
        mask[static_cast<std::size_t>(at)] = true;
        blob.left = std::min(blob.left, at % picture_.width);
        right = std::max(right, at % picture_.width);
        blob.top = std::min(blob.top, at / picture_.width);
        bottom = std::max(bottom, at / picture_.width);
      }
    }
    blob.left -= 1;
    blob.top -= 1;
    blob.width = right - blob.left + 2;
    blob.height = bottom - blob.top + 2;
    if (std::max(blob.width, blob.height) > kWidest * metre_) return 0;
    for (int y = blob.top; y < blob.top + blob.height; ++y) {
      for (int x = blob.left; x < blob.left + blob.width; ++x) {
        bool in = x >= 0 && y >= 0 && x < picture_.width && y < picture_.height;
        if (in && !mask[static_cast<std::size_t>(place(x, y))]) {
          int beside = 0;
          neighbours(place(x, y), [&](int next) { beside += mask[static_cast<std::size_t>(next)] ? 1 : 0; });
          in = beside >= 2 && label_[static_cast<std::size_t>(place(x, y))] != kNone;
        }
        blob.cover.push_back(in ? 1.0F : 0.0F);
        if (!in) continue;
        blob.area += 1;
        blob.x += x + 0.5;
        blob.y += y + 0.5;
      }
    }
    blob.x /= blob.area;
    blob.y /= blob.area;
    double best = 0;
    for (const OutlineFit& fit : fit_outlines(blob)) best = std::max(best, fit.overlap);
    return best;
  }

  // Gives the patches of a pattern the label of the thing they are on.
  void adopt_patterns() {
    accent_.assign(picture_.size(), false);
    thing_.assign(picture_.size(), kNone);
    const int clusters = number_clusters();
    std::vector<std::vector<Component>> parts(static_cast<std::size_t>(clusters));
    for (Component& component : components()) {
      parts[static_cast<std::size_t>(cluster_[static_cast<std::size_t>(component.pixels[0])])].push_back(
          std::move(component));
    }
    for (std::vector<Component>& cluster : parts) adopt_in(cluster);
  }

  void adopt_in(std::vector<Component>& cluster) {
    if (cluster.size() < 2) return;
    std::stable_sort(cluster.begin(), cluster.end(),
                     [](const Component& a, const Component& b) { return a.pixels.size() > b.pixels.size(); });
    std::array<std::size_t, generate::kColours> counts{};
    for (const Component& part : cluster) {
      if (part.label < static_cast<int>(kPropLabel)) counts[static_cast<std::size_t>(part.label)] += part.pixels.size();
    }
    // What is pale comes last, since it may be others' pattern.
    std::vector<std::size_t> colours;
    for (std::size_t c = 0; c < generate::kColours; ++c) {
      if (counts[c] > 3) colours.push_back(c);
    }
    std::stable_sort(colours.begin(), colours.end(), [&](std::size_t a, std::size_t b) {
      constexpr auto kWhite = static_cast<std::size_t>(world::Colour::kWhite);
      if ((a == kWhite) != (b == kWhite)) return b == kWhite;
      return counts[a] > counts[b];
    });
    for (const std::size_t colour : colours) adopt_for(colour, cluster);
  }

  void adopt_for(std::size_t colour, std::vector<Component>& cluster) {
    std::vector<const Component*> own;
    std::vector<Component*> others;
    double paint = 0;
    for (const Component& part : cluster) {
      if (part.label != static_cast<int>(colour)) continue;
      own.push_back(&part);
      paint += static_cast<double>(part.pixels.size());
    }
    for (Component& part : cluster) {
      const auto size = static_cast<double>(part.pixels.size());
      if (part.label == static_cast<int>(colour) || size < 3 || paint < kOwnPaint * size) continue;
      if (may_adopt(colour, static_cast<std::size_t>(part.label))) others.push_back(&part);
    }
    // Pixels at the edge of something brown look white; what is white has some within it.
    const bool real = colour != static_cast<std::size_t>(world::Colour::kWhite) ||
                      std::any_of(own.begin(), own.end(), [&](const Component* part) { return thick(*part, 1.0); });
    if (own.empty() || others.empty() || !real) return;
    std::vector<const Component*> all = own;
    all.insert(all.end(), others.begin(), others.end());
    double best = overlap(own);
    const double together = overlap(all);
    if (together > kOneThing && together >= best - kNoWorse) {
      for (Component* part : others) give(*part, colour);
      unite(all);
      return;
    }
    for (Component* part : others) {
      own.push_back(part);
      const double with = overlap(own);
      if (with < best - kNoWorse) {
        own.pop_back();
        continue;
      }
      best = std::max(best, with);
      give(*part, colour);
    }
    if (best > kOneThing) unite(own);
  }

  void unite(const std::vector<const Component*>& parts) {
    for (const Component* part : parts) {
      for (const int at : part->pixels) thing_[static_cast<std::size_t>(at)] = things_;
    }
    ++things_;
  }

  void give(Component& part, std::size_t colour) {
    part.label = static_cast<int>(colour);
    for (const int at : part.pixels) {
      label(at) = part.label;
      accent_[static_cast<std::size_t>(at)] = true;
    }
  }

  // Whether a disc of that radius fits into it.
  bool thick(const Component& component, double radius) const {
    const int reach = static_cast<int>(std::ceil(radius));
    const double limit = radius * radius;
    return std::any_of(component.pixels.begin(), component.pixels.end(), [&](int at) {
      const int x = at % picture_.width;
      const int y = at / picture_.width;
      for (int dy = -reach; dy <= reach; ++dy) {
        for (int dx = -reach; dx <= reach; ++dx) {
          if (dx * dx + dy * dy > limit) continue;
          const int px = x + dx;
          const int py = y + dy;
          if (px < 0 || px >= picture_.width || py < 0 || py >= picture_.height) continue;
          if (label_[static_cast<std::size_t>(place(px, py))] != component.label) return false;
        }
      }
      return true;
    });
  }

  void find_cores() {
    owner_.assign(picture_.size(), kNone);
    const double radius = std::max(1.0, kCoreMetres * metre_);
    std::vector<Component> found;
    std::vector<std::size_t> first(static_cast<std::size_t>(things_), SIZE_MAX);
    for (Component& component : components()) {
      const int thing = thing_[static_cast<std::size_t>(component.pixels[0])];
      if (thing == kNone || first[static_cast<std::size_t>(thing)] == SIZE_MAX) {
        if (thing != kNone) first[static_cast<std::size_t>(thing)] = found.size();
        found.push_back(std::move(component));
      } else {
        Component& one = found[first[static_cast<std::size_t>(thing)]];
        one.pixels.insert(one.pixels.end(), component.pixels.begin(), component.pixels.end());
      }
    }
    for (Component& component : found) {
      const bool known = thing_[static_cast<std::size_t>(component.pixels[0])] != kNone;
      if (component.pixels.size() < 4 || (!known && !thick(component, radius))) continue;
      for (const int at : component.pixels) owner_[static_cast<std::size_t>(at)] = static_cast<int>(cores_.size());
      cores_.push_back(std::move(component));
    }
  }

  // What is left over goes to the nearest core.
  void grow() {
    std::vector<int> front;
    for (const Component& core : cores_) front.insert(front.end(), core.pixels.begin(), core.pixels.end());
    const int steps = std::max(1, static_cast<int>(std::floor(kReachMetres * metre_ + 0.5)));
    for (int step = 0; step < steps; ++step) {
      std::vector<int> next_front;
      for (const int at : front) {
        const int owner = owner_[static_cast<std::size_t>(at)];
        if (cores_[static_cast<std::size_t>(owner)].label >= static_cast<int>(kPropLabel)) continue;
        neighbours(at, [&](int next) {
          if (label(next) == kNone || owner_[static_cast<std::size_t>(next)] != kNone) return;
          owner_[static_cast<std::size_t>(next)] = owner;
          next_front.push_back(next);
        });
      }
      front = std::move(next_front);
    }
  }

  // What lies wholly inside a thing is the thing's.
  void fill_holes() {
    std::vector<bool> seen(picture_.size(), false);
    for (int start = 0; start < static_cast<int>(picture_.size()); ++start) {
      if (owner_[static_cast<std::size_t>(start)] != kNone || seen[static_cast<std::size_t>(start)]) continue;
      std::vector<int> pixels = {start};
      seen[static_cast<std::size_t>(start)] = true;
      int owner = kNone;
      bool enclosed = true;
      for (std::size_t i = 0; i < pixels.size(); ++i) {
        const int x = pixels[i] % picture_.width;
        const int y = pixels[i] / picture_.width;
        if (x == 0 || y == 0 || x + 1 == picture_.width || y + 1 == picture_.height) enclosed = false;
        neighbours(pixels[i], [&](int next) {
          const int other = owner_[static_cast<std::size_t>(next)];
          if (other != kNone) {
            if (owner != kNone && other != owner) enclosed = false;
            owner = other;
          } else if (!seen[static_cast<std::size_t>(next)]) {
            seen[static_cast<std::size_t>(next)] = true;
            pixels.push_back(next);
          }
        });
      }
      if (!enclosed || owner == kNone) continue;
      for (const int at : pixels) owner_[static_cast<std::size_t>(at)] = owner;
    }
  }

  Blob blob(int number) const {
    const Component& core = cores_[static_cast<std::size_t>(number)];
    Blob blob;
    blob.label = static_cast<std::size_t>(core.label);
    int right = 0;
    int bottom = 0;
    blob.left = picture_.width;
    blob.top = picture_.height;
    for (int at = 0; at < static_cast<int>(picture_.size()); ++at) {
      if (owner_[static_cast<std::size_t>(at)] != number) continue;
      blob.left = std::min(blob.left, at % picture_.width);
      right = std::max(right, at % picture_.width);
      blob.top = std::min(blob.top, at / picture_.width);
      bottom = std::max(bottom, at / picture_.width);
    }
    blob.cut = blob.left == 0 || blob.top == 0 || right + 1 == picture_.width || bottom + 1 == picture_.height;
    --blob.left;
    --blob.top;
    blob.width = right - blob.left + 2;
    blob.height = bottom - blob.top + 2;
    blob.cover.assign(static_cast<std::size_t>(blob.width) * static_cast<std::size_t>(blob.height), 0.0F);
    double accents = 0;
    double inner = 0;
    double count = 0;
    std::size_t at = 0;
    for (int y = blob.top; y < blob.top + blob.height; ++y) {
      for (int x = blob.left; x < blob.left + blob.width; ++x, ++at) {
        const double cover = covered(number, blob.label, x, y);
        if (cover <= 0) continue;
        blob.cover[at] = static_cast<float>(cover);
        blob.area += cover;
        blob.x += cover * (x + 0.5);
        blob.y += cover * (y + 0.5);
        const bool accent = accent_[static_cast<std::size_t>(place(x, y))];
        accents += accent ? 1 : 0;
        count += 1;
        if (accent || cover < 1) continue;
        for (std::size_t c = 0; c < 3; ++c) blob.paint[c] += rgb(place(x, y))[c];
        inner += 1;
      }
    }
    blob.x /= blob.area;
    blob.y /= blob.area;
    for (double& channel : blob.paint) channel /= std::max(1.0, inner);
    blob.accent = count > 0 ? accents / count : 0;
    return blob;
  }

  // How much of a pixel a thing covers: all of those inside; of those at its edge as much as they are unlike the
  // surroundings.
  double covered(int number, std::size_t label, int x, int y) const {
    if (x < 0 || y < 0 || x >= picture_.width || y >= picture_.height) return 0;
    const int at = place(x, y);
    const int owner = owner_[static_cast<std::size_t>(at)];
    if (owner != number && owner != kNone) return 0;
    bool inside = owner == number;
    bool beside = false;
    neighbours(at, [&](int next) {
      const int other = owner_[static_cast<std::size_t>(next)];
      if (other == kNone) inside = false;
      if (other == number) beside = true;
    });
    if (inside) return 1;
    if (owner == kNone && !beside) return 0;
    // Its rim's paint tells how strange a pixel is that it covers wholly.
    double full = 0;
    for (const double shade : {0.6, 0.9}) {
      std::array<std::uint8_t, 3> rim{};
      for (std::size_t c = 0; c < 3; ++c) rim[c] = to_byte(paints_[label][c] * shade);
      full = std::max(full, surroundings_.strangeness(rim.data(), y));
    }
    return clamp01(surroundings_.strangeness(rgb(at), y) / std::max(full, 60.0));
  }

  Picture picture_;
  const Surroundings& surroundings_;
  double metre_;
  bool night_ = false;
  std::array<Paint, kLabels> paints_{};
  std::vector<int> label_;
  std::vector<int> owner_;
  std::vector<bool> accent_;
  std::vector<int> cluster_;
  std::vector<int> thing_;  // of pixels whose thing is known by its outline
  int things_ = 0;
  std::vector<Component> cores_;
};

}  // namespace

std::vector<Blob> find_blobs(const ClipView& clip, int frame, const Surroundings& surroundings) {
  const std::size_t bytes = static_cast<std::size_t>(clip.width) * static_cast<std::size_t>(clip.height) * 3;
  const Picture picture{clip.rgb.data() + static_cast<std::size_t>(frame) * bytes, clip.width, clip.height};
  return Labelling(picture, surroundings, surroundings.projection(frame).scale()).blobs();
}

}  // namespace starling::train::evaluation
