#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace starling::exact::loops {

// kCount vectors V as one, on which each operation is done before the next: a long chain of operations on one vector
// waits for itself, and a CPU looks ahead at no more than one or two of them.
template <class V, std::size_t kCount>
struct InStep {
  static constexpr int kLanes = static_cast<int>(kCount) * V::kLanes;
  struct F {
    typename V::F of[kCount];
  };
  struct I {
    typename V::I of[kCount];
  };
  struct M {
    typename V::M of[kCount];
  };

  static F broadcast(float value) { return same<F>(V::broadcast(value), kAll); }
  static I broadcast_bits(std::uint32_t value) { return same<I>(V::broadcast_bits(value), kAll); }
  static F load(const float* from) { return loaded(from, kAll); }

  static F add(F a, F b) {
    return each<F>([](auto x, auto y) { return V::add(x, y); }, a, b);
  }
  static F sub(F a, F b) {
    return each<F>([](auto x, auto y) { return V::sub(x, y); }, a, b);
  }
  static F mul(F a, F b) {
    return each<F>([](auto x, auto y) { return V::mul(x, y); }, a, b);
  }
  static F div(F a, F b) {
    return each<F>([](auto x, auto y) { return V::div(x, y); }, a, b);
  }
  static F fma(F a, F b, F c) {
    return each<F>([](auto x, auto y, auto z) { return V::fma(x, y, z); }, a, b, c);
  }

  static I bits(F a) {
    return each<I>([](auto x) { return V::bits(x); }, a);
  }
  static F from_bits(I a) {
    return each<F>([](auto x) { return V::from_bits(x); }, a);
  }
  static I add_bits(I a, I b) {
    return each<I>([](auto x, auto y) { return V::add_bits(x, y); }, a, b);
  }
  static I sub_bits(I a, I b) {
    return each<I>([](auto x, auto y) { return V::sub_bits(x, y); }, a, b);
  }
  static I and_bits(I a, I b) {
    return each<I>([](auto x, auto y) { return V::and_bits(x, y); }, a, b);
  }
  static I or_bits(I a, I b) {
    return each<I>([](auto x, auto y) { return V::or_bits(x, y); }, a, b);
  }
  template <int kBits>
  static I shift_left(I a) {
    return each<I>([](auto x) { return V::template shift_left<kBits>(x); }, a);
  }
  template <int kBits>
  static I shift_right(I a) {
    return each<I>([](auto x) { return V::template shift_right<kBits>(x); }, a);
  }
  static I round(F a) {
    return each<I>([](auto x) { return V::round(x); }, a);
  }
  static F to_float(I a) {
    return each<F>([](auto x) { return V::to_float(x); }, a);
  }
  static F scale(F a, I n) requires requires(typename V::F x, typename V::I y) { V::scale(x, y); }
  {
    return each<F>([](auto x, auto y) { return V::scale(x, y); }, a, n);
  }

  static M less(F a, F b) {
    return each<M>([](auto x, auto y) { return V::less(x, y); }, a, b);
  }
  static M unordered(F a, F b) {
    return each<M>([](auto x, auto y) { return V::unordered(x, y); }, a, b);
  }
  static F select(M condition, F a, F b) {
    return each<F>([](auto c, auto x, auto y) { return V::select(c, x, y); }, condition, a, b);
  }
  static F greater_of(F a, F b) {
    return each<F>([](auto x, auto y) { return V::greater_of(x, y); }, a, b);
  }
  static F lesser_of(F a, F b) {
    return each<F>([](auto x, auto y) { return V::lesser_of(x, y); }, a, b);
  }

 private:
  static constexpr std::make_index_sequence<kCount> kAll{};

  template <std::size_t kIndex, class Function, class... Operands>
  static auto one(const Function& function, const Operands&... operands) {
    return function(operands.of[kIndex]...);
  }
  template <class Result, class Function, std::size_t... kIndex, class... Operands>
  static Result all(std::index_sequence<kIndex...>, const Function& function, const Operands&... operands) {
    return {{one<kIndex>(function, operands...)...}};
  }
  template <class Result, class Function, class... Operands>
  static Result each(const Function& function, const Operands&... operands) {
    return all<Result>(kAll, function, operands...);
  }
  template <class Result, class Part, std::size_t... kIndex>
  static Result same(Part part, std::index_sequence<kIndex...>) {
    return {{(static_cast<void>(kIndex), part)...}};
  }
  template <std::size_t... kIndex>
  static F loaded(const float* from, std::index_sequence<kIndex...>) {
    return {{V::load(from + kIndex * static_cast<std::size_t>(V::kLanes))...}};
  }
};

}  // namespace starling::exact::loops
