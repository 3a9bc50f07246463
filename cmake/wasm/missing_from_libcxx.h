#pragma once

// What the standard library of Debian 12's emscripten (libc++ 13) lacks of C++20, as far as these sources use it.
// Included before everything else where it is that library, so that no source need know.

#include <algorithm>
#include <array>
#include <compare>
#include <functional>
#include <iterator>
#include <utility>

#if !defined(_LIBCPP_VERSION) || _LIBCPP_VERSION >= 15000
#error "this standard library has what stands here: take cmake/wasm/missing_from_libcxx.h out of the build"
#endif

namespace std {  // NOLINT(cert-dcl58-cpp)

template <class To, class From>
constexpr To bit_cast(const From& from) noexcept {
  return __builtin_bit_cast(To, from);
}

template <class T, size_t N>
constexpr strong_ordering operator<=>(const array<T, N>& a, const array<T, N>& b) {
  for (size_t i = 0; i < N; ++i) {
    if (a[i] != b[i]) return a[i] < b[i] ? strong_ordering::less : strong_ordering::greater;
  }
  return strong_ordering::equal;
}

namespace ranges {

template <class Range, class Predicate, class Projection = identity>
constexpr auto find_if(Range&& range, Predicate predicate, Projection projection = {}) {
  return std::find_if(std::begin(range), std::end(range),
                      [&](auto&& one) -> bool { return std::invoke(predicate, std::invoke(projection, one)); });
}
template <class Range, class Value, class Projection = identity>
constexpr auto find(Range&& range, const Value& value, Projection projection = {}) {
  return ranges::find_if(
      range, [&](const auto& one) { return one == value; }, projection);
}
template <class Range, class Predicate, class Projection = identity>
constexpr bool any_of(Range&& range, Predicate predicate, Projection projection = {}) {
  return ranges::find_if(range, predicate, projection) != std::end(range);
}
template <class Range, class Predicate, class Projection = identity>
constexpr bool none_of(Range&& range, Predicate predicate, Projection projection = {}) {
  return !ranges::any_of(range, predicate, projection);
}
template <class Range, class Predicate, class Projection = identity>
constexpr bool all_of(Range&& range, Predicate predicate, Projection projection = {}) {
  return !ranges::any_of(
      range, [&](const auto& one) { return !std::invoke(predicate, one); }, projection);
}
template <class Range, class Function>
constexpr void for_each(Range&& range, Function function) {
  std::for_each(std::begin(range), std::end(range), [&](auto&& one) { std::invoke(function, one); });
}
template <class Range, class Value>
constexpr auto count(Range&& range, const Value& value) {
  return std::count(std::begin(range), std::end(range), value);
}
template <class Range>
constexpr auto min(Range&& range) {
  return *std::min_element(std::begin(range), std::end(range));
}
template <class Range>
constexpr auto max(Range&& range) {
  return *std::max_element(std::begin(range), std::end(range));
}
template <class One, class Other>
constexpr bool equal(One&& one, Other&& other) {
  return std::equal(std::begin(one), std::end(one), std::begin(other), std::end(other));
}
template <class Range, class Value>
constexpr void fill(Range&& range, const Value& value) {
  std::fill(std::begin(range), std::end(range), value);
}
template <class Range, class Iterator>
constexpr auto copy(Range&& range, Iterator into) {
  return std::copy(std::begin(range), std::end(range), into);
}
template <class Range>
constexpr void reverse(Range&& range) {
  std::reverse(std::begin(range), std::end(range));
}
template <class Range, class Value>
constexpr void replace(Range&& range, const Value& value, const Value& by) {
  std::replace(std::begin(range), std::end(range), value, by);
}
template <class Range, class Predicate, class Value>
constexpr void replace_if(Range&& range, Predicate predicate, const Value& by) {
  std::replace_if(std::begin(range), std::end(range), predicate, by);
}

namespace missing {
// The order of two elements by what projection makes of them.
template <class Order, class Projection>
auto ordered(Order& order, Projection& projection) {
  return [&](const auto& a, const auto& b) -> bool {
    return std::invoke(order, std::invoke(projection, a), std::invoke(projection, b));
  };
}
}  // namespace missing

template <class Range, class Order = std::less<>, class Projection = identity>
constexpr void sort(Range&& range, Order order = {}, Projection projection = {}) {
  std::sort(std::begin(range), std::end(range), missing::ordered(order, projection));
}
template <class Range, class Order = std::less<>, class Projection = identity>
constexpr void stable_sort(Range&& range, Order order = {}, Projection projection = {}) {
  std::stable_sort(std::begin(range), std::end(range), missing::ordered(order, projection));
}
template <class Range, class Value, class Order = std::less<>, class Projection = identity>
constexpr auto lower_bound(Range&& range, const Value& value, Order order = {}, Projection projection = {}) {
  return std::lower_bound(std::begin(range), std::end(range), value, [&](const auto& one, const auto& key) -> bool {
    return std::invoke(order, std::invoke(projection, one), key);
  });
}
template <class Range, class Value, class Order = std::less<>, class Projection = identity>
constexpr auto upper_bound(Range&& range, const Value& value, Order order = {}, Projection projection = {}) {
  return std::upper_bound(std::begin(range), std::end(range), value, [&](const auto& key, const auto& one) -> bool {
    return std::invoke(order, key, std::invoke(projection, one));
  });
}

}  // namespace ranges
}  // namespace std
