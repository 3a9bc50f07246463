#include "exact/view.h"

#include <algorithm>

namespace starling::exact {
namespace {

// Appends a factor, joined with the one before when that one continues it.
void append(std::vector<Factor>& factors, Factor next) {
  if (next.size == 1) return;
  if (!factors.empty() && factors.back().stride == next.stride * static_cast<std::ptrdiff_t>(next.size)) {
    factors.back() = {factors.back().size * next.size, next.stride};
  } else {
    factors.push_back(next);
  }
}

}  // namespace

View View::contiguous(const Shape& shape) {
  View view;
  view.axes_.resize(static_cast<std::size_t>(shape.rank()));
  std::ptrdiff_t stride = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    if (shape[axis] != 1) view.axes_[static_cast<std::size_t>(axis)] = {{shape[axis], stride}};
    stride *= static_cast<std::ptrdiff_t>(shape[axis]);
  }
  return view;
}

View View::repeated(const Shape& shape) {
  View view;
  for (const std::int64_t size : shape.sizes()) {
    view.axes_.push_back(size == 1 ? std::vector<Factor>{} : std::vector<Factor>{{size, 0}});
  }
  return view;
}

View View::repeating() const {
  View view = *this;
  view.offset_ = 0;
  for (std::vector<Factor>& axis : view.axes_) {
    for (Factor& factor : axis) factor.stride = 0;
  }
  return view;
}

std::optional<View> View::reshape(const Shape& shape) const {
  std::vector<Factor> left = factors();
  View out;
  out.offset_ = offset_;
  out.axes_.resize(static_cast<std::size_t>(shape.rank()));
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    std::vector<Factor>& taken = out.axes_[static_cast<std::size_t>(axis)];
    std::int64_t want = shape[axis];
    while (want > 1) {
      Factor& inner = left.back();
      if (want % inner.size == 0) {
        want /= inner.size;
        taken.push_back(inner);
        left.pop_back();
      } else if (inner.size % want == 0) {
        taken.push_back({want, inner.stride});
        inner = {inner.size / want, inner.stride * static_cast<std::ptrdiff_t>(want)};
        want = 1;
      } else {
        return std::nullopt;
      }
    }
    std::ranges::reverse(taken);
  }
  return out;
}

View View::permute(std::span<const std::int64_t> axes) const {
  View out;
  out.offset_ = offset_;
  for (const std::int64_t axis : axes) out.axes_.push_back(axes_[static_cast<std::size_t>(axis)]);
  return out;
}

std::optional<View> View::slice(int axis, std::int64_t start, std::int64_t count, std::int64_t step) const {
  View out = *this;
  std::vector<Factor>& cut = out.axes_[static_cast<std::size_t>(axis)];
  cut = factors(axis, axis + 1);
  if (cut.empty()) return out;  // an axis of size 1 has but one slice
  std::int64_t inner = 1;
  for (std::size_t i = 1; i < cut.size(); ++i) inner *= cut[i].size;
  if (inner != 1 && (step != 1 || start % inner != 0 || count % inner != 0)) return std::nullopt;
  out.offset_ += static_cast<std::ptrdiff_t>(start / inner) * cut[0].stride;
  cut[0] = {count / inner, cut[0].stride * static_cast<std::ptrdiff_t>(step)};
  if (cut[0].size == 1) cut.erase(cut.begin());
  return out;
}

View View::expand(const Shape& shape) const {
  if (axes_.empty()) {
    View out = repeated(shape);
    out.offset_ = offset_;
    return out;
  }
  View out = *this;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    std::vector<Factor>& factors = out.axes_[static_cast<std::size_t>(axis)];
    if (factors.empty() && shape[axis] != 1) factors = {{shape[axis], 0}};
  }
  return out;
}

std::optional<View> View::patches(std::span<const std::int64_t> kernel, std::span<const std::int64_t> stride) const {
  View out;
  out.offset_ = offset_;
  out.axes_.resize(8);
  out.axes_[0] = axes_[0];
  out.axes_[7] = axes_[4];
  for (std::size_t i = 0; i < 3; ++i) {
    const std::vector<Factor> along = factors(static_cast<int>(i) + 1, static_cast<int>(i) + 2);
    if (along.size() > 1) return std::nullopt;
    if (along.empty()) continue;  // size 1, so kernel 1 and one window
    const std::int64_t windows = (along[0].size - kernel[i]) / stride[i] + 1;
    if (windows > 1) out.axes_[i + 1] = {{windows, along[0].stride * static_cast<std::ptrdiff_t>(stride[i])}};
    if (kernel[i] > 1) out.axes_[i + 4] = {{kernel[i], along[0].stride}};
  }
  return out;
}

std::vector<Factor> View::factors(int first, int last) const {
  std::vector<Factor> out;
  for (int axis = first; axis < last; ++axis) {
    for (const Factor& factor : axes_[static_cast<std::size_t>(axis)]) append(out, factor);
  }
  return out;
}

bool View::is_contiguous() const {
  const std::vector<Factor> all = factors();
  return all.empty() || (all.size() == 1 && all[0].stride == 1);
}

Axis to_axis(std::span<const Factor> factors) {
  Axis axis;
  axis.factors = static_cast<int>(std::min<std::size_t>(factors.size(), Axis::kMaxFactors));
  for (int i = 0; i < axis.factors; ++i) {
    axis.size[i] = factors[static_cast<std::size_t>(i)].size;
    axis.stride[i] = factors[static_cast<std::size_t>(i)].stride;
  }
  return axis;
}

}  // namespace starling::exact
