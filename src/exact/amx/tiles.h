#pragma once

#include <cstddef>

#include "exact/amx/tile_configuration.h"

namespace starling::exact::amx {

// The instructions on tiles 0 to 7, whose sizes configure() sets; all of them are zeros after it. They are written out
// because the compilers' own forms do not say which memory they touch (g++ 12 then drops the stores that fill a
// configuration). See exact/amx/tile_dot.h for what they do, and Intel's Software Developer's Manual, volume 2.
struct Tiles {
  static void configure(const TileConfiguration& configuration) {
    asm volatile("ldtilecfg %0" : : "m"(configuration) : "memory");
  }
  static void release() { asm volatile("tilerelease" : : : "memory"); }

  template <int kTile>
  static void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
  }
  template <int kTile>
  static void load(const void* from, std::ptrdiff_t pitch) {
    asm volatile("tileloadd (%1,%2,1), %%tmm%c0" : : "i"(kTile), "r"(from), "r"(pitch) : "memory");
  }
  template <int kTile>
  static void store(void* to, std::ptrdiff_t pitch) {
    asm volatile("tilestored %%tmm%c0, (%1,%2,1)" : : "i"(kTile), "r"(to), "r"(pitch) : "memory");
  }
  template <bool kUnsigned, int kSums, int kRows, int kColumns>
  static void multiply() {
    if constexpr (kUnsigned) {
      asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kRows), "i"(kColumns));
    } else {
      asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kRows), "i"(kColumns));
    }
  }
};

}  // namespace starling::exact::amx
