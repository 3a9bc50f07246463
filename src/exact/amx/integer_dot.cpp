#include "exact/amx/backend.h"
#include "exact/amx/tile_dot.h"
#include "exact/amx/tiles.h"
#include "exact/avx512/integer_vector.h"

namespace starling::exact::amx {
namespace {

// Four bytes a word, packed as they are: tiles multiply signed with signed bytes.
struct ByteVector : avx512::IntegerWords {
  static constexpr int kVectors = 2;
  static constexpr int kDepth = 4;
  static constexpr bool kWidens = false;
  static constexpr bool kOffsetsSigned = false;
  static constexpr bool kOffsetsUnsigned = false;

  template <bool kSigned>
  static I row_words(const std::uint8_t* from) {
    return load(from);
  }
  template <bool kUnsigned>
  static I column_words(const std::uint8_t* from) {
    return load(from);
  }
};

}  // namespace

void fill_integer_dot(Kernels& kernels) { kernels.integer_dot = TileDot<Tiles, ByteVector>::kernels("amx"); }

}  // namespace starling::exact::amx
